/* Accesses of 16 bytes: all of one happens or nothing, in every kind of memory, on both tiers, at every place around a
 * boundary of pages with every pair of rights. What is expected is worked out here, byte by byte. Slots of every type,
 * in registers or not, are what was put into them before the access, whether it is done or not.
 *
 * And blocks written as text, with what they compute written next to them: both tiers could be wrong in the same way.
 */
#include "pressure.h"

enum { PAGE = 4096, BOUNDARY = DATA + 2 * PAGE, SIZE = 16, AROUND = 24, RESULT = 1, PUT = 20 };
enum rights { RIGHTS_NONE, RIGHTS_READ, RIGHTS_WRITE, RIGHTS };

static enum rights rights[2]; /* before and behind the boundary */
static bool soft;             /* they are the guest's own */

static bool allowed(uint64_t address, bool write) {
    return rights[address >= BOUNDARY] >= (write ? RIGHTS_WRITE : RIGHTS_READ);
}

static void walk(struct cpu *cpu, uint64_t address, enum access access, struct walk *w) {
    (void)cpu;
    const bool write = access == ACCESS_WRITE, near = address / PAGE - (BOUNDARY / PAGE - 1) < 2;
    *w = (struct walk){.physical = address, .page_size = PAGE, .read = true, .write = true, .execute = true};
    if (!near || !soft) return;
    w->read = allowed(address, false);
    w->write = allowed(address, true);
    if (!allowed(address, write)) w->fault = write ? EXIT_fault_write : EXIT_fault_read;
}

static void protect(struct cpu *cpu, bool on) {
    static const int host[RIGHTS] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    for (unsigned n = 0; n < 2; n++)
        assert_int_equal(
            mprotect(memory + BOUNDARY - PAGE + n * PAGE, PAGE, host[on && !soft ? rights[n] : RIGHTS_WRITE]), 0);
    cpu_flush_mapping(cpu);
}

/* Puts values from PUT on into all slots that have a type of their own. Yields where the code goes on. */
static uint64_t write_puts(void) {
    uint64_t at = CODE;
    for (unsigned k = 0; k < INT_SLOTS + FP_SLOTS + WIDE_SLOTS; k++, at += LENGTH) {
        const unsigned f = k - INT_SLOTS, v = f - FP_SLOTS;
        const struct code put =
            k < INT_SLOTS  ? (struct code){.op = UOP_put, .a = (uint8_t)(PUT + k), .x = (uint8_t)k}
            : f < FP_SLOTS ? (struct code){.op = UOP_put, .a = (uint8_t)(PUT + f), .x = (uint8_t)(FIRST_FP + f)}
                           : (struct code){.op = UOP_put_v128, .a = (uint8_t)(PUT + v), .x = (uint8_t)v};
        memcpy(code + (at - CODE), &put, LENGTH);
    }
    return at;
}

