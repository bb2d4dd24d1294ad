/* What virtio devices have in common, tried with the source of random bytes in both transports: registers, features,
 * queues, interrupts; and drivers that break the rules.
 */
#include "machine/virtio/driver.h"
#include "machine/virtio/transport.h"

static struct rig r;

#define VERSION_1 (1ull << VIRTIO_F_VERSION_1)
#define EVENT_IDX (1ull << VIRTIO_F_EVENT_IDX)
#define INDIRECTS (1ull << VIRTIO_F_INDIRECT)

static int make(void **state) {
    (void)state;
    rig_make(&r);
    return 0;
}
static int drop(void **state) {
    (void)state;
    rig_free(&r);
    return 0;
}

/* A test in each transport. */
static void in_slot(void) {
    rig_add(&r, DEVICE_virtio_rng_device, false, NULL);
}
static void on_bus(void) {
    rig_add(&r, DEVICE_virtio_rng_pci, true, NULL);
}
#define BOTH(name)                                                                                                     \
    static void name##_slot(void **state) {                                                                            \
        (void)state;                                                                                                   \
        in_slot();                                                                                                     \
        name();                                                                                                        \
    }                                                                                                                  \
    static void name##_bus(void **state) {                                                                             \
        (void)state;                                                                                                   \
        on_bus();                                                                                                      \
        name();                                                                                                        \
    }

static bool filled(uint64_t offset, unsigned size) {
    const uint8_t *at = rig_ram(&r, offset);
    unsigned zeros = 0;
    for (unsigned i = 0; i < size; i++) zeros += at[i] == 0;
    return zeros < size / 8 + 2;
}

static void empty_slots(void **state) {
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        const uint64_t at = SLOTS + 0x1000ull * i;
        assert_int_equal(rig_get(&r, at, 4), 0x74726976);
        assert_int_equal(rig_get(&r, at + 4, 4), 2);
        assert_int_equal(rig_get(&r, at + 8, 4), 0);
        assert_int_equal(rig_get(&r, at + 0x70, 4), 0);
        assert_int_equal(rig_get(&r, at + 0x100, 8), 0);
        rig_put(&r, at + 0x70, 4, 1);
        rig_put(&r, at + 0x50, 4, 0);
        rig_put(&r, at + 0xff8, 8, 1);
    }
}

static void slots_fill_from_the_last(void **state) {
    (void)state;
    for (unsigned i = 8; i-- > 0;) {
        in_slot();
        assert_int_equal(rig_get(&r, SLOTS + 0x1000ull * i + 8, 4), 4);
        if (i) assert_int_equal(rig_get(&r, SLOTS + 0x1000ull * (i - 1) + 8, 4), 0);
    }
    struct error error = {0};
    assert_null(board_add(&r.m, DEVICE_virtio_rng_device, -1, 0, NULL, &error));
    assert_string_equal(error.text, "-device virtio-rng-device: all places for such devices are taken");
}

static void bus_as_said(void **state) {
    (void)state;
    struct keyvals k = {.option = "-device"};
    struct error error = {0};
    assert_true(keyvals_add(&k, "bus", "virtio-mmio-bus.2", &error));
    assert_non_null(board_add(&r.m, DEVICE_virtio_rng_device, -1, 0, &k, &error));
    assert_int_equal(rig_get(&r, SLOTS + 0x2008, 4), 4);
    assert_null(board_add(&r.m, DEVICE_virtio_rng_device, -1, 0, &k, &error));
    assert_non_null(strstr(error.text, "virtio-mmio-bus.2"));
    struct keyvals wrong = {.option = "-device"};
    error = (struct error){0};
    assert_true(keyvals_add(&wrong, "addr", "3", &error));
    assert_null(board_add(&r.m, DEVICE_virtio_rng_device, -1, 0, &wrong, &error));
    assert_non_null(strstr(error.text, "addr"));
    error = (struct error){0};
    assert_null(board_add(&r.m, DEVICE_virtio_rng_pci, -1, 0, &k, &error));
    assert_non_null(strstr(error.text, "pcie.0"));
}

