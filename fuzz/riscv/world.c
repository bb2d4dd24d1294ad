/* world.c - the engines of the fuzzer, the memory they share, and how a case is run on them and compared.
 *
 * Memory is two pages that can be written and one that can only be read, with nothing around them; in the soft kinds a
 * device follows, whose reads depend on how often and when it was asked. The reference is the interpreter, which always
 * counts. Everything is put back before each run, so the engines can share it.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include "mem/mem.h"
#include "mem/phys.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <signal.h>
#include <unistd.h>
#include <xxhash.h>

enum { PHYSICAL = 0x80001000, PMP_ALL = 0x1f };

struct world {
    struct engine *engine[ENGINES];
    struct cpu *cpu[ENGINES];
    struct tlb *tlb;
    struct phys phys;
    struct record record[2];
    uint8_t *home[MEMORY_COUNT]; /* the data pages of each kind */
    uint8_t *window[MEMORY_COUNT];
    uint8_t *tables; /* MEMORY_PAGED */
    uint8_t fresh[DATA_SIZE + PAGE], fresh_tables[TABLES_SIZE];
    uint8_t *code;
    const struct fuzz_case *now;
    enum memory memory;
    uint64_t code_base, device, executed;
};

static enum answer answer(void *self, struct cpu *cpu) {
    (void)self, (void)cpu;
    return ANSWER_STOP;
}

static void fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct world *w = self;
    (void)cpu;
    uint64_t offset = address - w->code_base;
    *f = (struct fetch){.fault = EXIT_fault_fetch};
    if (offset >= CODE_SIZE) return;
    *f = (struct fetch){.bytes = w->code + offset, .avail = PAGE - offset % PAGE, .page = address / PAGE};
}

static bool device_read(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value) {
    struct world *w = self;
    if (physical % size || physical % 128 >= 120) return false;
    w->device = (w->device + physical * 8 + size + (w->now->with_counters ? cpu_count(cpu) : 0)) * 0x9e3779b97f4a7c15u;
    *value = (w->device >> 7) & (size == 8 ? UINT64_MAX : (1ull << size * 8) - 1);
    return true;
}

static bool device_write(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct world *w = self;
    if (physical % size || physical % 128 >= 120) return false;
    value &= size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;
    w->device = (w->device ^ (physical * 8 + size) ^ value << 13 ^ value) * 0xd1342543de82ef95u;
    w->device += w->now->with_counters ? cpu_count(cpu) : 0;
    return true;
}

static uint8_t *ram(void *self, uint64_t physical, uint64_t size) {
    return phys_ram(&((struct world *)self)->phys, physical, size);
}

static uint64_t counter(void *self, struct cpu *cpu, enum counter which) {
    struct world *w = self;
    return (w->now->with_counters ? cpu_count(cpu) : 77) * (which + 1);
}

static const struct interface interface = {.name = "fuzz",
                                           .answer = answer,
                                           .fetch = fetch,
                                           .device_read = device_read,
                                           .device_write = device_write,
                                           .ram = ram,
                                           .counter = counter};

