/* uring.c - io_uring: rings are the host's, and so are their descriptors and both queues, which host and guest share.
 * Only the requests exist twice: the guest writes its own (`offered`), and when it submits, vee checks and translates
 * them (uring_request.c) into those that the host sees and nobody else can change. So completions come without vee: it
 * does not matter whether the guest waits in the call, polls the descriptor, or only looks.
 *
 * Whatever the guest writes into the queue of numbers while requests are submitted, the host finds checked ones, as one
 * thread at a time fills them in and has them submitted (`busy`).
 *
 * A ring is known by the number of its first descriptor: under another one (dup, another process) it cannot be entered,
 * and nothing of it be mapped. Its memory is kept until that descriptor is closed.
 *
 * SQPOLL: the queue says that it always wants to be woken, and waking submits.
 */
#include "process/linux/uring.h"
#include "base/os.h"
#include "engine/engine.h"
#include <linux/futex.h>
#include <sys/mman.h>

#define URING_ROWS(R)                                                                                                  \
    R(HOST, next, "the list")                                                                                          \
    R(FIELD, fd, RESOURCE)                                                                                             \
    R(HOST, users, "calls under way")                                                                                  \
    R(HOST, busy, "calls under way")                                                                                   \
    R(FIELD, ended, RESOURCE)                                                                                          \
    R(FIELD, polled, RESOURCE)                                                                                         \
    R(FIELD, indexed, RESOURCE)                                                                                        \
    R(FIELD, entries, RESOURCE)                                                                                        \
    R(FIELD, request_size, RESOURCE)                                                                                   \
    R(HOST_IN, at, "where the host has what")                                                                          \
    R(HOST, rings, "the host's, mapped in the guest, too")                                                             \
    R(HOST, requests, "the host's")                                                                                    \
    R(HOST, offered, "mapped in the guest, too")                                                                       \
    R(FIELD, rings_size, RESOURCE)                                                                                     \
    R(FIELD, requests_size, RESOURCE)                                                                                  \
    R(HOST, room, "of requests that are being submitted")                                                              \
    R(HOST, used, "of that room")
OBJECT_TYPE(uring_type, "ring", struct uring, URING_ROWS)

static const uint32_t setup_known = IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF |
                                    IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_ATTACH_WQ |
                                    IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
                                    IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 | IORING_SETUP_CQE32 |
                                    SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_NO_SQARRAY;
/* What says when completions are to be seen by who enters: with SQPOLL nobody need. */
static const uint32_t setup_not_polled = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | SETUP_DEFER_TASKRUN;
/* Not rings that are named by numbers of their own, bundles of buffers, attributes. */
static const uint32_t features_known = (IORING_FEAT_LINKED_FILE << 1) - 1 + FEAT_MIN_TIMEOUT;
static const uint32_t enter_known = IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT |
                                    IORING_ENTER_EXT_ARG | ENTER_ABS_TIMER | ENTER_NO_IOWAIT;

/** struct io_uring_getevents_arg. */
struct wait {
    uint64_t mask;
    uint32_t mask_size, least;
    uint64_t time;
};

/* ---- rings */

struct uring *uring_find(const struct process *p, int fd) {
    struct uring *r = p->rings;
    while (r && r->fd != fd) r = r->next;
    return r;
}

static void ring_free(struct uring *r) {
    if (r->rings) munmap(r->rings, r->rings_size);
    if (r->requests) munmap(r->requests, r->requests_size);
    if (r->offered) munmap(r->offered, r->requests_size);
    os_free(r->room);
    os_free(r);
}

void uring_left(struct uring *r) {
    if (--r->users == 0 && r->ended) ring_free(r);
}

static void ring_end(struct uring **at) {
    struct uring *r = *at;
    *at = r->next;
    r->ended = true;
    r->users++;
    uring_left(r);
}

void uring_closed_between(struct process *p, uint32_t first, uint32_t last) {
    for (struct uring **at = &p->rings; *at;)
        if ((uint32_t)(*at)->fd >= first && (uint32_t)(*at)->fd <= last)
            ring_end(at);
        else
            at = &(*at)->next;
}

