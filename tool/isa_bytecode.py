"""Rows of a byte-coded stack machine's instructions, and the C made from them (notation `bytecode`).

One row an instruction:

    opcode | name | immediates | operands -> results | meaning

opcode      one byte in hex, or a prefix byte and a sub-opcode (a LEB128 number): `6a`, `fc 0a`
name        assembler text; the row's C name is the name with dots as underscores (and _2 for a second row of a name)
immediates  what follows the opcode, in order: see IMMEDIATES below; `memarg:n` has an alignment of at most 2^n
operands    value types, topmost last. `*` or `*NAME`: GUEST_check_NAME (default: the row's C name) checks and types it;
            `+n` or `-n` behind that says by how much it mostly changes the number of operands
meaning     a C expression over the inline builders of GUEST's lift.h that yields the result's temporary; operands are
            a, b, c; or `*`, `*NAME`: GUEST_lift_NAME lifts it.

An instruction that may exit needs an exact frame before it, but for its own operands if it exits by a trap. A row with
an expression may exit if that uses a macro of EXITING; one with a star says `exact:n`, n the number of topmost operands
that need not be stored.

`%unsupported opcode feature` names opcodes of features that are left out, for the error text.
Two rows with one opcode or one name are rejected, and so is anything this text does not allow.

Hand-written are GUEST_check_NAME(checker, instruction) and GUEST_lift_NAME(lifter, instruction).
Made: GUEST_isa.h (enum GUEST_row) and GUEST_isa.c (the table that decoder, checker, disassembler and encoder walk, the
opcode maps, and GUEST_lift_row, the switch of all meanings).
"""
import re

from isa_source import Bad, Writer, c_string, names_in

IMMEDIATES = ["block", "label", "labels", "func", "type", "table", "local", "global", "elem", "data", "mem", "types",
              "memarg", "ref", "i32", "i64", "f32", "f64"]
TYPES = {"i32": "I32", "i64": "I64", "f32": "F32", "f64": "F64"}
EXITING = {"LOAD", "STORE", "TRAP_ZERO", "TRAP_OVERFLOW", "TRAP_RANGE", "TRAP_HELP"}


class Row:
    def __init__(self, line, names):
        self.line = line
        opcode, self.name, immediates, types, self.meaning = line.columns(5)
        if not re.fullmatch(r"[0-9a-f]{2}( [0-9a-f]{2})?", opcode):
            raise line.bad(f"bad opcode '{opcode}'")
        self.bytes = tuple(int(b, 16) for b in opcode.split())
        if not re.fullmatch(r"[a-z0-9_.]+", self.name):
            raise line.bad(f"bad name '{self.name}'")
        self.c_name = self.name.replace(".", "_")
        names[self.c_name] = names.get(self.c_name, 0) + 1
        if names[self.c_name] > 1:
            self.c_name += f"_{names[self.c_name]}"
        self.immediates, self.align = self.immediate_kinds(immediates)
        self.check, effect = self.special(types, r"([+-]\d)")
        self.operands, self.results = ([], []) if self.check else self.signature(types)
        self.effect = int(effect or 0) if self.check else len(self.results) - len(self.operands)
        self.lift, exact = self.special(self.meaning, r"exact:(\d)")
        if not self.lift and self.check:
            raise line.bad("a meaning needs plain types")
        exits = EXITING & names_in(self.meaning)
        self.exact = int(exact or -1) if self.lift else len(self.operands) if exits else -1

    def immediate_kinds(self, column):
        kinds, align = [], 0
        for word in column.split():
            kind, _, bound = word.partition(":")
            if kind not in IMMEDIATES or (kind == "memarg") != bound.isdigit():
                raise self.line.bad(f"bad immediate '{word}'")
            kinds.append(kind)
            align = int(bound or 0)
        if len(kinds) > 2:
            raise self.line.bad("more than two immediates")
        return kinds, align

    def special(self, column, more):
        """The function's name, and what else stands there, if the column starts with a star; else None."""
        match = re.fullmatch(rf"\*(\w*)(?: {more})?", column)
        if column.startswith("*") and not match:
            raise self.line.bad(f"'*' or '*NAME', perhaps with '{more}' behind it, wanted, not '{column}'")
        return (match[1] or self.c_name, match[2]) if match else (None, None)

    def signature(self, column):
        if column.split().count("->") != 1:
            raise self.line.bad("types are 'operands -> results'")
        operands, results = [side.split() for side in column.split("->")]
        for t in operands + results:
            if t not in TYPES:
                raise self.line.bad(f"unknown type '{t}'")
        if len(operands) > 3 or len(results) > 1:
            raise self.line.bad("at most three operands and one result")
        return operands, results


