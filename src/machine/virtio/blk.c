/* blk.c - a disk (virtio 1.2, 5.2): one queue, requests of a header, data, and a byte for the status at the end. What
 * it is on the host: disk.h.
 *
 * Any number of requests is in flight, and they are done in any order. A flush covers what had been done when it was
 * made, as drivers expect: they wait for what they want to be covered. A request whose contents are wrong is answered
 * with an error; one without room for the status has no answer.
 *
 * Requests live in memory of their own, as many at once as the queue has entries at most: made in slabs as they are
 * needed, as threads that run guests have no heap.
 */
#include "base/error.h"
#include "base/os.h"
#include "machine/config.h"
#include "machine/disk.h"
#include "machine/virtio/transport.h"
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 0, QUEUE_SIZE = 256, SLAB = 16, WORKERS = 16, SERIAL_SIZE = 20 };
/* Sectors that are discarded, or made zeros, at once. */
enum { RANGE_SECTORS = (1 << 22) - 1 };
enum feature {
    F_SEG_MAX = 2,
    F_RO = 5,
    F_BLK_SIZE = 6,
    F_FLUSH = 9,
    F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11,
    F_DISCARD = 13,
    F_WRITE_ZEROES = 14
};
enum request_type { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum status { S_OK = 0, S_IOERR = 1, S_UNSUPPORTED = 2 };
enum { UNMAP = 1 }; /* flag of ranges */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};
struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};
struct config {
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint16_t cylinders;
    uint8_t heads, track;
    uint32_t block_size;
    uint8_t physical_block, alignment;
    uint16_t io_min;
    uint32_t io_best;
    uint8_t write_back, unused;
    uint16_t queues;
    uint32_t discard_max, discard_segments, discard_alignment;
    uint32_t zeroes_max, zeroes_segments;
    uint8_t zeroes_unmap, unused_too[3];
};
_Static_assert(sizeof(struct config) == 64 && offsetof(struct config, zeroes_unmap) == 56,
               "as the specification has it");

#define BLK_FIELDS(FIELD, ARRAY) FIELD(uint8_t, through, RESOURCE, 0, 0, 0, 1) /* the driver wants no cache */

struct blk {
    FIELDS_STRUCT(BLK_FIELDS)
};
#define FIELDS_OF struct blk
static const struct field fields[] = {FIELDS_TABLE(BLK_FIELDS)};
FIELDS_WHOLE(struct blk, FIELDS_INIT(BLK_FIELDS));

struct request {
    struct request *next; /* in the list of those that are free */
    uint32_t type;
    struct disk_request io;
    struct virtio_chain chain;
    struct iovec v[VIRTIO_PIECES];
};
struct slab {
    struct slab *next;
    struct request requests[SLAB];
};

/** What it has on the host: host->backend. */
struct medium {
    struct disk *disk;
    struct slab *slabs;
    struct request *free;
    bool collects; /* what is done is published together, later */
    bool short_of; /* requests: the queue has more */
    char serial[SERIAL_SIZE];
};

static struct medium *medium_of(const struct virtio *v) {
    return v->host->backend;
}

/* ---- requests */

static bool slab_make(struct medium *m) {
    struct slab *s = os_alloc(sizeof *s);
    if (!s) return false;
    s->next = m->slabs;
    m->slabs = s;
    for (unsigned i = 0; i < SLAB; i++) {
        s->requests[i].next = m->free;
        m->free = &s->requests[i];
    }
    return true;
}

static struct request *request_make(struct medium *m) {
    if (!m->free && !slab_make(m)) return NULL;
    struct request *r = m->free;
    m->free = r->next;
    return r;
}

static void request_free(struct medium *m, struct request *r) {
    r->next = m->free;
    m->free = r;
}

/* Data as vectors: `size` bytes of the chain's pieces from the first one on, without what is before `skip`. */
static void take_vectors(struct request *r, unsigned first, uint64_t skip, uint64_t size) {
    struct disk_request *io = &r->io;
    io->v = r->v;
    io->size = size;
    for (unsigned i = first; i < r->chain.npieces && size; i++) {
        const struct virtio_piece *p = &r->chain.piece[i];
        if (skip >= p->size) {
            skip -= p->size;
            continue;
        }
        const uint64_t n = p->size - skip < size ? p->size - skip : size;
        r->v[io->nv++] = (struct iovec){p->host + skip, n};
        size -= n;
        skip = 0;
    }
}

/* Sectors beyond what can be counted in bytes are on no disk. */
static uint64_t bytes_of(uint64_t sector) {
    return sector <= UINT64_MAX / DISK_SECTOR ? sector * DISK_SECTOR : UINT64_MAX;
}

