/* pipe.c - two processes that send each other a word, and then blocks, through pipes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int all(ssize_t (*call)(int, void *, size_t), int fd, char *at, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = call(fd, at + done, size - done);
        if (n <= 0) return 1;
        done += (size_t)n;
    }
    return 0;
}

static ssize_t put(int fd, void *at, size_t size) {
    return write(fd, at, size);
}

int main(int argc, char **argv) {
    enum { BLOCK = 32768 };
    static char block[BLOCK];
    int words = argc > 1 ? atoi(argv[1]) : 20000, blocks = words / 10, there[2], back[2], bad = 0, status;
    if (pipe(there) || pipe(back)) return 1;
    pid_t child = fork();
    for (int i = 0; i < words && !bad; i++) {
        if (child == 0)
            bad = all(read, there[0], block, 8) || all(put, back[1], block, 8);
        else
            bad = all(put, there[1], block, 8) || all(read, back[0], block, 8);
    }
    for (int i = 0; i < blocks && !bad; i++)
        bad = child ? all(put, there[1], block, BLOCK) : all(read, there[0], block, BLOCK);
    if (child == 0) _exit(bad);
    if (waitpid(child, &status, 0) != child || status || bad) return 1;
    return printf("pipe %d\n", words) < 0;
}
