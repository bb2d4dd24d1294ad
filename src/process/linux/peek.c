/* peek.c - the reader of other processes' records (see published.h): the only file that reads another vee's structs.
 *
 * Whatever comes from there may be anything: the other process runs meanwhile, may end, and might not be what it looks
 * like. So nothing is used before it is checked, every walk has a bound, and what lies nowhere is an error of the
 * host's. What may be in the middle of a change is read again for a while; a process that stays there (a stopped one),
 * or does nothing else, is taken as it is, if it makes sense.
 */
#include "process/linux/published.h"
#include "process/linux/linux.h"
#include <string.h>
#include <sys/mman.h>

enum {
    THREADS_MOST = 1 << 16,
    DEPTH_MOST = 64, /* of the tree of mappings, which is balanced */
    TRIES = 20,
    PIECES = 64, /* of a call */
};
static const long pause_ns = 50000; /* after the first of the tries; then longer ones */
static const uint64_t host_end = UINT64_C(1) << 47, words_most = UINT64_C(1) << 24;

/* ---- reading */

/* Copies pieces of memory, as much in all; not by the other's file, which for a moment would be there for all threads
   of the guest. */
static bool pieces_read(const struct peek *k, const struct iovec *here, const struct iovec *there, unsigned n) {
    size_t size = 0;
    for (unsigned i = 0; i < n; i++) size += here[i].iov_len;
    if (k->pid) return host_wait(SYS_process_vm_readv, k->pid, here, n, there, n, 0) == (int64_t)size;
    for (unsigned i = 0; i < n; i++) memcpy(here[i].iov_base, there[i].iov_base, here[i].iov_len);
    return true;
}

static struct iovec piece_of(uint64_t at, size_t size) {
    return (struct iovec){(void *)(uintptr_t)at, size}; // NOLINT
}

static bool bytes_read(const struct peek *k, uint64_t at, void *to, size_t size) {
    struct iovec here = {to, size}, there = piece_of(at, size);
    return pieces_read(k, &here, &there, 1);
}

/* Copies the members that have rows of an element at an address. */
static bool element_read(const struct peek *k, enum published_part part, uint64_t at, void *to) {
    const struct published_layout *l = published_layout(part);
    struct iovec here[PIECES], there[PIECES];
    for (unsigned i = 0; i < l->nrows; i++) {
        const struct published_row *r = &l->rows[i];
        here[i] = (struct iovec){(uint8_t *)to + r->place, r->size};
        there[i] = piece_of(at + r->offset, r->size);
    }
    return pieces_read(k, here, there, l->nrows);
}

/* All elements of a part. */
static bool part_read(const struct peek *k, enum published_part part, void *to) {
    const struct published_layout *l = published_layout(part);
    const struct published_place *p = &k->record.place[part];
    for (uint64_t i = 0; i < p->count; i++)
        if (!element_read(k, part, p->at + i * l->size, (uint8_t *)to + i * l->copy_size)) return false;
    return true;
}

/* ---- opening */

static bool is_place(uint64_t at, uint64_t size) {
    return at && at % sizeof(uint64_t) == 0 && at < host_end && size <= host_end - at;
}

static bool record_sane(const struct published *r) {
    if (r->magic != PUBLISHED_MAGIC || r->version != published_version() || r->check != published_check(r))
        return false;
    for (unsigned part = 0; part < PARTS; part++) {
        const struct published_layout *l = published_layout(part);
        const struct published_place *p = &r->place[part];
        if (p->count < l->least || p->count > l->most || !is_place(p->at, p->count * l->size)) return false;
    }
    return true;
}

static bool process_sane(const struct published_process *p, const struct published_space *s) {
    return s->limit <= host_end && s->base <= host_end - s->limit && (s->window ? s->base != 0 : !s->base) &&
           p->arg_start <= p->arg_end && p->arg_end <= p->env_end && p->env_end <= s->limit &&
           p->env_end - p->arg_start <= words_most && p->auxv_words <= PUBLISHED_AUXV;
}

static bool known_read(struct peek *k) {
    return part_read(k, PART_process, &k->process) && part_read(k, PART_space, &k->space);
}

bool peek_open(struct peek *k, int pid, uint64_t at) {
    k->pid = pid;
    return bytes_read(k, at, &k->record, sizeof k->record) && record_sane(&k->record) && known_read(k) &&
           process_sane(&k->process, &k->space);
}

void peek_own(struct peek *k, const struct process *self) {
    k->pid = 0;
    published_places(&k->record, self);
    known_read(k);
}

/* ---- parts */

bool peek_actions(const struct peek *k, struct published_action to[PUBLISHED_ACTIONS]) {
    return part_read(k, PART_action, to);
}

bool peek_own_fds(const struct peek *k, struct published_own_fd to[PUBLISHED_OWN]) {
    return part_read(k, PART_own_fd, to);
}

