/* wasm.c - the language WebAssembly: its table, what its programs export, where their code is. */
#include "language/wasm/machine.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const struct wasm_type_info *function_type(const struct wasm_instance *in, uint32_t function) {
    return &in->module->types[in->module->functions[function].type];
}

static bool recognise(const uint8_t *bytes, size_t size) {
    return size >= 4 && !memcmp(bytes, "\0asm", 4);
}

/* ---- making */

static bool make(struct language_machine *machine) {
    struct wasm_machine *m = wasm_machine(machine);
    struct vm *vm = machine->vm;
    m->wasi = wasi_make(vm);
    if (!m->wasi) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    m->store = wasm_store_make(&vm->error);
    if (!m->store) return false;
    wasm_store_bind(m->store, vm->cpu);
    return true;
}

static void release(struct language_machine *machine) {
    struct wasm_machine *m = wasm_machine(machine);
    wasm_store_free(m->store);
    wasi_free(m->wasi);
    for (struct named_instance *n = m->names, *next; n; n = next) {
        next = n->next;
        free(n->name);
        free(n);
    }
}

static bool load(struct language_machine *machine, struct language_file *file) {
    struct wasm_machine *m = wasm_machine(machine);
    m->program = wasm_load(m, file, &machine->vm->error, NULL);
    return m->program != NULL;
}

static void unload(void *code) {
    wasm_module_free(code);
}

/* ---- what programs export */

static bool find(struct language_machine *machine, const char *name, struct language_function *f) {
    const struct wasm_instance *in = wasm_machine(machine)->program;
    const struct wasm_export *e = wasm_export_find(in->module, name, strlen(name));
    if (!e || e->kind != WASM_FUNCTION) return false;
    *f = (struct language_function){in, e->index};
    return true;
}

static size_t name_at(struct language_machine *machine, uint32_t k, const char **name) {
    const struct wasm_module *module = wasm_machine(machine)->program->module;
    for (uint32_t n = 0; n < module->nexports; n++) {
        const struct wasm_export *e = &module->exports[n];
        if (e->kind != WASM_FUNCTION || k--) continue;
        *name = e->name.text;
        return e->name.length;
    }
    return 0;
}

static bool start(struct language_machine *machine, struct language_function *f) {
    const struct wasm_instance *in = wasm_machine(machine)->program;
    *f = (struct language_function){in, in->module->start};
    return in->module->start != UINT32_MAX;
}

static struct language_signature signature(const struct language_function *f) {
    const struct wasm_type_info *t = function_type(f->unit, f->index);
    return (struct language_signature){t->nparams, t->nresults, t->params, t->results};
}

enum value_type wasm_value_type(uint8_t code) {
    switch (code) {
    case WASM_I32: return VALUE_I32;
    case WASM_I64: return VALUE_I64;
    case WASM_F32: return VALUE_F32;
    case WASM_F64: return VALUE_F64;
    default: return VALUE_REFERENCE;
    }
}

static const char *name_of_type(uint8_t code) {
    return wasm_type_name(code);
}

static void print_reference(char *text, size_t size, uint8_t code, uint64_t value) {
    if (code == WASM_EXTERNREF)
        snprintf(text, size, "extern %" PRIu64, value - 1);
    else
        snprintf(text, size, "func 0x%" PRIx64, value & ((UINT64_C(1) << WASM_REF_TYPE_SHIFT) - 1));
}

/* ---- where code is */

/* Code never changes, so one page identity an instance will do. */
static void fetch(struct language_machine *machine, uint64_t pc, struct fetch *f) {
    static const uint8_t stub[1];
    const struct wasm_instance *in = wasm_instance_of(wasm_machine(machine)->store, pc);
    if (!in) {
        f->fault = EXIT_fault_fetch;
        return;
    }
    *f = (struct fetch){.bytes = stub, .avail = 1, .page = in->id + 1, .unit = in};
    if ((uint32_t)pc >= WASM_STUB) return;
    const struct wasm_function *function = wasm_function_at(in->module, (uint32_t)pc);
    if (!function) {
        f->fault = EXIT_fault_fetch;
        return;
    }
    f->bytes = in->module->bytes + (uint32_t)pc;
    f->avail = function->end - (uint32_t)pc;
}

static void where(const struct language_machine *machine, char *text, size_t size) {
    const uint64_t pc = machine->vm->cpu->pc;
    const struct wasm_instance *in = wasm_instance_of(((const struct wasm_machine *)machine)->store, pc);
    const struct wasm_function *f = in ? wasm_function_at(in->module, (uint32_t)pc) : NULL;
    if (!f) {
        snprintf(text, size, "an imported function");
        return;
    }
    const uint32_t index = wasm_function_index(in->module, f);
    const struct wasm_name name = wasm_function_name(in->module, index);
    snprintf(text, size, "function %u%s%.*s%s at offset 0x%x of %s", index, name.length ? " (" : "",
             (int)(name.length < 100 ? name.length : 100), name.length ? name.text : "", name.length ? ")" : "",
             (uint32_t)pc, in->module->file);
}

static const struct host_function *const functions[] = {wasm_functions, wasi_functions, NULL};

const struct language language_wasm = {
    .name = "wasm",
    .guest = &guest_wasm,
    .machine_size = sizeof(struct wasm_machine),
    .most_file = WASM_MAX_FILE,
    .entries = "_start main",
    .prepare = "_initialize",
    .functions = functions,
    .recognise = recognise,
    .make = make,
    .free = release,
    .load = load,
    .unload = unload,
    .find = find,
    .name_at = name_at,
    .start = start,
    .signature = signature,
    .call = wasm_call,
    .result = wasm_result,
    .value_type = wasm_value_type,
    .type_name = name_of_type,
    .print_reference = print_reference,
    .answer = wasm_answer,
    .fetch = fetch,
    .where = where,
    .live = wasm_live,
    .state = wasm_machine_type,
    .number = wasm_number,
};
