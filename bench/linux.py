#!/usr/bin/env python3
"""Measures a machine with Linux in it: the same programs under `vee boot`, qemu-system-riscv64 and `vee` as processes.

The programs are the kernels of bench/kernels, and those of bench/linux, which make the system work: processes, pipes,
mappings, files. They are in the first file system of the kernel (--kernel: an Image for riscv64, as Debian's package
linux-image-riscv64 has it in /boot) with a first process that runs and times them. Rounds are interleaved; the figure of
a program is the median of its times, by the guest's clock in machines, and by this computer's for processes. Boots are
measured as a whole: time until the first process, and this computer's CPU time of a boot that runs nothing.

Writes linux.md to --out. Exit status: 0 if every program ended with status 0 everywhere.
"""

import argparse
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from versus import ROOT, build, write

HERE = Path(__file__).resolve().parent
SYSTEM = ["fork", "pipe", "mmap", "files"]
# Of every kind in bench/kernels; those that need threads of their own are left out.
KERNELS = ["sieve", "fib", "qsort", "hashtable", "json", "sha256", "matmul", "lisp", "strscan", "tak", "lz", "nbody", "chase",
           "vtable", "copy"]
LIMIT = 900


def entry(number, name, mode, data=b""):
    """A file of a cpio archive (newc)."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(files):
    out = b"".join(entry(n + 1, name, 0o100755, data) for n, (name, data) in enumerate(files.items()))
    return out + entry(0, "TRAILER!!!", 0)


def initrd(where, programs, words):
    files = {name: Path(path).read_bytes() for name, path in programs.items()}
    files["list"] = "".join(f"/{word}\n" for word in words).encode()
    where.write_bytes(archive(files))
    return where


def cpu_of_children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def boot(command, log):
    """Runs a machine to its end. ({program: (seconds, status)}, seconds to the first process, CPU seconds)."""
    began, before, times, first = time.monotonic(), cpu_of_children(), {}, None
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with open(log, "wb") as out:
        for line in child.stdout:
            out.write(line)
            text = line.decode(errors="replace").strip()
            if text == "begin":
                first = time.monotonic() - began
            found = re.match(r"time (\S+) ([\d.]+) (\d+)$", text)
            if found:
                times[found[1]] = (float(found[2]), int(found[3]))
            if time.monotonic() - began > LIMIT:
                child.kill()
    child.wait()
    return times, first, cpu_of_children() - before


def machines(args, image):
    common = ["-m", "512", "-nographic", "-kernel", str(args.kernel), "-initrd", str(image), "-append", "console=ttyS0 quiet"]
    found = {"vee boot": [args.vee, "boot", *common]}
    qemu = shutil.which("qemu-system-riscv64")
    if qemu:
        found["qemu-system"] = [qemu, "-M", "virt", *common]
    return found


def middle(values):
    return statistics.median(values) if values else math.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", default=str(ROOT / "build" / "vee"))
    parser.add_argument("--kernel", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="", help="names of programs, separated by commas")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "bench")
    args = parser.parse_args()
    names = args.only.split(",") if args.only else SYSTEM + KERNELS
    where = ROOT / "build" / "bench" / "linux"
    where.mkdir(parents=True, exist_ok=True)
    programs = {}
    for name in names:
        source = HERE / "linux" / f"{name}.c" if name in SYSTEM else HERE / "kernels" / f"{name}.c"
        programs[name] = build(source, "riscv64", ["-I" + str(HERE / "kernels")])
    programs["init"] = build(HERE / "linux" / "init.c", "riscv64", [])
    full, none = initrd(where / "full.cpio", programs, names), initrd(where / "none.cpio", {"init": programs["init"]}, [])
    times, boots, bad = {}, {}, 0
    for number in range(args.runs):
        for kind, command in machines(args, full).items():
            got, _, _ = boot(command, where / f"{kind.replace(' ', '-')}.log")
            for name in names:
                seconds, status = got.get(name, (math.nan, 1))
                bad += status != 0
                times.setdefault((name, kind), []).append(seconds)
        for kind, command in machines(args, none).items():
            _, first, cpu = boot(command, where / "boot.log")
            boots.setdefault(kind, []).append((first or math.nan, cpu))
        for name in names:
            began = time.monotonic()
            bad += subprocess.run([args.vee, programs[name]], stdout=subprocess.DEVNULL, check=False).returncode != 0
            times.setdefault((name, "vee"), []).append(time.monotonic() - began)
        print(f"round {number + 1} of {args.runs}", file=sys.stderr)
    write(args.out, "linux.md", page(args, names, times, boots))
    return 1 if bad else 0


def page(args, names, times, boots):
    kinds = ["vee", *machines(args, Path("x"))]
    lines = ["# A machine with Linux in it", "",
             f"Written by `bench/linux.py` ({args.runs} runs, interleaved, medians; seconds). `vee`: the program as a process, without",
             "a machine. Programs of the first table make the system work, those of the second compute.", ""]
    for title, chosen in (("work of the system", [n for n in names if n in SYSTEM]),
                          ("computing", [n for n in names if n not in SYSTEM])):
        if not chosen:
            continue
        lines += [f"| {title} | " + " | ".join(kinds) + " | vee boot/vee | vee boot/qemu |",
                  "|---|" + "---:|" * (len(kinds) + 2)]
        ratios = []
        for name in chosen:
            m = {kind: middle(times[name, kind]) for kind in kinds}
            pair = (m["vee boot"] / m["vee"], m["vee boot"] / m.get("qemu-system", math.nan))
            ratios.append(pair)
            lines.append(f"| {name} | " + " | ".join(f"{m[k]:.3f}" for k in kinds) + f" | {pair[0]:.2f} | {pair[1]:.2f} |")
        means = [math.exp(sum(map(math.log, column)) / len(column)) for column in zip(*ratios)]
        worst = [max(column) for column in zip(*ratios)]
        lines += [f"| geometric mean |{' |' * len(kinds)} {means[0]:.2f} | {means[1]:.2f} |",
                  f"| worst |{' |' * len(kinds)} {worst[0]:.2f} | {worst[1]:.2f} |", ""]
    lines += ["| boot | to the first process | CPU of the whole |", "|---|---:|---:|"]
    for kind, pairs in boots.items():
        lines.append(f"| {kind} | {middle([p[0] for p in pairs]):.2f} | {middle([p[1] for p in pairs]):.2f} |")
    return lines


if __name__ == "__main__":
    sys.exit(main())
