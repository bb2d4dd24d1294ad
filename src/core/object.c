/* object.c - walking objects by their rows; and the rows of what every cpu has. */
#include "core/object.h"
#include "core/guest.h"
#include <string.h>

static void walk_one(struct visitor *v, const struct field *f, unsigned index, const struct object_type *type,
                     void *object);

static void walk_numbers(struct visitor *v, const struct field *f, unsigned char *object) {
    for (unsigned i = 0; v->number && i < f->count; i++)
        v->number(v, f, i, object + f->offset + (size_t)i * f->size, field_get(object, f, i));
}

static void walk_values(struct visitor *v, const struct field *f, void *object) {
    for (unsigned i = 0; v->number && i < f->count; i++) v->number(v, f, i, NULL, f->value(v, object, i));
}

static void walk_objects(struct visitor *v, const struct field *f, unsigned char *object) {
    for (unsigned i = 0; i < f->count; i++) walk_one(v, f, i, f->of(), object + f->offset + (size_t)i * f->size);
}

static void walk_list(struct visitor *v, const struct field *f, void *object) {
    unsigned i = 0;
    for (void *o = f->next(v, object, NULL); o; o = f->next(v, object, o)) walk_one(v, f, i++, f->of(), o);
}

static void walk_variant(struct visitor *v, const struct field *f, void *object) {
    const struct any_object is = f->variant(object);
    if (is.object) walk_one(v, f, 0, &is.type, is.object);
}

static void walk_one(struct visitor *v, const struct field *from, unsigned index, const struct object_type *type,
                     void *object) {
    if (v->enter) v->enter(v, from, index, type, object);
    for (unsigned n = 0; n < type->nfields; n++) { /* there may be none, nor a table */
        const struct field *f = &type->fields[n];
        switch ((enum field_kind)f->kind) {
        case FIELD_NUMBERS: walk_numbers(v, f, object); break;
        case FIELD_VALUES: walk_values(v, f, object); break;
        case FIELD_OBJECTS: walk_objects(v, f, object); break;
        case FIELD_LIST: walk_list(v, f, object); break;
        case FIELD_BYTES:
            if (v->bytes) f->bytes(v, f, object);
            break;
        case FIELD_VARIANT: walk_variant(v, f, object); break;
        }
    }
    if (v->leave) v->leave(v, type);
}

void object_walk(struct visitor *v, const struct object_type *type, void *object) {
    walk_one(v, NULL, 0, type, object);
}

void object_reset(const struct object_type *type, void *object) {
    fields_reset(object, type->fields, type->nfields);
    for (unsigned n = 0; n < type->nfields; n++) { /* there may be none, nor a table */
        const struct field *f = &type->fields[n];
        for (unsigned i = 0; f->kind == FIELD_OBJECTS && i < f->count; i++)
            object_reset(f->of(), (char *)object + f->offset + (size_t)i * f->size);
        if (f->kind != FIELD_VARIANT) continue;
        const struct any_object is = f->variant(object);
        if (is.object) object_reset(&is.type, is.object);
    }
}

void object_copy(const struct object_type *type, void *to, void *from) {
    for (unsigned n = 0; n < type->nfields; n++) {
        const struct field *f = &type->fields[n];
        char *a = (char *)to + f->offset, *b = (char *)from + f->offset;
        if (f->kind == FIELD_NUMBERS) memcpy(a, b, (size_t)f->size * f->count);
        for (unsigned i = 0; f->kind == FIELD_OBJECTS && i < f->count; i++)
            object_copy(f->of(), a + (size_t)i * f->size, b + (size_t)i * f->size);
        if (f->kind != FIELD_VARIANT) continue;
        const struct any_object it = f->variant(to), was = f->variant(from);
        if (it.object && was.object) object_copy(&it.type, it.object, was.object);
    }
}

void visit_bytes(struct visitor *v, const struct field *f, uint64_t at, const void *bytes, size_t size) {
    if (size) v->bytes(v, f, at, bytes, size);
}

void visit_pages(struct visitor *v, const struct field *f, uint64_t at, const uint8_t *memory, uint64_t size) {
    enum { PAGE = 4096 };
    for (uint64_t k = 0; k < size; k += PAGE) {
        const size_t n = size - k < PAGE ? (size_t)(size - k) : PAGE;
        if (memory[k] || memcmp(memory + k, memory + k + 1, n - 1)) v->bytes(v, f, at + k, memory + k, n);
    }
}

/* ---- the cpu */

static uint64_t frame_offset(const struct visitor *v, const void *object, unsigned index) {
    const struct cpu *cpu = object;
    (void)v, (void)index;
    return (uint64_t)(cpu->frame - cpu->frame_base);
}

/* Without a reservation whatever was noted last. */
static uint64_t reserved(const struct visitor *v, const void *object, unsigned index) {
    const struct cpu *cpu = object;
    (void)v, (void)index;
    return cpu->reserve_address == UINT64_MAX ? 0 : cpu->reserve_value;
}

static uint64_t executed(const struct visitor *v, const void *object, unsigned index) {
    const size_t offset = offsetof(struct cpu, count);
    (void)v, (void)index;
    return cpu_count((const struct cpu *)((const char *)object - offset));
}

#define COUNT_ROWS(R)                                                                                                  \
    R(HOST, budget, "with executed")                                                                                   \
    R(VALUE, executed, TIME, executed)                                                                                 \
    R(HOST, granted, "with executed")                                                                                  \
    R(HOST, ahead, "with executed")
static OBJECT_TYPE(count_type, "count", struct cpu_count, COUNT_ROWS)

/* The registers that the guest declares, in the same struct. */
static struct any_object registers(void *object) {
    const struct guest *g = ((const struct cpu *)object)->guest;
    return (struct any_object){object, {g->name, g->cpu_size, g->fields, g->nfields}};
}

#define CPU_ROWS(R)                                                                                                    \
    R(FIELD, pc, PC)                                                                                                   \
    R(FIELD, fp_flags, GPR)                                                                                            \
    R(VALUE, frame, HIDDEN, frame_offset)                                                                              \
    R(FIRST, reserve_address, HIDDEN, UINT64_MAX)                                                                      \
    R(VALUE, reserve_value, HIDDEN, reserved)                                                                          \
    R(HOST, poll, "a wish to come to the loop, which looks itself")                                                    \
    R(HOST_IN, exit, "answered, or found again by the instruction at pc")                                              \
    R(HOST, actions, "what is to be dropped of caches")                                                                \
    R(HOST, frame_base, "where the guest stack is on the host")                                                        \
    R(HOST, frame_limit, "likewise")                                                                                   \
    R(HOST_IN, mem, "how memory is reached")                                                                           \
    R(HOST_IN, soft, "likewise; which view follows from the guest's mode")                                             \
    R(VARIANT, guest, registers)                                                                                       \
    R(HOST, engine, "runs it")                                                                                         \
    R(HOST, runner, "the engine's")                                                                                    \
    R(HOST, owner, "the way back to what it belongs to")                                                               \
    R(HOST, interface, "functions")                                                                                    \
    R(HOST, self, "the vm")                                                                                            \
    R(OBJECT, count, count_type)                                                                                       \
    R(HOST_IN, jumps, "caches of translations, and predictions")                                                       \
    R(HOST_IN, host, "of code that is running")                                                                        \
    R(HOST_IN, traps, "what has been, for people")                                                                     \
    R(HOST_IN, wide, "of a C call on its way")                                                                         \
    R(HOST, noted, "a check's")                                                                                        \
    R(HOST, seen, "a check's")
OBJECT_TYPE(cpu_type, "cpu", struct cpu, CPU_ROWS)
