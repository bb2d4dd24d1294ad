/* Reads and updates at random places of tables of 32 KiB and 8 MiB: independent accesses, histogram counting, and a
 * counting sort.
 * kind: mem */
#include "kernel.h"

enum { REPS = 67, SMALL = 1 << 12, LARGE = 1 << 20, UPDATES = 1 << 18 };

int main(int argc, char **argv) {
    static uint64_t small[SMALL], large[LARGE];
    static uint32_t keys[UPDATES], sorted[UPDATES], count[1025];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 9, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        for (int i = 0; i < UPDATES; i++) {
            uint64_t r = random_next(&seed);
            small[r >> 52] += r;
            large[r >> 30 & (LARGE - 1)] ^= r;
            keys[i] = (uint32_t)r;
        }
        for (int i = 0; i < 1025; i++) count[i] = 0;
        for (int i = 0; i < UPDATES; i++) count[(keys[i] >> 22) + 1]++;
        for (int i = 0; i < 1024; i++) count[i + 1] += count[i];
        for (int i = 0; i < UPDATES; i++) sorted[count[keys[i] >> 22]++] = keys[i];
        for (int i = 0; i < UPDATES; i += 64) digest = digest_add(digest, sorted[i] + large[sorted[i] & (LARGE - 1)]);
        digest = digest_add(digest, small[rep & (SMALL - 1)]);
    }
    return digest_print("scatter", digest);
}
