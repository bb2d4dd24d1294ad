/* pressure.h - a guest made for straining the translator's registers, and the engines that run it.
 *
 * Its instructions are uops, 8 bytes each (struct code): any row of uop.def, with operands out of a file of values (64
 * of each type), which are slots of the frame, two of them for a wide one. As in a language guest, a value that was
 * computed stays in a temporary until the block ends, so what is used later, or written to the frame at the end, lives
 * on. There are more integer and FP slots than any host has pins. Memory spaces 0 to 2 are the same memory in three
 * ways: a window (or linear space), direct and soft; space 3 is no memory.
 */
#ifndef TEST_ENGINE_PRESSURE_H
#define TEST_ENGINE_PRESSURE_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/os.h"
#include "engine/internal.h"

enum {
    INT_SLOTS = 16,
    WORD_SLOTS = 2,
    FP_SLOTS = 14,
    WIDE_SLOTS = 6,
    FIRST_WORD = INT_SLOTS,
    FIRST_FP = FIRST_WORD + WORD_SLOTS,
    FIRST_WIDE = FIRST_FP + FP_SLOTS,
    SLOTS = FIRST_WIDE + WIDE_SLOTS + 2, /* and frame, FP flags */
    VALUES = 64,                         /* of each type */
    TYPES = 5,                           /* i32, i64, f32, f64, v128 */
    WIDE_VALUES = (TYPES - 1) * VALUES,  /* where they begin: two frame slots each */
    OTHERS = (TYPES + 1) * VALUES,       /* frame slots that are no values */
    LENGTH = 8,
    ADDRESSES = 8, /* the last i64 values: addresses, value n for space n % 3 */
    MEMORY = 1 << 16,
    DATA = 0x8000, /* in it: what addresses lead to */
    DATA_SIZE = 512,
    CODE = 0x10000000,
    CODE_SIZE = 16 << 20,
    STOP = CODE + CODE_SIZE - LENGTH
};

/* Instructions that are no row. */
enum { CODE_MOVE = UOP_COUNT, CODE_STOP, CODE_ADDRESS, CODE_POINTER, CODE_BOXED };

struct code {
    uint16_t op;
    uint8_t dst, a, b, c; /* values, each of the type that the row says */
    uint8_t x, k;         /* as the row's form asks for; variant */
};
_Static_assert(sizeof(struct code) == LENGTH, "an instruction");

struct strained {
    struct cpu c;
    uint64_t x[INT_SLOTS];
    uint32_t w[WORD_SLOTS];
    uint64_t f[FP_SLOTS];
    alignas(16) uint64_t v[WIDE_SLOTS][2];
};

static const int64_t displacements[] = {0, 8, -8, 2040, -0x7ffffff8, 0x7ffffff8, 0x123456789ab8, INT64_MIN};
enum { HELPERS = 9, NARROW_HELPERS = 7 };
static const uint8_t wide_helpers[HELPERS][4];

enum { DISPLACEMENTS = sizeof displacements / sizeof *displacements };

static uint8_t *memory, *code; /* of all engines */

static uint64_t space_start(unsigned space) {
    return DATA + (space == 1 ? (uint64_t)(uintptr_t)memory : 0);
}

/* ---- lifting */

struct lifted {
    uint16_t temp[OTHERS];
    bool dirty[OTHERS];
};

static unsigned value_at(enum type t, unsigned n) {
    static const uint16_t first[] = {
        [T_I32] = 0, [T_I64] = VALUES, [T_F32] = 2 * VALUES, [T_F64] = 3 * VALUES, [T_V128] = WIDE_VALUES};
    return first[t] + n % VALUES * type_info[t].cells;
}

static uint16_t value_read(struct builder *b, enum type t, unsigned n) {
    static const uint16_t reads[] = {
        [T_I32] = UOP_getf_i32, [T_I64] = UOP_getf_i64,   [T_F32] = UOP_getf_f32,
        [T_F64] = UOP_getf_f64, [T_V128] = UOP_getf_v128,
    };
    struct lifted *l = b->notes;
    uint16_t *temp = &l->temp[value_at(t, n)];
    if (!*temp) *temp = build_getf(b, (enum uop_op)reads[t], value_at(t, n));
    return *temp;
}

