/*
 * Decoding, rounding, arithmetic, comparison. Conversions are in fp_convert.c; the representation is in fp_exact.h.
 *
 * An operation settles NaNs, infinities and zeros by their kind and leaves the rest to one exact computation followed
 * by fp_encode, the only place that rounds to a format. Addition and fused multiply-add share exact_add.
 */
#include "core/fp_exact.h"

unsigned fp_width(enum fp_format format) {
    return 1u + fp_shapes[format].exponent_bits + fp_shapes[format].fraction_bits;
}

uint64_t fp_sign_mask(enum fp_format format) {
    return fp_signed(fp_shapes[format], true, 0);
}

uint64_t fp_canonical(enum fp_format format) {
    struct fp_shape shape = fp_shapes[format];
    return fp_infinity(shape) | (uint64_t)1 << (shape.fraction_bits - 1);
}

bool fp_is_nan(enum fp_format format, uint64_t a) {
    struct fp_shape shape = fp_shapes[format];
    return fp_magnitude(shape, a) > fp_infinity(shape);
}

bool fp_is_snan(enum fp_format format, uint64_t a) {
    return fp_is_nan(format, a) && fp_magnitude(fp_shapes[format], a) < fp_canonical(format);
}

/*
 * The sum of two numbers that are not NaNs nor infinities of opposite sign. Bits are lost to the sticky bit only if the
 * exponents differ by two or more, and then the difference loses at most one bit of magnitude.
 */
static struct fp_exact exact_add(const struct fp_exact *a, const struct fp_exact *b, enum fp_round rm) {
    if (a->kind != FP_IS_FINITE || b->kind != FP_IS_FINITE) {
        if (a->kind == FP_IS_ZERO && b->kind == FP_IS_ZERO && a->sign != b->sign)
            return (struct fp_exact){.kind = FP_IS_ZERO, .sign = rm == FP_RDN};
        return a->kind == FP_IS_INF || b->kind == FP_IS_ZERO ? *a : *b;
    }

    bool a_is_less = a->exponent < b->exponent || (a->exponent == b->exponent && a->significand < b->significand);
    const struct fp_exact *great = a_is_less ? b : a, *less = a_is_less ? a : b;
    fp_wide addend = fp_shift_sticky(less->significand, great->exponent - less->exponent);
    struct fp_exact x = {.kind = FP_IS_FINITE, .sign = great->sign, .exponent = great->exponent};

    if (a->sign == b->sign) {
        x.significand = great->significand + addend;
        if (x.significand >> (FP_TOP + 1)) {
            x.significand = fp_shift_sticky(x.significand, 1);
            x.exponent++;
        }
    } else {
        x.significand = great->significand - addend;
        if (x.significand == 0) return (struct fp_exact){.kind = FP_IS_ZERO, .sign = rm == FP_RDN};
        fp_normalise(&x);
    }
    return x;
}

/* A significand as 64 bits, the highest of which is set. */
static uint64_t significand_high(const struct fp_exact *x) {
    return (uint64_t)(x->significand >> (FP_TOP - 63));
}

/* The product of two numbers that are not NaNs nor an infinity and a zero. */
static struct fp_exact exact_mul(const struct fp_exact *a, const struct fp_exact *b) {
    struct fp_exact x = {.sign = a->sign != b->sign};

    if (a->kind == FP_IS_INF || b->kind == FP_IS_INF) {
        x.kind = FP_IS_INF;
    } else if (a->kind == FP_IS_ZERO || b->kind == FP_IS_ZERO) {
        x.kind = FP_IS_ZERO;
    } else {
        x.kind = FP_IS_FINITE;
        x.exponent = a->exponent + b->exponent;
        x.significand = (fp_wide)significand_high(a) * significand_high(b);
        if (x.significand >> (FP_TOP + 1)) {
            x.significand = fp_shift_sticky(x.significand, 1);
            x.exponent++;
        }
    }
    return x;
}

/* The quotient of two finite nonzero numbers, to 127 bits and the sticky bit. */
static struct fp_exact exact_div(const struct fp_exact *a, const struct fp_exact *b) {
    struct fp_exact x = {.kind = FP_IS_FINITE, .sign = a->sign != b->sign, .exponent = a->exponent - b->exponent};
    uint64_t divisor = significand_high(b);
    fp_wide dividend = (fp_wide)significand_high(a) << 63;
    fp_wide high = dividend / divisor;
    fp_wide rest = (dividend - high * divisor) << 63;
    fp_wide low = rest / divisor;

