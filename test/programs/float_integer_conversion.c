/* Conversions between every integer type and float and double, at the edges of each range (inside them: outside is
 * undefined in C), and arithmetic promotions between them. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

static void from_signed(volatile int64_t v) {
    volatile int32_t w = (int32_t)(v >> 32 ^ v);
    volatile int16_t h = (int16_t)v;
    volatile int8_t b = (int8_t)v;
    printf("%" PRId64 ": %a %a %a %a %a %a %a %a\n", v, (double)v, (double)(float)v, (double)w, (double)(float)w,
           (double)h, (double)(float)h, (double)b, (double)(float)b);
}

static void from_unsigned(volatile uint64_t v) {
    volatile uint32_t w = (uint32_t)v;
    volatile uint16_t h = (uint16_t)v;
    volatile uint8_t b = (uint8_t)v;
    printf("%" PRIu64 ": %a %a %a %a %a %a\n", v, (double)v, (double)(float)v, (double)w, (double)(float)w, (double)h,
           (double)b);
}

static void to_integers(volatile double d) {
    printf("%a:", d);
    if (d > -9.3e18 && d < 0x1p63 && d >= -0x1p63) printf(" %" PRId64, (int64_t)d);
    if (d > -1 && d < 0x1p64) printf(" %" PRIu64, (uint64_t)d);
    if (d > -2147483649.0 && d < 2147483648.0) printf(" %" PRId32, (int32_t)d);
    if (d > -1 && d < 4294967296.0) printf(" %" PRIu32, (uint32_t)d);
    if (d > -32769 && d < 32768) printf(" %d", (int16_t)d);
    if (d > -129 && d < 128) printf(" %d", (int8_t)d);
    if (d > -1 && d < 256) printf(" %d", (uint8_t)d);
    volatile float f = (float)d;
    if (f >= -0x1p63f && f < 0x1p63f) printf(" f%" PRId64, (int64_t)f);
    if (f > -1 && f < 0x1p64f) printf(" f%" PRIu64, (uint64_t)f);
    if (f >= -0x1p31f && f < 0x1p31f) printf(" f%" PRId32, (int32_t)f);
    if (f > -1 && f < 0x1p32f) printf(" f%" PRIu32, (uint32_t)f);
    printf(" %d\n", d != 0);
}

int main(void) {
    for (int shift = 0; shift < 64; shift++)
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t v = (1ull << shift) + (uint64_t)(int64_t)delta;
            from_signed((int64_t)v);
            from_unsigned(v);
            from_unsigned(~v);
        }
    static const uint64_t ties[] = {0x20000000000001,   0x20000000000003,   0x40000000000002,   0x40000000000006,
                                    0x8000000000000400, 0x8000000000000c00, 0x1000001,          0x1000003,
                                    0xfffffffffffffbff, 0xfffffffffffffc00, 0x7fffffffffffffff, 0x8000008000000001,
                                    0x8000018000000000};
    for (size_t i = 0; i < sizeof ties / sizeof ties[0]; i++) {
        from_unsigned(ties[i]);
        from_signed((int64_t)ties[i]);
        from_signed(-(int64_t)(ties[i] >> 1));
    }
    static const double edges[] = {0,
                                   -0.0,
                                   0.5,
                                   -0.5,
                                   0.99999999999999989,
                                   -0.99999999999999989,
                                   1.5,
                                   -1.5,
                                   127.9,
                                   -128.9,
                                   255.9,
                                   32767.5,
                                   -32768.9,
                                   2147483647.9,
                                   -2147483648.9,
                                   4294967295.9,
                                   9007199254740993.0,
                                   9223372036854774784.0,
                                   -9223372036854775808.0,
                                   18446744073709549568.0,
                                   16777217,
                                   0x1p-1074,
                                   1e10,
                                   -1e10};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) to_integers(edges[i]);
    uint64_t seed = 3;
    for (int i = 0; i < 200; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        to_integers(ldexp((double)(int64_t)seed, -(int)(seed >> 58)));
    }
    volatile unsigned u = 4000000000u;
    volatile int i = -7;
    volatile float f = 0.1f;
    volatile double d = 0.1;
    volatile long l = (1L << 53) + 1;
    printf("%a %a %a %d %d %a %a\n", u + d, i * f + d, (double)(f * 10), f == d, (float)d == f, l + d, (double)(l + f));
    i += 2.9;
    u -= 0.5;
    printf("%d %u\n", i, u);
    return 0;
}
