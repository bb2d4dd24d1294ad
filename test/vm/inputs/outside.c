/* outside.c - a process that looks at all kinds of things outside of it, and keeps what it has seen. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned char kept[1 << 16];
static size_t used;
static void keep(const void *bytes, size_t size) {
    memcpy(kept + used, bytes, size);
    used += size;
}

static void clocks(void) {
    struct timespec t;
    struct timeval v;
    for (int id = 0; id < 8; id++)
        if (clock_gettime(id, &t) == 0) keep(&t, sizeof t);
    gettimeofday(&v, NULL), keep(&v, sizeof v);
    printf("%ld\n", (long)time(NULL));
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &t), keep(&t, sizeof t);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u), keep(&u, sizeof u);
}

static void chance(void) {
    unsigned char bytes[40];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) exit(1);
    keep(bytes, sizeof bytes);
    printf("%02x%02x\n", bytes[0], bytes[1]);
}

static void input(void) {
    char line[100], rest[100];
    struct iovec v[2] = {{rest, 3}, {rest + 3, sizeof rest - 3}};
    struct pollfd p = {0, POLLIN, 0};
    ssize_t n = poll(&p, 1, -1);
    keep(&p, sizeof p);
    n = read(0, line, 16);
    printf("%zd %.*s\n", n, n > 0 ? (int)n : 0, line);
    n = readv(0, v, 2);
    keep(rest, sizeof rest);
    printf("%zd\n", n);
}

static void files(void) {
    struct stat st;
    char text[4096], *m;
    int fd = open("note", O_RDWR);
    printf("%d\n", fd >= 0);
    if (fd >= 0 && fstat(fd, &st) == 0) keep(&st, sizeof st);
    ssize_t n = read(fd, text, sizeof text);
    keep(&n, sizeof n);
    /* It may write to more than there is, and who notes what it has brought looks at what there is only. */
    static volatile size_t much = (size_t)1 << 37;
    lseek(fd, 0, SEEK_SET);
    n = read(fd, text, much);
    printf("%zd %.6s\n", n, text);
    m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (m != MAP_FAILED) {
        printf("%.6s\n", m);
        m[0] = 'A';
        keep(m, 100);
        munmap(m, 4096); /* of whose file who is given it knows nothing */
    }
    close(fd);
    fd = open("/proc/self/stat", O_RDONLY);
    n = read(fd, text, sizeof text);
    if (n > 0) keep(text, (size_t)n);
    close(fd);
    if (getcwd(text, sizeof text)) printf("%s\n", text);
    printf("%d\n", access("note", R_OK));
}

static void host(void) {
    struct utsname u;
    struct sysinfo s;
    uname(&u), keep(&u, sizeof u);
    sysinfo(&s), keep(&s, sizeof s);
    pid_t ids[] = {getpid(), getppid(), (pid_t)getuid()};
    keep(ids, sizeof ids);
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r), keep(&r, sizeof r);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    keep(&cpus, sizeof cpus);
}

static void descriptors(void) {
    int p[2], s[2];
    char bytes[64];
    if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s)) exit(2);
    keep(p, sizeof p), keep(s, sizeof s);
    int e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x1234567890};
    epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event);
    int none = epoll_wait(e, &event, 1, 1);
    if (write(p[1], "through a pipe", 14) != 14) exit(3);
    memset(&event, 0, sizeof event);
    int one = epoll_wait(e, &event, 1, -1);
    keep(&event, sizeof event);
    struct msghdr h = {.msg_iov = &(struct iovec){bytes, sizeof bytes}, .msg_iovlen = 1};
    if (send(s[0], "message", 7, 0) != 7) exit(4);
    ssize_t n = recvmsg(s[1], &h, 0);
    printf("%d %d %zd %.*s\n", none, one, n, (int)n, bytes);
    n = read(p[0], bytes, sizeof bytes);
    printf("%.*s\n", (int)n, bytes);
}

static void children(void) {
    int status = 0, p[2];
    char text[32];
    fflush(stdout);
    if (pipe(p)) exit(5);
    pid_t child = fork();
    if (!child) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        int n = snprintf(text, sizeof text, "child %ld", t.tv_nsec);
        _exit(write(p[1], text, (size_t)n) == n ? 7 : 8);
    }
    struct rusage u;
    ssize_t n = read(p[0], text, sizeof text);
    pid_t got = wait4(child, &status, 0, &u);
    keep(&u, sizeof u);
    printf("%d %d %.*s\n", got == child, WEXITSTATUS(status), (int)n, text);
}

int main(void) {
    clocks(), chance(), input(), files(), host(), descriptors(), children();
    unsigned long sum = 0;
    for (size_t i = 0; i < used; i++) sum = sum * 31 + kept[i];
    void *address = malloc(100000);
    printf("%zu %lx %d\n", used, sum, address != NULL);
    return (int)(sum & 0x3f);
}
