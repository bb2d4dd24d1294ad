/* arm64.c - Linux's system calls on arm64: numbers, flags, layouts. There is no processor behind them yet; the tests
 * make calls by this table all the same, and compare it with the kernel's headers (test/process/test_abi.c). */
#include "process/linux/layout_arm64.h"
#include <linux/audit.h>

enum { HOST_LARGEFILE = 0100000 /* the C library has 0 */ };

static const struct number numbers[NUMBERS] = {
#define NUMBER(number, name)    [number] = {ROW_##name, 0, 0},
#define OWN(number, name, args) NUMBER(number, name)
#include "process/linux/arm64.def"
};

static const struct flag open_flags[] = {{"O_DIRECTORY", 040000, O_DIRECTORY},
                                         {"O_NOFOLLOW", 0100000, O_NOFOLLOW},
                                         {"O_DIRECT", 0200000, O_DIRECT},
                                         {"O_LARGEFILE", 0400000, HOST_LARGEFILE},
                                         {NULL, 0, 0}};

#include "process/linux/layout_make.h"
static const struct layout *const layout_tables[] = {layouts};

const struct abi_calls arm64_calls = {
    .name = "arm64",
    .numbers = numbers,
    .layouts = layout_tables,
    .open_flags = open_flags,
    .action_flags = ACTION_RESTORER,
    .signal_stack = 5120,
    .audit_arch = AUDIT_ARCH_AARCH64,
};
