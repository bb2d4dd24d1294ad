/*
 * core/state_map: slots in registers of both banks, in memory, as constants and as recipes, narrow and wide, are read
 * and put in their places as the map says; a map that could not be read is refused, with the reason.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/state_map.h"

enum { A, B, C, W, F, FLAGS, V, U, SLOTS };
struct mapped {
    struct cpu c;
    uint64_t x[3];
    uint32_t w;
    uint64_t f;
    alignas(16) uint64_t v[2][2];
    uint64_t elsewhere[4];
};
#define AT(field) (uint32_t) offsetof(struct mapped, field)
static const struct slot slots[SLOTS] = {
    [A] = {"a", AT(x[0]), T_I64, 0, 0},  [B] = {"b", AT(x[1]), T_I64, 0, 0},
    [C] = {"c", AT(x[2]), T_I64, 0, 0},  [W] = {"w", AT(w), T_I32, 0, 0},
    [F] = {"f", AT(f), T_F64, 0, 0},     [FLAGS] = {"flags", offsetof(struct cpu, fp_flags), T_I32, SLOT_FP_FLAGS, 0},
    [V] = {"v", AT(v[0]), T_V128, 0, 0}, [U] = {"u", AT(v[1]), T_V128, 0, 0},
};
static const struct guest guest = {
    .name = "mapped", .cpu_size = sizeof(struct mapped), .slots = slots, .nslots = SLOTS};

/* Registers: whatever is not asked for is there, too. */
struct registers {
    uint64_t ints[16], vectors[16][2];
};
static void read_register(const void *registers, enum bank bank, unsigned reg, uint64_t cells[TYPE_CELLS]) {
    const struct registers *r = registers;
    if (bank == BANK_INT)
        cells[0] = r->ints[reg];
    else
        memcpy(cells, r->vectors[reg], SIZE_V128);
}

static struct mapped cpu;
static struct registers registers;
static const struct state_source from = {.cpu = &cpu.c, .registers = &registers, .read = read_register};

static int setup(void **state) {
    (void)state;
    memset(&cpu, 0, sizeof cpu);
    cpu.c.guest = &guest;
    cpu.c.fp_flags = 21;
    cpu.w = 0x77777777;
    for (unsigned n = 0; n < 3; n++) cpu.x[n] = 100 + n;
    cpu.f = 0x3ff0000000000000;
    for (unsigned n = 0; n < 4; n++) cpu.v[n / 2][n % 2] = 200 + n, cpu.elsewhere[n] = 0x1111111111111111 * (n + 1);
    for (unsigned n = 0; n < 16; n++) {
        registers.ints[n] = 0xabcdef0100000000 + n;
        registers.vectors[n][0] = 0x4000000000000000 + n;
        registers.vectors[n][1] = 0xeeeeeeee00000000 + n;
    }
    return 0;
}

static void assert_good(const struct state_map *m) {
    char why[100];
    if (!state_map_check(m, &guest, why, sizeof why)) fail_msg("%s", why);
}

/* What the map says that each slot is, before and after everything is in its place. */
static void assert_state(const struct state_map *m, const uint64_t (*want)[2]) {
    struct mapped before = cpu;
    uint64_t cells[TYPE_CELLS];
    assert_good(m);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned n = 0; n < SLOTS; n++) {
            const unsigned size = 8u * type_info[slots[n].type].cells;
            memset(cells, 0x99, sizeof cells);
            state_read(pass ? &state_in_place : m, &from, n, cells);
            if (memcmp(cells, want[n], size)) fail_msg("slot %s is 0x%lx, pass %u", slots[n].name, cells[0], pass);
        }
        if (pass) break;
        assert_memory_equal(&cpu, &before, sizeof cpu); /* reading changes nothing */
        state_settle(m, &from, &cpu.c);
    }
    /* Nothing but slots has changed. */
    memcpy(before.x, cpu.x, sizeof cpu.x);
    memcpy(before.v, cpu.v, sizeof cpu.v);
    before.w = cpu.w;
    before.f = cpu.f;
    assert_memory_equal(&cpu, &before, sizeof cpu);
}

static void everything_in_place(void **state) {
    (void)state;
    static const uint64_t want[SLOTS][2] = {{100}, {101},      {102},     {0x77777777}, {0x3ff0000000000000},
                                            {21},  {200, 201}, {202, 203}};
    assert_state(&state_in_place, want);
    static const uint16_t none[SLOTS];
    assert_state(&(struct state_map){.of_slot = none}, want);
}

