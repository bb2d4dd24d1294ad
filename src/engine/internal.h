/* internal.h - what the files of engine/ share: the engine struct, units, and the steps of the loop.
 *
 * A unit is what one block became: uops for the interpreter, host code for the baseline tier; both live in the same
 * hash table under {pc, page, ctx}. Units are never freed one by one: a stale one leaves the table (and its host code
 * forwards to the dispatcher); memory comes back when everything is flushed.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "base/arena.h"
#include "base/lock.h"
#include "core/host.h"
#include "engine/engine.h"
#include "mem/mem.h"
#include "mem/phys.h"

struct unit {
    struct unit *next;      /* in the hash chain */
    struct unit *page_next; /* in its page's list */
    uint64_t pc, page, ctx;
    uint32_t bytes;
    uint16_t ninsns;
    bool stale;
    bool held;       /* its page has been written: its entries lead to the loop, until it has been compared */
    bool checks;     /* its code compares itself */
    bool switchable; /* its entries may be redirected while other cpus run it */
    bool kept;       /* came from store.c */
    bool crosses;    /* an instruction has bytes on the next page */
    bool has_code;   /* `data` begins with the bytes that it came from, to compare with those that are there later */
    bool ready;      /* baseline: its host code may be entered, even by who has not the lock */
    bool by_uops;    /* interpreted: all units of the interpreter's tier; else what the host has refused */
    union {
        const struct block *block; /* by_uops */
        struct {
            uint32_t poll_entry, entry, lookup, end; /* baseline: offsets in the cache */
        };
    };
    uint8_t data[]; /* the bytes; baseline: marks (host.h) */
};
static inline size_t unit_code_size(const struct unit *u) {
    return u->has_code ? u->bytes : 0;
}
static inline const uint8_t *unit_marks(const struct unit *u) {
    return u->data + unit_code_size(u);
}

/** A page that code was translated from, and its units. */
struct code_page {
    struct code_page *next;
    struct code_page *next_at; /* where there are copies only: by address */
    uint64_t page, start;      /* identity; guest address of the page's first byte as seen by the first unit */
    const uint8_t *bytes;      /* host address of the page's first byte; NULL: only read_code may read it */
    size_t size;
    struct unit *units;
    uint64_t parts;     /* MEM_SOFT: 64ths of the page that units came from, as bits; read without the lock */
    struct unit *stale; /* some that were, the latest first: links and return addresses may still lead there */
    struct code_page *next_explicit, *next_open; /* in the engine's lists */
    uint64_t since;                              /* of `heat`; open: when it became so; nanoseconds */
    uint32_t heat, opened;                       /* how often it was written lately; how often it became open */
    uint8_t state;                               /* enum page_state */
    uint8_t watch;                               /* enum code_watch, while it is calm */
    bool looked;                                 /* for what is kept of it outside */
    bool listed;                                 /* among the explicit ones */
    bool crosses;                                /* there are units with bytes on the page behind it */
};
/** What is known of a page's changes (change.c). */
enum page_state {
    PAGE_NEW,  /* nothing: nobody has looked yet */
    PAGE_CALM, /* it is watched, as far as it can be; its units are as good as their bytes were then */
    PAGE_HELD, /* it has been written since: so are its units */
    PAGE_OPEN  /* it is written all the time, and not watched: its units compare themselves */
};

/* Bits of engine.seen, by a hash of what a unit is found by. Two units that share a bit share their first time too. */
enum { SEEN_BITS = LIMIT_SEEN_BITS, SEEN_BITS_SOFT = LIMIT_SEEN_BITS_SOFT };
enum {
    UNIT_BUCKETS = LIMIT_UNIT_BUCKETS,
    PAGE_BUCKETS = LIMIT_PAGE_BUCKETS,
    CACHE_DEFAULT = LIMIT_CACHE,
    CACHE_SOFT = LIMIT_CACHE_SOFT,
    WRITTEN_GRAIN = LIMIT_WRITTEN_GRAIN,
    CACHE_PAGE = 4096,
    LINK_BYTES = 8,
    THAW_GRAIN = LIMIT_THAW_GRAIN,

    PAIR_STACK = LIMIT_PAIR_STACK,
    SPARES = LIMIT_SPARES
};

