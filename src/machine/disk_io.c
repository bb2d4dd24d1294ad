/* disk_io.c - see disk_io.h. */
#define _GNU_SOURCE
#include "machine/disk_io.h"
#include "base/os.h"
#include "vm/input.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* How many vectors, and bytes, are asked for in one call. */
enum { VECTORS = 64, BYTES = 16 << 20, NOTHING_BYTES = 64 << 10 };

static int64_t answer(int64_t result) {
    return result < 0 ? -errno : result;
}

static int64_t host_zero(const struct disk_file *f, const struct disk_call *c) {
    uint64_t range[2] = {c->offset, c->size};
    if (f->device) return answer(ioctl(f->fd, BLKZEROOUT, range));
    return answer(fallocate(f->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)c->offset, (off_t)c->size));
}

static int64_t host_discard(const struct disk_file *f, const struct disk_call *c) {
    uint64_t range[2] = {c->offset, c->size};
    if (f->device) return answer(ioctl(f->fd, BLKDISCARD, range));
    return answer(fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)c->offset, (off_t)c->size));
}

static int64_t host_call(const struct disk_file *f, const struct disk_call *c) {
    switch (c->op) {
    case DISK_READ: return answer(preadv(f->fd, c->v, (int)c->nv, (off_t)c->offset));
    case DISK_WRITE: return answer(pwritev(f->fd, c->v, (int)c->nv, (off_t)c->offset));
    case DISK_FLUSH: return answer(fdatasync(f->fd));
    case DISK_DISCARD: return host_discard(f, c);
    case DISK_ZERO: return host_zero(f, c);
    default: return -EINVAL;
    }
}

/* What --disturb and poison builds make of a call: less, but something, of what may be done in parts; interrupted. */
static bool made_worse(const struct disk_file *f, struct disk_call *c) {
    size_t size = os_io_size(c->size);
    uint32_t what = 0;
    if (f->vm && input_worsens(f->vm)) what = input_worse(f->vm, INPUT_SHORTENED | INPUT_INTERRUPTED, &size);
    c->size = c->op <= DISK_WRITE ? size : c->size;
    c->result = -EINTR;
    return what & INPUT_INTERRUPTED;
}

/* The vectors of a call that was made smaller, to whole blocks. */
static void cut(const struct disk_file *f, struct disk_call *c, struct iovec *v) {
    c->size = c->size > f->align ? c->size / f->align * f->align : f->align;
    uint64_t left = c->size;
    for (c->nv = 0; left; c->nv++) {
        if (v[c->nv].iov_len > left) v[c->nv].iov_len = left;
        left -= v[c->nv].iov_len;
    }
}

/* The door: v, of reads and writes, are the call's vectors, which may become shorter. */
static void ask(struct disk_file *f, struct disk_call *c, struct iovec *v) {
    bool answered = made_worse(f, c);
    if (c->op <= DISK_WRITE) cut(f, c, v); /* so that a log has what is asked for */
    for (unsigned i = 0; i < 2 && !answered; i++)
        if (f->taps[i] && f->taps[i]->before) answered = f->taps[i]->before(f->tap_self[i], c);
    if (!answered) {
        if (c->op <= DISK_WRITE) cut(f, c, v);
        c->result = host_call(f, c);
    }
    for (unsigned i = 0; i < 2; i++)
        if (f->taps[i] && f->taps[i]->after) f->taps[i]->after(f->tap_self[i], c);
}

/* A place in a list of vectors. */
struct cursor {
    const struct iovec *v, *end;
    uint64_t skip; /* bytes of the first one */
};

static void cursor_move(struct cursor *at, uint64_t bytes) {
    at->skip += bytes;
    while (at->v < at->end && at->skip >= at->v->iov_len) at->skip -= at->v++->iov_len;
}

/* The next bytes, at most `size`, as vectors; how many bytes. */
static uint64_t window(const struct cursor *at, struct iovec v[VECTORS], unsigned *nv, uint64_t size) {
    uint64_t bytes = 0, skip = at->skip;
    if (size > BYTES) size = BYTES;
    *nv = 0;
    for (const struct iovec *from = at->v; from < at->end && *nv < VECTORS && bytes < size; from++, skip = 0) {
        uint64_t n = from->iov_len - skip;
        if (n > size - bytes) n = size - bytes;
        if (!n) continue;
        v[(*nv)++] = (struct iovec){(uint8_t *)from->iov_base + skip, n};
        bytes += n;
    }
    return bytes;
}

