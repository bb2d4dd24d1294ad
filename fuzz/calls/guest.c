/* guest.c - the guest's side of the fuzzer of system calls: a riscv64 program that makes random calls with arguments
 * that are right, nearly right, or the emulator's own.
 *
 *   fuzz_calls_guest SEED COUNT      started by build/fuzz_calls
 *
 * It says on standard output that it is ready, and reads from standard input where the emulator is: start and end of
 * its mappings, two words each, then two zeros. What a call is made of depends on the seed and the kernel's answers
 * only. The program tries to survive what it does to itself; it need not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../../test/process/guest/rows.h"

enum { ARENA = 1 << 20, PAGE = 4096, RANGES = 512, OWN_FDS = 24, CHILD_CALLS = 60, MB = 1 << 20 };

static struct { uint64_t start, end; } ranges[RANGES];
static unsigned range_count;
static uint64_t state;
static char *arena; /* its second half has holes and all kinds of rights */
static sigjmp_buf again;
static long left;      /* calls to make */
static uint64_t *made; /* shared with the host: how many were made */
static struct io_uring_params ring;
static char *ring_words;
static struct io_uring_sqe *ring_requests;
static uint64_t ring_fd, aio_context;

static uint64_t next(void) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t below(uint64_t n) {
    return next() % n;
}

static bool one_in(unsigned n) {
    return below(n) == 0;
}

#define PICK(array) array[below(sizeof array / sizeof *array)]

/* ---- arguments */

static uint64_t edge(void) {
    static const uint64_t some[] = {0,
                                    1,
                                    8,
                                    PAGE,
                                    0x10000,
                                    0x3ffffff000,
                                    0x4000000000,
                                    0x3fffffffffff,
                                    0x400000000000,
                                    0x7ffffffff000,
                                    0x800000000000,
                                    0xffff800000000000,
                                    0xffffffffff600000,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0xfffffffffffff000,
                                    UINT64_MAX};
    return PICK(some) + below(3) - below(3);
}

static uint64_t address(void) {
    switch (below(10)) {
    case 0: return edge();
    case 1:
    case 2:
        if (range_count) {
            unsigned i = (unsigned)below(range_count);
            uint64_t size = ranges[i].end - ranges[i].start;
            switch (below(4)) {
            case 0: return ranges[i].start;
            case 1: return ranges[i].end - below(64);
            case 2: return ranges[i].start - below(64);
            default: return ranges[i].start + below(size);
            }
        }
        return next();
    case 3: return (uintptr_t)arena + below(ARENA / PAGE) * PAGE - below(32);
    case 4: return 0;
    default: return (uintptr_t)arena + below(ARENA / 2 - PAGE) / 8 * 8;
    }
}

static uint64_t page_address(void) {
    return one_in(8) ? address() : address() & -(uint64_t)PAGE;
}

static uint64_t number(void) {
    static const uint64_t some[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    7,
                                    8,
                                    16,
                                    17,
                                    24,
                                    31,
                                    32,
                                    63,
                                    64,
                                    100,
                                    128,
                                    255,
                                    256,
                                    1023,
                                    1024,
                                    1025,
                                    4096,
                                    65535,
                                    65536,
                                    0x7fffffff,
                                    1u << 31,
                                    0xffffffff,
                                    (uint64_t)1 << 32,
                                    1 << 20,
                                    UINT64_MAX,
                                    UINT64_MAX - 1,
                                    INT64_MAX};
    return one_in(8) ? next() : PICK(some);
}

static uint64_t flag(void) {
    uint64_t v = UINT64_C(1) << below(32);
    if (one_in(2)) v |= UINT64_C(1) << below(20);
    return one_in(3) ? 0 : one_in(12) ? next() : v;
}

static uint64_t descriptor(void) {
    switch (below(16)) {
    case 0: return UINT64_MAX;
    case 1: return 1023 + below(3);
    case 2: return (uint64_t)AT_FDCWD;
    case 3: return number();
    default: return below(OWN_FDS);
    }
}