static void bits_are_given(void) {
    assert_int_equal(rig_offered(&r), VERSION_1 | EVENT_IDX | INDIRECTS);
    rig_start(&r, VERSION_1, 1, 8);
    rig_put(&r, PLIC + 4 * r.interrupt, 4, 1);
    descriptors(&r, 0)[3] = (struct desc){HART_RAM + DATA, 100, WRITE | NEXT, 5};
    descriptors(&r, 0)[5] = (struct desc){HART_RAM + DATA + 0x1000, 28, WRITE, 0};
    rig_offer(&r, 0, 3);
    assert_int_equal(rig_used(&r, 0), 0);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 1);
    assert_int_equal(rig_entry(&r, 0, 0)[0], 3);
    assert_int_equal(rig_entry(&r, 0, 0)[1], 128);
    assert_true(filled(DATA, 100) && filled(DATA + 0x1000, 28));
    assert_int_equal(*(uint32_t *)rig_ram(&r, DATA + 100), 0);
    assert_int_equal(*(uint32_t *)rig_ram(&r, DATA + 0x1000 + 28), 0);
    assert_true(rig_pending(&r));
    assert_int_equal(reg_reasons(&r), VIRTIO_USED);
    assert_int_equal(reg_reasons(&r), 0);
    assert_false(rig_pending(&r));
    /* Round and round. */
    for (unsigned i = 1; i < 70000; i++) {
        rig_offer(&r, 0, 5);
        reg_notify(&r, 0);
    }
    assert_int_equal(rig_used(&r, 0), 70000 & 0xffff);
    /* None to read from, none at all. */
    descriptors(&r, 0)[1] = (struct desc){HART_RAM + DATA, 100, 0, 0};
    rig_offer(&r, 0, 1);
    reg_notify(&r, 0);
    assert_int_equal(rig_entry(&r, 0, 70000)[1], 0);
    /* The driver does not want to be interrupted. */
    reg_reasons(&r);
    driver_part(&r, 0)[0] = 1;
    rig_offer(&r, 0, 3);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 70002 & 0xffff);
    assert_int_equal(reg_reasons(&r), 0);
}
BOTH(bits_are_given)

static void indirect_descriptors(void) {
    rig_start(&r, VERSION_1 | INDIRECTS, 1, 8);
    struct desc *table = rig_ram(&r, TABLE);
    for (unsigned i = 0; i < 200; i++)
        table[i] = (struct desc){HART_RAM + DATA + 64 * i, 16, i < 199 ? WRITE | NEXT : WRITE, (uint16_t)(i + 1)};
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + TABLE, 200 * 16, INDIRECT | WRITE, 9};
    rig_offer(&r, 0, 0);
    reg_notify(&r, 0);
    assert_int_equal(rig_entry(&r, 0, 0)[1], 3200);
    for (unsigned i = 0; i < 200; i++) assert_true(filled(DATA + 64 * i, 16));
}
BOTH(indirect_descriptors)

/* Both sides say with which entry they want to be told. */
static void event_indices(void) {
    rig_start(&r, VERSION_1 | EVENT_IDX, 1, 4);
    uint16_t *event = driver_part(&r, 0) + 2 + 4;
    const uint16_t *wanted = device_part(&r, 0) + 2 + 4 * 4;
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + DATA, 8, WRITE, 0};
    for (unsigned i = 0; i < 70000; i++) {
        const bool wants = i % 3 == 0;
        *event = (uint16_t)(wants ? i : i + 1); /* the next one, or the one after that */
        assert_true(i == 0 || *wanted == (uint16_t)i);
        rig_offer(&r, 0, 0);
        reg_notify(&r, 0);
        assert_int_equal(rig_used(&r, 0), (i + 1) & 0xffff);
        if (i) assert_int_equal(reg_reasons(&r), wants ? VIRTIO_USED : 0);
        if (!i) reg_reasons(&r);
    }
    /* Three at once pass one that is waited for. */
    *event = (uint16_t)(rig_used(&r, 0) + 1);
    for (unsigned i = 0; i < 3; i++) rig_offer(&r, 0, 0);
    reg_notify(&r, 0);
    assert_int_equal(reg_reasons(&r), VIRTIO_USED);
}
BOTH(event_indices)

static void features_are_settled(void) {
    reg_put(&r, R_STATUS, 3);
    reg_put(&r, R_CHOSEN_SELECT, 0);
    reg_put(&r, R_CHOSEN, 1); /* not offered */
    reg_put(&r, R_STATUS, 11);
    assert_int_equal(reg_get(&r, R_STATUS), 3);
    reg_put(&r, R_CHOSEN, 0);
    reg_put(&r, R_CHOSEN_SELECT, 2); /* nothing is there */
    reg_put(&r, R_CHOSEN, 1);
    reg_put(&r, R_STATUS, 11);
    assert_int_equal(reg_get(&r, R_STATUS), 11);
    reg_put(&r, R_CHOSEN_SELECT, 0);
    reg_put(&r, R_CHOSEN, 1 << VIRTIO_F_INDIRECT); /* too late */
    const struct virtio *v = r.pci ? &((struct virtio_pci *)r.card->state)->virtio : r.card->state;
    assert_int_equal(v->driver_features, 0);
    reg_put(&r, R_OFFERED_SELECT, 7);
    assert_int_equal(reg_get(&r, R_OFFERED), 0);
}
BOTH(features_are_settled)

