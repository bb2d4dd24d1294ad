/* exec.c - execve: everything that Linux checks is checked first, so that errors return to the caller; then the host
 * executes vee again for a program of this guest, or a program of its own directly.
 *
 * The new vee gets its options on its command line, in front of the guest's arguments; the environment is the guest's.
 * Strings stay where they are in the guest's memory; only the vectors of pointers are copied.
 */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXECVE_CHECK = 0x10000 }; /* AT_EXECVE_CHECK, Linux 6.14: the host looks, and executes nothing */
enum { HEAD = 256, SCRIPTS = 5, OWN_WORDS = 8 /* of options_put */, VECTOR_MAX = 1 << 20 };

/** The vectors of the new program: host pointers. */
struct vectors {
    const char **memory; /* mapped */
    size_t size;
    const char **argv, **envp; /* argv has room for options and the arguments of scripts before it */
    char inherited[12];        /* descriptor */
};

static int64_t vector_count(struct call *c, uint64_t from) {
    uint64_t word;
    int64_t n = 0;
    if (!from) return 0;
    for (;; n++) {
        if (!call_read(c, from + (uint64_t)n * 8, &word, sizeof word)) return -EFAULT;
        if (!word) return n;
        if (!space_within(c->process->space, word, 0)) return -EFAULT;
        if (n == VECTOR_MAX) return -E2BIG;
    }
}

