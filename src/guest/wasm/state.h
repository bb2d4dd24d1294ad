/* state.h - the wasm cpu. Its architected state is the pc, the frames on the guest stack (frame.h) and what the store
 * holds; of its own it has only which instance's memory is bound to memory space 0.
 */
#ifndef GUEST_WASM_STATE_H
#define GUEST_WASM_STATE_H

#include "core/cpu.h"
#include "core/fields.h"

struct wasm_store;

#define WASM_FIELDS(FIELD, ARRAY) FIELD(uint32_t, instance, HIDDEN, 0, 0, 0, 0)

struct wasm_cpu {
    struct cpu c;
    FIELDS_RAW_STRUCT(WASM_FIELDS)
    struct wasm_store *store; /* what helpers work on; part of the state by its owner */
    uint8_t *area;            /* of the store */
};

/* wasm_get_NAME(cpu), wasm_set_NAME(cpu, value). */
#define WASM_PLACE_FIELD(type, name, ...)  WASM_FIELD_##name,
#define WASM_PLACE_ARRAY(type, name, ...)  WASM_FIELD_##name,
#define WASM_ACCESS_FIELD(type, name, ...) FIELD_ACCESS(wasm, struct wasm_cpu, FIELD_PLACES + WASM_FIELD_##name, type, name)
#define WASM_ACCESS_ARRAY(type, name, n, ...)                                                                          \
    FIELD_ACCESS_ARRAY(wasm, struct wasm_cpu, FIELD_PLACES + WASM_FIELD_##name, type, name)
enum wasm_field { WASM_FIELDS(WASM_PLACE_FIELD, WASM_PLACE_ARRAY) WASM_FIELD_COUNT };
WASM_FIELDS(WASM_ACCESS_FIELD, WASM_ACCESS_ARRAY)

enum wasm_slot { WASM_SLOT_FRAME, WASM_SLOT_AREA, WASM_SLOT_FRAME_LIMIT, WASM_SLOT_COUNT };

/* The memory of the current instance; and where addresses are the host's, for the area and nothing else. */
enum wasm_space { WASM_SPACE_MEMORY, WASM_SPACE_HOST };

static inline struct wasm_cpu *wasm_of(struct cpu *cpu) {
    return (struct wasm_cpu *)cpu;
}

#endif
