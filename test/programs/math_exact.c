/* Operations whose result IEEE 754 fixes to the bit: + - * / sqrt fma fmin fmax, rounding to integers, decomposition,
 * comparisons, conversions; over a grid of special and random operands, single and double. NaNs are printed without
 * sign or payload, because those differ between machines. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const double special[] = {0.0,
                                 -0.0,
                                 1.0,
                                 -1.0,
                                 0.5,
                                 1.5,
                                 2.5,
                                 -2.5,
                                 3.0,
                                 10.0,
                                 0.1,
                                 1.0 / 3,
                                 1e300,
                                 -1e300,
                                 1e-300,
                                 0x1p-1074,
                                 -0x1p-1074,
                                 0x1p-1022,
                                 0x1.fffffffffffffp-1023,
                                 0x1.fffffffffffffp1023,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 4503599627370495.5,
                                 9007199254740993.0,
                                 0x1.0000000000001p0,
                                 0x1.fffffffffffffp-1,
                                 2147483647.5,
                                 -2147483648.5,
                                 1e19};
enum { SPECIAL = sizeof special / sizeof special[0] };

static uint64_t digest = 1;

static void add(double x) {
    uint64_t bits;
    if (isnan(x)) x = 0, digest += 12345;
    memcpy(&bits, &x, 8);
    digest = (digest ^ bits) * 0x9e3779b97f4a7c15ull;
    digest ^= digest >> 32;
}

static void show(const char *what, double x) {
    add(x);
    if (isnan(x))
        printf("%s nan ", what);
    else
        printf("%s %a ", what, x);
}

static uint64_t seed = 77;

static double random_double(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    uint64_t bits = seed ^ seed >> 29;
    if (seed & 4) bits = (bits & ~(0x7ffull << 52)) | (uint64_t)(1023 + (seed >> 40 & 31) - 16) << 52; /* near 1 */
    double x;
    memcpy(&x, &bits, 8);
    return isnan(x) ? 1.0 : x;
}

static void binary(volatile double a, volatile double b) {
    add(a + b);
    add(a - b);
    add(a * b);
    add(a / b);
    if (isfinite(a) && isfinite(b) && b != 0 && fabs(a) < 1e18 * fabs(b)) add(fmod(a, b));
    if (isfinite(a) && isfinite(b) && b != 0) add(remainder(a, b));
    if (a != 0 || b != 0) { /* which zero fmin and fmax return is free */
        add(fmin(a, b));
        add(fmax(a, b));
    }
    add(fdim(a, b));
    add(copysign(a, b));
    add(nextafter(a, b));
    add((a < b) + 2 * (a <= b) + 4 * (a == b) + 8 * (a != b) + 16 * isunordered(a, b) + 32 * islessgreater(a, b));
    volatile float f = (float)a, g = (float)b;
    add((double)(f + g));
    add((double)(f - g));
    add((double)(f * g));
    add((double)(f / g));
    add((double)fmaf(f, g, f));
    add((double)nextafterf(f, g));
}

static void unary(volatile double x) {
    static double (*const rounders[])(double) = {floor, ceil, trunc, round, rint, nearbyint, sqrt, fabs, logb};
    for (size_t i = 0; i < sizeof rounders / sizeof rounders[0]; i++) add(rounders[i](x));
    static float (*const single[])(float) = {floorf, ceilf, truncf, roundf, rintf, nearbyintf, sqrtf, fabsf};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) add((double)single[i]((float)x));
    if (isfinite(x)) {
        int e;
        double whole;
        add(frexp(x, &e));
        add(x != 0 ? e : 0);
        add(modf(x, &whole));
        add(whole);
        add(scalbn(x, 70));
        add(scalbn(x, -1060));
        add(ldexp(x, 3));
    }
    if (fabs(x) < 9e18) {
        add((double)(int64_t)x);
        add((double)llrint(x));
        add((double)llround(x));
        if (x > -1) add((double)(uint64_t)x);
    }
    if (fabs(x) < 2e9) {
        add((int32_t)x);
        if (x > -1) add((uint32_t)x);
    }
    add(fpclassify(x) + 16 * (signbit(x) != 0 && !isnan(x)));
    add((double)(float)x);
}

int main(void) {
    for (int i = 0; i < SPECIAL; i++) {
        printf("%a: ", isnan(special[i]) ? 0 : special[i]);
        volatile double x = special[i];
        show("sqrt", sqrt(x));
        show("rint", rint(x));
        show("round", round(x));
        show("floor", floor(x));
        show("single", (double)(float)x);
        show("third", x / 3);
        show("square", x * x);
        show("fma", fma(x, x, -x));
        putchar('\n');
        unary(x);
        for (int j = 0; j < SPECIAL; j++) {
            binary(special[i], special[j]);
            for (int k = 0; k < SPECIAL; k++) add(fma(special[i], special[j], special[k]));
        }
    }
    printf("%016lx\n", digest);
    for (int i = 0; i < 4000; i++) {
        double a = random_double(), b = random_double();
        binary(a, b);
        unary(a);
        add(fma(a, b, random_double()));
        add(fma(a, b, -a * b));
        if (i % 400 == 0) printf("%d %016lx\n", i, digest);
    }
    printf("%016lx\n", digest);
    return 0;
}
