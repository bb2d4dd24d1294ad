/*
 * core/fp against exact rational arithmetic, in all five rounding modes and all formats, with no floating point of the
 * host; and directed cases for what a rational is no judge of: NaNs, infinities, zeros, classes, saturation.
 *
 * The judge holds the exact result as a fraction or a root, finds its two neighbours in the format by bisection over
 * the patterns, and picks one by the definition of the mode. It shares no rounding code with core/fp, which never
 * compares with neighbours.
 *
 * Usage: test_fp [seed [scale]]; scale multiplies the number of random operands.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fp_cases.h"

typedef unsigned __int128 wide;

static uint64_t seed = 1, scale = 1;

/* number * 2^exponent / divisor, or the square root of number * 2^exponent. Never 0, never negative. */
struct exact {
    wide number;
    int exponent;
    uint64_t divisor;
    bool root;
};

static int length(wide x) {
    uint64_t high = (uint64_t)(x >> 64), low = (uint64_t)x;
    return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
}

/* The order of a * 2^e and b * 2^g: negative, zero or positive. */
static int scaled_compare(wide a, int e, wide b, int g) {
    int la = length(a), lb = length(b);
    if (la == 0 || lb == 0) return (la != 0) - (lb != 0);
    if (e + la != g + lb) return e + la < g + lb ? -1 : 1;
    a <<= 128 - la;
    b <<= 128 - lb;
    return a < b ? -1 : a > b;
}

/* The order of x and m * 2^e; m has at most 55 bits. */
static int exact_compare(const struct exact *x, uint64_t m, int e) {
    if (x->root) return scaled_compare(x->number, x->exponent, (wide)m * m, 2 * e);
    return scaled_compare(x->number, x->exponent, (wide)m * x->divisor, e);
}

/* A finite magnitude as m * 2^e, where 2^e is the unit of its last place. */
static uint64_t value_of(enum fp_format f, uint64_t magnitude, int *e) {
    int n = shapes[f].fraction_bits;
    int lowest = 2 - (1 << (shapes[f].exponent_bits - 1)) - n;
    int biased = (int)(magnitude >> n);
    *e = biased ? lowest + biased - 1 : lowest;
    return biased ? (magnitude & ones(n)) | UINT64_C(1) << n : magnitude;
}

/* Whether a magnitude between two neighbours goes to the greater; `half` is its order with the middle of them. */
static bool goes_up(enum fp_round rm, bool sign, int half, bool lesser_is_odd) {
    switch (rm) {
    case FP_RNE: return half > 0 || (half == 0 && lesser_is_odd);
    case FP_RMM: return half >= 0;
    case FP_RTZ: return false;
    case FP_RDN: return sign;
    case FP_RUP: return !sign;
    }
    return false;
}

/* Whether x would round to less than the smallest normal number if the format had smaller exponents. */
static bool is_tiny(enum fp_format f, bool sign, const struct exact *x, enum fp_round rm) {
    int n = shapes[f].fraction_bits, e;
    uint64_t smallest = value_of(f, UINT64_C(1) << n, &e);
    uint64_t before = 2 * smallest - 1; /* the number before it, in halves */
    if (exact_compare(x, smallest, e) >= 0) return false;
    if (exact_compare(x, before, e - 1) <= 0) return true;
    return !goes_up(rm, sign, exact_compare(x, 2 * before + 1, e - 2), true);
}

static int compare_with(enum fp_format f, const struct exact *x, uint64_t magnitude) {
    int e;
    uint64_t m = value_of(f, magnitude, &e);
    return exact_compare(x, m, e);
}

/* The correctly rounded x. Starting from a guess saves time; the guess is not believed. */
static struct outcome judge(enum fp_format f, bool sign, const struct exact *x, enum fp_round rm, uint64_t guess) {
    uint64_t low = 0, high = infinity_of(f);
    int e;

    guess &= sign_of(f) - 1;
    if (guess > 2 && guess < high - 2) {
        if (compare_with(f, x, guess - 2) >= 0) low = guess - 2;
        if (compare_with(f, x, guess + 2) < 0) high = guess + 2;
    }
    while (high - low > 1) { /* low is at most x; x is less than high, or high is infinity */
        uint64_t middle = low + (high - low) / 2;
        if (compare_with(f, x, middle) >= 0)
            low = middle;
        else
            high = middle;
    }

    struct outcome r = {.bits = low};
    uint64_t m = value_of(f, low, &e);
    if (exact_compare(x, m, e) != 0) {
        bool up = goes_up(rm, sign, exact_compare(x, 2 * m + 1, e - 1), low & 1);
        bool beyond = low == infinity_of(f) - 1 && (up || exact_compare(x, m + 1, e) >= 0);
        r.bits += up;
        r.flags = beyond ? FP_OF | FP_NX : is_tiny(f, sign, x, rm) ? FP_UF | FP_NX : FP_NX;
    }
    if (sign) r.bits |= sign_of(f);
    return r;
}

