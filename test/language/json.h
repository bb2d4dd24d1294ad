/* json.h - a reader of JSON for tests: enough for what wast2json writes. Values live in an arena; a fault is NULL. */
#ifndef TEST_LANGUAGE_JSON_H
#define TEST_LANGUAGE_JSON_H

#include "base/arena.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct json {
    struct json *next;  /* in its array or object */
    struct json *first; /* array, object: members */
    const char *key;    /* in an object */
    const char *text;   /* string (UTF-8, terminated), number, true, false, null */
    size_t length;      /* of text: strings may hold zeros */
    char kind;          /* { [ " or 0 */
};

struct json_parser {
    const char *at;
    struct arena *arena;
};

static inline void json_space(struct json_parser *p) {
    while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r') p->at++;
}

static inline size_t json_utf8(char *to, unsigned c) {
    if (c < 0x80) return (size_t)(to[0] = (char)c, 1);
    if (c < 0x800) return (size_t)(to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2);
    to[0] = (char)(0xe0 | c >> 12);
    to[1] = (char)(0x80 | (c >> 6 & 63));
    to[2] = (char)(0x80 | (c & 63));
    return 3;
}

static inline const char *json_string(struct json_parser *p, size_t *length) {
    const char *end = ++p->at;
    while (*end && *end != '"') end += *end == '\\' ? 2 : 1;
    char *text = arena_alloc(p->arena, (size_t)(end - p->at) + 1);
    size_t n = 0;
    if (!text) return NULL;
    while (*p->at && *p->at != '"') {
        if (*p->at != '\\') {
            text[n++] = *p->at++;
            continue;
        }
        static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
        char c = p->at[1];
        const char *escape = strchr(from, c);
        if (c == 'u') {
            char hex[5] = {0};
            memcpy(hex, p->at + 2, 4);
            n += json_utf8(text + n, (unsigned)strtoul(hex, NULL, 16));
            p->at += 6;
            continue;
        }
        text[n++] = c && escape ? to[escape - from] : c;
        p->at += 2;
    }
    if (*p->at) p->at++;
    *length = n;
    return text;
}

static inline struct json *json_value(struct json_parser *p) {
    struct json *v = arena_alloc(p->arena, sizeof *v);
    json_space(p);
    if (!v || !*p->at) return NULL;
    if (*p->at == '"') {
        v->kind = '"';
        v->text = json_string(p, &v->length);
        return v;
    }
    if (*p->at != '{' && *p->at != '[') {
        const char *start = p->at;
        while (*p->at && !strchr(",]} \n\t\r", *p->at)) p->at++;
        v->length = (size_t)(p->at - start);
        char *text = arena_alloc(p->arena, v->length + 1);
        if (!text) return NULL;
        v->text = memcpy(text, start, v->length);
        return v;
    }
    v->kind = *p->at++;
    struct json **last = &v->first;
    for (;;) {
        const char *key = NULL;
        size_t length;
        json_space(p);
        if (*p->at == (v->kind == '{' ? '}' : ']')) {
            p->at++;
            return v;
        }
        if (*p->at == ',') {
            p->at++;
            continue;
        }
        if (v->kind == '{') {
            if (*p->at != '"' || !(key = json_string(p, &length))) return NULL;
            json_space(p);
            if (*p->at++ != ':') return NULL;
        }
        struct json *member = json_value(p);
        if (!member) return NULL;
        member->key = key;
        *last = member;
        last = &member->next;
    }
}

static inline const struct json *json_get(const struct json *object, const char *key) {
    for (const struct json *v = object ? object->first : NULL; v; v = v->next)
        if (v->key && !strcmp(v->key, key)) return v;
    return NULL;
}

/** The member's text, or "". */
static inline const char *json_text(const struct json *object, const char *key) {
    const struct json *v = json_get(object, key);
    return v && v->text ? v->text : "";
}

#endif