/** How many processes may share an engine's memory: bits of a runner's id. */
enum { PROCESS_BITS = LIMIT_PROCESS_BITS, PROCESSES = 1 << PROCESS_BITS };

/* What others have asked of a cpu (request.c). */
enum { REQUEST_RANGES = LIMIT_REQUESTS, REQUEST_PAGES = LIMIT_REQUESTS };
enum { REQUEST_RANGES_BIT = 1 << 8, REQUEST_PAGES_BIT = 1 << 9 }; /* with enum cpu_request: the lists have something */
struct requests {
    uint32_t kinds; /* set by any thread; the rest is the lock's */
    uint32_t nranges, npages;
    struct cpu_range ranges[REQUEST_RANGES];
    const uint8_t *pages[REQUEST_PAGES]; /* by host address: stores there must be seen from now on */
};
/* What others than cpus have written to pages with code (soft.c). */
enum { WRITTEN = LIMIT_WRITTEN };
struct written_part {
    uint64_t page;
    uint32_t offset, size;
};
struct written {
    uint32_t busy; /* somebody has all of this, for a moment */
    uint32_t n;    /* may be looked at without; WRITTEN + 1: there were more */
    struct written_part list[WRITTEN];
};
/* Bits of cpu->poll. */
enum { POLL_LOOK = 1 /* the interface is to see EXIT_poll */, POLL_REQUEST = 2 };

/* Ways of a cpu from code to code without the loop, in one context and address space (shortcuts.c). */
enum { SHORTCUT_BANKS = LIMIT_SHORTCUTS, BANK_PAIR_STACK = LIMIT_BANK_PAIR_STACK, PAIR_BOTTOM = 64 };
struct shortcuts {
    uint64_t ctx, space; /* what they belong to */
    uint64_t used;       /* when the cpu came to it last, by runner.clock */
    struct jtlb_line *lines;
    void *pair_base, *pair_sp;  /* while it is not in use */
    uint32_t entered;           /* lines, since it was empty */
    uint16_t notes[JTLB_NOTES]; /* which ones; past JTLB_NOTES of them, it may be any */
    uint64_t sizes;             /* of mappings that code came from: a bit each */
    uint64_t mappings[LIMIT_MAPPINGS / 64];
    void *memory; /* that all of it is in; NULL: the cpu's own */
};

/** What the engine keeps for each cpu. */
struct runner {
    struct runner *next, *previous;
    struct cpu *cpu;
    uint32_t id;          /* in the lock; its low bits are the number of its process */
    uint32_t in_code;     /* of several: runs guest code now, without the lock */
    struct arena scratch; /* one translation, or the block that is being interpreted once */
    uint32_t site;        /* the link that guest code came out of last, by number + 1, until it is linked; or 0 */
    uint64_t clock;       /* counts changes of banks */
    uint64_t mapping;     /* size of the mapping that the unit found last is in */
    struct shortcuts *bank, *banks[SHORTCUT_BANKS], first; /* in use; all of them */
    uint32_t nbanks;
    struct engine_counts counts; /* but for victims and traps, which are counted elsewhere (runner_counts) */
    uint64_t traps;              /* of the cpu's, that have been logged */
    uint32_t unwatched;          /* what the engine's counter was when guest code began to run */
    bool leave;                  /* code has changed under the interpreter: it leaves before the next instruction */
    uint32_t asleep;             /* in engine_sleep */
    struct requests requests;
    void *memory; /* that this, the cpu and all of its own are in */
};

/** The hash table of units: UNIT_BUCKETS at first, more as units become more. */
struct unit_table {
    struct unit_table *before; /* soft: the smaller one, which somebody may still be reading */
    uint32_t nbuckets;
    struct unit *heads[];
};

