/* space_record.h - what the files of the space share: the tree, the records, the host's side of a change, guards. */
#ifndef MEM_SPACE_RECORD_H
#define MEM_SPACE_RECORD_H

#include "mem/space.h"

static inline uint64_t page_up(uint64_t v) {
    return (v + SPACE_PAGE - 1) & -(uint64_t)SPACE_PAGE;
}

/** Does this count as data for the limits: private, writable, and no stack? */
static inline bool record_is_data(const struct mapping *m) {
    return (m->rights & SPACE_W) && !(m->flags & (MAPPING_SHARED | MAPPING_GROWS_DOWN)) && m->origin != ORIGIN_STACK;
}
static inline bool record_has_offset(const struct mapping *m) {
    return m->dev || m->ino;
}
/** Where a mapping begins for its neighbour below: a growing one keeps a gap. */
static inline uint64_t start_with_gap(const struct mapping *m) {
    if (!(m->flags & MAPPING_GROWS_DOWN)) return m->start;
    return m->start > SPACE_STACK_GAP ? m->start - SPACE_STACK_GAP : 0;
}

/* ---- space_tree.c: nodes, which know nothing of what mappings mean but their ends and the gap below */

bool tree_init(struct space *s);
void tree_done(struct space *s);
/** The first record that ends above the address, the last one that starts below it; or NULL. */
struct mapping *tree_above(const struct space *s, uint64_t address);
struct mapping *tree_below(const struct space *s, uint64_t address);
/** Enters a record where there is none. There must be a node for it (record_room). */
void tree_add(struct space *s, const struct mapping *m);
/** Removes the records that start in [start, end). */
void tree_remove(struct space *s, uint64_t start, uint64_t end);
/** The record that starts here has another end, another start in the same place of the order, or other flags. */
void tree_changed(struct space *s, uint64_t start);
/** The highest hole of this length that ends at or below `top`; 0 if there is none. */
uint64_t tree_hole(const struct space *s, uint64_t length, uint64_t top);

/* ---- space_record.c: records as mappings */

/** Is there room for every record that one call may add? */
bool record_room(const struct space *s);
/** Makes `at` a boundary between records if it lies within one. */
void record_split(struct space *s, uint64_t at);
/** Merges what can be merged among the records that touch [start, end]. */
void record_merge(struct space *s, uint64_t start, uint64_t end);
/** Adds a record to the sums, or takes it from them. */
void record_account(struct space *s, const struct mapping *m, bool add);
/** Code of this record is gone in [start, end): tells the hook if somebody may know of it. */
void record_code_gone(struct space *s, const struct mapping *m, uint64_t start, uint64_t end);
/** Forgets what lies in [start, end). */
/** What space_code remembers of mappings. */
void space_code_forget(struct space *s);
void record_erase(struct space *s, uint64_t start, uint64_t end);
/** Enters a record where there is none. */
void record_add(struct space *s, const struct mapping *m);
uint32_t record_generation(struct space *s);

/* ---- space_guard.c: a change begins, is about to do something on the host, ends. May lie within each other. */

void guard_done(struct space *s);
void change_begin_guarded(struct space *s);
void change_step_guarded(struct space *s, enum space_step_kind kind, uint64_t start, uint64_t end);
void change_end_guarded(struct space *s);
static inline void change_begin(struct space *s) {
    if (s->changing++) return;
    __atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (s->guard.guards) change_begin_guarded(s);
}
static inline void change_step(struct space *s, enum space_step_kind kind, uint64_t start, uint64_t end) {
    if (s->guard.guards) change_step_guarded(s, kind, start, end);
}
static inline void change_end(struct space *s) {
    if (--s->changing) return;
    if (s->guard.guards) change_end_guarded(s);
    __atomic_store_n(&s->changes, s->changes + 1, __ATOMIC_RELEASE);
}

/* ---- space_watch.c: what is watched */

/** The host has something else there now. */
void watch_forget(const struct space *s, uint64_t start, uint64_t end);
void watch_done(struct space *s);

/* ---- space.c: the host's side */

/** The host's rights for these of the guest: never the right to execute. */
int host_rights(unsigned rights);
/** Takes the guest's mappings in [start, end) from the host. */
int64_t host_unmap(struct space *s, uint64_t start, uint64_t end);
/** Makes a range inaccessible address space: in a window whatever was there, else only where nothing is. */
bool host_reserve(struct space *s, uint64_t start, uint64_t end);

bool range_allowed(const struct space *s, uint64_t start, uint64_t length);
bool limits_allow(const struct space *s, uint64_t total, uint64_t data);
/** Address of the hole to use for this length; 0 if there is none. */
uint64_t hole_find(const struct space *s, uint64_t length);

#endif
