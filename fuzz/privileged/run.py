#!/usr/bin/env python3
"""Runs the privileged fuzzer's guest on vee's interpreter and elsewhere, and compares.

  run.py --seconds 20 [--seed N]                         the translator against the interpreter, and QEMU if it is there
  run.py --cases 20000 --on baseline                     so many cases, on one other tier, or on `qemu`
  run.py --seed N --first K --cases 1 --show --on ...    one case, with all that was noted

A case follows from its seed and number. They run in chunks, each in a machine of its own, so that code and translations
of one are there still when the next one runs; a difference is shown as what the two noted first that is not the same.
The last line is `N passed, N failed`.
"""
import argparse
import difflib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORTABLE, VERBOSE, SHORT = 1, 2, 4
FLAGS = """-O2 -Wall -Wextra -Werror -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie
 -fno-stack-protector -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments""".split()
CHUNK = 150
CHUNKS = {"qemu": 20}  # of each chunk so many only: it takes long
ENDLESS = "endless"


class Runner:
    def __init__(self, vee, work):
        self.instructions = self.inside = 0  # of all runs that count them
        self.vee, self.work, self.program = vee, work, work / "guest"
        cross = os.environ.get("CROSS", "riscv64-linux-gnu-gcc")
        subprocess.run([cross, *FLAGS, "-T", HERE / "link.ld", "-o", self.program, HERE / "start.S", HERE / "guest.c"],
                       check=True)
        self.image = self.program.read_bytes()
        self.at = self.image.index(b"PRIVFUZZ") + 8

    def command(self, on, program):
        if on == "qemu":  # two harts: with one its AMOs are a load and a store, and fault as such
            return ["qemu-system-riscv64", "-M", "virt", "-cpu", "rv64,svpbmt=false,svnapot=false,svinval=false", "-bios",
                    "none", "-m", "16M", "-smp", "2", "-nographic", "-monitor", "none", "-serial", "stdio", "-kernel", program]
        tier, *options = on.split("+")
        return [self.vee, "--tier", tier, *(f"--{o}" for o in options), "-m", "16", program]

    def run(self, on, seed, first, cases, flags):
        """The lines that it prints."""
        if on != "qemu":  # time is the count of instructions: cases without end need not take long
            flags |= SHORT
        image = bytearray(self.image)
        image[self.at:self.at + 32] = struct.pack("<4Q", seed, first, cases, flags)
        path = self.work / f"guest.{on}"
        path.write_bytes(image)
        path.chmod(0o755)
        try:
            done = subprocess.run(self.command(on, path), stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        except subprocess.TimeoutExpired as late:
            return (late.stdout or b"").decode(errors="replace").replace("\r", "").split("\n") + ["hangs"]
        lines = done.stdout.decode(errors="replace").replace("\r", "").rstrip("\n").split("\n")
        if lines[-1].startswith("instructions "):
            words = lines.pop().split()
            self.instructions += int(words[1], 16)
            self.inside += int(words[2], 16)
        return lines if done.returncode == 0 else lines + [f"status {done.returncode}: {done.stderr.decode()[-300:]}"]


def different(a, b):
    """The number of the first line that is not the same in both, or None. A case that does not end is no difference."""
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y and not (x.endswith(ENDLESS) or y.endswith(ENDLESS)):
            return i
    return None if len(a) == len(b) else min(len(a), len(b))


def show(runner, on, seed, number, flags, before):
    """What the two note of this case; the cases before it are run, too."""
    first = max(0, number - before)
    a, b = (runner.run(which, seed, first, number - first + 1, flags | VERBOSE) for which in ("interp", on))
    print("\n".join(list(difflib.unified_diff(a, b, "interp", on, lineterm="", n=60))[:160]))


def compare(runner, on, args, number, cases):
    flags = PORTABLE if on == "qemu" or args.portable else 0
    want = runner.run("interp", args.seed, number, cases, flags)
    got = runner.run(on, args.seed, number, cases, flags)
    at = different(want, got)
    if at is None and len(want) != cases:
        at = len(want) - 1 # it ends early on both
    ended = sum(not line.endswith(ENDLESS) for line in got)
    if at is None:
        return ended
    print(f"DIFFERENCE: seed {args.seed}, case {number + at}: {want[at:at + 1]}, {on}: {got[at:at + 1]}")
    show(runner, on, args.seed, number + at, flags, 0)
    print(f"again with: --seed {args.seed} --first {number + at} --cases 1 --on {on}"
          f" (or --first {number} --cases {at + 1})")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", default=str(HERE.parent.parent / "build" / "vee"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cases", type=int, default=1 << 60)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--on", action="append", help="baseline, auto, baseline+random-flush, qemu ...; may be repeated")
    parser.add_argument("--portable", action="store_true", help="what all implementations do alike, as with qemu")
    parser.add_argument("--show", action="store_true", help="print what is noted")
    args = parser.parse_args()
    others = args.on or ["baseline", "auto", "baseline+random-flush"]
    if not args.on and shutil.which("qemu-system-riscv64"):
        others.append("qemu")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        runner = Runner(args.vee, Path(work))
        if args.show:
            flags = VERBOSE | (PORTABLE if others[0] == "qemu" or args.portable else 0)
            print("\n".join(runner.run(others[0], args.seed, args.first, args.cases, flags)))
            return 0
        begin, number, ran = time.monotonic(), args.first, dict.fromkeys(others, 0)
        end = args.first + args.cases
        while number < end and time.monotonic() - begin < args.seconds and not failed:
            for on in others:
                cases = min(CHUNKS.get(on, CHUNK), end - number)
                ended = compare(runner, on, args, number, cases)
                failed += ended is None
                ran[on] += ended or 0
            number += min(max(CHUNKS.get(on, CHUNK) for on in others), end - number)
        for on, n in ran.items():
            passed += n > 0
            print(f"{on}: {n} cases like the interpreter's")
        print(f"{runner.instructions} instructions, {runner.inside} of them in cases")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
