/* clock.c - the time of a vm. Two clocks under one name: the count of instructions where instructions are counted, so
 * that a run can be repeated exactly, and the host's monotonic clock where they are not. Both start at 0 when the vm is
 * opened; neither is the time of day (which programs get from the host by system calls, through their interface).
 */
#include "vm/internal.h"
#include "base/os.h"
#include "vm/input.h"
#include <time.h>

static uint64_t host_time(struct vm *vm) {
    return (uint64_t)INPUT_VALUE(vm, INPUT_clock, CLOCK_MONOTONIC, os_nanoseconds());
}

void clock_init(struct vm *vm) {
    vm->clock_base = vm->counted ? 0 : -host_time(vm);
}

uint64_t vm_clock_ns(struct vm *vm) {
    return vm->clock_base + (!vm->counted ? host_time(vm) : vm->cpu ? vm_count(vm) : 0);
}

void vm_clock_advance(struct vm *vm, uint64_t ns) {
    vm->clock_base += ns;
}
