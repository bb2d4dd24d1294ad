/* cache.c - the table of units, the pages they came from, and the memory of host code.
 *
 * Everything grows until it is flushed whole. Code that has changed: change.c.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t pc, uint64_t page, uint64_t ctx) {
    uint64_t h = (pc ^ (page * 0x9e3779b97f4a7c15u) ^ (ctx << 40)) * 0xff51afd7ed558ccdu;
    return h ^ h >> 29;
}

static struct unit_table *table_make(uint32_t nbuckets) {
    struct unit_table *t = os_alloc(sizeof *t + nbuckets * sizeof *t->heads);
    if (t) t->nbuckets = nbuckets;
    return t;
}

static void tables_free(struct unit_table *t) {
    for (struct unit_table *before; t; t = before) {
        before = t->before;
        os_free(t);
    }
}

static bool state_make(struct engine *e) {
    struct state_entry found[HOST_PINS], *entries;
    uint16_t *of_slot = arena_alloc(&e->lasting, e->guest->nslots * sizeof *of_slot);
    if (!of_slot) return false;
    const uint32_t n = e->host->state(e->guest, found, of_slot);
    entries = arena_alloc(&e->lasting, n * sizeof *entries);
    if (!entries) return false;
    memcpy(entries, found, n * sizeof *entries);
    e->pinned = (struct state_map){.of_slot = of_slot, .entries = entries, .nentries = n};
    return true;
}

bool cache_make(struct engine *e, struct error *error) {
    const bool soft = e->config.interface->ram;
    e->units = table_make(UNIT_BUCKETS);
    e->pages = e->page_heads;
    if (!e->units) return error_set(error, ERROR_RESOURCES, "no memory for the code cache");
    if (!e->host) return true;
    e->seen = e->config.tier == TIER_AUTO ? e->seen_bits : NULL;
    e->nseen = soft ? SEEN_BITS_SOFT : SEEN_BITS;
    if (e->config.cache_size > INT32_MAX) /* jumps within it hold 32 bits */
        return error_set(error, ERROR_USAGE, "a code cache of %zu bytes is too large: --cache-size has to be below 2G",
                         e->config.cache_size);
    const uint32_t usual = soft ? CACHE_SOFT : CACHE_DEFAULT;
    e->cache_size = (uint32_t)(e->config.cache_size ? e->config.cache_size : usual);
    void *w, *x;
    if (!os_dual_map(e->cache_size, &w, &x))
        return error_set(error, ERROR_RESOURCES,
                         "cannot map %u bytes for the code cache twice; try a smaller --cache-size", e->cache_size);
    e->write = w;
    e->execute = x;
    /* A link's stub takes more than LINK_BYTES, a place to relocate four: there are never more than fit. */
    e->link_cap = e->cache_size / LINK_BYTES;
    e->reloc_cap = e->cache_size / sizeof *e->relocs;
    e->routes = os_alloc(((size_t)e->link_cap + 1) * sizeof *e->routes);
    e->links = os_alloc(e->link_cap * sizeof *e->links);
    e->relocs = os_alloc(e->reloc_cap * sizeof *e->relocs);
    if (!e->routes || !e->links || !e->relocs) return error_set(error, ERROR_RESOURCES, "no memory for the code cache");
    e->cache_start = e->host->prepare(e->guest, e->write, e->execute, e->cache_size);
    e->cache_at = e->cache_start;
    return state_make(e) || error_set(error, ERROR_RESOURCES, "no memory for the code cache");
}

void cache_free(struct engine *e) {
    if (e->write) os_dual_unmap(e->cache_size, e->write, e->execute);
    os_free(e->routes);
    os_free(e->links);
    os_free(e->relocs);
    tables_free(e->units);
}

void cache_filled(struct engine *e, uint32_t to) {
    const uint32_t before = e->cache_at / WRITTEN_GRAIN, now = to / WRITTEN_GRAIN;
    if (e->soft && before < now) os_dual_written(e->write, now * WRITTEN_GRAIN);
    e->cache_at = to;
}

/* ---- forks: code that is shared with other processes is frozen */

void engine_fork(struct engine *e) {
    if (!e->host || (e->cache_at == e->frozen && !e->any_thawed)) return;
    e->cache_at = (e->cache_at + CACHE_PAGE - 1) & -(uint32_t)CACHE_PAGE;
    if (e->cache_at > e->cache_size) e->cache_at = e->cache_size;
    e->frozen = e->cache_at;
    if (e->any_thawed) memset(e->thawed, 0, sizeof e->thawed);
    e->any_thawed = false;
    os_protect(e->write, e->frozen, false);
}

