/* worse.c - system calls that come as badly as Linux lets them, for a tap that wants that (--disturb): less is done
 * than was asked for, who waits is interrupted, memory is refused. What may happen to which call are rows of
 * outside.def.
 *
 * A program may rely on what Linux promises, so this does not happen: part of an object (a packet, a counter, an
 * event), part of what goes into a pipe at once, part of a file whose bytes are made when they are read, the
 * interruption of a call that need not wait. Such a call is left alone.
 */
#include "process/linux/outside.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

enum what { READS = 1, WRITES, MOVES }; /* the bytes of its first descriptor, or between two */
enum form { TIME = 1, MILLISECONDS };   /* of how long it waits at most: a struct timespec, or a number */

static const struct shorter {
    uint8_t what, argument;
} shorter[ROWS] = {
#define AGAIN(name, why)
#define PAST(name, why)
#define SHORT(name, argument, what) [ROW_##name] = {what, argument},
#define INTERRUPTED(name, argument, form, late)
#include "process/linux/outside.def"
};

static const struct limit {
    uint8_t form, argument;
    int16_t late; /* what the host says when the time is over */
} limits[ROWS] = {
#define AGAIN(name, why)
#define PAST(name, why)
#define SHORT(name, argument, what)
#define INTERRUPTED(name, argument, form, late) [ROW_##name] = {form, argument, late},
#include "process/linux/outside.def"
};

/* Files: their system has blocks for bytes, other than those that make them up. Pipes and streams, if not of packets.
 */
static bool has_bytes(uint64_t fd, bool writes, uint64_t size) {
    struct stat st;
    struct statfs fs;
    int type = 0;
    socklen_t length = sizeof type;
    if (host_wait(SYS_fstat, fd, &st) < 0 || host_wait(SYS_fcntl, fd, F_GETFL) & O_DIRECT) return false;
    if (S_ISREG(st.st_mode)) return host_wait(SYS_fstatfs, fd, &fs) == 0 && fs.f_blocks;
    if (S_ISFIFO(st.st_mode)) return !writes || size > PIPE_BUF;
    return S_ISSOCK(st.st_mode) && host_wait(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
           type == SOCK_STREAM;
}

/* Calls with several operations of which one would not wait are not told from others. */
static bool waits(struct call *c) {
    const struct limit *l = &limits[c->row - linux_rows];
    const uint64_t time = c->guest[l->argument];
    struct timespec t;
    struct sembuf op;
    for (uint64_t i = 0; call_is(c, ROW_semtimedop) && i < c->guest[2]; i++)
        if (!call_read(c, c->guest[1] + i * sizeof op, &op, sizeof op) || op.sem_flg & IPC_NOWAIT) return false;
    if (l->form == MILLISECONDS) return (int)time != 0;
    if (!time) return true;
    return call_get(c, LAYOUT_timespec, time, &t) && t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000 &&
           (t.tv_sec || t.tv_nsec);
}

int64_t worse_wait(struct call *c, long number, const uint64_t args[6]) {
    const struct limit *l = &limits[c->row - linux_rows];
    static const struct timespec none;
    uint64_t brief[6];
    if (!waits(c)) return call_wait_on_host(c, number, args);
    for (unsigned i = 0; i < 6; i++) brief[i] = args[i];
    brief[l->argument] = l->form == TIME ? (uintptr_t)&none : 0;
    int64_t r = call_wait_on_host(c, number, brief);
    return r == l->late ? -EINTR : r;
}

bool worse_call(struct call *c) {
    struct vm *vm = c->process->vm;
    const unsigned row = (unsigned)(c->row - linux_rows);
    const struct shorter *s = &shorter[row];
    size_t size = s->what ? c->guest[s->argument] : 0;
    uint32_t may = 0;
    if (s->what == MOVES || (size && s->what && has_bytes(c->guest[0], s->what == WRITES, size)))
        may |= INPUT_SHORTENED;
    if (limits[row].form) may |= INPUT_INTERRUPTED;
    if (call_is(c, ROW_mremap) || call_is(c, ROW_mmap)) may |= INPUT_REFUSED;
    const uint32_t done = may ? input_worse(vm, may, &size) : 0;
    if (done & INPUT_SHORTENED) c->guest[s->argument] = size;
    c->brief = done & INPUT_INTERRUPTED;
    return done & INPUT_REFUSED;
}
