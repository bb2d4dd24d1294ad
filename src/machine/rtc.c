/* rtc.c - a calendar clock with one alarm ("google,goldfish-rtc"): nanoseconds since 1970, in halves of 4 bytes.
 *
 *   0x00 time, low   0x04 time, high   0x08 alarm, low   0x0c alarm, high
 *   0x10 interrupt enable   0x14 clear alarm   0x18 alarm is set (read)   0x1c clear interrupt
 *
 * Reading the low half of the time keeps the high half that belongs to it. Writing the low half of the alarm sets it,
 * so the high one comes first. Pin 0: interrupt. The date is the host's when the machine is switched on or reset; in
 * machines whose runs can be repeated it is the same one in every run.
 */
#include "machine/board.h"

enum { TIME_LOW = 0, TIME_HIGH = 4, ALARM_LOW = 8, ALARM_HIGH = 12, ENABLE = 16, CLEAR_ALARM = 20, IS_SET = 24 };
enum { CLEAR_INTERRUPT = 28, SIZE = 0x1000 };
#define RTC_FIELDS(FIELD, ARRAY)                                                                                       \
    FIELD(uint64_t, offset, TIME, 0, 0, 0, UINT64_MAX) /* from the board's time since it was switched on */            \
    FIELD(uint64_t, alarm, TIME, 0, 0, 0, UINT64_MAX)                                                                  \
    FIELD(uint32_t, high, TIME, 0, 0, 0, UINT32_MAX) /* of the time that was read last */                              \
    FIELD(uint32_t, is_set, RESOURCE, 0, 0, 0, 1)                                                                      \
    FIELD(uint32_t, enabled, RESOURCE, 0, 0, 0, 1)                                                                     \
    FIELD(uint32_t, rings, RESOURCE, 0, 0, 0, 1)

struct rtc {
    FIELDS_STRUCT(RTC_FIELDS)
};
#define FIELDS_OF struct rtc
static const struct field fields[] = {FIELDS_TABLE(RTC_FIELDS)};
FIELDS_WHOLE(struct rtc, FIELDS_INIT(RTC_FIELDS));

static void reset(void *state, struct device_host *host) {
    struct rtc *r = state;
    r->offset = board_date_ns(host) - board_ns(host);
}

static bool open(struct device_host *host, struct error *error) {
    (void)error;
    reset(host->state, host);
    return true;
}

static uint64_t now(const struct rtc *r, struct device_host *host) {
    return board_ns(host) + r->offset;
}

static uint64_t with_low(uint64_t whole, uint64_t value) {
    return (whole & ~0xffffffffull) | (uint32_t)value;
}
static uint64_t with_high(uint64_t whole, uint64_t value) {
    return value << 32 | (uint32_t)whole;
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    struct rtc *r = state;
    (void)region;
    if (size != 4 || offset % 4) return false;
    *value = 0;
    switch (offset) {
    case TIME_LOW:
        *value = (uint32_t)now(r, host);
        r->high = (uint32_t)(now(r, host) >> 32);
        break;
    case TIME_HIGH: *value = r->high; break;
    case ALARM_LOW: *value = (uint32_t)r->alarm; break;
    case ALARM_HIGH: *value = r->alarm >> 32; break;
    case ENABLE: *value = r->enabled; break;
    case IS_SET: *value = r->is_set; break;
    default: break;
    }
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct rtc *r = state;
    (void)region;
    if (size != 4 || offset % 4) return false;
    switch (offset) {
    case TIME_LOW: r->offset = with_low(now(r, host), value) - board_ns(host); break;
    case TIME_HIGH: r->offset = with_high(now(r, host), value) - board_ns(host); break;
    case ALARM_LOW:
        r->alarm = with_low(r->alarm, value);
        r->is_set = 1;
        break;
    case ALARM_HIGH: r->alarm = with_high(r->alarm, value); break;
    case ENABLE: r->enabled = value & 1; break;
    case CLEAR_ALARM: r->is_set = 0; break;
    case CLEAR_INTERRUPT: r->rings = 0; break;
    default: break;
    }
    return true;
}

static uint64_t update(void *state, struct device_host *host) {
    struct rtc *r = state;
    uint64_t time = now(r, host);
    if (r->is_set && time >= r->alarm) {
        r->is_set = 0;
        r->rings = 1;
    }
    board_pin(host, 0, r->rings && r->enabled);
    if (!r->is_set) return UINT64_MAX;
    uint64_t ns = board_ns(host), due = ns + (r->alarm - time), at = board_time(host);
    if (due < ns) return UINT64_MAX;
    uint64_t ticks =
        due / BOARD_TICK_NS + (due % BOARD_TICK_NS != 0) - ns / BOARD_TICK_NS; /* the first one not before */
    return at + ticks < at ? UINT64_MAX : at + ticks;
}

const struct device device_rtc = {
    .name = "rtc",
    .size = SIZE,
    .state_size = sizeof(struct rtc),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .read = read,
    .open = open,
    .reset = reset,
    .write = write,
    .update = update,
    .node = "rtc",
    .compatible = "google,goldfish-rtc",
};
