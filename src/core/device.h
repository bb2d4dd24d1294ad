/* device.h - the table that a device fills in. Its state is declared in rows (fields.h), so that reset, snapshot and
 * digest come from them. Accesses happen under the machine's lock, from the thread of the accessing cpu.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/fields.h"
#include <stdbool.h>

struct tree;        /* a device tree that is being written */
struct device_host; /* a device's place on its board; what it may ask for there is the board's business */

struct device {
    const char *name;
    uint64_t size;     /* bytes of address space */
    size_t state_size; /* of its state struct, which holds nothing but its fields */
    const struct field *fields;
    unsigned nfields;
    /** Reads or writes `size` (1, 2, 4, 8) bytes at an offset. False: no such register (access fault). */
    bool (*read)(void *state, struct device_host *host, uint64_t offset, unsigned size, uint64_t *value);
    bool (*write)(void *state, struct device_host *host, uint64_t offset, unsigned size, uint64_t value);
    /** Sets the levels of its output pins from state and time, as often as anybody likes; returns the time (ticks) of
        its next event, or UINT64_MAX. Called after every write and when the event is due. */
    uint64_t (*update)(void *state, struct device_host *host);
    /** Its node of the device tree: name, and what it is compatible with (names, separated by blanks). NULL: none. */
    const char *node, *compatible;
    /** Adds properties of its own to the node; NULL if there are none. */
    void (*describe)(struct tree *tree);
    /** Adds nodes that refer to this one's phandle; NULL if there are none. */
    void (*describe_beside)(struct tree *tree, uint32_t phandle);
    /** An input pin has changed. NULL for devices without any. */
    void (*wire)(void *state, struct device_host *host, unsigned pin, bool level);
};

#endif
