/* Device trees: the format, read back token by token; that what does not fit is noticed; what the board says of itself
 * and where it puts it.
 */
#include "machine/hart.h"
#include "machine/board.h"
#include "machine/tree.h"
#include <stdio.h>

static uint8_t flat[TREE_MAX];

static uint32_t word(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The property of the node with this path (names joined by '/', the root's is empty), or NULL; checks every token. */
static const uint8_t *find(const uint8_t *tree, const char *path, const char *property, uint32_t *size) {
    const uint8_t *structure = tree + word(tree + 8), *names = tree + word(tree + 12), *found = NULL;
    const uint8_t *p = structure, *end = structure + word(tree + 36);
    char here[256] = "";
    unsigned depth = 0;
    assert_int_equal(word(tree), 0xd00dfeed);
    assert_int_equal(word(tree + 20), 17);
    while (p < end) {
        uint32_t token = word(p);
        p += 4;
        if (token == 1) {
            size_t length = strlen((const char *)p);
            if (depth++) strcat(strcat(here, "/"), (const char *)p);
            p += (length + 4) & ~(size_t)3;
        } else if (token == 2) {
            assert_true(depth-- > 0);
            if (depth) *strrchr(here, '/') = 0;
        } else if (token == 3) {
            uint32_t length = word(p), name = word(p + 4);
            assert_true(name < word(tree + 32) && p + 8 + length <= end);
            if (!strcmp(here, path) && !strcmp((const char *)names + name, property)) {
                assert_null(found); /* once only */
                found = p + 8;
                *size = length;
            }
            p += 8 + ((length + 3) & ~3u);
        } else {
            assert_int_equal(token, 9);
            break;
        }
    }
    assert_ptr_equal(p, end);
    assert_int_equal(depth, 0);
    return found;
}

static void what_is_written_can_be_read(void **state) {
    (void)state;
    struct tree *t = calloc(1, sizeof *t);
    uint32_t size;
    tree_open(t, "");
    tree_cell(t, "answer", 42);
    tree_open_at(t, "node", 0x1000);
    tree_text(t, "text", "abc");
    tree_texts(t, "texts", "one two");
    tree_flag(t, "flag");
    tree_range(t, "range", 0x123456789a, 5);
    tree_cell(t, "answer", 43);
    tree_close(t);
    tree_close(t);
    size_t total = tree_finish(t, flat);
    assert_int_equal(total, word(flat + 4));
    assert_int_equal(total % 8, 0);
    assert_int_equal(word(find(flat, "", "answer", &size)), 42);
    assert_int_equal(word(find(flat, "/node@1000", "answer", &size)), 43);
    assert_memory_equal(find(flat, "/node@1000", "text", &size), "abc", 4);
    assert_int_equal(size, 4);
    assert_memory_equal(find(flat, "/node@1000", "texts", &size), "one\0two", 8);
    assert_int_equal(size, 8);
    assert_non_null(find(flat, "/node@1000", "flag", &size));
    assert_int_equal(size, 0);
    const uint8_t *range = find(flat, "/node@1000", "range", &size);
    assert_true(size == 16 && word(range) == 0x12 && word(range + 4) == 0x3456789a && word(range + 12) == 5);
    assert_null(find(flat, "/node@1000", "nothing", &size));
    free(t);
}

static void too_much_is_noticed(void **state) {
    (void)state;
    struct tree *t = calloc(1, sizeof *t);
    char name[32], long_text[200];
    tree_open(t, "");
    for (unsigned i = 0; i < 10000; i++) tree_cell(t, "cell", i);
    assert_int_equal(tree_finish(t, flat), 0);
    memset(t, 0, sizeof *t);
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "property-number-%u", i);
        tree_flag(t, name);
    }
    assert_int_equal(tree_finish(t, flat), 0);
    memset(t, 0, sizeof *t);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    tree_texts(t, "texts", long_text);
    assert_int_equal(tree_finish(t, flat), 0);
    free(t);
}

static bool no_symbol(const void *of, const char *name, uint64_t *value) {
    (void)of, (void)name, (void)value;
    return false;
}

static uint64_t first_cell_pair(const uint8_t *p) {
    return (uint64_t)word(p) << 32 | word(p + 4);
}