    x.significand = high << 63 | low | (rest != low * divisor);
    fp_normalise(&x);
    return x;
}

/* The root of a finite positive number, digit by digit to two bits more than the precision, and the sticky bit. */
static struct fp_exact exact_sqrt(struct fp_shape shape, const struct fp_exact *a) {
    struct fp_exact x = {.kind = FP_IS_FINITE};
    bool odd = a->exponent & 1;
    fp_wide radicand = a->significand << odd;
    fp_wide root = 0, rest = 0;
    int digits = shape.fraction_bits + 3;

    for (int i = 0; i < digits; i++) {
        fp_wide trial = root << 2 | 1;
        rest = rest << 2 | radicand >> 126;
        radicand <<= 2;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    x.exponent = (a->exponent - odd) / 2;
    x.significand = root << (FP_TOP + 1 - digits) | (rest != 0 || radicand != 0);
    return x;
}

static uint64_t add_signed(enum fp_format format, uint64_t a, uint64_t b, bool negate_b, enum fp_round rm,
                           uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);
    struct fp_exact y = fp_decode(format, b);

    if (x.kind == FP_IS_NAN || y.kind == FP_IS_NAN) return fp_propagate(format, x.signaling || y.signaling, flags);
    y.sign ^= negate_b;
    if (x.kind == FP_IS_INF && y.kind == FP_IS_INF && x.sign != y.sign) return fp_invalid(format, flags);
    x = exact_add(&x, &y, rm);
    return fp_encode(format, &x, rm, flags);
}

uint64_t fp_add(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags) {
    return add_signed(format, a, b, false, rm, flags);
}

uint64_t fp_sub(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags) {
    return add_signed(format, a, b, true, rm, flags);
}

static bool is_inf_times_zero(const struct fp_exact *a, const struct fp_exact *b) {
    return (a->kind == FP_IS_INF && b->kind == FP_IS_ZERO) || (a->kind == FP_IS_ZERO && b->kind == FP_IS_INF);
}

uint64_t fp_mul(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);
    struct fp_exact y = fp_decode(format, b);

    if (x.kind == FP_IS_NAN || y.kind == FP_IS_NAN) return fp_propagate(format, x.signaling || y.signaling, flags);
    if (is_inf_times_zero(&x, &y)) return fp_invalid(format, flags);
    x = exact_mul(&x, &y);
    return fp_encode(format, &x, rm, flags);
}

uint64_t fp_div(enum fp_format format, uint64_t a, uint64_t b, enum fp_round rm, uint32_t *flags) {
    struct fp_shape shape = fp_shapes[format];
    struct fp_exact x = fp_decode(format, a);
    struct fp_exact y = fp_decode(format, b);
    bool sign = x.sign != y.sign;

    if (x.kind == FP_IS_NAN || y.kind == FP_IS_NAN) return fp_propagate(format, x.signaling || y.signaling, flags);
    if (x.kind == y.kind && x.kind != FP_IS_FINITE) return fp_invalid(format, flags);
    if (x.kind == FP_IS_INF) return fp_signed(shape, sign, fp_infinity(shape));
    if (x.kind == FP_IS_ZERO || y.kind == FP_IS_INF) return fp_signed(shape, sign, 0);
    if (y.kind == FP_IS_ZERO) {
        *flags |= FP_DZ;
        return fp_signed(shape, sign, fp_infinity(shape));
    }
    x = exact_div(&x, &y);
    return fp_encode(format, &x, rm, flags);
}

uint64_t fp_sqrt(enum fp_format format, uint64_t a, enum fp_round rm, uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);

    if (x.kind == FP_IS_NAN) return fp_propagate(format, x.signaling, flags);
    if (x.sign && x.kind != FP_IS_ZERO) return fp_invalid(format, flags);
    if (x.kind == FP_IS_FINITE) x = exact_sqrt(fp_shapes[format], &x);
    return fp_encode(format, &x, rm, flags);
}

