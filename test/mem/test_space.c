/* test_space.c - mem/space against a model that knows nothing but pages.
 *
 * The model is an array of pages, each with its rights and a cell that holds its first word; shared pages share a cell,
 * a page of a private file mapping has the file's cell until it is written. Random operations go to both; afterwards
 * records, accesses, contents, sums, hook calls and code identities must agree. In both modes.
 */
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
    uint8_t rights;
    uint32_t cell;
    uint32_t code; /* counts the times this page became code; 0: it is none */
    uint64_t identity;
    bool had_identity;
    bool fetched; /* somebody may know of its code */
};

struct model {
    struct space space;
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

static void on_fault(int signal, siginfo_t *info, void *context) {
    if (!guard_fault(context, signal == SIGBUS, info->si_addr)) {
        struct sigaction none = {.sa_handler = SIG_DFL};
        sigaction(signal, &none, NULL);
    }
}

/* In each test: cmocka has handlers of its own around every one. */
static void faults_begin(void) {
    struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &act, NULL), 0);
}

static void code_written(void *self, uint64_t start, uint64_t length) {
    struct model *m = self;
    m->written_start = start;
    m->written_size += length;
}

static void code_gone(void *self, uint64_t start, uint64_t length) {
    struct model *m = self;
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = region + (uint64_t)i * SPACE_PAGE;
        if (at < start + length && start < at + SPACE_PAGE) m->gone[i] = true;
        if (start == 0 && length == m->space.limit) m->pages[i].had_identity = false; /* all have another one */
    }
}

static uint64_t roll(struct model *m, uint64_t n) {
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (m->random >> 11) % n;
}

static uint32_t cell_new(struct model *m, uint64_t value) {
    assert_true(m->ncells < CELLS);
    m->cells[m->ncells] = value;
    return m->ncells++;
}

static uint64_t address_of(unsigned page) {
    return region + (uint64_t)page * SPACE_PAGE;
}

static struct model *model_make(uint64_t window) {
    struct model *m = calloc(1, sizeof *m);
    struct error error = {0};
    char name[] = "/tmp/test_space.XXXXXX";
    assert_non_null(m);
    faults_begin();
    struct space_hooks hooks = {.code_gone = code_gone, .code_written = code_written, .self = m};
    assert_true(space_init(&m->space, window, &hooks, &error));
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

static void model_free(struct model *m) {
    space_done(&m->space);
    close(m->fd);
    free(m->cells);
    free(m);
}

static bool is_code(const struct page *p) {
    return p->mapped && (p->rights & SPACE_X);
}

/* A page gets new contents or rights: what the model remembers of its code. */
static void page_set(struct model *m, unsigned i, struct page p, bool new_bytes) {
    bool was = is_code(&m->pages[i]), will = is_code(&p);
    if (was && (!will || new_bytes) && m->pages[i].fetched) assert_true(m->gone[i]);
    p.fetched = was && will && !new_bytes && m->pages[i].fetched;
    p.identity = m->pages[i].identity;
    p.had_identity = m->pages[i].had_identity;
    p.code = !will ? 0 : was && !new_bytes ? m->pages[i].code : ++m->codes;
    m->pages[i] = p;
}

static void page_clear(struct model *m, unsigned i) {
    page_set(m, i, (struct page){0}, true);
}

static bool all_mapped(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (!m->pages[first + i].mapped) return false;
    return true;
}

static bool none_mapped(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (m->pages[first + i].mapped) return false;
    return true;
}

static void choose_range(struct model *m, unsigned *first, unsigned *n) {
    *n = 1 + (unsigned)roll(m, LONGEST);
    *first = (unsigned)roll(m, PAGES - *n);
}

/* ---- operations */

static void do_map(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8);
    choose_range(m, &first, &n);
    bool file = roll(m, 3) == 0, shared = roll(m, 2), keep = roll(m, 4) == 0;
    unsigned from = (unsigned)roll(m, FILE_PAGES - LONGEST);
    uint32_t flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (file ? 0 : MAP_ANONYMOUS) | MAP_NORESERVE |
                     (keep ? 0x100000 /* MAP_FIXED_NOREPLACE */ : MAP_FIXED);
    int64_t r =
        space_map(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE - roll(m, SPACE_PAGE), rights, flags,
                  file ? m->fd : -1, file ? (uint64_t)from * SPACE_PAGE : 0, file ? ORIGIN_FILE : ORIGIN_ANONYMOUS);
    if (keep && !none_mapped(m, first, n)) {
        assert_int_equal(r, -EEXIST);
        return;
    }
    assert_int_equal(r, address_of(first));
    for (unsigned i = 0; i < n; i++)
        page_set(m, first + i,
                 (struct page){.mapped = true,
                               .shared = shared,
                               .anonymous = !file,
                               .clean = file && !shared,
                               .rights = (uint8_t)rights,
                               .cell = file ? m->file[from + i] : cell_new(m, 0)},
                 true);
}

