#!/usr/bin/env python3
"""Makes docs/syscalls.md from the rows of src/process/linux/syscall.def: which calls are refused, and why; which are
passed on; which vee answers itself; and from uring.def which operations of io_uring; from held.def which of the host's are made with the engine's lock. Fails when a
number of riscv64's table has no row, or two, or when vee makes a call with the lock that has no row.

usage: syscalls.py [SYSCALL_DEF [HELD_DEF]] > docs/syscalls.md
"""
import glob
import re
import sys
import textwrap

LAST = 466  # removexattrat
# Numbers that riscv64 does not have: reserved, of other architectures, or of 32-bit ones.
UNUSED = {38, *range(244, 258), *range(295, 424)}
ROW = re.compile(r'^(PASS|SAME|CALL|ABSENT)\((\d+), (\w+), (.*)\)$')
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


def read(path):
    rows = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            match = ROW.match(line.strip())
            if not match:
                continue
            kind, number, name, rest = match.groups()
            if int(number) in rows:
                sys.exit(f"{path}: number {number} has two rows")
            rows[int(number)] = (kind, name, rest)
    missing = [n for n in range(LAST + 1) if n not in rows and n not in UNUSED]
    extra = [n for n in rows if n > LAST or n in UNUSED]
    if missing or extra:
        sys.exit(f"{path}: no row for {missing}; rows for {extra}, which riscv64 does not have")
    return rows


def names(rows, kinds):
    text = ", ".join(f"`{name}`" for name in sorted(name for kind, name, _ in rows.values() if kind in kinds))
    return textwrap.fill(text, 120)


def held(path):
    with open(path, encoding="utf-8") as f:
        rows = HELD.findall(f.read())
    names = {name for name, _, _ in rows}
    for source in sorted(glob.glob("src/process/linux/*.c")):
        with open(source, encoding="utf-8") as f:
            for name in HOST_DO.findall(f.read()):
                if name not in names:
                    sys.exit(f"{source}: host_do(SYS_{name}) may wait with the lock: it has no row in {path}")
    lines = [f"| `{name}`{'' if command == 'ANY' else f' ({command})'} | {reason} |" for name, command, reason in rows]
    return ("\n## Made with the engine's lock\n\nOf the host's, for these and for other calls of the guest. All others may "
            "wait, so the other threads of the\nguest go on meanwhile; mmap, munmap, mremap and mprotect are the "
            "space's, whose records change with the mappings.\n\n| call of the host | why it does not wait |\n|---|---|\n"
            + "\n".join(lines) + "\n")


def uring(path):
    with open(path, encoding="utf-8") as f:
        rows = URING.findall(f.read())
    text = "\n## io_uring\n"
    for kind, head in (("", "Operations that are passed on"), ("_CALL", "Made by vee when they are submitted, not in chains")):
        found = ", ".join(f"`{name}`" for k, name, _ in rows if k == kind)
        text += "\n" + textwrap.fill(f"{head}: {found}.", 120) + "\n"
    refused = "; ".join(f"`{name}` ({reason})" for k, name, reason in rows if k == "_ABSENT")
    return text + "\n" + textwrap.fill(f"Refused, as are all others: {refused}.", 120) + "\n"


def main(path="src/process/linux/syscall.def", held_path="src/process/linux/held.def",
         uring_path="src/process/linux/uring.def"):
    rows = read(path)
    count = {kind: sum(row[0] == kind for row in rows.values()) for kind in ("PASS", "SAME", "CALL", "ABSENT")}
    text = HEAD.format(count=len(rows), passed=count["PASS"] + count["SAME"], answered=count["CALL"],
                       absent=count["ABSENT"])
    for number, (kind, name, rest) in sorted(rows.items()):
        if kind == "ABSENT":
            error, reason = REFUSED.fullmatch(rest).groups()
            text += f"| {number} | `{name}` | {error} | {reason} |\n"
    text += f"\n## Passed on\n\n{names(rows, ('PASS', 'SAME'))}\n\n## Answered by vee\n\n{names(rows, ('CALL',))}\n"
    print(text + uring(uring_path) + held(held_path), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