static void the_board_describes_itself(void **state) {
    (void)state;
    struct hart *h = hart_make();
    static struct machine_config config = {.append = "console=ttyS0 quiet"};
    struct vm vm = {.cpu = &h->cpu.c, .counted = true};
    struct machine m = {.vm = &vm,
                        .config = &config,
                        .board = boards[0],
                        .ram = h->ram,
                        .ram_size = HART_RAM_SIZE,
                        .ncpus = 1,
                        .cpus = {&h->cpu.c}};
    struct error error = {0};
    uint64_t at, end = (uint64_t)HART_RAM + HART_RAM_SIZE;
    uint32_t size;
    assert_true(board_init(&m, no_symbol, NULL, &error));
    assert_true(board_boot(&m, HART_RAM + 4096, HART_RAM));
    assert_true(board_read(&m, 0x1020, 8, &at)); /* what the ROM gives to the program */
    assert_true(at > HART_RAM && at < end);
    const uint8_t *tree = h->ram + (at - HART_RAM), *p;
    assert_true(at + word(tree + 4) <= end);
    p = find(tree, "/memory@80000000", "reg", &size);
    assert_int_equal(first_cell_pair(p), HART_RAM);
    assert_int_equal(first_cell_pair(p + 8), HART_RAM_SIZE);
    assert_int_equal(word(find(tree, "/cpus", "timebase-frequency", &size)), 10000000);
    p = find(tree, "/chosen", "bootargs", &size);
    assert_int_equal(size, sizeof "console=ttyS0 quiet");
    assert_string_equal((const char *)p, "console=ttyS0 quiet");
    assert_string_equal((const char *)find(tree, "/soc/rng@102000", "compatible", &size), "timeriomem_rng");
    assert_int_equal(word(find(tree, "/soc/rng@102000", "period", &size)), 1);
    const char *isa = (const char *)find(tree, "/cpus/cpu@0", "riscv,isa", &size);
    assert_int_equal(strncmp(isa, "rv64imafdc_zic", 14), 0);
    assert_non_null(strstr(isa, "_zicbom_zicboz_")); /* of machines only, and of processes */
    assert_non_null(strstr(isa, "_sstc"));
    /* Each device is where accesses find it, and its wires lead to what has this phandle. */
    for (unsigned d = 0; d < m.ndevices; d++) {
        char path[64];
        const struct device_host *host = m.devices[d];
        const uint64_t start = host->region[0].start;
        if (!host->device->node) continue;
        snprintf(path, sizeof path, "/soc/%s@%llx", host->device->node, (unsigned long long)start);
        p = find(tree, path, "reg", &size);
        assert_int_equal(first_cell_pair(p), start);
        assert_int_equal(first_cell_pair(p + 8), host->device->size);
        const struct phys_region *r = phys_find(&m.phys, start, 1);
        assert_true(r && r->kind == PHYS_DEVICE && r->device == d && r->number == 0);
    }
    uint32_t cpu = word(find(tree, "/cpus/cpu@0/interrupt-controller", "phandle", &size));
    uint32_t plic = word(find(tree, "/soc/plic@c000000", "phandle", &size));
    p = find(tree, "/soc/clint@2000000", "interrupts-extended", &size);
    assert_true(size == 16 && word(p) == cpu && word(p + 4) == IRQ_MSI && word(p + 8) == cpu &&
                word(p + 12) == IRQ_MTI);
    p = find(tree, "/soc/plic@c000000", "interrupts-extended", &size);
    assert_true(size == 16 && word(p) == cpu && word(p + 4) == IRQ_MEI && word(p + 8) == cpu &&
                word(p + 12) == IRQ_SEI);
    p = find(tree, "/soc/serial@10000000", "interrupts-extended", &size);
    assert_true(size == 8 && word(p) == plic && word(p + 4) == 10);
    assert_int_equal(word(find(tree, "/soc/poweroff", "regmap", &size)),
                     word(find(tree, "/soc/test@100000", "phandle", &size)));
    assert_null(find(tree, "/soc/htif@80001000", "reg", &size));
    board_done(&m);
    hart_free(h);
}

/* Kernels take it that S mode may have what is named; firmware of a file may know nothing of it. */
static void what_firmware_must_allow_is_named_with_vees_own_only(void **state) {
    (void)state;
    static struct machine_config config;
    for (unsigned firmware = FIRMWARE_NONE; firmware <= FIRMWARE_FILE; firmware++) {
        struct hart *h = hart_make();
        struct vm vm = {.cpu = &h->cpu.c, .counted = true};
        struct machine m = {.vm = &vm,
                            .config = &config,
                            .board = boards[0],
                            .ram = h->ram,
                            .ram_size = HART_RAM_SIZE,
                            .ncpus = 1,
                            .cpus = {&h->cpu.c}};
        struct error error = {0};
        uint64_t at;
        uint32_t size;
        config.firmware = (enum firmware_kind)firmware;
        assert_true(board_init(&m, no_symbol, NULL, &error) && board_boot(&m, HART_RAM, HART_RAM));
        assert_true(board_read(&m, 0x1020, 8, &at));
        const char *isa = (const char *)find(h->ram + (at - HART_RAM), "/cpus/cpu@0", "riscv,isa", &size);
        assert_int_equal(strstr(isa, "_zkr") != NULL, firmware != FIRMWARE_FILE);
        assert_non_null(strstr(isa, "_zknh"));
        assert_non_null(strstr(isa, "_zksh"));
        board_done(&m);
        hart_free(h);
    }
}

static void a_program_that_needs_all_of_ram_gets_none(void **state) {
    (void)state;
    struct hart *h = hart_make();
    static struct machine_config config;
    struct vm vm = {.cpu = &h->cpu.c, .counted = true};
    static const struct {
        uint64_t ram, used;
        bool there;
    } rows[] = {{HART_RAM_SIZE, 0, true},
                {HART_RAM_SIZE, HART_RAM_SIZE, false},
                {HART_RAM_SIZE, HART_RAM_SIZE - 8192, false},
                {HART_RAM_SIZE, HART_RAM_SIZE - 65536, true},
                {4096, 0, false}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct machine m = {.vm = &vm,
                            .config = &config,
                            .board = boards[0],
                            .ram = h->ram,
                            .ram_size = rows[i].ram,
                            .ncpus = 1,
                            .cpus = {&h->cpu.c}};
        uint64_t at;
        memset(h->ram, 0xee, HART_RAM_SIZE);
        struct error error = {0};
        assert_true(board_init(&m, no_symbol, NULL, &error));
        assert_true(board_boot(&m, HART_RAM + rows[i].used, HART_RAM));
        assert_true(board_read(&m, 0x1020, 8, &at));
        assert_int_equal(at != 0, rows[i].there);
        for (uint64_t k = 0; k < rows[i].used; k += 64) assert_int_equal(h->ram[k], 0xee);
        board_done(&m);
    }
    hart_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(too_much_is_noticed),
        cmocka_unit_test(the_board_describes_itself),
        cmocka_unit_test(what_firmware_must_allow_is_named_with_vees_own_only),
        cmocka_unit_test(a_program_that_needs_all_of_ram_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
