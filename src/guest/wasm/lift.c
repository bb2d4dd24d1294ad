/* lift.c - the lifter: slots and temporaries, memory accesses, checks, and the entry point that the engine calls for
 * each instruction.
 */
#include "guest/wasm/lift.h"
#include "guest/wasm/wasm.h"
#include <stdio.h>

/* ---- slots */

enum type lifter_type(uint8_t type) {
    switch (type) {
    case WASM_I32: return T_I32;
    case WASM_F32: return T_F32;
    case WASM_F64: return T_F64;
    default: return T_I64;
    }
}

uint16_t lifter_as(struct lifter *l, uint16_t temp, enum type type) {
    if (!temp || l->b->block->temps[temp].type == type || l->b->block->temps[temp].type != T_I64) return temp;
    switch (type) {
    case T_I32: return B1(trunc_i32, temp);
    case T_F32: return B1(bits_f32, B1(trunc_i32, temp));
    case T_F64: return B1(bits_f64, temp);
    default: return temp;
    }
}

uint16_t lifter_slot_known(const struct lifter *l, uint32_t slot) {
    return slot < l->tracked ? l->temps[slot] : 0;
}

static uint16_t slot_get(struct lifter *l, uint32_t slot, enum type type) {
    enum uop_op op = type == T_I32 ? UOP_getf_i32 : type == T_F32 ? UOP_getf_f32 : UOP_getf_i64;
    return build_getf(l->b, type == T_F64 ? UOP_getf_f64 : op, slot);
}

uint16_t lifter_slot_read(struct lifter *l, uint32_t slot, enum type type) {
    uint16_t known = lifter_slot_known(l, slot);
    uint16_t temp = known ? lifter_as(l, known, type) : slot_get(l, slot, type);
    if (slot < l->tracked) l->temps[slot] = temp;
    return temp;
}

void lifter_slot_write(struct lifter *l, uint32_t slot, uint16_t temp) {
    bool later = slot < l->tracked && !l->at_once;
    if (slot < l->tracked) l->temps[slot] = temp;
    if (!later) build_putf(l->b, slot, temp);
    if (!later) return;
    if (!(l->flags[slot] & LIFTER_LISTED)) l->listed[l->nlisted++] = (uint16_t)slot;
    l->flags[slot] = LIFTER_DIRTY | LIFTER_LISTED;
}

void lifter_slot_store(struct lifter *l, uint32_t slot, uint16_t temp) {
    build_putf(l->b, slot, temp);
    if (slot >= l->tracked) return;
    l->temps[slot] = temp;
    l->flags[slot] &= (uint8_t)~LIFTER_DIRTY;
}

void lifter_push(struct lifter *l, uint16_t temp) {
    lifter_slot_write(l, l->base + l->height++, temp);
}

/* The topmost operand goes: its slot is dead, dirty or not. */
void lifter_drop(struct lifter *l) {
    uint32_t slot = l->base + --l->height;
    if (slot >= l->tracked) return;
    l->temps[slot] = 0;
    l->flags[slot] &= (uint8_t)~LIFTER_DIRTY;
}

uint16_t lifter_pop(struct lifter *l, enum type type) {
    uint16_t temp = lifter_slot_read(l, l->base + l->height - 1, type);
    lifter_drop(l);
    return temp;
}

void lifter_flush(struct lifter *l, uint32_t n) {
    uint32_t end = l->base + l->height - n, kept = 0;
    for (uint32_t k = 0; k < l->nlisted; k++) {
        uint16_t slot = l->listed[k];
        if ((l->flags[slot] & LIFTER_DIRTY) && slot >= end) {
            l->listed[kept++] = slot;
            continue;
        }
        if (l->flags[slot] & LIFTER_DIRTY) build_putf(l->b, slot, l->temps[slot]);
        l->flags[slot] = 0;
    }
    l->nlisted = kept;
}

/* ---- parts of meanings */

uint64_t lifter_pc(const struct lifter *l, uint32_t offset) {
    return wasm_pc(l->instance, offset);
}

uint16_t lifter_pair(struct lifter *l, uint16_t low, uint16_t high) {
    uint16_t upper = B2(shl_i64, B1(zext32_i64, high), K64(32));
    return B2(or_i64, B1(zext32_i64, low), upper);
}

/* The base for an access to the area; what does not fit a displacement is added. */
static uint16_t area_base(struct lifter *l, uint16_t at, uint64_t *offset) {
    uint16_t base = build_get(l->b, WASM_SLOT_AREA);
    if (at) base = B2(add_i64, base, at);
    if (*offset > INT32_MAX) {
        base = B2(add_i64, base, K64(*offset));
        *offset = 0;
    }
    return base;
}

