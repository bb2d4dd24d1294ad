/* What must hold of every clock: monotonic never goes back, resolutions, cpu time grows with work, sleeping takes the
 * time asked for; absolute sleeps; time and gettimeofday agree. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t)) return -1;
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void) {
    static const clockid_t clocks[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
                                       CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                                       CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI};
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct timespec t, resolution, last = {0, 0};
        int got = clock_gettime(clocks[i], &t), got_resolution = clock_getres(clocks[i], &resolution), back = 0,
            bad = 0;
        for (int turn = 0; turn < 2000; turn++) {
            clock_gettime(clocks[i], &t);
            back += t.tv_sec < last.tv_sec || (t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec);
            bad += t.tv_nsec < 0 || t.tv_nsec >= 1000000000;
            last = t;
        }
        printf("%d: %d %d %d %d %d\n", (int)clocks[i], got, got_resolution, clocks[i] == CLOCK_REALTIME ? 0 : back, bad,
               resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    }
    struct timespec t;
    int r = clock_gettime(99, &t);
    printf("%d %d\n", r, errno == EINVAL);
    double real = seconds(CLOCK_REALTIME);
    struct timeval tv;
    gettimeofday(&tv, NULL);
    time_t now = time(NULL);
    printf("%d %d %d\n", (double)tv.tv_sec + 2 > real && (double)tv.tv_sec<real + 5, (double)now + 2> real &&
                             (double)now<real + 5, real> 1.5e9);
    double before = seconds(CLOCK_MONOTONIC);
    for (int i = 0; i < 5; i++) {
        struct timespec wait = {0, 1000000 * i};
        double start = seconds(CLOCK_MONOTONIC);
        r = nanosleep(&wait, NULL);
        double took = seconds(CLOCK_MONOTONIC) - start;
        printf("%d %d ", r, took >= 0.001 * i && took < 5);
    }
    printf("%d\n", seconds(CLOCK_MONOTONIC) - before >= 0.01);
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += 3000000;
    if (t.tv_nsec >= 1000000000) t.tv_nsec -= 1000000000, t.tv_sec++;
    r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    printf("%d %d\n", r, seconds(CLOCK_MONOTONIC) >= (double)t.tv_sec + (double)t.tv_nsec * 1e-9 - 1e-6);
    r = nanosleep(&(struct timespec){0, 1000000000}, NULL);
    printf("%d %d\n", r, errno == EINVAL);
    r = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){-1, 0}, NULL);
    printf("%d %d\n", r == EINVAL, usleep(500));
    clock_t ticks = clock();
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    volatile unsigned long work = 0;
    for (int i = 0; i < 2000000; i++) work += (unsigned long)i;
    (void)work;
    struct tms tms;
    clock_t elapsed = times(&tms);
    printf("%d %d %d %ld\n", clock() > ticks, seconds(CLOCK_PROCESS_CPUTIME_ID) > cpu, elapsed != (clock_t)-1,
           sysconf(_SC_CLK_TCK));
    printf("%d\n", tms.tms_utime >= 0 && tms.tms_stime >= 0 && tms.tms_cutime == 0);
    return 0;
}
