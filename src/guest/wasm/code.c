/* code.c - decoding, encoding and text of instructions, all by walking the immediates that a row lists. */
#include "guest/wasm/code.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool wasm_is_value_type(uint8_t t) {
    return (t >= WASM_F64 && t <= WASM_I32) || t == WASM_FUNCREF || t == WASM_EXTERNREF;
}

const char *wasm_type_name(uint8_t type) {
    switch (type) {
    case WASM_I32: return "i32";
    case WASM_I64: return "i64";
    case WASM_F32: return "f32";
    case WASM_F64: return "f64";
    case WASM_FUNCREF: return "funcref";
    case WASM_EXTERNREF: return "externref";
    default: return "unknown";
    }
}

static bool decode_opcode(struct wasm_reader *r, struct wasm_insn *i) {
    size_t start = r->at;
    uint8_t first = read_byte(r);
    if (r->failed) return false;
    const uint16_t *after = wasm_prefixes[first];
    uint16_t row = wasm_opcodes[first];
    uint32_t number = 0;
    if (wasm_unsupported[first])
        return wasm_fault(r, start, "opcode 0x%02x: %s is not supported", first, wasm_unsupported[first]);
    if (after) {
        number = read_u32(r);
        row = number < 256 ? after[number] : 0;
        if (!row && !r->failed) return wasm_fault(r, start, "illegal opcode 0x%02x 0x%02x", first, number);
    }
    if (!row && !r->failed) return wasm_fault(r, start, "illegal opcode 0x%02x", first);
    i->row = row - 1;
    return !r->failed;
}

static void decode_types(struct wasm_reader *r, struct wasm_insn *i) {
    i->count = read_count(r, 1, "types");
    i->vector = r->bytes + r->at;
    for (uint32_t n = 0; n < i->count && !r->failed; n++) {
        size_t at = r->at;
        uint8_t type = read_byte(r);
        if (!wasm_is_value_type(type)) wasm_fault(r, at, "0x%02x is not a value type", type);
    }
}

static void decode_labels(struct wasm_reader *r, struct wasm_insn *i) {
    i->count = read_count(r, 1, "labels");
    i->vector = r->bytes + r->at;
    for (uint32_t n = 0; n <= i->count && !r->failed; n++) read_u32(r);
}

static void decode_block(struct wasm_reader *r, struct wasm_insn *i) {
    size_t at = r->at;
    i->block = read_s33(r);
    if (i->block >= 0 || r->failed) return;
    uint8_t type = block_value_type(i->block);
    if (r->at != at + 1 || (type != WASM_EMPTY && !wasm_is_value_type(type))) wasm_fault(r, at, "malformed block type");
}

static void decode_immediate(struct wasm_reader *r, struct wasm_insn *i, enum wasm_immediate kind) {
    size_t at = r->at;
    switch (kind) {
    case IMM_NONE: break;
    case IMM_BLOCK: decode_block(r, i); break;
    case IMM_LABELS: decode_labels(r, i); break;
    case IMM_TYPES: decode_types(r, i); break;
    case IMM_MEM:
        if (read_byte(r) != 0) wasm_fault(r, at, "zero byte expected");
        break;
    case IMM_MEMARG:
        i->index[i->nindex++] = read_u32(r);
        if (i->index[0] >= 32) wasm_fault(r, at, "malformed memop flags");
        i->value = read_u32(r);
        break;
    case IMM_REF:
        i->index[i->nindex++] = read_byte(r);
        if (i->index[0] != WASM_FUNCREF && i->index[0] != WASM_EXTERNREF) wasm_fault(r, at, "malformed reference type");
        break;
    case IMM_I32: i->value = (uint32_t)read_s32(r); break;
    case IMM_I64: i->value = (uint64_t)read_s64(r); break;
    case IMM_F32: i->value = read_fixed(r, 4); break;
    case IMM_F64: i->value = read_fixed(r, 8); break;
    default: i->index[i->nindex++] = read_u32(r); break;
    }
}

bool wasm_decode(struct wasm_reader *r, struct wasm_insn *i) {
    size_t start = r->at;
    *i = (struct wasm_insn){0};
    if (!decode_opcode(r, i)) return false;
    for (unsigned k = 0; k < 2; k++) decode_immediate(r, i, wasm_rows[i->row].immediates[k]);
    i->length = (uint32_t)(r->at - start);
    return !r->failed;
}

/* ---- encoding */

struct writer {
    uint8_t *out;
    size_t at, size;
};

static void put_byte(struct writer *w, uint8_t byte) {
    if (w->at < w->size) w->out[w->at] = byte;
    w->at++;
}

static void put_unsigned(struct writer *w, uint64_t v) {
    do {
        uint8_t byte = v & 0x7f;
        v >>= 7;
        put_byte(w, byte | (v ? 0x80 : 0));
    } while (v);
}

static void put_signed(struct writer *w, int64_t v) {
    for (;;) {
        uint8_t byte = v & 0x7f;
        v >>= 7;
        bool last = (v == 0 && !(byte & 0x40)) || (v == -1 && (byte & 0x40));
        put_byte(w, byte | (last ? 0 : 0x80));
        if (last) return;
    }
}

