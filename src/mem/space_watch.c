/* space_watch.c - pages of code that the guest may write: noticing that it does (see space.h).
 *
 * A hash table of groups of 64 pages, with a bit for each page that is watched, and one for each that never shall be. A
 * watched page has no right to be written on the host, whatever the guest's are; nothing else differs. Whoever changes
 * what the host has there by other means says so first (space_unwatch) or afterwards (watch_forget). Bits are set
 * before the host's rights are taken and cleared after they are given back, so that whoever ends in the middle leaves
 * nothing that is written without notice; and watching takes the rights anew each time. What is written is reported
 * before it can be.
 */
#include "base/os.h"
#include "mem/space_record.h"
#include <string.h>

struct group {
    uint64_t number; /* address / GROUP_SIZE + 1; 0: free */
    uint64_t watched, never;
};
struct space_watch {
    uint64_t low, high; /* what is or was watched lies within */
    uint32_t watched;   /* pages */
    uint32_t used, most;
    struct group groups[];
};
enum {
    GROUP_SIZE = 64 * SPACE_PAGE,
    LEAST = LIMIT_WATCH_GROUPS,
    WATCHED_MOST =
        LIMIT_WATCHED /* pages, each of which may make two more of the host's mappings, of which there are 65530 */
};

static size_t table_size(uint32_t most) {
    return sizeof(struct space_watch) + most * sizeof(struct group);
}

static struct group *place_of(struct space_watch *w, uint64_t number) {
    uint32_t i = (uint32_t)(number * 0x9e3779b97f4a7c15u >> 32) & (w->most - 1);
    while (w->groups[i].number && w->groups[i].number != number) i = (i + 1) & (w->most - 1);
    return &w->groups[i];
}

static struct group *group_find(const struct space *s, uint64_t address) {
    struct group *g = s->watch ? place_of(s->watch, address / GROUP_SIZE + 1) : NULL;
    return g && g->number ? g : NULL;
}

/* A table with room for one group more; false: no memory. What is empty is left out of a new one. */
static bool table_room(struct space *s) {
    struct space_watch *old = s->watch;
    if (old && old->used < old->most / 2) return true;
    uint32_t full = 0, most = LEAST;
    for (uint32_t i = 0; old && i < old->most; i++) full += (old->groups[i].watched | old->groups[i].never) != 0;
    while (full >= most / 4) most *= 2;
    struct space_watch *w = os_map_fails() ? NULL : host_table(table_size(most));
    if (!w) return false;
    if (old) *w = *old;
    w->most = most;
    w->used = full;
    for (uint32_t i = 0; old && i < old->most; i++)
        if (old->groups[i].watched | old->groups[i].never) *place_of(w, old->groups[i].number) = old->groups[i];
    __atomic_store_n(&s->watch, w, __ATOMIC_SEQ_CST);
    if (old) host_table_free(old, table_size(old->most));
    return true;
}

static struct group *group_make(struct space *s, uint64_t address) {
    struct group *g = group_find(s, address);
    if (g || !table_room(s)) return g;
    g = place_of(s->watch, address / GROUP_SIZE + 1);
    *g = (struct group){.number = address / GROUP_SIZE + 1};
    s->watch->used++;
    return g;
}

void watch_done(struct space *s) {
    if (s->watch) host_table_free(s->watch, table_size(s->watch->most));
    s->watch = NULL;
}

static uint64_t page_bit(uint64_t address) {
    return UINT64_C(1) << address / SPACE_PAGE % 64;
}

enum space_watched space_watch(struct space *s, uint64_t address) {
    const uint64_t page = address & -(uint64_t)SPACE_PAGE;
    const struct mapping *m = space_find(s, page);
    if (!m) return WATCHED_NOT_ALL;
    const enum space_watched watched = record_has_offset(m) || (m->flags & MAPPING_SHARED) ? WATCHED_PARTLY : WATCHED;
    if (!(m->rights & SPACE_W)) return watched;
    struct group *g = group_make(s, page);
    if (!g || (g->never & page_bit(page))) return WATCHED_NOT_ALL;
    struct space_watch *w = s->watch;
    if (!(g->watched & page_bit(page))) {
        if (w->watched == WATCHED_MOST) return WATCHED_NOT_ALL;
        if (!w->watched || page < w->low) w->low = page;
        if (!w->watched || page + SPACE_PAGE > w->high) w->high = page + SPACE_PAGE;
        w->watched++;
        g->watched |= page_bit(page);
    }
    if (host_protect(s, page, page + SPACE_PAGE, SPACE_R) == SPACE_OK) return watched;
    g->watched &= ~page_bit(page);
    w->watched--;
    return WATCHED_NOT_ALL; /* the host has no room for one mapping more */
}