/* Nothing happens before the driver is ready, or with a queue that is not. */
static void not_ready(void) {
    rig_start(&r, VERSION_1, 1, 8);
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + DATA, 8, WRITE, 0};
    rig_offer(&r, 0, 0);
    reg_notify(&r, 1);
    reg_notify(&r, 77);
    assert_int_equal(rig_used(&r, 0), 0);
    reg_put(&r, R_STATUS, 0);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 0);
    reg_put(&r, R_STATUS, 15);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 0);
    reg_put(&r, R_SELECT, 1);
    assert_int_equal(reg_get(&r, R_READY), 0);
    reg_put(&r, R_READY, 1);
    reg_put(&r, R_SIZE, 8);
    assert_int_equal(reg_get(&r, R_READY), 0);
}
BOTH(not_ready)

/* ---- drivers that break the rules */

static void expect_broken(const char *what) {
    if (!(reg_get(&r, R_STATUS) & VIRTIO_NEEDS_RESET)) fail_msg("%s goes through", what);
    if (rig_used(&r, 0)) fail_msg("%s: given back", what);
    assert_int_equal(reg_reasons(&r), VIRTIO_CONFIG);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 0);
    reg_put(&r, R_STATUS, 15); /* no way out but a reset */
    assert_true(reg_get(&r, R_STATUS) & VIRTIO_NEEDS_RESET);
}

enum { END = 8 };
static void bad_chains(void) {
    static const struct {
        const char *what;
        uint16_t head;
        struct desc in[4]; /* descriptors 0 to 3 */
        struct desc table[4];
    } rows[] = {
        {"a head that is not there", 8, {{0}}, {{0}}},
        {"another one", 0xffff, {{0}}, {{0}}},
        {"a link that leads away", 0, {{HART_RAM + DATA, 8, WRITE | NEXT, 8}}, {{0}}},
        {"a loop", 0, {{HART_RAM + DATA, 8, WRITE | NEXT, 1}, {HART_RAM + DATA, 8, WRITE | NEXT, 0}}, {{0}}},
        {"a short loop", 0, {{HART_RAM + DATA, 8, WRITE | NEXT, 0}}, {{0}}},
        {"no RAM", 0, {{0x1000, 8, WRITE, 0}}, {{0}}},
        {"the end of RAM", 0, {{HART_RAM + HART_RAM_SIZE - 4, 8, WRITE, 0}}, {{0}}},
        {"a device", 0, {{PLIC, 8, WRITE, 0}}, {{0}}},
        {"all addresses", 0, {{HART_RAM + DATA, UINT32_MAX, WRITE, 0}}, {{0}}},
        {"addresses that wrap around", 0, {{UINT64_MAX - 3, 8, WRITE, 0}}, {{0}}},
        {"nothing", 0, {{HART_RAM + DATA, 0, WRITE, 0}}, {{0}}},
        {"to be read behind to be written",
         0,
         {{HART_RAM + DATA, 8, WRITE | NEXT, 1}, {HART_RAM + DATA, 8, 0, 0}},
         {{0}}},
        {"an indirect table that goes on",
         0,
         {{HART_RAM + TABLE, 32, INDIRECT | NEXT, 1}},
         {{HART_RAM + DATA, 8, WRITE, 0}}},
        {"one of no entries", 0, {{HART_RAM + TABLE, 0, INDIRECT, 0}}, {{HART_RAM + DATA, 8, WRITE, 0}}},
        {"one of half an entry", 0, {{HART_RAM + TABLE, 24, INDIRECT, 0}}, {{HART_RAM + DATA, 8, WRITE, 0}}},
        {"one in no RAM", 0, {{0x1000, 16, INDIRECT, 0}}, {{0}}},
        {"one that is too large", 0, {{HART_RAM + TABLE, 0xfffffff0, INDIRECT, 0}}, {{HART_RAM + DATA, 8, WRITE, 0}}},
        {"one within one",
         0,
         {{HART_RAM + TABLE, 64, INDIRECT, 0}},
         {{HART_RAM + TABLE + 16, 16, INDIRECT, 0}, {HART_RAM + DATA, 8, WRITE, 0}}},
        {"one with a link out of it",
         0,
         {{HART_RAM + TABLE, 16, INDIRECT, 0}},
         {{HART_RAM + DATA, 8, WRITE | NEXT, 1}, {HART_RAM + DATA, 8, WRITE, 0}}},
        {"one with a loop", 0, {{HART_RAM + TABLE, 64, INDIRECT, 0}}, {{HART_RAM + DATA, 8, WRITE | NEXT, 0}}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_start(&r, VERSION_1 | INDIRECTS, 1, END);
        memcpy(descriptors(&r, 0), rows[i].in, sizeof rows[i].in);
        memcpy(rig_ram(&r, TABLE), rows[i].table, sizeof rows[i].table);
        memset(rig_ram(&r, DATA), 0, 16);
        rig_offer(&r, 0, rows[i].head);
        reg_notify(&r, 0);
        expect_broken(rows[i].what);
        assert_int_equal(*(uint64_t *)rig_ram(&r, DATA), 0);
    }
    /* Indirect ones that were not agreed upon. */
    rig_start(&r, VERSION_1, 1, END);
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + TABLE, 16, INDIRECT, 0};
    *(struct desc *)rig_ram(&r, TABLE) = (struct desc){HART_RAM + DATA, 8, WRITE, 0};
    rig_offer(&r, 0, 0);
    reg_notify(&r, 0);
    expect_broken("an indirect table");
    /* More than there is room for. */
    rig_start(&r, VERSION_1, 1, END);
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + DATA, 8, WRITE, 0};
    driver_part(&r, 0)[1] = END + 1;
    reg_notify(&r, 0);
    expect_broken("an index too far ahead");
    rig_start(&r, VERSION_1, 1, END);
    driver_part(&r, 0)[1] = 0xffff;
    reg_notify(&r, 0);
    expect_broken("an index that goes back");
    /* And then everything is fine again. */
    rig_start(&r, VERSION_1, 1, END);
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + DATA, 8, WRITE, 0};
    rig_offer(&r, 0, 0);
    reg_notify(&r, 0);
    assert_int_equal(rig_used(&r, 0), 1);
}
BOTH(bad_chains)

