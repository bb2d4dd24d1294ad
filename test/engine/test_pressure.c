/* The translator never refuses a block, however many values live on, and computes the same as the interpreter then.
 *
 * Every row of uop.def, with operands that are constants, in pins, in slots without one, in scratch registers or long
 * spilled, or one and the same; each subset of them is wanted again afterwards; among no, some, or more values than
 * registers and spill cells hold (then the block is cut). What a block computes is compared as a whole.
 */
#include "pressure.h"
#ifdef __x86_64__
#include "host/x86_64/x86_64.h"
#endif

enum { LEVELS = 4, ROUNDS = 3 };

static uint64_t random_state;
static unsigned roll(unsigned n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 20) % n;
}

static uint64_t at; /* where the next instruction goes */

static void put_code(unsigned op, unsigned dst, unsigned a, unsigned b, unsigned c, unsigned x, unsigned k) {
    struct code i = {(uint16_t)op, (uint8_t)dst, (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)x, (uint8_t)k};
    assert_true(at < STOP);
    memcpy(code + (at - CODE), &i, sizeof i);
    at += LENGTH;
}

static unsigned move_of(enum type t) {
    return t == T_I32 ? 0 : t == T_I64 ? 1 : t == T_F32 ? 2 : t == T_F64 ? 3 : 4;
}

/* Value n of the type gets something of this kind. */
enum { FROM_FRAME, FROM_CONSTANT, FROM_PIN, FROM_SLOT, FROM_RESULT, KINDS };
static void operand(enum type t, unsigned n, unsigned kind) {
    const unsigned slot = kind == FROM_PIN ? roll(8) : INT_SLOTS - 1 - roll(3);
    if (kind == FROM_FRAME) return;
    switch (t) {
    case T_I64:
        if (kind == FROM_CONSTANT)
            put_code(UOP_const_i64, n, 0, 0, 0, 0, roll(9));
        else if (kind == FROM_RESULT)
            put_code(UOP_add_i64, n, 1, 2, 0, 0, 0);
        else
            put_code(UOP_get_i64, n, 0, 0, 0, slot, 0);
        break;
    case T_I32:
        if (kind == FROM_CONSTANT) {
            put_code(UOP_const_i32, n, 0, 0, 0, 0, roll(9));
        } else if (kind == FROM_RESULT) {
            put_code(UOP_sub_i32, n, 1, 2, 0, 0, 0);
        } else if (kind == FROM_SLOT) {
            put_code(UOP_get_i32, n, 0, 0, 0, roll(8), 0);
        } else { /* with something above */
            put_code(UOP_get_i64, 5, 0, 0, 0, slot, 0);
            put_code(UOP_trunc_i32, n, 5, 0, 0, 0, 0);
        }
        break;
    case T_F64:
        if (kind == FROM_CONSTANT) {
            put_code(UOP_const_i64, 5, 0, 0, 0, 0, roll(9));
            put_code(UOP_bits_f64, n, 5, 0, 0, 0, 0);
        } else if (kind == FROM_RESULT) {
            put_code(UOP_fadd_f64, n, 1, 2, 0, 0, 0);
        } else {
            put_code(UOP_get_f64, n, 0, 0, 0, roll(FP_SLOTS), 0);
        }
        break;
    case T_V128:
        if (kind == FROM_CONSTANT)
            put_code(UOP_const_v128, n, 0, 0, 0, 0, roll(256));
        else if (kind == FROM_RESULT)
            put_code(UOP_add_i32x4, n, 1, 2, 0, 0, 0);
        else
            put_code(UOP_get_v128, n, 0, 0, 0, roll(WIDE_SLOTS), 0);
        break;
    default:
        if (kind == FROM_CONSTANT) {
            put_code(UOP_const_i32, 5, 0, 0, 0, 0, roll(9));
            put_code(UOP_bits_f32, n, 5, 0, 0, 0, 0);
        } else if (kind == FROM_RESULT) {
            put_code(UOP_fmul_f32, n, 1, 2, 0, 0, 0);
        } else {
            put_code(UOP_get_f64, 5, 0, 0, 0, roll(FP_SLOTS), 0);
            put_code(UOP_low_f32, n, 5, 0, 0, 0, 0);
        }
    }
}

/* Values from 16 on are results that live on. */
static void press(unsigned n) {
    static const unsigned ints[] = {UOP_add_i64, UOP_xor_i64, UOP_mul_i64, UOP_shl_i64};
    for (unsigned k = 0; k < n; k++) {
        put_code(ints[k % 4], 16 + k, 2 * k, 2 * k + 1, 0, 0, 0);
        if (k % 2) put_code(UOP_fadd_f64, 16 + k, k, k + 1, 0, 0, 0);
        if (k % 3 == 0) put_code(UOP_add_i16x8, 16 + k, k, k + 1, 0, 0, 0);
    }
}

