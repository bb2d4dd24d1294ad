/* fuzz_wasm.c - the reader, the checker and both tiers on any module: nothing crashes, whatever is refused is refused
 * with a reason, and whatever is accepted does the same on both tiers (test/language/compare.h). The header is put in
 * front, since it is either right or ends the matter.
 */
#include "language/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    char why[300];
    uint8_t *bytes = malloc(sizeof header + size);
    if (!bytes) return 0;
    memcpy(bytes, header, sizeof header);
    if (size) memcpy(bytes + sizeof header, data, size);
    if (!compare_tiers(bytes, sizeof header + size, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    free(bytes);
    return 0;
}
