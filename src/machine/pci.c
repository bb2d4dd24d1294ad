/* pci.c - the PCI bus: its host bridge, whose registers are the configuration space of all functions ("ECAM": 4 KiB for
 * each), and what functions share. See pci.h.
 *
 *   offset in the bridge's region: bus << 20 | slot << 15 | function << 12 | register
 *
 * There is bus 0, with the bridge itself in slot 0. Where no function is, all bits are read as ones. A base address is
 * decoded while the function's command register says so and it lies in the bus's window of memory: nowhere else, so no
 * guest puts a device over anything else. Pins 0 to 3 are the interrupts; those of a slot are turned by its number. As
 * a wire that stays up asks no second time, it goes down for a moment when one more function has something to say.
 */
#include "machine/pci.h"
#include "base/error.h"
#include "machine/keyvals.h"
#include "machine/tree.h"
#include <ctype.h>
#include <string.h>

enum { BUS_SHIFT = 20, SLOT_SHIFT = 15, FUNCTION_SHIFT = 12, SIZE = 1 << 28 };
/* The bus's windows in the address space: ports, which nobody has, and memory. */
#define IO_WINDOW     0x03000000ull
#define IO_SIZE       0x10000ull
#define MEMORY_WINDOW 0x40000000ull
#define MEMORY_SIZE   0x40000000ull
#define BUS           "pcie.0"

struct pci_host {
    struct pci_function function; /* the bridge's own */
    struct pci_function *slot[PCI_SLOTS];
};

/* ---- rows */

#define FUNCTION_ROWS(R)                                                                                               \
    R(HOST, host, "its place")                                                                                         \
    R(HOST, bridge, "where it is reached")                                                                             \
    R(HOST, type, "functions")                                                                                         \
    R(HOST, slot, "as its options say")                                                                                \
    R(FIELD, asserts, RESOURCE)
#define FIELDS_OF   struct pci_function
#define object_self struct pci_function
static const struct field registers[] = {FIELDS_TABLE(PCI_FIELDS) FUNCTION_ROWS(OBJECT_ROW)};
enum { REGISTERS = sizeof registers / sizeof *registers };
FIELDS_WHOLE(struct pci_function, FIELDS_INIT(PCI_FIELDS) FUNCTION_ROWS(OBJECT_INIT));
_Static_assert(offsetof(struct pci_function, capabilities) == PCI_CAPABILITIES, "the header has 64 bytes");

const struct object_type *pci_function_type(void) {
    static const struct object_type made = {"pci", sizeof(struct pci_function), registers, REGISTERS};
    return &made;
}

/* ---- the configuration space of a function */

/* Which bits of the byte at `offset` software can write. */
static uint8_t writable(const struct pci_function *f, unsigned offset) {
    for (const struct field *r = registers; r < registers + REGISTERS; r++) {
        const unsigned at = offset - r->offset, index = at / r->size;
        if (offset < r->offset || index >= r->count) continue;
        uint64_t mask = r->write_mask;
        if (r->offset == offsetof(struct pci_function, bar))
            mask = f->type->bar_size[index] ? ~(f->type->bar_size[index] - 1) : 0;
        return (uint8_t)(mask >> 8 * (at % r->size));
    }
    return 0;
}

static void map_bars(struct pci_function *f) {
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const uint64_t size = f->type->bar_size[i], start = f->bar[i] & ~15u;
        const struct device_region *is = &f->host->region[i];
        if (!size) continue; /* the region is not the bus's */
        const bool decoded =
            (f->command & PCI_MEMORY) && start >= MEMORY_WINDOW && start - MEMORY_WINDOW <= MEMORY_SIZE - size;
        if (decoded && is->mapped && is->start == start) continue;
        if (is->mapped) board_unmap(f->host, i);
        if (decoded) board_map(f->host, i, start, size);
    }
}

static uint64_t config_read(struct pci_function *f, unsigned offset, unsigned size) {
    uint64_t value = 0;
    if (offset >= PCI_CAPABILITIES && f->type->read && f->type->read(f, offset, size, &value)) return value;
    if (offset <= PCI_CONFIG_SIZE - size) memcpy(&value, (const uint8_t *)f + offset, size);
    return value;
}

static void config_write(struct pci_function *f, unsigned offset, unsigned size, uint64_t value) {
    if (offset >= PCI_CAPABILITIES && f->type->write && f->type->write(f, offset, size, value)) return;
    if (offset > PCI_CONFIG_SIZE - size) return;
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        uint8_t *at = (uint8_t *)f + offset + i, mask = writable(f, offset + i);
        *at = (uint8_t)((*at & ~mask) | (value & mask));
    }
    map_bars(f);
}

