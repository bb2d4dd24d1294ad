/* state.c - what of a machine of WebAssembly is state: rows (core/object.h) of its structs.
 *
 * Modules are immutable: what was made of their bytes follows from them. Instances, memories, tables and globals are
 * named by their number (instances) or by the cell of theirs, which nothing else has.
 */
#include "language/wasm/wasi.h"

static const struct wasm_machine *machine_at(const struct visitor *v) {
    return wasm_machine_of(v->root);
}

uint64_t wasm_number(const void *instance) {
    const struct wasm_instance *in = instance;
    return in ? in->id + 1ull : 0;
}

/* ---- what modules ask for */

#define LIMITS_ROWS(R)                                                                                                 \
    R(FIELD, min, HIDDEN)                                                                                              \
    R(FIELD, max, HIDDEN)                                                                                              \
    R(FIELD, has_max, HIDDEN)
static OBJECT_TYPE(limits_type, "limits", struct wasm_limits, LIMITS_ROWS)

#define TABLE_TYPE_ROWS(R)                                                                                             \
    R(FIELD, type, HIDDEN)                                                                                             \
    R(OBJECT, limits, limits_type)
static OBJECT_TYPE(table_type_type, "table type", struct wasm_table_type, TABLE_TYPE_ROWS)

/* ---- the store */

static void memory_bytes(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_memory *memory = object;
    const uint64_t pages = wasm_size(machine_at(v)->store, memory->cell);
    visit_pages(v, f, 0, memory->base, pages * WASM_PAGE);
}

#define MEMORY_ROWS(R)                                                                                                 \
    R(HOST, next, "the list")                                                                                          \
    R(BYTES, base, memory_bytes)                                                                                       \
    R(OBJECT, limits, limits_type)                                                                                     \
    R(FIELD, cell, HIDDEN)
static OBJECT_TYPE(memory_type, "memory", struct wasm_memory, MEMORY_ROWS)

static void table_elements(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_table *t = object;
    const struct wasm_store *s = machine_at(v)->store;
    visit_bytes(v, f, t->elements, wasm_at(s, t->elements), 8ull * wasm_size(s, t->cell));
}

#define TABLE_ROWS(R)                                                                                                  \
    R(HOST, next, "the list")                                                                                          \
    R(OBJECT, type, table_type_type)                                                                                   \
    R(FIELD, cell, HIDDEN)                                                                                             \
    R(BYTES, elements, table_elements)
static OBJECT_TYPE(table_type, "table", struct wasm_table, TABLE_ROWS)

static uint64_t module_number(const struct visitor *v, const void *object, unsigned index) {
    const struct wasm_instance *in = object;
    uint64_t n = 1;
    (void)index;
    for (const struct language_file *l = machine_at(v)->machine.files; l; l = l->next, n++)
        if (l->code == in->module) return n;
    return 0;
}

static uint64_t memory_cell(const struct visitor *v, const void *object, unsigned index) {
    const struct wasm_instance *in = object;
    (void)v, (void)index;
    return in->memory ? in->memory->cell : UINT64_MAX;
}

static void table_cells(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_instance *in = object;
    for (uint32_t k = 0; k < in->module->ntables; k++) visit_bytes(v, f, k, &in->tables[k]->cell, sizeof(uint32_t));
}

static void global_cells(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_instance *in = object;
    for (uint32_t k = 0; k < in->module->nglobals; k++) visit_bytes(v, f, k, &in->globals[k]->cell, sizeof(uint32_t));
}

static void elem_dropped(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_instance *in = object;
    visit_bytes(v, f, 0, in->elem_dropped, in->module->nelems);
}

static void data_dropped(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_instance *in = object;
    visit_bytes(v, f, 0, in->data_dropped, in->module->ndatas);
}

/* What imported functions are: a function of another instance by its reference; one of the host's by its name. */
static void imports(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_instance *in = object;
    const struct import_target *t = in->owner;
    for (uint32_t k = 0; k < in->module->nimported[WASM_FUNCTION]; k++) {
        const uint64_t what = t[k].instance ? wasm_reference(t[k].instance, t[k].function) : 0;
        visit_bytes(v, f, 2 * k, &what, sizeof what);
        if (t[k].host) visit_bytes(v, f, 2 * k + 1, t[k].host->name, strlen(t[k].host->name));
    }
}

#define INSTANCE_ROWS(R)                                                                                               \
    R(VALUE, module, HIDDEN, module_number)                                                                            \
    R(HOST, store, "what it is part of")                                                                               \
    R(FIELD, id, HIDDEN)                                                                                               \
    R(HOST, types, "follow from the module and those before it")                                                       \
    R(VALUE, memory, HIDDEN, memory_cell)                                                                              \
    R(BYTES, tables, table_cells)                                                                                      \
    R(BYTES, globals, global_cells)                                                                                    \
    R(FIELD, jumps, HIDDEN)                                                                                            \
    R(BYTES, elem_dropped, elem_dropped)                                                                               \
    R(BYTES, data_dropped, data_dropped)                                                                               \
    R(BYTES, owner, imports)
