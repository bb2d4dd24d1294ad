/* language.c - the kind of vm that runs a program at the level of its language: WebAssembly modules.
 *
 * Opening reads, checks, links and instantiates the module; running calls its start function, then the function that
 * --invoke names (after `_initialize`, if there is one), or `_start`, or `main`.
 */
#include "base/os.h"
#include "language/wasm_machine.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool language_recognise(const uint8_t *bytes, size_t size) {
    return size >= 4 && !memcmp(bytes, "\0asm", 4);
}

bool machine_make(struct vm *vm) {
    struct wasm_machine *m = calloc(1, sizeof *m);
    struct engine_config config;
    if (!m) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    vm->data = m;
    m->vm = vm;
    m->stack = os_stack_map(MACHINE_STACK);
    if (!m->stack) return error_set(&vm->error, ERROR_RESOURCES, "no memory for the stack");
    m->wasi = wasi_make(vm);
    if (!m->wasi) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    m->store = wasm_store_make(&vm->error);
    if (!m->store) return false;
    vm_engine_config(vm, &guest_wasm, &wasm_interface, &config);
    vm->engine = engine_make(&config, &vm->error);
    if (!vm->engine) return false;
    vm->cpu = engine_cpu_make(vm->engine, &vm->error);
    if (!vm->cpu) return false;
    vm->cpu->frame = vm->cpu->frame_base = m->stack;
    vm->cpu->frame_limit = m->stack + MACHINE_STACK;
    wasm_store_bind(m->store, vm->cpu);
    return true;
}

void machine_free(struct wasm_machine *m) {
    if (!m) return;
    struct vm *vm = m->vm;
    if (vm->cpu) engine_cpu_free(vm->engine, vm->cpu);
    if (vm->engine) engine_free(vm->engine);
    vm->engine = NULL;
    vm->cpu = NULL;
    wasm_store_free(m->store);
    for (struct named_instance *n = m->names, *next; n; n = next) {
        next = n->next;
        free(n->name);
        free(n);
    }
    for (struct loaded_module *l = m->modules, *next; l; l = next) {
        next = l->next;
        wasm_module_free(l->module);
        free(l->bytes);
        free(l->file);
        free(l);
    }
    if (m->stack) os_stack_unmap(m->stack, MACHINE_STACK);
    wasi_free(m->wasi);
    free(m->arguments);
    free(m);
    vm->data = NULL;
}

/* The whole file, read and not mapped: what is checked must not change. */
static uint8_t *read_file(const char *path, size_t *size, struct error *error) {
    FILE *f = fopen(path, "rbe");
    uint8_t *bytes = NULL;
    size_t cap = 0;
    *size = 0;
    while (f && !ferror(f) && !feof(f) && *size <= WASM_MAX_FILE) {
        if (*size == cap) {
            uint8_t *more = realloc(bytes, cap = cap ? cap * 2 : 1 << 16);
            if (!more) {
                error_set(error, ERROR_RESOURCES, "%s: out of memory", path);
                break;
            }
            bytes = more;
        }
        *size += fread(bytes + *size, 1, cap - *size, f);
    }
    if (!f || ferror(f)) error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be read: %s", path, strerror(errno));
    if (f) fclose(f);
    if (!error->code) return bytes;
    free(bytes);
    return NULL;
}

/* ---- what to call */

static const struct wasm_export *exported_function(const struct wasm_module *m, const char *name) {
    const struct wasm_export *e = wasm_export_find(m, name, strlen(name));
    return e && e->kind == WASM_FUNCTION ? e : NULL;
}

/* "NAME: no exported function 'x'; there are: a, b, c" */
static bool no_function(struct vm *vm, const struct wasm_module *m, const char *name) {
    char list[200] = "none";
    size_t at = 0;
    for (uint32_t k = 0; k < m->nexports && at + 80 < sizeof list; k++) {
        const struct wasm_export *e = &m->exports[k];
        if (e->kind != WASM_FUNCTION) continue;
        int length = (int)(e->name.length < 60 ? e->name.length : 60);
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", at ? ", " : "", length, e->name.text);
    }
    return error_set(&vm->error, ERROR_USAGE, "%s: no exported function '%s'; there are: %s", m->file, name, list);
}

