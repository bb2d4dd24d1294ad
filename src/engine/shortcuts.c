/* shortcuts.c - ways from code to code without the loop: the jump TLB and the pairing stack of a cpu.
 *
 * They hold for one context and one address space. In soft memory a cpu has several banks of them, one for each that it
 * has been in lately, so a trip to the kernel and back, or to another process, finds those that it left. A bank that
 * belongs to nothing any more is emptied when it is wanted. Elsewhere there is one bank, which is emptied when the
 * context changes.
 *
 * Each bank knows, by a hash, the mappings that its code came from, in all sizes that they have: every unit that runs
 * in it has been entered there by the loop once since it was empty, or by a link from its own page. So what becomes of
 * a page of data costs no shortcuts.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <string.h>

static const uint64_t nobody = UINT64_MAX; /* no context */

static size_t bank_size(void) {
    const size_t size = BANK_PAIR_STACK + JTLB_LINES * sizeof(struct jtlb_line) + sizeof(struct shortcuts);
    return (size + CACHE_PAGE - 1) & -(size_t)CACHE_PAGE;
}

static void bank_empty(struct cpu *cpu, struct shortcuts *s) {
    const bool few = s->entered <= JTLB_NOTES;
    for (unsigned n = 0; n < (few ? s->entered : (unsigned)JTLB_LINES); n++) {
        unsigned i = few ? s->notes[n] : n;
        s->lines[i].pc = jtlb_empty(i, cpu->guest->pc_align);
    }
    s->entered = 0;
    s->pair_sp = s->pair_base;
    if (s->sizes) memset(s->mappings, 0, sizeof s->mappings);
    s->sizes = 0;
}

static void bank_use(struct cpu *cpu, struct shortcuts *s) {
    cpu->runner->bank = s;
    cpu->jumps.lines = s->lines;
    cpu->jumps.pair_base = s->pair_base;
    cpu->jumps.pair_sp = s->pair_sp;
}

void shortcuts_make(struct cpu *cpu, struct jtlb_line *lines, void *pair_base) {
    struct shortcuts *s = &cpu->runner->first;
    *s = (struct shortcuts){.ctx = nobody, .lines = lines, .pair_base = pair_base};
    lines[0].pc = jtlb_empty(0, cpu->guest->pc_align);   /* the others are zero, which belongs to line 0, or empty */
    if (pair_base) memset(pair_base, 0xff, PAIR_BOTTOM); /* below the lowest frame: an address that no return goes to */
    cpu->runner->banks[0] = s;
    cpu->runner->nbanks = 1;
    bank_empty(cpu, s);
    bank_use(cpu, s);
}

bool shortcuts_done(struct cpu *cpu) {
    struct runner *r = cpu->runner;
    while (r->nbanks > 1) os_stack_unmap(r->banks[--r->nbanks]->memory, bank_size());
    const bool few = r->first.entered <= JTLB_NOTES;
    if (few) bank_empty(cpu, &r->first);
    return few;
}

/* One more, or NULL. */
static struct shortcuts *bank_make(struct cpu *cpu) {
    struct runner *r = cpu->runner;
    if (r->nbanks == SHORTCUT_BANKS) return NULL;
    uint8_t *memory = os_stack_map(bank_size());
    if (!memory) return NULL;
    struct jtlb_line *lines = (struct jtlb_line *)(void *)(memory + BANK_PAIR_STACK);
    struct shortcuts *s = (struct shortcuts *)(void *)(lines + JTLB_LINES);
    *s = (struct shortcuts){
        .ctx = nobody, .lines = lines, .memory = memory, .pair_base = memory + BANK_PAIR_STACK - PAIR_BOTTOM};
    lines[0].pc = jtlb_empty(0, cpu->guest->pc_align);
    memset(s->pair_base, 0xff, PAIR_BOTTOM);
    s->pair_sp = s->pair_base;
    return r->banks[r->nbanks++] = s;
}

/* The bank for that, or the one that it is to have: of nobody, a new one, or the one that was used least lately. */
static struct shortcuts *bank_for(struct cpu *cpu, uint64_t ctx, uint64_t space) {
    struct runner *r = cpu->runner;
    struct shortcuts *free = NULL, *oldest = NULL;
    for (unsigned i = 0; i < r->nbanks; i++) {
        struct shortcuts *s = r->banks[i];
        if (s->ctx == ctx && s->space == space) return s;
        if (s->ctx == nobody) free = s;
        if (!oldest || s->used < oldest->used) oldest = s;
    }
    struct shortcuts *s = free ? free : cpu->engine->soft ? bank_make(cpu) : NULL;
    if (!s) s = oldest;
    bank_empty(cpu, s);
    s->ctx = ctx;
    s->space = space;
    __atomic_add_fetch(&cpu->engine->stats.pair_drops, 1, __ATOMIC_RELAXED);
    return s;
}

