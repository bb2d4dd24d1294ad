/* share.c - processes that share the guest's memory without being threads: children of vfork and posix_spawn, tracers
 * of leak checkers, and whoever else asks for CLONE_VM alone. They are called partners here.
 *
 * A partner is a process of the host that shares all of vee's memory as well. It has a struct process of its own
 * (signal actions, limits, descriptors of vee's) with the space of the first one, a cpu of the same engine, and a stack
 * and thread-local variables that vee makes (base/os_thread.c). Whether its maker waits for it, as with vfork, is the
 * kernel's affair alone: nobody holds the engine's lock meanwhile.
 *
 * It may be killed at any time, with the lock and in the middle of a change. While there are partners changes of the
 * space are guarded, and whoever is left takes them back (share_died); the engine drops its translations. One that ends
 * or executes in good order has given the lock up before (share_leave) and leaves nothing to mend. What it used is
 * freed, or kept for the next one, when its memory is no longer used, which the kernel says in a word, by whoever looks
 * next: at the latest when the next partner is made.
 *
 * Not there: what Linux does for a process that is killed or executes, at the word of CLONE_CHILD_CLEARTID and at
 * robust locks. The limits on address space are those that were set last in any of the processes.
 */
#include "process/linux/linux.h"
#include "base/os.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct partner {
    struct partner *next;
    struct os_thread *memory; /* in which this is */
    uint32_t number;          /* of its process, for the engine */
    uint64_t flags;           /* that it was made with */
    uint64_t parent_tid, child_tid;
    bool of_first;    /* its maker is the process that opened the vm */
    bool made;        /* its maker looks at this no more */
    bool ended;       /* before that */
    bool had_threads; /* when it ended */
    struct process process;
    struct scratch scratch; /* the last: nobody expects anything in there */
};
enum { PARTNER_STATE = offsetof(struct partner, scratch) };

#define PARTNER_ROWS(R)                                                                                                \
    R(HOST, next, "the list")                                                                                          \
    R(HOST, memory, "what it is in")                                                                                   \
    R(HOST, number, "for the engine")                                                                                  \
    R(FIELD, flags, RESOURCE)                                                                                          \
    R(FIELD, parent_tid, RESOURCE)                                                                                     \
    R(FIELD, child_tid, RESOURCE)                                                                                      \
    R(HOST, of_first, "who takes its memory back")                                                                     \
    R(HOST, made, "likewise")                                                                                          \
    R(FIELD, ended, RESOURCE)                                                                                          \
    R(HOST, had_threads, "likewise")                                                                                   \
    R(OBJECT, process, process_type)                                                                                   \
    R(HOST_IN, scratch, "of the call that it makes")
OBJECT_TYPE(partner_type, "partner", struct partner, PARTNER_ROWS)

void *partner_next(const struct visitor *v, void *process, void *previous) {
    (void)v;
    return previous ? ((struct partner *)previous)->next : ((struct process *)process)->partners;
}

/* In the new process. The words for its id are written here, as a child of vfork may look for them. */
static void partner_main(void *data) {
    struct partner *k = data;
    struct thread *t = &k->process.thread;
    struct engine *engine = k->process.vm->engine;
    const struct thread set = *t;
    signals_thread(t);
    t->stack_start = set.stack_start;
    t->stack_size = set.stack_size;
    t->stack_flags = set.stack_flags;
    signals_release(signal_host_mask(UINT64_MAX)); /* its own mask comes in the loop; faults are seen from here on */
    engine_apart_begin(engine, t->cpu, k->of_first && !(k->flags & CLONE_PARENT));
    engine_lock(engine, t->cpu);
    if (k->flags & CLONE_PARENT_SETTID) await_write(&k->process, k->parent_tid, &t->tid, 4);
    t->tid = (uint32_t)host_do(SYS_gettid); /* as it sees it itself */
    if (k->flags & CLONE_CHILD_SETTID) await_write(&k->process, k->child_tid, &t->tid, 4);
    if (k->flags & CLONE_CLEAR_SIGHAND) handlers_clear(t);
    own_fds_forked(&k->process, k->flags & CLONE_FILES);
    if (k->flags & CLONE_NEWNS) path_root_again(&k->process);
    engine_unlock(engine);
    engine_run(engine, t->cpu);
    os_die(SIGABRT, false); /* processes end in share_exit or by a signal */
}

