/* lift.h - the words in which the meaning column of *.isa is written. `b` is the builder, `bits` the instruction; a
 * word that can find the instruction illegal jumps to `illegal`, and must come before anything that has an effect.
 *
 * Macros are statement expressions where they have several operands, so that operands are evaluated from left to right
 * and every compiler makes the same uops. Registers are given by number, values are temporaries.
 */
#ifndef GUEST_RISCV_LIFT_H
#define GUEST_RISCV_LIFT_H

#include "core/fp.h"
#include "core/guest.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/state.h"

/* ---- context: the fields of state.h that have context bits, by name */
struct riscv_context {
    RISCV_FIELDS(FIELDS_LAYOUT_FIELD, FIELDS_LAYOUT_ARRAY)
};
#define CTX(field)                                                                                                     \
    ((unsigned)(b->ctx >> (CTX_GUEST_SHIFT + offsetof(struct riscv_context, field))) &                                 \
     ((1u << sizeof(((struct riscv_context *)0)->field)) - 1))

#define LIFT_BEGIN bool fp_changed = false
#define LIFT_END                                                                                                       \
    if (fp_changed && CTX(fs) != FS_DIRTY) lift_fs_dirty(b)
#define LIFT_ILLEGAL build_exit(b, EXIT_illegal, bits)

/* ---- operations */
#define OP1(op, p) build1(b, UOP_##op, p)
#define OP2(op, p, q)                                                                                                  \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        build2(b, UOP_##op, p_, q_);                                                                                   \
    })
#define OPX(op, x, p, q)                                                                                               \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        buildx(b, UOP_##op, x, p_, q_, 0);                                                                             \
    })
#define K(value)       build_const(b, T_I64, (uint64_t)(value))
#define K32(value)     build_const(b, T_I32, (uint32_t)(value))
#define PC(distance)   K(b->pc + (uint64_t)(distance))
#define ADD(p, q)      OP2(add_i64, p, q)
#define SUB(p, q)      OP2(sub_i64, p, q)
#define AND(p, q)      OP2(and_i64, p, q)
#define OR(p, q)       OP2(or_i64, p, q)
#define XOR(p, q)      OP2(xor_i64, p, q)
#define SHL(p, q)      OP2(shl_i64, p, q)
#define SHR(p, q)      OP2(shr_i64, p, q)
#define SAR(p, q)      OP2(sar_i64, p, q)
#define MUL(p, q)      OP2(mul_i64, p, q)
#define ADD32(p, q)    OP2(add_i32, p, q)
#define SUB32(p, q)    OP2(sub_i32, p, q)
#define SHL32(p, q)    OP2(shl_i32, p, q)
#define SHR32(p, q)    OP2(shr_i32, p, q)
#define SAR32(p, q)    OP2(sar_i32, p, q)
#define SET(c, p, q)   OPX(set_i64, c, p, q)
#define SHADD(n, p, q) OPX(shladd_i64, n, p, q)
#define ZEXT(p)        OP1(zext32_i64, p)
#define SELECT(p, q, r)                                                                                                \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q), r_ = (r);                                                                         \
        build3(b, UOP_select_i64, p_, q_, r_);                                                                         \
    })

/* ---- integer registers; 32-bit results are sign-extended */
#define R(n)      lift_read(b, n)
#define R32(n)    OP1(trunc_i32, R(n))
#define W(n, p)   lift_write(b, n, p)
#define W32(n, p) W(n, OP1(sext32_i64, p))

static inline uint16_t lift_read(struct builder *b, unsigned n) {
    return n ? build_get(b, SLOT_X + n) : K(0);
}
static inline void lift_write(struct builder *b, unsigned n, uint16_t temp) {
    if (n && !b->failed) build_put(b, SLOT_X + n, temp);
}

/* ---- what no uop has in one step */
#define MULHSU(p, q)                                                                                                   \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        lift_mulhsu(b, p_, q_);                                                                                        \
    })
#define ORC_B(p) lift_orc_b(b, p)
/* A helper that neither reads nor writes a field, and does not leave. */
#define PURE_HELPER(name, p, q)                                                                                        \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        build_helper(b, HELPER_##name, p_, q_, 0);                                                                     \
    })

uint16_t lift_mulhsu(struct builder *b, uint16_t p, uint16_t q);
uint16_t lift_orc_b(struct builder *b, uint16_t p);

/* ---- memory; space 0 is data */
#define LOAD(type, p, displacement) build_load(b, UOP_load_##type, 0, p, (int64_t)(displacement))
#define STORE(type, p, displacement, q)                                                                                \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        build_store(b, UOP_store_##type, 0, p_, (int64_t)(displacement), q_);                                          \
    })
#define OP_MEM(op, p, q) OPX(op, 0, p, q)

