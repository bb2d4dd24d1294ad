#!/usr/bin/env python3
"""Checks who may ask the host for anything: nothing that a guest can notice comes from outside but through the door of its
vm (src/vm/input.h). So only the files listed here may use functions of the C library, functions of vee's own and
instructions that bring something from outside, each with the reason why that is right. Prints a line for each
violation, then a summary.

usage: check_outside.py BUILD (one without sanitizers); exit status 1 when there are violations.
"""
import glob
import os
import re
import subprocess
import sys

# Of the C library: whatever says something about the world. With a 64 at the end, too.
ASKS = """access alarm clock clock_getres clock_gettime clock_nanosleep dl_iterate_phdr epoll_pwait epoll_wait eventfd_read
    faccessat fcntl fdopendir fgetc fgets fopen fread fscanf fstat fstatat fstatfs fstatvfs ftell ftime getauxval getc
    getchar getcwd getdents getdelim getdomainname getegid getentropy getenv geteuid getgid getgroups gethostname getitimer
    getline getloadavg getpagesize getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
    getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid ioctl listxattr localtime lseek lstat mincore
    nanosleep open openat opendir pause personality pipe pipe2 poll ppoll prctl pread preadv preadv2 pselect rand random read
    readdir readlink readlinkat readv realpath recv recvfrom recvmmsg recvmsg sched_getaffinity sched_getcpu secure_getenv
    select sem_timedwait sem_wait semctl setrlimit shmat sigpending sigtimedwait sigwait sigwaitinfo sleep socket stat statfs
    statvfs statx syscall sysconf sysinfo time timerfd_gettime times uname usleep wait wait3 wait4 waitid waitpid pwritev
    write writev pwrite""".split()
OWN = "os_nanoseconds os_cpu_nanoseconds os_random os_parent os_folder_open os_call host_wait6 os_call_unless".split()
INSTRUCTIONS = "syscall sysenter int rdtsc rdtscp rdrand rdseed rdpid cpuid xgetbv rdpmc in inb inw inl".split()

