/* helper.c - the C functions that lifted code calls. Operands are listed in store.h. A range that does not fit is an
 * exit before the instruction, with nothing changed.
 */
#include "guest/wasm/store.h"

static struct wasm_instance *instance_of(struct cpu *cpu, uint64_t what) {
    return wasm_of(cpu)->store->instances[what >> 32];
}
static uint32_t low(uint64_t pair) {
    return (uint32_t)pair;
}
static uint32_t high(uint64_t pair) {
    return (uint32_t)(pair >> 32);
}

static uint64_t memory_fault(struct cpu *cpu, uint32_t address) {
    cpu_exit(cpu, EXIT_memory_bounds, address);
    return 0;
}

static uint64_t table_fault(struct cpu *cpu, uint32_t index) {
    cpu_exit(cpu, EXIT_table_access, index);
    return 0;
}

static uint64_t zero_slots(struct cpu *cpu, uint64_t slot, uint64_t count, uint64_t none) {
    (void)none;
    memset(cpu_frame(cpu) + 8 * slot, 0, 8 * count);
    return 0;
}

static uint64_t memory_grow(struct cpu *cpu, uint64_t what, uint64_t pages, uint64_t none) {
    struct wasm_instance *in = instance_of(cpu, what);
    (void)none;
    return wasm_memory_grow(in->store, in->memory, (uint32_t)pages);
}

static uint64_t memory_init(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t count) {
    bool ok = wasm_memory_init(instance_of(cpu, what), low(what), low(pair), high(pair), (uint32_t)count);
    return ok ? 0 : memory_fault(cpu, low(pair));
}

static uint64_t memory_copy(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t count) {
    const struct wasm_instance *in = instance_of(cpu, what);
    uint8_t *to = wasm_memory_at(in, low(pair), (uint32_t)count);
    const uint8_t *from = wasm_memory_at(in, high(pair), (uint32_t)count);
    if (!to || !from) return memory_fault(cpu, to ? high(pair) : low(pair));
    memmove(to, from, (uint32_t)count);
    return 0;
}

static uint64_t memory_fill(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t count) {
    uint8_t *to = wasm_memory_at(instance_of(cpu, what), low(pair), (uint32_t)count);
    if (!to) return memory_fault(cpu, low(pair));
    memset(to, (int)high(pair), (uint32_t)count);
    return 0;
}

static uint64_t data_drop(struct cpu *cpu, uint64_t what, uint64_t none, uint64_t none2) {
    (void)none, (void)none2;
    instance_of(cpu, what)->data_dropped[low(what)] = 1;
    return 0;
}

static uint64_t table_init(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t count) {
    uint32_t segment = low(what) & ((1u << WASM_ELEM_BITS) - 1), table = low(what) >> WASM_ELEM_BITS;
    struct wasm_instance *in = instance_of(cpu, what);
    bool ok = wasm_table_init(in, table, segment, low(pair), high(pair), (uint32_t)count);
    return ok ? 0 : table_fault(cpu, low(pair));
}

/* `count` elements at `index`, or NULL. */
static uint64_t *elements_at(const struct wasm_instance *in, uint32_t table, uint32_t index, uint32_t count) {
    const struct wasm_table *t = in->tables[table];
    uint32_t size = wasm_size(in->store, t->cell);
    return index <= size && count <= size - index ? wasm_at(in->store, t->elements + 8ull * index) : NULL;
}

static uint64_t table_copy(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t count) {
    const struct wasm_instance *in = instance_of(cpu, what);
    uint32_t table_to = low(what) & ((1u << WASM_TABLE_BITS) - 1), table_from = low(what) >> WASM_TABLE_BITS;
    uint64_t *to = elements_at(in, table_to, low(pair), (uint32_t)count);
    const uint64_t *from = elements_at(in, table_from, high(pair), (uint32_t)count);
    if (!to || !from) return table_fault(cpu, to ? high(pair) : low(pair));
    memmove(to, from, 8ull * (uint32_t)count);
    return 0;
}

static uint64_t table_grow(struct cpu *cpu, uint64_t what, uint64_t count, uint64_t reference) {
    struct wasm_instance *in = instance_of(cpu, what);
    return wasm_table_grow(in->store, in->tables[low(what)], (uint32_t)count, reference);
}

static uint64_t table_fill(struct cpu *cpu, uint64_t what, uint64_t pair, uint64_t reference) {
    uint64_t *at = elements_at(instance_of(cpu, what), low(what), low(pair), high(pair));
    if (!at) return table_fault(cpu, low(pair));
    for (uint32_t k = 0; k < high(pair); k++) at[k] = reference;
    return 0;
}

static uint64_t elem_drop(struct cpu *cpu, uint64_t what, uint64_t none, uint64_t none2) {
    (void)none, (void)none2;
    instance_of(cpu, what)->elem_dropped[low(what)] = 1;
    return 0;
}

#define MEMORY                          IN_SET(PLACE_MEMORY)
#define SLOTS                           IN_SET(PLACE_SLOTS)
#define FRAME                           IN_SET(PLACE_FRAME)
#define ROW(name, reads, writes, exits) [WASM_HELPER_##name] = {#name, name, {reads, writes}, exits}
const struct helper wasm_helpers[WASM_HELPER_COUNT] = {
    ROW(zero_slots, FRAME, SLOTS, false),   ROW(memory_grow, MEMORY, MEMORY, false),
    ROW(memory_init, MEMORY, MEMORY, true), ROW(memory_copy, MEMORY, MEMORY, true),
    ROW(memory_fill, MEMORY, MEMORY, true), ROW(data_drop, 0, MEMORY, false),
    ROW(table_init, MEMORY, MEMORY, true),  ROW(table_copy, MEMORY, MEMORY, true),
    ROW(table_grow, MEMORY, MEMORY, false), ROW(table_fill, MEMORY, MEMORY, true),
    ROW(elem_drop, 0, MEMORY, false),
};
