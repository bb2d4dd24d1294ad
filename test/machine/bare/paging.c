/* Address translation in S and U mode: Sv39, Sv48 and Sv57, superpages, every right, accessed and dirty bits, malformed
 * entries, sfence.vma, MPRV, and page tables that memory protection hides.
 */
#include "bare.h"

enum { V = 1, R = 2, W = 4, X = 8, PU = 16, G = 32, A = 64, D = 128 };
enum { ENTRIES = 512 };
#define PBMTE (1ull << 62)
#define ADUE  (1ull << 61)
typedef volatile uint64_t table[ENTRIES];
typedef volatile uint16_t __attribute__((may_alias)) half;
static table tables[8] __attribute__((aligned(4096)));
static volatile uint64_t page[3][ENTRIES] __attribute__((aligned(4096)));
static volatile uint64_t *leaf; /* the entry that maps AT */
static uint64_t mode_of_satp;   /* 8, 9, 10 */
#define AT ((volatile uint64_t *)0x40000000ull)

static uint64_t entry(const volatile void *to, uint64_t flags) {
    return (uint64_t)to >> 12 << 10 | flags;
}

static void satp(uint64_t mode) {
    WRITE(satp, mode ? mode << 60 | (uint64_t)tables[0] >> 12 : 0);
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* The program and its devices where they are, by superpages (for S mode; U mode's code gets a page of its own), and at
   AT a page by way of all levels. */
static void map(unsigned levels) {
    for (unsigned t = 0; t < 8; t++)
        for (unsigned i = 0; i < ENTRIES; i++) tables[t][i] = 0;
    unsigned t = 0;
    for (unsigned level = levels; level > 3; level--, t++) tables[t][0] = entry(tables[t + 1], V);
    tables[t][0] = entry((void *)0, V | R | W | A | D);
    tables[t][2] = entry((void *)0x80000000, V | R | W | X | A | D);
    tables[t][1] = entry(tables[t + 1], V);
    tables[t + 1][0] = entry(tables[t + 2], V);
    leaf = &tables[t + 2][0];
    mode_of_satp = 5 + levels;
}

static void set_leaf(uint64_t e) {
    *leaf = e;
    __asm__ volatile("sfence.vma" ::: "memory");
}

static uint64_t load(uint64_t at) {
    return load_word((void *)at);
}

enum { LOADS = 1, STORES = 2, FETCHES = 4 };

static uint64_t return_to_caller(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)cause, (void)pc;
    return f->x[1];
}

/* What is possible at AT, which begins with a `ret`. The tests run in S or U mode. */
static uint64_t rights(uint64_t at) {
    uint64_t can = 0, before = trapped.count;
    load_word((void *)at);
    if (trapped.count == before)
        can |= LOADS;
    else
        CHECK(trapped.cause == PAGE_LOAD && trapped.value == at);
    before = trapped.count;
    store_word((void *)(at + 8), 1);
    if (trapped.count == before)
        can |= STORES;
    else
        CHECK(trapped.cause == PAGE_STORE && trapped.value == at + 8);
    before = trapped.count;
    on_trap = return_to_caller;
    ((void (*)(void))at)();
    on_trap = NULL;
    if (trapped.count == before)
        can |= FETCHES;
    else
        CHECK(trapped.cause == PAGE_FETCH && trapped.value == at && trapped.pc == at);
    return can;
}

static uint64_t rights_in(enum mode mode, uint64_t flags) {
    set_leaf(entry(page[0], flags));
    return RUN(mode, rights, AT);
}

static void s_rights(void) {
    CHECK(rights_in(S, 0) == 0);
    CHECK(rights_in(S, R | A | D) == 0);
    CHECK(rights_in(S, V | R | A | D) == LOADS);
    CHECK(rights_in(S, V | R | W | A | D) == (LOADS | STORES));
    CHECK(rights_in(S, V | X | A | D) == FETCHES);
    CHECK(rights_in(S, V | R | X | A | D) == (LOADS | FETCHES));
    CHECK(rights_in(S, V | R | W | X | A | D) == (LOADS | STORES | FETCHES));
    CHECK(rights_in(S, V | W | A | D) == 0); /* reserved */
    CHECK(rights_in(S, V | W | X | A | D) == 0);
    CHECK(rights_in(S, V | A | D) == 0); /* a pointer at the last level */
    CHECK(rights_in(S, V | R | W | X | PU | A | D) == 0);
    SET(sstatus, SUM);
    CHECK(rights_in(S, V | R | W | X | PU | A | D) == (LOADS | STORES));
    CLEAR(sstatus, SUM);
    SET(sstatus, MXR);
    CHECK(rights_in(S, V | X | A | D) == (LOADS | FETCHES));
    CLEAR(sstatus, MXR);
    for (unsigned bit = 54; bit < 64; bit++) CHECK(rights_in(S, V | R | W | X | A | D | 1ull << bit) == 0);
}

static void accessed_and_dirty(void) {
    uint64_t seen;
    set_leaf(entry(page[0], V | R | W | X));
    RUN(S, load, AT);
    seen = *leaf;
    CHECK((seen & (A | D)) == A);
    CHECK(RUN(S, rights, AT) == (LOADS | STORES | FETCHES));
    CHECK((*leaf & (A | D)) == (A | D));
    set_leaf(entry(page[0], V | R | X));
    CHECK(RUN(S, rights, AT) == (LOADS | FETCHES));
    CHECK((*leaf & (A | D)) == A); /* a store that faults marks nothing */
    set_leaf(entry(page[0], V | X));
    CHECK(RUN(S, rights, AT) == FETCHES);
    CHECK((*leaf & (A | D)) == A);
    /* Where menvcfg leaves them to software, whatever they do not allow faults. */
    CLEAR(0x30a, ADUE);
    set_leaf(entry(page[0], V | R | W | X));
    CHECK(RUN(S, rights, AT) == 0 && *leaf == entry(page[0], V | R | W | X));
    set_leaf(entry(page[0], V | R | W | X | D));
    CHECK(RUN(S, rights, AT) == 0);
    set_leaf(entry(page[0], V | R | W | X | A));
    CHECK(RUN(S, rights, AT) == (LOADS | FETCHES) && *leaf == entry(page[0], V | R | W | X | A));
    set_leaf(entry(page[0], V | R | W | X | A | D));
    CHECK(RUN(S, rights, AT) == (LOADS | STORES | FETCHES));
    SET(0x30a, ADUE);
}

/* Until sfence.vma the old mapping may be used; after it, it must not. */
static uint64_t remap(uint64_t unused) {
    AT[3] = 11;
    CHECK(page[0][3] == 11);
    *leaf = entry(page[1], V | R | W | A | D);
    __asm__ volatile("sfence.vma %0" ::"r"(AT) : "memory");
    AT[3] = 22;
    CHECK(page[0][3] == 11 && page[1][3] == 22);
    *leaf = 0;
    __asm__ volatile("sfence.vma" ::: "memory");
    uint64_t before = trapped.count;
    load_word(AT);
    CHECK(trapped.count == before + 1 && trapped.cause == PAGE_LOAD);
    return unused;
}

/* Accesses across two pages that are not neighbours, and into one that is not there. */
static uint64_t across(uint64_t unused) {
    volatile uint64_t *edge = (volatile uint64_t *)((uint64_t)AT + 4096 - 3);
    leaf[0] = entry(page[2], V | R | W | A | D);
    leaf[1] = entry(page[0], V | R | W | A | D);
    __asm__ volatile("sfence.vma" ::: "memory");
    page[2][511] = page[0][0] = 0;
    store_word(edge, 0x1122334455667788);
    CHECK(page[2][511] == 0x6677880000000000 && page[0][0] == 0x1122334455);
    CHECK(load_word(edge) == 0x1122334455667788);
    leaf[1] = 0;
    __asm__ volatile("sfence.vma" ::: "memory");
    uint64_t before = trapped.count;
    store_word(edge, 0);
    CHECK(trapped.count == before + 1 && trapped.cause == PAGE_STORE && trapped.value == (uint64_t)AT + 4096);
    CHECK(page[2][511] == 0x6677880000000000); /* all or nothing */
    load_word(edge);
    CHECK(trapped.count == before + 2 && trapped.cause == PAGE_LOAD && trapped.value == (uint64_t)AT + 4096);
    return unused;
}

/* An instruction of which the second half is on the next page. */
static uint64_t call_at(uint64_t at) {
    uint64_t result;
    __asm__ volatile("li a0, 0\njalr %1\nmv %0, a0" : "=r"(result) : "r"(at) : "a0", "ra", "memory");
    return result;
}
static void split_instruction(void) {
    half *end = (half *)page[0] + 2047, *start = (half *)page[1];
    *end = 0x0513; /* li a0, 0x123, first half */
    start[0] = 0x1230;
    start[1] = 0x8082; /* ret */
    __asm__ volatile("fence.i");
    leaf[0] = entry(page[0], V | R | X | A);
    leaf[1] = entry(page[1], V | R | X | A);
    satp(mode_of_satp);
    CHECK(RUN(S, call_at, (uint64_t)AT + 4094) == 0x123);
    /* Another second half, by the mapping alone. */
    page[2][0] = page[1][0];
    *(half *)page[2] = 0x4560;
    leaf[1] = entry(page[2], V | R | X | A);
    satp(mode_of_satp);
    CHECK(RUN(S, call_at, (uint64_t)AT + 4094) == 0x456);
    leaf[1] = 0;
    satp(mode_of_satp);
    on_trap = return_to_caller;
    uint64_t before = trapped.count;
    RUN(S, call_at, (uint64_t)AT + 4094);
    on_trap = NULL;
    CHECK(trapped.count == before + 1 && trapped.cause == PAGE_FETCH);
    CHECK(trapped.pc == (uint64_t)AT + 4094 && trapped.value == (uint64_t)AT + 4096);
    page[0][511] = 0;
    page[0][0] = 0x8082;
    __asm__ volatile("fence.i");
}

/* Misaligned superpages, bits that pointers must not have, addresses that are not canonical. */
static void malformed(unsigned levels) {
    volatile uint64_t *pointer = &tables[levels - 3 + 1][0], good = *pointer, before = trapped.count;
    static const uint64_t bad[] = {A, D, PU, 1ull << 54, 1ull << 61, 1ull << 63};
    set_leaf(entry(page[0], V | R | W | A | D));
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        *pointer = good | bad[i];
        satp(mode_of_satp);
        RUN(S, load, AT);
        CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD);
    }
    *pointer = entry(page[0], V | R | A); /* 2 MiB, but at 4 KiB */
    satp(mode_of_satp);
    RUN(S, load, AT);
    CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD);
    *pointer = entry((void *)0x80000000, V | R | A);
    satp(mode_of_satp);
    CHECK(RUN(S, load, (uint64_t)AT + (uint64_t)page[0] - 0x80000000) == page[0][0]);
    *pointer = good;
    satp(mode_of_satp);
    CHECK(trapped.count == before);
    RUN(S, load, 1ull << (11 + 9 * levels)); /* not the sign extension of the address below */
    CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD);
    RUN(S, load, (uint64_t)AT | 1ull << 63);
    CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD && trapped.value == ((uint64_t)AT | 1ull << 63));
}

