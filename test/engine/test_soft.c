/* Code in soft memory that several cpus, each on a thread of its own, write and run: a store through a right that was
 * given before there was code is seen by who translates, what one has changed the others run when they have been asked
 * to fetch anew, and what a device has written too; and who looks for code without the lock finds what there is.
 */
#include "engine/rig.h"
#include "base/os.h"
#include <pthread.h>

enum { WRITER, RUNNER, CPUS };
enum { F = RIG_CODE + 0x1000, RESULT = RIG_DATA };

static struct rig r;
static struct cpu *cpus[CPUS];
static pthread_t threads[CPUS];
static uint32_t told[CPUS]; /* 1: to run from where its pc is; 0: it has come to an ecall */
static uint32_t over;
static bool racing; /* ecalls are answered by compare() */
static uint64_t newest, known, compared;
static bool older; /* than what was known it was once */

static bool counting; /* ecalls of the runner are answered by calls_counted() */
static uint64_t rounds, wrong;

/* Each function has counted its call, whatever others have done to the translations meanwhile. */
static enum answer calls_counted(struct cpu *cpu) {
    wrong += riscv_of(cpu)->raw_x[A1] != riscv_of(cpu)->raw_x[A4];
    cpu->pc += 4;
    __atomic_store_n(&rounds, rounds + 1, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&over, __ATOMIC_SEQ_CST) ? ANSWER_STOP : ANSWER_RESUME;
}

/* The writer says that it has written a new number; the runner, what it has got. */
static enum answer compare(struct cpu *cpu) {
    if (cpu == cpus[WRITER]) {
        cpu_request(cpus[RUNNER], REQUEST_CODE);
        engine_await_requests(r.engine);
        newest = riscv_of(cpu)->raw_x[A2];
        for (const uint64_t before = compared; newest % 16 == 0 && compared == before;)
            engine_sleep(r.engine, cpu, 100000);
    } else {
        older |= riscv_of(cpu)->raw_x[A1] < known;
        known = newest; /* before it begins anew */
        compared++;
    }
    cpu->pc += 4;
    if (cpu == cpus[RUNNER] || --riscv_of(cpu)->raw_x[S1]) return ANSWER_RESUME;
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    cpu_poke(cpus[RUNNER]);
    return ANSWER_STOP;
}

static enum answer answer(void *self, struct cpu *cpu) {
    const unsigned i = cpu == cpus[WRITER] ? WRITER : RUNNER;
    (void)self;
    if (cpu->exit.kind == EXIT_poll) return __atomic_load_n(&over, __ATOMIC_SEQ_CST) ? ANSWER_STOP : ANSWER_RESUME;
    if (cpu->exit.kind != EXIT_syscall)
        fail_msg("%s at 0x%llx", exit_info[cpu->exit.kind].name, (unsigned long long)cpu->pc);
    if (racing) return compare(cpu);
    if (counting && i == RUNNER) return calls_counted(cpu);
    __atomic_store_n(&told[i], 0, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&told[i], __ATOMIC_SEQ_CST) && !__atomic_load_n(&over, __ATOMIC_SEQ_CST))
        engine_sleep(r.engine, cpu, 1000000);
    return __atomic_load_n(&over, __ATOMIC_SEQ_CST) ? ANSWER_STOP : ANSWER_RESUME;
}

static void *run(void *cpu) {
    engine_run(r.engine, cpu);
    return NULL;
}

static void begin(enum tier tier, const char *writer, const char *runner) {
    static struct interface interface;
    interface = rig_interface;
    interface.answer = answer;
    rig_make(&r, RIG_SOFT, &(struct engine_config){.tier = tier, .interface = &interface});
    rig_code(&r, RIG_CODE, writer);
    rig_code(&r, RIG_CODE + 0x800, runner);
    r.engine->soft = true;
    r.engine->phys = &r.phys;
    over = 0;
    engine_share(r.engine, r.cpu); /* this thread stands for the first cpu, in an answer */
    for (unsigned i = 0; i < CPUS; i++) {
        cpus[i] = rig_cpu(&r);
        cpus[i]->pc = RIG_CODE + 0x800 * i;
        told[i] = 1;
    }
}

static void start(void) {
    for (unsigned i = 0; i < CPUS; i++) assert_int_equal(pthread_create(&threads[i], NULL, run, cpus[i]), 0);
    engine_unlock(r.engine);
}

static void end(void) {
    for (unsigned i = 0; i < CPUS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned i = 0; i < CPUS; i++) rig_cpu_free(&r, cpus[i]);
    r.engine->shared = false;
    rig_free(&r);
}

static void await(unsigned i) {
    while (__atomic_load_n(&told[i], __ATOMIC_SEQ_CST)) os_wait(&told[i], 1, 100000);
}

/* Runs a cpu up to its next ecall. */
static void go(unsigned i, uint64_t address, uint64_t value) {
    await(i);
    engine_lock(r.engine, r.cpu);
    riscv_of(cpus[i])->raw_x[A3] = address;
    riscv_of(cpus[i])->raw_x[A2] = value;
    cpus[i]->pc = RIG_CODE + 0x800 * i;
    __atomic_store_n(&told[i], 1, __ATOMIC_SEQ_CST);
    engine_unlock(r.engine);
    cpu_poke(cpus[i]);
    await(i);
}

static uint32_t loads(unsigned number) {
    return rig_encode("addi a1, zero, 0") | number << 20;
}

