/* reader.c - see reader.h. */
#include "guest/wasm/reader.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool wasm_fault(struct wasm_reader *r, size_t at, const char *format, ...) {
    if (!r->failed && r->error) {
        char what[200];
        va_list args;
        va_start(args, format);
        vsnprintf(what, sizeof what, format, args);
        va_end(args);
        error_set(r->error, ERROR_NOT_RUNNABLE, "%s: offset 0x%zx: %s", r->file, at, what);
    }
    r->failed = true;
    return false;
}

uint8_t read_byte(struct wasm_reader *r) {
    if (r->failed) return 0;
    if (r->at >= r->end) {
        wasm_fault(r, r->at, "unexpected end");
        return 0;
    }
    return r->bytes[r->at++];
}

/* The common part of the LEB128 forms: `bits` wide, sign-extended if is_signed. */
static uint64_t read_leb(struct wasm_reader *r, unsigned bits, bool is_signed) {
    size_t start = r->at;
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
        uint8_t byte = read_byte(r);
        if (r->failed) return 0;
        value |= (uint64_t)(byte & 0x7f) << shift;
        unsigned used = bits - shift; /* bits of this byte that count; 7 or more but in the last one */
        if (used < 7) {
            uint8_t unused = (uint8_t)((byte & 0x7f) >> (is_signed ? used - 1 : used));
            uint8_t ones = (uint8_t)(0x7f >> (is_signed ? used - 1 : used));
            if (byte & 0x80) {
                wasm_fault(r, start, "integer representation too long");
                return 0;
            }
            if (unused != 0 && !(is_signed && unused == ones)) {
                wasm_fault(r, start, "integer too large");
                return 0;
            }
        }
        shift += 7;
        if (!(byte & 0x80)) break;
    }
    if (is_signed && shift < 64 && (value >> (shift - 1) & 1)) value |= UINT64_MAX << shift;
    return value;
}

uint32_t read_u32(struct wasm_reader *r) {
    if (r->at < r->end && r->bytes[r->at] < 0x80 && !r->failed) return r->bytes[r->at++];
    return (uint32_t)read_leb(r, 32, false);
}
int32_t read_s32(struct wasm_reader *r) {
    return (int32_t)read_leb(r, 32, true);
}
int64_t read_s33(struct wasm_reader *r) {
    return (int64_t)read_leb(r, 33, true);
}
int64_t read_s64(struct wasm_reader *r) {
    return (int64_t)read_leb(r, 64, true);
}

const uint8_t *read_bytes(struct wasm_reader *r, uint32_t size) {
    if (r->failed) return NULL;
    if (size > r->end - r->at) {
        wasm_fault(r, r->at, "unexpected end: %u bytes wanted, %zu left", size, r->end - r->at);
        return NULL;
    }
    const uint8_t *p = r->bytes + r->at;
    r->at += size;
    return p;
}

uint64_t read_fixed(struct wasm_reader *r, unsigned size) {
    const uint8_t *p = read_bytes(r, size);
    uint64_t v = 0;
    if (p) memcpy(&v, p, size);
    return v;
}

uint32_t read_count(struct wasm_reader *r, unsigned item, const char *what) {
    size_t start = r->at;
    uint32_t n = read_u32(r);
    if (r->failed) return 0;
    if (n > (r->end - r->at) / item) {
        wasm_fault(r, start, "%u %s cannot fit: unexpected end", n, what);
        return 0;
    }
    return n;
}

/* Length of the UTF-8 sequence at p, or 0 if there is none: shortest form, no surrogates, at most U+10FFFF. */
static unsigned utf8_length(const uint8_t *p, size_t left) {
    unsigned n = p[0] < 0x80                   ? 1
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                               : 0;
    if (n > left) return 0;
    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))) return 0;
    if (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))) return 0;
    return n;
}

struct wasm_name read_name(struct wasm_reader *r) {
    size_t start = r->at;
    uint32_t length = read_u32(r);
    const uint8_t *p = read_bytes(r, length);
    for (uint32_t i = 0; p && i < length;) {
        unsigned n = utf8_length(p + i, length - i);
        if (!n) {
            wasm_fault(r, start, "malformed UTF-8 encoding");
            break;
        }
        i += n;
    }
    return r->failed ? (struct wasm_name){"", 0} : (struct wasm_name){(const char *)p, length};
}
