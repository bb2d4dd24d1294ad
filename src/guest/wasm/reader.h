/* reader.h - reading a module's bytes, none of which are to be trusted.
 *
 * Every read is checked against the end; the first thing wrong is kept as a text "FILE: offset 0xN: what" and from then
 * on reads yield zeros, so that callers may check once per item. Numbers are LEB128 in the form that the binary format
 * requires: at most as many bytes as their width needs, unused bits of the last one a sign extension.
 */
#ifndef GUEST_WASM_READER_H
#define GUEST_WASM_READER_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wasm_reader {
    const uint8_t *bytes;
    size_t at, end; /* offsets from `bytes`; end may be narrowed to a section */
    const char *file;
    struct error *error; /* NULL: nobody wants the text */
    bool failed;
};

/** A string of the module: not terminated, valid UTF-8. */
struct wasm_name {
    const char *text;
    uint32_t length;
};

/** Notes a fault at offset `at`. Returns false. */
bool wasm_fault(struct wasm_reader *r, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
uint8_t read_byte(struct wasm_reader *r);
uint32_t read_u32(struct wasm_reader *r);
int32_t read_s32(struct wasm_reader *r);
int64_t read_s33(struct wasm_reader *r);
int64_t read_s64(struct wasm_reader *r);
/** Little-endian, `size` bytes (4 or 8). */
uint64_t read_fixed(struct wasm_reader *r, unsigned size);
/** `size` bytes, or NULL when there are fewer. */
const uint8_t *read_bytes(struct wasm_reader *r, uint32_t size);
/** A number of items of at least `item` bytes each: a larger one than can follow is a fault. */
uint32_t read_count(struct wasm_reader *r, unsigned item, const char *what);
struct wasm_name read_name(struct wasm_reader *r);

#endif
