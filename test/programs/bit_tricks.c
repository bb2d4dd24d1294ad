/* Counting, finding, reversing, spreading and permuting bits: builtins against loops; Gray codes, Hamming codes, de
 * Bruijn sequences, Morton order, carry-less products, branch-free selection. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

static uint64_t seed = 31;

static uint64_t random_next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static uint64_t reverse(uint64_t x) {
    x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
    x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(x);
}

static uint64_t spread(uint64_t x) {
    x &= 0xffffffff;
    x = (x | x << 16) & 0x0000ffff0000ffff;
    x = (x | x << 8) & 0x00ff00ff00ff00ff;
    x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
    x = (x | x << 2) & 0x3333333333333333;
    return (x | x << 1) & 0x5555555555555555;
}

static uint64_t carryless(uint64_t a, uint64_t b) {
    uint64_t r = 0;
    for (; b; b &= b - 1) r ^= a << __builtin_ctzll(b);
    return r;
}

static uint64_t deposit(uint64_t x, uint64_t mask) {
    uint64_t r = 0;
    for (uint64_t bit = 1; mask; bit <<= 1, mask &= mask - 1)
        if (x & bit) r |= mask & -mask;
    return r;
}

static uint64_t extract(uint64_t x, uint64_t mask) {
    uint64_t r = 0;
    for (uint64_t bit = 1; mask; bit <<= 1, mask &= mask - 1)
        if (x & mask & -mask) r |= bit;
    return r;
}

static unsigned hamming_encode(unsigned nibble) {
    unsigned a = nibble >> 3 & 1, b = nibble >> 2 & 1, c = nibble >> 1 & 1, d = nibble & 1;
    return (a ^ b ^ d) << 6 | (a ^ c ^ d) << 5 | a << 4 | (b ^ c ^ d) << 3 | b << 2 | c << 1 | d;
}

static unsigned hamming_decode(unsigned w) {
    unsigned bit[8] = {0}, syndrome = 0;
    for (unsigned i = 1; i <= 7; i++) bit[i] = w >> (7 - i) & 1;
    for (unsigned i = 1; i <= 7; i++)
        if (bit[i]) syndrome ^= i;
    if (syndrome) bit[syndrome] ^= 1;
    return bit[3] << 3 | bit[5] << 2 | bit[6] << 1 | bit[7];
}

int main(void) {
    unsigned wrong = 0;
    uint64_t digest = 1;
    for (int i = 0; i < 4000; i++) {
        uint64_t x = random_next() >> (i & 63);
        if (!x) x = 1;
        int ones = 0, first = -1, last = -1;
        for (int j = 0; j < 64; j++)
            if (x >> j & 1) {
                ones++;
                if (first < 0) first = j;
                last = j;
            }
        wrong += __builtin_popcountll(x) != ones || __builtin_ctzll(x) != first || 63 - __builtin_clzll(x) != last;
        wrong += __builtin_parityll(x) != (ones & 1) || __builtin_ffsll((long long)x) != first + 1;
        uint32_t w = (uint32_t)x | 1u << (i & 31);
        wrong += __builtin_popcount(w) + __builtin_popcount(~w) != 32 || __builtin_clz(w) != __builtin_clzll(w) - 32 ||
                 __builtin_ctz(w) != __builtin_ctzll(w);
        int64_t s = (int64_t)x * (i & 1 ? -1 : 1);
        wrong += __builtin_clrsbll(s) != (s < 0    ? (~s == 0 ? 63 : __builtin_clzll((uint64_t)~s) - 1)
                                          : s == 0 ? 63
                                                   : __builtin_clzll((uint64_t)s) - 1);
        wrong += reverse(reverse(x)) != x || __builtin_popcountll(reverse(x)) != ones;
        uint64_t gray = x ^ x >> 1, back = gray;
        for (int k = 1; k < 64; k *= 2) back ^= back >> k;
        wrong += back != x;
        uint64_t mask = random_next();
        wrong += extract(deposit(x, mask), mask) !=
                 (x & (__builtin_popcountll(mask) == 64 ? ~0ull : (1ull << __builtin_popcountll(mask)) - 1));
        wrong += carryless(x, mask) != carryless(mask, x);
        wrong += (spread(x) | spread(mask) << 1) != (spread(x) ^ spread(mask) * 2);
        uint64_t larger = x > mask ? x : mask, select = mask ^ ((x ^ mask) & -(uint64_t)(x > mask));
        wrong += larger != select;
        uint64_t next = x + (x & -x);
        wrong += x < 1ull << 62 &&
                 __builtin_popcountll(next | ((x ^ next) / (x & -x)) >> 2) != ones; /* next with as many ones */
        digest = (digest ^ reverse(x) ^ carryless(x, mask) ^ deposit(x, mask) ^ spread(x)) * 0x9e3779b97f4a7c15ull;
        if (i % 250 == 0)
            printf("%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", x, reverse(x), deposit(x, mask),
                   digest);
    }
    for (unsigned n = 0; n < 16; n++) {
        unsigned code = hamming_encode(n);
        wrong += hamming_decode(code) != n;
        for (int flip = 0; flip < 7; flip++) wrong += hamming_decode(code ^ 1u << flip) != n;
        printf("%02x ", code);
    }
    const uint64_t de_bruijn = 0x03f79d71b4cb0a89;
    int table[64];
    for (int i = 0; i < 64; i++) table[de_bruijn << i >> 58] = i;
    for (int i = 0; i < 64; i++) wrong += table[(1ull << i) * de_bruijn >> 58] != i;
    unsigned square = 0;
    for (unsigned y = 0; y < 64; y++)
        for (unsigned x = 0; x < 64; x++) square = square * 3 + (unsigned)(spread(x) | spread(y) << 1);
    printf("\n%u %08x wrong %u\n", square, (unsigned)digest, wrong);
    return wrong != 0;
}
