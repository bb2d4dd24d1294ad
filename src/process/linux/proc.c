/* proc.c - files of procfs that would show vee instead of the guest.
 *
 * A file is opened on the host first, recognised by its file system, and named by what procfs itself says of the
 * descriptor, so relative paths and links make no difference. Its place is then taken by a memory file with the guest's
 * text as of now. Without procfs there is nothing to substitute. No stdio: this runs while a cpu runs.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <string.h>
#include <sched.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { PROC_MAGIC = 0x9fa0, TEXT = 4096 };

/** Text on its way into a file. */
struct text {
    int fd;
    size_t used;
    char bytes[TEXT];
};

static void text_flush(struct text *t) {
    for (size_t done = 0; done < t->used;) {
        int64_t n = host_do(SYS_write, t->fd, t->bytes + done, t->used - done);
        if (n <= 0) break;
        done += (size_t)n;
    }
    t->used = 0;
}

static void put_bytes(struct text *t, const char *bytes, size_t size) {
    while (size) {
        if (t->used == TEXT) text_flush(t);
        size_t part = size < TEXT - t->used ? size : TEXT - t->used;
        memcpy(t->bytes + t->used, bytes, part);
        t->used += part;
        bytes += part;
        size -= part;
    }
}

static void put(struct text *t, const char *text) {
    put_bytes(t, text, strlen(text));
}

static void put_number(struct text *t, uint64_t v, unsigned base, unsigned width) {
    char digits[24];
    unsigned n = 0;
    do digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) || n < width);
    while (n) put_bytes(t, &digits[--n], 1);
}

/* ---- what a path names */

/* If the text starts with this process's id, or "self" or "thread-self", what follows; else NULL. */
static const char *behind_self(const struct process *p, const char *s) {
    if (!strncmp(s, "self/", 5)) return s + 5;
    if (!strncmp(s, "thread-self/", 12)) return s + 12;
    int64_t id = 0;
    const char *at = s;
    for (; *at >= '0' && *at <= '9' && id < INT32_MAX; at++) id = id * 10 + (*at - '0');
    return at > s && *at == '/' && process_id_in(p, id) == getpid() ? at + 1 : NULL;
}

/* The name of a file of this process's own below /proc; "task/ID/" is passed over. NULL: not one. */
static const char *own_file(const struct process *p, const char *path) {
    if (strncmp(path, "/proc/", 6) != 0) return NULL;
    const char *name = behind_self(p, path + 6);
    if (name && !strncmp(name, "task/", 5)) name = behind_self(p, name + 5);
    return name;
}

const char *proc_substitute(struct process *p, const char *path) {
    const char *name = own_file(p, path);
    return name && !strcmp(name, "exe") ? p->exe : NULL;
}

/* ---- the substitutes */

static void guest_bytes(struct process *p, struct text *t, uint64_t start, uint64_t end) {
    char part[512];
    while (start < end) {
        size_t n = end - start < sizeof part ? end - start : sizeof part;
        if (!space_read(&p->space, start, part, n)) return;
        put_bytes(t, part, n);
        start += n;
    }
}

static void show_cmdline(struct process *p, struct text *t) {
    guest_bytes(p, t, p->arg_start, p->arg_end);
}

static void show_environ(struct process *p, struct text *t) {
    guest_bytes(p, t, p->arg_end, p->env_end);
}

static void show_auxv(struct process *p, struct text *t) {
    put_bytes(t, (const char *)p->auxv, p->auxv_words * sizeof *p->auxv);
}

static void show_cpuinfo(struct process *p, struct text *t) {
    uint64_t set[16] = {0};
    unsigned cpus = 0;
    int64_t size = host_do(SYS_sched_getaffinity, 0, sizeof set, set);
    for (int64_t i = 0; i < size / 8; i++) cpus += (unsigned)__builtin_popcountll(set[i]);
    for (unsigned i = 0; i < cpus; i++) {
        put(t, "processor\t: ");
        put_number(t, i, 10, 1);
        put(t, "\nhart\t\t: ");
        put_number(t, i, 10, 1);
        put(t, "\nisa\t\t: ");
        put(t, p->abi->isa);
        put(t, "\nmmu\t\t: sv39\n\n");
    }
}

static uint64_t parse_hex(const char **s) {
    uint64_t v = 0;
    for (;; ++*s) {
        char c = **s;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return v;
    }
}

static const char *origin_label(const struct mapping *m, const char *path) {
    switch ((enum space_origin)m->origin) {
    case ORIGIN_STACK: return "[stack]";
    case ORIGIN_BRK: return "[heap]";
    case ORIGIN_VDSO: return "[vdso]";
    default: return *path == '/' ? path : "";
    }
}

