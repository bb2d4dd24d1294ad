/* store.c - translations of an image as bytes that can be kept outside and be taken in by another run.
 *
 * An image is a range of guest addresses whose code came from a file and does not change. What is kept of it: a hash of
 * every page that code came from, the units, their links, relocations and host code, with all offsets counted from the
 * first unit. Units lead straight to each other; whatever led elsewhere leads to its stub again, and inline caches are
 * empty. Bytes that are taken in go to the end of the cache, are relocated there, and are units like any other.
 *
 * Stored code is taken in whole or not at all, and only where every page holds the bytes that it came from. Nobody here
 * asks whether it may be trusted: it is executed, so whoever keeps it has to see to that. The sum over it finds damage.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const char store_magic[8] = "veecode1";
enum { STORE_MOST = 32 << 20 }; /* bytes of host code of one image */

struct stored {
    char magic[8];
    uint64_t sum; /* of all that follows */
    uint64_t start, end;
    uint32_t npages, nunits, units_size, nlinks, nrelocs, code_size;
    uint64_t padding; /* what follows is aligned to 16 */
    /* npages of struct stored_page; units, each padded to 16 bytes; links; relocations, padded to 16; code */
};
struct stored_page {
    uint64_t number, hash; /* address / PAGE; XXH3 of its bytes */
};
enum { PAGE = 1 << TLB_PAGE_SHIFT };

static size_t padded(size_t size) {
    return (size + 15) & ~(size_t)15;
}

/* Where the parts are. False: they are more than the bytes that there are. */
struct parts {
    const struct stored_page *pages;
    const uint8_t *units;
    const struct code_link *links;
    const uint32_t *relocs;
    const uint8_t *code;
};
static uint64_t stored_size(const struct stored *s) {
    return sizeof *s + s->npages * sizeof(struct stored_page) + (uint64_t)s->units_size +
           s->nlinks * sizeof(struct code_link) + padded(s->nrelocs * sizeof(uint32_t)) + s->code_size;
}
static struct parts parts_of(const struct stored *s) {
    struct parts p;
    p.pages = (const struct stored_page *)(s + 1);
    p.units = (const uint8_t *)(p.pages + s->npages);
    p.links = (const struct code_link *)(p.units + s->units_size);
    p.relocs = (const uint32_t *)(p.links + s->nlinks);
    p.code = (const uint8_t *)p.relocs + padded(s->nrelocs * sizeof(uint32_t));
    return p;
}
static uint64_t sum_of(const struct stored *s, size_t size) {
    return XXH3_64bits(&s->start, size - offsetof(struct stored, start));
}

/* The bytes of the page with an address and its identity; NULL where nothing can be executed. */
static const uint8_t *page_bytes(struct engine *e, struct cpu *cpu, uint64_t address, uint64_t *identity) {
    struct fetch f = {0};
    e->config.interface->fetch(e->config.self, cpu, address & -(uint64_t)PAGE, &f);
    *identity = f.page;
    return f.fault || f.avail != PAGE ? NULL : f.bytes;
}

static bool may_store(const struct engine *e, const struct cpu *cpu) {
    const struct engine_config *c = &e->config;
    for (unsigned k = 0; k < MEM_SPACES; k++)
        if (cpu->mem[k].kind == MEM_SOFT) return false;
    return e->host && !c->counted && !c->one_block && !c->random_flush && !c->poll_always && !c->log &&
           e->guest->explicit_coherence;
}

uint64_t engine_code_variant(const struct engine *e, const struct cpu *cpu) {
    uint64_t words[2 + 2 * MEM_SPACES] = {0};
    if (!may_store(e, cpu)) return 0;
    words[0] = e->host->variant();
    words[1] = sizeof(struct unit) << 32 | e->guest->cpu_size;
    for (unsigned k = 0; k < MEM_SPACES; k++) {
        words[2 + 2 * k] = cpu->mem[k].kind;
        words[3 + 2 * k] = cpu->mem[k].limit;
    }
    return XXH3_64bits(words, sizeof words) | 1;
}

/* ---- taking in */

static uint32_t marks_size(const struct unit *u) {
    const uint8_t *p = u->marks;
    for (unsigned i = 0; i < 2u * u->ninsns; i++) mark_take(&p);
    return (uint32_t)(p - u->marks);
}

/* Is every page what it was? Then there is a record of it, too. */
static bool pages_match(struct engine *e, struct cpu *cpu, const struct stored *s, const struct parts *p) {
    for (uint32_t i = 0; i < s->npages; i++) {
        const uint64_t address = p->pages[i].number * PAGE;
        struct fetch f = {.avail = PAGE};
        f.bytes = page_bytes(e, cpu, address, &f.page);
        if (!f.bytes || XXH3_64bits(f.bytes, PAGE) != p->pages[i].hash || !page_for(e, address, &f)) return false;
    }
    return true;
}

/* Room for everything, so that nothing can fail afterwards. */
static uint8_t *room_for(struct engine *e, const struct stored *s) {
    if (e->cache_at > e->cache_size || s->code_size > e->cache_size - e->cache_at) return NULL;
    if (!links_room(e, s->nlinks) || !relocs_room(e, s->nrelocs) || !by_address_room(e, s->nunits)) return NULL;
    return arena_alloc_raw(&e->arena, s->units_size);
}

