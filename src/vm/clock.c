/* clock.c - the time of a vm. Two clocks under one name: the count of instructions where instructions are counted, so
 * that a run can be repeated exactly, and the host's monotonic clock where they are not. Both start at 0 when the vm is
 * opened; neither is the time of day (which programs get from the host by system calls, through their interface).
 * Machines have a date from here: the host's, or one that is the same in every run.
 */
#include "vm/internal.h"
#include "base/os.h"
#include "vm/input.h"
#include <time.h>

#define DATE_WHERE_COUNTED 1000000000000000000u /* a day in 2001 */

static uint64_t host_time(struct vm *vm) {
    return (uint64_t)INPUT_VALUE(vm, INPUT_clock, CLOCK_MONOTONIC, os_nanoseconds());
}

void clock_init(struct vm *vm) {
    vm->clock_base = vm->counted ? 0 : -host_time(vm);
}

uint64_t vm_clock_ns(struct vm *vm) {
    const uint64_t base = __atomic_load_n(&vm->clock_base, __ATOMIC_RELAXED);
    const uint64_t held = __atomic_load_n(&vm->clock_held, __ATOMIC_RELAXED);
    if (held) return held;
    return base + (!vm->counted ? host_time(vm) : vm->cpu ? vm_count(vm) : 0);
}

uint64_t vm_date_ns(struct vm *vm) {
    struct timespec t;
    if (vm->counted) return DATE_WHERE_COUNTED + vm_clock_ns(vm);
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)INPUT_VALUE(vm, INPUT_clock, CLOCK_REALTIME,
                                 (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

void vm_clock_advance(struct vm *vm, uint64_t ns) {
    __atomic_add_fetch(&vm->clock_base, ns, __ATOMIC_RELAXED);
}

void vm_clock_hold(struct vm *vm, bool hold) {
    if (vm->counted || hold == (vm->clock_held != 0)) return;
    const uint64_t now = vm_clock_ns(vm);
    if (!hold) __atomic_store_n(&vm->clock_base, now - host_time(vm), __ATOMIC_RELAXED);
    __atomic_store_n(&vm->clock_held, hold ? now : 0, __ATOMIC_RELAXED);
}

void vm_use_host_clock(struct vm *vm) {
    vm->counted = false;
    clock_init(vm);
}
