/* riscv.h - the door of guest/riscv: RV64GC with the extensions of its *.isa files, of which riscv_isa.h has the list.
 * The cpu is state.h's. */
#ifndef GUEST_RISCV_RISCV_H
#define GUEST_RISCV_RISCV_H

#include "core/guest.h"
#include "guest/riscv/state.h"
#include "riscv_isa.h"

extern const struct guest guest_riscv;

#endif
