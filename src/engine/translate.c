/* translate.c - from bytes to units: fetch, lift, check, emit.
 *
 * A block ends at an unconditional transfer, at the end of its page or function, at LIFT_INSNS, and in TIER_AUTO behind
 * a branch that was always taken so far; its last uop always has END (a jump to the next instruction is added if need
 * be). An instruction that crosses pages is put together here; where pages are mapped one by one (MEM_SOFT) such a
 * block is never kept.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIFT_INSNS = LIMIT_BLOCK_INSNS /* at most, in one block */ };

void engine_fetch(struct cpu *cpu, uint64_t pc, struct fetch *f) {
    const struct engine_config *c = &cpu->engine->config;
    c->interface->fetch(c->self, cpu, pc, f);
    cpu->runner->counts.fetches++;
    const uint64_t offset = pc & ((1u << TLB_PAGE_SHIFT) - 1);
    if (cpu->engine->soft)
        log_walk(
            cpu, pc, ACCESS_FETCH,
            &(struct walk){.physical = f->page + offset, .mapping = f->mapping, .execute = true, .fault = f->fault},
            false, false);
}

void fetch_bytes(struct engine *e, uint64_t pc, struct fetch *f, uint8_t room[LIFT_BYTES]) {
    if (f->bytes) return;
    if (f->avail > LIFT_BYTES) f->avail = LIFT_BYTES;
    f->avail = e->config.interface->read_code(e->config.self, pc, room, f->avail);
    f->bytes = room;
}

/* Lifts one instruction, the block's first, whose bytes run over the end of what is readable in one piece; joins them
   in `room`. */
static unsigned lift_crossing(struct engine *e, struct cpu *cpu, struct builder *b, struct fetch *f,
                              uint8_t room[LIFT_BYTES], enum lift_crossing *crossing) {
    enum { MOST = 16 };
    uint8_t more_room[LIFT_BYTES];
    struct fetch second = {0};
    const size_t avail = f->avail;
    if (avail >= MOST) return 0;
    engine_fetch(cpu, b->pc + avail, &second);
    *crossing = second.fault ? LIFT_INTO_FAULT : page_crosses(e, b->pc + avail) ? LIFT_CROSSES : LIFT_CROSSES_OPEN;
    if (second.fault) {
        uint64_t at = b->pc + avail;
        builder_mark(b, b->pc, (unsigned)avail);
        build_exit(b, second.fault, (int64_t)at);
        return (unsigned)avail;
    }
    fetch_bytes(e, b->pc + avail, &second, more_room);
    const size_t more = second.avail < MOST ? second.avail : MOST;
    memmove(room, f->bytes, avail);
    memcpy(room + avail, second.bytes, more);
    f->bytes = room;
    return e->guest->lift(b, room, avail + more);
}

/* Does the last instruction write to memory? Code that is not kept is not told when that was its own. */
static bool ends_in_store(const struct block *k) {
    for (uint32_t i = k->nuops; i-- > 0 && k->uops[i].op != UOP_mark;) {
        const struct uop_info *info = &uop_info[k->uops[i].op];
        if (info->form == FORM_MEM && (info->flags & UF_EFFECT)) return true;
    }
    return false;
}

struct block *block_lift(struct engine *e, struct cpu *cpu, struct lifting *l) {
    struct block *block = block_make(l->arena, cpu->pc, l->ctx);
    struct fetch *f = l->f;
    struct builder b;
    l->crossing = LIFT_WITHIN;
    if (!block) return NULL;
    builder_init(&b, block, l->arena, e->guest);
    b.unit = f->unit;
    fetch_bytes(e, cpu->pc, f, l->room);
    if (l->guard) {
        b.guard = f->bytes;
        b.guard_size = l->guard;
    }
    const bool stores_end = l->extent == LIFT_OPEN || (l->extent == LIFT_STRAIGHT && (e->soft || f->writable));
    size_t done = 0;
    while (!b.ended && !b.failed && block->ninsns < l->most && done < f->avail) {
        b.pc = block->pc + done;
        unsigned n = e->guest->lift(&b, f->bytes + done, f->avail - done);
        if (n == 0) { /* needs bytes from the next page: its own block, so that the page's block stays in one page */
            if (block->ninsns) break;
            n = lift_crossing(e, cpu, &b, f, l->room, &l->crossing);
            if (n == 0) {
                b.failed = true;
                break;
            }
            done += n;
            break;
        }
        done += n;
        if (b.branched) {
            b.branched = false;
            /* Behind a branch that was always taken so far there may be nothing that is worth it. */
            if (l->extent == LIFT_STRAIGHT || (l->extent >= LIFT_BLOCK && e->seen && !f->lasts &&
                                               unit_is_new(e, block->pc + done, f->page, l->ctx, false)))
                break;
        }
        if (stores_end && ends_in_store(block)) break;
    }
    if (!b.ended && !b.failed && e->guest->end) e->guest->end(&b);
    if (!b.ended) build_jump(&b, block->pc + done);
    if (b.failed && block->ninsns > 1) { /* more temporaries than a block may have */
        l->most = block->ninsns / 2;
        return block_lift(e, cpu, l);
    }
    if (b.failed || block->nuops == 0) return NULL;
    if (e->config.check) {
        char why[200];
        if (!block_check(block, e->guest, why, sizeof why)) {
            fprintf(stderr, "vee: bug: block at 0x%llx: %s\n", (unsigned long long)block->pc, why);
            block_print(stderr, block, e->guest);
            abort();
        }
    }
    return block;
}

