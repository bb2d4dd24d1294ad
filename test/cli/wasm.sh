# A WebAssembly module: WASI, invoked functions, traps, digests, damaged files.
needs wat2wasm python3 || return
if ! wat2wasm "$here/module.wat" -o module.wasm; then
    fail "module.wat does not build"
    return
fi
for tier in interp baseline auto; do
    expect 5 "hello from a module" "" "$vee" --tier $tier module.wasm
    expect 5 "hello from a module" "" "$vee" wasm --tier $tier module.wasm
    expect 0 "3" "" "$vee" --tier $tier --invoke add module.wasm 1 2
    expect 0 "-2147483648" "" "$vee" --tier $tier --invoke add module.wasm 2147483647 1
    expect 0 "-1?7" "" "$vee" --tier $tier --invoke=two module.wasm
    expect 134 "" "vee: trap: integer divide by zero in function 6 at offset 0x* of module.wasm" \
        "$vee" --tier $tier --invoke div module.wasm 1 0
    expect 134 "" "vee: trap: integer overflow in function 6 at offset 0x* of module.wasm" \
        "$vee" --tier $tier --invoke div module.wasm 0x80000000 -1
    expect 134 "" "vee: trap: out of bounds memory access in function 7 at offset 0x* of module.wasm" \
        "$vee" --tier $tier --invoke out module.wasm
    expect 134 "" "vee: trap: call stack exhausted in function 8 at offset 0x* of module.wasm" \
        "$vee" --tier $tier --invoke deep module.wasm
    expect 5 "hello from a module" "" "$vee" --tier $tier --check --one-block module.wasm
done
expect 125 "" "vee: module.wasm: no exported function 'none'; there are: _start, add, two, div, out, deep, writable" \
    "$vee" --invoke none module.wasm
expect 125 "" "vee: add takes 2 arguments, 1 given" "$vee" --invoke add module.wasm 1
expect 125 "" "vee: *" "$vee" --invoke add module.wasm 1 x
expect 126 "" "vee: module.wasm: *" "$vee" --kind process module.wasm
for n in 0 1 3 7; do
    for tier in interp baseline; do
        "$vee" --tier $tier --digest-at $n module.wasm 2>digest.$tier >/dev/null
    done
    check "digest at $n" grep -q "^digest $n 0x................\$" digest.interp
    check "digest at $n: baseline" cmp digest.interp digest.baseline
done

# A pipe that nobody reads any more says so; a file can be written to.
cat >gone.py <<'PYTHON'
import os, subprocess, sys
r, w = os.pipe()
os.close(r)
gone = subprocess.run([sys.argv[1], "--invoke", "writable", "module.wasm"], stdout=w).returncode
there = subprocess.run([sys.argv[1], "--invoke", "writable", "module.wasm"], stdout=open("out", "w")).returncode
closed = subprocess.run([sys.argv[1], "--invoke", "writable", "module.wasm"], preexec_fn=lambda: os.close(1)).returncode
sys.exit((gone, there, closed) != (16, 1, 8 << 2))
PYTHON
check "polling output" python3 gone.py "$vee"

# Every file that is a part of a module, or has one byte changed, is refused with one line or runs as a module may.
cat >damage.py <<'PYTHON'
import subprocess, sys
good, vee, bad = open("module.wasm", "rb").read(), sys.argv[1], 0
files = [good[:n] for n in range(8, len(good))]
files += [good[:i] + bytes([b]) + good[i + 1:] for i in range(8, len(good)) for b in (good[i] ^ 1, 0xFF, 0x80)]
for data in files:
    open("damaged.wasm", "wb").write(data)
    try:
        p = subprocess.run([vee, "damaged.wasm"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
    except subprocess.TimeoutExpired:
        continue
    err = p.stderr.decode(errors="replace")
    if p.returncode < 0 or (p.returncode in (125, 126, 134) and not (err.startswith("vee: ") and err.count("\n") == 1)) \
            or any(word in err for word in ("Sanitizer", "runtime error", "Assertion")):
        bad += 1
        print(p.returncode, err[:300], data.hex())
sys.exit(bad != 0)
PYTHON
check "damaged modules" python3 damage.py "$vee"
