/* generate.c - makes cases: sequences of instructions from the rows of the instruction set, and states to start in.
 *
 * Every row is used. Operands are chosen so that something happens: a few registers point into the data pages (often
 * near the borders between them) and are seldom written, others point to instructions of the sequence, values are often
 * special ones, and branches stay within the sequence. Everything follows from the seed.
 */
#include "fuzz.h"
#include "guest/riscv/csr.h"
#include "riscv_isa.h"
#include <string.h>

static const uint8_t data_regs[] = {2, 8, 9, 10, 11}, label_regs[] = {1, 5, 13, 18};
enum { DATA_REGS = sizeof data_regs, LABEL_REGS = sizeof label_regs, HOT = 7 };

uint64_t data_address(enum memory memory) {
    switch (memory) {
    case MEMORY_DIRECT: return RUN_DATA_AT;
    case MEMORY_WINDOW: return 0x1001000;
    case MEMORY_WINDOW_END: return (1u << 28) - DATA_SIZE; /* nothing readable behind: the window ends */
    case MEMORY_SOFT: return PHYSICAL_DATA;
    default: return 0x3fffffd000; /* the page that can only be read is the last of the positive addresses */
    }
}

uint64_t virtual_code(void) {
    return data_address(MEMORY_PAGED) - 16 * PAGE;
}

static uint64_t random_pointer(struct random *r, const struct batch *batch) {
    uint64_t p = data_address(batch->memory);
    /* A machine's addresses are physical, but for those that it reaches with MPRV. */
    if (batch->memory == MEMORY_PAGED && batch->priv == PRIV_M && random_percent(r, 60)) p = PHYSICAL_DATA;
    if (batch->changes_code && random_percent(r, 8)) return batch->code_base + random_below(r, CODE_SIZE);
    switch (random_below(r, 12)) {
    case 0: p += random_below(r, 32) - 16; break;
    case 1: p += DATA_SIZE + random_below(r, 32) - 16; break;
    case 2: p += DATA_SIZE + PAGE + random_below(r, 32) - 16; break;
    case 3:
    case 4: p += PAGE + random_below(r, 32) - 16; break;
    case 5: p += random_below(r, DATA_SIZE); break;
    default: p += (PAGE - 64 + random_below(r, 128)) & ~7ull; break;
    }
    return p;
}

/* ---- instructions */

enum row_class { ROW_PLAIN, ROW_MEMORY, ROW_ATOMIC, ROW_BRANCH, ROW_INDIRECT, ROW_CSR, ROW_SYSTEM, ROW_CLASSES };

static enum row_class class_of(const struct isa_row *row) {
    for (unsigned i = 0; i < row->noperands; i++)
        if (riscv_isa.operands[row->operands[i]].kind->form == ISA_TARGET) return ROW_BRANCH;
    if (!strncmp(row->name, "csr", 3)) return ROW_CSR;
    if (!strcmp(row->name, "jalr") || !strcmp(row->name, "c_jr") || !strcmp(row->name, "c_jalr")) return ROW_INDIRECT;
    if (!strncmp(row->name, "lr_", 3) || !strncmp(row->name, "sc_", 3) || !strncmp(row->name, "amo", 3))
        return ROW_ATOMIC;
    static const char *const system[] = {
        "ecall",   "ebreak",           "c_ebreak",   "mret",           "sret",
        "wfi",     "sfence_vma",       "sinval_vma", "sfence_w_inval", "sfence_inval_ir",
        "fence_i", "fence_i_reserved", "wrs_nto",    "wrs_sto",        "c_unimp",
        "unimp"};
    for (unsigned i = 0; i < sizeof system / sizeof *system; i++)
        if (!strcmp(row->name, system[i])) return ROW_SYSTEM;
    return strchr(row->text, '(') ? ROW_MEMORY : ROW_PLAIN;
}

struct rows {
    uint16_t of[ROW_CLASSES][400];
    unsigned n[ROW_CLASSES];
};

static const struct rows *rows_sorted(void) {
    static struct rows rows;
    if (rows.n[ROW_PLAIN]) return &rows;
    for (unsigned i = 1; i < riscv_isa.nrows; i++) {
        enum row_class k = class_of(&riscv_isa.rows[i]);
        rows.of[k][rows.n[k]++] = (uint16_t)i;
    }
    return &rows;
}

