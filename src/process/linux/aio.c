/* aio.c - Linux's asynchronous I/O (io_setup and its kin): contexts of the host's behind ids of the guest's.
 *
 * A context's id is the address of its ring, which programs may look into. The host's ring names requests by where they
 * were submitted from, which is vee's memory, as nobody may change a request between its check and its submission; so
 * the guest's id is a page of its own with nothing in it: without the magic number the C library makes the system call.
 * Each request that is on its way has a slot, which leads from what the host's event names to what the guest's is to.
 *
 * All calls but io_setup wait, so a context lives until the last one that uses it is back. A forked child has none.
 */
#include "process/linux/linux.h"
#include "base/os.h"
#include <linux/aio_abi.h>
#include <string.h>
#include <sys/mman.h>

/** The head of the host's ring. */
struct ring {
    uint32_t id, nr, head, tail, magic, compatible, incompatible, size;
};

struct aio_slot {
    struct iocb request; /* first: its address is what events name */
    uint64_t guest;      /* address of the guest's request */
    uint32_t next;       /* free: the next one that is, or NO_SLOT */
    bool used;
};

struct aio {
    struct aio *next;
    uint64_t guest, host; /* ids */
    uint32_t users;       /* calls */
    bool ended;
    uint32_t room, free;
    struct aio_slot slots[];
};

/* The guest's requests that are on their way. */
static void aio_requests(struct visitor *v, const struct field *f, void *object) {
    const struct aio *a = object;
    for (uint32_t k = 0; k < a->room; k++)
        if (a->slots[k].used) visit_bytes(v, f, k, &a->slots[k].guest, sizeof a->slots[k].guest);
}

#define AIO_ROWS(R)                                                                                                    \
    R(HOST, next, "the list")                                                                                          \
    R(FIELD, guest, RESOURCE)                                                                                          \
    R(HOST, host, "the host's id")                                                                                     \
    R(HOST, users, "calls under way")                                                                                  \
    R(FIELD, ended, RESOURCE)                                                                                          \
    R(BYTES, room, aio_requests)                                                                                       \
    R(HOST, free, "slots that nothing is in")
OBJECT_TYPE(aio_type, "aio", struct aio, AIO_ROWS)

void *aio_next(const struct visitor *v, void *process, void *previous) {
    (void)v;
    return previous ? ((struct aio *)previous)->next : ((struct process *)process)->aio;
}

enum { NO_SLOT = UINT32_MAX, EVENTS = sizeof((struct scratch *)0)->bytes / sizeof(struct io_event) };

static struct aio *context_find(const struct process *p, uint64_t id) {
    struct aio *a = p->aio;
    while (a && a->guest != id) a = a->next;
    return a;
}

static void context_leave(struct aio *a) {
    if (--a->users == 0 && a->ended) os_free(a);
}

static int64_t context_make(struct call *c, uint64_t host) {
    uint32_t room = ((const struct ring *)(uintptr_t)host)->nr;
    struct aio *a = os_alloc(sizeof *a + room * sizeof *a->slots);
    if (!a) return -ENOMEM;
    int64_t id = memory_map(c->process->space, 0, SPACE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                            0, MEMORY_ANONYMOUS);
    if (id < 0) {
        os_free(a);
        return id;
    }
    *a = (struct aio){.next = c->process->aio, .guest = (uint64_t)id, .host = host, .room = room};
    for (uint32_t i = 0; i < room; i++) a->slots[i].next = i + 1 < room ? i + 1 : NO_SLOT;
    c->process->aio = a;
    return id;
}

int64_t call_io_setup(struct call *c) {
    uint64_t host;
    if (!call_read(c, c->guest[1], &host, sizeof host)) return -EFAULT;
    int64_t r = call_wait(c, SYS_io_setup, c->host[0], (uintptr_t)&host, 0, 0, 0, 0);
    if (r < 0) return r;
    int64_t id = context_make(c, host);
    if (id < 0) {
        host_wait(SYS_io_destroy, host);
        return id;
    }
    return call_write(c, c->guest[1], &id, sizeof id) ? 0 : -EFAULT;
}

int64_t call_io_destroy(struct call *c) {
    struct aio *a = context_find(c->process, c->guest[0]), **at = &c->process->aio;
    if (!a) return -EINVAL;
    while (*at != a) at = &(*at)->next;
    *at = a->next;
    a->ended = true;
    a->users++;
    int64_t r = host_wait(SYS_io_destroy, a->host);
    memory_unmap(c->process->space, a->guest, SPACE_PAGE);
    context_leave(a);
    return r;
}

