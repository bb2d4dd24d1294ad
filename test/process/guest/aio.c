/* aio.c - Linux's asynchronous I/O: requests of every kind, events, errors, many at once, threads that wait, forks. */
#include "check.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>

enum { SIZE = 4096, MANY = 700, RINGS = 64 };
static char name[] = "aio.tmp";
static int file;

static long setup(unsigned n, aio_context_t *to) {
    return syscall(SYS_io_setup, n, to);
}
static long submit(aio_context_t context, long n, struct iocb **list) {
    return syscall(SYS_io_submit, context, n, list);
}
static long events(aio_context_t context, long least, long most, struct io_event *to, struct timespec *wait) {
    return syscall(SYS_io_getevents, context, least, most, to, wait);
}

static struct iocb request(int code, int fd, void *buffer, size_t size, long offset) {
    return (struct iocb){.aio_lio_opcode = (uint16_t)code,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = (uintptr_t)buffer,
                         .aio_nbytes = size,
                         .aio_offset = offset,
                         .aio_key = 77};
}

/* One request, whose result comes back. */
static long one(aio_context_t context, struct iocb *r) {
    struct io_event event = {0};
    static uint64_t data;
    r->aio_data = ++data;
    long n = submit(context, 1, &r);
    if (n != 1) return n < 0 ? -errno - 10000 : n;
    CHECK_IS(r->aio_key, 0);
    CHECK_IS(events(context, 1, 1, &event, NULL), 1);
    CHECK(event.data == data && event.obj == (uintptr_t)r);
    return (long)event.res;
}

static void kinds(aio_context_t context) {
    char text[16] = "asynchronous", back[16] = "";
    struct iovec v[2] = {{back, 2}, {back + 2, 6}};
    struct iocb r = request(IOCB_CMD_PWRITE, file, text, 12, 100);
    CHECK_IS(one(context, &r), 12);
    r = request(IOCB_CMD_PREAD, file, back, 12, 100);
    CHECK_IS(one(context, &r), 12);
    CHECK(!memcmp(text, back, 12));
    memset(back, 0, sizeof back);
    r = request(IOCB_CMD_PREADV, file, v, 2, 102);
    CHECK_IS(one(context, &r), 8);
    CHECK(!strcmp(back, "ynchrono"));
    r = request(IOCB_CMD_PWRITEV, file, v, 2, 300);
    CHECK_IS(one(context, &r), 8);
    r = request(IOCB_CMD_FSYNC, file, NULL, 0, 0);
    CHECK_IS(one(context, &r), 0);
    r = request(IOCB_CMD_FDSYNC, file, NULL, 0, 0);
    CHECK_IS(one(context, &r), 0);
    int pair[2];
    CHECK_IS(pipe(pair), 0);
    r = request(IOCB_CMD_POLL, pair[1], (void *)POLLOUT, 0, 0);
    CHECK_IS(one(context, &r), POLLOUT);
    /* An event that comes later, and one that is told by a descriptor. */
    int told = eventfd(0, 0);
    uint64_t count = 0;
    struct io_event event;
    struct timespec moment = {0, 1000000};
    struct iocb *list = &r;
    r = request(IOCB_CMD_POLL, pair[0], (void *)POLLIN, 0, 0);
    r.aio_flags = IOCB_FLAG_RESFD;
    r.aio_resfd = (uint32_t)told;
    CHECK_IS(submit(context, 1, &list), 1);
    CHECK_IS(events(context, 1, 1, &event, &moment), 0);
    CHECK_IS(events(context, 0, 1, &event, NULL), 0);
    CHECK_IS(write(pair[1], "x", 1), 1);
    CHECK_IS(read(told, &count, sizeof count), sizeof count);
    CHECK_IS(count, 1);
    CHECK_IS(events(context, 0, 1, &event, NULL), 1);
    CHECK((event.res & POLLIN) && event.obj == (uintptr_t)&r);
    /* One that is taken back. */
    char c;
    CHECK_IS(read(pair[0], &c, 1), 1);
    CHECK_IS(submit(context, 1, &list), 1);
    CHECK_FAILS(syscall(SYS_io_cancel, context, &r, &event), EINPROGRESS);
    CHECK_IS(events(context, 1, 1, &event, NULL), 1);
    CHECK(event.obj == (uintptr_t)&r);
    CHECK_FAILS(syscall(SYS_io_cancel, context, &r, &event), EINVAL);
    close(told);
    close(pair[0]);
    close(pair[1]);
}

