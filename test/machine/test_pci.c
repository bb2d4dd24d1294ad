/* The PCI bus: configuration space, base addresses, slots, shared interrupts; with sources of random bytes on it. */
#include "machine/virtio/driver.h"
#include "machine/virtio/transport.h"

static struct rig r;
static struct error error;

static int make(void **state) {
    (void)state;
    error = (struct error){0};
    rig_make(&r);
    return 0;
}
static int drop(void **state) {
    (void)state;
    rig_free(&r);
    return 0;
}

static uint64_t at(unsigned slot, unsigned offset) {
    return ECAM + ((uint64_t)slot << 15) + offset;
}
static uint64_t config(unsigned slot, unsigned offset, unsigned size) {
    return rig_get(&r, at(slot, offset), size);
}
static void set(unsigned slot, unsigned offset, unsigned size, uint64_t value) {
    rig_put(&r, at(slot, offset), size, value);
}
static struct device_host *add(const char *addr) {
    static struct keyvals k[PCI_SLOTS];
    static unsigned n;
    struct keyvals *options = &k[n++ % PCI_SLOTS];
    *options = (struct keyvals){.option = "-device"};
    if (addr) assert_true(keyvals_add(options, "addr", addr, &error));
    return board_add(&r.m, DEVICE_virtio_rng_pci, -1, 0, options, &error);
}
static bool mapped(uint64_t address) {
    uint64_t v;
    return board_read(&r.m, address, 4, &v);
}

static void an_empty_bus(void **state) {
    (void)state;
    assert_int_equal(config(0, 0, 4), 0x00081b36);
    assert_int_equal(config(0, 8, 4), 0x06000000);
    for (unsigned slot = 1; slot < 32; slot++) assert_int_equal(config(slot, 0, 4), UINT32_MAX);
    assert_int_equal(rig_get(&r, ECAM + 0x1000, 4), UINT32_MAX); /* function 1 */
    assert_int_equal(rig_get(&r, ECAM + 0x100000, 4), UINT32_MAX);
    assert_int_equal(rig_get(&r, ECAM + 0xffffffc, 4), UINT32_MAX);
    set(5, 4, 2, 7);
    set(0, 0x10, 4, UINT32_MAX);
    assert_int_equal(config(0, 0x10, 4), 0);
}

static void registers_of_a_function(void **state) {
    (void)state;
    assert_non_null(add(NULL));
    assert_int_equal(config(1, 0, 4), 0x10441af4);
    assert_int_equal(config(1, 0, 8) >> 48, 0x10); /* it has capabilities */
    assert_int_equal(config(1, 8, 4), 0x00ff0001);
    assert_int_equal(config(1, 0x2c, 4), 0x11001af4);
    assert_int_equal(config(1, 0x3d, 1), 1);
    set(1, 0, 4, 0);
    set(1, 8, 4, 0);
    assert_int_equal(config(1, 0, 4), 0x10441af4);
    assert_int_equal(config(1, 8, 4), 0x00ff0001);
    set(1, 4, 2, 0xffff);
    assert_int_equal(config(1, 4, 2), 0x0547);
    set(1, 0x3c, 1, 77);
    assert_int_equal(config(1, 0x3c, 4), 77 | 1 << 8);
    /* What is not there, and accesses that run out of what is. */
    assert_int_equal(config(1, 0x100, 4), 0);
    assert_int_equal(config(1, 0xff8, 8), 0);
    set(1, 0x100, 8, UINT64_MAX);
    set(1, 0xfc, 8, UINT64_MAX);
    for (unsigned i = 0; i < 0x100; i += 4)
        for (unsigned size = 1; size <= 8; size *= 2) set(1, i, size, UINT64_MAX);
    assert_int_equal(config(1, 0, 4), 0x10441af4);
}

static void base_addresses(void **state) {
    (void)state;
    assert_non_null(add(NULL));
    assert_non_null(add(NULL));
    set(1, 0x10, 4, UINT32_MAX); /* how large? */
    assert_int_equal(config(1, 0x10, 4), 0xffffc000);
    set(1, 0x14, 4, UINT32_MAX);
    assert_int_equal(config(1, 0x14, 4), 0);
    set(1, 0x10, 4, 0x40004001);
    assert_int_equal(config(1, 0x10, 4), 0x40004000);
    assert_false(mapped(0x40004000)); /* not enabled */
    set(1, 4, 2, PCI_MEMORY);
    assert_true(mapped(0x40004000) && mapped(0x40007ffc) && !mapped(0x40008000) && !mapped(0x40000000));
    /* It moves, a byte at a time. */
    set(1, 0x11, 1, 0x80);
    assert_true(mapped(0x40008000) && !mapped(0x40004000));
    /* Where another one is; where RAM is; at the edges of the window. */
    set(2, 4, 2, PCI_MEMORY);
    set(2, 0x10, 4, 0x40008000);
    assert_true(mapped(0x40008000));
    set(1, 4, 2, 0);
    assert_true(mapped(0x40008000));
    set(2, 4, 2, 0);
    assert_false(mapped(0x40008000));
    set(2, 4, 2, PCI_MEMORY);
    static const uint32_t outside[] = {0, 0x0c000000, 0x3fffc000, 0x80000000, 0xffffc000};
    for (unsigned i = 0; i < 5; i++) {
        set(2, 0x10, 4, outside[i]);
        assert_int_equal(config(2, 0x10, 4), outside[i]);
        assert_false(board_find(&r.m, DEVICE_virtio_rng_pci)->region[0].mapped);
        assert_int_equal(rig_get(&r, HART_RAM, 8), 0);
    }
    set(2, 0x10, 4, 0x7fffc000);
    assert_true(mapped(0x7fffc000) && mapped(0x7ffffffc));
}

