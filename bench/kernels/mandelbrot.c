/* Escape times of the Mandelbrot set: a short loop of dependent double arithmetic and one compare.
 * Contraction is off because a fused multiply-add may change an escape time.
 * kind: fp
 * cflags: -ffp-contract=off */
#include "kernel.h"

enum { REPS = 33, WIDTH = 320, HEIGHT = 200, LIMIT = 150 };

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        double shift = (double)rep / 1024;
        for (int row = 0; row < HEIGHT; row++) {
            uint64_t sum = 0;
            for (int column = 0; column < WIDTH; column++) {
                double cr = column * 3.0 / WIDTH - 2 + shift, ci = row * 2.0 / HEIGHT - 1;
                double zr = 0, zi = 0, rr = 0, ii = 0;
                int n = 0;
                for (; n < LIMIT && rr + ii <= 4; n++) {
                    zi = 2 * zr * zi + ci;
                    zr = rr - ii + cr;
                    rr = zr * zr;
                    ii = zi * zi;
                }
                sum = sum * 3 + (uint64_t)n;
            }
            digest = digest_add(digest, sum);
        }
    }
    return digest_print("mandelbrot", digest);
}
