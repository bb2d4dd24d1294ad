/* attack_descriptors.c - the emulator's own descriptors: to the program they are not there, and whatever it does with
 * their numbers, it can run programs afterwards. */
#include "emulator.h"
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>

static char program[4096];
static int own; /* the emulator's descriptor that is attacked */

static void run_again(void) {
    execl(program, program, "again", (char *)NULL);
    _exit(77);
}

static void can_run(void) {
    CHECK_IS(child_status(run_again), 5 << 8);
}

#ifdef __riscv
#include "rows.h"
/* The rest of the arguments are null, so nothing would happen if it were accepted. */
static void by_letters(void) {
    for (unsigned i = 0; i < row_count; i++) {
        unsigned n = 0;
        for (const char *s = rows[i].args; *s && n < 6; s += strcspn(s, " "), s += *s == ' ', n++) {
            uint64_t a[6] = {0};
            if ((*s != 'f' && *s != 'd') || !strcmp(rows[i].name, "mmap")) continue;
            const char *letters = rows[i].args;
            for (unsigned k = 0; k < n; k++, letters += strcspn(letters, " "), letters += *letters == ' ')
                if (strchr("PLS", *letters)) a[k] = (uint64_t)(uintptr_t) ""; /* these are looked at first */
            a[n] = (uint64_t)own;
            errno = 0;
            long r = syscall(rows[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (r == -1 && errno == EBADF) continue;
            printf("%s with descriptor %d as argument %u: %ld, errno %d\n", rows[i].name, own, n, r, errno);
            checks_failed++;
        }
    }
}
#else
static void by_letters(void) {}
#endif

static void by_hand(void) {
    CHECK_FAILS(close(own), EBADF);
    CHECK_FAILS(dup(own), EBADF);
    CHECK_FAILS(fcntl(own, F_DUPFD, 0), EBADF);
    CHECK_FAILS(fcntl(own, F_SETFD, 0), EBADF);
    CHECK_FAILS(openat(own, "x", O_RDONLY), EBADF);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, own, 0) == MAP_FAILED && errno == EBADF);
}

static void in_messages(void) {
    int pair[2];
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec v = {"x", 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(&control.head), &own, sizeof own);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CHECK_FAILS(sendmsg(pair[0], &m, 0), EBADF);
    close(pair[0]);
    close(pair[1]);
}

static void replaced(void) {
    CHECK_IS(dup2(1, own), own);
    CHECK_IS(fcntl(own, F_GETFD), 0);
    can_run();
    CHECK_IS(close(own), 0);
    can_run();
}

static void closed_all(void) {
    CHECK_IS(syscall(SYS_close_range, 3, ~0u, 0), 0);
    can_run();
    CHECK_IS(syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
    can_run();
    for (int fd = 3; fd < 2000; fd++) close(fd);
    can_run();
}

/* Numbers at and above the limit cannot be made, and the highest one below can. */
static void limited(void) {
    struct rlimit r;
    CHECK_IS(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = (rlim_t)own;
    CHECK_IS(setrlimit(RLIMIT_NOFILE, &r), 0);
    CHECK_FAILS(dup2(1, own), EBADF);
    CHECK_IS(dup2(1, own - 1), own - 1);
    can_run();
    r.rlim_cur = 8;
    CHECK_IS(setrlimit(RLIMIT_NOFILE, &r), 0);
    can_run();
    CHECK_FAILS(dup2(1, own), EBADF);
}

/* The lowest number that is free is the next, up to the limit, as if no other descriptors were there. */
static int lowest(int from, int limit) {
    while (from < limit && fcntl(from, F_GETFD) >= 0) from++;
    return from;
}

static void fill(int limit, bool pairs) {
    int fd = lowest(3, limit), next, pair[2];
    for (; pairs && (next = lowest(fd + 1, limit)) < limit; fd = lowest(next + 1, limit)) {
        CHECK_IS(pipe(pair), 0);
        CHECK_IS(pair[0], fd);
        CHECK_IS(pair[1], next);
    }
    for (; fd < limit; fd = lowest(fd + 1, limit)) CHECK_IS(dup(1), fd);
    CHECK_FAILS(dup(1), EMFILE);
    CHECK_FAILS(pipe(pair), EMFILE);
}

static void in_turn(bool pairs) {
    struct rlimit r;
    CHECK_IS(getrlimit(RLIMIT_NOFILE, &r), 0);
    const rlim_t limits[] = {(rlim_t)own, (rlim_t)own + 1, (rlim_t)own + 4, (rlim_t)own + 8, r.rlim_max};
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i] > r.rlim_max || limits[i] > 100000) continue;
        r.rlim_cur = limits[i];
        CHECK_IS(setrlimit(RLIMIT_NOFILE, &r), 0);
        fill((int)r.rlim_cur, pairs);
    }
    for (int fd = 3; fd < 20; fd++) close(fd); /* where no limit can be raised, nothing is looked at without one */
    can_run();
}

static void one_by_one(void) {
    in_turn(false);
}

static void in_pairs(void) {
    in_turn(true);
}

/* What a child that shares memory, or the descriptors, does with the number is its own affair. */
static void by_vfork(void) {
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        dup2(1, own);
        execl(program, program, "again", (char *)NULL);
        _exit(77);
    }
    CHECK_IS(waitpid(pid, &status, 0), pid);
    CHECK_IS(status, 5 << 8);
    CHECK_FAILS(fcntl(own, F_GETFD), EBADF);
    can_run();
}

static void by_sharing(void) {
    int status;
    fflush(stdout);
    long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        dup2(1, own);
        _exit(own == dup2(1, own) ? 6 : 7);
    }
    CHECK_IS(waitpid((pid_t)pid, &status, 0), pid);
    CHECK_IS(status, 6 << 8);
    CHECK_IS(fcntl(own, F_GETFD), 0);
    can_run();
    can_run();
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "again")) return 5;
    CHECK(realpath(argv[0], program) != NULL);
    emulator_descriptors();
    if (!emulator_fd_count) emulator_fds[emulator_fd_count++] = 987; /* it is not there */
    for (unsigned i = 0; i < emulator_fd_count; i++) {
        own = emulator_fds[i];
        by_letters();
        by_hand();
        in_messages();
        can_run();
        CHECK_IS(child_status(replaced), 0);
        CHECK_IS(child_status(closed_all), 0);
        CHECK_IS(child_status(limited), 0);
        CHECK_IS(child_status(one_by_one), 0);
        CHECK_IS(child_status(in_pairs), 0);
        CHECK_IS(child_status(by_vfork), 0);
        CHECK_IS(child_status(by_sharing), 0);
    }
    return done();
}
