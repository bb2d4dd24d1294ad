/* Integers of 128 bits in WebAssembly, against the compiler's: on every tier, counted, and for wrong types. The modules
 * are made here by hand, as assemblers do not know the instructions yet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "language/embed.h"
#include <stdlib.h>
#include <string.h>

enum { ADD128 = 0x13, SUB128, MUL_WIDE_S, MUL_WIDE_U };
enum { I32 = 0x7f, I64 = 0x7e, END = 0x0b, DROP = 0x1a, LOCAL_GET = 0x20, UNREACHABLE = 0 };

static const struct vm_options variants[] = {
    {.tier = TIER_INTERP, .check = true},
    {.tier = TIER_BASELINE, .check = true},
    {.tier = TIER_BASELINE, .check = true, .counted = true},
    {.tier = TIER_BASELINE, .check = true, .one_block = true},
};

struct bytes {
    uint8_t at[400];
    size_t size;
};
static void put(struct bytes *b, const void *bytes, size_t size) {
    assert_true(b->size + size <= sizeof b->at);
    memcpy(b->at + b->size, bytes, size);
    b->size += size;
}
#define PUT(b, ...) put(b, (const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})
static void section(struct bytes *module, uint8_t id, const struct bytes *body) {
    assert_true(body->size < 128);
    PUT(module, id, (uint8_t)body->size);
    put(module, body->at, body->size);
}

/* A module with one function, number 0: its parameters are of the types given, its results two i64. */
static struct bytes module_with(const uint8_t *params, uint8_t nparams, const struct bytes *code) {
    struct bytes m = {0}, types = {0}, functions = {0}, body = {0};
    PUT(&m, 0, 'a', 's', 'm', 1, 0, 0, 0);
    PUT(&types, 1, 0x60, nparams);
    put(&types, params, nparams);
    PUT(&types, 2, I64, I64);
    section(&m, 1, &types);
    PUT(&functions, 1, 0);
    section(&m, 3, &functions);
    PUT(&body, 1, (uint8_t)(code->size + 2), 0);
    put(&body, code->at, code->size);
    PUT(&body, END);
    section(&m, 10, &body);
    return m;
}
/* All parameters, then the instruction. */
static struct bytes simple(const uint8_t *params, uint8_t nparams, uint8_t op) {
    struct bytes code = {0};
    for (uint8_t i = 0; i < nparams; i++) PUT(&code, LOCAL_GET, i);
    PUT(&code, 0xfc, op);
    return module_with(params, nparams, &code);
}

/* Allocations may fail (in the poison build); then it is tried anew. */
static struct wasm_instance *load(struct vm *vm, const struct vm_options *options, const struct bytes *module) {
    for (int tries = 0;; tries++) {
        uint32_t trap;
        *vm = (struct vm){
            .options = *options, .counted = options->counted, .next_event = UINT64_MAX, .stop_at = UINT64_MAX};
        bool made = language_make(vm, &language_wasm);
        if (made) {
            uint8_t *copy = malloc(module->size);
            memcpy(copy, module->at, module->size);
            struct wasm_instance *in = embed_load(wasm_machine_of(vm), copy, module->size, "test", &vm->error, &trap);
            if (in || vm->error.code != ERROR_RESOURCES || tries == 8) return in;
            language_free(vm->data);
        } else {
            assert_true(vm->error.code == ERROR_RESOURCES && tries < 8);
        }
    }
}

typedef unsigned __int128 u128;
static u128 join(const uint64_t *halves) {
    return (u128)halves[1] << 64 | halves[0];
}
static u128 expected(uint8_t op, const uint64_t *a) {
    switch (op) {
    case ADD128: return join(a) + join(a + 2);
    case SUB128: return join(a) - join(a + 2);
    case MUL_WIDE_S: return (u128)((__int128)(int64_t)a[0] * (int64_t)a[1]);
    default: return (u128)a[0] * a[1];
    }
}

static const uint64_t nasty[] = {0,         1, 2, 0xffffffff, 1ull << 32, INT64_MAX, 1ull << 63, 0xfedcba9876543210,
                                 UINT64_MAX};
enum { NASTY = sizeof nasty / sizeof *nasty };

