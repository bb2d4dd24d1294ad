/* check.c - what makes a block well-formed, as code. Debug builds check every block after every stage.
 *
 *   shape   a known op; a result and operands exactly where its row has them; fields that its form does not use are 0
 *   temps   each is assigned once, before its uses, and has the type that the row says
 *   forms   slots, spaces, conditions, rounding modes, exit kinds, helpers and constants are in range; slots have the
 *           type of the get or put, and its alignment; wide values go only to who says that it takes them; code
 *           addresses are aligned; a call's return address is a constant
 *   marks   the first uop is the mark of the block's pc; a mark begins at or after the end of the one before (or
 *           repeats it: an instruction that works element by element); ninsns and bytes agree with the marks
 *   end     the last uop, and no other, has END
 *   commits within an instruction nothing that changes state precedes a uop that may leave with a BEFORE exit, and
 *           nothing that changes state follows one that may leave with an AFTER exit
 *
 * A branch leaves with its instruction done, so it may stand before and after puts. A fence changes no state, so it may
 * precede an access. That an instruction has at most one effect that cannot be restarted follows from the commit rule,
 * since all such uops may also exit. Not checked: which state an instruction ought to reach, and what helpers do.
 */
#include "core/cpu.h"
#include "core/fp.h"
#include "core/guest.h"
#include "core/uop.h"
#include <stdarg.h>
#include <string.h>

struct check {
    const struct block *block;
    const struct guest *guest;
    uint32_t index; /* of the uop being checked */
    char *why;
    size_t size;
    uint64_t last, end; /* guest pc of the last mark's instruction, and after it */
    uint32_t marks;
    bool accrues;                  /* the guest has accrued FP flags, so FP uops change state */
    bool changed;                  /* this instruction has changed state */
    bool finished;                 /* this instruction may have left with an AFTER exit */
    uint8_t temp[BLOCK_MAX_TEMPS]; /* enum temp_state */
};
enum temp_state { TEMP_UNDEFINED, TEMP_VALUE, TEMP_CONST, TEMP_PART /* of a wide one, not its first number */ };

static bool wrong(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct check *c, const char *format, ...) {
    const struct block *k = c->block;
    const char *name =
        c->index < k->nuops && k->uops[c->index].op < UOP_COUNT ? uop_info[k->uops[c->index].op].name : "?";
    int n = snprintf(c->why, c->size, "uop %u (%s): ", c->index, name);
    if (n >= 0 && (size_t)n < c->size) {
        va_list args;
        va_start(args, format);
        vsnprintf(c->why + n, c->size - (size_t)n, format, args);
        va_end(args);
    }
    return false;
}

/* ---- shape */

enum { USES_X = 1, USES_AUX = 2, USES_IMM = 4 };
static const uint8_t form_uses[] = {
    [FORM_PLAIN] = 0,
    [FORM_CONST] = USES_IMM,
    [FORM_POOL] = USES_IMM,
    [FORM_SMALL] = USES_X,
    [FORM_COND] = USES_X,
    [FORM_ROUND] = USES_X,
    [FORM_SLOT] = USES_X,
    [FORM_FRAME] = USES_IMM,
    [FORM_MEM] = USES_X | USES_IMM,
    [FORM_MARK] = USES_X | USES_IMM,
    [FORM_BRANCH] = USES_X | USES_IMM,
    [FORM_TARGET] = USES_IMM,
    [FORM_EXIT] = USES_X | USES_IMM,
    [FORM_EXITIF] = USES_X | USES_AUX | USES_IMM,
    [FORM_HELPER] = USES_AUX,
};

