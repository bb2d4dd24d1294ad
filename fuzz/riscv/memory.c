/* memory.c - the memory of the fuzzer's cases, and the interface that answers for it.
 *
 * Two pages of data that can be written and one that can only be read, with nothing around them; code is elsewhere. In
 * the soft kinds everything is physical memory, reached through the guest's own walk, and whatever is not RAM is a
 * device, whose reads depend on how often and when it was asked. All engines of a world share the memory: it is put
 * back before each run.
 */
#define _GNU_SOURCE
#include "fuzz.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

enum { MOST_TRAPS = 40 };

uint64_t code_offset(const struct world *w, uint64_t pc) {
    uint64_t offset = pc - w->batch.code_base;
    return offset < CODE_SIZE || w->batch.memory < MEMORY_SOFT ? offset : pc - PHYSICAL_CODE;
}

/* In user mode every stop is looked at. Otherwise the cpu takes its traps and interrupts, but not for ever. */
static enum answer answer(void *self, struct cpu *cpu) {
    struct world *w = self;
    if (w->batch.priv == PRIV_U || cpu->exit.kind == EXIT_budget || cpu->exit.kind == EXIT_wait) return ANSWER_STOP;
    /* Not at a poll, which comes when it comes. */
    if (w->traps > MOST_TRAPS && cpu->exit.kind != EXIT_poll) return ANSWER_STOP;
    unsigned actions = 0;
    bool trap = cpu->exit.kind != EXIT_poll || guest_take_interrupt(cpu, &actions);
    w->traps += trap;
    if (trap && cpu->exit.kind != EXIT_poll) actions = guest_enter_trap(cpu);
    cpu_ask(cpu, actions);
    return ANSWER_RESUME;
}

static void fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct world *w = self;
    *f = (struct fetch){.fault = EXIT_fault_fetch};
    if (w->batch.memory < MEMORY_SOFT) {
        uint64_t offset = address - w->batch.code_base;
        if (offset >= CODE_SIZE) return;
        *f = (struct fetch){.bytes = w->code + offset, .avail = PAGE - offset % PAGE, .page = address / PAGE};
        return;
    }
    struct walk walk;
    guest_walk(cpu, address, ACCESS_FETCH, &walk);
    f->fault = walk.fault;
    if (walk.fault) return;
    uint64_t unit = walk.page_size < PAGE ? walk.page_size : PAGE, start = walk.physical & ~(unit - 1);
    const uint8_t *host = phys_readable(&w->phys, start, unit);
    f->fault = host ? EXIT_none : EXIT_access_fetch;
    if (!host) return;
    f->bytes = host + (walk.physical - start);
    f->avail = unit - (walk.physical - start);
    f->page = walk.physical & ~(uint64_t)(PAGE - 1);
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
    if (w->device % 8 == 0) cpu_exit(cpu, EXIT_poll, 0); /* wants to be heard before the next instruction */
    return true;
}

static uint8_t *ram(void *self, uint64_t physical, uint64_t size) {
    return phys_ram(&((struct world *)self)->phys, physical, size);
}

static uint64_t counter(void *self, struct cpu *cpu, enum counter which) {
    struct world *w = self;
    w->asked_counter = true;
    return (w->now->with_counters ? cpu_count(cpu) : 77) * (which + 1);
}

const struct interface fuzz_interface = {.name = "fuzz",
                                         .answer = answer,
                                         .fetch = fetch,
                                         .device_read = device_read,
                                         .device_write = device_write,
                                         .ram = ram,
                                         .counter = counter};

/* ---- making it */

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
    data_fill(data, size, 1);
    if (size > DATA_SIZE) mprotect(data + DATA_SIZE, PAGE, PROT_READ);
}