static int64_t vector_copy(struct call *c, uint64_t from, int64_t count, const char **to) {
    for (int64_t i = 0; i < count; i++) {
        uint64_t word, host;
        if (!call_read(c, from + (uint64_t)i * 8, &word, sizeof word)) return -EFAULT;
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
    v->argv = v->memory + before;
    v->envp = v->argv + argc + 2;
    int64_t r = vector_copy(c, argv, argc, v->argv);
    if (argc == 0) v->argv[0] = ""; /* Linux gives every program one */
    return r < 0 ? r : vector_copy(c, envp, envc, v->envp);
}

enum file_kind { FILE_GUEST, FILE_SCRIPT, FILE_HOST };

static int64_t execute_check(int64_t fd) {
    static const char *const argv[] = {"", NULL}, *const envp[] = {NULL};
    return host_do(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH | EXECVE_CHECK);
}

/* Reads the file's first bytes and says how it is run, or why not. */
static int64_t file_look(struct call *c, const char *path, char *head) {
    struct stat st;
    int64_t r = host_do(439 /* faccessat2 */, AT_FDCWD, path, X_OK, AT_EACCESS);
    if (r == -ENOSYS) r = host_do(SYS_faccessat, AT_FDCWD, path, X_OK);
    if (r < 0) return r;
    int64_t fd = file_open_own(path, O_NONBLOCK);
    if (fd < 0) return fd;
    memset(head, 0, HEAD);
    r = host_do(SYS_fstat, fd, &st);
    if (r == 0 && !S_ISREG(st.st_mode)) r = -EACCES;
    /* Whether somebody writes to the file. Older kernels do not know the question. */
    if (r == 0 && execute_check(fd) == -ETXTBSY) r = -ETXTBSY;
    if (r == 0) r = host_do(SYS_pread64, fd, head, HEAD - 1, 0);
    host_do(SYS_close, fd);
    if (r < 0) return r;
    if (head[0] == '#' && head[1] == '!') return FILE_SCRIPT;
    if (elf_recognise(head, (size_t)r, c->process->abi->elf_machine)) return FILE_GUEST;
    return memcmp(head, "\177ELF", 4) == 0 ? FILE_HOST : -ENOEXEC;
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

/* Goes from scripts to their interpreters; the lines live in scratch. Leaves the path to execute in *path. */
static int64_t scripts_follow(struct call *c, struct vectors *v, const char **path) {
    char *lines = (char *)c->thread->scratch->bytes;
    for (int depth = 0;; depth++, lines += HEAD) {
        const char *interpreter, *argument;
        int64_t kind = file_look(c, *path, lines);
        if (kind != FILE_SCRIPT) return kind;
        if (depth == SCRIPTS) return -ELOOP;
        if (!script_line(lines, &interpreter, &argument)) return -ENOEXEC;
        *v->argv = *path; /* in place of the name that the caller gave */
        if (argument) *--v->argv = argument;
        *--v->argv = interpreter;
        *path = call_path_for(c, AT_FDCWD, interpreter, true);
    }
}

/* Puts vee's own command line before the guest's arguments. executed: what the caller named; path: the program. */
static void options_put(struct process *p, struct vectors *v, const char *executed, const char *path) {
    const char *name = v->argv[0];
    *v->argv = path;
    *--v->argv = "--";
    *--v->argv = name;
    *--v->argv = "-0";
    if (executed != path) {
        *--v->argv = executed;
        *--v->argv = "--exec-name";
    }
    if (*v->inherited) {
        *--v->argv = v->inherited;
        *--v->argv = "--inherited";
    }
    for (const char *const *o = p->vm->options.carried; o && *o; o++) *--v->argv = *o;
    *--v->argv = "vee";
}

static int64_t execute(struct call *c, struct vectors *v, const char *path) {
    struct process *p = c->process;
    const char *executed = path;
    int64_t kind = scripts_follow(c, v, &path);
    int inherited = -1;
    if (kind < 0) return kind;
    if (kind == FILE_HOST && c->thread->seccomp) return -ENOEXEC; /* nothing would filter its calls */
    if (kind == FILE_GUEST) {
        const struct abi *abi = NULL;
        struct error error = {0};
        struct elf elf;
        own_fd_check(p);
        if (p->own_fd == -1 && c->thread->seccomp) return -ENOEXEC;
        int fd = (int)file_open_own(path, 0);
        bool sane = fd >= 0 && (abi = p->abi) != NULL && elf_open(&elf, fd, path, &error);
        if (sane) elf_close(&elf);
        if (fd >= 0) host_do(SYS_close, fd);
        if (!sane) return -ENOEXEC;
        int64_t r = inherit_make(c->thread, &inherited);
        if (r < 0) return r;
        if (inherited >= 0) put_digits(v->inherited, (unsigned)inherited);
        if (p->own_fd != -1) options_put(p, v, executed, path);
    }
    if (!c->thread->vforked && !p->forked) store_save(p);
    struct rlimit core = {p->core_limit[0], p->core_limit[1]}, none = {0, p->core_limit[1]};
    setrlimit(RLIMIT_CORE, &core);
    signals_before_exec(c->thread);
    c->thread->child_ended = true;
    /* Where vee does not know where it is itself, the host may know by binfmt_misc how such programs are run. */
    if (kind == FILE_GUEST && p->own_fd == OWN_FD_GIVEN_UP) path = "/proc/self/exe";
    int64_t r = kind == FILE_GUEST && p->own_fd >= 0
                    ? host_do(SYS_execveat, p->own_fd, "", v->argv, v->envp, AT_EMPTY_PATH)
                    : host_do(SYS_execve, path, v->argv, v->envp);
    c->thread->child_ended = false;
    signals_after_exec(c->thread);
    setrlimit(RLIMIT_CORE, &none);
    if (inherited >= 0) host_do(SYS_close, inherited);
    return r;
}

static int64_t execute_with(struct call *c, const char *path, uint64_t argv, uint64_t envp) {
    struct vectors v = {0};
    int64_t r = vectors_make(c, argv, envp, &v);
    if (r == 0) r = execute(c, &v, path);
    if (v.memory && v.memory != MAP_FAILED) munmap(v.memory, v.size);
    return r;
}

int64_t call_execve(struct call *c) {
    int64_t path = call_path(c, AT_FDCWD, c->guest[0], true);
    if (path < 0) return path;
    return execute_with(c, (const char *)(uintptr_t)path, c->guest[1], c->guest[2]);
}

/* The path that a descriptor and a name make; by what procfs says of the descriptor. */
int64_t call_execveat(struct call *c) {
    char link[FD_PATH], *joined = c->thread->scratch->path[CALL_PATHS - 1];
    int fd = (int)c->guest[0];
    uint64_t flags = c->guest[4];
    if (flags & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return -EINVAL;
    int64_t path = call_path(c, fd, c->guest[1], !(flags & AT_SYMLINK_NOFOLLOW));
    if (path < 0) return path;
    const char *name = (const char *)(uintptr_t)path;
    if (!*name && !(flags & AT_EMPTY_PATH)) return -ENOENT;
    struct stat st;
    if ((flags & AT_SYMLINK_NOFOLLOW) && *name && host_do(SYS_newfstatat, fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(st.st_mode))
        return -ELOOP;
    if (*name == '/' || fd == AT_FDCWD) return execute_with(c, name, c->guest[2], c->guest[3]);
    if (fd < 0) return -EBADF;
    fd_path(link, fd);
    int64_t length = host_do(SYS_readlinkat, AT_FDCWD, link, joined, PATH_MAX - 1);
    if (length < 0) return -EBADF;
    joined[length] = 0;
    if (*name) {
        if ((size_t)length + strlen(name) + 2 > PATH_MAX) return -ENAMETOOLONG;
        joined[length] = '/';
        strcpy(joined + length + 1, name);
    }
    return execute_with(c, joined, c->guest[2], c->guest[3]);
}

/* Whoever executes a guest program executes vee, so the rules must allow that. What they do not handle is no part of a
   rule, so the right to read is asked for on its own, too. */
int64_t call_landlock_restrict_self(struct call *c) {
    static const uint64_t rights[] = {LANDLOCK_ACCESS_FS_EXECUTE, LANDLOCK_ACCESS_FS_READ_FILE};
    struct landlock_path_beneath_attr rule = {.parent_fd = c->process->own_fd};
    for (unsigned i = 0; rule.parent_fd >= 0 && i < sizeof rights / sizeof *rights; i++) {
        rule.allowed_access = rights[i];
        host_do(SYS_landlock_add_rule, c->host[0], LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    return host_do(SYS_landlock_restrict_self, c->host[0], c->host[1]);
}
