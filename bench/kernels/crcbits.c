/* Checksums done bit by bit and by table, and other bit tricks: shifts, xors and 32-bit arithmetic.
 * kind: int */
#include "kernel.h"

enum { REPS = 490, SIZE = 1 << 15 };

static uint32_t table[256];

static uint32_t crc_step(uint32_t crc) {
    return crc >> 1 ^ (0xedb88320u & -(crc & 1));
}

static uint32_t crc_bitwise(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc_step(crc);
    }
    return ~crc;
}

static uint32_t crc_table(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    while (n--) crc = table[(crc ^ *p++) & 255] ^ crc >> 8;
    return ~crc;
}

static uint16_t crc_ccitt(const uint8_t *p, size_t n) {
    uint16_t crc = 0xffff;
    while (n--) {
        crc ^= (uint16_t)(*p++ << 8);
        for (int i = 0; i < 8; i++) crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static uint32_t adler(const uint8_t *p, size_t n) {
    uint32_t a = 1, b = 0;
    while (n--) {
        a += *p++;
        if (a >= 65521) a -= 65521;
        b += a;
        if (b >= 65521) b -= 65521;
    }
    return b << 16 | a;
}

static uint64_t bit_tricks(const uint8_t *p, size_t n) {
    uint64_t sum = 0;
    for (size_t i = 0; i + 8 <= n; i += 8) {
        uint64_t x = 0;
        for (int j = 0; j < 8; j++) x = x << 8 | p[i + (size_t)j];
        uint64_t count = x - (x >> 1 & 0x5555555555555555ull);
        count = (count & 0x3333333333333333ull) + (count >> 2 & 0x3333333333333333ull);
        count = ((count + (count >> 4)) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull >> 56;
        uint64_t gray = x ^ x >> 1;
        uint64_t lowest = x & -x, filled = x | x >> 1;
        filled |= filled >> 2;
        filled |= filled >> 4;
        sum += count * (gray >> 50) + (lowest ^ filled);
    }
    return sum;
}

int main(int argc, char **argv) {
    static uint8_t data[SIZE];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 11, digest = 0;
    for (int i = 0; i < SIZE; i++) data[i] = random_next(&seed) >> 56;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int j = 0; j < 8; j++) table[i] = crc_step(table[i]);
    }
    for (long i = 0; i < reps; i++) {
        data[i % SIZE]++;
        digest = digest_add(digest, crc_bitwise(data, SIZE));
        digest = digest_add(digest, crc_table(data, SIZE));
        digest = digest_add(digest, crc_ccitt(data, SIZE));
        digest = digest_add(digest, adler(data, SIZE));
        digest = digest_add(digest, bit_tricks(data, SIZE));
    }
    return digest_print("crcbits", digest);
}
