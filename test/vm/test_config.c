/*
 * vm/config: options by name and from environment twins, which of the two wins, what is rejected and how, and the
 * guest's environment.
 */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "language/language.h"
#include "machine/board.h"
#include "process/process.h"
#include "vm/internal.h"

static struct vee_config *config;
static struct vee_error error;

static int setup(void **state) {
    (void)state;
    config = vee_config_make();
    error = (struct vee_error){0};
    return !config;
}

static int teardown(void **state) {
    (void)state;
    vee_config_free(config);
    return 0;
}

static void set(const char *name, const char *value) {
    if (!vee_config_set(config, name, value, &error)) fail_msg("%s", error.text);
}

/* The options of a kind. */
static const void *own(const char *kind) {
    unsigned k = 0;
    while (strcmp(vm_kinds[k]->name, kind)) k++;
    return config->own[k];
}
#define PROCESS  ((const struct process_options *)own("process"))
#define MACHINE  ((const struct machine_options *)own("machine"))
#define LANGUAGE ((const struct language_options *)own("language"))

static void rows_are_complete_and_distinct(void **state) {
    (void)state;
    unsigned n = 0;
    for (const struct vee_option *o; (o = vee_option(n)); n++) {
        assert_true(strlen(o->name) >= 3);
        assert_true(!o->twin || strncmp(o->twin, "VEE_", 4) == 0);
        assert_true(!o->also || strncmp(o->also, "QEMU_", 5) == 0);
        assert_true(o->help[strlen(o->help) - 1] == '.');
        for (unsigned i = 0; i < n; i++) {
            assert_string_not_equal(o->name, vee_option(i)->name);
            if (o->twin && vee_option(i)->twin) assert_string_not_equal(o->twin, vee_option(i)->twin);
            if (o->also && vee_option(i)->also) assert_string_not_equal(o->also, vee_option(i)->also);
            if (o->letter) assert_int_not_equal(o->letter, vee_option(i)->letter);
        }
    }
    unsigned kinds = 0;
    for (unsigned k = 0; vm_kinds[k]; k++) {
        kinds += vm_kinds[k]->options.count;
        assert_true(k < KINDS_MOST);
    }
    assert_true(n > kinds + 10 && n < OPTION_MOST); /* none is left out for want of room */
    assert_null(vee_option(n + 1));
}

static void values_reach_the_options(void **state) {
    (void)state;
    set("tier", "interp");
    set("window", NULL);
    set("counted", "1");
    set("counted", "0");
    set("memory", "3M");
    set("digest-at", "0");
    set("log", "host,guest");
    set("sysroot", "/sys root");
    set("invoke", "f");
    set("cache-size", "0x10000");
    set("seed", "7");
    set("log-file", "/there/%d.log");
    const struct vm_options *o = &config->options;
    assert_false(PROCESS->strace);
    assert_true(o->has_seed);
    assert_int_equal(o->seed, 7);
    assert_string_equal(o->log_file, "/there/%d.log");
    assert_int_equal(o->tier, TIER_INTERP);
    assert_true(PROCESS->window);
    assert_false(o->counted);
    assert_true(o->has_digest_at);
    assert_int_equal(o->digest_at, 0);
    assert_int_equal(o->log, LOG_GUEST | LOG_HOST);
    assert_string_equal(PROCESS->sysroot, "/sys root");
    assert_string_equal(LANGUAGE->invoke, "f");
    assert_int_equal(o->cache_size, 65536);
    assert_string_equal(vee_config_get(config, "memory"), "3M");
    assert_int_equal(MACHINE->ram_size, 3 << 20);
    set("memory", "512"); /* MiB */
    assert_int_equal(MACHINE->ram_size, 512 << 20);
    set("memory", "size=4K");
    assert_int_equal(MACHINE->ram_size, 4096);
    assert_null(MACHINE->drives);
    set("drive", "file=a");
    set("drive", "file=b");
    assert_string_equal(MACHINE->drives[0], "file=a");
    assert_string_equal(MACHINE->drives[1], "file=b");
    assert_null(MACHINE->drives[2]);
    assert_string_equal(vee_config_get(config, "window"), "1");
    assert_null(vee_config_get(config, "counted"));
    assert_null(vee_config_get(config, "stats"));
    assert_null(vee_config_get(config, "nonsense"));
}

