/* object.h - every struct that hangs on a vm, member by member: which are state, how they are found, and which are not.
 *
 * A struct stays plain C. Beside it stands a macro of rows, one for each member, in their order:
 *
 *   #define THING_ROWS(R)                                  R(KIND, member, ...)
 *       R(FIELD, level, RESOURCE)                          a number, of this class (fields.h)
 *       R(FIRST, limit, RESOURCE, UINT64_MAX)              one that is not 0 when everything begins
 *       R(ARRAY, levels, RESOURCE)                         an array of them
 *       R(VALUE, top, HIDDEN, top_of)                      a number that a function says, as the member holds none, or
 *       R(VALUES, handles, HIDDEN, handle_of)              not one that means anything elsewhere; an array of those
 *       R(OBJECT, console, console_type)                   an object in place, of this type;
 *       R(OBJECTS, pins, pin_type)                         an array of them
 *       R(LIST, parts, part_type, part_next)               objects that a function finds one after the other: behind
 *       R(LIST_IN, table, part_type, part_next)            one pointer, a list; or in an array of pointers
 *       R(BYTES, memory, memory_bytes)                     bytes that a function shows: behind a pointer,
 *       R(BYTES_IN, buffer, buffer_bytes)                  or an array of which not all means something
 *       R(VARIANT, device, device_variant)                 an object of which a function says the type
 *       R(HOST, cache, "reason")                           no state: vee's own, or it follows from what is;
 *       R(HOST_IN, caches, "reason")                       the same of an array or a struct
 *
 * and OBJECT_TYPE(thing_type, "thing", struct thing, THING_ROWS) makes thing_type(), its type. A member without a row
 * does not compile: the rows are an initializer of the struct, and one that is too short is an error
 * (-Wmissing-field-initializers, which names the member), as is one that is too long or of the wrong shape. Neither do
 * rows in another order, twice, or of nothing.
 *
 * No row yields a host address. What points to something that is part of the state elsewhere is a VALUE: its number
 * there. So whatever walks (digest, comparison, dump; in time save and restore) names no member and follows no pointer
 * of its own: object_walk visits everything, always in the same order.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "core/fields.h"

struct object_type {
    const char *name;
    size_t size;
    const struct field *fields;
    unsigned nfields;
};

/** An object of a type that is known when it is looked at. None: object is NULL. */
struct any_object {
    void *object;
    struct object_type type;
};

/** Whoever walks. Functions that it does not want are NULL. */
struct visitor {
    /** An object, the index-th of row f (NULL: the root), begins; and is over. */
    void (*enter)(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                  void *object);
    void (*leave)(struct visitor *v, const struct object_type *type);
    /** A number; at: where it is, or NULL if it is nowhere as such. */
    void (*number)(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value);
    /** A piece of a row of bytes; `at` says which: offsets or addresses, as the row likes. */
    void (*bytes)(struct visitor *v, const struct field *f, uint64_t at, const void *bytes, size_t size);
    void *root; /* what is walked: for rows that have to look further than their object */
};

/** Visits an object of this type and all that hangs on it; v->root is set already. */
void object_walk(struct visitor *v, const struct object_type *type, void *object);
/** Every number of it, in place or of a variant, is what it is when everything begins. */
void object_reset(const struct object_type *type, void *object);
/** Every such number of one object becomes what it is in another of the same type. */
void object_copy(const struct object_type *type, void *to, void *from);
/** For rows of bytes: shows a piece; shows the pages of memory that are not all zero, `at` is the first one's. */
void visit_bytes(struct visitor *v, const struct field *f, uint64_t at, const void *bytes, size_t size);
void visit_pages(struct visitor *v, const struct field *f, uint64_t at, const uint8_t *memory, uint64_t size);
/** What every cpu has, whatever its guest: and the guest's registers, which are in the same struct. */
const struct object_type *cpu_type(void);

/* ---- rows to tables */

/** The type is what a function of this name returns. Members of another struct have the rows' names, each once, in the
   same places; an initializer has as many. */
/* clang-format off */
#define OBJECT_TYPE(function, text, type, rows)                                                                        \
    const struct object_type *function(void) {                                                                         \
        typedef type object_self;                                                                                      \
        struct places { rows(OBJECT_MEMBER) };                                                                         \
        rows(OBJECT_PLACE)                                                                                             \
        static const struct field fields[] = {rows(OBJECT_ROW)};                                                       \
        static const struct object_type made = {text, sizeof(type), fields, sizeof fields / sizeof *fields};           \
        _Pragma("GCC diagnostic push")                                                                                 \
        _Pragma("GCC diagnostic ignored \"-Wmissing-braces\"") /* arrays of structs */                                 \
        (void)sizeof((object_self){rows(OBJECT_INIT)});                                                                \
        _Pragma("GCC diagnostic pop")                                                                                  \
        return &made;                                                                                                  \
    }
