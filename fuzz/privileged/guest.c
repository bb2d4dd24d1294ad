/* guest.c - the privileged fuzzer's guest: random page tables, address spaces, modes, rights, delegations, interrupts
 * and code that meets them, case after case, each of which follows from the seed and its number.
 *
 * It runs in M mode below the case, which runs in S and U mode and comes back by traps. What a trap shows (registers,
 * CSRs) goes into the case's sum, and so does all memory at its end; the sum is a line on the serial port. Who runs the
 * same cases elsewhere gets the same lines. Tables are changed as the architecture asks for, with no more fences than
 * that, so that nobody may see the old ones. Where implementations may differ (PORTABLE), the case does without.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PORTABLE = 1, VERBOSE = 2, SHORT = 4 };
extern const volatile uint64_t asked[4];
extern volatile uint64_t probed[2];
void run_case(uint64_t x[32]);
uint64_t probe(uint64_t address, uint64_t store, uint64_t status);

#define READ(csr)                                                                                                      \
    ({                                                                                                                 \
        uint64_t csr_value;                                                                                            \
        __asm__ volatile("csrr %0, " #csr : "=r"(csr_value)::"memory");                                                \
        csr_value;                                                                                                     \
    })
#define WRITE(csr, value) __asm__ volatile("csrw " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define UART              ((volatile uint8_t *)0x10000000)
#define FINISHER          ((volatile uint32_t *)0x00100000)
#define MSIP              ((volatile uint32_t *)0x02000000)
#define MTIMECMP          ((volatile uint64_t *)0x02004000)
#define MTIME             ((volatile uint64_t *)0x0200bff8)

/* Physical memory: data, code, the page with the handler of S mode, and the tables. */
enum { PAGE = 4096, DATA_PAGES = 4, CODE_PAGES = 4, POOL = 64, CODE_AT = DATA_PAGES * PAGE };
enum { HANDLER_AT = CODE_AT + CODE_PAGES * PAGE, PLAY_SIZE = HANDLER_AT + PAGE };
#define PLAY    0x80400000ull
#define TABLES  0x80600000ull
#define HANDLER (PLAY + HANDLER_AT)

enum { SPACES = 3, SLOTS = 10, CODE_SLOTS = 4, SHARED = SLOTS - 1, TRAPS = 60, INSNS = 96, ENDING = 8 };
enum { V = 1, R = 2, W = 4, X = 8, U = 16, G = 32, A = 64, D = 128 };
enum { SSI = 1, MSI = 3, STI = 5, MTI = 7, SEI = 9 };
#define INTERRUPT (1ull << 63)
#define MPP       (3ull << 11)

static uint64_t random_state, sum, inside, x[32];
static bool portable, verbose;
static uint64_t va[SLOTS], satps[SPACES], *leaf[SPACES][SLOTS];
static volatile uint32_t *code; /* of the sequence that is made */
static unsigned hot[3];         /* slots that are used most */
static unsigned leaf_level[SPACES][SLOTS];
static unsigned levels[SPACES], pool_used, traps, code_n, code_offset, timers;
static enum { RUNS, ENDS, ENDLESS } state;

/* ---- random numbers, the sum, the log */