static struct partner *partner_new(struct call *c, const struct clone_args *guest) {
    struct process *p = c->process;
    struct process *first = process_of(p->vm);
    struct os_thread *memory = first->spare;
    first->spare = NULL;
    memory = memory ? os_thread_again(memory, PARTNER_STATE) : os_thread_make(sizeof(struct partner));
    if (!memory) return NULL;
    struct partner *k = os_thread_data(memory);
    struct process *own = &k->process;
    struct thread *t = &own->thread;
    k->memory = memory;
    k->flags = guest->flags;
    k->of_first = p == first;
    k->parent_tid = guest->parent_tid;
    k->child_tid = guest->child_tid;
    *own = *p;
    own->partner = k;
    own->forked = true;
    own->leaving = 0;
    own->partners = NULL;
    own->spare = NULL;
    own->rings = NULL; /* its maker's */
    own->aio = NULL;
    memcpy(own->own_actions, p->actions, sizeof own->own_actions);
    own->actions = guest->flags & CLONE_SIGHAND ? p->actions : own->own_actions;
    own->threads = t;
    *t = (struct thread){.process = own,
                         .leader = true,
                         .scratch = &k->scratch,
                         .late_privileges = c->thread->late_privileges,
                         .stack_flags = SS_DISABLE};
    if (guest->flags & CLONE_VFORK) {
        t->stack_start = c->thread->stack_start;
        t->stack_size = c->thread->stack_size;
        t->stack_flags = c->thread->stack_flags;
    }
    if (thread_begin(t, c->thread, guest)) return k;
    os_thread_free(memory);
    return NULL;
}

/* Children of vfork come one after the other: the next one gets the memory of the last, but of one with threads, which
   may not have noticed yet that they are dead. */
static void partner_free(struct process *first, struct partner *k) {
    struct os_thread *memory = k->memory;
    if (first->spare || k->had_threads)
        os_thread_free(memory);
    else
        first->spare = memory;
}

/* One that never ran. */
static void partner_drop(struct call *c, struct partner *k) {
    struct engine *e = c->process->vm->engine;
    struct partner **at = &process_of(c->process->vm)->partners;
    while (*at && *at != k) at = &(*at)->next;
    if (*at) {
        *at = k->next;
        space_unguard(c->process->space);
    }
    engine_unlock(e); /* freeing a cpu takes the lock */
    engine_cpu_free(e, k->process.thread.cpu);
    engine_lock(e, c->thread->cpu);
    seccomp_leave(&k->process.thread);
    partner_free(process_of(c->process->vm), k);
}

/* In counted runs there is no other cpu but that of a child that its parent waits for: its instructions are what
 * counts. */
static uint64_t count_begin(struct call *c, struct partner *k) {
    struct vm *vm = c->process->vm;
    const uint64_t stop_at = vm->stop_at;
    if (!vm->counted) return stop_at;
    struct cpu *cpu = k->process.thread.cpu;
    cpu->count.executed = cpu_count(c->thread->cpu);
    cpu_grant(cpu, INT64_MAX / 2);
    vm->cpu = cpu;
    vm->stop_at = UINT64_MAX;
    return stop_at;
}

static void count_end(struct call *c, uint64_t stop_at) {
    struct vm *vm = c->process->vm;
    if (!vm->counted) return;
    vm->cpu = c->thread->cpu;
    vm->stop_at = stop_at;
}

/* Makes the process of the host, and waits for it if the kernel does. The lock is given up meanwhile. */
static int64_t partner_start(struct call *c, struct partner *k, const struct clone_args *host, uint32_t *alive) {
    struct engine *e = c->process->vm->engine;
    struct thread *t = &k->process.thread;
    const uint64_t stop_at = count_begin(c, k);
    uint64_t mask = signals_hold();
    engine_unlock(e);
    int64_t r = os_thread_start(k->memory, host, partner_main, &t->tid, alive);
    signals_release(mask); /* who has the lock may have to mend memory, which may fault */
    engine_lock(e, c->thread->cpu);
    count_end(c, stop_at);
    return r;
}