bool engine_fork_child(struct engine *e, struct cpu *cpu) {
    void *w, *x;
    turns_forked(e, cpu->runner);
    const uint32_t rest = e->cache_size - e->frozen;
    if (!e->host || !rest) return true;
    /* At the same addresses: shortcuts and return addresses are still right. */
    return os_dual_map(rest, &w, &x) && os_dual_move(rest, w, x, e->write + e->frozen, e->execute + e->frozen);
}

bool code_is_frozen(const struct engine *e, uint32_t at) {
    return at < e->frozen && !(e->thawed[at / THAW_GRAIN / 64] >> at / THAW_GRAIN % 64 & 1);
}

/* Memory of its own for a part of the frozen code, with a copy of `keep` bytes of that. */
static bool part_thaw(struct engine *e, uint32_t from, uint32_t size, uint32_t keep) {
    void *w, *x;
    engine_stop_others(e);
    if (os_map_fails() || !os_dual_map(size, &w, &x)) return false;
    os_dual_populate(w, keep);
    memcpy(w, e->write + from, keep);
    if (!os_dual_move(size, w, x, e->write + from, e->execute + from)) abort(); /* half of it is gone */
    return true;
}

bool code_thaw(struct engine *e, uint32_t at) {
    if (!code_is_frozen(e, at)) return true;
    const uint32_t grain = at / THAW_GRAIN, from = grain * THAW_GRAIN, rest = e->frozen - from;
    const uint32_t size = rest < THAW_GRAIN ? rest : THAW_GRAIN;
    if (!part_thaw(e, from, size, size)) return false;
    e->thawed[grain / 64] |= 1ull << grain % 64;
    e->any_thawed = true;
    return true;
}

/* All of it, empty but for the head. */
static bool cache_thaw(struct engine *e) {
    if (!e->frozen) return true;
    if (!part_thaw(e, 0, e->frozen, e->cache_start)) return false;
    e->frozen = 0;
    return true;
}

static struct unit **table_head(struct unit_table *t, uint64_t pc, uint64_t page, uint64_t ctx) {
    return &t->heads[mix(pc, page, ctx) & (t->nbuckets - 1)];
}

static struct unit **unit_head(const struct engine *e, uint64_t pc, uint64_t page, uint64_t ctx) {
    return table_head(__atomic_load_n(&e->units, __ATOMIC_ACQUIRE), pc, page, ctx);
}

struct unit *unit_find(struct engine *e, uint64_t pc, uint64_t page, uint64_t ctx) {
    struct unit *u = __atomic_load_n(unit_head(e, pc, page, ctx), __ATOMIC_ACQUIRE);
    for (; u; u = __atomic_load_n(&u->next, __ATOMIC_ACQUIRE))
        if (u->pc == pc && u->page == page && u->ctx == ctx) return u;
    return NULL;
}

bool unit_is_new(struct engine *e, uint64_t pc, uint64_t page, uint64_t ctx, bool note) {
    uint64_t i = (mix(pc, page, ctx) >> 20) % e->nseen, *word = &e->seen[i / 64], bit = 1ull << (i % 64);
    bool is_new = !(*word & bit);
    if (note) *word |= bit;
    return is_new;
}

static struct code_page **page_head(const struct engine *e, uint64_t page) {
    return &e->pages[(page * 0x9e3779b97f4a7c15u >> 40) % PAGE_BUCKETS];
}

struct code_page *page_find(const struct engine *e, uint64_t page) {
    struct code_page *p = __atomic_load_n(page_head(e, page), __ATOMIC_ACQUIRE);
    while (p && p->page != page) p = p->next;
    return p;
}

struct code_page *page_for(struct engine *e, uint64_t pc, const struct fetch *f) {
    struct code_page **head = page_head(e, f->page), *p = page_find(e, f->page);
    if (p) return p;
    p = arena_alloc(&e->arena, sizeof *p);
    if (!p) return NULL;
    const size_t page_size = 1u << TLB_PAGE_SHIFT;
    if (code_is_copied(e)) {
        struct code_page **at = page_head_at(e, pc);
        *p = (struct code_page){
            .next = *head, .next_at = *at, .page = f->page, .start = pc & -(uint64_t)page_size, .size = page_size};
        return *head = *at = p;
    }
    uint64_t before = (uint64_t)(uintptr_t)f->bytes & (page_size - 1);
    if (f->avail + before > page_size) before = 0; /* not a page: a function's bytes */
    *p = (struct code_page){
        .next = *head, .page = f->page, .start = pc - before, .bytes = f->bytes - before, .size = f->avail + before};
    __atomic_store_n(head, p, __ATOMIC_RELEASE); /* for who looks without the lock (soft.c) */
    return p;
}

/* Another chain than it was in, which perhaps somebody without the lock is following: he finds less. */
static void chain_enter(struct unit **head, struct unit *u) {
    __atomic_store_n(&u->next, *head, __ATOMIC_RELEASE);
    __atomic_store_n(head, u, __ATOMIC_RELEASE);
}

