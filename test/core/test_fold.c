/*
 * core/block: what the builder folds, simplifies and forwards means the same as what was asked for. For every PURE uop,
 * with operands that are constants or unknown, the block that was built is run by a small evaluator here and compared
 * with uop_eval of the operands' values. Every block built must also be well-formed.
 *
 * Usage: test_fold [seed [rounds]]
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "core/fp.h"
#include "core/toy.h"

static uint64_t seed = 1;
static unsigned rounds = 400;
static struct arena arena;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Values at which operations change their behaviour, as often as random ones. */
static uint64_t random_value(enum type type) {
    static const uint64_t corners[] = {0,
                                       1,
                                       2,
                                       31,
                                       32,
                                       63,
                                       64,
                                       0x7f,
                                       0x80,
                                       0x7fff,
                                       0x8000,
                                       0x7fffffff,
                                       0x80000000,
                                       UINT32_MAX,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       UINT64_MAX,
                                       0xffffffff7fc00000,
                                       0xffffffffffff7e00};
    uint64_t r = next_random();
    uint64_t v = r & 1 ? corners[(r >> 1) % (sizeof corners / sizeof *corners)] : next_random() >> next_random() % 64;
    return type == T_I32 || type == T_F32 ? (uint32_t)v : v;
}

/* A cpu of the toy guest, of which the last slot is wide, and the temporaries of one block. */
struct machine {
    uint64_t slot[sizeof toy_slots / sizeof *toy_slots + TYPE_CELLS];
    uint64_t temp[BLOCK_MAX_TEMPS];
};

static void run(struct machine *m, const struct block *k) {
    for (uint32_t i = 0; i < k->nuops; i++) {
        const struct uop *u = &k->uops[i];
        uint32_t flags = 0;
        switch (u->op) {
        case UOP_mark:
        case UOP_jump: break;
        case UOP_put: m->slot[u->x] = m->temp[u->a]; break;
        case UOP_get_i64:
        case UOP_get_i32:
        case UOP_get_f64: m->temp[u->dst] = m->slot[u->x]; break;
        case UOP_put_v128: memcpy(&m->slot[u->x], &m->temp[u->a], SIZE_V128); break;
        case UOP_get_v128: memcpy(&m->temp[u->dst], &m->slot[u->x], SIZE_V128); break;
        case UOP_const_v128: memcpy(&m->temp[u->dst], &k->pool[u->imm], SIZE_V128); break;
        default:
            assert_true(uop_info[u->op].flags & UF_PURE);
            if (uop_is_wide(u->op)) {
                uop_eval_wide(u->op, u->x, u->imm, &m->temp[u->dst], &m->temp[u->a], &m->temp[u->b], &m->temp[u->c],
                              &flags);
                break;
            }
            m->temp[u->dst] = uop_eval(u->op, u->x, u->imm, m->temp[u->a], m->temp[u->b], m->temp[u->c], &flags);
        }
    }
}

static void begin(struct builder *b) {
    arena_reset(&arena);
    struct block *k = block_make(&arena, 0x10, 0);
    assert_non_null(k);
    builder_init(b, k, &arena, &toy);
    builder_mark(b, 0x10, 2);
}

static void end(struct builder *b) {
    char why[200];
    build_jump(b, 0x12);
    assert_false(b->failed);
    if (!block_check(b->block, &toy, why, sizeof why)) fail_msg("%s", why);
}

/* A temporary of the type, known to the builder or not, and its value: all of its cells. */
static uint16_t operand(struct builder *b, struct machine *m, enum type type, uint64_t *value, bool *known) {
    *known = next_random() & 1;
    *value = random_value(type);
    if (type_is_wide(type)) {
        for (unsigned n = 1; n < type_info[type].cells; n++) value[n] = random_value(T_I64);
        if (*known) return build_const_wide(b, type, value);
        memcpy(value, &m->slot[TOY_V], type_info[type].size);
        return build_get(b, TOY_V);
    }
    if (type == T_F32) {
        /* no slot is f32: an unknown one comes out of a wide register, a known one is moved from a constant */
        if (*known) return build1(b, UOP_bits_f32, build_const(b, T_I32, *value));
        *value = (uint32_t)m->slot[TOY_F];
        return build1(b, UOP_low_f32, build_get(b, TOY_F));
    }
    if (*known && type == T_F64) return build1(b, UOP_bits_f64, build_const(b, T_I64, *value));
    if (*known) return build_const(b, type, *value);
    unsigned slot = type == T_I32 ? TOY_W : type == T_F64 ? TOY_F : next_random() & 1 ? TOY_A : TOY_B;
    *value = m->slot[slot];
    return build_get(b, slot);
}

