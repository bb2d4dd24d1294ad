#!/usr/bin/env python3
"""Makes docs/syscalls.md from the rows of src/process/linux/syscall.def: which calls are refused, and why; which are
passed on; which vee answers itself. Fails when a number of riscv64's table has no row, or two.

usage: syscalls.py [SYSCALL_DEF] > docs/syscalls.md
"""
import re
import sys
import textwrap

LAST = 466  # removexattrat
# Numbers that riscv64 does not have: reserved, of other architectures, or of 32-bit ones.
UNUSED = {38, *range(244, 258), *range(295, 424)}
ROW = re.compile(r'^(PASS|SAME|CALL|ABSENT)\((\d+), (\w+), (.*)\)$')
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


def main(path):
    rows = read(path)
    count = {kind: sum(row[0] == kind for row in rows.values()) for kind in ("PASS", "SAME", "CALL", "ABSENT")}
    text = HEAD.format(count=len(rows), passed=count["PASS"] + count["SAME"], answered=count["CALL"],
                       absent=count["ABSENT"])
    for number, (kind, name, rest) in sorted(rows.items()):
        if kind == "ABSENT":
            error, reason = REFUSED.fullmatch(rest).groups()
            text += f"| {number} | `{name}` | {error} | {reason} |\n"
    text += f"\n## Passed on\n\n{names(rows, ('PASS', 'SAME'))}\n\n## Answered by vee\n\n{names(rows, ('CALL',))}\n"
    print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "src/process/linux/syscall.def")
