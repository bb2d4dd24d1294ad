/* The network card: frames in both directions with a peer at the other end of a socket pair, in both transports; frames
 * of many buffers, of none, too large, sums; a peer that goes away. The card's thread takes the machine's lock, so the
 * test has it but while it waits.
 */
#define _GNU_SOURCE
#include "machine/virtio/driver.h"
#include "machine/virtio/transport.h"
#include "machine/net.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE, SEND, HEADER = 12, FOREVER = 10000 /* ms */ };
enum { F_SUMS = 1, F_GUEST_SUMS = 2, F_MTU = 8, F_MERGE = 1 << 15 };
#define VERSION_1 (1ull << 32)

static struct rig r;
static int peer;
static struct machine_options options;
static char netdev[80];
static const char *netdevs[] = {netdev, NULL};

static void lock(void) {
    machine_lock(&r.m, 1);
}
static void unlock(void) {
    machine_unlock(&r.m);
}

static int make(void **state) {
    struct error error = {0};
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    peer = ends[1];
    snprintf(netdev, sizeof netdev, "stream,id=n0,addr.type=fd,addr.str=%d", ends[0]);
    options = (struct machine_options){.netdevs = netdevs};
    rig_make(&r);
    r.vm.counted = false;
    r.m.config = config_make(&options, "program", NULL, &error);
    if (!r.m.config) fail_msg("%s", error.text);
    return 0;
}
static int drop(void **state) {
    struct machine_config *config = r.m.config;
    (void)state;
    rig_free(&r);
    config_free(config);
    if (peer >= 0) close(peer);
    return 0;
}

static struct keyvals keys;
static void plug_in(bool pci, const char *mac) {
    struct error error = {0};
    keys = (struct keyvals){.option = "-device"};
    assert_true(keyvals_add(&keys, "netdev", "n0", &error));
    if (mac) assert_true(keyvals_add(&keys, "mac", mac, &error));
    lock();
    rig_add(&r, pci ? DEVICE_virtio_net_pci : DEVICE_virtio_net_device, pci, &keys);
    unlock();
}

static void start(uint64_t features, uint16_t size) {
    lock();
    rig_start(&r, features | VERSION_1, 2, size);
    unlock();
}

