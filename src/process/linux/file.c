/* file.c - system calls on files whose meaning is not the host's: what is opened may be a file of procfs, what is shown
 * of vee's own program is the guest's. Everything else about files passes through (syscall.def).
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* ---- extended attributes */

/* The value is behind a pointer in a struct. */
static int64_t attribute_at(struct call *c, long number) {
    struct {
        uint64_t value;
        uint32_t size, flags;
    } a;
    uint64_t size = c->guest[5];
    if (size > SPACE_PAGE) return -E2BIG;
    if (size < sizeof a) return -EINVAL;
    int64_t r = call_read_struct(c, c->guest[4], size, &a, sizeof a);
    if (r < 0) return r;
    if (a.value && !call_pointer(c, a.value, a.size, &a.value)) return -EFAULT;
    return call_wait(c, number, c->host[0], c->host[1], c->host[2], c->host[3], (uintptr_t)&a, sizeof a);
}

int64_t call_setxattrat(struct call *c) {
    return attribute_at(c, 463);
}

int64_t call_getxattrat(struct call *c) {
    return attribute_at(c, 464);
}

/* ---- closing */

int64_t call_close(struct call *c) {
    uring_closed(c->process, (int)c->guest[0]);
    return call_wait(c, SYS_close, c->host[0], 0, 0, 0, 0, 0);
}

/* ---- opening
 *
 * What is opened by its name may be a file of procfs that leads to vee's memory, and is known to be one only then.
 * Where nobody else uses the descriptors meanwhile, it is opened and taken back. Else it is found first by a descriptor
 * that nothing can be read from (O_PATH) and that the guest's other threads cannot name, and opened by that. What lies
 * in the file system of the root needs no look: procfs is always one of its own.
 */

static int64_t open_by(struct call *c, int folder, const char *path, const struct open_how *how) {
    if (how->resolve)
        return call_wait(c, SYS_openat2, (uint64_t)folder, (uintptr_t)path, (uintptr_t)how, sizeof *how, 0, 0);
    return call_wait(c, SYS_openat, (uint64_t)folder, (uintptr_t)path, how->flags, how->mode, 0, 0);
}

/* The descriptor, or a negative errno; -EXDEV: it may be elsewhere. */
static int64_t open_in_root(struct call *c, const char *path, struct open_how how) {
    struct root *root = &c->process->root;
    struct statfs fs;
    if (*path != '/' || c->nheld) return -EXDEV;
    if (!root->apart) root->apart = host_wait(SYS_statfs, "/", &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC;
    if (!root->apart) return -EXDEV;
    how.resolve |= RESOLVE_NO_XDEV;
    if (!(how.flags & O_CREAT) && (how.flags & O_TMPFILE) != O_TMPFILE) how.mode = 0;
    how.mode &= 07777;
    int64_t r = call_wait(c, SYS_openat2, (uint64_t)AT_FDCWD, (uintptr_t)path, (uintptr_t)&how, sizeof how, 0, 0);
    return r == -ENOSYS || r == -EINVAL || r == -EAGAIN ? -EXDEV : r;
}

/* Follows a link to something that is not there. */
static bool link_follow(int *folder, const char **path, char room[PATH_MAX]) {
    char text[PATH_MAX], whole[PATH_MAX];
    int64_t n = host_wait(SYS_readlinkat, *folder, *path, text, sizeof text - 1);
    const char *slash = strrchr(*path, '/');
    if (n <= 0) return false;
    text[n] = 0;
    size_t before = *text == '/' || !slash ? 0 : (size_t)(slash + 1 - *path);
    if (before + (size_t)n >= sizeof whole) return false;
    memcpy(whole, *path, before);
    strcpy(whole + before, text);
    if (*text == '/') *folder = AT_FDCWD;
    *path = strcpy(room, whole);
    return true;
}

/* By a descriptor of the file itself. -ENOENT: there is none. */
static int64_t open_found(struct call *c, int folder, const char *path, const struct open_how *how) {
    struct process *p = c->process;
    char link[FD_PATH];
    struct open_how look = {.flags = O_PATH | O_CLOEXEC | (how->flags & (O_NOFOLLOW | O_DIRECTORY)),
                            .resolve = how->resolve};
    int64_t at = open_by(c, folder, path, &look);
    if (at < 0) return at;
    int64_t r = -EEXIST;
    at = own_fd_hide(p, (int)at);
    if ((how->flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL)) {
        r = proc_instead(p, (int)at, (uint32_t)how->flags);
        if (r == PROC_AS_IT_IS) {
            strcpy(put_digits(stpcpy(link, "/proc/thread-self/fd/"), (uint64_t)at), "");
            r = call_wait(c, SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)link, how->flags & ~(uint64_t)O_NOFOLLOW,
                          how->mode, 0, 0);
            if (r == -ENOENT) r = open_by(c, folder, path, how); /* no procfs */
            if (r >= 0) r = proc_opened(p, (int)r, (uint32_t)how->flags);
        }
    }
    own_fd_show(p, (int)at); /* and nobody else has the number before it is free */
    host_hold(SYS_close, at);
    return r;
}

