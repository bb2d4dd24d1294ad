/* code.c - code that comes, changes and goes while the program runs: written, mapped over, protected, unmapped, shared
 * with a child. What runs is always what is there. Instructions for both the guest and the host that checks the test.
 */
#include "made.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>

enum { PAGE = 4096 };

/* The same, and says so. */
static void emit(void *at, int value) {
    put(at, value);
    __builtin___clear_cache((char *)at, (char *)at + sizeof(uint64_t));
}

static char *map(int prot) {
    return mmap(NULL, PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void rewritten(void) {
    char *p = map(PROT_READ | PROT_WRITE | PROT_EXEC);
    for (int i = 0; i < 200; i++) {
        emit(p, i);
        CHECK_IS(run(p), i);
        emit(p + 64, i + 1);
        CHECK_IS(run(p + 64), i + 1);
        CHECK_IS(run(p), i);
    }
    munmap(p, PAGE);
}

/* A system call writes it: read, from a file. */
static void read_in(void) {
    char *p = map(PROT_READ | PROT_WRITE | PROT_EXEC), block[64] = {0};
    int fds[2];
    CHECK_IS(pipe(fds), 0);
    for (int i = 0; i < 20; i++) {
        emit(block, i);
        CHECK_IS(write(fds[1], block, sizeof block), sizeof block);
        CHECK_IS(read(fds[0], p, sizeof block), sizeof block);
        __builtin___clear_cache(p, p + sizeof block);
        CHECK_IS(run(p), i);
    }
    munmap(p, PAGE);
}

static void protected(void) {
    char *p = map(PROT_READ | PROT_WRITE);
    emit(p, 5);
    CHECK_IS(fault(p), SIGSEGV);
    for (int i = 0; i < 20; i++) {
        mprotect(p, PAGE, PROT_READ | PROT_WRITE);
        emit(p, i);
        CHECK_IS(fault(p), SIGSEGV);
        mprotect(p, PAGE, PROT_READ | PROT_EXEC);
        CHECK_IS(run(p), i);
    }
    mprotect(p, PAGE, PROT_NONE);
    CHECK_IS(fault(p), SIGSEGV);
    munmap(p, PAGE);
    CHECK_IS(fault(p), SIGSEGV);
}

/* No instruction says that the code has changed: other memory is there now. */
static void replaced(void) {
    char name[] = "code.tmp", *p = map(PROT_READ | PROT_EXEC);
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink(name);
    for (int i = 0; i < 8; i++) {
        char block[PAGE] = {0};
        emit(block, 100 + i);
        CHECK_IS(pwrite(fd, block, PAGE, i * PAGE), PAGE);
    }
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < 8; i++) {
            CHECK(mmap(p, PAGE, PROT_READ | PROT_EXEC, MAP_FIXED | (i % 2 ? MAP_PRIVATE : MAP_SHARED), fd, i * PAGE) ==
                  p);
            CHECK_IS(run(p), 100 + i);
        }
    /* moved */
    char *q = map(PROT_NONE);
    CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
    CHECK_IS(run(q), 107);
    CHECK_IS(fault(p), SIGSEGV);
    /* thrown away */
    p = map(PROT_READ | PROT_WRITE | PROT_EXEC);
    emit(p, 9);
    CHECK_IS(run(p), 9);
    madvise(p, PAGE, MADV_DONTNEED);
    mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    emit(p, 11);
    CHECK_IS(run(p), 11);
    close(fd);
}

/* Two addresses of the same memory: written by one, run at the other. */
static void aliased(void) {
    int fd = memfd_create("code", 0);
    CHECK_IS(ftruncate(fd, PAGE), 0);
    char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 50; i++) {
        emit(w, i);
        __builtin___clear_cache(x, x + 64);
        CHECK_IS(run(x), i);
    }
    close(fd);
}

/* Flushes everything, saying that it concerns something else. */
static void flush_elsewhere(void) {
    static char somewhere[64];
    __builtin___clear_cache(somewhere, somewhere + sizeof somewhere);
}

/* Every instruction of the processor's that says that code has changed, where there is one. */
static void fence(void) {
#ifdef __riscv
    __asm__ volatile("fence.i" ::: "memory");
#endif
}

/* Two bodies that a hash of 32 bits takes for the same. */
static void alike(void) {
    char *p = map(PROT_READ | PROT_WRITE | PROT_EXEC);
#ifdef __riscv
    static const uint32_t values[] = {173937, 487497};
    for (int i = 0; i < 40; i++) {
        const uint32_t v = values[i & 1];
        /* lui a0, high; addi a0, a0, low; ret */
        const uint32_t code[] = {0x00000537 | v >> 11 << 12, 0x00050513 | (v & 0x7ff) << 20, 0x00008067};
        memcpy(p, code, sizeof code);
        fence();
        for (int k = 0; k < 3; k++) CHECK_IS(run(p), (v >> 11 << 12) + (v & 0x7ff));
    }
#endif
    munmap(p, PAGE);
}

