/* run_wast.c - runs test scripts of the WebAssembly text format, as wast2json converts them.
 *
 *   run_wast [--tier interp|baseline] [--counted] [--check] [--one-block] [--random-flush] [-v] SPECTEST FILE.json...
 *
 * SPECTEST is the module that scripts import from as "spectest" (spectest.wat). A script's commands are carried out in
 * one machine; each assertion counts. The last line is `N passed, N failed`.
 */
#include "language/json.h"
#include "language/embed.h"
#include <inttypes.h>
#include <stdio.h>

struct script {
    struct vm vm;
    struct wasm_machine *m;
    struct wasm_instance *last;
    struct error error;
    char folder[500];
    const char *file;
    long line;
    unsigned passed, failed, skipped;
};

static bool verbose;

static uint8_t *read_all(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size + 1);
    if (bytes && fread(bytes, 1, *size, f) != *size) *size = 0;
    if (bytes) bytes[*size] = 0;
    fclose(f);
    return bytes;
}

static void note(struct script *s, bool good, const char *what, const char *why) {
    if (good)
        s->passed++;
    else
        s->failed++;
    if (!good || verbose)
        printf("%s:%ld: %s: %s%s%s\n", s->file, s->line, what, good ? "ok" : "FAILED", *why ? ": " : "", why);
}

/* ---- modules */

/* Loads a module and runs its start function. NULL: s->error says why; *trap: how it trapped, or 0. */
static struct wasm_instance *load_module(struct script *s, const char *path, uint32_t *trap) {
    size_t size;
    uint8_t *bytes = read_all(path, &size);
    s->error = (struct error){0};
    *trap = 0;
    if (!bytes) {
        error_set(&s->error, ERROR_NOT_FOUND, "%s: cannot be read", path);
        return NULL;
    }
    struct wasm_instance *in = embed_load(s->m, bytes, size, path, &s->error, trap);
    if (!in || in->module->start == UINT32_MAX) return in;
    s->vm.end = VM_RUNNING;
    embed_call(s->m, in, in->module->start, NULL);
    vm_run(&s->vm);
    if (s->vm.end != VM_TRAPPED) return in;
    *trap = (uint32_t)s->vm.status;
    s->error = s->vm.error;
    return NULL;
}

/* Instances by the names that scripts give them ($m) are kept among the names that imports see: no import starts so. */
static struct wasm_instance *find_instance(struct script *s, const struct json *where, const char *key) {
    const char *name = json_text(where, key);
    return *name ? wasm_instance_named(s->m, name, strlen(name)) : s->last;
}

static void path_of(struct script *s, const struct json *command, char *path, size_t size) {
    snprintf(path, size, "%s%s", s->folder, json_text(command, "filename"));
}

static void do_module(struct script *s, const struct json *command) {
    char path[1000];
    uint32_t trap;
    const char *name = json_text(command, "name");
    path_of(s, command, path, sizeof path);
    s->last = load_module(s, path, &trap);
    if (s->last && *name) wasm_name_instance(s->m, s->last, name, strlen(name));
    note(s, s->last != NULL, "module", s->error.text);
}

/* What must be refused: malformed, invalid, or impossible to link or start. */
static void do_refused(struct script *s, const struct json *command, const char *type) {
    char path[1000];
    uint32_t trap;
    bool wants_trap = !strcmp(type, "assert_uninstantiable");
    if (!strcmp(json_text(command, "module_type"), "text")) {
        s->skipped++; /* for parsers of the text format */
        return;
    }
    path_of(s, command, path, sizeof path);
    struct wasm_instance *in = load_module(s, path, &trap);
    bool good = !in && (trap != 0) == wants_trap;
    if (in) snprintf(s->error.text, sizeof s->error.text, "accepted, wanted '%s'", json_text(command, "text"));
    note(s, good, type, good && !verbose ? "" : s->error.text);
}

/* ---- actions */

