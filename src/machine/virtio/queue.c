/* queue.c - split queues: takes chains of descriptors, gives them back. See virtio.h.
 *
 * What the driver's side of a queue says may change at any time. Every word of it is read once, into a variable of its
 * own; a chain is used only when all of it was found right: descriptors within their table, no more of them than
 * VIRTIO_PIECES (so loops end), pieces in RAM, those to be read before those to be written, one indirect table at most.
 * Entries before the index that publishes them, and an index before the look whether the other side sleeps: that is
 * what the fences are for.
 */
#include "machine/virtio/virtio.h"
#include <string.h>

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };             /* flags of descriptors */
enum { NO_INTERRUPT = 1 };                              /* flag of the driver's part */
enum { FLAGS = 0, INDEX = 2, RING = 4, USED_SIZE = 8 }; /* offsets in the driver's and in the device's part */

struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

/* ---- words that the driver may write while they are read, and read while they are written */

static uint16_t load(const uint8_t *at) {
    return __atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE);
}
static void store(uint8_t *at, uint16_t value) {
    __atomic_store_n((uint16_t *)at, value, __ATOMIC_RELEASE);
}

static struct descriptor descriptor_at(const uint8_t *table, uint32_t index) {
    struct descriptor d;
    memcpy(&d, table + (uint64_t)index * sizeof d, sizeof d);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* what is in `d` is not read again from where it came from */
    return d;
}

static void device_part_wrote(struct virtio *v, const struct virtio_queue *q, unsigned offset, unsigned size) {
    board_ram_wrote(v->host, q->device + offset, size);
}

/* ---- starting */

void virtio_queue_reset(const struct virtio *v, struct virtio_queue *q) {
    *q = (struct virtio_queue){.size = v->kind->queue_size};
}

void virtio_queue_start(struct virtio *v, struct virtio_queue *q) {
    const unsigned size = q->size;
    if (q->ready) return;
    if (size == 0 || (size & (size - 1)) || size > v->kind->queue_size || q->descriptors % 16 || q->driver % 2 ||
        q->device % 4) {
        virtio_break(v);
        return;
    }
    q->at_descriptors = board_ram(v->host, q->descriptors, (uint64_t)size * sizeof(struct descriptor));
    q->at_driver = board_ram(v->host, q->driver, RING + 2 * size + 2);
    q->at_device = board_ram_begin(v->host, q->device, RING + USED_SIZE * size + 2);
    q->ready = q->at_descriptors && q->at_driver && q->at_device;
    if (!q->ready) virtio_break(v);
}

/* Those in flight go to nobody. As chains of other queues do so too, the device is of no use then. */
void virtio_queue_stop(struct virtio *v, struct virtio_queue *q) {
    const bool busy = q->in_flight != 0;
    if (busy) {
        if (v->kind->reset) v->kind->reset(v);
        v->generation++;
        virtio_break(v);
    }
    virtio_queue_reset(v, q);
}

/* ---- taking */

static bool usable(const struct virtio *v, unsigned queue) {
    return queue < v->kind->nqueues && virtio_running(v) && v->queue[queue].ready;
}

/* How many entries there are to take. None: the driver will notify of the next one. */
static unsigned available(struct virtio *v, struct virtio_queue *q) {
    unsigned n = (uint16_t)(load(q->at_driver + INDEX) - q->next);
    if (n == 0 && virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        const unsigned event = RING + USED_SIZE * q->size;
        store(q->at_device + event, q->next);
        device_part_wrote(v, q, event, 2);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        n = (uint16_t)(load(q->at_driver + INDEX) - q->next);
    }
    if (n > q->size) virtio_break(v);
    return n > q->size ? 0 : n;
}

static bool piece_add(struct virtio *v, struct virtio_chain *c, const struct descriptor *d) {
    const bool writable = d->flags & WRITE;
    if (!writable && c->npieces != c->nreadable) return false; /* to be read behind to be written */
    struct virtio_piece *p = &c->piece[c->npieces++];
    p->physical = d->address;
    p->size = d->size;
    if (writable) {
        p->host = board_ram_begin(v->host, d->address, d->size);
        c->writable += d->size;
    } else {
        p->host = (uint8_t *)(uintptr_t)board_ram(v->host, d->address, d->size);
        c->readable += d->size;
        c->nreadable++;
    }
    return p->host && p->size;
}

static bool chain_read(struct virtio *v, const struct virtio_queue *q, struct virtio_chain *c) {
    const uint8_t *table = q->at_descriptors;
    uint32_t count = q->size, index = c->head;
    bool indirect = false;
    for (unsigned seen = 0; seen <= VIRTIO_PIECES; seen++) {
        if (index >= count) return false;
        const struct descriptor d = descriptor_at(table, index);
        if (d.flags & INDIRECT) {
            if (indirect || (d.flags & NEXT) || !virtio_has(v, VIRTIO_F_INDIRECT)) return false;
            count = d.size / sizeof d;
            table = d.size % sizeof d ? NULL : board_ram(v->host, d.address, d.size);
            if (!table) return false;
            indirect = true;
            index = 0;
            continue;
        }
        if (c->npieces == VIRTIO_PIECES || !piece_add(v, c, &d)) return false;
        if (!(d.flags & NEXT)) return true;
        index = d.next;
    }
    return false;
}

