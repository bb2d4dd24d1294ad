/* frames.c - what a signal handler finds and may do: addresses and codes of faults, registers, stacks, frames that make
 * no sense. */
#include "check.h"
#include <fcntl.h>
#include <setjmp.h>
#include <ucontext.h>

static siginfo_t last;
static sigjmp_buf back;
static volatile int *volatile nowhere = (volatile int *)16;
static char *page; /* nothing may be done with it at first */

static void leave(int s, siginfo_t *info, void *context) {
    (void)s, (void)context;
    last = *info;
    siglongjmp(back, 1);
}

static void catch (int s) {
    struct sigaction a = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
    CHECK_IS(sigaction(s, &a, NULL), 0);
}

#define FAULT(signal, code, address, expression)                                                                       \
    do {                                                                                                               \
        last.si_signo = 0;                                                                                             \
        if (!sigsetjmp(back, 1)) {                                                                                     \
            expression;                                                                                                \
            CHECK(!"no fault");                                                                                        \
        }                                                                                                              \
        CHECK_IS(last.si_signo, signal);                                                                               \
        CHECK_IS(last.si_code, code);                                                                                  \
        CHECK_IS(last.si_addr, address);                                                                               \
    } while (0)

static void faults(void) {
    volatile char *p = page;
    char name[] = "frames.tmp";
    catch (SIGSEGV);
    catch (SIGBUS);
    FAULT(SIGSEGV, SEGV_ACCERR, page + 7, (void)p[7]);
    mprotect(page, 4096, PROT_READ);
    FAULT(SIGSEGV, SEGV_ACCERR, page + 9, p[9] = 1);
    FAULT(SIGSEGV, SEGV_ACCERR, page, ((void (*)(void))page)());
    FAULT(SIGSEGV, SEGV_MAPERR, 16, *nowhere = 1);
    FAULT(SIGSEGV, SEGV_MAPERR, 16, (void)*nowhere);
    FAULT(SIGSEGV, SEGV_MAPERR, 4098, ((void (*)(void))4098)());
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink(name);
    CHECK_IS(ftruncate(fd, 100), 0);
    volatile char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0);
    CHECK(file != MAP_FAILED);
    file[50] = 1;
    FAULT(SIGBUS, BUS_ADRERR, file + 4096, (void)file[4096]);
    FAULT(SIGBUS, BUS_ADRERR, file + 5000, file[5000] = 1);
    FAULT(SIGBUS, BUS_ADRERR, file + 4096, ((void (*)(void))(uintptr_t)(file + 4096))());
    CHECK_IS(ftruncate(fd, 0), 0);
    FAULT(SIGBUS, BUS_ADRERR, file + 50, (void)file[50]);
    CHECK_FAILS(write(1, (void *)(uintptr_t)file, 1), EFAULT);
    close(fd);
}

/* An access over two pages of which the second is not there: the address is the second page's. */
static void straddling(void) {
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(two + 4096, 4096, PROT_NONE);
    memset(two, 0x11, 4096);
    volatile uint64_t *word = (volatile uint64_t *)(two + 4092);
    FAULT(SIGSEGV, SEGV_ACCERR, two + 4096, (void)*word);
    FAULT(SIGSEGV, SEGV_ACCERR, two + 4096, *word = 0);
    CHECK_IS(two[4095], 0x11); /* nothing of it was written */
}

/* A handler repairs the cause, and the instruction is executed again. */
static volatile int repairs;
static void repair(int s, siginfo_t *info, void *context) {
    (void)s, (void)context;
    repairs++;
    mprotect((void *)((uintptr_t)info->si_addr & -4096ul), 4096, PROT_READ | PROT_WRITE);
}

static void repaired(void) {
    struct sigaction a = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &a, NULL);
    mprotect(page, 4096, PROT_NONE);
    volatile char *p = page;
    p[100] = 77;
    CHECK_IS(p[100], 77);
    CHECK_IS(repairs, 1);
}

/* ---- stacks */