uint16_t lifter_area_load(struct lifter *l, enum uop_op op, uint16_t at, uint64_t offset) {
    uint16_t base = area_base(l, at, &offset);
    return build_load(l->b, op, WASM_SPACE_HOST, base, (int64_t)offset);
}

void lifter_area_store(struct lifter *l, enum uop_op op, uint16_t at, uint64_t offset, uint16_t value) {
    uint16_t base = area_base(l, at, &offset);
    build_store(l->b, op, WASM_SPACE_HOST, base, (int64_t)offset, value);
}

uint16_t lifter_size(struct lifter *l, uint32_t cell) {
    return TO32(lifter_area_load(l, UOP_load_u32, 0, cell));
}

/* The address of an access; an offset that hosts cannot take as displacement is added. */
static uint16_t address(struct lifter *l, const struct wasm_insn *i, uint16_t index, int64_t *offset) {
    uint16_t base = B1(zext32_i64, index);
    *offset = (int64_t)i->value;
    if (i->value <= INT32_MAX) return base;
    *offset = 0;
    return B2(add_i64, base, K64(i->value));
}

uint16_t lifter_load(struct lifter *l, const struct wasm_insn *i, enum uop_op op, uint16_t index) {
    int64_t offset;
    uint16_t base = address(l, i, index, &offset);
    return build_load(l->b, op, WASM_SPACE_MEMORY, base, offset);
}

void lifter_store(struct lifter *l, const struct wasm_insn *i, enum uop_op op, uint16_t index, uint16_t value) {
    int64_t offset;
    uint16_t base = address(l, i, index, &offset);
    build_store(l->b, op, WASM_SPACE_MEMORY, base, offset, value);
}

void lifter_trap_zero(struct lifter *l, enum uop_op op, uint16_t divisor) {
    uint64_t value;
    if (builder_is_const(l->b, divisor, &value) && value) return;
    uint16_t zero = op == UOP_exitif_i64 ? K64(0) : K32(0);
    build_exitif(l->b, op, C_EQ, divisor, zero, EXIT_divide_zero, 0);
}

/* The smallest integer divided by -1. */
void lifter_trap_overflow(struct lifter *l, bool wide, uint16_t dividend, uint16_t divisor) {
    uint64_t smallest = wide ? (uint64_t)INT64_MIN : (uint32_t)INT32_MIN, minus = wide ? UINT64_MAX : UINT32_MAX, value;
    if (builder_is_const(l->b, divisor, &value) && value != minus) return;
    if (builder_is_const(l->b, dividend, &value) && value != smallest) return;
    if (wide) {
        uint16_t low = BX(set_i64, C_EQ, dividend, K64(smallest));
        uint16_t both = B2(and_i64, low, BX(set_i64, C_EQ, divisor, K64(minus)));
        build_exitif(l->b, UOP_exitif_i64, C_NE, both, K64(0), EXIT_overflow, 0);
    } else {
        uint16_t low = BX(set_i32, C_EQ, dividend, K32(smallest));
        uint16_t both = B2(and_i32, low, BX(set_i32, C_EQ, divisor, K32(minus)));
        build_exitif(l->b, UOP_exitif_i32, C_NE, both, K32(0), EXIT_overflow, 0);
    }
}

static void trap_unless(struct lifter *l, uint16_t truth, enum exit_kind kind) {
    build_exitif(l->b, UOP_exitif_i64, C_EQ, truth, K64(0), kind, 0);
}

/* Bounds of what truncates into each integer type: low < x (or low <= x where low - 1 rounds to low), x < high. */
void lifter_trap_range_f32(struct lifter *l, enum lifter_range range, uint16_t value) {
    static const uint32_t low[] = {0xcf000000, 0xbf800000, 0xdf000000, 0xbf800000};
    static const uint32_t high[] = {0x4f000000, 0x4f800000, 0x5f000000, 0x5f800000};
    bool equal = range == RANGE_s32 || range == RANGE_s64;
    trap_unless(l, B2(feq_f32, value, value), EXIT_bad_conversion);
    uint16_t bound = B1(bits_f32, K32(low[range]));
    uint16_t above = equal ? B2(fleq_f32, bound, value) : B2(fltq_f32, bound, value);
    uint16_t below = B2(fltq_f32, value, B1(bits_f32, K32(high[range])));
    trap_unless(l, B2(and_i64, above, below), EXIT_overflow);
}

void lifter_trap_range_f64(struct lifter *l, enum lifter_range range, uint16_t value) {
    static const uint64_t low[] = {0xc1e0000000200000, 0xbff0000000000000, 0xc3e0000000000000, 0xbff0000000000000};
    static const uint64_t high[] = {0x41e0000000000000, 0x41f0000000000000, 0x43e0000000000000, 0x43f0000000000000};
    trap_unless(l, B2(feq_f64, value, value), EXIT_bad_conversion);
    uint16_t bound = B1(bits_f64, K64(low[range]));
    uint16_t above = range == RANGE_s64 ? B2(fleq_f64, bound, value) : B2(fltq_f64, bound, value);
    uint16_t below = B2(fltq_f64, value, B1(bits_f64, K64(high[range])));
    trap_unless(l, B2(and_i64, above, below), EXIT_overflow);
}

