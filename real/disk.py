#!/usr/bin/env python3
"""Boots a disk with Debian on it, works in it as its users would, and switches it off (`make real-disk`).

The disk is made once, below --roots: the packages of Debian's riscv64 are unpacked by this computer's tools and
configured under vee (run.py), then mke2fs makes an ext4 file system of the directory. Kernel and initrd are the ones
that are installed there. Each run boots a copy, on vee and with --qemu PATH (a qemu-system-riscv64) on that, too; both
get the same words. A run logs in on the serial console, does what STEPS say, and switches off; afterwards fsck must find
nothing. A step is a name and lines of shell that have to end with status 0; what comes of it is timed.

Where the computer has no network, the packages' server is one on this computer's loopback, which the guest reaches
through its user network. Prints a line for each step, and a table of times; with --out writes it there.
Exit status: 0 if every step succeeded.
"""

import argparse
import functools
import hashlib
import http.server
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import run

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = set("""linux-image-riscv64 initramfs-tools systemd-sysv systemd-resolved udev kmod gcc libc6-dev make openssh-server
                  openssh-client iproute2 iputils-ping curl e2fsprogs procps ca-certificates less
                  dbus login passwd stress-ng""".split()) | run.ESSENTIAL
DISK_SIZE = 3 << 30
BOOT_LIMIT, STEP_LIMIT = 300, 600
PROMPT = "vee-prompt# "

HELLO = r"""
cat >/root/sum.c <<'END'
#include <stdio.h>
int main(void) { unsigned long s = 0; for (unsigned i = 1; i <= 100000000; i++) s += i ^ s >> 3; return printf("sum %lx\n", s) < 0; }
END
"""
# Names and lines of shell; {port} and {file} are of the server on this computer's loopback, {gateway} is its address there.
STEPS = [
    ("state", "systemctl is-system-running --wait || [ \"$(systemctl is-system-running)\" = degraded ]; systemctl --failed --no-legend"),
    ("network", "for i in 1 2 3 4 5 6 7 8 9; do ip -4 route show default | grep -q via && break; sleep 1; done; ip -4 route show default | grep via"),
    ("fetch", "curl -sS --max-time 60 -o /root/fetched http://{gateway}:{port}/{file} && sha256sum /root/fetched | grep {sum}"),
    ("install", "echo 'deb [trusted=yes] http://{gateway}:{port} ./' >/etc/apt/sources.list && apt-get -qq update && "
                "apt-get -qq install hello && hello"),
    ("compile", HELLO + "gcc -O2 -o /root/sum /root/sum.c && /root/sum | grep 'sum '"),
    ("sync", "dd if=/dev/zero of=/root/big bs=1M count=64 conv=fsync 2>&1 | tail -n 1; sync"),
]


def say(text):
    print(text, flush=True)


def make_disk(args):
    """The directory of a Debian, configured, and a file system of it. Returns (disk, kernel, initrd)."""
    where = args.roots
    where.mkdir(parents=True, exist_ok=True)
    root, disk = where / "disk-root", where / "disk.img"
    if not (where / "disk.made").exists():
        run.make_root(root, "riscv64", PACKAGES, ("/vee", args.maker))
        settle(root, where)
        for name in ("dev", "proc"):
            subprocess.run(["umount", "-R", str(root / name)], check=False, stderr=subprocess.DEVNULL)
        disk.unlink(missing_ok=True)
        with open(disk, "wb") as f:
            f.truncate(DISK_SIZE)
        # The directory is a mount of itself with /dev in it: another look at it has neither.
        plain = where / "plain"
        plain.mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", str(root), str(plain)], check=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "vee-root", "-d", str(plain), str(disk)], check=True)
        subprocess.run(["umount", str(plain)], check=True)
        (where / "disk.made").write_text("")
    kernel = max((root / "boot").glob("vmlinu*"), key=lambda p: p.name)
    initrd = max((root / "boot").glob("initrd.img-*"), key=lambda p: p.name)
    return disk, kernel, initrd


