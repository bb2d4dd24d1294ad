/* verify.c - do the bytes that were selected for a uop do what its row says? For blocks that are checked
 * (emission.check).
 *
 * The instructions are read back, hot ones as soon as a uop is selected, those of cold arms when they are emitted, and
 * what they do is compared with the row's flags and form: a way out of the block needs EXIT or END; memory of the guest
 * is touched by memory and frame uops only, and written with EFFECT only; of the cpu everything may use the host's own
 * part, and nothing else is written but what the form is for. Ends the process with the uop and the offence.
 *
 * Not checked: which registers are written. An instruction that is not known here is an offence, too: add it.
 */
#include "host/x86_64/x86_64.h"
#include <stdio.h>
#include <stdlib.h>

struct insn {
    unsigned op; /* 0xMMOO: map, opcode */
    unsigned pp, reg, base;
    bool memory, rip, rexw;
    int32_t disp;
    int64_t imm;
    unsigned length;
};

static int64_t immediate(const uint8_t *p, unsigned size) {
    int32_t v = 0;
    if (size == 1) return (int8_t)*p;
    memcpy(&v, p, size < 4 ? size : 4); /* of eight the low half will do */
    return v;
}

static bool has_modrm(unsigned op) {
    const unsigned low = op & 0xff;
    switch (op >> 8) {
    case 0:
        if (low < 0x40) return (low & 7) < 4;
        return low == 0x63 || low == 0x69 || low == 0x6b || (low >= 0x80 && low <= 0x8f) || (low & 0xfe) == 0xc0 ||
               (low & 0xfe) == 0xc6 || (low >= 0xd0 && low <= 0xd3) || (low & 0xf6) == 0xf6;
    case 1: return !((low >= 0x80 && low <= 0x8f) || (low >= 0xc8 && low <= 0xcf) || low == 0x0b);
    default: return true;
    }
}

static unsigned immediate_size(unsigned op, unsigned reg, bool rexw) {
    const unsigned low = op & 0xff;
    switch (op >> 8) {
    case 0:
        if (low < 0x40) return (low & 7) == 4 ? 1 : (low & 7) == 5 ? 4 : 0;
        if (low >= 0xb8 && low <= 0xbf) return rexw ? 8 : 4;
        if (low == 0x68 || low == 0x69 || low == 0x81 || low == 0xc7 || low == 0xa9 || low == 0xe8 || low == 0xe9)
            return 4;
        if (low == 0xf7) return reg < 2 ? 4 : 0;
        if (low == 0xf6) return reg < 2 ? 1 : 0;
        return low == 0x6a || low == 0x6b || low == 0x80 || low == 0x83 || low == 0xc0 || low == 0xc1 || low == 0xc6 ||
               low == 0xa8 || low == 0xeb || (low >= 0x70 && low <= 0x7f) || (low >= 0xb0 && low <= 0xb7);
    case 1:
        if (low >= 0x80 && low <= 0x8f) return 4;
        return (low >= 0x70 && low <= 0x73) || low == 0xa4 || low == 0xac || low == 0xba || low == 0xc2 ||
               (low >= 0xc4 && low <= 0xc6);
    case 3: return 1;
    default: return 0;
    }
}

