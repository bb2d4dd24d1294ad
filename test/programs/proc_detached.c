/* A user namespace is given its map through a procfs whose mount is no longer below the root (its path leads nowhere),
 * as programs that make boxes do after pivot_root. Where namespaces are refused, they are refused natively, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_file(int folder, const char *name, const char *text) {
    int fd = openat(folder, name, O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno;
    ssize_t n = write(fd, text, strlen(text));
    int error = n == (ssize_t)strlen(text) ? 0 : errno;
    close(fd);
    return error;
}

int main(void) {
    char map[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) return printf("namespaces: %s\n", strerror(errno)), 0;
    snprintf(map, sizeof map, "0 %u 1\n", (unsigned)uid);
    printf("first map: %s\n", strerror(write_file(AT_FDCWD, "/proc/self/uid_map", map)));
    printf("groups: %s\n", strerror(write_file(AT_FDCWD, "/proc/self/setgroups", "deny")));
    snprintf(map, sizeof map, "0 %u 1\n", (unsigned)gid);
    printf("of groups: %s\n", strerror(write_file(AT_FDCWD, "/proc/self/gid_map", map)));
    if (mkdir("away", 0700) || mount("none", "away", "tmpfs", 0, NULL) || mkdir("away/p", 0700) ||
        mount("/proc", "away/p", NULL, MS_BIND | MS_REC, NULL))
        return printf("mounts: %s\n", strerror(errno)), 0;
    int proc = open("away/p", O_PATH | O_DIRECTORY | O_CLOEXEC);
    printf("away: %d\n", umount2("away", MNT_DETACH));
    if (unshare(CLONE_NEWUSER)) return printf("nested: %s\n", strerror(errno)), 0;
    int self = openat(proc, "self", O_PATH | O_CLOEXEC);
    printf("nested map: %s\n", strerror(write_file(self, "uid_map", "7 0 1\n")));
    printf("again: %s\n", strerror(write_file(self, "uid_map", "7 0 1\n")));
    printf("%u\n", getuid());
    return 0;
}
