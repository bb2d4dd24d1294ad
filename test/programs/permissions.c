/* umask, chmod, fchmod, access, faccessat, open flags: modes as given and as masked; O_CREAT, O_EXCL, O_TRUNC,
 * O_TMPFILE. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patient.h"

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static unsigned mode_of(const char *name) {
    struct stat st;
    return lstat(name, &st) ? 0 : st.st_mode;
}

int main(void) {
    mode_t old = umask(022);
    printf("%o\n", umask(old) == 022);
    static const mode_t masks[] = {0, 022, 077, 0777, 0137};
    for (int i = 0; i < 5; i++) {
        umask(masks[i]);
        int fd = open("made", O_CREAT | O_WRONLY, 0666), d = mkdir("dir", 0777), f = mkfifo("fifo", 0622),
            n = mknod("node", S_IFREG | 0755, 0);
        int s = symlink("made", "link");
        printf("%o: %o %o %o %o %o %d%d%d%d\n", masks[i], mode_of("made"), mode_of("dir"), mode_of("fifo"),
               mode_of("node"), mode_of("link"), d, f, n, s);
        close(fd);
        unlink("made"), rmdir("dir"), unlink("fifo"), unlink("node"), unlink("link");
    }
    umask(022);
    int fd = open("file", O_CREAT | O_RDWR, 0600);
    for (unsigned mode = 0; mode <= 0777; mode += 037) {
        int r = chmod("file", mode);
        unsigned after = mode_of("file");
        int q = fchmod(fd, mode ^ 0707);
        printf("%o:%d%d %o %o ", mode, r, q, after, mode_of("file"));
    }
    putchar('\n');
    show("setuid bit", chmod("file", 04755));
    printf("%o\n", mode_of("file"));
    show("missing", chmod("nothing", 0600));
    show("bad descriptor", fchmod(99, 0600));
    show("fchmodat", fchmodat(AT_FDCWD, "file", 0640, 0));
    printf("%o\n", mode_of("file"));
    show("exists", access("file", F_OK));
    show("read", access("file", R_OK));
    show("missing", access("nothing", F_OK));
    show("through a file", access("file/x", F_OK));
    show("bad mode", access("file", 0xff));
    chmod("file", 0600);
    show("execute", access("file", X_OK));
    chmod("file", 0700);
    show("execute", access("file", X_OK));
    show("effective", faccessat(AT_FDCWD, "file", R_OK | W_OK, AT_EACCESS));
    show("exclusive", open("file", O_CREAT | O_EXCL | O_RDWR, 0600));
    show("write", write(fd, "contents", 8));
    int truncated = open("file", O_WRONLY | O_TRUNC);
    show("truncated", lseek(truncated, 0, SEEK_END));
    show("no such", open("nothing", O_RDONLY));
    show("no such directory", open("nothing/x", O_CREAT | O_RDWR, 0600));
    show("bad access mode", open("file", O_RDONLY | O_DIRECTORY));
    show("empty name", open("", O_RDONLY));
    show("bad address", open((char *)8, O_RDONLY));
    show("creat", creat("new", 0604) > 0);
    printf("%o\n", mode_of("new"));
    int hidden = open(".", O_TMPFILE | O_RDWR, 0600);
    if (hidden >= 0) {
        struct stat st;
        fstat(hidden, &st);
        printf("unnamed %ld\n", (long)st.st_nlink);
    } else
        puts("unnamed 0"); /* not every file system has it */
    show("chown to myself", chown("file", geteuid(), getegid()));
    show("chown nothing", lchown("file", (uid_t)-1, (gid_t)-1));
    show("chown missing", chown("nothing", geteuid(), getegid()));
    struct stat st;
    show("fchown", fchown(fd, (uid_t)-1, getegid()));
    fstat(fd, &st);
    printf("%d %d\n", st.st_uid == geteuid(), st.st_gid == getegid());
    return 0;
}
