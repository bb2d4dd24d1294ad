/* proc_view.c - who is meant by a file of procfs, and what is known of it: of a process of this very program, a copy of
 * the structs that its vee has.
 *
 * A process of this program is recognised by its executable file. `noted` then lies as far from the start of its code
 * as it does here, its structs are laid out as here, and its memory can be read by those who may (as a debugger may):
 * to everybody else it looks like what the host says, which knows the guest's name, arguments and environment, though.
 * What is copied may be changing meanwhile, so nothing in a copy is taken to be sane but what is checked here.
 */
#include "process/linux/proc.h"
#include <fcntl.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS_MOST = 1 << 16, AUXV_TYPES = 64, AUXV_MOST = 40 /* the kernel's limit is above that */ };
enum { STAT_CODE = 26, STAT_DATA = 45, STAT_LAST = 47 }; /* fields: where code, data and break begin */

/* The process that this program runs, for those who look into its memory. */
static struct process *volatile noted;

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
    noted = p;
    p->vectors_told = vectors_tell(p);
}

void proc_end(struct process *p) {
    if (noted == p) noted = NULL;
}

/* Not by its file, which for a moment would be there for all threads of the guest. */
static bool memory_read(const struct proc_view *v, const void GUEST_MEMORY *from, void *to, size_t size) {
    struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size}; // NOLINT
    return host_wait(SYS_process_vm_readv, v->remote, &here, 1, &there, 1, 0) == (int64_t)size;
}

/* The thread with this id (0: the first), from a list of which `first` is the head. */
static void thread_copy(struct proc_view *v, const struct thread *first, uint32_t tid) {
    struct thread t;
    v->thread = v->process->thread;
    if (!tid) return;
    for (unsigned n = 0; first && n < THREADS_MOST; n++, first = t.next) {
        if (!v->remote)
            t = *first;
        else if (!memory_read(v, first, &t, sizeof t))
            return;
        if (t.tid == tid) {
            v->thread = t;
            return;
        }
    }
}

static size_t page_up(size_t size) {
    return (size + SPACE_PAGE - 1) & -(size_t)SPACE_PAGE;
}

/* Fills the copy: the process, its path, its mappings. */
static bool copy_fill(struct proc_view *v, const struct process *from, uint64_t distance) {
    struct process p;
    if (!memory_read(v, from, &p, sizeof p) || !memory_read(v, p.space, &p.memory, sizeof p.memory) ||
        !memory_read(v, p.actions, p.own_actions, sizeof p.own_actions) || p.memory.used > p.memory.most + 1)
        return false;
    const size_t head = page_up(sizeof p + PATH_MAX), nodes = p.memory.used * sizeof *p.memory.nodes;
    v->copy_size = head + page_up(nodes);
    v->copy = mmap(NULL, v->copy_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (v->copy == MAP_FAILED) return false;
    char *exe = (char *)v->copy + sizeof p;
    struct iovec here = {exe, PATH_MAX - 1}, there = {p.exe, PATH_MAX - 1}; /* as far as it is mapped */
    if (p.exe) host_wait(SYS_process_vm_readv, v->remote, &here, 1, &there, 1, 0);
    /* They may be in the middle of a change. */
    const struct space_node *theirs = p.memory.nodes;
    p.memory.nodes = (struct space_node *)(void *)(v->copy + head);
    if (!memory_read(v, theirs, p.memory.nodes, nodes) || !space_sane(&p.memory)) p.memory.root = p.memory.count = 0;
    p.exe = p.exe ? exe : NULL;
    p.abi = (const struct abi *)((uintptr_t)p.abi - distance);
    struct process *copy = memcpy(v->copy, &p, sizeof p);
    copy->space = &copy->memory;
    copy->actions = copy->own_actions;
    v->process = copy;
    return true;
}

/* Looks into another process of this program's; where its struct is, and how far its code is from here. */
static bool remote_find(struct proc_view *v, const struct proc_name *n, struct process **theirs, uint64_t *distance) {
    char path[PATH_MAX], self[24];
    const char *digits = self;
    if (!view_is_vee(n)) return false;
    path_join(path, n->root, "self");
    int64_t length = host_wait(SYS_readlinkat, AT_FDCWD, path, self, sizeof self - 1);
    if (length <= 0) return false;
    self[length] = 0;
    if (take_number(&digits, 10) != (uint64_t)getpid()) return false; /* it counts processes otherwise */
    uint64_t mine = code_start(path), other = code_start(n->folder);
    if (!mine || !other) return false;
    v->remote = n->pid;
    *distance = other - mine;
    const void *note = (const void *)((uintptr_t)&noted + *distance);
    return memory_read(v, note, theirs, sizeof *theirs) && *theirs;
}

bool view_open(struct proc_view *v, struct process *self, const struct proc_name *n) {
    struct process *theirs = NULL;
    uint64_t distance;
    *v = (struct proc_view){.process = self, .copy = MAP_FAILED};
    if (!n->pid || view_is_own(n)) {
        thread_copy(v, self->threads, (uint32_t)n->tid);
        return true;
    }
    if (!remote_find(v, n, &theirs, &distance)) return false;
    if (copy_fill(v, theirs, distance)) {
        thread_copy(v, v->process->threads, (uint32_t)n->tid);
        return true;
    }
    view_close(v);
    return false;
}

bool view_extent_of(struct process *self, const struct proc_name *n, struct view_extent *to) {
    struct proc_view v = {.process = self, .copy = MAP_FAILED};
    struct process *theirs, p;
    struct space s;
    uint64_t distance;
    if (view_is_own(n)) {
        *to = (struct view_extent){(uintptr_t)self->space->base, self->space->limit, self->key, self->space->window};
        return true;
    }
    if (!remote_find(&v, n, &theirs, &distance)) return false;
    bool read = memory_read(&v, theirs, &p, sizeof p) && memory_read(&v, p.space, &s, sizeof s);
    if (read) *to = (struct view_extent){(uintptr_t)s.base, s.limit, p.key, s.window};
    view_close(&v);
    return read;
}

void view_close(struct proc_view *v) {
    if (v->copy != MAP_FAILED) munmap(v->copy, v->copy_size);
}

bool view_read(const struct proc_view *v, uint64_t guest, void *to, size_t size) {
    const struct space *s = v->process->space;
    if (!v->remote) return await_read(v->process, guest, to, size);
    return space_within(s, guest, size) && memory_read(v, space_host(s, guest), to, size);
}
