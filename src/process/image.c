/* image.c - a program becomes memory: segments, brk, stack with arguments, environment and auxiliary vector.
 *
 * What the file may contain is checked by base/elf; this file checks what its addresses may be. Placement is the same
 * in every run and in both modes of the space, so that runs can be compared: position-independent programs at two
 * thirds of the usual address space, the stack at its top, mappings below the stack. The stack is mapped whole, up to
 * STACK_EAGER, because system calls do not grow it; beyond that faults do.
 */
#include "process/process.h"
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

enum { STACK_EAGER = 64 << 20, STACK_LEAST = 1 << 20, MAP_GAP_LEAST = 128 << 20, CLOCK_TICKS = 100 };

static uint64_t page_down(uint64_t v) {
    return v & -(uint64_t)SPACE_PAGE;
}
static uint64_t page_up(uint64_t v) {
    return page_down(v + SPACE_PAGE - 1);
}

/** A file that is loaded: the program, or its interpreter. */
struct image {
    struct elf elf;
    uint64_t bias, start, end; /* end of the highest segment */
};

/* ---- what kind of file */

static const char *machine_name(unsigned machine) {
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
    const char *is = machine_name(machine), *bits = h[EI_CLASS] == ELFCLASS32 ? "32-bit " : "";
    *abi = abi_for((uint16_t)machine);
    if (!*abi || h[EI_CLASS] != ELFCLASS64 || h[EI_DATA] != ELFDATA2LSB) {
        if (!is)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: an ELF file for unknown machine %u; vee runs riscv64",
                             name, machine);
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: a program for %s%s; vee runs riscv64", name, bits, is);
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

static unsigned segment_rights(const struct elf_segment *e) {
    return (e->flags & ELF_R ? SPACE_R : 0) | (e->flags & ELF_W ? SPACE_W : 0) | (e->flags & ELF_X ? SPACE_X : 0);
}

static bool segment_map(struct space *s, const struct image *m, const struct elf_segment *e, struct error *error) {
    uint64_t address = m->bias + e->address, start = page_down(address), file_end = address + e->file_size;
    uint64_t end = page_up(address + e->memory_size), lead = address - start;
    unsigned rights = segment_rights(e);
    if (lead != (e->offset & (SPACE_PAGE - 1)))
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: the segment at 0x%" PRIx64 " cannot be mapped: its file offset "
                         "0x%" PRIx64 " is not congruent to it",
                         m->elf.name, e->address, e->offset);
    if (e->file_size) {
        uint64_t size = page_up(file_end) - start;
        int64_t at =
            space_map(s, start, size, rights, MAP_PRIVATE | MAP_FIXED, m->elf.fd, e->offset - lead, ORIGIN_IMAGE);
        if (at < 0) return map_failed(&m->elf, start, size, at, error);
        start += size;
    }
    if (start < end) {
        int64_t at =
            space_map(s, start, end - start, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, ORIGIN_IMAGE);
        if (at < 0) return map_failed(&m->elf, start, end - start, at, error);
    }
    /* The rest of the file's last page is the beginning of what the program finds zeroed. */
    uint64_t tail = page_up(file_end) - file_end;
    if (e->memory_size > e->file_size && e->file_size && tail && (rights & SPACE_W))
        memset(space_host(s, file_end), 0, tail);
    return true;
}

/* Address range of all segments, before the bias. */
static bool image_extent(struct image *m, struct error *error) {
    m->start = UINT64_MAX;
    m->end = 0;
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        if (e->type != ELF_LOAD || !e->memory_size) continue;
        if (page_down(e->address) < m->start) m->start = page_down(e->address);
        if (e->address + e->memory_size > m->end) m->end = e->address + e->memory_size;
    }
    return m->end || error_set(error, ERROR_NOT_RUNNABLE, "%s: has no segment to load", m->elf.name);
}

/* at: where a position-independent image should start, 0 for anywhere. */
static bool image_map(struct process *p, struct image *m, uint64_t at, struct error *error) {
    struct space *s = p->space;
    if (!image_extent(m, error)) return false;
    uint64_t last = s->limit - SPACE_PAGE;
    if (m->elf.type == ELF_DYN) {
        uint64_t size = page_up(m->end) - m->start;
        if (m->end > last || size > last)
            return error_set(error, ERROR_NOT_RUNNABLE, "%s: is larger than the address space", m->elf.name);
        if (!at) at = store_place(p, m->elf.fd, size);
        int64_t base =
            space_map(s, at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, ORIGIN_IMAGE);
        if (base < 0) return map_failed(&m->elf, at, size, base, error);
        m->bias = (uint64_t)base - m->start;
    } else if (!elf_loads_within(&m->elf, false, s->min_address, last, error)) {
        return false;
    }
    for (unsigned i = 0; i < m->elf.nsegments; i++) {
        const struct elf_segment *e = &m->elf.segments[i];
        if (e->type == ELF_LOAD && e->memory_size && !segment_map(s, m, e, error)) return false;
    }
    return true;
}

