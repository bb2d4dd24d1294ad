/* board.c - devices in their places: reset, accesses, wires, time. What is where: struct board.
 *
 * A wire carries a level from a device's pin to another device or to the cpu; device_host.pins is what is on the wires
 * now, and follows from the devices' state. Events happen at exact instruction counts: board_update schedules the next
 * one, and an access that changes when that is leads to board_update right after its instruction.
 */
#include "machine/board.h"
#include "machine/tree.h"
#include <stdlib.h>
#include <string.h>

#define DEVICE(name) extern const struct device device_##name;
#include "machine/device.def"
static const struct device *const devices[DEVICE_COUNT] = {
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

static bool device_init(struct machine *m, const struct place *p, uint64_t address) {
    struct device_host *h = &m->device[p->device];
    const struct device *d = devices[p->device];
    h->state = calloc(1, d->state_size + 1);
    if (!h->state) return false;
    h->machine = m;
    h->device = d;
    h->number = p->device;
    h->start = address;
    h->next = UINT64_MAX;
    h->present = true;
    fields_reset(h->state, d->fields, d->nfields);
    return phys_add(&m->phys,
                    (struct phys_region){.start = address, .size = d->size, .device = p->device, .kind = PHYS_DEVICE});
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

bool board_init(struct machine *m, uint64_t used, uint64_t entry, board_symbol *symbol, const void *of) {
    const struct board *b = m->board;
    m->rom = calloc(1, ROM_SIZE);
    if (!m->rom) return false;
    for (const struct place *p = b->places; p < b->places + b->nplaces; p++) {
        uint64_t address = p->address;
        if (p->symbol && !symbol(of, p->symbol, &address)) continue;
        if (!device_init(m, p, address)) return false;
        if (p->companion) symbol(of, p->companion, &m->device[p->device].companion);
    }
    uint64_t tree;
    if (!tree_place(m, used, &tree)) return false;
    b->boot(m->rom, entry, tree, m->next);
    m->firmware.entry = entry;
    m->firmware.tree = tree;
    return phys_add(&m->phys,
                    (struct phys_region){.start = b->reset, .size = ROM_SIZE, .host = m->rom, .kind = PHYS_ROM}) &&
           phys_add(&m->phys,
                    (struct phys_region){.start = b->ram, .size = m->ram_size, .host = m->ram, .kind = PHYS_RAM}) &&
           phys_track(&m->phys);
}

void board_done(struct machine *m) {
    for (unsigned i = 0; i < DEVICE_COUNT; i++) free(m->device[i].state);
    free(m->firmware.cpus);
    free(m->tree);
    free(m->rom);
    phys_untrack(&m->phys);
}

bool board_firmware(struct machine *m) {
    if (!m->board->firmware_call) return false;
    m->firmware.ncpus = 1;
    m->firmware.cpus = calloc(m->firmware.ncpus, sizeof *m->firmware.cpus);
    return m->firmware.cpus;
}

static void device_update(struct device_host *h) {
    uint64_t next = h->device->update ? h->device->update(h->state, h) : UINT64_MAX;
    if (next != h->next) h->machine->changed = true;
    h->next = next;
}

void board_pin(struct device_host *h, unsigned pin, bool level) {
    struct machine *m = h->machine;
    if ((h->pins >> pin & 1) == level) return;
    h->pins ^= 1u << pin;
    m->changed = true;
    for (const struct wire *w = m->board->wires; w < m->board->wires + m->board->nwires; w++) {
        if (w->device != h->number || w->pin != pin) continue;
        struct device_host *to = &m->device[w->to < DEVICE_COUNT ? w->to : 0];
        if (w->to == DEVICE_CPU) {
            guest_set_line(m->vm->cpu, w->input, level);
        } else if (to->present && to->device->wire) {
            to->device->wire(to->state, to, w->input, level);
            device_update(to);
        }
    }
}

/* Time: the vm's clock in ticks, plus what the guest set it forward. */
uint64_t board_now(const struct machine *m) {
    return vm_clock_ns(m->vm) / BOARD_TICK_NS + m->time_offset;
}

/* Nanoseconds until the clock shows this time: 0 if it does already, UINT64_MAX if that is out of sight. */
static uint64_t ns_until(const struct machine *m, uint64_t time) {
    uint64_t ns = vm_clock_ns(m->vm), ticks = time - (ns / BOARD_TICK_NS + m->time_offset);
    if (time <= board_now(m)) return 0;
    return ticks < UINT64_MAX / BOARD_TICK_NS / 2 ? ticks * BOARD_TICK_NS - ns % BOARD_TICK_NS : UINT64_MAX;
}

uint64_t board_time(struct device_host *h) {
    return board_now(h->machine);
}

uint64_t board_random(const struct device_host *h) {
    uint64_t bits;
    vm_random(h->machine->vm, &bits, sizeof bits);
    return bits;
}

void board_set_time(struct device_host *h, uint64_t time) {
    h->machine->time_offset += time - board_now(h->machine);
    h->machine->changed = true;
}

uint64_t board_ns(const struct device_host *h) {
    return vm_clock_ns(h->machine->vm);
}

void board_output(struct device_host *h, const void *bytes, size_t size) {
    console_write(&h->machine->console, h->machine->vm, bytes, size);
}

int board_input(struct device_host *h) {
    return console_read(&h->machine->console, h->machine->vm);
}

const uint8_t *board_ram(struct device_host *h, uint64_t physical, uint64_t size) {
    return phys_ram(&h->machine->phys, physical, size);
}

bool board_ram_write(struct device_host *h, uint64_t physical, const void *bytes, uint64_t size) {
    uint8_t *at = phys_ram(&h->machine->phys, physical, size);
    if (!at) return false;
    memcpy(at, bytes, size);
    engine_written(h->machine->vm->engine, physical, size);
    return true;
}

void machine_power_off(struct machine *m, int status) {
    m->off = true;
    /* What a shell can show of a status is its low byte; a failure must not look like success there. */
    m->status = status && !(status & 0xff) ? 1 : status & 0xff;
    m->changed = true;
}

void board_power_off(struct device_host *h, int status) {
    machine_power_off(h->machine, status);
}

bool board_input_ready(const struct device_host *h) {
    return console_ready(&h->machine->console);
}

void board_listen(struct device_host *h, bool listens) {
    h->listens = listens;
}

void board_update(struct machine *m) {
    struct cpu *cpu = m->vm->cpu;
    m->timer = cpu->guest->tick ? guest_tick(cpu, board_now(m)) : UINT64_MAX;
    uint64_t next = m->timer;
    for (struct device_host *h = m->device; h < m->device + DEVICE_COUNT; h++) {
        if (!h->present) continue;
        device_update(h);
        if (h->next < next) next = h->next;
    }
    uint64_t ns = ns_until(m, next);
    vm_schedule(m->vm, cpu, ns != UINT64_MAX ? cpu_count(cpu) + ns : UINT64_MAX);
    m->changed = false;
}

uint64_t board_idle_ns(const struct machine *m, bool *listens) {
    uint64_t next = m->timer;
    *listens = false;
    for (const struct device_host *h = m->device; h < m->device + DEVICE_COUNT; h++) {
        if (!h->present) continue;
        if (h->listens)
            *listens = true;
        else if (h->next < next)
            next = h->next;
    }
    return ns_until(m, next);
}

bool board_read(struct machine *m, uint64_t physical, unsigned size, uint64_t *value) {
    const struct phys_region *r = phys_find(&m->phys, physical, size);
    *value = 0;
    if (!r) return false;
    if (r->kind != PHYS_DEVICE) {
        memcpy(value, r->host + (physical - r->start), size);
        return true;
    }
    struct device_host *h = &m->device[r->device];
    if (!h->device->read(h->state, h, physical - r->start, size, value)) return false;
    if (size < sizeof *value) *value &= (1ull << size * 8) - 1;
    device_update(h);
    return true;
}

bool board_write(struct machine *m, uint64_t physical, unsigned size, uint64_t value) {
    const struct phys_region *r = phys_find(&m->phys, physical, size);
    if (!r || r->kind == PHYS_ROM) return false;
    if (r->kind == PHYS_RAM) {
        memcpy(r->host + (physical - r->start), &value, size);
        return true;
    }
    struct device_host *h = &m->device[r->device];
    if (!h->device->write(h->state, h, physical - r->start, size, value)) return false;
    device_update(h);
    return true;
}
