/* Translations that are kept and dropped: random page tables in several address spaces, some pages global, some parts
 * of large ones. Whatever is changed is announced as the architecture asks for it, by sfence.vma with every combination
 * of address and ASID, and no more; every access then sees what the tables say now, and so does every call of code
 * there, whether it came from another page or returns to one. Runs in S mode.
 */
#include "bare.h"

enum { V = 1, R = 2, W = 4, X = 8, PU = 16, G = 32, A = 64, D = 128 };
enum { ENTRIES = 512, SPACES = 3, FRAMES = 24, SLOTS = 48, STEPS = 6000 };
#define SV39    (8ull << 60)
#define PRIVATE 0x40000000ull /* of each space: SLOTS pages, and large pages behind them */
#define COMMON  0xc0000000ull /* global in all of them */
#define LARGE   0x200000ull
typedef volatile uint64_t table[ENTRIES];
static table root[SPACES] __attribute__((aligned(4096))), middle[SPACES] __attribute__((aligned(4096)));
static table leaf[SPACES] __attribute__((aligned(4096))), common_middle __attribute__((aligned(4096)));
static table common_leaf __attribute__((aligned(4096)));
__attribute__((aligned(4096))) static volatile uint64_t frame[FRAMES][ENTRIES];
#define BIG(n)                                                                                                         \
    ((volatile uint64_t *)(0x84000000ull + (n)*LARGE)) /* four large frames; the first word says which it is */
static unsigned space;
static uint64_t seed = 88172645463325252u;

static uint64_t roll(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % below;
}

static uint64_t entry(const volatile void *to, uint64_t flags) {
    return (uint64_t)to >> 12 << 10 | flags;
}

static void enter(unsigned s) {
    space = s;
    WRITE(satp, SV39 | (uint64_t)(s + 1) << 44 | (uint64_t)root[s] >> 12);
}

static void fence_all(void) {
    __asm__ volatile("sfence.vma" ::: "memory");
}
static void fence_space(unsigned s) {
    __asm__ volatile("sfence.vma x0, %0" ::"r"((uint64_t)s + 1) : "memory");
}
static void fence_address(uint64_t at) {
    __asm__ volatile("sfence.vma %0" ::"r"(at) : "memory");
}
static void fence_both(uint64_t at, unsigned s) {
    __asm__ volatile("sfence.vma %0, %1" ::"r"(at), "r"((uint64_t)s + 1) : "memory");
}

/* Code in a frame: at CODE it yields the frame's number; at CALLER it calls what is at CODE of the next page, and
   yields both numbers. */
enum { CODE = 64, CALLER = 128, CALL_AT = 8 /* behind CALLER */ };
static void put_code(volatile uint64_t *to, uint64_t number) {
    const uint32_t high = (uint32_t)(number + 0x800) >> 12, low = (uint32_t)number & 0xfff;
    const uint32_t distance = 4096 + CODE - (CALLER + CALL_AT);
    volatile uint32_t *code = (volatile uint32_t *)((uint64_t)to + CODE);
    code[0] = high << 12 | 10 << 7 | 0x37;           /* lui a0 */
    code[1] = low << 20 | 10 << 15 | 10 << 7 | 0x1b; /* addiw a0, a0 */
    code[2] = 0x00008067;                            /* ret */
    code = (volatile uint32_t *)((uint64_t)to + CALLER);
    code[0] = 0xff010113;           /* addi sp, sp, -16 */
    code[1] = 0x00113023 | 1 << 20; /* sd ra, 0(sp) */
    code[2] = (distance >> 1 & 0x3ff) << 21 | (distance >> 11 & 1) << 20 | (distance >> 12) << 12 | 1 << 7 | 0x6f;
    code[3] = 16 << 20 | 10 << 15 | 1 << 12 | 10 << 7 | 0x13; /* slli a0, a0, 16 */
    code[4] = high << 12 | 11 << 7 | 0x37;                    /* lui a1 */
    code[5] = low << 20 | 11 << 15 | 11 << 7 | 0x1b;          /* addiw a1, a1 */
    code[6] = 11 << 20 | 10 << 15 | 10 << 7 | 0x33;           /* add a0, a0, a1 */
    code[7] = 0x00013083;                                     /* ld ra, 0(sp) */
    code[8] = 16 << 20 | 2 << 15 | 2 << 7 | 0x13;             /* addi sp, sp, 16 */
    code[9] = 0x00008067;
}

