/* Search and automata: N queens, sudoku, the eight puzzle by breadth-first search, polyominoes, subset sums, the game
 * of life, one-dimensional automata, Langton's ant. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int queens(int n, int row, int *columns) {
    if (row == n) return 1;
    int count = 0;
    for (int c = 0; c < n; c++) {
        int safe = 1;
        for (int r = 0; r < row && safe; r++)
            safe = columns[r] != c && columns[r] - c != row - r && c - columns[r] != row - r;
        if (!safe) continue;
        columns[row] = c;
        count += queens(n, row + 1, columns);
    }
    return count;
}

static int steps;

static int sudoku(unsigned char *s) {
    int best = -1, fewest = 10;
    unsigned best_open = 0;
    steps++;
    for (int i = 0; i < 81; i++) {
        if (s[i]) continue;
        unsigned used = 0;
        for (int j = 0; j < 9; j++)
            used |= 1u << s[i / 9 * 9 + j] | 1u << s[j * 9 + i % 9] |
                    1u << s[(i / 27 * 3 + j / 3) * 9 + i % 9 / 3 * 3 + j % 3];
        unsigned open = ~used & 0x3fe;
        int count = __builtin_popcount(open);
        if (count < fewest) fewest = count, best = i, best_open = open;
    }
    if (best < 0) return 1;
    for (int d = 1; d <= 9; d++) {
        if (!(best_open >> d & 1)) continue;
        s[best] = (unsigned char)d;
        if (sudoku(s)) return 1;
    }
    s[best] = 0;
    return 0;
}

/* 8-puzzle: states as decimal permutations; how many at each distance from the goal */
static int rank_of(const char *p) {
    static const int factorial[] = {40320, 5040, 720, 120, 24, 6, 2, 1, 1};
    int rank = 0;
    for (int i = 0; i < 9; i++) {
        int smaller = 0;
        for (int j = i + 1; j < 9; j++) smaller += p[j] < p[i];
        rank += smaller * factorial[i];
    }
    return rank;
}

static void eight(int limit) {
    static char queue[20000][9];
    static unsigned char seen[362880];
    int head = 0, tail = 1, level_end = 1, level = 0;
    memcpy(queue[0], "\1\2\3\4\5\6\7\10\0", 9);
    seen[rank_of(queue[0])] = 1;
    while (head < tail && tail < limit) {
        char *p = queue[head++];
        int blank = 0;
        while (p[blank]) blank++;
        static const int moves[] = {-3, 3, -1, 1};
        for (int m = 0; m < 4; m++) {
            int to = blank + moves[m];
            if (to < 0 || to > 8 || (m > 1 && to / 3 != blank / 3)) continue;
            char *q = queue[tail];
            memcpy(q, p, 9);
            q[blank] = q[to];
            q[to] = 0;
            int rank = rank_of(q);
            if (!seen[rank]) seen[rank] = 1, tail++;
        }
        if (head == level_end) {
            printf("%d:%d ", ++level, tail - level_end);
            level_end = tail;
        }
    }
    putchar('\n');
}

/* n-ominoes up to rotation and reflection, counted by growth */
static uint64_t canonical(const int *cells, int n) {
    uint64_t best = 0;
    for (int t = 0; t < 8; t++) {
        int x[8], y[8], low_x = 99, low_y = 99;
        for (int i = 0; i < n; i++) {
            int a = cells[i] % 16, b = cells[i] / 16;
            for (int r = 0; r < (t & 3); r++) {
                int c = a;
                a = -b;
                b = c;
            }
            if (t & 4) a = -a;
            x[i] = a, y[i] = b;
            if (a < low_x) low_x = a;
            if (b < low_y) low_y = b;
        }
        uint64_t mask = 0;
        for (int i = 0; i < n; i++) mask |= 1ull << ((y[i] - low_y) * 8 + x[i] - low_x);
        if (mask > best) best = mask;
    }
    return best;
}