uint64_t fp_fma(enum fp_format format, uint64_t a, uint64_t b, uint64_t c, enum fp_round rm, uint32_t *flags) {
    struct fp_exact x = fp_decode(format, a);
    struct fp_exact y = fp_decode(format, b);
    struct fp_exact z = fp_decode(format, c);

    if (is_inf_times_zero(&x, &y)) return fp_invalid(format, flags);
    if (x.kind == FP_IS_NAN || y.kind == FP_IS_NAN || z.kind == FP_IS_NAN)
        return fp_propagate(format, x.signaling || y.signaling || z.signaling, flags);
    x = exact_mul(&x, &y);
    if (x.kind == FP_IS_INF && z.kind == FP_IS_INF && x.sign != z.sign) return fp_invalid(format, flags);
    x = exact_add(&x, &z, rm);
    return fp_encode(format, &x, rm, flags);
}

/* A number as an integer of the same order; both zeros are 0. */
static int64_t order_key(struct fp_shape shape, uint64_t a) {
    int64_t magnitude = (int64_t)fp_magnitude(shape, a);
    return fp_sign(shape, a) ? -magnitude : magnitude;
}

/* False if an operand is a NaN, having raised FP_NV as a quiet or signaling operation does. */
static bool is_ordered(enum fp_format format, uint64_t a, uint64_t b, bool quiet, uint32_t *flags) {
    if (!fp_is_nan(format, a) && !fp_is_nan(format, b)) return true;
    if (!quiet || fp_is_snan(format, a) || fp_is_snan(format, b)) *flags |= FP_NV;
    return false;
}

static bool is_less(enum fp_format format, uint64_t a, uint64_t b) {
    return order_key(fp_shapes[format], a) < order_key(fp_shapes[format], b);
}

uint64_t fp_eq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return is_ordered(format, a, b, true, flags) && !is_less(format, a, b) && !is_less(format, b, a);
}

uint64_t fp_lt(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return is_ordered(format, a, b, false, flags) && is_less(format, a, b);
}

uint64_t fp_le(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return is_ordered(format, a, b, false, flags) && !is_less(format, b, a);
}

uint64_t fp_ltq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return is_ordered(format, a, b, true, flags) && is_less(format, a, b);
}

uint64_t fp_leq(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return is_ordered(format, a, b, true, flags) && !is_less(format, b, a);
}

/* The lesser or greater of two patterns that are not NaNs; -0 is less than +0. */
static uint64_t pick(enum fp_format format, uint64_t a, uint64_t b, bool greater) {
    struct fp_shape shape = fp_shapes[format];
    int64_t x = order_key(shape, a), y = order_key(shape, b);
    bool take_a = x == y ? fp_sign(shape, a) != greater : (x < y) != greater;
    uint64_t taken = take_a ? a : b;
    return fp_signed(shape, fp_sign(shape, taken), fp_magnitude(shape, taken));
}

static uint64_t pick_number(enum fp_format format, uint64_t a, uint64_t b, bool greater, uint32_t *flags) {
    if (is_ordered(format, a, b, true, flags)) return pick(format, a, b, greater);
    if (!fp_is_nan(format, a)) return pick(format, a, a, greater);
    if (!fp_is_nan(format, b)) return pick(format, b, b, greater);
    return fp_canonical(format);
}

static uint64_t pick_or_nan(enum fp_format format, uint64_t a, uint64_t b, bool greater, uint32_t *flags) {
    return is_ordered(format, a, b, true, flags) ? pick(format, a, b, greater) : fp_canonical(format);
}

uint64_t fp_min(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return pick_number(format, a, b, false, flags);
}

uint64_t fp_max(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return pick_number(format, a, b, true, flags);
}

uint64_t fp_minimum(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return pick_or_nan(format, a, b, false, flags);
}

uint64_t fp_maximum(enum fp_format format, uint64_t a, uint64_t b, uint32_t *flags) {
    return pick_or_nan(format, a, b, true, flags);
}

uint64_t fp_class(enum fp_format format, uint64_t a) {
    struct fp_shape shape = fp_shapes[format];
    uint64_t magnitude = fp_magnitude(shape, a);

    if (fp_is_nan(format, a)) return fp_is_snan(format, a) ? 1 << 8 : 1 << 9;
    int size = (magnitude != 0) + (magnitude >> shape.fraction_bits != 0) + (magnitude == fp_infinity(shape));
    return 1u << (fp_sign(shape, a) ? 3 - size : 4 + size);
}
