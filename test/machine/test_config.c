/*
 * machine/config: what options of a machine mean, and what is refused in which words; lists of keys and values.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "machine/board.h"

static struct error error;
static struct machine_options options;

static int setup(void **state) {
    (void)state;
    error = (struct error){0};
    options = (struct machine_options){0};
    return 0;
}

static struct machine_config *make(const char *path) {
    struct machine_config *c = config_make(&options, path, NULL, &error);
    if (!c) fail_msg("%s", error.text);
    return c;
}

/* ---- keys and values */

static void keys_and_values_are_as_qemu_writes_them(void **state) {
    struct arena arena;
    struct keyvals k;
    bool on = true;
    uint64_t number = 7;
    (void)state;
    arena_init(&arena, 1024);
    assert_true(keyvals_parse(&k, &arena, "-x", "user,hostfwd=tcp::1-:2,a,,b=c,,d,flag,hostfwd=3=4,off=off,n=0x10,s=2K",
                              "type", &error));
    assert_int_equal(k.count, 8);
    assert_string_equal(spec_get(&k, "type"), "user");
    assert_string_equal(k.pairs[1].value, "tcp::1-:2");
    assert_string_equal(spec_get(&k, "hostfwd"), "3=4"); /* the last of them */
    assert_string_equal(spec_get(&k, "a,b"), "c,d");
    assert_string_equal(spec_get(&k, "flag"), "on");
    assert_null(spec_get(&k, "fla"));
    assert_true(spec_flag(&k, "none", &on, &error) && on);
    assert_true(spec_flag(&k, "off", &on, &error) && !on);
    assert_true(spec_number(&k, "n", 0, 16, &number, &error));
    assert_int_equal(number, 16);
    assert_true(spec_bytes(&k, "s", &number, &error));
    assert_int_equal(number, 2048);
    assert_true(keyvals_check(&k, "type hostfwd a,b flag off n s", &error));
    arena_done(&arena);
}

static void bad_keys_and_values_are_named(void **state) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "-x: an empty value"},
        {"a=,,=2", NULL}, /* a comma in the value */
        {"=1", "-x: an empty key in '=1'"},
        {"a=1,=2", "-x: an empty key"},
        {"1=a", "-x: there is no '1'; there are: a n f"},
        {"n=5", "-x: n: '5' is not a number from 1 to 4"},
        {"n=1K", "-x: n: '1K' is not a number"},
        {"n=-1", "-x: n: '-1' is not a number"},
        {"n", "-x: n: 'on' is not a number"},
        {"f=maybe", "-x: f: 'maybe' is not on or off"},
        {"a=x", "-x: a: there is no 'x'; there are: 1 ,=2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct keyvals k;
        bool flag;
        uint64_t number;
        arena_init(&arena, 1024);
        error = (struct error){0};
        bool good = keyvals_parse(&k, &arena, "-x", cases[i].text, NULL, &error) &&
                    keyvals_check(&k, "a n f", &error) && spec_number(&k, "n", 1, 4, &number, &error) &&
                    spec_flag(&k, "f", &flag, &error) && spec_word(&k, "a", "1 ,=2", &error);
        assert_int_equal(good, !cases[i].says);
        if (!good && !strstr(error.text, cases[i].says)) fail_msg("'%s' does not say '%s'", error.text, cases[i].says);
        arena_done(&arena);
    }
}

/* ---- the configuration */

static void a_file_is_a_program_or_a_disk(void **state) {
    (void)state;
    struct machine_config *c = make("file");
    assert_string_equal(c->program, "file");
    assert_int_equal(c->ndrives, 0);
    assert_int_equal(c->harts, 1);
    config_free(c);
    options.bios = "none"; /* is no firmware */
    c = make("file");
    assert_string_equal(c->program, "file");
    assert_int_equal(c->firmware, FIRMWARE_NONE);
    config_free(c);
    options.bios = "default";
    c = make("file");
    assert_string_equal(c->program, "file");
    assert_int_equal(c->firmware, FIRMWARE_OWN);
    config_free(c);
    options.bios = "file";
    c = make(NULL);
    assert_null(c->program);
    assert_int_equal(c->firmware, FIRMWARE_FILE);
    config_free(c);
    options.bios = NULL;
    options.kernel = "kernel";
    options.append = "quiet";
    c = make(NULL);
    assert_null(c->program);
    assert_string_equal(c->kernel, "kernel");
    assert_int_equal(c->firmware, FIRMWARE_OWN);
    assert_string_equal(c->append, "quiet");
    config_free(c);
}

static void drives_are_found_by_their_ids(void **state) {
    static const char *const drives[] = {"file=a,,b,if=none,id=x,readonly=on", "if=none,file=c,media=cdrom", NULL};
    (void)state;
    options.kernel = "kernel";
    options.drives = drives;
    options.snapshot = true;
    struct machine_config *c = make(NULL);
    assert_int_equal(c->ndrives, 2);
    const struct drive_spec *d = config_drive(c, "x");
    assert_non_null(d);
    assert_string_equal(d->file, "a,b");
    assert_true(d->readonly && d->snapshot);
    d = config_drive(c, "virtio1");
    assert_non_null(d);
    assert_string_equal(d->file, "c");
    assert_true(d->readonly);
    assert_null(config_drive(c, "virtio0"));
    config_free(c);
}