static uint64_t next(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static unsigned below(unsigned n) {
    return (unsigned)((next() >> 32) * n >> 32);
}
static bool percent(unsigned n) {
    return below(100) < n;
}

static void say(const char *text) {
    for (; *text; text++) *UART = (uint8_t)*text;
}
static void say_hex(uint64_t n) {
    int shift = 60;
    while (shift && !(n >> shift)) shift -= 4;
    for (; shift >= 0; shift -= 4) *UART = (uint8_t) "0123456789abcdef"[n >> shift & 15];
}
static void note(const char *name, uint64_t value) {
    sum = (sum ^ value) * 0x100000001b3u;
    sum ^= sum >> 29;
    if (!verbose) return;
    say(name), say(" "), say_hex(value), say("\n");
}

/* ---- page tables */

static uint64_t *table_make(void) {
    uint64_t *t = (uint64_t *)(TABLES + PAGE * pool_used++);
    for (unsigned i = 0; i < 512; i++) t[i] = 0;
    return t;
}

static uint64_t leaf_bits(unsigned slot) {
    static const uint8_t usual[] = {R, R | W, R | W | X, R | X, X, R | W | X, R | W, R | X};
    uint64_t bits = percent(92) ? V : 0;
    bits |= percent(93) ? usual[below(sizeof usual)] : below(8) * 2;
    if (slot < CODE_SLOTS && percent(90)) bits |= V | R | X;
    if (slot < CODE_SLOTS ? percent(93) == (slot & 1) : percent(45)) bits |= U;
    if (percent(70)) bits |= A;
    if (percent(60)) bits |= D;
    if ((slot == hot[0] || slot == hot[1]) && percent(85)) bits |= V | R | W;
    if (slot == hot[2] && percent(40)) bits = (bits & ~(uint64_t)(R | W)) | V | X; /* to be read by MXR only */
    if (percent(20)) bits |= (uint64_t)below(4) << 8;                              /* for software */
    if (percent(2)) bits |= 1ull << (54 + below(10));                              /* reserved, or of an extension */
    return slot == SHARED ? bits | G : bits;
}

/* QEMU 7 lets S mode execute what it has read with SUM: pages of U mode that have data have no code there. */
static uint64_t leaf_portable(unsigned slot, uint64_t bits) {
    if (!portable) return bits;
    if (slot < CODE_SLOTS) return (bits & ~(uint64_t)U) | (slot & 1 ? U : 0);
    if (!(bits & U)) return bits;
    bits &= ~(uint64_t)X;
    return bits & V && !(bits & R) ? bits | R : bits;
}

/* What a leaf of this level leads to: code in the first slots, for S and U mode in turn, mostly. */
static uint64_t leaf_value(unsigned slot, unsigned level) {
    uint64_t to = PLAY + (slot < CODE_SLOTS && (portable || percent(93)) ? CODE_AT + (slot / 2 + 2 * percent(40)) * PAGE
                                                                         : below(DATA_PAGES) * PAGE);
    if (level == 1) to = PLAY;
    if (level == 2) to = PLAY & ~0x3fffffffull;
    if (level > 2) to = 0;
    if (level && level < 3 && percent(8)) to += PAGE; /* not aligned */
    return to >> 2 | leaf_portable(slot, leaf_bits(slot));
}

static void map_slot(uint64_t *root, unsigned space, unsigned slot) {
    uint64_t *t = root;
    const unsigned at = percent(85) || (portable && slot < CODE_SLOTS) ? 0 : below(levels[space]);
    for (unsigned level = levels[space] - 1;; level--) {
        uint64_t *e = &t[va[slot] >> (12 + 9 * level) & 511];
        const bool is_leaf = *e & (R | W | X), table = !is_leaf && *e & V;
        if (is_leaf || (level == at && !table) || level == 0) {
            if (!*e) *e = leaf_value(slot, level);
            leaf[space][slot] = e;
            leaf_level[space][slot] = level;
            return;
        }
        if (!*e) *e = (uint64_t)table_make() >> 2 | V | (percent(1) ? A : 0);
        if (!(*e & V)) { /* another slot's */
            leaf[space][slot] = e;
            return;
        }
        t = (uint64_t *)(*e >> 10 << 12);
    }
}

/* The handler of S mode is where it is, whatever is translated. */
static void map_handler(uint64_t *root, unsigned space) {
    uint64_t *t = root;
    for (unsigned level = levels[space] - 1; level; level--) {
        uint64_t *e = &t[HANDLER >> (12 + 9 * level) & 511];
        if (!*e) *e = (uint64_t)table_make() >> 2 | V;
        t = (uint64_t *)(*e >> 10 << 12);
    }
    t[HANDLER >> 12 & 511] = HANDLER >> 2 | V | R | X | G | A | D;
}

static void make_spaces(void) {
    static const uint16_t first[] = {0, 1, 3, 255, 256, 511}, middle[] = {0, 1, 511}, last[] = {0, 1, 2, 511};
    pool_used = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t a =
            (uint64_t)first[below(6)] << 30 | (uint64_t)middle[below(3)] << 21 | (uint64_t)last[below(4)] << 12;
        if (i / 2 == 1) /* behind the first two */
            a = (va[i - 2] + PAGE) & 0x7fffffffff;
        else if (i && percent(40))
            a = (va[i - 1] + PAGE) & 0x7fffffffff;
        if (a >> 30 == 2) a -= 1ull << 30; /* where the handler is */
        va[i] = (uint64_t)((int64_t)(a << 25) >> 25);
        for (unsigned k = 0; portable && i >= CODE_SLOTS && k < CODE_SLOTS; k++) /* no data where there is code */
            if (va[i] == va[k]) va[i] ^= 16 * PAGE, k = 0;
    }
    const unsigned all_levels = 3 + below(3); /* so that the shared slot is the same in all */
    for (unsigned s = 0; s < SPACES; s++) {
        levels[s] = percent(50) ? all_levels : 3 + below(3);
        uint64_t *root = table_make();
        map_handler(root, s);
        for (unsigned i = 0; i < SLOTS && pool_used < POOL - 5; i++) {
            map_slot(root, s, i);
        }
        for (unsigned i = 0; i < SLOTS; i++)
            if (!leaf[s][i]) leaf[s][i] = &root[256 + 17];
        satps[s] = (uint64_t)(levels[s] + 5) << 60 | (uint64_t)(s + 1) << 44 | (uint64_t)root >> 12;
    }
}

