/* elf.c - see elf.h. Structures are picked apart byte by byte, so no alignment and no host header matters. */
#include "base/elf.h"
#include "base/os.h"
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTION_SIZE = 64, SYMBOL_SIZE = 24, SECTION_SYMTAB = 2, MAX_NAME = 64 };

static uint64_t get(const uint8_t *p, unsigned size) {
    uint64_t v = 0;
    for (unsigned i = size; i-- > 0;) v = v << 8 | p[i];
    return v;
}

/** [offset, offset + size) lies within [0, whole). */
static bool inside(uint64_t offset, uint64_t size, uint64_t whole) {
    return offset <= whole && size <= whole - offset;
}

const char *elf_machine_name(unsigned machine) {
    static const struct {
        unsigned number;
        const char *name;
    } names[] = {{EM_386, "i386"},      {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},         {EM_AARCH64, "arm64"},
                 {EM_MIPS, "mips"},     {EM_PPC, "powerpc"},   {EM_PPC64, "powerpc64"}, {EM_S390, "s390"},
                 {EM_SPARCV9, "sparc"}, {EM_RISCV, "riscv"},   {258, "loongarch"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == machine) return names[i].name;
    return NULL;
}

bool elf_recognise(const void *bytes, size_t size, uint16_t machine) {
    static const uint8_t ident[5] = {0x7f, 'E', 'L', 'F', 2}; /* 64 bits; byte order and version say nothing more */
    const uint8_t *p = bytes;
    if (size < ELF_HEADER_SIZE || memcmp(p, ident, sizeof ident) != 0) return false;
    uint64_t type = get(p + 16, 2);
    return (type == ELF_EXEC || type == ELF_DYN) && get(p + 18, 2) == machine;
}

static struct elf_segment segment_of(const uint8_t *p) {
    return (struct elf_segment){
        .type = (uint32_t)get(p, 4),
        .flags = (uint32_t)get(p + 4, 4),
        .offset = get(p + 8, 8),
        .address = get(p + 16, 8),
        .physical = get(p + 24, 8),
        .file_size = get(p + 32, 8),
        .memory_size = get(p + 40, 8),
        .align = get(p + 48, 8),
    };
}

/* Bytes of a segment before `ram` that are the file's own headers and notes: linkers without a script put them on a
   page before the program, or far away. Nobody runs or reads them on a computer without a system. */
static uint64_t header_part(const struct elf_segment *s, uint64_t entry, uint64_t ram) {
    enum { MOST = 4096 };
    if (s->type != ELF_LOAD || s->offset != 0 || s->physical >= ram) return 0;
    uint64_t part = s->memory_size < ram - s->physical ? s->memory_size : ram - s->physical;
    return part <= MOST && part <= s->file_size && entry - s->address >= part ? part : 0;
}

bool elf_is_bare(const void *bytes, size_t size, uint64_t ram) {
    const uint8_t *h = bytes;
    if (size < ELF_HEADER_SIZE || get(h + 54, 2) != ELF_SEGMENT_SIZE) return false;
    uint64_t offset = get(h + 32, 8), count = get(h + 56, 2);
    if (!inside(offset, count * ELF_SEGMENT_SIZE, size)) return false;
    bool loads = false;
    for (const uint8_t *p = h + offset; count-- > 0; p += ELF_SEGMENT_SIZE) {
        struct elf_segment s = segment_of(p);
        if (s.type == ELF_INTERP || s.type == ELF_TLS) return false;
        uint64_t part = header_part(&s, get(h + 24, 8), ram);
        if (s.type != ELF_LOAD || s.memory_size == part) continue;
        if (s.physical + part < ram) return false;
        loads = true;
    }
    return loads;
}

void elf_leave_headers(struct elf *elf, uint64_t ram) {
    for (struct elf_segment *s = elf->segments; s < elf->segments + elf->nsegments; s++) {
        uint64_t part = header_part(s, elf->entry, ram);
        s->offset += part;
        s->address += part;
        s->physical += part;
        s->file_size -= part;
        s->memory_size -= part;
    }
}

static bool read_at(const struct elf *elf, uint64_t offset, void *to, uint64_t size) {
    if (!inside(offset, size, elf->size)) return false;
    uint8_t *p = to;
    while (size) {
        size_t part = size < 1u << 30 ? (size_t)size : 1u << 30;
        ssize_t n = pread(elf->fd, p, os_io_size(part), (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return true;
}

bool elf_read(const struct elf *elf, uint64_t offset, void *to, uint64_t size, struct error *error) {
    if (read_at(elf, offset, to, size)) return true;
    return error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot read %" PRIu64 " bytes at offset %" PRIu64, elf->name, size,
                     offset);
}

static bool segments_read(struct elf *elf, struct error *error) {
    if (!elf->nsegments) return true;
    const uint64_t raw_size = (uint64_t)elf->nsegments * ELF_SEGMENT_SIZE,
                   lead = elf->nsegments * (sizeof *elf->segments - ELF_SEGMENT_SIZE);
    elf->segments = os_reserve(lead + raw_size);
    if (!elf->segments || !os_commit(elf->segments, lead + raw_size))
        return error_set(error, ERROR_RESOURCES, "%s: out of memory", elf->name);
    /* What is read lies at the end of where it goes, so that taking one apart only overwrites what has been. */
    const uint8_t *p = (const uint8_t *)elf->segments + lead;
    if (!elf_read(elf, elf->segments_offset, (uint8_t *)elf->segments + lead, raw_size, error)) return false;
    for (unsigned i = 0; i < elf->nsegments; i++, p += ELF_SEGMENT_SIZE) elf->segments[i] = segment_of(p);
    return true;
}

static bool header_read(struct elf *elf, struct error *error) {
    uint8_t h[ELF_HEADER_SIZE];
    if (elf->size < sizeof h)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: too short for an ELF file (%" PRIu64 " bytes)", elf->name,
                         elf->size);
    if (!elf_read(elf, 0, h, sizeof h, error)) return false;
    elf->machine = (uint16_t)get(h + 18, 2);
    if (!elf_recognise(h, sizeof h, elf->machine))
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: not a 64-bit ELF executable", elf->name);
    elf->type = (uint16_t)get(h + 16, 2);
    elf->entry = get(h + 24, 8);
    elf->segments_offset = get(h + 32, 8);
    elf->sections_offset = get(h + 40, 8);
    elf->flags = (uint32_t)get(h + 48, 4);
    elf->nsegments = (unsigned)get(h + 56, 2);
    elf->nsections = (unsigned)get(h + 60, 2);
    if (elf->nsegments && get(h + 54, 2) != ELF_SEGMENT_SIZE)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: program headers of %u bytes (at offset 54)", elf->name,
                         (unsigned)get(h + 54, 2));
    if (elf->nsegments > ELF_MAX_SEGMENTS)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: %u program headers (at offset 56), at most %d are accepted",
                         elf->name, elf->nsegments, ELF_MAX_SEGMENTS);
    if (!inside(elf->segments_offset, (uint64_t)elf->nsegments * ELF_SEGMENT_SIZE, elf->size))
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: program headers at offset %" PRIu64 " lie outside the file",
                         elf->name, elf->segments_offset);
    /* Sections are not needed to run: unusable ones count as none. */
    if (get(h + 58, 2) != SECTION_SIZE ||
        !inside(elf->sections_offset, (uint64_t)elf->nsections * SECTION_SIZE, elf->size))
        elf->nsections = 0;
    return true;
}