struct maker {
    struct random *r;
    const bool *usable; /* by row, or NULL: all */
    struct fuzz_case *c;
    uint8_t hot[HOT], hot_fp[HOT]; /* registers that this case likes */
};

static bool is_pointer(unsigned x) {
    return memchr(data_regs, (int)x, DATA_REGS) || memchr(label_regs, (int)x, LABEL_REGS);
}

static unsigned pick_x(struct maker *m, const struct isa_operand *o, enum row_class k) {
    struct random *r = m->r;
    bool compressed = o->width == 3, dest = o->name[1] == 'd', base = !strncmp(o->name, "rs1", 3);
    for (;;) {
        unsigned x;
        if (compressed)
            x = 8 + (unsigned)random_below(r, 8);
        else if (base && (k == ROW_MEMORY || k == ROW_ATOMIC) && random_percent(r, 93))
            x = m->c->batch.changes_code && random_percent(r, 8) ? PICK(r, label_regs) : PICK(r, data_regs);
        else if (base && k == ROW_INDIRECT && random_percent(r, 90))
            x = PICK(r, label_regs);
        else if ((k == ROW_BRANCH || k == ROW_INDIRECT) && dest && random_percent(r, 70))
            x = random_percent(r, 70) ? 1 : random_percent(r, 50) ? 5 : 0;
        else
            x = random_percent(r, 60) ? PICK(r, m->hot) : (unsigned)random_below(r, 32);
        if (x == LOOP_REG && dest && random_percent(r, 97)) continue;
        if (dest && k != ROW_BRANCH && k != ROW_INDIRECT && is_pointer(x) && random_percent(r, 90)) continue;
        if (compressed && base && k == ROW_MEMORY && !is_pointer(x) && random_percent(r, 85)) continue;
        return x;
    }
}

/* Any that there is. */
static int64_t any_csr(struct random *r) {
    for (;;) {
        const unsigned number = (unsigned)random_below(r, 1 << 12);
        if (riscv_csr_helper(number, false) >= 0) return number;
    }
}

static int64_t pick_csr(struct maker *m) {
    static const uint16_t few[] = {0xc00, 0xc01, 0xc02, 0xc05, 0xc1f, 0x300, 0x100,
                                   0x304, 0x180, 0x340, 0xf14, 0x8ff, 0xb00};
    static const uint16_t privileged[] = {0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144,
                                          0x14d, 0x180, 0x300, 0x300, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305,
                                          0x306, 0x30a, 0x320, 0x340, 0x341, 0x341, 0x342, 0x343, 0x344, 0x3a0,
                                          0x3b0, 0x3b1, 0xb00, 0xb02, 0xc00, 0xc01, 0xc02, 0xf14, 0x323, 0xb03};
    if (m->c->batch.priv != PRIV_U && random_percent(m->r, 40)) return any_csr(m->r);
    if (m->c->batch.priv != PRIV_U && random_percent(m->r, 75)) return PICK(m->r, privileged);
    if (random_percent(m->r, 80)) return 1 + (int64_t)random_below(m->r, 3);
    return PICK(m->r, few) + (m->c->alone ? 0x400 : 0);
}

static int64_t pick_value(struct maker *m, const struct isa_row *row, const struct isa_operand *o, enum row_class k) {
    struct random *r = m->r;
    const bool source = !strcmp(o->name, "rs1") || !strcmp(o->name, "uimm");
    if (k == ROW_CSR && source && random_percent(r, 35)) return 0; /* of csrrs and csrrc: not written */
    switch ((enum isa_form)o->kind->form) {
    case ISA_NAMES:
        if (o->name[0] == 'r' && (o->name[1] == 'd' || o->name[1] == 's')) return pick_x(m, o, k);
        if (o->name[0] == 'f')
            return o->width == 3           ? 8 + (int64_t)random_below(r, 8)
                   : random_percent(r, 60) ? PICK(r, m->hot_fp)
                                           : (int64_t)random_below(r, 32);
        if (!strcmp(o->name, "csr")) return pick_csr(m);
        if (!strncmp(o->name, "rm", 2))
            return random_percent(r, 40) ? 7 : random_percent(r, 50) ? 0 : (int64_t)random_below(r, 5);
        return (int64_t)random_next(r);
    case ISA_TARGET: return 0;
    case ISA_UPPER: return random_percent(r, 50) ? (int64_t)(random_next(r) << 12) : (int64_t)random_below(r, 4) << 12;
    default: break;
    }
    (void)row;
    if (k == ROW_INDIRECT) return random_percent(r, 80) ? 0 : (int64_t)random_below(r, 9) - 4;
    if (k == ROW_MEMORY && random_percent(r, 80)) return (int64_t)random_below(r, 80) - (o->kind->is_signed ? 40 : 0);
    int64_t v = (int64_t)random_next(r);
    if (random_percent(r, 30)) v = (int64_t)random_int(r);
    if (random_percent(r, 20)) v = 1ll << (o->width - 1);
    return o->kind->is_signed ? (int64_t)((uint64_t)v << (64 - o->width)) >> (64 - o->width)
                              : (int64_t)((uint64_t)v & ((1ull << o->width) - 1));
}

