/* socket.c - socket calls with structs that hold pointers: messages, and the options that are known to have none. */
#include "process/linux/linux.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <time.h>

enum { NAME_MAX_SIZE = 128, MULTI_MAX = 1024 };

/* ---- addresses that are paths */

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path), PATH_ROOM = sizeof(((struct sockaddr_un *)0)->sun_path) };
static const char alias[] = "/proc/self/fd/";

/* A path of the host that stays right for other processes: that of its folder, or where it is too long, below the
   descriptor of the root. */
static bool lasting(const struct process *p, const char *path, char to[2 * PATH_MAX]) {
    const char *name = strrchr(path, '/');
    char folder[PATH_MAX];
    int64_t n = 0;
    if (strncmp(path, "/proc/thread-self/fd/", 21) == 0 && name - path > 20) {
        memcpy(folder, path, (size_t)(name - path));
        folder[name - path] = 0;
        n = host_wait(SYS_readlinkat, AT_FDCWD, folder, to, PATH_MAX - 1);
        if (n <= 0) return false;
    }
    strcpy(to + n, n ? name : path);
    if (strlen(to) < PATH_ROOM || strncmp(to, p->root.folder, p->root.length) != 0) return true;
    char rest[PATH_MAX];
    strcpy(rest, to + p->root.length);
    strcpy(put_digits(stpcpy(to, alias), (uint64_t)p->own[OWN_ROOT].fd), rest);
    return true;
}

int64_t socket_address_place(struct call *c, uint64_t from, uint32_t size, unsigned how) {
    struct sockaddr_un a = {0};
    const char *to;
    char *path = c->thread->scratch->path[c->paths++], last[2 * PATH_MAX];
    if (size > sizeof a || size <= PATH_AT) return 0;
    if (!call_read(c, from, &a, size)) return -EFAULT;
    if (a.sun_family != AF_UNIX || !a.sun_path[0]) return 0;
    const size_t length = strnlen(a.sun_path, size - PATH_AT);
    memcpy(path, a.sun_path, length);
    path[length] = 0;
    if (!(how & PATH_FOLLOW) && !strchr(path, '/')) return 0; /* a name in the working directory */
    int64_t r = path_place(c, AT_FDCWD, path, how, &to);
    if (r < 0) return r;
    if (to == path) return 0;
    if (!(how & PATH_FOLLOW) || strlen(to) >= PATH_ROOM) {
        if (!lasting(c->process, to, last)) return -ENOENT;
        to = last;
    }
    if (strlen(to) >= PATH_ROOM) return -ENAMETOOLONG;
    c->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(c->address.sun_path, to);
    return (int64_t)(PATH_AT + strlen(to) + 1);
}

uint32_t socket_path_show(const struct process *p, struct sockaddr_un *a, uint32_t size) {
    char text[PATH_MAX];
    if (size <= PATH_AT || size > sizeof *a || a->sun_family != AF_UNIX || a->sun_path[0] != '/') return size;
    const size_t length = strnlen(a->sun_path, size - PATH_AT);
    memcpy(text, a->sun_path, length);
    text[length] = 0;
    char *at = text + strlen(alias);
    if (!strncmp(text, alias, strlen(alias)) && *at >= '0' && *at <= '9') {
        at += strspn(at, "0123456789");
        if (*at == '/') memmove(text, at, strlen(at) + 1);
    } else if (!path_to_guest(p, text)) {
        return size;
    }
    if (strlen(text) >= PATH_ROOM) return size;
    strcpy(a->sun_path, text);
    return (uint32_t)(PATH_AT + strlen(text) + 1);
}

void socket_address_show(struct call *c) {
    struct sockaddr_un a = {0};
    uint32_t size;
    unsigned i = 0;
    const char *s = c->row->args;
    for (; *s && *s != 'B'; s++) i += *s == ' ';
    if (!*s || !c->guest[i] || !call_read(c, c->guest[i + 1], &size, sizeof size)) return;
    if (size > sizeof a || !call_read(c, c->guest[i], &a, size)) return;
    uint32_t shown = socket_path_show(c->process, &a, size);
    if (shown == size && a.sun_path[0] == '/') return;
    call_write(c, c->guest[i], &a, shown < size ? shown : size);
    call_write(c, c->guest[i + 1], &shown, sizeof shown);
}

