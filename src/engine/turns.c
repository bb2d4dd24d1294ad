/* turns.c - several cpus of one engine: whose turn it is, stopping the others, and what becomes of those that are
 * killed.
 *
 * Threads share the engine, and so may processes that share all memory. Threads of one process live and die together; a
 * process may be killed alone, with the lock, in guest code, or while it waits. Runners say by their ids which process
 * they are of. Whoever waits for the lock, or for somebody to leave guest code, looks now and then whether the process
 * that it waits for is still there: one that was made here has a word that the kernel clears; the first one is the
 * parent of those that ask. What a dead process did with the lock may be half done, so all translations go, and the
 * interface mends what is its own.
 */
#include "engine/internal.h"
#include "base/os.h"

_Static_assert(LIMIT_RUNNERS < LOCK_WAITED >> PROCESS_BITS, "ids are numbers of owners of a lock");
enum { OF_ALL = PROCESSES };
enum { LOOK_NS = 5000000 }; /* how long somebody is waited for before a look whether it is still there */
enum { LOOK_MOST = 1000000000 };
enum { SPINS = 64 };         /* looks at one that is about to leave guest code, before it is slept for */
enum { HALT_NS = 50000000 }; /* how long others may take to come to a halt */

/* A runner's id: its number, which nobody else has as long as it lives, and below that its process's. */
static bool number_is_taken(const struct engine *e, uint32_t number) {
    const struct runner *r = e->runners;
    while (r && r->id >> PROCESS_BITS != number) r = r->next;
    return r;
}

uint32_t runner_id(struct engine *e) {
    for (uint32_t n = 0; n < LIMIT_RUNNERS; n++) {
        e->ids_again |= e->last_id == LIMIT_RUNNERS;
        e->last_id = e->last_id % LIMIT_RUNNERS + 1;
        if (!e->ids_again || !number_is_taken(e, e->last_id)) return e->last_id << PROCESS_BITS;
    }
    return 0;
}

void runner_joins(struct runner *r, uint32_t process) {
    r->id = (r->id & -(uint32_t)PROCESSES) | process;
}

uint32_t engine_process(const struct cpu *cpu) {
    return runner_process(cpu->runner->id);
}

static bool is_dead(const struct engine *e, uint32_t process, uint32_t self) {
    if (process == self) return false;
    if (process) return !__atomic_load_n(&e->alive[process], __ATOMIC_SEQ_CST);
    return e->parents[self] && os_parent() != e->parents[self];
}

static void bury(struct engine *e, uint32_t process) {
    const bool in_order = e->in_order[process];
    unsigned threads = 0;
    for (const struct runner *r = e->runners; r; r = r->next) threads += runner_process(r->id) == process;
    for (struct runner *r = e->runners, *next; r; r = next) {
        next = r->next;
        if (runner_process(r->id) != process) continue;
        runner_bury(e, r, in_order && threads == 1); /* of several some may not have noticed yet that they are dead */
    }
    if (runner_process(e->barred) == process) e->barred = 0;
    if (!in_order) engine_flush(e);
    if (e->config.interface->died) e->config.interface->died(e->config.self, process, in_order);
}

/* May this runner go on with the lock, or is its process about to end by another of its threads? */
static bool may_go_on(const struct engine *e, uint32_t id) {
    return !e->barred || e->barred == id || runner_process(e->barred) != runner_process(id);
}

static void take(struct engine *e, uint32_t id) {
    for (;;) {
        /* Looking is work, too: thousands that wait look ever more rarely. */
        for (uint64_t look = LOOK_NS; !lock_take(&e->lock, id, look); look = look < LOOK_MOST ? look * 2 : look) {
            const uint32_t owner = lock_owner(&e->lock), process = runner_process(owner);
            if (!owner || !is_dead(e, process, runner_process(id)) || !lock_take_from(&e->lock, owner, id)) continue;
            bury(e, process);
            break;
        }
        if (may_go_on(e, id)) {
            if (e->config.drop_lock && random_of(e) >> 61 == 0) engine_flush(e);
            return;
        }
        const uint32_t barred = e->barred;
        lock_release(&e->lock);
        os_wait(&e->barred, barred, LOOK_NS);
    }
}

void engine_share(struct engine *e, struct cpu *cpu) {
    if (e->shared) return;
    e->shared = true;
    take(e, cpu->runner->id);
}

bool engine_is_shared(const struct engine *e) {
    return e->shared;
}

bool engine_holds(const struct engine *e, const struct cpu *cpu) {
    return !e->shared || lock_held(&e->lock, cpu->runner->id);
}

void engine_unlock(struct engine *e) {
    if (e->shared) lock_release(&e->lock);
}

void engine_lock(struct engine *e, struct cpu *cpu) {
    if (e->shared) take(e, cpu->runner->id);
}

void engine_pass(struct engine *e, struct cpu *cpu) {
    if (!e->shared || !(lock_wanted(&e->lock) || e->config.drop_lock)) return;
    lock_release(&e->lock);
    take(e, cpu->runner->id);
}