uint8_t *pci_capability(struct pci_function *f, uint8_t id, unsigned size) {
    unsigned end = PCI_CAPABILITIES;
    uint8_t *config = (uint8_t *)f, *link = &f->first_capability;
    for (; *link; link = config + *link + 1) end = *link + config[*link + 2u]; /* all of ours say their size there */
    end = (end + 3) & ~3u;
    if (end + size > PCI_CONFIG_SIZE) return NULL;
    *link = (uint8_t)end;
    f->status |= PCI_STATUS_CAPABILITIES;
    config[end] = id;
    config[end + 1] = 0;
    config[end + 2] = (uint8_t)size;
    return config + end;
}

void pci_reset(struct pci_function *f) {
    const struct pci_type *t = f->type;
    fields_reset(f, registers, REGISTERS);
    f->vendor = t->vendor;
    f->device = t->device;
    f->subsystem_vendor = t->subsystem_vendor;
    f->subsystem = t->subsystem;
    f->class = t->class;
    f->interrupt_pin = t->interrupts ? 1 : 0;
    f->asserts = 0;
    if (t->make) t->make(f);
    map_bars(f);
}

/* ---- on the bus */

static struct pci_host *host_of(const struct pci_function *f) {
    return f->bridge->state;
}

static unsigned pin_of(const struct pci_function *f) {
    return (f->slot + f->interrupt_pin - 1u) % PCI_PINS;
}

static bool drives(const struct pci_function *f) {
    return f->asserts && !(f->command & PCI_NO_INTX);
}

void pci_interrupt(struct pci_function *f, bool level, bool anew) {
    bool up = false;
    f->asserts = level;
    f->status = (uint16_t)((f->status & ~PCI_STATUS_INTERRUPT) | (level ? PCI_STATUS_INTERRUPT : 0));
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        const struct pci_function *other = host_of(f)->slot[i];
        if (other && other->interrupt_pin && pin_of(other) == pin_of(f)) up |= drives(other);
    }
    if (anew && drives(f)) board_pin(f->bridge, pin_of(f), false);
    board_pin(f->bridge, pin_of(f), up);
}

/* `addr`: a number in base 16, with or without the function's, which is 0. */
static bool slot_parse(const char *text, unsigned *slot) {
    unsigned long n = 0;
    const char *p = text;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) p += 2;
    const char *digits = p;
    for (; isxdigit((unsigned char)*p) && p - digits < 4; p++)
        n = n * 16 + (unsigned)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
    if (p == digits || (*p && strcmp(p, ".0")) || n >= PCI_SLOTS) return false;
    *slot = (unsigned)n;
    return true;
}

static bool slot_find(const struct pci_host *bus, const struct device_host *host, unsigned *slot, struct error *error) {
    const char *name = host->device->name, *addr = host->options ? spec_get(host->options, "addr") : NULL;
    const char *on = host->options ? spec_get(host->options, "bus") : NULL;
    if (on && strcmp(on, BUS)) return error_set(error, ERROR_USAGE, "-device %s: bus %s is not " BUS, name, on);
    if (!addr)
        for (*slot = 1; *slot < PCI_SLOTS && bus->slot[*slot];) ++*slot;
    else if (!slot_parse(addr, slot))
        return error_set(error, ERROR_USAGE, "-device %s: addr=%s is none of the slots 1 to %x", name, addr,
                         PCI_SLOTS - 1);
    if (*slot == PCI_SLOTS)
        return error_set(error, ERROR_USAGE, "-device %s: all %d slots of the PCI bus are taken", name, PCI_SLOTS);
    if (bus->slot[*slot])
        return error_set(error, ERROR_USAGE, "-device %s: addr=%x is taken by %s", name, *slot,
                         bus->slot[*slot]->host->device->name);
    return true;
}

bool pci_open(struct pci_function *f, struct device_host *host, const struct pci_type *type, struct error *error) {
    struct device_host *bridge = board_find(host->machine, DEVICE_pci);
    unsigned slot = PCI_SLOTS;
    if (!bridge) return error_set(error, ERROR_USAGE, "-device %s: the board has no PCI bus", host->device->name);
    struct pci_host *bus = bridge->state;
    if (!slot_find(bus, host, &slot, error)) return false;
    f->host = host;
    f->bridge = bridge;
    f->type = type;
    f->slot = (uint8_t)slot;
    bus->slot[slot] = f;
    pci_reset(f);
    return true;
}

void pci_close(struct pci_function *f) {
    host_of(f)->slot[f->slot] = NULL;
}

