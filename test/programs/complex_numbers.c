/* Complex arithmetic to the bit where it is made of + - * /, annex G products with infinities, polar forms, polynomial
 * roots, Gaussian integers, quaternions. */
#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

typedef double complex number;

/* re + im * I would turn infinities into NaNs. */
static number pair(double re, double im) {
    union {
        double parts[2];
        number whole;
    } z = {{re, im}};
    return z.whole;
}

static double clean(double x) {
    return fabs(x) < 1e-7 ? 0 : x;
}

__attribute__((noinline)) static number times(number a, number b) {
    return a * b;
}
__attribute__((noinline)) static number over(number a, number b) {
    return a / b;
}
__attribute__((noinline)) static float complex times_float(float complex a, float complex b) {
    return a * b;
}

static void show(number z) {
    printf("%a%+ai ", creal(z), cimag(z));
}

static int64_t norm(int64_t a, int64_t b) {
    return a * a + b * b;
}

struct quaternion {
    double w, x, y, z;
};

static struct quaternion turn(struct quaternion a, struct quaternion b) {
    return (struct quaternion){
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

int main(void) {
    static const double parts[] = {0, 1, -1, 0.5, -2.25, 3, 1e10, -1e-10};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j += 3) {
            number a = pair(parts[i], parts[j]), b = pair(parts[(i + j) % 8], parts[(i * 3 + 1) % 8]);
            show(a + b), show(a - b), show(times(a, b)), show(conj(a)), show(-a), show(a * 2.5), show(b / 4);
            float complex f = times_float((float complex)a, (float complex)b);
            show(f);
            printf("%d %d\n", a == b, creal(a) == creal(b));
        }
    for (int i = 1; i < 8; i++) /* division is not the same formula everywhere: ten digits */
        for (int j = 1; j < 8; j += 2) {
            number q = over(pair(parts[i], parts[7 - i]), pair(parts[j], parts[(j + 2) % 7]));
            printf("%.10g%+.10gi ", clean(creal(q)), clean(cimag(q)));
        }
    putchar('\n');
    number infinite = pair(INFINITY, 1), product = times(infinite, pair(2, 3)), quotient = over(pair(1, 1), infinite),
           zero = over(pair(1, 2), pair(0, 0));
    printf("%d %d %d\n", isinf(creal(product)) || isinf(cimag(product)), creal(quotient) == 0 && cimag(quotient) == 0,
           isinf(creal(zero)) || isinf(cimag(zero)));
    printf("%d %d\n", isinf(creal(cproj(pair(NAN, INFINITY)))) != 0, cimag(cproj(pair(1, -2))) == -2);
    for (int n = 3; n < 9; n++) { /* the roots of z^n = 1 by Durand and Kerner */
        number roots[8], sum = 0, all = 1;
        for (int i = 0; i < n; i++) roots[i] = i ? roots[i - 1] * (0.4 + 0.9 * I) : 1;
        for (int turn_count = 0; turn_count < 200; turn_count++)
            for (int i = 0; i < n; i++) {
                number p = 1, q = 1;
                for (int k = 0; k < n; k++) p *= roots[i];
                for (int k = 0; k < n; k++)
                    if (k != i) q *= roots[i] - roots[k];
                roots[i] -= (p - 1) / q;
            }
        double worst = 0;
        for (int i = 0; i < n; i++) {
            sum += roots[i];
            all *= roots[i];
            worst = fmax(worst, fabs(cabs(roots[i]) - 1));
        }
        printf("%d: %d %d %.6f\n", n, cabs(sum) < 1e-12, worst < 1e-12, creal(all));
    }
    for (double angle = 0; angle < 6.3; angle += 0.7) {
        number z = 2 * cexp(I * angle), w = clog(z);
        printf("%.10g %.10g %.10g %.10g; ", cabs(z), carg(z), clean(creal(w)), clean(creal(cpow(z, 2))));
    }
    putchar('\n');
    int gaussian_primes = 0;
    for (int64_t a = 0; a < 40; a++)
        for (int64_t b = 0; b < 40; b++) {
            int64_t n = norm(a, b);
            if (n < 2) continue;
            int prime = 1;
            for (int64_t c = 0; c * c <= n && prime; c++)
                for (int64_t d = 0; d * d <= n && prime; d++) {
                    int64_t m = norm(c, d);
                    if (m < 2 || m >= n || n % m) continue;
                    if ((a * c + b * d) % m == 0 && (b * c - a * d) % m == 0) prime = 0;
                }
            gaussian_primes += prime;
        }
    printf("%d gaussian primes\n", gaussian_primes);
    struct quaternion q = {0.5, 0.5, 0.5, 0.5}, r = {0.6, 0, 0.8, 0}, p = {1, 0, 0, 0};
    for (int i = 0; i < 100; i++) {
        p = turn(p, i % 3 ? q : r);
        if (i % 20 == 19) printf("%a %a %a %a\n", p.w, p.x, p.y, p.z);
    }
    return 0;
}
