#!/usr/bin/env python3
"""Counts the lines of src/ that kinds of machines share and own: prints docs/lines.md, which `make manual` keeps.

A part is shared by the kinds whose programs cannot run without it, whether or not a given program reaches it. Lines are
counted as they stand, comments and rows included; what is generated from rows is not counted.

usage: lines.py [ROOT] | lines.py --compare PAGE: are its figures within a quarter of what there is? (exit status)
"""
import os
import re
import sys

KINDS = ("process", "machine", "language")
# The first row that fits decides: part, pattern of paths below src/, kinds that need it.
PARTS = (
    ("arena, errors, system", r"base/", "process machine language"),
    ("uops, blocks, tables between layers", r"core/", "process machine language"),
    ("baseline and x86-64", r"host/", "process machine language"),
    ("loop, cache, interpreter, faults", r"engine/", "process machine language"),
    ("options, clock, input, digest, public interface", r"vm/|parts\.def", "process machine language"),
    ("the program", r"cmd/", "process machine language"),
    ("instruction sets of fixed bits", r"guest/isa", "process machine"),
    ("riscv: traps, page tables", r"guest/riscv/(trap|paging)", "machine"),
    ("riscv", r"guest/riscv/", "process machine"),
    ("soft memory", r"mem/(tlb|phys|mem)", "machine"),
    ("memory of processes", r"mem/", "process"),
    ("Linux", r"process/linux/", "process"),
    ("programs, stack, kept translations", r"process/", "process"),
    ("board and devices", r"machine/", "machine"),
    ("WebAssembly: modules, lifter", r"guest/wasm/", "language"),
    ("WebAssembly: linking, WASI", r"language/wasm/", "language"),
    ("what languages share", r"language/", "language"),
)


def count(src):
    lines = [0] * len(PARTS)
    for directory, _, names in os.walk(src):
        for name in names:
            path = os.path.relpath(os.path.join(directory, name), src)
            if not re.search(r"\.([chS]|def|isa)$", name):
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                number = sum(1 for _ in f)
            fitting = [k for k, (_, pattern, _) in enumerate(PARTS) if re.match(pattern, path)]
            if not fitting:
                sys.exit(f"src/{path} belongs to no part: add it to tool/lines.py")
            lines[fitting[0]] += number
    return lines


def page(lines):
    total = sum(lines)
    out = ["# Lines", "", "What each kind of machine shares with others and what it owns, in lines of `src/`; made by "
           "`tool/lines.py`.", "", "| part | lines | " + " | ".join(KINDS) + " |", "|---|---:|" + ":-:|" * len(KINDS)]
    for (part, _, needed), number in zip(PARTS, lines):
        out.append(f"| {part} | {number} | " + " | ".join("x" if k in needed.split() else "" for k in KINDS) + " |")
    shared = {k: sum(n for (_, _, needed), n in zip(PARTS, lines) if k in needed.split() and needed != k) for k in KINDS}
    owned = {k: sum(n for (_, _, needed), n in zip(PARTS, lines) if needed == k) for k in KINDS}
    out += [f"| **all** | **{total}** | | | |", f"| shares with another kind | | " + " | ".join(str(shared[k]) for k in KINDS) + " |",
            "| owns alone | | " + " | ".join(str(owned[k]) for k in KINDS) + " |"]
    return "\n".join(out) + "\n"


def figures(text):
    return [int(n) for n in re.findall(r"^\| [^|]+ \| (\d+) \|", text, re.M)]


def main():
    compare = len(sys.argv) == 3 and sys.argv[1] == "--compare"
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    lines = count(os.path.join(here if compare or len(sys.argv) < 2 else sys.argv[1], "src"))
    if not compare:
        print(page(lines), end="")
        return True
    with open(sys.argv[2], encoding="utf-8") as f:
        kept = figures(f.read())
    wrong = len(kept) != len(lines) or any(abs(a - b) > 50 + b // 4 for a, b in zip(kept, lines))
    if wrong:
        print(f"{sys.argv[2]} is out of date: make manual")
    return not wrong


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