void uring_closed(struct process *p, int fd) {
    if (p->rings && fd >= 0) uring_closed_between(p, (uint32_t)fd, (uint32_t)fd);
}

void uring_forked(struct process *p) {
    for (struct uring *r = p->rings; r; r = r->next) r->busy = r->users = 0; /* which others were */
}

int64_t uring_begin(struct call *c, struct uring *r) {
    while (r->busy) {
        int64_t e = call_wait(c, SYS_futex, (uintptr_t)&r->busy, FUTEX_WAIT, 1, 0, 0, 0);
        if (e == CALL_AGAIN || e == -EINTR) return CALL_AGAIN;
    }
    r->busy = 1;
    r->used = 0;
    return 0;
}

void uring_end(struct uring *r) {
    __atomic_store_n(&r->busy, 0, __ATOMIC_SEQ_CST);
    os_wake(&r->busy, INT32_MAX);
}

/* Memory that stays the same one in forked children, and of which the guest can be given a second view. */
static uint8_t *shared(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static uint64_t power_above(uint64_t n) {
    uint64_t power = 1;
    while (power < n) power *= 2;
    return power;
}

/* Room for the queues that the host will make of this, or more. NULL: no memory. */
static struct uring *ring_make(uint32_t entries, const struct io_uring_params *p) {
    enum { REQUESTS_MOST = 1 << 15, EVENTS_MOST = 1 << 16, HEAD = SPACE_PAGE };
    const uint64_t page = SPACE_PAGE, event = p->flags & IORING_SETUP_CQE32 ? 32 : 16;
    struct uring *r = os_alloc(sizeof *r);
    if (!r) return NULL;
    uint64_t requests = power_above(entries < REQUESTS_MOST ? entries : REQUESTS_MOST), events = 2 * requests;
    if (p->flags & IORING_SETUP_CQSIZE) events = power_above(p->cq_entries < EVENTS_MOST ? p->cq_entries : EVENTS_MOST);
    r->request_size = p->flags & IORING_SETUP_SQE128 ? 128 : 64;
    r->polled = p->flags & IORING_SETUP_SQPOLL;
    r->indexed = !(p->flags & SETUP_NO_SQARRAY);
    r->rings_size = (HEAD + events * event + requests * sizeof(uint32_t) + page - 1) & -page;
    r->requests_size = (requests * r->request_size + page - 1) & -page;
    r->rings = shared(r->rings_size);
    r->requests = shared(r->requests_size);
    r->offered = shared(r->requests_size);
    r->room = os_alloc(URING_ROOM);
    if (r->rings && r->requests && r->offered && r->room) return r;
    ring_free(r);
    return NULL;
}

static uint32_t *word_at(struct uring *r, uint32_t offset) {
    return (uint32_t *)(void *)(r->rings + offset);
}

/* Is the host new enough to be told what came of a request? */
static bool host_knows(int fd) {
    struct io_uring_probe probe = {0};
    return host_wait(SYS_io_uring_register, fd, IORING_REGISTER_PROBE, &probe, 0) >= 0 && probe.last_op >= OP_BIND;
}

/* Where the caller's own memory is named: the last eight bytes of both, which headers give different names. */
static void own_memory(struct io_uring_params *h, uint64_t requests, uint64_t rings) {
    memcpy((char *)(&h->sq_off + 1) - sizeof requests, &requests, sizeof requests);
    memcpy((char *)(&h->cq_off + 1) - sizeof rings, &rings, sizeof rings);
}

/* The host's ring, in memory of vee's. A host that does not know of this has none. */
static int64_t host_setup(struct call *c, struct uring *r, struct io_uring_params *h) {
    const uint32_t needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_SUBMIT_STABLE;
    h->flags &= ~(uint32_t)(IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF);
    h->flags |= SETUP_NO_MMAP;
    own_memory(h, (uintptr_t)r->requests, (uintptr_t)r->rings);
    int64_t fd = call_wait(c, SYS_io_uring_setup, c->host[0], (uintptr_t)h, 0, 0, 0, 0);
    if (fd < 0) return fd;
    own_memory(h, 0, 0);
    if ((h->features & needed) == needed && host_knows((int)fd)) return fd;
    host_wait(SYS_close, fd);
    return -ENOSYS;
}

/* What the host knows nothing of, it refuses with the same error as what is wrong: asks about the former alone. */
static bool host_has_rings(void) {
    struct io_uring_params p = {.flags = SETUP_NO_MMAP};
    return host_wait(SYS_io_uring_setup, 1, &p) != -EINVAL;
}

int64_t call_io_uring_setup(struct call *c) {
    struct io_uring_params h;
    if (!call_read(c, c->guest[1], &h, sizeof h)) return -EFAULT;
    const uint32_t flags = h.flags;
    if (flags & ~setup_known) return -EINVAL;
    if ((flags & IORING_SETUP_SQ_AFF) && !(flags & IORING_SETUP_SQPOLL)) return -EINVAL;
    if ((flags & IORING_SETUP_SQPOLL) && (flags & setup_not_polled)) return -EINVAL;
    if ((flags & IORING_SETUP_ATTACH_WQ) && own_fd_named(c->process, (int)h.wq_fd)) return -EBADF;
    struct uring *r = ring_make((uint32_t)c->guest[0], &h);
    if (!r) return -ENOMEM;
    int64_t fd = host_setup(c, r, &h);
    if (fd == -EINVAL && !host_has_rings()) fd = -ENOSYS;
    if (fd < 0) {
        ring_free(r);
        return fd;
    }
    r->fd = (int)fd;
    r->entries = h.sq_entries;
    r->at = h.sq_off;
    h.flags = flags;
    h.features &= features_known;
    if (r->polled) __atomic_or_fetch(word_at(r, r->at.flags), IORING_SQ_NEED_WAKEUP, __ATOMIC_SEQ_CST);
    uring_closed(c->process, (int)fd); /* one that was there before, and closed in another way */
    r->next = c->process->rings;
    c->process->rings = r;
    return call_write(c, c->guest[1], &h, sizeof h) ? fd : -EFAULT;
}

/* ---- mapping */

int64_t uring_map(struct call *c) {
    const uint64_t *g = c->guest;
    struct space *s = c->process->space;
    struct uring *r = uring_find(c->process, (int)g[4]);
    if (!r) return URING_OTHER;
    const bool requests = g[5] == IORING_OFF_SQES;
    const uint64_t length = (g[1] + SPACE_PAGE - 1) & -(uint64_t)SPACE_PAGE;
    if (!requests && g[5] != IORING_OFF_SQ_RING && g[5] != IORING_OFF_CQ_RING) return -EINVAL;
    if (!length || length > (requests ? r->requests_size : r->rings_size) || !(g[3] & MAP_SHARED)) return -EINVAL;
    const uint32_t flags = ((uint32_t)g[3] & ~(uint32_t)MAP_TYPE) | MAP_SHARED | MAP_ANONYMOUS;
    int64_t at = memory_map(s, g[0], length, (uint32_t)g[2], flags, -1, 0, MEMORY_ANONYMOUS);
    if (at < 0) return at;
    void *host = space_place(s, (uint64_t)at);
    /* The same pages once more. */
    if (mremap(requests ? r->offered : r->rings, 0, length, MREMAP_MAYMOVE | MREMAP_FIXED, host) != host ||
        mprotect(host, length, (int)g[2] & (PROT_READ | PROT_WRITE)) != 0) {
        memory_unmap(s, (uint64_t)at, length);
        return -ENOMEM;
    }
    return at;
}

/* ---- entering */

/** What is to be submitted, and what is known of it. */
struct batch {
    uint32_t count;
    bool made;  /* vee has made a call itself */
    bool again; /* a signal came first */
};

static void batch_fill(struct call *c, struct uring *r, uint32_t wanted, struct batch *b) {
    const uint32_t mask = r->entries - 1, head = __atomic_load_n(word_at(r, r->at.head), __ATOMIC_ACQUIRE);
    const uint32_t there = __atomic_load_n(word_at(r, r->at.tail), __ATOMIC_ACQUIRE) - head;
    bool follows = false;
    if (r->polled || wanted > there) wanted = there;
    if (wanted > r->entries) wanted = r->entries;
    for (; b->count < wanted; b->count++) {
        uint32_t i = (head + b->count) & mask;
        if (r->indexed) i = __atomic_load_n(word_at(r, r->at.array) + i, __ATOMIC_RELAXED);
        if (i >= r->entries) continue; /* the host drops it */
        const struct io_uring_sqe *guest = (void *)(r->offered + (size_t)i * r->request_size);
        struct io_uring_sqe *host = (void *)(r->requests + (size_t)i * r->request_size);
        if (!uring_translate(c, r, guest, host, follows, &b->made, &b->again)) return;
        follows = host->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK);
    }
}

