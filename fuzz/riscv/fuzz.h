/* fuzz.h - the differential fuzzer of riscv: what its files share.
 *
 * A case is a short sequence of instructions with an initial state. It is run by the interpreter and by translated code
 * through the same script of budgets, pokes and flushes; after every stop everything architected is recorded, and the
 * records must be equal. A case follows from its seed alone; cases come in batches that share code caches and memory
 * kinds, so that a case may depend on those before it in its batch (main.c sorts that out).
 */
#ifndef FUZZ_RISCV_FUZZ_H
#define FUZZ_RISCV_FUZZ_H

#include "core/object.h"
#include "engine/engine.h"
#include "guest/isa.h"
#include "guest/riscv/riscv.h"
#include "mem/phys.h"
#include "protocol.h"

enum {
    MAX_INSNS = 48,
    MAX_STOPS = 12,
    MAX_ROUNDS = 2,
    BATCH = 64, /* cases that share an engine's caches */
    SLOT = 256, /* bytes of code area for one case */
    PAGE = 4096,
    CODE_SIZE = BATCH * SLOT,
    DATA_SIZE = 2 * PAGE, /* readable and writable; a page that can only be read follows, nothing before and behind */
    TABLES_SIZE = 3 * PAGE,
    LOOP_REG = 31,
    STATE_MAX = 200
};

/* Where things are in physical memory (the soft kinds), in this order: data, the page to read, page tables, code. */
enum {
    PHYSICAL_DATA = 0x80001000,
    PHYSICAL_TABLES = PHYSICAL_DATA + DATA_SIZE + PAGE,
    PHYSICAL_CODE = PHYSICAL_TABLES + TABLES_SIZE,
    PHYSICAL_SIZE = DATA_SIZE + PAGE + TABLES_SIZE + CODE_SIZE
};

/** How guest memory is reached. */
enum memory { MEMORY_DIRECT, MEMORY_WINDOW, MEMORY_WINDOW_END, MEMORY_SOFT, MEMORY_PAGED, MEMORY_COUNT };
enum action { ACTION_NONE, ACTION_FLUSH, ACTION_INVALIDATE, ACTION_RECHECK, ACTION_POKE, ACTION_COUNT };

/** What the cases of a batch have in common. */
struct batch {
    uint64_t seed;
    enum memory memory;
    uint64_t code_base;   /* guest address of the code area */
    enum riscv_priv priv; /* other than U: the cpu handles its own traps */
    bool changes_code;    /* cases may write to code, which is then in writable memory */
    unsigned variant;     /* of the translated side */
};

/* Privileged state that a case may start with, by field. */
enum { STARTS = 18 };
extern const uint8_t start_fields[STARTS];

struct instruction {
    uint32_t bits;
    uint8_t length;
    int16_t target; /* index of the instruction that it jumps to, or -1 */
};

/** Initial values; an address of code is given as an instruction's index. */
struct start {
    uint64_t x[32], f[32];
    int16_t label[32]; /* by x register: an instruction whose address it holds, or -1 */
    uint32_t frm, fflags, fs, cbo;
    uint64_t counteren, csr[STARTS];
    int16_t mtvec, stvec; /* as instructions */
    uint64_t small_pmp;   /* pmpaddr of a small region with rights of its own, or 0 */
    uint8_t small_rights;
};

struct fuzz_case {
    struct batch batch;
    uint64_t seed;
    uint32_t at; /* offset of the sequence in the code area */
    bool counted, with_counters;
    bool alone; /* ends at its first stop; no system calls, nothing that depends on time */
    unsigned n, rounds, stops;
    struct instruction code[MAX_INSNS];
    struct start start[MAX_ROUNDS];
    int64_t budget[MAX_STOPS];
    uint8_t action[MAX_STOPS];
};

