/* Compare-and-swap loops as lock-free code has them: a maximum, a saturating sum, a free list with a tag.
 * kind: atomic */
#include <stdbool.h>
#include "kernel.h"

enum { REPS = 22000, NODES = 64 };

static void maximum(uint64_t *at, uint64_t v) {
    uint64_t old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (old < v && !__atomic_compare_exchange_n(at, &old, v, true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) continue;
}

static uint32_t saturate(uint32_t *at, uint32_t v) {
    uint32_t old = __atomic_load_n(at, __ATOMIC_RELAXED), sum;
    do {
        sum = old + v < old ? UINT32_MAX : old + v;
    } while (!__atomic_compare_exchange_n(at, &old, sum, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return sum;
}

/* A stack of indices: the low half of the head is the index, the high half counts changes. */
static uint32_t next[NODES];
static uint64_t head;

static void push(uint32_t node) {
    uint64_t old = __atomic_load_n(&head, __ATOMIC_RELAXED), new;
    do {
        next[node] = (uint32_t)old;
        new = (old >> 32) + 1;
        new = new << 32 | node;
    } while (!__atomic_compare_exchange_n(&head, &old, new, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static uint32_t pop(void) {
    uint64_t old = __atomic_load_n(&head, __ATOMIC_ACQUIRE), new;
    do {
        new = (old >> 32) + 1;
        new = new << 32 | next[(uint32_t)old];
    } while (!__atomic_compare_exchange_n(&head, &old, new, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
    return (uint32_t)old;
}

int main(int argc, char **argv) {
    static uint64_t most[8];
    static uint32_t sums[8];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (uint32_t n = 1; n < NODES; n++) push(n);
    for (long rep = 0; rep < reps; rep++) {
        for (uint32_t k = 0; k < 1000; k++) {
            uint32_t a = pop(), b = pop();
            push(a);
            push(b);
            maximum(most + (k & 7), (uint64_t)rep << 10 | k);
            saturate(sums + (k & 7), a ^ b);
        }
        digest = digest_add(digest, head ^ most[3] ^ sums[5]);
    }
    return digest_print("cas", digest);
}
