/* Traps: causes of exits, delegation, vectors, what is stacked and comes back, priorities of interrupts, privileges of
 * mret, sret, wfi and sfence.vma, the cpu's own timer.
 */
#include "machine/hart.h"

static struct hart *h;
static struct riscv_cpu *cpu;
static unsigned asked; /* actions */

static int make(void **state) {
    (void)state;
    h = hart_make();
    cpu = &h->cpu;
    cpu->raw_mtvec = 0x80001000;
    cpu->raw_stvec = 0x80002000;
    cpu->c.pc = 0x80004444;
    return 0;
}
static int drop(void **state) {
    (void)state;
    hart_free(h);
    return 0;
}

static const struct {
    enum exit_kind kind;
    unsigned cause;
} causes[] = {
    {EXIT_misaligned_fetch, 0}, {EXIT_access_fetch, 1}, {EXIT_illegal, 2},          {EXIT_misaligned_read, 4},
    {EXIT_access_read, 5},      {EXIT_bus_read, 5},     {EXIT_misaligned_write, 6}, {EXIT_access_write, 7},
    {EXIT_bus_write, 7},        {EXIT_fault_fetch, 12}, {EXIT_fault_read, 13},      {EXIT_fault_write, 15},
};

static void enter(enum exit_kind kind, uint64_t value) {
    cpu_exit(&cpu->c, kind, value);
    asked = riscv_enter_trap(&cpu->c);
}

static void exits_have_causes(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof causes / sizeof *causes; i++) {
        riscv_enter_priv(cpu, PRIV_U);
        cpu->c.pc = 0x1234 + i;
        enter(causes[i].kind, 0xabcd + i);
        assert_int_equal(cpu->raw_mcause, causes[i].cause);
        assert_int_equal(cpu->raw_mtval, 0xabcd + i);
        assert_int_equal(cpu->raw_mepc, 0x1234 + i);
        assert_int_equal(cpu->c.pc, 0x80001000);
        assert_int_equal(cpu->raw_priv, PRIV_M);
        assert_int_equal(cpu->raw_status_stack & STATUS_MPP, 0);
        /* A cpu by hand has one TLB for all rights. */
        assert_int_equal(asked, FIELD_RETRANSLATE | FIELD_FLUSH_TLB);
    }
}

static void calls_and_breakpoints(void **state) {
    (void)state;
    for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++) {
        if (priv == 2) continue;
        cpu->raw_priv = priv;
        cpu->c.pc = 0x500;
        enter(EXIT_syscall, 77);
        assert_int_equal(cpu->raw_mcause, 8 + priv);
        assert_int_equal(cpu->raw_mtval, 0);
        assert_int_equal(cpu->raw_status_stack >> STATUS_MPP_SHIFT, priv);
        cpu->raw_priv = priv;
        cpu->c.pc = 0x504;
        enter(EXIT_breakpoint, 77);
        assert_int_equal(cpu->raw_mcause, 3);
        assert_int_equal(cpu->raw_mtval, 0x504);
    }
}

static void each_cause_is_delegated_by_itself(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof causes / sizeof *causes; i++)
        for (unsigned bit = 0; bit < 16; bit++)
            for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++) {
                if (priv == 2) continue;
                cpu->raw_medeleg = 1u << bit;
                cpu->raw_priv = priv;
                cpu->c.pc = 0x700;
                cpu->raw_scause = cpu->raw_mcause = 99;
                enter(causes[i].kind, 5);
                bool to_s = priv != PRIV_M && causes[i].cause == bit;
                assert_int_equal(cpu->raw_priv, to_s ? PRIV_S : PRIV_M);
                assert_int_equal(to_s ? cpu->raw_scause : cpu->raw_mcause, causes[i].cause);
                assert_int_equal(to_s ? cpu->raw_mcause : cpu->raw_scause, 99);
                assert_int_equal(cpu->c.pc, to_s ? 0x80002000 : 0x80001000);
                assert_int_equal(to_s ? cpu->raw_sepc : cpu->raw_mepc, 0x700);
                assert_int_equal(to_s ? cpu->raw_stval : cpu->raw_mtval, 5);
                if (to_s) assert_int_equal(!!(cpu->raw_status_stack & STATUS_SPP), priv == PRIV_S);
            }
}