/* Reads more values than there are registers and spill cells. Done twice in one block, they all live between. */
static void flood(void) {
    for (unsigned k = 0; k < 10; k++) put_code(UOP_select_i64, k, 16 + k, 30 + k, 44 + k, 0, 0);
    for (unsigned k = 0; k < 9; k++) put_code(UOP_select_i32, k, 16 + k, 30 + k, 44 + k, 0, 0);
    for (unsigned k = 0; k < 9; k++) put_code(UOP_fmadd_f64, k, 16 + k, 30 + k, 44 + k, 0, 0);
    for (unsigned k = 0; k < 5; k++) put_code(UOP_select_v128, k, 16 + k, 30 + k, 44 + k, 0, 0);
}

/* What slots hold is wanted although they get something else. */
static void untie(void) {
    for (unsigned k = 0; k < 4; k++) {
        const unsigned s = roll(INT_SLOTS);
        put_code(UOP_get_i64, 46 + k, 0, 0, 0, s, 0);
        if (roll(2)) put_code(UOP_put, 0, 46 + k, 0, 0, roll(INT_SLOTS), 0); /* in two places */
        put_code(UOP_put, 0, 1 + k, 0, 0, s, 0);
    }
    for (unsigned k = 0; k < 3; k++) {
        const unsigned s = roll(FP_SLOTS);
        put_code(UOP_get_f64, 46 + k, 0, 0, 0, s, 0);
        if (roll(2)) put_code(UOP_put, 0, 46 + k, 0, 0, INT_SLOTS + WORD_SLOTS + roll(FP_SLOTS), 2);
        put_code(UOP_put, 0, 1 + k, 0, 0, INT_SLOTS + WORD_SLOTS + s, 2);
    }
    for (unsigned k = 0; k < 2; k++) {
        const unsigned s = roll(WIDE_SLOTS);
        put_code(UOP_get_v128, 46 + k, 0, 0, 0, s, 0);
        put_code(UOP_put_v128, 0, 1 + k, 0, 0, s, 0);
    }
}

static void write_case(unsigned op, unsigned wanted, unsigned level) {
    const struct uop_info *info = &uop_info[op];
    const uint8_t types[3] = {info->a, info->b, info->c};
    const unsigned k = roll(256), x = roll(256);
    unsigned value[3] = {0};
    enum type type[3];
    const bool early = roll(2);
    const struct code shape = {.k = (uint8_t)k};
    for (unsigned n = 0; n < 3; n++) type[n] = operand_type((enum type)types[n], &shape);
    if (info->form == FORM_HELPER) {
        const uint8_t *declared = wide_helpers[helper_of(&(struct code){.op = (uint16_t)op, .x = (uint8_t)x})];
        for (unsigned n = 0; n < 3; n++)
            if (declared[n + 1]) type[n] = (enum type)declared[n + 1];
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        if (pass == early) {
            if (level == 1) press(4);
            if (level == 2) press(12);
            if (level == 2) untie();
            if (level == 3) flood();
        }
        if (pass) continue;
        for (unsigned n = 0; n < 3; n++) {
            if (type[n] == T_N) continue;
            value[n] = 10 + n;
            if (n && type[n] == type[0] && !roll(4)) {
                value[n] = value[0];
            } else if (!n && info->form == FORM_MEM) {
                value[0] = VALUES - 1 - roll(ADDRESSES);
                if (roll(4)) put_code(CODE_ADDRESS, value[0], roll(16), 0, 0, 0, 0);
            } else if (!n && (op == UOP_jumpind || op == UOP_callind || op == UOP_ret)) {
                put_code(CODE_POINTER, value[0], roll(16), 0, 0, 0, 0);
            } else if (op == UOP_unbox_f32 && roll(4)) {
                put_code(CODE_BOXED, value[0], roll(16), 0, 0, 0, 0);
            } else {
                operand(type[n], value[n], roll(KINDS));
            }
        }
    }
    put_code(op, 14, value[0], value[1], value[2], x, k);
    if (info->flags & UF_END) return;
    if (info->result == T_I64 && !roll(3)) put_code(UOP_put, 0, 14, 0, 0, roll(INT_SLOTS), 0);
    if (info->result == T_F64 && !roll(3)) put_code(UOP_put, 0, 14, 0, 0, INT_SLOTS + WORD_SLOTS + roll(FP_SLOTS), 2);
    if (info->result == T_V128 && !roll(3)) put_code(UOP_put_v128, 0, 14, 0, 0, roll(WIDE_SLOTS), 0);
    for (unsigned n = 0; n < 3; n++)
        if (type[n] != T_N && (wanted >> n & 1)) put_code(CODE_MOVE, 50 + n, value[n], 0, 0, move_of(type[n]), 0);
    if (level == 3) flood();
    if (level == 2) untie();
    put_code(CODE_STOP, 0, 0, 0, 0, 0, 0);
}

