/*
 * core/fp against the floating point of an x86-64 host: results and sticky exceptions in its four rounding modes.
 *
 * Every host instruction runs inside one asm statement with its own MXCSR, so no compiler option and no surrounding
 * code matters. What x86 defines differently is translated in one place each: a NaN result is compared as the canonical
 * NaN, infinity times zero plus a quiet NaN is invalid here, an integer out of range saturates here. Ties away from
 * zero, unsigned and saturating conversions, and hosts of other kinds are left to test_fp.c.
 *
 * Usage: test_fp_host [seed [scale]]; scale multiplies the number of random operands.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fp_cases.h"

#if defined(__x86_64__)

#include <cpuid.h>

static uint64_t seed = 1, scale = 1;

static const enum fp_round rounds[] = {FP_RNE, FP_RTZ, FP_RDN, FP_RUP};

static uint32_t mxcsr_for(enum fp_round rm) {
    static const uint32_t control[] = {[FP_RNE] = 0, [FP_RDN] = 1, [FP_RUP] = 2, [FP_RTZ] = 3};
    return 0x1f80 | control[rm] << 13;
}

static uint32_t flags_from(uint32_t mxcsr) {
    return (mxcsr & 0x01 ? FP_NV : 0) | (mxcsr & 0x04 ? FP_DZ : 0) | (mxcsr & 0x08 ? FP_OF : 0) |
           (mxcsr & 0x10 ? FP_UF : 0) | (mxcsr & 0x20 ? FP_NX : 0);
}

/* Runs one instruction; `d` is the xmm register of type `type` that it reads and writes, `s` and `t` are more inputs.
 */
#define HOST_INSTRUCTION(name, type, instruction)                                                                      \
    static struct outcome name(struct operands x, enum fp_round rm) {                                                  \
        uint32_t mine, in = mxcsr_for(rm), out;                                                                        \
        type d, s, t;                                                                                                  \
        memcpy(&d, &x.a, sizeof d);                                                                                    \
        memcpy(&s, &x.b, sizeof s);                                                                                    \
        memcpy(&t, &x.c, sizeof t);                                                                                    \
        __asm__ volatile("stmxcsr %[mine]\n\tldmxcsr %[in]\n\t" instruction "\n\tstmxcsr %[out]\n\tldmxcsr %[mine]"    \
                         : [d] "+&x"(d), [mine] "=&m"(mine), [out] "=&m"(out)                                          \
                         : [s] "x"(s), [t] "x"(t), [in] "m"(in));                                                      \
        struct outcome r = {.flags = flags_from(out)};                                                                 \
        memcpy(&r.bits, &d, sizeof d);                                                                                 \
        return r;                                                                                                      \
    }

/* The same from an xmm register to a general register, from a general register, and to the flags of a comparison. */
#define HOST_TO_INT(name, type, integer, instruction)                                                                  \
    static struct outcome name(uint64_t a, enum fp_round rm) {                                                         \
        uint32_t mine, in = mxcsr_for(rm), out;                                                                        \
        type s;                                                                                                        \
        integer d;                                                                                                     \
        memcpy(&s, &a, sizeof s);                                                                                      \
        __asm__ volatile("stmxcsr %[mine]\n\tldmxcsr %[in]\n\t" instruction                                            \
                         " %[s], %[d]\n\tstmxcsr %[out]\n\tldmxcsr %[mine]"                                            \
                         : [d] "=&r"(d), [mine] "=&m"(mine), [out] "=&m"(out)                                          \
                         : [s] "x"(s), [in] "m"(in));                                                                  \
        return (struct outcome){.bits = d, .flags = flags_from(out)};                                                  \
    }

