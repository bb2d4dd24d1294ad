/* language.c - the kind of vm that runs a program at the level of its language, whichever of language.def that is.
 *
 * Opening reads the file, which the language checks and links; running calls its functions in turn (invoke.c). What
 * stops code is settled here where it is the same in every language, else by the language.
 */
#include "language/language.h"
#include "base/os.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LANGUAGE(name) extern const struct language language_##name;
#include "language/language.def"
#define LANGUAGE(name) &language_##name,
static const struct language *const languages[] = {
#include "language/language.def"
    NULL};

static const struct language *language_of(const uint8_t *bytes, size_t size) {
    const struct language *const *l = languages;
    while (*l && !(*l)->recognise(bytes, size)) l++;
    return *l;
}

static bool language_recognise(const uint8_t *bytes, size_t size) {
    return language_of(bytes, size) != NULL;
}

/* ---- what stops code */

enum answer language_trap(struct language_machine *m, enum exit_kind kind, uint64_t value) {
    struct vm *vm = m->vm;
    const size_t n = (size_t)snprintf(vm->error.text, sizeof vm->error.text, "%s in ", exit_info[kind].text);
    m->language->where(m, vm->error.text + n, sizeof vm->error.text - n);
    return vm_stop(vm, VM_TRAPPED, (int)kind, value);
}

static enum answer answer(void *self, struct cpu *cpu) {
    struct vm *vm = self;
    struct language_machine *m = language_machine_of(vm);
    bool event;
    switch ((enum exit_kind)cpu->exit.kind) {
    case EXIT_budget: return vm_answer_budget(vm, cpu, &event);
    case EXIT_poll: return vm_answer_poll(vm) ? ANSWER_STOP : ANSWER_RESUME;
    default: return m->language->answer(m, cpu);
    }
}

static void fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct language_machine *m = language_machine_of(self);
    (void)cpu;
    m->language->fetch(m, address, f);
}

static const struct interface language_interface = {.name = "language", .answer = answer, .fetch = fetch};

/* ---- making */

bool language_make(struct vm *vm, const struct language *language) {
    struct language_machine *m = calloc(1, language->machine_size);
    struct engine_config config;
    if (!m) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    vm->data = m;
    m->vm = vm;
    m->language = language;
    m->stack = os_stack_map(LANGUAGE_STACK);
    if (!m->stack) return error_set(&vm->error, ERROR_RESOURCES, "no memory for the stack");
    vm_engine_config(vm, language->guest, &language_interface, &config);
    vm->engine = engine_make(&config, &vm->error);
    if (!vm->engine) return false;
    vm->cpu = engine_cpu_make(vm->engine, &vm->error);
    if (!vm->cpu) return false;
    vm->cpu->frame = vm->cpu->frame_base = m->stack;
    vm->cpu->frame_limit = m->stack + LANGUAGE_STACK;
    return language->make(m);
}

static void files_free(struct language_machine *m) {
    for (struct language_file *f = m->files, *next; f; f = next) {
        next = f->next;
        if (f->code) m->language->unload(f->code);
        free(f->bytes);
        free(f->name);
        free(f);
    }
}

void language_free(struct language_machine *m) {
    if (!m) return;
    struct vm *vm = m->vm;
    if (vm->cpu) engine_cpu_free(vm->engine, vm->cpu);
    if (vm->engine) engine_free(vm->engine);
    vm->engine = NULL;
    vm->cpu = NULL;
    m->language->free(m);
    files_free(m);
    if (m->stack) os_stack_unmap(m->stack, LANGUAGE_STACK);
    free(m->arguments);
    free(m);
    vm->data = NULL;
}

struct language_file *language_keep(struct language_machine *m, uint8_t *bytes, size_t size, const char *name,
                                    struct error *error) {
    struct language_file *f = calloc(1, sizeof *f);
    char *copy = f ? strdup(name) : NULL;
    if (!copy) {
        free(bytes);
        free(f);
        error_set(error, ERROR_RESOURCES, "%s: out of memory", name);
        return NULL;
    }
    *f = (struct language_file){.next = m->files, .bytes = bytes, .size = size, .name = copy};
    return m->files = f;
}

/* The whole file, read and not mapped: what is checked must not change. */
static uint8_t *read_file(const char *path, size_t most, size_t *size, struct error *error) {
    FILE *f = fopen(path, "rbe");
    uint8_t *bytes = NULL;
    size_t cap = 0;
    *size = 0;
    while (f && !ferror(f) && !feof(f) && *size <= most) {
        if (*size == cap) {
            uint8_t *more = realloc(bytes, cap = cap ? cap * 2 : 1 << 16);
            if (!more) {
                error_set(error, ERROR_RESOURCES, "%s: out of memory", path);
                break;
            }
            bytes = more;
        }
        *size += fread(bytes + *size, 1, cap - *size, f);
    }
    if (!f || ferror(f)) error_set(error, ERROR_NOT_RUNNABLE, "%s: cannot be read: %s", path, strerror(errno));
    if (f) fclose(f);
    if (!error->code) return bytes;
    free(bytes);
    return NULL;
}

/* ---- the kind */

static void language_close(struct vm *vm) {
    language_free(language_machine_of(vm));
}

/* The language that the file is of; else, where the kind was asked for by name, the first, which says what is wrong. */
static const struct language *language_for(const uint8_t *bytes, size_t size) {
    const struct language *l = language_of(bytes, size);
    return l ? l : languages[0];
}

static bool language_open(struct vm *vm) {
    const char *path = vm->options.path;
    size_t size, most = 0;
    for (const struct language *const *l = languages; *l; l++)
        if ((*l)->most_file > most) most = (*l)->most_file;
    uint8_t *bytes = read_file(path, most, &size, &vm->error);
    if (!bytes) return false;
    if (!language_make(vm, language_for(bytes, size))) {
        free(bytes);
        language_close(vm);
        return false;
    }
    struct language_machine *m = language_machine_of(vm);
    struct language_file *file = language_keep(m, bytes, size, path, &vm->error);
    if (!file || !m->language->load(m, file) || !language_choose(m)) {
        language_close(vm);
        return false;
    }
    language_begin(m);
    return true;
}

static const struct option rows[] = {
#define O(...) OPTION_ROW(struct language_options, __VA_ARGS__)
#include "language/option.def"
};
static const struct language_options none;

const struct vm_kind vm_kind_language = {
    .name = "language",
    .options = {rows, sizeof rows / sizeof *rows, sizeof none, &none},
    .recognise = language_recognise,
    .open = language_open,
    .close = language_close,
    .state = language_machine_type,
};
