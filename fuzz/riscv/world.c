/* world.c - the engines of the fuzzer, and how a case is run on two of them and compared. The reference is the
 * interpreter, which always counts; a batch compares it with one of the others, on cases that do not end with one that
 * counts.
 */
#include "fuzz.h"
#include "guest/riscv/csr.h"
#include "mem/mem.h"
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pairs: one that counts, and one that does not. */
static const struct variant {
    enum tier tier;
    bool counted, views, random_flush, one_block;
    size_t cache_size;
} variants[VARIANTS] = {
    [INTERP] = {.tier = TIER_INTERP, .counted = true},
    {.tier = TIER_BASELINE, .counted = true, .cache_size = 8 << 20},
    {.tier = TIER_BASELINE, .counted = false, .cache_size = 8 << 20},
    {.tier = TIER_AUTO, .counted = true, .cache_size = 8 << 20, .views = true},
    {.tier = TIER_AUTO, .counted = false, .cache_size = 8 << 20, .views = true},
    {.tier = TIER_BASELINE, .counted = true, .cache_size = 256 << 10, .random_flush = true},
    {.tier = TIER_BASELINE, .counted = false, .cache_size = 256 << 10, .views = true},
    {.tier = TIER_BASELINE, .counted = true, .cache_size = 8 << 20, .one_block = true},
};
static const uint8_t pairs[][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 2}}; /* by batch.variant: counted, not counted */

const uint8_t start_fields[STARTS] = {RISCV_FIELD_status_ie,   RISCV_FIELD_status_stack, RISCV_FIELD_status_memory,
                                      RISCV_FIELD_status_trap, RISCV_FIELD_medeleg,      RISCV_FIELD_mideleg,
                                      RISCV_FIELD_mie,         RISCV_FIELD_mip,          RISCV_FIELD_mepc,
                                      RISCV_FIELD_sepc,        RISCV_FIELD_mcause,       RISCV_FIELD_scause,
                                      RISCV_FIELD_mscratch,    RISCV_FIELD_sscratch,     RISCV_FIELD_menvcfg,
                                      RISCV_FIELD_senvcfg,     RISCV_FIELD_mcycle,       RISCV_FIELD_mcountinhibit};

static void log_line(void *to, const char *line) {
    printf("%s: %s\n", (const char *)to, line);
}

struct world *world_make(unsigned log) {
    struct world *w = calloc(1, sizeof *w);
    if (!w) exit(2);
    memory_make(w);
    w->views = calloc(VARIANTS, sizeof *w->views);
    for (unsigned k = 0; k < VARIANTS; k++) {
        const struct variant *v = &variants[k];
        struct error error = {0};
        w->tlb[k] = tlb_make();
        if (w->views && !tlb_views_make(&w->views[k])) exit(2);
        struct engine_config config = {.guest = &guest_riscv,
                                       .interface = &fuzz_interface,
                                       .self = w,
                                       .tier = v->tier,
                                       .counted = v->counted,
                                       .check = k <= INTERP + 1,
                                       .random_flush = v->random_flush,
                                       .one_block = v->one_block,
                                       .cache_size = v->cache_size,
                                       .log = log,
                                       .log_line = log_line,
                                       .log_to = k == INTERP ? "interpreter" : "translated"};
        w->engine[k] = engine_make(&config, &error);
        w->cpu[k] = w->engine[k] ? engine_cpu_make(w->engine[k], &error) : NULL;
        if (!w->cpu[k] || !w->tlb[k] || !w->views) {
            fprintf(stderr, "fuzz: %s\n", error.text);
            exit(2);
        }
    }
    return w;
}

void world_engines_free(struct world *w) {
    for (unsigned k = 0; k < VARIANTS; k++) engine_free(w->engine[k]);
}