/* ---- messages */

/* g: with the guest's addresses; h: with the host's. */
static int64_t message_read(struct call *c, uint64_t from, struct msghdr *g, struct msghdr *h) {
    uint64_t host;
    if (!call_get(c, LAYOUT_msghdr, from, g)) return -EFAULT;
    memset(h, 0, sizeof *h);
    if (g->msg_name) {
        if ((int32_t)g->msg_namelen < 0) return -EINVAL;
        h->msg_namelen = g->msg_namelen < NAME_MAX_SIZE ? g->msg_namelen : NAME_MAX_SIZE;
        if (!call_pointer(c, (uintptr_t)g->msg_name, h->msg_namelen, &host)) return -EFAULT;
        h->msg_name = (void *)(uintptr_t)host;
    }
    if (g->msg_iovlen > CALL_IOVECS) return -EMSGSIZE;
    int64_t r = call_iovec(c, (uintptr_t)g->msg_iov, g->msg_iovlen);
    if (r < 0) return r;
    h->msg_iov = c->thread->scratch->iov;
    h->msg_iovlen = g->msg_iovlen;
    if (g->msg_control) {
        if (!call_pointer(c, (uintptr_t)g->msg_control, g->msg_controllen, &host)) return -EFAULT;
        h->msg_control = (void *)(uintptr_t)host;
        h->msg_controllen = g->msg_controllen;
    }
    return 0;
}

/** struct mmsghdr: a message, how many bytes of it; in whole words. */
static uint64_t multi_size(const struct call *c) {
    const uint64_t word = call_layout(c, LAYOUT_word)->guest;
    return (call_layout(c, LAYOUT_msghdr)->guest + sizeof(uint32_t) + word - 1) / word * word;
}

/* Would vee's own descriptor go with the message? */
bool call_message_holds_own(struct call *c, uint64_t control, uint64_t control_size) {
    struct {
        uint64_t size;
        int32_t level, type;
    } head;
    int32_t fd;
    for (uint64_t at = 0; control && at + sizeof head <= control_size; at += (head.size + 7) & ~UINT64_C(7)) {
        if (!call_read(c, control + at, &head, sizeof head)) return false;
        if (head.size < sizeof head || head.size > control_size - at) return false;
        if (head.level != SOL_SOCKET || head.type != SCM_RIGHTS) continue;
        for (uint64_t i = sizeof head; i + sizeof fd <= head.size; i += sizeof fd)
            if (call_read(c, control + at + i, &fd, sizeof fd) && own_fd_named(c->process, fd)) return true;
    }
    return false;
}

static int64_t message_send(struct call *c, uint64_t from, uint64_t flags) {
    struct msghdr g, h;
    int64_t r = message_read(c, from, &g, &h);
    if (r >= 0 && call_message_holds_own(c, (uintptr_t)g.msg_control, g.msg_controllen)) return -EBADF;
    if (r >= 0 && g.msg_name && c->process->root.length) {
        c->paths = 0; /* one message after the other */
        path_release(c);
        r = socket_address_place(c, (uintptr_t)g.msg_name, h.msg_namelen, PATH_FOLLOW);
        if (r > 0) {
            h.msg_name = &c->address;
            h.msg_namelen = (socklen_t)r;
        }
    }
    return r < 0 ? r : call_wait(c, SYS_sendmsg, c->host[0], (uintptr_t)&h, flags, 0, 0, 0);
}

