#!/usr/bin/env python3
"""Measures vee's process VM against native code and qemu-riscv64 on the kernels in bench/kernels.

Every kernel is built three times from the same source: native scalar (-O2 -fno-tree-vectorize, what ratios are taken
from, because riscv64 code without the vector extension is scalar too), native -O2, and riscv64 -O2. The contenders run
interleaved, round by round; the figure of a contender is the median of its user+system CPU times. Every output of
every run is compared with the native one: a difference is an error, and so is a crash.

Writes results.md, results.svg and results.json to --out. Exit status: 0 only if every run was right.
"""

import argparse
import json
import math
import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ROOT / "bench" / "kernels"
BUILD = ROOT / "build" / "bench"
COMMON = ["-std=gnu17", "-O2", "-static"]
BUILDS = {
    "native": ["gcc", *COMMON, "-fno-tree-vectorize"],
    "native-O2": ["gcc", *COMMON],
    "riscv64": ["riscv64-linux-gnu-gcc", *COMMON],
}
KINDS = ["calls", "indirect", "interp", "int", "fp", "mem", "str", "hash", "atomic"]
TIME_LIMIT = 300
HELLO_RUNS = 50


class Kernel:
    """A source file and what its head comment and REPS say."""

    def __init__(self, path):
        text = path.read_text()
        self.path, self.name = path, path.stem
        self.kind = self.head_line(text, "kind", required=True)
        self.flags = self.head_line(text, "cflags").split()
        reps = re.search(r"\bREPS = (\d+)", text)
        if self.kind not in KINDS or not reps:
            sys.exit(f"{path.name}: needs a kind ({', '.join(KINDS)}) and REPS")
        self.reps = int(reps.group(1))

    def head_line(self, text, key, required=False):
        found = re.search(rf"^ \* {key}: (.*?)\s*(?:\*/)?$", text, re.MULTILINE)
        if required and not found:
            sys.exit(f"{self.path.name}: no line '{key}:' in the head comment")
        return found.group(1) if found else ""


def build(source, flags, variant):
    """Compiles when the source or the shared header is newer than the program."""
    program = BUILD / variant / source.stem
    header = KERNELS / "kernel.h"
    newest = max(p.stat().st_mtime for p in (source, header))
    if not program.exists() or program.stat().st_mtime < newest:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*BUILDS[variant], *flags, str(source), "-o", str(program), "-lm"], check=True)
    return program


class Outcome:
    """One run: CPU and elapsed seconds, output, and why it failed (None if it did not)."""

    def __init__(self, cpu, elapsed, output, failure):
        self.cpu, self.elapsed, self.output, self.failure = cpu, elapsed, output, failure


def run(command):
    with tempfile.TemporaryFile() as out:
        actions = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        start = time.monotonic()
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
        killer = threading.Timer(TIME_LIMIT, os.kill, (pid, signal.SIGKILL))
        killer.start()
        _, status, usage = os.wait4(pid, 0)
        elapsed = time.monotonic() - start
        killer.cancel()
        out.seek(0)
        output = out.read()
    code = os.waitstatus_to_exitcode(status)
    failure = None if code == 0 else f"signal {-code}" if code < 0 else f"status {code}"
    return Outcome(usage.ru_utime + usage.ru_stime, elapsed, output, failure)


