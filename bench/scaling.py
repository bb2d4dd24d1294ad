#!/usr/bin/env python3
"""Measures how work by two threads scales under vee, beside native code and qemu-riscv64 (bench/threads/threads.c).

Scaling is twice the time that one thread takes for some work over the time that two take for as much each: 2 is perfect.
The contenders run interleaved, round by round; times are elapsed, medians. What programs compute is compared with the
native run. Needs as many processors as threads and nothing else to run on them. Writes scaling.md to --out.
Exit status: 0 only if every run was right.
"""

import argparse
import statistics
import subprocess
import sys

import versus

SOURCE = versus.ROOT / "bench" / "threads" / "threads.c"
REPS = {"compute": 250000, "memory": 700, "atomics": 1200000, "locks": 1200000, "heap": 12000000, "calls": 120000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    versus.options(parser, runs=5)
    parser.add_argument("--only", default="", help="kinds of work, separated by commas")
    args = parser.parse_args()
    contenders = versus.contenders(SOURCE, args.vee, ["-fno-tree-vectorize"])
    works = [w for w in REPS if not args.only or w in args.only.split(",")]
    seconds, wrong = {}, 0
    for work in works:
        for _ in range(args.runs):
            expected = {}
            for name, command in contenders.items():
                for threads in (1, 2):
                    said = subprocess.run([*command, work, str(threads), str(REPS[work])], stdin=subprocess.DEVNULL,
                                          capture_output=True, text=True, timeout=600, check=False)
                    time, _, result = said.stdout.strip().partition(" ")
                    if said.returncode or result != expected.setdefault(threads, result):
                        print(f"{work}: {name}: status {said.returncode}, {result}", file=sys.stderr)
                        wrong += 1
                        continue
                    seconds.setdefault((work, name, threads), []).append(float(time))
        print(work, "done", file=sys.stderr)

    def scaling(work, name):
        one, two = (statistics.median(seconds.get((work, name, n), [0])) for n in (1, 2))
        return 2 * one / two if two else 0

    lines = ["# Two threads", "",
             f"Written by `bench/scaling.py`; do not edit. Twice the time of one thread over that of two with as much work each:",
             f"2 is perfect. Elapsed times, medians of {args.runs}, interleaved.", "",
             "| work | " + " | ".join(contenders) + " | vee/native |", "|---" + "|---:" * (len(contenders) + 1) + "|"]
    for work in works:
        cells = [scaling(work, name) for name in contenders]
        lines.append(f"| {work} | " + " | ".join(f"{c:.2f}" for c in cells) + f" | {cells[1] / cells[0]:.2f} |")
    versus.write(args.out, "scaling.md", lines)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
