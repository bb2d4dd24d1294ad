/* unpack.h - within machine/: compressed kernels. What is unpacked goes to a file in memory, so that whoever reads it
 * reads a file like any other.
 */
#ifndef MACHINE_UNPACK_H
#define MACHINE_UNPACK_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD };

/** By the first bytes of it. */
enum packing packing_of(const uint8_t *bytes, size_t size);
/** By its name in headers. */
enum packing packing_named(const char *name);
/** Unpacks `size` bytes of an open file from `offset` on; at most `most` bytes may come of it. Returns a descriptor of
   a file without a name, or -1 with *error, which calls the packed file `name`. */
int unpack(enum packing packing, int fd, const char *name, uint64_t offset, uint64_t size, uint64_t most,
           struct error *error);

#endif
