/* trap.c - entering and leaving traps, interrupts, and waiting for them (privileged ISA, chapters 3 and 4).
 *
 * Everything that changes the privilege goes through riscv_set_priv, and yields the actions (enum field_flag) that the
 * change asks of the engine. A trap or a return drops the reservation of lr.
 */
#include "guest/riscv/csr.h"
#include <assert.h>

enum cause {
    CAUSE_MISALIGNED_FETCH,
    CAUSE_ACCESS_FETCH,
    CAUSE_ILLEGAL,
    CAUSE_BREAKPOINT,
    CAUSE_MISALIGNED_LOAD,
    CAUSE_ACCESS_LOAD,
    CAUSE_MISALIGNED_STORE,
    CAUSE_ACCESS_STORE,
    CAUSE_ECALL, /* plus the privilege */
    CAUSE_PAGE_FETCH = 12,
    CAUSE_PAGE_LOAD = 13,
    CAUSE_PAGE_STORE = 15
};
#define CAUSE_INTERRUPT (1ull << 63)

unsigned riscv_set_priv(struct riscv_cpu *cpu, enum riscv_priv priv) {
    cpu->c.reserve_address = UINT64_MAX;
    if (cpu->priv == priv) return 0;
    cpu->priv = priv;
    return riscv_fields[RISCV_FIELD_priv].flags | riscv_update_cbo(cpu) | riscv_update_view(cpu);
}

unsigned riscv_trap(struct riscv_cpu *cpu, uint64_t cause, uint64_t tval) {
    uint64_t code = cause & ~CAUSE_INTERRUPT, vector;
    uint64_t delegated = cause & CAUSE_INTERRUPT ? cpu->mideleg : cpu->medeleg;
    enum riscv_priv from = cpu->priv;
    bool to_s = from != PRIV_M && (delegated >> code & 1);
    if (to_s) {
        cpu->status_stack &= ~(uint64_t)(STATUS_SPIE | STATUS_SPP);
        cpu->status_stack |= (cpu->status_ie & STATUS_SIE ? STATUS_SPIE : 0) | (from == PRIV_S ? STATUS_SPP : 0);
        cpu->status_ie &= ~(uint64_t)STATUS_SIE;
        cpu->scause = cause;
        cpu->sepc = cpu->c.pc;
        cpu->stval = tval;
        vector = cpu->stvec;
    } else {
        cpu->status_stack &= ~(uint64_t)(STATUS_MPIE | STATUS_MPP);
        cpu->status_stack |= (cpu->status_ie & STATUS_MIE ? STATUS_MPIE : 0) | (uint64_t)from << STATUS_MPP_SHIFT;
        cpu->status_ie &= ~(uint64_t)STATUS_MIE;
        cpu->mcause = cause;
        cpu->mepc = cpu->c.pc;
        cpu->mtval = tval;
        vector = cpu->mtvec;
    }
    cpu->c.pc = (vector & ~3ull) + ((vector & 1) && (cause & CAUSE_INTERRUPT) ? 4 * code : 0);
    /* With MPRV set, the new MPP is another privilege of loads and stores, even if the cpu's own stays the same. */
    return riscv_set_priv(cpu, to_s ? PRIV_S : PRIV_M) | riscv_update_view(cpu);
}

void riscv_enter_trap(struct cpu *c) {
    struct riscv_cpu *cpu = riscv_of(c);
    uint64_t cause = CAUSE_ILLEGAL, tval = c->exit.value;
    switch ((enum exit_kind)c->exit.kind) {
    case EXIT_syscall:
        cause = CAUSE_ECALL + cpu->priv;
        tval = 0;
        break;
    case EXIT_breakpoint:
        cause = CAUSE_BREAKPOINT;
        tval = c->pc;
        break;
    case EXIT_fault_fetch: cause = CAUSE_PAGE_FETCH; break;
    case EXIT_fault_read: cause = CAUSE_PAGE_LOAD; break;
    case EXIT_fault_write: cause = CAUSE_PAGE_STORE; break;
    case EXIT_access_fetch: cause = CAUSE_ACCESS_FETCH; break;
    case EXIT_bus_read:
    case EXIT_access_read: cause = CAUSE_ACCESS_LOAD; break;
    case EXIT_bus_write:
    case EXIT_access_write: cause = CAUSE_ACCESS_STORE; break;
    case EXIT_misaligned_fetch: cause = CAUSE_MISALIGNED_FETCH; break;
    case EXIT_misaligned_read: cause = CAUSE_MISALIGNED_LOAD; break;
    case EXIT_misaligned_write: cause = CAUSE_MISALIGNED_STORE; break;
    default: assert(c->exit.kind == EXIT_illegal); break;
    }
    c->exit.aux = riscv_trap(cpu, cause, tval);
}

