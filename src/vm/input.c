/* input.c - see input.h; and random bytes.
 *
 * Counted vms get a fixed sequence (splitmix64), since two counted runs must agree to the bit, and so do those that are
 * opened with a seed. It is no secret from the guest; vms that need secrets run otherwise.
 */
#include "vm/input.h"
#include "base/os.h"
#include <string.h>

const char *const input_names[INPUT_KINDS] = {
#define INPUT(name, which, value, bytes) #name,
#include "vm/input.def"
};

static void place(const struct vm *vm, struct input *in) {
    if (!in->cpu) in->cpu = vm->cpu;
    in->count = vm->counted && in->cpu ? cpu_count(in->cpu) : 0;
}

bool input_given_by_tap(struct vm *vm, struct input *in) {
    if (vm->enclosed) return false;
    place(vm, in);
    return vm->options.tap->given && vm->options.tap->given(vm->options.tap_self, vm, in);
}

void input_seen_by_tap(struct vm *vm, struct input *in) {
    if (vm->enclosed) return;
    place(vm, in);
    if (vm->options.tap->came) vm->options.tap->came(vm->options.tap_self, vm, in);
}

void input_settle(struct vm *vm, enum input_kind kind, uint32_t which, void *bytes, size_t size) {
    struct input in = {.kind = kind, .which = which, .bytes = bytes, .size = size, .value = (int64_t)size};
    if (!input_given(vm, &in)) input_came(vm, &in);
}

void input_enclose(struct vm *vm, bool on) {
    vm->enclosed = on;
}

void input_past(struct vm *vm, const char *what) {
    if (input_tapped(vm) && vm->options.tap->past) vm->options.tap->past(vm->options.tap_self, vm, what);
}

uint64_t input_due(struct vm *vm) {
    return input_tapped(vm) && vm->options.tap->due ? vm->options.tap->due(vm->options.tap_self) : UINT64_MAX;
}

static uint64_t next(struct vm *vm) {
    uint64_t z = vm->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void vm_random(struct vm *vm, void *bytes, size_t size) {
    if (!vm->counted && !vm->options.has_seed) {
        struct input in = {.kind = INPUT_random, .bytes = bytes, .size = size, .value = (int64_t)size};
        if (input_given(vm, &in)) return;
        os_random(bytes, size);
        input_came(vm, &in);
        return;
    }
    for (unsigned char *p = bytes; size;) {
        uint64_t word = next(vm);
        size_t n = size < sizeof word ? size : sizeof word;
        memcpy(p, &word, n);
        p += n;
        size -= n;
    }
}
