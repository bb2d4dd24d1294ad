#!/usr/bin/env bash
# Runs the races of test/litmus under vee and looks for outcomes that riscv's memory model forbids.
#
#   run_litmus.sh VEE SECONDS [vee options...]     without options: half the time on each tier
#
# The counts are in build/litmus/*.txt. The last line is `N passed, N failed`.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vee=$(realpath -s "${1:?usage: run_litmus.sh VEE SECONDS [vee options...]}") seconds=${2:?seconds}
shift 2
out=$here/../build/litmus
passed=0 failed=0
mkdir -p "$out"
riscv64-linux-gnu-gcc -std=gnu17 -O2 -Wall -Wextra -Werror -static -pthread "$here/litmus/litmus.c" -o "$out/litmus.$$" &&
    mv "$out/litmus.$$" "$out/litmus" || { echo "0 passed, 1 failed"; exit 1; }

# run TEXT OPTIONS...
run() {
    local text=$1
    shift
    timeout $((seconds + 120)) "$vee" "$@" "$out/litmus" "$seconds" >"$out/$text.txt" 2>&1
    local status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$*: status $status"
        grep -v -e 'forbidden$' -e 'allowed$' "$out/$text.txt"
    fi
}

if [ $# -gt 0 ]; then
    run given "$@"
else
    seconds=$(((seconds + 1) / 2))
    run baseline --tier baseline
    run interp --tier interp
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
