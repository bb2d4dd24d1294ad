/* sigaltstack: handlers run on the other stack, nest there, are refused when it is busy; a stack overflow is survived.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static char stack_memory[65536];
static volatile sig_atomic_t on_it, nested, change_refused, flags_inside;
static sigjmp_buf recover;

static int on_alternate(void) {
    char here;
    return (uintptr_t)&here >= (uintptr_t)stack_memory &&
           (uintptr_t)&here < (uintptr_t)stack_memory + sizeof stack_memory;
}

static void inner(int s) {
    (void)s;
    nested = on_alternate();
}

static void outer(int s) {
    (void)s;
    on_it = on_alternate();
    stack_t now, disable = {.ss_flags = SS_DISABLE};
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
    change_refused = sigaltstack(&disable, NULL) == -1 && errno == EPERM;
    raise(SIGUSR2);
}

static void overflow(int s) {
    (void)s;
    siglongjmp(recover, 1 + on_alternate());
}

static volatile int keep;

__attribute__((noinline)) static int endless(int n) {
    volatile char frame[4000];
    frame[n % 4000] = (char)n;
    return keep ? 0 : endless(n + 1) + frame[n % 4000];
}

int main(void) {
    stack_t now, mine = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory};
    sigaltstack(NULL, &now);
    printf("%d\n", now.ss_flags == SS_DISABLE);
    stack_t tiny = {.ss_sp = stack_memory, .ss_size = 100};
    int refused = sigaltstack(&tiny, NULL);
    printf("%d %d\n", refused, errno == ENOMEM);
    printf("%d\n", sigaltstack(&mine, NULL));
    sigaltstack(NULL, &now);
    printf("%d %d %d\n", now.ss_sp == stack_memory, now.ss_size == sizeof stack_memory, now.ss_flags);
    struct sigaction action = {.sa_handler = outer, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = inner;
    sigaction(SIGUSR2, &action, NULL);
    for (int i = 0; i < 3; i++) {
        on_it = nested = change_refused = 0;
        raise(SIGUSR1);
        printf("%d %d %d %d\n", (int)on_it, (int)nested, (int)change_refused, flags_inside == SS_ONSTACK);
    }
    action.sa_flags = 0;
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    printf("without the flag %d\n", (int)nested);
    struct rlimit limit = {1 << 20, 1 << 20};
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_STACK, &limit);
    action = (struct sigaction){.sa_handler = overflow, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 3; i++) {
        int code = sigsetjmp(recover, 1);
        if (code == 0) endless(0);
        printf("overflow survived %d\n", code);
    }
    stack_t disable = {.ss_flags = SS_DISABLE};
    printf("%d\n", sigaltstack(&disable, NULL));
    return 0;
}
