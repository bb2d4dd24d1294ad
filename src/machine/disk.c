/* disk.c - see disk.h: requests, and the workers that do them.
 *
 * Requests wait in one list; a worker that is free takes the first. A worker is made when one comes and none is
 * free, up to as many as were asked for; they stay until the disk is closed. A read of what the host has in its memory
 * is done at once, as it takes less time than to wake somebody.
 *
 * With O_DIRECT, what does not fit the host's blocks goes through a buffer. A write of a part of a block reads the rest
 * and writes it again: meanwhile no other write runs, else what that one wrote to the rest would be lost.
 */
#define _GNU_SOURCE
#include "machine/disk.h"
#include "base/lock.h"
#include "base/os.h"
#include "machine/disk_log.h"
#include "machine/disk_open.h"
#include "machine/disk_overlay.h"
#include "vm/input.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Numbers for the lock: workers have those from FIRST_WORKER on. */
enum { SUBMITTER = 1, FIRST_WORKER = 2, WORKERS_MOST = 64 };
/* What is read at once, at most; the buffer for blocks, at most. */
enum { AT_ONCE = 64 << 10, BUFFER = 1 << 20 };
enum { ALONE = 1u << 31 };

struct disk {
    struct disk_file file;
    struct disk_overlay overlay; /* of snapshots */
    struct disk_log *log;
    bool read_only, snapshot, through, discards, past;
    uint64_t size;  /* whole sectors */
    uint32_t block; /* what the host likes */
    void (*done)(void *self, struct disk_request *request);
    void *done_self;
    /* The pool. */
    struct lock lock;
    struct disk_request *first, **last; /* with the lock */
    uint32_t waiting;                   /* with the lock: requests in that list */
    uint32_t idle, workers, most;       /* with the lock */
    bool ends;                          /* with the lock */
    uint32_t work;                      /* changes when there is something for idle workers: they sleep at it */
    uint32_t moving, flying;            /* requests of workers: that are being worked on or wait for it, not done */
    uint32_t alive;                     /* workers that have not ended */
    uint32_t writers;                   /* writes that run, or ALONE */
    struct lock alone;                  /* held by the one that is to run alone */
};

struct worker {
    struct disk *disk;
    uint32_t self, id;
};

/* ---- O_DIRECT */

static bool fits(const struct disk_file *f, const struct disk_request *r) {
    uint64_t all = r->offset | r->size;
    for (unsigned i = 0; i < r->nv; i++) all |= (uintptr_t)r->v[i].iov_base | r->v[i].iov_len;
    return all % f->align == 0;
}

