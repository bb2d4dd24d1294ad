/* wasm.h - the door of guest/wasm: what WebAssembly code means.
 *
 * A module is read and checked once (module.h); instances of it live in a store (store.h); the lifter turns the code of
 * an instance, which is builder.unit, into micro-ops. Imports, WASI and printing are the interface's, in language/.
 */
#ifndef GUEST_WASM_WASM_H
#define GUEST_WASM_WASM_H

#include "core/guest.h"
#include "guest/wasm/frame.h"
#include "guest/wasm/module.h"
#include "guest/wasm/state.h"
#include "guest/wasm/store.h"

extern const struct guest guest_wasm;

unsigned wasm_lift(struct builder *b, const uint8_t *bytes, size_t avail);
void wasm_flush(struct builder *b);
unsigned wasm_disassemble(char *text, size_t size, uint64_t pc, const uint8_t *bytes, size_t avail, const void *unit);

#endif
