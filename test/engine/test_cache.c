/* The cache of translated code: far too small for the program, of a size that cannot be had, with very many units; and
 * its mappings while code is made and run, as another thread sees them.
 */
#include "engine/rig.h"
#include <pthread.h>

static struct rig r;

/* FUNCTIONS functions of their own, called one after the other, each with a few blocks of its own and a loop. */
enum { FUNCTIONS = 600, SIZE = 256, FIRST = RIG_CODE + RIG_PAGE };
_Static_assert(FIRST + FUNCTIONS * SIZE <= RIG_CODE + RIG_CODE_SIZE, "all of them are code");

static void load(void) {
    rig_code(&r, RIG_CODE,
             "loop: ld a1, 0(s1); addi s1, s1, 8; jalr ra, 0(a1); addi s0, s0, -1; bne s0, zero, loop; ecall");
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        uint64_t at = FIRST + f * SIZE;
        char text[400];
        r.nlabels = 0;
        snprintf(text, sizeof text,
                 "addi t1, zero, %u; again: slli a2, a0, 5; sub a0, a2, a0; addi a0, a0, %u; andi a2, a0, 4;"
                 "beq a2, zero, skip; xori a0, a0, %u; skip: addi t1, t1, -1; bne t1, zero, again;"
                 "fcvt.d.l fa0, a0; fmul.d fa0, fa0, fa0; fsd fa0, 0(s2); sd a0, 8(s2); ld a2, 8(s2); jalr zero, 0(ra)",
                 1 + f % 4, f, f * 7 % 2000);
        rig_code(&r, at, text);
        memcpy(rig_host(&r, RIG_DATA + 8 * f), &at, 8);
    }
}

static uint64_t expected(uint64_t a0) {
    for (unsigned f = 0; f < FUNCTIONS; f++)
        for (unsigned i = 0; i < 1 + f % 4; i++) {
            a0 = a0 * 31 + f;
            if (a0 & 4) a0 ^= f * 7 % 2000;
        }
    return a0;
}

static void call_all(void) {
    uint64_t before = r.x[A0];
    r.x[S0] = FUNCTIONS;
    r.x[S1] = RIG_DATA;
    r.x[S2] = RIG_DATA + 0x10000;
    rig_done(&r, RIG_CODE);
    assert_true(r.x[A0] == expected(before));
}

/* Down to one that holds nothing at all. */
static void caches_that_are_too_small(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 8192, 16384, 65536};
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            rig_make(&r, (i + k) % 2, &(struct engine_config){.tier = rig_tiers[k], .cache_size = sizes[i]});
            load();
            uint64_t flushes = 0;
            for (unsigned round = 0; round < 3; round++) {
                call_all();
                const struct engine_stats stats = engine_stats(r.engine), *s = &stats;
                /* The first round of TIER_AUTO may interpret only. */
                if (rig_tiers[k] != TIER_INTERP && round && sizes[i] <= 65536) assert_true(s->flushes > flushes);
                flushes = s->flushes;
            }
            rig_free(&r);
        }
}

/* A size is had as it is asked for, or it is an error. */
static void caches_that_are_too_large(void **state) {
    (void)state;
    static const size_t sizes[] = {1ull << 31, 1ull << 32, (1ull << 32) + 8192, (1ull << 40) + 8192, SIZE_MAX};
    if (!host_native) return;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct error error = {0};
        struct engine_config config = {.guest = &guest_riscv,
                                       .interface = &rig_interface,
                                       .self = &r,
                                       .tier = TIER_BASELINE,
                                       .cache_size = sizes[i]};
        struct engine *e = engine_make(&config, &error);
        engine_free(e);
        assert_null(e);
        assert_non_null(strstr(error.text, "--cache-size"));
    }
}

/* What has been made is found again among all the others, before and after the table has grown. */
static void many_units_are_found(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        rig_make(&r, false, &(struct engine_config){.tier = rig_tiers[k], .cache_size = 16 << 20});
        load();
        for (unsigned round = 0; round < 3; round++) call_all();
        uint64_t units = r.engine->nunits;
        assert_true(units > FUNCTIONS * 2);
        cpu_flush_mapping(r.cpu);
        for (unsigned f = 0; f < FUNCTIONS; f++)
            assert_non_null(unit_find(r.engine, FIRST + f * SIZE, (FIRST + f * SIZE) & -(uint64_t)RIG_PAGE,
                                      r.cpu->runner->bank->ctx));
        call_all();
#ifndef VEE_POISON /* allocations that fail leave gaps */
        assert_int_equal(r.engine->nunits, units);
#endif
        engine_invalidate(r.engine, FIRST, FUNCTIONS * SIZE / 2);
        assert_true(r.engine->nunits < units && r.engine->nunits > units / 3);
        assert_null(unit_find(r.engine, FIRST, FIRST, r.cpu->runner->bank->ctx));
        call_all();
        rig_free(&r);
    }
}

/* ---- what is mapped while the engine runs */

static uint32_t finished, looked, bad;
static char bad_line[200];

static void *look_at_mappings(void *unused) {
    while (!__atomic_load_n(&finished, __ATOMIC_SEQ_CST)) {
        FILE *f = fopen("/proc/self/maps", "re");
        char line[5000], rights[5];
        while (f && fgets(line, sizeof line, f))
            if (sscanf(line, "%*s %4s", rights) == 1 && strchr(rights, 'w') && strchr(rights, 'x')) {
                snprintf(bad_line, sizeof bad_line, "%.190s", line);
                bad++;
            }
        if (f) fclose(f);
        __atomic_add_fetch(&looked, 1, __ATOMIC_SEQ_CST);
    }
    return unused;
}

static void no_page_is_writable_and_executable(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned soft = 0; soft < 2; soft++) {
            pthread_t thread;
            finished = looked = bad = 0;
            assert_int_equal(pthread_create(&thread, NULL, look_at_mappings, NULL), 0);
            for (uint32_t before = 0; before < 20; before = __atomic_load_n(&looked, __ATOMIC_SEQ_CST)) {
                rig_make(&r, soft, &(struct engine_config){.tier = rig_tiers[k], .cache_size = 65536});
                load();
                for (unsigned round = 0; round < 3; round++) call_all();
                rig_free(&r);
            }
            __atomic_store_n(&finished, 1, __ATOMIC_SEQ_CST);
            pthread_join(thread, NULL);
            if (bad) fail_msg("%s", bad_line);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches_that_are_too_small),
        cmocka_unit_test(caches_that_are_too_large),
        cmocka_unit_test(many_units_are_found),
        cmocka_unit_test(no_page_is_writable_and_executable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
