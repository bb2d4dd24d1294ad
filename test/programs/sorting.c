/* Twelve sorting algorithms on inputs of several shapes; stability; counts of comparisons; selection; merging; heaps.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 600 };

struct item {
    int key, order;
};

static long comparisons;

static int less(struct item a, struct item b) {
    comparisons++;
    return a.key < b.key;
}

static void swap(struct item *a, struct item *b) {
    struct item t = *a;
    *a = *b;
    *b = t;
}

static void bubble(struct item *a, int n) {
    for (int last = n; last > 1;) {
        int moved = 0;
        for (int i = 1; i < last; i++)
            if (less(a[i], a[i - 1])) swap(&a[i], &a[i - 1]), moved = i;
        last = moved;
    }
}

static void cocktail(struct item *a, int n) {
    for (int low = 0, high = n - 1; low < high; low++, high--) {
        for (int i = low; i < high; i++)
            if (less(a[i + 1], a[i])) swap(&a[i], &a[i + 1]);
        for (int i = high; i > low; i--)
            if (less(a[i], a[i - 1])) swap(&a[i], &a[i - 1]);
    }
}

static void insertion(struct item *a, int n) {
    for (int i = 1; i < n; i++) {
        struct item v = a[i];
        int j = i;
        for (; j > 0 && less(v, a[j - 1]); j--) a[j] = a[j - 1];
        a[j] = v;
    }
}

static void selection(struct item *a, int n) {
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int j = i + 1; j < n; j++)
            if (less(a[j], a[best])) best = j;
        swap(&a[i], &a[best]);
    }
}

static void shell(struct item *a, int n) {
    static const int gaps[] = {301, 132, 57, 23, 10, 4, 1};
    for (int g = 0; g < 7; g++)
        for (int i = gaps[g]; i < n; i++) {
            struct item v = a[i];
            int j = i;
            for (; j >= gaps[g] && less(v, a[j - gaps[g]]); j -= gaps[g]) a[j] = a[j - gaps[g]];
            a[j] = v;
        }
}

static void comb(struct item *a, int n) {
    for (int gap = n, moved = 1; gap > 1 || moved;) {
        gap = gap > 1 ? gap * 10 / 13 : 1;
        if (gap < 1) gap = 1;
        moved = 0;
        for (int i = 0; i + gap < n; i++)
            if (less(a[i + gap], a[i])) swap(&a[i], &a[i + gap]), moved = 1;
    }
}

static void gnome(struct item *a, int n) {
    for (int i = 0; i < n;)
        if (i == 0 || !less(a[i], a[i - 1]))
            i++;
        else
            swap(&a[i], &a[i - 1]), i--;
}

static void quick(struct item *a, int n) {
    while (n > 1) {
        struct item pivot = a[n / 2];
        int i = 0, j = n - 1;
        while (i <= j) {
            while (less(a[i], pivot)) i++;
            while (less(pivot, a[j])) j--;
            if (i <= j) swap(&a[i++], &a[j--]);
        }
        quick(a, j + 1);
        a += i;
        n -= i;
    }
}

static void sift(struct item *a, int root, int end) {
    for (int child; (child = 2 * root + 1) < end; root = child) {
        if (child + 1 < end && less(a[child], a[child + 1])) child++;
        if (!less(a[root], a[child])) return;
        swap(&a[root], &a[child]);
    }
}

static void heap(struct item *a, int n) {
    for (int i = n / 2; i-- > 0;) sift(a, i, n);
    for (int end = n; end-- > 1;) {
        swap(&a[0], &a[end]);
        sift(a, 0, end);
    }
}

static void merge(struct item *a, int n) {
    static struct item spare[MOST];
    for (int width = 1; width < n; width *= 2) {
        for (int start = 0; start < n; start += 2 * width) {
            int middle = start + width < n ? start + width : n, end = start + 2 * width < n ? start + 2 * width : n;
            for (int i = start, j = middle, k = start; k < end; k++)
                spare[k] = j >= end || (i < middle && !less(a[j], a[i])) ? a[i++] : a[j++];
        }
        memcpy(a, spare, (size_t)n * sizeof a[0]);
    }
}

static void radix(struct item *a, int n) {
    static struct item spare[MOST];
    for (int shift = 0; shift < 32; shift += 4) {
        int count[17] = {0};
        for (int i = 0; i < n; i++) count[(((unsigned)a[i].key ^ 1u << 31) >> shift & 15) + 1]++;
        for (int i = 0; i < 16; i++) count[i + 1] += count[i];
        for (int i = 0; i < n; i++) spare[count[((unsigned)a[i].key ^ 1u << 31) >> shift & 15]++] = a[i];
        memcpy(a, spare, (size_t)n * sizeof a[0]);
    }
}

/* Batcher's network: which pairs are compared does not depend on the data. */
static void network(struct item *a, int n) {
    for (int p = 1; p < n; p *= 2)
        for (int k = p; k >= 1; k /= 2)
            for (int j = k % p; j <= n - 1 - k; j += 2 * k)
                for (int i = 0; i < k && i + j + k < n; i++)
                    if ((i + j) / (2 * p) == (i + j + k) / (2 * p) && less(a[i + j + k], a[i + j]))
                        swap(&a[i + j], &a[i + j + k]);
}

static int kth(struct item *a, int n, int k) {
    int low = 0, high = n - 1;
    while (low < high) {
        struct item pivot = a[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (less(a[i], pivot)) i++;
            while (less(pivot, a[j])) j--;
            if (i <= j) swap(&a[i++], &a[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return a[k].key;
}

static const struct {
    const char *name;
    void (*sort)(struct item *, int);
    int stable;
} sorts[] = {{"bubble", bubble, 1}, {"cocktail", cocktail, 1}, {"insertion", insertion, 1}, {"selection", selection, 0},
             {"shell", shell, 0},   {"comb", comb, 0},         {"gnome", gnome, 1},         {"quick", quick, 0},
             {"heap", heap, 0},     {"merge", merge, 1},       {"radix", radix, 1},         {"network", network, 0}};

int main(void) {
    static struct item input[MOST], a[MOST];
    int wrong = 0;
    for (int shape = 0; shape < 6; shape++)
        for (int n = 0; n <= MOST; n = n * 3 + 1) {
            unsigned seed = (unsigned)(shape * 100 + n);
            for (int i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                input[i] = (struct item){shape == 0   ? (int)seed
                                         : shape == 1 ? i
                                         : shape == 2 ? -i
                                         : shape == 3 ? (int)(seed >> 29)
                                         : shape == 4 ? 7
                                                      : i ^ 5,
                                         i};
            }
            printf("%d/%d:", shape, n);
            for (size_t s = 0; s < sizeof sorts / sizeof sorts[0]; s++) {
                memcpy(a, input, sizeof a);
                comparisons = 0;
                sorts[s].sort(a, n);
                int bad = 0, unstable = 0;
                long long sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += (long long)a[i].key - input[i].key;
                    if (i && a[i].key < a[i - 1].key) bad = 1;
                    if (i && a[i].key == a[i - 1].key && a[i].order < a[i - 1].order) unstable = 1;
                }
                wrong += bad || sum || (sorts[s].stable && unstable);
                if (bad || sum) printf(" (%s is wrong)", sorts[s].name);
                printf(" %ld", comparisons);
            }
            if (n) {
                memcpy(a, input, sizeof a);
                int middle = kth(a, n, n / 2);
                radix(a, n);
                wrong += a[n / 2].key != middle;
            }
            putchar('\n');
        }
    printf("wrong %d\n", wrong);
    return wrong != 0;
}
