/*
 * vm: stopping at exact instruction counts, scheduled events, stop requests, digests, time and random bytes, with a toy
 * guest, on every tier of this host.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vm/toy.h"

static struct toy_vm t, other;

/* 7 instructions a round, in two blocks; ends with status 3 after b rounds. */
static const uint8_t rounds_code[] = {TOY_ADD, 1, TOY_STORE, 3, TOY_ADD,  -2, TOY_JUMP,    2, TOY_TRAP, 0,
                                      TOY_ADD, 5, TOY_STORE, 1, TOY_LOOP, -7, TOY_SYSCALL, 3};
enum { ROUND = 7 };

static unsigned tiers(void) {
    return host_native ? 2 : 1;
}

#define MAKE(vm, code, tier, counted, b) assert_true(toy_make(vm, code, sizeof code, tier, counted, b))

static uint64_t reg_a(const struct toy_vm *v) {
    return ((const struct toy_cpu *)v->vm.cpu)->a;
}

static void a_run_ends_as_the_guest_says(void **state) {
    (void)state;
    for (unsigned tier = 0; tier < tiers(); tier++)
        for (int counted = 0; counted < 2; counted++) {
            MAKE(&t, rounds_code, tier, counted, 1000);
            vm_run(&t.vm);
            assert_int_equal(t.vm.end, VM_EXITED);
            assert_int_equal(t.vm.status, 3);
            assert_int_equal(reg_a(&t), 1000 * (1 + 3 - 2 + 5 + 1));
            if (counted) assert_int_equal(cpu_count(t.vm.cpu), 1000 * ROUND);
            vm_run(&t.vm); /* the end is for good */
            assert_int_equal(t.vm.end, VM_EXITED);
            toy_free(&t);
        }
}

static void a_trap_is_an_end_with_its_kind(void **state) {
    (void)state;
    static const uint8_t code[] = {TOY_ADD, 1, TOY_TRAP, 0};
    static const uint8_t beyond[] = {TOY_ADD, 1, TOY_JUMP, 100};
    for (unsigned tier = 0; tier < tiers(); tier++) {
        MAKE(&t, code, tier, true, 0);
        vm_run(&t.vm);
        assert_int_equal(t.vm.end, VM_TRAPPED);
        assert_int_equal(t.vm.status, EXIT_unreachable);
        assert_int_equal(t.vm.cpu->pc, TOY_CODE + 2);
        assert_int_equal(cpu_count(t.vm.cpu), 1);
        toy_free(&t);
        MAKE(&t, beyond, tier, true, 0);
        vm_run(&t.vm);
        assert_int_equal(t.vm.status, EXIT_fault_fetch);
        assert_int_equal(t.vm.cpu->pc, TOY_CODE + 2 + 200);
        assert_int_equal(cpu_count(t.vm.cpu), 2);
        toy_free(&t);
    }
}

static void runs_stop_at_every_count_exactly(void **state) {
    (void)state;
    uint64_t digest[2][60];
    for (unsigned tier = 0; tier < tiers(); tier++) {
        for (unsigned n = 0; n < 60; n++) {
            MAKE(&t, rounds_code, tier, true, 1000);
            t.vm.stop_at = n;
            vm_run(&t.vm);
            assert_int_equal(t.vm.end, VM_AT_COUNT);
            assert_int_equal(cpu_count(t.vm.cpu), n);
            digest[tier][n] = vm_digest(&t.vm);
            for (unsigned m = 0; m < n; m++) assert_int_not_equal(digest[tier][m], digest[tier][n]);
            if (tier) assert_int_equal(digest[0][n], digest[1][n]);
            toy_free(&t);
        }
    }
}

static void a_run_in_pieces_is_the_same_run(void **state) {
    (void)state;
    for (unsigned tier = 0; tier < tiers(); tier++) {
        MAKE(&t, rounds_code, tier, true, 1000);
        MAKE(&other, rounds_code, tier, true, 1000);
        for (uint64_t at = 0; at < 5000; at += at % 13 + 1) {
            t.vm.stop_at = at;
            vm_run(&t.vm);
            assert_int_equal(cpu_count(t.vm.cpu), at);
        }
        uint64_t count = cpu_count(t.vm.cpu);
        other.vm.stop_at = count;
        vm_run(&other.vm);
        assert_int_equal(vm_digest(&t.vm), vm_digest(&other.vm));
        t.vm.stop_at = UINT64_MAX;
        vm_run(&t.vm);
        assert_int_equal(t.vm.end, VM_EXITED);
        assert_int_equal(cpu_count(t.vm.cpu), 1000 * ROUND);
        toy_free(&t);
        toy_free(&other);
    }
}

static void events_come_at_their_counts(void **state) {
    (void)state;
    for (unsigned tier = 0; tier < tiers(); tier++) {
        MAKE(&t, rounds_code, tier, true, 1000);
        t.every = 11;
        t.vm.next_event = 5;
        t.vm.stop_at = 60;
        vm_run(&t.vm);
        assert_int_equal(t.vm.end, VM_AT_COUNT);
        assert_int_equal(t.events, 5); /* the sixth is due at 60, where the stop comes first */
        for (unsigned i = 0; i < t.events; i++) assert_int_equal(t.event_at[i], 5 + 11 * i);
        t.vm.stop_at = 61;
        vm_run(&t.vm);
        assert_int_equal(t.events, 6);
        assert_int_equal(t.event_at[5], 60);
        assert_int_equal(cpu_count(t.vm.cpu), 61);
        toy_free(&t);
    }
}

