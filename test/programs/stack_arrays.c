/* alloca and variable-length arrays: sizes from run time, in loops, in recursion, two-dimensional, alignment, as
 * parameters; the stack pointer comes back. */
#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uintptr_t lowest = UINTPTR_MAX;

static void note(uintptr_t p) {
    if (p < lowest) lowest = p;
}

__attribute__((noinline)) static unsigned fill(unsigned n, unsigned seed) {
    unsigned char a[n + 1];
    note((uintptr_t)a);
    for (unsigned i = 0; i <= n; i++) a[i] = (unsigned char)(seed = seed * 1103515245 + 12345);
    unsigned sum = 0;
    for (unsigned i = 0; i <= n; i += 3) sum = sum * 31 + a[i];
    return sum;
}

__attribute__((noinline)) static long matrix(int rows, int columns, int m[rows][columns]) {
    long trace = 0;
    int transposed[columns][rows];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) transposed[j][i] = m[i][j];
    for (int i = 0; i < rows && i < columns; i++) trace += transposed[i][i] * (i + 1);
    return trace + (long)sizeof transposed;
}

__attribute__((noinline)) static unsigned nested(int depth, unsigned seed) {
    unsigned n = seed % 200 + 1;
    char *p = alloca(n);
    note((uintptr_t)p);
    memset(p, depth, n);
    unsigned below = depth ? nested(depth - 1, seed * 7 + 3) : 1;
    for (unsigned i = 0; i < n; i++)
        if (p[i] != (char)depth) return 0;
    return below + n;
}

static char *join(const char *const *words, int n) {
    static char result[500];
    size_t length = 0;
    for (int i = 0; i < n; i++) length += strlen(words[i]) + 1;
    char buffer[length + 1];
    char *at = buffer;
    *at = 0;
    for (int i = 0; i < n; i++) at += sprintf(at, "%s ", words[i]);
    memcpy(result, buffer, length + 1);
    return result;
}

int main(void) {
    for (unsigned n = 0; n < 20000; n = n * 3 / 2 + 1) printf("%u ", fill(n, n));
    putchar('\n');
    for (int rows = 1; rows < 12; rows++)
        for (int columns = 1; columns < 12; columns += 3) {
            int m[rows][columns];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) m[i][j] = i * 100 + j;
            printf("%ld ", matrix(rows, columns, m));
        }
    putchar('\n');
    printf("%u\n", nested(300, 5));
    long total = 0;
    for (int i = 0; i < 2000; i++) { /* freed at the end of each turn: 2000 of these would not fit */
        char a[8000 + i];
        a[0] = (char)(i & 63);
        a[7999 + i] = 1;
        note((uintptr_t)a);
        total += a[0] + a[7999 + i];
    }
    printf("%ld %d\n", total, (uintptr_t)&total - lowest < 200000);
    struct link {
        struct link *next;
        int value;
    } *list = NULL;
    for (int i = 0; i < 500; i++) { /* alloca lives until the function ends */
        struct link *l = alloca(sizeof *l);
        *l = (struct link){list, i};
        list = l;
    }
    unsigned sum = 0;
    for (; list; list = list->next) sum = sum * 3 + (unsigned)list->value;
    printf("%u %d\n", sum, (int)((uintptr_t)alloca(1) % 16));
    static const char *const words[] = {"built", "in", "a", "buffer", "of", "just", "the", "length"};
    for (int n = 0; n <= 8; n += 2) puts(join(words, n));
    int n = 3;
    double(*grid)[n] = alloca(sizeof(double[5][n]));
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < n; j++) grid[i][j] = i + j / 4.0;
    n = 7; /* the type keeps its length */
    printf("%zu %g\n", sizeof *grid, grid[4][2]);
    goto skip;
skip:;
    for (int k = 1; k < 4; k++) {
        int a[k], b[k * 2];
        a[k - 1] = k;
        b[2 * k - 1] = a[k - 1] * 2;
        if (k == 2) continue;
        printf("%d %zu ", b[2 * k - 1], sizeof a + sizeof b);
    }
    putchar('\n');
    return 0;
}
