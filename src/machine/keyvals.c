/* keyvals.c - see keyvals.h. */
#include "machine/keyvals.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool word_among(const char *word, const char *words) {
    const size_t size = strlen(word);
    for (size_t n; *words; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        if (n == size && !memcmp(word, words, n)) return true;
    }
    return false;
}

bool keyvals_add(struct keyvals *k, const char *key, const char *value, struct error *error) {
    if (k->count == KEYVALS_MOST)
        return error_set(error, ERROR_USAGE, "%s: more than %d values", k->option, KEYVALS_MOST);
    k->pairs[k->count++] = (struct keyval){key, value};
    return true;
}

/* Copies an item up to its comma, two of which are one; *text is behind it then. */
static char *take_item(const char **text, char *to) {
    const char *p = *text;
    for (; *p && (*p != ',' || p[1] == ','); p++) {
        if (*p == ',') p++;
        *to++ = *p;
    }
    *to++ = 0;
    *text = p + (*p == ',');
    return to;
}

bool keyvals_parse(struct keyvals *k, struct arena *arena, const char *option, const char *text, const char *implied,
                   struct error *error) {
    *k = (struct keyvals){.option = option};
    char *to = arena_alloc(arena, strlen(text) + 2);
    if (!to) return error_set(error, ERROR_RESOURCES, "%s: out of memory", option);
    if (!*text) return error_set(error, ERROR_USAGE, "%s: an empty value", option);
    for (const char *p = text; *p; implied = NULL) {
        char *item = to, *equals;
        to = take_item(&p, to);
        equals = strchr(item, '=');
        if (equals) *equals = 0;
        if (!*item) return error_set(error, ERROR_USAGE, "%s: an empty key in '%s'", option, text);
        const bool first = implied && !equals;
        if (!keyvals_add(k, first ? implied : item, equals ? equals + 1 : first ? item : "on", error)) return false;
    }
    return true;
}

bool keyvals_check(const struct keyvals *k, const char *known, struct error *error) {
    for (const struct keyval *p = k->pairs; p < k->pairs + k->count; p++)
        if (!word_among(p->key, known))
            return error_set(error, ERROR_USAGE, "%s: there is no '%.60s'; there are: %s", k->option, p->key, known);
    return true;
}

const char *spec_get(const struct keyvals *k, const char *key) {
    for (unsigned i = k->count; i-- > 0;)
        if (!strcmp(k->pairs[i].key, key)) return k->pairs[i].value;
    return NULL;
}

bool spec_flag(const struct keyvals *k, const char *key, bool *value, struct error *error) {
    const char *text = spec_get(k, key);
    if (!text) return true;
    *value = word_among(text, "on yes true");
    if (*value || word_among(text, "off no false")) return true;
    return error_set(error, ERROR_USAGE, "%s: %s: '%.60s' is not on or off", k->option, key, text);
}

/* A number, and how far its suffix (one of K, M, G, T) shifts it. */
static bool parse(const char *text, uint64_t *value, unsigned *shift) {
    static const char suffixes[] = "KMGT";
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    *value = strtoull(text, &end, 0);
    const char *suffix = *end ? strchr(suffixes, *end & ~0x20) : NULL;
    *shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
    return !errno && !end[suffix != NULL] && (*shift == 0 || *value >> (64 - *shift) == 0);
}

bool spec_number(const struct keyvals *k, const char *key, uint64_t least, uint64_t most, uint64_t *value,
                 struct error *error) {
    const char *text = spec_get(k, key);
    uint64_t number;
    unsigned shift;
    if (!text) return true;
    if (!parse(text, &number, &shift) || shift || number < least || number > most)
        return error_set(error, ERROR_USAGE, "%s: %s: '%.60s' is not a number from %" PRIu64 " to %" PRIu64, k->option,
                         key, text, least, most);
    *value = number;
    return true;
}

bool spec_bytes(const struct keyvals *k, const char *key, uint64_t *value, struct error *error) {
    const char *text = spec_get(k, key);
    uint64_t number;
    unsigned shift;
    if (!text) return true;
    if (!parse(text, &number, &shift))
        return error_set(error, ERROR_USAGE, "%s: %s: '%.60s' is not a size, as 65536, 64K or 1G", k->option, key,
                         text);
    *value = number << shift;
    return true;
}

bool spec_word(const struct keyvals *k, const char *key, const char *words, struct error *error) {
    const char *text = spec_get(k, key);
    if (!text || word_among(text, words)) return true;
    return error_set(error, ERROR_USAGE, "%s: %s: there is no '%.60s'; there are: %s", k->option, key, text, words);
}