static void read_insn(const uint8_t *p, struct insn *n) {
    const uint8_t *const start = p;
    unsigned rex = 0;
    *n = (struct insn){0};
    for (;; p++) {
        if (*p == 0x66 || *p == 0xf2 || *p == 0xf3)
            n->pp = *p;
        else if (*p != 0x65 && *p != 0xf0)
            break;
    }
    if (*p == 0xc5 || *p == 0xc4) { /* VEX */
        static const unsigned pps[] = {0, 0x66, 0xf3, 0xf2};
        const bool three = *p == 0xc4;
        const unsigned map = three ? p[1] & 31 : 1, last = three ? p[2] : p[1];
        rex = (~p[1] >> 7 & 1) << 2 | (three ? (~p[1] >> 5 & 1) : 0);
        n->rexw = three && last >> 7;
        n->pp = pps[last & 3];
        p += three ? 3 : 2;
        n->op = map << 8 | *p++;
    } else {
        if ((*p & 0xf0) == 0x40) rex = *p++ & 15;
        n->rexw = rex >> 3;
        n->op = *p++;
        if (n->op == 0x0f) {
            n->op = 0x100 | *p++;
            if (n->op == 0x138 || n->op == 0x13a) n->op = (n->op == 0x138 ? 0x200u : 0x300u) | *p++;
        }
    }
    if (has_modrm(n->op)) {
        const unsigned modrm = *p++, mod = modrm >> 6, rm = modrm & 7;
        n->reg = modrm >> 3 & 7;
        n->memory = mod != 3;
        n->base = rm | (rex & 1) << 3;
        if (n->memory && rm == 4) {
            n->base = (*p & 7u) | (rex & 1) << 3;
            if ((*p & 7) == 5 && mod == 0) n->base = NO_REG;
            p++;
        } else if (n->memory && rm == 5 && mod == 0) {
            n->rip = true;
        }
        const unsigned size = mod == 1 ? 1 : mod == 2 || (n->memory && (n->rip || n->base == NO_REG)) ? 4 : 0;
        if (n->memory && size) n->disp = (int32_t)immediate(p, size);
        if (n->memory) p += size;
    }
    unsigned size = immediate_size(n->op, n->reg, n->rexw);
    if (size == 4 && n->pp == 0x66 && n->op < 0x100) size = 2;
    if (size) n->imm = immediate(p, size);
    n->length = (unsigned)(p + size - start);
}

static bool stores(const struct insn *n) {
    const unsigned low = n->op & 0xff, reg = n->reg;
    switch (n->op >> 8) {
    case 0:
        if (low < 0x40) return (low & 7) < 2 && low >> 3 != ALU_CMP;
        if (low == 0x80 || low == 0x81 || low == 0x83) return reg != ALU_CMP;
        if (low == 0xf6 || low == 0xf7) return reg == 2 || reg == 3;
        if (low == 0xfe || low == 0xff) return reg < 2;
        return (low >= 0x86 && low <= 0x89) || low == 0xc0 || low == 0xc1 || low == 0xc6 || low == 0xc7 ||
               (low >= 0xd0 && low <= 0xd3);
    case 1:
        if (low == 0x7e || low == 0xd6) return n->pp == 0x66;
        if (low == 0xae) return reg == 3;
        if (low == 0xba) return reg >= 5;
        return low == 0x11 || low == 0x13 || low == 0x17 || low == 0x29 || low == 0x7f ||
               (low >= 0x90 && low <= 0x9f) || low == 0xb0 || low == 0xb1 || low == 0xc0 || low == 0xc1 ||
               low == 0xc3 || low == 0xc7 || low == 0xe7;
    case 2: return low == 0xf1 && n->pp != 0xf2;
    default: return low >= 0x14 && low <= 0x17;
    }
}

/* What a uop may do. */
struct may {
    const struct uop *u;
    bool leave, end, memory, write, frame, slot, helper, fp;
};

static struct may may_of(const struct uop *u) {
    const struct uop_info *info = &uop_info[u->op];
    return (struct may){
        .u = u,
        .leave = info->flags & (UF_EXIT | UF_END),
        .end = info->flags & UF_END,
        .memory = info->form == FORM_MEM,
        .write = info->flags & UF_EFFECT,
        .frame = info->form == FORM_FRAME,
        .slot = info->form == FORM_SLOT,
        .helper = info->form == FORM_HELPER,
        .fp = info->flags & UF_FP,
    };
}

#define IN_CPU(offset, field) ((offset)-offsetof(struct cpu, field) < sizeof(((struct cpu *)0)->field))

/* Is this part of the cpu (by its offset) one that the uop may read or write there? */
static const char *cpu_offence(const struct jit *j, const struct may *may, uint32_t offset, bool write) {
    if (IN_CPU(offset, host) || IN_CPU(offset, wide)) return NULL;
    if (IN_CPU(offset, count)) return may->leave || may->helper ? NULL : "counts";
    if (IN_CPU(offset, pc) || IN_CPU(offset, exit) || IN_CPU(offset, jumps))
        return may->leave || may->helper ? NULL : "looks for a way out";
    if (may->memory)
        return write && !(may->write && (IN_CPU(offset, reserve_address) || IN_CPU(offset, reserve_value)))
                   ? "writes state"
                   : NULL;
    if (IN_CPU(offset, fp_flags)) return may->slot ? NULL : "touches accrued flags";
    if (IN_CPU(offset, frame)) return may->frame || !write ? NULL : "writes the frame's address";
    if (!write) return NULL; /* an operand that is in a slot without a pin */
    const struct slot *s = may->slot && may->write ? &j->guest->slots[may->u->x] : NULL;
    return s && offset - s->offset < type_info[s->type].size ? NULL : "writes a slot that is not its own";
}

