"""The notation for instruction sets of fixed bits, written as manuals write them. Makes decoder, lifter, the table of
texts, and a list of the rows for readers.

Rows have three columns: bits, text, meaning.

    imm[11:0] rs1 000 rd 0010011 | addi rd, rs1, imm      | W(rd, ADD(R(rs1), K(imm)))
    0000 0001 0000 00000 000 00000 0001111 | pause ; over fence | NOP

bits     from the most significant bit on: runs of 0 and 1, and fields. `imm[12|10:5]` says which bits of the field
         stand here; a field without brackets has the width of its definition and stands in one piece. All the pieces
         of a field must cover its bits from the lowest to the highest named; bits below the lowest are zero. `!=`
         after a field lists values that do not belong to this row: `rd!=0,2`.
text     assembler syntax. In the operands the name of a field stands for it; in the mnemonic, or where a field
         follows another name without a separator, it is `{name}`. After ` ; `: `name NAME` when the mnemonic does
         not name the row, `over ROW...` when the manual takes this encoding out of that of other rows.
meaning  C statements over the builders of the guest's lift.h; fields are variables (int64_t if signed, else
         uint64_t; registers unsigned).

Directives:

    %kind NAME names TEXT TEXT ...      a number printed as text, counted from 0; VALUE=TEXT sets the counter; x0..x31
                                        is 32 texts; the text "" is nothing, ~ between quotes a blank; @FILE has the
                                        numbers and names of the rows of a file beside this one, X(NUMBER, NAME, ...)
                                        and X(FIRST, COUNT, NAME, FIRST NUMBER OF THE NAMES, ...), X being anything;
                                        other numbers print in hexadecimal
    %kind NAME signed | unsigned | hex  a number in this form
    %kind NAME target                   a signed distance from the instruction, printed as an address
    %kind NAME upper SHIFT BITS         a signed number of which the BITS bits from SHIFT on are printed, in hexadecimal
    %kind NAME letters LETTERS          a set of bits, the first letter the highest; the empty set is 0
    %also NAME TEXT TEXT ...            further texts that are read (never printed) for a kind of names
    %field NAME KIND [OPTION...]        options: a width; +N (added to what the bits hold); !=V,V (values that no row
                                        has); via MACRO (the value passes through it in the lifter; it may `goto
                                        illegal`); silent (meanings need not use it); register (unsigned variable)
    %guard [CONDITION]                  rows that follow in this file are illegal unless the C condition holds
    %extension NAME [OPTION...]         what a processor with this file has: a letter or a longer name. Options: machine
                                        (of machines only: no process has it); probe N (its bit where Linux is asked)

What is rejected: bits that are used twice or not at all, fields that a text or a meaning leaves out, encodings that
belong to two rows (but for `over`), `over` that is idle or whose row is not wholly inside the other, names and texts
that occur twice, definitions that nothing uses.
"""
import itertools
import os
import re

from isa_source import Bad, Writer, c_code, c_name, c_string, names_in

PIECES, OPERANDS, WITHOUT = 8, 6, 2  # as in guest/isa.h


class Kind:
    FORMS = {"names": 0, "signed": 0, "unsigned": 0, "hex": 0, "target": 0, "upper": 2, "letters": 1}

    def __init__(self, line):
        words = line.directive()
        if len(words) < 3 or words[2] not in self.FORMS:
            raise line.bad("%kind NAME " + "|".join(self.FORMS))
        self.line, self.name, self.form, rest = line, words[1], words[2], words[3:]
        self.names, self.printed, self.shift, self.bits, self.letters = [], 0, 0, 0, ""
        self.signed = self.form in ("signed", "target", "upper")
        if self.form == "names":
            self.names = read_names(line, rest)
            self.printed = len(self.names)
            if len({value for value, _ in self.names}) != self.printed:
                raise line.bad("a number has two texts")
        elif len(rest) != self.FORMS[self.form]:
            raise line.bad(f"{self.form} takes {self.FORMS[self.form]} arguments")
        elif self.form == "upper":
            self.shift, self.bits = int(rest[0]), int(rest[1])
        elif self.form == "letters":
            self.letters = rest[0]

    def also(self, line):
        if self.form != "names":
            raise line.bad(f"{self.name} is not a kind of names")
        self.names += read_names(line, line.directive()[2:])


