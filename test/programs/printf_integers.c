/* printf: every integer conversion with every flag, width, precision and length modifier, over values at the edges. */
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const long long values[] = {0,       1,       -1,      7,        42,        -42,      255,
                                   1000000, INT_MAX, INT_MIN, UINT_MAX, LLONG_MAX, LLONG_MIN};

/* Formats built at run time, so that the compiler cannot print in advance. */
static void print_with(const char *flags, const char *width, const char *precision, char conversion) {
    char format[32];
    snprintf(format, sizeof format, "[%%%s%s%sll%c]", flags, width, precision, conversion);
    printf("%s:", format);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) printf(format, values[i]);
    putchar('\n');
}

int main(void) {
    static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-#", "0#", "+0", " 0", "-+"};
    static const char *const widths[] = {"", "1", "12"};
    static const char *const precisions[] = {"", ".0", ".5"};
    for (const char *c = "diuxXo"; *c; c++)
        for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
            for (int w = 0; w < 3; w++)
                for (int p = 0; p < 3; p++) {
                    if (strchr(flags[f], '#') && strchr("diu", *c)) continue;
                    if (strpbrk(flags[f], "+ ") && strchr("uxXo", *c)) continue;
                    print_with(flags[f], widths[w], precisions[p], *c);
                }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        long long v = values[i];
        printf("%hhd %hd %d %ld %lld %jd %zd %td\n", (signed char)v, (short)v, (int)v, (long)v, v, (intmax_t)v,
               (ssize_t)v, (ptrdiff_t)v);
        printf("%hhu %hu %u %lu %llu %ju %zu\n", (unsigned char)v, (unsigned short)v, (unsigned)v, (unsigned long)v,
               (unsigned long long)v, (uintmax_t)v, (size_t)v);
        printf("%" PRId8 " %" PRIu16 " %" PRIx32 " %" PRIX64 " %" PRIo64 "\n", (int8_t)v, (uint16_t)v, (uint32_t)v,
               (uint64_t)v, (uint64_t)v);
        printf("%*d|%-*d|%.*d|%0*d|%*.*d\n", 10, (int)v, 10, (int)v, 4, (int)v, 14, (int)v, -12, 3, (int)v);
    }
    for (int c = 32; c < 127; c++) printf("%c%3c%-3c|", c, c, c);
    putchar('\n');
    printf("%2$s %1$d %2$s %3$x\n", 5, "five", 0x55);
    printf("%p %p\n", (void *)0, (void *)0x1234);
    int at = -1, later = -1;
    printf("12345%n6789%n", &at, &later);
    printf(" %d %d %%\n", at, later);
    return 0;
}