static uint64_t call(uint64_t at) {
    return ((uint64_t(*)(void))at)();
}

/* An access, by what the tables say: loads yield the frame's number, stores change its second word. */
static void check(uint64_t at, uint64_t e, uint64_t number, volatile uint64_t *second) {
    const uint64_t before = s_trapped.count;
    const uint64_t seen = load_word((void *)at);
    if (e & V) {
        CHECK(s_trapped.count == before && seen == number);
    } else {
        CHECK(s_trapped.count == before + 1 && s_trapped.cause == PAGE_LOAD && s_trapped.value == at);
    }
    const uint64_t old = *second, stored = roll(1ull << 40), count = s_trapped.count;
    store_word((void *)(at + 8), stored);
    if ((e & V) && (e & W)) {
        CHECK(s_trapped.count == count && *second == stored);
    } else {
        CHECK(s_trapped.count == count + 1 && s_trapped.cause == PAGE_STORE && *second == old);
    }
}

static volatile uint64_t *of_entry(uint64_t e) {
    return (volatile uint64_t *)(e >> 10 << 12);
}

static void check_slot(unsigned slot) {
    const uint64_t e = leaf[space][slot];
    volatile uint64_t *to = e & V ? of_entry(e) : frame[0];
    const uint64_t next = slot + 1 < SLOTS ? leaf[space][slot + 1] : 0;
    check(PRIVATE + slot * 4096, e, to[0], to + 1);
    if (!(e & X)) return;
    CHECK(call(PRIVATE + slot * 4096 + CODE) == to[0]);
    if (next & X) CHECK(call(PRIVATE + slot * 4096 + CALLER) == (of_entry(next)[0] << 16) + to[0]);
}

static void check_common(unsigned slot) {
    const uint64_t e = common_leaf[slot];
    volatile uint64_t *to = e & V ? of_entry(e) : frame[0];
    check(COMMON + slot * 4096, e, to[0], to + 1);
    if (e & X) CHECK(call(COMMON + slot * 4096 + CODE) == to[0]);
}

/* Large page n of a space is a leaf, or a table (shattered) whose entries are pages of the same large frame. */
static table shattered[SPACES] __attribute__((aligned(4096)));
static void check_large(void) {
    const uint64_t e = middle[space][1], within = roll(8) * 37 * 4096;
    if (e & (R | W)) {
        check(PRIVATE + LARGE + within, e, *(volatile uint64_t *)((uint64_t)of_entry(e) + within),
              (volatile uint64_t *)((uint64_t)of_entry(e) + within + 8));
        if (e & X)
            CHECK(call(PRIVATE + LARGE + within + CODE) == *(volatile uint64_t *)((uint64_t)of_entry(e) + within));
    } else {
        const uint64_t small = shattered[space][within / 4096];
        volatile uint64_t *to = small & V ? of_entry(small) : frame[0];
        check(PRIVATE + LARGE + within, small, to[0], to + 1);
        if (small & X) CHECK(call(PRIVATE + LARGE + within + CODE) == to[0]);
    }
}

static uint64_t some_rights(void) {
    return roll(4) == 0 ? 0 : V | R | A | D | (roll(2) ? W : 0) | (roll(2) ? X : 0);
}

static void announce(uint64_t at, unsigned s) {
    switch (roll(4)) {
    case 0: fence_all(); break;
    case 1: fence_space(s); break;
    case 2: fence_address(at + roll(4096)); break;
    default: fence_both(at + roll(4096), s); break;
    }
}

static void change_slot(void) {
    const unsigned s = (unsigned)roll(SPACES), slot = (unsigned)roll(SLOTS);
    leaf[s][slot] = entry(frame[roll(FRAMES)], some_rights());
    announce(PRIVATE + slot * 4096, s);
}

