/* uring_register.c - what is registered with a ring of io_uring beforehand: buffers, files, and how it works. Arrays of
 * pointers and descriptors are copied; rings of buffers that the guest fills while the host reads them are refused, as
 * are rings that are named by numbers of their own. */
#include "process/linux/uring.h"
#include <string.h>

enum { MOST = 1 << 15 };

/* Buffers with host addresses, in the ring's room. */
static int64_t buffers(struct call *c, struct uring *r, uint64_t from, uint64_t count, uint64_t *to) {
    struct iovec *v = (struct iovec *)(void *)r->room;
    if (count > MOST) return -EINVAL;
    if (!call_gets(c, LAYOUT_iovec, from, count, v)) return -EFAULT;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = (uintptr_t)v[i].iov_base, size = v[i].iov_len;
        uint64_t host;
        if (!at) continue; /* nothing yet */
        if (!call_pointer(c, at, size, &host)) return -EFAULT;
        space_host_writes(c->process->space, at, size, true);
        v[i].iov_base = (void *)(uintptr_t)host;
    }
    *to = (uintptr_t)v;
    return 0;
}

static int64_t files(struct call *c, struct uring *r, uint64_t from, uint64_t count, uint64_t *to) {
    int32_t *fds = (int32_t *)(void *)r->room;
    if (count > MOST) return -EMFILE;
    if (!call_read(c, from, fds, count * sizeof *fds)) return -EFAULT;
    for (uint64_t i = 0; i < count; i++)
        if (own_fd_named(c->process, fds[i])) return -EBADF;
    *to = (uintptr_t)fds;
    return 0;
}

static int64_t array(struct call *c, struct uring *r, bool of_files, uint64_t from, uint64_t count, uint64_t *to) {
    if (!from) {
        *to = 0;
        return 0;
    }
    return of_files ? files(c, r, from, count, to) : buffers(c, r, from, count, to);
}

static int64_t pass(struct call *c, uint64_t host, uint64_t count) {
    return call_wait(c, SYS_io_uring_register, c->host[0], c->host[1], host, count, 0, 0);
}

/* An argument of so many bytes with no pointers in it. */
static int64_t plain(struct call *c, uint64_t size) {
    uint64_t host;
    if (!call_pointer(c, c->guest[2], size, &host)) return -EFAULT;
    return pass(c, host, c->guest[3]);
}

static int64_t event(struct call *c) {
    int32_t fd;
    if (!call_read(c, c->guest[2], &fd, sizeof fd)) return -EFAULT;
    return own_fd_named(c->process, fd) ? -EBADF : pass(c, (uintptr_t)&fd, c->guest[3]);
}

/* A struct that leads to an array and to numbers for its entries. */
static int64_t resources(struct call *c, struct uring *r, bool of_files) {
    struct io_uring_rsrc_register n;
    uint64_t data, tags;
    if ((uint32_t)c->guest[3] != sizeof n) return -EINVAL;
    if (!call_read(c, c->guest[2], &n, sizeof n)) return -EFAULT;
    if ((tags = n.tags) != 0 && !call_pointer(c, n.tags, n.nr * sizeof(uint64_t), &tags)) return -EFAULT;
    int64_t e = array(c, r, of_files, n.data, n.nr, &data);
    if (e < 0) return e;
    n.data = data;
    n.tags = tags;
    return pass(c, (uintptr_t)&n, sizeof n);
}

static int64_t resources_update(struct call *c, struct uring *r, bool of_files) {
    struct io_uring_rsrc_update2 u;
    uint64_t data, tags;
    if ((uint32_t)c->guest[3] != sizeof u) return -EINVAL;
    if (!call_read(c, c->guest[2], &u, sizeof u)) return -EFAULT;
    if ((tags = u.tags) != 0 && !call_pointer(c, u.tags, u.nr * sizeof(uint64_t), &tags)) return -EFAULT;
    int64_t e = array(c, r, of_files, u.data, u.nr, &data);
    if (e < 0) return e;
    u.data = data;
    u.tags = tags;
    return pass(c, (uintptr_t)&u, sizeof u);
}

