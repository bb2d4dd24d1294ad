/* test_memory.c - the memory of a Linux process: what calls about it return, and what they do, against a model
 * (test/mem/model.h) that knows nothing but pages. Random calls go to both, in both modes; then single rules.
 */
#include "process/linux/memory.h"
#include "mem/model.h"

/* ---- random calls */

static void do_map(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8);
    choose_range(m, &first, &n);
    bool file = roll(m, 3) == 0, shared = roll(m, 2), keep = roll(m, 4) == 0;
    unsigned from = (unsigned)roll(m, FILE_PAGES - LONGEST);
    uint32_t flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (file ? 0 : MAP_ANONYMOUS) | MAP_NORESERVE |
                     (keep ? 0x100000 /* MAP_FIXED_NOREPLACE */ : MAP_FIXED);
    int64_t r =
        memory_map(m->space, address_of(first), (uint64_t)n * SPACE_PAGE - roll(m, SPACE_PAGE), rights, flags,
                   file ? m->fd : -1, file ? (uint64_t)from * SPACE_PAGE : 0, file ? MEMORY_FILE : MEMORY_ANONYMOUS);
    if (keep && !none_mapped(m, first, n)) {
        assert_int_equal(r, -EEXIST);
        return;
    }
    assert_int_equal(r, address_of(first));
    pages_map(m, first, n, shared, file, from, rights, file ? MEMORY_FILE : MEMORY_ANONYMOUS);
}

static void do_unmap(struct model *m) {
    unsigned first, n;
    choose_range(m, &first, &n);
    assert_int_equal(memory_unmap(m->space, address_of(first), (uint64_t)n * SPACE_PAGE), 0);
    for (unsigned i = 0; i < n; i++) page_clear(m, first + i);
}

static void do_protect(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8), done = 0;
    choose_range(m, &first, &n);
    int64_t r = memory_protect(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, rights);
    for (; done < n && m->pages[first + done].mapped; done++) { /* Linux changes what comes before a hole */
        struct page p = m->pages[first + done];
        p.rights = (uint8_t)rights;
        page_set(m, first + done, p, false);
    }
    assert_int_equal(r, done == n ? 0 : -ENOMEM);
}

static void remap_fixed(struct model *m, unsigned first, unsigned n, unsigned to, unsigned new_n, uint32_t more) {
    bool dup = n == 0, overlap = first < to + new_n && to < first + n;
    const struct mapping *whole = space_find(m->space, address_of(first));
    uint64_t end = whole ? whole->end : 0;
    if (to > first && address_of(to) < end) end = address_of(to); /* the target is unmapped first */
    struct page source = m->pages[first];
    int64_t r = memory_remap(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)new_n * SPACE_PAGE,
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
    pages_move(m, first, kept, to, new_n, dup ? SPACE_DUPLICATE : more ? SPACE_MOVE_PAGES : SPACE_MOVE, source);
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
        if (new_n == 0 || !space_find(m->space, address_of(first))) return;
        assert_int_equal(
            memory_remap(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)new_n * SPACE_PAGE, 0, 0),
            address_of(first));
        for (unsigned i = new_n; i < n; i++) page_clear(m, first + i);
        break;
    case 1: { /* grow in place, of anonymous pages */
        const struct mapping *whole = space_find(m->space, address_of(first));
        unsigned grown = n + 3;
        if (!anonymous || !whole || whole->end < address_of(first + n) || first + grown > PAGES) return;
        bool room = whole->end == address_of(first + n) && none_mapped(m, first + n, 3);
        int64_t r =
            memory_remap(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)grown * SPACE_PAGE, 0, 0);
        if (r == -ENOMEM && room) break; /* the host keeps apart what the records merged */
        assert_int_equal(r, room ? (int64_t)address_of(first) : -ENOMEM);
        if (room) pages_extend(m, first + n, 3);
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

/* Children do not get it: that shows in the tag only. */
static void do_no_child(struct model *m) {
    unsigned first, n;
    bool no_child = roll(m, 2);
    choose_range(m, &first, &n);
    assert_int_equal(memory_no_child(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, no_child), 0);
    for (unsigned i = first; i < first + n; i++)
        if (m->pages[i].mapped)
            m->pages[i].tag = (uint8_t)((m->pages[i].tag & ~MEMORY_NO_CHILD) | (no_child ? MEMORY_NO_CHILD : 0));
}