static void errors(aio_context_t context) {
    char bytes[8];
    struct iovec bad = {(void *)0x7ffff0000000, 8};
    struct io_event event;
    aio_context_t other = 5;
    CHECK_FAILS(setup(8, &other), EINVAL);
    other = 0;
    CHECK_FAILS(setup(0, &other), EINVAL);
    CHECK_FAILS(setup(8, (aio_context_t *)8), EFAULT);
    CHECK_FAILS(syscall(SYS_io_destroy, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_io_destroy, context + 4096 * 99), EINVAL);
    CHECK_FAILS(events(0, 0, 1, &event, NULL), EINVAL);
    CHECK_FAILS(events(context, 2, 1, &event, NULL), EINVAL);
    CHECK_FAILS(events(context, -1, 1, &event, NULL), EINVAL);
    struct iocb r = request(IOCB_CMD_PREAD, 999, bytes, 8, 0), *list[2] = {&r, (void *)8};
    CHECK_FAILS(submit(context, 1, list), EBADF);
    CHECK_FAILS(submit(context, -1, list), EINVAL);
    CHECK_FAILS(submit(0, 1, list), EINVAL);
    CHECK_FAILS(submit(context, 1, (void *)8), EFAULT);
    CHECK_FAILS(submit(context, 1, list + 1), EFAULT);
    CHECK_IS(submit(context, 0, NULL), 0);
    r = request(99, file, bytes, 8, 0);
    CHECK_FAILS(submit(context, 1, list), EINVAL);
    r = request(IOCB_CMD_PREAD, file, bytes, 8, 0);
    r.aio_reserved2 = 1;
    CHECK_FAILS(submit(context, 1, list), EINVAL);
    r.aio_reserved2 = 0;
    CHECK_IS(submit(context, 2, list), 1); /* up to the one that is bad */
    CHECK_IS(events(context, 1, 9, &event, NULL), 1);
    /* Memory that is not there, or not the program's. */
    static void *const addresses[] = {(void *)8, (void *)0x7ffff0000000, (void *)0xffffffffff600000, (void *)-9};
    for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        long result;
        r = request(IOCB_CMD_PREAD, file, addresses[i], 8, 0);
        result = one(context, &r);
        CHECK(result == -EFAULT || result == -EFAULT - 10000);
        bad.iov_base = addresses[i];
        r = request(IOCB_CMD_PREADV, file, &bad, 1, 0);
        result = one(context, &r);
        CHECK(result == -EFAULT || result == -EFAULT - 10000);
        r = request(IOCB_CMD_PWRITEV, file, addresses[i], 1, 0);
        CHECK_IS(one(context, &r), -EFAULT - 10000);
    }
    r = request(IOCB_CMD_PREADV, file, &bad, 2000, 0);
    CHECK_IS(one(context, &r), -EINVAL - 10000);
}

/* More than the buffers of anybody hold, also vectors. */
static void many(void) {
    static struct iocb requests[MANY], *list[MANY];
    static struct io_event got[MANY];
    static struct iovec vectors[MANY][4];
    static char bytes[MANY][16];
    static bool seen[MANY];
    aio_context_t context = 0;
    CHECK_IS(setup(MANY, &context), 0);
    for (int vector = 0; vector < 2; vector++) {
        memset(seen, 0, sizeof seen);
        memset(bytes, 0, sizeof bytes);
        for (int i = 0; i < MANY; i++) {
            for (int k = 0; k < 4; k++) vectors[i][k] = (struct iovec){bytes[i] + 4 * k, 4};
            requests[i] = vector ? request(IOCB_CMD_PREADV, file, vectors[i], 4, i)
                                 : request(IOCB_CMD_PREAD, file, bytes[i], 16, i);
            requests[i].aio_data = (uint64_t)i;
            list[i] = &requests[i];
        }
        long n = 0, sent = 0;
        while (sent < MANY && (n = submit(context, MANY - sent, list + sent)) > 0) sent += n;
        CHECK_IS(sent, MANY);
        CHECK_IS(events(context, MANY, MANY, got, NULL), MANY);
        for (int i = 0; i < MANY; i++) {
            uint64_t at = got[i].data;
            CHECK(at < MANY && !seen[at] && got[i].obj == (uintptr_t)&requests[at] && got[i].res == 16);
            if (at < MANY) seen[at] = true;
            CHECK(at >= MANY || bytes[at][5] == (char)(at + 5));
        }
    }
    CHECK_IS(syscall(SYS_io_destroy, context), 0);
}

