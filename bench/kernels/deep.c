/* Recursion 100,000 calls deep, again and again: what a return costs when the calls in flight outnumber any return
 * cache. The frames are small, so an 8 MiB stack is enough.
 * kind: calls */
#include "kernel.h"

enum { REPS = 240, DEPTH = 100000 };

__attribute__((noinline)) static uint64_t descend(uint64_t depth, uint64_t value) {
    if (depth == 0) return value;
    uint64_t below = descend(depth - 1, value * 5 + depth);
    return (below ^ depth) + (below >> 7);
}

/* Two functions in turn, so that the return addresses differ. */
__attribute__((noinline)) static uint64_t odd(uint64_t depth, uint64_t value);

__attribute__((noinline)) static uint64_t even(uint64_t depth, uint64_t value) {
    if (depth == 0) return value;
    return odd(depth - 1, value + depth) * 3 + 1;
}

__attribute__((noinline)) static uint64_t odd(uint64_t depth, uint64_t value) {
    if (depth == 0) return ~value;
    return even(depth - 1, value ^ depth) * 5 + depth;
}

int main(int argc, char **argv) {
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long i = 0; i < reps; i++) {
        digest = digest_add(digest, descend(DEPTH, (uint64_t)i));
        digest = digest_add(digest, even(DEPTH - (uint64_t)(i & 7), digest));
    }
    return digest_print("deep", digest);
}
