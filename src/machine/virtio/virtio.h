/* virtio.h - within machine/: what all virtio devices have in common, whatever they do and however they are reached
 * ("Virtual I/O Device (VIRTIO) Version 1.2", OASIS): modern devices with split queues, indirect descriptors and event
 * indices.
 *
 * A kind is what a device does: a row of functions (struct virtio_kind). A transport is how it is reached: registers in
 * memory (mmio.c) or a function on the PCI bus (pci.c). struct virtio is what is between them: status, features,
 * queues. All of it is guarded by the machine's lock.
 *
 * The driver is hostile, and runs at the same time: whatever it wrote is read once, into a struct virtio_chain that is
 * checked and private. What is wrong with a queue makes the device ask for a reset (virtio_break), and nothing else.
 * Not here: packed queues, devices of before version 1.
 */
#ifndef MACHINE_VIRTIO_VIRTIO_H
#define MACHINE_VIRTIO_VIRTIO_H

#include "core/object.h"
#include "machine/board.h"

/* The most queues of a device, entries of a queue, pieces of a chain. */
enum { VIRTIO_QUEUES = 4, VIRTIO_QUEUE_MAX = 256, VIRTIO_PIECES = 256 };
enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128
};
/** Reasons of an interrupt. */
enum virtio_reason { VIRTIO_USED = 1, VIRTIO_CONFIG = 2 };
/** Features that every device offers, or may; the numbers of bits. */
enum { VIRTIO_F_INDIRECT = 28, VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 };

struct virtio_queue {
    uint64_t descriptors, driver, device; /* physical addresses of its three parts */
    const uint8_t *at_descriptors, *at_driver;
    uint8_t *at_device;
    uint16_t size;
    uint16_t next;      /* index of the next available entry to take */
    uint16_t used;      /* index of used entries, as published */
    uint16_t filled;    /* entries behind it that are not published yet */
    uint16_t signalled; /* what `used` was when it was last decided about an interrupt */
    uint16_t in_flight; /* taken and not given back */
    uint8_t ready;
    uint8_t has_signalled;
};

/** What virtio devices of every kind and transport have. Kinds see their `own` state, host->backend, host->options. */
struct virtio {
    struct device_host *host;
    const struct virtio_kind *kind;
    void *own;
    uint64_t driver_features;
    uint32_t generation; /* of chains: those from before a reset are nobody's */
    uint32_t config_generation;
    uint8_t status, reasons;
    uint8_t anew; /* there is a reason that was not there before: the line has to move even if it is up */
    uint8_t device_select, driver_select; /* which 32 bits of the features the registers show */
    uint16_t queue_select;
    struct virtio_queue queue[VIRTIO_QUEUES];
};

/** A piece of guest memory, all of it RAM. */
struct virtio_piece {
    uint8_t *host;
    uint64_t physical;
    uint32_t size;
};
/** What the driver made available at once: a private copy. The device reads the first `nreadable` pieces and writes the
    others. Pieces may overlap each other: what is to be checked is copied first. */
struct virtio_chain {
    uint64_t readable, writable; /* bytes */
    uint32_t generation;
    uint16_t queue, head, npieces, nreadable;
    struct virtio_piece piece[VIRTIO_PIECES];
};

/** What a device does. NULL: nothing to do. Everything is called with the machine lock held. */
struct virtio_kind {
    const char *name; /* "rng" */
    uint32_t id;
    uint32_t pci_class; /* base class, subclass, interface */
    unsigned nqueues;
    uint16_t queue_size; /* the largest, a power of two up to VIRTIO_QUEUE_MAX */
    uint64_t features;   /* of the kind; those of all kinds are added */
    uint32_t config_size;
    size_t state_size; /* of its own state, which is nothing but its fields; 0: none */
    const struct field *fields;
    unsigned nfields;
    /** Gets the backend from the machine's configuration. */
    bool (*open)(struct virtio *v, struct error *error);
    void (*close)(struct virtio *v);
    /** Which of `features` this device offers, if not all. */
    uint64_t (*offers)(const struct virtio *v);
    /** Makes the device's configuration (config_size bytes, zeros before). */
    void (*config)(const struct virtio *v, void *config);
    void (*config_write)(struct virtio *v, unsigned offset, unsigned size, uint64_t value);
    /** The driver is ready: features are settled. */
    void (*start)(struct virtio *v);
    /** The driver has made something available on this queue; not called before it is ready. Takes all there is, or
        looks again by itself: there may be no other notification for the rest. */
    void (*notify)(struct virtio *v, unsigned queue);
    /** Stops everything in flight: when it returns no worker touches guest memory any more. Chains that were taken
        before are stale afterwards, giving them back does nothing. The fields of its own are reset then. */
    void (*reset)(struct virtio *v);
    /** A worker's request has been done (board_post). */
    void (*complete)(struct virtio *v, void *request);
    /** Time passes, or anything has happened: yields when to come again, as update of struct device. */
    uint64_t (*update)(struct virtio *v);
};

