/* scanf, sscanf, fscanf: conversions, widths, suppressed assignments, scan sets, literal matching, partial failures. */
/* stdin: 12 0x1f 077 -5\nword1   word2\n3.25e2 inf\nabc123\n%\n 99 bottles\nend */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void scan_int(const char *text, const char *format) {
    int a = -1, b = -1, c = -1, at = -1;
    int n = sscanf(text, format, &a, &b, &c, &at);
    printf("%-14s %-18s -> %d: %d %d %d %d\n", text, format, n, a, b, c, at);
}

static void scan_text(const char *text, const char *format) {
    char a[32] = "-", b[32] = "-", c[32] = "-";
    int n = sscanf(text, format, a, b, c);
    printf("%-14s %-18s -> %d: %s|%s|%s\n", text, format, n, a, b, c);
}

int main(void) {
    static const char *const numbers[] = {"1 2 3", "1,2,3", "123456", "-5 +6 07", "0x10 010 10",
                                          "",      "  ",    "x",      "12x34",    "99999"};
    static const char *const formats[] = {"%d %d %d%n", "%d,%d,%d%n", "%2d%2d%2d%n", "%i%i%i%n",
                                          "%x %o %d%n", "%*d %d %d",  "%u%x%n"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t j = 0; j < sizeof formats / sizeof formats[0]; j++) scan_int(numbers[i], formats[j]);
    static const char *const texts[] = {"alpha beta gamma", "key=value;rest", "  pad", "[x]{y}", "aaabbbccc", "12ab34"};
    static const char *const sets[] = {"%s %s %s",  "%31[^=]=%31[^;];%s", "%31[a]%31[b]%31[c]",
                                       "%3s%3s%3s", "%31[0-9]%31[a-z]%s", "%31[]x[]%31[^a]%s",
                                       "%*s%s %s"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t j = 0; j < sizeof sets / sizeof sets[0]; j++) scan_text(texts[i], sets[j]);
    static const char *const floats[] = {"1.5", "-2e3",  "0x1.8p3", ".5",  "5.",   "1e",
                                         "inf", "1e400", "1e-400",  "abc", "+.e1", "1.7976931348623157e308"};
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        double d = -1;
        float f = -1;
        int at = -1, n = sscanf(floats[i], "%lf%n", &d, &at);
        int m = sscanf(floats[i], "%f", &f);
        printf("%s %d %d %a %d %a\n", floats[i], n, at, d, m, (double)f);
    }
    signed char hh = 0;
    short h = 0;
    long l = 0;
    long long ll = 0;
    size_t z = 0;
    int n = sscanf("300 70000 -3 9223372036854775807 77", "%hhd %hd %ld %lld %zu", &hh, &h, &l, &ll, &z);
    printf("%d %d %d %ld %lld %zu\n", n, hh, h, l, ll, z);
    char *made = NULL, c2[3] = {0};
    n = sscanf("dynamic xy", "%ms %2c", &made, c2);
    printf("%d %s %s\n", n, made, c2);
    free(made);

    int a, b, c, d;
    n = scanf("%d %x %o %d", &a, &b, &c, &d);
    printf("%d: %d %d %d %d\n", n, a, b, c, d);
    char w1[16], w2[16];
    n = scanf("%15s%15s", w1, w2);
    printf("%d %s %s\n", n, w1, w2);
    double x, y;
    n = scanf("%lf%lf", &x, &y);
    printf("%d %g %g\n", n, x, y);
    n = scanf(" %15[a-z]%d", w1, &a);
    printf("%d %s %d\n", n, w1, a);
    n = scanf(" %%%d bottles", &a);
    printf("%d %d\n", n, a);
    n = scanf("%d", &a);
    printf("%d\n", n);
    n = scanf("%15s", w1);
    printf("%d %s\n", n, w1);
    n = scanf("%15s", w1);
    printf("%d %d %d\n", n, feof(stdin) != 0, ferror(stdin) != 0);
    return 0;
}