/* M mode with MPRV: loads and stores as if in MPP, fetches as ever. */
static void as_another_mode(void) {
    uint64_t before = trapped.count, v;
    page[0][5] = 55;
    set_leaf(entry(page[0], V | R | W | PU | A | D));
    for (unsigned mode = U; mode <= S; mode++)
        for (unsigned sum = 0; sum < 2; sum++) {
            CLEAR(mstatus, MPP | SUM);
            SET(mstatus, mode << 11 | (sum ? SUM : 0));
            __asm__ volatile(".option push\n.option norvc\nli %0, 0\nli a0, 1 << 17\n"
                             "csrs mstatus, a0\nld %0, 40(%1)\ncsrc mstatus, a0\n.option pop"
                             : "=&r"(v)
                             : "r"(AT)
                             : "a0", "memory");
            CLEAR(mstatus, MPRV);
            if (mode == U || sum) {
                CHECK(v == 55 && trapped.count == before);
            } else {
                CHECK(v == 0 && trapped.count == before + 1 && trapped.cause == PAGE_LOAD);
                before++;
            }
        }
    CLEAR(mstatus, MPP | SUM);
    CHECK(trapped.count == before);
}

/* U mode runs the program from the same addresses: its superpage becomes the user's. */
static void u_rights(unsigned levels) {
    volatile uint64_t *code = &tables[levels - 3][2], *low = &tables[levels - 3][0];
    *code |= PU;
    *low |= PU;
    CHECK(rights_in(U, V | R | W | X | PU | A | D) == (LOADS | STORES | FETCHES));
    CHECK(rights_in(U, V | R | PU | A | D) == LOADS);
    CHECK(rights_in(U, V | R | W | X | A | D) == 0);
    SET(sstatus, SUM);
    CHECK(rights_in(U, V | R | W | X | A | D) == 0);
    CLEAR(sstatus, SUM);
    *code &= ~(uint64_t)PU;
    *low &= ~(uint64_t)PU;
    satp(mode_of_satp);
}

