#!/usr/bin/env python3
"""Checks that the source tree keeps its layers (docs/layers.md): prints a line for each violation, then a summary.

A file includes files of its own folder, and the doors (DOORS) of folders in a lower layer; nothing else of this project.
A folder of guest/, host/ or language/ sees itself and what stands directly in guest/, host/ or language/, which sees none of
them.
The host's instructions, registers and signal frames are in its own files: host/H/, and files with H in their names.
Parts of a cpu are used by the folders that they are for (PARTS).
The neutral folders name no guest, operating system, file format or device in their code (comments may).
mem/ is the mechanism of guest memory. What a guest's system calls say is not its own: no flag, limit or advice of theirs, no
negative error number, nothing that only such a system has (HOST_SIDE is one exception: it makes the host's calls).
State of a guest's cpu is read and written by accessors only (core/fields.h): members called raw_* are theirs, and guests
reach what every cpu has through cpu_pc and its like (core/cpu.h); what a guest's table declares the effects of is called
by guest_walk and its like (core/guest.h): so builds with checks see every access.

usage: check_layers.py [ROOT]; exit status 1 when there are violations.
"""
import errno
import os
import re
import sys

LAYER = {"base": 0, "core": 1, "mem": 1, "guest": 2, "opt": 2, "host": 2, "engine": 3, "vm": 4,
         "machine": 5, "process": 5, "language": 5, "cmd": 6}

# What a folder shows to higher layers.
DOORS = {
    "base": r".*\.h",
    "core": r"(uop|uop_flags|cpu|effect|fields|object|guest|host|interface|device|meaning|fp)\.h|(uop|exit)\.def",
    "mem": r"(mem|space|phys)\.h",
    "guest": r"(\w+)/\1\.h",
    "opt": r"opt\.h",
    "host": r"host\.h",
    "engine": r"engine\.h",
    "vm": r"(vm|input|option)\.h",
}

# The public header is implemented in vm/ and used by cmd/; the list of parts is read by whoever makes tables of it.
PUBLIC = {"vee/vee.h": ("vm", "cmd"), "parts.def": ("vm", "engine", "host", "machine", "process", "language")}
ONLY_PUBLIC = ("cmd",)

NEUTRAL = ("core", "mem", "opt", "host", "engine", "vm")
NEUTRAL_FILES = r"language/\w+\.[ch]"  # what all languages share
# Linux on an instruction set, and the board of its cpus, are in files with its name, besides the lists of them, and devices
# that only such boards have; the rest of process/ and machine/ names none.
INSTRUCTION_SETS = set("riscv riscv64 riscv32 rv64 rv32 arm64 aarch64 arm arm32 x86 amd64 i386 mips loongarch ecall hart".split())
OWN_CALL = re.compile(r"\b(riscv_flush_icache|riscv_hwprobe)\b")  # the name of a row in a table of calls
LISTS = ("process/linux/abi.def", "process/linux/own.def", "machine/board.def")
DEVICES = ("machine/clint.c", "machine/plic.c", "machine/htif.c")
FOREIGN = set("""riscv riscv64 riscv32 rv64 rv32 wasm wasi webassembly pcode arm64 aarch64 i386 jvm
                 linux freebsd darwin windows elf coff
                 ecall csr satp mstatus sstatus hart
                 uart ns16550 clint plic aclint virtio sbi htif pci""".split())
# What only accessors may write: members of a cpu, by name and by number; in guests also what every cpu has.
ACCESSORS = ("core/fields.h", "core/fields.c")
RAW_MEMBER = re.compile(r"(?:->|\.|offsetof\([^()]*[ ,])(raw_\w+)")
COMMON_MEMBER = re.compile(r"\b(?:c|cpu)(?:->|\.)(?:c\.)?(?:pc|fp_flags|frame|reserve_\w+|actions)\b")
GUEST_FUNCTION = re.compile(r"\bguest->(?:walk|enter_trap|take_interrupt|wakes|set_line|tick)\(|helpers\[[^]]*\]\.call\b")
BY_NUMBER = re.compile(r"\bfield_[gs]et\b")
# Parts of struct cpu (core/cpu.h) that are not everybody's.
PARTS = {"host": ("core", "host", "engine"), "jumps": ("core", "host", "engine"), "soft": ("core", "engine", "guest", "machine")}
PART = re.compile(r"\bcpu->(%s)\." % "|".join(PARTS))
ANYWHERE = re.compile(r"riscv|wasm|webassembly|linux|freebsd|darwin|aarch64|virtio", re.I)  # also within a word
# What only a host's files may know: the registers of signal frames, assembly, the compiler's words for a processor.
HOST_WORD = re.compile(r"\b(uc_mcontext|mcontext_t|f?p?gregs|greg_t|REG_[A-Z0-9]+|fpregs|user_regs_struct|"
                       r"SA_RESTORER|(?:__)?asm(?:__)?|__x86_64\w*|__i386\w*|__aarch64__|__builtin_ia32_\w+|_mm\d*_\w+|\w*mmintrin|"
                       r"arch_prctl|ARCH_[SG]ET_\w+)\b")
