/* test_turns.c - several cpus of one engine are told apart by numbers, which are given again when all have been given.
 */
#include "engine/rig.h"

/* Numbers of cpus begin anew when all have been given, and no two that live have the same one. */
static void cpus_have_numbers_of_their_own(void **state) {
    (void)state;
    enum { CPUS = 6 };
    struct rig r;
    struct error error = {0};
    struct cpu *more[CPUS];
    rig_make(&r, RIG_WINDOW, &(struct engine_config){.tier = TIER_INTERP});
    const uint32_t first = r.cpu->runner->id;
    r.engine->last_id = LIMIT_RUNNERS - 2;
    for (unsigned i = 0; i < CPUS; i++) {
        more[i] = engine_cpu_make(r.engine, &error);
        assert_non_null(more[i]);
        if (i == 2) cpu_copy(more[2], more[1]); /* as threads do: it stays another one */
        assert_int_not_equal(more[i]->runner->id, first);
        for (unsigned k = 0; k < i; k++) assert_int_not_equal(more[i]->runner->id, more[k]->runner->id);
    }
    for (unsigned i = 0; i < CPUS; i++) engine_cpu_free(r.engine, more[i]);
    if (LIMIT_RUNNERS < 1000) {
        struct cpu *all[LIMIT_RUNNERS < 1000 ? LIMIT_RUNNERS : 1];
        for (unsigned i = 1; i < LIMIT_RUNNERS; i++) assert_non_null(all[i] = engine_cpu_make(r.engine, &error));
        assert_null(engine_cpu_make(r.engine, &error));
        for (unsigned i = 1; i < LIMIT_RUNNERS; i++) engine_cpu_free(r.engine, all[i]);
    }
    rig_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(cpus_have_numbers_of_their_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