static void in_registers(void **state) {
    (void)state;
    static const struct state_entry entries[] = {
        {.kind = STATE_REGISTER, .type = T_I64, .at = 3},
        {.kind = STATE_REGISTER, .type = T_I32, .at = 5}, /* of which the upper half means nothing */
        {.kind = STATE_REGISTER, .type = T_F64, .at = 7},
        {.kind = STATE_REGISTER, .type = T_V128, .at = 9},
    };
    static const uint16_t of_slot[SLOTS] = {[B] = 1, [W] = 2, [F] = 3, [U] = 4};
    static const uint64_t want[SLOTS][2] = {{100},
                                            {0xabcdef0100000003},
                                            {102},
                                            {5},
                                            {0x4000000000000007},
                                            {21},
                                            {200, 201},
                                            {0x4000000000000009, 0xeeeeeeee00000009}};
    assert_state(&(struct state_map){.of_slot = of_slot, .entries = entries, .nentries = 4}, want);
}

/* Slots that are in each other's places, a spill, one entry for two slots. */
static void in_memory_elsewhere(void **state) {
    (void)state;
    static const struct state_entry entries[] = {
        {.kind = STATE_MEMORY, .type = T_I64, .at = AT(x[1])},
        {.kind = STATE_MEMORY, .type = T_I64, .at = AT(x[0])},
        {.kind = STATE_MEMORY, .type = T_V128, .at = AT(elsewhere[1])},
        {.kind = STATE_MEMORY, .type = T_I32, .at = AT(elsewhere[0])},
        {.kind = STATE_MEMORY, .type = T_V128, .at = AT(v[0])},
    };
    static const uint16_t of_slot[SLOTS] = {[A] = 1, [B] = 2, [C] = 2, [W] = 4, [V] = 3, [U] = 5};
    static const uint64_t want[SLOTS][2] = {
        {101},     {100}, {100}, {0x11111111}, {0x3ff0000000000000}, {21}, {0x2222222222222222, 0x3333333333333333},
        {200, 201}};
    assert_state(&(struct state_map){.of_slot = of_slot, .entries = entries, .nentries = 5}, want);
}

static void constants_and_recipes(void **state) {
    (void)state;
    static const uint64_t cells[] = {7, 0xffffffffffffffff, 0x0123456789abcdef};
    static const struct state_entry entries[] = {
        {.kind = STATE_CONSTANT, .type = T_I64, .at = 0},
        {.kind = STATE_REGISTER, .type = T_I64, .at = 4},
        {.kind = STATE_RECIPE, .type = T_I64, .op = UOP_add_i64, .a = 1, .b = 2},
        {.kind = STATE_RECIPE, .type = T_I64, .op = UOP_shladd_i64, .x = 3, .a = 3, .b = 1}, /* of a recipe */
        {.kind = STATE_RECIPE, .type = T_I32, .op = UOP_trunc_i32, .a = 3},
        {.kind = STATE_CONSTANT, .type = T_V128, .at = 1},
        {.kind = STATE_RECIPE, .type = T_V128, .op = UOP_splat_i64x2, .a = 2},
        {.kind = STATE_RECIPE, .type = T_V128, .op = UOP_add_i64x2, .a = 7, .b = 6},
        {.kind = STATE_RECIPE, .type = T_I64, .op = UOP_extract_i64x2, .x = 1, .a = 8},
        {.kind = STATE_RECIPE, .type = T_I64, .op = UOP_set_i64, .x = C_LTU, .a = 1, .b = 2},
        {.kind = STATE_RECIPE, .type = T_F64, .op = UOP_bits_f64, .a = 9},
    };
    static const uint16_t of_slot[SLOTS] = {[A] = 4, [B] = 10, [C] = 1, [W] = 5, [F] = 11, [V] = 8, [U] = 6};
    static const uint64_t r = 0xabcdef0100000004;
    static const uint64_t want[SLOTS][2] = {{((7 + r) << 3) + 7},
                                            {1},
                                            {7},
                                            {11},
                                            {r + 0x0123456789abcdef},
                                            {21},
                                            {r - 1, r + 0x0123456789abcdef},
                                            {0xffffffffffffffff, 0x0123456789abcdef}};
    assert_state(
        &(struct state_map){.of_slot = of_slot, .entries = entries, .cells = cells, .nentries = 11, .ncells = 3}, want);
}

