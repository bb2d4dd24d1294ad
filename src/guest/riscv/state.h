/* state.h - the riscv cpu: every field of architected state, as rows (see core/fields.h).
 *
 * Columns: type, name, class, flags, ctx bits, reset value, mask of bits that software can write. A process cpu is
 * this cpu frozen in user mode. mstatus is kept as its parts, so that the parts that code depends on (priv, fs, frm)
 * are context fields of their own.
 */
#ifndef GUEST_RISCV_STATE_H
#define GUEST_RISCV_STATE_H

#include "core/cpu.h"
#include "core/fields.h"

enum riscv_priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
enum riscv_fs { FS_OFF, FS_INITIAL, FS_CLEAN, FS_DIRTY };
/* Cache-block instructions that may execute in the current mode: what *envcfg leave of them, recomputed by whoever
   changes those or priv. */
enum riscv_cbo { CBO_ZERO = 1, CBO_CLEAN = 2, CBO_INVAL = 4 };

#define RISCV_FIELDS(FIELD, ARRAY)                                                                                     \
    ARRAY(uint64_t, x, 32, GPR, 0, 0, 0, UINT64_MAX)                                                                   \
    ARRAY(uint64_t, f, 32, GPR, 0, 0, 0, UINT64_MAX)                                                                   \
    FIELD(uint32_t, frm, GPR, FIELD_RETRANSLATE, 3, 0, 7)                                                              \
    FIELD(uint32_t, priv, MODE, FIELD_RETRANSLATE | FIELD_FLUSH_TLB | FIELD_RECHECK, 2, PRIV_M, 3)                     \
    FIELD(uint32_t, fs, MODE, FIELD_RETRANSLATE, 2, FS_OFF, 3)                                                         \
    FIELD(uint32_t, cbo, MODE, FIELD_RETRANSLATE, 3, CBO_ZERO | CBO_CLEAN | CBO_INVAL, 7)

struct riscv_cpu {
    struct cpu c;
    FIELDS_STRUCT(RISCV_FIELDS)
};

/* Slots: x0-x31 are 0-31, f0-f31 are 32-63, then these (i32, hence fields of 4 bytes). */
enum riscv_slot { SLOT_X = 0, SLOT_F = 32, SLOT_FFLAGS = 64, SLOT_FRM, SLOT_FS, SLOT_COUNT };

static inline struct riscv_cpu *riscv_of(struct cpu *cpu) {
    return (struct riscv_cpu *)cpu;
}

#endif
