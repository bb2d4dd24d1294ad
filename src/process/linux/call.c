/* call.c - from a row of syscall.def to a host call: looking up, translating arguments by their letters, answering.
 *
 * No pointer reaches the kernel unchecked: its whole range must lie below the guest's limit (EFAULT). Strings and other
 * memory whose length is not known are checked at their start only: they end, at the latest, in the page below the
 * limit, which is never mapped; and nothing that the kernel reads or writes so is longer than that page.
 */
#include "process/linux/outside.h"
#include "process/linux/uring.h"
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <unistd.h>

enum { CALL_SHAPE_PAGE = 4096 /* whatever pages there are */ };
static int64_t call_absent(struct call *c);
const struct row linux_rows[ROWS] = {
#define PASS(name, args)            [ROW_##name] = {#name, args, NULL, SYS_##name},
#define SAME(number, name, args)    [ROW_##name] = {#name, args, NULL, number},
#define ABSENT(name, error, reason) [ROW_##name] = {#name, "l l l l l l", call_absent, error},
#define CALL(name, args)            [ROW_##name] = {#name, args, call_##name, -1},
#include "process/linux/syscall.def"
};

static int64_t call_absent(struct call *c) {
    return -(int64_t)c->row->host;
}

/* ---- arguments */

int64_t call_read_struct(struct call *c, uint64_t from, uint64_t size, void *to, size_t known) {
    uint8_t more;
    memset(to, 0, known);
    if (!call_read(c, from, to, size < known ? size : known)) return -EFAULT;
    for (uint64_t i = known; i < size; i++) {
        if (!call_read(c, from + i, &more, 1)) return -EFAULT;
        if (more) return -E2BIG;
    }
    return 0;
}

int64_t call_read_string(struct call *c, uint64_t from, char *to, size_t size) {
    size_t done = 0;
    while (done < size) {
        /* Never across a page in one copy: the string may end before an inaccessible one. */
        size_t part = SPACE_PAGE - ((from + done) & (SPACE_PAGE - 1));
        if (part > size - done) part = size - done;
        if (part > 256) part = 256; /* most are short */
        if (from + done < from || !call_read(c, from + done, to + done, part)) return -EFAULT;
        const char *end = memchr(to + done, 0, part);
        if (end) return end - to;
        done += part;
    }
    return -ENAMETOOLONG;
}

/* ---- structs */

static bool get(struct call *c, const struct layout *l, uint64_t from, void *host) {
    uint64_t guest[LAYOUT_MOST / sizeof(uint64_t)];
    if (!l->in) return call_read(c, from, host, l->guest);
    if (!call_read(c, from, guest, l->guest)) return false;
    l->in(host, guest);
    return true;
}

static int64_t put(struct call *c, const struct layout *l, uint64_t to, const void *host) {
    uint64_t guest[LAYOUT_MOST / sizeof(uint64_t)];
    if (!l->out) return call_write(c, to, host, l->guest) ? 0 : -EFAULT;
    if (!l->out(guest, host)) return -EOVERFLOW;
    return call_write(c, to, guest, l->guest) ? 0 : -EFAULT;
}

bool call_get(struct call *c, char letter, uint64_t from, void *host) {
    return get(c, call_layout(c, letter), from, host);
}

bool call_gets(struct call *c, char letter, uint64_t from, uint64_t count, void *host) {
    const struct layout *l = call_layout(c, letter);
    if (!l->in) return call_read(c, from, host, count * l->guest);
    for (uint64_t i = 0; i < count; i++)
        if (!get(c, l, from + i * l->guest, (uint8_t *)host + i * l->host)) return false;
    return true;
}

int64_t call_put(struct call *c, char letter, uint64_t to, const void *host) {
    return put(c, call_layout(c, letter), to, host);
}

bool call_time(struct call *c, uint64_t from, struct timespec *room, uint64_t *host) {
    if (!call_layout(c, LAYOUT_timespec)->in) return call_pointer(c, from, sizeof *room, host);
    *host = (uintptr_t)room;
    return call_get(c, LAYOUT_timespec, from, room);
}

int64_t call_give(struct call *c, unsigned i, char letter, const void *host) {
    c->out &= ~(1u << i);
    return call_put(c, letter, c->guest[i], host);
}

/* An argument that points to a struct: the host gets its own form. What it does not write of one that goes both ways
   comes back as it was. */
__attribute__((noinline)) static bool struct_argument(struct call *c, unsigned i, char letter, const struct layout *l) {
    void *host = c->thread->scratch->structs[i];
    if (!space_within(c->process->space, c->guest[i], l->guest)) return false;
    if (letter != '>' && !get(c, l, c->guest[i], host)) return false;
    c->host[i] = (uintptr_t)host;
    if (letter != '<') c->out |= 1u << i;
    if (letter == '=') c->out_always |= 1u << i;
    c->out_as[i] = l;
    return true;
}

