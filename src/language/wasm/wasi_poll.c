/* wasi_poll.c - poll_oneoff: waits until at least one of some clocks and descriptors is due, and says which are.
 *
 * A subscription becomes a row: an error, a deadline in its clock, or a descriptor of the host. Deadlines are fixed
 * when the call begins; that an interrupted call is made again does not move them. What is reported is what is so when
 * the wait is over: clocks that have come to their deadlines, descriptors that the host says are ready, errors. In
 * counted machines time is the machine's own and passes at once, but only where no descriptor is ready.
 */
#include "language/wasm/wasi.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SUBSCRIPTION = 48, EVENT = 32, MAX_SUBSCRIPTIONS = 4096 };
enum { KIND_CLOCK, KIND_READ, KIND_WRITE };
enum { ABSOLUTE = 1, HANGUP = 1 };
#define NEVER UINT64_MAX

/* Subscription {user data: 0, kind: 8, then clock {id: 16, timeout: 24, flags: 40} or descriptor: 16}. */
struct row {
    uint64_t user, deadline;
    uint32_t of; /* clock, or stream */
    uint16_t error;
    uint8_t kind;
};

static uint16_t clock_row(struct host_call *c, const uint8_t *s, struct row *r) {
    const struct wasi *w = host_machine(c)->wasi;
    const uint64_t timeout = load(s + 24, 8), flags = load(s + 40, 2);
    if (r->of >= CLOCKS || flags & ~(uint64_t)ABSOLUTE) return WASI_INVAL;
    const uint64_t began = w->began[r->of];
    r->deadline = flags & ABSOLUTE ? timeout : began > NEVER - timeout ? NEVER : began + timeout;
    /* Who waits uses no time of a processor: this would have no end. */
    const bool passes = r->of <= CLOCK_STEADY || w->vm->counted;
    return passes || wasi_clock_now(w->vm, r->of) >= r->deadline ? WASI_OK : WASI_NOTSUP;
}

static uint16_t stream_row(struct host_call *c, const struct row *r) {
    const int fd = wasi_stream(c, r->of);
    const int64_t flags = fd < 0 ? -1 : wasi_flags(vm_of(c), fd);
    if (flags < 0) return WASI_BADF;
    return (flags & O_ACCMODE) == (r->kind == KIND_READ ? O_WRONLY : O_RDONLY) ? WASI_BADF : WASI_OK;
}

static void row_make(struct host_call *c, const uint8_t *s, struct row *r) {
    *r = (struct row){.user = load(s, 8), .kind = s[8], .of = (uint32_t)load(s + 16, 4), .deadline = NEVER};
    switch (r->kind) {
    case KIND_CLOCK: r->error = clock_row(c, s, r); break;
    case KIND_READ:
    case KIND_WRITE: r->error = stream_row(c, r); break;
    default: r->error = WASI_INVAL;
    }
}

static bool is_due(struct vm *vm, const struct row *r, const struct pollfd *polled) {
    if (r->error) return true;
    if (r->kind == KIND_CLOCK) return wasi_clock_now(vm, r->of) >= r->deadline;
    const short wanted = r->kind == KIND_READ ? POLLIN : POLLOUT;
    return polled[r->of].revents & (wanted | POLLERR | POLLHUP | POLLNVAL);
}

/* Bytes that can be read without waiting. */
static uint64_t readable(struct vm *vm, int fd) {
    struct stat s;
    int n = 0;
    if (wasi_stat(vm, fd, &s) == 0 && S_ISREG(s.st_mode)) {
        const int64_t at = wasi_seek(vm, fd, 0, SEEK_CUR);
        return at >= 0 && at < s.st_size ? (uint64_t)(s.st_size - at) : 0;
    }
    const int64_t count = WASI_ASK(vm, SYS_ioctl, ioctl(fd, FIONREAD, &n) ? -1 : n);
    return count < 0 ? 1 : (uint64_t)count; /* one at least, if the host does not say how many */
}

/* Bytes that can be written without waiting; of most files the host does not say more than that there are some. */
static uint64_t writable(struct vm *vm, int fd) {
    struct stat s;
    return wasi_stat(vm, fd, &s) == 0 && S_ISFIFO(s.st_mode) ? PIPE_BUF : 1;
}

