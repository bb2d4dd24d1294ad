/*
 * vm/api: the public interface on real guests: raw riscv64 code on the machine, and a module. Opening, stopping by
 * count, by signal and from another thread, registers, memory, statistics, several vms at once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "vee/vee.h"

static const uint32_t counting[] = {
    0x00128293, /* addi t0, t0, 1 */
    0xffdff06f, /* j -4 */
};
static const uint32_t trapping[] = {
    0x00500293, /* li t0, 5 */
    0x30529073, /* csrw mtvec, t0 (4) */
    0x00000000, /* illegal */
};
static const unsigned char looping[] = {/* (module (func (export "_start") (loop (br 0)))) */
                                        0, 'a', 's', 'm', 1, 0,  0, 0, 1,    4,   1,   0x60, 0,   0,
                                        3, 2,   1,   0,   7, 10, 1, 6, '_',  's', 't', 'a',  'r', 't',
                                        0, 0,   10,  9,   1, 7,  0, 3, 0x40, 12,  0,   0x0b, 0x0b};

static const unsigned char outside[] =
    {/* (module (memory 1) (func (export "_start") (drop (i32.load (i32.const 65536))))) */
     0x0, 0x61, 0x73, 0x6d, 0x1, 0x0, 0x0,  0x0,  0x1,  0x4, 0x1,  0x60, 0x0,  0x0,  0x3,  0x2,  0x1,
     0x0, 0x5,  0x3,  0x1,  0x0, 0x1, 0x7,  0xa,  0x1,  0x6, 0x5f, 0x73, 0x74, 0x61, 0x72, 0x74, 0x0,
     0x0, 0xa,  0xc,  0x1,  0xa, 0x0, 0x41, 0x80, 0x80, 0x4, 0x28, 0x2,  0x0,  0x1a, 0xb};

/* Polls for a clock: 80 ms of the monotonic one, which are at byte 119. */
static const unsigned char waiting[] = {
    0x0,  0x61, 0x73, 0x6d, 0x1,  0x0,  0x0,  0x0,  0x1,  0xc,  0x2,  0x60, 0x4,  0x7f, 0x7f, 0x7f, 0x7f, 0x1,  0x7f,
    0x60, 0x0,  0x0,  0x2,  0x26, 0x1,  0x16, 0x77, 0x61, 0x73, 0x69, 0x5f, 0x73, 0x6e, 0x61, 0x70, 0x73, 0x68, 0x6f,
    0x74, 0x5f, 0x70, 0x72, 0x65, 0x76, 0x69, 0x65, 0x77, 0x31, 0xb,  0x70, 0x6f, 0x6c, 0x6c, 0x5f, 0x6f, 0x6e, 0x65,
    0x6f, 0x66, 0x66, 0x0,  0x0,  0x3,  0x2,  0x1,  0x1,  0x5,  0x3,  0x1,  0x0,  0x1,  0x7,  0xa,  0x1,  0x6,  0x5f,
    0x73, 0x74, 0x61, 0x72, 0x74, 0x0,  0x1,  0xa,  0x14, 0x1,  0x12, 0x0,  0x41, 0x0,  0x41, 0xe4, 0x0,  0x41, 0x1,
    0x41, 0xc8, 0x1,  0x10, 0x0,  0x4,  0x40, 0x0,  0xb,  0xb,  0xb,  0x14, 0x2,  0x0,  0x41, 0x10, 0xb,  0x1,  0x1,
    0x0,  0x41, 0x18, 0xb,  0x8,  0x0,  0xb4, 0xc4, 0x4,  0x0,  0x0,  0x0,  0x0};
enum { WAITING_TIMEOUT = 119 };

static char path[] = "/tmp/test_api.XXXXXX";
static struct vee_error error;

static const char *file(const void *bytes, size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    return path;
}

static struct vee_config *config_for(const char *tier) {
    struct vee_config *c = vee_config_make();
    assert_non_null(c);
    assert_true(vee_config_set(c, "tier", tier, &error));
    return c;
}

