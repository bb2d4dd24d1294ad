/* disk_log.h - within machine/: a tap of disks (disk_io.h) that notes in a file what goes to the host, in which order.
 *
 * The file is a struct disk_log_head and then records, each a struct disk_log_record; behind the one of a write that
 * begins are its bytes. A call of the host's has two, when it is about to be made and when it is over, with the same
 * id: what begins before something else is over may be on the host's disk before or after it, and of what is over
 * before a flush begins, that flush says that it is there. Numbers are the host's: little-endian.
 */
#ifndef MACHINE_DISK_LOG_H
#define MACHINE_DISK_LOG_H

#include "base/error.h"
#include "machine/disk_io.h"

enum { DISK_LOG_BEGINS = 1, DISK_LOG_ENDS = 2, DISK_LOG_VERSION = 1 };

struct disk_log_head {
    char magic[8]; /* "veedisk\n" */
    uint64_t version;
};

struct disk_log_record {
    uint32_t kind, op; /* DISK_LOG_*, enum disk_op */
    uint64_t id, offset, size;
    int64_t result; /* of one that is over: struct disk_call */
};

struct disk_log;
extern const struct disk_tap disk_log_tap; /* its self is what disk_log_open returns */
/** NULL: the error names the file, which must not be there yet. */
struct disk_log *disk_log_open(const char *path, struct error *error);
/** False: not all of it could be written. */
bool disk_log_close(struct disk_log *log);

#endif
