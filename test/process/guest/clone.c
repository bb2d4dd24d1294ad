/* clone.c - clone3 and the older clone: what they refuse, descriptors of processes, handlers that are dropped, children
 * and threads on stacks of their own, threads that share less. Children on such stacks call nothing of the C library.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>

enum { STACK = 64 << 10 };
static char stack[STACK] __attribute__((aligned(64)));

static long clone3(struct clone_args *a, size_t size) {
    return syscall(SYS_clone3, a, size);
}

/* With a stack for the child, which calls run(arg) and ends with what that returns. */
static long clone3_run(struct clone_args *a, int (*run)(void *), void *arg) {
#if defined(__x86_64__)
    register long result __asm__("rax") = SYS_clone3;
    register void *r8 __asm__("r8") = arg;
    register int (*r9)(void *) __asm__("r9") = run;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov %%r8, %%rdi\n\tcall *%%r9\n\t"
                     "mov %%eax, %%edi\n\tmov $60, %%eax\n\tsyscall\n1:"
                     : "+r"(result)
                     : "D"(a), "S"(sizeof *a), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long a0 __asm__("a0") = (long)a;
    register long a1 __asm__("a1") = sizeof *a;
    register long a7 __asm__("a7") = SYS_clone3;
    register void *t3 __asm__("t3") = arg;
    register int (*t4)(void *) __asm__("t4") = run;
    __asm__ volatile("ecall\n\tbnez a0, 1f\n\tmv a0, t3\n\tjalr t4\n\tli a7, 93\n\tecall\n1:"
                     : "+r"(a0)
                     : "r"(a1), "r"(a7), "r"(t3), "r"(t4)
                     : "memory");
    return a0;
#endif
}

static long raw(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
#else
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a3 __asm__("a3") = d;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return a0;
#endif
}

/* ---- what is refused */

static long refused(struct clone_args a, size_t size) {
    long r = clone3(&a, size);
    if (r == 0) _exit(77);
    if (r > 0) waitpid((pid_t)r, NULL, __WALL);
    return r;
}

static void test_refused(void) {
    const size_t size = sizeof(struct clone_args);
    int here;
    char longer[128] = {0};
    CHECK_FAILS(refused((struct clone_args){0}, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
    CHECK_FAILS(clone3((struct clone_args *)longer, 5000), E2BIG);
    CHECK_FAILS(clone3(NULL, size), EFAULT);
    CHECK_FAILS(clone3((struct clone_args *)-4096L, size), EFAULT);
    longer[100] = 1;
    CHECK_FAILS(clone3((struct clone_args *)longer, sizeof longer), E2BIG);
    CHECK_FAILS(refused((struct clone_args){.exit_signal = 65}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.exit_signal = 257}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = 1}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_DETACHED}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = 1ull << 40}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_THREAD}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_SIGHAND}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_PARENT, .exit_signal = SIGCHLD}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.stack = (uintptr_t)stack}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.stack_size = STACK}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.stack = -4096ull, .stack_size = 8192}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.set_tid = (uintptr_t)&here}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.set_tid_size = 1}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.set_tid = (uintptr_t)&here, .set_tid_size = 33}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.set_tid = -4096ull, .set_tid_size = 1}, size), EFAULT);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = 1ull << 31}, size), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_INTO_CGROUP}, CLONE_ARGS_SIZE_VER1), EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_INTO_CGROUP, .cgroup = 999}, size), EBADF);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                                            .pidfd = (uintptr_t)&here,
                                            .parent_tid = (uintptr_t)&here},
                        size),
                EINVAL);
    CHECK_FAILS(refused((struct clone_args){.flags = CLONE_NEWNS | CLONE_FS}, size), EINVAL);
}

/* ---- processes */

static void test_fork(void) {
    int pidfd = -1, status, other = -1;
    pid_t parent_tid = -1, child_tid = -1;
    char longer[128] = {0};
    struct clone_args a = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
                           .exit_signal = SIGCHLD,
                           .pidfd = (uintptr_t)&pidfd,
                           .parent_tid = (uintptr_t)&parent_tid,
                           .child_tid = (uintptr_t)&child_tid};
    memcpy(longer, &a, sizeof a);
    long pid = clone3((struct clone_args *)longer, sizeof longer);
    if (pid == 0) _exit(child_tid == getpid() ? 12 : 13);
    CHECK(pid > 0);
    CHECK_IS(parent_tid, pid);
    CHECK_IS(child_tid, -1);
    CHECK(pidfd >= 0 && (fcntl(pidfd, F_GETFD) & FD_CLOEXEC));
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    CHECK_IS(poll(&wait, 1, 10000), 1);
    siginfo_t info = {0};
    CHECK_IS(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    CHECK_IS(info.si_pid, pid);
    CHECK_IS(info.si_status, 12);
    close(pidfd);
    /* No signal at the end: only who asks for such children sees it. */
    pid = refused((struct clone_args){0}, CLONE_ARGS_SIZE_VER0);
    CHECK(pid > 0);
    /* The older call has one word for both uses. */
    pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &other, 0, 0);
    if (pid == 0) _exit(3);
    CHECK(other >= 0);
    CHECK_IS(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0), 0);
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 3);
    close(other);
    CHECK_FAILS(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &other, 0, 0), EINVAL);
}

