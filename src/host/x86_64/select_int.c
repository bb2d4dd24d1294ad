/* select_int.c - integer uops. Operands may be registers, cpu memory or immediates; see baseline.h for the vocabulary.
 */
#include "host/x86_64/x86_64.h"

struct operand {
    enum { IN_REG, IN_MEM, IMMEDIATE } kind;
    uint8_t reg;
    struct mem mem;
    int32_t imm;
};

static bool small_const(struct jit *j, uint16_t t, bool w, int32_t *imm) {
    const struct value *v = value_of(j, t);
    if (!v->is_const) return false;
    *imm = (int32_t)v->constant;
    return !w || v->constant == (uint64_t)(int32_t)v->constant;
}

static struct operand operand(struct jit *j, uint16_t t, bool w) {
    struct operand o = {.kind = IMMEDIATE};
    uint32_t offset;
    if (small_const(j, t, w, &o.imm)) return o;
    if (in_memory(j, t, &offset) && value_dies(j, t)) return (struct operand){.kind = IN_MEM, .mem = at_cpu(offset)};
    return (struct operand){.kind = IN_REG, .reg = use_reg(j, t)};
}

static void alu_operand(struct jit *j, enum alu op, bool w, uint8_t to, const struct operand *o) {
    switch (o->kind) {
    case IN_REG: alu_rr(j, op, w, to, o->reg); break;
    case IN_MEM: alu_rm(j, op, w, to, o->mem); break;
    case IMMEDIATE: alu_ri(j, op, w, to, o->imm); break;
    }
}

/* x * 2, 4 or 8 + y is one lea: array indexing. */
bool x86_absorbs(const struct jit *j, const struct uop *user, const struct uop *definition) {
    if (!(user->op == UOP_add_i64 && definition->op == UOP_shl_i64) &&
        !(user->op == UOP_add_i32 && definition->op == UOP_shl_i32))
        return false;
    const struct uop *n = definition_of(j, definition->b);
    return (n->op == UOP_const_i64 || n->op == UOP_const_i32) && n->imm >= 1 && n->imm <= 3;
}

static void select_scaled(struct jit *j, const struct uop *u, uint16_t shifted, uint16_t other, bool w) {
    const struct uop *d = definition_of(j, shifted);
    uint8_t x = use_reg(j, d->a), y = use_reg(j, other);
    lea(j, w, def_reg(j, u->dst), (struct mem){.base = y, .index = x, .scale = (uint8_t)j->v[d->b].constant});
}

static void select_alu(struct jit *j, const struct uop *u, enum alu op, bool w, bool commutes) {
    if (j->v[u->a].absorbed) return select_scaled(j, u, u->a, u->b, w);
    if (j->v[u->b].absorbed) return select_scaled(j, u, u->b, u->a, w);
    const struct value *va = value_of(j, u->a);
    if (op == ALU_SUB && va->is_const && va->constant == 0) {
        uint8_t b = use_reg(j, u->b), to = def_reg(j, u->dst);
        copy_rr(j, w, to, b);
        op_rr(j, 0xf7, w, 3, to);
        return;
    }
    uint8_t a = use_reg(j, u->a);
    struct operand b = operand(j, u->b, w);
    uint8_t to = def_reg(j, u->dst);
    if (b.kind == IN_REG && to == b.reg && to != a) {
        if (commutes) {
            alu_rr(j, op, w, to, a);
        } else { /* a - b in b's place */
            op_rr(j, 0xf7, w, 3, to);
            alu_rr(j, ALU_ADD, w, to, a);
        }
        return;
    }
    if (to != a) {
        if (op == ALU_ADD && b.kind == IMMEDIATE) {
            lea(j, w, to, at_reg(a, b.imm));
            return;
        }
        if (op == ALU_ADD && b.kind == IN_REG) {
            lea(j, w, to, (struct mem){.base = a, .index = b.reg});
            return;
        }
        if (op == ALU_SUB && b.kind == IMMEDIATE && b.imm != INT32_MIN) {
            lea(j, w, to, at_reg(a, -b.imm));
            return;
        }
        copy_rr(j, w, to, a);
    }
    if (op == ALU_AND && b.kind == IMMEDIATE && b.imm == 0xff)
        op_rr8(j, 0x01b6, to, to);
    else
        alu_operand(j, op, w, to, &b);
}

