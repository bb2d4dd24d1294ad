/* vm.h - the door of vm/: one virtual machine of any kind: its options, engine, cpus, clock, input, and what can be
 * asked of it (run, stop at an exact instruction count, digest).
 *
 * An interface (process/, machine/, language/) is a `struct vm_kind`: it recognises a file, opens it into the vm
 * (engine_make, cpus, memory), and answers exits through its `struct interface`, whose `self` is the struct vm (its own
 * data hangs on vm->data). Its answer function hands EXIT_budget to vm_answer_budget, and tells by vm_schedule when it
 * next wants control. No globals: everything hangs here.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "base/error.h"
#include "core/cpu.h"
#include "core/interface.h"
#include "core/object.h"
#include "engine/engine.h"
#include "vm/option.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct input_tap;

/** Everything a caller can ask for; strings are borrowed for the life of the vm. */
struct vm_options {
    const char *path;  /* program, image or module; NULL: none, for kinds that are opened without */
    bool program_open; /* it is open already, at program_fd, which is closed when the vm has been opened */
    int program_fd;
    const char *kind;        /* name of the kind to open it as; NULL: whichever recognises it */
    const char *const *argv; /* NULL-terminated; argv[0] as the guest sees it */
    const char *const *envp; /* NULL-terminated */
    enum tier tier;
    const char *cpu; /* what the processor is to be like; NULL: as it is */
    bool counted;    /* count instructions exactly, so that vm_run_until works and time is the count */
    bool has_seed;   /* random bytes follow from the seed */
    uint64_t seed;
    bool has_digest_at;         /* implies counted */
    uint64_t digest_at;         /* stop after exactly this many instructions and digest */
    const char *const *carried; /* words of a command line for programs that it executes; NULL-terminated, or NULL */
    const void *const *own;     /* by kind, as in vm_kinds: its own options; NULL: none are set */
    bool log_calls;             /* calls to the outside are logged */
    unsigned log;               /* enum engine_log */
    bool log_state;             /* print all state at the end of a run */
    const char *log_file;       /* the log is not on standard error; whoever takes the lines knows where it is */
    bool one_insn;              /* blocks of one instruction */
    bool perfmap, jitdump;
    bool stats;
    bool one_block, random_flush, poll_always, drop_lock, disturb, check; /* poison and debug */
    size_t cache_size;
    void (*log_line)(void *to, const char *line);
    void *log_to;
    const struct input_tap *tap; /* sees what comes from outside (vm/input.h), or NULL */
    void *tap_self;
};

struct vm_kind {
    const char *name;
    bool counted; /* counts instructions, unless vm_use_host_clock says otherwise */
    bool alone;   /* its options may say all: there need not be a file */
    struct option_table options;
    /** Is this file ours? `bytes` are its first `size` (at most 4096) bytes. */
    bool (*recognise)(const uint8_t *bytes, size_t size);
    /** Opens vm->options.path into a runnable vm. False with vm->error. On failure everything is as before. */
    bool (*open)(struct vm *vm);
    /** Frees what open made, engine and cpus included. */
    void (*close)(struct vm *vm);
    /** What hangs on vm->data; NULL: nothing. */
    const struct object_type *(*state)(void);
    /** Its cpus, one after the other (NULL: the first; returns NULL: no more). NULL: there is only vm->cpu. */
    struct cpu *(*next_cpu)(struct vm *vm, struct cpu *previous);
    /** Runs until vm->end says that it is over. NULL: vm->cpu runs. */
    void (*run)(struct vm *vm);
};

enum vm_end { VM_RUNNING, VM_EXITED, VM_SIGNALED, VM_TRAPPED, VM_POWERED_OFF, VM_AT_COUNT, VM_STOPPED };

