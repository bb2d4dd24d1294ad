/* signals.c - signals that come at any time, while the program computes, waits, and waits with another mask. What it
 * computes depends on when they came. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long steps, hash = 1;
static volatile int came;
static void note(int signal, siginfo_t *info, void *context) {
    (void)context;
    hash = hash * 31 + steps * 7 + (unsigned long)signal + (unsigned long)info->si_code;
    if (signal == SIGUSR1) hash += (unsigned long)info->si_pid; /* who sent it comes from outside */
    came++;
}

static void every(long us) {
    struct itimerval t = {{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &t, NULL);
}

int main(void) {
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    for (int s = 1; s < 32; s++)
        if (s != SIGKILL && s != SIGSTOP && s != SIGPIPE) sigaction(s, &a, NULL);
    every(2000);
    while (came < 20) steps++;
    while (came < 30) pause();
    sigset_t all, none;
    sigfillset(&all), sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < 5; i++) {
        int r = i & 1 ? ppoll(NULL, 0, NULL, &none) : sigsuspend(&none);
        hash = hash * 31 + (unsigned long)(r == -1 && errno == EINTR);
        steps++;
    }
    siginfo_t info;
    int got = sigwaitinfo(&all, &info);
    every(0);
    hash = hash * 31 + (unsigned long)got;
    kill(getpid(), SIGSEGV); /* one that vee keeps for itself */
    got = sigtimedwait(&all, &info, &(struct timespec){1, 0});
    hash = hash * 31 + (unsigned long)got + (unsigned long)info.si_code;
    kill(getpid(), SIGUSR1), raise(SIGTRAP);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!fork()) _exit(3);
    while (wait(NULL) < 0) steps++;
    struct timespec t = {0, 3000000}, rest = {0};
    every(500);
    got = nanosleep(&t, &rest);
    every(0);
    hash = hash * 31 + (unsigned long)got + (unsigned long)rest.tv_nsec;
    printf("%d signals, %lu steps: %lx\n", came, steps, hash);
    return 0;
}
