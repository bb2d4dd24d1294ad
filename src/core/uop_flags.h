/* uop_flags.h - the flags of uop.def by the names that its rows use, for the files that expand the flags' column. */
#ifndef CORE_UOP_FLAGS_H
#define CORE_UOP_FLAGS_H

#include "core/uop.h"

enum { PURE = UF_PURE, COMM = UF_COMM, FP = UF_FP, EXIT = UF_EXIT, EFFECT = UF_EFFECT, END = UF_END, HAND = UF_HAND };

#endif
