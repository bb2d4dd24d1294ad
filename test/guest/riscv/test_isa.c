/*
 * guest/riscv: the tables made of *.isa. Every row survives encode, decode, disassemble, assemble; the decision tree
 * agrees with a linear search of the rows; what the manual reserves is illegal; every row lifts to well-formed uops in
 * every context.
 *
 * With arguments it is a disassembler instead, for compare_objdump.py: hexadecimal words on standard input, texts out.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "core/uop.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/riscv.h"
#include "riscv_isa.h"

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_word(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static uint32_t length_mask(const struct isa_row *row) {
    return row->length == 2 ? 0xffff : UINT32_MAX;
}

/* A random encoding of a row: one that the decoder gives to it. */
static bool random_encoding(unsigned number, uint32_t *bits) {
    const struct isa_row *row = &riscv_isa.rows[number];
    for (int tries = 0; tries < 2000; tries++) {
        *bits = row->value | (random_word() & ~row->mask & length_mask(row));
        if (riscv_decode(*bits) == number) return true;
    }
    return false;
}

static void rows_round_trip(void **state) {
    (void)state;
    for (unsigned number = 1; number < riscv_isa.nrows; number++) {
        const struct isa_row *row = &riscv_isa.rows[number];
        for (int round = 0; round < 200; round++) {
            uint32_t bits, again = row->value, assembled = 0;
            if (!random_encoding(number, &bits)) fail_msg("%s: no encoding found", row->name);
            for (unsigned i = 0; i < row->noperands; i++) {
                const struct isa_operand *o = &riscv_isa.operands[row->operands[i]];
                if (!isa_set(o, isa_get(o, bits), &again)) fail_msg("%s: %s", row->name, o->name);
            }
            if (again != bits) fail_msg("%s: %08x became %08x", row->name, bits, again);
            char text[80];
            uint64_t pc = (uint64_t)random_word() << 1;
            if (isa_disassemble(&riscv_isa, bits, row->length, pc, text, sizeof text) != number)
                fail_msg("%s: %08x is %s", row->name, bits, text);
            unsigned length = isa_assemble(&riscv_isa, text, pc, &assembled);
            if (length != row->length || assembled != bits)
                fail_msg("%s: %08x is %s, which assembles to %08x, %u bytes", row->name, bits, text, assembled, length);
        }
    }
}

/* Operands at the ends of their ranges are encoded, those beyond are not. */
static void ranges_are_checked(void **state) {
    (void)state;
    for (unsigned number = 1; number < riscv_isa.nrows; number++) {
        const struct isa_row *row = &riscv_isa.rows[number];
        for (unsigned i = 0; i < row->noperands; i++) {
            const struct isa_operand *o = &riscv_isa.operands[row->operands[i]];
            int64_t span = (int64_t)1 << (o->kind->is_signed ? o->width - 1 : o->width), step = (int64_t)1 << o->low;
            int64_t least = (o->kind->is_signed ? -span : 0) + o->bias, most = span - step + o->bias;
            uint32_t bits = 0;
            if (!isa_set(o, least, &bits) || isa_get(o, bits) != least) fail_msg("%s: least %s", row->name, o->name);
            bits = 0;
            if (!isa_set(o, most, &bits) || isa_get(o, bits) != most) fail_msg("%s: most %s", row->name, o->name);
            if (isa_set(o, least - step, &bits) || isa_set(o, most + step, &bits))
                fail_msg("%s: %s out of range", row->name, o->name);
            if (step > 1 && isa_set(o, least + step / 2, &bits)) fail_msg("%s: odd %s", row->name, o->name);
        }
    }
}

/* The row that a linear search finds: of those that have the encoding, the one that fixes more bits than any other. */
static unsigned search(uint32_t bits, unsigned length) {
    unsigned best = 0;
    for (unsigned number = 1; number < riscv_isa.nrows; number++) {
        const struct isa_row *row = &riscv_isa.rows[number];
        if (row->length != length || !isa_has(&riscv_isa, row, bits)) continue;
        uint32_t inside = riscv_isa.rows[best].mask;
        if ((row->mask & inside) != inside && (row->mask & inside) != row->mask)
            fail_msg("%08x: %s and %s", bits, row->name, riscv_isa.rows[best].name);
        if (row->mask != inside && (row->mask & inside) == inside) best = number;
    }
    return best;
}