def read_names_of_rows(line, file):
    """(number, name) of the rows of a .def file: whatever they are called, only their first arguments matter."""
    names, path = [], os.path.join(os.path.dirname(line.file), file)
    if not os.path.exists(path):
        raise line.bad(f"there is no file {path}")
    with open(path, encoding="utf-8") as text:
        for row in text:
            one = re.match(r"\w+\((0x[0-9a-f]+|\d+), ([A-Za-z_]\w*),", row)
            many = re.match(r"\w+\((0x[0-9a-f]+|\d+), (\d+), ([A-Za-z_]\w*), (\d+),", row)
            if one:
                names.append((int(one[1], 0), one[2]))
            elif many:
                names += [(int(many[1], 0) + i, f"{many[3]}{int(many[4]) + i}") for i in range(int(many[2]))]
    return names


def read_names(line, words):
    names, value = [], 0
    for word in words:
        if word.startswith("@"):
            names += read_names_of_rows(line, word[1:])
            continue
        head, equal, text = word.rpartition("=")
        if equal:
            value = int(head, 0)
        if text.startswith('"'):
            text = text[1:-1].replace("~", " ")
        span = re.fullmatch(r"(.*?)(\d+)\.\.\1(\d+)", text)
        texts = [span[1] + str(number) for number in range(int(span[2]), int(span[3]) + 1)] if span else [text]
        names += list(enumerate(texts, value))
        value += len(texts)
    if len({text for _, text in names}) != len(names):
        raise line.bad("a text is there twice")
    return names


class Field:
    def __init__(self, line, kinds):
        words = line.directive()
        if len(words) < 3 or words[2] not in kinds:
            raise line.bad("%field NAME KIND OPTION..., the kind defined before")
        self.line, self.name, self.kind = line, words[1], kinds[words[2]]
        self.width, self.bias, self.without, self.via, self.silent, self.register = None, 0, set(), None, False, False
        options = iter(words[3:])
        for option in options:
            if option.isdigit():
                self.width = int(option)
            elif option[0] == "+" and option[1:].isdigit():
                self.bias = int(option[1:])
            elif option.startswith("!="):
                self.without = {int(value, 0) for value in option[2:].split(",")}
            elif option == "via":
                self.via = next(options, "")
            elif option == "silent":
                self.silent = True
            elif option == "register":
                self.register = True
            else:
                raise line.bad(f"unknown option {option}")


class Operand:
    """A field as one row places it: pieces (from, bits, to): `bits` bits from `from` of the instruction are those from
    `to` on of the field."""

    def __init__(self, field):
        self.field, self.pieces, self.without = field, [], set(field.without)

    def close(self, line):
        covered = sorted(bit for _, bits, to in self.pieces for bit in range(to, to + bits))
        self.low, self.width = covered[0], covered[-1] + 1
        if covered != list(range(self.low, self.width)):
            raise line.bad(f"the bits of {self.field.name} are not covered once each: {covered}")
        if len(self.pieces) > PIECES:
            raise line.bad(f"{self.field.name} is in more than {PIECES} pieces")
        if len(self.without) > WITHOUT or any(not -128 <= value < 128 for value in self.without):
            raise line.bad(f"at most {WITHOUT} small values can be left out of {self.field.name}")
        self.pieces.sort(key=lambda piece: -piece[2])

    def mask(self):
        return sum(((1 << bits) - 1) << at for at, bits, _ in self.pieces)

    def value(self, word):
        raw = sum((word >> at & ((1 << bits) - 1)) << to for at, bits, to in self.pieces)
        if self.field.kind.signed and raw >> (self.width - 1):
            raw -= 1 << self.width
        return raw + self.field.bias

    def allows(self, word):
        return not self.without or self.value(word) not in self.without

    def key(self):
        return self.field.name, tuple(self.pieces), tuple(sorted(self.without))

    def expression(self):
        """C for the value; pieces that move by the same distance move together."""
        moves = {}
        for at, bits, to in self.pieces:
            moves[at - to] = moves.get(at - to, 0) | ((1 << bits) - 1) << to
        terms = []
        for distance, mask in sorted(moves.items(), reverse=True):
            shifted = f"bits >> {distance}" if distance > 0 else f"bits << {-distance}" if distance else "bits"
            terms.append(f"({shifted} & {mask:#x})" if len(moves) > 1 else f"{shifted} & {mask:#x}")
        raw = " | ".join(terms)
        if self.field.kind.signed:
            raw = f"(int64_t)sign_extend({raw}, {self.width})"
        if self.field.bias:
            raw = f"({raw}) + {self.field.bias}"
        return raw

    def test(self):
        """C that is true for the values that the row has."""
        value = self.expression()
        return [f"({value}) != {number}" for number in sorted(self.without)]


