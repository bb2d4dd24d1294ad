#!/usr/bin/env bash
# Runs every program of test/programs natively and as a riscv64 Linux program under vee, and compares.
#
#   run_programs.sh VEE [vee options...]
#   run_programs.sh --compile               only compiles them, for both
#
# VEE may be qemu-riscv64, which checks the programs themselves. Standard output and exit status must be equal (and
# standard error where the program says so); the status must also be the one that the program declares. Each run has a
# fresh directory of its own, an empty environment and a time limit. What a program needs stands in lines of its own in
# its first 20 lines:
#   /* args: words */   /* stdin: text, with the escapes of printf %b */   /* env: NAME=VALUE */ (may be repeated)
#   /* status: N */ (128 + signal for a death by signal)                   /* stderr: compare */
#   /* cflags: more flags for both compilers */
#   /* qemu: what QEMU does wrong, so that a difference under qemu-riscv64 is no failure of the program */
#
# Variables: JOBS (2), ONLY (a shell pattern of names, bash's extended ones included), OPT (-O2), TIME_LIMIT (60 seconds).
set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../build/programs
JOBS=${JOBS:-2} ONLY=${ONLY:-*} OPT=${OPT:--O2} TIME_LIMIT=${TIME_LIMIT:-60}
export OPT TIME_LIMIT
FLAGS=(-std=gnu17 -Wall -Wextra -ffp-contract=off -static)
NATIVE_FLAGS=(-fsanitize=undefined -fsanitize-undefined-trap-on-error) # what is undefined need not agree: it is a fault

# compile COMPILER DIRECTORY SOURCE [FLAGS...]: prints the path of the program, compiled again if the source is newer
compile() {
    local out=$2/$(basename "$3" .c)
    if [ ! -e "$out" ] || [ -n "$(find "$3" "${3%/*}"/*.h -newer "$out")" ]; then
        mkdir -p "$2" || return
        "$1" "${FLAGS[@]}" $OPT "${@:4}" "$3" -o "$out.$$" $(head_lines cflags "$3") -lm >&2 && mv "$out.$$" "$out" || return
    fi
    echo "$out"
}

# head_lines KEY SOURCE: the values of the lines with that key
head_lines() { head -n 20 "$2" | sed -n "s|^/\* $1: \(.*[^ ]\) *\*/\$|\1|p"; }

# run_in DIRECTORY SOURCE COMMAND...: leaves DIRECTORY/{out,err,status}
run_in() {
    local directory=$1 source=$2 words=() settings=() input
    shift 2
    mkdir -p "$directory/work"
    read -ra words <<<"$(head_lines args "$source")"
    mapfile -t settings < <(head_lines env "$source")
    input=$(head_lines stdin "$source")
    printf %b "$input" >"$directory/in"
    (cd "$directory/work" &&
        exec timeout -k 5 "$TIME_LIMIT" env -i PATH="$PATH" VEE_STORE="${VEE_STORE:-off}" "${settings[@]}" "$@" "${words[@]}") \
        <"$directory/in" >"$directory/out" 2>"$directory/err"
    echo $? >"$directory/status"
}

# test_one SOURCE COMMAND...: prints one line of verdict
test_one() {
    local source=$1 name native guest why= expected
    shift
    name=$(basename "$source" .c)
    temporary=$(mktemp -d) || return # global: the trap outlives this function
    trap 'rm -rf "$temporary"' EXIT
    suffix=$([ "$OPT" = -O2 ] || echo "$OPT" | tr -c 'A-Za-z0-9\n' _)
    if ! native=$(compile gcc "$build/native$suffix" "$source" "${NATIVE_FLAGS[@]}") ||
        ! guest=$(compile riscv64-linux-gnu-gcc "$build/riscv64$suffix" "$source"); then
        why="does not compile"
    elif [ "$1" != --compile ]; then
        expected=$(head_lines status "$source")
        run_in "$temporary/n" "$source" "$native" 2>"$temporary/shell"
        run_in "$temporary/v" "$source" "$@" "$guest" 2>"$temporary/shell"
        local native_status vee_status
        native_status=$(<"$temporary/n/status") vee_status=$(<"$temporary/v/status")
        if [ "$native_status" != "${expected:-0}" ]; then
            why="native status $native_status, expected ${expected:-0}"
        elif [ "$vee_status" = 124 ] && [ "$native_status" != 124 ]; then
            why="no end within $TIME_LIMIT s"
        elif [ "$vee_status" != "$native_status" ]; then
            why="status $vee_status, native $native_status: $(head -c 200 "$temporary/v/err" | tr '\n' ' ')"
        elif ! cmp -s "$temporary/n/out" "$temporary/v/out"; then
            why="stdout: $(diff "$temporary/n/out" "$temporary/v/out" | sed -n 2,6p | head -c 300 | tr '\n' ' ')"
        elif [ "$(head_lines stderr "$source")" = compare ] &&
            ! cmp -s "$temporary/n/err" "$temporary/v/err"; then
            why="stderr: $(diff "$temporary/n/err" "$temporary/v/err" | sed -n 2,6p | head -c 300 | tr '\n' ' ')"
        fi
    fi
    local excuse=
    [[ ${1##*/} == qemu-* ]] && excuse=$(head_lines qemu "$source")
    if [ -z "$why" ]; then
        echo "ok $name"
    elif [ -n "$excuse" ]; then
        echo "known $name: $excuse"
    else
        echo "FAIL $name: $why"
    fi
}

if [ "${1-}" = --one ]; then
    shift
    test_one "$@"
    exit
fi
if [ $# -lt 1 ]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
if [ "$1" = --compile ]; then
    vee=--compile
else
    vee=$(command -v "$1") || {
        echo "$0: cannot run $1" >&2
        exit 2
    }
    vee=$(realpath -s "$vee")
fi
shift

results=$(mktemp) || exit
trap 'rm -f "$results"' EXIT
shopt -s extglob nullglob
# shellcheck disable=SC2206 # a pattern on purpose
sources=("$here"/programs/$ONLY.c)
printf '%s\0' "${sources[@]}" |
    xargs -0 -P "$JOBS" -I{} "${BASH_SOURCE[0]}" --one {} "$vee" "$@" | tee "$results"
passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^FAIL ' "$results")
known=$(grep -c '^known ' "$results")
[ "$known" -eq 0 ] || echo "$known known to differ under QEMU"
silent=$((${#sources[@]} - passed - failed - known))
[ "$silent" -eq 0 ] || echo "FAIL: $silent without a verdict"
failed=$((failed + silent))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ $((passed + known)) -gt 0 ]
