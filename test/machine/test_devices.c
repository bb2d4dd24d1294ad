/* The board and its devices with a cpu by hand and no engine: registers, wires, the clock, the map of addresses, the
 * console.
 */
#include "machine/hart.h"
#include "machine/board.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    CLINT = 0x2000000,
    PLIC = 0xc000000,
    UART = 0x10000000,
    FINISHER = 0x100000,
    RTC = 0x101000,
    ENTROPY = 0x102000,
    TOHOST = 0x80001000u,
    FROMHOST = 0x80001040u
};
enum { MTIMECMP = CLINT + 0x4000, MTIME = CLINT + 0xbff8 };

static struct hart *h;
static struct vm vm;
static struct machine_config config;
static struct machine m;
static struct error error;
static int in[2], out[2], saved_in, saved_out;

static bool symbol(const void *of, const char *name, uint64_t *value) {
    *value = !strcmp(name, "tohost") ? TOHOST : FROMHOST;
    return of != NULL;
}

/* Standard input and output are pipes while a test runs. */
static int make(void **state) {
    (void)state;
    fflush(stdout);
    saved_in = dup(STDIN_FILENO);
    saved_out = dup(STDOUT_FILENO);
    if (pipe(in) || pipe(out)) return 1;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    h = hart_make();
    vm = (struct vm){.cpu = &h->cpu.c, .counted = true, .stop_at = UINT64_MAX, .next_event = UINT64_MAX};
    m = (struct machine){.vm = &vm, .config = &config, .ram = h->ram, .ram_size = HART_RAM_SIZE, .board = boards[0]};
    m.cpus[0] = vm.cpu;
    m.ncpus = 1;
    vm.data = &m;
    return board_init(&m, symbol, &m, &error) && board_boot(&m, HART_RAM, HART_RAM) ? 0 : 1;
}
static int drop(void **state) {
    (void)state;
    dup2(saved_in, STDIN_FILENO);
    dup2(saved_out, STDOUT_FILENO);
    const int all[] = {in[0], in[1], out[0], out[1], saved_in, saved_out};
    for (unsigned i = 0; i < 6; i++)
        if (all[i] >= 0) close(all[i]);
    board_done(&m);
    hart_free(h);
    return 0;
}

static uint64_t get(uint64_t at, unsigned size) {
    uint64_t v = 0x5a5a5a5a5a5a5a5a;
    assert_true(board_read(&m, at, size, &v));
    return v;
}
static void put(uint64_t at, unsigned size, uint64_t v) {
    assert_true(board_write(&m, at, size, v));
}
static bool pending(unsigned irq) {
    return riscv_pending(&h->cpu) >> irq & 1;
}
static void type(const char *text) {
    assert_int_equal(write(in[1], text, strlen(text)), strlen(text));
}
static void expect_output(const char *text) {
    char seen[100] = {0};
    console_flush(&m.console, m.vm);
    ssize_t n = read(out[0], seen, sizeof seen - 1);
    assert_int_equal(n, strlen(text) ? (ssize_t)strlen(text) : -1);
    assert_string_equal(seen, text);
}
static void pass_ticks(uint64_t ticks) {
    vm_clock_advance(&vm, ticks * BOARD_TICK_NS);
    board_update(&m);
}

static void nothing_is_where_nothing_is(void **state) {
    (void)state;
    static const uint64_t empty[] = {0,
                                     0x2000,
                                     0x200000,
                                     CLINT - 8,
                                     CLINT + 0x10000,
                                     0x40000000,
                                     HART_RAM - 8,
                                     HART_RAM + (uint64_t)HART_RAM_SIZE,
                                     UINT64_MAX - 7};
    uint64_t v;
    for (unsigned i = 0; i < sizeof empty / sizeof *empty; i++) {
        assert_false(board_read(&m, empty[i], 8, &v));
        assert_false(board_write(&m, empty[i], 8, 0));
    }
    assert_false(board_read(&m, HART_RAM + HART_RAM_SIZE - 4, 8, &v)); /* half in, half out */
    assert_false(board_read(&m, TOHOST - 4, 8, &v));                   /* RAM and device */
    assert_null(phys_ram(&m.phys, TOHOST & ~4095ull, 4096));
    assert_non_null(phys_ram(&m.phys, TOHOST + 8, 4088));
}

