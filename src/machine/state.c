/* state.c - what of a machine is state: rows (core/object.h) of its structs. Registers of devices are in their own
 * rows.
 */
#include "machine/board.h"

/* ---- the console: buffers hold something between their ends only */

static void console_out(struct visitor *v, const struct field *f, void *object) {
    const struct console *c = object;
    visit_bytes(v, f, 0, c->out, c->out_count);
}
static void console_in(struct visitor *v, const struct field *f, void *object) {
    const struct console *c = object;
    visit_bytes(v, f, 0, c->in + c->in_next, c->in_count - c->in_next);
}

#define CONSOLE_ROWS(R)                                                                                                \
    R(BYTES_IN, out, console_out)                                                                                      \
    R(BYTES_IN, in, console_in)                                                                                        \
    R(FIELD, out_count, RESOURCE)                                                                                      \
    R(HOST, in_next, "where `in` begins")                                                                              \
    R(HOST, in_count, "where it ends")                                                                                 \
    R(FIELD, ended, RESOURCE)                                                                                          \
    R(HOST, to, "a descriptor of the host's")                                                                          \
    R(HOST, feed, "what has been typed and is still outside")
static OBJECT_TYPE(console_type, "console", struct console, CONSOLE_ROWS)

/* ---- devices in their places */

static struct any_object device_state(void *object) {
    const struct device_host *h = object;
    if (!h->state) return (struct any_object){0};
    return (struct any_object){h->state,
                               {h->device->name, h->device->state_size, h->device->fields, h->device->nfields}};
}

#define DEVICE_REGION_ROWS(R)                                                                                          \
    R(FIELD, start, RESOURCE)                                                                                          \
    R(FIELD, size, RESOURCE)                                                                                           \
    R(FIELD, mapped, RESOURCE)
static OBJECT_TYPE(device_region_type, "region", struct device_region, DEVICE_REGION_ROWS)

#define DEVICE_HOST_ROWS(R)                                                                                            \
    R(HOST, machine, "what it is part of")                                                                             \
    R(HOST, device, "functions")                                                                                       \
    R(VARIANT, state, device_state)                                                                                    \
    R(HOST, backend, "what it works with on the host")                                                                 \
    R(HOST, options, "what the caller asked for")                                                                      \
    R(HOST, connections, "follow from the board and from what the caller asked for")                                   \
    R(OBJECTS, region, device_region_type)                                                                             \
    R(FIELD, companion, RESOURCE)                                                                                      \
    R(FIELD, next, TIME)                                                                                               \
    R(FIELD, pins, RESOURCE)                                                                                           \
    R(FIELD, type, RESOURCE)                                                                                           \
    R(HOST, number, "its place in the list")                                                                           \
    R(FIELD, place, RESOURCE)                                                                                          \
    R(HOST, opened, "of its backend")                                                                                  \
    R(FIELD, listens, RESOURCE)                                                                                        \
    R(HOST, hears, "of its backend")
static OBJECT_TYPE(device_host_type, "device", struct device_host, DEVICE_HOST_ROWS)

static void *next_device(const struct visitor *v, void *object, void *previous) {
    const struct machine *m = object;
    unsigned n = 0;
    (void)v;
    while (previous && n < m->ndevices && m->devices[n++] != previous) {
    }
    return n < m->ndevices ? m->devices[n] : NULL;
}

/* ---- cpus: what a machine has beside them */

#define BOARD_CPU_ROWS(R)                                                                                              \
    R(HOST, number, "its place in the list")                                                                           \
    R(HOST, views, "a cache of page walks")                                                                            \
    R(FIELD, waits, RESOURCE)                                                                                          \
    R(FIELD, stuck, RESOURCE)                                                                                          \
    R(FIELD, stuck_by, RESOURCE)                                                                                       \
    R(FIELD, timer, TIME)                                                                                              \
    R(HOST, lines, "follow from the pins of devices")                                                                  \
    R(HOST, taken, "the cpu has them")                                                                                 \
    R(HOST, hopes, "of a thread that sleeps")                                                                          \
    R(HOST, stands, "of a thread that waits")
static OBJECT_TYPE(board_cpu_type, "seat", struct board_cpu, BOARD_CPU_ROWS)

