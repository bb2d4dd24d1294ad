#!/usr/bin/env python3
"""Checks what objects say of their code, in the folders that run while a guest runs. Prints a line for each violation, then a
summary.

Nothing on the path of a cpu uses the C library's heap, streams, locks or threads: a process may fork, and be killed, while
another of its threads is in there, and what that leaves half-way would be waited for without end. So what is asked of the
C library has to be one of PURE (computes) or SYSTEM (a system call and errno), or an exception of one file, with the reason.

There is no state outside the structs that hang on a vm, but what docs/layers.md lists, with the reasons; and what it lists is there.

usage: check_objects.py BUILD (one without sanitizers); exit status 1 when there are violations.
"""
import glob
import os
import re
import subprocess
import sys

FOLDERS = ("base", "core", "mem", "guest", "host", "engine", "vm", "process", "machine")
ELSEWHERE = ("guest/wasm",)  # one thread, which forks nothing: no other can be in the heap

PURE = """memchr memcmp memcpy memmove memset memrchr rawmemchr stpcpy stpncpy strchr strchrnul strcmp strcpy strcspn strlen
    strncasecmp strcasecmp strncat strcat strncmp strncpy strnlen strpbrk strrchr strspn strstr strtoul strtoull strtol
    strtoll sigabbrev_np strerrordesc_np strerrorname_np sigaddset sigdelset sigemptyset sigfillset sigismember
    snprintf vsnprintf sprintf bcmp getauxval __ctype_b_loc __errno_location __assert_fail abort
    __divti3 __modti3 __udivti3 __umodti3 __udivmodti4 __popcountdi2 __cpu_model __cpu_indicator_init
    XXH3_64bits XXH3_64bits_withSeed XXH3_128bits XXH128_isEqual XXH64_reset XXH64_update XXH64_digest _GLOBAL_OFFSET_TABLE_ __stack_chk_fail
    __isoc23_strtoul __isoc23_strtoull __isoc23_strtol __isoc23_strtoll""".split()
SYSTEM = """_exit access chdir clock_gettime close dup dup3 faccessat fchdir fchmod fcntl fcntl64 fstat fstatat fstatfs fstatfs64
    ftruncate getcwd getegid geteuid getgid getpgrp getpid getppid getrandom getrlimit getrlimit64 getsid gettid getuid
    ioctl kill ppoll lseek lstat madvise mkdir mmap mmap64 mount mprotect mremap msync munmap open open64 openat openat64
    personality poll prctl pread pread64 pwrite pwrite64 read readlink readlinkat rename setrlimit setrlimit64 sigaction
    sigaltstack sigprocmask stat statfs statfs64 statx syscall tgkill umount2 uname unlink unlinkat unshare write writev
    nanosleep fstat64 fstatat64 stat64 lstat64 mkdirat symlinkat memfd_create pipe2 close_range eventfd recv
    send fdatasync fallocate fallocate64 preadv preadv64 preadv2 preadv64v2 pwritev pwritev64""".split()

