#!/usr/bin/env python3
"""Copies the summary of docs/bench/results.json (written by bench/run.py) into README.md, between the marker lines.

usage: readme_bench.py [ROOT]; exit status 1 when there are no results, errors among them, or no markers.
"""
import json
import os
import sys

BEGIN, END = "<!-- bench:begin -->\n", "<!-- bench:end -->\n"
COLUMNS = [("native -O2", "native-O2/native"), ("vee", "vee/native"), ("qemu", "qemu/native"), ("qemu/vee", "qemu/vee")]


def summary(data):
    facts = data["facts"]
    lines = ["CPU time over that of the native scalar build of the same source, geometric means of "
             f"{len(data['kernels'])} kernels; `qemu/vee` above 1 means that vee is faster. Host: {facts['host']}; "
             f"runs: {facts['runs']}" + (f"; {facts['qemu']}." if "qemu" in facts else "."), ""]
    lines += ["| kind | " + " | ".join(name for name, _ in COLUMNS) + " |", "|---" + "|---:" * len(COLUMNS) + "|"]
    for kind, means in data["geomeans"].items():
        cells = ["-" if means.get(key) is None else f"{means[key]:.2f}" for _, key in COLUMNS]
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    start = ", ".join(f"{name} {ms:.2f} ms" for name, ms in data["hello_ms"].items())
    cost = data.get("translation_ns")
    lines += ["", (f"Start-up of a static hello: {start}. " if start else "") +
              (f"Translating: {cost[0]:.0f} ns for each guest instruction. " if cost else "") +
              "Every kernel: [docs/bench/results.md](docs/bench/results.md)."]
    return "\n".join(lines) + "\n"


def main(root):
    results, readme = os.path.join(root, "docs/bench/results.json"), os.path.join(root, "README.md")
    try:
        with open(results, encoding="utf-8") as f:
            data = json.load(f)
    except OSError as error:
        sys.exit(f"readme_bench: {error}; run bench/run.py first")
    if data["errors"]:
        sys.exit("readme_bench: the results have errors; README.md stays as it is")
    with open(readme, encoding="utf-8") as f:
        text = f.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit("readme_bench: README.md needs each of the two marker lines once")
    head, rest = text.split(BEGIN)
    with open(readme, "w", encoding="utf-8") as f:
        f.write(head + BEGIN + summary(data) + END + rest.split(END)[1])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