struct engine {
    struct engine_config config;
    const struct guest *guest;
    const struct host *host; /* NULL in the interpreter tier */
    struct arena arena;      /* units, marks, pages: until the next flush */
    struct arena lasting;    /* what is little and stays */
    struct effect *touched;  /* LOG_EFFECTS: cpu->seen of all */
    struct unit_table *units;
    uint32_t nunits, nstale;  /* in the table; and those that were, which still take memory */
    struct code_page **pages; /* PAGE_BUCKETS by identity, and then as many by address (page_heads) */
    uint64_t *seen;           /* TIER_AUTO: a bit for what has been reached (seen_bits); else NULL */
    uint32_t nseen;           /* bits */
    uint8_t *write, *execute; /* the cache's two views */
    uint32_t cache_size, cache_start, cache_at;
    struct state_map pinned; /* of every exit of the host's code, until it has been left */
    uint32_t frozen;         /* what lies below in the cache may be shared with other processes; or 0 */
    bool any_thawed;
    bool forget; /* code that had to change could not be: all is flushed before guest code runs again */
    struct code_page *explicit_pages, *explicit_next; /* that may change in ways nobody reports; where to look next */
    uint64_t looked;                                  /* when that was */
    int64_t look_credit;                              /* and how much may be looked at next */
    struct code_page *open_pages;
    uint32_t open_tick;
    uint32_t unwatched;      /* counts reports of written pages */
    uint64_t *routes;        /* where links of frozen code lead, by number + 1: addresses of code, or 0 */
    struct code_link *links; /* both in address space for as many as the cache can have */
    uint32_t nlinks, link_cap;
    uint32_t *relocs; /* host.h; of all units, in order of address */
    uint32_t nrelocs, reloc_cap;
    struct unit **by_address; /* baseline units in order of host address; read by fault handlers without the lock */
    uint32_t nby, by_cap;
    struct runner *runners;
    struct runner *spares; /* of cpus that have ended, for their memory; at most SPARES */
    uint32_t nspares;
    struct lock lock;
    struct code_source *sources; /* store.c */
    bool shared;                 /* several threads: the lock is used */
    uint32_t saying;             /* somebody writes to the log */
    uint32_t stopping;           /* somebody waits for the others to leave guest code */
    uint32_t last_id;            /* number of the runner that came last */
    bool ids_again;              /* all numbers were given once */
    uint32_t alive[PROCESSES];   /* by number of process: 0 when it has ended (or never was) */
    bool in_order[PROCESSES];    /* it is about to end, and has given up the lock for good */
    uint32_t parents[PROCESSES]; /* the id that one has as long as process 0 is its parent and lives; or 0 */
    uint32_t barred;             /* only this runner of its process gets the lock; or 0 */
    bool soft;                   /* some memory space is MEM_SOFT */
    struct phys *phys;           /* soft: what memory there is; or NULL: only the interface knows */
    uint64_t lifting;            /* soft: page that is being translated; or 1 */
    struct written written;
    struct crossing *crossings; /* crossing.c; NULL: none yet */
    uint64_t random;            /* for the poison build */
    struct perf *perf;          /* perf.c; NULL: nobody wants to know */
    struct engine_stats stats;
    /* Large, and first touched where they are needed. */
    struct code_page *page_heads[2 * PAGE_BUCKETS];
    uint64_t seen_bits[SEEN_BITS_SOFT / 64];
    uint64_t thawed[(INT32_MAX / THAW_GRAIN + 1) / 64]; /* bits of parts of the cache that have been replaced since
                                                           they were frozen */
};

/** The next random number of the poison build: its upper bits. */
static inline uint64_t random_of(struct engine *e) {
    return e->random = e->random * 6364136223846793005u + 1442695040888963407u;
}

/* translate.c */
/** Does a block's instruction take bytes from the next page, and are there any? */
enum lift_crossing { LIFT_WITHIN, LIFT_CROSSES, LIFT_CROSSES_OPEN /* and that page is not watched */, LIFT_INTO_FAULT };
/** The unit for cpu->pc under ctx, made if need be. NULL: *once is a block to be interpreted before anything else is
    translated; or that is NULL, too: nothing can be kept, interpret one instruction; or the fetch faulted: then
    cpu->exit says so. */
struct unit *unit_for(struct engine *e, struct cpu *cpu, uint64_t ctx, const struct block **once);
/** How far: to the first branch, as no more than that is sure to run; as far as blocks go; that, but no further than a
    store, which may change what follows. At most `most` instructions, and fewer where those do not fit a block. */
