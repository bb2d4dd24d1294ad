/* Lengths of Collatz sequences: a short loop with an unpredictable branch.
 * kind: int */
#include "kernel.h"

enum { REPS = 20, SPAN = 60000 };

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        uint64_t best = 0, best_start = 0, total = 0;
        for (uint64_t start = 1 + (uint64_t)rep * SPAN; start <= (uint64_t)(rep + 1) * SPAN; start++) {
            uint64_t length = 0;
            for (uint64_t n = start; n != 1; length++) n = n & 1 ? 3 * n + 1 : n >> 1;
            if (length > best) best = length, best_start = start;
            total += length;
        }
        digest = digest_add(digest_add(digest, best_start), total << 16 | best);
    }
    return digest_print("collatz", digest);
}
