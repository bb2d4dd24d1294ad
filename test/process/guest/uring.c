/* uring.c - io_uring as programs use it: rings that are mapped, requests of many kinds, chains, waiting in every way,
 * registered things, errors, threads, children; and addresses that are not the program's. */
#include "check.h"
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

enum { SIZE = 4096, MANY = 500 };
static char name[] = "uring.tmp";
static int file;

struct ring {
    int fd;
    struct io_uring_params p;
    char *rings;
    size_t rings_size, requests_size;
    struct io_uring_sqe *requests;
    unsigned queued;
};

#define WORD(r, offset) ((unsigned *)(void *)((r)->rings + (offset)))

static bool ring_open(struct ring *r, unsigned entries, unsigned flags) {
    *r = (struct ring){.p = {.flags = flags}};
    r->fd = (int)syscall(SYS_io_uring_setup, entries, &r->p);
    if (r->fd < 0) return false;
    size_t events = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
    size_t array = r->p.sq_off.array + r->p.sq_entries * sizeof(unsigned);
    r->rings_size = events > array ? events : array;
    r->requests_size = r->p.sq_entries * sizeof *r->requests;
    r->rings = mmap(NULL, r->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
    r->requests =
        mmap(NULL, r->requests_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, (off_t)IORING_OFF_SQES);
    CHECK(r->rings != MAP_FAILED && r->requests != MAP_FAILED);
    return true;
}

static void ring_close(struct ring *r) {
    munmap(r->rings, r->rings_size);
    munmap(r->requests, r->requests_size);
    CHECK_IS(close(r->fd), 0);
}

static struct io_uring_sqe *next(struct ring *r, int code, int fd, const void *address, unsigned length,
                                 uint64_t offset) {
    static uint64_t data = 1000;
    unsigned tail = *WORD(r, r->p.sq_off.tail) + r->queued++, i = tail & (r->p.sq_entries - 1);
    struct io_uring_sqe *q = &r->requests[i];
    WORD(r, r->p.sq_off.array)[i] = i;
    memset(q, 0, sizeof *q);
    q->opcode = (uint8_t)code;
    q->fd = fd;
    q->addr = (uintptr_t)address;
    q->len = length;
    q->off = offset;
    q->user_data = __atomic_add_fetch(&data, 1, __ATOMIC_SEQ_CST);
    return q;
}

static long enter(struct ring *r, unsigned least, unsigned flags) {
    unsigned n = r->queued;
    __atomic_store_n(WORD(r, r->p.sq_off.tail), *WORD(r, r->p.sq_off.tail) + n, __ATOMIC_RELEASE);
    r->queued = 0;
    return syscall(SYS_io_uring_enter, r->fd, n, least, flags | (least ? IORING_ENTER_GETEVENTS : 0), NULL, 8);
}

/* The next event, without a system call. */
static bool event(struct ring *r, struct io_uring_cqe *to) {
    unsigned head = *WORD(r, r->p.cq_off.head);
    if (head == __atomic_load_n(WORD(r, r->p.cq_off.tail), __ATOMIC_ACQUIRE)) return false;
    struct io_uring_cqe *events = (void *)(r->rings + r->p.cq_off.cqes);
    *to = events[head & (r->p.cq_entries - 1)];
    __atomic_store_n(WORD(r, r->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
    return true;
}

/* What comes of the one request that is queued. */
static int one(struct ring *r) {
    struct io_uring_cqe e = {.res = -9999};
    CHECK_IS(enter(r, 1, 0), 1);
    CHECK(event(r, &e));
    return e.res;
}
#define ONE(r, ...) (next(r, __VA_ARGS__), one(r))

static void files(struct ring *r) {
    char text[16] = "asynchronous", back[16] = "", folder[32], other[32];
    struct iovec v[2] = {{back, 2}, {back + 2, 6}};
    snprintf(folder, sizeof folder, "uring.dir.%d", r->fd);
    snprintf(other, sizeof other, "uring.other.%d", r->fd);
    CHECK_IS(ONE(r, IORING_OP_NOP, -1, NULL, 0, 0), 0);
    CHECK_IS(ONE(r, IORING_OP_WRITE, file, text, 12, 100), 12);
    CHECK_IS(ONE(r, IORING_OP_READ, file, back, 12, 100), 12);
    CHECK(!strcmp(text, back));
    memset(back, 0, sizeof back);
    CHECK_IS(ONE(r, IORING_OP_READV, file, v, 2, 102), 8);
    CHECK(!strcmp(back, "ynchrono"));
    CHECK_IS(ONE(r, IORING_OP_WRITEV, file, v, 2, 300), 8);
    CHECK_IS(ONE(r, IORING_OP_FSYNC, file, NULL, 0, 0), 0);
    CHECK_IS(ONE(r, IORING_OP_FALLOCATE, file, (void *)(uintptr_t)SIZE, 0, 0), 0);
    struct statx st = {0};
    next(r, IORING_OP_STATX, AT_FDCWD, name, STATX_SIZE, (uintptr_t)&st);
    CHECK_IS(one(r), 0);
    CHECK_IS(st.stx_size, SIZE);
    struct io_uring_sqe *q = next(r, IORING_OP_OPENAT, AT_FDCWD, name, 0600, 0);
    q->open_flags = O_RDWR;
    int fd = one(r);
    CHECK(fd >= 0);
    memset(back, 0, sizeof back);
    CHECK_IS(pread(fd, back, 12, 100), 12);
    CHECK(!strcmp(text, back));
    CHECK_IS(ONE(r, IORING_OP_CLOSE, fd, NULL, 0, 0), 0);
    CHECK_IS(ONE(r, IORING_OP_OPENAT, AT_FDCWD, "no such file", 0, 0), -ENOENT);
    CHECK_IS(ONE(r, IORING_OP_MKDIRAT, AT_FDCWD, folder, 0755, 0), 0);
    next(r, IORING_OP_RENAMEAT, AT_FDCWD, folder, (unsigned)AT_FDCWD, (uintptr_t)other);
    CHECK_IS(one(r), 0);
    q = next(r, IORING_OP_UNLINKAT, AT_FDCWD, other, 0, 0);
    q->unlink_flags = AT_REMOVEDIR;
    CHECK_IS(one(r), 0);
}

/* What is opened is the program's own, not of whoever runs it. */
static void procfs(struct ring *r) {
    static char text[1 << 16];
    char here[32];
    snprintf(here, sizeof here, "%lx-", (unsigned long)(uintptr_t)r->rings);
    int fd = ONE(r, IORING_OP_OPENAT, AT_FDCWD, "/proc/self/maps", 0, 0);
    CHECK(fd >= 0);
    size_t used = 0;
    for (ssize_t n; used < sizeof text - 1 && (n = read(fd, text + used, sizeof text - 1 - used)) > 0;)
        used += (size_t)n;
    CHECK(strstr(text, here));
    close(fd);
}

static void chains(struct ring *r) {
    char text[8] = "linked", back[8] = "";
    struct io_uring_cqe e;
    struct __kernel_timespec moment = {.tv_nsec = 1000000}, late = {.tv_sec = 100};
    int pair[2];
    CHECK_IS(pipe(pair), 0);
    next(r, IORING_OP_WRITE, file, text, 7, 500)->flags = IOSQE_IO_LINK;
    next(r, IORING_OP_FSYNC, file, NULL, 0, 0)->flags = IOSQE_IO_LINK;
    next(r, IORING_OP_READ, file, back, 7, 500);
    CHECK_IS(enter(r, 3, 0), 3);
    for (int i = 0; i < 3; i++) CHECK(event(r, &e) && e.res == (i == 1 ? 0 : 7));
    CHECK(!strcmp(back, "linked"));
    next(r, IORING_OP_READ, file, (void *)8, 8, 0)->flags = IOSQE_IO_LINK; /* breaks */
    next(r, IORING_OP_NOP, -1, NULL, 0, 0);
    CHECK_IS(enter(r, 2, 0), 2);
    CHECK(event(r, &e) && e.res == -EFAULT);
    CHECK(event(r, &e) && e.res == -ECANCELED);
    CHECK_IS(ONE(r, IORING_OP_TIMEOUT, -1, &moment, 1, 0), -ETIME);
    next(r, IORING_OP_READ, pair[0], back, 1, 0)->flags = IOSQE_IO_LINK;
    next(r, IORING_OP_LINK_TIMEOUT, -1, &moment, 1, 0);
    CHECK_IS(enter(r, 2, 0), 2);
    for (int i = 0; i < 2; i++) CHECK(event(r, &e) && (e.res == -ECANCELED || e.res == -EINTR || e.res == -ETIME));
    uint64_t data = next(r, IORING_OP_TIMEOUT, -1, &late, 1, 0)->user_data;
    CHECK_IS(enter(r, 0, 0), 1);
    CHECK(!event(r, &e));
    next(r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)(uintptr_t)data, 0, 0);
    CHECK_IS(enter(r, 2, 0), 1);
    for (int i = 0; i < 2; i++) CHECK(event(r, &e) && (e.user_data == data ? e.res == -ECANCELED : e.res == 0));
    struct io_uring_sqe *q = next(r, IORING_OP_POLL_ADD, pair[0], NULL, 0, 0);
    q->poll32_events = POLLIN;
    data = q->user_data;
    CHECK_IS(enter(r, 0, 0), 1);
    next(r, IORING_OP_ASYNC_CANCEL, -1, (void *)(uintptr_t)data, 0, 0);
    CHECK_IS(enter(r, 2, 0), 1);
    for (int i = 0; i < 2; i++) CHECK(event(r, &e) && (e.user_data == data ? e.res == -ECANCELED : e.res == 0));
    close(pair[0]);
    close(pair[1]);
}

static void sockets(struct ring *r) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}, from = {0};
    socklen_t size = sizeof a, room = sizeof from;
    struct io_uring_cqe e;
    char text[8] = "to send", back[8] = "", other[8] = "";
    int listener = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0), accepted = -1;
    CHECK_IS(bind(listener, (void *)&a, size), 0);
    CHECK_IS(getsockname(listener, (void *)&a, &size), 0);
    CHECK_IS(listen(listener, 1), 0);
    next(r, IORING_OP_ACCEPT, listener, &from, 0, (uintptr_t)&room);
    uint64_t connects = next(r, IORING_OP_CONNECT, s, &a, 0, size)->user_data;
    CHECK_IS(enter(r, 2, 0), 2);
    for (int i = 0; i < 2; i++) {
        CHECK(event(r, &e));
        if (e.user_data == connects)
            CHECK_IS(e.res, 0);
        else
            accepted = e.res;
    }
    CHECK(accepted >= 0);
    CHECK(room == sizeof from && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK_IS(ONE(r, IORING_OP_SEND, s, text, 8, 0), 8);
    CHECK_IS(ONE(r, IORING_OP_RECV, accepted, back, 8, 0), 8);
    CHECK(!strcmp(text, back));
    struct iovec v[2] = {{text, 3}, {text + 3, 5}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    CHECK_IS(ONE(r, IORING_OP_SENDMSG, s, &m, 1, 0), 8);
    /* Into a buffer that was provided for whoever needs one. */
    static char buffers[4][64];
    next(r, IORING_OP_PROVIDE_BUFFERS, 4, buffers, 64, 0)->buf_group = 5;
    CHECK(one(r) >= 0);
    struct io_uring_sqe *q = next(r, IORING_OP_RECV, accepted, NULL, 64, 0);
    q->flags = IOSQE_BUFFER_SELECT;
    q->buf_group = 5;
    CHECK_IS(enter(r, 1, 0), 1);
    CHECK(event(r, &e) && e.res == 8 && (e.flags & IORING_CQE_F_BUFFER));
    if (e.flags & IORING_CQE_F_BUFFER) CHECK(!strcmp(buffers[e.flags >> IORING_CQE_BUFFER_SHIFT & 3], text));
    CHECK_IS(ONE(r, IORING_OP_SHUTDOWN, s, NULL, SHUT_RDWR, 0), 0);
    CHECK_IS(ONE(r, IORING_OP_RECV, accepted, other, 8, 0), 0);
    close(s);
    close(accepted);
    close(listener);
}

static long reg(struct ring *r, unsigned what, const void *to, unsigned n) {
    return syscall(SYS_io_uring_register, r->fd, what, to, n);
}

static void registered(struct ring *r) {
    static char memory[2][SIZE];
    struct iovec v[2] = {{memory[0], SIZE}, {memory[1], SIZE}}, bad = {(void *)8, SIZE};
    int fds[2] = {file, -1}, told = eventfd(0, EFD_NONBLOCK);
    uint64_t count = 0;
    struct io_uring_cqe e;
    CHECK_FAILS(reg(r, IORING_REGISTER_BUFFERS, &bad, 1), EFAULT);
    CHECK_IS(reg(r, IORING_REGISTER_BUFFERS, v, 2), 0);
    CHECK_FAILS(reg(r, IORING_REGISTER_BUFFERS, v, 2), EBUSY);
    struct io_uring_sqe *q = next(r, IORING_OP_READ_FIXED, file, memory[1] + 8, 100, 0);
    q->buf_index = 1;
    CHECK_IS(one(r), 100);
    CHECK_IS(memory[1][8 + 50], 50);
    q = next(r, IORING_OP_READ_FIXED, file, memory[1] + 8, SIZE, 0); /* runs over its end */
    q->buf_index = 1;
    CHECK_IS(one(r), -EFAULT);
    CHECK_IS(reg(r, IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
    CHECK_IS(reg(r, IORING_REGISTER_FILES, fds, 2), 0);
    next(r, IORING_OP_READ, 0, memory[0], 10, 0)->flags = IOSQE_FIXED_FILE;
    CHECK_IS(one(r), 10);
    next(r, IORING_OP_READ, 1, memory[0], 10, 0)->flags = IOSQE_FIXED_FILE;
    CHECK_IS(one(r), -EBADF);
    struct io_uring_files_update update = {.offset = 1, .fds = (uintptr_t)&file};
    CHECK_IS(reg(r, IORING_REGISTER_FILES_UPDATE, &update, 1), 1);
    next(r, IORING_OP_READ, 1, memory[0], 10, 0)->flags = IOSQE_FIXED_FILE;
    CHECK_IS(one(r), 10);
    CHECK_IS(reg(r, IORING_UNREGISTER_FILES, NULL, 0), 0);
    CHECK_IS(reg(r, IORING_REGISTER_EVENTFD, &told, 1), 0);
    next(r, IORING_OP_NOP, -1, NULL, 0, 0);
    CHECK_IS(enter(r, 0, 0), 1);
    CHECK_IS(read(told, &count, 8), 8);
    CHECK(event(r, &e));
    CHECK_IS(reg(r, IORING_UNREGISTER_EVENTFD, NULL, 0), 0);
    close(told);
    struct {
        struct io_uring_probe p;
        struct io_uring_probe_op ops[256];
    } probe = {0};
    CHECK_IS(reg(r, IORING_REGISTER_PROBE, &probe, 256), 0);
    CHECK(probe.p.ops_len > IORING_OP_RECV);
    CHECK(probe.ops[IORING_OP_READV].flags & IO_URING_OP_SUPPORTED);
    CHECK(probe.ops[IORING_OP_WRITE].flags & IO_URING_OP_SUPPORTED);
    CHECK_FAILS(reg(r, 999, NULL, 0), EINVAL);
}

/* Waiting: in the call, by polling the descriptor, by looking. */
static int ends[2];
static void *writer(void *arg) {
    usleep(20000);
    CHECK_IS(write(ends[1], "x", 1), 1);
    return arg;
}
static void waiting(struct ring *r) {
    struct io_uring_cqe e;
    pthread_t thread;
    char c;
    CHECK_IS(pipe(ends), 0);
    for (int how = 0; how < 4; how++) {
        next(r, IORING_OP_READ, ends[0], &c, 1, (uint64_t)-1);
        if (how) CHECK_IS(enter(r, 0, 0), 1);
        CHECK(!event(r, &e));
        CHECK_IS(pthread_create(&thread, NULL, writer, NULL), 0);
        struct pollfd p = {.fd = r->fd, .events = POLLIN};
        if (how == 0) CHECK_IS(enter(r, 1, 0), 1);
        if (how == 1) CHECK_IS(poll(&p, 1, -1), 1);
        if (how == 2) CHECK_IS(enter(r, 1, 0), 0);
        while (!event(r, &e)) continue; /* without a system call */
        CHECK_IS(e.res, 1);
        pthread_join(thread, NULL);
    }
    int queue = epoll_create1(0);
    struct epoll_event in = {.events = EPOLLIN}, out;
    CHECK_IS(epoll_ctl(queue, EPOLL_CTL_ADD, r->fd, &in), 0);
    next(r, IORING_OP_READ, ends[0], &c, 1, (uint64_t)-1);
    CHECK_IS(enter(r, 0, 0), 1);
    CHECK_IS(epoll_wait(queue, &out, 1, 0), 0);
    CHECK_IS(write(ends[1], "x", 1), 1);
    CHECK_IS(epoll_wait(queue, &out, 1, -1), 1);
    CHECK(event(r, &e));
    close(queue);
    /* Not longer than this; and what a handler does to it. */
    struct __kernel_timespec moment = {.tv_nsec = 1000000};
    struct {
        uint64_t mask;
        uint32_t size, pad;
        uint64_t time;
    } wait = {.time = (uintptr_t)&moment};
    const unsigned how = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, how, &wait, sizeof wait), ETIME);
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, how, &wait, 8L), EINVAL);
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, how, 8L, sizeof wait), EFAULT);
}

