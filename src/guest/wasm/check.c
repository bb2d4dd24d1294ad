/* check.c - the frame of the checker: operands, control frames, points, and the walk over a body. The instructions that
 * need more than their row's types are in check_rows.c.
 */
#include "guest/wasm/check.h"
#include "guest/wasm/frame.h"
#include <stdarg.h>
#include <stdio.h>

enum { POINT_EVERY = 32 }; /* instructions without a point, at most: bounds the walk of wasm_height_at */

bool checker_fault(struct checker *k, const char *format, ...) {
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return wasm_fault(k->reader, k->pc, "function %u: %s", wasm_function_index(k->module, k->function), what);
}

static bool no_memory(struct checker *k) {
    if (!k->reader->failed)
        error_set(k->reader->error, ERROR_RESOURCES, "%s: no memory to check the module", k->reader->file);
    k->reader->failed = true;
    return false;
}

/* Makes room for one more item of an array in the scratch arena. */
static bool grow(struct checker *k, void **array, uint32_t count, uint32_t *cap, size_t size) {
    if (count < *cap) return true;
    void *p = arena_double(k->scratch, *array, cap, size);
    if (!p) return no_memory(k);
    *array = p;
    return true;
}

static struct control *top(struct checker *k) {
    return &k->controls[k->ncontrols - 1];
}

bool checker_push(struct checker *k, uint8_t type) {
    void *p = k->operands;
    if (k->height >= WASM_MAX_OPERANDS) return checker_fault(k, "more than %d operands", WASM_MAX_OPERANDS);
    if (!grow(k, &p, k->height, &k->operand_cap, 1)) return false;
    k->operands = p;
    k->operands[k->height++] = type;
    if (k->height > k->max_height) k->max_height = k->height;
    return true;
}

bool checker_pop(struct checker *k, uint8_t type, uint8_t *actual) {
    struct control *c = top(k);
    uint8_t got = TYPE_UNKNOWN;
    if (k->height > c->height)
        got = k->operands[--k->height];
    else if (!c->unreachable)
        return checker_fault(k, "type mismatch: expected %s but the stack is empty",
                             type ? wasm_type_name(type) : "an operand");
    if (actual) *actual = got;
    if (got == type || got == TYPE_UNKNOWN || type == TYPE_UNKNOWN) return true;
    return checker_fault(k, "type mismatch: expected %s but got %s", wasm_type_name(type), wasm_type_name(got));
}

bool checker_pop_all(struct checker *k, const uint8_t *types, uint32_t count) {
    while (count)
        if (!checker_pop(k, types[--count], NULL)) return false;
    return true;
}

bool checker_push_all(struct checker *k, const uint8_t *types, uint32_t count) {
    for (uint32_t n = 0; n < count; n++)
        if (!checker_push(k, types[n])) return false;
    return true;
}

bool checker_has(struct checker *k, const uint8_t *types, uint32_t count) {
    struct control *c = top(k);
    for (uint32_t n = 0; n < count; n++) {
        uint8_t type = types[count - 1 - n];
        if (k->height - n == c->height) {
            if (c->unreachable) return true;
            return checker_fault(k, "type mismatch: expected %s but the stack is empty", wasm_type_name(type));
        }
        uint8_t got = k->operands[k->height - 1 - n];
        if (got != type && got != TYPE_UNKNOWN)
            return checker_fault(k, "type mismatch: expected %s but got %s", wasm_type_name(type), wasm_type_name(got));
    }
    return true;
}

void checker_unreachable(struct checker *k) {
    k->height = top(k)->height;
    top(k)->unreachable = true;
}

bool checker_reachable(struct checker *k) {
    return !top(k)->unreachable;
}

struct wasm_point *checker_point(struct checker *k, uint32_t pc, enum wasm_point_kind kind) {
    void *p = k->points;
    k->since = 0;
    if (k->npoints && k->points[k->npoints - 1].pc == pc) {
        if (kind != POINT_HERE) k->points[k->npoints - 1].kind = kind;
        return &k->points[k->npoints - 1];
    }
    if (!grow(k, &p, k->npoints, &k->point_cap, sizeof *k->points)) return NULL;
    k->points = p;
    k->points[k->npoints] = (struct wasm_point){.pc = pc, .kind = kind, .height = k->height};
    return &k->points[k->npoints++];
}

