/* tlb.c - the software TLB: direct-mapped, one line a page. */
#include "mem/mem.h"

/* A tag that no address of this line has. */
static uint64_t nothing(uint64_t address) {
    return ~(address >> TLB_PAGE_SHIFT << TLB_PAGE_SHIFT);
}

static struct tlb_line *line_of(struct tlb *t, uint64_t address) {
    return &t->line[(address >> TLB_PAGE_SHIFT) % TLB_LINES];
}

void tlb_flush(struct tlb *t) {
    for (uint64_t i = 0; i < TLB_LINES; i++) tlb_flush_page(t, i << TLB_PAGE_SHIFT);
}

void tlb_flush_page(struct tlb *t, uint64_t address) {
    uint64_t tag = nothing(address);
    *line_of(t, address) = (struct tlb_line){.read = tag, .write = tag, .fetch = tag};
}

void tlb_revoke_write(struct tlb *t, const uint8_t *host) {
    for (uint64_t i = 0; i < TLB_LINES; i++)
        if (t->line[i].host == (uint64_t)(uintptr_t)host) t->line[i].write = nothing(i << TLB_PAGE_SHIFT);
}

void tlb_fill(struct tlb *t, uint64_t address, uint8_t *host, bool read, bool write, bool fetch) {
    uint64_t page = address >> TLB_PAGE_SHIFT << TLB_PAGE_SHIFT, tag = nothing(address);
    *line_of(t, address) = (struct tlb_line){
        .read = read ? page : tag,
        .write = write ? page : tag,
        .fetch = fetch ? page : tag,
        .host = (uint64_t)(uintptr_t)host,
    };
}
