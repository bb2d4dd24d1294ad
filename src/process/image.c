/* image.c - a program becomes memory: its segments, its interpreter, brk. The stack is in stack.c.
 *
 * The rule: what Linux starts is started, with the same memory, and what Linux does not look at may be anything.
 * Segments are mapped in the order of the file, each over what is there already. Placement is the same in every run and
 * in both modes of the space, so that runs can be compared: programs with an interpreter at two thirds of the usual
 * address space, everything else that is position-independent below the stack, by its content.
 */
#include "process/image.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/** A file that is loaded: the program, or its interpreter. */
struct image {
    struct elf elf;
    uint64_t start, end;   /* of all segments: first page, last byte; before the bias */
    uint64_t first, align; /* where the file's first segment is; of all of them the largest alignment that counts */
    uint64_t bias;
};

/* ---- what kind of file */

/* Says what an ELF file is when it is not what vee runs. */
static bool file_check(int fd, const char *name, const struct abi **abi, struct error *error) {
    uint8_t h[20];
    if (pread(fd, h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h, ELFMAG, SELFMAG) != 0)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: not an ELF file", name);
    unsigned type = h[16] | h[17] << 8, machine = h[18] | h[19] << 8;
    if (h[EI_DATA] == ELFDATA2MSB) {
        type = h[17] | h[16] << 8;
        machine = h[19] | h[18] << 8;
    }
    const char *is = elf_machine_name(machine), *bits = h[EI_CLASS] == ELFCLASS32 ? "32-bit " : "";
    *abi = abi_for((uint16_t)machine);
    if (!*abi || h[EI_CLASS] != ELFCLASS64 || h[EI_DATA] != ELFDATA2LSB) {
        char known[ABI_NAMES];
        abi_names(known);
        if (!is)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: an ELF file for unknown machine %u; vee runs %s", name,
                             machine, known);
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: a program for %s%s; vee runs %s", name, bits, is, known);
    }
    if (type != ET_EXEC && type != ET_DYN)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: %s, not a program", name,
                         type == ET_REL    ? "an object file (not linked yet)"
                         : type == ET_CORE ? "a core dump"
                                           : "an ELF file of unknown type");
    return true;
}

/* ---- segments */

static uint64_t mmap_min_addr(void) {
    char text[32] = "";
    int fd = open("/proc/sys/vm/mmap_min_addr", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) text[0] = 0;
    if (fd >= 0) close(fd);
    return strtoull(text, NULL, 10);
}

static bool map_failed(const struct elf *elf, uint64_t at, uint64_t size, int64_t why, struct error *error) {
    if (why == -EPERM && mmap_min_addr() > at)
        return error_set(error, ERROR_RESOURCES,
                         "%s: is linked at 0x%" PRIx64 ", but this computer lets programs map from %" PRIu64
                         " on; use --window, or lower it with: sysctl -w vm.mmap_min_addr=%" PRIu64,
                         elf->name, at, mmap_min_addr(), at);
    if (why == -EPERM)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: is on a file system that is mounted noexec", elf->name);
    return error_set(error, ERROR_RESOURCES, "%s: cannot map %" PRIu64 " bytes at 0x%" PRIx64 ": %s", elf->name, size,
                     at, strerror((int)-why));
}

static unsigned segment_rights(const struct process *p, const struct elf_segment *e) {
    unsigned rights = (e->flags & ELF_R ? SPACE_R : 0u) | (e->flags & ELF_W ? SPACE_W : 0u);
    return process_rights(p, rights | (e->flags & ELF_X ? SPACE_X : 0u));
}

/* What must be right with a segment: nothing else is looked at. */
static const char *segment_fault(const struct elf_segment *e, uint64_t limit) {
    if (e->file_size > e->memory_size) return "is larger in the file than in memory";
    if (e->address >= limit || e->memory_size > limit - e->address) return "is outside the address space";
    if (e->file_size && ((e->address ^ e->offset) & (SPACE_PAGE - 1)))
        return "cannot be mapped: its file offset is not congruent to its address";
    return NULL;
}

/* The range that the segments take. */
static bool image_extent(struct image *m, uint64_t limit, struct error *error) {
    m->start = UINT64_MAX;
    m->end = 0;
    m->align = SPACE_PAGE;
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        const char *why = e->type == ELF_LOAD ? segment_fault(e, limit) : NULL;
        if (why)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: segment %u (at 0x%" PRIx64 ") %s", m->elf.name, i,
                             e->address, why);
        if (e->type != ELF_LOAD) continue;
        if (m->start == UINT64_MAX) m->first = page_down(e->address);
        if (page_down(e->address) < m->start) m->start = page_down(e->address);
        if (e->address + e->memory_size > m->end) m->end = e->address + e->memory_size;
        if (!(e->align & (e->align - 1)) && e->align > m->align) m->align = e->align;
    }
    return m->end > m->start || error_set(error, ERROR_NOT_RUNNABLE, "%s: has no segment to load", m->elf.name);
}

