/* wasm.c - the guest's table. */
#include "guest/wasm/wasm.h"

#define FIELDS_OF struct wasm_cpu
static const struct field fields[] = {FIELDS_RAW_TABLE(WASM_FIELDS)};
FIELDS_WHOLE(struct wasm_cpu, {0}, FIELDS_INIT(WASM_FIELDS) NULL /* store */, NULL /* area */);

static const struct slot slots[WASM_SLOT_COUNT] = {
    [WASM_SLOT_FRAME] = {"frame", offsetof(struct wasm_cpu, c.frame), T_I64, 0, PLACE_FRAME},
    [WASM_SLOT_AREA] = {"area", offsetof(struct wasm_cpu, area), T_I64, 0, PLACE_FIXED},
    [WASM_SLOT_FRAME_LIMIT] = {"frame_limit", offsetof(struct wasm_cpu, c.frame_limit), T_I64, 0, PLACE_FIXED},
};
static const uint16_t pins[] = {WASM_SLOT_FRAME, WASM_SLOT_AREA, 0xffff};
static const uint16_t fp_pins[] = {0xffff};

static void reset(struct cpu *cpu) {
    (void)cpu;
}

static uint64_t context(const struct cpu *cpu) {
    (void)cpu;
    return 0;
}

const struct guest guest_wasm = {
    .name = "wasm",
    .cpu_size = sizeof(struct wasm_cpu),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .slots = slots,
    .nslots = WASM_SLOT_COUNT,
    .pins = pins,
    .fp_pins = fp_pins,
    .helpers = wasm_helpers,
    .nhelpers = WASM_HELPER_COUNT,
    .pc_align = 1,
    .reset = reset,
    .context = context,
    .lift = wasm_lift,
    .end = wasm_flush,
    .disassemble = wasm_disassemble,
};
