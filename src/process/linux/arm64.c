/* arm64.c - Linux's system calls on arm64: numbers, flags, layouts; and what it tells of the machine, one of ARMv8.0.
 * There is no processor behind them yet; the tests make calls by this table all the same, and compare it with the
 * kernel's headers (test/process/test_abi.c). */
#include "process/linux/layout_arm64.h"
#include <elf.h>
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

static const uint16_t strict[] = {ROW_read, ROW_write, ROW_exit, ROW_rt_sigreturn, 0};
const struct abi_calls arm64_calls = {
    .name = "arm64",
    .numbers = numbers,
    .layouts = layout_tables,
    .open_flags = open_flags,
    .action_flags = ACTION_RESTORER,
    .signal_stack = 5120,
    .audit_arch = AUDIT_ARCH_AARCH64,
    .strict = strict,
};

enum { HWCAP_NUMBERS = 1 /* HWCAP_FP */, HWCAP_VECTORS = 2 /* HWCAP_ASIMD */ };
enum { FRAME = 4688, FRAME_RECORD = 32 /* a frame record in front of it, each aligned */ };
const struct abi_machine arm64_machine = {
    .name = "aarch64",
    .platform = "aarch64",
    .elf_machine = EM_AARCH64,
    .hwcap = HWCAP_NUMBERS | HWCAP_VECTORS,
    .has_hwcap2 = true,
    .frame_least = FRAME + FRAME_RECORD,
    .addresses = UINT64_C(1) << 48,
    .integers = 34 * 8,     /* x0-x30, sp, pc, pstate */
    .floats = 32 * 16 + 16, /* v0-v31, fpsr, fpcr, two words */
};
