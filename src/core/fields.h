/* fields.h - state declared as rows, so that nothing undeclared can exist. This file has the rows of registers, of
 * which structs are made; object.h has the rows of all other structs.
 *
 * A guest (or device) writes its state once, as a macro of rows
 *
 *   #define MY_FIELDS(FIELD, ARRAY)                                                                  \
 *       FIELD(uint64_t, mscratch, MAP, 0, ctx_bits, reset, write_mask)                               \
 *       ARRAY(uint64_t, x, 32, GPR, 0, 0, 0, ~0ull)
 *
 * and gets the struct (FIELDS_STRUCT), the table (FIELDS_TABLE) and so reset, snapshot, trace, digest, replay and the
 * debugger, all of which walk the table and name no field. Of a guest's cpu (FIELDS_RAW_STRUCT, FIELDS_RAW_TABLE) the
 * members are called raw_NAME, and only accessors (FIELD_ACCESS) name them: so builds with checks see every access, and
 * compare it with what instructions and helpers declare (core/effect.h). tool/check_layers.py refuses any other use.
 * ctx_bits says how many low bits of the field belong to the context that code is translated under (0: none); they are
 * packed in row order from CTX_GUEST_SHIFT on by FIELDS_PACK, so no packing code exists either.
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
    FIELD_REMAP = 8        /* code may be elsewhere (cpu->soft.remapped); the guest has seen to the TLB itself */
};

/** What a row says of its member. Rows of registers are numbers; the others: object.h. */
enum field_kind {
    FIELD_NUMBERS, /* `count` numbers of `size` bytes each, as they are */
    FIELD_VALUES,  /* `count` numbers that stand for what is there: `value` says them */
    FIELD_OBJECTS, /* `count` objects of type `of`, in place */
    FIELD_LIST,    /* objects of type `of`, anywhere: `next` finds one after the other */
    FIELD_BYTES,   /* bytes, in place or elsewhere: `bytes` shows them, piece by piece */
    FIELD_VARIANT  /* an object of which `variant` says the type */
};
struct visitor;
struct object_type;
struct any_object;

struct field {
    const char *name;
    uint32_t offset; /* from the start of the containing struct */
    uint32_t size;   /* of one element, bytes; of numbers: 1, 2, 4 or 8 */
    uint32_t count;
    uint8_t kind;  /* enum field_kind */
    uint8_t class; /* enum field_class */
    uint8_t flags; /* enum field_flag */
    uint8_t ctx_bits;
    uint64_t reset;
    uint64_t write_mask; /* bits that software can change (WARL) */
    const struct object_type *(*of)(void);
    union {
        uint64_t (*value)(const struct visitor *v, const void *object, unsigned index);
        void *(*next)(const struct visitor *v, void *object,
                      void *previous); /* NULL: the first; returns NULL: no more */
        void (*bytes)(struct visitor *v, const struct field *f, void *object);
        struct any_object (*variant)(void *object);
    };
};

#define FIELDS_STRUCT_FIELD(type, name, class, flags, ctx, reset, mask)    type name;
#define FIELDS_STRUCT_ARRAY(type, name, n, class, flags, ctx, reset, mask) type name[n];
#define FIELDS_STRUCT(rows)                                                rows(FIELDS_STRUCT_FIELD, FIELDS_STRUCT_ARRAY)

/* In the table's macros FIELDS_OF must be defined as the struct type that contains the fields. */
#define FIELDS_ROW(label, at, type, n, is, asks, bits, first, mask)                                                    \
    {.name = label,                                                                                                    \
     .offset = at,                                                                                                     \
     .size = sizeof(type),                                                                                             \
     .count = n,                                                                                                       \
     .class = CLASS_##is,                                                                                              \
     .flags = asks,                                                                                                    \
     .ctx_bits = bits,                                                                                                 \
     .reset = first,                                                                                                   \
     .write_mask = mask},
#define FIELDS_TABLE_FIELD(type, name, ...)    FIELDS_ROW(#name, offsetof(FIELDS_OF, name), type, 1, __VA_ARGS__)
#define FIELDS_TABLE_ARRAY(type, name, n, ...) FIELDS_ROW(#name, offsetof(FIELDS_OF, name), type, n, __VA_ARGS__)
#define FIELDS_TABLE(rows)                     rows(FIELDS_TABLE_FIELD, FIELDS_TABLE_ARRAY)

