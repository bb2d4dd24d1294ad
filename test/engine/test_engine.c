/* The engine with a small guest: ways from block to block (links, inline caches, the jump TLB, the pairing stack) and
 * what becomes of them when code changes; flushing in the middle of a run; that no page is writable and executable.
 * Everything on every tier of this host.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/internal.h"
#include "vm/toy.h"

/* The toy with subroutines: their return address is in a register of its own. */
enum opcode {
    CALL = 16, /* link = next; pc += 2 * n, as a call */
    CALL_A,    /* the same to pc = a */
    JUMP_A,    /* pc = a */
    RETURN,    /* pc = link, as a return */
    SET,       /* a = TOY_CODE + n */
    CHANGED    /* exit code_changed */
};
struct cpu_with_link {
    struct toy_cpu t;
    uint64_t link;
};
static const struct slot slots[] = {{"a", offsetof(struct toy_cpu, a), T_I64, 0, FIELD_PLACES},
                                    {"b", offsetof(struct toy_cpu, b), T_I64, 0, FIELD_PLACES + 1},
                                    {"link", offsetof(struct cpu_with_link, link), T_I64, 0, PLACE_FIXED}};

static unsigned lift(struct builder *b, const uint8_t *bytes, size_t avail) {
    if (avail < 2) return 0;
    if (bytes[0] < CALL) return toy_lift(b, bytes, avail);
    uint64_t target = b->pc + (uint64_t)(2 * (int8_t)bytes[1]);
    builder_mark(b, b->pc, 2);
    switch ((enum opcode)bytes[0]) {
    case CALL:
        build_put(b, 2, build_const(b, T_I64, b->next));
        build_call(b, target, b->next);
        break;
    case CALL_A: {
        uint16_t a = build_get(b, 0);
        build_put(b, 2, build_const(b, T_I64, b->next));
        build_callind(b, a, b->next);
        break;
    }
    case JUMP_A: build_jumpind(b, build_get(b, 0)); break;
    case RETURN: build_ret(b, build_get(b, 2)); break;
    case SET: build_put(b, 0, build_const(b, T_I64, (uint64_t)(TOY_CODE + bytes[1]))); break;
    case CHANGED: build_exit(b, EXIT_code_changed, 0); break;
    }
    return 2;
}

static struct toy_vm t;
static struct engine_config settings;     /* flags that a test wants */
static _Alignas(4096) uint8_t code[4096]; /* a page, so that nothing else is on it */
static void (*at_syscall)(void);          /* call 0 */

static enum answer answer(void *self, struct cpu *cpu) {
    if (cpu->exit.kind == EXIT_syscall && cpu->exit.value == 0 && at_syscall) at_syscall();
    return toy_answer(self, cpu);
}

static const enum tier tiers[] = {TIER_INTERP, TIER_BASELINE, TIER_AUTO};
static unsigned tier_count(void) {
    return host_native ? sizeof tiers / sizeof *tiers : 1;
}