static bool check_shape(struct check *c, const struct uop *u) {
    if (u->op >= UOP_COUNT) return wrong(c, "unknown op %u", u->op);
    const struct uop_info *info = &uop_info[u->op];
    if ((info->result != T_N) != (u->dst != 0)) return wrong(c, u->dst ? "has no result" : "result is missing");
    const uint16_t operand[3] = {u->a, u->b, u->c};
    const uint8_t type[3] = {info->a, info->b, info->c};
    bool optional = info->form == FORM_EXIT || info->form == FORM_HELPER;
    for (int i = 0; i < 3; i++) {
        if (type[i] == T_N && operand[i]) return wrong(c, "operand %d is one too many", i + 1);
        if (type[i] != T_N && !operand[i] && !optional) return wrong(c, "operand %d is missing", i + 1);
    }
    unsigned uses = form_uses[info->form];
    if (!(uses & USES_X) && u->x) return wrong(c, "x is not used, yet not 0");
    if (!(uses & USES_AUX) && u->aux) return wrong(c, "aux is not used, yet not 0");
    if (!(uses & USES_IMM) && u->imm) return wrong(c, "imm is not used, yet not 0");
    return true;
}

/* ---- temporaries */

static bool check_operand(struct check *c, uint16_t temp, enum type want) {
    const struct block *k = c->block;
    if (!temp) return true;
    if (temp >= k->ntemps || c->temp[temp] == TEMP_UNDEFINED || c->temp[temp] == TEMP_PART)
        return wrong(c, "%%%u is used before it is defined", temp);
    enum type is = k->temps[temp].type;
    bool fits = want == T_ANY || is == want || (want == T_INT && (is == T_I32 || is == T_I64));
    return fits || wrong(c, "%%%u is %s, not %s", temp, type_name(is), type_name(want));
}

static bool check_temps(struct check *c, const struct uop *u) {
    const struct block *k = c->block;
    const struct uop_info *info = &uop_info[u->op];
    if (!check_operand(c, u->a, info->a) || !check_operand(c, u->b, info->b) || !check_operand(c, u->c, info->c))
        return false;
    if (!u->dst) return true;
    const uint32_t end = u->dst + type_info[info->result].cells;
    if (end > k->ntemps) return wrong(c, "%%%u is not among the block's temporaries", u->dst);
    for (uint32_t t = u->dst; t < end; t++) {
        if (c->temp[t] != TEMP_UNDEFINED) return wrong(c, "%%%u is assigned twice", t);
        c->temp[t] = TEMP_PART;
    }
    if (k->temps[u->dst].type != info->result)
        return wrong(c, "%%%u is noted as %s", u->dst, type_name((enum type)k->temps[u->dst].type));
    c->temp[u->dst] = info->form == FORM_CONST ? TEMP_CONST : TEMP_VALUE;
    return true;
}

/* ---- forms */

/* Of a uop that takes operands of any type: wide ones only where somebody says so. */
static bool check_wide(struct check *c, uint16_t temp, enum type declared) {
    const enum type is = temp ? (enum type)c->block->temps[temp].type : T_N;
    if (declared == T_N && !type_is_wide(is)) return true;
    return is == declared ||
           wrong(c, "%%%u is %s, not %s", temp, type_name(is), declared == T_N ? "narrow" : type_name(declared));
}

static bool check_slot(struct check *c, const struct uop *u) {
    if (u->x >= c->guest->nslots) return wrong(c, "there is no slot %u", u->x);
    const struct slot *s = &c->guest->slots[u->x];
    const unsigned field = s->place - FIELD_PLACES;
    if (s->place >= FIELD_PLACES && c->guest->nfields &&
        (field >= c->guest->nfields || s->offset - c->guest->fields[field].offset >=
                                           (uint32_t)c->guest->fields[field].size * c->guest->fields[field].count))
        return wrong(c, "slot %s is not in the field that it names", s->name);
    const bool put = uop_info[u->op].result == T_N;
    enum type type = put ? c->block->temps[u->a].type : uop_info[u->op].result;
    const unsigned size = type_info[s->type].size;
    if (s->offset % size) return wrong(c, "slot %s is not aligned to %u", s->name, size);
    if (put && !check_wide(c, u->a, uop_info[u->op].a == T_ANY ? T_N : (enum type)uop_info[u->op].a)) return false;
    return type == s->type ||
           wrong(c, "slot %s is %s, not %s", s->name, type_name((enum type)s->type), type_name(type));
}