/* A finite number as m * 2^e, signed. */
struct term {
    bool sign;
    wide m;
    int e;
};

static struct term term_of(enum fp_format f, uint64_t a) {
    struct term t = {.sign = (a & sign_of(f)) != 0};
    t.m = value_of(f, a & (sign_of(f) - 1), &t.e);
    return t;
}

/*
 * The sum of two terms of at most 106 bits. If it has more than 126 bits, then its first term exceeds the second by a
 * factor of 2^20 or more, and the low bits of the second, which only tell a rounding that it is inexact, become a one.
 */
static struct term term_sum(struct term a, struct term b) {
    if (a.m == 0 || b.m == 0) return a.m ? a : b;
    if (a.e < b.e) {
        struct term swap = a;
        a = b;
        b = swap;
    }
    int excess = length(a.m) + a.e - b.e - 126;
    if (excess > 0) {
        wide kept = excess < 127 ? b.m >> excess : 0;
        bool lost = excess >= 127 || kept << excess != b.m;
        b.m = kept | lost;
        b.e += excess;
    }
    a.m <<= a.e - b.e;
    if (a.sign == b.sign) return (struct term){a.sign, a.m + b.m, b.e};
    if (a.m >= b.m) return (struct term){a.sign, a.m - b.m, b.e};
    return (struct term){b.sign, b.m - a.m, b.e};
}

static void report(const char *what, enum fp_format f, struct operands x, enum fp_round rm, struct outcome got,
                   struct outcome want) {
    if (got.bits == want.bits && got.flags == want.flags) return;
    fail_msg("%s %s %s of %#llx %#llx %#llx: got %#llx flags %#x, want %#llx flags %#x", what, format_names[f],
             round_names[rm], (unsigned long long)x.a, (unsigned long long)x.b, (unsigned long long)x.c,
             (unsigned long long)got.bits, got.flags, (unsigned long long)want.bits, want.flags);
}

/*
 * Check one operation in every mode. If an operand is not plain, or the result is an exact zero, the rational is no
 * judge and the only claim is that ties away from zero differs in nothing from ties to even.
 */
static bool check_op(enum op op, enum fp_format f, struct operands x) {
    struct exact exact = {.divisor = 1};
    bool plain = is_plain(f, x.a) && (op == SQRT || is_plain(f, x.b)) &&
                 (op != FMA || is_plain(f, x.c) || !(x.c & (sign_of(f) - 1)));
    struct term a = term_of(f, x.a), b = term_of(f, x.b), c = term_of(f, x.c), t = {0};

    if (plain) {
        switch (op) {
        case ADD: t = term_sum(a, b); break;
        case SUB:
            b.sign = !b.sign;
            t = term_sum(a, b);
            break;
        case MUL: t = (struct term){a.sign != b.sign, a.m * b.m, a.e + b.e}; break;
        case DIV:
            t = (struct term){a.sign != b.sign, a.m, a.e - b.e};
            exact.divisor = (uint64_t)b.m;
            break;
        case SQRT:
            t = a;
            exact.root = true;
            break;
        case FMA: t = term_sum((struct term){a.sign != b.sign, a.m * b.m, a.e + b.e}, c); break;
        case OPS: break;
        }
        if (exact.root && t.sign) plain = false;
    }
    exact.number = t.m;
    exact.exponent = t.e;
    if (!plain || t.m == 0) {
        report(op_names[op], f, x, FP_RMM, op_run(op, f, x, FP_RMM), op_run(op, f, x, FP_RNE));
        return false;
    }
    for (enum fp_round rm = 0; rm <= FP_RMM; rm++) {
        struct outcome got = op_run(op, f, x, rm);
        report(op_names[op], f, x, rm, got, judge(f, t.sign, &exact, rm, got.bits));
    }
    return true;
}

static void test_ops_corners(void **state) {
    (void)state;
    for (enum fp_format f = 0; f <= FP_64; f++) {
        uint64_t v[CORNERS_MAX], s[SPECIALS_MAX];
        int n = corners(f, v), m = specials(f, s);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                for (enum op op = ADD; op <= DIV; op++) check_op(op, f, (struct operands){v[i], v[k], 0});
        for (int i = 0; i < m * m * m; i++) check_op(FMA, f, (struct operands){s[i % m], s[i / m % m], s[i / m / m]});
    }
}

static void test_ops_random(void **state) {
    uint64_t random = seed;
    (void)state;
    for (enum op op = ADD; op < OPS; op++) {
        for (enum fp_format f = 0; f <= FP_64; f++) {
            uint64_t judged = 0, count = 20000 * scale;
            for (uint64_t i = 0; i < count; i++) judged += check_op(op, f, random_operands(op, f, &random));
            assert_true(judged > count / 2);
        }
    }
}

/*
 * Sums of about 2 whose only inexact bit is 2^-127: the product is 2 - k * 2^-104 (then 2 + k * 2^-104), the
 * addend (then subtrahend) is k * 2^-104 + 2^-127.
 */
