/* init.c - the first process of a Linux that only measures: runs the programs named in /list, one after the other, and
 * prints `time NAME SECONDS STATUS` for each; then it switches the computer off. A line of /list is a path with
 * arguments, blanks between them. Made for bench/linux.py. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run(char **argv) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        execv(argv[0], argv);
        _exit(127);
    }
    waitpid(child, &status, 0);
    return status;
}

int main(void) {
    char line[1024];
    mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755), mkdir("/tmp", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
    FILE *list = fopen("/list", "re");
    printf("begin\n");
    while (list && fgets(line, sizeof line, list)) {
        char *argv[32], *rest = line;
        unsigned n = 0;
        for (char *word; n < 31 && (word = strsep(&rest, " \n"));)
            if (*word) argv[n++] = word;
        argv[n] = NULL;
        if (!n) continue;
        double began = now();
        int status = run(argv);
        printf("time %s %.6f %d\n", strrchr(argv[0], '/') + 1, now() - began, status);
        fflush(stdout);
    }
    printf("end\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}
