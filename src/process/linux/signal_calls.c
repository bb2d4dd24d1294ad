/* signal_calls.c - the system calls about signals. The mechanism is in signal.c. */
#include "process/linux/linux.h"
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SET_SIZE = 8 };
static const uint32_t autodisarm = 1u << 31;

int64_t call_rt_sigaction(struct call *c) {
    struct thread *t = c->thread;
    int signal = (int)c->guest[0];
    const uint64_t known = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                           (uint64_t)(uint32_t)SA_RESETHAND | c->process->abi->calls->action_flags;
    struct action set, old;
    if (c->guest[3] != SET_SIZE) return -EINVAL;
    if (c->guest[1] && !call_get(c, LAYOUT_sigaction, c->guest[1], &set)) return -EFAULT;
    if (signal < 1 || signal > SIGNALS) return -EINVAL;
    if (c->guest[1] && (signal == SIGKILL || signal == SIGSTOP)) return -EINVAL;
    old = c->process->actions[signal];
    if (c->guest[1]) {
        set.flags &= known;
        set.mask &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
        c->process->actions[signal] = set;
        signal_action_changed(t, signal);
    }
    return c->guest[2] ? call_put(c, LAYOUT_sigaction, c->guest[2], &old) : 0;
}

int64_t call_rt_sigprocmask(struct call *c) {
    uint64_t old = c->thread->mask, set;
    if (c->guest[3] != SET_SIZE) return -EINVAL;
    if (c->guest[1]) {
        if (!call_read(c, c->guest[1], &set, sizeof set)) return -EFAULT;
        switch ((int)c->guest[0]) {
        case SIG_BLOCK: set |= old; break;
        case SIG_UNBLOCK: set = old & ~set; break;
        case SIG_SETMASK: break;
        default: return -EINVAL;
        }
        signal_mask_changed(c->thread, set);
    }
    return c->guest[2] && !call_write(c, c->guest[2], &old, sizeof old) ? -EFAULT : 0;
}

int64_t call_rt_sigpending(struct call *c) {
    uint64_t set = 0;
    if (c->guest[1] > SET_SIZE) return -EINVAL;
    host_do(SYS_rt_sigpending, &set, SET_SIZE);
    set = (set | signal_queued(c->thread->queued)) & c->thread->mask;
    return call_write(c, c->guest[0], &set, (size_t)c->guest[1]) ? 0 : -EFAULT;
}

int64_t call_rt_sigsuspend(struct call *c) {
    uint64_t set;
    if (c->guest[1] != SET_SIZE) return -EINVAL;
    if (!call_read(c, c->guest[0], &set, sizeof set)) return -EFAULT;
    if (!signal_wait_begin(c->thread, set)) return -EINTR;
    set = signal_host_mask(c->thread->mask);
    return signal_wait_end(c->thread, call_wait(c, SYS_rt_sigsuspend, (uintptr_t)&set, SET_SIZE, 0, 0, 0, 0));
}

int64_t call_rt_sigtimedwait(struct call *c) {
    struct thread *t = c->thread;
    struct signal_info info = {0};
    struct timespec at;
    uint64_t set, time = 0;
    if (c->guest[3] != SET_SIZE) return -EINVAL;
    if (!call_read(c, c->guest[0], &set, sizeof set)) return -EFAULT;
    if (c->guest[2] && !call_time(c, c->guest[2], &at, &time)) return -EFAULT;
    set &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    int64_t r = signal_take_queued(t, set, &info);
    if (!r) {
        uint64_t host = signal_host_mask(set);
        r = call_wait(c, SYS_rt_sigtimedwait, (uintptr_t)&host, (uintptr_t)&info, time, SET_SIZE, 0, 0);
        int queued = r == -EINTR ? signal_take_queued(t, set, &info) : 0;
        if (queued) r = queued;
    }
    if (r > 0 && c->guest[1] && !call_write(c, c->guest[1], &info, sizeof info)) return -EFAULT;
    return r;
}

int64_t call_rt_sigreturn(struct call *c) {
    struct thread *t = c->thread;
    const struct abi *abi = c->process->abi;
    uint8_t frame[FRAME_MAX];
    uint64_t mask, stack[3];
    if (!call_read(c, abi->stack(t->cpu), frame, abi->frame_size) || !abi->frame_load(t->cpu, frame, &mask, stack)) {
        return signal_force(t, SIGSEGV, SI_KERNEL, 0) == ANSWER_STOP ? CALL_STOP : CALL_STATE;
    }
    /* As sigaltstack would, but what it refuses is passed over. */
    uint32_t mode = (uint32_t)stack[1] & ~autodisarm;
    if (!signal_on_stack(t) && (mode == 0 || mode == SS_ONSTACK) && stack[2] >= abi->calls->signal_stack) {
        t->stack_start = stack[0];
        t->stack_flags = (uint32_t)stack[1];
        t->stack_size = stack[2];
    } else if (!signal_on_stack(t) && mode == SS_DISABLE) {
        t->stack_start = t->stack_size = 0;
        t->stack_flags = SS_DISABLE;
    }
    signal_mask_changed(t, mask);
    return CALL_STATE;
}

