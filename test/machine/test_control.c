/* Requests of the control socket: what is answered, what is refused, and that looking changes nothing; the words of the
 * prompt; the keys of the console that are not for the guest. The socket itself: test/cli/control.sh. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "machine/board.h"
#include "machine/control.h"
#include "machine/terminal.h"

static char path[] = "/tmp/test_control.XXXXXX";
static struct vm *vm;
static enum control_wish wish;

static int open_machine(void **state) {
    /* auipc sp, 1; addi t1, t1, 1; sd t1, 0(sp); j */
    static const uint32_t code[] = {0x00001117, 0x00130313, 0x00613023, 0xff9ff06f};
    struct vm_options options = {.path = path, .kind = "machine"};
    struct error error = {0};
    (void)state;
    const int fd = mkstemp(path);
    if (fd < 0 || write(fd, code, sizeof code) != sizeof code) return -1;
    close(fd);
    vm = vm_open(&options, &error);
    if (!vm) return fprintf(stderr, "%s\n", error.text), -1;
    vm->stop_at = 1000;
    vm_run(vm);
    return vm->end == VM_AT_COUNT ? 0 : -1;
}

static int close_machine(void **state) {
    (void)state;
    vm_close(vm);
    unlink(path);
    return 0;
}

/* The reply to a line, which is freed by the next one. */
static const char *ask(bool paused, const char *text) {
    static char *reply;
    char line[CONTROL_LINE + 1];
    strcpy(line, text);
    free(reply);
    wish = 99;
    reply = control_answer(vm->data, paused, line, strlen(line), &wish);
    assert_non_null(reply);
    assert_int_equal(reply[strlen(reply) - 1], '\n');
    return reply;
}

static void expect(const char *text, const char *want) {
    const char *reply = ask(false, text);
    if (!strstr(reply, want)) fail_msg("%s: %s, not %s", text, reply, want);
}

static void answers(void **state) {
    (void)state;
    const uint64_t before = vm_digest(vm);
    expect("{\"do\":\"status\",\"id\":\"x\\n\"}", "{\"id\":\"x\\u000a\",\"ok\":true,\"state\":\"running\"");
    expect("{\"do\":\"status\"}", "\"nanoseconds\":1000,\"counted\":true");
    assert_non_null(strstr(ask(true, "{\"do\":\"status\"}"), "paused"));
    expect("{\"do\":\"help\"}", "{\"do\":\"memory\",\"keys\":");
    expect("{\"do\":\"cpus\"}", "\"cpus\":[{\"cpu\":0,\"pc\":\"0x8000000");
    expect("{\"do\":\"cpus\",\"registers\":true}", "\"priv\":\"0x3\"");
    expect("{\"do\":\"cpus\",\"cpu\":0}", "\"instructions\":1000}");
    expect("{\"do\":\"devices\"}", "{\"device\":\"uart\",\"address\":\"0x10000000\",\"size\":\"0x100\"}");
    expect("{\"do\":\"devices\",\"registers\":true}", "\"mtimecmp\":[\"0xffffffffffffffff\"");
    expect("{\"do\":\"devices\",\"registers\":true}",
           "{\"device\":\"pci\",\"address\":\"0x30000000\",\"size\":\"0x10000000\",\"registers\":{\"function\":{"
           "\"vendor\":\"0x1b36\"");
    expect("{\"do\":\"memory\",\"address\":\"0x80000000\",\"size\":8}", "\"bytes\":\"1711000013031300\"");
    expect("{\"do\":\"memory\",\"address\":2147483648,\"size\":0,\"physical\":true}", "\"size\":0,\"bytes\":\"\"");
    expect("{\"do\":\"memory\",\"address\":\"0x50000000\"}", "\"size\":0,");
    expect("{\"do\":\"translate\",\"address\":\"0x80000123\"}", "\"mapped\":true,\"physical\":\"0x80000123\"");
    expect("{\"do\":\"stats\"}", "\"blocks\":");
    assert_int_equal(wish, CONTROL_NOTHING);
    assert_true(vm_digest(vm) == before);
}

