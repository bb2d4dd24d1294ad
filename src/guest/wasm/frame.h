/* frame.h - the frame of a function on the guest stack, in slots of 8 bytes (narrow values zero-extended):
 *
 *     params | header | other locals | operands | room for a callee's header
 *
 * Frames overlap: a call's arguments, on top of the caller's operands, are the callee's first slots, and its results
 * come back in the same place, from slot 0 of its frame on. The header is {distance to the caller's frame in bytes,
 * return pc} and lies behind the parameters, so direct and indirect calls, tail calls and host functions share one
 * shape. It holds no host address. The function is known from the pc: the current one, or the callee's return pc.
 * Slots above the operands that the pc's height allows are dead, and so are a trapping instruction's own operands.
 */
#ifndef GUEST_WASM_FRAME_H
#define GUEST_WASM_FRAME_H

#include "guest/wasm/module.h"

enum { FRAME_DISTANCE, FRAME_RETURN, FRAME_HEADER }; /* slots of the header, their number */

static inline uint32_t frame_local_slot(const struct wasm_type_info *t, uint32_t local) {
    return local < t->nparams ? local : local + FRAME_HEADER;
}
/** The slot of the lowest operand. */
static inline uint32_t frame_operand_slot(const struct wasm_function *f) {
    return f->nlocals + FRAME_HEADER;
}

#endif
