/* own_fd.c - the descriptors that are vee's, which to the guest are not there: of vee's own program, for exec, and of
 * the guest's, which may have lost its name.
 *
 * They are opened for their path alone (O_PATH), and told from others by that and by what they are of; so it does not
 * matter what a process does that shares descriptors and not memory. They sit high, and out of the way of the numbers
 * that the guest asks for or needs all of. Making a descriptor for vee itself may take the limit up for a moment.
 */
#include "process/linux/linux.h"
#include "base/os.h"
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { OWN_FD = 1024 - OWN_FDS, HIDE_FD = OWN_FD - HIDDEN_MOST };

/* What a file is, as far as it is known without asking the file system, so without waiting. */
static bool identify(int folder, const char *path, int flags, struct own_fd *to) {
    struct statx st;
    if (host_hold(SYS_statx, folder, path, flags | AT_STATX_DONT_SYNC, 0, &st) != 0) return false;
    *to = (struct own_fd){.fd = folder, .dev = makedev(st.stx_dev_major, st.stx_dev_minor), .ino = st.stx_ino};
    return true;
}

static bool is_same(const struct own_fd *a, const struct own_fd *b) {
    return a->dev == b->dev && a->ino == b->ino;
}

static bool is_path_of(int fd, const struct own_fd *own) {
    struct own_fd now;
    int64_t flags = host_do(SYS_fcntl, fd, F_GETFL);
    return flags >= 0 && (flags & O_PATH) && identify(fd, "", AT_EMPTY_PATH, &now) && is_same(&now, own);
}

/* Takes the descriptor for one of vee's own, at a number of at least `least` if there is one left. */
static bool take(struct own_fd *own, int64_t fd, uint64_t least) {
    struct own_fd what;
    if (fd < 0 || !identify((int)fd, "", AT_EMPTY_PATH, &what)) return false;
    int64_t high = descriptor_make(SYS_fcntl, (uint64_t)fd, F_DUPFD_CLOEXEC, least, 0);
    if (high >= 0) host_hold(SYS_close, fd);
    what.fd = (int)(high >= 0 ? high : fd);
    *own = what;
    return true;
}

static uint64_t own_least(void) {
    struct rlimit r = {OWN_FD, OWN_FD};
    getrlimit(RLIMIT_NOFILE, &r);
    return r.rlim_cur >= OWN_FD + OWN_FDS ? OWN_FD : r.rlim_cur > OWN_FDS + 3 ? r.rlim_cur - OWN_FDS : 3;
}

void own_fds_open(struct process *p, int inherited, int program) {
    char link[FD_PATH];
    struct own_fd given, own;
    const char *path = "/proc/self/exe";
    bool taken = inherited >= 0 && identify(inherited, "", AT_EMPTY_PATH, &given) && is_path_of(inherited, &given) &&
                 (!identify(AT_FDCWD, path, 0, &own) || is_same(&own, &given));
    if (taken) { /* nothing names it where procfs is missing; it keeps its number, which is high */
        host_do(SYS_fcntl, inherited, F_SETFD, FD_CLOEXEC);
        p->own[OWN_VEE] = given;
    } else {
        take(&p->own[OWN_VEE], descriptor_make(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path, O_PATH | O_CLOEXEC, 0),
             own_least());
    }
    fd_path(link, program);
    take(&p->own[OWN_EXE], descriptor_make(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)link, O_PATH | O_CLOEXEC, 0),
         own_least());
}

void own_root_open(struct process *p) {
    struct own_fd *own = &p->own[OWN_ROOT];
    if (own->fd >= 0) host_hold(SYS_close, own->fd);
    own->fd = -1;
    take(
        own,
        descriptor_make(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)p->root.folder, O_PATH | O_DIRECTORY | O_CLOEXEC, 0),
        own_least());
}

void own_fds_close(struct process *p) {
    for (unsigned i = 0; i < OWN_FDS; i++)
        if (p->own[i].fd >= 0) close(p->own[i].fd);
}

/* The path that led to it, which may lead elsewhere now. */
static const char *path_of(const struct process *p, unsigned which) {
    return which == OWN_VEE ? "/proc/self/exe" : which == OWN_EXE ? p->exe : p->root.folder;
}

static void check(struct process *p, unsigned which) {
    struct own_fd *own = &p->own[which];
    const int fd = own->fd;
    if (fd < 0 || is_path_of(fd, own)) return;
    struct own_fd again = {.fd = -1};
    const char *path = path_of(p, which);
    if (path) take(&again, host_wait(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC), (uint64_t)fd);
    const bool changed = own->fd != fd; /* by another thread meanwhile */
    if (again.fd >= 0 && (changed || !is_same(&again, own))) {
        host_hold(SYS_close, again.fd);
        again.fd = -1;
    }
    if (!changed) own->fd = again.fd;
}

void own_fds_check(struct process *p) {
    for (unsigned i = 0; i < OWN_FDS; i++) check(p, i);
}

bool own_fd_is(struct process *p, int fd) {
    for (unsigned i = 0; i < OWN_FDS; i++) {
        if (fd < 0 || fd != p->own[i].fd) continue;
        check(p, i);
        return fd == p->own[i].fd;
    }
    for (unsigned i = 0; i < p->nhidden; i++)
        if (p->hidden[i] == fd) return true;
    return false;
}

