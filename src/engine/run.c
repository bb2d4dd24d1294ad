/* run.c - the loop: find or make code for cpu->pc, run it until it stops, ask whoever answers.
 *
 * Exits that only concern translation (lookup, retranslate, code_changed) are settled here; every other one goes to the
 * interface. Instructions in counted code: a unit takes all of its instructions from the budget at its entry and gives
 * back what it did not run; when fewer are left than the unit has, they are interpreted one by one.
 *
 * Several threads may run a cpu each: they hold the engine's lock in everything here but while guest code runs
 * (turns.c).
 */
#include "engine/internal.h"
#include "base/os.h"
#include "core/object.h"
#include <string.h>

struct engine *engine_make(const struct engine_config *config, struct error *error) {
    struct engine *e = os_alloc(sizeof *e);
    if (!e) {
        error_set(error, ERROR_RESOURCES, "no memory for the engine");
        return NULL;
    }
    e->config = *config;
    e->guest = config->guest;
    e->host = config->tier == TIER_INTERP ? NULL : host_native;
    e->lifting = 1;
    e->random = 0x2545f4914f6cdd1du;
    arena_init(&e->arena, LIMIT_ARENA_CHUNK);
    arena_init(&e->lasting, 4096);
    if (config->tier != TIER_INTERP && !host_native)
        error_set(error, ERROR_USAGE, "this build has no translator for this computer; use --tier interp");
    if (error->code || !cache_make(e, error) || !perf_make(e, error) || (e->host && !fault_register(e))) {
        error_set(error, ERROR_RESOURCES, "too many virtual machines in one process");
        engine_free(e);
        return NULL;
    }
    if (!e->host) fault_register(e);
#ifdef VEE_CHECK
    if (e->config.log & LOG_EFFECTS)
        e->touched = arena_alloc(&e->lasting, (e->guest->nhelpers + GUEST_FUNCTIONS) * sizeof *e->touched);
#endif
    return e;
}

/* A cpu and everything of its own is one mapping, with a guard page below the pairing stack:
 *   pairing stack | cpu | runner | jump TLB | first chunk of the runner's arena
 */
enum { SCRATCH = LIMIT_SCRATCH, JTLB = JTLB_LINES * sizeof(struct jtlb_line) };

static size_t pair_size(const struct engine *e) {
    return e->host ? PAIR_STACK : 0;
}

static size_t rounded(size_t size) {
    return (size + 63) & ~(size_t)63;
}

static size_t cpu_memory(const struct engine *e) {
    size_t size = pair_size(e) + rounded(e->guest->cpu_size) + rounded(sizeof(struct runner)) + JTLB + SCRATCH;
    return (size + CACHE_PAGE - 1) & ~(size_t)(CACHE_PAGE - 1);
}

void engine_free(struct engine *e) {
    if (!e) return;
    engine_log_effects(e);
    fault_unregister(e);
    for (struct runner *r = e->spares, *next; r; r = next) {
        next = r->next;
        os_stack_unmap(r->memory, cpu_memory(e));
    }
    perf_free(e);
    cache_free(e);
    crossings_free(e);
    arena_done(&e->arena);
    arena_done(&e->lasting);
    os_free(e);
}

/* Memory for a cpu: zero, but for lines of its jump TLB, which are empty or zero. */
static uint8_t *memory_take(struct engine *e) {
    struct runner *r = e->spares;
    if (!r) return os_stack_map(cpu_memory(e));
    uint8_t *memory = r->memory;
    e->nspares--;
    e->spares = r->next;
    memset(memory + pair_size(e), 0, rounded(e->guest->cpu_size) + rounded(sizeof *r));
    return memory;
}

static void registers_reset(struct cpu *cpu) {
    object_reset(cpu_type(), cpu);
    cpu->guest->reset(cpu);
}

struct cpu *engine_cpu_make(struct engine *e, struct error *error) {
    const uint32_t id = runner_id(e);
    uint8_t *memory = id ? memory_take(e) : NULL;
    if (!memory) {
        error_set(error, ERROR_RESOURCES, "no memory for a cpu");
        return NULL;
    }
    uint8_t *at = memory + pair_size(e);
    struct cpu *cpu = (struct cpu *)(void *)at;
    struct runner *r = (struct runner *)(void *)(at += rounded(e->guest->cpu_size));
    struct jtlb_line *jtlb = (struct jtlb_line *)(void *)(at += rounded(sizeof *r));
    at += JTLB;
    cpu->guest = e->guest;
    registers_reset(cpu);
    cpu->engine = e;
    cpu->interface = e->config.interface;
    cpu->self = e->config.self;
    cpu->seen = e->touched;
    cpu->host.calls = engine_calls;
    cpu->jumps.routes = e->routes;
    if (e->host) e->host->cpu_init(cpu);
    *r = (struct runner){.next = e->runners, .cpu = cpu, .id = id, .memory = memory};
    arena_init_with(&r->scratch, SCRATCH, at, SCRATCH);
    cpu->runner = e->runners = r;
    shortcuts_make(cpu, jtlb, e->host ? (uint8_t *)cpu - PAIR_BOTTOM : NULL);
    if (r->next) r->next->previous = r;
    return cpu;
}

