/* tree.h - within machine/: writes a flattened device tree (Devicetree Specification 0.4, chapter 5), which tells a
 * program what is on the board.
 *
 * Nodes are opened and closed in order, the properties of a node come before its children. What does not fit any more
 * is dropped and noticed: tree_finish fails then.
 */
#ifndef MACHINE_TREE_H
#define MACHINE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TREE_BLOCK = 12 * 4096, TREE_NAMES = 4096, TREE_MAX = TREE_BLOCK + TREE_NAMES + 256 };
/* Memory that is kept for it at the end of RAM. */
enum { TREE_ROOM = TREE_BLOCK + TREE_NAMES + 4096 };

struct tree {
    uint8_t structure[TREE_BLOCK];
    char names[TREE_NAMES];
    uint32_t structure_size, names_size;
    bool full;
};

void tree_open(struct tree *t, const char *name);
/** A node called name@address. */
void tree_open_at(struct tree *t, const char *name, uint64_t address);
void tree_close(struct tree *t);
void tree_bytes(struct tree *t, const char *name, const void *bytes, size_t size);
void tree_flag(struct tree *t, const char *name);
void tree_text(struct tree *t, const char *name, const char *text);
/** Several texts, separated by blanks in `texts`. */
void tree_texts(struct tree *t, const char *name, const char *texts);
void tree_cells(struct tree *t, const char *name, const uint32_t *cells, unsigned count);
void tree_cell(struct tree *t, const char *name, uint32_t cell);
/** An address of two cells. */
void tree_address(struct tree *t, const char *name, uint64_t address);
/** An address and a size of two cells each. */
void tree_range(struct tree *t, const char *name, uint64_t address, uint64_t size);
/** Puts the whole together (at most TREE_MAX bytes); returns its size, 0 if something did not fit. */
size_t tree_finish(struct tree *t, uint8_t *to);

#endif
