/* remote.c - calls about other processes, futexes by their newer calls, and calls that only some kernels have: they do
 * what Linux does, or fail as on kernels without them. With --window there is only one's own memory to look at. */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/landlock.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

/* Numbers that headers may not know, the same everywhere. */
enum {
    CACHESTAT = 451,
    FCHMODAT2 = 452,
    FUTEX_WAKE_NEW = 454,
    FUTEX_WAIT_NEW,
    FUTEX_REQUEUE_NEW,
    STATMOUNT,
    LISTMOUNT
};
enum { LSM_MODULES = 461, SETXATTRAT = 463, GETXATTRAT, LISTXATTRAT, REMOVEXATTRAT };
enum { WORD32 = 2, PRIVATE = 128 };

static bool missing(long r) {
    return r < 0 && (errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP);
}

/* ---- memory of processes */

static char source[3 * 4096] __attribute__((aligned(4096))), target[3 * 4096] __attribute__((aligned(4096)));

static ssize_t move(bool write, pid_t pid, void *from, size_t size, void *remote, size_t remote_size) {
    struct iovec local = {from, size}, there = {remote, remote_size};
    return write ? process_vm_writev(pid, &local, 1, &there, 1, 0) : process_vm_readv(pid, &local, 1, &there, 1, 0);
}

static void test_own_memory(void) {
    memset(source, 'a', sizeof source);
    struct iovec local[3] = {{target, 1}, {target + 1, 0}, {target + 5, 9}}, remote[2] = {{source, 4}, {source + 4, 6}};
    CHECK_IS(process_vm_readv(getpid(), local, 3, remote, 2, 0), 10);
    CHECK(!memcmp(target, "a\0\0\0\0aaaaaaaaa", 15));
    CHECK_IS(move(true, getpid(), "xyz", 3, target, 3), 3);
    CHECK(!memcmp(target, "xyz", 3));
    CHECK_IS(move(false, getpid(), target, 4, NULL, 0), 0);
    CHECK_IS(process_vm_readv(getpid(), NULL, 0, (void *)-4096L, 1, 0), 0);
    CHECK_FAILS(move(false, getpid(), target, 4, (void *)8, 4), EFAULT);
    CHECK_FAILS(move(false, getpid(), target, 4, (void *)-4096L, 4), EFAULT);
    CHECK_FAILS(move(true, getpid(), target, 4, (void *)0x7ffffffff000, 4), EFAULT);
    CHECK_FAILS(move(false, getpid(), (void *)-4096L, 4, source, 4), EFAULT);
    CHECK_FAILS(process_vm_readv(getpid(), local, 1, remote, 1, 1), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), local, 1025, remote, 1, 0), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), local, 1, remote, 1025, 0), EINVAL);
    CHECK_FAILS(process_vm_readv(getpid(), local, 1, (void *)8, 1, 0), EFAULT);
    /* As far as it goes. */
    mprotect(source + 8192, 4096, PROT_NONE);
    CHECK_IS(move(false, getpid(), target, 3 * 4096, source, 3 * 4096), 8192);
    remote[1].iov_base = (void *)-4096L;
    CHECK_IS(process_vm_readv(getpid(), &(struct iovec){target, 10}, 1, remote, 2, 0), 4);
    mprotect(source + 8192, 4096, PROT_READ);
    CHECK_FAILS(move(true, getpid(), target, 4, source + 8192, 4), EFAULT);
    mprotect(source + 8192, 4096, PROT_READ | PROT_WRITE);
}

static void test_other_memory(void) {
    int ready[2], status, go[2];
    char c;
    CHECK_IS(pipe(ready), 0);
    CHECK_IS(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        strcpy(source, "the child's");
        if (write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1) _exit(1);
        _exit(!strcmp(source, "from afar") ? 7 : 8);
    }
    CHECK_IS(read(ready[0], &c, 1), 1);
    memset(target, 0, sizeof target);
    ssize_t n = move(false, pid, target, 12, source, 12);
    if (n < 0 && errno == EPERM) { /* not to be done here */
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return;
    }
    CHECK_IS(n, 12);
    CHECK(!strcmp(target, "the child's"));
    CHECK_IS(move(true, pid, "from afar", 10, source, 10), 10);
    CHECK_IS(write(go[1], "x", 1), 1);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(WEXITSTATUS(status), 7);
    CHECK_FAILS(move(false, pid, target, 12, source, 12), ESRCH);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

static void test_advice(void) {
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct iovec v = {source, 4096};
    if (pidfd < 0) return;
    long r = syscall(SYS_process_madvise, pidfd, &v, 1, MADV_COLD, 0);
    CHECK(r == 4096 || missing(r));
    r = syscall(SYS_process_madvise, pidfd, &v, 1, 12345, 0);
    CHECK(r < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM));
    CHECK(!strcmp(source, "aaaa") || *source);          /* nothing was thrown away */
    CHECK(syscall(SYS_process_mrelease, pidfd, 0) < 0); /* it is not dying */
    close(pidfd);
}

