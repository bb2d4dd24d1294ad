/* test_tlb.c - the software TLB: what an empty, a flushed or a rightless line holds matches no address at all, by the
 * comparison that translated code makes; what is entered is found with its rights, whatever the size; and in a set of
 * TLBs nothing is ever found that was dropped, compared with a list of what was entered.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/os.h"
#include "mem/mem.h"

enum { PAGE = 1 << TLB_PAGE_SHIFT };
static struct tlb *tlb;
static struct tlb_views *views;

static int setup(void **state) {
    (void)state;
    tlb = tlb_make();
    views = calloc(1, sizeof *views);
    return tlb && views && tlb_views_make(views) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    os_free(tlb);
    tlb_views_free(views);
    free(views);
    return 0;
}

static const struct tlb_line *line_of(const struct tlb *t, uint64_t address) {
    const uint64_t offset = address >> (TLB_PAGE_SHIFT - TLB_LINE_SHIFT) & tlb_mask(t);
    return (const struct tlb_line *)((const char *)t->line + offset);
}

/* Translated code: the offset in the page or something larger. */
static bool hits(uint64_t tag, uint64_t address) {
    return (tag ^ address) <= PAGE - 1;
}

/* Bits: read 1, write 2. */
static unsigned rights(const struct tlb *t, uint64_t address) {
    const struct tlb_line *l = line_of(t, address);
    return hits(l->read, address) | hits(l->write, address) << 1;
}

/* Those that are among the victims, too. */
static unsigned finds(struct tlb *t, uint64_t address) {
    return (tlb_find(t, address, false) != NULL) | (tlb_find(t, address, true) != NULL) << 1;
}

static uint64_t roll(void) {
    static uint64_t state = 0x9e3779b97f4a7c15;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Addresses where mistakes are likely: both ends of the address space, and of the half with the sign. */
static uint64_t address(unsigned i) {
    static const uint64_t edges[] = {0, 1ull << 63, UINT64_MAX - (TLB_LINES + 1) * (uint64_t)PAGE};
    return i < 3 * TLB_LINES * 8 ? edges[i % 3] + i / 3 * (PAGE / 4) : roll();
}

static uint8_t *host_page(uint64_t n) {
    return (uint8_t *)(uintptr_t)(n * PAGE);
}

static struct tlb_page page_of(uint64_t n, unsigned given, uint64_t mapping) {
    return (struct tlb_page){.host = host_page(n), .read = given & 1, .write = given & 2, .mapping = mapping};
}

static void fill(struct tlb *t, uint64_t at, uint64_t n, unsigned given) {
    const struct tlb_page p = page_of(n, given, PAGE);
    tlb_fill(t, at, &p);
}

static void assert_empty(struct tlb *t) {
    for (unsigned i = 0; i < 20000; i++)
        if (rights(t, address(i)) || finds(t, address(i)))
            fail_msg("0x%llx is in an empty TLB", (unsigned long long)address(i));
    for (uint64_t end = UINT64_MAX; end > UINT64_MAX - 64; end--) assert_int_equal(rights(t, end), 0);
    assert_int_equal(t->used, 0);
}

static void flushed_lines_match_no_address(void **state) {
    (void)state;
    assert_empty(tlb);
    for (unsigned i = 0; i < 4000; i++) fill(tlb, address(i), 1, 3);
    tlb_flush(tlb);
    assert_empty(tlb);
    for (unsigned i = 0; i < 4000; i++) {
        fill(tlb, address(i), 1, 3);
        tlb_flush_page(tlb, address(i));
        assert_int_equal(finds(tlb, address(i)), 0);
    }
    tlb_flush(tlb);
    assert_empty(tlb);
}

static void lines_have_the_rights_given(void **state) {
    (void)state;
    tlb_flush(tlb);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t at = roll() & (i % 2 ? UINT64_MAX : 0xffffff), page = at & -(uint64_t)PAGE;
        uint64_t other = page ^ (uint64_t)TLB_LINES * PAGE << i % 40; /* of the same line */
        unsigned given = i % 4;
        fill(tlb, at, 2, given);
        assert_int_equal(rights(tlb, page), given);
        assert_int_equal(rights(tlb, page + PAGE - 1), given);
        assert_int_equal(rights(tlb, other), 0);
        assert_int_equal(rights(tlb, ~at), 0);
        assert_int_equal(line_of(tlb, at)->host, 2 * PAGE);
        assert_int_equal(line_of(tlb, at)->add + at, 2 * PAGE + at % PAGE);
        tlb_revoke_write(tlb, host_page(3));
        assert_int_equal(rights(tlb, page), given);
        tlb_revoke_write(tlb, host_page(2));
        assert_int_equal(rights(tlb, page), given & 1);
        assert_int_equal(finds(tlb, page), given & 1);
        assert_int_equal(rights(tlb, ~at), 0);
    }
    tlb_flush(tlb);
}