static void do_unmap(struct model *m) {
    unsigned first, n;
    choose_range(m, &first, &n);
    assert_int_equal(space_unmap(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE), 0);
    for (unsigned i = 0; i < n; i++) page_clear(m, first + i);
}

static void do_protect(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8), done = 0;
    choose_range(m, &first, &n);
    int64_t r = space_protect(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE, rights);
    for (; done < n && m->pages[first + done].mapped; done++) { /* Linux changes what comes before a hole */
        struct page p = m->pages[first + done];
        p.rights = (uint8_t)rights;
        page_set(m, first + done, p, false);
    }
    assert_int_equal(r, done == n ? 0 : -ENOMEM);
}

static void do_write(struct model *m) {
    unsigned i = (unsigned)roll(m, PAGES);
    struct page *p = &m->pages[i];
    uint64_t value = m->random;
    bool may = p->mapped && (p->rights & SPACE_W);
    assert_int_equal(space_write(&m->space, address_of(i), &value, sizeof value), may);
    if (!may) return;
    if (p->clean)
        p->cell = cell_new(m, value);
    else
        m->cells[p->cell] = value;
    p->clean = false;
}

static void do_discard(struct model *m) {
    unsigned first, n;
    choose_range(m, &first, &n);
    for (unsigned i = 0; i < n; i++) { /* private anonymous pages come back as zeroes */
        struct page p = m->pages[first + i];
        if (!p.mapped || p.shared || !p.anonymous) continue;
        assert_int_equal(madvise(space_place(&m->space, address_of(first + i)), SPACE_PAGE, MADV_DONTNEED), 0);
        space_discarded(&m->space, address_of(first + i), SPACE_PAGE);
        p.cell = cell_new(m, 0);
        if (is_code(&p) && p.fetched) assert_true(m->gone[first + i]);
        m->pages[first + i] = p;
    }
}

/* A page beyond the end of the pages that moved: new zeroes, or further on in the file. */
static struct page page_after(struct model *m, const struct page *last, unsigned distance) {
    struct page p = *last;
    if (p.anonymous) {
        p.cell = cell_new(m, 0);
        return p;
    }
    for (unsigned k = 0; k < FILE_PAGES; k++)
        if (m->file[k] == last->cell && k + distance < FILE_PAGES) p.cell = m->file[k + distance];
    return p;
}