class Row:
    def __init__(self, line, fields, guard):
        self.line, self.guard = line, guard
        bits, text, self.meaning = line.columns(3)
        self.mask = self.value = 0
        self.operands = {}
        self.read_bits(bits, fields)
        text, _, options = text.partition(" ; ")
        self.text = text.strip()
        mnemonic = self.text.split(" ")[0]
        self.name, self.over = c_name(re.sub(r"[{}]", "", mnemonic)), []
        self.read_options(options.split())
        self.read_text()
        self.read_meaning()

    def read_bits(self, text, fields):
        placed, position = [], 0
        for token in reversed(text.split()):
            if re.fullmatch("[01]+", token):
                self.mask |= ((1 << len(token)) - 1) << position
                self.value |= int(token, 2) << position
                position += len(token)
                continue
            match = re.fullmatch(r"([A-Za-z_][A-Za-z_0-9]*'?)(?:\[([0-9:|]+)\])?(?:!=([0-9,]+))?", token)
            if not match or match[1] not in fields:
                raise self.line.bad(f"{token} is neither bits nor a field")
            name, ranges, without = match.groups()
            operand = self.operands.setdefault(name, Operand(fields[name]))
            if not ranges:
                if not fields[name].width or operand.pieces:
                    raise self.line.bad(f"{name} needs its bits in brackets")
                ranges = f"{fields[name].width - 1}:0"
            for part in reversed(ranges.split("|")):
                high, _, low = part.partition(":")
                high, low = int(high), int(low or high)
                if high < low:
                    raise self.line.bad(f"{token}: {part} is empty")
                operand.pieces.append((position, high - low + 1, low))
                position += high - low + 1
            if without:
                operand.without |= {int(value) for value in without.split(",")}
            placed.append(name)
        if position not in (16, 32):
            raise self.line.bad(f"{position} bits, not 16 or 32")
        self.bits = position
        for operand in self.operands.values():
            operand.close(self.line)

    def read_options(self, words):
        words = iter(words)
        word = next(words, None)
        if word == "name":
            self.name = c_name(next(words, ""))
            word = next(words, None)
        if word == "over":
            self.over = [c_name(name) for name in words]
        elif word:
            raise self.line.bad(f"unknown option {word}")

    def read_text(self):
        """Makes the format: the text with bytes 1, 2, ... for the operands, which are put in the order of the text."""
        mnemonic, blank, rest = self.text.partition(" ")
        order = []

        def place(name):
            if name not in self.operands:
                return None
            if name in order:
                raise self.line.bad(f"{name} is twice in the text")
            order.append(name)
            return chr(len(order))

        def braces(match):
            byte = place(match[1])
            if not byte:
                raise self.line.bad(f"{match[1]} is not a field of this row")
            return byte

        mnemonic = re.sub(r"\{([^}]*)\}", braces, mnemonic)
        rest = re.sub(r"\{([^}]*)\}|([A-Za-z_][A-Za-z_0-9.]*'?)",
                      lambda m: braces(m) if m[1] else place(m[2]) or m[2], rest)
        missing = set(self.operands) - set(order)
        if missing:
            raise self.line.bad("the text leaves out " + ", ".join(sorted(missing)))
        if len(order) > OPERANDS:
            raise self.line.bad(f"more than {OPERANDS} operands")
        self.format = mnemonic + blank + rest
        self.operands = {name: self.operands[name] for name in order}

    def read_meaning(self):
        self.uses = names_in(self.meaning)
        missing = [name for name, operand in self.operands.items()
                   if name not in self.uses and not operand.field.silent]
        if missing:
            raise self.line.bad("the meaning leaves out " + ", ".join(missing))
        if not self.meaning:
            raise self.line.bad("no meaning")

    def constrained(self):
        return [operand for operand in self.operands.values() if operand.without]

    def has(self, word):
        return word & self.mask == self.value and all(operand.allows(word) for operand in self.constrained())


