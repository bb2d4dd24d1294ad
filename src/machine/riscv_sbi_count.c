/* riscv_sbi_count.c - counters (extension PMU of riscv_sbi.def): of each hart the two that it has as CSRs, cycle and
 * instret, and FIRMWARE_COUNTERS that count what firmware does.
 *
 * Counters 0 and 2 are the CSRs, as their numbers are; 1 (time) is a gap. A counter that has been configured stands
 * until it is started. A firmware counter that runs is stored as the distance from the count of its event.
 * There is no shared memory for snapshots, which the specification leaves free.
 */
#include "engine/engine.h"
#include "machine/riscv_sbi.h"

enum { CYCLE = 0, TIME = 1, INSTRET = 2, FIRST_FIRMWARE = 3, COUNT = FIRST_FIRMWARE + FIRMWARE_COUNTERS };
enum { CSR_CYCLE = 0xc00, WIDTH_SHIFT = 12, WIDTH = 63 };
#define TYPE_FIRMWARE (1ull << 63)
enum { EVENT_CYCLES = 1, EVENT_INSTRUCTIONS = 2, EVENT_TYPE_SHIFT = 16, EVENT_FIRMWARE = 0xf, EVENT_END = 1 << 20 };
enum { CONFIGURE_SKIP_MATCH = 1, CONFIGURE_CLEAR = 2, CONFIGURE_START = 4, CONFIGURE_FLAGS = 0xff };
enum { START_SET = 1, START_SNAPSHOT = 2, STOP_RESET = 1, STOP_SNAPSHOT = 2 };

_Static_assert(COUNT <= 32, "firmware_cpu.counting has a bit for each");

static bool is_counter(uint64_t index) {
    return index < COUNT && index != TIME;
}

static bool is_firmware(uint64_t index) {
    return index >= FIRST_FIRMWARE && index < COUNT;
}

/* Counters as a set of base and mask, 0 if some of it are none; the gap may be left in where one is looked for. */
static uint32_t set_of(uint64_t base, uint64_t mask, bool gap) {
    uint32_t set = 0;
    for (; mask; mask &= mask - 1) {
        const uint64_t index = base + (uint64_t)__builtin_ctzll(mask);
        if (index < base || index >= COUNT || (!gap && index == TIME)) return 0;
        set |= 1u << index;
    }
    return set;
}

/* What firmware has counted of a counter's event. */
static uint64_t counted(const struct sbi_call *c, unsigned index) {
    const uint32_t event = c->known->event[index - FIRST_FIRMWARE];
    return event ? c->known->events[event & 0xffff] : 0;
}

static bool runs(const struct sbi_call *c, unsigned index) {
    return c->known->counting >> index & 1;
}

/* Lets a counter run, or stand, with its value as it is. */
static void let_run(struct sbi_call *c, unsigned index, bool run) {
    struct firmware_cpu *k = c->known;
    if (is_firmware(index)) {
        if (run != runs(c, index)) k->value[index - FIRST_FIRMWARE] += run ? -counted(c, index) : counted(c, index);
    } else {
        const uint64_t bit = 1ull << index, inhibit = riscv_get_mcountinhibit(c->hart);
        engine_set_field(c->cpu, RISCV_FIELD_mcountinhibit, 0, run ? inhibit & ~bit : inhibit | bit);
    }
    k->counting = (k->counting & ~(1u << index)) | (uint32_t)run << index;
}

/* Of one that stands. */
static void set_value(struct sbi_call *c, unsigned index, uint64_t value) {
    if (is_firmware(index))
        c->known->value[index - FIRST_FIRMWARE] = value;
    else
        engine_set_field(c->cpu, index == CYCLE ? RISCV_FIELD_mcycle : RISCV_FIELD_minstret, 0, value);
}

int64_t sbi_pmu_count(struct sbi_call *c) {
    c->value = COUNT;
    return SBI_SUCCESS;
}

int64_t sbi_pmu_info(struct sbi_call *c) {
    const uint64_t index = c->arg[0];
    if (!is_counter(index)) return SBI_INVALID_PARAM;
    c->value = is_firmware(index) ? TYPE_FIRMWARE : (CSR_CYCLE + index) | WIDTH << WIDTH_SHIFT;
    return SBI_SUCCESS;
}

