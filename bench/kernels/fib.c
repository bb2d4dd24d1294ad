/* Doubly recursive Fibonacci: calls, returns and little else.
 * kind: calls */
#include "kernel.h"

enum { REPS = 72 };

static uint64_t fib(unsigned n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long i = 0; i < reps; i++) digest = digest_add(digest, fib(32 + (i & 1)));
    return digest_print("fib", digest);
}