def word_in_both(a, b):
    """An encoding that both rows have, or None. Bits of constrained fields are tried one by one, others do not matter."""
    if (a.value ^ b.value) & a.mask & b.mask or a.bits != b.bits:
        return None
    fixed, word = a.mask | b.mask, a.value | b.value
    mask = 0
    for operand in a.constrained() + b.constrained():
        mask |= operand.mask()
    free = [bit for bit in range(32) if mask >> bit & 1 and not fixed >> bit & 1]
    for choice in itertools.product((0, 1), repeat=len(free)):
        trial = word | sum(on << bit for bit, on in zip(free, choice))
        if a.has(trial) and b.has(trial):
            return trial
    return None


class Extension:
    """The order is the usual one: letters, z and the letter that it is about, supervisor's."""
    LETTERS = "imafdqlcbkjtpvnh"

    def __init__(self, line):
        self.line, words = line, line.directive()[1:]
        if not words or not re.fullmatch("[a-z][a-z0-9]*", words[0]):
            raise line.bad("%extension NAME [machine] [probe N]")
        self.name, self.probe = words[0], -1
        self.machine = "machine" in words[1:]
        rest = [word for word in words[1:] if word != "machine"]
        if rest:
            if len(rest) != 2 or rest[0] != "probe" or not rest[1].isdigit() or int(rest[1]) > 63:
                raise line.bad("%extension NAME [machine] [probe N]")
            self.probe = int(rest[1])

    def key(self):
        about = self.name[:1] if len(self.name) == 1 else self.name[1] if self.name[0] == "z" else ""
        kind = 0 if len(self.name) == 1 else 1 if self.name[0] == "z" else 2
        return kind, self.LETTERS.find(about) if about else 0, self.name