static void on_fault(int signal, siginfo_t *info, void *context) {
    if (!engine_host_fault(signal, info, context)) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

static struct engine *make(enum tier tier, const uint8_t *program, size_t size) {
    static struct guest guest;
    static const struct interface interface = {.name = "test", .answer = answer, .fetch = toy_fetch};
    guest = toy_guest;
    guest.lift = lift;
    guest.cpu_size = sizeof(struct cpu_with_link);
    static struct field fields[3]; /* the toy's, and one more like them */
    memcpy(fields, toy_fields, sizeof toy_fields);
    fields[2] = fields[1];
    fields[2].name = "link";
    fields[2].offset = offsetof(struct cpu_with_link, link);
    guest.fields = fields;
    guest.nfields = 3;
    guest.slots = slots;
    guest.nslots = 3;
    t = (struct toy_vm){.code = code, .code_size = sizeof code};
    memset(code, TOY_TRAP, sizeof code);
    memcpy(code, program, size);
    struct engine_config config = settings;
    config.guest = &guest;
    config.interface = &interface;
    config.self = &t;
    config.tier = tier;
    config.check = true;
    t.vm.engine = engine_make(&config, &t.vm.error);
    t.vm.cpu = engine_cpu_make(t.vm.engine, &t.vm.error);
    assert_non_null(t.vm.cpu);
    /* The test library puts a handler of its own in the place of the engine's. */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    t.vm.cpu->mem[0] = (struct mem_view){.kind = MEM_WINDOW, .base = t.memory, .limit = TOY_MEMORY};
    return t.vm.engine;
}
#define MAKE(tier, program) make(tier, program, sizeof program)

static uint64_t run(uint64_t a, uint64_t b) {
    struct cpu_with_link *cpu = (struct cpu_with_link *)t.vm.cpu;
    cpu->t.a = a;
    cpu->t.b = b;
    cpu->t.c.pc = TOY_CODE;
    t.vm.end = VM_RUNNING;
    engine_run(t.vm.engine, t.vm.cpu);
    assert_int_equal(t.vm.end, VM_EXITED);
    return cpu->t.a;
}
static uint64_t lookups(void) {
    return engine_stats(t.vm.engine).exits[EXIT_lookup];
}

/* Programs that come to X, each by another way, as often as b says and at least once: X adds 10 and ends. */
enum { X = 64, STOP = TOY_SYSCALL };
#define TO_X(at) ((X - (at)) / 2)
static const struct way {
    const char *name;
    uint8_t program[16];
    uint64_t from; /* the start, if it is not the beginning */
} ways[] = {
    {"jump", {TOY_JUMP, TO_X(0)}, 0},
    {"branch", {TOY_LOOP, TO_X(0), TOY_TRAP, 0}, 0},
    {"call", {CALL, TO_X(0)}, 0},
    {"indirect call", {SET, X, CALL_A, 0}, 0},
    {"indirect jump", {SET, X, JUMP_A, 0}, 0},
    {"return", {SET, X, CALL_A, 0}, 0},
    {"falling through", {0}, X - 6},
};

static void load_way(const struct way *w, enum tier tier) {
    static const uint8_t at_x[] = {TOY_ADD, 10, STOP, 1};
    MAKE(tier, w->program);
    memcpy(code + X, at_x, sizeof at_x);
    if (!strcmp(w->name, "return")) { /* X calls what follows and goes on behind the call */
        static const uint8_t calls[] = {CALL, 4, TOY_ADD, 10, STOP, 1, TOY_TRAP, 0, RETURN, 0};
        memcpy(code + X, calls, sizeof calls);
    }
    if (w->from) { /* a long run of instructions, which is cut into blocks before X */
        static const uint8_t falls[] = {TOY_JUMP, 1, SET, 0, TOY_JUMP, 1};
        memcpy(code + w->from, falls, sizeof falls);
        code[0] = TOY_JUMP;
        code[1] = (uint8_t)(w->from / 2);
    }
}

static void changed_code_is_reached_by_every_way(void **state) {
    (void)state;
    for (unsigned k = 0; k < tier_count(); k++)
        for (const struct way *w = ways; w < ways + sizeof ways / sizeof *ways; w++) {
            load_way(w, tiers[k]);
            unsigned add = !strcmp(w->name, "return") ? X + 2 : X;
            for (unsigned i = 0; i < 4; i++) run(0, 2);
            uint64_t before = lookups(), old = run(0, 2);
            if (tiers[k] == TIER_BASELINE && lookups() != before) fail_msg("%s: not linked", w->name);
            code[add + 1] = 33; /* nobody has been told: the old code is what runs */
            assert_int_equal(run(0, 2), old);
            engine_invalidate(t.vm.engine, TOY_CODE + add, 2);
            if (run(0, 2) != old + 23) fail_msg("%s, tier %d: the old code ran", w->name, tiers[k]);
            if (run(0, 2) != old + 23) fail_msg("%s, tier %d: the old code ran again", w->name, tiers[k]);
            code[add + 1] = 10;
            engine_recheck_code(t.vm.engine, t.vm.cpu, 0, UINT64_MAX);
            if (run(0, 2) != old) fail_msg("%s, tier %d: recheck", w->name, tiers[k]);
            engine_flush(t.vm.engine);
            assert_int_equal(run(0, 2), old);
            toy_free(&t);
        }
}

static void change_while_called(void) {
    code[3] = 33;
}
static void invalidate_while_called(void) {
    code[3] = 33;
    engine_invalidate(t.vm.engine, TOY_CODE, 8); /* the caller, and what it goes on with */
}
static void flush_while_called(void) {
    code[3] = 33;
    engine_flush(t.vm.engine);
}

/* The code that called is not there any more when the callee returns. */
static void returns_find_new_code(void **state) {
    (void)state;
    static const uint8_t told[] = {CALL, 4, TOY_ADD, 1, STOP, 1, TOY_TRAP, 0, TOY_SYSCALL, 0, CHANGED, 0, RETURN, 0};
    static const uint8_t untold[] = {CALL, 4, TOY_ADD, 1, STOP, 1, TOY_TRAP, 0, TOY_SYSCALL, 0, RETURN, 0};
    for (unsigned k = 0; k < tier_count(); k++) {
        MAKE(tiers[k], untold);
        for (unsigned i = 0; i < 3; i++) assert_int_equal(run(0, 0), 1);
        at_syscall = invalidate_while_called;
        assert_int_equal(run(0, 0), 33);
        at_syscall = NULL;
        code[3] = 1;
        engine_flush(t.vm.engine);
        for (unsigned i = 0; i < 3; i++) assert_int_equal(run(0, 0), 1);
        at_syscall = flush_while_called;
        assert_int_equal(run(0, 0), 33);
        at_syscall = NULL;
        toy_free(&t);
        MAKE(tiers[k], told);
        for (unsigned i = 0; i < 3; i++) assert_int_equal(run(0, 0), 1);
        at_syscall = change_while_called;
        assert_int_equal(run(0, 0), 33);
        at_syscall = NULL;
        toy_free(&t);
    }
}

/* An inline cache belongs to its first target; the others must still be found. */
static void one_site_calls_two(void **state) {
    (void)state;
    static const uint8_t program[] = {CALL_A, 0, STOP, 1};
    static const uint8_t first[] = {SET, 100, RETURN, 0}, second[] = {SET, 200, RETURN, 0};
    for (unsigned k = 0; k < tier_count(); k++) {
        MAKE(tiers[k], program);
        memcpy(code + 100, first, sizeof first);
        memcpy(code + 200, second, sizeof second);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(run(TOY_CODE + (i % 3 ? 100 : 200), 0), TOY_CODE + (i % 3 ? 100 : 200));
        toy_free(&t);
    }
}

/* Calls that never return fill the pairing stack: three times as many as it has room for. */
static void the_pairing_stack_runs_full(void **state) {
    (void)state;
    static const uint8_t program[] = {CALL, 1, TOY_ADD, 1, TOY_LOOP, -2, CALL, 2, STOP, 1, RETURN, 0};
    const uint64_t calls = 3 * PAIR_STACK / PAIR_FRAME;
    for (unsigned k = 0; k < tier_count(); k++) {
        MAKE(tiers[k], program);
        uint64_t drops = engine_stats(t.vm.engine).pair_drops;
        assert_int_equal(run(0, calls), calls);
        if (tiers[k] == TIER_BASELINE) assert_in_range(engine_stats(t.vm.engine).pair_drops - drops, 3, 10);
        assert_int_equal(run(0, 5), 5);
        toy_free(&t);
    }
}

/* Addresses that are no instruction's: jumps round them down, whatever shortcut is asked. */
static void odd_targets_are_rounded(void **state) {
    (void)state;
    static const uint8_t jump[] = {JUMP_A, 0}, call[] = {CALL_A, 0};
    static const uint8_t target[] = {STOP, 1};
    for (unsigned k = 0; k < tier_count(); k++)
        for (unsigned which = 0; which < 2; which++) {
            make(tiers[k], which ? call : jump, 2);
            memcpy(code + 100, target, sizeof target);
            for (unsigned i = 0; i < 8; i++) run(TOY_CODE + 100 + (i & 1), 0);
            assert_int_equal(t.vm.cpu->pc, TOY_CODE + 100);
            toy_free(&t);
        }
}

/* ---- W^X */

/* Calls see(start, end, rights) for every mapping of this process. */
static void each_mapping(void (*see)(uint64_t start, uint64_t end, const char *rights)) {
    FILE *f = fopen("/proc/self/maps", "re");
    char line[5000], rights[5];
    unsigned long start, end;
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "%lx-%lx %4s", &start, &end, rights) == 3) see(start, end, rights);
    fclose(f);
}