/* A global mapping is the same wherever it is: none stays that is not. */
static void agree_on_shared(void) {
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < SLOTS; i++)
            if (*leaf[s][i] & G) *leaf[s][i] &= ~(uint64_t)G;
}

static void fence_all(void) {
    __asm__ volatile("sfence.vma" ::: "memory");
}

static void change_table(void) {
    const uint64_t satp = READ(satp);
    unsigned s = below(SPACES), i = percent(25) ? below(2) : percent(70) ? hot[below(3)] : below(SLOTS);
    if (i > 1 && percent(70)) { /* what has just been used, where (emit_again) */
        for (unsigned k = 0; k < SPACES; k++)
            if (satps[k] == satp) s = k;
        for (unsigned k = 0; k < SLOTS; k++)
            if (va[k] == (x[31] & -(uint64_t)PAGE)) i = k;
    }
    uint64_t *e = leaf[s][i], old = *e;
    if (percent(40) && leaf_level[s][i] < 3)
        *e = leaf_value(i, leaf_level[s][i]);
    else
        *e = percent(50) ? old ^ (1ull << below(8)) : (old & ~0xffull) | leaf_bits(i % SHARED);
    *e &= ~(uint64_t)G;
    if (!(*e & (R | W | X)) && *e & V) *e |= R; /* no table */
    *e = leaf_portable(i, *e);
    const uint64_t asid = s + 1;
    switch (below(4)) {
    case 0: __asm__ volatile("sfence.vma %0, %1" ::"r"(va[i]), "r"(asid) : "memory"); break;
    case 1: __asm__ volatile("sfence.vma %0, zero" ::"r"(va[i]) : "memory"); break;
    case 2: __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory"); break;
    default: fence_all();
    }
    note("table", *e);
}

/* ---- code */

static void emit(uint32_t bits) {
    if (code_n < INSNS) code[code_n++] = bits;
}
static unsigned value_reg(void) {
    static const uint8_t regs[] = {1, 5, 6, 7, 16, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31};
    return regs[below(sizeof regs)];
}
static unsigned pointer_reg(void) {
    return 8 + below(8);
}
static unsigned any_reg(void) {
    return percent(60) ? value_reg() : below(32);
}

static void emit_access(void) {
    const unsigned rs1 = pointer_reg();
    if (percent(50)) {
        static const uint8_t widths[] = {0, 1, 2, 3, 4, 5, 6};
        const unsigned f = widths[below(7)], size = 1u << (f & 3);
        uint32_t offset = below(32) * size;
        if (!portable && percent(10)) offset += below(8);
        emit(offset << 20 | rs1 << 15 | f << 12 | value_reg() << 7 | 0x03);
    } else {
        const unsigned f = below(4);
        uint32_t offset = below(16) << f;
        if (!portable && percent(10)) offset += below(8);
        emit((offset >> 5) << 25 | any_reg() << 20 | rs1 << 15 | f << 12 | (offset & 31) << 7 | 0x23);
    }
}

static void emit_atomic(void) {
    static const uint8_t ops[] = {0, 1, 4, 8, 12, 16, 20, 24, 28};
    const unsigned f = 2 + below(2), rs1 = pointer_reg(), rd = value_reg();
    if (portable || percent(60)) { /* an sc whose lr has faulted may fault, or fail */
        emit((uint32_t)ops[below(9)] << 27 | below(4) << 25 | any_reg() << 20 | rs1 << 15 | f << 12 | rd << 7 | 0x2f);
        return;
    }
    emit(2u << 27 | rs1 << 15 | f << 12 | rd << 7 | 0x2f);
    emit(3u << 27 | any_reg() << 20 | rs1 << 15 | f << 12 | value_reg() << 7 | 0x2f);
}

