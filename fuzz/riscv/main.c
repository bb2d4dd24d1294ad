/* main.c - the differential fuzzer's program: runs batches in a child, and when one fails, makes the failure small.
 *
 * The child says in shared memory which case it runs, so a crash or a hang is a finding like any other. The parent then
 * runs ever smaller cases, each in a child of its own, and prints the smallest that still fails. Exit status: 0 nothing
 * found, 1 a difference, 2 cannot run.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANG_SECONDS = 20 };

struct shared {
    struct batch batch;
    uint64_t executed, cases, batches;
    uint64_t exits[EXIT_COUNT];
    volatile unsigned index;
    char why[2000];
};

struct options {
    uint64_t seed, insns, replay;
    double seconds;
    int index, memory;
    bool counted, uncounted, replays, verbose, log;
};

static struct shared *shared;
static struct against_options against = {.without = ""};
static struct options options = {.seed = 1, .insns = UINT64_MAX, .seconds = 1e9, .index = -1, .memory = -1};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make(struct fuzz_case *c, unsigned index) {
    case_make(c, &shared->batch, index);
    if (options.counted) c->counted = c->with_counters = true;
    if (options.uncounted) c->counted = c->with_counters = false;
}

static uint64_t batch_seed(uint64_t number) {
    struct random r = {options.seed + number * 0x632be59bd9b4e019u};
    return random_next(&r);
}

static void count_exits(const struct world *w) {
    const struct record *rec = &w->record[0];
    for (unsigned i = 0; i < rec->n; i++) shared->exits[rec->stop[i].kind]++;
}

/* The child of a campaign: exits with 1 at the first difference. */
static _Noreturn void campaign(void) {
    struct world *w = world_make(options.log ? LOG_EFFECTS : 0);
    static struct fuzz_case c;
    double end = now() + options.seconds;
    for (uint64_t number = 0; w->executed < options.insns && now() < end; number++) {
        shared->batch = batch_make(batch_seed(number));
        if (options.memory >= 0 && (int)shared->batch.memory != options.memory) continue;
        world_batch(w, &shared->batch);
        for (unsigned i = 0; i < BATCH; i++) {
            shared->index = i;
            make(&c, i);
            bool good = world_case(w, &c, shared->why, sizeof shared->why);
            shared->cases++;
            shared->executed = w->executed;
            count_exits(w);
            if (!good) _exit(1);
        }
        shared->batches++;
    }
    if (options.log) world_engines_free(w); /* they say what was touched */
    fflush(stdout);
    _exit(0);
}

static void progress(double began) {
    double t = now() - began;
    fprintf(stderr, "%.0f s: %" PRIu64 " cases, %" PRIu64 " instructions, %.2f M/s\n", t, shared->cases,
            shared->executed, (double)shared->executed / 1e6 / t);
}

/* Waits for the campaign's child, watching that it gets on. */
static int watch(pid_t child, double began) {
    uint64_t last = UINT64_MAX;
    double moved = now(), said = moved;
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct timespec nap = {.tv_nsec = 20000000};
        nanosleep(&nap, NULL);
        if (shared->cases != last) {
            last = shared->cases;
            moved = now();
        } else if (now() - moved > HANG_SECONDS) {
            kill(child, SIGKILL);
        }
        if (options.verbose && now() - said > 10) {
            said = now();
            progress(began);
        }
    }
    return status;
}

/* ---- making a failure small */

struct trial {
    struct fuzz_case *cases; /* run in this order in one batch; the last one is to fail */
    unsigned n;
};

static bool print_stops; /* of the case that fails, by the child that runs it */

static _Noreturn void fail(const struct world *w) {
    if (print_stops) {
        printf("interpreter:\n");
        record_print(&w->record[0]);
        printf("translated:\n");
        record_print(&w->record[1]);
        fflush(stdout);
    }
    _exit(1);
}