static void remap_fixed(struct model *m, unsigned first, unsigned n, unsigned to, unsigned new_n, uint32_t more) {
    struct page moved[LONGEST];
    bool dup = n == 0, overlap = first < to + new_n && to < first + n;
    const struct mapping *whole = space_find(&m->space, address_of(first));
    uint64_t end = whole ? whole->end : 0;
    if (to > first && address_of(to) < end) end = address_of(to); /* the target is unmapped first */
    struct page source = m->pages[first];
    int64_t r = space_remap(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)new_n * SPACE_PAGE,
                            MREMAP_MAYMOVE | MREMAP_FIXED | more, address_of(to));
    if (overlap) {
        assert_int_equal(r, -EINVAL);
        return;
    }
    if (!whole) {
        assert_int_equal(r, -EFAULT);
        return;
    }
    for (unsigned i = 0; i < new_n; i++) page_clear(m, to + i); /* goes first, whatever happens then */
    for (unsigned i = new_n; i < n; i++) page_clear(m, first + i);
    unsigned kept = n < new_n ? n : new_n;
    if (address_of(first + kept) > end) {
        assert_int_equal(r, -EFAULT);
        return;
    }
    if (r == -EFAULT) return; /* the host keeps apart what the records merged, as it would for a program of its own */
    assert_int_equal(r, address_of(to));
    for (unsigned i = 0; i < kept; i++) moved[i] = m->pages[first + i];
    if (dup) moved[0] = source;
    for (unsigned i = 0; i < new_n; i++)
        page_set(m, to + i,
                 i < kept        ? moved[i]
                 : dup && i == 0 ? source
                                 : page_after(m, &moved[kept ? kept - 1 : 0], i - (kept ? kept - 1 : 0)),
                 true);
    for (unsigned i = 0; i < kept && !dup; i++) {
        if (more) { /* MREMAP_DONTUNMAP leaves empty pages */
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
static bool simple_range(const struct model *m, unsigned first, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (m->pages[first + i].mapped && !m->pages[first + i].anonymous && !m->pages[first + i].shared) return false;
    return true;
}

static void do_remap(struct model *m) {
    unsigned first, n, to, new_n;
    choose_range(m, &first, &n);
    choose_range(m, &to, &new_n);
    if (n > 8) n = 8;
    if (new_n > 8) new_n = 8;
    if (!simple_range(m, first, n)) return;
    const struct page *p = &m->pages[first];
    bool anonymous = p->mapped && p->anonymous && !p->shared;
    if (p->mapped && p->shared && p->anonymous && new_n > n) new_n = n; /* beyond its end: SIGBUS, not zeroes */
    switch (roll(m, 5)) {
    case 0: /* shrink, or stay */
        if (new_n > n) new_n = n;
        if (new_n == 0 || !space_find(&m->space, address_of(first))) return;
        assert_int_equal(
            space_remap(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)new_n * SPACE_PAGE, 0, 0),
            address_of(first));
        for (unsigned i = new_n; i < n; i++) page_clear(m, first + i);
        break;
    case 1: { /* grow in place, of anonymous pages */
        const struct mapping *whole = space_find(&m->space, address_of(first));
        unsigned grown = n + 3;
        if (!anonymous || !whole || whole->end < address_of(first + n) || first + grown > PAGES) return;
        bool room = whole->end == address_of(first + n) && none_mapped(m, first + n, 3);
        int64_t r =
            space_remap(&m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)grown * SPACE_PAGE, 0, 0);
        if (r == -ENOMEM && room) break; /* the host keeps apart what the records merged */
        assert_int_equal(r, room ? (int64_t)address_of(first) : -ENOMEM);
        for (unsigned i = 0; room && i < 3; i++)
            page_set(m, first + n + i, page_after(m, &m->pages[first + n - 1], 0), true);
        break;
    }
    case 2: /* duplicate a shared page */
        if (p->mapped && p->shared) remap_fixed(m, first, 0, to, 1, 0);
        break;
    case 3: /* leave the old pages */
        if (anonymous && all_mapped(m, first, n) && to + n <= PAGES) {
            for (unsigned i = 0; i < n; i++)
                if (m->pages[first + i].shared) return;
            remap_fixed(m, first, n, to, n, 4 /* MREMAP_DONTUNMAP */);
        }
        break;
    default:
        if (p->mapped && !p->anonymous) new_n = new_n < n ? new_n : n;
        remap_fixed(m, first, n, to, new_n, 0);
    }
}

/* ---- agreement */

static void check_page(struct model *m, unsigned i) {
    struct page *p = &m->pages[i];
    const struct mapping *r = space_find(&m->space, address_of(i));
    assert_int_equal(r != NULL, p->mapped);
    uint64_t value = 0;
    assert_int_equal(space_read(&m->space, address_of(i), &value, sizeof value), p->mapped && p->rights != 0);
    struct space_code_page page;
    enum space_code code = space_code(&m->space, address_of(i) + 8, &page);
    const uint64_t identity = page.identity;
    if (!p->mapped) {
        assert_int_equal(code, CODE_UNMAPPED);
        return;
    }
    assert_int_equal(r->rights, p->rights);
    assert_int_equal(!!(r->flags & MAPPING_SHARED), p->shared);
    if (p->rights) assert_int_equal(value, m->cells[p->cell]);
    assert_int_equal(code, p->rights & SPACE_X ? CODE_READY : CODE_FORBIDDEN);
    if (code != CODE_READY) return;
    p->fetched = true;
    assert_int_equal(page.avail, SPACE_PAGE - 8);
    assert_int_equal(page.writable, !!(p->rights & SPACE_W));
    assert_int_equal(space_code_identity(&m->space, address_of(i)), identity);
    uint8_t bytes[sizeof value];
    assert_int_equal(space_read_code(&m->space, address_of(i), bytes, sizeof bytes), sizeof bytes);
    assert_memory_equal(bytes, &value, sizeof value);
    /* Equal identity, equal bytes: an identity belongs to one time that the page was code. */
    if (p->had_identity && p->identity >> 32 == p->code)
        assert_true((p->identity & UINT32_MAX) == (identity * 0x9e3779b97f4a7c15u >> 32));
    else if (p->had_identity)
        assert_true((p->identity & UINT32_MAX) != (identity * 0x9e3779b97f4a7c15u >> 32));
    p->had_identity = true;
    p->identity = (uint64_t)p->code << 32 | identity * 0x9e3779b97f4a7c15u >> 32;
}

