/* printf and its family with strings: widths, precisions, truncation, return values, wide strings, errors. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static int format_into(char *to, size_t size, const char *format, ...) {
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int needed = vsnprintf(NULL, 0, format, list);
    int written = vsnprintf(to, size, format, again);
    va_end(again);
    va_end(list);
    return needed == written ? written : -1;
}

int main(void) {
    static const char *const strings[] = {"", "a", "hello", "a longer string of words", "\t\x01\x7f"};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const char *s = strings[i];
        printf("[%s][%10s][%-10s][%.3s][%10.2s][%-8.1s][%.0s][%.*s][%*s]\n", s, s, s, s, s, s, s, 4, s, -7, s);
    }
    for (size_t size = 0; size < 24; size++) {
        char buffer[32];
        memset(buffer, '#', sizeof buffer);
        int n = format_into(buffer, size, "%s-%05d-%c", "text", 42, 'x');
        printf("%zu %d %.32s %d\n", size, n, size ? buffer : "", buffer[size] == '#');
    }
    char *made = NULL;
    int n = asprintf(&made, "%s %d %s", "one", 2, "three");
    printf("%d %s\n", n, made);
    free(made);
    char not_ended[4] = {'a', 'b', 'c', 'd'};
    printf("%.4s|%.2s\n", not_ended, not_ended);
    printf("%ls|%.3ls|%8ls|%lc\n", L"wide", L"wider", L"w", (wint_t)L'z');
    printf("%d\n", printf("%s%s\n", "count ", "this"));
    printf("%d\n", fprintf(stdout, "%5d%-5d|\n", 12, 34));
    printf("%d\n", dprintf(1, "%s", ""));
    errno = ENOENT;
    printf("%m|%10.2m|\n");
    for (int code = 0; code < 40; code++) printf("%d=%s;", code, strerror(code));
    putchar('\n');
    wchar_t wide[64];
    int count = swprintf(wide, 64, L"%d %ls %s %.2f %x", 7, L"wide", "narrow", 2.5, 255);
    printf("%d %ls %d\n", count, wide, swprintf(wide, 3, L"%d", 12345));
    char *big = malloc(200000);
    n = snprintf(big, 200000, "%0150000d%-40000s|", 5, "left");
    printf("%d %zu %c %c\n", n, strlen(big), big[149999], big[190000]);
    free(big);
    return 0;
}
