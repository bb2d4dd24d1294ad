/* Shortcuts from block to block with riscv code: the jump TLB, inline cells, the pairing stack - empty, with one target
 * and with many, under another context, with calls that never return or return elsewhere.
 */
#include "engine/rig.h"

static struct rig r;

/* ---- empty shortcuts */

static const char *const ways[] = {"jalr zero, 0(a1)", "jalr ra, 0(a1)", "jalr zero, 0(ra)"};

/* Empty lines, cells and stacks hold something; no target may match it, whether aligned or not. */
static void empty_shortcuts_match_no_target(void **state) {
    (void)state;
    static const uint64_t targets[] = {
        0, 1, 2, 3, UINT64_MAX, UINT64_MAX - 1, 1ull << 63, 0x2000000, 0x2000001, ~(uint64_t)8192};
    const uint64_t start = RIG_CODE + 0x100; /* another line of the jump TLB than the targets' */
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned n = 0; n < 3 * sizeof targets / sizeof *targets; n++) {
            uint64_t target = targets[n / 3];
            rig_make(&r, false, &(struct engine_config){.tier = rig_tiers[k]}); /* nothing has been entered anywhere */
            rig_code(&r, 0, "c.addi a0, 1; c.addi a0, 1; ecall");
            rig_code(&r, start, ways[n % 3]);
            for (unsigned i = 0; i < 8; i++) {
                r.x[A0] = 0;
                r.x[A1] = r.x[RA] = target;
                enum exit_kind kind = rig_run(&r, start);
                if (i == 4) engine_flush(r.engine);
                if (target < 4) {
                    assert_int_equal(kind, EXIT_syscall);
                    assert_int_equal(r.x[A0], target < 2 ? 2 : 1);
                } else {
                    assert_int_equal(kind, EXIT_fault_fetch);
                    assert_int_equal(r.cpu->pc, target & ~1ull);
                    assert_int_equal(r.cpu->exit.value, target & ~1ull);
                }
            }
            rig_free(&r);
        }
}

/* Code for floating point stays behind when that is turned off between two runs. */
static void shortcuts_belong_to_a_context(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        rig_make(&r, false, &(struct engine_config){.tier = rig_tiers[k]});
        struct riscv_cpu *cpu = riscv_of(r.cpu);
        rig_code(&r, RIG_CODE, "jumps: jalr zero, 0(a1); target: fadd.d fa0, fa1, fa2; ecall");
        rig_code(&r, RIG_CODE + 64,
                 "calls: jal ra, f; after: fadd.d fa0, fa1, fa2; ecall; f: ebreak; jalr zero, 0(ra)");
        for (unsigned i = 0; i < 4; i++) {
            r.x[A1] = rig_label(&r, "target");
            rig_done(&r, rig_label(&r, "jumps"));
            assert_int_equal(rig_run(&r, rig_label(&r, "calls")), EXIT_breakpoint);
            assert_int_equal(rig_run(&r, r.cpu->pc + 4), EXIT_syscall);
        }
        cpu->raw_fs = FS_OFF;
        assert_int_equal(rig_run(&r, rig_label(&r, "jumps")), EXIT_illegal);
        assert_int_equal(r.cpu->pc, rig_label(&r, "target"));
        cpu->raw_fs = FS_DIRTY;
        assert_int_equal(rig_run(&r, rig_label(&r, "calls")), EXIT_breakpoint);
        cpu->raw_fs = FS_OFF; /* the call is on the pairing stack */
        assert_int_equal(rig_run(&r, r.cpu->pc + 4), EXIT_illegal);
        assert_int_equal(r.cpu->pc, rig_label(&r, "after"));
        rig_free(&r);
    }
}

/* ---- inline cells */

/* One call and one jump go to functions by turns, from a table of 1, 2, 3 or 40 of them. */
static void one_site_many_targets(void **state) {
    (void)state;
    static const unsigned counts[] = {1, 2, 3, 40};
    enum { FUNCTIONS = RIG_CODE + 0x2000, SIZE = 64, ROUNDS = 240 };
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned soft = 0; soft < 2; soft++) {
            rig_make(&r, soft, &(struct engine_config){.tier = rig_tiers[k]});
            rig_code(&r, RIG_CODE,
                     "loop: ld a2, 0(s1); addi s1, s1, 8; jalr ra, 0(a2); addi a3, a3, 1; addi ra, s2, 0;"
                     "jalr zero, 0(a2); back: addi s0, s0, -1; bne s0, zero, loop; ecall");
            for (unsigned f = 0; f < 40; f++) {
                char text[100];
                snprintf(text, sizeof text, "slli a1, a0, 5; sub a0, a1, a0; addi a0, a0, %u; jalr zero, 0(ra)", f);
                rig_code(&r, FUNCTIONS + SIZE * f, text);
            }
            for (unsigned c = 0; c < 4; c++)
                for (unsigned round = 0; round < 3; round++) {
                    uint64_t expected = 1;
                    for (unsigned i = 0; i < ROUNDS; i++) {
                        uint64_t f = (i * 7 + i / 50) % counts[c], to = FUNCTIONS + SIZE * f;
                        memcpy(rig_host(&r, RIG_DATA + 8 * i), &to, 8);
                        expected = expected * 31 + f;
                        expected = expected * 31 + f;
                    }
                    r.x[A0] = 1;
                    r.x[A3] = 0;
                    r.x[S0] = ROUNDS;
                    r.x[S1] = RIG_DATA;
                    r.x[S2] = rig_label(&r, "back");
                    rig_done(&r, rig_label(&r, "loop"));
                    assert_true(r.x[A0] == expected);
                    assert_int_equal(r.x[A3], ROUNDS);
                }
            rig_free(&r);
        }
}