class Isa:
    WORDS = ("kind", "also", "field", "guard", "extension")

    def __init__(self, guest, lines):
        self.guest, self.kinds, self.fields, self.rows, self.extensions = guest, {}, {}, [], []
        bad = []
        for word in self.WORDS:  # files may be read before the one that defines their kinds
            for line in lines:
                try:
                    if self.directive(line) == word:
                        self.define(line)
                except Bad as error:
                    bad += error.messages
        guard, file = "", None
        for line in lines:
            if line.file != file:
                guard, file = "", line.file
            words = line.directive()
            if words and words[0] == "guard":
                guard = line.text[1:].partition("guard")[2].strip()
            if words:
                continue
            try:
                self.rows.append(Row(line, self.fields, guard))
            except Bad as error:
                bad += error.messages
        if bad:
            raise Bad(*bad)
        bad = self.check_names() + self.check_overlaps() + self.check_use()
        if bad:
            raise Bad(*bad)

    @staticmethod
    def directive(line):
        words = line.directive()
        if words and words[0] not in Isa.WORDS:
            raise line.bad(f"unknown directive {words[0]}")
        return words and words[0]

    def define(self, line):
        words = line.directive()
        if words[0] == "kind":
            kind = Kind(line)
            if kind.name in self.kinds:
                raise line.bad(f"kind {kind.name} is defined twice")
            self.kinds[kind.name] = kind
        elif words[0] == "also":
            if len(words) < 3 or words[1] not in self.kinds:
                raise line.bad("%also KIND TEXT..., the kind defined before")
            self.kinds[words[1]].also(line)
        elif words[0] == "field":
            field = Field(line, self.kinds)
            if field.name in self.fields:
                raise line.bad(f"field {field.name} is defined twice")
            self.fields[field.name] = field
        elif words[0] == "extension":
            self.extensions.append(Extension(line))
            self.extensions.sort(key=Extension.key)

    def check_names(self):
        bad, seen = [], {}
        for extension in self.extensions:
            for key in ("%" + extension.name, f"bit {extension.probe}"):
                if key in seen and not key.endswith("-1"):
                    bad.append(f"{extension.line.place()}: {key.strip('%')} is also at {seen[key].line.place()}")
                seen[key] = extension
        for row in self.rows:
            for key in (row.name, " " + row.format):
                if key in seen:
                    bad.append(f"{row.line.place()}: {key.strip()} is also at {seen[key].line.place()}")
                seen[key] = row
        return bad

    def check_overlaps(self):
        bad, by_name = [], {row.name: row for row in self.rows}
        for row in self.rows:
            for name in row.over:
                other = by_name.get(name)
                if not other:
                    bad.append(f"{row.line.place()}: over {name}: there is no such row")
                elif other.mask & ~row.mask or (row.value ^ other.value) & other.mask or row.bits != other.bits:
                    bad.append(f"{row.line.place()}: {row.name} is not wholly inside {name}")
                elif word_in_both(row, other) is None:
                    bad.append(f"{row.line.place()}: over {name}: they have nothing in common")
        for a, b in itertools.combinations(self.rows, 2):
            if (a.value ^ b.value) & a.mask & b.mask or a.bits != b.bits:
                continue
            if a.name in b.over or b.name in a.over:
                continue
            word = word_in_both(a, b)
            if word is not None:
                bad.append(f"{b.line.place()}: {b.name} and {a.name} ({a.line.place()}) both have {word:#x}")
        return bad

    def check_use(self):
        used = {name for row in self.rows for name in row.operands}
        kinds = {field.kind.name for field in self.fields.values()}
        return [f"{field.line.place()}: no row has field {name}" for name, field in self.fields.items()
                if name not in used] + \
               [f"{kind.line.place()}: no field has kind {name}" for name, kind in self.kinds.items()
                if name not in kinds]


# ---- decoder: a tree of switches

def runs(mask, longest=8):
    """All contiguous runs of ones in a mask, as (low, bits), none longer than `longest`."""
    for low in range(32):
        bits = 0
        while bits < longest and mask >> (low + bits) & 1:
            bits += 1
            yield low, bits


def best_run(rows, known):
    """The run of bits whose values divide the rows best: (low, bits, groups, rows of no group) or None.

    Rows that do not fix all bits of the run are in every group that they can be in; if there are any, the run must
    still make every group smaller than the whole."""
    union = 0
    for row in rows:
        union |= row.mask & ~known
    best, best_score = None, None
    for low, bits in runs(union):
        mask = ((1 << bits) - 1) << low
        values = {row.value >> low & ((1 << bits) - 1) for row in rows if row.mask & mask == mask}
        groups = {value: [row for row in rows if not (row.value ^ value << low) & row.mask & mask]
                  for value in values}
        rest = [row for row in rows if row.mask & mask != mask]
        largest = max([len(group) for group in groups.values()] + [len(rest)], default=0)
        if not groups or largest == len(rows):
            continue
        again = sum(len(group) for group in groups.values()) + 2 * len(rest) - len(rows)
        score = (again, sum(len(group) ** 2 for group in groups.values()) + len(rest) ** 2 * 2, bits)
        if best is None or score < best_score:
            best, best_score = (low, bits, groups, rest), score
    return best


def specific_first(rows):
    order, left = [], list(rows)
    while left:
        names = {row.name for row in left}
        taken = {name for row in left for name in row.over if name in names}
        ready = [row for row in left if row.name not in taken]
        order += ready
        left = [row for row in left if row not in ready]
    return order


