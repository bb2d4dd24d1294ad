/* change.c - code that changes: which translations are no longer what the guest's bytes say, and how that is found out.
 *
 * A stale unit is unhooked from the table; its host code then forwards to the dispatcher's lookup stub, so that links,
 * jump TLBs and return addresses that still lead there come to the loop. A held unit does the same for a while: its
 * page has been written, and when the loop finds that it is wanted, all units of the page are compared with the bytes
 * that are there (page_settle). MEM_SOFT has none of that: there every store that matters is seen (soft.c).
 *
 * States of a page: enum page_state. A page is watched before the bytes of its units are read, so whatever is written
 * later holds them. Where that happens too often, or cannot be seen, the page is open: its units compare themselves.
 * Every function wants the engine's lock.
 */
#include "engine/internal.h"
#include "base/os.h"
#include <string.h>

static const uint64_t second = 1000000000;
enum {
    HEAT_PER_SECOND = 1000,       /* writes of a page, each followed by a jump there, that it may have for long */
    HEAT_MOST = LIMIT_HEAT,       /* and for a moment */
    OPEN_MOST = 6,                /* it stays open for an eighth of a second, doubled so many times at most */
    LOOK_MOST = 1 << 21,          /* nanoseconds of CPU that looks may take at once */
    LOOK_SHIFT = 7,               /* and later one in so many (a power of two) that pass */
    LOOK_PAGES = LIMIT_LOOK_PAGES /* between two looks at the clock */
};

/* ---- units */

/* Its entries are about to be changed; there may have been a fork since they were made, or changed last. False: there
   is no memory for that. */
static bool entries_thaw(struct engine *e, const struct unit *u) {
    return code_thaw(e, u->poll_entry) && code_thaw(e, u->entry);
}

/* Other cpus may be in the middle of the bytes that are about to change. */
static void unit_redirect(struct engine *e, const struct unit *u) {
    if (!u->switchable) engine_stop_others(e);
    if (entries_thaw(e, u))
        e->host->redirect(e->write, u->poll_entry, u->entry, u->lookup);
    else
        e->forget = true; /* or links would lead to what is gone */
}

static void unit_drop(struct engine *e, struct unit *u) {
    if (u->stale) return;
    u->stale = true;
    unit_unhook(e, u);
    if (!u->by_uops && !u->held) unit_redirect(e, u);
}

static void unit_hold(struct engine *e, struct unit *u) {
    if (u->held || u->checks || u->stale) return;
    if (!u->by_uops && !u->switchable) { /* made while the guest could not write there */
        unit_drop(e, u);
        return;
    }
    u->held = true;
    if (!u->by_uops) unit_redirect(e, u);
}

static void unit_release(struct engine *e, struct unit *u) {
    if (!u->held) return;
    u->held = false;
    if (u->by_uops) return;
    if (entries_thaw(e, u))
        e->host->restore(e->write, u->poll_entry, u->entry);
    else
        e->forget = true; /* or its entries would lead to the loop for ever */
}

/* Takes a unit from its page's list, which is stale now. */
void page_remove(struct engine *e, struct code_page *p, struct unit **at) {
    struct unit *u = *at;
    *at = u->page_next;
    unit_drop(e, u);
    u->page_next = p->stale;
    p->stale = u;
}

/* Of those in the same place the latest few only; what leads to older ones comes by way of these. */
void unit_replaces(struct engine *e, const struct unit *u) {
    enum { MOST = LIMIT_FORWARDED, LOOKED_AT = 16 * MOST };
    struct code_page *p = page_find(e, u->page);
    struct unit *s, **at = p ? &p->stale : &s;
    if (!p || e->config.one_block || e->config.poll_always || (u->ctx & CTX_TRACED)) return;
    for (unsigned n = 0, same = 0; (s = *at) != NULL; n++) {
        const bool mine = s->pc == u->pc && s->ctx == u->ctx && !s->by_uops;
        if (n == LOOKED_AT || (mine && same++ == MOST)) {
            *at = n == LOOKED_AT ? NULL : s->page_next;
            continue;
        }
        if (mine && entries_thaw(e, s)) e->host->redirect(e->write, s->poll_entry, s->entry, u->poll_entry);
        at = &s->page_next;
    }
}

/* ---- pages */

void code_read(struct engine *e, const struct code_page *p, struct code_now *now) {
    const struct engine_config *c = &e->config;
    now->size = code_is_copied(e) ? c->interface->read_code(c->self, p->start, now->bytes, sizeof now->bytes) : 0;
}