int64_t share_make(struct call *c, const struct clone_args *guest, const struct clone_args *host) {
    struct process *p = c->process, *first = process_of(p->vm);
    struct engine *e = p->vm->engine;
    struct clone_args h = *host;
    const bool waits = guest->flags & CLONE_VFORK;
    if (p->vm->counted && !waits) return -ENOSYS; /* whose turn it is would not repeat */
    h.flags &= ~(uint64_t)CLONE_PARENT_SETTID;
    engine_bury(e, c->thread->cpu);
    engine_share(e, c->thread->cpu);
    struct partner *k = partner_new(c, guest);
    if (!k) return -ENOMEM;
    uint32_t *alive = engine_cpu_apart(e, k->process.thread.cpu);
    if (!alive || !space_guard(p->space)) {
        if (alive) *alive = 0;
        partner_drop(c, k);
        return -EAGAIN;
    }
    k->number = engine_process(k->process.thread.cpu);
    k->next = first->partners;
    first->partners = k;
    int64_t r = partner_start(c, k, &h, alive);
    if (r < 0) {
        *alive = 0;
        partner_drop(c, k);
        return r;
    }
    if (waits && (guest->flags & CLONE_FILES)) memcpy(p->own, k->process.own, sizeof p->own);
    if (k->ended)
        partner_free(first, k);
    else
        k->made = true;
    /* From here on it may be gone. */
    if (waits) {
        process_limits_changed(p);
        engine_bury(e, c->thread->cpu);
    } else if (guest->flags & CLONE_PARENT_SETTID) {
        const uint32_t id = (uint32_t)r;
        call_write(c, guest->parent_tid, &id, sizeof id);
    }
    c->thread->interrupted = 1; /* its signals were held back */
    cpu_poke(c->thread->cpu);
    return r;
}

void share_died(void *self, uint32_t number, bool in_order) {
    struct process *first = process_of(self);
    struct partner **at = &first->partners, *k;
    while ((k = *at) != NULL && k->number != number) at = &k->next;
    if (!in_order) {
        signals_keep(); /* those that it shared it may have given up to die */
        space_recover(first->space);
        if (first->store) store_forked(first);
    }
    if (!k) return; /* the first one */
    *at = k->next;
    space_unguard(first->space);
    if (!in_order && !first->userfault.end) thread_locks_end(&k->process.thread); /* nobody can be waited for here */
    for (struct thread *t = k->process.threads, *next; t; t = next) {
        next = t->next;
        if (t == &k->process.thread) continue;
        k->had_threads = true;
        thread_memory_free(t);
    }
    seccomp_leave(&k->process.thread);
    k->ended = true;
    if (k->made) partner_free(first, k);
}

/* Does anybody share its memory, or did not so long ago? */
static bool is_shared(const struct process *p) {
    return p->partner || process_of(p->vm)->partners;
}

bool share_handlers(const struct process *p) {
    const struct partner *k = process_of(p->vm)->partners;
    while (k && k->process.actions != p->actions) k = k->next;
    return p->actions != p->own_actions || (k && k->process.actions != k->process.own_actions);
}

void share_leave(struct thread *t) {
    struct process *p = t->process;
    if (!is_shared(p)) return;
    engine_leave(p->vm->engine, t->cpu);
}

void share_stay(struct thread *t) {
    struct process *p = t->process;
    if (!is_shared(p)) return;
    engine_stay(p->vm->engine, t->cpu);
}

OS_ENDS void share_exit(struct thread *t, int status) {
    if (t->process->partner) thread_locks_end(t);
    share_leave(t);
    for (;;) host_hold(SYS_exit_group, status);
}

OS_ENDS void share_die(struct thread *t, int signal, bool core) {
    struct engine *e = t->process->vm->engine;
    /* A process that dies by a signal gives up its handler for it. Who shares that goes on behind share_died only,
       which puts it back: so the lock is kept, and nobody is in guest code, however long that takes; but for one that
       may wait for a page that nobody provides. */
    if (!share_handlers(t->process))
        share_leave(t);
    else if (process_of(t->process->vm)->userfault.end)
        engine_halt_others(e);
    else
        engine_stop_others(e);
    /* Who shares another's memory shares whether that may be dumped. */
    os_die(signal, core && !is_shared(t->process));
}

bool share_stays(struct process *p) {
    struct engine *e = p->vm->engine;
    struct cpu *cpu = p->vm->cpu;
    if (!p->partners) return false;
    engine_lock(e, cpu);
    bool stays = engine_bury(e, cpu);
    if (stays)
        engine_leave(e, cpu);
    else
        engine_unlock(e);
    return stays;
}

void share_forked(struct thread *t) {
    struct process *p = t->process, *first = process_of(p->vm);
    first->partners = NULL;
    if (p->actions != p->own_actions) memcpy(p->own_actions, p->actions, sizeof p->own_actions);
    p->actions = p->own_actions;
    p->partner = NULL;
    if (p != first) proc_forked(p); /* others took this memory for the first one's */
}