static void bad_queues(void) {
    static const struct {
        const char *what;
        uint32_t size;
        uint64_t descriptors, driver, device;
    } rows[] = {
        {"no entries", 0, HART_RAM, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"three entries", 3, HART_RAM, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"too many entries", 128, HART_RAM, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"descriptors in no RAM", 8, 0, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"descriptors askew", 8, HART_RAM + 8, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"the driver's part nowhere", 8, HART_RAM, UINT64_MAX - 1, HART_RAM + 0x3000},
        {"the driver's part askew", 8, HART_RAM, HART_RAM + 1, HART_RAM + 0x3000},
        {"the device's part in the ROM", 8, HART_RAM, HART_RAM + 0x2000, 0x1000},
        {"the device's part askew", 8, HART_RAM, HART_RAM + 0x2000, HART_RAM + 0x3002},
        {"descriptors out of RAM", 8, HART_RAM + HART_RAM_SIZE - 64, HART_RAM + 0x2000, HART_RAM + 0x3000},
        {"the device's part out of RAM", 8, HART_RAM, HART_RAM + 0x2000, HART_RAM + HART_RAM_SIZE - 64},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        reg_put(&r, R_STATUS, 0);
        reg_put(&r, R_STATUS, 11);
        reg_put(&r, R_SELECT, 0);
        reg_put(&r, R_SIZE, rows[i].size);
        reg_put_address(&r, R_DESCRIPTORS, rows[i].descriptors);
        reg_put_address(&r, R_DRIVER, rows[i].driver);
        reg_put_address(&r, R_DEVICE, rows[i].device);
        reg_put(&r, R_READY, 1);
        if (reg_get(&r, R_READY) || !(reg_get(&r, R_STATUS) & VIRTIO_NEEDS_RESET)) fail_msg("%s", rows[i].what);
        reg_put(&r, R_STATUS, 15 | VIRTIO_NEEDS_RESET);
        reg_notify(&r, 0);
    }
}
BOTH(bad_queues)

/* Whatever width and place: no harm, and nothing that was not asked for. */
static void odd_accesses(void) {
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t offset = 0; offset + size <= 0x1000; offset++) {
            rig_get(&r, r.base + offset, size);
            if (offset % 0x100 != 0x50) rig_put(&r, r.base + offset, size, 0x0101010101010101 * (offset & 255));
        }
    reg_put(&r, R_STATUS, 0);
    bits_are_given();
}
BOTH(odd_accesses)

#define TEST(name)  cmocka_unit_test_setup_teardown(name, make, drop)
#define TESTS(name) TEST(name##_slot), TEST(name##_bus)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(empty_slots),           TEST(slots_fill_from_the_last),
        TEST(bus_as_said),           TESTS(bits_are_given),
        TESTS(indirect_descriptors), TESTS(event_indices),
        TESTS(features_are_settled), TESTS(not_ready),
        TESTS(bad_chains),           TESTS(bad_queues),
        TESTS(odd_accesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
