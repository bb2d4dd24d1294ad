/* compare.h - runs a module on both tiers and compares: for mangled modules and for the fuzzer.
 *
 * Every exported function is called with zeros for arguments, each for a limited number of instructions. After each
 * call, how it ended and the digest of the whole state must be the same on both tiers. What came from outside the first
 * time is given again the second time (vm/tape.h): the host's own state may be another by then.
 */
#ifndef TEST_LANGUAGE_COMPARE_H
#define TEST_LANGUAGE_COMPARE_H

#include "language/embed.h"
#include "vm/tape.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { COMPARE_INSTRUCTIONS = 2000, COMPARE_FUNCTIONS = 12, COMPARE_PAGES = 64, COMPARE_ELEMENTS = 1000 };

extern const struct vm_kind vm_kind_language;

struct compare_result {
    bool accepted;
    char error[400];
    unsigned calls;
    int end[COMPARE_FUNCTIONS + 1], status[COMPARE_FUNCTIONS + 1];
    uint64_t digest[COMPARE_FUNCTIONS + 1];
};

static inline void compare_note(struct vm *vm, struct compare_result *r) {
    r->end[r->calls] = vm->end;
    r->status[r->calls] = vm->status;
    r->digest[r->calls++] = vm_digest(vm);
}

static inline void compare_call(struct vm *vm, struct wasm_instance *in, uint32_t function, struct compare_result *r) {
    static const uint64_t zeros[WASM_MAX_VALUES];
    struct wasm_machine *m = wasm_machine_of(vm);
    embed_call(m, in, function, zeros);
    vm->status = 0;
    vm->stop_at = cpu_count(vm->cpu) + COMPARE_INSTRUCTIONS;
    vm_run(vm);
    compare_note(vm, r);
}

/* A copy of exactly the module's size, so that a sanitizer sees reads beyond it. */
static inline uint8_t *compare_copy(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    return copy && size ? memcpy(copy, bytes, size) : copy;
}

static inline void compare_run(const uint8_t *bytes, size_t size, enum tier tier, const struct input_tap *tap,
                               struct tape *t, struct compare_result *r) {
    struct vm vm = {.options = {.tier = tier, .check = true, .cache_size = 4 << 20, .tap = tap, .tap_self = t},
                    .kind = &vm_kind_language};
    vm.counted = true;
    vm.next_event = vm.stop_at = UINT64_MAX;
    *r = (struct compare_result){0};
    if (!language_make(&vm, &language_wasm)) {
        snprintf(r->error, sizeof r->error, "%s", vm.error.text);
        language_free(vm.data);
        return;
    }
    struct wasm_machine *m = wasm_machine_of(&vm);
    struct error error = {0};
    struct wasm_instance *in = embed_load(m, compare_copy(bytes, size), size, "module", &error, NULL);
    snprintf(r->error, sizeof r->error, "%s", error.text);
    r->accepted = in != NULL;
    for (struct wasm_memory *k = m->store->memories; k; k = k->next)
        if (k->limits.max > COMPARE_PAGES) k->limits.max = COMPARE_PAGES;
    for (struct wasm_table *k = m->store->tables; k; k = k->next)
        if (k->type.limits.max > COMPARE_ELEMENTS) k->type.limits.max = COMPARE_ELEMENTS;
    if (in && in->module->start != UINT32_MAX) compare_call(&vm, in, in->module->start, r);
    for (uint32_t k = 0; in && k < in->module->nexports && r->calls <= COMPARE_FUNCTIONS; k++)
        if (in->module->exports[k].kind == WASM_FUNCTION) compare_call(&vm, in, in->module->exports[k].index, r);
    language_free(vm.data);
}

/* Modules that ask for a lot of memory would only cost time. */
static inline bool compare_is_small(const uint8_t *bytes, size_t size) {
    struct error error = {0};
    uint8_t *copy = compare_copy(bytes, size);
    struct wasm_module *m = wasm_module_read(copy, size, "module", &error);
    bool small = m != NULL;
    for (uint32_t k = 0; small && k < m->nmemories; k++) small = m->memories[k].min <= COMPARE_PAGES;
    for (uint32_t k = 0; small && k < m->ntables; k++) small = m->tables[k].limits.min <= COMPARE_ELEMENTS;
    if (!m && (!error.code || !error.text[0] || strchr(error.text, '\n'))) abort(); /* refused without a reason */
    wasm_module_free(m);
    free(copy);
    return small;
}

/** False: the tiers differ, and `why` says where. */
static inline bool compare_tiers(const uint8_t *bytes, size_t size, char *why, size_t why_size) {
    static struct tape *tape;
    struct compare_result a, b;
    if (!compare_is_small(bytes, size)) return true;
    if (!tape && !(tape = tape_make())) abort();
    tape->used = tape->next = 0;
    *tape->error = 0;
    compare_run(bytes, size, TIER_INTERP, &tape_recorder, tape, &a);
    compare_run(bytes, size, TIER_BASELINE, &tape_player, tape, &b);
    if (a.accepted != b.accepted || strcmp(a.error, b.error)) {
        snprintf(why, why_size, "loading: '%.80s' and '%.80s'", a.error, b.error);
        return false;
    }
    for (unsigned k = 0; k < a.calls; k++) {
        if (a.end[k] == b.end[k] && a.status[k] == b.status[k] && a.digest[k] == b.digest[k]) continue;
        snprintf(why, why_size, "call %u: end %d %d, status %d %d, digest 0x%" PRIx64 " 0x%" PRIx64, k, a.end[k],
                 b.end[k], a.status[k], b.status[k], a.digest[k], b.digest[k]);
        return false;
    }
    if (*tape->error || tape->next != tape->used) {
        snprintf(why, why_size, "from outside: %s", *tape->error ? tape->error : "the second run asked for less");
        return false;
    }
    return true;
}

#endif
