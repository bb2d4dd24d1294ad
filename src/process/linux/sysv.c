/* sysv.c - System V semaphores, message queues and shared memory: the calls whose last argument depends on the command,
 * and attaching. Sets, queues, segments and their permissions are the host's, so guests and host programs share them.
 *
 * The guest's space places a segment: as a shared mapping, an object of its own, over which the host's is then
 * attached. So whatever unmaps detaches.
 */
#include "process/linux/linux.h"
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static int64_t host_semctl(struct call *c, int command, void *argument) {
    return host_do(SYS_semctl, c->guest[0], c->guest[1], command, argument);
}

static int64_t semaphores_show(struct call *c, int command, uint64_t to) {
    struct semid_ds h;
    int64_t r = host_semctl(c, command, &h);
    const int64_t written = r < 0 ? 0 : call_put(c, LAYOUT_semid_ds, to, &h);
    return written < 0 ? written : r;
}

static int64_t semaphores_set(struct call *c, uint64_t from) {
    struct semid_ds h;
    return call_get(c, LAYOUT_semid_ds, from, &h) ? host_semctl(c, IPC_SET, &h) : -EFAULT;
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

/* ---- what queues and segments have in common */

/* Passes a control call on whose argument is this many bytes, or none. */
static int64_t control(struct call *c, long number, size_t size) {
    uint64_t host = 0;
    if (size && !call_pointer(c, c->guest[2], size, &host)) return -EFAULT;
    return host_do(number, c->guest[0], c->guest[1], host);
}

static int64_t queue_set(struct call *c) {
    struct msqid_ds q;
    return call_get(c, LAYOUT_msqid_ds, c->guest[2], &q) ? host_do(SYS_msgctl, c->guest[0], IPC_SET, &q) : -EFAULT;
}

static int64_t queue_show(struct call *c, int command, uint64_t to) {
    struct msqid_ds q;
    int64_t r = host_do(SYS_msgctl, c->guest[0], command, &q);
    if (r < 0) return r;
    q.msg_lspid = (pid_t)process_id_out(c->process, q.msg_lspid);
    q.msg_lrpid = (pid_t)process_id_out(c->process, q.msg_lrpid);
    const int64_t written = call_put(c, LAYOUT_msqid_ds, to, &q);
    return written < 0 ? written : r;
}

/* A message is a long and its text. The lengths are looked at before the text, and may promise more than there is room
 * for in the guest's memory: no message is that long.
 */
int64_t call_msgsnd(struct call *c) {
    uint64_t length = c->guest[2], host;
    if (length > INT32_MAX) length = 0; /* longer than any: the host refuses it before it reads */
    if (!call_pointer(c, c->guest[1], 8 + length, &host)) return -EFAULT;
    return call_wait(c, SYS_msgsnd, c->guest[0], host, c->guest[2], c->guest[3], 0, 0);
}

int64_t call_msgrcv(struct call *c) {
    uint64_t length = c->guest[2], host;
    if ((int64_t)length < 0) return -EINVAL;
    if (!call_pointer(c, c->guest[1], 8, &host)) return -EFAULT;
    uint64_t room = c->process->space->limit - c->guest[1] - 8;
    if (length > room) length = room;
    return call_wait(c, SYS_msgrcv, c->guest[0], host, length, c->guest[3], c->guest[4], 0);
}

int64_t call_msgctl(struct call *c) {
    int command = (int)c->guest[1];
    switch (command) {
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return queue_show(c, command, c->guest[2]);
    case IPC_SET: return queue_set(c);
    case IPC_INFO:
    case MSG_INFO: return control(c, SYS_msgctl, sizeof(struct msginfo));
    case IPC_RMID: return control(c, SYS_msgctl, 0);
    default: return -EINVAL;
    }
}

/* ---- shared memory */

static int64_t segment_set(struct call *c) {
    struct shmid_ds m;
    return call_get(c, LAYOUT_shmid_ds, c->guest[2], &m) ? host_do(SYS_shmctl, c->guest[0], IPC_SET, &m) : -EFAULT;
}

static int64_t segment_show(struct call *c, int command, uint64_t to) {
    struct shmid_ds m;
    int64_t r = host_do(SYS_shmctl, c->guest[0], command, &m);
    if (r < 0) return r;
    m.shm_cpid = (pid_t)process_id_out(c->process, m.shm_cpid);
    m.shm_lpid = (pid_t)process_id_out(c->process, m.shm_lpid);
    const int64_t written = call_put(c, LAYOUT_shmid_ds, to, &m);
    return written < 0 ? written : r;
}

int64_t call_shmctl(struct call *c) {
    int command = (int)c->guest[1];
    switch (command) {
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: return segment_show(c, command, c->guest[2]);
    case IPC_SET: return segment_set(c);
    case IPC_INFO: return control(c, SYS_shmctl, sizeof(struct shminfo));
    case SHM_INFO: return control(c, SYS_shmctl, sizeof(struct shm_info));
    case SHM_LOCK:
    case SHM_UNLOCK:
    case IPC_RMID: return control(c, SYS_shmctl, 0);
    default: return -EINVAL;
    }
}

int64_t call_shmat(struct call *c) {
    struct space *s = c->process->space;
    struct shmid_ds m;
    uint64_t at = c->guest[1], flags = c->guest[2];
    uint32_t prot = PROT_READ, how = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    if ((int)c->guest[0] < 0) return -EINVAL;
    if ((at & (SPACE_PAGE - 1)) && !(flags & SHM_RND)) return -EINVAL;
    if (!(at & -(uint64_t)SPACE_PAGE) && (flags & SHM_REMAP)) return -EINVAL;
    if (at) how |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    if (!(flags & SHM_RDONLY)) prot |= PROT_WRITE;
    if (flags & SHM_EXEC) prot |= PROT_EXEC;
    int64_t r = host_do(SYS_shmctl, c->guest[0], IPC_STAT, &m);
    if (r < 0) return r;
    r = memory_map(s, at & -(uint64_t)SPACE_PAGE, m.shm_segsz, process_rights(c->process, prot), how, -1, 0,
                   MEMORY_SYSV);
    if (r < 0) return r == -EEXIST ? -EINVAL : r;
    at = (uint64_t)r;
    r = host_do(SYS_shmat, c->guest[0], space_host(s, at), (flags & SHM_RDONLY) | SHM_REMAP);
    if (r < 0 && r >= -4095) {
        memory_unmap(s, at, m.shm_segsz);
        return r;
    }
    return (int64_t)at;
}

/* Every piece of the segment that is where it was attached. */
int64_t call_shmdt(struct call *c) {
    struct space *s = c->process->space;
    uint64_t start = c->guest[0], next;
    const struct mapping *m = space_find(s, start);
    if ((start & (SPACE_PAGE - 1)) || !m || m->start != start || memory_use(m->tag) != MEMORY_SYSV || m->offset)
        return -EINVAL;
    const uint64_t object = m->ino;
    for (; m; m = space_next(s, next)) {
        next = m->end;
        if (memory_use(m->tag) != MEMORY_SYSV || m->ino != object || m->offset != m->start - start) continue;
        int64_t r = memory_unmap(s, m->start, m->end - m->start);
        if (r < 0) return r;
    }
    return 0;
}