static void value_write(struct builder *b, enum type t, unsigned n, uint16_t temp) {
    struct lifted *l = b->notes;
    l->temp[value_at(t, n)] = temp;
    l->dirty[value_at(t, n)] = true;
}

static void put_frame(struct builder *b, enum type t, unsigned at, uint16_t temp) {
    builder_emit(b, (struct uop){.op = type_is_wide(t) ? UOP_putf_v128 : UOP_putf, .a = temp, .imm = at});
}

static void strained_flush(struct builder *b) {
    struct lifted *l = b->notes;
    for (unsigned n = 0; l && n < OTHERS; n++) {
        if (l->dirty[n]) put_frame(b, n >= WIDE_VALUES ? T_V128 : T_I64, n, l->temp[n]);
        l->dirty[n] = false;
    }
}

/* Helpers that yield 8 bytes come first. */
static unsigned helper_of(const struct code *i) {
    return i->op == UOP_helper ? i->x % NARROW_HELPERS : NARROW_HELPERS + i->x % (HELPERS - NARROW_HELPERS);
}

static enum type operand_type(enum type t, const struct code *i) {
    static const uint8_t any[] = {T_I64, T_I32, T_F64, T_F32};
    if (t == T_INT) return i->k & 1 ? T_I32 : T_I64;
    return t == T_ANY ? (enum type)any[i->k & 3] : t;
}

static int64_t displacement_of(unsigned address) {
    return displacements[address % DISPLACEMENTS];
}

static uint64_t constant_of(unsigned k) {
    static const int64_t constants[] = {0, 1, 3, -1, INT32_MAX, INT32_MIN, 0xffffffff, 0x123456789abcdef, INT64_MIN};
    return (uint64_t)constants[k % (sizeof constants / sizeof *constants)];
}

/* Each operand is of the type that the helper says, or of any narrow one. */
static void lift_helper(struct builder *b, const struct code *i) {
    const unsigned number = helper_of(i);
    const uint8_t *types = helper_types(b->guest, number), at[3] = {i->a, i->b, i->c};
    uint16_t operand[3];
    for (unsigned n = 0; n < 3; n++)
        operand[n] = value_read(b, types[n + 1] ? (enum type)types[n + 1] : operand_type(T_ANY, i), at[n]);
    value_write(b, (enum type)uop_info[i->op].result, i->dst,
                build_helper(b, number, operand[0], operand[1], operand[2]));
}

