/* Numerical simulations printed exactly, because they use nothing but + - * / and sqrt: planets, Lorenz, a pendulum by
 * Taylor series, heat, the logistic map, Newton's method, Mandelbrot and Julia sets, a random walk. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

struct body {
    double p[3], v[3], mass;
};

static void planets(void) {
    struct body b[4] = {{{0, 0, 0}, {0, 0, 0}, 1000},
                        {{10, 0, 0}, {0, 10, 0}, 1},
                        {{0, 20, 1}, {-7, 0, 0.5}, 2},
                        {{-30, 0, 0}, {0, -5.5, 1}, 0.5}};
    for (int step = 0; step < 4000; step++) {
        for (int i = 0; i < 4; i++)
            for (int j = i + 1; j < 4; j++) {
                double d[3], square = 0;
                for (int k = 0; k < 3; k++) d[k] = b[i].p[k] - b[j].p[k], square += d[k] * d[k];
                double pull = 0.001 / (square * sqrt(square));
                for (int k = 0; k < 3; k++) b[i].v[k] -= d[k] * b[j].mass * pull, b[j].v[k] += d[k] * b[i].mass * pull;
            }
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 3; k++) b[i].p[k] += 0.001 * b[i].v[k];
        if (step % 1000 == 999) printf("%a %a %a %a\n", b[0].p[0], b[1].p[1], b[2].p[2], b[3].v[0]);
    }
}

static void lorenz(void) {
    double x = 1, y = 1, z = 1;
    for (int i = 1; i <= 5000; i++) {
        double dx = 10 * (y - x), dy = x * (28 - z) - y, dz = x * y - 8.0 / 3 * z;
        x += 0.005 * dx;
        y += 0.005 * dy;
        z += 0.005 * dz;
        if (i % 1000 == 0) printf("%a %a %a\n", x, y, z);
    }
}

static float sine(float x) { /* single precision, Taylor */
    float term = x, sum = x;
    for (int n = 1; n < 12; n++) {
        term *= -x * x / (float)((2 * n) * (2 * n + 1));
        sum += term;
    }
    return sum;
}

static void pendulum(void) {
    float angle = 1.5f, speed = 0;
    for (int i = 1; i <= 2000; i++) {
        speed -= 0.01f * 9.81f * sine(angle);
        angle += 0.01f * speed;
        if (i % 400 == 0) printf("%a %a\n", (double)angle, (double)speed);
    }
}

static void heat(void) {
    static double a[2][40][40];
    int now = 0;
    for (int i = 0; i < 40; i++) a[0][0][i] = a[1][0][i] = 100, a[0][i][39] = a[1][i][39] = i;
    for (int step = 0; step < 150; step++, now ^= 1)
        for (int i = 1; i < 39; i++)
            for (int j = 1; j < 39; j++)
                a[now ^ 1][i][j] = (a[now][i - 1][j] + a[now][i + 1][j] + a[now][i][j - 1] + a[now][i][j + 1]) / 4;
    for (int i = 0; i < 40; i += 6) printf("%a %a\n", a[now][i][20], a[now][20][i]);
}

static int escape(double zr, double zi, double cr, double ci, int limit) {
    int n = 0;
    for (; n < limit && zr * zr + zi * zi <= 4; n++) {
        double t = zr * zr - zi * zi + cr;
        zi = 2 * zr * zi + ci;
        zr = t;
    }
    return n;
}

static void sets(void) {
    for (int row = 0; row < 24; row++) {
        for (int column = 0; column < 72; column++) {
            int n = escape(0, 0, column / 24.0 - 2.1, row / 10.0 - 1.2, 60),
                m = escape(column / 20.0 - 1.8, row / 10.0 - 1.2, -0.8, 0.156, 60);
            putchar(n == 60 ? '#' : n < 4 ? ' ' : (m & 1 ? '.' : ':'));
        }
        putchar('\n');
    }
    uint64_t sum = 0;
    for (int row = 0; row < 100; row++)
        for (int column = 0; column < 100; column++)
            sum = sum * 3 + (uint64_t)escape(0, 0, -0.75 + column * 1e-4, 0.1 + row * 1e-4, 100);
    printf("%016lx\n", sum);
}

int main(void) {
    planets();
    lorenz();
    pendulum();
    heat();
    sets();
    double x = 0.3;
    for (int i = 1; i <= 1000; i++) {
        x = 3.9 * x * (1 - x);
        if (i % 200 == 0) printf("%a ", x);
    }
    putchar('\n');
    for (int n = 2; n < 12; n++) { /* n-th root of 2 */
        double r = 1;
        for (int i = 0; i < 60; i++) {
            double p = 1;
            for (int k = 1; k < n; k++) p *= r;
            r -= (p * r - 2) / (n * p);
        }
        printf("%a ", r);
    }
    putchar('\n');
    uint64_t seed = 1;
    double walk[2] = {0, 0}, farthest = 0;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        walk[seed >> 63] += (double)(int64_t)(seed << 1) / 0x1p63;
        farthest = fmax(farthest, walk[0] * walk[0] + walk[1] * walk[1]);
    }
    printf("%a %a %a\n", walk[0], walk[1], sqrt(farthest));
    double inside = 0, integral = 0;
    for (int i = 0; i < 10000; i++) {
        double t = (i + 0.5) / 10000;
        integral += 4 / (1 + t * t) / 10000;
        inside += sqrt(1 - t * t);
    }
    printf("%a %a\n", integral, inside / 2500);
    return 0;
}
