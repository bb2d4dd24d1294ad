/* net.c - see net.h: buffers, the thread, frames on a socket or a tap interface.
 *
 * Both buffers hold records: the length (4 bytes, the highest first), then, of a tap interface, a struct net_header,
 * which the length counts, then the frame. So a socket's bytes are the buffer's. `in` is the thread's own. `out` is
 * whoever's has the card's lock; when nothing more can be sent, the thread waits for room and tells, and the card,
 * with its lock, goes on. The buffers are the bounds: of a guest that takes no frames for long the socket fills, and
 * the other end waits or drops. `in` is as large as what connections have on their way, since carriers that find the
 * socket full drop what they cannot send and are slow to send it again; what of it is not used takes no memory.
 */
#define _GNU_SOURCE
#include "machine/net.h"
#include "base/os.h"
#include <errno.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LENGTH = 4, BUFFER = 4 * (NET_FRAME_MAX + LENGTH), IN_BUFFER = 8 << 20, STACK = 256 << 10 };

struct net {
    int fd, wake;
    enum net_form form;
    struct net_client client;
    pthread_t thread;
    bool started;
    uint32_t stop, down; /* atomic: set once, the first by net_close, the second by the thread */
    uint32_t wanted;     /* atomic: frames are: set by net_resume, cleared by the thread when one is left over */
    uint32_t blocked;    /* atomic: something waits in `out`: set by net_flush, cleared by the thread */
    uint32_t events;     /* atomic: enum net_event */
    char name[32], why[200];
    uint32_t in_from, in_to, out_from, out_to;
    uint8_t out[BUFFER], in[IN_BUFFER];
};

/* ---- records */

static void put_length(uint8_t *at, uint32_t size) {
    size = __builtin_bswap32(size);
    memcpy(at, &size, LENGTH);
}
static uint32_t get_length(const uint8_t *at) {
    uint32_t size;
    memcpy(&size, at, LENGTH);
    return __builtin_bswap32(size);
}

static uint32_t header_size(const struct net *n) {
    return n->form == NET_TAP ? sizeof(struct net_header) : 0;
}

/* How many bytes of frame the first record of `in` has; 0: it is not complete; -1: there can be no such frame. */
static int64_t first(const struct net *n) {
    const uint32_t have = n->in_to - n->in_from, least = header_size(n) + NET_FRAME_MIN;
    if (have < LENGTH) return 0;
    const uint32_t size = get_length(n->in + n->in_from);
    if (size < least || size > header_size(n) + NET_FRAME_MAX) return -1;
    return have - LENGTH < size ? 0 : size - header_size(n);
}

/* ---- the other end */

static void is_down(struct net *n, const char *why) {
    if (__atomic_load_n(&n->down, __ATOMIC_SEQ_CST)) return;
    strncpy(n->why, why, sizeof n->why - 1);
    __atomic_store_n(&n->down, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&n->events, NET_DOWN, __ATOMIC_SEQ_CST);
}

/* Is there room for the largest frame? Moves what there is to the buffer's start if that is half free, so that a byte
   is moved once. */
static bool make_room(struct net *n) {
    const uint32_t needed = LENGTH + sizeof(struct net_header) + NET_FRAME_MAX;
    if (IN_BUFFER - n->in_to < needed && n->in_from >= IN_BUFFER / 2) {
        memmove(n->in, n->in + n->in_from, n->in_to - n->in_from);
        n->in_to -= n->in_from;
        n->in_from = 0;
    }
    return IN_BUFFER - n->in_to >= needed;
}

/* Reads what has come on a socket, for which there is room. True: there may be more. */
static bool receive_stream(struct net *n) {
    const size_t room = IN_BUFFER - n->in_to;
    ssize_t got = recv(n->fd, n->in + n->in_to, room, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
        is_down(n, got ? strerror(errno) : "the other end has closed the connection");
        return false;
    }
    n->in_to += (uint32_t)got;
    return (size_t)got == room;
}

static bool receive_tap(struct net *n) {
    while (make_room(n)) {
        ssize_t got = read(n->fd, n->in + n->in_to + LENGTH, IN_BUFFER - n->in_to - LENGTH);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        if (got < 0) {
            is_down(n, strerror(errno));
            return false;
        }
        if ((size_t)got < sizeof(struct net_header) + NET_FRAME_MIN) continue;
        put_length(n->in + n->in_to, (uint32_t)got);
        n->in_to += LENGTH + (uint32_t)got;
    }
    return true;
}

/* ---- the thread */

static void wake(struct net *n) {
    uint64_t one = 1;
    ssize_t r = write(n->wake, &one, sizeof one);
    (void)r; /* it is full of wakes already */
}

