/* store.c - making and changing what a store holds; see store.h. Whatever fails here has changed nothing. */
#include "guest/wasm/store.h"
#include "base/os.h"
#include <stdlib.h>

enum { COMMIT_STEP = 1 << 16 };
static const uint64_t CELLS_SIZE = 1ull << 25;                     /* the area's lower part: four million cells */
static const uint64_t AREA_SIZE = 1ull << 36;                      /* 800 tables of the largest size */
static const uint64_t MEMORY_RESERVE = (1ull << 33) + COMMIT_STEP; /* any index plus any offset plus an access */

static uint64_t round_up(uint64_t n, uint64_t step) {
    return (n + step - 1) / step * step;
}

/* Makes bytes [from, to) of the area accessible, in whole steps; the area's parts never share one. */
static bool commit(struct wasm_store *s, uint64_t from, uint64_t to) {
    from = from / COMMIT_STEP * COMMIT_STEP;
    to = round_up(to, COMMIT_STEP);
    return to == from || os_commit(s->area + from, to - from);
}

struct wasm_store *wasm_store_make(struct error *error) {
    struct wasm_store *s = calloc(1, sizeof *s);
    if (s) s->area = os_reserve(AREA_SIZE);
    if (!s || !s->area) {
        free(s);
        error_set(error, ERROR_RESOURCES, "no address space for a store");
        return NULL;
    }
    arena_init(&s->arena, 64 << 10);
    s->elements_used = CELLS_SIZE;
    return s;
}

void wasm_store_free(struct wasm_store *s) {
    if (!s) return;
    for (struct wasm_memory *m = s->memories; m; m = m->next) os_release(m->base, MEMORY_RESERVE);
    os_release(s->area, AREA_SIZE);
    arena_done(&s->arena);
    free(s->types);
    free(s->type_next);
    free(s);
}

void wasm_store_bind(struct wasm_store *s, struct cpu *cpu) {
    wasm_of(cpu)->store = s;
    wasm_of(cpu)->area = s->area;
    cpu->mem[WASM_SPACE_HOST] = (struct mem_view){.kind = MEM_DIRECT, .limit = UINT64_MAX};
}

void wasm_instance_bind(const struct wasm_instance *in, struct cpu *cpu) {
    struct mem_view *view = &cpu->mem[WASM_SPACE_MEMORY];
    wasm_set_instance(wasm_of(cpu), in->id);
    if (in->memory)
        *view = (struct mem_view){
            .kind = MEM_LINEAR, .trap = EXIT_memory_bounds, .base = in->memory->base, .limit = MEMORY_RESERVE};
}

/* The next cell, or 0 (which is never given out). */
static uint32_t cell_make(struct wasm_store *s, struct error *error) {
    uint64_t at = s->cells_used ? s->cells_used : 8;
    if (at + 8 > CELLS_SIZE || (s->cells_used % COMMIT_STEP == 0 && !commit(s, s->cells_used, at + 8))) {
        error_set(error, ERROR_RESOURCES, "too many globals, tables and memories");
        return 0;
    }
    s->cells_used = at + 8;
    return (uint32_t)at;
}

/* Address space of `size` bytes in the upper part, the first `used` of them accessible. 0: none. */
static uint64_t elements_make(struct wasm_store *s, uint64_t size, uint64_t used, struct error *error) {
    uint64_t at = s->elements_used;
    size = round_up(size, COMMIT_STEP);
    if (size > AREA_SIZE - at || !commit(s, at, at + used)) {
        error_set(error, ERROR_RESOURCES, "no address space for tables");
        return 0;
    }
    s->elements_used = at + size;
    return at;
}

struct wasm_memory *wasm_memory_make(struct wasm_store *s, const struct wasm_limits *limits, struct error *error) {
    struct wasm_memory *m = arena_alloc(&s->arena, sizeof *m);
    uint32_t cell = m ? cell_make(s, error) : 0;
    if (cell) m->base = os_reserve(MEMORY_RESERVE);
    if (!cell || !m->base || (limits->min && !os_commit(m->base, (uint64_t)limits->min * WASM_PAGE))) {
        if (cell && m->base) os_release(m->base, MEMORY_RESERVE);
        error_set(error, ERROR_RESOURCES, "no address space for a memory of %u pages", limits->min);
        return NULL;
    }
    m->limits = *limits;
    m->cell = cell;
    m->next = s->memories;
    s->memories = m;
    *(uint32_t *)wasm_at(s, cell) = limits->min;
    return m;
}