static void enables_are_stacked_and_come_back(void **state) {
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        cpu->raw_priv = PRIV_S;
        cpu->raw_medeleg = 0;
        cpu->raw_status_ie = on ? STATUS_MIE | STATUS_SIE : 0;
        cpu->raw_status_stack = 0;
        enter(EXIT_illegal, 0);
        assert_int_equal(cpu->raw_status_ie, on ? STATUS_SIE : 0);
        assert_int_equal(!!(cpu->raw_status_stack & STATUS_MPIE), on);
        riscv_help_mret(&cpu->c, 0x30200073, 0, 0);
        assert_int_equal(cpu->c.exit.kind, EXIT_retranslate);
        assert_int_equal(cpu->c.pc, 0x80004444);
        assert_int_equal(cpu->raw_priv, PRIV_S);
        assert_int_equal(cpu->raw_status_ie, on ? STATUS_MIE | STATUS_SIE : 0);
        assert_int_equal(cpu->raw_status_stack, STATUS_MPIE); /* and MPP is U */

        cpu->raw_medeleg = 1 << 2;
        cpu->raw_status_stack = 0;
        enter(EXIT_illegal, 0);
        assert_int_equal(cpu->raw_status_ie, on ? STATUS_MIE : 0);
        assert_int_equal(cpu->raw_status_stack, (on ? STATUS_SPIE : 0) | STATUS_SPP);
        riscv_help_sret(&cpu->c, 0x10200073, 0, 0);
        assert_int_equal(cpu->raw_priv, PRIV_S);
        assert_int_equal(cpu->raw_status_ie, on ? STATUS_MIE | STATUS_SIE : 0);
        assert_int_equal(cpu->raw_status_stack, STATUS_SPIE); /* and SPP is U */
        cpu->c.pc = 0x80004444;
    }
}

static void returns_end_mprv(void **state) {
    (void)state;
    for (unsigned mpp = PRIV_U; mpp <= PRIV_M; mpp++) {
        if (mpp == 2) continue;
        cpu->raw_priv = PRIV_M;
        cpu->raw_status_memory = STATUS_MPRV | STATUS_SUM;
        cpu->raw_status_stack = mpp << STATUS_MPP_SHIFT;
        riscv_update_view(cpu);
        cpu->c.actions = 0;
        riscv_help_mret(&cpu->c, 0x30200073, 0, 0);
        assert_int_equal(cpu->raw_priv, mpp);
        assert_int_equal(cpu->raw_status_memory, mpp == PRIV_M ? STATUS_MPRV | STATUS_SUM : STATUS_SUM);
        /* Loads and stores go on under the same privilege as before, unless that was M mode's by MPRV alone. */
        assert_int_equal(cpu->c.actions & FIELD_FLUSH_TLB, mpp == PRIV_M ? FIELD_FLUSH_TLB : 0);
    }
}

static void returns_without_a_change_of_mode_keep_the_tlb(void **state) {
    (void)state;
    cpu->raw_status_stack = STATUS_MPP;
    riscv_help_mret(&cpu->c, 0x30200073, 0, 0);
    assert_int_equal(cpu->c.actions, 0);
}

static void who_may(void **state) {
    (void)state;
    static uint64_t (*const help[])(struct cpu *, uint64_t, uint64_t, uint64_t) = {riscv_help_mret, riscv_help_sret,
                                                                                   riscv_help_wfi, riscv_help_sfence};
    static const unsigned withheld[] = {0, STATUS_TSR, STATUS_TW, STATUS_TVM};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++)
            for (unsigned bit = 0; bit < 4; bit++) {
                if (priv == 2) continue;
                bool allowed = priv == PRIV_M || (priv == PRIV_S && i > 0 && bit != i);
                cpu->raw_priv = priv;
                cpu->raw_status_trap = withheld[bit];
                cpu->c.pc = 0x2000;
                cpu->c.exit = (struct exit){0};
                cpu->c.actions = 0;
                struct riscv_cpu before = *cpu;
                help[i](&cpu->c, 0xb175, 0, 0);
                if (allowed) {
                    assert_int_equal(cpu->c.exit.kind, i == 2 ? EXIT_wait : EXIT_retranslate);
                    if (i >= 2) assert_int_equal(cpu->c.pc, 0x2004);
                    if (i == 3) assert_int_equal(cpu->c.actions, FIELD_FLUSH_TLB);
                } else {
                    assert_int_equal(cpu->c.exit.kind, EXIT_illegal);
                    assert_int_equal(cpu->c.exit.value, 0xb175);
                    cpu->c.exit = before.c.exit;
                    assert_memory_equal(cpu, &before, sizeof before);
                }
            }
}