static void test_compare(void) {
    int a = open("/dev/null", O_RDONLY), b = dup(a), c = open("/dev/null", O_RDONLY), e = epoll_create1(0);
    pid_t self = getpid();
    long r = syscall(SYS_kcmp, self, self, KCMP_FILE, a, b);
    if (!missing(r)) {
        CHECK_IS(r, 0);
        CHECK(syscall(SYS_kcmp, self, self, KCMP_FILE, a, c) > 0);
        CHECK_FAILS(syscall(SYS_kcmp, self, self, KCMP_FILE, a, 999), EBADF);
        CHECK_IS(syscall(SYS_kcmp, self, self, KCMP_VM, 0, 0), 0);
        CHECK_FAILS(syscall(SYS_kcmp, self, self, 99, 0, 0), EINVAL);
        int pair[2];
        CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        struct epoll_event event = {.events = EPOLLIN};
        CHECK_IS(epoll_ctl(e, EPOLL_CTL_ADD, pair[0], &event), 0);
        struct kcmp_epoll_slot slot = {.efd = (unsigned)e, .tfd = (unsigned)pair[0]};
        CHECK_IS(syscall(SYS_kcmp, self, self, KCMP_EPOLL_TFD, pair[0], &slot), 0);
        CHECK_FAILS(syscall(SYS_kcmp, self, self, KCMP_EPOLL_TFD, pair[0], -4096L), EFAULT);
        close(pair[0]), close(pair[1]);
    }
    close(a), close(b), close(c), close(e);
}

/* ---- futexes */

struct waiter {
    uint64_t value, word;
    uint32_t flags, reserved;
};
static uint32_t words[2];
static long waited;

static struct timespec after(long ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (t.tv_nsec + ms * 1000000) / 1000000000;
    t.tv_nsec = (t.tv_nsec + ms * 1000000) % 1000000000;
    return t;
}

static void *waits_for_two(void *arg) {
    struct waiter w[2] = {{0, (uintptr_t)&words[0], WORD32 | PRIVATE, 0},
                          {0, (uintptr_t)&words[1], WORD32 | PRIVATE, 0}};
    waited = syscall(SYS_futex_waitv, w, 2, 0, NULL, CLOCK_MONOTONIC);
    return arg;
}

static void *waits_for_one(void *arg) {
    waited = syscall(FUTEX_WAIT_NEW, &words[0], 0, ~0u, WORD32 | PRIVATE, NULL, CLOCK_MONOTONIC);
    return arg;
}

/* Until somebody has been woken. */
static void wake(uint32_t *word) {
    while (!syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0)) usleep(1000);
}

