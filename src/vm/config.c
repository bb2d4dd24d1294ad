/* config.c - collecting options: from names and values (the command line, an embedder) and from environment twins. What
 * was set by name wins over the environment. A value is checked completely before anything is changed (option.c).
 */
#include "core/host.h"
#include "vm/internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool public_error(struct vee_error *error, enum vee_code code, const char *format, ...) {
    if (!error || error->code != VEE_OK) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->code = code;
    return false;
}

bool config_no_memory(struct vee_error *error) {
    return public_error(error, VEE_RESOURCES, "out of memory");
}

const char *vee_kind(unsigned index) {
    unsigned n = 0;
    while (vm_kinds[n]) n++;
    return index < n ? vm_kinds[index]->name : NULL;
}

struct vee_config *vee_config_make(void) {
    struct vee_config *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    arena_init(&c->arena, 4096);
    c->options.tier = host_native ? TIER_AUTO : TIER_INTERP;
    for (unsigned k = 0; vm_kinds[k]; k++) {
        const struct option_table *t = &vm_kinds[k]->options;
        if (!(c->own[k] = arena_alloc(&c->arena, t->size + 1))) {
            vee_config_free(c);
            return NULL;
        }
        if (t->size) memcpy(c->own[k], t->none, t->size);
    }
    return c;
}

void vee_config_free(struct vee_config *c) {
    if (!c) return;
    arena_done(&c->arena);
    free(c);
}

const char *config_keep(struct arena *arena, const char *text, size_t size) {
    char *copy = arena_alloc(arena, size + 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

unsigned list_length(const char *const *list) {
    unsigned n = 0;
    while (list && list[n]) n++;
    return n;
}

bool vee_config_set(struct vee_config *c, const char *name, const char *value, struct vee_error *error) {
    const struct option *o;
    unsigned i = 0;
    while ((o = option_at(i)) && strcmp(o->shown.name, name)) i++;
    if (!o) return public_error(error, VEE_USAGE, "there is no option '%s'", name);
    char who[64];
    snprintf(who, sizeof who, "--%s", name);
    if (!value && o->shown.argument) return public_error(error, VEE_USAGE, "%s needs a value", who);
    if (!option_set(c, i, who, value ? value : "1", error)) return false;
    c->chosen[i] = true;
    return true;
}

const char *vee_config_get(const struct vee_config *c, const char *name) {
    const struct option *o;
    for (unsigned i = 0; (o = option_at(i)); i++)
        if (!strcmp(o->shown.name, name)) return c->text[i];
    return NULL;
}

/* ---- environments */

static const char *environment_find(const char *const *environment, const char *name) {
    size_t n = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, n) && (*environment)[n] == '=') return *environment + n + 1;
    return NULL;
}

/* A twin may hold several values of a list. */
static bool set_from_twin(struct vee_config *c, unsigned option, const char *who, const char *value,
                          struct vee_error *error) {
    if (option_at(option)->type != OPTION_EDIT) return option_set(c, option, who, value, error);
    while (*value) {
        size_t n = strcspn(value, ",");
        const char *item = config_keep(&c->arena, value, n);
        if (!item) return config_no_memory(error);
        if (n && !option_set(c, option, who, item, error)) return false;
        value += n + (value[n] == ',');
    }
    return true;
}

bool vee_config_read_environment(struct vee_config *c, const char *const *environment, struct vee_error *error) {
    const struct option *o;
    for (unsigned i = 0; (o = option_at(i)); i++) {
        if (c->chosen[i] || !o->shown.twin) continue;
        const char *who = o->shown.twin, *value = environment_find(environment, who);
        if (!value && o->shown.also) {
            value = environment_find(environment, who = o->shown.also);
            if (value && o->type == OPTION_FLAG) value = "1"; /* QEMU asks only whether it is there */
        }
        if (value && *value && !set_from_twin(c, i, who, value, error)) return false;
    }
    return true;
}

bool vee_config_guest_environment(struct vee_config *c, const char *const *environment, struct vee_error *error) {
    unsigned n = list_length(environment);
    const char **copy = arena_alloc(&c->arena, (n + 1) * sizeof *copy);
    if (!copy) return config_no_memory(error);
    for (unsigned i = 0; i < n; i++)
        if (!(copy[i] = config_keep(&c->arena, environment[i], strlen(environment[i])))) return config_no_memory(error);
    c->environment = copy;
    return true;
}

const char **config_environment(const struct vee_config *c, struct arena *arena) {
    unsigned n = 0;
    const char **result =
        arena_alloc(arena, (list_length(c->environment) + list_length(c->edits) + 1) * sizeof *result);
    if (!result) return NULL;
    for (const char **e = c->environment; e && *e; e++) result[n++] = *e;
    for (const char *const *e = c->edits; e && *e; e++) {
        size_t name = strcspn(*e, "=");
        unsigned kept = 0;
        for (unsigned i = 0; i < n; i++)
            if (strncmp(result[i], *e, name) || result[i][name] != '=') result[kept++] = result[i];
        n = kept;
        if ((*e)[name]) result[n++] = *e;
    }
    result[n] = NULL;
    return result;
}

const char **config_carried(const struct vee_config *c, struct arena *arena) {
    const char **words = arena_alloc(arena, (OPTION_MOST + 1) * sizeof *words);
    const struct option *o;
    unsigned n = 0;
    for (unsigned i = 0; words && (o = option_at(i)); i++) {
        if (!o->carried || !c->text[i]) continue;
        size_t name = strlen(o->shown.name), value = strlen(c->text[i]);
        char *word = arena_alloc(arena, name + value + sizeof "--=");
        if (!word) return NULL;
        stpcpy(stpcpy(stpcpy(stpcpy(word, "--"), o->shown.name), "="), c->text[i]);
        words[n++] = word;
    }
    if (words) words[n] = NULL;
    return words;
}

void vee_config_program(struct vee_config *c, int descriptor) {
    c->options.program_open = descriptor >= 0;
    c->options.program_fd = descriptor;
}

void vee_config_log(struct vee_config *c, void (*line)(void *to, const char *text), void *to) {
    c->options.log_line = line;
    c->options.log_to = to;
}
