/* CSRs by their rows: who may touch which, that a refusal changes nothing, which bits can be written, what a change
 * asks of the engine, counters.
 */
#include "machine/hart.h"
#include "core/interface.h"

enum {
    SEED = 0x015,
    SSTATUS = 0x100,
    SIE = 0x104,
    STIMECMP = 0x14d,
    SIP = 0x144,
    SATP = 0x180,
    MSTATUS = 0x300,
    MISA = 0x301
};
enum { MEDELEG = 0x302, MIDELEG = 0x303, MIE = 0x304, MTVEC = 0x305, MCOUNTEREN = 0x306, MENVCFG = 0x30a };
enum { SENVCFG = 0x10a, MCOUNTINHIBIT = 0x320, MEPC = 0x341, MIP = 0x344, PMPCFG0 = 0x3a0, PMPADDR0 = 0x3b0 };
enum {
    SCOUNTEREN = 0x106,
    MSECCFG = 0x747,
    MCYCLE = 0xb00,
    MINSTRET = 0xb02,
    CYCLE = 0xc00,
    TIME = 0xc01,
    INSTRET = 0xc02
};

static struct hart *h;

static int make(void **state) {
    (void)state;
    h = hart_make();
    return 0;
}
static int drop(void **state) {
    (void)state;
    hart_free(h);
    return 0;
}

/* Everything that is not withheld by the number alone is let through. */
static void open_all(void) {
    h->cpu.raw_fs = FS_INITIAL;
    h->cpu.raw_mcounteren = h->cpu.raw_scounteren = UINT32_MAX;
    h->cpu.raw_menvcfg = ENVCFG_STCE;
}

static void numbers_say_who_may(void **state) {
    (void)state;
    static const enum riscv_priv privs[] = {PRIV_U, PRIV_S, PRIV_M};
    unsigned there = 0;
    for (unsigned p = 0; p < 3; p++)
        for (unsigned n = 0; n < 1 << 12; n++) {
            char name[32];
            bool exists = riscv_csr_name(n, name, sizeof name);
            open_all();
            h->cpu.raw_priv = privs[p];
            hart_read(h, n);
            bool allowed = exists && privs[p] >= (n >> 8 & 3) && n != SEED; /* which must be written */
            assert_int_equal(h->cpu.c.exit.kind, allowed ? EXIT_none : EXIT_illegal);
            if (!allowed) assert_int_equal(h->cpu.c.exit.value, (uint64_t)n << 20 | 5 << 7 | 0x1073);
            there += exists && p == 0;
        }
    /* user, supervisor, identity, traps, protection, counters, triggers: a row that is lost is noticed */
    assert_int_equal(there, 7 + 12 + 5 + 14 + 18 + 3 * 30 + 5);
}

static void what_is_refused_changes_nothing(void **state) {
    (void)state;
    struct riscv_cpu before;
    for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++)
        for (unsigned n = 0; n < 1 << 12; n++) {
            char name[32];
            bool exists = riscv_csr_name(n, name, sizeof name);
            if (priv == 2 || (exists && priv >= (n >> 8 & 3) && n >> 10 != 3)) continue;
            open_all();
            h->cpu.raw_priv = priv;
            memset(&h->cpu.c.exit, 0, sizeof h->cpu.c.exit);
            h->cpu.c.pc = 0x1000;
            before = h->cpu;
            hart_write(h, n, 0x123456789abcdef);
            assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
            h->cpu.c.exit = before.c.exit;
            assert_memory_equal(&h->cpu, &before, sizeof before);
        }
}

