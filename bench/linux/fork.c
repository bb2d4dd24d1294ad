/* fork.c - processes that are made and end: with a little memory that is copied on write, and with another program. */
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    enum { BYTES = 1 << 20 };
    int made = argc > 1 ? atoi(argv[1]) : 600, status;
    if (made == 0) return 0; /* the other program */
    char *memory = malloc(BYTES);
    memset(memory, 1, BYTES);
    for (int i = 0; i < made; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (int at = 0; at < BYTES; at += 16384) memory[at] = (char)i;
            if (i % 4 == 0) execl(argv[0], argv[0], "0", (char *)NULL);
            _exit(i & 7);
        }
        if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != (i % 4 ? i & 7 : 0)) return 1;
    }
    return printf("fork %d\n", made) < 0;
}
