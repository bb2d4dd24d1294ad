/* internal.h - what the files of vm/ share. */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "vm/vm.h"

/** The clock of a vm that is being opened starts at 0. */
void clock_init(struct vm *vm);

#endif