static void bits_that_can_be_written(void **state) {
    (void)state;
    static const struct {
        unsigned number;
        uint64_t ones, zeros; /* what reads after all ones, all zeros were written */
    } rows[] = {
        {MSTATUS, 0x8000000a007e79aa, 0xa00000000},
        {SSTATUS, 0x80000002000c6122, 0x200000000},
        {MISA, 0x800000000014112d, 0x800000000014112d},
        {MEDELEG, 0xb3ff, 0},
        {MIDELEG, 0x222, 0},
        {MIE, 0xaaa, 0},
        {MIP, 0x222, 0},
        {MTVEC, ~2ull, 0},
        {MCOUNTEREN, 0xffffffff, 0},
        {SCOUNTEREN, 0xffffffff, 0},
        {MENVCFG, 0xe0000000000000f1, 0},
        {SENVCFG, 0xf1, 0},
        {MSECCFG, 0x300, 0},
        {MCOUNTINHIBIT, 5, 0},
        {0x340, ~0ull, 0},
        {MEPC, ~1ull, 0},
        {0x342, ~0ull, 0},
        {0x343, ~0ull, 0},
        {0x105, ~2ull, 0},
        {0x140, ~0ull, 0},
        {0x141, ~1ull, 0},
        {0x142, ~0ull, 0},
        {0x143, ~0ull, 0},
        {STIMECMP, ~0ull, 0},
        {SATP, 0, 0},
        {PMPADDR0, 0x3fffffffffffff, 0},
        {0x3bf, 0x3fffffffffffff, 0},
        {0x323, 0, 0},
        {0xb1f, 0, 0},
        {0x7a0, 0, 0},
        {0x7a1, 0, 0},
        {0x7a4, 1, 1},
        {1, 31, 0},
        {2, 7, 0},
        {3, 255, 0},
        {PMPCFG0, 0x9f9f9f9f9f9f9f9f, 0x9f9f9f9f9f9f9f9f},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].number <= 3) h->cpu.raw_fs = FS_INITIAL;
        hart_write(h, rows[i].number, UINT64_MAX);
        if (hart_read(h, rows[i].number) != rows[i].ones)
            fail_msg("csr 0x%x reads 0x%llx", rows[i].number, (unsigned long long)hart_read(h, rows[i].number));
        hart_write(h, rows[i].number, 0);
        if (hart_read(h, rows[i].number) != rows[i].zeros)
            fail_msg("csr 0x%x reads 0x%llx", rows[i].number, (unsigned long long)hart_read(h, rows[i].number));
        hart_write(h, MCOUNTINHIBIT, 0);
    }
}

static void values_that_are_not_legal_are_not_taken(void **state) {
    (void)state;
    hart_write(h, MSTATUS, 1 << 11);
    hart_csr(h, CSR_SET, MSTATUS, 2 << 11, true); /* 3 */
    assert_int_equal(hart_read(h, MSTATUS) >> 11 & 3, 3);
    hart_csr(h, CSR_CLEAR, MSTATUS, 1 << 11, true); /* 2: no such privilege */
    assert_int_equal(hart_read(h, MSTATUS) >> 11 & 3, 3);
    hart_write(h, SATP, 8ull << 60 | 0xabcd);
    for (unsigned mode = 0; mode < 16; mode++) {
        bool legal = mode == 0 || (mode >= 8 && mode <= 10);
        hart_write(h, SATP, 9ull << 60 | 0x1234);
        hart_write(h, SATP, (uint64_t)mode << 60 | 0x5678);
        assert_int_equal(hart_read(h, SATP), legal ? (uint64_t)mode << 60 | 0x5678 : 9ull << 60 | 0x1234);
    }
    hart_write(h, MENVCFG, 3 << 4);
    hart_write(h, MENVCFG, 2 << 4);
    assert_int_equal(hart_read(h, MENVCFG), 3 << 4);
    hart_write(h, PMPCFG0, 0x1a1b1e); /* W without R is reserved */
    assert_int_equal(hart_read(h, PMPCFG0), 0x181b1c);
}

static void sstatus_is_a_view_of_mstatus(void **state) {
    (void)state;
    hart_write(h, MSTATUS, UINT64_MAX);
    hart_write(h, SSTATUS, 0);
    assert_int_equal(hart_read(h, MSTATUS), 0xa00000000ull | 0x720000 | 0x1888);
    hart_write(h, MSTATUS, 0);
    hart_write(h, SSTATUS, UINT64_MAX);
    assert_int_equal(hart_read(h, MSTATUS), 0x8000000a000c6122);
}