static void tell(struct net *n, unsigned events) {
    if (events) __atomic_fetch_or(&n->events, events, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&n->events, __ATOMIC_SEQ_CST)) n->client.tell(n->client.self, n);
}

static bool stops(const struct net *n) {
    return __atomic_load_n(&n->stop, __ATOMIC_SEQ_CST);
}

/* Reads until nothing more has come, or there is no room. */
static void take_in(struct net *n) {
    bool more = true;
    while (more && net_up(n) && !stops(n) && make_room(n))
        more = n->form == NET_TAP ? receive_tap(n) : receive_stream(n);
}

/* Hands on what has come, until the card takes no more: true, a frame is left behind. */
static bool hand_on(struct net *n) {
    while (!stops(n)) {
        const int64_t size = first(n); /* what came before the end, too */
        if (size < 0) is_down(n, "the other end sent a frame of a size that there is none of");
        if (size <= 0) break;
        __atomic_store_n(&n->wanted, 0, __ATOMIC_SEQ_CST); /* unless all are taken: */
        tell(n, NET_FRAMES);
        if (first(n) > 0) return true;
        __atomic_store_n(&n->wanted, 1, __ATOMIC_SEQ_CST);
        take_in(n);
    }
    tell(n, 0);
    return false;
}

/* Sleeps until there is something to do; what has come to the descriptor. hung: nothing more will be sent. */
static short sleep_for(struct net *n, bool hung) {
    const bool down = __atomic_load_n(&n->down, __ATOMIC_SEQ_CST);
    const bool blocked = __atomic_load_n(&n->blocked, __ATOMIC_SEQ_CST);
    const bool room = make_room(n);
    struct pollfd p[2] = {{.fd = n->wake, .events = POLLIN}, {.fd = n->fd}};
    p[1].events = (short)((room ? POLLIN : 0) | (blocked ? POLLOUT : 0));
    /* An end that is gone is always worth reporting, to poll: not while there is no room for what it has sent before.
     */
    if (down || (hung && !room)) p[1].fd = -1;
    if (poll(p, 2, -1) < 0) return 0;
    uint64_t wakes;
    if (p[0].revents && read(p[0].fd, &wakes, sizeof wakes) < 0) return 0;
    return p[1].revents;
}

static void *net_main(void *arg) {
    struct net *n = arg;
    bool hung = false, left = false; /* left: a frame has been left behind */
    while (!stops(n)) {
        const bool wanted = __atomic_load_n(&n->wanted, __ATOMIC_SEQ_CST);
        const short came = left && wanted ? 0 : sleep_for(n, hung);
        if (came & (POLLHUP | POLLERR)) hung = true;
        if (came & (POLLOUT | POLLHUP | POLLERR) && __atomic_exchange_n(&n->blocked, 0, __ATOMIC_SEQ_CST))
            tell(n, NET_ROOM);
        if (came & (POLLIN | POLLHUP | POLLERR)) take_in(n);
        if (__atomic_load_n(&n->wanted, __ATOMIC_SEQ_CST))
            left = hand_on(n);
        else
            left = left || first(n) != 0;
    }
    return NULL;
}

bool net_start(struct net *n, const struct net_client *client, struct error *error) {
    pthread_attr_t attributes;
    sigset_t all, before;
    n->client = *client;
    if (pthread_attr_init(&attributes)) return error_set(error, ERROR_RESOURCES, "%s: no thread for it", n->name);
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all); /* they are for the others */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    n->started = !pthread_create(&n->thread, &attributes, net_main, n);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return n->started || error_set(error, ERROR_RESOURCES, "%s: no thread for it", n->name);
}

struct net *net_make(int fd, enum net_form form, const char *name, struct error *error) {
    struct net *n = os_alloc(sizeof *n);
    if (!n) {
        error_set(error, ERROR_RESOURCES, "%s: no memory for a network", name);
        return NULL;
    }
    n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (n->wake < 0) {
        error_set(error, ERROR_RESOURCES, "%s: %s", name, strerror(errno));
        os_free(n);
        return NULL;
    }
    n->fd = fd;
    n->form = form;
    strncpy(n->name, name, sizeof n->name - 1);
    return n;
}

void net_close(struct net *n) {
    if (!n) return;
    __atomic_store_n(&n->stop, 1, __ATOMIC_SEQ_CST);
    wake(n);
    if (n->started) pthread_join(n->thread, NULL);
    close(n->fd);
    close(n->wake);
    os_free(n);
}

/* ---- what the card asks */

unsigned net_events(struct net *n) {
    return __atomic_exchange_n(&n->events, 0, __ATOMIC_SEQ_CST);
}

bool net_up(const struct net *n) {
    return !__atomic_load_n(&n->down, __ATOMIC_SEQ_CST);
}

const char *net_name(const struct net *n) {
    return n->name;
}

