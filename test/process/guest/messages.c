/* messages.c - calls whose structs are laid out differently or hold pointers: vectors, messages, events, status. */
#include "check.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <time.h>

static void vectors(void) {
    int fds[2];
    char a[4] = "", b[4] = "", c[8] = "";
    CHECK_IS(pipe(fds), 0);
    struct iovec out[3] = {{"abc", 3}, {"", 0}, {"defgh", 5}}, in[3] = {{a, 2}, {b, 3}, {c, 7}};
    CHECK_IS(writev(fds[1], out, 3), 8);
    CHECK_IS(readv(fds[0], in, 3), 8);
    CHECK(!memcmp(a, "ab", 2) && !memcmp(b, "cde", 3) && !memcmp(c, "fgh", 3));
    CHECK_IS(writev(fds[1], out, 0), 0);
    FILE *f = tmpfile();
    CHECK_IS(pwritev(fileno(f), out, 3, 100), 8);
    CHECK_IS(preadv(fileno(f), in, 3, 101), 7);
    CHECK(!memcmp(a, "bc", 2));
    off_t from = 101, to = 0;
    CHECK_IS(copy_file_range(fileno(f), &from, fileno(f), &to, 4, 0), 4);
    CHECK(from == 105 && to == 4);
    from = 100;
    CHECK_IS(sendfile64(fds[1], fileno(f), &from, 3), 3);
    CHECK(from == 103 && read(fds[0], c, 8) == 3 && !memcmp(c, "abc", 3));
    fclose(f);
}

/* Bytes and a descriptor, over every field of the header. */
static void messages(void) {
    int pair[2], fds[2];
    char text[8] = "", control[CMSG_SPACE(sizeof(int))];
    CHECK_IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    CHECK_IS(pipe(fds), 0);
    struct iovec iov[2] = {{"he", 2}, {"llo", 3}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(h), &fds[1], sizeof(int));
    CHECK_IS(sendmsg(pair[0], &m, 0), 5);
    memset(control, 0, sizeof control);
    iov[0] = (struct iovec){text, 3};
    iov[1] = (struct iovec){text + 3, 1};
    m.msg_flags = 77;
    CHECK_IS(recvmsg(pair[1], &m, 0), 4);
    CHECK(m.msg_flags & MSG_TRUNC);
    CHECK(!strcmp(text, "hell"));
    CHECK_IS(m.msg_controllen, CMSG_SPACE(sizeof(int)));
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof passed);
    CHECK_IS(write(passed, "through", 7), 7);
    CHECK_IS(read(fds[0], text, 7), 7);
    m = (struct msghdr){.msg_iov = (void *)-1, .msg_iovlen = 1};
    CHECK_FAILS(sendmsg(pair[0], &m, 0), EFAULT);
    m = (struct msghdr){.msg_iov = iov, .msg_iovlen = 2000};
    CHECK_FAILS(sendmsg(pair[0], &m, 0), EMSGSIZE);
    /* several */
    struct mmsghdr many[3] = {{.msg_hdr = {.msg_iov = &(struct iovec){"1", 1}, .msg_iovlen = 1}},
                              {.msg_hdr = {.msg_iov = &(struct iovec){"22", 2}, .msg_iovlen = 1}},
                              {.msg_hdr = {.msg_iov = (void *)-1, .msg_iovlen = 1}}};
    CHECK_IS(sendmmsg(pair[0], many, 3, 0), 2);
    CHECK_IS(many[1].msg_len, 2);
    char got[3][8] = {""};
    struct iovec to[3] = {{got[0], 8}, {got[1], 8}, {got[2], 8}};
    for (int i = 0; i < 3; i++) many[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &to[i], .msg_iovlen = 1}};
    CHECK_IS(recvmmsg(pair[1], many, 3, MSG_WAITFORONE, NULL), 2);
    CHECK(many[0].msg_len == 1 && many[1].msg_len == 2 && got[1][1] == '2');
    int stream[2];
    socklen_t room = sizeof(struct sockaddr_un), none = 0;
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
    for (int i = 0; i < 4; i++) CHECK_IS(write(stream[0], "s", 1), 1);
    CHECK_IS(recvfrom(stream[1], got[0], 1, 0, (struct sockaddr *)got[1], &none), 1);
    CHECK_IS(recvfrom(stream[1], got[0], 1, 0, (struct sockaddr *)-4096L, &room), 1);
    CHECK_IS(room, 0);
    none = (socklen_t)-1;
    CHECK_FAILS(recvfrom(stream[1], got[0], 1, 0, (struct sockaddr *)got[1], &none), EINVAL);
    CHECK_FAILS(recvfrom(stream[1], got[0], 1, 0, (struct sockaddr *)got[1], (socklen_t *)-4096L), EFAULT);
    CHECK_FAILS(recvfrom(stream[1], got[0], 1, MSG_DONTWAIT, NULL, NULL), EAGAIN);
    CHECK_IS(write(pair[0], "z", 1), 1);
    CHECK_FAILS(recvmmsg(pair[1], many, 3, 0, &(struct timespec){-1, 0}), EINVAL);
    CHECK_FAILS(recvmmsg(pair[1], many, 3, 0, &(struct timespec){0, 1000000000}), EINVAL);
    CHECK_IS(recvmmsg(pair[1], many, 3, 0, &(struct timespec){0, 0}), 1);
}

