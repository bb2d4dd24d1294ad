/* config.c - collecting options: from names and values (the command line, an embedder) and from environment twins, by
 * the rows of option.def. What was set by name wins over the environment. A value is checked completely before anything
 * is changed.
 */
#include "core/host.h"
#include "vm/internal.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_type {
    TYPE_FLAG,   /* bool */
    TYPE_STRING, /* const char * */
    TYPE_SIZE,   /* uint64_t or size_t: bytes */
    TYPE_COUNT,  /* digest_at: a number that may be 0 */
    TYPE_TIER,
    TYPE_LOG,
    TYPE_SEED,
    TYPE_FILE,    /* a path that is made absolute */
    TYPE_PROGRAM, /* program_fd */
    TYPE_EDIT,    /* adds to edits */
    TYPE_REFUSED  /* the help says why */
};

static const struct vee_option options[] = {
#define O(name, letter, argument, type, field, twin, also, carried, help) {name, letter, argument, twin, also, help},
#include "vm/option.def"
};
static const struct {
    enum option_type type;
    bool carried;
    size_t offset; /* in struct vee_config */
} places[] = {
#define O(name, letter, argument, type, field, twin, also, carried, help)                                              \
    {TYPE_##type, carried, offsetof(struct vee_config, field)},
#include "vm/option.def"
};
enum { OPTION_COUNT = sizeof options / sizeof *options };
_Static_assert(sizeof options / sizeof *options <= OPTION_MAX, "OPTION_MAX is too small");
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "TYPE_SIZE writes both");

bool public_error(struct vee_error *error, enum vee_code code, const char *format, ...) {
    if (!error || error->code != VEE_OK) return false;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    error->code = code;
    return false;
}

static bool no_memory(struct vee_error *error) {
    return public_error(error, VEE_RESOURCES, "out of memory");
}

const struct vee_option *vee_option(unsigned index) {
    return index < OPTION_COUNT ? &options[index] : NULL;
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
    return c;
}

void vee_config_free(struct vee_config *c) {
    if (!c) return;
    arena_done(&c->arena);
    free(c);
}

static const char *keep(struct arena *arena, const char *text, size_t size) {
    char *copy = arena_alloc(arena, size + 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

static unsigned list_length(const char *const *list) {
    unsigned n = 0;
    while (list && list[n]) n++;
    return n;
}

/* ---- values */

/* `who` names the option in errors: "--tier" or "VEE_TIER". */
static bool bad_value(struct vee_error *error, const char *who, const char *value, const char *want) {
    return public_error(error, VEE_USAGE, "%s: '%s' is not %s", who, value, want);
}

static bool parse_number(const char *text, const char *suffixes, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (end == text || errno || *text == '-' || *text == ' ') return false;
    const char *suffix = *end ? strchr(suffixes, *end) : NULL;
    if (suffix) {
        unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);
        if (*value >> (64 - shift)) return false;
        *value <<= shift;
        end++;
    }
    return !*end;
}

static bool parse_flag(const char *value, bool *on) {
    *on = !strcmp(value, "1");
    return *on || !strcmp(value, "0");
}

static bool parse_tier(const char *value, enum tier *tier) {
    static const char *const names[] = {[TIER_INTERP] = "interp", [TIER_BASELINE] = "baseline", [TIER_AUTO] = "auto"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) return *tier = (enum tier)i, true;
    return false;
}

enum { LOG_STRACE = 1 << 16, LOG_STATE = 1 << 17 }; /* which are not the engine's */

/* The names of the bits of enum engine_log, and QEMU's for them. */
static bool parse_log(const char *value, unsigned *log) {
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
#ifdef VEE_CHECK
        {"effects", LOG_EFFECTS},
#endif
        {"guest", LOG_GUEST},     {"uops", LOG_UOPS},   {"host", LOG_HOST},    {"exits", LOG_EXITS},
        {"in_asm", LOG_GUEST},    {"op", LOG_UOPS},     {"out_asm", LOG_HOST}, {"int", LOG_EXITS},
        {"strace", LOG_STRACE},   {"state", LOG_STATE},
    };
    enum { COUNT = sizeof names / sizeof *names };
    for (*log = 0; *value;) {
        size_t n = strcspn(value, ","), i = 0;
        while (i < COUNT && (strlen(names[i].name) != n || memcmp(names[i].name, value, n))) i++;
        if (i == COUNT) return false;
        *log |= names[i].bit;
        value += n + (value[n] == ',');
    }
    return true;
}

/* A variable's name is in front of the first `=`; `env` needs one, `unset` has none. */
static bool add_edit(struct vee_config *c, const char *value) {
    unsigned n = list_length(c->edits);
    const char **edits = arena_alloc(&c->arena, (n + 2) * sizeof *edits);
    if (!edits) return false;
    if (n) memcpy(edits, c->edits, n * sizeof *edits);
    edits[n] = value;
    c->edits = edits;
    return true;
}

/* The path from the root on, so that it stays right when the guest goes elsewhere. NULL: out of memory. */
static const char *absolute(struct arena *arena, const char *path) {
    char here[PATH_MAX];
    if (*path == '/' || !getcwd(here, sizeof here)) return keep(arena, path, strlen(path));
    char *joined = arena_alloc(arena, strlen(here) + strlen(path) + 2);
    if (joined) stpcpy(stpcpy(stpcpy(joined, here), "/"), path);
    return joined;
}

