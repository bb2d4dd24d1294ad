/* parse.c - blocks from the text that block_print writes (text.c).
 *
 * Whatever has the right shape is accepted, well-formed or not, because the checker's tests are written in this text;
 * the type of a temporary is the result type of the uop that defines it.
 */
#include "base/arena.h"
#include "core/cpu.h"
#include "core/guest.h"
#include "core/uop.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A cursor over the text; the first failure is noted and makes everything after it fail */

struct parser {
    const char *at;
    unsigned line;
    const struct guest *guest;
    struct block *block; /* its pool grows */
    bool failed;
    char *why;
    size_t size;
};

static bool fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct parser *p, const char *format, ...) {
    if (p->failed) return false;
    p->failed = true;
    int n = snprintf(p->why, p->size, "line %u: ", p->line);
    if (n >= 0 && (size_t)n < p->size) {
        va_list args;
        va_start(args, format);
        n += vsnprintf(p->why + n, p->size - (size_t)n, format, args);
        va_end(args);
    }
    if (n >= 0 && (size_t)n < p->size)
        snprintf(p->why + n, p->size - (size_t)n, " at '%.*s'", (int)strcspn(p->at, "\n"), p->at);
    return false;
}

static void skip_spaces(struct parser *p) {
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r') p->at++;
}

static bool at_line_end(struct parser *p) {
    skip_spaces(p);
    return *p->at == '\n' || *p->at == ';' || !*p->at;
}

/* To the start of the next line that says something. False at the end of the text. */
static bool next_line(struct parser *p) {
    while (at_line_end(p)) {
        while (*p->at && *p->at != '\n') p->at++;
        if (!*p->at) return false;
        p->at++;
        p->line++;
    }
    return true;
}

static bool take(struct parser *p, const char *token) {
    skip_spaces(p);
    size_t n = strlen(token);
    if (p->failed || strncmp(p->at, token, n)) return false;
    p->at += n;
    return true;
}

static bool expect(struct parser *p, const char *token) {
    return take(p, token) || fail(p, "expected '%s'", token);
}

enum { NAME_MAX_BYTES = 64 };

/* [A-Za-z0-9_]+ */
static bool parse_name(struct parser *p, char name[NAME_MAX_BYTES]) {
    skip_spaces(p);
    size_t n = 0;
    while (isalnum((unsigned char)p->at[n]) || p->at[n] == '_') n++;
    if (p->failed || !n || n >= NAME_MAX_BYTES) return fail(p, "expected a name");
    memcpy(name, p->at, n);
    name[n] = 0;
    p->at += n;
    return true;
}

static bool parse_u64(struct parser *p, int base, uint64_t *value) {
    skip_spaces(p);
    if (p->failed || !isxdigit((unsigned char)*p->at)) return fail(p, "expected a number");
    char *end;
    errno = 0;
    *value = strtoull(p->at, &end, base);
    if (end == p->at || errno) return fail(p, "bad number");
    p->at = end;
    return true;
}

/* Decimal, or hexadecimal with 0x. */
static bool parse_unsigned(struct parser *p, uint64_t *value) {
    skip_spaces(p);
    return parse_u64(p, p->at[0] == '0' && p->at[1] == 'x' ? 16 : 10, value);
}

static bool parse_number(struct parser *p, int64_t *value) {
    bool minus = take(p, "-");
    uint64_t v;
    if (!parse_unsigned(p, &v)) return false;
    *value = (int64_t)(minus ? -v : v);
    return true;
}

static bool parse_small(struct parser *p, uint64_t limit, uint64_t *value) {
    if (!parse_unsigned(p, value)) return false;
    return *value < limit || fail(p, "%" PRIu64 " is too large (below %" PRIu64 ")", *value, limit);
}

static bool parse_temp(struct parser *p, uint16_t *temp) {
    uint64_t v;
    if (!expect(p, "%") || !parse_small(p, BLOCK_MAX_TEMPS, &v)) return false;
    *temp = (uint16_t)v;
    return v || fail(p, "temporaries are numbered from 1");
}

/* `name` stands for a row of a table, or is KIND followed by the row's number. */
static bool parse_row(struct parser *p, const char *kind, unsigned count,
                      const char *(*name_of)(const void *, unsigned), const void *table, unsigned *row) {
    char name[NAME_MAX_BYTES];
    if (!parse_name(p, name)) return false;
    for (unsigned i = 0; i < count; i++)
        if (!strcmp(name, name_of(table, i))) return *row = i, true;
    size_t n = strlen(kind);
    if (!strncmp(name, kind, n) && isdigit((unsigned char)name[n])) {
        char *end;
        unsigned long v = strtoul(name + n, &end, 10);
        if (!*end && v <= UINT16_MAX) return *row = (unsigned)v, true;
    }
    return fail(p, "unknown %s '%s'", *kind ? kind : "name", name);
}

