/* seccomp.c - seccomp: strict mode, and filters, which vee runs itself on what the guest asks for: its numbers, its
 * arguments, its architecture. The host never hears of them, so vee's own calls are not filtered.
 *
 * A filter is a program of classic BPF that is checked once and never changes. Each has the one before it; a thread has
 * the newest, and new threads and processes share it (counted references). exec passes them on (inherit.c). There are
 * no listeners: a filter that asks for one is refused, and so is the flag that makes one.
 */
#include "process/linux/linux.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
enum { PATH_MOST = 32768, EACH_COUNTS = 4 /* of them, besides its instructions */, ERRNO_MOST = 4095 };

struct filter {
    struct filter *previous;
    uint32_t references, length;
    struct sock_filter code[];
};

static void filter_code(struct visitor *v, const struct field *f, void *object) {
    const struct filter *filter = object;
    visit_bytes(v, f, 0, filter->code, filter->length * sizeof *filter->code);
}

#define FILTER_ROWS(R)                                                                                                 \
    R(HOST, previous, "the list")                                                                                      \
    R(HOST, references, "how many lists it is in")                                                                     \
    R(BYTES, length, filter_code)
OBJECT_TYPE(filter_type, "filter", struct filter, FILTER_ROWS)

void *filter_next(const struct visitor *v, void *thread, void *previous) {
    (void)v;
    return previous ? ((struct filter *)previous)->previous : ((struct thread *)thread)->filters;
}

/* ---- references */

static size_t filter_size(uint32_t length) {
    return sizeof(struct filter) + length * sizeof(struct sock_filter);
}

static struct filter *filter_hold(struct filter *f) {
    if (f) __atomic_add_fetch(&f->references, 1, __ATOMIC_SEQ_CST);
    return f;
}

static void filter_drop(struct filter *f) {
    while (f && __atomic_sub_fetch(&f->references, 1, __ATOMIC_SEQ_CST) == 0) {
        struct filter *previous = f->previous;
        munmap(f, filter_size(f->length));
        f = previous;
    }
}

static struct filter *filter_new(uint32_t length) {
    struct filter *f = mmap(NULL, filter_size(length), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (f == MAP_FAILED) return NULL;
    f->length = length;
    f->references = 1;
    return f;
}

void seccomp_share(struct thread *to, const struct thread *from) {
    to->seccomp = from->seccomp;
    to->filters = filter_hold(from->filters);
    to->nfilters = from->nfilters;
}

void seccomp_leave(struct thread *t) {
    filter_drop(t->filters);
    t->filters = NULL;
    t->nfilters = 0;
}

/* ---- programs */

/* What the instruction is, for those that are allowed; a jump's condition and an operation are taken from the code. */
static bool instruction_known(uint16_t code) {
    switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_NEG:
    case BPF_JMP | BPF_JA: return true;
    default: break;
    }
    uint16_t operation = BPF_OP(code);
    if (code & ~(uint16_t)0xff) return false;
    if (BPF_CLASS(code) == BPF_ALU) return operation <= BPF_RSH || operation == BPF_XOR;
    return BPF_CLASS(code) == BPF_JMP && operation >= BPF_JEQ && operation <= BPF_JSET;
}

static bool instruction_valid(const struct sock_filter *f, uint32_t behind /* instructions that follow */) {
    if (!instruction_known(f->code)) return false;
    bool constant = BPF_SRC(f->code) == BPF_K;
    switch (BPF_CLASS(f->code)) {
    case BPF_LD:
        if (BPF_MODE(f->code) == BPF_ABS) return f->k < sizeof(struct seccomp_data) && f->k % 4 == 0;
        return BPF_MODE(f->code) != BPF_MEM || f->k < BPF_MEMWORDS;
    case BPF_LDX: return BPF_MODE(f->code) != BPF_MEM || f->k < BPF_MEMWORDS;
    case BPF_ST:
    case BPF_STX: return f->k < BPF_MEMWORDS;
    case BPF_ALU:
        if (BPF_OP(f->code) == BPF_DIV && constant) return f->k != 0;
        return (BPF_OP(f->code) != BPF_LSH && BPF_OP(f->code) != BPF_RSH) || !constant || f->k < 32;
    case BPF_JMP:
        if (BPF_OP(f->code) == BPF_JA) return f->k < behind;
        return f->jt < behind && f->jf < behind;
    default: return true;
    }
}

