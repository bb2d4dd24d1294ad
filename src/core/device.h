/* device.h - the table that a device fills in: one a type, const. Of a type there may be several instances, each with
 * its own state, place, backend and options (struct device_host). State is declared in rows (fields.h), so that reset,
 * snapshot and digest come from them.
 *
 * All these functions run with the machine's lock held, on whichever thread comes along: one of a cpu that accesses the
 * device, a worker that has completed a request, or one that time wakes. They never wait, and never take the engine's
 * lock. What a worker of the device's own does meanwhile touches no state: it posts what it has done (`complete`).
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/fields.h"
#include <stdbool.h>

struct error;
struct tree;        /* a device tree that is being written */
struct device_host; /* an instance in its place on the board; what it may ask for there is the board's business */

struct device {
    const char *name;
    const void *kind;  /* of devices that share their functions: what tells them apart; or NULL */
    uint64_t size;     /* bytes of its region 0, which is where its place says; 0: it maps its regions itself */
    size_t state_size; /* of its state struct, which holds nothing but its fields */
    const struct field *fields;
    unsigned nfields;
    /** Gets what the instance works with on the host (host->backend) as the machine's configuration says. False with
     *error, and nothing is held. NULL: there is nothing to open. */
    bool (*open)(struct device_host *host, struct error *error);
    /** Gives that back, after open succeeded; no request is in flight. NULL: nothing to close. */
    void (*close)(struct device_host *host);
    /** The machine is reset: besides the fields, which have their first values already. No request is in flight. NULL:
        the fields are all there is. */
    void (*reset)(void *state, struct device_host *host);
    /** Reads or writes `size` (1, 2, 4, 8) bytes at an offset of one of its regions. False: no such register (access
        fault). */
    bool (*read)(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value);
    bool (*write)(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value);
    /** Sets the levels of its output pins from state and time, as often as anybody likes; returns the time (ticks) of
        its next event, or UINT64_MAX. Called after every access, wire and completion, and when the event is due. */
    uint64_t (*update)(void *state, struct device_host *host);
    /** An input pin has changed. NULL for devices without any. */
    void (*wire)(void *state, struct device_host *host, unsigned pin, bool level);
    /** A request that was handed to a worker has been done. NULL for devices without workers. */
    void (*complete)(void *state, struct device_host *host, void *request);
    /** Its node of the device tree: name, and what it is compatible with (names, separated by blanks). NULL: none. */
    const char *node, *compatible;
    /** Adds properties of its own to the node; NULL if there are none. */
    void (*describe)(struct tree *tree, const struct device_host *host);
    /** Adds nodes that refer to this one's phandle; NULL if there are none. */
    void (*describe_beside)(struct tree *tree, const struct device_host *host, uint32_t phandle);
};

#endif
