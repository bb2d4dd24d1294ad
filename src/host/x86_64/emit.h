/* emit.h - encoding x86-64 instructions. Small inline functions over the jit's byte pointer; no state, no choices.
 *
 * Operands are registers by number or a memory operand (struct mem). Space was checked before the block began, so
 * nothing here can run over.
 */
#ifndef HOST_X86_64_EMIT_H
#define HOST_X86_64_EMIT_H

#include "host/baseline.h"
#include <string.h>

enum reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
/* rbp points into the guest's own state, so that its first 32 words have short displacements. */
enum { CPU = RBP, CPU_BIAS = sizeof(struct cpu) + 128 };
enum { W32 = 0, W64 = 1 };

/* Offsets in the cache of what prepare puts there. */
enum {
    X86_ENTER = 0,
    X86_LEAVE = 256,
    X86_CALL = 512,           /* C call: see thunk.c */
    X86_DISPATCH = 1536,      /* jump to the guest pc in rax */
    X86_MISS = 1664,          /* the pairing stack did not hold the pc in rax: drop it, dispatch */
    X86_LEAVE_SETTLED = 1680, /* as X86_LEAVE, with the pins stored already */
    X86_EMPTY = 1728,         /* reached through an empty inline cache or pairing stack: they hold the pc 1 */
    X86_LINK = 1744,          /* take the route of the link whose number + 1 is in rax, or leave through it */
    X86_LEAVE_AT = 1776,      /* leave for the guest pc in rax */
    X86_RESUME = 1792,        /* jump to the guest pc in cpu->pc */
    X86_LOOK = 1808,      /* MEM_SOFT: the jump TLB did not hold the pc in rax: go where C finds its code, or leave */
    X86_MISS_SOFT = 1872, /* X86_MISS, and then X86_LOOK instead of X86_LEAVE_AT */
    X86_ACCESS = 1936,    /* X86_CALL of HOST_CALL_ACCESS; keeps every register; does not return where that leaves */
    X86_CONSTANTS = 1984,
    X86_FP_FLAGS = 2224, /* MXCSR's sticky bits to fp.h's: 64 bytes */
    X86_PIN_OF = 2288,   /* by slot: the pin's register (for the translator) */
    X86_SLOTS = 448,
    X86_SCRATCH_INT = X86_PIN_OF + X86_SLOTS, /* numbers of scratch registers, up to NO_REG (likewise) */
    X86_SCRATCH_FP = X86_SCRATCH_INT + 16,
    X86_END = X86_SCRATCH_FP + 32
};

/* Moves between vector registers and memory, of 8 and 16 bytes of any alignment. */
enum { MOVQ_LOAD = 0xf3017e, MOVQ_STORE = 0x6601d6, MOVUPS_LOAD = 0x0110, MOVUPS_STORE = 0x0111 };

/* [base + index * scale + disp]; base NO_REG: absolute. gs: relative to the window's base. */
struct mem {
    uint8_t base, index, scale; /* scale: log2 */
    bool gs, rip;               /* rip: disp is an offset from the cache's start */
    int32_t disp;
};

static inline struct mem at_cpu(uint32_t offset) {
    return (struct mem){.base = CPU, .index = NO_REG, .disp = (int32_t)offset - CPU_BIAS};
}
static inline struct mem at_reg(uint8_t base, int32_t disp) {
    return (struct mem){.base = base, .index = NO_REG, .disp = disp};
}
static inline struct mem at_cache(uint32_t offset) {
    return (struct mem){.base = NO_REG, .index = NO_REG, .rip = true, .disp = (int32_t)offset};
}
#define AT_CPU(field) at_cpu(offsetof(struct cpu, field))

/* Bytes go through a local pointer: j->p would be read and written again for each of them. */
static inline uint8_t *put8(uint8_t *p, unsigned v) {
    *p = (uint8_t)v;
    return p + 1;
}
static inline uint8_t *put32(uint8_t *p, uint32_t v) {
    memcpy(p, &v, 4);
    return p + 4;
}
static inline void byte(struct jit *j, unsigned b) {
    j->p = put8(j->p, b);
}
static inline void word32(struct jit *j, uint32_t v) {
    j->p = put32(j->p, v);
}
static inline void word64(struct jit *j, uint64_t v) {
    memcpy(j->p, &v, 8);
    j->p += 8;
}
static inline uint32_t here(const struct jit *j) {
    return (uint32_t)(j->p - j->m->write);
}

static inline uint8_t *put_modrm_reg(uint8_t *p, uint8_t reg, uint8_t rm) {
    return put8(p, 0xc0u | (reg & 7u) << 3 | (rm & 7u));
}

