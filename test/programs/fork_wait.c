/* fork, wait, waitpid, waitid, pipes between generations, what children inherit and what they do not. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "patient.h"

static int global = 5;
static volatile sig_atomic_t handled;

static void handler(int s) {
    handled = s;
}

static pid_t spawn(int (*body)(int), int n) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int status = body(n);
        fflush(stdout);
        _exit(status);
    }
    return pid;
}

static int change(int n) {
    global += n;
    printf("child %d sees %d\n", n, global);
    return global;
}

static int family(int depth) {
    int status = 0;
    if (depth) {
        pid_t pid = spawn(family, depth - 1);
        waitpid(pid, &status, 0);
        status = WEXITSTATUS(status);
    }
    printf("depth %d from below %d\n", depth, status);
    return status + depth;
}

static int inherits(int n) {
    (void)n;
    sigset_t set, pending;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigpending(&pending);
    struct sigaction action;
    sigaction(SIGUSR1, NULL, &action);
    printf("blocked %d pending %d handler %d alarm %u parent %d\n", sigismember(&set, SIGUSR2),
           sigismember(&pending, SIGUSR2), action.sa_handler == handler, alarm(0), getppid() > 1);
    raise(SIGUSR1);
    return handled;
}

static int sleeper(int n) {
    while (n == 0) pause();
    return n;
}

static int ends[2];

static int compute(int n) {
    unsigned long sum = 0;
    for (int i = 1; i <= 20000 * (n + 1); i++) sum = sum * 31 + (unsigned)i;
    struct {
        int n;
        unsigned long sum;
    } message = {n, sum};
    return write(ends[1], &message, sizeof message) == sizeof message ? 0 : 1;
}

int main(void) {
    int status;
    for (int i = 0; i < 5; i++) {
        pid_t pid = spawn(change, i);
        pid_t got = waitpid(pid, &status, 0);
        printf("%d %d %d, mine %d\n", got == pid, WIFEXITED(status), WEXITSTATUS(status), global);
    }
    waitpid(spawn(family, 4), &status, 0);
    printf("family %d\n", WEXITSTATUS(status));
    signal(SIGUSR1, handler);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    alarm(100);
    waitpid(spawn(inherits, 0), &status, 0);
    printf("inherits %d, mine %d, alarm %d\n", WEXITSTATUS(status), (int)handled, alarm(0) > 90);
    pid_t got = wait(&status);
    printf("no child %d %d\n", (int)got, errno == ECHILD);
    pid_t pid = spawn(sleeper, 0);
    got = waitpid(pid, &status, WNOHANG);
    printf("still running %d\n", (int)got);
    kill(pid, SIGSTOP);
    got = waitpid(pid, &status, WUNTRACED);
    printf("stopped %d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(pid, SIGCONT);
    got = waitpid(pid, &status, WCONTINUED);
    printf("continued %d\n", WIFCONTINUED(status) != 0);
    kill(pid, SIGTERM);
    siginfo_t info;
    int r = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    printf("waitid %d %d %d\n", r, info.si_code == CLD_KILLED, info.si_status);
    got = waitpid(pid, &status, 0);
    printf("killed %d %d %d\n", got == pid, WIFSIGNALED(status), WTERMSIG(status));
    if (pipe(ends)) return 1;
    for (int i = 0; i < 8; i++) spawn(compute, i);
    unsigned long sums[8] = {0};
    for (int i = 0; i < 8; i++) {
        struct {
            int n;
            unsigned long sum;
        } message;
        if (read(ends[0], &message, sizeof message) != sizeof message) return 2;
        sums[message.n] = message.sum;
    }
    int good = 0;
    while (wait(&status) > 0) good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%d good\n", good);
    for (int i = 0; i < 8; i++) printf("%016lx ", sums[i]);
    putchar('\n');
    char *block = malloc(1 << 20); /* pages written in turn by parent and child stay apart */
    memset(block, 'p', 1 << 20);
    fflush(stdout);
    if ((pid = fork()) == 0) {
        for (int i = 0; i < 1 << 20; i += 4096) block[i] = 'c';
        _exit(block[4096] == 'c' && block[4097] == 'p');
    }
    block[8192] = 'q';
    waitpid(pid, &status, 0);
    printf("%d %c%c\n", WEXITSTATUS(status), block[4096], block[8192]);
    fflush(stdout);
    if ((pid = vfork()) == 0) _exit(9);
    waitpid(pid, &status, 0);
    printf("vfork %d\n", WEXITSTATUS(status));
    FILE *p = popen("printf 'from a shell\\n'; exit 3", "r");
    char line[64] = "";
    if (p && fgets(line, sizeof line, p)) fputs(line, stdout);
    status = pclose(p);
    printf("pclose %d, system %d\n", WEXITSTATUS(status), WEXITSTATUS(system("exit 7")));
    return 0;
}
