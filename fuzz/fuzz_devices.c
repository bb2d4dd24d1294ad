/* fuzz_devices.c - a hostile guest and the devices of the board: any accesses to registers and to configuration space,
 * queues with any descriptors, RAM that says anything, time that passes. There is a cpu by hand, and no engine.
 *
 * The input is a list of operations, of a byte and arguments each (`steps`): plain accesses, and shortcuts that bring a
 * virtio device into the state in which it looks at queues. Addresses are mostly in RAM, which is an allocation of its
 * own: the sanitizer sees what goes beyond. What is shown goes nowhere, what is typed is zeros; disks
 * are in memory, and without workers.
 */
#include "guest/riscv/riscv.h"
#include "machine/virtio/transport.h"
#include "machine/config.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RAM = 0x80000000u, RAM_SIZE = 0x40000, STEPS = 4000 };
enum { SLOTS = 0x10001000, ECAM = 0x30000000, BARS = 0x40000000, BAR_STEP = 0x10000, CARDS = 6, DISK_SIZE = 20000 };
/* In RAM, of queue q: descriptors, the driver's part, the device's part; then tables and data. */
enum {
    QUEUES = 0x2000,
    QUEUE_STEP = 0x2000,
    DRIVER_PART = 0x1000,
    DEVICE_PART = 0x1800,
    TABLES = 0x12000,
    DATA = 0x20000
};

static struct machine m;
static struct vm vm;
static struct riscv_cpu cpu;
static const uint8_t *input, *end;
static int image; /* of both disks, in memory */

static uint64_t take(unsigned size) {
    uint64_t v = 0;
    if ((size_t)(end - input) < size) {
        input = end;
        return 0;
    }
    memcpy(&v, input, size);
    input += size;
    return v;
}

/* Devices on the bus come after those in slots. */
struct card {
    uint64_t base;
    bool pci;
};
static const unsigned cards[CARDS] = {DEVICE_virtio_rng_device, DEVICE_virtio_serial_device, DEVICE_virtio_blk_device,
                                      DEVICE_virtio_rng_pci,    DEVICE_virtio_serial_pci,    DEVICE_virtio_blk_pci};
static struct card card_of(unsigned which) {
    if (which < CARDS / 2) return (struct card){SLOTS + 0x1000 * (7 - which), false};
    return (struct card){BARS + BAR_STEP * (which - CARDS / 2), true};
}

static void store(uint64_t at, unsigned size, uint64_t value) {
    board_write(&m, at, size, value);
}
static uint64_t load(uint64_t at, unsigned size) {
    uint64_t value;
    board_read(&m, at, size, &value);
    return value;
}

/* An address that is worth something: in RAM, near its ends, or any. */
static uint64_t address(void) {
    const unsigned kind = (unsigned)take(1);
    const uint64_t n = take(2);
    switch (kind % 8) {
    case 0: return take(8);
    case 1: return RAM + RAM_SIZE - n % 64;
    case 2: return RAM + TABLES + n % 0x1000 / 16 * 16;
    case 3: return RAM + QUEUES + n % (4 * QUEUE_STEP);
    default: return RAM + DATA + n;
    }
}

static uint64_t size_of_piece(void) {
    const unsigned kind = (unsigned)take(1);
    return kind % 16 == 0 ? take(4) : kind % 16 == 1 ? take(1) * 16 : kind;
}

/* ---- steps */

static void any_access(void) {
    static const uint64_t places[] = {0x100000, 0x101000, 0x102000, 0x2000000, 0xc000000, 0xc200000,  0x10000000, SLOTS,
                                      ECAM,     BARS,     0x1000,   RAM,       0x2004000, 0x10008000, 0x200bff8};
    const unsigned how = (unsigned)take(1), place = (unsigned)take(1) % (sizeof places / sizeof *places);
    const uint64_t at = places[place] + take(2) * (how & 0x80 ? 16 : 1);
    if (how & 0x40)
        store(at, 1u << (how & 3), take(how & 0x20 ? 8 : 1));
    else
        load(at, 1u << (how & 3));
}

static void any_register(void) {
    const struct card c = card_of((unsigned)take(1) % CARDS);
    const unsigned how = (unsigned)take(1);
    const uint64_t at = c.base + (how & 0x80 ? take(2) % 0x4000 : take(1));
    if (how & 0x40)
        store(at, 1u << (how & 3), take(how & 0x20 ? 4 : 1));
    else
        load(at, 1u << (how & 3));
}

static void any_configuration(void) {
    const unsigned how = (unsigned)take(1), slot = (unsigned)take(1) % 4;
    const uint64_t at = ECAM + (slot << 15) + take(1);
    if (how & 0x40)
        store(at, 1u << (how & 3), take(4));
    else
        load(at, 1u << (how & 3));
}

static void plug_in(unsigned which) {
    const struct card c = card_of(which);
    const uint64_t config = ECAM + ((which - CARDS / 2 + 1) << 15);
    if (!c.pci) return;
    store(config + 0x10, 4, c.base);
    store(config + 4, 2, 6);
}

