/* The allocator: thousands of live blocks of mixed sizes, growth and shrinking, alignment, large blocks, limits. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 700, STEPS = 30000 };

static unsigned char *block[SLOTS];
static size_t size[SLOTS];
static uint64_t seed = 42;

static uint32_t random_next(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

static unsigned char tag(size_t slot, size_t i) {
    return (unsigned char)(slot * 31 + i * 7);
}

static void fill(size_t slot, size_t from) {
    for (size_t i = from; i < size[slot]; i += 13) block[slot][i] = tag(slot, i);
}

static int intact(size_t slot, size_t n) {
    for (size_t i = 0; i < n; i += 13)
        if (block[slot][i] != tag(slot, i)) return 0;
    return 1;
}

int main(void) {
    uint64_t allocated = 0, bad = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t slot = random_next() % SLOTS;
        uint32_t most = random_next() % 100 == 0 ? 300000 : random_next() % 8 == 0 ? 5000 : 200;
        size_t want = random_next() % most;
        if (!block[slot]) {
            int kind = random_next() % 4;
            size[slot] = want;
            if (kind == 0) {
                block[slot] = calloc(want, 1);
                for (size_t i = 0; i < want; i++) bad += block[slot][i] != 0;
            } else if (kind == 1) {
                size_t alignment = 16u << random_next() % 6;
                block[slot] = aligned_alloc(alignment, (want + alignment - 1) / alignment * alignment);
                bad += (uintptr_t)block[slot] % alignment != 0;
            } else
                block[slot] = malloc(want);
            bad += (uintptr_t)block[slot] % 16 != 0 || malloc_usable_size(block[slot]) < want;
            allocated += want;
            fill(slot, 0);
        } else if (random_next() % 3 == 0) {
            size_t least = want < size[slot] ? want : size[slot];
            size_t before = size[slot];
            block[slot] = realloc(block[slot], want ? want : 1);
            size[slot] = want;
            bad += !intact(slot, least);
            if (want > before) fill(slot, (before + 12) / 13 * 13);
        } else {
            bad += !intact(slot, size[slot]);
            free(block[slot]);
            block[slot] = NULL;
        }
        if (step % 5000 == 0) printf("%d %llu %llu\n", step, (unsigned long long)allocated, (unsigned long long)bad);
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (block[slot]) bad += !intact(slot, size[slot]);
        free(block[slot]);
    }
    volatile size_t huge = SIZE_MAX / 2, items = SIZE_MAX / 4;
    errno = 0;
    void *p = malloc(huge);
    printf("%d %d\n", p == NULL, errno == ENOMEM);
    errno = 0;
    p = calloc(items, 8);
    printf("%d %d\n", p == NULL, errno == ENOMEM);
    errno = 0;
    p = reallocarray(NULL, items, 8);
    printf("%d %d\n", p == NULL, errno == ENOMEM);
    void *aligned = NULL;
    printf("%d ", posix_memalign(&aligned, 4096, 100));
    printf("%d ", (uintptr_t)aligned % 4096 == 0);
    printf("%d\n", posix_memalign(&p, 3, 100) == EINVAL);
    free(aligned);
    unsigned char *grown = NULL;
    for (size_t n = 1; n < 4u << 20; n = n * 3 / 2 + 1) { /* crosses from the heap to mapped blocks */
        grown = realloc(grown, n);
        grown[n - 1] = (unsigned char)n;
        bad += grown[0] != 1;
    }
    for (size_t n = 4u << 20; n; n /= 3) {
        grown = realloc(grown, n);
        bad += grown[0] != 1;
    }
    free(grown);
    printf("%d %llu\n", malloc_trim(0) >= 0, (unsigned long long)bad);
    return bad != 0;
}
