/* A tokeniser for a C-like language over generated source: character classes, keyword lookup, numbers, strings.
 * kind: str */
#include <string.h>
#include "kernel.h"

enum { REPS = 1600, SOURCE = 1 << 16 };

enum token { END, NAME, KEYWORD, NUMBER, STRING, OPERATOR, COMMENT, TOKENS };

enum class { OTHER, SPACE, LETTER, DIGIT, QUOTE, SLASH };

static uint8_t classes[256];

static const char *const keywords[] = {"break", "case", "char",   "else",   "for",
                                       "if",    "int",  "return", "struct", "while"};

static int is_keyword(const char *text, size_t n) {
    size_t low = 0, high = sizeof keywords / sizeof keywords[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(text, keywords[middle], n);
        if (order == 0) order = keywords[middle][n] ? -1 : 0;
        if (order == 0) return 1;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

static enum token token_next(const char **at, uint64_t *value) {
    const char *p = *at;
    while (classes[(uint8_t)*p] == SPACE) p++;
    const char *start = p;
    enum token token = OPERATOR;
    *value = 0;
    switch (classes[(uint8_t)*p]) {
    case LETTER:
        while (classes[(uint8_t)*p] == LETTER || classes[(uint8_t)*p] == DIGIT) *value = *value * 31 + (uint8_t)*p++;
        token = is_keyword(start, (size_t)(p - start)) ? KEYWORD : NAME;
        break;
    case DIGIT:
        while (classes[(uint8_t)*p] == DIGIT) *value = *value * 10 + (uint64_t)(*p++ - '0');
        token = NUMBER;
        break;
    case QUOTE:
        for (p++; *p && *p != '"'; p++) {
            if (*p == '\\' && p[1]) p++;
            *value += (uint8_t)*p;
        }
        if (*p) p++;
        token = STRING;
        break;
    case SLASH:
        if (p[1] == '*') {
            for (p += 2; *p && !(p[0] == '*' && p[1] == '/');) p++, ++*value;
            if (*p) p += 2;
            token = COMMENT;
            break;
        } /* fall through */
    default:
        if (!*p)
            token = END;
        else {
            *value = (uint8_t)*p++;
            if (*p == '=' || (*p == p[-1] && strchr("<>&|+-", *p))) *value = *value << 8 | (uint8_t)*p++;
        }
    }
    *at = p;
    return token;
}

int main(int argc, char **argv) {
    static const char *const pieces[] = {
        "for (int i = 0; i < 10; i++) ", "while (x1 != y_2) {\n",
        "return a[i] <<= 3;\n",          "/* a comment, of some length */",
        "\"a \\\"string\\\" \\n\" ",     "struct node *next;\n",
        "0 + 42 * 123456789 - ",         "if (forty >= intern && whiles) charm = 7; else }\n"};
    static char source[SOURCE + 64];
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 8, digest = 0;
    for (int c = 1; c < 256; c++)
        classes[c] = c <= ' '                                                       ? SPACE
                     : c >= '0' && c <= '9'                                         ? DIGIT
                     : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ? LETTER
                     : c == '"'                                                     ? QUOTE
                     : c == '/'                                                     ? SLASH
                                                                                    : OTHER;
    for (size_t n = 0; n < SOURCE;) {
        const char *piece = pieces[random_next(&seed) >> 61];
        memcpy(source + n, piece, strlen(piece));
        n += strlen(piece);
    }
    for (long rep = 0; rep < reps; rep++) {
        uint32_t counts[TOKENS] = {0};
        uint64_t value;
        const char *at = source;
        for (enum token token; (token = token_next(&at, &value)) != END;) {
            counts[token]++;
            digest += value ^ token;
        }
        for (int i = 0; i < TOKENS; i++) digest = digest_add(digest, counts[i]);
        source[random_next(&seed) % SOURCE] = (char)('0' + rep % 70);
    }
    return digest_print("tokens", digest);
}