static void zero_rest(const struct cursor *from, uint64_t size) {
    struct cursor at = *from;
    while (size && at.v < at.end) {
        struct iovec v[VECTORS];
        unsigned nv;
        const uint64_t bytes = window(&at, v, &nv, size);
        for (unsigned i = 0; i < nv; i++) memset(v[i].iov_base, 0, v[i].iov_len);
        cursor_move(&at, bytes);
        size -= bytes;
    }
}

int disk_io_part(struct disk_file *f, enum disk_op op, const struct iovec *from, unsigned nv, uint64_t skip,
                 uint64_t offset, uint64_t size) {
    struct cursor at = {from, from + nv, 0};
    cursor_move(&at, skip);
    while (size) {
        struct iovec v[VECTORS];
        struct disk_call c = {.op = op, .scratch = f->scratch, .offset = offset, .v = v};
        c.size = window(&at, v, &c.nv, size);
        if (!c.size) return EINVAL;
        ask(f, &c, v);
        if (c.result == -EINTR || c.result == -EAGAIN) continue;
        if (c.result < 0) return (int)-c.result;
        if (c.result == 0) {
            if (op == DISK_WRITE) return EIO;
            zero_rest(&at, size); /* behind the end */
            return 0;
        }
        cursor_move(&at, (uint64_t)c.result);
        offset += (uint64_t)c.result;
        size -= (uint64_t)c.result;
        if (offset % f->align) { /* with O_DIRECT nothing but the end of the file leads here */
            if (op == DISK_WRITE) return EIO;
            zero_rest(&at, size);
            return 0;
        }
    }
    return 0;
}

int disk_io_move(struct disk_file *f, enum disk_op op, const struct iovec *v, unsigned nv, uint64_t offset,
                 uint64_t size) {
    return disk_io_part(f, op, v, nv, 0, offset, size);
}

uint64_t disk_io_cached(struct disk_file *f, const struct iovec *v, unsigned nv, uint64_t offset, uint64_t size) {
    if (f->align > 1 || f->taps[0] || f->taps[1] || nv > VECTORS) return 0;
    if (f->vm && input_worsens(f->vm)) return 0;
    const ssize_t n = preadv2(f->fd, v, (int)nv, (off_t)offset, RWF_NOWAIT);
    return n > 0 && (uint64_t)n <= size ? (uint64_t)n : 0;
}

/* A call that is done as a whole or not at all. */
static int whole(struct disk_file *f, enum disk_op op, uint64_t offset, uint64_t size) {
    struct disk_call c = {.op = op, .scratch = f->scratch, .offset = offset, .size = size};
    do ask(f, &c, NULL);
    while (c.result == -EINTR);
    return c.result < 0 ? (int)-c.result : 0;
}

int disk_io_flush(struct disk_file *f) {
    if (f->unsafe) return 0;
    const uint32_t lost = __atomic_load_n(&f->lost, __ATOMIC_SEQ_CST);
    if (lost) return (int)lost;
    const int error = whole(f, DISK_FLUSH, 0, 0);
    if (error) __atomic_store_n(&f->lost, (uint32_t)error, __ATOMIC_SEQ_CST);
    return error;
}

/* The host has no such operation for this file. */
static bool cannot(int error) {
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL || error == ENODEV;
}

int disk_io_discard(struct disk_file *f, uint64_t offset, uint64_t size) {
    const int error = whole(f, DISK_DISCARD, offset, size);
    return cannot(error) ? 0 : error;
}

int disk_io_zero(struct disk_file *f, bool unmap, uint64_t offset, uint64_t size) {
    static const _Alignas(4096) uint8_t nothing[NOTHING_BYTES];
    int error = EOPNOTSUPP;
    if (unmap && !f->device) error = whole(f, DISK_DISCARD, offset, size);
    if (cannot(error)) error = whole(f, DISK_ZERO, offset, size);
    if (!cannot(error)) return error;
    for (error = 0; size && !error;) {
        const uint64_t n = size < NOTHING_BYTES ? size : NOTHING_BYTES;
        error = disk_io_move(f, DISK_WRITE, &(struct iovec){(void *)(uintptr_t)nothing, n}, 1, offset, n);
        offset += n;
        size -= n;
    }
    return error;
}
