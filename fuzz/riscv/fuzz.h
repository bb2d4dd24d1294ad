/* fuzz.h - the differential fuzzer of riscv: what its files share.
 *
 * A case is a short sequence of instructions with an initial state. It is run by the interpreter and by translated code
 * through the same script of budgets, pokes and flushes; after every stop everything architected is recorded, and the
 * records must be equal. A case follows from its seed alone; cases come in batches that share code caches and memory
 * kinds, so that a case may depend on those before it in its batch (main.c sorts that out).
 */
#ifndef FUZZ_RISCV_FUZZ_H
#define FUZZ_RISCV_FUZZ_H

#include "engine/engine.h"
#include "guest/isa.h"
#include "guest/riscv/riscv.h"
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
    STATE_MAX = 1400
};

/** How guest memory is reached. */
enum memory { MEMORY_DIRECT, MEMORY_WINDOW, MEMORY_WINDOW_END, MEMORY_SOFT, MEMORY_PAGED, MEMORY_COUNT };
enum action { ACTION_NONE, ACTION_FLUSH, ACTION_INVALIDATE, ACTION_RECHECK, ACTION_POKE, ACTION_COUNT };

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
    uint64_t counteren;
};

struct fuzz_case {
    uint64_t seed;
    enum memory memory;
    uint64_t code_base; /* guest address of the code area */
    uint32_t at;        /* offset of the sequence in it */
    bool counted, with_counters;
    bool alone; /* ends at its first stop; no system calls, nothing that depends on time */
    unsigned n, rounds, stops;
    struct instruction code[MAX_INSNS];
    struct start start[MAX_ROUNDS];
    int64_t budget[MAX_STOPS];
    uint8_t action[MAX_STOPS];
};

/** What is compared. */
struct stop {
    uint32_t kind;
    uint64_t value, pc, count, memory;
    int64_t budget;
    uint8_t state[STATE_MAX];
};
struct record {
    unsigned n;
    bool endless; /* an uncounted run would not end */
    struct stop stop[MAX_ROUNDS * MAX_STOPS];
};

/* generate.c */
/** Makes the case number `index` of a batch. */
void case_make(struct fuzz_case *c, uint64_t batch_seed, unsigned index);
/** The same, to be run elsewhere: as a Linux process would, with rows that `usable` (by row) says. */
void case_make_alone(struct fuzz_case *c, uint64_t batch_seed, unsigned index, const bool *usable);
/** Puts the sequence into bytes (at most SLOT of them); returns how many. */
unsigned case_layout(const struct fuzz_case *c, uint8_t *bytes, uint32_t *offset_of);
uint64_t data_address(enum memory memory);

/* world.c */
enum which { INTERP, COUNTED, UNCOUNTED, ENGINES };
struct world;
struct world *world_make(void);
/** Starts a batch: drops all code, sets memory up. */
void world_batch(struct world *w, uint64_t batch_seed, enum memory memory, uint64_t code_base);
/** Runs the case on both tiers. False: they differ, and `why` says at which stop and in what. */
bool world_case(struct world *w, const struct fuzz_case *c, char *why, size_t size);
/** Puts these cases' code into the code area, before any of them is run by world_alone. False: there would be a system
    call in it. */
bool world_place(struct world *w, const struct fuzz_case *c, unsigned n);
const uint8_t *world_code(const struct world *w);
/** What a Linux process would start with; and where and how the interpreter says that it ends. False: it does not. */
bool world_alone(struct world *w, const struct fuzz_case *c, struct run_case *from, struct run_result *to);
/** Instructions executed by the reference so far. */
uint64_t world_executed(const struct world *w);
const struct record *world_record(const struct world *w);
const struct engine_stats *world_stats(const struct world *w, enum which which);

/* Appends to why[size] at n. */
#define SAY(...) n += n < (int)size ? snprintf(why + n, size - (unsigned)n, __VA_ARGS__) : 0

/* report.c */
void case_print(const struct fuzz_case *c);

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