void checker_here(struct checker *k, uint32_t pc) {
    if (checker_reachable(k)) checker_point(k, pc, POINT_HERE);
}

struct control *checker_label(struct checker *k, uint32_t depth) {
    if (depth < k->ncontrols) return &k->controls[k->ncontrols - 1 - depth];
    checker_fault(k, "unknown label %u", depth);
    return NULL;
}

bool checker_enter(struct checker *k, struct control c) {
    void *p = k->controls;
    if (!grow(k, &p, k->ncontrols, &k->control_cap, sizeof c)) return false;
    k->controls = p;
    c.height = k->height;
    k->controls[k->ncontrols++] = c;
    return checker_push_all(k, c.params, c.nparams);
}

/* Sets the targets of everything that waits for the end of this construct. */
static void fix_up(struct checker *k, const struct control *c, uint32_t pc) {
    uint32_t next;
    for (uint32_t n = c->fixups; n; n = next) {
        next = k->points[n - 1].target;
        k->points[n - 1].target = pc;
    }
    for (uint32_t n = c->jumps; n; n = next) {
        next = k->module->jumps[n - 1];
        k->module->jumps[n - 1] = pc;
    }
}

bool checker_leave(struct checker *k) {
    struct control c = *top(k);
    if (!checker_pop_all(k, c.results, c.nresults)) return false;
    if (k->height != c.height)
        return checker_fault(k, "type mismatch: %u operands too many at the end of a block", k->height - c.height);
    if (c.kind == CONTROL_IF) {
        struct wasm_type_info in = {c.params, c.params, c.nparams, c.nparams};
        struct wasm_type_info out = {c.results, c.results, c.nresults, c.nresults};
        if (!wasm_type_equal(&in, &out)) return checker_fault(k, "type mismatch: if without else cannot change types");
        if (c.if_point) k->points[c.if_point - 1].target = k->next;
    }
    fix_up(k, &c, k->next);
    k->ncontrols--;
    if (k->ncontrols == 0) return true;
    if (!checker_push_all(k, c.results, c.nresults)) return false;
    checker_here(k, k->next);
    return true;
}

/* A place in a jump table. */
static bool add_jump(struct checker *k, uint32_t value) {
    struct wasm_module *m = k->module;
    if (m->njumps == k->jump_cap) {
        uint32_t *p = arena_double(&m->arena, m->jumps, &k->jump_cap, sizeof *p);
        if (!p) return no_memory(k);
        m->jumps = p;
    }
    m->jumps[m->njumps++] = value;
    return true;
}

static uint32_t arity(const struct control *c) {
    return c->kind == CONTROL_LOOP ? c->nparams : c->nresults;
}

bool checker_branch(struct checker *k, uint32_t pc, struct control *c) {
    if (!checker_reachable(k)) return true;
    struct wasm_point *p = checker_point(k, pc, c->kind == CONTROL_FUNCTION ? POINT_RETURN : POINT_BRANCH);
    if (!p) return false;
    p->arity = arity(c);
    p->to = c->height;
    p->target = c->kind == CONTROL_LOOP ? c->target : c->fixups;
    if (c->kind != CONTROL_LOOP) c->fixups = (uint32_t)(p - k->points) + 1;
    return true;
}

bool checker_jump(struct checker *k, uint32_t pc, struct control *c) {
    if (!checker_reachable(k)) return true;
    bool moves = arity(c) && k->height - arity(c) != c->height;
    if (moves || c->kind == CONTROL_FUNCTION) return checker_branch(k, pc, c) && add_jump(k, pc);
    if (!add_jump(k, c->kind == CONTROL_LOOP ? c->target : c->jumps)) return false;
    if (c->kind != CONTROL_LOOP) c->jumps = k->module->njumps;
    return true;
}

