/* Signals that come while a process forks: each goes to the one it was sent to, and none is lost. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 150, QUEUED = 400 };

static volatile sig_atomic_t seen;

static void ends(int signal) {
    _exit(signal == SIGUSR1 ? 5 : 6);
}

static void counts(int signal) {
    (void)signal;
    seen++;
}

/* Forks a child that waits, and signals it at once; how many did not end as they should. */
static int at_once(int signal, int expected) {
    int bad = 0;
    for (int i = 0; i < ROUNDS; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            for (;;) pause();
        }
        kill(child, signal);
        int status = 0;
        waitpid(child, &status, 0);
        bad += (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)) != expected;
    }
    return bad;
}

/* Another process queues signals for this one, which makes children meanwhile that must see none. */
static void many(const char *what, pid_t (*make)(void)) {
    pid_t parent = getpid(), sender;
    int children = 0, bad = 0, status;
    seen = 0;
    sender = fork();
    if (sender == 0) {
        for (int i = 0; i < QUEUED; i++) {
            while (sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i}) != 0 && errno == EAGAIN) continue;
            if (i % 4 == 0) nanosleep(&(struct timespec){0, 50000}, NULL);
        }
        _exit(0);
    }
    do {
        pid_t child = make();
        if (child == 0) _exit(3);
        while (waitpid(child, &status, 0) != child) continue;
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 3;
        children++;
    } while (waitpid(sender, &status, WNOHANG) != sender);
    printf("%s: seen %d, bad children %d, some %d\n", what, (int)seen, bad, children > 0);
}

int main(void) {
    struct rlimit core = {1 << 20, 1 << 20};
    getrlimit(RLIMIT_CORE, &core);
    core.rlim_cur = 1;
    if (core.rlim_max == 0) core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core); /* too short for any core file, but there is a limit */
    signal(SIGUSR1, ends);
    signal(SIGUSR2, ends);
    printf("handled: %d\n", at_once(SIGUSR1, 5));
    printf("another: %d\n", at_once(SIGUSR2, 6));
    printf("by default: %d\n", at_once(SIGTERM, SIGTERM));
    printf("dumps core: %d\n", at_once(SIGQUIT, SIGQUIT));
    printf("faults, sent: %d\n", at_once(SIGSEGV, SIGSEGV));
    signal(SIGRTMIN, counts);
    many("fork", fork);
    many("vfork", vfork);
    return 0;
}