/* ---- for kinds: queue.c */

/** Takes what the driver made available next. False: there is nothing, and when there is, notify is called. */
bool virtio_pop(struct virtio *v, unsigned queue, struct virtio_chain *chain);
/** Is there something to take? */
bool virtio_available(struct virtio *v, unsigned queue);
/** The chain that was taken last from its queue has not been taken. */
void virtio_unpop(struct virtio *v, const struct virtio_chain *chain);
/** Copies from the readable, to the writable part; how many bytes, fewer at the end. */
uint64_t virtio_read(const struct virtio_chain *chain, uint64_t at, void *to, uint64_t size);
uint64_t virtio_write(struct virtio *v, const struct virtio_chain *chain, uint64_t at, const void *from, uint64_t size);
/** To be called, from any thread, when `size` bytes of the writable part have been written otherwise, by a worker. */
void virtio_wrote(struct device_host *host, const struct virtio_chain *chain, uint64_t at, uint64_t size);
/** Gives the chain back with so many bytes written, and interrupts if the driver wants that. */
void virtio_push(struct virtio *v, const struct virtio_chain *chain, uint32_t written);
/** The same in two steps, for several that the driver must see at once. */
void virtio_fill(struct virtio *v, const struct virtio_chain *chain, uint32_t written);
void virtio_publish(struct virtio *v, unsigned queue);

/* ---- for kinds: virtio.c */

static inline bool virtio_has(const struct virtio *v, unsigned feature) {
    return v->driver_features >> feature & 1;
}
static inline bool virtio_running(const struct virtio *v) {
    return (v->status & (VIRTIO_DRIVER_OK | VIRTIO_NEEDS_RESET)) == VIRTIO_DRIVER_OK;
}
/** The configuration has changed. */
void virtio_config_changed(struct virtio *v);
/** The driver has broken the rules: nothing more is done until it resets the device. */
void virtio_break(struct virtio *v);

/* ---- for transports: virtio.c, queue.c */

/** The device begins, and ends; its `device` has the kind. */
bool virtio_open(struct virtio *v, struct device_host *host, struct error *error);
void virtio_close(struct virtio *v);
void virtio_reset(struct virtio *v);
/** Some 32 bits of the features that are offered; taking the driver's choice; what it was. */
uint32_t virtio_offered(const struct virtio *v, unsigned half);
void virtio_choose(struct virtio *v, unsigned half, uint32_t features);
uint32_t virtio_chosen(const struct virtio *v, unsigned half);
void virtio_set_status(struct virtio *v, uint8_t status);
/** The queue that is selected, or NULL. */
struct virtio_queue *virtio_selected(struct virtio *v);
void virtio_queue_reset(const struct virtio *v, struct virtio_queue *q);
/** Size and addresses are what they will be: checks them. */
void virtio_queue_start(struct virtio *v, struct virtio_queue *q);
void virtio_queue_stop(struct virtio *v, struct virtio_queue *q);
void virtio_notify(struct virtio *v, uint64_t queue);
/** The device's configuration; false: there is none that far. */
bool virtio_config_read(const struct virtio *v, uint64_t offset, unsigned size, uint64_t *value);
bool virtio_config_write(struct virtio *v, uint64_t offset, unsigned size, uint64_t value);
void virtio_raise(struct virtio *v, enum virtio_reason reason);
/** Lets time pass for the kind; yields when its next event is. */
uint64_t virtio_update(struct virtio *v);

const struct object_type *virtio_type(void);

#endif
