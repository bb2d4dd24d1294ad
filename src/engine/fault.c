/* fault.c - host faults that are the guest's doing.
 *
 * Three kinds: in a guarded access (it returns a status), a full pairing stack (it is emptied), and in translated code:
 * there the host pc tells the guest instruction, the state is that before it (commits come last) and is where the map
 * of the exit says (core/state_map.h), from where it is put in its place, and the instruction is handed to the
 * interpreter, which finds out exactly what is wrong - or nothing, if another thread has mended it. In a space whose
 * view has a trap nothing can be mended: that is the exit.
 *
 * The registry of engines is global, as a signal handler has no other way to find them (tool/check_objects.py knows all
 * global state).
 */
#include "engine/internal.h"
#include "base/os.h"
#include <signal.h>

enum { ENGINES = 64 };
static struct engine *_Atomic engines[ENGINES];

/* The exit that the fault is whatever the instruction may be, if it is in such a space; else EXIT_none. */
static enum exit_kind trap_of(const struct cpu *cpu, const void *address, uint64_t *guest) {
    for (const struct mem_view *m = cpu->mem; m < cpu->mem + MEM_SPACES; m++) {
        *guest = (uint64_t)(uintptr_t)address - (uint64_t)(uintptr_t)m->base;
        if (m->trap && *guest < m->limit) return m->trap;
    }
    return EXIT_none;
}

/* Guest address, or 0. */
static uint64_t in_space(const struct mem_view *m, const void *address) {
    const uint64_t host = (uint64_t)(uintptr_t)address, base = (uint64_t)(uintptr_t)m->base;
    const uint64_t guest = m->kind == MEM_DIRECT ? host : m->kind == MEM_WINDOW ? host - base : 0;
    return guest < m->limit ? guest : 0;
}

bool engine_host_fault(int signal, void *siginfo, void *ucontext) {
    void *address = ((siginfo_t *)siginfo)->si_addr;
    if (guard_fault(ucontext, signal == SIGBUS, address)) return true;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct engine *e = engines[i];
        if (!e || !e->host || !e->execute) continue;
        uint64_t offset = e->host->fault_pc(ucontext) - (uint64_t)(uintptr_t)e->execute;
        if (offset >= e->cache_size) continue;
        struct cpu *cpu = e->host->fault_cpu(ucontext);
        if (e->host->fault_pair(ucontext, address, cpu)) {
            __atomic_add_fetch(&e->stats.pair_drops, 1, __ATOMIC_RELAXED);
            return true;
        }
        struct unit *u = unit_at(e, (uint32_t)offset);
        if (!u) return false;
        uint32_t n = 0, rel = (uint32_t)offset - u->poll_entry;
        const uint8_t *mark = unit_marks(u);
        cpu->pc = u->pc;
        for (uint32_t host_end = mark_take(&mark); n + 1 < u->ninsns && host_end <= rel; n++) {
            cpu->pc += mark_take(&mark);
            host_end += mark_take(&mark);
        }
        if (u->ctx & CTX_COUNTED) cpu->count.budget += u->ninsns - (n + 1);
        uint64_t guest;
        const enum exit_kind trap = trap_of(cpu, address, &guest);
        if (trap)
            cpu_exit(cpu, trap, guest);
        else /* where it was, if that is the guest's: the loop looks whether there is code */
            cpu_exit(cpu, EXIT_interpret, in_space(&cpu->mem[0], address));
        cpu->jumps.site = NULL;
        const struct state_source from = {.cpu = cpu, .registers = ucontext, .read = e->host->fault_register};
        state_settle(&e->pinned, &from, cpu); /* the map of each exit of each unit of the baseline's */
        e->host->leave_from_fault(ucontext, e->execute);
        return true;
    }
    return false;
}

bool fault_register(struct engine *e) {
    if (!os_catch_faults(engine_host_fault)) return false;
    for (unsigned i = 0; i < ENGINES; i++) {
        struct engine *none = NULL;
        if (__atomic_compare_exchange_n((struct engine **)&engines[i], &none, e, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

void fault_unregister(struct engine *e) {
    for (unsigned i = 0; i < ENGINES; i++)
        if (engines[i] == e) engines[i] = NULL;
}
