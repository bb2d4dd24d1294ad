/* disturb.c - the tap of --disturb, for tests: what comes from outside comes as badly as is legal. Less than was asked
 * for, interrupted, refused: at random, but in the same way in every run that asks for the same things.
 */
#include "vm/internal.h"
#include "vm/input.h"
#include <errno.h>

static uint64_t chance(uint64_t *state) {
    uint64_t z = __atomic_add_fetch(state, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool given(void *self, struct vm *vm, struct input *in) {
    (void)vm;
    if (!in->may) return false;
    const uint64_t z = chance(self);
    const bool refused = (in->may & INPUT_REFUSED) && z % 32 == 0, ended = (in->may & INPUT_INTERRUPTED) && z % 8 == 1;
    if ((in->may & INPUT_SHORTENED) && in->size > 1 && z % 4 == 2) in->size = 1 + (z >> 8) % in->size;
    if (refused) in->value = -ENOMEM;
    if (ended) in->value = -EINTR;
    return refused || ended;
}

static const struct input_tap tap = {.given = given, .children = true};

void disturb(struct vm *vm) {
    vm->options.tap = &tap;
    vm->options.tap_self = &vm->disturbance;
}
