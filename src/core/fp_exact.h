/*
 * The inside of core/fp: formats as rows, and the number between decoding and rounding.
 *
 * Every operation decodes its operands to `struct fp_exact`, computes on these, and rounds once with fp_encode. The
 * significand is normalised: its highest bit is FP_TOP, so a finite number is significand * 2^(exponent - FP_TOP) with
 * 1 <= significand / 2^FP_TOP < 2, subnormals included. What falls off the low end of a significand is kept as a sticky
 * one in bit 0, which always lies below the rounding position.
 *
 * An interchange format of at most 64 bits is one row. Fused multiply-add cancels exactly because a product leaves low
 * bits free: 2 * precision < FP_TOP. The 64 bits of precision of x87 fit everything else here, but its pattern needs
 * its own decoding and encoding; binary128 needs a wider significand. Only fp*.c include this file.
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

/* The low 1 to 64 bits. */
static inline uint64_t fp_ones(int bits) {
    return UINT64_MAX >> (64 - bits);
}

/* The low 0 to 127 bits. */
static inline fp_wide fp_low_mask(int bits) {
    return ((fp_wide)1 << bits) - 1;
}

/* The exponent of the smallest normal number. */
static inline int fp_exponent_min(struct fp_shape shape) {
    return 2 - (1 << (shape.exponent_bits - 1));
}

/* The pattern of plus infinity; also the first magnitude that is not finite. */
static inline uint64_t fp_infinity(struct fp_shape shape) {
    return fp_ones(shape.exponent_bits) << shape.fraction_bits;
}

static inline uint64_t fp_signed(struct fp_shape shape, bool sign, uint64_t magnitude) {
    return (uint64_t)sign << (shape.exponent_bits + shape.fraction_bits) | magnitude;
}

/* The pattern without its sign and without what lies above the format. */
static inline uint64_t fp_magnitude(struct fp_shape shape, uint64_t bits) {
    return bits & fp_ones(shape.exponent_bits + shape.fraction_bits);
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

static inline struct fp_exact fp_decode(enum fp_format format, uint64_t bits) {
    struct fp_shape shape = fp_shapes[format];
    uint64_t magnitude = fp_magnitude(shape, bits);
    uint64_t fraction = magnitude & fp_ones(shape.fraction_bits);
    int biased = (int)(magnitude >> shape.fraction_bits);
    struct fp_exact x = {.kind = FP_IS_FINITE, .sign = fp_sign(shape, bits)};

    if (magnitude >= fp_infinity(shape)) {
        x.kind = fraction ? FP_IS_NAN : FP_IS_INF;
        x.signaling = fraction && !(fraction >> (shape.fraction_bits - 1));
    } else if (biased != 0) {
        x.exponent = fp_exponent_min(shape) + biased - 1;
        x.significand = (fp_wide)(fraction | (uint64_t)1 << shape.fraction_bits) << (FP_TOP - shape.fraction_bits);
    } else if (fraction != 0) {
        x.exponent = fp_exponent_min(shape);
        x.significand = (fp_wide)fraction << (FP_TOP - shape.fraction_bits);
        fp_normalise(&x);
    } else {
        x.kind = FP_IS_ZERO;
    }
    return x;
}

/*
 * Whether rounding away the low `drop` bits of a significand (1 <= drop <= FP_TOP) adds one to what is left of the
 * magnitude.
 */
static inline bool fp_rounds_up(bool sign, fp_wide significand, int drop, enum fp_round rm) {
    fp_wide tail = significand & fp_low_mask(drop);
    fp_wide half = (fp_wide)1 << (drop - 1);

    switch (rm) {
    case FP_RNE: return tail > half || (tail == half && (significand >> drop & 1));
    case FP_RMM: return tail >= half;
    case FP_RDN: return sign && tail != 0;
    case FP_RUP: return !sign && tail != 0;
    case FP_RTZ: break;
    }
    return false;
}

/* Overflow yields infinity, or the largest finite number in the modes that round such a number toward zero. */
static inline uint64_t fp_encode_overflow(struct fp_shape shape, bool sign, enum fp_round rm, uint32_t *flags) {
    bool stays_finite = rm == FP_RTZ || rm == (sign ? FP_RUP : FP_RDN);
    *flags |= FP_OF | FP_NX;
    return fp_signed(shape, sign, fp_infinity(shape) - stays_finite);
}

static inline uint64_t fp_encode_finite(struct fp_shape shape, const struct fp_exact *x, enum fp_round rm,
                                        uint32_t *flags) {
    int drop = FP_TOP - shape.fraction_bits;
    int above_min = x->exponent - fp_exponent_min(shape);
    fp_wide significand = x->significand;
    bool tiny = false;

    if (above_min >= 1 << shape.exponent_bits) return fp_encode_overflow(shape, x->sign, rm, flags);
    if (above_min < 0) {
        /* Tiny is what would stay below the smallest normal number if exponents had no lower bound. */
        bool reaches_min = above_min == -1 && significand >> drop == fp_low_mask(shape.fraction_bits + 1) &&
                           fp_rounds_up(x->sign, significand, drop, rm);
        tiny = !reaches_min;
        significand = fp_shift_sticky(significand, -above_min);
        above_min = 0;
    }

    /* The leading bit of a normal number, and a carry out of rounding, each add one to the biased exponent. */
    uint64_t kept = (uint64_t)(significand >> drop) + fp_rounds_up(x->sign, significand, drop, rm);
    uint64_t magnitude = ((uint64_t)above_min << shape.fraction_bits) + kept;
    if (magnitude >= fp_infinity(shape)) return fp_encode_overflow(shape, x->sign, rm, flags);
    if (significand & fp_low_mask(drop)) *flags |= tiny ? FP_NX | FP_UF : FP_NX;
    return fp_signed(shape, x->sign, magnitude);
}

/* Round a number of any kind to a pattern; raises FP_NX, FP_UF and FP_OF. A NaN becomes canonical, quietly. */
static inline uint64_t fp_encode(enum fp_format format, const struct fp_exact *x, enum fp_round rm, uint32_t *flags) {
    struct fp_shape shape = fp_shapes[format];

    switch (x->kind) {
    case FP_IS_ZERO: return fp_signed(shape, x->sign, 0);
    case FP_IS_FINITE: return fp_encode_finite(shape, x, rm, flags);
    case FP_IS_INF: return fp_signed(shape, x->sign, fp_infinity(shape));
    case FP_IS_NAN: break;
    }
    return fp_canonical(format);
}

/* The canonical NaN, as the result of an invalid operation. */
static inline uint64_t fp_invalid(enum fp_format format, uint32_t *flags) {
    *flags |= FP_NV;
    return fp_canonical(format);
}

/* The canonical NaN, as the result of an operation on NaNs of which one may be signaling. */
static inline uint64_t fp_propagate(enum fp_format format, bool signaling, uint32_t *flags) {
    if (signaling) *flags |= FP_NV;
    return fp_canonical(format);
}

#endif
