/* The console: what is shown and typed, in both transports. Standard input and output are pipes while a test runs. */
#include "machine/virtio/driver.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct rig r;
static int in[2], out[2], saved_in, saved_out;

static int make(void **state) {
    (void)state;
    fflush(stdout);
    saved_in = dup(STDIN_FILENO);
    saved_out = dup(STDOUT_FILENO);
    if (pipe(in) || pipe(out)) return 1;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    rig_make(&r);
    return 0;
}
static int drop(void **state) {
    (void)state;
    rig_free(&r);
    dup2(saved_in, STDIN_FILENO);
    dup2(saved_out, STDOUT_FILENO);
    const int all[] = {in[0], in[1], out[0], out[1], saved_in, saved_out};
    for (unsigned i = 0; i < 6; i++)
        if (all[i] >= 0) close(all[i]);
    return 0;
}

static void expect_output(const char *text) {
    char seen[100] = {0};
    console_flush(&r.m.console, r.m.vm);
    const ssize_t n = read(out[0], seen, sizeof seen - 1);
    assert_int_equal(n, strlen(text) ? (ssize_t)strlen(text) : -1);
    assert_string_equal(seen, text);
}

static void shows_and_takes(bool pci) {
    rig_add(&r, pci ? DEVICE_virtio_serial_pci : DEVICE_virtio_serial_device, pci, NULL);
    const uint64_t config = r.base + (pci ? 0x2000 : 0x100);
    rig_put(&r, config + 8, 4, '!'); /* before anything works */
    expect_output("!");
    assert_int_equal(rig_get(&r, config + 4, 4), 1);
    rig_start(&r, rig_offered(&r), 2, 8);
    memcpy(rig_ram(&r, DATA), "hello, ", 7);
    memcpy(rig_ram(&r, DATA + 64), "world", 5);
    descriptors(&r, 1)[0] = (struct desc){HART_RAM + DATA, 7, NEXT, 1};
    descriptors(&r, 1)[1] = (struct desc){HART_RAM + DATA + 64, 5, 0, 0};
    rig_offer(&r, 1, 0);
    reg_notify(&r, 1);
    expect_output("hello, world");
    assert_int_equal(rig_used(&r, 1), 1);
    assert_int_equal(reg_reasons(&r), VIRTIO_USED);
    /* Typed before there is room, and after. */
    assert_int_equal(write(in[1], "abcdefgh", 8), 8);
    assert_false(r.card->listens);
    descriptors(&r, 0)[0] = (struct desc){HART_RAM + DATA, 3, WRITE, 0};
    descriptors(&r, 0)[1] = (struct desc){HART_RAM + DATA + 64, 64, WRITE, 0};
    rig_offer(&r, 0, 0);
    reg_notify(&r, 0);
    vm_clock_advance(&r.vm, (uint64_t)BOARD_INPUT_TICKS * BOARD_TICK_NS);
    board_update(&r.m);
    assert_int_equal(rig_used(&r, 0), 1);
    assert_int_equal(rig_entry(&r, 0, 0)[1], 3);
    assert_memory_equal(rig_ram(&r, DATA), "abc", 3);
    rig_offer(&r, 0, 1);
    reg_notify(&r, 0);
    board_update(&r.m);
    assert_int_equal(rig_used(&r, 0), 2);
    assert_int_equal(rig_entry(&r, 0, 1)[1], 5);
    assert_memory_equal(rig_ram(&r, DATA + 64), "defgh", 5);
    assert_int_equal(reg_reasons(&r), VIRTIO_USED);
    rig_offer(&r, 0, 1);
    reg_notify(&r, 0);
    board_update(&r.m);
    assert_true(r.card->listens);
    assert_int_equal(rig_used(&r, 0), 2);
    /* The end. */
    close(in[1]);
    in[1] = -1;
    vm_clock_advance(&r.vm, (uint64_t)BOARD_INPUT_TICKS * BOARD_TICK_NS);
    board_update(&r.m);
    assert_false(r.card->listens);
    assert_int_equal(rig_used(&r, 0), 2);
}

static void in_a_slot(void **state) {
    (void)state;
    shows_and_takes(false);
}
static void on_the_bus(void **state) {
    (void)state;
    shows_and_takes(true);
}

static void a_port_needs_its_device(void **state) {
    (void)state;
    struct error error = {0};
    assert_null(board_add(&r.m, DEVICE_virtconsole, -1, 0, NULL, &error));
    assert_non_null(strstr(error.text, "virtio-serial-pci"));
    rig_add(&r, DEVICE_virtio_serial_pci, true, NULL);
    assert_non_null(board_add(&r.m, DEVICE_virtconsole, -1, 0, NULL, &error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(in_a_slot), TEST(on_the_bus), TEST(a_port_needs_its_device)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
