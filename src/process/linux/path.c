/* path.c - where a guest's paths lead, with -L DIR and --root DIR; and what paths of the host look like to the guest.
 *
 * Both have one idea of a path: the absolute one without links, `.` and `..`, as the guest names it. A walk makes it of
 * what a call was given; then it says where that is on the host.
 *
 * --root: everything lies below DIR but what is below /proc, /dev and /sys, which are the host's. The host finds it
 * from DIR's descriptor on and follows no link (openat2), so whatever others rename meanwhile, nothing leads out; a
 * call gets the descriptor that was found, or that of its folder with the last name, by its path in procfs. Links of
 * procfs to what a process has are followed if they lead to something within, or to the process's own descriptors.
 *
 * -L: what is there in DIR is found there, else where the host has it. So are directories, and what is made is made in
 * its directory. "/" itself, /tmp, /proc, /dev, /sys, /run and the directory that the first process was started in are
 * the host's. The host follows links, and relative paths, as long as they stay in DIR.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS = 40, RACES = 64, WITHIN = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

/* ---- texts */

/* Is `path` the folder, or below it? */
static bool below(const char *path, const char *folder, size_t length) {
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* Does the host have what is there, whatever is in DIR? */
static bool is_hosts(const struct process *p, const char *path) {
    static const char *const folders[] = {"/proc", "/dev", "/sys", "/tmp", "/run"};
    const unsigned count = p->root.whole ? 3 : 5;
    for (unsigned i = 0; i < count; i++)
        if (below(path, folders[i], strlen(folders[i]))) return true;
    const char *here = process_options(p)->here;
    return !p->root.whole && here && here[1] && below(path, here, strlen(here));
}

bool path_to_guest(const struct process *p, char *text) {
    const struct root *r = &p->root;
    const size_t inside = strlen(r->inside);
    if (!r->length) return true;
    if (!below(text, r->folder, r->length)) return !r->whole || is_hosts(p, text);
    char *rest = text + r->length;
    if (!r->whole && (!*rest || is_hosts(p, rest))) return true;
    if (inside && !below(rest, r->inside, inside)) return false;
    rest += inside;
    memmove(text, *rest ? rest : "/", *rest ? strlen(rest) + 1 : 2);
    return true;
}

/* ---- looking */

static int64_t at_root(struct process *p, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
    int64_t r = -EAGAIN;
    while (*path == '/') path++;
    /* Whenever something was renamed meanwhile, the host gives up. */
    for (unsigned i = 0; r == -EAGAIN && i < RACES; i++)
        r = descriptor_make(SYS_openat2, (uint64_t)p->own[OWN_ROOT].fd, (uintptr_t)(*path ? path : "."),
                            (uintptr_t)&how, sizeof how);
    return r;
}

static int64_t keep(struct call *c, int64_t fd) {
    if (fd < 0) return fd;
    return c->held[c->nheld++] = own_fd_hide(c->process, (int)fd);
}

void path_release(struct call *c) {
    while (c->nheld) {
        const int fd = c->held[--c->nheld];
        own_fd_show(c->process, fd); /* and nobody else has the number before it is free */
        host_hold(SYS_close, fd);
    }
}

/* The link's text; -EINVAL: it is none. */
static int64_t link_at(struct process *p, const char *path, char text[PATH_MAX]) {
    int64_t n = -ENOENT;
    if (!is_hosts(p, path)) n = host_wait(SYS_readlinkat, p->own[OWN_ROOT].fd, path + 1, text, PATH_MAX - 1);
    if (is_hosts(p, path) || (!p->root.whole && n == -ENOENT))
        n = host_wait(SYS_readlinkat, AT_FDCWD, path, text, PATH_MAX - 1);
    if (n >= 0) text[n] = 0;
    return n;
}

/* ---- links of procfs that say what a process has */

enum magic {
    MAGIC_NONE,
    MAGIC_OUTSIDE,
    MAGIC_FOLLOW, /* the host may */
    MAGIC_PATH,   /* it stands for the path that is now in `text` */
    MAGIC_BOTH
};

/* Is it one, and what may be done with it? */
static enum magic magic_of(struct process *p, const char *path, char text[PATH_MAX]) {
    static const char proc[] = "/proc/";
    const char *at = path + sizeof proc - 1, *last = strrchr(path, '/') + 1;
    if (!p->root.whole || strncmp(path, proc, sizeof proc - 1) != 0) return MAGIC_NONE;
    int pid = 0;
    for (; *at >= '0' && *at <= '9'; at++) pid = pid * 10 + (*at - '0');
    if (*at != '/' || !pid) return MAGIC_NONE;
    if (!strncmp(at, "/task/", 6)) {
        at += 6;
        while (*at >= '0' && *at <= '9') at++;
    }
    const bool own = pid == getpid(), fd = !strncmp(at, "/fd/", 4) || !strncmp(at, "/map_files/", 11);
    if (!strcmp(at, "/root")) return strcpy(text, "/"), MAGIC_PATH;
    if (!fd && strcmp(at, "/cwd") != 0 && strcmp(at, "/exe") != 0) return MAGIC_NONE;
    if (*text != '/' || !strncmp(text, "/memfd:", 7)) return MAGIC_FOLLOW;
    if (!strcmp(last, "exe")) { /* of vee's processes something else takes its place */
        char vee[PATH_MAX];
        int64_t n = host_wait(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", vee, sizeof vee - 1);
        vee[n > 0 ? n : 0] = 0;
        return !strcmp(text, vee) ? MAGIC_FOLLOW : path_to_guest(p, text) ? MAGIC_BOTH : MAGIC_OUTSIDE;
    }
    if (!strcmp(last, "cwd")) return path_to_guest(p, text) ? MAGIC_PATH : MAGIC_OUTSIDE;
    char shown[PATH_MAX];
    strcpy(shown, text);
    if (!path_to_guest(p, shown)) return own ? MAGIC_FOLLOW : MAGIC_OUTSIDE;
    strcpy(text, shown);
    return MAGIC_BOTH;
}

/* ---- the walk */

struct way {
    char path[PATH_MAX]; /* what has been walked: guest's, absolute, without links; "" is "/" */
    char rest[2 * PATH_MAX];
    unsigned links;
    bool folder; /* it must be one */
};

/* Its parent, but not above the first `least` bytes. */
static void drop_last(struct way *w, size_t least) {
    char *slash = strrchr(w->path, '/');
    if (slash && strlen(w->path) > least) *slash = 0;
}

/* Puts a link's text in the place of its name. `after`: what comes behind it. */
static int64_t link_take(const struct process *p, struct way *w, const char *text, const char *after) {
    char rest[sizeof w->rest];
    if (++w->links > LINKS) return -ELOOP;
    if (strlen(text) + strlen(after) + 2 > sizeof rest) return -ENAMETOOLONG;
    strcpy(stpcpy(stpcpy(rest, text), *after ? "/" : ""), after);
    if (*text == '/')
        strcpy(w->path, p->root.inside);
    else
        drop_last(w, strlen(p->root.inside));
    strcpy(w->rest, rest);
    return 0;
}

/* 0, or a negative errno; w->rest is what was asked for, w->path where it starts from. */
static int64_t walk(struct process *p, struct way *w, unsigned how) {
    char text[PATH_MAX], after[sizeof w->rest];
    const size_t least = strlen(p->root.inside);
    for (;;) {
        const char *at = w->rest + strspn(w->rest, "/");
        const size_t n = strcspn(at, "/"), used = strlen(w->path);
        if (!n) return 0;
        const bool slash = at[n] == '/', last = !at[n + strspn(at + n, "/")];
        strcpy(after, last ? "" : at + n);
        const bool dot = n == 1 && *at == '.', dots = n == 2 && !strncmp(at, "..", 2);
        if (last && (slash || dot || dots)) w->folder = true;
        if (dots) drop_last(w, least);
        if (dot || dots) {
            strcpy(w->rest, after);
            continue;
        }
        if (used + n + 2 > sizeof w->path) return -ENAMETOOLONG;
        w->path[used] = '/';
        memcpy(w->path + used + 1, at, n);
        w->path[used + 1 + n] = 0;
        if (last && !(how & PATH_FOLLOW) && !w->folder) return 0;
        int64_t r = link_at(p, w->path, text);
        if (r < 0) {
            if (r == -EINVAL || (last && r == -ENOENT)) {
                strcpy(w->rest, after);
                continue;
            }
            return r;
        }
        if (how & PATH_NO_LINKS) return -ELOOP;
        switch (magic_of(p, w->path, text)) {
        case MAGIC_OUTSIDE: return -EACCES;
        case MAGIC_FOLLOW:
            if (last) return 0;
            return *text == '/' ? -EACCES : -ENOTDIR;
        case MAGIC_BOTH:
            if (last) return 0;
            break;
        default: break;
        }
        r = link_take(p, w, text, after);
        if (r < 0) return r;
    }
}

/* The guest's name of a folder: a descriptor's, or the working directory. */
static int64_t folder_name(struct process *p, int folder, char to[PATH_MAX]) {
    char link[FD_PATH];
    int64_t n;
    if (folder == AT_FDCWD) {
        n = host_wait(SYS_getcwd, to, PATH_MAX) - 1;
    } else {
        fd_path(link, folder);
        n = host_wait(SYS_readlinkat, AT_FDCWD, link, to, PATH_MAX - 1);
        if (n == -ENOENT) return -EBADF;
    }
    if (n <= 0) return n ? n : -ENOENT;
    to[n] = 0;
    if (*to != '/') return -ENOTDIR;
    if (!path_to_guest(p, to)) return -EXDEV;
    if (!to[1]) *to = 0;
    return 0;
}

static int64_t walk_from(struct process *p, struct way *w, int folder, const char *path, unsigned how) {
    char name[PATH_MAX];
    *w->path = 0;
    w->links = 0;
    w->folder = false;
    strcpy(w->rest, path);
    strcpy(w->path, p->root.inside);
    if (*path != '/') {
        int64_t r = folder_name(p, folder, name);
        if (r < 0) return r;
        if (is_hosts(p, name))
            strcpy(w->path, name);
        else if (strlen(w->path) + strlen(name) < PATH_MAX)
            strcat(w->path, name);
    }
    return walk(p, w, how);
}

/* ---- with --root */

static const char *fd_name(struct call *c, int64_t fd, const char *name) {
    char *text = c->thread->scratch->path[c->paths++];
    char *end = put_digits(stpcpy(text, "/proc/thread-self/fd/"), (uint64_t)fd);
    if (*name) strcpy(stpcpy(end, "/"), name);
    return text;
}

/* Of something within, by its path without links: what is there, or its folder and its name. */
static int64_t within(struct call *c, struct way *w, unsigned how, const char **to) {
    struct process *p = c->process;
    char *slash = strrchr(w->path, '/');
    int64_t fd = -ENOENT;
    const bool whole = !slash || !strcmp(w->path, p->root.inside);
    if (whole || (how & PATH_FOLLOW)) {
        fd = keep(c, at_root(p, w->path, O_PATH | (w->folder ? O_DIRECTORY : 0), WITHIN));
        if (fd >= 0) *to = fd_name(c, fd, whole ? "." : ""); /* a link of procfs is no folder */
        if (fd != -ENOENT || whole || !(how & PATH_CREATE)) return fd < 0 ? fd : 0;
        c->missing = true;
    } else if (w->folder) { /* a name with a slash behind: there is nothing else, or a folder */
        fd = at_root(p, w->path, O_PATH | O_DIRECTORY, WITHIN);
        if (fd >= 0) host_wait(SYS_close, fd);
        if (fd < 0 && fd != -ENOENT) return fd;
    }
    *slash = 0;
    fd = keep(c, at_root(p, w->path, O_PATH | O_DIRECTORY, WITHIN));
    if (fd >= 0) *to = fd_name(c, fd, slash + 1);
    return fd < 0 ? fd : 0;
}

/* What has no links, no `..` and nothing of the host's is found at once. */
static bool quick(struct call *c, int folder, const char *path, unsigned how, const char **to) {
    struct process *p = c->process;
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct open_how h = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    const bool absolute = *path == '/';
    if (strstr(path, "..") || strstr(path, "//") || strstr(path, "/./") || !strncmp(path, "./", 2)) return false;
    *stpcpy(parent, absolute ? "" : "/") = 0;
    strncat(parent, path, sizeof parent - 2);
    if (is_hosts(p, parent) || (absolute && *p->root.inside)) return false;
    if (!(how & PATH_FOLLOW)) {
        if (!*name || !strcmp(name, ".")) return false;
        memcpy(parent, path, (size_t)(name - path));
        parent[name - path] = 0;
        h.flags |= O_DIRECTORY;
        path = *parent ? parent : ".";
        if (absolute && !parent[1]) path = ".";
    } else {
        name = "";
    }
    while (*path == '/') path++;
    int64_t fd = descriptor_make(SYS_openat2, (uint64_t)(absolute ? p->own[OWN_ROOT].fd : folder),
                                 (uintptr_t)(*path ? path : "."), (uintptr_t)&h, sizeof h);
    if (fd < 0) return false;
    *to = fd_name(c, keep(c, fd), name);
    return true;
}

static int64_t in_root(struct call *c, int folder, const char *path, unsigned how, const char **to) {
    struct process *p = c->process;
    struct way w;
    int64_t r = -ELOOP;
    if (p->own[OWN_ROOT].fd < 0) return -ENOENT;
    if (c->nheld + 2 > CALL_HELD || c->paths + 1 > CALL_PATHS) return -ENAMETOOLONG;
    if (!(how & PATH_NO_LINKS) && quick(c, folder, path, how, to)) return 0;
    for (unsigned i = 0; r == -ELOOP && i < RACES; i++) {
        const unsigned paths = c->paths;
        r = walk_from(p, &w, folder, path, how);
        if (r < 0) return r;
        if (is_hosts(p, w.path)) {
            *to = strcpy(c->thread->scratch->path[c->paths++], w.path);
            return 0;
        }
        r = within(c, &w, how, to);
        if (r == -ELOOP) c->paths = paths; /* a link is there where none was */
    }
    return r;
}

/* ---- with -L */

static bool is_there(int folder, const char *path) {
    struct statx st;
    return host_wait(SYS_statx, folder, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) == 0;
}

/* Where something is, by its path without links. */
static int64_t place(struct call *c, const struct way *w, const char **to) {
    struct process *p = c->process;
    const char *path = *w->path ? w->path : "/";
    char *text = c->thread->scratch->path[c->paths];
    if (p->root.length + strlen(path) + 2 > PATH_MAX) return -ENAMETOOLONG;
    strcpy(stpcpy(text, p->root.folder), path);
    bool inside = path[1] && !is_hosts(p, path);
    if (inside && !is_there(p->own[OWN_ROOT].fd, path + 1)) {
        char *slash = strrchr(text, '/'); /* its directory decides */
        *slash = 0;
        inside = !is_there(AT_FDCWD, path) && strlen(text) > p->root.length &&
                 is_there(p->own[OWN_ROOT].fd, text + p->root.length + 1);
        *slash = '/';
    }
    if (!inside) strcpy(text, path);
    if (w->folder && path[1]) strcat(text, "/");
    c->paths++;
    *to = text;
    return 0;
}

static bool has_parent(const char *path) {
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2)
        if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/')) return true;
    return false;
}

/* A relative path is the host's, but from "/" on and where it leaves DIR upwards. */
static bool leaves(struct process *p, int folder, const char *path) {
    char name[PATH_MAX];
    if (!has_parent(path)) return folder == AT_FDCWD ? p->root.at_top : folder_name(p, folder, name) == 0 && !*name;
    return folder_name(p, folder, name) == 0 && (!*name || is_there(p->own[OWN_ROOT].fd, name + 1));
}

static int64_t in_sysroot(struct call *c, int folder, const char *path, unsigned how, const char **to) {
    struct process *p = c->process;
    struct way w;
    if (p->own[OWN_ROOT].fd < 0 || c->paths + 1 > CALL_PATHS) return 0;
    if (*path != '/' && !leaves(p, folder, path)) return 0;
    if (*path == '/' && !has_parent(path)) {
        if (is_hosts(p, path) || !path[strspn(path, "/")]) return 0;
        int64_t fd = at_root(p, path, O_PATH | (how & PATH_FOLLOW ? 0 : O_NOFOLLOW), RESOLVE_BENEATH);
        if (fd >= 0) host_wait(SYS_close, fd);
        if (fd >= 0 && p->root.length + strlen(path) < PATH_MAX) {
            char *text = c->thread->scratch->path[c->paths++];
            strcpy(stpcpy(text, p->root.folder), path);
            *to = text;
            return 0;
        }
        if (fd == -ENOENT && is_there(AT_FDCWD, path)) return 0;
    }
    int64_t r = walk_from(p, &w, folder, path, how);
    if (r < 0) return r == -ELOOP || r == -ENAMETOOLONG ? r : 0; /* what else is wrong with it is the host's to say */
    return place(c, &w, to);
}

/* ---- what calls use */

int64_t path_place(struct call *c, int folder, const char *path, unsigned how, const char **to) {
    struct process *p = c->process;
    *to = path;
    if (!*path) return 0;
    if (p->root.length) {
        if (p->files_shared) own_fds_check(p);
        int64_t r = (p->root.whole ? in_root : in_sysroot)(c, folder, path, how, to);
        if (r < 0) return r;
    }
    if (!(how & PATH_FOLLOW) || c->paths == CALL_PATHS) return 0;
    char *other = c->thread->scratch->path[c->paths];
    if (!proc_exe(p, folder, *to, false, other)) return 0;
    c->paths++;
    *to = other;
    return 0;
}

int64_t path_find_folder(struct process *p, const char *path, char found[PATH_MAX]) {
    struct way w;
    int64_t r = walk_from(p, &w, AT_FDCWD, path, PATH_FOLLOW);
    if (r < 0) return r;
    if (is_hosts(p, w.path)) return 1;
    int64_t fd = at_root(p, w.path, O_PATH | O_DIRECTORY, WITHIN);
    if (fd < 0) return fd;
    host_wait(SYS_close, fd);
    strcpy(found, w.path);
    return 0;
}

bool path_begin(struct process *p, struct error *error) {
    const struct process_options *o = process_options(p);
    const char *dir = o->root ? o->root : o->sysroot;
    struct root *r = &p->root;
    char cwd[PATH_MAX];
    if (!dir) return true;
    r->whole = o->root != NULL;
    if (!realpath(dir, r->folder)) {
        *r->folder = 0;
        return !r->whole || error_set(error, ERROR_NOT_FOUND, "--root: %s: %s", dir, strerror(errno));
    }
    r->length = strlen(r->folder);
    if (r->length == 1) r->length = 0; /* "/": nothing is elsewhere */
    if (o->inside) snprintf(r->inside, sizeof r->inside, "%s", o->inside);
    if (!r->length) return true;
    own_root_open(p);
    if (r->whole && !o->inherited && (!getcwd(cwd, sizeof cwd) || !path_to_guest(p, cwd)) && chdir(r->folder))
        return error_set(error, ERROR_NOT_FOUND, "--root: %s: %s", dir, strerror(errno));
    path_moved(p);
    return true;
}

int64_t path_open(struct process *p, const char *path) {
    /* Not the thread's own room, which a call may be using. */
    struct thread t = {.process = p};
    struct call c = {.process = p, .thread = &t};
    void *room = mmap(NULL, sizeof *t.scratch, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char *to;
    if (room == MAP_FAILED) return -ENOMEM;
    t.scratch = room;
    int64_t r = path_place(&c, AT_FDCWD, path, PATH_FOLLOW, &to);
    if (r >= 0) r = file_open_own(to, 0);
    path_release(&c);
    munmap(room, sizeof *t.scratch);
    return r;
}

void path_moved(struct process *p) {
    char cwd[8];
    p->root.at_top = p->root.length && !p->root.whole && host_wait(SYS_getcwd, cwd, sizeof cwd) == 2;
}
