/* Shifts, rotates, masks, sign and zero extension of every width, bit fields; all shift counts. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct fields {
    unsigned a : 1, b : 3, c : 7;
    int d : 5, e : 12;
    uint64_t f : 33;
    int64_t g : 40;
    unsigned h : 4;
};

static uint64_t digest = 1;

static void add(uint64_t v) {
    digest = (digest ^ v) * 0x9e3779b97f4a7c15ull ^ digest >> 32;
}

static uint64_t rotate_left(uint64_t x, unsigned n) {
    return x << (n & 63) | x >> (-n & 63);
}
static uint32_t rotate_left32(uint32_t x, unsigned n) {
    return x << (n & 31) | x >> (-n & 31);
}
static uint64_t rotate_right(uint64_t x, unsigned n) {
    return x >> (n & 63) | x << (-n & 63);
}
static uint16_t rotate_left16(uint16_t x, unsigned n) {
    return (uint16_t)(x << (n & 15) | x >> (-n & 15));
}
static uint8_t rotate_left8(uint8_t x, unsigned n) {
    return (uint8_t)(x << (n & 7) | x >> (-n & 7));
}

int main(void) {
    static const uint64_t values[] = {0,
                                      1,
                                      0x80,
                                      0x8000,
                                      0x80000000,
                                      0x8000000000000000,
                                      0xffffffff,
                                      ~0ull,
                                      0x123456789abcdef0,
                                      0xfedcba9876543210,
                                      0x7fffffffffffffff,
                                      0xaaaaaaaaaaaaaaaa};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        volatile uint64_t volatile_v = values[i];
        uint64_t v = volatile_v;
        for (volatile unsigned n = 0; n < 64; n++) {
            add(v << n), add(v >> n), add((uint64_t)((int64_t)v >> n));
            add(rotate_left(v, n)), add(rotate_right(v, n)), add(rotate_left32((uint32_t)v, n)),
                add(rotate_left16((uint16_t)v, n)), add(rotate_left8((uint8_t)v, n));
            if (n < 32) add((uint32_t)v << n), add((uint32_t)v >> n), add((uint64_t)((int32_t)v >> n));
            if (n < 16) add((uint16_t)((uint16_t)v << n)), add((uint64_t)((int16_t)v >> n));
            add(v & ((1ull << n) - 1)), add(v & ~(~0ull >> n)), add(v >> n & 1), add(v | 1ull << n), add(v ^ 1ull << n),
                add(v & ~(1ull << n));
            add((v >> n) & 0xff), add((v << 7) >> n), add((uint64_t)((int64_t)(v << n) >> n));
        }
        add((uint64_t)(int8_t)v), add((uint64_t)(int16_t)v), add((uint64_t)(int32_t)v), add((uint8_t)v),
            add((uint16_t)v), add((uint32_t)v);
        add((uint64_t)((int32_t)(v << 13) >> 5)), add((uint32_t)((int8_t)v * 3)),
            add((uint64_t)(int64_t)(int32_t)((uint32_t)v + 0x7fffffff));
        add(__builtin_bswap64(v)), add(__builtin_bswap32((uint32_t)v)), add(__builtin_bswap16((uint16_t)v));
        printf("%016" PRIx64 " %016" PRIx64 " %08x %04x %" PRId64 " %d %d %d\n", v, rotate_left(v, 12),
               rotate_left32((uint32_t)v, 12), rotate_left16((uint16_t)v, 5), (int64_t)v >> 9, (int32_t)v >> 9,
               (int16_t)v >> 3, (int8_t)v >> 3);
        struct fields f = {.a = v & 1, .b = v & 7, .c = v >> 5 & 127};
        f.d = (int)(v & 15) - 16;
        f.e = (int)(v & 2047);
        f.f = v;
        f.g = (int64_t)(v << 24) >> 24;
        f.h = v >> 60;
        f.b++;
        f.h += 9;
        f.g -= 1;
        f.f <<= 3;
        f.e = -f.e;
        printf("  %u %u %u %d %d %" PRIu64 " %" PRId64 " %u\n", f.a, f.b, f.c, f.d, f.e, (uint64_t)f.f, (int64_t)f.g,
               f.h);
    }
    printf("%016" PRIx64 " %zu\n", digest, sizeof(struct fields));
    for (unsigned width = 1; width <= 64; width++) { /* sign extension from any width, three ways */
        uint64_t x = 0xdeadbeefcafebabe >> (64 - width), sign = 1ull << (width - 1);
        uint64_t a = (x ^ sign) - sign, b = (uint64_t)((int64_t)(x << (64 - width)) >> (64 - width)),
                 c = x | (x & sign ? ~0ull << (width - 1) : 0);
        if (a != b || b != c) printf("differ at %u\n", width);
        add(a);
    }
    unsigned char bytes[16];
    for (int i = 0; i < 16; i++) bytes[i] = (unsigned char)(i * 37);
    for (int i = 0; i < 8; i++) { /* unaligned loads, and byte by byte */
        uint64_t whole, pieces = 0;
        uint32_t half;
        uint16_t quarter;
        memcpy(&whole, bytes + i, 8);
        memcpy(&half, bytes + i, 4);
        memcpy(&quarter, bytes + i, 2);
        for (int j = 7; j >= 0; j--) pieces = pieces << 8 | bytes[i + j];
        printf("%d %08x %04x ", whole == pieces, half, quarter);
    }
    printf("%016" PRIx64 "\n", digest);
    return 0;
}
