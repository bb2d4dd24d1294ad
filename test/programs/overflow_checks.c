/* The overflow builtins for every type and operation against 128-bit arithmetic; saturation; checked parsing. */
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

static uint64_t digest = 1;
static unsigned wrong, overflowed;

static void add(uint64_t v) {
    digest = (digest ^ v) * 0x9e3779b97f4a7c15ull ^ digest >> 32;
}

#define CHECK(type, name)                                                                                              \
    static void check_##name(int64_t p, int64_t q) {                                                                   \
        volatile type a = (type)p, b = (type)q;                                                                        \
        type sum, difference, product;                                                                                 \
        int s = __builtin_add_overflow(a, b, &sum), d = __builtin_sub_overflow(a, b, &difference);                     \
        int m = __builtin_mul_overflow(a, b, &product);                                                                \
        __int128 ws = (__int128)a + b, wd = (__int128)a - b;                                                           \
        wrong += s != (ws != (__int128)(type)ws) || sum != (type)ws;                                                   \
        wrong += d != (wd != (__int128)(type)wd) || difference != (type)wd;                                            \
        wrong += product != (type)((unsigned __int128)a * (unsigned __int128)b);                                       \
        overflowed += (unsigned)(s + d + m);                                                                           \
        add((uint64_t)sum), add((uint64_t)difference), add((uint64_t)product), add((uint64_t)(s + 2 * d + 4 * m));     \
    }

CHECK(int8_t, i8)
CHECK(uint8_t, u8)
CHECK(int16_t, i16)
CHECK(uint16_t, u16)
CHECK(int32_t, i32)
CHECK(uint32_t, u32)
CHECK(int64_t, i64)
CHECK(uint64_t, u64)

static int32_t saturating_add(int32_t a, int32_t b) {
    int32_t r;
    return __builtin_add_overflow(a, b, &r) ? (a < 0 ? INT32_MIN : INT32_MAX) : r;
}

static int parse(const char *s, int64_t *out) {
    int64_t n = 0;
    int negative = *s == '-';
    for (s += negative; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, *s - '0', &n)) return 0;
    if (!negative && __builtin_sub_overflow(0, n, &n)) return 0;
    *out = n;
    return *s == 0;
}

int main(void) {
    static const int64_t values[] = {0,
                                     1,
                                     -1,
                                     2,
                                     -2,
                                     3,
                                     10,
                                     11,
                                     127,
                                     -128,
                                     128,
                                     255,
                                     256,
                                     181,
                                     32767,
                                     -32768,
                                     65535,
                                     46341,
                                     INT32_MAX,
                                     INT32_MIN,
                                     UINT32_MAX,
                                     3037000499,
                                     3037000500,
                                     4294967296,
                                     INT64_MAX,
                                     INT64_MIN,
                                     INT64_MAX / 2 + 1,
                                     INT64_MIN / 2};
    enum { COUNT = sizeof values / sizeof values[0] };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            check_i8(values[i], values[j]);
            check_u8(values[i], values[j]);
            check_i16(values[i], values[j]);
            check_u16(values[i], values[j]);
            check_i32(values[i], values[j]);
            check_u32(values[i], values[j]);
            check_i64(values[i], values[j]);
            check_u64(values[i], values[j]);
        }
        printf("%" PRId64 " %u %u %016" PRIx64 "\n", values[i], wrong, overflowed, digest);
    }
    uint64_t seed = 4;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        int64_t p = (int64_t)seed >> (seed & 63), q = (int64_t)(seed * 31) >> (seed >> 6 & 63);
        check_i32(p, q);
        check_u32(p, q);
        check_i64(p, q);
        check_u64(p, q);
    }
    printf("%u %u %016" PRIx64 "\n", wrong, overflowed, digest);
    printf("%d %d %d\n", saturating_add(INT32_MAX, 1), saturating_add(INT32_MIN, -1), saturating_add(-5, 3));
    static const char *const texts[] = {"0",
                                        "-0",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "12x",
                                        "99999999999999999999"};
    for (int i = 0; i < 8; i++) {
        int64_t n = -1;
        int ok = parse(texts[i], &n);
        printf("%s %d %" PRId64 "\n", texts[i], ok, ok ? n : 0);
    }
    int narrow;
    unsigned char byte;
    int64_t wide;
    volatile int64_t large = 1ll << 40;
    volatile unsigned minus = 5;
    printf("%d ", __builtin_add_overflow(large, large, &narrow));
    printf("%d ", __builtin_sub_overflow(minus, 6u, &wide)); /* infinitely precise: -1 fits */
    printf("%" PRId64 " ", wide);
    printf("%d ", __builtin_mul_overflow(minus, 60, &byte));
    printf("%d\n", byte);
    return wrong != 0;
}