static void the_rom_leads_to_the_program(void **state) {
    (void)state;
    assert_int_equal(get(0x1018, 8), HART_RAM);
    assert_int_equal(get(0x1000, 4), 0x297);
    assert_false(board_write(&m, 0x1000, 4, 0));
    assert_int_equal(get(0x1000, 4), 0x297);
    assert_null(phys_ram(&m.phys, 0x1000, 4));
    assert_non_null(phys_readable(&m.phys, 0x1000, 4096));
}

static void the_clock_ticks_with_the_count(void **state) {
    (void)state;
    assert_int_equal(get(MTIME, 8), 0);
    vm_clock_advance(&vm, 99);
    assert_int_equal(get(MTIME, 8), 0);
    h->cpu.c.count.executed = 1; /* one instruction */
    assert_int_equal(get(MTIME, 8), 1);
    put(MTIME, 8, 1ull << 40);
    assert_int_equal(get(MTIME, 8), 1ull << 40);
    h->cpu.c.count.executed = 101;
    assert_int_equal(get(MTIME, 8), (1ull << 40) + 1);
    put(MTIME + 4, 4, 7); /* halves */
    assert_int_equal(get(MTIME, 8), 7ull << 32 | 1);
    assert_int_equal(get(MTIME + 4, 4), 7);
    assert_int_equal(get(MTIME, 4), 1);
}

static void the_timer(void **state) {
    (void)state;
    assert_int_equal(get(MTIMECMP, 8), UINT64_MAX);
    assert_false(pending(IRQ_MTI));
    put(MTIMECMP, 8, 500);
    assert_true(m.changed);
    board_update(&m);
    assert_int_equal(vm.next_event, 500 * BOARD_TICK_NS);
    pass_ticks(499);
    assert_false(pending(IRQ_MTI));
    pass_ticks(1);
    assert_true(pending(IRQ_MTI));
    assert_int_equal(vm.next_event, UINT64_MAX);
    put(MTIMECMP + 4, 4, 1);
    assert_false(pending(IRQ_MTI));
    put(MTIMECMP, 8, 3);
    assert_true(pending(IRQ_MTI));
    /* Setting the clock back takes the interrupt back. */
    put(MTIME, 8, 0);
    board_update(&m);
    assert_false(pending(IRQ_MTI));
    assert_int_equal(vm.next_event, cpu_count(vm.cpu) + 3 * BOARD_TICK_NS);
}

static void a_time_out_of_sight_is_never(void **state) {
    (void)state;
    put(MTIMECMP, 8, UINT64_MAX - 1);
    board_update(&m);
    assert_int_equal(vm.next_event, UINT64_MAX);
}

static void software_interrupts(void **state) {
    (void)state;
    put(CLINT, 4, 0xfe);
    assert_false(pending(IRQ_MSI));
    put(CLINT, 4, 0xff);
    assert_true(pending(IRQ_MSI));
    assert_int_equal(get(CLINT, 4), 1);
    put(CLINT, 4, 0);
    assert_false(pending(IRQ_MSI));
    put(CLINT + 4, 4, 1); /* a hart that is not there */
    assert_int_equal(get(CLINT + 4, 4), 0);
    uint64_t v;
    assert_false(board_read(&m, CLINT, 1, &v));
    assert_false(board_write(&m, CLINT + 2, 4, 1));
}

static void text_goes_out_line_by_line(void **state) {
    (void)state;
    for (const char *p = "line\nrest"; *p; p++) put(UART, 1, (uint8_t)*p);
    char seen[10] = {0};
    assert_int_equal(read(out[0], seen, 9), 5);
    assert_string_equal(seen, "line\n");
    expect_output("rest");
    assert_int_equal(get(UART + 5, 1), 0x60);
}

