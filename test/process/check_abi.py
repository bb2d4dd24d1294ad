#!/usr/bin/env python3
"""Compares what vee says of each instruction set's system calls with the kernel's headers for it: numbers, both ways;
flags and other values; where the fields of structs are, and what signal frames and core files have.

usage: check_abi.py DUMP [HEADERS]     DUMP: the program abi_dump; HEADERS: a folder of them instead of the system's

What the dump says becomes assertions in C, which clang checks for the machine; no compiler for it is needed. Which
numbers there are is taken from the headers' own macros. The last line is `N passed, N failed`.
"""
import collections
import re
import subprocess
import sys

# What is compared, and where: clang's target, the headers' folder, whether all numbers have to be there.
Machine = collections.namedtuple("Machine", "target folder complete arch")
MACHINES = {"riscv64": Machine("riscv64-linux-gnu", "/usr/riscv64-linux-gnu/include", True, "AUDIT_ARCH_RISCV64"),
            "arm64": Machine("aarch64-linux-gnu", "/usr/aarch64-linux-gnu/include", True, "AUDIT_ARCH_AARCH64"),
            "arm32": Machine("arm-linux-gnueabihf", "/usr/arm-linux-gnueabihf/include", False, "AUDIT_ARCH_ARM")}
HEADERS = """asm/unistd.h asm/fcntl.h asm/signal.h asm/stat.h asm/statfs.h asm/sembuf.h asm/msgbuf.h asm/shmbuf.h
    asm/siginfo.h asm/hwcap.h asm/ptrace.h asm/sigcontext.h asm/ucontext.h linux/elf-em.h linux/audit.h linux/eventpoll.h linux/filter.h linux/mqueue.h linux/resource.h linux/sysinfo.h
    linux/time.h linux/time_types.h linux/times.h linux/timex.h linux/uio.h""".split()
# Structs as the kernel calls them: by name, or by name and form. None: programs' headers have it, or nobody; not compared.
KERNEL = {"word": None, "offset": None, "msghdr": None, "timespecs": None, "sigaltstack": "stack_t",
          "sigevent": "sigevent_t", "semid_ds": "struct semid64_ds", "msqid_ds": "struct msqid64_ds",
          "shmid_ds": "struct shmid64_ds", "timespec": "struct __kernel_timespec", "itimerspec": "struct __kernel_itimerspec",
          "timex": "struct __kernel_timex", "timeval": "struct __kernel_old_timeval",
          ("arm32", "stat", "64"): "struct stat64", ("arm32", "statfs", "64"): "struct statfs64",
          ("arm32", "flock", "64"): "struct flock64", ("arm32", "timespec", "32"): "struct timespec",
          ("arm32", "itimerspec", "32"): "struct itimerspec", ("arm32", "timex", "32"): "struct timex",
          ("arm32", "sigaction", "64"): None, ("arm32", "sigaction", "32"): None}  # the header has an older one
# Fields of the C library's names and ours, in the kernel's.
RENAMED = [(r"^(st_.)tim\.tv_sec$", r"\1time"), (r"^(st_.)tim\.tv_nsec$", r"\1time_nsec"), (r"\.__(key|seq)$", r".\1"),
           (r"^__msg_cbytes$", "msg_cbytes"), (r"^(handler|flags|restorer|mask)$", r"sa_\1"),
           (r"^f_fsid\.__val", "f_fsid.val")]
IGNORED = re.compile(r"__NR_(syscalls|SYSCALL_BASE|OABI_SYSCALL_BASE|SYSCALL_MASK|arch_specific_syscall)$|__NR3264_")


def clang(machine, folder, text, *options):
    command = ["clang", f"--target={machine.target}", "-nostdinc", "-isystem", folder, "-x", "c", "-ferror-limit=0",
               *options, "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def kernel_name(abi, name, form):
    if (abi, name, form) in KERNEL:
        return KERNEL[abi, name, form]
    return KERNEL.get(name, f"struct {name}")


def field_name(name):
    for pattern, new in RENAMED:
        name = re.sub(pattern, new, name)
    return name


def assertions(abi, machine, lines):
    """Pairs of an assertion's text and its condition."""
    struct = None
    for kind, *rest in lines:
        if kind == "number":
            yield f"number of {rest[1]}", f"__NR_{rest[1]} == {rest[0]}", f"__NR_{rest[1]}"
        elif kind == "value":
            name = machine.arch if rest[0] == "AUDIT_ARCH" else rest[0]
            yield rest[0], f"{name} == {rest[1]}u", None
        elif kind == "fact":
            yield " ".join(rest[1:]), f"{' '.join(rest[1:])} == {rest[0]}u", None
        elif kind == "struct":
            struct = kernel_name(abi, rest[0], rest[2])
            if struct:
                yield f"size of {rest[0]}", f"sizeof({struct}) == {rest[1]}", None
        elif struct:
            name, where = field_name(rest[1]), f"{rest[0]}.{rest[1]}"
            size = f"sizeof((({struct} *)0)->{name}) == {rest[3]}"
            yield where, f"__builtin_offsetof({struct}, {name}) == {rest[2]} && {size}", None


def check(abi, machine, lines, root):
    folder = root + machine.folder if root else machine.folder
    head = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in HEADERS)
    macros = clang(machine, folder, head, "-E", "-dM")
    if macros.returncode:
        print(f"{abi}: no headers of the kernel in {folder}: {macros.stderr.strip()[:200]}")
        return 0, 1
    known = {m for m in re.findall(r"^#define (__NR_\w+) ", macros.stdout, re.M) if not IGNORED.search(m)}
    tests = [(text, condition) for text, condition, macro in assertions(abi, machine, lines)
             if macro is None or macro in known]  # newer than the headers
    text = head + "".join(f'_Static_assert({condition}, "ABI {what}");\n' for what, condition in tests)
    result = clang(machine, folder, text, "-fsyntax-only")
    wrong = re.findall(r"^.*error: (.*)$", result.stderr, re.M)
    for line in wrong:
        print(f"{abi}: {line}")
    passed, failed = len(tests) - len(wrong), len(wrong)
    if machine.complete:
        # Numbers of the headers that there are no rows for, up to our last one.
        here = {f"__NR_{rest[1]}" for kind, *rest in lines if kind == "number"}
        last = max(int(rest[0]) for kind, *rest in lines if kind == "number")
        rest = sorted(known - here)
        text = head + "".join(f'_Static_assert({name} > {last}, "ABI no row for {name}");\n' for name in rest)
        missing = re.findall(r'ABI (no row for \w+)"?$', clang(machine, folder, text, "-fsyntax-only").stderr, re.M)
        for line in missing:
            print(f"{abi}: {line}")
        passed, failed = passed + len(here & known), failed + len(missing)
    return passed, failed


def main(program, root=""):
    dump = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    tables, abi = collections.defaultdict(list), None
    for line in dump.splitlines():
        words = line.split()
        if words[0] == "abi":
            abi = words[1]
        else:
            tables[abi].append(words)
    passed = failed = 0
    for name, machine in MACHINES.items():
        good, bad = check(name, machine, tables[name], root)
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
