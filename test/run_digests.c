/* run_digests.c - exact state at every instruction count.
 *
 *   run_digests FILE[,OPTION=VALUE...]...
 *
 * Runs each program on every tier, stopping at instruction counts, and compares the digests of the whole state
 * (registers, CSRs, memory, frames) and the pc. The reference is the interpreter stopped after every single instruction
 * of some windows of the run; against it stand all tiers with larger steps, so that translated code runs up to each
 * count. Every run is a child of its own: a process machine owns its address space. Prints `ok`/`FAIL` lines and `N
 * passed, N failed`.
 */
#include "vee/vee.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WINDOW = 200, WINDOWS = 5 };
static const uint64_t starts[WINDOWS] = {0, 3000, 20000, 90000, 400000};
static const unsigned steps[] = {1, 3, 19, 64};

struct sample {
    uint64_t digest, pc;
    bool seen;
};
struct record {
    struct sample at[WINDOWS][WINDOW];
    uint64_t end; /* count at which the program ended, or 0 */
    char why[450];
};

/* Splits "file,option=value,..." at its commas, in place, and sets the options. */
static bool take_options(struct vee_config *config, char *text, struct vee_error *error) {
    for (char *option = strtok(text, ","); (option = strtok(NULL, ","));) {
        char *value = strchr(option, '=');
        if (!value) return false;
        *value = 0;
        if (!vee_config_set(config, option, value + 1, error)) return false;
    }
    return true;
}

/* One run in this (child) process; fills the record. */
static void record_run(char *path, const char *tier, unsigned step, struct record *r) {
    struct vee_error error = {0};
    struct vee_config *config = vee_config_make();
    const char *const argv[] = {path, NULL};
    if (!config || !vee_config_set(config, "tier", tier, &error) || !vee_config_set(config, "counted", "1", &error) ||
        !vee_config_set(config, "memory", "2M", &error) ||
        !take_options(config, path, &error)) { /* a machine's memory is hashed whole each time */
        snprintf(r->why, sizeof r->why, "configuration: %s", error.text);
        return;
    }
    struct vee_vm *vm = vee_open(config, path, argv, &error);
    if (!vm) {
        snprintf(r->why, sizeof r->why, "%s", error.text);
        return;
    }
    for (unsigned w = 0; w < WINDOWS; w++) {
        for (uint64_t n = 0; n < WINDOW; n += step) {
            uint64_t count = starts[w] + n;
            if (count && !vee_run_until(vm, count, &error)) {
                snprintf(r->why, sizeof r->why, "%s", error.text);
                return;
            }
            if (vee_count(vm) != count) {
                r->end = vee_count(vm);
                return;
            }
            r->at[w][n] = (struct sample){.digest = vee_digest(vm), .pc = vee_pc(vm), .seen = true};
        }
    }
}

static bool run_child(const char *path, const char *tier, unsigned step, struct record *r) {
    memset(r, 0, sizeof *r);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        record_run(strdup(path), tier, step, r);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return false;
    /* A guest that exits may take its host process along; what was recorded until then counts. */
    if (WIFSIGNALED(status)) snprintf(r->why, sizeof r->why, "died of signal %d", WTERMSIG(status));
    return r->why[0] == 0;
}

static unsigned compare(const struct record *want, const struct record *got, char *why, size_t size) {
    unsigned same = 0;
    for (unsigned w = 0; w < WINDOWS; w++)
        for (unsigned n = 0; n < WINDOW; n++) {
            const struct sample *a = &want->at[w][n], *b = &got->at[w][n];
            if (!b->seen) continue;
            if (!a->seen || a->digest != b->digest || a->pc != b->pc) {
                snprintf(why, size,
                         "at %" PRIu64 ": digest %016" PRIx64 " pc %" PRIx64 ", not %016" PRIx64 " pc %" PRIx64,
                         starts[w] + n, b->digest, b->pc, a->digest, a->pc);
                return 0;
            }
            same++;
        }
    if (want->end != got->end) {
        snprintf(why, size, "ended at %" PRIu64 ", not %" PRIu64, got->end, want->end);
        return 0;
    }
    return same;
}

int main(int argc, char **argv) {
    static const char *const tiers[] = {"interp", "baseline", "auto"};
    unsigned passed = 0, failed = 0;
    struct record *r = mmap(NULL, 2 * sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED) return 1;
    for (int i = 1; i < argc; i++) {
        char why[600] = "";
        unsigned samples = 0;
        bool ok = run_child(argv[i], "interp", 1, &r[0]);
        if (!ok) snprintf(why, sizeof why, "interp: %s", r[0].why);
        for (unsigned t = 0; ok && t < sizeof tiers / sizeof *tiers; t++)
            for (unsigned s = 0; ok && s < sizeof steps / sizeof *steps; s++) {
                unsigned same = 0;
                if (!run_child(argv[i], tiers[t], steps[s], &r[1]))
                    snprintf(why, sizeof why, "%s", r[1].why);
                else
                    same = compare(&r[0], &r[1], why, sizeof why);
                ok = same > 0;
                samples += same;
                if (!ok) printf("FAIL %s: %s in steps of %u: %s\n", argv[i], tiers[t], steps[s], why);
            }
        if (ok) printf("ok %s: %u digests\n", argv[i], samples);
        if (!ok && samples == 0 && why[0]) printf("FAIL %s: %s\n", argv[i], why);
        ok ? passed++ : failed++;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
