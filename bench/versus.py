"""What benchmarks of one program against native code and qemu-riscv64 share (scaling.py, tables.py)."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILERS = {"native": "gcc", "riscv64": "riscv64-linux-gnu-gcc"}


def options(parser, runs):
    parser.add_argument("--vee", default=str(ROOT / "build" / "vee"))
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "bench")


def build(source, variant, flags):
    program = ROOT / "build" / "bench" / variant / source.stem
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([COMPILERS[variant], "-std=gnu17", "-O2", *flags, "-static", "-pthread", str(source), "-o", str(program), "-lm"],
                   check=True)
    return str(program)


def contenders(source, vee, flags=()):
    """Name to command, native code first; qemu if it is there."""
    native, guest = (build(source, variant, flags) for variant in COMPILERS)
    found = {"native": [native], "vee": [vee, guest]}
    qemu = shutil.which("qemu-riscv64")
    if qemu:
        found["qemu"] = [qemu, guest]
    return found


def write(out, name, lines):
    text = "\n".join(lines) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / name).write_text(text)
    print(text, end="")
