#!/usr/bin/env python3
"""Runs programs of Debian under vee and natively, and compares output, status and time (`make real`).

A file of programs/ is a group. For each, two roots with the same packages are made below --roots, one for riscv64 and
one for this computer. The packages of the riscv64 root are unpacked by this computer's tools, and configured by dpkg and
the maintainer scripts under vee. What a root lacks later is added to it. Source packages are unpacked into /usr/src of
both, without Debian's patches. Then each script of the group runs in both roots. They are roots of mount namespaces, as a
chroot forbids its programs to make user namespaces; namespaces of processes and of the network end what a script has left
running, and let servers have any port. With --qemu PATH (a static qemu-riscv64) it is measured, too; as QEMU does not
start programs that its programs execute, it is registered with binfmt_misc meanwhile.

Needs root (mounts in a namespace of its own), mmdebstrap, and dpkg-source for the sources. Writes the groups that ran into --out
(docs/real.md); what it says of the others stays.
Exit status: 0 if every program did the same under vee as natively.
"""

import argparse
import ctypes
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = "trixie"
LIMIT, SLOW_LIMIT, CONFIGURE_LIMIT = 120, 900, 3600
CONFIGURE = """
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
[ -e /var/lib/dpkg/status ] || : >/var/lib/dpkg/status
[ -e /etc/passwd ] || cp /usr/share/base-passwd/passwd.master /etc/passwd
[ -e /etc/group ] || cp /usr/share/base-passwd/group.master /etc/group
dpkg --force-depends --force-confold --unpack {}/*.deb && dpkg --configure -a
"""
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x8000000, 0x20000000, 0x40000000
MNT_DETACH, PR_SET_PDEATHSIG, SIOCSIFFLAGS, IFF_UP = 2, 1, 0x8914, 1
PROGRAMS = Path(__file__).with_name("programs")
# All that Debian calls essential: maintainer scripts use it without a dependency.
ESSENTIAL = set("""base-files base-passwd bash bsdutils coreutils dash debianutils diffutils dpkg findutils grep gzip hostname
                   init-system-helpers libc-bin perl-base sed tar util-linux apt mawk netbase""".split())
BINFMT = Path("/proc/sys/fs/binfmt_misc")
MAGIC = b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xf3\x00"
MASK = b"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


class Program:
    def __init__(self, name, packages):
        self.name, self.lines = name, []
        self.sources = [word[4:] for word in packages.split() if word.startswith("src:")]
        self.packages = [word for word in packages.split() if not word.startswith("src:")]

    @property
    def script(self):
        return "\n".join(line[4:] for line in self.lines) + "\n"

    @property
    def limit(self):
        return SLOW_LIMIT if self.lines and self.lines[0].strip() == "# slow" else LIMIT


def read_programs(path):
    programs = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("    "):
            if not programs:
                sys.exit(f"{path}:{number}: a script without a name")
            programs[-1].lines.append(line)
        elif line and not line.startswith("#"):
            found = re.fullmatch(r"([\w+.-]+): (.+)", line)
            if not found:
                sys.exit(f"{path}:{number}: neither a name with packages nor an indented script")
            programs.append(Program(*found.groups()))
    return programs


def mirror():
    """The Debian mirror that this computer uses, or the public one."""
    for path in [*Path("/etc/apt/sources.list.d").glob("*"), Path("/etc/apt/sources.list")]:
        text = path.read_text() if path.is_file() else ""
        found = re.search(r"^URIs:\s*(\S+/debian)/?\s*$", text, re.MULTILINE) or \
            re.search(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+/debian)/?\s", text, re.MULTILINE)
        if found:
            return found.group(1)
    return "http://deb.debian.org/debian"


def make_root(root, architecture, packages, runner):
    """Unpacks and configures what is not there; mounts. `runner` runs the root's programs: see inside()."""
    stamp, archives = root / "root" / ".made", "/var/cache/apt/archives"
    made = set(stamp.read_text().split()) if stamp.exists() else set()
    missing = ",".join(sorted(packages - made))
    if made and missing:
        log(f"fetching for {architecture}: {missing}")
        archives = "/var/cache/apt/added"
        shutil.rmtree(root / archives.lstrip("/"), ignore_errors=True)
        (root / archives.lstrip("/") / "partial").mkdir(parents=True)
        apt_get(root, architecture, "update")
        apt_get(root, architecture, "install", "--yes", "--download-only", *missing.split(","), archives=archives)
    elif missing:
        if root.exists():
            shutil.rmtree(root) # nothing is mounted there: mounts end with the namespace
        log(f"unpacking {architecture}")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={architecture}",
                        "--skip=cleanup/apt", f"--include={missing}", SUITE, str(root), mirror()], check=True)
    mount(root)
    install_runner(root, runner)
    if not missing:
        return
    log(f"configuring {architecture}")
    outcome = inside(root, runner, CONFIGURE.format(archives), CONFIGURE_LIMIT)
    if outcome.status != 0:
        sys.exit(f"{outcome.output.decode(errors='replace')[-4000:]}\n{architecture}: dpkg: status {outcome.status}")
    stamp.write_text(" ".join(sorted(packages | made)))


