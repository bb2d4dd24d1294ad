/* vee: -device virtio-rng-device -device virtio-rng-pci */
/* Sources of random bytes as virtio devices, in the last slot of registers and on the PCI bus: found, driven, and each
 * with its interrupt. The parts of queues that devices write lie in a page of code.
 */
#include "bare.h"

#define SLOT(n) ((volatile uint8_t *)0x10001000 + 0x1000 * (n))
#define ECAM    ((volatile uint8_t *)0x30000000)
#define BAR     0x40000000u
enum { SLOTS = 8, RANDOM = 4, SIZE = 4, NEXT = 1, WRITE_TO = 2, PLIC_ENABLE = 0x2000 / 4, PLIC_CLAIM = 0x200004 / 4 };

struct desc {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};
struct queue {
    struct desc descriptors[SIZE] __attribute__((aligned(16)));
    struct {
        uint16_t flags, index, ring[SIZE], event;
    } driver;
    struct used {
        uint16_t flags, index;
        struct {
            uint32_t head, size;
        } ring[SIZE];
        uint16_t event;
    } * device;
};
static struct queue queue;
static uint8_t data[2][256];
static volatile unsigned interrupts, source;
/* The device's part, and a function: both within 256 bytes. */
extern struct used used;
uint64_t next_number(uint64_t);
__asm__(".pushsection .text\n.balign 256\n"
        ".globl next_number\nnext_number: addi a0, a0, 1\nret\n"
        ".balign 8\n.globl used\nused: .space 64\n.popsection");

static uint32_t get32(volatile uint8_t *at) {
    return *(volatile uint32_t *)at;
}
static void set32(volatile uint8_t *at, uint32_t v) {
    *(volatile uint32_t *)at = v;
}
static void set64(volatile uint8_t *at, const volatile void *address) {
    set32(at, (uint32_t)(uint64_t)address);
    set32(at + 4, (uint32_t)((uint64_t)address >> 32));
}

static volatile uint8_t *reasons; /* a read of one byte acknowledges, on the bus; else the slot's registers */
static int on_bus;

static uint64_t interrupted(struct frame *f, uint64_t cause, uint64_t pc) {
    (void)f;
    if (cause != (INTERRUPT | MEI)) return pc + 4;
    const uint32_t claimed = PLIC[PLIC_CLAIM];
    source = claimed;
    interrupts++;
    if (on_bus) {
        CHECK(*reasons == 1 && *reasons == 0);
    } else {
        CHECK(get32(reasons + 0x60) == 1);
        set32(reasons + 0x64, 1);
        CHECK(get32(reasons + 0x60) == 0);
    }
    PLIC[PLIC_CLAIM] = claimed;
    return pc;
}

static void queue_reset(void) {
    queue = (struct queue){.device = &used};
    used.index = 0;
    queue.descriptors[0] = (struct desc){(uint64_t)data[0], sizeof data[0], WRITE_TO | NEXT, 2};
    queue.descriptors[2] = (struct desc){(uint64_t)data[1], sizeof data[1], WRITE_TO, 0};
    for (unsigned i = 0; i < sizeof data[0]; i++) data[0][i] = data[1][i] = 0;
}

static void enable(unsigned irq) {
    PLIC[irq] = 1;
    PLIC[PLIC_ENABLE + irq / 32] = 1u << irq % 32;
}

/* One request; the interrupt comes right after the notification. */
static void request(volatile uint8_t *notify, unsigned irq, int wide) {
    unsigned zeros = 0;
    const uint16_t before = *(volatile uint16_t *)&used.index;
    const unsigned count = interrupts;
    CHECK(next_number(41) == 42);
    queue.driver.ring[queue.driver.index % SIZE] = 0;
    __asm__ volatile("fence rw, rw" ::: "memory");
    queue.driver.index++;
    __asm__ volatile("fence rw, rw" ::: "memory");
    if (wide)
        set32(notify, 0);
    else
        *(volatile uint16_t *)notify = 0;
    __asm__ volatile("fence rw, rw" ::: "memory");
    while (*(volatile uint16_t *)&used.index == before) {
    }
    while (interrupts == count) {
    }
    CHECK(interrupts == count + 1 && source == irq);
    CHECK(used.index == (uint16_t)(before + 1) && used.ring[before % SIZE].head == 0);
    CHECK(used.ring[before % SIZE].size == sizeof data);
    for (unsigned i = 0; i < sizeof data; i++) zeros += ((uint8_t *)data)[i] == 0;
    CHECK(zeros < 16);
    CHECK(next_number(1) == 2);
}