const char *net_why(const struct net *n) {
    return net_up(n) ? "" : n->why;
}

unsigned net_mtu(const struct net *n) {
    return n->form == NET_STREAM ? 65520 : 0; /* what passt tells its guests */
}

unsigned net_offloads(const struct net *n) {
    return n->form == NET_TAP ? NET_SUMS | NET_SEGMENTS4 | NET_SEGMENTS6 | NET_SEGMENTS_ECN : NET_SUMS;
}

void net_accept(struct net *n, unsigned offloads) {
    static const unsigned long tun[] = {TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN};
    unsigned long flags = 0;
    if (n->form != NET_TAP) return;
    for (unsigned i = 0; offloads & NET_SUMS && i < sizeof tun / sizeof *tun; i++)
        if (offloads >> i & 1) flags |= tun[i];
    ioctl(n->fd, TUNSETOFFLOAD, flags);
}

const uint8_t *net_peek(struct net *n, uint32_t *size, struct net_header *header) {
    int64_t frame = first(n);
    if (frame <= 0) return NULL;
    const uint8_t *at = n->in + n->in_from + LENGTH;
    /* A socket within this machine loses nothing, and whoever made the frame has just made its sums. */
    *header = (struct net_header){.flags = NET_SUM_VALID};
    memcpy(header, at, header_size(n));
    *size = (uint32_t)frame;
    return at + header_size(n);
}

void net_next(struct net *n) {
    n->in_from += LENGTH + get_length(n->in + n->in_from);
    if (n->in_from == n->in_to) n->in_from = n->in_to = 0;
}

void net_resume(struct net *n) {
    if (!__atomic_exchange_n(&n->wanted, 1, __ATOMIC_SEQ_CST)) wake(n);
}

uint8_t *net_room(struct net *n, uint32_t size) {
    const uint32_t whole = LENGTH + header_size(n) + size;
    if (size > NET_FRAME_MAX) return NULL;
    if (BUFFER - n->out_to < whole) net_flush(n);
    if (BUFFER - n->out_to < whole && n->out_from) {
        memmove(n->out, n->out + n->out_from, n->out_to - n->out_from);
        n->out_to -= n->out_from;
        n->out_from = 0;
    }
    return BUFFER - n->out_to < whole ? NULL : n->out + n->out_to + LENGTH + header_size(n);
}

/* The sum of the internet (RFC 1071), of words in the order of memory. */
static uint16_t sum_up(const uint8_t *at, size_t size) {
    uint64_t sum = 0, word = 0;
    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        sum += (word & UINT32_MAX) + (word >> 32);
    }
    word = 0;
    memcpy(&word, at, size);
    sum += (word & UINT32_MAX) + (word >> 32);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

bool net_add(struct net *n, uint32_t size, const struct net_header *h) {
    uint8_t *at = n->out + n->out_to, *frame = at + LENGTH + header_size(n);
    if (size < NET_FRAME_MIN) return false;
    if (n->form == NET_TAP) {
        memcpy(at + LENGTH, h, sizeof *h);
    } else if (h->segments) {
        return false;
    } else if (h->flags & NET_NEEDS_SUM) {
        const uint32_t start = h->sum_start, to = start + h->sum_offset;
        if (start > size || to + sizeof(uint16_t) > size) return false;
        uint16_t sum = sum_up(frame + start, size - start);
        if (!sum) sum = 0xffff; /* which is the same, and does not say that there is none */
        memcpy(frame + to, &sum, sizeof sum);
    }
    put_length(at, header_size(n) + size);
    n->out_to += LENGTH + header_size(n) + size;
    return true;
}

/* One write; how much of `out` it took. 0: nothing now. */
static uint32_t send_some(struct net *n) {
    const uint8_t *at = n->out + n->out_from;
    ssize_t sent;
    if (n->form == NET_STREAM) {
        sent = send(n->fd, at, n->out_to - n->out_from, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        sent = write(n->fd, at + LENGTH, get_length(at));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) sent = 0; /* of no use to the host: dropped */
        if (sent >= 0) return LENGTH + get_length(at);
    }
    if (sent >= 0) return (uint32_t)sent;
    /* Whoever is gone takes everything; the thread finds out, and why. */
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : n->out_to - n->out_from;
}

void net_again(struct net *n) {
    if (!__atomic_exchange_n(&n->blocked, 1, __ATOMIC_SEQ_CST)) wake(n);
}

void net_flush(struct net *n) {
    while (n->out_from < n->out_to) {
        uint32_t sent = net_up(n) ? send_some(n) : n->out_to - n->out_from;
        n->out_from += sent;
        if (sent) continue;
        net_again(n);
        return;
    }
    n->out_from = n->out_to = 0;
}