static char alternate[1 << 16];
static void *handler_stack;
static void where(int s) {
    char here;
    stack_t now;
    handler_stack = &here;
    sigaltstack(NULL, &now);
    CHECK(now.ss_flags & SS_ONSTACK);
    CHECK_FAILS(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), EPERM);
    CHECK(s == SIGUSR1);
}

static void stacks(void) {
    stack_t set = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
    CHECK_IS(sigaltstack(NULL, &old), 0);
    CHECK_IS(old.ss_flags, SS_DISABLE);
    CHECK_FAILS(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 100}, NULL), ENOMEM);
    CHECK_FAILS(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = 1 << 16, .ss_flags = 4}, NULL), EINVAL);
    CHECK_IS(sigaltstack(&set, NULL), 0);
    struct sigaction a = {.sa_handler = where, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    CHECK((char *)handler_stack > alternate && (char *)handler_stack < alternate + sizeof alternate);
    CHECK_IS(sigaltstack(NULL, &old), 0);
    CHECK_IS(old.ss_flags, 0);
    CHECK(old.ss_sp == alternate && old.ss_size == sizeof alternate);
}

/* The stack itself is used up: only the alternate one can take the signal. */
static volatile char sink;
static void __attribute__((noinline)) endless(int n) {
    volatile char here[4096];
    here[0] = (char)n;
    if (n >= 0) endless(n + 1);
    sink = here[0];
}

static void on_overflow(int s, siginfo_t *info, void *context) {
    (void)s, (void)info, (void)context;
    _exit(42);
}

static void overflow_caught(void) {
    stack_t set = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction a = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&set, NULL);
    sigaction(SIGSEGV, &a, NULL);
    endless(0);
}

static void overflow_uncaught(void) {
    struct sigaction a = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO}; /* has no stack to run on */
    sigaction(SIGSEGV, &a, NULL);
    endless(0);
}

static void blocked_fault(void) {
    sigset_t set;
    struct sigaction a = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &a, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *nowhere = 1;
}

static void ignored_fault(void) {
    signal(SIGSEGV, SIG_IGN);
    *nowhere = 1;
}

static volatile int times;
static void twice(int s) {
    times++;
    if (times == 1) raise(s);
}

static void flags(void) {
    struct sigaction a = {.sa_handler = twice, .sa_flags = SA_NODEFER}, old;
    sigaction(SIGUSR2, &a, NULL);
    raise(SIGUSR2); /* nested */
    CHECK_IS(times, 2);
    a.sa_flags = (int)SA_RESETHAND;
    times = 1;
    sigaction(SIGUSR2, &a, NULL);
    raise(SIGUSR2);
    CHECK_IS(times, 2);
    sigaction(SIGUSR2, NULL, &old);
    CHECK(old.sa_handler == SIG_DFL);
    CHECK_FAILS(sigaction(SIGKILL, &a, NULL), EINVAL);
    CHECK_FAILS(sigaction(65, &a, NULL), EINVAL);
    CHECK_FAILS(sigaction(0, &a, NULL), EINVAL);
}

/* ---- registers: riscv64 only */
#ifdef __riscv
static void skip(int s, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    (void)s;
    last = *info;
    c->uc_mcontext.__gregs[REG_PC] += 4;
    c->uc_mcontext.__gregs[REG_A0] = 4711;
    c->uc_mcontext.__gregs[20] += 1;                         /* s4 */
    c->uc_mcontext.__fpregs.__d.__f[8] = 0x4045000000000000; /* fs0 = 42.0 */
    c->uc_mcontext.__fpregs.__d.__fcsr = 3 << 5 | 0x11;      /* round up; invalid, inexact */
}

