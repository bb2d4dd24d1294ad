/* All solutions of N queens by bit sets and recursion: calls with branches and bit arithmetic in between.
 * kind: calls */
#include "kernel.h"

enum { REPS = 40 };

static uint64_t place(unsigned all, unsigned columns, unsigned left, unsigned right) {
    if (columns == all) return 1;
    uint64_t found = 0;
    for (unsigned open = all & ~(columns | left | right); open;) {
        unsigned bit = open & -open;
        open ^= bit;
        found += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return found;
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long i = 0; i < reps; i++)
        for (unsigned n = 4; n <= 12; n++) digest = digest_add(digest, place((1u << n) - 1, 0, 0, 0) + (uint64_t)i);
    return digest_print("queens", digest);
}
