/* root.c - a program in a root of its own (--root), which tries to get out: by `..`, links, links of procfs,
 * descriptors, sockets and renames at the wrong moment. There is a file `marker` in the root that says `inside`, and
 * one next to the root's directory, whose path is the second argument, that does not. The first argument is what to
 * try. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int failed;
static const char *outside; /* the host's path of what is not to be reached */

#define CHECK(e)        ((e) ? (void)0 : (void)(printf("line %d: %s (errno %d)\n", __LINE__, #e, errno), failed = 1))
#define FAILS(e, error) CHECK((errno = 0, (e) < 0) && errno == (error))

static int privileged(void) {
    return geteuid() == 0;
}

static const char *says_at(int folder, const char *path) {
    static char text[64];
    int fd = openat(folder, path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n < 0 ? 0 : n] = 0;
    text[strcspn(text, "\n")] = 0;
    return n < 0 ? "-" : text;
}

static int is_inside(const char *path) {
    return !strcmp(says_at(AT_FDCWD, path), "inside");
}

static void make(const char *path, const char *text) {
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static int link_is(const char *path, const char *want) {
    char text[4096] = "";
    ssize_t n = readlink(path, text, sizeof text - 1);
    if (n >= 0 && !strcmp(text, want)) return 1;
    printf("%s -> %s, not %s\n", path, n < 0 ? "nothing" : text, want);
    return 0;
}

static int cwd_is(const char *want) {
    char text[4096];
    return getcwd(text, sizeof text) && !strcmp(text, want) ? 1 : (printf("in %s, not %s\n", text, want), 0);
}

static void names(void) {
    char path[4200], long_name[300];
    struct stat a, b;
    CHECK(cwd_is("/"));
    CHECK(is_inside("/marker") && is_inside("marker") && is_inside("./marker") && is_inside("//marker"));
    CHECK(is_inside("/../marker") && is_inside("../../../../marker") && is_inside("/.././../marker"));
    CHECK(mkdir("a", 0755) == 0 && mkdir("/a/b", 0755) == 0 && mkdir("a/b/c/", 0755) == 0);
    CHECK(is_inside("a/b/c/../../../../../../marker"));
    snprintf(path, sizeof path, "%s", outside);
    FAILS(open(path, O_RDONLY), ENOENT);
    CHECK(symlink("/marker", "a/absolute") == 0 && is_inside("/a/absolute") && is_inside("a/absolute"));
    CHECK(symlink("../../../../../marker", "a/upwards") == 0 && is_inside("a/upwards"));
    CHECK(symlink(outside, "a/outside") == 0);
    FAILS(open("a/outside", O_RDONLY), ENOENT);
    CHECK(symlink("/", "a/top") == 0 && is_inside("a/top/marker") && is_inside("a/top/a/top/../marker"));
    CHECK(link_is("a/upwards", "../../../../../marker") && link_is("/a/outside", outside));
    CHECK(symlink("round", "round") == 0);
    FAILS(open("round", O_RDONLY), ELOOP);
    FAILS(open("round/x", O_RDONLY), ELOOP);
    CHECK(open("round", O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
    CHECK(lstat("round", &a) == 0 && S_ISLNK(a.st_mode));
    FAILS(stat("marker/", &a), ENOTDIR);
    FAILS(stat("marker/x", &a), ENOTDIR);
    FAILS(stat("", &a), ENOENT);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    FAILS(open(long_name, O_RDONLY), ENAMETOOLONG);
    CHECK(stat("/", &a) == 0 && stat("/a/..", &b) == 0 && a.st_ino == b.st_ino);
    CHECK(stat("/..", &b) == 0 && a.st_ino == b.st_ino);
    CHECK(lstat("/", &b) == 0 && a.st_ino == b.st_ino && lstat("a/..", &b) == 0 && a.st_ino == b.st_ino);
    CHECK(lstat(".", &b) == 0 && a.st_ino == b.st_ino && lstat("a/.", &b) == 0 && S_ISDIR(b.st_mode));
    CHECK(stat("/proc", &a) == 0 && stat("/a/../proc", &b) == 0 && a.st_dev == b.st_dev && a.st_dev != 0);
    CHECK(access("/dev/null", W_OK) == 0 && access("dev/null", W_OK) == 0 && access("/a/top/dev/null", W_OK) == 0);
    CHECK(is_inside("/dev/../marker") && is_inside("/proc/self/../../marker"));
}

static void makes(void) {
    struct stat st;
    CHECK(symlink("/made", "dangling") == 0 && symlink("../../../made2", "a/dangling") == 0);
    make("dangling", "inside");
    make("a/dangling", "inside");
    CHECK(is_inside("/made") && is_inside("/made2"));
    CHECK(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644) < 0 && errno == EEXIST);
    CHECK(symlink("/nowhere", "dangling3") == 0);
    CHECK(open("dangling3", O_CREAT | O_EXCL | O_WRONLY, 0644) < 0 && errno == EEXIST);
    FAILS(mkdir("dangling3", 0755), EEXIST);
    CHECK(rename("made", "a/moved") == 0 && is_inside("/a/moved") && link("/a/moved", "linked") == 0);
    CHECK(stat("linked", &st) == 0 && st.st_nlink == 2);
    CHECK(linkat(AT_FDCWD, "a/absolute", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW) == 0);
    CHECK(lstat("followed", &st) == 0 && S_ISREG(st.st_mode) && unlink("followed") == 0);
    CHECK(linkat(AT_FDCWD, "a/absolute", AT_FDCWD, "copied", 0) == 0);
    CHECK(lstat("copied", &st) == 0 && S_ISLNK(st.st_mode) && unlink("copied") == 0);
    CHECK(unlink("linked") == 0 && unlink("a/moved") == 0);
    CHECK(mkdir("new/", 0755) == 0 && rmdir("new/") == 0);
    CHECK(rmdir("a/top/") < 0);
    CHECK(mkfifo("fifo", 0600) == 0 && unlink("/fifo") == 0);
    CHECK(chmod("a/absolute", 0640) == 0 && stat("marker", &st) == 0 && (st.st_mode & 0777) == 0640);
    CHECK(truncate("made2", 3) == 0 && stat("/made2", &st) == 0 && st.st_size == 3 && unlink("made2") == 0);
    CHECK(utimensat(AT_FDCWD, "dangling3", NULL, AT_SYMLINK_NOFOLLOW) == 0);
    unlink("dangling"), unlink("dangling3"), unlink("a/dangling");
    int fd = inotify_init1(0);
    CHECK(inotify_add_watch(fd, "/a", IN_CREATE) > 0);
    close(fd);
    FAILS(open("new", O_RDONLY | O_CREAT | O_DIRECTORY, 0644) < 0 ? -1 : (unlink("new"), errno = EINVAL, -1), EINVAL);
    FAILS(open("missing/new", O_RDONLY | O_CREAT, 0644), ENOENT);
}

static void folders(void) {
    int top = open("/", O_RDONLY | O_DIRECTORY), b = open("/a/b", O_PATH);
    struct {
        unsigned long long flags, mode, resolve;
    } how = {O_RDONLY, 0, 0};
    CHECK(!strcmp(says_at(b, "../../marker"), "inside") && !strcmp(says_at(b, "../../../../marker"), "inside"));
    CHECK(!strcmp(says_at(top, "../marker"), "inside") && !strcmp(says_at(top, "proc/self/../../marker"), "inside"));
    CHECK(chdir("/a/b") == 0 && cwd_is("/a/b") && is_inside("../../marker") && is_inside("../../../../marker"));
    CHECK(link_is("/proc/self/cwd", "/a/b"));
    CHECK(fchdir(top) == 0 && cwd_is("/") && chdir("a/top/a") == 0 && cwd_is("/a") && chdir("..") == 0 && cwd_is("/"));
    CHECK(chdir("..") == 0 && cwd_is("/"));
    int fd = (int)syscall(SYS_openat2, b, "../../../marker", &how, sizeof how);
    CHECK(fd >= 0);
    close(fd);
    how.resolve = 8; /* RESOLVE_BENEATH */
    FAILS(syscall(SYS_openat2, top, "../marker", &how, sizeof how), EXDEV);
    FAILS(syscall(SYS_openat2, AT_FDCWD, "/marker", &how, sizeof how), EXDEV);
    how.resolve = 16; /* RESOLVE_IN_ROOT */
    FAILS(syscall(SYS_openat2, b, "/marker", &how, sizeof how), ENOENT);
    how.resolve = 4; /* RESOLVE_NO_SYMLINKS */
    FAILS(syscall(SYS_openat2, AT_FDCWD, "/a/top/marker", &how, sizeof how), ELOOP);
    FAILS(syscall(SYS_openat2, AT_FDCWD, "/a/absolute", &how, sizeof how), ELOOP);
    fd = (int)syscall(SYS_openat2, AT_FDCWD, "/marker", &how, sizeof how);
    CHECK(fd >= 0);
    close(fd);
    close(top);
    close(b);
}

static void by_procfs(void) {
    char path[4200], line[8192];
    int top = open("/", O_PATH), file = open("/marker", O_RDONLY);
    CHECK(is_inside("/proc/self/root/marker") && is_inside("/proc/self/cwd/marker"));
    snprintf(path, sizeof path, "/proc/self/fd/%d/marker", top);
    CHECK(is_inside(path));
    snprintf(path, sizeof path, "/proc/self/fd/%d/../marker", top);
    CHECK(is_inside(path));
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    CHECK(is_inside(path) && link_is(path, "/marker"));
    snprintf(path, sizeof path, "/dev/fd/%d", file);
    CHECK(is_inside(path));
    snprintf(path, sizeof path, "/proc/%d/cwd/marker", (int)getppid()); /* the host's shell */
    CHECK(!strcmp(says_at(AT_FDCWD, path), "-"));
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)getppid());
    CHECK(open(path, O_RDONLY) < 0 && open(path, O_PATH) < 0 && chdir(path) < 0);
    snprintf(path, sizeof path, "/proc/%d/exe", (int)getppid());
    CHECK(open(path, O_RDONLY) < 0 && open(path, O_PATH) < 0);
    snprintf(path, sizeof path, "/proc/self/root%s", outside);
    FAILS(open(path, O_RDONLY), ENOENT);
    for (int fd = 3; fd < 1100; fd++) { /* vee's own among them */
        snprintf(path, sizeof path, "/proc/self/fd/%d/../marker", fd);
        const char *says = says_at(AT_FDCWD, path);
        CHECK(!strcmp(says, "-") || !strcmp(says, "inside"));
        snprintf(path, sizeof path, "/proc/self/fd/%d%s", fd, outside);
        CHECK(!strcmp(says_at(AT_FDCWD, path), "-"));
    }
    CHECK(link_is("/proc/self/root", "/") && link_is("/proc/self/exe", "/bin/program"));
    FILE *f = fopen("/proc/self/maps", "r");
    int named = 0;
    while (f && fgets(line, sizeof line, f)) {
        CHECK(!strstr(line, "/system/"));
        named |= strstr(line, " /bin/program\n") != NULL;
    }
    CHECK(named);
    fclose(f);
    close(top);
    close(file);
}

