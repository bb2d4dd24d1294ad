/* threads.c - the same work by one thread or by several, each as much as the one: how long does it take?
 *
 *   threads WORK THREADS REPETITIONS      prints seconds, elapsed, and a checksum
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, WORDS = 1 << 10, LARGE = 1 << 20 };

static uint64_t step(uint64_t x) {
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

static uint64_t compute(uint64_t x, unsigned reps) {
    uint64_t table[WORDS] = {0};
    for (unsigned r = 0; r < reps; r++)
        for (unsigned i = 0; i < WORDS; i++) {
            x = step(x);
            table[x % WORDS] += x ^ i;
        }
    return x ^ table[x % WORDS];
}

static uint64_t memory(uint64_t x, unsigned reps) {
    uint64_t *a = malloc(LARGE * sizeof *a), sum = 0;
    if (!a) exit(1);
    for (unsigned i = 0; i < LARGE; i++) a[i] = x += i;
    for (unsigned r = 0; r < reps; r++)
        for (unsigned i = 0; i < LARGE; i++) sum += a[i]++;
    free(a);
    return sum;
}

static _Atomic uint64_t counter;
static uint64_t atomics(uint64_t x, unsigned reps) {
    for (unsigned r = 0; r < reps; r++) {
        for (unsigned i = 0; i < 200; i++) x = step(x);
        atomic_fetch_add(&counter, x & 1);
    }
    return x;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t guarded;
static uint64_t locks(uint64_t x, unsigned reps) {
    for (unsigned r = 0; r < reps; r++) {
        for (unsigned i = 0; i < 200; i++) x = step(x);
        pthread_mutex_lock(&mutex);
        guarded += x & 1;
        pthread_mutex_unlock(&mutex);
    }
    return x;
}

static uint64_t heap(uint64_t x, unsigned reps) {
    char *kept[WORDS] = {0};
    for (unsigned r = 0; r < reps; r++) {
        x = step(x);
        char **at = &kept[x % WORDS];
        free(*at);
        size_t size = 16 + x / WORDS % 500;
        *at = malloc(size);
        if (!*at) exit(1);
        memset(*at, (int)x, size);
    }
    for (unsigned i = 0; i < WORDS; i++) free(kept[i]);
    return x;
}

/* A system call after some work of its own. */
static uint64_t calls(uint64_t x, unsigned reps) {
    for (unsigned r = 0; r < reps; r++) {
        for (unsigned i = 0; i < 2000; i++) x = step(x);
        x += (uint64_t)(getppid() != 0);
    }
    return x;
}

static const struct work {
    const char *name;
    uint64_t (*run)(uint64_t x, unsigned reps);
} works[] = {{"compute", compute}, {"memory", memory}, {"atomics", atomics},
             {"locks", locks},     {"heap", heap},     {"calls", calls}};

struct task {
    pthread_t thread;
    const struct work *work;
    unsigned reps;
    uint64_t seed, result;
};

static void *run(void *arg) {
    struct task *t = arg;
    t->result = t->work->run(t->seed, t->reps);
    return NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static struct task tasks[MOST];
    const struct work *work = NULL;
    for (unsigned i = 0; argc == 4 && i < sizeof works / sizeof *works; i++)
        if (!strcmp(argv[1], works[i].name)) work = &works[i];
    int n = argc == 4 ? atoi(argv[2]) : 0;
    if (!work || n < 1 || n > MOST) return 2;
    double began = now();
    for (int i = 0; i < n; i++) {
        tasks[i] =
            (struct task){.work = work, .reps = (unsigned)atoi(argv[3]), .seed = 88172645463325252u + (unsigned)i};
        if (pthread_create(&tasks[i].thread, NULL, run, &tasks[i])) return 1;
    }
    uint64_t sum = 0;
    for (int i = 0; i < n; i++) {
        pthread_join(tasks[i].thread, NULL);
        sum ^= tasks[i].result;
    }
    printf("%.6f %llx\n", now() - began, (unsigned long long)sum);
    return 0;
}
