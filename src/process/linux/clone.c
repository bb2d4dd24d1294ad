/* clone.c - processes: fork, vfork, the end; clone and clone3 ask for the same things in two forms. Threads are in
 * thread.c. CLONE_VM with neither is ENOSYS.
 *
 * fork is the host's: the child is a copy of vee that goes on behind the call. The one thing that the host shares is
 * the memory of translated code, which both use and neither changes from then on (engine_fork).
 *
 * vfork, and posix_spawn, which reports errors through shared memory, really share it: the child runs on a stack of its
 * own, with the same engine and the same cpu, while the kernel holds the parent. It never returns from there, it ends
 * or executes; the parent then takes back its cpu and whatever a process does not share. A child that was killed may
 * have left the code tables half changed, so they are dropped then.
 */
#include "process/linux/linux.h"
#include "base/os.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CHILD_STACK = 1 << 20, TIDS = 32 /* namespaces within each other */ };
/** What vee does itself in the child, because the host would do it to vee. */
static const uint64_t own_flags = CLONE_SETTLS | CLONE_CLEAR_SIGHAND;

static void handlers_clear(struct thread *t) {
    for (int signal = 1; signal <= SIGNALS; signal++) {
        struct action *a = &t->process->actions[signal];
        if (a->handler == ACTION_DEFAULT || a->handler == ACTION_IGNORE) continue;
        *a = (struct action){.handler = ACTION_DEFAULT};
        signal_action_changed(t, signal);
    }
}

/* In the child: signals that were waiting are the parent's. While it is made all are held back, so those that come for
 * the child wait in the kernel.
 */
static void child_begin(struct thread *t, const struct clone_args *guest) {
    struct process *p = t->process;
    p->vm->stop_at = UINT64_MAX;
    t->caught = 0;
    t->queued = 0;
    t->interrupted = 1; /* so that the host gets the mask anew */
    signals_release(signal_host_mask(UINT64_MAX));
    t->clear_tid = guest->flags & CLONE_CHILD_CLEARTID ? guest->child_tid : 0;
    p->abi->call_done(t->cpu, 0);
    if (guest->stack) p->abi->set_stack(t->cpu, guest->stack);
    if (guest->flags & CLONE_SETTLS) p->abi->set_tls(t->cpu, guest->tls);
    if (guest->flags & CLONE_CLEAR_SIGHAND) handlers_clear(t);
}

/* Can the older call of the host, which every host has, say the same? */
static bool old_form(const struct clone_args *h) {
    return !(h->flags >> 32) && !(h->flags & CLONE_NEWTIME) && !h->set_tid_size &&
           !((h->flags & CLONE_PIDFD) && (h->flags & CLONE_PARENT_SETTID));
}

/* The word that the older call has for both uses. */
static uint64_t old_parent_word(const struct clone_args *h) {
    return h->flags & CLONE_PIDFD ? h->pidfd : h->parent_tid;
}

static int64_t do_fork(struct call *c, const struct clone_args *guest, struct clone_args *host) {
    struct thread *t = c->thread;
    struct engine *e = c->process->vm->engine;
    engine_fork(e);
    uint64_t mask = signals_hold();
    int64_t r = old_form(host)
                    ? host_do(SYS_clone, host->flags | host->exit_signal, 0, old_parent_word(host), host->child_tid, 0)
                    : host_do(SYS_clone3, host, sizeof *host);
    if (r != 0) {
        signals_release(mask);
        return r;
    }
    c->process->forked = true;
    c->process->threads = t;
    c->process->leaving = 0;
    t->leader = true;
    t->next = NULL;
    t->tid = (uint32_t)host_do(SYS_gettid);
    child_begin(t, guest);
    store_forked(c->process);
    if (!engine_fork_child(e, t->cpu)) os_die(SIGKILL, false);
    space_forked(c->process->space);
    return CALL_STATE;
}

/** Shared with a vfork child. */
struct vfork {
    struct thread *thread;
    const struct clone_args *guest;
};