/* A range to discard or to make zeros; what the driver may ask for at once is told to it. */
static enum status take_range(struct virtio *v, struct request *r) {
    struct range range;
    if (r->chain.readable != sizeof(struct header) + sizeof range) return S_UNSUPPORTED;
    virtio_read(&r->chain, sizeof(struct header), &range, sizeof range);
    if (range.flags & ~(uint32_t)(r->type == T_WRITE_ZEROES ? UNMAP : 0)) return S_UNSUPPORTED;
    if (range.sectors > RANGE_SECTORS || disk_read_only(medium_of(v)->disk)) return S_IOERR;
    r->io.op = r->type == T_DISCARD ? DISK_DISCARD : DISK_ZERO;
    r->io.offset = bytes_of(range.sector);
    r->io.size = (uint64_t)range.sectors * DISK_SECTOR;
    r->io.unmap = range.flags & UNMAP;
    return S_OK;
}

static enum status take_id(struct virtio *v, struct request *r) {
    const uint64_t room = r->chain.writable - 1;
    virtio_write(v, &r->chain, 0, medium_of(v)->serial, room < SERIAL_SIZE ? room : SERIAL_SIZE);
    return S_OK;
}

/* Makes the disk's request of a chain. Not S_OK: it is answered with that; *io: there is one. */
static enum status request_read(struct virtio *v, struct request *r, bool *io) {
    struct header h;
    virtio_read(&r->chain, 0, &h, sizeof h);
    r->type = h.type;
    r->io = (struct disk_request){
        .offset = bytes_of(h.sector), .owner = r, .through = ((const struct blk *)v->own)->through};
    *io = true;
    switch (h.type) {
    case T_IN:
        r->io.op = DISK_READ;
        take_vectors(r, r->chain.nreadable, 0, r->chain.writable - 1);
        return S_OK;
    case T_OUT:
        r->io.op = DISK_WRITE;
        take_vectors(r, 0, sizeof h, r->chain.readable - sizeof h);
        return S_OK;
    case T_FLUSH: r->io.op = DISK_FLUSH; return S_OK;
    case T_DISCARD:
    case T_WRITE_ZEROES: return take_range(v, r);
    case T_GET_ID: *io = false; return take_id(v, r);
    default: return S_UNSUPPORTED;
    }
}

static void answer(struct virtio *v, struct request *r, enum status status) {
    struct medium *m = medium_of(v);
    const uint8_t byte = (uint8_t)status;
    uint32_t written = 1;
    if (r->chain.generation == v->generation) { /* else its memory is the driver's again, and the status too */
        if (r->type == T_IN && status == S_OK) {
            virtio_wrote(v->host, &r->chain, 0, r->io.size);
            written += (uint32_t)r->io.size;
        }
        virtio_write(v, &r->chain, r->chain.writable - 1, &byte, sizeof byte);
        virtio_fill(v, &r->chain, written);
        if (!m->collects) virtio_publish(v, QUEUE);
    } else if (r->io.op == DISK_READ) {
        virtio_wrote(v->host, &r->chain, 0, r->io.size); /* that it was written is so all the same */
    }
    request_free(m, r);
}

static void request_do(struct virtio *v, struct request *r) {
    struct medium *m = medium_of(v);
    bool io = false;
    const enum status status = request_read(v, r, &io);
    if (status != S_OK || !io) {
        answer(v, r, status);
    } else if (disk_now(m->disk, &r->io)) {
        answer(v, r, r->io.error ? S_IOERR : S_OK);
    } else {
        board_submit(v->host);
        disk_later(m->disk, &r->io);
    }
}

static void notify(struct virtio *v, unsigned queue) {
    struct medium *m = medium_of(v);
    m->collects = true;
    for (;;) {
        struct request *r = request_make(m);
        m->short_of = !r; /* some are in flight, as there is one slab: complete goes on */
        if (!r) break;
        if (!virtio_pop(v, queue, &r->chain)) {
            request_free(m, r);
            break;
        }
        if (r->chain.readable < sizeof(struct header) || r->chain.writable < 1) {
            virtio_unpop(v, &r->chain);
            request_free(m, r);
            virtio_break(v);
            break;
        }
        request_do(v, r);
    }
    m->collects = false;
    virtio_publish(v, queue);
}

static void complete(struct virtio *v, void *request) {
    struct disk_request *io = request;
    answer(v, io->owner, io->error ? S_IOERR : S_OK);
    if (medium_of(v)->short_of) virtio_notify(v, QUEUE);
}

/* From a worker. */
static void done(void *host, struct disk_request *io) {
    board_post(host, io);
}

static void reset(struct virtio *v) {
    disk_still(medium_of(v)->disk);
}

/* ---- features and configuration */

static uint64_t offers(const struct virtio *v) {
    const struct disk *d = medium_of(v)->disk;
    uint64_t without = 0;
    if (!disk_read_only(d)) without |= 1ull << F_RO;
    if (disk_read_only(d)) without |= 1ull << F_DISCARD | 1ull << F_WRITE_ZEROES;
    if (disk_writes_through(d)) without |= 1ull << F_CONFIG_WCE;
    return ~without;
}

