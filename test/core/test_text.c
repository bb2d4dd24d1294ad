/*
 * core/text: what is printed parses back to the same block; the spelling of every form; rejected texts and the line
 * that the message names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "core/toy.h"

static struct arena arena;
static char why[200];

static int setup(void **state) {
    (void)state;
    arena_init(&arena, 1 << 16);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static char *print(const struct block *k, const struct guest *guest) {
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    block_print(f, k, guest);
    fclose(f);
    return text;
}

static struct block *parse(const char *text, const struct guest *guest) {
    struct block *k = block_parse(text, &arena, guest, why, sizeof why);
    if (!k) fail_msg("%s", why);
    return k;
}

static void assert_same(const struct block *p, const struct block *q) {
    assert_int_equal(p->pc, q->pc);
    assert_int_equal(p->ctx, q->ctx);
    assert_int_equal(p->nuops, q->nuops);
    assert_int_equal(p->ntemps, q->ntemps);
    assert_int_equal(p->ninsns, q->ninsns);
    assert_int_equal(p->bytes, q->bytes);
    assert_memory_equal(p->temps + 1, q->temps + 1, (p->ntemps - 1) * sizeof *p->temps);
    const uint64_t *constant = NULL, *other = NULL;
    for (uint32_t i = 0; i < p->nuops; i++) {
        const struct uop *a = &p->uops[i], *b = &q->uops[i];
        const bool pooled = uop_info[a->op].form == FORM_POOL;
        if (pooled) constant = p->pool + a->imm, other = q->pool + b->imm;
        if (a->op != b->op || a->dst != b->dst || a->a != b->a || a->b != b->b || a->c != b->c || a->x != b->x ||
            a->aux != b->aux ||
            (pooled ? memcmp(constant, other, type_info[uop_info[a->op].result].size) != 0 : a->imm != b->imm))
            fail_msg("uop %u (%s) differs", i, uop_info[a->op].name);
    }
}

/* One line of every form, as documented. */
static const char sample[] = "block 10412 ctx 0x300\n"
                             "10412: mark 4\n"
                             "  %1 = get_i64 a\n"
                             "  %2 = load_s32 mem0[%1 + 8]\n"
                             "  %3 = load_s32 mem1[%1 - 0x800]\n"
                             "  %4 = const_i64 0xffffffffffff0000\n"
                             "  %5 = const_i64 -1\n"
                             "  put b, %2\n"
                             "10416: mark 2\n"
                             "  %6 = set_i64.ltu %1, %4\n"
                             "  %7 = shladd_i64.3 %1, %6\n"
                             "  %8 = get_f64 f\n"
                             "  %9 = fmadd_f64.rtz %8, %8, %8\n"
                             "  fence.15\n"
                             "  %10 = getf_i32 frame[7]\n"
                             "  putf frame[3], %10\n"
                             "  br_i64.ne %7, %5 -> 10400\n"
                             "10418: mark 4\n"
                             "  %11 = helper writes_exits(%1, _, %2)\n"
                             "  %12 = helper leaf()\n"
                             "1041c: mark 4\n"
                             "  %13 = cas_64 mem0[%1], %2, %3\n"
                             "  store_64 mem2[%1 + 0x7ff], %2\n"
                             "10420: mark 2\n"
                             "  nop\n"
                             "  exitif_i64.eq %1, %2 -> stack, -5\n"
                             "  call _, %4 -> ffffffff80000000\n"
                             "  exit illegal, 0x12345678\n"
                             "  exit syscall, %1\n"
                             "10424: mark 4\n"
                             "  %14 = const_v128 0x000102030405060708090a0b0c0d0e0f\n"
                             "  %16 = const_v128 0x00000000000000000000000000000001\n"
                             "  %18 = get_v128 v\n"
                             "  %20 = load_v128 mem0[%1 + 16]\n"
                             "  %22 = getf_v128 frame[2]\n"
                             "  %24 = add_i16x8 %14, %20\n"
                             "  %26 = splat_i64x2 %1\n"
                             "  %28 = extract_i8x16.15 %26\n"
                             "  %29 = replace_i32x4.3 %24, %28\n"
                             "  %31 = select_v128 %1, %24, %29\n"
                             "  %33 = helper_v128 wide(%14, %1, %16)\n"
                             "  %35 = helper sums(%33)\n"
                             "  store_v128 mem2[%1], %31\n"
                             "  putf_v128 frame[3], %31\n"
                             "  put_v128 v, %31\n"
                             "  jump -> 10428\n";

static void every_form_is_spelled_as_documented(void **state) {
    (void)state;
    char *text = print(parse(sample, &toy), &toy);
    assert_string_equal(text, sample);
    free(text);
}

