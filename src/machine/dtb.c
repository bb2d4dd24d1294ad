/* dtb.c - see dtb.h. Numbers in trees are big-endian cells of 4 bytes; how many an address and a size have, the node
 * above says.
 */
#include "machine/dtb.h"
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

struct looking {
    const void *tree;
    const char *name;
    const struct dtb_facts *facts;
    struct error *error;
};

static bool lies(const struct looking *l, const void *at, const char *format, uint64_t a, uint64_t b) {
    char what[160];
    snprintf(what, sizeof what, format, a, b);
    return error_set(l->error, ERROR_NOT_RUNNABLE, "%s: says at offset %td %s", l->name,
                     (const uint8_t *)at - (const uint8_t *)l->tree, what);
}

/* A number of one or two cells. */
static uint64_t cells(const fdt32_t *p, int count) {
    uint64_t v = 0;
    for (int i = 0; i < count; i++) v = v << 32 | fdt32_ld(p + i);
    return v;
}

/* Is the property, a text, this one? */
static bool is_text(const void *tree, int node, const char *property, const char *text) {
    int size;
    const char *p = fdt_getprop(tree, node, property, &size);
    return p && (size_t)size == strlen(text) + 1 && !memcmp(p, text, (size_t)size);
}

/* ---- what it says */

static bool check_memory(const struct looking *l, int node) {
    const struct dtb_facts *f = l->facts;
    const int na = fdt_address_cells(l->tree, 0), ns = fdt_size_cells(l->tree, 0);
    int size;
    const fdt32_t *p = fdt_getprop(l->tree, node, "reg", &size);
    if (!p) return true;
    if (na < 1 || na > 2 || ns < 1 || ns > 2 || size % (4 * (na + ns)))
        return lies(l, p,
                    "that memory is at addresses of %" PRIu64 " and sizes of %" PRIu64 " cells, and other than so",
                    (uint64_t)(na < 0 ? 0 : na), (uint64_t)(ns < 0 ? 0 : ns));
    for (const fdt32_t *end = p + size / 4; p < end; p += na + ns) {
        const uint64_t start = cells(p, na), bytes = cells(p + na, ns);
        if (start < f->ram || start - f->ram > f->ram_size || bytes > f->ram_size - (start - f->ram))
            return lies(l, p,
                        "that there are 0x%" PRIx64 " bytes of memory at 0x%" PRIx64 ", where the machine has none",
                        bytes, start);
    }
    return true;
}

static bool check_cpu(const struct looking *l, int cpus, int node) {
    int size;
    const int na = fdt_address_cells(l->tree, cpus);
    const fdt32_t *p = fdt_getprop(l->tree, node, "reg", &size);
    if (!p || is_text(l->tree, node, "status", "disabled")) return true;
    if (na < 1 || na > 2 || size != 4 * na)
        return lies(l, p, "that a cpu's number has %" PRIu64 " bytes, not %" PRIu64, (uint64_t)size,
                    4 * (uint64_t)(na < 0 ? 0 : na));
    if (cells(p, na) < l->facts->harts) return true;
    return lies(l, p, "that there is a cpu %" PRIu64 "; the machine has %" PRIu64 " (-smp)", cells(p, na),
                l->facts->harts);
}

bool dtb_check(const void *tree, size_t size, const char *name, const struct dtb_facts *facts, struct error *error) {
    const struct looking l = {tree, name, facts, error};
    if (size < sizeof(struct fdt_header) || fdt_magic(tree) != FDT_MAGIC)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: not a device tree (at offset 0)", name);
    if (fdt_totalsize(tree) > size)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: truncated: has %zu bytes of %u (at offset 4)", name, size,
                         fdt_totalsize(tree));
    const int why = fdt_check_full(tree, size);
    if (why)
        return error_set(error, ERROR_NOT_RUNNABLE, "%s: a damaged device tree, within its first %u bytes: %s", name,
                         fdt_totalsize(tree), fdt_strerror(why));
    int node;
    fdt_for_each_subnode(node, tree,
                         0) if (is_text(tree, node, "device_type", "memory") && !check_memory(&l, node)) return false;
    const int cpus = fdt_path_offset(tree, "/cpus");
    if (cpus < 0) return true;
    fdt_for_each_subnode(node, tree, cpus) if (is_text(tree, node, "device_type", "cpu") &&
                                               !check_cpu(&l, cpus, node)) return false;
    return true;
}

/* ---- what is entered */

size_t dtb_room(size_t size, const struct dtb_facts *f) {
    enum { PAGE = 4096, ENTERED = 4096 /* names, numbers; and firmware adds what it reserves */ };
    return (size + ENTERED + (f->append ? strlen(f->append) : 0) + PAGE - 1) / PAGE * PAGE;
}

static int enter(void *tree, const struct dtb_facts *f) {
    int node = fdt_path_offset(tree, "/chosen"), why = 0;
    if (node < 0) node = fdt_add_subnode(tree, 0, "chosen");
    if (node < 0) return node;
    if (f->append) why = fdt_setprop_string(tree, node, "bootargs", f->append);
    if (!why && f->initrd_end) why = fdt_setprop_u64(tree, node, "linux,initrd-start", f->initrd_start);
    if (!why && f->initrd_end) why = fdt_setprop_u64(tree, node, "linux,initrd-end", f->initrd_end);
    if (!why && f->seed) why = fdt_setprop(tree, node, "rng-seed", f->seed, DTB_SEED);
    return why;
}

bool dtb_amend(const void *tree, void *to, size_t room, const char *name, const struct dtb_facts *facts,
               struct error *error) {
    int why = fdt_open_into(tree, to, (int)room);
    if (!why) why = enter(to, facts);
    if (!why) why = fdt_pack(to);
    return !why || error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be amended: %s", name, fdt_strerror(why));
}
