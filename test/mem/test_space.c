/* test_space.c - mem/space against a model (test/mem/model.h) that knows nothing but pages: random changes of both, in
 * both modes; then single rules of changes, copies and watched pages.
 */
#include "mem/model.h"

/* ---- changes */

static const int private = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

static struct mapping mapping_of(uint64_t start, uint64_t length, unsigned rights) {
    return (struct mapping){.start = start, .end = start + length, .rights = (uint8_t)rights};
}

/* Memory of no file, over whatever is there. */
static void map_at(struct space *s, uint64_t start, uint64_t length, unsigned rights) {
    const struct mapping m = mapping_of(start, length, rights);
    assert_int_equal(space_map(s, &m, private, -1), SPACE_OK);
}

/* Where it was put. */
static uint64_t map_free(struct space *s, uint64_t hint, uint64_t length, unsigned rights) {
    struct mapping m = mapping_of(hint, length, rights);
    assert_int_equal(space_map_free(s, &m, private, -1), SPACE_OK);
    assert_int_equal(m.end - m.start, length);
    return m.start;
}

static uint64_t map_file(struct model *m, unsigned page, uint64_t length, unsigned rights) {
    struct mapping f = mapping_of(0, length, rights);
    f.dev = 1;
    f.ino = 2;
    f.offset = page * (uint64_t)SPACE_PAGE;
    assert_int_equal(space_map_free(m->space, &f, MAP_PRIVATE, m->fd), SPACE_OK);
    return f.start;
}

static void do_map(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8);
    choose_range(m, &first, &n);
    const bool file = roll(m, 3) == 0, shared = roll(m, 2), hint = roll(m, 4) == 0 && none_mapped(m, first, n);
    const unsigned from = (unsigned)roll(m, FILE_PAGES - LONGEST);
    struct mapping new = mapping_of(address_of(first), (uint64_t)n * SPACE_PAGE, rights);
    new.flags = shared ? MAPPING_SHARED : 0;
    new.tag = (uint8_t)roll(m, 3);
    new.dev = file;
    new.ino = file ? 7 : 0;
    new.offset = file ? (uint64_t)from *SPACE_PAGE : 0;
    const int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (file ? 0 : MAP_ANONYMOUS) | MAP_NORESERVE;
    assert_int_equal((hint ? space_map_free(m->space, &new, flags, file ? m->fd : -1)
                           : space_map(m->space, &new, flags, file ? m->fd : -1)),
                     SPACE_OK);
    assert_int_equal(new.start, address_of(first));
    pages_map(m, first, n, shared, file, from, rights, new.tag);
}

static void do_unmap(struct model *m) {
    unsigned first, n;
    choose_range(m, &first, &n);
    assert_int_equal(space_unmap(m->space, address_of(first), (uint64_t)n * SPACE_PAGE), SPACE_OK);
    for (unsigned i = 0; i < n; i++) page_clear(m, first + i);
}

static void do_protect(struct model *m) {
    unsigned first, n, rights = (unsigned)roll(m, 8);
    choose_range(m, &first, &n);
    while (n && !all_mapped(m, first, n)) n--;
    if (!n) return;
    assert_int_equal(space_protect(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, rights), SPACE_OK);
    for (unsigned i = first; i < first + n; i++) {
        struct page p = m->pages[i];
        p.rights = (uint8_t)rights;
        page_set(m, i, p, false);
    }
}

static void do_tag(struct model *m) {
    unsigned first, n;
    const uint8_t clear = (uint8_t)roll(m, 4), set = (uint8_t)roll(m, 4);
    choose_range(m, &first, &n);
    assert_int_equal(space_tag(m->space, address_of(first), address_of(first + n), clear, set), SPACE_OK);
    for (unsigned i = first; i < first + n; i++)
        if (m->pages[i].mapped) m->pages[i].tag = (uint8_t)((m->pages[i].tag & ~clear) | set);
}

/* Is [first, first + n) of one record? */
static bool is_one(struct model *m, unsigned first, unsigned n) {
    const struct mapping *whole = space_find(m->space, address_of(first));
    return whole && whole->end >= address_of(first + n) && simple_range(m, first, n);
}

