/* A network's frames: a peer at the other end of a socket pair, as passt is one, that sends whole frames, pieces of
 * them, frames of sizes that there are none of, and goes away. */
#define _GNU_SOURCE
#include "machine/net.h"
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { KEPT = 64, FOREVER = 20 /* seconds: longer than anything takes */ };

/* A card: takes frames as long as it has buffers. */
struct card {
    pthread_mutex_t lock;
    struct net *net;
    int peer;
    unsigned buffers, frames, told, rooms, downs;
    uint32_t sizes[KEPT];
    uint8_t last[NET_FRAME_MAX];
    struct net_header header;
};

static void tell(void *self, struct net *net) {
    struct card *c = self;
    const uint8_t *frame;
    uint32_t size;
    pthread_mutex_lock(&c->lock);
    unsigned events = net_events(net);
    c->told++;
    if (events & NET_ROOM) {
        c->rooms++;
        net_flush(net);
    }
    if (events & NET_DOWN) c->downs++;
    while (c->buffers && (frame = net_peek(net, &size, &c->header))) {
        c->sizes[c->frames % KEPT] = size;
        memcpy(c->last, frame, size);
        c->frames++, c->buffers--;
        net_next(net);
    }
    pthread_mutex_unlock(&c->lock);
}

static struct card *card_make(unsigned buffers) {
    static struct card card;
    struct error error = {0};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    memset(&card, 0, sizeof card);
    pthread_mutex_init(&card.lock, NULL);
    card.peer = ends[1];
    card.buffers = buffers;
    card.net = net_make(ends[0], NET_STREAM, "n0", &error);
    assert_non_null(card.net);
    assert_true(net_start(card.net, &(struct net_client){tell, &card}, &error));
    if (buffers) net_resume(card.net);
    return &card;
}

static void card_end(struct card *c) {
    net_close(c->net);
    if (c->peer >= 0) close(c->peer);
}

