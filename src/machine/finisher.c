/* finisher.c - a register that ends the run ("sifive,test0"). Written: 0x5555 success, 0x3333 failure with an exit
 * status in the upper half, 0x7777 reset.
 */
#include "machine/board.h"
#include "machine/tree.h"

enum { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777, SIZE = 0x1000 };

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    (void)state, (void)host, (void)region, (void)offset, (void)size;
    *value = 0;
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    (void)state, (void)region, (void)size;
    if (offset != 0) return true;
    unsigned what = value & 0xffff, code = value >> 16 & 0xffff;
    if (what == FINISHER_PASS) board_power_off(host, 0);
    if (what == FINISHER_RESET) board_reset(host);
    if (what == FINISHER_FAIL) board_power_off(host, code ? (int)code : 1);
    return true;
}

static void describe_use(struct tree *tree, const char *node, const char *compatible, uint32_t phandle,
                         uint32_t value) {
    tree_open(tree, node);
    tree_text(tree, "compatible", compatible);
    tree_cell(tree, "regmap", phandle);
    tree_cell(tree, "offset", 0);
    tree_cell(tree, "value", value);
    tree_close(tree);
}

static void describe_beside(struct tree *tree, const struct device_host *host, uint32_t phandle) {
    (void)host;
    describe_use(tree, "poweroff", "syscon-poweroff", phandle, FINISHER_PASS);
    describe_use(tree, "reboot", "syscon-reboot", phandle, FINISHER_RESET);
}

const struct device device_finisher = {
    .name = "finisher",
    .size = SIZE,
    .read = read,
    .write = write,
    .node = "test",
    .compatible = "sifive,test1 sifive,test0 syscon",
    .describe_beside = describe_beside,
};
