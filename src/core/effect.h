/* effect.h - what something reads and writes, as sets of places: fields of the guest's table, and what every cpu has.
 *
 * A field's place is its number in the guest's table plus FIELD_PLACES. Memory, the clock and what else an interface answers
 * are places too, as a whole: a load reads PLACE_MEMORY. Helpers and the functions of a guest's table declare their
 * sets; those of uops follow from their rows (uop_effect). Translators go by them, and builds with checks (VEE_CHECK)
 * note what is touched in cpu->noted, where the interpreter compares it with what was declared.
 */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include <stdbool.h>

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

static inline bool set_has(place_set set, unsigned place) {
    return set >> place & 1;
}

#endif
