/* state.h - the riscv cpu: every field of architected state, as rows (see core/fields.h).
 *
 * Columns: type, name, class, flags, ctx bits, reset value, mask of bits that software can write. A process cpu is
 * this cpu frozen in user mode. mstatus is kept as parts, each with its bits in their mstatus positions: fs because
 * code depends on it, the others by what a change asks for. mip is what software can set; `lines` are the levels of the
 * interrupt wires (by cause number), set by devices and by the cpu's own timer. mcycle and minstret hold the difference
 * to COUNTER_CYCLES and COUNTER_INSTRUCTIONS while they run, their value while they are inhibited.
 */
#ifndef GUEST_RISCV_STATE_H
#define GUEST_RISCV_STATE_H

#include "core/cpu.h"
#include "core/fields.h"

enum riscv_priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
enum riscv_fs { FS_OFF, FS_INITIAL, FS_CLEAN, FS_DIRTY };
enum { PMP_ENTRIES = 16 };

/* Bits of mstatus that are stored; the others are constant or made up when it is read. */
enum riscv_status {
    STATUS_SIE = 1 << 1,
    STATUS_MIE = 1 << 3,
    STATUS_SPIE = 1 << 5,
    STATUS_MPIE = 1 << 7,
    STATUS_SPP = 1 << 8,
    STATUS_MPP_SHIFT = 11,
    STATUS_MPP = 3 << 11,
    STATUS_FS_SHIFT = 13,
    STATUS_FS = 3 << 13,
    STATUS_MPRV = 1 << 17,
    STATUS_SUM = 1 << 18,
    STATUS_MXR = 1 << 19,
    STATUS_TVM = 1 << 20,
    STATUS_TW = 1 << 21,
    STATUS_TSR = 1 << 22
};
/* Cache-block instructions that may execute in the current mode: what *envcfg leave of them, recomputed by whoever
   changes those or priv. */
enum riscv_cbo { CBO_ZERO = 1, CBO_CLEAN = 2, CBO_INVAL = 4 };

