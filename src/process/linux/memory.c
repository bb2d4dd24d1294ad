/* memory.c - the system calls about memory. What they may and do to mappings is in memory_map.c. Those that concern
 * pages but not mappings (madvise, msync, mlock) go to the host piece by piece, because what lies between the guest's
 * mappings is not the guest's: holes are skipped and end in ENOMEM, as Linux has it.
 */
#include "process/linux/linux.h"
#include "engine/engine.h"
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

int64_t call_brk(struct call *c) {
    return (int64_t)memory_brk(c->process->space, c->guest[0]);
}

/** What the file of a mapping is asked before. */
struct question {
    const uint64_t *arguments;
    uint32_t prot;
    uint64_t content; /* of a shared object that a loader maps; else 0 */
    bool never_executed;
};

static void file_ask(void *arg) {
    struct question *q = arg;
    const uint64_t *g = q->arguments;
    struct statfs fs;
    q->never_executed = (q->prot & PROT_EXEC) && fstatfs((int)g[4], &fs) == 0 && (fs.f_flags & ST_NOEXEC);
    /* What looks like a loader's first mapping of a shared object. */
    if (!g[0] && !g[5] && (g[3] & (MAP_PRIVATE | MAP_FIXED)) == MAP_PRIVATE &&
        ((g[2] & PROT_EXEC) || (g[3] & MAP_DENYWRITE)))
        q->content = store_content((int)g[4]);
}

int64_t call_mmap(struct call *c) {
    const uint64_t *g = c->guest;
    struct question q = {.arguments = g, .prot = process_rights(c->process, (uint32_t)g[2])};
    if (!(g[3] & MAP_ANONYMOUS) && memory_file_is((int)g[4])) return -ENODEV;
    if (!(g[3] & MAP_ANONYMOUS)) {
        int64_t at = uring_map(c);
        if (at != URING_OTHER) return at;
    }
    const bool sane = g[1] && !(g[5] & (SPACE_PAGE - 1)); /* else that is what memory_map says */
    if (!(g[3] & MAP_ANONYMOUS) && sane && ((q.prot & PROT_EXEC) || (g[3] & MAP_DENYWRITE)))
        engine_outside(c->process->vm->engine, file_ask, &q);
    if (q.never_executed && (g[2] & PROT_EXEC)) return -EPERM;
    if (q.never_executed) q.prot = (uint32_t)g[2]; /* nothing is implied there */
    return memory_map(c->process->space, q.content ? store_place(c->process, q.content, g[1]) : g[0], g[1], q.prot,
                      (uint32_t)g[3], (int)g[4], g[5], g[3] & MAP_ANONYMOUS ? MEMORY_ANONYMOUS : MEMORY_FILE);
}

int64_t call_munmap(struct call *c) {
    return memory_unmap(c->process->space, c->guest[0], c->guest[1]);
}

int64_t call_mprotect(struct call *c) {
    return memory_protect(c->process->space, c->guest[0], c->guest[1],
                          process_rights(c->process, (uint32_t)c->guest[2]));
}

int64_t call_mremap(struct call *c) {
    const uint64_t *g = c->guest;
    return memory_remap(c->process->space, g[0], g[1], g[2], (uint32_t)g[3], g[4]);
}

/* Makes call(start, length, arg) for every mapped piece of the range. */
static int64_t each_piece(struct call *c, long number, uint64_t start, uint64_t length, uint64_t arg) {
    struct space *s = c->process->space;
    uint64_t end = start + page_up(length), at = start;
    bool hole = false;
    if (start & (SPACE_PAGE - 1)) return -EINVAL;
    if (end < start || page_up(length) < length) return -EINVAL;
    if (end > s->limit) {
        hole = true;
        end = s->limit;
    }
    for (const struct mapping *m; at < end && (m = space_next(s, at)) != NULL && m->start < end;) {
        uint64_t from = m->start > at ? m->start : at, to = m->end < end ? m->end : end;
        if (from > at) hole = true;
        int64_t r = host_wait(number, space_host(s, from), to - from, arg);
        if (r < 0) return r;
        at = to;
    }
    return hole || at < end ? -ENOMEM : 0;
}

