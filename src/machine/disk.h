/* disk.h - within machine/: disks whose bytes are in a file or a block device of the host, as they are ("raw").
 *
 * Whoever has a disk makes requests, any number at once. What can be done without waiting disk_now does at once, and
 * without workers (runs that can be repeated) everything; the rest is given to workers, threads of the disk's own,
 * which call `done` for each, in any order. A flush covers all writes that were done when it was made: what it
 * acknowledges is on the host's disk, unless the cache mode is unsafe. What the host refuses is the request's error and
 * changes nothing that was acknowledged.
 *
 * A disk is no state of the machine: it is outside, as files are. With `snapshot` what is written goes to a temporary
 * file that has no name, and the image is only read.
 *
 * It does not know whose requests these are, nor other formats than raw; it refuses what looks like one of those.
 */
#ifndef MACHINE_DISK_H
#define MACHINE_DISK_H

#include "base/error.h"
#include "machine/disk_io.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct disk;

enum { DISK_SECTOR = 512 };

/** How the host's page cache is used: rows of disk_caches, in disk_open.c. */
struct disk_cache {
    const char *name;
    bool direct;  /* O_DIRECT: past the host's page cache */
    bool through; /* a write is done when it is on the host's disk */
    bool unsafe;  /* a flush does nothing */
};
/** The row of this name (NULL: the first one), or NULL. */
const struct disk_cache *disk_cache_find(const char *name);
/** All names, separated by blanks. */
const char *disk_cache_names(void);

struct disk_request {
    enum disk_op op;
    bool through;    /* a write: done when it is on the host's disk */
    bool unmap;      /* DISK_ZERO: the host may free the room */
    uint64_t offset; /* bytes; reads, writes: a multiple of DISK_SECTOR, */
    uint64_t size;   /* and so is this, the sum of the vectors' */
    struct iovec *v; /* of reads and writes: where the bytes are; not changed */
    unsigned nv;
    int error;                 /* when it is done: 0 or an errno */
    void *owner;               /* as whoever submits it likes */
    struct disk_request *next; /* the disk's, meanwhile */
    bool dropped;              /* likewise */
};

struct disk_config {
    const char *path;
    const char *format;             /* "raw"; NULL: raw, unless it looks like something else */
    const struct disk_cache *cache; /* NULL: the first row */
    const char *log;                /* a file for what goes to the host (disk_log.c), or NULL */
    bool read_only, snapshot;
    bool no_lock;               /* others may have it open for writing */
    bool discard;               /* what the guest discards is freed on the host */
    uint32_t align;             /* with O_DIRECT: larger blocks than the host's, for tests; 0: those */
    unsigned workers;           /* at most so many threads; 0: none */
    struct vm *vm;              /* whose door (vm/input.h) all of it comes through; NULL: nobody's */
    const struct disk_tap *tap; /* who listens, or NULL */
    void *tap_self;
    /** A worker has done a request. Workers are no threads of the C library's (base/os_thread.c): no heap there. */
    void (*done)(void *self, struct disk_request *request);
    void *done_self;
};

/** NULL: the error names the file. */
struct disk *disk_open(const struct disk_config *config, struct error *error);
/** Nothing may be in flight. */
void disk_close(struct disk *d);
uint64_t disk_sectors(const struct disk *d);
bool disk_read_only(const struct disk *d);
/** The cache mode says that each write goes through. */
bool disk_writes_through(const struct disk *d);
/** Discarding frees room. */
bool disk_discards(const struct disk *d);
/** What the host likes best: bytes, a power of two, at least DISK_SECTOR. */
uint32_t disk_block(const struct disk *d);
/** True: the request is done; one that does not lie on the disk, or writes to one that is read-only, with an error.
    False: it has to be given to a worker. One thread at a time calls this and disk_later. */
bool disk_now(struct disk *d, struct disk_request *request);
void disk_later(struct disk *d, struct disk_request *request);
/** What no worker has begun is not done any more (ECANCELED); then waits until no worker touches the memory of a
   request. `done` may be still to come. */
void disk_still(struct disk *d);
/** Waits until all that was given to workers is done. Not with a lock that `done` takes. */
void disk_drain(struct disk *d);

#endif
