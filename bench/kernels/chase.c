/* Loads whose address is the previous load's value, around random cycles that fit the first cache, the second, neither.
 * kind: mem */
#include "kernel.h"

enum { REPS = 9, STEPS = 1 << 20, SIZES = 3, LARGEST = 1 << 17 };

struct link {
    struct link *next;
    uint64_t value, padding[6];
};

/* One cycle through all links (Sattolo's shuffle). */
static void cycle_make(struct link *links, unsigned *order, unsigned count, uint64_t *seed) {
    for (unsigned i = 0; i < count; i++) order[i] = i;
    for (unsigned i = count - 1; i > 0; i--) {
        unsigned j = (unsigned)(random_next(seed) % i), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (unsigned i = 0; i < count; i++) {
        links[i].next = &links[order[i]];
        links[i].value = random_next(seed);
    }
}

int main(int argc, char **argv) {
    static struct link small[256], middle[8192], large[LARGEST];
    static unsigned order[LARGEST];
    struct link *const cycles[SIZES] = {small, middle, large};
    const unsigned counts[SIZES] = {256, 8192, LARGEST};
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 12, digest = 0;
    for (int i = 0; i < SIZES; i++) cycle_make(cycles[i], order, counts[i], &seed);
    for (long rep = 0; rep < reps; rep++)
        for (int i = 0; i < SIZES; i++) {
            struct link *at = &cycles[i][(unsigned)rep % counts[i]];
            for (long n = STEPS >> i; n > 0; n--) at = at->next;
            digest = digest_add(digest, at->value);
            for (long n = STEPS >> (i + 2); n > 0; n--) {
                at->value += digest;
                at = at->next;
            }
        }
    return digest_print("chase", digest);
}
