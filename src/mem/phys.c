/* phys.c - see phys.h. */
#include "mem/phys.h"

bool phys_add(struct phys *p, struct phys_region region) {
    if (p->count == PHYS_REGIONS || region.size == 0 || region.start + (region.size - 1) < region.start) return false;
    p->region[p->count++] = region;
    return true;
}

const struct phys_region *phys_find(const struct phys *p, uint64_t address, uint64_t size) {
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
