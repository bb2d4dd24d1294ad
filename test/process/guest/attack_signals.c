/* attack_signals.c - signals that only look like faults, lists of locks and words to be cleared that are not the
 * program's: the emulator keeps its own. */
#include "emulator.h"
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/wait.h>

static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
enum { FAULTS = sizeof faults / sizeof *faults };
static siginfo_t last;
static volatile sig_atomic_t count;
static sigjmp_buf back;
static volatile int *volatile nowhere = (volatile int *)16, *volatile beyond = (volatile int *)(1ull << 62);

static void on_signal(int s, siginfo_t *info, void *context) {
    (void)s, (void)context;
    last = *info;
    count++;
}

static void leave(int s) {
    siglongjmp(back, s);
}

static void catch_with(int s, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    CHECK_IS(sigaction(s, &a, NULL), 0);
}

/* A real fault still comes through. */
static void really_faults(void) {
    signal(SIGSEGV, leave);
    for (volatile int i = 0; i < 2; i++)
        if (!sigsetjmp(back, 1)) {
            *(i ? beyond : nowhere) = 1;
            CHECK(!"no fault");
        }
}

/* A process may send itself a signal with any code, even those that the kernel uses. */
static void forge(int s, int code, void *address) {
    siginfo_t info = {.si_signo = s, .si_code = code};
    info.si_addr = address;
    catch_with(s, on_signal);
    count = 0;
    CHECK_IS(syscall(SYS_rt_sigqueueinfo, getpid(), s, &info), 0);
    CHECK_IS(count, 1);
    CHECK_IS(last.si_code, code);
    CHECK_IS(last.si_addr, address);
    count = 0;
    CHECK_IS(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), s, &info), 0);
    CHECK_IS(count, 1);
    CHECK_IS(last.si_code, code);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, s);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    CHECK_IS(syscall(SYS_rt_sigqueueinfo, getpid(), s, &info), 0);
    CHECK_IS(count, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK_IS(count, 1);
    CHECK_IS(last.si_code, code);
    count = 0;
    int self = (int)syscall(434 /* pidfd_open */, getpid(), 0);
    CHECK_IS(syscall(424 /* pidfd_send_signal */, self, s, &info, 0), 0);
    CHECK_IS(count, 1);
    CHECK_IS(last.si_code, code);
    CHECK_IS(last.si_addr, address);
    close(self);
    /* and one that is waited for */
    sigprocmask(SIG_BLOCK, &set, &old);
    CHECK_IS(syscall(SYS_rt_sigqueueinfo, getpid(), s, &info), 0);
    CHECK_IS(sigwaitinfo(&set, &info), s);
    CHECK_IS(info.si_code, code);
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(s, SIG_DFL);
}

static void forged(void) {
    for (unsigned i = 0; i < FAULTS; i++) {
        forge(faults[i], 1, (void *)16);
        forge(faults[i], 2, &last);
        forge(faults[i], 0x80, NULL);
        really_faults();
    }
}

static void forged_death(void) {
    siginfo_t info = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
    signal(SIGSEGV, SIG_DFL);
    syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &info);
    _exit(3);
}

/* A process that is not this one gets no such signal. */
static void forged_elsewhere(void) {
    siginfo_t info = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
    CHECK_FAILS(syscall(SYS_rt_sigqueueinfo, getppid(), SIGSEGV, &info), EPERM);
}

/* The signal at the end of a child may be any, with the codes of SIGCHLD. */
static void by_child(void) {
    for (unsigned i = 0; i < FAULTS; i++) {
        int status;
        catch_with(faults[i], on_signal);
        count = 0;
        fflush(stdout);
        long pid = syscall(SYS_clone, faults[i], 0, 0, 0, 0);
        if (pid == 0) _exit(7);
        CHECK_IS(waitpid((pid_t)pid, &status, __WALL), pid);
        CHECK_IS(status, 7 << 8);
        CHECK_IS(count, 1);
        CHECK_IS(last.si_signo, faults[i]);
        CHECK_IS(last.si_code, CLD_EXITED);
        CHECK_IS(last.si_pid, pid);
        really_faults();
    }
}

/* ---- what the kernel does at the end of a thread */

static void go_on(void) {
    char *p = malloc(2 << 20);
    memset(p, 1, 2 << 20);
    free(p);
    really_faults();
    CHECK_IS(getpid(), syscall(SYS_getpid));
}