static void lift_row(struct builder *b, const struct code *i) {
    const struct uop_info *info = &uop_info[i->op];
    struct uop u = {.op = i->op};
    enum type ta = operand_type((enum type)info->a, i);
    switch ((enum uop_form)info->form) {
    case FORM_PLAIN: break;
    case FORM_SMALL: u.x = i->op == UOP_fence ? i->x : i->x % 64; break;
    case FORM_COND: u.x = i->x % C_COUNT; break;
    case FORM_ROUND: u.x = i->x % 5; break;
    case FORM_POOL: {
        const uint64_t v[] = {constant_of(i->k), constant_of(i->k / 9)};
        value_write(b, T_V128, i->dst, build_const_wide(b, T_V128, v));
        return;
    }
    case FORM_CONST: {
        uint64_t v = constant_of(i->k);
        value_write(b, (enum type)info->result, i->dst, build_const(b, (enum type)info->result, v));
        return;
    }
    case FORM_SLOT:
        if (info->result == T_N) {
            unsigned s = i->op == UOP_put ? i->x % SLOTS : FIRST_WIDE + i->x % WIDE_SLOTS;
            if (s == SLOTS - 2 || (i->op == UOP_put && b->guest->slots[s].type == T_V128)) s = 0; /* not the frame */
            enum type t = (enum type)b->guest->slots[s].type;
            uint16_t v = value_read(b, t, i->a);
            if (s == SLOTS - 1) v = build2(b, UOP_and_i32, v, build_const(b, T_I32, 31));
            build_put(b, s, v);
        } else {
            static const uint8_t first[] = {
                [T_I64] = 0, [T_I32] = FIRST_WORD, [T_F64] = FIRST_FP, [T_V128] = FIRST_WIDE};
            static const uint8_t count[] = {
                [T_I64] = INT_SLOTS, [T_I32] = WORD_SLOTS, [T_F64] = FP_SLOTS, [T_V128] = WIDE_SLOTS};
            unsigned s = first[info->result] + i->x % count[info->result];
            if (info->result == T_I32 && i->k & 4) s = SLOTS - 1;
            value_write(b, (enum type)info->result, i->dst, build_get(b, s));
        }
        return;
    case FORM_FRAME: /* slots that are no values */
        if (info->result == T_N)
            put_frame(b, ta, OTHERS + i->x % 16, value_read(b, ta, i->a));
        else
            value_write(b, (enum type)info->result, i->dst, build_getf(b, (enum uop_op)i->op, OTHERS + i->x % 16));
        return;
    case FORM_MEM:
        u.x = i->a % 3;
        u.imm = displacement_of(i->a);
        if (i->k & 8) { /* a constant address */
            uint64_t at = space_start(u.x) + i->k / 16 * 8 - (uint64_t)u.imm;
            u.a = build_const(b, T_I64, at);
        }
        break;
    case FORM_BRANCH:
        u.x = i->x % C_COUNT;
        u.imm = STOP;
        break;
    case FORM_TARGET: u.imm = STOP; break;
    case FORM_EXIT:
        u.x = i->x & 1 ? EXIT_halt : EXIT_syscall;
        if (i->x & 2) ta = T_N;
        if (ta == T_N) u.imm = i->k;
        break;
    case FORM_EXITIF:
        u.x = i->x % C_COUNT;
        u.aux = i->k & 1 ? EXIT_halt : EXIT_syscall;
        u.imm = i->k;
        break;
    case FORM_HELPER: lift_helper(b, i); return;
    case FORM_MARK: return;
    }
    if (!u.a && ta != T_N) u.a = value_read(b, ta, i->a);
    if (info->b) u.b = value_read(b, operand_type((enum type)info->b, i), i->b);
    if (info->c) u.c = value_read(b, operand_type((enum type)info->c, i), i->c);
    if (i->op == UOP_call || i->op == UOP_callind) u.b = build_const(b, T_I64, b->next);
    uint16_t result = builder_emit(b, u);
    if (info->result) value_write(b, (enum type)info->result, i->dst, result);
}

static unsigned strained_lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    struct code i;
    if (!b->notes) b->notes = arena_alloc(b->arena, sizeof(struct lifted));
    if (!b->notes || avail < LENGTH) {
        b->failed = true;
        return LENGTH;
    }
    memcpy(&i, bytes, sizeof i);
    const bool row = i.op < UOP_COUNT;
    /* Whatever may leave or be interpreted alone finds everything in the frame. */
    if (!row || (uop_info[i.op].flags & (UF_EXIT | UF_END))) strained_flush(b);
    builder_mark(b, b->pc, LENGTH);
    uint16_t v;
    switch (i.op) {
    case CODE_STOP: build_exit(b, EXIT_finished, 0); break;
    case CODE_MOVE: {
        static const uint8_t types[] = {T_I32, T_I64, T_F32, T_F64, T_V128};
        enum type t = (enum type)types[i.x % TYPES];
        value_write(b, t, i.dst, value_read(b, t, i.a));
        break;
    }
    case CODE_ADDRESS: /* one of the addresses, out of any value */
        v = build2(b, UOP_and_i64, value_read(b, T_I64, i.a), build_const(b, T_I64, DATA_SIZE - 8));
        v = build2(b, UOP_add_i64, v, build_const(b, T_I64, space_start(i.dst % 3) - (uint64_t)displacement_of(i.dst)));
        value_write(b, T_I64, i.dst, v);
        break;
    case CODE_POINTER: /* to STOP */
        v = build2(b, UOP_and_i64, value_read(b, T_I64, i.a), build_const(b, T_I64, 7));
        value_write(b, T_I64, i.dst, build2(b, UOP_add_i64, v, build_const(b, T_I64, STOP)));
        break;
    case CODE_BOXED: value_write(b, T_F64, i.dst, build1(b, UOP_box_f32, value_read(b, T_F32, i.a))); break;
    default: lift_row(b, &i);
    }
    return LENGTH;
}

/* ---- the guest */

