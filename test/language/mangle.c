/* mangle.c - damages modules in every way that is one step from good, and loads and runs what comes of it.
 *
 *   mangle [-n EVERY] FILE.wasm...
 *
 * Each file is cut off after every byte, and each of its bits is flipped (with -n only every so manieth). No variant
 * may crash vee, be refused without a reason, or behave differently on the two tiers. The last line is
 * `N passed, N failed`.
 */
#include "language/compare.h"

static unsigned passed, failed;

static void attempt(const char *file, const char *how, size_t place, const uint8_t *bytes, size_t size) {
    char why[300];
    if (compare_tiers(bytes, size, why, sizeof why)) {
        passed++;
        return;
    }
    failed++;
    printf("%s: %s %zu: %s\n", file, how, place, why);
}

static void mangle(const char *file, size_t every) {
    FILE *f = fopen(file, "rb");
    static uint8_t bytes[1 << 20];
    size_t size = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) fclose(f);
    if (!size) {
        printf("%s: cannot be read\n", file);
        failed++;
        return;
    }
    attempt(file, "as it is", 0, bytes, size);
    for (size_t n = 0; n < size; n++) attempt(file, "cut off after byte", n, bytes, n);
    for (size_t bit = size % every; bit < 8 * size; bit += every) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        attempt(file, "flipped bit", bit, bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(int argc, char **argv) {
    size_t every = 1;
    int at = 1;
    if (argc > 2 && !strcmp(argv[1], "-n")) {
        every = strtoul(argv[2], NULL, 10);
        at = 3;
    }
    if (at >= argc || !every) return fprintf(stderr, "usage: mangle [-n EVERY] FILE.wasm...\n"), 2;
    freopen("/dev/null", "r", stdin);
    for (; at < argc; at++) mangle(argv[at], every);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