static void napot_and_types(void) {
    static volatile uint64_t big[16][ENTRIES] __attribute__((aligned(65536)));
    big[0][0] = 100, big[3][0] = 103;
    /* 64 KiB: the low four bits of the page number are 1000. */
    for (unsigned i = 0; i < 16; i++) leaf[i] = entry((char *)big + 0x8000, V | R | W | A | D) | 1ull << 63;
    satp(mode_of_satp);
    CHECK(RUN(S, load, AT) == 100 && RUN(S, load, AT + 3 * ENTRIES) == 103);
    uint64_t before = trapped.count;
    leaf[0] = entry((char *)big + 0x4000, V | R | W | A | D) | 1ull << 63; /* no such size */
    satp(mode_of_satp);
    RUN(S, load, AT);
    CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD);
    for (unsigned i = 0; i < 16; i++) leaf[i] = 0;
    /* Memory types, where they are allowed. */
    page[0][0] = 7;
    for (uint64_t type = 1; type < 4; type++) {
        for (uint64_t on = 0; on < 2; on++) {
            WRITE(0x30a, on ? PBMTE | ADUE : ADUE);
            set_leaf(entry(page[0], V | R | W | A | D) | type << 61);
            uint64_t got = RUN(S, load, AT);
            if (on && type < 3)
                CHECK(got == 7 && trapped.count == before);
            else
                CHECK(trapped.count == ++before && trapped.cause == PAGE_LOAD);
        }
    }
    WRITE(0x30a, ADUE);
    page[0][0] = 0x8082;
}

