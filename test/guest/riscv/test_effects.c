/* What instructions and CSRs read and write: from the declarations, and against what is touched.
 *
 * Without arguments a unit test: every CSR, helper and function of the guest's table declares what it touches and
 * nothing else, found by calling each with random state (builds with checks, whose accessors note every access); and a
 * declaration from which anything is left out ends the process with a message that names it.
 *
 *   test_effects table          prints every instruction that reads or writes more than registers and memory, and every
 *                               CSR: the fields with their classes, as follows from lifting the row
 *   test_effects seen FILE...   compares the lines that `-d effects` has written (builds with checks) with what is
 *                               declared: exit status 1 if anything declared was never seen, but for what is listed
 * here
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/interface.h"
#include "machine/hart.h"
#include "riscv_isa.h"

static struct arena arena;
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_word(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1d;
}

static void add(struct effect *to, struct effect from) {
    to->reads |= from.reads;
    to->writes |= from.writes;
}

/* ---- from the declarations */

static struct block *lift(const struct riscv_cpu *cpu, uint32_t bits, unsigned length) {
    struct block *block = block_make(&arena, 0x10000, guest_riscv.context(&cpu->c));
    struct builder b;
    builder_init(&b, block, &arena, &guest_riscv);
    guest_riscv.lift(&b, (const uint8_t *)&bits, length);
    return block;
}

static bool same(const struct block *a, const struct block *b) {
    return a->nuops == b->nuops && !memcmp(a->uops, b->uops, a->nuops * sizeof *a->uops);
}

static struct effect effect_of_block(const struct block *block) {
    struct effect e = {0};
    for (uint32_t i = 0; i < block->nuops; i++) add(&e, uop_effect(&guest_riscv, &block->uops[i]));
    return e;
}

/* Of an instruction in every context. What it is lifted to may hang on a field of the context: then that is read. */
static struct effect effect_of(uint32_t bits, unsigned length) {
    struct riscv_cpu base = {.raw_priv = PRIV_M, .raw_fs = FS_DIRTY, .raw_cbo = 7};
    arena_reset(&arena);
    const struct block *block = lift(&base, bits, length);
    struct effect e = effect_of_block(block);
    for (unsigned f = 0; f < RISCV_FIELD_COUNT; f++)
        for (uint64_t v = 0; v < 1u << riscv_fields[f].ctx_bits && riscv_fields[f].ctx_bits; v++) {
            struct riscv_cpu other = base;
            if (f == RISCV_FIELD_priv && v == 2) continue;
            field_set(&other, &riscv_fields[f], 0, v);
            const struct block *changed = lift(&other, bits, length);
            if (same(block, changed)) continue;
            e.reads |= IN_SET(FIELD_PLACES + f);
            add(&e, effect_of_block(changed));
        }
    return e;
}

static bool random_encoding(unsigned number, uint32_t *bits) {
    const struct isa_row *row = &riscv_isa.rows[number];
    for (int tries = 0; tries < 2000; tries++) {
        *bits = row->value | ((uint32_t)random_word() & ~row->mask & (row->length == 2 ? 0xffff : UINT32_MAX));
        if (riscv_decode(*bits) == number) return true;
    }
    return false;
}

static bool is_csr(uint32_t bits) {
    return (bits & 0x7f) == 0x73 && (bits >> 12 & 3) != 0;
}

/* An instruction of the row with any operands. */
static struct effect effect_of_row(unsigned number) {
    struct effect e = {0};
    uint32_t bits;
    for (int round = 0; round < 50 && random_encoding(number, &bits); round++)
        add(&e, effect_of(bits, riscv_isa.rows[number].length));
    return e;
}

static struct effect effect_of_csr(unsigned number, bool writes) {
    return effect_of((uint32_t)number << 20 | 0x2073 | 5 << 7 | (writes ? 6 << 15 : 0),
                     4); /* csrrs x5, number, x0 or x6 */
}

/* Registers, memory and the way on are everybody's; so is what any access to memory asks. */
static const struct uop a_load = {.op = UOP_load_64}, a_store = {.op = UOP_store_64}, an_sc = {.op = UOP_sc_64};
static place_set ordinary(void) {
    struct effect e = uop_effect(&guest_riscv, &a_load);
    add(&e, uop_effect(&guest_riscv, &a_store));
    add(&e, uop_effect(&guest_riscv, &an_sc));
    return e.reads | e.writes | SET_OF(x) | SET_OF(f) | IN_SET(PLACE_PC) | IN_SET(PLACE_FP_FLAGS) |
           IN_SET(PLACE_RESERVE);
}
static bool touches_memory(struct effect e) {
    const struct effect walk = riscv_effects.walk;
    return (e.reads & walk.reads) == walk.reads;
}