static void test_fma_last_bit(void **state) {
    static const struct operands cases[] = {
        {0x3ff8bdc6529611fd, 0x3ff4b1b2f2e26b9b, 0x3b4d222e68800001},
        {0x3ffd6a71c984e6a5, 0x3ff167d63ba9367b, 0xbb42b74fa3800001},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) assert_true(check_op(FMA, FP_64, cases[i]));
}

static void test_sqrt_every_f16(void **state) {
    (void)state;
    for (uint64_t a = 0; a < 0x10000; a++) check_op(SQRT, FP_16, (struct operands){a, 0, 0});
}

/* Conversions between formats and from integers are roundings of one term. */
static void check_to_fp(enum fp_format from, enum fp_format to, uint64_t a, enum fp_round rm) {
    struct term t = term_of(from, a);
    struct exact exact = {.number = t.m, .exponent = t.e, .divisor = 1};
    struct outcome got = {0}, want = {0};

    got.bits = fp_to_fp(from, to, a, rm, &got.flags);
    if (is_plain(from, a)) {
        want = judge(to, t.sign, &exact, rm, got.bits);
    } else if (is_nan(from, a)) {
        want.bits = quiet_of(to);
        want.flags = a & quiet_of(from) & ~infinity_of(from) ? 0 : FP_NV;
    } else {
        want.bits = (t.m ? infinity_of(to) : 0) | (t.sign ? sign_of(to) : 0);
    }
    report("to another format", from, (struct operands){a, to, 0}, rm, got, want);
}

static void check_from_int(enum fp_format f, uint64_t value, unsigned bits, bool is_signed, enum fp_round rm) {
    uint64_t cut = bits == 32 ? (uint32_t)value : value;
    bool sign = is_signed && cut >> (bits - 1);
    struct exact exact = {.number = sign ? ((wide)1 << bits) - cut : cut, .divisor = 1};
    struct outcome got = {0}, want = {0};

    got.bits = fp_from_int(f, value, bits, is_signed, rm, &got.flags);
    if (cut != 0) want = judge(f, sign, &exact, rm, got.bits);
    report("from an integer", f, (struct operands){value, bits, is_signed}, rm, got, want);
}

/* The magnitude of a plain number rounded to an integer; above 2^64 any such number, exactly enough. */
static wide rounded_unit(enum fp_format f, uint64_t a, enum fp_round rm, bool *inexact) {
    struct term t = term_of(f, a);
    wide whole;
    int half;

    *inexact = false;
    if (t.e >= 0) return t.e > 64 ? (wide)1 << 120 : t.m << t.e;
    whole = t.e <= -64 ? 0 : t.m >> -t.e;
    *inexact = scaled_compare(t.m, t.e, whole, 0) != 0;
    half = scaled_compare(t.m, t.e, 2 * whole + 1, -1);
    return whole + (*inexact && goes_up(rm, t.sign, half, whole & 1));
}

static void check_to_int(enum fp_format f, uint64_t a, unsigned bits, bool is_signed, enum fp_round rm) {
    uint64_t max = is_signed ? ones((int)bits - 1) : ones((int)bits);
    uint64_t least = is_signed ? ones((int)bits - 1) + 1 : 0; /* the magnitude of the smallest integer */
    bool nan = is_nan(f, a), sign = !nan && (a & sign_of(f)), inexact = false;
    wide magnitude = 0, limit = sign ? least : max;
    struct outcome got = {0}, want = {0};

    if (is_plain(f, a))
        magnitude = rounded_unit(f, a, rm, &inexact);
    else if (a & (sign_of(f) - 1))
        magnitude = (wide)1 << 120;
    want.flags = magnitude > limit ? FP_NV : inexact ? FP_NX : 0;
    if (magnitude > limit) magnitude = limit;
    want.bits = (sign ? -(uint64_t)magnitude : (uint64_t)magnitude) & ones((int)bits);
    got.bits = fp_to_int(f, a, bits, is_signed, rm, &got.flags);
    report("to an integer", f, (struct operands){a, bits, is_signed}, rm, got, want);
}

static void check_round_int(enum fp_format f, uint64_t a, enum fp_round rm) {
    struct outcome got = {0}, want = {.bits = a};
    bool inexact;

    got.bits = fp_round_int(f, a, rm, true, &got.flags);
    if (is_nan(f, a)) {
        want.bits = quiet_of(f);
        want.flags = a & quiet_of(f) & ~infinity_of(f) ? 0 : FP_NV;
    } else if (is_plain(f, a) && term_of(f, a).e < 0) {
        wide magnitude = rounded_unit(f, a, rm, &inexact);
        struct exact exact = {.number = magnitude, .divisor = 1};
        want.bits = magnitude ? judge(f, a & sign_of(f), &exact, rm, got.bits).bits : a & sign_of(f);
        want.flags = inexact ? FP_NX : 0;
    }
    report("to integral", f, (struct operands){a, 0, 0}, rm, got, want);
    got.flags = 0;
    want.flags &= ~(uint32_t)FP_NX;
    got.bits = fp_round_int(f, a, rm, false, &got.flags);
    report("to integral, quietly,", f, (struct operands){a, 0, 0}, rm, got, want);
}