/* No cell of memory is read that was not written on every way there. Jumps go forwards only, so one pass does; `known`
   has a word for each instruction: the cells that whoever jumps there has written. */
static bool cells_valid(const struct filter *f, uint16_t known[]) {
    uint16_t written = 0;
    memset(known, 0xff, f->length * sizeof *known);
    for (uint32_t i = 0; i < f->length; i++) {
        const struct sock_filter *at = &f->code[i];
        written &= known[i];
        switch (BPF_CLASS(at->code)) {
        case BPF_ST:
        case BPF_STX: written |= (uint16_t)(1u << at->k); break;
        case BPF_LD:
        case BPF_LDX:
            if (BPF_MODE(at->code) == BPF_MEM && !(written & 1u << at->k)) return false;
            break;
        case BPF_JMP:
            if (BPF_OP(at->code) == BPF_JA) {
                known[i + 1 + at->k] &= written;
            } else {
                known[i + 1 + at->jt] &= written;
                known[i + 1 + at->jf] &= written;
            }
            written = UINT16_MAX;
            break;
        default: break;
        }
    }
    return true;
}

static bool filter_valid(const struct filter *f, struct scratch *scratch) {
    _Static_assert(sizeof scratch->bytes >= BPF_MAXINSNS * sizeof(uint16_t), "room for a word for each instruction");
    for (uint32_t i = 0; i < f->length; i++)
        if (!instruction_valid(&f->code[i], f->length - 1 - i)) return false;
    return BPF_CLASS(f->code[f->length - 1].code) == BPF_RET && cells_valid(f, (uint16_t *)(void *)scratch->bytes);
}

static uint32_t operate(uint16_t code, uint32_t a, uint32_t b) {
    switch (BPF_OP(code)) {
    case BPF_ADD: return a + b;
    case BPF_SUB: return a - b;
    case BPF_MUL: return a * b;
    case BPF_DIV: return a / b;
    case BPF_OR: return a | b;
    case BPF_AND: return a & b;
    case BPF_XOR: return a ^ b;
    case BPF_LSH: return a << (b & 31);
    case BPF_RSH: return a >> (b & 31);
    default: return -a;
    }
}

static bool compare(uint16_t code, uint32_t a, uint32_t b) {
    switch (BPF_OP(code)) {
    case BPF_JEQ: return a == b;
    case BPF_JGT: return a > b;
    case BPF_JGE: return a >= b;
    default: return a & b;
    }
}

/* Runs a program that is valid. A division by 0 ends it with 0, the strictest answer but one. */
static uint32_t filter_run(const struct filter *f, const struct seccomp_data *data) {
    uint32_t a = 0, x = 0, cells[BPF_MEMWORDS] = {0};
    for (const struct sock_filter *at = f->code;; at++) {
        uint32_t b = BPF_SRC(at->code) == BPF_X ? x : at->k, *to = BPF_CLASS(at->code) == BPF_LDX ? &x : &a;
        switch (BPF_CLASS(at->code)) {
        case BPF_LD:
        case BPF_LDX:
            switch (BPF_MODE(at->code)) {
            case BPF_ABS: memcpy(to, (const uint8_t *)data + at->k, sizeof *to); break;
            case BPF_LEN: *to = sizeof *data; break;
            case BPF_MEM: *to = cells[at->k]; break;
            default: *to = at->k; break;
            }
            break;
        case BPF_ST: cells[at->k] = a; break;
        case BPF_STX: cells[at->k] = x; break;
        case BPF_ALU:
            if (BPF_OP(at->code) == BPF_DIV && !b) return 0;
            a = operate(at->code, a, b);
            break;
        case BPF_JMP:
            if (BPF_OP(at->code) == BPF_JA)
                at += at->k;
            else
                at += compare(at->code, a, b) ? at->jt : at->jf;
            break;
        case BPF_RET: return BPF_RVAL(at->code) == BPF_A ? a : at->k;
        default: *(BPF_MISCOP(at->code) == BPF_TAX ? &x : &a) = BPF_MISCOP(at->code) == BPF_TAX ? a : x; break;
        }
    }
}

/* ---- a call on its way */