/* True if it fails, and shared->why says how. */
static bool fails(void *context) {
    const struct trial *t = context;
    pid_t child = fork();
    if (child < 0) {
        perror("fuzz: fork");
        exit(2);
    }
    if (child == 0) {
        alarm(HANG_SECONDS);
        freopen("/dev/null", "w", stderr);
        struct world *w = world_make(print_stops && options.log ? LOG_GUEST | LOG_UOPS | LOG_HOST | LOG_EXITS : 0);
        world_batch(w, &shared->batch);
        for (unsigned i = 0; i < t->n; i++)
            if (!world_case(w, &t->cases[i], shared->why, sizeof shared->why)) fail(w);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        snprintf(shared->why, sizeof shared->why, WTERMSIG(status) == SIGALRM ? "hangs" : "dies: signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

/* The failing case alone if that fails, else with what of its batch it needs. */
static bool find_trial(struct trial *t, uint64_t seed, unsigned index) {
    static struct fuzz_case cases[BATCH];
    shared->batch = batch_make(seed);
    *t = (struct trial){cases, 1};
    make(&cases[0], index);
    if (fails(t)) return true;
    for (unsigned i = 0; i <= index; i++) make(&cases[i], i);
    t->n = index + 1;
    if (!fails(t)) return false;
    for (unsigned size = index; size; size /= 2)
        for (unsigned at = 0; at + size < t->n;) {
            static struct fuzz_case before[BATCH];
            memcpy(before, cases, sizeof before);
            memmove(&cases[at], &cases[at + size], (t->n - at - size) * sizeof *cases);
            t->n -= size;
            if (fails(t)) continue;
            memcpy(cases, before, sizeof before);
            t->n += size;
            at += size;
        }
    return true;
}

static int report(uint64_t seed, unsigned index, const char *first) {
    struct trial t;
    printf("FOUND: batch %#" PRIx64 ", case %u: %s\n", seed, index, first);
    fflush(stdout);
    if (!find_trial(&t, seed, index)) {
        printf("but it does not fail again\n");
        return 1;
    }
    case_shrink(&t.cases[t.n - 1], fails, &t);
    for (unsigned i = 0; i + 1 < t.n; i++) {
        printf("after this case:\n");
        case_print(&t.cases[i]);
    }
    case_print(&t.cases[t.n - 1]);
    fflush(stdout);
    print_stops = true;
    fails(&t);
    printf("DIFFERENCE: %s\n", shared->why);
    printf("again with: --replay %#" PRIx64 " --index %u\n", seed, index);
    return 1;
}

static void summary(double began) {
    printf("%" PRIu64 " batches, %" PRIu64 " cases, %" PRIu64 " instructions in %.1f s (%.2f M/s), no difference\n",
           shared->batches, shared->cases, shared->executed, now() - began,
           (double)shared->executed / 1e6 / (now() - began));
    if (!options.verbose) return;
    for (unsigned i = 0; i < EXIT_COUNT; i++)
        if (shared->exits[i]) printf("  %12" PRIu64 " %s\n", shared->exits[i], exit_info[i].name);
}

static const char usage[] =
    "usage: fuzz_riscv [--seed N] [--insns N] [--seconds S] [--counted | --uncounted] [--memory 0..4] [--verbose]\n"
    "                  [--log] (builds with checks: what helpers and the guest's functions have touched)\n"
    "       fuzz_riscv --against COMMAND [--without zfa,zicond,...] [--seed N] [--insns N] [--seconds S]\n"
    "       fuzz_riscv ... --replay BATCH --index N [--log]\n";

static void parse(int argc, char **argv) {
    static const struct option known[] = {{"seed", 1, NULL, 's'},
                                          {"insns", 1, NULL, 'n'},
                                          {"seconds", 1, NULL, 't'},
                                          {"counted", 0, NULL, 'c'},
                                          {"memory", 1, NULL, 'm'},
                                          {"uncounted", 0, NULL, 'u'},
                                          {"against", 1, NULL, 'a'},
                                          {"without", 1, NULL, 'w'},
                                          {"replay", 1, NULL, 'r'},
                                          {"index", 1, NULL, 'i'},
                                          {"verbose", 0, NULL, 'v'},
                                          {"log", 0, NULL, 'l'},
                                          {0}};
    for (int o; (o = getopt_long(argc, argv, "v", known, NULL)) != -1;) switch (o) {
        case 's': options.seed = strtoull(optarg, NULL, 0); break;
        case 'n': options.insns = (uint64_t)strtod(optarg, NULL); break;
        case 't': options.seconds = strtod(optarg, NULL); break;
        case 'c': options.counted = true; break;
        case 'u': options.uncounted = true; break;
        case 'm': options.memory = atoi(optarg); break;
        case 'r':
            options.replay = strtoull(optarg, NULL, 0);
            options.replays = true;
            break;
        case 'a': against.command = optarg; break;
        case 'w': against.without = optarg; break;
        case 'i': options.index = atoi(optarg); break;
        case 'v': options.verbose = true; break;
        case 'l': options.log = true; break;
        default: fputs(usage, stderr); exit(2);
        }
}

int main(int argc, char **argv) {
    parse(argc, argv);
    if (against.command) {
        against.seed = options.seed;
        against.insns = options.insns;
        against.seconds = options.seconds;
        against.index = options.index;
        against.verbose = options.verbose;
        against.replays = options.replays;
        against.replay = options.replay;
        return against_run(&against);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 2;
    if (options.replays)
        return report(options.replay, options.index < 0 ? BATCH - 1 : (unsigned)options.index, "replay");
    double began = now();
    pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) campaign();
    int status = watch(child, began);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        summary(began);
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return 2;
    progress(began);
    char first[sizeof shared->why];
    memcpy(first, shared->why, sizeof first);
    if (WIFSIGNALED(status))
        snprintf(first, sizeof first, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return report(shared->batch.seed, shared->index, first);
}
