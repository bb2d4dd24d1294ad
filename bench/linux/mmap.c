/* mmap.c - memory that is mapped, touched, protected, moved and given back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv) {
    enum { PAGE = 4096, PAGES = 64 };
    int rounds = argc > 1 ? atoi(argv[1]) : 3000;
    unsigned long sum = 0;
    for (int i = 0; i < rounds; i++) {
        unsigned char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) return 1;
        for (int p = 0; p < PAGES; p++) at[p * PAGE + i % PAGE] = (unsigned char)(i + p);
        if (mprotect(at, PAGES / 2 * PAGE, PROT_READ)) return 1;
        for (int p = 0; p < PAGES; p++) sum += at[p * PAGE + i % PAGE];
        if (madvise(at + PAGES / 2 * PAGE, PAGES / 2 * PAGE, MADV_DONTNEED)) return 1;
        sum += at[PAGES / 2 * PAGE];
        if (munmap(at, PAGES * PAGE)) return 1;
    }
    return printf("mmap %lu\n", sum) < 0;
}