static volatile int handled;
static void on_signal(int signal) {
    handled = signal;
}
static void interrupted(struct ring *r) {
    struct itimerspec soon = {{0, 20000000}, {0, 20000000}}, never = {0}; /* again, where one came before the wait */
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    sigset_t none, blocked;
    timer_t timer;
    CHECK_IS(sigaction(SIGUSR1, &a, &old), 0);
    CHECK_IS(timer_create(CLOCK_MONOTONIC, &how, &timer), 0);
    CHECK_IS(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 8L), EINTR);
    CHECK_IS(timer_settime(timer, 0, &never, NULL), 0);
    CHECK_IS(handled, SIGUSR1);
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    CHECK_IS(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    handled = 0;
    CHECK_IS(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 1, IORING_ENTER_GETEVENTS, &none, 8L), EINTR);
    CHECK_IS(timer_settime(timer, 0, &never, NULL), 0);
    CHECK_IS(handled, SIGUSR1);
    CHECK_IS(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
    timer_delete(timer);
    CHECK_IS(sigaction(SIGUSR1, &old, NULL), 0);
}

static void errors(struct ring *r) {
    struct io_uring_params p = {.flags = 1u << 30};
    char bytes[8];
    CHECK_FAILS(syscall(SYS_io_uring_setup, 4, &p), EINVAL);
    p.flags = 0;
    CHECK_FAILS(syscall(SYS_io_uring_setup, 0, &p), EINVAL);
    CHECK_FAILS(syscall(SYS_io_uring_setup, 4, (void *)8), EFAULT);
    CHECK_FAILS(syscall(SYS_io_uring_enter, 999, 0, 0, 0, NULL, 8L), EBADF);
    CHECK_FAILS(syscall(SYS_io_uring_enter, file, 0, 0, 0, NULL, 8L), EOPNOTSUPP);
    CHECK_FAILS(syscall(SYS_io_uring_enter, r->fd, 0, 0, 1u << 30, NULL, 8L), EINVAL);
    CHECK_FAILS(syscall(SYS_io_uring_register, file, IORING_UNREGISTER_FILES, NULL, 0), EOPNOTSUPP);
    CHECK_IS(ONE(r, 250, file, bytes, 8, 0), -EINVAL);
    CHECK_IS(ONE(r, IORING_OP_READ, 999, bytes, 8, 0), -EBADF);
    CHECK_IS(ONE(r, IORING_OP_FSYNC, file, bytes, 8, 0), -EINVAL);
    static void *const addresses[] = {(void *)8, (void *)0x7ffff0000000, (void *)0xffffffffff600000, (void *)-9};
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct iovec v = {addresses[i], 8};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
        int pair[2];
        CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        CHECK_IS(ONE(r, IORING_OP_READ, file, addresses[i], 8, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_READV, file, &v, 1, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_READV, file, addresses[i], 1, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_STATX, AT_FDCWD, addresses[i], 0, (uintptr_t)bytes), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_STATX, AT_FDCWD, "/", 0, (uintptr_t)addresses[i]), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_OPENAT, AT_FDCWD, addresses[i], 0, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_TIMEOUT, -1, addresses[i], 1, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_SENDMSG, pair[0], &m, 1, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_SENDMSG, pair[0], addresses[i], 1, 0), -EFAULT);
        CHECK_IS(ONE(r, IORING_OP_SEND, pair[0], addresses[i], 8, 0), -EFAULT);
        CHECK_IS(reg(r, IORING_REGISTER_BUFFERS, &v, 1), -1);
        CHECK(errno == EFAULT || errno == EOVERFLOW); /* where it would wrap around */
        CHECK_FAILS(reg(r, IORING_REGISTER_FILES, addresses[i], 1), EFAULT);
        close(pair[0]);
        close(pair[1]);
    }
}

