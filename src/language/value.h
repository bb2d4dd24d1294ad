/* value.h - values of byte codes as text: arguments of --invoke, results, what print functions print. */
#ifndef LANGUAGE_VALUE_H
#define LANGUAGE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type { VALUE_I32, VALUE_I64, VALUE_F32, VALUE_F64, VALUE_REFERENCE };

/** The type of a letter in rows of host functions: i I f F. */
enum value_type value_letter(char letter);
/** Parses a value of the type; a reference is `null`. */
bool value_parse(const char *text, enum value_type type, uint64_t *value);
/** The shortest text that reads back as the same value; integers signed. Not of references, but null. */
void value_print(char *text, size_t size, enum value_type type, uint64_t value);

#endif
