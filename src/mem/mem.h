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

enum {
    TLB_LINES = LIMIT_TLB_LINES,
    TLB_LINES_MOST = LIMIT_TLB_LINES_MOST,
    TLB_BANKS = LIMIT_TLB_BANKS,
    TLB_VICTIMS = LIMIT_TLB_VICTIMS,
    TLB_PAGE_SHIFT = 12,
    TLB_LINE_SHIFT = 5
};

/* Tags are page addresses; an empty one is a page of another line. tag ^ address is then the offset in the page, or
   something larger than a page: translated code compares it with 4096 - size, so that accesses across pages miss. */
struct tlb_line {
    uint64_t read, write;
    uint64_t host; /* host address of the page's first byte */
    uint64_t add;  /* what is to be added to an address in it for the host's */
};
_Static_assert(sizeof(struct tlb_line) == 1 << TLB_LINE_SHIFT, "translated code shifts addresses to offsets of lines");

/* A TLB: direct-mapped, one line a page, of a size that follows its use. It grows in place when lines push out others,
   and shrinks when it is emptied. What was pushed out last stays among the victims for a while. */
struct tlb {
    struct tlb_line *line;
    uint32_t lines, most; /* how many there are, and can be; powers of two */
    uint32_t used;        /* lines that are not empty */
    uint32_t pushed;      /* out by others, since it has this size */
    uint32_t next_victim;
    uint64_t revived; /* victims that were wanted again, ever */
    struct tlb_line victim[TLB_VICTIMS];
    /* Lines can come from mappings larger than a page, and go all at once with them: sizes (a bit each) that there are
       since it was emptied, and a bit for each such mapping, by a hash. */
    uint64_t sizes, large[16];
    /* In a set of TLBs: what it is for, when it was taken last. Translations of others are not in it. */
    uint64_t space, last;
    uint8_t view;
    bool live;   /* else it is to be emptied before it is used */
    bool common; /* to all spaces: nothing in it belongs to one of them */
};

/* The TLBs of a cpu: one for each set of rights that its data accesses can have (a view: by privilege, say), in each
   address space that it has been in lately. So a change of either costs a pointer, not the contents of a TLB, and what
   is dropped is marked as such and emptied when it is wanted next. What the numbers mean is the guest's choice. A view
   can be common to all address spaces as long as everything found there is. */
enum { TLB_VIEWS = 8 };
struct tlb_views {
    struct tlb bank[TLB_BANKS];
    struct tlb *now[TLB_VIEWS]; /* the last one that each view had */
    struct tlb *current;
    uint64_t space; /* of the cpu now, even if the current one is common */
    uint64_t clock;
    uint32_t banks; /* that have been used */
    uint32_t apart; /* bits of views in which something was found that belongs to one space */
    uint32_t lines; /* of all of them */
    struct tlb_line *memory;
    /* By a hash of a page's host address: bits of banks in which there may be a line with the right to write there. */
    uint32_t written[LIMIT_TLB_WRITTEN];
};

/** What a TLB is told of a page. */
struct tlb_page {
    uint8_t *host;    /* its first byte */
    uint64_t mapping; /* size of the mapping that it is part of: at least a page */
    bool read, write;
    bool local; /* so only in this address space */
};

/** False: no memory. */
bool tlb_views_make(struct tlb_views *v);
void tlb_views_free(struct tlb_views *v);
/** The TLB of a view in this address space, for use. common: of all of them that have the same number there, unless
   that is 0; what is entered there and is local takes it apart. */
struct tlb *tlb_views_select(struct tlb_views *v, unsigned view, uint64_t space, uint64_t common);
/** Enters a page in the current TLB. The size may have changed. */
void tlb_views_fill(struct tlb_views *v, uint64_t address, const struct tlb_page *page);
/** These drop translations, and yield the TLB that is now in use: of everything; */
struct tlb *tlb_views_flush(struct tlb_views *v);
/** of all spaces with these bits, not what is common to several unless `common`; */
struct tlb *tlb_views_drop(struct tlb_views *v, uint64_t mask, uint64_t bits, bool common);
/** of the mapping that has this address, in the same ones. */
void tlb_views_drop_page(struct tlb_views *v, uint64_t mask, uint64_t bits, bool common, uint64_t address);
/** Takes the right to write to this host page from every line that leads there. */
void tlb_views_revoke_write(struct tlb_views *v, const uint8_t *host);

/** One that is alone, of TLB_LINES lines; NULL: no memory. Freed by os_free. */
struct tlb *tlb_make(void);
void tlb_flush(struct tlb *t);
void tlb_flush_page(struct tlb *t, uint64_t address);
void tlb_revoke_write(struct tlb *t, const uint8_t *host);
void tlb_fill(struct tlb *t, uint64_t address, const struct tlb_page *page);
/** The line of an address if it has the right, perhaps brought back from among the victims; or NULL. */
const struct tlb_line *tlb_find(struct tlb *t, uint64_t address, bool write);
/** For translated code: an address shifted down by TLB_PAGE_SHIFT - TLB_LINE_SHIFT and this is a line's offset. */
static inline uint64_t tlb_mask(const struct tlb *t) {
    return (uint64_t)(t->lines - 1) << TLB_LINE_SHIFT;
}

#endif
