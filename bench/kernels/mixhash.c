/* A 64-bit hash with four multiplying lanes, as fast non-cryptographic hashes have them, over inputs of many lengths.
 * kind: hash */
#include <string.h>
#include "kernel.h"

enum { REPS = 5800, SIZE = 1 << 18 };

static const uint64_t p1 = 0x9e3779b185ebca87ull, p2 = 0xc2b2ae3d27d4eb4full, p3 = 0x165667b19e3779f9ull;

static uint64_t rotate(uint64_t x, int n) {
    return x << n | x >> (64 - n);
}

static uint64_t read64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t lane(uint64_t acc, uint64_t v) {
    return rotate(acc + v * p2, 31) * p1;
}

static uint64_t hash(const uint8_t *p, size_t n, uint64_t seed) {
    const uint8_t *end = p + n;
    uint64_t h = seed + p3;
    if (n >= 32) {
        uint64_t a = seed + p1 + p2, b = seed + p2, c = seed, d = seed - p1;
        for (; end - p >= 32; p += 32) {
            a = lane(a, read64(p));
            b = lane(b, read64(p + 8));
            c = lane(c, read64(p + 16));
            d = lane(d, read64(p + 24));
        }
        h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
        h = (h ^ lane(0, a)) * p1 + p3;
        h = (h ^ lane(0, d)) * p1 + p3;
    }
    h += n;
    for (; end - p >= 8; p += 8) h = rotate(h ^ lane(0, read64(p)), 27) * p1 + p3;
    while (p < end) h = rotate(h ^ *p++ * p3, 11) * p1;
    h = (h ^ h >> 33) * p2;
    h = (h ^ h >> 29) * p3;
    return h ^ h >> 32;
}

int main(int argc, char **argv) {
    static uint8_t data[SIZE];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 14, digest = 0;
    for (int i = 0; i < SIZE; i++) data[i] = random_next(&seed) >> 56;
    for (long rep = 0; rep < reps; rep++) {
        digest = digest_add(digest, hash(data, SIZE, digest));
        for (size_t n = 0; n < 600; n++) digest += hash(data + n * 3, n, digest);
    }
    return digest_print("mixhash", digest);
}
