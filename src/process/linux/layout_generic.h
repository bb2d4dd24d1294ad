/* layout_generic.h - structs of system calls as Linux's generic 64-bit interface has them (riscv64, arm64): nearly all
 * are the host's own. An instruction set whose programs have one otherwise defines that type anew.
 */
#ifndef PROCESS_LINUX_LAYOUT_GENERIC_H
#define PROCESS_LINUX_LAYOUT_GENERIC_H

#include "process/linux/layout.h"

struct generic_time {
    int64_t tv_sec;
    uint64_t tv_nsec;
};
struct generic_stat {
    uint64_t st_dev, st_ino;
    uint32_t st_mode, st_nlink, st_uid, st_gid;
    uint64_t st_rdev, pad1;
    int64_t st_size;
    int32_t st_blksize, pad2;
    int64_t st_blocks;
    struct generic_time st_atim, st_mtim, st_ctim;
    uint32_t unused[2];
};
/** The host's is packed. */
struct generic_epoll_event {
    uint32_t events, pad;
    uint64_t data;
};
struct generic_sigaction {
    uint64_t handler, flags;
    struct absent restorer;
    uint64_t mask;
};
/** The host has a word more behind each time. */
struct generic_semid_ds {
    struct ipc_perm sem_perm;
    int64_t sem_otime, sem_ctime;
    uint64_t sem_nsems, unused[2];
};

#define TYPE_word        struct word
#define TYPE_offset      struct offset
#define TYPE_timespec    struct timespec
#define TYPE_timespecs   struct timespecs
#define TYPE_itimerspec  struct itimerspec
#define TYPE_timeval     struct timeval
#define TYPE_itimerval   struct itimerval
#define TYPE_timex       struct timex
#define TYPE_tms         struct tms
#define TYPE_rusage      struct rusage
#define TYPE_rlimit      struct rlimit
#define TYPE_sysinfo     struct sysinfo
#define TYPE_stat        struct generic_stat
#define TYPE_statfs      struct statfs
#define TYPE_flock       struct flock
#define TYPE_epoll_event struct generic_epoll_event
#define TYPE_sigaction   struct generic_sigaction
#define TYPE_sigaltstack stack_t
#define TYPE_sigevent    struct sigevent
#define TYPE_iovec       struct iovec
#define TYPE_msghdr      struct msghdr
#define TYPE_sock_fprog  struct sock_fprog
#define TYPE_mq_attr     struct mq_attr
#define TYPE_semid_ds    struct generic_semid_ds
#define TYPE_msqid_ds    struct msqid_ds
#define TYPE_shmid_ds    struct shmid_ds

#endif
