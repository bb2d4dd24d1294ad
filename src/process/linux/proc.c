/* proc.c - files of procfs that would show vee instead of the guest: which they are, and what becomes of them.
 *
 * What a path or descriptor names is what procfs itself says of it, so relative paths, links and other places where
 * procfs is mounted make no difference. A file that cannot be named is not opened, as it might be vee's memory.
 * Contents are made by proc_maps.c and proc_status.c. Without procfs there is nothing to substitute.
 */
#include "process/linux/proc.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { PROC_MAGIC = 0x9fa0, PIPE_ROOM = 64 << 10 };

/* ---- what is named */

static bool on_procfs(int fd) {
    struct statfs fs;
    return host_wait(SYS_fstatfs, fd, &fs) == 0 && fs.f_type == PROC_MAGIC;
}

static bool path_of(int fd, char path[PATH_MAX]) {
    char link[FD_PATH];
    fd_path(link, fd);
    int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0) return false;
    path[length] = 0;
    return path[0] == '/';
}

/* Cuts the last component off and returns it; NULL: there is none. */
static char *cut_last(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash) return NULL;
    *slash = 0;
    return slash + 1;
}

/* A number with nothing behind it, not 0. */
static int number_of(const char *s) {
    uint64_t v = take_number(&s, 10);
    return *s || v > INT32_MAX ? 0 : (int)v;
}

static const char *last_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool proc_name_of(int fd, struct proc_name *n) {
    n->pid = n->tid = 0;
    if (!path_of(fd, n->folder)) return false;
    char *name = cut_last(n->folder), *id;
    if (!name || strlen(name) >= sizeof n->name) return false;
    strcpy(n->name, name);
    strcpy(n->root, n->folder);
    n->pid = number_of(last_of(n->root));
    if (n->pid) cut_last(n->root);
    if (n->pid && !strcmp(last_of(n->root), "task")) {
        n->tid = n->pid;
        cut_last(n->root);
        id = cut_last(n->root);
        n->pid = id ? number_of(id) : 0;
    }
    return true;
}

void proc_own_id(const struct process *p, char *path) {
    static const char proc[] = "/proc/", self[] = "self";
    const char *end = path + sizeof proc - 1;
    if (strncmp(path, proc, sizeof proc - 1)) return;
    int64_t id = (int64_t)take_number(&end, 10), host = process_id_in(p, id);
    size_t digits = (size_t)(end - path) - (sizeof proc - 1);
    if (host != id && digits == sizeof self - 1) memcpy(path + sizeof proc - 1, self, digits);
}

/* ---- opening */

static const struct substitute {
    const char *folder; /* of files of the whole system, or NULL: a process's own */
    const char *name;
    proc_show *show; /* NULL: nobody may see it */
    int error;       /* ... and is told this */
} substitutes[] = {
    {NULL, "cmdline", show_cmdline, 0},
    {NULL, "environ", show_environ, 0},
    {NULL, "auxv", show_auxv, 0},
    {NULL, "maps", show_maps, 0},
    {NULL, "smaps", show_smaps, 0},
    {NULL, "smaps_rollup", show_rollup, 0},
    {NULL, "numa_maps", show_numa_maps, 0},
    {NULL, "stat", show_stat, 0},
    {NULL, "statm", show_statm, 0},
    {NULL, "status", show_status, 0},
    {NULL, "limits", show_limits, 0},
    {NULL, "personality", show_personality, 0},
    {NULL, "mem", NULL, EACCES},         /* it would lead to vee's memory: see memory_file.c */
    {NULL, "syscall", NULL, EPERM},      /* the host's numbers and addresses */
    {NULL, "arch_status", NULL, ENOENT}, /* another architecture's */
    {"", "cpuinfo", show_cpuinfo, 0},
    {"kernel", "arch", show_arch, 0},
};

static const struct substitute *substitute_of(const struct proc_name *n) {
    for (unsigned i = 0; i < sizeof substitutes / sizeof *substitutes; i++) {
        const struct substitute *s = &substitutes[i];
        if (strcmp(n->name, s->name) || !s->folder != (n->pid != 0)) continue;
        if (!s->folder || !*s->folder || !strcmp(last_of(n->root), s->folder)) return s;
    }
    return NULL;
}