bool virtio_pop(struct virtio *v, unsigned queue, struct virtio_chain *c) {
    struct virtio_queue *q = &v->queue[queue];
    if (!usable(v, queue) || !available(v, q)) return false;
    c->readable = c->writable = 0;
    c->npieces = c->nreadable = 0;
    c->generation = v->generation;
    c->queue = (uint16_t)queue;
    c->head = load(q->at_driver + RING + 2 * (q->next % q->size));
    if (q->in_flight == q->size || !chain_read(v, q, c)) {
        virtio_break(v);
        return false;
    }
    q->next++;
    q->in_flight++;
    return true;
}

bool virtio_available(struct virtio *v, unsigned queue) {
    return usable(v, queue) && available(v, &v->queue[queue]);
}

void virtio_unpop(struct virtio *v, const struct virtio_chain *c) {
    struct virtio_queue *q = &v->queue[c->queue];
    if (c->generation != v->generation) return;
    q->next--;
    q->in_flight--;
}

/* ---- copying */

/* Calls for what of [at, at + size) is in pieces [from, to); yields how many bytes there were. */
typedef void piece_action(void *of, const struct virtio_piece *p, uint32_t offset, uint32_t size, uint64_t done);
static uint64_t pieces_do(const struct virtio_chain *c, unsigned from, unsigned to, uint64_t at, uint64_t size,
                          piece_action *action, void *of) {
    uint64_t done = 0;
    for (const struct virtio_piece *p = c->piece + from; p < c->piece + to && done < size; p++) {
        if (at >= p->size) {
            at -= p->size;
            continue;
        }
        const uint64_t rest = p->size - at;
        const uint32_t n = (uint32_t)(rest < size - done ? rest : size - done);
        action(of, p, (uint32_t)at, n, done);
        done += n;
        at = 0;
    }
    return done;
}

static void copy_out(void *to, const struct virtio_piece *p, uint32_t offset, uint32_t size, uint64_t done) {
    memcpy((uint8_t *)to + done, p->host + offset, size);
}

uint64_t virtio_read(const struct virtio_chain *c, uint64_t at, void *to, uint64_t size) {
    const uint64_t n = pieces_do(c, 0, c->nreadable, at, size, copy_out, to);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* whoever looks at it looks at the copy */
    return n;
}

struct written {
    struct device_host *host;
    const uint8_t *from;
};
static void note_written(void *host, const struct virtio_piece *p, uint32_t offset, uint32_t size, uint64_t done) {
    (void)done;
    board_ram_wrote(host, p->physical + offset, size);
}
static void copy_in(void *of, const struct virtio_piece *p, uint32_t offset, uint32_t size, uint64_t done) {
    const struct written *w = of;
    memcpy(p->host + offset, w->from + done, size);
    note_written(w->host, p, offset, size, done);
}

uint64_t virtio_write(struct virtio *v, const struct virtio_chain *c, uint64_t at, const void *from, uint64_t size) {
    struct written w = {v->host, from};
    return pieces_do(c, c->nreadable, c->npieces, at, size, copy_in, &w);
}

void virtio_wrote(struct device_host *host, const struct virtio_chain *c, uint64_t at, uint64_t size) {
    pieces_do(c, c->nreadable, c->npieces, at, size, note_written, host);
}

/* ---- giving back */

void virtio_fill(struct virtio *v, const struct virtio_chain *c, uint32_t written) {
    struct virtio_queue *q = &v->queue[c->queue];
    if (c->generation != v->generation) return; /* from before a reset */
    const uint32_t entry[2] = {c->head, written};
    const unsigned offset = RING + USED_SIZE * ((unsigned)(uint16_t)(q->used + q->filled) % q->size);
    memcpy(q->at_device + offset, entry, sizeof entry);
    device_part_wrote(v, q, offset, sizeof entry);
    q->filled++;
    q->in_flight--;
}

/* Did index `used`, on its way from `before`, pass the one that the driver waits for? */
static bool passed(uint16_t waits_for, uint16_t used, uint16_t before) {
    return (uint16_t)(used - waits_for - 1) < (uint16_t)(used - before);
}

static bool wants_interrupt(const struct virtio *v, struct virtio_queue *q) {
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX)) return !(load(q->at_driver + FLAGS) & NO_INTERRUPT);
    const bool wants = !q->has_signalled || passed(load(q->at_driver + RING + 2 * q->size), q->used, q->signalled);
    q->signalled = q->used;
    q->has_signalled = 1;
    return wants;
}

void virtio_publish(struct virtio *v, unsigned queue) {
    struct virtio_queue *q = &v->queue[queue];
    if (!q->filled) return;
    q->used = (uint16_t)(q->used + q->filled);
    q->filled = 0;
    store(q->at_device + INDEX, q->used);
    device_part_wrote(v, q, INDEX, 2);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (wants_interrupt(v, q)) virtio_raise(v, VIRTIO_USED);
}

void virtio_push(struct virtio *v, const struct virtio_chain *c, uint32_t written) {
    virtio_fill(v, c, written);
    virtio_publish(v, c->queue);
}
