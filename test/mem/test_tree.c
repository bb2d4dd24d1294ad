/* test_tree.c - the tree of a space's records: order, balance and holes against a plain list of the same records. */
#include "mem/space_record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 3000, ROUNDS = 20000, UNIT = 1 << 20 }; /* records lie in slots of UNIT bytes */
static uint64_t seed;

static uint64_t roll(uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static uint64_t hole_in_list(const struct space *s, const struct mapping *list, uint64_t length, uint64_t top) {
    uint64_t end = top;
    for (unsigned i = SLOTS; i-- > 0;) {
        const struct mapping *m = &list[i];
        if (!m->end) continue;
        if (m->end <= end && end - m->end >= length) return end - length;
        end = start_with_gap(s, m) < top ? start_with_gap(s, m) : top;
    }
    return end >= s->min_address && end - s->min_address >= length ? end - length : 0;
}

static unsigned heights(const struct space *s, uint32_t n) {
    if (!n) return 0;
    unsigned left = heights(s, s->nodes[n].left), right = heights(s, s->nodes[n].right);
    assert_true(left <= right + 1 && right <= left + 1);
    assert_int_equal(s->nodes[n].height, 1 + (left > right ? left : right));
    return s->nodes[n].height;
}

static void check(const struct space *s, const struct mapping *list) {
    uint64_t at = 0;
    unsigned count = 0;
    heights(s, s->root);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (!list[i].end) continue;
        const struct mapping *m = tree_above(s, at);
        assert_non_null(m);
        assert_memory_equal(m, &list[i], sizeof *m);
        assert_ptr_equal(tree_below(s, m->end), m);
        at = m->end;
        count++;
    }
    assert_null(tree_above(s, at));
    assert_int_equal(s->count, count);
}

static void test_random(void **state) {
    (void)state;
    struct space s = {.min_address = SPACE_PAGE, .gap = UNIT};
    struct mapping *list = calloc(SLOTS, sizeof *list);
    assert_non_null(list);
    assert_true(tree_init(&s));
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)roll(SLOTS), n = 1 + (unsigned)roll(roll(20) ? 4 : 200);
        if (n > SLOTS - i) n = SLOTS - i;
        const uint64_t base = ((uint64_t)i + 1) * UNIT;
        if (roll(round < ROUNDS / 2 ? 6 : 3) == 0) { /* few at the end, many in between */
            tree_remove(&s, base, base + (uint64_t)n * UNIT);
            memset(list + i, 0, n * sizeof *list);
        } else if (!list[i].end) {
            list[i].start = base + roll(UNIT / SPACE_PAGE / 2) * SPACE_PAGE;
            list[i].end = base + UNIT - roll(UNIT / SPACE_PAGE / 2) * SPACE_PAGE;
            list[i].flags = roll(8) ? 0 : MAPPING_GROWS_DOWN;
            tree_add(&s, &list[i]);
        } else {
            struct mapping *m = tree_above(&s, base);
            assert_ptr_not_equal(m, NULL);
            m->end = list[i].end = m->start + SPACE_PAGE * (1 + roll((base + UNIT - m->start) / SPACE_PAGE));
            m->flags = list[i].flags = roll(8) ? 0 : MAPPING_GROWS_DOWN;
            tree_changed(&s, m->start);
        }
        uint64_t length = (1 + roll(roll(4) ? 300 : 20000)) * SPACE_PAGE, top = roll((SLOTS + 2) * (uint64_t)UNIT);
        top &= -(uint64_t)SPACE_PAGE;
        assert_int_equal(tree_hole(&s, length, top), hole_in_list(&s, list, length, top));
        if (round % 500 == 0) check(&s, list);
    }
    check(&s, list);
    tree_remove(&s, 0, UINT64_MAX);
    assert_int_equal(s.root, 0);
    assert_int_equal(s.count, 0);
    tree_done(&s);
    free(list);
}

/* Whatever the order: never higher than 1.44 times the logarithm; and nodes are used again. */
static void test_balance(void **state) {
    (void)state;
    struct space s = {0};
    assert_true(tree_init(&s));
    for (unsigned pass = 0; pass < 3; pass++) {
        for (unsigned i = 0; i < 60000; i++) {
            uint64_t k = pass == 0 ? i : pass == 1 ? 60000 - i : i % 2 ? i : 60000 - i;
            tree_add(&s,
                     &(struct mapping){.start = k * SPACE_PAGE + SPACE_PAGE, .end = k * SPACE_PAGE + SPACE_PAGE + 1});
        }
        assert_true(s.nodes[s.root].height <= 23);
        heights(&s, s.root);
        assert_true(s.used <= 60001);
        tree_remove(&s, 0, UINT64_MAX);
    }
    tree_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_balance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
