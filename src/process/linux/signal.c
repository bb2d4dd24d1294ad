/* signal.c - signals of the host become signals of the guest.
 *
 * The host's mask is the guest's, but for five signals that stay open because faults come as them: sent ones of these
 * (`queued`) wait in vee while the guest blocks them. For any other signal that the guest handles, the host's handler
 * notes it (`caught`) and leaves with everything blocked, so the kernel keeps the queue and there is never more than
 * one. Dispositions other than handlers are the host's own, so ignoring, stopping and dying need nothing here; only a
 * signal that is to leave a core file is caught, too, where the guest's limit allows one.
 *
 * signal_deliver runs in the loop, never in a host handler: it builds frames, and ends by giving the host the guest's
 * mask, upon which the next signal may be caught. The system calls about signals are in signal_calls.c.
 */
#include "core/host.h"
#include "process/linux/outside.h"
#include "base/os.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

/* A process may send itself a fault's signal with a fault's code. It travels as a code below all others. */
enum { FORGED_LEAST = INT32_MIN, FORGED_MOST = INT32_MIN + INT16_MAX };
static const uint8_t kept_open[SIGNALS_KEPT_OPEN] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};

/* Signal handlers have no other way to find their thread. */
static _Thread_local struct thread *thread_of_host;

struct thread *thread_here(void) {
    return thread_of_host;
}

IN_HANDLER static int open_index(int signal) {
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++)
        if (kept_open[i] == signal) return i;
    return -1;
}

IN_HANDLER uint64_t signal_host_mask(uint64_t mask) {
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) mask &= ~signal_bit(kept_open[i]);
    return mask;
}

static uint64_t blockable(uint64_t mask) {
    return mask & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
}

static void host_set_mask(uint64_t mask) {
    host_do(SYS_rt_sigprocmask, SIG_SETMASK, &mask, 0, 8);
}

uint64_t signals_hold(void) {
    uint64_t all = UINT64_MAX, before = 0;
    host_do(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    return before;
}

void signals_release(uint64_t mask) {
    host_set_mask(mask);
}

/* ---- the host's handler */

/* Something is to be delivered: the cpu comes to the loop, a blocking call does not begin. */
IN_HANDLER static void interrupt(struct thread *t, ucontext_t *context) {
    uint64_t pc = context_pc(context);
    t->interrupted = 1;
    cpu_poke(t->cpu);
    if (os_call_cancel(&pc)) context_set_pc(context, pc);
}

/* True if the signal was a fault, and is dealt with. One that was sent may look like the last fault by chance: the end
 * of a child, whose numbers are where the address is. If nobody knows of it, it is a fault of vee's own only if it is
 * there again. */
IN_HANDLER static bool on_fault(struct thread *t, int signal, siginfo_t *info, ucontext_t *context) {
    bool memory = signal == SIGSEGV || signal == SIGBUS;
    const uint64_t pc = context_pc(context), sp = context_sp(context);
    if (!context_faulted(signal, info, context)) return false;
    if (memory && engine_host_fault(signal, info, context)) return true;
    if (context_behind_call(context)) return false;
    if (t && (t->doubt[0] != pc || t->doubt[1] != sp)) {
        t->doubt[0] = pc;
        t->doubt[1] = sp;
        return false;
    }
    struct os_action none = {0}; /* it happens again, without this handler */
    os_action(signal, &none, NULL);
    return true;
}

IN_HANDLER static void on_signal(int signal, siginfo_t *info, void *context) {
    struct thread *t = thread_of_host;
    int index = open_index(signal), saved = errno;
    ucontext_t *uc = context;
    if (index >= 0 && info->si_code > 0 && on_fault(t, signal, info, uc)) {
        /* nothing is left to do */
    } else if (!t) {
        /* between two vms: nobody to tell */
    } else if (index >= 0) {
        if (!(t->queued & 1u << index)) {
            memcpy(&t->queued_info[index], info, sizeof *info);
            if (info->si_code <= FORGED_MOST) t->queued_info[index].code -= FORGED_LEAST;
        }
        t->queued |= 1u << index;
        if (!(t->mask & signal_bit(signal))) interrupt(t, uc);
    } else {
        uint64_t all = signal_host_mask(UINT64_MAX);
        memcpy(&t->caught_info, info, sizeof *info);
        t->caught = signal;
        memcpy(&uc->uc_sigmask, &all, sizeof all);
        interrupt(t, uc);
    }
    errno = saved;
}

static bool leaves_core(int signal) {
    return signal == SIGQUIT || signal == SIGILL || signal == SIGTRAP || signal == SIGABRT || signal == SIGBUS ||
           signal == SIGFPE || signal == SIGSEGV || signal == SIGXCPU || signal == SIGXFSZ || signal == SIGSYS;
}

/* Makes the host's disposition fit the guest's action. A signal that is to leave a core file is caught for that. */
static void action_apply(struct process *p, int signal) {
    const struct action *a = &p->actions[signal];
    const uint64_t kept = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART;
    struct os_action h = {.handler = a->handler, .flags = a->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)};
    if (open_index(signal) >= 0) return;
    bool dumps = a->handler == ACTION_DEFAULT && leaves_core(signal) && p->core_limit[0];
    if (dumps || (a->handler != ACTION_DEFAULT && a->handler != ACTION_IGNORE)) {
        /* SA_RESTART is the guest's, so the kernel decides which calls are restarted. */
        h.handler = (uintptr_t)on_signal;
        h.flags = (a->flags & kept) | SA_SIGINFO | SA_ONSTACK;
        h.mask = signal_host_mask(UINT64_MAX);
    }
    os_action(signal, &h, NULL);
}

