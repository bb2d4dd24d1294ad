/* SA_SIGINFO: the contents of siginfo for raise, kill, sigqueue, timers and faults; queued real-time signals in order.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

static siginfo_t last;
static volatile sig_atomic_t seen;
static int order[64], values[64];

static void record(int number, siginfo_t *info, void *context) {
    last = *info;
    if (seen < 64) {
        order[seen] = number;
        values[seen] = info->si_value.sival_int;
    }
    seen++;
    if (!context) abort();
}

static void show(const char *what) {
    printf("%s: seen %d signo %d code %d errno %d pid %d uid %d\n", what, (int)seen, last.si_signo, last.si_code,
           last.si_errno, last.si_pid == getpid(), last.si_uid == getuid());
    memset(&last, 0, sizeof last);
    seen = 0;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = record, .sa_flags = SA_SIGINFO};
    for (int s = SIGRTMIN; s <= SIGRTMIN + 4; s++) sigaction(s, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR1);
    show("raise");
    kill(getpid(), SIGUSR2);
    show("kill");
    union sigval value = {.sival_ptr = (void *)0x123456789abcdef0};
    sigqueue(getpid(), SIGUSR1, value);
    printf("%d %p\n", last.si_code == SI_QUEUE, last.si_value.sival_ptr);
    show("sigqueue");

    sigset_t all, old;
    sigemptyset(&all);
    for (int s = SIGRTMIN; s <= SIGRTMIN + 4; s++) sigaddset(&all, s);
    sigaddset(&all, SIGUSR1);
    sigprocmask(SIG_BLOCK, &all, &old);
    for (int i = 0; i < 20; i++) { /* lowest number first, each in order of sending; the standard one only once */
        value.sival_int = i;
        sigqueue(getpid(), SIGRTMIN + 4 - i % 5, value);
        kill(getpid(), SIGUSR1);
    }
    sigset_t pending;
    sigpending(&pending);
    int waiting = 0;
    for (int s = 1; s < 65; s++) waiting += sigismember(&pending, s) > 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    printf("pending %d delivered %d\n", waiting, (int)seen);
    /* handlers of signals that become pending together nest: the order of entry depends on masks, so sort by number */
    int counts[65] = {0}, in_order = 1, previous[65];
    memset(previous, -1, sizeof previous);
    for (int i = 0; i < seen; i++) {
        counts[order[i]]++;
        if (order[i] >= SIGRTMIN) in_order &= values[i] >= 0 && values[i] < 20;
    }
    for (int s = SIGRTMIN; s <= SIGRTMIN + 4; s++) printf("%d ", counts[s]);
    printf("%d %d\n", counts[SIGUSR1], in_order);
    seen = 0;

    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 0; i < 10; i++) {
        value.sival_int = 100 + i;
        sigqueue(getpid(), SIGRTMIN + 2, value);
    }
    sigaddset(&action.sa_mask, SIGRTMIN + 2);
    for (int i = 0; i < 10; i++) {
        siginfo_t info;
        int got = sigwaitinfo(&all, &info);
        printf("%d:%d:%d ", got == SIGRTMIN + 2, info.si_value.sival_int, info.si_code == SI_QUEUE);
    }
    struct timespec zero = {0, 0};
    printf("%d\n", sigtimedwait(&all, NULL, &zero));

    sigaction(SIGCHLD, &action, NULL);
    sigset_t child_only;
    sigemptyset(&child_only);
    sigaddset(&child_only, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_only, NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(37);
    siginfo_t info;
    int got = sigwaitinfo(&child_only, &info);
    printf("child %d code %d status %d pid %d\n", got == SIGCHLD, info.si_code == CLD_EXITED, info.si_status,
           info.si_pid == child);
    int status;
    pid_t waited = waitpid(child, &status, 0);
    printf("%d %d\n", waited == child, WEXITSTATUS(status));
    return 0;
}