struct wasm_table *wasm_table_make(struct wasm_store *s, const struct wasm_table_type *type, struct error *error) {
    struct wasm_table *t = arena_alloc(&s->arena, sizeof *t);
    uint32_t cell = t ? cell_make(s, error) : 0;
    if (cell) t->elements = elements_make(s, 8ull * type->limits.max, 8ull * type->limits.min, error);
    if (!cell || !t->elements) {
        error_set(error, ERROR_RESOURCES, "no memory for a table");
        return NULL;
    }
    t->type = *type;
    t->cell = cell;
    t->next = s->tables;
    s->tables = t;
    *(uint32_t *)wasm_at(s, cell) = type->limits.min;
    return t;
}

struct wasm_global *wasm_global_make(struct wasm_store *s, struct wasm_global_type type, uint64_t value,
                                     struct error *error) {
    struct wasm_global *g = arena_alloc(&s->arena, sizeof *g);
    uint32_t cell = g ? cell_make(s, error) : 0;
    if (!cell) {
        error_set(error, ERROR_RESOURCES, "no memory for a global");
        return NULL;
    }
    *g = (struct wasm_global){.type = type, .cell = cell};
    *(uint64_t *)wasm_at(s, cell) = value;
    return g;
}

static uint32_t type_hash(const struct wasm_type_info *t) {
    uint32_t h = t->nparams * 31 + t->nresults;
    for (uint32_t k = 0; k < t->nparams; k++) h = h * 16777619 ^ t->params[k];
    for (uint32_t k = 0; k < t->nresults; k++) h = h * 16777619 ^ t->results[k];
    return h ^ h >> 16;
}

uint32_t wasm_type_number(struct wasm_store *s, const struct wasm_type_info *type, struct error *error) {
    uint32_t *bucket = &s->type_buckets[type_hash(type) % 1024];
    for (uint32_t n = *bucket; n; n = s->type_next[n - 1])
        if (wasm_type_equal(&s->types[n - 1], type)) return n;
    if (s->ntypes == s->type_cap) {
        uint32_t cap = s->type_cap ? s->type_cap * 2 : 64;
        struct wasm_type_info *types = realloc(s->types, cap * sizeof *types);
        if (types) s->types = types;
        uint32_t *next = realloc(s->type_next, cap * sizeof *next);
        if (next) s->type_next = next;
        if (types && next) s->type_cap = cap;
    }
    if (s->ntypes == s->type_cap || s->ntypes + 1 >= 1u << (64 - WASM_REF_TYPE_SHIFT)) {
        error_set(error, ERROR_RESOURCES, "too many function types");
        return 0;
    }
    s->types[s->ntypes] = *type;
    s->type_next[s->ntypes] = *bucket;
    return *bucket = ++s->ntypes;
}

struct wasm_instance *wasm_instance_make(struct wasm_store *s, const struct wasm_module *m, struct error *error) {
    struct wasm_instance *in = arena_alloc(&s->arena, sizeof *in);
    if (!in || s->ninstances == WASM_MAX_INSTANCES) {
        error_set(error, ERROR_RESOURCES, "more than %d instances", WASM_MAX_INSTANCES);
        return NULL;
    }
    *in = (struct wasm_instance){.module = m, .store = s, .id = s->ninstances};
    in->types = arena_alloc(&s->arena, m->ntypes * sizeof *in->types + 1);
    in->tables = arena_alloc(&s->arena, m->ntables * sizeof(struct wasm_table *) + 1);
    in->globals = arena_alloc(&s->arena, m->nglobals * sizeof(struct wasm_global *) + 1);
    in->elem_dropped = arena_alloc(&s->arena, m->nelems + 1);
    in->data_dropped = arena_alloc(&s->arena, m->ndatas + 1);
    if (m->njumps) in->jumps = elements_make(s, 4ull * m->njumps, 4ull * m->njumps, error);
    bool ok = in->types && in->tables && in->globals && in->elem_dropped && in->data_dropped;
    if (!ok || (m->njumps && !in->jumps)) {
        error_set(error, ERROR_RESOURCES, "no memory for an instance");
        return NULL;
    }
    if (m->njumps) memcpy(wasm_at(s, in->jumps), m->jumps, 4ull * m->njumps);
    for (uint32_t k = 0; k < m->ntypes; k++)
        if (!(in->types[k] = wasm_type_number(s, &m->types[k], error))) return NULL;
    return in;
}