static void sockets(const char *path) {
    struct sockaddr_un a = {.sun_family = AF_UNIX}, b;
    socklen_t size = sizeof b;
    char byte;
    strcpy(a.sun_path, path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(server, (void *)&a, sizeof a) == 0 && listen(server, 1) == 0);
    CHECK(getsockname(server, (void *)&b, &size) == 0 && !strcmp(b.sun_path, path));
    CHECK(connect(client, (void *)&a, sizeof a) == 0);
    size = sizeof b;
    CHECK(getpeername(client, (void *)&b, &size) == 0 && !strcmp(b.sun_path, path));
    FAILS(bind(client, (void *)&a, sizeof a), EADDRINUSE);
    close(server);
    close(client);
    CHECK(unlink(path) == 0);
    int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK(bind(one, (void *)&a, sizeof a) == 0);
    struct sockaddr_un c = {.sun_family = AF_UNIX, .sun_path = "/a/sender"};
    CHECK(bind(two, (void *)&c, sizeof c) == 0 && sendto(two, "x", 1, 0, (void *)&a, sizeof a) == 1);
    size = sizeof b;
    memset(&b, 0, sizeof b);
    CHECK(recvfrom(one, &byte, 1, 0, (void *)&b, &size) == 1 && !strcmp(b.sun_path, "/a/sender"));
    CHECK(sendto(one, "y", 1, 0, (void *)&b, size) == 1 && recv(two, &byte, 1, 0) == 1 && byte == 'y');
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1};
    CHECK(sendmsg(two, &m, 0) == 1);
    m.msg_name = &b;
    m.msg_namelen = sizeof b;
    CHECK(recvmsg(one, &m, 0) == 1 && !strcmp(b.sun_path, "/a/sender"));
    close(one);
    close(two);
    CHECK(unlink(path) == 0 && unlink("/a/sender") == 0);
}

