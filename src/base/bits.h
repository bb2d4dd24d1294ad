/* bits.h - integer operations that C has no operator for, with the corner cases defined. Pure, inline. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdint.h>

static inline uint64_t sign_extend(uint64_t v, unsigned bits) {
    return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}
static inline uint64_t rotl64(uint64_t a, uint64_t n) {
    return n & 63 ? a << (n & 63) | a >> (64 - (n & 63)) : a;
}
static inline uint64_t rotl32(uint64_t a, uint64_t n) {
    uint32_t v = (uint32_t)a;
    return n & 31 ? (uint32_t)(v << (n & 31) | v >> (32 - (n & 31))) : v;
}
static inline uint64_t divs64(uint64_t a, uint64_t b) {
    if (b == 0) return UINT64_MAX;
    if (b == UINT64_MAX) return -a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}
static inline uint64_t divs32(uint64_t a, uint64_t b) {
    if ((uint32_t)b == 0) return UINT32_MAX;
    if ((uint32_t)b == UINT32_MAX) return (uint32_t)-a;
    return (uint32_t)((int32_t)a / (int32_t)b);
}
static inline uint64_t rems64(uint64_t a, uint64_t b) {
    if (b == 0) return a;
    if (b == UINT64_MAX) return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}
static inline uint64_t rems32(uint64_t a, uint64_t b) {
    if ((uint32_t)b == 0) return (uint32_t)a;
    if ((uint32_t)b == UINT32_MAX) return 0;
    return (uint32_t)((int32_t)a % (int32_t)b);
}
static inline uint64_t clz64(uint64_t a) {
    return a ? (uint64_t)__builtin_clzll(a) : 64;
}
static inline uint64_t clz32(uint64_t a) {
    return (uint32_t)a ? (uint64_t)__builtin_clz((uint32_t)a) : 32;
}
static inline uint64_t ctz64(uint64_t a) {
    return a ? (uint64_t)__builtin_ctzll(a) : 64;
}
static inline uint64_t ctz32(uint64_t a) {
    return (uint32_t)a ? (uint64_t)__builtin_ctz((uint32_t)a) : 32;
}
static inline uint64_t mulhu64(uint64_t a, uint64_t b) {
    return (uint64_t)((unsigned __int128)a * b >> 64);
}
static inline uint64_t mulhs64(uint64_t a, uint64_t b) {
    return (uint64_t)((__int128)(int64_t)a * (__int128)(int64_t)b >> 64);
}
static inline uint64_t brev8_64(uint64_t a) {
    a = (a & 0x5555555555555555u) << 1 | (a >> 1 & 0x5555555555555555u);
    a = (a & 0x3333333333333333u) << 2 | (a >> 2 & 0x3333333333333333u);
    return (a & 0x0f0f0f0f0f0f0f0fu) << 4 | (a >> 4 & 0x0f0f0f0f0f0f0f0fu);
}
static inline unsigned __int128 clmul128(uint64_t a, uint64_t b) {
    unsigned __int128 r = 0;
    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1) r ^= (unsigned __int128)a << i;
    return r;
}
static inline uint64_t clmul64(uint64_t a, uint64_t b) {
    return (uint64_t)clmul128(a, b);
}
static inline uint64_t clmulh64(uint64_t a, uint64_t b) {
    return (uint64_t)(clmul128(a, b) >> 64);
}

#endif