/* Opcodes are written 0xPPMMOO: mandatory prefix (0, 66, f2, f3), map (0: none, 1: 0f, 2: 0f38, 3: 0f3a), opcode. */
static inline uint8_t *put_prefix(uint8_t *p, uint32_t op, bool w, uint8_t reg, uint8_t index, uint8_t base,
                                  bool byte_reg) {
    _Static_assert(NO_REG >> 3 == 0x1f, "bit 4 tells NO_REG from a register's bit 3");
    unsigned pp = op >> 16 & 0xff, map = op >> 8 & 0xff;
    unsigned rex = (unsigned)w << 3 | (reg >> 3 == 1) << 2 | (index >> 3 == 1) << 1 | (base >> 3 == 1);
    if (pp) p = put8(p, pp);
    if (rex || byte_reg) p = put8(p, 0x40 | rex);
    if (map) {
        p = put8(p, 0x0f);
        if (map == 2) p = put8(p, 0x38);
        if (map == 3) p = put8(p, 0x3a);
    }
    return put8(p, op & 0xff);
}
static inline void prefix(struct jit *j, uint32_t op, bool w, uint8_t base) {
    j->p = put_prefix(j->p, op, w, NO_REG, NO_REG, base, false);
}
static inline void op_rr(struct jit *j, uint32_t op, bool w, uint8_t reg, uint8_t rm) {
    j->p = put_modrm_reg(put_prefix(j->p, op, w, reg, NO_REG, rm, false), reg, rm);
}
/* With byte registers: spl..dil need a REX. */
static inline void op_rr8(struct jit *j, uint32_t op, uint8_t reg, uint8_t rm) {
    j->p = put_modrm_reg(put_prefix(j->p, op, false, reg, NO_REG, rm, reg >= 4 || rm >= 4), reg, rm);
}
/* emit.c: [base + disp] for opcodes without prefix in maps 0 and 1, and any other. imm_bytes: bytes of immediate that
   follow, for rip-relative operands. */
void op_base(struct jit *j, uint32_t op, uint32_t rex_reg, uint8_t base, int32_t disp);
void op_any(struct jit *j, uint32_t op, bool w, uint8_t reg, struct mem m, unsigned imm_bytes);
static inline void op_rm_imm(struct jit *j, uint32_t op, bool w, uint8_t reg, struct mem m, unsigned imm_bytes) {
    if (op <= 0x1ff && m.base != NO_REG && m.index == NO_REG && !m.gs)
        op_base(j, op, (uint32_t)w << 3 | reg >> 3 << 2 | (reg & 7u) << 11, m.base, m.disp);
    else
        op_any(j, op, w, reg, m, imm_bytes);
}
static inline void op_rm(struct jit *j, uint32_t op, bool w, uint8_t reg, struct mem m) {
    op_rm_imm(j, op, w, reg, m, 0);
}
void op_rm8(struct jit *j, uint32_t op, uint8_t reg, struct mem m);

/* VEX, three operands. op as above; pp and map go into the prefix. */
static inline void vex_prefix(struct jit *j, uint32_t op, bool w, uint8_t reg, uint8_t v, uint8_t index, uint8_t base) {
    static const uint8_t pps[4] = {0, 0x66, 0xf3, 0xf2};
    unsigned pp = 0, map = op >> 8 & 0xff, want = op >> 16 & 0xff;
    while (pps[pp] != want) pp++;
    unsigned x = index != NO_REG && index >> 3, b = base != NO_REG && base >> 3, r = reg >> 3;
    if (!x && !b && !w && map == 1) {
        byte(j, 0xc5);
        byte(j, (r ? 0u : 0x80u) | (~v & 15u) << 3 | pp);
    } else {
        byte(j, 0xc4);
        byte(j, (r ? 0u : 0x80u) | (x ? 0u : 0x40u) | (b ? 0u : 0x20u) | map);
        byte(j, (unsigned)w << 7 | (~v & 15u) << 3 | pp);
    }
    byte(j, op & 0xff);
}
static inline void vex_rrr(struct jit *j, uint32_t op, bool w, uint8_t reg, uint8_t v, uint8_t rm) {
    vex_prefix(j, op, w, reg, v, NO_REG, rm);
    j->p = put_modrm_reg(j->p, reg, rm);
}

/* The eight classic operations: opcode / extension digit. */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

