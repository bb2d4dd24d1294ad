/* arm32.h - structs of system calls as 32-bit arm has them, for tests of what layouts can say. Some calls have two
 * forms: TYPE_name is the later one, of 64 bits; with ARM32_OLD, the earlier one.
 */
#ifndef ARM32_H
#define ARM32_H

#include "process/linux/layout.h"

struct arm32_word {
    uint32_t value;
};
struct arm32_offset {
    int32_t value;
};
struct arm32_timespec {
    int32_t tv_sec, tv_nsec;
};
struct arm32_timespecs {
    struct arm32_timespec at[2];
};
struct arm32_itimerspec {
    struct arm32_timespec it_interval, it_value;
};
struct arm32_timeval {
    int32_t tv_sec, tv_usec;
};
struct arm32_itimerval {
    struct arm32_timeval it_interval, it_value;
};
struct arm32_timex {
    uint32_t modes;
    int32_t offset, freq, maxerror, esterror, status, constant, precision, tolerance;
    struct arm32_timeval time;
    int32_t tick, ppsfreq, jitter, shift, stabil, jitcnt, calcnt, errcnt, stbcnt, tai, more[11];
};
struct arm32_tms {
    int32_t tms_utime, tms_stime, tms_cutime, tms_cstime;
};
struct arm32_rusage {
    struct arm32_timeval ru_utime, ru_stime;
    int32_t ru_maxrss, ru_ixrss, ru_idrss, ru_isrss, ru_minflt, ru_majflt, ru_nswap, ru_inblock, ru_oublock, ru_msgsnd,
        ru_msgrcv, ru_nsignals, ru_nvcsw, ru_nivcsw;
};
struct arm32_rlimit {
    uint32_t rlim_cur, rlim_max;
};
struct arm32_sysinfo {
    int32_t uptime;
    uint32_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t totalhigh, freehigh, mem_unit;
    uint8_t more[8];
};
struct arm32_stat64 {
    uint64_t st_dev;
    uint32_t pad0, low_ino, st_mode, st_nlink, st_uid, st_gid;
    uint64_t st_rdev;
    uint32_t pad3;
    int64_t st_size;
    uint32_t st_blksize;
    uint64_t st_blocks;
    struct arm32_timespec st_atim, st_mtim, st_ctim;
    uint64_t st_ino;
};
struct arm32_stat {
    uint32_t st_dev, st_ino;
    uint16_t st_mode, st_nlink, st_uid, st_gid;
    uint32_t st_rdev;
    int32_t st_size;
    uint32_t st_blksize, st_blocks;
    struct arm32_timespec st_atim, st_mtim, st_ctim;
    uint32_t unused[2];
};
struct arm32_fsid {
    int32_t __val[2];
};
struct __attribute__((packed, aligned(4))) arm32_statfs64 {
    uint32_t f_type, f_bsize;
    uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    struct arm32_fsid f_fsid;
    uint32_t f_namelen, f_frsize, f_flags, f_spare[4];
};
struct arm32_statfs {
    uint32_t f_type, f_bsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree;
    struct arm32_fsid f_fsid;
    uint32_t f_namelen, f_frsize, f_flags, f_spare[4];
};
struct arm32_flock64 {
    int16_t l_type, l_whence;
    int64_t l_start, l_len;
    int32_t l_pid;
};
struct arm32_flock {
    int16_t l_type, l_whence;
    int32_t l_start, l_len, l_pid;
};
struct arm32_epoll_event {
    uint32_t events;
    uint64_t data;
};
struct arm32_sigaction {
    uint32_t handler, flags, restorer;
    uint64_t mask __attribute__((packed, aligned(4)));
};
struct arm32_sigaltstack {
    uint32_t ss_sp;
    int32_t ss_flags;
    uint32_t ss_size;
};
struct arm32_sigevent {
    struct {
        uint32_t sival_ptr;
    } sigev_value;
    int32_t sigev_signo, sigev_notify;
    struct {
        int32_t _tid, more[12];
    } _sigev_un;
};
struct arm32_iovec {
    uint32_t iov_base, iov_len;
};
struct arm32_msghdr {
    uint32_t msg_name;
    int32_t msg_namelen;
    uint32_t msg_iov, msg_iovlen, msg_control, msg_controllen;
    int32_t msg_flags;
};
struct arm32_sock_fprog {
    uint16_t len;
    uint32_t filter;
};
struct arm32_mq_attr {
    int32_t mq_flags, mq_maxmsg, mq_msgsize, mq_curmsgs, more[4];
};
struct arm32_ipc_perm {
    int32_t __key;
    uint32_t uid, gid, cuid, cgid;
    uint16_t mode, pad1, __seq, pad2;
    uint32_t unused[2];
};
struct arm32_semid_ds {
    struct arm32_ipc_perm sem_perm;
    uint32_t sem_otime, otime_high, sem_ctime, ctime_high, sem_nsems, unused[2];
};
struct arm32_msqid_ds {
    struct arm32_ipc_perm msg_perm;
    uint32_t msg_stime, stime_high, msg_rtime, rtime_high, msg_ctime, ctime_high, __msg_cbytes, msg_qnum, msg_qbytes;
    int32_t msg_lspid, msg_lrpid;
    uint32_t unused[2];
};
struct arm32_shmid_ds {
    struct arm32_ipc_perm shm_perm;
    uint32_t shm_segsz, shm_atime, atime_high, shm_dtime, dtime_high, shm_ctime, ctime_high;
    int32_t shm_cpid, shm_lpid;
    uint32_t shm_nattch, unused[2];
};

