/* test_machine.c - what a program is told of its machine, and where it is put, is what the tables of instruction sets
 * say (struct abi_machine): the address space's size, the auxiliary vector, the calls of strict mode. */
#include "process/image.h"
#include "process/linux/linux.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <elf.h>
#include <string.h>

extern const struct abi_machine riscv64_machine, arm64_machine;
extern const struct abi_calls riscv64_calls, arm64_calls;

enum { TYPES = 64, STACK = 1 << 20 };

static struct vm vm;
static struct process process;
static struct abi abi;
static uint64_t told[TYPES], sp;
static bool has[TYPES];

static void code_gone(void *self, uint64_t start, uint64_t length) {
    (void)self, (void)start, (void)length;
}

static uint64_t word_at(uint64_t at) {
    uint64_t v = 0;
    assert_true(space_read(process.space, at, &v, sizeof v));
    return v;
}

/* A process in a window of this size, with its stack; what it is told is in `told`. */
static void begin(const struct abi_machine *machine, uint64_t window) {
    static const char *const arguments[] = {"program", NULL};
    const struct space_hooks hooks = {.code_gone = code_gone, .code_written = code_gone};
    struct error error = {0};
    vm = (struct vm){.options = {.path = "program", .argv = arguments}, .own = &process_options_none, .counted = true};
    process = (struct process){.vm = &vm, .abi = &abi, .stack_limit = {STACK, STACK}};
    process.space = &process.memory.space;
    abi = (struct abi){.machine = machine};
    assert_true(memory_init(&process.memory, window, machine->addresses, &hooks, &error));
    assert_true(stack_map(&process, false, &error));
    sp = stack_fill(&process, &(struct program){.entry = 17});
    assert_true(sp && sp % 16 == 0);
    memset(told, 0, sizeof told);
    memset(has, 0, sizeof has);
    for (uint64_t at = sp + 4 * sizeof sp; word_at(at) != AT_NULL; at += 2 * sizeof sp) {
        const uint64_t type = word_at(at);
        assert_true(type < TYPES && type != AT_IGNORE && !has[type]);
        has[type] = true;
        told[type] = word_at(at + sizeof sp);
    }
    assert_int_equal(told[AT_ENTRY], 17);
}

static void string_is(uint64_t at, const char *wanted) {
    char text[32] = {0};
    assert_true(space_read(process.space, at, text, strlen(wanted) + 1));
    assert_string_equal(text, wanted);
}

static void end(void) {
    /* Strings do not overlap what is told, random bytes or each other. */
    string_is(word_at(sp + sizeof sp), "program");
    string_is(told[AT_EXECFN], "program");
    assert_true(told[AT_RANDOM] > sp && told[AT_RANDOM] + 16 <= word_at(sp + sizeof sp));
    space_done(process.space);
}

static void test_riscv64(void **state) {
    (void)state;
    begin(&riscv64_machine, UINT64_C(1) << 40);
    assert_int_equal(process.memory.usual, UINT64_C(1) << 38);
    assert_int_equal(process.stack_top, (UINT64_C(1) << 38) - SPACE_PAGE);
    assert_false(has[AT_PLATFORM] || has[AT_HWCAP2]);
    assert_int_equal(told[AT_HWCAP], 0x112d); /* IMAFDC */
    assert_int_equal(told[AT_MINSIGSTKSZ], 1088);
    end();
}

static void test_arm64(void **state) {
    (void)state;
    begin(&arm64_machine, UINT64_C(1) << 40);
    assert_int_equal(process.memory.usual, UINT64_C(1) << 40); /* as much as there is */
    assert_true(has[AT_HWCAP2]);
    assert_int_equal(told[AT_HWCAP], 3);
    assert_int_equal(told[AT_MINSIGSTKSZ], 4720);
    string_is(told[AT_PLATFORM], "aarch64");
    assert_true(told[AT_RANDOM] + 16 <= told[AT_PLATFORM]);
    end();
}

/* One that tells less, in less room. */
static void test_another(void **state) {
    static const struct abi_machine small = {.addresses = 0xbf000000, .hwcap2 = 9, .has_hwcap2 = true};
    (void)state;
    begin(&small, UINT64_C(1) << 33);
    assert_int_equal(process.stack_top, 0xbf000000 - SPACE_PAGE);
    assert_int_equal(told[AT_HWCAP2], 9);
    assert_false(has[AT_MINSIGSTKSZ] || has[AT_PLATFORM]);
    assert_true(has[AT_HWCAP]);
    end();
}

static void test_strict(void **state) {
    const struct abi_calls *const all[] = {&riscv64_calls, &arm64_calls};
    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        unsigned n = 0;
        for (const uint16_t *row = all[i]->strict; *row; row++, n++) {
            bool numbered = false;
            for (unsigned k = 0; k < NUMBERS; k++) numbered |= all[i]->numbers[k].row == *row;
            assert_true(numbered);
        }
        assert_int_equal(n, 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_riscv64),
        cmocka_unit_test(test_arm64),
        cmocka_unit_test(test_another),
        cmocka_unit_test(test_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