/* Privileged state: what csr.def's rows read and write. */
#define RISCV_CSR_FIELDS(FIELD, ARRAY)                                                                                 \
    FIELD(uint64_t, status_ie, RESOURCE, FIELD_RECHECK, 0, 0, STATUS_SIE | STATUS_MIE)                                 \
    FIELD(uint64_t, status_stack, TRAPCTL, 0, 0, 0, STATUS_SPIE | STATUS_MPIE | STATUS_SPP | STATUS_MPP)               \
    FIELD(uint64_t, status_memory, MAP, 0, 0, 0, STATUS_MPRV | STATUS_SUM | STATUS_MXR)                                \
    FIELD(uint64_t, status_trap, MODE, 0, 0, 0, STATUS_TVM | STATUS_TW | STATUS_TSR)                                   \
    FIELD(uint64_t, medeleg, TRAPCTL, 0, 0, 0, 0xb3ff)                                                                 \
    FIELD(uint64_t, mideleg, TRAPCTL, FIELD_RECHECK, 0, 0, 0x222)                                                      \
    FIELD(uint64_t, mie, RESOURCE, FIELD_RECHECK, 0, 0, 0xaaa)                                                         \
    FIELD(uint64_t, mip, RESOURCE, FIELD_RECHECK, 0, 0, 0x222)                                                         \
    FIELD(uint64_t, lines, RESOURCE, 0, 0, 0, 0)                                                                       \
    FIELD(uint64_t, mtvec, TRAPCTL, 0, 0, 0, ~2ull)                                                                    \
    FIELD(uint64_t, mscratch, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                            \
    FIELD(uint64_t, mepc, TRAPCTL, 0, 0, 0, ~1ull)                                                                     \
    FIELD(uint64_t, mcause, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                              \
    FIELD(uint64_t, mtval, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                               \
    FIELD(uint64_t, stvec, TRAPCTL, 0, 0, 0, ~2ull)                                                                    \
    FIELD(uint64_t, sscratch, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                            \
    FIELD(uint64_t, sepc, TRAPCTL, 0, 0, 0, ~1ull)                                                                     \
    FIELD(uint64_t, scause, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                              \
    FIELD(uint64_t, stval, TRAPCTL, 0, 0, 0, UINT64_MAX)                                                               \
    FIELD(uint64_t, satp, MAP, FIELD_RETRANSLATE, 0, 0, UINT64_MAX)                                                          \
    FIELD(uint64_t, mcounteren, RESOURCE, 0, 0, 0, 0xffffffff)                                                         \
    FIELD(uint64_t, scounteren, RESOURCE, 0, 0, 0, 0xffffffff)                                                         \
    FIELD(uint64_t, mcountinhibit, RESOURCE, 0, 0, 0, 5)                                                               \
    FIELD(uint64_t, menvcfg, MODE, FIELD_FLUSH_TLB | FIELD_RECHECK, 0, 1ull << 61, 0xe0000000000000f1)                          \
    FIELD(uint64_t, mseccfg, MODE, 0, 0, 0, 0x300)                                                                     \
    FIELD(uint64_t, senvcfg, MODE, 0, 0, 0, 0xf1)                                                                      \
    FIELD(uint64_t, stimecmp, TIME, FIELD_RETRANSLATE | FIELD_RECHECK, 0, 0, UINT64_MAX)                               \
    FIELD(uint64_t, mcycle, TIME, 0, 0, 0, UINT64_MAX)                                                                 \
    FIELD(uint64_t, minstret, TIME, 0, 0, 0, UINT64_MAX)                                                               \
    FIELD(uint64_t, mhartid, HIDDEN, 0, 0, 0, 0)                                                                       \
    ARRAY(uint8_t, pmpcfg, PMP_ENTRIES, MAP, FIELD_FLUSH_TLB, 0, 0, 0x9f)                                              \
    ARRAY(uint64_t, pmpaddr, PMP_ENTRIES, MAP, FIELD_FLUSH_TLB, 0, 0, 0x3fffffffffffff)

#define RISCV_FIELDS(FIELD, ARRAY)                                                                                     \
    ARRAY(uint64_t, x, 32, GPR, 0, 0, 0, UINT64_MAX)                                                                   \
    ARRAY(uint64_t, f, 32, GPR, 0, 0, 0, UINT64_MAX)                                                                   \
    FIELD(uint32_t, frm, GPR, FIELD_RETRANSLATE, 3, 0, 7)                                                              \
    FIELD(uint32_t, priv, MODE, FIELD_RETRANSLATE, 2, PRIV_M, 3)                                                       \
    FIELD(uint32_t, fs, MODE, FIELD_RETRANSLATE, 2, FS_OFF, 3)                                                         \
    FIELD(uint32_t, cbo, MODE, FIELD_RETRANSLATE, 3, CBO_ZERO | CBO_CLEAN | CBO_INVAL, 7)                              \
    RISCV_CSR_FIELDS(FIELD, ARRAY)

struct riscv_cpu {
    struct cpu c;
    FIELDS_RAW_STRUCT(RISCV_FIELDS)
};

/* The place of each row in riscv_fields. */
#define RISCV_PLACE_FIELD(type, name, ...) RISCV_FIELD_##name,
#define RISCV_PLACE_ARRAY(type, name, ...) RISCV_FIELD_##name,
enum riscv_field { RISCV_FIELDS(RISCV_PLACE_FIELD, RISCV_PLACE_ARRAY) RISCV_FIELD_COUNT };
extern const struct field riscv_fields[RISCV_FIELD_COUNT];

/* Sets of fields (core/effect.h), by name. */
#define RISCV_PLACE(name) (FIELD_PLACES + RISCV_FIELD_##name)
#define SET_OF(name)      IN_SET(RISCV_PLACE(name))
_Static_assert(FIELD_PLACES + RISCV_FIELD_COUNT <= PLACE_SET_SIZE, "a set has them all");

/* riscv_get_NAME(cpu), riscv_set_NAME(cpu, value); of arrays riscv_get_NAME(cpu, i), riscv_set_NAME(cpu, i, value). */
#define RISCV_ACCESS_FIELD(type, name, ...) FIELD_ACCESS(riscv, struct riscv_cpu, RISCV_PLACE(name), type, name)
#define RISCV_ACCESS_ARRAY(type, name, ...) FIELD_ACCESS_ARRAY(riscv, struct riscv_cpu, RISCV_PLACE(name), type, name)
RISCV_FIELDS(RISCV_ACCESS_FIELD, RISCV_ACCESS_ARRAY)

/** By number, where the name does not matter. */
static inline uint64_t riscv_get(const struct riscv_cpu *cpu, enum riscv_field which, unsigned i) {
    cpu_note(&cpu->c, FIELD_PLACES + which, NOTE_READ);
    return field_get(cpu, &riscv_fields[which], i);
}
static inline void riscv_set(struct riscv_cpu *cpu, enum riscv_field which, unsigned i, uint64_t value) {
    cpu_note(&cpu->c, FIELD_PLACES + which, NOTE_WRITE);
    field_set(cpu, &riscv_fields[which], i, value);
}

/* Slots: x0-x31 are 0-31, f0-f31 are 32-63, then these (i32, hence fields of 4 bytes). */
enum riscv_slot { SLOT_X = 0, SLOT_F = 32, SLOT_FFLAGS = 64, SLOT_FRM, SLOT_FS, SLOT_ACTIONS, SLOT_COUNT };

static inline struct riscv_cpu *riscv_of(struct cpu *cpu) {
    return (struct riscv_cpu *)cpu;
}

#endif