bool peek_thread(const struct peek *k, uint32_t tid, struct published_thread *to) {
    const uint64_t size = published_layout(PART_thread)->size;
    uint64_t at = k->process.threads;
    for (unsigned n = 0; tid && n < THREADS_MOST && is_place(at, size); n++, at = to->next) {
        if (!element_read(k, PART_thread, at, to)) break;
        if (to->tid == tid) return true;
    }
    return part_read(k, PART_thread, to);
}

bool peek_exe(const struct peek *k, char to[PATH_MAX]) {
    const uint64_t at = k->process.exe;
    struct iovec here = {to, PATH_MAX - 1}, there = piece_of(at, PATH_MAX - 1);
    memset(to, 0, PATH_MAX);
    if (!at) return false;
    if (!k->pid)
        strncpy(to, there.iov_base, PATH_MAX - 1);
    else /* as far as it is mapped */
        host_wait(SYS_process_vm_readv, k->pid, &here, 1, &there, 1, 0);
    return *to;
}

bool peek_guest(const struct peek *k, uint64_t guest, void *to, size_t size) {
    const struct published_space *s = &k->space;
    return guest <= s->limit && size <= s->limit - guest && bytes_read(k, s->base + guest, to, size);
}

/* ---- mappings */

/* The table of mappings, as bytes of the owner's. */
struct table {
    const uint8_t *bytes;
    uint32_t used;
};

static void mapping_take(const struct table *t, uint32_t index, struct published_mapping *to) {
    const struct published_layout *l = published_layout(PART_mapping);
    const uint8_t *from = t->bytes + (size_t)index * l->size;
    for (const struct published_row *r = l->rows; r < l->rows + l->nrows; r++)
        memcpy((uint8_t *)to + r->place, from + r->offset, r->size);
}

/* Is it right behind the one before? This ends every walk, as addresses grow. */
static bool mapping_sane(const struct peek *k, const struct published_mapping *m, uint64_t before) {
    return m->start >= before && m->start < m->end && m->end <= k->space.limit && !((m->start | m->end) % SPACE_PAGE);
}

/* From left to right. */
static bool tree_flatten(const struct peek *k, const struct table *t, uint32_t root, struct peek_mappings *to) {
    struct published_mapping way[DEPTH_MOST];
    uint64_t end = 0;
    unsigned depth = 0;
    to->count = 0;
    for (uint32_t at = root; at || depth;) {
        if (at) {
            if (depth == DEPTH_MOST || at >= t->used) return false;
            mapping_take(t, at, &way[depth]);
            at = way[depth++].left;
            continue;
        }
        const struct published_mapping *m = &way[--depth];
        if (!mapping_sane(k, m, end) || to->count == t->used) return false;
        to->first[to->count++] = *m;
        end = m->end;
        at = m->right;
    }
    return true;
}

static void *room_make(size_t size) {
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

enum result { GOOD, CHANGING, BAD };

/* Takes the mappings as they are now, if they are not changing, or make sense at least. */
static enum result mappings_take(const struct peek *k, bool sense, struct peek_mappings *to) {
    struct published_space before, after;
    const struct published_place *p = &k->record.place[PART_mapping];
    if (!part_read(k, PART_space, &before) || !before.used || before.used > p->count || before.root >= before.used)
        return BAD;
    const size_t size = (size_t)before.used * published_layout(PART_mapping)->size;
    to->size = before.used * sizeof *to->first;
    to->first = room_make(to->size);
    uint8_t *room = k->pid ? room_make(size) : NULL;
    const struct table t = {k->pid ? room : piece_of(p->at, size).iov_base, before.used};
    enum result r = BAD;
    if (to->first && t.bytes && (!k->pid || bytes_read(k, p->at, room, size)) && part_read(k, PART_space, &after)) {
        const bool whole = !(before.changes & 1) && after.changes == before.changes;
        r = tree_flatten(k, &t, before.root, to) && (whole || sense) ? GOOD : whole ? BAD : CHANGING;
    }
    if (room) munmap(room, size);
    if (r != GOOD && to->first) peek_mappings_free(to);
    return r;
}

bool peek_mappings(const struct peek *k, struct peek_mappings *to) {
    enum result r = CHANGING;
    for (unsigned n = 1; r == CHANGING && n <= TRIES; n++) {
        const struct timespec pause = {.tv_nsec = pause_ns * n};
        r = mappings_take(k, n == TRIES, to);
        if (r == CHANGING) host_wait(SYS_nanosleep, &pause, NULL);
    }
    return r == GOOD;
}

void peek_mappings_free(struct peek_mappings *m) {
    if (m->first) munmap(m->first, m->size);
    *m = (struct peek_mappings){0};
}

const struct published_mapping *peek_next(const struct peek_mappings *m, uint64_t address) {
    uint32_t low = 0, high = m->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (m->first[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low < m->count ? &m->first[low] : NULL;
}

const struct published_mapping *peek_find(const struct peek_mappings *m, uint64_t address) {
    const struct published_mapping *found = peek_next(m, address);
    return found && found->start <= address ? found : NULL;
}