static unsigned operands_of(unsigned op) {
    return uop_info[op].c ? 3 : uop_info[op].b ? 2 : uop_info[op].a ? 1 : 0;
}

static struct world w[2]; /* by the interpreter, by the translator */

static void compare(uint64_t pc, unsigned op, unsigned wanted, unsigned level) {
    static struct seen seen[2];
    for (unsigned seed = 0; seed < 2; seed++) {
        for (unsigned k = 0; k < 2; k++) world_run(&w[k], pc, pc + seed, &seen[k]);
        if (!memcmp(&seen[0], &seen[1], sizeof *seen)) continue;
        const uint64_t *x = (const uint64_t *)&seen[0], *y = (const uint64_t *)&seen[1];
        size_t n = 0;
        while (n + 1 < sizeof *seen / 8 && x[n] == y[n]) n++;
        fail_msg("%s, wanted %u, level %u, at %llx: word %zu is 0x%llx, not 0x%llx (exits %s, %s)", uop_info[op].name,
                 wanted, level, (unsigned long long)pc, n, (unsigned long long)y[n], (unsigned long long)x[n],
                 exit_info[seen[1].kind].name, exit_info[seen[0].kind].name);
    }
}

static void worlds_make(enum mem_kind kind, bool counted, unsigned refuse) {
    const struct engine_config config = {.tier = TIER_INTERP, .counted = counted, .refuse = refuse};
    struct engine_config other = config;
    other.tier = TIER_BASELINE;
    world_make(&w[0], &config, kind);
    world_make(&w[1], &other, kind);
    at = CODE;
    random_state = 0x9e3779b97f4a7c15 + kind + 2 * counted;
}
static void worlds_free(void) {
    for (unsigned k = 0; k < 2; k++) world_free(&w[k]);
}
/* An allocation that fails is a reason; poisoned builds cannot say how many there are. */
static void refusals_are(uint64_t n) {
#ifdef VEE_POISON
    (void)n;
#else
    assert_int_equal(engine_stats(w[1].engine).refused, n);
#endif
}

static void every_row(enum mem_kind kind, bool counted, unsigned refuse, unsigned rounds) {
    uint64_t cases = 0;
    worlds_make(kind, counted, refuse);
    for (unsigned op = 0; op < UOP_COUNT; op++) {
        if (op == UOP_mark || uop_info[op].form == FORM_CONST) continue;
        for (unsigned wanted = 0; wanted < 1u << operands_of(op); wanted++)
            for (unsigned level = 0; level < LEVELS; level++)
                for (unsigned round = 0; round < rounds; round++, cases++) {
                    const uint64_t pc = at;
                    write_case(op, wanted, level);
                    compare(pc, op, wanted, level);
                    const uint64_t refused = engine_stats(w[1].engine).refused;
                    if (refuse) compare(pc, op, wanted, level);
                    refusals_are(refused); /* it is remembered */
                }
    }
    if (refuse)
        assert_true(engine_stats(w[1].engine).refused >= cases / refuse);
    else
        refusals_are(0);
    assert_true(engine_stats(w[1].engine).blocks > cases); /* those of too many values were cut */
    worlds_free();
}

static int setup(void **state) {
    (void)state;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS, rights = PROT_READ | PROT_WRITE;
    strained_make();
    memory = mmap(NULL, MEMORY, rights, flags, -1, 0);
    code = mmap(NULL, CODE_SIZE, rights, flags | MAP_NORESERVE, -1, 0);
    assert_true(memory != MAP_FAILED && code != MAP_FAILED);
    at = STOP - LENGTH;
    put_code(CODE_STOP, 0, 0, 0, 0, 0, 0);
    memcpy(code + (STOP - CODE), code + (STOP - LENGTH - CODE), LENGTH);
    return 0;
}

static void in_a_window(void **state) {
    (void)state;
    every_row(MEM_WINDOW, false, 0, ROUNDS);
}
static void linear_and_counted(void **state) {
    (void)state;
    every_row(MEM_LINEAR, true, 0, ROUNDS);
}

/* The map of exits says of every slot that a register has. */
static void the_map_of_exits_is_sound(void **state) {
    (void)state;
    worlds_make(MEM_WINDOW, false, 0);
    const struct state_map *m = &w[1].engine->pinned;
    char why[100];
    if (!state_map_check(m, &strained, why, sizeof why)) fail_msg("%s", why);
    assert_true(m->nentries > 0);
    unsigned named = 0;
    for (unsigned n = 0; n < SLOTS; n++) named += m->of_slot[n] != 0;
    assert_int_equal(named, m->nentries);
    assert_int_not_equal(m->of_slot[FIRST_WIDE], 0);
    worlds_free();
}

