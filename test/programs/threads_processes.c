/* Processes made by threads: fork, posix_spawn, system, waiting for them elsewhere, fork while others work, exec. */
/* status: 9 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

static volatile int stop;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *busy(void *arg) {
    long n = 0;
    (void)arg;
    while (!stop) {
        pthread_mutex_lock(&mutex);
        char *p = malloc((size_t)(n % 3000) + 1);
        p[0] = (char)n;
        free(p);
        pthread_mutex_unlock(&mutex);
        n++;
    }
    return NULL;
}

static void *in_child(void *arg) {
    return (void *)((long)arg * 2);
}

/* A forked child has one thread, and may make more. */
static void *forker(void *arg) {
    long id = (long)arg, good = 0;
    for (int i = 0; i < 12; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            pthread_t t;
            void *result = NULL;
            if (pthread_create(&t, NULL, in_child, (void *)(id + i))) _exit(99);
            pthread_join(t, &result);
            _exit((int)(long)result);
        }
        int status;
        good += waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == (id + i) * 2;
    }
    return (void *)good;
}

static void *spawner(void *arg) {
    char *const words[] = {"true", NULL}, *const none[] = {NULL};
    long good = 0;
    (void)arg;
    for (int i = 0; i < 6; i++) {
        pid_t pid;
        int status;
        if (patient_spawn(&pid, i % 3 == 2 ? "no such program" : "true", words, none)) {
            good += i % 3 == 2;
            continue;
        }
        good += waitpid(pid, &status, 0) == pid && status == 0;
    }
    good += system("exit 3") == 3 << 8;
    return (void *)good;
}

static void *executer(void *arg) {
    char *const words[] = {"sh", "-c", "exit 9", NULL};
    (void)arg;
    execvp("sh", words);
    return NULL;
}

int main(void) {
    pthread_t t[5];
    void *result;
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, busy, NULL);
    for (long i = 2; i < 4; i++) pthread_create(&t[i], NULL, forker, (void *)i);
    pthread_create(&t[4], NULL, spawner, NULL);
    for (int i = 2; i < 5; i++) {
        pthread_join(t[i], &result);
        printf("good %ld\n", (long)result);
    }
    fflush(stdout);
    pthread_create(&t[4], NULL, executer, NULL); /* ends all the others */
    for (;;) pause();
}
