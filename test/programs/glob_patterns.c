/* glob over a made directory tree, fnmatch with its flags, wordexp without commands. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wordexp.h>

static void show(const char *pattern, int flags) {
    glob_t g = {.gl_offs = 2};
    int r = glob(pattern, flags, NULL, &g);
    printf("%s %d: %d %zu", pattern, flags, r, r ? 0 : g.gl_pathc);
    size_t skip = flags & GLOB_DOOFFS ? 2 : 0;
    for (size_t i = 0; r == 0 && i < g.gl_pathc; i++) printf(" %s", g.gl_pathv[i + skip]);
    putchar('\n');
    globfree(&g);
}

int main(void) {
    static const char *const files[] = {"a.c",   "b.c",   "ab.h",        ".hidden", "d/x.c", "d/y.txt", "d/e/z.c",
                                        "[odd]", "star*", "back\\slash", "n1",      "n2",    "n10"};
    if (mkdir("d", 0755) || mkdir("d/e", 0755)) return 1;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int fd = open(files[i], O_CREAT | O_WRONLY, 0600);
        if (fd < 0) return 2;
        close(fd);
    }
    static const char *const patterns[] = {
        "*.c",       "*",       ".*n",     "?.c",  "[ab].c",  "[!a]*.c",  "[^a]*.c",        "d/*.c",
        "*/*.c",     "*/*/*.c", "d/*",     "n?",   "n[0-9]*", "nothing*", "plain",          "a.c",
        "\\[odd\\]", "[[]*",    "star\\*", "*[*]", "d*/",     "./*.h",    "../[.]*nothing", "{a,b}.c"};
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) show(patterns[i], 0);
    show("*", GLOB_MARK);
    show("nothing*", GLOB_NOCHECK);
    show("nothing*", GLOB_NOMAGIC);
    show("{a,b,c}.{c,h}", GLOB_BRACE);
    show("n*", GLOB_DOOFFS);
    show("back\\slash", GLOB_NOESCAPE);
    show("*", GLOB_PERIOD | GLOB_ONLYDIR);
    glob_t g = {0};
    glob("*.h", 0, NULL, &g);
    glob("d/*.txt", GLOB_APPEND, NULL, &g);
    printf("%zu %s %s\n", g.gl_pathc, g.gl_pathv[0], g.gl_pathv[1]);
    globfree(&g);
    static const char *const names[] = {"abc", ".abc",   "a/b",      "a/.b", "ABC", "a*c",
                                        "",    "abcabc", "x.tar.gz", "[",    "a-c", "5"};
    static const char *const matches[] = {"*",      "a*",     "?bc",   "*c",  "a/*",         "a*c",
                                          "[a-c]*", "*.*",    "[!a]*", "\\*", "[[:digit:]]", "*b*b*",
                                          "**",     "[]-a]*", "*/*",   "[[]", "a[!b-d]c"};
    static const int flags[] = {
        0,           FNM_PATHNAME, FNM_PERIOD, FNM_PATHNAME | FNM_PERIOD, FNM_NOESCAPE, FNM_CASEFOLD, FNM_LEADING_DIR,
        FNM_EXTMATCH};
    for (size_t p = 0; p < sizeof matches / sizeof matches[0]; p++) {
        printf("%-10s", matches[p]);
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            unsigned bits = 0;
            for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
                bits = bits * 2 + (fnmatch(matches[p], names[n], flags[f]) == 0);
            printf(" %02x", bits);
        }
        putchar('\n');
    }
    printf("%d %d %d %d\n", fnmatch("+(ab|c)", "abcab", FNM_EXTMATCH), fnmatch("!(abc)", "abc", FNM_EXTMATCH),
           fnmatch("@(a|b)x?(y)", "bx", FNM_EXTMATCH), fnmatch("*(z)", "", FNM_EXTMATCH));
    setenv("VALUE", "two words", 1);
    unsetenv("UNSET");
    static const char *const words[] = {"plain text",
                                        "'quoted text' more",
                                        "$VALUE \"$VALUE\"",
                                        "${UNSET:-default} ${VALUE:+set}",
                                        "*.c d/*",
                                        "a\\ b",
                                        "$((6*7))",
                                        "x{1,2}",
                                        "\"open"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        wordexp_t w;
        int r = wordexp(words[i], &w, WRDE_NOCMD);
        printf("%s: %d", words[i], r);
        for (size_t k = 0; r == 0 && k < w.we_wordc; k++) printf(" <%s>", w.we_wordv[k]);
        putchar('\n');
        if (r == 0) wordfree(&w);
    }
    wordexp_t w;
    printf("%d\n", wordexp("$(echo no)", &w, WRDE_NOCMD));
    return 0;
}
