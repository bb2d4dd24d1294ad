/*
 * guest/wasm: every row goes round - encoded, decoded, written as text, and read back by wat2wasm - and the reader's
 * numbers, limits and messages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/wasm/wasm.h"

/* ---- rows */

static const uint64_t values[] = {0,          1,          63,         64,         127,        128,
                                  0x7fffffff, 0x80000000, 0xffffffff, 0x12345678, 0x7fc00001, 0x123456789ab,
                                  UINT64_MAX, 1ull << 63};
enum { VALUES = sizeof values / sizeof *values };

/* An instruction of the row with immediates that depend on `turn`. */
static struct wasm_insn make(enum wasm_row row, unsigned turn) {
    static const uint8_t labels[] = {0, 0x81, 0x01, 3, 2}, types[] = {WASM_I64};
    static const int64_t blocks[] = {-0x40, -1, -2, -3, -4, -0x10, -0x11, 0, 5, 200};
    struct wasm_insn i = {.row = row};
    uint64_t v = values[turn % VALUES];
    for (unsigned k = 0; k < 2; k++) {
        switch ((enum wasm_immediate)wasm_rows[row].immediates[k]) {
        case IMM_NONE:
        case IMM_MEM: break;
        case IMM_BLOCK: i.block = blocks[turn % (sizeof blocks / sizeof *blocks)]; break;
        case IMM_LABELS:
            i.vector = labels;
            i.count = 3;
            break;
        case IMM_TYPES:
            i.vector = types;
            i.count = 1;
            break;
        case IMM_MEMARG:
            i.index[i.nindex++] = turn % (wasm_rows[row].align + 1u);
            i.value = (uint32_t)v;
            break;
        case IMM_REF: i.index[i.nindex++] = turn & 1 ? WASM_FUNCREF : WASM_EXTERNREF; break;
        case IMM_I32:
        case IMM_F32: i.value = (uint32_t)v; break;
        case IMM_I64:
        case IMM_F64: i.value = v; break;
        default: i.index[i.nindex++] = (uint32_t)values[(turn + k) % VALUES]; break;
        }
    }
    return i;
}

static void assert_same(const struct wasm_insn *a, const struct wasm_insn *b) {
    assert_int_equal(a->row, b->row);
    assert_int_equal(a->nindex, b->nindex);
    assert_int_equal(a->index[0], b->index[0]);
    assert_int_equal(a->index[1], b->index[1]);
    assert_int_equal(a->block, b->block);
    assert_int_equal(a->value, b->value);
    assert_int_equal(a->count, b->count);
}

static void rows_go_round(void **state) {
    (void)state;
    for (unsigned row = 0; row < ROW_COUNT; row++)
        for (unsigned turn = 0; turn < VALUES; turn++) {
            struct wasm_insn i = make(row, turn), back;
            uint8_t bytes[64], again[64];
            char text[100];
            size_t size = wasm_encode(&i, bytes, sizeof bytes);
            assert_true(size > 0);
            struct wasm_reader r = {.bytes = bytes, .end = size};
            assert_true(wasm_decode(&r, &back));
            assert_int_equal(back.length, size);
            assert_same(&i, &back);
            assert_int_equal(wasm_encode(&back, again, sizeof again), size);
            assert_memory_equal(bytes, again, size);
            wasm_text(&back, text, sizeof text);
            assert_memory_equal(text, wasm_rows[row].name, strlen(wasm_rows[row].name));
            for (size_t n = 0; n < size;
                 n++) { /* any part of it is refused, and does not fit where it is not room for */
                struct wasm_reader part = {.bytes = bytes, .end = n};
                assert_false(wasm_decode(&part, &back));
                assert_int_equal(wasm_encode(&i, again, n), 0);
            }
        }
}

static void opcodes_are_rows_or_refused(void **state) {
    unsigned rows = 0;
    (void)state;
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            uint8_t bytes[64] = {(uint8_t)first, (uint8_t)(second & 0x7f), (uint8_t)(second >> 7)};
            if (second >= 128) bytes[1] |= 0x80;
            if (!wasm_prefixes[first] && second) continue;
            struct error error = {0};
            struct wasm_reader r = {.bytes = bytes, .end = sizeof bytes, .file = "f", .error = &error};
            struct wasm_insn i;
            bool ok = wasm_decode(&r, &i);
            uint16_t row = wasm_prefixes[first] ? wasm_prefixes[first][second] : wasm_opcodes[first];
            rows += row != 0;
            if (ok) assert_int_equal(i.row + 1, row);
            if (!row) assert_memory_equal(error.text, "f: offset 0x0: ", 15);
        }
    assert_int_equal(rows, ROW_COUNT);
}

