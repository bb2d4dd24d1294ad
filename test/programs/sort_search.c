/* qsort, qsort_r, bsearch, lfind, lsearch, hsearch, tsearch, insque over several kinds of data. */
#define _GNU_SOURCE
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252ull;

static uint64_t random_next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static int compare_int(const void *a, const void *b) {
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}
static int compare_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static int compare_string(const void *a, const void *b) {
    return strcmp(a, b);
}

struct wide {
    double key;
    char text[37];
    int order;
};

static int compare_wide(const void *a, const void *b, void *calls) {
    const struct wide *x = a, *y = b;
    ++*(int *)calls;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->order - y->order;
}

static int visited;

static void visit(const void *node, VISIT order, int depth) {
    if (order == postorder || order == leaf) {
        visited++;
        if (visited % 16 == 0) printf("%s@%d ", *(char *const *)node, depth);
    }
}

int main(void) {
    for (int n = 0; n < 3000; n = n * 2 + 1) {
        int *a = malloc((size_t)(n + 1) * sizeof *a);
        for (int shape = 0; shape < 5; shape++) {
            for (int i = 0; i < n; i++)
                a[i] = shape == 0 ? i : shape == 1 ? -i : shape == 2 ? i % 7 : shape == 3 ? 5 : (int)random_next();
            qsort(a, (size_t)n, sizeof *a, compare_int);
            int sorted = 1, found = 0;
            for (int i = 1; i < n; i++) sorted &= a[i - 1] <= a[i];
            for (int i = 0; i < n; i += 7) found += bsearch(&a[i], a, (size_t)n, sizeof *a, compare_int) != NULL;
            int missing = n ? a[n - 1] - 1 : 0;
            for (int i = 0; i < n; i++) missing += a[i] == missing;
            printf("%d%d:%d ", n, sorted, found);
        }
        free(a);
    }
    putchar('\n');
    struct wide *w = calloc(1000, sizeof *w);
    int calls = 0;
    for (int i = 0; i < 1000; i++) {
        w[i].key = (double)(random_next() % 300) / 3;
        w[i].order = i;
        snprintf(w[i].text, sizeof w[i].text, "item %d", i);
    }
    qsort_r(w, 1000, sizeof *w, compare_wide, &calls);
    for (int i = 0; i < 1000; i += 40) printf("%.3f:%s ", w[i].key, w[i].text);
    printf("%d\n", calls > 5000 && calls < 20000);
    free(w);

    static char names[200][12];
    static char *pointers[200];
    for (int i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "n%llu", (unsigned long long)(random_next() % 100000));
        pointers[i] = names[i];
    }
    qsort(pointers, 200, sizeof pointers[0], compare_text);
    for (int i = 0; i < 200; i += 11) printf("%s ", pointers[i]);
    putchar('\n');
    void *root = NULL;
    int fresh = 0;
    for (int i = 0; i < 200; i++) fresh += *(char **)tsearch(names[i], &root, compare_string) == names[i];
    twalk(root, visit);
    int hits = 0;
    for (int i = 0; i < 200; i++) hits += tfind(names[i], &root, compare_string) != NULL;
    for (int i = 0; i < 200; i += 2) tdelete(names[i], &root, compare_string);
    for (int i = 0; i < 200; i++) hits += tfind(names[i], &root, compare_string) != NULL;
    printf("\n%d %d %d\n", fresh, hits, visited);
    hcreate(500);
    for (int i = 0; i < 200; i++) hsearch((ENTRY){names[i], &names[i]}, ENTER);
    hits = 0;
    for (int i = 0; i < 200; i++) {
        ENTRY *e = hsearch((ENTRY){strdup(names[i]), NULL}, FIND);
        hits += e && strcmp(e->key, names[i]) == 0;
    }
    printf("%d %d\n", hits, hsearch((ENTRY){"absent", NULL}, FIND) == NULL);
    hdestroy();
    int table[16] = {0};
    size_t used = 0;
    for (int i = 0; i < 40; i++) {
        int key = i * i % 13;
        lsearch(&key, table, &used, sizeof key, compare_int);
    }
    for (size_t i = 0; i < used; i++) printf("%d ", table[i]);
    int absent = 99;
    printf("%zu %d\n", used, lfind(&absent, table, &used, sizeof absent, compare_int) == NULL);
    struct qelem elements[4];
    insque(&elements[0], NULL);
    for (int i = 1; i < 4; i++) insque(&elements[i], &elements[i - 1]);
    remque(&elements[2]);
    int length = 0;
    for (struct qelem *e = &elements[0]; e; e = e->q_forw) length++;
    printf("%d\n", length);
    return 0;
}
