#!/usr/bin/env bash
# Runs the guest programs of test/process/guest, which test themselves: first on the host, so that Linux says whether a
# test is right, then as riscv64 programs under vee, on every tier and in both modes of memory.
#
#   run.sh VEE [vee options...]     with options: only with those
#
# Variables: ONLY (a shell pattern of names), TIME_LIMIT (120 seconds).
set -u
shopt -s extglob

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../build/process
ONLY=${ONLY:-*} TIME_LIMIT=${TIME_LIMIT:-120}
passed=0 failed=0
if [ $# -lt 1 ] || ! vee=$(command -v "$1"); then
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
vee=$(realpath -s "$vee")
shift

verdict() { # NAME STATUS
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1: status $2: $(head -c 2000 "$work/out")"
    fi
}

unset VEE_STORE # by an option, as a program looks at its environment
mkdir -p "$build"
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
for source in "$here"/guest/$ONLY.c; do
    name=$(basename "$source" .c)
    for machine in native riscv64; do
        compiler=$([ $machine = native ] && echo gcc || echo riscv64-linux-gnu-gcc)
        out=$build/$name.$machine
        if [ ! -e "$out" ] || [ "$source" -nt "$out" ] ||
            [ -n "$(find "$here"/guest/*.h "$here/../../src/process/linux/syscall.def" -newer "$out")" ]; then
            "$compiler" -static -O2 -Wall -Wextra -Werror "$source" -o "$out.$$" >"$work/out" 2>&1 && mv "$out.$$" "$out" || {
                verdict "$name compiles for $machine" 1
                continue 2
            }
        fi
    done
    run() { (cd "$work" && exec timeout -k 5 "$TIME_LIMIT" "$@") >"$work/out" 2>&1 </dev/null; }
    run "$build/$name.native"
    verdict "$name native" $?
    if [ $# -gt 0 ]; then
        run "$vee" --store off "$@" "$build/$name.riscv64"
        verdict "$name $*" $?
        continue
    fi
    for options in "--tier interp" "--tier interp --window" "--tier baseline" "--tier baseline --window" "--tier auto"; do
        run "$vee" --store off $options "$build/$name.riscv64"
        verdict "$name $options" $?
    done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
