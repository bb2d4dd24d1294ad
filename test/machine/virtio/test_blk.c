/* The disk, in both transports, with workers and without: requests of all types, wrong ones, resets in the middle.
 */
#include "machine/virtio/driver.h"
#include "machine/config.h"
#include "machine/disk.h"
#include <stdio.h>
#include <unistd.h>

enum { SECTORS = 4096, F_RO = 5, F_FLUSH = 9, F_WCE = 11, F_DISCARD = 13, QUEUE = 256 };
enum { T_IN, T_OUT, T_FLUSH = 4, T_ID = 8, T_DISCARD = 11, T_ZEROES = 13 };
/* In RAM: header and status of request n, and its data, up to 64 KiB. */
enum { HEADS = 0x100000, BYTES = 0x200000, ROOM = 0x10000 };

static char folder[] = "/tmp/test_blk.XXXXXX", image[64];
static struct rig r;

static const struct how { bool pci, workers; } hows[] = {{false, false}, {true, false}, {false, true}, {true, true}};

static void lock(void) {
    machine_lock(&r.m, WHO_ELSE);
}
static void unlock(void) {
    machine_unlock(&r.m);
}

static void begin(struct how how, const char *more) {
    static struct keyvals keys;
    char drive[200];
    struct error error = {0};
    FILE *f = fopen(image, "w");
    assert_int_equal(ftruncate(fileno(f), SECTORS * DISK_SECTOR), 0);
    fclose(f);
    snprintf(drive, sizeof drive, "if=none,id=d,format=raw,serial=name,file=%s%s", image, more);
    const char *const drives[] = {drive, NULL};
    const struct machine_options options = {.kernel = "k", .drives = drives};
    rig_make(&r);
    r.vm.counted = !how.workers;
    r.m.config = config_make(&options, NULL, NULL, &error);
    if (!r.m.config) fail_msg("%s", error.text);
    keys = (struct keyvals){.option = "-device"};
    keyvals_add(&keys, "drive", "d", &error);
    rig_add(&r, how.pci ? DEVICE_virtio_blk_pci : DEVICE_virtio_blk_device, how.pci, &keys);
}

static void end(void) {
    board_quiesce(&r.m);
    struct machine_config *config = r.m.config;
    rig_free(&r);
    config_free(config);
}

static void start(uint64_t without) {
    lock();
    rig_start(&r, rig_offered(&r) & ~without, 1, QUEUE);
    unlock();
}

static uint64_t config_at(unsigned offset, unsigned size) {
    return rig_get(&r, r.base + (r.pci ? 0x2000 : 0x100) + offset, size);
}

/* Request n, with its data in `pieces`; not notified yet. */
static void make(unsigned n, uint32_t type, uint64_t sector, uint32_t size, unsigned pieces) {
    struct desc *d = descriptors(&r, 0) + n * (pieces + 2), *first = d;
    const uint64_t head = HART_RAM + HEADS + n * 64;
    uint64_t *h = rig_ram(&r, HEADS + n * 64);
    h[0] = type;
    h[1] = sector;
    *(uint8_t *)rig_ram(&r, HEADS + n * 64 + 32) = 0xee;
    const unsigned index = (unsigned)(d - descriptors(&r, 0));
    *d++ = (struct desc){head, 16, NEXT, (uint16_t)(index + 1)};
    for (unsigned i = 0; i < pieces; i++, d++)
        *d = (struct desc){HART_RAM + BYTES + n * ROOM + size / pieces * i,
                           i + 1 < pieces ? size / pieces : size - size / pieces * i,
                           type == T_IN || type == T_ID ? NEXT | WRITE : NEXT, (uint16_t)(d - first + index + 1)};
    *d = (struct desc){head + 32, 1, WRITE, 0};
    rig_offer(&r, 0, (uint16_t)index);
}

static unsigned status(unsigned n) {
    return *(const volatile uint8_t *)rig_ram(&r, HEADS + n * 64 + 32);
}
static uint8_t *data(unsigned n) {
    return rig_ram(&r, BYTES + n * ROOM);
}