static void floating_point_registers_need_the_unit(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        h->cpu.raw_fs = FS_OFF;
        hart_read(h, n);
        assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
        h->cpu.raw_fs = FS_CLEAN;
        hart_read(h, n);
        assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
        assert_int_equal(h->cpu.raw_fs, FS_CLEAN);
        hart_write(h, n, 1);
        assert_int_equal(h->cpu.raw_fs, FS_DIRTY);
        assert_int_equal(h->cpu.c.actions, FIELD_RETRANSLATE);
    }
    hart_write(h, 3, 0x6a);
    assert_int_equal(h->cpu.raw_frm, 3);
    assert_int_equal(h->cpu.c.fp_flags, 0xa);
}

static void supervisor_sees_what_is_delegated(void **state) {
    (void)state;
    hart_write(h, MIE, 0xaaa);
    hart_write(h, MIP, 0x222);
    assert_int_equal(hart_read(h, SIE), 0);
    assert_int_equal(hart_read(h, SIP), 0);
    hart_write(h, MIDELEG, 0x22);
    assert_int_equal(hart_read(h, SIE), 0x22);
    assert_int_equal(hart_read(h, SIP), 0x22);
    hart_write(h, SIE, 0);
    assert_int_equal(hart_read(h, MIE), 0xa88);
    hart_write(h, SIP, 0); /* of sip only SSIP can be written */
    assert_int_equal(hart_read(h, MIP), 0x220);
    hart_write(h, MIDELEG, 0x20);
    hart_write(h, SIP, 2);
    assert_int_equal(hart_read(h, MIP), 0x220);
}

static void wires_cannot_be_written(void **state) {
    (void)state;
    riscv_set_line(&h->cpu.c, IRQ_MEI, true);
    riscv_set_line(&h->cpu.c, IRQ_SEI, true);
    hart_write(h, MIP, 0);
    assert_int_equal(hart_read(h, MIP), 1 << IRQ_MEI | 1 << IRQ_SEI);
    /* Setting another bit must not make the wire's level software's. */
    hart_csr(h, CSR_SET, MIP, 1 << IRQ_SSI, true);
    riscv_set_line(&h->cpu.c, IRQ_SEI, false);
    assert_int_equal(hart_read(h, MIP), 1 << IRQ_MEI | 1 << IRQ_SSI);
    hart_csr(h, CSR_SET, MIP, 1 << IRQ_SEI, true);
    riscv_set_line(&h->cpu.c, IRQ_SEI, true);
    hart_csr(h, CSR_CLEAR, MIP, 1 << IRQ_SSI, true);
    riscv_set_line(&h->cpu.c, IRQ_SEI, false);
    assert_int_equal(hart_read(h, MIP), 1 << IRQ_MEI | 1 << IRQ_SEI);
}

