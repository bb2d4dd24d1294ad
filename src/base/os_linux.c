/* os_linux.c - os.h for Linux. */
#define _GNU_SOURCE
#include "base/os.h"
#include "base/limits.h"
#include <signal.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool os_dual_map(size_t size, void **write, void **execute) {
    /* mremap with an old size of 0 duplicates a shared mapping: a second view without any file descriptor. */
    void *w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (w == MAP_FAILED) return false;
    void *x = mremap(w, 0, size, MREMAP_MAYMOVE);
    if (x == MAP_FAILED || mprotect(x, size, PROT_READ | PROT_EXEC)) {
        if (x != MAP_FAILED) munmap(x, size);
        munmap(w, size);
        return false;
    }
    *write = w;
    *execute = x;
    return true;
}

void os_dual_unmap(size_t size, void *write, void *execute) {
    munmap(write, size);
    munmap(execute, size);
}

void os_dual_populate(void *write, size_t size) {
    enum { POPULATE_WRITE = 23 }; /* MADV_POPULATE_WRITE, since Linux 5.14 */
    madvise(write, (size + 4095) & ~(size_t)4095, POPULATE_WRITE);
}

void os_dual_written(void *write, size_t size) {
    madvise(write, size, MADV_DONTNEED); /* of a shared mapping: what is there stays */
}

bool os_dual_move(size_t size, void *from_write, void *from_execute, void *write, void *execute) {
    return mremap(from_write, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, write) == write &&
           mremap(from_execute, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, execute) == execute;
}

void *os_reserve(size_t size) {
    void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void *os_reserve_large(size_t size) {
    enum { LARGE = 2 << 20 };
    unsigned char *p = os_reserve(size + LARGE);
    if (!p) return NULL;
    const size_t before = -(uintptr_t)p % LARGE;
    if (before) os_release(p, before);
    os_release(p + before + size, LARGE - before);
    madvise(p + before, size, MADV_HUGEPAGE);
    return p + before;
}

bool os_commit(void *at, size_t size) {
    return !mprotect(at, size, PROT_READ | PROT_WRITE);
}

bool os_protect(void *at, size_t size, bool write) {
    return !mprotect(at, size, write ? PROT_READ | PROT_WRITE : PROT_READ);
}

void os_release(void *at, size_t size) {
    munmap(at, size);
}

void os_discard(void *at, size_t size) {
    madvise(at, size, MADV_DONTNEED);
}

/* In front of what the caller gets. */
struct alloc_head {
    size_t size;
    _Alignas(64) unsigned char memory[];
};

void *os_alloc(size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    size = (size + sizeof(struct alloc_head) + 4095) & ~(size_t)4095;
    struct alloc_head *h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (h == MAP_FAILED) return NULL;
    h->size = size;
    return h->memory;
}

void os_free(void *memory) {
    if (!memory) return;
    struct alloc_head *h = (void *)((unsigned char *)memory - offsetof(struct alloc_head, memory));
    munmap(h, h->size);
}

void *os_stack_map(size_t size) {
    char *p = os_reserve(size + 4096);
    if (!p) return NULL;
    if (!os_commit(p + 4096, size)) {
        os_release(p, size + 4096);
        return NULL;
    }
    return p + 4096;
}

void os_stack_unmap(void *stack, size_t size) {
    os_release((char *)stack - 4096, size + 4096);
}

/* Of the address sanitizer, where there is one: whatever is mapped there next would seem to be full of frames. */
extern void __asan_unpoison_memory_region(const volatile void *at, size_t size) __attribute__((weak));

void os_stack_left(void *stack, size_t size) {
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(stack, size);
}

static bool (*fault_handler)(int, void *, void *);
static struct sigaction fault_before[2]; /* SIGSEGV, SIGBUS */

static void on_fault(int signal, siginfo_t *info, void *context) {
    if (fault_handler(signal, info, context)) return;
    sigaction(signal, &fault_before[signal == SIGBUS], NULL); /* the instruction faults again, and this one gets it */
}

static bool catch_fault(int signal, struct sigaction *before) {
    struct sigaction now, act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (sigaction(signal, NULL, &now)) return false;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault) return true;
    *before = now;
    sigemptyset(&act.sa_mask);
    return !sigaction(signal, &act, NULL);
}

