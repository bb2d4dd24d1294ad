/* test_phys.c - physical memory: which region has an address, what hides what; flags of pages, that threads may change
 * at once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#include "mem/phys.h"

enum { PAGE = 1 << PHYS_PAGE_SHIFT, RAM = 0x10000, DEVICE = 0x12000, ROM = 0x4000, PAGES = 8 };
static uint8_t ram[PAGES * PAGE], rom[PAGE];

static void make(struct phys *p) {
    *p = (struct phys){0};
    assert_true(phys_add(p, (struct phys_region){.start = DEVICE, .size = 0x100, .kind = PHYS_DEVICE, .device = 3}));
    assert_true(phys_add(p, (struct phys_region){.start = ROM, .size = PAGE, .host = rom, .kind = PHYS_ROM}));
    assert_true(phys_add(p, (struct phys_region){.start = RAM, .size = sizeof ram, .host = ram, .kind = PHYS_RAM}));
    assert_false(phys_add(p, (struct phys_region){.start = 2, .size = UINT64_MAX, .kind = PHYS_RAM}));
    assert_false(phys_add(p, (struct phys_region){.start = 1, .size = 0, .kind = PHYS_RAM}));
}

static void first_region_hides_later_ones(void **state) {
    struct phys p;
    (void)state;
    make(&p);
    assert_ptr_equal(phys_ram(&p, RAM, 8), ram);
    assert_ptr_equal(phys_ram(&p, RAM + sizeof ram - 8, 8), ram + sizeof ram - 8);
    assert_null(phys_ram(&p, RAM + sizeof ram - 7, 8));
    assert_null(phys_ram(&p, DEVICE - 4, 8));
    assert_null(phys_ram(&p, DEVICE, 4));
    assert_ptr_equal(phys_ram(&p, DEVICE + 0x100, 4), ram + (DEVICE - RAM) + 0x100);
    assert_int_equal(phys_find(&p, DEVICE + 0xff, 1)->device, 3);
    assert_null(phys_find(&p, DEVICE + 0xff, 2));
    assert_null(phys_ram(&p, ROM, 4));
    assert_ptr_equal(phys_readable(&p, ROM, 4), rom);
    assert_null(phys_find(&p, 0, 1));
}

/* RAM that nothing hides is found at once, wherever it is in the list; what is hidden stays so. */
static void ram_that_nothing_hides(void **state) {
    struct phys p = {0};
    (void)state;
    assert_true(phys_add(&p, (struct phys_region){.start = ROM, .size = PAGE, .host = rom, .kind = PHYS_ROM}));
    assert_true(phys_add(&p, (struct phys_region){.start = RAM, .size = sizeof ram, .host = ram, .kind = PHYS_RAM}));
    assert_int_equal(p.ram, 2);
    assert_true(phys_add(&p, (struct phys_region){.start = RAM, .size = PAGE, .kind = PHYS_DEVICE}));
    assert_ptr_equal(phys_ram(&p, RAM, 8), ram); /* which hides what comes behind it */
    p.nfixed = 0;
    make(&p);
    assert_int_equal(p.ram, 0);
    assert_int_equal(phys_find(&p, DEVICE, 4)->kind, PHYS_DEVICE);
}

static void pages_of_ram_have_flags(void **state) {
    struct phys p;
    (void)state;
    make(&p);
    assert_null(phys_page(&p, RAM)); /* nobody has asked for them */
    assert_true(phys_track(&p));
    assert_true(phys_track(&p)); /* those that there are stay */
    assert_null(phys_page(&p, ROM));
    assert_null(phys_page(&p, DEVICE));
    assert_null(phys_page(&p, RAM - 1));
    assert_null(phys_page(&p, RAM + sizeof ram));
    for (unsigned i = 0; i < PAGES; i++) {
        if (RAM + i * PAGE == DEVICE) continue; /* its last byte is RAM, but hidden at its first */
        uint8_t *flags = phys_page(&p, RAM + i * PAGE + PAGE - 1);
        assert_non_null(flags);
        assert_false(phys_page_has(flags, PHYS_PAGE_CODE));
        phys_page_set(flags, PHYS_PAGE_CODE);
        for (unsigned k = 0; k < PAGES; k++)
            if (RAM + k * PAGE != DEVICE)
                assert_int_equal(phys_page_has(phys_page(&p, RAM + k * PAGE), PHYS_PAGE_CODE), k == i);
        phys_page_clear(flags, PHYS_PAGE_CODE);
    }
    phys_untrack(&p);
    assert_null(phys_page(&p, RAM));
}

/* A flag that one sets is not lost while another changes one of the same page. */
enum { ROUNDS = 20000, OTHER = 0x80 };
static void *others(void *flags) {
    for (unsigned i = 0; i < ROUNDS; i++) {
        phys_page_set(flags, (enum phys_page)OTHER);
        phys_page_clear(flags, (enum phys_page)OTHER);
    }
    return NULL;
}

static void flags_are_changed_one_by_one(void **state) {
    struct phys p;
    pthread_t thread;
    (void)state;
    make(&p);
    assert_true(phys_track(&p));
    uint8_t *flags = phys_page(&p, RAM);
    assert_int_equal(pthread_create(&thread, NULL, others, flags), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        phys_page_set(flags, PHYS_PAGE_CODE);
        assert_true(phys_page_has(flags, PHYS_PAGE_CODE));
        phys_page_clear(flags, PHYS_PAGE_CODE);
        assert_false(phys_page_has(flags, PHYS_PAGE_CODE));
    }
    pthread_join(thread, NULL);
    assert_int_equal(*flags, 0);
    phys_untrack(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_region_hides_later_ones),
        cmocka_unit_test(ram_that_nothing_hides),
        cmocka_unit_test(pages_of_ram_have_flags),
        cmocka_unit_test(flags_are_changed_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
