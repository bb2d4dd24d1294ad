/* lift_table.c - references and tables. Single elements are accessed in place, ranges by helpers. */
#include "guest/wasm/lift.h"

static const struct wasm_table *table_of(const struct lifter *l, const struct wasm_insn *i) {
    return l->instance->tables[i->index[0]];
}

/* Where an element is among those of its table, after the check that it is there. */
static uint16_t element(struct lifter *l, const struct wasm_table *t, uint16_t index) {
    build_exitif(l->b, UOP_exitif_i32, C_GEU, index, lifter_size(l, t->cell), EXIT_table_access, 0);
    return B2(shl_i64, B1(zext32_i64, index), K64(3));
}

void wasm_lift_table_get(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_table *t = table_of(l, i);
    uint16_t at = element(l, t, lifter_pop(l, T_I32));
    lifter_push(l, lifter_area_load(l, UOP_load_64, at, t->elements));
}

void wasm_lift_table_set(struct lifter *l, const struct wasm_insn *i) {
    uint16_t value = lifter_pop(l, T_I64);
    const struct wasm_table *t = table_of(l, i);
    uint16_t at = element(l, t, lifter_pop(l, T_I32));
    lifter_area_store(l, UOP_store_64, at, t->elements, value);
}

void wasm_lift_table_size(struct lifter *l, const struct wasm_insn *i) {
    lifter_push(l, lifter_size(l, table_of(l, i)->cell));
}

void wasm_lift_table_grow(struct lifter *l, const struct wasm_insn *i) {
    uint16_t count = lifter_pop(l, T_I32), value = lifter_pop(l, T_I64);
    lifter_push(l, TO32(HELP(table_grow, WHAT(i->index[0]), count, value)));
}

void wasm_lift_table_fill(struct lifter *l, const struct wasm_insn *i) {
    uint16_t count = lifter_pop(l, T_I32), value = lifter_pop(l, T_I64), at = lifter_pop(l, T_I32);
    HELP(table_fill, WHAT(i->index[0]), PAIR(at, count), value);
}

/* count, from and to are the three operands of the range forms, the last one on top. */
static void range(struct lifter *l, enum wasm_helper helper, uint32_t what) {
    uint16_t count = lifter_pop(l, T_I32), from = lifter_pop(l, T_I32), to = lifter_pop(l, T_I32);
    uint16_t pair = PAIR(to, from);
    build_helper(l->b, helper, WHAT(what), pair, count);
}

void wasm_lift_table_init(struct lifter *l, const struct wasm_insn *i) {
    range(l, WASM_HELPER_table_init, i->index[0] | i->index[1] << WASM_ELEM_BITS);
}

void wasm_lift_table_copy(struct lifter *l, const struct wasm_insn *i) {
    range(l, WASM_HELPER_table_copy, i->index[0] | i->index[1] << WASM_TABLE_BITS);
}

void wasm_lift_elem_drop(struct lifter *l, const struct wasm_insn *i) {
    HELP(elem_drop, WHAT(i->index[0]), NONE, NONE);
}

void wasm_lift_ref_null(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    lifter_push(l, K64(0));
}

void wasm_lift_ref_is_null(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    lifter_push(l, TO32(BX(set_i64, C_EQ, lifter_pop(l, T_I64), K64(0))));
}

void wasm_lift_ref_func(struct lifter *l, const struct wasm_insn *i) {
    lifter_push(l, K64(wasm_reference(l->instance, i->index[0])));
}
