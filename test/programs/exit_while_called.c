/* A process ends by its first thread while the others make one system call after the other, again and again: none of
 * them may notice, so the status is always the one given. Each process is a program of its own. */
/* cflags: -pthread */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 100, THREADS = 3, STATUS = 7 };

static pthread_barrier_t begun;

static void *call(void *unused) {
    (void)unused;
    pthread_barrier_wait(&begun);
    for (;;) getppid();
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        pthread_t thread;
        pthread_barrier_init(&begun, NULL, THREADS + 1);
        for (int i = 0; i < THREADS; i++)
            if (pthread_create(&thread, NULL, call, NULL)) return 1;
        pthread_barrier_wait(&begun);
        usleep(300);
        _exit(STATUS);
    }
    int right = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            execl("/proc/self/exe", argv[0], "child", NULL);
            _exit(1);
        }
        int status = -1;
        if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == STATUS)
            right++;
        else
            printf("round %d: status %#x\n", i, status);
    }
    printf("%d of %d\n", right, ROUNDS);
    return 0;
}
