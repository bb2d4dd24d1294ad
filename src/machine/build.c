/* build.c - how a machine comes to be: the boards that there are; devices in the places of one, and others that are
 * asked for; wires between them; the map of physical memory; ROM and device tree. And how all that goes again.
 */
#include "machine/board.h"
#include "machine/tree.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE(name) extern const struct device device_##name;
#include "machine/device.def"
static const struct device *const types[DEVICE_COUNT] = {
#define DEVICE(name) &device_##name,
#include "machine/device.def"
};

#define BOARD(name) extern const struct board board_##name;
#include "machine/board.def"
const struct board *const boards[] = {
#define BOARD(name) &board_##name,
#include "machine/board.def"
};

const unsigned nboards = sizeof boards / sizeof *boards;

const struct board *board_for(uint32_t elf_machine) {
    for (unsigned i = 0; i < nboards; i++)
        if (boards[i]->elf_machine == elf_machine) return boards[i];
    return NULL;
}

/* ---- devices */

static void device_close(struct device_host *h) {
    if (h->opened && h->device->close) h->device->close(h);
    h->opened = false;
}

static void device_free(struct device_host *h) {
    for (struct connection *c = h->connections, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(h->state);
    free(h);
}

static struct device_host *device_make(struct machine *m, unsigned type) {
    struct device_host *h = m->ndevices < INSTANCES_MOST ? calloc(1, sizeof *h) : NULL;
    if (!h) return NULL;
    *h = (struct device_host){.machine = m,
                              .device = types[type],
                              .state = calloc(1, types[type]->state_size + 1),
                              .next = UINT64_MAX,
                              .type = type,
                              .number = m->ndevices,
                              .place = -1};
    if (!h->state) {
        free(h);
        return NULL;
    }
    fields_reset(h->state, h->device->fields, h->device->nfields);
    return m->devices[m->ndevices++] = h;
}

/* Region 0. A device that stands in the middle of RAM hides it, and stays there. */
static bool device_place(struct device_host *h, uint64_t address) {
    struct machine *m = h->machine;
    const uint64_t size = h->device->size;
    if (!size) return true;
    if (address - m->board->ram >= m->ram_size) return board_map(h, 0, address, size);
    h->region[0] = (struct device_region){.start = address, .size = size, .mapped = true};
    return phys_add(&m->phys,
                    (struct phys_region){.start = address, .size = size, .device = h->number, .kind = PHYS_DEVICE});
}

struct device_host *board_add(struct machine *m, unsigned type, int place, uint64_t address,
                              const struct keyvals *options, struct error *error) {
    struct device_host *h = device_make(m, type);
    if (!h) {
        error_set(error, ERROR_RESOURCES, "%s: no memory for the device, or more devices than a machine can have",
                  types[type]->name);
        return NULL;
    }
    h->place = place;
    h->options = options;
    if (!device_place(h, address)) {
        error_set(error, ERROR_NOT_RUNNABLE, "%s: no room for the device at 0x%" PRIx64, h->device->name, address);
    } else if (!h->device->open || h->device->open(h, error)) {
        h->opened = true;
        return h;
    }
    return NULL; /* board_done frees it */
}

struct device_host *board_at(const struct machine *m, unsigned place) {
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i]->place == (int)place) return m->devices[i];
    return NULL;
}

struct device_host *board_find(const struct machine *m, unsigned type) {
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i]->type == type) return m->devices[i];
    return NULL;
}

/* ---- wires */

static bool connect(struct device_host *from, struct connection wire) {
    struct connection *c = malloc(sizeof *c);
    if (!c) return false;
    *c = wire;
    c->next = from->connections;
    from->connections = c;
    return true;
}

bool board_connect(struct device_host *from, unsigned pin, struct device_host *to, unsigned input) {
    return connect(from, (struct connection){.pin = pin, .to = to, .input = input});
}

/* Those whose two ends are there. */
static bool wires_make(struct machine *m) {
    const struct board *b = m->board;
    for (const struct wire *w = b->wires; w < b->wires + b->nwires; w++) {
        struct device_host *from = board_at(m, w->place), *to = w->to == PLACE_CPUS ? NULL : board_at(m, w->to);
        if (!from || (w->to != PLACE_CPUS && !to)) continue;
        for (unsigned cpu = 0; cpu < (to ? 1 : m->ncpus); cpu++)
            if (!connect(from,
                         (struct connection){.pin = w->pin + w->step * cpu, .input = w->input, .to = to, .cpu = cpu}))
                return false;
    }
    return true;
}