static void check_to_int_mod(enum fp_format f, uint64_t a) {
    struct outcome got = {0}, want = {0};

    if (is_plain(f, a)) {
        struct term t = term_of(f, a);
        uint32_t low = t.e >= 32 ? 0 : t.e >= 0 ? (uint32_t)(t.m << t.e) : t.e <= -64 ? 0 : (uint32_t)(t.m >> -t.e);
        want.bits = t.sign ? -low : low;
    }
    fp_to_int(f, a, 32, true, FP_RTZ, &want.flags);
    got.bits = fp_to_int_mod(f, a, &got.flags);
    report("to an integer modulo 2^32", f, (struct operands){a, 0, 0}, FP_RTZ, got, want);
}

static void check_conversions(enum fp_format f, uint64_t a) {
    for (enum fp_round rm = 0; rm <= FP_RMM; rm++) {
        for (enum fp_format to = 0; to <= FP_64; to++) check_to_fp(f, to, a, rm);
        check_to_int(f, a, 32, false, rm);
        check_to_int(f, a, 32, true, rm);
        check_to_int(f, a, 64, false, rm);
        check_to_int(f, a, 64, true, rm);
        check_round_int(f, a, rm);
    }
    check_to_int_mod(f, a);
}

static void test_conversions(void **state) {
    uint64_t random = seed;
    (void)state;
    for (uint64_t a = 0; a < 0x10000; a++) check_conversions(FP_16, a);
    for (enum fp_format f = FP_32; f <= FP_64; f++) {
        uint64_t v[CORNERS_MAX];
        int n = corners(f, v);
        for (int i = 0; i < n; i++) check_conversions(f, v[i]);
        for (uint64_t i = 0; i < 50000 * scale; i++) check_conversions(f, random_number(f, &random));
    }
    /* Around the ends of the narrower formats. */
    for (uint64_t i = 0; i < 50000 * scale; i++) {
        uint64_t a = random_next(&random), fraction = random_fraction(FP_64, &random);
        check_conversions(FP_64,
                          with_exponent(FP_64, 1023 - 155 + (int64_t)(a % 290), fraction) | (a & sign_of(FP_64)));
        check_conversions(FP_64, with_exponent(FP_64, 1023 - 28 + (int64_t)(a % 48), fraction) | (a & sign_of(FP_64)));
    }
}

static void check_from_int_all(uint64_t value) {
    for (enum fp_format f = 0; f <= FP_64; f++)
        for (enum fp_round rm = 0; rm <= FP_RMM; rm++)
            for (int k = 0; k < 4; k++) check_from_int(f, value, k & 1 ? 64 : 32, k & 2, rm);
}

static void test_from_int(void **state) {
    uint64_t random = seed;
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        for (uint64_t near = 0; near < 9; near++) {
            check_from_int_all((UINT64_C(1) << bit) + near - 4);
            check_from_int_all(-(UINT64_C(1) << bit) + near - 4);
            check_from_int_all((UINT64_C(3) << bit >> 1) + near - 4); /* half of a unit */
        }
    }
    for (uint64_t i = 0; i < 20000 * scale; i++)
        check_from_int_all((random_next(&random) & 1 ? -UINT64_C(1) : 1) *
                           (random_fraction(FP_64, &random) >> random_below(&random, 40)));
}