def parse(lines):
    rows, unsupported, names, seen = [], [], {}, {}
    for line in lines:
        words = line.directive()
        if not words:
            row = Row(line, names)
            rows.append(row)
            code = row.bytes
        elif words[0] == "unsupported" and len(words) > 2:
            code = (int(words[1], 16),)
            unsupported.append((code[0], " ".join(words[2:])))
        else:
            raise line.bad("neither a row nor `%unsupported opcode feature`")
        for other, at in seen.items():
            if code[:len(other)] == other or other[:len(code)] == code:
                raise line.bad(f"opcode overlaps that of {at}")
        seen[code] = line.place()
    return rows, unsupported


def header(guest, rows):
    w = Writer(f"{guest}_isa.h")
    w.put(f"/* {guest}_isa.h - made by tool/isagen.py; do not edit. */")
    w.put(f"#ifndef {guest.upper()}_ISA_H\n#define {guest.upper()}_ISA_H\n\nenum {guest}_row {{")
    for row in rows:
        w.put(f"ROW_{row.c_name},")
    w.put("ROW_COUNT\n};\n\n#endif")
    return w.done()


def type_list(guest, types):
    return "{" + "".join(f"{guest.upper()}_{TYPES[t]}, " for t in types) + "0}"


def put_table(w, guest, rows):
    w.put(f"const struct {guest}_row_info {guest}_rows[ROW_COUNT] = {{")
    for row in rows:
        prefix, code = row.bytes if len(row.bytes) == 2 else (0, row.bytes[0])
        kinds = ", ".join("IMM_" + kind.upper() for kind in row.immediates) or "IMM_NONE"
        fields = [c_string(row.name), f"0x{prefix:02x}", f"0x{code:02x}", "{" + kinds + "}", str(row.align),
                  type_list(guest, row.operands), type_list(guest, row.results), str(row.effect), str(row.exact),
                  f"{guest}_check_{row.check}" if row.check else "NULL",
                  f"{guest}_lift_{row.lift}" if row.lift else "NULL"]
        w.put(f"[ROW_{row.c_name}] = {{{', '.join(fields)}}},")
    w.put("};\n")


def put_opcodes(w, name, rows, storage=""):
    w.put(f"{storage}const uint16_t {name}[256] = {{")
    for row in rows:
        w.put(f"[0x{row.bytes[-1]:02x}] = ROW_{row.c_name} + 1,")
    w.put("};\n")


def put_maps(w, guest, rows, unsupported):
    put_opcodes(w, f"{guest}_opcodes", [row for row in rows if len(row.bytes) == 1])
    prefixes = sorted({row.bytes[0] for row in rows if len(row.bytes) == 2})
    for prefix in prefixes:
        put_opcodes(w, f"after_{prefix:02x}", [row for row in rows if len(row.bytes) == 2 and row.bytes[0] == prefix],
                    "static ")
    w.put(f"const uint16_t *const {guest}_prefixes[256] = {{")
    for prefix in prefixes:
        w.put(f"[0x{prefix:02x}] = after_{prefix:02x},")
    w.put("};\n")
    w.put(f"const char *const {guest}_unsupported[256] = {{")
    for code, feature in unsupported:
        w.put(f"[0x{code:02x}] = {c_string(feature)},")
    w.put("};\n")


def put_meaning(w, row):
    w.put(f"case ROW_{row.c_name}:")
    for name, kind in reversed(list(zip("abc", row.operands))):
        w.put(f"{name} = lifter_pop(l, T_{TYPES[kind]});")
    if row.results:
        w.put_from(row.line, f"lifter_push(l, {row.meaning});")
    elif row.meaning != "NONE":
        w.put_from(row.line, f"(void)({row.meaning});")
    w.put("break;")


def source(guest, rows, unsupported):
    w = Writer(f"{guest}_isa.c")
    w.put(f"/* {guest}_isa.c - made by tool/isagen.py; do not edit. */\n#include \"guest/{guest}/lift.h\"\n")
    for name in sorted({row.check for row in rows if row.check}):
        w.put(f"bool {guest}_check_{name}(struct checker *k, const struct {guest}_insn *i);")
    for name in sorted({row.lift for row in rows if row.lift}):
        w.put(f"void {guest}_lift_{name}(struct lifter *l, const struct {guest}_insn *i);")
    w.put("")
    put_table(w, guest, rows)
    put_maps(w, guest, rows, unsupported)
    w.put(f"void {guest}_lift_row(struct lifter *l, const struct {guest}_insn *i) {{")
    w.put("uint16_t a = 0, b = 0, c = 0;\n(void)a, (void)b, (void)c;")
    w.put(f"switch ((enum {guest}_row)i->row) {{")
    for row in rows:
        if not row.lift:
            put_meaning(w, row)
    w.put("default: break;\n}\n}")
    return w.done()


def generate(guest, lines):
    """The texts of GUEST_isa.h and GUEST_isa.c. Raises Bad."""
    rows, unsupported = parse(lines)
    if not rows:
        raise Bad(f"{guest}: no rows")
    return header(guest, rows), source(guest, rows, unsupported)