static void input_is_there_when_asked_for(void **state) {
    (void)state;
    assert_int_equal(get(UART + 5, 1) & 1, 0);
    type("xy");
    assert_int_equal(get(UART + 5, 1) & 1, 0); /* looked at in this tick already */
    pass_ticks(1);
    assert_int_equal(get(UART + 5, 1) & 1, 1);
    assert_int_equal(get(UART, 1), 'x');
    assert_int_equal(get(UART, 1), 0);
    pass_ticks(1);
    assert_int_equal(get(UART + 5, 1) & 1, 1);
    assert_int_equal(get(UART, 1), 'y');
}

static void input_interrupts(void **state) {
    (void)state;
    put(PLIC + 4 * 10, 4, 1);
    put(PLIC + 0x2000, 4, 1 << 10);
    put(UART + 2, 1, 1);
    put(UART + 1, 1, 1);
    assert_true(board_find(&m, DEVICE_uart)->listens);
    type("0123456789abcdefgh");
    assert_false(pending(IRQ_MEI));
    pass_ticks(BOARD_INPUT_TICKS);
    assert_true(pending(IRQ_MEI));
    for (const char *p = "0123456789abcdefgh"; *p; p++) {
        assert_true(pending(IRQ_MEI));
        assert_int_equal(get(UART + 2, 1), 0xc4);
        assert_int_equal(get(UART, 1), (uint8_t)*p);
    }
    assert_false(pending(IRQ_MEI));
    assert_int_equal(get(UART + 2, 1), 0xc1);
    close(in[1]);
    in[1] = -1;
    pass_ticks(BOARD_INPUT_TICKS);
    assert_false(board_find(&m, DEVICE_uart)->listens); /* the end: nobody waits any more */
    bool listens;
    assert_true(board_idle_ns(&m, &listens) == UINT64_MAX && !listens);
}

static void claims_and_completions(void **state) {
    (void)state;
    struct device_host *plic = board_find(&m, DEVICE_plic);
    for (unsigned s = 1; s < 96; s++) put(PLIC + 4 * s, 4, s % 7 + 1);
    for (unsigned word = 0; word < 3; word++) put(PLIC + 0x2000 + 4 * word, 4, UINT32_MAX);
    for (unsigned s = 1; s < 96; s++) plic->device->wire(plic->state, plic, s, true);
    board_update(&m);
    unsigned last = 8, last_source = 0;
    for (unsigned n = 1; n < 96; n++) {
        assert_true(pending(IRQ_MEI) && !pending(IRQ_SEI));
        unsigned s = (unsigned)get(PLIC + 0x200004, 4), priority = s % 7 + 1;
        assert_true(priority < last || (priority == last && s > last_source)); /* the highest, of these the first */
        last = priority, last_source = s;
    }
    assert_false(pending(IRQ_MEI));
    assert_int_equal(get(PLIC + 0x200004, 4), 0);
    put(PLIC + 0x200004, 4, 50);
    assert_false(pending(IRQ_MEI)); /* its wire is still up, but asks only once */
    plic->device->wire(plic->state, plic, 50, false);
    plic->device->wire(plic->state, plic, 50, true);
    board_update(&m);
    assert_true(pending(IRQ_MEI));
    put(PLIC + 0x200000, 4, 7);
    assert_false(pending(IRQ_MEI));
    assert_int_equal(get(PLIC + 0x200004, 4), 50); /* the threshold is no matter for claims */
    plic->device->wire(plic->state, plic, 50, false);
    put(PLIC + 0x200000, 4, 0);
    put(PLIC + 0x200004, 4, 50);
    assert_false(pending(IRQ_MEI));
    /* A context completes only what is enabled for it. */
    plic->device->wire(plic->state, plic, 51, false);
    plic->device->wire(plic->state, plic, 51, true); /* while it is claimed */
    put(PLIC + 0x201004, 4, 51);
    assert_false(pending(IRQ_MEI));
    put(PLIC + 0x200004, 4, 51);
    assert_true(pending(IRQ_MEI));
    put(PLIC + 0x200004, 4, 96); /* no such source */
    uint64_t v;
    assert_false(board_read(&m, PLIC, 8, &v));
}

