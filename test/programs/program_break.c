/* brk and sbrk: growth and shrinking by odd amounts, zeroed new memory, limits; a bump allocator on top. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char *heap_at, *heap_end;

static void *bump(size_t n) {
    n = (n + 15) & ~(size_t)15;
    if (!heap_at) heap_at = heap_end = sbrk(0);
    while (heap_at + n > heap_end) {
        if (sbrk(8192) == (void *)-1) return NULL;
        heap_end += 8192;
    }
    void *p = heap_at;
    heap_at += n;
    return p;
}

struct node {
    struct node *left, *right;
    uint32_t key;
};

static char output[1 << 14];

int main(void) {
    setvbuf(stdout, output, _IOFBF, sizeof output); /* so that the C library does not move the break itself */
    char *start = sbrk(0);
    unsigned sum = 0;
    static const intptr_t steps[] = {1, 4095, 1, 100000, -50000, 4096, -4096, -1, 1 << 20, -(1 << 20), 12345};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char *before = sbrk(0), *result = sbrk(steps[i]), *after = sbrk(0);
        if (steps[i] > 0) {
            memset(result, (int)i + 1, (size_t)steps[i]);
            sum += (unsigned char)result[steps[i] - 1];
        }
        printf("%ld: %d %ld %ld\n", (long)steps[i], before == result, (long)(after - before), (long)(after - start));
    }
    printf("%u\n", sum);
    int result = brk(start);
    printf("%d %d\n", result, sbrk(0) == (void *)start);
    char *again = sbrk(1 << 18);
    unsigned dirty = 0; /* pages that were given back come back zeroed, except the one the old break was in */
    for (int i = 8192; i < 1 << 18; i++) dirty += again[i] != 0;
    printf("%u\n", dirty);
    char *end = sbrk(0);
    struct rlimit limit = {1 << 21, RLIM_INFINITY};
    setrlimit(RLIMIT_DATA, &limit);
    void *refused = sbrk((intptr_t)1 << 40);
    printf("%d %d %d\n", refused == (void *)-1, errno == ENOMEM, sbrk(0) == (void *)end);
    result = brk((void *)4096); /* below the start: refused, nothing changes */
    printf("%d %d\n", result, sbrk(0) == (void *)end);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_DATA, &limit);

    struct node *root = NULL;
    uint32_t seed = 7, nodes = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        struct node **link = &root;
        while (*link && (*link)->key != seed >> 8) link = seed >> 8 < (*link)->key ? &(*link)->left : &(*link)->right;
        if (*link) continue;
        *link = bump(sizeof **link);
        if (!*link) return 1;
        **link = (struct node){.key = seed >> 8};
        nodes++;
    }
    uint32_t smallest = 0, depth = 0;
    for (struct node *n = root; n; n = n->left) smallest = n->key, depth++;
    printf("%u nodes, smallest %u at %u, heap %ld\n", nodes, smallest, depth, (long)(heap_end - end));
    return 0;
}