static void what_cannot_be_read_is_refused(void **state) {
    (void)state;
    static const uint64_t cells[2];
    static const struct {
        struct state_entry entry; /* the second; the first is a register, i64 */
        uint16_t of_a;
        const char *says;
    } cases[] = {
        {{.kind = 4, .type = T_I64}, 0, "unknown kind 4"},
        {{.kind = STATE_REGISTER, .type = T_N}, 0, "no type"},
        {{.kind = STATE_REGISTER, .type = T_ANY}, 0, "no type"},
        {{.kind = STATE_REGISTER, .type = T_I64, .at = 64}, 0, "register 64"},
        {{.kind = STATE_MEMORY, .type = T_V128, .at = sizeof(struct mapped) - 8}, 0, "is not in the cpu"},
        {{.kind = STATE_MEMORY, .type = T_I64, .at = UINT32_MAX}, 0, "is not in the cpu"},
        {{.kind = STATE_CONSTANT, .type = T_V128, .at = 1}, 0, "is not among the constants"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_COUNT}, 0, "unknown op"},
        {{.kind = STATE_RECIPE, .type = T_F64, .op = UOP_fadd_f64, .a = 1, .b = 1}, 0, "fadd_f64 is no recipe"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_load_64, .a = 1}, 0, "load_64 is no recipe"},
        {{.kind = STATE_RECIPE, .type = T_V128, .op = UOP_const_v128}, 0, "const_v128 is no recipe"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_const_i64}, 0, "const_i64 is no recipe"},
        {{.kind = STATE_RECIPE, .type = T_I32, .op = UOP_add_i64, .a = 1, .b = 1}, 0, "is not i32"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_add_i64, .a = 1}, 0, "an operand too many or too few"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_clz_i64, .a = 1, .b = 1}, 0, "an operand too many or too few"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_clz_i64, .a = 2}, 0, "its operand 1 is not before it"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_zext32_i64, .a = 1}, 0, "its operand is i64, not i32"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_clz_i64, .x = 1, .a = 1}, 0, "x is 1"},
        {{.kind = STATE_RECIPE, .type = T_I64, .op = UOP_set_i64, .x = C_COUNT, .a = 1, .b = 1}, 0, "x is 10"},
        {{.kind = STATE_REGISTER, .type = T_I32}, 2, "slot a: entry 1 is i32, not i64"},
        {{.kind = STATE_REGISTER, .type = T_I32}, 3, "slot a: there is no entry 2"},
    };
    char why[100];
    for (unsigned n = 0; n < sizeof cases / sizeof *cases; n++) {
        const struct state_entry entries[2] = {{.kind = STATE_REGISTER, .type = T_I64}, cases[n].entry};
        const uint16_t of_slot[SLOTS] = {[A] = cases[n].of_a};
        const struct state_map m = {of_slot, entries, cells, 2, 2};
        if (state_map_check(&m, &guest, why, sizeof why)) fail_msg("accepted, but %s", cases[n].says);
        if (!strstr(why, cases[n].says)) fail_msg("'%s' does not say '%s'", why, cases[n].says);
    }
    const struct state_entry flags = {.kind = STATE_REGISTER, .type = T_I32};
    const uint16_t of_slot[SLOTS] = {[FLAGS] = 1};
    assert_false(state_map_check(&(struct state_map){of_slot, &flags, cells, 1, 2}, &guest, why, sizeof why));
    assert_non_null(strstr(why, "slot flags: the host merges it"));
    static struct state_entry many[STATE_ENTRIES + 1];
    assert_false(
        state_map_check(&(struct state_map){of_slot, many, cells, STATE_ENTRIES + 1, 2}, &guest, why, sizeof why));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_in_place, setup),
        cmocka_unit_test_setup(in_registers, setup),
        cmocka_unit_test_setup(in_memory_elsewhere, setup),
        cmocka_unit_test_setup(constants_and_recipes, setup),
        cmocka_unit_test_setup(what_cannot_be_read_is_refused, setup),
    };
    return cmocka_run_group_tests_name("core/state_map", tests, NULL, NULL);
}
