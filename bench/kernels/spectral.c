/* The largest singular value of an infinite matrix by power iteration: integer to double conversion and division.
 * kind: fp */
#include <math.h>
#include "kernel.h"

enum { REPS = 720, SIDE = 300 };

static double entry(int i, int j) {
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(const double *v, double *out, int transpose) {
    for (int i = 0; i < SIDE; i++) {
        double sum = 0;
        for (int j = 0; j < SIDE; j++) sum += (transpose ? entry(j, i) : entry(i, j)) * v[j];
        out[i] = sum;
    }
}

int main(int argc, char **argv) {
    double u[SIDE], v[SIDE], t[SIDE], uv = 0, vv = 0;
    long reps = kernel_reps(argc, argv, REPS);
    for (int i = 0; i < SIDE; i++) u[i] = 1;
    for (long rep = 0; rep < reps; rep++) {
        multiply(u, t, 0);
        multiply(t, v, 1);
        multiply(v, t, 0);
        multiply(t, u, 1);
        double scale = 1 / u[0]; /* or it would leave the range of doubles after some hundred rounds */
        for (int i = 0; i < SIDE; i++) u[i] *= scale, v[i] *= scale;
    }
    for (int i = 0; i < SIDE; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    printf("spectral %.9f\n", sqrt(uv / vv));
    return 0;
}