/* The same for a cpu, whose members belong to the accessors. */
#define FIELDS_RAW_STRUCT_FIELD(type, name, class, flags, ctx, reset, mask)    type raw_##name;
#define FIELDS_RAW_STRUCT_ARRAY(type, name, n, class, flags, ctx, reset, mask) type raw_##name[n];
#define FIELDS_RAW_STRUCT(rows)                                                rows(FIELDS_RAW_STRUCT_FIELD, FIELDS_RAW_STRUCT_ARRAY)
#define FIELDS_RAW_TABLE_FIELD(type, name, ...)                                FIELDS_ROW(#name, FIELD_OFFSET(FIELDS_OF, name), type, 1, __VA_ARGS__)
#define FIELDS_RAW_TABLE_ARRAY(type, name, n, ...)                                                                     \
    FIELDS_ROW(#name, FIELD_OFFSET(FIELDS_OF, name), type, n, __VA_ARGS__)
#define FIELDS_RAW_TABLE(rows)   rows(FIELDS_RAW_TABLE_FIELD, FIELDS_RAW_TABLE_ARRAY)
#define FIELD_OFFSET(type, name) offsetof(type, raw_##name)

/* prefix_get_NAME and prefix_set_NAME of a cpu whose member `c` is a struct cpu; `place` is the field's in the table.
 */
#define FIELD_ACCESS(prefix, cpu_type, place, type, name)                                                              \
    static inline type prefix##_get_##name(const cpu_type *cpu) {                                                      \
        cpu_note(&cpu->c, place, NOTE_READ);                                                                           \
        return cpu->raw_##name;                                                                                        \
    }                                                                                                                  \
    static inline void prefix##_set_##name(cpu_type *cpu, type value) {                                                \
        cpu_note(&cpu->c, place, NOTE_WRITE);                                                                          \
        cpu->raw_##name = value;                                                                                       \
    }
#define FIELD_ACCESS_ARRAY(prefix, cpu_type, place, type, name)                                                        \
    static inline type prefix##_get_##name(const cpu_type *cpu, unsigned i) {                                          \
        cpu_note(&cpu->c, place, NOTE_READ);                                                                           \
        return cpu->raw_##name[i];                                                                                     \
    }                                                                                                                  \
    static inline void prefix##_set_##name(cpu_type *cpu, unsigned i, type value) {                                    \
        cpu_note(&cpu->c, place, NOTE_WRITE);                                                                          \
        cpu->raw_##name[i] = value;                                                                                    \
    }

/* Packs the context bits of *(s) into (ctx), a uint64_t lvalue, using (shift), an unsigned lvalue. */
#define FIELDS_PACK_FIELD(type, name, class, flags, ctxbits, reset, mask)                                              \
    if (ctxbits) {                                                                                                     \
        pack_ctx |= ((uint64_t)pack_from->raw_##name & ((1ull << (ctxbits)) - 1)) << pack_shift;                       \
        pack_shift += (ctxbits);                                                                                       \
    }
#define FIELDS_PACK_ARRAY(type, name, n, class, flags, ctxbits, reset, mask)

/* A struct of these has one char for each context bit: offsetof and sizeof say where FIELDS_PACK puts a field. */
#define FIELDS_LAYOUT_FIELD(type, name, class, flags, ctxbits, reset, mask) char name[ctxbits];
#define FIELDS_LAYOUT_ARRAY(type, name, n, class, flags, ctxbits, reset, mask)

/* FIELDS_WHOLE(struct x, FIELDS_INIT(X_FIELDS)): nothing but the rows is in the struct; or what else there is has an
   initializer. One that is too short is an error (-Wmissing-field-initializers). */
#define FIELDS_INIT_FIELD(...) 1,
#define FIELDS_INIT_ARRAY(...) {1},
#define FIELDS_INIT(rows)      rows(FIELDS_INIT_FIELD, FIELDS_INIT_ARRAY)
#define FIELDS_WHOLE(of, ...)  _Static_assert(sizeof((of){__VA_ARGS__}) == sizeof(of), "")

/** Sets every field of the object to its reset value. */
void fields_reset(void *object, const struct field *fields, unsigned count);
uint64_t field_get(const void *object, const struct field *f, unsigned index);
void field_set(void *object, const struct field *f, unsigned index, uint64_t value);
/** The field with this name, or NULL. */
const struct field *field_find(const struct field *fields, unsigned count, const char *name);

#endif