/* ---- what was asked for */

static bool devices_add(struct machine *m, struct error *error) {
    const struct machine_config *c = m->config;
    for (unsigned i = 0; c && i < c->ndevices; i++) {
        const char *name = c->devices[i].driver->name;
        unsigned type = 0;
        while (type < DEVICE_COUNT && strcmp(types[type]->name, name)) type++;
        if (type == DEVICE_COUNT) return error_set(error, ERROR_USAGE, "-device %s: there is no such device yet", name);
        if (!board_add(m, type, -1, 0, &c->devices[i].keys, error)) return false;
    }
    return true;
}

/* ---- the whole */

bool board_init(struct machine *m, board_symbol *symbol, const void *of, struct error *error) {
    const struct board *b = m->board;
    if (!(m->rom = calloc(1, ROM_SIZE))) return error_set(error, ERROR_RESOURCES, "no memory for the board");
    for (unsigned i = 0; i < b->nplaces; i++) {
        const struct place *p = &b->places[i];
        uint64_t address = p->address;
        if (p->symbol && !symbol(of, p->symbol, &address)) continue;
        struct device_host *h = board_add(m, p->device, (int)i, address, NULL, error);
        if (!h) return false;
        if (p->companion) symbol(of, p->companion, &h->companion);
    }
    const struct phys_region rom = {.start = b->reset, .size = ROM_SIZE, .host = m->rom, .kind = PHYS_ROM};
    const struct phys_region ram = {.start = b->ram, .size = m->ram_size, .host = m->ram, .kind = PHYS_RAM};
    if (!wires_make(m) || !phys_add(&m->phys, rom) || !phys_add(&m->phys, ram) || !phys_track(&m->phys))
        return error_set(error, ERROR_RESOURCES, "no memory for the board");
    return devices_add(m, error);
}

/* Puts the device tree at the end of RAM; *at is its address, or 0 if the program is there. False: it cannot be made.
 */
static bool tree_place(struct machine *m, uint64_t used, uint64_t *at) {
    const uint64_t ram = m->board->ram, room = m->tree ? m->tree_room : TREE_ROOM;
    *at = 0;
    if (m->ram_size < room || ram + m->ram_size - room < used) return !m->tree;
    *at = ram + m->ram_size - room;
    uint8_t *to = m->ram + (m->ram_size - room);
    if (!m->tree) return board_describe(m, to) > 0;
    memcpy(to, m->tree, room);
    return true;
}

bool board_boot(struct machine *m, uint64_t used, uint64_t entry) {
    uint64_t tree;
    if (!tree_place(m, used, &tree)) return false;
    m->board->boot(m->rom, entry, tree, m->next);
    m->firmware.entry = entry;
    m->firmware.tree = tree;
    return true;
}

void board_reset_devices(struct machine *m) {
    for (unsigned i = 0; i < m->ndevices; i++) {
        struct device_host *h = m->devices[i];
        h->pins = 0;
        h->next = UINT64_MAX;
        h->listens = false;
        fields_reset(h->state, h->device->fields, h->device->nfields);
    }
    for (unsigned i = 0; i < m->ndevices; i++) {
        struct device_host *h = m->devices[i];
        if (h->device->reset) h->device->reset(h->state, h);
    }
}

void board_close(struct machine *m) {
    board_quiesce(m);
    for (unsigned i = m->ndevices; i-- > 0;) device_close(m->devices[i]); /* what was made last may use the others */
}

void board_done(struct machine *m) {
    board_close(m);
    for (unsigned i = m->ndevices; i-- > 0;) device_free(m->devices[i]);
    free(m->firmware.cpus);
    free(m->tree);
    free(m->rom);
    phys_untrack(&m->phys);
}

bool board_firmware(struct machine *m) {
    if (!m->board->firmware_call) return false;
    m->firmware.ncpus = m->ncpus;
    m->firmware.cpus = calloc(m->firmware.ncpus, sizeof *m->firmware.cpus);
    return m->firmware.cpus;
}
