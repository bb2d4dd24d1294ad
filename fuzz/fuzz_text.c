/* fuzz_text.c - the parser, printer and checker of blocks on any text: nothing crashes, and what parses prints to a
 * text that parses to the same print. A well-formed block is also one that the checker accepts again after that round.
 */
#include "base/arena.h"
#include "core/guest.h"
#include <stdlib.h>
#include <string.h>

static const struct slot slots[] = {{"a", 0, T_I64, 0, FIELD_PLACES},
                                    {"w", 8, T_I32, 0, FIELD_PLACES + 1},
                                    {"f", 16, T_F64, 0, FIELD_PLACES + 2},
                                    {"v", 32, T_V128, 0, FIELD_PLACES + 3}};
static const struct helper helpers[] = {
    {"leaf", NULL, {0, 0}, false}, {"exits", NULL, {0, IN_SET(FIELD_PLACES)}, true}, {"wide", NULL, {0, 0}, false}};
static const uint8_t wide_helpers[3][4] = {[2] = {T_V128, T_V128}};
static const struct guest guest = {.name = "fuzz",
                                   .slots = slots,
                                   .nslots = 4,
                                   .helpers = helpers,
                                   .nhelpers = 3,
                                   .wide_helpers = wide_helpers,
                                   .pc_align = 2};

static char *print(const struct block *k) {
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) abort();
    block_print(f, k, &guest);
    fclose(f);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    char why[100], *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    arena_init(&arena, 1 << 16);
    struct block *k = block_parse(text, &arena, &guest, why, sizeof why);
    if (k) {
        bool good = block_check(k, &guest, why, sizeof why);
        char *first = print(k);
        struct block *again = block_parse(first, &arena, &guest, why, sizeof why);
        if (!again) abort();
        char *second = print(again);
        if (strcmp(first, second)) abort();
        if (good && !block_check(again, &guest, why, sizeof why)) abort();
        free(first);
        free(second);
    }
    arena_done(&arena);
    free(text);
    return 0;
}