void aio_forked(struct process *p) {
    for (struct aio *a; (a = p->aio) != NULL;) {
        p->aio = a->next;
        os_free(a);
    }
}

/* ---- requests */

static struct aio_slot *slot_take(struct aio *a) {
    if (a->free == NO_SLOT) return NULL;
    struct aio_slot *s = &a->slots[a->free];
    a->free = s->next;
    s->used = true;
    return s;
}

static void slot_free(struct aio *a, struct aio_slot *s) {
    s->used = false;
    s->next = a->free;
    a->free = (uint32_t)(s - a->slots);
}

/** Those that are submitted together. */
struct batch {
    struct aio *context;
    struct aio_slot **slots; /* in scratch */
    uint32_t count, vectors;
};
enum { BATCH = sizeof((struct scratch *)0)->bytes / sizeof(struct aio_slot *) };

/* What the guest may not name becomes an address that the host refuses, when it comes to that. */
static uint64_t buffer(struct call *c, uint64_t guest, uint64_t size, bool written) {
    uint64_t host;
    if (!call_pointer(c, guest, size, &host)) return CALL_NOBODYS;
    if (written) space_host_writes(c->process->space, guest, size, true);
    return host;
}

/* The vectors are read when the request is submitted. */
static uint64_t vector(struct call *c, const struct iocb *r, struct iovec *to, bool written) {
    if (r->aio_nbytes > CALL_IOVECS) return CALL_NOBODYS; /* too many: that is looked at first */
    if (!call_gets(c, LAYOUT_iovec, r->aio_buf, r->aio_nbytes, to)) return CALL_NOBODYS;
    for (uint64_t i = 0; i < r->aio_nbytes; i++)
        to[i].iov_base = (void *)(uintptr_t)buffer(c, (uintptr_t)to[i].iov_base, to[i].iov_len, written);
    return (uintptr_t)to;
}

static void request_translate(struct call *c, struct iocb *r, struct batch *b) {
    if (own_fd_named(c->process, (int)r->aio_fildes)) r->aio_fildes = UINT32_MAX;
    if ((r->aio_flags & IOCB_FLAG_RESFD) && own_fd_named(c->process, (int)r->aio_resfd)) r->aio_resfd = UINT32_MAX;
    switch (r->aio_lio_opcode) {
    case IOCB_CMD_PREAD:
    case IOCB_CMD_PWRITE:
        r->aio_buf = buffer(c, r->aio_buf, r->aio_nbytes, r->aio_lio_opcode == IOCB_CMD_PREAD);
        return;
    case IOCB_CMD_PREADV:
    case IOCB_CMD_PWRITEV:
        r->aio_buf = vector(c, r, c->thread->scratch->iov + b->vectors, r->aio_lio_opcode == IOCB_CMD_PREADV);
        if (r->aio_buf != CALL_NOBODYS) b->vectors += (uint32_t)r->aio_nbytes;
        return;
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC:
    case IOCB_CMD_POLL:
    case IOCB_CMD_NOOP: return; /* numbers */
    default: r->aio_buf = CALL_NOBODYS;
    }
}

/* Takes one request into the batch. -EAGAIN: its vectors want a batch of their own, or no slot is left. */
static int64_t batch_add(struct call *c, struct batch *b, uint64_t guest) {
    const uint32_t key = 0;
    struct iocb request;
    if (!call_read(c, guest, &request, sizeof request)) return -EFAULT;
    bool vectors = request.aio_lio_opcode == IOCB_CMD_PREADV || request.aio_lio_opcode == IOCB_CMD_PWRITEV;
    if (vectors && request.aio_nbytes <= CALL_IOVECS && request.aio_nbytes > CALL_IOVECS - b->vectors) return -EAGAIN;
    if (!call_write(c, guest + offsetof(struct iocb, aio_key), &key, sizeof key)) return -EFAULT;
    struct aio_slot *s = slot_take(b->context);
    if (!s) return -EAGAIN;
    request_translate(c, &request, b);
    s->request = request;
    s->guest = guest;
    b->slots[b->count++] = s;
    return 0;
}

/* How many were submitted, or what the first one met with. */
static int64_t batch_submit(struct call *c, struct batch *b, bool first) {
    const uint64_t host = b->context->host;
    int64_t r = first ? call_wait(c, SYS_io_submit, host, b->count, (uintptr_t)b->slots, 0, 0, 0)
                      : host_wait(SYS_io_submit, host, b->count, b->slots);
    for (uint32_t i = r < 0 ? 0 : (uint32_t)r; i < b->count; i++) slot_free(b->context, b->slots[i]);
    return r;
}

