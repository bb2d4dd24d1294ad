/* Byte loops over strings: length, compare, find a character, find a string, change case, copy until the end.
 * kind: str
 * cflags: -fno-builtin -fno-tree-loop-distribute-patterns */
#include "kernel.h"

enum { REPS = 2500, TEXT = 1 << 15 };

__attribute__((noinline)) static size_t length(const char *s) {
    const char *p = s;
    while (*p) p++;
    return (size_t)(p - s);
}

__attribute__((noinline)) static int compare(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

__attribute__((noinline)) static const char *find_char(const char *s, int c) {
    for (; *s; s++)
        if (*s == c) return s;
    return NULL;
}

__attribute__((noinline)) static const char *find(const char *text, const char *word) {
    for (; (text = find_char(text, *word)); text++) {
        size_t i = 1;
        while (word[i] && text[i] == word[i]) i++;
        if (!word[i]) return text;
    }
    return NULL;
}

__attribute__((noinline)) static size_t copy_upper(char *to, const char *from) {
    char *start = to;
    for (char c; (c = *from++);) *to++ = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    *to = 0;
    return (size_t)(to - start);
}

int main(int argc, char **argv) {
    static char text[TEXT + 16], upper[TEXT + 16];
    static const char *const words[] = {"the", "quick", "brown", "foxes", "jump", "over", "lazy", "dogs"};
    long reps = kernel_reps(argc, argv, REPS);
    uint64_t seed = 4, digest = 0;
    for (int n = 0; n < TEXT;) {
        for (const char *w = words[random_next(&seed) >> 61]; *w && n < TEXT;) text[n++] = *w++;
        text[n++] = ' ';
    }
    for (long rep = 0; rep < reps; rep++) {
        text[random_next(&seed) % TEXT] = (char)('a' + rep % 26);
        digest = digest_add(digest, length(text));
        for (const char *p = text; (p = find(p, words[rep & 7])); p++) digest += (uint64_t)(p - text);
        digest = digest_add(digest, copy_upper(upper, text + rep % 32));
        for (int i = 0; i < 2000; i++) digest += (uint64_t)(compare(text + i, text + i * 7) > 0);
        for (const char *p = upper; (p = find_char(p, 'O')); p++) digest = digest * 3 + 1;
    }
    return digest_print("strscan", digest);
}
