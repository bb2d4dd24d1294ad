/* 128-bit integers: arithmetic against 64-bit halves computed by hand, division, shifts, comparison, conversion,
 * decimal. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

static uint64_t seed = 99;

static uint64_t random_next(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    uint64_t x = seed ^ seed >> 33;
    return seed >> 62 ? x : x >> (seed >> 10 & 63);
}

static u128 make(uint64_t high, uint64_t low) {
    return (u128)high << 64 | low;
}

static void print_decimal(u128 n) {
    char text[48], *p = text + sizeof text;
    *--p = 0;
    do *--p = (char)('0' + (int)(n % 10));
    while (n /= 10);
    printf("%s ", p);
}

static void print_signed(i128 n) {
    if (n < 0) putchar('-');
    print_decimal(n < 0 ? -(u128)n : (u128)n);
}

static u128 multiply_by_hand(u128 a, u128 b) {
    u128 result = 0;
    for (int i = 0; i < 4; i++)
        for (int j = 0; i + j < 4; j++) {
            uint64_t x = (uint64_t)(a >> 32 * i) & 0xffffffff, y = (uint64_t)(b >> 32 * j) & 0xffffffff;
            result += (u128)(x * y) << 32 * (i + j);
        }
    return result;
}

static u128 divide_by_hand(u128 a, u128 b, u128 *rest) {
    u128 quotient = 0, r = 0;
    for (int i = 127; i >= 0; i--) {
        int carry = (int)(r >> 127);
        r = r << 1 | (a >> i & 1);
        if (carry || r >= b) {
            r -= b;
            quotient |= (u128)1 << i;
        }
    }
    *rest = r;
    return quotient;
}

int main(void) {
    unsigned wrong = 0;
    for (int i = 0; i < 1500; i++) {
        volatile uint64_t p = random_next(), q = random_next(), r = random_next(), s = random_next();
        u128 a = make(p, q), b = make(r, s), rest;
        wrong += a * b != multiply_by_hand(a, b);
        u128 sum = a + b;
        wrong += (uint64_t)sum != q + s || (uint64_t)(sum >> 64) != p + r + (q + s < q);
        u128 difference = a - b;
        wrong += (uint64_t)(difference >> 64) != p - r - (q < s);
        if (b) {
            u128 quotient = divide_by_hand(a, b, &rest);
            wrong += a / b != quotient || a % b != rest;
            i128 x = (i128)a, y = (i128)b;
            if (!(y == -1 && a == make(1ull << 63, 0)))
                wrong += x / y * y + x % y != x || ((x % y < 0) != (x < 0) && x % y != 0);
        }
        int shift = (int)(s & 127);
        u128 left = a << shift, right = a >> shift;
        i128 arithmetic = (i128)a >> shift;
        uint64_t expected = shift >= 64 ? 0 : p >> shift;
        wrong += (uint64_t)(right >> 64) != expected;
        wrong += shift && (left >> shift) != (a & ((u128)-1 >> shift));
        wrong += ((arithmetic < 0) != ((int64_t)p < 0));
        wrong += (a < b) != (p < r || (p == r && q < s));
        wrong += ((i128)a < (i128)b) != ((int64_t)p < (int64_t)r || (p == r && q < s));
        if (i % 100 == 0) {
            print_decimal(a);
            print_signed((i128)b);
            print_decimal(left);
            print_signed(arithmetic);
            printf("%.15g %.15g %.7g\n", (double)a, (double)(i128)b, (double)(float)a);
        }
    }
    printf("wrong %u\n", wrong);
    u128 factorial = 1;
    for (int i = 1; i <= 34; i++) factorial *= (unsigned)i;
    print_decimal(factorial);
    u128 a = 0, b = 1;
    for (int i = 0; i < 186; i++) {
        u128 t = a + b;
        a = b;
        b = t;
    }
    print_decimal(a);
    print_signed((i128)((u128)1 << 127));
    print_decimal(~(u128)0);
    u128 g = factorial, h = a;
    while (h) {
        u128 t = g % h;
        g = h;
        h = t;
    }
    print_decimal(g);
    volatile double d = 1.5e30, negative = -7.9e35;
    print_decimal((u128)d);
    print_signed((i128)negative);
    i128 big;
    volatile int64_t left = INT64_MAX;
    int over = __builtin_mul_overflow((i128)left * left, (i128)4, &big);
    int under = __builtin_add_overflow((i128)left, (i128)1, &big);
    printf("%d %d ", over, under);
    print_signed(big);
    u128 power = 1, base = 3, modulus = make(0x123456789, 0xabcdef0123456789);
    for (unsigned e = 1000; e; e >>= 1) { /* products of 128 bits by shift and add */
        if (e & 1) {
            u128 product = 0;
            for (u128 x = power, y = base; y; y >>= 1, x = x * 2 % modulus)
                if (y & 1) product = (product + x) % modulus;
            power = product;
        }
        u128 square = 0;
        for (u128 x = base, y = base; y; y >>= 1, x = x * 2 % modulus)
            if (y & 1) square = (square + x) % modulus;
        base = square;
    }
    print_decimal(power);
    putchar('\n');
    return wrong != 0;
}
