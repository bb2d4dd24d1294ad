/* fields.h - state declared as rows, so that nothing undeclared can exist.
 *
 * A guest (or device) writes its state once, as a macro of rows
 *
 *   #define MY_FIELDS(FIELD, ARRAY)                                                                  \
 *       FIELD(uint64_t, mscratch, MAP, 0, ctx_bits, reset, write_mask)                               \
 *       ARRAY(uint64_t, x, 32, GPR, 0, 0, 0, ~0ull)
 *
 * and gets the struct (FIELDS_STRUCT), the table (FIELDS_TABLE) and so reset, snapshot, trace, digest, replay and the
 * debugger, all of which walk the table and name no field. ctx_bits says how many low bits of the field belong to the
 * context that code is translated under (0: none); they are packed in row order from CTX_GUEST_SHIFT on by
 * FIELDS_PACK, so no packing code exists either.
 */
#ifndef CORE_FIELDS_H
#define CORE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

struct cpu;

enum field_class {
    CLASS_GPR,      /* integer and FP registers that user code names */
    CLASS_PC,       /* program counter */
    CLASS_MODE,     /* privilege and operating mode */
    CLASS_MAP,      /* address mapping: page tables, protection */
    CLASS_RESOURCE, /* interrupts, timers, counters, devices */
    CLASS_TRAPCTL,  /* trap vectors, causes, saved pcs */
    CLASS_HIDDEN,   /* architected but not nameable by code: reservations */
    CLASS_TIME      /* depends on the clock */
};

enum field_flag {
    FIELD_RETRANSLATE = 1, /* a write ends the block: translated code depends on it */
    FIELD_FLUSH_TLB = 2,   /* a write drops the TLB */
    FIELD_RECHECK = 4,     /* a write may make an interrupt deliverable */
    FIELD_NO_DIGEST = 8    /* not part of the digest (host pointers, caches) */
};

struct field {
    const char *name;
    uint32_t offset; /* from the start of the containing struct */
    uint16_t size;   /* of one element, bytes: 1, 2, 4 or 8 */
    uint16_t count;
    uint8_t class; /* enum field_class */
    uint8_t flags; /* enum field_flag */
    uint8_t ctx_bits;
    uint64_t reset;
    uint64_t write_mask; /* bits that software can change (WARL) */
};

#define FIELDS_STRUCT_FIELD(type, name, class, flags, ctx, reset, mask)    type name;
#define FIELDS_STRUCT_ARRAY(type, name, n, class, flags, ctx, reset, mask) type name[n];
#define FIELDS_STRUCT(rows)                                                rows(FIELDS_STRUCT_FIELD, FIELDS_STRUCT_ARRAY)

/* In the table's macros FIELDS_OF must be defined as the struct type that contains the fields. */
#define FIELDS_TABLE_FIELD(type, name, class, flags, ctx, reset, mask)                                                 \
    {#name, offsetof(FIELDS_OF, name), sizeof(type), 1, CLASS_##class, flags, ctx, reset, mask},
#define FIELDS_TABLE_ARRAY(type, name, n, class, flags, ctx, reset, mask)                                              \
    {#name, offsetof(FIELDS_OF, name), sizeof(type), n, CLASS_##class, flags, ctx, reset, mask},
#define FIELDS_TABLE(rows) rows(FIELDS_TABLE_FIELD, FIELDS_TABLE_ARRAY)

/* Packs the context bits of *(s) into (ctx), a uint64_t lvalue, using (shift), an unsigned lvalue. */
#define FIELDS_PACK_FIELD(type, name, class, flags, ctxbits, reset, mask)                                              \
    if (ctxbits) {                                                                                                     \
        pack_ctx |= ((uint64_t)pack_from->name & ((1ull << (ctxbits)) - 1)) << pack_shift;                             \
        pack_shift += (ctxbits);                                                                                       \
    }
#define FIELDS_PACK_ARRAY(type, name, n, class, flags, ctxbits, reset, mask)

/* A struct of these has one char for each context bit: offsetof and sizeof say where FIELDS_PACK puts a field. */
#define FIELDS_LAYOUT_FIELD(type, name, class, flags, ctxbits, reset, mask) char name[ctxbits];
#define FIELDS_LAYOUT_ARRAY(type, name, n, class, flags, ctxbits, reset, mask)

/** Sets every field of the object to its reset value. */
void fields_reset(void *object, const struct field *fields, unsigned count);
uint64_t field_get(const void *object, const struct field *f, unsigned index);
void field_set(void *object, const struct field *f, unsigned index, uint64_t value);
/** The field with this name, or NULL. */
const struct field *field_find(const struct field *fields, unsigned count, const char *name);

#endif
