/* execve of this very program: arguments, environment, descriptors and signal dispositions that survive, those that do
 * not; errors of exec; fexecve; a script with an interpreter line. (A shell of the host that runs it would need
 * binfmt_misc.) */
/* args: start */
/* status: 21 */
/* qemu: cannot execute a guest program without binfmt_misc */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

static void handler(int s) {
    (void)s;
}

static int run(const char *path, char *const argv[], char *const envp[]) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execve(path, argv, envp);
        printf("exec: errno %d\n", errno);
        fflush(stdout);
        _exit(99);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int child(int argc, char **argv) {
    printf("child:");
    for (int i = 1; i < argc; i++) printf(" [%s]", argv[i]);
    printf(" VALUE %s\n", getenv("VALUE") ? getenv("VALUE") : "none");
    struct sigaction one, two;
    sigset_t mask;
    sigaction(SIGUSR1, NULL, &one);
    sigaction(SIGUSR2, NULL, &two);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("handled %d ignored %d blocked %d kept %d closed %d\n", one.sa_handler == SIG_DFL, two.sa_handler == SIG_IGN,
           sigismember(&mask, SIGHUP), fcntl(20, F_GETFD) >= 0, fcntl(21, F_GETFD) < 0);
    return argc;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "count") == 0) { /* replaces itself until it reaches zero */
        int n = atoi(argv[2]);
        char text[16];
        if (n == 0) return 21;
        snprintf(text, sizeof text, "%d", n - 1);
        execl("/proc/self/exe", argv[0], "count", text, (char *)NULL);
        return 98;
    }
    if (argc > 1 && strcmp(argv[1], "start") != 0) return child(argc, argv);
    char self[4096];
    if (!realpath("/proc/self/exe", self)) return 97;
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    int fd = open("/dev/null", O_RDONLY);
    dup2(fd, 20);
    dup3(fd, 21, O_CLOEXEC);
    char *some[] = {"VALUE=given", NULL}, *none[] = {NULL};
    printf("status %d\n", run(self, (char *[]){"name", "a", "b c", "", NULL}, some));
    printf("status %d\n", run(self, (char *[]){"name", "x", NULL}, none));
    printf("status %d\n", run("/proc/self/exe", (char *[]){"name", "through", "proc", NULL}, some));
    printf("status %d\n", run("missing", (char *[]){"missing", NULL}, none));
    printf("status %d\n", run("/dev/null", (char *[]){"null", NULL}, none));
    printf("status %d\n", run(".", (char *[]){"directory", NULL}, none));
    int text = open("text", O_CREAT | O_WRONLY, 0755);
    if (write(text, "not a program", 13) != 13) return 96;
    close(text);
    printf("status %d\n", run("./text", (char *[]){"text", NULL}, none));
    int script = open("script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#!%s by-script\nignored\n", self);
    close(script);
    printf("status %d\n", run("./script", (char *[]){"ignored", "argument", NULL}, some));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int program = open(self, O_RDONLY);
        fexecve(program, (char *[]){"name", "fexecve", NULL}, some);
        _exit(95);
    }
    int status;
    waitpid(pid, &status, 0);
    printf("status %d\n", WEXITSTATUS(status));
    fflush(stdout);
    execl(self, argv[0], "count", "3", (char *)NULL);
    return 94;
}
