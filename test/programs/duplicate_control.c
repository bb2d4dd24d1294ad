/* dup, dup2, dup3, fcntl: shared offsets and flags, close-on-exec, locks, limits, errors of bad descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    show("open", fd);
    show("write", write(fd, "0123456789", 10));
    int other = dup(fd);
    show("dup", other);
    show("shared offset", lseek(other, 0, SEEK_CUR));
    lseek(other, 3, SEEK_SET);
    char c = 0;
    show("read", read(fd, &c, 1));
    printf("%c\n", c);
    int again = open("file", O_RDONLY);
    show("own offset", lseek(again, 0, SEEK_CUR));
    show("dup2", dup2(fd, 50));
    show("dup2 same", dup2(50, 50));
    show("dup2 onto open", dup2(again, 50));
    show("read end", read(50, &c, 1));
    printf("%c\n", c);
    show("dup3", dup3(fd, 51, O_CLOEXEC));
    show("dup3 same", dup3(fd, fd, 0));
    show("close on exec", fcntl(51, F_GETFD));
    show("clear it", fcntl(51, F_SETFD, 0));
    show("cleared", fcntl(51, F_GETFD));
    show("duplicate from 100", fcntl(fd, F_DUPFD, 100));
    show("duplicate from 100", fcntl(fd, F_DUPFD_CLOEXEC, 100));
    show("flag", fcntl(101, F_GETFD));
    show("access mode", fcntl(fd, F_GETFL) & O_ACCMODE);
    show("read only", fcntl(again, F_GETFL) & O_ACCMODE);
    show("set append", fcntl(fd, F_SETFL, O_APPEND));
    show("append is shared", (fcntl(other, F_GETFL) & O_APPEND) != 0);
    lseek(other, 0, SEEK_SET);
    show("write at the end", write(other, "AB", 2));
    show("offset", lseek(fd, 0, SEEK_CUR));
    show("write to a reader", write(again, "x", 1));
    show("bad", read(77, &c, 1));
    show("bad dup", dup(77));
    show("bad dup2", dup2(77, 5));
    show("negative", dup2(fd, -1));
    show("bad fcntl", fcntl(fd, 9999));
    show("close", close(51));
    show("close twice", close(51));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 4};
    show("lock", fcntl(fd, F_SETLK, &lock));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct flock probe = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
        fcntl(fd, F_GETLK, &probe);
        printf("child: held %d from %ld length %ld by the parent %d\n", probe.l_type == F_WRLCK, (long)probe.l_start,
               (long)probe.l_len, probe.l_pid == getppid());
        probe.l_type = F_WRLCK;
        show("child: lock", fcntl(fd, F_SETLK, &probe));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    lock.l_type = F_UNLCK;
    show("unlock", fcntl(fd, F_SETLK, &lock));
    show("flock", flock(fd, LOCK_EX | LOCK_NB));
    show("flock held", flock(again, LOCK_SH | LOCK_NB));
    show("flock release", flock(fd, LOCK_UN));
    show("flock", flock(again, LOCK_SH | LOCK_NB));
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    show("limit", setrlimit(RLIMIT_NOFILE, &limit));
    show("above the limit", dup2(fd, 64));
    show("below", dup2(fd, 63));
    int opened = 0, last = -1, next;
    while ((next = dup(fd)) >= 0) opened++, last = next;
    printf("%d %d %d\n", opened, last, errno == EMFILE);
    show("range", close_range(10, 200, 0));
    show("closed", fcntl(63, F_GETFD));
    int saved = dup(1);
    int to = open("output", O_WRONLY | O_CREAT, 0600);
    fflush(stdout);
    dup2(to, 1);
    puts("redirected");
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    char text[32] = "";
    to = open("output", O_RDONLY);
    show("bytes", read(to, text, 31));
    fputs(text, stdout);
    return 0;
}
