/* Pseudo-random generators with known recurrences: congruential, xorshift, Mersenne twister, PCG, xoshiro, lagged
 * Fibonacci, RC4, middle square, LFSRs; and statistics of their output. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t mt[624];
static int mt_at;

static void mt_seed(uint32_t s) {
    for (int i = 0; i < 624; i++) {
        mt[i] = s;
        s = 1812433253u * (s ^ s >> 30) + (uint32_t)i + 1;
    }
    mt_at = 624;
}

static uint64_t mt_next(void) {
    if (mt_at == 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y = (mt[i] & 0x80000000) | (mt[(i + 1) % 624] & 0x7fffffff);
            mt[i] = mt[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0);
        }
        mt_at = 0;
    }
    uint32_t y = mt[mt_at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >> 18;
}

static uint64_t pcg_state = 42;
static uint64_t pcg_next(void) {
    uint64_t s = pcg_state;
    pcg_state = s * 6364136223846793005ull + 1442695040888963407ull;
    uint32_t x = (uint32_t)((s >> 18 ^ s) >> 27), r = (uint32_t)(s >> 59);
    return x >> r | x << (-r & 31);
}

static uint64_t xo[4] = {1, 2, 3, 4};
static uint64_t xoshiro_next(void) {
    uint64_t r = xo[1] * 5, t = xo[1] << 17;
    r = (r << 7 | r >> 57) * 9;
    xo[2] ^= xo[0], xo[3] ^= xo[1], xo[1] ^= xo[2], xo[0] ^= xo[3];
    xo[2] ^= t;
    xo[3] = xo[3] << 45 | xo[3] >> 19;
    return r >> 32;
}

static uint64_t splitmix_state = 7;
static uint64_t splitmix_next(void) {
    uint64_t z = splitmix_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) >> 32;
}

static uint32_t xs = 2463534242u;
static uint64_t xorshift_next(void) {
    xs ^= xs << 13;
    xs ^= xs >> 17;
    return xs ^= xs << 5;
}

static int32_t minimal = 1;
static uint64_t minimal_next(void) {
    minimal = (int32_t)((int64_t)minimal * 16807 % 2147483647);
    return (uint64_t)(uint32_t)minimal << 1 & 0xffffffff;
}

static uint32_t lagged[55];
static int lagged_at;
static uint64_t lagged_next(void) {
    lagged_at = (lagged_at + 1) % 55;
    return lagged[lagged_at] = lagged[lagged_at] + lagged[(lagged_at + 31) % 55];
}

static unsigned char rc4[256], rc4_i, rc4_j;
static void rc4_key(const char *key) {
    size_t n = strlen(key);
    for (int i = 0; i < 256; i++) rc4[i] = (unsigned char)i;
    unsigned char j = 0;
    for (int i = 0; i < 256; i++) {
        j = (unsigned char)(j + rc4[i] + key[(size_t)i % n]);
        unsigned char t = rc4[i];
        rc4[i] = rc4[j];
        rc4[j] = t;
    }
    rc4_i = rc4_j = 0;
}
static unsigned char rc4_byte(void) {
    unsigned char t = rc4[++rc4_i];
    rc4_j = (unsigned char)(rc4_j + t);
    rc4[rc4_i] = rc4[rc4_j];
    rc4[rc4_j] = t;
    return rc4[(unsigned char)(rc4[rc4_i] + t)];
}
static uint64_t rc4_next(void) {
    uint64_t r = 0;
    for (int i = 0; i < 4; i++) r = r << 8 | rc4_byte();
    return r;
}

static uint64_t weyl, square = 0xb5ad4eceda1ce2a9, square_x;
static uint64_t square_next(void) {
    square_x *= square_x;
    square_x += weyl += square;
    return (square_x = square_x >> 32 | square_x << 32) & 0xffffffff;
}

static const struct {
    const char *name;
    uint64_t (*next)(void);
} generators[] = {{"mt19937", mt_next},           {"pcg32", pcg_next},
                  {"xoshiro256**", xoshiro_next}, {"splitmix64", splitmix_next},
                  {"xorshift32", xorshift_next},  {"minimal", minimal_next},
                  {"lagged", lagged_next},        {"rc4", rc4_next},
                  {"square", square_next}};

int main(void) {
    mt_seed(5489);
    for (int i = 0; i < 55; i++) lagged[i] = (uint32_t)(i * 2654435761u) | 1;
    rc4_key("Key");
    printf("rc4");
    for (const char *p = "Plaintext"; *p; p++) printf(" %02x", (unsigned char)*p ^ rc4_byte());
    putchar('\n');
    for (size_t g = 0; g < sizeof generators / sizeof generators[0]; g++) {
        printf("%s:", generators[g].name);
        for (int i = 0; i < 5; i++) printf(" %lu", generators[g].next());
        unsigned buckets[64] = {0}, runs = 0, ones = 0, gaps = 0, last = 0;
        double sum = 0, squares = 0, serial = 0, previous = 0.5;
        for (int i = 0; i < 6400; i++) {
            uint64_t r = generators[g].next();
            double u = (double)r / 4294967296.0;
            buckets[r >> 26]++;
            ones += (unsigned)__builtin_popcountll(r);
            runs += (r >> 31) != last;
            last = (unsigned)(r >> 31);
            gaps += u < 0.1;
            sum += u;
            squares += u * u;
            serial += (u - 0.5) * (previous - 0.5);
            previous = u;
        }
        double chi = 0;
        for (int i = 0; i < 64; i++) chi += (buckets[i] - 100.0) * (buckets[i] - 100.0) / 100;
        printf(" mean %.6f variance %.6f chi %.2f ones %u runs %u gaps %u serial %.4f\n", sum / 6400,
               squares / 6400 - sum * sum / 6400 / 6400, chi, ones, runs, gaps, serial);
    }
    for (uint32_t taps = 0xb400, width = 16; width <= 16; width++) {
        uint32_t lfsr = 0xace1, period = 0;
        do lfsr = lfsr >> 1 ^ (-(lfsr & 1) & taps), period++;
        while (lfsr != 0xace1);
        printf("lfsr period %u\n", period);
    }
    int deck[52];
    for (int i = 0; i < 52; i++) deck[i] = i;
    mt_seed(1);
    for (int i = 51; i > 0; i--) {
        int j = (int)(mt_next() % (uint64_t)(i + 1)), t = deck[i];
        deck[i] = deck[j];
        deck[j] = t;
    }
    for (int i = 0; i < 52; i++) printf("%c%c ", "23456789TJQKA"[deck[i] % 13], "CDHS"[deck[i] / 13]);
    double normal = 0, normal_squares = 0; /* by summing twelve, so that only exact operations are used */
    for (int i = 0; i < 2000; i++) {
        double x = -6;
        for (int k = 0; k < 12; k++) x += (double)xoshiro_next() / 4294967296.0;
        normal += x;
        normal_squares += x * x;
    }
    printf("\n%.8f %.8f\n", normal / 2000, sqrt(normal_squares / 2000));
    return 0;
}
