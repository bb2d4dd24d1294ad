/* net.c - a network card (virtio 1.2, 5.1): one queue for each direction, of Ethernet frames behind a struct
 * net_header, and a network (net.h) that carries them. Frames that have come go, whole batches at a time, from the
 * network's buffer into as many buffers of the driver's as each needs; what the driver sends goes into the network's
 * other buffer, and from there in as few calls of the host as it takes. Both are copied once.
 *
 * A frame that finds too few buffers waits in the network, and all others behind it, until the driver notifies; one
 * that cannot fit however long it waits is dropped. What does not fit into the network waits in the queue. Neither is
 * kept here: there is nothing in flight when no function runs.
 *
 * Not here: more queues, the control queue, filters of addresses (whatever comes is handed on).
 */
#include "machine/net_open.h"
#include "machine/virtio/transport.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECEIVE = 0, SEND = 1, HEADER = sizeof(struct net_header), ADDRESS = 6 };
/* Sent in one go before others get the machine: as many as a queue holds. */
enum { BATCH = VIRTIO_QUEUE_MAX };
enum feature {
    F_SUMS = 0, /* the driver may leave sums to us */
    F_GUEST_SUMS = 1,
    F_MTU = 3,
    F_MAC = 5,
    F_GUEST_SEGMENTS4 = 7,
    F_GUEST_SEGMENTS6 = 8,
    F_GUEST_ECN = 9,
    F_SEGMENTS4 = 11,
    F_SEGMENTS6 = 12,
    F_ECN = 13,
    F_MERGE = 15, /* a frame may be in several buffers */
    F_STATUS = 16
};
/* Which of them stand for what a network takes, and gives (enum net_offload). */
static const struct offload {
    unsigned offload, sends, receives;
} offloads[] = {{NET_SUMS, F_SUMS, F_GUEST_SUMS},
                {NET_SEGMENTS4, F_SEGMENTS4, F_GUEST_SEGMENTS4},
                {NET_SEGMENTS6, F_SEGMENTS6, F_GUEST_SEGMENTS6},
                {NET_SEGMENTS_ECN, F_ECN, F_GUEST_ECN}};

enum { LINK_UP = 1 };
struct config {
    uint8_t mac[ADDRESS];
    uint16_t status, pairs, mtu;
};

/* The card's side on the host. */
struct card {
    struct net *net; /* NULL: no cable */
    uint8_t mac[ADDRESS];
    struct virtio_chain chain, first;
    struct {
        uint16_t head;
        uint32_t size;
    } used[VIRTIO_QUEUE_MAX]; /* buffers of the frame that is being received */
};

static struct card *card_of(const struct virtio *v) {
    return v->host->backend;
}

/* ---- opening */

static bool has_net(const struct device_host *h) {
    return h->device->kind && ((const struct virtio_kind *)h->device->kind)->id == 1;
}

/* As on QEMU: the first card has 52:54:00:12:34:56, the next ones count on. */
static bool take_mac(const struct virtio *v, uint8_t *mac, struct error *error) {
    static const uint8_t first[ADDRESS] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    const struct machine *m = v->host->machine;
    const char *text = v->host->options ? spec_get(v->host->options, "mac") : NULL, *at = text;
    memcpy(mac, first, ADDRESS);
    for (unsigned i = 0; i < m->ndevices; i++)
        if (m->devices[i] != v->host && m->devices[i]->opened && has_net(m->devices[i])) mac[ADDRESS - 1]++;
    if (!text) return true;
    for (unsigned i = 0; i < ADDRESS; i++) {
        char *end;
        mac[i] = (uint8_t)strtoul(at, &end, 16);
        if (end != at + 2 || at[0] == '+' || at[0] == '-' || at[0] == ' ' || *end != (i < ADDRESS - 1 ? ':' : 0) ||
            mac[0] & 1)
            return error_set(error, ERROR_USAGE, "%s: mac=%.40s is no address of a card, as 52:54:00:12:34:56 is one",
                             v->host->device->name, text);
        at = end + 1;
    }
    return true;
}