static void put_fixed(struct writer *w, uint64_t v, unsigned size) {
    for (unsigned n = 0; n < size; n++) put_byte(w, (uint8_t)(v >> (8 * n)));
}

/* Bytes of `count` LEB128 numbers. */
static size_t numbers_size(const uint8_t *p, uint64_t count) {
    const uint8_t *start = p;
    while (count--)
        while (*p++ & 0x80) {
        }
    return (size_t)(p - start);
}

static void encode_immediate(struct writer *w, const struct wasm_insn *i, enum wasm_immediate kind, unsigned *next) {
    switch (kind) {
    case IMM_NONE: break;
    case IMM_BLOCK: put_signed(w, i->block); break;
    case IMM_LABELS:
    case IMM_TYPES: {
        size_t size = kind == IMM_TYPES ? i->count : numbers_size(i->vector, (uint64_t)i->count + 1);
        put_unsigned(w, i->count);
        for (size_t n = 0; n < size; n++) put_byte(w, i->vector[n]);
        break;
    }
    case IMM_MEM: put_byte(w, 0); break;
    case IMM_MEMARG:
        put_unsigned(w, i->index[(*next)++]);
        put_unsigned(w, i->value);
        break;
    case IMM_REF: put_byte(w, (uint8_t)i->index[(*next)++]); break;
    case IMM_I32: put_signed(w, (int32_t)i->value); break;
    case IMM_I64: put_signed(w, (int64_t)i->value); break;
    case IMM_F32: put_fixed(w, i->value, 4); break;
    case IMM_F64: put_fixed(w, i->value, 8); break;
    default: put_unsigned(w, i->index[(*next)++]); break;
    }
}

size_t wasm_encode(const struct wasm_insn *i, uint8_t *out, size_t size) {
    const struct wasm_row_info *row = &wasm_rows[i->row];
    struct writer w = {.out = out, .size = size};
    unsigned next = 0;
    if (row->prefix) put_byte(&w, row->prefix);
    if (row->prefix)
        put_unsigned(&w, row->opcode);
    else
        put_byte(&w, row->opcode);
    for (unsigned k = 0; k < 2; k++) encode_immediate(&w, i, row->immediates[k], &next);
    return w.at <= size ? w.at : 0;
}

/* ---- text */

struct text {
    char *to;
    size_t at, size;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t left = t->at < t->size ? t->size - t->at : 0;
    int n = vsnprintf(left ? t->to + t->at : NULL, left, format, args);
    va_end(args);
    if (n > 0) t->at += (size_t)n;
}

static void say_float(struct text *t, uint64_t bits, bool wide) {
    double value;
    float narrow;
    uint32_t low = (uint32_t)bits;
    memcpy(&narrow, &low, sizeof narrow);
    memcpy(&value, &bits, sizeof value);
    if (!wide) value = narrow;
    if (value != value)
        say(t, " nan:0x%llx", (unsigned long long)(wide ? bits & 0xfffffffffffff : bits & 0x7fffff));
    else
        say(t, " %a", value);
}

static void say_labels(struct text *t, const struct wasm_insn *i) {
    struct wasm_reader r = {.bytes = i->vector, .end = numbers_size(i->vector, (uint64_t)i->count + 1)};
    for (uint32_t n = 0; n <= i->count; n++) {
        uint32_t label = read_u32(&r);
        if (n < 64 || n == i->count) say(t, " %u", label);
        if (n == 64) say(t, " ...");
    }
}

static void say_immediate(struct text *t, const struct wasm_insn *i, enum wasm_immediate kind, unsigned *next) {
    switch (kind) {
    case IMM_NONE:
    case IMM_MEM: break;
    case IMM_BLOCK:
        if (i->block >= 0)
            say(t, " (type %lld)", (long long)i->block);
        else if (block_value_type(i->block) != WASM_EMPTY)
            say(t, " (result %s)", wasm_type_name(block_value_type(i->block)));
        break;
    case IMM_TYPE: say(t, " (type %u)", i->index[(*next)++]); break;
    case IMM_LABELS: say_labels(t, i); break;
    case IMM_TYPES:
        for (uint32_t n = 0; n < i->count; n++) say(t, " (result %s)", wasm_type_name(i->vector[n]));
        break;
    case IMM_MEMARG:
        if (i->value) say(t, " offset=%llu", (unsigned long long)i->value);
        if (i->index[*next] != wasm_rows[i->row].align) say(t, " align=%llu", 1ull << i->index[*next]);
        (*next)++;
        break;
    case IMM_REF: say(t, " %s", i->index[(*next)++] == WASM_FUNCREF ? "func" : "extern"); break;
    case IMM_I32: say(t, " %d", (int32_t)i->value); break;
    case IMM_I64: say(t, " %lld", (long long)i->value); break;
    case IMM_F32: say_float(t, i->value, false); break;
    case IMM_F64: say_float(t, i->value, true); break;
    default: say(t, " %u", i->index[(*next)++]); break;
    }
}

void wasm_text(const struct wasm_insn *i, char *text, size_t size) {
    const struct wasm_row_info *row = &wasm_rows[i->row];
    struct text t = {.to = text, .size = size};
    unsigned next = 0;
    if (size) text[0] = 0;
    say(&t, "%s", row->name);
    for (unsigned k = 0; k < 2; k++) say_immediate(&t, i, row->immediates[k], &next);
}