/* One access; value n of the integers is its address, in space n % 3 and without displacement (n % 8 is 0). */
static void try_access(struct world *w, enum uop_op op, unsigned n, uint64_t address) {
    const bool write = op == UOP_store_v128;
    const uint64_t old[2] = {0x1111111111111111, 0x2222222222222222}, new[2] = {0x0123456789abcdef, ~address};
    const uint64_t start = n % 3 == 1 ? (uint64_t)(uintptr_t)memory : 0;
    uint64_t *value = w->frame + value_at(T_V128, RESULT), seen[2];
    const struct code access = {.op = (uint16_t)op, .dst = RESULT, .a = (uint8_t)n, .b = RESULT};
    struct strained *s = (struct strained *)w->cpu;
    const uint64_t pc = write_puts();
    uint64_t first_bad = UINT64_MAX;
    memcpy(code + (pc - CODE), &access, sizeof access);
    memcpy(code + (pc - CODE) + LENGTH, &(struct code){.op = CODE_STOP}, LENGTH);
    for (unsigned k = 0; k < OTHERS; k++) w->frame[k] = address * 0x9e3779b97f4a7c15 + k;
    memset(s->x, 0, sizeof *s - offsetof(struct strained, x));
    memset(memory + BOUNDARY - 64, 0x77, 128);
    memcpy(memory + address, write ? old : new, SIZE);
    memcpy(value, write ? new : old, SIZE);
    w->frame[value_at(T_I64, n)] = start + address;
    for (uint64_t at = address + SIZE; at-- > address;)
        if (!allowed(at, write)) first_bad = at;
    protect(w->cpu, true);
    w->cpu->pc = CODE;
    cpu_grant(w->cpu, 100);
    engine_run(w->engine, w->cpu);
    protect(w->cpu, false);
    for (unsigned k = 0; k < INT_SLOTS; k++) assert_int_equal(s->x[k], w->frame[value_at(T_I64, PUT + k)]);
    for (unsigned k = 0; k < FP_SLOTS; k++) assert_int_equal(s->f[k], w->frame[value_at(T_F64, PUT + k)]);
    for (unsigned k = 0; k < WIDE_SLOTS; k++) assert_memory_equal(s->v[k], &w->frame[value_at(T_V128, PUT + k)], SIZE);
    const struct exit *exit = &w->cpu->exit;
    const bool done = exit->kind == EXIT_finished;
    if (done != (first_bad == UINT64_MAX))
        fail_msg("%s at 0x%llx, space %u, rights %d %d: exit %s", uop_info[op].name, (unsigned long long)address, n % 3,
                 rights[0], rights[1], exit_info[exit->kind].name);
    memcpy(seen, memory + address, SIZE);
    assert_memory_equal(seen, write && !done ? old : new, SIZE);
    assert_memory_equal(value, write || done ? new : old, SIZE);
    for (uint64_t at = BOUNDARY - 64; at < BOUNDARY + 64; at++)
        if (at - address >= SIZE) assert_int_equal(memory[at], 0x77);
    if (done) return;
    assert_int_equal(w->cpu->pc, pc);
    /* In linear memory, by whatever space it is reached here, nothing can be mended: one kind says all. */
    const bool bounds = w->cpu->mem[0].kind == MEM_LINEAR && exit->kind == EXIT_memory_bounds;
    const uint64_t at = exit->value - (bounds ? 0 : start);
    if (!bounds) assert_int_equal(exit->kind, write ? EXIT_fault_write : EXIT_fault_read);
    assert_true(at - address < SIZE && !allowed(at, write));
}

static void all_or_nothing(enum tier tier, enum mem_kind kind, bool counted) {
    static const uint8_t by_space[3] = {0, 16, 8};
    static struct world w;
    world_make(&w, &(struct engine_config){.tier = tier, .counted = counted}, kind);
    for (unsigned space = 0; space < 3; space++)
        for (unsigned pair = 0; pair < RIGHTS * RIGHTS; pair++)
            for (unsigned op = 0; op < 2; op++) {
                soft = w.cpu->mem[space].kind == MEM_SOFT;
                rights[0] = (enum rights)(pair / RIGHTS);
                rights[1] = (enum rights)(pair % RIGHTS);
                engine_invalidate(w.engine, CODE, PAGE);
                for (uint64_t address = BOUNDARY - AROUND; address < BOUNDARY + AROUND - SIZE; address++)
                    try_access(&w, op ? UOP_store_v128 : UOP_load_v128, by_space[space], address);
            }
    world_free(&w);
}

/* Where there is no RAM: devices are asked for 8 bytes at most. */
static void not_of_devices(enum tier tier) {
    static struct world w;
    world_make(&w, &(struct engine_config){.tier = tier}, MEM_WINDOW);
    for (unsigned op = 0; op < 2; op++)
        for (uint64_t address = MEMORY - 8; address <= MEMORY; address += 8) {
            const struct code access = {.op = op ? UOP_store_v128 : UOP_load_v128, .dst = RESULT, .a = 8, .b = RESULT};
            engine_invalidate(w.engine, CODE, PAGE);
            memcpy(code, &access, sizeof access);
            memset(memory + MEMORY - 8, 0x55, 8);
            w.frame[value_at(T_I64, 8)] = address;
            w.cpu->pc = CODE;
            engine_run(w.engine, w.cpu);
            assert_int_equal(w.cpu->exit.kind, op ? EXIT_access_write : EXIT_access_read);
            assert_int_equal(w.cpu->pc, CODE);
            assert_int_equal(memory[MEMORY - 8], 0x55);
        }
    world_free(&w);
}

/* The test library puts handlers of its own in the place of the engine's before every test. */
static void on_fault(int signal, siginfo_t *info, void *context) {
    if (!engine_host_fault(signal, info, context)) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}