/* ---- the bridge */

static const struct pci_type bridge_type = {
    .vendor = 0x1b36,
    .device = 0x0008,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x06000000,
};

static struct pci_function *function_at(struct pci_host *bus, uint64_t offset) {
    const unsigned slot = offset >> SLOT_SHIFT & (PCI_SLOTS - 1), function = offset >> FUNCTION_SHIFT & 7;
    return offset >> BUS_SHIFT || function ? NULL : bus->slot[slot];
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    struct pci_function *f = function_at(state, offset);
    (void)host, (void)region;
    *value = f ? config_read(f, offset & ((1u << FUNCTION_SHIFT) - 1), size) : UINT64_MAX;
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct pci_function *f = function_at(state, offset);
    (void)host, (void)region;
    if (f) config_write(f, offset & ((1u << FUNCTION_SHIFT) - 1), size, value);
    return true;
}

/* The configuration of any function may have been written. */
static uint64_t update(void *state, struct device_host *host) {
    struct pci_host *bus = state;
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < PCI_SLOTS; i++) {
        struct device_host *other = bus->slot[i] ? bus->slot[i]->host : host;
        const uint64_t then = other != host ? other->device->update(other->state, other) : UINT64_MAX;
        if (then < next) next = then;
    }
    return next;
}

static bool open(struct device_host *host, struct error *error) {
    struct pci_host *bus = host->state;
    (void)error;
    bus->function.host = bus->function.bridge = host;
    bus->function.type = &bridge_type;
    bus->slot[0] = &bus->function;
    pci_reset(&bus->function);
    return true;
}

static void reset(void *state, struct device_host *host) {
    struct pci_host *bus = state;
    (void)host;
    if (bus->function.type) pci_reset(&bus->function);
}

/* As Linux' bindings of such bridges and IEEE 1275's of PCI want it. */
static void describe(struct tree *t, const struct device_host *host) {
    enum { IO = 0x01000000, MEMORY = 0x02000000, ENTRY = 6, DEVICE_SHIFT = 11 };
    const uint32_t buses[] = {0, (SIZE >> BUS_SHIFT) - 1};
    const uint32_t ranges[] = {
        IO,
        0,
        0,
        0,
        IO_WINDOW,
        0,
        IO_SIZE, /* ports begin at 0 */
        MEMORY,
        0,
        MEMORY_WINDOW,
        0,
        MEMORY_WINDOW,
        0,
        MEMORY_SIZE,
    };
    const uint32_t mask[] = {(PCI_PINS - 1) << DEVICE_SHIFT, 0, 0, 7};
    uint32_t map[PCI_PINS * PCI_PINS * ENTRY], n = 0;
    for (unsigned slot = 0; slot < PCI_PINS; slot++)
        for (unsigned pin = 0; pin < PCI_PINS; pin++)
            for (const struct connection *c = host->connections; c; c = c->next) {
                if (c->pin != (slot + pin) % PCI_PINS || !c->to || n + ENTRY > sizeof map / sizeof *map) continue;
                const uint32_t entry[ENTRY] = {slot << DEVICE_SHIFT, 0, 0, pin + 1, board_phandle(c->to), c->input};
                memcpy(map + n, entry, sizeof entry);
                n += ENTRY;
            }
    tree_text(t, "device_type", "pci");
    tree_cell(t, "#address-cells", 3);
    tree_cell(t, "#size-cells", 2);
    tree_cell(t, "#interrupt-cells", 1);
    tree_cell(t, "linux,pci-domain", 0);
    tree_cells(t, "bus-range", buses, 2);
    tree_flag(t, "dma-coherent");
    tree_cells(t, "ranges", ranges, sizeof ranges / sizeof *ranges);
    tree_cells(t, "interrupt-map-mask", mask, 4);
    tree_cells(t, "interrupt-map", map, n);
}

#define HOST_ROWS(R)                                                                                                   \
    R(OBJECT, function, pci_function_type)                                                                             \
    R(HOST_IN, slot, "follows from the devices and their options")
#undef object_self
#define object_self struct pci_host
static const struct field fields[] = {HOST_ROWS(OBJECT_ROW)};
FIELDS_WHOLE(struct pci_host, HOST_ROWS(OBJECT_INIT));

const struct device device_pci = {
    .name = "pci",
    .size = SIZE,
    .state_size = sizeof(struct pci_host),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .open = open,
    .reset = reset,
    .read = read,
    .write = write,
    .update = update,
    .node = "pci",
    .compatible = "pci-host-ecam-generic",
    .describe = describe,
};
