/* As many descriptors as the limit says, with dup, open, pipe and socket; then exec all the same. A file that is being
 * written cannot be executed. */
/* qemu: cannot execute a guest program without binfmt_misc */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

/* More than 1024 where that is allowed, and below what may be. */
static int limit_set(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max > 1108 ? 1100 : limit.rlim_max - 8;
    if (setrlimit(RLIMIT_NOFILE, &limit)) perror("setrlimit");
    return (int)limit.rlim_cur;
}

static int open_count(int limit) {
    int n = 0;
    for (int fd = 0; fd < limit; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void fill(const char *what, int limit) {
    int before = open_count(limit), opened = 0, pair[2];
    while (dup(0) >= 0) opened++;
    printf("%s: errno %d, all %d, seen %d\n", what, errno, before + opened == limit, open_count(limit) == limit);
    printf("open %d", open("/", O_RDONLY));
    printf(" errno %d\n", errno);
    printf("pipe %d", pipe(pair));
    printf(" errno %d\n", errno);
    close(limit - 1);
    printf("pipe with one left %d", pipe(pair));
    printf(" errno %d\n", errno);
    printf("one left %d\n", open("/", O_RDONLY) == limit - 1);
    printf("socket %d", socket(AF_UNIX, SOCK_STREAM, 0));
    printf(" errno %d\n", errno);
    fflush(stdout);
}

/* vee asks its host, which answers from Linux 6.14 on. */
static bool asked(void) {
    struct utsname names;
    int major = 0, minor = 0;
    uname(&names);
    sscanf(names.release, "%d.%d", &major, &minor);
    return major > 6 || (major == 6 && minor >= 14);
}

static void busy(const char *self) {
    char bytes[4096];
    int from = open(self, O_RDONLY), to = open("copy", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0;)
        if (write(to, bytes, (size_t)n) != n) perror("write");
    fchmod(to, 0755);
    close(from);
    pid_t child = fork();
    if (child == 0) {
        if (!asked()) _exit(ETXTBSY);
        execl("copy", "copy", "ended", NULL);
        _exit(errno);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("being written: %d\n", WEXITSTATUS(status));
    close(to);
    child = fork();
    if (child == 0) {
        execl("copy", "copy", "ended", NULL);
        _exit(errno);
    }
    waitpid(child, &status, 0);
    printf("closed: %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv) {
    if (argc > 1) {
        printf("executed with %s\n", argv[1]);
        return argc > 2 ? 0 : 7;
    }
    busy("/proc/self/exe");
    fflush(stdout);
    /* What a child of vfork does with its descriptors does not concern its parent. */
    pid_t shares = vfork();
    if (shares == 0) _exit(dup2(1, 1023) == 1023 ? 0 : errno);
    int ended = 0;
    waitpid(shares, &ended, 0);
    printf("vfork %d\n", WEXITSTATUS(ended) == 0 || WEXITSTATUS(ended) == EBADF);
    fflush(stdout);
    if ((shares = fork()) == 0) {
        execl("copy", "copy", "after vfork", "end", NULL);
        _exit(errno);
    }
    waitpid(shares, &ended, 0);
    printf("executed %d\n", WEXITSTATUS(ended));
    fflush(stdout);
    int limit = limit_set();
    pid_t child = fork();
    if (child == 0) {
        fill("child", limit);
        execl("copy", "copy", "nothing left", "end", NULL);
        printf("not executed: %d\n", errno);
        return 1;
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("child %d\n", status);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        struct rlimit both = {(rlim_t)limit, (rlim_t)limit};
        if (setrlimit(RLIMIT_NOFILE, &both)) perror("setrlimit");
        int onto = 0;
        for (int fd = 3; fd < limit; fd++) onto += dup2(0, fd) == fd;
        printf("onto all %d\n", onto == limit - 3);
        fill("no more to have", limit);
        close(limit - 1);
        close(limit - 2);
        execl("copy", "copy", "some left", "end", NULL);
        printf("not executed: %d\n", errno);
        return 1;
    }
    waitpid(child, &status, 0);
    printf("child %d\n", status);
    fill("parent", limit);
    execl("copy", "copy", "nothing left", "end", NULL);
    printf("not executed: %d\n", errno);
    return 1;
}
