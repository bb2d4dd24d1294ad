/* clint.c - the core-local interruptor: the board's clock, and the timer and software interrupts of all cpus.
 *
 *   0x0000 + 4 h  msip (4 bytes)    0x4000 + 8 h  mtimecmp (8)    0xbff8  mtime (8)
 *
 * Of cpus that are not there: 0, writes ignored. Pin 2 h is the software interrupt of cpu h, pin 2 h + 1 its timer's.
 * The 8-byte registers can be accessed by halves, two of 4 bytes as one.
 */
#include "machine/board.h"

enum { MSIP = 0, MTIMECMP = 0x4000, MTIME = 0xbff8, SIZE = 0x10000 };
enum { PIN_SOFTWARE, PIN_TIMER, PINS /* of a cpu */ };

#define CLINT_FIELDS(FIELD, ARRAY)                                                                                     \
    ARRAY(uint32_t, msip, CPUS_MOST, RESOURCE, 0, 0, 0, 1)                                                             \
    ARRAY(uint64_t, mtimecmp, CPUS_MOST, TIME, 0, 0, UINT64_MAX, UINT64_MAX)

struct clint {
    FIELDS_STRUCT(CLINT_FIELDS)
};
#define FIELDS_OF struct clint
static const struct field fields[] = {FIELDS_TABLE(CLINT_FIELDS)};
FIELDS_WHOLE(struct clint, FIELDS_INIT(CLINT_FIELDS));

/** Is this a naturally aligned access of 4 or 8 bytes? */
static bool well_formed(uint64_t offset, unsigned size) {
    return (size == 4 || size == 8) && offset % size == 0;
}

/** Is it a register of a cpu that is there, of an array of so many bytes each? */
static bool of_cpu(struct device_host *host, uint64_t offset, uint64_t array, unsigned each, unsigned *cpu) {
    *cpu = (unsigned)((offset - array) / each);
    return offset >= array && offset - array < (uint64_t)each * board_cpus(host);
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    const struct clint *c = state;
    uint64_t whole = 0, at = offset & ~7ull;
    unsigned cpu;
    (void)region;
    if (!well_formed(offset, size)) return false;
    if (of_cpu(host, at, MSIP, sizeof *c->msip, &cpu))
        whole = c->msip[cpu] | (uint64_t)(cpu + 1 < CPUS_MOST ? c->msip[cpu + 1] : 0) << 32;
    if (of_cpu(host, at, MTIMECMP, sizeof *c->mtimecmp, &cpu)) whole = c->mtimecmp[cpu];
    if (at == MTIME) whole = board_time(host);
    *value = size == 8 ? whole : (uint32_t)(whole >> (offset & 4) * 8);
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct clint *c = state;
    uint64_t at = offset & ~7ull, whole = value;
    unsigned cpu;
    (void)region;
    if (!well_formed(offset, size)) return false;
    for (unsigned i = 0; i < size; i += sizeof *c->msip)
        if (of_cpu(host, offset + i, MSIP, sizeof *c->msip, &cpu)) c->msip[cpu] = value >> 8 * i & 1;
    const bool compare = of_cpu(host, at, MTIMECMP, sizeof *c->mtimecmp, &cpu);
    if (!compare && at != MTIME) return true;
    if (size == 4) {
        unsigned shift = (offset & 4) * 8;
        uint64_t old = at == MTIME ? board_time(host) : c->mtimecmp[cpu];
        whole = (old & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
    }
    if (at == MTIME)
        board_set_time(host, whole);
    else
        c->mtimecmp[cpu] = whole;
    return true;
}

static uint64_t update(void *state, struct device_host *host) {
    const struct clint *c = state;
    const uint64_t now = board_time(host);
    uint64_t next = UINT64_MAX;
    for (unsigned cpu = 0; cpu < board_cpus(host); cpu++) {
        const bool due = now >= c->mtimecmp[cpu];
        board_pin(host, PINS * cpu + PIN_SOFTWARE, c->msip[cpu]);
        board_pin(host, PINS * cpu + PIN_TIMER, due);
        if (!due && c->mtimecmp[cpu] < next) next = c->mtimecmp[cpu];
    }
    return next;
}

const struct device device_clint = {
    .name = "clint",
    .size = SIZE,
    .state_size = sizeof(struct clint),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .read = read,
    .write = write,
    .update = update,
    .node = "clint",
    .compatible = "sifive,clint0 riscv,clint0",
};