static int64_t submit(struct call *c, struct uring *r, uint32_t wanted, const struct wait *w, uint32_t least,
                      uint32_t flags) {
    struct batch b = {0};
    int64_t result = uring_begin(c, r);
    if (result < 0) return result;
    batch_fill(c, r, wanted, &b);
    if (b.again && !b.count) result = CALL_AGAIN;
    if (b.count && b.made)
        result = host_wait(SYS_io_uring_enter, r->fd, b.count, 0, 0, 0, 0);
    else if (b.count)
        result =
            call_wait(c, SYS_io_uring_enter, (uint64_t)r->fd, b.count, least, flags, (uintptr_t)w, w ? sizeof *w : 0);
    uring_end(r);
    return result;
}

/* Waits for events as the arguments say, whose pointers are the guest's. */
static int64_t wait_events(struct call *c, struct uring *r, const struct wait *guest, uint32_t least, uint32_t flags) {
    struct wait w = *guest;
    uint64_t set;
    if (w.time && !call_pointer(c, w.time, 16, &w.time)) return -EFAULT;
    int64_t result = call_mask_begin(c, guest->mask, guest->mask_size, &set);
    if (result < 0) return result;
    if (w.mask) w.mask = (uintptr_t)&set;
    const bool extended = flags & IORING_ENTER_EXT_ARG;
    result = call_wait(c, SYS_io_uring_enter, (uint64_t)r->fd, 0, least, flags, extended ? (uintptr_t)&w : w.mask,
                       extended ? sizeof w : w.mask_size);
    return call_mask_end(c, guest->mask, result);
}

