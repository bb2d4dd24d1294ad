/* json.c - see json.h. Reading goes once from the front to the back; every byte is looked at before it is believed. */
#include "machine/json.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading */

struct reader {
    char *at, *start, *end; /* *end is 0 */
    struct error *error;
};

static bool refuse(const struct reader *r, const char *what) {
    return error_set(r->error, ERROR_USAGE, "at byte %zu: %s", (size_t)(r->at - r->start), what);
}

static void skip(struct reader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n') r->at++;
}

static bool expect(struct reader *r, char c, const char *what) {
    skip(r);
    if (*r->at != c) return refuse(r, what);
    r->at++;
    return true;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The four digits behind \u. */
static bool read_unit(struct reader *r, uint32_t *unit) {
    *unit = 0;
    for (unsigned i = 0; i < 4; i++) {
        const int digit = hex_digit(*r->at);
        if (digit < 0) return refuse(r, "four hexadecimal digits are wanted here");
        *unit = *unit << 4 | (uint32_t)digit;
        r->at++;
    }
    return true;
}

/* As UTF-8, which is never longer than the escape was. */
static char *put_character(char *to, uint32_t c) {
    if (c < 0x80) return *to++ = (char)c, to;
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* Behind the backslash. */
static bool read_escape(struct reader *r, char **to) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *plain = *r->at ? strchr(from, *r->at) : NULL;
    uint32_t high, low;
    if (plain) {
        r->at++;
        *(*to)++ = into[plain - from];
        return true;
    }
    if (*r->at != 'u') return refuse(r, "there is no such escape");
    r->at++;
    if (!read_unit(r, &high)) return false;
    if (high == 0) return refuse(r, "a text with a zero character is of no use here");
    if (high >= 0xd800 && high < 0xdc00) {
        if (r->at[0] != '\\' || r->at[1] != 'u') return refuse(r, "half a character");
        r->at += 2;
        if (!read_unit(r, &low)) return false;
        if (low < 0xdc00 || low >= 0xe000) return refuse(r, "half a character");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    } else if (high >= 0xdc00 && high < 0xe000) {
        return refuse(r, "half a character");
    }
    *to = put_character(*to, high);
    return true;
}

static bool read_text(struct reader *r, const char **text) {
    if (!expect(r, '"', "a text in quotes is wanted here")) return false;
    char *to = r->at;
    *text = to;
    for (;;) {
        const unsigned char c = (unsigned char)*r->at;
        if (c == '"') break;
        if (c < ' ') return refuse(r, r->at == r->end ? "the text has no end" : "a control character within a text");
        r->at++;
        if (c != '\\')
            *to++ = (char)c;
        else if (!read_escape(r, &to))
            return false;
    }
    r->at++;
    *to = 0; /* at the quote, or before it */
    return true;
}

static bool read_number(struct reader *r, struct json_member *m) {
    m->type = JSON_NUMBER;
    m->text = r->at;
    if (*r->at == '-') m->negative = true, r->at++;
    if (*r->at < '0' || *r->at > '9') return refuse(r, "a text, a number, true, false or null is wanted here");
    if (r->at[0] == '0' && r->at[1] >= '0' && r->at[1] <= '9') return refuse(r, "a number begins with 0");
    for (; *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(m->number, 10, &m->number) ||
            __builtin_add_overflow(m->number, (uint64_t)(*r->at - '0'), &m->number))
            return refuse(r, "the number has more than 64 bits");
    if (*r->at == '.' || *r->at == 'e' || *r->at == 'E') return refuse(r, "only whole numbers mean something here");
    if (m->negative && m->number > 1ull << 63) return refuse(r, "the number has more than 64 bits");
    if (m->negative) m->number = -m->number;
    return true;
}

static bool read_word(struct reader *r, struct json_member *m) {
    static const char *const words[] = {"null", "false", "true"};
    for (unsigned i = 0; i < 3; i++) {
        const size_t n = strlen(words[i]);
        if (strncmp(r->at, words[i], n) != 0) continue;
        m->type = i ? JSON_BOOL : JSON_NULL;
        m->number = i == 2;
        m->text = words[i];
        r->at += n;
        return true;
    }
    return read_number(r, m);
}

static bool read_value(struct reader *r, struct json_member *m) {
    skip(r);
    if (*r->at == '{' || *r->at == '[') return refuse(r, "no object or array is wanted here");
    if (*r->at != '"') return read_word(r, m);
    m->type = JSON_TEXT;
    return read_text(r, &m->text);
}

static bool read_members(struct reader *r, struct json_object *o) {
    skip(r);
    if (*r->at == '}') return r->at++, true;
    for (;;) {
        if (o->count == JSON_MEMBERS) return refuse(r, "too many members");
        struct json_member *m = &o->members[o->count];
        *m = (struct json_member){0};
        if (!read_text(r, &m->key) || !expect(r, ':', "a colon is wanted here")) return false;
        if (json_get(o, m->key)) return refuse(r, "this member is there already");
        if (!read_value(r, m)) return false;
        o->count++;
        skip(r);
        char *const behind = r->at++;
        const char c = *behind;
        /* A number is its own text: it ends here. */
        if (c == '}' || c == ',') {
            if (m->type == JSON_NUMBER) {
                char *end = (char *)(uintptr_t)m->text;
                while (*end == '-' || (*end >= '0' && *end <= '9')) end++;
                *end = 0;
            }
            if (c == '}') return true;
            continue;
        }
        r->at = behind;
        return refuse(r, "a comma or the end of the object is wanted here");
    }
}

bool json_read(struct json_object *o, char *line, size_t size, struct error *error) {
    struct reader r = {line, line, line + size, error};
    o->count = 0;
    *r.end = 0;
    if (!expect(&r, '{', "an object is wanted here") || !read_members(&r, o)) return false;
    skip(&r);
    return r.at == r.end || refuse(&r, "something follows the object");
}

const struct json_member *json_get(const struct json_object *o, const char *key) {
    for (unsigned i = 0; i < o->count; i++)
        if (!strcmp(o->members[i].key, key)) return &o->members[i];
    return NULL;
}

/* ---- writing */

static void put(struct json_out *out, const char *bytes, size_t size) {
    if (out->size + size + 1 > out->room) {
        const size_t room = 2 * (out->size + size) + 256;
        char *more = out->failed ? NULL : realloc(out->text, room);
        if (!more) {
            out->failed = true;
            return;
        }
        out->text = more;
        out->room = room;
    }
    memcpy(out->text + out->size, bytes, size);
    out->size += size;
}

static void quote(struct json_out *out, const char *text) {
    put(out, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        char escape[8];
        if (*c == '"' || *c == '\\')
            put(out, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", *c));
        else if (*c < ' ' || *c == 0x7f)
            put(out, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *c));
        else
            put(out, (const char *)c, 1);
    }
    put(out, "\"", 1);
}

static void begin(struct json_out *out, const char *key) {
    if (!out->first && out->size) put(out, ",", 1);
    out->first = false;
    if (!key) return;
    quote(out, key);
    put(out, ":", 1);
}

void json_open(struct json_out *out, const char *key, char bracket) {
    begin(out, key);
    put(out, &bracket, 1);
    out->first = true;
}

void json_close(struct json_out *out, char bracket) {
    put(out, &bracket, 1);
    out->first = false;
}

void json_put_text(struct json_out *out, const char *key, const char *text) {
    begin(out, key);
    quote(out, text);
}

void json_put_number(struct json_out *out, const char *key, uint64_t number) {
    char text[24];
    begin(out, key);
    put(out, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, number));
}

void json_put_hex(struct json_out *out, const char *key, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, number);
    json_put_text(out, key, text);
}

void json_put_bool(struct json_out *out, const char *key, bool value) {
    begin(out, key);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

void json_put_member(struct json_out *out, const struct json_member *m) {
    if (m->type == JSON_TEXT) {
        json_put_text(out, m->key, m->text);
        return;
    }
    begin(out, m->key);
    put(out, m->text, strlen(m->text));
}

char *json_text(struct json_out *out) {
    if (!out->failed && out->size < out->room) out->text[out->size] = 0;
    if (out->failed || !out->text) {
        free(out->text);
        out->text = NULL;
    }
    return out->text;
}
