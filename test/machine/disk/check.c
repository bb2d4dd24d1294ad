/* check.c - a disk that is written to, read, discarded, made zeros, identified; what does not lie on it; many requests
 * at once. "read-only" as the last letters of the serial number says that it cannot be written to.
 */
#include "disk.h"

enum { PIECE = 8, PIECES = 64 };
static uint8_t bytes[PIECES][PIECE * SECTOR] __attribute__((aligned(4096)));
static struct {
    uint64_t sector;
    uint32_t sectors, flags;
} range;
static char id[20];

static uint8_t byte_of(unsigned piece, unsigned i) {
    return (uint8_t)(piece * 37 + i + (i >> 8));
}

static unsigned do_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags) {
    range.sector = sector;
    range.sectors = sectors;
    range.flags = flags;
    return disk_do(type, 0, &range, sizeof range);
}

static void many_at_once(uint32_t type) {
    for (unsigned done = 0; done < PIECES; done += DEPTH) {
        for (unsigned n = 0; n < DEPTH; n++) disk_request(n, type, (done + n) * PIECE, bytes[done + n], sizeof *bytes);
        disk_tell();
        for (unsigned n = 0; n < DEPTH; n++) CHECK(disk_status(disk_wait()) == 0);
    }
}

static void writable(void) {
    for (unsigned p = 0; p < PIECES; p++)
        for (unsigned i = 0; i < sizeof *bytes; i++) bytes[p][i] = byte_of(p, i);
    many_at_once(WRITE_TO);
    CHECK(disk_do(FLUSH, 0, NULL, 0) == 0);
    for (unsigned p = 0; p < PIECES; p++)
        for (unsigned i = 0; i < sizeof *bytes; i++) bytes[p][i] = 0;
    many_at_once(READ_FROM);
    for (unsigned p = 0; p < PIECES; p++)
        for (unsigned i = 0; i < sizeof *bytes; i++) CHECK(bytes[p][i] == byte_of(p, i));
    CHECK(do_range(WRITE_ZEROES, 3, 2, 1) == 0);
    CHECK(disk_do(READ_FROM, 0, bytes[0], sizeof *bytes) == 0);
    for (unsigned i = 0; i < sizeof *bytes; i++)
        CHECK(bytes[0][i] == (i / SECTOR - 3 < 2 ? 0 : byte_of(0, i)));
    CHECK(do_range(DISCARD, 8, 8, 0) == 0);
    CHECK(do_range(DISCARD, 8, 8, 1) == 2);
    CHECK(do_range(WRITE_ZEROES, disk_sectors(), 1, 0) == 1);
    CHECK(do_range(WRITE_ZEROES, 0, UINT32_MAX, 0) == 1);
    CHECK(disk_do(WRITE_TO, disk_sectors() - 1, bytes[0], 2 * SECTOR) == 1);
    CHECK(disk_do(WRITE_TO, 0, bytes[0], SECTOR + 1) == 1);
}

int main(void) {
    disk_start();
    CHECK(disk_do(GET_ID, 0, id, sizeof id) == 0);
    CHECK(disk_do(READ_FROM, disk_sectors(), bytes[0], SECTOR) == 1);
    CHECK(disk_do(READ_FROM, UINT64_MAX / SECTOR, bytes[0], SECTOR) == 1);
    CHECK(disk_do(READ_FROM, UINT64_MAX, bytes[0], SECTOR) == 1);
    CHECK(disk_do(READ_FROM, 0, bytes[0], 100) == 1);
    CHECK(disk_do(77, 0, bytes[0], SECTOR) == 2);
    if (id[0] == 'r')
        CHECK(disk_do(WRITE_TO, 0, bytes[0], SECTOR) == 1);
    else
        writable();
    CHECK(disk_do(READ_FROM, 0, bytes[0], SECTOR) == 0);
    return 0;
}
