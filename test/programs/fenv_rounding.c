/* The four rounding modes: arithmetic, square root, fma, conversions, rint; the mode survives calls and is restored. */
/* cflags: -frounding-math */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
static const char *const names[] = {"near", "down", "up", "zero"};

static uint64_t digest = 1;

static void add(double x) {
    uint64_t bits;
    if (isnan(x)) x = 12345; /* the sign of a NaN differs between machines */
    memcpy(&bits, &x, 8);
    digest = (digest ^ bits) * 0x9e3779b97f4a7c15ull;
    digest ^= digest >> 32;
}

static void grid(void) {
    static const double values[] = {1.0,    -1.0, 3.0,   0.1,       -0.1,
                                    7.7,    1e16, -1e16, 0x1p-1074, 0x1.fffffffffffffp1023,
                                    1e-310, 2.5,  -2.5,  1.0000001, 123456789.125};
    enum { COUNT = sizeof values / sizeof values[0] };
    for (int i = 0; i < COUNT; i++) {
        volatile double a = values[i];
        for (int j = 0; j < COUNT; j++) {
            volatile double b = values[j], c = values[(i + j) % COUNT];
            add(a + b);
            add(a - b);
            add(a * b);
            add(a / b);
            add(fma(a, b, c));
            volatile float f = (float)a, g = (float)b;
            add((double)(f + g));
            add((double)(f * g));
            add((double)(f / g));
            add((double)fmaf(f, g, (float)c));
        }
        add(sqrt(fabs(a)));
        add((double)sqrtf((float)fabs(a)));
        add(rint(a));
        add(nearbyint(a));
        add((double)(float)a);
        if (fabs(a) < 1e18) {
            add((double)llrint(a));
            add((double)(int64_t)a); /* truncates in every mode */
        }
        volatile int64_t big = INT64_MAX - i * 12345, small = -big / 3;
        volatile uint64_t huge = UINT64_MAX - (uint64_t)i * 999;
        add((double)big);
        add((double)small);
        add((double)huge);
        add((double)(float)big);
        add((double)(float)(int32_t)big);
    }
}

int main(void) {
    volatile double one = 1, three = 3, tenth = 0.1;
    for (int i = 0; i < 4; i++) {
        int set = fesetround(modes[i]);
        int got = fegetround();
        double third = one / three, negative = -one / three, sum = tenth + 0.2, root = sqrt(three),
               fused = fma(tenth, tenth, -0.01);
        float narrow = (float)tenth;
        double near_half = rint(2.5 * one), minus_half = rint(-2.5 * one), positive = rint(0.3 * one);
        long converted = lrint(1.7 * one), negative_converted = lrint(-1.7 * one);
        double zero = one - one;
        grid();
        fesetround(FE_TONEAREST);
        printf("%s %d %d: %a %a %a %a %a %a | %g %g %g %ld %ld %d %016lx\n", names[i], set, got == modes[i], third,
               negative, sum, root, fused, (double)narrow, near_half, minus_half, positive, converted,
               negative_converted, signbit(zero) != 0, digest);
    }
    printf("%d\n", fesetround(12345) != 0);
    jmp_buf back;
    fesetround(FE_UPWARD);
    if (setjmp(back) == 0) {
        fesetround(FE_DOWNWARD);
        longjmp(back, 1); /* does not restore the mode */
    }
    double down = one / three;
    fesetround(FE_TONEAREST);
    printf("%a\n", down);
    for (int i = 0; i < 4; i++) { /* the digits that printf and strtod produce follow the mode */
        fesetround(modes[i]);
        char text[64];
        snprintf(text, sizeof text, "%.3f %.0f %.2e", 0.0625 + 1e-9 * one, 2.5 * one, -1.255 * one);
        fesetround(FE_TONEAREST);
        puts(text);
    }
    fenv_t environment;
    fesetround(FE_TOWARDZERO);
    fegetenv(&environment);
    fesetround(FE_UPWARD);
    fesetenv(&environment);
    printf("%d ", fegetround() == FE_TOWARDZERO);
    fesetenv(FE_DFL_ENV);
    printf("%d\n", fegetround() == FE_TONEAREST);
    return 0;
}