static void counts_add(struct engine_counts *to, const struct runner *r) {
    const struct engine_counts *c = &r->counts;
    const struct tlb_views *v = r->cpu->soft.views;
    to->interpreted += c->interpreted;
    to->jtlb_misses += c->jtlb_misses;
    to->walks += c->walks;
    to->fetches += c->fetches;
    to->tlb_fills += c->tlb_fills;
    to->device_reads += c->device_reads;
    to->device_writes += c->device_writes;
    for (unsigned n = 0; v && n < v->banks; n++) to->tlb_victims += v->bank[n].revived;
    for (unsigned n = 0; n < TRAP_CAUSES; n++) {
        to->traps[0][n] += r->cpu->traps.by_cause[0][n];
        to->traps[1][n] += r->cpu->traps.by_cause[1][n];
    }
}

static void runner_forget(struct engine *e, struct runner *r) {
    struct runner **at = r->previous ? &r->previous->next : &e->runners;
    if (*at != r) /* somebody was killed who was about to enter itself before it */
        for (at = &e->runners; *at != r;) at = &(*at)->next;
    if (r->next) r->next->previous = r->previous;
    *at = r->next;
    counts_add(&e->stats.counts, r);
}

/* With the lock: may the memory of this one, which ended in good order, be the next one's? Threads and children that
   execute something come and go; what they leave costs less to clean than to map again. */
static bool spare(struct engine *e, struct runner *r) {
    if (!shortcuts_done(r->cpu) || e->nspares == SPARES) return false;
    arena_done(&r->scratch);
    r->next = e->spares;
    e->spares = r;
    e->nspares++;
    return true;
}

static void runner_free(struct engine *e, struct runner *r) {
    shortcuts_done(r->cpu);
    arena_done(&r->scratch);
    os_stack_unmap(r->memory, cpu_memory(e));
}

void runner_bury(struct engine *e, struct runner *r, bool clean) {
    runner_forget(e, r);
    if (!clean || !spare(e, r)) runner_free(e, r);
}

void engine_cpu_free(struct engine *e, struct cpu *cpu) {
    if (!cpu) return;
    struct runner *r = cpu->runner;
    engine_lock(e, cpu);
    runner_forget(e, r);
    const bool spared = spare(e, r);
    engine_unlock(e);
    if (!spared) runner_free(e, r);
}

struct engine_stats engine_stats(const struct engine *e) {
    struct engine_stats s = e->stats;
    for (const struct runner *r = e->runners; r; r = r->next) counts_add(&s.counts, r);
    return s;
}

void cpu_grant(struct cpu *cpu, int64_t n) {
    cpu->count.executed = cpu_count(cpu);
    cpu->count.granted = n;
    cpu->count.budget = n - cpu->count.ahead; /* which has been taken already */
}

void cpu_flush_mapping(struct cpu *cpu) {
    tlbs_flush(cpu);
    cpu_drop_shortcuts(cpu);
}

void cpu_reset(struct cpu *cpu) {
    registers_reset(cpu);
    cpu->actions = 0;
    cpu_flush_mapping(cpu);
    cpu->runner->site = 0;
}

void cpu_copy(struct cpu *to, struct cpu *from) {
    object_copy(cpu_type(), to, from);
    to->reserve_address = UINT64_MAX; /* reservations are not handed on */
    memcpy(to->mem, from->mem, sizeof to->mem);
    runner_joins(to->runner, runner_process(from->runner->id));
}

void cpu_memory_moved(struct cpu *cpu) {
    if (cpu->engine->host) cpu->engine->host->cpu_init(cpu);
}

static bool poison_flush(struct engine *e) {
    return e->config.random_flush && random_of(e) >> 58 == 0;
}

/* Guest code has been left through a link: the pc is where that leads. A flush, which forgets the links, may come
   before the cpu that left has the lock. */
