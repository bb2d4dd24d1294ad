/* Changing who one is with several threads: the C library signals each of them, with a signal of its own. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include "patient.h"

enum { THREADS = 3 };

static sem_t ready, go;
static pthread_barrier_t all;

static int change(void) {
    int bad = 0;
    bad += setuid(getuid()) != 0;
    bad += setgid(getgid()) != 0;
    bad += setresuid(-1, geteuid(), -1) != 0;
    bad += setregid(-1, getegid()) != 0;
    return bad;
}

static void *waiter(void *arg) {
    (void)arg;
    sem_post(&ready);
    while (sem_wait(&go) != 0) continue;
    long bad = 0;
    for (int i = 0; i < 20; i++) bad += change();
    pthread_barrier_wait(&all);
    return (void *)bad;
}

int main(void) {
    pthread_t threads[THREADS];
    long bad = 0;
    sem_init(&ready, 0, 0);
    sem_init(&go, 0, 0);
    pthread_barrier_init(&all, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, waiter, NULL);
    for (int i = 0; i < THREADS; i++) sem_wait(&ready);
    printf("while they wait: %d\n", change());
    for (int i = 0; i < THREADS; i++) sem_post(&go);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        bad += (long)result;
    }
    printf("at the same time: %ld\n", bad);
    printf("alone again: %d\n", change());
    return 0;
}