bool elf_open(struct elf *elf, int fd, const char *name, struct error *error) {
    *elf = (struct elf){.name = name, .fd = fd};
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: not a regular file", name);
    elf->size = (uint64_t)st.st_size;
    if (header_read(elf, error) && segments_read(elf, error)) return true;
    elf_close(elf);
    return false;
}

void elf_close(struct elf *elf) {
    if (elf->segments) os_release(elf->segments, elf->nsegments * sizeof *elf->segments);
    elf->segments = NULL;
    elf->nsegments = 0;
}

const struct elf_segment *elf_find(const struct elf *elf, enum elf_segment_type type) {
    for (unsigned i = 0; i < elf->nsegments; i++)
        if (elf->segments[i].type == (uint32_t)type) return &elf->segments[i];
    return NULL;
}

bool elf_loads_within(const struct elf *elf, bool physical, uint64_t start, uint64_t end, struct error *error) {
    for (unsigned i = 0; i < elf->nsegments; i++) {
        const struct elf_segment *s = &elf->segments[i];
        uint64_t at = physical ? s->physical : s->address;
        if (s->type != ELF_LOAD || (!s->memory_size && !s->file_size)) continue;
        if (s->file_size > s->memory_size)
            return error_set(error, ERROR_NOT_RUNNABLE,
                             "%s: segment %u (program header at offset %" PRIu64
                             ") is larger in the file than in memory",
                             elf->name, i, elf->segments_offset + (uint64_t)i * ELF_SEGMENT_SIZE);
        if (at < start || !inside(at, s->memory_size, end))
            return error_set(error, ERROR_NOT_RUNNABLE,
                             "%s: segment %u (program header at offset %" PRIu64 ") wants %" PRIu64
                             " bytes at 0x%" PRIx64 ", outside 0x%" PRIx64 "-0x%" PRIx64,
                             elf->name, i, elf->segments_offset + (uint64_t)i * ELF_SEGMENT_SIZE, s->memory_size, at,
                             start, end);
    }
    return true;
}

