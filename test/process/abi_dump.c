/* abi_dump.c - prints what is said of each instruction set's system calls, for a comparison with the kernel's headers
 * (check_abi.py). Lines, in order of instruction sets and structs: `abi NAME`, `number N NAME`, `value NAME N`,
 * `struct NAME SIZE FORM`, `field STRUCT NAME OFFSET SIZE`. FORM: 64, or 32 for earlier forms of 32-bit systems.
 */
#include "process/linux/layout_generic.h"
#include <stddef.h>
#include <stdio.h>

extern const struct abi_calls riscv64_calls, arm64_calls;

#define DUMP generic
#include "abi_dump.h"
#include "process/linux/layout_arm64.h"
#define DUMP arm64
#include "abi_dump.h"
#include "arm32.h"
#define DUMP arm32
#include "abi_dump.h"
#define ARM32_OLD
#include "arm32.h"
#define DUMP arm32_old
#include "abi_dump.h"

static void calls(const struct abi_calls *c) {
    printf("abi %s\nvalue AUDIT_ARCH %u\nvalue MINSIGSTKSZ %u\n", c->name, c->audit_arch, c->signal_stack);
    if (c->action_flags) printf("value SA_RESTORER %u\n", c->action_flags);
    for (unsigned i = 0; i < NUMBERS; i++)
        if (c->numbers[i].row) printf("number %u %s\n", i, linux_rows[c->numbers[i].row].name);
    for (const struct flag *f = c->open_flags; f && f->name; f++) printf("value %s %u\n", f->name, f->guest);
}

int main(void) {
    calls(&riscv64_calls);
    generic("64");
    calls(&arm64_calls);
    arm64("64");
    printf("abi arm32\n");
#define CALL32(number, name, row, shape, form) printf("number %d %s\n", number, #name);
#include "arm32.def"
    arm32("64");
    arm32_old("32");
    return 0;
}
