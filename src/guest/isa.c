/* isa.c - operands, disassembly and assembly for instruction sets of fixed bits, driven by their tables (isa.h). */
#include "guest/isa.h"
#include "base/bits.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t isa_get(const struct isa_operand *o, uint32_t bits) {
    uint64_t v = 0;
    for (unsigned i = 0; i < o->npieces; i++)
        v |= (uint64_t)(bits >> o->pieces[i].from & ((1ull << o->pieces[i].bits) - 1)) << o->pieces[i].to;
    return (int64_t)(o->kind->is_signed ? sign_extend(v, o->width) : v) + o->bias;
}

bool isa_has(const struct isa *isa, const struct isa_row *row, uint32_t bits) {
    if ((bits & row->mask) != row->value) return false;
    for (unsigned i = 0; i < row->noperands; i++) {
        const struct isa_operand *o = &isa->operands[row->operands[i]];
        for (unsigned k = 0; k < o->nwithout; k++)
            if (isa_get(o, bits) == o->without[k]) return false;
    }
    return true;
}

bool isa_set(const struct isa_operand *o, int64_t value, uint32_t *bits) {
    uint64_t v = (uint64_t)value - (uint64_t)(int64_t)o->bias;
    uint64_t fits = o->kind->is_signed ? sign_extend(v, o->width) : v & ((1ull << o->width) - 1);
    if (v != fits || v & ((1ull << o->low) - 1)) return false;
    for (unsigned i = 0; i < o->npieces; i++)
        *bits |= (uint32_t)((v >> o->pieces[i].to & ((1ull << o->pieces[i].bits) - 1)) << o->pieces[i].from);
    return true;
}

struct writer {
    char *text;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int n = vsnprintf(w->text + w->used, w->size - w->used, format, list);
    va_end(list);
    w->used += (size_t)n < w->size - w->used ? (size_t)n : w->size - w->used - 1;
}

static void put_operand(struct writer *w, const struct isa_operand *o, uint32_t bits, uint64_t pc) {
    const struct isa_kind *k = o->kind;
    int64_t v = isa_get(o, bits);
    switch ((enum isa_form)k->form) {
    case ISA_NAMES:
        for (unsigned i = 0; i < k->nprint; i++)
            if (k->names[i].value == v) {
                put(w, "%s", k->names[i].text);
                return;
            }
        put(w, "%#" PRIx64, (uint64_t)v);
        return;
    case ISA_SIGNED: put(w, "%" PRId64, v); return;
    case ISA_UNSIGNED: put(w, "%" PRIu64, (uint64_t)v); return;
    case ISA_HEX: put(w, "%#" PRIx64, (uint64_t)v); return;
    case ISA_TARGET: put(w, "%#" PRIx64, pc + (uint64_t)v); return;
    case ISA_UPPER: put(w, "%#" PRIx64, (uint64_t)v >> k->shift & (((uint64_t)1 << k->bits) - 1)); return;
    case ISA_LETTERS:
        if (!v) put(w, "0");
        for (size_t i = 0, n = strlen(k->letters); i < n; i++)
            if (v >> (n - 1 - i) & 1) put(w, "%c", k->letters[i]);
        return;
    }
}

unsigned isa_disassemble(const struct isa *isa, uint32_t bits, unsigned length, uint64_t pc, char *text, size_t size) {
    struct writer w = {text, size, 0};
    unsigned number = isa->decode(bits);
    const struct isa_row *row = &isa->rows[number];
    if (!number) {
        put(&w, ".%ubyte 0x%0*" PRIx32, length, (int)length * 2, bits);
        return 0;
    }
    for (const char *p = row->text; *p; p++) {
        if (*p <= ISA_OPERANDS)
            put_operand(&w, &isa->operands[row->operands[*p - 1]], bits, pc);
        else
            put(&w, "%c", *p);
    }
    return number;
}

/* ---- assembly: the text is matched against the text of each row in turn */

