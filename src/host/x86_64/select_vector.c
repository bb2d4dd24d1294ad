/* select_vector.c - v128 values in SSE registers: SSE2, and SSE4.1 where this computer has it.
 *
 * Loads, stores, slots and frame slots are with those of other types; what has no rule is called in C.
 */
#include "host/x86_64/x86_64.h"

enum { MOVAPS = 0x0128, PSHUFD = 0x660170, PSHUFLW = 0xf20170, PUNPCKLBW = 0x660160, PUNPCKLQDQ = 0x66016c };
enum lane { LANE_8, LANE_16, LANE_32, LANE_64 }; /* log2 of its bytes */

static void movaps(struct jit *j, uint8_t to, uint8_t from) {
    if (to != from) op_rr(j, MOVAPS, W32, to, from);
}

static void op_imm(struct jit *j, uint32_t op, bool w, uint8_t reg, uint8_t rm, unsigned imm) {
    op_rr(j, op, w, reg, rm);
    byte(j, imm);
}

/* All of them commute. */
static void select_binary(struct jit *j, const struct uop *u, uint32_t op) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), to = def_reg(j, u->dst);
    if (x86_features.avx) {
        vex_rrr(j, op, W32, to, a, b);
        return;
    }
    movaps(j, to, to == b ? b : a);
    op_rr(j, op, W32, to, to == b ? a : b);
}

static void select_splat(struct jit *j, const struct uop *u, enum lane lane) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    op_rr(j, 0x66016e, lane == LANE_64, to, a); /* movd, movq */
    if (lane == LANE_8) op_rr(j, PUNPCKLBW, W32, to, to);
    if (lane == LANE_32)
        op_imm(j, PSHUFD, W32, to, to, 0);
    else if (lane != LANE_64)
        op_imm(j, PSHUFLW, W32, to, to, 0);
    if (lane != LANE_32) op_rr(j, PUNPCKLQDQ, W32, to, to);
}

static void select_extract(struct jit *j, const struct uop *u, enum lane lane) {
    const unsigned n = u->x % (16u >> lane);
    uint8_t a = use_reg(j, u->a);
    if (lane <= LANE_16) {
        uint8_t to = def_reg(j, u->dst);
        op_imm(j, 0x6601c5, W32, to, a, lane == LANE_16 ? n : n / 2); /* pextrw */
        if (lane == LANE_8 && n % 2) shift_ri(j, SH_SHR, W32, to, 8);
        if (lane == LANE_8 && n % 2 == 0) op_rr8(j, 0x01b6, to, to);
        return;
    }
    if (n && x86_features.sse41) {
        op_imm(j, 0x660316, lane == LANE_64, a, def_reg(j, u->dst), n); /* pextrd, pextrq */
        return;
    }
    if (n) {
        uint8_t t = temp_reg(j, BANK_FP);
        op_imm(j, PSHUFD, W32, t, a, lane == LANE_64 ? 0xee : n);
        a = t;
    }
    op_rr(j, 0x66017e, lane == LANE_64, a, def_reg(j, u->dst));
}

static bool select_replace(struct jit *j, const struct uop *u, enum lane lane) {
    static const uint32_t inserts[] = {0x660320, 0x6601c4, 0x660322, 0x660322};
    if (lane != LANE_16 && !x86_features.sse41) return false;
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), to = def_reg(j, u->dst);
    movaps(j, to, a);
    op_imm(j, inserts[lane], lane == LANE_64, to, b, u->x % (16u >> lane));
    return true;
}

static void select_select(struct jit *j, const struct uop *u) {
    uint8_t c = use_reg(j, u->a), b = use_reg(j, u->b), z = use_reg(j, u->c), to = def_reg(j, u->dst);
    const bool from_z = to == z;
    if (!from_z) movaps(j, to, b);
    test_rr(j, W64, c, c);
    uint8_t *done = jcc_short(j, from_z ? CC_E : CC_NE);
    movaps(j, to, from_z ? b : z);
    short_here(j, done);
}

bool select_vector(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
    case UOP_add_i8x16: select_binary(j, u, 0x6601fc); return true;
    case UOP_add_i16x8: select_binary(j, u, 0x6601fd); return true;
    case UOP_add_i32x4: select_binary(j, u, 0x6601fe); return true;
    case UOP_add_i64x2: select_binary(j, u, 0x6601d4); return true;
    case UOP_and_v128: select_binary(j, u, 0x6601db); return true;
    case UOP_or_v128: select_binary(j, u, 0x6601eb); return true;
    case UOP_xor_v128: select_binary(j, u, 0x6601ef); return true;
    case UOP_select_v128: select_select(j, u); return true;
    case UOP_splat_i8x16: select_splat(j, u, LANE_8); return true;
    case UOP_splat_i16x8: select_splat(j, u, LANE_16); return true;
    case UOP_splat_i32x4: select_splat(j, u, LANE_32); return true;
    case UOP_splat_i64x2: select_splat(j, u, LANE_64); return true;
    case UOP_extract_i8x16: select_extract(j, u, LANE_8); return true;
    case UOP_extract_i16x8: select_extract(j, u, LANE_16); return true;
    case UOP_extract_i32x4: select_extract(j, u, LANE_32); return true;
    case UOP_extract_i64x2: select_extract(j, u, LANE_64); return true;
    case UOP_replace_i8x16: return select_replace(j, u, LANE_8);
    case UOP_replace_i16x8: return select_replace(j, u, LANE_16);
    case UOP_replace_i32x4: return select_replace(j, u, LANE_32);
    case UOP_replace_i64x2: return select_replace(j, u, LANE_64);
    default: return false;
    }
}
