/* Code that changes under the engine, with riscv code: rewritten while every kind of shortcut leads to it, while its
 * callers wait for it to return, by its own stores, over the edge of two pages; and state that is put back.
 */
#include "engine/rig.h"

static struct rig r;

#define EACH_RIG(body)                                                                                                 \
    for (unsigned k = 0; k < rig_tier_count(); k++)                                                                    \
        for (unsigned soft = 0; soft < 2; soft++) {                                                                    \
            rig_make(&r, soft, &(struct engine_config){.tier = rig_tiers[k]});                                         \
            body;                                                                                                      \
            rig_free(&r);                                                                                              \
        }

/* ---- links and redirection */

/* x is reached by calls, jumps, a branch, by falling through and from an inline cell, over and over; every eighth round
   the program rewrites its first instruction, which adds a number to a0, to add one more. */
static void rewritten_in_a_loop(uint64_t x, uint64_t rounds) {
    uint64_t expected = 0, adds = 1;
    uint32_t first = rig_encode("addi a0, a0, 1");
    rig_code(&r, x - 4, "falls: addi a5, a5, 1; x: addi a0, a0, 1; addi a1, a1, 1; jalr zero, 0(ra)");
    rig_code(&r, RIG_CODE,
             "loop: jal ra, x; jalr ra, 0(s1); addi ra, s2, 0; jal zero, x; one: addi ra, s3, 0; jalr zero, 0(s1);"
             "two: addi ra, s4, 0; jal zero, falls; three: jal ra, near; andi t1, s0, 7; bne t1, zero, go;"
             "add a3, a3, a4; sw a3, 0(s1); fence.i; go: addi s0, s0, -1; bne s0, zero, loop; ecall;"
             "near: beq zero, zero, x");
    r.x[S0] = rounds;
    r.x[S1] = x;
    r.x[S2] = rig_label(&r, "one");
    r.x[S3] = rig_label(&r, "two");
    r.x[S4] = rig_label(&r, "three");
    r.x[A3] = first;
    r.x[A4] = 1 << 20;
    for (uint64_t i = rounds; i > 0; i--) {
        expected += 6 * adds;
        adds += i % 8 == 0;
    }
    rig_done(&r, RIG_CODE);
    assert_int_equal(r.x[A1], 6 * rounds);
    assert_int_equal(r.x[A0], expected);
}

static void rewritten_while_everything_leads_there(void **state) {
    (void)state;
    EACH_RIG(rewritten_in_a_loop(RIG_CODE + 0x100, 2000)); /* in the page of its callers */
    EACH_RIG(rewritten_in_a_loop(RIG_CODE + 0xd00, 2000)); /* in another one */
}

/* Recursion, and what becomes of the code behind the calls while they wait. */
#define RECURSION(deep)                                                                                                \
    "start: jal ra, f; ecall; f: addi sp, sp, -16; sd ra, 0(sp); addi a0, a0, -1; beq a0, zero, deep; jal ra, f;"      \
    "site: addi a1, a1, 1; out: ld ra, 0(sp); addi sp, sp, 16; jalr zero, 0(ra); deep:" deep "; jal zero, out"
enum { DEPTH = 300 };

static void recurse(unsigned adds) {
    for (unsigned i = 0; i < 3; i++) {
        r.x[A0] = DEPTH;
        r.x[A1] = 0;
        r.x[S1] = rig_label(&r, "site");
        rig_done(&r, RIG_CODE);
        assert_int_equal(r.x[A1], (DEPTH - 1) * adds);
    }
}

static void set_site(unsigned adds) {
    uint32_t bits = rig_encode("addi a1, a1, 0") | adds << 20;
    memcpy(rig_host(&r, rig_label(&r, "site")), &bits, 4);
}

static unsigned how;
/* At the ebreak: the first time around, the site is changed, and the engine told in one of the ways there are. */
static enum answer change_at_breakpoint(struct rig *rig) {
    if (rig->cpu->exit.kind != EXIT_breakpoint) return ANSWER_STOP;
    set_site(33);
    uint64_t site = rig_label(rig, "site");
    switch (how) {
    case 0: engine_invalidate(rig->engine, site, 4); break;
    case 1: engine_flush(rig->engine); break;
    case 2: engine_recheck_code(rig->engine, rig->cpu, 0, UINT64_MAX); break;
    default: engine_written(rig->engine, site, 4); break;
    }
    rig->cpu->pc += 4;
    return ANSWER_RESUME;
}

static void changed_behind_waiting_calls(void) {
    rig_code(&r, RIG_CODE, RECURSION("ebreak"));
    for (how = 0; how < (r.soft ? 4u : 3u); how++) {
        set_site(1);
        engine_flush(r.engine);
        r.answer = change_at_breakpoint;
        recurse(33);
        r.answer = NULL;
    }
}

/* The same by the program itself: the deepest call rewrites what the others return to. */
static void rewritten_behind_waiting_calls(void) {
    rig_code(&r, RIG_CODE, RECURSION("sw a3, 0(s1); fence.i"));
    for (unsigned adds = 1; adds < 20; adds++) {
        r.x[A3] = rig_encode("addi a1, a1, 0") | adds << 20;
        recurse(adds);
    }
}

