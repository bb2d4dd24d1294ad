/* seccomp.c - filters of system calls and strict mode: which programs are refused, what each answer leads to, which of
 * several wins, who inherits them. The program executes itself; its first argument says as what. */
#include "check.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

#if defined(__x86_64__)
enum { ARCH = AUDIT_ARCH_X86_64 };
#else
enum { ARCH = AUDIT_ARCH_RISCV64 };
#endif
#define FIELD(f)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))
#define RETURN(k) BPF_STMT(BPF_RET | BPF_K, k)
/* This answer for one call, all others pass. */
#define ANSWER_FOR(number, k)                                                                                          \
    { FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), RETURN(k), RETURN(SECCOMP_RET_ALLOW) }

static long seccomp(unsigned operation, unsigned flags, void *at) {
    return syscall(SYS_seccomp, operation, flags, at);
}

static long add(const struct sock_filter *code, size_t n, unsigned flags) {
    struct sock_fprog p = {(unsigned short)n, (struct sock_filter *)(uintptr_t)code};
    return seccomp(SECCOMP_SET_MODE_FILTER, flags, &p);
}
#define ADD(flags, ...)                                                                                                \
    add((struct sock_filter[])__VA_ARGS__, sizeof(struct sock_filter[]) __VA_ARGS__ / sizeof(struct sock_filter), flags)

/* The result of a call, its errno negative. */
static long result(long r) {
    return r < 0 ? -errno : r;
}

/* ---- what is refused */

static void test_refused(void) {
    static struct sock_filter many[4097];
    for (int i = 0; i < 4097; i++) many[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    CHECK_FAILS(add(many, 0, 0), EINVAL);
    CHECK_FAILS(add(many, 4097, 0), EINVAL);
    CHECK_FAILS(add(many, 1, 1 << 10), EINVAL);
    CHECK_FAILS(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT);
    CHECK_FAILS(add((void *)-4096L, 4, 0), EFAULT);
    CHECK_FAILS(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
    CHECK_FAILS(seccomp(77, 0, NULL), EINVAL);
    CHECK_FAILS(prctl(PR_SET_SECCOMP, 7, 0, 0, 0), EINVAL);
    CHECK_FAILS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0), EFAULT);
    CHECK_FAILS(ADD(0, {FIELD(nr)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_JMP | BPF_JA, -1), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_MEM, 16), RETURN(0)}), EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(BPF_LD | BPF_MEM, 1), RETURN(0)}), EINVAL);
    /* written on one way only */
    CHECK_FAILS(ADD(0, {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), BPF_STMT(BPF_ST, 3),
                        BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)}),
                EINVAL);
    CHECK_FAILS(ADD(0, {BPF_STMT(0x116, 0), RETURN(0)}), EINVAL);
    CHECK_IS(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);

    static const uint32_t available[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
                                         SECCOMP_RET_ERRNO,        SECCOMP_RET_TRACE,       SECCOMP_RET_LOG,
                                         SECCOMP_RET_ALLOW};
    for (unsigned i = 0; i < sizeof available / sizeof *available; i++) {
        uint32_t action = available[i];
        CHECK_IS(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action), 0);
    }
    CHECK_FAILS(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &(uint32_t){0x12340000}), EOPNOTSUPP);
    CHECK_FAILS(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &(uint32_t){0}), EINVAL);
    CHECK_FAILS(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL), EFAULT);
    uint16_t sizes[3];
    CHECK_IS(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes), 0);
    CHECK(sizes[0] == 80 && sizes[1] == 24 && sizes[2] == 64);
}

static void without_rights(void) {
    if (!geteuid()) CHECK_IS(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    CHECK_FAILS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 5)), EACCES);
    CHECK_IS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 5)), 0);
    CHECK_FAILS(syscall(SYS_getppid), 5);
}

/* ---- answers */