EXCEPT = {
    "base/os_linux": ("pthread_key_create pthread_once pthread_setspecific __asan_unpoison_memory_region",
                      "os_fault_stack: threads of the caller's; sanitizers"),
    "base/os_thread": ("dl_iterate_phdr", "os_thread_prepare: before anything runs"),
    "core/effect": ("fprintf stderr", "before an abort, in builds with checks"),
    "host/x86_64/verify": ("fprintf fputc fwrite stderr", "before an abort"),
    "core/text": ("fprintf fputc fputs fwrite", "blocks as text: -d, and before an abort"),
    "engine/log": ("open_memstream fclose malloc free", "-d"),
    "engine/translate": ("fprintf fwrite stderr", "before an abort"),
    "vm/vm": ("calloc free fopen fread ferror fclose strerror", "opening and closing"),
    "vm/api": ("calloc free", "opening and closing"),
    "vm/config": ("calloc free", "before opening"),
    "process/process": ("calloc free strdup realpath strerror", "opening and closing"),
    "process/store": ("dl_iterate_phdr", "store_make: opening"),
    "process/image": ("strerror", "opening"),
    "process/linux/path": ("realpath strerror", "opening"),
    "machine/net": ("pthread_attr_destroy pthread_attr_init pthread_attr_setstacksize pthread_create pthread_join pthread_sigmask",
                    "opening and closing: nothing forks meanwhile"),
    "machine/unpack": ("inflate inflateEnd inflateInit2_ ZSTD_createDStream ZSTD_decompressStream ZSTD_freeDStream "
                       "ZSTD_getErrorName ZSTD_isError", "opening"),
    "machine/dtb": ("fdt_add_subnode fdt_address_cells fdt_check_full fdt_first_subnode fdt_getprop "
                    "fdt_next_subnode fdt_open_into fdt_pack fdt_path_offset fdt_setprop "
                    "fdt_size_cells fdt_strerror", "opening"),
    "machine/disk_overlay": ("getenv", "opening"),
    "machine/live": ("pthread_attr_destroy pthread_attr_init pthread_attr_setstacksize pthread_create pthread_join "
                     "pthread_sigmask timerfd_create timerfd_settime", "a machine's threads, which fork nothing"),
    "machine/net_open": ("connect socket", "opening"),
    "machine/net_passt": ("environ inet_ntop inet_pton posix_spawn_file_actions_addopen posix_spawn_file_actions_adddup2 "
                          "posix_spawn_file_actions_destroy posix_spawn_file_actions_init posix_spawnattr_destroy "
                          "posix_spawnattr_init posix_spawnattr_setflags posix_spawnattr_setsigdefault "
                          "posix_spawnattr_setsigmask posix_spawnp setsockopt socketpair waitpid", "opening"),
    "machine/terminal": ("dup2 fork tcgetattr tcsetattr waitpid", "opening and closing"),
    "machine/service": ("accept4 bind chmod connect isatty listen pthread_cond_broadcast pthread_cond_destroy pthread_cond_init "
                        "pthread_cond_wait pthread_create pthread_join pthread_mutex_destroy pthread_mutex_init "
                        "pthread_mutex_lock pthread_mutex_unlock pthread_sigmask signalfd socket",
                        "opening and closing, a thread of its own, and a box that it shares; nothing forks meanwhile"),
    "machine/console": ("pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock",
                        "a ring that two threads share, of a machine, which forks nothing"),
    "machine/control": ("realloc", "replies, on the thread of a cpu that stands still"),
    "machine/json": ("realloc", "see control"),
    "machine/": ("calloc free malloc aligned_alloc strerror fwrite fputs stdout stderr", "one thread, which forks nothing"),
}

def listed_globals():
    """The table of docs/layers.md: {(object, variable)}."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "layers.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `([\w/]+)\.c` \| `(\w+)` \| \S", f.read(), re.M)
    return set(rows)


def symbols(files, *flags):
    text = subprocess.run(["nm", "-A", *flags, *files], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        file, _, rest = line.partition(":")
        yield file, rest.split()[-1].split("@")[0]


def globals_of(files):
    text = subprocess.run(["nm", "-A", "-f", "sysv", *files], check=True, capture_output=True, text=True).stdout
    for line in text.splitlines():
        parts = [p.strip() for p in line.split("|")]
        if len(parts) == 7 and re.match(r"\.t?(data|bss)(\.(?!rel)|$)", parts[6]):
            file, _, name = parts[0].rpartition(":")
            yield file, name


def allowed_in(name):
    words = set()
    for key, (names, _) in EXCEPT.items():
        if name == key or (key.endswith("/") and name.startswith(key)):
            words.update(names.split())
    return words


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    root = os.path.join(sys.argv[1], "obj")
    everything = glob.glob(root + "/**/*.o", recursive=True)
    looked_at = [f for f in everything if any(f.startswith(f"{root}/src/{d}/") for d in FOLDERS)
                 and not any(f.startswith(f"{root}/src/{d}/") for d in ELSEWHERE)]
    if not looked_at:
        sys.exit(f"{sys.argv[1]}: there are no objects")
    ours = {name for _, name in symbols(everything, "--defined-only", "-g")}
    violations = 0
    for file, name in symbols(looked_at, "-u"):
        short = os.path.relpath(file, root + "/src")[:-len(".o")]
        if name in ours or name in PURE or name in SYSTEM or name in allowed_in(short):
            continue
        print(f"{short}: {name} of the C library, on the path of a cpu")
        violations += 1
    listed = listed_globals()
    missing = {(object_, name) for object_, name in listed if os.path.exists(f"{root}/src/{object_}.o")}
    for file, name in globals_of(looked_at):
        short = os.path.relpath(file, root + "/src")[:-len(".o")]
        missing.discard((short, name))
        if (short, name) not in listed:
            print(f"{short}: {name} is state that hangs on no vm")
            violations += 1
    for object_, name in sorted(missing):
        print(f"docs/layers.md: {object_} has no state called {name}")
        violations += 1
    print(f"objects: {len(looked_at)}, violations: {violations}")
    sys.exit(1 if violations else 0)


main()