struct vm {
    struct vm_options options;
    const struct vm_kind *kind;
    struct engine *engine;
    struct cpu *cpu; /* the first one */
    void *data;      /* the kind's own */
    const void *own; /* and its options */
    struct error error;
    enum vm_end end;
    int status;         /* exit status, signal number or exit kind, as `end` says */
    uint64_t end_value; /* trap: its value */
    bool core;          /* signal: there is a core file */
    char *output;       /* text that a run yields besides what the guest writes (values of an invoked function): for the
                           program to print; the kind's malloc, freed by vm_close; or NULL */
    struct cpu *running;  /* where cpus take turns on one thread: the one whose turn it is; NULL: vm->cpu */
    uint64_t others;      /* counted: instructions of all cpus but that one */
    uint64_t turn_end;    /* instruction count at which the turn is another cpu's, 0: never */
    uint64_t next_event;  /* instruction count at which the kind wants control, UINT64_MAX: never */
    uint64_t stop_at;     /* instruction count at which the run is to stop, UINT64_MAX: never */
    bool counted;         /* from options and kind */
    uint32_t stopping;    /* vm_ask_stop was called */
    uint64_t clock_base;  /* of vm_clock_ns: what it adds */
    uint64_t clock_held;  /* and where it stands still; 0: it does not */
    uint64_t random;      /* of vm_random in counted vms */
    bool enclosed;        /* see input_enclose */
    uint64_t disturbance; /* of disturb.c */
};

/** The kinds that are built in, from parts.def: NULL-terminated. */
extern const struct vm_kind *const vm_kinds[];

/** Opens options->path with the kind that recognises it. NULL with *error. */
struct vm *vm_open(const struct vm_options *options, struct error *error);
/** Runs until the end (vm->end says which), to vm->stop_at (at first options.digest_at, if that is set), or until
    vm_ask_stop. A vm that stopped at a count or because it was asked may be run again. */
void vm_run(struct vm *vm);
/** Asks the run to end at the next poll, as VM_STOPPED. From any thread and from signal handlers. */
void vm_ask_stop(struct vm *vm);
void vm_close(struct vm *vm);
/* All state of a vm is in rows (core/object.h), and these are what walks them. Between runs. */
const struct object_type *vm_type(void);
void vm_walk(struct vm *vm, struct visitor *v);
/** 64-bit digest (xxh64) of all state. */
uint64_t vm_digest(struct vm *vm);
/** The same as lines of text. */
void vm_text(struct vm *vm, void (*line)(void *to, const char *line), void *to);

/** For kinds: fills *config from the options (tier, counted, poison, log), guest, interface and self. */
void vm_engine_config(struct vm *vm, const struct guest *guest, const struct interface *interface,
                      struct engine_config *config);
/** Counted vms: instructions of all cpus together; this is what counts of a vm mean, and its time. */
static inline uint64_t vm_count(const struct vm *vm) {
    return vm->others + cpu_count(vm->running ? vm->running : vm->cpu);
}
/** For kinds whose cpus take turns: it is this one's now, up to a count. */
void vm_turn(struct vm *vm, struct cpu *cpu, uint64_t end);
/** For kinds that count (struct vm_kind), while one is opened, before it has a cpu: this one does not. */
void vm_use_host_clock(struct vm *vm);
/** For answer functions, on EXIT_budget: STOP at the requested count, else grants anew and says RESUME; sets *event
    to whether the scheduled event's count has been reached. */
enum answer vm_answer_budget(struct vm *vm, struct cpu *cpu, bool *event);
/** Control is wanted when the instruction count reaches `count` (counted vms only). May be called at any exit. */
void vm_schedule(struct vm *vm, struct cpu *cpu, uint64_t count);
/** For answer functions, at any exit: what a tap has to give may be due at another count (input_due). */
void vm_grant(struct vm *vm, struct cpu *cpu);
/** For answer functions, on EXIT_poll, before anything else: true if the run is to stop (return ANSWER_STOP then). */
bool vm_answer_poll(struct vm *vm);
/** Ends the run: for answer functions that return ANSWER_STOP. */
enum answer vm_stop(struct vm *vm, enum vm_end end, int status, uint64_t value);

/* Time (clock.c) and chance (input.c); all else that comes from outside: vm/input.h. */
/** Nanoseconds since the vm was opened. In counted vms an instruction takes one, so that time is as reproducible as the
    rest, and idle time is added by vm_clock_advance. */
uint64_t vm_clock_ns(struct vm *vm);
/** Nanoseconds since 1970. In counted vms every run begins on the same day. */
uint64_t vm_date_ns(struct vm *vm);
void vm_clock_advance(struct vm *vm, uint64_t ns);
/** Host time: it stands still, or goes on from there. While nobody else looks. */
void vm_clock_hold(struct vm *vm, bool hold);
/** Random bytes; in counted vms the same ones in every run. */
void vm_random(struct vm *vm, void *bytes, size_t size);

#endif
