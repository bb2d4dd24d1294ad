/*
 * Operands for the tests of core/fp, and its arithmetic behind one function.
 *
 * Operands are drawn where rounding goes wrong: zeros, subnormals, infinities, NaNs with payloads, neighbours of powers
 * of two and of the ends of the range, halves of units, sparse and dense fractions; and second and third operands that
 * cancel with the first, or whose product or quotient falls at an end of the range. The sequence depends on the seed
 * only.
 *
 * The shapes of the formats are written down here again, so that a wrong row in core/fp is noticed.
 */
#ifndef VEE_TEST_FP_CASES_H
#define VEE_TEST_FP_CASES_H

#include "core/fp.h"

struct shape {
    int exponent_bits, fraction_bits;
};

static const struct shape shapes[] = {[FP_16] = {5, 10}, [FP_32] = {8, 23}, [FP_64] = {11, 52}};
static const char *const format_names[] = {[FP_16] = "f16", [FP_32] = "f32", [FP_64] = "f64"};
static const char *const round_names[] = {
    [FP_RNE] = "rne", [FP_RTZ] = "rtz", [FP_RDN] = "rdn", [FP_RUP] = "rup", [FP_RMM] = "rmm"};

enum { FORMATS = 3, ROUNDS = 5 };

enum op { ADD, SUB, MUL, DIV, SQRT, FMA, OPS };
static const char *const op_names[] = {
    [ADD] = "add", [SUB] = "sub", [MUL] = "mul", [DIV] = "div", [SQRT] = "sqrt", [FMA] = "fma"};

struct operands {
    uint64_t a, b, c;
};

struct outcome {
    uint64_t bits;
    uint32_t flags;
};

static inline uint64_t ones(int bits) {
    return bits >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
}

static inline uint64_t sign_of(enum fp_format f) {
    return UINT64_C(1) << (shapes[f].exponent_bits + shapes[f].fraction_bits);
}

static inline uint64_t infinity_of(enum fp_format f) {
    return ones(shapes[f].exponent_bits) << shapes[f].fraction_bits;
}

static inline uint64_t quiet_of(enum fp_format f) {
    return infinity_of(f) | UINT64_C(1) << (shapes[f].fraction_bits - 1);
}

static inline uint64_t one_of(enum fp_format f) {
    return (ones(shapes[f].exponent_bits) >> 1) << shapes[f].fraction_bits;
}

static inline bool is_nan(enum fp_format f, uint64_t a) {
    return (a & (sign_of(f) - 1)) > infinity_of(f);
}

/* Neither a NaN nor an infinity nor zero. */
static inline bool is_plain(enum fp_format f, uint64_t a) {
    uint64_t magnitude = a & (sign_of(f) - 1);
    return magnitude != 0 && magnitude < infinity_of(f);
}

