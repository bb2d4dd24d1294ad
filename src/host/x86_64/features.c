/* features.c - what this computer has of the instructions that emitted code would like to use.
 *
 * Each feature has a bit of its own in what the processor says; none follows from another. Those that keep values in
 * the upper halves of vector registers also need a system that saves them (OSXSAVE and XCR0).
 */
#include "host/x86_64/x86_64.h"
#include <cpuid.h>

struct x86_features x86_features;

struct x86_features x86_features_of(const struct x86_cpuid *c) {
    enum { OSXSAVE = 1u << 27, SSE_AND_AVX = 6 };
    const bool saved = (c->leaf_1_ecx & OSXSAVE) && (c->xcr0 & SSE_AND_AVX) == SSE_AND_AVX;
    const bool avx = saved && (c->leaf_1_ecx >> 28 & 1);
    return (struct x86_features){
        .avx = avx,
        .fma = avx && (c->leaf_1_ecx >> 12 & 1),
        .sse41 = c->leaf_1_ecx >> 19 & 1,
        .popcnt = c->leaf_1_ecx >> 23 & 1,
        .bmi1 = c->leaf_7_ebx >> 3 & 1,
        .bmi2 = c->leaf_7_ebx >> 8 & 1,
        .lzcnt = c->leaf_80000001_ecx >> 5 & 1,
    };
}

static __attribute__((constructor)) void ask(void) {
    struct x86_cpuid c = {0};
    unsigned a, b, d;
    __get_cpuid(1, &a, &b, &c.leaf_1_ecx, &d);
    unsigned b7 = 0, c7;
    if (__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) c.leaf_7_ebx = b7;
    __get_cpuid(0x80000001, &a, &b, &c.leaf_80000001_ecx, &d);
    if (c.leaf_1_ecx & bit_OSXSAVE) {
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        c.xcr0 = low | (uint64_t)high << 32;
    }
    x86_features = x86_features_of(&c);
}
