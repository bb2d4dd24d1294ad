/* state.c - what of a language machine is state, whatever the language: rows (core/object.h) of the common part. The
 * language has those of its own.
 */
#include "language/language.h"

static void file_bytes(struct visitor *v, const struct field *f, void *object) {
    const struct language_file *file = object;
    visit_bytes(v, f, 0, file->bytes, file->size);
}

#define FILE_ROWS(R)                                                                                                   \
    R(HOST, next, "the list")                                                                                          \
    R(BYTES, bytes, file_bytes)                                                                                        \
    R(HOST, size, "of the bytes")                                                                                      \
    R(HOST, name, "for messages")                                                                                      \
    R(HOST, code, "what the language has made of the bytes")
static OBJECT_TYPE(file_type, "file", struct language_file, FILE_ROWS)

static uint64_t unit_number(const struct visitor *v, const void *object, unsigned index) {
    const struct language_function *function = object;
    (void)index;
    return language_machine_of(v->root)->language->number(function->unit);
}

#define FUNCTION_ROWS(R)                                                                                               \
    R(VALUE, unit, HIDDEN, unit_number)                                                                                \
    R(FIELD, index, HIDDEN)
static OBJECT_TYPE(function_type, "function", struct language_function, FUNCTION_ROWS)

/* The language's own, in the same struct. */
static struct any_object own(void *object) {
    const struct language_machine *m = object;
    return (struct any_object){object, *m->language->state()};
}

/* The live part of the stack, which holds offsets and pcs but no host addresses. */
static void stack(struct visitor *v, const struct field *f, void *object) {
    const struct language_machine *m = object;
    const uint64_t live = m->language->live(m, m->vm->end == VM_TRAPPED);
    visit_bytes(v, f, 0, m->stack, (size_t)(m->vm->cpu->frame - m->stack) + live);
}

static void *next_file(const struct visitor *v, void *object, void *previous) {
    (void)v;
    return previous ? ((struct language_file *)previous)->next : ((struct language_machine *)object)->files;
}

static void arguments(struct visitor *v, const struct field *f, void *object) {
    const struct language_machine *m = object;
    if (m->arguments) visit_bytes(v, f, 0, m->arguments, m->narguments * sizeof *m->arguments);
}

#define MACHINE_ROWS(R)                                                                                                \
    R(HOST, vm, "what it hangs on")                                                                                    \
    R(VARIANT, language, own)                                                                                          \
    R(BYTES, stack, stack)                                                                                             \
    R(LIST, files, file_type, next_file)                                                                               \
    R(FIELD, phase, MODE)                                                                                              \
    R(OBJECT, entry, function_type)                                                                                    \
    R(BYTES, arguments, arguments)                                                                                     \
    R(HOST, narguments, "of the arguments")                                                                            \
    R(FIELD, print_results, MODE)                                                                                      \
    R(OBJECT, called, function_type)
OBJECT_TYPE(language_machine_type, "language", struct language_machine, MACHINE_ROWS)
