/* tlbs.c - a cpu's software TLBs (mem/mem.h): what the engine does with them. Those of space 0 are a set, if whoever
 * made the cpu gave it one (cpu.soft.views), of which the guest says which is in use; else each space has one of its
 * own.
 *
 * By the thread that runs the cpu, or while that is not in guest code.
 */
#include "engine/internal.h"

static struct tlb_views *views_of(const struct cpu *cpu, const struct mem_view *m) {
    return m == &cpu->mem[0] ? cpu->soft.views : NULL;
}

/* Its lines may have become more or fewer. */
static void use(struct mem_view *m, struct tlb *t) {
    mem_use(m, t, t->line, tlb_mask(t));
}

void tlbs_flush(struct cpu *cpu) {
    for (struct mem_view *m = cpu->mem; m < cpu->mem + MEM_SPACES; m++) {
        struct tlb_views *views = views_of(cpu, m);
        if (m->kind != MEM_SOFT) continue;
        if (!views) tlb_flush(m->tlb);
        use(m, views ? tlb_views_flush(views) : m->tlb);
    }
}

void tlbs_flush_page(struct cpu *cpu, uint64_t address) {
    for (struct mem_view *m = cpu->mem; m < cpu->mem + MEM_SPACES; m++) {
        struct tlb_views *views = views_of(cpu, m);
        if (m->kind != MEM_SOFT) continue;
        if (views)
            tlb_views_drop_page(views, 0, 0, true, address);
        else
            tlb_flush_page(m->tlb, address);
    }
}

void tlbs_fill(struct cpu *cpu, struct mem_view *m, uint64_t address, uint8_t *host, const struct walk *w, bool write) {
    struct tlb_views *views = views_of(cpu, m);
    const struct tlb_page page = {
        .host = host, .mapping = w->mapping, .read = w->read, .write = write, .local = !w->global};
    if (views)
        tlb_views_fill(views, address, &page);
    else
        tlb_fill(m->tlb, address, &page);
    use(m, m->tlb);
}

void cpu_revoke_write(struct cpu *cpu, const uint8_t *page) {
    for (struct mem_view *m = cpu->mem; m < cpu->mem + MEM_SPACES; m++) {
        struct tlb_views *views = views_of(cpu, m);
        if (m->kind != MEM_SOFT) continue;
        if (views)
            tlb_views_revoke_write(views, page);
        else
            tlb_revoke_write(m->tlb, page);
    }
}
