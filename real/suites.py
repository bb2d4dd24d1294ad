#!/usr/bin/env python3
"""Runs public test suites under vee, natively and under QEMU, and makes docs/conformance.md of the results.

    suites.py run SUITE COLUMN [--prefix 'vee --tier baseline'] [--jobs N] [--limit S] [--only NAME,...] KIND PATH...
    suites.py table          writes docs/conformance.md (`make conformance`)

Nothing is fetched or built here: PATHs are of suites that somebody has built, for the guest or for this computer.

    programs DIRECTORY...        each executable file is a test; status 0 is good
    ltp DIRECTORY LIST [SKIP]    an installed Linux Test Project, a list of its runtest/, a file of names to leave out
    python ROOT LIST             a root of Debian with libpython3-testsuite, a file of names of modules
    pypy ROOT SOURCES PYTHON2    a root of Debian with pypy3, PyPy's sources, which have the tests of its JIT, and a
                                 Python 2.7 of this computer, which runs them: they look at the traces of ROOT's pypy3

Results are kept in docs/conformance/SUITE.tsv: a row for a program, a column for each of native, interp, baseline and
qemu. A cell is PASSED/FAILED/SKIPPED, with a colon and the names of those that failed where a program is many tests.
A row whose name starts with # holds a fact about the suite. Why a program has failed stands in
docs/conformance/reasons.txt: suite, program (a shell pattern), text.

Needs root: every test runs in namespaces of its own, without the capabilities to set the clock or to reboot.
"""

import argparse
import fnmatch
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "conformance"
COLUMNS = ("native", "interp", "baseline", "qemu")
TITLES = {"native": "native", "interp": "vee, interpreted", "baseline": "vee, translated", "qemu": "QEMU 7.2"}
SKIPPED = 32  # LTP's TCONF, the only status that means so
WITHOUT = "-sys_time,-sys_boot,-sys_module,-sys_rawio,-syslog"
NAMES = 3  # of the tests in one program are listed
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


class Tally:
    """What became of a program's tests."""

    def __init__(self, passed=0, failed=0, skipped=0, names=()):
        self.passed, self.failed, self.skipped = int(passed), int(failed), int(skipped)
        self.names = sorted(set(names))

    @classmethod
    def parse(cls, cell):
        counts, _, names = cell.partition(":")
        return cls(*map(int, counts.split("/")), names.split(",") if names else ())

    def __str__(self):
        counts = f"{self.passed}/{self.failed}/{self.skipped}"
        return counts + (":" + ",".join(self.names) if self.names else "")

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


class Results:
    """A file of results."""

    def __init__(self, suite):
        self.path, self.facts, self.rows = RESULTS / f"{suite}.tsv", {}, {}
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines()[1:]:
            name, *cells = line.split("\t")
            if name.startswith("#"):
                self.facts[name[1:]] = cells[0]
            else:
                self.rows[name] = {c: Tally.parse(text) for c, text in zip(COLUMNS, cells) if text != "-"}

    def write(self):
        lines = ["\t".join(("program", *COLUMNS))]
        lines += [f"#{name}\t{text}" for name, text in self.facts.items()]
        lines += ["\t".join((name, *(str(row.get(c, "-")) for c in COLUMNS))) for name, row in sorted(self.rows.items())]
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text("\n".join(lines) + "\n")

    def total(self, column):
        tallies = [row[column] for row in self.rows.values() if column in row]
        return sum(tallies, Tally()) if tallies else None


# ---- the first part: running

def isolate(script, root=""):
    """The words that run a shell script in namespaces of its own; `root` gets the mounts."""
    nodes = "".join(f"touch $d/{n}; mount --bind /dev/{n} $d/{n}; " for n in DEVICES)
    setup = (f"r={shlex.quote(root)}; d=$(mktemp -d) && mount -t tmpfs -o mode=755 dev $d && {{ {nodes}"
             "mkdir $d/shm $d/pts $d/mqueue; mount -t tmpfs shm $d/shm; mount -t mqueue mqueue $d/mqueue; "
             "mount -t devpts -o newinstance,ptmxmode=666,mode=620 pts $d/pts; ln -s pts/ptmx $d/ptmx; "
             "ln -s /proc/self/fd $d/fd; ln -s fd/0 $d/stdin; ln -s fd/1 $d/stdout; ln -s fd/2 $d/stderr; "
             "mount --move $d $r/dev; rmdir $d; mount -t proc proc $r/proc; ip link set lo up; "
             "mount --bind $r/proc/sys $r/proc/sys; mount -o remount,bind,ro $r/proc/sys; }; ")
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net", "--propagation=private",
            "sh", "-c", setup + f"exec setpriv --bounding-set {WITHOUT} --inh-caps {WITHOUT} " + script]


