/* point.c - reading the side table: the point at a pc, and the height of the operand stack at any reachable one. */
#include "guest/wasm/module.h"

/* The last point at or before pc: its index + 1, or 0. */
static uint32_t point_before(const struct wasm_function *f, uint32_t pc) {
    uint32_t low = 0, high = f->npoints;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (f->points[middle].pc <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct wasm_point *wasm_point_at(const struct wasm_function *f, uint32_t pc) {
    uint32_t n = point_before(f, pc);
    return n && f->points[n - 1].pc == pc ? &f->points[n - 1] : NULL;
}

static int32_t call_effect(const struct wasm_type_info *t) {
    return (int32_t)t->nresults - (int32_t)t->nparams;
}

/* Operands pushed minus operands popped. */
static int32_t effect(const struct wasm_module *m, const struct wasm_insn *i) {
    const struct wasm_row_info *row = &wasm_rows[i->row];
    switch (i->row) {
    case ROW_local_get:
    case ROW_global_get:
    case ROW_ref_null:
    case ROW_ref_func:
    case ROW_table_size: return 1;
    case ROW_local_set:
    case ROW_global_set:
    case ROW_drop:
    case ROW_if:
    case ROW_br_if:
    case ROW_table_grow: return -1;
    case ROW_select:
    case ROW_select_2:
    case ROW_table_set: return -2;
    case ROW_table_init:
    case ROW_table_copy:
    case ROW_table_fill: return -3;
    case ROW_call: return call_effect(&m->types[m->functions[i->index[0]].type]);
    case ROW_call_indirect: return call_effect(&m->types[i->index[0]]) - 1;
    default: return (int32_t)strlen((const char *)row->results) - (int32_t)strlen((const char *)row->operands);
    }
}

uint32_t wasm_height_at(const struct wasm_module *m, const struct wasm_function *f, uint32_t pc) {
    uint32_t n = point_before(f, pc);
    if (!n) return 0; /* in the local declarations */
    const struct wasm_point *p = &f->points[n - 1];
    /* A label's byte is not an instruction: what follows it is reached from the branch's own. */
    while (p->pc != pc && n > 1 && (p->kind == POINT_BRANCH || p->kind == POINT_RETURN)) p = &f->points[--n - 1];
    struct wasm_reader r = {.bytes = m->bytes, .at = p->pc, .end = f->end};
    struct wasm_insn i;
    uint32_t height = p->height;
    while (r.at < pc && wasm_decode(&r, &i)) height += (uint32_t)effect(m, &i);
    return height;
}
