/* Translations as bytes: given out by one engine and taken in by another, damaged, of other code; and frozen code,
 * which a fork leaves behind.
 */
#include "base/os.h"
#include "engine/rig.h"
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rig r;

/* FUNCTIONS functions with branches, a division (cold code), floating point (constants, fused sums), a helper (csrrs),
   a call of the next but one; called through a table (inline cache), with a loop around. */
enum { FUNCTIONS = 50, SIZE = 256, FIRST = RIG_CODE + RIG_PAGE, LAST = FIRST + FUNCTIONS * SIZE };

static void load(void) {
    rig_code(&r, RIG_CODE,
             "loop: ld a1, 0(s1); addi s1, s1, 8; jalr ra, 0(a1); addi s0, s0, -1; bne s0, zero, loop; ecall");
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        uint64_t at = FIRST + f * SIZE;
        char text[400];
        r.nlabels = 0;
        snprintf(text, sizeof text,
                 "addi t1, zero, %u; again: slli a2, a0, 5; sub a0, a2, a0; addi a0, a0, %u; andi a2, a0, 4;"
                 "beq a2, zero, skip; xori a0, a0, %u; skip: addi t1, t1, -1; bne t1, zero, again; addi a3, zero, %u;"
                 "div a4, a0, a3; add a0, a0, a4; fcvt.d.l fa0, a0; fmadd.d fa0, fa0, fa0, fa0; fsgnjn.d fa0, fa0, fa0;"
                 "fcvt.l.d a4, fa0; add a0, a0, a4; csrrs a4, fflags, zero; add a0, a0, a4; jalr zero, 0(ra)",
                 1 + f % 4, f, f * 7 % 2000, f % 5);
        rig_code(&r, at, text);
        memcpy(rig_host(&r, RIG_DATA + 8 * f), &at, 8);
    }
}

static uint64_t call_all(void) {
    r.x[S0] = FUNCTIONS;
    r.x[S1] = RIG_DATA;
    r.x[A0] = 12345;
    r.cpu->fp_flags = 0;
    rig_done(&r, RIG_CODE);
    return r.x[A0];
}

#ifndef VEE_POISON /* allocations that fail leave gaps */
static void make(enum rig_memory memory) {
    rig_make(&r, memory, &(struct engine_config){.tier = TIER_BASELINE});
    load();
}

static void *give(size_t *size) {
    void *data = engine_code_save(r.engine, r.cpu, RIG_CODE, RIG_CODE + RIG_CODE_SIZE, NULL, 0, size);
    assert_non_null(data);
    return data;
}
static uint32_t take(const void *data, size_t size) {
    return engine_code_offer(r.engine, r.cpu, RIG_CODE, RIG_CODE + RIG_CODE_SIZE, data, size);
}

static void taken_in_code_does_the_same(void **state) {
    (void)state;
    const enum rig_memory memories[] = {RIG_WINDOW, RIG_DIRECT};
    for (unsigned m = 0; m < 2; m++) {
        size_t size, again_size;
        make(memories[m]);
        uint64_t expected = call_all();
        assert_true(call_all() == expected); /* by inline caches and links */
        uint32_t count = engine_code_new(r.engine, RIG_CODE, LAST);
        void *data = give(&size);
        assert_int_equal(engine_code_stored(data, size), count);
        rig_free(&r);
        for (int round = 0; round < 2; round++) { /* at the beginning of the cache, and behind other code */
            make(memories[m]);
            if (round) {
                rig_code(&r, RIG_CODE + RIG_CODE_SIZE - RIG_PAGE, "addi a0, a0, 1; ecall");
                rig_done(&r, RIG_CODE + RIG_CODE_SIZE - RIG_PAGE);
            }
            assert_int_equal(take(data, size), count);
            uint64_t before = engine_stats(r.engine).blocks;
            for (int i = 0; i < 3; i++) assert_true(call_all() == expected);
            assert_true(engine_stats(r.engine).blocks == before);
            assert_int_equal(engine_stats(r.engine).loaded, count);
            assert_int_equal(engine_code_new(r.engine, RIG_CODE, LAST), 0);
            if (!round) { /* what was taken in can be given out again */
                void *again = give(&again_size);
                assert_int_equal(again_size, size);
                assert_memory_equal(again, data, size);
                os_free(again);
            }
            /* and is dropped like any other */
            rig_code(&r, FIRST, "addi a0, zero, 1; jalr zero, 0(ra)");
            engine_recheck_code(r.engine, r.cpu, FIRST, SIZE);
            assert_true(call_all() != expected);
            engine_invalidate(r.engine, RIG_CODE, RIG_CODE_SIZE);
            r.nlabels = 0;
            load();
            assert_true(call_all() == expected);
            engine_flush(r.engine); /* after which they are there again */
            assert_true(call_all() == expected);
            assert_true(engine_stats(r.engine).loaded > count);
            rig_free(&r);
        }
        os_free(data);
    }
}