static void accesses_are_all_or_nothing(void **state) {
    (void)state;
    static const enum tier tiers[] = {TIER_INTERP, TIER_BASELINE};
    catch_faults();
    for (unsigned k = 0; k < (host_native ? 2 : 1); k++) {
        all_or_nothing(tiers[k], MEM_WINDOW, false);
        strained_pin(3, 4); /* the others are in memory, and their registers scratch */
        all_or_nothing(tiers[k], MEM_LINEAR, k);
        strained_make();
        not_of_devices(tiers[k]);
    }
}

/* ---- blocks as text */

enum { CODE_TEXT = CODE_BOXED + 1 };
static const char *text; /* what such an instruction stands for */

/* Through the builder, as lifters do it. */
static void replay(struct builder *b, const struct block *k) {
    uint16_t temp[BLOCK_MAX_TEMPS] = {0};
    for (uint32_t i = 0; i < k->nuops; i++) {
        struct uop u = k->uops[i];
        const struct uop_info *info = &uop_info[u.op];
        const enum type result = (enum type)info->result;
        uint16_t *to = &temp[u.dst];
        if (info->form == FORM_MARK) continue;
        if (info->form == FORM_CONST) {
            *to = build_const(b, result, (uint64_t)u.imm);
        } else if (info->form == FORM_POOL) {
            *to = build_const_wide(b, result, k->pool + u.imm);
        } else if (info->form == FORM_SLOT && result == T_N) {
            build_put(b, u.x, temp[u.a]);
        } else if (info->form == FORM_SLOT) {
            *to = build_get(b, u.x);
        } else {
            u.a = temp[u.a], u.b = temp[u.b], u.c = temp[u.c];
            *to = builder_emit(b, u);
        }
    }
}

static unsigned lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    struct code i;
    char why[100];
    memcpy(&i, bytes, sizeof i);
    if (i.op != CODE_TEXT) return strained_lift(b, bytes, avail);
    const struct block *k = block_parse(text, b->arena, b->guest, why, sizeof why);
    if (!k) fail_msg("%s", why);
    builder_mark(b, b->pc, LENGTH);
    replay(b, k);
    return LENGTH;
}

/* Slots: v is 0x0f..00, every byte its number; slot33 (the next wide one) is 0xfff..f8; x is 0x8877665544332211,
   slot1 is 0. Results go to slot34 and slot2. */
#define IN                                                                                                             \
    "block 10000000 ctx 0\n10000000: mark 8\n"                                                                         \
    "%1 = get_v128 v\n%3 = get_v128 slot33\n%5 = get_i64 x\n%6 = get_i64 slot1\n%7 = trunc_i32 %5\n"
