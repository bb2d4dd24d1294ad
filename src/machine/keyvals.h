/* keyvals.h - within machine/: option texts of the form `first,key=value,key,...`, as QEMU writes them.
 *
 * The first item may be a value alone, for a key that is implied. A key alone means `on`. A comma within a value is
 * written twice. A key may occur several times, in order. Texts live in the arena that was given.
 */
#ifndef MACHINE_KEYVALS_H
#define MACHINE_KEYVALS_H

#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

enum { KEYVALS_MOST = 32 };

struct keyval {
    const char *key, *value;
};

struct keyvals {
    const char *option; /* for messages: "-drive" */
    struct keyval pairs[KEYVALS_MOST];
    unsigned count;
};

/** Reads a text. implied: the key of a first value that stands alone, or NULL. */
bool keyvals_parse(struct keyvals *k, struct arena *arena, const char *option, const char *text, const char *implied,
                   struct error *error);
/** Adds a pair; both texts are borrowed. False: there is no room. */
bool keyvals_add(struct keyvals *k, const char *key, const char *value, struct error *error);
/** Refuses keys that are not among these, which are separated by blanks. */
bool keyvals_check(const struct keyvals *k, const char *known, struct error *error);
/** Is the word one of these, which are separated by blanks? */
bool word_among(const char *word, const char *words);

/** The last value of a key, or NULL. */
const char *spec_get(const struct keyvals *k, const char *key);
/** The same, converted; without the key *value stays as it is. Bytes: suffixes K, M, G and T. */
bool spec_flag(const struct keyvals *k, const char *key, bool *value, struct error *error);
bool spec_number(const struct keyvals *k, const char *key, uint64_t least, uint64_t most, uint64_t *value,
                 struct error *error);
bool spec_bytes(const struct keyvals *k, const char *key, uint64_t *value, struct error *error);
/** Refuses a value that is not one of these, which are separated by blanks. */
bool spec_word(const struct keyvals *k, const char *key, const char *words, struct error *error);

#endif