static void do_move(struct model *m) {
    unsigned first, n, to, new_n;
    choose_range(m, &first, &n);
    choose_range(m, &to, &new_n);
    if (n > 8) n = 8;
    if (new_n > 8) new_n = 8;
    if (!is_one(m, first, n)) return;
    const struct page source = m->pages[first];
    enum space_move how = SPACE_MOVE;
    if (source.shared || !source.anonymous) new_n = new_n < n ? new_n : n; /* what is beyond nobody knows */
    if (source.shared && roll(m, 3) == 0) {
        how = SPACE_DUPLICATE;
        n = 0;
        new_n = 1;
    } else if (source.anonymous && !source.shared && roll(m, 3) == 0) {
        how = SPACE_MOVE_PAGES;
        new_n = n;
    } else if (new_n < n) {
        n = new_n;
    }
    if (to + new_n > PAGES || (first < to + new_n && to < first + (n ? n : 1))) return;
    assert_int_equal(space_unmap(m->space, address_of(to), (uint64_t)new_n * SPACE_PAGE), SPACE_OK);
    for (unsigned i = 0; i < new_n; i++) page_clear(m, to + i);
    const enum space_result r = space_move(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, address_of(to),
                                           (uint64_t)new_n * SPACE_PAGE, how);
    if (r == EFAULT) return; /* the host keeps apart what the records merged, as it would for a program of its own */
    assert_int_equal(r, SPACE_OK);
    pages_move(m, first, n, to, new_n, how, source);
}

static void do_extend(struct model *m) {
    unsigned first, n, more = 3;
    choose_range(m, &first, &n);
    if (!is_one(m, first, n) || !m->pages[first].anonymous || m->pages[first].shared || first + n + more > PAGES)
        return;
    const bool room =
        space_find(m->space, address_of(first))->end == address_of(first + n) && none_mapped(m, first + n, more);
    const enum space_result r =
        space_extend(m->space, address_of(first), (uint64_t)n * SPACE_PAGE, (uint64_t)(n + more) * SPACE_PAGE);
    if (r == SPACE_NO_ROOM) return; /* see do_move */
    assert_int_equal(r, SPACE_OK);
    assert_true(room);
    pages_extend(m, first + n, more);
}

static void space_new(struct model *m, uint64_t window, const struct space_hooks *hooks) {
    struct error error = {0};
    m->space = calloc(1, sizeof *m->space);
    assert_non_null(m->space);
    assert_true(space_init(m->space, window, hooks, &error));
}