static int64_t submit(struct call *c, struct aio *a, int64_t count) {
    int64_t done = 0;
    while (done < count) {
        struct batch b = {.context = a, .slots = (struct aio_slot **)(void *)c->thread->scratch->bytes};
        int64_t error = 0, r = 0;
        for (uint64_t guest; !error && b.count < BATCH && done + b.count < count;)
            error = call_read(c, c->guest[2] + (uint64_t)(done + b.count) * sizeof guest, &guest, sizeof guest)
                        ? batch_add(c, &b, guest)
                        : -EFAULT;
        if (b.count) r = batch_submit(c, &b, done == 0);
        if (r < 0 || !b.count) return done ? done : r < 0 ? r : error;
        done += r;
        if (r < b.count || (error && error != -EAGAIN)) break;
    }
    return done;
}

int64_t call_io_submit(struct call *c) {
    struct aio *a = context_find(c->process, c->guest[0]);
    int64_t count = (int64_t)c->guest[1];
    if (!a || count < 0) return -EINVAL;
    a->users++;
    int64_t r = submit(c, a, count < a->room ? count : a->room);
    context_leave(a);
    return r;
}

int64_t call_io_cancel(struct call *c) {
    struct aio *a = context_find(c->process, c->guest[0]);
    struct io_event event;
    uint32_t key;
    if (!call_read(c, c->guest[1] + offsetof(struct iocb, aio_key), &key, sizeof key)) return -EFAULT;
    if (!a || key) return -EINVAL;
    for (uint32_t i = 0; i < a->room; i++)
        if (a->slots[i].used && a->slots[i].guest == c->guest[1])
            return call_wait(c, SYS_io_cancel, a->host, (uintptr_t)&a->slots[i].request, (uintptr_t)&event, 0, 0, 0);
    return -EINVAL;
}

/* ---- events */

/* Makes the host's events the guest's, whose slots are free then. */
static bool events_give(struct call *c, struct aio *a, struct io_event *events, int64_t count, uint64_t to) {
    for (int64_t i = 0; i < count; i++) {
        struct aio_slot *s = (struct aio_slot *)(uintptr_t)events[i].obj;
        events[i].obj = s->guest;
        slot_free(a, s);
    }
    return call_write(c, to, events, (size_t)count * sizeof *events);
}

static int64_t events_get(struct call *c, struct aio *a, long number, uint64_t mask) {
    struct io_event *events = (struct io_event *)(void *)c->thread->scratch->bytes;
    const int64_t least = (int64_t)c->guest[1], most = (int64_t)c->guest[2];
    int64_t got = 0, r = 0, part;
    if (least < 0 || least > most) return -EINVAL;
    do {
        const int64_t wanted = least > got ? least - got : 0;
        part = most - got < EVENTS ? most - got : EVENTS;
        const uint64_t at = (uintptr_t)events, min = (uint64_t)(wanted < part ? wanted : part);
        r = got ? host_wait(number, a->host, min, part, at, c->host[4], mask)
                : call_wait(c, number, a->host, min, (uint64_t)part, at, c->host[4], mask);
        if (r <= 0) break;
        if (!events_give(c, a, events, r, c->guest[3] + (uint64_t)got * sizeof *events)) return got ? got : -EFAULT;
        got += r;
    } while (r == part && got < most);
    return got ? got : r;
}

int64_t call_io_getevents(struct call *c) {
    struct aio *a = context_find(c->process, c->guest[0]);
    if (!a) return -EINVAL;
    a->users++;
    int64_t r = events_get(c, a, SYS_io_getevents, 0);
    context_leave(a);
    return r;
}

int64_t call_io_pgetevents(struct call *c) {
    struct aio *a = context_find(c->process, c->guest[0]);
    uint64_t mask[2] = {0}, set;
    if (c->guest[5] && !call_gets(c, LAYOUT_word, c->guest[5], 2, mask)) return -EFAULT;
    int64_t r = call_mask_begin(c, mask[0], mask[1], &set);
    if (r < 0) return r;
    const uint64_t host_mask[2] = {(uintptr_t)&set, sizeof set};
    r = -EINVAL;
    if (a) {
        a->users++;
        r = events_get(c, a, 333 /* io_pgetevents */, mask[0] ? (uintptr_t)host_mask : 0);
        context_leave(a);
    }
    return call_mask_end(c, mask[0], r);
}
