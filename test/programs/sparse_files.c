/* lseek beyond the end, holes that read as zeros, SEEK_DATA and SEEK_HOLE, ftruncate both ways, O_APPEND, fallocate. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patient.h"

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

int main(void) {
    int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0600);
    show("seek in an empty file", lseek(fd, 100000, SEEK_SET));
    show("write", write(fd, "island", 6));
    show("far", lseek(fd, (off_t)5 << 30, SEEK_SET));
    show("write", write(fd, "far", 3));
    struct stat st;
    fstat(fd, &st);
    printf("size %ld, sparse %d\n", (long)st.st_size, st.st_blocks * 512 < st.st_size);
    static char block[8192];
    memset(block, 'x', sizeof block);
    show("read a hole", pread(fd, block, sizeof block, 50000));
    unsigned nonzero = 0;
    for (size_t i = 0; i < sizeof block; i++) nonzero += block[i] != 0;
    printf("%u\n", nonzero);
    show("across", pread(fd, block, 20, 99995));
    for (int i = 0; i < 20; i++) putchar(block[i] ? block[i] : '.');
    putchar('\n');
    show("data from 0", lseek(fd, 0, SEEK_DATA) <= 100000);
    off_t hole = lseek(fd, 100000, SEEK_HOLE);
    printf("hole after the island %d\n", hole >= 100006 && hole <= (off_t)5 << 30);
    show("data beyond the end", lseek(fd, (off_t)6 << 30, SEEK_DATA));
    show("backwards", lseek(fd, -3, SEEK_END));
    show("read", read(fd, block, 10));
    show("negative", lseek(fd, -1, SEEK_SET));
    show("offset kept", lseek(fd, 0, SEEK_CUR));
    show("overflow", lseek(fd, INT64_MAX, SEEK_CUR));
    show("bad whence", lseek(fd, 0, 99));
    show("cut", ftruncate(fd, 100003));
    show("size", lseek(fd, 0, SEEK_END));
    show("grow", ftruncate(fd, 100010));
    show("read", pread(fd, block, 20, 100000));
    for (int i = 0; i < 10; i++) putchar(block[i] ? block[i] : '.');
    putchar('\n');
    show("negative length", ftruncate(fd, -1));
    show("seek", lseek(fd, 5, SEEK_SET));
    show("offset after truncation to 0", ftruncate(fd, 0) + lseek(fd, 0, SEEK_CUR));
    show("write there", write(fd, "x", 1));
    show("size", lseek(fd, 0, SEEK_END));
    int append = open("sparse", O_WRONLY | O_APPEND);
    lseek(append, 0, SEEK_SET);
    show("append", write(append, "tail", 4));
    show("offset", lseek(append, 0, SEEK_CUR));
    show("pread", pread(fd, block, 20, 0));
    for (int i = 0; i < 10; i++) putchar(block[i] ? block[i] : '.');
    putchar('\n');
    long r = fallocate(fd, 0, 0, 20000);
    printf("allocated %d\n", r == 0 || errno == EOPNOTSUPP);
    r = posix_fallocate(fd, 0, 30000);
    fstat(fd, &st);
    printf("%ld %ld\n", r, (long)st.st_size);
    show("advice", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    show("fsync", fsync(fd) | fdatasync(fd));
    uint64_t seed = 1, digest = 1;
    for (int i = 0; i < 300; i++) { /* random writes, then the whole file */
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        char piece[64];
        size_t n = seed >> 58;
        memset(piece, 'a' + (int)(seed >> 40 & 15), sizeof piece);
        if (pwrite(fd, piece, n, (off_t)(seed >> 33 & 0x3fff)) != (ssize_t)n) return 1;
    }
    ssize_t n;
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, block, 1000)) > 0)
        for (ssize_t i = 0; i < n; i++) digest = digest * 31 + (unsigned char)block[i];
    printf("%016lx\n", digest);
    return 0;
}