static int64_t open_shared(struct call *c, int folder, const char *path, const struct open_how *how) {
    enum { TRIES = 40 };
    char room[PATH_MAX];
    struct open_how new = *how;
    int64_t r = open_in_root(c, path, *how);
    if (r != -EXDEV) return r;
    new.flags |= O_EXCL;
    r = -ELOOP;
    for (unsigned i = 0; i < TRIES; i++) {
        r = open_found(c, folder, path, how);
        if (r != -ENOENT || !(how->flags & O_CREAT)) return r;
        r = open_by(c, folder, path, &new);
        if (r != -EEXIST || (how->flags & O_EXCL)) return r;
        if (!(how->flags & O_NOFOLLOW)) link_follow(&folder, &path, room);
    }
    return r;
}

static int64_t open_how(struct call *c, int folder, const char *path, struct open_how *how) {
    const bool alone = thread_is_alone(c->thread) && !c->process->files_shared;
    /* What was not there must not have become a link to somewhere else. */
    if (c->missing) how->flags |= O_NOFOLLOW;
    int64_t r = alone || (how->flags & O_PATH) ? open_by(c, folder, path, how) : open_shared(c, folder, path, how);
    if (r == -ELOOP && c->missing) return -EAGAIN;
    return r < 0 || !alone ? r : proc_opened(c->process, (int)r, (uint32_t)how->flags);
}

int64_t call_openat(struct call *c) {
    struct open_how how = {.flags = (uint32_t)c->host[2], .mode = (uint32_t)c->host[3]};
    return open_how(c, (int)c->host[0], (const char *)(uintptr_t)c->host[1], &how);
}

/* Its flags, which say how links are followed, are in memory. What is to stay below the folder is the host's to keep
   there; else what the host finds by other names is within what they say, too. */