__attribute__((noinline)) static int64_t structs_out(struct call *c, int64_t result) {
    unsigned out = result >= 0 ? c->out : c->out & c->out_always;
    if (result <= CALL_AGAIN) return result;
    for (; out; out &= out - 1) {
        const unsigned i = (unsigned)__builtin_ctz(out);
        int64_t r = put(c, c->out_as[i], c->guest[i], c->thread->scratch->structs[i]);
        if (r < 0 && result >= 0) result = r;
    }
    return result;
}

/* ---- flags */

static uint64_t flags_in(const struct flag *f, uint64_t flags) {
    uint64_t known = 0, set = 0;
    for (; f->guest; f++) {
        known |= f->guest | f->host;
        if (flags & f->guest) set |= f->host;
    }
    return (flags & ~known) | set;
}

static uint64_t flags_out(const struct flag *f, uint64_t flags) {
    uint64_t known = 0, set = 0;
    for (; f->guest; f++) {
        known |= f->guest | f->host;
        if (flags & f->host) set |= f->guest;
    }
    return (flags & ~known) | set;
}

uint64_t open_flags_in(const struct process *p, uint64_t flags) {
    const struct flag *f = p->abi->calls->open_flags;
    return f ? flags_in(f, flags) : flags;
}

uint64_t open_flags_out(const struct process *p, uint64_t flags) {
    const struct flag *f = p->abi->calls->open_flags;
    return f ? flags_out(f, flags) : flags;
}

/* ---- pointers */

static bool pointer(struct call *c, uint64_t guest, uint64_t size, bool written, uint64_t *host) {
    if (!space_within(c->process->space, guest, size)) return false;
    memory_reach(c->process->space, guest, size);
    /* A call that is passed on waits without the engine's lock, whatever it waits for. */
    if (c->row->handler) await_memory(c->process, guest, size, written);
    if (written && c->written) outside_note(c, guest, size);
    if (written) space_host_writes(c->process->space, guest, size, engine_is_shared(c->process->vm->engine));
    *host = (uintptr_t)space_host(c->process->space, guest);
    return true;
}

bool call_pointer(struct call *c, uint64_t guest, uint64_t size, uint64_t *host) {
    return pointer(c, guest, size, true, host);
}

int64_t call_path(struct call *c, int dir, uint64_t from, unsigned how) {
    const char *to;
    char *path = c->thread->scratch->path[c->paths++];
    int64_t length = call_read_string(c, from, path, PATH_MAX);
    if (length < 0) return length;
    proc_own_id(c->process, path);
    int64_t r = path_place(c, dir, path, how, &to);
    return r < 0 ? r : (int64_t)(uintptr_t)to;
}

int64_t call_iovec(struct call *c, uint64_t from, uint64_t count) {
    struct iovec *iov = c->thread->scratch->iov;
    if (count > CALL_IOVECS) return -EINVAL;
    if (!call_gets(c, LAYOUT_iovec, from, count, iov)) return -EFAULT;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t host;
        if ((int64_t)iov[i].iov_len < 0) return -EINVAL;
        if (!call_pointer(c, (uintptr_t)iov[i].iov_base, iov[i].iov_len, &host)) return -EFAULT;
        iov[i].iov_base = (void *)(uintptr_t)host;
    }
    return (int64_t)count;
}

static uint64_t parse_number(const char **s) {
    uint64_t n = 0;
    for (; **s >= '0' && **s <= '9'; ++*s) n = n * 10 + (uint64_t)(**s - '0');
    return n;
}

uint64_t call_size(const char **s, const struct call *c) {
    if (**s >= 'A') return call_layout(c, *(*s)++)->guest;
    if (**s != '@') return parse_number(s);
    uint64_t size = c->guest[(*s)[1] - '0'];
    *s += 2;
    if (**s != '*' && **s != '+') return size;
    bool times = *(*s)++ == '*';
    uint64_t by = parse_number(s);
    if (times) return (uint32_t)size * by; /* counts are ints */
    return size + by < size ? UINT64_MAX : size + by;
}