int own_fd_hide(struct process *p, int fd) {
    const uint64_t next = (uint64_t)fd + 1, least[] = {HIDE_FD, own_least()};
    int64_t high = -EINVAL;
    for (unsigned i = 0; i < 2 && high == -EINVAL; i++) /* the second where the limit is low */
        high = descriptor_make(SYS_fcntl, (uint64_t)fd, F_DUPFD_CLOEXEC, least[i] > next ? least[i] : next, 0);
    if (high >= 0) {
        host_hold(SYS_close, fd);
        fd = (int)high;
    }
    if (p->nhidden < HIDDEN_MOST) p->hidden[p->nhidden++] = fd;
    return fd;
}

void own_fd_show(struct process *p, int fd) {
    for (unsigned i = 0; i < p->nhidden; i++) {
        if (p->hidden[i] != fd) continue;
        p->hidden[i] = p->hidden[--p->nhidden];
        return;
    }
}

void own_fds_forked(struct process *p, bool shared) {
    for (unsigned i = 0; i < p->nhidden && !shared; i++) host_hold(SYS_close, p->hidden[i]);
    p->nhidden = 0;
}

int64_t descriptor_make(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    uint64_t kept[2];
    int64_t fd = number == SYS_openat ? host_wait(number, a, b, c, d) : host_hold(number, a, b, c, d);
    bool dup = number == SYS_fcntl && fd == -EINVAL; /* at a number above the limit */
    if ((fd != -EMFILE && !dup) || !os_descriptors_more(kept)) return fd;
    fd = host_hold(number, a, b, c, d); /* what is more than the guest may have is for nobody else */
    os_descriptors_as(kept);
    return fd;
}

int64_t file_open_own(const char *path, int flags) {
    return descriptor_make(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)path, (uint32_t)(flags | O_RDONLY | O_CLOEXEC),
                           0);
}

/* Moves one out of the way of a descriptor that the guest names. */
static bool move(struct own_fd *own) {
    int64_t fd = host_do(SYS_fcntl, own->fd, F_DUPFD_CLOEXEC, own->fd + 1);
    if (fd < 0) fd = host_do(SYS_fcntl, own->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return false;
    host_hold(SYS_close, own->fd);
    own->fd = (int)fd;
    return true;
}

static bool yield_one(struct own_fd *own) {
    uint64_t kept[2];
    if (own->fd < 0) return false;
    bool more = os_descriptors_more(kept);
    if (more && (uint64_t)own->fd >= kept[0]) { /* it does not count */
        os_descriptors_as(kept);
        return false;
    }
    int64_t fd = more ? host_do(SYS_fcntl, own->fd, F_DUPFD_CLOEXEC, kept[0]) : -EMFILE;
    if (more) os_descriptors_as(kept);
    host_hold(SYS_close, own->fd);
    own->fd = fd < 0 ? OWN_FD_GIVEN_UP : (int)fd;
    return true;
}

bool own_fd_yield(struct process *p) {
    bool yields = false;
    for (unsigned i = OWN_ROOT; i-- > 0 && !yields;) /* without the root nothing is found */
        yields = yield_one(&p->own[i]);
    return yields;
}

void own_fds_move(struct process *p, int64_t made) {
    static const uint8_t order[OWN_FDS] = {OWN_ROOT, OWN_VEE, OWN_EXE}; /* the last is given up first */
    struct rlimit limit;
    uint64_t kept[2];
    if (host_do(SYS_fcntl, made, F_GETFD) < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    const uint64_t beyond = (uint64_t)made + 1 + OWN_FDS;
    uint64_t least = (uint64_t)made * 2; /* no further: a fork copies the numbers up to the highest */
    const bool room = least + OWN_FDS <= limit.rlim_cur, more = !room && os_descriptors_more(kept);
    if (more) os_descriptors_as(kept);
    if (more) least = beyond > limit.rlim_cur ? beyond : limit.rlim_cur;
    for (unsigned i = 0; i < OWN_FDS; i++) {
        struct own_fd *own = &p->own[order[i]];
        if (own->fd < 0) continue;
        if (!room && !more) least = --limit.rlim_cur; /* the guest gets the last ones, one by one */
        if (own->fd > made && own->fd <= made + OWN_FDS && is_path_of(own->fd, own)) take(own, own->fd, least);
    }
}

/* ---- calls that name descriptors which do not exist yet, or many */

int64_t call_dup3(struct call *c) {
    struct process *p = c->process;
    struct rlimit limit;
    const int to = (int)c->guest[1];
    if (own_fd_named(p, to)) {
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && c->guest[1] >= limit.rlim_cur) return -EBADF;
        for (unsigned i = 0; i < OWN_FDS; i++)
            if (p->own[i].fd == to && !move(&p->own[i]) && !yield_one(&p->own[i])) return -EBUSY;
        if (own_fd_named(p, to)) return -EBUSY; /* as from Linux while another thread opens something */
    }
    uring_closed(p, to);
    return call_wait(c, SYS_dup3, c->guest[0], c->guest[1], c->guest[2], 0, 0, 0);
}

int64_t call_close_range(struct call *c) {
    uint32_t first = (uint32_t)c->guest[0], last = (uint32_t)c->guest[1];
    int64_t r = first > last ? -EINVAL : 0;
    if (r == 0 && !(c->guest[2] & CLOSE_RANGE_CLOEXEC)) uring_closed_between(c->process, first, last);
    for (bool more = true; r == 0 && more;) {
        uint32_t end = last; /* of what lies before the next one that is vee's */
        more = false;
        for (unsigned i = 0; i < OWN_FDS; i++) {
            uint32_t own = (uint32_t)c->process->own[i].fd;
            if (c->process->own[i].fd < 0 || own < first || own > end) continue;
            more = true;
            end = own;
        }
        if (!more || end > first) r = host_wait(SYS_close_range, first, more ? end - 1 : end, c->guest[2]);
        if (more && end == last) break;
        first = end + 1;
    }
    return r;
}
