/* Character classes of the C locale, case mapping, localeconv, setlocale, and the same for wide characters. */
#include <ctype.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

int main(void) {
    printf("%s %s\n", setlocale(LC_ALL, NULL), setlocale(LC_ALL, "C"));
    printf("%s\n", setlocale(LC_ALL, "no_SUCH.locale") ? "found" : "none");
    for (int c = -1; c < 256; c++) {
        unsigned bits = 0;
        bits |= isalpha(c) ? 1u : 0;
        bits |= isdigit(c) ? 2u : 0;
        bits |= isalnum(c) ? 4u : 0;
        bits |= isspace(c) ? 8u : 0;
        bits |= isupper(c) ? 16u : 0;
        bits |= islower(c) ? 32u : 0;
        bits |= ispunct(c) ? 64u : 0;
        bits |= isprint(c) ? 128u : 0;
        bits |= isgraph(c) ? 256u : 0;
        bits |= iscntrl(c) ? 512u : 0;
        bits |= isxdigit(c) ? 1024u : 0;
        bits |= isblank(c) ? 2048u : 0;
        printf("%03x/%d/%d%c", bits, toupper(c), tolower(c), c % 8 == 7 ? '\n' : ' ');
    }
    static const char *const names[] = {"alpha", "digit", "alnum", "space",  "upper", "lower",  "punct",
                                        "print", "graph", "cntrl", "xdigit", "blank", "nothing"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        wctype_t type = wctype(names[i]);
        int count = 0;
        for (wint_t c = 0; c < 300; c++) count += type && iswctype(c, type) != 0;
        printf("%s %d\n", names[i], count);
    }
    for (wint_t c = 0; c < 128; c++) printf("%x,%x ", towupper(c), towlower(c));
    printf("\n%x %x\n", towctrans(L'q', wctrans("toupper")), towctrans(L'Q', wctrans("tolower")));
    struct lconv *l = localeconv();
    printf("[%s][%s][%s][%s] %d %d\n", l->decimal_point, l->thousands_sep, l->grouping, l->currency_symbol,
           l->frac_digits == CHAR_MAX, l->p_cs_precedes == CHAR_MAX);
    return 0;
}