static void run(struct vm *vm, const struct wasm_instance *in, const uint64_t *args, uint64_t *results) {
    struct wasm_machine *m = wasm_machine_of(vm);
    embed_call(m, in, 0, args);
    vm_run(vm);
    assert_int_equal(vm->end, VM_EXITED);
    for (uint32_t k = 0; k < 2; k++) results[k] = wasm_result(&m->machine, k);
}

static void compare_all(uint8_t op, uint8_t nparams) {
    static const uint8_t params[4] = {I64, I64, I64, I64};
    struct bytes module = simple(params, nparams, op);
    unsigned cases = nparams == 4 ? NASTY * NASTY * NASTY * NASTY : NASTY * NASTY;
    for (unsigned v = 0; v < sizeof variants / sizeof *variants; v++) {
        struct vm vm;
        struct wasm_instance *in = load(&vm, &variants[v], &module);
        assert_non_null(in);
        for (unsigned n = 0; n < cases; n += variants[v].one_block ? 7 : 1) {
            uint64_t args[4], results[2];
            for (unsigned i = 0, rest = n; i < 4; i++, rest /= NASTY) args[i] = nasty[rest % NASTY];
            run(&vm, in, args, results);
            if (join(results) != expected(op, args))
                fail_msg("op %x, variant %u: %lx %lx %lx %lx gave %lx %lx", op, v, args[0], args[1], args[2], args[3],
                         results[0], results[1]);
        }
        language_free(vm.data);
    }
}

static void sums(void **state) {
    (void)state;
    compare_all(ADD128, 4);
}
static void differences(void **state) {
    (void)state;
    compare_all(SUB128, 4);
}
static void signed_products(void **state) {
    (void)state;
    compare_all(MUL_WIDE_S, 2);
}
static void unsigned_products(void **state) {
    (void)state;
    compare_all(MUL_WIDE_U, 2);
}

/* Results are operands like any others: a product of which a sum is made, with constants in between. */
static void one_after_the_other(void **state) {
    (void)state;
    static const uint8_t params[2] = {I64, I64};
    struct bytes code = {0};
    PUT(&code, LOCAL_GET, 0, LOCAL_GET, 1, 0xfc, MUL_WIDE_U, 0x42, 0x7f, 0x42, 0, 0xfc, ADD128); /* + 2^64 - 1 */
    struct bytes module = module_with(params, 2, &code);
    for (unsigned v = 0; v < sizeof variants / sizeof *variants; v++) {
        struct vm vm;
        struct wasm_instance *in = load(&vm, &variants[v], &module);
        assert_non_null(in);
        for (unsigned n = 0; n < NASTY * NASTY; n++) {
            uint64_t args[2] = {nasty[n / NASTY], nasty[n % NASTY]}, results[2];
            run(&vm, in, args, results);
            assert_true(join(results) == (u128)args[0] * args[1] + UINT64_MAX);
        }
        language_free(vm.data);
    }
}

static bool accepted(const struct bytes *module) {
    struct vm vm;
    bool good = load(&vm, &variants[0], module) != NULL;
    if (!good && !strstr(vm.error.text, "type mismatch")) fail_msg("%s", vm.error.text);
    language_free(vm.data);
    return good;
}

static void types(void **state) {
    (void)state;
    static const uint8_t good[5] = {I64, I64, I64, I64, I64}, bad[4] = {I64, I64, I32, I64}, worse[2] = {I32, I64};
    for (uint8_t op = ADD128; op <= MUL_WIDE_U; op++) {
        uint8_t n = op <= SUB128 ? 4 : 2;
        struct bytes m = simple(good, n, op), few = simple(good, n - 1, op), many = simple(good, n + 1, op);
        struct bytes other = simple(n == 4 ? bad : worse, n, op);
        assert_true(accepted(&m));
        assert_false(accepted(&few));
        assert_false(accepted(&many));
        assert_false(accepted(&other));
        struct bytes code = {0}; /* behind what is never left, operands are of any type, results are not */
        PUT(&code, UNREACHABLE, 0xfc, op);
        m = module_with(good, 0, &code);
        assert_true(accepted(&m));
        PUT(&code, DROP, 0xa7 /* i32.wrap_i64 */, LOCAL_GET, 0);
        m = module_with(good, 1, &code);
        assert_false(accepted(&m));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(differences),
        cmocka_unit_test(signed_products),
        cmocka_unit_test(unsigned_products),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