def settle(root, where):
    """What whoever installs a computer decides: its name, who may log in, what is mounted, the network."""
    def put(path, text, mode=0o644):
        at = root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
        at.chmod(mode)
    put("etc/hostname", "vee\n")
    put("etc/hosts", "127.0.0.1 localhost vee\n")
    put("etc/fstab", "LABEL=vee-root / ext4 rw 0 1\n")
    put("etc/systemd/network/80-wired.network", "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n")
    put("root/.bashrc", f"export PS1='{PROMPT}' PS2= SYSTEMD_PAGER=cat; bind 'set enable-bracketed-paste off' 2>/dev/null; stty -echo\n")
    put("etc/ssh/sshd_config.d/vee.conf", "PermitRootLogin yes\n")
    put("etc/resolv.conf", "nameserver 10.0.2.3\n")
    key = where / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    put("root/.ssh/authorized_keys", key.with_suffix(".pub").read_text(), 0o600)
    # No password for root, on a console only.
    shadow = root / "etc/shadow"
    shadow.write_text(re.sub(r"^root:[^:]*:", "root::", shadow.read_text(), flags=re.MULTILINE))
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for unit in ("systemd-networkd.service", "ssh.service"):
        link = wants / unit
        if not link.is_symlink():
            link.symlink_to(f"/usr/lib/systemd/system/{unit}")
    shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)


