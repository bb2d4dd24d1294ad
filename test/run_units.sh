#!/usr/bin/env bash
# Runs unit test programs (cmocka) and sums them up. usage: run_units.sh PROGRAM...
#
# The last line is `N passed, N failed`. A program that crashes, hangs or fails without saying which test counts as one
# failure more; a test that was skipped counts as nothing. Variables: TIME_LIMIT (600 seconds a program).
set -u
passed=0 failed=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for program; do
    CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "${TIME_LIMIT:-600}" "$program" >"$output" 2>&1
    status=$?
    skipped=$(grep -c '^\(not \)\?ok .* # SKIP' "$output") # cmocka 1.1.5 says that it is not ok
    good=$(grep '^ok ' "$output" | grep -vc ' # SKIP')
    bad=$(grep '^not ok ' "$output" | grep -vc ' # SKIP')
    if [ "$bad" = 0 ] && { [ $status != 0 ] || [ $((good + skipped)) = 0 ]; }; then bad=1; fi
    if [ "$skipped" != 0 ]; then echo "$program: $skipped skipped"; fi
    if [ $bad != 0 ]; then
        echo "--- $program: status $status"
        grep -v '^ok ' "$output"
    fi
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
