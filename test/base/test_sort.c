/* Sorting in place: every order of a few items, many of random ones. */
#include "base/sort.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 6, MANY = 1000 };

struct item {
    uint16_t key;
    char rest[5];
};

static int by_key(const void *a, const void *b) {
    const struct item *p = a, *q = b;
    return p->key < q->key ? -1 : p->key > q->key;
}

static void check(struct item *items, size_t n) {
    unsigned before = 0, after = 0;
    for (size_t i = 0; i < n; i++) {
        memset(items[i].rest, items[i].key & 255, sizeof items[i].rest);
        before += items[i].key * 7919u;
    }
    sort(items, n, sizeof *items, by_key);
    for (size_t i = 0; i < n; i++) {
        after += items[i].key * 7919u;
        if (i) assert_true(items[i - 1].key <= items[i].key);
        for (size_t k = 0; k < sizeof items[i].rest; k++)
            assert_int_equal((unsigned char)items[i].rest[k], items[i].key & 255);
    }
    assert_int_equal(before, after);
}

/* All lists of n keys below n. */
static void every_order(void **state) {
    (void)state;
    struct item items[MOST];
    for (unsigned n = 0; n <= MOST; n++) {
        unsigned lists = 1;
        for (unsigned i = 0; i < n; i++) lists *= n;
        for (unsigned list = 0; list < lists; list++) {
            for (unsigned i = 0, left = list; i < n; i++, left /= n) items[i].key = (uint16_t)(left % n);
            check(items, n);
        }
    }
}

static void many(void **state) {
    (void)state;
    static struct item items[MANY];
    for (unsigned n = 0; n <= MANY; n += 37) {
        for (unsigned i = 0; i < n; i++) items[i].key = (uint16_t)(rand() % (1 + (int)n / 2));
        check(items, n);
        check(items, n); /* sorted already */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
