/* What cpus ask of each other, each on a thread of its own: one that runs guest code is out of it when it has been
 * waited for, and has done what it was asked for before it goes on; one that sleeps is woken, but not waited for; two
 * that ask each other all the time come to an end.
 */
#include "engine/rig.h"
#include "base/os.h"
#include <pthread.h>

static struct rig r;
static uint32_t ended;  /* the other cpu's run is over */
static uint32_t stop;   /* it is to be */
static uint32_t rounds; /* ecalls answered, of all */
static bool sleeps;     /* an ecall sleeps until it is woken */
static bool asks;       /* an ecall asks the others for something, and waits for them */

static enum answer answer(void *self, struct cpu *cpu) {
    (void)self;
    if (cpu->exit.kind == EXIT_poll) return __atomic_load_n(&stop, __ATOMIC_SEQ_CST) ? ANSWER_STOP : ANSWER_RESUME;
    if (cpu->exit.kind != EXIT_syscall) return ANSWER_STOP;
    __atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
    bool slept = sleeps;
    while (sleeps && !engine_sleep(r.engine, cpu, UINT64_MAX))
        ;
    if (slept) cpu_poke(cpu); /* what woke it may be a wish to stop */
    for (struct runner *o = r.engine->runners; asks && o; o = o->next) {
        if (o->cpu == cpu) continue;
        const uint64_t n = rounds;
        if (n % 3 == 0) cpu_request(o->cpu, REQUEST_SHORTCUTS | REQUEST_CODE);
        if (n % 3 == 1) cpu_request_range(o->cpu, &(struct cpu_range){RIG_DATA, n % 5 * RIG_PAGE, 0, true});
        if (n % 3 == 2) cpu_request_revoke(o->cpu, rig_host(&r, RIG_DATA));
    }
    if (asks) engine_await_requests(r.engine);
    cpu->pc += 4;
    if (asks && cpu == r.cpu) return --riscv_of(cpu)->raw_x[S1] ? ANSWER_RESUME : ANSWER_STOP;
    return ANSWER_RESUME;
}

static void *other_runs(void *cpu) {
    engine_run(r.engine, cpu);
    __atomic_store_n(&ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static struct cpu *other;
static pthread_t thread;

static void begin(enum tier tier, const char *code) {
    static struct interface interface;
    interface = rig_interface;
    interface.answer = answer;
    rig_make(&r, RIG_SOFT, &(struct engine_config){.tier = tier, .interface = &interface});
    other = rig_cpu(&r);
    rig_code(&r, RIG_CODE, code);
    ended = stop = rounds = 0;
    r.engine->soft = true;
    riscv_of(other)->raw_x[S0] = RIG_DATA;
    other->pc = RIG_CODE;
    engine_share(r.engine, r.cpu); /* this thread is in an answer of the first cpu from here on */
    assert_int_equal(pthread_create(&thread, NULL, other_runs, other), 0);
}

/* Gives up the lock until the other cpu has got that far. */
static void pass_until(const volatile uint64_t *word, uint64_t value) {
    engine_unlock(r.engine);
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) < value) os_pause();
    engine_lock(r.engine, r.cpu);
}

static void end(void) {
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    cpu_poke(other);
    engine_unlock(r.engine);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(ended, 1);
    rig_cpu_free(&r, other);
    r.engine->shared = false;
    rig_free(&r);
}

static const struct tlb_line *line_of(const struct cpu *cpu, uint64_t address) {
    return &cpu->mem[0].tlb->line[(address >> TLB_PAGE_SHIFT) % cpu->mem[0].tlb->lines];
}

/* It counts in memory for ever, which it may read and write without a word to anybody. */
#define COUNTS "loop: ld a1, 0(s0); addi a1, a1, 1; sd a1, 0(s0); jal zero, loop"

static void what_runs_is_out_when_it_was_waited_for(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned how = 0; how < 5; how++) {
            begin(rig_tiers[k], COUNTS);
            uint64_t *count = (uint64_t *)(void *)rig_host(&r, RIG_DATA);
            for (unsigned n = 0; n < 20; n++) {
                pass_until(count, *count + 100);
                const uint64_t served = r.engine->stats.requests;
                switch (how) {
                case 0: cpu_request(other, REQUEST_CODE); break;
                case 1: cpu_request(other, REQUEST_MAPPING); break;
                case 2: cpu_request(other, REQUEST_SHORTCUTS); break;
                case 3: cpu_request_range(other, &(struct cpu_range){RIG_DATA + 8, 8, 0, true}); break;
                default: cpu_request_revoke(other, rig_host(&r, RIG_DATA)); break;
                }
                engine_await_requests(r.engine);
                assert_int_equal(other->runner->in_code, 0);
                const uint64_t now = *count;
                for (unsigned i = 0; i < 1000; i++) os_pause();
                assert_int_equal(*(volatile uint64_t *)count,
                                 now);           /* it stands still as long as this one has the lock */
                requests_serve(r.engine, other); /* as it does itself before it goes on */
                assert_int_equal(r.engine->stats.requests, served + 1);
                const struct tlb_line *line = line_of(other, RIG_DATA);
                if (how == 1 || how == 3) assert_int_not_equal(line->read, RIG_DATA);
                if (how == 1 || how >= 3) assert_int_not_equal(line->write, RIG_DATA);
                if (how == 4 && TLB_LINES > 2) assert_int_equal(line->read, RIG_DATA);
            }
            pass_until(count, *count + 100);
            end();
        }
}

/* More than there is room for is everything. */
static void too_many_are_all(void **state) {
    (void)state;
    begin(TIER_INTERP, COUNTS);
    uint64_t *count = (uint64_t *)(void *)rig_host(&r, RIG_DATA);
    pass_until(count, 1000);
    for (unsigned n = 0; n <= REQUEST_PAGES; n++)
        cpu_request_revoke(other, rig_host(&r, RIG_DATA + (n + 1) * RIG_PAGE));
    engine_await_requests(r.engine);
    requests_serve(r.engine, other);
    assert_int_not_equal(line_of(other, RIG_DATA)->write, RIG_DATA);
    end();
}

static void who_sleeps_is_woken_but_not_waited_for(void **state) {
    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        begin(TIER_INTERP, "loop: ecall; sd a1, 0(s0); addi a1, a1, 1; jal zero, loop");
        sleeps = true;
        for (uint32_t n = 1; n < 50; n++) {
            engine_unlock(r.engine);
            while (__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) < n) os_pause();
            engine_lock(r.engine, r.cpu);
            if (how) cpu_request(other, REQUEST_MAPPING); /* for which nobody wakes */
            engine_await_requests(r.engine);
            assert_true(__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) == n);
            cpu_request(other, REQUEST_LOOK);
        }
        sleeps = false;
        end();
    }
}

static void who_asks_each_other_comes_to_an_end(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        begin(rig_tiers[k], "loop: ecall; ld a1, 0(s0); addi a1, a1, 1; sd a1, 0(s0); jal zero, loop");
        asks = true;
        engine_unlock(r.engine);
        riscv_of(r.cpu)->raw_x[S0] = RIG_DATA;
        riscv_of(r.cpu)->raw_x[S1] = 3000;
        rig_run(&r, RIG_CODE);
        assert_int_equal(riscv_of(r.cpu)->raw_x[S1], 0);
        engine_lock(r.engine, r.cpu);
        asks = false;
        end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_is_out_when_it_was_waited_for),
        cmocka_unit_test(too_many_are_all),
        cmocka_unit_test(who_sleeps_is_woken_but_not_waited_for),
        cmocka_unit_test(who_asks_each_other_comes_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