/* Two pages of one line: the other one comes back, until it has been dropped. */
static void lines_that_were_pushed_out_come_back(void **state) {
    (void)state;
    const uint64_t a = 0x5000, b = a + (uint64_t)TLB_LINES * PAGE;
    tlb_flush(tlb);
    fill(tlb, a, 7, 3);
    fill(tlb, b, 8, 1);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(finds(tlb, i % 2 ? b : a), i % 2 ? 1 : 3);
        assert_int_equal(rights(tlb, i % 2 ? b : a), i % 2 ? 1 : 3); /* in its place again */
        assert_int_equal(tlb_find(tlb, a, false)->host, 7 * PAGE);
    }
    assert_non_null(tlb_find(tlb, b, false));
    tlb_revoke_write(tlb, host_page(7));
    assert_int_equal(finds(tlb, a), 1);
    assert_non_null(tlb_find(tlb, b, false));
    tlb_flush_page(tlb, a);
    assert_int_equal(finds(tlb, a), 0);
    assert_int_equal(finds(tlb, b), 1);
    tlb_flush(tlb);
    assert_empty(tlb);
}

/* A set's TLB grows with what is used, keeps what it has then, and is small again when it is emptied after little. */
static void sizes_follow_use(void **state) {
    (void)state;
    const unsigned many = TLB_LINES_MOST / 2;
    struct tlb *t = tlb_views_select(views, 0, 1, 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < many; i++) {
            if (tlb_find(t, (uint64_t)i * PAGE, false)) continue;
            const struct tlb_page p = page_of(i + 1, 3, PAGE);
            tlb_views_fill(views, (uint64_t)i * PAGE, &p);
            assert_int_equal(rights(t, (uint64_t)i * PAGE), 3);
            assert_int_equal(line_of(t, (uint64_t)i * PAGE)->host, (uint64_t)(i + 1) * PAGE);
        }
    }
    assert_true(t->lines >= many);
    for (unsigned i = 0; i < many; i++) assert_int_equal(rights(t, (uint64_t)i * PAGE), 3);
    uint32_t big = t->lines;
    assert_ptr_equal(tlb_views_flush(views), t);
    assert_empty(t);
    assert_int_equal(t->lines, big);
    const struct tlb_page p = page_of(1, 1, PAGE);
    tlb_views_fill(views, 0, &p);
    assert_ptr_equal(tlb_views_flush(views), t);
    assert_int_equal(t->lines, TLB_LINES > 4 ? TLB_LINES : 4); /* a quarter of which is used */
    assert_empty(t);
    uint32_t all = 0;
    for (const struct tlb *b = views->bank; b < views->bank + views->banks; b++) all += b->lines;
    assert_int_equal(views->lines, all);
    /* A few pages of one line are no reason to grow. */
    for (unsigned i = 0; i < 20 * TLB_LINES; i++) {
        const uint64_t at = (uint64_t)(i % 64) * TLB_LINES_MOST * PAGE;
        if (!tlb_find(t, at, false)) tlb_views_fill(views, at, &p);
    }
    if (TLB_LINES > 4) assert_int_equal(t->lines, TLB_LINES);
    tlb_views_flush(views);
}

/* ---- sets, against a list */

enum { MODEL = 3000, SPACES = 4, VIEWS = 4, COMMON = 1 /* view that is common to spaces */ };
static struct entry {
    uint64_t page, host, mapping;
    unsigned view, space, given;
    bool local, live;
} model[MODEL];
static unsigned entries;
static unsigned now_view, now_space;

static uint64_t space_number(unsigned space) {
    return 0x100 + space % 2 + (space / 2 << 4); /* bits to be dropped by: the lowest and another */
}

static void select_now(unsigned view, unsigned space) {
    now_view = view;
    now_space = space;
    tlb_views_select(views, view, space_number(space), view == COMMON ? 9 : 0);
}

/* What is found was entered and not dropped, here or, if it is global, in a space that has the view in common. */
static void check_address(uint64_t at) {
    struct tlb *t = views->current;
    const unsigned has = finds(t, at);
    if (!has) return;
    const struct tlb_line *l = tlb_find(t, at, !(has & 1));
    unsigned may = 0;
    for (unsigned i = 0; i < entries; i++) {
        const struct entry *e = &model[i];
        if (!e->live || e->view != now_view || e->page != (at & -(uint64_t)PAGE) || e->host != l->host) continue;
        if (e->space != now_space && (e->view != COMMON || e->local)) continue;
        may |= e->given;
    }
    if (has & ~may) fail_msg("0x%llx: rights %x, of which %x", (unsigned long long)at, has, may);
    assert_int_equal(l->add + (at & -(uint64_t)PAGE), l->host);
}

static uint64_t some_page(void) {
    const uint64_t r = roll();
    if (r % 8 == 0) return (r >> 20) % 64 * TLB_LINES_MOST * PAGE;
    return (r >> 20) % 600 * PAGE + (r >> 40) % 3 * (1ull << 32);
}