static void values_are_copied(void **state) {
    (void)state;
    char value[] = "/first";
    set("sysroot", value);
    strcpy(value, "/other");
    assert_string_equal(PROCESS->sysroot, "/first");
}

static void bad_values_change_nothing_and_are_named(void **state) {
    (void)state;
    static const struct {
        const char *name, *value, *says;
    } cases[] = {
        {"nonsense", "1", "there is no option 'nonsense'"},
        {"tier", NULL, "--tier needs a value"},
        {"tier", "fast", "--tier: 'fast' is not interp, baseline or auto"},
        {"window", "yes", "--window: 'yes' is not 0 or 1"},
        {"memory", "", "--memory: '' is not a size"},
        {"memory", "1T", "--memory: '1T' is not a size"},
        {"memory", "1KK", "--memory: '1KK' is not a size"},
        {"memory", "-1", "--memory: '-1' is not a size"},
        {"memory", " 1", "--memory: ' 1' is not a size"},
        {"memory", "0x10000000000G", "is not a size"},
        {"memory", "99999999999999999999", "is not a size"},
        {"digest-at", "1K", "--digest-at: '1K' is not a number"},
        {"log", "guest,", NULL},
        {"log", "gues", "--log: 'gues' is not a list"},
        {"log", "guest,uopsx", "--log: 'guest,uopsx' is not a list"},
        {"seed", "x", "--seed: 'x' is not a number"},
        {"gdb", "1234", "--gdb: there is no debugger interface."},
        {"env", "A", "--env: 'A' is not VAR=VALUE"},
        {"env", "=A", "--env: '=A' is not VAR=VALUE"},
        {"unset", "A=B", "--unset: 'A=B' is not VAR"},
        {"unset", "", "--unset: '' is not VAR"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vm_options before = config->options;
        struct process_options before_own = *PROCESS;
        error = (struct vee_error){0};
        bool done = vee_config_set(config, cases[i].name, cases[i].value, &error);
        assert_int_equal(done, !cases[i].says);
        if (done) continue;
        assert_int_equal(error.code, VEE_USAGE);
        if (!strstr(error.text, cases[i].says)) fail_msg("'%s' does not say '%s'", error.text, cases[i].says);
        assert_memory_equal(&before, &config->options, sizeof before);
        assert_memory_equal(&before_own, PROCESS, sizeof before_own);
        assert_null(config->edits);
    }
}

static void qemu_names_are_known(void **state) {
    (void)state;
    const char *const environment[] = {"QEMU_STRACE=", "QEMU_LOG=in_asm,int", "QEMU_STACK_SIZE=4M",
                                       "QEMU_CPU=max", "VEE_CPU=any",         NULL};
    if (!vee_config_read_environment(config, environment, &error)) fail_msg("%s", error.text);
    assert_true(PROCESS->strace); /* QEMU asks only whether it is there */
    assert_int_equal(config->options.log, LOG_GUEST | LOG_TRAPS);
    assert_int_equal(PROCESS->stack_size, 4 << 20);
    assert_string_equal(config->options.cpu, "any"); /* vee's own variable wins */
    assert_false(config->options.log_calls);
    set("log", "host,strace");
    assert_int_equal(config->options.log, LOG_HOST);
    assert_true(config->options.log_calls);
}

static void options_that_say_how_are_carried(void **state) {
    (void)state;
    char here[PATH_MAX], file[PATH_MAX + 32];
    set("tier", "interp");
    set("window", NULL);
    set("counted", NULL);
    set("argv0", "x");
    set("sysroot", "/a=b");
    set("log-file", "x.log");
    struct arena arena;
    arena_init(&arena, 4096);
    const char **words = config_carried(config, &arena);
    assert_non_null(getcwd(here, sizeof here));
    snprintf(file, sizeof file, "--log-file=%s/x.log", here);
    assert_string_equal(words[0], "--tier=interp");
    assert_string_equal(words[1], file);
    assert_string_equal(words[2], "--sysroot=/a=b");
    assert_string_equal(words[3], "--window=1");
    assert_null(words[4]);
    arena_done(&arena);
}

static void the_first_error_stays(void **state) {
    (void)state;
    assert_false(vee_config_set(config, "tier", "x", &error));
    assert_false(vee_config_set(config, "nonsense", "x", &error));
    assert_non_null(strstr(error.text, "--tier"));
    assert_false(vee_config_set(config, "nonsense", "x", NULL));
}

static void options_win_over_twins(void **state) {
    (void)state;
    const char *const environment[] = {"VEE_TIER=interp", "VEE_MEMORY=1G",        "VEE_STATS=1",
                                       "VEE_WINDOW=0",    "QEMU_LD_PREFIX=/qemu", "VEE_TIERX=bad",
                                       "VEE_COUNTED",     "VEE_DIGEST_AT=",       NULL};
    set("memory", "64M");
    set("window", "1");
    assert_true(vee_config_read_environment(config, environment, &error));
    assert_int_equal(config->options.tier, TIER_INTERP);
    assert_string_equal(vee_config_get(config, "memory"), "64M");
    assert_true(PROCESS->window);
    assert_true(config->options.stats);
    assert_false(config->options.counted);
    assert_false(config->options.has_digest_at);
    assert_string_equal(PROCESS->sysroot, "/qemu");
    const char *const both[] = {"QEMU_LD_PREFIX=/qemu", "VEE_SYSROOT=/vee", NULL};
    assert_true(vee_config_read_environment(config, both, &error));
    assert_string_equal(PROCESS->sysroot, "/vee");
}

static void bad_twins_are_named(void **state) {
    (void)state;
    const char *const environment[] = {"VEE_TIER=fast", NULL};
    assert_false(vee_config_read_environment(config, environment, &error));
    assert_string_equal(error.text, "VEE_TIER: 'fast' is not interp, baseline or auto");
}

static void assert_environment(const char *const *want) {
    struct arena arena;
    arena_init(&arena, 1024);
    const char **is = config_environment(config, &arena);
    assert_non_null(is);
    for (; *want && *is; want++, is++) assert_string_equal(*is, *want);
    assert_null(*want);
    assert_null(*is);
    arena_done(&arena);
}

static void the_guest_environment_is_edited_in_order(void **state) {
    (void)state;
    const char *const none[] = {NULL}, *const base[] = {"HOME=/", "A=1", "AB=2", "odd", NULL};
    assert_environment(none);
    assert_true(vee_config_guest_environment(config, base, &error));
    assert_environment(base);
    set("env", "A=3");
    set("env", "NEW=x=y");
    set("unset", "HOME");
    set("unset", "ABSENT");
    const char *const edited[] = {"AB=2", "odd", "A=3", "NEW=x=y", NULL};
    assert_environment(edited);
    set("unset", "A");
    set("env", "HOME=");
    const char *const again[] = {"AB=2", "odd", "NEW=x=y", "HOME=", NULL};
    assert_environment(again);
}

static void twins_of_lists_hold_several_values(void **state) {
    (void)state;
    const char *const base[] = {"P=1", "Q=2", "R=3", NULL};
    const char *const environment[] = {"VEE_SET_ENV=A=1,,B=2", "VEE_UNSET_ENV=P,Q", NULL};
    const char *const want[] = {"R=3", "A=1", "B=2", NULL};
    assert_true(vee_config_guest_environment(config, base, &error));
    assert_true(vee_config_read_environment(config, environment, &error));
    assert_environment(want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_complete_and_distinct),
        cmocka_unit_test_setup_teardown(values_reach_the_options, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_values_change_nothing_and_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(qemu_names_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(options_that_say_how_are_carried, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_error_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(options_win_over_twins, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_twins_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(the_guest_environment_is_edited_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(twins_of_lists_hold_several_values, setup, teardown),
    };
    return cmocka_run_group_tests_name("vm/config", tests, NULL, NULL);
}