/** An ARMv7 with NEON. Its note of floating-point registers is one of a unit that there is no more. */
static const struct abi_machine arm32_machine __attribute__((unused)) = {
    .name = "armv7l",
    .platform = "v7l",
    .elf_machine = 40,
    .elf_flags = 0x05000400, /* version 5 of the conventions, numbers in registers */
    .hwcap = 0x8b0d7,
    .has_hwcap2 = true,
    .addresses = 0xbf000000,
    .programs = 0x400000,
    .integers = 18 * 4,
};

#endif

#undef TYPE_offset
#undef TYPE_timespec
#undef TYPE_timespecs
#undef TYPE_itimerspec
#undef TYPE_timex
#undef TYPE_stat
#undef TYPE_statfs
#undef TYPE_flock
#ifdef ARM32_OLD
#define TYPE_offset     struct arm32_offset
#define TYPE_timespec   struct arm32_timespec
#define TYPE_timespecs  struct arm32_timespecs
#define TYPE_itimerspec struct arm32_itimerspec
#define TYPE_timex      struct arm32_timex
#define TYPE_stat       struct arm32_stat
#define TYPE_statfs     struct arm32_statfs
#define TYPE_flock      struct arm32_flock
#else
#define TYPE_offset     struct offset
#define TYPE_timespec   struct timespec
#define TYPE_timespecs  struct timespecs
#define TYPE_itimerspec struct itimerspec
#define TYPE_timex      struct timex
#define TYPE_stat       struct arm32_stat64
#define TYPE_statfs     struct arm32_statfs64
#define TYPE_flock      struct arm32_flock64
#endif

#undef TYPE_word
#undef TYPE_timeval
#undef TYPE_itimerval
#undef TYPE_tms
#undef TYPE_rusage
#undef TYPE_rlimit
#undef TYPE_sysinfo
#undef TYPE_epoll_event
#undef TYPE_sigaction
#undef TYPE_sigaltstack
#undef TYPE_sigevent
#undef TYPE_iovec
#undef TYPE_msghdr
#undef TYPE_sock_fprog
#undef TYPE_mq_attr
#undef TYPE_semid_ds
#undef TYPE_msqid_ds
#undef TYPE_shmid_ds
#define TYPE_word        struct arm32_word
#define TYPE_timeval     struct arm32_timeval
#define TYPE_itimerval   struct arm32_itimerval
#define TYPE_tms         struct arm32_tms
#define TYPE_rusage      struct arm32_rusage
#define TYPE_rlimit      struct arm32_rlimit
#define TYPE_sysinfo     struct arm32_sysinfo
#define TYPE_epoll_event struct arm32_epoll_event
#define TYPE_sigaction   struct arm32_sigaction
#define TYPE_sigaltstack struct arm32_sigaltstack
#define TYPE_sigevent    struct arm32_sigevent
#define TYPE_iovec       struct arm32_iovec
#define TYPE_msghdr      struct arm32_msghdr
#define TYPE_sock_fprog  struct arm32_sock_fprog
#define TYPE_mq_attr     struct arm32_mq_attr
#define TYPE_semid_ds    struct arm32_semid_ds
#define TYPE_msqid_ds    struct arm32_msqid_ds
#define TYPE_shmid_ds    struct arm32_shmid_ds
