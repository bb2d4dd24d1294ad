/* The sieve of Eratosthenes over odd numbers, one byte each: strided stores, then a count.
 * kind: int */
#include <string.h>
#include "kernel.h"

enum { REPS = 200, LIMIT = 1 << 20 };

int main(int argc, char **argv) {
    static uint8_t composite[LIMIT / 2];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        uint32_t limit = LIMIT - (uint32_t)(rep & 63), count = 1, last = 2;
        memset(composite, 0, sizeof composite);
        for (uint32_t i = 3; i * i < limit; i += 2)
            if (!composite[i >> 1])
                for (uint32_t j = i * i; j < limit; j += 2 * i) composite[j >> 1] = 1;
        for (uint32_t i = 3; i < limit; i += 2)
            if (!composite[i >> 1]) count++, last = i;
        digest = digest_add(digest, (uint64_t)count << 32 | last);
    }
    return digest_print("sieve", digest);
}
