/* mem.h - the door of mem/: guest memory as the engine sees it. mem/ never calls up.
 *
 * A software TLB (struct tlb) serves MEM_SOFT: the engine fills it after asking guest->walk. A space (struct space,
 * space.h) serves MEM_DIRECT and MEM_WINDOW: it knows every mapping of a process with the guest's rights.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "base/limits.h"
#include <stdbool.h>
#include <stdint.h>

enum { TLB_LINES = LIMIT_TLB_LINES, TLB_PAGE_SHIFT = 12 };

/* Tags are page addresses; an empty one is a page of another line. tag ^ address is then the offset in the page, or
   something larger than a page: translated code compares it with 4096 - size, so that accesses across pages miss, and
   adds `host`. */
struct tlb_line {
    uint64_t read, write, fetch;
    uint64_t host; /* host address of the page's first byte */
};
struct tlb {
    struct tlb_line line[TLB_LINES];
};

/* One TLB for each set of rights that a cpu's data accesses can have (by privilege, say): changing between them costs a
   pointer, not the TLB's contents. What the numbers mean is the guest's choice. */
enum { TLB_VIEWS = 8 };
struct tlb_views {
    struct tlb tlb[TLB_VIEWS];
    uint32_t stale; /* bits of those that were flushed while they were not in use, to be done when they are next */
};

/** All of them are empty from now on; `current` is in use. */
void tlb_views_flush(struct tlb_views *v, unsigned current);
/** The TLB of a view, for use. */
struct tlb *tlb_views_select(struct tlb_views *v, unsigned view);
void tlb_views_revoke_write(struct tlb_views *v, const uint8_t *host);

void tlb_flush(struct tlb *t);
void tlb_flush_page(struct tlb *t, uint64_t address);
/** Takes the right to write from every line that leads to this host page. */
void tlb_revoke_write(struct tlb *t, const uint8_t *host);
/** Enters one 4 KiB page with the given rights. host: host address of the page's first byte. */
void tlb_fill(struct tlb *t, uint64_t address, uint8_t *host, bool read, bool write, bool fetch);

#endif
