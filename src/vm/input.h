/* input.h - the one door through which what comes from outside enters a vm. Whoever asks the host for something that a
 * guest can notice makes a struct input of it and goes through here, before and after asking:
 *
 *     struct input in = {.kind = INPUT_clock, .which = CLOCK_REALTIME};
 *     if (!input_given(vm, &in)) {
 *         in.value = ...;              ask the host
 *         input_came(vm, &in);
 *     }
 *
 * A tap, if there is one, is told of all of it in the order in which it enters: it can note it (record), give it
 * instead of the host (replay); and what the host is asked for it can make worse in ways that are legal (disturb): who
 * asks for something that may come badly says so (input_worse). Without a tap the door is a branch
 * that is never taken. Kinds are rows of input.def. A value's place is the count of instructions of its cpu (counted
 * vms) or else the order alone; what comes by itself, and not because the guest asks (signals), needs the count.
 *
 * What is inside does not go through: time and random bytes of counted vms, which follow from count and seed; what vee
 * asks for its own purposes, which no guest can notice. tool/check_outside.py has the list of who may ask the host for
 * anything at all.
 */
#ifndef VM_INPUT_H
#define VM_INPUT_H

#include "vm/vm.h"

enum input_kind {
#define INPUT(name, which, value, bytes) INPUT_##name,
#include "vm/input.def"
    INPUT_KINDS
};
extern const char *const input_names[INPUT_KINDS];

enum { INPUT_IDLE = 1000 };        /* clock: how long a machine has waited for somebody who types */
enum { INPUT_CONSOLE = 0 };        /* device */
enum { INPUT_ARRIVED, INPUT_DUE }; /* signal: one has come by itself; a tap may have one that is due now */
enum { INPUT_LIMITS, INPUT_PERSONALITY, INPUT_SIGNALS, INPUT_IDS }; /* feature */

/** What may be done to an input without breaking a promise of the host's: less is asked for, but something; the answer
    is EINTR, ENOMEM. */
enum { INPUT_SHORTENED = 1, INPUT_INTERRUPTED = 2, INPUT_REFUSED = 4 };

struct input {
    uint32_t kind, which;
    struct cpu *cpu; /* whose; NULL: the first one's, if there is one yet */
    uint64_t count;  /* its place; set by the door */
    int64_t value;
    uint64_t at;
    void *bytes; /* where they are, or go */
    size_t size; /* how many; where the value is their number: at most */
};

struct input_tap {
    /** Before the host is asked: true if the tap has filled in value and bytes, so that it is not to be. */
    bool (*given)(void *self, struct vm *vm, struct input *in);
    /** It has come from the host. NULL: of no interest. */
    void (*came)(void *self, struct vm *vm, const struct input *in);
    /** The count at which something will come by itself, UINT64_MAX: never; counted vms look at it when they are given
        instructions, and after each such input. NULL: never. */
    uint64_t (*due)(void *self);
    /** Something enters past the door, as `what` says: from here on a record is not complete. NULL: of no interest. */
    void (*past)(void *self, struct vm *vm, const char *what);
    /** The host is going to be asked: which of what may be done to that is done. It lowers the size itself. NULL: none.
     */
    uint32_t (*worse)(void *self, uint32_t may, size_t *size);
    bool children; /* a forked child has it, too; else none */
};

static inline bool input_tapped(const struct vm *vm) {
    return __builtin_expect(vm->options.tap != NULL, 0);
}
/** In a forked child. */
static inline void input_forked(struct vm *vm) {
    if (input_tapped(vm) && !vm->options.tap->children) vm->options.tap = NULL;
}
bool input_given_by_tap(struct vm *vm, struct input *in);
void input_seen_by_tap(struct vm *vm, struct input *in);
static inline bool input_given(struct vm *vm, struct input *in) {
    return input_tapped(vm) && input_given_by_tap(vm, in);
}
static inline void input_came(struct vm *vm, struct input *in) {
    if (input_tapped(vm)) input_seen_by_tap(vm, in);
}
/** Does anybody want to know what has come? */
static inline bool input_listens(const struct vm *vm) {
    return input_tapped(vm) && vm->options.tap->came;
}
static inline bool input_worsens(const struct vm *vm) {
    return input_tapped(vm) && vm->options.tap->worse;
}
static inline uint32_t input_worse(struct vm *vm, uint32_t may, size_t *size) {
    return input_worsens(vm) ? vm->options.tap->worse(vm->options.tap_self, may, size) : 0;
}
/** Bytes that have been asked for already, of which a tap may know others. */
void input_settle(struct vm *vm, enum input_kind kind, uint32_t which, void *bytes, size_t size);
/** Bytes that belong to the call that has just come. */
static inline void input_data(struct vm *vm, void *bytes, size_t size) {
    if (input_tapped(vm)) input_settle(vm, INPUT_data, 0, bytes, size);
}
/** While an answer as a whole is waited for, what it is made of does not go through the door. */
void input_enclose(struct vm *vm, bool on);
/** No tap can know what enters now. */
void input_past(struct vm *vm, const char *what);
/** The count at which something comes by itself, UINT64_MAX: never. */
uint64_t input_due(struct vm *vm);

/** A value: what the expression says, or a tap. */
#define INPUT_VALUE(vm, input_kind, input_which, expression)                                                           \
    ({                                                                                                                 \
        struct input in_ = {.kind = (input_kind), .which = (uint32_t)(input_which)};                                   \
        if (!input_given((vm), &in_)) {                                                                                \
            in_.value = (int64_t)(expression);                                                                         \
            input_came((vm), &in_);                                                                                    \
        }                                                                                                              \
        in_.value;                                                                                                     \
    })

#endif
