/* disk_overlay.h - within machine/: what a guest writes to a disk whose image must not change.
 *
 * It goes to a temporary file without a name, to the same offsets, which is as sparse as what was written; a bit for
 * each sector says where its bytes are. A bit is set after the bytes are there, so a write that failed half-way has
 * left the old bytes or some of the new ones, as on any disk. Any thread may read and write at any time. When it is
 * closed it is gone.
 */
#ifndef MACHINE_DISK_OVERLAY_H
#define MACHINE_DISK_OVERLAY_H

#include "base/error.h"
#include "machine/disk_io.h"

struct disk_overlay {
    struct disk_file scratch;
    uint64_t *written; /* a bit for each sector: memory that is not used takes none */
    uint64_t sectors;
};

/** In the host's folder for temporary files. `file` is the image's, whose door it uses. */
bool disk_overlay_open(struct disk_overlay *o, const struct disk_file *file, uint64_t sectors, const char *path,
                       struct error *error);
void disk_overlay_close(struct disk_overlay *o);
int disk_overlay_read(struct disk_overlay *o, struct disk_file *file, const struct iovec *v, unsigned nv,
                      uint64_t offset, uint64_t size);
int disk_overlay_write(struct disk_overlay *o, const struct iovec *v, unsigned nv, uint64_t offset, uint64_t size);
/** The range reads as zeros. */
int disk_overlay_zero(struct disk_overlay *o, uint64_t offset, uint64_t size);

#endif
