/* load.h - within machine/: brings what a machine begins with into its RAM: a program, or firmware, a kernel and its
 * initial RAM disk, and a device tree.
 *
 * From the start of RAM on: the program, or the firmware; kernels at their place (a large page from the start, where
 * they have no addresses). At the end of RAM the device tree, below it the RAM disk. All files are open and looked at
 * before there is RAM, and what overlaps is refused.
 */
#ifndef MACHINE_LOAD_H
#define MACHINE_LOAD_H

#include "machine/image.h"
#include <stdint.h>

struct machine;

struct load {
    struct image program; /* the program, or the kernel */
    struct image firmware, initrd, tree;
    bool kernel; /* `program` is a kernel: it gets a device tree with what it wants */
};

/* A descriptor that is none is -1. */
#define LOAD_NOTHING                                                                                                   \
    (struct load) {                                                                                                    \
        .program.fd = -1, .firmware.fd = -1, .initrd.fd = -1, .tree.fd = -1                                            \
    }

/** Opens the files that the configuration names; what they are decides what is not configured (firmware, size of RAM).
 */
bool load_open(struct load *l, struct machine *m, struct error *error);
void load_close(struct load *l);
/** For a reset: opens and loads all of it anew into RAM and ROM that are zero. The board stays as it is. */
bool load_again(struct machine *m, struct error *error);
/** Loads them, and makes the board around it. */
bool load_all(struct load *l, struct machine *m, struct error *error);

#endif