static int runs(const char *path, const char *what) {
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execl(path, path, what, "x", (char *)NULL);
        _exit(errno);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void programs(void) {
    int fd = open("/a/script", O_CREAT | O_WRONLY, 0755);
    CHECK(write(fd, "#!/bin/program script\n", 22) == 22);
    close(fd);
    CHECK(runs("/bin/program", "ok") == 77 && runs("bin/program", "ok") == 77 &&
          runs("/a/top/bin/program", "ok") == 77);
    CHECK(runs("/a/script", "") == 78 && runs("/proc/self/exe", "ok") == 77);
    CHECK(runs("/bin/true", "") == ENOENT); /* the host has it */
    CHECK(runs(outside, "") == ENOENT);
    unlink("/a/script");
}

/* What another process has mapped is named as this one would name it, whatever is the other's root. */
static void maps_of(pid_t pid) {
    char path[40], line[5000];
    int named = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        CHECK(!strstr(line, "/system/"));
        named |= strstr(line, " /bin/program\n") != NULL;
    }
    CHECK(f && named);
    if (f) fclose(f);
}

static void jails(void) {
    int status, jailed[2], seen[2];
    char byte;
    CHECK(pipe(jailed) == 0 && pipe(seen) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        failed = 0;
        close(jailed[0]);
        close(seen[1]);
        if (!privileged()) {
            FAILS(chroot("/a"), EPERM);
            _exit(failed);
        }
        make("/a/marker", "in the jail");
        int before = open("/", O_PATH);
        CHECK(chroot("/a/top/a") == 0);
        CHECK(write(jailed[1], "", 1) == 1 && read(seen[0], &byte, 1) == 0);
        CHECK(!strcmp(says_at(AT_FDCWD, "/marker"), "in the jail"));
        CHECK(!strcmp(says_at(AT_FDCWD, "/../marker"), "in the jail"));
        CHECK(chdir("/") == 0 && cwd_is("/"));
        CHECK(!strcmp(says_at(AT_FDCWD, "../../marker"), "in the jail"));
        CHECK(is_inside("/top/marker") == 0 && access("/bin/program", F_OK) < 0);
        CHECK(!strcmp(says_at(before, "marker"), "inside")); /* as ever */
        CHECK(mkdir("bin", 0755) == 0 && linkat(before, "bin/program", AT_FDCWD, "/bin/program", 0) == 0);
        CHECK(runs("/bin/program", "jailed") == 79);
        CHECK(unlink("/bin/program") == 0 && rmdir("/bin") == 0 && unlink("/marker") == 0);
        fflush(stdout);
        _exit(failed);
    }
    close(jailed[1]);
    if (read(jailed[0], &byte, 1) == 1) maps_of(pid);
    close(jailed[0]);
    close(seen[0]);
    close(seen[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(is_inside("/marker"));
}

static void mounts(bool by_clone) {
    int status;
    fflush(stdout);
    pid_t pid = by_clone ? (pid_t)syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0) : fork();
    if (pid < 0) return; /* not allowed here */
    if (pid == 0) {
        failed = 0;
        if (!by_clone && unshare(CLONE_NEWNS)) _exit(0);
        CHECK(is_inside("/marker"));
        CHECK(mkdir("m", 0755) == 0);
        if (mount("none", "/m", "tmpfs", 0, NULL) == 0) {
            make("/m/file", "mounted");
            CHECK(!strcmp(says_at(AT_FDCWD, "m/file"), "mounted") && is_inside("/m/../marker"));
            CHECK(umount2("/m", 0) == 0 && access("/m/file", F_OK) < 0);
            CHECK(mount("/a", "m", NULL, MS_BIND, NULL) == 0 && is_inside("m/absolute") && umount("/m") == 0);
        }
        CHECK(rmdir("/m") == 0);
        FAILS(syscall(SYS_pivot_root, "/a", "/a"), EINVAL);
        fflush(stdout);
        _exit(failed);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static double now(void) {
    struct timeval t;
    gettimeofday(&t, NULL);
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Somebody else changes names all the time: between a folder and a link to where the host's marker is. */
static void race(double seconds) {
    char folder[4096];
    strcpy(folder, outside);
    *strrchr(folder, '/') = 0;
    CHECK(mkdir("/race", 0755) == 0 && mkdir("/race/it", 0755) == 0 && symlink(folder, "/race/link") == 0);
    make("/race/it/marker", "inside");
    CHECK(mkdir("/race/deep", 0755) == 0 && mkdir("/race/deep/er", 0755) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        for (;;) {
            for (int i = 0; i < 8; i++)
                syscall(SYS_renameat2, AT_FDCWD, "/race/it", AT_FDCWD, "/race/link", 2 /* RENAME_EXCHANGE */);
            for (int i = 0; i < 8; i++) symlink(outside, "/race/new"), unlink("/race/new");
            rename("/race/deep/er", "/race/er"), rename("/race/er", "/race/deep/er");
        }
    unsigned tries = 0, got = 0;
    for (double end = now() + seconds; now() < end; tries++) {
        const char *says = says_at(AT_FDCWD, "/race/it/marker");
        got += !strcmp(says, "inside");
        CHECK(!strcmp(says, "inside") || !strcmp(says, "-"));
        says = says_at(AT_FDCWD, "/race/deep/er/../../../marker");
        CHECK(!strcmp(says, "inside") || !strcmp(says, "-"));
        for (int i = 0; i < 8; i++) {
            says = says_at(AT_FDCWD, "/a/top/race/it/marker"); /* not found at once */
            CHECK(!strcmp(says, "inside") || !strcmp(says, "-"));
            int fd = open("/race/new", O_CREAT | O_WRONLY, 0644);
            if (fd >= 0 && write(fd, "written", 7) != 7) failed = 1;
            close(fd);
            unlink("/race/new");
        }
        struct stat st;
        CHECK(stat("/race/it/marker", &st) < 0 || st.st_size == 6);
        truncate("/race/it/marker", 6);
        mkdir("/race/it/made", 0755);
        rmdir("/race/it/made");
        if (failed) break;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK(tries > 10);
    (void)got;
}

/* ---- with -L: the root has /etc/only, and the host has /etc/passwd, which the root has not */

static int lists(const char *folder, const char *name) {
    DIR *d = opendir(folder);
    int found = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) found |= !strcmp(e->d_name, name);
    if (d) closedir(d);
    return found;
}

static void beside(const char *here) {
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/etc/vee-test-socket"}, b;
    socklen_t size = sizeof b;
    struct stat st;
    char path[4200];
    CHECK(cwd_is(here));
    CHECK(!strcmp(says_at(AT_FDCWD, "/etc/only"), "in the root") && access("/etc/passwd", R_OK) == 0);
    CHECK(!strcmp(says_at(AT_FDCWD, "/etc/absolute"), "in the root"));
    CHECK(lists("/etc", "only") && !lists("/etc", "passwd"));
    CHECK(lstat("/etc/absolute", &st) == 0 && S_ISLNK(st.st_mode) && link_is("/etc/absolute", "/etc/only"));
    make("/etc/vee-test", "made");
    CHECK(lists("/etc", "vee-test") && !strcmp(says_at(AT_FDCWD, "/etc/vee-test"), "made"));
    CHECK(access("system/etc/vee-test", F_OK) == 0);
    int etc = open("/etc", O_RDONLY | O_DIRECTORY), top = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(!strcmp(says_at(etc, "vee-test"), "made") && !strcmp(says_at(top, "etc/vee-test"), "made"));
    CHECK(!strcmp(says_at(etc, "../etc/vee-test"), "made"));
    CHECK(chdir("/etc") == 0 && cwd_is("/etc") && link_is("/proc/self/cwd", "/etc"));
    CHECK(!strcmp(says_at(AT_FDCWD, "vee-test"), "made") && !strcmp(says_at(AT_FDCWD, "../etc/only"), "in the root"));
    make("vee-test-2", "made");
    CHECK(!strcmp(says_at(AT_FDCWD, "/etc/vee-test-2"), "made") && rename("vee-test-2", "/etc/vee-test") == 0);
    CHECK(chdir("..") == 0 && cwd_is("/") && !strcmp(says_at(AT_FDCWD, "etc/vee-test"), "made"));
    CHECK(lists("/", "proc") && lists(".", "tmp") && stat("/", &st) == 0 && chdir("/") == 0 && cwd_is("/"));
    CHECK(mkdir("/etc/vee-test-d", 0755) == 0 && rmdir("etc/vee-test-d/") == 0 && unlink("/etc/vee-test") == 0);
    CHECK(chdir(here) == 0 && cwd_is(here));
    CHECK(access("system/etc/vee-test", F_OK) < 0);
    snprintf(path, sizeof path, "/tmp/vee-test-%d", (int)getpid());
    make(path, "made");
    CHECK(lists("/tmp", path + 5) && unlink(path) == 0);
    make("own", "made"); /* the root has the directory of this name, too */
    snprintf(path, sizeof path, "%s/own", here);
    CHECK(!strcmp(says_at(AT_FDCWD, path), "made") && lists(here, "own") && unlink(path) == 0);
    int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(s, (void *)&a, sizeof a) == 0 && listen(s, 1) == 0 && connect(t, (void *)&a, sizeof a) == 0);
    CHECK(getsockname(s, (void *)&b, &size) == 0 && !strcmp(b.sun_path, a.sun_path));
    CHECK(unlink(a.sun_path) == 0);
    CHECK(runs("/bin/program", "ok") == 77 && link_is("/proc/self/exe", "/bin/program"));
    if (unshare(CLONE_NEWNS) == 0) {
        CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        CHECK(!strcmp(says_at(AT_FDCWD, "/etc/only"), "in the root") && access("/etc/passwd", R_OK) == 0);
    }
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "ok")) return 77;
    if (!strcmp(what, "script")) return 78;
    if (!strcmp(what, "jailed"))
        return cwd_is("/") && !strcmp(says_at(AT_FDCWD, "/../marker"), "in the jail") ? 79 : 80;
    outside = argv[2];
    if (!strcmp(what, "all")) {
        names();
        makes();
        folders();
        by_procfs();
        sockets("/a/socket");
        sockets("/a/b/c/a-name-that-is-so-long-that-with-its-directory-on-the-host-it-fits-no-address");
        programs();
        jails();
        mounts(false);
        mounts(true);
        race(argc > 3 ? atof(argv[3]) : 0.5);
    }
    if (!strcmp(what, "beside")) beside(argv[2]);
    fflush(stdout);
    return failed;
}
