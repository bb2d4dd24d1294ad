/*
 * The inside of core/fp: formats as rows, and the number between decoding and rounding.
 *
 * Every operation decodes its operands to `struct fp_exact`, computes on these, and rounds once with fp_encode. The
 * significand is normalised: its highest bit is FP_TOP, so a finite number is significand * 2^(exponent - FP_TOP) with
 * 1 <= significand / 2^FP_TOP < 2, subnormals included. What falls off the low end of a significand is kept as a sticky
 * one in bit 0, which always lies below the rounding position.
 *
 * A format of at most 64 bits of precision is added as a row. Fused multiply-add cancels exactly only if a product
 * leaves two bits free (2 * precision <= FP_TOP - 1). Binary128 needs wider products, quotients and a wider interface,
 * not another shape of the code. Only fp*.c include this file.
 */
#ifndef VEE_CORE_FP_EXACT_H
#define VEE_CORE_FP_EXACT_H

#include "core/fp.h"

typedef unsigned __int128 fp_wide;

enum { FP_TOP = 126 }; /* bit 127 takes the carry of a sum */

struct fp_shape {
    uint8_t exponent_bits;
    uint8_t fraction_bits;
};

static const struct fp_shape fp_shapes[] = {
    [FP_16] = {.exponent_bits = 5, .fraction_bits = 10},
    [FP_32] = {.exponent_bits = 8, .fraction_bits = 23},
    [FP_64] = {.exponent_bits = 11, .fraction_bits = 52},
};

enum fp_kind {
    FP_IS_ZERO,
    FP_IS_FINITE, /* and not zero */
    FP_IS_INF,
    FP_IS_NAN,
};

struct fp_exact {
    enum fp_kind kind;
    bool sign;
    bool signaling;   /* of a NaN */
    int32_t exponent; /* this and significand: of a finite number only */
    fp_wide significand;
};

static inline fp_wide fp_low_mask(int bits) {
    return ((fp_wide)1 << bits) - 1;
}

/* The exponent of the smallest normal number. */
static inline int fp_exponent_min(struct fp_shape shape) {
    return 2 - (1 << (shape.exponent_bits - 1));
}

/* The pattern of plus infinity; also the first magnitude that is not finite. */
static inline uint64_t fp_infinity(struct fp_shape shape) {
    return (uint64_t)fp_low_mask(shape.exponent_bits) << shape.fraction_bits;
}

static inline uint64_t fp_signed(struct fp_shape shape, bool sign, uint64_t magnitude) {
    return (uint64_t)sign << (shape.exponent_bits + shape.fraction_bits) | magnitude;
}

/* The pattern without its sign and without what lies above the format. */
static inline uint64_t fp_magnitude(struct fp_shape shape, uint64_t bits) {
    return bits & (uint64_t)fp_low_mask(shape.exponent_bits + shape.fraction_bits);
}

static inline bool fp_sign(struct fp_shape shape, uint64_t bits) {
    return bits >> (shape.exponent_bits + shape.fraction_bits) & 1;
}

/* Shift right by any distance, keeping a sticky one in bit 0. */
static inline fp_wide fp_shift_sticky(fp_wide significand, int distance) {
    if (distance > FP_TOP) return significand != 0;
    return significand >> distance | ((significand & fp_low_mask(distance)) != 0);
}

/* Move the highest bit of a nonzero significand up to FP_TOP. */
static inline void fp_normalise(struct fp_exact *x) {
    uint64_t high = (uint64_t)(x->significand >> 64);
    int lead = high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)x->significand);
    x->exponent -= FP_TOP - lead;
    x->significand <<= FP_TOP - lead;
}

struct fp_exact fp_decode(enum fp_format format, uint64_t bits);

/*
 * Whether rounding away the low `drop` bits of a significand (1 <= drop <= FP_TOP) adds one to what is left of the
 * magnitude.
 */
bool fp_rounds_up(bool sign, fp_wide significand, int drop, enum fp_round rm);

/* Round a number of any kind to a pattern; raises FP_NX, FP_UF and FP_OF. A NaN becomes canonical and raises nothing.
 */
uint64_t fp_encode(enum fp_format format, const struct fp_exact *x, enum fp_round rm, uint32_t *flags);

/* The canonical NaN, as the result of an invalid operation. */
uint64_t fp_invalid(enum fp_format format, uint32_t *flags);

/* The canonical NaN, as the result of an operation on NaNs of which one may be signaling. */
uint64_t fp_propagate(enum fp_format format, bool signaling, uint32_t *flags);

#endif