static void tell(void) {
    lock();
    reg_notify(&r, 0);
    unlock();
    board_quiesce(&r.m);
}

static unsigned once(uint32_t type, uint64_t sector, uint32_t size, unsigned pieces) {
    const unsigned used = rig_used(&r, 0);
    make(0, type, sector, size, pieces);
    tell();
    assert_int_equal((uint16_t)rig_used(&r, 0), (uint16_t)(used + 1));
    return status(0);
}

static unsigned range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags) {
    memcpy(data(0), &sector, 8);
    memcpy(data(0) + 8, &sectors, 4);
    memcpy(data(0) + 12, &flags, 4);
    return once(type, 0, 16, 1);
}

static void requests(void **state) {
    (void)state;
    for (unsigned h = 0; h < 4; h++) {
        begin(hows[h], ",discard=unmap");
        assert_false(rig_offered(&r) >> F_RO & 1);
        assert_int_equal(config_at(0, 4), SECTORS);
        assert_int_equal(config_at(20, 4), DISK_SECTOR);
        assert_int_equal(config_at(32, 1), 1);
        start(0);
        for (unsigned i = 0; i < ROOM; i++) data(0)[i] = (uint8_t)(i * 7 + (i >> 8));
        assert_int_equal(once(T_OUT, 16, 0x4000, 3), 0);
        assert_int_equal(once(T_FLUSH, 0, 0, 0), 0);
        memset(data(0), 0, ROOM);
        assert_int_equal(once(T_IN, 17, 0x2000, 5), 0);
        for (unsigned i = 0; i < 0x2000; i++) assert_int_equal(data(0)[i], (uint8_t)((i + 512) * 7 + ((i + 512) >> 8)));
        assert_int_equal(rig_entry(&r, 0, rig_used(&r, 0) - 1)[1], 0x2001);
        assert_int_equal(once(T_ID, 0, 20, 1), 0);
        assert_string_equal((char *)data(0), "name");
        assert_int_equal(range(T_ZEROES, 17, 1, 0), 0);
        assert_int_equal(range(T_DISCARD, 18, 1, 0), 0);
        assert_int_equal(once(T_IN, 16, 0x400, 1), 0);
        assert_int_equal(data(0)[512 - 1], (uint8_t)(511 * 7 + 1));
        assert_int_equal(data(0)[512], 0);
        /* What is wrong. */
        assert_int_equal(range(T_ZEROES, 17, 1, 2), 2);
        assert_int_equal(range(T_DISCARD, 17, 1, 1), 2);
        assert_int_equal(range(T_DISCARD, SECTORS, 1, 0), 1);
        assert_int_equal(range(T_ZEROES, UINT64_MAX, UINT32_MAX, 0), 1);
        assert_int_equal(once(T_ZEROES, 0, 32, 1), 2);
        assert_int_equal(once(T_IN, SECTORS, 512, 1), 1);
        assert_int_equal(once(T_IN, UINT64_MAX / 512 + 1, 512, 1), 1);
        assert_int_equal(once(T_OUT, SECTORS - 1, 1024, 1), 1);
        assert_int_equal(once(T_OUT, 0, 511, 1), 1);
        assert_int_equal(once(12345, 0, 512, 1), 2);
        assert_int_equal(once(T_IN, 0, 512, 1), 0);
        end();
    }
}

static void many(void **state) {
    (void)state;
    enum { N = 60, PIECES = 2, SIZE = 0x2000 };
    for (unsigned h = 0; h < 4; h++) {
        begin(hows[h], ",cache=none");
        start(0);
        for (unsigned round = 0; round < 4; round++) {
            const unsigned used = rig_used(&r, 0);
            for (unsigned n = 0; n < N; n++) {
                memset(data(n), round % 2 ? 0 : (int)(n + round), SIZE);
                make(n, round % 2 ? T_IN : T_OUT, n * (SIZE / DISK_SECTOR), SIZE, PIECES);
            }
            tell();
            assert_int_equal(rig_used(&r, 0), used + N);
            for (unsigned n = 0; n < N; n++) {
                assert_int_equal(status(n), 0);
                for (unsigned i = 0; i < SIZE; i += 100) assert_int_equal(data(n)[i], n + round - round % 2);
            }
        }
        lock();
        assert_true(rig_pending(&r));
        unlock();
        end();
    }
}

