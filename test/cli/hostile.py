#!/usr/bin/env python3
"""Runs vee on damaged copies of an executable. usage: hostile.py SECONDS VEE FILE [OPTION...]

Every field of the ELF header and of the program headers takes every value of a list of bad ones, and the file is cut at
many places. vee must either refuse the file (status 126, or 125 for lack of memory, one line `vee: ...` on standard
error), or run it, which may end in any way that a guest can bring about. What it must not do: fail an assertion, be
stopped by a sanitizer, or say anything else. Runs are ended after SECONDS. Prints the failures, then `PASSED FAILED`.
"""
import struct
import subprocess
import sys

limit, vee, source, options = float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
good = open(source, "rb").read()
VALUES = [0, 1, 2, 7, 0x38, 0xFFF, 0x1000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 38, 1 << 47, (1 << 63) - 1,
          1 << 63, (1 << 64) - 0x1000, (1 << 64) - 1, len(good) - 1, len(good)]
HEADER = [("type", 16, 2), ("machine", 18, 2), ("version", 20, 4), ("entry", 24, 8), ("phoff", 32, 8), ("shoff", 40, 8),
          ("flags", 48, 4), ("ehsize", 52, 2), ("phentsize", 54, 2), ("phnum", 56, 2), ("shentsize", 58, 2),
          ("shnum", 60, 2), ("shstrndx", 62, 2)]
SEGMENT = [("type", 0, 4), ("flags", 4, 4), ("offset", 8, 8), ("vaddr", 16, 8), ("paddr", 24, 8), ("filesz", 32, 8),
           ("memsz", 40, 8), ("align", 48, 8)]
passed = failed = 0


def run(name, data):
    global passed, failed
    with open("hostile.bin", "wb") as f:
        f.write(data)
    why = None
    try:
        p = subprocess.run([vee, *options, "hostile.bin"], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit)
        err = p.stderr.decode(errors="replace")
        if p.returncode in (125, 126) and not (err.startswith("vee: ") and err.count("\n") == 1):
            why = f"status {p.returncode} without its one line: {err}"
        elif any(word in err for word in ("Sanitizer", "runtime error", "Assertion")):
            why = err
        elif p.returncode == -6 or p.returncode == 127:
            why = f"status {p.returncode}: {err}"
    except subprocess.TimeoutExpired:
        pass  # a damaged program may well loop, and a computer whose trap vector is not code does nothing else
    if why:
        failed += 1
        print(f"{name}: {why[:2000]}")
        with open(f"hostile-{failed}.bin", "wb") as f:
            f.write(data)
    else:
        passed += 1


def fields():
    phoff, = struct.unpack_from("<Q", good, 32)
    phnum, = struct.unpack_from("<H", good, 56)
    for name, at, size in HEADER:
        yield name, at, size
    for i in range(phnum):
        for name, at, size in SEGMENT:
            yield f"segment {i} {name}", phoff + 56 * i + at, size


for name, at, size in fields():
    for value in VALUES:
        data = bytearray(good)
        data[at:at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
        if bytes(data) != good:
            run(f"{name} = {value:#x}", data)
for size in list(range(0, 80, 3)) + [120, 200, 500, 1000, 4095, 4096, len(good) // 2, len(good) - 1]:
    run(f"cut at {size}", good[:size])
print(passed, failed)
