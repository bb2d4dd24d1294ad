#!/usr/bin/env python3
"""Boots Debian's kernel for riscv64, as it is in its package, and compares time and memory with QEMU (`make real`).

The packages linux-image-riscv64 and busybox-static of Debian trixie are fetched by this computer's apt into --work and
unpacked. An initial RAM disk with busybox prints a marker and switches the power off. vee and, if it is there,
qemu-system-riscv64 boot both alternately, --runs times; a run that does not print the marker, or does not end by itself
with status 0, is a failure. Writes --out (docs/boot.md): medians of seconds on the clock and of the processor, and the
most memory that was resident.

Exit status: 0 if every run was as it should be.
"""

import argparse
import gzip
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from run import ROOT, SUITE, mirror

MARKER = "marker: userspace"
MEMORY, LIMIT = "512", 120
INIT = f"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "{MARKER} of $(/bin/busybox uname -rm), $(/bin/busybox nproc) harts"
/bin/busybox poweroff -f
"""


def apt_settings(work):
    """Options for apt with a state of its own, for another architecture and release, but this computer's keys."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb {mirror()} {SUITE} main\n")
    settings = {"Dir::Etc::sourcelist": work / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
                "Dir::State::lists": work / "lists", "Dir::State::status": work / "status", "Dir::Cache": work / "cache",
                "APT::Architecture": "riscv64", "APT::Architectures": "riscv64", "APT::Sandbox::User": "root"}
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def fetch(work):
    """Unpacks the packages below work/root, unless they are there. Returns kernel and busybox."""
    root = work / "root"
    kernels = sorted(root.glob("boot/vmlinu*"))
    if not kernels:
        options = apt_settings(work)
        subprocess.run(["apt-get", "-qq", *options, "update"], check=True)
        depends = subprocess.run(["apt-cache", *options, "depends", "linux-image-riscv64"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        kernel = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
        subprocess.run(["apt-get", "-qq", *options, "download", kernel, "busybox-static"], check=True, cwd=work)
        for package in work.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        kernels = sorted(root.glob("boot/vmlinu*"))
    busybox = [p for p in (root / "bin/busybox", root / "usr/bin/busybox") if p.exists()]
    return kernels[-1], busybox[0]


def archive(files):
    """An archive of cpio's format newc: (name, mode, contents, device)."""
    def entry(number, name, mode, data=b"", device=(0, 0)):
        name = name.encode() + b"\0"
        numbers = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % n for n in numbers) + name
        return b"".join(part + b"\0" * (-len(part) % 4) for part in (head, data))
    return b"".join(entry(n, *f) for n, f in enumerate(files, 1)) + entry(0, "TRAILER!!!", 0)


def make_initrd(path, busybox):
    files = [(folder, 0o40755) for folder in ("bin", "dev", "proc", "sys")]
    files += [("dev/console", 0o20600, b"", (5, 1)), ("bin/busybox", 0o100755, busybox.read_bytes()),
              ("init", 0o100755, INIT.encode())]
    path.write_bytes(gzip.compress(archive(files), mtime=0))


class Run:
    def __init__(self, command):
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        timer = threading.Timer(LIMIT, child.kill)
        timer.start()
        self.output = child.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        self.wall, self.cpu = time.monotonic() - began, usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss / 1024
        self.good = child.returncode == 0 and MARKER in self.output


def measure(commands, runs):
    """Runs of each command, alternating."""
    results = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            run = Run(command)
            results[name].append(run)
            print(f"{name}: {run.wall:.2f} s, {run.cpu:.2f} s of cpu, {run.memory:.0f} MiB"
                  f"{'' if run.good else ': FAILED'}", file=sys.stderr, flush=True)
            if not run.good:
                print(run.output[-2000:], file=sys.stderr)
    return results


def page(kernel, results, qemu_version):
    rows = {name: [statistics.median(getattr(r, what) for r in runs) for what in ("wall", "cpu", "memory")]
            for name, runs in results.items()}
    text = f"""# Debian's kernel

Written by `real/boot.py` (`make real`); do not edit. The kernel of Debian {SUITE} for riscv64 ({kernel.name}), as it is in its
package, boots to a marker that its initial RAM disk (busybox) prints, and switches the power off. Medians of
{len(next(iter(results.values())))} alternating runs, {MEMORY} MiB of memory, one hart: seconds on the clock, seconds of the processor, the most
memory that was resident, the guest's own included. Host: {platform.machine()}, {os.cpu_count()} processors. {qemu_version}

| | clock | cpu | MiB |
|---|---:|---:|---:|
"""
    for name, (wall, cpu, memory) in rows.items():
        text += f"| {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} |\n"
    if "qemu" in rows:
        wall, cpu, memory = (q / v for q, v in zip(rows["qemu"], rows["vee"]))
        text += f"| qemu/vee | {wall:.2f} | {cpu:.2f} | {memory:.2f} |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", type=Path, default=ROOT / "build" / "vee")
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "real" / "boot")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "boot.md")
    args = parser.parse_args()
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    kernel, busybox = fetch(work)
    initrd = work / "initrd.gz"
    make_initrd(initrd, busybox)
    options = ["-m", MEMORY, "-nographic", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet"]
    commands = {"vee": [args.vee, "boot", *options]}
    version = ""
    if shutil.which(args.qemu):
        commands["qemu"] = [args.qemu, "-machine", "virt", *options]
        version = subprocess.run([args.qemu, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0] + "."
    results = measure(commands, args.runs)
    args.out.write_text(page(kernel, results, version))
    return 0 if all(run.good for runs in results.values() for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
