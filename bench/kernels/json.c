/* Writes a nested JSON text without printf, then parses it by recursive descent, adding up what it finds.
 * kind: str */
#include <string.h>
#include "kernel.h"

enum { REPS = 2200, SIZE = 1 << 17, DEPTH = 5 };

struct text {
    char *at, *end;
};

struct totals {
    uint64_t objects, arrays, strings, numbers, words, sum;
};

static void put(struct text *t, const char *s) {
    while (*s && t->at < t->end) *t->at++ = *s++;
}

static void put_number(struct text *t, uint64_t n) {
    char digits[24], *p = digits + sizeof digits;
    *--p = 0;
    do *--p = (char)('0' + n % 10);
    while (n /= 10);
    put(t, p);
}

static void write_value(struct text *t, uint64_t *seed, int depth) {
    uint64_t r = random_next(seed) >> 8;
    switch (depth ? r & 7 : 2 + (r & 3)) {
    case 0:
    case 6:
        put(t, "{\"id\": ");
        put_number(t, r >> 40);
        for (uint64_t i = 0; i < (r >> 3 & 7); i++) {
            put(t, ",\n \"key_");
            put_number(t, i);
            put(t, "\": ");
            write_value(t, seed, depth - 1);
        }
        put(t, "}");
        break;
    case 1:
    case 7:
        put(t, "[");
        for (uint64_t i = 0; i <= (r >> 3 & 7); i++) {
            if (i) put(t, ", ");
            write_value(t, seed, depth - 1);
        }
        put(t, "]");
        break;
    case 2: put_number(t, r >> 20); break;
    case 3:
        put(t, "-");
        put_number(t, r >> 44);
        put(t, ".");
        put_number(t, r >> 3 & 1023);
        break;
    case 4: put(t, r & 64 ? "\"plain text, somewhat long\"" : "\"\\u00e9scaped \\\"text\\\"\\n\""); break;
    default: put(t, r & 64 ? "true" : "null"); break;
    }
}

static const char *skip_space(const char *p) {
    while (*p == ' ' || *p == '\n') p++;
    return p;
}

static const char *parse_string(const char *p, struct totals *totals) {
    uint64_t sum = 0;
    for (p++; *p != '"'; p++) {
        unsigned c = (unsigned char)*p;
        if (c == '\\') {
            c = (unsigned char)*++p;
            if (c == 'u') {
                c = 0;
                for (int i = 0; i < 4; i++) {
                    unsigned d = (unsigned char)*++p;
                    c = c * 16 + (d <= '9' ? d - '0' : (d | 32) - 'a' + 10);
                }
            } else if (c == 'n')
                c = '\n';
        }
        sum = sum * 33 + c;
    }
    totals->strings++;
    totals->sum += sum;
    return p + 1;
}

static const char *parse_value(const char *p, struct totals *totals) {
    p = skip_space(p);
    if (*p == '{') {
        totals->objects++;
        do {
            p = skip_space(parse_string(skip_space(p + 1), totals));
            p = skip_space(parse_value(p + 1, totals));
        } while (*p == ',');
        return p + 1;
    }
    if (*p == '[') {
        totals->arrays++;
        do p = skip_space(parse_value(p + 1, totals));
        while (*p == ',');
        return p + 1;
    }
    if (*p == '"') return parse_string(p, totals);
    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        uint64_t number = 0, negative = *p == '-', scale = 1;
        if (negative) p++;
        for (; *p >= '0' && *p <= '9'; p++) number = number * 10 + (uint64_t)(*p - '0');
        if (*p == '.')
            for (p++; *p >= '0' && *p <= '9'; p++, scale *= 10) number = number * 10 + (uint64_t)(*p - '0');
        totals->numbers++;
        totals->sum += (negative ? -number : number) * scale;
        return p;
    }
    totals->words++;
    if (strncmp(p, "true", 4) != 0 && strncmp(p, "null", 4) != 0) abort();
    return p + 4;
}

int main(int argc, char **argv) {
    static char buffer[SIZE];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 10, digest = 0;
    for (long rep = 0; rep < reps; rep++) {
        struct text text = {buffer, buffer + SIZE - 1};
        struct totals totals = {0};
        put(&text, "[0");
        while (text.at - buffer < SIZE / 8) {
            put(&text, ", ");
            write_value(&text, &seed, DEPTH);
        }
        put(&text, "]");
        if (text.at == text.end) abort();
        *text.at = 0;
        for (int i = 0; i < 4; i++) parse_value(buffer, &totals);
        digest = digest_add(digest, totals.objects << 40 | totals.arrays << 20 | totals.strings);
        digest = digest_add(digest_add(digest, totals.numbers << 32 | totals.words), totals.sum);
    }
    return digest_print("json", digest);
}
