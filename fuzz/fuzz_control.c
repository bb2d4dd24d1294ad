/* fuzz_control.c - requests of the control socket: any bytes as a line. What is read is written and read again, and
 * says the same; what is refused says where. Lines of the prompt are requests that can be read.
 */
#include "machine/control.h"
#include "machine/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct json_object *a, const struct json_object *b) {
    if (a->count != b->count) abort();
    for (unsigned i = 0; i < a->count; i++) {
        const struct json_member *m = &a->members[i], *n = &b->members[i];
        if (strcmp(m->key, n->key) || strcmp(m->text, n->text) || m->type != n->type || m->number != n->number) abort();
    }
}

static void as_json(const uint8_t *data, size_t size) {
    struct json_object one, two;
    struct json_out out = {0};
    struct error error = {0};
    char *line = malloc(size + 1);
    if (!line) return;
    memcpy(line, data, size);
    unsigned at;
    if (!json_read(&one, line, size, &error)) {
        if (!error.code || sscanf(error.text, "at byte %u:", &at) != 1 || at > size) abort();
    } else {
        json_open(&out, NULL, '{');
        for (unsigned i = 0; i < one.count; i++) json_put_member(&out, &one.members[i]);
        json_close(&out, '}');
        char *text = json_text(&out);
        if (!text || !json_read(&two, text, out.size, &error)) abort();
        same(&one, &two);
        free(text);
    }
    free(line);
}

static void as_words(const uint8_t *data, size_t size) {
    char words[CONTROL_LINE / 2], line[CONTROL_LINE + 1];
    struct json_object object;
    struct error error = {0};
    snprintf(words, sizeof words, "%.*s", (int)(size < sizeof words ? size : sizeof words - 1), (const char *)data);
    for (char *c = words; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' '; /* which the prompt does not take */
    if (!control_from_words(words, line, CONTROL_LINE)) return;
    if (!json_read(&object, line, strlen(line), &error) && !strstr(error.text, "there already") &&
        !strstr(error.text, "too many"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > CONTROL_LINE) return 0;
    as_json(data, size);
    as_words(data, size);
    return 0;
}
