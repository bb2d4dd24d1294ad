/* disk.c - see disk.h. */
#include "disk.h"

#define SLOT(n) ((volatile uint32_t *)(uint64_t)(0x10001000 + 0x1000 * (n)))
enum { SLOTS = 8, DISK = 2, NEXT = 1, BY_DEVICE = 2, NOTHING = 0xff };
enum { MAGIC = 0, VERSION = 1, ID = 2, FEATURES = 4, FEATURES_SELECT = 5, CHOSEN = 8, CHOSEN_SELECT = 9 };
enum { SELECT = 12, SIZE_MOST = 13, SIZE = 14, READY = 17, NOTIFY = 20, STATUS = 28, TABLE = 32, CONFIG = 64 };
enum { F_FLUSH = 1 << 9, F_DISCARD = 1 << 13, F_WRITE_ZEROES = 1 << 14 };

static struct {
    struct {
        uint64_t address;
        uint32_t size;
        uint16_t flags, next;
    } table[QUEUE_SIZE];
} __attribute__((aligned(16))) table;
static volatile struct {
    uint16_t flags, index, ring[QUEUE_SIZE], event;
} available;
static volatile struct {
    uint16_t flags, index;
    struct {
        uint32_t head, size;
    } ring[QUEUE_SIZE];
    uint16_t event;
} used __attribute__((aligned(4)));
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} heads[DEPTH];
static volatile uint8_t statuses[DEPTH];
static volatile uint32_t *slot;
static uint16_t seen;

static void set64(unsigned at, const volatile void *address) {
    slot[at] = (uint32_t)(uint64_t)address;
    slot[at + 1] = (uint32_t)((uint64_t)address >> 32);
}

void disk_start(void) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (SLOT(i)[MAGIC] == 0x74726976 && SLOT(i)[VERSION] == 2 && SLOT(i)[ID] == DISK) slot = SLOT(i);
    CHECK(slot);
    slot[STATUS] = 0;
    slot[STATUS] = 3;
    slot[FEATURES_SELECT] = 0;
    slot[CHOSEN_SELECT] = 0;
    slot[CHOSEN] = slot[FEATURES] & (F_FLUSH | F_DISCARD | F_WRITE_ZEROES);
    slot[CHOSEN_SELECT] = 1;
    slot[CHOSEN] = 1;
    slot[STATUS] = 11;
    CHECK(slot[STATUS] == 11);
    slot[SELECT] = 0;
    CHECK(slot[SIZE_MOST] >= QUEUE_SIZE);
    slot[SIZE] = QUEUE_SIZE;
    set64(TABLE, table.table);
    set64(TABLE + 4, &available);
    set64(TABLE + 8, &used);
    slot[READY] = 1;
    slot[STATUS] = 15;
}

uint64_t disk_sectors(void) {
    return slot[CONFIG] | (uint64_t)slot[CONFIG + 1] << 32;
}

void disk_request(unsigned n, uint32_t type, uint64_t sector, void *data, uint32_t size) {
    const uint16_t first = (uint16_t)(3 * n), last = (uint16_t)(first + 2);
    const int to_memory = type == READ_FROM || type == GET_ID;
    heads[n].type = type;
    heads[n].sector = sector;
    statuses[n] = NOTHING;
    table.table[first].address = (uint64_t)&heads[n];
    table.table[first].size = sizeof heads[n];
    table.table[first].flags = NEXT;
    table.table[first].next = size ? first + 1 : last;
    table.table[first + 1].address = (uint64_t)data;
    table.table[first + 1].size = size;
    table.table[first + 1].flags = to_memory ? NEXT | BY_DEVICE : NEXT;
    table.table[first + 1].next = last;
    table.table[last].address = (uint64_t)&statuses[n];
    table.table[last].size = 1;
    table.table[last].flags = BY_DEVICE;
    available.ring[available.index % QUEUE_SIZE] = first;
    __asm__ volatile("fence rw, rw" ::: "memory");
    available.index++;
}

void disk_tell(void) {
    __asm__ volatile("fence rw, rw" ::: "memory");
    slot[NOTIFY] = 0;
}

unsigned disk_wait(void) {
    while (used.index == seen) {
    }
    __asm__ volatile("fence rw, rw" ::: "memory");
    return used.ring[seen++ % QUEUE_SIZE].head / 3;
}

unsigned disk_status(unsigned n) {
    return statuses[n];
}

unsigned disk_do(uint32_t type, uint64_t sector, void *data, uint32_t size) {
    disk_request(0, type, sector, data, size);
    disk_tell();
    CHECK(disk_wait() == 0);
    return disk_status(0);
}
