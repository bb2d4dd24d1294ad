/* csr.h - the privileged side of the riscv guest, within its folder: CSRs, traps, address translation.
 *
 * The functions called riscv_help_* are helpers that lifted code calls (struct helper): cpu->pc is the address of the
 * instruction, which is 4 bytes long, and `a` its bits unless said otherwise. A BEFORE exit means that nothing has
 * changed; for an AFTER exit they have set cpu->pc to where to go on, because the lifted code behind the call does not
 * run. What they read and write is declared in helpers.c.
 */
#ifndef GUEST_RISCV_CSR_H
#define GUEST_RISCV_CSR_H

#include "core/guest.h"
#include "guest/riscv/state.h"

/* Words for whoever has a `cpu`: its fields, and elements of those that are arrays. */
#define GET(name)        riscv_get_##name(cpu)
#define LET(name, value) riscv_set_##name(cpu, value)
#define GET_AT(name, i)  riscv_get_##name(cpu, i)

enum riscv_irq { IRQ_SSI = 1, IRQ_MSI = 3, IRQ_STI = 5, IRQ_MTI = 7, IRQ_SEI = 9, IRQ_MEI = 11 };
enum riscv_csr_op { CSR_WRITE, CSR_SET, CSR_CLEAR };
/* How `a` of riscv_help_csr is put together: number | op << 16 | ... */
enum { CSR_OP_SHIFT = 16, CSR_WANTS_WRITE = 1 << 20 };
enum riscv_envcfg { ENVCFG_CBIE = 3 << 4, ENVCFG_CBCFE = 1 << 6, ENVCFG_CBZE = 1 << 7 };
#define ENVCFG_ADUE  (1ull << 61)
#define ENVCFG_PBMTE (1ull << 62)
#define ENVCFG_STCE  (1ull << 63)

/* Numbers of guest_riscv.helpers: for each row of csr.def one that reads and one that writes. */
enum riscv_csr_row {
#define CSR(number, name, ...)        CSR_ROW_##name,
#define CSRS(first, count, name, ...) CSR_ROW_##name,
#include "guest/riscv/csr.def"
    CSR_ROWS
};
enum riscv_helper {
    HELPER_mret,
    HELPER_sret,
    HELPER_wfi,
    HELPER_sfence,
    HELPER_xperm4,
    HELPER_xperm8,
    HELPER_CSR,
    HELPER_COUNT = HELPER_CSR + 2 * CSR_ROWS
};
extern const struct helper riscv_helpers[HELPER_COUNT];
extern const struct guest_effects riscv_effects;
extern const struct trap_names riscv_trap_names;
/** The helper that reads or writes a CSR; -1 when there is none with this number, or it cannot be accessed so. */
int riscv_csr_helper(unsigned number, bool writes);

/** csrr*: a as above, b = operand, c = the instruction's bits; yields the old value. What a write asks of the engine is
    in cpu->actions: the code behind the call has to leave when that is not 0. */
uint64_t riscv_help_csr(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);
uint64_t riscv_help_mret(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);
uint64_t riscv_help_sret(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);
uint64_t riscv_help_wfi(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);
/** sfence.vma, sinval.vma: a = the instruction's bits, b = address, c = ASID. */
uint64_t riscv_help_sfence(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c);

/** The name of a CSR, in `text`; false when there is none with this number. */
bool riscv_csr_name(unsigned number, char *text, size_t size);

/** For rows: the random bits of `mask`, and those of `with`; or `without` where there is no source of them. */
uint64_t riscv_random(struct riscv_cpu *cpu, uint64_t mask, uint64_t with, uint64_t without);
/** mip as it reads: what software set and what the wires say. */
static inline uint64_t riscv_pending(const struct riscv_cpu *cpu) {
    uint64_t software = GET(menvcfg) & ENVCFG_STCE ? GET(mip) & ~(1ull << IRQ_STI) : GET(mip);
    return software | GET(lines);
}
/** Cause number of the interrupt to take now, or -1. */
int riscv_interrupt(const struct riscv_cpu *cpu);
/** Takes the TLB that belongs to the rights which loads and stores have now; yields enum field_flag actions: to be
    called when the privilege, status_memory, MPP or satp have changed. */
unsigned riscv_update_view(struct riscv_cpu *cpu);
/** Drops translations of one address, or all; of one address space but what is global, or of all. Yields enum
   field_flag actions. */
unsigned riscv_drop_translations(struct riscv_cpu *cpu, const uint64_t *address, const uint64_t *asid);
/** The privilege of loads and stores: MPRV can make it another one than that of the cpu. */
enum riscv_priv riscv_data_priv(const struct riscv_cpu *cpu);
/** Changes the privilege and what hangs on it; yields enum field_flag actions. */
unsigned riscv_enter_priv(struct riscv_cpu *cpu, enum riscv_priv priv);
/** Recomputes which cache-block instructions may execute; yields enum field_flag actions. */
unsigned riscv_update_cbo(struct riscv_cpu *cpu);
/** Enters the trap with this cause (bit 63: interrupt) from cpu_pc(&cpu->c); yields enum field_flag actions. */
unsigned riscv_trap(struct riscv_cpu *cpu, uint64_t cause, uint64_t tval);

/* What struct guest wants: see core/guest.h. */
bool riscv_set_field(struct cpu *cpu, unsigned field, unsigned index, uint64_t value, unsigned *actions);
void riscv_forget(struct cpu *cpu, const uint64_t *address, const uint64_t *space);
void riscv_walk(struct cpu *cpu, uint64_t address, enum access access, struct walk *result);
unsigned riscv_enter_trap(struct cpu *cpu);
bool riscv_take_interrupt(struct cpu *cpu, unsigned *actions);
bool riscv_wakes(const struct cpu *cpu);
void riscv_set_line(struct cpu *cpu, unsigned line, bool level);
uint64_t riscv_tick(struct cpu *cpu, uint64_t time);

/* Physical memory protection. */
enum pmp_bits { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_A = 3 << 3, PMP_TOR = 1 << 3, PMP_NA4 = 2 << 3, PMP_L = 1 << 7 };
/** Rights (PMP_R | PMP_W | PMP_X) at a physical address for this privilege; *unit, a power of two, is lowered to the
    size of the aligned block around it that has the same rights. */
unsigned riscv_pmp(const struct riscv_cpu *cpu, uint64_t physical, enum riscv_priv priv, uint64_t *unit);

#endif
