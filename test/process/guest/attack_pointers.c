/* attack_pointers.c - system calls with addresses that are the emulator's: every argument that is a pointer in the
 * emulator's own table of calls, and pointers within structs. Each must end in EFAULT, and nothing happen. */
#include "emulator.h"
#include <linux/filter.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static _Alignas(4096) char room[1 << 16]; /* zeros: what a valid pointer leads to */
static int sockets[2], events, pipes[2], file;

static bool fails(const char *name, unsigned argument, uint64_t address, long number, const uint64_t *a) {
    errno = 0;
    long r = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (r == -1 && errno == EFAULT) return true;
    printf("%s, argument %u is 0x%llx: %ld, errno %d\n", name, argument, (unsigned long long)address, r, errno);
    return checks_failed++ > 50;
}

/* ---- by the table's letters */

#ifdef __riscv
#include "rows.h"

static uint64_t plausible(char letter) {
    switch (letter) {
    case 'f': return (uint64_t)file;
    case 'd': return (uint64_t)AT_FDCWD;
    case 'p':
    case 't': return (uint64_t)getpid();
    case 'z': return 8;
    case 'P':
    case 'L':
    case 'S':
    case 'A':
    case 'B':
    case 'D':
    case 'V':
    case '<':
    case '>':
    case '=': return (uint64_t)(uintptr_t)room;
    default: return 0;
    }
}

static bool is_pointer(char letter) {
    return strchr("PLSABDV<>=", letter) != NULL;
}

static void by_letters(uint64_t address) {
    for (unsigned i = 0; i < row_count; i++) {
        char letters[7] = "";
        uint64_t args[6] = {0};
        unsigned n = 0;
        for (const char *s = rows[i].args; *s && n < 6; s += strcspn(s, " "), s += *s == ' ') {
            args[n] = s[strcspn(s, "? ")] == '?' ? 0 : plausible(*s);
            letters[n++] = *s;
        }
        for (unsigned k = 0; k < n; k++) {
            uint64_t a[6];
            memcpy(a, args, sizeof a);
            a[k] = address;
            /* a path that does not end (room is zeros: empty) is looked at before later arguments */
            if (is_pointer(letters[k])) fails(rows[i].name, k, address, rows[i].number, a);
        }
    }
}
#else
static void by_letters(uint64_t address) {
    (void)address;
}
#endif

/* ---- calls that look at their arguments themselves, and pointers in structs; P is replaced everywhere */