static void assert_decodes(uint32_t bits, unsigned length) {
    unsigned decoded = riscv_decode(bits), found = search(bits, length);
    if (decoded != found)
        fail_msg("%08x decodes to %s, not %s", bits, riscv_isa.rows[decoded].name, riscv_isa.rows[found].name);
}

static void all_short_encodings_decode(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++)
        if ((bits & 3) != 3) assert_decodes(bits, 2);
}

static void long_encodings_decode(void **state) {
    (void)state;
    for (int i = 0; i < 200000; i++) assert_decodes(random_word() | 3, 4);
    /* near every row: one to three bits away from an encoding of it */
    for (unsigned number = 1; number < riscv_isa.nrows; number++) {
        uint32_t bits;
        for (int round = 0; round < 200 && riscv_isa.rows[number].length == 4; round++) {
            assert_true(random_encoding(number, &bits));
            for (int flips = round % 4; flips > 0; flips--) bits ^= 1u << (random_word() % 30 + 2);
            assert_decodes(bits, 4);
        }
    }
}

/* The 16-bit encodings that chapters 27, 28 and Zcmop of the unprivileged manual leave to nobody, stated anew. */
static bool short_is_reserved(uint32_t b) {
    unsigned funct3 = b >> 13, rd = b >> 7 & 31, rs2 = b >> 2 & 31, imm5 = b >> 12 & 1;
    switch ((b & 3) << 3 | funct3) {
    case 0: return (b >> 5 & 0xff) == 0; /* c.addi4spn with 0, all zeros among them */
    case 4: {                            /* Zcb loads and stores, funct6 100000 to 100011 */
        unsigned funct6 = b >> 10 & 7;
        return funct6 > 3 || (funct6 == 3 && (b >> 6 & 1));
    }
    case 8 + 1: return rd == 0;                                   /* c.addiw */
    case 8 + 3: return !imm5 && rs2 == 0 && !(rd & 1 && rd < 16); /* c.lui, c.addi16sp; c.mop */
    case 8 + 4: return (b >> 10 & 3) == 3 && imm5 && (b >> 5 & 3) == 3 && (b >> 2 & 7) > 5; /* beyond c.not */
    case 16 + 2:                                                                            /* c.lwsp */
    case 16 + 3: return rd == 0;                                                            /* c.ldsp */
    case 16 + 4: return !imm5 && rs2 == 0 && rd == 0;                                       /* c.jr */
    default: return false;
    }
}

static void reserved_short_encodings_are_illegal(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        if ((bits & 3) == 3) continue;
        if (short_is_reserved(bits) != (riscv_decode(bits) == RISCV_illegal))
            fail_msg("%04x is %s", bits, riscv_isa.rows[riscv_decode(bits)].name);
    }
}

