/* state.c - the state of a vm as an object: its own rows, its cpus, and what its kind has hung on it. The digest and
 * the text of all of it are visitors of these rows and name nothing.
 *
 * The digest is one number (XXH64) for the whole state, so that two tiers can be compared after the same count of
 * instructions. It does not depend on how code is run, on host addresses, nor on how memory is reached.
 */
#include "vm/internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* ---- rows */

static void *next_cpu(const struct visitor *v, void *object, void *previous) {
    struct vm *vm = object;
    (void)v;
    if (vm->kind->next_cpu) return vm->kind->next_cpu(vm, previous);
    return previous ? NULL : vm->cpu;
}

static struct any_object data(void *object) {
    struct vm *vm = object;
    return vm->kind->state ? (struct any_object){vm->data, *vm->kind->state()} : (struct any_object){0};
}

/* How it ended: that it has stopped on the way is not its affair, but that of who asked for it. */
static bool has_ended(const struct vm *vm) {
    return vm->end != VM_RUNNING && vm->end != VM_AT_COUNT && vm->end != VM_STOPPED;
}
static uint64_t ended(const struct visitor *v, const void *object, unsigned index) {
    const struct vm *vm = object;
    (void)v, (void)index;
    return has_ended(vm) ? vm->end : VM_RUNNING;
}
static uint64_t end_status(const struct visitor *v, const void *object, unsigned index) {
    const struct vm *vm = object;
    (void)v, (void)index;
    return has_ended(vm) ? (uint64_t)vm->status : 0;
}
static uint64_t end_value(const struct visitor *v, const void *object, unsigned index) {
    const struct vm *vm = object;
    (void)v, (void)index;
    return has_ended(vm) ? vm->end_value : 0;
}

static void output(struct visitor *v, const struct field *f, void *object) {
    const struct vm *vm = object;
    if (vm->output) visit_bytes(v, f, 0, vm->output, strlen(vm->output));
}

/* Where time is the host's it goes on by itself: it is no part of what stands still while one looks. */
static uint64_t clock_base(const struct visitor *v, const void *object, unsigned index) {
    const struct vm *vm = object;
    (void)v, (void)index;
    return vm->counted ? vm->clock_base : 0;
}

#define VM_ROWS(R)                                                                                                     \
    R(HOST_IN, options, "what the caller asked for")                                                                   \
    R(HOST, kind, "functions")                                                                                         \
    R(HOST, engine, "runs it")                                                                                         \
    R(LIST, cpu, cpu_type, next_cpu)                                                                                   \
    R(VARIANT, data, data)                                                                                             \
    R(HOST, own, "what the caller asked for of this kind")                                                             \
    R(HOST_IN, error, "for the caller")                                                                                \
    R(VALUE, end, MODE, ended)                                                                                         \
    R(VALUE, status, MODE, end_status)                                                                                 \
    R(VALUE, end_value, MODE, end_value)                                                                               \
    R(FIELD, core, MODE)                                                                                               \
    R(BYTES, output, output)                                                                                           \
    R(HOST, running, "the kind says whose turn it is")                                                                 \
    R(HOST, others, "the counts of cpus say it")                                                                       \
    R(FIELD, turn_end, TIME)                                                                                           \
    R(FIELD, next_event, TIME)                                                                                         \
    R(HOST, stop_at, "the caller's wish")                                                                              \
    R(HOST, counted, "follows from options and kind")                                                                  \
    R(HOST, stopping, "a wish to come to the loop")                                                                    \
    R(VALUE, clock_base, TIME, clock_base)                                                                             \
    R(HOST, clock_held, "it goes, between runs")                                                                       \
    R(FIELD, random, HIDDEN)                                                                                           \
    R(HOST, enclosed, "of the answer that is being waited for")                                                        \
    R(HOST, disturbance, "of a test")
OBJECT_TYPE(vm_type, "vm", struct vm, VM_ROWS)

void vm_walk(struct vm *vm, struct visitor *v) {
    v->root = vm;
    if (vm->engine) engine_lock(vm->engine, vm->cpu); /* other threads may still run */
    object_walk(v, vm_type(), vm);
    if (vm->engine) engine_unlock(vm->engine);
}

