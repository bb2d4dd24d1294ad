/* clone.c - processes: fork, the end; clone and clone3 ask for the same things in two forms. Threads are in thread.c,
 * processes that share memory in share.c.
 *
 * fork is the host's: the child is a copy of vee that goes on behind the call. The one thing that the host shares is
 * the memory of translated code, which both use and neither changes from then on (engine_fork).
 */
#include "process/linux/linux.h"
#include "vm/input.h"
#include "base/os.h"
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { TIDS = 32 /* namespaces within each other */ };
/** What vee does itself in the child, because the host would do it to vee. */
static const uint64_t own_flags = CLONE_SETTLS | CLONE_CLEAR_SIGHAND;

void handlers_clear(struct thread *t) {
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
    input_forked(c->process->vm);
    c->process->forked = true;
    c->process->threads = t;
    c->process->leaving = 0;
    t->leader = true;
    t->next = t->previous = NULL;
    t->tid = (uint32_t)host_do(SYS_gettid);
    child_begin(t, guest);
    store_forked(c->process);
    share_forked(t);
    if (!engine_fork_child(e, t->cpu)) os_die(SIGKILL, false);
    memory_forked(c->process->space);
    own_fds_forked(c->process, guest->flags & CLONE_FILES);
    if (guest->flags & CLONE_NEWNS) path_root_again(c->process);
    aio_forked(c->process);
    uring_forked(c->process);
    return CALL_STATE;
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
    input_past(c->process->vm, "a process that shares memory");
    return share_make(c, g, &h);
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
    if (!c->process->partner) store_save(c->process);
    if (c->process->forked || t != &c->process->thread) share_exit(t, status);
    vm_stop(c->process->vm, VM_EXITED, status, 0);
    return CALL_STOP;
}

int64_t call_exit(struct call *c) {
    struct thread *t = c->thread;
    if (thread_is_alone(t) && t == &c->process->thread) return call_exit_group(c);
    return thread_end(c);
}
