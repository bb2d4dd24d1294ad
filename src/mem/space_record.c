/* space_record.c - records of mappings: splitting and merging them, sums for limits, generations of code. */
#include "mem/space_record.h"

static bool mergeable(const struct mapping *a, const struct mapping *b) {
    return a->end == b->start && a->rights == b->rights && !((a->flags ^ b->flags) & ~MAPPING_FETCHED) &&
           a->tag == b->tag && a->generation == b->generation && a->dev == b->dev && a->ino == b->ino &&
           (!record_has_offset(a) || a->offset + (a->end - a->start) == b->offset);
}

void record_split(struct space *s, uint64_t at) {
    struct mapping *m = tree_above(s, at);
    if (!m || m->start >= at) return;
    struct mapping upper = *m;
    upper.start = at;
    if (record_has_offset(m)) upper.offset += at - m->start;
    m->end = at;
    tree_changed(s, m->start);
    tree_add(s, &upper);
}

void record_merge(struct space *s, uint64_t start, uint64_t end) {
    struct mapping *m = tree_above(s, start ? start - 1 : 0), *next;
    while (m && m->end <= end && (next = tree_above(s, m->end)) != NULL) {
        if (!mergeable(m, next)) {
            m = next;
            continue;
        }
        uint64_t merged = next->end;
        m->flags |= next->flags;
        tree_remove(s, next->start, merged);
        m->end = merged;
        tree_changed(s, m->start);
    }
}

void record_account(struct space *s, const struct mapping *m, bool add) {
    uint64_t size = m->end - m->start;
    if (!add) size = -size;
    s->total += size;
    if (s->total > s->peak) s->peak = s->total;
    if (mapping_is_data(m)) s->data += size;
    if ((m->rights & (SPACE_W | SPACE_X)) == (SPACE_W | SPACE_X)) s->changeable += size;
}

uint32_t record_generation(struct space *s) {
    if (s->generation >= LIMIT_GENERATIONS) { /* begin anew, with nobody who knows old ones */
        s->hooks.code_gone(s->hooks.self, 0, s->limit);
        space_code_forget(s);
        s->renewals++;
        s->generation = 0;
        for (struct mapping *m = tree_above(s, 0); m; m = tree_above(s, m->end))
            if (m->generation) m->generation = ++s->generation;
    }
    return ++s->generation;
}

void record_code_gone(struct space *s, const struct mapping *m, uint64_t start, uint64_t end) {
    if (!(m->flags & MAPPING_FETCHED)) return;
    if (start < m->start) start = m->start;
    if (end > m->end) end = m->end;
    s->hooks.code_gone(s->hooks.self, start, end - start);
}

void record_erase(struct space *s, uint64_t start, uint64_t end) {
    space_code_forget(s);
    if (s->watch) watch_forget(s, start, end);
    record_split(s, start);
    record_split(s, end);
    for (const struct mapping *m = tree_above(s, start); m && m->start < end; m = tree_above(s, m->end)) {
        record_account(s, m, false);
        record_code_gone(s, m, start, end);
    }
    tree_remove(s, start, end);
}

void record_add(struct space *s, const struct mapping *m) {
    space_code_forget(s);
    tree_add(s, m);
    record_account(s, m, true);
    record_merge(s, m->start, m->end);
}

bool space_has_records(const struct space *s) {
    return s->count + 4 <= s->most;
}