int64_t call_openat2(struct call *c) {
    struct open_how how;
    const uint64_t scoped = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    char *path = c->thread->scratch->path[c->paths++];
    const char *to = path;
    if (c->guest[3] < sizeof how) return -EINVAL;
    if (c->guest[3] > SPACE_PAGE) return -E2BIG;
    int64_t r = call_read_struct(c, c->guest[2], c->guest[3], &how, sizeof how);
    if (r == 0) r = call_read_string(c, c->guest[1], path, PATH_MAX);
    if (r < 0) return r;
    how.flags = open_flags_in(c->process, how.flags);
    proc_own_id(c->process, path);
    const bool follow = !(how.flags & O_NOFOLLOW) && (how.flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL) &&
                        !(how.resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
    if (!(how.resolve & scoped)) {
        r = path_place(c, (int)c->guest[0], path,
                       (follow ? PATH_FOLLOW : 0) | (how.flags & O_CREAT ? PATH_CREATE : 0) |
                           (how.resolve & RESOLVE_NO_SYMLINKS ? PATH_NO_LINKS : 0),
                       &to);
        if (r < 0) return r;
    }
    if (c->nheld) how.resolve = 0; /* by a descriptor, which is a link of procfs, to what has none */
    if (c->nheld && !follow && !(how.flags & (O_NOFOLLOW | O_EXCL))) how.flags |= O_NOFOLLOW;
    if (!how.resolve) { /* what the older call does not check */
        int64_t fd = call_wait(c, SYS_openat2, (uint64_t)-1, (uintptr_t) "", (uintptr_t)&how, sizeof how, 0, 0);
        if (fd == -EINVAL) return fd;
    }
    return open_how(c, (int)c->host[0], to, &how);
}

/* Handles lead to anything in a file system. */
int64_t call_open_by_handle_at(struct call *c) {
    if (c->process->root.whole) return -EPERM;
    return call_wait(c, SYS_open_by_handle_at, c->host[0], c->host[1], c->host[2], 0, 0, 0);
}

/* ---- mounts */

int64_t call_mount(struct call *c) {
    const char *to = NULL;
    char *path = c->thread->scratch->path[c->paths++];
    if (c->guest[0]) {
        int64_t r = call_read_string(c, c->guest[0], path, PATH_MAX);
        if (r < 0) return r;
        to = path;
        /* A name of a file system's own, unless it is a path. */
        if (*path == '/' || (c->host[3] & (MS_BIND | MS_MOVE))) r = path_place(c, AT_FDCWD, path, PATH_FOLLOW, &to);
        if (r < 0) return r;
    }
    return call_wait(c, SYS_mount, (uintptr_t)to, c->host[1], c->host[2], c->host[3], c->host[4], 0);
}

int64_t call_umount2(struct call *c) {
    const uint64_t flags = c->host[1] | (c->nheld ? UMOUNT_NOFOLLOW : 0);
    return call_wait(c, SYS_umount2, c->host[0], flags, 0, 0, 0, 0);
}

static int64_t link_write(struct call *c, const char *text, uint64_t length) {
    if (length > (uint32_t)c->guest[3]) length = (uint32_t)c->guest[3];
    return call_write(c, c->guest[2], text, length) ? (int64_t)length : -EFAULT;
}

int64_t call_readlinkat(struct call *c) {
    /* The path was not substituted, as its last link is not followed; but reading the link to vee's program is. */
    char text[PATH_MAX];
    if ((int)c->guest[3] <= 0) return -EINVAL;
    if (proc_exe(c->process, (int)c->host[0], (const char *)(uintptr_t)c->host[1], true, text))
        return link_write(c, text, strlen(text));
    int64_t length = call_wait(c, SYS_readlinkat, c->host[0], c->host[1], (uintptr_t)text, PATH_MAX - 1, 0, 0);
    if (length < 0) return length;
    text[length] = 0;
    size_t other = memory_file_link(text);
    if (other) return link_write(c, text, other);
    /* What procfs says of the host is not what the guest calls it. */
    const struct root *root = &c->process->root;
    if (root->length && !strncmp(text, root->folder, root->length) &&
        proc_has_link((int)c->host[0], (const char *)(uintptr_t)c->host[1]))
        path_to_guest(c->process, text);
    return link_write(c, text, strlen(text));
}

int64_t call_getdents64(struct call *c) {
    int fd = (int)c->host[0];
    const struct own_fds hidden = proc_hidden(c->process, fd);
    if (!hidden.count) return call_wait(c, SYS_getdents64, c->host[0], c->host[1], c->host[2], 0, 0, 0);
    /* In vee's memory, as the guest's may be changing while it is looked at. */
    uint8_t *list = c->thread->scratch->bytes;
    uint64_t size = (uint32_t)c->guest[2];
    int64_t before = host_wait(SYS_lseek, fd, 0, SEEK_CUR), r;
    if (size > sizeof c->thread->scratch->bytes) size = sizeof c->thread->scratch->bytes;
    for (;;) {
        r = host_wait(SYS_getdents64, fd, list, size);
        if (r <= 0) return r;
        size_t left = proc_hide(&hidden, list, (size_t)r);
        if (left && call_write(c, c->guest[1], list, left)) return (int64_t)left;
        if (!left) continue;
        host_wait(SYS_lseek, fd, before, SEEK_SET);
        return -EFAULT;
    }
}

/* ---- paths of procfs */

char *put_digits(char *at, uint64_t v) {
    char digits[20];
    unsigned n = 0;
    do digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n) *at++ = digits[--n];
    *at = 0;
    return at;
}

