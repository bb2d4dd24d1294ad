/* made.h - functions that a test makes: instructions for the guest, and for the host that checks the test. */
#ifndef MADE_H
#define MADE_H

#include "faults.h"

typedef int function(void);

/** `return value;`, value below 2048: what stands in memory. */
static inline uint64_t body(int value) {
#ifdef __riscv
    return (0x00000513u | (uint32_t)value << 20) | (uint64_t)0x00008067u << 32; /* li a0, value; ret */
#else
    return 0xb8 | (uint64_t)value << 8 | (uint64_t)0xc3 << 40; /* mov $value, %eax; ret */
#endif
}

/** Puts it there, without a word to anybody. */
static inline void put(void *at, int value) {
    const uint64_t word = body(value);
    memcpy(at, &word, sizeof word);
}

static inline int run(void *at) {
    return ((function *)at)();
}

/** Which signal running it ends in, or 0. */
static inline int fault(void *at) {
    int s = sigsetjmp(back, 1);
    return s ? s : (run(at), 0);
}

#endif
