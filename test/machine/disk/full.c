/* full.c - a disk whose host has room for less than it: writes until one is refused, and then once more. What was
 * written and flushed before is still there, and the disk still works where there is room. Prints how many sectors were
 * taken. A second run finds what the first has left.
 */
#include "disk.h"

enum { PIECE = 64 /* sectors */ };
static uint64_t bytes[PIECE * SECTOR / 8] __attribute__((aligned(4096)));

static void fill(uint64_t piece) {
    for (unsigned i = 0; i < PIECE * SECTOR / 8; i++) bytes[i] = piece << 32 | i;
}
static int is_piece(uint64_t piece) {
    for (unsigned i = 0; i < PIECE * SECTOR / 8; i++)
        if (bytes[i] != (piece << 32 | i)) return 0;
    return 1;
}

int main(void) {
    uint64_t good = 0;
    disk_start();
    const uint64_t all = disk_sectors() / PIECE;
    for (; good < all; good++) {
        fill(good + 1);
        if (disk_do(WRITE_TO, good * PIECE, bytes, PIECE * SECTOR) != 0) break;
        if (disk_do(FLUSH, 0, NULL, 0) != 0) break;
    }
    CHECK(good > 0 && good < all);
    fill(good + 1);
    CHECK(disk_do(WRITE_TO, good * PIECE, bytes, PIECE * SECTOR) == 1);
    for (uint64_t n = 0; n < good; n++) {
        CHECK(disk_do(READ_FROM, n * PIECE, bytes, PIECE * SECTOR) == 0);
        CHECK(is_piece(n + 1));
    }
    fill(1);
    CHECK(disk_do(WRITE_TO, 0, bytes, PIECE * SECTOR) == 0);
    CHECK(disk_do(FLUSH, 0, NULL, 0) == 0);
    print("full after ");
    print_hex(good);
    print("\n");
    return 0;
}
