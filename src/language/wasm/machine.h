/* machine.h - a machine of the language WebAssembly: what the files of language/wasm/ share.
 *
 * A machine is one store with its instances. A module's imports are other instances that were given a name, or host
 * functions. Code of an instance runs with that instance's memory bound; calls of imported functions, and indirect
 * calls that leave the instance, come here as exits:
 *
 *   frame of the caller | frame of the import | frame of the function in the other instance
 *
 * where the last one returns to a stub (WASM_RETURN_STUB + the type's index in the caller's module), which comes here
 * again to bind the caller's memory and hand the results down.
 */
#ifndef LANGUAGE_WASM_MACHINE_H
#define LANGUAGE_WASM_MACHINE_H

#include "guest/wasm/wasm.h"
#include "language/language.h"

struct wasi;

/** What an imported function is: one of the host's, or one of another instance. */
struct import_target {
    const struct host_function *host;
    const struct wasm_instance *instance;
    uint32_t function;
};

struct named_instance {
    struct named_instance *next;
    struct wasm_instance *instance;
    char *name;
};

struct wasm_machine {
    struct language_machine machine;
    struct wasm_store *store;
    struct named_instance *names;
    struct wasi *wasi;
    struct wasm_instance *program;
};

static inline struct wasm_machine *wasm_machine_of(const struct vm *vm) {
    return vm->data;
}
static inline struct wasm_machine *wasm_machine(struct language_machine *m) {
    return (struct wasm_machine *)m;
}
static inline struct wasm_machine *host_machine(const struct host_call *c) {
    return (struct wasm_machine *)c->machine;
}
/** `size` bytes at an address of the caller's memory, or NULL. */
static inline uint8_t *host_memory(const struct host_call *c, uint32_t address, uint64_t size) {
    return wasm_memory_at(c->unit, address, size);
}

extern const struct language language_wasm;

/* wasm.c */
const struct wasm_type_info *function_type(const struct wasm_instance *in, uint32_t function);
enum value_type wasm_value_type(uint8_t code);

/* state.c */
const struct object_type *wasm_machine_type(void);
/** The number of an instance, from 1; 0: there is none. */
uint64_t wasm_number(const void *instance);

/* link.c */
/** Reads, links and instantiates a module that was kept; its start function has not run. NULL with *error; trap, if not
    NULL, then says whether it was a trap of the instantiation (an exit kind) or 0. */
struct wasm_instance *wasm_load(struct wasm_machine *m, struct language_file *file, struct error *error,
                                uint32_t *trap);
/** Lets other modules import from the instance under this name. False without memory. */
bool wasm_name_instance(struct wasm_machine *m, struct wasm_instance *in, const char *name, size_t length);
struct wasm_instance *wasm_instance_named(const struct wasm_machine *m, const char *name, size_t length);

/* call.c */
/** Makes the cpu's memory spaces the instance's. */
void wasm_bind(const struct wasm_instance *in, struct cpu *cpu);
/** A function's stub or an indirect call that leaves the instance has been reached. */
enum answer wasm_answer(struct language_machine *machine, struct cpu *cpu);
uint64_t wasm_live(const struct language_machine *machine, bool trapped);
/** Prepares the cpu to call a function. */
void wasm_call(struct language_machine *machine, const struct language_function *f, const uint64_t *args);
uint64_t wasm_result(const struct language_machine *machine, uint32_t k);

/* host.c, wasi.c */
extern const struct host_function wasm_functions[], wasi_functions[];
struct wasi *wasi_make(struct vm *vm);
void wasi_free(struct wasi *w);
/** Another call begins: what was interrupted before is not called again. */
void wasi_forget(struct wasi *w);

#endif
