/* identity.c - who and where a process is: ids, names, limits, the processor. What passes through is in syscall.def. */
#include "process/linux/linux.h"
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { COUNTED_ID = 1000 };

/* ---- ids */

static bool id_is_fixed(const struct process *p) {
    return p->vm->counted && !p->forked;
}

int64_t process_id_in(const struct process *p, int64_t id) {
    return id_is_fixed(p) && id == COUNTED_ID ? getpid() : id;
}

int64_t process_id_out(const struct process *p, int64_t id) {
    return id_is_fixed(p) && id == getpid() ? COUNTED_ID : id;
}

int64_t call_getpid(struct call *c) {
    return process_id_out(c->process, host_do(SYS_getpid));
}

int64_t call_gettid(struct call *c) {
    return process_id_out(c->process, host_do(SYS_gettid));
}

int64_t call_getppid(struct call *c) {
    return id_is_fixed(c->process) ? 1 : host_do(SYS_getppid);
}

int64_t call_set_tid_address(struct call *c) {
    uint64_t host;
    c->thread->clear_tid = c->guest[0];
    if (c->thread->leader && call_pointer(c, c->guest[0], 4, &host)) {
        space_host_writes(c->process->space, c->guest[0], 4, true); /* at its end */
        host_do(SYS_set_tid_address, host);
    }
    return call_gettid(c);
}

int64_t call_set_robust_list(struct call *c) {
    struct thread *t = c->thread;
    const struct layout *word = call_layout(c, LAYOUT_word);
    const uint64_t head = 3 * word->guest;
    if (c->guest[1] != head) return -EINVAL;
    t->robust_list = c->guest[0];
    t->robust_size = c->guest[1];
    /* The kernel walks the list when the process is killed; it can where guest addresses are host addresses. Not at the
       end of one that shares its memory: the list may lead to memory of vee, which lives on. */
    if (!word->in && !c->process->space->window && !c->process->partner &&
        space_within(c->process->space, c->guest[0], head))
        return host_do(SYS_set_robust_list, c->guest[0], c->guest[1]);
    return 0;
}

static int64_t robust_list_put(struct call *c, uint64_t list, uint64_t size) {
    int64_t r = call_put(c, LAYOUT_word, c->guest[1], &list);
    return r < 0 ? r : call_put(c, LAYOUT_word, c->guest[2], &size);
}

int64_t call_get_robust_list(struct call *c) {
    struct thread *t = c->thread;
    int64_t id = process_id_in(c->process, (int32_t)c->guest[0]);
    for (t = c->process->threads; id && t && t->tid != id;) t = t->next;
    if (!t) { /* another process's is the host's to tell, as it is asked about the first thread */
        uint64_t list, size;
        int64_t r = host_do(SYS_get_robust_list, id, &list, &size);
        return r < 0 ? r : robust_list_put(c, list, size);
    }
    if (!id) t = c->thread;
    return robust_list_put(c, t->robust_list, t->robust_size);
}

int64_t call_personality(struct call *c) {
    const uint64_t shared = STICKY_TIMEOUTS | UNAME26;
    uint32_t old = c->process->persona, set = (uint32_t)c->guest[0];
    if (set == UINT32_MAX) return old;
    /* What the host does for the guest as well is the host's; the rest would concern vee. */
    int64_t host = host_do(SYS_personality, UINT32_MAX);
    if (host >= 0) host = host_do(SYS_personality, ((uint64_t)host & ~shared) | (set & shared));
    if (host < 0) return host;
    c->process->persona = set;
    return old;
}

int64_t call_uname(struct call *c) {
    struct utsname u;
    int64_t r = host_do(SYS_uname, &u);
    if (r < 0) return r;
    if (process_options(c->process)->release) {
        memset(u.release, 0, sizeof u.release);
        strncpy(u.release, process_options(c->process)->release, sizeof u.release - 1);
    }
    memset(u.machine, 0, sizeof u.machine);
    strncpy(u.machine, c->process->abi->machine->name, sizeof u.machine - 1);
    return call_write(c, c->guest[0], &u, sizeof u) ? 0 : -EFAULT;
}

/* A length that cannot be is the host's to refuse, after whoever may not do this at all. */
static int64_t name_set(struct call *c, long number) {
    int length = (int)c->guest[1];
    uint64_t host = 0;
    if (length > 0 && length <= HOST_NAME_MAX && !call_pointer(c, c->guest[0], (uint64_t)length, &host)) return -EFAULT;
    return call_wait(c, number, host, (uint64_t)length, 0, 0, 0, 0);
}

int64_t call_sethostname(struct call *c) {
    return name_set(c, SYS_sethostname);
}

int64_t call_setdomainname(struct call *c) {
    return name_set(c, SYS_setdomainname);
}

/* ---- limits */

