/* net.h - within machine/: what carries the frames of a network card to the outside and back. A carrier (a row of
 * `carriers` in net_open.c) opens a descriptor: that of passt's socket, of another program's socket, or of a tap
 * interface. From there on all are the same: a buffer for each direction, and a thread that sleeps until there are
 * frames, or room for more.
 *
 * A frame is an Ethernet frame without its checksum. On a socket it follows its length, 4 bytes, the highest first. A
 * tap interface has a struct net_header in front of each, with which checksums and the cutting of large segments are
 * left to others; for the others net_add sums up what the card's driver has left to be summed up.
 *
 * Who calls what: net_peek and net_next within `tell` alone, which the thread calls; net_room, net_add and net_flush
 * under the lock of whoever has the card (the machine's), `tell` included; the rest from anywhere. `tell` may take that
 * lock, so net_close is called without it.
 *
 * What comes in depends on when, so there is no network in a machine whose runs can be repeated (docs/limitations.md).
 */
#ifndef MACHINE_NET_H
#define MACHINE_NET_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NET_FRAME_MIN = 14,    /* addresses and type */
    NET_FRAME_MAX = 65600, /* of 64 KiB, with its headers */
};

/** What is known of a frame beyond its bytes; as virtio has it (5.1.6), little-endian. */
struct net_header {
    uint8_t flags, segments; /* enum net_flag; how it is to be cut, 0: not at all */
    uint16_t header_size, segment_size;
    uint16_t sum_start, sum_offset; /* with NET_NEEDS_SUM: what is summed up, and where from there the sum goes */
    uint16_t buffers;
};
enum net_flag { NET_NEEDS_SUM = 1, NET_SUM_VALID = 2 };

/** What a carrier, or the card's driver, takes beyond plain frames. */
enum net_offload { NET_SUMS = 1, NET_SEGMENTS4 = 2, NET_SEGMENTS6 = 4, NET_SEGMENTS_ECN = 8 };

/** What has happened (net_events). */
enum net_event {
    NET_FRAMES = 1, /* there may be frames to net_peek at */
    NET_ROOM = 2,   /* there is room again where net_room has found none, or net_again was called: net_flush */
    NET_DOWN = 4,   /* the other end is gone: net_why */
};

struct net;
struct net_client {
    /** Something has happened: see net_events. From the thread of the network. */
    void (*tell)(void *self, struct net *net);
    void *self;
};

/** How a descriptor speaks. */
enum net_form { NET_STREAM, NET_TAP };

/** Takes over a connected descriptor. NULL: *error, and the descriptor is still the caller's. */
struct net *net_make(int fd, enum net_form form, const char *name, struct error *error);
void net_close(struct net *net);
/** Once, before anything comes in. False: there is no thread to be had. */
bool net_start(struct net *net, const struct net_client *client, struct error *error);

/** What has happened since the last call: a set of enum net_event. */
unsigned net_events(struct net *net);
const char *net_name(const struct net *net);
/** Is the other end there? And if not: a line that says why. */
bool net_up(const struct net *net);
const char *net_why(const struct net *net);
/** The largest packet that the carrier promises to take (without the Ethernet header), 0: it does not say. */
unsigned net_mtu(const struct net *net);
/** What the carrier takes and gives; and what the card's driver takes from now on. */
unsigned net_offloads(const struct net *net);
void net_accept(struct net *net, unsigned offloads);

/** The next frame that has come, until net_next; NULL: none now. */
const uint8_t *net_peek(struct net *net, uint32_t *size, struct net_header *header);
void net_next(struct net *net);
/** Frames are wanted: at first they are not, and not after `tell` has left one behind. */
void net_resume(struct net *net);

/** Room for a frame of that size (at most NET_FRAME_MAX). NULL: none now, an event will tell. */
uint8_t *net_room(struct net *net, uint32_t size);
/** The frame in it is complete. False: its header makes no sense, and it is dropped. */
bool net_add(struct net *net, uint32_t size, const struct net_header *header);
/** Sends what was added, as far as it goes now; the rest follows by itself. */
void net_flush(struct net *net);
/** Asks for NET_ROOM as soon as anything can be sent: there is more than whoever asks wants to add in one go. */
void net_again(struct net *net);

#endif
