/* model.h - a model of a space that knows nothing but pages, for tests that do the same to both and compare.
 *
 * The model is an array of pages, each with its rights and a cell that holds its first word; shared pages share a cell,
 * a page of a private file mapping has the file's cell until it is written. The test gives the space, and operations
 * that change it and the model; in between records, accesses, contents, sums, hook calls and code identities must
 * agree.
 */
#ifndef TEST_MEM_MODEL_H
#define TEST_MEM_MODEL_H

#include "mem/space.h"
#include "core/host.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES = 192, FILE_PAGES = 64, LONGEST = 24, CELLS = 4 << 20, OPERATIONS = 100000, WINDOW_BITS = 33 };
static const uint64_t region = 0x10000000;

struct page {
    bool mapped, shared, anonymous, clean; /* clean: private, still the file's cell */
    uint8_t rights, tag;
    uint32_t cell;
    uint32_t code; /* counts the times this page became code; 0: it is none */
    uint64_t identity;
    bool had_identity;
    bool fetched; /* somebody may know of its code */
};

struct model {
    struct space *space;
    struct page pages[PAGES];
    bool gone[PAGES]; /* the hook was told */
    uint32_t file[FILE_PAGES];
    uint64_t *cells;
    uint32_t ncells;
    int fd;
    uint64_t random;
    uint32_t codes;
    uint64_t written_start, written_size; /* that the other hook was told */
};

/* ---- support */

static inline void on_fault(int signal, siginfo_t *info, void *context) {
    if (!guard_fault(context, signal == SIGBUS, info->si_addr)) {
        struct sigaction none = {.sa_handler = SIG_DFL};
        sigaction(signal, &none, NULL);
    }
}

/* In each test: cmocka has handlers of its own around every one. */
static inline void faults_begin(void) {
    struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &act, NULL), 0);
}

/* Can the host write there? It writes what is there. */
static inline bool host_writes(const struct space *s, uint64_t at) {
    uint8_t byte;
    assert_int_equal(copy_guarded(&byte, space_host(s, at), 1), 0);
    return copy_guarded(space_host(s, at), &byte, 1) == 0;
}

/* Told before anybody can write there: who sees what others wrote may go there at once. */
static inline void code_written(void *self, uint64_t start, uint64_t length) {
    struct model *m = self;
    assert_false(host_writes(m->space, start) || host_writes(m->space, start + length - 1));
    m->written_start = start;
    m->written_size += length;
}

static inline void code_gone(void *self, uint64_t start, uint64_t length) {
    struct model *m = self;
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = region + (uint64_t)i * SPACE_PAGE;
        if (at < start + length && start < at + SPACE_PAGE) m->gone[i] = true;
        if (start == 0 && length == m->space->limit) m->pages[i].had_identity = false; /* all have another one */
    }
}

static inline uint64_t roll(struct model *m, uint64_t n) {
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (m->random >> 11) % n;
}

static inline uint32_t cell_new(struct model *m, uint64_t value) {
    assert_true(m->ncells < CELLS);
    m->cells[m->ncells] = value;
    return m->ncells++;
}

static inline uint64_t address_of(unsigned page) {
    return region + (uint64_t)page * SPACE_PAGE;
}

/* begin(m, window, hooks) allocates m->space, or what begins with it, and makes it. */
static inline struct model *model_make(uint64_t window,
                                       void (*begin)(struct model *, uint64_t, const struct space_hooks *)) {
    struct model *m = calloc(1, sizeof *m);
    char name[] = "/tmp/test_space.XXXXXX";
    assert_non_null(m);
    faults_begin();
    const struct space_hooks hooks = {.code_gone = code_gone, .code_written = code_written, .self = m};
    begin(m, window, &hooks);
    m->cells = malloc(CELLS * sizeof *m->cells);
    assert_non_null(m->cells);
    m->random = 0x9e3779b97f4a7c15u ^ window;
    m->fd = mkstemp(name);
    assert_true(m->fd >= 0);
    unlink(name);
    assert_int_equal(ftruncate(m->fd, FILE_PAGES * SPACE_PAGE), 0);
    for (unsigned i = 0; i < FILE_PAGES; i++) {
        uint64_t value = 0xf11e0000 + i;
        assert_int_equal(pwrite(m->fd, &value, sizeof value, (off_t)i * SPACE_PAGE), sizeof value);
        m->file[i] = cell_new(m, value);
    }
    return m;
}

static inline void model_free(struct model *m) {
    space_done(m->space);
    free(m->space);
    close(m->fd);
    free(m->cells);
    free(m);
}