void fd_path(char path[FD_PATH], int fd) {
    put_digits(stpcpy(path, "/proc/self/fd/"), (uint64_t)fd);
}

/* ---- descriptors */

enum { FCNTL_NUMBER = 0, FCNTL_UNKNOWN = -1, FCNTL_LOCK = -2, FCNTL_FLAGS = -3 };

/* The command for the host, and the layouts of its struct. */
static int lock_command(struct call *c, int command) {
    const struct abi_calls *calls = c->process->abi->calls;
    for (const struct command *l = calls->locks; l && l->host; l++) {
        if (l->guest != command) continue;
        c->layouts = calls->layouts[l->layouts];
        return l->host;
    }
    return command;
}

/* For commands whose argument points somewhere, the size of what is there. What is not known may point, too. */
static int fcntl_size(int command) {
    switch (command) {
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW: return FCNTL_LOCK;
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
    case F_GET_FILE_RW_HINT:
    case F_SET_FILE_RW_HINT: return 8;
    case 17: return 8; /* F_GETOWNER_UIDS */
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_GETFD:
    case F_SETFD:
    case F_GETOWN:
    case F_SETOWN:
    case F_GETSIG:
    case F_SETSIG:
    case F_GETLEASE:
    case F_SETLEASE:
    case F_NOTIFY:
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
    case F_ADD_SEALS:
    case F_GET_SEALS:
    case 1027: /* F_DUPFD_QUERY */
    case 1028: /* F_CREATED_QUERY */ return FCNTL_NUMBER;
    case F_GETFL:
    case F_SETFL: return FCNTL_FLAGS;
    default: return FCNTL_UNKNOWN;
    }
}

static int64_t fcntl_lock(struct call *c, int command) {
    struct flock lock;
    uint64_t arg;
    const bool asks = command == F_GETLK || command == F_OFD_GETLK;
    if (!call_layout(c, LAYOUT_flock)->in)
        return call_pointer(c, c->guest[2], sizeof lock, &arg)
                   ? call_wait(c, SYS_fcntl, c->host[0], (uint64_t)command, arg, 0, 0, 0)
                   : -EFAULT;
    if (!call_get(c, LAYOUT_flock, c->guest[2], &lock)) return -EFAULT;
    int64_t r = call_wait(c, SYS_fcntl, c->host[0], (uint64_t)command, (uintptr_t)&lock, 0, 0, 0);
    return r < 0 || !asks ? r : call_put(c, LAYOUT_flock, c->guest[2], &lock);
}

static int64_t fcntl_flags(struct call *c, int command) {
    const uint64_t flags = open_flags_in(c->process, c->guest[2]);
    int64_t r = call_wait(c, SYS_fcntl, c->host[0], (uint64_t)command, flags, 0, 0, 0);
    return r < 0 || command == F_SETFL ? r : (int64_t)open_flags_out(c->process, (uint64_t)r);
}

int64_t call_fcntl(struct call *c) {
    int command = lock_command(c, (int)c->guest[1]);
    int size = fcntl_size(command);
    uint64_t arg = c->guest[2];
    if (size == FCNTL_UNKNOWN) {
        int64_t r = host_do(SYS_fcntl, c->host[0], F_GETFD);
        return r < 0 ? r : -EINVAL;
    }
    if (size == FCNTL_LOCK) return fcntl_lock(c, command);
    if (size == FCNTL_FLAGS) return fcntl_flags(c, command);
    if (size && !call_pointer(c, c->guest[2], (uint64_t)size, &arg)) return -EFAULT;
    return call_wait(c, SYS_fcntl, c->host[0], (uint64_t)command, arg, 0, 0, 0);
}