static bool parse_value(const struct json *v, uint64_t *bits) {
    const char *type = json_text(v, "type"), *text = json_text(v, "value");
    *bits = 0;
    if (!strcmp(type, "externref") || !strcmp(type, "funcref")) {
        if (strcmp(text, "null")) *bits = strtoull(text, NULL, 10) + 1;
        return true;
    }
    *bits = strtoull(text, NULL, 10);
    return *text >= '0' && *text <= '9';
}

static bool is_nan_class(const char *text, bool wide, uint64_t bits) {
    uint64_t quiet = wide ? 0x7ff8000000000000 : 0x7fc00000, magnitude = bits & ~(wide ? 1ull << 63 : 1ull << 31);
    if (!strcmp(text, "nan:canonical")) return magnitude == quiet;
    return (magnitude & quiet) == quiet;
}

static bool value_matches(const struct json *expected, uint64_t bits) {
    const char *type = json_text(expected, "type"), *text = json_text(expected, "value");
    uint64_t wanted;
    if (!strncmp(text, "nan:", 4)) return is_nan_class(text, !strcmp(type, "f64"), bits);
    if (!strcmp(type, "funcref") && !*text) return bits != 0;
    return parse_value(expected, &wanted) && wanted == bits;
}

/* Does the action; s->vm.end says how it ended. False: there is no such thing. */
static bool act(struct script *s, const struct json *action, uint64_t *results, uint32_t *nresults) {
    struct wasm_instance *in = find_instance(s, action, "module");
    const struct json *field = json_get(action, "field"), *list = json_get(action, "args");
    const struct wasm_export *e = in && field ? wasm_export_find(in->module, field->text, field->length) : NULL;
    uint64_t args[100] = {0};
    uint32_t n = 0;
    s->vm.end = VM_RUNNING;
    s->vm.error = (struct error){0};
    if (!e) return false;
    if (!strcmp(json_text(action, "type"), "get")) {
        if (e->kind != WASM_GLOBAL) return false;
        results[0] = *(uint64_t *)wasm_at(s->m->store, in->globals[e->index]->cell);
        *nresults = 1;
        s->vm.end = VM_EXITED;
        return true;
    }
    if (e->kind != WASM_FUNCTION) return false;
    const struct wasm_type_info *t = function_type(in, e->index);
    for (const struct json *v = list ? list->first : NULL; v && n < 100; v = v->next)
        if (!parse_value(v, &args[n++])) return false;
    if (n != t->nparams) return false;
    embed_call(s->m, in, e->index, args);
    vm_run(&s->vm);
    *nresults = t->nresults < 100 ? t->nresults : 100;
    for (uint32_t k = 0; k < *nresults; k++) results[k] = wasm_result(&s->m->machine, k);
    return true;
}

static void do_return(struct script *s, const struct json *command, const char *type) {
    const struct json *expected = json_get(command, "expected"), *v = expected ? expected->first : NULL;
    uint64_t results[100] = {0};
    uint32_t n = 0, k = 0;
    char why[200] = "";
    bool good = act(s, json_get(command, "action"), results, &n);
    if (!good) snprintf(why, sizeof why, "no such export");
    if (good && s->vm.end != VM_EXITED) {
        snprintf(why, sizeof why, "%.190s", s->vm.error.text);
        good = false;
    }
    for (; good && v; v = v->next, k++)
        if (k >= n || !value_matches(v, results[k])) {
            snprintf(why, sizeof why, "result %u is 0x%" PRIx64 ", wanted %s", k, results[k], json_text(v, "value"));
            good = false;
        }
    note(s, good, type, why);
}

static void do_trap(struct script *s, const struct json *command, const char *type) {
    const char *wanted = json_text(command, "text");
    uint64_t results[100];
    uint32_t n;
    if (!act(s, json_get(command, "action"), results, &n)) {
        note(s, false, type, "no such export");
        return;
    }
    const char *got = s->vm.end == VM_TRAPPED ? exit_info[s->vm.status].text : "no trap";
    bool exhaustion = !strcmp(type, "assert_exhaustion");
    bool good = exhaustion ? s->vm.status == EXIT_stack
                           : !strncmp(wanted, got, strlen(got)) || !strncmp(got, wanted, strlen(wanted));
    char why[200] = "";
    if (!good) snprintf(why, sizeof why, "%s, wanted '%.80s'", got, wanted);
    note(s, good && s->vm.end == VM_TRAPPED, type, why);
}

