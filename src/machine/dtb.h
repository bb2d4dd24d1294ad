/* dtb.h - within machine/: a device tree that is given in a file, instead of the one that the board makes of itself.
 *
 * It is hostile: it is checked as a whole, and what it says of memory and harts has to be so. What a kernel is to be
 * told of this run (command line, RAM disk, seed) is entered into its node /chosen.
 */
#ifndef MACHINE_DTB_H
#define MACHINE_DTB_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DTB_MOST = 1 << 20, DTB_SEED = 32 };

/** What is so of the machine, and what is to be entered. */
struct dtb_facts {
    uint64_t ram, ram_size;
    unsigned harts;
    const char *append;                /* or NULL: as the tree has it */
    uint64_t initrd_start, initrd_end; /* 0: none */
    const uint8_t *seed;               /* DTB_SEED bytes, or NULL */
};

/** Room that dtb_amend needs for a tree of `size` bytes. */
size_t dtb_room(size_t size, const struct dtb_facts *facts);
/** Checks the tree of `size` bytes; `name` is its file's. */
bool dtb_check(const void *tree, size_t size, const char *name, const struct dtb_facts *facts, struct error *error);
/** Writes a tree that is right with what is to be entered, of at most `room` bytes. */
bool dtb_amend(const void *tree, void *to, size_t room, const char *name, const struct dtb_facts *facts,
               struct error *error);

#endif
