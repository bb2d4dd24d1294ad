"""Tests of the control socket and of the console on a terminal: control.py VEE PROGRAM SHORT: a program that
prints what is typed and ends at "q", and one that ends if nothing comes. Prints what went wrong; the last line is `N passed, N failed`."""
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time

vee, program, short = sys.argv[1:4]
results = [0, 0]


def check(what, good):
    results[not good] += 1
    if not good:
        print("---", what)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Control:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        wait_for(lambda: self.socket.connect_ex(path) == 0)
        self.file = self.socket.makefile("rwb")

    def raw(self, data):
        self.file.write(data)
        self.file.flush()
        return self.file.readline()

    def ask(self, do, **keys):
        return json.loads(self.raw(json.dumps(dict(do=do, **keys)).encode() + b"\n"))


def count(control):
    """Of instructions, or the time of a machine that does not count them: what goes on as long as it runs."""
    return control.ask("cpus")["cpus"][0].get("instructions", control.ask("status")["nanoseconds"])


def test_socket(*options):
    run = subprocess.Popen([vee, *options, "--control", "socket", program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    c = Control("socket")
    check("mode", os.stat("socket").st_mode & 0o777 == 0o600)
    check("status", c.ask("status", id=[1, 2] and 5)["id"] == 5)
    check("runs", c.ask("status")["state"] == "running" and wait_for(lambda: count(c) != count(c)))
    check("pause", c.ask("pause")["ok"] and c.ask("status")["state"] == "paused" and count(c) == count(c))
    d = Control("socket")  # another client, meanwhile
    check("the other sees it", d.ask("status")["state"] == "paused" and not d.ask("pause")["ok"])
    check("resume", d.ask("resume")["ok"] and wait_for(lambda: count(c) != count(c)))
    both = c.raw(b'{"do":"status","id":1}\n{"do":"status","id":2}\n') + c.file.readline()
    check("two at once", [json.loads(line)["id"] for line in both.splitlines()] == [1, 2])
    check("in pieces", d.socket.send(b'{"do":"sta') and d.ask("x") and True)
    check("garbage", not json.loads(c.raw(bytes(range(256)).replace(b"\n", b"") + b"\n"))["ok"])
    check("empty", not json.loads(c.raw(b"\n"))["ok"])
    e = Control("socket")
    e.socket.sendall(b"x" * 4096)
    check("a line without end", e.socket.recv(1) == b"")
    f = Control("socket")  # sends and does not read
    f.socket.setblocking(False)
    try:
        for _ in range(100000):
            f.socket.send(b'{"do":"cpus","registers":true}\n')
    except BlockingIOError:
        pass
    check("one that does not read", c.ask("status")["ok"])
    many = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for s in many:
        s.setblocking(False)
        s.connect_ex("socket")
    time.sleep(0.2)
    for s in many:
        s.close()
    check("many", c.ask("status")["ok"])
    second = subprocess.run([vee, "--control", "socket", program], capture_output=True, text=True, check=False)
    check("the address is in use", second.returncode == 125 and second.stderr.startswith("vee: --control: "))
    check("pause and quit", c.ask("pause")["ok"] and c.ask("power", action="quit")["ok"])
    check("status 0", run.wait(20) == 0 and not os.path.exists("socket"))


def test_left_over():
    run = subprocess.Popen([vee, "--control", "socket", program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    Control("socket").ask("pause")
    run.kill()
    run.wait()
    check("left over", os.path.exists("socket"))
    run = subprocess.Popen([vee, "--control", "socket", program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    Control("socket").ask("pause")
    run.send_signal(signal.SIGTERM)
    check("ends in order", run.wait(20) == 0 and not os.path.exists("socket"))
    open("socket", "w").close()
    second = subprocess.run([vee, "--control", "socket", program], capture_output=True, text=True, check=False)
    check("a file is left alone", second.returncode == 125 and os.path.isfile("socket"))
    os.unlink("socket")
    for path in ("no/such/folder", "x" * 200):
        bad = subprocess.run([vee, "--control", path, program], capture_output=True, text=True, check=False)
        check(path, bad.returncode == 125 and bad.stderr.startswith("vee: --control: ") and bad.stderr.count("\n") == 1)


def test_reset():
    for options in (["--clock", c, "-smp", n] for c in ("count", "host") for n in ("1", "3")):
        def says_ready(what):
            check(" ".join([what, *options]), run.stdout.readline() == b"ready\n")
        run = subprocess.Popen([vee, *options, "--control", "socket", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        c = Control("socket")
        says_ready("begins")
        for _ in range(5):
            check("reset", c.ask("power", action="reset")["ok"])
            says_ready("begins again")
        run.stdin.write(b"ab")
        run.stdin.flush()
        check("typed", run.stdout.read(6) == b"<a><b>")
        check("pause", c.ask("pause")["ok"] and c.ask("power", action="reset")["ok"])
        check("it is still paused", c.ask("status")["state"] == "paused")
        check("all begin", all(cpu["pc"] == "0x1000" for cpu in c.ask("cpus")["cpus"]))
        check("twice", c.ask("power", action="reset")["ok"] and c.ask("resume")["ok"])
        says_ready("begins when it goes on")
        run.stdin.write(b"q")
        run.stdin.close()
        check("ends", run.wait(20) == 0)
        run = subprocess.Popen([vee, *options, "-no-reboot", "--control", "socket", program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        c = Control("socket")
        check("ends instead", c.ask("pause")["ok"] and c.ask("power", action="reset")["ok"] and run.wait(20) == 0)
        shutil.copy(program, "gone")
        run = subprocess.Popen([vee, *options, "--control", "socket", "gone"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        c = Control("socket")
        check("status", c.ask("status")["ok"])
        os.unlink("gone")
        check("told", c.ask("power", action="reset")["ok"])
        check("its file is gone", run.wait(20) == 134 and run.stderr.read() == "vee: trap: reset: gone: No such file or directory\n")


class Terminal:
    def __init__(self, *options):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.text = b""
        os.set_blocking(self.master, False)
        self.run = subprocess.Popen([vee, *options, program], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)

    def mode(self):
        return termios.tcgetattr(self.slave)

    def shows(self, text):
        def more():
            try:
                self.text += os.read(self.master, 4096)
            except BlockingIOError:
                pass
            return text in self.text
        good = wait_for(more)
        self.text = self.text.split(text, 1)[-1]
        return good

    def type(self, data):
        os.write(self.master, data)

    def ended(self, what, status):
        got = self.run.wait(20)
        check(what + ": status %d" % got, got == status)
        check(what + ": terminal", wait_for(lambda: self.mode() == self.before))


def test_terminal():
    t = Terminal("--serial", "mon:stdio")
    check("begins", t.shows(b"ready"))
    check("raw", not t.mode()[3] & (termios.ICANON | termios.ECHO | termios.ISIG))
    t.type(b"ab")
    check("typed", t.shows(b"<a><b>"))
    t.type(b"\x03\x01\x01\x01a")
    check("control keys", t.shows(b"<\x03><\x01><\x01>"))
    t.type(b"\x01h")
    check("help", t.shows(b"Ctrl-A x  quit"))
    t.type(b"\x01c")
    check("prompt", t.shows(b"(vee) "))
    t.type(b"stopp\x7f\r")
    check("stop", t.shows(b'{"ok":true}'))
    t.type(b"status\r")
    check("paused", t.shows(b'"state":"paused"'))
    t.type(b"cont\r")
    check("cont", t.shows(b'{"ok":true}'))
    t.type(b"system_reset\r")
    check("reset", t.shows(b'{"ok":true}') and t.shows(b"ready"))
    t.type(b"\x01cz")
    check("back", t.shows(b"<z>"))
    t.type(b"\x01x")
    t.ended("Ctrl-A x", 0)
    t = Terminal("--serial", "mon:stdio")
    check("begins", t.shows(b"ready"))
    t.type(b"\x01cpause\r")
    check("pauses", t.shows(b'{"ok":true}'))
    t.type(b"\x01x")
    t.ended("Ctrl-A x, paused", 0)
    t = Terminal("--serial", "mon:stdio")
    check("begins", t.shows(b"ready"))
    t.type(b"q")
    t.ended("the guest ends", 0)
    for number, status in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGABRT, -6)):
        t = Terminal("--nographic")
        check("begins", t.shows(b"ready"))
        check("raw", not t.mode()[3] & termios.ICANON)
        t.run.send_signal(number)
        t.ended("signal %d" % number, status)
    t = Terminal("--serial", "stdio")
    check("begins", t.shows(b"ready"))
    check("signals are on", t.mode()[3] & termios.ISIG and not t.mode()[3] & termios.ICANON)
    t.run.send_signal(signal.SIGINT)
    t.ended("Ctrl-C", 0)
    t = Terminal()
    check("begins", t.shows(b"ready"))
    check("a program's terminal is as it is", t.mode() == t.before)
    t.type(b"q\n")
    t.ended("program", 0)


def test_serial():
    run = subprocess.run([vee, "--serial", "file:out", short], input=b"", timeout=60, capture_output=True, check=False)
    check("file", run.returncode == 0 and run.stdout == b"" and open("out", "rb").read().startswith(b"ready"))
    run = subprocess.run([vee, "--serial", "null", short], input=b"ab", timeout=60, capture_output=True, check=False)
    check("null", run.returncode == 0 and run.stdout == b"")
    for bad in ("file:", "file:no/such/file", "tcp:x"):
        run = subprocess.run([vee, "--serial", bad, short], capture_output=True, text=True, check=False)
        check(bad, run.returncode == 125 and run.stderr.startswith("vee: -serial: ") and run.stderr.count("\n") == 1)


test_socket()
test_socket("--clock", "host", "--smp", "2")
test_left_over()
test_reset()
test_terminal()
test_serial()
print("%d passed, %d failed" % tuple(results))
