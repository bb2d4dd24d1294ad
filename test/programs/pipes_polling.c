/* Pipes and the calls that wait on them: capacity, non-blocking ends, end of file, EPIPE, poll, ppoll, select, pselect,
 * epoll, eventfd, socketpair. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patient.h"

static volatile sig_atomic_t broken;

static void on_pipe(int s) {
    broken = s;
}

static void show(const char *what, long result) {
    printf("%s %ld", what, result);
    printf(result == -1 ? " errno %d\n" : "\n", errno);
}

static void show_poll(const char *what, int in, int out) {
    struct pollfd fds[3] = {{in, POLLIN | POLLOUT, 0}, {out, POLLIN | POLLOUT, 0}, {-1, POLLIN, 77}};
    int n = poll(fds, 3, 0);
    fd_set readers, writers;
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    if (fcntl(in, F_GETFD) >= 0) FD_SET(in, &readers);
    if (fcntl(out, F_GETFD) >= 0) FD_SET(out, &writers);
    struct timeval now = {0, 0};
    int m = select(64, &readers, &writers, NULL, &now);
    printf("%s: poll %d %x %x %x select %d %d %d\n", what, n, (unsigned)fds[0].revents, (unsigned)fds[1].revents,
           (unsigned)fds[2].revents, m, FD_ISSET(in, &readers) != 0, FD_ISSET(out, &writers) != 0);
}

int main(void) {
    int p[2];
    static char block[4096], back[8192];
    show("pipe", pipe(p));
    show_poll("empty", p[0], p[1]);
    show("write", write(p[1], "hello", 5));
    show_poll("some", p[0], p[1]);
    int waiting = 0;
    ioctl(p[0], FIONREAD, &waiting);
    printf("%d\n", waiting);
    show("read part", read(p[0], back, 3));
    show("read rest", read(p[0], back + 3, 100));
    printf("%.5s\n", back);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    show("would block", read(p[0], back, 1));
    for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(i * 7);
    long total = 0;
    for (ssize_t n; (n = write(p[1], block, sizeof block)) > 0;) total += n;
    show("full", total);
    show("capacity", fcntl(p[1], F_GETPIPE_SZ));
    show_poll("full", p[0], p[1]);
    unsigned sum = 0;
    for (ssize_t n; (n = read(p[0], back, 1000)) > 0; total -= n)
        for (ssize_t i = 0; i < n; i++) sum = sum * 31 + (unsigned char)back[i];
    printf("%ld %u\n", total, sum);
    write(p[1], "last", 4);
    close(p[1]);
    show("after close", read(p[0], back, 100));
    show("end", read(p[0], back, 100));
    struct pollfd one = {p[0], POLLIN, 0};
    int n = poll(&one, 1, 10);
    printf("%d %x\n", n, (unsigned)one.revents);
    close(p[0]);
    n = poll(&one, 1, 0);
    printf("%d %x\n", n, (unsigned)one.revents);
    show("closed", read(p[0], back, 1));

    signal(SIGPIPE, on_pipe);
    pipe(p);
    close(p[0]);
    show("no reader", write(p[1], "x", 1));
    printf("SIGPIPE %d\n", (int)broken);
    signal(SIGPIPE, SIG_IGN);
    show("ignored", write(p[1], "x", 1));
    close(p[1]);

    show("pipe2", pipe2(p, O_CLOEXEC | O_NONBLOCK));
    printf("%x %x\n", (unsigned)fcntl(p[0], F_GETFD), (unsigned)fcntl(p[0], F_GETFL) & O_NONBLOCK);
    struct timespec brief = {0, 2000000};
    show("ppoll times out", ppoll(&(struct pollfd){p[0], POLLIN, 0}, 1, &brief, NULL));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    show("pselect times out", pselect(p[0] + 1, &set, NULL, NULL, &brief, NULL));
    int e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdefull}, got[4];
    show("epoll add", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    show("epoll add twice", epoll_ctl(e, EPOLL_CTL_ADD, p[0], &event));
    show("epoll none", epoll_wait(e, got, 4, 0));
    write(p[1], "abc", 3);
    show("epoll one", epoll_wait(e, got, 4, 100));
    printf("%x %llx\n", got[0].events, (unsigned long long)got[0].data.u64);
    event.events = EPOLLIN | EPOLLET;
    epoll_ctl(e, EPOLL_CTL_MOD, p[0], &event);
    int first = epoll_wait(e, got, 4, 0), second = epoll_wait(e, got, 4, 0);
    printf("edge %d %d\n", first, second);
    int ev = eventfd(5, EFD_NONBLOCK);
    uint64_t value = 10;
    write(ev, &value, 8);
    event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT, .data.fd = ev};
    epoll_ctl(e, EPOLL_CTL_ADD, ev, &event);
    n = epoll_wait(e, got, 4, 0);
    printf("%d %x %d\n", n, got[0].events, got[0].data.fd == ev);
    read(ev, &value, 8);
    printf("%llu\n", (unsigned long long)value);
    show("drained", read(ev, &value, 8));
    show("epoll remove", epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));
    show("epoll missing", epoll_ctl(e, EPOLL_CTL_DEL, p[0], NULL));

    int s[2];
    show("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    show("send", send(s[0], "over a socket", 13, 0));
    show("peek", recv(s[1], back, 4, MSG_PEEK));
    show("receive", recv(s[1], back, 100, 0));
    show_poll("sockets", s[1], s[0]);
    shutdown(s[0], SHUT_WR);
    show("after shutdown", recv(s[1], back, 100, 0));
    show("other way", write(s[1], "back", 4));
    show("received", read(s[0], back, 100));
    show("datagrams", socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    for (int i = 1; i < 5; i++) send(s[0], block, (size_t)i * 10, 0);
    for (int i = 1; i < 5; i++) show("datagram", recv(s[1], back, 25, i % 2 ? MSG_TRUNC : 0));
    return 0;
}
