/* mmio.c - virtio devices behind registers in memory (virtio 1.2, 4.2.2): slots, which are places of the board and stay
 * empty or get a device, and the devices that go there. A slot has registers and the interrupt (pin 0), its device has
 * the state; a slot's backend is its device.
 *
 * Registers are 4 bytes wide, the configuration behind them takes any access. An access of another kind, or to where no
 * register is, reads zeros and changes nothing. Slots are filled from the last one on, as on the board that this one is
 * like, or as `bus=virtio-mmio-bus.N` says.
 */
#include "base/error.h"
#include "machine/keyvals.h"
#include "machine/virtio/transport.h"
#include <stdio.h>
#include <string.h>

enum { SIZE = 0x1000, MAGIC = 0x74726976, VERSION = 2, VENDOR = 0x554d4551 };
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_ID = 8,
    AT_VENDOR = 0x0c,
    AT_FEATURES = 0x10,
    AT_FEATURES_SELECT = 0x14,
    AT_DRIVER_FEATURES = 0x20,
    AT_DRIVER_SELECT = 0x24,
    AT_QUEUE_SELECT = 0x30,
    AT_QUEUE_MAX = 0x34,
    AT_QUEUE_SIZE = 0x38,
    AT_QUEUE_READY = 0x44,
    AT_NOTIFY = 0x50,
    AT_REASONS = 0x60,
    AT_ACKNOWLEDGE = 0x64,
    AT_STATUS = 0x70,
    AT_DESCRIPTORS = 0x80,
    AT_DRIVER = 0x90,
    AT_DEVICE = 0xa0,
    AT_SHM_LENGTH = 0xb0, /* of shared memory, of which there is none: all ones */
    AT_SHM_BASE = 0xb8,
    AT_GENERATION = 0xfc,
    CONFIG = 0x100
};

/* ---- registers */

static uint32_t read_register(const struct virtio *v, uint64_t offset) {
    const struct virtio_queue *q = v->queue_select < v->kind->nqueues ? &v->queue[v->queue_select] : NULL;
    switch (offset) {
    case AT_ID: return v->kind->id;
    case AT_FEATURES: return virtio_offered(v, v->device_select);
    case AT_QUEUE_MAX: return q ? v->kind->queue_size : 0;
    case AT_QUEUE_READY: return q && q->ready;
    case AT_REASONS: return v->reasons;
    case AT_STATUS: return v->status;
    case AT_SHM_LENGTH:
    case AT_SHM_LENGTH + 4:
    case AT_SHM_BASE:
    case AT_SHM_BASE + 4: return UINT32_MAX;
    case AT_GENERATION: return v->config_generation;
    default: return 0;
    }
}

static bool slot_read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                      uint64_t *value) {
    const struct device_host *card = host->backend;
    (void)state, (void)region;
    *value = 0;
    if (card && offset >= CONFIG) {
        virtio_config_read(card->state, offset - CONFIG, size, value);
    } else if (size == 4) {
        switch (offset) {
        case AT_MAGIC: *value = MAGIC; break;
        case AT_VERSION: *value = VERSION; break;
        case AT_VENDOR: *value = VENDOR; break;
        default: *value = card ? read_register(card->state, offset) : 0; break;
        }
    }
    return true;
}

/* One half of an address of a queue, which is settled when the queue is ready. */
static void set_half(struct virtio_queue *q, uint64_t *address, bool high, uint32_t value) {
    if (!q->ready) *address = high ? (uint32_t)*address | (uint64_t)value << 32 : (*address >> 32 << 32 | value);
}

static void write_queue(struct virtio *v, struct virtio_queue *q, uint64_t offset, uint32_t value) {
    const bool high = offset & 4;
    switch (offset & ~4ull) {
    case AT_QUEUE_SIZE:
        if (!q->ready && !high) q->size = value <= UINT16_MAX ? (uint16_t)value : 0;
        break;
    case AT_QUEUE_READY & ~4:
        if (high && value)
            virtio_queue_start(v, q);
        else if (high)
            virtio_queue_stop(v, q);
        break;
    case AT_DESCRIPTORS: set_half(q, &q->descriptors, high, value); break;
    case AT_DRIVER: set_half(q, &q->driver, high, value); break;
    case AT_DEVICE: set_half(q, &q->device, high, value); break;
    default: break;
    }
}

