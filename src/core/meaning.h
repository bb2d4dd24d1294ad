/* meaning.h - names that the meanings of uop.def use, for whoever expands them. */
#ifndef CORE_MEANING_H
#define CORE_MEANING_H

#include "base/bits.h"
#include "core/fp.h"
#include "core/uop.h"
#include "core/wide.h"

#define FP_SIGN_16 0x8000u
#define FP_SIGN_32 0x80000000u
#define FP_SIGN_64 0x8000000000000000u

static inline uint64_t cond64(unsigned c, uint64_t a, uint64_t b) {
    switch ((enum uop_cond)c) {
    case C_EQ: return a == b;
    case C_NE: return a != b;
    case C_LTS: return (int64_t)a < (int64_t)b;
    case C_GES: return (int64_t)a >= (int64_t)b;
    case C_LTU: return a < b;
    case C_GEU: return a >= b;
    case C_LES: return (int64_t)a <= (int64_t)b;
    case C_GTS: return (int64_t)a > (int64_t)b;
    case C_LEU: return a <= b;
    case C_GTU: return a > b;
    case C_COUNT: break;
    }
    return 0;
}
static inline uint64_t cond32(unsigned c, uint64_t a, uint64_t b) {
    return cond64(c, (uint64_t)(int32_t)a, (uint64_t)(int32_t)b);
}

#endif