REGISTER = re.compile(r"%(?:[re]?[a-ds][xipl]|r\d+[dwb]?|[xyz]mm\d+|[c-g]s)\b|\b[wxv]\d+\b")  # in files of assembly
# Another process's memory: what vee publishes is read by one file; the others pass on addresses that guests name.
FOREIGN_MEMORY = re.compile(r'\b(?:SYS_)?(?:process_vm_(?:readv|writev)|ptrace)\b|"/mem"')
PASS_ON = ("process/linux/remote.c", "process/linux/memory_file.c")
READER = "process/linux/peek.c"
LAYOUTS = re.compile(r"\bpublished_(?:layout|row|places)\b")  # what is in a record, and where
OWNER = ("process/linux/published.h", "process/linux/published.c")
# Of system calls about memory: what they are told, what they answer, what they are about. One file of mem/ makes calls of the
# host, so it has some of their flags and errors, as the host's.
HOST_SIDE = "mem/space_host.c"
CALL_FLAG = re.compile(r"\b(?:MAP|PROT|MREMAP|MADV|MS|MCL|SHM|RLIM|RLIMIT)_[A-Z0-9_]+")
HOST_FLAG = re.compile(r"\b(?:PROT_(?:NONE|READ|WRITE)|MAP_(?:FAILED|PRIVATE|ANONYMOUS|NORESERVE|POPULATE|LOCKED|FIXED|FIXED_NOREPLACE)|"
                       r"MREMAP_(?:MAYMOVE|FIXED|DONTUNMAP)|MS_ASYNC)\b")
ERROR = re.compile(r"\b(?:%s|errno)\b" % "|".join(sorted(errno.errorcode.values())))
NEGATIVE_ERROR = re.compile(r"-\s*(?:\([^()]*\)\s*)?(?:%s|errno)\b" % "|".join(sorted(errno.errorcode.values())))
OF_CALLS = set("brk vdso sysv shm rlimit setrlimit madvise mmap munmap mremap mprotect msync".split())
HOST_CALLS = set("mmap munmap mremap mprotect msync".split())
CALL_NUMBER = re.compile(r"\b(__NR_\w+|SYS_[a-z]\w*)")


def without_comments(text):
    """The same lines, comments blanked."""
    def blank(match):
        return match.group(0) if match.group(0)[0] in "\"'" else re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, text, flags=re.S)


def past_accessors(path, line):
    """What of the line gets at a cpu's state without its accessors."""
    if path in ACCESSORS:
        return
    yield from RAW_MEMBER.findall(line)
    if path != "core/guest.h":
        yield from GUEST_FUNCTION.findall(line)
    if path.startswith("guest/"):
        yield from COMMON_MEMBER.findall(re.sub(r"offsetof\([^()]*\)", "", line))
        if not path.endswith("/state.h"):
            yield from BY_NUMBER.findall(line)


def hosts_own(path, hosts):
    """Is it a host's file?"""
    return any(path.startswith(f"host/{h}/") or re.search(rf"_{h}\.\w+$", path) for h in hosts)


def host_words(path, line):
    yield from HOST_WORD.findall(line)
    if path.endswith(".S"):
        yield from REGISTER.findall(line)


def foreign(path, line):
    """What of the line is for the reader of other processes alone."""
    if path == READER or not re.search(r"\.[ch]$", path):
        return
    if path not in PASS_ON:
        yield from FOREIGN_MEMORY.findall(line)
    if path not in OWNER:
        yield from LAYOUTS.findall(line)


