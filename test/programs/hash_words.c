/* SHA-256, SHA-512 and SM3: on riscv64 by the instructions for their word functions (Zknh, Zksh), elsewhere in C. Two
 * of the messages are the standards' own examples, whose digests are known. */
/* qemu: 7.2 has the instructions only when it is asked (QEMU_CPU=rv64,zknh=true,zksh=true) */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ROTATE(w, x, n) ((x) >> (n) | (x) << ((w) - (n)))
#ifdef __riscv
#define WORD(type, name, number, in_c)                                                                                 \
    static inline type name(type x) {                                                                                  \
        int64_t r;                                                                                                     \
        __asm__(".insn i 0x13, 1, %0, %1, 0x100 + " #number : "=r"(r) : "r"((int64_t)x));                              \
        if (sizeof(type) == 4 && r != (int32_t)r) printf(#name " is not extended\n");                                  \
        return (type)r;                                                                                                \
    }
#else
#define WORD(type, name, number, in_c)                                                                                 \
    static inline type name(type x) {                                                                                  \
        return in_c;                                                                                                   \
    }
#endif
WORD(uint32_t, sum0_256, 0, ROTATE(32, x, 2) ^ ROTATE(32, x, 13) ^ ROTATE(32, x, 22))
WORD(uint32_t, sum1_256, 1, ROTATE(32, x, 6) ^ ROTATE(32, x, 11) ^ ROTATE(32, x, 25))
WORD(uint32_t, sig0_256, 2, ROTATE(32, x, 7) ^ ROTATE(32, x, 18) ^ x >> 3)
WORD(uint32_t, sig1_256, 3, ROTATE(32, x, 17) ^ ROTATE(32, x, 19) ^ x >> 10)
WORD(uint64_t, sum0_512, 4, ROTATE(64, x, 28) ^ ROTATE(64, x, 34) ^ ROTATE(64, x, 39))
WORD(uint64_t, sum1_512, 5, ROTATE(64, x, 14) ^ ROTATE(64, x, 18) ^ ROTATE(64, x, 41))
WORD(uint64_t, sig0_512, 6, ROTATE(64, x, 1) ^ ROTATE(64, x, 8) ^ x >> 7)
WORD(uint64_t, sig1_512, 7, ROTATE(64, x, 19) ^ ROTATE(64, x, 61) ^ x >> 6)
WORD(uint32_t, p0, 8, x ^ ROTATE(32, x, 23) ^ ROTATE(32, x, 15))
WORD(uint32_t, p1, 9, x ^ ROTATE(32, x, 17) ^ ROTATE(32, x, 9))

/* The constants of SHA-2 are the first bits of the fractions of roots of the first primes: found by halving. */
static uint64_t fraction_of_root(unsigned prime, unsigned power) {
    __uint128_t low = 0, high = (__uint128_t)20 << 64;
    while (high - low > 1) {
        const __uint128_t half = (low + high) / 2;
        /* half^power <= prime, in pieces of 32 bits: compared from the top */
        uint64_t piece[12] = {0}, product[12];
        piece[0] = 1;
        for (unsigned i = 0; i < power; i++) {
            memset(product, 0, sizeof product);
            for (unsigned k = 0; k < 3; k++)
                for (unsigned j = 0; j + k < 12; j++) {
                    uint64_t sum = piece[j] * (uint32_t)(half >> (32 * k)), at = j + k;
                    for (; sum && at < 12; at++) {
                        sum += product[at];
                        product[at] = (uint32_t)sum;
                        sum >>= 32;
                    }
                }
            memcpy(piece, product, sizeof piece);
        }
        if (piece[2 * power] < prime && !piece[2 * power + 1])
            low = half;
        else
            high = half;
    }
    return (uint64_t)low;
}

static uint64_t first_roots[8], round_constants[80];
static void make_constants(void) {
    unsigned count = 0;
    for (unsigned n = 2; count < 80; n++) {
        unsigned d = 2;
        while (d * d <= n && n % d) d++;
        if (d * d <= n) continue;
        if (count < 8) first_roots[count] = fraction_of_root(n, 2);
        round_constants[count++] = fraction_of_root(n, 3);
    }
}

/* SHA-2 in either width. */
#define SHA(type, width, rounds)                                                                                       \
    static void sha_##width(const uint8_t *message, size_t size, type h[8]) {                                          \
        enum { BLOCK = 2 * (width) / 8 * 8, WORD_SIZE = sizeof(type) };                                                \
        uint8_t padded[512] = {0};                                                                                     \
        memcpy(padded, message, size);                                                                                 \
        padded[size] = 0x80;                                                                                           \
        size_t total = (size + 1 + 2 * WORD_SIZE + BLOCK - 1) / BLOCK * BLOCK;                                         \
        for (unsigned i = 0; i < 8; i++) padded[total - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));             \
        for (unsigned i = 0; i < 8; i++) h[i] = (type)(first_roots[i] >> (64 - (width)));                              \
        for (const uint8_t *at = padded; at < padded + total; at += BLOCK) {                                           \
            type w[rounds], s[8];                                                                                      \
            for (unsigned i = 0; i < 16; i++) {                                                                        \
                w[i] = 0;                                                                                              \
                for (unsigned k = 0; k < WORD_SIZE; k++) w[i] = (type)(w[i] << 8 | at[i * WORD_SIZE + k]);             \
            }                                                                                                          \
            for (unsigned i = 16; i < (rounds); i++)                                                                   \
                w[i] = sig1_##width(w[i - 2]) + w[i - 7] + sig0_##width(w[i - 15]) + w[i - 16];                        \
            memcpy(s, h, sizeof s);                                                                                    \
            for (unsigned i = 0; i < (rounds); i++) {                                                                  \
                type t1 = s[7] + sum1_##width(s[4]) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +                               \
                          (type)(round_constants[i] >> (64 - (width))) + w[i];                                         \
                type t2 = sum0_##width(s[0]) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));                        \
                memmove(s + 1, s, 7 * sizeof *s);                                                                      \
                s[4] += t1;                                                                                            \
                s[0] = t1 + t2;                                                                                        \
            }                                                                                                          \
            for (unsigned i = 0; i < 8; i++) h[i] += s[i];                                                             \
        }                                                                                                              \
    }
