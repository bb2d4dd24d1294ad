/* thread.c - threads: clone with CLONE_THREAD, and the end of one thread of several.
 *
 * A guest thread is a thread of the host with the same id, made by vee itself (base/os_thread.c), and a cpu of the same
 * engine. It begins in the loop, by taking the host's mask from the guest's. What the kernel does at the end of a
 * thread is done here: robust futexes, because a list may lead to memory of vee, which the kernel does not know; and
 * the word that joiners wait at, because it is to be seen like any other store of the guest's.
 */
#include "process/linux/linux.h"
#include "vm/input.h"
#include "base/os.h"
#include "core/host.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint64_t together = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
/* What a new thread of the host shares; one that is not to have it leaves it before it begins. */
static const uint64_t shared = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM;
/* What it can enter instead. */
static const uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;

/** What is in the memory of a task (os_thread_data). */
struct task {
    struct os_thread *memory;
    struct thread thread;
    struct scratch scratch;
    /* What it does in the host before the guest may know of it, while its maker waits. */
    bool prepares;
    uint64_t leave; /* for unshare */
    bool wants_pidfd;
    uint32_t prepared; /* it has */
    int64_t result;    /* the descriptor or an error */
};

static void task_free(struct task *k) {
    if (k->thread.cpu) engine_cpu_free(k->thread.process->vm->engine, k->thread.cpu);
    seccomp_leave(&k->thread);
    os_thread_free(k->memory);
}

void thread_memory_free(struct thread *t) {
    seccomp_leave(t);
    os_thread_free(((struct task *)(void *)((uint8_t *)t - offsetof(struct task, thread)))->memory);
}

static bool prepare(struct task *k) {
    const uint64_t of_thread = O_EXCL; /* PIDFD_THREAD */
    k->result = k->wants_pidfd ? host_wait(SYS_pidfd_open, host_do(SYS_gettid), of_thread) : 0;
    int64_t r = k->result >= 0 && k->leave ? host_wait(SYS_unshare, k->leave) : 0;
    if (r < 0) {
        if (k->wants_pidfd) host_wait(SYS_close, k->result);
        k->result = r;
    }
    bool able = k->result >= 0;
    __atomic_store_n(&k->prepared, 1, __ATOMIC_SEQ_CST);
    os_wake(&k->prepared, 1);
    return able;
}

static void thread_main(void *data) {
    struct task *k = data;
    struct thread *t = &k->thread;
    struct process *p = t->process;
    /* Once it is known the process may end at any time, and its vm with it; the engine stays, with its lock taken. */
    struct engine *engine = p->vm->engine;
    signals_thread(t);
    if (!k->prepares || prepare(k)) {
        engine_run(engine, t->cpu);
        if (!t->ended) os_die(SIGABRT, false); /* something that only stops whole machines */
    }
    signals_thread(NULL);
    seccomp_leave(t);
    engine_cpu_free(engine, t->cpu);
    __atomic_sub_fetch(&p->leaving, 1, __ATOMIC_SEQ_CST);
    os_wake(&p->leaving, 1); /* if it is there still; nobody else sleeps at that address */
}

void threads_gone(struct process *p) {
    for (uint32_t n; (n = __atomic_load_n(&p->leaving, __ATOMIC_SEQ_CST)) != 0;) os_wait(&p->leaving, n, 0);
}

bool thread_begin(struct thread *t, const struct thread *from, const struct clone_args *guest) {
    const struct abi *abi = t->process->abi;
    struct error error = {0};
    t->mask = from->mask;
    t->clear_tid = guest->flags & CLONE_CHILD_CLEARTID ? guest->child_tid : 0;
    t->cpu = engine_cpu_make(t->process->vm->engine, &error);
    if (!t->cpu) return false;
    seccomp_share(t, from);
    t->cpu->owner = t;
    cpu_copy(t->cpu, from->cpu);
    abi->call_done(t->cpu, 0);
    if (guest->stack) abi->set_stack(t->cpu, guest->stack);
    if (guest->flags & CLONE_SETTLS) abi->set_tls(t->cpu, guest->tls);
    t->interrupted = 1; /* so that the host gets the mask */
    cpu_poke(t->cpu);
    return true;
}

/* A thread like c's, that goes on behind its call. NULL: no memory. */
static struct task *task_new(struct call *c, const struct clone_args *guest) {
    struct process *p = c->process;
    struct os_thread *memory = os_thread_make(sizeof(struct task));
    if (!memory) return NULL;
    struct task *k = os_thread_data(memory);
    struct thread *t = &k->thread;
    k->memory = memory;
    t->process = p;
    t->scratch = &k->scratch;
    if (thread_begin(t, c->thread, guest)) return k;
    task_free(k);
    return NULL;
}

/* Its thread of the host: a descriptor for it, where one is wanted, or an error. */
static int64_t host_thread(const struct call *c, struct task *k, uint64_t flags) {
    k->leave = (~flags & shared) | (flags & spaces);
    k->wants_pidfd = flags & CLONE_PIDFD;
    k->prepares = k->leave || k->wants_pidfd;
    uint64_t mask = signals_hold(); /* until it is known as this thread */
    __atomic_add_fetch(&k->thread.process->leaving, 1, __ATOMIC_SEQ_CST);
    int64_t r = os_thread_start(k->memory, NULL, thread_main, &k->thread.tid, NULL);
    if (os_thread_signal()) signal_action_changed(c->thread, os_thread_signal());
    signals_release(mask);
    if (r < 0) {
        struct engine *e = k->thread.process->vm->engine;
        struct cpu *self = c->thread->cpu;
        __atomic_sub_fetch(&k->thread.process->leaving, 1, __ATOMIC_SEQ_CST);
        engine_unlock(e); /* freeing a cpu takes the lock */
        task_free(k);
        engine_lock(e, self);
        return r;
    }
    if (!k->prepares) return 0;
    while (!__atomic_load_n(&k->prepared, __ATOMIC_SEQ_CST)) os_wait(&k->prepared, 0, 0);
    return k->result;
}

