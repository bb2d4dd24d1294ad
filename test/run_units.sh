#!/usr/bin/env bash
# Runs unit test programs (cmocka) and sums them up. usage: run_units.sh PROGRAM...
#
# The last line is `N passed, N failed`. A program that crashes, hangs or fails without saying which test counts as one
# failure more. Variables: TIME_LIMIT (600 seconds a program).
set -u
passed=0 failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for program; do
    CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "${TIME_LIMIT:-600}" "$program" >"$output" 2>&1
    status=$?
    good=$(grep -c '^ok ' "$output")
    bad=$(grep -c '^not ok ' "$output")
    if [ $bad = 0 ] && { [ $status != 0 ] || [ $good = 0 ]; }; then bad=1; fi
    if [ $bad != 0 ]; then
        echo "--- $program: status $status"
        grep -v '^ok ' "$output"
    fi
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
