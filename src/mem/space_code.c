/* space_code.c - code in the memory of a process: where there is some, and its bytes (see space.h).
 *
 * No pointer to guest memory leaves here: what is mapped can go away at any time by means that no record sees (a file
 * that is cut off), so bytes of code are copied, with care, like any other.
 */
#include "mem/space_record.h"

enum space_code space_code(struct space *s, uint64_t address, struct space_code_page *code) {
    /* The host may have lost the page since: a file was cut off, a child did not get it. */
    if (address < s->code_start || address >= s->code_end || !look_guarded(space_host(s, address))) {
        struct mapping *m = tree_above(s, address);
        s->code_end = s->code_start = 0;
        if (!m || m->start > address) return CODE_UNMAPPED;
        if (!(m->rights & SPACE_X)) return CODE_FORBIDDEN;
        if (!look_guarded(space_host(s, address))) return m->dev ? CODE_BEYOND_FILE : CODE_UNMAPPED;
        m->flags |= MAPPING_FETCHED;
        s->code_start = m->start;
        s->code_end = m->end;
        s->code_generation = m->generation;
        s->code_writable = m->rights & SPACE_W;
        s->code_changeable = s->code_writable || !(m->dev || m->ino);
    }
    *code = (struct space_code_page){.identity = (uint64_t)s->code_generation << 36 | address / SPACE_PAGE,
                                     .avail = SPACE_PAGE - (address & (SPACE_PAGE - 1)),
                                     .writable = s->code_writable,
                                     .changeable = s->code_changeable};
    return CODE_READY;
}

uint64_t space_code_identity(const struct space *s, uint64_t address) {
    const struct mapping *m = space_find(s, address);
    return m && (m->rights & SPACE_X) ? (uint64_t)m->generation << 36 | address / SPACE_PAGE : 0;
}

size_t space_read_code(const struct space *s, uint64_t address, uint8_t *to, size_t size) {
    if (!space_within(s, address, size)) size = address < s->limit ? s->limit - address : 0;
    return size - copy_guarded(to, space_host(s, address), size);
}
