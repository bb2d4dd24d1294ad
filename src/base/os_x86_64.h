/* os_x86_64.h - what only x86-64 hosts ask of the system. */
#ifndef BASE_OS_X86_64_H
#define BASE_OS_X86_64_H

#include <stdbool.h>

/** What addresses with a gs prefix are relative to, in the calling thread. */
bool os_gs_base(const void *base);

#endif
