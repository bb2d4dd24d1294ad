/* layout_arm64.h - structs of system calls on arm64: the generic ones, but handlers of signals say where they return.
 */
#ifndef PROCESS_LINUX_LAYOUT_ARM64_H
#define PROCESS_LINUX_LAYOUT_ARM64_H

#include "process/linux/layout_generic.h"

struct arm64_sigaction {
    uint64_t handler, flags, restorer, mask;
};
#undef TYPE_sigaction
#define TYPE_sigaction struct arm64_sigaction

#endif
