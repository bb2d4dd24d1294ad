/* writer.c - keeps a journal on a disk, for the test of what a power failure leaves (test/machine/disk/crash.py, which
 * knows this format). Transaction t is a record of a few sectors, of which all bytes follow from t, written as several
 * requests at once; a flush; a commit, one sector, in one of two places in turn; a flush. Records go round a ring. So
 * after 2 t flushes the commit of t or of a later one is there, and all records of the ring that it says are whole.
 */
#include "disk.h"

enum { TRANSACTIONS = 60, RING = 8, RECORD = 16, COMMITS = 2 /* sectors, at the start */ };
#define MAGIC 0x6c616e72756f6a20u

static uint64_t record[RECORD * SECTOR / 8] __attribute__((aligned(512)));
static uint64_t commit[SECTOR / 8] __attribute__((aligned(512)));

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static unsigned sectors_of(uint64_t t) {
    return 1 + (unsigned)(mix(t) % RECORD);
}

static void flush(void) {
    CHECK(disk_do(FLUSH, 0, NULL, 0) == 0);
}

static void transact(uint64_t t) {
    const unsigned n = sectors_of(t), parts = n < 6 ? n : 6;
    for (unsigned i = 0; i < n * SECTOR / 8; i++) record[i] = mix(t << 32 | i);
    for (unsigned p = 0; p < parts; p++) {
        const unsigned from = n * p / parts, to = n * (p + 1) / parts;
        disk_request(p, WRITE_TO, COMMITS + t % RING * RECORD + from, record + from * SECTOR / 8, (to - from) * SECTOR);
    }
    disk_tell();
    for (unsigned p = 0; p < parts; p++) CHECK(disk_status(disk_wait()) == 0);
    flush();
    commit[0] = MAGIC;
    commit[1] = t;
    for (unsigned i = 2; i < SECTOR / 8; i++) commit[i] = mix(MAGIC ^ t << 32 ^ i);
    CHECK(disk_do(WRITE_TO, t % COMMITS, commit, SECTOR) == 0);
    flush();
}

int main(void) {
    disk_start();
    CHECK(disk_sectors() >= COMMITS + RING * RECORD);
    for (uint64_t t = 1; t <= TRANSACTIONS; t++) transact(t);
    return 0;
}