/* Can the counter count the event? */
static bool counts(unsigned index, uint64_t event) {
    const uint64_t type = event >> EVENT_TYPE_SHIFT, code = event & 0xffff;
    if (type == EVENT_FIRMWARE) return is_firmware(index) && code >= SBI_EVENT_SET_TIMER && code < SBI_EVENTS_END;
    return (event == EVENT_CYCLES && index == CYCLE) || (event == EVENT_INSTRUCTIONS && index == INSTRET);
}

/* The first of the set that counts the event and does not run for somebody already, or COUNT. */
static unsigned find(const struct sbi_call *c, uint32_t set, uint64_t event) {
    unsigned index = 0;
    while (index < COUNT && !((set >> index & 1) && counts(index, event) && !runs(c, index))) index++;
    return index;
}

int64_t sbi_pmu_configure(struct sbi_call *c) {
    const uint64_t flags = c->arg[2], event = c->arg[3];
    const bool skip = flags & CONFIGURE_SKIP_MATCH;
    const uint32_t set = set_of(c->arg[0], c->arg[1], !skip);
    if (!set || flags & ~(uint64_t)CONFIGURE_FLAGS || event >= EVENT_END) return SBI_INVALID_PARAM;
    const unsigned index = skip ? (unsigned)__builtin_ctz(set) : find(c, set, event);
    if (skip && is_firmware(index) && !c->known->event[index - FIRST_FIRMWARE]) return SBI_INVALID_PARAM;
    if (index == COUNT) return SBI_NOT_SUPPORTED;
    let_run(c, index, false);
    if (is_firmware(index) && !skip) c->known->event[index - FIRST_FIRMWARE] = (uint32_t)event;
    if (flags & CONFIGURE_CLEAR) set_value(c, index, 0);
    if (flags & CONFIGURE_START) let_run(c, index, true);
    c->value = index;
    return SBI_SUCCESS;
}

/* Starts or stops; what is so already is an error, but the others are done. */
static int64_t let_all_run(struct sbi_call *c, uint32_t set, bool run) {
    int64_t error = SBI_SUCCESS;
    for (; set; set &= set - 1) {
        const unsigned index = (unsigned)__builtin_ctz(set);
        if (runs(c, index) == run) error = run ? SBI_ALREADY_STARTED : SBI_ALREADY_STOPPED;
        let_run(c, index, run);
    }
    return error;
}

int64_t sbi_pmu_start(struct sbi_call *c) {
    const uint32_t set = set_of(c->arg[0], c->arg[1], false);
    const uint64_t flags = c->arg[2];
    if (!set || flags & ~(uint64_t)(START_SET | START_SNAPSHOT)) return SBI_INVALID_PARAM;
    if (flags & START_SNAPSHOT) return SBI_NO_SHARED_MEMORY;
    if (flags & START_SET)
        for (unsigned index = 0; index < COUNT; index++) {
            if (!(set >> index & 1) || runs(c, index)) continue;
            let_run(c, index, false); /* the CSRs run until somebody asks for them */
            set_value(c, index, c->arg[3]);
        }
    return let_all_run(c, set, true);
}

int64_t sbi_pmu_stop(struct sbi_call *c) {
    const uint32_t set = set_of(c->arg[0], c->arg[1], false);
    const uint64_t flags = c->arg[2];
    if (!set || flags & ~(uint64_t)(STOP_RESET | STOP_SNAPSHOT)) return SBI_INVALID_PARAM;
    if (flags & STOP_SNAPSHOT) return SBI_NO_SHARED_MEMORY;
    const int64_t error = let_all_run(c, set, false);
    for (unsigned index = FIRST_FIRMWARE; index < COUNT; index++)
        if ((flags & STOP_RESET) && (set >> index & 1)) c->known->event[index - FIRST_FIRMWARE] = 0;
    return error;
}

int64_t sbi_pmu_read(struct sbi_call *c) {
    const uint64_t index = c->arg[0];
    if (!is_firmware(index)) return SBI_INVALID_PARAM;
    c->value = c->known->value[index - FIRST_FIRMWARE] + (runs(c, (unsigned)index) ? counted(c, (unsigned)index) : 0);
    return SBI_SUCCESS;
}

/* Values have 64 bits, as registers do: there is no upper half. */
int64_t sbi_pmu_read_high(struct sbi_call *c) {
    return is_firmware(c->arg[0]) ? SBI_SUCCESS : SBI_INVALID_PARAM;
}