static struct instruction make_row(struct maker *m, unsigned number) {
    const struct isa_row *row = &riscv_isa.rows[number];
    enum row_class k = class_of(row);
    for (unsigned attempt = 0;; attempt++) {
        struct instruction n = {.bits = row->value, .length = row->length, .target = -1};
        for (unsigned i = 0; i < row->noperands; i++) {
            const struct isa_operand *o = &riscv_isa.operands[row->operands[i]];
            int64_t v = pick_value(m, row, o, k);
            if (o->kind->form == ISA_TARGET) n.target = (int16_t)random_below(m->r, m->c->n);
            if (attempt < 6 && o->low) v = (int64_t)((uint64_t)v >> o->low << o->low);
            if (isa_set(o, v, &n.bits)) continue;
            for (unsigned p = 0; p < o->npieces; p++)
                n.bits |= (uint32_t)(random_next(m->r) & ((1ull << o->pieces[p].bits) - 1)) << o->pieces[p].from;
        }
        if (isa_has(&riscv_isa, row, n.bits) || attempt > 20) return n;
    }
}

static struct instruction make_one(struct maker *m) {
    static const uint8_t weights[ROW_CLASSES] = {
        [ROW_PLAIN] = 62,   [ROW_MEMORY] = 18, [ROW_ATOMIC] = 4, [ROW_BRANCH] = 8,
        [ROW_INDIRECT] = 3, [ROW_CSR] = 3,     [ROW_SYSTEM] = 1};
    const struct rows *rows = rows_sorted();
    struct random *r = m->r;
    if (random_percent(r, 2)) {
        uint32_t word = (uint32_t)random_next(r);
        if ((word & 3) == 3) return (struct instruction){.bits = word, .length = 4, .target = -1};
        return (struct instruction){.bits = word & 0xffff, .length = 2, .target = -1};
    }
    for (;;) {
        unsigned at = (unsigned)random_below(r, 99), k = 0;
        while (at >= weights[k]) at -= weights[k++];
        if (m->c->batch.priv != PRIV_U && random_percent(r, 10)) k = random_percent(r, 70) ? ROW_CSR : ROW_SYSTEM;
        unsigned row = rows->of[k][random_below(r, rows->n[k])];
        if (!m->usable || m->usable[row]) return make_row(m, row);
    }
}

static unsigned row_named(const char *name) {
    for (unsigned i = 1; i < riscv_isa.nrows; i++)
        if (!strcmp(riscv_isa.rows[i].name, name)) return i;
    return 0;
}

/* lr and sc with the same base; what is between them is whatever was there. */
static void add_reservation(struct maker *m) {
    struct fuzz_case *c = m->c;
    if (c->n < 4) return;
    bool d = random_percent(m->r, 50);
    unsigned at = (unsigned)random_below(m->r, c->n - 3), base = PICK(m->r, data_regs);
    struct instruction lr = make_row(m, row_named(d ? "lr_daqrl" : "lr_waqrl"));
    struct instruction sc = make_row(m, row_named(d ? "sc_daqrl" : "sc_waqrl"));
    lr.bits = (lr.bits & ~(31u << 15)) | base << 15;
    sc.bits = (sc.bits & ~(31u << 15)) | base << 15;
    c->code[at] = lr;
    c->code[at + 1 + random_below(m->r, 2)] = sc;
}

/* Counts LOOP_REG down at the end, so that the sequence is run several times. */
static void add_loop(struct maker *m) {
    struct fuzz_case *c = m->c;
    if (c->n < 3) return;
    unsigned to = (unsigned)random_below(m->r, c->n - 2);
    c->code[c->n - 2] = (struct instruction){.bits = 0xffff8f93, .length = 4, .target = -1}; /* addi t6, t6, -1 */
    c->code[c->n - 1] = (struct instruction){.bits = 0x000f9063, .length = 4, .target = (int16_t)to}; /* bnez t6 */
}

