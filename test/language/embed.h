/* embed.h - modules and single calls in a machine that a test makes itself. */
#ifndef TEST_LANGUAGE_EMBED_H
#define TEST_LANGUAGE_EMBED_H

#include "language/wasm/machine.h"

/** Takes `bytes` (from malloc): see wasm_load. */
static inline struct wasm_instance *embed_load(struct wasm_machine *m, uint8_t *bytes, size_t size, const char *name,
                                               struct error *error, uint32_t *trap) {
    struct language_file *file = language_keep(&m->machine, bytes, size, name, error);
    return file ? wasm_load(m, file, error, trap) : NULL;
}

/** Prepares a call that ends with itself, for vm_run. */
static inline void embed_call(struct wasm_machine *m, const struct wasm_instance *in, uint32_t function,
                              const uint64_t *args) {
    const struct language_function f = {in, function};
    m->machine.phase = PHASE_CALL;
    m->machine.vm->end = VM_RUNNING;
    language_call(&m->machine, &f, args);
}

#endif