/* A file with this text. A pipe where the limit on file sizes is in the way, and in both cases none if that fails. */
static int64_t file_with(const char *name, const struct text *t) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    int pipe[2];
    host_do(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, &limit);
    if (limit.rlim_cur < t->used && t->used < PIPE_ROOM) {
        int64_t r = host_wait(SYS_pipe2, pipe, O_CLOEXEC);
        if (r < 0) return r;
        if (t->used) host_wait(SYS_write, pipe[1], t->bytes, t->used);
        host_wait(SYS_close, pipe[1]);
        return pipe[0];
    }
    int64_t fd = host_wait(SYS_memfd_create, name, MFD_CLOEXEC);
    size_t size = t->used < limit.rlim_cur ? t->used : (size_t)limit.rlim_cur;
    for (size_t done = 0; fd >= 0 && done < size;) {
        int64_t n = host_wait(SYS_pwrite64, fd, t->bytes + done, size - done, done);
        if (n <= 0) {
            host_wait(SYS_close, fd);
            return n ? n : -EIO;
        }
        done += (size_t)n;
    }
    return fd;
}

/* The same file for reading alone, where procfs is at its place. */
static int64_t read_only(int64_t fd) {
    char link[FD_PATH];
    fd_path(link, (int)fd);
    int64_t other = host_wait(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
    if (other < 0) return fd;
    host_wait(SYS_close, fd);
    return other;
}

/* Puts a file with the guest's text in the place of the host's. */
static int64_t replace(int fd, uint32_t flags, const struct substitute *s, struct proc_view *v,
                       const struct proc_name *n) {
    struct text host = {0}, t = {0};
    put_file(&host, fd);
    s->show(v, n, &host, &t);
    int64_t r = t.failed || host.failed ? -ENOMEM : file_with(s->name, &t);
    if (r >= 0 && (flags & O_ACCMODE) == O_RDONLY) r = read_only(r);
    text_free(&host);
    text_free(&t);
    if (r < 0) {
        host_wait(SYS_close, fd);
        return r;
    }
    host_wait(SYS_dup3, r, fd, flags & O_CLOEXEC);
    host_wait(SYS_close, r);
    return fd;
}

static int64_t refuse(int fd, int error) {
    host_wait(SYS_close, fd);
    return -error;
}

/* Whether it is none of the files above, although its folder is out of reach (in a tree of mounts that was taken away):
   the last component is the file's own name, unless the file itself is mounted there. */
static bool is_other_file(int fd, const struct proc_name *n) {
    struct statx st;
    if (host_wait(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &st) != 0) return false;
    if (!(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) || (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)) return false;
    for (unsigned i = 0; i < sizeof substitutes / sizeof *substitutes; i++)
        if (!strcmp(n->name, substitutes[i].name)) return false;
    return true;
}

static int64_t memory(struct process *p, int fd, uint32_t flags, const struct proc_name *n) {
    int64_t r = memory_file_make(p, n, flags);
    if (r < 0) return refuse(fd, (int)-r);
    host_wait(SYS_dup3, r, fd, flags & O_CLOEXEC);
    host_wait(SYS_close, r);
    return fd;
}

int64_t proc_instead(struct process *p, int fd, uint32_t flags) {
    enum { FACCESSAT2 = 439 };
    struct proc_name n;
    if ((flags & O_PATH) || !on_procfs(fd) || !proc_name_of(fd, &n) || !n.pid) return PROC_AS_IT_IS;
    const struct substitute *s = substitute_of(&n);
    if (!s || s->show || !view_is_vee(&n)) return PROC_AS_IT_IS;
    if (strcmp(s->name, "mem") != 0) return -s->error;
    const int mode = (flags & O_ACCMODE) == O_RDONLY ? R_OK : (flags & O_ACCMODE) == O_WRONLY ? W_OK : R_OK | W_OK;
    int64_t r = host_wait(FACCESSAT2, fd, "", mode, AT_EACCESS | AT_EMPTY_PATH);
    if (r < 0 && r != -ENOSYS) return r;
    r = memory_file_make(p, &n, flags);
    if (r >= 0 && !(flags & O_CLOEXEC)) host_do(SYS_fcntl, r, F_SETFD, 0);
    return r;
}

int64_t proc_opened(struct process *p, int fd, uint32_t flags) {
    struct proc_name n;
    struct proc_view v;
    struct stat st;
    struct statfs fs;
    if ((flags & O_PATH) || !on_procfs(fd)) return fd;
    /* Nor is a file that is mounted by itself somewhere known by its name. */
    bool named = proc_name_of(fd, &n);
    if (!named || host_wait(SYS_statfs, n.folder, &fs) != 0 || fs.f_type != PROC_MAGIC) {
        bool folder = host_wait(SYS_fstat, fd, &st) == 0 && S_ISDIR(st.st_mode);
        return folder || (named && is_other_file(fd, &n)) ? fd : refuse(fd, EACCES);
    }
    const struct substitute *s = substitute_of(&n);
    if (!s) return fd;
    if (!s->show)
        return !view_is_vee(&n) ? fd : !strcmp(n.name, "mem") ? memory(p, fd, flags, &n) : refuse(fd, s->error);
    if ((flags & O_ACCMODE) != O_RDONLY || !view_open(&v, p, &n)) return fd;
    bool told = v.peek.process.vectors_told && (s->show == show_cmdline || s->show == show_environ);
    int64_t r = told ? fd : replace(fd, flags, s, &v, &n);
    view_close(&v);
    return r;
}

/* ---- exe */

/* The path of a process's program. Text: what the link says; else one to follow. */
static bool exe_path(const struct proc_view *v, const struct proc_name *n, bool text, char to[PATH_MAX]) {
    static const char deleted[] = " (deleted)", fd[] = "/fd/";
    const struct published_process *p = &v->peek.process;
    struct published_own_fd fds[PUBLISHED_OWN];
    const struct published_own_fd *own = &fds[OWN_EXE];
    struct stat st;
    if (!peek_exe(&v->peek, to)) return false;
    if (peek_own_fds(&v->peek, fds) && own->fd >= 0 &&
        strlen(n->folder) + sizeof fd + 20 < PATH_MAX) { /* what the host says of it */
        char link[PATH_MAX];
        put_digits(stpcpy(stpcpy(link, n->folder), fd), (unsigned)own->fd);
        if (host_wait(SYS_newfstatat, AT_FDCWD, link, &st, 0) == 0 && st.st_dev == own->dev && st.st_ino == own->ino) {
            if (!text) return strcpy(to, link);
            int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, link, to, PATH_MAX - 1);
            if (length > 0) return to[length] = 0, true;
        }
    }
    if (host_wait(SYS_newfstatat, AT_FDCWD, to, &st, 0) == 0 && st.st_dev == p->exe_dev && st.st_ino == p->exe_ino)
        return true;
    if (text && strlen(to) + sizeof deleted <= PATH_MAX) strcat(to, deleted);
    return true;
}

