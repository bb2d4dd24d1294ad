/* inherit.c - what a program that is executed inherits and the host does not pass on: limits that are virtual, filters
 * of system calls. It travels in a sealed memory file, whose descriptor is an option of the new vee (exec.c), and is
 * gone before the guest starts. Where there is nothing to say there is no file.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAGIC = 0x31656576, LIMITS = 3 };

struct head {
    uint64_t magic;
    uint64_t limits[LIMITS][2];
};

static const int resources[LIMITS] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK};

static uint64_t *limit_of(struct process *p, int i) {
    return i == 0 ? p->space_limit : i == 1 ? p->data_limit : p->stack_limit;
}

/* Is there more to say than the host itself will? */
static bool head_fill(struct process *p, struct head *h) {
    bool differs = false;
    h->magic = MAGIC;
    for (int i = 0; i < LIMITS; i++) {
        struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(resources[i], &r);
        h->limits[i][0] = limit_of(p, i)[0];
        h->limits[i][1] = limit_of(p, i)[1];
        differs = differs || h->limits[i][0] != r.rlim_cur || h->limits[i][1] != r.rlim_max;
    }
    return differs;
}

int64_t inherit_make(struct thread *t, int *descriptor) {
    struct head h;
    struct rlimit room = {RLIM_INFINITY, RLIM_INFINITY};
    *descriptor = -1;
    if (!head_fill(t->process, &h) && !t->filters) return 0;
    getrlimit(RLIMIT_FSIZE, &room);
    if (room.rlim_cur < sizeof h + seccomp_pass_size(t)) return -EFBIG; /* instead of the signal */
    int64_t fd = host_do(SYS_memfd_create, "vee", MFD_ALLOW_SEALING);
    if (fd < 0) return fd;
    bool written = host_do(SYS_write, fd, &h, sizeof h) == sizeof h && seccomp_pass(t, (int)fd);
    host_do(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    host_do(SYS_lseek, fd, 0, SEEK_SET);
    if (written)
        *descriptor = (int)fd;
    else
        host_do(SYS_close, fd);
    return written ? 0 : -ENOMEM;
}

bool inherit_take(struct process *p, const char *descriptor, struct error *error) {
    struct head h;
    char *end;
    long fd = strtol(descriptor, &end, 10);
    bool good = *descriptor && !*end && fd >= 0 && host_do(SYS_read, fd, &h, sizeof h) == sizeof h && h.magic == MAGIC;
    if (!good) return error_set(error, ERROR_NOT_RUNNABLE, "%s: nothing that vee has left for itself", descriptor);
    for (int i = 0; i < LIMITS; i++)
        for (int j = 0; j < 2; j++) limit_of(p, i)[j] = h.limits[i][j];
    process_limits_changed(p);
    good = seccomp_take(&p->thread, (int)fd);
    host_do(SYS_close, fd);
    return good || error_set(error, ERROR_NOT_RUNNABLE, "%s: filters that are not vee's own", descriptor);
}
