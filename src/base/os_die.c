/* os_die.c - the death of the process by a signal, in the guest's place.
 *
 * A wait status says whether there is a core file, and only the kernel can say it, by writing one itself. So it is made
 * to write one: without memory in it, and in a file system in memory that nobody else sees and that goes with the
 * process. That takes the right to mount (root has it, or whoever may make a user namespace), and a core_pattern that
 * names a file in the working directory; elsewhere the status says nothing of the guest's core file.
 */
#include "base/os.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DUMP_MOST = 1 << 20 };

static bool file_write(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0) close(fd);
    return n == (ssize_t)strlen(text);
}

static bool pattern_is_local(void) {
    char first = 0;
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, &first, 1);
    if (fd >= 0) close(fd);
    return n == 1 && first != '|' && first != '/' && first != '@' && first != '\n';
}

/* Mounts of its own: as root, or as the root of a user namespace with this one user. */
static bool namespace_make(void) {
    char user[48], group[48];
    if (!unshare(CLONE_NEWNS)) return true;
    snprintf(user, sizeof user, "0 %u 1", (unsigned)geteuid());
    snprintf(group, sizeof group, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) return false;
    return file_write("/proc/self/setgroups", "deny") && file_write("/proc/self/uid_map", user) &&
           file_write("/proc/self/gid_map", group);
}

static bool core_elsewhere(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit)) return false;
    limit.rlim_cur = limit.rlim_max < DUMP_MOST ? limit.rlim_max : DUMP_MOST;
    return pattern_is_local() && file_write("/proc/self/coredump_filter", "0") && namespace_make() &&
           !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("vee", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=2m") && !chdir("/proc") &&
           !prctl(PR_SET_DUMPABLE, 1) && !setrlimit(RLIMIT_CORE, &limit);
}

void os_die(int signal, bool core) {
    sigset_t open;
    if (!core || !core_elsewhere()) setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    /* To this thread: another one might be too late to take it. */
    syscall(SYS_tgkill, getpid(), gettid(), signal);
    sigfillset(&open);
    sigdelset(&open, signal);
    sigprocmask(SIG_SETMASK, &open, NULL);
    for (;;) syscall(SYS_exit_group, 128 + signal); /* only if it could not be sent */
}