static void rights_from_before_are_taken_back(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++)
        for (unsigned device = 0; device < 2; device++) {
            begin(rig_tiers[k], "sw a2, 0(a3); idle: ecall", "jalr ra, 0(a3); ecall");
            cpus[WRITER]->pc = cpus[RUNNER]->pc = rig_label(&r, "idle");
            start();
            await(WRITER), await(RUNNER);
            for (unsigned n = 0; n < 100; n++) {
                const uint64_t page = F + (n % 50 + 1) * RIG_PAGE, at = page + n / 50 * 512;
                const uint32_t back = rig_encode("jalr zero, 0(ra)");
                go(WRITER, at + 4, back);
                go(WRITER, at, loads(n)); /* it may write there freely from now on */
                for (unsigned again = 0; again < 3; again++) {
                    go(RUNNER, at, 0);
                    assert_int_equal(riscv_of(cpus[RUNNER])->raw_x[A1], n + again);
                    if (device) {
                        const uint32_t bits = loads(n + again + 1);
                        memcpy(rig_host(&r, at), &bits, 4);
                        engine_written(r.engine, at, 4);
                    } else {
                        go(WRITER, at, loads(n + again + 1));
                    }
                }
            }
            __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
            for (unsigned i = 0; i < CPUS; i++) cpu_poke(cpus[i]);
            end();
        }
}

/* The writer's numbers grow; what the runner gets after the writer has waited for it is never an older one. */
static void what_was_waited_for_is_what_runs(void **state) {
    (void)state;
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        begin(rig_tiers[k],
              "loop: addi a2, a2, 1; slli a4, a2, 20; add a4, a4, a5; sw a4, 0(a3); fence.i; ecall; jal zero, loop",
              "again: jalr ra, 0(a3); ecall; jal zero, again");
        rig_code(&r, F, "addi a1, zero, 0; jalr zero, 0(ra)");
        for (unsigned i = 0; i < CPUS; i++) riscv_of(cpus[i])->raw_x[A3] = F;
        riscv_of(cpus[WRITER])->raw_x[A5] = loads(0);
        riscv_of(cpus[WRITER])->raw_x[S1] = 1500;
        newest = known = compared = 0;
        racing = true;
        start();
        end();
        racing = false;
        assert_false(older);
        assert_true(compared > 0);
        assert_int_equal(newest, 1500);
    }
}

/* Jumps miss the jump TLB all the time, and find code without the lock, while others drop that code, move it, make more
   of it, and flush everything. */
static void who_looks_for_code_finds_what_is_there(void **state) {
    (void)state;
    enum { FUNCTIONS = 12, APART = JTLB_LINES * 2 < RIG_PAGE ? RIG_PAGE : JTLB_LINES * 2, ROUNDS = 400 };
    for (unsigned k = 0; k < rig_tier_count(); k++) {
        begin(rig_tiers[k], "sw a2, 0(a3); jalr ra, 0(a3); idle: ecall",
              "again: addi s0, zero, 12; addi s1, s2, 0; next: ld a2, 0(s1); addi s1, s1, 8; addi a4, a4, 1;"
              "jalr ra, 0(a2); addi s0, s0, -1; bne s0, zero, next; ecall; jal zero, again");
        for (unsigned n = 0; n < FUNCTIONS; n++) {
            const uint64_t at = F + n * APART;
            rig_code(&r, at, "addi a1, a1, 1; jalr zero, 0(ra)");
            memcpy(rig_host(&r, RIG_DATA + 8 * n), &at, 8);
        }
        riscv_of(cpus[RUNNER])->raw_x[S2] = RIG_DATA;
        cpus[WRITER]->pc = rig_label(&r, "idle");
        rounds = wrong = 0;
        counting = true;
        start();
        for (unsigned n = 0; n < ROUNDS; n++) {
            const uint64_t seen = __atomic_load_n(&rounds, __ATOMIC_SEQ_CST);
            go(WRITER, F + n % FUNCTIONS * APART,
               rig_encode("addi a1, a1, 1")); /* the same again, which is not known */
            engine_lock(r.engine, r.cpu);
            if (n % 4 == 3) engine_flush(r.engine);
            engine_unlock(r.engine);
            while (__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) < seen + 3) os_pause();
        }
        __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
        for (unsigned i = 0; i < CPUS; i++) cpu_poke(cpus[i]);
        end();
        counting = false;
        assert_int_equal(wrong, 0);
    }
}

/* Cpus that interpret and never leave have the lock nearly all the time; whoever wants it gets it. */
static void who_interprets_lets_others_in(void **state) {
    (void)state;
    uint64_t seen[CPUS] = {0};
    begin(TIER_INTERP, "loop: addi a0, a0, 1; jal zero, loop", "again: addi a0, a0, 1; jal zero, again");
    start();
    for (unsigned n = 0; n < 50 * CPUS; n++) {
        const unsigned i = n % CPUS;
        engine_lock(r.engine, r.cpu);
        const uint64_t now = riscv_of(cpus[i])->raw_x[A0];
        engine_unlock(r.engine);
        if (now == seen[i]) n--; /* until it, too, has got on */
        seen[i] = now;
    }
    __atomic_store_n(&over, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPUS; i++) cpu_poke(cpus[i]);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_from_before_are_taken_back),
        cmocka_unit_test(what_was_waited_for_is_what_runs),
        cmocka_unit_test(who_looks_for_code_finds_what_is_there),
        cmocka_unit_test(who_interprets_lets_others_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