/* The limits that are virtual: soft and hard; NULL for the host's own. */
static uint64_t *virtual_limit(struct process *p, int resource) {
    switch (resource) {
    case RLIMIT_AS: return p->space_limit;
    case RLIMIT_DATA: return p->data_limit;
    case RLIMIT_STACK: return p->stack_limit;
    case RLIMIT_CORE: return p->core_limit;
    default: return NULL;
    }
}

/* Is another process one of vee's, whose limits on memory are not the host's? */
static bool is_vee(int64_t pid) {
    char path[40];
    struct stat own, other;
    if (pid <= 0) return false;
    strcpy(put_digits(stpcpy(path, "/proc/"), (uint64_t)pid), "/exe");
    return stat("/proc/self/exe", &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev &&
           own.st_ino == other.st_ino;
}

static bool may_raise_limits(void) {
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct c[2];
    return host_do(SYS_capget, &h, c) == 0 && (c[0].effective & 1u << CAP_SYS_RESOURCE);
}

/* Descriptors: what may be open is the host's to say, but its hard limit is not lowered. Else vee could not open the
   next program for a guest that has forbidden itself all descriptors. */
static int64_t files_limit_exchange(struct process *p, const uint64_t *set, uint64_t old[2]) {
    uint64_t host[2];
    int64_t r = host_do(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, host);
    if (r < 0) return r;
    old[0] = host[0];
    old[1] = p->files_most < host[1] ? p->files_most : host[1];
    if (!set) return 0;
    if (set[0] > set[1]) return -EINVAL;
    if (set[1] > old[1] && !may_raise_limits()) return -EPERM;
    const uint64_t to[2] = {set[0], set[1] > host[1] ? set[1] : host[1]};
    r = host_do(SYS_prlimit64, 0, RLIMIT_NOFILE, to, NULL);
    if (r == 0) p->files_most = set[1];
    return r;
}

static int64_t limit_exchange(struct call *c, int64_t pid, int resource, const uint64_t set[2], uint64_t old[2]) {
    struct process *p = c->process;
    uint64_t *limit = pid == 0 || pid == getpid() ? virtual_limit(p, resource) : NULL;
    if (!limit && set && virtual_limit(p, resource) && is_vee(pid)) return -EPERM;
    if (resource == RLIMIT_NOFILE && (pid == 0 || pid == getpid())) {
        return files_limit_exchange(p, set, old);
    } else if (!limit) {
        return host_do(SYS_prlimit64, pid, resource, set, old);
    } else {
        memcpy(old, limit, 2 * sizeof *old);
        if (set) {
            if (set[0] > set[1]) return -EINVAL;
            if (set[1] > limit[1] && geteuid() != 0) return -EPERM;
            memcpy(limit, set, 2 * sizeof *set);
            if (resource == RLIMIT_CORE) signals_core_limit(p);
            process_limits_changed(p);
        }
    }
    return 0;
}

int64_t call_prlimit64(struct call *c) {
    int64_t pid = process_id_in(c->process, (int32_t)c->guest[0]);
    const uint64_t from = c->guest[2], to = c->guest[3];
    uint64_t set[2], old[2];
    if (from && !call_read(c, from, set, sizeof set)) return -EFAULT;
    int64_t r = limit_exchange(c, pid, (int)c->guest[1], from ? set : NULL, old);
    return r == 0 && to && !call_write(c, to, old, sizeof old) ? -EFAULT : r;
}

int64_t call_getrlimit(struct call *c) {
    uint64_t old[2];
    int64_t r = limit_exchange(c, 0, (int)c->guest[0], NULL, old);
    return r < 0 ? r : call_put(c, LAYOUT_rlimit, c->guest[1], old);
}

int64_t call_setrlimit(struct call *c) {
    uint64_t set[2], old[2];
    if (!call_get(c, LAYOUT_rlimit, c->guest[1], set)) return -EFAULT;
    return limit_exchange(c, 0, (int)c->guest[0], set, old);
}

/* ---- random bytes */

int64_t call_getrandom(struct call *c) {
    uint8_t *bytes = c->thread->scratch->bytes;
    uint64_t size = c->guest[1], done = 0;
    uint32_t flags = (uint32_t)c->guest[2];
    if ((flags & ~7u) || (flags & 6u) == 6u) return -EINVAL; /* GRND_RANDOM and GRND_INSECURE exclude each other */
    if (size > INT_MAX) size = INT_MAX;
    while (done < size) {
        size_t part = size - done < sizeof c->thread->scratch->bytes ? size - done : sizeof c->thread->scratch->bytes;
        vm_random(c->process->vm, bytes, part);
        if (!call_write(c, c->guest[0] + done, bytes, part)) return done ? (int64_t)done : -EFAULT;
        done += part;
    }
    return (int64_t)done;
}