static inline bool is_code(const struct page *p) {
    return p->mapped && (p->rights & SPACE_X);
}

/* A page gets new contents or rights: what the model remembers of its code. */
static inline void page_set(struct model *m, unsigned i, struct page p, bool new_bytes) {
    bool was = is_code(&m->pages[i]), will = is_code(&p);
    if (was && (!will || new_bytes) && m->pages[i].fetched) assert_true(m->gone[i]);
    p.fetched = was && will && !new_bytes && m->pages[i].fetched;
    p.identity = m->pages[i].identity;
    p.had_identity = m->pages[i].had_identity;
    p.code = !will ? 0 : was && !new_bytes ? m->pages[i].code : ++m->codes;
    m->pages[i] = p;
}

static inline void page_clear(struct model *m, unsigned i) {
    page_set(m, i, (struct page){0}, true);
}

static inline bool all_mapped(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (!m->pages[first + i].mapped) return false;
    return true;
}

static inline bool none_mapped(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (m->pages[first + i].mapped) return false;
    return true;
}

static inline void choose_range(struct model *m, unsigned *first, unsigned *n) {
    *n = 1 + (unsigned)roll(m, LONGEST);
    *first = (unsigned)roll(m, PAGES - *n);
}

/* ---- operations, and what they do to the model */

/* n pages are new. */
static inline void pages_map(struct model *m, unsigned first, unsigned n, bool shared, bool file, unsigned from,
                             unsigned rights, uint8_t tag) {
    for (unsigned i = 0; i < n; i++)
        page_set(m, first + i,
                 (struct page){.mapped = true,
                               .shared = shared,
                               .anonymous = !file,
                               .clean = file && !shared,
                               .rights = (uint8_t)rights,
                               .tag = tag,
                               .cell = file ? m->file[from + i] : cell_new(m, 0)},
                 true);
}

static inline void do_write(struct model *m) {
    unsigned i = (unsigned)roll(m, PAGES);
    struct page *p = &m->pages[i];
    uint64_t value = m->random;
    bool may = p->mapped && (p->rights & SPACE_W);
    assert_int_equal(space_write(m->space, address_of(i), &value, sizeof value), may);
    if (!may) return;
    if (p->clean)
        p->cell = cell_new(m, value);
    else
        m->cells[p->cell] = value;
    p->clean = false;
}

static inline void do_discard(struct model *m) {
    unsigned first, n;
    choose_range(m, &first, &n);
    for (unsigned i = 0; i < n; i++) { /* private anonymous pages come back as zeroes */
        struct page p = m->pages[first + i];
        if (!p.mapped || p.shared || !p.anonymous) continue;
        assert_int_equal(madvise(space_place(m->space, address_of(first + i)), SPACE_PAGE, MADV_DONTNEED), 0);
        space_discarded(m->space, address_of(first + i), SPACE_PAGE);
        p.cell = cell_new(m, 0);
        if (is_code(&p) && p.fetched) assert_true(m->gone[first + i]);
        m->pages[first + i] = p;
    }
}

/* A page beyond the end of the pages that moved: new zeroes, or further on in the file. */
static inline struct page page_after(struct model *m, const struct page *last, unsigned distance) {
    struct page p = *last;
    if (p.anonymous) {
        p.cell = cell_new(m, 0);
        return p;
    }
    for (unsigned k = 0; k < FILE_PAGES; k++)
        if (m->file[k] == last->cell && k + distance < FILE_PAGES) p.cell = m->file[k + distance];
    return p;
}

/* A mapping of new zeroes has `more` pages more, from `at` on. Its code is that of the mapping: what pages there were
   before may have had the same identity, but then they are gone, as the hook was told. */
static inline void pages_extend(struct model *m, unsigned at, unsigned more) {
    for (unsigned i = at; i < at + more; i++) {
        page_set(m, i, page_after(m, &m->pages[at - 1], 0), true);
        m->pages[i].had_identity = false;
    }
}

