/*
 * guest/riscv: what instructions do. Runs every case of the .test files here on every tier and kind of memory, and
 * demands that each row of the instruction set has at least three cases.
 *
 *   instruction | instruction ... ; state before -> state after
 *
 * State is items: NAME=VALUE for registers and fields of the cpu, [ADDRESS].b .h .w .d=VALUE for memory. Values are
 * sums of numbers and of the names P (address of the first instruction) and D (start of the page of data); s:1.5,
 * h:-inf, d:nan, s:snan are floating-point numbers, the narrow ones boxed. After the arrow there are also exit=KIND and
 * value=EXIT VALUE. What is not named before the arrow holds junk (integers, FP, memory) or what user mode has (priv=0
 * fs=3); what is not named after it must be unchanged, pc but for the length of the instructions, and they must not
 * exit. Lines that start with # are comments.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glob.h>
#include <signal.h>
#include <sys/mman.h>

#include "core/fp.h"
#include "base/os.h"
#include "engine/engine.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/riscv.h"
#include "mem/mem.h"
#include "riscv_isa.h"

enum { CODE = 0x200000, DATA = 0x204000, END = 0x205000, WINDOW = 0x400000, PAGE = 0x1000, PLACES = 64, ROWS = 1024 };

/* ---- cases */

struct item {
    char name[24];    /* empty: memory */
    uint64_t address; /* of memory */
    unsigned size;    /* likewise */
    uint64_t value;
};

struct test_case {
    const char *file;
    int line;
    char text[400];
    uint8_t code[64];
    unsigned length; /* of the code, bytes */
    unsigned before, after;
    struct item items[PLACES]; /* those before the arrow, then those after it */
    int exit;                  /* expected exit kind, -1 for none */
};

static struct test_case *cases;
static unsigned ncases, cases_of[ROWS];

static void broken(const struct test_case *c, const char *what) {
    fprintf(stderr, "%s:%d: %s: %s\n", c->file, c->line, what, c->text);
    exit(1);
}

static uint64_t parse_float(const struct test_case *c, const char **p) {
    enum fp_format format = **p == 'h' ? FP_16 : **p == 's' ? FP_32 : FP_64;
    static const uint64_t snan[] = {[FP_16] = 0x7c01, [FP_32] = 0x7f800001, [FP_64] = 0x7ff0000000000001};
    unsigned width = fp_width(format);
    uint64_t v, bits;
    *p += 2;
    bool minus = **p == '-';
    if (minus) ++*p;
    if (!strncmp(*p, "snan", 4)) {
        v = snan[format];
        *p += 4;
    } else if (!strncmp(*p, "nan", 3)) {
        v = fp_canonical(format);
        *p += 3;
    } else {
        char *end;
        double d = strtod(*p, &end);
        if (end == *p) broken(c, "no number");
        *p = end;
        memcpy(&bits, &d, 8);
        uint32_t flags = 0;
        v = fp_to_fp(FP_64, format, bits, FP_RNE, &flags);
        if (flags) broken(c, "a number that the format does not have");
    }
    if (minus) v ^= fp_sign_mask(format);
    return width == 64 ? v : v | UINT64_MAX << width;
}

static uint64_t parse_value(const struct test_case *c, const char **p) {
    if (**p && strchr("hsd", **p) && (*p)[1] == ':') return parse_float(c, p);
    uint64_t sum = 0;
    bool minus = false;
    for (;;) {
        uint64_t v;
        if (**p == '-' || **p == '+') minus = *(*p)++ == '-';
        if (**p == 'P' || **p == 'D') {
            v = *(*p)++ == 'P' ? CODE : DATA;
        } else {
            char *end;
            v = strtoull(*p, &end, 0);
            if (end == *p) broken(c, "no number");
            *p = end;
        }
        sum += minus ? -v : v;
        if (**p != '+' && **p != '-') return sum;
    }
}