/* How the path of a letter is followed: flags of the row may say otherwise. */
static unsigned path_how(const struct call *c, unsigned argument, char letter) {
    static const struct {
        enum row_index row;
        uint32_t bit, argument;
        bool follows; /* the bit says so; else it says not to */
    } rows[] = {{ROW_linkat, AT_SYMLINK_FOLLOW, 4, true},
                {ROW_name_to_handle_at, AT_SYMLINK_FOLLOW, 4, true},
                {ROW_inotify_add_watch, IN_DONT_FOLLOW, 2, false},
                {ROW_fanotify_mark, FAN_MARK_DONT_FOLLOW, 1, false},
                {ROW_umount2, UMOUNT_NOFOLLOW, 1, false}};
    /* Within --root a mount is named by its folder: a descriptor of its own would keep it busy. */
    bool follow = letter == 'P' && !(c->process->root.whole && call_is(c, ROW_umount2));
    unsigned i = 0;
    for (const char *s = c->row->args; *s; s++) {
        const uint64_t flags = *s == 'O' ? open_flags_in(c->process, c->guest[i]) : 0;
        if (*s == 'a' && (c->guest[i] & AT_SYMLINK_NOFOLLOW)) follow = false;
        if (flags & O_NOFOLLOW) follow = false;
        if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) follow = false;
        if (flags & O_CREAT) return (follow ? PATH_FOLLOW : 0) | PATH_CREATE;
        i += *s == ' ';
    }
    for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++)
        if (call_is(c, rows[k].row) && argument < 3 && (c->guest[rows[k].argument] & rows[k].bit))
            follow = rows[k].follows;
    return follow ? PATH_FOLLOW : 0;
}

/* `before`: the letter of the argument before. */
static int64_t translate_one(struct call *c, unsigned i, char letter, char before, uint64_t size) {
    uint64_t v = c->guest[i];
    int64_t r;
    switch (letter) {
    case 'O': c->host[i] = open_flags_in(c->process, v); break;
    case 'f':
    case 'd':
        if (own_fd_named(c->process, (int)v)) return -EBADF;
        break;
    case 'p':
    case 't': c->host[i] = (uint64_t)process_id_in(c->process, (int32_t)v); break;
    case 'P':
    case 'L':
        r = call_path(c, before == 'd' ? (int)c->guest[i - 1] : AT_FDCWD, v, path_how(c, i, letter));
        if (r < 0) return r;
        c->host[i] = (uint64_t)r;
        break;
    case 'V':
        r = call_iovec(c, v, c->guest[i + 1]);
        if (r < 0) return r;
        c->host[i] = (uintptr_t)c->thread->scratch->iov;
        break;
    case 'A':
        r = c->process->root.length
                ? socket_address_place(c, v, (uint32_t)c->guest[i + 1], call_is(c, ROW_bind) ? 0 : PATH_FOLLOW)
                : 0;
        if (r < 0) return r;
        if (r == 0) return pointer(c, v, size, false, &c->host[i]) ? 0 : -EFAULT;
        c->host[i] = (uintptr_t)&c->address;
        c->host[i + 1] = (uint64_t)r;
        break;
    case 'B': /* of a page or less */
        if (space_within(c->process->space, v, SPACE_PAGE))
            space_host_writes(c->process->space, v, SPACE_PAGE, engine_is_shared(c->process->vm->engine));
        if (c->written) outside_note(c, v, size ? size : sizeof(struct sockaddr_storage));
        __attribute__((fallthrough));
    case '<':
    case '>':
    case '=':
    case 'S':
    case 'D':
        if (!pointer(c, v, size, letter == '>' || letter == '=' || letter == 'B', &c->host[i])) return -EFAULT;
        break;
    default: break;
    }
    return 0;
}

/* Makes of registers the arguments of a row. Each argument is a letter a to f, the register that it is in; a capital
   letter, the same as a signed number of 32 bits; two letters, its lower and upper 32 bits; or -, nothing: 0. Behind
   it ^ counts pages instead of bytes. */
__attribute__((noinline, cold)) static void call_shape(struct call *c, const char *shape) {
    uint64_t registers[6];
    memcpy(registers, c->guest, sizeof registers);
    memset(c->guest, 0, sizeof c->guest);
    for (unsigned i = 0; *shape && i < 6; i++) {
        uint64_t *to = &c->guest[i];
        const char first = *shape++;
        if (first >= 'a') *to = registers[first - 'a'];
        if (first >= 'A' && first < 'a') *to = (uint64_t)(int32_t)registers[first - 'A'];
        if (*shape >= 'a') *to = (uint32_t)*to | registers[*shape++ - 'a'] << 32;
        if (*shape == '^') *to *= CALL_SHAPE_PAGE;
        shape += strcspn(shape, " ");
        shape += *shape == ' ';
    }
}

static int64_t translate(struct call *c) {
    const char *s = c->row->args;
    memcpy(c->host, c->guest, sizeof c->host);
    char before = 0, letter;
    for (unsigned i = 0; *s; i++, before = letter) {
        letter = *s++;
        const bool memory = letter == '<' || letter == '>' || letter == '=';
        const struct layout *as = memory && *s >= 'A' ? call_layout(c, *s) : NULL;
        uint64_t size = memory ? call_size(&s, c) : 0;
        bool null = *s == '?' && !c->guest[i];
        if (*s == '?') s++;
        if (*s == ' ') s++;
        if (null) continue;
        if (as && as->in) {
            if (!struct_argument(c, i, letter, as)) return -EFAULT;
            continue;
        }
        int64_t r = translate_one(c, i, letter, before, size);
        if (r < 0) return r;
    }
    return 0;
}