def run_isolated(script, limit, environment, root="", cwd="/"):
    """Status (or None at the time limit) and output."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(isolate(script, root), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                                   env=environment, start_new_session=True)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)  # takes all of the namespace along
            process.wait()
            status = None
        out.seek(0)
        return status, out.read()


class Suite:
    """A kind of suite: names(), the tests; test(name), a Tally and the output."""

    def __init__(self, args):
        self.args, self.prefix = args, shlex.split(args.prefix)
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "TERM": "dumb",
                            "HOME": "/root"}

    def status_tally(self, status):
        return Tally(status == 0, status not in (0, SKIPPED), status == SKIPPED)

    def in_directory(self, words, extra=()):
        with tempfile.TemporaryDirectory(prefix="suite-") as where:
            os.chmod(where, 0o777)
            script = f"sh -c {shlex.quote('cd ' + where + ' && ' + words)}"
            return run_isolated(script, self.args.limit, self.environment | dict(extra, TMPDIR=where))


class Programs(Suite):
    def names(self):
        files = (p for d in self.args.paths for p in Path(d).iterdir())
        self.files = {p.name: p.resolve() for p in files if p.is_file() and os.access(p, os.X_OK)}
        return sorted(self.files)

    def test(self, name):
        status, output = self.in_directory("exec " + shlex.join([*self.prefix, str(self.files[name])]))
        return Tally(status == 0, status != 0), output


class Ltp(Suite):
    def names(self):
        directory, listing, *skip = map(Path, self.args.paths)
        self.bin = directory.resolve() / "testcases" / "bin"
        patterns = [w for p in skip for line in p.read_text().splitlines() for w in line.split("#")[0].split()]
        lines = (line.split(None, 1) for line in listing.read_text().splitlines() if line and not line.startswith("#"))
        self.commands = {n: c for n, c in lines if not any(fnmatch.fnmatch(n, p) for p in patterns)}
        return sorted(self.commands)

    def test(self, name):
        program, *rest = self.commands[name].split(None, 1)
        path = shutil.which(program, path=str(self.bin))
        if not path:
            return Tally(skipped=1), b"not built"
        if open(path, "rb").read(2) == b"#!":
            return Tally(skipped=1), b"a script"
        extra = {"LTPROOT": str(self.bin.parent.parent), "PATH": f"{self.environment['PATH']}:{self.bin}",
                 "LTP_COLORIZE_OUTPUT": "n", "KCONFIG_SKIP_CHECK": "1", "LTP_TIMEOUT_MUL": "1"}
        status, output = self.in_directory(" ".join([shlex.join([*self.prefix, path]), *rest]), extra)
        if b"Failed to acquire device" in output:
            return Tally(skipped=1), output
        return self.status_tally(status), output


class Python(Suite):
    def names(self):
        self.root = Path(self.args.paths[0]).resolve()
        return list(dict.fromkeys(Path(self.args.paths[1]).read_text().split()))

    def test(self, name):
        where = Path(tempfile.mkdtemp(dir=self.root / "tmp"))
        inside = Path("/tmp") / where.name
        words = ["chroot", str(self.root), *self.prefix, "/usr/bin/python3", "-m", "test", "-v", "--junit-xml",
                 str(inside / "results.xml"), "--timeout", str(self.args.limit - 10), "--tempdir", str(inside), name]
        status, output = run_isolated(shlex.join(words), self.args.limit, self.environment, str(self.root))
        outcomes = {}
        try:
            for case in ElementTree.parse(where / "results.xml").getroot().iter("testcase"):
                kinds = {child.tag for child in case}
                bad = kinds & {"failure", "error"} or outcomes.get(case.get("name")) == "failed"
                skipped = "skipped" in kinds or case.get("result") == "skipped"
                outcomes[case.get("name")] = "failed" if bad else "skipped" if skipped else "passed"
        except (OSError, ElementTree.ParseError):
            outcomes[name] = "skipped" if b" skipped" in output and b"Total tests: run=0" in output else "failed"
        shutil.rmtree(where, ignore_errors=True)
        values = list(outcomes.values())
        short = [re.sub(r"^test\.\w+\.|[,:\s].*", "", n) for n, outcome in outcomes.items() if outcome == "failed"]
        return Tally(*(values.count(v) for v in ("passed", "failed", "skipped")), short), output


class PyPy(Suite):
    """All tests are one run, as each would make an interpreter's objects first; the programs are the files of tests."""

    TESTS = Path("pypy/module/pypyjit/test_pypy_c")
    # Left out: families of hundreds alike, and what tests the tests.
    CHOSEN = "not test_newstr_constant_size and not test_intbound_simple and not intbound_addsub_mix and not Op"

    def names(self):
        root, sources, python = (Path(path).resolve() for path in self.args.paths)
        with tempfile.TemporaryDirectory(prefix="suite-") as where:
            pypy = Path(where) / "pypy3"
            pypy.write_text(f"#!/bin/sh\nexec chroot {root} {shlex.join([*self.prefix, '/usr/bin/pypy3'])} \"$@\"\n")
            pypy.chmod(0o755)
            (Path(where) / "pycparser").symlink_to(sources / "lib_pypy/cffi/_pycparser")
            inside = root / where.lstrip("/")
            inside.mkdir(parents=True)
            words = [str(python), "pytest.py", "-p", "no:cacheprovider", "-v", "--tb=line", "-k", self.CHOSEN,
                     f"--pypy={pypy}", str(self.TESTS)]
            environment = {"PYTHONPATH": where, "PYPY_USESSION_DIR": where, "PYTHONDONTWRITEBYTECODE": "1"}
            script = f"sh -c {shlex.quote(f'mount --bind {where} {inside} && exec {shlex.join(words)}')}"
            self.status, self.output = run_isolated(script, self.args.limit, self.environment | environment, str(root),
                                                    str(sources))
            inside.rmdir()
        return sorted(path.name for path in (sources / self.TESTS).glob("test_*.py"))

    def test(self, name):
        outcomes = self.outcomes(self.output, name)
        if self.status not in (0, 1): # the others are missing
            outcomes.append(("all", "FAILED"))
        return self.tally(outcomes), self.output

    @staticmethod
    def outcomes(output, name):
        pattern = rf"/{re.escape(name)}::(?:\w+::)?(\S+).* (PASSED|xfail|FAILED|ERROR|SKIPPED)$"
        return re.findall(pattern, output.decode(errors="replace"), re.MULTILINE)

    @staticmethod
    def tally(outcomes):
        kinds = [kind for _, kind in outcomes]
        failed = [name for name, kind in outcomes if kind in ("FAILED", "ERROR")]
        return Tally(kinds.count("PASSED") + kinds.count("xfail"), len(failed), kinds.count("SKIPPED"), failed)