static bool well_formed(const struct stored *s, size_t size) {
    return size >= sizeof *s && !memcmp(s->magic, store_magic, sizeof store_magic) && stored_size(s) == size;
}

uint32_t engine_code_stored(const void *data, size_t size) {
    const struct stored *s = data;
    return well_formed(s, size) ? s->nunits : 0;
}

uint32_t engine_code_load(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, const void *data,
                          size_t size) {
    const struct stored *s = data;
    if (!may_store(e, cpu) || !well_formed(s, size)) return 0;
    if (s->start != start || s->end != end || s->sum != sum_of(s, size)) return 0;
    const struct parts p = parts_of(s);
    if (!pages_match(e, cpu, s, &p)) return 0;
    uint8_t *units = room_for(e, s);
    if (!units) return 0;
    const uint32_t at = e->cache_at;
    memcpy(e->write + at, p.code, s->code_size);
    e->host->relocate(e->write + at, p.relocs, s->nrelocs, at, e->nlinks);
    for (uint32_t i = 0; i < s->nrelocs; i++) e->relocs[e->nrelocs + i] = p.relocs[i] + at;
    for (uint32_t i = 0; i < s->nlinks; i++) {
        struct code_link *l = &e->links[e->nlinks + i];
        *l = p.links[i];
        l->patch += at;
        l->stub += at;
        if (l->cell) e->host->empty_cell(e->write, l->patch, e->execute);
    }
    e->nrelocs += s->nrelocs;
    e->nlinks += s->nlinks;
    memcpy(units, p.units, s->units_size);
    struct fetch f = {.page = 0};
    uint64_t known = UINT64_MAX;
    for (uint32_t i = 0; i < s->nunits; i++) {
        struct unit *u = (struct unit *)units;
        units += padded(sizeof *u + u->page); /* a stored unit has the size of its marks there */
        if (u->pc / PAGE != known) {
            known = u->pc / PAGE;
            f.bytes = page_bytes(e, cpu, u->pc, &f.page);
            f.avail = PAGE;
        }
        u->page = f.page;
        u->poll_entry += at;
        u->entry += at;
        u->lookup += at;
        u->end += at;
        unit_insert(e, u, page_for(e, known * PAGE, &f));
        unit_publish(e, u);
    }
    e->cache_at = (at + s->code_size + 15) & ~15u;
    e->stats.loaded += s->nunits;
    return s->nunits;
}

/* ---- giving out */

/* What of an image is kept: for each unit of by_address its new offset, or NONE. */
struct choice {
    uint64_t start, end;
    uint32_t *to;
    struct stored head;
};
enum { NONE = UINT32_MAX };

/* Is what the unit came from still there, unchanged, within the image? */
static bool keeps(struct engine *e, struct cpu *cpu, const struct choice *c, const struct unit *u) {
    uint64_t identity;
    if (u->stale || u->crosses || u->ctx & (CTX_COUNTED | CTX_TRACED)) return false;
    if (u->pc < c->start || u->pc + u->bytes > c->end) return false;
    const uint8_t *bytes = page_bytes(e, cpu, u->pc, &identity);
    return bytes && identity == u->page && unit_hash(u, bytes + u->pc % PAGE, PAGE - u->pc % PAGE) == u->hash;
}

static int by_number(const void *a, const void *b) {
    const struct stored_page *p = a, *q = b;
    return p->number < q->number ? -1 : p->number > q->number;
}

static void choose(struct engine *e, struct cpu *cpu, struct choice *c) {
    for (uint32_t i = 0; i < e->nby; i++) {
        const struct unit *u = e->by_address[i];
        uint32_t size = (u->end - u->poll_entry + 15) & ~15u;
        c->to[i] = NONE;
        if (!keeps(e, cpu, c, u) || c->head.code_size + size > STORE_MOST) continue;
        c->to[i] = c->head.code_size;
        c->head.code_size += size;
        c->head.nunits++;
        c->head.units_size += (uint32_t)padded(sizeof *u + marks_size(u));
    }
}

uint32_t engine_code_count(const struct engine *e, uint64_t start, uint64_t end) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->nby; i++) {
        const struct unit *u = e->by_address[i];
        n += !u->stale && u->pc >= start && u->pc < end;
    }
    return n;
}

