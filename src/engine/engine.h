/* engine.h - the door of engine/: runs cpus of one guest for one interface, by interpreter or by translated code.
 *
 *   struct engine *e = engine_make(&config, &error);
 *   struct cpu *cpu = engine_cpu_make(e);       set pc, memory spaces, registers
 *   engine_run(e, cpu);                         until the interface answers ANSWER_STOP
 *
 * Errors: engine_make and engine_cpu_make return NULL with a text. Threads: one host thread runs a cpu at a time;
 * cpu_poke may be called from any thread and from signal handlers.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "core/cpu.h"
#include "core/guest.h"
#include "core/interface.h"
#include "base/error.h"

/* AUTO: what is reached for the first time is interpreted, what is reached again is translated. Much of a program runs
   once only, and translating costs more than interpreting does. */
enum tier { TIER_INTERP, TIER_BASELINE, TIER_AUTO };

/* LOG_TRAPS: the guest's traps and interrupts, or (of processes) exits; LOG_MMU: soft memory: walks, and what comes of
   them. LOG_EFFECTS: builds with checks, when the engine ends: what helpers and the guest's functions have touched. */
enum engine_log {
    LOG_GUEST = 1,
    LOG_UOPS = 2,
    LOG_HOST = 4,
    LOG_EXITS = 8,
    LOG_EFFECTS = 16,
    LOG_TRAPS = 32,
    LOG_MMU = 64
};

struct engine_config {
    const struct guest *guest;
    const struct interface *interface;
    void *self; /* for the interface's functions */
    enum tier tier;
    bool timed;        /* measure the time of translation (stats.translate_ns) */
    bool counted;      /* count instructions exactly; budgets work */
    bool check;        /* check every block after every stage */
    bool one_insn;     /* blocks of one instruction */
    bool perfmap;      /* tell perf what host code is, in /tmp/perf-PID.map ... */
    bool jitdump;      /* ... and in jit-PID.dump */
    bool one_block;    /* poison: the cache is emptied before every translation */
    bool random_flush; /* poison: the cache is emptied at random exits */
    bool poll_always;  /* poison: the interface sees EXIT_poll before every block */
    bool drop_lock;    /* poison: whoever gives up the lock waits a little, and the cache is emptied, at random */
    unsigned refuse;   /* poison: one in so many blocks counts as refused by the host; 0: none */
    size_t cache_size; /* bytes of host code; 0 for the default */
    unsigned log;      /* enum engine_log */
    void (*log_line)(void *to, const char *line);
    void *log_to;
};

/** Counts that each cpu keeps for itself. Soft memory: page walks for data and for code, what came of them in TLBs,
    what came back there without one, accesses to devices. */
struct engine_counts {
    uint64_t interpreted; /* instructions by tier 0 */
    uint64_t jtlb_misses; /* of translated code */
    uint64_t walks, fetches, tlb_fills, tlb_victims, device_reads, device_writes;
    uint64_t traps[2][TRAP_CAUSES]; /* cpu_traps.by_cause */
};
struct engine_stats {
    struct engine_counts counts; /* of all cpus */
    uint64_t loaded;             /* units taken from outside */
    uint64_t blocks, insns, uops, guest_bytes, host_bytes, translate_ns, flushes, exits[EXIT_COUNT];
    uint64_t pair_drops;
    uint64_t requests; /* times that a cpu did what others had asked for */
    uint64_t refused;  /* blocks that the host did not translate, for want of memory; they are interpreted */
};

struct engine *engine_make(const struct engine_config *config, struct error *error);
void engine_free(struct engine *e);
/** A reset cpu of the guest's kind, with no memory bound; freed by engine_cpu_free. */
struct cpu *engine_cpu_make(struct engine *e, struct error *error);
void engine_cpu_free(struct engine *e, struct cpu *cpu);
void engine_run(struct engine *e, struct cpu *cpu);

/* Several cpus of one engine, each run by a thread of its own. The loop and the answers of all of them take turns: they
 * hold the engine's lock. Guest code runs without it, and answers that wait give it up meanwhile. */
/** From an answer of this cpu: from now on other threads run cpus of this engine, too. */
void engine_share(struct engine *e, struct cpu *cpu);
/** In an answer, around what may wait: others may run the loop. */
void engine_unlock(struct engine *e);
void engine_lock(struct engine *e, struct cpu *cpu);
/** Does the cpu have the lock? While it is the only one it always has. */
bool engine_holds(const struct engine *e, const struct cpu *cpu);
/** In an answer: calls wait(arg) so that others may run the loop meanwhile. */
void engine_outside(struct engine *e, void (*wait)(void *arg), void *arg);
/** In an answer: no other cpu runs guest code until the answer is done or gives up the lock. */
void engine_stop_others(struct engine *e);
/** The same, but not for longer than it takes for what runs: one that waits for memory, in the middle of an
   instruction, is left waiting. It can only go on to its next poll, and there it stops. */