/* A chosen id; needs rights that few have. */
static void test_set_tid(void) {
    int status;
    long pid = fork(); /* an id that is free as soon as it has been waited for */
    if (pid == 0) _exit(0);
    waitpid((pid_t)pid, NULL, 0);
    pid_t wanted = (pid_t)pid;
    struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
    pid = clone3(&a, sizeof a);
    if (pid == 0) _exit(getpid() == wanted ? 4 : 5);
    if (pid < 0) {
        CHECK(errno == EPERM || errno == EEXIST);
        return;
    }
    CHECK_IS(pid, wanted);
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 4);
}

static volatile int handled;
static void count(int signal) {
    (void)signal;
    handled++;
}

static bool is_default(int signal, bool ignored) {
    struct sigaction a;
    return !sigaction(signal, NULL, &a) && a.sa_handler == (ignored ? SIG_IGN : SIG_DFL);
}

static int in_vfork_child(void *arg) {
    struct {
        void *handler;
        long rest[3];
    } a;
    *(int *)arg = 21;
    if (raw(SYS_rt_sigaction, SIGUSR1, 0, (long)&a, 8) || a.handler != SIG_DFL) return 8;
    return 6;
}

static void test_clear_handlers(void) {
    int status, word = 0, pidfd = -1;
    signal(SIGUSR1, count);
    signal(SIGSEGV, count);
    signal(SIGUSR2, SIG_IGN);
    struct clone_args a = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    long pid = clone3(&a, sizeof a);
    if (pid == 0) {
        if (!is_default(SIGUSR1, false) || !is_default(SIGSEGV, false) || !is_default(SIGUSR2, true)) _exit(1);
        raise(SIGUSR1);
        _exit(2);
    }
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    /* As posix_spawn does: memory is shared, the parent waits and keeps its handlers. */
    a = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND | CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
                            .exit_signal = SIGCHLD,
                            .pidfd = (uintptr_t)&pidfd,
                            .stack = (uintptr_t)stack,
                            .stack_size = STACK};
    pid = clone3_run(&a, in_vfork_child, &word);
    CHECK(pid > 0);
    CHECK_IS(word, 21);
    CHECK(pidfd >= 0);
    close(pidfd);
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 6);
    raise(SIGUSR1);
    raise(SIGSEGV);
    CHECK_IS(handled, 2);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

/* Both words at once, which the older call cannot say. */
static void test_vfork_words(void) {
    int status, word = 0, pidfd = -1;
    pid_t tid = -1;
    struct clone_args a = {.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_PARENT_SETTID,
                           .exit_signal = SIGCHLD,
                           .pidfd = (uintptr_t)&pidfd,
                           .parent_tid = (uintptr_t)&tid,
                           .stack = (uintptr_t)stack,
                           .stack_size = STACK};
    long pid = clone3_run(&a, in_vfork_child, &word);
    CHECK(pid > 0 && pidfd >= 0);
    CHECK_IS(tid, pid);
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 6);
    close(pidfd);
}

/* ---- threads */

struct shared {
    int tid, umask;
};

static int in_thread(void *arg) {
    struct shared *s = arg;
    s->tid = (int)raw(SYS_gettid, 0, 0, 0, 0);
    s->umask = (int)raw(SYS_umask, 077, 0, 0, 0);
    return 0;
}

/* A thread that ends; its word becomes 0 and is woken. */
static void run_thread(uint64_t flags, struct shared *s, int *pidfd) {
    static volatile int word;
    pid_t parent_tid = -1;
    word = 1;
    struct clone_args a = {.flags = flags | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID |
                                    CLONE_PARENT_SETTID | (pidfd ? CLONE_PIDFD : 0),
                           .pidfd = (uintptr_t)pidfd,
                           .child_tid = (uintptr_t)&word,
                           .parent_tid = (uintptr_t)&parent_tid,
                           .stack = (uintptr_t)stack,
                           .stack_size = STACK};
    long tid = clone3_run(&a, in_thread, s);
    CHECK(tid > 0);
    if (tid < 0) return;
    while (word) syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL, NULL, 0);
    CHECK_IS(s->tid, tid);
    CHECK_IS(parent_tid, tid);
}

static void test_thread(void) {
    struct shared s;
    int pidfd = -1;
    umask(022);
    run_thread(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM, &s, NULL);
    CHECK_IS(s.umask, 022);
    CHECK_IS(umask(022), 077); /* shared */
    run_thread(CLONE_FILES, &s, NULL);
    CHECK_IS(s.umask, 022);
    CHECK_IS(umask(022), 022);                                 /* its own */
    if (syscall(SYS_pidfd_open, getpid(), O_EXCL) < 0) return; /* a kernel without descriptors of threads */
    run_thread(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM, &s, &pidfd);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    CHECK_IS(poll(&wait, 1, 10000), 1);
    umask(022);
    struct clone_args a = {.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER};
    CHECK_FAILS(clone3(&a, sizeof a), EINVAL);
    a.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_NEWNS;
    CHECK_FAILS(clone3(&a, sizeof a), EINVAL);
}

int main(void) {
    if (refused((struct clone_args){0}, sizeof(struct clone_args)) < 0 && errno == ENOSYS) {
        puts("this kernel has no clone3");
        return 0;
    }
    test_refused();
    test_fork();
    test_set_tid();
    test_clear_handlers();
    test_vfork_words();
    test_thread();
    return done();
}