static int64_t enter(struct call *c, struct uring *r, const struct wait *w) {
    const uint32_t wanted = (uint32_t)c->guest[1], least = (uint32_t)c->guest[2], flags = (uint32_t)c->guest[3];
    const uint32_t waits = flags & ~(uint32_t)(IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT);
    const bool submits = r->polled ? flags & IORING_ENTER_SQ_WAKEUP : wanted != 0;
    /* In one call of the host's where nobody else could want to submit meanwhile. */
    const bool once = !engine_is_shared(c->process->vm->engine) && !w->mask && !w->time && !r->polled &&
                      !(flags & IORING_ENTER_EXT_ARG);
    int64_t done = 0;
    if (submits) {
        done = submit(c, r, wanted, NULL, once ? least : 0, once ? waits : 0);
        if (done < 0 || (once && done)) return done;
        if (!r->polled && done != wanted) return done;
    }
    if (r->polled) done = wanted;
    if (!(flags & IORING_ENTER_GETEVENTS)) return done;
    const int64_t result = wait_events(c, r, w, least, waits);
    return done ? done : result;
}

int64_t call_io_uring_enter(struct call *c) {
    const uint32_t flags = (uint32_t)c->guest[3];
    struct uring *r = uring_find(c->process, (int)c->guest[0]);
    struct wait w = {.mask = c->guest[4], .mask_size = (uint32_t)c->guest[5]};
    if (flags & ~enter_known) return -EINVAL;
    if (!r) {
        int64_t error = call_wait(c, SYS_io_uring_enter, c->host[0], 0, 0, 0, 0, 0);
        return error < 0 ? error : -EOPNOTSUPP;
    }
    if (flags & IORING_ENTER_EXT_ARG) {
        if (c->guest[5] != sizeof w) return -EINVAL;
        if (!call_read(c, c->guest[4], &w, sizeof w)) return -EFAULT;
    }
    r->users++;
    int64_t result = enter(c, r, &w);
    uring_left(r);
    return result;
}
