/* x86_64.h - what the files of host/x86_64 share. */
#ifndef HOST_X86_64_X86_64_H
#define HOST_X86_64_X86_64_H

#include "core/host.h"

enum { X86_ENTER = 0, X86_LEAVE = 256 }; /* offsets of thunks in the cache */

uint64_t x86_fault_pc(void *ucontext);
struct cpu *x86_fault_cpu(void *ucontext);
bool x86_fault_pair(void *ucontext, void *address, struct cpu *cpu);
void x86_leave_from_fault(void *ucontext, struct cpu *cpu, const uint8_t *execute);

#endif
