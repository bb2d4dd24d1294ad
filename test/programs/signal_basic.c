/* signal, raise, default and ignored signals, handlers that raise again, SA_RESETHAND, SA_NODEFER, return values. */
/* qemu: has no signals 63 and 64 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t count[65], nested, deepest;

/* Prints a result, and errno if it is -1. */
static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void handler(int signal_number) {
    count[signal_number]++;
}

static void again(int signal_number) {
    count[signal_number]++;
    nested++;
    if (nested > deepest) deepest = nested;
    if (count[signal_number] < 5) raise(signal_number);
    nested--;
}

int main(void) {
    for (int s = 1; s < 65; s++) {
        if (s == SIGKILL || s == SIGSTOP || (s >= 32 && s < SIGRTMIN)) continue;
        struct sigaction action = {.sa_handler = handler, .sa_flags = s % 2 ? SA_RESTART : 0}, old;
        int set = sigaction(s, &action, NULL);
        int raised = raise(s);
        sigaction(s, NULL, &old);
        printf("%d:%d%d%d%d ", s, set, raised, (int)count[s], old.sa_handler == handler);
        signal(s, SIG_IGN);
        raise(s);
        printf("%d ", (int)count[s]);
        signal(s, SIG_DFL);
    }
    putchar('\n');
    struct sigaction action = {.sa_handler = handler};
    show("SIGKILL", sigaction(SIGKILL, &action, NULL));
    show("signal 65", sigaction(65, &action, NULL));
    show("raise 100", raise(100));
    show("signal 0", signal(0, handler) == SIG_ERR);
    memset((void *)count, 0, sizeof count);
    action = (struct sigaction){.sa_handler = again};
    sigaction(SIGUSR1, &action, NULL); /* blocked while it is handled: one after another */
    raise(SIGUSR1);
    printf("%d deep %d\n", (int)count[SIGUSR1], (int)deepest);
    memset((void *)count, 0, sizeof count);
    deepest = 0;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("%d deep %d\n", (int)count[SIGUSR1], (int)deepest);
    action = (struct sigaction){.sa_handler = handler, .sa_flags = SA_RESETHAND};
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    struct sigaction old;
    sigaction(SIGUSR2, NULL, &old);
    printf("%d %d\n", (int)count[SIGUSR2], old.sa_handler == SIG_DFL);
    for (int s = SIGCHLD; s <= SIGURG; s += SIGURG - SIGCHLD) printf("%d ", raise(s)); /* ignored by default */
    show("\nfirst", signal(SIGINT, handler) == SIG_DFL);
    show("second", signal(SIGINT, SIG_DFL) == handler);
    for (int i = 0; i < 2000; i++) {
        signal(SIGTERM, handler);
        raise(SIGTERM);
    }
    kill(getpid(), SIGTERM);
    printf("%d\n", (int)count[SIGTERM]);
    return 0;
}
