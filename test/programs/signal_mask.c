/* Signal sets and masks: sigprocmask, sigpending, sigsuspend, masks during handlers, order of unblocking. */
/* qemu: 7.2 reads sa_mask from the wrong place */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t hits[65], inside_blocked, log_length;
static int log_[256];

static void handler(int s) {
    hits[s]++;
    if (log_length < 256) log_[log_length++] = s;
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    inside_blocked = 0;
    for (int i = 1; i < 32; i++) inside_blocked = inside_blocked * 2 + (sigismember(&now, i) > 0);
}

static void print_set(const char *name, const sigset_t *set) {
    printf("%s:", name);
    for (int s = 1; s < 65; s++)
        if (sigismember(set, s) > 0 && (s < 32 || s > 33)) printf(" %d", s);
    putchar('\n');
}

int main(void) {
    sigset_t set, old, other;
    sigemptyset(&set);
    print_set("empty", &set);
    sigfillset(&set);
    print_set("full", &set);
    for (int s = 1; s < 65; s += 3) sigdelset(&set, s);
    print_set("some", &set);
    sigfillset(&other);
    sigdelset(&other, SIGUSR1);
    sigandset(&other, &set, &other);
    print_set("and", &other);
    sigemptyset(&other);
    printf("%d %d %d\n", sigisemptyset(&other), sigaddset(&set, 0), sigismember(&set, 99));

    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGHUP);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    raise(SIGUSR1);
    printf("in handler %x\n", (unsigned)inside_blocked);
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, &old);
    sigprocmask(SIG_BLOCK, NULL, &other);
    printf("kill and stop stay open: %d %d\n", sigismember(&other, SIGKILL), sigismember(&other, SIGSTOP));
    raise(SIGUSR1);
    raise(SIGUSR1);
    raise(SIGUSR2);
    raise(SIGTERM);
    sigpending(&other);
    print_set("pending", &other);
    printf("%d %d\n", (int)hits[SIGUSR1], (int)hits[SIGUSR2]);
    log_length = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("after one: %d %d %d\n", (int)hits[SIGUSR1], (int)hits[SIGUSR2], (int)hits[SIGTERM]);
    errno = 0;
    int result = sigsuspend(&old); /* both of the others arrive in one suspend */
    printf("suspend %d %d: %d %d\n", result, errno == EINTR, (int)hits[SIGUSR1], (int)hits[SIGTERM]);
    sigprocmask(SIG_BLOCK, NULL, &other);
    printf("mask is back: %d\n", sigismember(&other, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    for (int i = 0; i < 300; i++) {
        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        sigprocmask(SIG_BLOCK, &set, &old);
        raise(SIGUSR1);
        raise(SIGUSR1);
        sigsuspend(&old);
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
    printf("%d %d\n", (int)hits[SIGUSR1], (int)hits[SIGHUP]);
    int wrong_how = sigprocmask(77, &set, NULL);
    printf("%d %d\n", wrong_how, errno == EINVAL);
    return 0;
}
