/* memory_file.c - /proc/PID/mem: one's own memory, a child's and a parent's as a file, whatever its rights; by
 * descriptors that were copied, inherited, sent; code that is changed through it; and nothing of the emulator's. */
#include "emulator.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { PAGE = 4096 };

static off_t at(const void *p) {
    return (off_t)(uintptr_t)p;
}

static char *map(int prot, int flags) {
    return mmap(NULL, 4 * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
}

/* `return value;` */
static size_t emit(void *to, int value) {
#ifdef __riscv
    uint32_t code[2] = {0x00000513u | (uint32_t)value << 20, 0x00008067u};
#else
    uint8_t code[6] = {0xb8, (uint8_t)value, (uint8_t)(value >> 8), 0, 0, 0xc3};
#endif
    memcpy(to, code, sizeof code);
    return sizeof code;
}

static void *volatile nowhere = (void *)8;

static void every_right(int fd) {
    char b[3 * PAGE], *p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memcpy(p, "hello", 6);
    CHECK_IS(mprotect(p, PAGE, PROT_NONE), 0);
    CHECK_IS(munmap(p + PAGE, PAGE), 0);
    CHECK_IS(pread(fd, b, 6, at(p)), 6);
    CHECK(!strcmp(b, "hello"));
    CHECK_IS(pwrite(fd, "HEL", 3, at(p)), 3);
    CHECK_IS(pread(fd, b, sizeof b, at(p)), PAGE); /* up to what is not there */
    CHECK(!memcmp(b, "HELlo", 6));
    CHECK_FAILS(pread(fd, b, 1, at(p) + PAGE), EIO);
    CHECK_FAILS(pwrite(fd, b, 1, at(p) + PAGE), EIO);
    CHECK_FAILS(pread(fd, b, 1, 0), EIO);
    CHECK_FAILS(pread(fd, b, 1, 1L << 50), EIO);
    CHECK_FAILS(pread(fd, b, 1, -PAGE), EINVAL);
    CHECK_IS(pread(fd, b, 0, 0), 0);
    CHECK_IS(write(fd, b, 0), 0);
    CHECK_IS(mprotect(p, PAGE, PROT_READ), 0);
    CHECK_IS(pwrite(fd, "J", 1, at(p)), 1);
    CHECK(!strcmp(p, "JELlo"));
    CHECK_FAILS(pread(fd, nowhere, 3, at(p)), EFAULT);
    CHECK_FAILS(pwrite(fd, nowhere, 3, at(p)), EFAULT);
    CHECK_FAILS(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0, ENODEV);
    char *s = map(PROT_READ, MAP_SHARED);
    CHECK_FAILS(pwrite(fd, "J", 1, at(s)), EIO); /* others would see it */
    CHECK_IS(pread(fd, b, 1, at(s)), 1);
    CHECK_IS(*b, 0);
    munmap(p, PAGE);
    munmap(p + 2 * PAGE, 2 * PAGE);
    munmap(s, 4 * PAGE);
}

static void positions(int fd) {
    char b[16] = "", c[16] = "";
    static char data[] = "0123456789abcdef";
    int other = dup(fd);
    CHECK_IS(lseek(fd, at(data), SEEK_SET), at(data));
    CHECK_IS(read(fd, b, 4), 4);
    CHECK_IS(read(other, b + 4, 2), 2); /* one position */
    CHECK(!strcmp(b, "012345"));
    CHECK_IS(lseek(other, 1, SEEK_CUR), at(data) + 7);
    CHECK_FAILS(lseek(other, 0, SEEK_END), EINVAL);
    struct iovec v[2] = {{b, 3}, {c, 2}};
    CHECK_IS(lseek(fd, at(data) + 7, SEEK_SET), at(data) + 7);
    CHECK_IS(readv(fd, v, 2), 5);
    CHECK(!memcmp(b, "789", 3) && !memcmp(c, "ab", 2));
    CHECK_IS(preadv(fd, v, 2, at(data)), 5);
    CHECK(!memcmp(b, "012", 3) && !memcmp(c, "34", 2));
    CHECK_IS(pwritev(fd, v, 2, at(data) + 5), 5);
    CHECK(!strcmp(data, "0123401234abcdef"));
    CHECK_IS(write(fd, "X", 1), 1);
    CHECK(!strcmp(data, "0123401234abXdef"));
    strcpy(data, "0123456789abcdef");
    close(other);
}

static void modes(void) {
    char b[4] = "abc", t[4] = "", link[64] = "", path[40], want[40];
    struct stat st;
    int r = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), w = open("/proc/thread-self/mem", O_WRONLY);
    CHECK_FAILS(pwrite(r, b, 1, at(t)), EBADF);
    CHECK_FAILS(pread(w, b, 1, at(t)), EBADF);
    CHECK_IS(pwrite(w, b, 3, at(t)), 3);
    CHECK(!strcmp(t, "abc"));
    CHECK_IS(fcntl(r, F_GETFL) & O_ACCMODE, O_RDONLY);
    CHECK_IS(fcntl(r, F_GETFD), FD_CLOEXEC);
    CHECK_IS(fcntl(w, F_GETFD), 0);
    CHECK_IS(fstat(r, &st), 0);
    CHECK(S_ISREG(st.st_mode) && st.st_size == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", r);
    snprintf(want, sizeof want, "/proc/%d/mem", (int)getpid());
    CHECK(readlink(path, link, sizeof link - 1) > 0 && !strcmp(link, want));
    close(r);
    close(w);
}

static void code(int fd) {
    char *p = map(PROT_READ | PROT_WRITE, MAP_PRIVATE), bytes[16];
    size_t n = emit(p, 1);
    __builtin___clear_cache(p, p + n);
    CHECK_IS(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
    for (int i = 1; i < 50; i++) {
        CHECK_IS(((int (*)(void))(void *)p)(), i);
        emit(bytes, i + 1);
        CHECK_IS(pwrite(fd, bytes, n, at(p)), n);
    }
    munmap(p, 4 * PAGE);
}

static volatile int word = 5;

static int sent(int from) {
    int pair[2], fd = -1;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    char byte = 0;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.head), &from, sizeof from);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_IS(sendmsg(pair[0], &m, 0), 1);
    CHECK_IS(recvmsg(pair[1], &m, 0), 1);
    memcpy(&fd, CMSG_DATA(&control.head), sizeof fd);
    close(pair[0]);
    close(pair[1]);
    return fd;
}