/* Fewer digits mean zeros above. */
static void wide_constants_have_all_digits(void **state) {
    (void)state;
    struct block *k =
        parse("block 10 ctx 0\n10: mark 2\n%1 = const_v128 0xfedcba98765432100\n%3 = const_v128 0x7", &toy);
    assert_int_equal(k->ntemps, 5);
    assert_int_equal(k->npool, 4);
    assert_int_equal(k->pool[0], 0xedcba98765432100);
    assert_int_equal(k->pool[1], 0xf);
    assert_int_equal(k->pool[2], 7);
    assert_int_equal(k->pool[3], 0);
    char *text = print(k, &toy);
    assert_non_null(strstr(text, "%1 = const_v128 0x000000000000000fedcba98765432100\n"));
    free(text);
}

static void numbers_stand_for_names_without_a_guest(void **state) {
    (void)state;
    struct block *k = parse(sample, &toy);
    char *text = print(k, NULL);
    assert_non_null(strstr(text, "put slot1, %2"));
    assert_non_null(strstr(text, "helper helper4(%1, _, %2)"));
    assert_same(k, parse(text, NULL));
    assert_same(k, parse(text, &toy));
    free(text);
}

static void comments_and_space_are_skipped(void **state) {
    (void)state;
    struct block *k =
        parse("; a dump\n\n  block  10 ctx 0 ; here\n\t10: mark 2;first\r\n\n%1=const_i64 5;\n jump->12", &toy);
    assert_int_equal(k->nuops, 3);
    assert_int_equal(k->uops[1].imm, 5);
    assert_int_equal(k->uops[2].imm, 0x12);
}