void take_site(struct engine *e, struct cpu *cpu) {
    const uint64_t site = (uint64_t)(uintptr_t)cpu->jumps.site;
    if (!site) return;
    const struct code_link *l = &e->links[site - 1];
    if (!l->cell) cpu->pc = l->target_pc;
    cpu->jumps.site = NULL;
    cpu->runner->site = (uint32_t)site;
}

/* Makes the exit through which translated code came lead straight to the unit from now on. Across pages only where
   pages do not move under the code. */
static void link_exit(struct engine *e, struct cpu *cpu, const struct unit *u) {
    const uint32_t site = cpu->runner->site;
    cpu->runner->site = 0;
    if (site == 0 || site > e->nlinks || (u->ctx & CTX_TRACED)) return;
    if (e->config.one_block || e->config.poll_always) return;
    const struct code_link *l = &e->links[site - 1];
    /* The context is the same, or the site would have been forgotten. */
    const struct unit *from = e->soft ? unit_at(e, l->stub) : NULL;
    if (e->soft && (!from || from->page != u->page || (from->pc ^ u->pc) >> TLB_PAGE_SHIFT)) return;
    if (!l->cell && l->target_pc != u->pc) return;
    if (code_is_frozen(e, l->patch)) {
        const uint8_t *to = e->execute + (l->cell ? e->host->dispatch : l->back ? u->poll_entry : u->entry);
        __atomic_store_n(&e->routes[site], (uint64_t)(uintptr_t)to, __ATOMIC_RELEASE);
    } else if (l->cell) {
        e->host->fill_cell(e->write, l->patch, u->pc, e->execute + u->poll_entry);
    } else {
        e->host->patch(e->write, l->patch, l->back ? u->poll_entry : u->entry);
    }
}

/* The interpreter's use of the jump TLB: units instead of code. */
static struct unit *unit_near(struct engine *e, struct cpu *cpu) {
    const struct jtlb_line *l = &cpu->jumps.lines[(cpu->pc / e->guest->pc_align) % JTLB_LINES];
    if (e->host || l->pc != cpu->pc) return NULL;
    struct unit *u = (struct unit *)l->code;
    return u->stale || u->held ? NULL : u;
}

/* An exit before its instruction gives that instruction back to the budget. */
static void settle_count(struct engine *e, struct cpu *cpu) {
    if (e->config.counted && exit_info[cpu->exit.kind].when == EXIT_BEFORE) cpu->count.budget++;
}

static void run_code(struct engine *e, struct cpu *cpu, const void *code) {
    code_begin(e, cpu);
    e->host->enter(cpu, e->execute, code);
    code_end(e, cpu);
    take_site(e, cpu);
    cpu->fp_flags |= e->host->take_fp_flags(cpu);
    settle_count(e, cpu);
}

/* Behind an answer code goes on where a shortcut leads, mostly: as an indirect jump would, without a look at what is
   mapped. Not twice in a row: it may be the way out of a stale unit. */
static bool run_near(struct engine *e, struct cpu *cpu) {
    const struct jtlb_line *l = &cpu->jumps.lines[(cpu->pc / e->guest->pc_align) % JTLB_LINES];
    if (!e->host || cpu->runner->site || e->config.one_block || l->pc != cpu->pc) return false;
    run_code(e, cpu, l->code);
    return true;
}

/* Runs guest code until an exit that the loop must look at; cpu->exit says which. */
static void run_some(struct engine *e, struct cpu *cpu, uint64_t ctx, bool answered) {
    const struct block *once = NULL;
    if (e->forget) engine_flush(e);
    if (answered && run_near(e, cpu)) return;
    struct unit *u = unit_near(e, cpu);
    if (!u) u = unit_for(e, cpu, ctx, &once);
    if (e->soft) __atomic_store_n(&e->lifting, 1, __ATOMIC_SEQ_CST);
    if (e->forget || written_any(e)) return;
    if (cpu->exit.kind != EXIT_none) return; /* fetch fault: nothing was counted */
    if (!u) {
        cpu->runner->site = 0;
        if (once)
            interp_free(e, cpu, once);
        else
            interp_one(e, cpu, ctx);
        settle_count(e, cpu);
        return;
    }
    if (e->soft) shortcuts_came_from(cpu, u->pc, cpu->runner->mapping);
    if (!e->host || !u->by_uops) shortcuts_enter(e, cpu, u);
    if (u->by_uops) {
        cpu->runner->site = 0;
        interp_free(e, cpu, u->block);
        settle_count(e, cpu);
        return;
    }
    if ((ctx & CTX_COUNTED) && cpu->count.budget < u->ninsns) {
        cpu->runner->site = 0;
        interp_one(e, cpu, ctx);
        settle_count(e, cpu);
        return;
    }
    link_exit(e, cpu, u);
    run_code(e, cpu, e->execute + u->entry);
}