/** What is compared: how it stopped, memory, and every number of the cpu's state. */
struct number {
    uint64_t value;
    const struct field *field;
    unsigned index;
};
struct stop {
    uint32_t kind;
    uint64_t value, pc, count, memory;
    int64_t budget;
    unsigned numbers;
    struct number state[STATE_MAX];
};
struct record {
    unsigned n;
    bool endless; /* an uncounted run would not end */
    struct stop stop[MAX_ROUNDS * MAX_STOPS];
};

/* generate.c */
/** What follows from a batch's seed. */
struct batch batch_make(uint64_t seed);
struct batch batch_make_alone(uint64_t seed);
/** Makes the case number `index` of a batch. */
void case_make(struct fuzz_case *c, const struct batch *batch, unsigned index);
/** The same, to be run elsewhere: as a Linux process would, with rows that `usable` (by row) says. */
void case_make_alone(struct fuzz_case *c, const struct batch *batch, unsigned index, const bool *usable);
/** Puts the sequence into bytes (at most SLOT of them); returns how many. */
unsigned case_layout(const struct fuzz_case *c, uint8_t *bytes, uint32_t *offset_of);
uint64_t data_address(enum memory memory);
/** MEMORY_PAGED: where code is when addresses are translated. */
uint64_t virtual_code(void);

/* memory.c */
struct world;
/** The memory part of a world; exits on failure. */
void memory_make(struct world *w);
/** Sets memory up as a batch wants it, with no code in it. */
void memory_batch(struct world *w);
/** Everything that can be written is as it was at the batch's start; code, too. */
void memory_reset(struct world *w);
uint64_t memory_digest(const struct world *w);
/** Offset in the code area, or something not below CODE_SIZE. */
uint64_t code_offset(const struct world *w, uint64_t pc);
extern const struct interface fuzz_interface;

/* world.c */
enum { INTERP, VARIANTS = 8 }; /* of engines: the reference and others */
struct world {
    bool asked_counter; /* some instruction has read a clock or counter */
    struct engine *engine[VARIANTS];
    struct cpu *cpu[VARIANTS];
    struct tlb *tlb[VARIANTS];
    struct tlb_views *views;
    struct phys phys;
    struct record record[2];
    struct batch batch;
    uint8_t *data, *code;        /* now: host addresses */
    uint8_t *home[MEMORY_COUNT]; /* the data pages of each kind */
    uint8_t *window[MEMORY_COUNT];
    uint8_t *tables, *other_code;
    uint8_t fresh[DATA_SIZE], fresh_tables[TABLES_SIZE], fresh_code[CODE_SIZE];
    const struct fuzz_case *now;
    uint64_t device, executed;
    unsigned traps;
};
/** log: enum engine_log, for standard output. */
struct world *world_make(unsigned log);
void world_engines_free(struct world *w);
/** Starts a batch: drops all code, sets memory up. */
void world_batch(struct world *w, const struct batch *batch);
/** Runs the case on both tiers. False: they differ, and `why` says at which stop and in what. */
bool world_case(struct world *w, const struct fuzz_case *c, char *why, size_t size);
/** Puts these cases' code into the code area, before any of them is run by world_alone. False: there would be a system
    call in it. */
bool world_place(struct world *w, const struct fuzz_case *c, unsigned n);
/** What a Linux process would start with; and where and how the interpreter says that it ends. False: it does not. */
bool world_alone(struct world *w, const struct fuzz_case *c, struct run_case *from, struct run_result *to);

/* Appends to why[size] at n. */
#define SAY(...) n += n < (int)size ? snprintf(why + n, size - (unsigned)n, __VA_ARGS__) : 0

/* report.c */
void case_print(const struct fuzz_case *c);
void record_print(const struct record *rec);

/* shrink.c */
/** Makes the case at *c smaller while fails(context) is true of it. */
void case_shrink(struct fuzz_case *c, bool (*fails)(void *context), void *context);

/* against.c */
struct against_options {
    const char *command, *without;
    uint64_t seed, insns, replay;
    double seconds;
    int index;
    bool verbose, replays;
};
/** Runs cases in the runner, which `command` starts, and compares with the interpreter. Exit status as main's. */
int against_run(const struct against_options *o);

#endif
