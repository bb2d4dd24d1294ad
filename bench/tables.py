#!/usr/bin/env python3
"""Measures what mappings and threads cost when there are many, beside native code and qemu-riscv64 (bench/tables).

CPU time of the process for each operation, in microseconds: medians of interleaved runs. What programs compute is
compared with the native run. As many mappings as a process may have (vm.max_map_count): with more, and as root, the
limit is raised while this runs (--raise). A contender that is stopped at --limit, or cannot do it, has no figure.
Writes tables.md to --out. Exit status: 0 only if every run of native code and of vee was right.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

import versus

SOURCE = versus.ROOT / "bench" / "tables" / "tables.c"
CASES = {"mappings": (1000, 10000, 60000, 100000), "sparse": (1000, 10000, 30000), "threads": (100, 1000, 3000, 10000)}
MOST = Path("/proc/sys/vm/max_map_count")
RAISED = 400000


def run(command, limit):
    """Rows, or None and why."""
    try:
        said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return None, f"longer than {limit} s"
    rows = dict(line.split(" ", 1) for line in said.stdout.splitlines())
    if said.returncode:
        return None, f"status {said.returncode}: {said.stderr.strip()[:200]}"
    return rows, ""


def measure(args, contenders):
    figures, wrong = {}, 0
    most = int(MOST.read_text())
    for case, counts in CASES.items():
        for n in counts:
            if (args.only and case not in args.only.split(",")) or (case == "mappings" and n > most - 1000):
                continue
            refused = set()
            for _ in range(args.runs):
                expected = None
                for name, command in contenders.items():
                    if name in refused:
                        continue
                    rows, why = run([*command, case, str(n)], args.limit)
                    result = rows.pop("=") if rows else None
                    expected = expected or result
                    if result is None or result != expected:
                        refused.add(name)
                        print(f"{case} {n}: {name}: {why or result}", file=sys.stderr)
                        wrong += name != "qemu"
                        continue
                    for row, value in rows.items():
                        figures.setdefault((case, row), {}).setdefault(n, {}).setdefault(name, []).append(float(value))
            print(case, n, "done", file=sys.stderr)
    return figures, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    versus.options(parser, runs=3)
    parser.add_argument("--limit", type=int, default=120, help="seconds for a run")
    parser.add_argument("--only", default="", help="cases, separated by commas")
    parser.add_argument("--raise", dest="more", action="store_true", help="raise vm.max_map_count meanwhile")
    args = parser.parse_args()
    contenders = versus.contenders(SOURCE, args.vee)
    before = MOST.read_text()
    try:
        if args.more and int(before) < RAISED:
            MOST.write_text(f"{RAISED}\n")
        figures, wrong = measure(args, contenders)
    finally:
        if args.more:
            MOST.write_text(before)

    lines = ["# Many mappings, many threads", "",
             "Written by `bench/tables.py`; do not edit. Microseconds of CPU time for each operation when there are so many;",
             f"medians of {args.runs}, interleaved. No figure: it was refused, or took more than {args.limit} s.", "",
             "| case | operation | how many | " + " | ".join(contenders) + " |", "|---|---" + "|---:" * (len(contenders) + 1) + "|"]
    for (case, row), by_count in figures.items():
        for n, by_name in by_count.items():
            cells = [f"{statistics.median(by_name[name]):.2f}" if name in by_name else "" for name in contenders]
            lines.append(f"| {case} | {row} | {n} | " + " | ".join(cells) + " |")
    versus.write(args.out, "tables.md", lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