/* Calls what(s, start, end) for every row of watched pages in the range, which are not watched any more. */
static bool each_watched(const struct space *s, uint64_t start, uint64_t end,
                         void (*what)(const struct space *s, uint64_t start, uint64_t end)) {
    struct space_watch *w = s->watch;
    bool any = false;
    start &= -(uint64_t)SPACE_PAGE;
    if (!w || !w->watched || start >= w->high || end <= w->low) return false;
    if (start < w->low) start = w->low;
    if (end > w->high) end = w->high;
    for (uint64_t at = start; at < end;) {
        struct group *g = group_find(s, at);
        const uint64_t group_end = (at | (GROUP_SIZE - 1)) + 1, stop = end < group_end ? end : group_end;
        if (!g || !g->watched) {
            at = stop;
            continue;
        }
        uint64_t from = at, bits = 0;
        while (at < stop && (g->watched & page_bit(at))) {
            bits |= page_bit(at);
            at += SPACE_PAGE;
        }
        if (!bits) {
            at += SPACE_PAGE;
            continue;
        }
        any = true;
        if (what) what(s, from, at);
        w->watched -= (uint32_t)__builtin_popcountll(g->watched & bits); /* the call may have been about more */
        g->watched &= ~bits;
    }
    return any;
}

static void report(const struct space *s, uint64_t start, uint64_t end) {
    s->hooks.code_written(s->hooks.self, start, end - start);
}

static bool is_watched(const struct space *s, uint64_t page) {
    const struct group *g = group_find(s, page);
    return g && (g->watched & page_bit(page));
}

/* Reported first: as soon as the host lets one store pass it lets others, and who sees what they wrote may go there. */
static void written(const struct space *s, uint64_t start, uint64_t end) {
    report(s, start, end);
    if (host_protect(s, start, end, SPACE_W) == SPACE_OK) return;
    /* The host has no room for one mapping more. All of the guest's mapping with the same rights takes less. */
    const struct mapping *m = space_find(s, start);
    if (!m) return;
    for (uint64_t at = m->start; at < m->end; at += SPACE_PAGE)
        if ((at < start || at >= end) && is_watched(s, at)) report(s, at, at + SPACE_PAGE);
    if (host_protect(s, m->start, m->end, SPACE_W) == SPACE_OK) each_watched(s, m->start, m->end, NULL);
}

bool space_unwatch(const struct space *s, uint64_t start, uint64_t length) {
    return length && each_watched(s, start, length > s->limit - start ? s->limit : start + length, written);
}

void watch_forget(const struct space *s, uint64_t start, uint64_t end) {
    each_watched(s, start, end, NULL);
    const struct space_watch *w = s->watch;
    const uint64_t groups = (end - start) / GROUP_SIZE + 2;
    if (groups < w->most) {
        for (uint64_t at = start; at < end; at += SPACE_PAGE) {
            struct group *g = group_find(s, at);
            if (g && g->never)
                g->never &= ~page_bit(at);
            else
                at |= GROUP_SIZE - SPACE_PAGE; /* the last page of the group */
        }
        return;
    }
    for (uint32_t i = 0; i < w->most; i++) {
        struct group *g = &s->watch->groups[i];
        for (uint64_t bits = g->never, first; bits; bits &= bits - 1) {
            first = (g->number - 1) * GROUP_SIZE + (uint64_t)__builtin_ctzll(bits) * SPACE_PAGE;
            if (first >= start && first < end) g->never &= ~page_bit(first);
        }
    }
}

void space_never_watch(const struct space *c, uint64_t start, uint64_t length) {
    struct space *s = (struct space *)c; /* of which only the table of what is watched changes */
    const uint64_t end = length > s->limit - start ? s->limit : start + length;
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end)) {
        if ((m->rights & (SPACE_W | SPACE_X)) != (SPACE_W | SPACE_X)) continue;
        uint64_t at = m->start > start ? m->start : start & -(uint64_t)SPACE_PAGE;
        for (const uint64_t stop = m->end < end ? m->end : end; at < stop; at += SPACE_PAGE) {
            struct group *g = group_make(s, at);
            if (!g) return; /* the host's write may fail */
            g->never |= page_bit(at);
        }
    }
}