static void print_set(const char *what, place_set set) {
    printf("  %s", what);
    for (unsigned p = 0; p < PLACE_SET_SIZE; p++)
        if (set_has(set, p)) printf(" %s:%s", place_name(&guest_riscv, p), place_class(&guest_riscv, p));
    printf("\n");
}

static void print_effect(struct effect e) {
    if (touches_memory(e)) {
        e.reads &= ~(ordinary() & ~(SET_OF(x) | SET_OF(f) | IN_SET(PLACE_FP_FLAGS) | IN_SET(PLACE_RESERVE)));
        e.writes &= ~ordinary() | SET_OF(x) | SET_OF(f) | IN_SET(PLACE_FP_FLAGS) | IN_SET(PLACE_RESERVE);
        printf("  and what an access to memory reads and writes\n");
    }
    print_set("reads ", e.reads);
    print_set("writes", e.writes);
}

enum { NUMBERS = HELPER_COUNT + GUEST_FUNCTIONS };
static const char *const function_names[] = {"walk", "enter_trap", "take_interrupt", "wakes", "set_line", "tick"};

static const char *number_name(unsigned n) {
    return n < HELPER_COUNT ? riscv_helpers[n].name : function_names[n - HELPER_COUNT];
}
static struct effect number_effect(const struct guest *guest, unsigned n) {
    return n < HELPER_COUNT ? guest->helpers[n].effect : (&guest->effects->walk)[n - HELPER_COUNT];
}

/* Those that ask for a trap, or the interface, by themselves: how. */
static enum exit_kind exit_of_row(unsigned number) {
    struct riscv_cpu base = {.raw_priv = PRIV_M, .raw_fs = FS_DIRTY, .raw_cbo = 7};
    uint32_t bits;
    arena_reset(&arena);
    if (!random_encoding(number, &bits)) return EXIT_none;
    const struct block *block = lift(&base, bits, riscv_isa.rows[number].length);
    const struct uop *last = &block->uops[block->nuops - 1];
    return last->op == UOP_exit && last->x != EXIT_illegal && last->x != EXIT_retranslate ? last->x : EXIT_none;
}

/* Rows that read and write the same are printed together. */
static int print_table(void) {
    static struct effect effects[2000];
    static bool done[2000];
    assert_true(riscv_isa.nrows < sizeof done / sizeof *done);
    for (unsigned n = 1; n < riscv_isa.nrows; n++) effects[n] = effect_of_row(n);
    for (unsigned n = 1; n < riscv_isa.nrows; n++) {
        const place_set all = effects[n].reads | effects[n].writes;
        if (done[n] || is_csr(riscv_isa.rows[n].value)) continue;
        if (touches_memory(effects[n])
                ? !(all & ~ordinary())
                : !(all & ~(ordinary() & (SET_OF(x) | SET_OF(f) | IN_SET(PLACE_PC) | IN_SET(PLACE_FP_FLAGS)))))
            continue;
        for (unsigned m = n; m < riscv_isa.nrows; m++)
            if (effects[m].reads == effects[n].reads && effects[m].writes == effects[n].writes) {
                printf("%s%s", m == n ? "" : " ", riscv_isa.rows[m].name);
                done[m] = true;
            }
        printf("\n");
        print_effect(effects[n]);
    }
    for (unsigned n = 1; n < riscv_isa.nrows; n++)
        if (exit_of_row(n)) printf("%s\n  leaves: %s\n", riscv_isa.rows[n].name, exit_info[exit_of_row(n)].text);
    for (unsigned n = 0; n < GUEST_FUNCTIONS; n++) {
        printf("(%s)\n", number_name(HELPER_COUNT + n));
        print_set("reads ", number_effect(&guest_riscv, HELPER_COUNT + n).reads);
        print_set("writes", number_effect(&guest_riscv, HELPER_COUNT + n).writes);
    }
    printf("an access to memory\n");
    print_set("reads ", uop_effect(&guest_riscv, &a_load).reads);
    print_set("writes", uop_effect(&guest_riscv, &a_store).writes);
    for (unsigned n = 0; n < 1 << 12; n++) {
        char name[40];
        if (!riscv_csr_name(n, name, sizeof name)) continue;
        printf("%s %#x\n read:\n", name, n);
        print_effect(effect_of_csr(n, false));
        if (n >> 10 == 3) continue;
        printf(" written:\n");
        print_effect(effect_of_csr(n, true));
    }
    return 0;
}

