/* fuzz_net.c - a hostile guest and a hostile network at once, with the network card between them: queues with any
 * descriptors, headers that say anything, a peer that sends any bytes, reads or does not, and goes away. The card's
 * thread runs as it does in a machine; the guest's side has the machine's lock. There is a cpu by hand, and no engine.
 *
 * The input is a list of operations, of a byte and arguments each (`steps`). RAM is an allocation of its own: the
 * sanitizer sees what goes beyond.
 */
#define _GNU_SOURCE
#include "guest/riscv/riscv.h"
#include "machine/board.h"
#include "machine/virtio/transport.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RAM = 0x80000000u, RAM_SIZE = 0x40000, STEPS = 2000, CARD = 0x10008000 /* the last slot */ };
/* In RAM, of queue q: descriptors, the driver's part, the device's part; then tables and data. */
enum { QUEUES = 0x2000, QUEUE_STEP = 0x2000, DRIVER = 0x1000, DEVICE = 0x1800, TABLES = 0x12000, DATA = 0x20000 };

static struct machine m;
static struct vm vm;
static struct riscv_cpu cpu;
static int peer;
static const uint8_t *input, *end;

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

static void store(uint64_t at, unsigned size, uint64_t value) {
    board_write(&m, at, size, value);
}
static uint64_t load(uint64_t at, unsigned size) {
    uint64_t value;
    board_read(&m, at, size, &value);
    return value;
}

static uint64_t address(void) {
    const unsigned kind = (unsigned)take(1);
    const uint64_t n = take(2);
    switch (kind % 8) {
    case 0: return take(8);
    case 1: return RAM + RAM_SIZE - n % 64;
    case 2: return RAM + TABLES + n % 0x1000 / 16 * 16;
    case 3: return RAM + QUEUES + n % (2 * QUEUE_STEP);
    default: return RAM + DATA + n;
    }
}

/* ---- the guest */

static void any_register(void) {
    const unsigned how = (unsigned)take(1);
    const uint64_t at = CARD + take(1) * (how & 0x80 ? 2 : 1);
    if (how & 0x40)
        store(at, 1u << (how & 3), take(how & 0x20 ? 4 : 1));
    else
        load(at, 1u << (how & 3));
}

/* All of what a driver does first. */
static void start(void) {
    const unsigned size = 1u << take(1) % 9;
    const uint64_t features = take(3);
    store(CARD + 0x70, 4, 0);
    store(CARD + 0x70, 4, 3);
    store(CARD + 0x24, 4, 0);
    store(CARD + 0x20, 4, features & 0x18023 /* what a socket's card has */);
    store(CARD + 0x24, 4, 1);
    store(CARD + 0x20, 4, 1);
    store(CARD + 0x70, 4, 11);
    for (unsigned q = 0; q < 2; q++) {
        const uint64_t parts[] = {0, DRIVER, DEVICE};
        store(CARD + 0x30, 4, q);
        store(CARD + 0x38, 4, size);
        for (unsigned i = 0; i < 3; i++) {
            store(CARD + 0x80 + 0x10 * i, 4, RAM + QUEUES + q * QUEUE_STEP + parts[i]);
            store(CARD + 0x84 + 0x10 * i, 4, 0);
        }
        store(CARD + 0x44, 4, 1);
    }
    store(CARD + 0x70, 4, 15);
}

static void descriptor(void) {
    const unsigned which = (unsigned)take(1), n = (unsigned)take(1), kind = (unsigned)take(1);
    const uint64_t table = which & 0x80 ? TABLES : QUEUES + (which & 1) * QUEUE_STEP, at = RAM + table + n * 16;
    store(at, 8, address());
    store(at + 8, 4, kind % 16 == 0 ? take(4) : kind % 16 == 1 ? take(2) : kind * 8);
    store(at + 12, 2, take(1));
    store(at + 14, 2, take(1));
}