/* Ties, which tell ties away from zero from ties to even, and its results at the ends of the range. */
static void test_ties_away(void **state) {
    static const struct {
        enum op op;
        enum fp_format format;
        struct operands x;
        struct outcome rne, rmm;
    } cases[] = {
        /* 1 + 2^-11, 1 + 2^-24, 1 + 2^-53; and minus the same */
        {ADD, FP_16, {0x3c00, 0x1000, 0}, {0x3c00, FP_NX}, {0x3c01, FP_NX}},
        {ADD, FP_32, {0x3f800000, 0x33800000, 0}, {0x3f800000, FP_NX}, {0x3f800001, FP_NX}},
        {ADD, FP_32, {0xbf800000, 0xb3800000, 0}, {0xbf800000, FP_NX}, {0xbf800001, FP_NX}},
        {ADD,
         FP_64,
         {0x3ff0000000000000, 0x3ca0000000000000, 0},
         {0x3ff0000000000000, FP_NX},
         {0x3ff0000000000001, FP_NX}},
        /* just below the tie: both stay */
        {ADD, FP_32, {0x3f800000, 0x337fffff, 0}, {0x3f800000, FP_NX}, {0x3f800000, FP_NX}},
        /* half of the least subnormal number */
        {MUL, FP_32, {0x00000001, 0x3f000000, 0}, {0x00000000, FP_NX | FP_UF}, {0x00000001, FP_NX | FP_UF}},
        {DIV,
         FP_64,
         {0x8000000000000001, 0x4000000000000000, 0},
         {0x8000000000000000, FP_NX | FP_UF},
         {0x8000000000000001, FP_NX | FP_UF}},
        /* three halves of it: both go to two */
        {MUL, FP_32, {0x00000003, 0x3f000000, 0}, {0x00000002, FP_NX | FP_UF}, {0x00000002, FP_NX | FP_UF}},
        /* five halves of it */
        {MUL, FP_32, {0x00000005, 0x3f000000, 0}, {0x00000002, FP_NX | FP_UF}, {0x00000003, FP_NX | FP_UF}},
        /* the largest number plus half of its last place: a tie with 2^128, which both round to infinity */
        {ADD, FP_32, {0x7f7fffff, 0x73000000, 0}, {0x7f800000, FP_NX | FP_OF}, {0x7f800000, FP_NX | FP_OF}},
        {ADD, FP_32, {0x7f7fffff, 0x72ffffff, 0}, {0x7f7fffff, FP_NX}, {0x7f7fffff, FP_NX}},
        /* the exact zero of a difference is positive in both */
        {SUB, FP_32, {0x3f800000, 0x3f800000, 0}, {0, 0}, {0, 0}},
        /* (1 + 2^-12)^2 - (1 + 2^-11 + 2^-23): a tie made by the product alone */
        {FMA, FP_32, {0x3f800800, 0x3f800800, 0xbf801001}, {0xb3800000, 0}, {0xb3800000, 0}},
        {FMA, FP_32, {0x3f800800, 0x3f800800, 0}, {0x3f801000, FP_NX}, {0x3f801001, FP_NX}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum fp_format f = cases[i].format;
        report(op_names[cases[i].op], f, cases[i].x, FP_RNE, op_run(cases[i].op, f, cases[i].x, FP_RNE), cases[i].rne);
        report(op_names[cases[i].op], f, cases[i].x, FP_RMM, op_run(cases[i].op, f, cases[i].x, FP_RMM), cases[i].rmm);
    }
}

static void test_ties_to_integers(void **state) {
    /* halves from -3.5 to 3.5 as binary32, and the integer of each mode */
    static const struct {
        uint32_t a;
        int32_t want[ROUNDS];
    } cases[] = {
        {0xc0600000, {-4, -3, -4, -3, -4}}, {0xc0200000, {-2, -2, -3, -2, -3}}, {0xbfc00000, {-2, -1, -2, -1, -2}},
        {0xbf000000, {0, 0, -1, 0, -1}},    {0x3f000000, {0, 0, 0, 1, 1}},      {0x3fc00000, {2, 1, 1, 2, 2}},
        {0x40200000, {2, 2, 2, 3, 3}},      {0x40600000, {4, 3, 3, 4, 4}},      {0x3effffff, {0, 0, 0, 1, 0}},
        {0xbeffffff, {0, 0, -1, 0, 0}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (enum fp_round rm = 0; rm <= FP_RMM; rm++) {
            struct outcome got = {0}, want = {(uint32_t)cases[i].want[rm], FP_NX};
            got.bits = fp_to_int(FP_32, cases[i].a, 32, true, rm, &got.flags);
            report("to an integer", FP_32, (struct operands){cases[i].a, 32, 1}, rm, got, want);
        }
    }
}

/* Results that no rational number describes. */
static void test_special_results(void **state) {
    enum { ONE = 0x3f800000, INF = 0x7f800000, MAX = 0x7f7fffff, QUIET = 0x7fc00000, SIGNALING = 0x7f800001 };
    const uint64_t minus = 0x80000000, payload = 0xffc12345;
    const struct {
        enum op op;
        struct operands x;
        enum fp_round rm;
        struct outcome want;
    } cases[] = {
        {ADD, {INF, INF | minus, 0}, FP_RNE, {QUIET, FP_NV}},
        {SUB, {INF, INF, 0}, FP_RNE, {QUIET, FP_NV}},
        {ADD, {INF, INF, 0}, FP_RNE, {INF, 0}},
        {SUB, {INF | minus, MAX, 0}, FP_RNE, {INF | minus, 0}},
        {ADD, {payload, ONE, 0}, FP_RNE, {QUIET, 0}},
        {ADD, {payload, SIGNALING, 0}, FP_RNE, {QUIET, FP_NV}},
        {SUB, {ONE, SIGNALING | minus, 0}, FP_RNE, {QUIET, FP_NV}},
        {ADD, {0, minus, 0}, FP_RNE, {0, 0}},
        {ADD, {0, minus, 0}, FP_RDN, {minus, 0}},
        {ADD, {minus, minus, 0}, FP_RUP, {minus, 0}},
        {SUB, {ONE, ONE, 0}, FP_RUP, {0, 0}},
        {SUB, {ONE, ONE, 0}, FP_RDN, {minus, 0}},
        {SUB, {minus, 0, 0}, FP_RNE, {minus, 0}},
        {MUL, {INF, 0, 0}, FP_RNE, {QUIET, FP_NV}},
        {MUL, {minus, INF | minus, 0}, FP_RNE, {QUIET, FP_NV}},
        {MUL, {INF, ONE | minus, 0}, FP_RNE, {INF | minus, 0}},
        {MUL, {minus, MAX, 0}, FP_RDN, {minus, 0}},
        {DIV, {0, 0, 0}, FP_RNE, {QUIET, FP_NV}},
        {DIV, {INF, INF | minus, 0}, FP_RNE, {QUIET, FP_NV}},
        {DIV, {ONE, minus, 0}, FP_RTZ, {INF | minus, FP_DZ}},
        {DIV, {INF, 0, 0}, FP_RNE, {INF, 0}},
        {DIV, {ONE, INF | minus, 0}, FP_RUP, {minus, 0}},
        {DIV, {minus, ONE, 0}, FP_RNE, {minus, 0}},
        {DIV, {0, payload, 0}, FP_RNE, {QUIET, 0}},
        {SQRT, {minus, 0, 0}, FP_RNE, {minus, 0}},
        {SQRT, {INF, 0, 0}, FP_RNE, {INF, 0}},
        {SQRT, {INF | minus, 0, 0}, FP_RNE, {QUIET, FP_NV}},
        {SQRT, {1 | minus, 0, 0}, FP_RNE, {QUIET, FP_NV}},
        {SQRT, {payload, 0, 0}, FP_RNE, {QUIET, 0}},
        {FMA, {INF, 0, QUIET}, FP_RNE, {QUIET, FP_NV}},
        {FMA, {minus, INF, payload}, FP_RNE, {QUIET, FP_NV}},
        {FMA, {INF, 0, ONE}, FP_RNE, {QUIET, FP_NV}},
        {FMA, {INF, ONE, INF | minus}, FP_RNE, {QUIET, FP_NV}},
        {FMA, {INF, ONE, payload}, FP_RNE, {QUIET, 0}},
        {FMA, {QUIET, 0, SIGNALING}, FP_RNE, {QUIET, FP_NV}},
        {FMA, {MAX, MAX, INF | minus}, FP_RNE, {INF | minus, 0}},
        {FMA, {0, ONE, minus}, FP_RNE, {0, 0}},
        {FMA, {0, ONE, minus}, FP_RDN, {minus, 0}},
        {FMA, {ONE, ONE, ONE | minus}, FP_RDN, {minus, 0}},
        {FMA, {minus, ONE, minus}, FP_RUP, {minus, 0}},
        {FMA, {0, ONE, 1}, FP_RUP, {1, 0}},
        {MUL, {MAX, MAX, 0}, FP_RTZ, {MAX, FP_OF | FP_NX}},
        {MUL, {MAX, MAX, 0}, FP_RDN, {MAX, FP_OF | FP_NX}},
        {MUL, {MAX, MAX | minus, 0}, FP_RUP, {MAX | minus, FP_OF | FP_NX}},
        {MUL, {MAX, MAX | minus, 0}, FP_RDN, {INF | minus, FP_OF | FP_NX}},
        /* tiny before rounding, not after it: the greatest number below 1 times the smallest normal number, up */
        {MUL, {0x3f7fffff, 0x00800000, 0}, FP_RNE, {0x00800000, FP_UF | FP_NX}},
        {MUL, {0x3f7fffff, 0x00800001, 0}, FP_RNE, {0x00800000, FP_NX}},
        /* tiny and exact does not underflow */
        {MUL, {0x3f000000, 0x00800000, 0}, FP_RNE, {0x00400000, 0}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        report(op_names[cases[i].op], FP_32, cases[i].x, cases[i].rm,
               op_run(cases[i].op, FP_32, cases[i].x, cases[i].rm), cases[i].want);
}

/* The order of numbers by their definition: -1, 0, 1; 2 if unordered. */
static int order_of(enum fp_format f, uint64_t a, uint64_t b) {
    struct term x = term_of(f, a), y = term_of(f, b);
    if (is_nan(f, a) || is_nan(f, b)) return 2;
    if (x.sign != y.sign && (x.m || y.m)) return x.sign ? -1 : 1;
    int order = scaled_compare(x.m, x.e, y.m, y.e); /* infinity counts as the next power of two */
    return x.sign ? -order : order;
}

static void check_order(enum fp_format f, uint64_t a, uint64_t b) {
    struct operands x = {a, b, 0};
    int order = order_of(f, a, b);
    uint32_t quiet = fp_is_snan(f, a) || fp_is_snan(f, b) ? FP_NV : 0, loud = order == 2 ? FP_NV : 0;
    bool a_first = order < 0 || (order == 0 && (a & sign_of(f))); /* as a minimum: -0 before +0 */
    uint64_t least = a_first ? a : b, most = a_first ? b : a;
    uint64_t nan = quiet_of(f), number = !is_nan(f, a) ? a : !is_nan(f, b) ? b : nan;
    const struct {
        const char *name;
        uint64_t (*run)(enum fp_format f, uint64_t a, uint64_t b, uint32_t *flags);
        struct outcome want;
    } cases[] = {
        {"eq", fp_eq, {order == 0, quiet}},
        {"lt", fp_lt, {order == -1, loud}},
        {"le", fp_le, {order <= 0, loud}},
        {"ltq", fp_ltq, {order == -1, quiet}},
        {"leq", fp_leq, {order <= 0, quiet}},
        {"min", fp_min, {order == 2 ? number : least, quiet}},
        {"max", fp_max, {order == 2 ? number : most, quiet}},
        {"minimum", fp_minimum, {order == 2 ? nan : least, quiet}},
        {"maximum", fp_maximum, {order == 2 ? nan : most, quiet}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome got = {0};
        got.bits = cases[i].run(f, a, b, &got.flags);
        report(cases[i].name, f, x, FP_RNE, got, cases[i].want);
    }
}

static void test_order(void **state) {
    uint64_t random = seed;
    (void)state;
    for (enum fp_format f = 0; f <= FP_64; f++) {
        uint64_t v[CORNERS_MAX];
        int n = corners(f, v);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++) check_order(f, v[i], v[k]);
        for (uint64_t i = 0; i < 50000 * scale; i++) {
            struct operands x = random_operands(ADD, f, &random);
            check_order(f, x.a, x.b);
        }
    }
}

static void test_constants_and_classes(void **state) {
    static const struct {
        enum fp_format format;
        unsigned width;
        uint64_t sign, canonical;
        uint64_t of_class[10];
    } rows[] = {
        {FP_16, 16, 0x8000, 0x7e00, {0xfc00, 0x8400, 0x83ff, 0x8000, 0x0000, 0x0001, 0x7bff, 0x7c00, 0x7dff, 0xfe00}},
        {FP_32,
         32,
         0x80000000,
         0x7fc00000,
         {0xff800000, 0xff7fffff, 0x80000001, 0x80000000, 0, 0x007fffff, 0x00800000, 0x7f800000, 0xff800001,
          0x7fffffff}},
        {FP_64,
         64,
         0x8000000000000000,
         0x7ff8000000000000,
         {0xfff0000000000000, 0x8010000000000000, 0x800fffffffffffff, 0x8000000000000000, 0, 1, 0x7fefffffffffffff,
          0x7ff0000000000000, 0x7ff7ffffffffffff, 0xfff8000000000000}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum fp_format f = rows[i].format;
        assert_int_equal(fp_width(f), rows[i].width);
        assert_int_equal(fp_sign_mask(f), rows[i].sign);
        assert_int_equal(fp_canonical(f), rows[i].canonical);
        for (int k = 0; k < 10; k++) {
            assert_int_equal(fp_class(f, rows[i].of_class[k]), 1 << k);
            assert_int_equal(fp_is_nan(f, rows[i].of_class[k]), k >= 8);
            assert_int_equal(fp_is_snan(f, rows[i].of_class[k]), k == 8);
        }
    }
}

/* The values that the RISC-V manual tabulates (table "Domains of float-to-integer conversions"), and ToInt32. */
static void test_integer_limits(void **state) {
    static const struct {
        uint64_t a;
        unsigned bits;
        bool is_signed;
        struct outcome want;
    } cases[] = {
        {0xc1e0000000000000, 32, true, {0x80000000, 0}},          /* -2^31 */
        {0xc1e0000000100000, 32, true, {0x80000000, FP_NX}},      /* -2^31 - 1/2 */
        {0xc1e0000000200000, 32, true, {0x80000000, FP_NV}},      /* -2^31 - 1 */
        {0x41dfffffffe00000, 32, true, {0x7fffffff, FP_NX}},      /* 2^31 - 1/2 */
        {0x41e0000000000000, 32, true, {0x7fffffff, FP_NV}},      /* 2^31 */
        {0xbfefffffffffffff, 32, false, {0, FP_NX}},              /* just above -1 */
        {0xbff0000000000000, 32, false, {0, FP_NV}},              /* -1 */
        {0x41efffffffe00000, 32, false, {0xffffffff, 0}},         /* 2^32 - 1 */
        {0x41f0000000000000, 32, false, {0xffffffff, FP_NV}},     /* 2^32 */
        {0xc3e0000000000000, 64, true, {0x8000000000000000, 0}},  /* -2^63 */
        {0x43e0000000000000, 64, true, {INT64_MAX, FP_NV}},       /* 2^63 */
        {0x43efffffffffffff, 64, false, {0xfffffffffffff800, 0}}, /* 2^64 - 2^11 */
        {0x43f0000000000000, 64, false, {UINT64_MAX, FP_NV}},     /* 2^64 */
        {0xfff0000000000000, 64, true, {0x8000000000000000, FP_NV}},
        {0xfff0000000000000, 32, false, {0, FP_NV}},
        {0x7ff0000000000000, 32, false, {0xffffffff, FP_NV}},
        {0xfff8000000000000, 32, true, {0x7fffffff, FP_NV}},
        {0xfff8000000000000, 64, false, {UINT64_MAX, FP_NV}},
    };
    static const struct {
        uint64_t a;
        struct outcome want;
    } modulo[] = {
        {0x41e0000000000000, {0x80000000, FP_NV}},                                            /* 2^31 */
        {0xc1e0000000000000, {0x80000000, 0}},                                                /* -2^31 */
        {0x41f0000000180000, {1, FP_NV}},                                                     /* 2^32 + 1.5 */
        {0xc1f0000000180000, {0xffffffff, FP_NV}},                                            /* minus that */
        {0x4340000000000001, {2, FP_NV}},                                                     /* 2^53 + 2 */
        {0x4530000000000001, {0, FP_NV}},                                                     /* 2^84 + 2^32 */
        {0x4520000000000001, {0x80000000, FP_NV}},                                            /* 2^83 + 2^31 */
        {0x7fefffffffffffff, {0, FP_NV}},          {0xbff8000000000000, {0xffffffff, FP_NX}}, /* -1.5 */
        {0x8000000000000001, {0, FP_NX}},          {0x7ff0000000000000, {0, FP_NV}},
        {0x7ff8000000000000, {0, FP_NV}},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome got = {0};
        got.bits = fp_to_int(FP_64, cases[i].a, cases[i].bits, cases[i].is_signed, FP_RTZ, &got.flags);
        report("to an integer", FP_64, (struct operands){cases[i].a, cases[i].bits, cases[i].is_signed}, FP_RTZ, got,
               cases[i].want);
    }
    for (unsigned i = 0; i < sizeof modulo / sizeof *modulo; i++) {
        struct outcome got = {0};
        got.bits = fp_to_int_mod(FP_64, modulo[i].a, &got.flags);
        report("to an integer modulo 2^32", FP_64, (struct operands){modulo[i].a, 0, 0}, FP_RTZ, got, modulo[i].want);
    }
}

/* Exceptions accumulate, and bits above a narrow operand are ignored. */
static void test_contract(void **state) {
    const uint64_t high = 0xdeadbeef00000000;
    uint32_t flags = FP_DZ;
    (void)state;

    assert_int_equal(fp_add(FP_32, 0x3f800000, 0x33800000, FP_RNE, &flags), 0x3f800000);
    assert_int_equal(flags, FP_DZ | FP_NX);
    assert_int_equal(fp_mul(FP_32, 0x3f800000, 0x3f800000, FP_RNE, &flags), 0x3f800000);
    assert_int_equal(flags, FP_DZ | FP_NX);

    flags = 0;
    for (enum fp_round rm = 0; rm <= FP_RMM; rm++) {
        assert_int_equal(fp_add(FP_32, high | 0x3f800000, high | 0xc0000000, rm, &flags), 0xbf800000);
        assert_int_equal(fp_fma(FP_32, high | 0x3f800000, high, high | 0x40000000, rm, &flags), 0x40000000);
        assert_int_equal(fp_to_fp(FP_16, FP_64, high | 0x55553c00, rm, &flags), 0x3ff0000000000000);
        assert_int_equal(fp_round_int(FP_32, high | 0xbf800000, rm, true, &flags), 0xbf800000);
    }
    assert_int_equal(fp_sqrt(FP_16, high | 0xffff4400, FP_RNE, &flags), 0x4000);
    assert_int_equal(fp_min(FP_32, high | 0x3f800000, high | 0x40000000, &flags), 0x3f800000);
    assert_int_equal(fp_max(FP_32, high | 0x3f800000, high | 0x7fc00000, &flags), 0x3f800000);
    assert_int_equal(fp_eq(FP_32, high | 0x3f800000, 0x3f800000, &flags), 1);
    assert_int_equal(fp_class(FP_32, high | 0x3f800000), 1 << 6);
    assert_int_equal(fp_from_int(FP_64, high | 0x80000000, 32, true, FP_RNE, &flags), 0xc1e0000000000000);
    assert_int_equal(flags, 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants_and_classes),
        cmocka_unit_test(test_special_results),
        cmocka_unit_test(test_ties_away),
        cmocka_unit_test(test_ties_to_integers),
        cmocka_unit_test(test_integer_limits),
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_ops_corners),
        cmocka_unit_test(test_ops_random),
        cmocka_unit_test(test_fma_last_bit),
        cmocka_unit_test(test_sqrt_every_f16),
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_from_int),
    };
    if (argc > 1) seed = strtoull(argv[1], NULL, 0);
    if (argc > 2) scale = strtoull(argv[2], NULL, 0);
    return cmocka_run_group_tests_name("core/fp", tests, NULL, NULL);
}
