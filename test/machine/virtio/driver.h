/* driver.h - a driver of virtio devices by hand, for tests: a board with a cpu by hand and no engine, devices that are
 * added to it, their registers in either transport, queues in RAM.
 */
#ifndef TEST_MACHINE_VIRTIO_DRIVER_H
#define TEST_MACHINE_VIRTIO_DRIVER_H

#include "machine/hart.h"
#include "machine/board.h"
#include "machine/keyvals.h"
#include "machine/virtio/virtio.h"

enum { PLIC = 0xc000000, SLOTS = 0x10001000, ECAM = 0x30000000, BAR = 0x40000000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4 }; /* flags of descriptors */
/* In RAM: queue q's parts, then a table of indirect descriptors and data. */
enum {
    QUEUES = 0x10000,
    QUEUE_STEP = 0x4000,
    DRIVER_PART = 0x2000,
    DEVICE_PART = 0x3000,
    TABLE = 0x30000,
    DATA = 0x40000
};
/* Where what is to be checked is, in either transport. */
enum reg {
    R_OFFERED,
    R_OFFERED_SELECT,
    R_CHOSEN,
    R_CHOSEN_SELECT,
    R_STATUS,
    R_SELECT,
    R_SIZE,
    R_READY,
    R_DESCRIPTORS,
    R_DRIVER,
    R_DEVICE,
    R_GENERATION,
    R_COUNT
};

struct rig {
    struct hart *hart;
    struct vm vm;
    struct machine m;
    struct device_host *card;
    bool pci;
    uint64_t base;      /* of its registers */
    unsigned interrupt; /* its source */
    uint16_t available[VIRTIO_QUEUES], size;
};

static inline bool rig_symbol(const void *of, const char *name, uint64_t *value) {
    (void)of, (void)name, (void)value;
    return false;
}

static inline void rig_make(struct rig *r) {
    struct error error = {0};
    *r = (struct rig){.hart = hart_make()};
    r->vm = (struct vm){.cpu = &r->hart->cpu.c, .counted = true, .stop_at = UINT64_MAX, .next_event = UINT64_MAX};
    r->m = (struct machine){.vm = &r->vm, .ram = r->hart->ram, .ram_size = HART_RAM_SIZE, .board = boards[0]};
    r->m.cpus[0] = r->vm.cpu;
    r->m.ncpus = 1;
    r->vm.data = &r->m;
    assert_true(board_init(&r->m, rig_symbol, NULL, &error));
}

static inline void rig_free(struct rig *r) {
    board_done(&r->m);
    hart_free(r->hart);
}

/* ---- registers */

static inline uint64_t rig_get(struct rig *r, uint64_t at, unsigned size) {
    uint64_t v = 0x5a5a5a5a5a5a5a5a;
    assert_true(board_read(&r->m, at, size, &v));
    return v;
}
static inline void rig_put(struct rig *r, uint64_t at, unsigned size, uint64_t v) {
    assert_true(board_write(&r->m, at, size, v));
}

static const struct {
    uint16_t mmio, pci;
    uint8_t pci_size;
} registers[R_COUNT] = {
    [R_OFFERED] = {0x10, 4, 4},       [R_OFFERED_SELECT] = {0x14, 0, 4}, [R_CHOSEN] = {0x20, 0xc, 4},
    [R_CHOSEN_SELECT] = {0x24, 8, 4}, [R_STATUS] = {0x70, 0x14, 1},      [R_SELECT] = {0x30, 0x16, 2},
    [R_SIZE] = {0x38, 0x18, 2},       [R_READY] = {0x44, 0x1c, 2},       [R_DESCRIPTORS] = {0x80, 0x20, 4},
    [R_DRIVER] = {0x90, 0x28, 4},     [R_DEVICE] = {0xa0, 0x30, 4},      [R_GENERATION] = {0xfc, 0x15, 1},
};

