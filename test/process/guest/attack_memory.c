/* attack_memory.c - changing mappings where the emulator's are: nothing there may be unmapped, replaced, moved,
 * protected or thrown away, and the answer is the one for addresses that no program can have. */
#include "emulator.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { PAGE = 4096 };
#define NOBODY ((void *)-1)

static void *at(uint64_t address) {
    return (void *)(uintptr_t)address;
}

/* Succeeds only somewhere else. */
static void elsewhere(void *got, uint64_t start) {
    if (got == MAP_FAILED) return;
    CHECK(got != at(start));
    memset(got, 1, PAGE);
    CHECK_IS(munmap(got, PAGE), 0);
}

static void attack(uint64_t start, uint64_t size) {
    const int rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *mine = mmap(NULL, 2 * PAGE, rw, anonymous, -1, 0);
    CHECK(mine != MAP_FAILED);
    mine[0] = 7;
    CHECK_FAILS(munmap(at(start), size), EINVAL);
    CHECK_FAILS(munmap(at(start), (size_t)-PAGE), EINVAL);
    CHECK_FAILS(mprotect(at(start), size, PROT_NONE), ENOMEM);
    CHECK_FAILS(mprotect(at(start), size, PROT_READ | PROT_GROWSDOWN), ENOMEM);
    CHECK_IS(mmap(at(start), PAGE, rw, anonymous | MAP_FIXED, -1, 0), NOBODY);
    CHECK_IS(mmap(at(start), size, rw, anonymous | MAP_FIXED, -1, 0), NOBODY);
    CHECK_IS(mmap(at(start), PAGE, rw, anonymous | MAP_FIXED_NOREPLACE, -1, 0), NOBODY);
    CHECK_IS(mmap(at(start), size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0), NOBODY);
    elsewhere(mmap(at(start), PAGE, rw, anonymous, -1, 0), start);
    elsewhere(mmap(at(start), PAGE, rw, anonymous | MAP_GROWSDOWN, -1, 0), start);
    CHECK_IS(mremap(at(start), PAGE, 2 * PAGE, MREMAP_MAYMOVE), NOBODY);
    CHECK_IS(mremap(at(start), size, PAGE, 0), NOBODY);
    CHECK_IS(mremap(at(start), PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, mine + PAGE), NOBODY);
    CHECK_IS(mremap(at(start), 0, PAGE, MREMAP_MAYMOVE), NOBODY);
    CHECK_IS(mremap(mine, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(start)), NOBODY);
    CHECK_IS(mremap(mine, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | 4 /* DONTUNMAP */, at(start)), NOBODY);
    CHECK_FAILS(madvise(at(start), size, MADV_DONTNEED), ENOMEM);
    CHECK_FAILS(madvise(at(start), size, MADV_REMOVE), ENOMEM);
    CHECK_FAILS(madvise(at(start), size, MADV_DONTFORK), ENOMEM);
    CHECK_FAILS(madvise(at(start), size, MADV_WIPEONFORK), ENOMEM);
    CHECK_FAILS(msync(at(start), size, MS_SYNC), ENOMEM);
    CHECK_FAILS(mlock(at(start), PAGE), ENOMEM);
    CHECK_FAILS(munlock(at(start), PAGE), ENOMEM);
    unsigned char there;
    CHECK_FAILS(mincore(at(start), PAGE, &there), ENOMEM);
    long end = syscall(SYS_brk, 0);
    CHECK_IS(syscall(SYS_brk, start + size), end);
    CHECK_IS(mine[0], 7);
    CHECK_IS(munmap(mine, 2 * PAGE), 0);
}

/* Ranges that begin with memory of the program and go on to what is not its own. */
static void across(uint64_t start, uint64_t end) {
    char *mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t from = (uint64_t)(uintptr_t)mine, size = end - from;
    *mine = 9;
    if (from > start) return;
    CHECK_FAILS(munmap(mine, size), EINVAL);
    CHECK_FAILS(mprotect(mine, size, PROT_NONE), ENOMEM);
    CHECK_IS(mmap(mine, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), NOBODY);
    CHECK_IS(mremap(mine, PAGE, size, 0), NOBODY);
    CHECK_IS(mremap(mine, size, PAGE, 0), NOBODY);
    CHECK_FAILS(syscall(SYS_read, 0, mine, size), EFAULT);
    CHECK_IS(*mine, 9);
    CHECK_IS(munmap(mine, PAGE), 0);
}