static void change_common(void) { /* no ASID: it would leave global translations alone */
    const unsigned slot = (unsigned)roll(SLOTS);
    common_leaf[slot] = entry(frame[roll(FRAMES)], some_rights() | G);
    if (roll(2))
        fence_all();
    else
        fence_address(COMMON + slot * 4096 + roll(4096));
}

static void change_large(void) {
    const unsigned s = (unsigned)roll(SPACES);
    const uint64_t old = middle[s][1];
    if (roll(3)) { /* another large frame, or other rights; of a table: it is one no more */
        middle[s][1] = entry(BIG(roll(4)), V | R | A | D | (roll(2) ? W : 0) | (roll(2) ? X : 0));
        if (old & (R | W))
            announce(PRIVATE + LARGE + roll(512) * 4096, s);
        else
            fence_space(s); /* all addresses of a table */
    } else {                /* shatter it, with holes */
        for (unsigned i = 0; i < ENTRIES; i++)
            shattered[s][i] = entry((volatile void *)((uint64_t)BIG(roll(4)) + i * 4096ull), some_rights());
        middle[s][1] = entry(shattered[s], V);
        if (old & (R | W))
            announce(PRIVATE + LARGE + roll(512) * 4096, s);
        else
            fence_space(s);
    }
}

static uint64_t torture(uint64_t unused) {
    for (unsigned n = 0; n < STEPS; n++) {
        switch (roll(16)) {
        case 0: change_slot(); break;
        case 1: change_common(); break;
        case 2: change_large(); break;
        case 3:
        case 4: enter((unsigned)roll(SPACES)); break;
        case 5:
            if (roll(2))
                SET(sstatus, SUM);
            else
                CLEAR(sstatus, SUM);
            break;
        case 6:
        case 7: check_large(); break;
        case 8:
        case 9: check_common((unsigned)roll(SLOTS)); break;
        default: check_slot((unsigned)roll(SLOTS)); break;
        }
    }
    return unused;
}

/* More pages than there are lines at first, twice; then all of them are dropped, and one comes back. */
static uint64_t many(uint64_t unused) {
    enum { PAGES = 1024 };
    for (unsigned i = 0; i < ENTRIES; i++) leaf[0][i] = entry(frame[i % FRAMES], V | R | W | A | D);
    enter(0);
    fence_all();
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < PAGES; i++) {
            const unsigned k = i * 7 % ENTRIES;
            CHECK(load_word((void *)(PRIVATE + k * 4096)) == frame[k % FRAMES][0]);
        }
    for (unsigned i = 0; i < ENTRIES; i++) leaf[0][i] = entry(frame[(i + 1) % FRAMES], V | R | W | A | D);
    fence_space(0);
    for (unsigned i = 0; i < ENTRIES; i++) CHECK(load_word((void *)(PRIVATE + i * 4096)) == frame[(i + 1) % FRAMES][0]);
    return unused;
}

int main(void) {
    for (unsigned s = 0; s < SPACES; s++) {
        root[s][0] = entry((void *)0, V | R | W | A | D | G);
        root[s][1] = entry(middle[s], V);
        root[s][2] = entry((void *)0x80000000, V | R | W | X | A | D | G);
        root[s][3] = entry(common_middle, V | G); /* so all below it is */
        middle[s][0] = entry(leaf[s], V);
        middle[s][1] = entry(BIG(s), V | R | W | A | D);
    }
    common_middle[0] = entry(common_leaf, V);
    for (unsigned i = 0; i < FRAMES; i++) put_code(frame[i], frame[i][0] = 1000 + i);
    for (unsigned n = 0; n < 4; n++)
        for (unsigned i = 0; i < 512; i++) put_code(BIG(n) + i * 512, BIG(n)[i * 512] = 5000 + n * 512 + i);
    __asm__ volatile("fence.i" ::: "memory");
    WRITE(medeleg, 1 << PAGE_LOAD | 1 << PAGE_STORE);
    enter(0);
    fence_all();
    RUN(S, torture, 0);
    CLEAR(sstatus, SUM);
    RUN(S, many, 0);
    return 0;
}