static int64_t files_update(struct call *c, struct uring *r) {
    struct io_uring_files_update u;
    uint64_t fds;
    if (!call_read(c, c->guest[2], &u, sizeof u)) return -EFAULT;
    int64_t e = files(c, r, u.fds, (uint32_t)c->guest[3], &fds);
    if (e < 0) return e;
    u.fds = fds;
    return pass(c, (uintptr_t)&u, c->guest[3]);
}

/* Tells what the host does and vee, too. */
static int64_t probe(struct call *c, struct uring *r) {
    const uint64_t count = (uint32_t)c->guest[3];
    struct io_uring_probe *p = (void *)r->room;
    const size_t size = sizeof *p + count * sizeof *p->ops;
    if (count > OP_NONE + 1) return -EINVAL;
    if (!call_read(c, c->guest[2], p, size)) return -EFAULT;
    int64_t e = pass(c, (uintptr_t)p, count);
    if (e < 0) return e;
    for (unsigned i = 0; i < p->ops_len; i++)
        if (!uring_has(p->ops[i].op)) p->ops[i].flags = 0;
    return call_write(c, c->guest[2], p, size) ? e : -EFAULT;
}

static int64_t make(struct call *c, struct uring *r) {
    const unsigned operation = (unsigned)c->guest[1];
    const uint64_t count = (uint32_t)c->guest[3];
    uint64_t host = 0;
    int64_t e = 0;
    switch (operation) {
    case IORING_REGISTER_BUFFERS: e = buffers(c, r, c->guest[2], count, &host); break;
    case IORING_REGISTER_FILES: e = files(c, r, c->guest[2], count, &host); break;
    case IORING_UNREGISTER_BUFFERS:
    case IORING_UNREGISTER_FILES:
    case IORING_UNREGISTER_EVENTFD:
    case IORING_REGISTER_PERSONALITY:
    case IORING_UNREGISTER_PERSONALITY:
    case IORING_REGISTER_ENABLE_RINGS:
    case IORING_UNREGISTER_IOWQ_AFF: host = c->guest[2] ? CALL_NOBODYS : 0; break; /* that there is none is looked at */
    case IORING_REGISTER_EVENTFD:
    case IORING_REGISTER_EVENTFD_ASYNC: return event(c);
    case IORING_REGISTER_FILES_UPDATE: return files_update(c, r);
    case IORING_REGISTER_PROBE: return probe(c, r);
    case IORING_REGISTER_RESTRICTIONS: return plain(c, count * sizeof(struct io_uring_restriction));
    case IORING_REGISTER_FILES2:
    case IORING_REGISTER_BUFFERS2: return resources(c, r, operation == IORING_REGISTER_FILES2);
    case IORING_REGISTER_FILES_UPDATE2:
    case IORING_REGISTER_BUFFERS_UPDATE: return resources_update(c, r, operation == IORING_REGISTER_FILES_UPDATE2);
    case IORING_REGISTER_IOWQ_AFF: return plain(c, count);
    case IORING_REGISTER_IOWQ_MAX_WORKERS: return plain(c, 2 * sizeof(uint32_t));
    case IORING_REGISTER_SYNC_CANCEL: return plain(c, 64);
    case IORING_REGISTER_FILE_ALLOC_RANGE: return plain(c, 16);
    default: return -EINVAL;
    }
    return e < 0 ? e : pass(c, host, count);
}

int64_t call_io_uring_register(struct call *c) {
    struct uring *r = uring_find(c->process, (int)c->guest[0]);
    if (!r) {
        int64_t error = call_wait(c, SYS_io_uring_register, c->host[0], UINT32_MAX >> 1, 0, 0, 0, 0);
        return error == -EBADF ? error : -EOPNOTSUPP;
    }
    r->users++;
    int64_t result = uring_begin(c, r);
    if (result == 0) {
        result = make(c, r);
        uring_end(r);
    }
    uring_left(r);
    return result;
}
