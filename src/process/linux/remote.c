/* remote.c - calls about the memory and the resources of another process.
 *
 * Addresses in another guest are host addresses, too, so they can be passed on; but what lies above the limit of guests
 * is vee's there as here, and is as good as unmapped. With --window every guest has its memory somewhere else, so only
 * the caller's own is within reach.
 */
#include "process/linux/linux.h"
#include "engine/engine.h"
#include <linux/kcmp.h>
#include <sys/mman.h>
#include <unistd.h>

/* The vectors in the other process, in scratch, as far as they lie in a guest's memory; how many. */
static int64_t remote_vectors(struct call *c, uint64_t from, uint64_t count, struct iovec **to) {
    struct iovec *v = (struct iovec *)(void *)c->thread->scratch->bytes;
    const struct space *s = c->process->space;
    _Static_assert(CALL_IOVECS * sizeof *v <= sizeof c->thread->scratch->bytes, "room for all");
    if (count > CALL_IOVECS) return -EINVAL;
    if (!call_gets(c, LAYOUT_iovec, from, count, v)) return -EFAULT;
    for (uint64_t i = 0; i < count; i++)
        if ((int64_t)v[i].iov_len < 0) return -EINVAL;
    *to = v;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = (uintptr_t)v[i].iov_base;
        if (at > s->limit) return i ? (int64_t)i : -EFAULT;
        v[i].iov_base = space_place(s, at);
        if (v[i].iov_len <= s->limit - at) continue;
        v[i].iov_len = s->limit - at; /* its last page is never mapped */
        return (int64_t)i + 1;
    }
    return (int64_t)count;
}

/* What the host refuses to write may be code that has run, whose page is protected there. `done` bytes have been
   written. */
static int64_t write_rest(struct call *c, const struct iovec *remote, uint64_t count, uint64_t done) {
    const struct iovec *local = c->thread->scratch->iov;
    const uint64_t nlocal = c->host[2];
    uint64_t here = 0, there = 0, skip_here = done, skip_there = done;
    int64_t r = 0;
    while (here < nlocal && there < count) {
        const struct iovec *from = &local[here], *to = &remote[there];
        if (skip_here >= from->iov_len) {
            skip_here -= from->iov_len;
            here++;
        } else if (skip_there >= to->iov_len) {
            skip_there -= to->iov_len;
            there++;
        } else {
            const uint64_t left = from->iov_len - skip_here, room = to->iov_len - skip_there;
            const uint64_t size = left < room ? left : room;
            r = memory_file_write(c, (int)c->host[0], (uintptr_t)to->iov_base + skip_there,
                                  (uint8_t *)from->iov_base + skip_here, size);
            if (r <= 0) break;
            done += (uint64_t)r;
            skip_here += (uint64_t)r;
            skip_there += (uint64_t)r;
        }
    }
    return done ? (int64_t)done : r;
}

static int64_t transfer(struct call *c, long number) {
    struct iovec *remote;
    uint64_t wanted = 0;
    if (c->guest[5]) return -EINVAL;
    for (uint64_t i = 0; i < c->guest[2]; i++) wanted |= c->thread->scratch->iov[i].iov_len;
    if (!wanted) return 0; /* whatever the other side is */
    int64_t count = remote_vectors(c, c->guest[3], c->guest[4], &remote);
    if (count < 0) return count;
    const bool own = (pid_t)c->host[0] == getpid();
    for (int64_t i = 0; own && number == SYS_process_vm_writev && i < count; i++)
        space_host_writes(c->process->space, (uintptr_t)remote[i].iov_base - (uintptr_t)c->process->space->base,
                          remote[i].iov_len, engine_is_shared(c->process->vm->engine));
    for (int64_t i = 0; own && c->written && number == SYS_process_vm_writev && i < count; i++)
        outside_note(c, (uintptr_t)remote[i].iov_base - (uintptr_t)c->process->space->base, remote[i].iov_len);
    if (c->process->space->window && (pid_t)c->host[0] != getpid()) return -EPERM;
    int64_t r = call_wait(c, number, c->host[0], c->host[1], c->host[2], (uintptr_t)remote, (uint64_t)count, 0);
    if (own || number != SYS_process_vm_writev || (r < 0 && r != -EFAULT)) return r;
    return write_rest(c, remote, (uint64_t)count, r < 0 ? 0 : (uint64_t)r);
}

int64_t call_process_vm_readv(struct call *c) {
    return transfer(c, SYS_process_vm_readv);
}

int64_t call_process_vm_writev(struct call *c) {
    return transfer(c, SYS_process_vm_writev);
}

/* Advice that only concerns time; the other process is not told of contents that are gone. */
int64_t call_process_madvise(struct call *c) {
    switch ((int)c->guest[3]) {
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_WILLNEED: break;
    default: return -EINVAL;
    }
    if (c->process->space->window) return -EPERM;
    return call_wait(c, SYS_process_madvise, c->host[0], c->host[1], c->host[2], c->host[3], c->host[4], 0);
}

int64_t call_kcmp(struct call *c) {
    uint64_t second = c->guest[4];
    if ((int)c->guest[2] == KCMP_EPOLL_TFD && !call_pointer(c, second, sizeof(struct kcmp_epoll_slot), &second))
        return -EFAULT;
    return call_wait(c, SYS_kcmp, c->host[0], c->host[1], c->host[2], c->host[3], second, 0);
}
