/* entropy.c - a source of random bits ("timeriomem_rng"): a register of 32 bits, other ones each time it is read. There
 * is nothing to wait for. As runs of a machine can be repeated, the bits follow from --seed: see vm_random.
 */
#include "machine/board.h"
#include "machine/tree.h"

enum { SIZE = 0x1000, PERIOD = 1 /* microseconds between two reads: the least that there is */ };

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    (void)state, (void)region;
    if (offset != 0 || size != 4) return false;
    *value = (uint32_t)board_random(host);
    return true;
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    (void)state, (void)host, (void)region, (void)value;
    return offset == 0 && size == 4;
}

static void describe(struct tree *tree, const struct device_host *host) {
    (void)host;
    tree_cell(tree, "period", PERIOD);
}

const struct device device_entropy = {
    .name = "entropy",
    .size = SIZE,
    .read = read,
    .write = write,
    .node = "rng",
    .compatible = "timeriomem_rng",
    .describe = describe,
};
