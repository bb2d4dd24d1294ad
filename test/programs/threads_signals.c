/* Signals and threads: to one thread, to the process with one thread open, masks, sigwait, interrupted calls, faults in
 * several threads at once, alternate stacks of their own. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "patient.h"

static _Thread_local volatile sig_atomic_t mine;
static _Thread_local sigjmp_buf back;
static sem_t ready;

static void count(int signal) {
    (void)signal;
    mine++;
}

static void *interrupted(void *arg) {
    char byte;
    sem_post(&ready);
    long r = read(*(int *)arg, &byte, 1); /* nobody writes */
    return (void *)(long)(r == -1 && errno == EINTR && mine >= 1);
}

static void one_thread(void) {
    struct sigaction action = {.sa_handler = count};
    int pipes[2];
    pthread_t t;
    void *result;
    sigaction(SIGUSR1, &action, NULL);
    if (pipe(pipes)) return;
    pthread_create(&t, NULL, interrupted, &pipes[0]);
    sem_wait(&ready);
    do { /* again, where one came before the wait */
        usleep(3000);
        pthread_kill(t, SIGUSR1);
    } while (pthread_tryjoin_np(t, &result) != 0);
    printf("interrupted %ld main %d gone %d\n", (long)result, (int)mine, 0);
}

static void *open_one(void *arg) {
    sigset_t set;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    sem_post(&ready);
    while (!mine) usleep(100);
    return (void *)(long)mine;
}

static void *wait_for(void *arg) {
    sigset_t set;
    int signal = 0;
    siginfo_t info;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 1);
    sem_post(&ready);
    sigwait(&set, &signal);
    int second = sigwaitinfo(&set, &info);
    return (void *)(long)(signal * 1000 + (second == SIGRTMIN + 1 ? info.si_value.sival_int : -1));
}

static void process_wide(void) {
    struct sigaction action = {.sa_handler = count};
    sigset_t set;
    pthread_t t;
    void *result;
    sigaction(SIGUSR2, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&t, NULL, open_one, NULL);
    sem_wait(&ready);
    kill(getpid(), SIGUSR2);
    pthread_join(t, &result);
    printf("open %ld main %d\n", (long)result, (int)mine);
    pthread_create(&t, NULL, wait_for, NULL);
    sem_wait(&ready);
    kill(getpid(), SIGUSR2);
    usleep(1000);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 42});
    pthread_join(t, &result);
    printf("waited %ld\n", (long)result);
}

static void fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    mine += info->si_addr != NULL;
    siglongjmp(back, 1);
}

static void *faulty(void *arg) {
    stack_t stack = {.ss_sp = malloc(SIGSTKSZ), .ss_size = (size_t)SIGSTKSZ};
    sigaltstack(&stack, NULL);
    for (volatile int i = 0; i < 300; i++)
        if (!sigsetjmp(back, 1)) *(volatile char *)arg = 1;
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    free(stack.ss_sp);
    return (void *)(long)mine;
}

static void faults(void) {
    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *result;
    pthread_t t[4];
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, faulty, page);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &result);
        printf("faults %ld ", (long)result);
    }
    putchar('\n');
}

static volatile int stop;
static _Atomic long hits;

static void hit(int signal) {
    (void)signal;
    hits++;
}

static void *busy(void *arg) {
    double x = 1;
    unsigned long n = (unsigned long)arg;
    while (!stop) {
        n = n * 6364136223846793005u + 1442695040888963407u;
        x = x * 1.0000001 + (double)(n >> 60);
        if (x > 1e9) x = 1;
    }
    return (void *)(long)(x != x);
}

static void storm(void) {
    struct sigaction action = {.sa_handler = hit, .sa_flags = SA_RESTART};
    pthread_t t[3];
    void *result;
    long bad = 0;
    sigaction(SIGUSR1, &action, NULL);
    for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, busy, (void *)i);
    for (long i = 1; i <= 600; i++) {
        pthread_kill(t[i % 3], SIGUSR1);
        while (hits < i) usleep(10);
    }
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], &result), bad += (long)result;
    printf("hits %ld bad %ld\n", hits, bad);
}

int main(void) {
    sem_init(&ready, 0, 0);
    one_thread();
    process_wide();
    faults();
    storm();
    return 0;
}