static void make_start(struct maker *m, struct start *s) {
    struct random *r = m->r;
    for (unsigned i = 0; i < 32; i++) {
        s->x[i] = i ? random_int(r) : 0;
        s->f[i] = random_fp(r);
        s->label[i] = -1;
    }
    for (unsigned i = 0; i < DATA_REGS; i++) s->x[data_regs[i]] = random_pointer(r, &m->c->batch);
    for (unsigned i = 0; i < LABEL_REGS; i++)
        if (random_percent(r, 85)) s->label[label_regs[i]] = (int16_t)random_below(r, m->c->n + 1u);
    s->x[LOOP_REG] = 1 + random_below(r, 12);
    s->frm = random_percent(r, 60)   ? 0
             : random_percent(r, 90) ? (uint32_t)random_below(r, 5)
                                     : 5 + (uint32_t)random_below(r, 3);
    s->fflags = random_percent(r, 60) ? 0 : (uint32_t)random_below(r, 32);
    s->fs = random_percent(r, 85) ? FS_DIRTY : (uint32_t)random_below(r, 4);
    s->cbo = random_percent(r, 85) ? 7 : (uint32_t)random_below(r, 8);
    s->counteren = random_percent(r, 60) ? 7 : random_percent(r, 50) ? UINT32_MAX : 0;
    if (m->c->batch.priv == PRIV_U) return;
    for (unsigned i = 0; i < STARTS; i++) s->csr[i] = random_percent(r, 40) ? random_next(r) : 0;
    if (random_percent(r, 20)) { /* much is enabled, delegated or pending */
        s->csr[0] |= random_next(r) | random_next(r);
        s->csr[5] |= random_next(r) | random_next(r);
        s->csr[7] |= random_next(r) | random_next(r);
    }
    s->mtvec = (int16_t)random_below(r, m->c->n);
    s->stvec = (int16_t)random_below(r, m->c->n);
    if (random_percent(r, 15)) {
        static const uint8_t rights[] = {0x10, 0x18, 0x90, 0x98}; /* NA4 and NAPOT, locked or not */
        s->small_pmp = (PHYSICAL_DATA + PAGE + random_below(r, 128) - 64) >> 2 | random_below(r, 4);
        s->small_rights = (uint8_t)(PICK(r, rights) | random_below(r, 8));
    }
}

/* Registers and the sequence. */
static void make_code(struct maker *m) {
    struct fuzz_case *c = m->c;
    struct random *r = m->r;
    for (unsigned i = 0; i < HOT; i++) {
        do m->hot[i] = (uint8_t)(1 + random_below(r, 30));
        while (is_pointer(m->hot[i]));
        m->hot_fp[i] = (uint8_t)random_below(r, 32);
    }
    c->n = random_percent(r, 30) ? 1 + (unsigned)random_below(r, 6) : 4 + (unsigned)random_below(r, 37);
    for (unsigned i = 0; i < c->n; i++) c->code[i] = make_one(m);
    if (random_percent(r, 10)) add_reservation(m);
    if (random_percent(r, 60)) add_loop(m);
}

static void make_place(struct maker *m, unsigned index) {
    struct fuzz_case *c = m->c;
    unsigned room = SLOT - 4 * c->n - 16;
    c->at = index * SLOT + ((unsigned)random_below(m->r, room + 1) & ~1u);
    /* At the border of a page, so that instructions lie across it; the area's end is followed by nothing. */
    if (index % (PAGE / SLOT) == 0 && index && random_percent(m->r, 50))
        c->at = index * SLOT - 2 * (1 + index / 16 % 3);
    if (index == BATCH - 1) c->at = CODE_SIZE - 2 * (unsigned)(random_below(m->r, 2 * c->n + 1) / 2 + 1);
}

struct batch batch_make(uint64_t seed) {
    static const uint64_t bases[] = {0x10000, 0x40000000, 0x2aaaaac000, 0x7ffffffe000, 0xffffffff80000000u, 0x7fffe000};
    struct random r = {seed};
    struct batch b = {.seed = seed, .memory = (enum memory)random_below(&r, MEMORY_COUNT)};
    b.code_base = PICK(&r, bases);
    b.variant = random_percent(&r, 50) ? 0 : 1 + (unsigned)random_below(&r, 3);
    if (b.memory < MEMORY_SOFT) return b;
    unsigned n = (unsigned)random_below(&r, 10);
    b.priv = n < 4 ? PRIV_U : n < 7 ? PRIV_S : PRIV_M;
    b.changes_code = random_percent(&r, 35);
    b.code_base = b.memory == MEMORY_SOFT || b.priv == PRIV_M ? PHYSICAL_CODE : virtual_code();
    return b;
}

