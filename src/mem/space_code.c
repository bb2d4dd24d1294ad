/* space_code.c - code in the memory of a process: where there is some, and its bytes (see space.h).
 *
 * No pointer to guest memory leaves here: what is mapped can go away at any time by means that no record sees (a file
 * that is cut off), so bytes of code are copied, with care, like any other.
 */
#include "mem/space_record.h"

void space_code_forget(struct space *s) {
    for (unsigned i = 0; i < SPACE_SEEN; i++) s->code_seen[i].end = 0;
}

enum space_code space_code(struct space *s, uint64_t address, struct space_code_page *code) {
    struct code_seen *seen = &s->code_seen[(address >> 20 ^ address >> 24 ^ address >> 32) % SPACE_SEEN];
    /* The host may have lost the page since: a file was cut off, a child did not get it. */
    if (address < seen->start || address >= seen->end || !look_guarded(space_host(s, address))) {
        struct mapping *m = tree_above(s, address);
        seen->end = 0;
        if (!m || m->start > address) return CODE_UNMAPPED;
        if (!(m->rights & SPACE_X)) return CODE_FORBIDDEN;
        if (!look_guarded(space_host(s, address))) return m->dev ? CODE_BEYOND_FILE : CODE_UNMAPPED;
        m->flags |= MAPPING_FETCHED;
        const bool writable = m->rights & SPACE_W;
        *seen = (struct code_seen){m->start, m->end, m->generation, writable, writable || !(m->dev || m->ino)};
    }
    *code = (struct space_code_page){.identity = (uint64_t)seen->generation << 36 | address / SPACE_PAGE,
                                     .avail = SPACE_PAGE - (address & (SPACE_PAGE - 1)),
                                     .writable = seen->writable,
                                     .changeable = seen->changeable};
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
