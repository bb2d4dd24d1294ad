/* memcpy, memmove, memset, memcmp on blocks of every small size and alignment, and large ones, checked byte by byte. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SIZE = 1 << 17 };

static unsigned char a[SIZE], b[SIZE], expected[SIZE];
static uint64_t seed = 1;

static unsigned random_byte(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return seed >> 56;
}

static int check(size_t n) {
    for (size_t i = 0; i < n; i++)
        if (b[i] != expected[i]) return 0;
    return 1;
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < SIZE; i++) a[i] = (unsigned char)random_byte();
    for (size_t n = 0; n < 100; n++)
        for (size_t to = 0; to < 9; to++)
            for (size_t from = 0; from < 9; from++) {
                memset(b, 0xee, 128);
                for (size_t i = 0; i < 128; i++) expected[i] = 0xee;
                for (size_t i = 0; i < n; i++) expected[to + i] = a[from + i];
                memcpy(b + to, a + from, n);
                wrong += !check(128);
                wrong += memcmp(b + to, a + from, n) != 0;
                /* overlapping, both directions */
                for (size_t i = 0; i < 128; i++) b[i] = expected[i] = a[i];
                for (size_t i = 0; i < n; i++) expected[to + i] = a[from + i];
                memmove(b + to, b + from, n);
                wrong += !check(128);
            }
    printf("small %d\n", wrong);
    for (size_t n = 100; n < SIZE; n = n * 3 / 2 + 7) {
        memset(b, (int)n & 0xff, SIZE);
        size_t count = 0;
        for (size_t i = 0; i < SIZE; i++) count += b[i] == (n & 0xff);
        memcpy(b, a, n);
        int same = memcmp(a, b, n);
        b[n - 1] ^= 0x80;
        int above = memcmp(a, b, n) > 0, truth = a[n - 1] > b[n - 1];
        memmove(b + 1, b, n - 1);
        memmove(b, b + 1, n - 1);
        size_t first = 0;
        while (first < n && a[first] == b[first]) first++;
        printf("%zu %zu %d %d %zu %d\n", n, count, same, above == truth, first, memcmp(a, b, n - 1));
    }
    unsigned long sum = 0;
    for (int i = 0; i < SIZE; i++) sum = sum * 31 + b[i];
    printf("%016lx\n", sum);
    return wrong != 0;
}
