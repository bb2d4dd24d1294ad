/* image.c - see image.h. A file that is packed is unpacked into one in memory and looked at again, a few times. */
#include "machine/image.h"
#include "machine/board.h"
#include "machine/unpack.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 0x9000, NESTED_MOST = 4 };

/* What is surely neither a kernel for this computer nor plain bytes. */
struct signature {
    unsigned offset, size;
    const char *bytes, *what;
};
static const struct signature refused[] = {
    {0x202, 4, "HdrS", "a kernel for another kind of computer"},
    {0x38, 4, "ARMd", "a kernel for another kind of computer"},
    {0, 4, "\x27\x05\x19\x56", "an image of U-Boot's: what is in it can be booted when it is taken out (dumpimage)"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "packed by xz: unpack it first"},
    {0, 3, "BZh", "packed by bzip2: unpack it first"},
    {0, 4, "\x02\x21\x4c\x18", "packed by lz4: unpack it first"},
    {0, 4, "\x04\x22\x4d\x18", "packed by lz4: unpack it first"},
    {0, 4, "\x89LZO", "packed by lzo: unpack it first"},
    {0, 3, "\x5d\0\0", "packed by lzma: unpack it first"},
    {0, 6, "070701", "a cpio archive: give it as -initrd"},
    {0, 4, "\xd0\x0d\xfe\xed", "a device tree, or a tree of images"},
};
static const struct signature disks[] = {
    {0, 4, "QFI\xfb", "a disk image"},       {0x200, 8, "EFI PART", "a disk image"},
    {0x438, 2, "\x53\xef", "a file system"}, {0x8001, 5, "CD001", "a disk image"},
    {0, 4, "hsqs", "a file system"},         {0, 4, "XFSB", "a file system"},
};

static bool broken(const struct image *i, unsigned offset, const char *what, struct error *error) {
    return error_set(error, ERROR_NOT_RUNNABLE, "%s: %s (at offset %u)", i->name, what, offset);
}

static uint32_t word(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool image_read(const struct image *i, uint64_t offset, void *to, uint64_t size, struct error *error) {
    if (offset > i->size || size > i->size - offset)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: ends at offset %" PRIu64 ", within what is to be loaded",
                         i->name, i->size);
    for (uint64_t done = 0; done < size;) {
        const uint64_t some = size - done < 1 << 30 ? size - done : 1 << 30;
        const ssize_t n = pread(i->fd, (uint8_t *)to + done, some, (off_t)(offset + done));
        if (n == 0 || (n < 0 && errno != EINTR))
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be read at offset %" PRIu64 ": %s", i->name,
                             offset + done, n ? strerror(errno) : "it has become shorter");
        if (n > 0) done += (uint64_t)n;
    }
    return true;
}

void image_close(struct image *i) {
    if (i->fd >= 0) close(i->fd);
    i->fd = -1;
}

/* ---- what is in a file */

/* A partition table of the old kind: its mark, and four entries that are active or not. */
static bool is_disk(const uint8_t *head, size_t size) {
    if (size < 512 || head[510] != 0x55 || head[511] != 0xaa) return false;
    for (unsigned i = 0; i < 4; i++)
        if (head[446 + 16 * i] & 0x7f) return false;
    return true;
}

static bool is_blank(const uint8_t *head, size_t size) {
    return size >= 512 && !head[0] && !memcmp(head, head + 1, 511);
}

static const struct signature *signature_of(const struct signature *rows, unsigned n, const uint8_t *head,
                                            size_t size) {
    for (const struct signature *r = rows; r < rows + n; r++)
        if (r->offset + r->size <= size && !memcmp(head + r->offset, r->bytes, r->size)) return r;
    return NULL;
}

static bool check_refused(struct image *i, const uint8_t *head, size_t size, struct error *error) {
    static const struct signature table = {.offset = 510, .what = "a disk image"};
    static const struct signature blank = {.what = "a blank disk, or anything but what begins with an instruction"};
    const struct signature *r = signature_of(refused, sizeof refused / sizeof *refused, head, size);
    if (r) return broken(i, r->offset, r->what, error);
    r = signature_of(disks, sizeof disks / sizeof *disks, head, size);
    if (!r && is_disk(head, size)) r = &table;
    if (!r && is_blank(head, size)) r = &blank;
    i->disk = r;
    return !r || broken(i, r->offset, r->what, error);
}