static void memory_begin(struct model *m, uint64_t window, const struct space_hooks *hooks) {
    struct memory *memory = calloc(1, sizeof *memory);
    struct error error = {0};
    assert_non_null(memory);
    assert_true(memory_init(memory, window, UINT64_C(1) << 38, hooks, &error));
    m->space = &memory->space;
}

static void run(uint64_t window) {
    static void (*const calls[])(struct model *) = {do_map,      do_map,   do_map,   do_unmap, do_protect, do_protect,
                                                    do_no_child, do_write, do_write, do_remap, do_discard};
    struct model *m = model_make(window, memory_begin);
    run_operations(m, calls, sizeof calls / sizeof *calls);
    model_free(m);
}

static void test_random_direct(void **state) {
    (void)state;
    run(0);
}

static void test_random_window(void **state) {
    (void)state;
    run(UINT64_C(1) << WINDOW_BITS);
}

/* ---- single rules */

static int64_t map_anywhere(struct space *s, uint64_t hint, uint64_t size) {
    return memory_map(s, hint, size, SPACE_R | SPACE_W, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0,
                      MEMORY_ANONYMOUS);
}

static void test_placement(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    int64_t a = map_anywhere(s, 0, 3 * SPACE_PAGE), b = map_anywhere(s, 0, SPACE_PAGE);
    assert_int_equal(a, s->top - 3 * SPACE_PAGE); /* top-down */
    assert_int_equal(b, a - SPACE_PAGE);
    assert_int_equal(memory_unmap(s, (uint64_t)a, SPACE_PAGE), 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), a);               /* the highest hole */
    assert_int_equal(map_anywhere(s, region + 5, SPACE_PAGE), region); /* a hint is rounded down */
    assert_int_equal(map_anywhere(s, region, SPACE_PAGE), b - SPACE_PAGE);
    assert_int_equal(map_anywhere(s, 1, SPACE_PAGE), b - 2 * SPACE_PAGE); /* rounds to none */
    assert_int_equal(map_anywhere(s, s->limit + SPACE_PAGE, SPACE_PAGE), b - 3 * SPACE_PAGE);
    model_free(model);
}

static void test_limits_of_addresses(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
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
        assert_int_equal(memory_map(s, cases[i][0], cases[i][1], 3, fixed, -1, 0, MEMORY_ANONYMOUS), -(int)cases[i][2]);
    assert_int_equal(memory_map(s, s->limit - 2 * SPACE_PAGE, SPACE_PAGE, 3, fixed, -1, 0, MEMORY_ANONYMOUS),
                     s->limit - 2 * SPACE_PAGE);
    assert_int_equal(memory_map(s, 0, SPACE_PAGE, 3, MAP_PRIVATE, -1, 0, MEMORY_FILE), -EBADF);
    assert_int_equal(memory_map(s, 0, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1, MEMORY_FILE), -EINVAL);
    assert_int_equal(memory_map(s, 0, SPACE_PAGE, 3, MAP_ANONYMOUS, -1, 0, MEMORY_FILE), -EINVAL);
    assert_int_equal(memory_unmap(s, s->limit, SPACE_PAGE), -EINVAL);
    assert_int_equal(memory_unmap(s, region, 0), -EINVAL);
    assert_int_equal(memory_unmap(s, region + 8, SPACE_PAGE), -EINVAL);
    assert_int_equal(memory_unmap(s, 0, s->limit), 0);
    assert_int_equal(s->count, 0);
    assert_int_equal(memory_protect(s, region, SPACE_PAGE, 3), -ENOMEM);
    assert_int_equal(memory_protect(s, region, UINT64_MAX, 3), -ENOMEM);
    assert_int_equal(memory_protect(s, region, SPACE_PAGE, 8), -EINVAL);
    model_free(model);
}

