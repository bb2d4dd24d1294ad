/* throughput.c - reads or writes a disk as fast as it can, for bench/disk.py. What it does is in the disk's serial number:
 * s or r (in sequence, at random), r or w, and how many requests, in hex. In sequence they are of 128 KiB, four at once;
 * at random of 4 KiB, sixteen at once. Writes end with a flush. A bare-metal program, that runs on any board like QEMU's
 * "virt".
 */
#include "disk.h"

enum { LARGE = 128 << 10, SMALL = 4096 };
static uint8_t memory[16 * LARGE] __attribute__((aligned(4096)));

int main(void) {
    char what[20] = "";
    uint64_t count = 0, seed = 1, offset = 0;
    disk_start();
    CHECK(disk_do(GET_ID, 0, what, sizeof what) == 0);
    for (unsigned i = 2; i < sizeof what && what[i]; i++) count = count * 16 + (unsigned)(what[i] - (what[i] > '9' ? 'a' - 10 : '0'));
    const int random = what[0] == 'r', writes = what[1] == 'w';
    const uint64_t size = random ? SMALL : LARGE, depth = random ? 16 : 4, places = disk_sectors() * SECTOR / size;
    for (uint64_t begun = 0, done = 0; done < count;) {
        unsigned n = (unsigned)begun;
        if (begun >= depth || begun == count) {
            n = disk_wait();
            CHECK(disk_status(n) == 0);
            done++;
        }
        if (begun == count) continue;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        offset = random ? (seed >> 33) % places : begun % places;
        disk_request(n, writes ? WRITE_TO : READ_FROM, offset * (size / SECTOR), memory + n * size, (uint32_t)size);
        disk_tell();
        begun++;
    }
    if (writes) CHECK(disk_do(FLUSH, 0, NULL, 0) == 0);
    return 0;
}