/* andn, orn, xnor by their parts (andn of BMI1 is not worth a second path). */
static void select_not(struct jit *j, const struct uop *u, enum alu op, bool w) {
    uint8_t a = use_reg(j, u->a), t = temp_reg(j, BANK_INT);
    fetch_into(j, u->b, t);
    op_rr(j, 0xf7, w, 2, t); /* not */
    alu_rr(j, op, w, t, a);
    def_from(j, u->dst, t);
}

static void select_rorx(struct jit *j, bool w, uint8_t to, uint8_t a, unsigned n) {
    vex_prefix(j, 0xf203f0, w, to, 0, NO_REG, a);
    j->p = put_modrm_reg(j->p, to, a);
    byte(j, n);
}

static void select_shift(struct jit *j, const struct uop *u, unsigned digit, bool w) {
    int32_t n;
    if (small_const(j, u->b, false, &n)) {
        uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
        n &= w ? 63 : 31;
        if (digit <= SH_ROR && to != a && x86_features.bmi2) {
            select_rorx(j, w, to, a, (unsigned)(digit == SH_ROR ? n : -n) & (w ? 63 : 31));
            return;
        }
        if (digit == SH_SHL && n >= 1 && n <= 3 && to != a) {
            lea(j, w, to, (struct mem){.base = NO_REG, .index = a, .scale = (uint8_t)n});
            return;
        }
        copy_rr(j, w, to, a);
        if (n) shift_ri(j, digit, w, to, (unsigned)n);
        return;
    }
    if (x86_features.bmi2 && digit >= SH_SHL) {
        static const uint32_t ops[] = {[SH_SHL] = 0x6602f7, [SH_SHR] = 0xf202f7, [SH_SAR] = 0xf302f7};
        uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), to = def_reg(j, u->dst);
        vex_rrr(j, ops[digit], w, to, b, a);
        return;
    }
    take_reg(j, BANK_INT, RCX);
    fetch_into(j, u->b, RCX);
    uint8_t t = temp_reg(j, BANK_INT);
    fetch_into(j, u->a, t);
    op_rr(j, 0xd3, w, (uint8_t)digit, t);
    def_from(j, u->dst, t);
}

static void select_mul(struct jit *j, const struct uop *u, bool w) {
    int32_t imm;
    if (small_const(j, u->b, w, &imm)) {
        uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
        op_rr(j, 0x69, w, to, a);
        word32(j, (uint32_t)imm);
        return;
    }
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), to = def_reg(j, u->dst);
    if (to == b && to != a) {
        op_rr(j, 0x01af, w, to, a);
        return;
    }
    copy_rr(j, w, to, a);
    op_rr(j, 0x01af, w, to, b);
}

/* digit: 4 mul, 5 imul. The high half. */
static void select_mulh(struct jit *j, const struct uop *u, uint8_t digit) {
    take_reg(j, BANK_INT, RAX);
    take_reg(j, BANK_INT, RDX);
    uint8_t b = use_reg(j, u->b);
    fetch_into(j, u->a, RAX);
    op_rr(j, 0xf7, W64, digit, b);
    def_from(j, u->dst, RDX);
}

