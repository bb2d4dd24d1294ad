/* htif.c - the host interface of test programs: the doubleword called `tohost`, through which a program says how it
 * ended, prints, and asks the host for a few calls.
 *
 * A doubleword is device << 56 | command << 48 | payload. Device 0: an odd payload ends the run with status
 * payload >> 1; an even one is the address of {number, arguments...} of a system call, answered in place of the
 * number and by 1 in `fromhost`. Device 1: command 1 prints a byte, command 0 asks for one. A doubleword may be written
 * in halves, low one first; it takes effect with the high one and reads as 0 from then on. `fromhost` is ordinary RAM.
 */
#include "machine/board.h"
#include <string.h>

enum { SIZE = 8, CALL_WRITE = 64, STDOUT = 1, STDERR = 2 };
#define UNKNOWN ((uint64_t)-38) /* what a call that is not known returns: -ENOSYS */

#define HTIF_FIELDS(FIELD, ARRAY)                                                                                      \
    FIELD(uint32_t, low, RESOURCE, 0, 0, 0, UINT32_MAX)                                                                \
    FIELD(uint32_t, has_low, RESOURCE, 0, 0, 0, 1)                                                                     \
    FIELD(uint32_t, asked, RESOURCE, 0, 0, 0, 1) /* for a byte that has not come yet */

struct htif {
    FIELDS_STRUCT(HTIF_FIELDS)
};
#define FIELDS_OF struct htif
static const struct field fields[] = {FIELDS_TABLE(HTIF_FIELDS)};
FIELDS_WHOLE(struct htif, FIELDS_INIT(HTIF_FIELDS));

static void answer(struct device_host *host, uint64_t value) {
    if (host->companion) board_ram_write(host, host->companion, &value, sizeof value);
}

/** A system call, described by words in RAM: number, three arguments. */
static void call(struct device_host *host, uint64_t at) {
    uint64_t word[4], result = UNKNOWN;
    const uint8_t *block = board_ram(host, at, sizeof word), *text;
    if (!block) return;
    memcpy(word, block, sizeof word);
    bool writes = word[0] == CALL_WRITE && (word[1] == STDOUT || word[1] == STDERR);
    if (writes && (text = board_ram(host, word[2], word[3]))) {
        board_output(host, text, word[3]);
        result = word[3];
    }
    board_ram_write(host, at, &result, sizeof result);
    answer(host, 1);
}

static void take(struct htif *h, struct device_host *host, uint64_t value) {
    unsigned device = value >> 56, command = value >> 48 & 0xff;
    uint64_t payload = value & 0xffffffffffff;
    uint8_t byte = (uint8_t)value;
    if (device == 0 && (payload & 1)) {
        board_power_off(host, payload >> 1 < INT32_MAX ? (int)(payload >> 1) : INT32_MAX);
    } else if (device == 0 && payload) {
        call(host, payload);
    } else if (device == 1 && command == 1) {
        board_output(host, &byte, 1);
    } else if (device == 1 && command == 0) {
        h->asked = 1;
    }
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    const struct htif *h = state;
    (void)host, (void)region;
    uint64_t whole = h->has_low ? h->low : 0;
    *value = whole >> offset * 8;
    return offset + size <= SIZE;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct htif *h = state;
    (void)region;
    if (size == 8) {
        take(h, host, value);
    } else if (size == 4 && offset == 0) {
        h->low = (uint32_t)value;
        h->has_low = 1;
    } else if (size == 4 && offset == 4) {
        uint64_t whole = value << 32 | (h->has_low ? h->low : 0);
        h->has_low = 0;
        take(h, host, whole);
    } else {
        return false;
    }
    return true;
}

static uint64_t update(void *state, struct device_host *host) {
    struct htif *h = state;
    board_listen(host, h->asked);
    if (!h->asked) return UINT64_MAX;
    int got = board_input(host);
    if (got >= 0) answer(host, 1ull << 56 | (uint64_t)got);
    h->asked = got == CONSOLE_NOTHING;
    return h->asked ? board_time(host) + BOARD_INPUT_TICKS : UINT64_MAX;
}

const struct device device_htif = {
    .name = "htif",
    .size = SIZE,
    .state_size = sizeof(struct htif),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .read = read,
    .write = write,
    .update = update,
};