static void begin_write(struct disk *d) {
    for (;;) {
        uint32_t now = __atomic_load_n(&d->writers, __ATOMIC_SEQ_CST);
        if (now & ALONE)
            os_wait(&d->writers, now, 0);
        else if (__atomic_compare_exchange_n(&d->writers, &now, now + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return;
    }
}

static void end_write(struct disk *d) {
    if (__atomic_sub_fetch(&d->writers, 1, __ATOMIC_SEQ_CST) == ALONE) os_wake(&d->writers, INT32_MAX);
}

static void begin_alone(struct disk *d, uint32_t self) {
    lock_take(&d->alone, self, 0);
    for (uint32_t now = __atomic_or_fetch(&d->writers, ALONE, __ATOMIC_SEQ_CST); now != ALONE;
         now = __atomic_load_n(&d->writers, __ATOMIC_SEQ_CST))
        os_wait(&d->writers, now, 0);
}

static void end_alone(struct disk *d) {
    __atomic_and_fetch(&d->writers, ~ALONE, __ATOMIC_SEQ_CST);
    os_wake(&d->writers, INT32_MAX);
    lock_release(&d->alone);
}

/* Copies between a buffer and the part of a request's vectors that begins at `skip`. */
static void buffer_copy(uint8_t *buffer, const struct disk_request *r, uint64_t skip, uint64_t size, bool from) {
    for (unsigned i = 0; i < r->nv && size; i++) {
        const uint64_t length = r->v[i].iov_len;
        if (skip >= length) {
            skip -= length;
            continue;
        }
        const uint64_t n = length - skip < size ? length - skip : size;
        uint8_t *at = (uint8_t *)r->v[i].iov_base + skip;
        memcpy(from ? at : buffer, from ? buffer : at, n);
        buffer += n;
        size -= n;
        skip = 0;
    }
}

/* One buffer of blocks: [offset, offset + size) of the request lies in [start, end). */
static int buffer_piece(struct disk *d, const struct disk_request *r, uint8_t *buffer, uint64_t offset, uint64_t size) {
    const uint64_t a = d->file.align, start = offset / a * a, end = (offset + size + a - 1) / a * a;
    const struct iovec v = {buffer, end - start};
    int error = 0;
    if (r->op == DISK_READ || start != offset || end != offset + size)
        error = disk_io_move(&d->file, DISK_READ, &v, 1, start, end - start);
    if (error) return error;
    buffer_copy(buffer + (offset - start), r, offset - r->offset, size, r->op == DISK_READ);
    return r->op == DISK_READ ? 0 : disk_io_move(&d->file, DISK_WRITE, &v, 1, start, end - start);
}

static int buffer_move(struct disk *d, const struct disk_request *r) {
    const uint64_t a = d->file.align, all = r->size + 2 * a, room = all < BUFFER ? all : BUFFER;
    uint8_t *buffer = os_reserve(room); /* workers have no heap */
    int error = buffer && os_commit(buffer, room) ? 0 : ENOMEM;
    for (uint64_t done = 0; done < r->size && !error;) {
        uint64_t offset = r->offset + done, n = room - a - offset % a;
        if (n > r->size - done) n = r->size - done;
        error = buffer_piece(d, r, buffer, offset, n);
        done += n;
    }
    if (buffer) os_release(buffer, room);
    return error;
}

static int direct_move(struct disk *d, const struct disk_request *r, uint32_t self) {
    const bool fitting = fits(&d->file, r), parts = (r->offset | r->size) % d->file.align != 0;
    const bool alone = r->op == DISK_WRITE && parts;
    if (alone)
        begin_alone(d, self);
    else if (r->op == DISK_WRITE)
        begin_write(d);
    const int error = fitting ? disk_io_move(&d->file, r->op, r->v, r->nv, r->offset, r->size) : buffer_move(d, r);
    if (alone)
        end_alone(d);
    else if (r->op == DISK_WRITE)
        end_write(d);
    return error;
}

/* ---- one request */

static int move(struct disk *d, const struct disk_request *r, uint32_t self) {
    if (d->snapshot)
        return r->op == DISK_READ ? disk_overlay_read(&d->overlay, &d->file, r->v, r->nv, r->offset, r->size)
                                  : disk_overlay_write(&d->overlay, r->v, r->nv, r->offset, r->size);
    if (d->file.align > 1) return direct_move(d, r, self);
    return disk_io_move(&d->file, r->op, r->v, r->nv, r->offset, r->size);
}

static int discard(struct disk *d, const struct disk_request *r) {
    if (d->snapshot || !d->discards) return 0;
    return disk_io_discard(&d->file, r->offset, r->size);
}

static int zero(struct disk *d, const struct disk_request *r) {
    if (d->snapshot) return disk_overlay_zero(&d->overlay, r->offset, r->size);
    return disk_io_zero(&d->file, r->unmap && d->discards, r->offset, r->size);
}

static int flush(struct disk *d) {
    return d->snapshot ? 0 : disk_io_flush(&d->file);
}

static int work(struct disk *d, const struct disk_request *r, uint32_t self) {
    int error = 0;
    switch (r->op) {
    case DISK_READ:
    case DISK_WRITE: error = move(d, r, self); break;
    case DISK_DISCARD: error = discard(d, r); break;
    case DISK_ZERO: error = zero(d, r); break;
    case DISK_FLUSH: return flush(d);
    default: return EINVAL;
    }
    return !error && r->op != DISK_READ && (r->through || d->through) ? flush(d) : error;
}

static int check(const struct disk *d, const struct disk_request *r) {
    if (r->op == DISK_FLUSH) return 0;
    if (r->op != DISK_READ && d->read_only) return EROFS;
    return r->offset > d->size || r->size > d->size - r->offset || (r->offset | r->size) % DISK_SECTOR ? EINVAL : 0;
}

static void less(uint32_t *count) {
    if (__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST) == 0) os_wake(count, INT32_MAX);
}
static void await_none(const uint32_t *count) {
    for (uint32_t n; (n = __atomic_load_n(count, __ATOMIC_SEQ_CST));) os_wait(count, n, 0);
}

/* ---- workers */

static struct disk_request *next(struct disk *d, uint32_t self) {
    lock_take(&d->lock, self, 0);
    for (;;) {
        struct disk_request *r = d->first;
        if (r) {
            d->first = r->next;
            if (!d->first) d->last = &d->first;
            d->waiting--;
        }
        if (r || d->ends) {
            lock_release(&d->lock);
            return r;
        }
        const uint32_t seen = __atomic_load_n(&d->work, __ATOMIC_SEQ_CST);
        d->idle++;
        lock_release(&d->lock);
        os_wait(&d->work, seen, 0);
        lock_take(&d->lock, self, 0);
        d->idle--;
    }
}

static void worker_main(void *data) {
    const struct worker w = *(struct worker *)data;
    struct disk_request *r;
    while ((r = next(w.disk, w.self))) {
        if (!r->dropped) {
            r->error = work(w.disk, r, w.self);
            less(&w.disk->moving);
        }
        w.disk->done(w.disk->done_self, r); /* which may be the end of r */
        less(&w.disk->flying);
    }
    /* Whoever waits for this may free the disk at once: only the address of the word is used. */
    less(&w.disk->alive);
}

/* With no signals: handlers are for threads that run guests. */
static bool worker_start(struct disk *d) {
    struct os_thread *t = os_thread_make(sizeof(struct worker));
    sigset_t all, before;
    if (!t) return false;
    struct worker *w = os_thread_data(t);
    *w = (struct worker){d, FIRST_WORKER + d->workers, 0};
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    __atomic_add_fetch(&d->alive, 1, __ATOMIC_SEQ_CST);
    const int64_t id = os_thread_start(t, NULL, worker_main, &w->id, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (id >= 0) return true;
    __atomic_sub_fetch(&d->alive, 1, __ATOMIC_SEQ_CST);
    os_thread_free(t);
    return false;
}

void disk_later(struct disk *d, struct disk_request *r) {
    __atomic_add_fetch(&d->moving, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&d->flying, 1, __ATOMIC_SEQ_CST);
    r->next = NULL;
    r->dropped = false;
    lock_take(&d->lock, SUBMITTER, 0);
    if (d->waiting >= d->idle && d->workers < d->most && worker_start(d)) d->workers++;
    *d->last = r;
    d->last = &r->next;
    d->waiting++;
    __atomic_add_fetch(&d->work, 1, __ATOMIC_SEQ_CST);
    const bool wake = d->idle;
    lock_release(&d->lock);
    if (wake) os_wake(&d->work, 1);
}

/* ---- at once */

/* Within the thread that submits. What the host says comes through the door of the vm. */
static int work_here(struct disk *d, struct disk_request *r) {
    struct vm *vm = d->file.vm;
    struct input in = {.kind = INPUT_disk, .which = r->op, .at = r->offset, .size = r->size};
    if (!vm) return work(d, r, SUBMITTER);
    if (!input_given(vm, &in)) {
        const int error = work(d, r, SUBMITTER);
        in.value = error ? -error : (int64_t)r->size;
        input_came(vm, &in);
    }
    for (unsigned i = 0; i < r->nv && r->op == DISK_READ; i++) input_data(vm, r->v[i].iov_base, r->v[i].iov_len);
    return in.value < 0 ? (int)-in.value : 0;
}

static bool read_at_once(struct disk *d, struct disk_request *r) {
    if (r->op != DISK_READ || r->size > AT_ONCE || d->snapshot) return false;
    return disk_io_cached(&d->file, r->v, r->nv, r->offset, r->size) == r->size;
}

bool disk_now(struct disk *d, struct disk_request *r) {
    r->error = check(d, r);
    if (r->error) return true;
    if (!d->most) {
        r->error = work_here(d, r);
        return true;
    }
    if (!d->past && d->file.vm) input_past(d->file.vm, "what a disk's workers read");
    d->past = true;
    return read_at_once(d, r);
}

void disk_still(struct disk *d) {
    uint32_t dropped = 0;
    lock_take(&d->lock, SUBMITTER, 0);
    for (struct disk_request *r = d->first; r; r = r->next) {
        dropped += !r->dropped;
        r->dropped = true;
        r->error = ECANCELED;
    }
    lock_release(&d->lock);
    __atomic_sub_fetch(&d->moving, dropped, __ATOMIC_SEQ_CST);
    await_none(&d->moving);
}
void disk_drain(struct disk *d) {
    await_none(&d->flying);
}

/* ---- opening and closing */

uint64_t disk_sectors(const struct disk *d) {
    return d->size / DISK_SECTOR;
}
bool disk_read_only(const struct disk *d) {
    return d->read_only;
}
bool disk_writes_through(const struct disk *d) {
    return d->through;
}
bool disk_discards(const struct disk *d) {
    return d->discards;
}
uint32_t disk_block(const struct disk *d) {
    return d->block;
}

static bool parts_open(struct disk *d, const struct disk_config *c, struct error *error) {
    uint64_t size;
    if (!disk_file_open(&d->file, c, &size, &d->block, error)) return false;
    /* A last sector that is not whole is filled up with zeros, and is whole when it has been written to. */
    d->size = (size + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;
    d->log = c->log ? disk_log_open(c->log, error) : NULL;
    d->file.taps[0] = c->tap;
    d->file.tap_self[0] = c->tap_self;
    d->file.taps[1] = d->log ? &disk_log_tap : NULL;
    d->file.tap_self[1] = d->log;
    if ((!c->log || d->log) &&
        (!c->snapshot || disk_overlay_open(&d->overlay, &d->file, d->size / DISK_SECTOR, c->path, error)))
        return true;
    if (d->log) disk_log_close(d->log);
    close(d->file.fd);
    return false;
}

struct disk *disk_open(const struct disk_config *config, struct error *error) {
    struct disk_config with_cache = *config, *c = &with_cache;
    if (!c->cache) c->cache = disk_cache_find(NULL);
    struct disk *d = calloc(1, sizeof *d);
    if (!d) {
        error_set(error, ERROR_RESOURCES, "%s: no memory", c->path);
        return NULL;
    }
    d->read_only = c->read_only;
    d->snapshot = c->snapshot;
    d->through = c->cache->through;
    d->discards = c->discard;
    d->done = c->done;
    d->done_self = c->done_self;
    d->last = &d->first;
    d->most = c->workers < WORKERS_MOST ? c->workers : WORKERS_MOST;
    if (!parts_open(d, c, error)) {
        free(d);
        return NULL;
    }
    /* With one worker nothing is left undone, whether more can be made or not. */
    if (d->most && !(os_thread_prepare() && worker_start(d))) {
        error_set(error, ERROR_RESOURCES, "%s: a thread for it cannot be started", c->path);
        disk_close(d);
        return NULL;
    }
    d->workers = d->most != 0;
    return d;
}

void disk_close(struct disk *d) {
    if (!d) return;
    lock_take(&d->lock, SUBMITTER, 0);
    d->ends = true;
    __atomic_add_fetch(&d->work, 1, __ATOMIC_SEQ_CST);
    lock_release(&d->lock);
    os_wake(&d->work, INT32_MAX);
    await_none(&d->alive);
    if (d->snapshot) disk_overlay_close(&d->overlay);
    if (d->log) disk_log_close(d->log);
    close(d->file.fd);
    free(d);
}