bool os_catch_faults(bool (*handler)(int signal, void *siginfo, void *ucontext)) {
    if (fault_handler && fault_handler != handler) return false;
    fault_handler = handler;
    return os_fault_stack() && catch_fault(SIGSEGV, &fault_before[0]) && catch_fault(SIGBUS, &fault_before[1]);
}

enum { FAULT_STACK = 64 << 10 };
static pthread_key_t fault_stack_key;
static pthread_once_t fault_stack_once = PTHREAD_ONCE_INIT;

static void fault_stack_free(void *stack) {
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    os_stack_unmap(stack, FAULT_STACK);
}

static void fault_stack_init(void) {
    if (pthread_key_create(&fault_stack_key, fault_stack_free)) abort();
}

bool os_fault_stack(void) {
    stack_t old;
    if (sigaltstack(NULL, &old)) return false;
    if (!(old.ss_flags & SS_DISABLE)) return true;
    pthread_once(&fault_stack_once, fault_stack_init);
    void *stack = os_stack_map(FAULT_STACK);
    if (!stack) return false;
    if (pthread_setspecific(fault_stack_key, stack) ||
        sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = FAULT_STACK}, NULL)) {
        pthread_setspecific(fault_stack_key, NULL);
        os_stack_unmap(stack, FAULT_STACK);
        return false;
    }
    return true;
}

uint32_t os_parent(void) {
    return (uint32_t)getppid();
}

void os_wait(const uint32_t *word, uint32_t value, uint64_t nanoseconds) {
    const struct timespec most = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nanoseconds ? &most : NULL, NULL, 0);
    errno = saved;
}

IN_HANDLER void os_wake(const uint32_t *word, int n) {
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = saved;
}

uint64_t os_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t os_cpu_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool os_descriptors_more(uint64_t kept[2]) {
    const rlim_t more = 8;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return false;
    kept[0] = limit.rlim_cur;
    kept[1] = limit.rlim_max;
    limit.rlim_cur += more;
    if (limit.rlim_cur <= limit.rlim_max || kept[0] == kept[1]) {
        if (limit.rlim_cur > limit.rlim_max) limit.rlim_max = limit.rlim_cur;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    }
    limit = (struct rlimit){kept[1], kept[1]};
    return kept[0] < kept[1] && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void os_descriptors_as(const uint64_t kept[2]) {
    const struct rlimit limit = {kept[0], kept[1]};
    setrlimit(RLIMIT_NOFILE, &limit);
}

bool os_folder_open(struct os_folder *f, const char *path) {
    f->at = f->used = 0;
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return f->fd >= 0;
}

const char *os_folder_next(struct os_folder *f) {
    struct entry { /* as getdents64 writes it */
        uint64_t ino, offset;
        uint16_t size;
        uint8_t type;
        char name[];
    };
    if (f->at == f->used) {
        long n = syscall(SYS_getdents64, f->fd, f->bytes, sizeof f->bytes);
        if (n <= 0) return NULL;
        f->at = 0;
        f->used = (size_t)n;
    }
    const struct entry *e = (const struct entry *)(const void *)(f->bytes + f->at);
    f->at += e->size;
    return e->name;
}

void os_folder_close(struct os_folder *f) {
    close(f->fd);
}

void os_random(void *bytes, size_t size) {
    for (char *p = bytes; size;) {
        ssize_t n = getrandom(p, size, 0);
        if (n < 0 && errno != EINTR) abort(); /* Linux has had it since 3.17 */
        if (n < 0) continue;
        p += n;
        size -= (size_t)n;
    }
}

#ifdef VEE_POISON
static uint64_t poison_random(void) {
    static _Thread_local uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
static _Thread_local bool allocs_may_fail;
void os_allocs_may_fail(bool may) {
    allocs_may_fail = may;
}
bool os_alloc_fails(void) {
    return allocs_may_fail && poison_random() % 1021 == 0;
}
bool os_map_fails(void) {
    return allocs_may_fail && poison_random() % LIMIT_MAP_FAILURES == 0;
}
size_t os_io_size(size_t size) {
    return size > 1 && poison_random() % 4 == 0 ? 1 + poison_random() % size : size;
}
#else
void os_allocs_may_fail(bool may) {
    (void)may;
}
bool os_alloc_fails(void) {
    return false;
}
bool os_map_fails(void) {
    return false;
}
size_t os_io_size(size_t size) {
    return size;
}
#endif
