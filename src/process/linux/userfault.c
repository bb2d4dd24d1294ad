/* userfault.c - userfaultfd: pages of the guest's that are missing until the guest itself provides them, in another
 * thread or another process. The host does the work; requests are checked to be about the guest's memory.
 *
 * Whoever touches a missing page waits until it is there. The thread that provides it may be one of this process, which
 * needs the engine's lock for that, so nobody may wait for it with the lock: what vee is about to access in registered
 * memory, for a system call, a signal or a translation, it touches without the lock first. A guest that takes the page
 * away again in that moment stops itself. And a thread that waits does not come to a stop, so what needs all others to
 * stop (engine_stop_others) waits as well.
 *
 * Not there: the events of fork, mremap, munmap and madvise, in the middle of which vee would have to wait. The answer
 * to UFFDIO_API says so, as a kernel's does that has no such features. In a window there is nothing of this, as
 * messages tell addresses of the host.
 */
#include "process/linux/linux.h"
#include "engine/engine.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <string.h>

enum { REQUEST_MOST = 40 };
static const uint64_t refused =
    UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;

int64_t call_userfaultfd(struct call *c) {
    if (c->process->space->window) return -ENOSYS;
    return call_wait(c, SYS_userfaultfd, c->guest[0], 0, 0, 0, 0, 0);
}

/* ---- what may have to be waited for */

struct part {
    const struct space *space;
    uint64_t start, end;
    bool write;
};

static void part_wait(void *arg) {
    const struct part *part = arg;
    for (uint64_t at = part->start; at < part->end; at = (at | (SPACE_PAGE - 1)) + 1) {
        uint8_t GUEST_MEMORY *host = space_host(part->space, at);
        if (look_guarded(host) && part->write) touch_guarded(host);
    }
}

static void nothing(void *arg) {
    (void)arg;
}

void await_memory(struct process *p, uint64_t start, uint64_t length, bool write) {
    const struct process *first = process_of(p->vm);
    struct part part = {p->space, start, start + length, write && first->userfault.writes};
    if (part.start < first->userfault.start) part.start = first->userfault.start;
    if (part.end > first->userfault.end) part.end = first->userfault.end;
    if (part.start < part.end)
        engine_outside(p->vm->engine, part_wait, &part);
    else if (p->vm->options.drop_lock)
        engine_outside(p->vm->engine, nothing, NULL);
}

bool await_read(struct process *p, uint64_t from, void *to, size_t size) {
    if (!space_within(p->space, from, size)) return false;
    await_memory(p, from, size, false);
    return space_read(p->space, from, to, size);
}

bool await_write(struct process *p, uint64_t to, const void *from, size_t size) {
    if (!space_within(p->space, to, size)) return false;
    await_memory(p, to, size, true);
    return space_write(p->space, to, from, size);
}

/* From now on, whatever becomes of the registration: that it ends is not looked for. */
static void range_note(struct process *p, uint64_t start, uint64_t length) {
    struct process *first = process_of(p->vm);
    if (!first->userfault.end) first->userfault.start = start;
    if (start < first->userfault.start) first->userfault.start = start;
    if (start + length > first->userfault.end) first->userfault.end = start + length;
}

static bool in_range(const struct process *p, uint64_t page) {
    const struct process *first = process_of(p->vm);
    return page >= first->userfault.start && page < first->userfault.end;
}

bool userfault_absent(const struct process *p, uint64_t address) {
    const uint64_t page = address & -(uint64_t)SPACE_PAGE;
    unsigned char there = 1;
    if (!in_range(p, page)) return false;
    return host_do(SYS_mincore, space_host(p->space, page), SPACE_PAGE, &there) == 0 && !(there & 1);
}

bool userfault_hides_code(const struct thread *t, uint64_t address) {
    const uint64_t page = address & -(uint64_t)SPACE_PAGE;
    if (!in_range(t->process, page)) return false;
    return userfault_absent(t->process, page) ||
           (process_of(t->process->vm)->userfault.minor && page != t->awaited[0] && page != t->awaited[1]);
}

void await_code(struct thread *t, uint64_t address) {
    t->awaited[1] = t->awaited[0];
    t->awaited[0] = address & -(uint64_t)SPACE_PAGE;
    await_memory(t->process, address, 1, false);
}

/* ---- requests */

static int64_t api(int fd, struct uffdio_api *a) {
    if (a->features & refused) a->features = UINT64_MAX; /* which no host has */
    int64_t r = host_wait(SYS_ioctl, fd, UFFDIO_API, a);
    a->features &= ~refused;
    return r;
}

static int64_t enter(struct process *p, int fd, struct uffdio_register *a) {
    range_note(p, a->range.start, a->range.len);
    if (a->mode & UFFDIO_REGISTER_MODE_WP) process_of(p->vm)->userfault.writes = true;
    if (a->mode & UFFDIO_REGISTER_MODE_MINOR) process_of(p->vm)->userfault.minor = true;
    return host_wait(SYS_ioctl, fd, UFFDIO_REGISTER, a);
}

int64_t userfault_request(struct call *c, uint32_t request, unsigned length_at, unsigned size) {
    const struct process *p = c->process;
    const int fd = (int)c->host[0];
    _Alignas(8) uint8_t bytes[REQUEST_MOST], before[REQUEST_MOST];
    uint64_t address, length;
    int64_t r;
    if (p->space->window) return -ENOTTY;
    if (!call_read(c, c->guest[2], bytes, size)) return -EFAULT;
    memcpy(before, bytes, size);
    memcpy(&length, bytes + length_at, sizeof length);
    for (unsigned at = 0; at < length_at; at += sizeof address) {
        memcpy(&address, bytes + at, sizeof address);
        if (!space_within(p->space, address, length)) return -EINVAL;
        space_host_writes(p->space, address, length, engine_is_shared(p->vm->engine));
    }
    switch (request) {
    case UFFDIO_API: r = api(fd, (struct uffdio_api *)(void *)bytes); break;
    case UFFDIO_REGISTER: r = enter(c->process, fd, (struct uffdio_register *)(void *)bytes); break;
    default: r = call_wait(c, SYS_ioctl, (uint64_t)fd, request, (uintptr_t)bytes, 0, 0, 0); break;
    }
    /* How far it came is told after errors, too; a struct that is only read may be in memory that is. */
    if (memcmp(bytes, before, size) && !call_write(c, c->guest[2], bytes, size)) return -EFAULT;
    return r;
}