/* A table of twice the size, which takes the old one's place in one step. Where there is no memory for it, the old one
   goes on for a while. */
static void units_spread(struct engine *e) {
    struct unit_table *old = e->units, *more = os_map_fails() ? NULL : table_make(old->nbuckets * 2);
    if (!more) return;
    for (uint32_t i = 0; i < old->nbuckets; i++)
        for (struct unit *u = old->heads[i], *next; u; u = next) {
            next = u->next;
            chain_enter(table_head(more, u->pc, u->page, u->ctx), u);
        }
    __atomic_store_n(&e->units, more, __ATOMIC_RELEASE);
    if (e->soft)
        more->before = old;
    else
        tables_free(old);
}

bool by_address_room(struct engine *e, uint32_t n) {
    uint32_t cap = e->by_cap ? e->by_cap : LIMIT_BY_ADDRESS;
    while (cap - e->nby < n) cap *= 2;
    if (cap == e->by_cap) return true;
    struct unit **by = arena_grow(&e->arena, e->by_address, e->nby * sizeof *by, cap * sizeof *by);
    if (!by) return false;
    __atomic_store_n(&e->by_address, by, __ATOMIC_RELEASE); /* the old one stays, for who reads it now */
    e->by_cap = cap;
    return true;
}

bool links_room(struct engine *e, uint32_t n) {
    return n <= e->link_cap - e->nlinks;
}
bool relocs_room(struct engine *e, uint32_t n) {
    return n <= e->reloc_cap - e->nrelocs;
}

void unit_insert(struct engine *e, struct unit *u, struct code_page *p) {
    /* More than once for each size of the table: there may have been no memory. */
    if (e->nunits >= e->units->nbuckets && e->nunits % e->units->nbuckets == 0) units_spread(e);
    u->page_next = p->units;
    chain_enter(unit_head(e, u->pc, u->page, u->ctx), u);
    e->nunits++;
    p->units = u;
    if (e->soft) page_part_added(p, u);
}

struct unit *unit_add(struct engine *e, const struct block *block, const struct fetch *f, bool by_uops,
                      uint32_t marks_size) {
    const bool has_code = code_is_copied(e);
    struct code_page *p = page_for(e, block->pc, f);
    struct unit *u = arena_alloc_raw(&e->arena, sizeof *u + marks_size + (has_code ? block->bytes : 0));
    if (!u || !p || (e->host && !by_address_room(e, 1))) return NULL;
    *u = (struct unit){.pc = block->pc,
                       .page = f->page,
                       .ctx = block->ctx,
                       .bytes = block->bytes,
                       .ninsns = (uint16_t)block->ninsns,
                       .has_code = has_code,
                       .by_uops = by_uops,
                       .block = block};
    if (has_code) memcpy(u->data, f->bytes, block->bytes);
    unit_insert(e, u, p);
    return u;
}

void unit_unhook(struct engine *e, struct unit *u) {
    struct unit **at = unit_head(e, u->pc, u->page, u->ctx);
    while (*at != u) at = &(*at)->next;
    __atomic_store_n(at, u->next, __ATOMIC_RELEASE);
    e->nunits--;
    e->nstale++;
}

void unit_publish(struct engine *e, struct unit *u) {
    e->by_address[e->nby] = u;
    __atomic_store_n(&e->nby, e->nby + 1, __ATOMIC_RELEASE);
}

struct unit *unit_at(struct engine *e, uint32_t host_offset) {
    /* In this order: the array has at least as many. */
    const uint32_t n = __atomic_load_n(&e->nby, __ATOMIC_ACQUIRE);
    struct unit *const *by = __atomic_load_n(&e->by_address, __ATOMIC_ACQUIRE);
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (by[mid]->end <= host_offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && by[lo]->poll_entry <= host_offset ? by[lo] : NULL;
}

void engine_flush(struct engine *e) {
    engine_stop_others(e);
    memset(e->units->heads, 0, e->units->nbuckets * sizeof *e->units->heads);
    tables_free(e->units->before);
    e->units->before = NULL;
    e->nunits = e->nstale = 0;
    memset(e->page_heads, 0, sizeof e->page_heads);
    e->explicit_pages = e->explicit_next = e->open_pages = NULL;
    e->nby = e->by_cap = 0;
    e->by_address = NULL;
    e->cache_at = cache_thaw(e) ? e->cache_start : e->frozen;
    if (e->routes) memset(e->routes, 0, (e->nlinks + 1) * sizeof *e->routes);
    arena_reset(&e->arena);
    e->stats.flushes++;
    e->forget = false;
    for (struct runner *r = e->runners; r; r = r->next) {
        cpu_drop_shortcuts(r->cpu);
        take_site(e, r->cpu);
        r->site = 0;
    }
    e->nlinks = e->nrelocs = 0;
}
