/* Processes that share memory and are no threads (clone with CLONE_VM alone), and children of vfork: what they share,
 * that they may be killed at any time, and that they go on when the one that made them ends. */
#include "check.h"
#include "fresh_code.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

enum { STACK = 256 << 10, TURNS = 25 };

static volatile int shared, go;
static char *self;

static char *stack_new(void) {
    char *s = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(s != MAP_FAILED);
    return s + STACK;
}
static void stack_free(char *end) {
    munmap(end - STACK, STACK);
}

static void until(volatile int *word, int value) {
    while (*word != value) sched_yield();
}

/* ---- what is shared */

static int waits_for_parent(void *arg) {
    shared = 41;
    until(&go, 1);
    shared += fresh_code(3) == 0;
    return *(int *)arg;
}

static void with(int flags, int options) {
    int status = -1, value = 5;
    char *stack = stack_new();
    shared = go = 0;
    pid_t pid = clone(waits_for_parent, stack, flags, &value);
    CHECK(pid > 0);
    until(&shared, 41);
    CHECK_IS(fresh_code(7), 0);
    value = 6;
    go = 1;
    CHECK_IS(waitpid(pid, &status, options), pid);
    CHECK_IS(status, 6 << 8);
    CHECK_IS(shared, 42);
    stack_free(stack);
}

static void memory(void) {
    with(CLONE_VM | SIGCHLD, 0);
    with(CLONE_VM, __WALL);
    with(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED, __WALL);
    with(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, 0);
    with(CLONE_VM | SIGWINCH, __WCLONE);
}

static volatile int handled;
static void count(int s) {
    handled += s > 0;
}

static int changes_much(void *arg) {
    int *fds = arg;
    signal(SIGUSR1, SIG_IGN);
    close(fds[0]);
    umask(0777);
    stack_t old;
    syscall(SYS_sigaltstack, NULL, &old);
    shared = old.ss_flags == SS_DISABLE;
    return 0;
}

static void others(int flags, bool actions, bool files, bool places) {
    static char alternate[1 << 16];
    const stack_t set = {.ss_sp = alternate, .ss_size = sizeof alternate}, none = {.ss_flags = SS_DISABLE};
    int fds[2], status;
    CHECK_IS(pipe(fds), 0);
    signal(SIGUSR1, count);
    umask(022);
    sigaltstack(&set, NULL);
    handled = shared = 0;
    char *stack = stack_new();
    pid_t pid = clone(changes_much, stack, flags | SIGCHLD, fds);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 0);
    CHECK_IS(shared, !(flags & CLONE_VFORK)); /* the alternate stack is the parent's alone, unless it waits */
    raise(SIGUSR1);
    CHECK_IS(handled, !actions);
    CHECK_IS(fcntl(fds[0], F_GETFD) < 0, files);
    CHECK_IS(umask(022) == 0777, places);
    sigaltstack(&none, NULL);
    signal(SIGUSR1, SIG_DFL);
    close(fds[0]), close(fds[1]);
    stack_free(stack);
}

static void what_else(void) {
    others(CLONE_VM, false, false, false);
    others(CLONE_VM | CLONE_SIGHAND, true, false, false);
    others(CLONE_VM | CLONE_FILES, false, true, false);
    others(CLONE_VM | CLONE_FS, false, false, true);
    others(CLONE_VM | CLONE_VFORK, false, false, false);
    others(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | CLONE_FILES | CLONE_FS, true, true, true);
}

static volatile pid_t parents_word, childs_word, seen_parent, seen_child;
static int looks_at_ids(void *arg) {
    (void)arg;
    seen_parent = parents_word;
    seen_child = childs_word;
    return 0;
}

static void ids(void) {
    for (int waits = 0; waits < 2; waits++) {
        int status;
        char *stack = stack_new();
        parents_word = childs_word = -1;
        const int flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD |
                          (waits ? CLONE_VFORK : 0);
        pid_t pid = clone(looks_at_ids, stack, flags, NULL, &parents_word, NULL, &childs_word);
        CHECK_IS(parents_word, pid);
        while (childs_word) syscall(SYS_futex, &childs_word, FUTEX_WAIT, pid, NULL, NULL, 0);
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 0);
        CHECK_IS(seen_parent, pid);
        CHECK_IS(seen_child, pid);
        stack_free(stack);
    }
}

/* ---- what they do */