void wasm_instance_add(struct wasm_instance *in) {
    in->store->instances[in->store->ninstances++] = in;
}

uint32_t wasm_entry(const struct wasm_module *m, uint32_t function) {
    return function < m->nimported[WASM_FUNCTION] ? WASM_STUB + function : m->functions[function].entry;
}

uint64_t wasm_reference(const struct wasm_instance *in, uint32_t function) {
    uint64_t type = in->types[in->module->functions[function].type];
    return type << WASM_REF_TYPE_SHIFT | wasm_pc(in, wasm_entry(in->module, function));
}

uint64_t wasm_init_value(const struct wasm_instance *in, const struct wasm_init *init) {
    switch (init->kind) {
    case INIT_GLOBAL: return *(uint64_t *)wasm_at(in->store, in->globals[init->value]->cell);
    case INIT_FUNCTION: return wasm_reference(in, (uint32_t)init->value);
    case INIT_VALUE: break;
    }
    return init->value;
}

uint8_t *wasm_memory_at(const struct wasm_instance *in, uint32_t address, uint64_t size) {
    uint64_t bytes = in->memory ? (uint64_t)wasm_size(in->store, in->memory->cell) * WASM_PAGE : 0;
    return address <= bytes && size <= bytes - address ? in->memory->base + address : NULL;
}

uint32_t wasm_memory_grow(struct wasm_store *s, struct wasm_memory *memory, uint32_t pages) {
    uint32_t old = wasm_size(s, memory->cell);
    if (pages > memory->limits.max - old) return UINT32_MAX;
    if (pages && !os_commit(memory->base + (uint64_t)old * WASM_PAGE, (uint64_t)pages * WASM_PAGE)) return UINT32_MAX;
    *(uint32_t *)wasm_at(s, memory->cell) = old + pages;
    return old;
}

uint32_t wasm_table_grow(struct wasm_store *s, struct wasm_table *table, uint32_t count, uint64_t value) {
    uint32_t old = wasm_size(s, table->cell);
    if (count > table->type.limits.max - old) return UINT32_MAX;
    uint64_t from = table->elements + 8ull * old, to = from + 8ull * count;
    if (count && !commit(s, from, to)) return UINT32_MAX;
    for (uint64_t *p = wasm_at(s, from); p < (uint64_t *)wasm_at(s, to); p++) *p = value;
    *(uint32_t *)wasm_at(s, table->cell) = old + count;
    return old;
}

bool wasm_memory_init(struct wasm_instance *in, uint32_t segment, uint32_t to, uint32_t from, uint32_t count) {
    const struct wasm_data *d = &in->module->datas[segment];
    uint32_t size = in->data_dropped[segment] ? 0 : d->size;
    uint8_t *at = wasm_memory_at(in, to, count);
    if (from > size || count > size - from || !at) return false;
    memcpy(at, d->bytes + from, count);
    return true;
}

bool wasm_table_init(struct wasm_instance *in, uint32_t table, uint32_t segment, uint32_t to, uint32_t from,
                     uint32_t count) {
    const struct wasm_elem *e = &in->module->elems[segment];
    const struct wasm_table *t = in->tables[table];
    uint32_t size = in->elem_dropped[segment] ? 0 : e->count, room = wasm_size(in->store, t->cell);
    if (from > size || count > size - from || to > room || count > room - to) return false;
    uint64_t *at = wasm_at(in->store, t->elements + 8ull * to);
    for (uint32_t k = 0; k < count; k++) at[k] = wasm_init_value(in, &e->items[from + k]);
    return true;
}