/* ---- against what was seen */

/* What nobody calls: of fflags, frm and fcsr lifted code reads the slots (lift.c), and read-only CSRs are not written.
 */
static bool is_called(unsigned n) {
    if (n < HELPER_CSR || n >= HELPER_COUNT) return true;
    const unsigned row = (n - HELPER_CSR) / 2;
    if (row == CSR_ROW_fflags || row == CSR_ROW_frm || row == CSR_ROW_fcsr) return false;
    for (unsigned number = 0; number < 1 << 12; number++)
        if (riscv_csr_helper(number, (n - HELPER_CSR) & 1) == (int)n)
            return number >> 10 != 3 || !((n - HELPER_CSR) & 1);
    return false;
}

/* Prints what is declared but was not seen; yields how many places that are. */
static unsigned never_seen(const struct effect *seen) {
    unsigned missing = 0;
    for (unsigned n = 0; n < NUMBERS; n++) {
        const struct effect declared = number_effect(&guest_riscv, n);
        const place_set reads = declared.reads & ~seen[n].reads, writes = declared.writes & ~seen[n].writes;
        char r[1000], w[1000];
        if (!is_called(n) || !(reads | writes)) continue;
        printf("%s: declared and never seen: reads %s; writes %s\n", number_name(n),
               set_names(&guest_riscv, reads, r, sizeof r), set_names(&guest_riscv, writes, w, sizeof w));
        missing++;
    }
    return missing;
}

static place_set parse_set(char *text) {
    place_set set = 0;
    for (char *name = strtok(text, " "); name; name = strtok(NULL, " "))
        for (unsigned p = 0; p < FIELD_PLACES + RISCV_FIELD_COUNT; p++)
            if (!strcmp(place_name(&guest_riscv, p), name)) set |= IN_SET(p);
    return set;
}

static int compare_with(char **files, int n) {
    static struct effect seen[NUMBERS];
    unsigned lines = 0;
    for (int i = 0; i < n; i++) {
        FILE *f = fopen(files[i], "r");
        char line[4000], name[80], reads[2000], writes[2000];
        while (f && fgets(line, sizeof line, f)) {
            const char *at = strstr(line, "effects ");
            if (!at || sscanf(at, "effects %79s reads %1999[^;]; writes %1999[^\n]", name, reads, writes) != 3)
                continue;
            for (unsigned k = 0; k < NUMBERS; k++)
                if (!strcmp(number_name(k), name)) {
                    add(&seen[k], (struct effect){.reads = parse_set(reads)});
                    add(&seen[k], (struct effect){.writes = parse_set(writes)});
                    lines++;
                }
        }
        if (f) fclose(f);
    }
    unsigned wrong = never_seen(seen);
    for (unsigned k = 0; k < NUMBERS; k++) {
        const struct effect declared = number_effect(&guest_riscv, k);
        if ((seen[k].reads & ~declared.reads) || (seen[k].writes & ~declared.writes)) {
            printf("%s: seen and not declared\n", number_name(k));
            wrong++;
        }
    }
    printf("%u lines, %u of %u differ\n", lines, wrong, (unsigned)NUMBERS);
    return wrong || !lines;
}

/* ---- the unit test */

#ifdef VEE_CHECK
static uint64_t count(void *self, struct cpu *cpu, enum counter which) {
    (void)self, (void)cpu, (void)which;
    return random_word();
}
static uint64_t some_bits(void *self, struct cpu *cpu) {
    (void)self, (void)cpu;
    return random_word();
}
static const struct interface interface = {.name = "test", .counter = count, .random = some_bits};

