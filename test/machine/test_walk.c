/* Translation and protection as the walk reports them: the unit with equal rights, rights only of the kind asked for,
 * what is recorded in the page tables, which faults. (What programs see of it: bare/paging.c, bare/protection.c.)
 */
#include "machine/hart.h"

enum { V = 1, R = 2, W = 4, X = 8, USER = 16, A = 64, D = 128 };
enum { ROOT = 0x80001000u, MIDDLE = 0x80002000u, LAST = 0x80003000u, TARGET = 0x80200000u };
#define AT 0x40000000ull

static struct hart *h;
static struct walk w;

static uint64_t entry(uint64_t physical, uint64_t flags) {
    return physical >> 12 << 10 | flags;
}

/* Sv39: AT is mapped by LAST[0], AT + 2 MiB is a superpage of 2 MiB, AT + 1 GiB one of 1 GiB. */
static int make(void **state) {
    (void)state;
    h = hart_make();
    h->cpu.raw_priv = PRIV_S;
    h->cpu.raw_satp = 8ull << 60 | ROOT >> 12;
    h->cpu.raw_pmpaddr[15] = UINT64_MAX >> 10;
    h->cpu.raw_pmpcfg[15] = PMP_A | PMP_R | PMP_W | PMP_X;
    hart_word(h, ROOT)[1] = entry(MIDDLE, V);
    hart_word(h, ROOT)[2] = entry(0x80000000u, V | R | W | X | A | D);
    hart_word(h, MIDDLE)[0] = entry(LAST, V);
    hart_word(h, MIDDLE)[1] = entry(TARGET, V | R | W | X | A | D);
    hart_word(h, LAST)[0] = entry(TARGET, V | R | W | X | A | D);
    return 0;
}
static int drop(void **state) {
    (void)state;
    hart_free(h);
    return 0;
}

static uint32_t walk(uint64_t address, enum access access) {
    memset(&w, 0xff, sizeof w);
    riscv_walk(&h->cpu.c, address, access, &w);
    return w.fault;
}

static void units(void **state) {
    (void)state;
    assert_int_equal(walk(AT + 0x123, ACCESS_READ), EXIT_none);
    assert_int_equal(w.physical, TARGET + 0x123);
    assert_int_equal(w.page_size, 4096);
    assert_int_equal(walk(AT + 0x212345, ACCESS_READ), EXIT_none);
    assert_int_equal(w.physical, TARGET + 0x12345);
    assert_int_equal(w.page_size, 2 << 20);
    assert_int_equal(walk(AT + 0x40000000 + 0x3456789, ACCESS_READ), EXIT_none);
    assert_int_equal(w.physical, 0x80000000u + 0x3456789);
    assert_int_equal(w.page_size, 1 << 30);
    hart_word(h, LAST)[5] = entry(TARGET | 0x8000, V | R | A) | 1ull << 63;
    assert_int_equal(walk(AT + 0x5123, ACCESS_READ), EXIT_none);
    assert_int_equal(w.physical, TARGET + 0x5123);
    assert_int_equal(w.page_size, 64 << 10);
}

static void protection_cuts_units(void **state) {
    (void)state;
    h->cpu.raw_pmpaddr[0] = (TARGET + 0x100) >> 2;
    h->cpu.raw_pmpcfg[0] = PMP_NA4 | PMP_R;
    static const struct {
        unsigned offset, unit;
        bool write;
    } rows[] = {{0x100, 4, false}, {0x104, 4, true},   {0x108, 8, true},    {0x110, 16, true},
                {0xf8, 256, true}, {0x200, 512, true}, {0x400, 1024, true}, {0x800, 2048, true}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(walk(AT + rows[i].offset, ACCESS_READ), EXIT_none);
        assert_int_equal(w.write, rows[i].write);
        assert_int_equal(w.page_size, rows[i].unit);
    }
    assert_int_equal(walk(AT + 0x100, ACCESS_WRITE), EXIT_access_write);
    assert_int_equal(walk(AT + 0x212345, ACCESS_READ), EXIT_none);
    assert_int_equal(w.page_size, 64 << 10); /* the superpage, down to the half without the entry */
    h->cpu.raw_pmpcfg[15] = 0;
    assert_int_equal(walk(AT + 0x100, ACCESS_READ), EXIT_access_read); /* the page tables are out of reach */
}

