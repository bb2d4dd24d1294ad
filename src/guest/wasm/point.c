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

uint32_t wasm_height_at(const struct wasm_module *m, const struct wasm_function *f, uint32_t pc) {
    uint32_t n = point_before(f, pc);
    if (!n) return 0; /* in the local declarations */
    const struct wasm_point *p = &f->points[n - 1];
    /* A label's byte is not an instruction: what follows it is reached from the branch's own. */
    while (p->pc != pc && n > 1 && (p->kind == POINT_BRANCH || p->kind == POINT_RETURN)) p = &f->points[--n - 1];
    struct wasm_reader r = {.bytes = m->bytes, .at = p->pc, .end = f->end};
    struct wasm_insn i;
    uint32_t height = p->height;
    while (r.at < pc && wasm_decode(&r, &i)) height += (uint32_t)wasm_rows[i.row].effect;
    return height;
}
