/* Substring search six ways, Aho-Corasick, suffix arrays, the Z function, palindromes by Manacher, tries, edit-tolerant
 * bit-parallel search: all agree with the plain loop. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 1500, MOST = 2000 };

static char text[TEXT + 1];
static int found[MOST], found_count, wrong;

static void note(int at) {
    found[found_count++] = at;
}

static void plain(const char *t, int n, const char *p, int m) {
    for (int i = 0; i + m <= n; i++)
        if (memcmp(t + i, p, (size_t)m) == 0) note(i);
}

static void morris_pratt(const char *t, int n, const char *p, int m) {
    int fail[64] = {0};
    for (int i = 1, k = 0; i < m; i++) {
        while (k && p[i] != p[k]) k = fail[k - 1];
        fail[i] = k += p[i] == p[k];
    }
    for (int i = 0, k = 0; i < n; i++) {
        while (k && (k == m || t[i] != p[k])) k = fail[k - 1];
        k += t[i] == p[k];
        if (k == m) note(i - m + 1);
    }
}

static void horspool(const char *t, int n, const char *p, int m) {
    int skip[256];
    for (int c = 0; c < 256; c++) skip[c] = m;
    for (int i = 0; i < m - 1; i++) skip[(unsigned char)p[i]] = m - 1 - i;
    for (int i = 0; i + m <= n; i += skip[(unsigned char)t[i + m - 1]])
        if (memcmp(t + i, p, (size_t)m) == 0) note(i);
}

static void rabin_karp(const char *t, int n, const char *p, int m) {
    uint32_t h = 0, g = 0, top = 1;
    for (int i = 0; i < m; i++)
        h = h * 257 + (unsigned char)p[i], g = g * 257 + (unsigned char)t[i], top *= i ? 257 : 1;
    for (int i = 0; i + m <= n; i++) {
        if (h == g && memcmp(t + i, p, (size_t)m) == 0) note(i);
        g = (g - top * (unsigned char)t[i]) * 257 + (unsigned char)t[i + m];
    }
}

static void shift_or(const char *t, int n, const char *p, int m) {
    uint64_t mask[256], state = ~0ull;
    for (int c = 0; c < 256; c++) mask[c] = ~0ull;
    for (int i = 0; i < m; i++) mask[(unsigned char)p[i]] &= ~(1ull << i);
    for (int i = 0; i < n; i++) {
        state = state << 1 | mask[(unsigned char)t[i]];
        if (!(state >> (m - 1) & 1)) note(i - m + 1);
    }
}

static void z_function(const char *t, int n, const char *p, int m) {
    static char joined[TEXT + 100];
    static int z[TEXT + 100];
    memcpy(joined, p, (size_t)m);
    joined[m] = 1;
    memcpy(joined + m + 1, t, (size_t)n);
    int total = n + m + 1;
    for (int i = 1, left = 0, right = 0; i < total; i++) {
        z[i] = i < right ? (z[i - left] < right - i ? z[i - left] : right - i) : 0;
        while (i + z[i] < total && joined[z[i]] == joined[i + z[i]]) z[i]++;
        if (i + z[i] > right) left = i, right = i + z[i];
        if (z[i] == m) note(i - m - 1);
    }
}

static void library(const char *t, int n, const char *p, int m) {
    (void)n, (void)m;
    for (const char *at = t; (at = strstr(at, p)); at++) note((int)(at - t));
}

static int suffixes[TEXT], ranks[TEXT], keys[TEXT], width;

static int compare_suffix(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (ranks[x] != ranks[y]) return ranks[x] - ranks[y];
    int u = x + width < TEXT ? ranks[x + width] : -1, v = y + width < TEXT ? ranks[y + width] : -1;
    return u - v;
}

static void suffix_array(void) {
    for (int i = 0; i < TEXT; i++) suffixes[i] = i, ranks[i] = (unsigned char)text[i];
    for (width = 1;; width *= 2) {
        qsort(suffixes, TEXT, sizeof suffixes[0], compare_suffix);
        keys[suffixes[0]] = 0;
        for (int i = 1; i < TEXT; i++)
            keys[suffixes[i]] = keys[suffixes[i - 1]] + (compare_suffix(&suffixes[i - 1], &suffixes[i]) < 0);
        memcpy(ranks, keys, sizeof ranks);
        if (ranks[suffixes[TEXT - 1]] == TEXT - 1) return;
    }
}

static void by_suffixes(const char *t, int n, const char *p, int m) {
    int low = 0, high = n;
    while (low < high) {
        int middle = (low + high) / 2;
        if (strncmp(t + suffixes[middle], p, (size_t)m) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    static unsigned char hit[TEXT];
    memset(hit, 0, sizeof hit);
    for (; low < n && strncmp(t + suffixes[low], p, (size_t)m) == 0; low++) hit[suffixes[low]] = 1;
    for (int i = 0; i < n; i++)
        if (hit[i]) note(i);
}

struct trie {
    int child[4], fail, ends;
};
static struct trie trie[400];

static void aho_corasick(const char *const *patterns, int count) {
    int nodes = 1, queue[400], head = 0, tail = 0, totals[20] = {0};
    memset(trie, 0, sizeof trie);
    for (int p = 0; p < count; p++) {
        int at = 0;
        for (const char *c = patterns[p]; *c; c++) {
            int *next = &trie[at].child[*c - 'a'];
            if (!*next) *next = nodes++;
            at = *next;
        }
        trie[at].ends |= 1 << p;
    }
    for (int c = 0; c < 4; c++)
        if (trie[0].child[c]) queue[tail++] = trie[0].child[c];
    while (head < tail) {
        int at = queue[head++];
        trie[at].ends |= trie[trie[at].fail].ends;
        for (int c = 0; c < 4; c++) {
            int next = trie[at].child[c], back = trie[trie[at].fail].child[c];
            if (next)
                trie[next].fail = back, queue[tail++] = next;
            else
                trie[at].child[c] = back;
        }
    }
    for (int i = 0, at = 0; i < TEXT; i++) {
        at = trie[at].child[text[i] - 'a'];
        for (int p = 0; p < count; p++) totals[p] += trie[at].ends >> p & 1;
    }
    printf("aho-corasick %d nodes:", nodes);
    for (int p = 0; p < count; p++) {
        found_count = 0;
        plain(text, TEXT, patterns[p], (int)strlen(patterns[p]));
        wrong += found_count != totals[p];
        printf(" %d", totals[p]);
    }
    putchar('\n');
}

static void palindromes(void) {
    static int radius[2 * TEXT + 1];
    long total = 0;
    int longest = 0, where = 0, center = 0, right = 0;
    for (int i = 0; i < 2 * TEXT + 1; i++) { /* odd positions are letters */
        int r = i < right ? radius[2 * center - i] : 0;
        if (r > right - i) r = right - i > 0 ? right - i : 0;
        while (i - r - 1 >= 0 && i + r + 1 <= 2 * TEXT &&
               (((i + r + 1) & 1) == 0 || text[(i + r + 1) / 2] == text[(i - r - 1) / 2]))
            r++;
        radius[i] = r;
        if (i + r > right) center = i, right = i + r;
        total += (r + 1) / 2;
        if (r > longest) longest = r, where = (i - r) / 2;
    }
    printf("palindromes %ld longest %d %.*s\n", total, longest, longest, text + where);
}

