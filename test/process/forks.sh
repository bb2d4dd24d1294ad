#!/usr/bin/env bash
# Forks a process whose threads come and go, and kills children of vfork at random times (forks.c): natively, and under vee on
# every tier, in both spaces, static and dynamic. A process that hangs is a failure.
#
#   forks.sh VEE FORKS VFORKS     so many in each of the runs under vee
#
# Variables: SEED (1), TIME_LIMIT (seconds for each run, 600).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../build/process
if [ $# != 3 ] || ! vee=$(command -v "$1"); then
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
vee=$(realpath -s "$vee")
forks=$2 vforks=$3
passed=0 failed=0
unset VEE_STORE
mkdir -p "$build"

run() { # NAME COMMAND...
    local name=$1 text status
    shift
    text=$(timeout -k 5 "${TIME_LIMIT:-600}" "$@" "${SEED:-1}" 2>&1)
    status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        echo "ok $name: $text"
    else
        failed=$((failed + 1))
        echo "FAIL $name: status $status: $text"
    fi
}

flags=(-std=gnu17 -O2 -Wall -Wextra -Werror -pthread)
gcc "${flags[@]}" -o "$build/forks.native" "$here/forks.c" || failed=1
riscv64-linux-gnu-gcc "${flags[@]}" -static -o "$build/forks.static" "$here/forks.c" || failed=1
riscv64-linux-gnu-gcc "${flags[@]}" -o "$build/forks.dynamic" "$here/forks.c" || failed=1
run native "$build/forks.native" $((forks < 500 ? forks : 500)) $((vforks < 100 ? vforks : 100))
for kind in static dynamic; do
    root=()
    if [ $kind = dynamic ]; then root=(-L /usr/riscv64-linux-gnu); fi
    for options in "--tier auto" "--tier baseline --window" "--tier interp" "--tier interp --window" "--tier baseline" "--tier auto --window"; do
        run "$kind $options" "$vee" --store off $options "${root[@]}" "$build/forks.$kind" "$forks" "$vforks"
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