static int64_t message_receive(struct call *c, uint64_t from, uint64_t flags) {
    struct msghdr g, h;
    int64_t r = message_read(c, from, &g, &h);
    if (r < 0) return r;
    const uint64_t name = (uintptr_t)g.msg_name;
    r = call_wait(c, SYS_recvmsg, c->host[0], (uintptr_t)&h, flags, 0, 0, 0);
    if (r < 0) return r;
    if (name) g.msg_namelen = h.msg_namelen;
    if (name && c->process->root.length && h.msg_namelen <= sizeof c->address &&
        call_read(c, name, &c->address, h.msg_namelen)) {
        g.msg_namelen = socket_path_show(c->process, &c->address, h.msg_namelen);
        call_write(c, name, &c->address, g.msg_namelen < h.msg_namelen ? g.msg_namelen : h.msg_namelen);
    }
    g.msg_controllen = h.msg_controllen;
    g.msg_flags = h.msg_flags;
    const int64_t written = call_put(c, LAYOUT_msghdr, from, &g);
    return written < 0 ? written : r;
}

int64_t call_sendmsg(struct call *c) {
    return message_send(c, c->guest[1], c->guest[2]);
}

int64_t call_recvmsg(struct call *c) {
    return message_receive(c, c->guest[1], c->guest[2]);
}

/* Several messages: one after the other; an error counts only when it is the first's. */
int64_t call_sendmmsg(struct call *c) {
    uint64_t count = (uint32_t)c->guest[2] < MULTI_MAX ? (uint32_t)c->guest[2] : MULTI_MAX;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = c->guest[1] + i * multi_size(c);
        int64_t r = message_send(c, at, c->guest[3]);
        uint32_t sent = (uint32_t)r;
        if (r >= 0 && !call_write(c, at + call_layout(c, LAYOUT_msghdr)->guest, &sent, sizeof sent)) r = -EFAULT;
        if (r < 0) return i ? (int64_t)i : r;
    }
    return (int64_t)count;
}

/* Where the sender's address goes is looked at when there is one: a connection tells none. */
int64_t call_recvfrom(struct call *c) {
    const uint64_t *g = c->guest, *h = c->host;
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    int32_t room;
    if (!g[4]) return call_wait(c, SYS_recvfrom, h[0], h[1], h[2], h[3], 0, 0);
    int64_t r = call_wait(c, SYS_recvfrom, h[0], h[1], h[2], h[3], (uintptr_t)&from, (uintptr_t)&size);
    if (r < 0) return r;
    if (c->process->root.length) size = socket_path_show(c->process, (struct sockaddr_un *)(void *)&from, size);
    if (!call_read(c, g[5], &room, sizeof room)) return -EFAULT;
    if (room < 0) return -EINVAL;
    if ((uint32_t)room > size) room = (int32_t)size;
    return (!room || call_write(c, g[4], &from, (uint32_t)room)) && call_write(c, g[5], &size, sizeof size) ? r
                                                                                                            : -EFAULT;
}

int64_t call_recvmmsg(struct call *c) {
    uint64_t count = (uint32_t)c->guest[2] < MULTI_MAX ? (uint32_t)c->guest[2] : MULTI_MAX, flags = c->guest[3];
    struct timespec wait, start, now;
    if (c->guest[4] && !call_get(c, LAYOUT_timespec, c->guest[4], &wait)) return -EFAULT;
    if (c->guest[4] && (wait.tv_sec < 0 || (uint64_t)wait.tv_nsec >= 1000000000)) return -EINVAL;
    host_do(SYS_clock_gettime, CLOCK_MONOTONIC, &start);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = c->guest[1] + i * multi_size(c);
        int64_t r = message_receive(c, at, flags & ~(uint64_t)MSG_WAITFORONE);
        uint32_t got = (uint32_t)r;
        if (r >= 0 && !call_write(c, at + call_layout(c, LAYOUT_msghdr)->guest, &got, sizeof got)) r = -EFAULT;
        if (r < 0) return i ? (int64_t)i : r;
        if (flags & MSG_WAITFORONE) flags |= MSG_DONTWAIT;
        if (!c->guest[4]) continue;
        host_do(SYS_clock_gettime, CLOCK_MONOTONIC, &now); /* the time is looked at between messages, as Linux does */
        int64_t passed = (now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec;
        if (passed / 1000000000 > wait.tv_sec ||
            (passed / 1000000000 == wait.tv_sec && passed % 1000000000 >= wait.tv_nsec))
            return (int64_t)i + 1;
    }
    return (int64_t)count;
}

