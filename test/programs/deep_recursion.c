/* Recursion: 100,000 frames deep, mutual, tree-shaped, with large frames, through pointers; Ackermann, Hanoi,
 * Hofstadter, permutations, McCarthy's 91. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static uint64_t deep(unsigned n, uint64_t x) {
    if (n == 0) return x;
    uint64_t r = deep(n - 1, x * 3 + n);
    return r ^ (r >> 5) ^ n;
}

static int is_odd(unsigned n);
__attribute__((noinline)) static int is_even(unsigned n) {
    return n == 0 ? 1 : !is_odd(n) ? 1 : 0;
}
__attribute__((noinline)) static int is_odd(unsigned n) {
    return n == 0 ? 0 : is_even(n - 1);
}

__attribute__((noinline)) static unsigned wide(unsigned n) {
    volatile unsigned char frame[3000];
    memset((void *)frame, (int)n, sizeof frame);
    unsigned below = n ? wide(n - 1) : 1;
    unsigned sum = 0;
    for (int i = 0; i < 3000; i += 500) sum += frame[i];
    return below * 31 + sum;
}

static unsigned ackermann(unsigned m, unsigned n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static unsigned moves, hash;

static void hanoi(int n, int from, int to, int by) {
    if (!n) return;
    hanoi(n - 1, from, by, to);
    moves++;
    hash = hash * 31 + (unsigned)(from * 16 + to * 4 + n);
    hanoi(n - 1, by, to, from);
}

static int female(int n);
static int male(int n) {
    return n == 0 ? 0 : n - female(male(n - 1));
}
static int female(int n) {
    return n == 0 ? 1 : n - male(female(n - 1));
}

static int mccarthy(int n) {
    return n > 100 ? n - 10 : mccarthy(mccarthy(n + 11));
}

static void permute(char *s, int at, int *count) {
    if (!s[at]) {
        ++*count;
        if (*count % 600 == 1) printf("%s ", s);
        return;
    }
    for (int i = at; s[i]; i++) {
        char t = s[at];
        s[at] = s[i];
        s[i] = t;
        permute(s, at + 1, count);
        t = s[at];
        s[at] = s[i];
        s[i] = t;
    }
}

static uint64_t partitions(int n, int most) {
    if (n == 0) return 1;
    uint64_t total = 0;
    for (int part = n < most ? n : most; part > 0; part--) total += partitions(n - part, part);
    return total;
}

int main(void) {
    for (unsigned n = 1; n <= 100000; n *= 10) printf("%u %016lx\n", n, deep(n, n));
    printf("%d %d\n", is_even(50000), is_odd(49999));
    printf("%u\n", wide(1500));
    printf("%u %u %u\n", ackermann(1, 10), ackermann(2, 20), ackermann(3, 5));
    hanoi(14, 0, 2, 1);
    printf("%u %u\n", moves, hash);
    for (int i = 0; i < 40; i++) printf("%d,%d ", male(i), female(i));
    putchar('\n');
    for (int i = 80; i < 110; i++) printf("%d ", mccarthy(i));
    putchar('\n');
    char letters[] = "abcdefg";
    int count = 0;
    permute(letters, 0, &count);
    printf("%d\n", count);
    for (int n = 0; n < 36; n += 5) printf("%lu ", partitions(n, n));
    putchar('\n');
    return 0;
}