static void check_all(struct model *m) {
    const struct space *s = &m->space;
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
                     a->dev == b->dev && a->ino == b->ino && a->generation == b->generation &&
                     (!a->ino || a->offset + (a->end - a->start) == b->offset);
        assert_false(alike); /* would be one */
    }
    assert_int_equal(s->count, count);
}

static void run_operations(uint64_t window) {
    struct model *m = model_make(window);
    static void (*const operations[])(struct model *) = {do_map,     do_map,   do_map,   do_unmap, do_protect,
                                                         do_protect, do_write, do_write, do_remap, do_discard};
    for (unsigned n = 0; n < OPERATIONS; n++) {
        memset(m->gone, 0, sizeof m->gone);
        operations[roll(m, sizeof operations / sizeof *operations)](m);
        check_page(m, (unsigned)roll(m, PAGES));
        if (n % 64 == 0) check_all(m);
    }
    check_all(m);
    model_free(m);
}

static void test_random_direct(void **state) {
    (void)state;
    run_operations(0);
}

static void test_random_window(void **state) {
    (void)state;
    run_operations(UINT64_C(1) << WINDOW_BITS);
}

/* ---- single rules */

static struct space *plain_make(void) {
    struct model *m = model_make(UINT64_C(1) << WINDOW_BITS);
    return &m->space; /* the first member */
}

static void plain_free(struct space *s) {
    model_free((struct model *)s);
}

static int64_t map_anywhere(struct space *s, uint64_t hint, uint64_t size) {
    return space_map(s, hint, size, SPACE_R | SPACE_W, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
                     ORIGIN_ANONYMOUS);
}

static void test_placement(void **state) {
    (void)state;
    struct space *s = plain_make();
    int64_t a = map_anywhere(s, 0, 3 * SPACE_PAGE), b = map_anywhere(s, 0, SPACE_PAGE);
    assert_int_equal(a, s->top - 3 * SPACE_PAGE); /* top-down */
    assert_int_equal(b, a - SPACE_PAGE);
    assert_int_equal(space_unmap(s, (uint64_t)a, SPACE_PAGE), 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), a);               /* the highest hole */
    assert_int_equal(map_anywhere(s, region + 5, SPACE_PAGE), region); /* a hint is rounded down */
    assert_int_equal(map_anywhere(s, region, SPACE_PAGE), b - SPACE_PAGE);
    assert_int_equal(map_anywhere(s, 1, SPACE_PAGE), b - 2 * SPACE_PAGE); /* rounds to none */
    assert_int_equal(map_anywhere(s, s->limit + SPACE_PAGE, SPACE_PAGE), b - 3 * SPACE_PAGE);
    plain_free(s);
}