def apt_get(root, architecture, *arguments, archives="/var/cache/apt/archives", sources=None, cwd=None):
    """This computer's apt-get over the root's state. sources: a folder with another list of sources and its state."""
    settings = {"Dir": root, "Dir::State::status": root / "var/lib/dpkg/status", "APT::Architecture": architecture,
                "APT::Architectures": architecture, "APT::Install-Recommends": "false", "APT::Sandbox::User": "root",
                "Dir::Cache::archives": root / archives.lstrip("/")}
    if sources:
        settings |= {"Dir::Etc::sourcelist": sources / "sources.list", "Dir::State::lists": sources / "lists"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "-qq", *options, *arguments], check=True, cwd=cwd)


def make_sources(roots, native, names):
    """Unpacks source packages into usr/src/NAME of the roots; roots[0] is the one of the architecture `native`."""
    missing = [name for name in sorted(names) if not all((root / "usr/src" / name).exists() for root in roots)]
    if not missing:
        return
    if not shutil.which("dpkg-source"):
        sys.exit("run.py: needs dpkg-source: apt-get install dpkg-dev")
    log(f"fetching sources: {' '.join(missing)}")
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        (state / "lists/partial").mkdir(parents=True)
        (state / "sources.list").write_text(f"deb-src {mirror()} {SUITE} main\n")
        apt_get(roots[0], native, "update", sources=state)
        for name in missing:
            where = state / name
            where.mkdir()
            apt_get(roots[0], native, "source", "--only-source", "--download-only", name, sources=state, cwd=where)
            subprocess.run(["dpkg-source", "--no-check", "--skip-patches", "-x", *where.glob("*.dsc"), where / "tree"],
                           check=True, stdout=subprocess.DEVNULL) # apt has checked it
            for root in roots:
                shutil.rmtree(root / "usr/src" / name, ignore_errors=True)
                shutil.copytree(where / "tree", root / "usr/src" / name, symlinks=True)


def install_runner(root, runner):
    if runner:
        place = root / runner[0].lstrip("/")
        shutil.copy2(runner[1], f"{place}.new")
        os.replace(f"{place}.new", place) # the old one may be executing


class Outcome:
    def __init__(self, status, output, elapsed, cpu):
        self.status, self.output, self.elapsed, self.cpu = status, output, elapsed, cpu


def inside(root, runner, script, limit):
    """Runs a shell script in the root, in an empty directory. runner: None, or (path inside, path outside)."""
    where = tempfile.mkdtemp(dir=root / "tmp")
    prefix = [runner[0]] if runner else []
    command = [*prefix, "/bin/sh", "-c", f"cd /tmp/{os.path.basename(where)} && {{\n{script}}} 2>&1"]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": "/root", "TERM": "dumb"}
    with tempfile.TemporaryFile() as out:
        began, before = time.monotonic(), os.times()
        child = os.fork()
        if not child:
            try:
                start(root, command, environment, out.fileno())
            except OSError as error:
                os.write(out.fileno(), f"{error}\n".encode())
            finally:
                os._exit(127)
        with os.fdopen(os.pidfd_open(child)) as ended:
            in_time = select.select([ended], [], [], limit)[0]
        if not in_time:
            os.kill(child, signal.SIGKILL) # and its namespace's init with it
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if not in_time:
            status = "time limit"
        elapsed, after = time.monotonic() - began, os.times()
        out.seek(0)
        output = out.read()
    shutil.rmtree(where, ignore_errors=True)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Outcome(status, output, elapsed, cpu)


def start(root, command, environment, out):
    os.setsid()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.closerange(3, 4096) # also what this process has inherited
    enter_root(root)
    os.execvpe(command[0], command, environment)


def enter_root(root):
    """Returns in a child of a new namespace's init, with the directory as its root; it is a mount point, see mount()."""
    check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare")
    wait_for(os.fork())
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    wait_for(os.fork())
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    os.chdir(root)
    check(LIBC.mount(b"proc", b"proc", b"proc", 0, None), "mount")
    check(LIBC.pivot_root(b".", b".") or LIBC.umount2(b".", MNT_DETACH), "pivot_root")
    os.chdir("/")


def wait_for(child):
    """Ends this process as the child ends, having waited for other children meanwhile; returns in the child."""
    while child:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def check(failed, what):
    if failed:
        raise OSError(ctypes.get_errno(), what)


def enter_namespace():
    """Mounts made here are not seen outside; done by starting again below unshare."""
    if os.environ.get("VEE_REAL_INSIDE"):
        return
    os.environ["VEE_REAL_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation=private", sys.executable, *sys.argv])


def mount(root):
    subprocess.run(["mount", "--bind", str(root), str(root)], check=True)
    subprocess.run(["mount", "--rbind", "/dev", str(root / "dev")], check=True)