static void emit_csr(void) {
    static const uint16_t supervisor[] = {0x100, 0x104, 0x105, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180, 0x100, 0x144};
    static const uint16_t more[] = {0x106, 0x10a, 0x14d, 0xc00, 0xc02, 0xc01};
    static const uint16_t refused[] = {0x300, 0x341, 0x302, 0x3a0, 0x7c0, 0xf14, 0x5a0, 0xb00};
    unsigned csr = supervisor[below(11)], op = 1 + below(3), rs1 = any_reg(), rd = value_reg();
    if (percent(12)) csr = refused[below(8)];
    if (!portable && percent(15)) csr = more[below(6)];
    if (csr == 0x180) { /* satp: one of ours, or none */
        op = 1;
        rs1 = percent(80) ? 18 + below(3) : 0;
    }
    if (portable && (csr == 0x105 || csr == 0x142 || csr == 0x144))
        op = 2, rs1 = 0;                                       /* which values they take is nobody's business */
    if (portable && csr == 0x100) op = 2 + below(2), rs1 = 17; /* QEMU 7 takes other modes of U mode's registers */
    if (csr == 0x105 && op != 2) op = 1, rs1 = percent(70) ? 2 : 3 + below(2);
    if (csr == 0x141 && (portable || percent(70))) op = 1, rs1 = 3 + below(2);
    if (csr == 0x100 && percent(60)) op |= 4, rs1 = 2 << below(1); /* SIE by a constant */
    emit(csr << 20 | rs1 << 15 | op << 12 | rd << 7 | 0x73);
}

/* Uses a page, asks for a change, and uses it again, perhaps in another mode. */
static void emit_again(void) {
    const unsigned rs1 = pointer_reg(), rd = value_reg(), offset = below(16) * 8;
    const uint32_t load = offset << 20 | rs1 << 15 | 3u << 12 | rd << 7 | 0x03;
    const uint32_t store = (offset >> 5) << 25 | rd << 20 | rs1 << 15 | 3u << 12 | (offset & 31) << 7 | 0x23;
    emit(percent(70) ? load : store);
    emit(rs1 << 15 | 31u << 7 | 0x13); /* mv t6, rs1 */
    if (percent(35))
        emit((0x100u << 20) | 17u << 15 | (2 + below(2)) << 12 | 0x73); /* SUM, MXR */
    else
        emit(0x73);
    emit(percent(70) ? load : store);
}

static void emit_one(void) {
    const unsigned k = below(100);
    if (percent(9)) return emit_again();
    if (k < 34) return emit_access();
    if (k < 42) return emit_atomic();
    if (k < 50) {
        static const uint32_t ops[] = {0x33, 0x4033, 0x40000033, 0x3b, 0x7033, 0x3033};
        return emit(ops[below(6)] | any_reg() << 20 | any_reg() << 15 | value_reg() << 7);
    }
    if (k < 56) { /* a branch forwards */
        const uint32_t by = 4 * (1 + below(6)), f = (uint32_t[]){0, 1, 4, 5, 6, 7}[below(6)];
        return emit((by >> 5 & 63) << 25 | any_reg() << 20 | any_reg() << 15 | f << 12 | (by >> 1 & 15) << 8 | 0x63);
    }
    if (k < 62) {                                           /* somewhere, while there is fuel (x27): else to the end */
        emit(0xfffd8d93);                                   /* addi s11, s11, -1 */
        emit(8 >> 1 << 8 | 27u << 15 | 5u << 12 | 0x63);    /* bgez s11 */
        emit(0xffffffff);                                   /* to be filled in: j end */
        return emit((3 + below(2)) << 15 | 1u << 7 | 0x67); /* jalr ra, gp or tp */
    }
    if (k < 76) return emit_csr();
    if (k < 84) return emit(0x12000073 | (percent(50) ? pointer_reg() : 0) << 15 | (percent(50) ? 16 : 0) << 20);
    if (k < 90) return emit(0x73); /* ecall */
    if (k < 92) return emit(0x100073);
    if (k < 95) return emit(0x10200073); /* sret */
    if (k < 96) return emit(0x30200073); /* mret */
    if (k < 97) return emit(percent(50) ? 0x0ff0000f : 0x100f);
    if (k < 98) return emit(portable ? 0 : (uint32_t)next() & ~3u);
    if (portable) return emit(0x13);
    switch (below(4)) {
    case 0: return emit(0x10500073);                                                      /* wfi */
    case 1: return emit(0x16000073 | pointer_reg() << 15 | (percent(50) ? 16 : 0) << 20); /* sinval.vma */
    case 2: return emit(0x18000073);
    default: return emit(0x18100073);
    }
}