struct table {
    uint64_t offset, size, entry;
    unsigned link;
    uint32_t type;
};

static bool section_read(const struct elf *elf, unsigned i, struct table *t) {
    uint8_t raw[SECTION_SIZE];
    if (i >= elf->nsections || !read_at(elf, elf->sections_offset + (uint64_t)i * SECTION_SIZE, raw, sizeof raw))
        return false;
    t->type = (uint32_t)get(raw + 4, 4);
    t->offset = get(raw + 24, 8);
    t->size = get(raw + 32, 8);
    t->link = (unsigned)get(raw + 40, 4);
    t->entry = get(raw + 56, 8);
    return true;
}

/** Does the string at `offset` of the string table equal the `length` bytes of `symbol`, its end included? */
static bool name_equals(const struct elf *elf, const struct table *strings, uint64_t offset, const char *symbol,
                        size_t length) {
    char name[MAX_NAME];
    return inside(offset, length + 1, strings->size) && strings->offset + offset >= offset &&
           read_at(elf, strings->offset + offset, name, length + 1) && !memcmp(name, symbol, length + 1);
}

bool elf_symbol(const struct elf *elf, const char *symbol, uint64_t *value) {
    size_t length = strlen(symbol);
    struct table symbols, strings;
    unsigned i = 0;
    if (length >= MAX_NAME) return false;
    while (section_read(elf, i, &symbols) && symbols.type != SECTION_SYMTAB) i++;
    if (i >= elf->nsections || symbols.entry != SYMBOL_SIZE || !section_read(elf, symbols.link, &strings)) return false;
    if (!inside(symbols.offset, symbols.size, elf->size)) return false;
    enum { BATCH = 128 };
    uint8_t raw[BATCH * SYMBOL_SIZE];
    for (uint64_t n = symbols.size / SYMBOL_SIZE, first = 0; first < n; first += BATCH) {
        unsigned count = n - first < BATCH ? (unsigned)(n - first) : BATCH;
        if (!read_at(elf, symbols.offset + first * SYMBOL_SIZE, raw, (uint64_t)count * SYMBOL_SIZE)) return false;
        for (unsigned k = 0; k < count; k++) {
            const uint8_t *p = raw + k * SYMBOL_SIZE;
            if (get(p + 6, 2) == 0 || !name_equals(elf, &strings, get(p, 4), symbol, length)) continue; /* undefined */
            *value = get(p + 8, 8);
            return true;
        }
    }
    return false;
}
