/* clint.c - the core-local interruptor: the board's clock, and the timer and software interrupts of hart 0.
 *
 *   0x0000 msip (4 bytes)    0x4000 mtimecmp (8)    0xbff8 mtime (8)    harts that are not there: 0, writes ignored
 *
 * Pin 0 is the software interrupt, pin 1 the timer's. The 8-byte registers can be accessed by halves.
 */
#include "machine/board.h"

enum { MSIP = 0, MTIMECMP = 0x4000, MTIME = 0xbff8, SIZE = 0x10000 };
enum { PIN_SOFTWARE, PIN_TIMER };

#define CLINT_FIELDS(FIELD, ARRAY)                                                                                     \
    FIELD(uint32_t, msip, RESOURCE, 0, 0, 0, 1)                                                                        \
    FIELD(uint64_t, mtimecmp, TIME, 0, 0, UINT64_MAX, UINT64_MAX)

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

static bool read(void *state, struct device_host *host, uint64_t offset, unsigned size, uint64_t *value) {
    const struct clint *c = state;
    uint64_t whole = 0, at = offset & ~7ull;
    if (!well_formed(offset, size)) return false;
    if (at == MSIP) whole = c->msip;
    if (at == MTIMECMP) whole = c->mtimecmp;
    if (at == MTIME) whole = board_time(host);
    *value = size == 8 ? whole : (uint32_t)(whole >> (offset & 4) * 8);
    return true;
}

static bool write(void *state, struct device_host *host, uint64_t offset, unsigned size, uint64_t value) {
    struct clint *c = state;
    uint64_t at = offset & ~7ull, whole = value;
    if (!well_formed(offset, size)) return false;
    if (offset == MSIP) c->msip = value & 1;
    if (at != MTIMECMP && at != MTIME) return true;
    if (size == 4) {
        unsigned shift = (offset & 4) * 8;
        uint64_t old = at == MTIME ? board_time(host) : c->mtimecmp;
        whole = (old & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
    }
    if (at == MTIME)
        board_set_time(host, whole);
    else
        c->mtimecmp = whole;
    return true;
}

static uint64_t update(void *state, struct device_host *host) {
    const struct clint *c = state;
    bool due = board_time(host) >= c->mtimecmp;
    board_pin(host, PIN_SOFTWARE, c->msip);
    board_pin(host, PIN_TIMER, due);
    return due ? UINT64_MAX : c->mtimecmp;
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