static void wishes(void **state) {
    (void)state;
    ask(false, "{\"do\":\"pause\"}");
    assert_int_equal(wish, CONTROL_PAUSE);
    ask(true, "{\"do\":\"resume\"}");
    assert_int_equal(wish, CONTROL_RESUME);
    ask(true, "{\"do\":\"power\",\"action\":\"quit\"}");
    assert_int_equal(wish, CONTROL_QUIT);
    ask(true, "{\"do\":\"power\",\"action\":\"reset\"}");
    assert_int_equal(wish, CONTROL_RESET);
    assert_non_null(strstr(ask(true, "{\"do\":\"pause\"}"), "\"ok\":false"));
    assert_int_equal(wish, CONTROL_NOTHING);
    expect("{\"do\":\"resume\"}", "\"ok\":false");
    assert_int_equal(wish, CONTROL_NOTHING);
}

static void refusals(void **state) {
    static const char *const bad[] = {
        "",
        "{}",
        "{\"do\":1}",
        "{\"do\":\"no\"}",
        "{\"do\":\"status\",\"more\":1}",
        "{\"do\":\"cpus\",\"cpu\":1}",
        "{\"do\":\"cpus\",\"cpu\":-1}",
        "{\"do\":\"cpus\",\"cpu\":18446744073709551615}",
        "{\"do\":\"cpus\",\"registers\":1}",
        "{\"do\":\"memory\"}",
        "{\"do\":\"memory\",\"address\":\"x\"}",
        "{\"do\":\"memory\",\"address\":\"0x80000000z\"}",
        "{\"do\":\"memory\",\"address\":\"-1\"}",
        "{\"do\":\"memory\",\"address\":true}",
        "{\"do\":\"memory\",\"address\":0,\"size\":4097}",
        "{\"do\":\"translate\"}",
        "{\"do\":\"power\"}",
        "{\"do\":\"power\",\"action\":\"fly\"}",
        "{\"do\":\"power\",\"action\":\"powerdown\"}",
        "not json",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *reply = ask(false, bad[i]);
        if (strncmp(reply, "{\"ok\":false,\"error\":\"", 21) != 0) fail_msg("%s: %s", bad[i], reply);
        assert_int_equal(wish, CONTROL_NOTHING);
    }
    expect("{\"do\":\"no\",\"id\":3}", "{\"id\":3,\"ok\":false,");
}

static void words(void **state) {
    static const char *const rows[][2] = {
        {"status", "{\"do\":\"status\"}"},
        {"  cpus   registers cpu=0 ", "{\"do\":\"cpus\",\"registers\":true,\"cpu\":\"0\"}"},
        {"memory address=0x10 physical=false", "{\"do\":\"memory\",\"address\":\"0x10\",\"physical\":false}"},
        {"q", "{\"do\":\"power\",\"action\":\"quit\"}"},
        {"quit", "{\"do\":\"power\",\"action\":\"quit\"}"},
        {"cont", "{\"do\":\"resume\"}"},
        {"continue", "{\"do\":\"continue\"}"},
        {"a\"b", "{\"do\":\"a\\\"b\"}"},
        {"", "{}"},
    };
    char line[CONTROL_LINE];
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(control_from_words(rows[i][0], line, sizeof line));
        assert_string_equal(line, rows[i][1]);
    }
    assert_false(control_from_words("status", line, 15));
    assert_true(control_from_words("status", line, 16));
}

static void keys(void **state) {
    struct keys k = {0};
    uint8_t typed[] = "a\1h\1?\1x\1\1\1a\1zb\1cq\1a\1cd";
    static const enum key want[] = {KEY_GUEST,  KEY_NONE,  KEY_HELP,   KEY_NONE,   KEY_HELP,   KEY_NONE,
                                    KEY_QUIT,   KEY_NONE,  KEY_GUEST,  KEY_NONE,   KEY_GUEST,  KEY_NONE,
                                    KEY_NONE,   KEY_GUEST, KEY_NONE,   KEY_SWITCH, KEY_PROMPT, KEY_NONE,
                                    KEY_PROMPT, KEY_NONE,  KEY_SWITCH, KEY_GUEST};
    (void)state;
    assert_int_equal(sizeof typed - 1, sizeof want / sizeof *want);
    for (unsigned i = 0; i < sizeof typed - 1; i++)
        if (keys_take(&k, &typed[i]) != want[i]) fail_msg("key %u", i);
    assert_int_equal(typed[8], KEY_ESCAPE);
    assert_int_equal(typed[10], KEY_ESCAPE);
    assert_int_equal(typed[18], KEY_ESCAPE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers), cmocka_unit_test(wishes), cmocka_unit_test(refusals),
        cmocka_unit_test(words),   cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests_name("control", tests, open_machine, close_machine);
}