/* ---- the pairing stack */

/* Calls as deep as the stack has room for and a fifth more, direct and indirect; every one of them returns, and none is
   counted twice. */
static void recursion_deeper_than_the_stack(void **state) {
    (void)state;
    static const char *const calls[] = {"jal ra, f", "jalr ra, 0(s1)"};
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned variant = 0; variant < 4; variant++) {
            const uint64_t depth = rig_tiers[k] == TIER_INTERP ? 1000 : PAIR_STACK / PAIR_FRAME * 6 / 5;
            bool counted = variant / 2;
            char text[300];
            snprintf(text, sizeof text,
                     "start: jal ra, f; ecall; f: addi sp, sp, -16; sd ra, 0(sp); addi a0, a0, -1; beq a0, zero, out;"
                     "%s; out: ld ra, 0(sp); addi sp, sp, 16; addi a1, a1, 1; jalr zero, 0(ra)",
                     calls[variant % 2]);
            rig_make(&r, RIG_WINDOW, &(struct engine_config){.tier = rig_tiers[k], .counted = counted});
            rig_code(&r, RIG_CODE, text);
            for (unsigned round = 0; round < 2; round++) {
                uint64_t drops = engine_stats(r.engine).pair_drops;
                rig_reset(&r);
                r.x[A0] = depth;
                r.x[S1] = rig_label(&r, "f");
                if (counted) cpu_grant(r.cpu, INT32_MAX);
                rig_done(&r, rig_label(&r, "start"));
                assert_int_equal(r.x[A1], depth);
                assert_int_equal(r.x[SP], RIG_DATA + RIG_DATA_SIZE);
                if (counted) assert_int_equal(cpu_count(r.cpu), 9 * depth);
                if (rig_tiers[k] != TIER_INTERP) assert_true(engine_stats(r.engine).pair_drops > drops);
            }
            rig_free(&r);
        }
}

#define PUSH "addi sp, sp, -16; sd ra, 0(sp);"
#define POP  "ld ra, 0(sp); addi sp, sp, 16;"
#define RET  "jalr zero, 0(ra);"

/* Programs that count in a1 to a4 what they do in s0 rounds; s1 is the address of `back`, s3 of a second stack. */
static const struct program {
    const char *name, *text;
    unsigned expected[4]; /* for 1000 rounds */
} programs[] = {
    {"jumps out of twenty frames",
     "start: addi s2, sp, 0; addi a0, zero, 20; jal ra, f; addi a2, a2, 1; back: addi a1, a1, 1; addi s0, s0, -1;"
     "bne s0, zero, start; ecall; f:" PUSH "addi a0, a0, -1; beq a0, zero, out; jal ra, f; addi a3, a3, 1;" POP RET
     "out: addi sp, s2, 0; jalr zero, 0(s1)",
     {1000, 0, 0, 0}},
    {"returns out of twenty frames",
     "start: addi s2, sp, 0; addi a0, zero, 20; jal ra, f; addi a2, a2, 1; back: addi a1, a1, 1; addi s0, s0, -1;"
     "bne s0, zero, start; ecall; f:" PUSH "addi a0, a0, -1; beq a0, zero, out; jal ra, f; addi a3, a3, 1;" POP RET
     "out: addi sp, s2, 0; addi ra, s1, 0;" RET,
     {1000, 0, 0, 0}},
    {"a frame is left out in every other round",
     "start: jal ra, g; addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, start; ecall;"
     "g:" PUSH "jal ra, h; addi a2, a2, 1;" POP RET "h:" PUSH "jal ra, k; addi a3, a3, 1;" POP RET
     "k: andi t1, s0, 1; beq t1, zero, rest;" POP "rest: addi a4, a4, 1;" RET,
     {1000, 1000, 500, 1000}},
    {"returns four bytes further in every other round",
     "start: jal ra, f; addi a2, a2, 1; addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, start; ecall;"
     "f: andi t1, s0, 1; slli t1, t1, 2; add ra, ra, t1; addi a4, a4, 1;" RET,
     {1000, 500, 0, 1000}},
    {"returns to an odd address",
     "start: jal ra, f; addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, start; ecall; f: addi ra, ra, 1;" RET,
     {1000, 0, 0, 0}},
    {"two coroutines",
     "start: jal ra, one; addi s0, s0, -1; bne s0, zero, start; ecall;"
     "one:" PUSH "jal ra, swap; addi a1, a1, 1;" POP RET "back: jal ra, two; jal zero, back; two:" PUSH
     "addi a2, a2, 1; jal ra, swap; addi a3, a3, 1;" POP RET "swap:" PUSH
     "addi t1, sp, 0; addi sp, s3, 0; addi s3, t1, 0; addi a4, a4, 1;" POP RET,
     {1000, 1000, 999, 2000}},
    {"calls through the other link register",
     "start: jal t0, f; addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, start; ecall;"
     "f: jal ra, g; addi a2, a2, 1; jalr zero, 0(t0); g: addi a3, a3, 1;" RET,
     {1000, 1000, 1000, 0}},
    {"changes sides with one jump",
     "start: jal ra, f; addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, start; ecall;"
     "f: addi s2, ra, 0; jalr t0, 0(s4); addi a2, a2, 1; jalr t0, 0(t0); addi a3, a3, 1; addi ra, s2, 0;" RET
     "other: jalr t0, 0(t0); addi a4, a4, 1; jalr t0, 0(t0)",
     {1000, 1000, 1000, 1000}},
};