static uint64_t help_leaf(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    (void)cpu;
    return a * 3 + b * 5 + c * 7;
}
static uint64_t help_reads(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    const struct strained *s = (struct strained *)cpu;
    return s->x[0] + s->x[INT_SLOTS - 1] + s->w[0] + s->f[0] + a + b * c;
}
static uint64_t help_writes(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    struct strained *s = (struct strained *)cpu;
    for (unsigned n = 0; n < INT_SLOTS; n++) s->x[n] += a + n;
    for (unsigned n = 0; n < FP_SLOTS; n++) s->f[n] ^= b;
    s->w[1] += (uint32_t)c;
    return a ^ b ^ c;
}
/* Of one field only: what pins hold of the others is nothing to it. */
static uint64_t help_writes_x(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    struct strained *s = (struct strained *)cpu;
    for (unsigned n = 0; n < INT_SLOTS; n++) s->x[n] ^= a + n;
    return b + c;
}
static uint64_t help_writes_f(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    struct strained *s = (struct strained *)cpu;
    for (unsigned n = 0; n < FP_SLOTS; n += 2) s->f[n] = b + n; /* every other one */
    return a ^ c;
}
static uint64_t help_exits(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    if ((a ^ b) % 4 == 1)
        cpu_exit(cpu, EXIT_syscall, a);
    else
        return help_writes(cpu, a, b, c);
    return 0;
}

static void strained_reset(struct cpu *cpu) {
    (void)cpu;
}
static uint64_t strained_context(const struct cpu *cpu) {
    (void)cpu;
    return 0;
}
static unsigned strained_text(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail,
                              const void *unit) {
    struct code i;
    (void)pc, (void)unit, (void)avail;
    memcpy(&i, bytes, sizeof i);
    snprintf(text, size, "%s", i.op < UOP_COUNT ? uop_info[i.op].name : "-");
    return LENGTH;
}

/* Wide operands are in the cpu, and so is a wide result. */
static uint64_t help_sum(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    (void)a, (void)c;
    return cpu->wide[1][0] + 3 * cpu->wide[1][1] + 5 * b + 7 * cpu->wide[3][0] + 9 * cpu->wide[3][1];
}
static uint64_t help_wide(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    (void)b;
    cpu->wide[0][0] = cpu->wide[2][1] + a;
    cpu->wide[0][1] = cpu->wide[2][0] ^ c;
    return 1;
}
static uint64_t help_wide_writes(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t c) {
    struct strained *s = (struct strained *)cpu;
    (void)a, (void)b, (void)c;
    for (unsigned n = 0; n < WIDE_SLOTS; n++) {
        s->v[n][0] += cpu->wide[1][0] ^ cpu->wide[2][1];
        s->v[n][1] ^= cpu->wide[3][0] + s->v[n][0];
    }
    memcpy(cpu->wide[0], s->v[1], sizeof s->v[1]);
    return help_exits(cpu, s->v[0][0], s->v[0][1], 0);
}

enum { PLACE_X = FIELD_PLACES, PLACE_W, PLACE_F, PLACE_V };
#define ALL_PLACES (IN_SET(PLACE_X) | IN_SET(PLACE_W) | IN_SET(PLACE_F) | IN_SET(PLACE_V))
static const struct helper helpers[HELPERS] = {
    {"leaf", help_leaf, {0, 0}, false},
    {"reads", help_reads, {ALL_PLACES, 0}, false},
    {"writes", help_writes, {ALL_PLACES, ALL_PLACES}, false},
    {"exits", help_exits, {ALL_PLACES, ALL_PLACES}, true},
    {"writes_x", help_writes_x, {IN_SET(PLACE_X), IN_SET(PLACE_X)}, false},
    {"writes_f", help_writes_f, {0, IN_SET(PLACE_F)}, false},
    {"sum", help_sum, {0, 0}, false},
    {"wide", help_wide, {0, 0}, false},
    {"wide_writes", help_wide_writes, {ALL_PLACES, ALL_PLACES}, true},
};
static const uint8_t wide_helpers[HELPERS][4] = {
    [6] = {T_N, T_V128, T_N, T_V128}, [7] = {T_V128, T_N, T_V128, T_N}, [8] = {T_V128, T_V128, T_V128, T_V128}};
static struct slot slots[SLOTS];
static uint16_t pins[INT_SLOTS], fp_pins[FP_SLOTS + WIDE_SLOTS + 1];