/* ---- code that is there no longer when more of it is wanted: the file was cut off; a child does not get it */

static int (*code_at(char *page, unsigned at))(void) {
#ifdef __riscv
    static const unsigned char five[] = {0x13, 0x05, 0x50, 0x00, 0x67, 0x80, 0x00, 0x00};
#else
    static const unsigned char five[] = {0xb8, 5, 0, 0, 0, 0xc3};
#endif
    memcpy(page + at, five, sizeof five);
    __builtin___clear_cache(page + at, page + at + 8);
    return (int (*)(void))(uintptr_t)(page + at);
}

static int (*further)(void);

static void go_further(void) {
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    _exit(further());
}

static void code_cut_off(void) {
    char name[] = "attack.tmp";
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600), here = -1;
    CHECK_IS(unlink(name), 0);
    CHECK_IS(ftruncate(fd, PAGE), 0);
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(page != MAP_FAILED);
    int (*first)(void) = code_at(page, 0);
    further = code_at(page, 256);
    fflush(stdout);
    pid_t pid = fork(); /* which shall not lie between running the first and the other */
    if (pid == 0) {
        signal(SIGBUS, SIG_DFL);
        for (int i = 0; i < 4; i++) { /* at last, nothing but the page is new */
            here += first();
            if (ftruncate(fd, i < 3 ? PAGE : 0)) _exit(1);
        }
        _exit(further() + here);
    }
    CHECK_IS(waitpid(pid, &here, 0), pid);
    CHECK_IS(here & 0x7f, SIGBUS);
    CHECK_IS(munmap(page, PAGE), 0);
    close(fd);
}

static void code_left_behind(void) {
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int (*first)(void) = code_at(page, 0);
    further = code_at(page, 256);
    CHECK_IS(child_status(go_further), 5 << 8);
    CHECK_IS(madvise(page, PAGE, MADV_DONTFORK), 0);
    CHECK_IS(first(), 5);
    CHECK_IS(WTERMSIG(child_status(go_further)), SIGSEGV);
    CHECK_IS(munmap(page, PAGE), 0);
}

/* A mapping that fails late must not leave room for the emulator among the program's memory. */
static void *sleeper(void *arg) {
    pthread_barrier_wait(arg);
    return NULL;
}

static void failed_late(void) {
    enum { SIZE = 1 << 20, THREADS = 4 };
    pthread_t threads[THREADS];
    pthread_barrier_t all;
    int fd = eventfd(0, 0);
    char *mine = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_IS(mmap(mine, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), NOBODY);
    CHECK_IS(errno, ENODEV);
    pthread_barrier_init(&all, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) CHECK_IS(pthread_create(&threads[i], NULL, sleeper, &all), 0);
    range_count = 0;
    emulator_memory();
    for (unsigned i = 0; i < range_count; i++)
        CHECK(ranges[i].end <= (uintptr_t)mine || ranges[i].start >= (uintptr_t)mine + SIZE);
    pthread_barrier_wait(&all);
    for (int i = 0; i < THREADS; i++) CHECK_IS(pthread_join(threads[i], NULL), 0);
    close(fd);
}

static volatile sig_atomic_t handled;

static void on_signal(int s) {
    handled += s;
}

static void nothing(void) {}

/* Whoever has lost something will not get through this. */
static void go_on(void) {
    signal(SIGUSR1, on_signal);
    signal(SIGSEGV, on_signal);
    handled = 0;
    raise(SIGUSR1);
    kill(getpid(), SIGSEGV);
    CHECK_IS(handled, SIGUSR1 + SIGSEGV);
    for (int i = 0; i < 3; i++) CHECK_IS(child_status(nothing), checks_failed ? 99 << 8 : 0);
    char *p = malloc(3 << 20);
    memset(p, 3, 3 << 20);
    CHECK_IS(p[1 << 20], 3);
    free(p);
}

int main(void) {
    emulator_memory();
    for (unsigned i = 0; i < range_count && checks_failed < 50; i++) {
        /* An address that wraps round once something is added to it is high up: its range must not wrap, too. */
        attack(ranges[i].start, ranges[i].end > ranges[i].start ? ranges[i].end - ranges[i].start : PAGE);
        across(ranges[i].start, ranges[i].end);
    }
    attack(0xffff800000000000, PAGE);
    code_cut_off();
    code_left_behind();
    failed_late();
    go_on();
    return done();
}
