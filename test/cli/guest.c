/* guest.c - does what its arguments say, for tests of the command line. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "argv0")) puts(argv[0]);
        if (!strcmp(argv[i], "args"))
            for (int k = 0; k < argc; k++) printf("[%s]", argv[k]);
        if (!strcmp(argv[i], "env"))
            printf("X=%s Y=%s\n", getenv("X") ? getenv("X") : "-", getenv("Y") ? getenv("Y") : "-");
        if (!strcmp(argv[i], "exit")) exit(atoi(argv[i + 1]));
        if (!strcmp(argv[i], "signal")) raise(atoi(argv[i + 1]));
        if (!strcmp(argv[i], "null")) *(volatile int *)0 = 1;
        if (!strcmp(argv[i], "illegal")) __builtin_trap();
    }
    return 0;
}
