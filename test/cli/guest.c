/* guest.c - does what its arguments say, for tests of the command line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int ended;
static void count(int signal) {
    ended += signal == SIGCHLD;
}

/* One child, as the parent sees it: its status, how many more there are, signals, the next descriptor. */
static void family(void) {
    int status = 0, more;
    signal(SIGCHLD, count);
    if (fork() == 0) _exit(5);
    while (wait(&status) < 0) {
    }
    more = wait(NULL);
    printf("status %d, more %d, ended %d, next %d\n", WEXITSTATUS(status), more, ended, dup(0));
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "argv0")) puts(argv[0]);
        if (!strcmp(argv[i], "args"))
            for (int k = 0; k < argc; k++) printf("[%s]", argv[k]);
        if (!strcmp(argv[i], "env"))
            printf("X=%s Y=%s\n", getenv("X") ? getenv("X") : "-", getenv("Y") ? getenv("Y") : "-");
        if (!strcmp(argv[i], "exit")) exit(atoi(argv[i + 1]));
        if (!strcmp(argv[i], "signal")) raise(atoi(argv[i + 1]));
        if (!strcmp(argv[i], "family")) family();
        if (!strcmp(argv[i], "close"))
            for (int k = 3; k < 2000; k++) close(k);
        if (!strcmp(argv[i], "null")) *(volatile int *)0 = 1;
        if (!strcmp(argv[i], "illegal")) __builtin_trap();
    }
    return 0;
}