static unsigned seen;
static void see(uint64_t start, uint64_t end, const char *rights) {
    const struct engine *e = t.vm.engine;
    const uint64_t executed = (uintptr_t)e->execute, written = (uintptr_t)e->write;
    const uint64_t memory = (uintptr_t)t.memory, program = (uintptr_t)code;
    if (strchr(rights, 'w') && strchr(rights, 'x')) fail_msg("%lx-%lx is %s", start, end, rights);
    if ((memory >= start && memory < end) || (program >= start && program < end)) assert_null(strchr(rights, 'x'));
    if (e->execute && executed >= start && executed < end) {
        assert_string_equal(rights, "r-xs");
        seen++;
    }
    if (e->execute && written >= start && written < end) {
        assert_string_equal(rights, "rw-s");
        seen++;
    }
}
static void look_at_mappings(void) {
    each_mapping(see);
}

static void no_page_is_writable_and_executable(void **state) {
    (void)state;
    static const uint8_t program[] = {TOY_STORE, 1, TOY_LOOP, -1, TOY_SYSCALL, 0, STOP, 1};
    for (unsigned k = 0; k < tier_count(); k++) {
        MAKE(tiers[k], program);
        seen = 0;
        at_syscall = look_at_mappings;
        run(0, 100);
        run(0, 100);
        at_syscall = NULL;
        assert_int_equal(seen, t.vm.engine->execute ? 4 : 0);
        toy_free(&t);
    }
}

