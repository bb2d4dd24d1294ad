/* test_generation.c - numbers that a space tells code apart by, when all have been given once and they begin anew: no
 * two mappings have the same one, nobody goes on with an old one, and what else is told apart by numbers stays apart.
 */
#include "mem/space.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MAPPINGS = 12 };
static const uint64_t region = 0x10000000, beyond = 0x20000000;

struct told {
    uint64_t start, length;
};

static void on_gone(void *self, uint64_t start, uint64_t length) {
    *(struct told *)self = (struct told){start, length};
}
static void on_written(void *self, uint64_t start, uint64_t length) {
    (void)self, (void)start, (void)length;
}

static struct space *space_new(struct told *told) {
    struct space *s = calloc(1, sizeof *s);
    const struct space_hooks hooks = {.code_gone = on_gone, .code_written = on_written, .self = told};
    assert_non_null(s);
    assert_true(space_init(s, (uint64_t)1 << 33, &hooks, NULL));
    return s;
}

static void end(struct space *s) {
    space_done(s);
    free(s);
}

static void map(struct space *s, uint64_t at, unsigned rights, bool shared) {
    const struct mapping m = {
        .start = at, .end = at + SPACE_PAGE, .rights = (uint8_t)rights, .flags = shared ? MAPPING_SHARED : 0};
    assert_int_equal(space_map(s, &m, (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1), SPACE_OK);
}

static void map_code(struct space *s, unsigned i) {
    map(s, region + 2 * i * SPACE_PAGE, SPACE_R | SPACE_X, false);
}

static uint64_t identity(struct space *s, unsigned i) {
    struct space_code_page code;
    const uint64_t at = region + 2 * i * SPACE_PAGE;
    assert_int_equal(space_code(s, at, &code), CODE_READY);
    assert_int_equal(code.identity, space_code_identity(s, at)); /* also of what was seen before */
    return code.identity;
}

static void code_is_told_apart(void **state) {
    (void)state;
    struct told told = {0};
    struct space *s = space_new(&told);
    for (unsigned i = 0; i < MAPPINGS; i++) map_code(s, i);
    identity(s, 0);
    s->generation = LIMIT_GENERATIONS;
    const uint32_t renewals = s->renewals;
    told = (struct told){0};
    map_code(s, MAPPINGS);
    assert_int_equal(s->renewals, renewals + 1);
    assert_true(told.start == 0 && told.length == s->limit);
    assert_true(s->generation <= MAPPINGS + 1);
    for (unsigned i = 0; i <= MAPPINGS; i++)
        for (unsigned k = 0; k < i; k++)
            assert_int_not_equal(space_generation(identity(s, i)), space_generation(identity(s, k)));
    assert_int_equal(space_generation(identity(s, 0)), 1);
    end(s);
}

/* What is asked for in vain changes nothing: space_code remembers what it has seen. */
static void refused_changes_change_nothing(void **state) {
    (void)state;
    struct told told = {0};
    struct space *s = space_new(&told);
    map_code(s, 0);
    map(s, region, SPACE_R | SPACE_X, false);
    identity(s, 0);
    s->generation = LIMIT_GENERATIONS;
    struct mapping large = {.end = s->limit, .rights = SPACE_R, .flags = MAPPING_SHARED};
    assert_int_equal(space_map_free(s, &large, MAP_SHARED | MAP_ANONYMOUS, -1), SPACE_NO_ROOM);
    identity(s, 0);
    end(s);
}

/* Two objects of shared memory side by side are two mappings. */
static void objects_are_told_apart(void **state) {
    (void)state;
    struct told told = {0};
    struct space *s = space_new(&told);
    map(s, beyond, SPACE_R, true);
    s->generation = LIMIT_GENERATIONS;
    for (unsigned i = 1; i < MAPPINGS; i++) {
        map(s, beyond + i * SPACE_PAGE, SPACE_R, true);
        const struct mapping *m = space_find(s, beyond + i * SPACE_PAGE);
        for (unsigned k = 0; k < i; k++) assert_true(space_find(s, beyond + k * SPACE_PAGE)->ino != m->ino);
    }
    end(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_is_told_apart),
        cmocka_unit_test(refused_changes_change_nothing),
        cmocka_unit_test(objects_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
