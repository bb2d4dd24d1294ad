/* host.c - functions of the host that programs import: found by name, checked by type; what they end a run with. */
#include "language/language.h"
#include <errno.h>
#include <unistd.h>

static bool text_is(const char *text, size_t length, const char *wanted) {
    return strlen(wanted) == length && !memcmp(text, wanted, length);
}

const struct host_function *host_find(const struct language *l, const char *module, size_t module_length,
                                      const char *name, size_t name_length) {
    for (const struct host_function *const *list = l->functions; *list; list++)
        for (const struct host_function *f = *list; f->name; f++)
            if (text_is(module, module_length, f->module) && text_is(name, name_length, f->name)) return f;
    return NULL;
}

bool host_type_is(const struct host_function *f, const struct language *l, const struct language_signature *s) {
    const char *p = f->type;
    uint32_t n = 0;
    for (; *p != ':'; p++, n++)
        if (n >= s->nparams || l->value_type(s->params[n]) != value_letter(*p)) return false;
    if (n != s->nparams || s->nresults != strlen(++p)) return false;
    return !*p || l->value_type(s->results[0]) == value_letter(*p);
}

uint64_t host_trap(struct host_call *c, enum exit_kind kind, uint64_t value) {
    c->answer = language_trap(c->machine, kind, value);
    return 0;
}

uint64_t host_exit(struct host_call *c, int status) {
    c->answer = vm_stop(c->machine->vm, VM_EXITED, status, 0);
    return 0;
}

bool host_write(int fd, const void *bytes, size_t size) {
    const char *p = bytes;
    while (size) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

uint64_t host_print(const uint64_t *args, const char *letters) {
    enum { LINE = 200, MOST = 60 };
    char line[LINE];
    size_t at = 0;
    for (; *letters && at + MOST + 2 < LINE; letters++, args++) {
        if (at) line[at++] = ' ';
        value_print(line + at, MOST, value_letter(*letters), *args);
        at += strlen(line + at);
    }
    line[at++] = '\n';
    host_write(1, line, at);
    return 0;
}