struct block *block_lift_open(struct engine *e, struct cpu *cpu, const struct lifting *l, uint32_t bytes) {
    struct fetch again = *l->f;
    struct lifting open = *l;
    again.avail = bytes;
    open.f = &again;
    open.extent = LIFT_OPEN;
    open.most = LIFT_INSNS;
    open.guard = bytes;
    return block_lift(e, cpu, &open);
}

/* What the host has refused stays as uops: it is neither lifted nor refused again. */
static struct unit *translate_not(struct engine *e, const struct block *block, const struct fetch *f) {
    struct block *copy = arena_alloc_raw(&e->arena, sizeof *copy);
    struct uop *uops = arena_alloc_raw(&e->arena, block->nuops * sizeof *uops);
    uint64_t *pool = block->npool ? arena_alloc_raw(&e->arena, block->npool * sizeof *pool) : NULL;
    if (!copy || !uops || (block->npool && !pool)) return NULL;
    memcpy(uops, block->uops, block->nuops * sizeof *uops);
    if (pool) memcpy(pool, block->pool, block->npool * sizeof *pool);
    *copy = *block;
    copy->uops = uops;
    copy->pool = pool;
    copy->pool_cap = block->npool;
    copy->temps = NULL;
    copy->cap = block->nuops;
    copy->tcap = 0;
    return unit_add(e, copy, f, true, 0);
}

static struct unit *translate_done(struct engine *e, const struct block *block, const struct fetch *f,
                                   const struct emission *m) {
    if (!links_room(e, m->nlinks) || !relocs_room(e, m->nrelocs)) return NULL;
    struct unit *u = unit_add(e, block, f, false, m->marks_size);
    if (!u) return NULL;
    memcpy(u->data + unit_code_size(u), m->marks, m->marks_size);
    u->poll_entry = m->poll_entry;
    u->entry = m->entry;
    u->lookup = m->lookup;
    u->end = m->end;
    u->switchable = f->changeable;
    unit_publish(e, u);
    __atomic_store_n(&u->ready, true, __ATOMIC_RELEASE);
    unit_replaces(e, u);
    if (m->nlinks) memcpy(e->links + e->nlinks, m->links, m->nlinks * sizeof *m->links);
    e->nlinks += m->nlinks;
    if (m->nrelocs) memcpy(e->relocs + e->nrelocs, m->relocs, m->nrelocs * sizeof *m->relocs);
    e->nrelocs += m->nrelocs;
    cache_filled(e, (m->end + 15) & ~15u);
    e->stats.host_bytes += m->end - m->poll_entry;
    return u;
}

/* *large: a shorter block is wanted. */
static struct unit *translate_host(struct engine *e, struct cpu *cpu, const struct block *block, const struct fetch *f,
                                   bool *large) {
    enum emit_result r = EMIT_FULL;
    *large = false;
    for (int attempt = 0; attempt < 2 && r == EMIT_FULL; attempt++) {
        if (attempt) engine_flush(e);
        struct emission m = {.guest = e->guest,
                             .block = block,
                             .cpu = cpu,
                             .arena = &cpu->runner->scratch,
                             .write = e->write,
                             .execute = e->execute,
                             .at = e->cache_at,
                             .limit = e->cache_size,
                             .first_link = e->nlinks,
                             .counted = block->ctx & CTX_COUNTED,
                             .movable = !e->soft,
                             .check = e->config.check,
                             .switchable = f->changeable};
        r = e->host->emit(&m);
        if (e->config.refuse && e->stats.blocks % e->config.refuse == 0) r = EMIT_NO_MEMORY;
        if (r == EMIT_OK) return translate_done(e, block, f, &m);
    }
    *large = (r == EMIT_LARGE || r == EMIT_FULL) && block->ninsns > 1;
    if (*large) return NULL;
    if ((r == EMIT_LARGE || r == EMIT_REFUSED) && e->config.check) {
        fprintf(stderr, "vee: bug: a block was refused\n");
        block_print(stderr, block, e->guest);
        abort();
    }
    e->stats.refused++;
    return translate_not(e, block, f);
}

