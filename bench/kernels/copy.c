/* Copy loops written out: bytes, words, overlapping, reversed, strided structs, fill, compare. The flag keeps the
 * compiler from calling memcpy instead.
 * kind: mem
 * cflags: -fno-tree-loop-distribute-patterns */
#include "kernel.h"

enum { REPS = 2700, BYTES = 1 << 16, WORDS = BYTES / 8 };

struct item {
    uint32_t id;
    uint16_t kind, flags;
    uint64_t value;
};

__attribute__((noinline)) static void copy_bytes(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

__attribute__((noinline)) static void copy_words(uint64_t *to, const uint64_t *from, size_t n) {
    for (; n >= 4; n -= 4, to += 4, from += 4) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
    }
    while (n--) *to++ = *from++;
}

__attribute__((noinline)) static void copy_backwards(uint8_t *to, const uint8_t *from, size_t n) {
    while (n--) to[n] = from[n];
}

__attribute__((noinline)) static void reverse_bytes(uint8_t *to, const uint8_t *from, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = from[n - 1 - i];
}

__attribute__((noinline)) static size_t gather(struct item *to, const struct item *from, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (from[i].flags & 1) to[kept++] = from[i];
    return kept;
}

__attribute__((noinline)) static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n) {
    size_t i = 0;
    while (i < n && a[i] == b[i]) i++;
    return i;
}

__attribute__((noinline)) static uint64_t sum_halves(const uint16_t *p, size_t n) {
    uint64_t a = 0, b = 0;
    for (size_t i = 0; i < n; i++) {
        a += p[i];
        b += a;
    }
    return b;
}

int main(int argc, char **argv) {
    static union {
        uint8_t bytes[BYTES];
        uint16_t halves[BYTES / 2];
        uint64_t words[WORDS];
        struct item items[BYTES / sizeof(struct item)];
    } a, b;
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 77, digest = 0;
    for (int i = 0; i < WORDS; i++) a.words[i] = random_next(&seed);
    for (long rep = 0; rep < reps; rep++) {
        copy_bytes(b.bytes, a.bytes, BYTES);
        a.bytes[BYTES - 1 - rep % 1000]++;
        digest = digest_add(digest, first_difference(a.bytes, b.bytes, BYTES));
        copy_backwards(b.bytes + 3, b.bytes, BYTES - 3);
        copy_words(b.words + 1, a.words, WORDS / 2);
        reverse_bytes(b.bytes + BYTES / 2, a.bytes, BYTES / 2);
        digest = digest_add(digest, sum_halves(b.halves, BYTES / 2));
        digest = digest_add(digest, gather(b.items, a.items, BYTES / sizeof(struct item)));
        digest = digest_add(digest, b.items[rep % 1000].value);
    }
    return digest_print("copy", digest);
}