/* All of what a driver does first, with these features and this size. */
static void start(void) {
    const unsigned which = (unsigned)take(1) % CARDS, size = 1u << take(1) % 7;
    const struct card c = card_of(which);
    const uint64_t status = c.base + (c.pci ? 0x14 : 0x70), width = c.pci ? 1 : 4;
    plug_in(which);
    store(status, (unsigned)width, 0);
    store(status, (unsigned)width, 3);
    for (unsigned half = 0; half < 2; half++) {
        store(c.base + (c.pci ? 8 : 0x24), 4, half);
        store(c.base + (c.pci ? 12 : 0x20), 4, half ? 1 : take(1) << 28);
    }
    store(status, (unsigned)width, 11);
    for (unsigned q = 0; q < 2; q++) {
        const uint64_t parts[] = {0, DRIVER_PART, DEVICE_PART};
        store(c.base + (c.pci ? 0x16 : 0x30), c.pci ? 2 : 4, q);
        store(c.base + (c.pci ? 0x18 : 0x38), c.pci ? 2 : 4, size);
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t at = c.base + (c.pci ? 0x20 + 8 * i : 0x80 + 0x10 * i);
            store(at, 4, RAM + QUEUES + q * QUEUE_STEP + parts[i]);
            store(at + 4, 4, 0);
        }
        store(c.base + (c.pci ? 0x1c : 0x44), c.pci ? 2 : 4, 1);
    }
    store(status, (unsigned)width, 15);
}

static void descriptor(void) {
    const unsigned which = (unsigned)take(1), n = (unsigned)take(1);
    const uint64_t table = which & 0x80 ? TABLES : QUEUES + (which & 1) * QUEUE_STEP, at = RAM + table + n % 128 * 16;
    store(at, 8, address());
    store(at + 8, 4, size_of_piece());
    store(at + 12, 2, take(1));
    store(at + 14, 2, take(1));
}

static void offer(void) {
    const unsigned which = (unsigned)take(1), n = (unsigned)take(1);
    const uint64_t driver = RAM + QUEUES + (which & 1) * QUEUE_STEP + DRIVER_PART;
    const uint64_t index = load(driver + 2, 2);
    store(driver + 4 + 2 * (index % (1 + (which >> 1))), 2, n);
    store(driver + 2, 2, index + 1);
}

static void notify(void) {
    const unsigned which = (unsigned)take(1);
    const struct card c = card_of(which % CARDS);
    store(c.pci ? c.base + 0x3000 + 4 * (which >> 7) : c.base + 0x50, 4, which >> 7);
}

static void any_ram(void) {
    uint64_t at = address();
    for (unsigned n = (unsigned)take(1) % 32; n--; at++) store(at, 1, take(1));
}

static void pass(void) {
    vm_clock_advance(&vm, take(3) * 100);
    board_update(&m);
}

static void (*const steps[])(void) = {any_access, any_register, any_configuration, start, descriptor, offer, notify,
                                      any_ram,    pass,         descriptor,        offer, notify};

/* ---- the machine */

static bool symbol(const void *of, const char *name, uint64_t *value) {
    (void)of;
    *value = RAM + (strcmp(name, "tohost") ? 0x1040 : 0x1000);
    return true;
}

/* With one drive, which both disks have; keys: what their -device says. */
static struct machine_config *configure(struct keyvals *keys) {
    static char drive[100];
    static const char *const drives[] = {drive, NULL};
    static const struct machine_options options = {.kernel = "k", .drives = drives};
    struct error error = {0};
    snprintf(drive, sizeof drive, "if=none,id=d,format=raw,discard=unmap,file.locking=off,file=/proc/self/fd/%d",
             image);
    *keys = (struct keyvals){.option = "-device"};
    return keyvals_add(keys, "drive", "d", &error) ? config_make(&options, NULL, NULL, &error) : NULL;
}

static void make(void) {
    struct error error = {0};
    struct keyvals keys;
    memset(&cpu, 0, sizeof cpu);
    cpu.c.guest = &guest_riscv;
    guest_riscv.reset(&cpu.c);
    vm = (struct vm){.cpu = &cpu.c, .counted = true, .stop_at = UINT64_MAX, .next_event = UINT64_MAX};
    m = (struct machine){.vm = &vm, .ram = calloc(1, RAM_SIZE), .ram_size = RAM_SIZE, .board = boards[0]};
    m.cpus[0] = vm.cpu;
    m.ncpus = 1;
    vm.data = &m;
    if (ftruncate(image, 0) || ftruncate(image, DISK_SIZE)) abort();
    m.config = configure(&keys);
    if (!m.ram || !m.config || !board_init(&m, symbol, NULL, &error)) abort();
    for (unsigned i = 0; i < CARDS; i++)
        if (!board_add(&m, cards[i], -1, 0, &keys, &error)) abort();
}

/* Queues are as they may be, and nothing is in flight, as nobody works in the background. */
static void check_queues(const struct virtio *v) {
    for (const struct virtio_queue *q = v->queue; q < v->queue + v->kind->nqueues; q++)
        if (q->filled || q->in_flight || (q->ready && (!q->size || (q->size & (q->size - 1))))) abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY);
    image = memfd_create("image", MFD_CLOEXEC);
    if (image < 0 || in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    end = data + size;
    make();
    for (unsigned i = 0; i < STEPS && input < end; i++) steps[take(1) % (sizeof steps / sizeof *steps)]();
    for (unsigned i = 0; i < CARDS; i++) {
        const struct device_host *h = board_find(&m, cards[i]);
        check_queues(card_of(i).pci ? &((struct virtio_pci *)h->state)->virtio
                                    : &((struct virtio_mmio *)h->state)->virtio);
    }
    board_done(&m);
    config_free(m.config);
    free(m.ram);
    return 0;
}
