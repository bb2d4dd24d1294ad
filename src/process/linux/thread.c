/* thread.c - threads: clone with CLONE_THREAD, and the end of one thread of several.
 *
 * A guest thread is a thread of the host with the same id, made by the C library with a small stack of vee's own, and a
 * cpu of the same engine. It begins in the loop, by taking the host's mask from the guest's. What the kernel does at
 * the end of a thread is done here: robust futexes, because a list may lead to memory of vee, which the kernel does not
 * know; and the word that joiners wait at, but the first thread's, because the C library has its own use for it.
 */
#include "process/linux/linux.h"
#include "base/os.h"
#include "core/host.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HOST_STACK = 512 << 10, NEVER_RAN = -1 };
enum { SIGNAL_OF_LIBC = 33 }; /* glibc's for changes of identity: it installs its handler with the first thread */
static const uint64_t together = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
/* What a thread of the C library shares; one that is not to have it leaves it before it begins. */
static const uint64_t shared = CLONE_FS | CLONE_FILES | CLONE_SYSVSEM;
/* What it can enter instead. */
static const uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;

/** What the new thread does in the host before the guest may know of it; lives as long as its maker waits. */
struct start {
    struct thread *thread;
    uint64_t leave; /* for unshare */
    bool wants_pidfd;
    int64_t result; /* the descriptor or an error */
};

static void thread_free(struct thread *t) {
    if (t->cpu) engine_cpu_free(t->process->vm->engine, t->cpu);
    if (t->scratch) munmap(t->scratch, sizeof *t->scratch);
    seccomp_leave(t);
    free(t);
}

static bool begin(struct start *s) {
    const uint64_t of_thread = O_EXCL; /* PIDFD_THREAD */
    s->result = os_fault_stack() ? 0 : -EAGAIN;
    if (s->result == 0 && s->wants_pidfd) s->result = host_do(SYS_pidfd_open, host_do(SYS_gettid), of_thread);
    int64_t r = s->result >= 0 && s->leave ? host_do(SYS_unshare, s->leave) : 0;
    if (r < 0) {
        if (s->wants_pidfd) host_do(SYS_close, s->result);
        s->result = r;
    }
    return s->result >= 0;
}

static void *thread_main(void *arg) {
    struct thread *t = ((struct start *)arg)->thread;
    /* Once it is known the process may end at any time, and its vm with it; the engine stays, with its lock taken. */
    struct engine *engine = t->process->vm->engine;
    bool able = begin(arg);
    signals_thread(t);
    __atomic_store_n(&t->tid, able ? (uint32_t)host_do(SYS_gettid) : (uint32_t)NEVER_RAN, __ATOMIC_SEQ_CST);
    os_wake(&t->tid, 1);
    if (!able) return NULL; /* whoever made it cleans up */
    engine_run(engine, t->cpu);
    if (!t->ended) os_die(SIGABRT, false); /* something that only stops whole machines */
    struct process *p = t->process;
    signals_thread(NULL);
    thread_free(t);
    __atomic_sub_fetch(&p->leaving, 1, __ATOMIC_SEQ_CST);
    os_wake(&p->leaving, 1); /* if it is there still; nobody else sleeps at that address */
    return NULL;
}

void threads_gone(struct process *p) {
    for (uint32_t n; (n = __atomic_load_n(&p->leaving, __ATOMIC_SEQ_CST)) != 0;) os_wait(&p->leaving, n, 0);
}

/* A descriptor for the thread, where one is wanted, or an error. */
static int64_t host_thread(struct thread *t, uint64_t flags) {
    struct start start = {t, (~flags & shared) | (flags & spaces), flags & CLONE_PIDFD, -EAGAIN};
    pthread_attr_t attributes;
    pthread_t host;
    if (pthread_attr_init(&attributes)) return -EAGAIN;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, HOST_STACK);
    uint64_t mask = signals_hold(); /* until it is known as this thread */
    bool made = !pthread_create(&host, &attributes, thread_main, &start);
    signal_action_changed(&t->process->thread, SIGNAL_OF_LIBC);
    signals_release(mask);
    pthread_attr_destroy(&attributes);
    while (made && !__atomic_load_n(&t->tid, __ATOMIC_SEQ_CST)) os_wait(&t->tid, 0, 0);
    return start.result;
}

