/* against.c - compares the interpreter with another implementation: cases go to the runner, which runs below it.
 *
 * The command starts the runner (runner/runner.c) under QEMU, vee or whatever runs riscv64 programs. Differences that
 * are known and right are not reported but counted, by reason (see docs/fuzz.md); a reason looks at the case and at
 * both results, so that it explains exactly what it is about.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "riscv_isa.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct against {
    const struct against_options *options;
    struct world *w;
    pid_t child;
    int to, from;
    bool usable[512];
    uint64_t batch_seed, cases, explained[16];
    struct run_batch batch;
    struct run_result expected[RUN_CASES], got[RUN_CASES];
    unsigned place[RUN_CASES]; /* by case of the batch: number of the generated case */
    char why[3000];
};

/* ---- rows that the other side may lack */

static const struct extension {
    const char *name, *rows; /* prefixes of the rows' names, each followed by a blank */
} extensions[] = {
    {"zfa", "fli_ fminm_ fmaxm_ fround_ froundnx_ fcvtmod_ fleq_ fltq_ "},
    {"zfh", "flh fsh "},
    {"zicond", "czero_ "},
    {"zicbo", "cbo_ "},
    {"zimop", "mop_ "},
    {"zcmop", "c_mop "},
    {"zawrs", "wrs_ "},
    {"zcb", "c_lbu c_lhu c_lh c_sb c_sh c_zext_ c_sext_ c_not c_mul "},
};

static bool has_prefix(const char *name, const char *prefixes) {
    for (const char *p = prefixes; *p; p = strchr(p, ' ') + 1)
        if (!strncmp(name, p, strcspn(p, " "))) return true;
    return false;
}

/* Is this word in the list of --without, whose words are separated by commas? */
static bool is_listed(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (!strncmp(p, word, n) && (p[n] == ',' || !p[n])) return true;
    return false;
}

