/* litmus.c - the memory model: runs the races of litmus.def for a while and counts outcomes. A riscv64 program.
 *
 *   litmus [SECONDS [NAME]]
 *
 * A race has many cells of memory. Each hart is a thread that goes through all of them, waiting a little before each
 * until the others are there, so that they meet at most cells; who comes late does its part all the same. Prints a line
 * for each race: how often it was tried, how often the outcome was seen, and whether it may be. Exit status 1 if a
 * forbidden one was seen.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HARTS = 4, CELLS = 512, PATIENCE = 2000 };

static struct cell {
    _Alignas(64) long x;
    _Alignas(64) long y;
} cells[CELLS];
static struct results {
    _Alignas(64) long a[CELLS];
    long b[CELLS];
} results[HARTS];

/* ---- the rows: a function for each hart, and one that looks for the outcome */

#define HART(name, n, code)                                                                                            \
    static void name##_##n(struct cell *c, long *p, long *q) {                                                         \
        register long a __asm__("a0") = 0, b __asm__("a1") = 0, *x __asm__("a2") = &c->x, *y __asm__("a3") = &c->y,    \
                        one __asm__("a4") = 1, two __asm__("a5") = 2;                                                  \
        __asm__ volatile(code : "+r"(a), "+r"(b) : "r"(x), "r"(y), "r"(one), "r"(two) : "t0", "memory");               \
        *p = a;                                                                                                        \
        *q = b;                                                                                                        \
    }
#define L(name, verdict, harts, outcome, code0, code1, ...)                                                            \
    HART(name, 0, code0)                                                                                               \
    HART(name, 1, code1)                                                                                               \
    MORE_##harts(name, ##__VA_ARGS__, "", "") static bool name##_seen(long x, long y, const long p[HARTS],             \
                                                                      const long q[HARTS]) {                           \
        const long p0 = p[0], p1 = p[1], p2 = p[2], p3 = p[3], q0 = q[0], q1 = q[1], q2 = q[2], q3 = q[3];             \
        (void)x, (void)y, (void)p0, (void)p1, (void)p2, (void)p3, (void)q0, (void)q1, (void)q2, (void)q3;              \
        return outcome;                                                                                                \
    }
#define MORE_2(name, ...)
#define MORE_3(name, code2, ...)        HART(name, 2, code2)
#define MORE_4(name, code2, code3, ...) HART(name, 2, code2) HART(name, 3, code3)
#include "litmus.def"

typedef void hart_fn(struct cell *c, long *p, long *q);
enum verdict { ALLOWED, FORBIDDEN };
static const struct race {
    const char *name;
    enum verdict verdict;
    int harts;
    hart_fn *hart[HARTS];
    bool (*seen)(long x, long y, const long p[HARTS], const long q[HARTS]);
} races[] = {
#define L(name, verdict, harts, outcome, ...)                                                                          \
    {#name, verdict, harts, {name##_0, name##_1, THEN_##harts(name)}, name##_seen},
#define THEN_2(name)
#define THEN_3(name) name##_2
#define THEN_4(name) name##_2, name##_3
#include "litmus.def"
};
enum { RACES = sizeof races / sizeof *races };
static unsigned long tried[RACES], seen[RACES];

/* ---- running */

static struct { _Alignas(64) atomic_int at; } place[HARTS];
static pthread_barrier_t begin, end;
static const struct race *race; /* NULL: it is over */

/* Lines that both have read make loads quick and stores slow, which is when most can be seen; a wait of random length
 * makes up for who starts first. */
static void go_through(const struct race *r, int id) {
    static _Thread_local unsigned random = 1;
    for (int i = 0; i < CELLS; i++) {
        volatile struct cell *c = &cells[i];
        random = random * 1664525 + 1013904223 + (unsigned)id;
        if (random & 1 << 30) (void)c->x;
        if (random & 1 << 29) (void)c->y;
        atomic_store_explicit(&place[id].at, i, memory_order_relaxed);
        for (int k = 0; k < r->harts; k++)
            for (int n = 1; atomic_load_explicit(&place[k].at, memory_order_relaxed) < i; n++)
                if (n % PATIENCE == 0) sched_yield();
        for (unsigned n = random >> 16 & 127; n; n--) __asm__ volatile("");
        r->hart[id](&cells[i], &results[id].a[i], &results[id].b[i]);
    }
}

static void *hart(void *arg) {
    int id = (int)(long)arg;
    for (;;) {
        pthread_barrier_wait(&begin);
        if (!race) return NULL;
        if (id < race->harts) go_through(race, id);
        pthread_barrier_wait(&end);
    }
}

static void run(int which) {
    race = &races[which];
    memset(cells, 0, sizeof cells);
    memset(results, 0, sizeof results);
    for (int i = 0; i < HARTS; i++) place[i].at = -1;
    pthread_barrier_wait(&begin);
    go_through(race, 0);
    pthread_barrier_wait(&end);
    tried[which] += CELLS;
    for (int i = 0; i < CELLS; i++) {
        long p[HARTS], q[HARTS];
        for (int k = 0; k < HARTS; k++) p[k] = results[k].a[i], q[k] = results[k].b[i];
        seen[which] += race->seen(cells[i].x, cells[i].y, p, q);
    }
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    double until = now() + (argc > 1 ? atof(argv[1]) : 1);
    const char *only = argc > 2 ? argv[2] : NULL;
    pthread_t threads[HARTS];
    int bad = 0;
    pthread_barrier_init(&begin, NULL, HARTS);
    pthread_barrier_init(&end, NULL, HARTS);
    for (long i = 1; i < HARTS; i++)
        if (pthread_create(&threads[i], NULL, hart, (void *)i)) return 2;
    do {
        for (int i = 0; i < RACES && (!i || now() < until); i++)
            if (!only || !strcmp(only, races[i].name)) run(i);
    } while (now() < until);
    race = NULL;
    pthread_barrier_wait(&begin);
    for (int i = 1; i < HARTS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < RACES; i++) {
        if (!tried[i]) continue;
        bool wrong = races[i].verdict == FORBIDDEN && seen[i];
        printf("%-20s %12lu tried %12lu seen %s\n", races[i].name, tried[i], seen[i],
               wrong                           ? "FORBIDDEN"
               : races[i].verdict == FORBIDDEN ? "forbidden"
                                               : "allowed");
        bad += wrong;
    }
    return bad != 0;
}