/* ---- opening and closing */

void signals_keep(void) {
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) {
        struct os_action h = {
            .handler = (uintptr_t)on_signal, .flags = SA_SIGINFO | SA_ONSTACK, .mask = signal_host_mask(UINT64_MAX)};
        os_action(kept_open[i], &h, NULL);
    }
}

void signals_core_limit(struct process *p) {
    for (int signal = 1; signal <= SIGNALS; signal++)
        if (leaves_core(signal) && p->actions[signal].handler == ACTION_DEFAULT) action_apply(p, signal);
}

void signals_inherit(struct process *p) {
    for (int signal = 1; signal <= SIGNALS; signal++) {
        struct os_action h = {0};
        os_action(signal, NULL, &h);
        p->actions[signal] = (struct action){.handler = h.handler == ACTION_IGNORE ? ACTION_IGNORE : ACTION_DEFAULT};
    }
    host_do(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &p->thread.mask, 8);
    input_settle(p->vm, INPUT_feature, INPUT_SIGNALS, p->own_actions, sizeof p->own_actions);
    input_settle(p->vm, INPUT_feature, INPUT_SIGNALS, &p->thread.mask, sizeof p->thread.mask);
}

bool signals_open(struct process *p, struct error *error) {
    struct thread *t = &p->thread;
    if (thread_of_host) return error_set(error, ERROR_RESOURCES, "this thread runs a process already");
    thread_of_host = t;
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) os_action(kept_open[i], NULL, &p->host_actions[i]);
    signals_keep();
    if (p->core_limit[0]) signals_core_limit(p);
    host_set_mask(signal_host_mask(t->mask));
    t->stack_flags = SS_DISABLE;
    return true;
}

void signals_thread(struct thread *t) {
    thread_of_host = t;
    if (t) t->stack_flags = SS_DISABLE;
}

void signals_close(struct process *p) {
    struct os_action none = {0};
    if (thread_of_host != &p->thread) return;
    for (int signal = 1; signal <= SIGNALS; signal++)
        if ((p->actions[signal].handler > ACTION_IGNORE || (leaves_core(signal) && p->core_limit[0])) &&
            p->actions[signal].handler != ACTION_IGNORE && open_index(signal) < 0)
            os_action(signal, &none, NULL);
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) os_action(kept_open[i], &p->host_actions[i], NULL);
    host_set_mask(p->thread.mask);
    thread_of_host = NULL;
}

void signals_before_exec(struct thread *t) {
    /* What is ignored stays so in the program; but not at the cost of another process that shares the handlers. */
    for (int i = 0; i < SIGNALS_KEPT_OPEN && !share_handlers(t->process); i++) {
        struct os_action h = {.handler = t->process->actions[kept_open[i]].handler == ACTION_IGNORE};
        if (h.handler == ACTION_IGNORE) os_action(kept_open[i], &h, NULL);
    }
    host_set_mask(t->mask);
}

void signals_after_exec(struct thread *t) {
    signals_keep();
    host_set_mask(signal_host_mask(t->mask));
}