static unsigned capability(unsigned slot, unsigned type) {
    unsigned found = 0;
    for (unsigned c = (unsigned)config(slot, 0x34, 1), n = 0; c; c = (unsigned)config(slot, c + 1, 1), n++) {
        assert_true(c >= 0x40 && c % 4 == 0 && n < 8);
        assert_int_equal(config(slot, c, 1), 9);
        assert_true(config(slot, c + 2, 1) >= 16);
        if (config(slot, c + 3, 1) == type) found = c;
    }
    return found;
}

static void capabilities_lead_to_registers(void **state) {
    (void)state;
    assert_non_null(add(NULL));
    const unsigned common = capability(1, 1), notify = capability(1, 2), isr = capability(1, 3),
                   window = capability(1, 5);
    assert_true(common && notify && isr && window);
    assert_int_equal(capability(1, 4), 0); /* it has no configuration of its own */
    assert_int_equal(config(1, common + 4, 4), 0);
    assert_int_equal(config(1, common + 8, 4), 0);
    assert_int_equal(config(1, common + 12, 4), 56);
    assert_int_equal(config(1, notify + 8, 4), 0x3000);
    assert_int_equal(config(1, notify + 16, 4), 4);
    assert_int_equal(config(1, isr + 8, 4), 0x1000);
    /* The window: no base address is needed. */
    set(1, window + 12, 4, 1);
    set(1, window + 8, 4, 0x14);
    set(1, window + 16, 1, 1);
    assert_int_equal(config(1, window + 16, 1), 1); /* the status */
    set(1, window + 12, 4, 2);
    set(1, window + 8, 4, 0x12);
    assert_int_equal(config(1, window + 16, 4), 1); /* queues */
    static const struct {
        uint32_t bar, offset, length;
    } nowhere[] = {{1, 0x14, 1}, {0, 0x14, 3},       {0, 0x14, 0}, {0, 0x4000, 4},
                   {0, 0x15, 4}, {0, UINT32_MAX, 1}, {0, 0, 8}};
    for (unsigned i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        set(1, window + 4, 1, nowhere[i].bar);
        set(1, window + 8, 4, nowhere[i].offset);
        set(1, window + 12, 4, nowhere[i].length);
        assert_int_equal(config(1, window + 16, 4), 0);
        set(1, window + 16, 4, 0);
    }
}

static void slots(void **state) {
    (void)state;
    assert_non_null(add("7"));
    assert_non_null(add("0x1f"));
    assert_non_null(add("0a.0"));
    assert_null(add("7"));
    assert_string_equal(error.text, "-device virtio-rng-pci: addr=7 is taken by virtio-rng-pci");
    static const char *const bad[] = {"0", "20", "32", "", "0x", "g", "7.1", "7.0.0", "-1", "100000007"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) assert_null(add(bad[i]));
    for (unsigned i = 1; i < 31; i++)
        if (i != 7 && i != 10) assert_non_null(add(NULL));
    error = (struct error){0};
    assert_null(add(NULL));
    assert_non_null(strstr(error.text, "all 32 slots"));
    for (unsigned i = 1; i < 32; i++) assert_int_equal(config(i, 0, 2), 0x1af4);
}

/* Slots 2 and 6 lead to the same pin. */
static void shared_interrupts(void **state) {
    (void)state;
    struct device_host *two = add("2"), *six = add("6"), *plic = board_find(&r.m, DEVICE_plic);
    struct virtio_pci *a = two->state, *b = six->state;
    r.interrupt = 34;
    assert_false(rig_pending(&r));
    virtio_raise(&a->virtio, VIRTIO_USED);
    two->device->update(a, two);
    assert_true(rig_pending(&r));
    assert_int_equal(config(2, 6, 2) & 8, 8);
    assert_int_equal(config(6, 6, 2) & 8, 0);
    /* The interrupt is claimed: the wire stays up, but who has something new to say is heard. */
    rig_put(&r, PLIC + 4 * 34, 4, 1);
    rig_put(&r, PLIC + 0x2000 + 4, 4, 1 << 2);
    assert_int_equal(rig_get(&r, PLIC + 0x200004, 4), 34);
    rig_put(&r, PLIC + 0x200004, 4, 34);
    assert_false(rig_pending(&r));
    two->device->update(a, two);
    assert_false(rig_pending(&r));
    virtio_raise(&b->virtio, VIRTIO_USED);
    six->device->update(b, six);
    assert_true(rig_pending(&r));
    a->virtio.reasons = 0;
    two->device->update(a, two);
    assert_true(rig_pending(&r)); /* the other one */
    set(6, 4, 2, PCI_NO_INTX);
    assert_false(rig_pending(&r));
    assert_int_equal(config(6, 6, 2) & 8, 8);
    set(6, 4, 2, 0);
    assert_true(rig_pending(&r));
    (void)plic;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_bus), TEST(registers_of_a_function), TEST(base_addresses), TEST(capabilities_lead_to_registers),
        TEST(slots),        TEST(shared_interrupts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