/* One line of the host's maps: its path, for whatever part of it is the guest's. */
static void maps_line(struct process *p, struct text *t, const char *line) {
    const char *s = line;
    uint64_t base = (uintptr_t)p->space.base, start = parse_hex(&s), end = (s++, parse_hex(&s));
    for (int field = 0; field < 4; field++) { /* rights, offset, device, inode */
        while (*s == ' ') s++;
        while (*s && *s != ' ') s++;
    }
    while (*s == ' ') s++;
    if (end <= base || start >= base + p->space.limit) return;
    start = start > base ? start - base : 0;
    end -= base;
    for (const struct mapping *m; (m = space_next(&p->space, start)) != NULL && m->start < end; start = m->end) {
        uint64_t from = m->start > start ? m->start : start, to = m->end < end ? m->end : end;
        const char *label = origin_label(m, s);
        put_number(t, from, 16, 8);
        put(t, "-");
        put_number(t, to, 16, 8);
        put(t, " ");
        put(t, m->rights & SPACE_R ? "r" : "-");
        put(t, m->rights & SPACE_W ? "w" : "-");
        put(t, m->rights & SPACE_X ? "x" : "-");
        put(t, m->flags & MAPPING_SHARED ? "s " : "p ");
        put_number(t, m->dev ? m->offset + (from - m->start) : 0, 16, 8);
        put(t, " ");
        put_number(t, major(m->dev), 16, 2);
        put(t, ":");
        put_number(t, minor(m->dev), 16, 2);
        put(t, " ");
        put_number(t, m->dev ? m->ino : 0, 10, 1);
        put(t, *label ? "                    " : "");
        put(t, label);
        put(t, "\n");
    }
}

static void show_maps(struct process *p, struct text *t) {
    char line[PATH_MAX + 128], part[2048];
    size_t used = 0;
    int64_t fd = host_do(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC), n;
    if (fd < 0) return;
    while ((n = host_do(SYS_read, fd, part, sizeof part)) > 0)
        for (int64_t i = 0; i < n; i++) {
            if (part[i] != '\n') {
                if (used < sizeof line - 1) line[used++] = part[i];
                continue;
            }
            line[used] = 0;
            maps_line(p, t, line);
            used = 0;
        }
    host_do(SYS_close, fd);
}

static const struct substitute {
    const char *name;
    bool own;                                        /* below the process's folder */
    void (*show)(struct process *p, struct text *t); /* NULL: nobody may see it */
} substitutes[] = {
    {"cmdline", true, show_cmdline}, {"environ", true, show_environ},  {"auxv", true, show_auxv},
    {"maps", true, show_maps},       {"cpuinfo", false, show_cpuinfo}, {"mem", true, NULL},
};

static int64_t replace(struct process *p, int fd, uint32_t flags, const struct substitute *s) {
    struct text t = {.used = 0};
    if (!s->show) {
        host_do(SYS_close, fd);
        return -EACCES; /* it would lead to vee's memory */
    }
    t.fd = (int)host_do(SYS_memfd_create, s->name, 1 /* MFD_CLOEXEC */);
    if (t.fd < 0) {
        host_do(SYS_close, fd);
        return t.fd;
    }
    s->show(p, &t);
    text_flush(&t);
    host_do(SYS_lseek, t.fd, 0, SEEK_SET);
    host_do(SYS_dup3, t.fd, fd, flags & O_CLOEXEC);
    host_do(SYS_close, t.fd);
    return fd;
}

int64_t proc_opened(struct process *p, int fd, uint32_t flags) {
    char link[32] = "/proc/self/fd/", path[256], digits[12], *at = link + strlen(link);
    struct statfs fs;
    unsigned n = 0;
    if ((flags & O_PATH) || host_do(SYS_fstatfs, fd, &fs) != 0 || fs.f_type != PROC_MAGIC) return fd;
    for (int v = fd; n == 0 || v; v /= 10) digits[n++] = (char)('0' + v % 10);
    while (n) *at++ = digits[--n];
    int64_t length = host_do(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) return fd;
    path[length] = 0;
    const char *own = own_file(p, path);
    for (unsigned i = 0; i < sizeof substitutes / sizeof *substitutes; i++) {
        const struct substitute *s = &substitutes[i];
        const char *name = s->own ? own : !strncmp(path, "/proc/", 6) ? path + 6 : NULL;
        if (name && !strcmp(name, s->name)) return replace(p, fd, flags, s);
    }
    return fd;
}
