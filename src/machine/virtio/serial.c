/* serial.c - a console (virtio 1.2, 5.3) with one port, whose line is the machine's console. Queue 0 takes what is
 * typed, queue 1 what is to be shown. Sending takes no time; what is typed is fetched while the driver has room for it,
 * and looked for every millisecond. Not here: more ports, sizes of windows.
 *
 * `virtconsole` is what names the port where machines are described; this device has it in any case.
 */
#include "base/error.h"
#include "machine/virtio/transport.h"

enum { TYPED = 0, SHOWN = 1, BYTES = 256 };
enum { F_EMERGENCY = 2 };

struct config {
    uint16_t columns, rows;
    uint32_t ports, emergency; /* a byte that is written there is shown, even when nothing else works yet */
};

#define SERIAL_FIELDS(FIELD, ARRAY)                                                                                    \
    FIELD(uint8_t, ended, RESOURCE, 0, 0, 0, 1)                                                                        \
    FIELD(uint64_t, next_look, TIME, 0, 0, 0, UINT64_MAX)

struct serial {
    FIELDS_STRUCT(SERIAL_FIELDS)
};
#define FIELDS_OF struct serial
static const struct field fields[] = {FIELDS_TABLE(SERIAL_FIELDS)};
FIELDS_WHOLE(struct serial, FIELDS_INIT(SERIAL_FIELDS));

static void config(const struct virtio *v, void *to) {
    struct config *c = to;
    (void)v;
    c->ports = 1;
}

static void config_write(struct virtio *v, unsigned offset, unsigned size, uint64_t value) {
    const uint8_t byte = (uint8_t)value;
    (void)size;
    if (offset == offsetof(struct config, emergency)) board_output(v->host, &byte, 1);
}

static void show(struct virtio *v) {
    struct virtio_chain chain;
    uint8_t bytes[BYTES];
    while (virtio_pop(v, SHOWN, &chain)) {
        uint64_t n;
        for (uint64_t at = 0; (n = virtio_read(&chain, at, bytes, sizeof bytes)) != 0; at += n)
            board_output(v->host, bytes, n);
        virtio_push(v, &chain, 0);
    }
}

/* What has been typed, up to `most` bytes. */
static unsigned fetch(struct virtio *v, uint8_t *to, uint64_t most) {
    struct serial *s = v->own;
    unsigned n = 0;
    while (n < most && !s->ended) {
        const int got = board_input(v->host);
        if (got == CONSOLE_NOTHING) break;
        if (got == CONSOLE_END)
            s->ended = 1;
        else
            to[n++] = (uint8_t)got;
    }
    return n;
}

static void look(struct virtio *v) {
    struct serial *s = v->own;
    struct virtio_chain chain;
    uint8_t bytes[BYTES];
    while (!s->ended && virtio_pop(v, TYPED, &chain)) {
        const unsigned n = fetch(v, bytes, chain.writable < BYTES ? chain.writable : BYTES);
        if (n == 0 && chain.writable) {
            virtio_unpop(v, &chain);
            break;
        }
        virtio_write(v, &chain, 0, bytes, n);
        virtio_push(v, &chain, n);
    }
    s->next_look = board_time(v->host) + BOARD_INPUT_TICKS;
}

static void notify(struct virtio *v, unsigned queue) {
    if (queue == SHOWN) show(v); /* update looks for the other one */
}

static uint64_t update(struct virtio *v) {
    struct serial *s = v->own;
    const bool may = virtio_running(v) && !s->ended && virtio_available(v, TYPED);
    if (may && (board_time(v->host) >= s->next_look || board_input_ready(v->host))) look(v);
    const bool waits = may && !s->ended && virtio_available(v, TYPED);
    board_listen(v->host, waits);
    return waits ? s->next_look : UINT64_MAX;
}

static const struct virtio_kind kind = {
    .name = "serial",
    .id = 3,
    .pci_class = 0x078000,
    .nqueues = 2,
    .queue_size = 128,
    .features = 1ull << F_EMERGENCY,
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct serial),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .config = config,
    .config_write = config_write,
    .notify = notify,
    .update = update,
};
VIRTIO_DEVICES(serial)

/* The port: there has to be a device that it belongs to. */
static bool port_open(struct device_host *host, struct error *error) {
    const struct machine *m = host->machine;
    if (board_find(m, DEVICE_virtio_serial_pci) || board_find(m, DEVICE_virtio_serial_device)) return true;
    return error_set(error, ERROR_USAGE,
                     "-device virtconsole: needs a -device virtio-serial-pci (or "
                     "virtio-serial-device) before it");
}

const struct device device_virtconsole = {.name = "virtconsole", .open = port_open};