static bool row_usable(const struct against *a, unsigned row) {
    const char *name = riscv_isa.rows[row].name, *without = a->options->without;
    if (!strcmp(name, "ecall") || is_listed(without, name)) return false;
    for (unsigned i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (is_listed(without, extensions[i].name) && has_prefix(name, extensions[i].rows)) return false;
    return true;
}

/* ---- the other side */

static void start(struct against *a) {
    int to[2], from[2];
    if (pipe(to) || pipe(from)) exit(2);
    a->child = fork();
    if (a->child < 0) exit(2);
    if (a->child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        execl("/bin/sh", "sh", "-c", a->options->command, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    a->to = to[1];
    a->from = from[0];
}

static void stop(struct against *a) {
    int status;
    close(a->to);
    close(a->from);
    kill(a->child, SIGKILL);
    waitpid(a->child, &status, 0);
}

/* Sends the batch, takes the results. False: the other side has died. */
static bool exchange(struct against *a) {
    const char *out = (const char *)&a->batch;
    char *in = (char *)a->got;
    size_t size = sizeof a->batch, wanted = a->batch.n * sizeof *a->got;
    for (size_t done = 0; done < size;) {
        ssize_t n;
        TRY_AGAIN(n = write(a->to, out + done, size - done));
        if (n <= 0) return false;
        done += (size_t)n;
    }
    for (size_t done = 0; done < wanted;) {
        ssize_t n;
        TRY_AGAIN(n = read(a->from, in + done, wanted - done));
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* ---- comparison */

enum reason {
    REASON_NONE,
    REASON_LACKS,
    REASON_CANONICAL,
    REASON_EBREAK,
    REASON_INHABITED,
    REASON_CSR,
    REASON_VECTOR,
    REASONS
};
static const char *const reason_names[REASONS] = {
    [REASON_NONE] = "",
    [REASON_LACKS] = "an instruction that the other side lacks",
    [REASON_CANONICAL] = "no address of a fault outside 47 bits",
    [REASON_EBREAK] = "a fetch behind an ebreak at the end of a page",
    [REASON_INHABITED] = "an address where the other side has memory of its own",
    [REASON_VECTOR] = "a load or store of whole vector registers by a cpu without vectors",
    [REASON_CSR] = "csrrs or csrrc of a read-only register with a zero operand",
};

/* The instruction at a guest address in the code area; 0 when there is none. */
static uint32_t bits_at(const struct against *a, uint64_t pc) {
    uint64_t at = pc - RUN_CODE_AT;
    uint32_t bits = 0;
    if (at > RUN_CODE - 2) return 0;
    memcpy(&bits, a->batch.code + at, at > RUN_CODE - 4 ? 2 : 4);
    return (bits & 3) == 3 ? bits : bits & 0xffff;
}

static unsigned row_at(const struct against *a, uint64_t pc) {
    uint32_t bits = bits_at(a, pc);
    return bits ? riscv_isa.decode(bits) : 0;
}

/* The runner itself, and where QEMU puts a guest's stack and mappings. */
static bool is_inhabited(uint64_t address) {
    return (address >= 0x70000000 && address < 0x70400000) ||
           (address >= 1ull << 38 && address < (1ull << 38) + (1 << 28));
}

/* Is there an ebreak, short or long, so close to the end of the code area that the next four bytes are not all there?
   QEMU looks at them, for a call of its semihosting, when it translates. */
static bool ends_in_ebreak(const struct against *a) {
    for (unsigned at = RUN_CODE - 8; at < RUN_CODE; at += 2) {
        uint32_t bits = bits_at(a, RUN_CODE_AT + at);
        if (bits == 0x00100073 || bits == 0x9002) return true;
    }
    return false;
}

/* csrrs or csrrc of a read-only register with a source register other than x0, which is 0: a write, says the manual,
   and so illegal; QEMU looks at the value only. */
static bool sets_nothing(uint32_t bits, const struct run_result *p) {
    unsigned op = bits >> 12 & 7, rs1 = bits >> 15 & 31;
    return (bits & 0x7f) == 0x73 && (op == 2 || op == 3) && bits >> 30 == 3 && rs1 && p->x[rs1] == 0;
}

/* QEMU 7.2 knows loads and stores of whole vector registers even without the extension. */
static bool is_whole_vector(uint32_t bits) {
    unsigned opcode = bits & 0x7f, width = bits >> 12 & 7;
    return (opcode == 0x07 || opcode == 0x27) && (width == 0 || width >= 5) && (bits >> 20 & 0xff) == 0x28;
}

/* A reason for the difference, or REASON_NONE. What is the same once it is taken into account is made the same in *q.
 */
static enum reason explain(const struct against *a, const struct run_result *p, struct run_result *q) {
    unsigned row = row_at(a, q->pc);
    if (q->signal == SIGILL && row && !row_usable(a, row)) {
        *q = *p;
        return REASON_LACKS;
    }
    if (p->signal == SIGSEGV && q->signal == SIGSEGV && q->address == 0 && p->address >> 47) {
        q->address = p->address;
        return REASON_CANONICAL;
    }
    if (p->signal == SIGSEGV && is_inhabited(p->address) && (q->signal != p->signal || q->address != p->address)) {
        *q = *p;
        return REASON_INHABITED;
    }
    if (p->signal == SIGILL && is_whole_vector(bits_at(a, p->pc))) {
        *q = *p;
        return REASON_VECTOR;
    }
    if (p->signal == SIGILL && sets_nothing(bits_at(a, p->pc), p)) {
        *q = *p;
        return REASON_CSR;
    }
    if (q->signal == SIGSEGV && q->address == RUN_CODE_AT + RUN_CODE && ends_in_ebreak(a)) {
        *q = *p;
        return REASON_EBREAK;
    }
    return REASON_NONE;
}

/* Says at `why` what is different. */
static bool same(struct against *a, const struct run_result *p, const struct run_result *q) {
    int n = 0;
    char *why = a->why;
    const size_t size = sizeof a->why;
    if (p->signal != q->signal) SAY("signal %" PRIu64 ", %" PRIu64 "; ", p->signal, q->signal);
    if (p->pc != q->pc) SAY("pc %#" PRIx64 ", %#" PRIx64 "; ", p->pc, q->pc);
    if (p->address != q->address) SAY("address %#" PRIx64 ", %#" PRIx64 "; ", p->address, q->address);
    for (unsigned i = 1; i < 32; i++)
        if (p->x[i] != q->x[i]) SAY("x%u %#" PRIx64 ", %#" PRIx64 "; ", i, p->x[i], q->x[i]);
    for (unsigned i = 0; i < 32; i++)
        if (p->f[i] != q->f[i]) SAY("f%u %#" PRIx64 ", %#" PRIx64 "; ", i, p->f[i], q->f[i]);
    if (p->fcsr != q->fcsr) SAY("fcsr %#" PRIx64 ", %#" PRIx64 "; ", p->fcsr, q->fcsr);
    if (p->memory != q->memory) SAY("memory; ");
    if (n) SAY("(interpreter, other)");
    return !n;
}

static bool compare(struct against *a, const struct run_result *p, const struct run_result *got) {
    struct run_result q = *got;
    if (same(a, p, &q)) return true;
    enum reason r = explain(a, p, &q);
    if (!r || !same(a, p, &q)) return false;
    a->explained[r]++;
    return true;
}

/* ---- the campaign */

static void begin_batch(struct against *a) {
    a->batch.magic = RUN_MAGIC;
    a->batch.n = 0;
    a->batch.data_seed = a->batch_seed;
    memcpy(a->batch.code, a->w->code, RUN_CODE);
}

/* A store-conditional that fails may fault or not, as the implementation likes; it would go different ways. */
static bool ends_at_sc(const struct against *a, const struct run_result *r) {
    return (r->signal == SIGSEGV || r->signal == SIGBUS) &&
           has_prefix(riscv_isa.rows[row_at(a, r->pc)].name, "sc_waqrl sc_daqrl ");
}

/* Event counters: which there are, and who may read them, is everybody's own affair; processes of vee's have clocks
 * there. */
static bool names_event_counter(const struct fuzz_case *c) {
    enum { SYSTEM = 0x73, FIRST = 0xc03, LAST = 0xc1f };
    for (unsigned i = 0; i < c->n; i++) {
        const uint32_t bits = c->code[i].bits, number = bits >> 20;
        if ((bits & 0x7f) == SYSTEM && bits >> 12 & 3 && number >= FIRST && number <= LAST) return true;
    }
    return false;
}

static void add_case(struct against *a, const struct fuzz_case *c, unsigned number) {
    struct run_result *r = &a->expected[a->batch.n];
    if (!world_alone(a->w, c, &a->batch.cases[a->batch.n], r) || ends_at_sc(a, r)) return;
    if (a->w->asked_counter || names_event_counter(c)) return; /* the other side's clocks are its own */
    a->place[a->batch.n++] = number;
}

/* One case, both sides. */
static bool fails(void *context) {
    void *const *both = context;
    struct against *a = both[0];
    const struct fuzz_case *c = both[1];
    if (!world_place(a->w, c, 1)) return false;
    begin_batch(a);
    add_case(a, c, 0);
    if (!a->batch.n) return false;
    if (!exchange(a)) {
        snprintf(a->why, sizeof a->why, "the other side dies");
        stop(a);
        start(a);
        return true;
    }
    return !compare(a, &a->expected[0], &a->got[0]);
}

static int report(struct against *a, const char *first, struct fuzz_case *c, unsigned number) {
    void *both[2] = {a, c};
    printf("FOUND: batch %#" PRIx64 ", case %u: %s\n", a->batch_seed, number, first);
    if (!fails(both)) {
        printf("but it does not fail alone\n");
        case_print(c);
        return 1;
    }
    case_shrink(c, fails, both);
    fails(both);
    case_print(c);
    printf("DIFFERENCE: %s\n", a->why);
    printf("again with: --replay %#" PRIx64 " --index %u\n", a->batch_seed, number);
    return 1;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The number of the first case that fails, or -1. */
static int run_batch(struct against *a, struct fuzz_case *cases) {
    struct batch batch = batch_make_alone(a->batch_seed);
    world_batch(a->w, &batch);
    for (unsigned i = 0; i < RUN_CASES; i++) case_make_alone(&cases[i], &batch, i, a->usable);
    if (!world_place(a->w, cases, RUN_CASES)) return -1;
    begin_batch(a);
    for (unsigned i = 0; i < RUN_CASES; i++) add_case(a, &cases[i], i);
    if (!a->batch.n) return -1;
    if (!exchange(a)) {
        snprintf(a->why, sizeof a->why, "the other side dies");
        stop(a);
        start(a);
        return (int)a->place[0];
    }
    for (unsigned i = 0; i < a->batch.n; i++)
        if (!compare(a, &a->expected[i], &a->got[i])) return (int)a->place[i];
    a->cases += a->batch.n;
    return -1;
}

int against_run(const struct against_options *o) {
    static struct fuzz_case cases[RUN_CASES];
    static struct against a;
    a.options = o;
    a.w = world_make(0);
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 1; i < riscv_isa.nrows; i++) a.usable[i] = row_usable(&a, i);
    start(&a);
    double began = now(), said = began;
    struct random r = {o->seed};
    int failed = -1;
    if (o->replays) {
        a.batch_seed = o->replay;
        struct batch batch = batch_make_alone(a.batch_seed);
        world_batch(a.w, &batch);
        failed = o->index < 0 ? 0 : o->index;
        case_make_alone(&cases[failed], &batch, (unsigned)failed, a.usable);
    }
    while (failed < 0 && a.w->executed < o->insns && now() - began < o->seconds) {
        a.batch_seed = random_next(&r);
        failed = run_batch(&a, cases);
        if (o->verbose && now() - said > 10) {
            said = now();
            fprintf(stderr, "%.0f s: %" PRIu64 " cases, %" PRIu64 " instructions\n", said - began, a.cases,
                    a.w->executed);
        }
    }
    int status = 0;
    if (failed >= 0) {
        char first[sizeof a.why];
        memcpy(first, a.why, sizeof first);
        status = report(&a, first, &cases[failed], (unsigned)failed);
    }
    double t = now() - began;
    printf("%" PRIu64 " cases, %" PRIu64 " instructions in %.1f s%s\n", a.cases, a.w->executed, t,
           status ? "" : ", no unexplained difference");
    for (unsigned i = 1; i < REASONS; i++)
        if (a.explained[i]) printf("  %10" PRIu64 " explained: %s\n", a.explained[i], reason_names[i]);
    stop(&a);
    return status;
}