static void reserved_long_encodings_are_illegal(void **state) {
    (void)state;
    static const uint32_t words[] = {
        0xffffffff,
        0x0000001f,
        0x0000003f,
        0x0000007f,            /* longer than 32 bits */
        0x00007003,            /* load, width 7 */
        0x00004023,            /* store, width 4 */
        0x02001013 | 1u << 30, /* slli with bit 30 */
        0x0200101b,            /* slliw by 32 */
        0x00002063,            /* branch, condition 2 */
        0x00001067,            /* jalr, width 1 */
        0x00005053,
        0x00006053, /* fadd.s, rounding modes 5 and 6 */
        0x06000053, /* fadd.q */
        0x00004073, /* system, funct3 4, not a may-be-operation */
        0x10200873,
        0x30208073,            /* sret, mret with a register */
        0x1000302f | 1u << 20, /* lr.d with rs2 */
        0x0000402f,            /* atomic of 128 bits */
        0x00000057,
        0x0000000b,
        0x0000005b, /* vector, custom */
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (riscv_decode(words[i])) fail_msg("%08x is %s", words[i], riscv_isa.rows[riscv_decode(words[i])].name);
}

/* Texts of GNU as (without aliases) and their encodings. */
static void texts_are_those_of_the_manual(void **state) {
    (void)state;
    static const struct {
        uint32_t bits;
        const char *text;
    } known[] = {
        {0xfffff537, "lui a0, 0xfffff"},
        {0xfe2098e3, "bne ra, sp, 0xff0"},
        {0x800000ef, "jal ra, 0xfffffffffff01000"},
        {0xff813083, "ld ra, -8(sp)"},
        {0x43f55513, "srai a0, a0, 63"},
        {0x0ff0000f, "fence iorw, iorw"},
        {0x8330000f, "fence.tso"},
        {0x0100000f, "pause"},
        {0x0000100f, "fence.i"},
        {0x1605252f, "lr.w.aqrl a0, (a0)"},
        {0x00b5352f, "amoadd.d a0, a1, (a0)"},
        {0x02a5f543, "fmadd.d fa0, fa1, fa0, ft0"},
        {0x00b51553, "fadd.s fa0, fa0, fa1, rtz"},
        {0x00b57553, "fadd.s fa0, fa0, fa1"},
        {0xd2050553, "fcvt.d.w fa0, a0"},
        {0x00302573, "csrrs a0, fcsr, zero"},
        {0x3401d073, "csrrwi zero, mscratch, 3"},
        {0x12b50073, "sfence.vma a0, a1"},
        {0x0045200f, "cbo.zero (a0)"},
        {0x8082, "c.jr ra"},
        {0x1141, "c.addi sp, -16"},
        {0x6105, "c.addi16sp sp, 32"},
        {0x77fd, "c.lui a5, 0xfffff"},
        {0x0808, "c.addi4spn a0, sp, 16"},
        {0xe406, "c.sdsp ra, 8(sp)"},
        {0xbfc5, "c.j 0xff0"},
        {0x9002, "c.ebreak"},
        {0x0000, ".2byte 0x0000"},
        {0xffffffff, ".4byte 0xffffffff"},
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t bits = 0;
        unsigned length = (known[i].bits & 3) == 3 ? 4 : 2;
        char text[80];
        isa_disassemble(&riscv_isa, known[i].bits, length, 0x1000, text, sizeof text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(isa_assemble(&riscv_isa, known[i].text, 0x1000, &bits), length);
        assert_int_equal(bits, known[i].bits);
    }
}

static void assembler_is_lenient_and_strict(void **state) {
    (void)state;
    uint32_t bits, same;
    assert_int_equal(isa_assemble(&riscv_isa, "  addi  x10 ,fp,0x10 ", 0, &bits), 4);
    assert_int_equal(isa_assemble(&riscv_isa, "addi a0, s0, 16", 0, &same), 4);
    assert_int_equal(bits, same);
    assert_int_equal(isa_assemble(&riscv_isa, "beq a0, a1, .-4", 0x5000, &bits), 4);
    assert_int_equal(isa_assemble(&riscv_isa, "beq a0, a1, 0x4ffc", 0x5000, &same), 4);
    assert_int_equal(bits, same);
    static const char *const wrong[] = {
        "",
        "addi",
        "addi a0, a0, 2048",
        "addi a0, a0, 1 1",
        "addia0, a0, 1",
        "add a0, a0, x32",
        "c.addi zero, 1",
        "c.lw a0, 2(a1)",
        "c.lw t0, 0(a1)",
        "c.lui sp, 1",
        "c.jr zero",
        "fadd.s fa0, fa0, a0",
        "slli a0, a0, 64",
        "jal ra, .+1",
        "lui a0, 0x100000",
        "fence x, w",
        "mv a0, a1",
        ".2byte 0x10000",
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (isa_assemble(&riscv_isa, wrong[i], 0, &bits)) fail_msg("assembled: %s", wrong[i]);
}

/* ---- lifting */

static struct arena arena;

static struct block *lift(uint64_t ctx, uint32_t bits, unsigned length) {
    arena_reset(&arena);
    struct block *block = block_make(&arena, 0x10000, ctx);
    struct builder b;
    builder_init(&b, block, &arena, &guest_riscv);
    assert_int_equal(guest_riscv.lift(&b, (const uint8_t *)&bits, length), length);
    assert_false(b.failed);
    if (!b.ended) build_jump(&b, b.next);
    return block;
}

static uint64_t random_context(void) {
    struct riscv_cpu cpu = {0};
    static const uint32_t privileges[] = {PRIV_U, PRIV_S, PRIV_M};
    cpu.raw_frm = random_word() & 7;
    cpu.raw_priv = privileges[random_word() % 3];
    cpu.raw_fs = random_word() & 3;
    cpu.raw_cbo = random_word() & 7;
    return guest_riscv.context(&cpu.c);
}

static void rows_lift_to_good_blocks(void **state) {
    (void)state;
    char why[200], text[80];
    arena_init(&arena, 1 << 16);
    for (unsigned number = 1; number < riscv_isa.nrows; number++)
        for (int round = 0; round < 200; round++) {
            uint32_t bits;
            unsigned length = riscv_isa.rows[number].length;
            assert_true(random_encoding(number, &bits));
            struct block *block = lift(random_context(), bits, length);
            if (block_check(block, &guest_riscv, why, sizeof why)) continue;
            isa_disassemble(&riscv_isa, bits, length, 0x10000, text, sizeof text);
            block_print(stderr, block, &guest_riscv);
            fail_msg("%s: %s", text, why);
        }
    arena_done(&arena);
}

static void anything_lifts(void **state) {
    (void)state;
    char why[200];
    arena_init(&arena, 1 << 16);
    for (int i = 0; i < 100000; i++) {
        uint32_t bits = random_word();
        unsigned length = (bits & 3) == 3 ? 4 : 2;
        if (length == 2) bits &= 0xffff;
        struct block *block = lift(random_context(), bits, length);
        if (!block_check(block, &guest_riscv, why, sizeof why)) fail_msg("%08x: %s", bits, why);
        if (riscv_decode(bits)) continue;
        const struct uop *last = &block->uops[block->nuops - 1];
        assert_int_equal(last->op, UOP_exit);
        assert_int_equal(last->x, EXIT_illegal);
        assert_int_equal((uint32_t)last->imm, bits);
    }
    arena_done(&arena);
}

static void partial_instructions_wait_for_bytes(void **state) {
    (void)state;
    uint8_t bytes[] = {0x13, 0x05, 0x15, 0x00};
    arena_init(&arena, 1 << 16);
    struct block *block = block_make(&arena, 0x10000, 0);
    struct builder b;
    builder_init(&b, block, &arena, &guest_riscv);
    for (size_t avail = 0; avail < 4; avail++) assert_int_equal(guest_riscv.lift(&b, bytes, avail), 0);
    assert_int_equal(block->nuops, 0);
    assert_int_equal(guest_riscv.lift(&b, bytes, 4), 4);
    arena_done(&arena);
}

static int disassemble_input(void) {
    char line[40], text[80];
    while (fgets(line, sizeof line, stdin)) {
        uint32_t bits = (uint32_t)strtoul(line, NULL, 16);
        isa_disassemble(&riscv_isa, bits, (bits & 3) == 3 ? 4 : 2, 0, text, sizeof text);
        printf("%s\t%s\n", riscv_isa.rows[riscv_decode(bits)].name, text);
    }
    return 0;
}

/* Encodings for the comparison: `count` of each row. */
static int print_encodings(int count) {
    for (unsigned number = 1; number < riscv_isa.nrows; number++)
        for (int i = 0; i < count; i++) {
            uint32_t bits;
            if (random_encoding(number, &bits)) printf("%0*x\n", riscv_isa.rows[number].length * 2, bits);
        }
    return 0;
}

/* An instruction that is not all there is shown as its bytes; as many as are there, and half of a long one at most. */
static void cut_off_instructions_are_bytes(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = random_word() | (i % 2 ? 3 : 0), half = bits & 0xffff;
        uint8_t bytes[4];
        char text[80], expected[80];
        memcpy(bytes, &bits, sizeof bytes);
        snprintf(expected, sizeof expected, ".byte 0x%02x", bytes[0]);
        assert_int_equal(guest_riscv.disassemble(text, sizeof text, 0x1000, bytes, 1, NULL), 1);
        assert_string_equal(text, expected);
        for (size_t avail = 2; avail < 4 && (bits & 3) == 3; avail++) {
            snprintf(expected, sizeof expected, ".2byte 0x%04x", half);
            assert_int_equal(guest_riscv.disassemble(text, sizeof text, 0x1000, bytes, avail, NULL), 2);
            assert_string_equal(text, expected);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "encodings")) return print_encodings(atoi(argv[2]));
    if (argc == 2 && !strcmp(argv[1], "disassemble")) return disassemble_input();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_round_trip),
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(all_short_encodings_decode),
        cmocka_unit_test(long_encodings_decode),
        cmocka_unit_test(cut_off_instructions_are_bytes),
        cmocka_unit_test(reserved_short_encodings_are_illegal),
        cmocka_unit_test(reserved_long_encodings_are_illegal),
        cmocka_unit_test(texts_are_those_of_the_manual),
        cmocka_unit_test(assembler_is_lenient_and_strict),
        cmocka_unit_test(rows_lift_to_good_blocks),
        cmocka_unit_test(anything_lifts),
        cmocka_unit_test(partial_instructions_wait_for_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
