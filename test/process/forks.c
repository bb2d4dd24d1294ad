/* forks FORKS VFORKS SEED: a process whose threads come and go at every moment forks, and has children of vfork that
 * are killed at random times. Each child of a fork makes code, runs it, and makes a thread; the process itself makes
 * code and maps memory all the time. Prints what hung or was wrong; status 0: nothing. */
#define _GNU_SOURCE
#include "guest/fresh_code.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds until something counts as hung */

static unsigned seed;
static volatile int stop, victim, wrong, delay;

static unsigned next(unsigned *state, unsigned below) {
    *state = *state * 1103515245 + 12345;
    return (*state >> 16) % below;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *ends_at_once(void *arg) {
    return arg;
}

static void *comes_and_goes(void *arg) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&small, 65536);
    while (!stop) {
        pthread_t t;
        for (int i = 0; i < 4; i++) pthread_create(&t, &small, ends_at_once, NULL);
        wrong += fresh_code((int)now());
        usleep(50);
    }
    return arg;
}

static void *kills(void *arg) {
    while (!stop) {
        int pid = victim;
        if (pid <= 0) {
            usleep(20);
            continue;
        }
        for (volatile int i = delay; i > 0; i--) continue;
        kill(pid, SIGKILL);
        victim = 0;
    }
    return arg;
}

static int child(void) {
    pthread_t t;
    int bad = fresh_code(1);
    bad += pthread_create(&t, NULL, ends_at_once, NULL) || pthread_join(t, NULL);
    return bad + fresh_code(2);
}

static void waited(pid_t pid, int want, int also) {
    int status;
    const double until = now() + PATIENCE;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now() > until) {
            printf("child %d hangs\n", (int)pid);
            wrong++;
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return;
        }
        usleep(100);
    }
    if (status == want || status == also) return;
    printf("child %d ended with %#x\n", (int)pid, (unsigned)status);
    wrong++;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    const int forks = atoi(argv[1]), vforks = atoi(argv[2]);
    pthread_t churner, killer;
    seed = (unsigned)atoi(argv[3]);
    alarm(0);
    pthread_create(&churner, NULL, comes_and_goes, NULL);
    for (int i = 0; i < forks && wrong < 5; i++) {
        for (volatile unsigned n = next(&seed, 4000); n; n--) continue;
        pid_t pid = fork();
        if (!pid) _exit(child());
        if (pid > 0) waited(pid, 0, 0);
        wrong += pid < 0;
    }
    pthread_create(&killer, NULL, kills, NULL);
    for (int i = 0; i < vforks && wrong < 5; i++) {
        delay = (int)next(&seed, 60000);
        pid_t pid = vfork();
        if (!pid) {
            victim = (int)syscall(SYS_getpid);
            for (int k = 0; k < 1000; k++) fresh_code(k);
            _exit(0);
        }
        if (pid > 0) waited(pid, SIGKILL, 0);
        victim = 0;
        wrong += pid < 0;
    }
    stop = 1;
    pthread_join(churner, NULL);
    pthread_join(killer, NULL);
    printf("%d forks, %d vforks, %d wrong\n", forks, vforks, wrong);
    return wrong != 0;
}
