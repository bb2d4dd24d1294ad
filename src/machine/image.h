/* image.h - within machine/: files that a machine begins with, of any format: ELF, a kernel's flat image with a header
 * or in an EFI program that unpacks itself (zboot), those packed by gzip or zstd, and plain bytes.
 *
 * Files are hostile: what is read of a header is checked against the file before it is used, errors name file and
 * offset. Kernels of other computers, disks and what cannot be unpacked are refused by name, as their bytes would run
 * as plain ones.
 */
#ifndef MACHINE_IMAGE_H
#define MACHINE_IMAGE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_kind {
    IMAGE_ELF,
    IMAGE_FLAT, /* a kernel with a header that says what it needs */
    IMAGE_PLAIN /* bytes without a header */
};

/** What the header of a flat kernel says. */
struct flat_header {
    uint64_t size; /* memory that it takes from its first byte on; 0: it does not say */
};

struct image {
    char name[200]; /* for messages */
    int fd;         /* of the file, or of what was unpacked from it */
    uint64_t size;
    enum image_kind kind;
    struct flat_header flat;
    bool disk; /* it was not opened, for this reason: it is a disk, or a file system */
};

/** Opens a file, which may be packed: at most `most` bytes may come of it. */
bool image_open(struct image *i, const char *path, uint64_t most, struct error *error);
/** The same with a descriptor, which is closed with the image, or now if it fails. */
bool image_take(struct image *i, int fd, const char *name, uint64_t most, struct error *error);
void image_close(struct image *i);
/** Reads exactly `size` bytes at an offset. */
bool image_read(const struct image *i, uint64_t offset, void *to, uint64_t size, struct error *error);
/** Opens a file of which nothing is known but its size: kind IMAGE_PLAIN. */
bool image_open_plain(struct image *i, const char *path, struct error *error);

#endif