void world_batch(struct world *w, const struct batch *batch) {
    w->batch = *batch;
    memory_batch(w);
    bool soft = batch->memory >= MEMORY_SOFT;
    for (unsigned k = 0; k < VARIANTS; k++) {
        struct cpu *cpu = w->cpu[k];
        cpu->soft.views = soft && variants[k].views ? &w->views[k] : NULL;
        cpu->mem[0] = (struct mem_view){.kind = soft                             ? MEM_SOFT
                                                : batch->memory == MEMORY_DIRECT ? MEM_DIRECT
                                                                                 : MEM_WINDOW,
                                        .base = w->window[batch->memory],
                                        .limit = batch->memory == MEMORY_DIRECT ? UINT64_MAX : 1u << 28};
        struct tlb *t = w->tlb[k];
        if (cpu->soft.views) t = tlb_views_select(cpu->soft.views, cpu->soft.view, cpu->soft.space, 0);
        if (soft) mem_use(&cpu->mem[0], t, t->line, tlb_mask(t));
        cpu->soft.phys = &w->phys;
        engine_flush(w->engine[k]);
        if (soft) cpu_flush_mapping(cpu);
    }
}

static uint64_t label(const struct fuzz_case *c, int at, uint64_t first, const uint32_t *offset_of) {
    return first + offset_of[at >= 0 && at <= (int)c->n ? at : 0];
}

static void set_privileged(struct world *w, struct riscv_cpu *r, const struct fuzz_case *c, const struct start *s,
                           const uint32_t *offset_of) {
    uint64_t physical = w->batch.memory < MEMORY_SOFT ? w->batch.code_base : PHYSICAL_CODE;
    r->raw_priv = w->batch.priv;
    r->raw_mcounteren = r->raw_scounteren = s->counteren;
    r->raw_pmpcfg[1] = 0x1f; /* everything, whatever the small region before it says about a part */
    r->raw_pmpaddr[1] = 0x3fffffffffffff;
    if (w->batch.memory == MEMORY_PAGED) r->raw_satp = 8ull << 60 | PHYSICAL_TABLES >> 12;
    if (w->batch.priv == PRIV_U) return;
    for (unsigned i = 0; i < STARTS; i++) {
        const struct field *f = &riscv_fields[start_fields[i]];
        field_set(r, f, 0, s->csr[i] & f->write_mask);
    }
    r->raw_mtvec = label(c, s->mtvec, physical + c->at, offset_of) & ~3ull;
    r->raw_stvec = label(c, s->stvec, w->batch.code_base + c->at, offset_of) & ~3ull;
    r->raw_pmpaddr[0] = s->small_pmp;
    if (s->small_pmp) r->raw_pmpcfg[0] = s->small_rights;
}

static void set_cpu(struct world *w, struct cpu *cpu, const struct fuzz_case *c, const struct start *s,
                    const uint32_t *offset_of) {
    struct riscv_cpu *r = riscv_of(cpu);
    object_reset(cpu_type(), cpu);
    uint64_t first = w->batch.code_base + c->at;
    for (unsigned i = 0; i < 32; i++) {
        r->raw_x[i] = s->label[i] >= 0 ? label(c, s->label[i], first, offset_of) + (s->x[i] & 1) : s->x[i];
        r->raw_f[i] = s->f[i];
    }
    r->raw_frm = s->frm;
    r->raw_fs = s->fs;
    r->raw_cbo = s->cbo;
    set_privileged(w, r, c, s, offset_of);
    riscv_update_view(r);
    cpu->fp_flags = s->fflags;
    cpu->pc = first;
    cpu->poll = 0;
    cpu->count.executed = 0;
    cpu->count.granted = cpu->count.budget = cpu->count.ahead = 0;
    w->traps = 0;
    if (w->batch.memory >= MEMORY_SOFT) cpu_flush_mapping(cpu);
}

/* All numbers of a cpu's state, in the order of its rows, and what they are. */
struct taking {
    struct visitor visitor;
    struct number *to;
    unsigned n;
};
static void take_number(struct visitor *v, const struct field *f, unsigned index, void *at, uint64_t value) {
    struct taking *t = (struct taking *)v;
    (void)at;
    assert(t->n < STATE_MAX);
    t->to[t->n++] = (struct number){value, f, index};
}
static unsigned take_state(struct cpu *cpu, struct number *to) {
    struct taking t = {.visitor.number = take_number, .to = to};
    object_walk(&t.visitor, cpu_type(), cpu);
    return t.n;
}

static bool says_value(uint32_t kind) {
    return exit_info[kind].when == EXIT_BEFORE;
}