struct unit *unit_for(struct engine *e, struct cpu *cpu, uint64_t ctx, const struct block **once) {
    struct fetch f = {0};
    *once = NULL;
    engine_fetch(cpu, cpu->pc, &f);
    if (f.fault) {
        cpu_exit(cpu, f.fault, cpu->pc);
        return NULL;
    }
    cpu->runner->mapping = f.mapping;
    struct unit *u = unit_find(e, cpu->pc, f.page, ctx);
    if (u && u->held) {
        page_settle(e, page_find(e, f.page));
        u = unit_find(e, cpu->pc, f.page, ctx);
    }
    if (!u && e->sources && sources_take(e, cpu->pc, &f)) u = unit_find(e, cpu->pc, f.page, ctx);
    if (u) return u;
    if (e->soft && (*once = crossing_find(e, cpu, ctx, &f)) != NULL) return NULL;
    bool keep = !e->seen || f.lasts || !unit_is_new(e, cpu->pc, f.page, ctx, true);
    /* Where there is no cache of host code that is full in the end, memory of units comes back when half are stale. */
    const bool wasteful = !e->host && e->nstale > LIMIT_STALE + e->nunits;
    if (e->config.one_block || wasteful) engine_flush(e);
    uint64_t began = e->config.timed ? os_nanoseconds() : 0;
    uint8_t room[LIFT_BYTES];
    struct code_page *page = keep || e->soft ? page_ready(e, cpu->pc, &f) : NULL;
    if (e->soft) {
        if (page) code_seen(e, cpu, page);
        __atomic_store_n(&e->lifting, f.page, __ATOMIC_SEQ_CST);
    }
    bool open = page && page->state == PAGE_OPEN;
    struct lifting l = {.arena = e->host ? &cpu->runner->scratch : &e->arena,
                        .ctx = ctx,
                        .extent = !keep  ? LIFT_STRAIGHT
                                  : open ? LIFT_OPEN
                                         : LIFT_BLOCK,
                        .most = (ctx & CTX_TRACED) || e->config.one_insn ? 1 : LIFT_INSNS,
                        .f = &f,
                        .room = room};
    struct block *block;
    for (bool large = true; large; l.most = block->ninsns / 2) {
        if (e->host) arena_reset(l.arena);
        block = block_lift(e, cpu, &l);
        if (!block || l.crossing == LIFT_INTO_FAULT) return NULL;
        /* Where the second page may go away or come without a word to the engine, no unit is made. */
        if (l.crossing != LIFT_WITHIN && e->soft) {
            *once = crossing_keep(e, block, &f);
            return NULL;
        }
        open |= l.crossing == LIFT_CROSSES_OPEN;
        if (keep && open) block = block_lift_open(e, cpu, &l, block->bytes);
        if (!block) return NULL;
        if (!keep) {
            *once = block;
        }
        large = false;
        if (keep) u = e->host ? translate_host(e, cpu, block, &f, &large) : unit_add(e, block, &f, true, 0);
    }
    if (e->config.log & (LOG_GUEST | LOG_UOPS)) engine_log_block(e, block, &f);
    if (!u) return NULL;
    u->checks = open;
    u->crosses = l.crossing != LIFT_WITHIN;
    page = page_find(e, f.page);
    page->crosses |= u->crosses;
    if (page->state == PAGE_NEW && code_is_copied(e)) page_settle(e, page); /* the cache was full, and is empty now */
    if (u->stale) return NULL;
    if (!u->by_uops && (e->config.log & LOG_HOST)) engine_log_host(e, u);
    if (!u->by_uops && e->perf) perf_unit(e, u);
    e->stats.blocks++;
    e->stats.insns += block->ninsns;
    e->stats.uops += block->nuops;
    e->stats.guest_bytes += block->bytes;
    if (e->config.timed) e->stats.translate_ns += os_nanoseconds() - began;
    return u;
}