static bool check_target(struct check *c, int64_t pc) {
    return (uint64_t)pc % c->guest->pc_align == 0 || wrong(c, "misaligned target");
}

static bool check_exit_kind(struct check *c, unsigned kind) {
    return (kind > EXIT_none && kind < EXIT_COUNT) || wrong(c, "exit kind %u", kind);
}

static bool check_helper(struct check *c, const struct uop *u) {
    if (u->aux >= c->guest->nhelpers) return wrong(c, "there is no helper %u", u->aux);
    const uint8_t *types = helper_types(c->guest, u->aux);
    const enum type result = (enum type)uop_info[u->op].result;
    if ((types[0] == T_N ? T_I64 : types[0]) != result)
        return wrong(c, "helper %s does not yield %s", c->guest->helpers[u->aux].name, type_name(result));
    return check_wide(c, u->a, (enum type)types[1]) && check_wide(c, u->b, (enum type)types[2]) &&
           check_wide(c, u->c, (enum type)types[3]);
}

static bool check_form(struct check *c, const struct uop *u) {
    switch ((enum uop_form)uop_info[u->op].form) {
    case FORM_PLAIN:
        if (u->op == UOP_callind && c->temp[u->b] != TEMP_CONST) return wrong(c, "return address is not a constant");
        return true;
    case FORM_CONST:
        return u->op != UOP_const_i32 || (uint64_t)u->imm <= UINT32_MAX || wrong(c, "does not fit in 32 bits");
    case FORM_POOL:
        return (u->imm >= 0 && u->imm + type_info[uop_info[u->op].result].cells <= c->block->npool) ||
               wrong(c, "beyond the pool");
    case FORM_SMALL: return u->x < 64 || u->op == UOP_fence || wrong(c, "shift by %u", u->x);
    case FORM_COND: return u->x < C_COUNT || wrong(c, "condition %u", u->x);
    case FORM_ROUND: return u->x <= FP_RMM || wrong(c, "rounding mode %u", u->x);
    case FORM_SLOT: return check_slot(c, u);
    case FORM_FRAME:
        if (u->op == UOP_putf && !check_wide(c, u->a, T_N)) return false;
        return u->imm >= 0 || wrong(c, "negative frame slot");
    case FORM_MEM: return u->x < MEM_SPACES || wrong(c, "there is no memory space %u", u->x);
    case FORM_MARK: return true;
    case FORM_BRANCH: return u->x < C_COUNT ? check_target(c, u->imm) : wrong(c, "condition %u", u->x);
    case FORM_TARGET:
        if (u->op == UOP_call && c->temp[u->b] != TEMP_CONST) return wrong(c, "return address is not a constant");
        return check_target(c, u->imm);
    case FORM_EXIT:
        if (u->a && u->imm) return wrong(c, "two values");
        return check_wide(c, u->a, T_N) && check_exit_kind(c, u->x);
    case FORM_EXITIF: return u->x < C_COUNT ? check_exit_kind(c, u->aux) : wrong(c, "condition %u", u->x);
    case FORM_HELPER: return check_helper(c, u);
    }
    return false;
}

/* ---- marks */