/* ---- sending with a siginfo of the guest's own making */

/* For the process itself what looks like a fault of vee's is disguised. To others the host lets none through. */
static bool info_read(struct call *c, uint64_t from, int signal, bool own, struct signal_info *info) {
    if (!call_read(c, from, info, sizeof *info)) return false;
    if (own) signal_disguise(signal, info);
    return true;
}

int64_t call_rt_sigqueueinfo(struct call *c) {
    struct signal_info info;
    int signal = (int)c->guest[1];
    if (!info_read(c, c->guest[2], signal, (int)c->host[0] == getpid(), &info)) return -EFAULT;
    return host_do(SYS_rt_sigqueueinfo, c->host[0], signal, &info);
}

int64_t call_rt_tgsigqueueinfo(struct call *c) {
    struct signal_info info;
    int signal = (int)c->guest[2];
    if (!info_read(c, c->guest[3], signal, (int)c->host[0] == getpid(), &info)) return -EFAULT;
    return host_do(SYS_rt_tgsigqueueinfo, c->host[0], c->host[1], signal, &info);
}

/* Whose descriptor it is does not show; but only to itself may a process send such a code. So the host is asked first,
 * with no signal. */
int64_t call_pidfd_send_signal(struct call *c) {
    struct signal_info info;
    int signal = (int)c->guest[1];
    if (!c->guest[2]) return host_do(SYS_pidfd_send_signal, c->host[0], signal, NULL, c->guest[3]);
    if (!call_read(c, c->guest[2], &info, sizeof info)) return -EFAULT;
    struct signal_info none = {.code = info.code};
    if (host_do(SYS_pidfd_send_signal, c->host[0], 0, &none, c->guest[3]) == 0) signal_disguise(signal, &info);
    return host_do(SYS_pidfd_send_signal, c->host[0], signal, &info, c->guest[3]);
}

int64_t call_sigaltstack(struct call *c) {
    struct thread *t = c->thread;
    bool disabled = t->stack_flags & SS_DISABLE, on = signal_on_stack(t);
    stack_t set, old;
    memset(&old, 0, sizeof old); /* what lies between its fields, too */
    old.ss_sp = (void *)(uintptr_t)t->stack_start;
    old.ss_flags = (int)((t->stack_flags & autodisarm) | (disabled ? SS_DISABLE : 0));
    old.ss_size = t->stack_size;
    if (on) old.ss_flags |= SS_ONSTACK;
    if (c->guest[0]) {
        if (!call_get(c, LAYOUT_sigaltstack, c->guest[0], &set)) return -EFAULT;
        uint32_t mode = (uint32_t)set.ss_flags & ~autodisarm;
        if (on) return -EPERM;
        if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return -EINVAL;
        if (mode == SS_DISABLE)
            set = (stack_t){.ss_flags = SS_DISABLE};
        else if (set.ss_size < c->process->abi->calls->signal_stack)
            return -ENOMEM;
        t->stack_start = (uintptr_t)set.ss_sp;
        t->stack_size = set.ss_size;
        t->stack_flags = (uint32_t)set.ss_flags;
    }
    return c->guest[1] ? call_put(c, LAYOUT_sigaltstack, c->guest[1], &old) : 0;
}

/* Without the signals that never reach a descriptor because the host keeps them open. */
int64_t call_signalfd4(struct call *c) {
    uint64_t set;
    if (c->guest[2] != SET_SIZE) return -EINVAL;
    if (!call_read(c, c->guest[1], &set, sizeof set)) return -EFAULT;
    set = signal_host_mask(set);
    return host_do(SYS_signalfd4, c->host[0], &set, SET_SIZE, c->host[3]);
}

/* A thread is told by a message whose text is behind the value. */
int64_t call_mq_notify(struct call *c) {
    enum { COOKIE = 32 };
    struct sigevent event;
    uint64_t text;
    if (!c->guest[1]) return host_do(SYS_mq_notify, c->host[0], 0);
    if (!call_get(c, LAYOUT_sigevent, c->guest[1], &event)) return -EFAULT;
    if (event.sigev_notify == SIGEV_THREAD) {
        if (!call_pointer(c, (uintptr_t)event.sigev_value.sival_ptr, COOKIE, &text)) return -EFAULT;
        event.sigev_value.sival_ptr = (void *)(uintptr_t)text;
    }
    return host_do(SYS_mq_notify, c->host[0], &event);
}