def run(args):
    suite = {"programs": Programs, "ltp": Ltp, "python": Python, "pypy": PyPy}[args.kind](args)
    names = [n for n in suite.names() if not args.only or n in args.only.split(",")]
    logs = args.logs and Path(args.logs) / args.suite / args.column
    if logs:
        logs.mkdir(parents=True, exist_ok=True)

    def one(name):
        tally, output = suite.test(name)
        if logs:
            (logs / name).write_bytes(output)
        print(f"{args.column} {name}: {tally}", flush=True)
        return name, tally

    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):  # some are ignored here
        signal.signal(number, lambda *_: sys.exit(1))
    with ThreadPoolExecutor(args.jobs) as pool:
        tallies = dict(pool.map(one, names))
    if args.keep:
        results = Results(args.suite)  # read now: another column may have been written meanwhile
        for name, tally in tallies.items():
            results.rows.setdefault(name, {})[args.column] = tally
        results.write()
    total = sum(tallies.values(), Tally())
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")


# ---- the second part: the page

def reasons():
    """(suite, pattern, text) of each line."""
    path = RESULTS / "reasons.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split(None, 2) for line in lines if line and not line.startswith("#")]


def reason(suite, program):
    found = [text for s, pattern, text in reasons() if s == suite and fnmatch.fnmatch(program, pattern)]
    return found[0] if found else ""


