/* Fast Fourier transforms of complex doubles, forwards and back, with the twiddle factors computed beforehand.
 * kind: fp */
#include <math.h>
#include "kernel.h"

enum { REPS = 860, BITS = 13, SIZE = 1 << BITS };

struct number {
    double re, im;
};

static struct number data[SIZE], twiddle[SIZE / 2];

static void transform(double sign) {
    for (unsigned i = 0, j = 0; i < SIZE; i++) {
        if (i < j) {
            struct number t = data[i];
            data[i] = data[j];
            data[j] = t;
        }
        unsigned bit = SIZE >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
    }
    for (int half = 1; half < SIZE; half *= 2)
        for (int start = 0; start < SIZE; start += 2 * half)
            for (int i = 0; i < half; i++) {
                struct number w = twiddle[i * (SIZE / 2 / half)], *p = &data[start + i], *q = p + half;
                double re = q->re * w.re - q->im * w.im * sign, im = q->re * w.im * sign + q->im * w.re;
                *q = (struct number){p->re - re, p->im - im};
                *p = (struct number){p->re + re, p->im + im};
            }
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 23;
    double power = 0, error = 0;
    for (int i = 0; i < SIZE / 2; i++) {
        double angle = 2 * 3.14159265358979323846 * i / SIZE;
        twiddle[i] = (struct number){cos(angle), sin(angle)};
    }
    for (long rep = 0; rep < reps; rep++) {
        uint64_t again = seed;
        for (int i = 0; i < SIZE; i++) data[i] = (struct number){(double)(random_next(&seed) >> 40) / 0x1p24, 0};
        transform(1);
        for (int i = 0; i < SIZE; i++) power += data[i].re * data[i].re + data[i].im * data[i].im;
        transform(-1);
        for (int i = 0; i < SIZE; i++)
            error = fmax(error, fabs(data[i].re / SIZE - (double)(random_next(&again) >> 40) / 0x1p24));
    }
    printf("fft %.8g %s\n", power, error < 1e-12 ? "exact" : "wrong");
    return 0;
}