static void protection_that_matches_in_part_of_nothing(void **state) {
    (void)state;
    uint64_t unit = 4096;
    h->cpu.raw_pmpcfg[15] = 0;
    assert_int_equal(riscv_pmp(&h->cpu, TARGET, PRIV_M, &unit), PMP_R | PMP_W | PMP_X);
    assert_int_equal(riscv_pmp(&h->cpu, TARGET, PRIV_S, &unit), 0);
    assert_int_equal(unit, 4096);
    /* The first entry decides, not the best one. */
    h->cpu.raw_pmpaddr[3] = TARGET >> 2 | 0x1ff, h->cpu.raw_pmpcfg[3] = PMP_A;
    h->cpu.raw_pmpaddr[4] = UINT64_MAX >> 10, h->cpu.raw_pmpcfg[4] = PMP_A | PMP_R;
    assert_int_equal(riscv_pmp(&h->cpu, TARGET, PRIV_U, &unit), 0);
    assert_int_equal(riscv_pmp(&h->cpu, TARGET + 4096, PRIV_U, &unit), PMP_R);
    assert_int_equal(riscv_pmp(&h->cpu, TARGET, PRIV_M, &unit), PMP_R | PMP_W | PMP_X);
    h->cpu.raw_pmpcfg[3] |= PMP_L;
    assert_int_equal(riscv_pmp(&h->cpu, TARGET, PRIV_M, &unit), 0);
}

static void rights_are_of_the_kind_asked_for(void **state) {
    (void)state;
    for (unsigned flags = 0; flags < 8; flags++) {
        if (!flags || (flags & 3) == 2) continue;
        hart_word(h, LAST)[0] = entry(TARGET, V | flags << 1 | A | D);
        bool r = flags & 1, wr = flags & 2, x = flags & 4;
        assert_int_equal(walk(AT, ACCESS_READ), r ? EXIT_none : EXIT_fault_read);
        if (r) assert_true(w.read && w.write == wr && !w.execute);
        assert_int_equal(walk(AT, ACCESS_WRITE), wr ? EXIT_none : EXIT_fault_write);
        if (wr) assert_true(w.read && w.write && !w.execute);
        assert_int_equal(walk(AT, ACCESS_FETCH), x ? EXIT_none : EXIT_fault_fetch);
        if (x) assert_true(!w.read && !w.write && w.execute);
    }
}

static void nothing_is_granted_before_it_is_recorded(void **state) {
    (void)state;
    uint64_t *leaf = &hart_word(h, LAST)[0];
    *leaf = entry(TARGET, V | R | W | X);
    assert_int_equal(walk(AT, ACCESS_FETCH), EXIT_none);
    assert_int_equal(*leaf & (A | D), A);
    *leaf = entry(TARGET, V | R | W | X);
    assert_int_equal(walk(AT, ACCESS_READ), EXIT_none);
    assert_int_equal(*leaf & (A | D), A);
    assert_true(w.read && !w.write);
    assert_int_equal(walk(AT, ACCESS_WRITE), EXIT_none);
    assert_int_equal(*leaf & (A | D), A | D);
    assert_true(w.read && w.write);
    assert_int_equal(walk(AT, ACCESS_READ), EXIT_none);
    assert_true(w.write);
    /* A refused access records nothing. */
    *leaf = entry(TARGET, V | R);
    assert_int_equal(walk(AT, ACCESS_WRITE), EXIT_fault_write);
    assert_int_equal(*leaf & (A | D), 0);
}

static void software_can_do_the_recording(void **state) {
    (void)state;
    static const uint32_t faults[] = {EXIT_fault_read, EXIT_fault_write, EXIT_fault_fetch};
    static const enum access kinds[] = {ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH};
    uint64_t *leaf = &hart_word(h, LAST)[0];
    assert_int_equal(h->cpu.raw_menvcfg, ENVCFG_ADUE); /* until somebody knows better */
    h->cpu.raw_menvcfg = 0;
    for (unsigned bits = 0; bits < 4; bits++)
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t e = entry(TARGET, V | R | W | X | bits * A);
            const bool may = bits & 1 && (kinds[i] != ACCESS_WRITE || bits & 2);
            *leaf = e;
            assert_int_equal(walk(AT, kinds[i]), may ? EXIT_none : faults[i]);
            assert_int_equal(*leaf, e);
            if (may) assert_int_equal(w.write, kinds[i] != ACCESS_FETCH && bits & 2);
        }
}