static void errors(void) {
    long parent = syscall(SYS_getppid);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_LOG)), 0);
    CHECK_IS(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 2);
    CHECK_IS(syscall(SYS_getppid), parent);
    CHECK_IS(ADD(SECCOMP_FILTER_FLAG_LOG, ANSWER_FOR(SYS_getppid, SECCOMP_RET_TRACE | 7)), 0);
    CHECK_FAILS(syscall(SYS_getppid), ENOSYS);
    CHECK_IS(ADD(SECCOMP_FILTER_FLAG_SPEC_ALLOW, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 0)), 0);
    CHECK_IS(syscall(SYS_getppid), 0);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 33)), 0);
    CHECK_FAILS(syscall(SYS_getppid), 33); /* of two that are as strict, the newer one */
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_LOG)), 0);
    CHECK_FAILS(syscall(SYS_getppid), 33);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getpgid, SECCOMP_RET_ERRNO | 0xffff)), 0);
    CHECK_IS(result(syscall(SYS_getpgid, 0)), -4095);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getsid, SECCOMP_RET_USER_NOTIF)), 0);
    CHECK_FAILS(syscall(SYS_getsid, 0), ENOSYS);
    CHECK_FAILS(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), EINVAL);
    CHECK_IS(ADD(0, ANSWER_FOR(9999, SECCOMP_RET_ERRNO | 9)), 0);
    CHECK_FAILS(syscall(9999), 9); /* no such call */
}

/* Fails with the number that a program computes for getppid; the call's argument is 0x1122334455667788. */
static long computed(const struct sock_filter *code, size_t n) {
    struct sock_filter all[64] = {FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
                                  RETURN(SECCOMP_RET_ALLOW)};
    int fds[2], status;
    long got = 0;
    memcpy(all + 3, code, n * sizeof *code);
    all[3 + n] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff);
    all[4 + n] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO);
    all[5 + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    CHECK_IS(pipe(fds), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (add(all, n + 6, 0)) _exit(1);
        got = result(syscall(SYS_getppid, 0x1122334455667788));
        _exit(write(fds[1], &got, sizeof got) != sizeof got);
    }
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 0);
    CHECK_IS(read(fds[0], &got, sizeof got), sizeof got);
    close(fds[0]);
    close(fds[1]);
    return -got;
}
#define COMPUTED(...)                                                                                                  \
    computed((struct sock_filter[]){__VA_ARGS__},                                                                      \
             sizeof(struct sock_filter[]){__VA_ARGS__} / sizeof(struct sock_filter))
#define LOAD(k)    BPF_STMT(BPF_LD | BPF_IMM, k)
#define LOAD_X(k)  BPF_STMT(BPF_LDX | BPF_IMM, k)
#define ALU(op, k) BPF_STMT(BPF_ALU | BPF_##op | BPF_K, k)
#define ALU_X(op)  BPF_STMT(BPF_ALU | BPF_##op | BPF_X, 0)