static const char *slot_name(const void *guest, unsigned i) {
    return ((const struct guest *)guest)->slots[i].name;
}
static const char *helper_name(const void *guest, unsigned i) {
    return ((const struct guest *)guest)->helpers[i].name;
}
static const char *exit_name(const void *none, unsigned i) {
    (void)none;
    return exit_info[i].name;
}
static const char *condition_name(const void *none, unsigned i) {
    (void)none;
    return cond_name(i);
}
static const char *rounding_name(const void *none, unsigned i) {
    (void)none;
    return round_name(i);
}

/* Up to `count` operands; a comma before the first if `comma`. None at all is fine. */
static bool parse_operands(struct parser *p, uint16_t *operand, unsigned count, bool comma) {
    for (unsigned i = 0; i < count; i++) {
        if (i || comma) {
            if (!take(p, ",")) return !p->failed;
        } else {
            skip_spaces(p);
            if (*p->at != '%' && *p->at != '_') return true;
        }
        if (!take(p, "_") && !parse_temp(p, &operand[i])) return false;
    }
    return true;
}

static bool parse_memory(struct parser *p, struct uop *u) {
    uint64_t space;
    if (!expect(p, "mem") || !parse_small(p, UINT16_MAX + 1, &space) || !expect(p, "[") || !parse_temp(p, &u->a))
        return false;
    u->x = (uint16_t)space;
    bool minus = take(p, "-");
    if (minus || take(p, "+")) {
        if (!parse_number(p, &u->imm)) return false;
        if (minus) u->imm = (int64_t)(-(uint64_t)u->imm);
    }
    return expect(p, "]");
}

static bool parse_exit_value(struct parser *p, struct uop *u) {
    if (!expect(p, ",")) return false;
    skip_spaces(p);
    return u->op == UOP_exit && *p->at == '%' ? parse_temp(p, &u->a) : parse_number(p, &u->imm);
}

/* Hexadecimal digits with 0x, as many as the type has or fewer: entered in the pool, which has room for one a line. */
static bool parse_pool(struct parser *p, enum type type, int64_t *at) {
    const unsigned cells = type_info[type].cells;
    uint64_t *value = p->block->pool + p->block->npool;
    if (!expect(p, "0x")) return false;
    const size_t digits = strspn(p->at, "0123456789abcdefABCDEF");
    if (!digits || digits > 16u * cells) return fail(p, "expected a number of up to %u digits", 16 * cells);
    for (size_t n = 0; n < digits; n++) {
        const char digit[2] = {p->at[digits - 1 - n]};
        value[n / 16] |= strtoull(digit, NULL, 16) << n % 16 * 4;
    }
    p->at += digits;
    *at = p->block->npool;
    p->block->npool += cells;
    return true;
}

/* What follows the uop's name. */
static bool parse_rest(struct parser *p, struct uop *u) {
    const struct uop_info *info = &uop_info[u->op];
    const struct guest *g = p->guest;
    uint16_t operand[3] = {0};
    unsigned row;
    uint64_t v;
    bool comma = false;
    switch ((enum uop_form)info->form) {
    case FORM_CONST: return parse_number(p, &u->imm);
    case FORM_POOL: return parse_pool(p, (enum type)info->result, &u->imm);
    case FORM_SMALL:
        if (!expect(p, ".") || !parse_small(p, UINT16_MAX + 1, &v)) return false;
        u->x = (uint16_t)v;
        break;
    case FORM_COND:
    case FORM_BRANCH:
    case FORM_EXITIF:
        if (!expect(p, ".") || !parse_row(p, "", C_COUNT, condition_name, NULL, &row)) return false;
        u->x = (uint16_t)row;
        break;
    case FORM_ROUND:
        if (!expect(p, ".") || !parse_row(p, "", ROUND_COUNT, rounding_name, NULL, &row)) return false;
        u->x = (uint16_t)row;
        break;
    case FORM_SLOT:
        if (!parse_row(p, "slot", g ? g->nslots : 0, slot_name, g, &row)) return false;
        u->x = (uint16_t)row;
        comma = true;
        break;
    case FORM_FRAME:
        if (!expect(p, "frame[") || !parse_number(p, &u->imm) || !expect(p, "]")) return false;
        comma = true;
        break;
    case FORM_MEM:
        if (!parse_memory(p, u) || !parse_operands(p, operand, 2, true)) return false;
        u->b = operand[0], u->c = operand[1];
        return true;
    case FORM_EXIT:
        if (!parse_row(p, "exit", EXIT_COUNT, exit_name, NULL, &row)) return false;
        u->x = (uint16_t)row;
        return parse_exit_value(p, u);
    case FORM_HELPER:
        if (!parse_row(p, "helper", g ? g->nhelpers : 0, helper_name, g, &row) || !expect(p, "(")) return false;
        u->aux = row;
        break;
    case FORM_PLAIN:
    case FORM_MARK:
    case FORM_TARGET: break;
    }
    if (!parse_operands(p, operand, 3, comma)) return false;
    u->a = operand[0], u->b = operand[1], u->c = operand[2];
    if (info->form == FORM_HELPER) return expect(p, ")");
    if (info->form == FORM_BRANCH || info->form == FORM_TARGET) {
        if (!expect(p, "->") || !parse_u64(p, 16, &v)) return false;
        u->imm = (int64_t)v;
    }
    if (info->form == FORM_EXITIF) {
        if (!expect(p, "->") || !parse_row(p, "exit", EXIT_COUNT, exit_name, NULL, &row)) return false;
        u->aux = row;
        return parse_exit_value(p, u);
    }
    return true;
}

