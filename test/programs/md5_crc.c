/* MD5 with a table computed from sines, CRC-32 three ways, CRC-64, CRC-16, Adler-32, FNV, Fletcher, over known texts.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t md5_table[64];

static uint32_t rol(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void md5(const unsigned char *data, size_t n, unsigned char out[16]) {
    static const int turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    size_t blocks = (n + 8) / 64 + 1;
    for (size_t block = 0; block < blocks; block++) {
        uint32_t m[16] = {0};
        for (size_t i = 0; i < 64; i++) {
            size_t at = block * 64 + i;
            uint32_t byte = at < n                           ? data[at]
                            : at == n                        ? 0x80
                            : block == blocks - 1 && i >= 56 ? (unsigned char)((uint64_t)n * 8 >> (i - 56) * 8)
                                                             : 0;
            m[i / 4] |= byte << i % 4 * 8;
        }
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
        for (int i = 0; i < 64; i++) {
            uint32_t f;
            int g;
            switch (i / 16) {
            case 0: f = (b & c) | (~b & d), g = i; break;
            case 1: f = (d & b) | (~d & c), g = (5 * i + 1) % 16; break;
            case 2: f = b ^ c ^ d, g = (3 * i + 5) % 16; break;
            default: f = c ^ (b | ~d), g = 7 * i % 16;
            }
            f += a + md5_table[i] + m[g];
            a = d, d = c, c = b, b += rol(f, turns[i / 16][i % 4]);
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d;
    }
    for (int i = 0; i < 16; i++) out[i] = (unsigned char)(h[i / 4] >> i % 4 * 8);
}

static uint32_t crc32_bits(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n--; p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return ~crc;
}

static uint32_t tables[8][256];

static uint32_t crc32_table(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n--; p++) crc = crc >> 8 ^ tables[0][(crc ^ *p) & 255];
    return ~crc;
}

static uint32_t crc32_slices(const unsigned char *p, size_t n) {
    uint32_t crc = ~0u;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + 4, 4);
        low ^= crc;
        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
              tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^ tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
    for (; n--; p++) crc = crc >> 8 ^ tables[0][(crc ^ *p) & 255];
    return ~crc;
}

static uint64_t crc64(const unsigned char *p, size_t n) {
    uint64_t crc = ~0ull;
    for (; n--; p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (0xc96c5795d7870f42 & -(crc & 1));
    }
    return ~crc;
}

static unsigned crc16(const unsigned char *p, size_t n) {
    unsigned crc = 0xffff;
    for (; n--; p++) {
        crc ^= (unsigned)*p << 8;
        for (int i = 0; i < 8; i++) crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    return crc;
}

static uint32_t adler(const unsigned char *p, size_t n) {
    uint32_t a = 1, b = 0;
    for (; n--; p++) a = (a + *p) % 65521, b = (b + a) % 65521;
    return b << 16 | a;
}

static uint64_t fnv(const unsigned char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325;
    for (; n--; p++) h = (h ^ *p) * 0x100000001b3;
    return h;
}

static unsigned fletcher(const unsigned char *p, size_t n) {
    unsigned a = 0, b = 0;
    for (; n--; p++) a = (a + *p) % 255, b = (b + a) % 255;
    return b << 8 | a;
}

static void show(const unsigned char *p, size_t n) {
    unsigned char digest[16];
    md5(p, n, digest);
    for (int i = 0; i < 16; i++) printf("%02x", digest[i]);
    printf(" %08x %08x %08x %016lx %04x %08x %016lx %04x\n", crc32_bits(p, n), crc32_table(p, n), crc32_slices(p, n),
           crc64(p, n), crc16(p, n), adler(p, n), fnv(p, n), fletcher(p, n));
}

int main(void) {
    for (int i = 0; i < 64; i++) md5_table[i] = (uint32_t)(int64_t)floor(fabs(sin(i + 1)) * 4294967296.0);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int j = 0; j < 8; j++) c = c >> 1 ^ (0xedb88320 & -(c & 1));
        tables[0][i] = c;
    }
    for (int t = 1; t < 8; t++)
        for (int i = 0; i < 256; i++) tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 255];
    static const char *const texts[] = {
        "",
        "a",
        "abc",
        "message digest",
        "123456789",
        "The quick brown fox jumps over the lazy dog.",
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) show((const unsigned char *)texts[i], strlen(texts[i]));
    static unsigned char data[5000];
    uint32_t seed = 1;
    for (int i = 0; i < 5000; i++) data[i] = (unsigned char)((seed = seed * 1664525 + 1013904223) >> 24);
    for (size_t n = 50; n <= 130; n++) show(data + n, n);
    show(data, 5000);
    return 0;
}