static struct guest strained = {
    .name = "strained",
    .cpu_size = sizeof(struct strained),
    .slots = slots,
    .nslots = SLOTS,
    .pins = pins,
    .fp_pins = fp_pins,
    .helpers = helpers,
    .nhelpers = HELPERS,
    .wide_helpers = wide_helpers,
    .pc_align = LENGTH,
    .reset = strained_reset,
    .context = strained_context,
    .lift = strained_lift,
    .end = strained_flush,
    .disassemble = strained_text,
};

/* The last three integer slots have no pin, whatever the host has; the others have as far as there are any. */
static void strained_make(void) {
    unsigned n = 0;
    for (unsigned k = 0; k < INT_SLOTS; k++, n++)
        slots[n] = (struct slot){"x", (uint32_t)offsetof(struct strained, x[k]), T_I64, 0, PLACE_X};
    for (unsigned k = 0; k < WORD_SLOTS; k++, n++)
        slots[n] = (struct slot){"w", (uint32_t)offsetof(struct strained, w[k]), T_I32, 0, PLACE_W};
    for (unsigned k = 0; k < FP_SLOTS; k++, n++)
        slots[n] = (struct slot){"f", (uint32_t)offsetof(struct strained, f[k]), T_F64, 0, PLACE_F};
    for (unsigned k = 0; k < WIDE_SLOTS; k++, n++)
        slots[n] = (struct slot){"v", (uint32_t)offsetof(struct strained, v[k]), T_V128, 0, PLACE_V};
    slots[n++] = (struct slot){"frame", offsetof(struct cpu, frame), T_I64, 0, PLACE_FRAME};
    slots[n++] = (struct slot){"flags", offsetof(struct cpu, fp_flags), T_I32, SLOT_FP_FLAGS, PLACE_FP_FLAGS};
    assert_int_equal(n, SLOTS);
    for (unsigned k = 0; k < INT_SLOTS - 3; k++) pins[k] = (uint16_t)k;
    pins[INT_SLOTS - 3] = 0xffff;
    n = 0;
    for (unsigned k = 0; k < FP_SLOTS; k++) { /* by turns, as long as there are both */
        fp_pins[n++] = (uint16_t)(FIRST_FP + k);
        if (k < WIDE_SLOTS) fp_pins[n++] = (uint16_t)(FIRST_WIDE + k);
    }
    fp_pins[n] = 0xffff;
}

/* Pins at most so many of each: what the host has beside is scratch. */
static void strained_pin(unsigned ints, unsigned fps) {
    strained_make();
    if (ints < INT_SLOTS - 3) pins[ints] = 0xffff;
    if (fps < FP_SLOTS + WIDE_SLOTS) fp_pins[fps] = 0xffff;
}

/* ---- the interface: every exit stops */

static enum answer stop_answer(void *self, struct cpu *cpu) {
    (void)self;
    return cpu->exit.kind == EXIT_poll ? ANSWER_RESUME : ANSWER_STOP;
}
static void stop_fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    (void)self, (void)cpu;
    const uint64_t offset = address - CODE, page = offset & -4096ull;
    *f = (struct fetch){.fault = EXIT_fault_fetch};
    if (offset < CODE_SIZE)
        *f = (struct fetch){.bytes = code + offset, .avail = page + 4096 - offset, .page = address & -4096ull};
}
static uint8_t *stop_ram(void *self, uint64_t physical, uint64_t size) {
    (void)self;
    return physical < MEMORY && size <= MEMORY - physical ? memory + physical : NULL;
}
/* There are no devices; larger accesses than theirs should not even come here. */
static bool no_read(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value) {
    (void)self, (void)cpu, (void)physical, (void)value;
    return size > 8;
}
static bool no_write(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    (void)self, (void)cpu, (void)physical, (void)value;
    return size > 8;
}
static const struct interface stops = {.name = "test",
                                       .answer = stop_answer,
                                       .fetch = stop_fetch,
                                       .device_read = no_read,
                                       .device_write = no_write,
                                       .ram = stop_ram};

struct world {
    struct engine *engine;
    struct cpu *cpu;
    uint64_t frame[OTHERS + 32];
};

