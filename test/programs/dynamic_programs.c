/* Dynamic programming: edit distance, common subsequences, knapsacks, matrix chains, coins, partitions, parsing by CYK,
 * optimal search trees, the travelling salesman, longest increasing subsequences, digit counts, text justification. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int least(int a, int b) {
    return a < b ? a : b;
}
static int most(int a, int b) {
    return a > b ? a : b;
}

static int edit(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b), d[64][64];
    for (int i = 0; i <= n; i++)
        for (int j = 0; j <= m; j++) {
            d[i][j] =
                i && j ? least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])) : i + j;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[n][m];
}

static void common(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b), l[64][64] = {{0}}, k;
    char out[64];
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++)
            l[i][j] = a[i - 1] == b[j - 1] ? l[i - 1][j - 1] + 1 : most(l[i - 1][j], l[i][j - 1]);
    out[k = l[n][m]] = 0;
    for (int i = n, j = m; k;)
        if (a[i - 1] == b[j - 1])
            out[--k] = a[i - 1], i--, j--;
        else if (l[i - 1][j] >= l[i][j - 1])
            i--;
        else
            j--;
    printf("%d %s\n", l[n][m], out);
}

static void knapsack(void) {
    static const int weight[] = {12, 7, 11, 8, 9, 6, 5, 14, 3, 10}, value[] = {24, 13, 23, 15, 16, 11, 9, 28, 4, 19};
    int best[101] = {0}, many[101] = {0};
    for (int i = 0; i < 10; i++)
        for (int w = 100; w >= weight[i]; w--) best[w] = most(best[w], best[w - weight[i]] + value[i]);
    for (int w = 1; w <= 100; w++)
        for (int i = 0; i < 10; i++)
            if (weight[i] <= w) many[w] = most(many[w], many[w - weight[i]] + value[i]);
    for (int w = 0; w <= 100; w += 9) printf("%d/%d ", best[w], many[w]);
    putchar('\n');
}

static int chain_split[20][20];
static void print_chain(int i, int j) {
    if (i == j) {
        putchar('A' + i);
        return;
    }
    putchar('(');
    print_chain(i, chain_split[i][j]);
    print_chain(chain_split[i][j] + 1, j);
    putchar(')');
}

static void chain(void) {
    static const int size[] = {30, 35, 15, 5, 10, 20, 25, 7, 40, 12, 3, 50};
    enum { N = 11 };
    long cost[N][N] = {{0}};
    for (int length = 2; length <= N; length++)
        for (int i = 0; i + length <= N; i++) {
            int j = i + length - 1;
            cost[i][j] = INT64_MAX;
            for (int k = i; k < j; k++) {
                long c = cost[i][k] + cost[k + 1][j] + (long)size[i] * size[k + 1] * size[j + 1];
                if (c < cost[i][j]) cost[i][j] = c, chain_split[i][j] = k;
            }
        }
    printf("%ld ", cost[0][N - 1]);
    print_chain(0, N - 1);
    putchar('\n');
}

static void coins(void) {
    static const int coin[] = {1, 2, 5, 10, 20, 50, 100, 200};
    uint64_t ways[1001] = {1};
    int fewest[1001] = {0};
    for (int c = 0; c < 8; c++)
        for (int s = coin[c]; s <= 1000; s++) ways[s] += ways[s - coin[c]];
    static const int odd[] = {1, 7, 13, 29, 61};
    for (int s = 1; s <= 1000; s++) {
        fewest[s] = s;
        for (int c = 0; c < 5 && odd[c] <= s; c++) fewest[s] = least(fewest[s], fewest[s - odd[c]] + 1);
    }
    for (int s = 0; s <= 1000; s += 100) printf("%lu/%d ", ways[s], fewest[s]);
    putchar('\n');
}

static void partitions(void) {
    uint64_t p[201] = {1};
    for (int k = 1; k <= 200; k++)
        for (int s = k; s <= 200; s++) p[s] += p[s - k];
    for (int s = 10; s <= 200; s += 38) printf("%lu ", p[s]);
    uint64_t catalan[36] = {1}, bell[26][26] = {{1}};
    for (int n = 1; n < 36; n++)
        for (int i = 0; i < n; i++) catalan[n] += catalan[i] * catalan[n - 1 - i];
    for (int n = 1; n < 26; n++) {
        bell[n][0] = bell[n - 1][n - 1];
        for (int i = 1; i <= n; i++) bell[n][i] = bell[n][i - 1] + bell[n - 1][i - 1];
    }
    printf("%lu %lu\n", catalan[35], bell[25][0]);
}

/* Balanced brackets of two kinds by CYK over the grammar S -> SS | (S) | [S] | () | [] in normal form */
static uint64_t parses(const char *s) {
    int n = (int)strlen(s);
    static uint64_t count[40][41];
    for (int length = 0; length <= n; length += 2)
        for (int i = 0; i + length <= n; i++) {
            uint64_t c = length == 0;
            if (length) {
                int j = i + length - 1;
                int pair = (s[i] == '(' && s[j] == ')') || (s[i] == '[' && s[j] == ']');
                c = pair ? count[i + 1][length - 2] : 0;
                for (int k = 2; k < length; k += 2) c += count[i][k] * count[i + k][length - k];
            }
            count[i][length] = c;
        }
    return n % 2 ? 0 : count[0][n];
}