void engine_halt_others(struct engine *e);

/* Processes that share all memory with the one that made the engine, and have cpus of their own. Each may be killed at
 * any time, with the lock or without; whoever then waits for it goes on in its stead, drops all translations and tells
 * the interface (interface->died). */
/** In an answer: a cpu that has not run becomes one of a process that is about to be made. The word, 1 now, has to
    become 0 when that process has ended in whatever way. NULL: there are too many. */
uint32_t *engine_cpu_apart(struct engine *e, struct cpu *cpu);
/** In the new process, first of all. `child`: the process that made the engine is its parent. */
void engine_apart_begin(struct engine *e, struct cpu *cpu, bool child);
/** The number of the process that runs the cpu; 0: the one that made the engine. */
uint32_t engine_process(const struct cpu *cpu);
/** In an answer, before this process ends or executes another program, which ends its other threads: they do not get
    the lock any more, and it is given up. And back, if that came to nothing. */
void engine_leave(struct engine *e, struct cpu *cpu);
void engine_stay(struct engine *e, struct cpu *cpu);
/** In an answer: what is left of processes that have ended goes, and if nobody else is there any more the lock.
    True: others still share the engine. */
bool engine_bury(struct engine *e, struct cpu *cpu);
struct engine_stats engine_stats(const struct engine *e);

/** Counted code: grants n more instructions from now on; EXIT_budget comes when they are used up, exactly. */
void cpu_grant(struct cpu *cpu, int64_t n);
/** Makes the cpu come to the loop at its next poll, where the interface sees EXIT_poll, and wakes it.
 * Async-signal-safe.
 */
void cpu_poke(struct cpu *cpu);

/* What others ask of a cpu (request.c), which does it in the loop, on its own thread, before it runs guest code. */
enum cpu_request {
    REQUEST_LOOK = 1,      /* the interface sees EXIT_poll: interrupts, a wish to stop; as cpu_poke */
    REQUEST_MAPPING = 2,   /* cpu_flush_mapping */
    REQUEST_SHORTCUTS = 4, /* what leads from code to code without the loop is dropped */
    REQUEST_CODE = 8       /* code has changed: it leaves what it runs */
};
/** Virtual addresses that are mapped otherwise. size: UINT64_MAX: all. */
struct cpu_range {
    uint64_t start, size;
    uint64_t tag; /* of the address space, as the guest numbers them ... */
    bool any_tag; /* ... unless it is about all of them */
};
/** From any thread: asks for these kinds, and does not wait. */
void cpu_request(struct cpu *cpu, unsigned kinds);
/** In an answer, with the lock: that cpu is to forget what it knows of these addresses. */
void cpu_request_range(struct cpu *cpu, const struct cpu_range *range);
/** In an answer, with the lock (and no other that guest code may wait for): returns when every cpu that has been asked
    for something is out of guest code, and so does it before it runs any. Not the caller's own: its turn comes after
   the answer. */
void engine_await_requests(struct engine *e);
/** The cpu itself: forgets what it knows of these addresses. */
void cpu_flush_range(struct cpu *cpu, const struct cpu_range *range);
/** In an answer: gives up the lock and sleeps until somebody pokes the cpu, or so long, or less, and does what others
   have asked for meanwhile. True: somebody has poked it, for which the interface will see no EXIT_poll. */
bool engine_sleep(struct engine *e, struct cpu *cpu, uint64_t nanoseconds);

/** Code at guest addresses [start, start+length) is gone or has changed: drops translations. */
void engine_invalidate(struct engine *e, uint64_t start, uint64_t length);
/** MEM_SOFT: somebody other than the guest's own instructions has written to RAM; code that came from there is dropped
    before guest code is entered again, and what runs is asked to come to the loop. From any thread, with any lock or
    none. (The guest's own stores are seen by the engine.) */
void engine_written(struct engine *e, uint64_t physical, uint64_t size);
/** The page of code with this identity (fetch.page) has been written, or soon will be; or the one behind it at the next
    address. What was translated from there is compared with its bytes before it runs again. */
void engine_code_written(struct engine *e, uint64_t page);
void engine_code_written_behind(struct engine *e, uint64_t page);
/** Drops every translation. */
void engine_flush(struct engine *e);
/** Around a fork, in an answer. Before it, the code that there is becomes frozen: both processes go on with it and
    neither changes it. In the child, where this cpu is the only one, new code goes to memory of its own. False: there
   is none; nothing may run. */