static unsigned parse_items(struct test_case *c, const char *p, struct item *items) {
    unsigned n = 0;
    for (;;) {
        p += strspn(p, " ");
        if (!*p) return n;
        struct item *it = &items[n++];
        if (*p == '[') {
            p++;
            it->address = parse_value(c, &p);
            const char *sizes = "bhwd", *at = NULL;
            if (p[0] != ']' || p[1] != '.' || !(at = strchr(sizes, p[2]))) broken(c, "memory is [address].size");
            it->size = 1u << (at - sizes);
            p += 3;
        } else {
            size_t length = strcspn(p, "=");
            if (length >= sizeof it->name) broken(c, "no name");
            memcpy(it->name, p, length);
            p += length;
        }
        if (*p++ != '=') broken(c, "no value");
        if (!strcmp(it->name, "exit")) {
            size_t length = strcspn(p, " ");
            for (int kind = 0; kind < EXIT_COUNT; kind++)
                if (strlen(exit_info[kind].name) == length && !strncmp(exit_info[kind].name, p, length)) c->exit = kind;
            if (c->exit < 0) broken(c, "no such exit");
            p += length;
            n--;
            memset(it, 0, sizeof *it);
        } else {
            it->value = parse_value(c, &p);
        }
        if (*p && *p != ' ') broken(c, "text after a value");
        if (n == PLACES) broken(c, "too many items");
    }
}

static void parse_case(struct test_case *c) {
    char text[sizeof c->text], *code = text;
    strcpy(text, c->text);
    char *arrow = strstr(text, "->"), *semicolon = strchr(text, ';');
    if (!arrow || !semicolon || semicolon > arrow) broken(c, "want: instruction ; before -> after");
    *arrow = *semicolon = 0;
    for (char *next; code; code = next) {
        uint32_t bits;
        next = strchr(code, '|');
        if (next) *next++ = 0;
        unsigned length = isa_assemble(&riscv_isa, code, CODE + c->length, &bits);
        if (!length) broken(c, "does not assemble");
        memcpy(c->code + c->length, &bits, length);
        c->length += length;
        cases_of[riscv_decode(bits)]++;
    }
    c->exit = -1;
    c->before = parse_items(c, semicolon + 1, c->items);
    if (c->exit >= 0) broken(c, "an exit before the arrow");
    c->after = parse_items(c, arrow + 2, c->items + c->before);
}

static void read_file(const char *path) {
    FILE *f = fopen(path, "r");
    char line[sizeof cases->text];
    for (int number = 1; f && fgets(line, sizeof line, f); number++) {
        line[strcspn(line, "\n")] = 0;
        if (!line[strspn(line, " ")] || line[0] == '#') continue;
        if (ncases % 256 == 0) cases = realloc(cases, (ncases + 256) * sizeof *cases);
        struct test_case *c = &cases[ncases++];
        memset(c, 0, sizeof *c);
        c->file = strdup(path);
        c->line = number;
        strcpy(c->text, line);
        parse_case(c);
    }
    if (!f) {
        perror(path);
        exit(1);
    }
    fclose(f);
}

/* ---- the machine that runs them */

struct variant {
    const char *name;
    enum tier tier;
    enum mem_kind kind;
    bool counted;
};

static struct {
    uintptr_t host; /* of guest address 0 */
    struct engine *engine;
    struct cpu *cpu;
    struct tlb tlb;
    const struct variant *variant;
} m;

static uint8_t *host(uint64_t address) {
    return (uint8_t *)(m.host + address);
}

static enum answer answer(void *self, struct cpu *cpu) {
    (void)self, (void)cpu;
    return ANSWER_STOP;
}

static void fetch(void *self, struct cpu *cpu, uint64_t address, struct fetch *f) {
    (void)self, (void)cpu;
    if (address - CODE >= PAGE) {
        f->fault = EXIT_fault_fetch;
        return;
    }
    f->bytes = host(address);
    f->avail = CODE + PAGE - address;
    f->page = CODE;
}