static void enter_some(void) {
    const uint64_t at = some_page() + roll() % PAGE;
    struct entry *e = &model[entries++];
    static const uint64_t mappings[] = {PAGE, PAGE, PAGE, 16 * PAGE, 512 * PAGE, 512 * 512 * PAGE};
    *e = (struct entry){.page = at & -(uint64_t)PAGE,
                        .host = (roll() % 40 + 1) * PAGE,
                        .mapping = mappings[roll() % 6],
                        .view = now_view,
                        .space = now_space,
                        .given = (unsigned)(roll() % 3 + 1),
                        .local = roll() % 16 == 0,
                        .live = true};
    for (struct entry *o = model; o < e; o++) /* what was there before is replaced, where there are no two of it */
        if (o->page == e->page && o->view == e->view && o->space == e->space && o->view != COMMON) o->live = false;
    const struct tlb_page p = {.host = host_page(e->host / PAGE),
                               .mapping = e->mapping,
                               .read = e->given & 1,
                               .write = e->given & 2,
                               .local = e->local};
    tlb_views_fill(views, at, &p);
    assert_int_equal(finds(views->current, at), e->given);
    assert_int_equal(tlb_find(views->current, at, !(e->given & 1))->host, e->host);
}

static bool concerns(const struct entry *e, uint64_t mask, uint64_t bits, bool common) {
    return common || (e->local || e->view != COMMON ? (space_number(e->space) & mask) == bits : false);
}

static void sets_have_nothing_that_was_dropped(void **state) {
    (void)state;
    tlb_views_flush(views);
    select_now(0, 0);
    for (unsigned round = 0; round < 60; round++) {
        tlb_views_flush(views);
        entries = 0;
        while (entries < MODEL - 1) {
            const uint64_t r = roll(), at = some_page() + roll() % PAGE;
            const unsigned kind = r % 64;
            const bool all = r >> 8 & 1;
            const uint64_t mask = all ? 0 : r >> 9 & 1 ? 1 : ~0ull;
            const uint64_t bits = all ? 0 : space_number((unsigned)(r >> 16)) & mask;
            if (kind < 40) {
                enter_some();
            } else if (kind < 56) {
                select_now((unsigned)(r >> 16) % VIEWS, (unsigned)(r >> 32) % SPACES);
            } else if (kind < 60) {
                tlb_views_drop_page(views, mask, bits, all, at);
                for (struct entry *e = model; e < model + entries; e++)
                    if (concerns(e, mask, bits, all) && (e->page ^ at) < PAGE) e->live = false;
                for (struct entry *e = model; e < model + entries; e++)
                    if (concerns(e, mask, bits, all) && (e->page & -e->mapping) == (at & -e->mapping)) e->live = false;
            } else if (kind < 63) {
                const uint64_t host = r >> 20;
                tlb_views_revoke_write(views, host_page(host % 40 + 1));
                for (struct entry *e = model; e < model + entries; e++)
                    if (e->host == (host % 40 + 1) * PAGE) e->given &= 1;
            } else if (r >> 50 & 1) {
                tlb_views_drop(views, mask, bits, all);
                for (struct entry *e = model; e < model + entries; e++)
                    if (concerns(e, mask, bits, all)) e->live = false;
            }
            for (unsigned n = 0; n < 8; n++) check_address(entries ? model[roll() % entries].page : some_page());
        }
    }
}

/* A view that is common to all spaces stays so until something local is found in it. */
static void common_views_part_when_they_must(void **state) {
    (void)state;
    tlb_views_flush(views);
    const struct tlb_page global = page_of(1, 1, PAGE);
    struct tlb_page local = page_of(2, 1, PAGE);
    local.local = true;
    struct tlb *first = tlb_views_select(views, 2, 100, 5);
    tlb_views_fill(views, 0x1000, &global);
    assert_ptr_equal(tlb_views_select(views, 2, 200, 5), first);
    assert_int_equal(finds(first, 0x1000), 1);
    tlb_views_drop(views, ~0ull, 200, false); /* of this space alone */
    assert_int_equal(finds(first, 0x1000), 1);
    tlb_views_fill(views, 0x2000, &local);
    assert_ptr_equal(views->current, first); /* as this space's own */
    assert_int_equal(finds(first, 0x1000), 1);
    struct tlb *other = tlb_views_select(views, 2, 100, 5);
    assert_ptr_not_equal(other, first);
    assert_int_equal(finds(other, 0x2000), 0);
    assert_ptr_equal(tlb_views_select(views, 2, 200, 5), first);
    assert_int_equal(finds(first, 0x2000), 1);
    assert_ptr_not_equal(tlb_views_select(views, 2, 100, 6), first); /* another mode of translation */
    tlb_views_flush(views);
    other = tlb_views_select(views, 2, 100, 5);
    assert_ptr_equal(tlb_views_select(views, 2, 200, 5), other); /* tried again */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushed_lines_match_no_address),       cmocka_unit_test(lines_have_the_rights_given),
        cmocka_unit_test(lines_that_were_pushed_out_come_back), cmocka_unit_test(sizes_follow_use),
        cmocka_unit_test(common_views_part_when_they_must),     cmocka_unit_test(sets_have_nothing_that_was_dropped),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
