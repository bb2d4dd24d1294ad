# A Linux program as a process: arguments, environment, status, death, names that vee is started under.
needs riscv64-linux-gnu-gcc || return
if ! riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || ! riscv64-linux-gnu-gcc -O2 "$here/guest.c" -o dynamic; then
    fail "guest.c does not build"
    return
fi
expect 0 "" "" "$vee" ./guest
expect 0 "?./guest??args??a b????--tier?" "" "$vee" ./guest args "a b" "" --tier
expect 0 "?./guest??args?" "" "$vee" -- ./guest args
expect 0 "?./guest??args?" "" "$vee" run --tier interp ./guest args
expect 0 "other" "" "$vee" -0 other ./guest argv0
expect 0 "other" "" env VEE_ARGV0=other "$vee" ./guest argv0
for status in 0 1 42 125 126 127 134 255; do expect $status "" "" "$vee" ./guest exit $status; done

expect 0 "X=1 Y=-" "" env X=1 "$vee" ./guest env
expect 0 "X=2 Y=3" "" env X=1 "$vee" -E X=2 -EY=3 ./guest env
expect 0 "X=- Y=-" "" env X=1 "$vee" -U X ./guest env
expect 0 "X=4 Y=-" "" env X=1 VEE_SET_ENV=X=4 "$vee" ./guest env
expect 0 "X=5 Y=-" "" env X=1 VEE_SET_ENV=X=4 "$vee" -E X=5 ./guest env

# What vee leaves for itself when it executes a program comes in no other way.
: >nothing
expect 126 "" "vee: 99:: nothing that vee has left for itself" "$vee" --inherited 99: ./guest
expect 126 "" "vee: x: nothing that vee has left for itself" "$vee" --inherited x ./guest
expect 126 "" "vee: 5: nothing that vee has left for itself" sh -c 'exec "$0" --inherited :5 ./guest 5<nothing' "$vee"
expect 0 "" "" env VEE_INHERITED=5 "$vee" ./guest

# The shell reports 128 + n for a death by signal n; timeout runs in the same way.
expect 134 "" "*" "$vee" ./guest signal 6
expect 143 "" "*" "$vee" ./guest signal 15
expect 137 "" "*" "$vee" ./guest signal 9
for tier in interp baseline; do
    for space in "" --window; do
        expect 139 "" "*" "$vee" --tier $tier $space ./guest null
        expect 133 "" "*" "$vee" --tier $tier $space ./guest illegal
        expect 7 "" "" "$vee" --tier $tier $space ./guest exit 7
    done
done
check "a death by signal is one to the parent" python3 - "$vee" <<'PYTHON'
import subprocess, sys
assert subprocess.run([sys.argv[1], "./guest", "signal", "15"]).returncode == -15
PYTHON

expect 0 "X=1 Y=-" "" env X=1 "$vee" -L /usr/riscv64-linux-gnu ./dynamic env
expect 0 "X=1 Y=-" "" env X=1 VEE_SYSROOT=/usr/riscv64-linux-gnu "$vee" ./dynamic env
expect 0 "X=1 Y=-" "" env X=1 QEMU_LD_PREFIX=/usr/riscv64-linux-gnu "$vee" ./dynamic env
expect 126 "" "vee: *dynamic*ld-linux-riscv64-lp64d.so.1*-L*" "$vee" -L /nonexistent ./dynamic

# system calls as text, in the programs that it executes as well
expect 42 "" "+([0-9]) *brk(0) = 0x*exit_group(42) = ?" "$vee" -strace ./guest exit 42
expect 7 "" "*exit_group(7) = ?" env VEE_STRACE=1 "$vee" ./guest exit 7
expect 0 "X=1 Y=-" "*write(1, \"X=1 Y=-\\\\n\"*, 8) = 8*" env X=1 "$vee" --strace ./guest env
expect 126 "" "vee: *" "$vee" -strace /

# names
for name in vee-riscv64 qemu-riscv64-static; do ln -sf "$vee" $name; done
ln -sf "$vee" qemu-riscv64-binfmt-P
cp guest run
expect 0 "run" "" ./vee-riscv64 run argv0
expect 0 "run" "" ./qemu-riscv64-static --tier interp run argv0
expect 126 "" "vee: *" ./vee-riscv64 /bin/true
expect 0 "?zero??args??--x?" "" ./qemu-riscv64-binfmt-P ./guest zero args --x

# in counted runs a process has an id of its own, which is its name in /proc, too
riscv64-linux-gnu-gcc -O2 -static -x c - -o by_id <<'C'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    char path[40], a[300] = "", b[300] = "";
    snprintf(path, sizeof path, "/proc/%d/exe", getpid());
    readlink("/proc/self/exe", a, sizeof a - 1);
    readlink(path, b, sizeof b - 1);
    snprintf(path, sizeof path, "/proc/%d/comm", getpid());
    FILE *f = fopen(path, "r");
    char name[20] = "";
    return !*a || strcmp(a, b) || !f || !fgets(name, sizeof name, f) || strcmp(name, "by_id\n");
}
C
for how in "" --counted; do expect 0 "" "" "$vee" $how ./by_id; done

# a process counted: the same state on both tiers
for n in 1 1000 5000; do
    for tier in interp baseline; do
        env -i ${VEE_WINDOW+VEE_WINDOW="$VEE_WINDOW"} "$vee" --tier $tier --digest-at $n ./guest env 2>digest.$tier >/dev/null
    done
    check "digest at $n" grep -q "^digest $n 0x................\$" digest.interp
    check "digest at $n: baseline" cmp digest.interp digest.baseline
done