def of_system_calls(path, line):
    """What of the line is of system calls about memory, in a file of mem/."""
    if path != HOST_SIDE:
        yield from CALL_FLAG.findall(line)
        yield from ERROR.findall(line)
        yield from sorted(OF_CALLS.intersection(words(CALL_FLAG.sub("", line))))
        return
    yield from (flag for flag in CALL_FLAG.findall(line) if not HOST_FLAG.fullmatch(flag))
    yield from NEGATIVE_ERROR.findall(line)
    yield from sorted((OF_CALLS - HOST_CALLS).intersection(words(CALL_FLAG.sub("", line))))


def words(line):
    return (w for name in re.findall(r"\w+", line) for w in name.lower().split("_"))


def include_allowed(path, name, generated):
    """path: of the including file below src/; name: as written."""
    folder, inside = path.split("/")[0], path.split("/")[1:-1]
    if name in generated:
        return folder == "guest"
    if name in PUBLIC:
        return folder in PUBLIC[name]
    if "/" not in name:
        name = os.path.dirname(path) + "/" + name
    other, rest = name.split("/", 1)
    if other == folder:
        return "/" not in rest or rest.startswith(inside[0] + "/" if inside else "linux/")
    if folder in ONLY_PUBLIC or other not in LAYER or LAYER[other] >= LAYER[folder]:
        return False
    return re.fullmatch(DOORS[other], rest) is not None


def check(src):
    guests = os.listdir(os.path.join(src, "guest")) if os.path.isdir(os.path.join(src, "guest")) else []
    hosts = os.listdir(os.path.join(src, "host")) if os.path.isdir(os.path.join(src, "host")) else []
    hosts = [h for h in hosts if os.path.isdir(os.path.join(src, "host", h))]
    generated = {guest + "_isa.h" for guest in guests}
    files = violations = 0
    for directory, _, names in sorted(os.walk(src)):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(directory, name), src)
            folder = path.split("/")[0]
            if not re.search(r"\.([chS]|def|isa)$", name) or "/" not in path:
                continue
            files += 1
            if folder not in LAYER:
                print(f"src/{path}: folder {folder} is in no layer")
                violations += 1
                continue
            neutral = folder in NEUTRAL or re.fullmatch(NEUTRAL_FILES, path)
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                lines = without_comments(f.read()).split("\n")
            for number, line in enumerate(lines, 1):
                include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if include and not include_allowed(path, include.group(1), generated):
                    print(f"src/{path}:{number}: {folder}/ may not include {include.group(1)}")
                    violations += 1
                for word in host_words(path, line) if not hosts_own(path, hosts) else ():
                    print(f"src/{path}:{number}: not a host's file, but it knows '{word}'")
                    violations += 1
                for part in PART.findall(line):
                    if folder not in PARTS[part]:
                        print(f"src/{path}:{number}: {folder}/ uses cpu->{part}")
                        violations += 1
                for member in past_accessors(path, line):
                    print(f"src/{path}:{number}: '{member}' is for accessors only")
                    violations += 1
                for name_ in foreign(path, line):
                    print(f"src/{path}:{number}: '{name_}' is for src/{READER} only")
                    violations += 1
                for name_ in of_system_calls(path, line) if folder == "mem" else ():
                    print(f"src/{path}:{number}: mem/ has '{name_}' of system calls")
                    violations += 1
                if neutral and not (include and folder == "host"):
                    within = {word.lower() for word in ANYWHERE.findall(line)}
                    for word in sorted(FOREIGN.intersection(words(line)) | within):
                        print(f"src/{path}:{number}: {folder}/ names '{word}'")
                        violations += 1
                    for call in CALL_NUMBER.findall(line):
                        print(f"src/{path}:{number}: {folder}/ names the system call '{call}'")
                        violations += 1
                if folder in ("process", "machine") and path not in LISTS + DEVICES and \
                        not INSTRUCTION_SETS.intersection(words(name)):
                    for word in sorted(INSTRUCTION_SETS.intersection(words(OWN_CALL.sub("", line)))):
                        print(f"src/{path}:{number}: {folder}/ names the instruction set '{word}'")
                        violations += 1
    print(f"layers: {files} files, {violations} violations")
    return files and not violations


if __name__ == "__main__":
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    sys.exit(0 if check(os.path.join(root, "src")) else 1)