static void changes_ask_for_what_they_need(void **state) {
    (void)state;
    enum { S_BEFORE = PRIV_S << STATUS_MPP_SHIFT };
    static const struct {
        unsigned number;
        uint64_t from, to;
        unsigned actions; /* 0: no exit at all */
    } rows[] = {
        {MSTATUS, 0, STATUS_SUM | STATUS_MXR, 0}, /* no matter in M mode */
        {MSTATUS, 0, STATUS_MPRV, FIELD_FLUSH_TLB},
        {MSTATUS, STATUS_MPRV, 0, FIELD_FLUSH_TLB},
        {MSTATUS, STATUS_MPRV, STATUS_MPRV | STATUS_MPP, FIELD_FLUSH_TLB},
        {MSTATUS, STATUS_MPRV | S_BEFORE, STATUS_MPRV | S_BEFORE | STATUS_SUM, FIELD_FLUSH_TLB},
        {MSTATUS, STATUS_MPRV | S_BEFORE | STATUS_MXR, STATUS_MPRV | S_BEFORE, FIELD_FLUSH_TLB},
        {MSTATUS, STATUS_MPRV, STATUS_MPRV | STATUS_SUM, 0}, /* nor in U mode */
        {MSTATUS, 0, STATUS_MPP, 0},
        {MSTATUS, 0, STATUS_FS, FIELD_RETRANSLATE},
        {MSTATUS, 0, STATUS_MIE | STATUS_TVM, 0},
        {SATP, 0, 8ull << 60 | 1, FIELD_RETRANSLATE},
        {SATP, 8ull << 60 | 1, 8ull << 60 | 1, 0},
        {PMPADDR0, 0, 1, FIELD_FLUSH_TLB},
        {PMPCFG0, 0, 8, FIELD_FLUSH_TLB},
        {0x340, 0, 1, 0},
        {MTVEC, 0, 4, 0},
        {STIMECMP, 0, 1, FIELD_RETRANSLATE | FIELD_RECHECK},
        {SENVCFG, 0, 0xf0, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        hart_write(h, rows[i].number, rows[i].from);
        hart_write(h, rows[i].number, rows[i].to);
        assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
        assert_int_equal(h->cpu.c.actions, rows[i].actions);
        /* What may be asked for is declared: the lifted code behind the call looks at it. */
        const place_set writes = riscv_helpers[riscv_csr_helper(rows[i].number, true)].effect.writes;
        if (rows[i].actions) assert_true(set_has(writes, PLACE_ACTIONS));
        hart_write(h, rows[i].number, 0);
        hart_write(h, MSTATUS, 0);
    }
}

/* With a TLB for each set of rights a change of them takes the other one, and nothing is lost. */
static void rights_have_their_tlbs(void **state) {
    (void)state;
    struct tlb_views *views = calloc(1, sizeof *views);
    struct tlb *seen[3][4];
    uint8_t page[1];
    const bool enough = TLB_BANKS >= 7; /* one for each: M mode has one set of rights, S mode four, U mode two */
    assert_true(tlb_views_make(views));
    tlb_views_select(views, 0, 0, 0);
    h->cpu.c.soft.views = views;
    for (unsigned round = 0; round < 2; round++)
        for (unsigned p = 0; p < 3; p++)
            for (unsigned bits = 0; bits < 4; bits++) {
                enum riscv_priv priv = p == 2 ? PRIV_M : p;
                hart_write(h, MSTATUS,
                           STATUS_MPRV | (uint64_t)priv << STATUS_MPP_SHIFT | (bits & 1 ? STATUS_SUM : 0) |
                               (bits & 2 ? STATUS_MXR : 0));
                assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
                struct tlb *now = h->cpu.c.mem[0].tlb;
                if (round && enough) assert_ptr_equal(now, seen[p][bits]);
                seen[p][bits] = now;
                assert_ptr_equal(now, views->current);
                assert_true(now->live);
                const struct tlb_page p5 = {.host = page, .read = true, .write = true};
                tlb_views_fill(views, 0x5000, &p5);
            }
    for (unsigned p = 0; p < 3; p++)
        for (unsigned bits = 0; bits < 4; bits++)
            for (unsigned q = 0; q < 3; q++)
                for (unsigned other = 0; other < 4; other++) {
                    unsigned cares = p == PRIV_U ? 2 : p == PRIV_S ? 3 : 0; /* SUM is S mode's, MXR everybody's but M */
                    bool same = p == q && ((bits ^ other) & cares) == 0;
                    if (enough) assert_int_equal(seen[p][bits] == seen[q][other], same);
                }
    /* A flush reaches those that are not in use when they come into use again. */
    tlb_views_flush(views);
    hart_write(h, MSTATUS, 0);
    hart_write(h, MSTATUS, STATUS_MPRV);
    assert_null(tlb_find(h->cpu.c.mem[0].tlb, 0x5000, false));
    tlb_views_free(views);
    free(views);
    h->cpu.c.soft.views = NULL;
}

/* What fences, here and from other harts, leave in the TLBs of three spaces; one page of each is global. */
static void fences_drop_what_they_name(void **state) {
    (void)state;
    enum { OWN = 0x5000, GLOBAL = 0x6000, LARGE = 0x600000, LARGER = 0x7ff000 };
    static const struct {
        uint64_t bits; /* which operands the fence has */
        uint64_t address, asid;
        unsigned left[2]; /* of what is in the space with ASID 1; in others: OWN 1, GLOBAL 2, LARGE 4, LARGER 8 */
    } rows[] = {
        {0, 0, 0, {0, 0}},
        {2, 0, 1, {0, 15}},
        {2, 0, 7, {15, 15}},
        {2, 0, 0x10001, {0, 15}}, /* an ASID has 16 bits */
        {1, OWN + 8, 0, {14, 14}},
        {1, GLOBAL, 0, {13, 13}},
        {1, LARGE + 0x1234, 0, {3, 3}}, /* both came from the same large page */
        {1, LARGE + 0x100000, 0, {3, 3}},
        {3, OWN, 1, {14, 15}},
        {3, LARGER, 1, {3, 15}},
        {3, OWN, 2, {15, 14}},
        {1, 0x9000, 0, {15, 15}},
    };
    uint8_t page[1];
    struct tlb_views *views = calloc(1, sizeof *views);
    assert_true(tlb_views_make(views));
    h->cpu.c.soft.views = views;
    tlb_views_select(views, 0, 0, 0);
    hart_write(h, MSTATUS, STATUS_MPRV | STATUS_SUM | (uint64_t)PRIV_S << STATUS_MPP_SHIFT);
    for (unsigned i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const bool remote = i % 2;
        tlb_views_flush(views);
        for (uint64_t asid = 1; asid <= 2; asid++) {
            hart_write(h, SATP, 8ull << 60 | asid << 44 | 5);
            assert_int_equal(h->cpu.c.actions, FIELD_RETRANSLATE);
            for (unsigned n = 0; n < 4; n++) {
                static const uint64_t at[] = {OWN, GLOBAL, LARGE, LARGER};
                const struct tlb_page p = {
                    .host = page, .read = true, .local = n != 1, .mapping = n < 2 ? 4096 : 2 << 20};
                tlb_views_fill(views, at[n], &p);
            }
        }
        const uint64_t bits = rows[i / 2].bits, address = rows[i / 2].address, asid = rows[i / 2].asid;
        if (remote)
            guest_riscv.forget(&h->cpu.c, bits & 1 ? &address : NULL, bits & 2 ? &asid : NULL);
        else
            riscv_help_sfence(&h->cpu.c, (bits & 1 ? 10 << 15 : 0) | (bits & 2 ? 11 << 20 : 0), address, asid);
        for (uint64_t space = 1; space <= 2; space++) {
            hart_write(h, SATP, 8ull << 60 | space << 44 | 5);
            struct tlb *t = h->cpu.c.mem[0].tlb;
            assert_ptr_equal(t, views->current);
            const unsigned left = (tlb_find(t, OWN, false) != NULL) | (tlb_find(t, GLOBAL, false) != NULL) << 1 |
                                  (tlb_find(t, LARGE, false) != NULL) << 2 | (tlb_find(t, LARGER, false) != NULL) << 3;
            assert_int_equal(left, rows[i / 2].left[space - 1]);
        }
    }
    /* Other tables with the same ASID are another space. */
    hart_write(h, SATP, 8ull << 60 | 2ull << 44 | 6);
    assert_null(tlb_find(h->cpu.c.mem[0].tlb, OWN, false));
    hart_write(h, SATP, 0);
    hart_write(h, MSTATUS, 0);
    tlb_views_free(views);
    free(views);
    h->cpu.c.soft.views = NULL;
}

static void enabling_a_pending_interrupt_is_noticed(void **state) {
    (void)state;
    riscv_set_line(&h->cpu.c, IRQ_MTI, true);
    hart_write(h, MIE, 1 << IRQ_MTI);
    assert_int_equal(h->cpu.c.actions, 0); /* MIE is off */
    hart_csr(h, CSR_SET, MSTATUS, STATUS_MIE, true);
    assert_int_equal(h->cpu.c.actions, FIELD_RECHECK);
    hart_csr(h, CSR_CLEAR, MSTATUS, STATUS_MIE, true);
    assert_int_equal(h->cpu.c.actions, 0);
}

static void supervisor_extensions_are_withheld(void **state) {
    (void)state;
    h->cpu.raw_priv = PRIV_S;
    hart_read(h, STIMECMP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
    h->cpu.raw_menvcfg = ENVCFG_STCE;
    hart_read(h, STIMECMP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
    h->cpu.raw_mcounteren = 2;
    hart_read(h, STIMECMP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
    hart_read(h, SATP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
    h->cpu.raw_status_trap = STATUS_TVM;
    hart_read(h, SATP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
    h->cpu.raw_priv = PRIV_M;
    hart_read(h, SATP);
    assert_int_equal(h->cpu.c.exit.kind, EXIT_none);
}

static void counters_can_be_withheld(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 4; bits++)
        for (unsigned counter = 0; counter < 32; counter++)
            for (unsigned priv = PRIV_U; priv <= PRIV_S; priv++) {
                h->cpu.raw_mcounteren = bits & 1 ? 1u << counter : ~(1u << counter);
                h->cpu.raw_scounteren = bits & 2 ? 1u << counter : ~(1u << counter);
                h->cpu.raw_priv = priv;
                hart_read(h, CYCLE + counter);
                bool allowed = (bits & 1) && (priv == PRIV_S || (bits & 2));
                assert_int_equal(h->cpu.c.exit.kind, allowed ? EXIT_none : EXIT_illegal);
            }
}

static uint64_t clock_now;
static uint64_t counter(void *self, struct cpu *cpu, enum counter which) {
    (void)self, (void)cpu;
    return which == COUNTER_TIME ? 5000 + clock_now : clock_now;
}

static void counters_run_stop_and_are_set(void **state) {
    (void)state;
    static const struct interface interface = {.counter = counter};
    h->cpu.c.interface = &interface;
    clock_now = 100;
    assert_int_equal(hart_read(h, CYCLE), 100);
    assert_int_equal(hart_read(h, TIME), 5100);
    hart_write(h, MINSTRET, 7);
    clock_now = 101;
    assert_int_equal(hart_read(h, MINSTRET), 7);
    assert_int_equal(hart_read(h, INSTRET), 7);
    assert_int_equal(hart_read(h, MCYCLE), 101);
    hart_write(h, MCOUNTINHIBIT, 4);
    uint64_t stopped = hart_read(h, MINSTRET);
    clock_now = 500;
    assert_int_equal(hart_read(h, MINSTRET), stopped);
    assert_int_equal(hart_read(h, MCYCLE), 500);
    hart_write(h, MINSTRET, 1000);
    hart_write(h, MCOUNTINHIBIT, 1);
    clock_now = 511;
    assert_int_equal(hart_read(h, MINSTRET), 1010);
    assert_int_equal(hart_read(h, MCYCLE), 500);
    h->cpu.c.interface = NULL;
}

static void locked_protection_stays(void **state) {
    (void)state;
    hart_write(h, PMPADDR0, 1);
    hart_write(h, PMPADDR0 + 1, 2);
    hart_write(h, PMPADDR0 + 2, 3);
    hart_write(h, PMPCFG0, 0x8900); /* entry 1: locked, TOR */
    hart_write(h, PMPADDR0, 10);
    hart_write(h, PMPADDR0 + 1, 20);
    hart_write(h, PMPADDR0 + 2, 30);
    assert_int_equal(hart_read(h, PMPADDR0), 1); /* the lower end of the locked range */
    assert_int_equal(hart_read(h, PMPADDR0 + 1), 2);
    assert_int_equal(hart_read(h, PMPADDR0 + 2), 30);
    hart_write(h, PMPCFG0, 0);
    assert_int_equal(hart_read(h, PMPCFG0), 0x8900);
    hart_write(h, PMPCFG0 + 2, UINT64_MAX);
    hart_write(h, PMPADDR0 + 15, 5);
    assert_int_equal(hart_read(h, PMPADDR0 + 15), 0);
}

static void cache_block_instructions_follow_envcfg(void **state) {
    (void)state;
    for (unsigned m = 0; m < 16; m++)
        for (unsigned s = 0; s < 16; s++) {
            h->cpu.raw_priv = PRIV_M;
            hart_write(h, MENVCFG, (uint64_t)(m & ~2u) << 4); /* CBIE is 0 or 1 */
            hart_write(h, SENVCFG, (uint64_t)(s & ~2u) << 4);
            assert_int_equal(h->cpu.raw_cbo, CBO_ZERO | CBO_CLEAN | CBO_INVAL);
            for (unsigned priv = PRIV_U; priv <= PRIV_S; priv++) {
                unsigned have = priv == PRIV_S ? m : m & s;
                riscv_enter_priv(&h->cpu, priv);
                assert_int_equal(h->cpu.raw_cbo,
                                 (have & 8 ? CBO_ZERO : 0) | (have & 4 ? CBO_CLEAN : 0) | (have & 1 ? CBO_INVAL : 0));
            }
            riscv_enter_priv(&h->cpu, PRIV_M);
        }
}

/* Given to M mode, and to the others as mseccfg says; to those that write it. The source here is none. */
static void seed_is_given_to_who_writes_it(void **state) {
    (void)state;
    for (unsigned given = 0; given < 4; given++)
        for (unsigned priv = PRIV_U; priv <= PRIV_M; priv++) {
            if (priv == 2) continue;
            for (unsigned op = CSR_WRITE; op <= CSR_CLEAR; op++) {
                h->cpu.raw_priv = PRIV_M;
                hart_write(h, MSECCFG, given << 8);
                h->cpu.raw_priv = priv;
                const uint64_t value = hart_csr(h, op, SEED, 5, true);
                const bool allowed = priv == PRIV_M || (given >> priv & 1);
                assert_int_equal(h->cpu.c.exit.kind, allowed ? EXIT_none : EXIT_illegal);
                if (allowed) assert_int_equal(value, 3u << 30);
                hart_csr(h, CSR_SET, SEED, 0, false);
                assert_int_equal(h->cpu.c.exit.kind, EXIT_illegal);
            }
        }
}

static void names(void **state) {
    (void)state;
    static const struct {
        unsigned number;
        const char *name;
    } rows[] = {{0x300, "mstatus"},      {0x3b0, "pmpaddr0"}, {0x3bf, "pmpaddr15"}, {0xc03, "hpmcounter3"},
                {0xc1f, "hpmcounter31"}, {0x7a3, "tdata3"},   {0x180, "satp"},      {0x15, "seed"}};
    char text[32];
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(riscv_csr_name(rows[i].number, text, sizeof text));
        assert_string_equal(text, rows[i].name);
    }
    assert_false(riscv_csr_name(0x3a1, text, sizeof text));
    assert_false(riscv_csr_name(0x1000, text, sizeof text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(numbers_say_who_may),
        TEST(what_is_refused_changes_nothing),
        TEST(bits_that_can_be_written),
        TEST(values_that_are_not_legal_are_not_taken),
        TEST(sstatus_is_a_view_of_mstatus),
        TEST(floating_point_registers_need_the_unit),
        TEST(supervisor_sees_what_is_delegated),
        TEST(wires_cannot_be_written),
        TEST(changes_ask_for_what_they_need),
        TEST(rights_have_their_tlbs),
        TEST(fences_drop_what_they_name),
        TEST(enabling_a_pending_interrupt_is_noticed),
        TEST(supervisor_extensions_are_withheld),
        TEST(counters_can_be_withheld),
        TEST(counters_run_stop_and_are_set),
        TEST(locked_protection_stays),
        TEST(cache_block_instructions_follow_envcfg),
        TEST(seed_is_given_to_who_writes_it),
        TEST(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
