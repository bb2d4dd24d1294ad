/* check_rows.c - the instructions whose types depend on more than their row (core 2.0, 3.3). Immediates that are
 * indices have been checked before these are called. Points (module.h) are noted on the way: also in blocks within code
 * that cannot be reached, where they are never looked at.
 */
#include "guest/wasm/check.h"

static bool is_reference(uint8_t type) {
    return type == WASM_FUNCREF || type == WASM_EXTERNREF;
}

/* ---- control */

static struct control block_control(struct checker *k, int64_t block, enum control_kind kind) {
    static const uint8_t one[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_FUNCREF, WASM_EXTERNREF};
    if (block >= 0) {
        const struct wasm_type_info *t = &k->module->types[block];
        return (struct control){kind, .params = t->params, .results = t->results, .nparams = t->nparams,
                                .nresults = t->nresults};
    }
    const uint8_t *at = memchr(one, block_value_type(block), sizeof one);
    return (struct control){kind, .params = one, .results = at ? at : one, .nresults = at ? 1 : 0};
}

bool wasm_check_unreachable(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    checker_unreachable(k);
    return true;
}

bool wasm_check_structure(struct checker *k, const struct wasm_insn *i) {
    struct control c = block_control(k, i->block, i->row == ROW_loop ? CONTROL_LOOP : CONTROL_BLOCK);
    c.target = k->next;
    if (!checker_pop_all(k, c.params, c.nparams) || !checker_enter(k, c)) return false;
    if (c.kind == CONTROL_LOOP) checker_here(k, k->next);
    return true;
}

bool wasm_check_if(struct checker *k, const struct wasm_insn *i) {
    struct control c = block_control(k, i->block, CONTROL_IF);
    if (checker_reachable(k)) {
        if (!checker_point(k, k->pc, POINT_IF)) return false;
        c.if_point = k->npoints;
    }
    return checker_pop(k, WASM_I32, NULL) && checker_pop_all(k, c.params, c.nparams) && checker_enter(k, c);
}

bool wasm_check_else(struct checker *k, const struct wasm_insn *i) {
    struct control *c = checker_label(k, 0);
    (void)i;
    if (c->kind != CONTROL_IF) return checker_fault(k, "else without if");
    if (checker_reachable(k)) {
        struct wasm_point *p = checker_point(k, k->pc, POINT_JUMP);
        if (!p) return false;
        p->target = c->fixups;
        c->fixups = k->npoints;
    }
    if (!checker_pop_all(k, c->results, c->nresults)) return false;
    if (k->height != c->height) return checker_fault(k, "type mismatch: operands left over before else");
    if (c->if_point) k->points[c->if_point - 1].target = k->next;
    c->kind = CONTROL_ELSE;
    c->unreachable = false;
    if (!checker_push_all(k, c->params, c->nparams)) return false;
    checker_here(k, k->next);
    return true;
}

bool wasm_check_end(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    return checker_leave(k);
}

static const uint8_t *label_types(const struct control *c, uint32_t *count) {
    *count = c->kind == CONTROL_LOOP ? c->nparams : c->nresults;
    return c->kind == CONTROL_LOOP ? c->params : c->results;
}

bool wasm_check_br(struct checker *k, const struct wasm_insn *i) {
    struct control *c = checker_label(k, i->index[0]);
    uint32_t n;
    const uint8_t *types = label_types(c, &n);
    if (!checker_branch(k, k->pc + 1, c) || !checker_pop_all(k, types, n)) return false;
    checker_unreachable(k);
    return true;
}

bool wasm_check_br_if(struct checker *k, const struct wasm_insn *i) {
    struct control *c = checker_label(k, i->index[0]);
    uint32_t n;
    const uint8_t *types = label_types(c, &n);
    return checker_pop(k, WASM_I32, NULL) && checker_branch(k, k->pc + 1, c) && checker_pop_all(k, types, n) &&
           checker_push_all(k, types, n);
}

