/* files.c - small files that are made, written, looked at, read, renamed and removed; many short system calls. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 5000;
    char name[64], other[64], text[512];
    struct stat s;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, "/tmp/files-%d", i % 50);
        snprintf(other, sizeof other, "/tmp/files-other-%d", i % 50);
        int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
        if (fd < 0 || write(fd, text, sizeof text) != sizeof text || lseek(fd, 0, SEEK_SET)) return 1;
        for (int n = 0; n < 8; n++)
            if (read(fd, text, 64) != 64 || getppid() < 0) return 1;
        if (fstat(fd, &s) || s.st_size != sizeof text || close(fd) || rename(name, other) || stat(other, &s)) return 1;
        if (unlink(other)) return 1;
    }
    return printf("files %d\n", rounds) < 0;
}
