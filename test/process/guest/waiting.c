/* waiting.c - calls that wait for another thread of the same process: closing a socket that lingers, a lease that is to
 * be given up, and every call on a file of a file system that the process serves itself (FUSE, where it may mount it).
 * Whoever holds a lock meanwhile that the other thread needs waits for ever; after some time that is ended. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

enum { PATIENCE = 25, BUFFER = 128 << 10, PAGE = 4096 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void soon(void) {
    usleep(50000);
}

static void *start(pthread_t *thread, void *(*run)(void *), void *arg) {
    CHECK_IS(pthread_create(thread, NULL, run, arg), 0);
    return NULL;
}

/* ---- a socket that lingers: it is closed when the other side has read */

static void *reader(void *arg) {
    static char bytes[1 << 16];
    int s = *(int *)arg;
    soon();
    while (read(s, bytes, sizeof bytes) > 0) continue;
    return NULL;
}

static void linger(int how) {
    static char bytes[1 << 16];
    const struct linger wait = {1, PATIENCE};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof a;
    pthread_t thread;
    int listener = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_IS(bind(listener, (void *)&a, size), 0);
    CHECK_IS(getsockname(listener, (void *)&a, &size), 0);
    CHECK_IS(listen(listener, 1), 0);
    CHECK_IS(connect(s, (void *)&a, size), 0);
    int other = accept(listener, NULL, NULL);
    CHECK(other >= 0);
    while (send(s, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
    CHECK_IS(setsockopt(s, SOL_SOCKET, SO_LINGER, &wait, sizeof wait), 0);
    start(&thread, reader, &other);
    double began = now();
    if (how == 0) CHECK_IS(close(s), 0);
    if (how == 1) CHECK_IS(dup2(listener, s), s);
    if (how == 2) CHECK_IS(syscall(SYS_close_range, s, s, 0), 0);
    CHECK(now() - began < PATIENCE / 5);
    pthread_join(thread, NULL);
    close(other);
    close(listener);
    if (how == 1) close(s);
}

/* ---- a lease: who truncates or opens the file waits until it is given up */

static void *unlease(void *arg) {
    soon();
    CHECK_IS(fcntl(*(int *)arg, F_SETLEASE, F_UNLCK), 0);
    return NULL;
}

static void lease(void) {
    pthread_t thread;
    signal(SIGIO, SIG_IGN);
    for (int how = 0; how < 2; how++) {
        int fd = open("leased", O_RDWR | O_CREAT, 0600);
        if (fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
            printf("no leases here\n");
            close(fd);
            return;
        }
        start(&thread, unlease, &fd);
        if (how == 0) CHECK_IS(truncate("leased", 5), 0);
        if (how == 1) CHECK_IS(close(open("leased", O_RDWR)), 0);
        pthread_join(thread, NULL);
        close(fd);
    }
    unlink("leased");
}

/* ---- a file system that the process serves itself: every name is a file, but for `dir`, `link`, and those with `new`
 */

static int device;
static volatile unsigned asked;       /* requests that wait for an answer */
static volatile unsigned opcodes[64]; /* of each kind */

static uint64_t node_of(const char *name) {
    return !strcmp(name, "dir") ? 2 : !strcmp(name, "link") ? 3 : 4;
}

static struct fuse_attr attributes(uint64_t node) {
    mode_t type = node <= 2 ? S_IFDIR | 0755 : node == 3 ? S_IFLNK | 0777 : S_IFREG | 0755;
    return (struct fuse_attr){.ino = node, .size = PAGE, .mode = type, .nlink = 1, .blksize = PAGE};
}

static void answer(const struct fuse_in_header *in, int error, const void *bytes, size_t size) {
    struct fuse_out_header out = {.unique = in->unique, .error = -error, .len = (uint32_t)(sizeof out + size)};
    struct iovec v[2] = {{&out, sizeof out}, {(void *)bytes, size}};
    ssize_t r = writev(device, v, size ? 2 : 1);
    CHECK(r == (ssize_t)out.len || (r < 0 && errno == ENOENT)); /* it may have been interrupted */
}

static void answer_entry(const struct fuse_in_header *in, uint64_t node) {
    struct fuse_entry_out e = {.nodeid = node, .attr = attributes(node)};
    answer(in, 0, &e, sizeof e);
}

static void serve(const struct fuse_in_header *in) {
    const char *body = (const char *)(in + 1);
    static char zeros[BUFFER];
    struct {
        struct fuse_entry_out e;
        struct fuse_open_out o;
    } created = {.e = {.nodeid = 5, .attr = attributes(5)}, .o = {.fh = 7}};
    switch (in->opcode) {
    case FUSE_INIT: {
        const struct fuse_init_in *i = (const void *)body;
        struct fuse_init_out o = {.major = 7,
                                  .minor = 31,
                                  .max_readahead = i->max_readahead,
                                  .flags = FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC,
                                  .max_background = 4,
                                  .congestion_threshold = 3,
                                  .max_write = PAGE * 4,
                                  .time_gran = 1};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_LOOKUP:
        if (strstr(body, "new"))
            answer(in, ENOENT, NULL, 0);
        else
            answer_entry(in, node_of(body));
        return;
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
        struct fuse_attr_out o = {.attr = attributes(in->nodeid)};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_READLINK: answer(in, 0, "file", 4); return;
    case FUSE_OPEN:
    case FUSE_OPENDIR: answer(in, 0, &created.o, sizeof created.o); return;
    case FUSE_CREATE: answer(in, 0, &created, sizeof created); return;
    case FUSE_MKNOD:
        created.e.attr.mode = ((const struct fuse_mknod_in *)(const void *)body)->mode;
        answer(in, 0, &created.e, sizeof created.e);
        return;
    case FUSE_LINK: answer_entry(in, 5); return;
    case FUSE_MKDIR: answer_entry(in, 2); return;
    case FUSE_SYMLINK: answer_entry(in, 3); return;
    case FUSE_READ: answer(in, 0, zeros, PAGE); return;
    case FUSE_READDIR: answer(in, 0, NULL, 0); return;
    case FUSE_WRITE: {
        struct fuse_write_out o = {.size = ((const struct fuse_write_in *)(const void *)body)->size};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_COPY_FILE_RANGE: {
        struct fuse_write_out o = {.size = (uint32_t)((const struct fuse_copy_file_range_in *)(const void *)body)->len};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_STATFS: {
        struct fuse_statfs_out o = {.st = {.bsize = PAGE, .namelen = 255, .frsize = PAGE}};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR: {
        struct fuse_getxattr_out o = {.size = 2};
        if (((const struct fuse_getxattr_in *)(const void *)body)->size)
            answer(in, 0, "x", 2);
        else
            answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_LSEEK: {
        struct fuse_lseek_out o = {.offset = 0};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_GETLK: {
        struct fuse_lk_out o = {.lk = {.type = F_UNLCK}};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_POLL: {
        struct fuse_poll_out o = {.revents = POLLIN};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_IOCTL: {
        struct {
            struct fuse_ioctl_out o;
            uint32_t flags;
        } o = {.flags = 0};
        answer(in, 0, &o, sizeof o);
        return;
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_ACCESS:
    case FUSE_FALLOCATE:
    case FUSE_SETLK:
    case FUSE_SETLKW: answer(in, 0, NULL, 0); return; /* it is done */
    default: answer(in, ENOSYS, NULL, 0); return;     /* newer requests: the kernel asks by older ones */
    }
}

static void *server(void *arg) {
    _Alignas(8) static char buffer[BUFFER];
    const struct fuse_in_header *in = (const void *)buffer;
    for (;;) {
        ssize_t n = read(device, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (n < (ssize_t)sizeof *in) return arg;
        if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET || in->opcode == FUSE_INTERRUPT) continue;
        if (in->opcode < 64) opcodes[in->opcode]++;
        __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);
        serve(in);
    }
}

/* The call asks the server, with that result. */
#define ASKS(e, expected)                                                                                              \
    do {                                                                                                               \
        unsigned asked_before = asked;                                                                                 \
        CHECK_IS(e, expected);                                                                                         \
        if (asked == asked_before) printf("%s:%d: %s asked nobody\n", __FILE__, __LINE__, #e), checks_failed++;        \
    } while (0)
#define AT(name) "mount/" name

static void files(void) {
    static char bytes[PAGE];
    struct stat st;
    struct statx stx;
    struct statfs fs;
    ASKS(stat(AT("file"), &st), 0);
    ASKS(lstat(AT("link"), &st), 0);
    ASKS(syscall(SYS_statx, AT_FDCWD, AT("file"), AT_STATX_FORCE_SYNC, STATX_ALL, &stx), 0);
    ASKS(statfs(AT("file"), &fs), 0);
    ASKS(access(AT("file"), R_OK), 0);
    ASKS(readlink(AT("link"), bytes, sizeof bytes), 4);
    ASKS(readlink(AT("file/exe"), bytes, sizeof bytes), -1);
    ASKS(mkdir(AT("newdir"), 0755), 0);
    ASKS(mknod(AT("newnode"), S_IFREG | 0600, 0), 0);
    ASKS(symlink("file", AT("newlink")), 0);
    ASKS(link(AT("file"), AT("newname")), 0);
    ASKS(unlink(AT("file")), 0);
    ASKS(rmdir(AT("dir")), 0);
    ASKS(rename(AT("file"), AT("newfile")), 0);
    ASKS(chmod(AT("file"), 0755), 0);
    ASKS(chown(AT("file"), (uid_t)-1, (gid_t)-1), 0);
    ASKS(utimensat(AT_FDCWD, AT("file"), NULL, 0), 0);
    ASKS(truncate(AT("file"), PAGE), 0);
    ASKS(setxattr(AT("file"), "user.x", "x", 1, 0), 0);
    ASKS(getxattr(AT("file"), "user.y", bytes, sizeof bytes), 2);
    ASKS(listxattr(AT("file"), bytes, sizeof bytes), 2);
    ASKS(removexattr(AT("file"), "user.x"), 0);
    ASKS(execl(AT("file"), "x", (char *)NULL), -1);
    int fd = -1, other = -1;
    ASKS((fd = open(AT("file"), O_RDWR)) >= 0, 1);
    ASKS((other = open(AT("new"), O_RDWR | O_CREAT, 0600)) >= 0, 1);
    ASKS(fstat(fd, &st), 0);
    ASKS(syscall(SYS_fstat, fd, &st), 0);
    ASKS(fstatfs(fd, &fs), 0);
    ASKS(read(fd, bytes, 16), 16);
    ASKS(write(fd, bytes, 16), 16);
    ASKS(fsync(fd), 0);
    ASKS(fdatasync(fd), 0);
    ASKS(ftruncate(fd, PAGE), 0);
    ASKS(fallocate(fd, 0, 0, PAGE), 0);
    ASKS(lseek(fd, 0, SEEK_DATA), 0);
    ASKS(fchmod(fd, 0755), 0);
    ASKS(futimens(fd, NULL), 0);
    ASKS(fgetxattr(fd, "user.y", bytes, sizeof bytes), 2);
    ASKS(copy_file_range(fd, NULL, other, NULL, 16, 0) == 16, 1);
    struct flock lock = {.l_type = F_WRLCK};
    ASKS(fcntl(fd, F_SETLKW, &lock), 0);
    ASKS(flock(fd, LOCK_UN) == 0 && flock(fd, LOCK_EX) == 0, 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ASKS(poll(&p, 1, 0), 1);
    int queue = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    ASKS(epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event), 0);
    close(queue);
    CHECK_IS(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ASKS(syscall(SYS_readahead, fd, 0, PAGE) == 0 && read(fd, bytes, 1) == 1, 1);
    ASKS(syncfs(fd) == 0 && fsync(fd) == 0, 1);
    int watches = inotify_init();
    ASKS(inotify_add_watch(watches, AT("file"), IN_OPEN) > 0, 1);
    close(watches);
    char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    map[5] = 1;
    ASKS(msync(map, PAGE, MS_SYNC), 0);
    ASKS(madvise(map, PAGE, MADV_DONTNEED) == 0 && fsync(fd) == 0, 1);
    CHECK_IS(munmap(map, PAGE), 0);
    map = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0); /* asks whether it may */
    CHECK(map != MAP_FAILED && munmap(map, PAGE) == 0);
    ASKS(dup2(0, fd), fd); /* which flushes the file that was there */
    ASKS(close(other), 0);
    close(fd);
    other = open(AT("file"), O_RDWR);
    ASKS(syscall(SYS_close_range, other, other, 0), 0);
    DIR *d = NULL;
    ASKS((d = opendir(AT("dir"))) != NULL, 1);
    if (!d) return;
    ASKS(readdir(d) == NULL, 1);
    ASKS(fsync(dirfd(d)), 0);
    ASKS(fchdir(dirfd(d)) == 0 && stat("file", &st) == 0 && chdir("../..") == 0, 1);
    closedir(d);
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = AT("newsocket")};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    ASKS(bind(s, (void *)&a, sizeof a), 0);
    close(s);
    strcpy(a.sun_path, AT("file"));
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    ASKS(connect(s, (void *)&a, sizeof a), -1);
    close(s);
    int flags;
    fd = open(AT("file"), O_RDONLY);
    ASKS(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
    close(fd);
    _Alignas(8) char handle[128] = {0};
    int id;
    *(unsigned *)(void *)handle = 64;
    ASKS(syscall(SYS_name_to_handle_at, AT_FDCWD, AT("file"), handle, &id, 0) != -5, 1);
}

/* In a process of its own, with mounts of its own. */
static void served(void) {
    char options[80];
    pthread_t thread;
    if (geteuid() ? unshare(CLONE_NEWUSER | CLONE_NEWNS) : unshare(CLONE_NEWNS)) _exit(77);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mkdir("mount", 0755);
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device, geteuid(), getegid());
    if (device < 0 || mount("waiting", "mount", "fuse", MS_NODEV | MS_NOSUID, options)) _exit(77);
    /* Who waits for a server that hangs cannot even be killed, but by ending the file system. */
    pid_t process = getpid(), watch = fork();
    if (watch == 0) {
        close(device);
        sleep(PATIENCE);
        umount2("mount", MNT_FORCE | MNT_DETACH);
        kill(process, SIGKILL);
        _exit(0);
    }
    start(&thread, server, NULL);
    files();
    CHECK_IS(kill(watch, SIGKILL), 0);
    CHECK_IS(waitpid(watch, NULL, 0), watch);
    for (unsigned i = 0; i < 64; i++)
        if (opcodes[i] == 0 && (i == FUSE_FLUSH || i == FUSE_POLL || i == FUSE_SETLKW || i == FUSE_FALLOCATE))
            printf("no request %u\n", i), checks_failed++;
    umount2("mount", MNT_DETACH);
}

int main(void) {
    int status = child_status(served);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        printf("no file system can be mounted here\n");
    else
        CHECK_IS(status, 0);
    rmdir("mount");
    alarm(PATIENCE);
    lease();
    for (int how = 0; how < 3; how++) linger(how);
    return done();
}