/* Division by 0 and by -1 go out of line, where the uop's total meaning is spelled out. */
static void select_divide(struct jit *j, const struct uop *u, bool is_signed, bool remainder, bool w) {
    take_reg(j, BANK_INT, RAX);
    take_reg(j, BANK_INT, RDX);
    uint8_t b = use_reg(j, u->b); /* rcx or a pin */
    fetch_into(j, u->a, RAX);
    const struct value *vb = value_of(j, u->b);
    bool safe = vb->is_const && (w ? vb->constant + 1 > 1 : (uint32_t)vb->constant + 1u > 1);
    struct cold *c = NULL;
    if (!safe) {
        if (is_signed) {
            lea(j, w, RDX, at_reg(b, 1));
            alu_ri(j, ALU_CMP, w, RDX, 1);
            c = cold_new(j, COLD_DIVIDE, jcc(j, CC_BE));
        } else {
            test_rr(j, w, b, b);
            c = cold_new(j, COLD_DIVIDE, jcc(j, CC_E));
        }
    }
    if (is_signed) {
        if (w) byte(j, 0x48);
        byte(j, 0x99); /* cqo, cdq */
    } else {
        alu_rr(j, ALU_XOR, W32, RDX, RDX);
    }
    op_rr(j, 0xf7, w, is_signed ? 7 : 6, b);
    if (c) {
        c->reg = b;
        c->flag = remainder;
        c->flag2 = w;
        c->back = here(j);
    }
    def_from(j, u->dst, remainder ? RDX : RAX);
}

static void compare(struct jit *j, uint16_t ta, uint16_t tb, bool w) {
    int32_t imm;
    uint32_t offset;
    if (small_const(j, tb, w, &imm)) {
        if (in_memory(j, ta, &offset) && value_dies(j, ta)) {
            alu_mi(j, ALU_CMP, w, at_cpu(offset), imm);
            return;
        }
        uint8_t a = use_reg(j, ta);
        if (imm == 0)
            test_rr(j, w, a, a);
        else
            alu_ri(j, ALU_CMP, w, a, imm);
        return;
    }
    uint8_t a = use_reg(j, ta);
    struct operand b = operand(j, tb, w);
    alu_operand(j, ALU_CMP, w, a, &b);
}

void select_compare(struct jit *j, const struct uop *u, bool w) {
    compare(j, u->a, u->b, w);
}

static void select_set(struct jit *j, const struct uop *u, bool w) {
    compare(j, u->a, u->b, w);
    uint8_t flag = temp_reg(j, BANK_INT);
    op_rr8(j, 0x0190 | cc_of(u->x), 0, flag);
    uint8_t pin = def_pin_free(j, u->dst, NO_REG, NO_REG); /* all scratch registers may be taken now */
    op_rr8(j, 0x01b6, pin == NO_REG ? flag : pin, flag);
    if (pin == NO_REG) def_in(j, u->dst, flag);
}

static void select_minmax(struct jit *j, const struct uop *u, enum cc keep, bool w) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b), t = temp_reg(j, BANK_INT);
    copy_rr(j, w, t, a);
    alu_rr(j, ALU_CMP, w, a, b);
    op_rr(j, 0x0140 | (keep ^ 1u), w, t, b); /* cmov when a is not the one to keep */
    def_from(j, u->dst, t);
}

static void select_select(struct jit *j, const struct uop *u, bool w) {
    uint8_t c = use_reg(j, u->a), b = use_reg(j, u->b), z = use_reg(j, u->c);
    test_rr(j, w, c, c);
    unlock_reg(j, BANK_INT, c); /* all scratch registers may be taken now, by values that live on */
    uint8_t to = def_reg(j, u->dst);
    if (to == b) {
        op_rr(j, 0x0144, w, to, z);
    } else if (to == z) {
        op_rr(j, 0x0145, w, to, b);
    } else {
        copy_rr(j, w, to, b); /* mov leaves the flags */
        op_rr(j, 0x0144, w, to, z);
    }
}

static void select_unary(struct jit *j, const struct uop *u, uint32_t op, bool w) {
    uint8_t a = use_reg(j, u->a);
    op_rr(j, op, w, def_reg(j, u->dst), a);
}
static void select_unary8(struct jit *j, const struct uop *u, uint32_t op, bool w) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    j->p = put_modrm_reg(put_prefix(j->p, op, w, to, NO_REG, a, a >= 4), to, a);
}

static void select_bswap(struct jit *j, const struct uop *u, bool w) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    copy_rr(j, w, to, a);
    prefix(j, 0x01c8 | (to & 7u), w, to);
}