static void interrupts_by_mode_and_enable(void **state) {
    (void)state;
    for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++)
        for (unsigned ie = 0; ie < 4; ie++)
            for (unsigned delegated = 0; delegated < 2; delegated++)
                for (unsigned enabled = 0; enabled < 2; enabled++) {
                    if (priv == 2) continue;
                    cpu->raw_priv = priv;
                    cpu->raw_status_ie = (ie & 1 ? STATUS_MIE : 0) | (ie & 2 ? STATUS_SIE : 0);
                    cpu->raw_mideleg = delegated ? 1 << IRQ_SSI : 0;
                    cpu->raw_mie = enabled ? 1 << IRQ_SSI : 0;
                    cpu->raw_mip = 1 << IRQ_SSI;
                    bool taken = enabled && (delegated ? priv == PRIV_U || (priv == PRIV_S && (ie & 2))
                                                       : priv != PRIV_M || (ie & 1));
                    assert_int_equal(riscv_wakes(&cpu->c), enabled);
                    assert_int_equal(riscv_take_interrupt(&cpu->c, &asked), taken);
                    if (!taken) {
                        assert_int_equal(cpu->raw_priv, priv);
                        assert_int_equal(asked, 0);
                        continue;
                    }
                    assert_int_equal(cpu->raw_priv, delegated ? PRIV_S : PRIV_M);
                    assert_int_equal(delegated ? cpu->raw_scause : cpu->raw_mcause, 1ull << 63 | IRQ_SSI);
                    assert_int_equal(delegated ? cpu->raw_stval : cpu->raw_mtval, 0);
                }
}

static void interrupts_have_an_order(void **state) {
    (void)state;
    static const unsigned order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    for (unsigned first = 0; first < 6; first++) {
        cpu->raw_mie = 0xaaa;
        cpu->raw_status_ie = STATUS_MIE;
        cpu->raw_priv = PRIV_M;
        cpu->raw_lines = cpu->raw_mip = 0;
        for (unsigned i = first; i < 6; i++) riscv_set_line(&cpu->c, order[i], true);
        assert_int_equal(riscv_interrupt(cpu), (int)order[first]);
        /* What is not delegated comes before what is, whatever its number. */
        cpu->raw_priv = PRIV_U;
        cpu->raw_mideleg = 0x222 & ~(1u << IRQ_STI);
        assert_int_equal(riscv_interrupt(cpu), first < 3 ? (int)order[first] : IRQ_STI);
        cpu->raw_mideleg = 0;
    }
}

static void vectors_are_for_interrupts(void **state) {
    (void)state;
    cpu->raw_mtvec |= 1;
    cpu->raw_stvec |= 1;
    cpu->raw_mie = 0xaaa;
    for (unsigned irq = 1; irq <= 11; irq += 2)
        for (unsigned s = 0; s < 2; s++) {
            if (s && irq % 4 == 3) continue; /* machine interrupts */
            cpu->raw_mideleg = s ? 1u << irq : 0;
            cpu->raw_lines = 1u << irq;
            cpu->raw_priv = PRIV_U;
            assert_true(riscv_take_interrupt(&cpu->c, &asked));
            assert_int_equal(cpu->c.pc, (s ? 0x80002000 : 0x80001000) + 4 * irq);
        }
    cpu->raw_priv = PRIV_U;
    enter(EXIT_illegal, 0);
    assert_int_equal(cpu->c.pc, 0x80001000);
}

static void traps_and_returns_drop_the_reservation(void **state) {
    (void)state;
    cpu->c.reserve_address = 0x100;
    enter(EXIT_illegal, 0);
    assert_int_equal(cpu->c.reserve_address, UINT64_MAX);
    cpu->c.reserve_address = 0x100;
    riscv_help_mret(&cpu->c, 0, 0, 0);
    assert_int_equal(cpu->c.reserve_address, UINT64_MAX);
}

static void own_timer(void **state) {
    (void)state;
    cpu->raw_stimecmp = 1000;
    assert_int_equal(riscv_tick(&cpu->c, 2000), UINT64_MAX); /* not given to S mode: it does nothing */
    assert_int_equal(riscv_pending(cpu), 0);
    cpu->raw_menvcfg = ENVCFG_STCE;
    assert_int_equal(riscv_tick(&cpu->c, 999), 1000);
    assert_int_equal(riscv_pending(cpu), 0);
    assert_int_equal(riscv_tick(&cpu->c, 1000), UINT64_MAX);
    assert_int_equal(riscv_pending(cpu), 1 << IRQ_STI);
    cpu->raw_stimecmp = 3000;
    cpu->raw_mip = 1 << IRQ_STI; /* software's bit does not count while the timer has it */
    assert_int_equal(riscv_tick(&cpu->c, 1000), 3000);
    assert_int_equal(riscv_pending(cpu), 0);
    cpu->raw_menvcfg = 0;
    assert_int_equal(riscv_pending(cpu), 1 << IRQ_STI);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(exits_have_causes),
        TEST(calls_and_breakpoints),
        TEST(each_cause_is_delegated_by_itself),
        TEST(enables_are_stacked_and_come_back),
        TEST(returns_end_mprv),
        TEST(returns_without_a_change_of_mode_keep_the_tlb),
        TEST(who_may),
        TEST(interrupts_by_mode_and_enable),
        TEST(interrupts_have_an_order),
        TEST(vectors_are_for_interrupts),
        TEST(traps_and_returns_drop_the_reservation),
        TEST(own_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
