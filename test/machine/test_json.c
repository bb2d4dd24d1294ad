/* JSON of the control socket: what is read, what is refused and where; what is written is read again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "machine/json.h"

static char line[4096];
static struct json_object object;
static struct error error;

static bool reads(const char *text) {
    error = (struct error){0};
    strcpy(line, text);
    return json_read(&object, line, strlen(text), &error);
}

static const struct json_member *member(const char *key) {
    const struct json_member *m = json_get(&object, key);
    assert_non_null(m);
    return m;
}

static void values(void **state) {
    (void)state;
    assert_true(reads("{}") && object.count == 0);
    assert_true(reads(" \t{ \"a\" : 1 , \"b\":\"x\",\"c\":true,\"d\":false,\"e\":null,\"f\":-7,\"g\":0 } \r\n"));
    assert_int_equal(object.count, 7);
    assert_int_equal(member("a")->number, 1);
    assert_string_equal(member("a")->text, "1");
    assert_string_equal(member("b")->text, "x");
    assert_true(member("c")->type == JSON_BOOL && member("c")->number == 1);
    assert_true(member("d")->type == JSON_BOOL && member("d")->number == 0);
    assert_int_equal(member("e")->type, JSON_NULL);
    assert_true(member("f")->negative && (int64_t)member("f")->number == -7);
    assert_string_equal(member("f")->text, "-7");
    assert_int_equal(member("g")->number, 0);
    assert_null(json_get(&object, "h"));
    assert_true(reads("{\"a\":18446744073709551615,\"b\":-9223372036854775808}"));
    assert_true(member("a")->number == UINT64_MAX && member("b")->number == 1ull << 63);
}

static void texts(void **state) {
    (void)state;
    assert_true(reads("{\"\":\"\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\":\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa9\"}"));
    assert_string_equal(member("")->text, "");
    assert_string_equal(member("\"\\/\b\f\n\r\t")->text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
}

static void refusals(void **state) {
    static const struct {
        const char *text;
        unsigned at;
    } bad[] = {
        {"", 0},
        {"1", 0},
        {"[1]", 0},
        {"{", 1},
        {"{\"a\"", 4},
        {"{\"a\":", 5},
        {"{\"a\":1", 6},
        {"{\"a\":1,", 7},
        {"{\"a\":1,}", 7},
        {"{\"a\":1}x", 7},
        {"{\"a\":1}{}", 7},
        {"{a:1}", 1},
        {"{\"a\" 1}", 5},
        {"{\"a\":1 \"b\":2}", 7},
        {"{\"a\":[]}", 5},
        {"{\"a\":{}}", 5},
        {"{\"a\":01}", 5},
        {"{\"a\":+1}", 5},
        {"{\"a\":-}", 6},
        {"{\"a\":1.5}", 6},
        {"{\"a\":1e3}", 6},
        {"{\"a\":18446744073709551616}", 24},
        {"{\"a\":-9223372036854775809}", 25},
        {"{\"a\":tru}", 5},
        {"{\"a\":nullx}", 9},
        {"{\"a\":\"x}", 8},
        {"{\"a\":\"\t\"}", 6},
        {"{\"a\":\"\\x\"}", 7},
        {"{\"a\":\"\\u12g4\"}", 10},
        {"{\"a\":\"\\u0000\"}", 12},
        {"{\"a\":\"\\ud800\"}", 12},
        {"{\"a\":\"\\ud800\\u0041\"}", 18},
        {"{\"a\":\"\\udc00\"}", 12},
        {"{\"a\":\"\\", 7},
        {"{\"a\":1,\"a\":2}", 11},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned at = 9999;
        if (reads(bad[i].text)) fail_msg("read: %s", bad[i].text);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_int_equal(sscanf(error.text, "at byte %u: ", &at), 1);
        if (at != bad[i].at) fail_msg("%s: %s", bad[i].text, error.text);
    }
    strcpy(line, "{\"k0\":0");
    for (unsigned i = 1; i <= JSON_MEMBERS; i++) sprintf(line + strlen(line), ",\"k%u\":0", i);
    strcat(line, "}");
    assert_false(json_read(&object, line, strlen(line), &error));
    /* A zero byte within ends nothing. */
    static char zero[32] = "{\"a\":1}\0{}";
    error = (struct error){0};
    assert_false(json_read(&object, zero, 10, &error));
}

static void written(void **state) {
    struct json_out out = {0};
    (void)state;
    assert_true(reads("{\"id\":\"a\\u0001\\\"\",\"n\":-12,\"t\":true}"));
    json_open(&out, NULL, '{');
    json_put_member(&out, member("id"));
    json_put_member(&out, member("n"));
    json_put_member(&out, member("t"));
    json_put_text(&out, "text", "line\n\x7f\\");
    json_put_number(&out, "number", UINT64_MAX);
    json_put_hex(&out, "hex", 0xabc);
    json_open(&out, "list", '[');
    json_put_number(&out, NULL, 1);
    json_open(&out, NULL, '{');
    json_close(&out, '}');
    json_put_bool(&out, NULL, false);
    json_close(&out, ']');
    json_close(&out, '}');
    char *text = json_text(&out);
    assert_string_equal(text, "{\"id\":\"a\\u0001\\\"\",\"n\":-12,\"t\":true,\"text\":\"line\\u000a\\u007f\\\\\","
                              "\"number\":18446744073709551615,\"hex\":\"0xabc\",\"list\":[1,{},false]}");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(texts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