static void salesman(void) {
    enum { N = 11 };
    static int best[1 << N][N];
    int d[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) d[i][j] = (i * 37 + j * 37 + i * j * 11) % 91 + (i != j);
    for (int set = 1; set < 1 << N; set++)
        for (int at = 0; at < N; at++) {
            best[set][at] = 1000000;
            if (set == 1 && at == 0) best[set][at] = 0;
            if (!(set >> at & 1) || !(set & 1) || at == 0) continue;
            for (int from = 0; from < N; from++)
                if (from != at && set >> from & 1)
                    best[set][at] = least(best[set][at], best[set ^ 1 << at][from] + d[from][at]);
        }
    int tour = 1000000;
    for (int at = 1; at < N; at++) tour = least(tour, best[(1 << N) - 1][at] + d[at][0]);
    printf("tour %d\n", tour);
}

static void increasing(void) {
    int v[400], tail[400], n = 0;
    unsigned seed = 5;
    for (int i = 0; i < 400; i++) {
        v[i] = (int)((seed = seed * 1664525 + 1013904223) >> 16);
        int low = 0, high = n;
        while (low < high) {
            int middle = (low + high) / 2;
            if (tail[middle] < v[i])
                low = middle + 1;
            else
                high = middle;
        }
        tail[low] = v[i];
        if (low == n) n++;
    }
    int length[400], longest = 0;
    for (int i = 0; i < 400; i++) {
        length[i] = 1;
        for (int j = 0; j < i; j++)
            if (v[j] < v[i]) length[i] = most(length[i], length[j] + 1);
        longest = most(longest, length[i]);
    }
    printf("increasing %d %d\n", n, longest);
}

static void justify(const char *text, int width) {
    const char *word[80];
    int size[80], n = 0;
    long cost[81] = {0};
    int cut[81];
    for (const char *p = text; *p; n++) {
        word[n] = p;
        size[n] = (int)strcspn(p, " ");
        p += size[n] + (p[size[n]] == ' ');
    }
    for (int i = n - 1; i >= 0; i--) {
        int room = width + 1;
        cost[i] = INT64_MAX / 2;
        for (int j = i; j < n && (room -= size[j] + 1) >= 0; j++) {
            long c = (j == n - 1 ? 0 : (long)room * room * room) + cost[j + 1];
            if (c < cost[i]) cost[i] = c, cut[i] = j + 1;
        }
    }
    for (int i = 0; i < n; i = cut[i]) {
        for (int j = i; j < cut[i]; j++) printf("%.*s%s", size[j], word[j], j + 1 < cut[i] ? " " : "\n");
    }
    printf("cost %ld\n", cost[0]);
}

int main(void) {
    static const char *const words[] = {"kitten", "sitting", "saturday",  "sunday",   "",
                                        "abcdef", "badcfe",  "intention", "execution"};
    for (int i = 0; i < 9; i++)
        for (int j = 0; j < 9; j++) printf("%d ", edit(words[i], words[j]));
    putchar('\n');
    common("AGGTABXYZQWERTY", "GXTXAYBZQERY");
    common("the quick brown fox jumps over", "a lazy dog is not quick but brown");
    knapsack();
    chain();
    coins();
    partitions();
    static const char *const brackets[] = {
        "", "()", "([])", "()[]()", "(()[])[()]()", "(]", "((", "()()()()()()()()()()()()()()()()"};
    for (int i = 0; i < 8; i++) printf("%lu ", parses(brackets[i]));
    putchar('\n');
    salesman();
    increasing();
    for (int width = 20; width <= 50; width += 15)
        justify("a paragraph of text is broken into lines so that the sum of the cubes of the spaces left over is as "
                "small as it can be and the last line is free",
                width);
    return 0;
}
