/* Flags of rows are the truth: of meanings, that those accrue FP flags, and only those, that say so; of the x86-64
 * host, that code which does more than a row says is found (src/host/x86_64/verify.c): a fault of every kind, planted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/uop.h"

#ifdef __x86_64__
#include "host/x86_64/x86_64.h"

static const struct slot slots[] = {{"a", sizeof(struct cpu), T_I64, 0, FIELD_PLACES},
                                    {"b", sizeof(struct cpu) + 8, T_I64, 0, FIELD_PLACES + 1}};
static const struct guest guest = {.slots = slots, .nslots = 2, .pc_align = 2};

static uint8_t code[X86_END + 4096];

static void call_c(struct jit *j, enum host_call function) {
    mov_ri(j, RAX, function);
    call_to(j, X86_CALL);
}

/* What a rule might emit, by number. */
static void emit(struct jit *j, unsigned what) {
    switch (what) {
    case 0: alu_rr(j, ALU_ADD, W64, RAX, RCX); break;
    case 1: jmp_to(j, X86_LEAVE); break;
    case 2: mov_mr(j, W64, at_cpu(slots[1].offset), RAX); break;
    case 3: mov_rm(j, W64, RAX, at_reg(RDI, 8)); break;
    case 4: mov_mr(j, W64, at_reg(R12, 8), RAX); break;
    case 5: call_c(j, HOST_CALL_FMA_NAN); break;
    case 6: call_c(j, HOST_CALL_READ); break;
    case 7: call_c(j, HOST_CALL_HELPER); break;
    case 8: call_c(j, HOST_CALL_EVAL); break;
    case 9: op_rm(j, 0x01ae, false, 2, AT_CPU(host.fpcsr)); break; /* ldmxcsr */
    case 10: alu_mi(j, ALU_ADD, W64, AT_CPU(count.budget), 1); break;
    case 11: op_rm(j, 0x66017e, W32, 1, AT_CPU(reserve_value)); break;
    case 12: mov_rm(j, W32, RAX, AT_CPU(fp_flags)); break;
    case 13: prefix(j, 0x50, false, RAX); break; /* push */
    case 14: byte(j, 0xc3); break;
    case 15: mov_mr(j, W64, at_cpu(offsetof(struct cpu, host.spill)), R13); break;
    case 16: mov_mi(j, W64, (struct mem){.base = RAX, .index = RCX, .gs = true, .disp = 300}, 5); break;
    case 17: mov_mr(j, W64, AT_CPU(pc), RDX); break;
    case 18: byte(j, 0x48); break; /* half an instruction */
    case 19: op_rm(j, 0x0128, W32, 3, constant_at(K_NAN64)); break;
    }
}

static const struct {
    enum uop_op op;
    unsigned what;
    const char *offence; /* NULL: good */
} cases[] = {
    {UOP_add_i64, 0, NULL},
    {UOP_add_i64, 8, NULL},
    {UOP_add_i64, 15, NULL},
    {UOP_fneg_f64, 19, NULL},
    {UOP_unbox_f32, 1, NULL}, /* PURE, and may leave */
    {UOP_load_64, 1, NULL},
    {UOP_load_64, 3, NULL},
    {UOP_load_64, 6, NULL},
    {UOP_store_64, 4, NULL},
    {UOP_store_64, 16, NULL},
    {UOP_helper, 7, NULL},
    {UOP_fmadd_f64, 5, NULL},
    {UOP_lr_64, 11, NULL},
    {UOP_ret, 14, NULL},
    {UOP_add_i64, 1, "add_i64 leaves the block"},
    {UOP_fadd_f64, 1, "fadd_f64 leaves the block"},
    {UOP_add_i64, 2, "writes a slot that is not its own"},
    {UOP_put, 2, "writes a slot that is not its own"}, /* of slot 0 */
    {UOP_get_i64, 2, "writes a slot that is not its own"},
    {UOP_add_i64, 3, "touches memory"},
    {UOP_add_i64, 4, "touches memory"},
    {UOP_add_i64, 16, "touches memory"},
    {UOP_load_64, 4, "writes memory"},
    {UOP_touch_block, 16, "writes memory"},
    {UOP_load_64, 11, "writes state"},
    {UOP_fclass_f64, 5, "accrues flags in C"},
    {UOP_add_i64, 6, "accesses memory in C"},
    {UOP_fence, 6, "accesses memory in C"},
    {UOP_load_64, 7, "calls a helper"},
    {UOP_fadd_f64, 9, "loads the host's FP flags"},
    {UOP_add_i64, 10, "counts"},
    {UOP_add_i64, 12, "touches accrued flags"},
    {UOP_add_i64, 13, "touches the pairing stack"},
    {UOP_add_i64, 14, "jumps away"},
    {UOP_br_i64, 14, "jumps away"},
    {UOP_add_i64, 17, "looks for a way out"},
    {UOP_add_i64, 18, "is not read back"},
};

static void found(unsigned i) {
    int out[2], status;
    char text[400] = "";
    struct emission m = {.guest = &guest, .write = code, .limit = sizeof code};
    struct jit j = {.m = &m, .guest = &guest, .p = code + X86_END};
    emit(&j, cases[i].what);
    assert_int_equal(pipe(out), 0);
    const pid_t child = fork();
    if (!child) {
        dup2(out[1], 2);
        signal(SIGABRT, SIG_DFL);
        x86_verify(&j, &(struct uop){.op = (uint16_t)cases[i].op}, code + X86_END, j.p, 0);
        _exit(0);
    }
    close(out[1]);
    const ssize_t got = read(out[0], text, sizeof text - 1);
    waitpid(child, &status, 0);
    close(out[0]);
    if (cases[i].offence ? !WIFSIGNALED(status) || !strstr(text, cases[i].offence) : got > 0 || status)
        fail_msg("%s, %u: wanted %s, got '%s'", uop_info[cases[i].op].name, cases[i].what, cases[i].offence, text);
}

static void code_that_does_more_than_its_row_says_is_found(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) found(i);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
#ifdef __x86_64__
        cmocka_unit_test(code_that_does_more_than_its_row_says_is_found),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