/* The first of the sorted positions at or above one. */
static uint32_t reloc_from(const struct engine *e, uint32_t position) {
    uint32_t low = 0, high = e->nrelocs;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if ((e->relocs[mid] & ~RELOC_LINK) < position)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
static uint32_t link_from(const struct engine *e, uint32_t position) {
    uint32_t low = 0, high = e->nlinks;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (e->links[mid].stub < position)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint32_t index_of(const struct engine *e, const struct unit *u) {
    uint32_t low = 0, high = e->nby;
    while (low + 1 < high) {
        uint32_t mid = (low + high) / 2;
        if (e->by_address[mid]->poll_entry <= u->poll_entry)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* Where a link leads in the stored code: to a unit of it, or to its own stub. */
static uint32_t link_target(struct engine *e, struct cpu *cpu, const struct choice *c, const struct unit *from,
                            const struct code_link *l, uint32_t stub) {
    uint64_t page;
    if (l->target_pc < c->start || l->target_pc >= c->end || !page_bytes(e, cpu, l->target_pc, &page)) return stub;
    const struct unit *u = unit_find(e, l->target_pc, page, from->ctx);
    uint32_t to = u ? c->to[index_of(e, u)] : NONE;
    return to == NONE ? stub : to + (l->back ? u->poll_entry : u->entry) - u->poll_entry;
}

struct output {
    struct stored_page *pages;
    uint8_t *units;
    struct code_link *links;
    uint32_t *relocs;
    uint8_t *code;
    uint32_t nlinks, nrelocs;
};

static void unit_put(struct engine *e, struct cpu *cpu, const struct choice *c, uint32_t i, struct output *o) {
    const struct unit *u = e->by_address[i];
    const uint32_t to = c->to[i], moved = to - u->poll_entry, marks = marks_size(u), first = o->nrelocs;
    struct unit *copy = (struct unit *)o->units;
    memcpy(copy, u, sizeof *u + marks);
    copy->next = copy->page_next = NULL;
    copy->page = marks;
    copy->poll_entry += moved;
    copy->entry += moved;
    copy->lookup += moved;
    copy->end += moved;
    o->units += padded(sizeof *u + marks);
    memcpy(o->code + to, e->write + u->poll_entry, u->end - u->poll_entry);
    const uint32_t first_link = link_from(e, u->poll_entry);
    for (uint32_t k = reloc_from(e, u->poll_entry); k < e->nrelocs && (e->relocs[k] & ~RELOC_LINK) < u->end; k++)
        o->relocs[o->nrelocs++] = e->relocs[k] + moved;
    e->host->relocate(o->code, o->relocs + first, o->nrelocs - first, moved, o->nlinks - first_link);
    for (uint32_t k = first_link; k < e->nlinks && e->links[k].stub < u->end; k++) {
        struct code_link *l = &o->links[o->nlinks++];
        *l = e->links[k];
        l->patch += moved;
        l->stub += moved;
        if (!l->cell) e->host->patch(o->code, l->patch, link_target(e, cpu, c, u, l, l->stub));
    }
}

/* How many links and relocations the chosen units have. */
static void count_parts(struct engine *e, struct choice *c) {
    for (uint32_t i = 0; i < e->nby; i++) {
        const struct unit *u = e->by_address[i];
        if (c->to[i] == NONE) continue;
        c->head.nlinks += link_from(e, u->end) - link_from(e, u->poll_entry);
        c->head.nrelocs += reloc_from(e, u->end) - reloc_from(e, u->poll_entry);
    }
}

/* The pages of the chosen units, each once. */
static void pages_put(struct engine *e, struct cpu *cpu, struct choice *c, struct stored_page *pages) {
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < e->nby; i++)
        if (c->to[i] != NONE) pages[n++].number = e->by_address[i]->pc / PAGE;
    qsort(pages, n, sizeof *pages, by_number);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t identity;
        if (kept && pages[kept - 1].number == pages[i].number) continue;
        pages[kept] = (struct stored_page){pages[i].number, 0};
        pages[kept].hash = XXH3_64bits(page_bytes(e, cpu, pages[i].number * PAGE, &identity), PAGE);
        kept++;
    }
    c->head.npages = kept;
}

void *engine_code_save(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, size_t *size) {
    struct choice c = {.start = start, .end = end};
    if (!may_store(e, cpu) || !e->nby) return NULL;
    c.to = malloc(e->nby * sizeof *c.to);
    if (!c.to) return NULL;
    choose(e, cpu, &c);
    count_parts(e, &c);
    struct stored_page *pages = c.head.nunits ? malloc(c.head.nunits * sizeof *pages) : NULL;
    struct stored *s = NULL;
    if (pages) {
        pages_put(e, cpu, &c, pages);
        memcpy(c.head.magic, store_magic, sizeof store_magic);
        c.head.start = start;
        c.head.end = end;
        *size = stored_size(&c.head);
        s = calloc(1, *size);
    }
    if (s) {
        *s = c.head;
        const struct parts p = parts_of(s);
        struct output o = {.pages = (void *)(s + 1),
                           .units = (uint8_t *)s + (p.units - (uint8_t *)s),
                           .links = (void *)((uint8_t *)s + ((const uint8_t *)p.links - (uint8_t *)s)),
                           .relocs = (void *)((uint8_t *)s + ((const uint8_t *)p.relocs - (uint8_t *)s)),
                           .code = (uint8_t *)s + (p.code - (uint8_t *)s)};
        memcpy(o.pages, pages, c.head.npages * sizeof *pages);
        for (uint32_t i = 0; i < e->nby; i++)
            if (c.to[i] != NONE) unit_put(e, cpu, &c, i, &o);
        s->sum = sum_of(s, *size);
    }
    free(pages);
    free(c.to);
    return s;
}