/* More than the queue holds, round and round. */
static void many(struct ring *r) {
    char bytes[MANY][16];
    unsigned sent = 0, came = 0;
    struct io_uring_cqe e;
    while (came < MANY) {
        for (; sent < MANY && r->queued < r->p.sq_entries && sent - came < r->p.cq_entries; sent++)
            next(r, IORING_OP_READ, file, bytes[sent], 16, 1000 + sent)->user_data = sent;
        if (enter(r, 1, 0) < 0) {
            CHECK(!"entered");
            return;
        }
        for (; event(r, &e); came++) CHECK(e.res == 16 && bytes[e.user_data][3] == (char)(1000 + e.user_data + 3));
    }
}

static void polled(void) {
    struct ring r;
    struct io_uring_cqe e;
    CHECK(!ring_open(&r, 4, IORING_SETUP_SQPOLL | IORING_SETUP_COOP_TASKRUN) && errno == EINVAL);
    if (!ring_open(&r, 4, IORING_SETUP_SQPOLL)) {
        CHECK(errno == EPERM);
        return;
    }
    next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 66;
    __atomic_store_n(WORD(&r, r.p.sq_off.tail), *WORD(&r, r.p.sq_off.tail) + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(WORD(&r, r.p.sq_off.flags), __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
        CHECK_IS(syscall(SYS_io_uring_enter, r.fd, 1, 0, IORING_ENTER_SQ_WAKEUP, NULL, 8L), 1);
    while (!event(&r, &e)) sched_yield();
    CHECK_IS(e.user_data, 66);
    ring_close(&r);
}

/* What is registered with a ring is gone with it. */
static void gone(void) {
    struct ring r;
    int pair[2];
    char c;
    CHECK_IS(pipe(pair), 0);
    CHECK(ring_open(&r, 4, 0));
    CHECK_IS(reg(&r, IORING_REGISTER_FILES, &pair[1], 1), 0);
    close(pair[1]);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    CHECK_FAILS(read(pair[0], &c, 1), EAGAIN);
    ring_close(&r);
    long n = -1;
    for (int i = 0; i < 3000 && (n = read(pair[0], &c, 1)) < 0; i++) usleep(1000);
    CHECK_IS(n, 0);
    close(pair[0]);
}

static struct ring *parents;
static void child(void) {
    char back[16] = "";
    struct ring own;
    CHECK_IS(ONE(parents, IORING_OP_READ, file, back, 12, 100), 12);
    CHECK(!strcmp(back, "asynchronous"));
    CHECK(ring_open(&own, 8, 0));
    files(&own);
    ring_close(&own);
}

static void *hammer(void *arg) {
    struct ring r;
    CHECK(ring_open(&r, 8, 0));
    for (int i = 0; i < 5; i++) many(&r);
    files(&r);
    ring_close(&r);
    return arg;
}

int main(void) {
    char bytes[SIZE];
    struct ring r;
    for (int i = 0; i < SIZE; i++) bytes[i] = (char)i;
    file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    CHECK_IS(write(file, bytes, SIZE), SIZE);
    if (!ring_open(&r, 8, 0) && (errno == ENOSYS || errno == EPERM)) {
        printf("no io_uring here\n");
        unlink(name);
        return 0;
    }
    alarm(60);
    many(&r);
    registered(&r);
    files(&r);
    procfs(&r);
    chains(&r);
    sockets(&r);
    waiting(&r);
    interrupted(&r);
    errors(&r);
    polled();
    gone();
    parents = &r;
    CHECK_IS(child_status(child), 0);
    pid_t pid = vfork(); /* as who executes something: the ring is its parent's still */
    if (pid == 0) _exit(close(r.fd));
    CHECK(pid > 0 && waitpid(pid, NULL, 0) == pid);
    files(&r);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK_IS(pthread_create(&threads[i], NULL, hammer, NULL), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    files(&r);
    ring_close(&r);
    unlink(name);
    return done();
}
