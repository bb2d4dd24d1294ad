/* uring_request.c - requests to io_uring, by the rows of uring.def: from the guest's to the host's.
 *
 * The host reads strings, vectors, messages, times and addresses of sockets when a request is submitted, so what they
 * lead to may lie in the ring's room until then (IORING_FEAT_SUBMIT_STABLE). What the guest may not name becomes an
 * address that the host refuses, when it comes to that.
 *
 * What opens files has to be looked at when they are open (procfs), what changes memory concerns vee's records, and
 * some structs are not the host's: such operations are system calls that vee makes at once, and the host only delivers
 * what came of them. In a chain they would come too early: there they are refused.
 */
#include "process/linux/uring.h"
#include <string.h>
#include <sys/socket.h>

enum { ROOM_LEAST = 48 << 10 };
enum uring_field { FIELD_END, FIELD_FD, FIELD_ADDR, FIELD_OFF, FIELD_LEN, FIELD_FLAGS, FIELD_ADDR3 };
static const struct row_of {
    const char *fields;
    uint16_t call; /* its row, or ROW_NONE */
    uint8_t order[6];
} rows[] = {
#define FIELD(name)                         FIELD_##name,
#define URING(number, name, fields)         [number] = {fields, ROW_NONE, {0}},
#define URING_CALL(number, name, call, ...) [number] = {NULL, ROW_##call, {__VA_ARGS__}},
#define URING_ABSENT(number, name, reason)
#include "process/linux/uring.def"
};

bool uring_has(unsigned operation) {
    if (operation >= sizeof rows / sizeof *rows) return false;
    return rows[operation].fields || rows[operation].call;
}

static void *room(struct uring *r, size_t size) {
    void *at = r->room + r->used;
    r->used += (size + 15) & ~(size_t)15;
    return at;
}

static uint64_t buffer(struct call *c, uint64_t guest, uint64_t size, bool written) {
    uint64_t host;
    if (!call_pointer(c, guest, size, &host)) return CALL_NOBODYS;
    if (written) space_host_writes(c->process->space, guest, size, true);
    return host;
}

/* A socket's address. With another root a path in it would have to be looked at as a path. */
static uint64_t address(struct call *c, uint64_t guest) {
    uint16_t family;
    if (c->process->root.length && call_read(c, guest, &family, sizeof family) && family == AF_UNIX)
        return CALL_NOBODYS;
    return buffer(c, guest, 0, false);
}

static uint64_t vector(struct call *c, struct uring *r, uint64_t from, uint64_t count) {
    if (count > CALL_IOVECS) return CALL_NOBODYS; /* too many: that is looked at first */
    struct iovec *v = room(r, count * sizeof *v);
    if (!call_gets(c, LAYOUT_iovec, from, count, v)) return CALL_NOBODYS;
    for (uint64_t i = 0; i < count; i++)
        v[i].iov_base = (void *)(uintptr_t)buffer(c, (uintptr_t)v[i].iov_base, v[i].iov_len, true);
    return (uintptr_t)v;
}

/* A message that is sent. */
static uint64_t message(struct call *c, struct uring *r, uint64_t from) {
    struct msghdr *m = room(r, sizeof *m);
    if (!call_get(c, LAYOUT_msghdr, from, m)) return CALL_NOBODYS;
    if (call_message_holds_own(c, (uintptr_t)m->msg_control, m->msg_controllen)) return CALL_NOBODYS;
    if (m->msg_name) m->msg_name = (void *)(uintptr_t)address(c, (uintptr_t)m->msg_name);
    if (m->msg_control)
        m->msg_control = (void *)(uintptr_t)buffer(c, (uintptr_t)m->msg_control, m->msg_controllen, false);
    m->msg_iov = (struct iovec *)(uintptr_t)vector(c, r, (uintptr_t)m->msg_iov, m->msg_iovlen);
    return (uintptr_t)m;
}

static uint64_t size_of(const char **s, const struct io_uring_sqe *q) {
    uint64_t n = 0;
    if (**s != '@') {
        while (**s >= '0' && **s <= '9') n = n * 10 + (uint64_t)(*(*s)++ - '0');
        return n;
    }
    ++*s;
    if (**s == 'f') return ++*s, (uint64_t)q->len * (uint32_t)q->fd;
    if (**s == '*') return *s += 2, (uint64_t)q->len * 4;
    return q->len;
}

