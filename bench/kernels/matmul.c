/* Product of dense double matrices, plain and with the inner loops exchanged.
 * kind: fp */
#include "kernel.h"

enum { REPS = 52, SIDE = 200 };

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static void multiply_dot(void) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;
            for (int k = 0; k < SIDE; k++) sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
}

static void multiply_rows(void) {
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) c[i][j] = 0;
        for (int k = 0; k < SIDE; k++) {
            double scale = a[i][k];
            for (int j = 0; j < SIDE; j++) c[i][j] += scale * b[k][j];
        }
    }
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 17;
    double trace = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        a[i / SIDE][i % SIDE] = (double)(random_next(&seed) >> 11) / 0x1p53;
        b[i / SIDE][i % SIDE] = (double)(random_next(&seed) >> 11) / 0x1p53;
    }
    for (long rep = 0; rep < reps; rep++) {
        if (rep & 1)
            multiply_rows();
        else
            multiply_dot();
        for (int i = 0; i < SIDE; i++) trace += c[i][(i + rep) % SIDE];
        a[rep % SIDE][0] += 0.5;
    }
    printf("matmul %.8g\n", trace);
    return 0;
}
