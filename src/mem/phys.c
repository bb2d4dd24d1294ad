/* phys.c - see phys.h. */
#include "mem/phys.h"
#include "base/os.h"

bool phys_add(struct phys *p, struct phys_region region) {
    if (p->count == PHYS_REGIONS || region.size == 0 || region.start + (region.size - 1) < region.start) return false;
    if (p->count == 0) p->ram = 0;
    p->region[p->count++] = region;
    if (region.kind != PHYS_RAM || p->ram) return true;
    p->ram = p->count;
    for (const struct phys_region *r = p->region; r < p->region + p->count - 1; r++)
        if (r->start - region.start < region.size || region.start - r->start < r->size) p->ram = 0;
    return true;
}

const struct phys_region *phys_find(const struct phys *p, uint64_t address, uint64_t size) {
    if (p->ram) { /* mostly */
        const struct phys_region *r = &p->region[p->ram - 1];
        const uint64_t offset = address - r->start;
        if (offset < r->size && size <= r->size - offset) return r;
    }
    for (const struct phys_region *r = p->region; r < p->region + p->count; r++) {
        uint64_t offset = address - r->start;
        if (offset < r->size) return size <= r->size - offset ? r : NULL;
        if (r->start - address < size) return NULL; /* begins before the region and runs into it */
    }
    return NULL;
}

uint8_t *phys_ram(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = phys_find(p, address, size);
    return r && r->kind == PHYS_RAM ? r->host + (address - r->start) : NULL;
}

const uint8_t *phys_readable(const struct phys *p, uint64_t address, uint64_t size) {
    const struct phys_region *r = phys_find(p, address, size);
    return r && r->kind != PHYS_DEVICE ? r->host + (address - r->start) : NULL;
}

bool phys_track(struct phys *p) {
    const uint64_t page = 1u << PHYS_PAGE_SHIFT;
    for (struct phys_region *r = p->region; r < p->region + p->count; r++) {
        if (r->kind != PHYS_RAM || r->pages || r->start % page) continue;
        r->pages = os_alloc((r->size + page - 1) / page);
        if (!r->pages) return false;
    }
    return true;
}

void phys_untrack(struct phys *p) {
    for (struct phys_region *r = p->region; r < p->region + p->count; r++) {
        os_free(r->pages);
        r->pages = NULL;
    }
}

uint8_t *phys_page(const struct phys *p, uint64_t address) {
    const struct phys_region *r = phys_find(p, address, 1);
    return r && r->pages ? r->pages + ((address - r->start) >> PHYS_PAGE_SHIFT) : NULL;
}
