/* string.h over strings of many lengths at many alignments, next to an inaccessible page so that over-reading shows. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "patient.h"

static int sign(int n) {
    return (n > 0) - (n < 0);
}

static uint64_t digest;

static void add(long value) {
    digest = (digest ^ (uint64_t)value) * 0x9e3779b97f4a7c15ull + (digest >> 31);
}

static long offset(const char *base, const char *p) {
    return p ? p - base : -1;
}

int main(void) {
    char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || mprotect(page + 2 * 4096, 4096, PROT_NONE)) return 1;
    char *end = page + 2 * 4096, *other = page + 1000;
    for (size_t n = 0; n < 140; n++) { /* the string ends at the last accessible byte */
        char *s = end - n - 1;
        for (size_t i = 0; i < n; i++) s[i] = (char)('a' + (i * 7 + n) % 26);
        s[n] = 0;
        add((long)strlen(s));
        add((long)strnlen(s, n / 2 + 1));
        for (int c = 'a'; c <= 'z'; c += 5) {
            add(offset(s, strchr(s, c)));
            add(offset(s, strrchr(s, c)));
            add(offset(s, memchr(s, c, n)));
            add(offset(s, memrchr(s, c, n)));
            add(offset(s, strchrnul(s, c)));
        }
        add(offset(s, strchr(s, 0)));
        for (int shift = 0; shift < 9; shift++) {
            char *t = other + shift;
            strcpy(t, s);
            add(strcmp(s, t));
            if (n) {
                t[n / 2] ^= 1;
                add(sign(strcmp(s, t)));
                add(sign(strncmp(s, t, n / 2)));
                add(sign(memcmp(s, t, n)));
                t[n / 2] ^= 1;
                t[n - 1] = 0;
                add(sign(strcmp(s, t)));
            }
            memset(t, '.', 160);
            strncpy(t, s, n + 3);
            add(memcmp(t, s, n) == 0 && t[n] == 0 && t[n + 2] == 0 && t[n + 3] == '.');
            memmove(t + 3, t, n + 1);
            add(strcmp(t + 3, s));
            memmove(t, t + 3, n + 1);
            add(strcmp(t, s));
            add(mempcpy(t, s, n) == t + n);
            add(stpcpy(t, s) - t);
        }
        if (n % 20 == 0) printf("%zu %016lx\n", n, digest);
    }
    printf("%d %d %d\n", sign(strcmp("\x80", "\x7f")), sign(memcmp("\xff", "\x01", 1)), sign(strcoll("a", "b")));
    printf("%zu %zu %zu\n", strspn("aabbcc", "ab"), strcspn("hello, world", " ,"), strspn("", "x"));
    printf("%s|%s|%s\n", strpbrk("find the vowel", "aeiou"), strstr("haystack with needle", "need"),
           strcasestr("HayStack", "STA"));
    printf("%p %s\n", (void *)strstr("abc", "abcd"), strstr("abc", ""));
    for (int i = 0; i < 40; i++) { /* needles of all lengths in a periodic haystack */
        char hay[128], needle[48];
        for (int j = 0; j < 127; j++) hay[j] = "abaababaabaab"[j % 13];
        hay[127] = 0;
        memcpy(needle, hay + 60, (size_t)i);
        needle[i] = 0;
        if (i % 3 == 2) needle[i - 1] = 'c';
        printf("%ld ", offset(hay, strstr(hay, needle)));
        add(offset(hay, memmem(hay, 127, needle, (size_t)i)));
    }
    putchar('\n');
    printf("%d %d %d %d\n", strcasecmp("HeLLo", "hEllO"), sign(strcasecmp("a", "B")), strncasecmp("ABCx", "abcY", 3),
           sign(strverscmp("v1.9", "v1.10")));
    char text[] = "  one,two;;three four  ", *save = NULL;
    for (char *t = strtok_r(text, " ,;", &save); t; t = strtok_r(NULL, " ,;", &save)) printf("<%s>", t);
    char fields[] = "a::b:", *rest = fields, *field;
    while ((field = strsep(&rest, ":"))) printf("(%s)", field);
    char join[64] = "x";
    volatile size_t most = 3;
    strcat(join, "yz");
    strncat(join, "12345", most);
    printf("%s %zu\n", join, strxfrm(NULL, join, 0));
    char *copy = strdup("duplicate"), *part = strndup("partial", 4);
    printf("%s %s %s %s\n", copy, part, basename("/usr/lib/x.so"),
           (char *)memccpy(join, "stop here", ' ', 20) ? "found" : "none");
    char swapped[] = "0123456789";
    strfry(strcpy(swapped, "aaaaaaaaaa"));
    printf("%s %d %d %d\n", swapped, ffs(0x40), ffsl(1L << 40), ffsll(0));
    printf("%s|%s|%s\n", strerror(2), strerror(9999), strsignal(11));
    bzero(join, sizeof join);
    bcopy("copied", join, 6);
    printf("%s %d %016lx\n", join, bcmp("a", "b", 1) != 0, digest);
    return 0;
}
