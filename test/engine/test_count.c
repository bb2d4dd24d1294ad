/* Exact counts: a riscv program with everything that a block can be left by, stopped after every number of instructions
 * there is. What single steps of the interpreter leave behind is the reference.
 */
#include "engine/rig.h"

static struct rig r;

/* Branches, loops, direct and indirect calls, stores, atomics, floats, the counter itself; a fault at the end. `change`
   rewrites an instruction behind itself. */
static const char program[] =
    "start: addi s0, zero, 6; csrrw zero, fflags, zero; loop: jal ra, f; andi t1, s0, 1; beq t1, zero, even;"
    "sd a0, 0(s1); addi s1, s1, 8; even: addi a2, a2, 3; fadd.d fa0, fa0, fa1; fsd fa0, 64(s1); jalr ra, 0(s2);"
    "amoadd.d a3, a2, (s3); csrrs a4, instret, zero; add a7, a7, a4; lr.w a4, (s3); sc.w a4, a4, (s3);"
    "addi s0, s0, -1; bne s0, zero, loop; jal ra, change; addi s0, zero, 3; again: addi s0, s0, -1; addi a2, a2, 1;"
    "beq s0, zero, over; addi a2, a2, 1; bne s0, zero, again; over: csrrs a4, fflags, zero; add a0, a0, a2;"
    "sd a0, 0(s4); ecall;"
    "f: addi sp, sp, -16; sd ra, 0(sp); slli a0, a0, 1; xori a0, a0, 21; andi t1, a0, 1; beq t1, zero, leaf;"
    "jal ra, g; leaf: ld ra, 0(sp); addi sp, sp, 16; jalr zero, 0(ra);"
    "g: mul a5, a0, s0; rem a6, a5, a2; sub a0, a0, a6; fdiv.d fa2, fa0, fa1; jalr zero, 0(ra);"
    "change: addi t1, zero, 2; again2: sw t0, 0(s5); fence.i; x: addi a2, a2, 1; addi t1, t1, -1;"
    "bne t1, zero, again2; jalr zero, 0(ra)";

struct moment {
    uint64_t x[32], f[32], pc, flags, count, reserved, memory[64];
};
enum { MOST = 400 };
static struct moment reference[MOST], now;

static void begin(void) {
    struct riscv_cpu *cpu = riscv_of(r.cpu);
    rig_reset(&r);
    memset(rig_host(&r, RIG_DATA), 0, RIG_PAGE);
    memset(rig_host(&r, r.x[SP] - RIG_PAGE), 0, RIG_PAGE);
    uint32_t fresh = rig_encode("addi a2, a2, 1");
    memcpy(rig_host(&r, rig_label(&r, "x")), &fresh, 4);
    if (r.soft)
        engine_written(r.engine, rig_label(&r, "x"), 4);
    else
        engine_invalidate(r.engine, rig_label(&r, "x"), 4);
    cpu->raw_mcounteren = cpu->raw_scounteren = 7;
    cpu->raw_f[10] = 0x3ff0000000000000; /* 1 and 0.1: sums are inexact */
    cpu->raw_f[11] = 0x3fb999999999999a;
    r.x[S1] = RIG_DATA;
    r.x[S2] = rig_label(&r, "g");
    r.x[S3] = RIG_DATA + 0x180;
    r.x[S4] = RIG_DATA + RIG_DATA_SIZE; /* nothing is there */
    r.x[S5] = rig_label(&r, "x");
    r.x[T0] = rig_encode("addi a2, a2, 100");
    r.cpu->pc = rig_label(&r, "start");
}

static void look(struct moment *m) {
    const struct riscv_cpu *cpu = riscv_of(r.cpu);
    memcpy(m->x, cpu->raw_x, sizeof m->x);
    memcpy(m->f, cpu->raw_f, sizeof m->f);
    m->pc = r.cpu->pc;
    m->flags = r.cpu->fp_flags;
    m->count = cpu_count(r.cpu);
    m->reserved = r.cpu->reserve_address;
    memcpy(m->memory, rig_host(&r, RIG_DATA), sizeof m->memory);
}

static void compare(uint64_t n, const char *what) {
    const uint64_t *is = (const uint64_t *)&now, *should = (const uint64_t *)&reference[n];
    look(&now);
    for (unsigned i = 0; i < sizeof now / 8; i++)
        if (is[i] != should[i])
            fail_msg("%s, tier %d, soft %d: after %lu instructions, word %u is 0x%lx, not 0x%lx", what,
                     r.engine->config.tier, r.soft, n, i, is[i], should[i]);
}

