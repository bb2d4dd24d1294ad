/* select_fp.c - floating point in SSE registers.
 *
 * Arithmetic in round-to-nearest is one instruction, then `ucomisd; jp` to a cold arm that makes a NaN canonical. The
 * accrued flags are MXCSR's sticky bits. Whatever x86 does differently (saturation, other rounding modes, flags of
 * unsigned conversions) is decided by quiet comparisons first, or left to the C meaning. An f32 lies in the low half of
 * its register; the upper half is unspecified.
 */
#include "host/x86_64/x86_64.h"
#include "core/fp.h"

enum {
    SSE_MOVAPS = 0x0128,
    SSE_ANDPS = 0x0154,
    SSE_ORPS = 0x0156,
    SSE_XORPS = 0x0157,
    SSE_ANDNPS = 0x0155,
    F_ADD = 0x58,
    F_MUL = 0x59,
    F_SUB = 0x5c,
    F_DIV = 0x5e,
    F_SQRT = 0x51,
    F_MIN = 0x5d,
    F_MAX = 0x5f
};

/* Scalar opcode for the width. */
static uint32_t scalar(unsigned op, bool d) {
    return (d ? 0xf20100u : 0xf30100u) | op;
}
static uint32_t ucomi(bool d) {
    return d ? 0x66012eu : 0x012eu;
}
static uint32_t comi(bool d) {
    return d ? 0x66012fu : 0x012fu;
}

static void movaps(struct jit *j, uint8_t to, uint8_t from) {
    if (to != from) op_rr(j, SSE_MOVAPS, W32, to, from);
}

static void canonical_nan(struct jit *j, uint8_t r, bool d) {
    op_rr(j, ucomi(d), W32, r, r);
    struct cold *c = cold_new(j, COLD_NAN, jcc(j, CC_P));
    if (c) {
        c->reg = r;
        c->flag = d;
        c->back = here(j);
    }
}

static void select_binary(struct jit *j, const struct uop *u, unsigned op, bool d, bool commutes) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), to = def_reg(j, u->dst);
    if (x86_features.avx) {
        vex_rrr(j, scalar(op, d), W32, to, a, b);
    } else if (to == b && to != a) {
        if (commutes) {
            op_rr(j, scalar(op, d), W32, to, a);
        } else {
            uint8_t t = temp_reg(j, BANK_FP);
            movaps(j, t, a);
            op_rr(j, scalar(op, d), W32, t, b);
            movaps(j, to, t);
        }
    } else {
        movaps(j, to, a);
        op_rr(j, scalar(op, d), W32, to, b);
    }
    canonical_nan(j, to, d);
}

static void select_sqrt(struct jit *j, const struct uop *u, bool d) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    op_rr(j, scalar(F_SQRT, d), W32, to, a);
    canonical_nan(j, to, d);
}

/* dst = a * b + dst. The addend's register is the result's, so it may be its pin when neither factor is in there. */
static bool select_fma(struct jit *j, const struct uop *u, uint32_t op231, bool d) {
    if (!x86_features.fma) return false;
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), c = use_reg(j, u->c);
    uint8_t to = def_pin_free(j, u->dst, a, b);
    bool own = to == NO_REG;
    if (own) to = temp_reg(j, BANK_FP);
    movaps(j, to, c);
    vex_rrr(j, op231, d, to, a, b);
    op_rr(j, ucomi(d), W32, to, to);
    struct cold *k = cold_new(j, COLD_FMA, jcc(j, CC_P));
    if (k) {
        k->reg = to;
        k->reg2 = a;
        k->size = b;
        k->flag = d;
        k->back = here(j);
    }
    if (own) def_from(j, u->dst, to);
    return true;
}

/* is_less etc.: comisd b, a -> above means a < b, and unordered is "below". */
static void select_less(struct jit *j, const struct uop *u, bool d, bool quiet, bool or_equal) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), t = temp_reg(j, BANK_INT);
    op_rr(j, quiet ? ucomi(d) : comi(d), W32, b, a);
    op_rr8(j, 0x0190 | (or_equal ? CC_AE : CC_A), 0, t);
    op_rr8(j, 0x01b6, t, t);
    def_from(j, u->dst, t);
}