/* Waits until *word is at least so many; it may be more when it is over. */
static unsigned until(struct card *c, const unsigned *word, unsigned least) {
    unsigned now = 0;
    for (int i = 0; i < FOREVER * 1000; i++) {
        pthread_mutex_lock(&c->lock);
        now = *word;
        pthread_mutex_unlock(&c->lock);
        if (now >= least) break;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return now;
}

static void pause_a_little(void) {
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

static void peer_sends(struct card *c, const void *bytes, size_t size) {
    for (const char *at = bytes; size;) {
        ssize_t n = send(c->peer, at, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n, size -= (size_t)n;
    }
}

static size_t record(uint8_t *at, uint32_t size, uint8_t fill) {
    uint32_t length = __builtin_bswap32(size);
    memcpy(at, &length, sizeof length);
    memset(at + sizeof length, fill, size);
    return sizeof length + size;
}

static uint8_t big[1 << 20];

static void frames_come_whole(void **state) {
    (void)state;
    struct card *c = card_make(100);
    size_t n = record(big, 60, 1);
    n += record(big + n, NET_FRAME_MAX, 2);
    n += record(big + n, NET_FRAME_MIN, 3);
    peer_sends(c, big, n);
    assert_int_equal(until(c, &c->frames, 3), 3);
    assert_int_equal(c->sizes[0], 60);
    assert_int_equal(c->sizes[1], NET_FRAME_MAX);
    assert_int_equal(c->sizes[2], NET_FRAME_MIN);
    assert_int_equal(c->last[NET_FRAME_MIN - 1], 3);
    assert_int_equal(c->header.flags, NET_SUM_VALID);
    assert_int_equal(c->header.segments, 0);
    card_end(c);
}

static void frames_come_in_pieces(void **state) {
    (void)state;
    struct card *c = card_make(100);
    size_t n = record(big, 40, 4);
    n += record(big + n, 41, 5);
    for (size_t i = 0; i < n; i++) {
        peer_sends(c, big + i, 1);
        if (i % 16 == 0) pause_a_little();
    }
    assert_int_equal(until(c, &c->frames, 2), 2);
    assert_int_equal(c->sizes[1], 41);
    assert_int_equal(c->last[40], 5);
    card_end(c);
}

/* More than the buffer holds, of all sizes, in one go. */
static void many_frames(void **state) {
    (void)state;
    struct card *c = card_make(100000);
    unsigned frames = 0;
    for (unsigned round = 0; round < 8; round++) {
        size_t n = 0;
        for (uint32_t size = NET_FRAME_MIN; n + size + 4 < sizeof big && frames < 100000; size += 997, frames++) {
            if (size > NET_FRAME_MAX) size = NET_FRAME_MIN + round;
            n += record(big + n, size, (uint8_t)frames);
        }
        peer_sends(c, big, n);
    }
    assert_int_equal(until(c, &c->frames, frames), frames);
    assert_int_equal(c->last[0], (uint8_t)(frames - 1));
    assert_true(net_up(c->net));
    card_end(c);
}

/* Nothing is handed on that nobody wants; and what was left over is there when there are buffers again. */
static void a_card_without_buffers(void **state) {
    (void)state;
    struct card *c = card_make(0);
    size_t n = record(big, 50, 1);
    n += record(big + n, 51, 2);
    n += record(big + n, 52, 3);
    peer_sends(c, big, n);
    pause_a_little();
    assert_int_equal(c->told, 0);
    for (unsigned i = 1; i <= 3; i++) {
        pthread_mutex_lock(&c->lock);
        c->buffers = 1;
        pthread_mutex_unlock(&c->lock);
        net_resume(c->net);
        assert_int_equal(until(c, &c->frames, i), i);
        pause_a_little();
        assert_int_equal(c->frames, i);
        assert_int_equal(c->last[0], i);
    }
    assert_in_range(c->told, 3, 6); /* and it does not ask all the time */
    card_end(c);
}

/* Carriers drop what the socket does not take: what is on its way is taken in, though nobody wants it yet. */
static void a_burst_is_taken_in(void **state) {
    (void)state;
    struct card *c = card_make(0);
    unsigned frames = 0;
    for (unsigned round = 0; round < 6; round++) {
        size_t n = 0;
        for (; n + 65000 + 4 < sizeof big; frames++) n += record(big + n, 65000, (uint8_t)frames);
        for (size_t at = 0; at < n;) {
            struct pollfd p = {.fd = c->peer, .events = POLLOUT};
            assert_int_equal(poll(&p, 1, FOREVER * 1000), 1);
            const ssize_t sent = send(c->peer, big + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            assert_true(sent > 0);
            at += (size_t)sent;
        }
    }
    assert_int_equal(c->frames, 0);
    pthread_mutex_lock(&c->lock);
    c->buffers = frames;
    pthread_mutex_unlock(&c->lock);
    net_resume(c->net);
    assert_int_equal(until(c, &c->frames, frames), frames);
    assert_int_equal(c->last[0], (uint8_t)(frames - 1));
    card_end(c);
}

static void sizes_that_there_are_none_of(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, NET_FRAME_MIN - 1, NET_FRAME_MAX + 1, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct card *c = card_make(100);
        uint32_t length = __builtin_bswap32(sizes[i]);
        size_t n = record(big, 77, 1);
        memcpy(big + n, &length, sizeof length);
        n += sizeof length;
        n += record(big + n, 78, 1);
        peer_sends(c, big, n);
        assert_int_equal(until(c, &c->downs, 1), 1);
        assert_int_equal(c->frames, 1); /* the one before it has come */
        assert_false(net_up(c->net));
        assert_non_null(strstr(net_why(c->net), "size"));
        card_end(c);
    }
}

static void the_peer_goes(void **state) {
    (void)state;
    struct card *c = card_make(100);
    size_t n = record(big, 60, 1);
    peer_sends(c, big, n + 10 < sizeof big ? n : 0);
    close(c->peer);
    c->peer = -1;
    assert_int_equal(until(c, &c->downs, 1), 1);
    assert_int_equal(c->frames, 1);
    assert_non_null(strstr(net_why(c->net), "closed"));
    /* What is sent to nobody is gone, and stops nobody. */
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&c->lock);
        uint8_t *room = net_room(c->net, 60000);
        assert_non_null(room);
        memset(room, 0, 60000);
        assert_true(net_add(c->net, 60000, &(struct net_header){0}));
        pthread_mutex_unlock(&c->lock);
    }
    card_end(c);
}

/* And in the middle of a frame, while nobody wants any. */
static void the_peer_goes_unseen(void **state) {
    (void)state;
    struct card *c = card_make(0);
    record(big, 60, 1);
    peer_sends(c, big, 20);
    close(c->peer);
    c->peer = -1;
    pause_a_little();
    struct timespec t0, t1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    pause_a_little();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    int64_t spent = (t1.tv_sec - t0.tv_sec) * 1000000000 + t1.tv_nsec - t0.tv_nsec;
    assert_in_range(spent, 0, 15000000); /* it sleeps */
    net_resume(c->net);
    assert_int_equal(until(c, &c->downs, 1), 1);
    assert_int_equal(c->frames, 0);
    card_end(c);
}

/* ---- out */

static size_t peer_reads(struct card *c, uint8_t *to, size_t size) {
    size_t have = 0;
    while (have < size) {
        struct pollfd p = {.fd = c->peer, .events = POLLIN};
        if (poll(&p, 1, FOREVER * 1000) <= 0) break;
        ssize_t n = recv(c->peer, to + have, size - have, 0);
        if (n <= 0) break;
        have += (size_t)n;
    }
    return have;
}

static bool add(struct card *c, uint32_t size, uint8_t fill, const struct net_header *h) {
    pthread_mutex_lock(&c->lock);
    uint8_t *room = net_room(c->net, size);
    if (room) {
        memset(room, fill, size);
        net_add(c->net, size, h);
    }
    pthread_mutex_unlock(&c->lock);
    return room;
}

static void flush(struct card *c) {
    pthread_mutex_lock(&c->lock);
    net_flush(c->net);
    pthread_mutex_unlock(&c->lock);
}

static void frames_go_out(void **state) {
    (void)state;
    struct card *c = card_make(1);
    uint8_t want[300], got[300];
    size_t n = record(want, 100, 1);
    n += record(want + n, NET_FRAME_MIN, 2);
    assert_true(add(c, 100, 1, &(struct net_header){0}));
    assert_true(add(c, NET_FRAME_MIN, 2, &(struct net_header){0}));
    flush(c);
    assert_int_equal(peer_reads(c, got, n), n);
    assert_memory_equal(got, want, n);
    card_end(c);
}

/* A peer that reads slowly: what does not fit waits, nothing is lost or doubled, and the rest goes by itself. */
static void a_slow_peer(void **state) {
    (void)state;
    struct card *c = card_make(1);
    static uint8_t got[NET_FRAME_MAX + 4];
    unsigned sent = 0, rooms = 0;
    while (add(c, 50000, (uint8_t)sent, &(struct net_header){0})) sent++;
    assert_in_range(sent, 4, 100);
    for (unsigned i = 0; i < 30; i++) {
        assert_int_equal(peer_reads(c, got, 50004), 50004);
        assert_int_equal(got[4], (uint8_t)i);
        assert_int_equal(got[50003], (uint8_t)i);
        while (sent < 30 && add(c, 50000, (uint8_t)sent, &(struct net_header){0})) sent++;
        if (sent == 30) { /* what is left, several frames, nobody but the thread sends */
            flush(c);
            sent++;
        }
    }
    pthread_mutex_lock(&c->lock);
    rooms = c->rooms;
    pthread_mutex_unlock(&c->lock);
    assert_true(rooms > 0);
    card_end(c);
}

static void sums(void **state) {
    (void)state;
    struct card *c = card_make(1);
    uint8_t got[200];
    static const struct {
        uint32_t size;
        struct net_header header;
        bool good;
        uint16_t at, sum;
    } cases[] = {
        /* 20 words of 0x0101: 0x1414, and its complement; the field itself counts. */
        {54, {.flags = NET_NEEDS_SUM, .sum_start = 14, .sum_offset = 16}, true, 30, 0xebeb},
        {55, {.flags = NET_NEEDS_SUM, .sum_start = 15, .sum_offset = 0}, true, 15, 0xebeb},
        {55, {.flags = NET_NEEDS_SUM, .sum_start = 14, .sum_offset = 0}, true, 14, 0xeaeb}, /* an odd end */
        {54, {.flags = NET_NEEDS_SUM, .sum_start = 52, .sum_offset = 0}, true, 52, 0xfefe},
        {54, {.flags = NET_NEEDS_SUM, .sum_start = 53, .sum_offset = 0}, false, 0, 0},
        {54, {.flags = NET_NEEDS_SUM, .sum_start = 14, .sum_offset = 39}, false, 0, 0},
        {54, {.flags = NET_NEEDS_SUM, .sum_start = 65535, .sum_offset = 65535}, false, 0, 0},
        {54, {.segments = 1, .segment_size = 10}, false, 0, 0},
        {13, {.flags = 0}, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pthread_mutex_lock(&c->lock);
        uint8_t *room = net_room(c->net, cases[i].size);
        memset(room, 1, cases[i].size);
        bool good = net_add(c->net, cases[i].size, &cases[i].header);
        net_flush(c->net);
        pthread_mutex_unlock(&c->lock);
        assert_int_equal(good, cases[i].good);
        if (!good) continue;
        assert_int_equal(peer_reads(c, got, cases[i].size + 4), cases[i].size + 4);
        assert_int_equal(got[3], cases[i].size);
        assert_int_equal(got[4 + cases[i].at] << 8 | got[5 + cases[i].at], cases[i].sum);
    }
    /* A sum of nothing is 0xffff: 0 would say that there is none. */
    pthread_mutex_lock(&c->lock);
    uint8_t *room = net_room(c->net, 20);
    memset(room, 0xff, 20);
    assert_true(net_add(c->net, 20, &(struct net_header){.flags = NET_NEEDS_SUM, .sum_start = 14}));
    net_flush(c->net);
    pthread_mutex_unlock(&c->lock);
    assert_int_equal(peer_reads(c, got, 24), 24);
    assert_int_equal(got[18] << 8 | got[19], 0xffff);
    card_end(c);
}

static void too_large(void **state) {
    (void)state;
    struct card *c = card_make(1);
    assert_null(net_room(c->net, NET_FRAME_MAX + 1));
    assert_null(net_room(c->net, UINT32_MAX));
    assert_non_null(net_room(c->net, NET_FRAME_MAX));
    card_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_whole),
        cmocka_unit_test(frames_come_in_pieces),
        cmocka_unit_test(many_frames),
        cmocka_unit_test(a_card_without_buffers),
        cmocka_unit_test(a_burst_is_taken_in),
        cmocka_unit_test(sizes_that_there_are_none_of),
        cmocka_unit_test(the_peer_goes),
        cmocka_unit_test(the_peer_goes_unseen),
        cmocka_unit_test(frames_go_out),
        cmocka_unit_test(a_slow_peer),
        cmocka_unit_test(sums),
        cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
