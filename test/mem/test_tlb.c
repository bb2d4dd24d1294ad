/* test_tlb.c - the software TLB: what an empty, a flushed or a rightless line holds matches no address at all, by the
 * comparison that translated code makes; and what is entered is found with its rights, in every view.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mem/mem.h"

enum { PAGE = 1 << TLB_PAGE_SHIFT };
static struct tlb tlb;
static struct tlb_views views;

static const struct tlb_line *line_of(const struct tlb *t, uint64_t address) {
    return &t->line[(address >> TLB_PAGE_SHIFT) % TLB_LINES];
}

/* Translated code: the offset in the page or something larger. */
static bool hits(uint64_t tag, uint64_t address) {
    return (tag ^ address) <= PAGE - 1;
}

/* Bits: read 1, write 2, fetch 4. */
static unsigned rights(const struct tlb *t, uint64_t address) {
    const struct tlb_line *l = line_of(t, address);
    return hits(l->read, address) | hits(l->write, address) << 1 | hits(l->fetch, address) << 2;
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

static void assert_empty(const struct tlb *t) {
    for (unsigned i = 0; i < 20000; i++)
        if (rights(t, address(i))) fail_msg("0x%llx is in an empty TLB", (unsigned long long)address(i));
    for (uint64_t end = UINT64_MAX; end > UINT64_MAX - 64; end--) assert_int_equal(rights(t, end), 0);
}

static void flushed_lines_match_no_address(void **state) {
    (void)state;
    memset(&tlb, 0, sizeof tlb);
    tlb_flush(&tlb);
    assert_empty(&tlb);
    for (unsigned i = 0; i < 4000; i++) tlb_fill(&tlb, address(i), (uint8_t *)(uintptr_t)PAGE, true, true, true);
    for (unsigned i = 0; i < 4000; i++) tlb_flush_page(&tlb, address(i));
    assert_empty(&tlb);
}

static void lines_have_the_rights_given(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t at = roll() & (i % 2 ? UINT64_MAX : 0xffffff), page = at & -(uint64_t)PAGE;
        uint64_t other = page ^ (uint64_t)TLB_LINES * PAGE << i % 40; /* of the same line */
        unsigned given = i % 8;
        tlb_fill(&tlb, at, (uint8_t *)(uintptr_t)(2 * PAGE), given & 1, given & 2, given & 4);
        assert_int_equal(rights(&tlb, page), given);
        assert_int_equal(rights(&tlb, page + PAGE - 1), given);
        assert_int_equal(rights(&tlb, other), 0);
        assert_int_equal(rights(&tlb, ~at), 0);
        assert_int_equal(line_of(&tlb, at)->host, 2 * PAGE);
        tlb_revoke_write(&tlb, (uint8_t *)(uintptr_t)(3 * PAGE));
        assert_int_equal(rights(&tlb, page), given);
        tlb_revoke_write(&tlb, (uint8_t *)(uintptr_t)(2 * PAGE));
        assert_int_equal(rights(&tlb, page), given & 5);
        assert_int_equal(rights(&tlb, ~at), 0);
    }
}

/* What is flushed while another view is in use is empty when its turn comes. */
static void views_are_flushed_when_they_are_next(void **state) {
    (void)state;
    tlb_views_flush(&views, 0);
    for (unsigned v = 0; v < TLB_VIEWS; v++) {
        struct tlb *t = tlb_views_select(&views, v);
        assert_ptr_equal(t, &views.tlb[v]);
        assert_empty(t);
        tlb_fill(t, 0x5000, (uint8_t *)(uintptr_t)PAGE, true, true, false);
    }
    tlb_views_revoke_write(&views, (uint8_t *)(uintptr_t)PAGE);
    for (unsigned v = 0; v < TLB_VIEWS; v++) assert_int_equal(rights(tlb_views_select(&views, v), 0x5000), 1);
    tlb_views_flush(&views, 3);
    assert_empty(&views.tlb[3]);
    tlb_views_revoke_write(&views, (uint8_t *)(uintptr_t)PAGE);
    for (unsigned v = 0; v < TLB_VIEWS; v++) assert_empty(tlb_views_select(&views, v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushed_lines_match_no_address),
        cmocka_unit_test(lines_have_the_rights_given),
        cmocka_unit_test(views_are_flushed_when_they_are_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