int64_t thread_make(struct call *c, const struct clone_args *guest) {
    struct process *p = c->process;
    const uint64_t flags = guest->flags, alone = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME;
    if ((flags & together) != together || (flags & alone)) return -EINVAL;
    if (((flags & CLONE_NEWNS) && (flags & CLONE_FS)) || ((flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM)))
        return -EINVAL;
    if (p->vm->counted) return -ENOSYS; /* whose turn it is would not repeat */
    input_past(p->vm, "threads");
    if (guest->set_tid_size) return -EPERM; /* the host numbers it */
    if (flags & CLONE_INTO_CGROUP) return -EOPNOTSUPP;
    struct task *k = task_new(c, guest);
    if (!k) return -ENOMEM;
    struct thread *t = &k->thread;
    if (flags & CLONE_PIDFD) await_memory(p, guest->pidfd, 4, true);
    if (flags & CLONE_PARENT_SETTID) await_memory(p, guest->parent_tid, 4, true);
    if (flags & CLONE_CHILD_SETTID) await_memory(p, guest->child_tid, 4, true);
    engine_share(p->vm->engine, c->thread->cpu);
    int64_t pidfd = host_thread(c, k, flags);
    if (pidfd < 0) return pidfd;
    /* It cannot go on before this answer is done, which gives up the lock no more. */
    t->next = p->threads;
    if (t->next) t->next->previous = t;
    p->threads = t;
    if (flags & CLONE_PIDFD) space_write(p->space, guest->pidfd, &pidfd, 4);
    if (flags & CLONE_PARENT_SETTID) space_write(p->space, guest->parent_tid, &t->tid, 4);
    if (flags & CLONE_CHILD_SETTID) space_write(p->space, guest->child_tid, &t->tid, 4);
    return t->tid;
}

/* ---- the end */

static void wake(struct space *s, uint64_t at) {
    if (space_within(s, at, 4)) host_do(SYS_futex, space_host(s, at), FUTEX_WAKE, 1, 0, 0, 0);
}

/* The owner of a lock dies: says so in its word, and wakes one who waits. */
static void lock_orphaned(struct thread *t, uint64_t at) {
    struct space *s = t->process->space;
    uint32_t word;
    if (at % 4 || !await_read(t->process, at, &word, 4)) return;
    await_memory(t->process, at, 4, true);
    space_host_writes(s, at, 4, false);
    while ((word & FUTEX_TID_MASK) == t->tid) {
        uint64_t old = 0, dead = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (guard_cas(space_host(s, at), 4, word, dead, &old).status != 1) return; /* it has gone meanwhile */
        if (word == old) {
            if (word & FUTEX_WAITERS) wake(s, at);
            return;
        }
        word = (uint32_t)old;
    }
}

/* The list of robust locks: {next, offset of the word, an entry that may not be on it yet}; it ends at its head. */
static void robust_locks(struct thread *t) {
    enum { MOST = 2048 };
    uint64_t head[3], at, next;
    if (!t->robust_list || !await_read(t->process, t->robust_list, head, sizeof head)) return;
    at = head[0] & ~UINT64_C(1);
    for (unsigned n = 0; n < MOST && at != t->robust_list; n++, at = next & ~UINT64_C(1)) {
        bool more = await_read(t->process, at, &next, 8);
        if (at != (head[2] & ~UINT64_C(1))) lock_orphaned(t, at + head[1]);
        if (!more) break;
    }
    if (head[2]) lock_orphaned(t, (head[2] & ~UINT64_C(1)) + head[1]);
}

void thread_locks_end(struct thread *t) {
    struct space *s = t->process->space;
    const uint32_t zero = 0;
    robust_locks(t);
    if (t->clear_tid && await_write(t->process, t->clear_tid, &zero, 4)) wake(s, t->clear_tid);
}

int64_t thread_end(struct call *c) {
    struct thread *t = c->thread;
    uint64_t all = signal_host_mask(UINT64_MAX); /* the guest's memory may fault below */
    host_do(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
    /* A signal that was caught and not delivered is another thread's. */
    if (t->caught) host_do(SYS_rt_sigqueueinfo, getpid(), t->caught, &t->caught_info);
    *(t->previous ? &t->previous->next : &c->process->threads) = t->next;
    if (t->next) t->next->previous = t->previous;
    t->ended = true;
    host_do(SYS_set_robust_list, 0, 24); /* the kernel would follow it into vee's memory */
    if (t->leader && !c->process->partner) {
        robust_locks(t); /* the word is the kernel's to clear */
        engine_unlock(c->process->vm->engine);
        for (;;) host_hold(SYS_exit, c->guest[0]);
    }
    thread_locks_end(t);
    if (t->leader) { /* while this thread is there others know that the process is */
        engine_unlock(c->process->vm->engine);
        for (;;) host_wait(SYS_pause);
    }
    return CALL_STOP;
}
