#!/usr/bin/env python3
"""compare_objdump.py TEST_ISA: compares the disassembly of riscv rows with GNU objdump's, encoding by encoding.

Not part of `make check`: what binutils does not know yet shows as a difference. Blanks are dropped and numbers brought
to one base; what each side calls illegal counts as equal. Prints each row that differs, with examples.
"""
import collections
import re
import subprocess
import sys
import tempfile

MARCH = "rv64gc_zba_zbb_zbc_zbs_zknh_zksh_zfh_zicsr_zifencei_zicbom_zicbop_zicboz_zihintpause_zawrs_svinval"


def run(command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def objdump(words):
    with tempfile.TemporaryDirectory() as folder:
        source, object_file, raw = folder + "/a.s", folder + "/a.o", folder + "/a.bin"
        with open(raw, "wb") as file:
            for word in words:
                file.write(int(word, 16).to_bytes(len(word) // 2, "little"))
        with open(source, "w", encoding="ascii") as file:
            file.write(f'.text\n.incbin "{raw}"\n')
        run(["riscv64-linux-gnu-as", "-march=" + MARCH, "-o", object_file, source])
        run(["riscv64-linux-gnu-strip", object_file])  # the mark that says: these are data
        out = run(["riscv64-linux-gnu-objdump", "-d", "-M", "no-aliases", object_file])
    texts = []
    for line in out.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.*)", line)
        if match:
            texts.append((int(match[1], 16), match[3]))
    return texts


def normal(text, pc):
    text = re.sub(r"\s*#.*|\s*<.*", "", text).strip()
    mnemonic, _, operands = text.partition("\t") if "\t" in text else text.partition(" ")
    operands = operands.replace(" ", "").replace("\t", "")
    if re.match(r"\.\dbyte|\.short|\.word|unimp", mnemonic):
        return "illegal"
    jumps = re.match(r"(c\.)?(j|jal|b(eq|ne|lt|ge)[uz]?)$", mnemonic)
    parts = re.split(r"([,()])", operands)
    for i, part in enumerate(parts):
        if jumps and i == len(parts) - 1:
            parts[i] = hex((int(part, 16) - pc) & 0xffffffffffffffff)
        elif re.fullmatch(r"-?(0x[0-9a-f]+|\d+)", part):
            parts[i] = str(int(part, 0))
    return mnemonic + " " + "".join(parts)


def main(test_isa):
    words = run([test_isa, "encodings", "60"]).split()
    ours = [line.split("\t") for line in run([test_isa, "disassemble"], "\n".join(words) + "\n").splitlines()]
    theirs = objdump(words)
    assert len(ours) == len(words) == len(theirs), (len(ours), len(words), len(theirs))
    wrong = collections.defaultdict(list)
    for word, (row, text), (pc, other) in zip(words, ours, theirs):
        if normal(text, 0) != normal(other, pc):
            wrong[row].append(f"{word}: {text} / {other}")
    for row, examples in wrong.items():
        print(f"{row}: {len(examples)} differ, as {examples[0]}")
    print(f"{len(words)} encodings, {len(wrong)} rows differ")


if __name__ == "__main__":
    main(sys.argv[1])
