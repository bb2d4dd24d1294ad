/* The source of random bits: every bit is 0 and 1 at some time, nothing repeats itself, writes change nothing, and only
 * the register is there.
 */
#include "bare.h"

enum { WORDS = 64 };
static uint32_t words[WORDS];

int main(void) {
    uint32_t zeros = UINT32_MAX, ones = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = *ENTROPY;
        zeros &= words[i];
        ones |= words[i];
        for (unsigned k = 0; k < i; k++) CHECK(words[k] != words[i]);
    }
    CHECK(zeros == 0 && ones == UINT32_MAX);
    *ENTROPY = 5;
    CHECK(trapped.count == 0 && *ENTROPY != *ENTROPY);

    CHECK(TRAPS(ACCESS_LOAD, "li a1, 0x102000\nlbu a0, 0(a1)") && TRAPS(ACCESS_LOAD, "li a1, 0x102000\nlw a0, 4(a1)"));
    CHECK(TRAPS(ACCESS_LOAD, "li a1, 0x102000\nld a0, 0(a1)") && TRAPS(ACCESS_STORE, "li a1, 0x102000\nsw a0, 4(a1)"));
    CHECK(PASSES("li a1, 0x102000\nlw a0, 0(a1)"));
    return 0;
}