/* The words after the program's path are the function's arguments. */
static bool take_arguments(struct wasm_machine *m, const struct wasm_type_info *t) {
    struct vm *vm = m->vm;
    const char *const *argv = vm->options.argv;
    uint32_t n = 0;
    while (argv && argv[0] && argv[n + 1]) n++;
    if (n != t->nparams)
        return error_set(&vm->error, ERROR_USAGE, "%s takes %u arguments, %u given", vm->options.invoke, t->nparams, n);
    m->arguments = calloc(n + 1, sizeof *m->arguments);
    if (!m->arguments) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    for (uint32_t k = 0; k < n; k++)
        if (!value_parse(argv[k + 1], t->params[k], &m->arguments[k]))
            return error_set(&vm->error, ERROR_USAGE, "argument '%s' is not a value of type %s", argv[k + 1],
                             wasm_type_name(t->params[k]));
    return true;
}

static bool choose_entry(struct wasm_machine *m) {
    struct vm *vm = m->vm;
    const struct wasm_module *module = m->program->module;
    const char *name = vm->options.invoke;
    const struct wasm_export *e = exported_function(module, name ? name : "_start");
    if (!e && !name) e = exported_function(module, "main");
    if (!e) return no_function(vm, module, name ? name : "_start");
    const struct wasm_type_info *t = function_type(m->program, e->index);
    m->entry = e->index;
    m->print_results = name != NULL;
    if (name) {
        const struct wasm_export *i = exported_function(module, "_initialize");
        if (i && i->index != e->index && !function_type(m->program, i->index)->nparams) m->initialize = i;
        return take_arguments(m, t);
    }
    if (t->nparams)
        return error_set(&vm->error, ERROR_USAGE, "%s: its entry takes %u parameters: use --invoke", module->file,
                         t->nparams);
    return true;
}

/* ---- the kind */

static void language_close(struct vm *vm) {
    machine_free(machine_of(vm));
}

static bool language_open(struct vm *vm) {
    size_t size;
    uint8_t *bytes = read_file(vm->options.path, &size, &vm->error);
    if (!bytes) return false;
    if (!machine_make(vm)) {
        free(bytes);
        language_close(vm);
        return false;
    }
    struct wasm_machine *m = machine_of(vm);
    m->program = machine_load(m, bytes, size, vm->options.path, &vm->error, NULL);
    if (!m->program || !choose_entry(m)) {
        language_close(vm);
        return false;
    }
    machine_begin(m);
    return true;
}

/* Pages that are not zero, with their numbers. */
static void digest_memory(struct vm *vm, const struct wasm_memory *memory, uint32_t pages) {
    static const uint8_t zero[WASM_PAGE];
    for (uint64_t page = 0; page < pages; page++) {
        const uint8_t *bytes = memory->base + page * WASM_PAGE;
        if (!memcmp(bytes, zero, WASM_PAGE)) continue;
        vm_digest_bytes(vm, &page, sizeof page);
        vm_digest_bytes(vm, bytes, WASM_PAGE);
    }
}

/* The store in order of making (cells hold globals and sizes), then the live part of the stack, which holds offsets and
   pcs but no host addresses. */
static void language_digest(struct vm *vm) {
    const struct wasm_machine *m = machine_of(vm);
    const struct wasm_store *s = m->store;
    vm_digest_bytes(vm, s->area, s->cells_used);
    for (const struct wasm_table *t = s->tables; t; t = t->next)
        vm_digest_bytes(vm, wasm_at(s, t->elements), 8ull * wasm_size(s, t->cell));
    for (const struct wasm_memory *memory = s->memories; memory; memory = memory->next)
        digest_memory(vm, memory, wasm_size(s, memory->cell));
    for (uint32_t k = 0; k < s->ninstances; k++) {
        const struct wasm_instance *in = s->instances[k];
        vm_digest_bytes(vm, in->elem_dropped, in->module->nelems);
        vm_digest_bytes(vm, in->data_dropped, in->module->ndatas);
    }
    uint64_t live = machine_live_slots(m, vm->end == VM_TRAPPED), depth = (uint64_t)(vm->cpu->frame - m->stack);
    vm_digest_bytes(vm, m->stack, depth + 8 * live);
}

const struct vm_kind vm_kind_language = {
    .name = "language",
    .recognise = language_recognise,
    .open = language_open,
    .close = language_close,
    .digest = language_digest,
};