static uint64_t text(void) {
    static const char *const some[] = {"/",
                                       "/file",
                                       ".",
                                       "..",
                                       "",
                                       "/none/x",
                                       "x",
                                       "directory",
                                       "/guest",
                                       "/proc/self/maps",
                                       "/proc/self/mem",
                                       "/proc/self/exe",
                                       "/proc/self/fd",
                                       "/proc/self/status",
                                       "link",
                                       "user.x",
                                       "/proc/self/task"};
    if (one_in(6)) return address();
    char *to = arena + below(ARENA / 2 - PAGE);
    strcpy(to, PICK(some));
    return (uintptr_t)to;
}

/* Something in memory that looks like what calls take: words that are addresses, sizes, numbers. */
static uint64_t structure(void) {
    uint64_t *to = (uint64_t *)(void *)(arena + below(ARENA / 2 - PAGE) / 8 * 8);
    if (one_in(3)) return address();
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = one_in(3) ? address() : one_in(3) ? number() : one_in(2) ? below(64) : flag();
        to[i] = word;
    }
    if (one_in(2)) to[1] = below(PAGE); /* a vector's first size */
    if (one_in(2)) to[3] = below(4);    /* a message's count */
    return (uintptr_t)to;
}

static uint64_t argument(char letter) {
    if (one_in(24)) return next();
    switch (letter) {
    case 'f':
    case 'd': return descriptor();
    case 'p':
    case 't': return one_in(2) ? (uint64_t)getpid() : one_in(2) ? 0 : number();
    case 'n': return below(66);
    case 'c': return below(12);
    case 'P':
    case 'L':
    case 'S': return text();
    case 'z': return one_in(3) ? number() : below(PAGE);
    case 'x':
    case 'm': return flag();
    case 'V':
    case '<':
    case '>':
    case '=':
    case 'A':
    case 'B':
    case 'D': return structure();
    case 'l': return one_in(3) ? number() : one_in(3) ? page_address() : structure();
    default: return one_in(4) ? next() : number();
    }
}

/* ---- requests that the kernel works on by itself */

/* Puts random ones into the ring's queue; how many. */
static uint64_t ring_fill(void) {
    unsigned *tail = (unsigned *)(void *)(ring_words + ring.sq_off.tail);
    unsigned *array = (unsigned *)(void *)(ring_words + ring.sq_off.array), n = 1 + (unsigned)below(4);
    for (unsigned i = 0; i < n; i++) {
        unsigned at = (*tail + i) & (ring.sq_entries - 1);
        ring_requests[at] = (struct io_uring_sqe){.opcode = (uint8_t)below(60),
                                                  .flags = one_in(3) ? (uint8_t)next() : 0,
                                                  .ioprio = one_in(4) ? (uint16_t)flag() : 0,
                                                  .fd = (int)descriptor(),
                                                  .off = one_in(2)   ? 0
                                                         : one_in(2) ? structure()
                                                                     : number(),
                                                  .addr = one_in(4) ? text() : structure(),
                                                  .len = (uint32_t)(one_in(2) ? below(64) : number()),
                                                  .rw_flags = one_in(2) ? 0 : (int)flag(),
                                                  .buf_index = one_in(2) ? 0 : (uint16_t)below(4),
                                                  .file_index = one_in(4) ? (uint32_t)below(4) : 0,
                                                  .addr3 = one_in(4) ? text() : 0,
                                                  .user_data = next()};
        array[at] = one_in(16) ? (unsigned)next() : at;
    }
    __atomic_store_n(tail, *tail + (one_in(16) ? (unsigned)next() : n), __ATOMIC_SEQ_CST);
    return n;
}

/* A list of random ones. */
static uint64_t list_fill(uint64_t n) {
    char *room = arena + below(ARENA / 4) / 8 * 8;
    uint64_t *list = (uint64_t *)(void *)room;
    struct iocb *r = (struct iocb *)(void *)(room + 64);
    for (unsigned i = 0; i < n; i++) {
        r[i] = (struct iocb){.aio_lio_opcode = (uint16_t)below(10),
                             .aio_fildes = (uint32_t)descriptor(),
                             .aio_buf = structure(),
                             .aio_nbytes = one_in(2) ? below(8) : number(),
                             .aio_offset = one_in(2) ? 0 : (int64_t)number(),
                             .aio_flags = one_in(3) ? (uint32_t)below(4) : 0,
                             .aio_resfd = (uint32_t)descriptor()};
        list[i] = one_in(16) ? address() : (uintptr_t)&r[i];
    }
    return (uintptr_t)list;
}