void cpu_act(struct cpu *cpu, unsigned actions) {
    if (actions & FIELD_FLUSH_TLB)
        cpu_flush_mapping(cpu);
    else if (actions & FIELD_REMAP)
        cpu_drop_shortcuts_at(cpu, cpu->soft.remapped);
    if (actions & FIELD_RECHECK) cpu_poke(cpu);
}

static void settle_actions(struct cpu *cpu) {
    cpu_act(cpu, cpu->actions);
    cpu->actions = 0;
}

/* Several cpus have the same memory, and what they see of it here does not change while others look. */
static void note_memory(struct engine *e, const struct cpu *cpu) {
    bool soft = false;
    for (unsigned k = 0; k < MEM_SPACES; k++) soft |= cpu->mem[k].kind == MEM_SOFT;
    if (soft != e->soft) e->soft = soft;
    if (e->phys != cpu->soft.phys) e->phys = cpu->soft.phys;
}

void engine_run(struct engine *e, struct cpu *cpu) {
    const struct interface *interface = e->config.interface;
    const uint64_t base = (e->config.counted ? CTX_COUNTED : 0);
    bool one = false; /* the next instruction is to be interpreted */
    bool polled = false;
    bool answered = false; /* the last exit was, and guest code goes on behind it */
    engine_lock(e, cpu);
    os_allocs_may_fail(true); /* what is opened or not may fail with a message, what runs goes on */
    note_memory(e, cpu);
    if (e->host) e->host->cpu_init(cpu);
    for (;;) {
        const uint32_t poll = __atomic_exchange_n(&cpu->poll, 0, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&cpu->runner->requests.kinds, __ATOMIC_RELAXED)) requests_serve(e, cpu);
        if (written_any(e)) written_settle(e);
        log_trap(e, cpu); /* it may have been taken outside */
        uint64_t ctx = base | e->guest->context(cpu);
        const struct shortcuts *bank = cpu->runner->bank;
        if (ctx != bank->ctx || cpu->soft.space != bank->space) shortcuts_change(cpu, ctx);
        cpu->exit.kind = EXIT_none;
        polled = e->config.poll_always && !polled;
        if ((poll & POLL_LOOK) || polled) {
            cpu->exit.kind = EXIT_poll;
        } else if (e->config.counted && cpu->count.budget <= 0) {
            cpu->exit.kind = EXIT_budget;
        } else if (one) {
            one = false;
            cpu->runner->site = 0;
            interp_one(e, cpu, ctx);
            settle_count(e, cpu);
        } else {
            run_some(e, cpu, ctx, answered);
        }
        answered = false;
        enum exit_kind kind = cpu->exit.kind;
        e->stats.exits[kind]++;
        if ((e->config.log & (e->soft ? LOG_EXITS : LOG_EXITS | LOG_TRAPS)) && kind != EXIT_lookup && kind != EXIT_none)
            engine_log_exit(e, cpu);
        if (poison_flush(e)) engine_flush(e);
        if (e->open_pages) pages_calm(e);
        switch (kind) {
        case EXIT_none:
        case EXIT_lookup: continue;
        case EXIT_retranslate:
            settle_actions(cpu);
            answered = true;
            continue;
        case EXIT_interpret:
            one = true;
            if (cpu->exit.value) engine_store_again(e, cpu, cpu->exit.value);
            continue;
        case EXIT_fault_write:
            if (!engine_store_again(e, cpu, cpu->exit.value)) break;
            one = true;
            continue;
        case EXIT_code_differs: page_differs(e, cpu); continue;
        case EXIT_code_changed:
            if (!e->soft) engine_recheck_code(e, cpu, 0, UINT64_MAX); /* in soft spaces every store has been seen */
            continue;
        default: break;
        }
        const enum answer answer = interface->answer(e->config.self, cpu);
        log_trap(e, cpu);
        switch (answer) {
        case ANSWER_RESUME:
            settle_actions(cpu);
            answered = true;
            break;
        case ANSWER_WAIT:
            settle_actions(cpu);
            if (interface->wait) interface->wait(e->config.self, cpu);
            break;
        case ANSWER_STOP:
            os_allocs_may_fail(false);
            engine_unlock(e);
            return;
        }
    }
}
