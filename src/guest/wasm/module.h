/* module.h - a module: read, checked, immutable. One per file; instances (store.h) share it.
 *
 * Names and function bodies stay in the file's bytes; all else is in the module's arena. Index spaces (functions,
 * tables, memories, globals) start with the imports, as the specification says.
 *
 * A function's side table is what makes its bytes executable from any point: `points`, in order of `pc`, say how many
 * operands lie on the stack there and where branches lead (enum wasm_point_kind). pcs are offsets in the file. Branches
 * are listed at the byte of their label, not of their opcode, so that a conditional branch that has values to move (or
 * returns) can lead there: the label's byte then acts as an unconditional branch. Jump tables are listed likewise.
 */
#ifndef GUEST_WASM_MODULE_H
#define GUEST_WASM_MODULE_H

#include "base/arena.h"
#include "guest/wasm/code.h"
#include <string.h>

enum wasm_limit {
    WASM_MAX_FILE = 1 << 30, /* code offsets stay below WASM_STUB (store.h) */
    WASM_MAX_TYPES = 1 << 20,
    WASM_MAX_ITEMS = 1 << 20,  /* functions, globals, imports, exports, segments */
    WASM_MAX_TABLES = 1 << 12, /* this and items: as wide as helpers take them (store.h) */
    WASM_MAX_VALUES = 1000,    /* parameters, and results, of a type */
    WASM_MAX_LOCALS = 50000,   /* of a function, parameters included */
    WASM_MAX_OPERANDS = 60000, /* at once on a function's stack */
    WASM_MAX_LOCAL_BYTES = 60000,
    WASM_MAX_PAGES = 65536,      /* of 64 KiB: the specification's own */
    WASM_MAX_ELEMENTS = 10000000 /* of a table */
};

struct wasm_type_info {
    const uint8_t *params, *results;
    uint32_t nparams, nresults;
};

struct wasm_limits {
    uint32_t min, max;
    bool has_max;
};

struct wasm_table_type {
    uint8_t type;
    struct wasm_limits limits;
};

struct wasm_global_type {
    uint8_t type;
    bool is_mutable;
};

/** A constant expression: one instruction. */
struct wasm_init {
    enum { INIT_VALUE, INIT_GLOBAL, INIT_FUNCTION } kind;
    uint64_t value; /* the value's bits (0 for a null reference), or an index */
};

enum wasm_kind { WASM_FUNCTION, WASM_TABLE, WASM_MEMORY, WASM_GLOBAL };

struct wasm_import {
    struct wasm_name module, name;
    enum wasm_kind kind;
    uint32_t index; /* in its index space */
};

struct wasm_export {
    struct wasm_name name;
    enum wasm_kind kind;
    uint32_t index;
};

enum wasm_point_kind {
    POINT_HERE,   /* height only */
    POINT_IF,     /* leads to `target` if its operand is zero */
    POINT_JUMP,   /* else: leads to `target` */
    POINT_BRANCH, /* at a label: leads to `target`, where `arity` operands are moved down to height `to` */
    POINT_RETURN, /* at a label: the branch returns */
    POINT_TABLE   /* br_table: `target` is where its jump table starts in wasm_module.jumps */
};

struct wasm_point {
    uint32_t pc;
    uint32_t kind;   /* enum wasm_point_kind */
    uint32_t height; /* operands before the instruction; at a label: after its condition or index is popped */
    uint32_t target, to, arity;
};

/** A run of locals of one type: those up to (not including) `end`, from where the run before ends. */
struct wasm_locals {
    uint32_t end;
    uint8_t type;
};

struct wasm_function {
    uint32_t type;
    uint32_t entry, code, end;        /* defined ones: offsets of local declarations, first instruction, end of body */
    uint32_t nlocals;                 /* parameters included */
    const struct wasm_locals *locals; /* those that are not parameters */
    uint32_t nruns;
    uint32_t slots; /* of its frame, with room for the header of a callee's: see frame.h */
    const struct wasm_point *points;
    uint32_t npoints;
};

enum wasm_segment_mode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARED };

struct wasm_elem {
    enum wasm_segment_mode mode;
    uint8_t type;
    uint32_t table;
    struct wasm_init offset;
    struct wasm_init *items;
    uint32_t count;
};

struct wasm_data {
    enum wasm_segment_mode mode;
    struct wasm_init offset;
    const uint8_t *bytes;
    uint32_t size;
};

struct wasm_module {
    struct arena arena;
    const char *file; /* for messages */
    const uint8_t *bytes;
    size_t size;
    struct wasm_type_info *types;
    struct wasm_import *imports;
    struct wasm_function *functions;
    struct wasm_table_type *tables;
    struct wasm_limits *memories;
    struct wasm_global_type *globals;
    struct wasm_init *global_inits; /* of globals [nimported[WASM_GLOBAL], nglobals) */
    struct wasm_export *exports;
    struct wasm_elem *elems;
    struct wasm_data *datas;
    uint32_t ntypes, nimports, nfunctions, ntables, nmemories, nglobals, nexports, nelems, ndatas;
    uint32_t nimported[4]; /* by enum wasm_kind */
    uint32_t start;        /* function, or UINT32_MAX */
    uint32_t data_count;   /* from the data count section, or UINT32_MAX */
    uint8_t *referenced;   /* by function: ref.func may name it */
    uint32_t *jumps;       /* jump tables: pcs */
    uint32_t njumps;
};

/** Reads and checks a module. `bytes` and `file` must live as long as the module. NULL with *error. */
struct wasm_module *wasm_module_read(const uint8_t *bytes, size_t size, const char *file, struct error *error);
void wasm_module_free(struct wasm_module *m);
static inline bool wasm_name_is(struct wasm_name n, const char *text) {
    return strlen(text) == n.length && !memcmp(n.text, text, n.length);
}
/** The defined function whose body [entry, end) holds the offset, or NULL. */
const struct wasm_function *wasm_function_at(const struct wasm_module *m, uint32_t pc);
static inline uint32_t wasm_function_index(const struct wasm_module *m, const struct wasm_function *f) {
    return (uint32_t)(f - m->functions);
}
uint8_t wasm_local_type(const struct wasm_module *m, const struct wasm_function *f, uint32_t local);
/** The export with this name, or NULL. */
const struct wasm_export *wasm_export_find(const struct wasm_module *m, const char *name, size_t length);
/** A function's name in the module's name section, for messages; length 0: none. */
struct wasm_name wasm_function_name(const struct wasm_module *m, uint32_t function);
bool wasm_type_equal(const struct wasm_type_info *a, const struct wasm_type_info *b);
/** The point at exactly this pc, or NULL. */
const struct wasm_point *wasm_point_at(const struct wasm_function *f, uint32_t pc);
/** Operands on the stack before the instruction at pc, which must be reachable code of the function. */
uint32_t wasm_height_at(const struct wasm_module *m, const struct wasm_function *f, uint32_t pc);

#endif