static uint8_t *ram(void *self, uint64_t physical, uint64_t size) {
    (void)self;
    bool data = physical >= DATA && physical <= END - size;
    return data ? host(physical) : NULL;
}

static bool no_device_read(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t *value) {
    (void)self, (void)cpu, (void)physical, (void)size, (void)value;
    return false;
}
static bool no_device_write(void *self, struct cpu *cpu, uint64_t physical, unsigned size, uint64_t value) {
    (void)self, (void)cpu, (void)physical, (void)size, (void)value;
    return false;
}

static const struct interface interface = {.name = "test",
                                           .answer = answer,
                                           .fetch = fetch,
                                           .device_read = no_device_read,
                                           .device_write = no_device_write,
                                           .ram = ram};

/* cmocka has its own handlers for faults during a test. The first engine of a process installs vee's. */
static void keep_fault_handlers(void) {
    static struct sigaction kept[2];
    static bool have;
    for (int i = 0; i < 2; i++) sigaction(i ? SIGBUS : SIGSEGV, have ? &kept[i] : NULL, have ? NULL : &kept[i]);
    have = true;
}

/* The file in the variable EFFECTS gets what builds with checks say of what was touched (test_effects.c). */
static void log_line(void *to, const char *line) {
    FILE *f = fopen(to, "a");
    assert_non_null(f);
    fprintf(f, "%s\n", line);
    fclose(f);
}

static void machine_open(const struct variant *v) {
    struct error error = {0};
    struct engine_config config = {
        .guest = &guest_riscv, .interface = &interface, .tier = v->tier, .counted = v->counted, .check = true};
    config.log_to = getenv("EFFECTS");
    config.log_line = log_line;
    if (config.log_to) config.log = LOG_EFFECTS;
    m.variant = v;
    m.host = 0;
    int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if (v->kind == MEM_DIRECT) {
        void *at = mmap((void *)(uintptr_t)CODE, END - CODE, protection, flags | MAP_FIXED_NOREPLACE, -1, 0);
        assert_ptr_equal(at, (void *)(uintptr_t)CODE);
    } else {
        void *at = mmap(NULL, WINDOW, PROT_NONE, flags, -1, 0);
        assert_ptr_not_equal(at, MAP_FAILED);
        m.host = (uintptr_t)at;
        assert_int_equal(mprotect(host(CODE), END - CODE, protection), 0);
    }
    m.engine = engine_make(&config, &error);
    if (!m.engine) fail_msg("%s", error.text);
    keep_fault_handlers();
    m.cpu = engine_cpu_make(m.engine, &error);
    if (!m.cpu) fail_msg("%s", error.text);
    struct mem_view *view = &m.cpu->mem[0];
    *view = (struct mem_view){.kind = v->kind, .base = (uint8_t *)m.host, .limit = UINT64_MAX};
    if (v->kind == MEM_WINDOW) view->limit = WINDOW;
    if (v->kind == MEM_SOFT) {
        struct tlb *t = tlb_make();
        assert_non_null(t);
        mem_use(view, t, t->line, tlb_mask(t));
    }
}

static void machine_close(void) {
    if (m.variant->kind == MEM_DIRECT)
        munmap((void *)(uintptr_t)CODE, END - CODE);
    else
        munmap((void *)m.host, WINDOW);
    os_free(m.cpu->mem[0].tlb);
    engine_cpu_free(m.engine, m.cpu);
    engine_free(m.engine);
}

/* ---- state by name */