static void select_equal(struct jit *j, const struct uop *u, bool d) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), t = temp_reg(j, BANK_INT), s = temp_reg(j, BANK_INT);
    op_rr(j, ucomi(d), W32, a, b);
    op_rr8(j, 0x0190 | CC_NP, 0, t);
    op_rr8(j, 0x0190 | CC_E, 0, s);
    alu_rr(j, ALU_AND, W32, t, s);
    op_rr8(j, 0x01b6, t, t);
    def_from(j, u->dst, t);
}

/* Ordered and unequal: x86's answer. Equal: zeros differ in sign, so or (min) or and (max) the bits. NaN: in C. */
static void select_min(struct jit *j, const struct uop *u, bool d, bool max) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), t = temp_reg(j, BANK_FP);
    movaps(j, t, a);
    op_rr(j, ucomi(d), W32, a, b);
    struct cold *k = cold_new(j, COLD_CALL, jcc(j, CC_P));
    uint8_t *differ = jcc_short(j, CC_NE);
    op_rr(j, max ? SSE_ANDPS : SSE_ORPS, W32, t, b);
    uint8_t *both;
    byte(j, 0xeb);
    byte(j, 0);
    both = j->p;
    short_here(j, differ);
    op_rr(j, scalar(max ? F_MAX : F_MIN, d), W32, t, b);
    short_here(j, both);
    if (k) {
        k->op = u->op;
        k->value = u->op;
        k->reg = a;
        k->size = b;
        k->cell = NO_REG;
        k->flag2 = d;
        k->reg2 = t;
        k->flag = true;
        k->back = here(j);
    }
    def_from(j, u->dst, t);
}

static void select_bits(struct jit *j, const struct uop *u, uint32_t op, enum x86_constant k) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    movaps(j, to, a);
    op_rm(j, op, W32, to, constant_at(k));
}

static void select_copysign(struct jit *j, const struct uop *u, bool d) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), t = temp_reg(j, BANK_FP);
    uint8_t s = temp_reg(j, BANK_FP);
    movaps(j, s, b);
    op_rm(j, SSE_ANDPS, W32, s, constant_at(d ? K_SIGN64 : K_SIGN32));
    movaps(j, t, a);
    op_rm(j, SSE_ANDPS, W32, t, constant_at(d ? K_ABS64 : K_ABS32));
    op_rr(j, SSE_ORPS, W32, t, s);
    def_from(j, u->dst, t);
}

static void select_narrow(struct jit *j, const struct uop *u, bool to_double) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    if (to != a) op_rr(j, SSE_XORPS, W32, to, to); /* no dependency on what was there */
    op_rr(j, to_double ? 0xf3015a : 0xf2015a, W32, to, a);
    canonical_nan(j, to, to_double);
}

static bool is_truncation(const struct uop *u) {
    return u->x == FP_RTZ;
}

/* A C call whose operand is in an FP register and whose result goes to an integer register. */
static struct cold *call_cold(struct jit *j, const struct uop *u, enum cc cc, uint8_t a, bool d, uint8_t to) {
    struct cold *k = cold_new(j, COLD_CALL, jcc(j, cc));
    if (k) {
        k->op = u->op;
        k->value = u->op | (uint64_t)u->x << 16;
        k->reg = a;
        k->size = NO_REG;
        k->cell = NO_REG;
        k->flag2 = d;
        k->reg2 = to;
    }
    return k;
}

/* To signed: x86 answers the most negative number when it cannot; it raises the same flag as the meaning then. */
static bool select_to_signed(struct jit *j, const struct uop *u, bool d, bool w) {
    bool nearest = u->x == FP_RNE, direct = nearest || is_truncation(u);
    uint8_t mode = u->x == FP_RDN ? 1 : 2;
    if (!direct && (!w || u->x == FP_RMM || !x86_features.sse41)) return false;
    uint8_t a = use_reg(j, u->a), t = temp_reg(j, BANK_INT), from = a;
    if (!direct) { /* every double or float too large for s64 is an integer: rounding first raises nothing wrong */
        from = temp_reg(j, BANK_FP);
        op_rr(j, d ? 0x66030b : 0x66030a, W32, from, a);
        byte(j, mode);
    }
    op_rr(j, scalar(nearest ? 0x2d : 0x2c, d), w, t, from);
    alu_ri(j, ALU_CMP, w, t, 1); /* only the most negative number overflows when 1 is taken away */
    struct cold *k = call_cold(j, u, CC_O, a, d, t);
    if (k) k->back = here(j);
    def_from(j, u->dst, t);
    return true;
}