static const char *memory_offence(const struct jit *j, const struct may *may, const struct insn *n) {
    const bool write = stores(n);
    if (n->op == 0x8d || n->op == 0x11f || n->op == 0x118) return NULL; /* lea, nop, prefetch */
    if (n->op == 0x1ae && n->reg == 2 && !may->slot) return "loads the host's FP flags";
    if (n->rip) return write && !may->end ? "writes behind the code" : NULL;
    if (n->base == CPU) return cpu_offence(j, may, (uint32_t)(n->disp + CPU_BIAS), write);
    if (n->op == 0x83 && n->reg == ALU_OR && !n->imm) return NULL; /* a fence */
    if (n->base == RSP) return may->end ? NULL : "touches the pairing stack";
    if (may->end || (may->frame && (!write || may->write))) return NULL;
    if (may->slot) return NULL; /* the table of accrued flags */
    if (!may->memory) return "touches memory";
    return write && !may->write ? "writes memory" : NULL;
}

static const char *call_offence(const struct may *may, int64_t function) {
    switch ((enum host_call)function) {
    case HOST_CALL_EVAL:
    case HOST_CALL_EVAL_WIDE: return NULL;
    case HOST_CALL_FMA_NAN: return may->fp ? NULL : "accrues flags in C";
    case HOST_CALL_HELPER: return may->helper ? NULL : "calls a helper";
    case HOST_CALL_READ:
    case HOST_CALL_WRITE:
    case HOST_CALL_ATOMIC: return may->memory ? NULL : "accesses memory in C";
    case HOST_CALL_ACCESS: /* by thunks alone */
    case HOST_CALL_LOOK:
    case HOST_CALL_COUNT: break;
    }
    return "calls C";
}

/* A jump, call or return that goes elsewhere than within the bytes, to `back`, or to where is filled in later. */
static const char *jump_offence(const struct jit *j, const struct may *may, const struct insn *n, const uint8_t *at,
                                const uint8_t *from, const uint8_t *to, uint32_t back, int64_t function) {
    const unsigned op = n->op;
    const bool relative =
        (op >= 0x70 && op <= 0x7f) || op == 0xeb || op == 0xe8 || op == 0xe9 || (op >= 0x180 && op <= 0x18f);
    if (relative) {
        const uint8_t *target = at + n->length + n->imm;
        const int64_t offset = target - j->m->write;
        if (offset == X86_CALL) return call_offence(may, function);
        if (offset == X86_ACCESS) return may->memory && may->leave ? NULL : "accesses memory in C";
        if ((target >= from && target <= to) || (back && offset == back)) return NULL;
        return may->leave ? NULL : "leaves the block";
    }
    if (op == 0xc3 || op == 0xc2 || (op == 0xff && n->reg >= 2 && n->reg <= 5)) return may->end ? NULL : "jumps away";
    if ((op >= 0x50 && op <= 0x5f) || op == 0x68 || op == 0x6a) return may->end ? NULL : "touches the pairing stack";
    return NULL;
}

void x86_verify(const struct jit *j, const struct uop *u, const uint8_t *from, const uint8_t *to, uint32_t back) {
    const struct may may = may_of(u);
    int64_t function = -1; /* in eax */
    const char *offence = NULL;
    struct insn n = {0};
    const uint8_t *p = from;
    for (; p < to && !offence; p += n.length) {
        read_insn(p, &n);
        if (n.op == 0xb8) function = n.imm;
        if (n.op == 0x33 && !n.memory && n.reg == RAX && n.base == RAX) function = 0;
        offence = n.length > to - p ? "is not read back" : n.memory ? memory_offence(j, &may, &n) : NULL;
        if (!offence) offence = jump_offence(j, &may, &n, p, from, to, back, function);
    }
    if (!offence) return;
    fprintf(stderr, "vee: bug: what was selected for %s %s, which its row does not say:", uop_info[u->op].name,
            offence);
    for (const uint8_t *b = from; b < to; b++) fprintf(stderr, "%s%02x", b == p - n.length ? " > " : " ", *b);
    fprintf(stderr, "\n");
    abort();
}