/* Any state: what software can write, or nothing of it. A third of the entries in the page of tables leads on. */
static void any_state(struct hart *h) {
    static const uint32_t privileges[] = {PRIV_U, PRIV_S, PRIV_M};
    struct effect *const noted = h->cpu.c.noted;
    h->cpu.c.noted = NULL;
    for (unsigned f = 0; f < RISCV_FIELD_COUNT; f++)
        for (unsigned i = 0; i < riscv_fields[f].count; i++) {
            const uint64_t v = random_word(), bits = v & 4 ? random_word() : v & 8 ? 0 : UINT64_MAX;
            field_set(&h->cpu, &riscv_fields[f], i, bits & riscv_fields[f].write_mask);
        }
    h->cpu.raw_priv = privileges[random_word() % 3];
    h->cpu.raw_lines = random_word() & random_word() & 0xaaa;
    h->cpu.raw_satp = random_word() % 4 ? (8 + random_word() % 3) << 60 | HART_RAM >> 12 : 0;
    if (random_word() % 2) {
        h->cpu.raw_pmpcfg[0] = 0x1f; /* everything */
        h->cpu.raw_pmpaddr[0] = UINT64_MAX >> 10;
    }
    uint64_t *table = hart_word(h, HART_RAM);
    for (unsigned i = 0; i < 512; i++)
        table[i] = (uint64_t)HART_RAM >> 2 | (random_word() % 3 ? random_word() & 0xcf : 1) | 1 |
                   (random_word() % 4 ? 0 : random_word() % 4 << 61);
    h->cpu.c.fp_flags = random_word() & 31;
    h->cpu.c.pc = random_word() & ~1ull;
    h->cpu.c.actions = 0;
    h->cpu.c.exit = (struct exit){0};
    h->cpu.c.noted = noted;
}

static void call_csr(struct hart *h, unsigned number, bool writes) {
    const uint64_t op = random_word() % 3;
    any_state(h);
    if (h->cpu.raw_priv < (number >> 8 & 3)) h->cpu.raw_priv = number >> 8 & 3; /* the lifter sees to that */
    const uint64_t a = number | op << CSR_OP_SHIFT | (writes ? CSR_WANTS_WRITE : 0);
    const uint64_t b = random_word() % 4 ? random_word() : random_word() % 2 ? UINT64_MAX : 0;
    guest_help(&h->cpu.c, (unsigned)riscv_csr_helper(number, writes), a, b, 0x73);
}

static void call_function(struct hart *h, enum guest_function f) {
    struct walk w;
    unsigned actions;
    any_state(h);
    switch (f) {
    case GUEST_walk:
        guest_walk(&h->cpu.c, random_word() % 4 ? random_word() & 0x7fffffffff : HART_RAM + random_word() % 8192,
                   random_word() % 4, &w);
        break;
    case GUEST_enter_trap:
        cpu_exit(&h->cpu.c, random_word() % 2 ? EXIT_syscall : EXIT_fault_read, random_word());
        guest_enter_trap(&h->cpu.c);
        break;
    case GUEST_take_interrupt: guest_take_interrupt(&h->cpu.c, &actions); break;
    case GUEST_wakes: guest_wakes(&h->cpu.c); break;
    case GUEST_set_line: guest_set_line(&h->cpu.c, IRQ_MEI, random_word() & 1); break;
    case GUEST_tick: guest_tick(&h->cpu.c, random_word()); break;
    case GUEST_FUNCTIONS: break;
    }
}

static void call_everything(struct hart *h, unsigned rounds) {
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned number = 0; number < 1 << 12; number++) {
            if (number >= 1 && number <= 3) continue;
            if (riscv_csr_helper(number, false) >= 0) call_csr(h, number, false);
            if (number >> 10 != 3 && riscv_csr_helper(number, true) >= 0) call_csr(h, number, true);
        }
        for (unsigned helper = 0; helper < HELPER_CSR; helper++) {
            any_state(h);
            guest_help(&h->cpu.c, helper, 0x73, 0, 0);
        }
        for (unsigned f = 0; f < GUEST_FUNCTIONS; f++) call_function(h, f);
    }
}

static void what_is_declared_is_what_is_touched(void **state) {
    static struct effect seen[NUMBERS];
    struct hart *h = hart_make();
    (void)state;
    h->cpu.c.interface = &interface;
    h->cpu.c.seen = seen;
    call_everything(h, 2000); /* ends the process where more is touched than declared */
    assert_int_equal(never_seen(seen), 0);
    hart_free(h);
}

/* Every declaration without each of its places, one at a time: found, by name. */
static void left_out_is_found(struct hart *h, struct guest *guest, struct effect *e, unsigned n, unsigned place,
                              bool write) {
    const struct effect all = *e;
    int out[2];
    char text[500] = "", wanted[100];
    if (write)
        e->writes &= ~IN_SET(place);
    else
        e->reads &= ~IN_SET(place);
    assert_int_equal(pipe(out), 0);
    const pid_t child = fork();
    if (!child) {
        dup2(out[1], 2);
        signal(SIGABRT, SIG_DFL);
        h->cpu.c.guest = guest;
        for (unsigned round = 0; round < 20000; round++) {
            if (n >= HELPER_COUNT) {
                call_function(h, n - HELPER_COUNT);
            } else if (n < HELPER_CSR) {
                any_state(h);
                guest_help(&h->cpu.c, n, 0x73, 0, 0);
            } else {
                for (unsigned number = 0; number < 1 << 12; number++)
                    if (riscv_csr_helper(number, (n - HELPER_CSR) & 1) == (int)n)
                        call_csr(h, number, (n - HELPER_CSR) & 1);
            }
        }
        _exit(0);
    }
    close(out[1]);
    int status;
    ssize_t got = read(out[0], text, sizeof text - 1);
    waitpid(child, &status, 0);
    close(out[0]);
    snprintf(wanted, sizeof wanted, "%s %s", write ? "writes" : "reads", place_name(guest, place));
    if (got <= 0 || !strstr(text, number_name(n)) || !strstr(text, wanted))
        fail_msg("%s without %s: '%s'", number_name(n), wanted, text);
    assert_true(WIFSIGNALED(status));
    *e = all;
}

