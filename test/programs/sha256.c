/* SHA-256, SHA-1 and HMAC of known texts and of every length around a block. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sha256 {
    uint32_t h[8];
    uint64_t length;
    unsigned char block[64];
};

static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t ror(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha256_block(struct sha256 *s, const unsigned char *p) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++) w[i] = big_endian(p + 4 * i);
    for (int i = 16; i < 64; i++)
        w[i] = (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10) + w[i - 7] +
               (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 16];
    memcpy(v, s->h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t x = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & v[5]) | (~e & v[6])) + k[i] + w[i];
        uint32_t y = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & (v[1] | v[2])) | (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += x;
        v[0] = x + y;
    }
    for (int i = 0; i < 8; i++) s->h[i] += v[i];
}

static void sha256_start(struct sha256 *s) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->h, start, sizeof start);
    s->length = 0;
}

static void sha256_add(struct sha256 *s, const void *data, size_t n) {
    for (const unsigned char *p = data; n--;) {
        s->block[s->length++ % 64] = *p++;
        if (s->length % 64 == 0) sha256_block(s, s->block);
    }
}

static void sha256_end(struct sha256 *s, unsigned char out[32]) {
    uint64_t bits = s->length * 8;
    sha256_add(s, "\x80", 1);
    while (s->length % 64 != 56) sha256_add(s, "", 1);
    for (int i = 7; i >= 0; i--) sha256_add(s, &(unsigned char){(unsigned char)(bits >> 8 * i)}, 1);
    for (int i = 0; i < 32; i++) out[i] = (unsigned char)(s->h[i / 4] >> (24 - i % 4 * 8));
}

static void sha256(const void *data, size_t n, unsigned char out[32]) {
    struct sha256 s;
    sha256_start(&s);
    sha256_add(&s, data, n);
    sha256_end(&s, out);
}

static void sha1(const unsigned char *data, size_t n, unsigned char out[20]) {
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}, w[80];
    size_t blocks = (n + 8) / 64 + 1;
    for (size_t b = 0; b < blocks; b++) {
        unsigned char block[64] = {0};
        for (size_t i = 0; i < 64; i++) {
            size_t at = b * 64 + i;
            block[i] = at < n                       ? data[at]
                       : at == n                    ? 0x80
                       : b == blocks - 1 && i >= 56 ? (unsigned char)((uint64_t)n * 8 >> (63 - i) * 8)
                                                    : 0;
        }
        for (int i = 0; i < 80; i++)
            w[i] = i < 16 ? big_endian(block + 4 * i) : ror(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
        uint32_t a = h[0], c1 = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20 ? (c1 & c) | (~c1 & d) : i < 40 || i >= 60 ? c1 ^ c ^ d : (c1 & c) | (c1 & d) | (c & d);
            uint32_t t = ror(a, 27) + f + e + w[i] +
                         (i < 20   ? 0x5a827999
                          : i < 40 ? 0x6ed9eba1
                          : i < 60 ? 0x8f1bbcdc
                                   : 0xca62c1d6);
            e = d, d = c, c = ror(c1, 2), c1 = a, a = t;
        }
        h[0] += a, h[1] += c1, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - i % 4 * 8));
}

static void hmac(const char *key, const char *text, unsigned char out[32]) {
    struct sha256 s;
    unsigned char pad[64] = {0}, inner[32];
    if (strlen(key) > 64)
        sha256(key, strlen(key), pad);
    else
        memcpy(pad, key, strlen(key));
    for (int round = 0; round < 2; round++) {
        unsigned char block[64];
        for (int i = 0; i < 64; i++) block[i] = pad[i] ^ (round ? 0x5c : 0x36);
        sha256_start(&s);
        sha256_add(&s, block, 64);
        if (round)
            sha256_add(&s, inner, 32);
        else
            sha256_add(&s, text, strlen(text));
        sha256_end(&s, round ? out : inner);
    }
}

static void print(const unsigned char *p, int n) {
    for (int i = 0; i < n; i++) printf("%02x", p[i]);
    putchar('\n');
}

int main(void) {
    static const char *const texts[] = {"", "abc", "The quick brown fox jumps over the lazy dog",
                                        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
    unsigned char digest[32];
    for (int i = 0; i < 4; i++) {
        sha256(texts[i], strlen(texts[i]), digest);
        print(digest, 32);
        sha1((const unsigned char *)texts[i], strlen(texts[i]), digest);
        print(digest, 20);
        hmac(texts[i], "what do ya want for nothing?", digest);
        print(digest, 32);
    }
    unsigned char data[300], chain[32] = {0};
    for (int i = 0; i < 300; i++) data[i] = (unsigned char)(i * 131 + 7);
    for (size_t n = 0; n < 300; n++) {
        sha256(data, n, digest);
        sha1(data, n, data);
        for (int i = 0; i < 32; i++) chain[i] ^= digest[i];
        if (n % 30 == 0) print(chain, 32);
    }
    struct sha256 s;
    sha256_start(&s);
    for (int i = 0; i < 1000; i++)
        sha256_add(
            &s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            100);
    sha256_end(&s, digest);
    print(digest, 32);
    return 0;
}