/* ---- the digest: numbers as 8 bytes; where objects begin and end, so that no list runs into the next */

struct digest {
    struct visitor visitor;
    XXH64_state_t state;
};

static void digest_words(struct visitor *v, const uint64_t *words, size_t size) {
    XXH64_update(&((struct digest *)v)->state, words, size);
}
static void digest_number(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value) {
    (void)f, (void)index, (void)at;
    digest_words(v, &value, sizeof value);
}
static void digest_bytes(struct visitor *v, const struct field *f, uint64_t at, const void *bytes, size_t size) {
    const uint64_t head[] = {at, size};
    (void)f;
    digest_words(v, head, sizeof head);
    XXH64_update(&((struct digest *)v)->state, bytes, size);
}
static void digest_enter(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                         void *object) {
    const uint64_t head[] = {f ? f->offset : 0, index};
    (void)type, (void)object;
    digest_words(v, head, sizeof head);
}
static void digest_leave(struct visitor *v, const struct object_type *type) {
    const uint64_t end = UINT64_MAX;
    (void)type;
    digest_words(v, &end, sizeof end);
}

uint64_t vm_digest(struct vm *vm) {
    struct digest d = {
        .visitor = {.enter = digest_enter, .leave = digest_leave, .number = digest_number, .bytes = digest_bytes}};
    XXH64_reset(&d.state, 0);
    vm_walk(vm, &d.visitor);
    return XXH64_digest(&d.state);
}

/* ---- the text: a line for each number that is not 0, and for each piece of bytes, by path */

enum { SHOWN = 16, DEPTH = 12, PATH_SIZE = 200, LINE_SIZE = PATH_SIZE + 64 + 3 * SHOWN };
struct text {
    struct visitor visitor;
    char path[PATH_SIZE];
    size_t end[DEPTH]; /* of the path of every object that has begun */
    unsigned depth;
    void (*line)(void *to, const char *line);
    void *to;
};

static void text_enter(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                       void *object) {
    struct text *t = (struct text *)v;
    const size_t at = t->depth ? t->end[t->depth - 1] : 0;
    (void)object;
    if (t->depth + 1 > DEPTH) return;
    int n = f ? snprintf(t->path + at, sizeof t->path - at, ".%s", f->name)
              : snprintf(t->path, sizeof t->path, "%s", type->name);
    if (f && (f->kind == FIELD_LIST || f->count > 1))
        n += snprintf(t->path + at + n, sizeof t->path - at - (size_t)n, "[%u]", index);
    t->end[t->depth++] = at + (size_t)n;
}

static void text_leave(struct visitor *v, const struct object_type *type) {
    (void)type;
    ((struct text *)v)->depth--;
}

static void text_number(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value) {
    struct text *t = (struct text *)v;
    char line[LINE_SIZE], place[16] = "";
    (void)at;
    if (!value) return;
    if (f->count > 1) snprintf(place, sizeof place, "[%u]", index);
    snprintf(line, sizeof line, "%.*s.%s%s %#" PRIx64, (int)t->end[t->depth - 1], t->path, f->name, place, value);
    t->line(t->to, line);
}

/* Their hash, and the first ones of few. */
static void text_bytes(struct visitor *v, const struct field *f, uint64_t at, const void *bytes, size_t size) {
    struct text *t = (struct text *)v;
    const uint8_t *p = bytes;
    char line[LINE_SIZE];
    int n = snprintf(line, sizeof line, "%.*s.%s[%#" PRIx64 "] %zu bytes %016" PRIx64, (int)t->end[t->depth - 1],
                     t->path, f->name, at, size, (uint64_t)XXH3_64bits(bytes, size));
    for (size_t i = 0; size <= SHOWN && i < size; i++) n += snprintf(line + n, sizeof line - (size_t)n, " %02x", p[i]);
    t->line(t->to, line);
}

void vm_text(struct vm *vm, void (*line)(void *to, const char *line), void *to) {
    struct text t = {.visitor = {.enter = text_enter, .leave = text_leave, .number = text_number, .bytes = text_bytes},
                     .line = line,
                     .to = to};
    vm_walk(vm, &t.visitor);
}