bool unit_differs(const struct unit *u, const struct code_page *p, const struct code_now *now) {
    const uint64_t offset = u->pc - p->start;
    return !u->has_code || offset >= now->size || u->bytes > now->size - offset ||
           memcmp(u->data, now->bytes + offset, u->bytes) != 0;
}

/* Drops the units that differ from their bytes, and those that do (`open`) not compare themselves; or do without need.
   True: there were some. */
static bool page_compare(struct engine *e, struct code_page *p, bool open) {
    struct code_now now;
    bool any = false;
    if (!p->units) return false;
    code_read(e, p, &now);
    for (struct unit **at = &p->units, *u; (u = *at) != NULL;) {
        if (u->stale || (open && !u->checks) || unit_differs(u, p, &now)) {
            page_remove(e, p, at);
            any = true;
        } else {
            unit_release(e, u);
            at = &u->page_next;
        }
    }
    return any;
}

static enum code_watch watch(struct engine *e, uint64_t address) {
    const struct engine_config *c = &e->config;
    return c->interface->watch_code ? c->interface->watch_code(c->self, address) : WATCH_EXPLICIT;
}

static enum code_watch page_watch(struct engine *e, const struct code_page *p) {
    const enum code_watch own = watch(e, p->start), other = p->crosses ? watch(e, p->start + p->size) : own;
    return own > other ? own : other;
}

static void page_list(struct engine *e, struct code_page *p) {
    if (p->listed) return;
    p->listed = true;
    p->next_explicit = e->explicit_pages;
    e->explicit_pages = p;
}

static void page_open(struct engine *e, struct code_page *p) {
    p->state = PAGE_OPEN;
    p->since = os_nanoseconds();
    if (p->opened < OPEN_MOST) p->opened++;
    p->next_open = e->open_pages;
    e->open_pages = p;
}

/* One more write. True: there are too many. */
static bool page_heats(struct code_page *p) {
    const uint64_t now = os_nanoseconds(), cold = (now - p->since) / (second / HEAT_PER_SECOND);
    p->heat = cold < p->heat ? p->heat - (uint32_t)cold + 1 : 1;
    p->since = now;
    return p->heat > HEAT_MOST;
}

void page_settle(struct engine *e, struct code_page *p) {
    const bool hot = p->state == PAGE_HELD && page_heats(p);
    const enum code_watch w = hot ? WATCH_NONE : page_watch(e, p);
    p->watch = w;
    page_compare(e, p, w == WATCH_NONE);
    if (w == WATCH_NONE)
        page_open(e, p);
    else
        p->state = PAGE_CALM;
    if (w == WATCH_EXPLICIT) page_list(e, p);
}

struct code_page *page_ready(struct engine *e, uint64_t pc, const struct fetch *f) {
    struct code_page *p = page_for(e, pc, f);
    if (!p || p->state == PAGE_CALM || p->state == PAGE_OPEN) return p;
    if (code_is_copied(e)) {
        page_settle(e, p);
        return p;
    }
    p->state = PAGE_CALM;
    p->watch = WATCH_EXPLICIT;
    if (e->guest->explicit_coherence && !e->soft) page_list(e, p);
    return p;
}

bool page_crosses(struct engine *e, uint64_t pc) {
    return !code_is_copied(e) || watch(e, pc) != WATCH_NONE;
}

void page_differs(struct engine *e, struct cpu *cpu) {
    struct fetch f = {0};
    e->config.interface->fetch(e->config.self, cpu, cpu->pc, &f);
    struct code_page *p = f.fault ? NULL : page_find(e, f.page);
    if (p) page_compare(e, p, false);
}

void pages_calm(struct engine *e) {
    enum { SELDOM = LIMIT_CALM_ROUNDS };
    if (++e->open_tick % SELDOM) return;
    const uint64_t now = os_nanoseconds();
    for (struct code_page **at = &e->open_pages, *p; (p = *at) != NULL;) {
        if (now - p->since < (second / 16) << p->opened) {
            at = &p->next_open;
            continue;
        }
        *at = p->next_open;
        p->state = PAGE_NEW;
        p->heat = 0;
        while (p->units) page_remove(e, p, &p->units);
    }
}

/* ---- what is reported */

static void page_written(struct engine *e, struct code_page *p) {
    if (!p || p->state != PAGE_CALM) return;
    p->state = PAGE_HELD;
    for (struct unit *u = p->units; u; u = u->page_next) unit_hold(e, u);
}