#define sum0_32 sum0_256
#define sum1_32 sum1_256
#define sig0_32 sig0_256
#define sig1_32 sig1_256
#define sum0_64 sum0_512
#define sum1_64 sum1_512
#define sig0_64 sig0_512
#define sig1_64 sig1_512
SHA(uint32_t, 32, 64)
SHA(uint64_t, 64, 80)

static void sm3(const uint8_t *message, size_t size, uint32_t h[8]) {
    static const uint32_t start[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                      0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    uint8_t padded[512] = {0};
    memcpy(padded, message, size);
    padded[size] = 0x80;
    size_t total = (size + 9 + 63) / 64 * 64;
    for (unsigned i = 0; i < 8; i++) padded[total - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
    memcpy(h, start, sizeof start);
    for (const uint8_t *at = padded; at < padded + total; at += 64) {
        uint32_t w[68], v[8];
        for (unsigned i = 0; i < 16; i++)
            w[i] = (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 | (uint32_t)at[4 * i + 2] << 8 |
                   at[4 * i + 3];
        for (unsigned i = 16; i < 68; i++)
            w[i] = p1(w[i - 16] ^ w[i - 9] ^ ROTATE(32, w[i - 3], 17)) ^ ROTATE(32, w[i - 13], 25) ^ w[i - 6];
        memcpy(v, h, sizeof v);
        for (unsigned i = 0; i < 64; i++) {
            const uint32_t t = i < 16 ? 0x79cc4519 : 0x7a879d8a, turned = i % 32 ? ROTATE(32, t, 32 - i % 32) : t;
            const uint32_t a12 = ROTATE(32, v[0], 20), sum = a12 + v[4] + turned, ss1 = ROTATE(32, sum, 25);
            const uint32_t ff = i < 16 ? v[0] ^ v[1] ^ v[2] : (v[0] & v[1]) | (v[0] & v[2]) | (v[1] & v[2]);
            const uint32_t gg = i < 16 ? v[4] ^ v[5] ^ v[6] : (v[4] & v[5]) | (~v[4] & v[6]);
            const uint32_t tt1 = ff + v[3] + (ss1 ^ a12) + (w[i] ^ w[i + 4]), tt2 = gg + v[7] + ss1 + w[i];
            v[3] = v[2];
            v[2] = ROTATE(32, v[1], 23);
            v[1] = v[0];
            v[0] = tt1;
            v[7] = v[6];
            v[6] = ROTATE(32, v[5], 13);
            v[5] = v[4];
            v[4] = p0(tt2);
        }
        for (unsigned i = 0; i < 8; i++) h[i] ^= v[i];
    }
}

static void hash(const char *message) {
    const size_t size = strlen(message);
    uint32_t small[8];
    uint64_t large[8];
    sha_32((const uint8_t *)message, size, small);
    for (unsigned i = 0; i < 8; i++) printf("%08x", small[i]);
    sha_64((const uint8_t *)message, size, large);
    printf("\n");
    for (unsigned i = 0; i < 8; i++) printf("%016llx", (unsigned long long)large[i]);
    sm3((const uint8_t *)message, size, small);
    printf("\n");
    for (unsigned i = 0; i < 8; i++) printf("%08x", small[i]);
    printf("\n");
    if (!strcmp(message, "abc") && (small[0] != 0x66c7f0f4 || large[0] != 0xddaf35a193617aba)) printf("wrong\n");
}

int main(void) {
    char text[300] = "";
    make_constants();
    hash("");
    hash("abc");
    hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    for (unsigned i = 0; i < 200; i++) {
        text[i] = (char)('!' + i * 7 % 90);
        text[i + 1] = 0;
        if (i % 23 == 0) hash(text);
    }
    return 0;
}
