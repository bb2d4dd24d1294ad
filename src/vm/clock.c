/* clock.c - the time of a vm. Two clocks under one name: the count of instructions where instructions are counted, so
 * that a run can be repeated exactly, and the host's monotonic clock where they are not. Both start at 0 when the vm is
 * opened; neither is the time of day (which programs get from the host by system calls, through their interface).
 */
#include "vm/internal.h"
#include "base/os.h"

void clock_init(struct vm *vm) {
    vm->clock_base = vm->counted ? 0 : -os_nanoseconds();
}

uint64_t vm_clock_ns(struct vm *vm) {
    return vm->clock_base + (!vm->counted ? os_nanoseconds() : vm->cpu ? cpu_count(vm->cpu) : 0);
}

void vm_clock_advance(struct vm *vm, uint64_t ns) {
    vm->clock_base += ns;
}
