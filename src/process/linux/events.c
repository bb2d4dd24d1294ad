/* events.c - waiting for descriptors and futexes.
 *
 * Calls that take a signal mask wait with the guest's mask
 * without the signals that vee keeps open. */
#include "process/linux/linux.h"
#include <linux/futex.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum { SET_SIZE = 8 };

static int64_t epoll_change(struct call *c, const struct epoll_event *e) {
    return call_wait(c, SYS_epoll_ctl, c->host[0], c->host[1], c->host[2], (uintptr_t)e, 0, 0);
}

int64_t call_epoll_ctl(struct call *c) {
    struct epoll_event e;
    if ((int)c->guest[1] == EPOLL_CTL_DEL) return epoll_change(c, &e);
    return call_get(c, LAYOUT_epoll_event, c->guest[3], &e) ? epoll_change(c, &e) : -EFAULT;
}

int64_t call_mask_begin(struct call *c, uint64_t from, uint64_t size, uint64_t *set) {
    if (!from) return 0;
    if (size != SET_SIZE) return -EINVAL;
    if (!call_read(c, from, set, SET_SIZE)) return -EFAULT;
    if (!signal_wait_begin(c->thread, *set)) return -EINTR;
    *set = signal_host_mask(c->thread->mask);
    return 0;
}

int64_t call_mask_end(struct call *c, uint64_t from, int64_t result) {
    return from ? signal_wait_end(c->thread, result) : result;
}

static int64_t epoll_wait_any(struct call *c, long number, uint64_t timeout, uint64_t mask, uint64_t mask_size) {
    struct epoll_event *events = (struct epoll_event *)c->thread->scratch->bytes;
    const int room = (int)(sizeof c->thread->scratch->bytes / sizeof *events);
    const uint64_t size = call_layout(c, LAYOUT_epoll_event)->guest;
    int max = (int)c->guest[2];
    uint64_t set;
    if (max <= 0) return -EINVAL;
    if (!space_within(c->process->space, c->guest[1], (uint64_t)max * size)) return -EFAULT;
    if (max > room) max = room;
    int64_t r = call_mask_begin(c, mask, mask_size, &set);
    if (r < 0) return r;
    r = call_mask_end(c, mask,
                      call_wait(c, number, c->host[0], (uintptr_t)events, (uint64_t)max, timeout,
                                mask ? (uintptr_t)&set : 0, SET_SIZE));
    for (int64_t i = 0; i < r; i++)
        if (call_put(c, LAYOUT_epoll_event, c->guest[1] + (uint64_t)i * size, &events[i]) < 0) return i ? i : -EFAULT;
    return r;
}

int64_t call_epoll_pwait(struct call *c) {
    return epoll_wait_any(c, SYS_epoll_pwait, (uint64_t)(int64_t)(int)c->guest[3], c->guest[4], c->guest[5]);
}

int64_t call_epoll_pwait2(struct call *c) {
    return epoll_wait_any(c, 441 /* epoll_pwait2 */, c->host[3], c->guest[4], c->guest[5]);
}

int64_t call_ppoll(struct call *c) {
    uint64_t set;
    int64_t r = call_mask_begin(c, c->guest[3], c->guest[4], &set);
    if (r < 0) return r;
    return call_mask_end(
        c, c->guest[3],
        call_wait(c, SYS_ppoll, c->host[0], c->host[1], c->host[2], c->guest[3] ? (uintptr_t)&set : 0, SET_SIZE, 0));
}

int64_t call_pselect6(struct call *c) {
    int n = (int)c->guest[0];
    uint64_t bytes = n > 0 ? ((uint64_t)n + 63) / 64 * 8 : 0, sets[3] = {0}, set, mask[2] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (c->guest[1 + i] && !call_pointer(c, c->guest[1 + i], bytes, &sets[i])) return -EFAULT;
    if (c->guest[5] && !call_gets(c, LAYOUT_word, c->guest[5], 2, mask)) return -EFAULT;
    int64_t r = call_mask_begin(c, mask[0], mask[1], &set);
    if (r < 0) return r;
    uint64_t host_mask[2] = {(uintptr_t)&set, SET_SIZE};
    return call_mask_end(c, mask[0],
                         call_wait(c, SYS_pselect6, c->host[0], sets[0], sets[1], sets[2], c->host[4],
                                   mask[0] ? (uintptr_t)host_mask : 0));
}

/* Which of the six are pointers depends on the operation: the fourth is a time or a number. */
int64_t call_futex(struct call *c) {
    const uint64_t *g = c->guest;
    uint64_t word, time = g[3], second = 0;
    struct timespec at;
    int operation = (int)g[1] & FUTEX_CMD_MASK;
    bool timed = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET || operation == FUTEX_LOCK_PI ||
                 operation == FUTEX_LOCK_PI2 || operation == FUTEX_WAIT_REQUEUE_PI;
    bool two = operation == FUTEX_REQUEUE || operation == FUTEX_CMP_REQUEUE || operation == FUTEX_WAKE_OP ||
               operation == FUTEX_WAIT_REQUEUE_PI || operation == FUTEX_CMP_REQUEUE_PI;
    if (!call_pointer(c, g[0], 4, &word)) return -EFAULT;
    if (timed && time && !call_time(c, g[3], &at, &time)) return -EFAULT;
    if (two && !call_pointer(c, g[4], 4, &second)) return -EFAULT;
    return call_wait(c, SYS_futex, word, g[1], g[2], time, second, g[5]);
}

/** struct futex_waitv: the same on every computer. */
struct waiter {
    uint64_t value, word;
    uint32_t flags, reserved;
};
enum { WAITERS = 128 };

/* Waiters with host addresses, in scratch. */
static int64_t waiters_read(struct call *c, uint64_t from, uint32_t count, struct waiter **to) {
    struct waiter *w = (struct waiter *)(void *)c->thread->scratch->bytes;
    _Static_assert(WAITERS * sizeof *w <= sizeof c->thread->scratch->bytes, "room for all");
    if (!call_read(c, from, w, count * sizeof *w)) return -EFAULT;
    for (uint32_t i = 0; i < count; i++)
        if (!call_pointer(c, w[i].word, sizeof w[i].value, &w[i].word)) return -EFAULT;
    *to = w;
    return 0;
}

int64_t call_futex_waitv(struct call *c) {
    struct waiter *w;
    uint32_t count = (uint32_t)c->guest[1];
    if (!count || count > WAITERS || !c->guest[0]) return -EINVAL;
    int64_t r = waiters_read(c, c->guest[0], count, &w);
    if (r < 0) return r;
    return call_wait(c, SYS_futex_waitv, (uintptr_t)w, count, c->host[2], c->host[3], c->host[4], 0);
}

int64_t call_futex_requeue(struct call *c) {
    struct waiter *w;
    if (!c->guest[0]) return -EINVAL;
    int64_t r = waiters_read(c, c->guest[0], 2, &w);
    return r < 0 ? r : call_wait(c, 456 /* futex_requeue */, (uintptr_t)w, c->host[1], c->host[2], c->host[3], 0, 0);
}
