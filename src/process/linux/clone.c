/* clone.c - processes: fork, vfork, the end. Threads are in thread.c. CLONE_VM with neither is ENOSYS.
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
#include <sched.h>
#include <string.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
enum { CHILD_STACK = 1 << 20 };

/* In the child: signals that were waiting are the parent's. */
static void child_begin(struct thread *t, uint64_t stack, uint64_t flags, uint64_t tls) {
    struct process *p = t->process;
    p->vm->stop_at = UINT64_MAX;
    t->caught = 0;
    t->queued = 0;
    t->interrupted = 1; /* so that the host gets the mask anew */
    p->abi->call_done(t->cpu, 0);
    if (stack) p->abi->set_stack(t->cpu, stack);
    if (flags & CLONE_SETTLS) p->abi->set_tls(t->cpu, tls);
}

struct arguments {
    uint64_t flags, stack, tls, parent_tid, child_tid;
};

static int64_t do_fork(struct call *c, const struct arguments *a) {
    struct thread *t = c->thread;
    struct engine *e = c->process->vm->engine;
    engine_fork(e);
    int64_t r = host_do(SYS_clone, a->flags & ~(uint64_t)CLONE_SETTLS, 0, a->parent_tid, a->child_tid, 0);
    if (r != 0) return r;
    c->process->forked = true;
    c->process->threads = t;
    c->process->leaving = 0;
    t->leader = true;
    t->next = NULL;
    t->tid = (uint32_t)host_do(SYS_gettid);
    child_begin(t, a->stack, a->flags, a->tls);
    store_forked(c->process);
    if (!engine_fork_child(e, t->cpu)) signal_die(9);
    return CALL_STATE;
}

/** Shared with a vfork child. */
struct vfork {
    struct thread *thread;
    const struct arguments *arguments;
};

static int vfork_child(void *arg) {
    const struct vfork *v = arg;
    struct thread *t = v->thread;
    struct vm *vm = t->process->vm;
    t->vforked = true;
    if (vm->counted) t->process->forked = true; /* its ids are the host's; there are no other threads to see this */
    child_begin(t, v->arguments->stack, v->arguments->flags, v->arguments->tls);
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
    uint32_t persona;
    bool forked;
};

static struct kept keep(const struct process *p) {
    struct kept k = {.persona = p->persona, .forked = p->forked};
    memcpy(k.actions, p->actions, sizeof k.actions);
    memcpy(k.core_limit, p->core_limit, sizeof k.core_limit);
    memcpy(k.data_limit, p->data_limit, sizeof k.data_limit);
    memcpy(k.stack_limit, p->stack_limit, sizeof k.stack_limit);
    memcpy(k.space_limit, p->space_limit, sizeof k.space_limit);
    return k;
}

static void bring_back(struct process *p, const struct kept *k) {
    p->persona = k->persona;
    p->forked = k->forked;
    memcpy(p->actions, k->actions, sizeof k->actions);
    memcpy(p->core_limit, k->core_limit, sizeof k->core_limit);
    memcpy(p->data_limit, k->data_limit, sizeof k->data_limit);
    memcpy(p->stack_limit, k->stack_limit, sizeof k->stack_limit);
    memcpy(p->space_limit, k->space_limit, sizeof k->space_limit);
    p->space.limits = (struct space_limits){p->space_limit[0], p->data_limit[0], p->stack_limit[0]};
}

static int64_t do_vfork(struct call *c, const struct arguments *a) {
    struct process *p = c->process;
    struct vm *vm = p->vm;
    struct cpu *cpu = c->thread->cpu;
    size_t cpu_size = p->abi->guest->cpu_size;
    uint8_t cpu_before[cpu_size];
    struct thread *t = c->thread, before = *t;
    struct kept kept = keep(p);
    struct vfork v = {c->thread, a};
    uint64_t stop_at = vm->stop_at;
    uint8_t *stack = os_stack_map(CHILD_STACK);
    if (!stack) return -ENOMEM;
    memcpy(cpu_before, cpu, cpu_size);
    t->child_ended = false;
    int pid = clone(vfork_child, stack + CHILD_STACK, (int)(a->flags & ~(uint64_t)CLONE_SETTLS), &v,
                    (void *)(uintptr_t)a->parent_tid, NULL, (void *)(uintptr_t)a->child_tid);
    int64_t r = pid < 0 ? -errno : pid;
    bool clean = pid < 0 || t->child_ended;
    engine_relock(vm->engine, cpu);
    os_release(stack - SPACE_PAGE, CHILD_STACK + SPACE_PAGE);
    if (pid < 0) return r;
    before.next = t->next; /* other threads may have come and gone */
    before.caught = t->caught;
    before.caught_info = t->caught_info;
    *t = before;
    bring_back(p, &kept);
    cpu_restore(cpu, cpu_before);
    vm->stop_at = stop_at;
    if (!clean) engine_flush(vm->engine);
    t->interrupted = 1; /* its signals were held back */
    cpu_poke(cpu);
    return r;
}

int64_t call_clone(struct call *c) {
    const uint64_t *g = c->guest;
    struct arguments a = {.flags = g[0], .stack = g[1], .tls = g[3]};
    bool shares = a.flags & CLONE_VM;
    if (a.flags & CLONE_THREAD) return thread_make(c);
    if (shares && !(a.flags & CLONE_VFORK)) return -ENOSYS;
    if ((a.flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) && !call_pointer(c, g[2], 4, &a.parent_tid)) return -EFAULT;
    if ((a.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) && !call_pointer(c, g[4], 4, &a.child_tid))
        return -EFAULT;
    return shares ? do_vfork(c, &a) : do_fork(c, &a);
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