int main(void) {
    static void (*const searches[])(const char *, int, const char *, int) = {
        morris_pratt, horspool, rabin_karp, shift_or, z_function, library, by_suffixes};
    static const char *const patterns[] = {"a",   "ab",     "ba",    "aba",      "abab", "abba", "aaaa",
                                           "cab", "abcabc", "bbbbb", "abaabaab", "dddd", "acbd", "aabaacaabaa"};
    enum { PATTERNS = sizeof patterns / sizeof patterns[0] };
    for (int kind = 0; kind < 4; kind++) {
        uint32_t seed = (uint32_t)kind + 3;
        int a = 1, b = 1;
        for (int i = 0; i < TEXT; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = kind == 0   ? (char)('a' + (seed >> 30))
                      : kind == 1 ? (char)('a' + (seed >> 31))
                      : kind == 2 ? "abaababaabaab"[i % 13]
                                  : (char)('a' + (i == a));
            if (kind == 3 && i == a) {
                int t = a + b % 40;
                b = a;
                a = t > i ? t : i + 1;
            }
        }
        suffix_array();
        int distinct = TEXT - suffixes[0];
        for (int i = 1; i < TEXT; i++) {
            int same = 0;
            while (suffixes[i] + same < TEXT && suffixes[i - 1] + same < TEXT &&
                   text[suffixes[i] + same] == text[suffixes[i - 1] + same])
                same++;
            distinct += TEXT - suffixes[i] - same;
        }
        printf("%d distinct substrings;", distinct);
        for (int p = 0; p < PATTERNS; p++) {
            int expected[MOST], count;
            int m = (int)strlen(patterns[p]);
            found_count = 0;
            plain(text, TEXT, patterns[p], m);
            count = found_count;
            memcpy(expected, found, sizeof expected);
            printf(" %d", count);
            for (size_t s = 0; s < sizeof searches / sizeof searches[0]; s++) {
                found_count = 0;
                searches[s](text, TEXT, patterns[p], m);
                if (found_count != count || memcmp(found, expected, (size_t)count * sizeof found[0]) != 0)
                    wrong++, printf("(%zu wrong)", s);
            }
        }
        putchar('\n');
        aho_corasick(patterns, PATTERNS);
        palindromes();
    }
    printf("wrong %d\n", wrong);
    return wrong != 0;
}