/* clang-format on */

#define OBJECT_MEMBER(kind, ...)      OBJECT_MEMBER_OF(__VA_ARGS__, )
#define OBJECT_MEMBER_OF(member, ...) __typeof__(((object_self *)0)->member) member;
#define OBJECT_PLACE(kind, ...)       OBJECT_PLACE_OF(__VA_ARGS__, )
#define OBJECT_PLACE_OF(member, ...)                                                                                   \
    _Static_assert(offsetof(struct places, member) == offsetof(object_self, member), "rows in another order");
#define OBJECT_ROW(kind, ...) OBJECT_ROW_##kind(__VA_ARGS__)
#define OBJECT_ROW_ONE(member, ...)                                                                                    \
    {.name = #member,                                                                                                  \
     .offset = offsetof(object_self, member),                                                                          \
     .size = sizeof(((object_self *)0)->member),                                                                       \
     .count = 1,                                                                                                       \
     __VA_ARGS__},
#define OBJECT_ROW_MANY(member, ...)                                                                                   \
    {.name = #member,                                                                                                  \
     .offset = offsetof(object_self, member),                                                                          \
     .size = sizeof(*((object_self *)0)->member),                                                                      \
     .count = sizeof(((object_self *)0)->member) / sizeof(*((object_self *)0)->member),                                \
     __VA_ARGS__},
/* The plus refuses what is no number: addresses, structs. */
#define OBJECT_ROW_FIELD(member, is)                                                                                   \
    OBJECT_ROW_ONE(member, .class = CLASS_##is + 0 * sizeof(+((object_self *)0)->member))
#define OBJECT_ROW_FIRST(member, is, value)                                                                            \
    OBJECT_ROW_ONE(member, .class = CLASS_##is + 0 * sizeof(+((object_self *)0)->member), .reset = value)
#define OBJECT_ROW_ARRAY(member, is)                                                                                   \
    OBJECT_ROW_MANY(member, .class = CLASS_##is + 0 * sizeof(+*((object_self *)0)->member))
#define OBJECT_ROW_VALUE(member, is, how)                                                                              \
    OBJECT_ROW_ONE(member, .kind = FIELD_VALUES, .class = CLASS_##is, .value = how)
#define OBJECT_ROW_VALUES(member, is, how)                                                                             \
    OBJECT_ROW_MANY(member, .kind = FIELD_VALUES, .class = CLASS_##is, .value = how)
#define OBJECT_ROW_OBJECT(member, type)       OBJECT_ROW_ONE(member, .kind = FIELD_OBJECTS, .of = type)
#define OBJECT_ROW_OBJECTS(member, type)      OBJECT_ROW_MANY(member, .kind = FIELD_OBJECTS, .of = type)
#define OBJECT_ROW_LIST(member, type, how)    OBJECT_ROW_ONE(member, .kind = FIELD_LIST, .of = type, .next = how)
#define OBJECT_ROW_LIST_IN(member, type, how) OBJECT_ROW_LIST(member, type, how)
#define OBJECT_ROW_BYTES(member, how)         OBJECT_ROW_ONE(member, .kind = FIELD_BYTES, .bytes = how)
#define OBJECT_ROW_BYTES_IN(member, how)      OBJECT_ROW_BYTES(member, how)
#define OBJECT_ROW_VARIANT(member, how)       OBJECT_ROW_ONE(member, .kind = FIELD_VARIANT, .variant = how)
#define OBJECT_ROW_HOST(member, reason)       /* takes no place in the table */
#define OBJECT_ROW_HOST_IN(member, reason)

/* One initializer for each row. That of a number is not 0, as compilers take a lone 0 for all there is to say. */
#define OBJECT_INIT(kind, ...) OBJECT_INIT_##kind
#define OBJECT_INIT_FIELD      1,
#define OBJECT_INIT_FIRST      1,
#define OBJECT_INIT_ARRAY      {1},
#define OBJECT_INIT_VALUE      0,
#define OBJECT_INIT_VALUES     {0},
#define OBJECT_INIT_OBJECT     {0},
#define OBJECT_INIT_OBJECTS    {0},
#define OBJECT_INIT_LIST       0,
#define OBJECT_INIT_LIST_IN    {0},
#define OBJECT_INIT_BYTES      0,
#define OBJECT_INIT_BYTES_IN   {0},
#define OBJECT_INIT_VARIANT    0,
#define OBJECT_INIT_HOST       0,
#define OBJECT_INIT_HOST_IN    {0},

#endif