/* A thread like c's, that goes on behind its call. NULL: no memory. */
static struct thread *thread_new(struct call *c, const struct clone_args *guest) {
    struct process *p = c->process;
    struct thread *t = calloc(1, sizeof *t);
    struct error error = {0};
    if (!t) return NULL;
    t->process = p;
    t->mask = c->thread->mask;
    t->clear_tid = guest->flags & CLONE_CHILD_CLEARTID ? guest->child_tid : 0;
    void *scratch = mmap(NULL, sizeof *t->scratch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch != MAP_FAILED) t->scratch = scratch;
    if (t->scratch) t->cpu = engine_cpu_make(p->vm->engine, &error);
    if (!t->cpu) {
        thread_free(t);
        return NULL;
    }
    seccomp_share(t, c->thread);
    t->cpu->owner = t;
    cpu_copy(t->cpu, c->thread->cpu);
    p->abi->call_done(t->cpu, 0);
    if (guest->stack) p->abi->set_stack(t->cpu, guest->stack);
    if (guest->flags & CLONE_SETTLS) p->abi->set_tls(t->cpu, guest->tls);
    t->interrupted = 1; /* so that the host gets the mask */
    cpu_poke(t->cpu);
    return t;
}

int64_t thread_make(struct call *c, const struct clone_args *guest) {
    struct process *p = c->process;
    const uint64_t flags = guest->flags, alone = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME;
    if ((flags & together) != together || (flags & alone)) return -EINVAL;
    if (((flags & CLONE_NEWNS) && (flags & CLONE_FS)) || ((flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM)))
        return -EINVAL;
    if (p->vm->counted) return -ENOSYS;     /* whose turn it is would not repeat */
    if (guest->set_tid_size) return -EPERM; /* the C library makes the thread, and the host numbers it */
    if (flags & CLONE_INTO_CGROUP) return -EOPNOTSUPP;
    struct thread *t = thread_new(c, guest);
    if (!t) return -ENOMEM;
    engine_share(p->vm->engine, c->thread->cpu);
    int64_t pidfd = host_thread(t, flags);
    if (pidfd < 0) {
        engine_unlock(p->vm->engine); /* freeing a cpu takes the lock */
        thread_free(t);
        engine_lock(p->vm->engine, c->thread->cpu);
        return pidfd;
    }
    /* It cannot go on before this answer is done. */
    t->next = p->threads;
    p->threads = t;
    if (flags & CLONE_PIDFD) call_write(c, guest->pidfd, &pidfd, 4);
    if (flags & CLONE_PARENT_SETTID) call_write(c, guest->parent_tid, &t->tid, 4);
    if (flags & CLONE_CHILD_SETTID) call_write(c, guest->child_tid, &t->tid, 4);
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
    if (at % 4 || !space_read(s, at, &word, 4)) return;
    space_touch(s, at, 4, true);
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
    struct space *s = t->process->space;
    uint64_t head[3], at, next;
    if (!t->robust_list || !space_read(s, t->robust_list, head, sizeof head)) return;
    at = head[0] & ~UINT64_C(1);
    for (unsigned n = 0; n < MOST && at != t->robust_list; n++, at = next & ~UINT64_C(1)) {
        bool more = space_read(s, at, &next, 8);
        if (at != (head[2] & ~UINT64_C(1))) lock_orphaned(t, at + head[1]);
        if (!more) break;
    }
    if (head[2]) lock_orphaned(t, (head[2] & ~UINT64_C(1)) + head[1]);
}

int64_t thread_end(struct call *c) {
    struct thread *t = c->thread, **at = &c->process->threads;
    struct space *s = c->process->space;
    uint64_t all = signal_host_mask(UINT64_MAX); /* the guest's memory may fault below */
    const uint32_t zero = 0;
    host_do(SYS_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
    /* A signal that was caught and not delivered is another thread's. */
    if (t->caught) host_do(SYS_rt_sigqueueinfo, getpid(), t->caught, &t->caught_info);
    while (*at != t) at = &(*at)->next;
    *at = t->next;
    t->ended = true;
    host_do(SYS_set_robust_list, 0, 24); /* the kernel would follow it into vee's memory */
    robust_locks(t);
    if (t->leader) {
        engine_unlock(c->process->vm->engine);
        for (;;) host_do(SYS_exit, c->guest[0]);
    }
    __atomic_add_fetch(&c->process->leaving, 1, __ATOMIC_SEQ_CST);
    if (t->clear_tid && space_write(s, t->clear_tid, &zero, 4)) wake(s, t->clear_tid);
    return CALL_STOP;
}
