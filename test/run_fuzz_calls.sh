#!/usr/bin/env bash
# Runs the fuzzer of system calls (fuzz/calls). usage: run_fuzz_calls.sh VEE SECONDS [SEED]
#
# The time is shared by the tiers and both kinds of memory. The seed is 1 unless given, so that a failure may come again;
# give others to look further. SANITIZED: of a build with sanitizers, which works in windows only.
# Where users may not make namespaces nothing is run. The last line is `N passed, N failed`.
set -u
vee=$(realpath -s "${1:?usage: run_fuzz_calls.sh VEE SECONDS [SEED]}") seconds=${2:?seconds} seed=${3:-1}
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
make -s fuzz_calls || { echo "0 passed, 1 failed"; exit 1; }
for options in "--tier baseline" "--tier interp" "--tier auto --window" "--tier baseline --random-flush"; do
    build/fuzz_calls --vee "$vee" --guest build/fuzz_calls_guest ${SANITIZED:+--sanitized} \
        --seconds $(((seconds + 3) / 4)) --seed "$seed" -- $options ${SANITIZED:+--window}
    case $? in
    0) passed=$((passed + 1)) ;;
    2) echo "not run: no sandbox" ;;
    *) failed=$((failed + 1)) ;;
    esac
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
