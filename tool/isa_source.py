"""What every notation of *.isa files shares: lines with their places, columns, errors, names, and writing C.

A file is lines. `#` at the start of a line or after two blanks starts a comment; a `\\` at the end joins the next
line. A line that starts with `%` is a directive: a word and its arguments. Any other line is a row: columns with ` | `
between them, of which the last (the meaning, C code) may hold ` | ` itself.
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

    def directive(self):
        """The words of a directive, its name first; None for a row."""
        return self.text[1:].split() if self.text.startswith("%") else None

    def columns(self, count):
        """The row's columns, stripped; the last one takes the rest of the line."""
        parts = [part.strip() for part in re.split(r"(?:^|\s)\|(?=\s|$)", self.text, maxsplit=count - 1)]
        if len(parts) != count:
            raise self.bad(f"a row has {count} columns, this one {len(parts)}")
        return parts


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
    """The name that the `%notation` of every file gives, and the lines without those."""
    found = [line for line in lines if (line.directive() or [""])[0] == "notation"]
    rest = [line for line in lines if line not in found]
    for line in found:
        if line.directive() != found[0].directive() or len(line.directive()) != 2:
            raise line.bad("`%notation NAME`, the same in all files of a guest, is needed")
    for line in rest:
        if sum(other.file == line.file for other in found) != 1:
            raise line.bad("this file needs one line `%notation NAME`")
    return found[0].directive()[1], rest


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


def write_file(path, text):
    """All of the text or, if that fails, the file as it was."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