static uint64_t field(struct call *c, struct uring *r, const struct io_uring_sqe *q, char letter, uint64_t v,
                      uint64_t size) {
    switch (letter) {
    case '<':
    case '>':
    case '=': return buffer(c, v, size, letter != '<');
    case 'S': return buffer(c, v, 0, false);
    case 'A': return address(c, v);
    case 'B': return buffer(c, v, sizeof(struct sockaddr_storage), true);
    case 'V': return vector(c, r, v, q->len);
    case 'M': return message(c, r, v);
    default: return v;
    }
}

static void refuse(struct io_uring_sqe *host) {
    *host = (struct io_uring_sqe){.opcode = OP_NONE, .flags = host->flags, .user_data = host->user_data};
}

static void pass(struct call *c, struct uring *r, const struct io_uring_sqe *g, struct io_uring_sqe *h) {
    const char *s = rows[g->opcode].fields;
    uint64_t addr3 = 0;
    const bool of_table = g->flags & IOSQE_FIXED_FILE, selects = g->flags & IOSQE_BUFFER_SELECT;
    if (*s == 'f' && !of_table && own_fd_named(c->process, g->fd)) h->fd = -1;
    if (g->opcode == IORING_OP_CLOSE && !g->file_index) uring_closed(c->process, h->fd);
    memcpy(&addr3, &g->addr3, sizeof addr3);
    h->addr3 = h->__pad2[0] = 0;
    for (unsigned i = 0; s[1]; i++) {
        s += 2; /* behind the letter before and a blank */
        const char letter = *s;
        const uint64_t v = i == 0 ? g->addr : i == 1 ? g->off : addr3;
        uint64_t size = 0, host;
        if (letter == '<' || letter == '>' || letter == '=') {
            ++s;
            size = size_of(&s, g);
            --s;
        }
        const bool null = s[1] == '?';
        if (null) s++;
        host = (null && !v) || (i == 0 && selects && letter == '>') ? 0 : field(c, r, g, letter, v, size);
        if (i == 0)
            h->addr = host;
        else if (i == 1)
            h->off = host;
        else
            h->addr3 = host;
    }
}

static int64_t call_of(struct call *c, const struct io_uring_sqe *g) {
    const struct row_of *row = &rows[g->opcode];
    uint64_t args[6] = {0};
    for (unsigned i = 0; row->order[i] != FIELD_END; i++) switch ((enum uring_field)row->order[i]) {
        case FIELD_FD: args[i] = (uint64_t)(int64_t)g->fd; break;
        case FIELD_ADDR: args[i] = g->addr; break;
        case FIELD_OFF: args[i] = g->off; break;
        case FIELD_LEN: args[i] = g->len; break;
        case FIELD_FLAGS: args[i] = g->rw_flags; break;
        case FIELD_ADDR3: args[i] = g->addr3; break;
        case FIELD_END: break;
        }
    if (g->opcode == IORING_OP_MADVISE && g->off) args[1] = g->off; /* where lengths are long */
    return call_within(c->thread, row->call, args);
}

bool uring_translate(struct call *c, struct uring *r, const struct io_uring_sqe *guest, struct io_uring_sqe *host,
                     bool follows, bool *made, bool *again) {
    const struct io_uring_sqe g = *guest; /* others may change theirs */
    struct io_uring_sqe h = g;
    if (r->used + ROOM_LEAST > URING_ROOM) return false;
    if (!uring_has(g.opcode)) {
        refuse(&h);
    } else if (rows[g.opcode].fields) {
        pass(c, r, &g, &h);
    } else if (follows || g.file_index || (g.flags & (IOSQE_IO_DRAIN | IOSQE_FIXED_FILE))) {
        refuse(&h);
    } else {
        const int64_t result = call_of(c, &g);
        if (result == CALL_AGAIN) {
            *again = true;
            return false;
        }
        *made = true;
        h = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .flags = g.flags, .user_data = g.user_data};
        h.len = (uint32_t)(int32_t)result;
        h.rw_flags = NOP_INJECT_RESULT;
    }
    *host = h;
    return true;
}