/* For the mode that mret leads to, mostly. */
static uint64_t entry(void) {
    const uint64_t at = PLAY + CODE_AT + code_offset;
    if (!READ(satp) || percent(3)) return at;
    return va[percent(92) ? !(READ(mstatus) & MPP) : below(2)] + code_offset % PAGE;
}

static void make_sequence(volatile uint32_t *to, unsigned n) {
    code = to;
    code_n = 0;
    while (code_n < n) emit_one();
    code_n = n;
    for (unsigned i = 0; i < n; i++)
        if (code[i] == 0xffffffff) {
            const uint32_t by = 4 * (n - i);
            code[i] =
                (by >> 20 & 1) << 31 | (by >> 1 & 0x3ff) << 21 | (by >> 11 & 1) << 20 | (by >> 12 & 0xff) << 12 | 0x6f;
        }
    for (unsigned i = 0; i < ENDING; i++) emit(0x73);
}

/* Two sequences of the same length: spaces may have either at the same place. */
static void make_code(void) {
    const unsigned n = 8 + below(72);
    code_offset = (percent(40) ? PAGE - 4 * (1 + below(40)) : below(200) * 4);
    make_sequence((volatile uint32_t *)(PLAY + CODE_AT + 2 * PAGE + code_offset), n);
    make_sequence((volatile uint32_t *)(PLAY + CODE_AT + code_offset), n);
    ((volatile uint32_t *)HANDLER)[0] = 0x100073;   /* ebreak: to M mode, never delegated */
    ((volatile uint32_t *)HANDLER)[1] = 0x10200073; /* sret */
    __asm__ volatile("fence.i" ::: "memory");
}

/* ---- rights, modes, interrupts */

static void delegate(void) {
    WRITE(medeleg, percent(30) ? 0 : next() & 0xb3f7 & ~8ull);
    WRITE(mideleg, percent(30) ? 0x222 : next() & 0x222);
}

static void set_modes(void) {
    enum { TVM = 20, TW, TSR, SUM = 18, MXR = 19 };
    uint64_t status = READ(mstatus) & ~(1ull << TVM | 1ull << TW | 1ull << TSR | 1ull << SUM | 1ull << MXR | MPP);
    status |= (uint64_t)percent(12) << TVM | (uint64_t)percent(12) << TW | (uint64_t)percent(12) << TSR;
    status |= (uint64_t)percent(50) << SUM | (uint64_t)percent(30) << MXR;
    if (percent(60)) status |= 1ull << 11; /* S */
    if (percent(30)) status ^= 1ull << 8;  /* SPP */
    if (percent(40)) status ^= 1ull << 5;  /* SPIE */
    if (percent(20)) status ^= 1ull << 1;  /* SIE */
    WRITE(mstatus, status);
}

static void set_interrupts(void) {
    uint64_t pending = next() & next() & (1 << SSI | 1 << STI | 1 << SEI);
    if (portable) pending &= -pending; /* one at most: QEMU 7 has another order of priorities */
    WRITE(mip, pending);
    WRITE(mie, (next() & (1 << SSI | 1 << STI | 1 << SEI | 1 << MSI)) | 1 << MTI);
    *MSIP = percent(20) && !(portable && pending);
}

/* Two small regions of the play area with rights of their own; then all of it; nothing else. */
static void set_rights(void) {
    enum { NA4 = 0x10, NAPOT = 0x18, ALL = 7 };
    uint64_t cfg = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = (PLAY + below(DATA_PAGES) * PAGE + below(PAGE)) >> 2;
        uint64_t rights = below(8);
        if ((rights & 3) == 2) rights |= 1;
        at = (at & ~0x200ull) | (percent(60) ? 0x1ff : 0); /* a page at most: nothing besides data */
        if (i == 0)
            WRITE(pmpaddr0, at);
        else
            WRITE(pmpaddr1, at);
        if (percent(25)) cfg |= (NAPOT | rights) << (8 * i);
    }
    WRITE(pmpaddr2, PLAY >> 2 | ((1 << 22) - 1) >> 3); /* 4 MiB: tables, too */
    WRITE(pmpcfg0, cfg | (NAPOT | ALL) << 16);
    fence_all();
}

