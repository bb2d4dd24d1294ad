"""What every notation of *.isa files shares: lines with their places, columns, errors, names, and writing C.

A file is lines. `#` at the start of a line or after two blanks starts a comment; a `\\` at the end joins the next
line. A line with ` | ` in it is a row, and the last of its columns (the meaning, C code) may hold ` | ` itself; any
other line is a directive: a word and its arguments.
"""
import glob
import os
import re


class Bad(Exception):
    """One or more things wrong in the files, each with its place."""

    def __init__(self, *messages):
        super().__init__("\n".join(messages))
        self.messages = messages


class Line:
    """One logical line: `file` and `number` of where it starts, and its text without comment."""

    def __init__(self, file, number, text):
        self.file, self.number, self.text = file, number, text

    def place(self):
        return f"{self.file}:{self.number}"

    def bad(self, message):
        return Bad(f"{self.place()}: {message}")

    def is_row(self):
        return re.search(r"\s\|(\s|$)", self.text) is not None

    def columns(self, count):
        """The row's columns, stripped; the last one takes the rest of the line."""
        parts = [part.strip() for part in re.split(r"\s\|(?:\s|$)", self.text, maxsplit=count - 1)]
        if len(parts) != count:
            raise self.bad(f"a row has {count} columns, this one {len(parts)}")
        return parts

    def words(self):
        return self.text.split()


def read_file(path):
    lines, pending, start = [], "", 0
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            text = re.sub(r"(^|\s\s)#.*", "", text.rstrip("\n")).rstrip()
            start = start if pending else number
            if text.endswith("\\"):
                pending += text[:-1]
                continue
            text, pending = (pending + text).strip(), ""
            if text:
                lines.append(Line(path, start, text))
    if pending:
        raise Bad(f"{path}: the last line ends in a backslash")
    return lines


def read_folder(folder):
    lines = []
    for path in sorted(glob.glob(os.path.join(folder, "*.isa"))):
        lines += read_file(path)
    if not lines:
        raise Bad(f"{folder}: no *.isa files with anything in them")
    return lines


def take_notation(lines):
    """The name in the one `notation` directive, and the lines without it."""
    found = [line for line in lines if line.words()[0] == "notation" and not line.is_row()]
    if len(found) != 1 or len(found[0].words()) != 2:
        raise Bad(*[line.place() + ": notation" for line in found], "exactly one line `notation NAME` is needed")
    return found[0].words()[1], [line for line in lines if line is not found[0]]


NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*'?")


def names_in(code):
    """The identifiers in a piece of C, string and character literals left out; a quote may end a name, as in rd'."""
    return set(NAME.findall(re.sub(r'"(\\.|[^"\\])*"', "", code)))


def c_name(name):
    """A name of the manual as a C identifier: fence.i is fence_i, rd' is rd_c."""
    return re.sub(r"[^A-Za-z_0-9]", "_", name.replace("'", "_c"))


def c_code(code):
    """A piece of C in which names of the manual become C identifiers."""
    return NAME.sub(lambda m: m.group(0).replace("'", "_c"), code)


def c_string(text):
    """A C string literal; bytes below 32 become octal escapes, which take at most three digits."""
    out = ""
    for ch in text:
        out += "\\" + ch if ch in '"\\' else ch if ord(ch) >= 32 else f"\\{ord(ch):03o}"
    return f'"{out}"'


class Writer:
    """C text: indentation by block, and #line so that compilers and debuggers name the rows."""

    def __init__(self, file):
        self.file, self.depth, self.text = file, 0, []

    def put(self, text=""):
        for line in text.split("\n"):
            if line.startswith("}"):
                self.depth -= 1
            label = line.startswith(("case ", "default:")) or re.match(r"\w+:$", line)
            indent = max(self.depth - (1 if label else 0), 0)
            self.text.append("    " * indent + line if line else "")
            if line.endswith("{"):
                self.depth += 1

    def put_from(self, line, code):
        """One line of C that comes from a row."""
        self.text.append(f'#line {line.number} "{line.file}"')
        self.put(code)
        self.text.append(f'#line {len(self.text) + 2} "{self.file}"')

    def done(self):
        return "\n".join(self.text) + "\n"


def write_if_changed(path, text):
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    except FileNotFoundError:
        pass
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
