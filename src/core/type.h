/* type.h - the types of values (type.def), and what follows from a type: its size, its cells, its registers. */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum type {
    T_N,
#define T(name, text, size, bank) T_##name,
#include "core/type.def"
    T_INT, /* in rows of uop.def: i32 or i64, any type */
    T_ANY,
    T_FIRST_WIDE = T_V128 /* narrow ones are before it */
};
/* What hosts have of registers. */
enum bank { BANK_INT, BANK_FP };

struct type_info {
    const char *name;
    uint8_t size;  /* bytes */
    uint8_t cells; /* numbers that a temporary takes, each of 8 bytes where values are kept */
    uint8_t bank;  /* enum bank */
};
extern const struct type_info type_info[T_ANY + 1];

/* The same by the names that rows use, for tables. */
enum {
    SIZE_N = 0,
    SIZE_INT = 8,
    SIZE_ANY = 8,
#define T(name, text, size, bank) SIZE_##name = (size),
#include "core/type.def"
    BANK_OF_N = BANK_INT,
    BANK_OF_INT = BANK_INT,
    BANK_OF_ANY = BANK_INT,
#define T(name, text, size, bank) BANK_OF_##name = BANK_##bank,
#include "core/type.def"
};
#define CELLS(size) ((size) <= 8 ? 1 : (size) / 8)

/* As wide as any type: what C has for a value of whatever type. */
union type_widest {
#define T(name, text, size, bank) uint64_t name[CELLS(size)];
#include "core/type.def"
};
enum { TYPE_CELLS = sizeof(union type_widest) / sizeof(uint64_t), TYPE_MOST = 8 * TYPE_CELLS };
static inline bool type_is_wide(enum type t) {
    return type_info[t].cells > 1;
}

#endif