#define HOST_FROM_INT(name, type, integer, instruction)                                                                \
    static struct outcome name(uint64_t a, enum fp_round rm) {                                                         \
        uint32_t mine, in = mxcsr_for(rm), out;                                                                        \
        type d = 0;                                                                                                    \
        integer s = (integer)a;                                                                                        \
        __asm__ volatile("stmxcsr %[mine]\n\tldmxcsr %[in]\n\t" instruction                                            \
                         " %[s], %[d]\n\tstmxcsr %[out]\n\tldmxcsr %[mine]"                                            \
                         : [d] "+&x"(d), [mine] "=&m"(mine), [out] "=&m"(out)                                          \
                         : [s] "r"(s), [in] "m"(in));                                                                  \
        struct outcome r = {.flags = flags_from(out)};                                                                 \
        memcpy(&r.bits, &d, sizeof d);                                                                                 \
        return r;                                                                                                      \
    }

/* Bit 0 of the result: less; bit 1: equal; bit 2: unordered. */
#define HOST_COMPARE(name, type, instruction)                                                                          \
    static struct outcome name(uint64_t a, uint64_t b) {                                                               \
        uint32_t mine, in = mxcsr_for(FP_RNE), out;                                                                    \
        uint8_t below, equal, parity;                                                                                  \
        type x, y;                                                                                                     \
        memcpy(&x, &a, sizeof x);                                                                                      \
        memcpy(&y, &b, sizeof y);                                                                                      \
        __asm__ volatile(                                                                                              \
            "stmxcsr %[mine]\n\tldmxcsr %[in]\n\t" instruction                                                         \
            " %[y], %[x]\n\tsetb %[below]\n\tsete %[equal]\n\tsetp %[parity]\n\tstmxcsr %[out]\n\t"                    \
            "ldmxcsr %[mine]"                                                                                          \
            : [below] "=&r"(below), [equal] "=&r"(equal), [parity] "=&r"(parity), [mine] "=&m"(mine), [out] "=&m"(out) \
            : [x] "x"(x), [y] "x"(y), [in] "m"(in)                                                                     \
            : "cc");                                                                                                   \
        uint64_t bits = parity ? 4 : (uint64_t)(below | equal << 1);                                                   \
        return (struct outcome){.bits = bits, .flags = flags_from(out)};                                               \
    }

HOST_INSTRUCTION(add_ss, float, "addss %[s], %[d]")
HOST_INSTRUCTION(sub_ss, float, "subss %[s], %[d]")
HOST_INSTRUCTION(mul_ss, float, "mulss %[s], %[d]")
HOST_INSTRUCTION(div_ss, float, "divss %[s], %[d]")
HOST_INSTRUCTION(sqrt_ss, float, "sqrtss %[d], %[d]")
HOST_INSTRUCTION(fma_ss, float, "vfmadd213ss %[t], %[s], %[d]")
HOST_INSTRUCTION(add_sd, double, "addsd %[s], %[d]")
HOST_INSTRUCTION(sub_sd, double, "subsd %[s], %[d]")
HOST_INSTRUCTION(mul_sd, double, "mulsd %[s], %[d]")
HOST_INSTRUCTION(div_sd, double, "divsd %[s], %[d]")
HOST_INSTRUCTION(sqrt_sd, double, "sqrtsd %[d], %[d]")
HOST_INSTRUCTION(fma_sd, double, "vfmadd213sd %[t], %[s], %[d]")
HOST_INSTRUCTION(round_ss, float, "roundss $4, %[d], %[d]")
HOST_INSTRUCTION(round_sd, double, "roundsd $4, %[d], %[d]")
HOST_INSTRUCTION(roundq_ss, float, "roundss $12, %[d], %[d]")
HOST_INSTRUCTION(roundq_sd, double, "roundsd $12, %[d], %[d]")
HOST_INSTRUCTION(ss_to_sd, double, "cvtss2sd %[d], %[d]")
HOST_INSTRUCTION(sd_to_ss, double, "cvtsd2ss %[d], %[d]")
HOST_INSTRUCTION(ph_to_ss, float, "vcvtph2ps %[d], %[d]")
HOST_INSTRUCTION(ss_to_ph, float, "vcvtps2ph $4, %[d], %[d]")
HOST_TO_INT(ss_to_i32, float, uint32_t, "cvtss2si")
HOST_TO_INT(ss_to_i64, float, uint64_t, "cvtss2si")
HOST_TO_INT(sd_to_i32, double, uint32_t, "cvtsd2si")
HOST_TO_INT(sd_to_i64, double, uint64_t, "cvtsd2si")
HOST_FROM_INT(i32_to_ss, float, uint32_t, "cvtsi2ssl")
HOST_FROM_INT(i64_to_ss, float, uint64_t, "cvtsi2ssq")
HOST_FROM_INT(i32_to_sd, double, uint32_t, "cvtsi2sdl")
HOST_FROM_INT(i64_to_sd, double, uint64_t, "cvtsi2sdq")
HOST_COMPARE(comi_ss, float, "comiss")
HOST_COMPARE(ucomi_ss, float, "ucomiss")
HOST_COMPARE(comi_sd, double, "comisd")
HOST_COMPARE(ucomi_sd, double, "ucomisd")

