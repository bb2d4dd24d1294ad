# What vee needs beside a small guest: one thread, and less than 8 MiB of memory.
needs riscv64-linux-gnu-gcc || return
if grep -qa -e __asan_init -e __tsan_init "$vee"; then return; fi # sanitizers have memory and threads of their own
printf '#include <stdio.h>\n#include <unistd.h>\nint main(void) { char c; puts("hello"); fflush(stdout); return (int)read(0, &c, 1); }\n' >quiet.c
riscv64-linux-gnu-gcc -O2 -static quiet.c -o quiet || { fail "quiet.c does not build"; return; }
for options in "--tier auto" "--tier interp" "--tier baseline" "--tier auto --window"; do
    rm -f in out
    mkfifo in
    "$vee" $options ./quiet <in >out 2>/dev/null &
    pid=$!
    exec 9>in
    for i in $(seq 200); do [ -s out ] && break || sleep 0.05; done
    value() { sed -n "s/^$1:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$pid/status"; }
    check "memory $options: one thread" test "$(value Threads)" = 1
    check "memory $options: $(value VmRSS) kB are resident" test "$(value VmRSS)" -le 8192
    exec 9>&-
    wait $pid
    check "memory $options: it ended" test $? = 0
done