static void shape_request(const char *name, uint64_t a[6]) {
    if (!strcmp(name, "io_uring_enter") && ring_requests && !one_in(8)) {
        a[0] = ring_fd, a[1] = ring_fill(), a[2] = below(3), a[3] = one_in(4) ? flag() : below(2);
        if (!one_in(4)) a[4] = 0, a[5] = 8;
    } else if (!strcmp(name, "io_uring_register") && !one_in(8)) {
        a[0] = ring_fd, a[1] = below(30);
        if (!one_in(4)) a[3] = below(8);
    } else if (!strncmp(name, "io_", 3) && strncmp(name, "io_uring", 8) && strcmp(name, "io_setup") && !one_in(8)) {
        a[0] = aio_context;
        if (!strcmp(name, "io_submit")) a[1] = below(8), a[2] = list_fill(a[1]);
        if (!strcmp(name, "io_getevents") || !strcmp(name, "io_pgetevents")) a[1] = below(2), a[2] = 1 + below(600);
        if (!strcmp(name, "io_destroy") && !one_in(20)) a[0] = address();
    }
}

/* ---- calls that need care */

static bool left_out(const char *name) {
    static const char *const names[] = {"exit", "exit_group", "vhangup", "sync", "syncfs", "fsync", "fdatasync"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) return !one_in(500);
    return false;
}

static void shape(const char *name, uint64_t a[6]) {
    static const uint64_t clones[] = {SIGCHLD,
                                      SIGCHLD,
                                      SIGSEGV,
                                      CLONE_VM | CLONE_VFORK | SIGCHLD,
                                      CLONE_FILES | SIGCHLD,
                                      0x50f00,
                                      0x50f00 | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID};
    if (!strcmp(name, "mmap")) {
        a[0] = one_in(2) ? 0 : page_address();
        if (!one_in(8)) a[1] = below(64) * PAGE;
        if (!one_in(8)) a[2] = below(8);
        a[3] = (one_in(2) ? MAP_PRIVATE : MAP_SHARED) | (one_in(3) ? 0 : MAP_ANONYMOUS) | (one_in(3) ? MAP_FIXED : 0);
        if (one_in(4)) a[3] |= flag();
        a[5] = below(4) * PAGE;
    } else if (!strcmp(name, "munmap") || !strcmp(name, "mprotect") || !strcmp(name, "mremap") ||
               !strcmp(name, "madvise")) {
        a[0] = one_in(2) ? (uintptr_t)arena + ARENA / 2 + below(ARENA / 2 / PAGE) * PAGE : page_address();
        if (!one_in(4)) a[1] = below(16) * PAGE;
        if (!strcmp(name, "mremap") && !one_in(4)) a[2] = below(64) * PAGE, a[3] = below(8), a[4] = page_address();
        if (!strcmp(name, "mprotect") && !one_in(4)) a[2] = below(8);
        if (!strcmp(name, "madvise") && !one_in(4)) a[2] = below(26);
    } else if (!strcmp(name, "clone")) {
        a[0] = one_in(4) ? flag() : PICK(clones);
        a[1] = a[0] & CLONE_VM ? (uintptr_t)arena + PAGE * (1 + below(16)) : 0;
    }
}

/* A child that shares memory has a stack that may be anything, so it uses none. */
static long raw(long number, const uint64_t a[6]) {
    register long n __asm__("a7") = number;
    register uint64_t a0 __asm__("a0") = a[0], a1 __asm__("a1") = a[1], a2 __asm__("a2") = a[2],
                         a3 __asm__("a3") = a[3], a4 __asm__("a4") = a[4], a5 __asm__("a5") = a[5];
    register uint64_t shared __asm__("s2") = number == SYS_clone && (a[0] & CLONE_VM);
    __asm__ volatile("ecall\n"
                     "bnez a0, 1f\n"
                     "beqz s2, 1f\n"
                     "li a7, 172\n" /* getpid */
                     "ecall\n"
                     "li a0, 0\n"
                     "li a7, 93\n" /* exit */
                     "ecall\n"
                     "1:"
                     : "+r"(a0)
                     : "r"(n), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(shared)
                     : "memory");
    return (long)a0;
}

