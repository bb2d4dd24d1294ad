/* space.c - what changes the mappings of a process, on the host and in the records (see space.h). Moving them is in
 * space_remap.c, the records are in space_record.c, in a tree of space_tree.c.
 *
 * Each change is made on the host first, then in the records, so that a failure of the host leaves both as they were.
 * In 1:1 mode nothing of the host's may be replaced by accident: what the guest has not mapped is only ever mapped with
 * MAP_FIXED_NOREPLACE.
 */
#include "mem/space_record.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static const uint64_t largest_limit = UINT64_C(1) << 46, usual_size = UINT64_C(1) << 38,
                      least_limit = UINT64_C(1) << 31;
enum { WINDOW_GUARD = 64 << 10, MIN_ADDRESS = SPACE_PAGE };

/* ---- the host's side */

int host_rights(unsigned rights) {
    if (rights & SPACE_W) return PROT_READ | PROT_WRITE;
    return rights & (SPACE_R | SPACE_X) ? PROT_READ : PROT_NONE; /* code is read by translation */
}

int64_t host_unmap(struct space *s, uint64_t start, uint64_t end) {
    change_step(s, STEP_UNMAP, start, end);
    /* Piece by piece: what lies between the guest's mappings is not the guest's. */
    for (const struct mapping *m = space_next(s, start); m && m->start < end;) {
        uint64_t from = m->start < start ? start : m->start, to = m->end;
        for (m = space_next(s, to); m && m->start == to && to < end; m = space_next(s, to)) to = m->end;
        if (to > end) to = end;
        if (s->window ? !host_reserve(s, from, to) : munmap(space_place(s, from), to - from) != 0) return -ENOMEM;
    }
    return 0;
}