static uint64_t next_random(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

enum { POOL = 40 };

/* Any uop whose fields are in range and not in use elsewhere, each op many times. */
static struct uop random_uop(unsigned op, uint16_t *ntemps, uint64_t *s) {
    const struct uop_info *info = &uop_info[op];
    struct uop u = {.op = (uint16_t)op};
    if (info->result != T_N) {
        u.dst = *ntemps;
        *ntemps = (uint16_t)(*ntemps + type_info[info->result].cells);
    }
    if (info->a != T_N) u.a = (uint16_t)(1 + next_random(s) % (*ntemps - 1u));
    if (info->b != T_N) u.b = (uint16_t)(1 + next_random(s) % (*ntemps - 1u));
    if (info->c != T_N) u.c = (uint16_t)(1 + next_random(s) % (*ntemps - 1u));
    uint64_t wide = next_random(s) >> next_random(s) % 64, imm = next_random(s) & 1 ? wide : -wide;
    switch ((enum uop_form)info->form) {
    case FORM_PLAIN: break;
    case FORM_CONST:
    case FORM_FRAME:
    case FORM_TARGET: u.imm = (int64_t)imm; break;
    case FORM_POOL: u.imm = (int64_t)(next_random(s) % (POOL - TYPE_CELLS)); break;
    case FORM_SMALL: u.x = (uint16_t)next_random(s); break;
    case FORM_COND: u.x = (uint16_t)(next_random(s) % C_COUNT); break;
    case FORM_ROUND: u.x = (uint16_t)(next_random(s) % 5); break;
    case FORM_SLOT: u.x = (uint16_t)(next_random(s) % 80); break;
    case FORM_MEM:
    case FORM_MARK: u.x = (uint16_t)next_random(s), u.imm = (int64_t)imm; break;
    case FORM_BRANCH: u.x = (uint16_t)(next_random(s) % C_COUNT), u.imm = (int64_t)imm; break;
    case FORM_EXIT:
        u.x = (uint16_t)(next_random(s) % (EXIT_COUNT + 3));
        if (next_random(s) & 1) u.a = 0, u.imm = (int64_t)imm;
        break;
    case FORM_EXITIF:
        u.x = (uint16_t)(next_random(s) % C_COUNT);
        u.aux = (uint32_t)(next_random(s) % (EXIT_COUNT + 3));
        u.imm = (int64_t)imm;
        break;
    case FORM_HELPER:
        u.aux = (uint32_t)(next_random(s) % 8);
        if (next_random(s) & 1) u.a = 0;
        if (next_random(s) & 1) u.b = 0;
        if (next_random(s) & 1) u.c = 0;
        break;
    }
    return u;
}

static void random_blocks_round_trip(void **state) {
    (void)state;
    uint64_t s = 88172645463325252u;
    for (int round = 0; round < 200; round++) {
        struct block k = {.pc = next_random(&s), .ctx = next_random(&s), .ntemps = 2};
        k.uops = arena_alloc(&arena, UOP_COUNT * sizeof *k.uops);
        k.temps = arena_alloc(&arena, (UOP_COUNT * TYPE_CELLS + 2) * sizeof *k.temps);
        k.pool = arena_alloc(&arena, POOL * sizeof *k.pool);
        while (k.npool < POOL) k.pool[k.npool++] = next_random(&s);
        k.uops[k.nuops++] = (struct uop){.op = UOP_const_i64, .dst = 1};
        k.temps[1] = (struct temp){.type = T_I64};
        uint16_t ntemps = 2;
        while (k.nuops < UOP_COUNT) {
            struct uop u = random_uop((unsigned)(next_random(&s) % UOP_COUNT), &ntemps, &s);
            if (u.dst) k.temps[u.dst] = (struct temp){.def = k.nuops, .type = uop_info[u.op].result};
            k.uops[k.nuops++] = u;
            if (u.op == UOP_mark) k.ninsns++, k.bytes = (uint32_t)((uint64_t)u.imm + u.x - k.pc);
        }
        k.ntemps = ntemps;
        char *text = print(&k, &toy);
        assert_same(&k, parse(text, &toy));
        free(text);
        arena_reset(&arena);
    }
}

static void nonsense_is_printed_without_harm(void **state) {
    (void)state;
    struct uop uops[] = {{.op = 9999},
                         {.op = UOP_put, .x = 999, .a = 1},
                         {.op = UOP_exit, .x = 999},
                         {.op = UOP_set_i64, .x = 999},
                         {.op = UOP_fadd_f64, .x = 999},
                         {.op = UOP_const_v128, .dst = 1, .imm = 1},
                         {.op = UOP_const_v128, .dst = 1, .imm = -1},
                         {.op = UOP_helper, .aux = 999999}};
    struct block k = {.uops = uops, .nuops = sizeof uops / sizeof *uops};
    char *text = print(&k, &toy);
    assert_non_null(strstr(text, "?op9999\n"));
    assert_non_null(strstr(text, "exit exit999"));
    assert_non_null(strstr(text, "const_v128 pool1"));
    free(text);
}

static void rejected_texts_name_line_and_fault(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "line 1: expected 'block PC ctx WORD'"},
        {"black 10 ctx 0", "line 1: expected 'block' at 'black 10 ctx 0'"},
        {"block 10 ctx", "line 1: expected a number"},
        {"block 10 ctx 0 more", "unexpected text at 'more'"},
        {"block 10 ctx 0\n frob %1", "line 2: unknown uop 'frob'"},
        {"block 10 ctx 0\n\n; c\n mark 2", "line 4: unknown uop 'mark'"},
        {"block 10 ctx 0\n 10: mork 2", "expected 'mark'"},
        {"block 10 ctx 0\n 10: mark 65536", "too large"},
        {"block 10 ctx 0\n put q, %1", "unknown slot 'q'"},
        {"block 10 ctx 0\n put slot99999, %1", "unknown slot 'slot99999'"},
        {"block 10 ctx 0\n %0 = const_i64 1", "numbered from 1"},
        {"block 10 ctx 0\n %4000 = const_i64 1", "too large"},
        {"block 10 ctx 0\n %1 const_i64 1", "expected '='"},
        {"block 10 ctx 0\n %1 = const_i64 99999999999999999999", "bad number"},
        {"block 10 ctx 0\n %1 = const_i64 x", "expected a number"},
        {"block 10 ctx 0\n %1 = const_v128 12", "expected '0x'"},
        {"block 10 ctx 0\n %1 = const_v128 0xg", "expected a number of up to 32 digits"},
        {"block 10 ctx 0\n %1 = const_v128 0x000000000000000000000000000000001", "up to 32 digits"},
        {"block 10 ctx 0\n %1 = load_64 mem0(%1)", "expected '['"},
        {"block 10 ctx 0\n %1 = load_64 mem0[%1 + 8", "expected ']'"},
        {"block 10 ctx 0\n %1 = set_i64 %1, %1", "expected '.'"},
        {"block 10 ctx 0\n %1 = set_i64.lt %1, %1", "unknown name 'lt'"},
        {"block 10 ctx 0\n %1 = fadd_f64.up %1, %1", "unknown name 'up'"},
        {"block 10 ctx 0\n jump 12", "expected '->'"},
        {"block 10 ctx 0\n exit nowhere, 1", "unknown exit 'nowhere'"},
        {"block 10 ctx 0\n exit syscall", "expected ','"},
        {"block 10 ctx 0\n %1 = helper what()", "unknown helper 'what'"},
        {"block 10 ctx 0\n %1 = helper leaf(%1, %1, %1, %1)", "expected ')'"},
        {"block 10 ctx 0\n %1 = add_i64 %1, %1, %1, %1", "unexpected text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (block_parse(cases[i].text, &arena, &toy, why, sizeof why)) fail_msg("accepted: %s", cases[i].text);
        if (!strstr(why, cases[i].says)) fail_msg("'%s' does not say '%s' of: %s", why, cases[i].says, cases[i].text);
    }
}

static void a_short_message_buffer_is_respected(void **state) {
    (void)state;
    char small[12];
    memset(small, 'x', sizeof small);
    assert_null(block_parse("block 10 ctx 0\n frob", &arena, &toy, small, 8));
    assert_string_equal(small, "line 2:");
    assert_int_equal(small[8], 'x');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_form_is_spelled_as_documented, setup, teardown),
        cmocka_unit_test_setup_teardown(wide_constants_have_all_digits, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_stand_for_names_without_a_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(comments_and_space_are_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(random_blocks_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense_is_printed_without_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(rejected_texts_name_line_and_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(a_short_message_buffer_is_respected, setup, teardown),
    };
    return cmocka_run_group_tests_name("core/text", tests, NULL, NULL);
}