def measure(kernels, contenders, runs, quick, report):
    """Returns {kernel: {contender: median}} and a list of errors. contenders: name -> (variant, command prefix)."""
    times = {k.name: {c: [] for c in contenders} for k in kernels}
    broken, errors = set(), []
    for round_number in range(runs):
        for kernel in kernels:
            reps = str(max(1, kernel.reps // 10) if quick else kernel.reps)
            expected = None
            for name, (variant, prefix) in contenders.items():
                if (kernel.name, name) in broken:
                    continue
                outcome = run([*prefix, str(BUILD / variant / kernel.name), reps])
                if expected is None:
                    expected = outcome.output
                failure = outcome.failure or (None if outcome.output == expected else "wrong output")
                if failure:
                    broken.add((kernel.name, name))
                    errors.append(f"{kernel.name}: {name}: {failure}")
                    report(errors[-1])
                else:
                    times[kernel.name][name].append(outcome.cpu)
        report(f"round {round_number + 1} of {runs} done")
    medians = {}
    for kernel in kernels:
        medians[kernel.name] = {
            c: statistics.median(t) for c, t in times[kernel.name].items() if t and (kernel.name, c) not in broken
        }
    return medians, errors


def measure_hello(contenders, errors):
    """Start-up: {contender: median elapsed milliseconds}."""
    names = [c for c in contenders if c != "native-O2"]
    samples = {c: [] for c in names}
    for _ in range(HELLO_RUNS):
        for name in names:
            variant, prefix = contenders[name]
            outcome = run([*prefix, str(BUILD / variant / "hello")])
            if outcome.failure or outcome.output != b"hello\n":
                errors.append(f"hello: {name}: {outcome.failure or 'wrong output'}")
                names = [n for n in names if n != name]
            else:
                samples[name].append(outcome.elapsed * 1000)
    return {c: statistics.median(t) for c, t in samples.items() if t}


def measure_translation(kernels, vee, runs):
    """Nanoseconds of translating for each guest instruction: (median, worst) of the kernels' medians, or None when the
    program does not say. Each run begins with an empty cache and cold code of its own; nothing is kept from others."""
    costs = {k.name: [] for k in kernels}
    for _ in range(runs):
        for kernel in kernels:
            command = [*vee, "--tier", "baseline", "--store", "off", "--stats", str(BUILD / "riscv64" / kernel.name), "1"]
            said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr
            found = re.search(rb"^translate_ns_per_instruction +(\d+)$", said, re.MULTILINE)
            if not found:
                return None
            costs[kernel.name].append(int(found.group(1)))
    medians = [statistics.median(c) for c in costs.values()]
    return [statistics.median(medians), max(medians)] if medians else None


def geomean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def ratio(row, over, under):
    """row[over] / row[under], None when one is missing; CPU times below a tick count as one."""
    if over not in row or under not in row:
        return None
    return max(row[over], 1e-4) / max(row[under], 1e-4)


RATIOS = [("native-O2", "native"), ("vee", "native"), ("qemu", "native"), ("qemu", "vee")]


def summarise(kernels, medians):
    """{group: {"over/under": geomean}} for each kind present and for all."""
    groups = {kind: [k.name for k in kernels if k.kind == kind] for kind in KINDS}
    groups = {kind: names for kind, names in groups.items() if names}
    groups["all"] = [k.name for k in kernels]
    summary = {}
    for group, names in groups.items():
        summary[group] = {}
        for over, under in RATIOS:
            known = [r for r in (ratio(medians[n], over, under) for n in names) if r is not None]
            summary[group][f"{over}/{under}"] = geomean(known)
    return summary


def cell(value):
    return "-" if value is None else f"{value:.2f}"


def markdown(kernels, medians, summary, hello, translation, errors, facts):
    lines = ["# Benchmarks of the process VM", "", "Written by `bench/run.py`; do not edit.", ""]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    lines += [
        "",
        "Slow-down: CPU time over that of the native scalar build (-O2 -fno-tree-vectorize) of the same source,",
        "medians; `qemu/vee` above 1 means that vee is faster.",
        "",
        "![slow-down by kernel](results.svg)",
        "",
        "| kernel | kind | native (s) | native -O2 | vee | qemu | qemu/vee |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for k in sorted(kernels, key=lambda k: (KINDS.index(k.kind), k.name)):
        row = medians[k.name]
        ratios = " | ".join(cell(ratio(row, over, under)) for over, under in RATIOS)
        lines.append(f"| {k.name} | {k.kind} | {cell(row.get('native'))} | {ratios} |")
    lines += ["", "## Geometric means", ""]
    lines += ["| kind | native -O2 | vee | qemu | qemu/vee |", "|---|---:|---:|---:|---:|"]
    for group, means in summary.items():
        lines.append(f"| {group} | " + " | ".join(cell(means[f"{o}/{u}"]) for o, u in RATIOS) + " |")
    slowdowns = [(ratio(medians[k.name], "vee", "native"), k.name) for k in kernels]
    slowdowns = [s for s in slowdowns if s[0] is not None]
    if slowdowns:
        worst, name = max(slowdowns)
        lines += ["", f"Worst: {name}, {worst:.2f} times native."]
    if hello:
        start = ", ".join(f"{name} {value:.2f} ms" for name, value in hello.items())
        lines += ["", f"Start-up of a static hello (elapsed, median of {HELLO_RUNS}): {start}."]
    if translation:
        lines += ["", f"Translation, for each guest instruction (`--tier baseline --stats`, one repetition of each kernel): "
                  f"{translation[0]:.0f} ns, at most {translation[1]:.0f} ns (medians of the kernels)."]
    if errors:
        lines += ["", "## Errors", ""] + [f"- {e}" for e in errors]
    return "\n".join(lines) + "\n"


def svg(kernels, medians, summary):
    """Horizontal bars of slow-down on a logarithmic axis: vee and qemu for each kernel, then the geomean."""
    series = [("vee", "#1f77b4"), ("qemu", "#c7c7c7")]
    rows = [(k.name, {s: ratio(medians[k.name], s, "native") for s, _ in series})
            for k in sorted(kernels, key=lambda k: (KINDS.index(k.kind), k.name))]
    rows.append(("geomean", {s: summary["all"][f"{s}/native"] for s, _ in series}))
    shown = [v for _, values in rows for v in values.values() if v]
    least, most = 0.5, max([4.0, *shown]) * 1.1
    left, width, bar, top = 110, 620, 9, 46
    pitch = 2 * bar + 8
    height = top + pitch * len(rows) + 16

    def x(value):
        return left + width * math.log(max(value, least) / least) / math.log(most / least)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{left}" y="16" font-size="13">CPU time / native scalar (lower is better, logarithmic)</text>',
    ]
    for i, (name, colour) in enumerate(series):
        out.append(f'<rect x="{left + 400 + 80 * i}" y="7" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{left + 414 + 80 * i}" y="16">{name}</text>')
    tick = 0.5
    while tick <= most:
        colour = "#444" if tick == 1 else "#ddd"
        out.append(f'<line x1="{x(tick):.1f}" y1="{top - 6}" x2="{x(tick):.1f}" y2="{height - 12}" stroke="{colour}"/>')
        out.append(f'<text x="{x(tick):.1f}" y="{top - 10}" text-anchor="middle">{tick:g}</text>')
        tick *= 2
    for i, (name, values) in enumerate(rows):
        y = top + pitch * i
        weight = ' font-weight="bold"' if name == "geomean" else ""
        out.append(f'<text x="{left - 6}" y="{y + bar + 4}" text-anchor="end"{weight}>{name}</text>')
        for j, (s, colour) in enumerate(series):
            value = values[s]
            if value is None:
                continue
            start, end = sorted((x(1), x(value)))
            out.append(f'<rect x="{start:.1f}" y="{y + j * bar}" width="{max(end - start, 1):.1f}" height="{bar - 1}" '
                       f'fill="{colour}"/>')
            out.append(f'<text x="{max(end, x(1)) + 3:.1f}" y="{y + j * bar + 8}" font-size="9">{value:.2f}</text>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def describe(args, qemu):
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    facts = {
        "host": f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cpus",
        "compilers": f"{first_line(['gcc', '--version'])}; {first_line(['riscv64-linux-gnu-gcc', '--version'])}",
        "vee": " ".join([Path(args.vee).name, *args.vee_args]),
        "runs": f"{args.runs}{' (quick: a tenth of the repetitions)' if args.quick else ''}",
    }
    if qemu:
        facts["qemu"] = first_line([qemu, "--version"])
    return facts


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", default=str(ROOT / "build" / "vee"), help="the program that runs riscv64 programs")
    parser.add_argument("--vee-args", default="", help="options between vee and the program, as one word")
    parser.add_argument("--only", default="", help="kernels or kinds, separated by commas")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the repetitions")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "bench")
    args = parser.parse_args()
    args.vee_args = shlex.split(args.vee_args)
    if not shutil.which(args.vee):
        parser.error(f"cannot run {args.vee}")
    if args.runs < 1:
        parser.error("--runs must be at least 1")
    return args


def main():
    args = parse_arguments()
    kernels = [Kernel(p) for p in sorted(KERNELS.glob("*.c"))]
    if args.only:
        wanted = set(args.only.split(","))
        unknown = wanted - {k.name for k in kernels} - set(KINDS)
        if unknown:
            sys.exit(f"no such kernel or kind: {', '.join(sorted(unknown))}")
        kernels = [k for k in kernels if k.name in wanted or k.kind in wanted]

    qemu = shutil.which("qemu-riscv64")
    contenders = {"native": ("native", []), "native-O2": ("native-O2", [])}
    contenders["vee"] = ("riscv64", [args.vee, *args.vee_args])
    if qemu:
        contenders["qemu"] = ("riscv64", [qemu])
    for variant in BUILDS:
        for kernel in kernels:
            build(kernel.path, kernel.flags, variant)
        build(ROOT / "bench" / "hello.c", [], variant)

    def report(text):
        print(text, file=sys.stderr, flush=True)

    medians, errors = measure(kernels, contenders, args.runs, args.quick, report)
    hello = measure_hello(contenders, errors)
    translation = measure_translation(kernels, [args.vee, *args.vee_args], args.runs)
    summary = summarise(kernels, medians)
    facts = describe(args, qemu)
    text = markdown(kernels, medians, summary, hello, translation, errors, facts)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.md").write_text(text)
    (args.out / "results.svg").write_text(svg(kernels, medians, summary))
    data = {
        "facts": facts,
        "kernels": {k.name: {"kind": k.kind, "seconds": medians[k.name]} for k in kernels},
        "geomeans": summary,
        "hello_ms": hello,
        "translation_ns": translation,
        "errors": errors,
    }
    (args.out / "results.json").write_text(json.dumps(data, indent=1) + "\n")
    print(text, end="")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