static void act(struct engine *e, struct cpu *cpu, struct world *w, const struct fuzz_case *c, enum action action,
                unsigned n) {
    switch (action) {
    case ACTION_FLUSH: engine_flush(e); break;
    case ACTION_INVALIDATE: engine_invalidate(e, w->batch.code_base + c->at + 2 * (n * 7 % 30), 2 + n * 5 % 40); break;
    case ACTION_RECHECK: engine_recheck_code(e, cpu, 0, UINT64_MAX); break;
    case ACTION_POKE: cpu_poke(cpu); break;
    default: break;
    }
}

/* Where to go on after a stop; false: it is over. Whatever could not be done is stepped over, like by a trap handler.
 */
static bool go_on(struct world *w, struct cpu *cpu, const struct fuzz_case *c, unsigned size) {
    uint64_t offset = code_offset(w, cpu->pc);
    if (cpu->exit.kind == EXIT_budget || cpu->exit.kind == EXIT_poll) return true;
    if (offset - c->at >= size || offset >= CODE_SIZE || w->traps) return false;
    if (exit_info[cpu->exit.kind].when == EXIT_BEFORE) cpu->pc += (w->code[offset] & 3) == 3 ? 4 : 2;
    return true;
}

/* What a run has left in memory is undone, and the engine is told where there may be code. */
static void put_back(struct world *w, struct engine *e) {
    memory_reset(w);
    if (w->batch.memory >= MEMORY_SOFT) engine_written(e, PHYSICAL_DATA, PHYSICAL_SIZE);
}

static void run(struct world *w, unsigned which, const struct fuzz_case *c, const uint32_t *offset_of,
                struct record *rec) {
    struct engine *e = w->engine[which];
    struct cpu *cpu = w->cpu[which];
    rec->n = 0;
    rec->endless = false;
    for (unsigned round = 0; round < c->rounds; round++) {
        set_cpu(w, cpu, c, &c->start[round], offset_of);
        for (unsigned i = 0; i < c->stops; i++) {
            act(e, cpu, w, c, c->action[i], i + round);
            if (variants[which].counted) cpu_grant(cpu, c->budget[i]);
            engine_run(e, cpu);
            struct stop *s = &rec->stop[rec->n++];
            s->kind = cpu->exit.kind;
            s->value = says_value(s->kind) ? cpu->exit.value : 0;
            s->pc = cpu->pc;
            s->count = cpu_count(cpu);
            s->budget = cpu->count.budget;
            s->memory = memory_digest(w);
            s->numbers = take_state(cpu, s->state);
            if (s->kind == EXIT_budget && !c->counted) rec->endless = true;
            if (!go_on(w, cpu, c, offset_of[c->n])) break;
        }
        w->executed += which == INTERP ? cpu_count(cpu) : 0;
        put_back(w, e);
    }
}

/* Says what is different. */
static bool same(const struct record *a, const struct record *b, bool counted, char *why, size_t size) {
    for (unsigned i = 0; i < a->n && i < b->n; i++) {
        const struct stop *p = &a->stop[i], *q = &b->stop[i];
        int n = 0;
        if (p->kind != q->kind) SAY("exit %s, %s; ", exit_info[p->kind].name, exit_info[q->kind].name);
        if (p->value != q->value) SAY("value %#" PRIx64 ", %#" PRIx64 "; ", p->value, q->value);
        if (counted && p->budget != q->budget) SAY("budget %" PRId64 ", %" PRId64 "; ", p->budget, q->budget);
        if (p->memory != q->memory) SAY("memory; ");
        for (unsigned k = 0; k < p->numbers; k++) {
            const struct number *x = &p->state[k], *y = &q->state[k];
            const bool is_count = x->field->kind == FIELD_VALUES && x->field->class == CLASS_TIME;
            if (x->value == y->value || (is_count && !counted)) continue;
            SAY("%s[%u] %#" PRIx64 ", %#" PRIx64 "; ", x->field->name, x->index, x->value, y->value);
        }
        if (n) {
            SAY("(interpreter, translated; stop %u of %u)", i, a->n);
            return false;
        }
    }
    if (a->n != b->n) {
        snprintf(why, size, "%u stops, %u", a->n, b->n);
        return false;
    }
    return true;
}

