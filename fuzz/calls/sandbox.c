/* sandbox.c - where random system calls do no harm: namespaces of its own, a root of its own in memory, no privileges.
 *
 * An unprivileged user can make all of it. If this program is started by root it becomes nobody first, because a user
 * id 0 counts for some files of procfs even in a namespace.
 */
#include "calls.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, MB = 1 << 20 };

static bool failed(const char *what) {
    fprintf(stderr, "fuzz_calls: %s: %s\n", what, strerror(errno));
    return false;
}

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) close(fd);
    return good;
}

static bool copy(int from, const char *to) {
    struct stat st;
    int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    if (fd < 0 || fstat(from, &st)) return failed(to);
    for (off_t at = 0; at < st.st_size;)
        if (sendfile(fd, from, &at, (size_t)(st.st_size - at)) <= 0) return failed(to);
    close(fd);
    return true;
}

/* The caller becomes the owner of new namespaces. Its next child is the first process in them. */
static bool spaces_make(void) {
    char map[64];
    uid_t uid = geteuid(), gid = getegid();
    if (uid == 0) {
        if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)) return failed("becoming nobody");
        prctl(PR_SET_DUMPABLE, 1); /* for the files of procfs below */
        uid = gid = NOBODY;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                CLONE_NEWCGROUP))
        return failed("namespaces");
    snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
    if (!write_text("/proc/self/uid_map", map)) return failed("uid_map");
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
    return write_text("/proc/self/gid_map", map) || failed("gid_map");
}

/* A root in memory, seen from its first process. */
static bool root_make(int vee, int guest, bool libraries) {
    const char *const folders[] = {"/lib", "/lib64", "/usr"};
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) return failed("private mounts");
    if (mount("fuzz", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=96m")) return failed("tmpfs");
    if (chdir("/tmp") || mkdir("proc", 0755) || mkdir("box", 0755)) return failed("files");
    if (!copy(vee, "vee") || !copy(guest, "guest")) return false;
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL)) return failed("proc");
    for (unsigned i = 0; libraries && i < sizeof folders / sizeof *folders; i++)
        if (mkdir(folders[i] + 1, 0755) || mount(folders[i], folders[i] + 1, NULL, MS_BIND | MS_REC, NULL))
            return failed(folders[i]);
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/")) return failed("pivot_root");
    return !mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) ||
           failed("read-only");
}

bool sandbox_fresh(void) {
    umount2("/box", MNT_DETACH);
    return !mount("fuzz", "/box", "tmpfs", MS_NOSUID | MS_NODEV, "size=32m,nr_inodes=1000") &&
           !mkdir("/box/directory", 0755) && !symlink("/box/file", "/box/link");
}

int sandbox_run(const struct options *o, int (*inside)(void)) {
    int vee = open(o->vee, O_RDONLY | O_CLOEXEC), guest = open(o->guest, O_RDONLY | O_CLOEXEC), status;
    if (vee < 0 || guest < 0) return failed(vee < 0 ? o->vee : o->guest), 2;
    fflush(NULL);
    pid_t outer = fork(); /* the caller stays what it is */
    if (outer == 0) {
        if (!spaces_make()) _exit(2);
        pid_t first = fork();
        if (first == 0) {
            setsid(); /* a signal to one's own group leaves namespaces */
            prctl(PR_SET_PDEATHSIG, 9);
            exit(root_make(vee, guest, o->sanitized) ? inside() : 2);
        }
        while (waitpid(first, &status, 0) < 0 && errno == EINTR) continue;
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
    }
    while (waitpid(outer, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFSIGNALED(status)) fprintf(stderr, "fuzz_calls: signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

void sandbox_enter(const struct options *o) {
    const struct {
        int resource;
        rlim_t most;
    } limits[] = {{RLIMIT_CORE, 0},      {RLIMIT_FSIZE, 8 * MB},      {RLIMIT_NPROC, 100},
                  {RLIMIT_NOFILE, 1024}, {RLIMIT_MEMLOCK, 4 * MB},    {RLIMIT_CPU, 20},
                  {RLIMIT_MSGQUEUE, MB}, {RLIMIT_AS, (rlim_t)3 << 30}};
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit r = {limits[i].most, limits[i].most};
        if (limits[i].resource != RLIMIT_AS || !o->sanitized) setrlimit(limits[i].resource, &r);
    }
    setenv("ASAN_OPTIONS", "exitcode=77:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:detect_leaks=0",
           1);
    setenv("UBSAN_OPTIONS", "print_stacktrace=1", 1);
    prctl(PR_SET_PDEATHSIG, 9);
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE);
    for (int c = 0; c <= 63; c++) prctl(PR_CAPBSET_DROP, c);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_capset, &head, none);
}