static void networks_are_found_by_their_ids(void **state) {
    static const char *const nics[] = {"none", NULL};
    static const char *const netdevs[] = {"user,id=n,hostfwd=tcp::1-:2,hostfwd=tcp::3-:4", "tap,ifname=t0,id=m", NULL};
    (void)state;
    options.kernel = "kernel";
    options.nics = nics;
    options.netdevs = netdevs;
    struct machine_config *c = make(NULL);
    assert_int_equal(c->nnetdevs, 2);
    assert_string_equal(config_netdev(c, "n")->type, "user");
    assert_string_equal(config_netdev(c, "m")->type, "tap");
    assert_null(config_netdev(c, "o"));
    config_free(c);
}

static void what_is_alike_on_every_machine_is_confirmed(void **state) {
    (void)state;
    options = (struct machine_options){.machine = "virt",
                                       .serial = "mon:stdio",
                                       .display = "none",
                                       .monitor = "none",
                                       .smp = "cpus=1,sockets=1",
                                       .nographic = true};
    struct machine_config *c = make("file");
    assert_int_equal(c->serial, SERIAL_KEYS);
    config_free(c);
    options.serial = "null";
    c = make("file");
    assert_int_equal(c->serial, SERIAL_NULL);
    config_free(c);
}

static void bad_options_are_named(void **state) {
#define ONE(text) ((const char *const[]){text, NULL})
    const struct {
        struct machine_options options;
        const char *says;
    } cases[] = {
        {{.initrd = "x"}, "-initrd needs -kernel"},
        {{.bios = "none"}, "nothing to boot"},
        {{.kernel = "k", .machine = "sifive_u"}, "-machine: type: there is no 'sifive_u'; there are: virt"},
        {{.kernel = "k", .machine = "virt,aia=aplic"}, "-machine: there is no 'aia'; there are: type"},
        {{.kernel = "k", .serial = "pty"}, "-serial: 'pty' is none of"},
        {{.kernel = "k", .smp = "0"}, "-smp: cpus: '0' is not a number from 1"},
        {{.kernel = "k", .smp = "100000"}, "-smp: cpus: '100000' is not a number from 1"},
        {{.kernel = "k", .smp = "dies=1"}, "-smp: there is no 'dies'"},
        {{.kernel = "k", .drives = ONE("x")}, "-drive: there is no 'x'; there are: file if id"},
        {{.kernel = "k", .drives = ONE("if=none")}, "-drive: 'if=none' names no file"},
        {{.kernel = "k", .drives = ONE("if=ide,file=x")}, "-drive: if: there is no 'ide'; there are: virtio none"},
        {{.kernel = "k", .drives = ONE("format=qcow2,file=x")}, "-drive: format: there is no 'qcow2'"},
        {{.kernel = "k", .drives = (const char *const[]){"if=none,file=x,id=a", "if=none,file=y,id=a", NULL}},
         "-drive: two with id 'a'"},
        {{.kernel = "k", .devices = ONE("toaster,id=x")}, "-device: there is no 'toaster'; there are: "},
        {{.kernel = "k", .devices = ONE("id=x")}, "-device: 'id=x' names no driver"},
        {{.kernel = "k", .netdevs = ONE("user")}, "-netdev: 'user' has no id"},
        {{.kernel = "k", .netdevs = ONE("bridge,id=x")}, "-netdev: there is no 'bridge'; there are: user tap"},
        {{.kernel = "k", .netdevs = ONE("user,id=x,ifname=y")},
         "-netdev: there is no 'ifname'; there are: type id net"},
        {{.kernel = "k", .netdevs = (const char *const[]){"user,id=x", "tap,id=x", NULL}}, "-netdev: two with id 'x'"},
        {{.kernel = "k", .nics = ONE("model=virtio")}, "-nic: no type, as user or tap"},
        {{.kernel = "k", .nics = ONE("user,model=ne2k")}, "-nic: there is no 'ne2k'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error = (struct error){0};
        assert_null(config_make(&cases[i].options, NULL, NULL, &error));
        assert_int_equal(error.code, ERROR_USAGE);
        if (!strstr(error.text, cases[i].says)) fail_msg("'%s' does not say '%s'", error.text, cases[i].says);
    }
    error = (struct error){0};
    assert_null(config_make(&options, "file", "sifive-u54", &error));
    assert_string_equal(error.text, "-cpu: model: there is no 'sifive-u54'; there are: rv64 max any");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_and_values_are_as_qemu_writes_them, setup),
        cmocka_unit_test_setup(bad_keys_and_values_are_named, setup),
        cmocka_unit_test_setup(a_file_is_a_program_or_a_disk, setup),
        cmocka_unit_test_setup(drives_are_found_by_their_ids, setup),
        cmocka_unit_test_setup(networks_are_found_by_their_ids, setup),
        cmocka_unit_test_setup(what_is_alike_on_every_machine_is_confirmed, setup),
        cmocka_unit_test_setup(bad_options_are_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