/* The strictest answer of all filters, of several such the newest one's. */
static uint32_t filters_run(const struct filter *f, const struct seccomp_data *data) {
    uint32_t strictest = SECCOMP_RET_ALLOW;
    for (; f; f = f->previous) {
        uint32_t answer = filter_run(f, data);
        if ((int32_t)(answer & SECCOMP_RET_ACTION_FULL) < (int32_t)(strictest & SECCOMP_RET_ACTION_FULL))
            strictest = answer;
    }
    return strictest;
}

/* The thread ends, and its process if there is no other. */
static int64_t kill_thread(struct call *c, const struct signal_info *info) {
    struct thread *t = c->thread;
    if (!thread_is_alone(t)) return thread_end(c);
    if (info->signo == SIGSYS) t->process->actions[SIGSYS].handler = ACTION_DEFAULT;
    signal_force_info(t, info);
    return CALL_STOP;
}

static int64_t trap(struct call *c, const struct signal_info *info) {
    c->process->abi->call_done(c->thread->cpu, (int64_t)c->guest[0]); /* behind the call, which left no result */
    return signal_force_info(c->thread, info) == ANSWER_STOP ? CALL_STOP : CALL_STATE;
}

/* Guests have other words for `number`, so it may be any. */
bool seccomp_allows(struct call *c, uint64_t number, int64_t *result) {
    struct thread *t = c->thread;
    const struct abi *abi = c->process->abi;
    if (t->late_privileges) {
        t->late_privileges = false;
        host_do(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    if (t->seccomp == SECCOMP_MODE_STRICT) {
        const struct signal_info kill = {.signo = SIGKILL};
        for (const uint16_t *row = abi->calls->strict; *row; row++)
            if (call_is(c, *row)) return true;
        *result = kill_thread(c, &kill);
        return false;
    }
    struct seccomp_data data = {
        .nr = (int)number, .arch = abi->calls->audit_arch, .instruction_pointer = t->cpu->pc + abi->call_size};
    _Static_assert(sizeof data.args == sizeof c->guest, "six arguments");
    uint64_t registers[6]; /* not what a shape has made of them */
    abi->call(t->cpu, registers);
    memcpy(data.args, registers, sizeof data.args);
    uint32_t answer = filters_run(t->filters, &data), value = answer & SECCOMP_RET_DATA;
    struct signal_info info = {.signo = SIGSYS, .error = (int32_t)value, .code = 1 /* SYS_SECCOMP */};
    info.call.address = data.instruction_pointer;
    info.call.number = data.nr;
    info.call.arch = data.arch;
    switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG: return true;
    case SECCOMP_RET_ERRNO: *result = -(int64_t)(value < ERRNO_MOST ? value : ERRNO_MOST); return false;
    case SECCOMP_RET_TRACE:                                       /* nobody traces */
    case SECCOMP_RET_USER_NOTIF: *result = -ENOSYS; return false; /* and nobody listens */
    case SECCOMP_RET_TRAP: *result = trap(c, &info); return false;
    case SECCOMP_RET_KILL_THREAD: *result = kill_thread(c, &info); return false;
    default:
        c->process->actions[SIGSYS].handler = ACTION_DEFAULT;
        *result = trap(c, &info);
        return false;
    }
}

/* ---- setting up */

static bool may_filter(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {0};
    if (host_do(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return true;
    return host_do(SYS_capget, &header, sets) == 0 && (sets[0].effective & 1u << CAP_SYS_ADMIN);
}

static bool is_ancestor(const struct filter *old, const struct filter *of) {
    while (of && of != old) of = of->previous;
    return of == old;
}

/* The next thread that is not the caller. */
static struct thread *other_thread(const struct thread *self, struct thread *t) {
    while (t && t == self) t = t->next;
    return t;
}
#define EACH_OTHER(t, self)                                                                                            \
    struct thread *t = other_thread(self, (self)->process->threads);                                                   \
    t;                                                                                                                 \
    t = other_thread(self, t->next)

/* The id of a thread whose filters are not the caller's or older ones of them; 0: none. */
static uint32_t who_differs(const struct thread *self) {
    for (EACH_OTHER(t, self))
        if (t->seccomp == SECCOMP_MODE_STRICT || !is_ancestor(t->filters, self->filters)) return t->tid;
    return 0;
}

static void follow(struct thread *self) {
    bool privileges = host_do(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    for (EACH_OTHER(t, self)) {
        filter_drop(t->filters);
        seccomp_share(t, self);
        t->late_privileges = t->late_privileges || privileges; /* only the thread itself can say so to the host */
    }
}

static int64_t attach(struct thread *t, struct filter *f, uint64_t flags) {
    uint64_t total = f->length;
    for (const struct filter *old = t->filters; old; old = old->previous) total += old->length + EACH_COUNTS;
    if (total > PATH_MOST) return -ENOMEM;
    uint32_t differs = flags & SECCOMP_FILTER_FLAG_TSYNC ? who_differs(t) : 0;
    if (differs) return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : (int64_t)differs;
    f->previous = t->filters; /* with the thread's reference to it */
    t->filters = filter_hold(f);
    t->nfilters++;
    t->seccomp = SECCOMP_MODE_FILTER;
    if (flags & SECCOMP_FILTER_FLAG_TSYNC) follow(t);
    return 0;
}

static int64_t filter_add(struct call *c, uint64_t flags, uint64_t at) {
    const uint64_t known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                           SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
    struct sock_fprog program;
    struct thread *t = c->thread;
    if (flags & ~known) return -EINVAL;
    if (!call_get(c, LAYOUT_sock_fprog, at, &program)) return -EFAULT;
    if (!program.len || program.len > BPF_MAXINSNS) return -EINVAL;
    if (!may_filter()) return -EACCES;
    struct filter *f = filter_new(program.len);
    if (!f) return -ENOMEM;
    int64_t r = 0;
    if (!call_read(c, (uintptr_t)program.filter, f->code, f->length * sizeof *f->code))
        r = -EFAULT;
    else if (!filter_valid(f, t->scratch) || t->seccomp == SECCOMP_MODE_STRICT)
        r = -EINVAL;
    if (r == 0) r = attach(t, f, flags);
    filter_drop(f);
    return r;
}

static int64_t action_known(struct call *c, uint64_t at) {
    uint32_t action;
    if (!call_read(c, at, &action, sizeof action)) return -EFAULT;
    switch (action) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW: return 0;
    default: return -EOPNOTSUPP;
    }
}

int64_t seccomp_do(struct call *c, uint64_t operation, uint64_t flags, uint64_t at) {
    const uint16_t sizes[3] = {80, 24, 64}; /* of what a listener would read and write, and of the filters' data */
    switch ((uint32_t)operation) {
    case SECCOMP_SET_MODE_STRICT:
        if (flags || at || c->thread->seccomp == SECCOMP_MODE_FILTER) return -EINVAL;
        c->thread->seccomp = SECCOMP_MODE_STRICT;
        return 0;
    case SECCOMP_SET_MODE_FILTER: return filter_add(c, flags, at);
    case SECCOMP_GET_ACTION_AVAIL: return flags ? -EINVAL : action_known(c, at);
    case SECCOMP_GET_NOTIF_SIZES:
        if (flags) return -EINVAL;
        return call_write(c, at, sizes, sizeof sizes) ? 0 : -EFAULT;
    default: return -EINVAL;
    }
}

int64_t call_seccomp(struct call *c) {
    return seccomp_do(c, c->guest[0], (uint32_t)c->guest[1], c->guest[2]);
}

/* ---- exec */

size_t seccomp_pass_size(const struct thread *t) {
    size_t size = 0;
    for (const struct filter *f = t->filters; f; f = f->previous)
        size += sizeof f->length + f->length * sizeof *f->code;
    return size;
}

bool seccomp_pass(const struct thread *t, int fd) {
    for (const struct filter *f = t->filters; f; f = f->previous) { /* the newest first */
        size_t size = f->length * sizeof *f->code;
        if (host_hold(SYS_write, fd, &f->length, sizeof f->length) != sizeof f->length) return false;
        if (host_hold(SYS_write, fd, f->code, size) != (int64_t)size) return false;
    }
    return true;
}

bool seccomp_take(struct thread *t, int fd) {
    uint32_t length;
    struct filter **at = &t->filters;
    for (int64_t r; (r = host_hold(SYS_read, fd, &length, sizeof length)) != 0;) {
        struct filter *f = r == sizeof length && length && length <= BPF_MAXINSNS ? filter_new(length) : NULL;
        size_t size = length * sizeof *f->code;
        if (!f) return false;
        *at = f;
        at = &f->previous;
        t->nfilters++;
        if (host_hold(SYS_read, fd, f->code, size) != (int64_t)size || !filter_valid(f, t->scratch)) return false;
        t->seccomp = SECCOMP_MODE_FILTER;
    }
    return true;
}