/* The text of what the text format can say without a module around it, assembled by wabt: the same bytes. */
static void texts_assemble(void **state) {
    (void)state;
    FILE *f = fopen("build/rows.wat", "w");
    if (!f || system("command -v wat2wasm >/dev/null")) skip();
    uint8_t bytes[8000], *found;
    size_t at = 0;
    fprintf(f, "(module (memory 1) (func unreachable\n");
    for (unsigned row = 0; row < ROW_COUNT; row++) {
        const struct wasm_row_info *info = &wasm_rows[row];
        if (info->check || info->immediates[0] == IMM_DATA) continue;
        struct wasm_insn i = make(row, 5);
        char text[100];
        wasm_text(&i, text, sizeof text);
        fprintf(f, "%s\n", text);
        at += wasm_encode(&i, bytes + at, sizeof bytes - at);
        if (info->results[0]) { /* so that operands are always those of unreachable code */
            fprintf(f, "drop unreachable\n");
            bytes[at++] = 0x1a;
            bytes[at++] = 0x00;
        }
    }
    fprintf(f, "))\n");
    fclose(f);
    assert_int_equal(system("wat2wasm --no-check build/rows.wat -o build/rows.wasm"), 0);
    static uint8_t module[20000];
    f = fopen("build/rows.wasm", "rb");
    assert_non_null(f);
    size_t size = fread(module, 1, sizeof module, f);
    fclose(f);
    found = memmem(module, size, bytes, at);
    assert_non_null(found);
}

/* ---- numbers */

static void numbers_are_strict(void **state) {
    static const struct {
        const char *bytes;
        unsigned size;
        bool ok;
        int64_t u32, s32, s33, s64;
    } rows[] = {
        {"\x00", 1, true, 0, 0, 0, 0},
        {"\x7f", 1, true, 127, -1, -1, -1},
        {"\x40", 1, true, 64, -64, -64, -64},
        {"\x80\x00", 2, true, 0, 0, 0, 0},
        {"\xff\xff\xff\xff\x07", 5, true, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff},
    };
    static const struct {
        const char *bytes;
        unsigned size;
        const char *refused; /* by these readers: u s 3 6 */
    } bad[] = {
        {"", 0, "us36"},
        {"\x80", 1, "us36"},
        {"\xff\xff\xff\xff\x0f", 5, "s"}, /* the largest u32; too large as s32 */
        {"\xff\xff\xff\xff\x1f", 5, "us3"},
        {"\x80\x80\x80\x80\x78", 5, "u"},       /* the smallest s32 */
        {"\x80\x80\x80\x80\x70", 5, "us"},      /* the smallest s33 */
        {"\x80\x80\x80\x80\x80\x00", 6, "us3"}, /* too long, but for 64 bits */
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10, "us3"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, "us36"},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, "us36"},
    };
    (void)state;
    for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++) {
        const uint8_t *bytes = (const uint8_t *)rows[k].bytes;
        struct wasm_reader r[4];
        for (unsigned n = 0; n < 4; n++) r[n] = (struct wasm_reader){.bytes = bytes, .end = rows[k].size};
        assert_int_equal(read_u32(&r[0]), rows[k].u32);
        assert_int_equal(read_s32(&r[1]), rows[k].s32);
        assert_int_equal(read_s33(&r[2]), rows[k].s33);
        assert_int_equal(read_s64(&r[3]), rows[k].s64);
        for (unsigned n = 0; n < 4; n++) assert_true(!r[n].failed && r[n].at == rows[k].size);
    }
    for (unsigned k = 0; k < sizeof bad / sizeof *bad; k++) {
        for (const char *reader = "us36"; *reader; reader++) {
            struct wasm_reader r = {.bytes = (const uint8_t *)bad[k].bytes, .end = bad[k].size};
            switch (*reader) {
            case 'u': read_u32(&r); break;
            case 's': read_s32(&r); break;
            case '3': read_s33(&r); break;
            default: read_s64(&r); break;
            }
            assert_int_equal(r.failed, strchr(bad[k].refused, *reader) != NULL);
        }
    }
}