static uint64_t target;

static void *hostile_end(void *arg) {
    static _Thread_local struct {
        uint64_t next;
        int64_t offset;
        uint64_t pending;
    } head;
    (void)arg;
    head.next = target;
    head.pending = target + 8;
    CHECK_IS(syscall(SYS_set_robust_list, &head, sizeof head), 0);
    syscall(SYS_set_tid_address, target);
    syscall(SYS_exit, 0);
    return NULL;
}

/* The process ends when its last thread does: not by the first one, which leaves a list behind. */
static void *last_thread(void *arg) {
    struct timespec t = {.tv_nsec = 20000000};
    (void)arg;
    nanosleep(&t, NULL);
    go_on();
    fflush(stdout);
    syscall(SYS_exit_group, checks_failed ? 99 : 0);
    return NULL;
}

static void first_thread_ends(void) {
    pthread_t thread;
    CHECK_IS(pthread_create(&thread, NULL, last_thread, NULL), 0);
    hostile_end(NULL);
}

static void other_thread_ends(void) {
    /* A stack of its own that nobody waits for: its word is not cleared. */
    pthread_t thread;
    struct timespec t = {.tv_nsec = 20000000};
    CHECK_IS(pthread_create(&thread, NULL, hostile_end, NULL), 0);
    nanosleep(&t, NULL);
    go_on();
}

static void vforked_end(void) {
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        static uint64_t head[3];
        head[0] = target;
        syscall(SYS_set_robust_list, head, sizeof head);
        syscall(SYS_set_tid_address, target);
        _exit(4);
    }
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 4 << 8);
    go_on();
}

/* The number of a child is where a fault has its address, and may be that of the last fault. */
static void by_child_as_if_there(void) {
    int status, go[2];
    char byte = 0;
    catch_with(SIGSEGV, on_signal);
    count = 0;
    fflush(stdout);
    CHECK_IS(pipe(go), 0);
    long pid = syscall(SYS_clone, SIGSEGV, 0, 0, 0, 0);
    if (!pid) _exit(read(go[0], &byte, 1) == 1 ? 5 : 6);
    void *there = (void *)((uint64_t)getuid() << 32 | (uint64_t)pid);
    CHECK_IS(write(go[1], &byte, 1), 1);
    /* A number below that of the program's first page is an address of nobody's. */
    unsigned char in_memory;
    void *page = (void *)((uint64_t)there & ~4095ull);
    bool nobodys = getuid() == 0 && mincore(page, 4096, &in_memory) == -1 && errno == ENOMEM;
    for (int i = 0; nobodys && !count && i < 2000; i++) {
        CHECK_FAILS(syscall(SYS_rt_sigaction, SIGUSR1, there, NULL, 8), EFAULT);
        usleep(1000);
    }
    CHECK_IS(waitpid((pid_t)pid, &status, __WALL), pid);
    CHECK_IS(status, 5 << 8);
    if (nobodys) {
        CHECK_IS(count, 1);
        CHECK_IS(last.si_code, CLD_EXITED);
        CHECK_IS(last.si_pid, pid);
    }
    for (int i = 0; nobodys && i < 3; i++) CHECK_FAILS(syscall(SYS_rt_sigaction, SIGUSR1, there, NULL, 8), EFAULT);
    close(go[0]), close(go[1]);
    signal(SIGSEGV, SIG_DFL);
    really_faults();
}

int main(void) {
    emulator_memory();
    range_add(0xffff800000000000, 0xffff800000001000);
    range_add(8, 4096); /* nobody's */
    forged();
    CHECK_IS(WTERMSIG(child_status(forged_death)), SIGSEGV);
    if (getuid()) CHECK_IS(child_status(forged_elsewhere), 0);
    by_child();
    for (int i = 0; i < 20; i++) by_child_as_if_there();
    for (unsigned i = 0; i < range_count; i++)
        for (int at_end = 0; at_end < 2; at_end++) {
            target = at_end ? ranges[i].end - 64 : ranges[i].start;
            CHECK_IS(child_status(first_thread_ends), 0);
            CHECK_IS(child_status(other_thread_ends), 0);
            CHECK_IS(child_status(vforked_end), 0);
        }
    go_on();
    return done();
}