def emit_tree(out, isa, rows, known):
    choice = best_run(rows, known) if len(rows) > 1 else None
    if not choice:
        for row in specific_first(rows):
            tests = []
            left = row.mask & ~known
            if left:
                tests.append(f"(bits & {left:#x}) == {row.value & left:#x}")
            for operand in row.constrained():
                tests += operand.test()
            result = f"return {isa.guest.upper()}_{row.name};"
            if not tests:
                out.put(result)
                return
            out.put(f"if ({' && '.join(tests)}) {result}")
        out.put("return 0;")
        return
    low, bits, groups, rest = choice
    out.put(f"switch (bits >> {low} & {(1 << bits) - 1:#x}) {{" if low else f"switch (bits & {(1 << bits) - 1:#x}) {{")
    mask = ((1 << bits) - 1) << low
    for value, group in sorted(groups.items()):
        out.put(f"case {value}:")
        emit_tree(out, isa, group, known | mask)
    out.put("}")
    if rest:
        emit_tree(out, isa, rest, known)
    else:
        out.put("return 0;")


# ---- C

def operand_table(isa):
    table = {}
    for row in isa.rows:
        for operand in row.operands.values():
            table.setdefault(operand.key(), (len(table), operand))
    return table


def emit_tables(out, isa, table):
    for kind in isa.kinds.values():
        if kind.names:
            out.put(f"static const struct isa_name names_{kind.name}[] = {{")
            for value, text in kind.names:
                out.put(f"{{{value}, {c_string(text)}}},")
            out.put("};")
    out.put("enum {")
    for name in isa.kinds:
        out.put(f"KIND_{name},")
    out.put("};")
    out.put("static const struct isa_kind kinds[] = {")
    for kind in isa.kinds.values():
        names = f"names_{kind.name}" if kind.names else "0"
        letters = c_string(kind.letters) if kind.letters else "0"
        out.put(f"[KIND_{kind.name}] = {{ISA_{kind.form.upper()}, {int(kind.signed)}, {kind.shift}, {kind.bits}, "
                f"{len(kind.names)}, {kind.printed}, {names}, {letters}}},")
    out.put("};")
    out.put("static const struct isa_operand operands[] = {")
    for _, operand in table.values():
        pieces = ", ".join(f"{{{at}, {bits}, {to}}}" for at, bits, to in operand.pieces)
        out.put(f"{{{c_string(operand.field.name)}, &kinds[KIND_{operand.field.kind.name}], {operand.field.bias}, "
                f"{operand.low}, {operand.width}, {len(operand.pieces)}, {{{pieces}}}, {len(operand.without)}, "
                f"{{{', '.join(str(value) for value in sorted(operand.without)) or 0}}}}},")
    out.put("};")
    out.put("static const struct isa_row rows[] = {")
    out.put('{"illegal", "", 0, 0, 0, 0, {0}},')
    for row in isa.rows:
        indices = ", ".join(str(table[operand.key()][0]) for operand in row.operands.values()) or "0"
        out.put(f"{{{c_string(row.name)}, {c_string(row.format)}, {row.mask:#x}, {row.value:#x}, {row.bits // 8}, "
                f"{len(row.operands)}, {{{indices}}}}},")
    out.put("};")


def emit_lifter(out, isa):
    guest = isa.guest
    out.put(f"void {guest}_lift_row(struct builder *b, enum {guest}_row row, uint32_t bits) {{")
    out.put("LIFT_BEGIN;")
    out.put("switch (row) {")
    for row in isa.rows:
        out.put(f"case {guest.upper()}_{row.name}: {{")
        out.depth -= 1
        if row.guard:
            out.put(f"if (!({row.guard})) goto illegal;")
        for name, operand in row.operands.items():
            if name not in row.uses:
                continue
            kind = "unsigned" if operand.field.register else "int64_t" if operand.field.kind.signed else "uint64_t"
            value = operand.expression()
            if operand.field.via:
                value = f"{operand.field.via}({value})"
            out.put(f"{kind} {c_name(name)} = {value};")
        out.put_from(row.line, c_code(row.meaning).rstrip(";") + ";")
        out.put("break;")
        out.put("}")
        out.depth += 1
    out.put("default:")
    out.put("goto illegal;")
    out.put("}")
    out.put("LIFT_END;")
    out.put("return;")
    out.put("illegal:")
    out.put("LIFT_ILLEGAL;")
    out.put("}")


