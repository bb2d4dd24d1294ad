/* load.c - see load.h. */
#include "machine/load.h"
#include "base/elf.h"
#include "machine/board.h"
#include "machine/dtb.h"
#include "machine/tree.h"
#include <inttypes.h>
#include <stdlib.h>

#define MEGABYTE         (1ull << 20)
#define RAM_OF_PROGRAMS  (128 * MEGABYTE)
#define RAM_OF_KERNELS   (512 * MEGABYTE)
#define UNPACKED_DEFAULT (1024 * MEGABYTE)
/* Kernels and RAM disks begin at multiples of this: a large page. */
#define LARGE_PAGE (2 * MEGABYTE)

/* ---- opening */

/* A file that was given alone may be meant as what it is where a kernel or firmware is given as well: a disk. */
static bool open_program(struct load *l, const struct machine_config *c, const char *path, uint64_t most,
                         struct error *error) {
    struct error why = {0};
    if (image_open(&l->program, path, most, &why)) return true;
    if (!c->kernel && l->program.disk)
        return error_set(error, ERROR_USAGE,
                         "%s: a disk: to boot from it, give a kernel or firmware as well (-kernel FILE or -bios FILE)",
                         l->program.name);
    return error_set(error, why.code, "%s", why.text);
}

bool load_open(struct load *l, struct machine *m, struct error *error) {
    struct machine_config *c = m->config;
    const uint64_t most = c->ram_size ? c->ram_size : UNPACKED_DEFAULT;
    const char *program = c->kernel ? c->kernel : c->program;
    if (program && !open_program(l, c, program, most, error)) return false;
    if (c->firmware == FIRMWARE_FILE && !image_open(&l->firmware, c->bios, most, error)) return false;
    if (c->initrd && !image_open_plain(&l->initrd, c->initrd, error)) return false;
    if (c->dtb && !image_open_plain(&l->tree, c->dtb, error)) return false;
    /* A file that says of itself that it is a kernel is one. */
    l->kernel = c->kernel || c->firmware == FIRMWARE_FILE || l->program.kind == IMAGE_FLAT;
    if (l->kernel && !c->bios) c->firmware = FIRMWARE_OWN;
    if (!c->ram_size) c->ram_size = l->kernel ? RAM_OF_KERNELS : RAM_OF_PROGRAMS;
    return true;
}

void load_close(struct load *l) {
    image_close(&l->program);
    image_close(&l->firmware);
    image_close(&l->initrd);
    image_close(&l->tree);
}

/* ---- into RAM */

/* Where something lies in memory and where it begins to run. */
struct loaded {
    uint64_t start, end, entry;
};

static uint64_t ram_end(const struct machine *m) {
    return m->board->ram + m->ram_size;
}

static bool load_segments(struct machine *m, struct elf *elf, struct loaded *to, struct error *error) {
    const uint64_t ram = m->board->ram;
    if (!elf_find(elf, ELF_LOAD)) return error_set(error, ERROR_NOT_RUNNABLE, "%s: nothing to load", elf->name);
    elf_leave_headers(elf, ram);
    if (!elf_loads_within(elf, true, ram, ram_end(m), error)) return false;
    *to = (struct loaded){.start = UINT64_MAX, .end = ram, .entry = elf->entry};
    for (const struct elf_segment *s = elf->segments; s < elf->segments + elf->nsegments; s++) {
        if (s->type != ELF_LOAD || !s->memory_size) continue;
        if (s->file_size && !elf_read(elf, s->offset, m->ram + (s->physical - ram), s->file_size, error)) return false;
        if (s->physical < to->start) to->start = s->physical;
        if (s->physical + s->memory_size > to->end) to->end = s->physical + s->memory_size;
    }
    /* The entry is a virtual address, memory is not mapped yet. */
    for (const struct elf_segment *s = elf->segments; s < elf->segments + elf->nsegments; s++)
        if (s->type == ELF_LOAD && elf->entry - s->address < s->memory_size) {
            to->entry = elf->entry - s->address + s->physical;
            break;
        }
    return true;
}

/* Bytes that go where they are told; `size` in memory, or as many as there are. */
static bool load_bytes(struct machine *m, const struct image *i, uint64_t at, uint64_t size, struct loaded *to,
                       struct error *error) {
    if (size < i->size) size = i->size;
    if (at > ram_end(m) || size > ram_end(m) - at)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: takes %" PRIu64 " KiB at 0x%" PRIx64 ": larger than the machine's memory of %" PRIu64
                         " KiB (-m)",
                         i->name, size >> 10, at, m->ram_size >> 10);
    *to = (struct loaded){at, at + size, at};
    return image_read(i, 0, m->ram + (at - m->board->ram), i->size, error);
}

/* at: where bytes go that have no addresses of their own. */
static bool load_image(struct machine *m, const struct image *i, struct elf *elf, uint64_t at, struct loaded *to,
                       struct error *error) {
    if (i->kind != IMAGE_ELF) return load_bytes(m, i, at, i->kind == IMAGE_FLAT ? i->flat.size : 0, to, error);
    if (!elf_open(elf, i->fd, i->name, error)) return false;
    if (elf->machine == m->board->elf_machine) return load_segments(m, elf, to, error);
    return error_set(error, ERROR_NOT_RUNNABLE, "%s: for machine %u, for which there is no board (at offset 18)",
                     elf->name, elf->machine);
}

