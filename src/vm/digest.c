/* digest.c - one number for the whole architected state of a vm, so that two tiers can be compared after the same count
 * of instructions: the cpu's pc and accrued FP flags, every declared field of its guest, the count where it is exact,
 * and whatever the kind feeds (memory, frames, devices). XXH64, little-endian values of 8 bytes.
 */
#include "vm/vm.h"
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

void vm_digest_bytes(struct vm *vm, const void *bytes, size_t size) {
    XXH64_update(vm->digest_state, bytes, size);
}

static void digest_word(struct vm *vm, uint64_t word) {
    vm_digest_bytes(vm, &word, sizeof word);
}

static void digest_cpu(struct vm *vm, const struct cpu *cpu) {
    const struct guest *g = cpu->guest;
    digest_word(vm, cpu->pc);
    digest_word(vm, cpu->fp_flags);
    if (vm->counted) digest_word(vm, cpu_count(cpu));
    for (const struct field *f = g->fields; f < g->fields + g->nfields; f++) {
        if (f->flags & FIELD_NO_DIGEST) continue;
        for (unsigned i = 0; i < f->count; i++) digest_word(vm, field_get(cpu, f, i));
    }
}

uint64_t vm_digest(struct vm *vm) {
    XXH64_state_t state;
    XXH64_reset(&state, 0);
    vm->digest_state = &state;
    digest_cpu(vm, vm->cpu);
    if (vm->kind->digest) vm->kind->digest(vm);
    vm->digest_state = NULL;
    return XXH64_digest(&state);
}