static inline uint64_t reg_get(struct rig *r, enum reg reg) {
    return rig_get(r, r->base + (r->pci ? registers[reg].pci : registers[reg].mmio),
                   r->pci ? registers[reg].pci_size : 4);
}
static inline void reg_put(struct rig *r, enum reg reg, uint64_t v) {
    rig_put(r, r->base + (r->pci ? registers[reg].pci : registers[reg].mmio), r->pci ? registers[reg].pci_size : 4, v);
}
static inline void reg_put_address(struct rig *r, enum reg reg, uint64_t v) {
    const uint64_t at = r->base + (r->pci ? registers[reg].pci : registers[reg].mmio);
    rig_put(r, at, 4, (uint32_t)v);
    rig_put(r, at + 4, 4, v >> 32);
}
static inline void reg_notify(struct rig *r, unsigned queue) {
    if (r->pci)
        rig_put(r, r->base + 0x3000 + 4 * queue, 2, queue);
    else
        rig_put(r, r->base + 0x50, 4, queue);
}
static inline unsigned reg_reasons(struct rig *r) { /* and acknowledges them */
    if (r->pci) return (unsigned)rig_get(r, r->base + 0x1000, 1);
    const unsigned reasons = (unsigned)rig_get(r, r->base + 0x60, 4);
    rig_put(r, r->base + 0x64, 4, reasons);
    return reasons;
}
static inline bool rig_pending(struct rig *r) {
    return rig_get(r, PLIC + 0x1000 + r->interrupt / 32 * 4, 4) >> r->interrupt % 32 & 1;
}

/* ---- devices */

static inline struct device_host *rig_add(struct rig *r, unsigned type, bool pci, const struct keyvals *options) {
    struct error error = {0};
    r->card = board_add(&r->m, type, -1, 0, options, &error);
    if (!r->card) fail_msg("%s", error.text);
    r->pci = pci;
    if (!pci) {
        r->base = SLOTS + 0x1000 * 7; /* the last one */
        r->interrupt = 8;
    } else {
        r->base = BAR;
        r->interrupt = 33;
        rig_put(r, ECAM + (1 << 15) + 0x10, 4, BAR);
        rig_put(r, ECAM + (1 << 15) + 4, 2, 6);
    }
    return r->card;
}

static inline uint64_t rig_offered(struct rig *r) {
    reg_put(r, R_OFFERED_SELECT, 1);
    const uint64_t high = reg_get(r, R_OFFERED);
    reg_put(r, R_OFFERED_SELECT, 0);
    return high << 32 | reg_get(r, R_OFFERED);
}

static inline void *rig_ram(struct rig *r, uint64_t offset) {
    return r->hart->ram + offset;
}
static inline uint64_t part(unsigned queue, unsigned which) {
    return QUEUES + (uint64_t)queue * QUEUE_STEP + which;
}
static inline uint16_t *driver_part(struct rig *r, unsigned queue) {
    return rig_ram(r, part(queue, DRIVER_PART));
}
static inline uint16_t *device_part(struct rig *r, unsigned queue) {
    return rig_ram(r, part(queue, DEVICE_PART));
}

/* Everything up to DRIVER_OK, with these features and queues of this size. */
static inline void rig_start(struct rig *r, uint64_t features, unsigned nqueues, uint16_t size) {
    reg_put(r, R_STATUS, 0);
    assert_int_equal(reg_get(r, R_STATUS), 0);
    reg_put(r, R_STATUS, 1);
    reg_put(r, R_STATUS, 3);
    for (unsigned half = 0; half < 2; half++) {
        reg_put(r, R_CHOSEN_SELECT, half);
        reg_put(r, R_CHOSEN, (uint32_t)(features >> 32 * half));
    }
    reg_put(r, R_STATUS, 11);
    assert_int_equal(reg_get(r, R_STATUS), 11);
    r->size = size;
    for (unsigned q = 0; q < nqueues; q++) {
        memset(rig_ram(r, part(q, 0)), 0, QUEUE_STEP);
        r->available[q] = 0;
        reg_put(r, R_SELECT, q);
        reg_put(r, R_SIZE, size);
        reg_put_address(r, R_DESCRIPTORS, HART_RAM + part(q, 0));
        reg_put_address(r, R_DRIVER, HART_RAM + part(q, DRIVER_PART));
        reg_put_address(r, R_DEVICE, HART_RAM + part(q, DEVICE_PART));
        reg_put(r, R_READY, 1);
        assert_int_equal(reg_get(r, R_READY), 1);
    }
    reg_put(r, R_STATUS, 15);
    assert_int_equal(reg_get(r, R_STATUS), 15);
}

struct desc {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};

static inline struct desc *descriptors(struct rig *r, unsigned queue) {
    return rig_ram(r, part(queue, 0));
}
static inline void rig_offer(struct rig *r, unsigned queue, uint16_t head) {
    driver_part(r, queue)[2 + r->available[queue]++ % r->size] = head;
    driver_part(r, queue)[1] = r->available[queue];
}
static inline unsigned rig_used(struct rig *r, unsigned queue) {
    return device_part(r, queue)[1];
}
static inline const uint32_t *rig_entry(struct rig *r, unsigned queue, unsigned index) {
    return (const uint32_t *)(device_part(r, queue) + 2) + 2 * (index % r->size);
}

#endif
