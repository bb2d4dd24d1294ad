#!/usr/bin/env bash
# Builds the bare-metal programs of test/machine/bare, those of test/machine/supervisor, which begin in S mode with vee as
# firmware, and the example, and runs them on every tier.
#
#   run_machine.sh VEE [vee options...]
#
# A program checks itself and ends with status 0, by the host's time, too, unless it says --counted. Besides, the digests of the whole state after some counts of
# instructions must be the same on all tiers, and with a code cache that is emptied all the time. A program's standard
# input stands in its first line: /* stdin: text */, or options: /* vee: options */, or both. Variables: ONLY (a shell pattern of names), TIME_LIMIT (60 seconds),
# CROSS (the compiler, riscv64-linux-gnu-gcc).
set -u
[ $# -ge 1 ] || { echo "usage: run_machine.sh VEE [options...]" >&2; exit 2; }
vee=("$(realpath "$1")" "${@:2}")
cd "$(dirname "$0")/machine/bare" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-O2 -g -Wall -Wextra -Werror -march=rv64gc_zicbom_zicboz -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie
    -fno-stack-protector -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
below= # options that say what is below the program
passed=0 failed=0

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "--- $*"
}

build() { # NAME SOURCES...
    # shellcheck disable=SC2086
    ${CROSS:-riscv64-linux-gnu-gcc} $flags -T link.ld -o "$work/$1" "${@:2}" && return
    bad "$1: does not build"
    return 1
}

run() { # NAME INPUT OPTIONS...
    printf %b "$2" >"$work/input"
    # shellcheck disable=SC2086
    timeout -k 1 "${TIME_LIMIT:-60}" "${vee[@]}" $below "${@:3}" "$work/$1" <"$work/input" >"$work/output" 2>&1
    local status=$?
    if [ $status = 0 ]; then good; else bad "$1 ${*:3}: status $status: $(tail -n 3 "$work/output")"; fi
}

digest() { # NAME INPUT COUNT OPTIONS...
    printf %b "$2" >"$work/input" # a file: all of it is there from the start
    # shellcheck disable=SC2086
    timeout -k 1 "${TIME_LIMIT:-60}" "${vee[@]}" $below "${@:4}" --digest-at "$3" "$work/$1" 2>&1 >/dev/null <"$work/input" |
        grep -a '^digest'
}

agree() { # NAME INPUT COUNT
    local want got
    want=$(digest "$1" "$2" "$3" --tier interp)
    for options in "--tier baseline" "--tier baseline --random-flush" "--tier interp --one-block" "--tier auto"; do
        # shellcheck disable=SC2086
        got=$(digest "$1" "$2" "$3" $options)
        if [ -n "$want" ] && [ "$got" = "$want" ]; then good; else bad "$1 at $3 $options: $got, interpreter: $want"; fi
    done
}

# all NAME SOURCES...: the program on every tier, and the state of it after some counts
all() {
    local input own=$below below
    build "$@" || return
    below="$own $(sed -n '1s|.*/\* vee: \([^*]*\) \*/.*|\1|p' "${@: -1}")"
    input=$(sed -n '1s|.*/\* stdin: \([^*]*\) \*/.*|\1|p' "${@: -1}")
    run "$1" "$input" --tier interp
    run "$1" "$input" --tier baseline
    run "$1" "$input" --tier baseline --one-block
    case $below in *--counted*) ;; *)
        run "$1" "$input" --clock host --tier interp
        run "$1" "$input" --clock host --tier baseline
    esac
    for count in 1 99 1000 7919 100000 1000000000; do agree "$1" "$input" $count; done
}

for source in *.c; do
    name=${source%.c}
    # shellcheck disable=SC2053
    if [ "$name" = bare ] || [[ $name != ${ONLY:-*} ]]; then continue; fi
    all "$name" start.S bare.c "$source"
done

if [[ example == ${ONLY:-*} ]] && build example ../../../examples/bare/start.S ../../../examples/bare/main.c; then
    run example "" --tier interp
    run example "" --tier baseline
    grep -q "seconds: 5" "$work/output" || bad "example: $(cat "$work/output")"
fi

cd ../supervisor || exit 1
flags+=" -ffunction-sections -Wl,--gc-sections" below="--bios default"
for source in *.c; do
    name=${source%.c}
    # shellcheck disable=SC2053
    if [[ $name == ${ONLY:-*} ]]; then all "$name" start.S ../bare/bare.c "$source"; fi
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
