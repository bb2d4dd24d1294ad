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

const struct trap_names riscv_trap_names = {
    .cause = {{
                  [CAUSE_MISALIGNED_FETCH] = "trap_misaligned_fetch",
                  [CAUSE_ACCESS_FETCH] = "trap_access_fetch",
                  [CAUSE_ILLEGAL] = "trap_illegal",
                  [CAUSE_BREAKPOINT] = "trap_breakpoint",
                  [CAUSE_MISALIGNED_LOAD] = "trap_misaligned_load",
                  [CAUSE_ACCESS_LOAD] = "trap_access_load",
                  [CAUSE_MISALIGNED_STORE] = "trap_misaligned_store",
                  [CAUSE_ACCESS_STORE] = "trap_access_store",
                  [CAUSE_ECALL + PRIV_U] = "trap_ecall_u",
                  [CAUSE_ECALL + PRIV_S] = "trap_ecall_s",
                  [CAUSE_ECALL + PRIV_M] = "trap_ecall_m",
                  [CAUSE_PAGE_FETCH] = "trap_page_fetch",
                  [CAUSE_PAGE_LOAD] = "trap_page_load",
                  [CAUSE_PAGE_STORE] = "trap_page_store",
              },
              {
                  [IRQ_SSI] = "interrupt_s_software",
                  [IRQ_MSI] = "interrupt_m_software",
                  [IRQ_STI] = "interrupt_s_timer",
                  [IRQ_MTI] = "interrupt_m_timer",
                  [IRQ_SEI] = "interrupt_s_external",
                  [IRQ_MEI] = "interrupt_m_external",
              }},
    .mode = {[PRIV_U] = "U", [PRIV_S] = "S", [PRIV_M] = "M"},
};

static void note(struct riscv_cpu *cpu, uint64_t cause, uint64_t value, enum riscv_priv from, enum riscv_priv to) {
    struct cpu_traps *t = &cpu->c.traps;
    t->count++;
    t->pc = cpu_pc(&cpu->c);
    t->value = value;
    t->cause = cause % TRAP_CAUSES;
    t->interrupt = (cause & CAUSE_INTERRUPT) != 0;
    t->from = from;
    t->to = to;
    t->by_cause[t->interrupt][t->cause]++;
}

unsigned riscv_enter_priv(struct riscv_cpu *cpu, enum riscv_priv priv) {
    cpu_drop_reservation(&cpu->c);
    if (GET(priv) == priv) return 0;
    LET(priv, priv);
    return riscv_fields[RISCV_FIELD_priv].flags | riscv_update_cbo(cpu) | riscv_update_view(cpu);
}

unsigned riscv_trap(struct riscv_cpu *cpu, uint64_t cause, uint64_t tval) {
    uint64_t code = cause & ~CAUSE_INTERRUPT, vector;
    uint64_t delegated = cause & CAUSE_INTERRUPT ? GET(mideleg) : GET(medeleg);
    enum riscv_priv from = GET(priv);
    bool to_s = from != PRIV_M && (delegated >> code & 1);
    note(cpu, cause, tval, from, to_s ? PRIV_S : PRIV_M);
    if (to_s) {
        LET(status_stack, GET(status_stack) & ~(uint64_t)(STATUS_SPIE | STATUS_SPP));
        LET(status_stack,
            GET(status_stack) | (GET(status_ie) & STATUS_SIE ? STATUS_SPIE : 0) | (from == PRIV_S ? STATUS_SPP : 0));
        LET(status_ie, GET(status_ie) & ~(uint64_t)STATUS_SIE);
        LET(scause, cause);
        LET(sepc, cpu_pc(&cpu->c));
        LET(stval, tval);
        vector = GET(stvec);
    } else {
        LET(status_stack, GET(status_stack) & ~(uint64_t)(STATUS_MPIE | STATUS_MPP));
        LET(status_stack,
            GET(status_stack) | ((GET(status_ie) & STATUS_MIE ? STATUS_MPIE : 0) | (uint64_t)from << STATUS_MPP_SHIFT));
        LET(status_ie, GET(status_ie) & ~(uint64_t)STATUS_MIE);
        LET(mcause, cause);
        LET(mepc, cpu_pc(&cpu->c));
        LET(mtval, tval);
        vector = GET(mtvec);
    }
    cpu_set_pc(&cpu->c, (vector & ~3ull) + ((vector & 1) && (cause & CAUSE_INTERRUPT) ? 4 * code : 0));
    /* With MPRV set, the new MPP is another privilege of loads and stores, even if the cpu's own stays the same. */
    return riscv_enter_priv(cpu, to_s ? PRIV_S : PRIV_M) | riscv_update_view(cpu);
}