/* To unsigned, truncating: in range by quiet comparison, else C. */
static bool select_to_unsigned(struct jit *j, const struct uop *u, bool d, bool w) {
    if (!is_truncation(u)) return false;
    uint8_t a = use_reg(j, u->a), t = temp_reg(j, BANK_INT);
    op_rm(j, ucomi(d), W32, a, constant_at(w ? (d ? K_TWO63 : K_TWO63F) : (d ? K_TWO32 : K_TWO32F)));
    struct cold *k = call_cold(j, u, CC_AE, a, d, t);
    uint32_t unordered = jcc(j, CC_P);
    op_rm(j, ucomi(d), W32, a, constant_at(d ? K_MINUS1 : K_MINUS1F));
    uint32_t low = jcc(j, CC_BE);
    op_rr(j, scalar(0x2c, d), W64, t, a);
    if (k) {
        k->from[1] = unordered;
        k->link = low;
        k->back = here(j);
    }
    def_from(j, u->dst, t);
    return true;
}

static bool select_from_int(struct jit *j, const struct uop *u, bool d, bool wide, bool is_signed) {
    if (u->x != FP_RNE && !(d && !wide)) return false; /* 32 bits are exact in a double */
    uint8_t a = use_reg(j, u->a), r = a;
    if (!is_signed && !wide) {
        r = temp_reg(j, BANK_INT);
        mov_rr(j, W32, r, a);
    }
    uint8_t to = def_reg(j, u->dst);
    struct cold *k = NULL;
    if (!is_signed && wide) {
        test_rr(j, W64, a, a);
        k = cold_new(j, COLD_CALL, jcc(j, CC_S));
        if (k) {
            k->op = u->op;
            k->value = u->op | (uint64_t)u->x << 16;
            k->reg = a;
            k->size = NO_REG;
            k->cell = NO_REG;
            k->reg2 = to;
            k->flag = true;
        }
    }
    op_rr(j, SSE_XORPS, W32, to, to);
    op_rr(j, scalar(0x2a, d), !is_signed || wide, to, r);
    if (k) k->back = here(j);
    return true;
}

static bool select_round(struct jit *j, const struct uop *u, bool d, bool inexact) {
    static const uint8_t modes[] = {[FP_RNE] = 0, [FP_RTZ] = 3, [FP_RDN] = 1, [FP_RUP] = 2};
    if (u->x == FP_RMM || !x86_features.sse41) return false;
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    op_rr(j, d ? 0x66030b : 0x66030a, W32, to, a);
    byte(j, modes[u->x] | (inexact ? 0 : 8u));
    canonical_nan(j, to, d);
    return true;
}

static bool select_arith(struct jit *j, const struct uop *u) {
    if (uop_info[u->op].form == FORM_ROUND && u->x != FP_RNE) return false;
    switch ((enum uop_op)u->op) {
#define BOTH(name, ...)                                                                                                \
    case UOP_##name##_f64: {                                                                                           \
        const bool d = true;                                                                                           \
        __VA_ARGS__;                                                                                                   \
    }                                                                                                                  \
    case UOP_##name##_f32: {                                                                                           \
        const bool d = false;                                                                                          \
        __VA_ARGS__;                                                                                                   \
    }
        BOTH(fadd, select_binary(j, u, F_ADD, d, true); return true)
        BOTH(fsub, select_binary(j, u, F_SUB, d, false); return true)
        BOTH(fmul, select_binary(j, u, F_MUL, d, true); return true)
        BOTH(fdiv, select_binary(j, u, F_DIV, d, false); return true)
        BOTH(fsqrt, select_sqrt(j, u, d); return true)
        BOTH(fmadd, return select_fma(j, u, 0x6602b9, d))
        BOTH(fmsub, return select_fma(j, u, 0x6602bb, d))
        BOTH(fnmsub, return select_fma(j, u, 0x6602bd, d))
        BOTH(fnmadd, return select_fma(j, u, 0x6602bf, d))
        BOTH(fmin, select_min(j, u, d, false); return true)
        BOTH(fmax, select_min(j, u, d, true); return true)
        BOTH(fminimum, select_min(j, u, d, false); return true)
        BOTH(fmaximum, select_min(j, u, d, true); return true)
        BOTH(feq, select_equal(j, u, d); return true)
        BOTH(flt, select_less(j, u, d, false, false); return true)
        BOTH(fle, select_less(j, u, d, false, true); return true)
        BOTH(fltq, select_less(j, u, d, true, false); return true)
        BOTH(fleq, select_less(j, u, d, true, true); return true)
    case UOP_f64_to_f32: select_narrow(j, u, false); return true;
    case UOP_f32_to_f64: select_narrow(j, u, true); return true;
    default: return false;
    }
}

