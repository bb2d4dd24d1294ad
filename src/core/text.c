/* text.c - blocks as text, for dumps, tests and bug reports: block_print writes it, block_parse (parse.c) reads it
 * back.
 *
 *   block 10412 ctx 0x300
 *   10412: mark 4
 *     %1 = get_i64 s0
 *     %2 = load_s32 mem0[%1 + 8]
 *     put a0, %2
 *   10416: mark 2
 *     %3 = const_i64 0
 *     br_i64.ne %2, %3 -> 10400
 *     jump -> 10418
 *
 * One uop a line, spelled as its form (enum uop_form) says; `; ...` is a comment. What is printed depends on the uop
 * and the block's pool alone, so printing never fails, and a well-formed block (see check.c) parses back to itself.
 * Program counters are hexadecimal without a prefix; other numbers are decimal, or hexadecimal with 0x.
 */
#include "core/cpu.h"
#include "core/guest.h"
#include "core/uop.h"
#include <inttypes.h>

const char *round_name(unsigned round) {
    static const char *const names[ROUND_COUNT] = {"rne", "rtz", "rdn", "rup", "rmm"};
    return round < ROUND_COUNT ? names[round] : NULL;
}

static void print_number(FILE *out, int64_t v) {
    if (v > -1024 && v < 1024)
        fprintf(out, "%" PRId64, v);
    else
        fprintf(out, "0x%" PRIx64, (uint64_t)v);
}

/* A name, or what stands for it when there is none: `slot70`. */
static void print_name(FILE *out, const char *name, const char *kind, unsigned number) {
    if (name)
        fputs(name, out);
    else
        fprintf(out, "%s%u", kind, number);
}

static void print_slot(FILE *out, const struct guest *guest, unsigned slot) {
    print_name(out, guest && slot < guest->nslots ? guest->slots[slot].name : NULL, "slot", slot);
}

static void print_exit(FILE *out, unsigned kind) {
    print_name(out, kind < EXIT_COUNT ? exit_info[kind].name : NULL, "exit", kind);
}

/* Operands from the first on, separated by commas; `_` for one that is missing before one that is there. */
static void print_operands(FILE *out, const uint16_t *operand, unsigned count, const char *before) {
    while (count && !operand[count - 1]) count--;
    for (unsigned i = 0; i < count; i++) {
        fputs(i ? ", " : before, out);
        if (operand[i])
            fprintf(out, "%%%u", operand[i]);
        else
            fputc('_', out);
    }
}

/* A wide constant: all of its digits. */
static void print_pool(FILE *out, const struct block *k, const struct uop *u) {
    const unsigned cells = type_info[uop_info[u->op].result].cells;
    if ((uint64_t)u->imm > k->npool || k->npool - (uint64_t)u->imm < cells) {
        fprintf(out, "pool%" PRId64, u->imm);
        return;
    }
    fputs("0x", out);
    for (unsigned n = cells; n-- > 0;) fprintf(out, "%016" PRIx64, k->pool[(uint64_t)u->imm + n]);
}

static void print_uop(FILE *out, const struct block *block, const struct uop *u, const struct guest *guest) {
    if (u->op >= UOP_COUNT) {
        fprintf(out, "  ?op%u\n", u->op);
        return;
    }
    const struct uop_info *info = &uop_info[u->op];
    const uint16_t operand[3] = {u->a, u->b, u->c};
    if (info->form == FORM_MARK) {
        fprintf(out, "%" PRIx64 ": mark %u\n", (uint64_t)u->imm, u->x);
        return;
    }
    fputs("  ", out);
    if (u->dst) fprintf(out, "%%%u = ", u->dst);
    fputs(info->name, out);
    switch ((enum uop_form)info->form) {
    case FORM_CONST:
        fputc(' ', out);
        print_number(out, u->imm);
        break;
    case FORM_POOL:
        fputc(' ', out);
        print_pool(out, block, u);
        break;
    case FORM_SMALL: fprintf(out, ".%u", u->x); break;
    case FORM_COND:
    case FORM_BRANCH:
    case FORM_EXITIF:
        fputc('.', out);
        print_name(out, u->x < C_COUNT ? cond_name(u->x) : NULL, "", u->x);
        break;
    case FORM_ROUND:
        fputc('.', out);
        print_name(out, round_name(u->x), "", u->x);
        break;
    case FORM_SLOT:
        fputc(' ', out);
        print_slot(out, guest, u->x);
        break;
    case FORM_FRAME: fprintf(out, " frame[%" PRId64 "]", u->imm); break;
    case FORM_MEM:
        fprintf(out, " mem%u[%%%u", u->x, u->a);
        if (u->imm) {
            fputs(u->imm < 0 ? " - " : " + ", out);
            print_number(out, u->imm < 0 ? (int64_t)(-(uint64_t)u->imm) : u->imm);
        }
        fputc(']', out);
        break;
    case FORM_EXIT:
        fputc(' ', out);
        print_exit(out, u->x);
        break;
    case FORM_HELPER:
        fputc(' ', out);
        print_name(out, guest && u->aux < guest->nhelpers ? guest->helpers[u->aux].name : NULL, "helper", u->aux);
        fputc('(', out);
        print_operands(out, operand, 3, "");
        fputs(")\n", out);
        return;
    case FORM_PLAIN:
    case FORM_MARK:
    case FORM_TARGET: break;
    }
    bool listed = info->form == FORM_SLOT || info->form == FORM_FRAME || info->form == FORM_EXIT;
    if (info->form == FORM_MEM)
        print_operands(out, operand + 1, 2, ", ");
    else
        print_operands(out, operand, 3, listed ? ", " : " ");
    if (info->form == FORM_BRANCH || info->form == FORM_TARGET) fprintf(out, " -> %" PRIx64, (uint64_t)u->imm);
    if (info->form == FORM_EXIT && !u->a) {
        fputs(", ", out);
        print_number(out, u->imm);
    }
    if (info->form == FORM_EXITIF) {
        fputs(" -> ", out);
        print_exit(out, u->aux);
        fputs(", ", out);
        print_number(out, u->imm);
    }
    fputc('\n', out);
}

void block_print(FILE *out, const struct block *block, const struct guest *guest) {
    fprintf(out, "block %" PRIx64 " ctx 0x%" PRIx64 "\n", block->pc, block->ctx);
    for (uint32_t i = 0; i < block->nuops; i++) print_uop(out, block, &block->uops[i], guest);
}
