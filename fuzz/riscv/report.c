/* report.c - a case as text: what one needs to see what went wrong, and to run it again. */
#include "fuzz.h"
#include <inttypes.h>
#include <stdio.h>

static const char *const memory_names[] = {"direct", "window", "end of window", "soft", "soft, paged"};
static const char *const action_names[] = {"none", "flush", "invalidate", "recheck", "poke"};

static void print_start(const struct start *s) {
    printf("  frm %u fflags %#x fs %u cbo %u counteren %" PRIu64 "\n", s->frm, s->fflags, s->fs, s->cbo, s->counteren);
    for (unsigned i = 0; i < STARTS; i++)
        if (s->csr[i]) printf("  %s = %#" PRIx64 "\n", riscv_fields[start_fields[i]].name, s->csr[i]);
    printf("  mtvec, stvec = addresses of instructions %d, %d\n", s->mtvec, s->stvec);
    if (s->small_pmp) printf("  pmpaddr0 = %#" PRIx64 " pmpcfg0 = %#x\n", s->small_pmp, s->small_rights);
    for (unsigned i = 1; i < 32; i++) {
        if (s->label[i] >= 0)
            printf("  x%u = address of instruction %d\n", i, s->label[i]);
        else if (s->x[i])
            printf("  x%u = %#" PRIx64 "\n", i, s->x[i]);
    }
    for (unsigned i = 0; i < 32; i++)
        if (s->f[i]) printf("  f%u = %#" PRIx64 "\n", i, s->f[i]);
}

void record_print(const struct record *rec) {
    for (unsigned i = 0; i < rec->n; i++) {
        const struct stop *s = &rec->stop[i];
        printf("  stop %u: %s %#" PRIx64 " at %#" PRIx64 ", %" PRIu64 " instructions, %" PRId64 " left\n", i,
               exit_info[s->kind].name, s->value, s->pc, s->count, s->budget);
    }
}

void case_print(const struct fuzz_case *c) {
    uint8_t bytes[4 * MAX_INSNS + 4];
    uint32_t offset_of[MAX_INSNS + 1];
    case_layout(c, bytes, offset_of);
    printf("memory %s at %#" PRIx64 ", %s, mode %d, variant %u%s\n", memory_names[c->batch.memory],
           data_address(c->batch.memory), c->counted ? "counted" : "not counted", (int)c->batch.priv, c->batch.variant,
           c->batch.changes_code ? ", code can be written" : "");
    for (unsigned i = 0; i <= c->n; i++) {
        char text[100];
        uint64_t pc = c->batch.code_base + c->at + offset_of[i];
        unsigned length = i < c->n ? c->code[i].length : 4;
        guest_riscv.disassemble(text, sizeof text, pc, bytes + offset_of[i], length, NULL);
        uint32_t bits = bytes[offset_of[i]] | (uint32_t)bytes[offset_of[i] + 1] << 8;
        if (length == 4) bits |= (uint32_t)bytes[offset_of[i] + 2] << 16 | (uint32_t)bytes[offset_of[i] + 3] << 24;
        printf("  %2u %8" PRIx64 ": %0*x %s\n", i, pc, (int)length * 2, bits, text);
    }
    for (unsigned i = 0; i < c->rounds; i++) {
        printf("start of round %u:\n", i);
        print_start(&c->start[i]);
    }
    printf("stops:");
    for (unsigned i = 0; i < c->stops; i++) printf(" %s %" PRId64, action_names[c->action[i]], c->budget[i]);
    printf("\n");
}