/* Registers that nothing is pinned to are scratch, whichever and however many they are. */
static void with_fewer_pins(void **state) {
    (void)state;
    for (unsigned n = 0; n < 12; n += 1 + n / 2) {
        strained_pin(n, 11 - n);
        every_row(n % 2 ? MEM_WINDOW : MEM_LINEAR, n % 2, 0, 1);
    }
    strained_make();
}

/* What is refused is interpreted, and that is remembered: as long as the code is the same. */
static void refused(void **state) {
    (void)state;
    every_row(MEM_WINDOW, false, 3, ROUNDS);
    every_row(MEM_LINEAR, true, 1, ROUNDS);
    worlds_make(MEM_WINDOW, false, 1);
    struct seen seen;
    for (unsigned k = 0; k < 4; k++) {
        at = CODE;
        put_code(UOP_const_i64, 0, 0, 0, 0, 0, k);
        put_code(CODE_STOP, 0, 0, 0, 0, 0, 0);
        if (k) engine_invalidate(w[1].engine, CODE, LENGTH);
        for (unsigned n = 0; n < 3; n++) world_run(&w[1], CODE, n, &seen);
        refusals_are(k + 1);
        static const uint64_t constants[] = {0, 1, 3, UINT64_MAX};
        assert_int_equal(seen.frame[value_at(T_I64, 0)], constants[k]);
    }
    worlds_free();
}

#ifdef __x86_64__
/* Without each of the features, with each alone, and with none. */
static void on_lesser_processors(void **state) {
    (void)state;
    const struct x86_features all = x86_features;
    bool *has = (bool *)&x86_features;
    enum { N = sizeof all / sizeof *has };
    for (unsigned k = 0; k <= 2 * N; k++) {
        x86_features = k < N ? all : (struct x86_features){0};
        if (k < 2 * N) has[k % N] = k >= N && ((const bool *)&all)[k % N];
        every_row(MEM_WINDOW, false, 0, 1);
    }
    x86_features = all;
}

/* Each feature has its own bit, and vectors need the system, too. */
static void features_are_told_apart(void **state) {
    (void)state;
    const struct x86_cpuid none = {0}, system = {.leaf_1_ecx = 1u << 27, .xcr0 = 7};
    struct x86_features f = x86_features_of(&none);
    for (unsigned k = 0; k < sizeof f; k++) assert_false(((const bool *)&f)[k]);
    for (unsigned bit = 0; bit < 32; bit++) {
        const uint32_t one = 1u << bit;
        struct x86_cpuid c = {.leaf_1_ecx = one};
        f = x86_features_of(&c);
        assert_true(f.sse41 == (bit == 19) && f.popcnt == (bit == 23));
        assert_false(f.avx || f.fma || f.bmi1 || f.bmi2 || f.lzcnt);
        c = system;
        c.leaf_1_ecx |= one | 1u << 28;
        f = x86_features_of(&c);
        assert_true(f.avx && f.fma == (bit == 12));
        c.xcr0 = 3;
        f = x86_features_of(&c);
        assert_false(f.avx || f.fma);
        c = (struct x86_cpuid){.leaf_1_ecx = one | 1u << 28, .xcr0 = 7};
        f = x86_features_of(&c);
        assert_true(f.avx == (bit == 27));
        f = x86_features_of(&(struct x86_cpuid){.leaf_7_ebx = one});
        assert_true(f.bmi1 == (bit == 3) && f.bmi2 == (bit == 8) && !f.lzcnt);
        f = x86_features_of(&(struct x86_cpuid){.leaf_80000001_ecx = one});
        assert_true(f.lzcnt == (bit == 5) && !f.bmi1 && !f.bmi2);
    }
    assert_true(x86_features.avx == !!__builtin_cpu_supports("avx"));
    assert_true(x86_features.fma == !!__builtin_cpu_supports("fma"));
    assert_true(x86_features.sse41 == !!__builtin_cpu_supports("sse4.1"));
    assert_true(x86_features.popcnt == !!__builtin_cpu_supports("popcnt"));
    assert_true(x86_features.bmi1 == !!__builtin_cpu_supports("bmi"));
    assert_true(x86_features.bmi2 == !!__builtin_cpu_supports("bmi2"));
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_window),
        cmocka_unit_test(linear_and_counted),
        cmocka_unit_test(with_fewer_pins),
        cmocka_unit_test(refused),
        cmocka_unit_test(the_map_of_exits_is_sound),
#ifdef __x86_64__
        cmocka_unit_test(on_lesser_processors),
        cmocka_unit_test(features_are_told_apart),
#endif
    };
    return host_native ? cmocka_run_group_tests(tests, setup, NULL) : 0;
}
