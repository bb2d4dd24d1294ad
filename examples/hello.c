/* hello.c - a Linux program for any computer. Built for riscv64 it runs under vee:
 *
 *   riscv64-linux-gnu-gcc -static -O2 hello.c -o hello && vee ./hello
 */
#include <stdio.h>
#include <sys/utsname.h>

int main(int argc, char **argv) {
    struct utsname system;
    uname(&system);
    printf("hello from a %s process on %s", system.machine, system.sysname);
    for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
    putchar('\n');
    return 0;
}