struct batch batch_make_alone(uint64_t seed) {
    return (struct batch){.seed = seed, .memory = MEMORY_DIRECT, .code_base = RUN_CODE_AT};
}

void case_make(struct fuzz_case *c, const struct batch *batch, unsigned index) {
    struct random r = {batch->seed + (index + 1) * 0xd1342543de82ef95u};
    memset(c, 0, sizeof *c);
    c->batch = *batch;
    c->seed = r.state;
    struct maker m = {.r = &r, .c = c};
    c->counted = c->with_counters = random_percent(&r, 55);
    make_code(&m);
    c->rounds = random_percent(&r, 30) ? 2 : 1;
    for (unsigned i = 0; i < c->rounds; i++) make_start(&m, &c->start[i]);
    c->stops = 1 + (unsigned)random_below(&r, MAX_STOPS);
    for (unsigned i = 0; i < c->stops; i++) {
        unsigned k = (unsigned)random_below(&r, 4);
        c->budget[i] = 1 + (int64_t)random_below(&r, k == 0 ? 8 : k == 1 ? 64 : 700);
        if (!c->counted) c->budget[i] = 3000;
        c->action[i] = random_percent(&r, 85) ? ACTION_NONE : (uint8_t)random_below(&r, ACTION_COUNT);
    }
    make_place(&m, index);
}

/* lr and sc of different widths may pair or not, as the implementation likes: all of a case get the same width. */
static void make_reservations_alike(struct fuzz_case *c, struct random *r) {
    uint32_t width = random_percent(r, 50) ? 0x2000 : 0x3000;
    for (unsigned i = 0; i < c->n; i++) {
        uint32_t bits = c->code[i].bits;
        if ((bits & 0x7f) == 0x2f && (bits & 0xf0006000) == 0x10002000) c->code[i].bits = (bits & ~0x3000u) | width;
    }
}

void case_make_alone(struct fuzz_case *c, const struct batch *batch, unsigned index, const bool *usable) {
    struct random r = {batch->seed + (index + 1) * 0xd1342543de82ef95u};
    memset(c, 0, sizeof *c);
    c->batch = *batch;
    c->alone = true;
    c->seed = r.state;
    struct maker m = {.r = &r, .c = c, .usable = usable};
    make_code(&m);
    make_reservations_alike(c, &r);
    c->rounds = c->stops = 1;
    make_start(&m, &c->start[0]);
    c->start[0].fs = FS_DIRTY;
    c->start[0].cbo = CBO_ZERO; /* what Linux allows */
    c->start[0].counteren = 7;
    c->budget[0] = 3000;
    make_place(&m, index);
}

/* Where the target's displacement cannot be encoded, the instruction stays as it is: a branch to itself or so. */
unsigned case_layout(const struct fuzz_case *c, uint8_t *bytes, uint32_t *offset_of) {
    unsigned at = 0;
    for (unsigned i = 0; i < c->n; i++) {
        offset_of[i] = at;
        at += c->code[i].length;
    }
    offset_of[c->n] = at;
    for (unsigned i = 0; i < c->n; i++) {
        const struct instruction *n = &c->code[i];
        uint32_t bits = n->bits;
        if (n->target >= 0) {
            const struct isa_row *row = &riscv_isa.rows[riscv_isa.decode(bits)];
            int64_t distance = (int64_t)offset_of[n->target <= (int)c->n ? n->target : 0] - (int64_t)offset_of[i];
            for (unsigned k = 0; k < row->noperands; k++) {
                const struct isa_operand *o = &riscv_isa.operands[row->operands[k]];
                uint32_t with = bits;
                if (o->kind->form == ISA_TARGET && isa_set(o, distance, &with)) bits = with;
            }
        }
        memcpy(bytes + offset_of[i], &bits, n->length);
    }
    memcpy(bytes + at, c->alone ? "\x73\0\x10" : "\x73\0\0", 4); /* ebreak or ecall */
    return at + 4;
}
