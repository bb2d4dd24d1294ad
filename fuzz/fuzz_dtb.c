/* fuzz_dtb.c - device trees that are given, on any bytes. The header's magic, size and versions are put right, since they
 * are either that or end the matter; everything else is the fuzzer's. What is amended is right again, and says what was
 * entered.
 */
#include "machine/dtb.h"
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t seed[DTB_SEED] = {1};
    const struct dtb_facts facts = {.ram = 0x80000000,
                                    .ram_size = 64 << 20,
                                    .harts = 2,
                                    .append = "arguments",
                                    .initrd_start = 0x83000000,
                                    .initrd_end = 0x83000001,
                                    .seed = seed};
    struct error error = {0};
    uint8_t *tree = malloc(size + 1);
    if (!tree) abort();
    memcpy(tree, data, size);
    if (size >= sizeof(struct fdt_header)) {
        fdt_set_magic(tree, FDT_MAGIC);
        if (fdt_totalsize(tree) % 4) fdt_set_totalsize(tree, (uint32_t)size);
        fdt_set_version(tree, 17);
        fdt_set_last_comp_version(tree, 16);
    }
    if (!dtb_check(tree, size, "file", &facts, &error)) {
        if (!error.code || strncmp(error.text, "file: ", 6)) abort();
        free(tree);
        return 0;
    }
    const size_t room = dtb_room(size, &facts);
    uint8_t *to = malloc(room);
    if (!to) abort();
    if (dtb_amend(tree, to, room, "file", &facts, &error)) {
        int length;
        struct error other = {0};
        if (!dtb_check(to, room, "file", &facts, &other)) abort();
        const char *told = fdt_getprop(to, fdt_path_offset(to, "/chosen"), "bootargs", &length);
        if (!told || strcmp(told, facts.append)) abort();
    } else if (!error.code) {
        abort();
    }
    free(to);
    free(tree);
    return 0;
}
