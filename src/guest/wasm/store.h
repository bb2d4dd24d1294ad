/* store.h - what instances live in: memories, tables, globals, and one area of address space for all that code reaches
 * by constant addresses.
 *
 * The area's address is in the cpu, which lifted code adds to offsets (memory space 1). Its lower part holds cells of 8
 * bytes: globals, sizes of memories (in pages) and of tables; above lie the elements of tables (8 bytes each) and the
 * jump tables of br_table (4 bytes each). Nothing in it moves, so code holds offsets.
 *
 * pc = number of the instance << 32 | offset in the file. Offsets from WASM_STUB on stand for imported functions: code
 * there leaves to the interface, which does the call.
 *
 * A reference to a function is type << 44 | pc of its entry, the type as the store numbers it (from 1, equal types have
 * equal numbers), so that the check of an indirect call is one comparison. A reference to something outside is a number
 * of the interface's choice, not 0. 0 is null.
 */
#ifndef GUEST_WASM_STORE_H
#define GUEST_WASM_STORE_H

#include "base/error.h"
#include "core/guest.h"
#include "guest/wasm/module.h"
#include "guest/wasm/state.h"

enum wasm_pc {
    WASM_REF_TYPE_SHIFT = 44,
    WASM_MAX_INSTANCES = 4096 /* 44 - 32 bits */
};
#define WASM_STUB        0x80000000u /* + index of an imported function: its entry */
#define WASM_RETURN_STUB 0xc0000000u /* + index of its type: where a function of another instance returns to */
#define WASM_FINISH      0xffffffffu /* where the outermost function returns to */

enum { WASM_PAGE = 65536 };

struct wasm_memory {
    struct wasm_memory *next;
    uint8_t *base;
    struct wasm_limits limits; /* pages; the size is in the cell */
    uint32_t cell;             /* offset in the area of its size in pages */
};

struct wasm_table {
    struct wasm_table *next;
    struct wasm_table_type type; /* the size is in the cell */
    uint32_t cell;
    uint64_t elements; /* offset in the area */
};

struct wasm_global {
    struct wasm_global_type type;
    uint32_t cell;
};

struct wasm_instance {
    const struct wasm_module *module;
    struct wasm_store *store;
    uint32_t id;
    uint32_t *types; /* by the module's types: the store's numbers */
    struct wasm_memory *memory;
    struct wasm_table **tables;
    struct wasm_global **globals;
    uint64_t jumps; /* offset in the area of the module's jump tables */
    uint8_t *elem_dropped, *data_dropped;
    void *owner; /* the interface's: what imported functions are */
};

struct wasm_store {
    struct arena arena;
    uint8_t *area;
    uint64_t cells_used, elements_used; /* offsets */
    struct wasm_memory *memories;       /* in reverse order of making */
    struct wasm_table *tables;
    struct wasm_type_info *types; /* number - 1 */
    uint32_t *type_next;          /* number of the next type in the same bucket */
    uint32_t ntypes, type_cap;
    uint32_t type_buckets[1024]; /* number of the first */
    struct wasm_instance *instances[WASM_MAX_INSTANCES];
    uint32_t ninstances;
};

/** NULL with *error. */
struct wasm_store *wasm_store_make(struct error *error);
void wasm_store_free(struct wasm_store *s);
/** Binds the store to the cpu: memory space 1, helpers. */
void wasm_store_bind(struct wasm_store *s, struct cpu *cpu);
/** Binds memory space 0 to the memory of an instance. */
void wasm_instance_bind(const struct wasm_instance *in, struct cpu *cpu);

/* Making things. NULL or false: *error says what ran out. */
struct wasm_memory *wasm_memory_make(struct wasm_store *s, const struct wasm_limits *limits, struct error *error);
struct wasm_table *wasm_table_make(struct wasm_store *s, const struct wasm_table_type *type, struct error *error);
struct wasm_global *wasm_global_make(struct wasm_store *s, struct wasm_global_type type, uint64_t value,
                                     struct error *error);
/** An instance with empty places for tables, globals and memory, which the caller fills, numbers for types, and jump
    tables. It has its id, but is not found in the store until wasm_instance_add. */
struct wasm_instance *wasm_instance_make(struct wasm_store *s, const struct wasm_module *m, struct error *error);
void wasm_instance_add(struct wasm_instance *in);
/** The store's number for a type: equal types, equal numbers. 0 with *error. */
uint32_t wasm_type_number(struct wasm_store *s, const struct wasm_type_info *type, struct error *error);

static inline void *wasm_at(const struct wasm_store *s, uint64_t offset) {
    return s->area + offset;
}
static inline uint32_t wasm_size(const struct wasm_store *s, uint32_t cell) {
    return *(uint32_t *)wasm_at(s, cell);
}
static inline uint64_t wasm_pc(const struct wasm_instance *in, uint32_t offset) {
    return (uint64_t)in->id << 32 | offset;
}
static inline struct wasm_instance *wasm_instance_of(const struct wasm_store *s, uint64_t pc) {
    return pc >> 32 < s->ninstances ? s->instances[pc >> 32] : NULL;
}
/** Offset of a function's entry. */
uint32_t wasm_entry(const struct wasm_module *m, uint32_t function);
/** The reference to a function. */
uint64_t wasm_reference(const struct wasm_instance *in, uint32_t function);

/* Operations on memories and tables that may fail: false or -1 means that nothing has changed. */
uint32_t wasm_memory_grow(struct wasm_store *s, struct wasm_memory *memory, uint32_t pages);
uint32_t wasm_table_grow(struct wasm_store *s, struct wasm_table *table, uint32_t count, uint64_t value);
bool wasm_memory_init(struct wasm_instance *in, uint32_t segment, uint32_t to, uint32_t from, uint32_t count);
bool wasm_table_init(struct wasm_instance *in, uint32_t table, uint32_t segment, uint32_t to, uint32_t from,
                     uint32_t count);
/** The value of a constant expression. */
uint64_t wasm_init_value(const struct wasm_instance *in, const struct wasm_init *init);
/** `size` bytes of the instance's memory at an address, or NULL if they are not all there. */
uint8_t *wasm_memory_at(const struct wasm_instance *in, uint32_t address, uint64_t size);

/* The functions that lifted code calls (helper.c), with their operands. The first one is what the instruction names,
   with the number of the instance in its upper half; pairs are of 32 bits each, the first one low. */
enum wasm_helper {
    WASM_HELPER_zero_slots,  /* slot, count: of the current frame */
    WASM_HELPER_memory_grow, /* 0, pages; yields the old size or -1 */
    WASM_HELPER_memory_init, /* segment, {to, from}, count */
    WASM_HELPER_memory_copy, /* 0, {to, from}, count */
    WASM_HELPER_memory_fill, /* 0, {to, byte}, count */
    WASM_HELPER_data_drop,   /* segment */
    WASM_HELPER_table_init,  /* segment | table << 20, {to, from}, count */
    WASM_HELPER_table_copy,  /* table to | table from << 12, {to, from}, count */
    WASM_HELPER_table_grow,  /* table, count, reference; yields the old size or -1 */
    WASM_HELPER_table_fill,  /* table, {at, count}, reference */
    WASM_HELPER_elem_drop,   /* segment */
    WASM_HELPER_COUNT
};
enum { WASM_ELEM_BITS = 20, WASM_TABLE_BITS = 12 }; /* enough for WASM_MAX_ITEMS, WASM_MAX_TABLES */
extern const struct helper wasm_helpers[WASM_HELPER_COUNT];

#endif