static bool segment_map(struct process *p, const struct image *m, const struct elf_segment *e, struct error *error) {
    struct space *s = p->space;
    uint64_t address = m->bias + e->address, start = page_down(address), end = page_up(address + e->memory_size);
    unsigned rights = segment_rights(p, e);
    if (e->file_size) {
        uint64_t file_end = address + e->file_size, size = page_up(file_end) - start;
        int64_t at = memory_map(s, start, size, rights, MAP_PRIVATE | MAP_FIXED, m->elf.fd,
                                e->offset - (address - start), MEMORY_IMAGE);
        if (at < 0) return map_failed(&m->elf, start, size, at, error);
        start += size;
        /* The rest of the file's last page is the beginning of what the program finds zeroed, if it can be written. */
        const uint64_t tail = page_up(file_end) - file_end;
        if (tail && e->memory_size > e->file_size && (rights & SPACE_W)) {
            if (page_down(e->offset + e->file_size) >= m->elf.size)
                return error_set(error, ERROR_NOT_RUNNABLE, "%s: the segment at 0x%" PRIx64 " ends beyond the file",
                                 m->elf.name, e->address);
            static const uint8_t zero[SPACE_PAGE];
            if (!space_write(s, file_end, zero, tail))
                return error_set(error, ERROR_NOT_RUNNABLE, "%s: the segment at 0x%" PRIx64 " cannot be written",
                                 m->elf.name, e->address);
        }
    }
    if (start >= end) return true;
    /* Memory that the file has nothing of can be written, whatever the segment says. */
    int64_t at = memory_map(s, start, end - start, process_rights(p, SPACE_R | SPACE_W | (rights & SPACE_X)),
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, MEMORY_IMAGE);
    return at >= 0 || map_failed(&m->elf, start, end - start, at, error);
}

/* Where so many bytes fit, aligned: at the place if that is free, else in the highest hole. */
static int64_t place(struct space *s, uint64_t at, uint64_t size, uint64_t align) {
    const uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    int64_t found = memory_map(s, at, size, 0, flags, -1, 0, MEMORY_IMAGE);
    if (found >= 0) memory_unmap(s, (uint64_t)found, size);
    if (found < 0 || !((uint64_t)found & (align - 1))) return found;
    const uint64_t more = size + align - SPACE_PAGE;
    found = more > size ? memory_map(s, 0, more, 0, flags, -1, 0, MEMORY_IMAGE) : -ENOMEM;
    if (found < 0) return found;
    memory_unmap(s, (uint64_t)found, more);
    return (int64_t)(((uint64_t)found + more - size) & -align);
}

/* at: where a position-independent image should start, 0 for anywhere. */
static bool image_map(struct process *p, struct image *m, uint64_t at, struct error *error) {
    struct space *s = p->space;
    const uint64_t last = s->limit - SPACE_PAGE, size = page_up(m->end) - m->start;
    if (m->elf.type == ELF_DYN) {
        if (size > last || m->align > last)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: is larger than the address space", m->elf.name);
        if (!at) at = store_place(p, store_content(m->elf.fd), size);
        int64_t base = place(s, at & -m->align, size, m->align);
        if (base < 0) return map_failed(&m->elf, at, size, base, error);
        m->bias = (uint64_t)base - m->first;
        if (m->bias + m->start < s->min_address || m->bias + m->start > last - size)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: its first segment is not its lowest", m->elf.name);
    } else if (!elf_loads_within(&m->elf, false, s->min_address, last, error)) {
        return false;
    }
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        if (e->type == ELF_LOAD && e->memory_size && !segment_map(p, m, e, error)) return false;
    }
    return true;
}

/* ---- files */

/* The headers of a file that Linux would begin to execute. */
static bool image_open(struct image *m, const struct process *p, int fd, const char *name, struct error *error) {
    const struct abi *abi;
    if (!file_check(fd, name, &abi, error)) return false;
    if (abi != p->abi) return error_set(error, ERROR_NOT_RUNNABLE, "%s: is for another machine", name);
    if (!elf_open(&m->elf, fd, name, error)) return false;
    if (image_extent(m, p->space->limit, error)) return true;
    elf_close(&m->elf);
    return false;
}

/* The name of the interpreter that the first such header has; *name is empty when there is none. Why not, as execve
   says it, else 0. */
static int64_t interpreter_name(const struct image *m, char name[PATH_MAX], struct error *error) {
    const struct elf_segment *e = elf_find(&m->elf, ELF_INTERP);
    name[0] = 0;
    if (!e) return 0;
    if (e->file_size < 2 || e->file_size > PATH_MAX) {
        error_set(error, ERROR_NOT_RUNNABLE, "%s: the name of its interpreter has %" PRIu64 " bytes", m->elf.name,
                  e->file_size);
        return -ENOEXEC;
    }
    if (!elf_read(&m->elf, e->offset, name, e->file_size, error)) return -EIO;
    if (!name[e->file_size - 1]) return 0;
    error_set(error, ERROR_NOT_RUNNABLE, "%s: the name of its interpreter is not a string", m->elf.name);
    return -ENOEXEC;
}

