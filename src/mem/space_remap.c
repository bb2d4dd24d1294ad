/* space_remap.c - mappings that become longer, or are elsewhere (see space.h). */
#include "mem/space_record.h"

/* The host moves and extends what is one mapping to it. */
static void unwatch_all(const struct space *s, uint64_t start, uint64_t length, uint64_t new_length) {
    if (s->watch) space_unwatch(s, start, length > new_length ? length : new_length);
}

enum space_result space_extend(struct space *s, uint64_t start, uint64_t length, uint64_t new_length) {
    const uint64_t from = start + length, to = start + new_length;
    const struct mapping *m = space_find(s, start), *above = m ? space_next(s, m->end) : NULL;
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    if (!m || from != m->end || !space_allows(s, start, new_length) || (above && above->start < to))
        return SPACE_NO_ROOM;
    unwatch_all(s, start, length, new_length);
    struct mapping more = *m;
    more.start = from;
    more.end = to;
    if (record_has_offset(m)) more.offset = m->offset + (from - m->start);
    space_begin(s);
    const bool extended = host_extend(s, start, length, new_length);
    if (extended) record_add(s, &more);
    space_end(s);
    return extended ? SPACE_OK : SPACE_NO_ROOM;
}

enum space_result space_extend_down(struct space *s, uint64_t start, uint64_t to) {
    struct mapping *m = tree_above(s, start);
    space_begin(s);
    const enum space_result r = host_map_private(s, to, start, m->rights);
    if (!r) {
        record_account(s, m, false);
        m->start = to;
        tree_changed(s, to);
        record_account(s, m, true);
    }
    space_end(s);
    return r;
}

enum space_result space_move(struct space *s, uint64_t start, uint64_t length, uint64_t to, uint64_t new_length,
                             enum space_move how) {
    const struct mapping *m = space_find(s, start);
    if (!space_has_records(s)) return SPACE_NO_RECORDS;
    unwatch_all(s, start, length, new_length);
    struct mapping moved = *m;
    moved.flags &= (uint8_t)~MAPPING_FETCHED;
    moved.start = to;
    moved.end = to + new_length;
    if (record_has_offset(m)) moved.offset = m->offset + (start - m->start);
    space_begin(s);
    const enum space_result r = host_move(s, start, length, to, new_length, how);
    if (!r) {
        if (how == SPACE_MOVE)
            record_erase(s, start, start + length);
        else
            space_discarded(s, start, length);
        if (moved.rights & SPACE_X) moved.generation = record_generation(s);
        record_add(s, &moved);
    }
    space_end(s);
    return r;
}
