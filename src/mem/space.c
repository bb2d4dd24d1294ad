/* space.c - making a space, looking up, and changes that leave mappings where they are (see space.h). Moving is in
 * space_remap.c, the host's side in space_host.c, the records in space_record.c, in a tree of space_tree.c.
 *
 * Each change is made on the host first, then in the records, so that a failure of the host leaves both as they were.
 */
#include "mem/space_record.h"

bool space_init(struct space *s, uint64_t window_size, const struct space_hooks *hooks, struct error *error) {
    *s = (struct space){.min_address = SPACE_PAGE, .hooks = *hooks};
    if (!host_open(s, window_size, error)) return false;
    s->top = s->limit - SPACE_PAGE;
    if (tree_init(s)) return true;
    host_close(s);
    return error_set(error, ERROR_RESOURCES, "no memory for the guest's mappings");
}

void space_done(struct space *s) {
    if (!s->nodes) return;
    host_close(s);
    guard_done(s);
    tree_done(s);
    watch_done(s);
}

/* ---- looking up */

const struct mapping *space_next(const struct space *s, uint64_t address) {
    return tree_above(s, address);
}

const struct mapping *space_find(const struct space *s, uint64_t address) {
    const struct mapping *m = tree_above(s, address);
    return m && m->start <= address ? m : NULL;
}

const struct mapping *space_before(const struct space *s, uint64_t address) {
    return tree_below(s, address);
}

bool space_covers(const struct space *s, uint64_t start, uint64_t end) {
    while (start < end) {
        const struct mapping *m = space_find(s, start);
        if (!m) return false;
        start = m->end;
    }
    return true;
}

uint64_t space_mapped(const struct space *s, uint64_t start, uint64_t end) {
    uint64_t sum = 0;
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end))
        sum += (m->end < end ? m->end : end) - (m->start > start ? m->start : start);
    return sum;
}

bool space_is_free(const struct space *s, uint64_t start, uint64_t end) {
    const struct mapping *m = space_next(s, start);
    return !m || start_with_gap(s, m) >= end;
}

bool space_allows(const struct space *s, uint64_t start, uint64_t length) {
    return start >= s->min_address && length <= s->limit - SPACE_PAGE && start <= s->limit - SPACE_PAGE - length;
}

uint64_t space_hole(const struct space *s, uint64_t length) {
    uint64_t at = tree_hole(s, length, s->top);
    return at ? at : tree_hole(s, length, s->limit - SPACE_PAGE);
}

/* ---- mapping */

enum space_result space_map(struct space *s, const struct mapping *m, int flags, int fd) {
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    space_begin(s);
    const enum space_result r = host_map(s, m, flags, fd);
    if (!r) {
        struct mapping record = *m;
        record_erase(s, m->start, m->end);
        if (!record_has_offset(m) && (m->flags & MAPPING_SHARED)) record.ino = ++s->objects;
        record.generation = m->rights & SPACE_X ? record_generation(s) : 0;
        record_add(s, &record);
    }
    space_end(s);
    return r;
}

enum space_result space_map_free(struct space *s, struct mapping *m, int flags, int fd) {
    enum { TRIES = 64 };
    const uint64_t length = m->end - m->start;
    if (m->start && space_allows(s, m->start, length) && space_is_free(s, m->start, m->end)) {
        const enum space_result r = space_map(s, m, flags, fd);
        if (r != SPACE_TAKEN) return r;
    }
    uint64_t hole = space_hole(s, length);
    for (int tries = 0; hole && tries < TRIES; tries++) {
        m->start = hole;
        m->end = hole + length;
        const enum space_result r = space_map(s, m, flags, fd);
        if (r != SPACE_TAKEN) return r;
        hole = tree_hole(s, length, hole); /* the host has something there: go on below */
    }
    return SPACE_NO_ROOM;
}

enum space_result space_unmap(struct space *s, uint64_t start, uint64_t length) {
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    space_begin(s);
    const enum space_result r = host_unmap(s, start, start + length);
    if (!r) record_erase(s, start, start + length);
    space_end(s);
    return r;
}

/* ---- rights */

/* One record, whole: host first. */
static enum space_result record_protect(struct space *s, struct mapping *m, unsigned rights) {
    const uint64_t size = m->end - m->start;
    const bool opened = (rights & SPACE_W) && !(m->rights & SPACE_W) && (m->flags & MAPPING_FETCHED);
    if (s->watch) space_unwatch(s, m->start, size);
    if (opened) s->hooks.code_written(s->hooks.self, m->start, size); /* before anybody can write there */
    if (host_rights_differ(rights, m->rights)) {
        const enum space_result r = host_protect(s, m->start, m->end, rights);
        if (r) return r;
    }
    bool lost = (m->rights & SPACE_X) && !(rights & SPACE_X), gained = !(m->rights & SPACE_X) && (rights & SPACE_X);
    record_account(s, m, false);
    m->rights = (uint8_t)rights;
    record_account(s, m, true);
    if (gained) m->generation = record_generation(s);
    if (lost) {
        m->generation = 0;
        record_code_gone(s, m, m->start, m->end);
        m->flags &= (uint8_t)~MAPPING_FETCHED;
    }
    return SPACE_OK;
}

enum space_result space_protect(struct space *s, uint64_t start, uint64_t length, unsigned rights) {
    const uint64_t end = start + length;
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    space_code_forget(s);
    space_begin(s);
    change_step(s, STEP_PROTECT, start, end);
    record_split(s, start);
    record_split(s, end);
    enum space_result r = SPACE_OK;
    for (struct mapping *m = tree_above(s, start); !r && m && m->start < end; m = tree_above(s, m->end))
        if (m->rights != rights) r = record_protect(s, m, rights);
    record_merge(s, start, end);
    space_end(s);
    return r;
}

/* ---- what else changes */

enum space_result space_tag(struct space *s, uint64_t start, uint64_t end, uint8_t clear, uint8_t set) {
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    space_begin(s);
    record_split(s, start);
    record_split(s, end);
    for (struct mapping *m = tree_above(s, start); m && m->start < end; m = tree_above(s, m->end))
        m->tag = (uint8_t)((m->tag & ~clear) | set);
    record_merge(s, start, end);
    space_end(s);
    return SPACE_OK;
}

void space_discarded(struct space *s, uint64_t start, uint64_t length) {
    uint64_t end = start + length;
    space_code_forget(s);
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end))
        record_code_gone(s, m, start, end);
}
