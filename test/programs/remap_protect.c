/* mremap that grows, shrinks, moves and keeps contents; mprotect over parts of mappings; /proc/self/maps agrees. */
/* qemu: 7.2 checks the arguments of mremap and mprotect differently and hides PROT_EXEC */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "patient.h"

enum { PAGE = 4096 };

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static long mapped(void *p) {
    return p == MAP_FAILED ? -1 : 0;
}

static void *take(int pages, int protection) {
    return mmap(NULL, (size_t)pages * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* The permissions of an address as the kernel tells them, "----" if it is not mapped. */
static void permissions(const void *address, char text[5]) {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    strcpy(text, "none");
    while (f && fgets(line, sizeof line, f)) {
        uintptr_t start, end;
        char flags[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, flags) == 3 && (uintptr_t)address >= start &&
            (uintptr_t)address < end)
            strcpy(text, flags);
    }
    if (f) fclose(f);
}

static void map_line(const char *what, const unsigned char *p, int pages) {
    printf("%s:", what);
    for (int i = 0; i < pages; i++) {
        char text[5];
        permissions(p + i * PAGE, text);
        printf(" %s", text);
    }
    putchar('\n');
}

static unsigned digest(const unsigned char *p, size_t n) {
    unsigned sum = 1;
    for (size_t i = 0; i < n; i++) sum = sum * 33 + p[i];
    return sum;
}

int main(void) {
    unsigned char *p = take(4, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 4 * PAGE; i++) p[i] = (unsigned char)(i * 7 + i / 256);
    printf("%u\n", digest(p, 4 * PAGE));
    p = mremap(p, 4 * PAGE, 50 * PAGE, MREMAP_MAYMOVE);
    printf("grown %u %u\n", digest(p, 4 * PAGE), digest(p + 4 * PAGE, 46 * PAGE));
    unsigned char *q = mremap(p, 50 * PAGE, 2 * PAGE, 0);
    printf("shrunk %d %u\n", q == p, digest(q, 2 * PAGE));
    map_line("after", p, 3);
    unsigned char *wall = mmap(p + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    printf("%d\n", wall == p + 2 * PAGE);
    show("no room to grow", mapped(mremap(p, 2 * PAGE, 4 * PAGE, 0)));
    q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
    printf("moved %d %u\n", q != p, digest(q, 2 * PAGE));
    map_line("old place", p, 3);
    unsigned char *target = take(10, PROT_READ);
    p = mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 3 * PAGE);
    printf("fixed %d %u\n", p == target + 3 * PAGE, digest(p, 2 * PAGE));
    map_line("target", target, 10);
    show("overlap", mapped(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE)));
    show("unaligned", mapped(mremap(p + 1, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
    show("to nothing", mapped(mremap(p, PAGE, 0, MREMAP_MAYMOVE)));
    munmap(target, 10 * PAGE);
    show("of nothing", mapped(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE)));
    volatile size_t all = -(size_t)PAGE;
    show("of everything, from nothing", mapped(mremap((void *)(10L * PAGE), all, PAGE, 0)));
    show("of everything, grown", mapped(mremap((void *)(10L * PAGE), all, all + 1, 0)));
    p = take(2, PROT_READ);
    show("of everything", mapped(mremap(p, all, PAGE, 0)));
    map_line("still there", p, 2);
    munmap(p, 2 * PAGE);
    show("beyond everything", mapped(mremap((void *)all, PAGE, PAGE, 0)));

    p = take(8, PROT_READ | PROT_WRITE);
    memset(p, 'm', 8 * PAGE);
    show("middle", mprotect(p + 2 * PAGE, 3 * PAGE, PROT_READ));
    map_line("split", p, 8);
    show("execute", mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC));
    show("none", mprotect(p + 7 * PAGE, 1, PROT_NONE));
    map_line("more", p, 8);
    show("whole", mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE));
    map_line("one again", p, 8);
    printf("%u\n", digest(p, 8 * PAGE));
    show("unaligned", mprotect(p + 5, PAGE, PROT_READ));
    show("no length", mprotect(p, 0, PROT_READ));
    munmap(p + 4 * PAGE, PAGE);
    show("with a hole", mprotect(p, 8 * PAGE, PROT_READ));
    map_line("up to the hole", p, 8);
    unsigned char *blocks[64] = {0};
    size_t sizes[64] = {0};
    uint64_t seed = 9;
    unsigned bad = 0;
    for (int step = 0; step < 800; step++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        int i = (int)(seed >> 58);
        size_t size = (size_t)(1 + (seed >> 40 & 15)) * PAGE;
        if (!sizes[i]) {
            blocks[i] = take((int)(size / PAGE), PROT_READ | PROT_WRITE);
            bad += blocks[i][size - 1] != 0;
        } else {
            blocks[i] = mremap(blocks[i], sizes[i], size, MREMAP_MAYMOVE);
            bad += blocks[i][0] != i + 1;
            if (size <= sizes[i]) bad += blocks[i][size - PAGE] != i + 1;
        }
        for (size_t at = 0; at < size; at += PAGE) blocks[i][at] = (unsigned char)(i + 1);
        sizes[i] = size;
        if (seed >> 32 & 1) {
            munmap(blocks[i], sizes[i]);
            sizes[i] = 0;
        }
    }
    printf("%u\n", bad);
    return 0;
}
