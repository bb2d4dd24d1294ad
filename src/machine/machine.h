/* machine.h - the door of machine/: the interface at the ISA. A whole computer: cpu, RAM, devices on a board, and the
 * bare-metal program or kernel that it starts.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "vm/vm.h"

extern const struct vm_kind vm_kind_machine;

#endif
