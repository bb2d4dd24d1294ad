/* changes.c - code that changes without a word: no flush, no fence. Processors show such a change sooner or later; here
 * it has to be there at the next call, whoever made it and by whichever kind of store. Instructions for both the guest
 * and the host that checks the test; a function is one word of 8 bytes.
 */
#include "made.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { PAGE = 4096, RWX = PROT_READ | PROT_WRITE | PROT_EXEC };

/* So often that it is translated. */
static int runs(void *at) {
    int value = run(at);
    for (int i = 0; i < 5; i++)
        if (run(at) != value) return -1;
    return value;
}
static void place(void *at, int value) {
    put(at, value);
    CHECK_IS(runs(at), value);
}
static char *map(size_t size, int prot, int flags) {
    char *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

/* ---- stores */

static void stored(void) {
    char *p = map(2 * PAGE, RWX, MAP_PRIVATE);
    uint64_t *word = (uint64_t *)(void *)p;
    for (int i = 0; i < 40; i++) {
        put(p, 1);
        CHECK_IS(runs(p), 1);
        const uint64_t now = body(2), before = body(1);
        uint64_t expected = before;
        switch (i % 10) {
        case 0: *(volatile uint64_t *)word = now; break;
        case 1: memcpy(p, &now, 4), memcpy(p + 4, (const char *)&now + 4, 4); break;
        case 2:
            for (int k = 0; k < 4; k++) ((volatile uint16_t *)(void *)p)[k] = (uint16_t)(now >> 16 * k);
            break;
        case 3:
            for (int k = 0; k < 8; k++) ((volatile uint8_t *)p)[k] = (uint8_t)(now >> 8 * k);
            break;
        case 4: __atomic_exchange_n(word, now, __ATOMIC_SEQ_CST); break;
        case 5: __atomic_fetch_add(word, now - before, __ATOMIC_SEQ_CST); break;
        case 6:
            CHECK(__atomic_compare_exchange_n(word, &expected, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
            break;
        case 7: {
            double d;
            memcpy(&d, &now, sizeof d);
            *(volatile double *)(void *)p = d;
            break;
        }
        case 8: {
            float f[2];
            memcpy(f, &now, sizeof f);
            ((volatile float *)(void *)p)[0] = f[0];
            ((volatile float *)(void *)p)[1] = f[1];
            break;
        }
        default: __atomic_fetch_xor((uint32_t *)(void *)p, (uint32_t)(now ^ before), __ATOMIC_SEQ_CST); break;
        }
        CHECK_IS(run(p), 2);
        CHECK_IS(runs(p), 2);
    }
    /* one store over the edge of two pages, either or both of which have been run from */
    for (int i = 0; i < 30; i++) {
        char *edge = p + PAGE - 4 + (i % 3 - 1) * 2;
        if (i % 2) place(p, 9);
        if (i % 4 > 1) place(p + PAGE + 64, 8);
        put(edge, 7);
        CHECK_IS(runs(edge), 7);
        put(edge, 6);
        CHECK_IS(runs(edge), 6);
        /* the second page alone */
        const uint64_t five = body(5);
        memcpy(edge, &five, (size_t)(p + PAGE - edge));
        memcpy(p + PAGE, (const char *)&five + (p + PAGE - edge), (size_t)(edge + 8 - (p + PAGE)));
        CHECK_IS(runs(edge), 5);
    }
    munmap(p, 2 * PAGE);
}

#ifdef __riscv
/* A block that is zeroed: what was there is illegal then. */
static void zeroed(void) {
    char *p = map(PAGE, RWX, MAP_PRIVATE);
    signal(SIGILL, leave);
    for (int i = 0; i < 10; i++) {
        put(p + 64, 3);
        CHECK_IS(runs(p + 64), 3);
        register char *at __asm__("a0") = p + 64;
        __asm__ volatile(".word 0x0045200f" ::"r"(at) : "memory"); /* cbo.zero (a0) */
        CHECK_IS(fault(p + 64), SIGILL);
    }
    munmap(p, PAGE);
}

/* A block that changes its own next instruction, again and again. */
static void own(void) {
    char *p = map(PAGE, RWX, MAP_PRIVATE);
    static const uint32_t code[] = {
        0x00b52623, /* sw a1, 12(a0) */
        0x00000513, /* li a0, 0 */
        0x00000013, /* nop */
        0x00000013, /* becomes addi a0, a0, n */
        0x00008067, /* ret */
    };
    memcpy(p, code, sizeof code);
    for (int i = 0; i < 3000; i++) {
        const uint32_t n = (uint32_t)i % 2000;
        int (*f)(void *, uint32_t) = (int (*)(void *, uint32_t))(void *)p;
        CHECK_IS(f(p, 0x00050513 | n << 20), n);
    }
    munmap(p, PAGE);
}
#else
static void zeroed(void) {}
static void own(void) {}
#endif

/* ---- often */

/* Stores and jumps take turns, in one page and in several, for long: the page is treated differently after a while. */
static void often(void) {
    char *p = map(4 * PAGE, RWX, MAP_PRIVATE);
    put(p + 2048, 77);
    for (int i = 0; i < 4000; i++) {
        char *at = p + i % 3 * PAGE + i % 5 * 16;
        put(at, i % 2000);
        CHECK_IS(run(at), i % 2000);
        if (i % 64 == 0) CHECK_IS(run(p + 2048), 77);
        if (i % 1000 == 999) usleep(300000); /* and again differently */
        if (i % 100 == 0) {
            put(p + PAGE - 4, i % 2000); /* over the edge */
            CHECK_IS(run(p + PAGE - 4), i % 2000);
        }
    }
    munmap(p, 4 * PAGE);
}

/* A loop in which a call's target changes while the loop's own page does. */
static void patched(void) {
    char *p = map(PAGE, RWX, MAP_PRIVATE);
    for (int i = 0; i < 100; i++) {
        char *g = p + 64 + 16 * i;
        put(g, 100);
        for (int k = 0; k < 50; k++) CHECK_IS(run(g), 100);
        put(g, 200);
        CHECK_IS(run(g), 200);
    }
    for (int i = 0; i < 100; i++) CHECK_IS(run(p + 64 + 16 * i), 200);
    munmap(p, PAGE);
}

/* ---- the kernel writes */

static void by_calls(void) {
    char *p = map(2 * PAGE, RWX, MAP_PRIVATE);
    int pipes[2], sockets[2], fd = memfd_create("code", 0);
    CHECK_IS(pipe(pipes), 0);
    CHECK_IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    for (int i = 0; i < 60; i++) {
        const uint64_t word = body(i);
        struct iovec v[2] = {{p, 4}, {p + 4, 4}};
        struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
        put(p, 1000);
        CHECK_IS(runs(p), 1000);
        CHECK_IS(pwrite(fd, &word, 8, 0), 8);
        switch (i % 5) {
        case 0:
            CHECK_IS(write(pipes[1], &word, 8), 8);
            CHECK_IS(read(pipes[0], p, 8), 8);
            break;
        case 1: CHECK_IS(pread(fd, p, 8, 0), 8); break;
        case 2: CHECK_IS(preadv(fd, v, 2, 0), 8); break;
        case 3:
            CHECK_IS(send(sockets[1], &word, 8, 0), 8);
            CHECK_IS(recvmsg(sockets[0], &m, 0), 8);
            break;
        default: {
            struct iovec from = {(void *)(uintptr_t)&word, 8}, to = {p, 8};
            CHECK_IS(process_vm_writev(getpid(), &from, 1, &to, 1, 0), 8);
            break;
        }
        }
        CHECK_IS(run(p), i);
    }
    /* results of all kinds beside code */
    put(p, 5);
    for (int i = 0; i < 20; i++) {
        CHECK_IS(runs(p), 5);
        CHECK_IS(fstat(fd, (struct stat *)(void *)(p + 512)), 0);
        CHECK_IS(runs(p), 5);
        CHECK(getcwd(p + 1024, 1024) == p + 1024);
        CHECK_IS(runs(p), 5);
        CHECK_IS(sigprocmask(SIG_BLOCK, NULL, (sigset_t *)(void *)(p + 512)), 0);
        CHECK_IS(runs(p), 5);
        socklen_t size = 256;
        CHECK_IS(getsockname(sockets[0], (struct sockaddr *)(void *)(p + 512), &size), 0);
        CHECK_IS(runs(p), 5);
        CHECK_IS(pipe((int *)(void *)(p + 512)), 0);
        close(*(int *)(void *)(p + 512));
        close(*(int *)(void *)(p + 516));
    }
    close(fd);
    munmap(p, 2 * PAGE);
}

static volatile sig_atomic_t signals;
static void count(int s) {
    (void)s;
    signals++;
}
/* Signal frames on a page with code. */
static void by_signals(void) {
    char *p = map(16 * PAGE, RWX, MAP_PRIVATE);
    stack_t stack = {.ss_sp = p, .ss_size = 16 * PAGE}, none = {.ss_flags = SS_DISABLE};
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_ONSTACK};
    CHECK_IS(sigaltstack(&stack, NULL), 0);
    CHECK_IS(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 0; i < 300; i++) {
        char *at = p + 16 * PAGE - 16; /* frames lie over it, or near */
        put(at - 1024 * (i % 4), i);
        CHECK_IS(run(at - 1024 * (i % 4)), i);
        raise(SIGUSR1);
        CHECK_IS(signals, i + 1);
        put(at - 1024 * (i % 4), i + 1);
        CHECK_IS(run(at - 1024 * (i % 4)), i + 1);
    }
    CHECK_IS(sigaltstack(&none, NULL), 0);
    munmap(p, 16 * PAGE);
}

/* ---- rights and mappings */

static void by_rights(void) {
    char *p = map(4 * PAGE, RWX, MAP_PRIVATE);
    for (int i = 0; i < 40; i++) {
        put(p, 1);
        CHECK_IS(runs(p), 1);
        CHECK_IS(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
        CHECK_IS(runs(p), 1);
        CHECK_IS(mprotect(p, PAGE, RWX), 0); /* never was not executable */
        put(p, 2);
        CHECK_IS(run(p), 2);
        CHECK_IS(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
        put(p, 3);
        CHECK_IS(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
        CHECK_IS(runs(p), 3);
        CHECK_IS(mprotect(p, PAGE, RWX), 0);
        put(p, 4);
        CHECK_IS(runs(p), 4);
        /* moved away and back, grown, thrown away */
        char *q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE);
        CHECK(q == p + 2 * PAGE);
        CHECK_IS(runs(q), 4);
        put(q, 5);
        CHECK_IS(runs(q), 5);
        CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
        CHECK_IS(runs(p), 5);
        put(p, 6);
        CHECK_IS(runs(p), 6);
        CHECK_IS(madvise(p, PAGE, MADV_DONTNEED), 0);
        put(p, 7);
        CHECK_IS(runs(p), 7);
        CHECK(mmap(p, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
        put(p, 8);
        CHECK_IS(runs(p), 8);
        put(p, 9);
        CHECK_IS(run(p), 9);
        CHECK(mmap(p + 2 * PAGE, PAGE, RWX, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 2 * PAGE);
    }
    munmap(p, 4 * PAGE);
    /* many pages of which every other one is code: moved, protected and unmapped as a whole */
    p = map(64 * PAGE, RWX, MAP_PRIVATE);
    for (int i = 0; i < 64; i += 2) place(p + i * PAGE, i);
    char *q = mremap(p, 64 * PAGE, 128 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED);
    for (int i = 0; i < 64; i += 2) CHECK_IS(runs(q + i * PAGE), i);
    memset(q, 0, 128 * PAGE);
    for (int i = 0; i < 64; i += 2) place(q + i * PAGE, i + 1);
    munmap(q, 128 * PAGE);
}

/* ---- several of them */

static void forks(void) {
    char *p = map(2 * PAGE, RWX, MAP_PRIVATE);
    int status;
    put(p, 1);
    CHECK_IS(runs(p), 1);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (!pid) {
            int bad = run(p) != 1 + i;
            put(p, 1000 + i);
            bad |= runs(p) != 1000 + i;
            pid_t second = i % 2 ? -1 : fork();
            if (second > 0) {
                bad |= waitpid(second, &status, 0) != second || status;
                bad |= run(p) != 1000 + i;
            } else if (!second) {
                bad |= runs(p) != 1000 + i;
                put(p, 1100 + i);
                _exit(bad || runs(p) != 1100 + i);
            }
            for (int k = 0; k < 300; k++) {
                put(p + PAGE, k);
                bad |= run(p + PAGE) != k;
            }
            _exit(bad);
        }
        CHECK_IS(run(p), 1 + i);
        put(p, 2 + i);
        CHECK_IS(runs(p), 2 + i);
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 0);
        CHECK_IS(run(p), 2 + i);
    }
    /* a child in the same memory */
    for (int i = 0; i < 10; i++) {
        put(p, 50);
        CHECK_IS(runs(p), 50);
        pid_t pid = vfork();
        if (!pid) {
            put(p, 60 + i);
            put(p + 64, run(p));
            _exit(run(p + 64) != 60 + i);
        }
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 0);
        CHECK_IS(run(p), 60 + i);
        CHECK_IS(runs(p + 64), 60 + i);
    }
    munmap(p, 2 * PAGE);
}

/* Builds that let allocations fail do so here. */
static int start(pthread_t *thread, void *(*run)(void *), void *arg) {
    int e;
    while ((e = pthread_create(thread, NULL, run, arg)) == EAGAIN) continue;
    return e;
}

static char *shared;
static uint32_t turn, stop;
enum { THREADS = 3, ROUNDS = 1500 };

/* One changes, the other runs; then the other way around. */
static void *player(void *arg) {
    const uint32_t me = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t now;
        while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != 2 * i + me) sched_yield();
        if (now) CHECK_IS(run(shared), (now - 1) % 2000);
        put(shared, (int)(now % 2000));
        __atomic_store_n(&turn, now + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

/* Others use the page all the time: a function that never changes, data beside it. */
static void *neighbour(void *arg) {
    uint32_t *own = (uint32_t *)(void *)(shared + 2048 + 64 * (uintptr_t)arg), n = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        if (run(shared + 1024) != 99) return "wrong";
        n++;
        __atomic_store_n(own, n, __ATOMIC_RELAXED);
        if (__atomic_load_n(own, __ATOMIC_RELAXED) != n) return "lost";
        sched_yield();
    }
    return NULL;
}

static void threads(void) {
    pthread_t players[2], others[THREADS];
    shared = map(PAGE, RWX, MAP_PRIVATE);
    put(shared + 1024, 99);
    for (uintptr_t i = 0; i < THREADS; i++) CHECK_IS(start(&others[i], neighbour, (void *)i), 0);
    for (uintptr_t i = 0; i < 2; i++) CHECK_IS(start(&players[i], player, (void *)i), 0);
    for (int i = 0; i < 2; i++) CHECK_IS(pthread_join(players[i], NULL), 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) {
        void *said;
        CHECK_IS(pthread_join(others[i], &said), 0);
        CHECK(!said);
    }
    munmap(shared, PAGE);
}

/* A call that waits is to write where another thread runs code meanwhile. */
static int waiting[2];
static void *reader(void *arg) {
    return (void *)(intptr_t)read(waiting[0], arg, 8);
}
static void waits(void) {
    char *p = map(PAGE, RWX, MAP_PRIVATE);
    CHECK_IS(pipe(waiting), 0);
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        void *got;
        char *to = p + i % 2 * 64;
        const uint64_t word = body(500 + i);
        put(p, i);
        CHECK_IS(runs(p), i);
        CHECK_IS(start(&thread, reader, to), 0);
        for (int k = 0; k < 20; k++) {
            put(p + 128, k);
            CHECK_IS(run(p + 128), k);
            CHECK_IS(run(p), i);
            sched_yield();
        }
        CHECK_IS(write(waiting[1], &word, 8), 8);
        CHECK_IS(pthread_join(thread, &got), 0);
        CHECK_IS((intptr_t)got, 8);
        CHECK_IS(run(to), 500 + i);
    }
    munmap(p, PAGE);
}

int main(void) {
    stored();
    zeroed();
    own();
    patched();
    often();
    by_calls();
    by_signals();
    by_rights();
    forks();
    threads();
    waits();
    return done();
}