/* The file behind code is cut off, and grows again, while every way of looking at it is used. */
static void truncated(void) {
    for (int way = 0; way < 8; way++)
        for (int shared = 0; shared < 2; shared++) {
            char block[2 * PAGE] = {0};
            const int edge = way >= 4 ? PAGE - 2 : 0; /* an instruction that has bytes on both pages */
            int fd = memfd_create("code", 0);
            emit(block + edge, 42);
            CHECK_IS(pwrite(fd, block, sizeof block, 0), sizeof block);
            char *p = mmap(NULL, sizeof block, PROT_READ | PROT_EXEC, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
            for (int i = 0; i < 10; i++) CHECK_IS(run(p + edge), 42);
            CHECK_IS(ftruncate(fd, edge ? PAGE : 0), 0);
            if (way & 1) fence();
            if (way & 2) flush_elsewhere();
            if (way % 4 == 0) __builtin___clear_cache(p + edge, p + edge + 8);
            int signal = fault(p + edge);
            for (int i = 0; (way & 2) && !signal && i < 2000; i++) { /* elsewhere is looked at as time allows */
                usleep(1000);
                flush_elsewhere();
                signal = fault(p + edge);
            }
            CHECK_IS(signal, SIGBUS);
            emit(block + edge, 43);
            CHECK_IS(pwrite(fd, block, sizeof block, 0), sizeof block);
            __builtin___clear_cache(p, p + sizeof block);
            CHECK_IS(run(p + edge), 43);
            munmap(p, sizeof block);
            close(fd);
        }
}

/* Code over the edge of two pages with different fates. */
static void crossing(void) {
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = p + PAGE - 2;
    for (int i = 0; i < 20; i++) {
        emit(at, i);
        CHECK_IS(run(at), i);
    }
    mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE);
    CHECK_IS(fault(at), SIGSEGV);
    mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC);
    CHECK_IS(run(at), 19);
    munmap(p + PAGE, PAGE);
    CHECK_IS(fault(at), SIGSEGV);
}

/* The second page of an instruction is written alone. */
static void crossing_changes(void) {
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = p + PAGE - 2, whole[16];
    for (int i = 0; i < 50; i++) {
        emit(whole, i % 7);
        memcpy(at, whole, 2);
        memcpy(at + 2, whole + 2, sizeof whole - 2);
        __builtin___clear_cache(p + PAGE, p + PAGE + 16);
        CHECK_IS(run(at), i % 7);
        CHECK_IS(run(at), i % 7);
    }
    munmap(p, 2 * PAGE);
}

/* Parent and child change the same address to different things. */
static void forked(void) {
    char *p = map(PROT_READ | PROT_WRITE | PROT_EXEC);
    int status;
    emit(p, 1);
    CHECK_IS(run(p), 1);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (!pid) {
            int bad = run(p) != 1 + i * 3;
            emit(p, 1000 + i);
            bad |= run(p) != 1000 + i;
            _exit(bad);
        }
        emit(p, 4 + i * 3);
        CHECK_IS(run(p), 4 + i * 3);
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 0);
        CHECK_IS(run(p), 4 + i * 3);
    }
}

/* Another process writes code, where it has run: what that may not write itself stays as it is. */
static void *sits(void *arg) {
    char c;
    return read(*(int *)arg, &c, 1) == 0 ? arg : NULL;
}

static void from_afar(bool threads) {
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char first[64] = {0}, second[64] = {0}, more[PAGE], c;
    int ready[2], go[2], idle[2], status;
    pthread_t thread;
    emit(first, 77);
    emit(second, 78);
    memset(more, 1, sizeof more);
    CHECK_IS(pipe(ready) | pipe(go) | pipe(idle), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(idle[1]);
        emit(p, 5);
        emit(p + PAGE, 6);
        emit(p + 2 * PAGE, 7);
        if (run(p) != 5 || run(p + PAGE) != 6 || run(p + 2 * PAGE) != 7) _exit(1);
        mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_EXEC);
        if (write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1) _exit(2);
        __builtin___clear_cache(p, p + 3 * PAGE);
        if (run(p) != 77 || run(p + PAGE) != 78 || run(p + 2 * PAGE) != 7) _exit(3);
        _exit(p[100] != 1 || p[PAGE - 1] != 1 ? 4 : 5);
    }
    if (threads) CHECK_IS(pthread_create(&thread, NULL, sits, &idle[0]), 0);
    CHECK_IS(read(ready[0], &c, 1), 1);
    struct iovec from[3] = {{first, 64}, {more, PAGE - 64}, {second, 64}}, to[2] = {{p, 10}, {p + 10, PAGE + 54}};
    long n = process_vm_writev(pid, from, 3, to, 2, 0);
    if (n < 0 && errno == EPERM) { /* not to be done here */
        kill(pid, SIGKILL);
        CHECK_IS(waitpid(pid, &status, 0), pid);
    } else {
        CHECK_IS(n, PAGE + 64);
        CHECK_FAILS(process_vm_writev(pid, from, 1, &(struct iovec){p + 2 * PAGE, 64}, 1, 0), EFAULT);
        CHECK_IS(process_vm_writev(pid, from, 1, &(struct iovec){p + 2 * PAGE - 32, 64}, 1, 0), 32);
        CHECK_IS(process_vm_writev(pid, &(struct iovec){more, 32}, 1, &(struct iovec){p + 2 * PAGE - 32, 32}, 1, 0),
                 32);
        CHECK_FAILS(process_vm_writev(pid, &(struct iovec){NULL, 8}, 1, to, 1, 0), EFAULT);
        CHECK_IS(write(go[1], "x", 1), 1);
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 5 << 8);
    }
    close(idle[1]);
    if (threads) CHECK_IS(pthread_join(thread, NULL), 0);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]), close(idle[0]);
    munmap(p, 3 * PAGE);
}

int main(void) {
    signal(SIGSEGV, leave);
    signal(SIGBUS, leave);
    truncated(); /* first: many flushes would use up what the call looks at elsewhere */
    rewritten();
    read_in();
    protected();
    replaced();
    aliased();
    alike();
    crossing();
    crossing_changes();
    forked();
    from_afar(false);
    from_afar(true);
    return done();
}
