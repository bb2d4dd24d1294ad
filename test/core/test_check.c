/*
 * core/check: well-formed blocks pass; for every rule there is a block that violates it and nothing else, and the
 * message names the rule. Blocks are written as text; what the text cannot say is damaged afterwards.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "core/toy.h"

static struct arena arena;
static char why[200];

static int setup(void **state) {
    (void)state;
    arena_init(&arena, 1 << 16);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

#define HEAD  "block 10 ctx 0\n10: mark 2\n"
#define CONST "%1 = const_i64 8\n"
#define WIDE  "%1 = const_v128 0x12\n"
#define END   "jump -> 12\n"

static struct block *parse(const char *text) {
    struct block *k = block_parse(text, &arena, &toy, why, sizeof why);
    if (!k) fail_msg("%s in: %s", why, text);
    return k;
}

static void assert_good(const char *text) {
    if (!block_check(parse(text), &toy, why, sizeof why)) fail_msg("%s in: %s", why, text);
}

static void assert_bad(const struct block *k, const char *text, const char *says) {
    why[0] = 0;
    if (block_check(k, &toy, why, sizeof why)) fail_msg("accepted: %s", text);
    if (!strstr(why, says)) fail_msg("'%s' does not say '%s' of: %s", why, says, text);
}

static void good_blocks_pass(void **state) {
    (void)state;
    static const char *const texts[] = {
        HEAD END,
        HEAD CONST "put a, %1\nputf frame[0], %1\n" END,
        HEAD CONST "%2 = load_64 mem0[%1]\nput a, %2\nput b, %1\n" END,
        HEAD CONST "store_64 mem3[%1], %1\nput a, %1\n" END,
        HEAD CONST "%2 = trunc_i32 %1\nstore_8 mem0[%1], %2\nput w, %2\n" END,
        HEAD CONST "%2 = amo_add_64 mem0[%1], %1\nput a, %2\n" END,
        /* several instructions; a state change in one does not concern the next */
        HEAD CONST "put a, %1\n12: mark 4\n%2 = load_64 mem0[%1]\nput a, %2\n16: mark 2\n" END,
        /* a gap between marks, and a mark that repeats */
        HEAD "20: mark 2\n20: mark 2\n" END,
        /* a branch may follow and precede state changes, since it leaves with the instruction done */
        HEAD CONST "put a, %1\nbr_i64.ne %1, %1 -> 20\nput b, %1\n" END,
        /* a fence may precede an access */
        HEAD CONST "fence.3\n%2 = load_64 mem0[%1]\nput a, %2\n" END,
        /* AFTER exits follow state changes */
        HEAD CONST "put a, %1\nexit wait, 0\n",
        HEAD CONST "put a, %1\nexitif_i64.ne %1, %1 -> retranslate, 0\n" END,
        HEAD CONST "exitif_i64.ne %1, %1 -> illegal, 0\nput a, %1\n" END,
        /* helpers by their effects */
        HEAD CONST "%2 = helper exits(%1)\nput a, %2\n" END,
        HEAD CONST "%2 = helper writes_exits(%1)\nput a, %2\n" END,
        HEAD CONST "put a, %1\n%2 = helper reads(%1)\n%3 = helper writes(%1, _, %2)\n" END,
        HEAD CONST "%2 = helper leaf()\n%3 = load_64 mem0[%2]\nput a, %3\n" END,
        /* FP flags count as state */
        HEAD "%1 = get_f64 f\n%2 = fadd_f64.rne %1, %1\nput f, %2\n" END,
        HEAD "%1 = get_f64 f\n%2 = fneg_f64 %1\n%3 = f64_bits %2\n%4 = load_64 mem0[%3]\nput a, %4\n" END,
        /* ways out */
        HEAD CONST "call _, %1 -> 20\n",
        HEAD CONST "%2 = get_i64 a\ncallind %2, %1\n",
        HEAD "%2 = get_i64 a\nret %2\n",
        HEAD "%2 = get_i32 w\nexit host_call, %2\n",
        /* wide values: two numbers each */
        HEAD WIDE "%3 = get_v128 v\n%5 = add_i8x16 %1, %3\nput_v128 v, %5\nputf_v128 frame[1], %5\n" END,
        HEAD WIDE "%3 = const_i64 8\nstore_v128 mem0[%3], %1\n" END,
        HEAD WIDE "%3 = const_i64 8\n%4 = helper_v128 wide(%1, %3, %1)\n%6 = helper sums(%4)\nput a, %6\n" END,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_good(texts[i]);
}