static struct vee_vm *open_vm(struct vee_config *c, const void *bytes, size_t size) {
    struct vee_vm *vm = vee_open(c, file(bytes, size), NULL, &error);
    if (!vm) fail_msg("%s", error.text);
    return vm;
}

static struct vee_vm *open_machine(struct vee_config *c, const void *bytes, size_t size) {
    assert_true(vee_config_set(c, "kind", "machine", &error));
    assert_true(vee_config_set(c, "memory", "1M", &error));
    return open_vm(c, bytes, size);
}

static uint64_t reg(struct vee_vm *vm, const char *name, unsigned index) {
    uint64_t value = 0;
    assert_true(vee_register(vm, name, index, &value));
    return value;
}

static const char *const tiers[] = {"interp", "baseline", "auto"};

static void a_machine_runs_to_a_count_and_on(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct vee_config *c = config_for(tiers[t]);
        struct vee_vm *vm = open_machine(c, counting, sizeof counting);
        assert_int_equal(vee_end(vm), VEE_RUNNING);
        uint64_t start = 0; /* the reset code goes first: find where the program begins */
        while (vee_pc(vm) != 0x80000000) assert_true(vee_run_until(vm, ++start, &error));
        assert_int_equal(vee_end(vm), VEE_AT_COUNT);
        uint64_t t0 = reg(vm, "x", 5);
        assert_true(vee_run_until(vm, start + 2001, &error));
        assert_int_equal(vee_count(vm), start + 2001);
        assert_int_equal(reg(vm, "x", 5), t0 + 1001);
        assert_int_equal(vee_pc(vm), 0x80000004);
        assert_true(vee_set_register(vm, "x", 5, 0));
        assert_true(vee_run_until(vm, start + 3001, &error));
        assert_int_equal(reg(vm, "x", 5), 500);
        vee_close(vm);
        vee_config_free(c);
    }
}

static void memory_is_read_and_code_is_changed(void **state) {
    (void)state;
    static const uint32_t by_seven = 0x00728293; /* addi t0, t0, 7 */
    for (int t = 0; t < 3; t++) {
        struct vee_config *c = config_for(tiers[t]);
        struct vee_vm *vm = open_machine(c, counting, sizeof counting);
        uint32_t words[2];
        assert_int_equal(vee_read(vm, VEE_VIRTUAL, 0x80000000, words, sizeof words), sizeof words);
        assert_memory_equal(words, counting, sizeof words);
        assert_true(vee_run_until(vm, 1000, &error));
        uint64_t t0 = reg(vm, "x", 5);
        assert_int_equal(vee_write(vm, VEE_VIRTUAL, 0x80000000, &by_seven, sizeof by_seven), sizeof by_seven);
        assert_true(vee_run_until(vm, 1200, &error));
        assert_int_equal(reg(vm, "x", 5), t0 + 700);
        assert_int_equal(vee_read(vm, VEE_VIRTUAL, 0x800ffffe, words, 8), 2); /* the end of its megabyte */
        assert_int_equal(vee_read(vm, VEE_VIRTUAL, 0x40000000, words, 8), 0);
        assert_int_equal(vee_write(vm, VEE_VIRTUAL, 0x40000000, words, 8), 0);
        vee_close(vm);
        vee_config_free(c);
    }
}

static void registers_are_listed(void **state) {
    (void)state;
    struct vee_config *c = config_for("interp");
    struct vee_vm *vm = open_machine(c, counting, sizeof counting);
    const char *name;
    unsigned count, n = 0, wide = 0;
    uint64_t value;
    while (vee_register_info(vm, n, &name, &count)) {
        for (unsigned i = 0; i < count; i++) assert_true(vee_register(vm, name, i, &value));
        assert_false(vee_register(vm, name, count, &value));
        wide += count == 32;
        n++;
    }
    assert_true(n > 10 && wide >= 2);
    assert_false(vee_register(vm, "nonsense", 0, &value));
    assert_false(vee_set_register(vm, "nonsense", 0, 0));
    vee_close(vm);
    vee_config_free(c);
}

