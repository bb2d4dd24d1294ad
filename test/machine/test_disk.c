/* Disks: every operation in every cache mode, with workers and without, against a model; snapshots; what the host does
 * badly and refuses; who may open what.
 */
#include "machine/disk.h"
#include "machine/disk_log.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { SECTORS = 512, SIZE = SECTORS * DISK_SECTOR, IN_FLIGHT = 32, VECTORS = 6 };

static char folder[] = "/tmp/test_disk.XXXXXX", image[64], log_file[64];
static uint64_t random_state = 1;
static uint8_t model[SIZE];

static uint64_t number(uint64_t below) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

/* ---- a tap that makes everything worse, and one that refuses */

static bool worse(void *self, struct disk_call *c) {
    uint64_t z = __atomic_add_fetch((uint64_t *)self, 1, __ATOMIC_SEQ_CST) * 0x9e3779b97f4a7c15u >> 40;
    if (z % 4 == 0 && c->op <= DISK_WRITE && c->size > DISK_SECTOR) c->size = 1 + z % (c->size - 1);
    c->result = -EINTR;
    return z % 4 == 1;
}
static uint64_t worse_state;
static const struct disk_tap worse_tap = {.before = worse};

struct refusal {
    enum disk_op op;
    int error;
    unsigned times, scratch;
};
static bool refuse(void *self, struct disk_call *c) {
    struct refusal *r = self;
    if (c->op != r->op || !r->times || c->scratch != r->scratch) return false;
    r->times--;
    c->result = -r->error;
    return true;
}
static const struct disk_tap refuse_tap = {.before = refuse};

/* ---- requests */

static void done(void *self, struct disk_request *r) {
    __atomic_add_fetch((uint32_t *)self, 1, __ATOMIC_SEQ_CST);
    r->owner = NULL;
}

static struct disk *open_disk(struct disk_config c) {
    static uint32_t count;
    struct error error = {0};
    c.path = image;
    c.format = "raw";
    c.done = done;
    c.done_self = &count;
    struct disk *d = disk_open(&c, &error);
    if (!d) fail_msg("%s", error.text);
    return d;
}

static void submit(struct disk *d, struct disk_request *r) {
    if (!disk_now(d, r)) disk_later(d, r);
}

static int do_now(struct disk *d, enum disk_op op, uint64_t offset, void *bytes, uint64_t size) {
    struct iovec v = {bytes, size};
    struct disk_request r = {.op = op, .offset = offset, .size = size, .v = &v, .nv = bytes ? 1 : 0, .unmap = true};
    submit(d, &r);
    disk_drain(d);
    return r.error;
}

static void image_make(uint64_t size) {
    FILE *f = fopen(image, "w");
    for (uint64_t i = 0; i < size; i++) model[i] = (uint8_t)number(256);
    assert_int_equal(fwrite(model, 1, size, f), size);
    fclose(f);
}

static void image_is(const uint8_t *bytes, uint64_t size) {
    static uint8_t now[SIZE + 1];
    FILE *f = fopen(image, "r");
    assert_int_equal(fread(now, 1, sizeof now, f), size);
    fclose(f);
    assert_memory_equal(now, bytes, size);
}

/* Random requests, several at once in places of their own, in memory that is aligned or not. */
static void random_requests(struct disk *d, unsigned rounds, bool aligned) {
    static _Alignas(4096) uint8_t memory[IN_FLIGHT][2 * SIZE / IN_FLIGHT];
    struct disk_request r[IN_FLIGHT];
    struct iovec v[IN_FLIGHT][VECTORS];
    enum { SHARE = SECTORS / IN_FLIGHT };
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            const unsigned first = (unsigned)number(SHARE), n = 1 + (unsigned)number(SHARE - first);
            r[i] = (struct disk_request){.op = (enum disk_op)number(DISK_OPS),
                                         .offset = (i * SHARE + first) * DISK_SECTOR,
                                         .size = n * DISK_SECTOR,
                                         .unmap = number(2),
                                         .through = number(8) == 0,
                                         .v = v[i]};
            if (r[i].op == DISK_FLUSH) r[i].size = r[i].offset = 0;
            uint8_t *at = memory[i] + (aligned ? 0 : number(3) * 64);
            for (uint64_t left = r[i].size; left && r[i].op <= DISK_WRITE; r[i].nv++) {
                uint64_t part = aligned ? DISK_SECTOR : 1 + number(left);
                if (r[i].nv + 1 == VECTORS) part = left;
                v[i][r[i].nv] = (struct iovec){at, part};
                for (uint64_t k = 0; k < part; k++) at[k] = (uint8_t)number(256);
                at += part + (aligned ? 0 : number(9));
                left -= part;
            }
            uint8_t *here = model + r[i].offset;
            if (r[i].op == DISK_ZERO) memset(here, 0, r[i].size);
            for (unsigned k = 0; k < r[i].nv && r[i].op == DISK_WRITE; here += v[i][k++].iov_len)
                memcpy(here, v[i][k].iov_base, v[i][k].iov_len);
        }
        for (unsigned i = 0; i < IN_FLIGHT; i++) submit(d, &r[i]);
        disk_drain(d);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            assert_int_equal(r[i].error, 0);
            const uint8_t *here = model + r[i].offset;
            for (unsigned k = 0; k < r[i].nv && r[i].op == DISK_READ; here += v[i][k++].iov_len)
                assert_memory_equal(here, v[i][k].iov_base, v[i][k].iov_len);
        }
    }
}

