/* memory_map.c - what Linux decides about the memory of a process (see memory.h): mmap, munmap, mprotect, mremap, brk,
 * stacks that grow, limits, and who inherits what. The space does the work, the calls themselves are in memory.c.
 *
 * What is refused is refused before anything has changed, but where Linux changes the part before what it refuses
 * (mprotect), or makes room first (mremap to a given place).
 */
#include "process/linux/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

_Static_assert(SPACE_R == PROT_READ && SPACE_W == PROT_WRITE && SPACE_X == PROT_EXEC, "rights are those of PROT_*");
enum { RIGHTS = PROT_READ | PROT_WRITE | PROT_EXEC };

bool memory_init(struct memory *m, uint64_t window_size, uint64_t usual, const struct space_hooks *hooks,
                 struct error *error) {
    struct space *s = &m->space;
    if (!space_init(s, window_size, hooks, error)) return false;
    space_keeps(s, &m->brk_end, sizeof m->brk_end);
    m->usual = s->limit < usual ? s->limit : usual;
    s->top = m->usual - SPACE_PAGE;
    s->gap = MEMORY_STACK_GAP;
    m->limits = (struct memory_limits){UINT64_MAX, UINT64_MAX, UINT64_MAX};
    return true;
}

static bool is_page(uint64_t address) {
    return !(address & (SPACE_PAGE - 1));
}

static int64_t error_of(enum space_result r) {
    switch (r) {
    case SPACE_NO_RECORDS:
    case SPACE_NO_ROOM: return -ENOMEM;
    case SPACE_TAKEN: return -EEXIST;
    default: return -(int64_t)r;
    }
}

/* Do limits leave so many bytes more? */
static bool limits_allow(struct space *s, uint64_t total, uint64_t data) {
    const struct memory_limits *l = &memory_of(s)->limits;
    return (total == 0 || (s->total <= l->total && total <= l->total - s->total)) &&
           (data == 0 || (s->data <= l->data && data <= l->data - s->data));
}

/* ---- mapping */

/* Fills in where the bytes come from. */
static int64_t file_note(struct mapping *m, int fd, uint64_t offset) {
    struct statx st; /* of what is known without asking the file system, which may take its time */
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) != 0) return -errno;
    m->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    m->ino = st.stx_ino;
    m->offset = offset;
    return 0;
}

/* Where the caller left the choice: at the hint if that is free, else in the highest hole. */
static int64_t map_anywhere(struct space *s, struct mapping *m, uint64_t hint, uint64_t length, int flags, int fd) {
    hint = page_down(hint);
    if (hint && hint < s->min_address) hint = s->min_address;
    m->start = hint;
    m->end = hint + length;
    if (!limits_allow(s, length, mapping_is_data(m) ? length : 0)) return -ENOMEM;
    const enum space_result r = space_map_free(s, m, flags, fd);
    return r ? error_of(r) : (int64_t)m->start;
}

static int64_t map_fixed(struct space *s, struct mapping *m, uint64_t start, uint64_t length, int flags, int fd,
                         bool replace) {
    if (!is_page(start)) return -EINVAL;
    if (!space_allows(s, start, length)) return start < s->min_address ? -EPERM : -ENOMEM;
    m->start = start;
    m->end = start + length;
    const uint64_t mapped = space_mapped(s, m->start, m->end);
    if (mapped && !replace) return -EEXIST;
    if (!limits_allow(s, length - mapped, mapping_is_data(m) ? length : 0)) return -ENOMEM;
    const enum space_result r = space_map(s, m, flags, fd);
    if (r == SPACE_TAKEN && replace) return -ENOMEM;
    return r ? error_of(r) : (int64_t)start;
}

int64_t memory_map(struct space *s, uint64_t address, uint64_t length, uint32_t prot, uint32_t flags, int fd,
                   uint64_t offset, enum memory_use use) {
    const uint32_t type = flags & MAP_TYPE;
    const uint64_t whole = page_up(length);
    struct mapping m = {.rights = prot & RIGHTS, .tag = (uint8_t)use};
    if (!is_page(offset)) return -EINVAL;
    if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
        m.flags = MAPPING_SHARED;
    else if (type == MAP_PRIVATE)
        m.flags = flags & MAP_GROWSDOWN ? MAPPING_GROWS_DOWN : 0;
    else
        return -EINVAL;
    if ((flags & MAP_GROWSDOWN) && (type != MAP_PRIVATE || !(flags & MAP_ANONYMOUS))) return -EINVAL;
    if (flags & MAP_ANONYMOUS) fd = -1;
    const int64_t e = flags & MAP_ANONYMOUS ? 0 : file_note(&m, fd, offset);
    if (e) return e;
    if (!length) return -EINVAL;
    if (!whole || whole > s->limit || !space_has_records(s)) return -ENOMEM;
    if (offset + whole < offset) return -EOVERFLOW;
    if (type == MAP_SHARED_VALIDATE && (flags & MAP_32BIT)) return -EOPNOTSUPP; /* no such flag for this guest */
    if (flags & MAP_HUGETLB) return -ENOMEM;
    int host = (int)(flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_GROWSDOWN));
    if (flags & MAP_GROWSDOWN) {
        host |= MAP_NORESERVE; /* as what is added later, so that the host has them as one */
        memory_of(s)->grows = true;
    }
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) return map_anywhere(s, &m, address, whole, host, fd);
    return map_fixed(s, &m, address, whole, host, fd, !(flags & MAP_FIXED_NOREPLACE));
}