static bool set(struct vee_config *c, unsigned option, const char *who, const char *value, struct vee_error *error) {
    const struct vee_option *row = &options[option];
    void *place = (char *)c + places[option].offset;
    uint64_t number;
    enum tier tier;
    unsigned log;
    bool on = true;
    const char *copy = keep(&c->arena, value, strlen(value));
    if (!copy) return no_memory(error);
    switch (places[option].type) {
    case TYPE_FLAG:
        if (!parse_flag(value, &on)) return bad_value(error, who, value, "0 or 1");
        *(bool *)place = on;
        break;
    case TYPE_STRING: *(const char **)place = copy; break;
    case TYPE_SIZE:
        if (!parse_number(value, "KMG", &number)) return bad_value(error, who, value, "a size, as 65536, 64K or 1G");
        *(uint64_t *)place = number;
        break;
    case TYPE_COUNT:
        if (!parse_number(value, "", &number)) return bad_value(error, who, value, "a number");
        c->options.digest_at = number;
        c->options.has_digest_at = true;
        break;
    case TYPE_TIER:
        if (!parse_tier(value, &tier)) return bad_value(error, who, value, "interp, baseline or auto");
        *(enum tier *)place = tier;
        break;
    case TYPE_LOG:
        if (!parse_log(value, &log))
            return bad_value(error, who, value, "a list of guest, uops, host, exits, strace and state");
        *(unsigned *)place = log & ~(LOG_STRACE | LOG_STATE);
        c->options.log_state = log & LOG_STATE;
        if (log & LOG_STRACE) c->options.strace = true;
        break;
    case TYPE_SEED:
        if (!parse_number(value, "", &number)) return bad_value(error, who, value, "a number");
        c->options.seed = number;
        c->options.has_seed = true;
        break;
    case TYPE_FILE:
        if (!(copy = absolute(&c->arena, value))) return no_memory(error);
        *(const char **)place = copy;
        break;
    case TYPE_PROGRAM:
        if (!parse_number(value, "", &number) || number > INT_MAX) return bad_value(error, who, value, "a descriptor");
        vee_config_program(c, (int)number);
        break;
    case TYPE_EDIT:
        if (!*value || *value == '=' || !strchr(value, '=') != !strchr(row->argument, '='))
            return bad_value(error, who, value, row->argument);
        if (!add_edit(c, copy)) return no_memory(error);
        break;
    case TYPE_REFUSED: return public_error(error, VEE_USAGE, "%s: %s", who, row->help + strlen("Refused: "));
    }
    c->text[option] = on ? copy : NULL;
    return true;
}

bool vee_config_set(struct vee_config *c, const char *name, const char *value, struct vee_error *error) {
    unsigned i = 0;
    while (i < OPTION_COUNT && strcmp(options[i].name, name)) i++;
    if (i == OPTION_COUNT) return public_error(error, VEE_USAGE, "there is no option '%s'", name);
    char who[64];
    snprintf(who, sizeof who, "--%s", name);
    if (!value && options[i].argument) return public_error(error, VEE_USAGE, "%s needs a value", who);
    if (!set(c, i, who, value ? value : "1", error)) return false;
    c->chosen[i] = true;
    return true;
}

const char *vee_config_get(const struct vee_config *c, const char *name) {
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (!strcmp(options[i].name, name)) return c->text[i];
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
    if (places[option].type != TYPE_EDIT) return set(c, option, who, value, error);
    while (*value) {
        size_t n = strcspn(value, ",");
        const char *item = keep(&c->arena, value, n);
        if (!item) return no_memory(error);
        if (n && !set(c, option, who, item, error)) return false;
        value += n + (value[n] == ',');
    }
    return true;
}

bool vee_config_read_environment(struct vee_config *c, const char *const *environment, struct vee_error *error) {
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if (c->chosen[i] || !options[i].twin) continue;
        const char *who = options[i].twin, *value = environment_find(environment, who);
        if (!value && options[i].also) {
            value = environment_find(environment, who = options[i].also);
            if (value && places[i].type == TYPE_FLAG) value = "1"; /* QEMU asks only whether it is there */
        }
        if (value && *value && !set_from_twin(c, i, who, value, error)) return false;
    }
    return true;
}

bool vee_config_guest_environment(struct vee_config *c, const char *const *environment, struct vee_error *error) {
    unsigned n = list_length(environment);
    const char **copy = arena_alloc(&c->arena, (n + 1) * sizeof *copy);
    if (!copy) return no_memory(error);
    for (unsigned i = 0; i < n; i++)
        if (!(copy[i] = keep(&c->arena, environment[i], strlen(environment[i])))) return no_memory(error);
    c->environment = copy;
    return true;
}

const char **config_environment(const struct vee_config *c, struct arena *arena) {
    unsigned n = 0;
    const char **result =
        arena_alloc(arena, (list_length(c->environment) + list_length(c->edits) + 1) * sizeof *result);
    if (!result) return NULL;
    for (const char **e = c->environment; e && *e; e++) result[n++] = *e;
    for (const char **e = c->edits; e && *e; e++) {
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
    const char **words = arena_alloc(arena, (OPTION_COUNT + 1) * sizeof *words);
    unsigned n = 0;
    for (unsigned i = 0; words && i < OPTION_COUNT; i++) {
        if (!places[i].carried || !c->text[i]) continue;
        size_t name = strlen(options[i].name), value = strlen(c->text[i]);
        char *word = arena_alloc(arena, name + value + sizeof "--=");
        if (!word) return NULL;
        stpcpy(stpcpy(stpcpy(stpcpy(word, "--"), options[i].name), "="), c->text[i]);
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