bool host_reserve(struct space *s, uint64_t start, uint64_t end) {
    int fixed = s->window ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    void *at =
        mmap(space_place(s, start), end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
    if (at != MAP_FAILED && at != space_place(s, start)) munmap(at, end - start);
    return at == space_place(s, start);
}

/* A file that cannot be mapped may say so when the kernel has unmapped what was there. No hole must stay in a window:
 * vee's own memory could come to lie there. */
static void range_lost(struct space *s, uint64_t start, uint64_t end) {
    if (s->window)
        host_reserve(s, start, end);
    else
        host_unmap(s, start, end);
    record_erase(s, start, end);
}

/* Maps [start, end) over whatever the guest has there. -EEXIST: something of the host's is in the way. */
static int64_t host_map(struct space *s, uint64_t start, uint64_t end, unsigned rights, int flags, int fd,
                        uint64_t offset) {
    int fixed = MAP_FIXED;
    if (!s->window && !space_covers(s, start, end)) {
        int64_t e = host_unmap(s, start, end);
        if (e) return e;
        fixed = MAP_FIXED_NOREPLACE;
    }
    change_step(s, STEP_MAP, start, end);
    void *at = mmap(space_place(s, start), end - start, host_rights(rights), flags | fixed, fd, (off_t)offset);
    if (at == MAP_FAILED) {
        int e = errno;
        if (fixed == MAP_FIXED && msync(space_place(s, start), end - start, MS_ASYNC) != 0) range_lost(s, start, end);
        return -e;
    }
    if (at != space_place(s, start)) { /* a kernel that does not know MAP_FIXED_NOREPLACE */
        munmap(at, end - start);
        return -EEXIST;
    }
    return 0;
}

/* ---- making and ending a space */

/* The largest power of two, up to 2^46, below everything of vee's: its image, its heap, its stack, and where the
   kernel puts mappings. */
static uint64_t direct_limit(void) {
    static const char image;
    char stack;
    void *map = mmap(NULL, SPACE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t lowest = (uintptr_t)&stack, limit = largest_limit;
    if (lowest > (uintptr_t)&image) lowest = (uintptr_t)&image;
    if (map != MAP_FAILED) {
        if (lowest > (uintptr_t)map) lowest = (uintptr_t)map;
        munmap(map, SPACE_PAGE);
    }
    while (limit > lowest) limit >>= 1;
    return limit;
}

static bool window_open(struct space *s, uint64_t size, struct error *error) {
    for (; size >= least_limit; size >>= 1) {
        void *at = mmap(NULL, size + WINDOW_GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) continue;
        s->base = at;
        s->window = size + WINDOW_GUARD;
        s->limit = size;
        return true;
    }
    return error_set(error, ERROR_RESOURCES,
                     "cannot reserve %" PRIu64 " MiB of address space for the guest; raise the limit (ulimit -v)",
                     least_limit >> 20);
}

bool space_init(struct space *s, uint64_t window_size, const struct space_hooks *hooks, struct error *error) {
    *s = (struct space){.min_address = MIN_ADDRESS, .hooks = *hooks, .limits = {UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    if (window_size) {
        if (!window_open(s, window_size, error)) return false;
    } else {
        s->limit = direct_limit();
        if (s->limit < least_limit)
            return error_set(error, ERROR_RESOURCES,
                             "this program lies where the guest's memory should be; use --window");
    }
    if (!tree_init(s)) {
        if (s->window) munmap(s->base, s->window);
        return error_set(error, ERROR_RESOURCES, "no memory for the guest's mappings");
    }
    s->usual = s->limit < usual_size ? s->limit : usual_size;
    s->top = s->usual - SPACE_PAGE;
    return true;
}

void space_done(struct space *s) {
    if (!s->nodes) return;
    if (s->window)
        munmap(s->base, s->window);
    else
        host_unmap(s, 0, s->limit);
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

const struct mapping *space_last(const struct space *s) {
    return tree_below(s, UINT64_MAX);
}

bool space_covers(const struct space *s, uint64_t start, uint64_t end) {
    while (start < end) {
        const struct mapping *m = space_find(s, start);
        if (!m) return false;
        start = m->end;
    }
    return true;
}

/* ---- mapping */

uint64_t hole_find(const struct space *s, uint64_t length) {
    uint64_t at = tree_hole(s, length, s->top);
    return at ? at : tree_hole(s, length, s->limit - SPACE_PAGE);
}

bool range_allowed(const struct space *s, uint64_t start, uint64_t length) {
    return start >= s->min_address && length <= s->limit - SPACE_PAGE && start <= s->limit - SPACE_PAGE - length;
}

static bool range_free(const struct space *s, uint64_t start, uint64_t end) {
    const struct mapping *m = space_next(s, start);
    return !m || start_with_gap(m) >= end;
}

bool limits_allow(const struct space *s, uint64_t total, uint64_t data) {
    return (total == 0 || (s->total <= s->limits.total && total <= s->limits.total - s->total)) &&
           (data == 0 || (s->data <= s->limits.data && data <= s->limits.data - s->data));
}

static uint64_t mapped_within(const struct space *s, uint64_t start, uint64_t end) {
    uint64_t sum = 0;
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end))
        sum += (m->end < end ? m->end : end) - (m->start > start ? m->start : start);
    return sum;
}

/* What a new record says; the host and the caller have checked the rest. */
struct request {
    uint64_t length, offset;
    unsigned rights;
    int flags; /* for the host */
    int fd;
    struct mapping record;
};

static int64_t request_place(struct space *s, struct request *r, uint64_t start) {
    uint64_t end = start + r->length;
    if (!limits_allow(s, r->length - mapped_within(s, start, end), record_is_data(&r->record) ? r->length : 0))
        return -ENOMEM;
    change_begin(s);
    int64_t e = host_map(s, start, end, r->rights, r->flags, r->fd, r->offset);
    if (!e) {
        record_erase(s, start, end);
        r->record.start = start;
        r->record.end = end;
        if (r->rights & SPACE_X) r->record.generation = record_generation(s);
        record_add(s, &r->record);
    }
    change_end(s);
    return e ? e : (int64_t)start;
}

/* Places where the caller left the choice: at the hint if that is free, else in the highest hole. */
static int64_t request_place_anywhere(struct space *s, struct request *r, uint64_t hint) {
    hint &= -(uint64_t)SPACE_PAGE;
    if (hint && hint < s->min_address) hint = s->min_address;
    if (hint && range_allowed(s, hint, r->length) && range_free(s, hint, hint + r->length)) {
        int64_t at = request_place(s, r, hint);
        if (at != -EEXIST) return at;
    }
    uint64_t hole = hole_find(s, r->length);
    for (int tries = 0; hole && tries < 64; tries++) {
        int64_t at = request_place(s, r, hole);
        if (at != -EEXIST) return at;
        hole = tree_hole(s, r->length, hole); /* the host has something there: go on below */
    }
    return -ENOMEM;
}

/* Fills in where the bytes come from. */
static int64_t request_origin(struct space *s, struct request *r, uint32_t flags) {
    if (flags & MAP_ANONYMOUS) {
        r->fd = -1;
        r->offset = 0;
        if (r->record.flags & MAPPING_SHARED) r->record.ino = ++s->objects; /* each is an object of its own */
        return 0;
    }
    struct statx st; /* of what is known without asking the file system, which may take its time */
    if (statx(r->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) != 0) return -errno;
    r->record.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
    r->record.ino = st.stx_ino;
    r->record.offset = r->offset;
    return 0;
}

int64_t space_map(struct space *s, uint64_t address, uint64_t length, uint32_t prot, uint32_t flags, int fd,
                  uint64_t offset, enum space_origin origin) {
    uint32_t type = flags & 0xf;
    struct request r = {.length = page_up(length),
                        .offset = offset,
                        .rights = prot & 7,
                        .fd = fd,
                        .record = {.rights = prot & 7, .origin = origin}};
    if (offset & (SPACE_PAGE - 1)) return -EINVAL;
    if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
        r.record.flags = MAPPING_SHARED;
    else if (type == MAP_PRIVATE)
        r.record.flags = flags & MAP_GROWSDOWN ? MAPPING_GROWS_DOWN : 0;
    else
        return -EINVAL;
    if ((flags & MAP_GROWSDOWN) && (type != MAP_PRIVATE || !(flags & MAP_ANONYMOUS))) return -EINVAL;
    int64_t e = request_origin(s, &r, flags);
    if (e) return e;
    if (!length) return -EINVAL;
    if (!r.length || r.length > s->limit || !record_room(s)) return -ENOMEM;
    if (offset + r.length < offset) return -EOVERFLOW;
    if (type == MAP_SHARED_VALIDATE && (flags & MAP_32BIT)) return -EOPNOTSUPP; /* no such flag for this guest */
    if (flags & MAP_HUGETLB) return -ENOMEM;
    r.flags = (int)(flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_GROWSDOWN));
    if (flags & MAP_GROWSDOWN) {
        r.flags |= MAP_NORESERVE; /* as what is added later, so that the host has them as one */
        s->grows = true;
    }
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) return request_place_anywhere(s, &r, address);
    if (address & (SPACE_PAGE - 1)) return -EINVAL;
    if (!range_allowed(s, address, r.length)) return address < s->min_address ? -EPERM : -ENOMEM;
    if ((flags & MAP_FIXED_NOREPLACE) && mapped_within(s, address, address + r.length)) return -EEXIST;
    e = request_place(s, &r, address);
    return e == -EEXIST && !(flags & MAP_FIXED_NOREPLACE) ? -ENOMEM : e;
}

int64_t space_unmap(struct space *s, uint64_t start, uint64_t length) {
    length = page_up(length);
    if ((start & (SPACE_PAGE - 1)) || !length || !space_within(s, start, length)) return -EINVAL;
    if (!record_room(s)) return -ENOMEM;
    change_begin(s);
    int64_t e = host_unmap(s, start, start + length);
    if (!e) record_erase(s, start, start + length);
    change_end(s);
    return e;
}

/* ---- rights */

/* One record, whole: host first. */
static int64_t record_protect(struct space *s, struct mapping *m, unsigned rights) {
    uint64_t size = m->end - m->start;
    struct mapping changed = *m;
    changed.rights = (uint8_t)rights;
    if (record_is_data(&changed) && !record_is_data(m) && !limits_allow(s, 0, size)) return -ENOMEM;
    if (s->watch) space_unwatch(s, m->start, size);
    if (host_rights(rights) != host_rights(m->rights) && mprotect(space_place(s, m->start), size, host_rights(rights)))
        return -errno;
    bool lost = (m->rights & SPACE_X) && !(rights & SPACE_X), gained = !(m->rights & SPACE_X) && (rights & SPACE_X);
    bool opened = (rights & SPACE_W) && !(m->rights & SPACE_W) && (m->flags & MAPPING_FETCHED);
    record_account(s, m, false);
    m->rights = (uint8_t)rights;
    record_account(s, m, true);
    if (gained) m->generation = record_generation(s);
    if (opened && !lost) s->hooks.code_written(s->hooks.self, m->start, size);
    if (lost) {
        m->generation = 0;
        record_code_gone(s, m, m->start, m->end);
        m->flags &= (uint8_t)~MAPPING_FETCHED;
    }
    return 0;
}

int64_t space_protect(struct space *s, uint64_t start, uint64_t length, uint32_t prot) {
    uint32_t grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
    uint64_t end = start + page_up(length);
    if ((start & (SPACE_PAGE - 1)) || grows == (PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
    if (!length) return 0;
    if (end <= start || !space_within(s, start, end - start)) return -ENOMEM;
    if (prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP)) return -EINVAL;
    if (!record_room(s)) return -ENOMEM;
    const struct mapping *first = space_next(s, start);
    if (!first) return -ENOMEM;
    if (grows & PROT_GROWSUP) return -EINVAL; /* no such mappings here */
    if (grows) {
        if (first->start >= end) return -ENOMEM;
        if (!(first->flags & MAPPING_GROWS_DOWN) && first->origin != ORIGIN_STACK) return -EINVAL;
        start = first->start;
    } else if (first->start > start) {
        return -ENOMEM;
    }
    space_code_forget(s);
    change_begin(s);
    change_step(s, STEP_PROTECT, start, end);
    record_split(s, start);
    record_split(s, end);
    int64_t e = 0;
    for (uint64_t at = start; at < end && !e;) {
        struct mapping *m = tree_above(s, at);
        if (!m || m->start > at)
            e = -ENOMEM;
        else if (m->rights == (prot & 7) || !(e = record_protect(s, m, prot & 7)))
            at = m->end;
    }
    record_merge(s, start, end);
    change_end(s);
    return e;
}

bool space_no_child(struct space *s, uint64_t start, uint64_t length, bool set) {
    uint64_t end = start + length;
    if (!record_room(s)) return false;
    change_begin(s);
    record_split(s, start);
    record_split(s, end);
    for (struct mapping *m = tree_above(s, start); m && m->start < end; m = tree_above(s, m->end))
        m->flags = (uint8_t)(set ? m->flags | MAPPING_NO_CHILD : m->flags & ~MAPPING_NO_CHILD);
    record_merge(s, start, end);
    change_end(s);
    return true;
}

void space_forked(struct space *s) {
    s->guard.guards = 0; /* and nobody shares them */
    uint64_t at = 0;
    for (const struct mapping *m; (m = space_next(s, at)) != NULL;) {
        const uint64_t start = m->start, end = m->end;
        if (m->flags & MAPPING_NO_CHILD) space_unmap(s, start, end - start);
        at = end;
    }
}

void space_discarded(struct space *s, uint64_t start, uint64_t length) {
    uint64_t end = start + length;
    space_code_forget(s);
    for (const struct mapping *m = space_next(s, start); m && m->start < end; m = space_next(s, m->end))
        record_code_gone(s, m, start, end);
}

/* ---- what grows */

void space_set_brk(struct space *s, uint64_t start) {
    s->brk_start = s->brk_end = start;
}

/* The end is part of the change. */
static bool brk_grow(struct space *s, struct request *r, uint64_t from, uint64_t end) {
    change_begin(s);
    bool grown = request_place(s, r, from) >= 0;
    if (grown) s->brk_end = end;
    change_end(s);
    return grown;
}

uint64_t space_brk(struct space *s, uint64_t end) {
    uint64_t from = page_up(s->brk_end), to = page_up(end);
    if (end < s->brk_start || !range_allowed(s, s->brk_start, to - s->brk_start)) return s->brk_end;
    if (to < from) {
        if (space_unmap(s, to, from - to)) return s->brk_end;
    } else if (to > from) {
        struct request r = {.length = to - from,
                            .rights = SPACE_R | SPACE_W,
                            .flags = MAP_PRIVATE | MAP_ANONYMOUS,
                            .fd = -1,
                            .record = {.rights = SPACE_R | SPACE_W, .origin = ORIGIN_BRK}};
        if (end - s->brk_start > s->limits.data || !record_room(s) || !range_free(s, from, to + SPACE_PAGE) ||
            !brk_grow(s, &r, from, end))
            return s->brk_end;
    }
    return s->brk_end = end;
}

bool space_grow(struct space *s, uint64_t address) {
    uint64_t start = address & -(uint64_t)SPACE_PAGE;
    struct mapping *m = tree_above(s, address);
    if (!m || m->start <= address || !(m->flags & MAPPING_GROWS_DOWN)) return false;
    const struct mapping *below = tree_below(s, m->start);
    if (start < s->min_address || m->end - start > s->limits.stack) return false;
    if (below && !(below->flags & MAPPING_GROWS_DOWN) && below->rights && start - below->end < SPACE_STACK_GAP)
        return false;
    if (!limits_allow(s, m->start - start, 0)) return false;
    change_begin(s);
    bool grown = !host_map(s, start, m->start, m->rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (grown) {
        record_account(s, m, false);
        m->start = start;
        tree_changed(s, start);
        record_account(s, m, true);
    }
    change_end(s);
    return grown;
}