int riscv_interrupt(const struct riscv_cpu *cpu) {
    static const uint8_t order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    uint64_t ready = riscv_pending(cpu) & cpu->mie, machine = ready & ~cpu->mideleg, supervisor = ready & cpu->mideleg;
    bool m_on = cpu->priv != PRIV_M || (cpu->status_ie & STATUS_MIE);
    bool s_on = cpu->priv == PRIV_U || (cpu->priv == PRIV_S && (cpu->status_ie & STATUS_SIE));
    uint64_t take = m_on && machine ? machine : s_on ? supervisor : 0;
    for (unsigned i = 0; i < sizeof order; i++)
        if (take >> order[i] & 1) return order[i];
    return -1;
}

bool riscv_take_interrupt(struct cpu *c) {
    struct riscv_cpu *cpu = riscv_of(c);
    int irq = riscv_interrupt(cpu);
    c->exit.aux = 0;
    if (irq < 0) return false;
    c->exit.aux = riscv_trap(cpu, CAUSE_INTERRUPT | (uint64_t)irq, 0);
    return true;
}

bool riscv_wakes(const struct cpu *c) {
    const struct riscv_cpu *cpu = (const struct riscv_cpu *)c;
    return (riscv_pending(cpu) & cpu->mie) != 0;
}

void riscv_set_line(struct cpu *c, unsigned line, bool level) {
    struct riscv_cpu *cpu = riscv_of(c);
    cpu->lines = (cpu->lines & ~(1ull << line)) | (uint64_t)level << line;
}

uint64_t riscv_tick(struct cpu *c, uint64_t time) {
    struct riscv_cpu *cpu = riscv_of(c);
    bool due = (cpu->menvcfg & ENVCFG_STCE) && time >= cpu->stimecmp;
    riscv_set_line(c, IRQ_STI, due);
    return (cpu->menvcfg & ENVCFG_STCE) && !due ? cpu->stimecmp : UINT64_MAX;
}

static uint64_t illegal(struct cpu *c, uint64_t bits) {
    cpu_exit(c, EXIT_illegal, bits);
    return 0;
}

static void leave(struct cpu *c, uint64_t pc, unsigned actions) {
    c->pc = pc;
    cpu_exit(c, EXIT_retranslate, 0);
    c->exit.aux = actions;
}

/** What a return to `to` has in common: the interrupt enable comes back, and MPRV ends outside M mode. */
static unsigned return_to(struct riscv_cpu *cpu, enum riscv_priv to) {
    if (to != PRIV_M) cpu->status_memory &= ~(uint64_t)STATUS_MPRV;
    unsigned actions = riscv_set_priv(cpu, to) | riscv_update_view(cpu);
    return riscv_interrupt(cpu) >= 0 ? actions | FIELD_RECHECK : actions;
}

uint64_t riscv_help_mret(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (cpu->priv != PRIV_M) return illegal(c, a);
    enum riscv_priv to = (cpu->status_stack & STATUS_MPP) >> STATUS_MPP_SHIFT;
    cpu->status_ie &= ~(uint64_t)STATUS_MIE;
    if (cpu->status_stack & STATUS_MPIE) cpu->status_ie |= STATUS_MIE;
    cpu->status_stack = (cpu->status_stack & ~(uint64_t)STATUS_MPP) | STATUS_MPIE; /* MPP: the least privilege, U */
    leave(c, cpu->mepc, return_to(cpu, to));
    return 0;
}

uint64_t riscv_help_sret(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (cpu->priv == PRIV_U || (cpu->priv == PRIV_S && (cpu->status_trap & STATUS_TSR))) return illegal(c, a);
    enum riscv_priv to = cpu->status_stack & STATUS_SPP ? PRIV_S : PRIV_U;
    cpu->status_ie &= ~(uint64_t)STATUS_SIE;
    if (cpu->status_stack & STATUS_SPIE) cpu->status_ie |= STATUS_SIE;
    cpu->status_stack = (cpu->status_stack & ~(uint64_t)STATUS_SPP) | STATUS_SPIE;
    leave(c, cpu->sepc, return_to(cpu, to));
    return 0;
}

uint64_t riscv_help_wfi(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (cpu->priv == PRIV_U || (cpu->priv == PRIV_S && (cpu->status_trap & STATUS_TW))) return illegal(c, a);
    c->pc += 4;
    cpu_exit(c, EXIT_wait, 0);
    return 0;
}

uint64_t riscv_help_sfence(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (cpu->priv == PRIV_U || (cpu->priv == PRIV_S && (cpu->status_trap & STATUS_TVM))) return illegal(c, a);
    leave(c, c->pc + 4, FIELD_FLUSH_TLB);
    return 0;
}
