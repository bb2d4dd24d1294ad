/* What every benchmark kernel shares: its repetition count, a generator of inputs and a running digest of results.
 *
 * A kernel is one file with one main. It says its kind in its head comment (kind:
 * calls|indirect|interp|int|fp|mem|str|hash|atomic), its default repetition count in `enum { REPS = n }` (0.3-0.6 s on a
 * native machine), and prints one line that depends on everything it computed and is the same on every machine.
 * `cflags:` in the head comment adds flags for both compilers. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The repetition count: the first argument if there is one. */
static inline long kernel_reps(int argc, char **argv, long fallback) {
    long reps = argc > 1 ? strtol(argv[1], NULL, 10) : fallback;
    return reps > 0 ? reps : 1;
}

/* xorshift64*: state must not be 0. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

static inline uint64_t digest_add(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * 0x9e3779b97f4a7c15ull;
    return digest ^ (digest >> 29);
}

static inline int digest_print(const char *name, uint64_t digest) {
    printf("%s %016" PRIx64 "\n", name, digest);
    return 0;
}

#endif