static int vfork_child(void *arg) {
    const struct vfork *v = arg;
    struct thread *t = v->thread;
    struct vm *vm = t->process->vm;
    t->vforked = true;
    if (vm->counted) t->process->forked = true; /* its ids are the host's; there are no other threads to see this */
    child_begin(t, v->guest);
    if (signal_deliver(t) == ANSWER_RESUME) {
        engine_unlock(vm->engine); /* which the parent holds */
        engine_run(vm->engine, t->cpu);
    }
    _exit(127); /* children end in call_exit or by a signal */
}

/** What processes have for themselves although they share memory. */
struct kept {
    struct action actions[SIGNALS + 1];
    uint64_t core_limit[2], data_limit[2], stack_limit[2], space_limit[2];
    uint64_t files_most;
    uint32_t persona;
    struct own_fd own[OWN_FDS];
    bool forked;
};

static struct kept keep(const struct process *p) {
    struct kept k = {.files_most = p->files_most, .persona = p->persona, .forked = p->forked};
    memcpy(k.own, p->own, sizeof k.own);
    memcpy(k.actions, p->actions, sizeof k.actions);
    memcpy(k.core_limit, p->core_limit, sizeof k.core_limit);
    memcpy(k.data_limit, p->data_limit, sizeof k.data_limit);
    memcpy(k.stack_limit, p->stack_limit, sizeof k.stack_limit);
    memcpy(k.space_limit, p->space_limit, sizeof k.space_limit);
    return k;
}

static void bring_back(struct process *p, const struct kept *k) {
    p->files_most = k->files_most;
    p->persona = k->persona;
    memcpy(p->own, k->own, sizeof k->own);
    p->forked = k->forked;
    memcpy(p->actions, k->actions, sizeof k->actions);
    memcpy(p->core_limit, k->core_limit, sizeof k->core_limit);
    memcpy(p->data_limit, k->data_limit, sizeof k->data_limit);
    memcpy(p->stack_limit, k->stack_limit, sizeof k->stack_limit);
    memcpy(p->space_limit, k->space_limit, sizeof k->space_limit);
    process_limits_changed(p);
}

static int64_t vfork_make(struct vfork *v, struct clone_args *host, uint8_t *stack) {
    if (!old_form(host)) {
        host->stack = (uintptr_t)stack;
        host->stack_size = CHILD_STACK;
        return host_clone3(host, sizeof *host, vfork_child, v);
    }
    int pid = clone(vfork_child, stack + CHILD_STACK, (int)(host->flags | host->exit_signal), v,
                    (void *)(uintptr_t)old_parent_word(host), NULL, (void *)(uintptr_t)host->child_tid);
    return pid < 0 ? -errno : pid;
}

static int64_t do_vfork(struct call *c, const struct clone_args *guest, struct clone_args *host) {
    struct process *p = c->process;
    struct vm *vm = p->vm;
    struct cpu *cpu = c->thread->cpu;
    size_t cpu_size = p->abi->guest->cpu_size;
    uint8_t cpu_before[cpu_size];
    struct thread *t = c->thread, before;
    struct kept kept = keep(p);
    struct thread filters = {0}; /* that the parent keeps */
    struct vfork v = {c->thread, guest};
    uint64_t stop_at = vm->stop_at;
    uint8_t *stack = os_stack_map(CHILD_STACK);
    if (!stack) return -ENOMEM;
    memcpy(cpu_before, cpu, cpu_size);
    uint64_t mask = signals_hold();
    before = *t;
    t->child_ended = false;
    seccomp_share(&filters, t);
    int64_t r = vfork_make(&v, host, stack);
    bool clean = r < 0 || t->child_ended;
    engine_relock(vm->engine, cpu);
    os_stack_left(stack, CHILD_STACK);
    os_stack_unmap(stack, CHILD_STACK);
    seccomp_leave(t);
    before.filters = filters.filters;
    before.next = t->next; /* other threads may have come and gone */
    *t = before;
    signals_release(mask);
    if (r < 0) return r;
    if (guest->flags & CLONE_FILES) memcpy(kept.own, p->own, sizeof kept.own); /* the child's doings are the parent's */
    bring_back(p, &kept);
    cpu_restore(cpu, cpu_before);
    vm->stop_at = stop_at;
    if (!clean) engine_flush(vm->engine);
    t->interrupted = 1; /* its signals were held back */
    cpu_poke(cpu);
    return r;
}