static void returns_that_are_not_paired(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned soft = 0; soft < 2; soft++)
            for (const struct program *p = programs; p < programs + sizeof programs / sizeof *programs; p++) {
                rig_make(&r, soft, &(struct engine_config){.tier = rig_tiers[k]});
                rig_code(&r, RIG_CODE, p->text);
                if (strstr(p->text, "back:")) {
                    r.x[S1] = rig_label(&r, "back");
                    r.x[S3] = RIG_DATA + 0x1000 - 16;
                    memcpy(rig_host(&r, r.x[S3]), &r.x[S1], 8);
                }
                if (strstr(p->text, "other:")) r.x[S4] = rig_label(&r, "other");
                r.x[S0] = 1000;
                rig_done(&r, rig_label(&r, "start"));
                for (unsigned i = 0; i < 4; i++)
                    if (r.x[A1 + i] != p->expected[i])
                        fail_msg("%s, tier %d: a%u is %lu", p->name, rig_tiers[k], i + 1, r.x[A1 + i]);
                rig_free(&r);
            }
}

/* ---- lines that push each other out */

/* Jumps, calls and returns between places that have the same line of the jump TLB: of soft memory they find their way
   without the loop. */
static void misses_are_no_affair_of_the_loop(void **state) {
    (void)state;
    enum { APART = JTLB_LINES * 2 < RIG_PAGE ? RIG_PAGE : JTLB_LINES * 2, PLACES = 5, ROUNDS = 300 };
    static const char *const ways[] = {"jalr zero, 0(a2)", "jalr ra, 0(a2)", "jalr zero, 0(t0)"};
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned w = 0; w < 3; w++) {
            rig_make(&r, RIG_SOFT, &(struct engine_config){.tier = rig_tiers[k]});
            for (unsigned n = 0; n < PLACES; n++) {
                const uint64_t next = RIG_CODE + (n + 1) % PLACES * APART;
                char text[200];
                rig_code(&r, RIG_CODE + n * APART, "addi a1, a1, 1; ld a2, 0(s1); addi s1, s1, 8; addi t0, a2, 0");
                snprintf(text, sizeof text, "addi s0, s0, -1; beq s0, zero, end%u; %s; end%u: ecall", n, ways[w], n);
                rig_code(&r, RIG_CODE + n * APART + 16, text);
                for (unsigned i = n; i < ROUNDS; i += PLACES) memcpy(rig_host(&r, RIG_DATA + 8 * i), &next, 8);
            }
            uint64_t before[2] = {0}, misses = 0;
            for (unsigned again = 0; again < 3; again++) {
                r.x[A1] = 0;
                r.x[S0] = ROUNDS;
                r.x[S1] = RIG_DATA;
                rig_done(&r, RIG_CODE);
                assert_int_equal(r.x[A1], ROUNDS);
                const struct engine_stats s = engine_stats(r.engine);
                before[0] = before[1];
                before[1] = s.exits[EXIT_none];
                misses = s.counts.jtlb_misses - misses;
            }
            if (rig_tiers[k] != TIER_INTERP) {
                assert_true(misses >= ROUNDS / 2);
                assert_in_range(before[1] - before[0], 0, 20);
            }
            rig_free(&r);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_shortcuts_match_no_target), cmocka_unit_test(shortcuts_belong_to_a_context),
        cmocka_unit_test(one_site_many_targets),           cmocka_unit_test(recursion_deeper_than_the_stack),
        cmocka_unit_test(returns_that_are_not_paired),     cmocka_unit_test(misses_are_no_affair_of_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