/* A part of the code is run in each of two runs: together they have all of it. */
static void what_was_kept_is_added_to(void **state) {
    (void)state;
    void *kept = NULL;
    size_t size = 0;
    uint64_t expected = 0;
    uint32_t count = 0;
    for (unsigned part = 0; part < 4; part++) {
        make(RIG_WINDOW);
        if (kept) take(kept, size);
        for (unsigned f = 0; f < FUNCTIONS; f++) { /* the last time all, the time before those that were not yet */
            uint64_t at = FIRST + (part == 3 ? f : f % 17 + 17 * part) % FUNCTIONS * SIZE;
            memcpy(rig_host(&r, RIG_DATA + 8 * f), &at, 8);
        }
        expected = call_all();
        assert_true(part == 3 ? engine_code_new(r.engine, RIG_CODE, LAST) == 0
                              : engine_code_new(r.engine, RIG_CODE, LAST) > 0);
        size_t more_size;
        void *more = engine_code_save(r.engine, r.cpu, RIG_CODE, RIG_CODE + RIG_CODE_SIZE, kept, size, &more_size);
        assert_non_null(more);
        assert_true(engine_code_stored(more, more_size) >= count);
        count = engine_code_stored(more, more_size);
        rig_free(&r);
        os_free(kept);
        kept = more;
        size = more_size;
    }
    make(RIG_WINDOW);
    assert_true(call_all() == expected);
    rig_free(&r);
    os_free(kept);
}

/* Every byte of the head, and of the rest one in so many, changed; and every length that is too short. */
static void damaged_bytes_are_not_taken(void **state) {
    (void)state;
    size_t size;
    make(RIG_WINDOW);
    uint64_t expected = call_all();
    uint8_t *data = give(&size);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    rig_free(&r);
    const uint32_t count = engine_code_stored(data, size);
    for (size_t i = 0; i < size; i += i < 500 ? 1 : 997) {
        memcpy(copy, data, size);
        copy[i] ^= 1u << i % 8;
        make(RIG_WINDOW);
        uint32_t offered = take(copy, size);
        if (i < 48) assert_int_equal(offered, 0);
        assert_true(call_all() == expected);
        assert_true(engine_stats(r.engine).loaded < count);
        rig_free(&r);
    }
    for (size_t n = 0; n < size; n += n < 200 ? 1 : 997) {
        uint8_t *end = malloc(n + 1); /* so that sanitizers see what is read behind it */
        assert_non_null(end);
        memcpy(end, data, n);
        make(RIG_WINDOW);
        take(end, n);
        assert_true(call_all() == expected);
        assert_true(engine_stats(r.engine).loaded < count);
        rig_free(&r);
        free(end);
    }
    make(RIG_WINDOW);
    assert_int_equal(engine_code_offer(r.engine, r.cpu, RIG_CODE, RIG_CODE + RIG_CODE_SIZE - RIG_PAGE, data, size), 0);
    assert_true(call_all() == expected);
    free(copy);
    os_free(data);
    rig_free(&r);
}

static void code_of_other_bytes_is_not_taken(void **state) {
    (void)state;
    size_t size;
    make(RIG_WINDOW);
    uint64_t expected = call_all();
    void *data = give(&size);
    rig_free(&r);
    make(RIG_WINDOW);
    rig_code(&r, LAST - SIZE, "addi a0, a0, 77; jalr zero, 0(ra)");
    uint32_t count = take(data, size);
    assert_true(call_all() != expected);
    assert_in_range(engine_stats(r.engine).loaded, 1, count - 1); /* the other pages are what they were */
    rig_free(&r);
    make(RIG_SOFT);
    assert_int_equal(take(data, size), 0);
    rig_free(&r);
    os_free(data);
}