static void polyominoes(void) {
    static uint64_t shapes[2][600];
    int count = 1;
    shapes[0][0] = 1;
    for (int n = 2; n <= 7; n++) {
        uint64_t *from = shapes[n & 1], *to = shapes[(n & 1) ^ 1];
        int made = 0;
        for (int s = 0; s < count; s++) {
            int cells[8], k = 0;
            for (int b = 0; b < 64; b++)
                if (from[s] >> b & 1) cells[k++] = (b / 8 + 4) * 16 + b % 8 + 4;
            for (int i = 0; i < k; i++)
                for (int d = 0; d < 4; d++) {
                    int c = cells[i] + (d == 0 ? 1 : d == 1 ? -1 : d == 2 ? 16 : -16), there = 0;
                    for (int j = 0; j < k; j++) there |= cells[j] == c;
                    if (there) continue;
                    cells[k] = c;
                    uint64_t shape = canonical(cells, k + 1);
                    int known = 0;
                    for (int j = 0; j < made; j++) known |= to[j] == shape;
                    if (!known && made < 600) to[made++] = shape;
                }
        }
        count = made;
        printf("%d:%d ", n, count);
    }
    putchar('\n');
}

static int subsets(const int *v, int n, int target) {
    if (target == 0) return 1;
    if (n == 0 || target < 0) return 0;
    return subsets(v + 1, n - 1, target - v[0]) + subsets(v + 1, n - 1, target);
}

static void life(void) {
    enum { H = 40, W = 64 };
    static unsigned char grid[2][H][W];
    static const char *const gun[] = {"........................#...........", "......................#.#...........",
                                      "............##......##............##", "...........#...#....##............##",
                                      "##........#.....#...##..............", "##........#...#.##....#.#...........",
                                      "..........#.....#.......#...........", "...........#...#....................",
                                      "............##......................"};
    for (int y = 0; y < 9; y++)
        for (int x = 0; gun[y][x]; x++) grid[0][y + 1][x + 1] = gun[y][x] == '#';
    for (int g = 0; g < 90; g++) {
        unsigned char(*a)[W] = grid[g & 1], (*b)[W] = grid[(g & 1) ^ 1];
        int alive = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int n = 0;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) n += (dx || dy) && a[(y + dy + H) % H][(x + dx + W) % W];
                alive += b[y][x] = n == 3 || (n == 2 && a[y][x]);
            }
        if (g % 15 == 14) printf("%d ", alive);
    }
    putchar('\n');
    for (int y = 8; y < 30; y++) {
        for (int x = 10; x < W; x++) putchar(grid[0][y][x] ? '#' : '.');
        putchar('\n');
    }
}

int main(void) {
    int columns[10];
    for (int n = 1; n <= 8; n++) printf("%d ", queens(n, 0, columns));
    putchar('\n');
    static const char *const grids[] = {
        "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
        "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",
        "..9748...7.........2.1.9.....7...24..64.1.59..98...3.....8.3.2.........6...2759.."};
    for (int g = 0; g < 3; g++) {
        unsigned char s[81];
        for (int i = 0; i < 81; i++) s[i] = grids[g][i] == '.' ? 0 : (unsigned char)(grids[g][i] - '0');
        steps = 0;
        int solved = sudoku(s);
        printf("%d in %d: ", solved, steps);
        for (int i = 0; i < 81; i++) putchar('0' + s[i]);
        putchar('\n');
    }
    eight(15000);
    polyominoes();
    static const int weights[] = {3, 34, 4, 12, 5, 2, 17, 9, 21, 8, 13, 6, 30, 11, 7, 19};
    for (int target = 10; target < 100; target += 15) printf("%d ", subsets(weights, 16, target));
    putchar('\n');
    life();
    for (int rule = 30; rule <= 110; rule += 40) {
        uint64_t row = 1ull << 32, hash = 1;
        for (int g = 0; g < 200; g++) {
            uint64_t left = row << 1 | row >> 63, right = row >> 1 | row << 63, new = 0;
            for (int i = 0; i < 64; i++)
                new |= (uint64_t)(rule >> ((right >> i & 1) | (row >> i & 1) << 1 | (left >> i & 1) << 2) & 1) << i;
            row = new;
            hash = hash * 31 + row;
        }
        printf("%d:%016lx ", rule, hash);
    }
    static unsigned char plane[128][128];
    int x = 64, y = 64, d = 0, black = 0;
    for (int i = 0; i < 11000; i++) {
        static const int dx[] = {0, 1, 0, -1}, dy[] = {-1, 0, 1, 0};
        d = (d + (plane[y][x] ? 3 : 1)) & 3;
        black += plane[y][x] ? -1 : 1;
        plane[y][x] ^= 1;
        x = (x + dx[d]) & 127, y = (y + dy[d]) & 127;
    }
    printf("%d %d %d\n", black, x, y);
    return 0;
}
