/* rig.h - an engine with riscv code that a test writes as text, and memory around it.
 *
 * Guest memory is a window, or physical memory of the same layout (soft), or the host's (direct): a page of code at 0
 * (but for direct), RIG_CODE_SIZE bytes of code from RIG_CODE on, data from RIG_DATA on, a device at RIG_DEVICE (soft
 * only). The cpu is in user mode, with floating point. Every exit but EXIT_poll stops, unless rig.answer says
 * otherwise.
 */
#ifndef TEST_ENGINE_RIG_H
#define TEST_ENGINE_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/os.h"
#include "engine/internal.h"
#include "guest/riscv/csr.h"
#include "mem/space.h"
#include "guest/riscv/riscv.h"
#include "riscv_isa.h"

enum {
    RIG_PAGE = 4096,
    RIG_CODE = 0x10000,
    RIG_CODE_SIZE = 0x80000,
    RIG_DATA = 0x100000,
    RIG_DATA_SIZE = 0x2000000,
    RIG_DEVICE = RIG_DATA + RIG_DATA_SIZE + RIG_PAGE,
    RIG_END = 1 << 26, /* a window is as large as a power of two */
    RIG_LABELS = 64
};
/* Registers by their numbers. */
enum { RA = 1, SP = 2, T0 = 5, T1 = 6, S0 = 8, S1 = 9, A0 = 10, A1, A2, A3, A4, A5, A6, A7, S2 = 18, S3, S4, S5, S6 };

enum rig_memory { RIG_WINDOW, RIG_SOFT, RIG_DIRECT, RIG_MEMORIES }; /* of the last, one rig at a time */

struct rig {
    struct engine *engine;
    struct cpu *cpu;
    uint64_t *x;     /* its integer registers */
    uint8_t *memory; /* host address of guest address 0 (none for direct) */
    bool soft;
    struct phys phys;                    /* soft: the same, with flags for its pages */
    uint64_t missing;                    /* address of a page that cannot be fetched from; 0: none */
    enum answer (*answer)(struct rig *); /* NULL: polls are counted, everything else stops */
    uint64_t polls, device_writes;
    bool device_wishes; /* writes to the device ask for an answer */
    struct {
        char name[16];
        uint64_t at;
    } labels[RIG_LABELS];
    unsigned nlabels;
};

static const enum tier rig_tiers[] = {TIER_INTERP, TIER_BASELINE, TIER_AUTO};
static inline unsigned rig_tier_count(void) {
    return host_native ? sizeof rig_tiers / sizeof *rig_tiers : 1;
}

static inline uint8_t *rig_host(const struct rig *r, uint64_t address) {
    return (uint8_t *)((uintptr_t)r->memory + address);
}

/* ---- the interface */

static inline enum answer rig_answer(void *self, struct cpu *cpu) {
    struct rig *r = self;
    if (r->answer) return r->answer(r);
    r->polls += cpu->exit.kind == EXIT_poll;
    return cpu->exit.kind == EXIT_poll ? ANSWER_RESUME : ANSWER_STOP;
}

static inline void rig_fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    struct rig *r = self;
    (void)cpu;
    uint64_t page = address & -(uint64_t)RIG_PAGE;
    *f = (struct fetch){.fault = EXIT_fault_fetch};
    if (page ? page - RIG_CODE >= RIG_CODE_SIZE || page == r->missing : !r->memory) return;
    *f = (struct fetch){
        .bytes = r->soft ? rig_host(r, address) : NULL, .avail = page + RIG_PAGE - address, .page = page};
}

static inline size_t rig_read_code(void *self, uint64_t address, uint8_t *to, size_t size) {
    return size - copy_guarded(to, rig_host(self, address), size);
}

static inline uint8_t *rig_ram(void *self, uint64_t physical, uint64_t size) {
    bool code = physical >= RIG_CODE && physical + size <= RIG_CODE + RIG_CODE_SIZE;
    bool data = physical >= RIG_DATA && physical + size <= RIG_DATA + RIG_DATA_SIZE;
    return code || data ? rig_host(self, physical) : NULL;
}

static inline bool rig_device_read(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value) {
    (void)self, (void)cpu, (void)size;
    *value = 0;
    return physical - RIG_DEVICE < RIG_PAGE;
}