/* Pages of n are at `to` from now on, new_n of them; source: of SPACE_DUPLICATE. */
static inline void pages_move(struct model *m, unsigned first, unsigned n, unsigned to, unsigned new_n,
                              enum space_move how, struct page source) {
    const unsigned kept = n < new_n ? n : new_n;
    const bool dup = how == SPACE_DUPLICATE;
    struct page moved[LONGEST];
    for (unsigned i = 0; i < kept; i++) moved[i] = m->pages[first + i];
    if (dup) moved[0] = source;
    for (unsigned i = 0; i < new_n; i++)
        page_set(m, to + i,
                 i < kept        ? moved[i]
                 : dup && i == 0 ? source
                                 : page_after(m, &moved[kept ? kept - 1 : 0], i - (kept ? kept - 1 : 0)),
                 true);
    for (unsigned i = 0; i < kept && !dup; i++) {
        if (how == SPACE_MOVE_PAGES) { /* leaves empty ones */
            struct page p = moved[i];
            p.cell = cell_new(m, 0);
            if (is_code(&p) && p.fetched) assert_true(m->gone[first + i]);
            m->pages[first + i].cell = p.cell;
        } else {
            page_clear(m, first + i);
        }
    }
}

/* Ranges that the model can follow: of one kind, and when they grow, of pages whose continuation it knows. */
static inline bool simple_range(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (m->pages[first + i].mapped && !m->pages[first + i].anonymous && !m->pages[first + i].shared) return false;
    return true;
}

/* ---- agreement */

static inline void check_page(struct model *m, unsigned i) {
    struct page *p = &m->pages[i];
    const struct mapping *r = space_find(m->space, address_of(i));
    assert_int_equal(r != NULL, p->mapped);
    uint64_t value = 0;
    assert_int_equal(space_read(m->space, address_of(i), &value, sizeof value), p->mapped && p->rights != 0);
    struct space_code_page page;
    enum space_code code = space_code(m->space, address_of(i) + 8, &page);
    const uint64_t identity = page.identity;
    if (!p->mapped) {
        assert_int_equal(code, CODE_UNMAPPED);
        return;
    }
    assert_int_equal(r->rights, p->rights);
    assert_int_equal(r->tag, p->tag);
    assert_int_equal(!!(r->flags & MAPPING_SHARED), p->shared);
    if (p->rights) assert_int_equal(value, m->cells[p->cell]);
    assert_int_equal(code, p->rights & SPACE_X ? CODE_READY : CODE_FORBIDDEN);
    if (code != CODE_READY) return;
    p->fetched = true;
    assert_int_equal(page.avail, SPACE_PAGE - 8);
    assert_int_equal(page.writable, !!(p->rights & SPACE_W));
    assert_int_equal(space_code_identity(m->space, address_of(i)), identity);
    uint8_t bytes[sizeof value];
    assert_int_equal(space_read_code(m->space, address_of(i), bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes, &value, sizeof value);
    /* Equal identity, equal bytes: an identity belongs to one time that the page was code. */
    if (p->had_identity && p->identity >> 32 == p->code)
        assert_true((p->identity & UINT32_MAX) == (identity * 0x9e3779b97f4a7c15u >> 32));
    else if (p->had_identity)
        assert_true((p->identity & UINT32_MAX) != (identity * 0x9e3779b97f4a7c15u >> 32));
    p->had_identity = true;
    p->identity = (uint64_t)p->code << 32 | identity * 0x9e3779b97f4a7c15u >> 32;
}

/* All of it, and that what could be one mapping is one. */
static inline void check_all(struct model *m) {
    const struct space *s = m->space;
    uint64_t total = 0, data = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        check_page(m, i);
        if (!m->pages[i].mapped) continue;
        total += SPACE_PAGE;
        if ((m->pages[i].rights & SPACE_W) && !m->pages[i].shared) data += SPACE_PAGE;
    }
    assert_int_equal(s->total, total);
    assert_int_equal(s->data, data);
    unsigned count = 0;
    for (const struct mapping *a = space_next(s, 0), *b; a; a = b) {
        b = space_next(s, a->end);
        count++;
        if (!b) break;
        assert_true(a->start < a->end && a->end <= b->start);
        bool alike = a->end == b->start && a->rights == b->rights && !((a->flags ^ b->flags) & ~MAPPING_FETCHED) &&
                     a->tag == b->tag && a->dev == b->dev && a->ino == b->ino && a->generation == b->generation &&
                     (!a->ino || a->offset + (a->end - a->start) == b->offset);
        assert_false(alike); /* would be one */
    }
    assert_int_equal(s->count, count);
}

static inline void run_operations(struct model *m, void (*const operations[])(struct model *), unsigned count) {
    for (unsigned n = 0; n < OPERATIONS; n++) {
        memset(m->gone, 0, sizeof m->gone);
        operations[roll(m, count)](m);
        check_page(m, (unsigned)roll(m, PAGES));
        if (n % 64 == 0) check_all(m);
    }
    check_all(m);
}

#endif