static void an_event_in_the_past_comes_at_once(void **state) {
    (void)state;
    MAKE(&t, rounds_code, TIER_INTERP, true, 1000);
    t.vm.stop_at = 50;
    vm_run(&t.vm);
    vm_schedule(&t.vm, t.vm.cpu, 20);
    t.vm.stop_at = 100;
    vm_run(&t.vm);
    assert_int_equal(t.events, 1);
    assert_int_equal(t.event_at[0], 50);
    toy_free(&t);
}

static void a_stop_request_ends_the_run_and_it_can_go_on(void **state) {
    (void)state;
    static const uint8_t forever[] = {TOY_ADD, 1, TOY_JUMP, -1};
    for (unsigned tier = 0; tier < tiers(); tier++) {
        MAKE(&t, forever, tier, false, 0);
        for (unsigned i = 0; i < 3; i++) {
            vm_ask_stop(&t.vm);
            vm_run(&t.vm);
            assert_int_equal(t.vm.end, VM_STOPPED);
            assert_int_equal(t.polls, i + 1);
        }
        toy_free(&t);
    }
}

static void a_digest_covers_registers_memory_and_count(void **state) {
    (void)state;
    MAKE(&t, rounds_code, TIER_INTERP, true, 1000);
    struct toy_cpu *cpu = (struct toy_cpu *)t.vm.cpu;
    uint64_t first = vm_digest(&t.vm);
    assert_int_equal(vm_digest(&t.vm), first);
#define CHANGES(what)                                                                                                  \
    do {                                                                                                               \
        (what)++;                                                                                                      \
        assert_int_not_equal(vm_digest(&t.vm), first);                                                                 \
        (what)--;                                                                                                      \
    } while (0)
    CHANGES(cpu->a);
    CHANGES(cpu->b);
    CHANGES(cpu->c.pc);
    CHANGES(cpu->c.fp_flags);
    CHANGES(cpu->c.count.executed);
    CHANGES(t.memory[TOY_MEMORY - 1]);
#undef CHANGES
    assert_int_equal(vm_digest(&t.vm), first);
    toy_free(&t);
}

static void counted_time_is_the_count(void **state) {
    (void)state;
    MAKE(&t, rounds_code, TIER_INTERP, true, 1000);
    assert_int_equal(vm_clock_ns(&t.vm), 0);
    t.vm.stop_at = 123;
    vm_run(&t.vm);
    assert_int_equal(vm_clock_ns(&t.vm), 123);
    vm_clock_advance(&t.vm, 1000);
    assert_int_equal(vm_clock_ns(&t.vm), 1123);
    toy_free(&t);
}

static void uncounted_time_passes(void **state) {
    (void)state;
    MAKE(&t, rounds_code, TIER_INTERP, false, 1000);
    uint64_t start = vm_clock_ns(&t.vm), now = start;
    assert_true(start < 60000000000u); /* it began when the vm was opened */
    while (now == start) now = vm_clock_ns(&t.vm);
    assert_true(now > start);
    toy_free(&t);
}

static void random_bytes_repeat_only_in_counted_vms(void **state) {
    (void)state;
    uint8_t x[37], y[37], z[37] = {0};
    for (int counted = 0; counted < 2; counted++) {
        MAKE(&t, rounds_code, TIER_INTERP, counted, 0);
        MAKE(&other, rounds_code, TIER_INTERP, counted, 0);
        vm_random(&t.vm, x, sizeof x);
        vm_random(&other.vm, y, sizeof y);
        assert_memory_not_equal(x, z, sizeof x);
        if (counted)
            assert_memory_equal(x, y, sizeof x);
        else
            assert_memory_not_equal(x, y, sizeof x);
        vm_random(&t.vm, y, sizeof y);
        assert_memory_not_equal(x, y, sizeof x);
        toy_free(&t);
        toy_free(&other);
    }
}

static void files_that_cannot_be_opened_are_named(void **state) {
    (void)state;
    static const struct {
        struct vm_options options;
        enum error_code code;
        const char *text;
    } cases[] = {
        {{.path = "/nonexistent/file"}, ERROR_NOT_FOUND, "/nonexistent/file: no such file"},
        {{.path = "/dev/null/file"}, ERROR_NOT_FOUND, "/dev/null/file: no such file"},
        {{.path = "/"}, ERROR_NOT_RUNNABLE, "/: cannot be read: Is a directory"},
        {{.path = "/dev/null"}, ERROR_NOT_RUNNABLE, "/dev/null: the first 0 bytes are not"},
        {{.path = "/dev/null", .kind = "toaster"}, ERROR_USAGE, "there is no kind of machine called 'toaster'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        assert_null(vm_open(&cases[i].options, &error));
        assert_int_equal(error.code, cases[i].code);
        if (!strstr(error.text, cases[i].text)) fail_msg("'%s', not '%s'", error.text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_ends_as_the_guest_says),
        cmocka_unit_test(a_trap_is_an_end_with_its_kind),
        cmocka_unit_test(runs_stop_at_every_count_exactly),
        cmocka_unit_test(a_run_in_pieces_is_the_same_run),
        cmocka_unit_test(events_come_at_their_counts),
        cmocka_unit_test(an_event_in_the_past_comes_at_once),
        cmocka_unit_test(a_stop_request_ends_the_run_and_it_can_go_on),
        cmocka_unit_test(a_digest_covers_registers_memory_and_count),
        cmocka_unit_test(counted_time_is_the_count),
        cmocka_unit_test(uncounted_time_passes),
        cmocka_unit_test(random_bytes_repeat_only_in_counted_vms),
        cmocka_unit_test(files_that_cannot_be_opened_are_named),
    };
    return cmocka_run_group_tests_name("vm", tests, NULL, NULL);
}
