/* tape.h - for tests: a tap that notes what comes through the door of a vm (vm/input.h), and one that gives it again
 * without asking the host. The tape lies in memory that several processes share. */
#ifndef TEST_VM_TAPE_H
#define TEST_VM_TAPE_H

#include "vm/input.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { TAPE_SIZE = 64 << 20, TAPE_NO_KIND = -1 };

struct tape_entry {
    uint32_t kind, which;
    uint64_t count, at;
    int64_t value;
    uint32_t size, room; /* of the bytes behind it, and with them up to 8 */
};

struct tape {
    size_t used, next;
    int leak;        /* an enum input_kind that is not given but asked for: a fault that a test plants */
    int64_t through; /* number of a call that is made again where its first argument is 1 (output), or -1 */
    char past[100];  /* what has entered past the door */
    char error[160]; /* what was asked for is not what the tape has */
    uint32_t seen[INPUT_KINDS];
    _Alignas(8) uint8_t bytes[TAPE_SIZE];
};

static inline struct tape *tape_make(void) {
    struct tape *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (t == MAP_FAILED) return NULL;
    t->leak = TAPE_NO_KIND;
    t->through = -1;
    return t;
}

/* ---- recording */

static inline size_t tape_bytes(const struct input *in) {
    if (!in->bytes) return 0;
    return in->kind != INPUT_device ? in->size : in->value > 0 ? (size_t)in->value : 0;
}

static inline void tape_came(void *self, struct vm *vm, const struct input *in) {
    struct tape *t = self;
    const size_t size = tape_bytes(in);
    struct tape_entry e = {
        in->kind, in->which, in->count, in->at, in->value, (uint32_t)size, (uint32_t)((size + 7) & ~(size_t)7)};
    (void)vm;
    if (t->used + sizeof e + e.room > TAPE_SIZE) {
        snprintf(t->error, sizeof t->error, "the tape is full");
        return;
    }
    memcpy(t->bytes + t->used, &e, sizeof e);
    if (size) memcpy(t->bytes + t->used + sizeof e, in->bytes, size);
    t->used += sizeof e + e.room;
    t->seen[in->kind]++;
}

static inline void tape_past(void *self, struct vm *vm, const char *what) {
    struct tape *t = self;
    (void)vm;
    snprintf(t->past, sizeof t->past, "%s", what);
}

static const struct input_tap tape_recorder = {.came = tape_came, .past = tape_past};

/* ---- playing */

static inline const struct tape_entry *tape_next(const struct tape *t) {
    return t->next < t->used ? (const void *)(t->bytes + t->next) : NULL;
}
static inline void tape_advance(struct tape *t) {
    const struct tape_entry *e = tape_next(t);
    t->next += sizeof *e + e->room;
}

static inline bool tape_fits(struct tape *t, const struct input *in) {
    const struct tape_entry *e = tape_next(t);
    if (e && e->kind == in->kind && e->which == in->which && e->count == in->count) return true;
    if (!*t->error)
        snprintf(t->error, sizeof t->error, "at %llu: %s %u is asked for, the tape has %s %u at %llu",
                 (unsigned long long)in->count, input_names[in->kind], in->which, e ? input_names[e->kind] : "an end",
                 e ? e->which : 0, e ? (unsigned long long)e->count : 0);
    return false;
}

/* Bytes behind a call that is made again, or leaks: whoever asked has brought its own. */
static inline void tape_skip(struct tape *t) {
    tape_advance(t);
    for (const struct tape_entry *e; (e = tape_next(t)) && e->kind == INPUT_data;) tape_advance(t);
}

static inline bool tape_given(void *self, struct vm *vm, struct input *in) {
    struct tape *t = self;
    const struct tape_entry *e = tape_next(t);
    if (in->kind == INPUT_signal && in->which == INPUT_ARRIVED) return true; /* of this run: nobody is to know */
    if (in->kind == INPUT_signal) {
        if (!e || e->kind != INPUT_signal || e->count != in->count) return false;
    } else if (in->kind == INPUT_data && !in->bytes) { /* is there more of what the last call has brought? */
        if (!e || e->kind != INPUT_data) return false;
        in->bytes = (void *)(uintptr_t)(e + 1);
    } else if (in->kind == INPUT_data && (!e || e->kind != INPUT_data)) {
        return false; /* of a call that was made again */
    } else if (!tape_fits(t, in)) {
        vm_ask_stop(vm);
        in->value = -5;
        return true;
    }
    if ((int)in->kind == t->leak || (in->kind == INPUT_call && in->which == t->through && in->at == 1)) return false;
    in->value = e->value;
    in->at = e->at;
    if (in->kind == INPUT_memory) return true; /* it is asked for all the same, if there was some */
    if (e->size && in->bytes != (const void *)(e + 1)) memcpy(in->bytes, e + 1, e->size);
    tape_advance(t);
    return true;
}

/* What was asked for all the same. */
static inline void tape_asked(void *self, struct vm *vm, const struct input *in) {
    struct tape *t = self;
    if (in->kind == INPUT_signal || (in->kind == INPUT_data && t->leak != INPUT_data)) return;
    if (!tape_fits(t, in))
        vm_ask_stop(vm);
    else if (in->kind == INPUT_call)
        tape_skip(t);
    else
        tape_advance(t);
    if (in->kind == INPUT_memory && !*t->error && t->leak == TAPE_NO_KIND &&
        ((const struct tape_entry *)(const void *)(t->bytes + t->next))[-1].value != in->value)
        snprintf(t->error, sizeof t->error, "memory of the host's is elsewhere: %llx", (unsigned long long)in->value);
}

static inline uint64_t tape_due(void *self) {
    const struct tape_entry *e = tape_next(self);
    return e && e->kind == INPUT_signal ? e->count : UINT64_MAX;
}

static const struct input_tap tape_player = {
    .given = tape_given, .came = tape_asked, .due = tape_due, .past = tape_past};

#endif