static bool check_index(struct checker *k, uint32_t index, uint32_t count, const char *what) {
    return index < count || checker_fault(k, "unknown %s %u", what, index);
}

static bool check_memory(struct checker *k, const struct wasm_insn *i, bool has_argument) {
    if (!k->module->nmemories) return checker_fault(k, "unknown memory 0");
    if (has_argument && i->index[0] > wasm_rows[i->row].align)
        return checker_fault(k, "alignment must not be larger than natural");
    return true;
}

static bool check_immediate(struct checker *k, const struct wasm_insn *i, enum wasm_immediate kind, uint32_t index) {
    const struct wasm_module *m = k->module;
    switch (kind) {
    case IMM_LABEL: return checker_label(k, index) != NULL;
    case IMM_FUNC: return check_index(k, index, m->nfunctions, "function");
    case IMM_TYPE: return check_index(k, index, m->ntypes, "type");
    case IMM_TABLE: return check_index(k, index, m->ntables, "table");
    case IMM_LOCAL: return check_index(k, index, k->function->nlocals, "local");
    case IMM_GLOBAL: return check_index(k, index, m->nglobals, "global");
    case IMM_ELEM: return check_index(k, index, m->nelems, "elem segment");
    case IMM_DATA:
        if (m->data_count == UINT32_MAX) return checker_fault(k, "data count section required");
        return check_index(k, index, m->data_count, "data segment");
    case IMM_MEM: return check_memory(k, i, false);
    case IMM_MEMARG: return check_memory(k, i, true);
    case IMM_BLOCK: return i->block < 0 || check_index(k, (uint32_t)i->block, m->ntypes, "type");
    default: return true;
    }
}

static bool check_insn(struct checker *k, const struct wasm_insn *i) {
    const struct wasm_row_info *row = &wasm_rows[i->row];
    for (unsigned n = 0, index = 0; n < 2; n++) {
        enum wasm_immediate kind = row->immediates[n];
        bool numbered = kind >= IMM_LABEL && kind <= IMM_DATA;
        if (!check_immediate(k, i, kind, numbered ? i->index[index++] : 0)) return false;
    }
    if (row->check) return row->check(k, i);
    return checker_pop_all(k, row->operands, (uint32_t)strlen((const char *)row->operands)) &&
           checker_push_all(k, row->results, (uint32_t)strlen((const char *)row->results));
}

static bool keep_points(struct checker *k, struct wasm_function *f) {
    struct wasm_point *points = arena_alloc(&k->module->arena, k->npoints * sizeof *points + 1);
    if (!points) return no_memory(k);
    memcpy(points, k->points, k->npoints * sizeof *points);
    f->points = points;
    f->npoints = k->npoints;
    f->slots = frame_operand_slot(f) + k->max_height + FRAME_HEADER;
    return true;
}

bool wasm_check_function(struct checker *k, struct wasm_function *f) {
    const struct wasm_type_info *t = &k->module->types[f->type];
    struct wasm_reader *r = k->reader;
    struct wasm_insn i;
    k->function = f;
    k->type = t;
    k->pc = f->code;
    k->height = k->max_height = k->ncontrols = k->npoints = 0;
    if (!checker_enter(k, (struct control){.kind = CONTROL_FUNCTION, .results = t->results, .nresults = t->nresults}))
        return false;
    checker_here(k, f->code);
    while (k->ncontrols) {
        k->pc = (uint32_t)r->at;
        if (k->since >= POINT_EVERY) checker_here(k, k->pc);
        if (!wasm_decode(r, &i)) return false;
        k->next = (uint32_t)r->at;
        uint32_t before = k->height;
        if (!check_insn(k, &i) || r->failed) return false;
        k->since++;
        /* What the row does not say is noted, so that wasm_height_at is right whatever it says. */
        if (k->ncontrols && k->height != before + (uint32_t)wasm_rows[i.row].effect) checker_here(k, k->next);
    }
    if (r->at != r->end)
        return wasm_fault(r, r->at, "function %u: END opcode expected at the end of the body",
                          wasm_function_index(k->module, f));
    return keep_points(k, f);
}
