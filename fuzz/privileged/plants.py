#!/usr/bin/env python3
"""Plants faults, one at a time, in a copy of the sources, and asks whether the privileged fuzzer finds them.

  plants.py [NAME...]        prints for each how it was found; the last line is `N passed, N failed`

A fault of the translator and of what it keeps is found against the interpreter; one that all tiers share only against
another implementation (QEMU), which is left out where there is none.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = {"qemu": 2500, "baseline": 1600}

# name, file, what is there, what is put there, against what it is found
PLANTS = [
    ("a fence for an address leaves the shortcuts that lead there", "src/guest/riscv/paging.c",
     "cpu->c.soft.remapped = address ? *address : UINT64_MAX;", "cpu->c.soft.remapped = address ? 0 : UINT64_MAX;",
     "baseline"),
    ("shortcuts of one address space serve another", "src/engine/shortcuts.c",
     "if (s->ctx == ctx && s->space == space) return s;", "if (s->ctx == ctx) return s;", "baseline"),
    ("MXR has no view of its own", "src/guest/riscv/paging.c", "VIEW_S + sum + 2 * mxr;", "VIEW_S + sum;", "qemu"),
    ("a fence for an address space drops another one", "src/guest/riscv/paging.c",
     "asid ? *asid << SATP_ASID_SHIFT", "asid ? (*asid ^ 1) << SATP_ASID_SHIFT", "qemu"),
    ("victims outlive a fence for their address", "src/mem/tlb.c",
     "if (page != NO_TAG && page - start < size) t->victim[n] = no_victim;", "(void)page;", "qemu"),
    ("S mode executes pages of U mode with SUM", "src/guest/riscv/paging.c",
     "STATUS_SUM ? rights & ~(unsigned)PMP_X : 0;", "STATUS_SUM ? rights : 0;", "qemu"),
    ("superpages need not be aligned", "src/guest/riscv/paging.c",
     "return (ppn & ((1ull << level * VPN_BITS) - 1)) != 0;", "return level > 8;", "qemu"),
    ("TSR counts for nothing", "src/guest/riscv/trap.c",
     "if (GET(priv) == PRIV_U || (GET(priv) == PRIV_S && (GET(status_trap) & STATUS_TSR))) return illegal(c, a);",
     "if (GET(priv) == PRIV_U) return illegal(c, a);", "qemu"),
    ("a trap to S mode keeps SIE", "src/guest/riscv/trap.c",
     "LET(status_ie, GET(status_ie) & ~(uint64_t)STATUS_SIE);\n        LET(scause, cause);", "LET(scause, cause);", "qemu"),
    ("interrupts for S mode are taken in S mode while they are off", "src/guest/riscv/trap.c",
     "(GET(priv) == PRIV_S && (GET(status_ie) & STATUS_SIE));", "GET(priv) == PRIV_S;", "qemu"),
    ("A is not set by loads", "src/guest/riscv/paging.c",
     "leaf->pte | PTE_A | (access == ACCESS_WRITE ? PTE_D : 0)",
     "leaf->pte | (access == ACCESS_READ ? 0 : PTE_A) | (access == ACCESS_WRITE ? PTE_D : 0)", "qemu"),
]


def main():
    environment = dict(os.environ, CCACHE_BASEDIR=str(ROOT.parent))
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / "vee"
        shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", "*.corpus"))
        for name, path, old, new, on in PLANTS:
            if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
                continue
            if on == "qemu" and not shutil.which("qemu-system-riscv64"):
                print(f"not tried: {name}")
                continue
            source = copy / path
            text = source.read_text()
            if text.count(old) != 1:
                print(f"FAIL {name}: the place is not there, or not alone")
                failed += 1
                continue
            source.write_text(text.replace(old, new))
            made = subprocess.run(["make", "-s", "all"], cwd=copy, env=environment, capture_output=True, text=True)
            found = subprocess.run([sys.executable, copy / "fuzz/privileged/run.py", "--cases", str(CASES[on]), "--on", on],
                                   capture_output=True, text=True)
            source.write_text(text)
            line = next((x for x in found.stdout.split("\n") if x.startswith("DIFFERENCE")), None)
            good = made.returncode == 0 and line
            print(f"{'ok' if good else 'FAIL'} {name}: {made.stderr[-300:] if made.returncode else line}", flush=True)
            passed += bool(good)
            failed += not good
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