static void test_programs(void) {
    CHECK_IS(COMPUTED(FIELD(args[0])), 0x788);
    CHECK_IS(COMPUTED(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 4)), 0x344);
    CHECK_IS(COMPUTED(FIELD(arch), ALU(SUB, (uint32_t)ARCH), ALU(ADD, 3)), 3);
    CHECK_IS(COMPUTED(FIELD(nr)), SYS_getppid);
    CHECK_IS(COMPUTED(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0)), 64);
    CHECK_IS(COMPUTED(BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0)), 64);
    CHECK_IS(COMPUTED(LOAD(7), ALU(MUL, 6)), 42);
    CHECK_IS(COMPUTED(LOAD(0x80000000), ALU(DIV, 0x1000000)), 0x80);
    CHECK_IS(COMPUTED(LOAD(5), BPF_STMT(BPF_ALU | BPF_NEG, 0), ALU(RSH, 20)), 0xfff);
    CHECK_IS(COMPUTED(LOAD(0xff), ALU(XOR, 0xf0), ALU(LSH, 4)), 0xf0);
    CHECK_IS(COMPUTED(LOAD(9), LOAD_X(4), ALU_X(SUB)), 5);
    CHECK_IS(COMPUTED(LOAD(9), LOAD_X(4), ALU_X(ADD), ALU_X(MUL), ALU_X(XOR), ALU_X(OR)), 52);
    CHECK_IS(COMPUTED(LOAD(0x123), LOAD_X(36), ALU_X(RSH)), 0x12);
    CHECK_IS(COMPUTED(LOAD(0x12), LOAD_X(4), ALU_X(LSH), LOAD_X(0xff), ALU_X(AND)), 0x20);
    CHECK_IS(COMPUTED(LOAD(100), LOAD_X(7), ALU_X(DIV)), 14);
    CHECK_IS(COMPUTED(LOAD(55), BPF_STMT(BPF_ST, 15), LOAD(1), BPF_STMT(BPF_LD | BPF_MEM, 15)), 55);
    CHECK_IS(
        COMPUTED(LOAD_X(56), BPF_STMT(BPF_STX, 0), BPF_STMT(BPF_LDX | BPF_MEM, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0)),
        56);
    CHECK_IS(COMPUTED(LOAD(8), BPF_STMT(BPF_MISC | BPF_TAX, 0), ALU(ADD, 1), ALU_X(MUL)), 72);
    CHECK_IS(COMPUTED(LOAD(1), BPF_STMT(BPF_JMP | BPF_JA, 1), LOAD(2), ALU(ADD, 4)), 5);
    static const struct {
        int op;
        uint32_t a, b;
        bool taken;
    } jumps[] = {{BPF_JEQ, 5, 5, true},          {BPF_JEQ, 5, 6, false}, {BPF_JGT, 6, 5, true},
                 {BPF_JGT, 5, 5, false},         {BPF_JGE, 5, 5, true},  {BPF_JGE, 4, 5, false},
                 {BPF_JGT, 0xffffffff, 1, true}, {BPF_JSET, 6, 2, true}, {BPF_JSET, 5, 2, false}};
    for (unsigned i = 0; i < sizeof jumps / sizeof *jumps; i++)
        for (int x = 0; x < 2; x++)
            CHECK_IS(COMPUTED(LOAD(jumps[i].a), LOAD_X(jumps[i].b),
                              BPF_JUMP((unsigned short)(BPF_JMP | jumps[i].op | (x ? BPF_X : BPF_K)),
                                       x ? 0 : jumps[i].b, 1, 0),
                              LOAD(0x10), ALU(ADD, 1)),
                     jumps[i].taken ? (jumps[i].a + 1) & 0xfff : 0x11);
}

/* ---- deaths */

static void divides_by_zero(void) {
    ADD(0, {LOAD(3), LOAD_X(0), ALU_X(DIV), RETURN(SECCOMP_RET_ALLOW)});
    syscall(SYS_getppid);
}
static void kills_process(void) {
    signal(SIGSYS, SIG_IGN);
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ALLOW));
    syscall(SYS_getppid);
}
static void kills_only_thread(void) {
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_KILL_THREAD));
    syscall(SYS_getppid);
}
static void unknown_answer(void) {
    ADD(0, ANSWER_FOR(SYS_getppid, 0x12340000));
    syscall(SYS_getppid);
}
static void trapped_unhandled(void) {
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_TRAP));
    syscall(SYS_getppid);
}
static void trapped_blocked(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigprocmask(SIG_BLOCK, &set, NULL);
    trapped_unhandled();
}
static void *thread_killed(void *arg) {
    syscall(SYS_getppid);
    return arg;
}
static void kills_one_of_two(void) {
    pthread_t thread;
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_KILL_THREAD));
    pthread_create(&thread, NULL, thread_killed, NULL);
    void *value = "joined";
    CHECK_IS(pthread_join(thread, &value), 0);
    _exit(checks_failed ? 99 : 17);
}
static void *thread_kills_all(void *arg) {
    syscall(SYS_getppid);
    return arg;
}
static void kills_both(void) {
    pthread_t thread;
    ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
    pthread_create(&thread, NULL, thread_kills_all, NULL);
    for (;;) pause();
}
static void strict_allowed(void) {
    char c = 0;
    int fds[2];
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0), 0);
    CHECK_IS(write(fds[1], "x", 1), 1);
    CHECK_IS(read(fds[0], &c, 1), 1);
    syscall(SYS_exit, checks_failed ? 99 : c == 'x' ? 23 : 24);
}
static void strict_refused(void) {
    seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL);
    syscall(SYS_getpid);
}

