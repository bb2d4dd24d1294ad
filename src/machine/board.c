/* board.c - devices in their places: accesses, wires, time. What is where: struct board; how it comes there: build.c.
 *
 * A wire carries a level from a device's pin to another device or to a cpu; device_host.pins is what is on the wires
 * now, and follows from the devices' state. Events happen at exact instruction counts: board_update schedules the next
 * one, and an access that changes when that is leads to board_update right after its instruction.
 */
#include "machine/board.h"
#include "base/os.h"
#include "machine/run.h"
#include <string.h>

void board_update_device(struct device_host *h) {
    uint64_t next = h->device->update ? h->device->update(h->state, h) : UINT64_MAX;
    if (next != h->next) h->machine->changed = true;
    h->next = next;
    if (h->machine->live) live_changed(h->machine, h);
}

void board_pin(struct device_host *h, unsigned pin, bool level) {
    struct machine *m = h->machine;
    if ((h->pins >> pin & 1) == level) return;
    h->pins ^= 1ull << pin;
    m->changed = true;
    for (const struct connection *c = h->connections; c; c = c->next) {
        if (c->pin != pin) continue;
        if (!c->to && m->live) {
            live_line(m, c->cpu, c->input, level);
        } else if (!c->to) {
            guest_set_line(m->cpus[c->cpu], c->input, level);
        } else if (c->to->device->wire) {
            c->to->device->wire(c->to->state, c->to, c->input, level);
            board_update_device(c->to);
        }
    }
}

unsigned board_cpus(const struct device_host *h) {
    return h->machine->ncpus;
}

/* Time: the vm's clock in ticks, plus what the guest set it forward. */
uint64_t board_now(const struct machine *m) {
    return vm_clock_ns(m->vm) / BOARD_TICK_NS + __atomic_load_n(&m->time_offset, __ATOMIC_RELAXED);
}

uint64_t board_ns_until(const struct machine *m, uint64_t time) {
    const uint64_t ns = vm_clock_ns(m->vm), now = ns / BOARD_TICK_NS + m->time_offset, ticks = time - now;
    if (time <= now) return 0;
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
    struct machine *m = h->machine;
    __atomic_store_n(&m->time_offset, m->time_offset + (time - board_now(m)), __ATOMIC_RELAXED);
    m->changed = true;
    if (m->live) live_time_set(m);
}

uint64_t board_ns(const struct device_host *h) {
    return vm_clock_ns(h->machine->vm);
}

void machine_output(struct machine *m, const void *bytes, size_t size) {
    console_write(&m->console, m->vm, bytes, size);
    if (m->live && m->console.out_count) live_output(m);
}

uint64_t board_date_ns(const struct device_host *h) {
    return vm_date_ns(h->machine->vm);
}

void board_output(struct device_host *h, const void *bytes, size_t size) {
    machine_output(h->machine, bytes, size);
}

int board_input(struct device_host *h) {
    return console_read(&h->machine->console, h->machine->vm);
}

const uint8_t *board_ram(struct device_host *h, uint64_t physical, uint64_t size) {
    return phys_ram(&h->machine->phys, physical, size);
}

uint8_t *board_ram_begin(struct device_host *h, uint64_t physical, uint64_t size) {
    return phys_ram(&h->machine->phys, physical, size);
}

void board_ram_wrote(struct device_host *h, uint64_t physical, uint64_t size) {
    if (h->machine->vm->engine) engine_written(h->machine->vm->engine, physical, size); /* tests have none */
}

bool board_ram_write(struct device_host *h, uint64_t physical, const void *bytes, uint64_t size) {
    uint8_t *at = board_ram_begin(h, physical, size);
    if (!at) return false;
    memcpy(at, bytes, size);
    board_ram_wrote(h, physical, size);
    return true;
}

bool board_map(struct device_host *h, unsigned region, uint64_t start, uint64_t size) {
    struct machine *m = h->machine;
    const struct phys_region r = {
        .start = start, .size = size, .device = h->number, .number = region, .kind = PHYS_DEVICE};
    board_unmap(h, region);
    if (!phys_map(&m->phys, r)) return false;
    h->region[region] = (struct device_region){.start = start, .size = size, .mapped = true};
    return true;
}

void board_unmap(struct device_host *h, unsigned region) {
    if (!h->region[region].mapped) return;
    phys_unmap(&h->machine->phys, h->number, region);
    h->region[region].mapped = false;
}

