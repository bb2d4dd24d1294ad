/* Every loop hears cpu_poke soon, whatever leads from its end to its beginning: from another thread, and from the
 * handler of a timer's signal. A loop that does not ends by itself, after seconds.
 */
#include "engine/rig.h"
#include "base/os.h"
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

static struct rig r;
enum { POKES = 3, SOON_S = 5 };

/* They count s0 down. In registers: s1, s2 the addresses of `loop` and `other`, if there are such. */
static const struct loop {
    const char *name, *text;
} loops[] = {
    {"a block by itself", "loop: addi s0, s0, -1; bne s0, zero, loop; ecall"},
    {"two blocks", "loop: addi s0, s0, -1; beq s0, zero, end; jal zero, other; end: ecall; other: jal zero, loop"},
    {"two blocks the other way round", "jal zero, loop; other: addi s0, s0, -1; beq s0, zero, end; jal zero, loop;"
                                       "end: ecall; loop: addi a1, a1, 1; jal zero, other"},
    {"in the middle of a block", "addi a2, a2, 1; loop: addi a1, a1, 1; addi s0, s0, -1; bne s0, zero, loop; ecall"},
    {"an indirect jump", "loop: addi s0, s0, -1; beq s0, zero, end; jalr zero, 0(s1); end: ecall"},
    {"two indirect jumps", "loop: addi s0, s0, -1; beq s0, zero, end; jalr zero, 0(s2); end: ecall;"
                           "other: jalr zero, 0(s1)"},
    {"calls and returns", "loop: jal ra, other; addi s0, s0, -1; bne s0, zero, loop; ecall; other: jalr zero, 0(ra)"},
    {"indirect calls", "loop: jalr ra, 0(s2); addi s0, s0, -1; bne s0, zero, loop; ecall; other: jalr zero, 0(ra)"},
    {"calls that never return", "loop: addi s0, s0, -1; beq s0, zero, end; jal ra, loop; end: ecall"},
    {"calls forwards that never return", "jal zero, loop; end: ecall; loop: addi s0, s0, -1; beq s0, zero, end;"
                                         "jal ra, other; addi a1, a1, 1; other: jal ra, loop"},
    {"indirect calls that never return", "loop: addi s0, s0, -1; beq s0, zero, end; jalr ra, 0(s1); end: ecall"},
    {"returns without a call",
     "loop: addi s0, s0, -1; beq s0, zero, end; addi ra, s1, 0; jalr zero, 0(ra); end: ecall"},
    {"a call and a return to elsewhere", "loop: jal ra, other; ecall; other: addi s0, s0, -1; beq s0, zero, end;"
                                         "addi ra, s1, 0; jalr zero, 0(ra); end: jalr zero, 0(ra)"},
    {"recursion and all of its returns",
     "loop: addi a0, zero, 30; jal ra, other; addi s0, s0, -1; bne s0, zero, loop; ecall;"
     "other: addi sp, sp, -16; sd ra, 0(sp); addi a0, a0, -1; beq a0, zero, out; jal ra, other;"
     "out: ld ra, 0(sp); addi sp, sp, 16; jalr zero, 0(ra)"},
};

static uint32_t heard; /* written by the loop's thread, read by the other one */
static enum answer hear(struct rig *rig) {
    if (rig->cpu->exit.kind != EXIT_poll) return ANSWER_STOP;
    return __atomic_add_fetch(&heard, 1, __ATOMIC_SEQ_CST) < POKES ? ANSWER_RESUME : ANSWER_STOP;
}

static uint64_t longest;
static void *poke(void *unused) {
    for (uint32_t n = 0; n < POKES; n++) {
        usleep(200);
        uint64_t began = os_nanoseconds(), took = 0;
        cpu_poke(r.cpu);
        while (__atomic_load_n(&heard, __ATOMIC_SEQ_CST) == n && took < SOON_S * 1000000000ull) {
            usleep(20);
            took = os_nanoseconds() - began;
        }
        if (took > longest) longest = took;
    }
    return unused;
}

static void begin(const struct loop *l, bool soft, enum tier tier, uint64_t at) {
    rig_make(&r, soft, &(struct engine_config){.tier = tier});
    rig_code(&r, at, l->text);
    r.answer = hear;
    r.x[S0] = tier == TIER_INTERP ? 1000000000 : 20000000000;
    r.x[S1] = rig_label(&r, "loop");
    if (strstr(l->text, "other:")) r.x[S2] = rig_label(&r, "other");
    heard = 0;
}

static void check_heard(const struct loop *l) {
    if (heard < POKES)
        fail_msg("%s, soft %d, tier %d: heard %u of %u; exit %s", l->name, r.soft, r.engine->config.tier, heard, POKES,
                 exit_info[r.cpu->exit.kind].name);
}

#define EACH_LOOP(l, at)                                                                                               \
    for (unsigned k = 0; k < rig_tier_count(); k++)                                                                    \
        for (unsigned soft = 0; soft < 2; soft++)                                                                      \
            for (const struct loop *l = loops; l < loops + sizeof loops / sizeof *loops; l++)                          \
                for (uint64_t at = RIG_CODE; at <= RIG_CODE + RIG_PAGE - 12; at += RIG_PAGE - 12) /* within and over   \
                                                                                                   */

static void pokes_of_another_thread(void **state) {
    (void)state;
    longest = 0;
    EACH_LOOP(l, at) {
        pthread_t thread;
        begin(l, soft, rig_tiers[k], at);
        assert_int_equal(pthread_create(&thread, NULL, poke, NULL), 0);
        rig_run(&r, at);
        pthread_join(thread, NULL);
        check_heard(l);
        rig_free(&r);
    }
    assert_true(longest < SOON_S * 1000000000ull);
}

static void on_alarm(int signal) {
    (void)signal;
    cpu_poke(r.cpu);
}

static void pokes_of_a_signal_handler(void **state) {
    (void)state;
    struct sigaction before, action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK | SA_RESTART};
    const struct itimerval often = {{0, 700}, {0, 700}}, never = {0};
    sigaction(SIGALRM, &action, &before);
    EACH_LOOP(l, at) {
        begin(l, soft, rig_tiers[k], at);
        setitimer(ITIMER_REAL, &often, NULL);
        rig_run(&r, at);
        setitimer(ITIMER_REAL, &never, NULL);
        check_heard(l);
        rig_free(&r);
    }
    sigaction(SIGALRM, &before, NULL);
}

/* A poke that comes while nothing runs is heard first of all. */
static void pokes_before_the_run(void **state) {
    (void)state;
    EACH_LOOP(l, at) {
        begin(l, soft, rig_tiers[k], at);
        for (unsigned i = 0; i < POKES; i++) {
            r.x[A1] = 0;
            cpu_poke(r.cpu);
            heard = POKES - 1;
            assert_int_equal(rig_run(&r, at), EXIT_poll);
            assert_int_equal(r.cpu->pc, at);
            assert_int_equal(r.x[A1], 0);
        }
        rig_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pokes_of_another_thread),
        cmocka_unit_test(pokes_of_a_signal_handler),
        cmocka_unit_test(pokes_before_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