/* Others go on while one waits for events, and may end the context meanwhile. */
static aio_context_t shared;
static int ends[2];
static void *waiter(void *arg) {
    struct io_event event;
    long n = events(shared, 1, 1, &event, NULL);
    *(long *)arg = n == 1 ? (long)event.res : -errno;
    return NULL;
}
static void threads(void) {
    pthread_t thread;
    long result = 0;
    struct iocb r, *list = &r;
    CHECK_IS(pipe(ends), 0);
    shared = 0;
    CHECK_IS(setup(4, &shared), 0);
    CHECK_IS(pthread_create(&thread, NULL, waiter, &result), 0);
    r = request(IOCB_CMD_POLL, ends[0], (void *)POLLIN, 0, 0);
    CHECK_IS(submit(shared, 1, &list), 1);
    usleep(10000);
    CHECK_IS(write(ends[1], "x", 1), 1);
    pthread_join(thread, NULL);
    CHECK_IS(result & POLLIN, POLLIN);
    CHECK_IS(pthread_create(&thread, NULL, waiter, &result), 0);
    usleep(20000);
    CHECK_IS(syscall(SYS_io_destroy, shared), 0);
    pthread_join(thread, NULL);
    CHECK_IS(result, -EINVAL);
}

static void on_signal(int signal) {
    (void)signal;
}
static void interrupted(aio_context_t context) {
    struct io_event event;
    struct itimerspec soon = {{0, 20000000}, {0, 20000000}}, never = {0}; /* again, where one came before the wait */
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    struct {
        const sigset_t *set;
        size_t size;
    } mask;
    sigset_t none, blocked;
    timer_t timer;
    struct timespec moment = {0, 1000000};
    CHECK_IS(sigaction(SIGALRM, &a, &old), 0);
    CHECK_IS(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    CHECK_IS(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK_FAILS(events(context, 1, 1, &event, NULL), EINTR);
    CHECK_IS(timer_settime(timer, 0, &never, NULL), 0);
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    CHECK_IS(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    mask.set = &none;
    mask.size = 8;
    CHECK_IS(timer_settime(timer, 0, &soon, NULL), 0);
    CHECK_FAILS(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, NULL, &mask), EINTR);
    CHECK_IS(timer_settime(timer, 0, &never, NULL), 0);
    CHECK_IS(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
    CHECK_IS(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &moment, &mask), 0);
    mask.size = 9;
    CHECK_FAILS(syscall(SYS_io_pgetevents, context, 1L, 1L, &event, &moment, &mask), EINVAL);
    timer_delete(timer);
    CHECK_IS(sigaction(SIGALRM, &old, NULL), 0);
}

static aio_context_t parents;
static void child(void) {
    struct io_event event;
    aio_context_t own = 0;
    CHECK_FAILS(events(parents, 0, 1, &event, NULL), EINVAL);
    CHECK_IS(setup(3, &own), 0);
    kinds(own);
}

int main(void) {
    char bytes[SIZE];
    aio_context_t context = 0, rings[RINGS] = {0};
    for (int i = 0; i < SIZE; i++) bytes[i] = (char)i;
    file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink(name);
    CHECK_IS(write(file, bytes, SIZE), SIZE);
    many();
    CHECK_IS(setup(8, &context), 0);
    kinds(context);
    errors(context);
    interrupted(context);
    threads();
    parents = context;
    CHECK_IS(child_status(child), 0);
    CHECK_IS(syscall(SYS_io_destroy, context), 0);
    CHECK_FAILS(syscall(SYS_io_destroy, context), EINVAL);
    for (int i = 0; i < RINGS; i++) CHECK_IS(setup(4, &rings[i]), 0);
    for (int i = 0; i < RINGS; i++) CHECK_IS(syscall(SYS_io_destroy, rings[i]), 0);
    return done();
}