/* Where a name's value is: the cpu's own fields, registers by number or name, declared fields. */
static void *find_place(const char *name, unsigned *size) {
    struct riscv_cpu *cpu = riscv_of(m.cpu);
    const struct isa_kind *kinds[2] = {NULL, NULL}; /* xreg, freg: those of add's and fadd.d's rd */
    kinds[0] = riscv_isa.operands[riscv_isa.rows[RISCV_add].operands[0]].kind;
    kinds[1] = riscv_isa.operands[riscv_isa.rows[RISCV_fadd_d].operands[0]].kind;
    *size = 8;
    for (int k = 0; k < 2; k++)
        for (unsigned i = 0; i < kinds[k]->nnames; i++)
            if (!strcmp(kinds[k]->names[i].text, name))
                return k ? &cpu->raw_f[kinds[k]->names[i].value] : &cpu->raw_x[kinds[k]->names[i].value];
    if (!strcmp(name, "pc")) return &m.cpu->pc;
    if (!strcmp(name, "value")) return &m.cpu->exit.value;
    if (!strcmp(name, "reservation")) return &m.cpu->reserve_address;
    if (!strcmp(name, "fflags")) {
        *size = 4;
        return &m.cpu->fp_flags;
    }
    const struct field *f = field_find(guest_riscv.fields, guest_riscv.nfields, name);
    if (!f) return NULL;
    *size = f->size;
    return (uint8_t *)cpu + f->offset;
}

static void set_item(const struct test_case *c, const struct item *it) {
    unsigned size = it->size;
    void *at = size ? host(it->address) : find_place(it->name, &size);
    if (!at) broken(c, it->name);
    memcpy(at, &it->value, size);
}

static uint64_t junk(uint64_t n) {
    n = (n + 1) * 0x9e3779b97f4a7c15u;
    return n ^ n >> 29;
}

struct snapshot {
    struct riscv_cpu cpu;
    uint8_t data[PAGE];
};

static void set_state(const struct test_case *c) {
    struct riscv_cpu *cpu = riscv_of(m.cpu);
    fields_reset(cpu, guest_riscv.fields, guest_riscv.nfields);
    for (unsigned i = 1; i < 32; i++) cpu->raw_x[i] = junk(i);
    for (unsigned i = 0; i < 32; i++) cpu->raw_f[i] = junk(i + 32);
    for (unsigned i = 0; i < PAGE; i += 8) {
        uint64_t v = junk(i + 64);
        memcpy(host(DATA + i), &v, 8);
    }
    cpu->raw_priv = PRIV_U;
    cpu->raw_fs = FS_DIRTY;
    cpu->raw_pmpcfg[0] = PMP_R | PMP_W | PMP_X | PMP_A; /* one entry for everything */
    cpu->raw_pmpaddr[0] = UINT64_MAX >> 10;
    m.cpu->fp_flags = 0;
    m.cpu->reserve_address = UINT64_MAX;
    m.cpu->pc = CODE;
    m.cpu->exit = (struct exit){0};
    memset(host(CODE), 0, PAGE);
    for (unsigned i = 0; i < PAGE; i += 2) memcpy(host(CODE + i), "\x02\x90", 2); /* c.ebreak */
    memcpy(host(CODE), c->code, c->length);
    for (unsigned i = 0; i < c->before; i++) set_item(c, &c->items[i]);
    engine_flush(m.engine);
    cpu_flush_mapping(m.cpu);
    if (m.variant->counted) cpu_grant(m.cpu, 1000);
}

/* ---- comparison */

static unsigned differ(const struct test_case *c, const char *name, unsigned index, uint64_t is, uint64_t should) {
    if (is == should) return 0;
    fprintf(stderr, "%s:%d: %s: %s%u is 0x%llx, not 0x%llx: %s\n", c->file, c->line, m.variant->name, name, index,
            (unsigned long long)is, (unsigned long long)should, c->text);
    return 1;
}

/* Kinds that stand for each other: without page tables there is no page fault but an access fault. */
static int plain_kind(int kind) {
    return kind == EXIT_access_read    ? EXIT_fault_read
           : kind == EXIT_access_write ? EXIT_fault_write
           : kind == EXIT_access_fetch ? EXIT_fault_fetch
                                       : kind;
}