unsigned riscv_enter_trap(struct cpu *c) {
    struct riscv_cpu *cpu = riscv_of(c);
    uint64_t cause = CAUSE_ILLEGAL, tval = c->exit.value;
    switch ((enum exit_kind)c->exit.kind) {
    case EXIT_syscall:
        cause = CAUSE_ECALL + GET(priv);
        tval = 0;
        break;
    case EXIT_breakpoint:
        cause = CAUSE_BREAKPOINT;
        tval = cpu_pc(c);
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
    return riscv_trap(cpu, cause, tval);
}

int riscv_interrupt(const struct riscv_cpu *cpu) {
    static const uint8_t order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    uint64_t ready = riscv_pending(cpu) & GET(mie), machine = ready & ~GET(mideleg), supervisor = ready & GET(mideleg);
    bool m_on = GET(priv) != PRIV_M || (GET(status_ie) & STATUS_MIE);
    bool s_on = GET(priv) == PRIV_U || (GET(priv) == PRIV_S && (GET(status_ie) & STATUS_SIE));
    uint64_t take = m_on && machine ? machine : s_on ? supervisor : 0;
    for (unsigned i = 0; i < sizeof order; i++)
        if (take >> order[i] & 1) return order[i];
    return -1;
}

bool riscv_take_interrupt(struct cpu *c, unsigned *actions) {
    struct riscv_cpu *cpu = riscv_of(c);
    int irq = riscv_interrupt(cpu);
    *actions = irq < 0 ? 0 : riscv_trap(cpu, CAUSE_INTERRUPT | (uint64_t)irq, 0);
    return irq >= 0;
}

bool riscv_wakes(const struct cpu *c) {
    const struct riscv_cpu *cpu = (const struct riscv_cpu *)c;
    return (riscv_pending(cpu) & GET(mie)) != 0;
}

void riscv_set_line(struct cpu *c, unsigned line, bool level) {
    struct riscv_cpu *cpu = riscv_of(c);
    LET(lines, (GET(lines) & ~(1ull << line)) | (uint64_t)level << line);
}

uint64_t riscv_tick(struct cpu *c, uint64_t time) {
    struct riscv_cpu *cpu = riscv_of(c);
    bool due = (GET(menvcfg) & ENVCFG_STCE) && time >= GET(stimecmp);
    riscv_set_line(c, IRQ_STI, due);
    return (GET(menvcfg) & ENVCFG_STCE) && !due ? GET(stimecmp) : UINT64_MAX;
}

static uint64_t illegal(struct cpu *c, uint64_t bits) {
    cpu_exit(c, EXIT_illegal, bits);
    return 0;
}

static void leave(struct cpu *c, uint64_t pc, unsigned actions) {
    cpu_set_pc(c, pc);
    cpu_exit(c, EXIT_retranslate, 0);
    if (actions) cpu_ask(c, actions);
}

/** What a return to `to` has in common: the interrupt enable comes back, and MPRV ends outside M mode. */
static unsigned return_to(struct riscv_cpu *cpu, enum riscv_priv to) {
    if (to != PRIV_M) LET(status_memory, GET(status_memory) & ~(uint64_t)STATUS_MPRV);
    unsigned actions = riscv_enter_priv(cpu, to) | riscv_update_view(cpu);
    return riscv_interrupt(cpu) >= 0 ? actions | FIELD_RECHECK : actions;
}

uint64_t riscv_help_mret(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (GET(priv) != PRIV_M) return illegal(c, a);
    enum riscv_priv to = (GET(status_stack) & STATUS_MPP) >> STATUS_MPP_SHIFT;
    LET(status_ie, GET(status_ie) & ~(uint64_t)STATUS_MIE);
    if (GET(status_stack) & STATUS_MPIE) LET(status_ie, GET(status_ie) | (STATUS_MIE));
    LET(status_stack, (GET(status_stack) & ~(uint64_t)STATUS_MPP) | STATUS_MPIE); /* MPP: the least privilege, U */
    leave(c, GET(mepc), return_to(cpu, to));
    return 0;
}

uint64_t riscv_help_sret(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (GET(priv) == PRIV_U || (GET(priv) == PRIV_S && (GET(status_trap) & STATUS_TSR))) return illegal(c, a);
    enum riscv_priv to = GET(status_stack) & STATUS_SPP ? PRIV_S : PRIV_U;
    LET(status_ie, GET(status_ie) & ~(uint64_t)STATUS_SIE);
    if (GET(status_stack) & STATUS_SPIE) LET(status_ie, GET(status_ie) | (STATUS_SIE));
    LET(status_stack, (GET(status_stack) & ~(uint64_t)STATUS_SPP) | STATUS_SPIE);
    leave(c, GET(sepc), return_to(cpu, to));
    return 0;
}

uint64_t riscv_help_wfi(struct cpu *c, uint64_t a, uint64_t b, uint64_t bits) {
    struct riscv_cpu *cpu = riscv_of(c);
    (void)b, (void)bits;
    if (GET(priv) == PRIV_U || (GET(priv) == PRIV_S && (GET(status_trap) & STATUS_TW))) return illegal(c, a);
    cpu_set_pc(c, cpu_pc(c) + 4);
    cpu_exit(c, EXIT_wait, 0);
    return 0;
}

uint64_t riscv_help_sfence(struct cpu *c, uint64_t a, uint64_t address, uint64_t asid) {
    struct riscv_cpu *cpu = riscv_of(c);
    if (GET(priv) == PRIV_U || (GET(priv) == PRIV_S && (GET(status_trap) & STATUS_TVM))) return illegal(c, a);
    const bool one_address = a >> 15 & 31, one_space = a >> 20 & 31; /* x0: all */
    leave(c, cpu_pc(c) + 4, riscv_drop_translations(cpu, one_address ? &address : NULL, one_space ? &asid : NULL));
    return 0;
}