/* For its path alone; also where the guest is out of descriptors. */
static int64_t open_look(int folder, const char *path) {
    return descriptor_make(SYS_openat, (uint64_t)folder, (uintptr_t)path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

bool proc_has_link(int folder, const char *path) {
    struct stat st;
    int64_t fd = open_look(folder, path);
    bool link = fd >= 0 && on_procfs((int)fd) && host_wait(SYS_fstat, fd, &st) == 0 && S_ISLNK(st.st_mode);
    if (fd >= 0) host_wait(SYS_close, fd);
    return link;
}

bool proc_exe(struct process *p, int folder, const char *path, bool text, char to[PATH_MAX]) {
    struct proc_name n;
    struct proc_view v;
    struct stat st;
    if (*path && strcmp(last_of(path), "exe")) return false;
    int64_t fd = *path ? open_look(folder, path) : folder;
    if (fd < 0) return false;
    bool link = on_procfs((int)fd) && host_wait(SYS_fstat, fd, &st) == 0 && S_ISLNK(st.st_mode) &&
                proc_name_of((int)fd, &n) && n.pid && !strcmp(n.name, "exe");
    if (*path) host_wait(SYS_close, fd);
    if (!link || !view_open(&v, p, &n)) return false;
    link = exe_path(&v, &n, text, to);
    if (link && text) path_to_guest(p, to);
    view_close(&v);
    return link;
}

/* ---- listings of descriptors */

struct own_fds proc_hidden(struct process *p, int folder) {
    struct own_fds hidden = {0};
    struct proc_name n;
    struct proc_view v;
    if (!on_procfs(folder) || !proc_name_of(folder, &n) || !n.pid || (strcmp(n.name, "fd") && strcmp(n.name, "fdinfo")))
        return hidden;
    struct published_own_fd own[PUBLISHED_OWN];
    if (!view_open(&v, p, &n)) return hidden;
    const bool known = peek_own_fds(&v.peek, own);
    for (unsigned i = 0; known && i < OWN_FDS; i++)
        if (own[i].fd >= 0) hidden.fd[hidden.count++] = own[i].fd;
    view_close(&v);
    return hidden;
}

/** As getdents64 writes it. */
struct entry {
    uint64_t ino, offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

size_t proc_hide(const struct own_fds *hidden, uint8_t *list, size_t size) {
    for (size_t at = 0; at < size;) {
        const struct entry *e = (const void *)(list + at);
        size_t length = e->size;
        unsigned i = 0;
        while (i < hidden->count && hidden->fd[i] != number_of(e->name)) i++;
        if (i < hidden->count) {
            memmove(list + at, list + at + length, size - at - length);
            size -= length;
        } else {
            at += length;
        }
    }
    return size;
}
