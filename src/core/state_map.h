/* state_map.h - where the architected state is at an exit: for each slot a register, memory, a constant, or a recipe.
 *
 * Whoever needs the state of a guest that was stopped in translated code asks a map, not the code: fault handlers
 * (engine/fault.c), debuggers (engine/look.c). A slot that the map does not name is where it belongs: in the cpu's
 * memory. The baseline tier has two maps, the same for all of its exits: while its code runs the pinned slots are in
 * their registers; once it has been left, by code that is this map written out, everything is in its place.
 *
 * A tier that keeps values elsewhere gives its exits maps of their own: a put that no exit's reader would miss needs no
 * code then, only an entry. A recipe is a PURE uop over entries before it; so what is computed for nobody but an exit
 * is computed when that is taken. The state must be whole in the map: a recipe reads entries, never slots.
 *
 * Reading changes nothing, takes no memory and asks nobody, so fault handlers can. Not here: pc and counts, which marks
 * tell, and accrued flags in the host's status, which the host merges when its code is left.
 */
#ifndef CORE_STATE_MAP_H
#define CORE_STATE_MAP_H

#include "core/guest.h"

enum state_kind {
    STATE_MEMORY,   /* `at`: offset in the guest's cpu struct */
    STATE_REGISTER, /* `at`: the host's number of one of the type's bank */
    STATE_CONSTANT, /* `at`: where its cells begin in the map's */
    STATE_RECIPE
};

struct state_entry {
    uint8_t kind; /* enum state_kind */
    uint8_t type; /* enum type of the value */
    uint8_t x; /* STATE_RECIPE: the uop's, its operation, and its operands: numbers of entries before this one, + 1 */
    uint16_t op, a, b, c;
    uint32_t at;
};

enum { STATE_ENTRIES = 256 }; /* at most, in one map */

struct state_map {
    const uint16_t *of_slot; /* by slot: its entry + 1; 0: in its place. NULL: all are */
    const struct state_entry *entries;
    const uint64_t *cells; /* of constants */
    uint32_t nentries, ncells;
};

/** Everything is in its place. */
extern const struct state_map state_in_place;

/** What is read through a map: the cpu's memory, and registers as they were at the exit. */
struct state_source {
    const struct cpu *cpu;
    const void *registers;
    void (*read)(const void *registers, enum bank bank, unsigned reg, uint64_t cells[TYPE_CELLS]);
};

/** The value of a slot: the cells of its type, narrow ones zero-extended. */
void state_read(const struct state_map *map, const struct state_source *from, unsigned slot, uint64_t *cells);
/** Puts all slots in their places in from->cpu, which is `cpu`; then state_in_place is its map. */
void state_settle(const struct state_map *map, const struct state_source *from, struct cpu *cpu);
/** Checks what the above rely on; on failure writes to `why` what is wrong and returns false. */
bool state_map_check(const struct state_map *map, const struct guest *guest, char *why, size_t size);

#endif