static inline void alu_rr(struct jit *j, enum alu op, bool w, uint8_t to, uint8_t from) {
    op_rr(j, (unsigned)op << 3 | 3, w, to, from);
}
static inline void alu_rm(struct jit *j, enum alu op, bool w, uint8_t to, struct mem m) {
    op_rm(j, (unsigned)op << 3 | 3, w, to, m);
}
static inline void alu_ri(struct jit *j, enum alu op, bool w, uint8_t to, int32_t imm) {
    if (imm == (int8_t)imm) {
        op_rr(j, 0x83, w, op, to);
        byte(j, (uint8_t)imm);
    } else {
        op_rr(j, 0x81, w, op, to);
        word32(j, (uint32_t)imm);
    }
}
static inline void alu_mi(struct jit *j, enum alu op, bool w, struct mem m, int32_t imm) {
    if (imm == (int8_t)imm) {
        op_rm_imm(j, 0x83, w, op, m, 1);
        byte(j, (uint8_t)imm);
    } else {
        op_rm_imm(j, 0x81, w, op, m, 4);
        word32(j, (uint32_t)imm);
    }
}
static inline void mov_rr(struct jit *j, bool w, uint8_t to, uint8_t from) {
    if (to != from || !w) op_rr(j, 0x8b, w, to, from);
}
/* A copy whose upper half, if narrow, nobody reads. */
static inline void copy_rr(struct jit *j, bool w, uint8_t to, uint8_t from) {
    if (to != from) op_rr(j, 0x8b, w, to, from);
}
static inline void mov_rm(struct jit *j, bool w, uint8_t to, struct mem m) {
    op_rm(j, 0x8b, w, to, m);
}
static inline void mov_mr(struct jit *j, bool w, struct mem m, uint8_t from) {
    op_rm(j, 0x89, w, from, m);
}
static inline void mov_mi(struct jit *j, bool w, struct mem m, int32_t imm) {
    op_rm_imm(j, 0xc7, w, 0, m, 4);
    word32(j, (uint32_t)imm);
}
static inline void mov_ri(struct jit *j, uint8_t to, uint64_t v) {
    if (v == 0) {
        op_rr(j, 0x33, W32, to, to);
    } else if (v == (uint32_t)v) {
        prefix(j, 0xb8 | (to & 7u), false, to);
        word32(j, (uint32_t)v);
    } else if (v == (uint64_t)(int32_t)v) {
        op_rr(j, 0xc7, W64, 0, to);
        word32(j, (uint32_t)v);
    } else {
        prefix(j, 0xb8 | (to & 7u), true, to);
        word64(j, v);
    }
}
static inline void lea(struct jit *j, bool w, uint8_t to, struct mem m) {
    op_rm(j, 0x8d, w, to, m);
}
static inline void shift_ri(struct jit *j, unsigned digit, bool w, uint8_t to, unsigned n) {
    op_rr(j, n == 1 ? 0xd1 : 0xc1, w, (uint8_t)digit, to);
    if (n != 1) byte(j, n);
}
enum { SH_ROL = 0, SH_ROR = 1, SH_SHL = 4, SH_SHR = 5, SH_SAR = 7 };
static inline void test_rr(struct jit *j, bool w, uint8_t a, uint8_t b) {
    op_rr(j, 0x85, w, b, a);
}

/* Condition codes. */
enum cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G };
static inline enum cc cc_of(enum uop_cond c) {
    static const uint8_t table[C_COUNT] = {CC_E, CC_NE, CC_L, CC_GE, CC_B, CC_AE, CC_LE, CC_G, CC_BE, CC_A};
    return (enum cc)table[c];
}
/* Jumps with a rel32 to be filled in; they yield the offset of the rel32. */
static inline uint32_t jcc(struct jit *j, enum cc cc) {
    byte(j, 0x0f);
    byte(j, 0x80u | cc);
    word32(j, 0);
    return here(j) - 4;
}
static inline uint32_t jmp(struct jit *j) {
    byte(j, 0xe9);
    word32(j, 0);
    return here(j) - 4;
}
static inline void jump_fill(struct jit *j, uint32_t rel, uint32_t to) {
    uint32_t v = to - (rel + 4);
    memcpy(j->m->write + rel, &v, 4);
}
/* What leads to the cache's head, from a word at this position, has to be relocated. */
void reloc_new(struct jit *j, uint32_t position);
static inline void jmp_to(struct jit *j, uint32_t to) {
    byte(j, 0xe9);
    if (to < X86_END) reloc_new(j, here(j));
    word32(j, to - (here(j) + 4));
}
static inline void call_to(struct jit *j, uint32_t to) {
    byte(j, 0xe8);
    if (to < X86_END) reloc_new(j, here(j));
    word32(j, to - (here(j) + 4));
}
/* Short forward jumps over a few bytes. */
static inline uint8_t *jcc_short(struct jit *j, enum cc cc) {
    byte(j, 0x70u | cc);
    byte(j, 0);
    return j->p;
}
static inline void short_here(struct jit *j, uint8_t *from) {
    from[-1] = (uint8_t)(j->p - from);
}
/* Pads with one long nop so that the next `skip` + 4 bytes put the 4 inside an aligned 8. */
static inline void nops(struct jit *j, unsigned n) {
    static const uint8_t nop[9][9] = {{0x90},
                                      {0x66, 0x90},
                                      {0x0f, 0x1f, 0},
                                      {0x0f, 0x1f, 0x40, 0},
                                      {0x0f, 0x1f, 0x44, 0, 0},
                                      {0x66, 0x0f, 0x1f, 0x44, 0, 0},
                                      {0x0f, 0x1f, 0x80, 0, 0, 0, 0},
                                      {0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0},
                                      {0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0}};
    while (n) {
        unsigned k = n > 9 ? 9 : n;
        memcpy(j->p, nop[k - 1], k);
        j->p += k;
        n -= k;
    }
}
static inline void align_patch(struct jit *j, unsigned skip) {
    unsigned at = (here(j) + skip) & 7;
    if (at > 4) nops(j, 8 - at);
}

#endif
