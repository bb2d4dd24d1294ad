/* language.h - what machines of every language share, and the table by which a language plugs in (language.def).
 *
 * The common part owns the vm's engine and cpu, the guest stack, the files that were read, host functions' ways out,
 * and the order of calls: what the language wants to run first, then the function that was asked for. A language knows
 * its files, what they import, how a function is called, and what its exits mean. Its struct begins with `struct
 * language_machine`.
 */
#ifndef LANGUAGE_LANGUAGE_H
#define LANGUAGE_LANGUAGE_H

#include "language/value.h"
#include "vm/vm.h"
#include <string.h>

struct host_function;
struct language;

/** A function of the program's. */
struct language_function {
    const void *unit; /* what it is in: the language's (of wasm an instance) */
    uint32_t index;
};

/** Types are the language's codes. */
struct language_signature {
    uint32_t nparams, nresults;
    const uint8_t *params, *results;
};

/** A file that was read; in memory as long as the machine. */
struct language_file {
    struct language_file *next;
    uint8_t *bytes;
    size_t size;
    char *name;
    void *code; /* what the language made of it; or NULL */
};

/** What such a machine alone can be asked for (option.def). */
struct language_options {
#define O(name, letter, argument, type, field, ...) OPTION_FIELD_##type(field)
#include "language/option.def"
};

enum language_phase {
    PHASE_START,      /* what the program wants to be called first */
    PHASE_INITIALIZE, /* what is called before a function that was asked for by name */
    PHASE_ENTRY,
    PHASE_CALL /* a call by an embedder: ends with it */
};
enum { LANGUAGE_STACK = 8 << 20 };

struct language_machine {
    struct vm *vm;
    const struct language *language;
    uint8_t *stack; /* LANGUAGE_STACK bytes */
    struct language_file *files;
    enum language_phase phase;
    struct language_function entry;
    uint64_t *arguments; /* of the entry */
    uint32_t narguments;
    bool print_results;
    struct language_function called; /* the outermost call */
};

struct language {
    const char *name;
    const struct guest *guest;
    size_t machine_size; /* of the struct that begins with a struct language_machine */
    size_t most_file;    /* bytes */
    const char *entries; /* names of functions that a program begins with, the first that there is; blanks between */
    const char *prepare; /* name of one that is called before a function that was asked for; or NULL */
    const struct host_function *const *functions; /* that programs may import: lists, NULL-terminated */

    bool (*recognise)(const uint8_t *bytes, size_t size);
    /** Makes what hangs on engine and cpu. False with vm->error; free is called in any case. */
    bool (*make)(struct language_machine *m);
    void (*free)(struct language_machine *m);
    /** Makes a program of a file that was kept: reads, checks and links it. False with vm->error. */
    bool (*load)(struct language_machine *m, struct language_file *file);
    void (*unload)(void *code);

    /** The program's function of this name that may be called from outside. False: there is none. */
    bool (*find)(struct language_machine *m, const char *name, struct language_function *f);
    /** Name number k of those, for a list of what there is. Length 0: no more. */
    size_t (*name_at)(struct language_machine *m, uint32_t k, const char **name);
    /** What the program wants to be called before everything else. False: nothing. */
    bool (*start)(struct language_machine *m, struct language_function *f);
    struct language_signature (*signature)(const struct language_function *f);
    /** Prepares the cpu to call a function. */
    void (*call)(struct language_machine *m, const struct language_function *f, const uint64_t *args);
    /** The outermost function has returned: its result number k. */
    uint64_t (*result)(const struct language_machine *m, uint32_t k);
    /** How a value of a type (the language's code) is written; references are the language's own. */
    enum value_type (*value_type)(uint8_t type);
    const char *(*type_name)(uint8_t type);
    void (*print_reference)(char *text, size_t size, uint8_t type, uint64_t value);

    /** Any exit but requests from outside; that the outermost function has returned is told by language_finished. */
    enum answer (*answer)(struct language_machine *m, struct cpu *cpu);
    void (*fetch)(struct language_machine *m, uint64_t pc, struct fetch *f);
    /** Where the cpu is, behind "TRAP in ", for people. */
    void (*where)(const struct language_machine *m, char *text, size_t size);
    /** Bytes of the current frame that mean something. `trapped`: the instruction's own operands do not. */
    uint64_t (*live)(const struct language_machine *m, bool trapped);
    /** What of its struct is state (core/object.h), besides the struct language_machine in it. */
    const struct object_type *(*state)(void);
    /** The number of what a function is in, from 1. */
    uint64_t (*number)(const void *unit);
};

static inline struct language_machine *language_machine_of(const struct vm *vm) {
    return vm->data;
}

/* state.c */
const struct object_type *language_machine_type(void);
/* language.c */
/** Makes engine, cpu and stack for the vm, and what the language wants. False with vm->error. */
bool language_make(struct vm *vm, const struct language *language);
void language_free(struct language_machine *m);
/** Takes bytes (from malloc) for the life of the machine. NULL with *error: they are freed. */
struct language_file *language_keep(struct language_machine *m, uint8_t *bytes, size_t size, const char *name,
                                    struct error *error);
/** Ends the run with a trap. */
enum answer language_trap(struct language_machine *m, enum exit_kind kind, uint64_t value);

/* invoke.c */
/** Finds the program's entry and takes its arguments from the options. False with vm->error. */
bool language_choose(struct language_machine *m);
/** Calls the program's functions in turn, from m->phase on. */
void language_begin(struct language_machine *m);
/** Calls one; what happens at its end depends on m->phase. */
void language_call(struct language_machine *m, const struct language_function *f, const uint64_t *args);
/** The outermost function has returned. */
enum answer language_finished(struct language_machine *m);

/* host.c: functions of the host that programs import */

/** A call of one: arguments in, result out. */
struct host_call {
    struct language_machine *machine;
    const void *unit; /* the caller's: what addresses mean is the language's business */
    const uint64_t *args;
    enum answer answer; /* ANSWER_STOP: the function has ended the run */
    bool again;         /* it was interrupted and has done nothing: to be called again */
};

struct host_function {
    const char *module, *name;
    const char *type;                      /* parameters, colon, result: i I f F, see value_letter; "ii:i" */
    uint64_t (*call)(struct host_call *c); /* the result's bits, ignored when there is none */
};

/** The language's host function of these names; NULL: there is none. */
const struct host_function *host_find(const struct language *l, const char *module, size_t module_length,
                                      const char *name, size_t name_length);
/** Is the signature what the function's row says? */
bool host_type_is(const struct host_function *f, const struct language *l, const struct language_signature *s);
/** Ends the run with a trap, for host functions. Returns 0. */
uint64_t host_trap(struct host_call *c, enum exit_kind kind, uint64_t value);
/** Ends the run by an exit status. Returns 0. */
uint64_t host_exit(struct host_call *c, int status);
/** Prints values of these letters (value_letter) on a line of standard output. Returns 0. */
uint64_t host_print(const uint64_t *args, const char *letters);
/** Writes all of it to a host descriptor. */
bool host_write(int fd, const void *bytes, size_t size);

#endif