void engine_code_written(struct engine *e, uint64_t page) {
    e->unwatched++;
    page_written(e, page_find(e, page));
}

void engine_code_written_behind(struct engine *e, uint64_t page) {
    struct code_page *p = page_find(e, page);
    if (p && p->crosses) page_written(e, p);
}

bool engine_store_again(struct engine *e, struct cpu *cpu, uint64_t address) {
    const struct interface *i = e->config.interface;
    if (!i->unwatch_code) return false;
    /* Another cpu may have been first. */
    return i->unwatch_code(e->config.self, address) || e->unwatched != cpu->runner->unwatched;
}

static bool overlaps(const struct unit *u, uint64_t start, uint64_t length) {
    return u->pc < start + length && start < u->pc + u->bytes;
}

/* Drops what lies in the range of a page. True: there was some. */
static bool page_invalidate(struct engine *e, struct code_page *p, uint64_t start, uint64_t length) {
    bool any = false;
    if (p->start >= start + length || start >= p->start + p->size + 16) return false;
    for (struct unit **at = &p->units, *u; (u = *at) != NULL;) {
        if (!overlaps(u, start, length)) {
            at = &u->page_next;
            continue;
        }
        page_remove(e, p, at);
        any = true;
    }
    return any;
}

typedef bool page_function(struct engine *e, struct code_page *p, uint64_t start, uint64_t length);

/* Calls the function for all pages that may have code in the range, and others. True: one of them was. */
static bool pages_each(struct engine *e, uint64_t start, uint64_t length, page_function *function) {
    const uint64_t page = 1u << TLB_PAGE_SHIFT, first = start / page - (start >= page), pages = length / page + 3;
    bool any = false;
    if (code_is_copied(e) && pages < PAGE_BUCKETS) { /* from the page before on, which may have an instruction here */
        for (uint64_t n = first; n < first + pages; n++)
            for (struct code_page *p = *page_head_at(e, n * page); p; p = p->next_at)
                if (p->start == n * page) any |= function(e, p, start, length);
    } else {
        for (unsigned i = 0; i < PAGE_BUCKETS; i++)
            for (struct code_page *p = e->pages[i]; p; p = p->next) any |= function(e, p, start, length);
    }
    return any;
}

void engine_invalidate(struct engine *e, uint64_t start, uint64_t length) {
    const bool any = pages_each(e, start, length, page_invalidate);
    /* Stale units lead to the loop by themselves; this only spares cpus of one thread the way over them. */
    for (const struct runner *r = any && !e->shared ? e->runners : NULL; r; r = r->next) cpu_drop_shortcuts(r->cpu);
}

/* ---- what the guest says */

/* Whatever is known of a page's changes: there are ways to write that nobody reports (another process). */
static bool page_recheck(struct engine *e, struct code_page *p, uint64_t start, uint64_t length) {
    if (p->state != PAGE_CALM) return false; /* it will be compared before it runs */
    /* An instruction that ends in the range may begin on the page before. */
    if (p->start - start >= length && start - p->start >= p->size + 16) return false;
    return page_compare(e, p, false);
}

void engine_recheck_code(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t length) {
    if (pages_each(e, start, length, page_recheck)) cpu_drop_shortcuts(cpu);
}

void engine_recheck_some(struct engine *e, struct cpu *cpu) {
    struct code_page *p = e->explicit_next ? e->explicit_next : e->explicit_pages, *const from = p;
    const uint64_t now = os_nanoseconds();
    const int64_t more = (int64_t)((now - e->looked) >> LOOK_SHIFT);
    const bool all = e->config.counted; /* where runs have to repeat */
    e->looked = now;
    e->look_credit = more > LOOK_MOST - e->look_credit ? LOOK_MOST : e->look_credit + more;
    if (!p || (e->look_credit <= 0 && !all)) return;
    /* Time of this thread: what else the host has to do does not make it see less. */
    const uint64_t began = os_cpu_nanoseconds();
    int64_t took = 0;
    unsigned pages = 0;
    bool any = false;
    do {
        if (p->state == PAGE_CALM && p->watch == WATCH_EXPLICIT && p->units) any |= page_compare(e, p, false);
        if (++pages % LOOK_PAGES == 0) took = (int64_t)(os_cpu_nanoseconds() - began);
        p = p->next_explicit ? p->next_explicit : e->explicit_pages;
    } while (p != from && (took < e->look_credit || all));
    e->explicit_next = p;
    e->look_credit -= (int64_t)(os_cpu_nanoseconds() - began);
    if (any) cpu_drop_shortcuts(cpu);
}