static void two_vms_do_not_disturb_each_other(void **state) {
    (void)state;
    struct vee_config *c = config_for("baseline"), *d = config_for("interp");
    struct vee_vm *p = open_machine(c, counting, sizeof counting);
    struct vee_vm *q = open_machine(d, counting, sizeof counting);
    for (uint64_t n = 100; n < 5000; n += 500) {
        assert_true(vee_run_until(p, n, &error));
        assert_true(vee_run_until(q, n, &error));
        assert_int_equal(vee_digest(p), vee_digest(q));
    }
    assert_true(vee_run_until(p, 6000, &error));
    assert_int_not_equal(vee_digest(p), vee_digest(q));
    vee_close(p);
    assert_true(vee_run_until(q, 6000, &error));
    assert_int_equal(vee_count(q), 6000);
    vee_close(q);
    vee_config_free(c);
    vee_config_free(d);
}

static struct vee_vm *to_stop;
static void on_alarm(int number) {
    (void)number;
    vee_stop(to_stop);
}

static void a_signal_handler_may_stop_a_run(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct vee_config *c = config_for(tiers[t]), *d = config_for(tiers[t]);
        struct vee_vm *vms[] = {open_vm(c, looping, sizeof looping), open_machine(d, counting, sizeof counting)};
        for (int i = 0; i < 4; i++) {
            to_stop = vms[i % 2];
            signal(SIGALRM, on_alarm);
            setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 20000}, NULL);
            assert_int_equal(vee_run(to_stop), VEE_STOPPED);
        }
        assert_int_equal(vee_count(vms[0]), 0);
        assert_true(vee_count(vms[1]) > 1000);
        assert_false(vee_run_until(vms[0], 10, &error));
        assert_int_equal(error.code, VEE_USAGE);
        error = (struct vee_error){0};
        vee_close(vms[0]);
        vee_close(vms[1]);
        vee_config_free(c);
        vee_config_free(d);
    }
}

static void *stop_soon(void *vm);

static void nothing(int number) {
    (void)number;
}

/* Interruptions, each of which makes the call again, do not make a wait longer; a stop from elsewhere ends it, and it
   goes on from when it began. */
static void waits_are_interrupted(void **state) {
    (void)state;
    struct vee_config *c = config_for("auto");
    const struct itimerval soon = {{0, 3000}, {0, 3000}}, never = {0};
    struct sigaction action = {.sa_handler = nothing};
    struct timespec from, to;
    unsigned char hour[sizeof waiting];
    sigaction(SIGALRM, &action, NULL);
    struct vee_vm *vm = open_vm(c, waiting, sizeof waiting);
    clock_gettime(CLOCK_MONOTONIC, &from);
    setitimer(ITIMER_REAL, &soon, NULL);
    assert_int_equal(vee_run(vm), VEE_EXITED);
    setitimer(ITIMER_REAL, &never, NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec >= 80000000);
    vee_close(vm);
    memcpy(hour, waiting, sizeof hour);
    memcpy(hour + WAITING_TIMEOUT, &(uint64_t){3600000000000}, 8);
    vm = open_vm(c, hour, sizeof hour);
    for (unsigned k = 0; k < 2; k++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, vm), 0);
        assert_int_equal(vee_run(vm), VEE_STOPPED);
        pthread_join(thread, NULL);
    }
    vee_close(vm);
    vee_config_free(c);
}

static void *stop_soon(void *vm) {
    usleep(20000);
    vee_stop(vm);
    return NULL;
}

static void another_thread_may_stop_a_run(void **state) {
    (void)state;
    struct vee_config *c = config_for("auto");
    struct vee_vm *vm = open_vm(c, looping, sizeof looping);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, vm), 0);
    assert_int_equal(vee_run(vm), VEE_STOPPED);
    pthread_join(thread, NULL);
    vee_close(vm);
    vee_config_free(c);
}

struct runner {
    struct vee_vm *vm;
    uint64_t count;
};

static void *run_to(void *r) {
    struct vee_error mine = {0};
    struct runner *runner = r;
    vee_run_until(runner->vm, runner->count, &mine);
    return NULL;
}

