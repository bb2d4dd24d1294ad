/* exec.c - executing under unusual conditions: files without a name, by descriptors, with hardly any of them, names and
 * sizes of arguments at their limits. The program executes itself; its last words are its exit status. */
#include "check.h"
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

extern char **environ;
static char program[4096], here[4096];
static char wanted[8300]; /* what the executed program shall find */
static int from = -1;     /* a descriptor, or one to start from */

static bool kernel_is(int major, int minor) {
    struct utsname u;
    int a = 0, b = 0;
    uname(&u);
    sscanf(u.release, "%d.%d", &a, &b);
    return a > major || (a == major && b >= minor);
}

/* ---- what the executed program says: 1 if it is as wanted */

static bool ends(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static int as_executed(int argc, char **argv) {
    const char *what = argv[1], *want = argc > 2 ? argv[2] : "";
    char text[8192] = "";
    if (!strcmp(what, "name")) {
        prctl(PR_GET_NAME, text);
    } else if (!strcmp(what, "executed")) {
        strcpy(text, (const char *)getauxval(AT_EXECFN));
    } else if (!strcmp(what, "exe")) {
        if (readlink("/proc/self/exe", text, sizeof text - 1) < 0) return 2;
        return ends(text, want) ? 1 : (fprintf(stderr, "exe is %s, not ...%s\n", text, want), 3);
    } else if (!strcmp(what, "maps")) {
        FILE *f = fopen("/proc/self/maps", "r");
        while (f && fgets(text, sizeof text, f)) {
            text[strcspn(text, "\n")] = 0;
            if (ends(text, want)) return 1;
        }
        return 4;
    } else if (!strcmp(what, "again")) { /* and once more, by the link to itself */
        execl("/proc/self/exe", "program", "exe", want, (char *)NULL);
        return 5;
    } else if (!strcmp(what, "open")) {
        int n = 0;
        for (int fd = 0; fd < 2000; fd++) n += fcntl(fd, F_GETFD) >= 0;
        return n == atoi(want) ? 1 : (fprintf(stderr, "%d are open\n", n), 6);
    } else if (!strcmp(what, "limit")) {
        struct rlimit r;
        getrlimit(RLIMIT_NOFILE, &r);
        snprintf(text, sizeof text, "%lu %lu", (unsigned long)r.rlim_cur, (unsigned long)r.rlim_max);
    } else if (!strcmp(what, "arguments")) { /* of a script: its interpreter's argument, the script, what is behind */
        return argc == 5 && !strcmp(want, argv[3]) ? 1 : (fprintf(stderr, "%s, not %s\n", want, argv[3]), 7);
    } else {
        return 8;
    }
    return strcmp(text, want) ? (fprintf(stderr, "%s is '%s', not '%s'\n", what, text, want), 9) : 1;
}

/* ---- files to execute */

static void copy_to(int to) {
    char bytes[65536];
    int f = open(program, O_RDONLY);
    for (ssize_t n; (n = read(f, bytes, sizeof bytes)) > 0;) CHECK_IS(write(to, bytes, (size_t)n), n);
    fchmod(to, 0755);
    close(f);
}

static void copy_named(const char *name) {
    int to = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
    copy_to(to);
    close(to);
}

static int memory_file(unsigned flags) {
    int fd = memfd_create("a name", flags | MFD_ALLOW_SEALING);
    copy_to(fd);
    CHECK_IS(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    return fd;
}

static void script_named(const char *name, const char *rest) {
    int to = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
    dprintf(to, "#!%s %s\n", program, rest);
    close(to);
}

/* ---- ways to execute; what comes back is an errno */

static const char *what = "exe";

static void by_empty_path(void) {
    char *v[] = {"program", (char *)what, (char *)wanted, NULL};
    syscall(SYS_execveat, from, "", v, environ, AT_EMPTY_PATH);
    _exit(100 + errno);
}

static void by_name(const char *path) {
    execl(path, "program", what, wanted, (char *)NULL);
    _exit(100 + errno);
}

static void by_link(void) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", from);
    by_name(path);
}

static int executed(void (*how)(void)) {
    int status = child_status(how);
    return status & 127 ? -status : status >> 8;
}

static void no_name(void) {
    from = memory_file(MFD_CLOEXEC);
    what = "exe", strcpy(wanted, "/memfd:a name (deleted)");
    CHECK_IS(executed(by_empty_path), 1);
    CHECK_IS(executed(by_link), 1);
    what = "again";
    CHECK_IS(executed(by_empty_path), 1);
    what = "name", strcpy(wanted, "memfd:a name");
    if (kernel_is(6, 14)) CHECK_IS(executed(by_empty_path), 1);
    what = "executed", sprintf(wanted, "/dev/fd/%d", from);
    CHECK_IS(executed(by_empty_path), 1);
    sprintf(wanted, "/proc/self/fd/%d", from);
    CHECK_IS(executed(by_link), 1);
    what = "name", sprintf(wanted, "%d", from);
    CHECK_IS(executed(by_link), 1);
    close(from);
}

static void removed_program(void) {
    by_link();
}

static void itself_once_more(void) {
    by_name("/proc/self/exe");
}

static void removed(void) {
    copy_named("gone");
    from = open("gone", O_PATH | O_CLOEXEC);
    unlink("gone");
    what = "exe", sprintf(wanted, "%s/gone (deleted)", here);
    CHECK_IS(executed(removed_program), 1);
    CHECK_IS(executed(by_empty_path), 1);
    what = "maps";
    CHECK_IS(executed(by_empty_path), 1);
    what = "again";
    CHECK_IS(executed(by_empty_path), 1);
    close(from);
    what = "executed", strcpy(wanted, "/proc/self/exe");
    CHECK_IS(executed(itself_once_more), 1);
    what = "name", strcpy(wanted, "exe");
    CHECK_IS(executed(itself_once_more), 1);
}

/* The file is renamed, and removed, while it runs. */
static void renamed_now(void) {
    char now[8192];
    rename("moves", "moved");
    if (readlink("/proc/self/exe", now, sizeof now - 1) < 0) _exit(2);
    if (!ends(strcpy(now, strtok(now, "\n")), "/moved")) _exit(3);
    unlink("moved");
    memset(now, 0, sizeof now);
    if (readlink("/proc/self/exe", now, sizeof now - 1) < 0) _exit(4);
    if (!ends(now, "/moved (deleted)")) _exit(5);
    if (setresuid(65534, 65534, 65534) && geteuid() == 0) _exit(6);
    strcpy(wanted, "/moved (deleted)"), what = "exe";
    itself_once_more();
}

static void moving(void) {
    copy_named("moves");
    execl("./moves", "program", "moving", (char *)NULL);
    _exit(100 + errno);
}

static void by_script(void) {
    by_name("./script2");
}

static void scripts(void) {
    char text[40];
    script_named("script", "arguments");
    from = open("script", O_RDONLY);
    snprintf(text, sizeof text, "/dev/fd/%d", from);
    what = text, strcpy(wanted, "more");
    CHECK_IS(executed(by_empty_path), 1);
    fcntl(from, F_SETFD, FD_CLOEXEC);
    CHECK_IS(executed(by_empty_path), 100 + ENOENT);
    close(from);
    script_named("script2", "arguments");
    what = "./script2";
    CHECK_IS(executed(by_script), 1);
    from = open(".", O_PATH | O_CLOEXEC);
    CHECK_FAILS(execveat(from, "script", (char *[]){"x", NULL}, environ, 0), ENOENT);
    CHECK_FAILS(execveat(from, "nothing", (char *[]){"x", NULL}, environ, 0), ENOENT);
    symlink("script", "link");
    CHECK_FAILS(execveat(from, "link", (char *[]){"x", NULL}, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
    CHECK_FAILS(execveat(from, "", (char *[]){"x", NULL}, environ, 0), ENOENT);
    CHECK_FAILS(execveat(from, "", (char *[]){"x", NULL}, environ, AT_EMPTY_PATH), EACCES);
    CHECK_FAILS(execveat(AT_FDCWD, "", (char *[]){"x", NULL}, environ, AT_EMPTY_PATH), EACCES);
    CHECK_FAILS(execveat(99, "", (char *[]){"x", NULL}, environ, AT_EMPTY_PATH), EBADF);
    CHECK_FAILS(execveat(from, "x", (char *[]){"x", NULL}, environ, 1), EINVAL);
    close(from);
}

/* ---- limits */

static rlim_t soft, hard;
static char by[4096];

static void with_descriptors(void) {
    struct rlimit r = {soft, hard};
    if (setrlimit(RLIMIT_NOFILE, &r)) _exit(40);
    by_name(by);
}

static void few_descriptors(void) {
    what = "limit";
    for (soft = 0; soft < 6; soft += soft ? 1 : 3)
        for (int lower = 0; lower < 2; lower++) {
            hard = lower ? soft : 30;
            sprintf(wanted, "%lu %lu", (unsigned long)soft, (unsigned long)hard);
            strcpy(by, program);
            CHECK_IS(executed(with_descriptors), 1);
            strcpy(by, "/proc/self/exe");
            CHECK_IS(executed(with_descriptors), 1);
        }
}

/* A hard limit that was lowered stays so. */
static void hard_stays(void) {
    struct rlimit r = {20, 20};
    CHECK_IS(setrlimit(RLIMIT_NOFILE, &r), 0);
    CHECK_IS(getrlimit(RLIMIT_NOFILE, &r), 0);
    CHECK_IS(r.rlim_max, 20);
    CHECK_IS(setresuid(65534, 65534, 65534), 0);
    r.rlim_max = 21;
    CHECK_FAILS(setrlimit(RLIMIT_NOFILE, &r), EPERM);
    char text[4096] = "";
    int fd = open("/proc/self/limits", O_RDONLY);
    CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
    CHECK(strstr(text, "Max open files            20                   20                   files"));
    for (int n = 0; n < 100 && dup(0) >= 0;) n++;
    CHECK_FAILS(dup2(0, 20), EBADF);
    CHECK_IS(dup2(0, 19), 19);
    fflush(stdout);
    _exit(checks_failed ? 99 : 0);
}

static void none_is_inherited(void) {
    int open_now = 0;
    for (int fd = 0; fd < 2000; fd++) open_now += fcntl(fd, F_GETFD) >= 0;
    from = open(program, O_RDONLY | O_CLOEXEC);
    what = "open", sprintf(wanted, "%d", open_now);
    CHECK_IS(executed(by_empty_path), 1);
    sprintf(wanted, "%d", open_now + 1);
    fcntl(from, F_SETFD, 0);
    CHECK_IS(executed(by_empty_path), 1);
    close(from);
}

/* ---- sizes */

static size_t length;

static void long_string(void) {
    char *s = malloc(length + 1), *v[] = {"program", "name", strrchr(program, '/') + 1, s, NULL};
    memset(s, 'a', length);
    s[length] = 0;
    execve(program, v, environ);
    _exit(100 + errno);
}

/* Pointers and strings fill what the limit on the stack allows, or take one byte more. */
static rlim_t stack = 2 << 20;

static void full(void) {
    struct rlimit r = {0, RLIM_INFINITY};
    getrlimit(RLIMIT_STACK, &r);
    if (stack) r.rlim_cur = stack;
    if (setrlimit(RLIMIT_STACK, &r)) _exit(41);
    size_t left = r.rlim_cur / 4 - strlen(program) - 1, n = 3;
    static char part[1 << 16], *v[200] = {"program", "name", NULL};
    memset(part, 'b', sizeof part - 1);
    left -= 2 * 8 + sizeof "program" + sizeof "name";
    v[2] = strrchr(program, '/') + 1;
    left -= 8 + strlen(v[2]) + 1;
    while (left > sizeof part + 8) {
        v[n++] = part;
        left -= sizeof part + 8;
    }
    char *last = malloc(left + length);
    memset(last, 'c', left - 8 - 1 + length);
    last[left - 8 - 1 + length] = 0;
    v[n] = last;
    execve(program, v, (char *[]){NULL});
    _exit(100 + errno);
}

static void sizes(void) {
    length = (128 << 10) - 1;
    CHECK(executed(long_string) != 100 + E2BIG);
    length++;
    CHECK_IS(executed(long_string), 100 + E2BIG);
    length = 0;
    CHECK(executed(full) < 100);
    length = 1;
    CHECK_IS(executed(full), 100 + E2BIG);
    struct rlimit r; /* that of the computer, unless what is to fill it would be too much */
    getrlimit(RLIMIT_STACK, &r);
    stack = r.rlim_cur < 16 << 20 && r.rlim_cur < r.rlim_max ? 0 : 8 << 20;
    CHECK_IS(executed(full), 100 + E2BIG);
    length = 0;
    CHECK(executed(full) < 100);
}

#ifdef __riscv
static void unreadable(void) {
    if (setresuid(65534, 65534, 65534)) _exit(42);
    by_name("./host");
}

/* A program of the host that may be executed, but not read. */
static void not_readable(void) {
    int f = open("/bin/true", O_RDONLY), to = open("host", O_CREAT | O_TRUNC | O_WRONLY, 0755);
    char bytes[4096];
    for (ssize_t n; (n = read(f, bytes, sizeof bytes)) > 0;) CHECK_IS(write(to, bytes, (size_t)n), n);
    close(f);
    close(to);
    chmod("host", 0111);
    chmod(".", 0755);
    CHECK_IS(executed(unreadable), 0);
}
#else
static void not_readable(void) {}
#endif

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "moving")) renamed_now();
    if (argc > 1) return as_executed(argc, argv);
    CHECK(realpath(argv[0], program) && getcwd(here, sizeof here));
    no_name();
    removed();
    CHECK_IS(executed(moving), 1);
    scripts();
    few_descriptors();
    CHECK_IS(executed(hard_stays), 0);
    none_is_inherited();
    sizes();
    not_readable();
    return done();
}