static unsigned definition_op(const struct builder *b, uint16_t temp) {
    return b->block->uops[b->block->temps[temp].def].op;
}

static unsigned random_x(enum uop_form form) {
    switch (form) {
    case FORM_COND: return (unsigned)(next_random() % C_COUNT);
    case FORM_ROUND: return (unsigned)(next_random() % 5);
    case FORM_SMALL: return (unsigned)(next_random() % 64);
    default: return 0;
    }
}

static void try_op(unsigned op) {
    static struct machine m;
    const struct uop_info *info = &uop_info[op];
    const enum type types[3] = {info->a, info->b, info->c};
    uint64_t value[3][TYPE_CELLS] = {0};
    uint16_t temp[3] = {0};
    bool constant = true;
    struct builder b;
    for (unsigned i = 0; i < toy.nslots; i++) m.slot[i] = random_value(toy_slots[i].type);
    for (unsigned n = 1; n < TYPE_CELLS; n++) m.slot[TOY_V + n] = random_value(T_I64);
    begin(&b);
    for (int i = 0; i < 3; i++) {
        bool known;
        if (types[i] == T_N) continue;
        temp[i] = operand(&b, &m, types[i], value[i], &known);
        constant &= known && types[i] != T_F32 && types[i] != T_F64;
    }
    struct uop u = {.op = (uint16_t)op, .a = temp[0], .b = temp[1], .c = temp[2]};
    u.x = (uint16_t)random_x(info->form);
    uint32_t flags = 0;
    uint64_t want[TYPE_CELLS] = {0}, got;
    if (uop_is_wide(op))
        uop_eval_wide(op, u.x, 0, want, value[0], value[1], value[2], &flags);
    else
        want[0] = uop_eval(op, u.x, 0, *value[0], *value[1], *value[2], &flags);
    uint16_t result = builder_emit(&b, u);
    end(&b);
    assert_int_equal(flags, 0);
    assert_int_equal(b.block->temps[result].type, info->result);
    if (constant && (info->result == T_I64 || info->result == T_I32)) {
        assert_true(builder_is_const(&b, result, &got));
        assert_int_equal(got, want[0]);
    }
    const struct uop *d = &b.block->uops[b.block->temps[result].def];
    if (constant && type_is_wide(info->result)) {
        assert_int_equal(uop_info[d->op].form, FORM_POOL);
        assert_false(builder_is_const(&b, result, &got));
    }
    run(&m, b.block);
    if (memcmp(&m.temp[result], want, 8u * type_info[info->result].cells))
        fail_msg("%s.%u of %#lx %#lx %#lx is %#lx, not %#lx", info->name, u.x, *value[0], *value[1], *value[2],
                 m.temp[result], want[0]);
}

static void every_pure_uop_folds_to_its_meaning(void **state) {
    (void)state;
    unsigned tried = 0;
    for (unsigned op = 0; op < UOP_COUNT; op++) {
        if (!(uop_info[op].flags & UF_PURE)) continue;
        if (uop_info[op].form == FORM_CONST || uop_info[op].form == FORM_POOL) continue;
        for (unsigned i = 0; i < rounds; i++) try_op(op);
        tried++;
    }
    assert_true(tried > 90);
}

