/* elf.h - a checked reader of ELF64 little-endian files, for the loaders of process/ and machine/.
 *
 * The file is hostile: every offset, size and count is checked against the file's real size before it is used, no read
 * goes outside the file, and what is wrong is said with the file's name and the offset. elf_open checks that there are
 * headers, but says nothing of what they contain: whoever uses a number of a segment checks it, as what nobody uses may
 * be anything. No malloc.
 *
 * Not here: mapping, relocation, dynamic linking, 32-bit and big-endian files.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_type { ELF_EXEC = 2, ELF_DYN = 3 };
enum elf_segment_type {
    ELF_LOAD = 1,
    ELF_DYNAMIC = 2,
    ELF_INTERP = 3,
    ELF_NOTE = 4,
    ELF_PHDR = 6,
    ELF_TLS = 7,
    ELF_GNU_STACK = 0x6474e551
};
enum elf_segment_flag { ELF_X = 1, ELF_W = 2, ELF_R = 4 };
enum { ELF_HEADER_SIZE = 64, ELF_SEGMENT_SIZE = 56, ELF_MAX_SEGMENTS = 65536 / 56 };

struct elf_segment {
    uint32_t type;  /* enum elf_segment_type */
    uint32_t flags; /* enum elf_segment_flag */
    uint64_t offset, address, physical, file_size, memory_size, align;
};

struct elf {
    const char *name; /* for messages; borrowed */
    int fd;           /* borrowed */
    uint64_t size;    /* of the file, bytes */
    uint16_t type;    /* ELF_EXEC or ELF_DYN */
    uint16_t machine;
    uint32_t flags;
    uint64_t entry;
    uint64_t segments_offset; /* of the program headers in the file (for AT_PHDR) */
    struct elf_segment *segments;
    unsigned nsegments;
    uint64_t sections_offset; /* of the section headers; nsections is 0 when there are none */
    unsigned nsections;
};

/** What a machine number of ELF files is called, or NULL. */
const char *elf_machine_name(unsigned machine);
/** True when the first `size` bytes of a file start an ELF64 executable for this machine. */
bool elf_recognise(const void *bytes, size_t size, uint16_t machine);
/** True when these bytes, the first `size` of a file, start a program to be loaded at physical addresses from `ram` on,
    headers of the file aside, without anything that an operating system would have to provide (interpreter,
    thread-local storage). */
bool elf_is_bare(const void *bytes, size_t size, uint64_t ram);
/** Takes from the segments what lies before `ram` and is only the file's headers and notes, a page at most: nothing that
    is to be loaded for a computer without a system. */
void elf_leave_headers(struct elf *elf, uint64_t ram);
/** Reads and checks the headers of an open file (fd and name are borrowed). On failure nothing is held. */
bool elf_open(struct elf *elf, int fd, const char *name, struct error *error);
void elf_close(struct elf *elf);
/** Reads exactly `size` bytes at a file offset. */
bool elf_read(const struct elf *elf, uint64_t offset, void *to, uint64_t size, struct error *error);
/** The first segment of this type, or NULL. */
const struct elf_segment *elf_find(const struct elf *elf, enum elf_segment_type type);
/** Is every PT_LOAD segment that takes memory within [start, end), and is what the file has of it? By its physical
   address if `physical`. */
bool elf_loads_within(const struct elf *elf, bool physical, uint64_t start, uint64_t end, struct error *error);
/** Value of a symbol of the symbol table. False, without an error, when there is no such symbol or no sane table. */
bool elf_symbol(const struct elf *elf, const char *symbol, uint64_t *value);

#endif
