/* regcomp and regexec: basic and extended syntax, groups, back references, anchors, classes, flags, errors; and a small
 * backtracking matcher of our own that must agree on simple patterns. */
#include <regex.h>
#include <stdio.h>
#include <string.h>

static void try(const char *pattern, const char *text, int flags, int run_flags) {
    regex_t r;
    regmatch_t m[6];
    int error = regcomp(&r, pattern, flags);
    printf("/%s/%d '%s': ", pattern, flags, text);
    if (error) {
        char why[100];
        regerror(error, &r, why, sizeof why);
        printf("error %d %s\n", error, why);
        return;
    }
    error = regexec(&r, text, 6, m, run_flags);
    if (error)
        printf("no match");
    else
        for (size_t i = 0; i <= r.re_nsub && i < 6; i++) {
            if (m[i].rm_so < 0)
                printf("(-) ");
            else
                printf("(%d-%d %.*s) ", (int)m[i].rm_so, (int)m[i].rm_eo, (int)(m[i].rm_eo - m[i].rm_so),
                       text + m[i].rm_so);
        }
    printf(" groups %zu\n", r.re_nsub);
    regfree(&r);
}

/* c, ., c*, c+, c?, ^, $ only */
static int match_here(const char *p, const char *t);

static int match_repeat(int c, const char *p, const char *t, int least, int most) {
    int n = 0;
    while (t[n] && n != most && (c == '.' || t[n] == c)) n++;
    for (; n >= least; n--)
        if (match_here(p, t + n)) return 1;
    return 0;
}

static int match_here(const char *p, const char *t) {
    if (!*p) return 1;
    if (p[1] == '*') return match_repeat(p[0], p + 2, t, 0, -1);
    if (p[1] == '+') return match_repeat(p[0], p + 2, t, 1, -1);
    if (p[1] == '?') return match_repeat(p[0], p + 2, t, 0, 1);
    if (*p == '$' && !p[1]) return !*t;
    return *t && (*p == '.' || *p == *t) && match_here(p + 1, t + 1);
}

static int match(const char *p, const char *t) {
    if (*p == '^') return match_here(p + 1, t);
    do {
        if (match_here(p, t)) return 1;
    } while (*t++);
    return 0;
}

int main(void) {
    static const struct {
        const char *pattern, *text;
    } extended[] = {{"abc", "xxabcxx"},
                    {"^abc$", "abc"},
                    {"^abc$", "abcd"},
                    {"a*", "aaab"},
                    {"(a|b)+c", "xabbac"},
                    {"([a-z]+)-([0-9]+)", "item-42 item-43"},
                    {"(a(b(c)))", "zabc"},
                    {"x?y", "xy"},
                    {"a{2,3}", "aaaa"},
                    {"a{2}", "a"},
                    {"[^a-c]+", "abcxyz"},
                    {"[[:digit:]]+", "ab123"},
                    {"[[:alpha:]_][[:alnum:]_]*", "9 name_1"},
                    {"(foo|foobar)(bar)?", "foobar"},
                    {"()", "x"},
                    {"a|b|", "c"},
                    {"(a*)+", "b"},
                    {"(a|ab)(c|bcd)(d*)", "abcd"},
                    {"\\.", "a.b"},
                    {"[]x]+", "a]x"},
                    {"[a\\-]+", "b-a"},
                    {"^(([^:/?#]+):)?(//([^/?#]*))?([^?#]*)", "http://host/path?q"},
                    {"\\<word\\>", "a word here"},
                    {"\\w+\\s\\w+", "two words"},
                    {"(.)\\1", "abccd"},
                    {"^(.*)x\\1$", "abxab"},
                    {"a.c", "a\nc"},
                    {"^b", "a\nb"},
                    {"(", "x"},
                    {"a{3,2}", "x"},
                    {"[z-a]", "x"},
                    {"[a", "x"},
                    {"*a", "*a"},
                    {"a**", "aa"},
                    {"[[:nothing:]]", "x"},
                    {"\\", "x"},
                    {"a{1", "a{1"}};
    for (size_t i = 0; i < sizeof extended / sizeof extended[0]; i++)
        try(extended[i].pattern, extended[i].text, REG_EXTENDED, 0);
    static const struct {
        const char *pattern, *text;
    } basic[] = {{"a\\{2\\}", "aab"}, {"\\(ab\\)*\\1", "ababab"},   {"a+b", "a+b"},
                 {"(a)", "(a)"},      {"\\(a\\|b\\)c", "bc"},       {"a\\?b", "b"},
                 {"^*a", "*a"},       {"\\([0-9]*\\)x\\1", "12x12"}};
    for (size_t i = 0; i < sizeof basic / sizeof basic[0]; i++) try(basic[i].pattern, basic[i].text, 0, 0);
    try("HeLLo", "say hello", REG_EXTENDED | REG_ICASE, 0);
    try("^b", "a\nb", REG_EXTENDED | REG_NEWLINE, 0);
    try("a.c", "a\nc", REG_EXTENDED | REG_NEWLINE, 0);
    try("^a", "a", REG_EXTENDED, REG_NOTBOL);
    try("a$", "a", REG_EXTENDED, REG_NOTEOL);
    try("a", "bab", REG_EXTENDED | REG_NOSUB, 0);

    static const char *const patterns[] = {"a",  "ab*c", "^a.c$",     "a+b+",    "x?y?z", "a.*b",  "^$",
                                           ".*", "b$",   "a?a?a?aaa", "c+d*e?f", "..a",   "^a*a*b"};
    int agree = 0, total = 0, matches = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        regex_t r;
        if (regcomp(&r, patterns[i], REG_EXTENDED | REG_NOSUB)) return 1;
        unsigned seed = 5;
        for (int k = 0; k < 60; k++) {
            char text[16];
            int n = k % 12;
            for (int j = 0; j < n; j++) text[j] = (char)('a' + ((seed = seed * 1664525 + 1013904223) >> 30));
            text[n] = 0;
            int expected = match(patterns[i], text), got = regexec(&r, text, 0, NULL, 0) == 0;
            agree += expected == got;
            matches += got;
            total++;
        }
        regfree(&r);
    }
    printf("%d of %d agree, %d match\n", agree, total, matches);
    const char *text = "key1=value1; key22=value two;key3=;  last=x";
    regex_t r;
    regmatch_t m[3];
    if (regcomp(&r, "([a-z0-9]+)=([^;]*)", REG_EXTENDED)) return 1;
    while (regexec(&r, text, 3, m, 0) == 0) {
        printf("<%.*s|%.*s>", (int)(m[1].rm_eo - m[1].rm_so), text + m[1].rm_so, (int)(m[2].rm_eo - m[2].rm_so),
               text + m[2].rm_so);
        text += m[0].rm_eo;
    }
    regfree(&r);
    putchar('\n');
    return agree != total;
}
