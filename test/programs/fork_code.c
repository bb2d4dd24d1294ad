/* What a forked child does to code that parent and child have: it writes other code in its place, unmaps it, maps other
 * code there; neither sees anything of the other's. Children of children do the same, while the parent goes on. */
#define _GNU_SOURCE
#include "machine_code.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patient.h"

enum { PAGE = 4096, FUNCTIONS = 40, SPACING = 64 };

static void emit_one(unsigned char *p, int n) {
    size_t size = emit_add(p, n);
    __builtin___clear_cache((char *)p, (char *)p + size);
}

static unsigned char *map(void *at) {
    return mmap(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1,
                0);
}

static void emit_all(unsigned char *p, int step) {
    for (int i = 0; i < FUNCTIONS; i++) emit_one(p + i * SPACING, i * step);
}

/* The sum that functions of that step give; several times, so that calls are linked. */
static long call_all(const unsigned char *p) {
    long sum = 0;
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < FUNCTIONS; i++) sum += call(p + i * SPACING, round);
    return sum;
}

/* A child that changes the code in one of three ways, looks, forks another, and looks again. */
static int child(unsigned char *p, int way, int depth) {
    if (way == 0) emit_all(p, 3 + depth);
    if (way == 1 && map(p) == MAP_FAILED) return 1;
    if (way == 1) emit_all(p, 5 + depth);
    if (way == 2) emit_one(p + 7 * SPACING, 1000 + depth);
    long mine = call_all(p);
    printf("way %d depth %d: %ld\n", way, depth, mine);
    fflush(stdout);
    if (depth == 2) return 0;
    pid_t pid = fork();
    if (pid == 0) _exit(child(p, (way + 1) % 3, depth + 1));
    int status = 1;
    waitpid(pid, &status, 0);
    return status != 0 || call_all(p) != mine;
}

int main(void) {
    unsigned char *p = map(NULL);
    int bad = 0;
    if (p == MAP_FAILED) return 1;
    emit_all(p, 2);
    long before = call_all(p);
    for (int way = 0; way < 9; way++) {
        if (way == 6) emit_all(p, 11); /* the parent's turn */
        before = call_all(p);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) _exit(child(p, way % 3, 0));
        bad += call_all(p) != before; /* while the child runs */
        int status = 1;
        waitpid(pid, &status, 0);
        bad += status != 0 || call_all(p) != before;
    }
    printf("parent %ld, %d wrong\n", before, bad);
    return bad;
}