/* From the thread of the network. */
static void tell(void *self, struct net *net) {
    struct device_host *h = self;
    board_submit(h);
    board_post(h, net);
}

static bool attach(struct virtio *v, struct card *c, struct error *error) {
    const char *id = v->host->options ? spec_get(v->host->options, "netdev") : NULL;
    const struct netdev_spec *n = id ? config_netdev(v->host->machine->config, id) : NULL;
    if (!n) return true;
    if (board_synchronous(v->host))
        return error_set(error, ERROR_USAGE,
                         "%s: a machine whose instructions are counted has no network, as what comes in depends on "
                         "when: --clock host",
                         v->host->device->name);
    board_hears(v->host);
    c->net = net_open(n->type, n->id, &n->keys, error);
    return c->net && net_start(c->net, &(struct net_client){tell, v->host}, error);
}

static void close_card(struct virtio *v) {
    net_close(card_of(v)->net);
    free(card_of(v));
    v->host->backend = NULL;
}

static bool open_card(struct virtio *v, struct error *error) {
    struct card *c = v->host->backend = calloc(1, sizeof *c);
    if (!c) return error_set(error, ERROR_RESOURCES, "no memory for %s", v->host->device->name);
    if (take_mac(v, c->mac, error) && attach(v, c, error)) return true;
    close_card(v);
    return false;
}

/* ---- what the driver is told */

static uint64_t offers(const struct virtio *v) {
    const struct card *c = card_of(v);
    const unsigned takes = c->net ? net_offloads(c->net) : 0;
    uint64_t set = 1ull << F_MAC | 1ull << F_STATUS | 1ull << F_MERGE;
    if (c->net && net_mtu(c->net)) set |= 1ull << F_MTU;
    for (const struct offload *o = offloads; o < offloads + sizeof offloads / sizeof *offloads; o++)
        if (takes & o->offload) set |= 1ull << o->sends | 1ull << o->receives;
    return set;
}

static bool is_up(const struct virtio *v) {
    return card_of(v)->net && net_up(card_of(v)->net);
}

static void config(const struct virtio *v, void *to) {
    struct config *c = to;
    memcpy(c->mac, card_of(v)->mac, ADDRESS);
    c->status = is_up(v) ? LINK_UP : 0;
    c->pairs = 1;
    c->mtu = card_of(v)->net ? (uint16_t)net_mtu(card_of(v)->net) : 0;
}

static void start(struct virtio *v) {
    struct net *net = card_of(v)->net;
    unsigned accepted = 0;
    if (!net) return;
    for (const struct offload *o = offloads; o < offloads + sizeof offloads / sizeof *offloads; o++)
        if (virtio_has(v, o->receives)) accepted |= o->offload;
    net_accept(net, accepted);
    net_resume(net);
}

/* ---- receiving */

/* The frame's nth buffer takes what fits of the rest; *done counts bytes of the frame. False: there is no buffer. */
static bool fill_one(struct virtio *v, struct card *c, unsigned nth, const uint8_t *frame, uint32_t size,
                     uint32_t *done) {
    static const struct net_header later;
    struct virtio_chain *chain = nth ? &c->chain : &c->first;
    uint64_t at = 0;
    if (!virtio_pop(v, RECEIVE, chain)) return false;
    if (nth == 0 && (at = virtio_write(v, chain, 0, &later, HEADER)) < HEADER) {
        virtio_unpop(v, chain);
        virtio_break(v);
        return false;
    }
    const uint32_t n = (uint32_t)virtio_write(v, chain, at, frame + *done, size - *done);
    c->used[nth].head = chain->head;
    c->used[nth].size = (uint32_t)at + n;
    *done += n;
    return true;
}

enum outcome { DELIVERED, DROPPED, WAITS };