static void check_death(void (*run)(void), int signal) {
    int status = child_status(run);
    CHECK(WIFSIGNALED(status));
    CHECK_IS(WTERMSIG(status), signal);
}

static void test_deaths(void) {
    check_death(divides_by_zero, SIGSYS);
    check_death(kills_process, SIGSYS);
    check_death(kills_only_thread, SIGSYS);
    check_death(unknown_answer, SIGSYS);
    check_death(trapped_unhandled, SIGSYS);
    check_death(trapped_blocked, SIGSYS);
    check_death(kills_both, SIGSYS);
    check_death(strict_refused, SIGKILL);
    CHECK_IS(WEXITSTATUS(child_status(kills_one_of_two)), 17);
    CHECK_IS(WEXITSTATUS(child_status(strict_allowed)), 23);
}

/* ---- the signal */

static volatile int traps;
static siginfo_t trapped;
static void on_trap(int signal, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    (void)signal;
    traps++;
    trapped = *info;
#if defined(__x86_64__)
    unsigned long pc = (unsigned long)u->uc_mcontext.gregs[REG_RIP];
    u->uc_mcontext.gregs[REG_RAX] = 4711;
#else
    unsigned long pc = u->uc_mcontext.__gregs[REG_PC];
    CHECK_IS(u->uc_mcontext.__gregs[REG_A0], 77); /* the argument is there still */
    u->uc_mcontext.__gregs[REG_A0] = 4711;
#endif
    CHECK(info->si_call_addr == (void *)pc);
}

static void signals(void) {
    struct sigaction a = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &a, NULL);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getpgid, SECCOMP_RET_TRAP | 0x321)), 0);
    CHECK_IS(syscall(SYS_getpgid, 77), 4711);
    CHECK_IS(traps, 1);
    CHECK_IS(trapped.si_signo, SIGSYS);
    CHECK_IS(trapped.si_code, 1);
    CHECK_IS(trapped.si_errno, 0x321);
    CHECK_IS(trapped.si_syscall, SYS_getpgid);
    CHECK_IS(trapped.si_arch, (unsigned)ARCH);
    CHECK_IS(syscall(SYS_getpgid, 77), 4711);
    CHECK_IS(traps, 2);
}

/* The address behind the instruction is what a filter sees, and what the signal reports. */
static void addresses(void) {
    uintptr_t at = (uintptr_t)trapped.si_call_addr;
    CHECK_IS(ADD(0, {FIELD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsid, 0, 3), FIELD(instruction_pointer),
                     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)at, 0, 1), RETURN(SECCOMP_RET_ERRNO | 88),
                     RETURN(SECCOMP_RET_ALLOW)}),
             0);
    CHECK_FAILS(syscall(SYS_getsid, 0), 88);
}

static void signals_and_addresses(void) {
    signals();
    addresses();
}

/* ---- who has them */

static long in_thread_result;
static void *in_thread(void *arg) {
    in_thread_result = result(syscall(SYS_getppid));
    return arg;
}

static void inheritance(void) {
    pthread_t thread;
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 44)), 0);
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    CHECK_IS(in_thread_result, -44);
    pid_t pid = fork();
    if (pid == 0) _exit(result(syscall(SYS_getppid)) == -44 ? 3 : 4);
    int status;
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 3);
    pid = vfork(); /* its filters are its own although its memory is not */
    if (pid == 0) {
        static const struct sock_filter code[] = ANSWER_FOR(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
        _exit(add(code, 4, 0) == 0 ? 5 : 6);
    }
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 5);
    CHECK_FAILS(syscall(SYS_getppid), 44);
}

