#!/usr/bin/env python3
"""What memory costs in a machine, vee beside qemu-system-riscv64: bench/machine/memory.c, kernel by kernel.

    machine.py VEE [-r RUNS] [-k KERNEL,...] [--only vee|qemu] [OPTION of vee ...]

Each program runs in turn under both, RUNS times; a figure is nanoseconds of processor time for one round of the kernel,
from the median less that of the same program with no rounds.
"""
import argparse, os, statistics, subprocess, sys, tempfile

# kernel, pages, paging, rounds in millions
ROWS = [("tight", 1, 1, 200), ("sequence", 16, 1, 200), ("sequence", 4096, 1, 200),
        ("scatter", 64, 0, 100), ("scatter", 64, 1, 100), ("scatter", 512, 1, 50), ("scatter", 4096, 1, 20),
        ("scatter", 16384, 1, 10), ("store", 64, 1, 100), ("store", 512, 1, 50), ("store", 4096, 1, 20),
        ("chase", 64, 1, 50), ("chase", 512, 1, 30), ("chase", 4096, 1, 20), ("hash", 64, 1, 20), ("hash", 512, 1, 20),
        ("hash", 4096, 1, 10), ("fence", 64, 1, 1), ("one", 64, 1, 1), ("switch", 64, 1, 1)]


def build(folder, kernel, pages, paging, rounds):
    here = os.path.dirname(os.path.abspath(__file__))
    out = f"{folder}/{kernel}-{pages}-{paging}-{rounds}"
    subprocess.run([os.environ.get("CROSS", "riscv64-linux-gnu-gcc"), "-O2", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany",
                    "-ffreestanding", "-fno-pie", "-no-pie", "-nostdlib", "-static", "-fno-stack-protector",
                    "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments", f"-DKERNEL={kernel}", f"-DPAGES={pages}",
                    f"-DPAGING={paging}", f"-DROUNDS={rounds}", "-T", f"{here}/../test/machine/bare/link.ld", "-o", out,
                    f"{here}/machine/memory.c"], check=True)
    return out


def seconds(command):
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        sys.exit(f"{' '.join(command)}: status {status}")
    return usage.ru_utime + usage.ru_stime


def main():
    p = argparse.ArgumentParser()
    p.add_argument("vee")
    p.add_argument("-r", type=int, default=5)
    p.add_argument("-k", default="")
    p.add_argument("--only", default="")
    p.add_argument("--scale", type=float, default=1.0)
    args, options = p.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        for kernel, pages, paging, millions in ROWS:
            if args.k and kernel not in args.k.split(","):
                continue
            rounds = int(millions * 1000000 * args.scale)
            runs = {}
            programs = [build(folder, kernel, pages, paging, n) for n in (0, rounds)]
            for _ in range(args.r):
                for name in ("vee", "qemu"):
                    if args.only and name != args.only:
                        continue
                    for i, program in enumerate(programs):
                        command = ([args.vee, "-m", "256M", *options, program] if name == "vee" else
                                   ["qemu-system-riscv64", "-M", "virt", "-m", "256", "-bios", "none", "-nographic",
                                    "-kernel", program])
                        runs.setdefault((name, i), []).append(seconds(command))
            ns = {name: (statistics.median(runs[name, 1]) - statistics.median(runs[name, 0])) * 1e9 / rounds
                  for name, i in runs if i == 0}
            text = "  ".join(f"{name} {ns[name]:8.2f}" for name in ns)
            if len(ns) == 2:
                text += f"  ratio {ns['vee'] / ns['qemu']:.2f}"
            print(f"{kernel:9}{pages:6} pages {'S' if paging else 'M'}  {text}", flush=True)


main()
