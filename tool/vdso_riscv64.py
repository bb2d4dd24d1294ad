#!/usr/bin/env python3
"""Makes the vDSO of riscv64 processes: vdso_riscv64.py OUTPUT writes it as a C header.

A shared object of one read-only segment, as Linux maps it into every process, with the functions and the version that
libraries look for. Clocks are read from the counters hpmcounter16 + clock, which vee's processes have (nanoseconds);
whatever else there is makes the system call. Addresses start at 0 and are not relocated.
"""

import struct
import sys

VERSION = "LINUX_4.15"
SONAME = "linux-vdso.so.1"
A0, A1, A7, T0, T1, T2, T3, T4, RA = 10, 11, 17, 5, 6, 7, 28, 29, 1
CALLS = {"gettimeofday": 169, "clock_gettime": 113, "clock_getres": 114, "getcpu": 168, "flush_icache": 259,
         "riscv_hwprobe": 258, "rt_sigreturn": 139}
CLOCKS = (0, 1, 4, 5, 6, 7, 11)  # those whose value is a time of the whole computer
FIRST_COUNTER = 0xC10


class Code:
    """Instructions, with branches to labels filled in at the end."""

    def __init__(self):
        self.words, self.labels, self.branches = [], {}, []

    def label(self, name):
        self.labels[name] = 4 * len(self.words)

    def i(self, opcode, f3, rd, rs1, imm):
        self.words.append((imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode)

    def r(self, f7, f3, rd, rs1, rs2):
        self.words.append(f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | 0x33)

    def li(self, rd, v):
        if -2048 <= v < 2048:
            return self.i(0x13, 0, rd, 0, v)
        self.words.append((v + 0x800 & 0xFFFFF000) | rd << 7 | 0x37)  # lui
        return self.i(0x1B, 0, rd, rd, v & 0xFFF)  # addiw

    def sd(self, rs2, imm, rs1):
        self.words.append((imm >> 5) << 25 | rs2 << 20 | rs1 << 15 | 3 << 12 | (imm & 31) << 7 | 0x23)

    def branch(self, f3, rs1, rs2, label):
        self.branches.append((len(self.words), label))
        self.words.append(rs2 << 20 | rs1 << 15 | f3 << 12 | 0x63)

    def csrr(self, rd, number):
        self.words.append(number << 20 | 2 << 12 | rd << 7 | 0x73)

    def ret(self):
        self.i(0x67, 0, 0, RA, 0)

    def call(self, number):
        self.li(A7, number)
        self.words.append(0x73)  # ecall

    def divide(self, quotient, remainder, value, by):
        self.r(1, 5, quotient, value, by)  # divu
        self.r(1, 7, remainder, value, by)  # remu

    def bytes(self):
        words = list(self.words)
        for at, label in self.branches:
            d = self.labels[label] - 4 * at
            words[at] |= (d >> 12 & 1) << 31 | (d >> 5 & 63) << 25 | (d >> 1 & 15) << 8 | (d >> 11 & 1) << 7
        return b"".join(struct.pack("<I", w) for w in words)


def program():
    """The code, and where each function begins and ends."""
    c, spans = Code(), {}

    def function(name, body):
        start = 4 * len(c.words)
        body()
        spans[name] = (start, 4 * len(c.words))
        while len(c.words) % 4:
            c.words.append(0)

    def slow(name):
        c.call(CALLS[name])
        c.ret()

    def clock_gettime():
        for clock in CLOCKS:
            c.li(T0, clock)
            c.branch(0, A0, T0, f"clock{clock}")  # beq
        slow("clock_gettime")
        for clock in CLOCKS:
            c.label(f"clock{clock}")
            c.csrr(T1, FIRST_COUNTER + clock)
            if clock != CLOCKS[-1]:
                c.branch(0, 0, 0, "split")
        c.label("split")
        c.li(T2, 1000000000)
        c.divide(T3, T4, T1, T2)
        c.sd(T3, 0, A1)
        c.sd(T4, 8, A1)
        c.li(A0, 0)
        c.ret()

    def gettimeofday():
        c.branch(1, A1, 0, "zone")  # bne
        c.branch(0, A0, 0, "nothing")
        c.csrr(T1, FIRST_COUNTER)
        c.li(T2, 1000000000)
        c.divide(T3, T4, T1, T2)
        c.li(T2, 1000)
        c.r(1, 5, T4, T4, T2)
        c.sd(T3, 0, A0)
        c.sd(T4, 8, A0)
        c.label("nothing")
        c.li(A0, 0)
        c.ret()
        c.label("zone")
        slow("gettimeofday")

    function("rt_sigreturn", lambda: c.call(CALLS["rt_sigreturn"]))
    function("clock_gettime", clock_gettime)
    function("gettimeofday", gettimeofday)
    for name in ("clock_getres", "getcpu", "flush_icache", "riscv_hwprobe"):
        function(name, lambda: slow(name))
    return c.bytes(), spans


def elf_hash(name):
    h = 0
    for byte in name.encode():
        h = (h << 4) + byte
        g = h & 0xF0000000
        h = (h ^ g >> 24) & ~g & 0xFFFFFFFF
    return h


class Image:
    def __init__(self, size):
        self.data = bytearray(size)

    def place(self, data, align=8):
        self.data.extend(bytes(-len(self.data) % align))
        at = len(self.data)
        self.data.extend(data)
        return at


def make():
    code, spans = program()
    names = list(spans)
    strings = b"\0"
    offsets = {}
    for text in [SONAME, VERSION] + ["__vdso_" + n for n in names]:
        offsets[text] = len(strings)
        strings += text.encode() + b"\0"
    image = Image(64 + 3 * 56)
    text_at = image.place(code, 16)
    # symbols: the null one, the version, the functions; all belong to the version but the first
    symbols = bytes(24) + struct.pack("<IBBHQQ", offsets[VERSION], 0x11, 0, 0xFFF1, 0, 0)
    for n in names:
        start, end = spans[n]
        symbols += struct.pack("<IBBHQQ", offsets["__vdso_" + n], 0x12, 0, 1, text_at + start, end - start)
    count = len(names) + 2
    symbols_at = image.place(symbols)
    strings_at = image.place(strings)
    buckets, chains = [0] * 4, [0] * count
    for index, text in enumerate([VERSION] + ["__vdso_" + n for n in names], 1):
        slot = elf_hash(text) % len(buckets)
        chains[index], buckets[slot] = buckets[slot], index
    hash_at = image.place(struct.pack(f"<{2 + len(buckets) + count}I", len(buckets), count, *buckets, *chains))
    versions_at = image.place(struct.pack(f"<{count}H", 0, *[2] * (count - 1)))

    def definition(flags, index, name, following):
        return struct.pack("<HHHHIII", 1, flags, index, 1, elf_hash(name), 20, following) + struct.pack(
            "<II", offsets[name], 0)

    definitions_at = image.place(definition(1, 1, SONAME, 28) + definition(0, 2, VERSION, 0))
    dynamic = [(14, offsets[SONAME]), (4, hash_at), (5, strings_at), (6, symbols_at), (10, len(strings)), (11, 24),
               (0x6FFFFFFC, definitions_at), (0x6FFFFFFD, 2), (0x6FFFFFF0, versions_at), (0, 0)]
    dynamic_at = image.place(b"".join(struct.pack("<QQ", *d) for d in dynamic))
    # section headers, for debuggers: null, text, symbols, strings, dynamic, names
    section_names = b"\0.text\0.dynsym\0.dynstr\0.dynamic\0.shstrtab\0"
    names_at = image.place(section_names)

    def section(name, kind, flags, at, size, link, info, align, entry):
        where = section_names.index(b"\0" + name + b"\0") + 1 if name else 0
        address = at if flags & 2 else 0
        return struct.pack("<IIQQQQIIQQ", where, kind, flags, address, at, size, link, info, align, entry)

    sections = [section(b"", 0, 0, 0, 0, 0, 0, 0, 0), section(b".text", 1, 6, text_at, len(code), 0, 0, 16, 0),
                section(b".dynsym", 11, 2, symbols_at, len(symbols), 3, 1, 8, 24),
                section(b".dynstr", 3, 2, strings_at, len(strings), 0, 0, 1, 0),
                section(b".dynamic", 6, 2, dynamic_at, 16 * len(dynamic), 3, 0, 8, 16),
                section(b".shstrtab", 3, 0, names_at, len(section_names), 0, 0, 1, 0)]
    sections_at = image.place(b"".join(sections))
    size = len(image.data)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 243, 1, 0, 64, sections_at, 5, 64, 56, 2, 64, len(sections), len(sections) - 1)
    header += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)  # load, read and execute
    header += struct.pack("<IIQQQQQQ", 2, 4, dynamic_at, dynamic_at, dynamic_at, 16 * len(dynamic), 16 * len(dynamic), 8)
    image.data[:len(header)] = header
    return bytes(image.data), text_at + spans["rt_sigreturn"][0]


def main():
    data, sigreturn = make()
    assert len(data) <= 4096
    lines = ["/* Made by tool/vdso_riscv64.py. */", f"enum {{ VDSO_RT_SIGRETURN = {sigreturn} }};",
             "static const uint8_t vdso_image[] = {"]
    lines += ["    " + ", ".join(f"0x{b:02x}" for b in data[i:i + 16]) + "," for i in range(0, len(data), 16)]
    with open(sys.argv[1], "w") as out:
        out.write("\n".join(lines + ["};"]) + "\n")


main()
