/* option.c - options of a process that say what its computer is like: the model of the processor, page size, address
 * space. Most of them cannot be chosen here; what agrees with what there is is accepted, so that command lines made for
 * other emulators work, and everything else is refused.
 */
#include "process/linux/abi.h"
#include <inttypes.h>
#include <string.h>
#include <strings.h>

const struct option process_option_rows[] = {
#define O(...) OPTION_ROW(struct process_options, __VA_ARGS__)
#include "process/option.def"
};
const struct process_options process_options_none;

static const uint64_t usual_window = UINT64_C(1) << 40, least_window = UINT64_C(1) << 31,
                      most_window = UINT64_C(1) << 46;

/* Is this one of the words of the list? */
static bool list_has(const char *list, char separator, const char *word, size_t size) {
    for (const char *end; list; list = end ? end + 1 : NULL) {
        end = strchr(list, separator);
        size_t n = end ? (size_t)(end - list) : strlen(list);
        if (n == size && !strncasecmp(list, word, n)) return true;
    }
    return false;
}

/* NAME=on or NAME=off, up to `end`. */
static bool property_check(const struct abi *abi, const char *property, const char *end, struct error *error) {
    const char *value = memchr(property, '=', (size_t)(end - property));
    size_t size = value ? (size_t)(value++ - property) : 0, n = value ? (size_t)(end - value) : 0;
    bool on = value && list_has("on true yes", ' ', value, n), off = value && list_has("off false no", ' ', value, n);
    if (!size || !(on || off))
        return error_set(error, ERROR_USAGE, "--cpu: '%.*s' is not NAME=on or NAME=off with the name of an extension",
                         (int)(end - property), property);
    if (on == list_has(abi->extensions, ' ', property, size)) return true;
    return error_set(error, ERROR_USAGE, "--cpu: '%.*s': this processor %s; it is %s", (int)(end - property), property,
                     on ? "has no such extension" : "always has that", abi->isa);
}

static bool model_check(const struct abi *abi, const char *model, struct error *error) {
    size_t n = strcspn(model, ",");
    if (!n || !list_has(abi->models, ' ', model, n))
        return error_set(error, ERROR_USAGE, "--cpu: there is no model '%.*s'; there are: %s", (int)n, model,
                         abi->models);
    for (const char *at = model + n; *at == ',';) {
        const char *property = at + 1;
        at = property + strcspn(property, ",");
        if (!property_check(abi, property, at, error)) return false;
    }
    return true;
}

bool options_check(const struct process_options *o, const char *cpu, const struct abi *abi, struct error *error) {
    if (cpu && !model_check(abi, cpu, error)) return false;
    if (o->page_size && o->page_size != SPACE_PAGE)
        return error_set(error, ERROR_USAGE, "--page-size: pages have %d bytes, not %" PRIu64, SPACE_PAGE,
                         o->page_size);
    if (o->reserved && (o->reserved < least_window || o->reserved > most_window))
        return error_set(error, ERROR_USAGE, "--reserved: %" PRIu64 " is not between 2G and 64T", o->reserved);
    return true;
}

uint64_t options_window(const struct process_options *o) {
    uint64_t size = least_window;
    while (size < o->reserved) size <<= 1;
    if (o->reserved) return size;
    return o->window || o->guest_base ? usual_window : 0;
}
