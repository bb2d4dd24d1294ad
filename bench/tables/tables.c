/* tables.c - what things cost when there are many of them: mappings and threads. Prints "name microseconds" lines, of
 * CPU time of the whole process for each operation, and a last line with a result that is the same everywhere.
 *
 *   tables mappings N     N mappings that cannot be merged; then changes at random places among them
 *   tables threads N      N threads that are alive at the same time
 *   tables sparse N       N blocks at random places of a reserved terabyte, as managed heaps have them
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, BLOCK = 1 << 16, CHANGES = 20000, STACK = 64 << 10 };
static const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
static uint64_t seed = 1, sum;
static double began;

static uint64_t roll(uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void begin(void) {
    began = seconds();
}

static void end(const char *name, unsigned n) {
    printf("%s %.3f\n", name, (seconds() - began) / n * 1e6);
}

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static char *map(char *at, size_t size, int rights, int flags) {
    char *p = mmap(at, size, rights, anonymous | flags, -1, 0);
    if (p == MAP_FAILED) fail("mmap");
    return p;
}

static void mappings(unsigned n) {
    char **at = calloc(n, sizeof *at);
    begin();
    for (unsigned i = 0; i < n; i++) at[i] = map(NULL, PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, 0);
    end("make", n);
    begin();
    for (unsigned i = 0; i < CHANGES; i++) {
        char *p = map(NULL, PAGE, PROT_NONE, 0);
        if (munmap(p, PAGE)) fail("munmap");
    }
    end("map-and-unmap", CHANGES);
    begin();
    for (unsigned i = 0; i < CHANGES; i++) map(at[roll(n / 2) * 2], PAGE, PROT_READ | PROT_WRITE, MAP_FIXED);
    end("replace", CHANGES);
    begin();
    for (unsigned i = 0; i < CHANGES; i++) {
        unsigned which = (unsigned)roll(n / 2) * 2;
        if (mprotect(at[which], PAGE, PROT_NONE) || mprotect(at[which], PAGE, PROT_READ | PROT_WRITE)) fail("mprotect");
    }
    end("protect", CHANGES * 2);
    for (unsigned i = 0; i < n; i += 2) at[i][0] = (char)i;
    for (unsigned i = 0; i < n; i += 2) sum += (unsigned char)at[i][0];
    begin();
    for (unsigned i = 0; i < n; i++)
        if (munmap(at[i], PAGE)) fail("munmap");
    end("unmap", n);
}

static void sparse(unsigned n) {
    const uint64_t size = UINT64_C(1) << 39;
    begin();
    char *heap = map(NULL, size, PROT_NONE, 0);
    for (unsigned i = 0; i < n; i++) {
        char *p = map(heap + roll(size / BLOCK) * BLOCK, BLOCK, PROT_READ | PROT_WRITE, MAP_FIXED);
        *p = 1;
        sum += (unsigned char)p[BLOCK - 1];
    }
    end("commit", n);
    begin();
    for (unsigned i = 0; i < n; i++)
        if (madvise(heap + roll(size / BLOCK) * BLOCK, BLOCK, MADV_DONTNEED)) fail("madvise");
    end("discard", n);
    begin();
    if (munmap(heap, size)) fail("munmap");
    end("release", n);
}

static pthread_barrier_t all;

static void *body(void *arg) {
    pthread_barrier_wait(&all);
    return arg;
}

static void threads(unsigned n) {
    pthread_t *t = calloc(n, sizeof *t);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_barrier_init(&all, NULL, n + 1);
    begin();
    for (unsigned i = 0; i < n; i++)
        if (pthread_create(&t[i], &attributes, body, (void *)(uintptr_t)i)) fail("pthread_create");
    end("make", n);
    begin();
    pthread_barrier_wait(&all);
    for (unsigned i = 0; i < n; i++) {
        void *result;
        if (pthread_join(t[i], &result)) fail("pthread_join");
        sum += (uintptr_t)result;
    }
    end("end", n);
}

int main(int argc, char **argv) {
    const unsigned n = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (n < 2) return 2;
    if (!strcmp(argv[1], "mappings")) mappings(n);
    if (!strcmp(argv[1], "sparse")) sparse(n);
    if (!strcmp(argv[1], "threads")) threads(n);
    printf("= %llu\n", (unsigned long long)sum);
    return 0;
}