def bad(row, column):
    return row[column].failed > 0 if column in row else False


def difference(rows, here, there):
    """Programs where `here` fails more, or others, than `there`: {program: names}."""
    found = {}
    for program, row in sorted(rows.items()):
        if here in row and there in row and bad(row, here):
            known = row[there].names or not bad(row, there)
            names = set(row[here].names) - set(row[there].names) if known else ()
            if names or (row[here].failed > row[there].failed):
                found[program] = sorted(names)
    return found


def listing(suite, rows, found, here):
    lines, plain = [], []
    for program, names in found.items():
        more = f" ({', '.join(f'`{n}`' for n in names[:NAMES])}{', ...' if len(names) > NAMES else ''})" if names else ""
        why = reason(suite, program if here != "qemu" else f"qemu:{program}")
        if not why and here != "native" and bad(rows[program], "native"):
            why = "fails natively, too"
        if why:
            lines.append(f"- `{program}`{more}: {why}")
        else:
            plain.append(f"`{program}`{more}")
    if plain:
        lines.append(f"- {', '.join(plain)}")
    return lines


def cell(tally):
    return "-" if tally is None else f"{tally.passed} / {tally.failed} / {tally.skipped}"


def page():
    suites = {p.stem: Results(p.stem) for p in sorted(RESULTS.glob("*.tsv"))}
    order = sorted(suites, key=lambda s: int(suites[s].facts.get("order", 99)))
    lines = ["# Conformance", "", "Made by `real/suites.py` (`make conformance`) of the results in",
             "[docs/conformance](conformance); do not edit. Each cell is passed / failed / skipped; skipped is what a suite",
             "says of itself, mostly for want of a device, a library or a kernel's feature. The suites are public and not part",
             "of this repository; the same binaries ran under vee and QEMU, and the same sources natively.", "",
             "| suite | programs | " + " | ".join(TITLES[c] for c in COLUMNS) + " |", "|---|---:|" + "---|" * len(COLUMNS)]
    for name in order:
        r = suites[name]
        lines.append(f"| {r.facts.get('title', name)} | {r.facts.get('programs', len(r.rows))} | " +
                     " | ".join(cell(r.total(c)) for c in COLUMNS) + " |")
    for name in order:
        r = suites[name]
        lines += ["", f"## {r.facts.get('title', name)}", ""]
        lines += [text for key, text in r.facts.items() if key.startswith("text")]
        for title, here, there, skipped in (("Fails under vee, passes under QEMU", "baseline", "qemu", False),
                                            ("Fails under vee, skipped under QEMU", "baseline", "qemu", True),
                                            ("Fails under vee, not natively", "baseline", "native", None),
                                            ("Fails interpreted, not translated", "interp", "baseline", None),
                                            ("Fails under QEMU, not under vee", "qemu", "baseline", None),
                                            ("Fails natively, not under vee", "native", "baseline", None)):
            if r.total(here) is None or r.total(there) is None:
                continue
            found = difference(r.rows, here, there)
            if skipped is not None:
                found = {p: n for p, n in found.items() if (r.rows[p][there].passed == 0) == skipped}
            lines += ["", f"{title}: {len(found) or 'none'}."]
            if found:
                lines += ["", *listing(name, r.rows, found, here)]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    r = verbs.add_parser("run", help="run a suite and keep its results")
    r.add_argument("suite")
    r.add_argument("column", choices=COLUMNS)
    r.add_argument("kind", choices=("programs", "ltp", "python", "pypy"))
    r.add_argument("paths", nargs="+")
    r.add_argument("--prefix", default="", help="what runs each program")
    r.add_argument("--jobs", type=int, default=1)
    r.add_argument("--limit", type=int, default=30, help="seconds for one program")
    r.add_argument("--only", default="", help="names, separated by commas")
    r.add_argument("--logs", help="a directory for the output of each program")
    r.add_argument("--no-keep", dest="keep", action="store_false", help="leave the file of results alone")
    verbs.add_parser("table", help="write docs/conformance.md")
    args = parser.parse_args()
    if args.verb == "run":
        if os.geteuid() != 0:
            sys.exit("suites.py: needs root, for namespaces")
        run(args)
    else:
        (ROOT / "docs" / "conformance.md").write_text(page())


if __name__ == "__main__":
    main()