static inline bool rig_device_write(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    struct rig *r = self;
    (void)size, (void)value;
    if (physical - RIG_DEVICE >= RIG_PAGE) return false;
    r->device_writes++;
    if (r->device_wishes) cpu_exit(cpu, EXIT_poll, 0);
    return true;
}

static const struct interface rig_interface = {.name = "test",
                                               .answer = rig_answer,
                                               .fetch = rig_fetch,
                                               .read_code = rig_read_code,
                                               .device_read = rig_device_read,
                                               .device_write = rig_device_write,
                                               .ram = rig_ram};

/* ---- making it */

static inline void rig_on_fault(int signal, siginfo_t *info, void *context) {
    if (!engine_host_fault(signal, info, context)) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* The test library puts handlers of its own in the place of the engine's before every test. */
static inline void rig_catch_faults(void) {
    struct sigaction action = {.sa_sigaction = rig_on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

/* Every register is 0 but sp, which is at the end of the data. */
static inline void rig_reset(struct rig *r) {
    struct riscv_cpu *cpu = riscv_of(r->cpu);
    fields_reset(r->cpu, guest_riscv.fields, guest_riscv.nfields);
    cpu->raw_priv = PRIV_U;
    cpu->raw_fs = FS_DIRTY;
    cpu->raw_pmpcfg[0] = PMP_R | PMP_W | PMP_X | PMP_A; /* one entry for everything */
    cpu->raw_pmpaddr[0] = UINT64_MAX >> 10;
    r->x[SP] = RIG_DATA + RIG_DATA_SIZE;
    r->cpu->fp_flags = 0;
    r->cpu->reserve_address = UINT64_MAX;
    r->cpu->count.executed = 0;
    r->cpu->count.granted = r->cpu->count.budget = r->cpu->count.ahead = 0;
    r->polls = r->device_writes = 0;
}

static inline void rig_tlb(struct mem_view *view) {
    struct tlb *t = tlb_make();
    assert_non_null(t);
    mem_use(view, t, t->line, tlb_mask(t));
}

static inline void rig_make(struct rig *r, enum rig_memory memory, const struct engine_config *settings) {
    static const enum mem_kind kinds[] = {MEM_WINDOW, MEM_SOFT, MEM_DIRECT};
    struct error error = {0};
    struct engine_config config = *settings;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, rights = PROT_READ | PROT_WRITE;
    *r = (struct rig){.soft = memory == RIG_SOFT};
    if (memory == RIG_DIRECT) {
        void *at = (void *)(uintptr_t)RIG_CODE;
        assert_ptr_equal(mmap(at, RIG_END - RIG_CODE, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0), at);
    } else {
        r->memory = mmap(NULL, RIG_END, PROT_NONE, flags, -1, 0);
        assert_true(r->memory != MAP_FAILED);
        assert_int_equal(mprotect(r->memory, RIG_PAGE, rights), 0);
    }
    assert_int_equal(mprotect(rig_host(r, RIG_CODE), RIG_CODE_SIZE, rights), 0);
    assert_int_equal(mprotect(rig_host(r, RIG_DATA), RIG_DATA_SIZE, rights), 0);
    config.guest = &guest_riscv;
    if (!config.interface) config.interface = &rig_interface;
    config.self = r;
    config.check = true;
    r->engine = engine_make(&config, &error);
    if (!r->engine) fail_msg("%s", error.text);
    r->cpu = engine_cpu_make(r->engine, &error);
    if (!r->cpu) fail_msg("%s", error.text);
    r->x = riscv_of(r->cpu)->raw_x;
    rig_catch_faults();
    struct mem_view *view = &r->cpu->mem[0];
    *view = (struct mem_view){.kind = kinds[memory], .base = r->memory, .limit = RIG_END};
    if (memory == RIG_DIRECT) view->limit = UINT64_MAX;
    if (memory == RIG_SOFT) {
        rig_tlb(view);
        for (unsigned i = 0; i < 2; i++) {
            const uint64_t start = i ? RIG_DATA : RIG_CODE, size = i ? RIG_DATA_SIZE : RIG_CODE_SIZE;
            assert_true(phys_add(
                &r->phys,
                (struct phys_region){.start = start, .size = size, .host = rig_host(r, start), .kind = PHYS_RAM}));
        }
        assert_true(phys_track(&r->phys));
        r->cpu->soft.phys = &r->phys;
    }
    rig_reset(r);
}

/* One more cpu with the same memory, to be freed with rig_cpu_free. */
static inline struct cpu *rig_cpu(struct rig *r) {
    struct error error = {0};
    struct cpu *cpu = engine_cpu_make(r->engine, &error);
    if (!cpu) fail_msg("%s", error.text);
    cpu_copy(cpu, r->cpu);
    if (r->soft) {
        rig_tlb(&cpu->mem[0]);
        cpu->soft.phys = &r->phys;
    }
    return cpu;
}

static inline void rig_cpu_free(struct rig *r, struct cpu *cpu) {
    os_free(cpu->mem[0].tlb);
    engine_cpu_free(r->engine, cpu);
}

static inline void rig_free(struct rig *r) {
    os_free(r->cpu->mem[0].tlb);
    engine_cpu_free(r->engine, r->cpu);
    engine_free(r->engine);
    phys_untrack(&r->phys);
    if (r->memory)
        munmap(r->memory, RIG_END);
    else
        munmap((void *)(uintptr_t)RIG_CODE, RIG_END - RIG_CODE);
}

/* ---- code */

static inline uint64_t rig_label(const struct rig *r, const char *name) {
    for (unsigned i = 0; i < r->nlabels; i++)
        if (!strcmp(r->labels[i].name, name)) return r->labels[i].at;
    fail_msg("no label %s", name);
    return 0;
}

static inline uint32_t rig_encode(const char *text) {
    uint32_t bits = 0;
    if (!isa_assemble(&riscv_isa, text, 0, &bits)) fail_msg("%s", text);
    return bits;
}

/* One instruction; a label as its last operand is replaced by the address. */
static inline unsigned rig_instruction(const struct rig *r, const char *text, uint64_t at, uint32_t *bits) {
    char line[100];
    const char *last = strrchr(text, ' ');
    for (unsigned i = 0; last && i < r->nlabels; i++)
        if (!strcmp(r->labels[i].name, last + 1)) {
            snprintf(line, sizeof line, "%.*s 0x%llx", (int)(last - text), text, (unsigned long long)r->labels[i].at);
            text = line;
            break;
        }
    unsigned length = isa_assemble(&riscv_isa, text, at, bits);
    if (!length) fail_msg("%s", text);
    return length;
}

/* Puts code at an address: instructions, parted by `;`, each with any `label:` before it. Labels can be used by what is
   written later, too. The engine is not told. Returns the address behind it. */
static inline uint64_t rig_code(struct rig *r, uint64_t at, const char *program) {
    uint64_t end = at;
    for (int pass = 0; pass < 2; pass++) {
        char text[4000], *next = text, *line;
        assert_true(strlen(program) < sizeof text);
        strcpy(text, program);
        for (end = at; (line = strsep(&next, ";")) != NULL;) {
            char *colon = strchr(line, ':');
            line += strspn(line, " ");
            if (colon) {
                *colon = 0;
                assert_true(r->nlabels < RIG_LABELS && strlen(line) < sizeof r->labels->name);
                if (!pass) {
                    strcpy(r->labels[r->nlabels].name, line);
                    r->labels[r->nlabels++].at = end;
                }
                line = colon + 1 + strspn(colon + 1, " ");
            }
            if (!*line) continue;
            uint32_t bits;
            unsigned size = strncmp(line, "c.", 2) ? 4 : 2;
            if (pass) {
                assert_int_equal(rig_instruction(r, line, end, &bits), size);
                memcpy(rig_host(r, end), &bits, size);
            }
            end += size;
        }
    }
    return end;
}

/* Runs from an address until something stops it; yields the exit's kind. */
static inline enum exit_kind rig_run(struct rig *r, uint64_t at) {
    r->cpu->pc = at;
    engine_run(r->engine, r->cpu);
    return (enum exit_kind)r->cpu->exit.kind;
}

/* The same, which has to end at an ecall. */
static inline void rig_done(struct rig *r, uint64_t at) {
    enum exit_kind kind = rig_run(r, at);
    if (kind != EXIT_syscall)
        fail_msg("exit %s, value 0x%llx, at 0x%llx", exit_info[kind].name, (unsigned long long)r->cpu->exit.value,
                 (unsigned long long)r->cpu->pc);
}

#endif