/* Some entries at once, of a ring of the size that the byte says. */
static void offer(void) {
    const unsigned which = (unsigned)take(1), size = 1u << (which >> 1) % 9;
    const uint64_t driver = RAM + QUEUES + (which & 1) * QUEUE_STEP + DRIVER;
    uint64_t index = load(driver + 2, 2);
    for (unsigned n = 1 + (unsigned)take(1) % 8, first = (unsigned)take(1); n--; index++)
        store(driver + 4 + 2 * (index % size), 2, first++ % size);
    store(driver + 2, 2, index);
    store(CARD + 0x50, 4, which & 1);
}

static void any_ram(void) {
    uint64_t at = address();
    for (unsigned n = (unsigned)take(1) % 32; n--; at++) store(at, 1, take(1));
}

/* ---- the network */

static void peer_sends_frame(void) {
    static uint8_t record[4 + 0xffff];
    const uint32_t size = (uint32_t)take(take(1) % 4 ? 1 : 2), length = __builtin_bswap32(size);
    memcpy(record, &length, 4);
    record[4] = (uint8_t)take(1);
    if (peer >= 0) send(peer, record, size + 4, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void peer_sends_bytes(void) {
    uint8_t bytes[16];
    const size_t n = take(1) % sizeof bytes;
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)take(1);
    if (peer >= 0) send(peer, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void peer_reads(void) {
    static uint8_t bytes[1 << 16];
    if (peer >= 0) recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
}

static void peer_goes(void) {
    if (take(1) || peer < 0) return; /* seldom */
    close(peer);
    peer = -1;
}

static void others(void) {
    machine_unlock(&m);
    sched_yield();
    machine_lock(&m, 1);
}

static void (*const steps[])(void) = {any_register, start,     descriptor, descriptor,       offer,
                                      offer,        any_ram,   others,     peer_sends_frame, peer_sends_frame,
                                      peer_reads,   peer_goes, descriptor, any_ram,          peer_sends_bytes,
                                      others};

/* ---- the machine */

static bool symbol(const void *of, const char *name, uint64_t *value) {
    (void)of, (void)name, (void)value;
    return false;
}

static void make(void) {
    char text[80];
    const char *netdevs[] = {text, NULL};
    struct machine_options options = {.netdevs = netdevs};
    struct error error = {0};
    static struct keyvals keys;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) abort();
    peer = ends[1];
    snprintf(text, sizeof text, "stream,id=n,addr.type=fd,addr.str=%d", ends[0]);
    memset(&cpu, 0, sizeof cpu);
    cpu.c.guest = &guest_riscv;
    guest_riscv.reset(&cpu.c);
    vm = (struct vm){.cpu = &cpu.c, .stop_at = UINT64_MAX, .next_event = UINT64_MAX};
    m = (struct machine){.vm = &vm, .ram = calloc(1, RAM_SIZE), .ram_size = RAM_SIZE, .board = boards[0]};
    m.cpus[0] = vm.cpu;
    m.ncpus = 1;
    vm.data = &m;
    m.config = config_make(&options, "program", NULL, &error);
    keys = (struct keyvals){.option = "-device"};
    if (!m.ram || !m.config || !keyvals_add(&keys, "netdev", "n", &error) || !board_init(&m, symbol, NULL, &error) ||
        !board_add(&m, DEVICE_virtio_net_device, -1, 0, &keys, &error))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input = data;
    end = data + size;
    make();
    struct machine_config *config = m.config;
    uint8_t *ram = m.ram;
    machine_lock(&m, 1);
    start();
    for (unsigned i = 0; i < STEPS && input < end; i++) steps[take(1) % (sizeof steps / sizeof *steps)]();
    /* Nothing is in flight while nobody has the lock but us. */
    const struct virtio *v = &((struct virtio_mmio *)board_find(&m, DEVICE_virtio_net_device)->state)->virtio;
    for (unsigned q = 0; q < 2; q++)
        if (v->queue[q].filled || v->queue[q].in_flight) abort();
    machine_unlock(&m);
    board_done(&m);
    if (peer >= 0) close(peer);
    config_free(config);
    free(ram);
    return 0;
}
