/* inherit.c - what a program that is executed inherits and the host does not pass on: the open program, the descriptor
 * of vee's own program, limits that are virtual, filters of system calls. The latter travel in a pipe or, if
 * they are large, in a sealed memory file; where there is nothing to say there is none. Descriptors are an option of
 * the new vee (exec.c), and gone from the guest's sight before it starts.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAGIC = 0x32656576, LIMITS = 3, SMALL = 4096 /* any pipe has room for it */ };

struct head {
    uint64_t magic;
    uint64_t limits[LIMITS][2];
    uint64_t files_most;
    uint64_t persona;
};

static const int resources[LIMITS] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK};

static uint64_t *limit_of(struct process *p, int i) {
    return i == 0 ? p->space_limit : i == 1 ? p->data_limit : p->stack_limit;
}

/* Is there more to say than the host itself will? */
static bool head_fill(struct process *p, struct head *h) {
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_NOFILE, &files);
    bool differs = p->files_most < files.rlim_max || p->persona != (uint32_t)host_do(SYS_personality, UINT32_MAX);
    h->magic = MAGIC;
    h->files_most = p->files_most;
    h->persona = p->persona;
    if ((p->persona & PER_MASK) != PER_LINUX32) h->persona &= ~(uint64_t)PER_MASK; /* of this system again */
    for (int i = 0; i < LIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(resources[i], &r);
        h->limits[i][0] = limit_of(p, i)[0];
        h->limits[i][1] = limit_of(p, i)[1];
        differs = differs || h->limits[i][0] != r.rlim_cur || h->limits[i][1] != r.rlim_max;
    }
    return differs;
}

static bool file_write(const struct thread *t, const struct head *h, int fd) {
    return host_hold(SYS_write, fd, h, sizeof *h) == sizeof *h && seccomp_pass(t, fd);
}

/* A pipe, which no limit on files concerns. */
static int64_t small_make(const struct thread *t, const struct head *h) {
    int ends[2];
    int64_t r = descriptor_make(SYS_pipe2, (uintptr_t)ends, O_CLOEXEC | O_NONBLOCK, 0, 0);
    if (r < 0) return r;
    bool written = file_write(t, h, ends[1]);
    host_hold(SYS_close, ends[1]);
    if (written) return ends[0];
    host_hold(SYS_close, ends[0]);
    return -EFBIG;
}

static int64_t large_make(const struct thread *t, const struct head *h, size_t size) {
    struct rlimit room = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &room);
    if (room.rlim_cur < size) return -EFBIG; /* instead of the signal */
    int64_t fd = descriptor_make(SYS_memfd_create, (uintptr_t) "vee", MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0);
    if (fd < 0) return fd;
    bool written = file_write(t, h, (int)fd);
    host_do(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    host_hold(SYS_lseek, fd, 0, SEEK_SET);
    if (!written) host_hold(SYS_close, fd);
    return written ? fd : -ENOMEM;
}

int64_t inherit_make(struct thread *t, struct inherited *to) {
    struct head h;
    to->blob = -1;
    if (!head_fill(t->process, &h) && !t->filters) return 0;
    size_t size = sizeof h + seccomp_pass_size(t);
    int64_t fd = size <= SMALL ? small_make(t, &h) : large_make(t, &h, size);
    if (fd < 0) return fd;
    to->blob = (int)fd;
    return 0;
}

void inherit_pass(const struct inherited *i, bool pass) {
    if (i->vee >= 0) host_do(SYS_fcntl, i->vee, F_SETFD, pass ? 0 : FD_CLOEXEC);
    if (i->blob >= 0) host_do(SYS_fcntl, i->blob, F_SETFD, pass ? 0 : FD_CLOEXEC);
}

void inherit_text(const struct inherited *i, char text[INHERITED_TEXT]) {
    if (i->vee >= 0) text = put_digits(text, (unsigned)i->vee);
    *text++ = i->by_descriptor ? '=' : ':';
    if (i->blob >= 0) text = put_digits(text, (unsigned)i->blob);
    *text = 0;
}

/* The descriptor that a number at *text names, closed by the next exec; nothing: -1. False: there is none. */
static bool descriptor_take(const char **text, int *fd) {
    int64_t v = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9' && v <= INT_MAX; at++) v = v * 10 + (*at - '0');
    *fd = at == *text ? -1 : (int)v;
    *text = at;
    return v <= INT_MAX && (*fd < 0 || host_do(SYS_fcntl, *fd, F_SETFD, FD_CLOEXEC) == 0);
}

bool inherit_parse(const char *text, struct inherited *to, struct error *error) {
    const char *at = text;
    bool good = descriptor_take(&at, &to->vee) && (*at == ':' || *at == '=');
    to->by_descriptor = *at == '=';
    good = good && descriptor_take((at++, &at), &to->blob) && !*at;
    return good || error_set(error, ERROR_NOT_RUNNABLE, "%s: nothing that vee has left for itself", text);
}

bool inherit_take(struct process *p, const struct inherited *i, struct error *error) {
    struct head h;
    if (i->blob < 0) return true;
    if (host_hold(SYS_read, i->blob, &h, sizeof h) != sizeof h || h.magic != MAGIC)
        return error_set(error, ERROR_NOT_RUNNABLE, "%d: nothing that vee has left for itself", i->blob);
    for (int k = 0; k < LIMITS; k++)
        for (int j = 0; j < 2; j++) limit_of(p, k)[j] = h.limits[k][j];
    p->files_most = h.files_most;
    p->persona = (uint32_t)h.persona;
    process_limits_changed(p);
    bool good = seccomp_take(&p->thread, i->blob);
    host_hold(SYS_close, i->blob);
    return good || error_set(error, ERROR_NOT_RUNNABLE, "%d: filters that are not vee's own", i->blob);
}
