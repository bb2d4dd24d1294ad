/* isa.h - instruction sets of fixed bits as tables: what tool/isa_fixed.py makes of *.isa files, and the text side of
 * it: operands in and out of encodings, disassembly, assembly. None of this is used while translating.
 *
 * Row 0 is "illegal". In a row's text, bytes 1, 2, ... stand for its operands.
 */
#ifndef GUEST_ISA_H
#define GUEST_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ISA_PIECES = 8, ISA_OPERANDS = 6, ISA_WITHOUT = 2 };

enum isa_form { ISA_NAMES, ISA_SIGNED, ISA_UNSIGNED, ISA_HEX, ISA_TARGET, ISA_UPPER, ISA_LETTERS };

struct isa_name {
    int64_t value;
    const char *text;
};

/** How a number is written; the forms are described at the head of tool/isa_fixed.py. */
struct isa_kind {
    uint8_t form; /* enum isa_form */
    bool is_signed;
    uint8_t shift, bits;     /* ISA_UPPER */
    uint16_t nnames, nprint; /* ISA_NAMES: all that are read, and how many of them are printed */
    const struct isa_name *names;
    const char *letters;
};

struct isa_operand {
    const char *name;
    const struct isa_kind *kind;
    int8_t bias;        /* added to what the bits hold */
    uint8_t low, width; /* the bits from `low` to below `width` of the value are encoded */
    uint8_t npieces;
    struct {
        uint8_t from, bits, to; /* `bits` bits of the encoding from `from` on are those of the value from `to` on */
    } pieces[ISA_PIECES];
    uint8_t nwithout;
    int8_t without[ISA_WITHOUT]; /* values that are not this operand's: the encoding is not of this row */
};

struct isa_row {
    const char *name, *text;
    uint32_t mask, value;
    uint8_t length; /* bytes */
    uint8_t noperands;
    uint16_t operands[ISA_OPERANDS];
};

struct isa {
    const char *name;
    const struct isa_row *rows;
    unsigned nrows;
    const struct isa_operand *operands;
    unsigned (*decode)(uint32_t bits); /* the row; bits beyond a short instruction are zero */
};

/** Whether an encoding is one of this row's; a more specific row may take it all the same. */
bool isa_has(const struct isa *isa, const struct isa_row *row, uint32_t bits);
/** The operand's value in an encoding. */
int64_t isa_get(const struct isa_operand *operand, uint32_t bits);
/** Puts a value into *bits (the operand's bits there are zero). False when it cannot be encoded. */
bool isa_set(const struct isa_operand *operand, int64_t value, uint32_t *bits);

/** Writes the text of `bits` (`length` bytes long) at `pc`, always terminated; what is illegal as .2byte or .4byte.
    Returns the row. */
unsigned isa_disassemble(const struct isa *isa, uint32_t bits, unsigned length, uint64_t pc, char *text, size_t size);
/** Encodes one instruction as isa_disassemble writes it (blanks, number bases and further names are free; targets may
    be `.+8`). Returns its length in bytes with *bits, or 0 when no row has this text. */
unsigned isa_assemble(const struct isa *isa, const char *text, uint64_t pc, uint32_t *bits);

#endif
