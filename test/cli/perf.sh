# What the profiler perf is told: both files are read as perf does and compared with each other.
needs riscv64-linux-gnu-gcc python3 || return
riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || { fail "guest.c does not build"; return; }
cat >run.py <<'PYTHON'
import glob, os, struct, subprocess, sys, time

vee, program = sys.argv[1], sys.argv[2:]

def read_map(path):
    return [(int(a, 16), int(size, 16), name) for a, size, name in (line.split() for line in open(path))]

def read_dump(path, pid):
    data = open(path, "rb").read()
    magic, version, size, machine, zero, owner, when, flags = struct.unpack_from("<6I2Q", data)
    assert (magic, version, size, machine, zero, owner, flags) == (0x4a695444, 1, 40, 62, 0, pid, 0)
    at, entries, last = size, [], when
    while at < len(data):
        kind, size, when = struct.unpack_from("<IIQ", data, at)
        assert kind == 0 and at + size <= len(data)
        owner, thread, vma, address, length, index = struct.unpack_from("<II4Q", data, at + 16)
        end = data.index(0, at + 56)
        assert owner == pid and thread == pid and vma == address and index == len(entries)
        assert last <= when <= time.monotonic_ns() and at + size == end + 1 + length
        assert any(data[end + 1:at + size]) # code
        entries.append((address, length, data[at + 56:end].decode()))
        last, at = when, at + size
    return entries

p = subprocess.Popen([vee, "--perfmap", "--jitdump", "--tier", "baseline", *program], stdout=subprocess.PIPE)
out, status = p.communicate()[0], p.returncode
assert status == 0, status
map_path, dump_path = f"/tmp/perf-{p.pid}.map", f"jit-{p.pid}.dump"
entries = read_map(map_path)
dump = read_dump(dump_path, p.pid)
os.unlink(map_path)
os.unlink(dump_path)
assert len(entries) > 50 and entries == dump, (len(entries), len(dump))
assert all(size > 0 and name.startswith("guest_") for _, size, name in entries)
where = sorted((a, size) for a, size, _ in entries)
assert all(a + size <= b for (a, size), (b, _) in zip(where, where[1:])) # no unit lies over another
assert not glob.glob("jit-*.dump")
PYTHON
check "perf: map and dump" python3 run.py "$vee" ./guest args
check "perf: with a window" python3 run.py "$vee" --window ./guest env
# the mapping by which perf finds the dump is there while the program runs
riscv64-linux-gnu-gcc -O2 -static -x c - -o waits <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) { /* which has its own files */
        for (volatile int i = 0; i < 1000; i++) continue;
        return 0;
    }
    puts("runs");
    fflush(stdout);
    return getchar() != 'x';
}
C
check "perf: the marker, and the files of a child" python3 - "$vee" <<'PYTHON'
import glob, os, subprocess, sys
p = subprocess.Popen([sys.argv[1], "--jitdump", "./waits"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert p.stdout.readline() == b"runs\n"
path = os.path.abspath(f"jit-{p.pid}.dump")
assert any(" r-xp " in line and line.rstrip().endswith(path) for line in open(f"/proc/{p.pid}/maps")), path
p.communicate(b"x")
assert p.returncode == 0
files = glob.glob("jit-*.dump")
assert len(files) == 2, files
for name in files: os.unlink(name)
PYTHON
