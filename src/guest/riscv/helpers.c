/* helpers.c - what helpers, and the functions of the guest's table, read and write: sets of fields (core/effect.h); and
 * the helpers that only compute.
 *
 * The sets of CSRs stand in their rows (csr.def) and are put together here with what the row's guard reads and what
 * becomes of the write: a changed field may ask the engine for something, and whether an interrupt is due then is
 * looked at. Builds with checks compare all of them with what is touched.
 */
#include "guest/riscv/csr.h"

#define OF SET_OF
/* What several of the functions of csr.h read. */
#define PENDING   (OF(mip) | OF(lines) | OF(menvcfg))
#define INTERRUPT (PENDING | OF(mie) | OF(mideleg) | OF(priv) | OF(status_ie))
#define VIEW      (OF(status_memory) | OF(status_stack) | OF(priv) | OF(satp))
#define CBO       (OF(priv) | OF(menvcfg) | OF(cbo)) /* of S and M mode; of U mode senvcfg, too */
#define PMP       (OF(pmpcfg) | OF(pmpaddr))
/* Words of csr.def. */
#define SSTATUS (OF(status_ie) | OF(status_stack) | OF(status_memory) | OF(fs))
#define FLAGS   IN_SET(PLACE_FP_FLAGS)
#define CLOCK   IN_SET(PLACE_OUTSIDE)
#define RANDOM  IN_SET(PLACE_OUTSIDE)
#define COUNTS  (OF(mcountinhibit) | CLOCK)
/* Of a guard. */
#define READS(reads, condition, access) (reads)

/* Fields whose change asks for something, and those that ask for nothing but a look at interrupts. */
#define ASKS(flags)                                     ((flags) & (FIELD_RETRANSLATE | FIELD_FLUSH_TLB | FIELD_RECHECK | FIELD_REMAP))
#define ACTING_FIELD(type, name, class, flags, ...)     | (ASKS(flags) ? OF(name) : 0)
#define ACTING_ARRAY(type, name, n, class, flags, ...)  | (ASKS(flags) ? OF(name) : 0)
#define RECHECK_FIELD(type, name, class, flags, ...)    | (ASKS(flags) == FIELD_RECHECK ? OF(name) : 0)
#define RECHECK_ARRAY(type, name, n, class, flags, ...) | (ASKS(flags) == FIELD_RECHECK ? OF(name) : 0)
#define ACTING                                          ((place_set)0 RISCV_FIELDS(ACTING_FIELD, ACTING_ARRAY))
#define RECHECK                                         ((place_set)0 RISCV_FIELDS(RECHECK_FIELD, RECHECK_ARRAY))

#define CSR(number, name, ...) CSRS(number, 1, name, 0, __VA_ARGS__)
#define CSRS(first, count, name, base, guard, get, set, read, written, more)                                           \
    [HELPER_CSR + 2 * CSR_ROW_##                                                                                       \
        name] = {#name "_read",                                                                                        \
                 riscv_help_csr,                                                                                       \
                 {.reads = OF(priv) | GUARD_##guard(READS) | (read)},                                                  \
                 GUARD_##guard(READS) != 0},                                                                           \
      [HELPER_CSR + 2 * CSR_ROW_##name + 1] = {#name "_write",                                                         \
                                               riscv_help_csr,                                                         \
                                               {.reads = OF(priv) | GUARD_##guard(READS) | (read) | (written) |        \
                                                         (more) | ((written)&RECHECK ? INTERRUPT : 0),                 \
                                                .writes = (written) | ((written)&ACTING ? IN_SET(PLACE_ACTIONS) : 0)}, \
                                               GUARD_##guard(READS) != 0},

/* Entering a trap, and what a return from one does. */
#define TRAP_READS (VIEW | CBO | OF(status_ie) | OF(stvec) | OF(mtvec) | IN_SET(PLACE_PC))
#define TRAP_WRITES                                                                                                    \
    (OF(status_ie) | OF(status_stack) | OF(scause) | OF(sepc) | OF(stval) | OF(mcause) | OF(mepc) | OF(mtval) |        \
     OF(priv) | OF(cbo) | IN_SET(PLACE_RESERVE) | IN_SET(PLACE_PC))
#define RETURN_READS (VIEW | CBO | OF(senvcfg) | INTERRUPT)
#define RETURN_WRITES                                                                                                  \
    (OF(status_ie) | OF(status_stack) | OF(status_memory) | OF(priv) | OF(cbo) | IN_SET(PLACE_RESERVE) |               \
     IN_SET(PLACE_PC) | IN_SET(PLACE_ACTIONS))

/* Looks up each element (4 or 8 bits wide) of b in the table that a is; 0 for indices beyond it. */
static uint64_t xperm(uint64_t a, uint64_t b, unsigned width) {
    uint64_t r = 0, element = (1u << width) - 1;
    for (unsigned at = 0; at < 64; at += width) {
        uint64_t index = b >> at & element;
        if (index * width < 64) r |= (a >> index * width & element) << at;
    }
    return r;
}
static uint64_t help_xperm4(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    (void)cpu, (void)c;
    return xperm(a, b, 4);
}
static uint64_t help_xperm8(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    (void)cpu, (void)c;
    return xperm(a, b, 8);
}

const struct helper riscv_helpers[HELPER_COUNT] = {
    [HELPER_mret] = {"mret", riscv_help_mret, {RETURN_READS | OF(mepc), RETURN_WRITES}, true},
    [HELPER_sret] = {"sret", riscv_help_sret, {RETURN_READS | OF(sepc) | OF(status_trap), RETURN_WRITES}, true},
    [HELPER_wfi] = {"wfi", riscv_help_wfi, {OF(priv) | OF(status_trap) | IN_SET(PLACE_PC), IN_SET(PLACE_PC)}, true},
    [HELPER_sfence] = {"sfence",
                       riscv_help_sfence,
                       {OF(priv) | OF(status_trap) | IN_SET(PLACE_PC), IN_SET(PLACE_PC) | IN_SET(PLACE_ACTIONS)},
                       true},
    [HELPER_xperm4] = {"xperm4", help_xperm4, {0}, false},
    [HELPER_xperm8] = {"xperm8", help_xperm8, {0}, false},
#include "guest/riscv/csr.def"
};

const struct guest_effects riscv_effects = {
    .walk = {VIEW | OF(satp) | OF(menvcfg) | PMP | IN_SET(PLACE_MEMORY), IN_SET(PLACE_MEMORY)},
    .enter_trap = {TRAP_READS | OF(medeleg), TRAP_WRITES},
    .take_interrupt = {TRAP_READS | INTERRUPT, TRAP_WRITES},
    .wakes = {PENDING | OF(mie), 0},
    .set_line = {OF(lines), OF(lines)},
    .tick = {OF(menvcfg) | OF(stimecmp) | OF(lines), OF(lines)},
};
