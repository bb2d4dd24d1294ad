/* disk_log.c - see disk_log.h. Reads are of no interest. */
#define _GNU_SOURCE
#include "machine/disk_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct disk_log {
    int fd;
    uint32_t failed; /* an errno */
    uint64_t ids;    /* the last one given */
};

static void put(struct disk_log *log, const struct iovec *v, unsigned nv) {
    /* One call for each record: the file is open for appending, so records of several threads do not mix. */
    ssize_t all = 0;
    for (unsigned i = 0; i < nv; i++) all += (ssize_t)v[i].iov_len;
    const ssize_t n = writev(log->fd, v, (int)nv);
    if (n != all) __atomic_store_n(&log->failed, n < 0 ? (uint32_t)errno : ENOSPC, __ATOMIC_SEQ_CST);
}

static void note(struct disk_log *log, uint32_t kind, const struct disk_call *c) {
    enum { VECTORS = 128 };
    struct disk_log_record record = {kind, c->op, c->id, c->offset, c->size, c->result};
    struct iovec v[VECTORS] = {{&record, sizeof record}};
    unsigned n = 1;
    if (kind == DISK_LOG_BEGINS && c->op == DISK_WRITE)
        for (unsigned i = 0; i < c->nv && n < VECTORS; i++) v[n++] = c->v[i];
    put(log, v, n);
}

static bool before(void *self, struct disk_call *c) {
    struct disk_log *log = self;
    if (c->op == DISK_READ || c->scratch) return false;
    c->id = __atomic_add_fetch(&log->ids, 1, __ATOMIC_SEQ_CST);
    note(log, DISK_LOG_BEGINS, c);
    return false;
}

static void after(void *self, const struct disk_call *c) {
    if (c->op != DISK_READ && !c->scratch) note(self, DISK_LOG_ENDS, c);
}

const struct disk_tap disk_log_tap = {.before = before, .after = after};

struct disk_log *disk_log_open(const char *path, struct error *error) {
    struct disk_log_head head = {.magic = "veedisk\n", .version = DISK_LOG_VERSION};
    struct disk_log *log = calloc(1, sizeof *log);
    if (!log) {
        error_set(error, ERROR_RESOURCES, "%s: no memory", path);
        return NULL;
    }
    log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (log->fd >= 0) {
        put(log, &(struct iovec){&head, sizeof head}, 1);
        if (!log->failed) return log;
        errno = (int)log->failed;
        close(log->fd);
    }
    error_set(error, ERROR_NOT_RUNNABLE, "%s: %s", path, strerror(errno));
    free(log);
    return NULL;
}

bool disk_log_close(struct disk_log *log) {
    const bool ok = !log->failed && !close(log->fd);
    free(log);
    return ok;
}