/* Puts code into the area; the engines are told when they may have seen what was there. */
static void place(struct world *w, const struct fuzz_case *c, bool tell, uint32_t *offset_of) {
    uint8_t bytes[4 * MAX_INSNS + 4];
    unsigned n = case_layout(c, bytes, offset_of);
    if (c->at + n > CODE_SIZE) n = CODE_SIZE - c->at;
    if (!memcmp(w->code + c->at, bytes, n)) return;
    memcpy(w->code + c->at, bytes, n);
    memcpy(w->fresh_code + c->at, bytes, n);
    for (unsigned k = 0; tell && k < VARIANTS; k++)
        if (w->batch.memory >= MEMORY_SOFT)
            engine_written(w->engine[k], PHYSICAL_CODE + c->at, n);
        else
            engine_invalidate(w->engine[k], w->batch.code_base + c->at, n);
}

bool world_case(struct world *w, const struct fuzz_case *c, char *why, size_t size) {
    uint32_t offset_of[MAX_INSNS + 1];
    place(w, c, true, offset_of);
    memory_reset(w);
    w->now = c;
    run(w, INTERP, c, offset_of, &w->record[0]);
    bool counted = c->counted || w->record[0].endless;
    const unsigned other = pairs[w->batch.variant][counted ? 0 : 1];
    const uint64_t refused = engine_stats(w->engine[other]).refused;
    run(w, other, c, offset_of, &w->record[1]);
    if (engine_stats(w->engine[other]).refused != refused) { /* right, but slow: a bug of the translator */
        snprintf(why, size, "a block is not translated");
        return false;
    }
    return same(&w->record[0], &w->record[1], counted, why, size);
}

bool world_place(struct world *w, const struct fuzz_case *c, unsigned n) {
    uint32_t offset_of[MAX_INSNS + 1];
    memset(w->code, 0, CODE_SIZE);
    for (unsigned i = 0; i < n; i++) place(w, &c[i], false, offset_of);
    for (unsigned at = 0; at + 4 <= CODE_SIZE; at += 2)
        if (!memcmp(w->code + at, "\x73\0\0", 4)) return false;
    engine_flush(w->engine[INTERP]);
    return true;
}

static void signal_of(const struct cpu *cpu, struct run_result *to) {
    to->pc = to->address = cpu->pc;
    switch (cpu->exit.kind) {
    case EXIT_illegal: to->signal = SIGILL; return;
    case EXIT_breakpoint: to->signal = SIGTRAP; return;
    case EXIT_fault_fetch:
    case EXIT_fault_read:
    case EXIT_fault_write: to->signal = SIGSEGV; break;
    case EXIT_misaligned_read:
    case EXIT_misaligned_write: to->signal = SIGBUS; break;
    default: abort();
    }
    to->address = cpu->exit.value;
}

bool world_alone(struct world *w, const struct fuzz_case *c, struct run_case *from, struct run_result *to) {
    uint32_t offset_of[MAX_INSNS + 1];
    uint8_t bytes[4 * MAX_INSNS + 4];
    struct cpu *cpu = w->cpu[INTERP];
    const struct riscv_cpu *r = riscv_of(cpu);
    case_layout(c, bytes, offset_of);
    w->now = c;
    set_cpu(w, cpu, c, &c->start[0], offset_of);
    *from = (struct run_case){.pc = cpu->pc, .fcsr = r->raw_frm << 5 | cpu->fp_flags};
    memcpy(from->x, r->raw_x, sizeof r->raw_x);
    memcpy(from->f, r->raw_f, sizeof r->raw_f);
    memory_reset(w);
    cpu_grant(cpu, c->budget[0]);
    w->asked_counter = false;
    engine_run(w->engine[INTERP], cpu);
    w->executed += cpu_count(cpu);
    if (cpu->exit.kind == EXIT_budget) return false;
    *to = (struct run_result){.fcsr = r->raw_frm << 5 | cpu->fp_flags, .memory = data_digest(w->data, DATA_SIZE)};
    memcpy(to->x, r->raw_x, sizeof r->raw_x);
    memcpy(to->f, r->raw_f, sizeof r->raw_f);
    signal_of(cpu, to);
    return true;
}
