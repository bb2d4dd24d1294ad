#!/usr/bin/env bash
# Runs the guest programs of test/process/guest, which test themselves: first on the host, so that Linux says whether a
# test is right, then as riscv64 programs under vee, on every tier and in both modes of memory.
#
#   run.sh VEE [vee options...]     with options: only with those
#
# Variables: JOBS (2), ONLY (a shell pattern of names), TIME_LIMIT (120 seconds).
set -u
shopt -s extglob nullglob

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../build/process
export TIME_LIMIT=${TIME_LIMIT:-120}
unset VEE_STORE # by an option, as a program looks at its environment

verdict() { # NAME STATUS: one line, as programs end in any order
    if [ "$2" = 0 ]; then
        echo "ok $1"
    else
        echo "FAIL $1: status $2: $(head -c 2000 "$work/out" | tr '\n' ' ')"
    fi
}

run() { (cd "$work" && exec timeout -k 5 "$TIME_LIMIT" "$@") >"$work/out" 2>&1 </dev/null; }

# test_one SOURCE VEE [OPTIONS...]: prints lines of verdicts
test_one() {
    local source=$1 vee=$2 name machine compiler out options
    shift 2
    name=$(basename "$source" .c)
    for machine in native riscv64; do
        compiler=$([ $machine = native ] && echo gcc || echo riscv64-linux-gnu-gcc)
        out=$build/$name.$machine
        if [ ! -e "$out" ] ||
            [ -n "$(find "$source" "$here"/guest/*.h "$here"/../../src/process/linux/*.def -newer "$out")" ]; then
            "$compiler" -static -O2 -Wall -Wextra -Werror -I "$here/../../src" "$source" -o "$out.$$" >"$work/out" 2>&1 && mv "$out.$$" "$out" || {
                verdict "$name compiles for $machine" 1
                return
            }
        fi
    done
    run "$build/$name.native"
    verdict "$name native" $?
    if [ $# -gt 0 ]; then
        run "$vee" --store off "$@" "$build/$name.riscv64"
        verdict "$name $*" $?
        return
    fi
    for options in "--tier interp" "--tier interp --window" "--tier baseline" "--tier baseline --window" "--tier auto"; do
        # shellcheck disable=SC2086
        run "$vee" --store off $options "$build/$name.riscv64"
        verdict "$name $options" $?
    done
}

work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
if [ "${1-}" = --one ]; then
    shift
    test_one "$@"
    exit
fi
if [ $# -lt 1 ] || ! vee=$(command -v "$1"); then
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
vee=$(realpath -s "$vee")
shift
mkdir -p "$build"
# shellcheck disable=SC2206 # a pattern on purpose
sources=("$here"/guest/${ONLY:-*}.c)
printf '%s\0' "${sources[@]}" |
    xargs -0 -P "${JOBS:-2}" -I{} "${BASH_SOURCE[0]}" --one {} "$vee" "$@" | tee "$work/results"
passed=$(grep -c '^ok ' "$work/results")
failed=$(grep -c '^FAIL ' "$work/results")
silent=$((${#sources[@]} * ($# > 0 ? 2 : 6) - passed - failed))
if [ $silent != 0 ] && ! grep -q '^FAIL .* compiles for ' "$work/results"; then
    echo "FAIL: $silent without a verdict"
    failed=$((failed + silent))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