static void rearm(void) {
    *MTIMECMP = *MTIME + (portable ? asked[3] & SHORT ? 10000 : 200000 : percent(20) ? 1 + below(6) : 4 + below(40));
}

/* ---- a case */

static void make_case(void) {
    *MTIMECMP = ~0ull;
    *MSIP = 0;
    WRITE(mstatus, 0);
    WRITE(mie, 0);
    WRITE(mip, 0);
    WRITE(satp, 0);
    WRITE(pmpcfg0, 0);
    WRITE(menvcfg, 1ull << 61 | (portable ? 0 : (uint64_t)percent(30) << 61)); /* who sets A and D: the hardware */
    if (!portable && percent(20)) WRITE(menvcfg, 0);
    WRITE(mcounteren, 0);
    WRITE(scounteren, 0);
    traps = timers = 0;
    state = RUNS;
    for (unsigned s = 0; s < SPACES; s++)
        for (unsigned i = 0; i < SLOTS; i++) leaf[s][i] = NULL;
    for (uint64_t i = 0; i < PLAY_SIZE / 8; i++)
        ((volatile uint64_t *)PLAY)[i] = i * 0x9e3779b97f4a7c15u & 0xffff0000ffff0000u; /* no instructions */
    for (unsigned i = 0; i < 3; i++) hot[i] = CODE_SLOTS + below(SLOTS - CODE_SLOTS);
    make_spaces();
    agree_on_shared();
    make_code();
    for (unsigned i = 0; i < 32; i++) x[i] = i ? next() >> below(64) : 0;
    for (unsigned i = 8; i < 16; i++) {
        x[i] = percent(70)   ? va[hot[below(3)]]
               : percent(60) ? va[portable ? CODE_SLOTS + below(SLOTS - CODE_SLOTS) : below(SLOTS)]
                             : PLAY + below(DATA_PAGES) * PAGE;
        x[i] += percent(30) ? 0 : percent(50) ? below(PAGE / 8 - 16) * 8 : PAGE - 8 * (1 + below(16));
        if (!portable && percent(15)) x[i] += PAGE - 130 + below(140);
    }
    x[2] = HANDLER;
    x[16] = below(5);
    x[17] = next() & (1 << 1 | 1 << 5 | 1 << 8 | 1 << 18 | 1 << 19);
    for (unsigned s = 0; s < SPACES; s++) x[18 + s] = satps[s];
    x[27] = below(12);
    delegate();
    WRITE(stvec, HANDLER);
    WRITE(scause, 0);
    WRITE(stval, 0);
    WRITE(sscratch, next());
    set_rights();
    set_modes();
    set_interrupts();
    WRITE(satp, percent(90) ? satps[below(SPACES)] : 0);
    WRITE(mepc, entry());
    WRITE(sepc, entry());
    x[3] = entry(), x[4] = percent(50) ? entry() : va[below(2)] + code_offset % PAGE;
    if (percent(15)) WRITE(stvec, x[3]);
    fence_all();
    rearm();
}

/* What the case has asked for by an ecall. */
static void serve(void) {
    switch (below(10)) {
    case 0:
    case 1:
    case 7:
    case 8: change_table(); break;
    case 2: set_interrupts(); break;
    case 3: WRITE(satp, satps[below(SPACES)]); break;
    case 4: delegate(); break;
    case 5: set_modes(); break;
    case 6: {
        const uint64_t status = 1ull << 17 | (READ(mstatus) & MPP) | (uint64_t)below(4) << 18;
        note("probe", probe(x[pointer_reg()] & ~7ull, percent(50) ? next() | 1 : 0, status));
        note("probed", probed[0]);
        note("probed", probed[1]);
        break;
    }
    default: set_rights();
    }
}

static void take_interrupt(uint64_t cause) {
    switch (cause & 63) {
    case MSI: *MSIP = 0; break;
    case MTI:
        if (portable || ++timers > 8) state = ENDLESS;
        rearm();
        break;
    default: WRITE(mip, READ(mip) & ~(1ull << (cause & 63)));
    }
    if (percent(20)) set_modes();
}

