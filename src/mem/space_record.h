/* space_record.h - what the files of the space share: the tree, the records, guards, the host's side of a change. */
#ifndef MEM_SPACE_RECORD_H
#define MEM_SPACE_RECORD_H

#include "mem/space.h"

static inline bool record_has_offset(const struct mapping *m) {
    return m->dev || m->ino;
}
/** Where a mapping begins for its neighbour below: a growing one keeps a gap. */
static inline uint64_t start_with_gap(const struct space *s, const struct mapping *m) {
    if (!(m->flags & MAPPING_GROWS_DOWN)) return m->start;
    return m->start > s->gap ? m->start - s->gap : 0;
}

/* ---- space_tree.c: nodes, which know nothing of what mappings mean but their ends and the gap below */

bool tree_init(struct space *s);
void tree_done(struct space *s);
/** The first record that ends above the address, the last one that starts below it; or NULL. */
struct mapping *tree_above(const struct space *s, uint64_t address);
struct mapping *tree_below(const struct space *s, uint64_t address);
/** Enters a record where there is none. There must be a node for it (space_has_records). */
void tree_add(struct space *s, const struct mapping *m);
/** Removes the records that start in [start, end). */
void tree_remove(struct space *s, uint64_t start, uint64_t end);
/** The record that starts here has another end, another start in the same place of the order, or other flags. */
void tree_changed(struct space *s, uint64_t start);
/** The highest hole of this length that ends at or below `top`; 0 if there is none. */
uint64_t tree_hole(const struct space *s, uint64_t length, uint64_t top);

/* ---- space_record.c: records as mappings */

/** Makes `at` a boundary between records if it lies within one. */
void record_split(struct space *s, uint64_t at);
/** Merges what can be merged among the records that touch [start, end]. */
void record_merge(struct space *s, uint64_t start, uint64_t end);
/** Adds a record to the sums, or takes it from them. */
void record_account(struct space *s, const struct mapping *m, bool add);
/** Code of this record is gone in [start, end): tells the hook if somebody may know of it. */
void record_code_gone(struct space *s, const struct mapping *m, uint64_t start, uint64_t end);
/** What space_code remembers of mappings. */
void space_code_forget(struct space *s);
/** Forgets what lies in [start, end). */
void record_erase(struct space *s, uint64_t start, uint64_t end);
/** Enters a record where there is none. */
void record_add(struct space *s, const struct mapping *m);
uint32_t record_generation(struct space *s);

/* ---- space_guard.c: within a change (space_begin), what it is about to do on the host */

void guard_done(struct space *s);
void change_step_guarded(struct space *s, enum space_step_kind kind, uint64_t start, uint64_t end);
static inline void change_step(struct space *s, enum space_step_kind kind, uint64_t start, uint64_t end) {
    if (s->guard.guards) change_step_guarded(s, kind, start, end);
}

/* ---- space_watch.c: what is watched */

/** The host has something else there now. */
void watch_forget(const struct space *s, uint64_t start, uint64_t end);
void watch_done(struct space *s);

/* ---- space_host.c: the host's side; all of mem/ that asks it for anything */

/** Finds where the memory of guests can be: as space_init says. */
bool host_open(struct space *s, uint64_t window_size, struct error *error);
void host_close(struct space *s);
/** Zeroed memory for vee's own tables, of which only what is touched takes any. NULL: none. */
void *host_table(size_t size);
void host_table_free(void *table, size_t size);

/** Maps [m->start, m->end) over whatever the guest has there. */
enum space_result host_map(struct space *s, const struct mapping *m, int flags, int fd);
/** The same with memory of no file, which nobody shares. */
enum space_result host_map_private(struct space *s, uint64_t start, uint64_t end, unsigned rights);
/** Takes the guest's mappings in [start, end) from the host. */
enum space_result host_unmap(struct space *s, uint64_t start, uint64_t end);
/** Whatever is mapped there, whose ever it is. */
void host_clear(struct space *s, uint64_t start, uint64_t end);
/** Is something there that is not mapped? */
bool host_is_gone(const struct space *s, uint64_t start, uint64_t end);
/** Do these rights of the guest's differ on the host, which knows none to execute? */
bool host_rights_differ(unsigned a, unsigned b);
enum space_result host_protect(const struct space *s, uint64_t start, uint64_t end, unsigned rights);
/** Makes what ends there longer, in place. */
bool host_extend(struct space *s, uint64_t start, uint64_t length, uint64_t new_length);
enum space_result host_move(struct space *s, uint64_t start, uint64_t length, uint64_t to, uint64_t new_length,
                            enum space_move how);

#endif