static void select_sext32(struct jit *j, const struct uop *u) {
    uint32_t offset;
    if (in_memory(j, u->a, &offset) && value_dies(j, u->a)) {
        op_rm(j, 0x63, W64, def_reg(j, u->dst), at_cpu(offset));
        return;
    }
    select_unary(j, u, 0x63, W64);
}

static void select_shladd(struct jit *j, const struct uop *u) {
    uint8_t a = use_reg(j, u->a), b = use_reg(j, u->b);
    if (u->x > 3) {
        uint8_t t = temp_reg(j, BANK_INT);
        copy_rr(j, W64, t, a);
        shift_ri(j, SH_SHL, W64, t, u->x);
        alu_rr(j, ALU_ADD, W64, t, b);
        def_from(j, u->dst, t);
        return;
    }
    lea(j, W64, def_reg(j, u->dst), (struct mem){.base = b, .index = a, .scale = (uint8_t)u->x});
}

static bool select_count(struct jit *j, const struct uop *u, uint32_t op, bool w, bool have) {
    if (!have) return false;
    uint8_t a = use_reg(j, u->a);
    op_rr(j, op, w, def_reg(j, u->dst), a);
    return true;
}

/* Was the value computed by a 32-bit instruction, which clears the upper half? */
static bool upper_is_zero(struct jit *j, uint16_t t) {
    const struct uop *d = definition_of(j, j->v[t].root);
    int32_t n;
    switch ((enum uop_op)d->op) {
    case UOP_add_i32:
    case UOP_sub_i32:
    case UOP_and_i32:
    case UOP_or_i32:
    case UOP_xor_i32:
    case UOP_mul_i32: return true;
    case UOP_shl_i32:
    case UOP_shr_i32: return small_const(j, d->b, false, &n) && n & 31;
    default: return false;
    }
}

static void select_zext32(struct jit *j, const struct uop *u) {
    uint8_t a = use_reg(j, u->a), to = def_reg(j, u->dst);
    if (upper_is_zero(j, u->a))
        copy_rr(j, W64, to, a);
    else
        mov_rr(j, W32, to, a);
}