bool board_synchronous(const struct device_host *h) {
    return h->machine->vm->counted;
}

void board_submit(struct device_host *h) {
    __atomic_add_fetch(&h->machine->in_flight, 1, __ATOMIC_SEQ_CST);
}

void board_post(struct device_host *h, void *request) {
    struct machine *m = h->machine;
    const bool within = board_synchronous(h); /* the access, which has the lock */
    if (!within) machine_lock(m, WHO_ELSE);
    h->device->complete(h->state, h, request);
    board_update_device(h);
    if (!within) machine_unlock(m);
    if (__atomic_sub_fetch(&m->in_flight, 1, __ATOMIC_SEQ_CST) == 0) os_wake(&m->in_flight, INT32_MAX);
}

void board_quiesce(struct machine *m) {
    uint32_t n;
    while ((n = __atomic_load_n(&m->in_flight, __ATOMIC_SEQ_CST))) os_wait(&m->in_flight, n, 0);
}

void machine_power_off(struct machine *m, int status) {
    /* What a shell can show of a status is its low byte; a failure must not look like success there. */
    m->status = status && !(status & 0xff) ? 1 : status & 0xff;
    __atomic_store_n(&m->off, true, __ATOMIC_RELEASE);
    m->changed = true;
}

void board_power_off(struct device_host *h, int status) {
    machine_power_off(h->machine, status);
}

void machine_reset(struct machine *m) {
    if (m->config && m->config->no_reboot) {
        machine_power_off(m, 0);
    } else {
        __atomic_store_n(&m->resets, true, __ATOMIC_RELEASE);
        m->changed = true;
        if (m->live) cpu_poke(m->cpus[0]);
    }
}

void board_reset(struct device_host *h) {
    machine_reset(h->machine);
}

bool board_input_ready(const struct device_host *h) {
    return console_ready(&h->machine->console);
}

void board_listen(struct device_host *h, bool listens) {
    h->listens = listens;
}

void board_hears(struct device_host *h) {
    h->hears = true;
}

void board_update(struct machine *m) {
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < m->ncpus; i++) {
        struct cpu *cpu = m->cpus[i];
        m->seats[i].timer = cpu->guest->tick ? guest_tick(cpu, board_now(m)) : UINT64_MAX;
        if (m->seats[i].timer < next) next = m->seats[i].timer;
    }
    for (unsigned i = 0; i < m->ndevices; i++) {
        board_update_device(m->devices[i]);
        if (m->devices[i]->next < next) next = m->devices[i]->next;
    }
    uint64_t ns = board_ns_until(m, next);
    struct cpu *running = m->vm->running ? m->vm->running : m->vm->cpu;
    vm_schedule(m->vm, running, ns != UINT64_MAX ? vm_count(m->vm) + ns : UINT64_MAX);
    m->changed = false;
}

uint64_t board_idle_ns(const struct machine *m, bool *listens) {
    uint64_t next = UINT64_MAX;
    *listens = false;
    for (unsigned i = 0; i < m->ncpus; i++)
        if (m->seats[i].timer < next) next = m->seats[i].timer;
    for (unsigned i = 0; i < m->ndevices; i++) {
        const struct device_host *h = m->devices[i];
        if (h->listens)
            *listens = true;
        else if (h->next < next)
            next = h->next;
    }
    return board_ns_until(m, next);
}

bool board_read(struct machine *m, uint64_t physical, unsigned size, uint64_t *value) {
    const struct phys_region *r = phys_find(&m->phys, physical, size);
    *value = 0;
    if (!r) return false;
    if (r->kind != PHYS_DEVICE) {
        memcpy(value, r->host + (physical - r->start), size);
        return true;
    }
    struct device_host *h = m->devices[r->device];
    if (!h->device->read(h->state, h, r->number, physical - r->start, size, value)) return false;
    if (size < sizeof *value) *value &= (1ull << size * 8) - 1;
    board_update_device(h);
    return true;
}

bool board_write(struct machine *m, uint64_t physical, unsigned size, uint64_t value) {
    const struct phys_region *r = phys_find(&m->phys, physical, size);
    if (!r || r->kind == PHYS_ROM) return false;
    if (r->kind == PHYS_RAM) {
        memcpy(r->host + (physical - r->start), &value, size);
        return true;
    }
    struct device_host *h = m->devices[r->device];
    if (!h->device->write(h->state, h, r->number, physical - r->start, size, value)) return false;
    board_update_device(h);
    return true;
}
