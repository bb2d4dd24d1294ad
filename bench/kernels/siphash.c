/* SipHash-2-4 over short keys: 64-bit additions, rotates and xors, with set-up and finish dominating.
 * kind: hash */
#include <string.h>
#include "kernel.h"

enum { REPS = 580, KEYS = 20000 };

struct sip {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t x, int n) {
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s) {
    s->a += s->b, s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a, s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32);
    s->c += s->b, s->a += s->d;
    s->b = rotate(s->b, 17) ^ s->c, s->d = rotate(s->d, 21) ^ s->a;
    s->c = rotate(s->c, 32);
}

static uint64_t siphash(const uint8_t *p, size_t n, uint64_t k0, uint64_t k1) {
    struct sip s = {k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull, k0 ^ 0x6c7967656e657261ull,
                    k1 ^ 0x7465646279746573ull};
    uint64_t last = (uint64_t)n << 56, word;
    for (; n >= 8; n -= 8, p += 8) {
        memcpy(&word, p, 8);
        s.d ^= word;
        sip_round(&s);
        sip_round(&s);
        s.a ^= word;
    }
    for (size_t i = 0; i < n; i++) last |= (uint64_t)p[i] << 8 * i;
    s.d ^= last;
    sip_round(&s);
    sip_round(&s);
    s.a ^= last;
    s.c ^= 255;
    for (int i = 0; i < 4; i++) sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

int main(int argc, char **argv) {
    static uint8_t data[KEYS + 64];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 15, digest = 0;
    for (uint8_t i = 0; i < 15; i++) data[i] = i;
    if (siphash(data, 15, 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull) != 0xa129ca6149be45e5ull) abort();
    for (int i = 0; i < KEYS + 64; i++) data[i] = random_next(&seed) >> 56;
    for (long rep = 0; rep < reps; rep++)
        for (size_t i = 0; i < KEYS; i++) digest ^= siphash(data + i, i % 40, (uint64_t)rep, digest);
    return digest_print("siphash", digest);
}
