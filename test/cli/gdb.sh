# A core file in a debugger: calls, values, registers and threads are found. Only where gdb-multiarch is installed.
command -v gdb-multiarch >/dev/null || return
needs riscv64-linux-gnu-gcc || return
riscv64-linux-gnu-gcc -O1 -g -static "$here/gdb.c" -o deep -lpthread || { fail "gdb.c does not build"; return; }
cores_are_here || return
for tier in interp baseline; do
    rm -f core core.*
    { (ulimit -c unlimited && "$vee" --tier $tier ./deep) >out 2>err; } 2>/dev/null
    mv -f core.[0-9]* core 2>/dev/null
    gdb-multiarch -nx -batch -ex 'set pagination off' -ex bt -ex 'p $s3' -ex 'p $fs2.double' -ex 'p kept' -ex 'x/i $pc' \
        -ex 'frame 2' -ex 'thread apply all bt' -ex 'info threads' ./deep core >gdb.txt 2>&1
    check "gdb $tier: signal" grep -q 'terminated with signal SIGSEGV' gdb.txt
    check "gdb $tier: calls" test "$(sed -n 's/^#\([0-2]\) .*\<\(deepest\|middle\|main\) (.*/\1 \2/p' gdb.txt |
        sort -u | tr '\n' ' ')" = "0 deepest 1 middle 2 main "
    check "gdb $tier: values" grep -q '^#0 .*deepest (where=[^=]*=\?0x8, value=[^=]*=\?42)' gdb.txt
    check "gdb $tier: register" grep -q '= 1234605616436508552$' gdb.txt
    check "gdb $tier: float" grep -q '= 0.5$' gdb.txt
    check "gdb $tier: instruction" grep -q '=> 0x[0-9a-f]* <deepest+[0-9]*>:.*sw' gdb.txt
    check "gdb $tier: frame" grep -q '^#2 .*main ()' gdb.txt
    check "gdb $tier: the other thread" grep -q '^#1 .* in waiter (arg=' gdb.txt
    check "gdb $tier: two threads" test "$(grep -c '^[* ] *[12] *.*LWP' gdb.txt)" = 2
done
