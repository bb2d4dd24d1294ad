/* A JSON parser into a tree, a printer, queries by path, and error positions; the printed text parses to the same tree.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NULL_VALUE, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT };

struct json {
    enum kind kind;
    double number;
    char *text;
    struct json *first, *next; /* members and elements; text of a member's value is in key */
    char *key;
};

struct parser {
    const char *start, *p;
    const char *error;
    int depth;
};

static struct json *parse(struct parser *s);

static void skip(struct parser *s) {
    while (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r') s->p++;
}

static void *fail(struct parser *s, const char *why) {
    if (!s->error) s->error = why;
    return NULL;
}

static void drop(struct json *j) {
    while (j) {
        struct json *next = j->next;
        drop(j->first);
        free(j->text);
        free(j->key);
        free(j);
        j = next;
    }
}

static char *parse_string(struct parser *s) {
    char *out = malloc(strlen(s->p) * 3 + 1), *o = out;
    for (s->p++; *s->p != '"'; s->p++) {
        unsigned char c = (unsigned char)*s->p;
        if (c < 32) goto bad;
        if (c != '\\') {
            *o++ = (char)c;
            continue;
        }
        c = (unsigned char)*++s->p;
        const char *at = strchr("\"\\/bfnrt", c);
        if (c && at)
            *o++ = "\"\\/\b\f\n\r\t"[at - "\"\\/bfnrt"];
        else if (c == 'u') {
            unsigned code = 0;
            for (int i = 0; i < 4; i++) {
                c = (unsigned char)*++s->p;
                if (!isxdigit(c)) goto bad;
                code = code * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
            }
            if (code < 0x80)
                *o++ = (char)code;
            else if (code < 0x800)
                *o++ = (char)(0xc0 | code >> 6), *o++ = (char)(0x80 | (code & 63));
            else
                *o++ = (char)(0xe0 | code >> 12), *o++ = (char)(0x80 | (code >> 6 & 63)),
                *o++ = (char)(0x80 | (code & 63));
        } else
            goto bad;
    }
    s->p++;
    *o = 0;
    return out;
bad:
    free(out);
    return fail(s, "bad string");
}

static struct json *make(enum kind kind) {
    struct json *j = calloc(1, sizeof *j);
    j->kind = kind;
    return j;
}

static struct json *parse_members(struct parser *s, char close) {
    struct json *j = make(close == '}' ? OBJECT : ARRAY), **link = &j->first;
    s->p++;
    skip(s);
    if (*s->p == close) {
        s->p++;
        return j;
    }
    for (;;) {
        char *key = NULL;
        skip(s);
        if (close == '}') {
            if (*s->p != '"') return drop(j), fail(s, "expected a key");
            key = parse_string(s);
            skip(s);
            if (!key || *s->p != ':') return free(key), drop(j), fail(s, "expected a colon");
            s->p++;
        }
        *link = parse(s);
        if (!*link) return free(key), drop(j), NULL;
        (*link)->key = key;
        link = &(*link)->next;
        skip(s);
        if (*s->p == close) break;
        if (*s->p++ != ',') return s->p--, drop(j), fail(s, "expected a comma");
    }
    s->p++;
    return j;
}

static struct json *parse(struct parser *s) {
    skip(s);
    struct json *j = NULL;
    if (++s->depth > 100) return fail(s, "too deep");
    if (*s->p == '{')
        j = parse_members(s, '}');
    else if (*s->p == '[')
        j = parse_members(s, ']');
    else if (*s->p == '"') {
        char *text = parse_string(s);
        if (text) j = make(STRING), j->text = text;
    } else if (*s->p == '-' || isdigit((unsigned char)*s->p)) {
        const char *p = s->p + (*s->p == '-');
        char *end;
        if (*p == '0' && isdigit((unsigned char)p[1])) return fail(s, "leading zero");
        if (!isdigit((unsigned char)*p)) return fail(s, "bad number");
        j = make(NUMBER);
        j->number = strtod(s->p, &end);
        s->p = end;
    } else if (strncmp(s->p, "true", 4) == 0 || strncmp(s->p, "null", 4) == 0) {
        j = make(*s->p == 't' ? BOOLEAN : NULL_VALUE);
        j->number = 1;
        s->p += 4;
    } else if (strncmp(s->p, "false", 5) == 0) {
        j = make(BOOLEAN);
        s->p += 5;
    } else
        fail(s, "unexpected character");
    s->depth--;
    return j;
}

static size_t write_text(char *out, const char *text) {
    size_t n = 0;
    out[n++] = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            out[n++] = '\\', out[n++] = *text;
        else if ((unsigned char)*text < 32)
            n += (size_t)sprintf(out + n, "\\u%04x", *text);
        else
            out[n++] = *text;
    }
    out[n++] = '"';
    return n;
}