/* The guest's request, its stack given by its upper end, becomes a thread or a process. */
static int64_t make(struct call *c, const struct clone_args *g, const uint32_t tids[]) {
    struct clone_args h = {.flags = g->flags & ~own_flags,
                           .exit_signal = g->exit_signal,
                           .set_tid = g->set_tid_size ? (uintptr_t)tids : 0,
                           .set_tid_size = g->set_tid_size,
                           .cgroup = g->cgroup};
    uint64_t child = 0, parent = 0, pidfd = 0;
    if ((g->flags & CLONE_PIDFD) && !call_pointer(c, g->pidfd, 4, &pidfd)) return -EFAULT;
    if ((g->flags & CLONE_PARENT_SETTID) && !call_pointer(c, g->parent_tid, 4, &parent)) return -EFAULT;
    if ((g->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) && !call_pointer(c, g->child_tid, 4, &child))
        return -EFAULT;
    if (g->flags & CLONE_CHILD_CLEARTID) space_host_writes(c->process->space, g->child_tid, 4, true);
    if ((g->flags & CLONE_PIDFD) && (g->flags & CLONE_PARENT_SETTID) && g->pidfd == g->parent_tid) return -EINVAL;
    h.pidfd = pidfd;
    h.parent_tid = parent;
    h.child_tid = child;
    if (g->flags & CLONE_THREAD) return thread_make(c, g);
    if (g->flags & CLONE_FILES) c->process->files_shared = true;
    if (!(g->flags & CLONE_VM)) return do_fork(c, g, &h);
    return g->flags & CLONE_VFORK ? do_vfork(c, g, &h) : -ENOSYS;
}

int64_t call_clone(struct call *c) {
    const uint64_t *g = c->guest;
    struct clone_args a = {.flags = (uint32_t)g[0] & ~(uint64_t)CSIGNAL,
                           .exit_signal = g[0] & CSIGNAL,
                           .pidfd = g[2],
                           .parent_tid = g[2],
                           .child_tid = g[4],
                           .stack = g[1],
                           .tls = g[3]};
    return make(c, &a, NULL);
}

static bool request_valid(const struct clone_args *a, uint64_t size) {
    const uint64_t known = UINT32_MAX | (uint64_t)CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
    const uint64_t both = CLONE_SIGHAND | (uint64_t)CLONE_CLEAR_SIGHAND;
    if (a->set_tid_size > TIDS || !a->set_tid != !a->set_tid_size) return false;
    if (a->exit_signal > SIGNALS) return false;
    if ((a->flags & CLONE_INTO_CGROUP) && (a->cgroup > INT_MAX || size < CLONE_ARGS_SIZE_VER2)) return false;
    if (a->flags & (~known | CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) return false;
    if ((a->flags & both) == both) return false;
    if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal) return false;
    return !a->stack == !a->stack_size;
}

int64_t call_clone3(struct call *c) {
    struct clone_args a;
    uint32_t tids[TIDS];
    uint64_t size = c->guest[1];
    if (size > SPACE_PAGE) return -E2BIG;
    if (size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
    int64_t r = call_read_struct(c, c->guest[0], size, &a, sizeof a);
    if (r < 0) return r;
    if (!request_valid(&a, size)) return -EINVAL;
    if (a.set_tid_size && !call_read(c, a.set_tid, tids, a.set_tid_size * sizeof *tids)) return -EFAULT;
    if (!space_within(c->process->space, a.stack, a.stack_size)) return -EINVAL;
    a.stack += a.stack_size;
    return make(c, &a, tids);
}

/* ---- the end */

int64_t call_exit_group(struct call *c) {
    struct thread *t = c->thread;
    int status = (int)c->guest[0] & 0xff;
    t->child_ended = true;
    if (!t->vforked) store_save(c->process);
    if (c->process->forked || t->vforked || t != &c->process->thread) _exit(status);
    vm_stop(c->process->vm, VM_EXITED, status, 0);
    return CALL_STOP;
}

int64_t call_exit(struct call *c) {
    struct thread *t = c->thread;
    if (t->vforked || (thread_is_alone(t) && t == &c->process->thread)) return call_exit_group(c);
    return thread_end(c);
}