static void returns_find_what_is_there_now(void **state) {
    (void)state;
    EACH_RIG(changed_behind_waiting_calls());
    EACH_RIG(rewritten_behind_waiting_calls());
}

/* ---- a store right before what it changes: physical memory knows at once */

static void raw_stores_are_seen_at_once(void **state) {
    (void)state;
    static const char *const stores[] = {"sw a2, 0(s1)", "c.sw a2, 0(s1)", "amoswap.w zero, a2, (s1)", "fsw fa0, 0(s1)",
                                         "amoadd.w zero, a3, (s1)"};
    const uint32_t one = rig_encode("addi a0, a0, 1"), two = rig_encode("addi a0, a0, 2");
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned i = 0; i < sizeof stores / sizeof *stores; i++) {
            char text[200];
            rig_make(&r, true, &(struct engine_config){.tier = rig_tiers[k]});
            snprintf(text, sizeof text, "addi a4, a4, 1; %s; x: addi a0, a0, 1; addi a5, a5, 1; ecall", stores[i]);
            rig_code(&r, RIG_CODE, text);
            for (unsigned round = 0; round < 4; round++) {
                memcpy(rig_host(&r, rig_label(&r, "x")), &one, 4);
                engine_written(r.engine, rig_label(&r, "x"), 4);
                r.x[S1] = rig_label(&r, "x");
                r.x[A0] = 0;
                r.x[A2] = two;
                r.x[A3] = two - one;
                riscv_of(r.cpu)->raw_f[10] = 0xffffffff00000000u | two;
                rig_done(&r, RIG_CODE);
                if (r.x[A0] != 2)
                    fail_msg("tier %d, round %u: the old code ran after %s", rig_tiers[k], round, stores[i]);
            }
            assert_int_equal(r.x[A4], 4);
            assert_int_equal(r.x[A5], 4);
            rig_free(&r);
        }
}

/* A block that is zeroed takes the instructions behind it along. */
static void own_zeroing_is_seen_at_once(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned round = 0; round < 4; round++) {
            if (round == 0) rig_make(&r, true, &(struct engine_config){.tier = rig_tiers[k]});
            rig_code(&r, RIG_CODE + 60, "cbo.zero (s1); addi a0, a0, 1; ecall");
            engine_written(r.engine, RIG_CODE + 60, 12);
            r.x[S1] = RIG_CODE + 64;
            r.x[A0] = 0;
            assert_int_equal(rig_run(&r, RIG_CODE + 60), EXIT_illegal);
            assert_int_equal(r.cpu->pc, RIG_CODE + 64);
            assert_int_equal(r.x[A0], 0);
            if (round == 3) rig_free(&r);
        }
}

/* ---- two pages */

/* Only the half on the second page changes, which is none of the first page's contents. */
static void half_an_instruction_changes(void) {
    const uint64_t edge = RIG_CODE + RIG_PAGE;
    rig_code(&r, edge - 2, "cross: addi a0, a0, 1; addi a1, a1, 1; ecall");
    rig_code(&r, RIG_CODE, "start: fence.i; jal zero, cross");
    for (unsigned adds = 1; adds < 20; adds++) {
        uint32_t bits = rig_encode("addi a0, a0, 0") | adds << 20;
        memcpy(rig_host(&r, edge), (uint8_t *)&bits + 2, 2);
        if (r.soft) engine_written(r.engine, edge, 2);
        for (unsigned i = 0; i < 3; i++) {
            r.x[A0] = 0;
            rig_done(&r, RIG_CODE);
            assert_int_equal(r.x[A0], adds);
        }
    }
}

/* The second page comes and goes; coming is told to nobody. */
static void half_an_instruction_is_missing(void) {
    const uint64_t edge = RIG_CODE + RIG_PAGE;
    rig_code(&r, edge - 2, "cross: addi a0, a0, 1; ecall");
    rig_code(&r, RIG_CODE, "start: jal zero, cross");
    for (unsigned round = 0; round < 4; round++) {
        r.missing = edge;
        engine_invalidate(r.engine, edge, RIG_PAGE);
        cpu_flush_mapping(r.cpu);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(rig_run(&r, RIG_CODE), EXIT_fault_fetch);
            assert_int_equal(r.cpu->pc, edge - 2);
            assert_int_equal(r.cpu->exit.value, edge);
        }
        r.missing = 0;
        r.x[A0] = 0;
        for (unsigned i = 0; i < 3; i++) rig_done(&r, RIG_CODE);
        assert_int_equal(r.x[A0], 3);
    }
}

static void instructions_over_an_edge(void **state) {
    (void)state;
    EACH_RIG(half_an_instruction_changes());
    EACH_RIG(half_an_instruction_is_missing());
}

/* ---- what led to stale code leads to what came in its place, without the loop */

