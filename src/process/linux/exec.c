/* exec.c - execve: everything that Linux checks is checked first, so that errors return to the caller; then the host
 * executes vee again for a program of this guest, or a program of its own directly.
 *
 * A file is found once: what was looked at is what is run. The new vee gets it as a descriptor, next to that of vee's
 * own program (inherit.c), and its options on its command line, in front of the guest's arguments; the environment is
 * the guest's. Strings stay where they are in the guest's memory; only the vectors of pointers are copied.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXECVE_CHECK = 0x10000 }; /* AT_EXECVE_CHECK, Linux 6.14: the host looks, and executes nothing */
enum { FACCESSAT2 = 439 };
enum { HEAD = 256, SCRIPTS = 5, OWN_WORDS = 14 /* of options_put */, VECTOR_MAX = 1 << 20 };
enum { STRING_MOST = 128 << 10 /* MAX_ARG_STRLEN */ };

/** The vectors of the new program: host pointers. */
struct vectors {
    const char **memory; /* mapped */
    size_t size;
    const char **argv, **envp;                   /* argv has room for options and the arguments of scripts before it */
    int64_t argc, envc;                          /* as the guest gave them */
    char program[12], inherited[INHERITED_TEXT]; /* descriptors */
};

/** What is executed. */
struct program {
    int fd;                      /* open for reading; or -1: it cannot be read, and only the host knows what it is */
    int folder;                  /* and `path`: where the host finds it; an empty path: the folder itself */
    const char *path;            /* on the host */
    const char *executed;        /* as the guest named it: gives the process its name */
    bool by_descriptor, closing; /* `executed` is a descriptor alone; one that the program will not have */
};

static int64_t vector_count(struct call *c, uint64_t from) {
    const uint64_t size = call_layout(c, LAYOUT_word)->guest;
    uint64_t word;
    int64_t n = 0;
    if (!from) return 0;
    for (;; n++) {
        if (!call_get(c, LAYOUT_word, from + (uint64_t)n * size, &word)) return -EFAULT;
        if (!word) return n;
        if (!space_within(c->process->space, word, 0)) return -EFAULT;
        if (n == VECTOR_MAX) return -E2BIG;
    }
}

static int64_t vector_copy(struct call *c, uint64_t from, int64_t count, const char **to) {
    const uint64_t size = call_layout(c, LAYOUT_word)->guest;
    for (int64_t i = 0; i < count; i++) {
        uint64_t word, host;
        if (!call_get(c, LAYOUT_word, from + (uint64_t)i * size, &word)) return -EFAULT;
        if (!word || !call_pointer(c, word, 0, &host)) return -EFAULT;
        to[i] = (const char *)(uintptr_t)host;
    }
    to[count] = NULL;
    return 0;
}