/* A descriptor means the memory that it was opened for, wherever it is used. */
static void relatives(int fd) {
    int status, value = 0, other = sent(fd), back[2], go[2];
    CHECK_IS(pread(other, &value, sizeof value, at((void *)&word)), sizeof value);
    CHECK_IS(value, 5);
    close(other);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) { /* the parent's memory */
        word = 6;
        value = 7;
        bool good = pread(fd, &value, sizeof value, at((void *)&word)) == sizeof value && value == 5;
        value = 8;
        good = good && pwrite(fd, &value, sizeof value, at((void *)&word)) == sizeof value && word == 6;
        _exit(good ? 3 : 4);
    }
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 3 << 8);
    CHECK_IS(word, 8);
    word = 5;
    CHECK(pipe(back) == 0 && pipe(go) == 0);
    pid = fork();
    if (pid == 0) {
        word = 9;
        if (write(back[1], "x", 1) != 1 || read(go[0], &value, 1) != 1) _exit(1);
        _exit(word);
    }
    char path[40];
    CHECK_IS(read(back[0], &value, 1), 1);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    other = open(path, O_RDWR);
    CHECK(other >= 0);
    CHECK_IS(pread(other, &value, sizeof value, at((void *)&word)), sizeof value);
    CHECK_IS(value, 9);
    value = 10;
    CHECK_IS(pwrite(other, &value, sizeof value, at((void *)&word)), sizeof value);
    CHECK_IS(write(go[1], "x", 1), 1);
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 10 << 8);
    CHECK_IS(pread(other, &value, sizeof value, at((void *)&word)), 0); /* gone */
    close(other);
    CHECK_IS(word, 5);
    close(back[0]), close(back[1]), close(go[0]), close(go[1]);
}

/* ---- nothing else */