/* Normal numbers here: 1 << 1 or 1 << 6 by the sign; everything else in C. */
static void select_class(struct jit *j, const struct uop *u, bool d) {
    uint8_t a = use_reg(j, u->a), t = temp_reg(j, BANK_INT), s = temp_reg(j, BANK_INT);
    op_rr(j, 0x66017e, d, a, t);
    mov_rr(j, W64, s, t);
    shift_ri(j, SH_SHR, d, s, d ? 52 : 23);
    alu_ri(j, ALU_AND, W32, s, d ? 0x7ff : 0xff);
    alu_ri(j, ALU_SUB, W32, s, 1);
    alu_ri(j, ALU_CMP, W32, s, d ? 0x7fe : 0xfe);
    struct cold *k = call_cold(j, u, CC_AE, a, d, t);
    shift_ri(j, SH_SAR, d, t, d ? 63 : 31);
    alu_ri(j, ALU_AND, W32, t, 2 - 64);
    alu_ri(j, ALU_ADD, W32, t, 64);
    if (k) k->back = here(j);
    def_from(j, u->dst, t);
}

static bool select_convert(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
        BOTH(fneg, select_bits(j, u, SSE_XORPS, d ? K_SIGN64 : K_SIGN32); return true)
        BOTH(fabs, select_bits(j, u, SSE_ANDPS, d ? K_ABS64 : K_ABS32); return true)
        BOTH(fclass, select_class(j, u, d); return true)
        BOTH(fcopysign, select_copysign(j, u, d); return true)
        BOTH(ftos32, return select_to_signed(j, u, d, W32))
        BOTH(ftos64, return select_to_signed(j, u, d, W64))
        BOTH(ftou32, return select_to_unsigned(j, u, d, W32))
        BOTH(ftou64, return select_to_unsigned(j, u, d, W64))
        BOTH(fs32, return select_from_int(j, u, d, false, true))
        BOTH(fs64, return select_from_int(j, u, d, true, true))
        BOTH(fu32, return select_from_int(j, u, d, false, false))
        BOTH(fu64, return select_from_int(j, u, d, true, false))
        BOTH(fround, return select_round(j, u, d, false))
        BOTH(froundnx, return select_round(j, u, d, true))
#undef BOTH
    default: return false;
    }
}

static bool select_move(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
    case UOP_bits_f64:
    case UOP_bits_f32: {
        uint8_t a = use_reg(j, u->a);
        op_rr(j, 0x66016e, u->op == UOP_bits_f64, def_reg(j, u->dst), a);
        return true;
    }
    case UOP_f64_bits:
    case UOP_f32_bits: {
        uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
        op_rr(j, 0x66017e, u->op == UOP_f64_bits, a, to);
        return true;
    }
    case UOP_box_f32: {
        uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
        movaps(j, to, a);
        op_rm(j, SSE_ORPS, W32, to, constant_at(K_BOX32));
        j->v[u->dst].boxed = true;
        return true;
    }
    case UOP_low_f32: return true; /* the same register */
    case UOP_unbox_f32: {
        /* The same register too, once it is known to be a box; anything else is left to the interpreter. */
        struct value *v = value_of(j, u->a);
        if (v->boxed) return true;
        uint8_t a = use_reg(j, u->a);
        if (!x86_features.sse41) {
            uint8_t t = temp_reg(j, BANK_INT);
            op_rr(j, 0x66017e, W64, a, t);
            shift_ri(j, SH_SAR, W64, t, 32);
            alu_ri(j, ALU_CMP, W64, t, -1);
            cold_new(j, COLD_INTERPRET, jcc(j, CC_NE));
        } else {
            op_rm(j, 0x660217, W32, a, constant_at(K_BOX32)); /* ptest: carry if all ones under the mask */
            cold_new(j, COLD_INTERPRET, jcc(j, CC_AE));
        }
        v->boxed = true;
        return true;
    }
    default: return false;
    }
}

bool select_fp(struct jit *j, const struct uop *u) {
    return select_arith(j, u) || select_convert(j, u) || select_move(j, u);
}
