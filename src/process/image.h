/* image.h - what image.c and stack.c share: a program that has been mapped, and its stack. */
#ifndef PROCESS_IMAGE_H
#define PROCESS_IMAGE_H

#include "process/linux/abi.h"

/** What the auxiliary vector says of a program. */
struct program {
    uint64_t headers, nheaders, entry;
    uint64_t interpreter; /* where it lies; 0 for none */
};

/** Maps the stack below the top of the space, which is moved to where mappings go. */
bool stack_map(struct process *p, bool executable, struct error *error);
/** Maps abi->vdso. */
bool vdso_map(struct process *p, struct error *error);
/** Returns the stack pointer, 0 when the vectors do not fit. */
uint64_t stack_fill(struct process *p, const struct program *m);

#endif