static void *adds(void *arg) {
    __atomic_add_fetch((volatile int *)arg, 1 + fresh_code(5), __ATOMIC_SEQ_CST);
    return NULL;
}
static int forks(void *arg) {
    int status = -1;
    pid_t pid = fork();
    if (!pid) _exit(fresh_code(1) + 3);
    if (waitpid(pid, &status, 0) != pid || status != 3 << 8) return 1;
    if (!(pid = vfork())) _exit(fresh_code(2) + 4);
    return waitpid(pid, &status, 0) != pid || status != 4 << 8 || arg;
}
static int executes(void *arg) {
    execl(self, self, "status", "9", NULL);
    return arg ? 1 : 2;
}
static int executes_nothing(void *arg) {
    execl("/nowhere/at/all", "x", NULL);
    return fresh_code(1) ? 1 : arg ? 2 : 8;
}
static int dies(void *arg) {
    *(volatile int *)arg = 1;
    syscall(SYS_kill, (int)syscall(SYS_getpid), SIGTERM);
    return 1;
}

static int run(int (*f)(void *), void *arg, int more) {
    int status = -1;
    char *stack = stack_new();
    pid_t pid = clone(f, stack, CLONE_VM | SIGCHLD | more, arg);
    CHECK(pid > 0);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    stack_free(stack);
    CHECK_IS(fresh_code(9), 0);
    return status;
}

static void doings(void) {
    for (int more = 0; more <= CLONE_VFORK; more += CLONE_VFORK) {
        CHECK_IS(run(forks, NULL, more), 0);
        CHECK_IS(run(executes, NULL, more), 9 << 8);
        CHECK_IS(run(executes_nothing, NULL, more), 8 << 8);
        shared = 0;
        CHECK_IS(run(dies, (void *)&shared, more), SIGTERM);
        CHECK_IS(shared, 1);
    }
}

/* One that shares the handlers dies by a signal of faults, executes with it ignored, or gets a bad address for its id:
   the others' bad addresses are errors as before. */
static int faults(void *arg) {
    *(volatile int *)arg = 1;
    signal(SIGSEGV, SIG_DFL);
    char *nowhere = (char *)syscall(SYS_mmap, NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return *(volatile char *)nowhere;
}
static int ignores_and_executes(void *arg) {
    signal(SIGSEGV, SIG_IGN);
    return executes(arg);
}
static bool errors_are_errors(void) {
    char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool good = true;
    for (int i = 0; i < 100; i++)
        good = good && syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8) == -1 && errno == EFAULT;
    munmap(p, 4096);
    return good;
}

static void handlers(void) {
    for (int i = 0; i < 5; i++) {
        char *stack = stack_new();
        int status;
        shared = 0;
        pid_t pid = clone(faults, stack, CLONE_VM | CLONE_SIGHAND | SIGCHLD, (void *)&shared);
        while (waitpid(pid, &status, WNOHANG) == 0) CHECK(errors_are_errors());
        CHECK_IS(status & 127, SIGSEGV);
        pid = clone(ignores_and_executes, stack, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
        while (waitpid(pid, &status, WNOHANG) == 0) CHECK(errors_are_errors());
        CHECK_IS(status, 9 << 8);
        signal(SIGSEGV, SIG_DFL);
        pid = clone(looks_at_ids, stack, CLONE_VM | CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, NULL, (void *)64);
        CHECK_IS(waitpid(pid, &status, 0), pid);
        CHECK_IS(status, 0);
        CHECK(errors_are_errors());
        stack_free(stack);
    }
}

/* Both sides, and threads, make code and map memory at once. */
static int churns(void *arg) {
    int bad = 0;
    for (int i = 0; i < TURNS; i++) bad += fresh_code(i);
    return bad != 0 || arg;
}

static void at_once(void) {
    pthread_t t[2];
    char *stack[3];
    pid_t pid[3];
    int status;
    shared = 0;
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, adds, (void *)&shared);
    for (int i = 0; i < 3; i++) pid[i] = clone(churns, stack[i] = stack_new(), CLONE_VM | SIGCHLD, NULL);
    CHECK_IS(churns(NULL), 0);
    for (int i = 0; i < 3; i++) {
        CHECK_IS(waitpid(pid[i], &status, 0), pid[i]);
        CHECK_IS(status, 0);
        stack_free(stack[i]);
    }
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    CHECK_IS(shared, 2);
}

/* ---- the end of one of them */

static int for_ever(void *arg) {
    for (int i = 0; !arg; i++) fresh_code(i);
    return 1;
}