static void handle(void) {
    const uint64_t cause = READ(mcause), pc = READ(mepc), value = READ(mtval);
    const uint64_t status = 1ull << 1 | 1 << 5 | 1 << 8 | MPP | 1 << 18 | 1 << 19 | 7ull << 20;
    if (portable && cause == (INTERRUPT | MTI)) {
        state = ENDLESS;
        return;
    }
    note("cause", cause);
    note("pc", pc);
    if (cause != 3) note("value", value); /* of ebreak it may be the address or 0 */
    note("status", READ(mstatus) & status);
    note("sepc", READ(sepc));
    note("scause", READ(scause));
    note("stval", READ(scause) == 3 && portable ? 0 : READ(stval));
    note("stvec", READ(stvec));
    note("satp", READ(satp));
    note("sscratch", READ(sscratch));
    note("sip", READ(sip));
    note("sie", READ(sie));
    if (!portable) note("instret", READ(minstret)), note("mip", READ(mip));
    for (unsigned i = 1; i < 32; i++) note("x", x[i]);
    if (++traps > TRAPS) state = ENDS;
    if (cause & INTERRUPT) return take_interrupt(cause);
    if (cause == 3 && pc == HANDLER) { /* S mode has taken a trap: it goes back by itself */
        const uint64_t why = READ(scause);
        if (!(why & INTERRUPT)) WRITE(sepc, why == 0 || why == 1 || why == 12 ? entry() : READ(sepc) + 4);
        if (why & INTERRUPT) WRITE(mip, READ(mip) & ~(1ull << (why & 63)));
        WRITE(mepc, HANDLER + 4);
        return;
    }
    if ((cause == 8 || cause == 9) && pc % PAGE == (code_offset + 4 * (code_n - ENDING)) % PAGE) {
        if (percent(50) || traps > TRAPS / 2) {
            state = ENDS;
            return;
        }
        WRITE(mepc, entry()); /* once more, elsewhere */
        set_modes();
        return;
    }
    if (cause == 8 || cause == 9) serve();
    if (cause == 0 || cause == 1 || cause == 12 || pc == HANDLER + 4) {
        if (percent(50)) change_table();
        if (percent(50)) set_modes();
        WRITE(mepc, entry());
    } else {
        WRITE(mepc, pc + 4);
    }
}

static void run_one(uint64_t number) {
    random_state = asked[0] * 0xd1342543de82ef95u + number * 0x632be59bd9b4e019u;
    sum = 0;
    make_case();
    if (verbose) {
        for (unsigned i = 0; i < code_n; i++) note("code", ((volatile uint32_t *)(PLAY + CODE_AT + code_offset))[i]);
        for (unsigned i = 0; i < SLOTS; i++) {
            note("slot", va[i]);
            for (unsigned s = 0; s < SPACES; s++) note("leaf", *leaf[s][i]);
        }
        note("start", READ(mepc));
        sum = 0;
    }
    while (state == RUNS) {
        if (portable) rearm(); /* a limit of time, which nobody has to reach at the same place */
        const uint64_t before = READ(minstret);
        run_case(x);
        inside += READ(minstret) - before - 100; /* without what the way there and back takes */
        handle();
    }
    WRITE(mie, 0);
    WRITE(satp, 0);
    WRITE(pmpcfg0, 0); /* QEMU is slow where regions are small */
    say_hex(number);
    if (state == ENDLESS && portable) return say(" endless\n");
    const bool words = verbose;
    verbose = false;
    for (uint64_t i = 0; i < PLAY_SIZE / 8; i++) note("memory", ((volatile uint64_t *)PLAY)[i]);
    if (words) say(" memory "), say_hex(sum);
    for (uint64_t i = 0; i < pool_used * 512ull; i++) {
        const uint64_t e = ((volatile uint64_t *)TABLES)[i];
        if (e) note("table", e);
    }
    verbose = words;
    say(" "), say_hex(sum), say(" "), say_hex(traps), say("\n");
}

int main(void) {
    portable = asked[3] & PORTABLE;
    verbose = asked[3] & VERBOSE;
    for (uint64_t i = 0; i < asked[2]; i++) run_one(asked[1] + i);
    if (!portable) say("instructions "), say_hex(READ(minstret)), say(" "), say_hex(inside), say("\n");
    *FINISHER = 0x5555;
    return 0;
}
