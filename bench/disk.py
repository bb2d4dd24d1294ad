#!/usr/bin/env python3
"""Measures how fast a guest reads and writes a disk under vee, beside qemu-system-riscv64 (bench/disk/throughput.c).

The same bare-metal program, image and cache mode for both; the contenders run interleaved, round by round. A figure is
bytes over the elapsed time of a run, less that of a run that does nothing; medians. The image is in the host's memory
when reads begin, but with cache=none. Writes disk.md to --out.
Exit status: 0 only if every run was right.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import versus

SOURCE = versus.ROOT / "bench" / "disk" / "throughput.c"
GUEST = versus.ROOT / "test" / "machine"
FLAGS = ("-O2 -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie -fno-stack-protector -nostdlib -static -no-pie "
         "-Wl,--build-id=none -Wl,--no-warn-rwx-segments").split()
SIZE = 256 << 20
# Name: what the program is told, bytes of a request, how many of them.
WORKS = {"sequential reads": ("sr", 128 << 10, 16384), "random reads, 4 KiB": ("rr", 4096, 150000),
         "sequential writes": ("sw", 128 << 10, 6144), "random writes, 4 KiB": ("rw", 4096, 60000)}
NOTHING = ("sr", 0, 1)


def build():
    program = versus.ROOT / "build" / "bench" / "throughput"
    program.parent.mkdir(parents=True, exist_ok=True)
    parts = [GUEST / "bare" / "start.S", GUEST / "bare" / "bare.c", GUEST / "disk" / "disk.c", SOURCE]
    subprocess.run(["riscv64-linux-gnu-gcc", *FLAGS, "-I", GUEST / "disk", "-T", GUEST / "bare" / "link.ld", *parts, "-o", program],
                   check=True)
    return str(program)


def contenders(vee, program, options):
    found = {"vee": [vee, *options, program]}
    qemu = shutil.which("qemu-system-riscv64")
    if qemu:
        found["qemu"] = [qemu, "-M", "virt", "-nographic", "-bios", "none", "-global", "virtio-mmio.force-legacy=false", "-kernel",
                         program]
    return found


def run(command, image, cache, work):
    text, _, count = work
    drive = f"if=none,id=d,format=raw,file={image},cache={cache}"
    device = f"virtio-blk-device,drive=d,serial={text}{count:x}"
    dash = "-" if command[0].endswith("riscv64") else "--"
    begin = time.monotonic()
    said = subprocess.run([*command[:-1], dash + "device", device, dash + "drive", drive, command[-1]] if dash == "--" else
                          [*command, "-device", device, "-drive", drive], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300, check=False)
    if said.returncode:
        print(f"{command[0]}: status {said.returncode}: {said.stderr[-300:]}", file=sys.stderr)
        return None
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    versus.options(parser, runs=5)
    parser.add_argument("--caches", default="writeback,none")
    parser.add_argument("--folder", default=str(versus.ROOT / "build"), help="where the image is made")
    parser.add_argument("--option", action="append", default=[], help="an option for vee")
    args = parser.parse_args()
    commands = contenders(args.vee, build(), args.option)
    lines = ["| cache | | " + " | ".join(f"{name}, MB/s" for name in commands) + " | vee / qemu |",
             "|---|---|" + "---|" * (len(commands) + 1)]
    wrong = 0
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        image = Path(folder) / "image"
        with open(image, "wb") as f:
            for _ in range(SIZE >> 20):
                f.write(bytes(range(256)) * 4096)
        for cache in args.caches.split(","):
            for name, work in WORKS.items():
                speeds = {c: [] for c in commands}
                for _ in range(args.runs):
                    for c, command in commands.items():
                        nothing, took = run(command, image, cache, NOTHING), run(command, image, cache, work)
                        if nothing is None or took is None:
                            wrong += 1
                        else:
                            speeds[c].append(work[1] * work[2] / max(took - nothing, 1e-3) / 1e6)
                medians = {c: statistics.median(s) if s else 0 for c, s in speeds.items()}
                ratio = f"{medians['vee'] / medians['qemu']:.2f}" if medians.get("qemu") else ""
                lines.append(f"| {cache} | {name} | " + " | ".join(f"{m:.0f}" for m in medians.values()) + f" | {ratio} |")
                print(lines[-1], flush=True)
    versus.write(args.out, "disk.md", lines)
    sys.exit(1 if wrong else 0)


main()