bool wasm_check_br_table(struct checker *k, const struct wasm_insn *i) {
    struct wasm_module *m = k->module;
    struct wasm_reader labels = {.bytes = m->bytes, .at = (size_t)(i->vector - m->bytes), .end = k->next};
    uint32_t n = 0, wanted = UINT32_MAX;
    if (checker_reachable(k)) {
        struct wasm_point *p = checker_point(k, k->pc, POINT_TABLE);
        if (!p) return false;
        p->target = m->njumps;
    }
    if (!checker_pop(k, WASM_I32, NULL)) return false;
    for (uint32_t entry = 0; entry <= i->count; entry++) {
        uint32_t pc = (uint32_t)labels.at;
        struct control *c = checker_label(k, read_u32(&labels));
        if (!c) return false;
        const uint8_t *types = label_types(c, &n);
        if (wanted != UINT32_MAX && n != wanted) return checker_fault(k, "type mismatch: labels of different arity");
        wanted = n;
        if (!checker_has(k, types, n) || !checker_jump(k, pc, c)) return false;
    }
    checker_unreachable(k);
    return true;
}

bool wasm_check_return(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    if (!checker_pop_all(k, k->type->results, k->type->nresults)) return false;
    checker_unreachable(k);
    return true;
}

static bool check_type_call(struct checker *k, const struct wasm_type_info *t) {
    if (!checker_pop_all(k, t->params, t->nparams) || !checker_push_all(k, t->results, t->nresults)) return false;
    checker_here(k, k->next);
    return true;
}

bool wasm_check_call(struct checker *k, const struct wasm_insn *i) {
    return check_type_call(k, &k->module->types[k->module->functions[i->index[0]].type]);
}

static bool check_indirect(struct checker *k, const struct wasm_insn *i) {
    if (k->module->tables[i->index[1]].type != WASM_FUNCREF)
        return checker_fault(k, "type mismatch: table %u does not hold functions", i->index[1]);
    return checker_pop(k, WASM_I32, NULL);
}

bool wasm_check_call_indirect(struct checker *k, const struct wasm_insn *i) {
    return check_indirect(k, i) && check_type_call(k, &k->module->types[i->index[0]]);
}

static bool check_tail_call(struct checker *k, const struct wasm_type_info *t) {
    struct wasm_type_info own = {k->type->results, k->type->results, k->type->nresults, k->type->nresults};
    struct wasm_type_info callee = {t->results, t->results, t->nresults, t->nresults};
    if (!wasm_type_equal(&own, &callee)) return checker_fault(k, "type mismatch: tail call with other results");
    if (!checker_pop_all(k, t->params, t->nparams)) return false;
    checker_unreachable(k);
    return true;
}

bool wasm_check_return_call(struct checker *k, const struct wasm_insn *i) {
    return check_tail_call(k, &k->module->types[k->module->functions[i->index[0]].type]);
}

bool wasm_check_return_call_indirect(struct checker *k, const struct wasm_insn *i) {
    return check_indirect(k, i) && check_tail_call(k, &k->module->types[i->index[0]]);
}

/* ---- operands, locals, globals */

bool wasm_check_drop(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    return checker_pop(k, TYPE_UNKNOWN, NULL);
}

bool wasm_check_select(struct checker *k, const struct wasm_insn *i) {
    uint8_t b, a;
    (void)i;
    if (!checker_pop(k, WASM_I32, NULL) || !checker_pop(k, TYPE_UNKNOWN, &b) || !checker_pop(k, b, &a)) return false;
    if (is_reference(a) || is_reference(b)) return checker_fault(k, "type mismatch: select of references needs a type");
    return checker_push(k, a ? a : b);
}

bool wasm_check_select_t(struct checker *k, const struct wasm_insn *i) {
    if (i->count != 1) return checker_fault(k, "invalid result arity: select has one type");
    uint8_t t = i->vector[0];
    return checker_pop(k, WASM_I32, NULL) && checker_pop(k, t, NULL) && checker_pop(k, t, NULL) && checker_push(k, t);
}

