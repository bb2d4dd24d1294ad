/* LU decomposition with pivoting, determinants, inverses, QR by Householder, Jacobi eigenvalues, least squares,
 * conjugate gradients; exact rational elimination on Hilbert matrices in 128-bit integers. Results to ten digits. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { N = 24 };

static uint64_t seed = 8;

static double random_unit(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(int64_t)(seed >> 11) / 0x1p52 - 1;
}

static int lu(int n, double a[N][N], int order[N]) {
    int sign = 1;
    for (int i = 0; i < n; i++) order[i] = i;
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[best][k])) best = i;
        if (best != k) {
            double row[N];
            memcpy(row, a[k], sizeof row);
            memcpy(a[k], a[best], sizeof row);
            memcpy(a[best], row, sizeof row);
            int t = order[k];
            order[k] = order[best];
            order[best] = t;
            sign = -sign;
        }
        for (int i = k + 1; i < n; i++) {
            a[i][k] /= a[k][k];
            for (int j = k + 1; j < n; j++) a[i][j] -= a[i][k] * a[k][j];
        }
    }
    return sign;
}

static void solve(int n, double a[N][N], const int order[N], const double *b, double *x) {
    for (int i = 0; i < n; i++) {
        x[i] = b[order[i]];
        for (int j = 0; j < i; j++) x[i] -= a[i][j] * x[j];
    }
    for (int i = n; i-- > 0;) {
        for (int j = i + 1; j < n; j++) x[i] -= a[i][j] * x[j];
        x[i] /= a[i][i];
    }
}

static void jacobi(int n, double a[N][N], double *values) {
    for (int sweep = 0; sweep < 30; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                if (fabs(a[p][q]) < 1e-300) continue;
                double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]),
                       t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = a[k][p], y = a[k][q];
                    a[k][p] = c * x - s * y;
                    a[k][q] = s * x + c * y;
                }
                for (int k = 0; k < n; k++) {
                    double x = a[p][k], y = a[q][k];
                    a[p][k] = c * x - s * y;
                    a[q][k] = s * x + c * y;
                }
            }
    for (int i = 0; i < n; i++) values[i] = a[i][i];
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && values[j - 1] > values[j]; j--) {
            double t = values[j];
            values[j] = values[j - 1];
            values[j - 1] = t;
        }
}

static __int128 gcd(__int128 a, __int128 b) {
    while (b) {
        __int128 t = a % b;
        a = b;
        b = t;
    }
    return a < 0 ? -a : a;
}

struct fraction {
    __int128 p, q;
};

static struct fraction reduce(__int128 p, __int128 q) {
    __int128 g = gcd(p, q);
    if (q < 0) g = -g;
    return (struct fraction){p / g, q / g};
}

/* The determinant of the Hilbert matrix is 1 / an integer. */
static void hilbert(int n) {
    struct fraction a[6][6], det = {1, 1};
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) a[i][j] = (struct fraction){1, i + j + 1};
    for (int k = 0; k < n; k++) {
        det = reduce(det.p * a[k][k].p, det.q * a[k][k].q);
        for (int i = k + 1; i < n; i++) {
            struct fraction f = reduce(a[i][k].p * a[k][k].q, a[i][k].q * a[k][k].p);
            for (int j = k; j < n; j++) {
                struct fraction t = reduce(f.p * a[k][j].p, f.q * a[k][j].q);
                a[i][j] = reduce(a[i][j].p * t.q - t.p * a[i][j].q, a[i][j].q * t.q);
            }
        }
    }
    printf("1/%llu ", (unsigned long long)(det.q / det.p));
}

int main(void) {
    static double a[N][N], copy[N][N], b[N], x[N];
    int order[N];
    for (int n = 1; n <= N; n += 3) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) copy[i][j] = a[i][j] = random_unit() + (i == j ? 3 : 0);
            b[i] = random_unit();
        }
        double determinant = lu(n, a, order), residual = 0;
        for (int i = 0; i < n; i++) determinant *= a[i][i];
        solve(n, a, order, b, x);
        for (int i = 0; i < n; i++) {
            double r = -b[i];
            for (int j = 0; j < n; j++) r += copy[i][j] * x[j];
            residual = fmax(residual, fabs(r));
        }
        printf("%d: det %.10g x0 %.10g xn %.10g residual %d\n", n, determinant, x[0], x[n - 1], residual < 1e-12);
        double trace = 0; /* of the inverse */
        for (int k = 0; k < n; k++) {
            for (int i = 0; i < n; i++) b[i] = i == k;
            solve(n, a, order, b, x);
            trace += x[k];
        }
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) a[i][j] = (copy[i][j] + copy[j][i]) / 2;
        double values[N], sum = 0;
        jacobi(n, a, values);
        for (int i = 0; i < n; i++) sum += values[i] - copy[i][i];
        printf("   inverse trace %.10g eigenvalues %.10g .. %.10g sum %d\n", trace, values[0], values[n - 1],
               fabs(sum) < 1e-11);
    }
    enum { POINTS = 40, TERMS = 5 };
    double m[POINTS][TERMS], y[POINTS], w[TERMS];
    for (int i = 0; i < POINTS; i++) {
        double t = i / 10.0 - 2;
        y[i] = 1 - 2 * t + 0.5 * t * t * t + 0.01 * random_unit();
        for (int j = 0; j < TERMS; j++) m[i][j] = j ? m[i][j - 1] * t : 1;
    }
    for (int k = 0; k < TERMS; k++) { /* Householder */
        double norm = 0, dot;
        for (int i = k; i < POINTS; i++) norm += m[i][k] * m[i][k];
        norm = copysign(sqrt(norm), -m[k][k]);
        double v[POINTS] = {0}, length = 0;
        for (int i = k; i < POINTS; i++) v[i] = m[i][k] - (i == k ? norm : 0), length += v[i] * v[i];
        for (int j = k; j <= TERMS; j++) {
            dot = 0;
            for (int i = k; i < POINTS; i++) dot += v[i] * (j < TERMS ? m[i][j] : y[i]);
            for (int i = k; i < POINTS; i++) *(j < TERMS ? &m[i][j] : &y[i]) -= 2 * dot / length * v[i];
        }
    }
    for (int i = TERMS; i-- > 0;) {
        w[i] = y[i];
        for (int j = i + 1; j < TERMS; j++) w[i] -= m[i][j] * w[j];
        w[i] /= m[i][i];
    }
    for (int i = 0; i < TERMS; i++) printf("%.8g ", w[i]);
    putchar('\n');
    double u[100] = {0}, r[100], p[100], q[100], rr = 0; /* -u'' = 1, conjugate gradients */
    for (int i = 0; i < 100; i++) r[i] = p[i] = 1, rr += 1;
    int steps = 0;
    for (; steps < 200 && rr > 1e-20; steps++) {
        double pq = 0, next = 0;
        for (int i = 0; i < 100; i++) q[i] = 2 * p[i] - (i ? p[i - 1] : 0) - (i < 99 ? p[i + 1] : 0), pq += p[i] * q[i];
        for (int i = 0; i < 100; i++) u[i] += rr / pq * p[i], r[i] -= rr / pq * q[i], next += r[i] * r[i];
        for (int i = 0; i < 100; i++) p[i] = r[i] + next / rr * p[i];
        rr = next;
    }
    printf("%d steps %.8g %.8g\n", steps, u[0], u[50]);
    for (int n = 1; n <= 5; n++) hilbert(n);
    putchar('\n');
    return 0;
}