def qemu_register(on):
    entry = BINFMT / "vee-real-qemu"
    if entry.exists():
        entry.write_text("-1")
    if on:
        magic, mask = ("".join(f"\\x{byte:02x}" for byte in word) for word in (MAGIC, MASK))
        (BINFMT / "register").write_text(f":vee-real-qemu:M::{magic}:{mask}:/qemu:")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", type=Path, default=ROOT / "build" / "vee")
    parser.add_argument("--qemu", type=Path, help="a static qemu-riscv64")
    parser.add_argument("--roots", type=Path, default=ROOT / "build" / "real")
    parser.add_argument("--group", default="", help="names of groups, separated by commas (default: all)")
    parser.add_argument("--only", default="", help="names of programs, separated by commas")
    parser.add_argument("--out", type=Path, help="the page to write (default: docs/real.md, unless --only)")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("run.py: needs root, for mounts")
    if not shutil.which("mmdebstrap"):
        sys.exit("run.py: needs mmdebstrap: apt-get install mmdebstrap")
    enter_namespace()
    native = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    groups = {path.stem: read_programs(path) for path in sorted(PROGRAMS.glob("*.txt"))}
    wanted, only = (set(filter(None, text.split(","))) for text in (args.group, args.only))
    unknown = (wanted - set(groups)) | (only - {p.name for programs in groups.values() for p in programs})
    if unknown:
        sys.exit(f"run.py: unknown: {' '.join(sorted(unknown))}")
    results = {}
    for group, programs in groups.items():
        chosen = [p for p in programs if not only or p.name in only]
        if chosen and (not wanted or group in wanted):
            results[group] = run_group(args, group, programs, chosen, native)
    out = args.out or (None if only else ROOT / "docs" / "real.md")
    if out:
        out.write_text(page(out.read_text() if out.exists() else "", results))
    rows = [row for table in results.values() for row in table]
    bad = sum(not same for _, same, *_ in rows)
    log(f"{len(rows) - bad} passed, {bad} failed")
    return 1 if bad else 0


def log(text):
    print(text, file=sys.stderr, flush=True)


def run_group(args, group, programs, chosen, native):
    """A row for each of the chosen programs: name, whether it did the same, outcomes natively, under vee, under QEMU."""
    packages = ESSENTIAL.union(*(p.packages for p in programs))
    roots = args.roots.resolve() / group
    roots.mkdir(parents=True, exist_ok=True)
    native_root, guest_root, vee = roots / "native", roots / "riscv64", ("/vee", args.vee)
    for root, architecture, runner in ((native_root, native, None), (guest_root, "riscv64", vee)):
        make_root(root, architecture, packages, runner)
    make_sources((native_root, guest_root), native, {name for p in chosen for name in p.sources})
    rows = []
    for p in chosen:
        expected, got = inside(native_root, None, p.script, p.limit), inside(guest_root, vee, p.script, p.limit)
        same = (expected.status, expected.output) == (got.status, got.output)
        other = None
        if args.qemu and args.qemu.exists():
            shutil.copy2(args.qemu, guest_root / "qemu")
            qemu_register(True)
            other = inside(guest_root, ("/qemu", args.qemu), p.script, p.limit)
            qemu_register(False)
        rows.append((p.name, same, expected, got, other))
        log(f"{p.name}: {'same' if same else 'DIFFERENT'}, native {expected.cpu:.2f} s, vee {got.cpu:.2f} s")
        if not same:
            for title, o in (("native", expected), ("vee", got)):
                log(f"--- {title}: status {o.status}\n{o.output.decode(errors='replace')[-1500:]}")
    return rows


def page(before, results):
    sections = {}
    for section in before.split("\n## ")[1:]:
        sections[section.split("\n", 1)[0]] = f"\n## {section.rstrip()}\n"
    for group, rows in results.items():
        sections[group] = "\n" + table(group, rows)
    lines = ["# Programs of Debian", "", "Written by `real/run.py` (`make real`); do not edit. A group for each file of",
             "[programs](../real/programs), a row for each script, run in roots of Debian " + SUITE + " for riscv64 and for this",
             "computer. Times are seconds of CPU, children included. vee keeps translations between runs (`--store`): the",
             "first run of a script takes longer. `-`: not run under QEMU."]
    return "\n".join(lines) + "\n" + "".join(text for _, text in sorted(sections.items()))


def table(group, rows):
    lines = [f"## {group}", "", "| programs | same output | native | vee | vee/native | qemu | qemu/vee |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for name, same, native, vee, qemu in rows:
        alike = qemu and (qemu.status, qemu.output) == (native.status, native.output)
        lines.append(f"| {name} | {'yes' if same else '**no**'} | {native.cpu:.2f} | {vee.cpu:.2f} | "
                     f"{vee.cpu / max(native.cpu, 0.01):.1f} | "
                     f"{f'{qemu.cpu:.2f}' + ('' if alike else ' (differs)') if qemu else '-'} | "
                     f"{f'{qemu.cpu / max(vee.cpu, 0.01):.1f}' if qemu else '-'} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