static void data_can_run_under_another_privilege(void **state) {
    (void)state;
    hart_word(h, LAST)[0] = entry(TARGET, V | R | W | X | USER | A | D);
    h->cpu.raw_priv = PRIV_M;
    assert_int_equal(walk(TARGET, ACCESS_READ), EXIT_none);
    assert_int_equal(w.physical, TARGET);
    h->cpu.raw_status_memory = STATUS_MPRV;
    for (unsigned mpp = PRIV_U; mpp <= PRIV_M; mpp++) {
        h->cpu.raw_status_stack = mpp << STATUS_MPP_SHIFT;
        if (mpp == 2) continue;
        assert_int_equal(walk(AT, ACCESS_READ), mpp == PRIV_U   ? EXIT_none
                                                : mpp == PRIV_S ? EXIT_fault_read
                                                                : EXIT_none);
        assert_int_equal(w.physical, mpp == PRIV_U ? TARGET : AT);
        assert_int_equal(walk(TARGET, ACCESS_FETCH), EXIT_none); /* M mode's own */
        assert_int_equal(w.physical, TARGET);
    }
}

static void physical_addresses_end(void **state) {
    (void)state;
    h->cpu.raw_priv = PRIV_M;
    assert_int_equal(walk((1ull << 56) - 8, ACCESS_READ), EXIT_none);
    assert_int_equal(walk(1ull << 56, ACCESS_READ), EXIT_access_read);
    assert_int_equal(walk(UINT64_MAX - 7, ACCESS_FETCH), EXIT_access_fetch);
    h->cpu.raw_priv = PRIV_S;
    h->cpu.raw_satp = 0;
    assert_int_equal(walk(1ull << 56, ACCESS_WRITE), EXIT_access_write);
}

static void tables_outside_ram(void **state) {
    (void)state;
    hart_word(h, ROOT)[1] = entry(0x40000000, V);
    assert_int_equal(walk(AT, ACCESS_FETCH), EXIT_access_fetch);
    h->cpu.raw_satp = 8ull << 60 | 0xfffffffffff;
    assert_int_equal(walk(AT, ACCESS_WRITE), EXIT_access_write);
}

static void canonical(void **state) {
    (void)state;
    static const unsigned width[] = {39, 48, 57};
    for (unsigned m = 0; m < 3; m++) {
        h->cpu.raw_satp = (uint64_t)(8 + m) << 60 | ROOT >> 12;
        uint64_t half = 1ull << (width[m] - 1);
        memset(hart_word(h, ROOT), 0, 4096);
        hart_word(h, ROOT)[255] = hart_word(h, ROOT)[256] = entry(0, V | R | A); /* the entries beside the gap */
        assert_int_equal(walk(half - 1, ACCESS_READ), EXIT_none);
        assert_int_equal(walk(half, ACCESS_READ), EXIT_fault_read);
        assert_int_equal(walk(-half - 1, ACCESS_READ), EXIT_fault_read);
        assert_int_equal(walk(-half, ACCESS_READ), EXIT_none);
        assert_int_equal(w.page_size, 1ull << (width[m] - 9));
    }
}

static void pointers_that_are_pages(void **state) {
    (void)state;
    uint64_t *pointer = &hart_word(h, MIDDLE)[0];
    static const uint64_t bad[] = {0,
                                   V | A,
                                   V | D,
                                   V | USER,
                                   V | W,
                                   V | W | X,
                                   V | 1ull << 54,
                                   V | 1ull << 60,
                                   V | 1ull << 61,
                                   V | 1ull << 62,
                                   V | 1ull << 63};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        *pointer = entry(LAST, bad[i]);
        assert_int_equal(walk(AT, ACCESS_READ), EXIT_fault_read);
    }
    *pointer = entry(LAST, V | 1 << 5 | 3 << 8); /* global and software's bits are fine */
    assert_int_equal(walk(AT, ACCESS_READ), EXIT_none);
    *pointer = entry(TARGET + 0x1000, V | R | A); /* a superpage must begin where it begins */
    assert_int_equal(walk(AT, ACCESS_READ), EXIT_fault_read);
    hart_word(h, LAST)[0] = entry(LAST, V); /* no level is left */
    *pointer = entry(LAST, V);
    assert_int_equal(walk(AT, ACCESS_READ), EXIT_fault_read);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(units),
        TEST(protection_cuts_units),
        TEST(protection_that_matches_in_part_of_nothing),
        TEST(rights_are_of_the_kind_asked_for),
        TEST(nothing_is_granted_before_it_is_recorded),
        TEST(software_can_do_the_recording),
        TEST(data_can_run_under_another_privilege),
        TEST(physical_addresses_end),
        TEST(tables_outside_ram),
        TEST(canonical),
        TEST(pointers_that_are_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