static void all_modes(void **state) {
    (void)state;
    static const char *const modes[] = {"writeback", "none", "writethrough", "directsync", "unsafe"};
    static uint8_t first[SIZE];
    for (unsigned m = 0; m < sizeof modes / sizeof *modes; m++)
        for (unsigned how = 0; how < 16; how++) {
            image_make(SIZE);
            memcpy(first, model, SIZE);
            struct disk *d = open_disk((struct disk_config){.cache = disk_cache_find(modes[m]),
                                                            .workers = how & 1 ? 4 : 0,
                                                            .snapshot = how & 2,
                                                            .align = how & 4 ? 4096 : 0,
                                                            .tap = how & 8 ? &worse_tap : NULL,
                                                            .tap_self = &worse_state});
            assert_int_equal(disk_sectors(d), SECTORS);
            random_requests(d, 6, false);
            disk_close(d);
            image_is(how & 2 ? first : model, SIZE);
        }
}

static void discards(void **state) {
    (void)state;
    struct stat before, after;
    uint8_t sector[DISK_SECTOR], zeros[DISK_SECTOR] = {0};
    image_make(SIZE);
    stat(image, &before);
    struct disk *d = open_disk((struct disk_config){.discard = true});
    assert_int_equal(do_now(d, DISK_DISCARD, 0, NULL, SIZE / 2), 0);
    assert_int_equal(do_now(d, DISK_READ, SIZE / 4, sector, sizeof sector), 0);
    stat(image, &after);
    if (after.st_blocks < before.st_blocks) assert_memory_equal(sector, zeros, sizeof zeros);
    disk_close(d);
    d = open_disk((struct disk_config){.discard = false});
    stat(image, &before);
    assert_int_equal(do_now(d, DISK_DISCARD, 0, NULL, SIZE), 0);
    disk_close(d);
    stat(image, &after);
    assert_int_equal(before.st_blocks, after.st_blocks);
}

static void what_is_not_on_the_disk(void **state) {
    (void)state;
    static uint8_t bytes[2 * DISK_SECTOR];
    image_make(SIZE);
    struct disk *d = open_disk((struct disk_config){.workers = 1});
    assert_int_equal(do_now(d, DISK_READ, SIZE, bytes, DISK_SECTOR), EINVAL);
    assert_int_equal(do_now(d, DISK_READ, SIZE - DISK_SECTOR, bytes, sizeof bytes), EINVAL);
    assert_int_equal(do_now(d, DISK_WRITE, UINT64_MAX - DISK_SECTOR + 1, bytes, sizeof bytes), EINVAL);
    assert_int_equal(do_now(d, DISK_ZERO, DISK_SECTOR, NULL, UINT64_MAX - DISK_SECTOR + 1), EINVAL);
    assert_int_equal(do_now(d, DISK_READ, 1, bytes, DISK_SECTOR), EINVAL);
    assert_int_equal(do_now(d, DISK_READ, 0, bytes, 1), EINVAL);
    assert_int_equal(do_now(d, DISK_READ, 0, bytes, 0), 0);
    disk_close(d);
    d = open_disk((struct disk_config){.read_only = true});
    assert_true(disk_read_only(d));
    for (int op = DISK_WRITE; op < DISK_OPS; op++)
        assert_int_equal(do_now(d, (enum disk_op)op, 0, op == DISK_WRITE ? bytes : NULL, DISK_SECTOR),
                         op == DISK_FLUSH ? 0 : EROFS);
    disk_close(d);
    image_is(model, SIZE);
}

