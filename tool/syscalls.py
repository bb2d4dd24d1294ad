#!/usr/bin/env python3
"""Makes docs/syscalls.md from the rows of src/process/linux/syscall.def: which calls are refused, and why; which are
passed on; which vee answers itself; and from uring.def which operations of io_uring; from held.def which of the host's
are made with the engine's lock. Fails when a number of the generic table or of riscv64's has no row, or two, when a row
has no number, or when vee makes a call with the lock that has no row.

usage: syscalls.py [FOLDER] > docs/syscalls.md        FOLDER: src/process/linux
"""
import glob
import os
import re
import sys
import textwrap

# Numbers that the generic table does not have: reserved, of single architectures, or of 32-bit ones.
UNUSED = {38, *range(244, 260), *range(295, 424)}
TABLES = ("riscv64", "arm64")
SHOWN = "riscv64"
ROW = re.compile(r'^(PASS|CALL|ABSENT)\((\w+), (.*)\)$|^(SAME)\((\d+), (\w+), (.*)\)$')
NUMBER = re.compile(r'\bNUMBER\((\d+), (\w+)[,)]')
OWN = re.compile(r'^OWN\((\d+), (\w+), (".*")\)$', re.M)
HELD = re.compile(r'^HELD\((\w+), (\w+), "(.*)"\)$', re.M)
URING = re.compile(r'^URING(_CALL|_ABSENT|)\(\d+, (\w+), (?:"(.*)"|.*)\)$', re.M)
HOST_DO = re.compile(r'\bhost_do\(\s*SYS_(\w+)')
REFUSED = re.compile(r'(\w+), "(.*)"')

HEAD = """# System calls

Made from [syscall.def](../src/process/linux/syscall.def) by `tool/syscalls.py`; do not edit. {count} calls of riscv64
Linux: {passed} are passed on with checked arguments, {answered} are answered by vee, {absent} are refused. Numbers that
are not here end in ENOSYS.

## Refused

| number | call | error | why |
|---:|---|---|---|
"""


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def read_rows(folder):
    """name -> (kind, rest) of syscall.def, without those of one instruction set."""
    path, rows = os.path.join(folder, "syscall.def"), {}
    for line in text_of(path).split("\n"):
        match = ROW.match(line.strip())
        if not match:
            continue
        kind, name, rest = match.group(1, 2, 3) if match.group(1) else match.group(4, 6, 7)
        if name in rows:
            sys.exit(f"{path}: {name} has two rows")
        rows[name] = (kind, rest)
    return rows


def read_table(folder, name, rows):
    """number -> row's name; adds the rows that are this table's own."""
    path, numbers = os.path.join(folder, name + ".def"), {}
    text = text_of(path)
    if '#include "process/linux/generic.def"' in text:
        text += text_of(os.path.join(folder, "generic.def"))
    for number, own, rest in OWN.findall(text):
        rows[own] = ("CALL", rest)
        numbers[int(number)] = own
    for number, row in NUMBER.findall(text):
        if int(number) in numbers:
            sys.exit(f"{path}: number {number} has two rows")
        if row not in rows:
            sys.exit(f"{path}: number {number} has the row {row}, which there is not")
        numbers[int(number)] = row
    missing = [n for n in range(max(numbers)) if n not in numbers and n not in UNUSED]
    if missing:
        sys.exit(f"{path}: no row for {missing}")
    return numbers


def read(folder):
    """number -> (kind, name, rest) for the table that is shown."""
    rows = read_rows(folder)
    tables = {name: read_table(folder, name, rows) for name in TABLES}
    used = {row for table in tables.values() for row in table.values()}
    if used != set(rows):
        sys.exit(f"{folder}: rows without a number: {', '.join(sorted(set(rows) - used))}")
    return {number: (rows[name][0], name, rows[name][1]) for number, name in tables[SHOWN].items()}


def names(rows, kinds):
    text = ", ".join(f"`{name}`" for name in sorted(name for kind, name, _ in rows.values() if kind in kinds))
    return textwrap.fill(text, 120)


def held(folder):
    path = os.path.join(folder, "held.def")
    rows = HELD.findall(text_of(path))
    names = {name for name, _, _ in rows}
    for source in sorted(glob.glob("src/process/linux/*.c")):
        for name in HOST_DO.findall(text_of(source)):
            if name not in names:
                sys.exit(f"{source}: host_do(SYS_{name}) may wait with the lock: it has no row in {path}")
    lines = [f"| `{name}`{'' if command == 'ANY' else f' ({command})'} | {reason} |" for name, command, reason in rows]
    return ("\n## Made with the engine's lock\n\nOf the host's, for these and for other calls of the guest. All others may "
            "wait, so the other threads of the\nguest go on meanwhile; mmap, munmap, mremap and mprotect are the "
            "space's, whose records change with the mappings.\n\n| call of the host | why it does not wait |\n|---|---|\n"
            + "\n".join(lines) + "\n")


def uring(folder):
    rows = URING.findall(text_of(os.path.join(folder, "uring.def")))
    text = "\n## io_uring\n"
    for kind, head in (("", "Operations that are passed on"), ("_CALL", "Made by vee when they are submitted, not in chains")):
        found = ", ".join(f"`{name}`" for k, name, _ in rows if k == kind)
        text += "\n" + textwrap.fill(f"{head}: {found}.", 120) + "\n"
    refused = "; ".join(f"`{name}` ({reason})" for k, name, reason in rows if k == "_ABSENT")
    return text + "\n" + textwrap.fill(f"Refused, as are all others: {refused}.", 120) + "\n"


def main(folder="src/process/linux"):
    rows = read(folder)
    count = {kind: sum(row[0] == kind for row in rows.values()) for kind in ("PASS", "SAME", "CALL", "ABSENT")}
    text = HEAD.format(count=len(rows), passed=count["PASS"] + count["SAME"], answered=count["CALL"],
                       absent=count["ABSENT"])
    for number, (kind, name, rest) in sorted(rows.items()):
        if kind == "ABSENT":
            error, reason = REFUSED.fullmatch(rest).groups()
            text += f"| {number} | `{name}` | {error} | {reason} |\n"
    text += f"\n## Passed on\n\n{names(rows, ('PASS', 'SAME'))}\n\n## Answered by vee\n\n{names(rows, ('CALL',))}\n"
    print(text + uring(folder) + held(folder), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