class Console:
    """A machine whose serial console is our end of two pipes."""

    def __init__(self, command, log):
        self.began, self.log, self.text = time.monotonic(), open(log, "wb"), b""
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait(self, pattern, limit):
        """Reads until the pattern comes; what there was before it, or None."""
        until = time.monotonic() + limit
        while not (found := re.search(pattern, self.text)):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                return None
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                return None
            self.log.write(more)
            self.log.flush()
            self.text += more
        self.found = found[1] if found.re.groups else found[0]
        before, self.text = self.text[:found.start()], self.text[found.end():]
        return before

    def send(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def command(self, number, lines):
        """Runs lines of shell; (succeeded, output, seconds)."""
        began = time.monotonic()
        self.send("{\n" + lines + f"\n}} </dev/null && echo \"end-{number}\":well || echo \"end-{number}\":ill\n")
        out = self.wait(rb"end-%d:(well|ill)\r?\n" % number, STEP_LIMIT)
        well = out is not None and self.found == b"well"
        return well, (self.text if out is None else out).decode(errors="replace"), time.monotonic() - began

    def end(self, limit):
        try:
            self.child.stdin.close()
            while self.wait(rb"(?!)", limit) is not None:
                pass
            self.child.wait(limit)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.child.kill()
            self.child.wait()
        self.log.close()
        return self.child.returncode


def served(where):
    """A server of this directory on loopback: its port."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(where)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def index(package):
    """What an archive says of a package in its list."""
    control = subprocess.run(["dpkg-deb", "-f", str(package)], capture_output=True, text=True, check=True).stdout
    data = package.read_bytes()
    return control + f"Filename: ./{package.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def words(emulator, disk, kernel, initrd, harts, port):
    """A command line; QEMU and vee understand the same one, but for its beginning."""
    begin = [str(emulator), "boot"] if "vee" in emulator.name else [str(emulator), "-M", "virt"]
    return begin + ["-m", "1G", "-smp", str(harts), "-nographic", "-kernel", str(kernel), "-initrd", str(initrd),
                    "-append", "root=LABEL=vee-root ro console=ttyS0 quiet", "-drive", f"file={disk},format=raw,if=none,id=d0",
                    "-device", "virtio-blk-pci,drive=d0", "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{port}-:22",
                    "-device", "virtio-net-pci,netdev=n0", "-device", "virtio-rng-pci", "-no-reboot"]


def ssh(args, port):
    done = subprocess.run(["ssh", "-q", "-i", str(args.roots / "key"), "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o",
                           "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=60", "root@127.0.0.1", "uname -m"],
                          capture_output=True, text=True, timeout=180, check=False)
    return done.stdout.strip() == "riscv64"


def work(args, name, emulator, harts, made, facts):
    """Boots, works, switches off. Returns [(step, seconds, succeeded)]."""
    disk, kernel, initrd = made
    copy, port = args.roots / f"run-{name}.img", free_port()
    subprocess.run(["cp", "--sparse=always", str(disk), str(copy)], check=True)
    rows, before = [], os.times()
    def row(step, seconds, well, why=""):
        rows.append((step, seconds, well))
        say(f"{'ok' if well else 'FAIL'} {name} {step} {seconds:.1f} s{why if not well else ''}")
    console = Console(words(emulator, copy, kernel, initrd, harts, port), args.roots / f"{name}.log")
    well = console.wait(rb"login: ", BOOT_LIMIT) is not None
    row("login-prompt", time.monotonic() - console.began, well)
    if well:
        console.send("root\n")
        well = console.wait(PROMPT.encode(), 120) is not None
        row("logged-in", time.monotonic() - console.began, well)
    if well:
        for number, (step, lines) in enumerate(STEPS):
            text = lines
            for word, value in facts.items():
                text = text.replace("{" + word + "}", str(value))
            well, out, seconds = console.command(number, text + "\n")
            row(step, seconds, well, "\n" + out[-2000:])
        began = time.monotonic()
        try:
            answered = ssh(args, port)
        except subprocess.TimeoutExpired:
            answered = False
        row("ssh", time.monotonic() - began, answered)
        began = time.monotonic()
        console.send("systemctl poweroff\n")
        status = console.end(120)
        row("power-off", time.monotonic() - began, status == 0, f": status {status}")
    else:
        say(console.text.decode(errors="replace")[-3000:])
        console.child.kill()
        console.end(10)
    after = os.times()
    rows.append(("whole", time.monotonic() - console.began, True))
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    rows.append(("cpu", cpu, True))
    say(f"{name}: {rows[-2][1]:.1f} s, {cpu:.1f} s of CPU")
    clean = subprocess.run(["e2fsck", "-fn", str(copy)], capture_output=True, text=True, check=False)
    row("fsck", 0, clean.returncode == 0, "\n" + clean.stdout[-2000:])
    copy.unlink()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vee", type=Path, default=ROOT / "build" / "vee")
    parser.add_argument("--maker", type=Path, help="the vee that configures packages (default: --vee)")
    parser.add_argument("--qemu", type=Path, help="a qemu-system-riscv64")
    parser.add_argument("--roots", type=Path, default=ROOT / "build" / "real")
    parser.add_argument("--harts", default="1,2")
    parser.add_argument("--without-vee", action="store_true", help="only on the other one")
    parser.add_argument("--make", action="store_true", help="only make the disk")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    args.roots = args.roots.resolve()
    args.maker = args.maker or args.vee
    if os.geteuid() != 0:
        sys.exit("disk.py: needs root, for mounts")
    run.enter_namespace()
    made = make_disk(args)
    if args.make:
        return 0
    served_from = args.roots / "served"
    served_from.mkdir(exist_ok=True)
    data = served_from / "data"
    if not data.exists():
        data.write_bytes(os.urandom(8 << 20))
    if not (served_from / "Packages").exists():
        run.apt_get(args.roots / "disk-root", "riscv64", "download", "hello", cwd=served_from)
        (served_from / "Packages").write_text(index(next(served_from.glob("hello_*.deb"))))
    facts = {"port": served(served_from), "file": "data", "sum": hashlib.sha256(data.read_bytes()).hexdigest(), "gateway": "10.0.2.2"}
    results = {}
    for harts in args.harts.split(","):
        for emulator in filter(None, (None if args.without_vee else args.vee, args.qemu)):
            name = f"{emulator.name.split('-')[0]}-{harts}"
            results[name] = work(args, name, emulator, int(harts), made, facts)
    steps = list(dict.fromkeys(step for rows in results.values() for step, *_ in rows))
    table = ["| step | " + " | ".join(results) + " |", "|---|" + "---:|" * len(results)]
    for step in steps:
        cells = [next((f"{seconds:.1f}" if well else "fails" for s, seconds, well in rows if s == step), "-")
                 for rows in results.values()]
        table.append(f"| {step} | " + " | ".join(cells) + " |")
    say("\n".join(table))
    if args.out:
        args.out.write_text("\n".join(table) + "\n")
    return 0 if all(well for rows in results.values() for *_, well in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