static unsigned run_case(const struct test_case *c) {
    static struct snapshot now;
    struct riscv_cpu *cpu = riscv_of(m.cpu);
    unsigned wrong = 0;
    set_state(c);
    engine_run(m.engine, m.cpu);
    int kind = plain_kind((int)m.cpu->exit.kind), expected = c->exit < 0 ? EXIT_breakpoint : plain_kind(c->exit);
    if (kind != expected) {
        fprintf(stderr, "%s:%d: %s: exit %s at %llx: %s\n", c->file, c->line, m.variant->name,
                exit_info[m.cpu->exit.kind].name, (unsigned long long)m.cpu->pc, c->text);
        return 1;
    }
    /* What came out is kept; then the expected state is made in place and the two are compared. */
    bool value_matters = false;
    now.cpu = *cpu;
    memcpy(now.data, host(DATA), PAGE);
    set_state(c);
    if (c->exit < 0) m.cpu->pc = CODE + c->length;
    for (unsigned i = 0; i < c->after; i++) {
        set_item(c, &c->items[c->before + i]);
        value_matters |= !strcmp(c->items[c->before + i].name, "value");
    }
    wrong += differ(c, "pc", 0, now.cpu.c.pc, m.cpu->pc);
    wrong += differ(c, "fflags", 0, now.cpu.c.fp_flags, m.cpu->fp_flags);
    if (value_matters) wrong += differ(c, "value", 0, now.cpu.c.exit.value, m.cpu->exit.value);
    for (unsigned f = 0; f < guest_riscv.nfields; f++)
        for (unsigned i = 0; i < guest_riscv.fields[f].count; i++) {
            const struct field *field = &guest_riscv.fields[f];
            wrong += differ(c, field->name, i, field_get(&now.cpu, field, i), field_get(cpu, field, i));
        }
    for (unsigned i = 0; i < PAGE; i++) wrong += differ(c, "byte of data ", i, now.data[i], *host(DATA + i));
    return wrong;
}

static void run_variant(void **state) {
    unsigned wrong = 0;
    machine_open(*state);
    for (unsigned i = 0; i < ncases; i++) wrong += run_case(&cases[i]) != 0;
    machine_close();
    if (wrong) fail_msg("%u of %u cases", wrong, ncases);
}

static void every_row_has_cases(void **state) {
    (void)state;
    unsigned lacking = 0;
    for (unsigned row = 1; row < riscv_isa.nrows; row++) {
        if (cases_of[row] >= 3) continue;
        fprintf(stderr, "%s: %u cases\n", riscv_isa.rows[row].name, cases_of[row]);
        lacking++;
    }
    if (lacking) fail_msg("%u rows have fewer than 3 cases", lacking);
}

int main(int argc, char **argv) {
    static const struct variant variants[] = {
        {"interp, direct", TIER_INTERP, MEM_DIRECT, false},
        {"interp, window", TIER_INTERP, MEM_WINDOW, false},
        {"interp, soft, counted", TIER_INTERP, MEM_SOFT, true},
        {"baseline, direct", TIER_BASELINE, MEM_DIRECT, false},
        {"baseline, window, counted", TIER_BASELINE, MEM_WINDOW, true},
        {"baseline, soft, counted", TIER_BASELINE, MEM_SOFT, true},
    };
    enum { VARIANTS = sizeof variants / sizeof *variants };
    struct CMUnitTest tests[VARIANTS + 1] = {cmocka_unit_test(every_row_has_cases)};
    unsigned n = 1;
    glob_t found;
    if (glob("test/guest/riscv/*.test", 0, NULL, &found)) {
        fprintf(stderr, "no test/guest/riscv/*.test here: run from the root of the sources\n");
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (argc < 2 || strstr(found.gl_pathv[i], argv[1])) read_file(found.gl_pathv[i]);
    globfree(&found);
    for (unsigned v = 0; v < VARIANTS; v++)
        if (argc < 3 || strstr(variants[v].name, argv[2]))
            tests[n++] = (struct CMUnitTest){
                .name = variants[v].name, .test_func = run_variant, .initial_state = (void *)(uintptr_t)&variants[v]};
    return _cmocka_run_group_tests("riscv instructions", tests, n, NULL, NULL);
}