static void every_rule_is_enforced(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        /* shape */
        {"block 10 ctx 0", "the block is empty"},
        {HEAD "const_i64 1\n" END, "result is missing"},
        {HEAD CONST "%2 = put a, %1\n" END, "has no result"},
        {HEAD CONST "%2 = add_i64 %1\n" END, "operand 2 is missing"},
        {HEAD "put a\n" END, "operand 1 is missing"},
        {HEAD CONST "%2 = clz_i64 %1, %1\n" END, "operand 2 is one too many"},
        {HEAD CONST "jump %1 -> 12\n", "operand 1 is one too many"},
        /* temps */
        {HEAD "%2 = add_i64 %1, %1\n" CONST END, "%1 is used before it is defined"},
        {HEAD "%1 = add_i64 %1, %1\n" END, "%1 is used before it is defined"},
        {HEAD "put a, %7\n" END, "%7 is used before it is defined"},
        {HEAD CONST CONST END, "%1 is assigned twice"},
        {HEAD CONST "%2 = add_i32 %1, %1\n" END, "%1 is i64, not i32"},
        {HEAD CONST "%2 = fneg_f64 %1\n" END, "%1 is i64, not f64"},
        {HEAD CONST "%2 = bits_f64 %1\nstore_8 mem0[%1], %2\n" END, "%2 is f64, not int"},
        {HEAD WIDE "%2 = const_i64 1\n" END, "%2 is assigned twice"},
        {HEAD "%2 = const_i64 1\n" WIDE END, "%2 is assigned twice"},
        {HEAD WIDE "%3 = add_i64x2 %1, %2\n" END, "%2 is used before it is defined"},
        {HEAD WIDE "%3 = clz_i64 %1\n" END, "%1 is v128, not i64"},
        {HEAD CONST "%2 = add_i64x2 %1, %1\n" END, "%1 is i64, not v128"},
        /* forms */
        {HEAD WIDE "put v, %1\n" END, "%1 is v128, not narrow"},
        {HEAD WIDE "put_v128 a, %1\n" END, "slot a is i64, not v128"},
        {HEAD "%1 = get_i64 v\n" END, "slot v is v128, not i64"},
        {HEAD "%1 = get_v128 f\n" END, "slot f is f64, not v128"},
        {HEAD WIDE "putf frame[0], %1\n" END, "%1 is v128, not narrow"},
        {HEAD WIDE "exit syscall, %1\n", "%1 is v128, not narrow"},
        {HEAD WIDE "%3 = helper leaf(%1)\n" END, "%1 is v128, not narrow"},
        {HEAD CONST "%2 = helper sums(%1)\n" END, "%1 is i64, not v128"},
        {HEAD "%2 = helper sums()\n" END, "%0 is none, not v128"},
        {HEAD WIDE "%3 = helper wide(%1, _, %1)\n" END, "helper wide does not yield i64"},
        {HEAD CONST "%2 = helper_v128 leaf(%1)\n" END, "helper leaf does not yield v128"},
        {HEAD "%1 = get_i64 slot9\n" END, "there is no slot 9"},
        {HEAD "%1 = get_i32 a\n" END, "slot a is i64, not i32"},
        {HEAD CONST "put f, %1\n" END, "slot f is f64, not i64"},
        {HEAD "%1 = const_i32 -1\n" END, "does not fit in 32 bits"},
        {HEAD CONST "%2 = shladd_i64.64 %1, %1\n" END, "shift by 64"},
        {HEAD "%1 = getf_i64 frame[-1]\n" END, "negative frame slot"},
        {HEAD CONST "%2 = load_64 mem4[%1]\n" END, "there is no memory space 4"},
        {HEAD "jump -> 13\n", "misaligned target"},
        {HEAD CONST "br_i64.eq %1, %1 -> 13\n" END, "misaligned target"},
        {HEAD CONST "call _, %1 -> 13\n", "misaligned target"},
        {HEAD "%1 = get_i64 a\ncall _, %1 -> 12\n", "return address is not a constant"},
        {HEAD "%1 = get_i64 a\ncallind %1, %1\n", "return address is not a constant"},
        {HEAD "exit none, 0\n", "exit kind 0"},
        {HEAD "exit exit99, 0\n", "exit kind 99"},
        {HEAD CONST "exitif_i64.eq %1, %1 -> exit99, 0\n" END, "exit kind 99"},
        {HEAD "%1 = helper helper9()\n" END, "there is no helper 9"},
        /* marks */
        {"block 10 ctx 0\n" END, "the first uop is not a mark"},
        {"block 10 ctx 0\n12: mark 2\n" END, "the first mark is not at the block's pc"},
        {"block 10 ctx 0\n10: mark 0\n" END, "an instruction of no length"},
        {HEAD "13: mark 2\n" END, "misaligned instruction"},
        {"block 10 ctx 0\n10: mark 4\n12: mark 4\n" END, "begins before the instruction before it ends"},
        {"block 10 ctx 0\n10: mark 4\n12: mark 2\n" END, "begins before the instruction before it ends"},
        {HEAD "e: mark 2\n" END, "beyond the"},
        {HEAD "20: mark 2\n10: mark 2\n" END, "ends beyond the 2 bytes"},
        /* end */
        {HEAD, "does not end the block"},
        {HEAD CONST, "does not end the block"},
        {HEAD END END, "ends the block before its last uop"},
        {HEAD "exit syscall, 0\n" CONST END, "ends the block before its last uop"},
        /* commits: what changes state, before each of what may exit */
        {HEAD CONST "put a, %1\n%2 = load_64 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "putf frame[0], %1\n%2 = load_u8 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "store_64 mem0[%1], %1\nstore_64 mem0[%1 + 8], %1\n" END, "may exit after"},
        {HEAD CONST "store_64 mem0[%1], %1\n%2 = amo_add_64 mem0[%1], %1\n" END, "may exit after"},
        {HEAD CONST "%2 = amo_swap_32 mem0[%1], %1\n%3 = amo_swap_32 mem0[%1], %1\n" END, "may exit after"},
        {HEAD CONST "%2 = cas_64 mem0[%1], %1, %1\n%3 = load_64 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "%2 = lr_64 mem0[%1]\n%3 = load_64 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "%2 = sc_64 mem0[%1], %1\nexitif_i64.ne %2, %1 -> illegal, 0\n" END, "may exit after"},
        {HEAD CONST "%2 = helper writes()\n%3 = load_64 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "%2 = helper writes_exits()\n%3 = helper exits()\n" END, "may exit after"},
        {HEAD CONST "put a, %1\n%2 = helper exits()\n" END, "may exit after"},
        {HEAD CONST "put a, %1\nexit syscall, 0\n", "may exit after"},
        {HEAD CONST "put a, %1\nexitif_i64.eq %1, %1 -> illegal, 0\n" END, "may exit after"},
        {HEAD CONST "%2 = get_f64 f\n%3 = fadd_f64.rne %2, %2\n%4 = load_64 mem0[%1]\n" END, "may exit after"},
        {HEAD CONST "%2 = get_f64 f\n%3 = feq_f64 %2, %2\nexit illegal, %3\n", "may exit after"},
        /* commits: an AFTER exit says that the instruction is done */
        {HEAD CONST "exitif_i64.ne %1, %1 -> retranslate, 0\nput a, %1\n" END, "changes state after"},
        {HEAD CONST "exitif_i64.ne %1, %1 -> wait, 0\nstore_64 mem0[%1], %1\n" END, "changes state after"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_bad(parse(cases[i].text), cases[i].text, cases[i].says);
}

/* A good block, with one number of it changed to something that text cannot spell. */
static void damage_is_found(void **state) {
    (void)state;
    static const char text[] =
        HEAD CONST "%2 = set_i64.eq %1, %1\n%3 = get_f64 f\n%4 = fadd_f64.rne %3, %3\n"
                   "br_i64.eq %1, %2 -> 20\n%5 = helper leaf(%1)\nexitif_i64.eq %1, %1 -> wait, 0\n" END;
    enum { MARK, CONSTANT, SET, GET, ADD, BRANCH, HELPER, EXITIF, JUMP };
    static const struct {
        unsigned index;
        size_t offset, size;
        uint32_t value;
        const char *says;
    } cases[] = {
#define FIELD(f) offsetof(struct uop, f), sizeof((struct uop *)0)->f
        {SET, FIELD(op), UOP_COUNT, "unknown op"},       {SET, FIELD(x), C_COUNT, "condition 10"},
        {BRANCH, FIELD(x), C_COUNT, "condition 10"},     {EXITIF, FIELD(x), C_COUNT, "condition 10"},
        {ADD, FIELD(x), 5, "rounding mode 5"},           {ADD, FIELD(imm), 1, "imm is not used"},
        {ADD, FIELD(aux), 1, "aux is not used"},         {CONSTANT, FIELD(x), 1, "x is not used"},
        {HELPER, FIELD(x), 1, "x is not used"},          {JUMP, FIELD(aux), 1, "aux is not used"},
        {SET, FIELD(a), 60000, "%60000 is used before"}, {SET, FIELD(dst), 60000, "%60000 is not among"},
#undef FIELD
    };
    assert_good(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct block *k = parse(text);
        memcpy((char *)&k->uops[cases[i].index] + cases[i].offset, &cases[i].value,
               cases[i].size < 4 ? cases[i].size : 4);
        assert_bad(k, text, cases[i].says);
    }
    struct block *k = parse(text);
    k->temps[2].type = T_I32;
    assert_bad(k, "a wrong type", "%2 is noted as i32");
    k = parse(text);
    k->temps[2].def++;
    assert_bad(k, "a wrong definition", "%2 is noted as defined by uop");
    k = parse(text);
    k->ninsns++;
    assert_bad(k, "a wrong count", "1 marks, but 2 instructions noted");
    k = parse(text);
    k->bytes += 2;
    assert_bad(k, "a wrong length", "4 bytes noted");
    k = parse(text);
    k->ntemps = BLOCK_MAX_TEMPS + 1;
    assert_bad(k, "too many temporaries", "4001 temporaries");
    k = parse(HEAD "exit syscall, 1\n");
    k->uops[1].a = 1;
    assert_bad(k, "an undefined value", "%1 is used before");
    k = parse(HEAD CONST "exit syscall, %1\n");
    k->uops[2].imm = 1;
    assert_bad(k, "two values", "two values");
    k = parse(HEAD WIDE END);
    k->uops[1].imm = 1;
    assert_bad(k, "half a constant", "beyond the pool");
    k->uops[1].imm = -1;
    assert_bad(k, "no constant", "beyond the pool");
    k = parse(HEAD WIDE END);
    k->ntemps--;
    assert_bad(k, "half a temporary", "%1 is not among");
}

static void slots_are_aligned(void **state) {
    (void)state;
    struct slot slots[TOY_V + 1];
    struct guest other = toy;
    memcpy(slots, toy_slots, sizeof slots);
    slots[TOY_V].offset += 8;
    other.slots = slots;
    assert_false(block_check(parse(HEAD "%1 = get_v128 v\n" END), &other, why, sizeof why));
    assert_non_null(strstr(why, "slot v is not aligned to 16"));
}

static void too_many_instructions_are_found(void **state) {
    (void)state;
    static char text[BLOCK_MAX_INSNS * 40 + 100];
    for (unsigned extra = 0; extra < 2; extra++) {
        int n = sprintf(text, "block 10 ctx 0\n");
        for (unsigned i = 0; i < BLOCK_MAX_INSNS + extra; i++) n += sprintf(text + n, "%x: mark 2\n", 0x10 + 2 * i);
        sprintf(text + n, END);
        if (extra)
            assert_bad(parse(text), "a long block", "129 instructions");
        else
            assert_good(text);
    }
}

/* Without a slot for accrued flags, FP uops change no state. */
static void fp_changes_state_only_where_flags_accrue(void **state) {
    (void)state;
    static const char text[] = HEAD CONST "%2 = get_f64 f\n%3 = fadd_f64.rne %2, %2\n%4 = load_64 mem0[%1]\n" END;
    struct guest flagless = toy;
    flagless.nslots = TOY_FLAGS;
    assert_true(block_check(parse(text), &flagless, why, sizeof why));
    assert_false(block_check(parse(text), &toy, why, sizeof why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_blocks_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(every_rule_is_enforced, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(slots_are_aligned, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_instructions_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(fp_changes_state_only_where_flags_accrue, setup, teardown),
    };
    return cmocka_run_group_tests_name("core/check", tests, NULL, NULL);
}
