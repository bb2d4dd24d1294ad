/* input.c - the one door through which what is not determined by guest and options comes in. Now: random bytes.
 *
 * Counted vms get a fixed sequence (splitmix64), since two counted runs must agree to the bit, and so do those that are
 * opened with a seed. It is no secret from the guest; vms that need secrets run otherwise.
 */
#include "vm/vm.h"
#include "base/os.h"
#include <string.h>

static uint64_t next(struct vm *vm) {
    uint64_t z = vm->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void vm_random(struct vm *vm, void *bytes, size_t size) {
    if (!vm->counted && !vm->options.has_seed) {
        os_random(bytes, size);
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