static void world_make(struct world *w, const struct engine_config *settings, enum mem_kind kind) {
    struct error error = {0};
    struct engine_config config = *settings;
    config.guest = &strained;
    config.interface = &stops;
    config.check = true;
    w->engine = engine_make(&config, &error);
    if (!w->engine) fail_msg("%s", error.text);
    w->cpu = engine_cpu_make(w->engine, &error);
    if (!w->cpu) fail_msg("%s", error.text);
    w->cpu->frame = (uint8_t *)w->frame;
    w->cpu->mem[0] = (struct mem_view){.kind = kind, .base = memory, .limit = MEMORY};
    w->cpu->mem[1] = (struct mem_view){.kind = MEM_DIRECT, .limit = UINT64_MAX};
    struct tlb *t = tlb_make();
    assert_non_null(t);
    w->cpu->mem[2] = (struct mem_view){.kind = MEM_SOFT};
    mem_use(&w->cpu->mem[2], t, t->line, tlb_mask(t));
}
static void world_free(struct world *w) {
    os_free(w->cpu->mem[2].tlb);
    engine_cpu_free(w->engine, w->cpu);
    engine_free(w->engine);
}

/* Whatever can be seen after a run. */
struct seen {
    uint64_t x[INT_SLOTS], f[FP_SLOTS], v[WIDE_SLOTS][2], frame[OTHERS + 32], pc, kind, value, reserve[2],
        data[DATA_SIZE / 8 + 8];
    uint32_t w[WORD_SLOTS], flags;
};

static inline void world_run(struct world *w, uint64_t pc, uint64_t seed, struct seen *seen) {
    struct strained *s = (struct strained *)w->cpu;
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       0x3ff0000000000000,
                                       0xffffffff80000000,
                                       0x7ff0000000000000,
                                       UINT64_MAX,
                                       0x7fffffff,
                                       0xffffffff7fc00000,
                                       0xffffffff3f800000,
                                       1ull << 63,
                                       0x41d0000000000000};
    uint64_t random = seed * 0x9e3779b97f4a7c15 + 1;
#define NEXT()                                                                                                         \
    (random ^= random << 13, random ^= random >> 7, random ^= random << 17,                                            \
     random & 64 ? corners[random % (sizeof corners / sizeof *corners)] : random >> (random % 61))
    for (unsigned n = 0; n < INT_SLOTS; n++) s->x[n] = NEXT();
    for (unsigned n = 0; n < WORD_SLOTS; n++) s->w[n] = (uint32_t)NEXT();
    for (unsigned n = 0; n < FP_SLOTS; n++) s->f[n] = NEXT();
    for (unsigned n = 0; n < 2 * WIDE_SLOTS; n++) s->v[n / 2][n % 2] = NEXT();
    for (unsigned n = 0; n < OTHERS + 32; n++)
        w->frame[n] = n >= WIDE_VALUES || n / VALUES & 1 ? NEXT() : (uint32_t)NEXT();
    for (unsigned n = VALUES - ADDRESSES; n < VALUES; n++)
        w->frame[value_at(T_I64, n)] = space_start(n % 3) + NEXT() % (DATA_SIZE / 8) * 8 - (uint64_t)displacement_of(n);
    for (unsigned n = 0; n < DATA_SIZE / 8 + 8; n++) {
        uint64_t v = NEXT();
        memcpy(memory + DATA + 8 * n, &v, 8);
    }
#undef NEXT
    w->cpu->fp_flags = 0;
    w->cpu->reserve_address = seed & 1 ? space_start(seed % 3) : UINT64_MAX;
    w->cpu->reserve_value = 0;
    w->cpu->pc = pc;
    cpu_grant(w->cpu, 100000);
    engine_run(w->engine, w->cpu);
    memset(seen, 0, sizeof *seen);
    memcpy(seen->x, s->x, sizeof seen->x);
    memcpy(seen->f, s->f, sizeof seen->f);
    memcpy(seen->w, s->w, sizeof seen->w);
    memcpy(seen->v, s->v, sizeof seen->v);
    memcpy(seen->frame, w->frame, sizeof seen->frame);
    memcpy(seen->data, memory + DATA, sizeof seen->data);
    seen->flags = w->cpu->fp_flags;
    seen->pc = w->cpu->pc;
    seen->kind = w->cpu->exit.kind;
    seen->value = w->cpu->exit.value;
    seen->reserve[0] = w->cpu->reserve_address;
    seen->reserve[1] = w->cpu->reserve_value;
}

#endif