static void *next_seat(const struct visitor *v, void *object, void *previous) {
    struct machine *m = object;
    struct board_cpu *next = previous ? (struct board_cpu *)previous + 1 : m->seats;
    (void)v;
    return next < m->seats + m->ncpus ? next : NULL;
}

/* ---- the board as firmware */

#define FIRMWARE_CPU_ROWS(R)                                                                                           \
    R(FIELD, entry, RESOURCE)                                                                                          \
    R(FIELD, argument, RESOURCE)                                                                                       \
    R(ARRAY, events, RESOURCE)                                                                                         \
    R(ARRAY, value, RESOURCE)                                                                                          \
    R(ARRAY, event, RESOURCE)                                                                                          \
    R(FIELD, counting, RESOURCE)                                                                                       \
    R(FIELD, state, RESOURCE)                                                                                          \
    R(FIELD, asked, RESOURCE)                                                                                          \
    R(FIELD, asleep, RESOURCE)
static OBJECT_TYPE(firmware_cpu_type, "firmware of a cpu", struct firmware_cpu, FIRMWARE_CPU_ROWS)

static void *firmware_next(const struct visitor *v, void *object, void *previous) {
    const struct firmware *f = object;
    struct firmware_cpu *next = previous ? (struct firmware_cpu *)previous + 1 : f->cpus;
    (void)v;
    return next && next < f->cpus + f->ncpus ? next : NULL;
}

#define FIRMWARE_ROWS(R)                                                                                               \
    R(LIST, cpus, firmware_cpu_type, firmware_next)                                                                    \
    R(FIELD, ncpus, RESOURCE)                                                                                          \
    R(FIELD, entry, RESOURCE)                                                                                          \
    R(FIELD, tree, RESOURCE)
static OBJECT_TYPE(firmware_type, "firmware", struct firmware, FIRMWARE_ROWS)

/* ---- the machine */

static void ram(struct visitor *v, const struct field *f, void *object) {
    const struct machine *m = object;
    visit_pages(v, f, 0, m->ram, m->ram_size);
}
static void rom(struct visitor *v, const struct field *f, void *object) {
    const struct machine *m = object;
    visit_bytes(v, f, 0, m->rom, ROM_SIZE);
}

#define MACHINE_ROWS(R)                                                                                                \
    R(FIELD, time_offset, TIME)                                                                                        \
    R(HOST, vm, "what it hangs on")                                                                                    \
    R(HOST, config, "what it was to be: options")                                                                      \
    R(HOST, board, "functions")                                                                                        \
    R(HOST_IN, lock, "free between runs")                                                                              \
    R(HOST_IN, phys, "follows from the regions of devices and the size of RAM")                                        \
    R(LIST_IN, devices, device_host_type, next_device)                                                                 \
    R(HOST, ndevices, "how many are in the list")                                                                      \
    R(HOST, ncpus, "how many are in the list")                                                                         \
    R(HOST_IN, cpus, "the vm has them")                                                                                \
    R(LIST_IN, seats, board_cpu_type, next_seat)                                                                       \
    R(HOST, in_flight, "nothing is, between runs")                                                                     \
    R(OBJECT, console, console_type)                                                                                   \
    R(OBJECT, firmware, firmware_type)                                                                                 \
    R(HOST, service, "a thread for whoever is outside")                                                                \
    R(BYTES, ram, ram)                                                                                                 \
    R(BYTES, rom, rom)                                                                                                 \
    R(FIELD, ram_size, RESOURCE)                                                                                       \
    R(HOST, initrd_start, "what the device tree says")                                                                 \
    R(HOST, initrd_end, "what the device tree says")                                                                   \
    R(HOST, tree, "is in RAM")                                                                                         \
    R(HOST, tree_room, "what was kept free there at the start")                                                        \
    R(HOST, next, "what the ROM says")                                                                                 \
    R(FIELD, turn, RESOURCE)                                                                                           \
    R(HOST, pass, "of the answer that is being given")                                                                 \
    R(FIELD, changed, RESOURCE)                                                                                        \
    R(HOST, live, "threads")                                                                                           \
    R(FIELD, off, RESOURCE)                                                                                            \
    R(FIELD, status, RESOURCE)                                                                                         \
    R(FIELD, resets, RESOURCE)
OBJECT_TYPE(machine_type, "machine", struct machine, MACHINE_ROWS)
