#!/usr/bin/env bash
# What comes from outside comes through one door: runs run_inputs over programs of every kind, which look at all that
# there is outside. Usage: run_inputs.sh BUILD
set -u
build=$(realpath "$1")
cd "$(dirname "$0")" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cross=${CROSS:-riscv64-linux-gnu-gcc}
run=$build/test/vm/run_inputs
passed=0 failed=0

outcome() { # NAME COMMAND...
    local text
    text=$("${@:2}" 2>&1)
    if [[ ${text##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        [ "${BASH_REMATCH[2]}" = 0 ] || echo "--- $1: ${text%$'\n'*}"
    else
        failed=$((failed + 1))
        echo "--- $1: $text"
    fi
}

for name in outside signals threads shared; do
    $cross -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static vm/inputs/$name.c -o "$work/$name" || exit 1
done
flags="-O2 -Wall -Wextra -Werror -march=rv64gc_zicbom_zicboz -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie
    -fno-stack-protector -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
# shellcheck disable=SC2086
$cross $flags -I machine/bare -T machine/bare/link.ld -o "$work/console" machine/bare/start.S machine/bare/bare.c \
    vm/inputs/console.c || exit 1
wat2wasm vm/inputs/outside.wat -o "$work/outside.wasm" || exit 1
# Output is seen in every run: the guest's write is 64, WASI's is the host's writev.
outcome processes "$run" --output 64 "$work/outside"
outcome "counted processes" "$run" --counted --output 64 "$work/outside" "$work/signals"
outcome machines "$run" "$work/console"
outcome modules "$run" --output 20 "$work/outside.wasm"
outcome "counted modules" "$run" --counted --output 20 "$work/outside.wasm"
outcome "past the door" "$run" --past "$work/threads" "$work/shared"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