/* The last sector is filled up with zeros; written to, it is whole. */
static void odd_sizes(void **state) {
    (void)state;
    static uint8_t sector[DISK_SECTOR], rest[DISK_SECTOR];
    image_make(SIZE - 100);
    struct disk *d = open_disk((struct disk_config){0});
    assert_int_equal(disk_sectors(d), SECTORS);
    memset(sector, 0xff, sizeof sector);
    assert_int_equal(do_now(d, DISK_READ, SIZE - DISK_SECTOR, sector, DISK_SECTOR), 0);
    assert_memory_equal(sector, model + SIZE - DISK_SECTOR, DISK_SECTOR - 100);
    assert_memory_equal(sector + DISK_SECTOR - 100, rest, 100);
    image_is(model, SIZE - 100);
    memset(model + SIZE - DISK_SECTOR, 7, DISK_SECTOR);
    assert_int_equal(do_now(d, DISK_WRITE, SIZE - DISK_SECTOR, model + SIZE - DISK_SECTOR, DISK_SECTOR), 0);
    disk_close(d);
    image_is(model, SIZE);
}

static void what_the_host_refuses(void **state) {
    (void)state;
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG};
    static uint8_t old[DISK_SECTOR], sector[DISK_SECTOR];
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
        for (unsigned how = 0; how < 4; how++) {
            struct refusal r = {DISK_WRITE, errors[i], 1, how & 2 ? 1 : 0};
            image_make(SIZE);
            memcpy(old, model, DISK_SECTOR);
            struct disk *d = open_disk(
                (struct disk_config){.workers = how & 1, .snapshot = how & 2, .tap = &refuse_tap, .tap_self = &r});
            memset(sector, 1, sizeof sector);
            assert_int_equal(do_now(d, DISK_WRITE, 0, sector, DISK_SECTOR), errors[i]);
            assert_int_equal(do_now(d, DISK_READ, 0, sector, DISK_SECTOR), 0);
            assert_memory_equal(sector, old, DISK_SECTOR);
            memset(sector, 2, sizeof sector);
            assert_int_equal(do_now(d, DISK_WRITE, 0, sector, DISK_SECTOR), 0); /* there is room again */
            memset(sector, 3, sizeof sector);
            assert_int_equal(do_now(d, DISK_READ, 0, sector, DISK_SECTOR), 0);
            assert_int_equal(sector[9], 2);
            assert_int_equal(do_now(d, DISK_FLUSH, 0, NULL, 0), 0);
            disk_close(d);
        }
}