void memory_make(struct world *w) {
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
    uint8_t *physical = map(NULL, PHYSICAL_SIZE, PROT_READ | PROT_WRITE, 0);
    w->home[MEMORY_SOFT] = w->home[MEMORY_PAGED] = physical;
    w->tables = physical + PHYSICAL_TABLES - PHYSICAL_DATA;
    data_fill(physical, DATA_SIZE + PAGE, 1);
    /* A runner's case can read its code: a second view of it at its address there. */
    int fd = memfd_create("code", 0);
    w->other_code = map(NULL, CODE_SIZE + PAGE, PROT_NONE, 0);
    void *view = (void *)RUN_CODE_AT;
    if (fd < 0 || ftruncate(fd, CODE_SIZE) ||
        mmap(w->other_code, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != w->other_code ||
        mmap(view, CODE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != view) {
        perror("fuzz: code area");
        exit(2);
    }
    close(fd);
}

/* ---- batches */

static uint64_t pte(uint64_t physical, uint64_t bits) {
    return physical >> 12 << 10 | bits;
}

/* Sv39: the data pages, exchanged, the page to read, a device before them, and code. Some accessed and dirty bits are
   set on the way. A supervisor's pages are its own but for one, which it reaches with SUM only. */
static void make_tables(struct world *w) {
    enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };
    uint64_t(*table)[512] = (void *)w->fresh_tables, at = PHYSICAL_TABLES, first = data_address(MEMORY_PAGED);
    uint64_t own = w->batch.priv == PRIV_S ? V : V | U, code = virtual_code();
    memset(w->fresh_tables, 0, TABLES_SIZE);
    table[0][first >> 30 & 511] = pte(at + PAGE, V);
    table[1][first >> 21 & 511] = pte(at + 2 * PAGE, V);
    uint64_t *leaf = table[2], page = first >> 12 & 511;
    leaf[page - 1] = pte(PHYSICAL_DATA + (1 << 20), own | R | W | A);
    leaf[page] = pte(PHYSICAL_DATA + PAGE, own | R | W);
    leaf[page + 1] = pte(PHYSICAL_DATA, V | U | R | W | A | D);
    leaf[page + 2] = pte(PHYSICAL_DATA + DATA_SIZE, own | R | A);
    for (unsigned i = 0; i < CODE_SIZE / PAGE; i++)
        leaf[(code >> 12 & 511) + i] = pte(PHYSICAL_CODE + i * PAGE, own | R | X | (w->batch.changes_code ? W : 0));
}

void memory_batch(struct world *w) {
    enum memory memory = w->batch.memory;
    bool soft = memory >= MEMORY_SOFT;
    w->data = w->home[memory];
    w->code = soft ? w->data + (PHYSICAL_CODE - PHYSICAL_DATA) : w->other_code;
    memset(w->code, 0, CODE_SIZE);
    memset(w->fresh_code, 0, CODE_SIZE);
    data_fill(w->fresh, DATA_SIZE, w->batch.seed);
    phys_untrack(&w->phys);
    w->phys.nfixed = 0;
    if (!soft) return;
    phys_add(&w->phys,
             (struct phys_region){.start = PHYSICAL_DATA, .size = DATA_SIZE, .host = w->data, .kind = PHYS_RAM});
    if (memory == MEMORY_PAGED) {
        make_tables(w);
        phys_add(&w->phys, (struct phys_region){
                               .start = PHYSICAL_TABLES, .size = TABLES_SIZE, .host = w->tables, .kind = PHYS_RAM});
        phys_add(&w->phys,
                 (struct phys_region){
                     .start = PHYSICAL_DATA + DATA_SIZE, .size = PAGE, .host = w->data + DATA_SIZE, .kind = PHYS_ROM});
    }
    phys_add(&w->phys, (struct phys_region){.start = PHYSICAL_CODE,
                                            .size = CODE_SIZE,
                                            .host = w->code,
                                            .kind = w->batch.changes_code ? PHYS_RAM : PHYS_ROM});
    if (!phys_track(&w->phys)) exit(2);
}

void memory_reset(struct world *w) {
    memcpy(w->data, w->fresh, DATA_SIZE);
    if (w->batch.memory == MEMORY_PAGED) memcpy(w->tables, w->fresh_tables, TABLES_SIZE);
    if (w->batch.changes_code) memcpy(w->code, w->fresh_code, CODE_SIZE);
    w->device = 0;
}

uint64_t memory_digest(const struct world *w) {
    uint64_t h = XXH64(w->data, DATA_SIZE, w->device);
    if (w->batch.memory == MEMORY_PAGED) h = XXH64(w->tables, TABLES_SIZE, h);
    return w->batch.changes_code ? XXH64(w->code, CODE_SIZE, h) : h;
}