/* Shifts that are extensions or rotations together, and those that are not quite. */
static void shifts_fold_to_what_they_are_together(void **state) {
    (void)state;
    unsigned folded[4] = {0};
    for (unsigned i = 0; i < 40 * rounds; i++) {
        static struct machine m;
        struct builder b;
        uint64_t random = next_random();
        const bool wide = random & 1, swap = random & 2, narrow = random & 4, twice = random & 8;
        static const uint8_t often[] = {32, 48, 56, 16, 24, 31, 1, 29};
        const uint64_t n = random & 16 ? often[random >> 8 & 7] : random >> 8 & 63;
        const uint64_t k = random & 32 ? n : random & 64 ? (wide || random & 128 ? 64 : 32) - n : random >> 16 & 63;
        for (unsigned s = 0; s < toy.nslots; s++) m.slot[s] = random_value(toy_slots[s].type);
        begin(&b);
        const uint64_t v = m.slot[TOY_A], low = (uint32_t)v;
        const uint16_t x = build_get(&b, TOY_A);
        uint16_t result;
        uint64_t want;
        if (random >> 24 & 1) { /* there and back */
            const bool sign = random >> 25 & 1;
            result = build2(&b, UOP_shl_i64, x, build_const(&b, T_I64, n & 63));
            result = build2(&b, sign ? UOP_sar_i64 : UOP_shr_i64, result, build_const(&b, T_I64, k & 63));
            want = v << (n & 63);
            want = sign ? (uint64_t)((int64_t)want >> (k & 63)) : want >> (k & 63);
            folded[0] += definition_op(&b, result) != (sign ? UOP_sar_i64 : UOP_shr_i64);
        } else if (wide) {
            uint16_t p = build2(&b, UOP_shl_i64, x, build_const(&b, T_I64, n & 63));
            uint16_t q =
                build2(&b, UOP_shr_i64, random >> 26 & 7 ? x : build_get(&b, TOY_B), build_const(&b, T_I64, k & 63));
            result = build2(&b, UOP_or_i64, swap ? q : p, swap ? p : q);
            want = v << (n & 63) | (random >> 26 & 7 ? v : m.slot[TOY_B]) >> (k & 63);
            folded[1] += definition_op(&b, result) != UOP_or_i64;
        } else {
            const enum uop_op extensions[2] = {UOP_sext32_i64, UOP_zext32_i64};
            uint16_t t = build1(&b, UOP_trunc_i32, x), t2 = twice ? build1(&b, UOP_trunc_i32, x) : t;
            uint16_t p = build2(&b, UOP_shl_i32, t, build_const(&b, T_I32, n & 31));
            uint16_t q = build2(&b, UOP_shr_i32, t2, build_const(&b, T_I32, k & 31));
            uint64_t vp = (uint32_t)(low << (n & 31)), vq = low >> (k & 31);
            if (!narrow) {
                p = build1(&b, extensions[random >> 30 & 1], p);
                q = build1(&b, extensions[random >> 31 & 1], q);
                if (!(random >> 30 & 1)) vp = (uint64_t)(int32_t)vp;
                if (!(random >> 31 & 1)) vq = (uint64_t)(int32_t)vq;
            }
            const enum uop_op op = narrow ? UOP_or_i32 : UOP_or_i64;
            result = build2(&b, op, swap ? q : p, swap ? p : q);
            want = vp | vq;
            folded[2 + narrow] += definition_op(&b, result) != op;
        }
        end(&b);
        run(&m, b.block);
        if (m.temp[result] != want)
            fail_msg("shifts of %#lx by %lu and %lu: %#lx, not %#lx", v, n, k, m.temp[result], want);
    }
    for (unsigned k = 0; k < 4; k++) assert_true(folded[k] > rounds);
}

/* FP uops raise flags when they run, so they are never folded, whatever the operands. */
static void fp_uops_are_never_folded(void **state) {
    (void)state;
    for (unsigned op = 0; op < UOP_COUNT; op++) {
        if (!(uop_info[op].flags & UF_FP)) continue;
        struct builder b;
        struct machine m = {0};
        uint64_t value[TYPE_CELLS];
        bool known;
        begin(&b);
        struct uop u = {.op = (uint16_t)op};
        if (uop_info[op].a != T_N) u.a = operand(&b, &m, uop_info[op].a, value, &known);
        if (uop_info[op].b != T_N) u.b = operand(&b, &m, uop_info[op].b, value, &known);
        if (uop_info[op].c != T_N) u.c = operand(&b, &m, uop_info[op].c, value, &known);
        uint16_t result = builder_emit(&b, u);
        assert_int_equal(b.block->uops[b.block->nuops - 1].op, op);
        assert_int_equal(b.block->uops[b.block->nuops - 1].dst, result);
        end(&b);
    }
}

/* Random programs of gets, puts and additions: slots end up as if nothing had been forwarded. */
static void forwarding_keeps_the_order_of_puts_and_gets(void **state) {
    (void)state;
    static struct machine m;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t slot[2], value[64];
        uint16_t temp[64];
        unsigned n = 0;
        struct builder b;
        begin(&b);
        for (unsigned i = 0; i < 2; i++) slot[i] = m.slot[i] = random_value(T_I64);
        while (n < 64) {
            unsigned s = next_random() & 1, p = n ? (unsigned)(next_random() % n) : 0;
            switch (next_random() % 4) {
            case 0:
                value[n] = random_value(T_I64);
                temp[n] = build_const(&b, T_I64, value[n]);
                n++;
                break;
            case 1:
                value[n] = slot[s];
                temp[n++] = build_get(&b, s);
                break;
            case 2:
                if (!n) break;
                slot[s] = value[p];
                build_put(&b, s, temp[p]);
                break;
            case 3:
                if (!n) break;
                value[n] = value[p] + value[n - 1];
                temp[n] = build2(&b, UOP_add_i64, temp[p], temp[n - 1]);
                n++;
                break;
            }
        }
        end(&b);
        run(&m, b.block);
        for (unsigned i = 0; i < n; i++) assert_int_equal(m.temp[temp[i]], value[i]);
        assert_int_equal(m.slot[0], slot[0]);
        assert_int_equal(m.slot[1], slot[1]);
    }
}