/* ---- floating point: registers as double, single and half precision, and as single without a check of the box */
#define FP_ON    (CTX(fs) != FS_OFF)
#define D(n)     build_get(b, SLOT_F + (n))
#define S(n)     OP1(unbox_f32, D(n))
#define H(n)     OP1(unbox_f16, D(n))
#define LOW32(n) OP1(low_f32, D(n))
#define WD(n, p)                                                                                                       \
    do {                                                                                                               \
        uint16_t v_ = (p);                                                                                             \
        if (!b->failed) build_put(b, SLOT_F + (n), v_);                                                                \
        fp_changed = true;                                                                                             \
    } while (0)
#define WS(n, p) WD(n, OP1(box_f32, p))
#define WH(n, p) WD(n, OP1(box_f16, p))
/* Operations that may raise flags: rounding mode first. */
#define FOP1(op, rm, p)    FOP3(op, rm, p, 0, 0)
#define FOP2(op, rm, p, q) FOP3(op, rm, p, q, 0)
#define FOP3(op, rm, p, q, r)                                                                                          \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q), r_ = (r);                                                                         \
        fp_changed = true;                                                                                             \
        buildx(b, UOP_##op, rm, p_, q_, r_);                                                                           \
    })
/* The rounding mode of a field: static, or the context's. */
#define ROUND(field)                                                                                                   \
    ({                                                                                                                 \
        unsigned rm_ = (unsigned)(field) == 7 ? CTX(frm) : (unsigned)(field);                                          \
        if (rm_ > FP_RMM) goto illegal;                                                                                \
        rm_;                                                                                                           \
    })
#define SGNJ64(n, m)            lift_copysign(b, FP_64, n, m)
#define SGNJ32(n, m)            lift_copysign(b, FP_32, n, m)
#define SGNJ16(n, m)            lift_copysign(b, FP_16, n, m)
#define SGNJN64(n, m)           lift_copysign_negated(b, FP_64, n, m)
#define SGNJN32(n, m)           lift_copysign_negated(b, FP_32, n, m)
#define SGNJN16(n, m)           lift_copysign_negated(b, FP_16, n, m)
#define SGNJX64(n, m)           lift_copysign_xor(b, FP_64, n, m)
#define SGNJX32(n, m)           lift_copysign_xor(b, FP_32, n, m)
#define SGNJX16(n, m)           lift_copysign_xor(b, FP_16, n, m)
#define CONSTANT(format, index) OP1(bits_f64, K(lift_fp_constant(format, (unsigned)(index))))

uint16_t lift_copysign(struct builder *b, enum fp_format format, unsigned n, unsigned m);
uint16_t lift_copysign_negated(struct builder *b, enum fp_format format, unsigned n, unsigned m);
uint16_t lift_copysign_xor(struct builder *b, enum fp_format format, unsigned n, unsigned m);
/** Entry `index` of the table of fli, boxed. */
uint64_t lift_fp_constant(enum fp_format format, unsigned index);
/** Ends the block with fs = dirty. */
void lift_fs_dirty(struct builder *b);

/* ---- control and system */
#define BRANCH(c, p, q, distance)                                                                                      \
    ({                                                                                                                 \
        uint16_t p_ = (p), q_ = (q);                                                                                   \
        lift_branch(b, c, p_, q_, b->pc + (uint64_t)(distance));                                                       \
    })
#define JAL(rd, distance)       lift_jal(b, rd, b->pc + (uint64_t)(distance))
#define JALR(rd, rs1, distance) lift_jalr(b, rd, rs1, distance)
#define EXIT(kind, value)       build_exit(b, EXIT_##kind, value)
#define NOP                     (void)0
#define HINT(...)               lift_hint(__VA_ARGS__)
#define lift_hint(...)          (void)((const uint64_t[]){__VA_ARGS__})
#define FENCE(pred, succ)       OPX(fence, (unsigned)((pred) << 4 | (succ)), 0, 0)
#define CSR(op, rd, number, p, writes)                                                                                 \
    if (!lift_csr(b, op, rd, number, p, writes, bits, &fp_changed)) goto illegal
/* A helper that always leaves, with its own idea of where to go on; the exit behind it only ends the block. */
#define LEAVE(name) LEAVE_WITH(name, 0, 0)
#define LEAVE_WITH(name, p, q)                                                                                         \
    do {                                                                                                               \
        build_helper(b, HELPER_##name, K(bits), p, q);                                                                 \
        build_exit(b, EXIT_retranslate, 0);                                                                            \
    } while (0)

void lift_branch(struct builder *b, enum uop_cond c, uint16_t p, uint16_t q, uint64_t target);
void lift_jal(struct builder *b, unsigned rd, uint64_t target);
void lift_jalr(struct builder *b, unsigned rd, unsigned rs1, int64_t distance);
/** False: illegal, and nothing with an effect was emitted. */
bool lift_csr(struct builder *b, enum riscv_csr_op op, unsigned rd, unsigned number, uint16_t operand, bool writes,
              uint32_t bits, bool *fp_changed);

#endif