static bool check_mark(struct check *c, const struct uop *u) {
    const struct block *k = c->block;
    if (c->index == 0 && u->op != UOP_mark) return wrong(c, "the first uop is not a mark");
    if (u->op != UOP_mark) return true;
    uint64_t pc = (uint64_t)u->imm, offset = pc - k->pc, end = c->end - k->pc;
    bool repeats = c->marks && pc == c->last && pc + u->x == c->end;
    if (c->index == 0 && offset) return wrong(c, "the first mark is not at the block's pc");
    if (u->x == 0) return wrong(c, "an instruction of no length");
    if (pc % c->guest->pc_align) return wrong(c, "misaligned instruction");
    if (offset < end && !repeats) return wrong(c, "begins before the instruction before it ends");
    if (offset + u->x > k->bytes) return wrong(c, "ends beyond the %u bytes that the block covers", k->bytes);
    c->last = pc;
    c->end = pc + u->x;
    c->marks++;
    c->changed = c->finished = false;
    return true;
}

/* ---- commits */

static bool changes_state(const struct check *c, const struct uop *u) {
    const struct uop_info *info = &uop_info[u->op];
    if (info->form == FORM_HELPER) return c->guest->helpers[u->aux].effect.writes != 0;
    return info->flags & UF_EFFECT || (info->flags & UF_FP && c->accrues);
}

/* May this uop leave with an exit of that kind (BEFORE: nothing of the instruction done; AFTER: all of it)? What a
   helper asks for is its business when it is an AFTER kind. */
static bool may_exit(const struct check *c, const struct uop *u, enum exit_when when) {
    switch ((enum uop_form)uop_info[u->op].form) {
    case FORM_MEM: return when == EXIT_BEFORE;
    case FORM_EXIT: return exit_info[u->x].when == when;
    case FORM_EXITIF: return exit_info[u->aux].when == when;
    case FORM_HELPER: return when == EXIT_BEFORE && c->guest->helpers[u->aux].exits;
    case FORM_BRANCH: return false;
    default: return when == EXIT_BEFORE && uop_info[u->op].flags & UF_EXIT;
    }
}

static bool check_commit(struct check *c, const struct uop *u) {
    if (c->changed && may_exit(c, u, EXIT_BEFORE)) return wrong(c, "may exit after the instruction has changed state");
    if (changes_state(c, u)) {
        if (c->finished) return wrong(c, "changes state after the instruction may have been left as done");
        c->changed = true;
    }
    if (may_exit(c, u, EXIT_AFTER)) c->finished = true;
    return true;
}

/* ---- the block */

static bool check_end(struct check *c, const struct uop *u) {
    bool end = uop_info[u->op].flags & UF_END, last = c->index + 1 == c->block->nuops;
    return end == last || wrong(c, end ? "ends the block before its last uop" : "the last uop does not end the block");
}

bool block_check(const struct block *k, const struct guest *guest, char *why, size_t size) {
    struct check c = {.block = k, .guest = guest, .why = why, .size = size, .end = k->pc};
    for (unsigned i = 0; i < guest->nslots; i++) c.accrues |= guest->slots[i].flags & SLOT_FP_FLAGS;
    if (!k->nuops) return wrong(&c, "the block is empty");
    if (k->ntemps < 1 || k->ntemps > BLOCK_MAX_TEMPS) return wrong(&c, "%u temporaries", k->ntemps);
    for (; c.index < k->nuops; c.index++) {
        const struct uop *u = &k->uops[c.index];
        if (!check_shape(&c, u) || !check_temps(&c, u) || !check_form(&c, u) || !check_mark(&c, u) ||
            !check_commit(&c, u) || !check_end(&c, u))
            return false;
    }
    c.index = k->nuops;
    if (c.marks != k->ninsns) return wrong(&c, "%u marks, but %u instructions noted", c.marks, k->ninsns);
    for (uint32_t i = 0; i < k->nuops; i++)
        if (k->uops[i].dst && k->temps[k->uops[i].dst].def != i)
            return wrong(&c, "%%%u is noted as defined by uop %u", k->uops[i].dst, k->temps[k->uops[i].dst].def);
    if (c.marks > BLOCK_MAX_INSNS) return wrong(&c, "%u instructions", c.marks);
    if (c.end - k->pc != k->bytes) return wrong(&c, "%u bytes noted", k->bytes);
    return true;
}
