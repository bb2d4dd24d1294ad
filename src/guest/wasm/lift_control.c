/* lift_control.c - control flow, calls, locals and globals. Blocks of micro-ops end at every transfer that is not a
 * side exit; a call's return pc starts one.
 */
#include "guest/wasm/lift.h"

enum { ZERO_INLINE = 24 }; /* more locals than this are cleared by a helper */

/* ---- entering a function */

void wasm_lift_prologue(struct lifter *l) {
    uint32_t first = l->type->nparams, count = l->function->nlocals - first;
    uint16_t top = B2(add_i64, build_get(l->b, WASM_SLOT_FRAME), K64(8ull * l->function->slots));
    build_exitif(l->b, UOP_exitif_i64, C_GTU, top, build_get(l->b, WASM_SLOT_FRAME_LIMIT), EXIT_stack, 0);
    uint32_t slot = frame_local_slot(l->type, first);
    if (count > ZERO_INLINE) {
        HELP(zero_slots, K64(slot), K64(count), NONE);
        return;
    }
    uint16_t zero = count ? K64(0) : 0;
    for (uint32_t k = 0; k < count; k++) lifter_slot_write(l, slot + k, zero);
}

/* ---- conditions */

/* A test: x cond y, by a branch of this width. */
struct test {
    enum uop_op branch;
    enum uop_cond cond;
    uint16_t x, y;
};

enum { LOOK_BACK = 24 };

static const struct uop *definition(const struct lifter *l, uint16_t temp) {
    const struct block *k = l->b->block;
    for (uint32_t n = k->nuops; n > 0 && n + LOOK_BACK > k->nuops; n--)
        if (k->uops[n - 1].dst == temp) return &k->uops[n - 1];
    return NULL;
}

static bool is_truth(const struct lifter *l, uint16_t temp) {
    const struct uop *u = definition(l, temp);
    switch (u ? (enum uop_op)u->op : UOP_nop) {
    case UOP_set_i64:
    case UOP_feq_f32:
    case UOP_feq_f64:
    case UOP_fltq_f32:
    case UOP_fltq_f64:
    case UOP_fleq_f32:
    case UOP_fleq_f64: return true;
    default: return false;
    }
}

/* The test that "value is not zero" comes down to: comparisons are branched on directly, their own value is then dead.
 */
static struct test test_of(struct lifter *l, uint16_t value) {
    struct test t = {UOP_br_i32, C_NE, value, 0};
    for (;;) {
        const struct uop *u = definition(l, t.x);
        uint64_t zero = 1;
        if (u && u->op == UOP_trunc_i32 && is_truth(l, u->a)) {
            t = (struct test){UOP_br_i64, t.cond, u->a, 0};
            continue;
        }
        bool compares = u && u->op == (t.branch == UOP_br_i32 ? UOP_set_i32 : UOP_set_i64);
        if (!compares) return t;
        enum uop_cond cond = t.cond == C_NE ? u->x : u->x ^ 1;
        bool again = (cond == C_EQ || cond == C_NE) && builder_is_const(l->b, u->b, &zero) && zero == 0;
        t = (struct test){t.branch, cond, u->a, again ? 0 : u->b};
        if (!again) return t;
    }
}

/* A side exit to pc, taken if the value is (not) zero. */
static void branch_if(struct lifter *l, uint16_t value, bool zero, uint64_t pc) {
    struct test t = test_of(l, value);
    if (!t.y) t.y = t.branch == UOP_br_i32 ? K32(0) : K64(0);
    build_br(l->b, t.branch, zero ? t.cond ^ 1u : t.cond, t.x, t.y, pc);
}

/* ---- leaving a function */

/* Moves the n topmost operands down to slots from `to` on, where the frame has them at once. From the lowest on, so
   that none is overwritten before it is moved, and few are in temporaries at a time. `types`: their value types, or
   NULL. */
static void move_down(struct lifter *l, uint32_t n, const uint8_t *types, uint32_t to) {
    const uint32_t from = l->base + l->height - n;
    for (uint32_t k = 0; k < n; k++) {
        const uint16_t known = lifter_slot_known(l, from + k);
        enum type type = types ? lifter_type(types[k]) : known ? l->b->block->temps[known].type : T_I64;
        lifter_slot_store(l, to + k, lifter_slot_read(l, from + k, type));
    }
    while (n--) lifter_drop(l);
}

/* Leaves the function with its results on top of the operands. The rest of the frame is dead. */
static void leave_function(struct lifter *l) {
    uint16_t distance = build_getf(l->b, UOP_getf_i64, l->type->nparams + FRAME_DISTANCE);
    uint16_t pc = build_getf(l->b, UOP_getf_i64, l->type->nparams + FRAME_RETURN);
    move_down(l, l->type->nresults, l->type->results, 0);
    build_put(l->b, WASM_SLOT_FRAME, B2(sub_i64, build_get(l->b, WASM_SLOT_FRAME), distance));
    build_ret(l->b, pc);
}

