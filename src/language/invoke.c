/* invoke.c - which functions of a program are called, with what, in which order; what their results become.
 *
 * First what the program itself wants to be called; then the function that --invoke names (after the one that prepares,
 * if there is one), or the first of the language's usual entries.
 */
#include "language/language.h"
#include <stdio.h>
#include <stdlib.h>

static const char *program_name(const struct language_machine *m) {
    return m->vm->options.path;
}

/* "NAME: no exported function 'x'; there are: a, b, c" */
static bool no_function(struct language_machine *m, const char *wanted) {
    char list[200] = "none";
    const char *name;
    size_t at = 0, n;
    for (uint32_t k = 0; at + 80 < sizeof list && (n = m->language->name_at(m, k, &name)); k++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", at ? ", " : "", (int)(n < 60 ? n : 60), name);
    return error_set(&m->vm->error, ERROR_USAGE, "%s: no exported function '%s'; there are: %s", program_name(m),
                     wanted, list);
}

/* The words after the program's path are the function's arguments. */
static bool take_arguments(struct language_machine *m, const char *name, const struct language_signature *s) {
    struct vm *vm = m->vm;
    const char *const *argv = vm->options.argv;
    uint32_t n = 0;
    while (argv && argv[0] && argv[n + 1]) n++;
    if (n != s->nparams)
        return error_set(&vm->error, ERROR_USAGE, "%s takes %u arguments, %u given", name, s->nparams, n);
    m->arguments = calloc(n + 1, sizeof *m->arguments);
    if (!m->arguments) return error_set(&vm->error, ERROR_RESOURCES, "out of memory");
    m->narguments = n;
    for (uint32_t k = 0; k < n; k++)
        if (!value_parse(argv[k + 1], m->language->value_type(s->params[k]), &m->arguments[k]))
            return error_set(&vm->error, ERROR_USAGE, "argument '%s' is not a value of type %s", argv[k + 1],
                             m->language->type_name(s->params[k]));
    return true;
}

/* The first of the usual entries that there is. */
static bool find_entry(struct language_machine *m) {
    char name[64];
    for (const char *at = m->language->entries; *at; at += strspn(at, " ")) {
        const size_t n = strcspn(at, " ");
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        if (m->language->find(m, name, &m->entry)) return true;
        at += n;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(m->language->entries, " "), m->language->entries);
    return no_function(m, name);
}

bool language_choose(struct language_machine *m) {
    const char *name = ((const struct language_options *)m->vm->own)->invoke;
    if (name ? !m->language->find(m, name, &m->entry) && !no_function(m, name) : !find_entry(m)) return false;
    const struct language_signature s = m->language->signature(&m->entry);
    m->print_results = name != NULL;
    if (name) return take_arguments(m, name, &s);
    return !s.nparams || error_set(&m->vm->error, ERROR_USAGE, "%s: its entry takes %u parameters: use --invoke",
                                   program_name(m), s.nparams);
}

/* ---- phases */

void language_call(struct language_machine *m, const struct language_function *f, const uint64_t *args) {
    m->called = *f;
    m->language->call(m, f, args);
}

/* What prepares for a function that was asked for: another one, without parameters. */
static bool preparation(struct language_machine *m, struct language_function *f) {
    const char *name = m->language->prepare;
    return m->print_results && name && m->language->find(m, name, f) &&
           (f->unit != m->entry.unit || f->index != m->entry.index) && !m->language->signature(f).nparams;
}

void language_begin(struct language_machine *m) {
    struct language_function f;
    if (m->phase == PHASE_START && !m->language->start(m, &f)) m->phase = PHASE_INITIALIZE;
    if (m->phase == PHASE_INITIALIZE && !preparation(m, &f)) m->phase = PHASE_ENTRY;
    language_call(m, m->phase == PHASE_ENTRY ? &m->entry : &f, m->phase == PHASE_ENTRY ? m->arguments : NULL);
}

static void print_results(struct language_machine *m, const struct language_signature *s) {
    enum { LINE = 64 };
    char *text = malloc((size_t)LINE * s->nresults + 1);
    size_t at = 0;
    if (!text) return;
    text[0] = 0;
    for (uint32_t k = 0; k < s->nresults; k++) {
        const enum value_type type = m->language->value_type(s->results[k]);
        const uint64_t value = m->language->result(m, k);
        if (type == VALUE_REFERENCE && value)
            m->language->print_reference(text + at, LINE - 1, s->results[k], value);
        else
            value_print(text + at, LINE - 1, type, value);
        at += strlen(text + at);
        text[at++] = '\n';
        text[at] = 0;
    }
    free(m->vm->output);
    m->vm->output = text;
}

enum answer language_finished(struct language_machine *m) {
    const struct language_signature s = m->language->signature(&m->called);
    if (m->phase < PHASE_ENTRY) {
        m->phase++;
        language_begin(m);
        return ANSWER_RESUME;
    }
    const bool status = m->phase == PHASE_ENTRY && !m->print_results && s.nresults;
    if (m->phase == PHASE_ENTRY && m->print_results) print_results(m, &s);
    return vm_stop(m->vm, VM_EXITED, status ? (int)(m->language->result(m, 0) & 0xff) : 0, 0);
}
