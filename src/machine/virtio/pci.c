/* pci.c - virtio devices on the PCI bus (virtio 1.2, 4.1), as devices of version 1 only. Base address register 0 has
 * four parts, which capabilities of the function point to; a fifth capability is a window to them in the configuration
 * space.
 *
 *   0x0000 common configuration   0x1000 reasons of the interrupt   0x2000 the device's configuration
 *   0x3000 notifications, 4 bytes for each queue
 */
#include "base/error.h"
#include "machine/virtio/transport.h"
#include <string.h>

enum { COMMON = 0, ISR = 0x1000, DEVICE = 0x2000, NOTIFY = 0x3000, SIZE = 0x4000, PART = 0x1000, STEP = 4 };
enum { VENDOR = 0x1af4, FIRST_ID = 0x1040, SUBSYSTEM = 0x1100, REVISION = 1, NO_VECTOR = 0xffff };

static struct virtio *virtio_of(struct pci_function *f) {
    return &((struct virtio_pci *)f)->virtio;
}

/* ---- common configuration */

struct common {
    uint32_t device_select, device_features, driver_select, driver_features;
    uint16_t config_vector, nqueues;
    uint8_t status, config_generation;
    uint16_t queue_select, queue_size, queue_vector, queue_ready, queue_notify;
    uint32_t descriptors[2], driver[2], device[2];
};
_Static_assert(sizeof(struct common) == 56, "as the specification has it");

static void halves(uint32_t to[2], uint64_t value) {
    to[0] = (uint32_t)value;
    to[1] = (uint32_t)(value >> 32);
}

static struct common common_of(const struct virtio *v) {
    struct common c = {
        .device_select = v->device_select,
        .device_features = virtio_offered(v, v->device_select),
        .driver_select = v->driver_select,
        .driver_features = virtio_chosen(v, v->driver_select),
        .config_vector = NO_VECTOR,
        .nqueues = (uint16_t)v->kind->nqueues,
        .status = v->status,
        .config_generation = (uint8_t)v->config_generation,
        .queue_select = v->queue_select,
        .queue_vector = NO_VECTOR,
    };
    if (v->queue_select >= v->kind->nqueues) return c;
    const struct virtio_queue *q = &v->queue[v->queue_select];
    c.queue_size = q->size;
    c.queue_ready = q->ready;
    c.queue_notify = v->queue_select;
    halves(c.descriptors, q->descriptors);
    halves(c.driver, q->driver);
    halves(c.device, q->device);
    return c;
}

static bool common_read(const struct virtio *v, uint64_t offset, unsigned size, uint64_t *value) {
    const struct common c = common_of(v);
    if (offset + size <= sizeof c) memcpy(value, (const uint8_t *)&c + offset, size);
    return true;
}

static void set_address(const struct virtio_queue *q, uint64_t *address, unsigned offset, unsigned size,
                        uint64_t value) {
    if (!q->ready && size >= 4 && offset % 8 + size <= 8) memcpy((uint8_t *)address + offset % 8, &value, size);
}

/* Registers are written as what they are, addresses also by halves. */
static bool common_write(struct virtio *v, uint64_t offset, unsigned size, uint64_t value) {
#define AT(member) (offsetof(struct common, member) << 4 | sizeof((struct common){0}.member))
    struct virtio_queue *q = virtio_selected(v);
    switch (offset << 4 | size) {
    case AT(device_select): v->device_select = value < 2 ? (uint8_t)value : 2; return true;
    case AT(driver_select): v->driver_select = value < 2 ? (uint8_t)value : 2; return true;
    case AT(driver_features): virtio_choose(v, v->driver_select, (uint32_t)value); return true;
    case AT(status): virtio_set_status(v, (uint8_t)value); return true;
    case AT(queue_select): v->queue_select = (uint16_t)value; return true;
    case AT(queue_size):
        if (q && !q->ready) q->size = (uint16_t)value;
        return true;
    case AT(queue_ready):
        if (q && value == 1) virtio_queue_start(v, q);
        return true;
    default: break;
    }
#undef AT
    if (!q || offset < offsetof(struct common, descriptors) || offset >= sizeof(struct common)) return true;
    const unsigned from = (unsigned)(offset - offsetof(struct common, descriptors));
    uint64_t *const addresses[] = {&q->descriptors, &q->driver, &q->device};
    set_address(q, addresses[from / 8], from, size, value);
    return true;
}

/* ---- base address register 0 */

bool virtio_pci_read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                     uint64_t *value) {
    struct virtio *v = virtio_of(state);
    (void)host, (void)region;
    *value = 0;
    switch (offset / PART * PART) {
    case COMMON: return common_read(v, offset, size, value);
    case DEVICE: virtio_config_read(v, offset - DEVICE, size, value); return true;
    case ISR:
        if (offset == ISR) {
            *value = v->reasons;
            v->reasons = 0;
        }
        return true;
    default: return true;
    }
}

bool virtio_pci_write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                      uint64_t value) {
    struct virtio *v = virtio_of(state);
    (void)host, (void)region;
    switch (offset / PART * PART) {
    case COMMON: return common_write(v, offset, size, value);
    case DEVICE: virtio_config_write(v, offset - DEVICE, size, value); return true;
    case NOTIFY: virtio_notify(v, (offset - NOTIFY) / STEP); return true;
    default: return true;
    }
}

/* ---- capabilities */