static void *map(void *at, size_t size, int rights, int flags) {
    void *p = mmap(at, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (p == MAP_FAILED || (at && p != at)) {
        perror("fuzz: mmap");
        exit(2);
    }
    return p;
}

/* Two pages to write, one to read only, by the host's page tables. */
static void protect(uint8_t *data, size_t size) {
    data_fill(data, size < DATA_SIZE + PAGE ? size : DATA_SIZE + PAGE, 1);
    if (size > DATA_SIZE) mprotect(data + DATA_SIZE, PAGE, PROT_READ);
}

static uint64_t pte(uint64_t physical, uint64_t bits) {
    return physical >> 12 << 10 | bits;
}

/* Sv39: the data pages, exchanged, the page to read, and the device. Accessed and dirty are set on the way. */
static void make_tables(struct world *w) {
    enum { V = 1, R = 2, W = 4, U = 16, A = 64, D = 128 };
    uint64_t(*table)[512] = (void *)w->fresh_tables, at = PHYSICAL + DATA_SIZE + PAGE;
    uint64_t first = data_address(MEMORY_PAGED);
    memset(w->fresh_tables, 0, TABLES_SIZE);
    table[0][first >> 30 & 511] = pte(at + PAGE, V);
    table[1][first >> 21 & 511] = pte(at + 2 * PAGE, V);
    table[2][first >> 12 & 511] = pte(PHYSICAL + PAGE, V | R | W | U);
    table[2][(first >> 12 & 511) + 1] = pte(PHYSICAL, V | R | W | U | A | D);
    table[2][(first >> 12 & 511) + 2] = pte(PHYSICAL + DATA_SIZE, V | R | U | A);
    table[2][(first >> 12 & 511) - 1] = pte(PHYSICAL + (1 << 20), V | R | W | U | A);
}

static void make_memory(struct world *w) {
    w->home[MEMORY_DIRECT] = map((void *)(uintptr_t)data_address(MEMORY_DIRECT), DATA_SIZE + PAGE,
                                 PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
    protect(w->home[MEMORY_DIRECT], DATA_SIZE + PAGE);
    for (enum memory k = MEMORY_WINDOW; k <= MEMORY_WINDOW_END; k++) {
        w->window[k] = map(NULL, (1u << 28) + PAGE, PROT_NONE, 0);
        w->home[k] = w->window[k] + data_address(k);
        size_t size = k == MEMORY_WINDOW ? DATA_SIZE + PAGE : DATA_SIZE;
        mprotect(w->home[k], size, PROT_READ | PROT_WRITE);
        protect(w->home[k], size);
    }
    w->home[MEMORY_SOFT] = w->home[MEMORY_PAGED] = map(NULL, DATA_SIZE + PAGE + TABLES_SIZE, PROT_READ | PROT_WRITE, 0);
    data_fill(w->home[MEMORY_SOFT], DATA_SIZE + PAGE, 1);
    w->tables = w->home[MEMORY_SOFT] + DATA_SIZE + PAGE;
    make_tables(w);
    /* A runner's case can read its code: a second view of it at its address there. */
    int fd = memfd_create("code", 0);
    w->code = map(NULL, CODE_SIZE + PAGE, PROT_NONE, 0);
    void *view = (void *)RUN_CODE_AT;
    if (fd < 0 || ftruncate(fd, CODE_SIZE) ||
        mmap(w->code, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != w->code ||
        mmap(view, CODE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != view) {
        perror("fuzz: code area");
        exit(2);
    }
    close(fd);
}

struct world *world_make(void) {
    struct world *w = calloc(1, sizeof *w);
    if (!w) exit(2);
    make_memory(w);
    for (enum which k = 0; k < ENGINES; k++) {
        struct error error = {0};
        struct engine_config config = {.guest = &guest_riscv,
                                       .interface = &interface,
                                       .self = w,
                                       .tier = k == INTERP ? TIER_INTERP : TIER_BASELINE,
                                       .counted = k != UNCOUNTED,
                                       .check = k == INTERP,
                                       .cache_size = 8 << 20};
        w->engine[k] = engine_make(&config, &error);
        w->cpu[k] = w->engine[k] ? engine_cpu_make(w->engine[k], &error) : NULL;
        if (!w->cpu[k]) {
            fprintf(stderr, "fuzz: %s\n", error.text);
            exit(2);
        }
    }
    w->tlb = calloc(ENGINES, sizeof *w->tlb);
    return w;
}

void world_batch(struct world *w, uint64_t batch_seed, enum memory memory, uint64_t code_base) {
    w->memory = memory;
    w->code_base = code_base;
    memset(w->code, 0, CODE_SIZE);
    data_fill(w->fresh, DATA_SIZE, batch_seed);
    w->phys.count = 0;
    bool paged = memory == MEMORY_PAGED, soft = memory >= MEMORY_SOFT;
    phys_add(&w->phys, (struct phys_region){.start = PHYSICAL,
                                            .size = DATA_SIZE + (paged ? PAGE + TABLES_SIZE : 0),
                                            .host = w->home[MEMORY_SOFT],
                                            .kind = PHYS_RAM});
    for (enum which k = 0; k < ENGINES; k++) {
        struct mem_view *m = &w->cpu[k]->mem[0];
        *m = (struct mem_view){.kind = soft                      ? MEM_SOFT
                                       : memory == MEMORY_DIRECT ? MEM_DIRECT
                                                                 : MEM_WINDOW,
                               .base = w->window[memory],
                               .limit = memory == MEMORY_DIRECT ? UINT64_MAX : 1u << 28,
                               .tlb = soft ? &w->tlb[k] : NULL};
        w->cpu[k]->phys = &w->phys;
        engine_flush(w->engine[k]);
        if (soft) tlb_flush(m->tlb);
    }
}

static void set_cpu(struct world *w, struct cpu *cpu, const struct fuzz_case *c, const struct start *s,
                    const uint32_t *offset_of) {
    struct riscv_cpu *r = riscv_of(cpu);
    fields_reset(cpu, cpu->guest->fields, cpu->guest->nfields);
    uint64_t first = w->code_base + c->at;
    for (unsigned i = 0; i < 32; i++) {
        r->x[i] = s->label[i] >= 0 ? first + offset_of[s->label[i] <= (int)c->n ? s->label[i] : 0] : s->x[i];
        r->f[i] = s->f[i];
    }
    r->frm = s->frm;
    r->fs = s->fs;
    r->cbo = s->cbo;
    r->priv = PRIV_U;
    r->mcounteren = r->scounteren = s->counteren;
    r->pmpcfg[0] = PMP_ALL;
    r->pmpaddr[0] = 0x3fffffffffffff;
    if (w->memory == MEMORY_PAGED) r->satp = 8ull << 60 | (PHYSICAL + DATA_SIZE + PAGE) >> 12;
    cpu->fp_flags = s->fflags;
    cpu->pc = first;
    cpu->reserve_address = UINT64_MAX;
    cpu->reserve_value = 0;
    cpu->poll = 0;
    cpu->executed = 0;
    cpu->granted = cpu->budget = cpu->ahead = 0;
    if (w->memory == MEMORY_PAGED) cpu_flush_mapping(cpu);
}

static uint64_t memory_digest(struct world *w) {
    uint64_t h = XXH64(w->home[w->memory], DATA_SIZE, w->device);
    return w->memory == MEMORY_PAGED ? XXH64(w->tables, TABLES_SIZE, h) : h;
}

static void take_state(const struct cpu *cpu, uint8_t *to) {
    uint8_t *p = to;
    for (unsigned i = 0; i < cpu->guest->nfields; i++) {
        const struct field *f = &cpu->guest->fields[i];
        memcpy(p, (const uint8_t *)cpu + f->offset, (size_t)f->size * f->count);
        p += (size_t)f->size * f->count;
    }
    memcpy(p, &cpu->fp_flags, 4);
    memcpy(p + 4, &cpu->reserve_address, 8);
    memcpy(p + 12, &cpu->reserve_value, 8);
    assert(p + 20 <= to + STATE_MAX);
}

static bool says_value(uint32_t kind) {
    return exit_info[kind].when == EXIT_BEFORE;
}

static void act(struct engine *e, struct cpu *cpu, struct world *w, const struct fuzz_case *c, enum action action,
                unsigned n) {
    switch (action) {
    case ACTION_FLUSH: engine_flush(e); break;
    case ACTION_INVALIDATE: engine_invalidate(e, w->code_base + c->at + 2 * (n * 7 % 30), 2 + n * 5 % 40); break;
    case ACTION_RECHECK: engine_recheck_code(e, cpu); break;
    case ACTION_POKE: cpu_poke(cpu); break;
    default: break;
    }
}

/* Where to go on after a stop; false: it is over. Whatever could not be done is stepped over, like by a trap handler.
 */
static bool go_on(struct world *w, struct cpu *cpu, uint64_t start, uint64_t end) {
    if (cpu->exit.kind == EXIT_budget || cpu->exit.kind == EXIT_poll) return true;
    if (cpu->pc - start >= end - start || cpu->pc - w->code_base >= CODE_SIZE) return false;
    if (exit_info[cpu->exit.kind].when == EXIT_BEFORE) cpu->pc += (w->code[cpu->pc - w->code_base] & 3) == 3 ? 4 : 2;
    return true;
}

static void run(struct world *w, enum which which, const struct fuzz_case *c, const uint32_t *offset_of,
                struct record *rec) {
    struct engine *e = w->engine[which];
    struct cpu *cpu = w->cpu[which];
    uint64_t start = w->code_base + c->at, end = start + offset_of[c->n];
    rec->n = 0;
    rec->endless = false;
    for (unsigned round = 0; round < c->rounds; round++) {
        set_cpu(w, cpu, c, &c->start[round], offset_of);
        memcpy(w->home[w->memory], w->fresh, DATA_SIZE);
        if (w->memory == MEMORY_PAGED) memcpy(w->tables, w->fresh_tables, TABLES_SIZE);
        w->device = 0;
        for (unsigned i = 0; i < c->stops; i++) {
            act(e, cpu, w, c, c->action[i], i + round);
            if (which != UNCOUNTED) cpu_grant(cpu, c->budget[i]);
            engine_run(e, cpu);
            struct stop *s = &rec->stop[rec->n++];
            s->kind = cpu->exit.kind;
            s->value = says_value(s->kind) ? cpu->exit.value : 0;
            s->pc = cpu->pc;
            s->count = cpu_count(cpu);
            s->budget = cpu->budget;
            s->memory = memory_digest(w);
            take_state(cpu, s->state);
            if (s->kind == EXIT_budget && !c->counted) rec->endless = true;
            if (!go_on(w, cpu, start, end)) break;
        }
        w->executed += which == INTERP ? cpu_count(cpu) : 0;
    }
}

/* Says what is different. */
static bool same(const struct record *a, const struct record *b, bool counted, char *why, size_t size) {
    for (unsigned i = 0; i < a->n && i < b->n; i++) {
        const struct stop *p = &a->stop[i], *q = &b->stop[i];
        int n = 0;
        if (p->kind != q->kind) SAY("exit %s, %s; ", exit_info[p->kind].name, exit_info[q->kind].name);
        if (p->value != q->value) SAY("value %#" PRIx64 ", %#" PRIx64 "; ", p->value, q->value);
        if (p->pc != q->pc) SAY("pc %#" PRIx64 ", %#" PRIx64 "; ", p->pc, q->pc);
        if (counted && p->count != q->count) SAY("count %" PRIu64 ", %" PRIu64 "; ", p->count, q->count);
        if (counted && p->budget != q->budget) SAY("budget %" PRId64 ", %" PRId64 "; ", p->budget, q->budget);
        if (p->memory != q->memory) SAY("memory; ");
        const uint8_t *x = p->state, *y = q->state;
        for (unsigned f = 0; f < guest_riscv.nfields; f++)
            for (unsigned k = 0; k < guest_riscv.fields[f].count; k++) {
                const struct field *d = &guest_riscv.fields[f];
                uint64_t u = 0, v = 0;
                memcpy(&u, x, d->size);
                memcpy(&v, y, d->size);
                if (u != v) SAY("%s[%u] %#" PRIx64 ", %#" PRIx64 "; ", d->name, k, u, v);
                x += d->size;
                y += d->size;
            }
        if (memcmp(x, y, 4)) SAY("fflags %#x, %#x; ", *x, *y);
        if (memcmp(x + 4, y + 4, 16)) SAY("reservation; ");
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

bool world_case(struct world *w, const struct fuzz_case *c, char *why, size_t size) {
    uint32_t offset_of[MAX_INSNS + 1];
    uint8_t bytes[4 * MAX_INSNS + 4];
    unsigned n = case_layout(c, bytes, offset_of);
    if (c->at + n > CODE_SIZE) n = CODE_SIZE - c->at;
    if (memcmp(w->code + c->at, bytes, n)) {
        memcpy(w->code + c->at, bytes, n);
        for (enum which k = 0; k < ENGINES; k++) engine_invalidate(w->engine[k], w->code_base + c->at, n);
    }
    w->now = c;
    run(w, INTERP, c, offset_of, &w->record[0]);
    enum which other = c->counted || w->record[0].endless ? COUNTED : UNCOUNTED;
    run(w, other, c, offset_of, &w->record[1]);
    return same(&w->record[0], &w->record[1], other == COUNTED, why, size);
}

bool world_place(struct world *w, const struct fuzz_case *c, unsigned n) {
    uint32_t offset_of[MAX_INSNS + 1];
    uint8_t bytes[4 * MAX_INSNS + 4];
    memset(w->code, 0, CODE_SIZE);
    for (unsigned i = 0; i < n; i++) {
        unsigned size = case_layout(&c[i], bytes, offset_of);
        memcpy(w->code + c[i].at, bytes, c[i].at + size > CODE_SIZE ? CODE_SIZE - c[i].at : size);
    }
    for (unsigned at = 0; at + 4 <= CODE_SIZE; at += 2)
        if (!memcmp(w->code + at, "\x73\0\0", 4)) return false;
    engine_flush(w->engine[INTERP]);
    return true;
}

const uint8_t *world_code(const struct world *w) {
    return w->code;
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
    *from = (struct run_case){.pc = cpu->pc, .fcsr = r->frm << 5 | cpu->fp_flags};
    memcpy(from->x, r->x, sizeof r->x);
    memcpy(from->f, r->f, sizeof r->f);
    memcpy(w->home[w->memory], w->fresh, DATA_SIZE);
    cpu_grant(cpu, c->budget[0]);
    engine_run(w->engine[INTERP], cpu);
    w->executed += cpu_count(cpu);
    if (cpu->exit.kind == EXIT_budget) return false;
    *to =
        (struct run_result){.fcsr = r->frm << 5 | cpu->fp_flags, .memory = data_digest(w->home[w->memory], DATA_SIZE)};
    memcpy(to->x, r->x, sizeof r->x);
    memcpy(to->f, r->f, sizeof r->f);
    signal_of(cpu, to);
    return true;
}

uint64_t world_executed(const struct world *w) {
    return w->executed;
}
const struct record *world_record(const struct world *w) {
    return &w->record[0];
}
const struct engine_stats *world_stats(const struct world *w, enum which which) {
    return engine_stats(w->engine[which]);
}