static struct outcome (*const host_ops[FORMATS][OPS])(struct operands x, enum fp_round rm) = {
    [FP_32] = {add_ss, sub_ss, mul_ss, div_ss, sqrt_ss, fma_ss},
    [FP_64] = {add_sd, sub_sd, mul_sd, div_sd, sqrt_sd, fma_sd},
};

static bool has_fma(void) {
    return __builtin_cpu_supports("fma");
}

static bool has_f16(void) {
    unsigned a, b, c, d; /* clang has no name for this feature; that of AVX implies the system's support of VEX */
    return __builtin_cpu_supports("avx") && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static uint64_t canonical(enum fp_format f, uint64_t bits) {
    return is_nan(f, bits) ? quiet_of(f) : bits;
}

static void expect(const char *what, enum fp_format f, struct operands x, enum fp_round rm, struct outcome got,
                   struct outcome want) {
    if (got.bits == want.bits && got.flags == want.flags) return;
    fail_msg("%s %s %s of %#llx %#llx %#llx: got %#llx flags %#x, host gives %#llx flags %#x", what, format_names[f],
             round_names[rm], (unsigned long long)x.a, (unsigned long long)x.b, (unsigned long long)x.c,
             (unsigned long long)got.bits, got.flags, (unsigned long long)want.bits, want.flags);
}

static void check_op(enum op op, enum fp_format f, struct operands x, enum fp_round rm) {
    struct outcome want = host_ops[f][op](x, rm);
    uint64_t zero_a = (x.a & (sign_of(f) - 1)) == 0, zero_b = (x.b & (sign_of(f) - 1)) == 0;
    uint64_t inf_a = (x.a & (sign_of(f) - 1)) == infinity_of(f), inf_b = (x.b & (sign_of(f) - 1)) == infinity_of(f);

    want.bits = canonical(f, want.bits);
    if (op == FMA && ((zero_a && inf_b) || (inf_a && zero_b))) want.flags |= FP_NV;
    expect(op_names[op], f, x, rm, op_run(op, f, x, rm), want);
}

static void check_all_rounds(enum op op, enum fp_format f, struct operands x) {
    for (unsigned i = 0; i < sizeof rounds / sizeof *rounds; i++) check_op(op, f, x, rounds[i]);
}

static void test_corners(void **state) {
    (void)state;
    for (enum fp_format f = FP_32; f <= FP_64; f++) {
        uint64_t v[CORNERS_MAX], s[SPECIALS_MAX];
        int n = corners(f, v), m = specials(f, s);
        for (int i = 0; i < n; i++) {
            check_all_rounds(SQRT, f, (struct operands){v[i], 0, 0});
            for (int k = 0; k < n; k++)
                for (enum op op = ADD; op <= DIV; op++) check_all_rounds(op, f, (struct operands){v[i], v[k], 0});
        }
        if (!has_fma()) continue;
        for (int i = 0; i < m * m * m; i++)
            check_all_rounds(FMA, f, (struct operands){s[i % m], s[i / m % m], s[i / m / m]});
    }
}

static void random_ops(enum op op) {
    uint64_t random = seed + op;
    for (enum fp_format f = FP_32; f <= FP_64; f++)
        for (uint64_t i = 0; i < 250000 * scale; i++) check_all_rounds(op, f, random_operands(op, f, &random));
}

static void test_add(void **state) {
    (void)state;
    random_ops(ADD);
    random_ops(SUB);
}

static void test_mul(void **state) {
    (void)state;
    random_ops(MUL);
}

static void test_div(void **state) {
    (void)state;
    random_ops(DIV);
}

static void test_sqrt(void **state) {
    (void)state;
    random_ops(SQRT);
}

static void test_fma(void **state) {
    (void)state;
    if (!has_fma()) skip();
    random_ops(FMA);
}

/* Calls `check` with every corner and with random numbers of a format, in every mode. */
static void for_numbers(enum fp_format f, void (*check)(enum fp_format f, uint64_t a, enum fp_round rm)) {
    uint64_t random = seed, v[CORNERS_MAX];
    int n = corners(f, v);
    for (unsigned r = 0; r < sizeof rounds / sizeof *rounds; r++) {
        for (int i = 0; i < n; i++) check(f, v[i], rounds[r]);
        for (uint64_t i = 0; i < 100000 * scale; i++) check(f, random_number(f, &random), rounds[r]);
    }
}

/* x86 gives one pattern for whatever does not fit; the exception tells that from the integer of the same pattern. */
static void check_to_int_width(enum fp_format f, uint64_t a, unsigned bits, enum fp_round rm, struct outcome want) {
    struct outcome got = {0};
    uint64_t min = UINT64_C(1) << (bits - 1);
    if (want.flags & FP_NV) want.bits = !is_nan(f, a) && (a & sign_of(f)) ? min : min - 1;
    got.bits = fp_to_int(f, a, bits, true, rm, &got.flags);
    expect(bits == 32 ? "to i32" : "to i64", f, (struct operands){a, 0, 0}, rm, got, want);
}

static void check_to_int(enum fp_format f, uint64_t a, enum fp_round rm) {
    check_to_int_width(f, a, 32, rm, f == FP_32 ? ss_to_i32(a, rm) : sd_to_i32(a, rm));
    check_to_int_width(f, a, 64, rm, f == FP_32 ? ss_to_i64(a, rm) : sd_to_i64(a, rm));
}

static void test_to_int(void **state) {
    (void)state;
    for_numbers(FP_32, check_to_int);
    for_numbers(FP_64, check_to_int);
}

static void check_round_int(enum fp_format f, uint64_t a, enum fp_round rm) {
    struct operands x = {a, 0, 0};
    struct outcome want = f == FP_32 ? round_ss(x, rm) : round_sd(x, rm), got = {0};
    want.bits = canonical(f, want.bits);
    got.bits = fp_round_int(f, a, rm, true, &got.flags);
    expect("round to integral", f, x, rm, got, want);
    want = f == FP_32 ? roundq_ss(x, rm) : roundq_sd(x, rm);
    want.bits = canonical(f, want.bits);
    got.flags = 0;
    got.bits = fp_round_int(f, a, rm, false, &got.flags);
    expect("round to integral, quietly,", f, x, rm, got, want);
}

static void test_round_int(void **state) {
    (void)state;
    if (!__builtin_cpu_supports("sse4.1")) skip();
    for_numbers(FP_32, check_round_int);
    for_numbers(FP_64, check_round_int);
}

static void check_from_int(uint64_t value, enum fp_round rm) {
    static struct outcome (*const host[2][2])(uint64_t a, enum fp_round rm) = {{i32_to_ss, i32_to_sd},
                                                                               {i64_to_ss, i64_to_sd}};
    for (int wide = 0; wide <= 1; wide++) {
        for (enum fp_format f = FP_32; f <= FP_64; f++) {
            struct outcome got = {0};
            got.bits = fp_from_int(f, value, wide ? 64 : 32, true, rm, &got.flags);
            expect(wide ? "from i64" : "from i32", f, (struct operands){value, 0, 0}, rm, got,
                   host[wide][f == FP_64](value, rm));
            if (wide) continue;
            got.flags = 0;
            got.bits = fp_from_int(f, value, 32, false, rm, &got.flags);
            expect("from u32", f, (struct operands){value, 0, 0}, rm, got, host[1][f == FP_64]((uint32_t)value, rm));
        }
    }
}

static void test_from_int(void **state) {
    uint64_t random = seed;
    (void)state;
    for (unsigned r = 0; r < sizeof rounds / sizeof *rounds; r++) {
        for (int bit = 0; bit < 64; bit++)
            for (uint64_t near = 0; near < 9; near++) {
                check_from_int((UINT64_C(1) << bit) + near - 4, rounds[r]);
                check_from_int(-(UINT64_C(1) << bit) + near - 4, rounds[r]);
            }
        for (uint64_t i = 0; i < 100000 * scale; i++) {
            uint64_t value = random_next(&random);
            value >>= random_below(&random, 64);
            check_from_int(random_next(&random) & 1 ? value : -value, rounds[r]);
            check_from_int(random_fraction(FP_64, &random) << random_below(&random, 12), rounds[r]);
        }
    }
}

static void check_to_fp(enum fp_format f, uint64_t a, enum fp_round rm) {
    enum fp_format to = f == FP_32 ? FP_64 : FP_32;
    struct operands x = {a, 0, 0};
    struct outcome want = f == FP_32 ? ss_to_sd(x, rm) : sd_to_ss(x, rm), got = {0};
    if (to == FP_32) want.bits = (uint32_t)want.bits;
    want.bits = canonical(to, want.bits);
    got.bits = fp_to_fp(f, to, a, rm, &got.flags);
    expect("to the other format", f, x, rm, got, want);
}

/* A binary64 near the neighbourhood where binary32 over- and underflows. */
static void check_narrowing(enum fp_format f, uint64_t a, enum fp_round rm) {
    uint64_t biased = 1023 - 155 + (a >> 52) % 290;
    check_to_fp(f, (a & (ones(52) | sign_of(f))) | biased << 52, rm);
}

static void test_to_fp(void **state) {
    (void)state;
    for_numbers(FP_32, check_to_fp);
    for_numbers(FP_64, check_to_fp);
    for_numbers(FP_64, check_narrowing);
}

static void check_compare(enum fp_format f, uint64_t a, uint64_t b) {
    struct outcome host = f == FP_32 ? comi_ss(a, b) : comi_sd(a, b);
    struct outcome quiet = f == FP_32 ? ucomi_ss(a, b) : ucomi_sd(a, b);
    struct operands x = {a, b, 0};
    const struct {
        const char *name;
        uint64_t (*run)(enum fp_format f, uint64_t a, uint64_t b, uint32_t *flags);
        uint64_t true_if;
        struct outcome *host;
    } cases[] = {
        {"lt", fp_lt, 1, &host},    {"le", fp_le, 3, &host},  {"ltq", fp_ltq, 1, &quiet},
        {"leq", fp_leq, 3, &quiet}, {"eq", fp_eq, 2, &quiet},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome got = {0};
        struct outcome want = {.bits = (cases[i].host->bits & cases[i].true_if) != 0, .flags = cases[i].host->flags};
        got.bits = cases[i].run(f, a, b, &got.flags);
        expect(cases[i].name, f, x, FP_RNE, got, want);
    }
}

static void test_compare(void **state) {
    uint64_t random = seed;
    (void)state;
    for (enum fp_format f = FP_32; f <= FP_64; f++) {
        uint64_t v[CORNERS_MAX];
        int n = corners(f, v);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++) check_compare(f, v[i], v[k]);
        for (uint64_t i = 0; i < 200000 * scale; i++) {
            struct operands x = random_operands(ADD, f, &random);
            check_compare(f, x.a, x.b);
        }
    }
}

