/* A program killed by its own signal: output before it counts, exit handlers do not run.
 * The children show every other deadly default. */
/* status: 143 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void never(void) {
    puts("an exit handler ran");
}

int main(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    static const int deadly[] = {SIGHUP,  SIGINT,  SIGQUIT,   SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,
                                 SIGKILL, SIGUSR1, SIGSEGV,   SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT,
                                 SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,   SIGSYS};
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            raise(deadly[i]);
            _exit(50);
        }
        int status;
        waitpid(child, &status, 0);
        printf("%d: %d %d\n", deadly[i], WIFSIGNALED(status), WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) abort();
    int status;
    waitpid(child, &status, 0);
    printf("abort %d\n", WTERMSIG(status));
    fflush(stdout);
    if ((child = fork()) == 0) {
        volatile int *volatile nowhere = (int *)16;
        *nowhere = 1;
        _exit(0);
    }
    waitpid(child, &status, 0);
    printf("fault %d\n", WTERMSIG(status));
    atexit(never);
    fflush(stdout);
    raise(SIGTERM);
    puts("not reached");
    return 0;
}
