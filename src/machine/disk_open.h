/* disk_open.h - within machine/, of disk.c alone: opening the file or device of a disk, so that nobody else writes to
 * it and no mistake of the user's is taken for a disk.
 */
#ifndef MACHINE_DISK_OPEN_H
#define MACHINE_DISK_OPEN_H

#include "machine/disk.h"

/** *size: its bytes, as the host has it; *block: what the host likes best. The configuration has a cache mode. */
bool disk_file_open(struct disk_file *f, const struct disk_config *config, uint64_t *size, uint32_t *block,
                    struct error *error);

#endif
