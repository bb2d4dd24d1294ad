#!/usr/bin/env bash
# What helpers and the guest's functions touched while code ran, against what they declare (test/guest/riscv/test_effects.c).
#
#   run_effects.sh BUILD [INSNS]
#
# BUILD is one with checks (DEBUG=1), which notes every access to a field. The bare-metal programs, the cases of
# test/guest/riscv/*.test and INSNS instructions (6e7, which see all) of the fuzzer run; whatever touches what it does not declare ends
# at once. What is declared and never seen is a failure, too. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:?usage: run_effects.sh BUILD [INSNS]} insns=${2:-6e7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

good() { # NAME COMMAND...
    if "${@:2}" >"$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "--- $1"
        tail -n 20 "$work/output"
    fi
}

fuzz() { "$build/fuzz_riscv" --seed 1 --insns "$insns" --log >"$work/fuzz"; }

good machine env VEE_LOG=effects VEE_LOG_FILE="$work/machine" test/run_machine.sh "$build/vee"
good instructions env EFFECTS="$work/instructions" "$build/test/guest/riscv/test_insn"
good fuzz fuzz
good seen "$build/test/guest/riscv/test_effects" seen "$work/machine" "$work/instructions" "$work/fuzz"
tail -n 1 "$work/output"
echo "$passed passed, $failed failed"
