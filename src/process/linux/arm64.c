/* arm64.c - Linux's system calls on arm64: numbers, flags, layouts. There is no processor behind them yet; the tests
 * make calls by this table all the same, and compare it with the kernel's headers (test/process/test_abi.c). */
#include "process/linux/linux.h"
#include <linux/audit.h>

static const struct number numbers[NUMBERS] = {
#define NUMBER(number, name)    [number] = {ROW_##name},
#define OWN(number, name, args) NUMBER(number, name)
#include "process/linux/arm64.def"
};
const struct abi_calls arm64_calls = {
    .name = "arm64",
    .numbers = numbers,
    .audit_arch = AUDIT_ARCH_AARCH64,
};
