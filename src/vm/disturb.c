/* disturb.c - the tap of --disturb, for tests: what comes from outside comes as badly as is legal. Less than was asked
 * for, interrupted, refused: at random, but in the same way in every run with that seed that asks for the same things.
 * What is legal is said by whoever asks the host (input_worse).
 */
#include "vm/internal.h"
#include "vm/input.h"

static uint64_t chance(uint64_t *state) {
    uint64_t z = __atomic_add_fetch(state, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t worse(void *self, uint32_t may, size_t *size) {
    const uint64_t z = chance(self);
    const bool refused = z % 32 == 0, interrupted = z % 8 == 1, shortened = z % 4 == 2 && *size > 1;
    may &= (refused ? INPUT_REFUSED : 0) | (interrupted ? INPUT_INTERRUPTED : 0) | (shortened ? INPUT_SHORTENED : 0);
    if (may & INPUT_SHORTENED) *size = 1 + (z >> 8) % *size;
    return may;
}

static const struct input_tap tap = {.worse = worse, .children = true};

void disturb(struct vm *vm) {
    vm->options.tap = &tap;
    vm->options.tap_self = &vm->disturbance;
    vm->disturbance = vm->options.seed;
}