#define P     0x5ec7e70000000
#define AT(x) ((uint64_t)(uintptr_t)(x))
static uint64_t vector[4], message[8], filter[2], mask[2], pointers[2];
static const struct {
    const char *name;
    long number;
    uint64_t args[6];
    uint64_t *inner; /* a word of memory that becomes the address */
} calls[] = {
    {"newfstatat", SYS_newfstatat, {(uint64_t)AT_FDCWD, AT("/"), P, 0}, NULL},
    {"fstat", SYS_fstat, {0, P}, NULL},
    {"fcntl F_GETLK", SYS_fcntl, {0, F_GETLK, P}, NULL},
    {"fcntl F_GETOWN_EX", SYS_fcntl, {0, F_GETOWN_EX, P}, NULL},
    {"ioctl FIONREAD", SYS_ioctl, {1, 0x541b, P}, NULL},
    {"ioctl FIONBIO", SYS_ioctl, {1, 0x5421, P}, NULL},
    {"epoll_ctl", SYS_epoll_ctl, {2, EPOLL_CTL_MOD, 1, P}, NULL},
    {"epoll_pwait", SYS_epoll_pwait, {2, P, 1, 0, 0, 8}, NULL},
    {"epoll_pwait mask", SYS_epoll_pwait, {2, AT(room), 1, 0, P, 8}, NULL},
    {"pselect6 read", SYS_pselect6, {64, P, 0, 0, AT(room), 0}, NULL},
    {"pselect6 except", SYS_pselect6, {64, 0, 0, P, AT(room), 0}, NULL},
    {"pselect6 time", SYS_pselect6, {64, 0, 0, 0, P, 0}, NULL},
    {"pselect6 masks", SYS_pselect6, {0, 0, 0, 0, AT(room), P}, NULL},
    {"pselect6 mask", SYS_pselect6, {0, 0, 0, 0, AT(room), AT(mask)}, &mask[0]},
    {"ppoll", SYS_ppoll, {P, 1, AT(room), 0, 8}, NULL},
    {"ppoll mask", SYS_ppoll, {0, 0, AT(room), P, 8}, NULL},
    {"signalfd4", SYS_signalfd4, {(uint64_t)-1, P, 8, 0}, NULL},
    {"futex wait", SYS_futex, {P, 0, 0, 0, 0, 0}, NULL},
    {"futex wake", SYS_futex, {P, 1, 1, 0, 0, 0}, NULL},
    {"futex requeue", SYS_futex, {AT(room), 3, 1, 1, P, 0}, NULL},
    {"futex wake op", SYS_futex, {AT(room), 5, 1, 1, P, 0}, NULL},
    {"futex lock pi", SYS_futex, {P, 6, 0, 0, 0, 0}, NULL},
    {"futex time", SYS_futex, {AT(room), 0, 0, P, 0, 0}, NULL},
    {"readv", SYS_readv, {3, AT(vector), 1}, &vector[0]},
    {"writev", SYS_writev, {3, AT(vector), 2}, &vector[2]},
    {"vmsplice", SYS_vmsplice, {4, AT(vector), 1, 0}, &vector[0]},
    {"sendmsg", SYS_sendmsg, {1, P, 0}, NULL},
    {"sendmsg name", SYS_sendmsg, {1, AT(message), 0}, &message[0]},
    {"sendmsg vector", SYS_sendmsg, {1, AT(message), 0}, &message[2]},
    {"sendmsg vector entry", SYS_sendmsg, {1, AT(message), 0}, &vector[0]},
    {"sendmsg control", SYS_sendmsg, {1, AT(message), 0}, &message[4]},
    {"recvmsg vector entry", SYS_recvmsg, {1, AT(message), MSG_DONTWAIT}, &vector[0]},
    {"sendmmsg", SYS_sendmmsg, {1, P, 1, 0}, NULL},
    {"sendmmsg name", SYS_sendmmsg, {1, AT(message), 1, 0}, &message[0]},
    {"recvmmsg", SYS_recvmmsg, {1, P, 1, MSG_DONTWAIT, 0}, NULL},
    {"recvmmsg vector", SYS_recvmmsg, {1, AT(message), 1, MSG_DONTWAIT, 0}, &message[2]},
    {"setsockopt", SYS_setsockopt, {1, SOL_SOCKET, SO_SNDBUF, P, 4}, NULL},
    {"setsockopt filter", SYS_setsockopt, {1, SOL_SOCKET, SO_ATTACH_FILTER, AT(filter), 16}, &filter[1]},
    {"getsockopt", SYS_getsockopt, {1, SOL_SOCKET, SO_SNDBUF, P, AT(&vector[1])}, NULL},
    {"getsockopt length", SYS_getsockopt, {1, SOL_SOCKET, SO_SNDBUF, AT(room), P}, NULL},
    {"rt_sigaction", SYS_rt_sigaction, {SIGUSR1, P, 0, 8}, NULL},
    {"rt_sigaction old", SYS_rt_sigaction, {SIGUSR1, 0, P, 8}, NULL},
    {"rt_sigprocmask", SYS_rt_sigprocmask, {SIG_BLOCK, P, 0, 8}, NULL},
    {"rt_sigprocmask old", SYS_rt_sigprocmask, {SIG_BLOCK, 0, P, 8}, NULL},
    {"rt_sigpending", SYS_rt_sigpending, {P, 8}, NULL},
    {"rt_sigsuspend", SYS_rt_sigsuspend, {P, 8}, NULL},
    {"rt_sigtimedwait", SYS_rt_sigtimedwait, {P, 0, AT(room), 8}, NULL},
    {"rt_sigtimedwait time", SYS_rt_sigtimedwait, {AT(room), 0, P, 8}, NULL},
    {"sigaltstack", SYS_sigaltstack, {P, 0}, NULL},
    {"sigaltstack old", SYS_sigaltstack, {0, P}, NULL},
    {"uname", SYS_uname, {P}, NULL},
    {"prctl name", SYS_prctl, {15, P}, NULL},
    {"prctl get name", SYS_prctl, {16, P}, NULL},
    {"prctl get pdeathsig", SYS_prctl, {2, P}, NULL},
    {"get_robust_list", SYS_get_robust_list, {0, P, AT(room)}, NULL},
    {"get_robust_list size", SYS_get_robust_list, {0, AT(&room[64]), P}, NULL},
    {"execve", SYS_execve, {P, 0, 0}, NULL},
    {"execve argv", SYS_execve, {AT("/bin/sh"), P, 0}, NULL},
    {"execve argv[0]", SYS_execve, {AT("/bin/sh"), AT(pointers), 0}, &pointers[0]},
    {"execve envp", SYS_execve, {AT("/bin/sh"), AT(room), P}, NULL},
    {"execve envp[0]", SYS_execve, {AT("/bin/sh"), AT(room), AT(pointers)}, &pointers[0]},
    {"execveat", SYS_execveat, {(uint64_t)AT_FDCWD, AT("/bin/sh"), AT(pointers), 0, 0}, &pointers[0]},
    {"mincore", SYS_mincore, {AT(room), 4096, P}, NULL},
#ifdef __riscv
    {"clone parent", SYS_clone, {SIGCHLD | CLONE_PARENT_SETTID, 0, P, 0, 0}, NULL},
    {"clone child", SYS_clone, {SIGCHLD | CLONE_CHILD_SETTID, 0, 0, 0, P}, NULL},
    {"clone cleared", SYS_clone, {SIGCHLD | CLONE_CHILD_CLEARTID, 0, 0, 0, P}, NULL},
    {"clone vfork", SYS_clone, {SIGCHLD | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID, 0, P, 0, 0}, NULL},
    {"clone thread", SYS_clone, {0x50f00 | CLONE_PARENT_SETTID, AT(room + 4096), P, 0, 0}, NULL},
    {"riscv_hwprobe", 258, {P, 1, 0, 0, 0}, NULL},
    {"riscv_hwprobe set", 258, {AT(room), 1, 8, P, 0}, NULL},
#endif
};