/* As high as there is room below the device tree: kernels unpack and grow upwards. */
static bool load_initrd(struct machine *m, const struct image *i, uint64_t used, struct error *error) {
    const uint64_t room = m->tree_room ? m->tree_room : TREE_ROOM, top = ram_end(m) - room;
    uint64_t at = i->size <= top ? (top - i->size) & ~(LARGE_PAGE - 1) : 0;
    struct loaded to;
    if (m->ram_size < room || at < used || at < m->board->ram)
        return error_set(error, ERROR_NOT_RUNNABLE,
                         "%s: %" PRIu64 " KiB do not fit into the machine's memory of %" PRIu64
                         " KiB beside the kernel, which ends at 0x%" PRIx64 " (-m)",
                         i->name, i->size >> 10, m->ram_size >> 10, used);
    m->initrd_start = at;
    m->initrd_end = at + i->size;
    return load_bytes(m, i, at, 0, &to, error);
}

/* The device tree of a file, checked; it is amended when the rest is in place. */
static bool load_tree(struct machine *m, const struct image *i, uint8_t **bytes, struct dtb_facts *facts,
                      struct error *error) {
    *facts = (struct dtb_facts){
        .ram = m->board->ram, .ram_size = m->ram_size, .harts = m->config->harts, .append = m->config->append};
    if (i->size > DTB_MOST)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: larger than %d KiB, no device tree", i->name, DTB_MOST >> 10);
    if (!(*bytes = malloc(i->size + 1))) return error_set(error, ERROR_RESOURCES, "%s: no memory for it", i->name);
    if (!image_read(i, 0, *bytes, i->size, error) || !dtb_check(*bytes, i->size, i->name, facts, error)) return false;
    m->tree_room = dtb_room(i->size, facts);
    return true;
}

static bool amend_tree(struct machine *m, const struct image *i, const uint8_t *bytes, struct dtb_facts *facts,
                       struct error *error) {
    uint8_t seed[DTB_SEED];
    vm_random(m->vm, seed, sizeof seed);
    facts->initrd_start = m->initrd_start;
    facts->initrd_end = m->initrd_end;
    facts->seed = seed;
    if (!(m->tree = calloc(1, m->tree_room))) return error_set(error, ERROR_RESOURCES, "%s: no memory for it", i->name);
    return dtb_amend(bytes, m->tree, m->tree_room, i->name, facts, error);
}

static bool symbol(const void *of, const char *name, uint64_t *value) {
    return of && elf_symbol(of, name, value);
}

static bool overlap(const struct load *l, const struct loaded *a, const struct loaded *b, struct error *error) {
    if (a->start >= b->end || b->start >= a->end) return true;
    return error_set(error, ERROR_NOT_RUNNABLE,
                     "%s: lies from 0x%" PRIx64 " to 0x%" PRIx64 ", where %s is, which ends at 0x%" PRIx64,
                     l->program.name, a->start, a->end, l->firmware.name, b->end);
}

/* Firmware, then the kernel or program; *begins is what runs first, *used where memory is free from. */
static bool load_code(struct load *l, struct machine *m, struct elf *elf, struct loaded *begins, uint64_t *used,
                      struct error *error) {
    const uint64_t ram = m->board->ram;
    const bool alone = m->config->firmware == FIRMWARE_NONE;
    struct loaded firmware = {0}, program = {0};
    struct elf other = {0};
    if (l->firmware.fd >= 0 && !load_image(m, &l->firmware, elf, ram, &firmware, error)) return false;
    struct elf *of_program = l->firmware.fd >= 0 ? &other : elf;
    const uint64_t at = ram + (alone || !l->kernel ? 0 : LARGE_PAGE);
    bool ok = l->program.fd < 0 || load_image(m, &l->program, of_program, at, &program, error);
    ok = ok && (!firmware.end || !program.end || overlap(l, &program, &firmware, error));
    elf_close(&other);
    *begins = firmware.end ? firmware : program;
    *used = program.end > firmware.end ? program.end : firmware.end;
    m->next = firmware.end ? program.entry : 0;
    return ok;
}

/* Into RAM, which needs nothing of the board; *elf: where its symbols are, to be closed. */
static bool load_files(struct load *l, struct machine *m, struct elf *elf, struct loaded *begins, uint64_t *used,
                       struct error *error) {
    struct dtb_facts facts;
    uint8_t *tree = NULL;
    const bool ok = (l->tree.fd < 0 || load_tree(m, &l->tree, &tree, &facts, error)) &&
                    load_code(l, m, elf, begins, used, error) &&
                    (l->initrd.fd < 0 || load_initrd(m, &l->initrd, *used, error)) &&
                    (!tree || amend_tree(m, &l->tree, tree, &facts, error));
    free(tree);
    return ok;
}

/* The ROM, and the description of the board. */
static bool load_boot(const struct load *l, struct machine *m, const struct loaded *begins, uint64_t used,
                      struct error *error) {
    if (board_boot(m, used, begins->entry)) return true;
    return error_set(error, ERROR_RESOURCES, "%s: no memory for the board, or no room for its description",
                     l->program.fd >= 0 ? l->program.name : l->firmware.name);
}

bool load_all(struct load *l, struct machine *m, struct error *error) {
    struct elf elf = {0};
    struct loaded begins;
    uint64_t used = 0;
    const bool ok = load_files(l, m, &elf, &begins, &used, error) &&
                    board_init(m, symbol, elf.segments ? &elf : NULL, error) && load_boot(l, m, &begins, used, error);
    elf_close(&elf);
    return ok;
}

bool load_again(struct machine *m, struct error *error) {
    struct load load = LOAD_NOTHING;
    struct elf elf = {0};
    struct loaded begins;
    uint64_t used = 0;
    free(m->tree);
    m->tree = NULL;
    m->initrd_start = m->initrd_end = 0;
    const bool ok = load_open(&load, m, error) && load_files(&load, m, &elf, &begins, &used, error) &&
                    load_boot(&load, m, &begins, used, error);
    elf_close(&elf);
    load_close(&load);
    return ok;
}