static void write_register(struct virtio *v, uint64_t offset, uint32_t value) {
    struct virtio_queue *q = virtio_selected(v);
    switch (offset) {
    case AT_FEATURES_SELECT: v->device_select = value < 2 ? (uint8_t)value : 2; break;
    case AT_DRIVER_SELECT: v->driver_select = value < 2 ? (uint8_t)value : 2; break;
    case AT_DRIVER_FEATURES: virtio_choose(v, v->driver_select, value); break;
    case AT_QUEUE_SELECT: v->queue_select = value <= UINT16_MAX ? (uint16_t)value : UINT16_MAX; break;
    case AT_NOTIFY: virtio_notify(v, value); break;
    case AT_ACKNOWLEDGE: v->reasons &= (uint8_t)~value; break;
    case AT_STATUS: virtio_set_status(v, (uint8_t)value); break;
    default:
        if (q) write_queue(v, q, offset, value);
        break;
    }
}

static bool slot_write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                       uint64_t value) {
    struct device_host *card = host->backend;
    (void)state, (void)region;
    if (card && offset >= CONFIG)
        virtio_config_write(card->state, offset - CONFIG, size, value);
    else if (card && size == 4)
        write_register(card->state, offset, (uint32_t)value);
    return true;
}

static uint64_t slot_update(void *state, struct device_host *host) {
    struct device_host *card = host->backend;
    (void)state;
    return card ? card->device->update(card->state, card) : UINT64_MAX;
}

const struct device device_virtio_slot = {
    .name = "virtio-mmio",
    .size = SIZE,
    .read = slot_read,
    .write = slot_write,
    .update = slot_update,
    .node = "virtio_mmio",
    .compatible = "virtio,mmio",
};

/* ---- devices in slots */

static struct device_host *slot_number(const struct machine *m, unsigned number) {
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i]->device == &device_virtio_slot && number-- == 0) return m->devices[i];
    return NULL;
}

/* A free one, or the one that `bus` names if that is free. */
static struct device_host *slot_find(const struct device_host *card, const char *bus, struct error *error) {
    struct device_host *free = NULL, *slot;
    char name[32];
    for (unsigned n = 0; (slot = slot_number(card->machine, n)); n++) {
        snprintf(name, sizeof name, "virtio-mmio-bus.%u", n);
        if (!slot->backend && (!bus || !strcmp(bus, name))) free = slot;
    }
    if (!free && bus)
        error_set(error, ERROR_USAGE, "-device %s: bus %s is not there, or not free (virtio-mmio-bus.0 and so on)",
                  card->device->name, bus);
    else if (!free)
        error_set(error, ERROR_USAGE, "-device %s: all places for such devices are taken", card->device->name);
    return free;
}

bool virtio_mmio_open(struct device_host *host, struct error *error) {
    struct virtio_mmio *card = host->state;
    if (host->options && spec_get(host->options, "addr"))
        return error_set(error, ERROR_USAGE, "-device %s: addr is for devices on the PCI bus", host->device->name);
    struct device_host *slot = slot_find(host, host->options ? spec_get(host->options, "bus") : NULL, error);
    if (!slot || !virtio_open(&card->virtio, host, error)) return false;
    card->slot = slot;
    slot->backend = host;
    return true;
}

void virtio_mmio_close(struct device_host *host) {
    struct virtio_mmio *card = host->state;
    card->slot->backend = NULL;
    virtio_close(&card->virtio);
}

void virtio_mmio_reset(void *state, struct device_host *host) {
    struct virtio_mmio *card = state;
    (void)host;
    if (card->virtio.own) virtio_set_status(&card->virtio, 0);
}

uint64_t virtio_mmio_update(void *state, struct device_host *host) {
    struct virtio_mmio *card = state;
    (void)host;
    const uint64_t next = virtio_update(&card->virtio);
    if (card->virtio.anew) board_pin(card->slot, 0, false);
    card->virtio.anew = 0;
    board_pin(card->slot, 0, card->virtio.reasons != 0);
    return next;
}

void virtio_mmio_complete(void *state, struct device_host *host, void *request) {
    struct virtio_mmio *card = state;
    (void)host;
    card->virtio.kind->complete(&card->virtio, request);
}

#define CARD_ROWS(R)                                                                                                   \
    R(OBJECT, virtio, virtio_type)                                                                                     \
    R(HOST, slot, "where it is")
#define object_self struct virtio_mmio
const struct field virtio_mmio_fields[1] = {CARD_ROWS(OBJECT_ROW)};
FIELDS_WHOLE(struct virtio_mmio, CARD_ROWS(OBJECT_INIT));