/* ---- the interpreter of dynamically linked programs */

static bool interpreter_path(const struct process *p, const struct image *m, char *path, size_t size,
                             struct error *error) {
    const struct elf_segment *e = elf_find(&m->elf, ELF_INTERP);
    char name[PATH_MAX] = "";
    if (e->file_size < 2 || e->file_size > sizeof name || !elf_read(&m->elf, e->offset, name, e->file_size, error))
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: the name of its interpreter has %" PRIu64 " bytes",
                         m->elf.name, e->file_size);
    if (memchr(name, 0, e->file_size) != name + e->file_size - 1)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: the name of its interpreter is not a string", m->elf.name);
    const char *root = p->vm->options.sysroot;
    if (root && (size_t)snprintf(path, size, "%s/%s", root, name) < size && access(path, R_OK) == 0) return true;
    snprintf(path, size, "%s", name);
    return access(path, R_OK) == 0 ||
           error_set(error, ERROR_NOT_RUNNABLE,
                     "%s: is dynamically linked and needs %s, which is not there; give the directory that holds it as "
                     "root with -L",
                     m->elf.name, name);
}

static bool interpreter_map(struct process *p, struct image *m, const char *path, struct error *error) {
    const struct abi *abi;
    int fd = (int)file_open_own(path, 0);
    if (fd < 0) return error_set(error, ERROR_NOT_RUNNABLE, "%s: %s", path, strerror(-fd));
    bool ok = file_check(fd, path, &abi, error);
    if (ok && abi != p->abi) ok = error_set(error, ERROR_NOT_RUNNABLE, "%s: is for another machine", path);
    if (ok && elf_open(&m->elf, fd, path, error)) {
        ok = image_map(p, m, 0, error);
        elf_close(&m->elf);
    } else {
        ok = false;
    }
    close(fd);
    return ok;
}

/* ---- the stack */

static bool stack_map(struct process *p, struct error *error) {
    struct space *s = p->space;
    uint64_t page = s->top - SPACE_PAGE, size = page_up(p->stack_limit[0]);
    int64_t at = space_map(s, page, SPACE_PAGE, SPACE_R | SPACE_W, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                           -1, 0, ORIGIN_VDSO);
    if (at < 0) return error_set(error, ERROR_RESOURCES, "no memory at 0x%" PRIx64 " for a guest page", page);
    memcpy(space_host(s, page), p->abi->vdso, p->abi->vdso_size);
    if (space_protect(s, page, SPACE_PAGE, SPACE_R | SPACE_X)) return error_set(error, ERROR_RESOURCES, "mprotect");
    p->vdso = page;
    if (size < STACK_LEAST) size = STACK_LEAST;
    if (p->stack_limit[0] > STACK_EAGER) size = STACK_EAGER;
    p->stack_top = page - SPACE_PAGE;
    at = space_map(s, p->stack_top - size, size, SPACE_R | SPACE_W,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0,
                   ORIGIN_STACK);
    if (at < 0) return error_set(error, ERROR_RESOURCES, "no memory for a stack of %" PRIu64 " bytes", size);
    uint64_t gap = p->stack_limit[0] < s->top / 6 * 5 ? page_up(p->stack_limit[0]) : page_down(s->top / 6 * 5);
    if (gap < MAP_GAP_LEAST) gap = MAP_GAP_LEAST;
    s->top = p->stack_top - gap;
    return true;
}

/** The vectors of a new program, being written from the top of the stack downwards. */
struct strings {
    const char *const *argv, *const *envp;
    uint64_t argc, envc, bytes;
};

static void strings_count(struct strings *v, const char *const *list, uint64_t *count) {
    for (; list && list[*count]; ++*count) v->bytes += strlen(list[*count]) + 1;
}

static uint64_t string_put(struct space *s, uint64_t at, const char *text) {
    size_t size = strlen(text) + 1;
    memcpy(space_host(s, at), text, size);
    return at + size;
}

static void word_put(struct space *s, uint64_t *at, uint64_t word) {
    memcpy(space_host(s, *at), &word, sizeof word);
    *at += sizeof word;
}