static void test_futexes(void) {
    pthread_t thread;
    struct timespec soon = after(20);
    struct waiter w = {1, (uintptr_t)&words[0], WORD32 | PRIVATE, 0};
    long r = syscall(SYS_futex_waitv, &w, 1, 0, &soon, CLOCK_MONOTONIC);
    if (missing(r)) return;
    CHECK_FAILS(syscall(SYS_futex_waitv, &w, 1, 0, &soon, CLOCK_MONOTONIC), EAGAIN);
    w.value = 0;
    soon = after(20);
    CHECK_FAILS(syscall(SYS_futex_waitv, &w, 1, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
    CHECK_FAILS(syscall(SYS_futex_waitv, &w, 0, 0, NULL, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_futex_waitv, &w, 129, 0, NULL, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_futex_waitv, NULL, 1, 0, NULL, 0), EINVAL);
    CHECK_FAILS(syscall(SYS_futex_waitv, (void *)-4096L, 1, 0, NULL, 0), EFAULT);
    w.word = (uint64_t)-4096;
    CHECK_FAILS(syscall(SYS_futex_waitv, &w, 1, 0, NULL, 0), EFAULT);
    pthread_create(&thread, NULL, waits_for_two, NULL);
    wake(&words[1]);
    pthread_join(thread, NULL);
    CHECK_IS(waited, 1);
    if (syscall(FUTEX_WAKE_NEW, &words[0], ~0u, 1, WORD32 | PRIVATE) < 0) return;
    CHECK_FAILS(syscall(FUTEX_WAKE_NEW, -4096L, ~0u, 1, WORD32 | PRIVATE), EFAULT);
    CHECK_FAILS(syscall(FUTEX_WAIT_NEW, &words[0], 1, ~0u, WORD32 | PRIVATE, NULL, 0), EAGAIN);
    pthread_create(&thread, NULL, waits_for_one, NULL);
    while (syscall(FUTEX_WAKE_NEW, &words[0], ~0u, 1, WORD32 | PRIVATE) != 1) usleep(1000);
    pthread_join(thread, NULL);
    CHECK_IS(waited, 0);
    pthread_create(&thread, NULL, waits_for_one, NULL);
    struct waiter from_to[2] = {{0, (uintptr_t)&words[0], WORD32 | PRIVATE, 0},
                                {0, (uintptr_t)&words[1], WORD32 | PRIVATE, 0}};
    while (syscall(FUTEX_REQUEUE_NEW, from_to, 0, 0, 1) != 1) usleep(1000);
    CHECK_IS(syscall(FUTEX_WAKE_NEW, &words[0], ~0u, 1, WORD32 | PRIVATE), 0);
    CHECK_IS(syscall(FUTEX_WAKE_NEW, &words[1], ~0u, 1, WORD32 | PRIVATE), 1);
    pthread_join(thread, NULL);
}

/* ---- message queues that tell */

static volatile int told;
static void note(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    told = info->si_code == SI_MESGQ ? info->si_value.sival_int : -1;
}
static void in_thread(union sigval v) {
    told = v.sival_int;
}

static void test_queue(void) {
    char name[40];
    sprintf(name, "/remote-%d", getpid());
    mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_EXCL, 0600, NULL);
    if (q < 0) return; /* nothing to test */
    mq_unlink(name);
    struct mq_attr attr;
    mq_getattr(q, &attr);
    char text[8192];
    struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR2, &a, NULL);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 31};
    CHECK_IS(mq_notify(q, &e), 0);
    CHECK_FAILS(mq_notify(q, &e), EBUSY);
    CHECK_IS(mq_send(q, "a", 1, 0), 0);
    CHECK_IS(told, 31);
    CHECK_IS(mq_receive(q, text, sizeof text, NULL), 1);
    CHECK_IS(mq_notify(q, &e), 0);
    CHECK_IS(mq_notify(q, NULL), 0);
    CHECK_FAILS(syscall(SYS_mq_notify, q, -4096L), EFAULT);
    e = (struct sigevent){
        .sigev_notify = SIGEV_THREAD, .sigev_notify_function = in_thread, .sigev_value.sival_int = 32};
    CHECK_IS(mq_notify(q, &e), 0);
    CHECK_IS(mq_send(q, "b", 1, 0), 0);
    for (int i = 0; i < 5000 && told != 32; i++) usleep(1000);
    CHECK_IS(told, 32);
    mq_close(q);
}

/* ---- files */

static void test_files(void) {
    struct {
        uint64_t value;
        uint32_t size, flags;
    } args = {(uintptr_t) "value", 5, 0};
    int fd = open("attributes", O_CREAT | O_RDWR, 0644);
    char text[64] = "";
    CHECK(fd >= 0);
    CHECK_IS(write(fd, source, 4096), 4096);
    long r = syscall(SETXATTRAT, AT_FDCWD, "attributes", 0, "user.test", &args, sizeof args);
    if (!missing(r)) {
        CHECK_IS(r, 0);
        CHECK_FAILS(syscall(SETXATTRAT, AT_FDCWD, "attributes", 0, "user.test", &args, 8), EINVAL);
        CHECK_FAILS(syscall(SETXATTRAT, AT_FDCWD, "attributes", 0, "user.test", &args, 5000), E2BIG);
        args.value = (uintptr_t)text;
        args.size = sizeof text;
        CHECK_IS(syscall(GETXATTRAT, fd, "", AT_EMPTY_PATH, "user.test", &args, sizeof args), 5);
        CHECK(!strcmp(text, "value"));
        CHECK_IS(syscall(LISTXATTRAT, AT_FDCWD, "attributes", 0, text, sizeof text), 10);
        CHECK(!strcmp(text, "user.test"));
        CHECK_IS(syscall(REMOVEXATTRAT, AT_FDCWD, "attributes", 0, "user.test"), 0);
        args.value = (uint64_t)-4096;
        r = syscall(GETXATTRAT, AT_FDCWD, "attributes", 0, "user.test", &args, sizeof args);
        CHECK(r == -1 && (errno == EFAULT || errno == ENODATA));
    }
    struct stat st;
    r = syscall(FCHMODAT2, AT_FDCWD, "attributes", 0600, AT_SYMLINK_NOFOLLOW);
    CHECK((r == 0 && !stat("attributes", &st) && (st.st_mode & 0777) == 0600) || missing(r));
    uint64_t range[2] = {0, 4096}, counts[5] = {0};
    r = syscall(CACHESTAT, fd, range, counts, 0);
    CHECK((r == 0 && counts[0] <= 1) || missing(r));
    struct file_handle *handle = calloc(1, sizeof *handle + 128);
    int mount;
    handle->handle_bytes = 128;
    r = name_to_handle_at(AT_FDCWD, "attributes", handle, &mount, 0);
    CHECK((r == 0 && handle->handle_bytes <= 128) || missing(r));
    if (r == 0) {
        int here = open(".", O_RDONLY | O_DIRECTORY), again = open_by_handle_at(here, handle, O_RDONLY);
        struct stat first, second;
        CHECK(again >= 0 || errno == EPERM || errno == ESTALE || errno == EOPNOTSUPP);
        if (again >= 0) CHECK(!fstat(fd, &first) && !fstat(again, &second) && first.st_ino == second.st_ino);
        close(again);
        close(here);
    }
    CHECK_FAILS(name_to_handle_at(AT_FDCWD, "attributes", (void *)-4096L, &mount, 0), EFAULT);
    free(handle);
    unlink("attributes");
    close(fd);
    int secret = (int)syscall(SYS_memfd_secret, 0);
    if (secret >= 0) {
        CHECK_IS(ftruncate(secret, 4096), 0);
        char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
        CHECK(at != MAP_FAILED);
        if (at != MAP_FAILED) strcpy(at, "secret");
        CHECK(at == MAP_FAILED || !strcmp(at, "secret"));
        close(secret);
    }
    uint32_t size = sizeof text;
    r = syscall(LSM_MODULES, text, &size, 0);
    CHECK(r >= 0 || missing(r) || errno == E2BIG);
}