static void the_power_goes_off(void **state) {
    (void)state;
    static const struct {
        uint32_t written;
        bool off;
        int status;
    } rows[] = {{0, false, 0},      {0x5555, true, 0},    {0x7777, false, 0},    {0x3333, true, 1},
                {0x33333, true, 3}, {0x1003333, true, 1}, {0xff3333, true, 255}, {0x1234, false, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        m.off = false;
        m.status = 0;
        m.resets = false;
        put(FINISHER, 4, rows[i].written);
        assert_int_equal(m.resets, rows[i].written == 0x7777);
        assert_int_equal(m.off, rows[i].off);
        assert_int_equal(m.status, rows[i].status);
    }
    assert_int_equal(get(FINISHER, 4), 0);
}

static void test_programs_end(void **state) {
    (void)state;
    put(TOHOST, 8, 1);
    assert_true(m.off && m.status == 0);
    m.off = false;
    put(TOHOST, 4, 7 << 1 | 1); /* takes effect with the upper half */
    assert_false(m.off);
    assert_int_equal(get(TOHOST, 8), 15);
    put(TOHOST + 4, 4, 0);
    assert_true(m.off && m.status == 7);
    assert_int_equal(get(TOHOST, 8), 0);
    m.off = false;
    put(TOHOST, 8, 256 << 1 | 1); /* a failure does not look like success */
    assert_true(m.off && m.status == 1);
}

static void test_programs_print(void **state) {
    (void)state;
    for (const char *p = "hi"; *p; p++) put(TOHOST, 8, 1ull << 56 | 1ull << 48 | (uint8_t)*p);
    expect_output("hi");
    assert_int_equal(get(FROMHOST, 8), 0);
}

static uint64_t calendar(void) {
    uint64_t low = get(RTC, 4);
    return get(RTC + 4, 4) << 32 | low;
}
static void set_alarm(uint64_t at) {
    put(RTC + 12, 4, at >> 32);
    put(RTC + 8, 4, (uint32_t)at);
}

static void the_calendar_clock(void **state) {
    (void)state;
    const uint64_t start = 1000000000ull * 1000000000;
    uint64_t v;
    assert_int_equal(calendar(), start);
    vm_clock_advance(&vm, 5);
    put(MTIME, 8, 1ull << 50); /* another clock */
    assert_int_equal(calendar(), start + 5);
    /* The high half is that of the low half that was read before. */
    put(RTC + 4, 4, 7);
    put(RTC, 4, UINT32_MAX);
    assert_int_equal(get(RTC, 4), UINT32_MAX);
    vm_clock_advance(&vm, 1);
    assert_int_equal(get(RTC + 4, 4), 7);
    assert_int_equal(get(RTC, 4), 0);
    assert_int_equal(get(RTC + 4, 4), 8);
    assert_false(board_read(&m, RTC, 8, &v));
    assert_false(board_read(&m, RTC + 2, 4, &v));
    assert_false(board_write(&m, RTC, 1, 0));
}

static void the_alarm_rings(void **state) {
    (void)state;
    put(PLIC + 4 * 11, 4, 1);
    put(PLIC + 0x2000, 4, 1 << 11);
    put(RTC + 16, 4, 1);
    vm_clock_advance(&vm, 50);
    uint64_t at = calendar() + 1060; /* between two ticks */
    set_alarm(at);
    assert_int_equal(get(RTC + 24, 4), 1);
    assert_int_equal(get(RTC + 8, 4), (uint32_t)at);
    assert_int_equal(get(RTC + 12, 4), at >> 32);
    board_update(&m);
    assert_int_equal(vm.next_event, 1150); /* 50 have passed without an instruction; 1110 is no tick */
    vm_clock_advance(&vm, 1059);
    board_update(&m);
    assert_false(pending(IRQ_MEI));
    vm_clock_advance(&vm, 1);
    board_update(&m);
    assert_true(pending(IRQ_MEI));
    assert_int_equal(get(RTC + 24, 4), 0);
    put(RTC + 16, 4, 0); /* not enabled, but not forgotten */
    assert_false(pending(IRQ_MEI));
    put(RTC + 16, 4, 1);
    assert_true(pending(IRQ_MEI));
    put(RTC + 28, 4, 1);
    assert_false(pending(IRQ_MEI));
    /* In the past: at once. Taken back: not at all. Out of sight: never. */
    set_alarm(at);
    assert_true(pending(IRQ_MEI));
    put(RTC + 28, 4, 1);
    set_alarm(calendar() + 1000);
    put(RTC + 20, 4, 1);
    pass_ticks(100);
    assert_false(pending(IRQ_MEI));
    set_alarm(UINT64_MAX);
    board_update(&m);
    assert_int_equal(vm.next_event, UINT64_MAX);
    /* Setting the clock past the alarm rings, too. */
    set_alarm(calendar() + (1ull << 40));
    put(RTC + 4, 4, (calendar() >> 32) + 1000);
    assert_true(pending(IRQ_MEI));
}

/* Random bits, the same in every run of the same seed. */
static void random_bits(void **state) {
    (void)state;
    uint64_t first[8], v;
    for (unsigned run = 0; run < 2; run++) {
        vm.random = 7;
        for (unsigned i = 0; i < 8; i++) {
            assert_true(board_read(&m, ENTROPY, 4, &v));
            assert_true(v <= UINT32_MAX);
            if (run) assert_int_equal(v, first[i]);
            if (i) assert_int_not_equal(v, first[i - 1]);
            first[i] = v;
        }
        assert_true(board_write(&m, ENTROPY, 4, 0));
    }
    assert_false(board_read(&m, ENTROPY, 2, &v) || board_read(&m, ENTROPY, 8, &v) ||
                 board_read(&m, ENTROPY + 4, 4, &v));
    assert_false(board_write(&m, ENTROPY + 4, 4, 0) || board_write(&m, ENTROPY, 1, 0));
}

static void names_of_fields_are_unique(void **state) {
    (void)state;
    assert_int_equal(m.ndevices, m.board->nplaces);
    for (unsigned d = 0; d < m.ndevices; d++) {
        const struct device *device = m.devices[d]->device;
        size_t total = 0;
        bool plain = true; /* others have rows for what is no state, too, and an initializer that checks them */
        for (unsigned i = 0; i < device->nfields; i++) {
            plain &= device->fields[i].kind == FIELD_NUMBERS;
            total += (size_t)device->fields[i].size * device->fields[i].count;
            assert_ptr_equal(field_find(device->fields, device->nfields, device->fields[i].name), &device->fields[i]);
        }
        assert_true(total <= device->state_size); /* the struct is its fields, and padding */
        assert_true(!plain || device->state_size < total + 16);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_where_nothing_is),
        TEST(the_rom_leads_to_the_program),
        TEST(the_clock_ticks_with_the_count),
        TEST(the_timer),
        TEST(a_time_out_of_sight_is_never),
        TEST(software_interrupts),
        TEST(text_goes_out_line_by_line),
        TEST(input_is_there_when_asked_for),
        TEST(input_interrupts),
        TEST(claims_and_completions),
        TEST(the_power_goes_off),
        TEST(test_programs_end),
        TEST(test_programs_print),
        TEST(the_calendar_clock),
        TEST(the_alarm_rings),
        TEST(random_bits),
        TEST(names_of_fields_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
