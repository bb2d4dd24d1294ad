/* Numbers to text and back by hand: integers in every base, the shortest digits that read back as the same double,
 * exact decimal expansions by big integers, fixed point, words, hexadecimal floats; against printf and strtod. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong;

static char *in_base(uint64_t n, unsigned base, char *out) {
    char digits[65], *p = digits + 64;
    *p = 0;
    do *--p = "0123456789abcdefghijklmnopqrstuvwxyz"[n % base];
    while (n /= base);
    return strcpy(out, p);
}

/* The fewest digits of %e that read back exactly. */
static int shortest(double d, char *out) {
    for (int digits = 0; digits < 17; digits++) {
        sprintf(out, "%.*e", digits, d);
        if (strtod(out, NULL) == d) return digits + 1;
    }
    return 0;
}

/* The exact decimal expansion: mantissa * 2^exponent as digits before and after the point. */
static void exact(double d, char *out) {
    static unsigned char whole[400], fraction[1200];
    int exponent, whole_digits = 1, fraction_digits = 0;
    uint64_t mantissa = (uint64_t)ldexp(frexp(fabs(d), &exponent), 53);
    exponent -= 53;
    memset(whole, 0, sizeof whole);
    memset(fraction, 0, sizeof fraction);
    for (int bit = 52; bit >= 0; bit--) { /* whole part by doubling */
        if (bit + exponent < 0) break;
        for (int i = 0, carry = mantissa >> bit & 1; i < whole_digits || carry; i++) {
            if (i == whole_digits) whole_digits++;
            int v = whole[i] * 2 + carry;
            whole[i] = (unsigned char)(v % 10);
            carry = v / 10;
        }
    }
    for (int k = 0; k < exponent; k++)
        for (int i = 0, carry = 0; i < whole_digits || carry; i++) {
            if (i == whole_digits) whole_digits++;
            int v = whole[i] * 2 + carry;
            whole[i] = (unsigned char)(v % 10);
            carry = v / 10;
        }
    if (exponent < 0) { /* fraction by halving, least bit first */
        for (int bit = 0; bit < -exponent; bit++) {
            int carry = bit < 64 ? (int)(mantissa >> bit & 1) : 0;
            for (int i = 0; i <= fraction_digits; i++) {
                int v = fraction[i] + carry * 10;
                fraction[i] = (unsigned char)(v / 2);
                carry = v % 2;
            }
            if (fraction_digits < 1150) fraction_digits++;
        }
        while (fraction_digits && !fraction[fraction_digits - 1]) fraction_digits--;
    }
    if (signbit(d)) *out++ = '-';
    for (int i = whole_digits; i-- > 0;) *out++ = (char)('0' + whole[i]);
    if (fraction_digits) *out++ = '.';
    for (int i = 0; i < fraction_digits; i++) *out++ = (char)('0' + fraction[i]);
    *out = 0;
}

static void in_words(uint64_t n, char *out) {
    static const char *const small[] = {
        "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
        "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
    static const char *const tens[] = {"",      "",      "twenty",  "thirty", "forty",
                                       "fifty", "sixty", "seventy", "eighty", "ninety"};
    static const struct {
        uint64_t size;
        const char *name;
    } groups[] = {{1000000000000000000, "quintillion"},
                  {1000000000000000, "quadrillion"},
                  {1000000000000, "trillion"},
                  {1000000000, "billion"},
                  {1000000, "million"},
                  {1000, "thousand"},
                  {100, "hundred"}};
    for (int g = 0; g < 7; g++)
        if (n >= groups[g].size) {
            in_words(n / groups[g].size, out);
            strcat(strcat(out, " "), groups[g].name);
            if (n % groups[g].size) {
                strcat(out, " ");
                in_words(n % groups[g].size, out + strlen(out));
            }
            return;
        }
    if (n >= 20) {
        strcpy(out, tens[n / 10]);
        if (n % 10) strcat(strcat(out, "-"), small[n % 10]);
    } else
        strcpy(out, small[n]);
}

int main(void) {
    static const uint64_t integers[] = {0,         1,          9,         10,         255,       1000,
                                        123456789, UINT32_MAX, INT64_MAX, UINT64_MAX, 1000000007};
    char text[1700], other[1700];
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        for (unsigned base = 2; base <= 36; base += 7) {
            in_base(integers[i], base, text);
            wrong += strtoull(text, NULL, (int)base) != integers[i];
            printf("%s ", text);
        }
        in_words(integers[i], text);
        printf("%s\n", text);
    }
    static const double doubles[] = {0.1,
                                     0.3,
                                     1.0 / 3,
                                     2.0 / 3,
                                     1e21,
                                     1e22,
                                     1e23,
                                     123456.789,
                                     5e-324,
                                     2.2250738585072014e-308,
                                     1.7976931348623157e308,
                                     9007199254740992,
                                     0.5,
                                     1e-7,
                                     299792458,
                                     6.02214076e23,
                                     4.35,
                                     1.005,
                                     0.1 + 0.2,
                                     100,
                                     12345e-10};
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        int digits = shortest(doubles[i], text);
        printf("%s (%d) ", text, digits);
        exact(doubles[i], other);
        snprintf(text, sizeof text, "%.*f", (int)(strchr(other, '.') ? strlen(strchr(other, '.')) - 1 : 0), doubles[i]);
        wrong += strcmp(text, other) != 0;
        wrong += strtod(other, NULL) != doubles[i];
        printf("%zu digits %.60s\n", strlen(other), other);
    }
    uint64_t seed = 17;
    int lengths[18] = {0};
    for (int i = 0; i < 150; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t bits = seed >> 1;
        double d;
        memcpy(&d, &bits, 8);
        if (isnan(d) || isinf(d)) continue;
        if (i & 1) d = (double)(seed >> 40) / 1000;
        int digits = shortest(d, text);
        wrong += digits == 0;
        lengths[digits]++;
        exact(d, other);
        wrong += strtod(other, NULL) != d;
        char hex[64];
        snprintf(hex, sizeof hex, "%a", d);
        wrong += strtod(hex, NULL) != d;
    }
    for (int i = 1; i < 18; i++) printf("%d ", lengths[i]);
    putchar('\n');
    for (int64_t cents = -12345; cents < 12345; cents += 2222)
        printf("%s%ld.%02ld ", cents < 0 ? "-" : "", labs(cents) / 100, labs(cents) % 100);
    printf("\nwrong %d\n", wrong);
    return wrong != 0;
}
