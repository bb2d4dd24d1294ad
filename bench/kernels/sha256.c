/* SHA-256 (FIPS 180-4) of a buffer: 32-bit rotates, additions and logic in one long dependent chain.
 * kind: hash */
#include "kernel.h"

enum { REPS = 270, SIZE = 1 << 18 };

static uint32_t k[64], start[8];

/* The constants are the first 32 bits of the fractional parts of cube and square roots of primes: found by bisection
 * in 128-bit integers (n < 2^9, so that a cube has at most 123 bits). */
static uint32_t root_fraction(unsigned n, int degree) {
    uint64_t low = 0, high = (uint64_t)n << 32;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        unsigned __int128 square = (unsigned __int128)middle * middle;
        int above = degree == 2 ? square >= (unsigned __int128)n << 64 : square * middle >= (unsigned __int128)n << 96;
        if (above)
            high = middle;
        else
            low = middle;
    }
    return (uint32_t)low;
}

static void constants_make(void) {
    unsigned count = 0;
    for (unsigned n = 2; count < 64; n++) {
        unsigned divisor = 2;
        while (n % divisor) divisor++;
        if (divisor < n) continue;
        if (count < 8) start[count] = root_fraction(n, 2);
        k[count++] = root_fraction(n, 3);
    }
}

static uint32_t rotate(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* size is a multiple of 64 */
static void sha256(const uint8_t *data, uint64_t size, uint32_t state[8]) {
    uint8_t last[64] = {0x80};
    for (int i = 0; i < 8; i++) state[i] = start[i];
    for (uint64_t i = 0; i < size; i += 64) compress(state, data + i);
    for (int i = 0; i < 8; i++) last[63 - i] = (uint8_t)(size * 8 >> 8 * i);
    compress(state, last);
}

int main(int argc, char **argv) {
    static uint8_t data[SIZE];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 13;
    uint32_t state[8];
    constants_make();
    sha256(data, 0, state);
    if (state[0] != 0xe3b0c442) abort(); /* the digest of the empty string */
    for (int i = 0; i < SIZE; i++) data[i] = random_next(&seed) >> 56;
    for (long rep = 0; rep < reps; rep++) {
        sha256(data, SIZE, state);
        for (int i = 0; i < 32; i++) data[i] = state[i / 4] >> 8 * (i % 4);
    }
    return digest_print("sha256", (uint64_t)state[0] << 32 | state[7]);
}