static const char *skip_blanks(const char *p) {
    while (*p == ' ' || *p == '\t') p++;
    return p;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* Matches the literal `want` at *p; a blank is any number of blanks, and there may be some on both sides of a comma. */
static bool match_literal(const char **p, const char *want, size_t length) {
    const char *s = *p;
    for (size_t i = 0; i < length; i++) {
        if (want[i] == ' ') {
            s = skip_blanks(s);
            continue;
        }
        if (want[i] == ',') s = skip_blanks(s);
        if (*s++ != want[i]) return false;
    }
    *p = s;
    return true;
}

static bool match_name(const char **p, const struct isa_kind *k, int64_t *value) {
    const char *best = NULL;
    for (unsigned i = 0; i < k->nnames; i++) {
        const char *s = *p;
        size_t n = strlen(k->names[i].text);
        if (!match_literal(&s, k->names[i].text, n) || (best && s <= best)) continue;
        /* a name that ends within a word is not that name */
        if (n && is_word(s[-1]) && is_word(*s)) continue;
        best = s;
        *value = k->names[i].value;
    }
    if (best) *p = best;
    return best != NULL;
}

static bool match_number(const char **p, int64_t *value) {
    const char *s = *p;
    bool minus = *s == '-';
    if (minus) s++;
    if (*s < '0' || *s > '9') return false;
    char *end;
    uint64_t v = strtoull(s, &end, s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10);
    *value = (int64_t)(minus ? -v : v);
    *p = end;
    return true;
}

static bool match_operand(const char **p, const struct isa_operand *o, uint64_t pc, int64_t *value) {
    const struct isa_kind *k = o->kind;
    switch ((enum isa_form)k->form) {
    case ISA_NAMES: return match_name(p, k, value) || match_number(p, value);
    case ISA_SIGNED:
    case ISA_UNSIGNED:
    case ISA_HEX: return match_number(p, value);
    case ISA_TARGET:
        if (**p == '.' && ((*p)[1] == '+' || (*p)[1] == '-')) {
            *p += (*p)[1] == '+' ? 2 : 1;
            return match_number(p, value);
        }
        if (!match_number(p, value)) return false;
        *value = (int64_t)((uint64_t)*value - pc);
        return true;
    case ISA_UPPER:
        if (!match_number(p, value) || *value < 0 || *value >> k->bits) return false;
        *value = (int64_t)sign_extend((uint64_t)*value << k->shift, k->shift + k->bits);
        return true;
    case ISA_LETTERS: {
        size_t n = strlen(k->letters);
        *value = 0;
        if (**p == '0') {
            ++*p;
            return true;
        }
        const char *start = *p;
        for (const char *at; **p && (at = strchr(k->letters, **p)); ++*p)
            *value |= (int64_t)1 << (n - 1 - (size_t)(at - k->letters));
        return *p > start && !is_word(**p);
    }
    }
    return false;
}

static bool match_row(const struct isa *isa, const struct isa_row *row, const char *text, uint64_t pc, uint32_t *bits) {
    *bits = row->value;
    for (const char *p = row->text; *p; p++) {
        if (*p <= ISA_OPERANDS) {
            const struct isa_operand *o = &isa->operands[row->operands[*p - 1]];
            int64_t value;
            if (!match_operand(&text, o, pc, &value) || !isa_set(o, value, bits)) return false;
        } else if (*p == ' ' && p[-1] != ',' && *text != ' ' && *text != '\t')
            return false; /* the mnemonic ends here */
        else if (!match_literal(&text, p, 1))
            return false;
    }
    return !*skip_blanks(text);
}

static unsigned assemble_data(const char *text, uint32_t *bits) {
    unsigned length = !strncmp(text, ".2byte ", 7) ? 2 : !strncmp(text, ".4byte ", 7) ? 4 : 0;
    int64_t value;
    if (!length) return 0;
    text = skip_blanks(text + 7);
    if (!match_number(&text, &value) || *skip_blanks(text) || (uint64_t)value >> length * 8) return 0;
    *bits = (uint32_t)value;
    return length;
}

unsigned isa_assemble(const struct isa *isa, const char *text, uint64_t pc, uint32_t *bits) {
    text = skip_blanks(text);
    for (unsigned i = 1; i < isa->nrows; i++) {
        const struct isa_row *row = &isa->rows[i];
        if (match_row(isa, row, text, pc, bits) && isa_has(isa, row, *bits)) return row->length;
    }
    return assemble_data(text, bits);
}
