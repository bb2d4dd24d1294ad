/* lift.c - the parts of riscv instructions' meanings that a row cannot say: transfers of control with their hints,
 * CSRs, sign injection, the table of fli, integer operations of several uops. What is called here is described in
 * lift.h.
 */
#include "guest/riscv/lift.h"

/* ---- control */

void lift_branch(struct builder *b, enum uop_cond c, uint16_t p, uint16_t q, uint64_t target) {
    uint64_t left, right;
    if (target == b->next) return;
    if (!builder_is_const(b, p, &left) || !builder_is_const(b, q, &right)) {
        build_br(b, UOP_br_i64, c, p, q, target);
        return;
    }
    uint32_t flags = 0;
    if (uop_eval(UOP_set_i64, c, 0, left, right, 0, &flags)) build_jump(b, target);
}

/* Registers that hold return addresses, by the convention on which return-address stacks rely. */
static bool is_link(unsigned n) {
    return n == 1 || n == 5;
}

void lift_jal(struct builder *b, unsigned rd, uint64_t target) {
    lift_write(b, rd, build_const(b, T_I64, b->next));
    if (is_link(rd))
        build_call(b, target, b->next);
    else
        build_jump(b, target);
}

/* Unprivileged manual, section 2.5.1, table 3. Where both registers are links and differ, a return and a call at once,
   only the call is kept. */
void lift_jalr(struct builder *b, unsigned rd, unsigned rs1, int64_t distance) {
    uint16_t target = ADD(lift_read(b, rs1), K(distance)); /* jumps drop the lowest bit: see pc_align */
    uint64_t known;
    lift_write(b, rd, K(b->next));
    if (builder_is_const(b, target, &known)) { /* auipc and jalr: a far call or jump */
        known &= ~(uint64_t)1;
        if (is_link(rd))
            build_call(b, known, b->next);
        else
            build_jump(b, known);
    } else if (is_link(rd))
        build_callind(b, target, b->next);
    else if (is_link(rs1))
        build_ret(b, target);
    else
        build_jumpind(b, target);
}

/* ---- integers */

/* As if p were unsigned, which makes it 2**64 more than it is if it is negative. */
uint16_t lift_mulhsu(struct builder *b, uint16_t p, uint16_t q) {
    uint16_t high = OP2(mulhu_i64, p, q);
    return SUB(high, AND(SAR(p, K(63)), q));
}

/* All bits of each byte that is not 0. */
uint16_t lift_orc_b(struct builder *b, uint16_t p) {
    for (unsigned n = 1; n < 8; n *= 2) p = OR(p, SHR(p, K(n)));
    return MUL(AND(p, K(0x0101010101010101u)), K(0xff));
}

/* ---- control and status registers */

enum { CSR_fflags = 1, CSR_frm = 2, CSR_fcsr = 3 };

static uint16_t csr_combine(struct builder *b, enum riscv_csr_op op, uint16_t old, uint16_t operand) {
    return op == CSR_WRITE ? operand : op == CSR_SET ? OR(old, operand) : OP2(andn_i64, old, operand);
}

/* fflags, frm and fcsr are slots. frm is known while lifting, so a change of it ends the block. */
static void lift_fp_csr(struct builder *b, enum riscv_csr_op op, unsigned rd, unsigned number, uint16_t operand,
                        bool writes, bool *fp_changed) {
    bool has_flags = number != CSR_frm, has_mode = number != CSR_fflags;
    unsigned mode_shift = number == CSR_fcsr ? 5 : 0;
    uint64_t mode;
    uint16_t old = K(has_mode ? CTX(frm) << mode_shift : 0);
    if (has_flags && (rd || op != CSR_WRITE)) old = OR(ZEXT(build_get(b, SLOT_FFLAGS)), old);
    if (writes) {
        uint16_t new = csr_combine(b, op, old, operand);
        uint16_t new_mode = AND(SHR(new, K(mode_shift)), K(7));
        if (has_flags) build_put(b, SLOT_FFLAGS, OP1(trunc_i32, AND(new, K(31))));
        has_mode = has_mode && !(builder_is_const(b, new_mode, &mode) && mode == CTX(frm));
        if (has_mode) build_put(b, SLOT_FRM, OP1(trunc_i32, new_mode));
        *fp_changed = true;
    }
    lift_write(b, rd, old);
    if (!writes || !has_mode) return;
    if (CTX(fs) != FS_DIRTY) build_put(b, SLOT_FS, K32(FS_DIRTY));
    *fp_changed = false;
    build_exit(b, EXIT_retranslate, 0);
}