/* ---- poison */

static void poison_changes_nothing(void **state) {
    (void)state;
    static const uint8_t program[] = {CALL, 3, TOY_LOOP, -1, STOP, 1, SET, 40, JUMP_A, 0};
    static const uint8_t at_40[] = {TOY_STORE, 1, RETURN, 0};
    for (unsigned k = 0; k < tier_count(); k++)
        for (unsigned which = 0; which < 4; which++) {
            settings =
                (struct engine_config){.one_block = which == 1, .random_flush = which == 2, .poll_always = which == 3};
            MAKE(tiers[k], program);
            memcpy(code + 40, at_40, sizeof at_40);
            assert_int_equal(run(0, 300), TOY_CODE + 41);
            const struct engine_stats stats = engine_stats(t.vm.engine), *s = &stats;
            if (which == 0) assert_int_equal(s->flushes, 0);
            if (which == 1) assert_true(s->flushes >= s->blocks);
            if (which == 2 && tiers[k] == TIER_INTERP) assert_true(s->flushes > 0);
            if (which == 3) assert_true(t.polls >= 300);
            settings = (struct engine_config){0};
            toy_free(&t);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changed_code_is_reached_by_every_way),
        cmocka_unit_test(returns_find_new_code),
        cmocka_unit_test(one_site_calls_two),
        cmocka_unit_test(the_pairing_stack_runs_full),
        cmocka_unit_test(odd_targets_are_rounded),
        cmocka_unit_test(no_page_is_writable_and_executable),
        cmocka_unit_test(poison_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
