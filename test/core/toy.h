/* toy.h - a guest with a few slots and helpers and no code, for tests of blocks. */
#ifndef TEST_CORE_TOY_H
#define TEST_CORE_TOY_H

#include "core/guest.h"

enum toy_slot { TOY_A, TOY_B, TOY_W, TOY_F, TOY_FLAGS, TOY_V };
enum toy_helper { TOY_LEAF, TOY_READS, TOY_WRITES, TOY_EXITS, TOY_WRITES_EXITS, TOY_WRITES_B, TOY_WIDE, TOY_SUMS };

static const struct slot toy_slots[] = {
    [TOY_A] = {"a", 0, T_I64, 0, FIELD_PLACES},
    [TOY_B] = {"b", 8, T_I64, 0, FIELD_PLACES + 1},
    [TOY_W] = {"w", 16, T_I32, 0, FIELD_PLACES + 2},
    [TOY_F] = {"f", 24, T_F64, 0, FIELD_PLACES + 3},
    [TOY_FLAGS] = {"flags", offsetof(struct cpu, fp_flags), T_I32, SLOT_FP_FLAGS, PLACE_FP_FLAGS},
    [TOY_V] = {"v", 32, T_V128, 0, FIELD_PLACES + 4},
};

#define TOY_ALL (IN_SET(FIELD_PLACES) | IN_SET(FIELD_PLACES + 1) | IN_SET(FIELD_PLACES + 2) | IN_SET(FIELD_PLACES + 3))

static const struct helper toy_helpers[] = {
    [TOY_LEAF] = {"leaf", NULL, {0, 0}, false},
    [TOY_READS] = {"reads", NULL, {TOY_ALL, 0}, false},
    [TOY_WRITES] = {"writes", NULL, {0, TOY_ALL}, false},
    [TOY_EXITS] = {"exits", NULL, {0, 0}, true},
    [TOY_WRITES_EXITS] = {"writes_exits", NULL, {0, TOY_ALL}, true},
    [TOY_WRITES_B] = {"writes_b", NULL, {0, IN_SET(FIELD_PLACES + 1)}, false},
    [TOY_WIDE] = {"wide", NULL, {0, 0}, false},
    [TOY_SUMS] = {"sums", NULL, {0, 0}, false},
};

static const uint8_t toy_wide_helpers[sizeof toy_helpers / sizeof *toy_helpers][4] = {
    [TOY_WIDE] = {T_V128, T_V128, T_N, T_V128}, [TOY_SUMS] = {T_N, T_V128}};

static const struct guest toy = {
    .name = "toy",
    .slots = toy_slots,
    .nslots = sizeof toy_slots / sizeof *toy_slots,
    .helpers = toy_helpers,
    .nhelpers = sizeof toy_helpers / sizeof *toy_helpers,
    .wide_helpers = toy_wide_helpers,
    .pc_align = 2,
};

#endif