/* Event {user data: 0, error: 8, kind: 10, bytes: 16, flags: 24}. */
static void put_event(struct host_call *c, uint8_t *event, const struct row *r, const struct pollfd *polled) {
    memset(event, 0, EVENT);
    store(event, 8, r->user);
    store(event + 8, 2, r->error);
    event[10] = r->kind;
    if (r->error || r->kind == KIND_CLOCK) return;
    const int fd = wasi_stream(c, r->of);
    const short seen = polled[r->of].revents;
    if (seen & POLLNVAL) {
        store(event + 8, 2, WASI_BADF);
        return;
    }
    /* Of a pipe that nobody reads any more the host says that there is an error. */
    const bool gone = seen & (POLLHUP | POLLERR);
    if (r->kind == KIND_READ)
        store(event + 16, 8, seen & POLLIN ? readable(vm_of(c), fd) : 0);
    else
        store(event + 16, 8, gone ? 0 : writable(vm_of(c), fd));
    store(event + 24, 2, gone ? HANGUP : 0);
}

/* Nanoseconds to the first deadline; NEVER: there is none. */
static uint64_t first_deadline(struct vm *vm, const struct row *rows, uint32_t n) {
    uint64_t first = NEVER;
    for (uint32_t k = 0; k < n; k++) {
        const struct row *r = &rows[k];
        if (r->error) return 0;
        if (r->kind != KIND_CLOCK || r->deadline == NEVER) continue;
        const uint64_t now = wasi_clock_now(vm, r->of), rest = r->deadline > now ? r->deadline - now : 0;
        if (rest < first) first = rest;
    }
    return first;
}

/* False: interrupted. Who wants the run to stop may do so from another thread: a look now and then. */
static bool wait_once(struct vm *vm, struct pollfd *polled, uint64_t rest) {
    const uint64_t look = 50000000;
    const bool passes = vm->counted && rest != NEVER;
    const struct timespec t = {0, passes ? 0 : (long)(rest < look ? rest : look)};
    const int64_t ready = WASI_ASK(vm, SYS_ppoll, ppoll(polled, STREAMS, &t, NULL));
    input_data(vm, polled, STREAMS * sizeof *polled);
    if (ready < 0 || INPUT_VALUE(vm, INPUT_wish, 0, __atomic_load_n(&vm->cpu->poll, __ATOMIC_RELAXED) != 0))
        return false;
    if (passes && !ready) vm_clock_advance(vm, rest);
    return true;
}

static uint32_t put_events(struct host_call *c, const struct row *rows, uint32_t n, const struct pollfd *polled,
                           uint8_t *out) {
    uint32_t found = 0;
    for (uint32_t k = 0; k < n; k++)
        if (is_due(vm_of(c), &rows[k], polled)) put_event(c, out + (size_t)EVENT * found++, &rows[k], polled);
    return found;
}

static void note_begin(struct host_call *c) {
    struct wasi *w = host_machine(c)->wasi;
    if (w->waits && !memcmp(w->waiting, c->args, sizeof w->waiting)) return;
    for (unsigned k = 0; k < CLOCKS; k++) w->began[k] = wasi_clock_now(w->vm, k);
    memcpy(w->waiting, c->args, sizeof w->waiting);
}

uint64_t poll_oneoff(struct host_call *c) {
    const uint32_t n = arg(c, 2);
    const uint8_t *in = host_memory(c, arg(c, 0), (uint64_t)SUBSCRIPTION * n);
    uint8_t *out = host_memory(c, arg(c, 1), (uint64_t)EVENT * n), *count = host_memory(c, arg(c, 3), 4);
    struct pollfd polled[STREAMS] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    struct wasi *w = host_machine(c)->wasi;
    uint32_t found = 0;
    if (!n || n > MAX_SUBSCRIPTIONS) return WASI_INVAL;
    if (!in || !out || !count) return WASI_FAULT;
    struct row *rows = calloc(n, sizeof *rows); /* the events may overwrite the subscriptions */
    if (!rows) return WASI_NOMEM;
    note_begin(c);
    for (uint32_t k = 0; k < n; k++) {
        row_make(c, in + (size_t)SUBSCRIPTION * k, &rows[k]);
        if (rows[k].kind == KIND_CLOCK || rows[k].error) continue;
        polled[rows[k].of].fd = wasi_stream(c, rows[k].of);
        polled[rows[k].of].events |= rows[k].kind == KIND_READ ? POLLIN : POLLOUT;
    }
    bool heard = true;
    while (!found && heard) {
        heard = wait_once(w->vm, polled, first_deadline(w->vm, rows, n));
        if (heard) found = put_events(c, rows, n, polled, out);
    }
    free(rows);
    w->waits = !heard;
    if (!heard) return wasi_interrupted(c);
    store(count, 4, found);
    return WASI_OK;
}
