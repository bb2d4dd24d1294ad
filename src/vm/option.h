/* option.h - options as rows: what everybody has in common is in vm/option.def, what a kind of machine adds is in an
 * option.def of its own folder, from which it makes a struct of its own:
 *
 *   struct my_options {
 *   #define O(name, letter, argument, type, field, ...) OPTION_FIELD_##type(field)
 *   #include "my/option.def"
 *   };
 *   static const struct option rows[] = {
 *   #define O(...) OPTION_ROW(struct my_options, __VA_ARGS__)
 *   #include "my/option.def"
 *   };
 *
 * The table is in its struct vm_kind; the values of a vm hang on vm->own.
 */
#ifndef VM_OPTION_H
#define VM_OPTION_H

#include "vee/vee.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_FLAG,   /* bool */
    OPTION_STRING, /* const char * */
    OPTION_SIZE,   /* uint64_t: bytes */
    OPTION_FILE,   /* const char *: a path that is made absolute */
    OPTION_MEMORY, /* uint64_t: bytes, but a number alone counts MiB, as QEMU's -m does */
    OPTION_LIST,   /* const char *const *: every value that was given, NULL-terminated; NULL: none */
    /* of vm/ only */
    OPTION_COUNT, /* digest_at: a number that may be 0 */
    OPTION_TIER,
    OPTION_LOG,
    OPTION_SEED,
    OPTION_PROGRAM, /* program_fd */
    OPTION_EDIT,    /* adds to edits */
    OPTION_REFUSED  /* the help says why */
};

struct option {
    struct vee_option shown;
    enum option_type type;
    bool carried;
    uint32_t offset; /* of its field in the struct that it is an option of */
};

#define OPTION_ROW(of, name, letter, argument, type, field, twin, also, carried, help)                                 \
    {{name, letter, argument, twin, also, help}, OPTION_##type, carried, offsetof(of, field)},

#define OPTION_FIELD_FLAG(field)   bool field;
#define OPTION_FIELD_STRING(field) const char *field;
#define OPTION_FIELD_SIZE(field)   uint64_t field;
#define OPTION_FIELD_FILE(field)   const char *field;
#define OPTION_FIELD_MEMORY(field) uint64_t field;
#define OPTION_FIELD_LIST(field)   const char *const *field;

/** The options of a kind. */
struct option_table {
    const struct option *rows;
    unsigned count;
    size_t size;      /* of the struct */
    const void *none; /* one that nothing has been set in */
};

#endif