#define WIDE(line)   IN line "\nput_v128 slot34, %10\nexit finished, 0\n"
#define NARROW(line) IN line "\nput slot2, %10\nexit finished, 0\n"
#define ADD(lanes)   WIDE("%10 = add_" lanes " %1, %3")
static const struct {
    const char *text;
    uint64_t high, low; /* low: of narrow ones, too */
} computed[] = {
    {ADD("i8x16"), 0x0e0d0c0b0a090807, 0x06050403020100f8},
    {ADD("i16x8"), 0x0f0d0d0b0b090907, 0x07050503030100f8},
    {ADD("i32x4"), 0x0f0e0d0b0b0a0907, 0x07060503030200f8},
    {ADD("i64x2"), 0x0f0e0d0c0b0a0907, 0x07060504030200f8},
    {WIDE("%10 = and_v128 %1, %3"), 0x0f0e0d0c0b0a0908, 0x0706050403020100},
    {WIDE("%10 = xor_v128 %1, %3"), 0xf0f1f2f3f4f5f6f7, 0xf8f9fafbfcfdfef8},
    {WIDE("%10 = or_v128 %1, %1"), 0x0f0e0d0c0b0a0908, 0x0706050403020100},
    {WIDE("%10 = splat_i8x16 %7"), 0x1111111111111111, 0x1111111111111111},
    {WIDE("%10 = splat_i16x8 %7"), 0x2211221122112211, 0x2211221122112211},
    {WIDE("%10 = splat_i32x4 %7"), 0x4433221144332211, 0x4433221144332211},
    {WIDE("%10 = splat_i64x2 %5"), 0x8877665544332211, 0x8877665544332211},
    {WIDE("%10 = replace_i8x16.9 %1, %7"), 0x0f0e0d0c0b0a1108, 0x0706050403020100},
    {WIDE("%10 = replace_i16x8.7 %1, %7"), 0x22110d0c0b0a0908, 0x0706050403020100},
    {WIDE("%10 = replace_i32x4.1 %1, %7"), 0x0f0e0d0c0b0a0908, 0x4433221103020100},
    {WIDE("%10 = replace_i64x2.1 %1, %5"), 0x8877665544332211, 0x0706050403020100},
    {WIDE("%10 = replace_i64x2.2 %1, %5"), 0x0f0e0d0c0b0a0908, 0x8877665544332211}, /* modulo */
    {WIDE("%10 = select_v128 %5, %1, %3"), 0x0f0e0d0c0b0a0908, 0x0706050403020100},
    {WIDE("%10 = select_v128 %6, %1, %3"), 0xffffffffffffffff, 0xfffffffffffffff8},
    {WIDE("%8 = const_v128 0x80000000000000000000000000000001\n%10 = add_i64x2 %1, %8"), 0x8f0e0d0c0b0a0908,
     0x0706050403020101},
    {WIDE("%8 = const_v128 0xffffffffffffffffffffffffffffffff\n%10 = xor_v128 %8, %1"), 0xf0f1f2f3f4f5f6f7,
     0xf8f9fafbfcfdfeff},
    {WIDE("%8 = const_v128 0x0\n%10 = and_v128 %8, %1"), 0, 0},
    {WIDE("putf_v128 frame[400], %1\n%10 = getf_v128 frame[399]"), 0x0706050403020100, 0x5555555555555555},
    {NARROW("%8 = extract_i8x16.13 %1\n%10 = zext32_i64 %8"), 0, 0x0d},
    {NARROW("%8 = extract_i8x16.6 %3\n%10 = sext32_i64 %8"), 0, 0xff},
    {NARROW("%8 = extract_i16x8.0 %3\n%10 = sext32_i64 %8"), 0, 0xfff8},
    {NARROW("%8 = extract_i16x8.5 %1\n%10 = zext32_i64 %8"), 0, 0x0b0a},
    {NARROW("%8 = extract_i32x4.2 %1\n%10 = zext32_i64 %8"), 0, 0x0b0a0908},
    {NARROW("%8 = extract_i32x4.0 %3\n%10 = sext32_i64 %8"), 0, 0xfffffffffffffff8},
    {NARROW("%10 = extract_i64x2.1 %1"), 0, 0x0f0e0d0c0b0a0908},
    {NARROW("%10 = extract_i64x2.4 %1"), 0, 0x0706050403020100},
};

static void blocks_compute_what_is_written(void **state) {
    (void)state;
    static struct world w;
    strained.lift = lift;
    for (unsigned k = 0; k < (host_native ? 2 : 1); k++) {
        world_make(&w, &(struct engine_config){.tier = k ? TIER_BASELINE : TIER_INTERP}, MEM_WINDOW);
        struct strained *s = (struct strained *)w.cpu;
        for (unsigned n = 0; n < sizeof computed / sizeof *computed; n++) {
            for (unsigned i = 0; i < 16; i++) ((uint8_t *)s->v[0])[i] = (uint8_t)i;
            s->v[1][0] = (uint64_t)-8, s->v[1][1] = UINT64_MAX;
            s->x[0] = 0x8877665544332211, s->x[1] = 0;
            w.frame[399] = 0x5555555555555555;
            text = computed[n].text;
            memcpy(code, &(struct code){.op = CODE_TEXT}, LENGTH);
            engine_invalidate(w.engine, CODE, PAGE);
            w.cpu->pc = CODE;
            engine_run(w.engine, w.cpu);
            assert_int_equal(w.cpu->exit.kind, EXIT_finished);
            const bool narrow = strstr(text, "put slot2") != NULL;
            if ((narrow ? s->x[2] : s->v[2][0]) != computed[n].low || (!narrow && s->v[2][1] != computed[n].high))
                fail_msg("tier %u: 0x%016llx%016llx, 0x%llx after %s", k, (unsigned long long)s->v[2][1],
                         (unsigned long long)s->v[2][0], (unsigned long long)s->x[2], text);
        }
        world_free(&w);
    }
    strained.lift = strained_lift;
}

static int setup(void **state) {
    (void)state;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS, both = PROT_READ | PROT_WRITE;
    strained_make();
    static const struct guest_effects nothing; /* is read or written by it */
    strained.walk = walk;
    strained.effects = &nothing;
    memory = mmap(NULL, MEMORY, both, flags, -1, 0);
    code = mmap(NULL, CODE_SIZE, both, flags | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED || code == MAP_FAILED;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_are_all_or_nothing),
        cmocka_unit_test(blocks_compute_what_is_written),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