static size_t write_json(char *out, const struct json *j, int indent) {
    size_t n = 0;
    switch (j->kind) {
    case NULL_VALUE: return (size_t)sprintf(out, "null");
    case BOOLEAN: return (size_t)sprintf(out, j->number != 0 ? "true" : "false");
    case NUMBER: return (size_t)sprintf(out, "%.17g", j->number);
    case STRING: return write_text(out, j->text);
    default: break;
    }
    out[n++] = j->kind == OBJECT ? '{' : '[';
    for (const struct json *m = j->first; m; m = m->next) {
        if (indent >= 0) n += (size_t)sprintf(out + n, "\n%*s", indent + 2, "");
        if (m->key) {
            n += write_text(out + n, m->key);
            out[n++] = ':';
        }
        n += write_json(out + n, m, indent < 0 ? indent : indent + 2);
        if (m->next) out[n++] = ',';
    }
    out[n++] = j->kind == OBJECT ? '}' : ']';
    out[n] = 0;
    return n;
}

static const struct json *find(const struct json *j, const char *path) {
    while (j && *path) {
        size_t n = strcspn(path, ".");
        const struct json *m = j->first;
        if (j->kind == ARRAY)
            for (long i = strtol(path, NULL, 10); m && i; i--) m = m->next;
        else
            while (m && !(strlen(m->key) == n && memcmp(m->key, path, n) == 0)) m = m->next;
        j = m;
        path += n + (path[n] == '.');
    }
    return j;
}

static const char *const texts[] = {
    "null",
    "true",
    " [ ] ",
    "{}",
    "[1,2,3]",
    "-0.5e-3",
    "\"\\u00e9\\n\\\"\\u20ac\"",
    "{\"name\": \"vee\", \"list\": [1, [2, [3, {\"deep\": true}]]], \"empty\": {}, \"n\": 1e100, \"text\": \"a\\tb\"}",
    "[[[[[[[[[[1]]]]]]]]]]",
    "{\"a\":{\"b\":{\"c\":[0,{\"d\":\"found\"}]}}}",
    "[0.1, 1e-7, 123456789012345678, -1, 1.5e300, 5e-324]",
    "",
    "[1,",
    "[1 2]",
    "{\"a\" 1}",
    "{a:1}",
    "\"open",
    "[01]",
    "tru",
    "[1]x",
    "\"\\x\"",
    "\"\\u12g4\"",
    "-",
    "[1,]",
    "{\"a\":}",
    "\"tab\there\""};

int main(void) {
    static char first[1 << 16], second[1 << 16], pretty[1 << 16];
    int same = 0, good = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct parser s = {texts[i], texts[i], NULL, 0};
        struct json *j = parse(&s);
        if (j) skip(&s);
        if (j && *s.p) drop(j), j = fail(&s, "more text");
        if (!j) {
            printf("%s: %s at %td\n", texts[i], s.error, s.p - s.start);
            continue;
        }
        good++;
        write_json(first, j, -1);
        write_json(pretty, j, 0);
        struct parser again = {pretty, pretty, NULL, 0};
        struct json *k = parse(&again);
        if (k) write_json(second, k, -1);
        same += k && strcmp(first, second) == 0;
        printf("%s\n", first);
        const struct json *found = find(j, "list.1.1.1.deep"), *other = find(j, "a.b.c.1.d");
        if (found && found->kind == BOOLEAN) printf("deep %g\n%s\n", found->number, pretty);
        if (other && other->kind == STRING) printf("%s\n", other->text);
        drop(k);
        drop(j);
    }
    printf("%d %d\n", good, same);
    char *nested = malloc(500);
    memset(nested, '[', 400);
    nested[400] = 0;
    struct parser s = {nested, nested, NULL, 0};
    struct json *deep = parse(&s);
    printf("%d %s\n", deep == NULL, s.error);
    free(nested);
    size_t n = 0; /* a large text */
    n += (size_t)sprintf(pretty, "[0");
    for (int i = 0; i < 800; i++)
        n += (size_t)sprintf(pretty + n, ", {\"i\": %d, \"half\": %g, \"name\": \"item %d\", \"tags\": [%d, null]}", i,
                             i / 2.0, i, i * i);
    sprintf(pretty + n, "]");
    s = (struct parser){pretty, pretty, NULL, 0};
    struct json *large = parse(&s);
    const struct json *item = find(large, "700.name"), *tag = find(large, "555.tags.0");
    double sum = 0;
    for (const struct json *m = large->first->next; m; m = m->next) sum += find(m, "half")->number;
    printf("%s %g %g %zu\n", item->text, tag->number, sum, write_json(first, large, -1));
    drop(large);
    return 0;
}
