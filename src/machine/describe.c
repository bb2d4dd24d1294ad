/* describe.c - the board as a device tree: cpus, memory, and a node for each device that has one, with its addresses
 * and where its wires lead (Devicetree Specification 0.4).
 */
#include "machine/board.h"
#include "machine/tree.h"
#include <stdio.h>
#include <stdlib.h>

enum { CPU_INTERRUPTS = 1, FIRST_DEVICE = CPU_INTERRUPTS + CPUS_MOST }; /* phandles */
enum { SEED_SIZE = 32 };

uint32_t board_phandle(const struct device_host *h) {
    return FIRST_DEVICE + h->number;
}

static void describe_cpus(struct tree *t, const struct machine *m) {
    tree_open(t, "cpus");
    tree_cell(t, "#address-cells", 1);
    tree_cell(t, "#size-cells", 0);
    tree_cell(t, "timebase-frequency", 1000000000 / BOARD_TICK_NS);
    for (unsigned cpu = 0; cpu < m->ncpus; cpu++) {
        tree_open_at(t, "cpu", cpu);
        tree_text(t, "device_type", "cpu");
        tree_cell(t, "reg", cpu);
        tree_text(t, "status", "okay");
        m->board->describe_cpu(t, CPU_INTERRUPTS + cpu, m->config->firmware);
        tree_close(t);
    }
    tree_close(t);
}

/* Where the device's pins lead, in their order. */
static void describe_wires(struct tree *t, const struct device_host *h) {
    enum { PINS = 8 * sizeof h->pins };
    uint32_t cells[2 * PINS];
    unsigned n = 0;
    for (unsigned pin = 0; pin < PINS; pin++)
        for (const struct connection *c = h->connections; c && n < 2 * PINS; c = c->next) {
            if (c->pin != pin) continue;
            cells[n++] = c->to ? board_phandle(c->to) : CPU_INTERRUPTS + c->cpu;
            cells[n++] = c->input;
        }
    if (n) tree_cells(t, "interrupts-extended", cells, n);
}

static void describe_device(struct tree *t, const struct device_host *h) {
    tree_open_at(t, h->device->node, h->region[0].start);
    tree_texts(t, "compatible", h->device->compatible);
    tree_range(t, "reg", h->region[0].start, h->region[0].size);
    tree_cell(t, "phandle", board_phandle(h));
    describe_wires(t, h);
    if (h->device->describe) h->device->describe(t, h);
    tree_close(t);
    if (h->device->describe_beside) h->device->describe_beside(t, h, board_phandle(h));
}

static void describe_chosen(struct tree *t, const struct device_host *serial) {
    const char *append = serial->machine->config->append;
    char path[64];
    snprintf(path, sizeof path, "/soc/%s@%llx", serial->device->node, (unsigned long long)serial->region[0].start);
    tree_open(t, "chosen");
    tree_text(t, "stdout-path", path);
    if (append) tree_text(t, "bootargs", append);
    const struct machine *m = serial->machine;
    if (m->config->firmware != FIRMWARE_NONE) {
        uint8_t seed[SEED_SIZE]; /* of the kernel's random numbers */
        vm_random(m->vm, seed, sizeof seed);
        tree_bytes(t, "rng-seed", seed, sizeof seed);
    }
    if (m->initrd_end) {
        tree_address(t, "linux,initrd-start", m->initrd_start);
        tree_address(t, "linux,initrd-end", m->initrd_end);
    }
    tree_close(t);
}

static void describe_board(struct tree *t, const struct machine *m) {
    const uint64_t ram = m->board->ram;
    tree_open(t, "");
    tree_cell(t, "#address-cells", 2);
    tree_cell(t, "#size-cells", 2);
    tree_text(t, "compatible", m->board->compatible);
    tree_text(t, "model", "vee,virt");
    describe_chosen(t, board_at(m, m->board->console));
    tree_open_at(t, "memory", ram);
    tree_text(t, "device_type", "memory");
    tree_range(t, "reg", ram, m->ram_size);
    tree_close(t);
    describe_cpus(t, m);
    tree_open(t, "soc");
    tree_cell(t, "#address-cells", 2);
    tree_cell(t, "#size-cells", 2);
    tree_text(t, "compatible", "simple-bus");
    tree_flag(t, "ranges");
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i]->device->node) describe_device(t, m->devices[i]);
    tree_close(t);
    tree_close(t);
}

size_t board_describe(const struct machine *m, uint8_t *to) {
    struct tree *t = calloc(1, sizeof *t);
    if (!t) return 0;
    describe_board(t, m);
    size_t size = tree_finish(t, to);
    free(t);
    return size;
}