static struct outcome narrow_to_f16(uint64_t a, enum fp_round rm) {
    struct outcome r = ss_to_ph((struct operands){a, 0, 0}, rm);
    r.bits = canonical(FP_16, r.bits & 0xffff);
    return r;
}

static void check_to_f16(enum fp_format f, uint64_t a, enum fp_round rm) {
    struct outcome got = {0};
    got.bits = fp_to_fp(f, FP_16, a, rm, &got.flags);
    expect("to f16", f, (struct operands){a, 0, 0}, rm, got, narrow_to_f16(a, rm));
}

/* A binary32 about where binary16 over- and underflows. */
static void check_narrowing_to_f16(enum fp_format f, uint64_t a, enum fp_round rm) {
    uint64_t biased = 127 - 28 + (a >> 23) % 48;
    check_to_f16(f, (a & (ones(23) | sign_of(f))) | biased << 23, rm);
}

static void test_f16_convert(void **state) {
    (void)state;
    if (!has_f16()) skip();
    for (uint64_t a = 0; a < 0x10000; a++) {
        struct outcome want = ph_to_ss((struct operands){a, 0, 0}, FP_RNE), got = {0};
        want.bits = canonical(FP_32, want.bits);
        got.bits = fp_to_fp(FP_16, FP_32, a, FP_RNE, &got.flags);
        expect("to f32", FP_16, (struct operands){a, 0, 0}, FP_RNE, got, want);
    }
    for_numbers(FP_32, check_to_f16);
    for_numbers(FP_32, check_narrowing_to_f16);
}

