/* wide.c - integers of 128 bits (wide.isa): what a row cannot say, because these instructions have two results. */
#include "guest/wasm/check.h"
#include "guest/wasm/lift.h"

static const uint8_t four[4] = {WASM_I64, WASM_I64, WASM_I64, WASM_I64};

bool wasm_check_wide_sum(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    return checker_pop_all(k, four, 4) && checker_push_all(k, four, 2);
}

bool wasm_check_wide_product(struct checker *k, const struct wasm_insn *i) {
    (void)i;
    return checker_pop_all(k, four, 2) && checker_push_all(k, four, 2);
}

static uint16_t pop(struct lifter *l) {
    return lifter_pop(l, T_I64);
}

void wasm_lift_i64_add128(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    uint16_t b_high = pop(l), b_low = pop(l), a_high = pop(l), a_low = pop(l);
    uint16_t low = B2(add_i64, a_low, b_low), carry = BX(set_i64, C_LTU, low, a_low);
    lifter_push(l, low);
    lifter_push(l, B2(add_i64, B2(add_i64, a_high, b_high), carry));
}

void wasm_lift_i64_sub128(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    uint16_t b_high = pop(l), b_low = pop(l), a_high = pop(l), a_low = pop(l);
    uint16_t borrow = BX(set_i64, C_LTU, a_low, b_low);
    lifter_push(l, B2(sub_i64, a_low, b_low));
    lifter_push(l, B2(sub_i64, B2(sub_i64, a_high, b_high), borrow));
}

void wasm_lift_i64_mul_wide_s(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    uint16_t b = pop(l), a = pop(l);
    lifter_push(l, B2(mul_i64, a, b));
    lifter_push(l, B2(mulhs_i64, a, b));
}

void wasm_lift_i64_mul_wide_u(struct lifter *l, const struct wasm_insn *i) {
    (void)i;
    uint16_t b = pop(l), a = pop(l);
    lifter_push(l, B2(mul_i64, a, b));
    lifter_push(l, B2(mulhu_i64, a, b));
}