enum lift_extent { LIFT_STRAIGHT, LIFT_BLOCK, LIFT_OPEN };
/** More than the longest instruction of two pages, and what blocks usually have. */
enum { LIFT_BYTES = LIMIT_FETCH_BYTES };
/** What is to be lifted, and how that went. */
struct lifting {
    struct arena *arena; /* the block's */
    uint64_t ctx;
    enum lift_extent extent;
    unsigned most;   /* lower than before, if it did not fit */
    struct fetch *f; /* of cpu->pc; f->bytes are in the end those that the block came from, perhaps in `room` */
    uint8_t *room;   /* LIFT_BYTES */
    uint32_t guard;  /* bytes that the block is to compare first */
    enum lift_crossing crossing; /* in the end */
};
struct block *block_lift(struct engine *e, struct cpu *cpu, struct lifting *l);
/** The same of bytes that have been lifted with LIFT_OPEN before: code that compares itself with them first. */
struct block *block_lift_open(struct engine *e, struct cpu *cpu, const struct lifting *l, uint32_t bytes);
/** Makes what was fetched for a pc bytes that can be read and stay, at most LIFT_BYTES of them. */
void fetch_bytes(struct engine *e, uint64_t pc, struct fetch *f, uint8_t room[LIFT_BYTES]);
/* cache.c */
/** Is there only a copy of code bytes to be had? */
static inline bool code_is_copied(const struct engine *e) {
    return e->config.interface->read_code && !e->soft;
}
/** Where pages at an address are found. */
static inline struct code_page **page_head_at(const struct engine *e, uint64_t address) {
    return &e->pages[PAGE_BUCKETS + (address >> TLB_PAGE_SHIFT) % PAGE_BUCKETS];
}
/** With the lock, or (soft, and units that are `ready`) in guest code: who takes one away or moves it may make it
    invisible for a moment, but frees nothing before all have left guest code. */
struct unit *unit_find(struct engine *e, uint64_t pc, uint64_t page, uint64_t ctx);
/** by_uops: the block stays as long as the unit; else: bytes of marks that it will have. */
struct unit *unit_add(struct engine *e, const struct block *block, const struct fetch *f, bool by_uops,
                      uint32_t marks_size);
/** TIER_AUTO: has such a unit never been asked for? `note`: now it has. */
bool unit_is_new(struct engine *e, uint64_t pc, uint64_t page, uint64_t ctx, bool note);
/** The record of the page that the bytes at pc came from, new if need be; NULL: no memory. */
struct code_page *page_for(struct engine *e, uint64_t pc, const struct fetch *f);
/** Puts a unit with everything but its links in tables into them. */
void unit_insert(struct engine *e, struct unit *u, struct code_page *p);
/** Takes it from the table. */
void unit_unhook(struct engine *e, struct unit *u);
/** Whether code may not be changed where it is, and makes it so that it may: false: no memory. */
bool code_is_frozen(const struct engine *e, uint32_t at);
bool code_thaw(struct engine *e, uint32_t at);
/* change.c */
/** The record of the page that the bytes at pc came from, ready for bytes to be read and units to be made: see
 * page_for. */
