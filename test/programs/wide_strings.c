/* Wide-character strings and streams, and multibyte conversion in the C locale. */
/* Static programs with glibc 2.41 lack the function that allocates a wide stream's buffer, unless it is asked for. */
/* cflags: -Wl,-u,_IO_wfile_doallocate */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static int sign(int n) {
    return (n > 0) - (n < 0);
}

int main(void) {
    static const wchar_t *const words[] = {L"", L"a", L"zebra", L"apple pie", L"\x3b1\x3b2\x3b3", L"\x1f600!"};
    enum { COUNT = sizeof words / sizeof words[0] };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++)
            printf("%d%d ", sign(wcscmp(words[i], words[j])), sign(wcsncmp(words[i], words[j], 1)));
        wchar_t buffer[40] = L"<";
        wcscat(buffer, words[i]);
        wcsncat(buffer, L">tail", 1);
        printf("%zu %zu %lx\n", wcslen(words[i]), wcslen(buffer), (unsigned long)buffer[wcslen(buffer) - 1]);
    }
    const wchar_t *text = L"the quick brown fox";
    printf("%td %td %td\n", wcschr(text, L'q') - text, wcsrchr(text, L'o') - text, wcsstr(text, L"brown") - text);
    printf("%zu %zu %td\n", wcsspn(text, L"eht"), wcscspn(text, L"xq"), wcspbrk(text, L"xz") - text);
    wchar_t parts[] = L"one two\tthree", *save;
    for (wchar_t *p = wcstok(parts, L" \t", &save); p; p = wcstok(NULL, L" \t", &save)) printf("<%ls>", p);
    wchar_t block[16];
    wmemset(block, L'x', 16);
    wmemcpy(block, L"abc", 3);
    wmemmove(block + 1, block, 5);
    printf("%.8ls %td %d\n", block, wmemchr(block, L'c', 16) - block, sign(wmemcmp(block, L"aac", 3)));
    wchar_t *end;
    printf("%ld %lu %g %lld\n", wcstol(L" -77rest", &end, 10), wcstoul(L"ff", NULL, 16), wcstod(L"2.5e3x", NULL),
           wcstoll(L"0x10", NULL, 0));
    printf("%ls\n", end);
    mbstate_t state = {0};
    for (int c = 0; c < 256; c += 5) {
        char byte = (char)c;
        wchar_t wide = 0xdead;
        memset(&state, 0, sizeof state);
        errno = 0;
        size_t n = mbrtowc(&wide, &byte, 1, &state);
        printf("%zd:%lx:%d ", (ssize_t)n, n == (size_t)-1 ? 0 : (unsigned long)wide, btowc(c) == WEOF);
    }
    putchar('\n');
    wchar_t wide[32];
    char narrow[32];
    printf("%zu %zu %s\n", mbstowcs(wide, "multibyte", 32), wcstombs(narrow, L"narrowed", 32), narrow);
    const char *source = "restart";
    printf("%zu %d %zu\n", mbsrtowcs(wide, &source, 4, &state), source != NULL, mbrlen("x", 1, &state));
    printf("%d %d %zu\n", mblen("abc", 3), wctomb(narrow, L'y'), MB_CUR_MAX);
    FILE *f = tmpfile();
    printf("%d ", fwide(f, 1) > 0);
    fputws(L"wide line\nsecond\n", f);
    fputwc(L'!', f);
    fwprintf(f, L"%d-%ls", 12, L"x");
    rewind(f);
    while (fgetws(wide, 32, f)) printf("%ls|", wide);
    rewind(f);
    wint_t c = fgetwc(f);
    ungetwc(L'W', f);
    int number = 0;
    wchar_t word[16];
    int n = fwscanf(f, L"%15ls %*ls %*ls", word);
    printf("%lc %ls %d %d\n", c, word, n, number);
    n = swscanf(L"42 words", L"%d %15ls", &number, word);
    printf("%d %d %ls\n", n, number, word);
    fclose(f);
    return 0;
}