/* Waits until the queue has so many used entries, and gives the lock up meanwhile. */
static void until_used(unsigned queue, unsigned n) {
    for (int i = 0; i < FOREVER; i++) {
        lock();
        const unsigned used = rig_used(&r, queue);
        unlock();
        if (used >= n) break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    lock();
    assert_int_equal(rig_used(&r, queue), n);
    unlock();
}

static void pause_a_little(void) {
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

static void peer_sends(uint32_t size, uint8_t fill) {
    static uint8_t record[70000];
    const uint32_t length = __builtin_bswap32(size);
    memcpy(record, &length, 4);
    memset(record + 4, fill, size);
    assert_int_equal(send(peer, record, size + 4, 0), size + 4);
}

static bool peer_gets(void *to, size_t size) {
    for (size_t have = 0; have < size;) {
        struct pollfd p = {.fd = peer, .events = POLLIN};
        if (poll(&p, 1, FOREVER) <= 0) return false;
        const ssize_t n = recv(peer, (char *)to + have, size - have, 0);
        if (n <= 0) return false;
        have += (size_t)n;
    }
    return true;
}

/* Buffers for what comes, of this size each. */
static void offer_buffers(unsigned from, unsigned n, uint32_t size) {
    lock();
    for (unsigned i = from; i < from + n; i++) {
        descriptors(&r, RECEIVE)[i % r.size] = (struct desc){HART_RAM + DATA + 0x1000 * (i % 64), size, WRITE, 0};
        rig_offer(&r, RECEIVE, (uint16_t)(i % r.size));
    }
    reg_notify(&r, RECEIVE);
    unlock();
}
static uint8_t *buffer(unsigned i) {
    return rig_ram(&r, DATA + 0x1000 * i);
}

static void offer_frame(uint16_t index, uint32_t size, uint8_t fill, const struct net_header *h) {
    uint8_t *at = rig_ram(&r, 0x90000);
    memcpy(at, h, HEADER);
    memset(at + HEADER, fill, size);
    descriptors(&r, SEND)[index] = (struct desc){HART_RAM + 0x90000, HEADER, NEXT, (uint16_t)(index + 1)};
    descriptors(&r, SEND)[index + 1] = (struct desc){HART_RAM + 0x90000 + HEADER, size, 0, 0};
    rig_offer(&r, SEND, index);
}

static void both_ways(bool pci) {
    uint8_t got[104];
    plug_in(pci, NULL);
    lock();
    const uint64_t config = r.base + (pci ? 0x2000 : 0x100);
    const uint64_t offered = rig_offered(&r);
    assert_int_equal(offered & (F_SUMS | F_GUEST_SUMS | F_MTU | F_MERGE | 1 << 5 | 1 << 16),
                     F_SUMS | F_GUEST_SUMS | F_MTU | F_MERGE | 1 << 5 | 1 << 16);
    assert_int_equal(offered & (0x7f << 7), 0); /* a socket takes no frames that are to be cut */
    static const uint8_t mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    for (unsigned i = 0; i < 6; i++) assert_int_equal(rig_get(&r, config + i, 1), mac[i]);
    assert_int_equal(rig_get(&r, config + 6, 2), 1); /* the link is up */
    assert_int_equal(rig_get(&r, config + 10, 2), 65520);
    unlock();
    peer_sends(60, 1); /* before there is a driver */
    start(F_GUEST_SUMS | F_MERGE, 16);
    offer_buffers(0, 2, 200);
    until_used(RECEIVE, 1);
    peer_sends(61, 2);
    until_used(RECEIVE, 2);
    lock();
    assert_int_equal(rig_entry(&r, RECEIVE, 0)[1], 72);
    assert_int_equal(rig_entry(&r, RECEIVE, 1)[1], 73);
    assert_int_equal(buffer(0)[0], NET_SUM_VALID);
    assert_int_equal(buffer(0)[10], 1); /* one buffer */
    assert_int_equal(buffer(1)[HEADER], 2);
    assert_int_equal(buffer(1)[HEADER + 60], 2);
    assert_int_equal(reg_reasons(&r), VIRTIO_USED);
    offer_frame(0, 100, 7, &(struct net_header){0});
    reg_notify(&r, SEND);
    assert_int_equal(rig_used(&r, SEND), 1); /* at once */
    unlock();
    assert_true(peer_gets(got, 104));
    assert_int_equal(got[3], 100);
    assert_int_equal(got[103], 7);
}
static void in_a_slot(void **state) {
    (void)state;
    both_ways(false);
}
static void on_the_bus(void **state) {
    (void)state;
    both_ways(true);
}

static void a_frame_of_many_buffers(void **state) {
    (void)state;
    plug_in(false, NULL);
    start(F_MERGE, 16);
    offer_buffers(0, 3, 100); /* 300 bytes, with the header: too few */
    peer_sends(500, 9);
    peer_sends(60, 8);
    pause_a_little();
    until_used(RECEIVE, 0); /* what is taken is given back */
    offer_buffers(3, 4, 100);
    until_used(RECEIVE, 7);
    lock();
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(rig_entry(&r, RECEIVE, i)[0], i);
        assert_int_equal(rig_entry(&r, RECEIVE, i)[1], i < 5 ? 100 : 12);
    }
    assert_int_equal(buffer(0)[10], 6);
    assert_int_equal(buffer(0)[0], 0); /* nobody has agreed to be told of sums */
    assert_int_equal(buffer(5)[11], 9);
    assert_int_equal(rig_entry(&r, RECEIVE, 6)[1], 72);
    assert_int_equal(buffer(6)[10], 1);
    unlock();
}

/* It would need more than the whole queue, or there may be only one: the next frame comes. */
static void frames_that_fit_nowhere(void **state) {
    (void)state;
    plug_in(false, NULL);
    start(F_MERGE, 4);
    offer_buffers(0, 4, 64);
    peer_sends(1000, 1);
    peer_sends(60, 2);
    until_used(RECEIVE, 2);
    assert_int_equal(buffer(0)[HEADER], 2);
    start(0, 4);
    offer_buffers(0, 2, 100);
    peer_sends(89, 3);
    peer_sends(88, 4);
    until_used(RECEIVE, 1);
    assert_int_equal(buffer(0)[HEADER], 4);
}

static void a_buffer_without_room_for_the_header(void **state) {
    (void)state;
    plug_in(false, NULL);
    start(F_MERGE, 4);
    offer_buffers(0, 4, 11);
    peer_sends(60, 1);
    for (int i = 0; i < FOREVER; i++) {
        lock();
        const uint64_t status = reg_get(&r, R_STATUS);
        const struct virtio_mmio *slot = board_find(&r.m, DEVICE_virtio_net_device)->state;
        const unsigned in_flight = slot->virtio.queue[RECEIVE].in_flight;
        unlock();
        if (status & VIRTIO_NEEDS_RESET) {
            assert_int_equal(in_flight, 0); /* it has been given back */
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail();
}

static void sums_and_nonsense(void **state) {
    uint8_t got[100];
    (void)state;
    plug_in(false, NULL);
    start(F_SUMS, 16);
    lock();
    offer_frame(0, 54, 1, &(struct net_header){.flags = NET_NEEDS_SUM, .sum_start = 14, .sum_offset = 16});
    reg_notify(&r, SEND);
    unlock();
    assert_true(peer_gets(got, 58));
    assert_int_equal(got[4 + 30] << 8 | got[4 + 31], 0xebeb);
    lock();
    offer_frame(2, 54, 1, &(struct net_header){.flags = NET_NEEDS_SUM, .sum_start = 65535, .sum_offset = 16});
    reg_notify(&r, SEND);
    offer_frame(4, 13, 1, &(struct net_header){0}); /* too short */
    reg_notify(&r, SEND);
    offer_frame(6, 70000, 1, &(struct net_header){0}); /* too long */
    reg_notify(&r, SEND);
    offer_frame(8, 54, 1, &(struct net_header){.segments = 1, .segment_size = 20});
    reg_notify(&r, SEND);
    descriptors(&r, SEND)[10] = (struct desc){HART_RAM + 0x90000, 5, 0, 0}; /* not even a header */
    rig_offer(&r, SEND, 10);
    offer_frame(12, 60, 3, &(struct net_header){0});
    reg_notify(&r, SEND);
    assert_int_equal(rig_used(&r, SEND), 7);
    unlock();
    assert_true(peer_gets(got, 64));
    assert_int_equal(got[3], 60);
    assert_int_equal(got[63], 3);
}

/* Nobody reads: what does not fit stays in the queue, and goes later. */
static void a_slow_peer(void **state) {
    static uint8_t got[60004];
    unsigned used = 0;
    (void)state;
    plug_in(false, NULL);
    start(0, 64);
    lock();
    for (uint16_t i = 0; i < 30; i++) offer_frame((uint16_t)(2 * i), 60000, 5, &(struct net_header){0});
    reg_notify(&r, SEND);
    used = rig_used(&r, SEND);
    unlock();
    assert_in_range(used, 1, 29);
    for (unsigned i = 0; i < 30; i++) {
        assert_true(peer_gets(got, sizeof got));
        assert_int_equal(got[60003], 5);
    }
    until_used(SEND, 30);
}

static void the_peer_goes(void **state) {
    (void)state;
    plug_in(false, NULL);
    start(1 << 16, 16);
    offer_buffers(0, 2, 200);
    close(peer);
    peer = -1;
    uint64_t up = 1;
    for (int i = 0; i < FOREVER && up; i++) {
        lock();
        up = rig_get(&r, r.base + 0x100 + 6, 2);
        unlock();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(up, 0);
    lock();
    assert_int_equal(reg_reasons(&r), VIRTIO_CONFIG);
    offer_frame(0, 100, 7, &(struct net_header){0});
    reg_notify(&r, SEND);
    assert_int_equal(rig_used(&r, SEND), 1); /* gone, and nobody waits */
    unlock();
}

static void what_a_card_is_told(void **state) {
    struct error error = {0};
    (void)state;
    plug_in(false, "02:aa:BB:cc:dd:ff");
    lock();
    assert_int_equal(rig_get(&r, r.base + 0x100, 1), 2);
    assert_int_equal(rig_get(&r, r.base + 0x102, 1), 0xbb);
    assert_int_equal(rig_get(&r, r.base + 0x105, 1), 0xff);
    unlock();
    static const char *const bad[] = {"",
                                      "1",
                                      "02:aa:bb:cc:dd",
                                      "02:aa:bb:cc:dd:ff:",
                                      "01:aa:bb:cc:dd:ff",
                                      "02-aa-bb-cc-dd-ff",
                                      "02:aa:bb:cc:dd:fg",
                                      "2:aa:bb:cc:dd:fff",
                                      "02:aa: b:cc:dd:ff"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct keyvals k = {.option = "-device"};
        keyvals_add(&k, "mac", bad[i], &error);
        error = (struct error){0};
        assert_null(board_add(&r.m, DEVICE_virtio_net_device, -1, 0, &k, &error));
        if (!strstr(error.text, "is no address of a card")) fail_msg("%s: %s", bad[i], error.text);
    }
    /* Where runs repeat nothing comes from a network. A card without one has its link down. */
    error = (struct error){0};
    r.vm.counted = true;
    assert_null(board_add(&r.m, DEVICE_virtio_net_device, -1, 0, &keys, &error));
    assert_non_null(strstr(error.text, "counted"));
    error = (struct error){0};
    assert_non_null(board_add(&r.m, DEVICE_virtio_net_device, -1, 0, NULL, &error));
    assert_int_equal(rig_get(&r, SLOTS + 0x1000 * 6 + 0x105, 1), 0x57); /* the second one */
    assert_int_equal(rig_get(&r, SLOTS + 0x1000 * 6 + 0x106, 2), 0);
    r.vm.counted = false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
        TEST(in_a_slot),
        TEST(on_the_bus),
        TEST(a_frame_of_many_buffers),
        TEST(frames_that_fit_nowhere),
        TEST(a_buffer_without_room_for_the_header),
        TEST(sums_and_nonsense),
        TEST(a_slow_peer),
        TEST(the_peer_goes),
        TEST(what_a_card_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
