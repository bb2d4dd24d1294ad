/* where.c - system calls about where a process is: its working directory, its root, its namespaces. */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>

int64_t call_getcwd(struct call *c) {
    char text[PATH_MAX];
    int64_t n = host_wait(SYS_getcwd, text, sizeof text);
    if (n < 0) return n;
    char *shown = text;
    if (!path_to_guest(c->process, text)) { /* as Linux says it of what the root does not lead to */
        static const char unreachable[] = "(unreachable)";
        memmove(text + sizeof unreachable - 1, text,
                strlen(text) + 1 + sizeof unreachable > sizeof text ? 1 : strlen(text) + 1);
        memcpy(text, unreachable, sizeof unreachable - 1);
    }
    n = (int64_t)strlen(shown) + 1;
    if (c->guest[1] < (uint64_t)n) return -ERANGE;
    return call_write(c, c->guest[0], shown, (size_t)n) ? n : -EFAULT;
}

int64_t call_chdir(struct call *c) {
    int64_t r = call_wait(c, SYS_chdir, c->host[0], 0, 0, 0, 0, 0);
    if (r == 0) path_moved(c->process);
    return r;
}

int64_t call_fchdir(struct call *c) {
    int64_t r = call_wait(c, SYS_fchdir, c->host[0], 0, 0, 0, 0, 0);
    if (r == 0) path_moved(c->process);
    return r;
}

static bool may_chroot(void) {
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    return host_do(SYS_capget, &h, d) == 0 && (d[0].effective & 1u << CAP_SYS_CHROOT);
}

/* By the host, as all other paths are. */
static int64_t chroot_host(struct call *c, const char *path) {
    const char *to;
    int64_t r = path_place(c, AT_FDCWD, path, PATH_FOLLOW, &to);
    if (r >= 0) r = call_wait(c, SYS_chroot, (uintptr_t)to, 0, 0, 0, 0, 0);
    if (r == 0) path_root_again(c->process);
    return r;
}

/* Within --root. */
static int64_t chroot_inside(struct process *p, const char *path) {
    char found[PATH_MAX];
    if (!*path) return -ENOENT;
    const int64_t r = path_find_folder(p, path, found);
    if (r < 0) return r;
    if (!may_chroot()) return -EPERM;
    if (r) return -EACCES; /* it would be outside */
    strcpy(p->root.inside, found);
    return 0;
}

int64_t call_chroot(struct call *c) {
    struct process *p = c->process;
    char *path = c->thread->scratch->path[c->paths++];
    const int64_t r = call_read_string(c, c->guest[0], path, PATH_MAX);
    if (r < 0) return r;
    return p->root.length && p->root.whole ? chroot_inside(p, path) : chroot_host(c, path);
}

/* Moves the host's root, which is vee's, too. */
int64_t call_pivot_root(struct call *c) {
    if (c->process->root.whole) return -EINVAL; /* as from where the first root is not a mount of its own */
    int64_t r = call_wait(c, SYS_pivot_root, c->host[0], c->host[1], 0, 0, 0, 0);
    if (r == 0) path_root_again(c->process);
    return r;
}

int64_t call_unshare(struct call *c) {
    int64_t r = call_wait(c, SYS_unshare, c->host[0], 0, 0, 0, 0, 0);
    if (r == 0 && (c->host[0] & CLONE_NEWNS)) path_root_again(c->process);
    return r;
}

int64_t call_setns(struct call *c) {
    int64_t r = call_wait(c, SYS_setns, c->host[0], c->host[1], 0, 0, 0, 0);
    if (r == 0) path_root_again(c->process);
    return r;
}

void path_root_again(struct process *p) {
    p->root.apart = false;
    if (!p->root.length) return;
    own_root_open(p);
    if (p->own[OWN_ROOT].fd < 0 && !p->root.whole) p->root.length = 0; /* it is out of reach, and so nothing is in it */
    path_moved(p);
}