static void one_call(void) {
    unsigned i = (unsigned)below(row_count);
    uint64_t a[6] = {0};
    unsigned n = 0;
    if (left_out(rows[i].name)) return;
    for (const char *s = rows[i].args; *s && n < 6; s += strcspn(s, " "), s += *s == ' ', n++) {
        a[n] = s[strcspn(s, "? ")] == '?' && one_in(2) ? 0 : argument(*s);
        if ((*s == 'p' || *s == 't') && (uint32_t)a[n] == 1) a[n] = 2; /* the first process watches */
    }
    shape(rows[i].name, a);
    shape_request(rows[i].name, a);
    ++*made;
    long r = raw(rows[i].number, a);
    if (rows[i].number == SYS_clone && r == 0 && left > CHILD_CALLS) left = (long)below(CHILD_CALLS);
}

/* ---- staying alive */

static void on_signal(int s) {
    if (s != SIGALRM) siglongjmp(again, 1);
}

static void protect(void) {
    static char stack[16384];
    const struct itimerval soon = {{0, 1500}, {0, 1500}};
    const stack_t st = {.ss_sp = stack, .ss_size = sizeof stack};
    sigset_t none;
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&st, NULL);
    for (int s = 1; s <= 64; s++)
        if (s != SIGKILL && s != SIGSTOP && s != SIGTERM) sigaction(s, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    mmap(arena, ARENA / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void open_all(void) {
    int pair[2];
    open("file", O_CREAT | O_RDWR, 0600);
    open("directory", O_RDONLY | O_DIRECTORY);
    if (pipe2(pair, O_NONBLOCK) == 0) (void)!write(pair[1], "some bytes", 10);
    if (pipe(pair) == 0) (void)!write(pair[1], "more", 4);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    epoll_create1(0);
    eventfd(3, EFD_NONBLOCK);
    timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    inotify_init1(IN_NONBLOCK);
    int memory = memfd_create("m", 0);
    if (memory >= 0) (void)!ftruncate(memory, 4 * PAGE);
    ring_fd = (uint64_t)syscall(SYS_io_uring_setup, 8, &ring);
    syscall(SYS_io_setup, 16, &aio_context);
    open("/proc/self/maps", O_RDONLY);
    open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
}

static void ring_map(void) {
    const int shared = MAP_SHARED | MAP_POPULATE, rights = PROT_READ | PROT_WRITE;
    void *words = mmap(NULL, PAGE, rights, shared, (int)ring_fd, IORING_OFF_SQ_RING);
    void *requests = mmap(NULL, PAGE, rights, shared, (int)ring_fd, (off_t)IORING_OFF_SQES);
    if (words == MAP_FAILED || requests == MAP_FAILED) return;
    ring_words = words;
    ring_requests = requests;
}

/* The C library's functions look whether their frames were written over. Calls write where they like here; that message
   is to be left for vee's own. */
_Noreturn void __stack_chk_fail(void);
void __stack_chk_fail(void) {
    _exit(99);
}

int main(int argc, char **argv) {
    if (argc < 3) return 0;
    const struct rlimit memory = {256 * MB, 256 * MB};
    state = strtoull(argv[1], NULL, 0);
    left = atol(argv[2]);
    made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    if (made == MAP_FAILED || close(3) || write(1, "r", 1) != 1) return 2;
    while (range_count < RANGES && read(0, &ranges[range_count], 16) == 16 && ranges[range_count].end) range_count++;
    setrlimit(RLIMIT_AS, &memory);
    arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED) return 2;
    open_all();
    ring_map();
    sigsetjmp(again, 1);
    protect();
    while (left-- > 0) {
        if (left % 16 == 15) protect();
        one_call();
    }
    return 0;
}