/* ---- dying */

static enum answer end_by_signal(struct thread *t, int signal, const struct signal_info *info) {
    const bool core = leaves_core(signal) && core_dump(t, info);
    if (t->process->forked || t != &t->process->thread || share_handlers(t->process)) share_die(t, signal, core);
    t->process->vm->core = core;
    return vm_stop(t->process->vm, VM_SIGNALED, signal, 0);
}

static enum answer default_action(struct thread *t, int signal, const struct signal_info *info) {
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH: return ANSWER_RESUME;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGSTOP: host_do(SYS_kill, getpid(), SIGSTOP); return ANSWER_RESUME;
    default: return end_by_signal(t, signal, info);
    }
}

/* ---- delivery */

static bool on_stack(const struct thread *t, uint64_t sp) {
    return !(t->stack_flags & SS_DISABLE) && !(t->stack_flags & (1u << 31)) && sp > t->stack_start &&
           sp - t->stack_start <= t->stack_size;
}

static bool frame_write(struct process *p, uint64_t at, const void *frame, size_t size) {
    return await_write(p, at, frame, size) || (memory_grow(p->space, at) && space_write(p->space, at, frame, size));
}

/* Puts the frame on the guest's stack and enters the handler. */
static bool frame_push(struct thread *t, int signal, const struct signal_info *info, const struct action *a,
                       uint64_t saved_mask) {
    struct process *p = t->process;
    const struct abi *abi = p->abi;
    uint8_t frame[FRAME_MAX];
    uint64_t stack[3] = {t->stack_start, t->stack_flags, t->stack_size}, sp = abi->stack(t->cpu);
    bool inside = on_stack(t, sp);
    if (inside && !on_stack(t, sp - abi->frame_size)) return false; /* it would run over */
    if ((a->flags & SA_ONSTACK) && !inside && !(t->stack_flags & SS_DISABLE)) sp = t->stack_start + t->stack_size;
    sp = (sp - abi->frame_size) & ~UINT64_C(15);
    abi->frame_save(t->cpu, frame, info, stack, saved_mask);
    if (!frame_write(p, sp, frame, abi->frame_size)) return false;
    if (t->stack_flags & (1u << 31)) { /* SS_AUTODISARM */
        t->stack_start = t->stack_size = 0;
        t->stack_flags = SS_DISABLE;
    }
    const bool own = a->flags & abi->calls->action_flags & ACTION_RESTORER;
    abi->frame_enter(t->cpu, sp, signal, a->handler, own ? a->restorer : p->vdso + abi->vdso_return);
    return true;
}

static enum answer deliver(struct thread *t, int signal, const struct signal_info *info) {
    struct action *slot = &t->process->actions[signal], a = *slot;
    if (a.handler == ACTION_IGNORE) return ANSWER_RESUME;
    if (a.handler == ACTION_DEFAULT) return default_action(t, signal, info);
    if (a.flags & SA_RESETHAND) {
        slot->handler = ACTION_DEFAULT;
        action_apply(t->process, signal);
    }
    if (!frame_push(t, signal, info, &a, t->restore_mask ? t->saved_mask : t->mask)) {
        if (signal == SIGSEGV) slot->handler = ACTION_DEFAULT;
        return signal_force(t, SIGSEGV, SI_KERNEL, 0);
    }
    t->restore_mask = false;
    t->mask |= blockable(a.mask | (a.flags & SA_NODEFER ? 0 : signal_bit(signal)));
    t->cpu->reserve_address = UINT64_MAX;
    return ANSWER_RESUME;
}

/* The next signal to deliver. One that was caught just before the guest came to block it goes back to the kernel. */
static int take(struct thread *t, struct signal_info *info) {
    int signal = t->caught;
    if (signal) {
        *info = t->caught_info;
        t->caught = 0;
        if (!(t->mask & signal_bit(signal))) return signal;
        host_do(SYS_rt_tgsigqueueinfo, getpid(), host_do(SYS_gettid), signal, info);
    }
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) {
        if (!(t->queued & 1u << i) || (t->mask & signal_bit(kept_open[i]))) continue;
        *info = t->queued_info[i];
        __atomic_and_fetch(&t->queued, ~(1u << i), __ATOMIC_SEQ_CST);
        return kept_open[i];
    }
    return 0;
}

