/* A signal at any moment leaves registers, flags and rounding mode of the interrupted code alone, however much the
 * handler uses them: loops of integer and floating-point work under a fast timer give the results they give in peace.
 */
/* cflags: -frounding-math */
#include <fenv.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static volatile sig_atomic_t ticks;
static volatile double sink;
static volatile uint64_t integer_sink;

static void handler(int s) {
    double a = 1.5, b = 2.5, c = 3.5, d = 4.5;
    uint64_t x = (uint64_t)s, y = 3, z = 7, w = 11;
    for (int i = 0; i < 50; i++) {
        a = a * b + c, b = b / d - a, c = sqrt(c * c + 1), d = d + a * 1e-9;
        x = x * y + z, y = y ^ x >> 3, z = z / (w | 1) + y, w = w * 31 + z % 17;
    }
    sink = a + b + c + d;
    integer_sink = x + y + z + w;
    fesetround(FE_DOWNWARD); /* a handler may leave anything behind */
    feraiseexcept(FE_DIVBYZERO | FE_INVALID);
    ticks++;
}

__attribute__((noinline)) static uint64_t integers(int n) {
    uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8;
    for (int i = 0; i < n; i++) {
        a = a * 3 + b, b = b ^ c << 5, c = c + d / 3, d = d * e >> 2, e = e - f, f = f + (g & 0xff),
        g = g * 7 + (h >> 9), h = h ^ a;
        if (a & 16) b += (uint32_t)c;
        if ((int64_t)e < 0) d = ~d;
    }
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
}

__attribute__((noinline)) static double floats(int n) {
    volatile double third = 3;
    double a = 1, b = 2, c = 3, d = 4, e = 0, f = 1 / third;
    float g = 1.5f, h = 0.25f;
    for (int i = 0; i < n; i++) {
        a = a * 0.999 + b * 0.001, b = b + 1 / (c + i), c = sqrt(a * a + b), d = d - a / 7, e += f * d,
        g = g * 0.5f + h, h = h + 1.0f / (float)(i + 3);
    }
    return a + b + c + d + e + (double)(g + h);
}

__attribute__((noinline)) static double up(int n) {
    volatile double one = 1, three = 3;
    double sum = 0;
    for (int i = 0; i < n; i++) sum += one / (three + i);
    return sum;
}

__attribute__((noinline)) static uint64_t memory(int n) {
    static uint32_t table[4096];
    uint64_t sum = 0;
    memset(table, 0, sizeof table);
    for (int i = 0; i < n; i++) {
        uint32_t at = (uint32_t)i * 2654435761u >> 20;
        table[at] += (uint32_t)i;
        sum += table[(at * 5 + 1) & 4095];
    }
    return sum;
}

static int compare(const void *a, const void *b) {
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static uint64_t library(int n) {
    static int v[3000];
    uint64_t sum = 0;
    char text[64];
    for (int i = 0; i < 3000; i++) v[i] = (int)((unsigned)(i + n) * 2654435761u >> 4);
    qsort(v, 3000, sizeof v[0], compare);
    for (int i = 0; i < 3000; i += 50) {
        snprintf(text, sizeof text, "%d %.6f", v[i], v[i] / 7.0);
        for (char *p = text; *p; p++) sum = sum * 31 + (unsigned char)*p;
    }
    return sum;
}

static void timer(long microseconds) {
    struct itimerval t = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &t, NULL);
}

int main(void) {
    signal(SIGALRM, handler);
    enum { N = 30000, ROUNDS = 10 };
    uint64_t i0 = integers(N), m0 = memory(N), l0 = library(1);
    double f0 = floats(N);
    fesetround(FE_UPWARD);
    double u0 = up(N);
    fesetround(FE_TONEAREST);
    int wrong = 0;
    for (int round = 0; round < 200 && (round < ROUNDS || ticks < 20); round++) {
        timer(300);
        wrong += integers(N) != i0;
        wrong += floats(N) != f0;
        wrong += memory(N) != m0;
        wrong += library(1) != l0;
        feclearexcept(FE_ALL_EXCEPT);
        fesetround(FE_UPWARD);
        double u = up(N);
        int mode = fegetround(), flags = fetestexcept(FE_ALL_EXCEPT);
        fesetround(FE_TONEAREST);
        timer(0);
        wrong += u != u0 || mode != FE_UPWARD || flags != FE_INEXACT;
    }
    printf("%016lx %a %016lx %016lx %a\n", i0, f0, m0, l0, u0);
    printf("wrong %d, enough ticks %d\n", wrong, ticks >= 20);
    return wrong != 0;
}
