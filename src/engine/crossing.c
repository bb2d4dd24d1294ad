/* crossing.c - MEM_SOFT: instructions with bytes on two pages. No unit is made of one, as its second page may be mapped
 * otherwise without a word; but loops have them, too. So what was lifted is kept, to be interpreted again as long as
 * both pages say the same bytes, which is looked at each time.
 *
 * A direct-mapped table of the engine's, behind its lock: who interprets such a block has that. Nothing here has to be
 * dropped: an entry depends on bytes, pc and context alone.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <string.h>

enum { CROSSINGS = LIMIT_CROSSINGS, BYTES = 16, UOPS = 24 };

struct crossing {
    uint64_t pc, ctx;
    uint32_t first; /* bytes that lie on the first page; 0: an empty entry */
    uint8_t bytes[BYTES];
    struct block block; /* of one instruction, and as many bytes */
    struct uop uops[UOPS];
};

static struct crossing *place(const struct engine *e, uint64_t pc) {
    return &e->crossings[(pc >> TLB_PAGE_SHIFT) * 0x9e3779b97f4a7c15u >> 32 & (CROSSINGS - 1)];
}

const struct block *crossing_find(struct engine *e, struct cpu *cpu, uint64_t ctx, const struct fetch *f) {
    if (!e->crossings || f->avail >= BYTES) return NULL;
    const struct crossing *c = place(e, cpu->pc);
    struct fetch second = {0};
    if (c->first != f->avail || c->pc != cpu->pc || c->ctx != ctx || memcmp(c->bytes, f->bytes, c->first) != 0)
        return NULL;
    engine_fetch(cpu, cpu->pc + c->first, &second);
    const size_t rest = c->block.bytes - c->first;
    if (second.fault || second.avail < rest || memcmp(c->bytes + c->first, second.bytes, rest) != 0) return NULL;
    return &c->block;
}

const struct block *crossing_keep(struct engine *e, const struct block *block, const struct fetch *f) {
    if (block->nuops > UOPS || block->npool || block->bytes > BYTES || block->bytes <= f->avail) return block;
    if (!e->crossings) e->crossings = os_map_fails() ? NULL : os_alloc(CROSSINGS * sizeof *e->crossings);
    if (!e->crossings) return block;
    struct crossing *c = place(e, block->pc);
    c->pc = block->pc;
    c->ctx = block->ctx;
    c->first = (uint32_t)f->avail;
    memcpy(c->bytes, f->bytes, block->bytes);
    memcpy(c->uops, block->uops, block->nuops * sizeof *c->uops);
    c->block = *block;
    c->block.uops = c->uops;
    c->block.temps = NULL;
    c->block.pool = NULL;
    c->block.cap = block->nuops;
    c->block.tcap = c->block.pool_cap = 0;
    return &c->block;
}

void crossings_free(struct engine *e) {
    os_free(e->crossings);
}