struct capability {
    uint8_t id, next, size, type, bar, number, padding[2];
    uint32_t offset, length;
    uint32_t more; /* how far notifications are apart; or the window's data */
};
enum { OF_VENDOR = 9, TYPE_COMMON = 1, TYPE_NOTIFY, TYPE_ISR, TYPE_DEVICE, TYPE_WINDOW, SHORT = 16, LONG = 20 };

/* The window is the last one: the configuration space from there on can be written. */
static unsigned window_of(const struct pci_function *f) {
    const uint8_t *config = (const uint8_t *)f;
    unsigned at = f->first_capability;
    while (config[at + 1]) at = config[at + 1];
    return at;
}

static void make_capabilities(struct pci_function *f) {
    const uint32_t config_size = virtio_of(f)->kind->config_size;
    const struct capability rows[] = {
        {.size = SHORT, .type = TYPE_COMMON, .offset = COMMON, .length = sizeof(struct common)},
        {.size = LONG, .type = TYPE_NOTIFY, .offset = NOTIFY, .length = STEP * VIRTIO_QUEUES, .more = STEP},
        {.size = SHORT, .type = TYPE_ISR, .offset = ISR, .length = 1},
        {.size = SHORT, .type = TYPE_DEVICE, .offset = DEVICE, .length = config_size},
        {.size = LONG, .type = TYPE_WINDOW},
    };
    for (const struct capability *c = rows; c < rows + sizeof rows / sizeof *rows; c++) {
        if (c->type == TYPE_DEVICE && !config_size) continue;
        uint8_t *at = pci_capability(f, OF_VENDOR, c->size);
        memcpy(at + 3, (const uint8_t *)c + 3, c->size - 3u);
    }
}

/* Where the window leads now: false, if nowhere. */
static bool window_leads(const struct pci_function *f, struct capability *c) {
    memcpy(c, (const uint8_t *)f + window_of(f), sizeof *c);
    return c->bar == 0 && (c->length == 1 || c->length == 2 || c->length == 4) && c->offset < SIZE &&
           c->offset % c->length == 0;
}

static bool window_read(struct pci_function *f, unsigned offset, unsigned size, uint64_t *value) {
    struct capability c;
    const unsigned data = window_of(f) + (unsigned)offsetof(struct capability, more);
    if (offset < data || offset >= data + sizeof c.more) return false;
    if (offset == data && size >= 1 && window_leads(f, &c)) virtio_pci_read(f, f->host, 0, c.offset, c.length, value);
    return true;
}

static bool window_write(struct pci_function *f, unsigned offset, unsigned size, uint64_t value) {
    struct capability c;
    const unsigned window = window_of(f), data = window + (unsigned)offsetof(struct capability, more);
    if (offset == data && window_leads(f, &c)) {
        virtio_pci_write(f, f->host, 0, c.offset, c.length, value);
        return true;
    }
    if (offset == window + offsetof(struct capability, bar) && size == 1) {
        ((uint8_t *)f)[offset] = (uint8_t)value;
        return true;
    }
    if ((offset == window + offsetof(struct capability, offset) ||
         offset == window + offsetof(struct capability, length)) &&
        size == 4) {
        memcpy((uint8_t *)f + offset, &value, size);
        return true;
    }
    return false;
}

/* ---- the device */

bool virtio_pci_open(struct device_host *host, struct error *error) {
    struct virtio_pci *card = host->state;
    const struct virtio_kind *kind = host->device->kind;
    struct pci_type *type = &card->type;
    *type = (struct pci_type){
        .vendor = VENDOR,
        .device = (uint16_t)(FIRST_ID + kind->id),
        .subsystem_vendor = VENDOR,
        .subsystem = SUBSYSTEM,
        .class = kind->pci_class << 8 | REVISION,
        .bar_size = {SIZE},
        .interrupts = true,
        .make = make_capabilities,
        .read = window_read,
        .write = window_write,
    };
    if (!virtio_open(&card->virtio, host, error)) return false;
    if (pci_open(&card->function, host, type, error)) return true;
    virtio_close(&card->virtio);
    return false;
}

void virtio_pci_close(struct device_host *host) {
    struct virtio_pci *card = host->state;
    pci_close(&card->function);
    virtio_close(&card->virtio);
}

void virtio_pci_reset(void *state, struct device_host *host) {
    struct virtio_pci *card = state;
    (void)host;
    if (!card->virtio.own) return;
    virtio_set_status(&card->virtio, 0);
    pci_reset(&card->function);
}

uint64_t virtio_pci_update(void *state, struct device_host *host) {
    struct virtio_pci *card = state;
    (void)host;
    const uint64_t next = virtio_update(&card->virtio);
    pci_interrupt(&card->function, card->virtio.reasons != 0, card->virtio.anew);
    card->virtio.anew = 0;
    return next;
}

void virtio_pci_complete(void *state, struct device_host *host, void *request) {
    struct virtio_pci *card = state;
    (void)host;
    card->virtio.kind->complete(&card->virtio, request);
}

#define CARD_ROWS(R)                                                                                                   \
    R(OBJECT, function, pci_function_type)                                                                             \
    R(HOST_IN, type, "functions, and what the kind says")                                                              \
    R(OBJECT, virtio, virtio_type)
#define object_self struct virtio_pci
const struct field virtio_pci_fields[2] = {CARD_ROWS(OBJECT_ROW)};
FIELDS_WHOLE(struct virtio_pci, CARD_ROWS(OBJECT_INIT));
