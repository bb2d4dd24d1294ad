/* wasm_machine.h - a WebAssembly virtual machine: what the files of language/ that run wasm share.
 *
 * A machine is one store with its instances, one guest stack, one cpu. A module's imports are other instances that
 * were given a name, or host functions (rows of struct host_function). Code of an instance runs with that instance's
 * memory bound; calls of imported functions, and indirect calls that leave the instance, come here as exits:
 *
 *   frame of the caller | frame of the import | frame of the function in the other instance
 *
 * where the last one returns to a stub (WASM_RETURN_STUB + the type's index in the caller's module), which comes here
 * again to bind the caller's memory and hand the results down.
 */
#ifndef LANGUAGE_WASM_MACHINE_H
#define LANGUAGE_WASM_MACHINE_H

#include "guest/wasm/wasm.h"
#include "vm/vm.h"

struct wasm_machine;
struct wasi;

/** A call of a host function: arguments in, result out. */
struct host_call {
    struct wasm_machine *machine;
    const struct wasm_instance *instance; /* the caller: its memory is what addresses mean */
    const uint64_t *args;
    enum answer answer; /* ANSWER_STOP: the function has ended the run */
    bool again;         /* it was interrupted and has done nothing: to be called again */
};

/** A function that modules may import. */
struct host_function {
    const char *module, *name;
    const char *type;                      /* parameters, colon, result: i I f F for i32 i64 f32 f64; "ii:i" */
    uint64_t (*call)(struct host_call *c); /* the result's bits, ignored when there is none */
};

/** What an imported function is: one of the host's, or one of another instance. */
struct import_target {
    const struct host_function *host;
    const struct wasm_instance *instance;
    uint32_t function;
};

struct loaded_module {
    struct loaded_module *next;
    struct wasm_module *module;
    uint8_t *bytes; /* freed with it */
    char *file;
};

struct named_instance {
    struct named_instance *next;
    struct wasm_instance *instance;
    char *name;
};

enum machine_phase { PHASE_START, PHASE_INITIALIZE, PHASE_ENTRY, PHASE_CALL };
enum { MACHINE_STACK = 8 << 20 };

struct wasm_machine {
    struct vm *vm;
    struct wasm_store *store;
    struct loaded_module *modules;
    struct named_instance *names;
    uint8_t *stack;
    struct wasi *wasi;
    /* the program */
    struct wasm_instance *program;
    enum machine_phase phase;             /* PHASE_CALL: machine_call by an embedder; ends with the call */
    const struct wasm_export *initialize; /* a function to call before it, or NULL */
    uint32_t entry;                       /* function of `program` */
    bool print_results;
    uint64_t *arguments; /* of the entry */
    /* the outermost call */
    const struct wasm_instance *called;
    uint32_t called_function;
};

static inline struct wasm_machine *machine_of(const struct vm *vm) {
    return vm->data;
}

/** Makes engine, cpu, store and stack for the vm. False with vm->error. */
bool machine_make(struct vm *vm);
void machine_free(struct wasm_machine *m);

/* wasm_link.c */
/** Reads a module (taking `bytes`, from malloc), links and instantiates it; its start function has not run. NULL with
 *error; trap, if not NULL, then says whether it was a trap of the instantiation (an exit kind) or 0. */
struct wasm_instance *machine_load(struct wasm_machine *m, uint8_t *bytes, size_t size, const char *file,
                                   struct error *error, uint32_t *trap);
/** Lets other modules import from the instance under this name. False without memory. */
bool machine_name(struct wasm_machine *m, struct wasm_instance *in, const char *name, size_t length);
struct wasm_instance *machine_named(const struct wasm_machine *m, const char *name, size_t length);

/* wasm_answer.c */
extern const struct interface wasm_interface;
/** Prepares the cpu to call a function; what happens at its end depends on m->phase. */
void machine_call(struct wasm_machine *m, const struct wasm_instance *in, uint32_t function, const uint64_t *args);
/** Calls the program's functions in turn, from m->phase on: start, initialization, entry. */
void machine_begin(struct wasm_machine *m);
/** Result number k of the function that has returned. */
uint64_t machine_result(const struct wasm_machine *m, uint32_t k);
const struct wasm_type_info *function_type(const struct wasm_instance *in, uint32_t function);
/** Live slots of the current frame. `trapped`: the instruction's own operands are not. */
uint32_t machine_live_slots(const struct wasm_machine *m, bool trapped);
/** Ends the run with a trap, for host functions. Returns 0. */
uint64_t host_trap(struct host_call *c, enum exit_kind kind, uint64_t value);
/** Ends the run by an exit status. Returns 0. */
uint64_t host_exit(struct host_call *c, int status);
/** `size` bytes at an address of the caller's memory, or NULL. */
uint8_t *host_memory(const struct host_call *c, uint32_t address, uint64_t size);

/* wasm_value.c */
/** Parses a value of the type as --invoke takes it. */
bool value_parse(const char *text, uint8_t type, uint64_t *value);
/** The shortest text that reads back as the same value; integers signed. */
void value_print(char *text, size_t size, uint8_t type, uint64_t value);

/* wasm_host.c */
const struct host_function *host_find(struct wasm_name module, struct wasm_name name);
/** Writes all of it to a host descriptor. */
bool host_write(int fd, const void *bytes, size_t size);

/* wasi.c */
extern const struct host_function wasi_functions[];
struct wasi *wasi_make(struct vm *vm);
void wasi_free(struct wasi *w);
/** Another call begins: what was interrupted before is not called again. */
void wasi_forget(struct wasi *w);

#endif