/* What has changed since it was translated, without a word, is not given out. */
static void changed_code_is_not_given(void **state) {
    (void)state;
    size_t size;
    make(RIG_WINDOW);
    call_all();
    uint32_t count = engine_code_new(r.engine, RIG_CODE, LAST);
    rig_code(&r, FIRST, "addi a0, a0, 77; jalr zero, 0(ra)");
    void *data = give(&size);
    uint32_t stored = engine_code_stored(data, size);
    assert_true(stored && stored < count);
    rig_free(&r);
    make(RIG_WINDOW);
    rig_code(&r, FIRST, "addi a0, a0, 77; jalr zero, 0(ra)");
    assert_int_equal(take(data, size), stored);
    uint64_t with = call_all();
    engine_flush(r.engine);
    assert_true(call_all() == with);
    rig_free(&r);
    os_free(data);
}
#endif

/* In parent and child: linked code, links that come later, code that changes, a flush. Exits with 0. */
static int use_frozen_code(uint64_t expected) {
    const uint64_t extra = RIG_CODE + RIG_CODE_SIZE - RIG_PAGE;
    int bad = call_all() != expected;
    rig_code(&r, FIRST + 3 * SIZE, "addi a0, a0, 99; jalr zero, 0(ra)");
    engine_recheck_code(r.engine, r.cpu, FIRST, LAST - FIRST);
    uint64_t changed = call_all();
    bad += changed == expected || call_all() != changed;
    memcpy(rig_host(&r, RIG_DATA), &extra, 8);
    rig_code(&r, extra, "addi a0, a0, 1; jalr zero, 0(ra)");
    uint64_t other = call_all();
    bad += other == changed || call_all() != other;
    engine_flush(r.engine);
    return bad + (call_all() != other);
}

static void frozen_code_goes_on(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (int warm = 0; warm < 3; warm++) { /* with nothing translated, with little linked, with everything linked */
            rig_make(&r, RIG_WINDOW, &(struct engine_config){.tier = rig_tiers[k]});
            load();
            uint64_t expected = call_all();
            if (!warm) engine_flush(r.engine);
            if (warm == 2) assert_true(call_all() == expected);
            for (int depth = 0; depth < 2; depth++) { /* once, and with frozen code already */
                engine_fork(r.engine);
                pid_t pid = fork();
                if (pid == 0) {
                    if (!engine_fork_child(r.engine, r.cpu)) _exit(2);
                    engine_fork(r.engine);
                    pid = fork();
                    if (pid == 0) _exit(!engine_fork_child(r.engine, r.cpu) || use_frozen_code(expected));
                    int inner, bad = use_frozen_code(expected);
                    waitpid(pid, &inner, 0);
                    _exit(bad || inner);
                }
                assert_true(call_all() == expected);
                int status;
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
                assert_true(call_all() == expected);
            }
            assert_int_equal(use_frozen_code(expected), 0);
            rig_free(&r);
        }
}

/* Where there is no memory for a part of frozen code that has to change, none of it is run any more. */
static void frozen_code_changes_without_memory(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        rig_make(&r, RIG_WINDOW, &(struct engine_config){.tier = rig_tiers[k]});
        load();
        uint64_t expected = call_all();
        assert_true(call_all() == expected);
        engine_fork(r.engine);
        pid_t pid = fork();
        if (pid == 0) {
            const struct rlimit none = {RIG_PAGE, RIG_PAGE};
            if (!engine_fork_child(r.engine, r.cpu)) _exit(2);
            engine_fork(r.engine);
            if (setrlimit(RLIMIT_AS, &none) != 0) _exit(3);
            _exit(use_frozen_code(expected));
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        rig_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#ifndef VEE_POISON
        cmocka_unit_test(taken_in_code_does_the_same), cmocka_unit_test(what_was_kept_is_added_to),
        cmocka_unit_test(damaged_bytes_are_not_taken), cmocka_unit_test(code_of_other_bytes_is_not_taken),
        cmocka_unit_test(changed_code_is_not_given),
#endif
        cmocka_unit_test(frozen_code_goes_on),         cmocka_unit_test(frozen_code_changes_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