static void addresses(void) {
    struct sockaddr_un a = {.sun_family = AF_UNIX}, b;
    socklen_t size = sizeof b;
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), v;
    char text[4];
    snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "vee-messages-%d", (int)getpid());
    CHECK_IS(bind(s, (struct sockaddr *)&a, sizeof a), 0);
    CHECK_IS(listen(s, 3), 0);
    CHECK_IS(connect(c, (struct sockaddr *)&a, sizeof a), 0);
    int n = accept4(s, (struct sockaddr *)&b, &size, SOCK_CLOEXEC);
    CHECK(n >= 0);
    CHECK_IS(fcntl(n, F_GETFD), FD_CLOEXEC);
    size = sizeof b;
    CHECK_IS(getpeername(c, (struct sockaddr *)&b, &size), 0);
    CHECK(size == sizeof a && !memcmp(a.sun_path, b.sun_path, sizeof a.sun_path));
    size = 2; /* room for a part: the whole length is told */
    CHECK_IS(getsockname(s, (struct sockaddr *)&b, &size), 0);
    CHECK_IS(size, sizeof a);
    CHECK_FAILS(bind(s, (struct sockaddr *)&a, -1), EINVAL);
    CHECK_FAILS(connect(c, (struct sockaddr *)&a, 200), EINVAL);
    v = 8192, size = sizeof v;
    CHECK_IS(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &v, sizeof v), 0);
    CHECK_IS(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &size), 0);
    CHECK(v == SOCK_STREAM && size == 4);
    size = (socklen_t)-1;
    CHECK_FAILS(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &size), EINVAL);
    CHECK_IS(sendto(c, "abc", 3, MSG_NOSIGNAL, NULL, 0), 3);
    CHECK_IS(ioctl(n, FIONREAD, &v), 0);
    CHECK_IS(v, 3);
    CHECK_IS(recvfrom(n, text, 3, MSG_WAITALL, NULL, NULL), 3);
    CHECK_IS(shutdown(n, SHUT_RDWR), 0);
    signal(SIGPIPE, SIG_IGN);
    CHECK_FAILS(write(n, "x", 1), EPIPE);
}

static void events(void) {
    struct epoll_event e = {EPOLLIN, {.u64 = 0x1122334455667788}}, got[4] = {{0}};
    int p = epoll_create1(EPOLL_CLOEXEC), a = eventfd(0, 0), b = eventfd(0, EFD_NONBLOCK);
    uint64_t n = 3;
    CHECK_IS(epoll_ctl(p, EPOLL_CTL_ADD, a, &e), 0);
    e.data.u64 = 0xfedcba9876543210;
    CHECK_IS(epoll_ctl(p, EPOLL_CTL_ADD, b, &e), 0);
    CHECK_FAILS(epoll_ctl(p, EPOLL_CTL_ADD, b, &e), EEXIST);
    CHECK_IS(epoll_wait(p, got, 4, 0), 0);
    CHECK_FAILS(epoll_wait(p, got, 0, 0), EINVAL);
    CHECK_IS(write(a, &n, 8), 8);
    CHECK_IS(write(b, &n, 8), 8);
    CHECK_IS(epoll_wait(p, got, 4, 1000), 2);
    CHECK_IS(got[0].events, EPOLLIN);
    CHECK((got[0].data.u64 == 0x1122334455667788 && got[1].data.u64 == 0xfedcba9876543210) ||
          (got[1].data.u64 == 0x1122334455667788 && got[0].data.u64 == 0xfedcba9876543210));
    CHECK_IS(epoll_ctl(p, EPOLL_CTL_DEL, a, NULL), 0);
    CHECK_IS(epoll_wait(p, got, 4, 0), 1);
    CHECK_IS(read(b, &n, 8), 8);
    CHECK_IS(n, 3);
    CHECK_FAILS(read(b, &n, 8), EAGAIN);
    int t = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec once = {{0, 0}, {0, 2000000}}, now;
    CHECK_IS(timerfd_settime(t, 0, &once, NULL), 0);
    CHECK_IS(read(t, &n, 8), 8);
    CHECK_IS(n, 1);
    CHECK_IS(timerfd_gettime(t, &now), 0);
    CHECK_IS(now.it_value.tv_nsec, 0);
    sigset_t set;
    struct signalfd_siginfo info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int s = signalfd(-1, &set, 0);
    raise(SIGUSR1);
    CHECK_IS(read(s, &info, sizeof info), sizeof info);
    CHECK(info.ssi_signo == SIGUSR1 && info.ssi_pid == (uint32_t)getpid());
}

