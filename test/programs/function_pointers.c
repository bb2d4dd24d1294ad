/* Function pointers: tables, callbacks with state, composition, dispatch by name, a state machine, virtual methods,
 * pointers compared, recursion through pointers, nested callbacks in qsort and bsearch. */
/* cflags: -fwrapv */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t operation(int64_t, int64_t);

static int64_t plus(int64_t a, int64_t b) {
    return a + b;
}
static int64_t minus(int64_t a, int64_t b) {
    return a - b;
}
static int64_t times(int64_t a, int64_t b) {
    return a * b;
}
static int64_t over(int64_t a, int64_t b) {
    return b ? a / b : 0;
}
static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static const struct {
    const char *name;
    operation *f;
} operations[] = {{"plus", plus}, {"minus", minus}, {"times", times}, {"over", over}, {"larger", larger}};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static operation *find(const char *name) {
    for (int i = 0; i < OPERATIONS; i++)
        if (strcmp(operations[i].name, name) == 0) return operations[i].f;
    return NULL;
}

static int64_t fold(operation *f, int64_t start, const int64_t *v, int n) {
    for (int i = 0; i < n; i++) start = f(start, v[i]);
    return start;
}

struct closure {
    int64_t (*call)(const struct closure *, int64_t);
    int64_t state;
    const struct closure *inner;
};

static int64_t add_state(const struct closure *c, int64_t x) {
    return x + c->state;
}
static int64_t scale_state(const struct closure *c, int64_t x) {
    return x * c->state;
}
static int64_t compose(const struct closure *c, int64_t x) {
    return c->state ? c->inner[1].call(&c->inner[1], c->inner->call(c->inner, x)) : c->inner->call(c->inner, x);
}

/* A state is a function that returns the next state. */
struct machine;
typedef struct next (*state)(struct machine *, int);
struct next {
    state f;
};
struct machine {
    int words, numbers, other, length;
    char log[400];
};

static struct next between(struct machine *, int);

static void note(struct machine *m, char c) {
    if (m->length < 399) m->log[m->length++] = c;
}

static struct next in_word(struct machine *m, int c) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return (struct next){in_word};
    m->words++;
    note(m, 'w');
    return between(m, c);
}

static struct next in_number(struct machine *m, int c) {
    if (c >= '0' && c <= '9') return (struct next){in_number};
    if (c >= 'a' && c <= 'z') return (struct next){in_word};
    m->numbers++;
    note(m, 'n');
    return between(m, c);
}

static struct next between(struct machine *m, int c) {
    if (c >= 'a' && c <= 'z') return (struct next){in_word};
    if (c >= '0' && c <= '9') return (struct next){in_number};
    if (c != ' ') m->other++, note(m, 'o');
    return (struct next){between};
}

typedef int visitor(int depth, void *state);

static int tree(int depth, visitor *before, visitor *after, void *state) {
    if (!depth) return 1;
    int n = before(depth, state);
    for (int i = 0; i < 3; i++) n += tree(depth - 1, i % 2 ? before : after, i % 2 ? after : before, state);
    return n + after(depth, state);
}

static int count_visit(int depth, void *state) {
    return ++*(int *)state % depth;
}
static int double_visit(int depth, void *state) {
    return (*(int *)state += depth) & 1;
}

static int by_operation(const void *a, const void *b) {
    operation *const *f = a, *const *g = b;
    int64_t x = (*f)(17, 5), y = (*g)(17, 5);
    return (x > y) - (x < y);
}

int main(void) {
    int64_t v[50];
    for (int i = 0; i < 50; i++) v[i] = i * i % 37 - 11;
    for (int i = 0; i < OPERATIONS; i++)
        printf("%s %ld %ld %d\n", operations[i].name, fold(operations[i].f, 1000000, v, 50),
               fold(find(operations[i].name), -3, v, 7),
               find(operations[i].name) == operations[(i + 1) % OPERATIONS].f);
    printf("%d\n", find("none") == NULL);
    struct closure parts[2] = {{add_state, 5, NULL}, {scale_state, 3, NULL}};
    struct closure whole = {compose, 1, parts}, twice[2] = {whole, whole}, four = {compose, 1, twice};
    for (int i = -2; i < 5; i++) printf("%ld %ld ", whole.call(&whole, i), four.call(&four, i));
    putchar('\n');
    struct machine m = {0};
    struct next at = {between};
    for (const char *p = "some words 123 and 45x, (6) numbers 7 - a1b2; end 99 "; *p; p++) at = at.f(&m, *p);
    printf("%d %d %d %s\n", m.words, m.numbers, m.other, m.log);
    int state = 0;
    for (int depth = 0; depth < 8; depth++) printf("%d ", tree(depth, count_visit, double_visit, &state));
    printf("%d\n", state);
    operation *sorted[OPERATIONS];
    for (int i = 0; i < OPERATIONS; i++) sorted[i] = operations[i].f;
    qsort(sorted, OPERATIONS, sizeof sorted[0], by_operation);
    for (int i = 0; i < OPERATIONS; i++)
        for (int j = 0; j < OPERATIONS; j++)
            if (sorted[i] == operations[j].f) printf("%s ", operations[j].name);
    operation *volatile *table = malloc(1000 * sizeof *table);
    uint64_t total = 1, seed = 1;
    for (int i = 0; i < 1000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        table[i] = operations[(seed >> 33) % OPERATIONS].f;
    }
    for (int i = 0; i < 30000; i++) total = (uint64_t)table[i % 1000]((int64_t)(total >> 8), i | 1) * 31 + 7;
    printf("%016lx\n", total);
    return 0;
}