struct code_page *page_ready(struct engine *e, uint64_t pc, const struct fetch *f);
/** New code: what still leads to stale units in its place goes on there. */
void unit_replaces(struct engine *e, const struct unit *u);
/** Takes a unit from its page's list, which is stale now. */
void page_remove(struct engine *e, struct code_page *p, struct unit **at);
/** The page of a held unit: compares its units with their bytes, drops those that differ, lets go of the others. */
void page_settle(struct engine *e, struct code_page *p);
/** The unit has bytes on the page behind its own. Before they are read. False: that page cannot be watched. */
bool page_crosses(struct engine *e, uint64_t pc);
/** The code at cpu->pc has found out that it differs. */
void page_differs(struct engine *e, struct cpu *cpu);
/** Now and then, while there are open pages: watches those again that have been open for long. */
void pages_calm(struct engine *e);
/** The bytes of a page as they are now, and as many of the next as an instruction may have there. */
struct code_now {
    size_t size;
    uint8_t bytes[(1 << TLB_PAGE_SHIFT) + 16];
};
void code_read(struct engine *e, const struct code_page *p, struct code_now *now);
/** Are the bytes that the unit came from no longer what they were? */
bool unit_differs(const struct unit *u, const struct code_page *p, const struct code_now *now);
struct code_page *page_find(const struct engine *e, uint64_t page);
/** Room for that many more. False: no memory. */
bool links_room(struct engine *e, uint32_t n);
bool relocs_room(struct engine *e, uint32_t n);
bool by_address_room(struct engine *e, uint32_t n);
/** Baseline: its host code is there; fault handlers may look for it from now on. */
void unit_publish(struct engine *e, struct unit *u);
struct unit *unit_at(struct engine *e, uint32_t host_offset);
/** There is code up to here. Machines': it is resident once, but where it is changed later. */
void cache_filled(struct engine *e, uint32_t to);
bool cache_make(struct engine *e, struct error *error);
void cache_free(struct engine *e);
/* store.c */
/** Takes what is offered of the page with this pc, if that has not been done. True: there are new units. */
bool sources_take(struct engine *e, uint64_t pc, const struct fetch *f);
/* turns.c */
/** An id that no runner has, of the first process; 0: they are all taken. */
uint32_t runner_id(struct engine *e);
/** Before it runs, it becomes one of this process. */
void runner_joins(struct runner *r, uint32_t process);
static inline uint32_t runner_process(uint32_t id) {
    return id % PROCESSES;
}
/** In the child of a fork, where this runner is the only one. */
void turns_forked(struct engine *e, struct runner *r);
/** Does what a change of state asks for (enum field_flag). The context is compared anew in every round anyway. */
void cpu_act(struct cpu *cpu, unsigned actions);
/** Gives the lock up for a moment if somebody waits for it. */
void engine_pass(struct engine *e, struct cpu *cpu);
/** Around guest code: others may run the loop meanwhile. */
void code_begin(struct engine *e, struct cpu *cpu);
void code_end(struct engine *e, struct cpu *cpu);
/* soft.c: MEM_SOFT; pages by physical address. In guest code without the lock where nothing else is said. */
/** The flags of this page (phys.h), or NULL. */
uint8_t *page_flags(const struct engine *e, uint64_t page);
/** May there be code from this page? Else the right to write may go to a TLB. */
bool code_in(const struct engine *e, uint64_t page);
/** Is there, from these bytes of a page that may have code; or none from any, which is to be found out with the lock?
 */
bool code_near(const struct engine *e, uint64_t page, uint64_t offset, uint64_t size);
/** Is there, now that they have been written, of what was not there before? */
bool code_overlaps(const struct engine *e, uint64_t page, uint64_t offset, uint64_t size);
/** With the lock: from now on stores to this page are seen, by whichever cpu. Before its bytes are read. */
void code_seen(struct engine *e, struct cpu *cpu, const struct code_page *p);
/** With the lock: it need not be any more, if there is no code. */
void code_forgotten(struct engine *e, uint64_t page);
/** With the lock: these bytes of a page have been written: drops the code that came from them. True: there was some. */
bool code_written(struct engine *e, uint64_t page, uint64_t offset, uint64_t size);
/** With the lock: the page has other units; it has one more. */
void page_parts(struct code_page *p);
void page_part_added(struct code_page *p, const struct unit *u);
/** Has anything been noted that written_settle, with the lock, has to see to? */
static inline bool written_any(const struct engine *e) {
    return __atomic_load_n(&e->written.n, __ATOMIC_RELAXED) != 0;
}
void written_settle(struct engine *e);
/* crossing.c: with the lock, also as long as the block is in use */
/** What an instruction was lifted to whose bytes begin here and end on the next page; NULL: that is not known. */
const struct block *crossing_find(struct engine *e, struct cpu *cpu, uint64_t ctx, const struct fetch *f);
/** Such a block has been lifted from f->bytes, of which f->avail are on the first page: it, or a copy that stays. */
const struct block *crossing_keep(struct engine *e, const struct block *block, const struct fetch *f);
void crossings_free(struct engine *e);
/* request.c */
/** With the lock, on the cpu's thread. */
void requests_serve(struct engine *e, struct cpu *cpu);
/** With the lock: stores to this page, by host address, have to be seen from now on. */
void cpu_request_revoke(struct cpu *cpu, const uint8_t *page);
/** The cpu itself. */
void cpu_revoke_write(struct cpu *cpu, const uint8_t *page);
void runner_wake(struct cpu *cpu);
/* run.c */
/** The runner of a process that is no more, and its cpu. With the lock. clean: it has ended in good order, and nobody
    uses its memory any more. */
