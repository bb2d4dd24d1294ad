/* effect.h - what something reads and writes, as sets of places: fields of the guest's table, and what every cpu has.
 *
 * A field's place is its number in the guest's table plus FIELD_PLACES. Memory, the clock and what else an interface
 * answers are places too, as a whole: a load reads PLACE_MEMORY. Helpers and the functions of a guest's table declare
 * their sets; those of uops follow from their rows (uop_effect). Translators go by them, and builds with checks
 * (VEE_CHECK) note what is touched in cpu->noted, where the interpreter compares it with what was declared.
 */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state_place {
    PLACE_PC,
    PLACE_FP_FLAGS, /* accrued */
    PLACE_RESERVE,  /* of lr */
    PLACE_FRAME,    /* which frame is the current one */
    PLACE_ACTIONS,  /* what a change asks of the engine (enum field_flag) */
    PLACE_SLOTS,    /* of the current frame, and behind it */
    PLACE_MEMORY,   /* the guest's */
    PLACE_FIXED,    /* slots that are no state: what does not change once the cpu is made */
    PLACE_OUTSIDE,  /* clocks, counters, devices: what the interface says or is told */
    FIELD_PLACES = 16
};

typedef unsigned __int128 place_set;
enum { PLACE_SET_SIZE = 128 };
#define IN_SET(place) ((place_set)1 << (place))

struct effect {
    place_set reads, writes;
};

/* A stretch in which what is touched is noted: an instruction, a helper, a function of the guest's table. Those inside
   others count for these, too. */
struct noting {
    struct effect seen;
    struct effect *outer;
};

struct cpu;
struct guest;
struct uop;

void noting_begin(struct cpu *cpu, struct noting *n);
/** Ends the process, with a message that names `what` and the places, if more was touched than declared. `number` is
   for cpu->seen: a helper's, or that of a function of the guest's table behind all helpers. */
void noting_end(struct cpu *cpu, struct noting *n, const struct effect *declared, const char *what, unsigned number);
/** The same for what has no number. */
void noting_check(const struct cpu *cpu, const struct effect *seen, const struct effect *declared, const char *what,
                  uint64_t pc);

/** What a uop reads and writes, by its row, slot or helper. */
struct effect uop_effect(const struct guest *guest, const struct uop *u);
/** The name of a place, and of its class. */
const char *place_name(const struct guest *guest, unsigned place);
const char *place_class(const struct guest *guest, unsigned place);
/** The names of the places in a set, separated by spaces; "-" if there are none. */
const char *set_names(const struct guest *guest, place_set set, char *text, size_t size);

static inline bool set_has(place_set set, unsigned place) {
    return set >> place & 1;
}

#endif
