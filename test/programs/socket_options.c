/* Options of sockets, and what goes beside messages: descriptors, credentials, times, addresses, errors. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static long show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    return result;
}

static void set_and_get(const char *what, int s, int level, int option, int value) {
    socklen_t size = sizeof value;
    int got = -1;
    show(what, setsockopt(s, level, option, &value, sizeof value));
    show(what, getsockopt(s, level, option, &got, &size));
    printf("%d %u\n", got, size);
}

static void options(void) {
    int s = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_DGRAM, 0);
    set_and_get("REUSEADDR", s, SOL_SOCKET, SO_REUSEADDR, 1);
    set_and_get("KEEPALIVE", s, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_and_get("SNDBUF", s, SOL_SOCKET, SO_SNDBUF, 20000);
    set_and_get("TYPE", s, SOL_SOCKET, SO_TYPE, 1);
    set_and_get("NODELAY", s, IPPROTO_TCP, TCP_NODELAY, 1);
    set_and_get("KEEPIDLE", s, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    set_and_get("TTL", s, IPPROTO_IP, IP_TTL, 33);
    set_and_get("TTL", s, IPPROTO_IP, IP_TTL, 333);
    set_and_get("PKTINFO", d, IPPROTO_IP, IP_PKTINFO, 1);
    set_and_get("unknown", s, IPPROTO_TCP, 4444, 1);
    struct linger l = {1, 5};
    struct timeval t = {3, 250000};
    socklen_t size = sizeof l;
    show("LINGER", setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    memset(&l, 0, sizeof l);
    show("LINGER", getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &size));
    printf("%d %d %u\n", l.l_onoff, l.l_linger, size);
    show("RCVTIMEO", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    show("short", setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, 4));
    char name[16] = "";
    size = sizeof name;
    show("CONGESTION", getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &size));
    struct tcp_info info;
    size = sizeof info;
    show("INFO", getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &size));
    printf("%d\n", info.tcpi_state);
    show("nowhere", getsockopt(s, SOL_SOCKET, SO_TYPE, (void *)-4096L, &size));
    show("no size", getsockopt(s, SOL_SOCKET, SO_TYPE, &info, (void *)-4096L));
    struct ip_mreqn m = {.imr_multiaddr.s_addr = htonl(0xe0000105), .imr_address.s_addr = htonl(INADDR_LOOPBACK)};
    show("ADD_MEMBERSHIP", setsockopt(d, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m));
    show("DROP_MEMBERSHIP", setsockopt(d, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
    close(s), close(d);
}

/* A filter lets packets of three bytes pass (and the 8 of the header). */
static void filters(void) {
    int pair[2];
    struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 3, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, 2), BPF_STMT(BPF_RET | BPF_K, 0)};
    struct sock_fprog program = {4, code}, bad = {4, (void *)-4096L};
    char text[16];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    show("ATTACH_FILTER", setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &bad, sizeof bad));
    show("ATTACH_FILTER", setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, 7));
    show("ATTACH_FILTER", setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
    send(pair[1], "four", 4, 0);
    send(pair[1], "abc", 3, 0);
    show("recv", recv(pair[0], text, sizeof text, 0)); /* cut to two */
    show("recv", recv(pair[0], text, sizeof text, MSG_DONTWAIT));
    show("DETACH_FILTER", setsockopt(pair[0], SOL_SOCKET, SO_DETACH_FILTER, &program, sizeof program));
    close(pair[0]), close(pair[1]);
}

static void beside(void) {
    int pair[2], on = 1, fds[2], got[2];
    union {
        struct cmsghdr head;
        char bytes[256];
    } control = {0};
    char byte = 'x';
    struct iovec text = {&byte, 1};
    struct msghdr m = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control};
    struct ucred own = {getpid(), getuid(), getgid()};
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    pipe(fds);
    show("PASSCRED", setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    show("TIMESTAMP", setsockopt(pair[0], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
    struct cmsghdr *c = &control.head;
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    m.msg_controllen = CMSG_SPACE(sizeof fds) + CMSG_SPACE(sizeof own);
    c = CMSG_NXTHDR(&m, c);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof own);
    memcpy(CMSG_DATA(c), &own, sizeof own);
    show("sendmsg", sendmsg(pair[1], &m, 0));
    m.msg_controllen = sizeof control;
    show("recvmsg", recvmsg(pair[0], &m, MSG_CMSG_CLOEXEC));
    for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("level %d type %d length %zu\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_CREDENTIALS) printf("%d\n", !memcmp(CMSG_DATA(c), &own, sizeof own));
        if (c->cmsg_type != SCM_RIGHTS) continue;
        memcpy(got, CMSG_DATA(c), sizeof got);
        show("write", write(got[1], "y", 1));
        show("read", read(fds[0], &byte, 1));
        printf("%c %d\n", byte, fcntl(got[0], F_GETFD));
        close(got[0]), close(got[1]);
    }
    m.msg_controllen = 8;
    show("sendmsg", sendmsg(pair[1], &m, 0));
    control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = 99, .cmsg_len = CMSG_LEN(4)};
    m.msg_controllen = CMSG_SPACE(4);
    show("unknown kind", sendmsg(pair[1], &m, 0));
    socklen_t size = sizeof own;
    memset(&own, 0, sizeof own);
    show("PEERCRED", getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &own, &size));
    printf("%d %d\n", own.pid == getpid(), own.uid == getuid());
    close(pair[0]), close(pair[1]), close(fds[0]), close(fds[1]);
}

/* Where a packet was sent to, and the error that it came to. */
static void addresses(void) {
    int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
    socklen_t size = sizeof a;
    char text[16], control[512];
    struct iovec iov = {text, sizeof text};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control,
                       .msg_name = &from,
                       .msg_namelen = sizeof from};
    if (bind(s, (struct sockaddr *)&a, sizeof a)) return;
    getsockname(s, (struct sockaddr *)&a, &size);
    setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
    setsockopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    show("sendto", sendto(s, "hello", 5, 0, (struct sockaddr *)&a, sizeof a));
    show("recvmsg", recvmsg(s, &m, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        struct in_pktinfo info;
        printf("level %d type %d length %zu\n", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type != IP_PKTINFO) continue;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        printf("%s\n", inet_ntoa(info.ipi_addr));
    }
    printf("%d %u\n", from.sin_port == a.sin_port, m.msg_namelen);
    int other = socket(AF_INET, SOCK_DGRAM, 0); /* a port that is closed again */
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(other, (struct sockaddr *)&nobody, sizeof nobody);
    size = sizeof nobody;
    getsockname(other, (struct sockaddr *)&nobody, &size);
    close(other);
    show("sendto", sendto(s, "lost", 4, 0, (struct sockaddr *)&nobody, sizeof nobody));
    show("poll", poll(&(struct pollfd){.fd = s}, 1, 10000));
    m.msg_controllen = sizeof control;
    m.msg_namelen = sizeof from;
    show("error", recvmsg(s, &m, MSG_ERRQUEUE));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == IP_RECVERR) {
            struct sock_extended_err e;
            memcpy(&e, CMSG_DATA(c), sizeof e);
            printf("%s origin %d\n", strerrorname_np((int)e.ee_errno), e.ee_origin);
        }
    close(s);
}

int main(void) {
    options();
    filters();
    beside();
    addresses();
    return 0;
}