/* `10412: mark 4`, if the line is one. */
static bool parse_mark(struct parser *p, struct uop *u) {
    const char *start = p->at;
    uint64_t pc, length;
    size_t digits = strspn(start, "0123456789abcdefABCDEF");
    if (!digits || start[digits] != ':') return false;
    if (!parse_u64(p, 16, &pc) || !expect(p, ":") || !expect(p, "mark") || !parse_small(p, UINT16_MAX + 1, &length))
        return true;
    *u = (struct uop){.op = UOP_mark, .x = (uint16_t)length, .imm = (int64_t)pc};
    return true;
}

static bool parse_uop(struct parser *p, struct uop *u) {
    *u = (struct uop){0};
    skip_spaces(p);
    if (parse_mark(p, u)) return !p->failed;
    if (*p->at == '%' && (!parse_temp(p, &u->dst) || !expect(p, "="))) return false;
    char name[NAME_MAX_BYTES];
    if (!parse_name(p, name)) return false;
    unsigned op = 0;
    while (op < UOP_COUNT && strcmp(name, uop_info[op].name)) op++;
    if (op == UOP_COUNT || op == UOP_mark) return fail(p, "unknown uop '%s'", name);
    u->op = (uint16_t)op;
    return parse_rest(p, u);
}

struct block *block_parse(const char *text, struct arena *arena, const struct guest *guest, char *why, size_t size) {
    struct parser p = {.at = text, .line = 1, .guest = guest, .why = why, .size = size};
    uint64_t pc, ctx;
    if (!next_line(&p) || !expect(&p, "block") || !parse_u64(&p, 16, &pc) || !expect(&p, "ctx") ||
        !parse_unsigned(&p, &ctx)) {
        fail(&p, "expected 'block PC ctx WORD'");
        return NULL;
    }
    uint32_t lines = 1;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    struct block *k = arena_alloc(arena, sizeof *k);
    struct uop *uops = arena_alloc(arena, lines * sizeof *uops);
    struct temp *temps = arena_alloc(arena, BLOCK_MAX_TEMPS * sizeof *temps);
    uint64_t *pool = arena_alloc(arena, lines * TYPE_CELLS * sizeof *pool);
    if (!k || !uops || !temps || !pool) {
        fail(&p, "out of memory");
        return NULL;
    }
    *k = (struct block){.pc = pc,
                        .ctx = ctx,
                        .uops = uops,
                        .temps = temps,
                        .pool = pool,
                        .cap = lines,
                        .ntemps = 1,
                        .tcap = BLOCK_MAX_TEMPS,
                        .pool_cap = lines * TYPE_CELLS};
    p.block = k;
    if (!at_line_end(&p)) fail(&p, "unexpected text");
    while (!p.failed && next_line(&p)) {
        struct uop *u = &uops[k->nuops];
        if (!parse_uop(&p, u)) break;
        if (!at_line_end(&p)) {
            fail(&p, "unexpected text");
            break;
        }
        k->nuops++;
        if (u->dst) temps[u->dst] = (struct temp){.def = k->nuops - 1, .type = uop_info[u->op].result};
        const uint32_t end = u->dst + (u->dst ? type_info[uop_info[u->op].result].cells : 1u);
        if (end > k->ntemps) k->ntemps = end;
        if (u->op == UOP_mark) {
            k->ninsns++;
            k->bytes = (uint32_t)((uint64_t)u->imm + u->x - pc);
        }
    }
    return p.failed ? NULL : k;
}