static void do_command(struct script *s, const struct json *command) {
    const char *type = json_text(command, "type");
    s->line = strtol(json_text(command, "line"), NULL, 10);
    if (!strcmp(type, "module")) {
        do_module(s, command);
    } else if (!strcmp(type, "register")) {
        struct wasm_instance *in = find_instance(s, command, "name");
        const struct json *as = json_get(command, "as");
        note(s, in && as && wasm_name_instance(s->m, in, as->text, as->length), type, "");
    } else if (!strcmp(type, "assert_return") || !strcmp(type, "action")) {
        do_return(s, command, type);
    } else if (!strcmp(type, "assert_trap") || !strcmp(type, "assert_exhaustion")) {
        do_trap(s, command, type);
    } else if (!strncmp(type, "assert_", 7)) {
        do_refused(s, command, type);
    } else {
        note(s, false, type, "unknown command");
    }
}

/* ---- scripts */

static void run_script(const struct vm_options *options, const char *spectest, const char *path, unsigned *passed,
                       unsigned *failed, unsigned *skipped) {
    struct script *s = calloc(1, sizeof *s);
    struct arena arena;
    size_t size;
    uint32_t trap;
    uint8_t *text = read_all(path, &size);
    const char *slash = strrchr(path, '/');
    s->file = path;
    s->vm =
        (struct vm){.options = *options, .counted = options->counted, .next_event = UINT64_MAX, .stop_at = UINT64_MAX};
    snprintf(s->folder, sizeof s->folder, "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    arena_init(&arena, 1 << 20);
    struct json_parser parser = {.at = (const char *)text, .arena = &arena};
    const struct json *root = text ? json_value(&parser) : NULL, *commands = json_get(root, "commands");
    if (!commands || !language_make(&s->vm, &language_wasm)) {
        note(s, false, "script", commands ? s->vm.error.text : "cannot be read");
    } else {
        s->m = wasm_machine_of(&s->vm);
        struct wasm_instance *in = load_module(s, spectest, &trap);
        if (in)
            wasm_name_instance(s->m, in, "spectest", 8);
        else
            note(s, false, "spectest", s->error.text);
        for (const struct json *c = commands->first; c; c = c->next) do_command(s, c);
    }
    *passed += s->passed;
    *failed += s->failed;
    *skipped += s->skipped;
    language_free(s->vm.data);
    arena_done(&arena);
    free(text);
    free(s);
}

int main(int argc, char **argv) {
    struct vm_options options = {.tier = TIER_BASELINE};
    unsigned passed = 0, failed = 0, skipped = 0;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        const char *o = argv[at];
        if (!strcmp(o, "--tier") && at + 1 < argc)
            options.tier = strcmp(argv[++at], "interp") ? TIER_BASELINE : TIER_INTERP;
        else if (!strcmp(o, "--counted"))
            options.counted = true;
        else if (!strcmp(o, "--check"))
            options.check = true;
        else if (!strcmp(o, "--one-block"))
            options.one_block = true;
        else if (!strcmp(o, "--random-flush"))
            options.random_flush = true;
        else if (!strcmp(o, "-v"))
            verbose = true;
        else
            return fprintf(stderr, "run_wast: unknown option %s\n", o), 2;
    }
    if (at + 1 >= argc) return fprintf(stderr, "usage: run_wast [options] SPECTEST FILE.json...\n"), 2;
    const char *spectest = argv[at++];
    for (; at < argc; at++) run_script(&options, spectest, argv[at], &passed, &failed, &skipped);
    if (skipped) printf("%u of text modules left out\n", skipped);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
