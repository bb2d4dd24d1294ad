/* strtol and its kin in every base, with overflow and rest pointers; strtod on hard roundings; atoi, atof. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void integers(const char *text, int base) {
    char *end;
    errno = 0;
    long l = strtol(text, &end, base);
    printf("%s/%d: %ld+%td e%d", text, base, l, end - text, errno);
    errno = 0;
    unsigned long u = strtoul(text, &end, base);
    printf(" %lu+%td e%d", u, end - text, errno);
    errno = 0;
    printf(" %jd %ju\n", strtoimax(text, NULL, base), strtoumax(text, NULL, base));
}

static void floats(const char *text) {
    char *end;
    errno = 0;
    double d = strtod(text, &end);
    printf("%s: %a+%td e%d", text, d, end - text, errno);
    errno = 0;
    float f = strtof(text, &end);
    printf(" %a e%d\n", (double)f, errno);
}

int main(void) {
    static const char *const texts[] = {"0",
                                        "10",
                                        "-10",
                                        "+7",
                                        "  12",
                                        "0x1F",
                                        "0X1f",
                                        "077",
                                        "08",
                                        "z",
                                        "Zz9",
                                        "-0x8",
                                        "0x",
                                        "",
                                        "-",
                                        "12 34",
                                        "2147483647",
                                        "2147483648",
                                        "4294967296",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999999"};
    static const int bases[] = {0, 2, 8, 10, 16, 36};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t j = 0; j < sizeof bases / sizeof bases[0]; j++) integers(texts[i], bases[j]);
    static const char *const reals[] = {"0",
                                        "-0",
                                        "1",
                                        "1.",
                                        ".1",
                                        "1e1",
                                        "1e+1",
                                        "1e-1",
                                        "1e",
                                        "1e+",
                                        "0x1p4",
                                        "0x1.8",
                                        "0x.1p-4",
                                        "0x1p",
                                        "0xp1",
                                        "inf",
                                        "-INFINITY",
                                        "infinit",
                                        "1e308",
                                        "1e309",
                                        "-1e309",
                                        "4.9e-324",
                                        "2.4e-324",
                                        "2.5e-324",
                                        "1e-400",
                                        "2.2250738585072011e-308",
                                        "2.2250738585072014e-308",
                                        "1.7976931348623158e308",
                                        "1.7976931348623159e308",
                                        "9007199254740993",
                                        "9007199254740992.999999999999",
                                        "9007199254740993.0000000000000000000000000000001",
                                        "0.1",
                                        "0.1000000000000000055511151231257827021181583404541015625",
                                        "0.10000000000000001942890293094023945741355419158935546875",
                                        "6.631236871469758276785396630275e-316",
                                        "3.237883913302901289588352412501532174863037669423108059901297049e-319",
                                        "123456789012345678901234567890",
                                        "5e-1x",
                                        "  7.25  ",
                                        "1.00000005960464477539062500000000000000000001",
                                        "3.4028235677973366e38",
                                        "1.4e-45",
                                        "7e-46",
                                        "0x1.fffffffffffff8p0",
                                        "0x1.00000000000008p0",
                                        "0x1.000000000000080001p0",
                                        "-.5e-3",
                                        "..5",
                                        "e5",
                                        "+inf",
                                        "0e999999999",
                                        "1e-99999999999"};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) floats(reals[i]);
    /* long inputs: many digits before and after an exponent that cancels them */
    char long_text[2000];
    memset(long_text, '0', sizeof long_text);
    long_text[0] = '1';
    for (int zeros = 10; zeros < 1500; zeros += 100) {
        snprintf(long_text + zeros, sizeof long_text - (size_t)zeros, "1e-%d", zeros);
        printf("%a ", strtod(long_text, NULL));
        long_text[zeros] = long_text[zeros + 1] = '0';
        memset(long_text + zeros, '0', 20);
    }
    printf("\n%d %ld %lld %a\n", atoi("-12abc"), atol("  99"), atoll("123456789012"), atof("1.5e3x"));
    unsigned long long state = 1;
    for (int i = 0; i < 500; i++) { /* a printed double reads back as itself */
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        unsigned long long bits = state & ~(1ull << 63);
        if (bits >> 52 == 0x7ff) continue;
        double d, back;
        char text[64];
        memcpy(&d, &bits, 8);
        snprintf(text, sizeof text, "%.17g", d);
        back = strtod(text, NULL);
        if (memcmp(&d, &back, 8) != 0) printf("differs: %s\n", text);
        if (i % 10 == 0) printf("%s\n", text);
    }
    return 0;
}
