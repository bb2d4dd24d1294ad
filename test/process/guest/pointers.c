/* pointers.c - bad addresses in system calls: EFAULT whatever lies there, also where the emulator itself may live. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

static const uint64_t addresses[] = {
    1,              /* the null page */
    0x700000000000, /* nothing on either side, or above what this guest may have */
#ifdef __riscv
    0x555555554000, /* where programs like the emulator usually are */
    0x7ffff7000000,
    0x7ffffffde000,
    0x400000000000, /* the limit of memory, around it */
    0x3fffffffffff,
    0x3ffffffff000,
#endif
    0x7fffffffffff,
    0x800000000000,
    0xffff800000000000, /* the kernel's half */
    0xfffffffffffff000,
    UINT64_MAX,
};

static int zero, file, in, out;
static char own[16];
static struct iovec good = {own, sizeof own};

/* Each with a pointer that it must look at, as number and six arguments; P is the pointer. */
#define P 0x5ec7e7
static struct {
    const char *name;
    long number;
    uint64_t args[6];
} calls[] = {
    {"read", SYS_read, {0, P, 8}},
    {"write", SYS_write, {1, P, 8}},
    {"readv", SYS_readv, {0, P, 1}},
    {"writev", SYS_writev, {1, P, 1}},
    {"pread", SYS_pread64, {2, P, 8, 0}},
    {"pwrite", SYS_pwrite64, {2, P, 8, 0}},
    {"openat", SYS_openat, {(uint64_t)AT_FDCWD, P, O_RDONLY, 0}},
    {"fstat", SYS_fstat, {0, P}},
    {"newfstatat path", SYS_newfstatat, {(uint64_t)AT_FDCWD, P, 0, 0}},
    {"statx", SYS_statx, {(uint64_t)AT_FDCWD, (uint64_t) "/", 0, 0, P}},
    {"fstatfs", SYS_fstatfs, {2, P}},
    {"getdents64", SYS_getdents64, {3, P, 1024}},
    {"readlinkat", SYS_readlinkat, {(uint64_t)AT_FDCWD, P, (uint64_t)&zero, 4}},
    {"mkdirat", SYS_mkdirat, {(uint64_t)AT_FDCWD, P, 0}},
    {"unlinkat", SYS_unlinkat, {(uint64_t)AT_FDCWD, P, 0}},
    {"symlinkat", SYS_symlinkat, {P, (uint64_t)AT_FDCWD, (uint64_t) "x"}},
    {"linkat", SYS_linkat, {(uint64_t)AT_FDCWD, P, (uint64_t)AT_FDCWD, P, 0}},
    {"renameat2", SYS_renameat2, {(uint64_t)AT_FDCWD, P, (uint64_t)AT_FDCWD, P, 0}},
    {"faccessat", SYS_faccessat, {(uint64_t)AT_FDCWD, P, 0}},
    {"chdir", SYS_chdir, {P}},
    {"truncate", SYS_truncate, {P, 0}},
    {"utimensat", SYS_utimensat, {(uint64_t)AT_FDCWD, P, 0, 0}},
    {"pipe2", SYS_pipe2, {P, 0}},
    {"fcntl lock", SYS_fcntl, {2, F_GETLK, P}},
    {"ppoll", SYS_ppoll, {P, 1, 0, 0, 8}},
    {"epoll_ctl", SYS_epoll_ctl, {4, EPOLL_CTL_ADD, 0, P}},
    {"uname", SYS_uname, {P}},
    {"getrusage", SYS_getrusage, {0, P}},
    {"getrlimit", SYS_prlimit64, {0, RLIMIT_NOFILE, 0, P}},
    {"setrlimit", SYS_prlimit64, {0, RLIMIT_NOFILE, P, 0}},
    {"setrlimit stack", SYS_prlimit64, {0, RLIMIT_STACK, P, 0}},
    {"sysinfo", SYS_sysinfo, {P}},
    {"times", SYS_times, {P}},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_MONOTONIC, P}},
    {"clock_getres", SYS_clock_getres, {CLOCK_MONOTONIC, P}},
    {"gettimeofday", SYS_gettimeofday, {P, 0}},
    {"nanosleep", SYS_nanosleep, {P, 0}},
    {"clock_nanosleep", SYS_clock_nanosleep, {CLOCK_MONOTONIC, 0, P, 0}},
    {"setitimer", SYS_setitimer, {ITIMER_REAL, P, 0}},
    {"getitimer", SYS_getitimer, {ITIMER_REAL, P}},
    {"timer_create", SYS_timer_create, {CLOCK_MONOTONIC, 0, P}},
    {"getrandom", SYS_getrandom, {P, 8, 0}},
    {"getcwd", SYS_getcwd, {P, 64}},
    {"getresuid", SYS_getresuid, {P, P, P}},
    {"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, P, 0, 8}},
    {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, P, 8}},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, P, 0, 8}},
    {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, P, 8}},
    {"rt_sigpending", SYS_rt_sigpending, {P, 8}},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {P, 8}},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {P, 0, 0, 8}},
    {"sigaltstack", SYS_sigaltstack, {P, 0}},
    {"sigaltstack old", SYS_sigaltstack, {0, P}},
    {"memfd_create", SYS_memfd_create, {P, 0}},
    {"socketpair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, P}},
    {"bind", SYS_bind, {5, P, 16}},
    {"sendmsg", SYS_sendmsg, {5, P, 0}},
    {"recvmsg", SYS_recvmsg, {5, P, MSG_DONTWAIT}},
    {"setsockopt", SYS_setsockopt, {5, SOL_SOCKET, SO_SNDBUF, P, 4}},
    {"getsockopt", SYS_getsockopt, {5, SOL_SOCKET, SO_SNDBUF, P, P}},
    {"execve", SYS_execve, {P, 0, 0}},
    {"execve argv", SYS_execve, {(uint64_t) "/bin/sh", P, 0}},
    {"mincore", SYS_mincore, {(uint64_t)calls, 4096, P}},
    {"futex", SYS_futex, {P, 1 /* wake */, 1, 0, 0, 0}},
    {"capget", SYS_capget, {P, 0}},
    {"sched_getaffinity", SYS_sched_getaffinity, {0, 128, P}},
    {"prctl", SYS_prctl, {16 /* get name */, P}},
    {"prctl death", SYS_prctl, {2 /* get the signal */, P}},
    {"clone3", SYS_clone3, {P, 88}},
    {"seccomp filter", SYS_seccomp, {1, 0, P}},
    {"seccomp action", SYS_seccomp, {2, 0, P}},
    {"seccomp sizes", SYS_seccomp, {3, 0, P}},
    {"process_vm_readv", SYS_process_vm_readv, {0, P, 1, (uint64_t)&good, 1, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {0, (uint64_t)&good, 1, P, 1, 0}},
    {"futex_waitv", SYS_futex_waitv, {P, 1, 0, 0, 0}},
    {"mq_notify", SYS_mq_notify, {5, P}},
    {"shmctl", SYS_shmctl, {0, 3 /* limits */, P}},
    {"name_to_handle_at", SYS_name_to_handle_at, {(uint64_t)AT_FDCWD, (uint64_t) "/", P, (uint64_t)own, 0}},
    {"open_tree", SYS_open_tree, {(uint64_t)AT_FDCWD, P, 0}},
    {"interfaces", SYS_ioctl, {5, 0x8912, P}},
    {"cachestat", 451, {2, P, P, 0}},
    {"fchmodat2", 452, {(uint64_t)AT_FDCWD, P, 0, 0}},
    {"statmount", 457, {P, P, 256, 0}},
    {"setxattrat", 463, {(uint64_t)AT_FDCWD, (uint64_t) "/", 0, (uint64_t) "user.x", P, 16}},
    {"open_tree_attr", 467, {(uint64_t)AT_FDCWD, P, 0, 0, 0}},
    {"file_getattr", 468, {(uint64_t)AT_FDCWD, (uint64_t) ".", P, 24, 0}},
    {"file_getattr path", 468, {(uint64_t)AT_FDCWD, P, (uint64_t)own, 24, 0}},
    {"file_setattr", 469, {(uint64_t)AT_FDCWD, (uint64_t) ".", P, 24, 0}},
};

static void try_all(void) {
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
        for (unsigned k = 0; k < sizeof addresses / sizeof *addresses; k++) {
            uint64_t a[6];
            for (unsigned n = 0; n < 6; n++) a[n] = calls[i].args[n] == P ? addresses[k] : calls[i].args[n];
            if (calls[i].number == SYS_mincore) a[0] &= ~UINT64_C(4095);
            if (calls[i].number == SYS_futex) a[0] &= ~UINT64_C(3);
            errno = 0;
            long r = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (r == -1 && (errno == EFAULT || errno == ENOSYS /* a kernel that is older */)) continue;
            printf("%s with 0x%llx: %ld, errno %d\n", calls[i].name, (unsigned long long)addresses[k], r, errno);
            checks_failed++;
        }
}

/* Vectors with one bad element are refused whole; ranges that run over the end of memory, too. */
static void ranges(void) {
    char buffer[16] = "0123456789";
    struct iovec v[2] = {{buffer, 4}, {(void *)0xffff800000000000, 4}};
    int fds[2];
    CHECK_IS(pipe(fds), 0);
    CHECK_FAILS(syscall(SYS_writev, fds[1], v, 2), EFAULT);
    v[1] = (struct iovec){buffer, (size_t)-1};
    CHECK_FAILS(syscall(SYS_writev, fds[1], v, 2), EINVAL);
    CHECK_FAILS(syscall(SYS_writev, fds[1], v, 1025), EINVAL);
    CHECK_FAILS(syscall(SYS_write, fds[1], buffer, (size_t)-1 >> 1), EFAULT);
    CHECK_FAILS(syscall(SYS_read, fds[0], buffer, (size_t)-1), EFAULT);
    /* What is there is written, up to the page that is not. */
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_IS(munmap(two + 4096, 4096), 0);
    memset(two, 'x', 4096);
    CHECK_IS(pwrite(2, two + 4000, 200, 0), 96);
    CHECK_IS(pread(2, buffer, 16, 80), 16);
    CHECK_IS(buffer[15], 'x');
    CHECK_IS(pread(2, two + 4090, 16, 0), 6);
    /* A string that ends right before such a page. */
    strcpy(two + 4096 - 2, "/");
    CHECK_IS(access(two + 4096 - 2, F_OK), 0);
    memset(two + 4090, '/', 6);
    CHECK_FAILS(access(two + 4090, F_OK), EFAULT);
    static char longest[5000];
    memset(longest, '/', sizeof longest - 1);
    CHECK_FAILS(access(longest, F_OK), ENAMETOOLONG);
    close(fds[0]);
    close(fds[1]);
}

int main(void) {
    char name[] = "pointers.tmp";
    file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink(name);
    CHECK_IS(write(file, name, sizeof name), sizeof name);
    int fds[2], pair[2];
    CHECK_IS(pipe(fds), 0);
    CHECK_IS(write(fds[1], name, sizeof name), sizeof name);
    CHECK_IS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    in = dup(fds[0]), out = dup(fds[1]);
    int directory = open("/", O_RDONLY | O_DIRECTORY), events = epoll_create1(0), keep = dup(1);
    int socket = dup(pair[0]);
    dup2(in, 0), dup2(out, 1), dup2(file, 2), dup2(directory, 3), dup2(events, 4), dup2(socket, 5);
    setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16); /* nothing is to be printed meanwhile */
    try_all();
    dup2(keep, 1);
    ranges();
    return done();
}
