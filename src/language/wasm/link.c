/* link.c - from a module to an instance: imports are looked up and compared with what was asked for, then
 * everything the module defines is made, then its active segments are copied (core 2.0, 4.5).
 *
 * Up to the segments a failure has changed nothing that code can see. A segment that does not fit is a trap: those
 * before it stay copied, and functions that are in other instances' tables already stay callable.
 */
#include "language/wasm/machine.h"
#include <stdio.h>
#include <stdlib.h>

struct linking {
    struct wasm_machine *m;
    struct wasm_instance *in;
    struct error *error;
};

bool wasm_name_instance(struct wasm_machine *m, struct wasm_instance *in, const char *name, size_t length) {
    struct named_instance *n = calloc(1, sizeof *n);
    char *copy = n ? malloc(length + 1) : NULL;
    if (!copy) {
        free(n);
        return false;
    }
    memcpy(copy, name, length);
    copy[length] = 0;
    *n = (struct named_instance){.next = m->names, .instance = in, .name = copy};
    m->names = n; /* a later one hides an earlier one of the same name */
    return true;
}

struct wasm_instance *wasm_instance_named(const struct wasm_machine *m, const char *name, size_t length) {
    for (const struct named_instance *n = m->names; n; n = n->next)
        if (strlen(n->name) == length && !memcmp(n->name, name, length)) return n->instance;
    return NULL;
}

static bool refuse(struct linking *k, const struct wasm_import *i, const char *why) {
    return error_set(k->error, ERROR_NOT_RUNNABLE, "%s: import '%.*s' of '%.*s': %s", k->in->module->file,
                     (int)(i->name.length < 80 ? i->name.length : 80), i->name.text,
                     (int)(i->module.length < 80 ? i->module.length : 80), i->module.text, why);
}

/* ---- imports */

static bool limits_fit(const struct wasm_limits *have, uint32_t size, const struct wasm_limits *wanted) {
    if (size < wanted->min) return false;
    return !wanted->has_max || (have->has_max && have->max <= wanted->max);
}

static bool link_function(struct linking *k, const struct wasm_import *i, const struct wasm_instance *from,
                          const struct wasm_export *e) {
    const struct wasm_type_info *wanted = function_type(k->in, i->index);
    struct import_target *target = (struct import_target *)k->in->owner + i->index;
    if (from) {
        if (!wasm_type_equal(function_type(from, e->index), wanted))
            return refuse(k, i, "incompatible import type: the function has another signature");
        *target = (struct import_target){.instance = from, .function = e->index};
        return true;
    }
    const struct language *l = k->m->machine.language;
    const struct language_signature signature = {wanted->nparams, wanted->nresults, wanted->params, wanted->results};
    const struct host_function *f = host_find(l, i->module.text, i->module.length, i->name.text, i->name.length);
    if (!f) return refuse(k, i, "unknown import: no such function is offered");
    if (!host_type_is(f, l, &signature))
        return refuse(k, i, "incompatible import type: the function has another signature");
    *target = (struct import_target){.host = f};
    return true;
}

static bool link_object(struct linking *k, const struct wasm_import *i, const struct wasm_instance *from,
                        const struct wasm_export *e) {
    const struct wasm_module *m = k->in->module;
    const struct wasm_store *s = k->in->store;
    if (!from) return refuse(k, i, "unknown import");
    switch (i->kind) {
    case WASM_TABLE: {
        struct wasm_table *t = from->tables[e->index];
        const struct wasm_table_type *wanted = &m->tables[i->index];
        if (t->type.type != wanted->type || !limits_fit(&t->type.limits, wasm_size(s, t->cell), &wanted->limits))
            return refuse(k, i, "incompatible import type: the table has another type or size");
        k->in->tables[i->index] = t;
        return true;
    }
    case WASM_MEMORY: {
        struct wasm_memory *memory = from->memory;
        if (!limits_fit(&memory->limits, wasm_size(s, memory->cell), &m->memories[i->index]))
            return refuse(k, i, "incompatible import type: the memory has another size");
        k->in->memory = memory;
        return true;
    }
    default: {
        struct wasm_global *g = from->globals[e->index];
        const struct wasm_global_type *wanted = &m->globals[i->index];
        if (g->type.type != wanted->type || g->type.is_mutable != wanted->is_mutable)
            return refuse(k, i, "incompatible import type: the global has another type");
        k->in->globals[i->index] = g;
        return true;
    }
    }
}

