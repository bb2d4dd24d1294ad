/* proc_view.c - who is meant by a file of procfs, and what is known of it: of a process of this very program, what it
 * publishes.
 *
 * A process of this program is recognised by its executable file. Its record (published.h) then lies as far from the
 * start of its code as it does here, and its memory can be read by those who may (as a debugger may): to everybody else
 * it looks like what the host says, which knows the guest's name, arguments and environment, though.
 */
#include "process/linux/proc.h"
#include <fcntl.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AUXV_TYPES = 64, AUXV_MOST = 40 /* the kernel's limit is above that */ };
enum { STAT_CODE = 26, STAT_DATA = 45, STAT_LAST = 47 }; /* fields: where code, data and break begin */

static void path_join(char *to, const char *folder, const char *name) {
    size_t n = strlen(folder);
    if (n + strlen(name) + 2 > PATH_MAX) n = 0; /* names nothing */
    memcpy(to, folder, n);
    to[n] = '/';
    strcpy(to + n + 1, name);
}

static bool view_is_own(const struct proc_name *n) {
    char path[PATH_MAX], text[24];
    const char *s = text;
    path_join(path, n->root, "self");
    int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, path, text, sizeof text - 1);
    if (length <= 0) return false;
    text[length] = 0;
    return take_number(&s, 10) == (uint64_t)n->pid;
}

static bool program_of(const char *folder, struct stat *st) {
    char path[PATH_MAX];
    path_join(path, folder, "exe");
    return host_wait(SYS_newfstatat, AT_FDCWD, path, st, 0) == 0;
}

bool view_is_vee(const struct proc_name *n) {
    char self[PATH_MAX];
    struct stat own, other;
    if (view_is_own(n)) return true;
    path_join(self, n->root, "self");
    return program_of(self, &own) && program_of(n->folder, &other) && own.st_ino == other.st_ino &&
           own.st_dev == other.st_dev;
}

/* Fields of a process's stat, from `first` on; false: there are not that many. */
static bool stat_fields(const char *folder, unsigned first, unsigned count, uint64_t *values) {
    char path[PATH_MAX], text[1024];
    path_join(path, folder, "stat");
    int64_t fd = host_wait(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    int64_t n = host_wait(SYS_read, fd, text, sizeof text - 1);
    host_wait(SYS_close, fd);
    text[n > 0 ? n : 0] = 0;
    const char *s = strrchr(text, ')'); /* ends field 2 */
    for (unsigned field = 2; s && field < first + count - 1; field++) {
        s = strchr(s, ' ');
        if (!s++) return false;
        const char *digits = s;
        if (field + 1 >= first) *values++ = take_number(&digits, 10);
    }
    return s;
}

static uint64_t code_start(const char *folder) {
    uint64_t at;
    return stat_fields(folder, STAT_CODE, 1, &at) ? at : 0;
}

/* ---- for others to see */

/* Vee's own auxiliary vector, as the kernel gave it; its words. */
static unsigned own_auxv(uint64_t v[AUXV_MOST]) {
    unsigned n = 0;
    for (unsigned long type = AT_EXECFD; type < AUXV_TYPES && n + 4 <= AUXV_MOST; type++) {
        errno = 0;
        const uint64_t value = getauxval(type);
        if (!value && errno) continue;
        v[n++] = type;
        v[n++] = value;
    }
    v[n++] = AT_NULL;
    v[n++] = 0;
    return n;
}

/* Tells the kernel where the guest's arguments and environment are, so that everybody sees the guest's, on the host,
   too. All else that goes with this call stays as it is. */
static bool vectors_tell(const struct process *p) {
    uint64_t fields[STAT_LAST - STAT_CODE + 1], auxv[AUXV_MOST], base = (uintptr_t)p->space->base;
    if (!stat_fields("/proc/self", STAT_CODE, STAT_LAST - STAT_CODE + 1, fields) || !fields[0]) return false;
    const struct prctl_mm_map map = {.start_code = fields[0],
                                     .end_code = fields[1],
                                     .start_stack = fields[2],
                                     .start_data = fields[STAT_DATA - STAT_CODE],
                                     .end_data = fields[STAT_DATA - STAT_CODE + 1],
                                     .start_brk = fields[STAT_LAST - STAT_CODE],
                                     .brk = (uint64_t)host_do(SYS_brk, 0),
                                     .arg_start = base + p->arg_start,
                                     .arg_end = base + p->arg_end,
                                     .env_start = base + p->arg_end,
                                     .env_end = base + p->env_end,
                                     .auxv = (void *)auxv,
                                     .auxv_size = own_auxv(auxv) * (uint32_t)sizeof *auxv,
                                     .exe_fd = UINT32_MAX};
    return host_do(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0;
}

void proc_begin(struct process *p) {
    p->vectors_told = vectors_tell(p);
    published_begin(p);
}

void proc_forked(struct process *p) {
    published_begin(p);
}

void proc_end(struct process *p) {
    published_end(p);
}

/* ---- looking */

/* Where another process of this program has its record; 0: it is none. */
static uint64_t record_of(const struct proc_name *n) {
    char path[PATH_MAX], self[24];
    const char *digits = self;
    if (!view_is_vee(n)) return 0;
    path_join(path, n->root, "self");
    int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, path, self, sizeof self - 1);
    if (length <= 0) return 0;
    self[length] = 0;
    if (take_number(&digits, 10) != (uint64_t)getpid()) return 0; /* it counts processes otherwise */
    const uint64_t mine = code_start(path), other = code_start(n->folder);
    return mine && other ? published_at() + (other - mine) : 0;
}

static bool look(struct peek *k, const struct process *self, const struct proc_name *n) {
    if (!n->pid || view_is_own(n)) {
        peek_own(k, self);
        return true;
    }
    const uint64_t at = record_of(n);
    return at && peek_open(k, n->pid, at);
}

bool view_open(struct proc_view *v, struct process *self, const struct proc_name *n) {
    v->self = self;
    v->mappings = (struct peek_mappings){0};
    return look(&v->peek, self, n) && peek_thread(&v->peek, (uint32_t)(n->tid ? n->tid : n->pid), &v->thread);
}

void view_mappings(struct proc_view *v) {
    if (!v->mappings.first && !peek_mappings(&v->peek, &v->mappings)) v->mappings = (struct peek_mappings){0};
}

void view_close(struct proc_view *v) {
    peek_mappings_free(&v->mappings);
}

bool view_read(const struct proc_view *v, uint64_t guest, void *to, size_t size) {
    return v->peek.pid ? peek_guest(&v->peek, guest, to, size) : await_read(v->self, guest, to, size);
}

bool view_extent_of(struct process *self, const struct proc_name *n, struct view_extent *to) {
    struct peek k;
    if (!look(&k, self, n)) return false;
    *to = (struct view_extent){k.space.base, k.space.limit, k.process.key, k.space.window};
    return true;
}
