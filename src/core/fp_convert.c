/*
 * Conversions between formats, to and from integers, and rounding to an integral number.
 *
 * Everything that makes an integer goes through round_to_unit; everything that makes a number goes through fp_encode.
 */
#include "core/fp_exact.h"

uint64_t fp_to_fp(enum fp_format from, enum fp_format to, uint64_t a, enum fp_round rm, uint32_t *flags) {
    struct fp_exact x = fp_decode(from, a);
    if (x.kind == FP_IS_NAN) return fp_propagate(to, x.signaling, flags);
    return fp_encode(to, &x, rm, flags);
}

/* The magnitude of a finite number below 2^64, rounded to an integer (2^64 at most). */
static fp_wide round_to_unit(const struct fp_exact *x, enum fp_round rm, bool *inexact) {
    int drop = x->exponent < 0 ? FP_TOP : FP_TOP - x->exponent;
    fp_wide significand = x->exponent < 0 ? fp_shift_sticky(x->significand, -x->exponent) : x->significand;

    *inexact = (significand & fp_low_mask(drop)) != 0;
    return (significand >> drop) + fp_rounds_up(x->sign, significand, drop, rm);
}

uint64_t fp_to_int(enum fp_format format, uint64_t a, unsigned bits, bool is_signed, enum fp_round rm,
                   uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);
    uint64_t all = fp_ones((int)bits);
    uint64_t max = is_signed ? all >> 1 : all;
    uint64_t min_magnitude = is_signed ? max + 1 : 0;
    bool negative = x.sign && x.kind != FP_IS_NAN;
    uint64_t limit = negative ? min_magnitude : max;
    bool fits = x.kind == FP_IS_ZERO || (x.kind == FP_IS_FINITE && x.exponent < 64);
    bool inexact = false;
    fp_wide magnitude = 0;

    if (fits && x.kind == FP_IS_FINITE) magnitude = round_to_unit(&x, rm, &inexact);
    if (!fits || magnitude > limit) {
        *flags |= FP_NV;
        magnitude = limit;
    } else if (inexact) {
        *flags |= FP_NX;
    }
    return (negative ? -(uint64_t)magnitude : (uint64_t)magnitude) & all;
}

uint64_t fp_to_int_mod(enum fp_format format, uint64_t a, uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);
    uint32_t low = 0;

    /* A number of 2^FP_TOP or more is a multiple of 2^32: its significant bits are at most 64. */
    if (x.kind == FP_IS_FINITE && x.exponent >= 0 && x.exponent <= FP_TOP)
        low = (uint32_t)(x.significand >> (FP_TOP - x.exponent));
    fp_to_int(format, a, 32, true, FP_RTZ, flags);
    return (uint32_t)(x.sign ? -low : low);
}

uint64_t fp_from_int(enum fp_format format, uint64_t value, unsigned bits, bool is_signed, enum fp_round rm,
                     uint32_t *flags) {
    uint64_t all = fp_ones((int)bits);
    bool negative = is_signed && (value >> (bits - 1) & 1);
    uint64_t magnitude = (negative ? -value : value) & all;
    struct fp_exact x = {.kind = FP_IS_ZERO};

    if (magnitude != 0) {
        x = (struct fp_exact){.kind = FP_IS_FINITE, .sign = negative, .exponent = FP_TOP, .significand = magnitude};
        fp_normalise(&x);
    }
    return fp_encode(format, &x, rm, flags);
}

uint64_t fp_round_int(enum fp_format format, uint64_t a, enum fp_round rm, bool raises_nx, uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);

    if (x.kind == FP_IS_NAN) return fp_propagate(format, x.signaling, flags);
    if (x.kind == FP_IS_FINITE && x.exponent < fp_shapes[format].fraction_bits) {
        bool inexact;
        fp_wide magnitude = round_to_unit(&x, rm, &inexact);
        if (inexact && raises_nx) *flags |= FP_NX;
        x.kind = magnitude != 0 ? FP_IS_FINITE : FP_IS_ZERO;
        x.exponent = FP_TOP;
        x.significand = magnitude;
        if (magnitude != 0) fp_normalise(&x);
    }
    return fp_encode(format, &x, rm, flags);
}