/* Yields how many instructions the program has before the one that faults. */
static uint64_t take_reference(enum rig_memory memory) {
    uint64_t n = 0;
    rig_make(&r, memory, &(struct engine_config){.tier = TIER_INTERP, .counted = true});
    rig_code(&r, RIG_CODE + 0xf00, program); /* over the edge of a page */
    for (begin(), look(&reference[0]);; look(&reference[n])) {
        cpu_grant(r.cpu, 1);
        engine_run(r.engine, r.cpu);
        if (r.cpu->exit.kind != EXIT_budget) break;
        assert_true(++n < MOST);
        assert_int_equal(cpu_count(r.cpu), n);
    }
    assert_int_equal(r.cpu->exit.kind, r.soft ? EXIT_access_write : EXIT_fault_write);
    assert_int_equal(r.cpu->exit.value, RIG_DATA + RIG_DATA_SIZE);
    assert_true(n > 150);
    compare(n, "the fault");
    rig_free(&r);
    return n;
}

static void stop_after(uint64_t n, uint64_t total, const char *what) {
    begin();
    cpu_grant(r.cpu, (int64_t)n);
    engine_run(r.engine, r.cpu);
    assert_int_equal(r.cpu->exit.kind, n <= total ? EXIT_budget : r.soft ? EXIT_access_write : EXIT_fault_write);
    compare(n <= total ? n : total, what);
    cpu_grant(r.cpu, 1000); /* and on to the end */
    engine_run(r.engine, r.cpu);
    assert_int_equal(r.cpu->exit.kind, r.soft ? EXIT_access_write : EXIT_fault_write);
    compare(total, "going on");
}

static void every_number_of_instructions(void **state) {
    (void)state;
    for (unsigned memory = 0; memory < RIG_MEMORIES; memory++) {
        uint64_t total = take_reference(memory);
        for (unsigned k = 0; k < rig_tier_count(); k++) {
            rig_make(&r, memory, &(struct engine_config){.tier = rig_tiers[k], .counted = true});
            rig_code(&r, RIG_CODE + 0xf00, program);
            for (uint64_t n = 0; n <= total + 2; n++) stop_after(n, total, "warm");
            for (uint64_t n = 0; n <= total + 2; n++) {
                engine_flush(r.engine);
                stop_after(n, total, "cold");
            }
            rig_free(&r);
        }
    }
}

static uint64_t roll(void) {
    static uint64_t random = 0x9e3779b97f4a7c15;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random >> 20;
}

static uint64_t granted, stops;
/* Grants more in small pieces, without leaving the loop; and is poked now and then. */
static enum answer grant_more(struct rig *rig) {
    if (rig->cpu->exit.kind == EXIT_poll) {
        compare(cpu_count(rig->cpu), "polled");
        return ANSWER_RESUME;
    }
    if (rig->cpu->exit.kind != EXIT_budget) return ANSWER_STOP;
    assert_int_equal(cpu_count(rig->cpu), granted);
    compare(granted, "in pieces");
    uint64_t more = roll() % 40;
    granted += more;
    stops++;
    cpu_grant(rig->cpu, (int64_t)more);
    if (roll() % 4 == 0) cpu_poke(rig->cpu);
    return ANSWER_RESUME;
}

static void any_pieces(void **state) {
    (void)state;
    for (unsigned memory = 0; memory < RIG_MEMORIES; memory++) {
        uint64_t total = take_reference(memory);
        for (unsigned k = 0; k < rig_tier_count(); k++)
            for (unsigned poison = 0; poison < 4; poison++) {
                rig_make(&r, memory,
                         &(struct engine_config){.tier = rig_tiers[k],
                                                 .counted = true,
                                                 .random_flush = poison == 1,
                                                 .one_block = poison == 2,
                                                 .poll_always = poison == 3});
                rig_code(&r, RIG_CODE + 0xf00, program);
                r.answer = grant_more;
                for (unsigned round = 0; round < 50; round++) {
                    begin();
                    granted = stops = 0;
                    cpu_grant(r.cpu, 0);
                    engine_run(r.engine, r.cpu);
                    assert_true(stops > total / 40);
                    assert_int_equal(r.cpu->exit.kind, r.soft ? EXIT_access_write : EXIT_fault_write);
                    compare(total, "the end of all pieces");
                }
                rig_free(&r);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_instructions),
        cmocka_unit_test(any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
