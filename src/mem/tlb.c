/* tlb.c - the software TLB: direct-mapped, one line a page. */
#include "mem/mem.h"
#include <string.h>

void tlb_flush(struct tlb *t) { memset(t, 0xff, sizeof *t); }

static struct tlb_line *line_of(struct tlb *t, uint64_t address) {
    return &t->line[(address >> TLB_PAGE_SHIFT) % TLB_LINES];
}

void tlb_flush_page(struct tlb *t, uint64_t address) { memset(line_of(t, address), 0xff, sizeof(struct tlb_line)); }

void tlb_fill(struct tlb *t, uint64_t address, uint8_t *host, bool read, bool write, bool fetch) {
    uint64_t page = address >> TLB_PAGE_SHIFT << TLB_PAGE_SHIFT;
    *line_of(t, address) = (struct tlb_line){
        .read = read ? page : UINT64_MAX,
        .write = write ? page : UINT64_MAX,
        .fetch = fetch ? page : UINT64_MAX,
        .host = (uint64_t)(uintptr_t)host,
    };
}