static void config(const struct virtio *v, void *to) {
    struct config *c = to;
    const struct blk *b = v->own;
    const struct disk *d = medium_of(v)->disk;
    const uint32_t block = disk_block(d) / DISK_SECTOR;
    *c = (struct config){
        .capacity = disk_sectors(d),
        .seg_max = QUEUE_SIZE - 2,
        .block_size = DISK_SECTOR,
        .physical_block = (uint8_t)__builtin_ctz(block),
        .io_min = (uint16_t)block,
        .write_back = !b->through && !disk_writes_through(d),
        .queues = 1,
        .discard_max = RANGE_SECTORS,
        .discard_segments = 1,
        .discard_alignment = block,
        .zeroes_max = RANGE_SECTORS,
        .zeroes_segments = 1,
        .zeroes_unmap = disk_discards(d),
    };
}

static void config_write(struct virtio *v, unsigned offset, unsigned size, uint64_t value) {
    struct blk *b = v->own;
    if (offset == offsetof(struct config, write_back) && size == 1 && virtio_has(v, F_CONFIG_WCE))
        b->through = !(value & 1);
}

/* A driver that neither flushes nor asks for a cache relies on every write. */
static void start(struct virtio *v) {
    struct blk *b = v->own;
    if (!virtio_has(v, F_CONFIG_WCE)) b->through = !virtio_has(v, F_FLUSH);
}

/* ---- opening and closing */

static bool disk_config_read(const struct virtio *v, const struct drive_spec *drive, struct disk_config *c,
                             struct error *error) {
    const char *cache = spec_get(&drive->keys, "cache"), *discard = spec_get(&drive->keys, "discard");
    const char *lock = spec_get(&drive->keys, "file.locking");
    if (!spec_word(&drive->keys, "cache", disk_cache_names(), error) ||
        !spec_word(&drive->keys, "discard", "ignore off unmap on", error) ||
        !spec_word(&drive->keys, "file.locking", "auto on off", error))
        return false;
    *c = (struct disk_config){
        .path = drive->file,
        .format = spec_get(&drive->keys, "format"),
        .cache = disk_cache_find(cache),
        .log = spec_get(&drive->keys, "log"),
        .read_only = drive->readonly,
        .snapshot = drive->snapshot,
        .no_lock = lock && !strcmp(lock, "off"),
        .discard = discard && (!strcmp(discard, "unmap") || !strcmp(discard, "on")),
        .workers = board_synchronous(v->host) ? 0 : WORKERS,
        .vm = v->host->machine->vm,
        .done = done,
        .done_self = v->host,
    };
    return true;
}

static bool open(struct virtio *v, struct error *error) {
    const struct keyvals *options = v->host->options;
    const char *id = options ? spec_get(options, "drive") : NULL;
    const struct drive_spec *drive = id ? config_drive(v->host->machine->config, id) : NULL;
    struct disk_config c;
    if (!drive)
        return error_set(error, ERROR_USAGE, "-device %s: needs drive=ID, the id of a -drive", v->host->device->name);
    if (!disk_config_read(v, drive, &c, error)) return false;
    struct medium *m = calloc(1, sizeof *m);
    if (!m) return error_set(error, ERROR_RESOURCES, "%s: no memory", drive->file);
    const char *serial = spec_get(options, "serial");
    if (!serial) serial = spec_get(&drive->keys, "serial");
    memcpy(m->serial, serial ? serial : "", serial ? strnlen(serial, SERIAL_SIZE) : 0);
    m->disk = disk_open(&c, error);
    if (m->disk && slab_make(m)) {
        v->host->backend = m;
        return true;
    }
    disk_close(m->disk);
    free(m);
    return error_set(error, ERROR_RESOURCES, "%s: no memory for requests", drive->file);
}

static void close(struct virtio *v) {
    struct medium *m = medium_of(v);
    disk_close(m->disk);
    for (struct slab *s = m->slabs, *next; s; s = next) {
        next = s->next;
        os_free(s);
    }
    free(m);
    v->host->backend = NULL;
}

static const struct virtio_kind kind = {
    .name = "blk",
    .id = 2,
    .pci_class = 0x010000,
    .nqueues = 1,
    .queue_size = QUEUE_SIZE,
    .features = 1ull << F_SEG_MAX | 1ull << F_RO | 1ull << F_BLK_SIZE | 1ull << F_FLUSH | 1ull << F_TOPOLOGY |
                1ull << F_CONFIG_WCE | 1ull << F_DISCARD | 1ull << F_WRITE_ZEROES,
    .config_size = 60,
    .state_size = sizeof(struct blk),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .open = open,
    .close = close,
    .offers = offers,
    .config = config,
    .config_write = config_write,
    .start = start,
    .notify = notify,
    .reset = reset,
    .complete = complete,
};
VIRTIO_DEVICES(blk)