static bool open_waiting(const struct thread *t, uint64_t mask) {
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++)
        if ((t->queued & 1u << i) && !(mask & signal_bit(kept_open[i]))) return true;
    return false;
}

/* Gives the host the guest's mask, unless a signal was caught since `interrupted` was cleared. */
static bool mask_open(struct thread *t) {
    uint64_t mask = signal_host_mask(t->mask);
    const uint64_t args[6] = {SIG_SETMASK, (uintptr_t)&mask, 0, 8, 0, 0};
    return os_call_unless(&t->interrupted, SYS_rt_sigprocmask, args) != CALL_AGAIN;
}

enum answer signal_deliver(struct thread *t) {
    struct signal_info info;
    do {
        t->interrupted = 0;
        for (int signal; (signal = take(t, &info)) != 0;) {
            const bool given = t->given; /* by a tap, as it was noted here */
            t->given = false;
            if (!given && (info.code == SI_USER || info.code == SI_TKILL || info.code == SI_QUEUE))
                info.sent.pid = (int32_t)process_id_out(t->process, info.sent.pid);
            if (input_tapped(t->process->vm) && !given && !outside_signal(t, signal, &info)) continue;
            enum answer a = deliver(t, signal, &info);
            if (a != ANSWER_RESUME) return a;
        }
        if (t->restore_mask) { /* what interrupted the waiting was not for the guest */
            t->mask = t->saved_mask;
            t->restore_mask = false;
        }
    } while (t->interrupted || open_waiting(t, t->mask) || !mask_open(t) || t->interrupted);
    return ANSWER_RESUME;
}

enum answer signal_force(struct thread *t, int signal, int code, uint64_t address) {
    struct signal_info info = {.signo = signal, .code = code, .fault.address = address};
    return signal_force_info(t, &info);
}

enum answer signal_force_info(struct thread *t, const struct signal_info *info) {
    struct action *a = &t->process->actions[info->signo];
    if (a->handler == ACTION_IGNORE || (t->mask & signal_bit(info->signo))) a->handler = ACTION_DEFAULT;
    enum answer answer = deliver(t, info->signo, info);
    t->interrupted = 1; /* the host gets the new mask from signal_deliver */
    return answer;
}

/* ---- waiting with another mask */

bool signal_wait_begin(struct thread *t, uint64_t mask) {
    t->saved_mask = t->mask;
    t->restore_mask = true;
    t->mask = blockable(mask);
    if (!open_waiting(t, t->mask)) return true;
    t->interrupted = 1;
    return false;
}

int64_t signal_wait_end(struct thread *t, int64_t result) {
    if (result == -EINTR) {
        t->interrupted = 1; /* signal_deliver comes back to the saved mask */
        return result;
    }
    t->mask = t->saved_mask;
    t->restore_mask = false;
    return result;
}

/* ---- for signal_calls.c */

void signal_action_changed(struct thread *t, int signal) {
    const struct action *a = &t->process->actions[signal];
    bool ignored = signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
    int index = open_index(signal);
    action_apply(t->process, signal);
    if (index >= 0 && (a->handler == ACTION_IGNORE || (a->handler == ACTION_DEFAULT && ignored)))
        __atomic_and_fetch(&t->queued, ~(1u << index), __ATOMIC_SEQ_CST);
}

void signal_mask_changed(struct thread *t, uint64_t mask) {
    t->mask = blockable(mask);
    t->interrupted = 1; /* the host gets it from signal_deliver */
}

void signal_disguise(int signal, struct signal_info *info) {
    if (open_index(signal) >= 0 && info->code > 0 && info->code <= INT16_MAX) info->code += FORGED_LEAST;
}

uint64_t signal_queued(uint32_t queued) {
    uint64_t set = 0;
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++)
        if (queued & 1u << i) set |= signal_bit(kept_open[i]);
    return set;
}

int signal_take_queued(struct thread *t, uint64_t set, struct signal_info *info) {
    for (int i = 0; i < SIGNALS_KEPT_OPEN; i++) {
        if (!(t->queued & 1u << i) || !(set & signal_bit(kept_open[i]))) continue;
        *info = t->queued_info[i];
        __atomic_and_fetch(&t->queued, ~(1u << i), __ATOMIC_SEQ_CST);
        return kept_open[i];
    }
    return 0;
}

bool signal_on_stack(const struct thread *t) {
    return on_stack(t, t->process->abi->stack(t->cpu));
}
