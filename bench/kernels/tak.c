/* Takeuchi's and Ackermann's functions: recursion with several live arguments and returns that feed calls.
 * kind: calls */
#include "kernel.h"

enum { REPS = 59 };

__attribute__((noinline)) static int tak(int x, int y, int z) {
    if (y >= x) return z;
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

__attribute__((noinline)) static unsigned ackermann(unsigned m, unsigned n) {
    if (m == 0) return n + 1;
    if (n == 0) return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long i = 0; i < reps; i++) {
        digest = digest_add(digest, (uint64_t)tak(18 + (int)(i & 3), 12, 6));
        digest = digest_add(digest, ackermann(3, 7 + (unsigned)(i & 1)));
        digest = digest_add(digest, ackermann(2, 300));
    }
    return digest_print("tak", digest);
}