static void links_find_what_replaced(void **state) {
    (void)state;
    enum { CHANGES = 60, ROUNDS = 5000 };
    for (unsigned soft = 0; soft < 2; soft++) {
        rig_make(&r, soft, &(struct engine_config){.tier = TIER_BASELINE});
        rig_code(&r, RIG_CODE + 0x100, "x: addi a0, a0, 1; jalr zero, 0(ra)");
        rig_code(&r, RIG_CODE, "loop: jal ra, x; addi a1, a1, -1; jalr ra, 0(s1); bne a1, zero, loop; ecall");
        for (unsigned i = 1; i <= CHANGES; i++) {
            const uint32_t bits = rig_encode("addi a0, a0, 0") | i << 20;
            memcpy(rig_host(&r, rig_label(&r, "x")), &bits, sizeof bits);
            if (soft)
                engine_written(r.engine, rig_label(&r, "x"), sizeof bits);
            else
                engine_recheck_code(r.engine, r.cpu, 0, UINT64_MAX);
            r.x[S1] = rig_label(&r, "x");
            r.x[A0] = 0;
            r.x[A1] = ROUNDS;
            const uint64_t before = engine_stats(r.engine).exits[EXIT_none];
            rig_done(&r, RIG_CODE);
            assert_int_equal(r.x[A0], 2 * ROUNDS * i);
            assert_true(engine_stats(r.engine).exits[EXIT_none] - before < 50);
        }
        rig_free(&r);
    }
}

/* ---- what is stale takes no memory for ever */

static uint64_t resident(void) {
    unsigned long pages = 0, ignored;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &ignored, &pages), 2);
    fclose(f);
    return (uint64_t)pages * RIG_PAGE;
}

static void stale_units_are_reclaimed(void **state) {
    (void)state;
    enum { CHANGES = 30000, MOST = 64 << 20 };
    for (unsigned soft = 0; soft < 2; soft++) {
        rig_make(&r, soft, &(struct engine_config){.tier = TIER_INTERP});
        rig_code(&r, RIG_CODE + 64, "x: addi a0, a0, 1; ecall");
        rig_code(&r, RIG_CODE, "addi a0, zero, 0; addi a1, a1, 1; jal zero, x");
        const uint32_t first = rig_encode("addi a0, a0, 0");
        rig_done(&r, RIG_CODE);
        const uint64_t before = resident();
        for (unsigned i = 0; i < CHANGES; i++) {
            const uint32_t bits = first | (i % 2000) << 20;
            memcpy(rig_host(&r, RIG_CODE + 64), &bits, sizeof bits);
            if (soft)
                engine_written(r.engine, RIG_CODE + 64, sizeof bits);
            else
                engine_recheck_code(r.engine, r.cpu, 0, UINT64_MAX);
            rig_done(&r, RIG_CODE);
            assert_int_equal(r.x[A0], i % 2000);
        }
        assert_int_equal(r.x[A1], CHANGES + 1);
        assert_true(resident() < before + MOST);
        rig_free(&r);
    }
}

/* An instruction on two pages of soft memory, which is interpreted: again and again, with other bytes on its second
   page or its first, with none there, and in another context. */
static void instructions_on_two_pages_are_what_they_are_now(void **state) {
    (void)state;
    enum { AT = RIG_CODE + RIG_PAGE - 2 };
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        rig_make(&r, RIG_SOFT, &(struct engine_config){.tier = rig_tiers[k]});
        for (unsigned n = 0; n < 40; n++) {
            const unsigned by = n % 4 == 3 ? 5 : n / 2 % 7 + 1; /* mostly the same twice */
            const uint32_t bits = rig_encode(n % 5 == 4 ? "addi a0, a0, 0" : "addi a0, a1, 0") | by << 20;
            memcpy(rig_host(&r, AT), &bits, 4);
            if (n == 0) rig_code(&r, AT - 8, "again: addi a2, a2, 1; addi a1, a0, 0");
            if (n == 0) rig_code(&r, AT + 4, "addi s0, s0, -1; bne s0, zero, again; ecall");
            engine_written(r.engine, AT, 4);
            r.x[A0] = r.x[A2] = 0;
            r.x[S0] = 50;
            r.missing = n % 6 == 5 ? RIG_CODE + RIG_PAGE : 0;
            if (r.missing) {
                assert_int_equal(rig_run(&r, AT - 8), EXIT_fault_fetch);
                assert_int_equal(r.cpu->pc, AT);
                assert_int_equal(r.cpu->exit.value, RIG_CODE + RIG_PAGE);
                assert_int_equal(r.x[A0], 0);
                continue;
            }
            rig_done(&r, AT - 8);
            assert_int_equal(r.x[A2], 50);
            assert_int_equal(r.x[A0], 50 * by);
        }
        rig_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rewritten_while_everything_leads_there),
        cmocka_unit_test(returns_find_what_is_there_now),
        cmocka_unit_test(raw_stores_are_seen_at_once),
        cmocka_unit_test(own_zeroing_is_seen_at_once),
        cmocka_unit_test(instructions_over_an_edge),
        cmocka_unit_test(links_find_what_replaced),
        cmocka_unit_test(stale_units_are_reclaimed),
        cmocka_unit_test(instructions_on_two_pages_are_what_they_are_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