static OBJECT_TYPE(instance_type, "instance", struct wasm_instance, INSTANCE_ROWS)

static void cells(struct visitor *v, const struct field *f, void *object) {
    const struct wasm_store *s = object;
    visit_bytes(v, f, 0, s->area, s->cells_used);
}

static void *next_memory(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct wasm_memory *)previous)->next : ((struct wasm_store *)object)->memories;
}
static void *next_table(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct wasm_table *)previous)->next : ((struct wasm_store *)object)->tables;
}
static void *next_instance(const struct visitor *v, void *object, void *previous) {
    const struct wasm_store *s = object;
    const uint32_t k = previous ? ((struct wasm_instance *)previous)->id + 1 : 0;
    (void)v;
    return k < s->ninstances ? s->instances[k] : NULL;
}

#define STORE_ROWS(R)                                                                                                  \
    R(HOST_IN, arena, "what the lists are in")                                                                         \
    R(BYTES, area, cells)                                                                                              \
    R(FIELD, cells_used, HIDDEN)                                                                                       \
    R(FIELD, elements_used, HIDDEN)                                                                                    \
    R(LIST, memories, memory_type, next_memory)                                                                        \
    R(LIST, tables, table_type, next_table)                                                                            \
    R(HOST, types, "follow from the modules and their order")                                                          \
    R(HOST, type_next, "a hash table of the types")                                                                    \
    R(FIELD, ntypes, HIDDEN)                                                                                           \
    R(HOST, type_cap, "of the hash table")                                                                             \
    R(HOST_IN, type_buckets, "of the hash table")                                                                      \
    R(LIST_IN, instances, instance_type, next_instance)                                                                \
    R(FIELD, ninstances, HIDDEN)
static OBJECT_TYPE(store_type, "store", struct wasm_store, STORE_ROWS)

/* ---- WASI */

/* Whether a stream is open; which of the host's it is does not show. */
static uint64_t is_open(const struct visitor *v, const void *object, unsigned index) {
    (void)v;
    return ((const struct wasi *)object)->host[index] >= 0;
}
static uint64_t waiting(const struct visitor *v, const void *object, unsigned index) {
    const struct wasi *w = object;
    (void)v;
    return w->waits ? w->waiting[index] : 0;
}
static uint64_t began(const struct visitor *v, const void *object, unsigned index) {
    const struct wasi *w = object;
    (void)v;
    return w->waits ? w->began[index] : 0;
}

#define WASI_ROWS(R)                                                                                                   \
    R(HOST, vm, "what it is part of")                                                                                  \
    R(VALUES, host, RESOURCE, is_open)                                                                                 \
    R(FIELD, waits, RESOURCE)                                                                                          \
    R(VALUES, waiting, RESOURCE, waiting)                                                                              \
    R(VALUES, began, TIME, began)
static OBJECT_TYPE(wasi_type, "wasi", struct wasi, WASI_ROWS)

/* ---- the machine */

static uint64_t named(const struct visitor *v, const void *object, unsigned index) {
    (void)v, (void)index;
    return wasm_number(((const struct named_instance *)object)->instance);
}
static void name(struct visitor *v, const struct field *f, void *object) {
    const struct named_instance *n = object;
    visit_bytes(v, f, 0, n->name, strlen(n->name));
}

#define NAMED_ROWS(R)                                                                                                  \
    R(HOST, next, "the list")                                                                                          \
    R(VALUE, instance, HIDDEN, named)                                                                                  \
    R(BYTES, name, name)
static OBJECT_TYPE(named_type, "name", struct named_instance, NAMED_ROWS)

static void *next_named(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct named_instance *)previous)->next : ((struct wasm_machine *)object)->names;
}
static void *the_store(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? NULL : ((struct wasm_machine *)object)->store;
}
static void *the_wasi(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? NULL : ((struct wasm_machine *)object)->wasi;
}

static uint64_t program(const struct visitor *v, const void *object, unsigned index) {
    (void)v, (void)index;
    return wasm_number(((const struct wasm_machine *)object)->program);
}

#define MACHINE_ROWS(R)                                                                                                \
    R(HOST_IN, machine, "what every language has is walked already")                                                   \
    R(LIST, store, store_type, the_store)                                                                              \
    R(LIST, names, named_type, next_named)                                                                             \
    R(LIST, wasi, wasi_type, the_wasi)                                                                                 \
    R(VALUE, program, HIDDEN, program)
OBJECT_TYPE(wasm_machine_type, "wasm machine", struct wasm_machine, MACHINE_ROWS)