static void by_hand(uint64_t address) {
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        uint64_t a[6];
        unsigned at = 9;
        for (unsigned n = 0; n < 6; n++) {
            a[n] = calls[i].args[n] == P ? address : calls[i].args[n];
            if (calls[i].args[n] == P) at = n;
        }
        memset(room, 0, 128);
        memset(vector, 0, sizeof vector);
        memset(message, 0, sizeof message);
        vector[0] = vector[2] = AT(room), vector[1] = vector[3] = 8;
        message[0] = 0, message[1] = 16, message[2] = AT(vector), message[3] = 1, message[5] = 16;
        filter[0] = 1, filter[1] = AT(room), mask[0] = 0, mask[1] = 8;
        pointers[0] = AT(room), pointers[1] = 0;
        if (calls[i].inner) *calls[i].inner = address;
        if (calls[i].number == SYS_futex) address &= ~UINT64_C(3);
        fails(calls[i].name, at, address, calls[i].number, a);
    }
}

static void attack(uint64_t address) {
    by_letters(address);
    by_hand(address);
}

int main(void) {
    char name[] = "attack.tmp";
    CHECK_IS(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
    CHECK_IS(pipe(pipes), 0);
    events = epoll_create1(0);
    file = open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
    unlink(name);
    CHECK_IS(write(file, room, 100), 100);
    emulator_memory();
    int keep = dup(1), descriptors[5] = {dup(file), dup(sockets[0]), dup(events), dup(file), dup(pipes[1])};
    CHECK_IS(write(sockets[1], "to be received", 14), 14);
    fflush(stdout);
    setvbuf(stdout, malloc(1 << 16), _IOFBF, 1 << 16); /* nothing is to be printed meanwhile */
    for (int i = 0; i < 5; i++) dup2(descriptors[i], i);
    struct epoll_event e = {.events = 0};
    CHECK_IS(epoll_ctl(2, EPOLL_CTL_ADD, 1, &e), 0);
    file = 0;
    attack(0xffff800000000000);
    attack(0xfffffffffffff000);
    for (unsigned i = 0; i < range_count && checks_failed < 100; i++) {
        attack(ranges[i].start);
        attack((ranges[i].start + (ranges[i].end - ranges[i].start) / 2) & ~UINT64_C(7));
        attack(ranges[i].end - 8);
    }
    dup2(keep, 1);
    printf("%u ranges\n", range_count);
    return done();
}