/* Into as many buffers as it takes, of which none is published; or none has been taken. */
static enum outcome receive(struct virtio *v, struct card *c, const uint8_t *frame, uint32_t size,
                            struct net_header header) {
    const unsigned most = virtio_has(v, F_MERGE) ? v->queue[RECEIVE].size : 1;
    uint32_t done = 0;
    unsigned n = 0;
    while (done < size && n < most && fill_one(v, c, n, frame, size, &done)) n++;
    if (done < size) { /* buffers are given back to the queue in any order: they are the last n */
        for (unsigned i = 0; i < n; i++) virtio_unpop(v, &c->first);
        return n < most ? WAITS : DROPPED;
    }
    header.buffers = (uint16_t)n;
    if (!virtio_has(v, F_GUEST_SUMS)) header.flags = 0;
    virtio_write(v, &c->first, 0, &header, HEADER);
    for (unsigned i = 0; i < n; i++) {
        c->first.head = c->used[i].head;
        virtio_fill(v, &c->first, c->used[i].size);
    }
    return DELIVERED;
}

static void receive_all(struct virtio *v, struct card *c) {
    struct net_header header;
    const uint8_t *frame;
    uint32_t size;
    while (virtio_running(v) && (frame = net_peek(c->net, &size, &header)) &&
           receive(v, c, frame, size, header) != WAITS)
        net_next(c->net);
    virtio_publish(v, RECEIVE);
}

/* ---- sending */

static void send_all(struct virtio *v, struct card *c) {
    struct virtio_chain *chain = &c->chain;
    struct net_header header;
    unsigned n = 0;
    while (n < BATCH && virtio_pop(v, SEND, chain)) {
        const uint64_t size = chain->readable > HEADER ? chain->readable - HEADER : 0;
        uint8_t *room = NULL;
        if (is_up(v) && size >= NET_FRAME_MIN && size <= NET_FRAME_MAX) {
            room = net_room(c->net, (uint32_t)size);
            if (!room) { /* an event tells when there is some */
                virtio_unpop(v, chain);
                break;
            }
            virtio_read(chain, 0, &header, HEADER);
            virtio_read(chain, HEADER, room, size);
            if (!virtio_has(v, F_SUMS)) header.flags = 0;
            net_add(c->net, (uint32_t)size, &header);
        }
        virtio_fill(v, chain, 0);
        n++;
    }
    virtio_publish(v, SEND);
    if (c->net) net_flush(c->net);
    if (n == BATCH && c->net) net_again(c->net);
}

static void notify(struct virtio *v, unsigned queue) {
    struct card *c = card_of(v);
    if (queue == SEND) send_all(v, c);
    if (queue == RECEIVE && c->net) net_resume(c->net);
}

/* Whoever runs the machine should know why: the guest sees a cable that was pulled out. */
static void went_down(struct virtio *v) {
    const struct vm_options *o = &v->host->machine->vm->options;
    char line[300];
    snprintf(line, sizeof line, "network %s: %s", net_name(card_of(v)->net), net_why(card_of(v)->net));
    if (o->log_line) o->log_line(o->log_to, line);
    virtio_config_changed(v);
}

static void complete(struct virtio *v, void *request) {
    struct card *c = card_of(v);
    const unsigned events = net_events(request);
    if (events & NET_DOWN) went_down(v);
    if (events & NET_ROOM) net_flush(c->net);
    if (!virtio_running(v)) return;
    if (events & NET_ROOM) send_all(v, c);
    receive_all(v, c);
}

static const struct virtio_kind kind = {
    .name = "net",
    .id = 1,
    .pci_class = 0x020000,
    .nqueues = 2,
    .queue_size = VIRTIO_QUEUE_MAX,
    .features = 1ull << F_SUMS | 1ull << F_GUEST_SUMS | 1ull << F_MTU | 1ull << F_MAC | 1ull << F_GUEST_SEGMENTS4 |
                1ull << F_GUEST_SEGMENTS6 | 1ull << F_GUEST_ECN | 1ull << F_SEGMENTS4 | 1ull << F_SEGMENTS6 |
                1ull << F_ECN | 1ull << F_MERGE | 1ull << F_STATUS,
    .config_size = sizeof(struct config),
    .open = open_card,
    .close = close_card,
    .offers = offers,
    .config = config,
    .start = start,
    .notify = notify,
    .complete = complete,
};
VIRTIO_DEVICES(net)