/* ---- branches */

static bool has_moves(const struct lifter *l, const struct wasm_point *p) {
    return p->arity && l->height - p->arity != p->to;
}

void wasm_lift_branch(struct lifter *l, const struct wasm_point *p) {
    if (p->kind == POINT_RETURN) {
        leave_function(l);
        return;
    }
    if (has_moves(l, p)) move_down(l, p->arity, NULL, l->base + p->to);
    l->height = p->to + p->arity;
    lifter_flush(l, 0);
    build_jump(l->b, lifter_pc(l, p->target));
}

void wasm_lift_unreachable(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    build_exit(l->b, EXIT_unreachable, 0);
}

void wasm_lift_structure(struct lifter *l, const struct wasm_insn *i) {
    if (i->row != ROW_loop) return;
    lifter_flush(l, 0); /* the body is where its back edge leads: a block of its own */
    build_jump(l->b, lifter_pc(l, l->next));
}

void wasm_lift_if(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_point *p = wasm_point_at(l->function, l->pc);
    (void)i;
    branch_if(l, lifter_pop(l, T_I32), true, lifter_pc(l, p->target));
}

void wasm_lift_else(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_point *p = wasm_point_at(l->function, l->pc);
    (void)i;
    lifter_flush(l, 0);
    build_jump(l->b, lifter_pc(l, p->target));
}

void wasm_lift_end(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    if (l->next == l->function->end) leave_function(l);
}

void wasm_lift_br(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    wasm_lift_branch(l, wasm_point_at(l->function, l->pc + 1));
}

void wasm_lift_br_if(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_point *p = wasm_point_at(l->function, l->pc + 1);
    uint16_t condition = lifter_pop(l, T_I32);
    (void)i;
    bool direct = p->kind != POINT_RETURN && !has_moves(l, p);
    branch_if(l, condition, false, lifter_pc(l, direct ? p->target : p->pc));
}

void wasm_lift_br_table(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_point *p = wasm_point_at(l->function, l->pc);
    uint16_t index = B2(minu_i32, lifter_pop(l, T_I32), K32(i->count));
    uint16_t place = B2(shl_i64, B1(zext32_i64, index), K64(2));
    uint16_t offset = lifter_area_load(l, UOP_load_u32, place, l->instance->jumps + 4ull * p->target);
    build_jumpind(l->b, B2(or_i64, offset, K64(lifter_pc(l, 0))));
}

void wasm_lift_return(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    leave_function(l);
}

/* ---- calls */

static uint64_t entry_of(const struct lifter *l, uint32_t function) {
    return lifter_pc(l, wasm_entry(l->module, function));
}

/* Writes a callee's header above the operands and makes its frame the current one. */
static void enter_frame(struct lifter *l, const struct wasm_type_info *t) {
    uint32_t top = l->base + l->height;
    uint64_t distance = 8ull * (top - t->nparams);
    lifter_flush(l, 0);
    build_putf(l->b, top + FRAME_DISTANCE, K64(distance));
    build_putf(l->b, top + FRAME_RETURN, K64(lifter_pc(l, l->next)));
    build_put(l->b, WASM_SLOT_FRAME, B2(add_i64, build_get(l->b, WASM_SLOT_FRAME), K64(distance)));
}

/* Moves the arguments down to where the current frame's parameters are, and its header behind them. */
static void replace_frame(struct lifter *l, const struct wasm_type_info *t) {
    uint16_t distance = build_getf(l->b, UOP_getf_i64, l->type->nparams + FRAME_DISTANCE);
    uint16_t pc = build_getf(l->b, UOP_getf_i64, l->type->nparams + FRAME_RETURN);
    move_down(l, t->nparams, t->params, 0);
    build_putf(l->b, t->nparams + FRAME_DISTANCE, distance);
    build_putf(l->b, t->nparams + FRAME_RETURN, pc);
}

void wasm_lift_call(struct lifter *l, const struct wasm_insn *i) {
    enter_frame(l, &l->module->types[l->module->functions[i->index[0]].type]);
    build_call(l->b, entry_of(l, i->index[0]), lifter_pc(l, l->next));
}

void wasm_lift_return_call(struct lifter *l, const struct wasm_insn *i) {
    replace_frame(l, &l->module->types[l->module->functions[i->index[0]].type]);
    build_jump(l->b, entry_of(l, i->index[0]));
}

/* The entry's pc. What is not a function of this type and instance leaves by EXIT_signature, with the table's number:
   the interface finds out which of the reasons it is, and does calls between instances. */