static void auxv_make(struct process *p, const struct image *m, uint64_t interpreter_base, uint64_t random,
                      uint64_t name) {
    const struct elf *elf = &m->elf;
    uint64_t headers = 0, *v = p->auxv;
    for (unsigned i = 0; i < elf->nsegments; i++) {
        const struct elf_segment *e = &elf->segments[i];
        if (e->type == ELF_LOAD && e->offset <= elf->segments_offset && elf->segments_offset - e->offset < e->file_size)
            headers = m->bias + e->address + (elf->segments_offset - e->offset);
    }
    const uint64_t rows[][2] = {
        {AT_SYSINFO_EHDR, p->vdso},
        {AT_HWCAP, p->abi->hwcap},
        {AT_PAGESZ, SPACE_PAGE},
        {AT_CLKTCK, CLOCK_TICKS},
        {AT_PHDR, headers},
        {AT_PHENT, ELF_SEGMENT_SIZE},
        {AT_PHNUM, elf->nsegments},
        {AT_BASE, interpreter_base},
        {AT_FLAGS, 0},
        {AT_ENTRY, m->bias + elf->entry},
        {AT_UID, getuid()},
        {AT_EUID, geteuid()},
        {AT_GID, getgid()},
        {AT_EGID, getegid()},
        {AT_SECURE, getauxval(AT_SECURE)},
        {AT_RANDOM, random},
        {AT_MINSIGSTKSZ, p->abi->frame_size},
        {AT_EXECFN, name},
        {AT_NULL, 0},
    };
    _Static_assert(sizeof rows <= sizeof p->auxv, "room for the auxiliary vector");
    memcpy(v, rows, sizeof rows);
    p->auxv_words = sizeof rows / sizeof *v;
}

uint64_t arguments_most(const struct process *p) {
    enum { MOST = 6 << 20, LEAST = 128 << 10 };
    const uint64_t quarter = p->stack_limit[0] / 4;
    return quarter < LEAST ? LEAST : quarter < MOST ? quarter : MOST;
}

/* Linux's layout: from the top a null word, the program's name, environment, arguments, random bytes; then, aligned to
   16, the auxiliary vector above envp above argv above argc. Returns the stack pointer, 0 when it does not fit. */
static uint64_t stack_fill(struct process *p, const struct image *m, uint64_t interpreter_base) {
    static const char *const nothing[] = {"", NULL};
    const struct vm_options *o = &p->vm->options;
    struct space *s = p->space;
    struct strings v = {.argv = o->argv && o->argv[0] ? o->argv : nothing, .envp = o->envp};
    strings_count(&v, v.argv, &v.argc);
    strings_count(&v, v.envp, &v.envc);
    const char *executed = o->exec_name ? o->exec_name : o->path;
    if (v.bytes + strlen(executed) + 1 + (v.argc + v.envc) * sizeof(uint64_t) > arguments_most(p)) return 0;
    uint64_t name = p->stack_top - 8 - strlen(executed) - 1, strings = name - v.bytes,
             random = (strings - 16) & ~UINT64_C(15);
    string_put(s, name, executed);
    uint8_t bytes[16];
    vm_random(p->vm, bytes, sizeof bytes);
    memcpy(space_host(s, random), bytes, sizeof bytes);
    auxv_make(p, m, interpreter_base, random, name);
    uint64_t sp = (random - (v.argc + v.envc + 3 + p->auxv_words) * sizeof(uint64_t)) & ~UINT64_C(15), at = sp;
    p->arg_start = strings;
    word_put(s, &at, v.argc);
    for (uint64_t i = 0; i < v.argc; i++) {
        word_put(s, &at, strings);
        strings = string_put(s, strings, v.argv[i]);
    }
    p->arg_end = strings;
    word_put(s, &at, 0);
    for (uint64_t i = 0; i < v.envc; i++) {
        word_put(s, &at, strings);
        strings = string_put(s, strings, v.envp[i]);
    }
    p->env_end = strings;
    word_put(s, &at, 0);
    for (unsigned i = 0; i < p->auxv_words; i++) word_put(s, &at, p->auxv[i]);
    return sp;
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

static bool program_load(struct process *p, int fd, struct error *error) {
    const char *name = p->vm->options.path;
    struct image program = {0}, interpreter = {0};
    char path[PATH_MAX];
    if (!elf_open(&program.elf, fd, name, error)) return false;
    bool dynamic = elf_find(&program.elf, ELF_INTERP) != NULL;
    /* The image first: the lowest addresses are those that a computer may refuse. */
    bool ok = image_map(p, &program, page_down(p->space->top / 3 * 2), error) && stack_map(p, error);
    if (ok && dynamic)
        ok = interpreter_path(p, &program, path, sizeof path, error) && interpreter_map(p, &interpreter, path, error);
    if (ok) {
        uint64_t sp = stack_fill(p, &program, interpreter.bias);
        uint64_t entry = dynamic ? interpreter.bias + interpreter.elf.entry : program.bias + program.elf.entry;
        if (!sp) ok = error_set(error, ERROR_RESOURCES, "%s: arguments and environment are too long", name);
        p->stack_start = sp;
        note_extent(p, &program);
        space_set_brk(p->space, page_up(program.bias + program.end));
        p->abi->start(p->thread.cpu, entry, sp);
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