static void in_a_slot(void) {
    volatile uint8_t *r = NULL;
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK(get32(SLOT(i)) == 0x74726976 && get32(SLOT(i) + 4) == 2 && get32(SLOT(i) + 12) == 0x554d4551);
        if (get32(SLOT(i) + 8) == RANDOM) r = SLOT(i);
    }
    CHECK(r == SLOT(SLOTS - 1));
    set32(r + 0x70, 0);
    set32(r + 0x70, 3);
    set32(r + 0x14, 1);
    CHECK(get32(r + 0x10) & 1); /* version 1 */
    set32(r + 0x24, 1);
    set32(r + 0x20, 1);
    set32(r + 0x70, 11);
    CHECK(get32(r + 0x70) == 11);
    set32(r + 0x30, 0);
    CHECK(get32(r + 0x34) >= SIZE);
    queue_reset();
    set32(r + 0x38, SIZE);
    set64(r + 0x80, queue.descriptors);
    set64(r + 0x90, &queue.driver);
    set64(r + 0xa0, &used);
    set32(r + 0x44, 1);
    set32(r + 0x70, 15);
    reasons = r;
    on_bus = 0;
    enable(SLOTS);
    for (unsigned i = 0; i < 10; i++) request(r + 0x50, SLOTS, 1);
    /* A descriptor that leads nowhere: the device asks for a reset, and after that works again. */
    queue.descriptors[2].address = 0;
    queue.driver.index++;
    PLIC[PLIC_ENABLE] = 0;
    __asm__ volatile("fence rw, rw" ::: "memory");
    set32(r + 0x50, 0);
    __asm__ volatile("fence rw, rw" ::: "memory");
    CHECK(get32(r + 0x70) == (15 | 64) && used.index == 10);
    set32(r + 0x70, 0);
    CHECK(get32(r + 0x70) == 0 && get32(r + 0x60) == 0);
}

static volatile uint8_t *config_of(unsigned slot) {
    return ECAM + (slot << 15);
}

static void on_the_bus(void) {
    volatile uint8_t *c = NULL, *common = NULL, *notify = NULL;
    unsigned slot = 0;
    for (unsigned i = 1; i < 32; i++)
        if (get32(config_of(i)) != UINT32_MAX) {
            CHECK(!c && get32(config_of(i)) == 0x10441af4);
            c = config_of(slot = i);
        }
    CHECK(c);
    set32(c + 0x10, UINT32_MAX);
    const uint32_t size = -get32(c + 0x10);
    CHECK(size >= 4096 && !(size & (size - 1)));
    set32(c + 0x10, BAR);
    *(volatile uint16_t *)(c + 4) = 6;
    for (unsigned at = c[0x34]; at; at = c[at + 1]) {
        CHECK(c[at] == 9 && c[at + 4] == 0);
        volatile uint8_t *leads = (volatile uint8_t *)(uint64_t)(BAR + get32(c + at + 8));
        if (c[at + 3] == 1) common = leads;
        if (c[at + 3] == 2) notify = leads;
        if (c[at + 3] == 3) reasons = leads;
    }
    CHECK(common && notify);
    common[0x14] = 0;
    CHECK(common[0x14] == 0);
    common[0x14] = 3;
    set32(common, 1);
    CHECK(get32(common + 4) & 1);
    set32(common + 8, 1);
    set32(common + 12, 1);
    common[0x14] = 11;
    CHECK(common[0x14] == 11);
    CHECK(*(volatile uint16_t *)(common + 0x12) == 1);
    *(volatile uint16_t *)(common + 0x16) = 0;
    CHECK(*(volatile uint16_t *)(common + 0x18) >= SIZE);
    queue_reset();
    *(volatile uint16_t *)(common + 0x18) = SIZE;
    set64(common + 0x20, queue.descriptors);
    set64(common + 0x28, &queue.driver);
    *(volatile uint64_t *)(common + 0x30) = (uint64_t)&used;
    *(volatile uint16_t *)(common + 0x1c) = 1;
    CHECK(*(volatile uint16_t *)(common + 0x1c) == 1);
    common[0x14] = 15;
    on_bus = 1;
    const unsigned irq = 32 + (slot + c[0x3d] - 1) % 4;
    enable(irq);
    for (unsigned i = 0; i < 10; i++) request(notify, irq, 0);
    /* Without its base address nothing is there. */
    *(volatile uint16_t *)(c + 4) = 0;
    CHECK(TRAPS(ACCESS_LOAD, "li a1, 0x40000000\nlbu a0, 0x14(a1)"));
    *(volatile uint16_t *)(c + 4) = 6;
    CHECK(common[0x14] == 15);
}

int main(void) {
    on_trap = interrupted;
    WRITE(mie, 1 << MEI);
    SET(mstatus, MIE);
    in_a_slot();
    on_the_bus();
    return 0;
}