/* ---- waiting */

int64_t call_wait_on_host(struct call *c, long number, const uint64_t args[6]) {
    struct engine *engine = c->process->vm->engine;
    engine_unlock(engine);
    int64_t r = os_call_unless(&c->thread->interrupted, number, args);
    engine_lock(engine, c->thread->cpu);
    return r;
}

int64_t call_wait(struct call *c, long number, uint64_t a, uint64_t b, uint64_t d, uint64_t e, uint64_t f, uint64_t g) {
    const uint64_t args[6] = {a, b, d, e, f, g};
    return input_tapped(c->process->vm) ? outside_wait(c, number, args) : call_wait_on_host(c, number, args);
}

int64_t call_pass(struct call *c) {
    const uint64_t *h = c->host;
    return call_wait(c, c->row->host, h[0], h[1], h[2], h[3], h[4], h[5]);
}

static int64_t perform(struct call *c) {
    if (c->row->handler) return c->row->handler(c);
    int64_t r = call_pass(c);
    if (r >= 0 && c->process->root.length) socket_address_show(c);
    return r == 0 || r == -EPERM ? memory_file_io(c, r) : r;
}

/* The rest is large, and written before it is read. */
static inline void call_begin(struct call *c, struct thread *t, const struct row *row) {
    c->process = t->process;
    c->thread = t;
    c->row = row;
    c->paths = c->nheld = c->out = 0;
    c->out_always = 0;
    c->missing = c->brief = false;
    c->written = NULL;
}

int64_t call_within(struct thread *t, unsigned row, const uint64_t args[6]) {
    struct call c;
    call_begin(&c, t, &linux_rows[row]);
    c.layouts = t->process->abi->calls->layouts[0];
    memcpy(c.guest, args, sizeof c.guest);
    int64_t result = translate(&c);
    if (result == 0) result = perform(&c);
    if (c.out) result = structs_out(&c, result);
    if (c.nheld) path_release(&c);
    return result;
}

static __attribute__((noinline)) int64_t higher_of_pair(struct call *c, uint64_t at) {
    int pair[2];
    if (!call_read(c, at, pair, sizeof pair)) return 0;
    return pair[0] > pair[1] ? pair[0] : pair[1];
}

/* The higher descriptor of the two that a call has made. */
static inline int64_t second_made(struct call *c) {
    if (call_is(c, ROW_pipe2)) return higher_of_pair(c, c->guest[0]);
    return call_is(c, ROW_socketpair) ? higher_of_pair(c, c->guest[3]) : 0;
}

static inline __attribute__((always_inline)) int64_t answer_here(struct call *c) {
    struct process *p = c->process;
    int64_t result = translate(c);
    if (result == 0) result = perform(c);
    while (result == -EMFILE && own_fd_yield(p)) result = perform(c); /* some make two */
    own_fds_shift(p, result == 0 ? second_made(c) : result);
    return c->out ? structs_out(c, result) : result;
}

int64_t call_answer(struct call *c) {
    return answer_here(c);
}

enum answer linux_call(struct thread *t) {
    struct process *p = t->process;
    struct call c;
    uint64_t number = p->abi->call(t->cpu, c.guest);
    const struct abi_calls *calls = p->abi->calls;
    const struct number n = number < NUMBERS ? calls->numbers[number] : (struct number){ROW_NONE, 0, 0};
    const struct row *row = n.row ? &linux_rows[n.row] : NULL;
    call_begin(&c, t, row);
    c.layouts = calls->layouts[n.layouts];
    if (__builtin_expect(n.shape, 0)) call_shape(&c, calls->shapes[n.shape]);
    int64_t result = -ENOSYS;
    t->cpu->reserve_address = UINT64_MAX; /* as a return from the kernel does */
    struct strace line, *trace = options_strace(p) ? &line : NULL;
    if (trace) strace_begin(trace, &c, number);
    bool allowed = !t->seccomp || seccomp_allows(&c, number, &result);
    c.number = (uint32_t)number;
    if (row && allowed) result = input_tapped(p->vm) ? outside_answer(&c) : answer_here(&c);
    if (c.nheld) path_release(&c);
    if (trace) strace_end(trace, result);
    if (result == CALL_STOP) return ANSWER_STOP;
    if (result == CALL_AGAIN) return ANSWER_RESUME;
    t->cpu->count.budget--; /* the instruction has been executed */
    if (result != CALL_STATE) p->abi->call_done(t->cpu, result);
    return ANSWER_RESUME;
}