static bool link_import(struct linking *k, const struct wasm_import *i) {
    const struct wasm_instance *from = wasm_instance_named(k->m, i->module.text, i->module.length);
    const struct wasm_export *e = from ? wasm_export_find(from->module, i->name.text, i->name.length) : NULL;
    if (from && !e) from = NULL;
    if (e && e->kind != i->kind) return refuse(k, i, "incompatible import type: it is of another kind");
    return i->kind == WASM_FUNCTION ? link_function(k, i, from, e) : link_object(k, i, from, e);
}

/* ---- definitions */

static bool make_objects(struct linking *k) {
    const struct wasm_module *m = k->in->module;
    struct wasm_instance *in = k->in;
    struct wasm_store *s = in->store;
    for (uint32_t n = m->nimported[WASM_TABLE]; n < m->ntables; n++)
        if (!(in->tables[n] = wasm_table_make(s, &m->tables[n], k->error))) return false;
    if (m->nmemories && !in->memory && !(in->memory = wasm_memory_make(s, &m->memories[0], k->error))) return false;
    for (uint32_t n = m->nimported[WASM_GLOBAL]; n < m->nglobals; n++) {
        uint64_t value = wasm_init_value(in, &m->global_inits[n - m->nimported[WASM_GLOBAL]]);
        if (!(in->globals[n] = wasm_global_make(s, m->globals[n], value, k->error))) return false;
    }
    return true;
}

static bool copy_segments(struct linking *k, uint32_t *trap) {
    const struct wasm_module *m = k->in->module;
    for (uint32_t n = 0; n < m->nelems; n++) {
        const struct wasm_elem *e = &m->elems[n];
        if (e->mode == SEGMENT_ACTIVE &&
            !wasm_table_init(k->in, e->table, n, (uint32_t)wasm_init_value(k->in, &e->offset), 0, e->count)) {
            *trap = EXIT_table_access;
            return error_set(k->error, ERROR_NOT_RUNNABLE, "%s: element segment %u: out of bounds table access",
                             m->file, n);
        }
        if (e->mode != SEGMENT_PASSIVE) k->in->elem_dropped[n] = 1;
    }
    for (uint32_t n = 0; n < m->ndatas; n++) {
        const struct wasm_data *d = &m->datas[n];
        if (d->mode != SEGMENT_ACTIVE) continue;
        if (!wasm_memory_init(k->in, n, (uint32_t)wasm_init_value(k->in, &d->offset), 0, d->size)) {
            *trap = EXIT_memory_bounds;
            return error_set(k->error, ERROR_NOT_RUNNABLE, "%s: data segment %u: out of bounds memory access", m->file,
                             n);
        }
        k->in->data_dropped[n] = 1;
    }
    return true;
}

static struct wasm_instance *instantiate(struct wasm_machine *m, const struct wasm_module *module, struct error *error,
                                         uint32_t *trap) {
    struct linking k = {.m = m, .error = error, .in = wasm_instance_make(m->store, module, error)};
    if (!k.in) return NULL;
    k.in->owner = arena_alloc(&m->store->arena, module->nimported[WASM_FUNCTION] * sizeof(struct import_target) + 1);
    if (!k.in->owner) {
        error_set(error, ERROR_RESOURCES, "%s: no memory for its imports", module->file);
        return NULL;
    }
    for (uint32_t n = 0; n < module->nimports; n++)
        if (!link_import(&k, &module->imports[n])) return NULL;
    if (!make_objects(&k)) return NULL;
    wasm_instance_add(k.in);
    return copy_segments(&k, trap) ? k.in : NULL;
}

struct wasm_instance *wasm_load(struct wasm_machine *m, struct language_file *file, struct error *error, uint32_t *trap) {
    uint32_t ignored;
    if (!trap) trap = &ignored;
    *trap = 0;
    struct wasm_module *module = wasm_module_read(file->bytes, file->size, file->name, error);
    file->code = module;
    return module ? instantiate(m, module, error, trap) : NULL;
}
