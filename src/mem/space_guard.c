/* space_guard.c - changes of a space that whoever makes them may not survive (see space.h).
 *
 * What is shared between processes is memory and mappings, so both stay as a killed process leaves them. A change first
 * copies the head of the space, what goes along with it and all nodes, then says so, and then notes every range that it
 * is about to touch on the host, before it does. Whoever goes on takes the copy back. Of what was to be replaced or
 * unmapped nobody knows how far that has come, so it goes altogether: the other outcome that the change could have had.
 */
#include "mem/space_record.h"
#include <string.h>

/* The copy: the head, what goes along, the nodes. */
static void *copied_kept(const struct space *s) {
    return s->guard.copy + 1;
}
static struct space_node *copied_nodes(const struct space *s) {
    const size_t kept = (s->guard.kept_size + _Alignof(struct space_node) - 1) & -_Alignof(struct space_node);
    return (void *)((char *)copied_kept(s) + kept);
}
static size_t copy_size(const struct space *s) {
    return sizeof *s + s->guard.kept_size + ((size_t)s->most + 2) * sizeof *s->nodes;
}

void space_keeps(struct space *s, void *bytes, size_t size) {
    s->guard.kept = bytes;
    s->guard.kept_size = size;
}

bool space_guard(struct space *s) {
    if (!s->guard.copy) s->guard.copy = host_table(copy_size(s));
    if (!s->guard.copy) return false;
    s->guard.guards++;
    return true;
}

void space_unguard(struct space *s) {
    s->guard.guards--;
}

void guard_done(struct space *s) {
    if (s->guard.copy) host_table_free(s->guard.copy, copy_size(s));
    s->guard = (struct space_guard){0};
}

/* Nothing that is written before may come later in memory, and the other way round: the writer may end in between. */
static void under_way(struct space *s, bool yes) {
    __atomic_store_n(&s->guard.under_way, yes, __ATOMIC_SEQ_CST);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void space_begin_guarded(struct space *s) {
    struct space_guard *g = &s->guard;
    *g->copy = *s;
    if (g->kept) memcpy(copied_kept(s), g->kept, g->kept_size);
    memcpy(copied_nodes(s), s->nodes, s->used * sizeof *s->nodes);
    g->nsteps = 0;
    under_way(s, true);
}

void change_step_guarded(struct space *s, enum space_step_kind kind, uint64_t start, uint64_t end) {
    struct space_guard *g = &s->guard;
    for (unsigned i = 0; i < g->nsteps; i++) {
        struct space_step *step = &g->steps[i];
        if (step->start != start || step->end != end) continue;
        /* Once a place may have something new nothing that is less will do. */
        if (step->kind != STEP_MAP) __atomic_store_n(&step->kind, kind, __ATOMIC_SEQ_CST);
        return;
    }
    if (g->nsteps == sizeof g->steps / sizeof *g->steps) return; /* no change has as many */
    g->steps[g->nsteps] = (struct space_step){kind, start, end};
    __atomic_store_n(&g->nsteps, g->nsteps + 1, __ATOMIC_SEQ_CST);
}

void space_end_guarded(struct space *s) {
    under_way(s, false);
}

/* ---- afterwards */

/* Nothing is mapped for the guest there any more, whoever mapped it. */
static void range_clear(struct space *s, uint64_t start, uint64_t end) {
    host_clear(s, start, end);
    record_erase(s, start, end);
}

static void range_unmap(struct space *s, uint64_t start, uint64_t end) {
    host_unmap(s, start, end);
    record_erase(s, start, end);
}

static void range_protect(struct space *s, uint64_t start, uint64_t end) {
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end)) {
        uint64_t from = m->start > start ? m->start : start, to = m->end < end ? m->end : end;
        if (s->watch) space_unwatch(s, from, to - from);
        host_protect(s, from, to, m->rights);
    }
}

/* Whoever copies the records may take them for whole again. */
static void change_over(struct space *s) {
    __atomic_store_n(&s->changes, s->changes + (s->changes & 1), __ATOMIC_RELEASE);
}

bool space_recover(struct space *s) {
    struct space_guard *g = &s->guard;
    const uint32_t generation = s->generation; /* whoever knows code of this one is right not to find it again */
    s->changing = 0;
    if (!g->under_way) {
        change_over(s);
        return false;
    }
    memcpy(s->nodes, copied_nodes(s), g->copy->used * sizeof *s->nodes);
    if (g->kept) memcpy(g->kept, copied_kept(s), g->kept_size);
    memcpy(s, g->copy, offsetof(struct space, guard)); /* if this one ends as well the next begins anew */
    if (s->generation < generation) s->generation = generation;
    space_code_forget(s);
    for (unsigned i = 0; i < g->nsteps; i++) {
        const struct space_step *step = &g->steps[i];
        switch (step->kind) {
        case STEP_MAP: range_clear(s, step->start, step->end); break;
        case STEP_UNMAP: range_unmap(s, step->start, step->end); break;
        case STEP_MOVE:
            if (host_is_gone(s, step->start, step->end)) range_unmap(s, step->start, step->end);
            break;
        case STEP_PROTECT: range_protect(s, step->start, step->end); break;
        }
    }
    under_way(s, false);
    change_over(s);
    return true;
}