static void names_are_utf8(void **state) {
    static const char *const good[] = {"",
                                       "a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe2\x82",
                                      "a\xff"};
    (void)state;
    for (unsigned k = 0; k < sizeof good / sizeof *good + sizeof bad / sizeof *bad; k++) {
        bool wanted = k < sizeof good / sizeof *good;
        const char *text = wanted ? good[k] : bad[k - sizeof good / sizeof *good];
        uint8_t bytes[10] = {(uint8_t)strlen(text)};
        memcpy(bytes + 1, text, strlen(text));
        struct wasm_reader r = {.bytes = bytes, .end = strlen(text) + 1};
        struct wasm_name name = read_name(&r);
        assert_int_equal(!r.failed, wanted);
        if (wanted) assert_true(wasm_name_is(name, text));
    }
}

/* ---- the side table */

static const uint8_t module[] = {
    0,    'a',  's',  'm',  1, 0,    0, 0,    /* header */
    1,    6,    1,    0x60, 1, 0x7f, 1, 0x7f, /* 08: the type (i32) -> i32 */
    3,    2,    1,    0,                      /* 10: a function of it */
    10,   0x1e, 1,    0x1c,                   /* 14: its code */
    1,    2,    0x7e,                         /* 18: two locals of i64 */
    0x20, 0,                                  /* 1b: local.get 0 */
    0x02, 0x7f,                               /* 1d: block (result i32) */
    0x41, 7,    0x41, 8,                      /* 1f: two constants */
    0x20, 0,    0x0d, 0,                      /* 23: local.get 0; br_if 0, its label at 26 */
    0x6a, 0x0b, 0x6a,                         /* 27: i32.add end i32.add */
    0x03, 0x40, 0x0b,                         /* 2a: loop end */
    0x20, 0,    0x0e, 1,    0, 0,             /* 2d: local.get 0; br_table 0 0, labels at 31 and 32 */
    0x0b,                                     /* 33: end */
};

static void side_table_knows_heights(void **state) {
    static const struct {
        uint32_t pc, height;
    } rows[] = {{0x18, 0}, {0x1b, 0}, {0x1d, 1}, {0x1f, 1}, {0x21, 2}, {0x23, 3}, {0x25, 4}, {0x26, 3}, {0x27, 3},
                {0x28, 2}, {0x29, 2}, {0x2a, 1}, {0x2c, 1}, {0x2d, 1}, {0x2f, 2}, {0x31, 1}, {0x32, 1}};
    struct error error = {0};
    (void)state;
    struct wasm_module *m = wasm_module_read(module, sizeof module, "m", &error);
    assert_string_equal(error.text, "");
    const struct wasm_function *f = wasm_function_at(m, 0x30);
    assert_ptr_equal(f, &m->functions[0]);
    assert_null(wasm_function_at(m, 0x17));
    assert_null(wasm_function_at(m, 0x34));
    assert_int_equal(f->entry, 0x18);
    assert_int_equal(f->code, 0x1b);
    assert_int_equal(f->nlocals, 3);
    assert_int_equal(wasm_local_type(m, f, 0), WASM_I32);
    assert_int_equal(wasm_local_type(m, f, 2), WASM_I64);
    assert_int_equal(f->slots, 3 + FRAME_HEADER + 4 + FRAME_HEADER);
    for (unsigned k = 0; k < sizeof rows / sizeof *rows; k++)
        assert_int_equal(wasm_height_at(m, f, rows[k].pc), rows[k].height);
    const struct wasm_point *p = wasm_point_at(f, 0x26);
    assert_int_equal(p->kind, POINT_BRANCH);
    assert_int_equal(p->target, 0x29);
    assert_int_equal(p->to, 1);
    assert_int_equal(p->arity, 1);
    assert_int_equal(wasm_point_at(f, 0x2f)->kind, POINT_TABLE);
    assert_int_equal(wasm_point_at(f, 0x32)->kind, POINT_RETURN);
    assert_int_equal(m->njumps, 2);
    assert_int_equal(m->jumps[1], 0x32);
    wasm_module_free(m);
}

static void messages_name_the_place(void **state) {
    struct error error = {0};
    uint8_t bytes[sizeof module];
    (void)state;
    memcpy(bytes, module, sizeof module);
    bytes[0x27] = 0x7c; /* i64.add */
    assert_null(wasm_module_read(bytes, sizeof bytes, "file.wasm", &error));
    assert_string_equal(error.text, "file.wasm: offset 0x27: function 0: type mismatch: expected i64 but got i32");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_round),           cmocka_unit_test(opcodes_are_rows_or_refused),
        cmocka_unit_test(texts_assemble),          cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(names_are_utf8),          cmocka_unit_test(side_table_knows_heights),
        cmocka_unit_test(messages_name_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
