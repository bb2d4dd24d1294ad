/* prctl.c - prctl: rows of options. What takes numbers, or a pointer to so many bytes, is the host's; some are vee's to
 * answer. Every other option is EINVAL, as from a kernel that does not know it: those of other processors, and what
 * vee would have to do to its own memory and calls (PR_SET_MDWE, PR_SET_SYSCALL_USER_DISPATCH).
 */
#include "process/linux/linux.h"
#include <linux/seccomp.h>
#include <sys/prctl.h>

/* New to the C library's headers. */
enum { SET_MEMORY_MERGE = 67, GET_MEMORY_MERGE = 68, SET_ICACHE_FLUSH = 71, GET_AUXV = 0x41555856 };
enum { SET_VMA = 0x53564d41, SET_VMA_ANON_NAME = 0 };

static int64_t set_name(struct call *c) {
    uint64_t host; /* it may end before the limit of memory does */
    if (!call_pointer(c, c->guest[1], 0, &host)) return -EFAULT;
    return host_do(SYS_prctl, PR_SET_NAME, host, 0, 0, 0);
}

static int64_t get_tid_address(struct call *c) {
    return call_write(c, c->guest[1], &c->thread->clear_tid, 8) ? 0 : -EFAULT;
}

static int64_t get_seccomp(struct call *c) {
    return c->thread->seccomp;
}

static int64_t set_seccomp(struct call *c) {
    switch (c->guest[1]) {
    case SECCOMP_MODE_STRICT: return seccomp_do(c, SECCOMP_SET_MODE_STRICT, 0, 0); /* whatever is behind it */
    case SECCOMP_MODE_FILTER: return seccomp_do(c, SECCOMP_SET_MODE_FILTER, 0, c->guest[2]);
    default: return -EINVAL;
    }
}

/* Where the program's arguments, heap and code are is vee's to know; only few may ask anyway. */
static int64_t set_mm(struct call *c) {
    (void)c;
    return -EPERM;
}

static int64_t get_auxv(struct call *c) {
    const struct process *p = c->process;
    uint64_t size = p->auxv_words * sizeof *p->auxv;
    if (c->guest[3] || c->guest[4]) return -EINVAL;
    if (!call_write(c, c->guest[1], p->auxv, c->guest[2] < size ? c->guest[2] : size)) return -EFAULT;
    return (int64_t)size;
}

/* Names for anonymous memory. */
static int64_t set_vma(struct call *c) {
    uint64_t start, name = 0;
    if (c->guest[1] != SET_VMA_ANON_NAME) return -EINVAL;
    if (!call_pointer(c, c->guest[2], c->guest[3], &start)) return -ENOMEM;
    if (c->guest[4] && !call_pointer(c, c->guest[4], 0, &name)) return -EFAULT;
    return host_do(SYS_prctl, SET_VMA, SET_VMA_ANON_NAME, start, c->guest[3], name);
}

/* May programs use fence.i, for the process or the thread? They may without asking. */
static int64_t set_icache_flush(struct call *c) {
    return c->guest[1] <= 1 && c->guest[2] <= 1 ? 0 : -EINVAL;
}

static const struct prctl_row {
    int option;
    int size; /* bytes behind the second argument; 0: numbers */
    int64_t (*handler)(struct call *c);
} rows[] = {
    {PR_SET_PDEATHSIG, 0, NULL},
    {PR_GET_PDEATHSIG, 4, NULL},
    {PR_GET_DUMPABLE, 0, NULL},
    {PR_SET_DUMPABLE, 0, NULL},
    {PR_GET_KEEPCAPS, 0, NULL},
    {PR_SET_KEEPCAPS, 0, NULL},
    {PR_GET_TIMING, 0, NULL},
    {PR_SET_TIMING, 0, NULL},
    {PR_SET_NAME, 0, set_name},
    {PR_GET_NAME, 16, NULL},
    {PR_GET_SECCOMP, 0, get_seccomp},
    {PR_SET_SECCOMP, 0, set_seccomp},
    {PR_CAPBSET_READ, 0, NULL},
    {PR_CAPBSET_DROP, 0, NULL},
    {PR_GET_SECUREBITS, 0, NULL},
    {PR_SET_SECUREBITS, 0, NULL},
    {PR_SET_TIMERSLACK, 0, NULL},
    {PR_GET_TIMERSLACK, 0, NULL},
    {PR_TASK_PERF_EVENTS_DISABLE, 0, NULL},
    {PR_TASK_PERF_EVENTS_ENABLE, 0, NULL},
    {PR_MCE_KILL, 0, NULL},
    {PR_MCE_KILL_GET, 0, NULL},
    {PR_SET_MM, 0, set_mm},
    {PR_SET_CHILD_SUBREAPER, 0, NULL},
    {PR_GET_CHILD_SUBREAPER, 4, NULL},
    {PR_SET_NO_NEW_PRIVS, 0, NULL},
    {PR_GET_NO_NEW_PRIVS, 0, NULL},
    {PR_GET_TID_ADDRESS, 0, get_tid_address},
    {PR_SET_THP_DISABLE, 0, NULL},
    {PR_GET_THP_DISABLE, 0, NULL},
    {PR_CAP_AMBIENT, 0, NULL},
    {PR_SET_IO_FLUSHER, 0, NULL},
    {PR_GET_IO_FLUSHER, 0, NULL},
    {SET_MEMORY_MERGE, 0, NULL},
    {GET_MEMORY_MERGE, 0, NULL},
    {SET_ICACHE_FLUSH, 0, set_icache_flush},
    {PR_SET_PTRACER, 0, NULL},
    {SET_VMA, 0, set_vma},
    {GET_AUXV, 0, get_auxv},
};

int64_t call_prctl(struct call *c) {
    int option = (int)c->guest[0];
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct prctl_row *row = &rows[i];
        uint64_t arg = c->guest[1];
        if (row->option != option) continue;
        if (row->handler) return row->handler(c);
        if (row->size && !call_pointer(c, c->guest[1], (uint64_t)row->size, &arg)) return -EFAULT;
        return call_wait(c, SYS_prctl, (uint64_t)option, arg, c->guest[2], c->guest[3], c->guest[4], 0);
    }
    return -EINVAL;
}