static void killed(void) {
    char *stack[2] = {stack_new(), stack_new()};
    unsigned random = 1;
    int status;
    for (int i = 0; i < TURNS; i++) {
        pid_t pid[2];
        for (int k = 0; k < 2; k++) {
            pid[k] = clone(for_ever, stack[k], CLONE_VM | SIGCHLD, NULL);
            CHECK(pid[k] > 0);
            if (pid[k] <= 0) return; /* it would be everybody who is killed */
        }
        random = random * 1103515245 + 12345;
        usleep(random >> 16 & 1023);
        for (int k = 0; k < 2; k++) {
            kill(pid[k], SIGKILL);
            CHECK_IS(fresh_code(i), 0);
            CHECK_IS(waitpid(pid[k], &status, 0), pid[k]);
            CHECK_IS(status, SIGKILL);
        }
    }
    CHECK_IS(churns(NULL), 0);
    stack_free(stack[0]), stack_free(stack[1]);
}

static volatile int victim, stop;
static void *killer(void *arg) {
    unsigned random = 7;
    while (!stop) {
        int pid = victim;
        if (!pid) {
            usleep(50);
            continue;
        }
        random = random * 1103515245 + 12345;
        usleep(random >> 16 & 255);
        kill(pid, SIGKILL);
        victim = 0;
    }
    return arg;
}
static void *churner(void *arg) {
    for (int i = 0; !stop; i++) __atomic_add_fetch((volatile int *)arg, fresh_code(i), __ATOMIC_SEQ_CST);
    return NULL;
}
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static double pace(void) {
    double best = 1e9;
    for (int r = 0; r < 5; r++) {
        double began = now();
        for (int i = 0; i < 10; i++) fresh_code(i);
        if (now() - began < best) best = now() - began;
    }
    return best;
}

/* Children of vfork, killed while other threads of the parent go on: nothing stays locked, broken or slow. */
static void vforks_killed(void) {
    pthread_t t[3];
    int status;
    double before = pace();
    shared = stop = 0;
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, churner, (void *)&shared);
    pthread_create(&t[2], NULL, killer, NULL);
    for (int i = 0; i < TURNS; i++) {
        pid_t pid = vfork();
        if (!pid) {
            victim = (int)syscall(SYS_getpid);
            for (int k = 0; k < 200; k++) fresh_code(k);
            _exit(5);
        }
        CHECK_IS(waitpid(pid, &status, 0), pid);
        victim = 0;
    }
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    CHECK_IS(shared, 0);
    CHECK(pace() < 20 * before);
}

/* The one that made it ends, in some way; what it made goes on. */
static int outlives(void *arg) {
    int *fds = arg;
    pid_t parent = getppid();
    go = 1;
    close(fds[0]);
    for (int i = 0; getppid() == parent && i < 10000; i++) usleep(200);
    char bad = (char)churns(NULL);
    if (write(fds[1], &bad, 1) != 1) return 1;
    return 0;
}

static void *spins(void *arg) {
    for (int i = 0; !arg; i++) fresh_code(i);
    return NULL;
}

/* The same when that one executes something: its other threads go at once. */
static int goes_on(void *arg) {
    int *fds = arg;
    go = 1;
    char bad = 0;
    for (int i = 0; i < 6; i++) {
        bad = (char)(bad | churns(NULL));
        usleep(10000);
    }
    if (write(fds[1], &bad, 1) != 1) return 1;
    return 0;
}

enum end { EXITS, IS_KILLED, ABORTS, EXECUTES };
/* Who shares its memory goes on with that (stays), however a process with threads ends. */
static void outlived(int (*stays)(void *), enum end how) {
    int fds[2], status;
    char byte = 1;
    CHECK_IS(pipe(fds), 0);
    pid_t pid = fork();
    if (!pid) {
        pthread_t t;
        go = 0;
        for (int i = 0; i < 2; i++) pthread_create(&t, NULL, spins, NULL);
        clone(stays, stack_new(), CLONE_VM | SIGCHLD, fds);
        until(&go, 1);
        if (how == EXITS) _exit(0);
        if (how == IS_KILLED) kill(getpid(), SIGKILL);
        if (how == ABORTS) abort();
        execl(self, self, "status", "4", NULL);
        _exit(9);
    }
    close(fds[1]);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    if (how == EXECUTES) CHECK_IS(status, 4 << 8);
    CHECK_IS(read(fds[0], &byte, 1), 1);
    CHECK_IS(byte, 0);
    close(fds[0]);
}

int main(int argc, char **argv) {
    static char path[4096];
    if (argc == 3) return atoi(argv[2]);
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) return 1;
    self = path;
    memory();
    what_else();
    ids();
    doings();
    handlers();
    at_once();
    killed();
    vforks_killed();
    for (enum end how = EXITS; how <= ABORTS; how++) outlived(outlives, how);
    outlived(goes_on, EXECUTES);
    (void)argv;
    return done();
}