static int turn;
static void wait_for(int value) {
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != value) usleep(1000);
}
static void *follower(void *arg) {
    long tid = syscall(SYS_gettid);
    __atomic_store_n((long *)arg, tid, __ATOMIC_SEQ_CST);
    __atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
    wait_for(2);
    in_thread_result = result(syscall(SYS_getppid));
    CHECK_IS(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getpgid, SECCOMP_RET_ERRNO | 1)), 0);
    __atomic_store_n(&turn, 3, __ATOMIC_SEQ_CST);
    wait_for(4);
    return NULL;
}

static void synchronised(void) {
    pthread_t thread;
    long tid = 0;
    pthread_create(&thread, NULL, follower, &tid);
    wait_for(1);
    CHECK_IS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_IS(ADD(SECCOMP_FILTER_FLAG_TSYNC, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 45)), 0);
    __atomic_store_n(&turn, 2, __ATOMIC_SEQ_CST);
    wait_for(3);
    CHECK_IS(in_thread_result, -45);
    /* Now that one has a filter of its own. */
    CHECK_IS(ADD(SECCOMP_FILTER_FLAG_TSYNC, ANSWER_FOR(SYS_getsid, SECCOMP_RET_ERRNO | 2)), tid);
    CHECK_FAILS(
        ADD(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, ANSWER_FOR(SYS_getsid, SECCOMP_RET_ERRNO | 2)),
        ESRCH);
    CHECK(syscall(SYS_getsid, 0) >= 0);
    __atomic_store_n(&turn, 4, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CHECK_IS(ADD(SECCOMP_FILTER_FLAG_TSYNC, ANSWER_FOR(SYS_getsid, SECCOMP_RET_ERRNO | 2)), 0);
}

static void too_many(void) {
    static struct sock_filter code[4096];
    for (int i = 0; i < 4096; i++) code[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
    int n = 0; /* the kernel counts what it translates them to */
    while (n < 20 && add(code, 4096, 0) == 0) n++;
    CHECK(n >= 2 && n < 8);
    CHECK_FAILS(add(code, 4096, 0), ENOMEM);
}

static char *self;
static void executes(void) {
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getppid, SECCOMP_RET_ERRNO | 46)), 0);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getpgid, SECCOMP_RET_ERRNO | 47)), 0);
    CHECK_IS(ADD(0, ANSWER_FOR(SYS_getpgid, SECCOMP_RET_ERRNO | 48)), 0);
#ifdef __riscv
    CHECK_FAILS(execl("/bin/sh", "sh", "-c", "true", NULL), ENOEXEC); /* the host's: nothing would filter it */
#endif
    execl(self, self, "again", NULL);
}
static int executed(const char *stage) {
    CHECK_IS(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 2);
    CHECK_FAILS(syscall(SYS_getppid), 46);
    CHECK_FAILS(syscall(SYS_getpgid, 0), 48);
    for (int fd = 3; fd < 20; fd++) CHECK_FAILS(fcntl(fd, F_GETFD), EBADF); /* nothing was left open */
    if (!strcmp(stage, "again")) execl(self, self, "last", NULL);
    return done() ? 99 : 9;
}

int main(int argc, char **argv) {
    self = argv[0];
    if (argc > 1) return executed(argv[1]);
    for (int fd = 3; fd < 20; fd++) close(fd);
    CHECK_IS(child_status(without_rights), 0);
    CHECK_IS(child_status(synchronised), 0);
    CHECK_IS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    test_refused();
    CHECK_IS(child_status(errors), 0);
    test_programs();
    test_deaths();
    CHECK_IS(child_status(signals_and_addresses), 0);
    CHECK_IS(child_status(inheritance), 0);
    CHECK_IS(child_status(too_many), 0);
    CHECK_IS(WEXITSTATUS(child_status(executes)), 9);
    return done();
}