static void status(void) {
    struct stat st, path, by_fd;
    struct statx x;
    char name[] = "messages.tmp";
    struct timespec times[2] = {{1000000001, 123456789}, {1234567890, 987654321}};
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0640);
    CHECK_IS(fchmod(fd, 0640), 0);
    CHECK_IS(write(fd, name, sizeof name), sizeof name);
    CHECK_IS(futimens(fd, times), 0);
    CHECK_IS(link(name, "messages.tmp2"), 0);
    CHECK_IS(fstat(fd, &st), 0);
    CHECK_IS(stat(name, &path), 0);
    CHECK_IS(fstatat(fd, "", &by_fd, AT_EMPTY_PATH), 0);
    CHECK(!memcmp(&st, &path, sizeof st) && !memcmp(&st, &by_fd, sizeof st));
    CHECK_IS(statx(AT_FDCWD, name, 0, STATX_BASIC_STATS, &x), 0);
    CHECK_IS(st.st_ino, x.stx_ino);
    CHECK_IS(st.st_mode, S_IFREG | 0640);
    CHECK_IS(st.st_nlink, 2);
    CHECK_IS(st.st_uid, getuid());
    CHECK_IS(st.st_size, sizeof name);
    CHECK_IS(st.st_blksize, x.stx_blksize);
    CHECK_IS(st.st_blocks, x.stx_blocks);
    CHECK_IS(st.st_atim.tv_sec, 1000000001);
    CHECK_IS(st.st_atim.tv_nsec, 123456789);
    CHECK_IS(st.st_mtim.tv_sec, 1234567890);
    CHECK_IS(st.st_mtim.tv_nsec, 987654321);
    CHECK_IS(st.st_ctim.tv_sec, x.stx_ctime.tv_sec);
    CHECK_IS(stat("/dev/null", &st), 0);
    CHECK(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3}, other = lock;
    CHECK_IS(fcntl(fd, F_SETLK, &lock), 0);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        CHECK_IS(fcntl(fd, F_GETLK, &other), 0);
        CHECK(other.l_type == F_WRLCK && other.l_start == 2 && other.l_len == 3 && other.l_pid == getppid());
        CHECK_FAILS(fcntl(fd, F_SETLK, &lock), EAGAIN);
        _exit(done());
    }
    int result;
    waitpid(pid, &result, 0);
    CHECK_IS(result, 0);
    unlink(name), unlink("messages.tmp2");
    struct utsname u;
    struct sysinfo info;
    struct statfs fs;
    CHECK_IS(uname(&u), 0);
    CHECK(!strcmp(u.sysname, "Linux"));
#ifdef __riscv
    CHECK(!strcmp(u.machine, "riscv64"));
#endif
    CHECK_IS(sysinfo(&info), 0);
    CHECK(info.totalram > 0 && info.mem_unit > 0);
    CHECK_IS(statfs("/proc", &fs), 0);
    CHECK_IS(fs.f_type, 0x9fa0);
    CHECK_FAILS(ioctl(fd, 0xdeadbeef, 0), ENOTTY);
    CHECK_FAILS(ioctl(fd, TIOCGWINSZ, &result), ENOTTY);
    CHECK_FAILS(ioctl(-1, 0xdeadbeef, 0), EBADF);
    CHECK_FAILS(syscall(9999), ENOSYS);
    CHECK_FAILS(syscall((long)-1), ENOSYS);
}

int main(void) {
    vectors();
    messages();
    addresses();
    events();
    status();
    return done();
}