/* An EFI program around a flat kernel is as long as its sections say: a file that is shorter has lost something. */
static bool check_sections(const struct image *i, const uint8_t *head, size_t size, struct error *error) {
    enum { PE_AT = 0x3c, PE_HEADER = 24, SECTION = 40 };
    const uint32_t pe = size >= 0x40 ? word(head + PE_AT) : 0;
    if (size < 2 || memcmp(head, "MZ", 2) || pe > size - PE_HEADER || size < PE_HEADER || word(head + pe) != 0x4550)
        return true;
    const unsigned count = word(head + pe + 4) >> 16, optional = word(head + pe + 20) & 0xffff;
    for (unsigned k = 0; k < count; k++) {
        const uint64_t at = (uint64_t)pe + PE_HEADER + optional + (uint64_t)k * SECTION;
        if (at + SECTION > size) break; /* more than a kernel has */
        const uint64_t end = (uint64_t)word(head + at + 20) + word(head + at + 16);
        if (end > i->size)
            return error_set(error, ERROR_NOT_RUNNABLE,
                             "%s: truncated: has %" PRIu64 " bytes of %" PRIu64 " (section at offset %" PRIu64 ")",
                             i->name, i->size, end, at);
    }
    return true;
}

/* Replaces the file by what is unpacked from a part of it. */
static bool replace(struct image *i, enum packing packing, uint64_t offset, uint64_t size, uint64_t most,
                    struct error *error) {
    const int fd = unpack(packing, i->fd, i->name, offset, size, most, error);
    const size_t length = strlen(i->name);
    struct stat is;
    if (fd < 0) return false;
    close(i->fd);
    i->fd = fd;
    i->size = fstat(fd, &is) == 0 ? (uint64_t)is.st_size : 0;
    if (!strstr(i->name, ", unpacked")) snprintf(i->name + length, sizeof i->name - length, ", unpacked");
    return true;
}

/* An EFI program that unpacks a kernel: "MZ", "zimg" at 4, offset and size of what is packed at 8 and 12, and how
 * at 24. */
static bool is_zboot(const uint8_t *head, size_t size) {
    return size >= 64 && !memcmp(head, "MZ", 2) && !memcmp(head + 4, "zimg", 4);
}

static bool unpack_zboot(struct image *i, const uint8_t *head, uint64_t most, struct error *error) {
    char name[33] = {0};
    const uint32_t offset = word(head + 8), size = word(head + 12);
    memcpy(name, head + 24, 32);
    const enum packing packing = packing_named(name);
    if (offset > i->size || size > i->size - offset)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: truncated: has %" PRIu64 " bytes, a kernel of %u bytes is at %u (at offset 8)", i->name,
                         i->size, size, offset);
    if (packing == PACKED_NOT)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: its kernel is packed by '%s', which is not gzip or zstd "
                         "(at offset 24)",
                         i->name, name);
    return replace(i, packing, offset, size, most, error);
}

/* Finds out what it is, or what is in it. */
static bool identify(struct image *i, uint64_t most, struct error *error) {
    for (unsigned nested = 0;; nested++) {
        uint8_t head[HEAD] = {0};
        const size_t size = i->size < HEAD ? (size_t)i->size : HEAD;
        if (!size) return error_set(error, ERROR_NOT_RUNNABLE, "%s: is empty", i->name);
        if (!image_read(i, 0, head, size, error)) return false;
        i->kind = IMAGE_ELF;
        if (size >= 4 && !memcmp(head, "\177ELF", 4)) return true;
        const enum packing packing = packing_of(head, size);
        if (nested == NESTED_MOST) return broken(i, 0, "packed too often", error);
        if (packing != PACKED_NOT) {
            if (!replace(i, packing, 0, i->size, most, error)) return false;
            continue;
        }
        if (is_zboot(head, size)) {
            if (!unpack_zboot(i, head, most, error)) return false;
            continue;
        }
        i->kind = IMAGE_FLAT;
        if (boards[0]->flat_header(head, size, &i->flat)) return check_sections(i, head, size, error);
        i->kind = IMAGE_PLAIN;
        return check_refused(i, head, size, error);
    }
}

bool image_take(struct image *i, int fd, const char *name, uint64_t most, struct error *error) {
    struct stat is;
    *i = (struct image){.fd = fd, .kind = IMAGE_PLAIN};
    /* A long path is cut at its front, and there is room for what is said behind it. */
    const size_t length = strlen(name), room = sizeof i->name - 16;
    snprintf(i->name, room, "%s", name + (length < room ? 0 : length - room + 1));
    bool ok = fstat(fd, &is) == 0 && S_ISREG(is.st_mode);
    if (!ok) error_set(error, ERROR_NOT_RUNNABLE, "%s: not a file", i->name);
    i->size = ok ? (uint64_t)is.st_size : 0;
    ok = ok && (most == 0 || identify(i, most, error));
    if (!ok) image_close(i);
    return ok;
}

bool image_open(struct image *i, const char *path, uint64_t most, struct error *error) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    i->fd = -1;
    if (fd >= 0) return image_take(i, fd, path, most, error);
    const bool none = errno == ENOENT || errno == ENOTDIR;
    return error_set(error, none ? ERROR_NOT_FOUND : ERROR_NOT_RUNNABLE, "%s: %s", path, strerror(errno));
}

bool image_open_plain(struct image *i, const char *path, struct error *error) {
    return image_open(i, path, 0, error);
}