static void vms_run_in_threads_of_their_own(void **state) {
    (void)state;
    enum { N = 4 };
    struct vee_config *c[N];
    struct runner runners[N];
    pthread_t thread[N];
    for (int i = 0; i < N; i++) {
        c[i] = config_for(tiers[i % 3]);
        runners[i] = (struct runner){open_machine(c[i], counting, sizeof counting), 300000};
    }
    for (int i = 0; i < N; i++) assert_int_equal(pthread_create(&thread[i], NULL, run_to, &runners[i]), 0);
    for (int i = 0; i < N; i++) pthread_join(thread[i], NULL);
    uint64_t digest = vee_digest(runners[0].vm);
    for (int i = 0; i < N; i++) {
        assert_int_equal(vee_count(runners[i].vm), 300000);
        assert_int_equal(vee_digest(runners[i].vm), digest);
        vee_close(runners[i].vm);
        vee_config_free(c[i]);
    }
}

static void *run_on(void *vm) {
    vee_run(vm);
    return NULL;
}

/* The trap comes from a fault of the host in whatever thread runs the vm. */
static void a_module_traps_in_any_thread(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++)
        for (int twice = 0; twice < 2; twice++) {
            struct vee_config *c = config_for(tiers[t]);
            struct vee_vm *vm = open_vm(c, outside, sizeof outside);
            pthread_t thread;
            assert_string_equal(vee_message(vm), "");
            assert_int_equal(pthread_create(&thread, NULL, run_on, vm), 0);
            pthread_join(thread, NULL);
            assert_int_equal(vee_end(vm), VEE_TRAPPED);
            assert_non_null(strstr(vee_message(vm), "trap: out of bounds memory access"));
            assert_int_equal(vee_run(vm), VEE_TRAPPED);
            vee_close(vm);
            vee_config_free(c);
        }
}

static void statistics_count_what_happened(void **state) {
    (void)state;
    struct vee_config *c = config_for("baseline");
    struct vee_vm *vm = open_machine(c, trapping, sizeof trapping);
    const char *name;
    uint64_t value, blocks = 0;
    assert_true(vee_run_until(vm, 40, &error));
    unsigned n = 0;
    for (; vee_stat(vm, n, &name, &value); n++)
        if (!strcmp(name, "blocks")) blocks = value;
    assert_true(n > 20);
    assert_true(blocks > 0);
    vee_close(vm);
    vee_config_free(c);
}

static void what_cannot_be_opened_leaves_nothing(void **state) {
    (void)state;
    struct vee_config *c = vee_config_make();
    assert_null(vee_open(c, "/nonexistent", NULL, &error));
    assert_int_equal(error.code, VEE_NOT_FOUND);
    error = (struct vee_error){0};
    assert_null(vee_open(c, NULL, NULL, &error));
    assert_string_equal(error.text, "no file is given");
    error = (struct vee_error){0};
    assert_null(vee_open(c, "/nonexistent", NULL, &error));
    assert_int_equal(error.code, VEE_NOT_FOUND);
    assert_null(vee_open(c, file("rubbish", 7), NULL, &error)); /* the first error stays */
    assert_int_equal(error.code, VEE_NOT_FOUND);
    error = (struct vee_error){0};
    assert_null(vee_open(c, path, NULL, &error));
    assert_int_equal(error.code, VEE_NOT_RUNNABLE);
    error = (struct vee_error){0};
    vee_close(NULL);
    vee_config_free(NULL);
    vee_config_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_runs_to_a_count_and_on),
        cmocka_unit_test(memory_is_read_and_code_is_changed),
        cmocka_unit_test(registers_are_listed),
        cmocka_unit_test(two_vms_do_not_disturb_each_other),
        cmocka_unit_test(a_signal_handler_may_stop_a_run),
        cmocka_unit_test(another_thread_may_stop_a_run),
        cmocka_unit_test(waits_are_interrupted),
        cmocka_unit_test(vms_run_in_threads_of_their_own),
        cmocka_unit_test(a_module_traps_in_any_thread),
        cmocka_unit_test(statistics_count_what_happened),
        cmocka_unit_test(what_cannot_be_opened_leaves_nothing),
    };
    int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests_name("vm/api", tests, NULL, NULL);
    unlink(path);
    return failed;
}
