/* disk_overlay.c - see disk_overlay.h. */
#define _GNU_SOURCE
#include "machine/disk_overlay.h"
#include "base/os.h"
#include "machine/disk.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BITS = 64 };

bool disk_overlay_open(struct disk_overlay *o, const struct disk_file *file, uint64_t sectors, const char *path,
                       struct error *error) {
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder) folder = "/var/tmp";
    *o = (struct disk_overlay){.scratch = *file, .sectors = sectors};
    o->scratch.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    o->scratch.device = false;
    o->scratch.scratch = o->scratch.unsafe = true;
    o->scratch.align = 1;
    o->scratch.lost = 0;
    if (o->scratch.fd < 0)
        return error_set(error, ERROR_RESOURCES,
                         "%s: no temporary file for its snapshot in %s: %s (TMPDIR says where it goes)", path, folder,
                         strerror(errno));
    o->written = os_alloc((sectors / BITS + 1) * sizeof *o->written);
    if (o->written) return true;
    close(o->scratch.fd);
    return error_set(error, ERROR_RESOURCES, "%s: no memory for a snapshot of %" PRIu64 " sectors", path, sectors);
}

void disk_overlay_close(struct disk_overlay *o) {
    close(o->scratch.fd);
    os_free(o->written);
}

/* How many of n sectors, the first one included, are where the first one is; *written: it is in the scratch file. */
static uint64_t run(const struct disk_overlay *o, uint64_t first, uint64_t n, bool *written) {
    uint64_t s = first;
    *written = __atomic_load_n(&o->written[s / BITS], __ATOMIC_ACQUIRE) >> s % BITS & 1;
    while (s < first + n) {
        uint64_t others = __atomic_load_n(&o->written[s / BITS], __ATOMIC_ACQUIRE);
        others = (*written ? ~others : others) >> s % BITS;
        const uint64_t same = others ? (uint64_t)__builtin_ctzll(others) : BITS - s % BITS;
        s += same;
        if (others && s < first + n) return s - first;
    }
    return n;
}

static void mark(struct disk_overlay *o, uint64_t first, uint64_t n) {
    for (uint64_t s = first; s < first + n;) {
        const unsigned low = s % BITS, count = first + n - s < BITS - low ? (unsigned)(first + n - s) : BITS - low;
        const uint64_t bits = (count == BITS ? UINT64_MAX : (1ull << count) - 1) << low;
        __atomic_fetch_or(&o->written[s / BITS], bits, __ATOMIC_RELEASE);
        s += count;
    }
}

int disk_overlay_read(struct disk_overlay *o, struct disk_file *file, const struct iovec *v, unsigned nv,
                      uint64_t offset, uint64_t size) {
    int error = 0;
    for (uint64_t done = 0; done < size && !error;) {
        bool written;
        const uint64_t n = run(o, (offset + done) / DISK_SECTOR, (size - done) / DISK_SECTOR, &written) * DISK_SECTOR;
        error = disk_io_part(written ? &o->scratch : file, DISK_READ, v, nv, done, offset + done, n);
        done += n;
    }
    return error;
}

int disk_overlay_write(struct disk_overlay *o, const struct iovec *v, unsigned nv, uint64_t offset, uint64_t size) {
    const int error = disk_io_move(&o->scratch, DISK_WRITE, v, nv, offset, size);
    if (!error) mark(o, offset / DISK_SECTOR, size / DISK_SECTOR);
    return error;
}

int disk_overlay_zero(struct disk_overlay *o, uint64_t offset, uint64_t size) {
    const int error = disk_io_zero(&o->scratch, true, offset, size);
    if (!error) mark(o, offset / DISK_SECTOR, size / DISK_SECTOR);
    return error;
}
