/* tlb.c - the software TLB: direct-mapped, one line a page; and a set of them. */
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

void tlb_views_flush(struct tlb_views *v, unsigned current) {
    v->stale = (1u << TLB_VIEWS) - 1;
    tlb_views_select(v, current);
}

struct tlb *tlb_views_select(struct tlb_views *v, unsigned view) {
    if (v->stale >> view & 1) tlb_flush(&v->tlb[view]);
    v->stale &= ~(1u << view);
    return &v->tlb[view];
}

void tlb_views_revoke_write(struct tlb_views *v, const uint8_t *host) {
    for (unsigned i = 0; i < TLB_VIEWS; i++)
        if (!(v->stale >> i & 1)) tlb_revoke_write(&v->tlb[i], host);
}