ALLOWED = {
    # the doors
    "vm/clock": ("os_nanoseconds clock_gettime", "the door: INPUT_clock"),
    "vm/input": ("os_random", "the door: INPUT_random"),
    "machine/console": ("open ppoll read write poll", "the door: INPUT_device; what goes out"),
    "machine/net_open": ("fcntl ioctl open socket", "opening"),
    "machine/net_passt": ("os_nanoseconds pipe2 poll read syscall waitpid", "starts a program while a machine is opened"),
    "machine/service": ("lstat poll read recv socket write", "for people outside; what is typed goes on to console"),
    "machine/terminal": ("pipe2 read waitpid write", "vee's own, for the terminal"),
    "machine/net": ("ioctl poll read recv write", "frames, in machines whose runs need not repeat; see net.h"),
    "machine/counted": ("os_nanoseconds", "the door: INPUT_clock, INPUT_IDLE"),
    "machine/live": ("poll prctl read write", "sleeps until it is time; what comes then comes through the doors"),
    "machine/disk_io": ("preadv preadv2 pwritev ioctl", "the door: INPUT_disk (disk.c); input_past where workers ask"),
    "machine/disk_open": ("fcntl fstat ioctl lseek open pread statx", "opens disks"),
    "machine/disk_overlay": ("getenv open", "opens disks"),
    "machine/disk_log": ("open writev", "what goes out"),
    "language/wasm/wasi": ("clock_gettime fcntl fstat getsockopt lseek preadv pwritev readv writev",
                      "the door: INPUT_clock, INPUT_call"),
    "language/wasm/wasi_poll": ("fstat ioctl lseek ppoll", "the door: INPUT_call"),
    "process/linux/time": ("clock_gettime", "the door: INPUT_clock"),
    "process/stack": ("getuid geteuid getgid getegid getauxval", "the door: INPUT_IDS"),
    "process/process": ("getrlimit setrlimit personality os_nanoseconds gettid readlink realpath fstat prctl",
                        "the door: INPUT_LIMITS, INPUT_PERSONALITY; else names of what is executed, and a key of vee's"),
    # within the answer of a system call, which comes through the door as a whole (process/linux/outside.c), or about
    # what is vee's own
    "process/linux/": ("os_call host_wait6 os_call_unless getpid", "see outside.c"),
    "process/linux/memory": ("fstatfs", "in the answer"),
    "process/linux/memory_map": ("statx", "in the answer: which file is mapped"),
    "process/linux/own_fd": ("getrlimit setrlimit", "for vee's descriptors"),
    "process/linux/inherit": ("getrlimit", "for vee's descriptors"),
    "process/linux/exec": ("getrlimit setrlimit", "for vee's descriptors"),
    "process/linux/path": ("getcwd realpath", "before the program starts: its folder"),
    "process/linux/identity": ("geteuid stat", "in the answer"),
    "process/linux/proc_view": ("getauxval", "vee's own, for the host"),
    "process/linux/core": ("getuid geteuid getgid getegid getppid getpgrp getsid", "of core files"),
    # before a guest runs: its program and options are what they are
    "vm/vm": ("fopen fread pread", "reads what is opened"),
    "vm/config": ("getcwd", "options"),
    "vm/option": ("getcwd", "options"),
    "base/elf": ("fstat pread", "reads what is opened"),
    "machine/image": ("fstat open pread", "reads what is opened"),
    "machine/unpack": ("pread write", "reads what is opened; what is unpacked"),
    "process/image": ("fstat open pread read", "reads what is opened"),
    "language/language": ("fopen fread", "reads what is opened"),
    # for vee itself
    "base/os_linux": ("clock_gettime getppid getrandom getrlimit setrlimit open syscall", "os.h"),
    "base/os_thread": ("syscall dl_iterate_phdr", "threads"),
    "base/os_thread_x86_64": ("syscall", "threads"),
    "base/os_call_x86_64": ("syscall", "os_call_unless; the way back from a handler"),
    "base/os_x86_64": ("syscall os_call", "os_call; os_action, whose answers are the process's own settings"),
    "base/os_die": ("getegid geteuid getpid getrlimit setrlimit gettid open read syscall write pipe2 wait4 prctl", "the end"),
    "base/lock": ("os_nanoseconds os_parent", "how long to be patient; whether the owner lives"),
    "engine/change": ("os_nanoseconds os_cpu_nanoseconds", "how often code is looked at: whenever it is, the guest sees its own stores"),
    "engine/perf": ("getcwd getpid gettid open write os_nanoseconds", "for the profiler"),
    "engine/translate": ("os_nanoseconds", "statistics"),
    "engine/turns": ("os_nanoseconds os_parent", "patience; whether the owner lives"),
    "host/x86_64/features": ("cpuid xgetbv", "which instructions there are: results are the same without"),
    "mem/space_tree": ("open read", "how many mappings the host allows: its refusal is the answer of a call"),
    "process/store": ("fstat fstatat getauxval geteuid getpid getrandom getrlimit lstat open pread statfs write os_random "
                      "os_folder_open dl_iterate_phdr openat", "translations: the same with and without"),
    "language/host": ("write", "goes out, and its result nowhere"),
}


def objects(build):
    root = os.path.join(build, "obj", "src")
    for file in sorted(glob.glob(root + "/**/*.o", recursive=True)):
        short = os.path.relpath(file, root)[:-len(".o")]
        left_over = not glob.glob(os.path.join("src", short) + ".[cS]")  # its source is gone
        if not short.startswith("cmd/") and not left_over:
            yield file, short


def allowed_in(name):
    words = set()
    for key, (names, _) in ALLOWED.items():
        if name == key or (key.endswith("/") and name.startswith(key)):
            words.update(names.split())
    return words


def symbols_of(file):
    text = subprocess.run(["nm", "-u", file], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        yield line.split()[-1].split("@")[0]


def instructions_of(file):
    """Those of C and assembly: where the compiler keeps data apart from code, what is disassembled is code."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", file], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        match = re.match(r"\s+[0-9a-f]+:\s+(?:(?:lock|rep\w*|bnd|notrack|data16|cs)\s+)*(\w+)", line)
        if match and match.group(1) in INSTRUCTIONS:
            yield match.group(1)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    files = list(objects(sys.argv[1]))
    if not files:
        sys.exit(f"{sys.argv[1]}: there are no objects")
    asks = {name + end for name in ASKS for end in ("", "64")} | set(OWN)
    violations = 0
    for file, short in files:
        allowed = allowed_in(short)
        used = {s for s in symbols_of(file) if s in asks and re.sub("64$", "", s) not in allowed and s not in allowed}
        used |= {i for i in instructions_of(file) if i not in allowed}
        for name in sorted(used):
            print(f"{short}: {name} asks the host, past the door (src/vm/input.h)")
            violations += 1
    print(f"outside: {len(files)} objects, violations: {violations}")
    sys.exit(1 if violations else 0)


main()