static void attack_by(const char *path) {
    char b[16];
    int fd = open(path, O_RDWR);
    if (fd < 0) return;
    for (unsigned i = 0; i < range_count; i++) {
        const struct range *r = &ranges[i];
        if (r->start >> 62) continue;
        CHECK(pread(fd, b, sizeof b, (off_t)r->start) <= 0);
        CHECK(pread(fd, b, sizeof b, (off_t)r->end - 16) <= 0);
        CHECK(pwrite(fd, b, sizeof b, (off_t)r->start) < 0);
        struct iovec v[2] = {{b, 8}, {b + 8, 8}};
        CHECK(preadv(fd, v, 2, (off_t)r->start) <= 0);
        CHECK(lseek(fd, (off_t)r->start, SEEK_SET) < 0 || (read(fd, b, 1) <= 0 && write(fd, b, 1) <= 0));
    }
    close(fd);
}

static void attack(void) {
    char path[64];
    emulator_memory();
    attack_by("/proc/self/mem");
    attack_by("/proc/thread-self/mem");
    snprintf(path, sizeof path, "/proc/self/task/%d/mem", (int)getpid());
    attack_by(path);
    fflush(stdout);
    pid_t pid = fork(), parent = getppid();
    if (pid == 0) {
        snprintf(path, sizeof path, "/proc/%d/mem", (int)parent);
        checks_failed = 0;
        attack_by(path);
        snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
        attack_by(path);
        fflush(stdout);
        _exit(checks_failed ? 1 : 0);
    }
    int status;
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 0);
}

/* Another thread tries numbers that are about to be given to the file, which a third one makes a link to. */
static volatile bool stop;
static volatile unsigned seen;

static void *reads(void *arg) {
    char b[8];
    while (!stop)
        for (int fd = 3; fd < 9; fd++) seen += pread(fd, b, sizeof b, *(off_t *)arg) > 0;
    return NULL;
}

static void *flips(void *arg) {
    while (!stop) {
        symlink("/dev/null", "new"), rename("new", "flips");
        symlink("/proc/self/mem", "new"), rename("new", "flips");
    }
    return arg;
}

static void attack_openings(void) {
    static const char *const paths[] = {"/proc/self/mem", "flips", "./flips", "/proc/thread-self/mem", "self/mem"};
    off_t target = 0;
    pthread_t reader, flipper;
    for (unsigned i = 0; i < range_count; i++)
        if (!(ranges[i].start >> 62)) target = (off_t)ranges[i].start;
    if (!target) return; /* nothing emulates */
    stop = false;
    CHECK_IS(pthread_create(&reader, NULL, reads, &target), 0);
    CHECK_IS(pthread_create(&flipper, NULL, flips, NULL), 0);
    int proc = open("/proc", O_RDONLY);
    for (int i = 0; i < 3000; i++) {
        int fd = openat(proc, paths[i % 5], i & 8 ? O_RDWR : O_RDONLY),
            other = open(paths[i % 4], O_RDWR | O_CREAT, 0600);
        if (fd >= 0) close(fd);
        if (other >= 0) close(other);
    }
    stop = true;
    pthread_join(reader, NULL);
    pthread_join(flipper, NULL);
    close(proc);
    unlink("flips");
    CHECK_IS(seen, 0);
}

static void all(void) {
    int fd = open("/proc/self/mem", O_RDWR);
    CHECK(fd >= 0);
    every_right(fd);
    positions(fd);
    modes();
    code(fd);
    relatives(fd);
    close(fd);
}

static void *waits(void *pipe) {
    char c;
    return read(*(int *)pipe, &c, 1) == 1 ? NULL : pipe;
}

int main(int argc, char **argv) {
    int fds[2];
    pthread_t t;
    if (argc > 1) { /* executed: the memory that this descriptor is of is gone */
        char b[4];
        return pread(atoi(argv[1]), b, 1, at(argv[1])) == 0 ? 0 : 1;
    }
    all();
    attack();
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(pthread_create(&t, NULL, waits, &fds[0]), 0);
    all(); /* with a second thread */
    attack();
    attack_openings();
    CHECK_IS(write(fds[1], "x", 1), 1);
    pthread_join(t, NULL);
    CHECK_IS(prctl(PR_SET_DUMPABLE, 0), 0);
    all();
    CHECK_IS(prctl(PR_SET_DUMPABLE, 1), 0);
    char number[12];
    int fd = open("/proc/self/mem", O_RDWR);
    snprintf(number, sizeof number, "%d", fd);
    fflush(stdout);
    if (checks_failed) return 1;
    execl("/proc/self/exe", argv[0], number, (char *)NULL);
    return 2;
}
