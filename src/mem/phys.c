/* phys.c - see phys.h. */
#include "mem/phys.h"
#include "base/os.h"

static bool enter(struct phys_region *list, unsigned *count, unsigned most, struct phys_region region) {
    if (*count == most || region.size == 0 || region.start + (region.size - 1) < region.start) return false;
    list[(*count)++] = region;
    return true;
}

bool phys_add(struct phys *p, struct phys_region region) {
    if (!enter(p->fixed, &p->nfixed, PHYS_FIXED, region)) return false;
    if (p->nfixed == 1) p->ram = 0;
    if (region.kind != PHYS_RAM || p->ram) return true;
    p->ram = p->nfixed;
    for (const struct phys_region *r = p->fixed; r < p->fixed + p->nfixed - 1; r++)
        if (r->start - region.start < region.size || region.start - r->start < r->size) p->ram = 0;
    return true;
}

bool phys_map(struct phys *p, struct phys_region region) {
    return enter(p->movable, &p->nmovable, PHYS_MOVABLE, region);
}

void phys_unmap(struct phys *p, unsigned device, unsigned number) {
    unsigned kept = 0;
    for (unsigned i = 0; i < p->nmovable; i++)
        if (p->movable[i].device != device || p->movable[i].number != number) p->movable[kept++] = p->movable[i];
    p->nmovable = kept;
}

/* Of RAM that nothing hides, if that is known. */
static const struct phys_region *find_ram(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = p->ram ? &p->fixed[p->ram - 1] : NULL;
    return r && address - r->start < r->size && size <= r->size - (address - r->start) ? r : NULL;
}

/* *hidden: a part of it, but not all, is in a region of the list. */
static const struct phys_region *find(const struct phys_region *list, unsigned count, uint64_t address, uint64_t size,
                                      bool *hidden) {
    for (const struct phys_region *r = list; r < list + count; r++) {
        uint64_t offset = address - r->start;
        if (offset < r->size && size <= r->size - offset) return r;
        /* It runs out of the region, or begins before it and runs into it. */
        if ((*hidden = offset < r->size || r->start - address < size)) return NULL;
    }
    return NULL;
}

static const struct phys_region *find_fixed(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = find_ram(p, address, size); /* mostly */
    bool hidden = false;
    return r ? r : find(p->fixed, p->nfixed, address, size, &hidden);
}

const struct phys_region *phys_find(const struct phys *p, uint64_t address, uint64_t size) {
    bool hidden = false;
    const struct phys_region *r = find(p->fixed, p->nfixed, address, size, &hidden);
    return r || hidden ? r : find(p->movable, p->nmovable, address, size, &hidden);
}

uint8_t *phys_ram(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = find_fixed(p, address, size);
    return r && r->kind == PHYS_RAM ? r->host + (address - r->start) : NULL;
}

const uint8_t *phys_readable(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = find_fixed(p, address, size);
    return r && r->kind != PHYS_DEVICE ? r->host + (address - r->start) : NULL;
}

bool phys_track(struct phys *p) {
    const uint64_t page = 1u << PHYS_PAGE_SHIFT;
    for (struct phys_region *r = p->fixed; r < p->fixed + p->nfixed; r++) {
        if (r->kind != PHYS_RAM || r->pages || r->start % page) continue;
        r->pages = os_alloc((r->size + page - 1) / page);
        if (!r->pages) return false;
    }
    return true;
}

void phys_untrack(struct phys *p) {
    for (struct phys_region *r = p->fixed; r < p->fixed + p->nfixed; r++) {
        os_free(r->pages);
        r->pages = NULL;
    }
}

uint8_t *phys_page(const struct phys *p, uint64_t address) {
    const struct phys_region *r = find_fixed(p, address, 1);
    return r && r->pages ? r->pages + ((address - r->start) >> PHYS_PAGE_SHIFT) : NULL;
}
