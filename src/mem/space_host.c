/* space_host.c - the host's side of a space (see space.h): where its memory is, and every call that changes what is
 * mapped there. Nothing else in mem/ knows the host's calls, their flags and errors.
 *
 * In 1:1 mode nothing of the host's may be replaced by accident: what the guest has not mapped is only ever mapped with
 * MAP_FIXED_NOREPLACE. In a window no hole must stay: vee's own memory could come to lie there. What is about to be
 * done is noted first (change_step).
 */
#include "mem/space_record.h"
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

static const uint64_t largest_limit = UINT64_C(1) << 46, least_limit = UINT64_C(1) << 31;
enum { WINDOW_GUARD = 64 << 10 };

static int host_rights(unsigned rights) {
    if (rights & SPACE_W) return PROT_READ | PROT_WRITE;
    return rights & (SPACE_R | SPACE_X) ? PROT_READ : PROT_NONE; /* code is read by translation */
}

bool host_rights_differ(unsigned a, unsigned b) {
    return host_rights(a) != host_rights(b);
}

/* ---- where memory can be */

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

bool host_open(struct space *s, uint64_t window_size, struct error *error) {
    if (window_size) return window_open(s, window_size, error);
    s->limit = direct_limit();
    return s->limit >= least_limit ||
           error_set(error, ERROR_RESOURCES, "this program lies where the guest's memory should be; use --window");
}

void host_close(struct space *s) {
    if (s->window)
        munmap(s->base, s->window);
    else
        host_unmap(s, 0, s->limit);
}

void *host_table(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void host_table_free(void *table, size_t size) {
    munmap(table, size);
}

/* ---- holes */

/* Makes a range inaccessible address space: in a window whatever was there, else only where nothing is. */
static bool reserve(struct space *s, uint64_t start, uint64_t end) {
    int fixed = s->window ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    void *at =
        mmap(space_place(s, start), end - start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
    if (at != MAP_FAILED && at != space_place(s, start)) munmap(at, end - start);
    return at == space_place(s, start);
}

void host_clear(struct space *s, uint64_t start, uint64_t end) {
    if (s->window)
        reserve(s, start, end);
    else
        munmap(space_place(s, start), end - start);
}

enum space_result host_unmap(struct space *s, uint64_t start, uint64_t end) {
    change_step(s, STEP_UNMAP, start, end);
    /* Piece by piece: what lies between the guest's mappings is not the guest's. */
    for (const struct mapping *m = space_next(s, start); m && m->start < end;) {
        uint64_t from = m->start < start ? start : m->start, to = m->end;
        for (m = space_next(s, to); m && m->start == to && to < end; m = space_next(s, to)) to = m->end;
        if (to > end) to = end;
        if (s->window ? !reserve(s, from, to) : munmap(space_place(s, from), to - from) != 0) return ENOMEM;
    }
    return SPACE_OK;
}

bool host_is_gone(const struct space *s, uint64_t start, uint64_t end) {
    return msync(space_place(s, start), end - start, MS_ASYNC) != 0 && errno == ENOMEM;
}

/* ---- mappings */

/* Can it be mapped at all? Where the guest's mappings have to go first, they must not go in vain. */
static enum space_result try_elsewhere(const struct mapping *m, int flags, int fd) {
    const size_t size = m->end - m->start;
    flags &= ~(MAP_POPULATE | MAP_LOCKED);
    void *at = mmap(NULL, size, host_rights(m->rights), flags, fd, (off_t)m->offset);
    if (at == MAP_FAILED) return (enum space_result)errno;
    munmap(at, size);
    return SPACE_OK;
}

enum space_result host_map(struct space *s, const struct mapping *m, int flags, int fd) {
    const size_t size = m->end - m->start;
    void *const place = space_place(s, m->start);
    int fixed = MAP_FIXED;
    if (!s->window && !space_covers(s, m->start, m->end)) {
        enum space_result r = space_mapped(s, m->start, m->end) ? try_elsewhere(m, flags, fd) : SPACE_OK;
        if (!r) r = host_unmap(s, m->start, m->end);
        if (r) return r;
        fixed = MAP_FIXED_NOREPLACE;
    }
    change_step(s, STEP_MAP, m->start, m->end);
    void *at = mmap(place, size, host_rights(m->rights), flags | fixed, fd, (off_t)m->offset);
    if (at == place) return SPACE_OK;
    if (at != MAP_FAILED) { /* a kernel that does not know MAP_FIXED_NOREPLACE */
        munmap(at, size);
        return SPACE_TAKEN;
    }
    const int e = errno;
    /* A file that cannot be mapped may say so when the kernel has unmapped what was there. */
    if (fixed == MAP_FIXED && host_is_gone(s, m->start, m->end)) {
        if (s->window)
            reserve(s, m->start, m->end);
        else
            host_unmap(s, m->start, m->end);
        record_erase(s, m->start, m->end);
    }
    return e == EEXIST ? SPACE_TAKEN : (enum space_result)e;
}

enum space_result host_map_private(struct space *s, uint64_t start, uint64_t end, unsigned rights) {
    const struct mapping m = {.start = start, .end = end, .rights = (uint8_t)rights};
    return host_map(s, &m, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

enum space_result host_protect(const struct space *s, uint64_t start, uint64_t end, unsigned rights) {
    return mprotect(space_place(s, start), end - start, host_rights(rights)) ? (enum space_result)errno : SPACE_OK;
}

bool host_extend(struct space *s, uint64_t start, uint64_t length, uint64_t new_length) {
    const uint64_t from = start + length, to = start + new_length;
    change_step(s, STEP_MAP, from, to);
    if (s->window) munmap(space_place(s, from), to - from); /* the reserve makes room */
    if (mremap(space_place(s, start), length, new_length, 0) != MAP_FAILED) return true;
    if (s->window) reserve(s, from, to);
    return false;
}

enum space_result host_move(struct space *s, uint64_t start, uint64_t length, uint64_t to, uint64_t new_length,
                            enum space_move how) {
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (how == SPACE_MOVE_PAGES ? MREMAP_DONTUNMAP : 0);
    change_step(s, STEP_MAP, to, to + new_length);
    /* Reserving first makes sure that nothing of the host's is replaced. */
    if (!s->window && !reserve(s, to, to + new_length)) return SPACE_TAKEN;
    if (how == SPACE_MOVE) change_step(s, STEP_MOVE, start, start + length);
    if (mremap(space_place(s, start), length, new_length, flags, space_place(s, to)) == MAP_FAILED) {
        const int e = errno;
        host_clear(s, to, to + new_length); /* in a window it may be unmapped already */
        return (enum space_result)e;
    }
    if (how != SPACE_MOVE) return SPACE_OK;
    change_step(s, STEP_UNMAP, start, start + length);
    if (s->window) reserve(s, start, start + length);
    return SPACE_OK;
}