static void registers(void) {
    struct sigaction a = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &a, NULL);
    sigaction(SIGTRAP, &a, NULL);
    register long a0 __asm__("a0") = 1;
    register long s4 __asm__("s4") = 100;
    register double fs0 __asm__("fs0") = 1;
    long fcsr;
    __asm__ volatile("fscsr x0\n 1: .4byte 0\n frcsr %3\n fscsr x0" : "+r"(a0), "+r"(s4), "+f"(fs0), "=&r"(fcsr));
    long got_a0 = a0, got_s4 = s4;
    double got_fs0 = fs0;
    CHECK_IS(got_a0, 4711);
    CHECK_IS(got_s4, 101);
    CHECK(got_fs0 == 42.0);
    CHECK_IS(fcsr, 3 << 5 | 0x11);
    CHECK_IS(last.si_code, ILL_ILLOPC);
    CHECK_IS(last.si_signo, SIGILL);
    __asm__ volatile(".option push\n .option norvc\n ebreak\n .option pop" ::: "a0", "s4", "fs0", "memory");
    CHECK_IS(last.si_signo, SIGTRAP);
    CHECK_IS(last.si_code, TRAP_BRKPT);
    __asm__ volatile("fscsr x0");
}

static void misaligned(void) {
    catch (SIGBUS);
    static uint32_t words[4];
    char *odd = (char *)words + 2;
    FAULT(SIGBUS, BUS_ADRALN, odd, __asm__ volatile("amoadd.w x0, x0, (%0)" ::"r"(odd) : "memory"));
    FAULT(SIGBUS, BUS_ADRALN, odd, __asm__ volatile("lr.w t0, (%0)" ::"r"(odd) : "t0", "memory"));
}

/* sigreturn from anywhere, with anything. */
static void bad_return(uint64_t sp) {
    __asm__ volatile("mv sp, %0\n li a7, 139\n ecall" ::"r"(sp) : "a7", "memory");
}
static void return_nowhere(void) {
    bad_return(0x10);
}
static void return_high(void) {
    bad_return(0xfffffffffffffff0);
}
static void return_vee(void) {
    bad_return(0x7ffff7000000);
}
static void return_unknown_extension(void) {
    static uint64_t frame[300];
    uint32_t *words = (uint32_t *)frame;
    words[(304 + 256 + 516) / 4 + 1] = 0x53465457;
    bad_return((uint64_t)frame);
}
static void land(void) {
    _exit(checks_failed ? 1 : 55);
}
static void return_made_up(void) { /* all ones but for a pc, and all signals blocked */
    static uint64_t frame[300];
    memset(frame, 0xff, 304);
    frame[304 / 8] = (uint64_t)land | 1; /* bit 0 does not count */
    for (int i = 1; i < 32; i++) frame[304 / 8 + i] = 0xffffffffffffffff;
    static char stack[8192];
    frame[304 / 8 + 2] = (uint64_t)(stack + 8192 - 64);
    __asm__ volatile("sd gp, %0\n sd tp, %1" : "=m"(frame[304 / 8 + 3]), "=m"(frame[304 / 8 + 4]));
    bad_return((uint64_t)frame);
}

static void hostile(void) {
    CHECK_IS(WTERMSIG(child_status(return_nowhere)), SIGSEGV);
    CHECK_IS(WTERMSIG(child_status(return_high)), SIGSEGV);
    CHECK_IS(WTERMSIG(child_status(return_vee)), SIGSEGV);
    CHECK_IS(WTERMSIG(child_status(return_unknown_extension)), SIGSEGV);
    CHECK_IS(WEXITSTATUS(child_status(return_made_up)), 55);
}
#else
static void registers(void) {}
static void misaligned(void) {}
static void hostile(void) {}
#endif

int main(void) {
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    faults();
    straddling();
    repaired();
    stacks();
    flags();
    registers();
    misaligned();
    signal(SIGSEGV, SIG_DFL);
    hostile();
    CHECK_IS(WEXITSTATUS(child_status(overflow_caught)), 42);
    CHECK_IS(WTERMSIG(child_status(overflow_uncaught)), SIGSEGV);
    CHECK_IS(WTERMSIG(child_status(blocked_fault)), SIGSEGV);
    CHECK_IS(WTERMSIG(child_status(ignored_fault)), SIGSEGV);
    return done();
}
