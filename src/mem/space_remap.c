/* space_remap.c - mremap: growing, shrinking and moving mappings (see space.h). */
#include "mem/space_record.h"
#include <errno.h>
#include <sys/mman.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

struct move {
    uint64_t old, old_length, new_length, target;
    uint32_t flags;
};

/* Grows a mapping at its end. -ENOMEM: not here. */
static int64_t grow_in_place(struct space *s, const struct mapping *m, const struct move *v) {
    uint64_t from = v->old + v->old_length, to = v->old + v->new_length;
    const struct mapping *above = space_next(s, m->end);
    if (from != m->end || !range_allowed(s, v->old, v->new_length)) return -ENOMEM;
    if (above && above->start < to) return -ENOMEM;
    change_begin(s);
    change_step(s, STEP_MAP, from, to);
    if (s->window) munmap(space_place(s, from), to - from); /* the reserve makes room */
    void *at = mremap(space_place(s, v->old), v->old_length, v->new_length, 0);
    if (at == MAP_FAILED) {
        if (s->window) host_reserve(s, from, to);
    } else {
        struct mapping more = *m;
        more.start = from;
        more.end = to;
        if (record_has_offset(m)) more.offset = m->offset + (from - m->start);
        record_add(s, &more);
    }
    change_end(s);
    return at == MAP_FAILED ? -ENOMEM : (int64_t)v->old;
}

static int64_t move_now(struct space *s, const struct mapping *m, const struct move *v) {
    struct mapping moved = *m;
    bool keep = v->old_length == 0 || (v->flags & MREMAP_DONTUNMAP);
    moved.flags &= (uint8_t)~MAPPING_FETCHED;
    moved.start = v->target;
    moved.end = v->target + v->new_length;
    if (record_has_offset(m)) moved.offset = m->offset + (v->old - m->start);
    /* Reserving first makes sure that nothing of the host's is replaced. */
    change_step(s, STEP_MAP, moved.start, moved.end);
    if (!s->window && !host_reserve(s, moved.start, moved.end)) return -ENOMEM;
    if (!keep) change_step(s, STEP_MOVE, v->old, v->old + v->old_length);
    void *at = mremap(space_place(s, v->old), v->old_length, v->new_length,
                      MREMAP_MAYMOVE | MREMAP_FIXED | (int)(v->flags & MREMAP_DONTUNMAP), space_place(s, v->target));
    if (at == MAP_FAILED) {
        int e = errno;
        if (s->window) /* the target may be unmapped already */
            host_reserve(s, moved.start, moved.end);
        else
            munmap(space_place(s, moved.start), v->new_length);
        return -e;
    }
    if (!keep) {
        change_step(s, STEP_UNMAP, v->old, v->old + v->old_length);
        if (s->window) host_reserve(s, v->old, v->old + v->old_length);
        record_erase(s, v->old, v->old + v->old_length);
    } else {
        space_discarded(s, v->old, v->old_length);
    }
    if (moved.rights & SPACE_X) moved.generation = record_generation(s);
    record_add(s, &moved);
    return (int64_t)v->target;
}

/* Moves, or duplicates, to v->target, where the guest has nothing. */
static int64_t move_to(struct space *s, const struct mapping *m, const struct move *v) {
    change_begin(s);
    int64_t r = move_now(s, m, v);
    change_end(s);
    return r;
}

/* The checks that Linux makes on the mapping to be resized. */
static int64_t resize_check(const struct space *s, const struct mapping *m, const struct move *v) {
    if (!m) return -EFAULT;
    if (!v->old_length && !(m->flags & MAPPING_SHARED)) return -EINVAL;
    if (v->old_length > m->end - v->old) return -EFAULT;
    uint64_t more = v->new_length > v->old_length ? v->new_length - v->old_length : 0;
    if (v->flags & MREMAP_DONTUNMAP) more = v->new_length;
    return limits_allow(s, more, record_is_data(m) ? more : 0) ? 0 : -ENOMEM;
}

static int64_t move_fixed(struct space *s, struct move *v) {
    if (v->flags & MREMAP_FIXED) {
        if ((v->target & (SPACE_PAGE - 1)) || !range_allowed(s, v->target, v->new_length)) return -EINVAL;
        if (v->old < v->target + v->new_length && v->target < v->old + v->old_length) return -EINVAL;
        if (!space_find(s, v->old)) return -EFAULT;
        int64_t e = space_unmap(s, v->target, v->new_length);
        if (e) return e;
    }
    if (v->old_length > v->new_length) {
        int64_t e = space_unmap(s, v->old + v->new_length, v->old_length - v->new_length);
        if (e) return e;
        v->old_length = v->new_length;
    }
    const struct mapping *m = space_find(s, v->old);
    int64_t e = resize_check(s, m, v);
    if (e) return e;
    if (!(v->flags & MREMAP_FIXED)) v->target = hole_find(s, v->new_length);
    return v->target ? move_to(s, m, v) : -ENOMEM;
}

int64_t space_remap(struct space *s, uint64_t old, uint64_t old_length, uint64_t new_length, uint32_t flags,
                    uint64_t target) {
    struct move v = {old, page_up(old_length), page_up(new_length), target, flags};
    if (flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE)) return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && v.old_length != v.new_length) return -EINVAL;
    if ((old & (SPACE_PAGE - 1)) || !v.new_length) return -EINVAL;
    if (!(flags & MREMAP_FIXED) && !space_find(s, old)) return -EFAULT;
    if (!space_within(s, old, v.old_length)) return -EINVAL;
    if (!record_room(s)) return -ENOMEM;
    /* The host moves what is one mapping to it. */
    if (s->watch) space_unwatch(s, old, v.old_length > v.new_length ? v.old_length : v.new_length);
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) return move_fixed(s, &v);
    if (v.old_length >= v.new_length) {
        if (v.old_length == v.new_length) return (int64_t)old;
        int64_t e = space_unmap(s, old + v.new_length, v.old_length - v.new_length);
        return e ? e : (int64_t)old;
    }
    const struct mapping *m = space_find(s, old);
    int64_t e = resize_check(s, m, &v);
    if (e) return e;
    e = grow_in_place(s, m, &v);
    if (e != -ENOMEM || !(flags & MREMAP_MAYMOVE)) return e;
    v.target = hole_find(s, v.new_length);
    return v.target ? move_to(s, m, &v) : -ENOMEM;
}