static bool interpreter_map(struct process *p, const struct image *program, const char *name, struct image *m,
                            struct error *error) {
    int fd = (int)path_open(p, name);
    if (fd < 0)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: is dynamically linked and needs %s, which is not there; give the directory that holds it "
                         "as root with -L",
                         program->elf.name, name);
    bool ok = image_open(m, p, fd, name, error);
    if (ok) {
        ok = image_map(p, m, 0, error);
        elf_close(&m->elf);
    }
    close(fd);
    return ok;
}

/* Is the file one that can interpret? */
static int64_t interpreter_check(const struct process *p, int fd, const char *path) {
    struct error ignored = {0};
    struct image m = {0};
    struct stat st;
    if (fstat(fd, &st) != 0) return -errno;
    if (!S_ISREG(st.st_mode)) return -EACCES;
    if (st.st_size < ELF_HEADER_SIZE) return -EIO;
    if (!image_open(&m, p, fd, path, &ignored)) return -ELIBBAD;
    elf_close(&m.elf);
    return 0;
}

int64_t image_check(struct process *p, int fd, const char *name) {
    char interpreter[PATH_MAX];
    struct error ignored = {0};
    struct image m = {0};
    if (!image_open(&m, p, fd, name, &ignored)) return -ENOEXEC;
    int64_t r = interpreter_name(&m, interpreter, &ignored);
    elf_close(&m.elf);
    if (r < 0 || !*interpreter) return r;
    int64_t other = path_open(p, interpreter);
    if (other < 0) return other;
    r = interpreter_check(p, (int)other, interpreter);
    close((int)other);
    return r;
}

/* ---- the whole */

static void note_extent(struct process *p, const struct image *m) {
    p->code_start = UINT64_MAX;
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        if (e->type != ELF_LOAD) continue;
        uint64_t start = m->bias + e->address, end = start + e->file_size;
        if ((e->flags & ELF_X) && start < p->code_start) p->code_start = start;
        if ((e->flags & ELF_X) && end > p->code_end) p->code_end = end;
        if (start > p->data_start) p->data_start = start;
        if (end > p->data_end) p->data_end = end;
    }
}

static struct program describe(const struct image *m) {
    struct program r = {.headers = m->bias, .nheaders = m->elf.nsegments, .entry = m->bias + m->elf.entry};
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        if (e->type == ELF_LOAD && e->offset <= m->elf.segments_offset &&
            m->elf.segments_offset - e->offset < e->file_size)
            r.headers = m->bias + e->address + (m->elf.segments_offset - e->offset);
    }
    return r;
}

/* Only where the program asks for it: on this machine the stack of one that says nothing is not executable. */
static bool stack_executable(const struct image *m) {
    bool executable = false;
    for (unsigned i = 0; i < m->elf.nsegments; i++)
        if (m->elf.segments[i].type == ELF_GNU_STACK) executable = m->elf.segments[i].flags & ELF_X;
    return executable;
}

static bool program_load(struct process *p, int fd, struct error *error) {
    const char *name = p->vm->options.path;
    struct image program = {0}, interpreter = {0};
    char needed[PATH_MAX];
    if (!image_open(&program, p, fd, name, error)) return false;
    const uint64_t own = p->abi->machine->programs;
    const uint64_t independent =
        own ? own : page_down(memory_of(p->space)->usual / 3 * 2); /* where what needs an interpreter goes */
    bool ok = !interpreter_name(&program, needed, error) && stack_map(p, stack_executable(&program), error) &&
              image_map(p, &program, *needed ? independent : 0, error) &&
              (!*needed || interpreter_map(p, &program, needed, &interpreter, error)) && vdso_map(p, error);
    if (ok) {
        struct program m = describe(&program);
        m.interpreter = interpreter.bias;
        uint64_t sp = stack_fill(p, &m);
        if (!sp) ok = error_set(error, ERROR_RESOURCES, "%s: arguments and environment are too long", name);
        p->stack_start = sp;
        note_extent(p, &program);
        /* An image without an interpreter may be one itself: brk does not go between it and what it loads. */
        bool moved = program.elf.type == ELF_DYN && !*needed;
        memory_set_brk(p->space, moved ? independent : page_up(program.bias + program.end));
        p->abi->start(p->thread.cpu, *needed ? interpreter.bias + interpreter.elf.entry : m.entry, sp);
    }
    elf_close(&program.elf);
    return ok;
}

bool image_load(struct process *p, int fd, struct error *error) {
    struct stat st;
    bool ok = program_load(p, fd, error);
    if (fstat(fd, &st) == 0) {
        p->exe_dev = st.st_dev;
        p->exe_ino = st.st_ino;
    }
    return ok;
}

const struct abi *image_abi(int fd, const char *name, struct error *error) {
    const struct abi *abi = NULL;
    return file_check(fd, name, &abi, error) ? abi : NULL;
}
