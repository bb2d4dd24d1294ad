/* Flags of rows are the truth: meanings accrue FP flags where their row says so, and nowhere else. (test_fold.c has
 * what PURE promises, engine/test_verify.c what hosts make of a row.)
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/fp.h"
#include "core/uop.h"

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_word(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1d;
}

/* Numbers of every kind: of all bits, with few, with the exponents of NaN and infinity. */
static uint64_t any_number(enum type t) {
    const uint64_t v = random_word(),
                   special[] = {0, 1, v >> 40, UINT64_MAX, v | 0x7ff0000000000000, 0x7ff0000000000000};
    const uint64_t n = v % 3 ? special[random_word() % 6] : v;
    return t == T_I32 || t == T_F32 ? (uint32_t)(v % 2 ? n : n >> 29) : n;
}

static void meanings_accrue_what_rows_say(void **state) {
    (void)state;
    for (unsigned op = 0; op < UOP_COUNT; op++) {
        const struct uop_info *info = &uop_info[op];
        if (info->flags & UF_HAND || type_info[info->result].size > 8 || type_info[info->a].size > 8) continue;
        uint32_t all = 0;
        for (unsigned i = 0; i < 20000; i++) {
            uint32_t flags = 0;
            const unsigned x = info->form == FORM_ROUND  ? random_word() % (FP_RMM + 1)
                               : info->form == FORM_COND ? random_word() % C_COUNT
                                                         : random_word() % 4;
            uop_eval((enum uop_op)op, x, 1, any_number(info->a), any_number(info->b), any_number(info->c), &flags);
            all |= flags;
        }
        const bool exact = op == UOP_fs32_f64 || op == UOP_fu32_f64; /* every integer of 32 bits is a double */
        if ((all != 0) != ((info->flags & UF_FP) != 0) && !exact) fail_msg("%s accrues %#x", info->name, all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(meanings_accrue_what_rows_say)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