static void read_only(void **state) {
    (void)state;
    begin(hows[2], ",readonly=on");
    assert_true(rig_offered(&r) >> F_RO & 1);
    assert_false(rig_offered(&r) >> F_DISCARD & 1);
    start(0);
    assert_int_equal(once(T_OUT, 0, 512, 1), 1);
    assert_int_equal(range(T_ZEROES, 0, 1, 0), 1);
    assert_int_equal(once(T_FLUSH, 0, 0, 0), 0);
    assert_int_equal(once(T_IN, 0, 512, 1), 0);
    end();
}

/* A request that has no room for its status, or no header. */
static void no_answer(void **state) {
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        begin(hows[2 + which], "");
        start(0);
        make(0, T_IN, 0, 512, 1);
        if (which) descriptors(&r, 0)[0].size = 15;
        if (!which) {
            descriptors(&r, 0)[1].flags = 0;
        }
        tell();
        lock();
        assert_int_equal(reg_get(&r, R_STATUS), 15 | 64);
        assert_int_equal(rig_used(&r, 0), 0);
        unlock();
        start(0);
        assert_int_equal(once(T_IN, 0, 512, 1), 0);
        end();
    }
}

/* Nothing of before a reset touches memory, or is answered. */
static void reset_in_flight(void **state) {
    (void)state;
    enum { N = 60, SIZE = ROOM };
    begin(hows[2], ",cache=none");
    start(0);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned n = 0; n < N; n++) make(n, round % 2 ? T_IN : T_OUT, n % 32 * (SIZE / DISK_SECTOR), SIZE, 2);
        lock();
        reg_notify(&r, 0);
        reg_put(&r, R_STATUS, 0);
        uint16_t *used = device_part(&r, 0);
        memset(used, 0x77, 64);
        for (unsigned n = 0; n < N; n++) memset(data(n), 0x55, SIZE);
        unlock();
        board_quiesce(&r.m);
        for (unsigned i = 0; i < 32; i++) assert_int_equal(used[i], 0x7777);
        for (unsigned n = 0; n < N; n++)
            for (unsigned i = 0; i < SIZE; i += 512) assert_int_equal(data(n)[i], 0x55);
        start(0);
        assert_int_equal(once(T_IN, 0, 512, 1), 0);
    }
    end();
}

static void write_cache(void **state) {
    (void)state;
    const uint64_t wce = 1ull << F_WCE, flush = 1ull << F_FLUSH;
    begin(hows[0], "");
    start(0);
    const uint64_t at = r.base + 0x100 + 32;
    assert_int_equal(config_at(32, 1), 1);
    rig_put(&r, at, 1, 0);
    assert_int_equal(config_at(32, 1), 0);
    start(0);
    assert_int_equal(config_at(32, 1), 1);
    start(wce);
    rig_put(&r, at, 1, 0); /* which it has not asked for */
    assert_int_equal(config_at(32, 1), 1);
    start(wce | flush); /* who cannot flush has no cache */
    assert_int_equal(config_at(32, 1), 0);
    assert_int_equal(once(T_OUT, 0, 512, 1), 0);
    end();
    begin(hows[0], ",cache=writethrough");
    assert_false(rig_offered(&r) & wce);
    assert_int_equal(config_at(32, 1), 0);
    end();
}

static int folder_make(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(image, sizeof image, "%s/image", folder);
    return 0;
}
static int folder_drop(void **state) {
    (void)state;
    unlink(image);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests),        cmocka_unit_test(many),
                                       cmocka_unit_test(read_only),       cmocka_unit_test(no_answer),
                                       cmocka_unit_test(reset_in_flight), cmocka_unit_test(write_cache)};
    return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
