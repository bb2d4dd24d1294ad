/* disk_io.h - within machine/: the one place where disks ask the host for anything. A whole transfer is made of calls
 * of the host's, each of which may do less than it was asked for, or be interrupted; before and after each a tap, if
 * there is one, is told: it can log them, answer instead of the host, or make them worse.
 *
 * An error is an errno, 0: none. What lies behind the end of a file reads as zeros.
 */
#ifndef MACHINE_DISK_IO_H
#define MACHINE_DISK_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct vm;

enum disk_op { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_ZERO, DISK_OPS };

/** A call of the host's that is about to be made, or has been. */
struct disk_call {
    enum disk_op op;
    bool scratch; /* of the temporary file of a snapshot */
    uint64_t offset, size;
    const struct iovec *v; /* of reads and writes: `size` bytes */
    unsigned nv;
    int64_t result; /* afterwards: how many bytes, 0 for the others, or minus an errno */
    uint64_t id;    /* for the tap: 0 before, as it likes afterwards */
};

struct disk_tap {
    /** Before the host is asked: true if the tap has set the result, so that it is not to be. It may lower size, to
       something that is not 0. NULL: of no interest. */
    bool (*before)(void *self, struct disk_call *call);
    /** The host has answered. NULL: of no interest. */
    void (*after)(void *self, const struct disk_call *call);
};

/** An open file or block device. */
struct disk_file {
    int fd;
    bool device;    /* a block device */
    bool scratch;   /* see struct disk_call */
    bool unsafe;    /* flushes do nothing */
    uint32_t align; /* of offsets and sizes, and of memory: 1, or what O_DIRECT wants */
    struct vm *vm;
    const struct disk_tap *taps[2]; /* NULL for none */
    void *tap_self[2];
    uint32_t lost; /* errno of a flush that failed: what it was to keep may be gone, so no later one succeeds */
};

/** Offset, size and memory fit the file's `align`. */
int disk_io_move(struct disk_file *f, enum disk_op op, const struct iovec *v, unsigned nv, uint64_t offset,
                 uint64_t size);
/** The same of a part of vectors that begins `skip` bytes after their start. */
int disk_io_part(struct disk_file *f, enum disk_op op, const struct iovec *v, unsigned nv, uint64_t skip,
                 uint64_t offset, uint64_t size);
/** Reads what the host has in its memory, without waiting: how many bytes. */
uint64_t disk_io_cached(struct disk_file *f, const struct iovec *v, unsigned nv, uint64_t offset, uint64_t size);
int disk_io_flush(struct disk_file *f);
/** Frees the room of a range, or does nothing where the host cannot. */
int disk_io_discard(struct disk_file *f, uint64_t offset, uint64_t size);
/** Makes a range read as zeros, in whatever way the host has. */
int disk_io_zero(struct disk_file *f, bool unmap, uint64_t offset, uint64_t size);

#endif
