/* phys.h - physical memory of a machine: which addresses are RAM, which ROM, which belong to devices.
 *
 * A short list of regions, made once when the machine is built and searched from the front, so that a small region
 * (a device within RAM) hides what a later one has at the same addresses. Host pointers are borrowed. What devices do
 * is not known here: a device region only carries a number.
 */
#ifndef MEM_PHYS_H
#define MEM_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PHYS_REGIONS = 32 };
enum phys_kind { PHYS_RAM, PHYS_ROM, PHYS_DEVICE };

struct phys_region {
    uint64_t start, size;
    uint8_t *host;   /* RAM and ROM: host address of the first byte */
    unsigned device; /* PHYS_DEVICE: its number */
    enum phys_kind kind;
};
struct phys {
    struct phys_region region[PHYS_REGIONS];
    unsigned count;
};

/** Adds a region behind those that are there. False when there is no room for it or it wraps around. */
bool phys_add(struct phys *p, struct phys_region region);
/** The region that has all of [address, address + size), with none of these bytes hidden; or NULL. */
const struct phys_region *phys_find(const struct phys *p, uint64_t address, uint64_t size);
/** Host address of `size` bytes of RAM, or NULL if they are not all RAM. */
uint8_t *phys_ram(const struct phys *p, uint64_t address, uint64_t size);
/** Host address of `size` bytes that can be read and executed: RAM or ROM; or NULL. */
const uint8_t *phys_readable(const struct phys *p, uint64_t address, uint64_t size);

#endif