/* Page tables that S mode may not read, or the walk may not mark. */
static void protected_tables(void) {
    uint64_t before = trapped.count;
    set_leaf(entry(page[0], V | R | W));
    WRITE(pmpaddr0, (uint64_t)leaf >> 2 | 0x1ff);
    WRITE(pmpcfg0, 0x18); /* NAPOT, nothing */
    satp(mode_of_satp);
    RUN(S, load, AT);
    CHECK(trapped.count == ++before && trapped.cause == ACCESS_LOAD && trapped.value == (uint64_t)AT);
    WRITE(pmpcfg0, 0x19); /* only readable: marking fails */
    satp(mode_of_satp);
    RUN(S, load, AT);
    CHECK(trapped.count == ++before && trapped.cause == ACCESS_LOAD);
    CHECK((*leaf & A) == 0);
    *leaf |= A;
    satp(mode_of_satp);
    RUN(S, load, AT);
    CHECK(trapped.count == before);
    WRITE(pmpcfg0, 0);
    satp(mode_of_satp);
}

/* ---- code in a page of tables: the walk's own writes change it */

static uint64_t run_at(volatile void *at) {
    return ((uint64_t(*)(volatile void *, volatile void *))(uintptr_t)at)((void *)((uint64_t)page - 0x202),
                                                                          AT + ENTRIES);
}

static void code_in_tables(void) {
    /* As instructions, what maps this page with R alone is `lb zero, 0x202(a0)` and zeros; once it is marked accessed
       it is a sum of floats, which are off. */
    const uint64_t mapped = entry((void *)0x80940000, V | R);
    volatile uint64_t *second = leaf + 1;
    CHECK((uint32_t)mapped == 0x20250003);
    CLEAR(mstatus, 3 << 13);
    on_trap = return_to_caller;
    satp(mode_of_satp);
    for (unsigned i = 0; i < 40; i++) {
        set_leaf(0);
        second[0] = mapped;
        for (unsigned k = 0; k < 3; k++) {
            run_at(second);
            CHECK(trapped.cause == ILLEGAL && trapped.pc == (uint64_t)second + 4);
        }
        on_trap = 0;
        CHECK(RUN(S, load, AT + ENTRIES) == 0);
        on_trap = return_to_caller;
        CHECK(second[0] == (mapped | A));
        run_at(second);
        CHECK(trapped.cause == ILLEGAL && trapped.pc == (uint64_t)second);
        /* right before it: nop; lb zero, 0(a1), under the rights of S mode */
        second[-1] = 0x0005800300000013;
        second[0] = mapped;
        __asm__ volatile("sfence.vma" ::: "memory");
        CLEAR(mstatus, MPP);
        SET(mstatus, MPRV | 1 << 11);
        run_at(second - 1);
        CLEAR(mstatus, MPRV);
        CHECK(trapped.cause == ILLEGAL && trapped.pc == (uint64_t)second);
        CHECK(second[0] == (mapped | A));
    }
    on_trap = 0;
    satp(0);
}

int main(void) {
    page[0][0] = 0x8082; /* ret */
    for (unsigned mode = 1; mode < 16; mode++) {
        WRITE(satp, (uint64_t)mode << 60);
        CHECK(READ(satp) >> 60 == (mode >= 8 && mode <= 10 ? mode : 0));
        WRITE(satp, 0);
    }
    for (unsigned levels = 3; levels <= 5; levels++) {
        map(levels);
        satp(mode_of_satp);
        s_rights();
        u_rights(levels);
        accessed_and_dirty();
        set_leaf(entry(page[0], V | R | W | A | D));
        RUN(S, remap, 0);
        RUN(S, across, 0);
        page[0][0] = 0x8082;
        split_instruction();
        malformed(levels);
        as_another_mode();
        napot_and_types();
        protected_tables();
        satp(0);
        map(levels);
        code_in_tables();
    }
    return 0;
}
