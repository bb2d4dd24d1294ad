/* phys.h - physical memory of a machine: which addresses are RAM, which ROM, which belong to devices.
 *
 * Two short lists of regions, each searched from the front. The fixed one is made once when the machine is built: RAM,
 * ROM, and devices that hide a part of these by standing before them. It is read by any thread without a lock. What is
 * in none of its regions is looked for in the other one, of devices whose addresses may change while the machine runs:
 * who reads or changes that has the machine's lock. So a guest that moves a device to where RAM is hides nothing. Host
 * pointers are borrowed. What devices do is not known here: a region of one only carries numbers.
 *
 * Each page of RAM can have a byte of flags, which every thread may read and change without a lock: so whoever writes
 * to a page, be it a cpu's slow path or a device's worker, knows at once whether that matters to anybody.
 */
#ifndef MEM_PHYS_H
#define MEM_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PHYS_FIXED = 16, PHYS_MOVABLE = 128, PHYS_PAGE_SHIFT = 12 };
enum phys_kind { PHYS_RAM, PHYS_ROM, PHYS_DEVICE };

struct phys_region {
    uint64_t start, size;
    uint8_t *host;   /* RAM and ROM: host address of the first byte */
    uint8_t *pages;  /* RAM: flags of its pages (enum phys_page), by number from `start` on; or NULL */
    unsigned device; /* PHYS_DEVICE: its number */
    enum phys_kind kind;
    unsigned number; /* PHYS_DEVICE: which of the device's regions it is */
};
struct phys {
    struct phys_region fixed[PHYS_FIXED], movable[PHYS_MOVABLE];
    unsigned nfixed, nmovable;
    unsigned ram; /* a fixed one of RAM that nothing hides, found without a search: its place in the list + 1; or 0 */
};

/** Flags of a page. A set one may be out of date, a clear one never is: whoever is to be told of writes sets it first,
    takes the right to write from all TLBs, and only then looks at the page. */
enum phys_page {
    PHYS_PAGE_CODE = 1 /* there may be translations of what is there */
};

/** Adds a fixed region behind those that are there. False when there is no room for it or it wraps around. */
bool phys_add(struct phys *p, struct phys_region region);
/** Maps a region of a device, behind those that are there, or takes it away: by the device's number and its own. False:
    there is no room for it, or it wraps around. */
bool phys_map(struct phys *p, struct phys_region region);
void phys_unmap(struct phys *p, unsigned device, unsigned number);
/** The region that has all of [address, address + size), with none of these bytes hidden; or NULL. */
const struct phys_region *phys_find(const struct phys *p, uint64_t address, uint64_t size);
/* Without a lock: */
/** Host address of `size` bytes of RAM, or NULL if they are not all RAM. */
uint8_t *phys_ram(const struct phys *p, uint64_t address, uint64_t size);
/** Host address of `size` bytes that can be read and executed: RAM or ROM; or NULL. */
const uint8_t *phys_readable(const struct phys *p, uint64_t address, uint64_t size);

/** Gives every region of RAM that begins with a page flags, all clear; and takes them away. False: no memory. */
bool phys_track(struct phys *p);
void phys_untrack(struct phys *p);
/** The flags of the page with this address; NULL where it is no RAM or has none. */
uint8_t *phys_page(const struct phys *p, uint64_t address);
static inline bool phys_page_has(const uint8_t *flags, enum phys_page which) {
    return __atomic_load_n(flags, __ATOMIC_SEQ_CST) & which;
}
static inline void phys_page_set(uint8_t *flags, enum phys_page which) {
    __atomic_fetch_or(flags, (uint8_t)which, __ATOMIC_SEQ_CST);
}
static inline void phys_page_clear(uint8_t *flags, enum phys_page which) {
    __atomic_fetch_and(flags, (uint8_t)~which, __ATOMIC_SEQ_CST);
}

#endif
