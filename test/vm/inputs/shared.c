/* shared.c - a process that maps a file that others may change. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int main(void) {
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("note", O_RDWR), 0);
    return m == MAP_FAILED || puts(m) < 0;
}