static void what_is_left_out_is_found(void **state) {
    struct hart *h = hart_make();
    static struct helper helpers[HELPER_COUNT];
    struct guest_effects effects = riscv_effects;
    struct guest guest = guest_riscv;
    (void)state;
    h->cpu.c.interface = &interface;
    memcpy(helpers, riscv_helpers, sizeof helpers);
    guest.helpers = helpers;
    guest.effects = &effects;
    for (unsigned n = 0; n < NUMBERS; n++) {
        struct effect *e = n < HELPER_COUNT ? &helpers[n].effect : &(&effects.walk)[n - HELPER_COUNT];
        if (!is_called(n)) continue;
        for (unsigned place = 0; place < PLACE_SET_SIZE; place++) {
            if (set_has(e->writes, place)) left_out_is_found(h, &guest, e, n, place, true);
            if (set_has(e->reads, place)) left_out_is_found(h, &guest, e, n, place, false);
        }
    }
    hart_free(h);
}
#endif

/* Rows of which the text of the manual says what they do, as examples; and every CSR is what its row says. */
static void lifting_shows_the_declarations(void **state) {
    (void)state;
    struct effect e = effect_of(0x30200073, 4); /* mret */
    assert_true(set_has(e.reads, RISCV_PLACE(mepc)) && set_has(e.reads, RISCV_PLACE(priv)));
    assert_true(set_has(e.writes, RISCV_PLACE(priv)) && set_has(e.writes, RISCV_PLACE(status_stack)));
    assert_false(set_has(e.writes, RISCV_PLACE(x)));
    e = effect_of_csr(0x100, false); /* sstatus has nothing of what mstatus says of traps */
    assert_true(set_has(e.reads, RISCV_PLACE(status_ie)) && !set_has(e.reads, RISCV_PLACE(status_trap)));
    e = effect_of_csr(0x300, true);
    assert_true(set_has(e.writes, RISCV_PLACE(status_trap)) && set_has(e.writes, RISCV_PLACE(fs)));
    e = effect_of(0x0000000f | 0x0ff << 20, 4); /* fence */
    assert_true(!(e.writes & ~IN_SET(PLACE_PC)));
    e = effect_of(0x00b50533, 4); /* add */
    assert_true(e.writes == (SET_OF(x) | IN_SET(PLACE_PC)) && e.reads == (SET_OF(x) | IN_SET(PLACE_PC)));
    e = effect_of(0x02b57553, 4); /* fadd.d, dynamic rounding */
    assert_true(set_has(e.reads, RISCV_PLACE(frm)) && set_has(e.reads, RISCV_PLACE(fs)));
    assert_true(set_has(e.writes, RISCV_PLACE(fs)) && set_has(e.writes, PLACE_FP_FLAGS));
    for (unsigned n = 4; n < 1 << 12; n++)
        for (unsigned w = 0; w < 2; w++) {
            const int helper = riscv_csr_helper(n, w);
            if (helper < 0 || (w && n >> 10 == 3)) continue;
            e = effect_of_csr(n, w);
            const struct effect declared = riscv_helpers[helper].effect;
            assert_true((declared.reads & ~e.reads) == 0 && (declared.writes & ~e.writes) == 0);
        }
}

int main(int argc, char **argv) {
    arena_init(&arena, 1 << 16);
    if (argc > 1 && !strcmp(argv[1], "table")) return print_table();
    if (argc > 2 && !strcmp(argv[1], "seen")) return compare_with(argv + 2, argc - 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifting_shows_the_declarations),
#ifdef VEE_CHECK
        cmocka_unit_test(what_is_declared_is_what_is_touched),
        cmocka_unit_test(what_is_left_out_is_found),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
