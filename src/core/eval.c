/* eval.c - the tables that uop.def and exit.def expand to, and the evaluation of uops from their meanings. */
#include "core/cpu.h"
#include "core/fp.h"
#include "core/meaning.h"
#include "core/uop_flags.h"
#include <assert.h>

const struct uop_info uop_info[UOP_COUNT] = {
#define U(name, r, a, b, c, form, flags, meaning) {#name, T_##r, T_##a, T_##b, T_##c, FORM_##form, (flags)},
#include "core/uop.def"
};

const struct type_info type_info[T_ANY + 1] = {
    [T_N] = {"none", 0, 0, BANK_INT},
#define T(name, text, size, bank) [T_##name] = {text, size, CELLS(size), BANK_##bank},
#include "core/type.def"
    [T_INT] = {"int", 8, 1, BANK_INT},
    [T_ANY] = {"any", 8, 1, BANK_INT},
};

#define T(name, text, size, bank) _Static_assert(((size) > 8) == (T_##name >= T_FIRST_WIDE), #name);
#include "core/type.def"

const struct exit_info exit_info[EXIT_COUNT] = {
#define E(name, when, text) {#name, text, EXIT_##when},
#include "core/exit.def"
};

uint64_t uop_eval(enum uop_op op, unsigned X, int64_t IMM, uint64_t A, uint64_t B, uint64_t C, uint32_t *FL) {
    uint64_t r = 0;
    (void)X, (void)IMM, (void)A, (void)B, (void)C, (void)FL;
    assert(!(uop_info[op].flags & UF_HAND));
    switch (op) {
#define W(name, r_, a, b, c, form, flags, meaning) /* uop_eval_wide */                                                 \
    case UOP_##name:                                                                                                   \
        assert(!"wide");                                                                                               \
        break;
#define U(name, r_, a, b, c, form, flags, meaning)                                                                     \
    case UOP_##name:                                                                                                   \
        r = (uint64_t)(meaning);                                                                                       \
        break;
#include "core/uop.def"
    case UOP_COUNT: break;
    }
    return uop_info[op].result == T_I32 || uop_info[op].result == T_F32 ? (uint32_t)r : r;
}

bool uop_is_wide(enum uop_op op) {
    const struct uop_info *i = &uop_info[op];
    return type_is_wide((enum type)i->result) || type_is_wide((enum type)i->a) || type_is_wide((enum type)i->b) ||
           type_is_wide((enum type)i->c);
}

#define A VA[0]
#define B VB[0]
void uop_eval_wide(enum uop_op op, unsigned X, int64_t IMM, uint64_t *R, const uint64_t *VA, const uint64_t *VB,
                   const uint64_t *VC, uint32_t *FL) {
    (void)IMM, (void)FL;
    switch (op) {
#define U(name, r, a, b, c, form, flags, meaning) /* uop_eval */
#define W(name, r, a, b, c, form, flags, meaning)                                                                      \
    case UOP_##name:                                                                                                   \
        meaning;                                                                                                       \
        break;
#include "core/uop.def"
    default: assert(!"not wide, or without a meaning");
    }
}
#undef A
#undef B

unsigned uop_mem_size(enum uop_op op) {
    switch (op) {
    case UOP_load_u8:
    case UOP_load_s8:
    case UOP_store_8: return 1;
    case UOP_load_u16:
    case UOP_load_s16:
    case UOP_store_16: return 2;
    case UOP_load_v128:
    case UOP_store_v128: return 16;
    case UOP_load_64:
    case UOP_load_f64:
    case UOP_store_64:
    case UOP_store_f64:
    case UOP_cas_64:
    case UOP_lr_64:
    case UOP_sc_64:
    case UOP_amo_swap_64:
    case UOP_amo_add_64:
    case UOP_amo_xor_64:
    case UOP_amo_and_64:
    case UOP_amo_or_64:
    case UOP_amo_min_64:
    case UOP_amo_max_64:
    case UOP_amo_minu_64:
    case UOP_amo_maxu_64: return 8;
    default: return 4;
    }
}

const char *cond_name(enum uop_cond c) {
    static const char *const names[C_COUNT] = {"eq", "ne", "lts", "ges", "ltu", "geu", "les", "gts", "leu", "gtu"};
    return c < C_COUNT ? names[c] : "?";
}

const char *type_name(enum type t) {
    return t <= T_ANY ? type_info[t].name : "?";
}