void runner_bury(struct engine *e, struct runner *r, bool clean);
/* interp.c */
/** Runs a block's uops. Leaves cpu->pc, cpu->exit. Counted: takes each instruction from the budget. Without the lock.
 */
void interp_free(struct engine *e, struct cpu *cpu, const struct block *block);
/** Interprets exactly one instruction at cpu->pc (uncached). */
void interp_one(struct engine *e, struct cpu *cpu, uint64_t ctx);
/* tlbs.c: a cpu's software TLBs */
void tlbs_flush(struct cpu *cpu);
/** What came from the mapping of this address, in every address space. */
void tlbs_flush_page(struct cpu *cpu, uint64_t address);
/** Enters what a walk has found for an address; host: of the page's first byte. */
void tlbs_fill(struct cpu *cpu, struct mem_view *m, uint64_t address, uint8_t *host, const struct walk *w, bool write);
/* access.c */
bool access_atomic(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t b, uint64_t c,
                   uint64_t *result);
bool access_load(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t *result);
bool access_store(struct cpu *cpu, enum uop_op op, unsigned space, uint64_t address, uint64_t value);
extern const void *const engine_calls[HOST_CALL_COUNT];
void take_site(struct engine *e, struct cpu *cpu);
/* shortcuts.c */
/** Of a new cpu, with memory for lines and what is above pair_base. */
void shortcuts_make(struct cpu *cpu, struct jtlb_line *lines, void *pair_base);
/** Frees what they have taken. False: the cpu's own are not empty. */
bool shortcuts_done(struct cpu *cpu);
/** From now on those of this context, and of the address space that the cpu is in, are used. */
void shortcuts_change(struct cpu *cpu, uint64_t ctx);
void shortcuts_enter(struct engine *e, struct cpu *cpu, const struct unit *u);
/** What translated code of soft memory calls when a jump missed: HOST_CALL_LOOK. */
uint64_t shortcuts_look(struct cpu *cpu, uint64_t what, uint64_t pc, uint64_t b, uint64_t c);
/** The unit that is about to be entered was fetched at this pc, from a mapping of this size. Before it runs. */
void shortcuts_came_from(struct cpu *cpu, uint64_t pc, uint64_t mapping);
void cpu_drop_shortcuts(struct cpu *cpu);
/** What leads to code in the mapping that has this address, by whatever address space; UINT64_MAX: in any. */
void cpu_drop_shortcuts_at(struct cpu *cpu, uint64_t address);
/* fault.c */
bool fault_register(struct engine *e);
void fault_unregister(struct engine *e);
/* perf.c */
bool perf_make(struct engine *e, struct error *error);
void perf_free(struct engine *e);
/** This unit has host code now. */
void perf_unit(struct engine *e, const struct unit *u);
/* log.c */
void engine_log_block(struct engine *e, const struct block *block, const struct fetch *f);
void engine_log_host(struct engine *e, const struct unit *u);
void engine_log_effects(struct engine *e);
void engine_log_exit(struct engine *e, const struct cpu *cpu);
/* The same when that is wanted; the last trap that was taken, if it has not been said yet. */
void engine_log_trap(struct engine *e, const struct cpu *cpu);
void engine_log_walk(const struct cpu *cpu, uint64_t address, enum access access, const struct walk *w, bool filled,
                     bool writable);
static inline void log_trap(struct engine *e, const struct cpu *cpu) {
    if (e->config.log & LOG_TRAPS) engine_log_trap(e, cpu);
}
static inline void log_walk(const struct cpu *cpu, uint64_t address, enum access access, const struct walk *w,
                            bool filled, bool writable) {
    if (cpu->engine->config.log & LOG_MMU) engine_log_walk(cpu, address, access, w, filled, writable);
}
/** Fetches for the engine. */
void engine_fetch(struct cpu *cpu, uint64_t pc, struct fetch *f);

#endif