/* The host forgets what a flush could not keep, and the next one knows nothing of it: no later flush may succeed. */
static void a_flush_that_failed(void **state) {
    (void)state;
    static uint8_t sector[DISK_SECTOR];
    struct refusal r = {DISK_FLUSH, EIO, 1, 0};
    image_make(SIZE);
    struct disk *d = open_disk((struct disk_config){.workers = 2, .tap = &refuse_tap, .tap_self = &r});
    assert_int_equal(do_now(d, DISK_WRITE, 0, sector, DISK_SECTOR), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(do_now(d, DISK_FLUSH, 0, NULL, 0), EIO);
    disk_close(d);
    r = (struct refusal){DISK_FLUSH, EIO, 1, 0};
    d = open_disk((struct disk_config){.cache = disk_cache_find("writethrough"), .tap = &refuse_tap, .tap_self = &r});
    assert_true(disk_writes_through(d));
    for (int i = 0; i < 2; i++) assert_int_equal(do_now(d, DISK_WRITE, 0, sector, DISK_SECTOR), EIO);
    disk_close(d);
}

/* Where the host has no way to make zeros, they are written. */
static void zeros_without_help(void **state) {
    (void)state;
    struct refusal r = {DISK_ZERO, EOPNOTSUPP, 1, 0};
    image_make(SIZE);
    struct disk *d = open_disk((struct disk_config){.tap = &refuse_tap, .tap_self = &r});
    assert_int_equal(do_now(d, DISK_ZERO, DISK_SECTOR, NULL, SIZE - 3 * DISK_SECTOR), 0);
    assert_int_equal(r.times, 0);
    disk_close(d);
    memset(model + DISK_SECTOR, 0, SIZE - 3 * DISK_SECTOR);
    image_is(model, SIZE);
}

/* ---- opening */

static void refused(struct disk_config c, const char *text) {
    struct error error = {0};
    c.done = done;
    struct disk *d = disk_open(&c, &error);
    assert_null(d);
    if (!strstr(error.text, text)) fail_msg("'%s' instead of '%s'", error.text, text);
    const char *named = c.log ? c.log : c.path;
    assert_int_equal(strncmp(error.text, named, strlen(named)), 0);
}

static void what_is_no_disk(void **state) {
    (void)state;
    refused((struct disk_config){.path = "/nowhere/at/all"}, "No such file");
    refused((struct disk_config){.path = folder}, "directory");
    refused((struct disk_config){.path = folder, .read_only = true}, "neither a file nor");
    refused((struct disk_config){.path = "/dev/null"}, "neither a file nor");
    image_make(0);
    refused((struct disk_config){.path = image}, "is empty");
    image_make(DISK_SECTOR);
    refused((struct disk_config){.path = image, .format = "qcow2"}, "format=qcow2");
    FILE *f = fopen(image, "r+");
    fputs("QFI\xfb", f);
    fclose(f);
    refused((struct disk_config){.path = image}, "looks like qcow2");
    disk_close(open_disk((struct disk_config){0})); /* which says raw */
    setenv("TMPDIR", "/nowhere", 1);
    refused((struct disk_config){.path = image, .format = "raw", .snapshot = true}, "TMPDIR");
    unsetenv("TMPDIR");
    assert_null(disk_cache_find("writeback "));
    char names[100] = "", *rest = names;
    strcpy(names, disk_cache_names());
    for (char *name; (name = strsep(&rest, " "));) assert_non_null(disk_cache_find(name));
}

static void who_else_has_it(void **state) {
    (void)state;
    image_make(SIZE);
    struct disk *d = open_disk((struct disk_config){0});
    refused((struct disk_config){.path = image, .format = "raw"}, "writes to it");
    refused((struct disk_config){.path = image, .format = "raw", .read_only = true}, "writes to it");
    refused((struct disk_config){.path = image, .format = "raw", .snapshot = true}, "writes to it");
    disk_close(open_disk((struct disk_config){.no_lock = true}));
    disk_close(d);
    d = open_disk((struct disk_config){.read_only = true});
    disk_close(open_disk((struct disk_config){.snapshot = true}));
    refused((struct disk_config){.path = image, .format = "raw"}, "nobody else to write");
    disk_close(d);
    disk_close(open_disk((struct disk_config){0}));
}

/* ---- the log: pairs in order, bytes, nothing of what is only read or goes to a snapshot */

static void the_log(void **state) {
    (void)state;
    static uint8_t sector[DISK_SECTOR], bytes[SIZE];
    image_make(SIZE);
    struct disk *d = open_disk((struct disk_config){.log = log_file});
    memset(sector, 5, sizeof sector);
    assert_int_equal(do_now(d, DISK_READ, 0, sector, DISK_SECTOR), 0);
    memset(sector, 5, sizeof sector);
    assert_int_equal(do_now(d, DISK_WRITE, DISK_SECTOR, sector, DISK_SECTOR), 0);
    assert_int_equal(do_now(d, DISK_FLUSH, 0, NULL, 0), 0);
    disk_close(d);
    FILE *f = fopen(log_file, "r");
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    const struct disk_log_record *r = (const void *)(bytes + sizeof(struct disk_log_head));
    uint64_t id = 0, done = 0; /* a write may be several: builds that poison shorten it */
    for (; done < DISK_SECTOR; done += (uint64_t)r->result, r++) {
        const uint64_t wanted = r->size;
        assert_true(r->kind == DISK_LOG_BEGINS && r->op == DISK_WRITE && r->id == ++id);
        assert_true(r->offset == DISK_SECTOR + done && wanted <= DISK_SECTOR - done);
        assert_memory_equal(r + 1, sector, wanted);
        r = (const void *)((const uint8_t *)(r + 1) + wanted);
        assert_true(r->kind == DISK_LOG_ENDS && r->op == DISK_WRITE && r->id == id && r->result == (int64_t)wanted);
    }
    assert_int_equal(size, sizeof(struct disk_log_head) + (2 * id + 2) * sizeof *r + DISK_SECTOR);
    assert_true(r->kind == DISK_LOG_BEGINS && r->op == DISK_FLUSH && r->id == id + 1);
    r++;
    assert_true(r->kind == DISK_LOG_ENDS && r->op == DISK_FLUSH && r->id == id + 1 && r->result == 0);
    refused((struct disk_config){.path = image, .format = "raw", .log = "/nowhere/log"}, "No such file");
    unlink(log_file);
}

static int make(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(image, sizeof image, "%s/image", folder);
    snprintf(log_file, sizeof log_file, "%s/log", folder);
    return 0;
}
static int drop(void **state) {
    (void)state;
    unlink(image);
    unlink(log_file);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_modes),
        cmocka_unit_test(discards),
        cmocka_unit_test(what_is_not_on_the_disk),
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(what_the_host_refuses),
        cmocka_unit_test(a_flush_that_failed),
        cmocka_unit_test(zeros_without_help),
        cmocka_unit_test(what_is_no_disk),
        cmocka_unit_test(who_else_has_it),
        cmocka_unit_test(the_log),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
