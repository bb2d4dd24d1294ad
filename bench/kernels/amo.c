/* Read-modify-write of words in memory whose old value is wanted: add, exchange, or, and, xor, of both sizes.
 * kind: atomic */
#include "kernel.h"

enum { REPS = 18000, WORDS = 64 };

static uint64_t step(uint64_t *w, uint32_t *n, uint64_t seed) {
    uint64_t sum = __atomic_fetch_add(w, seed, __ATOMIC_SEQ_CST);
    sum += __atomic_fetch_or(w + 1, sum & 0xff, __ATOMIC_ACQ_REL);
    sum ^= __atomic_fetch_and(w + 2, sum | ~0xfful, __ATOMIC_SEQ_CST);
    sum += __atomic_exchange_n(w + 3, sum, __ATOMIC_ACQUIRE);
    sum ^= __atomic_fetch_xor(w + 1, sum, __ATOMIC_SEQ_CST);
    sum += __atomic_fetch_add(n, (uint32_t)sum, __ATOMIC_RELAXED);
    sum ^= __atomic_fetch_or(n + 1, (uint32_t)sum, __ATOMIC_SEQ_CST);
    sum += __atomic_fetch_xor(n + 1, (uint32_t)sum, __ATOMIC_RELEASE);
    return sum;
}

int main(int argc, char **argv) {
    static uint64_t words[WORDS + 4];
    static uint32_t narrow[WORDS + 4];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t sum = 1, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        for (int k = 0; k < 1000; k++) sum += step(words + k % WORDS, narrow + k % WORDS, sum + (uint64_t)k);
        digest = digest_add(digest, sum);
    }
    return digest_print("amo", digest);
}