static void test_brk(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    uint64_t word = 1;
    memory_set_brk(s, region);
    assert_int_equal(memory_brk(s, 0), region);
    assert_int_equal(memory_brk(s, region - 1), region);
    assert_int_equal(memory_brk(s, UINT64_MAX), region);
    assert_int_equal(memory_brk(s, s->limit), region);
    assert_int_equal(memory_brk(s, region + 10), region + 10);
    assert_int_equal(memory_brk(s, region + 3 * SPACE_PAGE), region + 3 * SPACE_PAGE);
    assert_int_equal(s->count, 1); /* one heap */
    assert_true(space_write(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(memory_brk(s, region + 1), region + 1);
    assert_false(space_write(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(memory_brk(s, region + 3 * SPACE_PAGE), region + 3 * SPACE_PAGE);
    assert_true(space_read(s, region + 2 * SPACE_PAGE, &word, sizeof word));
    assert_int_equal(word, 0); /* what was given back comes back empty */
    assert_int_equal(
        memory_map(s, region + 8 * SPACE_PAGE, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
        region + 8 * SPACE_PAGE);
    assert_int_equal(memory_brk(s, region + 8 * SPACE_PAGE), region + 3 * SPACE_PAGE); /* a page stays between */
    assert_int_equal(memory_brk(s, region + 7 * SPACE_PAGE), region + 7 * SPACE_PAGE);
    memory_of(s)->limits.data = 7 * SPACE_PAGE;
    assert_int_equal(memory_unmap(s, region + 8 * SPACE_PAGE, SPACE_PAGE), 0);
    assert_int_equal(memory_brk(s, region + 8 * SPACE_PAGE), region + 7 * SPACE_PAGE);
    model_free(model);
}

static void test_resource_limits(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    memory_of(s)->limits.total = 4 * SPACE_PAGE;
    assert_int_equal(map_anywhere(s, 0, 5 * SPACE_PAGE), -ENOMEM);
    int64_t at = map_anywhere(s, 0, 4 * SPACE_PAGE);
    assert_true(at > 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), -ENOMEM);
    /* What is replaced does not count twice. */
    assert_int_equal(memory_map(s, (uint64_t)at, 4 * SPACE_PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
                     at);
    memory_of(s)->limits = (struct memory_limits){UINT64_MAX, 2 * SPACE_PAGE, UINT64_MAX};
    assert_int_equal(memory_protect(s, (uint64_t)at, 4 * SPACE_PAGE, 3), -ENOMEM);
    assert_int_equal(memory_protect(s, (uint64_t)at, 2 * SPACE_PAGE, 3), 0);
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), -ENOMEM);
    assert_true(memory_map(s, 0, SPACE_PAGE, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0, 0) > 0); /* shared is not data */
    model_free(model);
}

static void test_growing(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    uint64_t top = region + 4096 * SPACE_PAGE, word = 7;
    const uint32_t grows = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN;
    assert_int_equal(memory_map(s, top - SPACE_PAGE, SPACE_PAGE, 3, grows, -1, 0, MEMORY_STACK), top - SPACE_PAGE);
    memory_of(s)->limits.stack = 1024 * SPACE_PAGE;
    assert_true(memory_grow(s, top - 10 * SPACE_PAGE + 5));
    assert_true(space_write(s, top - 10 * SPACE_PAGE, &word, sizeof word));
    assert_false(space_write(s, top - 11 * SPACE_PAGE, &word, sizeof word));
    assert_false(memory_grow(s, top));                     /* above */
    assert_false(memory_grow(s, top - SPACE_PAGE));        /* it is there */
    assert_false(memory_grow(s, top - 1025 * SPACE_PAGE)); /* beyond the limit */
    assert_int_equal(
        memory_map(s, top - 500 * SPACE_PAGE, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
        top - 500 * SPACE_PAGE);
    assert_false(memory_grow(s, top - 400 * SPACE_PAGE)); /* too near to what lies below */
    assert_true(memory_grow(s, top - 200 * SPACE_PAGE));
    assert_int_equal(map_anywhere(s, top - 250 * SPACE_PAGE, SPACE_PAGE), s->top - SPACE_PAGE); /* the gap is kept */
    model_free(model);
}

/* What cannot be mapped replaces nothing, whether or not something is everywhere there. */
static void test_refused_file(void **state) {
    (void)state;
    for (unsigned window = 0; window < 2; window++) {
        struct model *model = model_make(window ? UINT64_C(1) << WINDOW_BITS : 0, memory_begin);
        struct space *s = model->space;
        const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        uint64_t word = 42;
        assert_true(fd >= 0);
        assert_int_equal(map_anywhere(s, region, SPACE_PAGE), region);
        assert_true(space_write(s, region, &word, sizeof word));
        for (unsigned pages = 1; pages < 4; pages++) {
            assert_int_equal(memory_map(s, region, pages * SPACE_PAGE, 3, MAP_SHARED | MAP_FIXED, fd, 0, MEMORY_FILE),
                             -EACCES);
            assert_true(space_read(s, region, &word, sizeof word));
            assert_int_equal(word, 42);
        }
        assert_int_equal(s->count, 1);
        close(fd);
        model_free(model);
    }
}

/* A child gets everything but what it is not to have. */
static void test_children(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    const uint64_t at = (uint64_t)map_anywhere(s, 0, 6 * SPACE_PAGE);
    assert_int_equal(memory_no_child(s, at + SPACE_PAGE, 4 * SPACE_PAGE, true), 0);
    assert_int_equal(memory_no_child(s, at + 2 * SPACE_PAGE, SPACE_PAGE, false), 0);
    assert_int_equal(s->count, 5);
    assert_int_equal(memory_use(space_find(s, at + SPACE_PAGE)->tag), MEMORY_ANONYMOUS);
    assert_true(space_guard(s)); /* which the child does not share */
    memory_forked(s);
    assert_int_equal(s->guard.guards, 0);
    for (unsigned i = 0; i < 6; i++) {
        const bool there = i == 0 || i == 2 || i == 5;
        assert_int_equal(space_find(s, at + i * SPACE_PAGE) != NULL, there);
        uint64_t word;
        assert_int_equal(space_read(s, at + i * SPACE_PAGE, &word, sizeof word), there);
    }
    model_free(model);
}

/* As many mappings as there can be: what would be refused for another reason is so first, as far as Linux looks. */
static void test_many_mappings(void **state) {
    (void)state;
    struct model *model = model_make(UINT64_C(1) << WINDOW_BITS, memory_begin);
    struct space *s = model->space;
    const int64_t at = map_anywhere(s, 0, 8 * SPACE_PAGE);
    const uint32_t most = s->most;
    memory_set_brk(s, region);
    s->most = s->count + 3;
    assert_int_equal(map_anywhere(s, 0, SPACE_PAGE), -ENOMEM);
    assert_int_equal(memory_map(s, region, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, MEMORY_ANONYMOUS), -EINVAL);
    assert_int_equal(memory_map(s, region + 1, SPACE_PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, 0),
                     -ENOMEM);
    assert_int_equal(memory_unmap(s, (uint64_t)at, SPACE_PAGE), -ENOMEM);
    assert_int_equal(memory_unmap(s, (uint64_t)at + 1, SPACE_PAGE), -EINVAL);
    assert_int_equal(memory_protect(s, (uint64_t)at, SPACE_PAGE, 1), -ENOMEM);
    assert_int_equal(memory_protect(s, (uint64_t)at, SPACE_PAGE, 8), -EINVAL);
    assert_int_equal(memory_remap(s, (uint64_t)at, SPACE_PAGE, 2 * SPACE_PAGE, MREMAP_MAYMOVE, 0), -ENOMEM);
    assert_int_equal(memory_remap(s, region, SPACE_PAGE, 2 * SPACE_PAGE, MREMAP_MAYMOVE, 0), -EFAULT);
    assert_int_equal(memory_no_child(s, (uint64_t)at, SPACE_PAGE, true), -ENOMEM);
    assert_int_equal(memory_brk(s, region + SPACE_PAGE), region);
    assert_int_equal(s->count, 1);
    s->most = most;
    assert_int_equal(memory_brk(s, region + SPACE_PAGE), region + SPACE_PAGE);
    assert_int_equal(memory_unmap(s, (uint64_t)at, SPACE_PAGE), 0);
    model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_direct), cmocka_unit_test(test_random_window),
        cmocka_unit_test(test_placement),     cmocka_unit_test(test_limits_of_addresses),
        cmocka_unit_test(test_brk),           cmocka_unit_test(test_resource_limits),
        cmocka_unit_test(test_growing),       cmocka_unit_test(test_children),
        cmocka_unit_test(test_many_mappings), cmocka_unit_test(test_refused_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
