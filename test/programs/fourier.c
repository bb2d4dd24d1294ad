/* Fourier transforms: radix 2, any length by Bluestein, against the sum; number-theoretic transform in integers; DCT;
 * convolution. Doubles are printed to few digits, integers exactly. */
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1024, MODULUS = 998244353 };

typedef double complex number;

static void fft(number *x, unsigned n, int sign) {
    for (unsigned i = 1, j = 0; i < n; i++) {
        unsigned bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j |= bit;
        if (i < j) {
            number t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (unsigned size = 2; size <= n; size *= 2)
        for (unsigned start = 0; start < n; start += size)
            for (unsigned k = 0; k < size / 2; k++) {
                double angle = sign * 2 * M_PI * k / size;
                number w = cos(angle) + I * sin(angle), a = x[start + k], b = x[start + k + size / 2] * w;
                x[start + k] = a + b;
                x[start + k + size / 2] = a - b;
            }
}

static void slow(const number *x, number *out, unsigned n) {
    for (unsigned k = 0; k < n; k++) {
        out[k] = 0;
        for (unsigned i = 0; i < n; i++) {
            double angle = -2 * M_PI * (double)(i * k % n) / n;
            out[k] += x[i] * (cos(angle) + I * sin(angle));
        }
    }
}

static void bluestein(const number *x, number *out, unsigned n) {
    static number a[MOST], b[MOST];
    unsigned m = 1;
    while (m < 2 * n) m *= 2;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    for (unsigned i = 0; i < n; i++) {
        double angle = M_PI * (double)(i * i % (2 * n)) / n;
        number chirp = cos(angle) + I * sin(angle);
        a[i] = x[i] * conj(chirp);
        b[i] = b[(m - i) % m] = chirp;
    }
    fft(a, m, -1);
    fft(b, m, -1);
    for (unsigned i = 0; i < m; i++) a[i] *= b[i];
    fft(a, m, 1);
    for (unsigned i = 0; i < n; i++) {
        double angle = M_PI * (double)(i * i % (2 * n)) / n;
        out[i] = a[i] / m * (cos(angle) - I * sin(angle));
    }
}

static uint64_t power(uint64_t b, uint64_t e) {
    uint64_t r = 1;
    for (; e; e >>= 1, b = b * b % MODULUS)
        if (e & 1) r = r * b % MODULUS;
    return r;
}

static void ntt(uint32_t *x, unsigned n, int inverse) {
    for (unsigned i = 1, j = 0; i < n; i++) {
        unsigned bit = n >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j |= bit;
        if (i < j) {
            uint32_t t = x[i];
            x[i] = x[j];
            x[j] = t;
        }
    }
    for (unsigned size = 2; size <= n; size *= 2) {
        uint64_t root = power(3, (MODULUS - 1) / size);
        if (inverse) root = power(root, MODULUS - 2);
        for (unsigned start = 0; start < n; start += size) {
            uint64_t w = 1;
            for (unsigned k = 0; k < size / 2; k++, w = w * root % MODULUS) {
                uint32_t a = x[start + k], b = (uint32_t)(x[start + k + size / 2] * w % MODULUS);
                x[start + k] = (a + b) % MODULUS;
                x[start + k + size / 2] = (a + MODULUS - b) % MODULUS;
            }
        }
    }
    if (inverse) {
        uint64_t scale = power(n, MODULUS - 2);
        for (unsigned i = 0; i < n; i++) x[i] = (uint32_t)(x[i] * scale % MODULUS);
    }
}

int main(void) {
    static number x[MOST], y[MOST], z[MOST];
    uint32_t seed = 2;
    for (unsigned n = 1; n <= 256; n *= 2) {
        for (unsigned i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            x[i] = y[i] = (seed >> 16) / 65536.0 + I * ((seed & 0xffff) / 65536.0);
        }
        fft(y, n, -1);
        slow(x, z, n);
        double error = 0, power_sum = 0;
        for (unsigned i = 0; i < n; i++) {
            error = fmax(error, cabs(y[i] - z[i]));
            power_sum += creal(y[i] * conj(y[i]));
        }
        fft(y, n, 1);
        double back = 0;
        for (unsigned i = 0; i < n; i++) back = fmax(back, cabs(y[i] / n - x[i]));
        printf("%u: %d %d %.8g\n", n, error < 1e-10, back < 1e-13, power_sum);
    }
    for (unsigned n = 3; n < 200; n += 28) {
        for (unsigned i = 0; i < n; i++) x[i] = i % 7 - 3.0 + I * (i * i % 5);
        bluestein(x, y, n);
        slow(x, z, n);
        double error = 0;
        for (unsigned i = 0; i < n; i++) error = fmax(error, cabs(y[i] - z[i]));
        printf("%u: %d %.6f %.6f\n", n, error < 1e-9, fabs(creal(z[1])), fabs(cimag(z[n / 2])));
    }
    static uint32_t p[MOST], q[MOST];
    for (unsigned n = 4; n <= MOST; n *= 4) {
        uint64_t direct[MOST] = {0}, digest = 1;
        memset(p, 0, sizeof p);
        memset(q, 0, sizeof q);
        for (unsigned i = 0; i < n / 2; i++) {
            p[i] = (seed = seed * 1664525 + 1013904223) >> 20;
            q[i] = (seed = seed * 1664525 + 1013904223) >> 18;
        }
        for (unsigned i = 0; i < n / 2; i++)
            for (unsigned j = 0; j < n / 2; j++) direct[i + j] = (direct[i + j] + (uint64_t)p[i] * q[j]) % MODULUS;
        ntt(p, n, 0);
        ntt(q, n, 0);
        for (unsigned i = 0; i < n; i++) p[i] = (uint32_t)((uint64_t)p[i] * q[i] % MODULUS);
        ntt(p, n, 1);
        unsigned wrong = 0;
        for (unsigned i = 0; i < n; i++) {
            wrong += p[i] != direct[i];
            digest = digest * 31 + p[i];
        }
        printf("%u: wrong %u %016lx\n", n, wrong, digest);
    }
    double dct[64], pixels[64];
    for (int i = 0; i < 64; i++) pixels[i] = i * i % 23 + (i / 8) * 3;
    for (int u = 0; u < 8; u++)
        for (int v = 0; v < 8; v++) {
            double sum = 0;
            for (int i = 0; i < 8; i++)
                for (int j = 0; j < 8; j++)
                    sum += pixels[i * 8 + j] * cos((2 * i + 1) * u * M_PI / 16) * cos((2 * j + 1) * v * M_PI / 16);
            dct[u * 8 + v] = sum * (u ? 1 : M_SQRT1_2) * (v ? 1 : M_SQRT1_2) / 4;
        }
    for (int i = 0; i < 64; i++) printf("%ld%c", lrint(dct[i] * 8 + 0.01), i % 8 == 7 ? '\n' : ' ');
    return 0;
}
