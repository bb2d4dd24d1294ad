# Core files: of the guest's architecture, with every thread and its memory.
needs riscv64-linux-gnu-gcc || return
riscv64-linux-gnu-gcc -O1 -g -static "$here/core.c" -o dumper -lpthread || { fail "core.c does not build"; return; }
cores_are_here || return
core_of() { # ARGUMENT STATUS vee options...
    local argument=$1 status=$2
    shift 2
    rm -f core core.*
    (ulimit -c unlimited && "$vee" "$@" ./dumper "$argument") >out 2>err
    check "core: $argument $*: status" test $? = "$status"
    mv -f core.[0-9]* core 2>/dev/null
    check "core: $argument $*: there is one" test -s core
    check "core: $argument $*: right" python3 - "$argument" <<'PYTHON'
import struct, subprocess, sys
data = open("core", "rb").read()
kind, machine = struct.unpack_from("<HH", data, 16)
assert (kind, machine) == (4, 243), (kind, machine)
phoff, = struct.unpack_from("<Q", data, 32)
phnum, = struct.unpack_from("<H", data, 56)
loads, notes = [], []
for i in range(phnum):
    type_, flags, offset, vaddr, paddr, filesz, memsz, align = struct.unpack_from("<IIQQQQQQ", data, phoff + 56 * i)
    assert offset + filesz <= len(data)
    if type_ == 1: loads.append((vaddr, offset, filesz, memsz))
    if type_ == 4:
        at = offset
        while at < offset + filesz:
            n, d, t = struct.unpack_from("<III", data, at)
            at += 12 + (n + 3 & ~3)
            notes.append((t, data[at:at + d]))
            at += d + 3 & ~3
threads = [n for t, n in notes if t == 1]
assert len(threads) == 2 and all(len(n) == 376 for n in threads), [len(n) for n in threads]
signal, = struct.unpack_from("<h", threads[0], 12)
assert signal == {"abort": 6, "null": 11, "kill": 24}[sys.argv[1]], signal
registers = struct.unpack_from("<32Q", threads[0], 112)
def read(address, size):
    for vaddr, offset, filesz, memsz in loads:
        if vaddr <= address and address + size <= vaddr + filesz:
            return data[offset + address - vaddr:offset + address - vaddr + size]
symbols = dict((l.split()[2], int(l.split()[0], 16)) for l in
               subprocess.run(["riscv64-linux-gnu-nm", "dumper"], capture_output=True, text=True).stdout.splitlines()
               if len(l.split()) == 3)
assert struct.unpack("<Q", read(symbols["marker"], 8))[0] == 0x8877665544332211
assert read(registers[2], 16) is not None, "no stack"
if sys.argv[1] == "null": assert symbols["main"] <= registers[0] < symbols["main"] + 200, hex(registers[0])
assert any(t == 6 for t, _ in notes) and any(t == 3 and b"dumper" in n for t, n in notes)
PYTHON
}
core_of abort 134
core_of null 139
core_of kill 152
core_of null 139 --tier interp
# Does the wait status say so, too? Only where the host lets a process have mounts of its own.
if unshare --mount true 2>/dev/null || unshare --user --map-root-user --mount true 2>/dev/null; then
    for how in "" fork; do
        check "core: the status says so $how" python3 - "$vee" $how <<'PYTHON'
import os, resource, sys
limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
def status(soft):
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, limit))
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        os.execv(sys.argv[1], ["vee", "./dumper", "null", *sys.argv[2:]])
    return os.waitpid(pid, 0)[1]
if sys.argv[2:]:
    sys.exit(0 if os.waitstatus_to_exitcode(status(limit)) == 0 else "the guest did not see it of its child")
assert os.WCOREDUMP(status(limit)) and not os.WCOREDUMP(status(0))
PYTHON
    done
fi
rm -f core
(ulimit -c 0 && "$vee" ./dumper null) 2>err
check "core: none where the limit forbids it" test ! -e core
(ulimit -c 4 && "$vee" ./dumper null) 2>err
check "core: not more than the limit" test "$(cat core* 2>/dev/null | wc -c)" -le 4096
rm -f core*
(ulimit -c 512 && "$vee" ./dumper null) 2>err
check "core: holes do not count" test "$(cat core* 2>/dev/null | wc -c)" -gt $((512 * 1024))
