/* alarm, setitimer and timer_create deliver; interrupted calls return EINTR or restart; a computation is interrupted.
 * Timers repeat, because on a slow machine the first tick may come before the call that it is to interrupt. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "patient.h"

static volatile sig_atomic_t ticks;
static int write_end;

static void tick(int s) {
    (void)s;
    ticks++;
}

static void tick_and_write(int s) {
    (void)s;
    ticks++;
    if (write(write_end, "x", 1) != 1) _exit(9);
}

static void start(int which, long first_us, long then_us) {
    struct itimerval timer = {{then_us / 1000000, then_us % 1000000}, {first_us / 1000000, first_us % 1000000}};
    if (setitimer(which, &timer, NULL)) _exit(8);
}

int main(void) {
    struct sigaction action = {.sa_handler = tick};
    sigaction(SIGALRM, &action, NULL);
    start(ITIMER_REAL, 2000, 5000);
    int result = pause();
    int error = errno;
    start(ITIMER_REAL, 0, 0);
    printf("pause %d %d %d\n", result, error == EINTR, ticks > 0);

    ticks = 0;
    start(ITIMER_REAL, 1000, 1000);
    unsigned long turns = 0; /* no system call in this loop */
    while (ticks < 5) turns++;
    start(ITIMER_REAL, 0, 0);
    printf("busy %d %d\n", ticks >= 5, turns > 1000);

    int ends[2];
    if (pipe(ends)) return 1;
    write_end = ends[1];
    char c = 0;
    start(ITIMER_REAL, 3000, 5000);
    ssize_t n = read(ends[0], &c, 1);
    error = errno;
    start(ITIMER_REAL, 0, 0);
    printf("read %zd %d\n", n, error == EINTR);

    action.sa_handler = tick_and_write;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    start(ITIMER_REAL, 3000, 0);
    n = read(ends[0], &c, 1); /* restarted, then satisfied by what the handler wrote */
    printf("restarted %zd %c\n", n, c);

    action.sa_handler = tick;
    sigaction(SIGALRM, &action, NULL);
    start(ITIMER_REAL, 3000, 5000);
    struct timespec long_sleep = {50, 0}, left = {0, 0};
    result = nanosleep(&long_sleep, &left); /* never restarted by SA_RESTART */
    error = errno;
    start(ITIMER_REAL, 0, 0);
    printf("sleep %d %d %d\n", result, error == EINTR, left.tv_sec >= 40 && left.tv_sec < 50);

    ticks = 0;
    printf("alarm %u ", alarm(100));
    struct itimerval now;
    getitimer(ITIMER_REAL, &now);
    printf("%d ", now.it_value.tv_sec >= 98);
    unsigned rest = alarm(0);
    printf("%d %d\n", rest >= 99 && rest <= 100, (int)ticks);

    sigaction(SIGVTALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    start(ITIMER_VIRTUAL, 2000, 0);
    while (!ticks) turns++;
    ticks = 0;
    start(ITIMER_PROF, 2000, 0);
    while (!ticks) turns++;
    printf("cpu timers\n");

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 7};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer)) return 2;
    struct itimerspec when = {.it_value = {0, 2000000}};
    if (timer_settime(timer, 0, &when, NULL)) return 3;
    siginfo_t info;
    result = sigwaitinfo(&set, &info);
    printf("timer %d %d %d\n", result == SIGRTMIN + 1, info.si_code == SI_TIMER, info.si_value.sival_int);
    timer_gettime(timer, &when);
    printf("%ld %ld %d\n", when.it_value.tv_sec, when.it_value.tv_nsec, timer_delete(timer));
    return 0;
}