static uint16_t indirect_target(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_table *t = l->instance->tables[i->index[1]];
    uint64_t wanted = (uint64_t)l->instance->types[i->index[0]] << (WASM_REF_TYPE_SHIFT - 32) | l->instance->id;
    uint16_t index = lifter_pop(l, T_I32);
    build_exitif(l->b, UOP_exitif_i32, C_GEU, index, lifter_size(l, t->cell), EXIT_table_bounds, i->index[1]);
    uint16_t place = B2(shl_i64, B1(zext32_i64, index), K64(3));
    uint16_t reference = lifter_area_load(l, UOP_load_64, place, t->elements);
    build_exitif(l->b, UOP_exitif_i64, C_NE, B2(shr_i64, reference, K64(32)), K64(wanted), EXIT_signature, i->index[1]);
    return B2(or_i64, B1(zext32_i64, TO32(reference)), K64(lifter_pc(l, 0)));
}

void wasm_lift_call_indirect(struct lifter *l, const struct wasm_insn *i) {
    uint16_t target = indirect_target(l, i);
    enter_frame(l, &l->module->types[i->index[0]]);
    build_callind(l->b, target, lifter_pc(l, l->next));
}

void wasm_lift_return_call_indirect(struct lifter *l, const struct wasm_insn *i) {
    uint16_t target = indirect_target(l, i);
    replace_frame(l, &l->module->types[i->index[0]]);
    build_jumpind(l->b, target);
}

/* ---- operands, locals, globals */

void wasm_lift_drop(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    lifter_drop(l);
}

/* The type is not in the code: it is that of whichever operand is at hand, and does not matter if none is. */
void wasm_lift_select(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    uint16_t condition = lifter_pop(l, T_I32);
    enum type type = T_I64;
    for (uint32_t k = 1; k <= 2; k++) {
        uint16_t known = lifter_slot_known(l, l->base + l->height - k);
        if (known && l->b->block->temps[known].type != T_I64) type = l->b->block->temps[known].type;
    }
    uint16_t other = lifter_pop(l, type), value = lifter_pop(l, type);
    if (type == T_I32) {
        lifter_push(l, B3(select_i32, condition, value, other));
        return;
    }
    uint16_t wide = B1(zext32_i64, condition);
    enum uop_op op = type == T_F32 ? UOP_select_f32 : type == T_F64 ? UOP_select_f64 : UOP_select_i64;
    lifter_push(l, build3(l->b, op, wide, value, other));
}

static uint32_t local_slot(const struct lifter *l, const struct wasm_insn *i) {
    return frame_local_slot(l->type, i->index[0]);
}

static enum type local_type(const struct lifter *l, const struct wasm_insn *i) {
    return lifter_type(wasm_local_type(l->module, l->function, i->index[0]));
}

void wasm_lift_local_get(struct lifter *l, const struct wasm_insn *i) {
    lifter_push(l, lifter_slot_read(l, local_slot(l, i), local_type(l, i)));
}

void wasm_lift_local_set(struct lifter *l, const struct wasm_insn *i) {
    lifter_slot_write(l, local_slot(l, i), lifter_pop(l, local_type(l, i)));
}

void wasm_lift_local_tee(struct lifter *l, const struct wasm_insn *i) {
    uint16_t value = lifter_pop(l, local_type(l, i));
    lifter_push(l, value);
    lifter_slot_write(l, local_slot(l, i), value);
}

/* A global that cannot change is its value. */
void wasm_lift_global_get(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_global *g = l->instance->globals[i->index[0]];
    enum type type = lifter_type(g->type.type);
    if (!g->type.is_mutable) {
        uint16_t value = K64(*(const uint64_t *)wasm_at(l->instance->store, g->cell));
        lifter_push(l, lifter_as(l, value, type));
        return;
    }
    static const uint16_t loads[] = {
        [T_I32] = UOP_load_u32, [T_F32] = UOP_load_f32, [T_F64] = UOP_load_f64, [T_I64] = UOP_load_64};
    uint16_t value = lifter_area_load(l, loads[type], 0, g->cell);
    lifter_push(l, lifter_as(l, value, type));
}

void wasm_lift_global_set(struct lifter *l, const struct wasm_insn *i) {
    const struct wasm_global *g = l->instance->globals[i->index[0]];
    static const uint16_t stores[] = {
        [T_I32] = UOP_store_32, [T_F32] = UOP_store_f32, [T_F64] = UOP_store_f64, [T_I64] = UOP_store_64};
    enum type type = lifter_type(g->type.type);
    lifter_area_store(l, stores[type], 0, g->cell, lifter_pop(l, type));
}