/* Where binary32 computes exactly, narrowing its result is the correctly rounded binary16 result. */
static void test_f16_ops(void **state) {
    uint64_t random = seed;
    (void)state;
    if (!has_f16() || !has_fma()) skip();
    for (enum op op = ADD; op < OPS; op++) {
        uint64_t exact = 0, count = 50000 * scale;
        for (uint64_t i = 0; i < count; i++) {
            struct operands x = random_operands(op, FP_16, &random), wide;
            enum fp_round rm = rounds[i % 4];
            if (is_nan(FP_16, x.a) || is_nan(FP_16, x.b) || is_nan(FP_16, x.c)) continue;
            wide.a = ph_to_ss((struct operands){x.a, 0, 0}, rm).bits;
            wide.b = ph_to_ss((struct operands){x.b, 0, 0}, rm).bits;
            wide.c = ph_to_ss((struct operands){x.c, 0, 0}, rm).bits;
            struct outcome in_f32 = host_ops[FP_32][op](wide, rm);
            if (in_f32.flags & FP_NX) continue;
            struct outcome want = narrow_to_f16(in_f32.bits, rm);
            want.flags |= in_f32.flags;
            expect(op_names[op], FP_16, x, rm, op_run(op, FP_16, x, rm), want);
            exact++;
        }
        assert_true(exact > count / 8);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corners), cmocka_unit_test(test_add),       cmocka_unit_test(test_mul),
        cmocka_unit_test(test_div),     cmocka_unit_test(test_sqrt),      cmocka_unit_test(test_fma),
        cmocka_unit_test(test_to_int),  cmocka_unit_test(test_round_int), cmocka_unit_test(test_from_int),
        cmocka_unit_test(test_to_fp),   cmocka_unit_test(test_compare),   cmocka_unit_test(test_f16_convert),
        cmocka_unit_test(test_f16_ops),
    };
    if (argc > 1) seed = strtoull(argv[1], NULL, 0);
    if (argc > 2) scale = strtoull(argv[2], NULL, 0);
    return cmocka_run_group_tests_name("core/fp against the host", tests, NULL, NULL);
}

#else

static void test_absent(void **state) {
    (void)state;
    skip(); /* the host is not x86-64 */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_absent)};
    return cmocka_run_group_tests_name("core/fp against the host", tests, NULL, NULL);
}

#endif
