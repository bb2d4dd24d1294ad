/* code.h - instructions: what a row says (the tables are made from *.isa), decoding, encoding, text.
 *
 * An instruction is an opcode (one byte, or a prefix byte and a number) and its immediates. Decoding checks the form
 * only: that there are enough bytes and that each immediate is well-formed; whether the numbers mean something in the
 * module is for check.h.
 */
#ifndef GUEST_WASM_CODE_H
#define GUEST_WASM_CODE_H

#include "guest/wasm/reader.h"
#include "wasm_isa.h"

struct checker;
struct lifter;

/* Value types are their codes in the binary format. */
enum wasm_type {
    WASM_I32 = 0x7f,
    WASM_I64 = 0x7e,
    WASM_F32 = 0x7d,
    WASM_F64 = 0x7c,
    WASM_FUNCREF = 0x70,
    WASM_EXTERNREF = 0x6f,
    WASM_EMPTY = 0x40, /* block type: no value */
};

enum wasm_immediate {
    IMM_NONE,
    IMM_BLOCK, /* block type: in `block` */
    IMM_LABEL, /* this and the next seven: a number, in index[] */
    IMM_FUNC,
    IMM_TYPE,
    IMM_TABLE,
    IMM_LOCAL,
    IMM_GLOBAL,
    IMM_ELEM,
    IMM_DATA,
    IMM_LABELS, /* vector of labels, then the default: in vector, count (without the default) */
    IMM_TYPES,  /* vector of value types: in vector, count */
    IMM_MEM,    /* a byte that must be 0 */
    IMM_MEMARG, /* alignment in index[0], offset in `value` */
    IMM_REF,    /* reference type: in index[0] */
    IMM_I32,    /* constants: in `value`, as bits, zero-extended */
    IMM_I64,
    IMM_F32,
    IMM_F64
};

struct wasm_insn {
    uint16_t row; /* enum wasm_row */
    uint8_t nindex;
    uint32_t length;
    uint32_t index[2]; /* numbers in the order of the immediates */
    int64_t block;     /* a value type or WASM_EMPTY as negative numbers (see block_is_type), else a type's index */
    uint64_t value;
    const uint8_t *vector; /* first item; the items have been checked */
    uint32_t count;
};

struct wasm_row_info {
    const char *name;
    uint8_t prefix, opcode;          /* prefix 0: none */
    uint8_t immediates[2];           /* enum wasm_immediate */
    uint8_t align;                   /* log2 of the natural alignment */
    uint8_t operands[4], results[2]; /* types, 0 ends; empty when `check` is there */
    int8_t effect;                   /* operands pushed less those popped, mostly: where not, the side table says */
    int8_t exact; /* -1: cannot exit; n: the frame is made exact before it, but for the n topmost operands */
    bool (*check)(struct checker *k, const struct wasm_insn *i);
    void (*lift)(struct lifter *l, const struct wasm_insn *i);
};

extern const struct wasm_row_info wasm_rows[ROW_COUNT];
extern const uint16_t wasm_opcodes[256];         /* row + 1 by first byte */
extern const uint16_t *const wasm_prefixes[256]; /* by prefix: row + 1 by number */
extern const char *const wasm_unsupported[256];  /* by first byte: the feature that is left out */

/** Decodes the instruction at r->at. False: r says why. */
bool wasm_decode(struct wasm_reader *r, struct wasm_insn *i);
/** Writes the instruction; returns its length, 0 if it does not fit. `vector` is copied as it is. */
size_t wasm_encode(const struct wasm_insn *i, uint8_t *out, size_t size);
/** Its text, as in the text format, indices as numbers. */
void wasm_text(const struct wasm_insn *i, char *text, size_t size);
const char *wasm_type_name(uint8_t type);
bool wasm_is_value_type(uint8_t type);
/** The value type that a negative block type stands for. */
static inline uint8_t block_value_type(int64_t block) {
    return (uint8_t)(block & 0x7f);
}

#endif