bool select_int(struct jit *j, const struct uop *u) {
    switch ((enum uop_op)u->op) {
    case UOP_add_i64: select_alu(j, u, ALU_ADD, W64, true); return true;
    case UOP_add_i32: select_alu(j, u, ALU_ADD, W32, true); return true;
    case UOP_sub_i64: select_alu(j, u, ALU_SUB, W64, false); return true;
    case UOP_sub_i32: select_alu(j, u, ALU_SUB, W32, false); return true;
    case UOP_and_i64: select_alu(j, u, ALU_AND, W64, true); return true;
    case UOP_and_i32: select_alu(j, u, ALU_AND, W32, true); return true;
    case UOP_or_i64: select_alu(j, u, ALU_OR, W64, true); return true;
    case UOP_or_i32: select_alu(j, u, ALU_OR, W32, true); return true;
    case UOP_xor_i64: select_alu(j, u, ALU_XOR, W64, true); return true;
    case UOP_xor_i32: select_alu(j, u, ALU_XOR, W32, true); return true;
    case UOP_andn_i64: select_not(j, u, ALU_AND, W64); return true;
    case UOP_andn_i32: select_not(j, u, ALU_AND, W32); return true;
    case UOP_orn_i64: select_not(j, u, ALU_OR, W64); return true;
    case UOP_orn_i32: select_not(j, u, ALU_OR, W32); return true;
    case UOP_xnor_i64: select_not(j, u, ALU_XOR, W64); return true;
    case UOP_xnor_i32: select_not(j, u, ALU_XOR, W32); return true;
    case UOP_shl_i64: select_shift(j, u, SH_SHL, W64); return true;
    case UOP_shl_i32: select_shift(j, u, SH_SHL, W32); return true;
    case UOP_shr_i64: select_shift(j, u, SH_SHR, W64); return true;
    case UOP_shr_i32: select_shift(j, u, SH_SHR, W32); return true;
    case UOP_sar_i64: select_shift(j, u, SH_SAR, W64); return true;
    case UOP_sar_i32: select_shift(j, u, SH_SAR, W32); return true;
    case UOP_rotl_i64: select_shift(j, u, SH_ROL, W64); return true;
    case UOP_rotl_i32: select_shift(j, u, SH_ROL, W32); return true;
    case UOP_rotr_i64: select_shift(j, u, SH_ROR, W64); return true;
    case UOP_rotr_i32: select_shift(j, u, SH_ROR, W32); return true;
    case UOP_mul_i64: select_mul(j, u, W64); return true;
    case UOP_mul_i32: select_mul(j, u, W32); return true;
    case UOP_mulhu_i64: select_mulh(j, u, 4); return true;
    case UOP_mulhs_i64: select_mulh(j, u, 5); return true;
    case UOP_divs_i64: select_divide(j, u, true, false, W64); return true;
    case UOP_divs_i32: select_divide(j, u, true, false, W32); return true;
    case UOP_divu_i64: select_divide(j, u, false, false, W64); return true;
    case UOP_divu_i32: select_divide(j, u, false, false, W32); return true;
    case UOP_rems_i64: select_divide(j, u, true, true, W64); return true;
    case UOP_rems_i32: select_divide(j, u, true, true, W32); return true;
    case UOP_remu_i64: select_divide(j, u, false, true, W64); return true;
    case UOP_remu_i32: select_divide(j, u, false, true, W32); return true;
    case UOP_mins_i64: select_minmax(j, u, CC_L, W64); return true;
    case UOP_mins_i32: select_minmax(j, u, CC_L, W32); return true;
    case UOP_maxs_i64: select_minmax(j, u, CC_G, W64); return true;
    case UOP_maxs_i32: select_minmax(j, u, CC_G, W32); return true;
    case UOP_minu_i64: select_minmax(j, u, CC_B, W64); return true;
    case UOP_minu_i32: select_minmax(j, u, CC_B, W32); return true;
    case UOP_maxu_i64: select_minmax(j, u, CC_A, W64); return true;
    case UOP_maxu_i32: select_minmax(j, u, CC_A, W32); return true;
    case UOP_clz_i64: return select_count(j, u, 0xf301bd, W64, x86_features.lzcnt);
    case UOP_clz_i32: return select_count(j, u, 0xf301bd, W32, x86_features.lzcnt);
    case UOP_ctz_i64: return select_count(j, u, 0xf301bc, W64, x86_features.bmi1);
    case UOP_ctz_i32: return select_count(j, u, 0xf301bc, W32, x86_features.bmi1);
    case UOP_popcnt_i64: return select_count(j, u, 0xf301b8, W64, x86_features.popcnt);
    case UOP_popcnt_i32: return select_count(j, u, 0xf301b8, W32, x86_features.popcnt);
    case UOP_bswap_i64: select_bswap(j, u, W64); return true;
    case UOP_bswap_i32: select_bswap(j, u, W32); return true;
    case UOP_shladd_i64: select_shladd(j, u); return true;
    case UOP_zext32_i64: select_zext32(j, u); return true;
    case UOP_sext32_i64: select_sext32(j, u); return true;
    case UOP_zext8_i64: select_unary8(j, u, 0x01b6, W32); return true;
    case UOP_sext8_i64: select_unary8(j, u, 0x01be, W64); return true;
    case UOP_sext8_i32: select_unary8(j, u, 0x01be, W32); return true;
    case UOP_zext16_i64: select_unary(j, u, 0x01b7, W32); return true;
    case UOP_sext16_i64: select_unary(j, u, 0x01bf, W64); return true;
    case UOP_sext16_i32: select_unary(j, u, 0x01bf, W32); return true;
    case UOP_set_i64: select_set(j, u, W64); return true;
    case UOP_set_i32: select_set(j, u, W32); return true;
    case UOP_select_i64: select_select(j, u, W64); return true;
    case UOP_select_i32: select_select(j, u, W32); return true;
    default: return false;
    }
}
