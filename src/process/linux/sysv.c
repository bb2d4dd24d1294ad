/* sysv.c - System V semaphores and message queues: the calls whose last argument depends on the command. Sets, queues
 * and their permissions are the host's, so guests and host programs share them. Shared memory (shmget) is not there.
 */
#include "process/linux/linux.h"
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

/** struct semid64_ds as 64-bit guests have it; x86-64 has a word more behind each time. */
struct guest_semaphores {
    struct ipc_perm permissions;
    uint64_t operation_time, change_time, count, unused[2];
};
_Static_assert(sizeof(struct guest_semaphores) == 88 && sizeof(struct semid_ds) == 104, "layout");

static int64_t host_semctl(struct call *c, int command, const void *argument) {
    return host_do(SYS_semctl, c->guest[0], c->guest[1], command, argument);
}

static int64_t semaphores_show(struct call *c, int command, uint64_t to) {
    struct semid_ds h;
    int64_t r = host_semctl(c, command, &h);
    if (r < 0) return r;
    struct guest_semaphores g = {.permissions = h.sem_perm,
                                 .operation_time = (uint64_t)h.sem_otime,
                                 .change_time = (uint64_t)h.sem_ctime,
                                 .count = h.sem_nsems};
    return call_write(c, to, &g, sizeof g) ? r : -EFAULT;
}

static int64_t semaphores_set(struct call *c, uint64_t from) {
    struct guest_semaphores g;
    if (!call_read(c, from, &g, sizeof g)) return -EFAULT;
    struct semid_ds h = {.sem_perm = g.permissions}; /* nothing else is looked at */
    return host_semctl(c, IPC_SET, &h);
}

/* GETALL, SETALL: the kernel is told no length, so the number of semaphores is asked for first. */
static int64_t semaphores_all(struct call *c, int command, uint64_t at) {
    struct semid_ds h;
    uint64_t host;
    int64_t r = host_semctl(c, IPC_STAT, &h);
    if (r < 0) return r;
    if (!call_pointer(c, at, h.sem_nsems * sizeof(uint16_t), &host)) return -EFAULT;
    return host_semctl(c, command, (void *)(uintptr_t)host);
}

int64_t call_semctl(struct call *c) {
    int command = (int)c->guest[2];
    uint64_t argument = c->guest[3];
    switch (command) {
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: return semaphores_show(c, command, argument);
    case IPC_SET: return semaphores_set(c, argument);
    case GETALL:
    case SETALL: return semaphores_all(c, command, argument);
    case IPC_INFO:
    case SEM_INFO:
        if (!call_pointer(c, argument, sizeof(struct seminfo), &argument)) return -EFAULT;
        return host_semctl(c, command, (void *)(uintptr_t)argument);
    case GETPID: return process_id_out(c->process, host_semctl(c, command, NULL));
    case GETVAL:
    case GETNCNT:
    case GETZCNT:
    case IPC_RMID:
    case SETVAL: return host_semctl(c, command, (void *)(uintptr_t)argument);
    default: return -EINVAL;
    }
}

static int64_t queue_show(struct call *c, int command, uint64_t to) {
    struct msqid_ds q;
    _Static_assert(sizeof q == 120, "layout: the same for every 64-bit Linux");
    int64_t r = host_do(SYS_msgctl, c->guest[0], command, &q);
    if (r < 0) return r;
    q.msg_lspid = (pid_t)process_id_out(c->process, q.msg_lspid);
    q.msg_lrpid = (pid_t)process_id_out(c->process, q.msg_lrpid);
    return call_write(c, to, &q, sizeof q) ? r : -EFAULT;
}

int64_t call_msgctl(struct call *c) {
    int command = (int)c->guest[1];
    uint64_t host = 0;
    switch (command) {
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return queue_show(c, command, c->guest[2]);
    case IPC_SET:
        if (!call_pointer(c, c->guest[2], sizeof(struct msqid_ds), &host)) return -EFAULT;
        break;
    case IPC_INFO:
    case MSG_INFO:
        if (!call_pointer(c, c->guest[2], sizeof(struct msginfo), &host)) return -EFAULT;
        break;
    case IPC_RMID: break;
    default: return -EINVAL;
    }
    return host_do(SYS_msgctl, c->guest[0], command, host);
}
