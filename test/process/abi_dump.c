/* abi_dump.c - prints what is said of each instruction set's system calls, for a comparison with the kernel's headers
 * (check_abi.py). Lines, in order of instruction sets and structs: `abi NAME`, `number N NAME`, `value NAME N`,
 * `struct NAME SIZE FORM`, `field STRUCT NAME OFFSET SIZE`, `fact N EXPRESSION` (of the headers' names: it is N).
 * FORM: 64, or 32 for earlier forms of 32-bit systems.
 */
#include "process/linux/frame_riscv64.h"
#include "process/linux/layout_generic.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

extern const struct abi_calls riscv64_calls, arm64_calls;
extern const struct abi_machine riscv64_machine, arm64_machine;

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

static void fact(uint64_t n, const char *expression) {
    printf("fact %" PRIu64 " %s\n", n, expression);
}

/* What of a machine the headers know, by their names for it. */
static void machine(const struct abi_machine *m, const char *number, const char *hwcap, const char *frame,
                    const char *integers, const char *floats) {
    fact(m->elf_machine, number);
    fact(m->hwcap, hwcap);
    if (m->frame_least) fact(m->frame_least, frame);
    fact(m->integers, integers);
    if (m->floats) fact(m->floats, floats);
}

static void riscv64_frames(void) {
#define CONTEXT "__builtin_offsetof(struct ucontext, "
    fact(FRAME_CONTEXT, "sizeof(siginfo_t)");
    fact(FRAME_STACK - FRAME_CONTEXT, CONTEXT "uc_stack)");
    fact(FRAME_MASK - FRAME_CONTEXT, CONTEXT "uc_sigmask)");
    fact(FRAME_REGISTERS - FRAME_CONTEXT, CONTEXT "uc_mcontext.sc_regs)");
    fact(FRAME_FLOATS - FRAME_CONTEXT, CONTEXT "uc_mcontext.sc_fpregs.d.f)");
    fact(FRAME_FCSR - FRAME_CONTEXT, CONTEXT "uc_mcontext.sc_fpregs.d.fcsr)");
    fact(FRAME_EXTENSIONS - FRAME_FLOATS, "__builtin_offsetof(struct __riscv_q_ext_state, reserved)");
    fact(CORE_FCSR, "__builtin_offsetof(struct __riscv_d_ext_state, fcsr)");
}

int main(void) {
    calls(&riscv64_calls);
    generic("64");
    machine(&riscv64_machine, "EM_RISCV",
            "(COMPAT_HWCAP_ISA_I | COMPAT_HWCAP_ISA_M | COMPAT_HWCAP_ISA_A | COMPAT_HWCAP_ISA_F | COMPAT_HWCAP_ISA_D | "
            "COMPAT_HWCAP_ISA_C)",
            "sizeof(siginfo_t) + sizeof(struct ucontext)", "sizeof(struct user_regs_struct)",
            "sizeof(struct __riscv_d_ext_state)");
    riscv64_frames();
    calls(&arm64_calls);
    arm64("64");
    machine(&arm64_machine, "EM_AARCH64", "(HWCAP_FP | HWCAP_ASIMD)",
            "sizeof(siginfo_t) + sizeof(struct ucontext) + 32", "sizeof(struct user_pt_regs)",
            "sizeof(struct user_fpsimd_state)");
    printf("abi arm32\n");
#define CALL32(number, name, row, shape, form) printf("number %d %s\n", number, #name);
#include "arm32.def"
    arm32("64");
    arm32_old("32");
    machine(&arm32_machine, "EM_ARM",
            "(HWCAP_SWP | HWCAP_HALF | HWCAP_THUMB | HWCAP_FAST_MULT | HWCAP_VFP | HWCAP_EDSP | HWCAP_NEON | "
            "HWCAP_VFPv3 | HWCAP_TLS | HWCAP_VFPD32)",
            NULL, "sizeof(struct pt_regs)", NULL);
    return 0;
}