int64_t memory_unmap(struct space *s, uint64_t start, uint64_t length) {
    length = page_up(length);
    if (!is_page(start) || !length || !space_within(s, start, length)) return -EINVAL;
    return error_of(space_unmap(s, start, length));
}

/* ---- rights */

/* How far from `at` on, where m is, everything is mapped and limits let it have these rights. */
static uint64_t protect_end(struct space *s, const struct mapping *m, uint64_t at, uint64_t end, unsigned rights) {
    uint64_t data = 0;
    while (m && m->start <= at) {
        const uint64_t stop = m->end < end ? m->end : end;
        struct mapping changed = *m;
        changed.rights = (uint8_t)rights;
        if (mapping_is_data(&changed) && !mapping_is_data(m)) data += stop - at;
        if (!limits_allow(s, 0, data)) break;
        at = stop;
        if (at == end) break;
        m = space_next(s, at);
    }
    return at;
}

int64_t memory_protect(struct space *s, uint64_t start, uint64_t length, uint32_t prot) {
    const uint32_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    const uint64_t end = start + page_up(length);
    if (!is_page(start) || grows == (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
    if (!length) return 0;
    if (end <= start || !space_within(s, start, end - start)) return -ENOMEM;
    if (prot & ~(uint32_t)(RIGHTS | PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
    if (!space_has_records(s)) return -ENOMEM;
    const struct mapping *first = space_next(s, start);
    if (!first) return -ENOMEM;
    if (grows & PROT_GROWSUP) return -EINVAL; /* no such mappings here */
    if (grows) {
        if (first->start >= end) return -ENOMEM;
        if (!(first->flags & MAPPING_GROWS_DOWN)) return -EINVAL;
        start = first->start;
    }
    const uint64_t stop = protect_end(s, first, start, end, prot & RIGHTS);
    const enum space_result r = stop > start ? space_protect(s, start, stop - start, prot & RIGHTS) : SPACE_OK;
    if (r) return error_of(r);
    return stop < end ? -ENOMEM : 0;
}

/* ---- moving */

/** mremap's arguments, whole pages. */
struct move {
    uint64_t old, old_length, new_length, target;
    uint32_t flags;
};

/* Moves, or duplicates, to v->target, where the guest has nothing. */
static int64_t move_to(struct space *s, const struct move *v) {
    const enum space_move how = v->flags & MREMAP_DONTUNMAP ? SPACE_MOVE_PAGES
                                : v->old_length             ? SPACE_MOVE
                                                            : SPACE_DUPLICATE;
    const enum space_result r = space_move(s, v->old, v->old_length, v->target, v->new_length, how);
    if (r == SPACE_TAKEN) return -ENOMEM;
    return r ? error_of(r) : (int64_t)v->target;
}

/* What Linux checks on the mapping to be resized. */
static int64_t resize_check(struct space *s, const struct move *v) {
    const struct mapping *m = space_find(s, v->old);
    if (!m) return -EFAULT;
    if (!v->old_length && !(m->flags & MAPPING_SHARED)) return -EINVAL;
    if (v->old_length > m->end - v->old) return -EFAULT;
    uint64_t more = v->new_length > v->old_length ? v->new_length - v->old_length : 0;
    if (v->flags & MREMAP_DONTUNMAP) more = v->new_length;
    return limits_allow(s, more, mapping_is_data(m) ? more : 0) ? 0 : -ENOMEM;
}

static int64_t move_fixed(struct space *s, struct move *v) {
    if (v->flags & MREMAP_FIXED) {
        if (!is_page(v->target) || !space_allows(s, v->target, v->new_length)) return -EINVAL;
        if (v->old < v->target + v->new_length && v->target < v->old + v->old_length) return -EINVAL;
        if (!space_find(s, v->old)) return -EFAULT;
        const int64_t e = memory_unmap(s, v->target, v->new_length);
        if (e) return e;
    }
    if (v->old_length > v->new_length) {
        const int64_t e = memory_unmap(s, v->old + v->new_length, v->old_length - v->new_length);
        if (e) return e;
        v->old_length = v->new_length;
    }
    const int64_t e = resize_check(s, v);
    if (e) return e;
    if (!(v->flags & MREMAP_FIXED)) v->target = space_hole(s, v->new_length);
    return v->target ? move_to(s, v) : -ENOMEM;
}

int64_t memory_remap(struct space *s, uint64_t old, uint64_t old_length, uint64_t new_length, uint32_t flags,
                     uint64_t target) {
    struct move v = {old, page_up(old_length), page_up(new_length), target, flags};
    if (flags & ~(uint32_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) return -EINVAL;
    if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(flags & MREMAP_MAYMOVE)) return -EINVAL;
    if ((flags & MREMAP_DONTUNMAP) && v.old_length != v.new_length) return -EINVAL;
    if (!is_page(old) || !v.new_length) return -EINVAL;
    if (!(flags & MREMAP_FIXED) && !space_find(s, old)) return -EFAULT;
    if (!space_within(s, old, v.old_length)) return -EINVAL;
    if (!space_has_records(s)) return -ENOMEM;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) return move_fixed(s, &v);
    if (v.old_length == v.new_length) return (int64_t)old;
    if (v.old_length > v.new_length) {
        const int64_t e = memory_unmap(s, old + v.new_length, v.old_length - v.new_length);
        return e ? e : (int64_t)old;
    }
    const int64_t e = resize_check(s, &v);
    if (e) return e;
    if (space_extend(s, old, v.old_length, v.new_length) == SPACE_OK) return (int64_t)old;
    if (!(flags & MREMAP_MAYMOVE)) return -ENOMEM;
    v.target = space_hole(s, v.new_length);
    return v.target ? move_to(s, &v) : -ENOMEM;
}

/* ---- what grows */

void memory_set_brk(struct space *s, uint64_t start) {
    struct memory *m = memory_of(s);
    m->brk_start = m->brk_end = start;
}

static bool brk_grow(struct space *s, uint64_t from, uint64_t to) {
    const struct mapping m = {.start = from, .end = to, .rights = SPACE_R | SPACE_W, .tag = MEMORY_BRK};
    return space_has_records(s) && space_is_free(s, from, to + SPACE_PAGE) && limits_allow(s, to - from, to - from) &&
           space_map(s, &m, MAP_PRIVATE | MAP_ANONYMOUS, -1) == SPACE_OK;
}

uint64_t memory_brk(struct space *s, uint64_t end) {
    struct memory *m = memory_of(s);
    const uint64_t from = page_up(m->brk_end), to = page_up(end);
    if (end < m->brk_start || !space_allows(s, m->brk_start, to - m->brk_start)) return m->brk_end;
    if (to > from && end - m->brk_start > m->limits.data) return m->brk_end;
    space_begin(s); /* the end is part of the change */
    if (to == from || (to < from ? space_unmap(s, to, from - to) == SPACE_OK : brk_grow(s, from, to))) m->brk_end = end;
    space_end(s);
    return m->brk_end;
}

bool memory_grow(struct space *s, uint64_t address) {
    const uint64_t start = page_down(address);
    const struct mapping *m = space_next(s, address);
    if (!m || m->start <= address || !(m->flags & MAPPING_GROWS_DOWN)) return false;
    const struct mapping *below = space_before(s, m->start);
    if (start < s->min_address || m->end - start > memory_of(s)->limits.stack) return false;
    if (below && !(below->flags & MAPPING_GROWS_DOWN) && below->rights && start - below->end < MEMORY_STACK_GAP)
        return false;
    return limits_allow(s, m->start - start, 0) && space_extend_down(s, m->start, start) == SPACE_OK;
}

/* ---- children */

int64_t memory_no_child(struct space *s, uint64_t start, uint64_t length, bool no_child) {
    return error_of(space_tag(s, start, start + length, MEMORY_NO_CHILD, no_child ? MEMORY_NO_CHILD : 0));
}

void memory_forked(struct space *s) {
    space_alone(s);
    uint64_t at = 0;
    for (const struct mapping *m; (m = space_next(s, at)) != NULL;) {
        const uint64_t start = m->start, end = m->end;
        if (m->tag & MEMORY_NO_CHILD) space_unmap(s, start, end - start);
        at = end;
    }
}
