/* Division and remainder of every width and sign, by constants (which compile to multiplications) and by variables. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t values[] = {0,
                                 1,
                                 -1,
                                 2,
                                 -2,
                                 3,
                                 7,
                                 -7,
                                 10,
                                 99,
                                 100,
                                 -100,
                                 127,
                                 -128,
                                 255,
                                 256,
                                 1000,
                                 32767,
                                 -32768,
                                 65535,
                                 1000000007,
                                 INT32_MAX,
                                 INT32_MIN,
                                 UINT32_MAX,
                                 INT64_MAX,
                                 INT64_MIN + 1,
                                 INT64_MIN,
                                 0x123456789abcdef,
                                 -0x123456789abcdef};
enum { COUNT = sizeof values / sizeof values[0] };

static uint64_t digest = 1;

static void add(uint64_t v) {
    digest = (digest ^ v) * 0x9e3779b97f4a7c15ull ^ digest >> 32;
}

#define BY_CONSTANT(type, constant)                                                                                    \
    do {                                                                                                               \
        type x = (type)v;                                                                                              \
        if (!((constant) == -1 && x == (type)((uint64_t)1 << (sizeof(type) * 8 - 1))))                                 \
            add((uint64_t)(x / (type)(constant))), add((uint64_t)(x % (type)(constant)));                              \
    } while (0)

static void by_constants(volatile int64_t volatile_v) {
    int64_t v = volatile_v;
#define ALL(type)                                                                                                      \
    BY_CONSTANT(type, 1);                                                                                              \
    BY_CONSTANT(type, 2);                                                                                              \
    BY_CONSTANT(type, 3);                                                                                              \
    BY_CONSTANT(type, 5);                                                                                              \
    BY_CONSTANT(type, 7);                                                                                              \
    BY_CONSTANT(type, 10);                                                                                             \
    BY_CONSTANT(type, 12);                                                                                             \
    BY_CONSTANT(type, 60);                                                                                             \
    BY_CONSTANT(type, 64);                                                                                             \
    BY_CONSTANT(type, 100);                                                                                            \
    BY_CONSTANT(type, 127)
#define SIGNED(type)                                                                                                   \
    BY_CONSTANT(type, -1);                                                                                             \
    BY_CONSTANT(type, -3);                                                                                             \
    BY_CONSTANT(type, -16)
    ALL(int8_t);
    ALL(uint8_t);
    ALL(int16_t);
    ALL(uint16_t);
    ALL(int32_t);
    ALL(uint32_t);
    ALL(int64_t);
    ALL(uint64_t);
    SIGNED(int32_t);
    SIGNED(int64_t);
    BY_CONSTANT(int32_t, 1000000007);
    BY_CONSTANT(uint32_t, 4294967295);
    BY_CONSTANT(int64_t, 1000000000000);
    BY_CONSTANT(uint64_t, 0xcccccccccccccccd);
    BY_CONSTANT(uint64_t, 274177);
}

int main(void) {
    for (int i = 0; i < COUNT; i++) {
        by_constants(values[i]);
        for (int j = 0; j < COUNT; j++) {
            volatile int64_t a = values[i], b = values[j];
            volatile int32_t c = (int32_t)a, d = (int32_t)b;
            if (b && !(a == INT64_MIN && b == -1)) add((uint64_t)(a / b)), add((uint64_t)(a % b));
            if (b) add((uint64_t)a / (uint64_t)b), add((uint64_t)a % (uint64_t)b);
            if (d && !(c == INT32_MIN && d == -1)) add((uint64_t)(c / d)), add((uint64_t)(c % d));
            if (d) add((uint32_t)c / (uint32_t)d), add((uint32_t)c % (uint32_t)d);
            if (d && !(a == INT64_MIN && d == -1)) add((uint64_t)(a / d)), add((uint64_t)(a % d));
            if ((int8_t)b) add((uint64_t)((int16_t)a / (int8_t)b));
        }
        printf("%" PRId64 " %016" PRIx64 "\n", values[i], digest);
    }
    unsigned wrong = 0;
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        volatile uint64_t a = seed, b = (seed ^ seed << 21) >> (seed & 63) | 1;
        uint64_t q = a / b, r = a % b;
        wrong += q * b + r != a || r >= b;
        volatile int64_t x = (int64_t)a, y = (int64_t)b;
        int64_t sq = x / y, sr = x % y;
        wrong += (int64_t)((uint64_t)sq * (uint64_t)y) + sr != x || (sr != 0 && (sr < 0) != (x < 0));
        volatile uint32_t c = (uint32_t)a, d = (uint32_t)b | 1;
        wrong += c / d * d + c % d != c;
        by_constants(x);
    }
    printf("%u %016" PRIx64 "\n", wrong, digest);
    div_t d = div(-17, 5);
    ldiv_t l = ldiv(17, -5);
    imaxdiv_t m = imaxdiv(-100, -7);
    printf("%d %d %ld %ld %" PRIdMAX " %" PRIdMAX " %d %ld\n", d.quot, d.rem, l.quot, l.rem, m.quot, m.rem, abs(-5),
           labs(-6L));
    return wrong != 0;
}