/* ---- families */

/* Of these, structs in messages and options hold addresses that nobody would check. */
int64_t call_socket(struct call *c) {
    int family = (int)c->guest[0];
    if (family == AF_RDS || family == AF_XDP) return -EAFNOSUPPORT;
    return call_wait(c, SYS_socket, c->host[0], c->host[1], c->host[2], 0, 0, 0);
}

/* ---- options */

/* Filters are a count and the address of that many instructions of 8 bytes. */
struct option_row {
    int level, first, last;
};
static const struct option_row filters[] = {
    {SOL_SOCKET, 26, 26}, /* SO_ATTACH_FILTER */
    {SOL_SOCKET, 51, 51}, /* SO_ATTACH_REUSEPORT_CBPF */
    {SOL_PACKET, 22, 22}, /* PACKET_FANOUT_DATA */
};
/* Structs with addresses: tables of packet filters, and what maps or takes lists. */
static const struct option_row set_refused[] = {
    {SOL_IP, 64, 64},   /* IPT_SO_SET_REPLACE */
    {SOL_IP, 96, 96},   /* ARPT_SO_SET_REPLACE */
    {SOL_IP, 128, 129}, /* EBT_SO_SET_ENTRIES, EBT_SO_SET_COUNTERS */
    {SOL_IPV6, 64, 64}, /* IP6T_SO_SET_REPLACE */
};
static const struct option_row get_refused[] = {
    {SOL_IP, 128, 131},       /* EBT_SO_GET_* */
    {IPPROTO_TCP, 35, 35},    /* TCP_ZEROCOPY_RECEIVE */
    {IPPROTO_SCTP, 111, 111}, /* SCTP_SOCKOPT_CONNECTX3 */
    {284, 4, 4},              /* SOL_MPTCP, MPTCP_FULL_INFO */
};

static bool is_among(const struct option_row *rows, size_t count, const uint64_t *g) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].level == (int)g[1] && rows[i].first <= (int)g[2] && (int)g[2] <= rows[i].last) return true;
    return false;
}
#define IS_AMONG(rows, g) is_among(rows, sizeof(rows) / sizeof *(rows), g)

int64_t call_setsockopt(struct call *c) {
    const uint64_t *g = c->guest;
    struct sock_fprog filter;
    uint64_t host = 0, code;
    if (g[3] && !call_pointer(c, g[3], (int)g[4] > 0 ? (uint32_t)g[4] : 0, &host)) return -EFAULT;
    if (IS_AMONG(set_refused, g)) return -ENOPROTOOPT;
    if (IS_AMONG(filters, g) && (int)g[4] == call_layout(c, LAYOUT_sock_fprog)->guest) {
        if (!call_get(c, LAYOUT_sock_fprog, g[3], &filter)) return -EFAULT;
        if (!call_pointer(c, (uintptr_t)filter.filter, filter.len * sizeof *filter.filter, &code)) return -EFAULT;
        filter.filter = (void *)(uintptr_t)code;
        return call_wait(c, SYS_setsockopt, c->host[0], g[1], g[2], (uintptr_t)&filter, sizeof filter, 0);
    }
    return call_wait(c, SYS_setsockopt, c->host[0], g[1], g[2], host, g[4], 0);
}

int64_t call_getsockopt(struct call *c) {
    const uint64_t *g = c->guest;
    int32_t size;
    uint64_t host = 0;
    if (!call_read(c, g[4], &size, sizeof size)) return -EFAULT;
    if (g[3] && !call_pointer(c, g[3], size > 0 ? (uint32_t)size : 0, &host)) return -EFAULT;
    if (IS_AMONG(get_refused, g)) return -ENOPROTOOPT;
    return call_wait(c, SYS_getsockopt, c->host[0], g[1], g[2], host, c->host[4], 0);
}
