/* uop_flags.h - words for tables that are made from uop.def: the flags by the names that its rows use, and tests of a
 * row's name and form.
 */
#ifndef CORE_UOP_FLAGS_H
#define CORE_UOP_FLAGS_H

#include "core/uop.h"

enum { PURE = UF_PURE, COMM = UF_COMM, FP = UF_FP, EXIT = UF_EXIT, EFFECT = UF_EFFECT, END = UF_END, HAND = UF_HAND };

#define IS(name, other)   (UOP_##name == UOP_##other)
#define FORM(form, other) (FORM_##form == FORM_##other)

#endif