static int64_t vectors_make(struct call *c, uint64_t argv, uint64_t envp, struct vectors *v) {
    int64_t argc = vector_count(c, argv), envc = vector_count(c, envp);
    if (argc < 0) return argc;
    if (envc < 0) return envc;
    size_t before = OWN_WORDS + 2 * SCRIPTS + 1;
    for (const char *const *o = c->process->vm->options.carried; o && *o; o++) before++;
    v->size = (before + (size_t)argc + 2 + (size_t)envc + 1) * sizeof *v->memory;
    v->memory = mmap(NULL, v->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (v->memory == MAP_FAILED) return -ENOMEM;
    v->argc = argc;
    v->envc = envc;
    v->argv = v->memory + before;
    v->envp = v->argv + argc + 2;
    int64_t r = vector_copy(c, argv, argc, v->argv);
    if (argc == 0) v->argv[0] = ""; /* Linux gives every program one */
    return r < 0 ? r : vector_copy(c, envp, envc, v->envp);
}

/* ---- the size of the vectors */

/* Bytes of a guest's string with its end, or a negative errno. */
static int64_t string_size(struct call *c, const char *host) {
    const uint64_t from = (uintptr_t)host - (uintptr_t)space_host(c->process->space, 0);
    char part[256];
    for (uint64_t size = 0; size < STRING_MOST;) {
        uint64_t room = SPACE_PAGE - (from + size) % SPACE_PAGE; /* behind which there may be nothing */
        if (room > sizeof part) room = sizeof part;
        if (!call_read(c, from + size, part, room)) return -EFAULT;
        const size_t n = strnlen(part, room);
        size += n;
        if (n < room) return (int64_t)size + 1;
    }
    return -E2BIG;
}

/* Does the guest's limit allow them? The host's own concerns vee's whole command line. */
static int64_t vectors_fit(struct call *c, const struct vectors *v, const char *executed) {
    uint64_t used = strlen(executed) + 1 + (uint64_t)((v->argc ? v->argc : 1) + v->envc) * sizeof *v->argv;
    for (int list = 0; list < 2; list++) {
        const char **at = list ? v->envp : v->argv;
        for (int64_t i = 0, n = list ? v->envc : v->argc; i < n; i++) {
            int64_t size = string_size(c, at[i]);
            if (size < 0) return size;
            used += (uint64_t)size;
            if (used > arguments_most(c->process)) return -E2BIG;
        }
    }
    return used > arguments_most(c->process) ? -E2BIG : 0;
}

/* ---- the file */

enum file_kind { FILE_GUEST, FILE_SCRIPT, FILE_HOST };

static int64_t execute_check(int64_t fd) {
    static const char *const argv[] = {"", NULL}, *const envp[] = {NULL};
    return host_wait(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH | EXECVE_CHECK);
}

/* May it be executed, whatever it is? at: of the file, maybe for its path alone. */
static int64_t may_execute(int at) {
    char link[FD_PATH];
    struct stat st;
    int64_t r = host_wait(SYS_fstat, at, &st);
    if (r == 0 && S_ISLNK(st.st_mode)) return -ELOOP;
    if (r == 0 && !S_ISREG(st.st_mode)) return -EACCES;
    if (r == 0) r = host_wait(FACCESSAT2, at, "", X_OK, AT_EACCESS | AT_EMPTY_PATH);
    if (r != -ENOSYS && r != -EPERM) return r;
    fd_path(link, at);
    return host_wait(SYS_faccessat, AT_FDCWD, link, X_OK);
}

/* Opens a file again to read it. Linux reads what it executes whoever may read it: where the process has the right to
   read everything, but not in effect, it is taken for that long. */
static int64_t open_again(const char *path) {
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct kept[2], all[2];
    int64_t fd = file_open_own(path, O_NONBLOCK);
    const uint32_t right = 1u << CAP_DAC_READ_SEARCH;
    if (fd != -EACCES || host_do(SYS_capget, &h, kept) != 0 || !(kept[0].permitted & right)) return fd;
    memcpy(all, kept, sizeof all);
    all[0].effective |= right;
    if (host_do(SYS_capset, &h, all) != 0) return fd;
    fd = file_open_own(path, O_NONBLOCK);
    host_do(SYS_capset, &h, kept);
    return fd;
}

/* at: of the file, maybe for its path alone. */
static int64_t open_to_read(int at, const char *path) {
    char link[FD_PATH];
    struct stat st, other;
    int64_t flags = host_do(SYS_fcntl, at, F_GETFL);
    if (flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY)
        return descriptor_make(SYS_fcntl, (uint64_t)at, F_DUPFD_CLOEXEC, 0, 0);
    fd_path(link, at);
    int64_t fd = open_again(link);
    if (fd != -ENOENT || !*path) return fd;
    fd = open_again(path); /* without procfs */
    if (fd >= 0 && (host_wait(SYS_fstat, at, &st) != 0 || host_wait(SYS_fstat, fd, &other) != 0 ||
                    st.st_dev != other.st_dev || st.st_ino != other.st_ino)) {
        host_wait(SYS_close, fd);
        return -ENOENT;
    }
    return fd;
}

/* Finds the file and opens it, if it can be read. */
static int64_t program_find(struct call *c, struct program *f, bool follow) {
    int64_t at = f->folder;
    f->fd = -1;
    if (*f->path) {
        uint32_t how = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
        at = call_wait(c, SYS_openat, (uint64_t)f->folder, (uintptr_t)f->path, how, 0, 0, 0);
        if (at == -EMFILE) at = descriptor_make(SYS_openat, (uint64_t)f->folder, (uintptr_t)f->path, how, 0);
        if (at < 0) return at;
    }
    int64_t r = may_execute((int)at);
    if (r == 0) {
        int64_t fd = open_to_read((int)at, f->folder == AT_FDCWD ? f->path : "");
        if (fd >= 0)
            f->fd = (int)fd;
        else if (fd != -EACCES)
            r = fd;
    }
    if (*f->path) host_wait(SYS_close, at);
    return r;
}

static void program_close(struct program *f) {
    if (f->fd >= 0) host_wait(SYS_close, f->fd);
    f->fd = -1;
}

/** A file that is looked at, which may take as long as reading takes. */
struct look {
    struct process *process;
    const struct program *program;
    int64_t result;
};

static void elf_look(void *arg) {
    struct look *l = arg;
    l->result = image_check(l->process, l->program->fd, l->program->executed);
}

/* Reads the first bytes and says how it is run, or why not. */
static int64_t program_look(struct call *c, const struct program *f, char *head) {
    struct look look = {c->process, f, 0};
    memset(head, 0, HEAD);
    if (f->fd < 0) return FILE_HOST; /* the host may know it; what is vee's would have to be read */
    /* Whether somebody writes to the file. Older kernels do not know the question. */
    if (execute_check(f->fd) == -ETXTBSY) return -ETXTBSY;
    int64_t r = host_wait(SYS_pread64, f->fd, head, HEAD - 1, 0);
    if (r < 0) return r;
    if (head[0] == '#' && head[1] == '!') return FILE_SCRIPT;
    if (!elf_recognise(head, (size_t)r, c->process->abi->machine->elf_machine))
        return memcmp(head, "\177ELF", 4) == 0 ? FILE_HOST : -ENOEXEC;
    engine_outside(c->process->vm->engine, elf_look, &look);
    return look.result < 0 ? look.result : FILE_GUEST;
}

/* The interpreter and its one argument from the first line, which is cut into strings. */
static bool script_line(char *head, const char **interpreter, const char **argument) {
    char *end = memchr(head, '\n', HEAD), *at = head + 2;
    if (!end) end = head + strlen(head);
    while (end > at && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *end = 0;
    at += strspn(at, " \t");
    if (!*at) return false;
    *interpreter = at;
    at += strcspn(at, " \t");
    if (*at) *at++ = 0;
    at += strspn(at, " \t");
    *argument = *at ? at : NULL;
    return true;
}

/* Goes from scripts to their interpreters; the lines live in scratch. Leaves the program that runs in *f. */
static int64_t scripts_follow(struct call *c, struct vectors *v, struct program *f, bool follow) {
    char *lines = (char *)c->thread->scratch->bytes;
    const char *name = f->executed;
    for (int depth = 0;; depth++, lines += HEAD) {
        const char *interpreter, *argument;
        int64_t kind = program_find(c, f, follow);
        if (kind == 0) kind = program_look(c, f, lines);
        if (kind != FILE_SCRIPT) return kind;
        program_close(f);
        if (depth == SCRIPTS) return -ELOOP;
        if (!script_line(lines, &interpreter, &argument)) return -ENOEXEC;
        if (f->closing) return -ENOENT; /* the interpreter could not open it */
        *v->argv = name;                /* in place of the one that the caller gave */
        if (argument) *--v->argv = argument;
        *--v->argv = interpreter;
        name = interpreter;
        follow = true;
        f->folder = AT_FDCWD;
        int64_t r = path_place(c, AT_FDCWD, interpreter, PATH_FOLLOW, &f->path);
        if (r < 0) return r;
    }
}

/* Puts vee's own command line before the guest's arguments. */
static void options_put(struct process *p, struct vectors *v, const struct program *f, const char *path) {
    const char *name = v->argv[0];
    *v->argv = path;
    *--v->argv = "--";
    *--v->argv = name;
    *--v->argv = "-0";
    *--v->argv = f->executed;
    *--v->argv = "--exec-name";
    *--v->argv = v->inherited;
    *--v->argv = "--inherited";
    *--v->argv = v->program;
    *--v->argv = "--program-fd";
    *--v->argv = "--kind=process";
    if (*p->root.inside) {
        *--v->argv = p->root.inside;
        *--v->argv = "--inside";
    }
    for (const char *const *o = p->vm->options.carried; o && *o; o++) *--v->argv = *o;
    *--v->argv = "vee";
}

/* ---- the execution */

static int64_t execute_vee(struct call *c, struct vectors *v, const struct program *f, const char *path) {
    struct process *p = c->process;
    struct inherited handed = {.vee = p->own[OWN_VEE].fd, .by_descriptor = f->by_descriptor};
    const char **argv = v->argv, *name = *argv;
    int64_t r = inherit_make(c->thread, &handed);
    if (r < 0) return r;
    put_digits(v->program, (unsigned)f->fd);
    inherit_text(&handed, v->inherited);
    options_put(p, v, f, path);
    inherit_pass(&handed, true);
    host_do(SYS_fcntl, f->fd, F_SETFD, 0);
    /* With the lock, so that the descriptors stay what they are. */
    r = handed.vee >= 0 ? host_hold(SYS_execveat, handed.vee, "", v->argv, v->envp, AT_EMPTY_PATH)
                        : host_hold(SYS_execve, "/proc/self/exe", v->argv, v->envp);
    inherit_pass(&handed, false);
    host_do(SYS_fcntl, f->fd, F_SETFD, FD_CLOEXEC);
    if (handed.blob >= 0) host_hold(SYS_close, handed.blob);
    v->argv = argv;
    *argv = name;
    return r;
}

/* The program is one of this guest's: what the host executes is vee. */
static int64_t execute_guest(struct call *c, struct vectors *v, const struct program *f, const char *path) {
    struct rlimit kept, more;
    if (c->process->own[OWN_VEE].fd == -1)
        return c->thread->seccomp ? -ENOEXEC : host_hold(SYS_execve, f->path, v->argv, v->envp);
    int64_t r = execute_vee(c, v, f, path);
    /* What fits the guest's limit may be too long together with vee's options. */
    if (r != -E2BIG || getrlimit(RLIMIT_STACK, &kept) || kept.rlim_cur == kept.rlim_max) return r;
    more = (struct rlimit){kept.rlim_max, kept.rlim_max};
    if (setrlimit(RLIMIT_STACK, &more)) return r;
    r = execute_vee(c, v, f, path);
    setrlimit(RLIMIT_STACK, &kept);
    return r;
}

static int64_t execute_host(struct call *c, struct vectors *v, const struct program *f) {
    struct rlimit files;
    if (c->thread->seccomp) return -ENOEXEC; /* nothing would filter its calls */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && c->process->files_most < files.rlim_max) {
        files.rlim_max = c->process->files_most;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    /* What the guest has set and the host was not told of, as it would have concerned vee. */
    int64_t persona = host_do(SYS_personality, UINT32_MAX);
    host_do(SYS_personality, c->process->persona);
    int64_t r = *f->path && f->folder == AT_FDCWD
                    ? host_hold(SYS_execve, f->path, v->argv, v->envp)
                    : host_hold(SYS_execveat, f->folder, f->path, v->argv, v->envp, *f->path ? 0 : AT_EMPTY_PATH);
    host_do(SYS_personality, persona);
    return r == -ENOEXEC && f->fd < 0 ? -EACCES : r;
}

static int64_t execute(struct call *c, struct vectors *v, struct program *f, bool follow) {
    struct process *p = c->process;
    int64_t kind = scripts_follow(c, v, f, follow);
    if (kind < 0) return kind;
    char path[PATH_MAX], link[FD_PATH];
    int64_t length = 0;
    fd_path(link, f->fd);
    if (kind == FILE_GUEST) length = host_wait(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    own_fds_check(p);
    if (!p->forked) store_save(p);
    struct rlimit core = {p->core_limit[0], p->core_limit[1]}, none = {0, p->core_limit[1]};
    setrlimit(RLIMIT_CORE, &core);
    share_leave(c->thread);
    /* From here on no memory of the guest's is touched: faults have no handler, and a child of a fork would have none.
     */
    signals_before_exec(c->thread);
    int64_t r = kind == FILE_GUEST ? execute_guest(c, v, f, *path ? path : f->path) : execute_host(c, v, f);
    signals_after_exec(c->thread);
    share_stay(c->thread);
    setrlimit(RLIMIT_CORE, &none);
    return r;
}

static int64_t execute_with(struct call *c, struct program *f, bool follow, uint64_t argv, uint64_t envp) {
    struct vectors v = {0};
    f->fd = -1;
    int64_t r = vectors_make(c, argv, envp, &v);
    if (r == 0) r = vectors_fit(c, &v, f->executed);
    if (r == 0) r = execute(c, &v, f, follow);
    program_close(f);
    if (v.memory && v.memory != MAP_FAILED) munmap(v.memory, v.size);
    return r;
}

int64_t call_execve(struct call *c) {
    int64_t path = call_path(c, AT_FDCWD, c->guest[0], PATH_FOLLOW);
    if (path < 0) return path;
    if (!*c->thread->scratch->path[0]) return -ENOENT;
    struct program f = {
        .folder = AT_FDCWD, .path = (const char *)(uintptr_t)path, .executed = c->thread->scratch->path[0]};
    return execute_with(c, &f, true, c->guest[1], c->guest[2]);
}

/* What Linux calls a file of a descriptor: /dev/fd/N, and the path behind it. */
static bool descriptor_name(char name[PATH_MAX], int fd, const char *path) {
    char *end = put_digits(stpcpy(name, "/dev/fd/"), (unsigned)fd);
    if (!*path) return true;
    if ((size_t)(end - name) + strlen(path) + 2 > PATH_MAX) return false;
    strcpy(stpcpy(end, "/"), path);
    return true;
}

int64_t call_execveat(struct call *c) {
    int fd = (int)c->guest[0];
    uint64_t flags = c->guest[4];
    if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return -EINVAL;
    bool follow = !(flags & AT_SYMLINK_NOFOLLOW);
    int64_t path = call_path(c, fd, c->guest[1], follow ? PATH_FOLLOW : 0);
    if (path < 0) return path;
    const char *name = c->thread->scratch->path[0];
    struct program f = {.folder = fd, .path = (const char *)(uintptr_t)path, .executed = name};
    if (!*name && !(flags & AT_EMPTY_PATH)) return -ENOENT;
    if (*f.path == '/') f.folder = AT_FDCWD;
    if (!*name && fd == AT_FDCWD) f.path = ".";
    if (*name != '/' && fd != AT_FDCWD) {
        int64_t cloexec = host_do(SYS_fcntl, fd, F_GETFD);
        if (cloexec < 0) return -EBADF;
        f.by_descriptor = !*name;
        f.closing = cloexec & FD_CLOEXEC;
        f.executed = c->thread->scratch->path[CALL_PATHS - 1];
        if (!descriptor_name(c->thread->scratch->path[CALL_PATHS - 1], fd, name)) return -ENAMETOOLONG;
    }
    return execute_with(c, &f, follow, c->guest[2], c->guest[3]);
}

/* Whoever executes a guest program executes vee, so the rules must allow that. What they do not handle is no part of a
   rule, so the right to read is asked for on its own, too. */
int64_t call_landlock_restrict_self(struct call *c) {
    static const uint64_t rights[] = {LANDLOCK_ACCESS_FS_EXECUTE, LANDLOCK_ACCESS_FS_READ_FILE};
    struct landlock_path_beneath_attr rule = {.parent_fd = c->process->own[OWN_VEE].fd};
    for (unsigned i = 0; rule.parent_fd >= 0 && i < sizeof rights / sizeof *rights; i++) {
        rule.allowed_access = rights[i];
        host_do(SYS_landlock_add_rule, c->host[0], LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    return call_wait(c, SYS_landlock_restrict_self, c->host[0], c->host[1], 0, 0, 0, 0);
}