/* ---- one instruction */

static unsigned mark_length(uint32_t length) {
    return length < UINT16_MAX ? length : UINT16_MAX;
}

/* Code of no function: imports, and where functions called from elsewhere return to. */
static unsigned lift_stub(struct builder *b) {
    builder_mark(b, b->pc, 1);
    build_exit(b, (uint32_t)b->pc == WASM_FINISH ? EXIT_finished : EXIT_host_call, (uint32_t)b->pc);
    return 1;
}

static struct lifter *lifter_make(struct builder *b) {
    const struct wasm_instance *in = b->unit;
    const struct wasm_function *f = wasm_function_at(in->module, (uint32_t)b->pc);
    struct lifter *l = arena_alloc(b->arena, sizeof *l);
    if (!l || !f) return NULL;
    *l = (struct lifter){.b = b, .instance = in, .module = in->module, .function = f, .base = frame_operand_slot(f)};
    l->type = &in->module->types[f->type];
    l->tracked = f->slots < LIFTER_SLOTS ? f->slots : LIFTER_SLOTS;
    l->temps = arena_alloc(b->arena, l->tracked * (2 * sizeof *l->temps + 1));
    if (!l->temps) return NULL;
    l->listed = l->temps + l->tracked;
    l->flags = (uint8_t *)(l->listed + l->tracked);
    l->height = wasm_height_at(in->module, f, (uint32_t)b->pc);
    l->at_once = b->ctx & CTX_COUNTED;
    b->notes = l;
    return l;
}

static uint32_t label_length(const uint8_t *bytes) {
    uint32_t n = 1;
    while (bytes[n - 1] & 0x80) n++;
    return n;
}

unsigned wasm_lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    struct lifter *l = b->notes;
    bool first = !l;
    if ((uint32_t)b->pc >= WASM_STUB) return lift_stub(b);
    if (first) l = lifter_make(b);
    if (!l) {
        b->failed = true;
        return 1;
    }
    l->pc = (uint32_t)b->pc;
    if (l->pc < l->function->code) {
        l->next = l->function->code;
        builder_mark(b, b->pc, l->next - l->pc);
        wasm_lift_prologue(l);
        return l->next - l->pc;
    }
    const struct wasm_point *p = first ? wasm_point_at(l->function, l->pc) : NULL;
    if (p && (p->kind == POINT_BRANCH || p->kind == POINT_RETURN)) {
        uint32_t length = label_length(bytes);
        builder_mark(b, b->pc, length);
        wasm_lift_branch(l, p);
        return length;
    }
    struct wasm_reader r = {.bytes = bytes, .end = avail};
    struct wasm_insn i;
    if (!wasm_decode(&r, &i)) { /* cannot be: the code was checked */
        b->failed = true;
        return 1;
    }
    l->next = l->pc + i.length;
    const struct wasm_row_info *row = &wasm_rows[i.row];
    if (row->exact >= 0) lifter_flush(l, (uint32_t)row->exact);
    builder_mark(b, b->pc, mark_length(i.length));
    if (row->lift)
        row->lift(l, &i);
    else
        wasm_lift_row(l, &i);
    return i.length;
}

void wasm_flush(struct builder *b) {
    if (b->notes) lifter_flush(b->notes, 0);
}

unsigned wasm_disassemble(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail, const void *unit) {
    const struct wasm_instance *in = unit;
    uint32_t offset = (uint32_t)pc;
    if (offset >= WASM_STUB) {
        const char *what = offset == WASM_FINISH ? "finish" : offset >= WASM_RETURN_STUB ? "return from" : "import";
        snprintf(text, size, "%s %u", what, offset == WASM_FINISH ? 0 : offset & 0x3fffffff);
        return 1;
    }
    const struct wasm_function *f = in ? wasm_function_at(in->module, offset) : NULL;
    if (f && offset < f->code) {
        snprintf(text, size, "func %u", wasm_function_index(in->module, f));
        return f->code - offset;
    }
    const struct wasm_point *p = f ? wasm_point_at(f, offset) : NULL;
    if (p && (p->kind == POINT_BRANCH || p->kind == POINT_RETURN)) {
        snprintf(text, size, "label");
        return label_length(bytes);
    }
    struct wasm_reader r = {.bytes = bytes, .end = avail};
    struct wasm_insn i;
    if (!wasm_decode(&r, &i)) {
        snprintf(text, size, "illegal");
        return 1;
    }
    wasm_text(&i, text, size);
    return i.length;
}
