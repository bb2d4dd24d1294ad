/* Floats as bit patterns: copies and stores keep every pattern (payloads of NaNs, signs of zeros), classification,
 * total order, neighbours, exact sums, float16 and bfloat16 by hand. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t bits_of(double d) {
    uint64_t b;
    memcpy(&b, &d, 8);
    return b;
}

static double from_bits(uint64_t b) {
    double d;
    memcpy(&d, &b, 8);
    return d;
}

static uint32_t bits_of_float(float f) {
    uint32_t b;
    memcpy(&b, &f, 4);
    return b;
}

static float from_bits_float(uint32_t b) {
    float f;
    memcpy(&f, &b, 4);
    return f;
}

struct pair {
    float f;
    double d;
};

__attribute__((noinline)) static struct pair pass(struct pair p, double x, float y) {
    struct pair r = {y, x};
    if (p.f == 1.0f) return p;
    return r;
}

static float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 0) return (sign ? -1 : 1) * ldexpf((float)fraction, -24);
    if (exponent == 31) return from_bits_float(sign | 0x7f800000 | fraction << 13);
    return from_bits_float(sign | (exponent + 112) << 23 | fraction << 13);
}

static uint16_t float_to_half(float f) {
    uint32_t b = bits_of_float(f), sign = b >> 16 & 0x8000, rest = b & 0x7fffffff;
    if (rest >= 0x7f800000) return (uint16_t)(sign | 0x7c00 | (rest > 0x7f800000 ? 0x200 | (rest >> 13 & 0x3ff) : 0));
    if (rest >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (rest < 0x38800000) return (uint16_t)(sign | (uint32_t)rintf(ldexpf(fabsf(f), 24)));
    uint32_t rounded = rest + 0xfff + (rest >> 13 & 1);
    return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));
}

int main(void) {
    static const uint64_t patterns[] = {0,
                                        1,
                                        1ull << 63,
                                        0x7ff0000000000000,
                                        0xfff0000000000000,
                                        0x7ff8000000000000,
                                        0xfff8000000000000,
                                        0x7ff8dead0000beef,
                                        0x7ff0000000000001,
                                        0xfff4000000000000,
                                        0x000fffffffffffff,
                                        0x0010000000000000,
                                        0x7fefffffffffffff,
                                        0x3ff0000000000000,
                                        0xffffffff7fc00000,
                                        0xffffffff3f800000};
    static volatile double store[16];
    static volatile float small[16];
    for (int i = 0; i < 16; i++) {
        store[i] = from_bits(patterns[i]);
        small[i] = from_bits_float((uint32_t)patterns[i] ^ (uint32_t)(patterns[i] >> 32));
        struct pair p = pass((struct pair){small[i], store[i]}, -store[i], -small[i]);
        double absolute = fabs(store[i]), moved = copysign(store[i], -1.0);
        printf("%016lx %08x %016lx %08x %016lx %016lx %d\n", bits_of(store[i]), bits_of_float(small[i]), bits_of(p.d),
               bits_of_float(p.f), bits_of(absolute), bits_of(moved), fpclassify(store[i]));
    }
    uint64_t seed = 5, wrong = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t b = seed ^ seed >> 31;
        double d = from_bits(b);
        wrong += bits_of(d) != b;
        wrong += bits_of(-d) != (b ^ 1ull << 63);
        float f = from_bits_float((uint32_t)b);
        wrong += bits_of_float(f) != (uint32_t)b;
        if (!isnan(f)) wrong += (float)(double)f != f;
        if (!isnan(d) && !isinf(d)) {
            double up = nextafter(d, INFINITY);
            wrong += d != 0 && up != from_bits(d > 0 ? b + 1 : b - 1);
        }
    }
    printf("%lu\n", wrong);
    unsigned back = 0, sum = 0;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = half_to_float((uint16_t)h);
        if (isnan(f)) continue;
        back += float_to_half(f) == h;
        sum = sum * 31 + float_to_half(f * 1.0004f) + float_to_half(f * 0.75f);
    }
    printf("%u %08x\n", back, sum);
    static const float samples[] = {1.0f,    65504,     65519.9f, 65520, 1e-8f, 3e-8f,
                                    6.1e-5f, 0.333333f, -2049,    -2051, 1e10f};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        printf("%04x %a  ", float_to_half(samples[i]), (double)half_to_float(float_to_half(samples[i])));
    putchar('\n');
    double high = 0, low = 0; /* a sum with its error, as Knuth has it */
    for (int i = 1; i <= 10000; i++) {
        volatile double x = 1.0 / i, s = high + x;
        double v = s - high, e = (high - (s - v)) + (x - v);
        high = s;
        low += e;
    }
    printf("%a %a\n", high, low);
    volatile double lost = 1e16;
    printf("%d %d %d\n", lost + 1 == lost, lost + 2 == lost, (lost + 1) - lost == 0);
    volatile double a = 0.1, b = 0.2;
    printf("%d %a %a\n", a + b == 0.3, a + b, a * 3);
    return 0;
}