static void test_limits_of_addresses(void **state) {
    (void)state;
    struct space *s = plain_make();
    const uint32_t fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    const uint64_t cases[][3] = {
        {s->limit - SPACE_PAGE, SPACE_PAGE, ENOMEM}, /* the last page is never mapped */
        {s->limit, SPACE_PAGE, ENOMEM},
        {UINT64_MAX - SPACE_PAGE + 1, SPACE_PAGE, ENOMEM},
        {region, UINT64_MAX, ENOMEM},
        {region, s->limit, ENOMEM},
        {region, 0, EINVAL},
        {region + 1, SPACE_PAGE, EINVAL},
        {0, SPACE_PAGE, EPERM},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(space_map(s, cases[i][0], cases[i][1], 3, fixed, -1, 0, ORIGIN_ANONYMOUS), -(int)cases[i][2]);
    assert_int_equal(space_map(s, s->limit - 2 * SPACE_PAGE, SPACE_PAGE, 3, fixed, -1, 0, ORIGIN_ANONYMOUS),
                     s->limit - 2 * SPACE_PAGE);
    assert_int_equal(space_map(s, 0, SPACE_PAGE, 3, MAP_PRIVATE, -1, 0, ORIGIN_FILE), -EBADF);
    assert_int_equal(space_map(s, 0, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1, ORIGIN_FILE), -EINVAL);
    assert_int_equal(space_map(s, 0, SPACE_PAGE, 3, MAP_ANONYMOUS, -1, 0, ORIGIN_FILE), -EINVAL);
    assert_int_equal(space_unmap(s, s->limit, SPACE_PAGE), -EINVAL);
    assert_int_equal(space_unmap(s, region, 0), -EINVAL);
    assert_int_equal(space_unmap(s, region + 8, SPACE_PAGE), -EINVAL);
    assert_int_equal(space_unmap(s, 0, s->limit), 0);
    assert_int_equal(s->count, 0);
    assert_int_equal(space_protect(s, region, SPACE_PAGE, 3), -ENOMEM);
    assert_int_equal(space_protect(s, region, UINT64_MAX, 3), -ENOMEM);
    assert_int_equal(space_protect(s, region, SPACE_PAGE, 8), -EINVAL);
    plain_free(s);
}

static void test_copies(void **state) {
    (void)state;
    struct space *s = plain_make();
    char text[64] = "", page[2 * SPACE_PAGE];
    uint64_t last = s->limit - 2 * SPACE_PAGE;
    assert_int_equal(space_map(s, last, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0), last);
    assert_true(space_write(s, last + SPACE_PAGE - 4, "abc", 4));
    assert_true(space_read(s, last + SPACE_PAGE - 4, text, 4));
    assert_string_equal(text, "abc");
    assert_false(space_read(s, last + SPACE_PAGE - 4, text, 5));
    assert_false(space_read(s, last, page, SPACE_PAGE + 1));
    assert_false(space_read(s, s->limit - 1, page, 2));
    assert_false(space_read(s, s->limit + 1, page, 1));
    assert_false(space_read(s, UINT64_MAX, page, 1));
    assert_false(space_read(s, UINT64_MAX - 7, page, 16));
    assert_false(space_write(s, s->limit, page, 1));
    assert_true(space_read(s, s->limit, page, 0));
    assert_int_equal(copy_guarded(page, space_host(s, last), 2 * SPACE_PAGE), SPACE_PAGE); /* says what is missing */
    plain_free(s);
}

/* Every small size, at every distance from the end of what is there, on either side. */
static void test_small_copies(void **state) {
    (void)state;
    enum { MOST = 600 };
    struct space *s = plain_make();
    const uint64_t last = s->limit - 2 * SPACE_PAGE, end = last + SPACE_PAGE;
    char from[MOST], to[MOST + 1], back[MOST];
    for (unsigned i = 0; i < MOST; i++) from[i] = (char)(i * 7 + 1);
    assert_int_equal(space_map(s, last, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0), last);
    for (unsigned size = 0; size < MOST; size++)
        for (unsigned missing = 0; missing <= size && missing < 40; missing++) {
            const uint64_t at = end - (size - missing);
            memset(back, 0, sizeof back);
            assert_true(space_write(s, end - MOST, back, sizeof back));
            assert_int_equal(copy_guarded(space_host(s, at), from, size), missing);
            assert_true(space_read(s, end - MOST, back, sizeof back));
            for (unsigned i = 0; i < MOST; i++)
                if (back[i] != (i < MOST - (size - missing) ? 0 : from[i - (MOST - (size - missing))])) fail();
            memset(to, 0, sizeof to);
            assert_int_equal(copy_guarded(to, space_host(s, at), size), missing);
            assert_memory_equal(to, from, size - missing);
            for (unsigned i = size - missing; i <= MOST; i++) assert_int_equal(to[i], 0);
        }
    plain_free(s);
}

static void test_beyond_file(void **state) {
    (void)state;
    struct space *s = plain_make();
    struct model *m = (struct model *)s;
    uint64_t word;
    struct space_code_page page;
    int64_t at = space_map(s, 0, 2 * SPACE_PAGE, SPACE_R | SPACE_X, MAP_PRIVATE, m->fd, (FILE_PAGES - 1) * SPACE_PAGE,
                           ORIGIN_FILE);
    assert_true(at > 0);
    assert_true(space_read(s, (uint64_t)at, &word, sizeof word));
    assert_false(space_read(s, (uint64_t)at + SPACE_PAGE, &word, sizeof word));
    assert_int_equal(space_code(s, (uint64_t)at, &page), CODE_READY);
    assert_int_equal(space_code(s, (uint64_t)at + SPACE_PAGE, &page), CODE_BEYOND_FILE);
    uint8_t both[2 * SPACE_PAGE];
    assert_int_equal(space_read_code(s, (uint64_t)at + 8, both, sizeof both), SPACE_PAGE - 8);
    assert_int_equal(space_read_code(s, (uint64_t)at + SPACE_PAGE, both, 1), 0);
    assert_int_equal(space_read_code(s, s->limit - 8, both, sizeof both), 0);
    assert_int_equal(space_read_code(s, s->limit + 8, both, sizeof both), 0);
    plain_free(s);
}

/* ---- what is watched */

/* Can the host write there? It writes what is there. */
static bool host_writes(const struct space *s, uint64_t at) {
    uint8_t byte;
    assert_int_equal(copy_guarded(&byte, space_host(s, at), 1), 0);
    return copy_guarded(space_host(s, at), &byte, 1) == 0;
}

/* Many pages, watched and not in every order; a table that grows; every way in which the host's rights come back. */
static void test_watch(void **state) {
    (void)state;
    enum { MANY = 3000 };
    if (LIMIT_WATCHED < (int)MANY) skip();
    struct space *s = plain_make();
    struct model *m = (struct model *)s;
    static bool watched[MANY], never[MANY];
    const int64_t at = space_map(s, 0, MANY * (uint64_t)SPACE_PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, 0);
    struct space_code_page code;
    assert_true(at > 0);
    assert_int_equal(space_code(s, (uint64_t)at, &code), CODE_READY);
    memset(watched, 0, sizeof watched);
    memset(never, 0, sizeof never);
    for (unsigned round = 0; round < 20000; round++) {
        m->random = m->random * 6364136223846793005u + 1442695040888963407u;
        const unsigned i = (unsigned)(m->random >> 40) % MANY, n = 1 + (unsigned)(m->random >> 56) % 9;
        const uint64_t page = (uint64_t)at + i * (uint64_t)SPACE_PAGE;
        const unsigned last = i + n < MANY ? i + n : MANY;
        unsigned count = 0;
        for (unsigned k = i; k < last; k++) count += watched[k];
        m->written_size = 0;
        switch ((m->random >> 33) % 8) {
        case 0: { /* a write of all of it by vee */
            const uint64_t word = m->random;
            assert_true(space_write(s, page + 8, &word, sizeof word));
            assert_int_equal(m->written_size, watched[i] ? SPACE_PAGE : 0);
            watched[i] = false;
            break;
        }
        case 1:
            assert_int_equal(space_unwatch(s, page + 1, (last - i) * (uint64_t)SPACE_PAGE - 1), count > 0);
            assert_int_equal(m->written_size, count * (uint64_t)SPACE_PAGE);
            memset(watched + i, 0, last - i);
            break;
        case 2:
            if (round % 16) break;
            space_host_writes(s, page, (last - i) * (uint64_t)SPACE_PAGE, true);
            assert_int_equal(m->written_size, count * (uint64_t)SPACE_PAGE);
            memset(watched + i, 0, last - i);
            memset(never + i, 1, last - i);
            break;
        case 3: /* other rights, and back */
            assert_int_equal(space_protect(s, page, (last - i) * (uint64_t)SPACE_PAGE, 5), 0);
            assert_int_equal(space_watch(s, page), WATCHED); /* nobody can write there */
            assert_int_equal(space_protect(s, page, (last - i) * (uint64_t)SPACE_PAGE, 7), 0);
            assert_true(m->written_size >= (last - i) * (uint64_t)SPACE_PAGE); /* from now on somebody can */
            memset(watched + i, 0, last - i);
            break;
        case 4: /* something else is there */
            assert_int_equal(space_map(s, page, (last - i) * (uint64_t)SPACE_PAGE, 7,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
                             page);
            assert_int_equal(space_code(s, page, &code), CODE_READY);
            memset(watched + i, 0, last - i);
            memset(never + i, 0, last - i);
            break;
        default:
            assert_int_equal(space_watch(s, page + round % SPACE_PAGE), never[i] ? WATCHED_NOT_ALL : WATCHED);
            watched[i] = !never[i];
            break;
        }
        for (unsigned k = i; k < last; k++)
            assert_int_equal(host_writes(s, (uint64_t)at + k * (uint64_t)SPACE_PAGE), !watched[k]);
    }
    /* as a whole, of which the host has many pieces */
    const int64_t other =
        space_remap(s, (uint64_t)at, MANY * (uint64_t)SPACE_PAGE, 2 * MANY * (uint64_t)SPACE_PAGE, MREMAP_MAYMOVE, 0);
    assert_true(other == -EFAULT || other > 0); /* as Linux has it, where what is there now is several mappings */
    for (unsigned k = 0; k < MANY; k++)
        assert_true(host_writes(s, (uint64_t)at + k * (uint64_t)SPACE_PAGE) || other == at);
    /* files may change in other ways, and who may only read cannot write */
    const int64_t file = space_map(s, 0, SPACE_PAGE, 7, MAP_PRIVATE, m->fd, 0, ORIGIN_FILE);
    assert_int_equal(space_watch(s, (uint64_t)file), WATCHED_PARTLY);
    assert_false(host_writes(s, (uint64_t)file));
    assert_int_equal(space_unmap(s, (uint64_t)file, SPACE_PAGE), 0);
    plain_free(s);
}

/* The host has no mapping more to give: rights come back all the same. */
static void test_watch_without_room(void **state) {
    (void)state;
    unsigned long most = 0;
    FILE *f = LIMIT_WATCHED < 8 ? NULL : fopen("/proc/sys/vm/max_map_count", "r");
    if (!f || fscanf(f, "%lu", &most) != 1 || most > 1 << 20) skip(); /* it would take long */
    fclose(f);
    struct space *s = plain_make();
    struct model *m = (struct model *)s;
    const uint64_t length = 8 * SPACE_PAGE;
    const int64_t at = space_map(s, 0, length, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, 0);
    struct space_code_page code;
    assert_true(at > 0);
    assert_int_equal(space_code(s, (uint64_t)at, &code), CODE_READY);
    for (unsigned i = 2; i < 5; i++) assert_int_equal(space_watch(s, (uint64_t)at + i * (uint64_t)SPACE_PAGE), WATCHED);
    const size_t size = most * SPACE_PAGE;
    uint8_t *fill = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(fill != MAP_FAILED);
    unsigned n = 0;
    while (n < most / 2 && mprotect(fill + 2 * (size_t)n * SPACE_PAGE, SPACE_PAGE, PROT_READ) == 0) n++;
    const enum space_watched other = space_watch(s, (uint64_t)at + 6 * (uint64_t)SPACE_PAGE);
    m->written_size = 0;
    const bool any = space_unwatch(s, (uint64_t)at + 3 * (uint64_t)SPACE_PAGE, 1);
    const uint64_t written = m->written_size;
    munmap(fill, size);
    assert_true(n < most / 2);
    assert_int_equal(other, WATCHED_NOT_ALL);
    assert_true(any);
    assert_int_equal(written, 3 * SPACE_PAGE);
    for (unsigned i = 0; i < 8; i++) assert_true(host_writes(s, (uint64_t)at + i * (uint64_t)SPACE_PAGE));
    assert_false(space_unwatch(s, (uint64_t)at, length));
    plain_free(s);
}

static void test_brk(void **state) {
    (void)state;
    struct space *s = plain_make();
    uint64_t word = 1;
    space_set_brk(s, region);
    assert_int_equal(space_brk(s, 0), region);
    assert_int_equal(space_brk(s, region - 1), region);
    assert_int_equal(space_brk(s, UINT64_MAX), region);
    assert_int_equal(space_brk(s, s->limit), region);
    assert_int_equal(space_brk(s, region + 10), region + 10);
    assert_int_equal(space_brk(s, region + 3 * SPACE_PAGE), region + 3 * SPACE_PAGE);
    assert_int_equal(s->count, 1); /* one heap */
    assert_true(space_write(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(space_brk(s, region + 1), region + 1);
    assert_false(space_write(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(space_brk(s, region + 3 * SPACE_PAGE), region + 3 * SPACE_PAGE);
    assert_true(space_read(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(word, 0); /* what was given back comes back empty */
    assert_int_equal(
        space_map(s, region + 8 * SPACE_PAGE, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
        region + 8 * SPACE_PAGE);
    assert_int_equal(space_brk(s, region + 8 * SPACE_PAGE), region + 3 * SPACE_PAGE); /* a page stays between */
    assert_int_equal(space_brk(s, region + 7 * SPACE_PAGE), region + 7 * SPACE_PAGE);
    s->limits.data = 7 * SPACE_PAGE;
    assert_int_equal(space_unmap(s, region + 8 * SPACE_PAGE, SPACE_PAGE), 0);
    assert_int_equal(space_brk(s, region + 8 * SPACE_PAGE), region + 7 * SPACE_PAGE);
    plain_free(s);
}

static void test_resource_limits(void **state) {
    (void)state;
    struct space *s = plain_make();
    s->limits.total = 4 * SPACE_PAGE;
    assert_int_equal(map_anywhere(s, 0, 5 * SPACE_PAGE), -ENOMEM);
    int64_t at = map_anywhere(s, 0, 4 * SPACE_PAGE);
    assert_true(at > 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), -ENOMEM);
    /* What is replaced does not count twice. */
    assert_int_equal(space_map(s, (uint64_t)at, 4 * SPACE_PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
                     at);
    s->limits = (struct space_limits){UINT64_MAX, 2 * SPACE_PAGE, UINT64_MAX};
    assert_int_equal(space_protect(s, (uint64_t)at, 4 * SPACE_PAGE, 3), -ENOMEM);
    assert_int_equal(space_protect(s, (uint64_t)at, 2 * SPACE_PAGE, 3), 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), -ENOMEM);
    assert_true(space_map(s, 0, SPACE_PAGE, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0) > 0); /* shared is not data */
    plain_free(s);
}

static void test_growing(void **state) {
    (void)state;
    struct space *s = plain_make();
    uint64_t top = region + 4096 * SPACE_PAGE, word = 7;
    const uint32_t grows = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN;
    assert_int_equal(space_map(s, top - SPACE_PAGE, SPACE_PAGE, 3, grows, -1, 0, ORIGIN_STACK), top - SPACE_PAGE);
    s->limits.stack = 1024 * SPACE_PAGE;
    assert_true(space_grow(s, top - 10 * SPACE_PAGE + 5));
    assert_true(space_write(s, top - 10 * SPACE_PAGE, &word, sizeof word));
    assert_false(space_write(s, top - 11 * SPACE_PAGE, &word, sizeof word));
    assert_false(space_grow(s, top));                     /* above */
    assert_false(space_grow(s, top - SPACE_PAGE));        /* it is there */
    assert_false(space_grow(s, top - 1025 * SPACE_PAGE)); /* beyond the limit */
    assert_int_equal(
        space_map(s, top - 500 * SPACE_PAGE, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
        top - 500 * SPACE_PAGE);
    assert_false(space_grow(s, top - 400 * SPACE_PAGE)); /* too near to what lies below */
    assert_true(space_grow(s, top - 200 * SPACE_PAGE));
    assert_int_equal(map_anywhere(s, top - 250 * SPACE_PAGE, SPACE_PAGE), s->top - SPACE_PAGE); /* the gap is kept */
    plain_free(s);
}

/* A code page goes and comes back at the same address: never the same identity. */
static void test_identity(void **state) {
    (void)state;
    struct space *s = plain_make();
    struct model *m = (struct model *)s;
    uint64_t seen[6];
    struct space_code_page page;
    const uint32_t fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    for (unsigned i = 0; i < 6; i++) {
        if (i % 2) {
            assert_int_equal(space_protect(s, region, SPACE_PAGE, 3), 0);
            assert_true(m->gone[0]);
            assert_int_equal(space_protect(s, region, SPACE_PAGE, 5), 0);
        } else {
            assert_int_equal(space_map(s, region, SPACE_PAGE, 5, fixed, -1, 0, 0), region);
            assert_int_equal(m->gone[0], i > 0);
        }
        memset(m->gone, 0, sizeof m->gone);
        assert_int_equal(space_code(s, region, &page), CODE_READY);
        seen[i] = page.identity;
        for (unsigned k = 0; k < i; k++) assert_true(seen[k] != seen[i]);
    }
    assert_int_equal(space_protect(s, region, SPACE_PAGE, 7), 0); /* still the same code */
    assert_int_equal(space_code(s, region, &page), CODE_READY);
    assert_int_equal(page.identity, seen[5]);
    assert_false(m->gone[0]);
    plain_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_direct),
        cmocka_unit_test(test_random_window),
        cmocka_unit_test(test_placement),
        cmocka_unit_test(test_limits_of_addresses),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_small_copies),
        cmocka_unit_test(test_beyond_file),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_without_room),
        cmocka_unit_test(test_brk),
        cmocka_unit_test(test_resource_limits),
        cmocka_unit_test(test_growing),
        cmocka_unit_test(test_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