void shortcuts_change(struct cpu *cpu, uint64_t ctx) {
    struct runner *r = cpu->runner;
    r->bank->pair_sp = cpu->jumps.pair_sp;
    struct shortcuts *s = bank_for(cpu, ctx, cpu->soft.space);
    s->used = ++r->clock;
    bank_use(cpu, s);
    r->site = 0; /* it led from one context to another, or was another's */
}

static void bank_drop(struct cpu *cpu, struct shortcuts *s) {
    if (s != cpu->runner->bank) {
        s->ctx = nobody;
        return;
    }
    bank_empty(cpu, s);
    cpu->jumps.pair_sp = s->pair_sp;
    __atomic_add_fetch(&cpu->engine->stats.pair_drops, 1, __ATOMIC_RELAXED);
}

void cpu_drop_shortcuts(struct cpu *cpu) {
    struct runner *r = cpu->runner;
    for (unsigned i = 0; i < r->nbanks; i++) bank_drop(cpu, r->banks[i]);
}

static uint64_t *mapping_word(struct shortcuts *s, uint64_t address, unsigned shift, uint64_t *bit) {
    const uint64_t h = ((address >> shift) ^ (uint64_t)shift << 58) * 0x9e3779b97f4a7c15u >> 32;
    *bit = 1ull << h % 64;
    return &s->mappings[h / 64 % (sizeof s->mappings / sizeof *s->mappings)];
}

void cpu_drop_shortcuts_at(struct cpu *cpu, uint64_t address) {
    struct runner *r = cpu->runner;
    if (address == UINT64_MAX) cpu_drop_shortcuts(cpu);
    for (unsigned i = 0; i < r->nbanks; i++) {
        struct shortcuts *s = r->banks[i];
        for (uint64_t sizes = s->ctx == nobody ? 0 : s->sizes, bit; sizes; sizes &= sizes - 1)
            if (*mapping_word(s, address, (unsigned)__builtin_ctzll(sizes), &bit) & bit) {
                bank_drop(cpu, s);
                r->site = 0;
                break;
            }
    }
}

void shortcuts_enter(struct engine *e, struct cpu *cpu, const struct unit *u) {
    struct shortcuts *s = cpu->runner->bank;
    if (e->config.poll_always) return; /* no block is entered but by the loop */
    const unsigned i = (u->pc / e->guest->pc_align) % JTLB_LINES;
    if (s->entered < JTLB_NOTES) s->notes[s->entered] = (uint16_t)i;
    if (s->entered <= JTLB_NOTES) s->entered++;
    s->lines[i] = (struct jtlb_line){.pc = u->pc, .code = e->host ? (const void *)(e->execute + u->poll_entry) : u};
}

void shortcuts_came_from(struct cpu *cpu, uint64_t pc, uint64_t mapping) {
    struct shortcuts *s = cpu->runner->bank;
    const unsigned shift = mapping >> TLB_PAGE_SHIFT ? 63 - (unsigned)__builtin_clzll(mapping) : TLB_PAGE_SHIFT;
    uint64_t bit, *word = mapping_word(s, pc, shift, &bit);
    s->sizes |= 1ull << shift;
    *word |= bit;
}

/* In guest code, without the lock. What is read here others may change meanwhile, but not free: as long as this cpu is
   in guest code nobody gets past engine_stop_others, as which every flush begins, and records of units, their tables
   and their code stay. A unit that has just become stale does what it does to those who have lines for it: it leads on
   or to the loop. One that is not found, or not ready, or may not be entered now, is the loop's affair, as are faults.
 */
uint64_t shortcuts_look(struct cpu *cpu, uint64_t what, uint64_t pc, uint64_t b, uint64_t c) {
    struct engine *e = cpu->engine;
    struct runner *r = cpu->runner;
    const struct shortcuts *s = r->bank;
    struct fetch f = {0};
    (void)what, (void)b, (void)c;
    r->counts.jtlb_misses++;
    if (e->config.poll_always || e->config.one_block || cpu->soft.space != s->space) return 0;
    /* A walk leaves marks in page tables: none for what is not run, as in the loop. */
    if ((s->ctx & CTX_COUNTED) && cpu->count.budget <= 0) return 0;
    if (__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED)) return 0;
    engine_fetch(cpu, pc, &f);
    if (f.fault || written_any(e)) return 0;
    const struct unit *u = unit_find(e, pc, f.page, s->ctx);
    if (!u || u->by_uops || !__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE)) return 0;
    shortcuts_came_from(cpu, pc, f.mapping);
    shortcuts_enter(e, cpu, u);
    return (uint64_t)(uintptr_t)(e->execute + u->poll_entry);
}