void engine_fork(struct engine *e);
bool engine_fork_child(struct engine *e, struct cpu *cpu);
/** A store to this address has failed (EXIT_fault_write). True: because there is code; it may be done again. */
bool engine_store_again(struct engine *e, struct cpu *cpu, uint64_t address);
/** Compares what was translated from guest addresses [start, start + length) with the bytes that are there now, page by
    page, and drops what differs. */
void engine_recheck_code(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t length);
/** The same anywhere, of pages of which not every change is reported, in little time: it goes on where it ended the
   last time. All of them where there are few. */
void engine_recheck_some(struct engine *e, struct cpu *cpu);
/** Do several threads run cpus of this engine? */
bool engine_is_shared(const struct engine *e);
/* Translations that are kept outside, of an image: guest addresses [start, end) whose code does not change (store.c).
 * In answers and fetches only. */
/** What they depend on besides the guest's bytes and the build of vee; 0: nothing of this engine may be kept. */
uint64_t engine_code_variant(const struct engine *e, const struct cpu *cpu);
/** Offers such bytes, aligned to 16, which stay until the engine is freed: pages of code are taken from there when they
    are first looked for, if they still are the same. They are trusted but for damage. Returns how many translations
    there are; 0: these bytes are of no use, and may go. */
uint32_t engine_code_offer(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, const void *data,
                           size_t size);
/** How many translations of the image there are now that came from nowhere else. */
uint32_t engine_code_new(const struct engine *e, uint64_t start, uint64_t end);
/** All of the image as bytes, for os_free, together with what was kept before (NULL: nothing). NULL: there
    are none, or there is no memory. */
void *engine_code_save(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, const void *before,
                       size_t before_size, size_t *size);
/** How many translations are in such bytes; 0: damaged. */
uint32_t engine_code_stored(const void *data, size_t size);

/** The mapping of virtual addresses changed for this cpu: drops its TLB and everything keyed by virtual address. */
void cpu_flush_mapping(struct cpu *cpu);
/** In an answer, of a cpu that runs no guest code: all its state is as engine_cpu_make leaves it, but for its memory
    spaces, which the guest's mode selects (cpu->soft). */
void cpu_reset(struct cpu *cpu);
/** Gives a new cpu the architected state and the memory spaces (not soft ones) of another. */
void cpu_copy(struct cpu *to, struct cpu *from);
/** An answer has changed where a memory space lies (its base, not its kind). */
void cpu_memory_moved(struct cpu *cpu);

/** Reads or writes 1, 2, 4 or 8 bytes of a memory space as an instruction would. False: cpu->exit says why, nothing
    changed. Values are zero-extended. Misaligned accesses are fine. */
bool access_read(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t *value);
bool access_write(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t value);
/** The same for the sizes of wide types; no device takes them. */
bool access_read_wide(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, uint64_t *cells);
bool access_write_wide(struct cpu *cpu, unsigned space, uint64_t address, unsigned size, const uint64_t *cells);

/* For whoever is not the guest, between runs (look.c): looking changes nothing, not even where it may not look. */
/** Physical: of MEM_SOFT only; elsewhere there is nothing at such addresses. */
enum memory_address { ADDRESS_VIRTUAL, ADDRESS_PHYSICAL };
enum memory_kind { MEMORY_NONE, MEMORY_RAM, MEMORY_ROM, MEMORY_DEVICE };
/** What is at an address of memory space 0. */
enum memory_kind engine_memory(struct cpu *cpu, enum memory_address which, uint64_t address);
/** Copies from RAM and ROM, or into RAM; whether the guest may read there is not asked where its own tables say so, of
    the host's page tables it is. The number of bytes done: `size`, or as many as there are before something else. */
size_t engine_peek(struct cpu *cpu, enum memory_address which, uint64_t address, void *bytes, size_t size);
size_t engine_poke(struct cpu *cpu, enum memory_address which, uint64_t address, const void *bytes, size_t size);
/** An element of a field, as it is once guest code has been left. */
uint64_t engine_get_field(const struct cpu *cpu, unsigned field, unsigned index);
/** Writes an element of a field as software would (guest->set_field), with what follows from it. False: software cannot
    write it. */
bool engine_set_field(struct cpu *cpu, unsigned field, unsigned index, uint64_t value);
/** Where to go on. False: the guest has no addresses that anybody may choose. */
bool engine_set_pc(struct cpu *cpu, uint64_t pc);

/** Host fault handling: call from the SIGSEGV/SIGBUS handler with its siginfo and ucontext, before anything else.
    True: the fault belonged to guest code (or to access_*), the context now continues in the engine. */
bool engine_host_fault(int signal, void *siginfo, void *ucontext);

#endif