static void run(uint64_t window) {
    static void (*const changes[])(struct model *) = {do_map,     do_map,     do_map,   do_unmap, do_protect,
                                                      do_protect, do_write,   do_write, do_move,  do_move,
                                                      do_extend,  do_discard, do_tag};
    struct model *m = model_make(window, space_new);
    run_operations(m, changes, sizeof changes / sizeof *changes);
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

static struct model *plain_make(void) {
    return model_make(UINT64_C(1) << WINDOW_BITS, space_new);
}

static void test_placement(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    const uint64_t a = map_free(s, 0, 3 * SPACE_PAGE, 3), b = map_free(s, 0, SPACE_PAGE, 3);
    assert_int_equal(a, s->top - 3 * SPACE_PAGE); /* top-down */
    assert_int_equal(b, a - SPACE_PAGE);
    assert_int_equal(space_unmap(s, a, SPACE_PAGE), SPACE_OK);
    assert_int_equal(space_hole(s, SPACE_PAGE), a); /* the highest one */
    assert_int_equal(space_hole(s, 2 * SPACE_PAGE), b - 2 * SPACE_PAGE);
    assert_int_equal(map_free(s, region, SPACE_PAGE, 3), region);
    assert_int_equal(map_free(s, region, SPACE_PAGE, 3), a); /* not over what is there */
    assert_int_equal(map_free(s, s->limit, SPACE_PAGE, 3), b - SPACE_PAGE);
    s->top = region; /* below which there is no room */
    assert_int_equal(map_free(s, 0, region, 3), b - SPACE_PAGE - region);
    struct mapping large = mapping_of(0, s->limit, 3);
    assert_int_equal(space_map_free(s, &large, private, -1), SPACE_NO_ROOM);
    assert_true(space_allows(s, s->min_address, s->limit - SPACE_PAGE - s->min_address));
    assert_false(space_allows(s, s->min_address, s->limit - s->min_address)); /* the last page is never mapped */
    assert_false(space_allows(s, 0, SPACE_PAGE));
    assert_false(space_allows(s, UINT64_MAX - SPACE_PAGE + 1, SPACE_PAGE));
    assert_int_equal(space_mapped(s, b, a + 3 * SPACE_PAGE), 4 * SPACE_PAGE);
    assert_int_equal(space_mapped(s, region - SPACE_PAGE, region + SPACE_PAGE), SPACE_PAGE);
    model_free(m);
}

/* What grows down keeps a gap, of the size that its owner says. */
static void test_gap(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    const uint64_t top = region + 64 * SPACE_PAGE;
    uint64_t word = 7;
    struct mapping stack = mapping_of(top - SPACE_PAGE, SPACE_PAGE, 3);
    stack.flags = MAPPING_GROWS_DOWN;
    s->gap = 10 * SPACE_PAGE;
    assert_int_equal(space_map(s, &stack, private, -1), SPACE_OK);
    assert_int_equal(s->data, 0);
    assert_false(space_is_free(s, top - 3 * SPACE_PAGE, top - 2 * SPACE_PAGE));
    assert_true(space_is_free(s, top - 12 * SPACE_PAGE, top - 11 * SPACE_PAGE));
    assert_int_equal(map_free(s, top - 11 * SPACE_PAGE, SPACE_PAGE, 3), s->top - SPACE_PAGE);
    assert_int_equal(space_extend_down(s, top - SPACE_PAGE, top - 5 * SPACE_PAGE), SPACE_OK);
    assert_int_equal(space_find(s, top - 1)->start, top - 5 * SPACE_PAGE);
    assert_true(space_write(s, top - 5 * SPACE_PAGE, &word, sizeof word));
    assert_false(space_is_free(s, top - 15 * SPACE_PAGE, top - 14 * SPACE_PAGE));
    assert_int_equal(space_before(s, top)->end, top);
    model_free(m);
}

/* Why something was not done, and that it was not. */
static void test_refusals(void **state) {
    (void)state;
    struct model *m = model_make(0, space_new);
    struct space *s = m->space;
    const struct mapping file = mapping_of(region, SPACE_PAGE, 3), over = mapping_of(region, 3 * SPACE_PAGE, 3);
    uint64_t word = 5;
    assert_int_equal(space_map(s, &file, MAP_PRIVATE, -1), EBADF); /* the host's word */
    assert_int_equal(s->count, 0);
    /* Something of the host's. */
    void *own = mmap(space_place(s, region + SPACE_PAGE), SPACE_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_equal(own, space_place(s, region + SPACE_PAGE));
    assert_int_equal(space_map(s, &over, private, -1), SPACE_TAKEN);
    assert_int_equal(s->count, 0);
    struct mapping near = over;
    assert_int_equal(space_map_free(s, &near, private, -1), SPACE_OK);
    assert_true(near.start > region + 2 * SPACE_PAGE);
    s->top = region + 3 * SPACE_PAGE;
    assert_int_equal(map_free(s, 0, SPACE_PAGE, 3), region + 2 * SPACE_PAGE);
    assert_int_equal(map_free(s, 0, SPACE_PAGE, 3), region); /* below what is the host's */
    assert_true(space_write(s, region, &word, sizeof word));
    assert_int_equal(space_move(s, region, SPACE_PAGE, region + SPACE_PAGE, SPACE_PAGE, SPACE_MOVE), SPACE_TAKEN);
    assert_int_equal(space_extend(s, region, SPACE_PAGE, 2 * SPACE_PAGE), SPACE_NO_ROOM);
    assert_true(space_read(s, region, &word, sizeof word));
    assert_int_equal(word, 5);
    assert_int_equal(munmap(own, SPACE_PAGE), 0);
    assert_int_equal(space_extend(s, region, SPACE_PAGE, 3 * SPACE_PAGE), SPACE_NO_ROOM); /* the guest's own */
    assert_int_equal(space_extend(s, region, SPACE_PAGE, 2 * SPACE_PAGE), SPACE_OK);
    model_free(m);
}

/* As many mappings as there can be. */
static void test_many(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    struct mapping one = mapping_of(region, SPACE_PAGE, 3);
    map_at(s, region, 4 * SPACE_PAGE, 3);
    const uint32_t most = s->most;
    s->most = s->count + 3;
    assert_false(space_has_records(s));
    assert_int_equal(space_map(s, &one, private, -1), SPACE_NO_RECORDS);
    assert_int_equal(space_map_free(s, &one, private, -1), SPACE_NO_RECORDS);
    assert_int_equal(space_unmap(s, region, SPACE_PAGE), SPACE_NO_RECORDS);
    assert_int_equal(space_protect(s, region, SPACE_PAGE, 1), SPACE_NO_RECORDS);
    assert_int_equal(space_tag(s, region, region + SPACE_PAGE, 0, 1), SPACE_NO_RECORDS);
    assert_int_equal(space_extend(s, region, 4 * SPACE_PAGE, 5 * SPACE_PAGE), SPACE_NO_RECORDS);
    assert_int_equal(space_move(s, region, SPACE_PAGE, 2 * region, SPACE_PAGE, SPACE_MOVE), SPACE_NO_RECORDS);
    assert_int_equal(s->count, 1);
    assert_int_equal(space_find(s, region)->rights, 3);
    s->most = most;
    assert_int_equal(space_protect(s, region, SPACE_PAGE, 1), SPACE_OK);
    assert_int_equal(s->count, 2);
    model_free(m);
}

static void test_copies(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    char text[64] = "", page[2 * SPACE_PAGE];
    uint64_t last = s->limit - 2 * SPACE_PAGE;
    map_at(s, last, SPACE_PAGE, 3);
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
    model_free(m);
}

/* Every small size, at every distance from the end of what is there, on either side. */
static void test_small_copies(void **state) {
    (void)state;
    enum { MOST = 600 };
    struct model *m = plain_make();
    struct space *s = m->space;
    const uint64_t last = s->limit - 2 * SPACE_PAGE, end = last + SPACE_PAGE;
    char from[MOST], to[MOST + 1], back[MOST];
    for (unsigned i = 0; i < MOST; i++) from[i] = (char)(i * 7 + 1);
    map_at(s, last, SPACE_PAGE, 3);
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
    model_free(m);
}

static void test_beyond_file(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    uint64_t word;
    struct space_code_page page;
    const uint64_t at = map_file(m, FILE_PAGES - 1, 2 * SPACE_PAGE, SPACE_R | SPACE_X);
    assert_true(space_read(s, at, &word, sizeof word));
    assert_false(space_read(s, at + SPACE_PAGE, &word, sizeof word));
    assert_int_equal(space_code(s, at, &page), CODE_READY);
    assert_int_equal(space_code(s, at + SPACE_PAGE, &page), CODE_BEYOND_FILE);
    uint8_t both[2 * SPACE_PAGE];
    assert_int_equal(space_read_code(s, at + 8, both, sizeof both), SPACE_PAGE - 8);
    assert_int_equal(space_read_code(s, at + SPACE_PAGE, both, 1), 0);
    assert_int_equal(space_read_code(s, s->limit - 8, both, sizeof both), 0);
    assert_int_equal(space_read_code(s, s->limit + 8, both, sizeof both), 0);
    model_free(m);
}

/* ---- what is watched */

/* Many pages, watched and not in every order; a table that grows; every way in which the host's rights come back. */
static void test_watch(void **state) {
    (void)state;
    enum { MANY = 3000 };
    if (LIMIT_WATCHED < (int)MANY) skip();
    struct model *m = plain_make();
    struct space *s = m->space;
    static bool watched[MANY], never[MANY];
    const uint64_t at = map_free(s, 0, MANY * (uint64_t)SPACE_PAGE, 7);
    struct space_code_page code;
    assert_int_equal(space_code(s, at, &code), CODE_READY);
    memset(watched, 0, sizeof watched);
    memset(never, 0, sizeof never);
    for (unsigned round = 0; round < 20000; round++) {
        m->random = m->random * 6364136223846793005u + 1442695040888963407u;
        const unsigned i = (unsigned)(m->random >> 40) % MANY, n = 1 + (unsigned)(m->random >> 56) % 9;
        const uint64_t page = at + i * (uint64_t)SPACE_PAGE;
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
            map_at(s, page, (last - i) * (uint64_t)SPACE_PAGE, 7);
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
            assert_int_equal(host_writes(s, at + k * (uint64_t)SPACE_PAGE), !watched[k]);
    }
    /* as a whole, of which the host has many pieces */
    const uint64_t size = MANY * (uint64_t)SPACE_PAGE, other = space_hole(s, 2 * size);
    const enum space_result r = space_move(s, at, size, other, 2 * size, SPACE_MOVE);
    assert_true(r == EFAULT || r == SPACE_OK); /* the host refuses where what is there now is several mappings */
    for (unsigned k = 0; k < MANY; k++) assert_true(host_writes(s, (r ? at : other) + k * (uint64_t)SPACE_PAGE));
    /* files may change in other ways, and who may only read cannot write */
    const uint64_t file = map_file(m, 0, SPACE_PAGE, 7);
    assert_int_equal(space_watch(s, file), WATCHED_PARTLY);
    assert_false(host_writes(s, file));
    assert_int_equal(space_unmap(s, file, SPACE_PAGE), 0);
    model_free(m);
}

/* The host has no mapping more to give: rights come back all the same. */
static void test_watch_without_room(void **state) {
    (void)state;
    unsigned long most = 0;
    FILE *f = LIMIT_WATCHED < 8 ? NULL : fopen("/proc/sys/vm/max_map_count", "r");
    if (!f || fscanf(f, "%lu", &most) != 1 || most > 1 << 20) skip(); /* it would take long */
    fclose(f);
    struct model *m = plain_make();
    struct space *s = m->space;
    const uint64_t length = 8 * SPACE_PAGE;
    const uint64_t at = map_free(s, 0, length, 7);
    struct space_code_page code;
    assert_int_equal(space_code(s, at, &code), CODE_READY);
    for (unsigned i = 2; i < 5; i++) assert_int_equal(space_watch(s, at + i * (uint64_t)SPACE_PAGE), WATCHED);
    const size_t size = most * SPACE_PAGE;
    uint8_t *fill = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(fill != MAP_FAILED);
    unsigned n = 0;
    while (n < most / 2 && mprotect(fill + 2 * (size_t)n * SPACE_PAGE, SPACE_PAGE, PROT_READ) == 0) n++;
    const enum space_watched other = space_watch(s, at + 6 * (uint64_t)SPACE_PAGE);
    m->written_size = 0;
    const bool any = space_unwatch(s, at + 3 * (uint64_t)SPACE_PAGE, 1);
    const uint64_t written = m->written_size;
    munmap(fill, size);
    assert_true(n < most / 2);
    assert_int_equal(other, WATCHED_NOT_ALL);
    assert_true(any);
    assert_int_equal(written, 3 * SPACE_PAGE);
    for (unsigned i = 0; i < 8; i++) assert_true(host_writes(s, at + i * (uint64_t)SPACE_PAGE));
    assert_false(space_unwatch(s, at, length));
    model_free(m);
}

/* A code page goes and comes back at the same address: never the same identity. */
static void test_identity(void **state) {
    (void)state;
    struct model *m = plain_make();
    struct space *s = m->space;
    uint64_t seen[6];
    struct space_code_page page;
    for (unsigned i = 0; i < 6; i++) {
        if (i % 2) {
            assert_int_equal(space_protect(s, region, SPACE_PAGE, 3), 0);
            assert_true(m->gone[0]);
            assert_int_equal(space_protect(s, region, SPACE_PAGE, 5), 0);
        } else {
            map_at(s, region, SPACE_PAGE, 5);
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
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_direct),
        cmocka_unit_test(test_random_window),
        cmocka_unit_test(test_placement),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_small_copies),
        cmocka_unit_test(test_beyond_file),
        cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_without_room),
        cmocka_unit_test(test_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