void engine_outside(struct engine *e, void (*wait)(void *arg), void *arg) {
    const uint32_t owner = lock_owner(&e->lock), one = 1;
    const bool poisoned = e->shared && e->config.drop_lock && random_of(e) >> 62 == 0;
    engine_unlock(e);
    if (poisoned) os_wait(&one, one, 1000);
    wait(arg);
    if (e->shared) take(e, owner);
}

void code_begin(struct engine *e, struct cpu *cpu) {
    cpu->runner->unwatched = e->unwatched;
    if (!e->shared) return;
    __atomic_store_n(&cpu->runner->in_code, 1, __ATOMIC_SEQ_CST);
    lock_release(&e->lock);
}

void code_end(struct engine *e, struct cpu *cpu) {
    if (!e->shared) return;
    __atomic_store_n(&cpu->runner->in_code, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&e->stopping, __ATOMIC_SEQ_CST)) os_wake(&cpu->runner->in_code, 1);
    take(e, cpu->runner->id);
}

/* Each has `patience` nanoseconds; 0: as long as it takes. Those of one process, or of all; asked: those
   that have been asked for something, which makes them leave. */
static void stop_others(struct engine *e, uint64_t patience, uint32_t process, bool asked) {
    if (!e->shared) return;
    const uint32_t self = runner_process(lock_owner(&e->lock));
    __atomic_store_n(&e->stopping, 1, __ATOMIC_SEQ_CST);
    for (struct runner *r = e->runners; r; r = r->next) {
        if (!__atomic_load_n(&r->in_code, __ATOMIC_SEQ_CST)) continue;
        if (process != OF_ALL && runner_process(r->id) != process) continue;
        if (asked && !__atomic_load_n(&r->requests.kinds, __ATOMIC_SEQ_CST)) continue;
        if (!asked) cpu_poke(r->cpu);
        for (unsigned n = 0; n < SPINS && __atomic_load_n(&r->in_code, __ATOMIC_SEQ_CST); n++) os_pause();
        const uint64_t began = patience ? os_nanoseconds() : 0;
        while (__atomic_load_n(&r->in_code, __ATOMIC_SEQ_CST) && (!patience || os_nanoseconds() - began < patience) &&
               !is_dead(e, runner_process(r->id), self))
            os_wait(&r->in_code, 1, patience && patience < LOOK_NS ? patience : LOOK_NS);
    }
    __atomic_store_n(&e->stopping, 0, __ATOMIC_SEQ_CST);
}

void engine_stop_others(struct engine *e) {
    stop_others(e, 0, OF_ALL, false);
}

void engine_await_requests(struct engine *e) {
    stop_others(e, 0, OF_ALL, true);
}

void engine_halt_others(struct engine *e) {
    stop_others(e, HALT_NS, OF_ALL, false);
}

/* ---- processes */

static bool has_runners(const struct engine *e, uint32_t process) {
    const struct runner *r = e->runners;
    while (r && runner_process(r->id) != process) r = r->next;
    return r;
}

uint32_t *engine_cpu_apart(struct engine *e, struct cpu *cpu) {
    for (uint32_t n = 1; n < PROCESSES; n++) {
        if (e->alive[n] || has_runners(e, n)) continue;
        runner_joins(cpu->runner, n);
        e->parents[n] = 0;
        e->in_order[n] = false;
        e->alive[n] = 1;
        return &e->alive[n];
    }
    return NULL;
}

void engine_apart_begin(struct engine *e, struct cpu *cpu, bool child) {
    e->parents[engine_process(cpu)] = child ? os_parent() : 0;
}

void engine_leave(struct engine *e, struct cpu *cpu) {
    if (!e->shared) return;
    const uint32_t process = engine_process(cpu);
    e->barred = cpu->runner->id;
    stop_others(e, HALT_NS, process, false);
    e->in_order[process] = true;
    lock_release(&e->lock);
}

void engine_stay(struct engine *e, struct cpu *cpu) {
    if (!e->shared) return;
    take(e, cpu->runner->id);
    e->in_order[engine_process(cpu)] = false;
    __atomic_store_n(&e->barred, 0, __ATOMIC_SEQ_CST);
    os_wake(&e->barred, INT32_MAX);
}

bool engine_bury(struct engine *e, struct cpu *cpu) {
    bool others = false;
    for (struct runner *r = e->runners; r;) {
        const uint32_t process = runner_process(r->id);
        if (is_dead(e, process, engine_process(cpu))) {
            bury(e, process);
            r = e->runners; /* which is another list now */
        } else {
            others = others || process != engine_process(cpu);
            r = r->next;
        }
    }
    if (e->shared && e->runners == cpu->runner && !e->runners->next) { /* it is alone again */
        lock_release(&e->lock);
        e->shared = false;
    }
    return others;
}

void turns_forked(struct engine *e, struct runner *r) {
    e->shared = false;
    e->stopping = e->barred = 0;
    e->lock = (struct lock){0};
    for (uint32_t n = 1; n < PROCESSES; n++) e->alive[n] = 0;
    e->in_order[0] = false;
    e->runners = r; /* the others' threads are not here; their memory is lost */
    r->next = r->previous = NULL;
    runner_joins(r, 0);
}