static uint8_t local_type(struct checker *k, const struct wasm_insn *i) {
    return wasm_local_type(k->module, k->function, i->index[0]);
}

bool wasm_check_local_get(struct checker *k, const struct wasm_insn *i) {
    return checker_push(k, local_type(k, i));
}

bool wasm_check_local_set(struct checker *k, const struct wasm_insn *i) {
    return checker_pop(k, local_type(k, i), NULL);
}

bool wasm_check_local_tee(struct checker *k, const struct wasm_insn *i) {
    return wasm_check_local_set(k, i) && wasm_check_local_get(k, i);
}

bool wasm_check_global_get(struct checker *k, const struct wasm_insn *i) {
    return checker_push(k, k->module->globals[i->index[0]].type);
}

bool wasm_check_global_set(struct checker *k, const struct wasm_insn *i) {
    const struct wasm_global_type *g = &k->module->globals[i->index[0]];
    if (!g->is_mutable) return checker_fault(k, "global %u is immutable", i->index[0]);
    return checker_pop(k, g->type, NULL);
}

/* ---- references and tables */

static uint8_t table_type(struct checker *k, uint32_t table) {
    return k->module->tables[table].type;
}

bool wasm_check_table_get(struct checker *k, const struct wasm_insn *i) {
    return checker_pop(k, WASM_I32, NULL) && checker_push(k, table_type(k, i->index[0]));
}

bool wasm_check_table_set(struct checker *k, const struct wasm_insn *i) {
    return checker_pop(k, table_type(k, i->index[0]), NULL) && checker_pop(k, WASM_I32, NULL);
}

bool wasm_check_ref_null(struct checker *k, const struct wasm_insn *i) {
    return checker_push(k, (uint8_t)i->index[0]);
}

bool wasm_check_ref_is_null(struct checker *k, const struct wasm_insn *i) {
    uint8_t got;
    (void)i;
    if (!checker_pop(k, TYPE_UNKNOWN, &got)) return false;
    if (got && !is_reference(got)) return checker_fault(k, "type mismatch: expected a reference");
    return checker_push(k, WASM_I32);
}

bool wasm_check_ref_func(struct checker *k, const struct wasm_insn *i) {
    if (!k->module->referenced[i->index[0]]) return checker_fault(k, "undeclared function reference");
    return checker_push(k, WASM_FUNCREF);
}

static bool pop_range(struct checker *k) {
    static const uint8_t three[] = {WASM_I32, WASM_I32, WASM_I32};
    return checker_pop_all(k, three, 3);
}

bool wasm_check_table_init(struct checker *k, const struct wasm_insn *i) {
    if (k->module->elems[i->index[0]].type != table_type(k, i->index[1]))
        return checker_fault(k, "type mismatch: segment and table hold different references");
    return pop_range(k);
}

bool wasm_check_elem_drop(struct checker *k, const struct wasm_insn *i) {
    (void)k, (void)i;
    return true;
}

bool wasm_check_table_copy(struct checker *k, const struct wasm_insn *i) {
    if (table_type(k, i->index[0]) != table_type(k, i->index[1]))
        return checker_fault(k, "type mismatch: tables hold different references");
    return pop_range(k);
}

bool wasm_check_table_grow(struct checker *k, const struct wasm_insn *i) {
    return checker_pop(k, WASM_I32, NULL) && checker_pop(k, table_type(k, i->index[0]), NULL) &&
           checker_push(k, WASM_I32);
}

bool wasm_check_table_size(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    return checker_push(k, WASM_I32);
}

bool wasm_check_table_fill(struct checker *k, const struct wasm_insn *i) {
    return checker_pop(k, WASM_I32, NULL) && checker_pop(k, table_type(k, i->index[0]), NULL) &&
           checker_pop(k, WASM_I32, NULL);
}