/* New mounts in a namespace of one's own, where that is allowed. */
static void mounts(void) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) return;
    int context = (int)syscall(SYS_fsopen, "tmpfs", 1);
    if (context < 0) return;
    CHECK_IS(fcntl(context, F_GETFD), FD_CLOEXEC);
    CHECK_IS(syscall(SYS_fsconfig, context, 1 /* a string */, "size", "64k", 0), 0);
    CHECK_FAILS(syscall(SYS_fsconfig, context, 1, "size", -4096L, 0), EFAULT);
    long r = syscall(SYS_fsconfig, context, 6 /* create */, NULL, NULL, 0);
    if (r < 0) return;
    int mount = (int)syscall(SYS_fsmount, context, 0, 0);
    CHECK(mount >= 0);
    uint64_t attributes[4] = {1 /* for reading only */, 0, 0, 0};
    CHECK_IS(syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, attributes, sizeof attributes), 0);
    CHECK_FAILS(openat(mount, "file", O_CREAT | O_RDWR, 0600), EROFS);
    mkdir("mounted", 0700);
    CHECK_IS(syscall(SYS_move_mount, mount, "", AT_FDCWD, "mounted", 4 /* the source's path is empty */), 0);
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "mounted", 1 /* a copy */);
    CHECK(tree >= 0);
    uint64_t request[3] = {24, UINT64_MAX, 0}, ids[64]; /* the root of the namespace */
    r = syscall(LISTMOUNT, request, ids, 64, 0);
    CHECK(r > 0 || missing(r) || errno == EINVAL);
}

/* ---- landlock */

static void restricted(void) {
    struct landlock_ruleset_attr attr = {.handled_access_fs =
                                             LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) return;
    struct landlock_path_beneath_attr rule = {.allowed_access = attr.handled_access_fs};
    char self[4096] = "";
    CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    rule.parent_fd = open(self, O_PATH);
    CHECK_IS(syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), 0);
    CHECK_FAILS(syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, -4096L, 0), EFAULT);
    CHECK_IS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_IS(syscall(SYS_landlock_restrict_self, rules, 0), 0);
    CHECK_FAILS(open("/etc/passwd", O_RDONLY), EACCES);
    CHECK_FAILS(execl("/bin/true", "true", NULL), EACCES);
    execl(self, self, "restricted", NULL); /* what is allowed to run still runs */
    CHECK_IS(errno, 0);
}

int main(int argc, char **argv) {
    if (argc > 1) return strcmp(argv[1], "restricted") != 0;
    test_own_memory();
    test_other_memory();
    test_advice();
    test_compare();
    test_futexes();
    test_queue();
    test_files();
    CHECK_IS(child_status(mounts), 0);
    rmdir("mounted");
    CHECK_IS(child_status(restricted), 0);
    return done();
}