def emit_extensions(out, isa):
    """Two lists for the preprocessor: LETTERS of (name, probe), EXTENSIONS of (process or machine, name, probe)."""
    guest = isa.guest.upper()
    letters = [e for e in isa.extensions if len(e.name) == 1]
    out.put(f"/* {guest}_LETTERS: X(name, probe); {guest}_EXTENSIONS: X(process or machine, name, probe). As"
            f"\n   tool/isa_fixed.py says of %extension; probe is -1 where it has none. */")
    out.put(f"#define {guest}_LETTERS(X) " + " ".join(f"X({e.name}, {e.probe})" for e in letters))
    out.put(f"#define {guest}_EXTENSIONS(X) " + " ".join(
        f"X({'machine' if e.machine else 'process'}, {e.name}, {e.probe})"
        for e in isa.extensions if e not in letters))


def list_rows(isa):
    """The rows as Markdown, a table for each file."""
    out, file = [f"# Instructions of {isa.guest}", ""], None
    if isa.extensions:
        for title, machine in (("Extensions", False), ("Of machines only", True)):
            out += [title + ": " + ", ".join(f"`{e.name}`" for e in isa.extensions if e.machine == machine) + ".", ""]
    for row in isa.rows:
        if row.line.file != file:
            file = row.line.file
            out += ["", f"## {os.path.basename(file)}", "", "| bits | text | meaning |", "|---|---|---|"]
        columns = [re.sub(r"\s+", " ", column).replace("|", "\\|") for column in row.line.columns(3)]
        out.append("| " + " | ".join(f"`{column}`" for column in columns) + " |")
    return "\n".join(out) + "\n"


def generate(guest, lines):
    isa = Isa(guest, lines)
    head = f"/* Made by tool/isagen.py from the .isa files of src/guest/{guest}. */"
    header = Writer(f"{guest}_isa.h")
    header.put(head)
    header.put(f"#ifndef {guest.upper()}_ISA_H\n#define {guest.upper()}_ISA_H")
    header.put('#include "guest/isa.h"')
    header.put("struct builder;")
    header.put(f"enum {guest}_row {{")
    header.put(f"{guest.upper()}_illegal,")
    for row in isa.rows:
        header.put(f"{guest.upper()}_{row.name},")
    header.put(f"{guest.upper()}_ROWS")
    header.put("};")
    header.put(f"extern const struct isa {guest}_isa;")
    header.put("/** The row of an encoding, or illegal (0). Bits beyond a short instruction must be zero. */")
    header.put(f"unsigned {guest}_decode(uint32_t bits);")
    header.put("/** Emits the uops of an instruction that decodes to `row`; its mark is there already. */")
    header.put(f"void {guest}_lift_row(struct builder *b, enum {guest}_row row, uint32_t bits);")
    emit_extensions(header, isa)
    header.put("#endif")

    source = Writer(f"{guest}_isa.c")
    source.put(head)
    source.put(f'#include "{guest}_isa.h"\n#include "base/bits.h"\n#include "guest/{guest}/lift.h"')
    emit_tables(source, isa, operand_table(isa))
    source.put(f"unsigned {guest}_decode(uint32_t bits) {{")
    emit_tree(source, isa, isa.rows, 0)
    source.put("}")
    emit_lifter(source, isa)
    source.put(f"const struct isa {guest}_isa = {{{c_string(guest)}, rows, {guest.upper()}_ROWS, operands, "
               f"{guest}_decode}};")
    return header.done(), source.done(), list_rows(isa)