static inline struct outcome op_run(enum op op, enum fp_format f, struct operands x, enum fp_round rm) {
    struct outcome r = {0};
    switch (op) {
    case ADD: r.bits = fp_add(f, x.a, x.b, rm, &r.flags); break;
    case SUB: r.bits = fp_sub(f, x.a, x.b, rm, &r.flags); break;
    case MUL: r.bits = fp_mul(f, x.a, x.b, rm, &r.flags); break;
    case DIV: r.bits = fp_div(f, x.a, x.b, rm, &r.flags); break;
    case SQRT: r.bits = fp_sqrt(f, x.a, rm, &r.flags); break;
    case FMA: r.bits = fp_fma(f, x.a, x.b, x.c, rm, &r.flags); break;
    case OPS: break;
    }
    return r;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint64_t random_below(uint64_t *state, uint64_t n) {
    return random_next(state) % n;
}

static inline uint64_t with_exponent(enum fp_format f, int64_t biased, uint64_t fraction) {
    int64_t max = (int64_t)ones(shapes[f].exponent_bits) - 1;
    biased = biased < 0 ? 0 : biased > max ? max : biased;
    return (uint64_t)biased << shapes[f].fraction_bits | (fraction & ones(shapes[f].fraction_bits));
}

static inline int64_t biased_exponent(enum fp_format f, uint64_t a) {
    return (int64_t)(a >> shapes[f].fraction_bits & ones(shapes[f].exponent_bits));
}

static inline uint64_t random_fraction(enum fp_format f, uint64_t *state) {
    int n = shapes[f].fraction_bits;
    uint64_t r = random_next(state);
    switch (random_below(state, 6)) {
    case 0: return r & ones((int)random_below(state, (uint64_t)n + 1));     /* low bits */
    case 1: return r << random_below(state, (uint64_t)n);                   /* high bits */
    case 2: return UINT64_C(1) << r % (uint64_t)n;                          /* one bit */
    case 3: return ~(UINT64_C(1) << r % (uint64_t)n);                       /* all but one */
    case 4: return ones((int)(r % 64)) << random_below(state, (uint64_t)n); /* a run of ones */
    default: return r;
    }
}

static inline uint64_t random_magnitude(enum fp_format f, uint64_t *state) {
    int n = shapes[f].fraction_bits;
    int64_t one = (int64_t)(ones(shapes[f].exponent_bits) >> 1);
    uint64_t r = random_next(state);
    uint64_t few = random_below(state, 5);

    switch (random_below(state, 24)) {
    case 0: return 0;
    case 1: return infinity_of(f);
    case 2: return quiet_of(f) | (r & ones(n - 1));
    case 3: return infinity_of(f) | (r & ones(n - 1)) | few; /* signaling, or infinity */
    case 4: return 1 + few;
    case 5: return ones(n) - few;
    case 6: return ones(n) + 1 + few;
    case 7: return infinity_of(f) - 1 - few;
    case 8: return r & ones(1 + (int)random_below(state, (uint64_t)n));
    case 9:
    case 10: return with_exponent(f, (int64_t)(r & ones(shapes[f].exponent_bits)), 0) + few - (few && r >> 63 ? 4 : 0);
    case 11: return with_exponent(f, 1 + (int64_t)few, random_fraction(f, state));
    case 12:
        return with_exponent(f, (int64_t)ones(shapes[f].exponent_bits) - 1 - (int64_t)few, random_fraction(f, state));
    case 13:
    case 14: return with_exponent(f, one - 2 + (int64_t)few, random_fraction(f, state));
    case 15:
    case 16: return with_exponent(f, one - 2 + (int64_t)(r % (uint64_t)(n + 4)), random_fraction(f, state));
    case 17:
    case 18: return with_exponent(f, one + (int64_t)(r % 67), random_fraction(f, state)); /* sizes of integers */
    case 19:
    case 20: return with_exponent(f, (int64_t)(r & ones(shapes[f].exponent_bits)), random_fraction(f, state));
    default: return r & (sign_of(f) - 1);
    }
}

static inline uint64_t random_number(enum fp_format f, uint64_t *state) {
    uint64_t magnitude = random_magnitude(f, state) & (sign_of(f) - 1);
    return random_next(state) & 1 ? magnitude : magnitude | sign_of(f);
}

/* A number near `a` in value, or with an exponent about as far away as a significand is long. */
static inline uint64_t random_near(enum fp_format f, uint64_t a, uint64_t *state) {
    uint64_t magnitude = a & (sign_of(f) - 1);
    uint64_t sign = random_next(state) & 1 ? sign_of(f) : 0;
    uint64_t r = random_next(state);
    int64_t reach = 2 * shapes[f].fraction_bits + 8;

    if (!is_plain(f, a)) return random_number(f, state);
    switch (random_below(state, 4)) {
    case 0: return magnitude | sign;
    case 1: return ((magnitude + r % 7 - 3) & (sign_of(f) - 1)) | sign;
    case 2: return with_exponent(f, biased_exponent(f, a) + (int64_t)(r % 5) - 2, random_fraction(f, state)) | sign;
    default:
        return with_exponent(f, biased_exponent(f, a) + (int64_t)(r % (uint64_t)reach) - reach / 2,
                             random_fraction(f, state)) |
               sign;
    }
}

/* A number whose product (or, with `inverse`, quotient) with `a` lies near an end of the range. */
static inline uint64_t random_complement(enum fp_format f, uint64_t a, bool inverse, uint64_t *state) {
    int64_t one = (int64_t)(ones(shapes[f].exponent_bits) >> 1);
    int64_t p = shapes[f].fraction_bits + 1;
    int64_t low = 1 - p - 3 + (int64_t)random_below(state, (uint64_t)p + 6);
    int64_t high = 2 * one - 2 + (int64_t)random_below(state, 5);
    int64_t goal = random_next(state) & 3 ? low : high;
    int64_t e = biased_exponent(f, a);
    uint64_t sign = random_next(state) & 1 ? sign_of(f) : 0;
    return with_exponent(f, inverse ? e - goal + one : goal - e + one, random_fraction(f, state)) | sign;
}

static inline struct operands random_operands(enum op op, enum fp_format f, uint64_t *state) {
    struct operands x = {.a = random_number(f, state), .b = random_number(f, state), .c = random_number(f, state)};
    uint64_t r = random_next(state);

    switch (op) {
    case ADD:
    case SUB:
        if (r & 1) x.b = random_near(f, x.a, state);
        break;
    case MUL:
    case DIV:
        if (r & 1) x.b = random_complement(f, x.a, op == DIV, state);
        break;
    case SQRT:
        if (r & 7) x.a &= ~sign_of(f);
        break;
    case FMA: {
        uint32_t ignored = 0;
        if (r & 1) x.b = random_complement(f, x.a, false, state);
        if (r & 2) x.c = random_near(f, fp_mul(f, x.a, x.b, FP_RNE, &ignored), state);
        break;
    }
    case OPS: break;
    }
    return x;
}

enum { CORNERS_MAX = 320 };

/* Every corner of a format, with both signs; returns their number. */
static inline int corners(enum fp_format f, uint64_t out[CORNERS_MAX]) {
    int n = shapes[f].fraction_bits, count = 0;
    int64_t one = (int64_t)(ones(shapes[f].exponent_bits) >> 1), top = 2 * one;
    const int64_t exponents[] = {1,        2,           one - n - 2, one - n - 1, one - 2,  one - 1,  one,
                                 one + 1,  one + n - 1, one + n,     one + n + 1, one + 30, one + 31, one + 32,
                                 one + 62, one + 63,    one + 64,    top - 1,     top};
    const uint64_t fractions[] = {0, 1, ones(n), UINT64_C(1) << (n - 1), (UINT64_C(1) << (n - 1)) + 1};
    const uint64_t others[] = {0,
                               1,
                               2,
                               3,
                               UINT64_C(1) << (n - 1),
                               ones(n) - 1,
                               ones(n),
                               infinity_of(f),
                               infinity_of(f) + 1,
                               quiet_of(f) - 1,
                               quiet_of(f),
                               quiet_of(f) + 1,
                               quiet_of(f) | ones(n)};

    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) out[count++] = others[i];
    for (unsigned i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        if (exponents[i] < 1 || exponents[i] > top) continue;
        for (unsigned k = 0; k < sizeof fractions / sizeof *fractions; k++)
            out[count++] = with_exponent(f, exponents[i], fractions[k]);
    }
    for (int i = 0; i < count; i++) out[count + i] = out[i] | sign_of(f);
    return 2 * count;
}

enum { SPECIALS_MAX = 24 };

/* The few corners of which every triple is worth a test; returns their number. */
static inline int specials(enum fp_format f, uint64_t out[SPECIALS_MAX]) {
    int n = shapes[f].fraction_bits;
    const uint64_t magnitudes[] = {0,
                                   1,
                                   ones(n),
                                   ones(n) + 1,
                                   one_of(f) - 1,
                                   one_of(f),
                                   infinity_of(f) - 1,
                                   infinity_of(f),
                                   infinity_of(f) + 1,
                                   quiet_of(f) + 1};
    int count = sizeof magnitudes / sizeof *magnitudes;

    for (int i = 0; i < count; i++) {
        out[2 * i] = magnitudes[i];
        out[2 * i + 1] = magnitudes[i] | sign_of(f);
    }
    return 2 * count;
}

#endif
