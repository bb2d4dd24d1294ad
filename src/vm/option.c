/* option.c - options as rows, of everybody and of each kind, and their values as text. A value is checked completely
 * before anything is changed.
 */
#include "vm/internal.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option common[] = {
#define O(...) OPTION_ROW(struct vee_config, __VA_ARGS__)
#include "vm/option.def"
};
enum { COMMON = sizeof common / sizeof *common };
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "OPTION_SIZE writes both");

/* The row with this number, and in *kind whose it is, as in vm_kinds; -1: everybody's. */
static const struct option *row_at(unsigned index, int *kind) {
    *kind = -1;
    if (index < COMMON) return &common[index];
    index -= COMMON;
    for (*kind = 0; vm_kinds[*kind]; ++*kind) {
        const struct option_table *t = &vm_kinds[*kind]->options;
        if (index < t->count) return &t->rows[index];
        index -= t->count;
    }
    return NULL;
}

const struct option *option_at(unsigned index) {
    int kind;
    return index < OPTION_MOST ? row_at(index, &kind) : NULL;
}

const struct vee_option *vee_option(unsigned index) {
    const struct option *o = option_at(index);
    return o ? &o->shown : NULL;
}

/* Where its value goes. */
static void *place_of(struct vee_config *c, unsigned index) {
    int kind;
    const struct option *row = row_at(index, &kind);
    return (char *)(kind < 0 ? (void *)c : c->own[kind]) + row->offset;
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

enum { LOG_CALLS = 1 << 16, LOG_STATE = 1 << 17 }; /* which are not the engine's */

/* The names of the bits of enum engine_log, and QEMU's for them. */
static bool parse_log(const char *value, unsigned *log) {
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {
#ifdef VEE_CHECK
        {"effects", LOG_EFFECTS},
#endif
        {"guest", LOG_GUEST},     {"uops", LOG_UOPS},    {"host", LOG_HOST},    {"exits", LOG_EXITS},
        {"in_asm", LOG_GUEST},    {"op", LOG_UOPS},      {"out_asm", LOG_HOST}, {"int", LOG_TRAPS},
        {"mmu", LOG_MMU},         {"strace", LOG_CALLS}, {"state", LOG_STATE},
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

static bool add_text(struct arena *arena, const char *const **list, const char *value) {
    unsigned n = list_length(*list);
    const char **longer = arena_alloc(arena, (n + 2) * sizeof *longer);
    if (!longer) return false;
    if (n) memcpy(longer, *list, n * sizeof *longer);
    longer[n] = value;
    *list = longer;
    return true;
}

/* "512" and "size=512" are 512 MiB, "65536K" is that many bytes. */
static bool parse_memory(const char *value, uint64_t *bytes) {
    if (!strncmp(value, "size=", 5)) value += 5;
    if (!parse_number(value, "KMG", bytes)) return false;
    if (strchr("KMG", value[strlen(value) - 1])) return true;
    if (*bytes >> (64 - 20)) return false;
    *bytes <<= 20;
    return true;
}

/* The path from the root on, so that it stays right when the guest goes elsewhere. NULL: out of memory. */
static const char *absolute(struct arena *arena, const char *path) {
    char here[PATH_MAX];
    if (*path == '/' || !getcwd(here, sizeof here)) return config_keep(arena, path, strlen(path));
    char *joined = arena_alloc(arena, strlen(here) + strlen(path) + 2);
    if (joined) stpcpy(stpcpy(stpcpy(joined, here), "/"), path);
    return joined;
}

bool option_set(struct vee_config *c, unsigned index, const char *who, const char *value, struct vee_error *error) {
    const struct option *row = option_at(index);
    void *place = place_of(c, index);
    uint64_t number;
    enum tier tier;
    unsigned log;
    bool on = true;
    const char *copy = config_keep(&c->arena, value, strlen(value));
    if (!copy) return config_no_memory(error);
    switch (row->type) {
    case OPTION_FLAG:
        if (!parse_flag(value, &on)) return bad_value(error, who, value, "0 or 1");
        *(bool *)place = on;
        break;
    case OPTION_STRING: *(const char **)place = copy; break;
    case OPTION_SIZE:
        if (!parse_number(value, "KMG", &number)) return bad_value(error, who, value, "a size, as 65536, 64K or 1G");
        *(uint64_t *)place = number;
        break;
    case OPTION_MEMORY:
        if (!parse_memory(value, &number)) return bad_value(error, who, value, "a size, as 512, 512M or 1G");
        *(uint64_t *)place = number;
        break;
    case OPTION_LIST:
        if (!add_text(&c->arena, place, copy)) return config_no_memory(error);
        break;
    case OPTION_COUNT:
        if (!parse_number(value, "", &number)) return bad_value(error, who, value, "a number");
        c->options.digest_at = number;
        c->options.has_digest_at = true;
        break;
    case OPTION_TIER:
        if (!parse_tier(value, &tier)) return bad_value(error, who, value, "interp, baseline or auto");
        *(enum tier *)place = tier;
        break;
    case OPTION_LOG:
        if (!parse_log(value, &log))
            return bad_value(error, who, value, "a list of guest, uops, host, exits, int, mmu, strace and state");
        *(unsigned *)place = log & ~(LOG_CALLS | LOG_STATE);
        c->options.log_state = log & LOG_STATE;
        if (log & LOG_CALLS) c->options.log_calls = true;
        break;
    case OPTION_SEED:
        if (!parse_number(value, "", &number)) return bad_value(error, who, value, "a number");
        c->options.seed = number;
        c->options.has_seed = true;
        break;
    case OPTION_FILE:
        if (!(copy = absolute(&c->arena, value))) return config_no_memory(error);
        *(const char **)place = copy;
        break;
    case OPTION_PROGRAM:
        if (!parse_number(value, "", &number) || number > INT_MAX) return bad_value(error, who, value, "a descriptor");
        vee_config_program(c, (int)number);
        break;
    case OPTION_EDIT:
        if (!*value || *value == '=' || !strchr(value, '=') != !strchr(row->shown.argument, '='))
            return bad_value(error, who, value, row->shown.argument);
        /* A variable's name is in front of the first `=`; `env` needs one, `unset` has none. */
        if (!add_text(&c->arena, &c->edits, copy)) return config_no_memory(error);
        break;
    case OPTION_REFUSED: return public_error(error, VEE_USAGE, "%s: %s", who, row->shown.help + strlen("Refused: "));
    }
    c->text[index] = on ? copy : NULL;
    return true;
}
