/* stat, lstat, fstat, fstatat, statx over kinds of files; sizes, link counts, modes, times, devices; statvfs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "patient.h"

static const char *kind(mode_t mode) {
    return S_ISREG(mode)    ? "file"
           : S_ISDIR(mode)  ? "directory"
           : S_ISLNK(mode)  ? "link"
           : S_ISFIFO(mode) ? "fifo"
           : S_ISCHR(mode)  ? "device"
           : S_ISSOCK(mode) ? "socket"
                            : "other";
}

static void show(const char *name) {
    struct stat a, b;
    struct statx x;
    int s = stat(name, &a), l = lstat(name, &b), n = statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x);
    printf("%s: %d %d %d", name, s, l, n);
    if (s == 0) printf(" %s %o %ld", kind(a.st_mode), a.st_mode & 07777, S_ISDIR(a.st_mode) ? 0 : (long)a.st_size);
    if (l == 0 && n == 0) {
        int same = x.stx_mode == b.st_mode && x.stx_size == (unsigned long)b.st_size && x.stx_ino == b.st_ino &&
                   x.stx_nlink == b.st_nlink && x.stx_uid == b.st_uid && x.stx_gid == b.st_gid &&
                   x.stx_blksize == (unsigned)b.st_blksize && x.stx_mtime.tv_sec == b.st_mtim.tv_sec &&
                   x.stx_mtime.tv_nsec == b.st_mtim.tv_nsec && x.stx_ctime.tv_nsec == b.st_ctim.tv_nsec &&
                   x.stx_blocks == (unsigned long)b.st_blocks && makedev(x.stx_dev_major, x.stx_dev_minor) == b.st_dev;
        printf(" | %s statx agrees %d mask %d", kind(b.st_mode), same,
               (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    }
    if (s) printf(" errno %d", errno);
    putchar('\n');
}

int main(void) {
    umask(022);
    int fd = open("file", O_RDWR | O_CREAT, 0640);
    if (write(fd, "twelve bytes", 12) != 12) return 1;
    if (symlink("file", "link") || symlink("nothing", "dangling") || symlink("loop", "loop") ||
        mkdir("directory", 0751) || mkfifo("fifo", 0600))
        return 2;
    if (link("file", "second") || symlink("directory", "dirlink")) return 3;
    static const char *const names[] = {
        "file", "second",    "link",   "dangling",          "loop",       "directory",       "dirlink",
        "fifo", "none",      "file/x", "directory/../file", "./././file", "dirlink/../link", "/dev/null",
        "",     "directory/"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) show(names[i]);
    struct stat st, other;
    fstat(fd, &st);
    printf("%ld links %ld blocks %d uid %d gid %d\n", (long)st.st_size, (long)st.st_nlink, st.st_blocks > 0,
           st.st_uid == geteuid(), st.st_gid == getegid());
    stat("second", &other);
    printf("same file %d %d\n", st.st_ino == other.st_ino, st.st_dev == other.st_dev);
    stat("/dev/null", &st);
    printf("null %d %d\n", major(st.st_rdev), minor(st.st_rdev));
    int r = fstatat(AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW);
    printf("%d %s %ld\n", r, kind(st.st_mode), (long)st.st_size);
    r = fstatat(fd, "", &st, AT_EMPTY_PATH);
    printf("%d %s %ld\n", r, kind(st.st_mode), (long)st.st_size);
    r = fstatat(fd, "x", &st, 0);
    printf("%d %d\n", r, errno);
    r = fstat(999, &st);
    printf("%d %d\n", r, errno);
    char tall[5000];
    memset(tall, 'n', sizeof tall - 1);
    tall[sizeof tall - 1] = 0;
    r = stat(tall, &st);
    printf("%d %d\n", r, errno);
    tall[300] = 0;
    r = stat(tall, &st);
    printf("%d %d\n", r, errno);
    for (off_t size = 0; size < 1 << 20; size = size * 5 + 3) {
        if (ftruncate(fd, size)) return 4;
        fstat(fd, &st);
        printf("%ld ", (long)st.st_size);
    }
    putchar('\n');
    r = truncate("second", 5);
    fstat(fd, &st);
    printf("%d %ld\n", r, (long)st.st_size);
    unlink("file");
    fstat(fd, &st);
    printf("links %ld\n", (long)st.st_nlink);
    unlink("second");
    fstat(fd, &st);
    printf("links %ld\n", (long)st.st_nlink);
    struct statvfs v;
    struct statfs f;
    r = statvfs(".", &v) | fstatvfs(fd, &v) | statfs(".", &f);
    printf("%d %d %d\n", r, v.f_bsize == (unsigned long)f.f_bsize, v.f_namemax == (unsigned long)f.f_namelen);
    return 0;
}