bool lift_csr(struct builder *b, enum riscv_csr_op op, unsigned rd, unsigned number, uint16_t operand, bool writes,
              uint32_t bits, bool *fp_changed) {
    if (CTX(priv) < (number >> 8 & 3) || (writes && number >> 10 == 3)) return false;
    if (number >= CSR_fflags && number <= CSR_fcsr) {
        if (!FP_ON) return false;
        lift_fp_csr(b, op, rd, number, operand, writes, fp_changed);
        return true;
    }
    const int helper = riscv_csr_helper(number, writes);
    if (helper < 0) return false;
    uint64_t request = number | (uint64_t)op << CSR_OP_SHIFT | (writes ? CSR_WANTS_WRITE : 0);
    uint16_t a = K(request), c = K(bits);
    lift_write(b, rd, build_helper(b, (unsigned)helper, a, operand, c));
    if (set_has(riscv_helpers[helper].effect.writes, PLACE_ACTIONS))
        build_exitif(b, UOP_exitif_i32, C_NE, build_get(b, SLOT_ACTIONS), K32(0), EXIT_retranslate, 0);
    return true;
}

/* ---- floating point */

void lift_fs_dirty(struct builder *b) {
    build_put(b, SLOT_FS, K32(FS_DIRTY));
    build_exit(b, EXIT_retranslate, 0);
}

static uint16_t read_fp(struct builder *b, enum fp_format format, unsigned n) {
    return format == FP_64 ? D(n) : format == FP_32 ? S(n) : H(n);
}

#define BY_FORMAT(op)                                                                                                  \
    static uint16_t build_##op(struct builder *b, enum fp_format format, uint16_t p, uint16_t q) {                     \
        enum uop_op f = format == FP_64 ? UOP_##op##_f64 : format == FP_32 ? UOP_##op##_f32 : UOP_##op##_f16;          \
        return build2(b, f, p, q);                                                                                     \
    }
BY_FORMAT(fneg)
BY_FORMAT(fabs)
BY_FORMAT(fcopysign)

uint16_t lift_copysign(struct builder *b, enum fp_format format, unsigned n, unsigned m) {
    uint16_t p = read_fp(b, format, n);
    return n == m ? p : build_fcopysign(b, format, p, read_fp(b, format, m));
}

uint16_t lift_copysign_negated(struct builder *b, enum fp_format format, unsigned n, unsigned m) {
    uint16_t p = read_fp(b, format, n);
    return n == m ? build_fneg(b, format, p, 0)
                  : build_fcopysign(b, format, p, build_fneg(b, format, read_fp(b, format, m), 0));
}

uint16_t lift_copysign_xor(struct builder *b, enum fp_format format, unsigned n, unsigned m) {
    uint16_t p = read_fp(b, format, n);
    if (n == m) return build_fabs(b, format, p, 0);
    uint16_t q = read_fp(b, format, m);
    switch (format) {
    case FP_64: return OP1(bits_f64, XOR(OP1(f64_bits, p), AND(OP1(f64_bits, q), K(fp_sign_mask(FP_64)))));
    case FP_32:
        q = OP2(and_i32, OP1(f32_bits, q), K32(fp_sign_mask(FP_32)));
        return OP1(bits_f32, OP2(xor_i32, OP1(f32_bits, p), q));
    case FP_16: return OP2(xor_i32, p, OP2(and_i32, q, K32(fp_sign_mask(FP_16))));
    }
    return 0;
}

/* Unprivileged manual, table 29 (section 25.1): all entries but 1 are the same number in each format, rounded, as
   double precision. */
static const uint64_t constants[32] = {
    0xbff0000000000000, 0,
    0x3ef0000000000000, 0x3f00000000000000,
    0x3f70000000000000, 0x3f80000000000000,
    0x3fb0000000000000, 0x3fc0000000000000,
    0x3fd0000000000000, 0x3fd4000000000000,
    0x3fd8000000000000, 0x3fdc000000000000,
    0x3fe0000000000000, 0x3fe4000000000000,
    0x3fe8000000000000, 0x3fec000000000000,
    0x3ff0000000000000, 0x3ff4000000000000,
    0x3ff8000000000000, 0x3ffc000000000000,
    0x4000000000000000, 0x4004000000000000,
    0x4008000000000000, 0x4010000000000000,
    0x4020000000000000, 0x4030000000000000,
    0x4060000000000000, 0x4070000000000000,
    0x40e0000000000000, 0x40f0000000000000,
    0x7ff0000000000000, 0x7ff8000000000000,
};

uint64_t lift_fp_constant(enum fp_format format, unsigned index) {
    static const uint64_t least_normal[] = {[FP_16] = 0x0400, [FP_32] = 0x00800000, [FP_64] = 0x0010000000000000};
    uint32_t flags = 0;
    uint64_t v = index == 1 ? least_normal[format] : fp_to_fp(FP_64, format, constants[index], FP_RNE, &flags);
    unsigned width = fp_width(format);
    return width == 64 ? v : v | UINT64_MAX << width;
}
