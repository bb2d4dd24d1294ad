/* Leaves a core file: a second thread sleeps, the first ends by what the argument says. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

volatile uint64_t marker = 0x1122334455667788;

static void *sleeper(void *arg) {
    for (;;) pause();
    return arg;
}

int main(int argc, char **argv) {
    pthread_t t;
    pthread_create(&t, NULL, sleeper, NULL);
    marker = 0x8877665544332211;
    if (argc > 2) { /* a child does it; was there a core file? */
        int status;
        pid_t child = fork();
        if (child) return waitpid(child, &status, 0) != child || !WIFSIGNALED(status) || !WCOREDUMP(status);
    }
    if (argc > 1 && !strcmp(argv[1], "null")) *(volatile char *)16 = 1;
    if (argc > 1 && !strcmp(argv[1], "kill")) kill(getpid(), SIGXCPU);
    abort();
}