int64_t call_madvise(struct call *c) {
    uint64_t start = c->guest[0], length = c->guest[1];
    int advice = (int)c->guest[2];
    /* Pages are the host's to lose: the answer of a kernel that cannot do it. */
    if (advice == MADV_HWPOISON || advice == 101 /* MADV_SOFT_OFFLINE */) return -EINVAL;
    /* Advice about pages may need the rights that the guest has. */
    space_host_writes(c->process->space, start, page_up(length), false);
    bool forks = advice == MADV_DONTFORK || advice == MADV_DOFORK; /* vee's own affair: see memory_forked */
    int64_t r = each_piece(c, SYS_madvise, start, length, forks ? MADV_NORMAL : (uint64_t)advice);
    if (forks && (r == 0 || r == -ENOMEM)) {
        const int64_t e = memory_no_child(c->process->space, start, page_up(length), advice == MADV_DONTFORK);
        if (e) return e;
    }
    bool discards = advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
                    advice == 24 /* MADV_DONTNEED_LOCKED */ || advice == 102 /* MADV_GUARD_INSTALL */;
    if ((r == 0 || r == -ENOMEM) && discards) space_discarded(c->process->space, start, page_up(length));
    return r;
}

int64_t call_msync(struct call *c) {
    uint64_t flags = c->guest[2];
    if ((flags & ~(uint64_t)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (flags & MS_ASYNC && flags & MS_SYNC))
        return -EINVAL;
    return each_piece(c, SYS_msync, c->guest[0], c->guest[1], flags);
}

/* mlock takes any start; it means whole pages. */
static int64_t lock_pieces(struct call *c, long number, uint64_t arg) {
    uint64_t lead = c->guest[0] & (SPACE_PAGE - 1);
    if (!c->guest[1]) return 0;
    return each_piece(c, number, c->guest[0] - lead, c->guest[1] + lead, arg);
}

int64_t call_mlock(struct call *c) {
    return lock_pieces(c, SYS_mlock, 0);
}

int64_t call_munlock(struct call *c) {
    return lock_pieces(c, SYS_munlock, 0);
}

int64_t call_mlock2(struct call *c) {
    if (c->guest[2] & ~UINT64_C(1)) return -EINVAL;
    return lock_pieces(c, SYS_mlock2, c->guest[2]);
}

/* The host's call would lock all of vee. What is mapped later is not locked: that is a promise about time only. */
int64_t call_mlockall(struct call *c) {
    uint64_t flags = c->guest[0];
    if (!flags || (flags & ~(uint64_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT) return -EINVAL;
    if (!(flags & MCL_CURRENT)) return 0;
    int64_t r = each_piece(c, flags & MCL_ONFAULT ? SYS_mlock2 : SYS_mlock, 0, c->process->space->limit,
                           flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0);
    return r == -ENOMEM ? 0 : r;
}

int64_t call_munlockall(struct call *c) {
    int64_t r = each_piece(c, SYS_munlock, 0, c->process->space->limit, 0);
    return r == -ENOMEM ? 0 : r;
}

int64_t call_mincore(struct call *c) {
    struct space *s = c->process->space;
    uint64_t start = c->guest[0], length = page_up(c->guest[1]), host;
    if (start & (SPACE_PAGE - 1)) return -EINVAL;
    if (length < c->guest[1] || !space_within(s, start, length)) return -ENOMEM;
    if (!call_pointer(c, c->guest[2], length / SPACE_PAGE, &host)) return -EFAULT;
    if (!space_covers(s, start, start + length)) return -ENOMEM;
    return host_do(SYS_mincore, space_host(s, start), length, host);
}