/* Wide values are forwarded as others are; of equal constants the pool has one, and a temporary's numbers are its own.
 */
static void wide_values_are_forwarded_and_shared(void **state) {
    (void)state;
    static struct machine m;
    const uint64_t one[] = {1, 2}, other[] = {2, 1}, within[] = {2, 2};
    struct builder b;
    begin(&b);
    const uint16_t v = build_get(&b, TOY_V), p = build_const_wide(&b, T_V128, one);
    assert_int_equal(p, v + 2);
    assert_int_equal(build_get(&b, TOY_V), v);
    build_put(&b, TOY_V, p);
    assert_int_equal(build_get(&b, TOY_V), p);
    const uint16_t q = build_const_wide(&b, T_V128, one);
    assert_int_equal(b.block->npool, 2);
    const uint16_t r = build_const_wide(&b, T_V128, other);
    assert_int_equal(b.block->npool, 4);
    build_const_wide(&b, T_V128, within); /* the end of the one with the start of the other */
    assert_int_equal(b.block->npool, 4);
    for (unsigned n = 0; n < 100; n++) build_const_wide(&b, T_V128, (const uint64_t[]){n, 1000});
    const uint16_t sum = build2(&b, UOP_xor_v128, build_get(&b, TOY_V), r);
    build_put(&b, TOY_V, sum);
    end(&b);
    run(&m, b.block);
    assert_memory_equal(&m.temp[q], one, sizeof one);
    assert_int_equal(m.slot[TOY_V], 3);
    assert_int_equal(m.slot[TOY_V + 1], 3);
}

/* A helper that writes state, and the host's sticky FP flags, make earlier values stale. */
static void stale_values_are_read_again(void **state) {
    (void)state;
    struct builder b;
    begin(&b);
    uint16_t a = build_get(&b, TOY_A);
    assert_int_equal(build_get(&b, TOY_A), a);
    build_helper(&b, TOY_READS, a, 0, 0);
    assert_int_equal(build_get(&b, TOY_A), a);
    uint16_t other = build_get(&b, TOY_B);
    build_helper(&b, TOY_WRITES_B, a, 0, 0); /* one field only */
    assert_int_equal(build_get(&b, TOY_A), a);
    assert_int_not_equal(build_get(&b, TOY_B), other);
    build_helper(&b, TOY_WRITES, a, 0, 0);
    assert_int_not_equal(build_get(&b, TOY_A), a);
    uint16_t flags = build_get(&b, TOY_FLAGS);
    assert_int_not_equal(build_get(&b, TOY_FLAGS), flags);
    build_put(&b, TOY_FLAGS, flags);
    assert_int_not_equal(build_get(&b, TOY_FLAGS), flags);
    end(&b);
}

/* A builder that runs out of temporaries fails and stays harmless. */
static void running_out_of_temporaries_fails_softly(void **state) {
    (void)state;
    struct builder b;
    begin(&b);
    uint16_t t = build_get(&b, TOY_A);
    for (unsigned i = 0; i < 2 * BLOCK_MAX_TEMPS && t; i++) t = build1(&b, UOP_clz_i64, t);
    assert_true(b.failed);
    assert_int_equal(t, 0);
    assert_int_equal(build_get(&b, TOY_B), 0);
    assert_int_equal(build_const(&b, T_I64, 1), 0);
    assert_int_equal(build_const_wide(&b, T_V128, (const uint64_t[]){1, 2}), 0);
    build_put(&b, TOY_A, 0);
    assert_true(b.block->ntemps <= BLOCK_MAX_TEMPS);
}

int main(int argc, char **argv) {
    if (argc > 1) seed = strtoull(argv[1], NULL, 0) | 1;
    if (argc > 2) rounds = (unsigned)strtoul(argv[2], NULL, 0);
    arena_init(&arena, 1 << 16);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pure_uop_folds_to_its_meaning),
        cmocka_unit_test(fp_uops_are_never_folded),
        cmocka_unit_test(forwarding_keeps_the_order_of_puts_and_gets),
        cmocka_unit_test(stale_values_are_read_again),
        cmocka_unit_test(running_out_of_temporaries_fails_softly),
        cmocka_unit_test(shifts_fold_to_what_they_are_together),
        cmocka_unit_test(wide_values_are_forwarded_and_shared),
    };
    int failed = cmocka_run_group_tests_name("core/block", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
