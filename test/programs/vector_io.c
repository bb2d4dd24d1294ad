/* readv, writev, preadv, pwritev, pread, pwrite, sendfile, copy_file_range, splice: counts, order, offsets, errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void contents(int fd) {
    char text[256];
    ssize_t n = pread(fd, text, sizeof text, 0);
    printf("%zd [", n);
    for (ssize_t i = 0; i < n; i++) putchar(text[i] ? text[i] : '0');
    puts("]");
}

int main(void) {
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct iovec out[] = {{"first ", 6}, {"", 0}, {"second ", 7}, {NULL, 0}, {"third", 5}};
    show("writev", writev(fd, out, 5));
    contents(fd);
    show("offset", lseek(fd, 0, SEEK_CUR));
    show("pwrite", pwrite(fd, "FIRST", 5, 0));
    show("pwrite past the end", pwrite(fd, "end", 3, 25));
    show("offset", lseek(fd, 0, SEEK_CUR));
    contents(fd);
    lseek(fd, 3, SEEK_SET);
    char a[4] = "", b[8] = "", c[40] = "";
    struct iovec in[] = {{a, 3}, {b, 7}, {c, 39}};
    show("readv", readv(fd, in, 3));
    printf("%s|%s|%s\n", a, b, c);
    show("at end", readv(fd, in, 3));
    show("preadv", preadv(fd, in, 2, 6));
    printf("%.3s|%.7s\n", a, b);
    show("pwritev", pwritev(fd, out, 5, 30));
    show("preadv2 with offset -1", preadv2(fd, in, 1, -1, 0));
    contents(fd);
    show("none", writev(fd, out, 0));
    volatile int count = IOV_MAX + 1;
    show("too many", writev(fd, out, count));
    count = -1;
    show("negative", writev(fd, out, count));
    struct iovec bad[] = {{"good", 4}, {(void *)8, 4}};
    int scratch = open("scratch", O_RDWR | O_CREAT, 0600);
    long partial = writev(scratch, bad, 2);
    printf("bad address %d\n", partial == 4 || (partial == -1 && errno == EFAULT));
    struct iovec only_bad[] = {{(void *)8, 4}};
    show("only a bad address", writev(scratch, only_bad, 1));
    show("negative offset", pread(fd, a, 1, -1));
    int p[2];
    if (pipe(p)) return 1;
    show("pread of a pipe", pread(p[0], a, 1, 0));
    show("lseek of a pipe", lseek(p[0], 0, SEEK_CUR));
    show("writev to a pipe", writev(p[1], out, 5));
    show("readv from a pipe", readv(p[0], in, 3));
    printf("%.3s|%.7s|%.8s\n", a, b, c);
    int copy = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t from = 6;
    show("sendfile", sendfile(copy, fd, &from, 12));
    show("its offset", from);
    lseek(fd, 0, SEEK_SET);
    show("sendfile from the offset", sendfile(copy, fd, NULL, 5));
    show("offset", lseek(fd, 0, SEEK_CUR));
    contents(copy);
    off_t in_at = 0, out_at = 20;
    long copied = copy_file_range(fd, &in_at, copy, &out_at, 5, 0);
    printf("copied %d\n", copied == 5 || (copied == -1 && (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL ||
                                                           errno == ENOSYS)));
    if (copied != 5 && pwrite(copy, "FIRST", 5, 20) != 5) return 2;
    contents(copy);
    struct iovec many[200];
    static char bytes[200];
    for (int i = 0; i < 200; i++) {
        bytes[i] = (char)('0' + i % 10);
        many[i] = (struct iovec){&bytes[i], (size_t)(i % 3 != 0)};
    }
    int long_file = open("long", O_RDWR | O_CREAT, 0600);
    show("two hundred", writev(long_file, many, 200));
    contents(long_file);
    return 0;
}
