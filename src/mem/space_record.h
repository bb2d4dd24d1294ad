/* space_record.h - what space.c and space_remap.c share: the records and the host's side of a change. */
#ifndef MEM_SPACE_RECORD_H
#define MEM_SPACE_RECORD_H

#include "mem/space.h"

static inline uint64_t page_up(uint64_t v) {
    return (v + SPACE_PAGE - 1) & -(uint64_t)SPACE_PAGE;
}

/** Does this count as data for the limits: private, writable, and no stack? */
static inline bool record_is_data(const struct mapping *m) {
    return (m->rights & SPACE_W) && !(m->flags & (MAPPING_SHARED | MAPPING_GROWS_DOWN)) && m->origin != ORIGIN_STACK;
}
static inline bool record_has_offset(const struct mapping *m) {
    return m->dev || m->ino;
}

/** Index of the first record that ends above the address. */
unsigned record_above(const struct space *s, uint64_t address);
/** Is there room for every record that one call may add? */
bool record_room(const struct space *s);
/** Forgets what lies in [start, end); tells the hook if that was code. */
void record_erase(struct space *s, uint64_t start, uint64_t end);
/** Enters a record where there is none. */
void record_add(struct space *s, const struct mapping *m);
uint32_t record_generation(struct space *s);

/** Takes the guest's mappings in [start, end) from the host. */
int64_t host_unmap(struct space *s, uint64_t start, uint64_t end);
/** Makes a range inaccessible address space: in a window whatever was there, else only where nothing is. */
bool host_reserve(struct space *s, uint64_t start, uint64_t end);

bool range_allowed(const struct space *s, uint64_t start, uint64_t length);
bool limits_allow(const struct space *s, uint64_t total, uint64_t data);
/** Address of the hole to use for this length; 0 if there is none. */
uint64_t hole_find(const struct space *s, uint64_t length);

#endif
