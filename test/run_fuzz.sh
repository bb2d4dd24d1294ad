#!/usr/bin/env bash
# Runs fuzzers (clang's libFuzzer) for a while each. usage: run_fuzz.sh SECONDS FUZZER...
#
# Inputs that reach new code are kept next to the fuzzer, in FUZZER.corpus, so that later runs go on from there; seeds
# are in fuzz/seeds/NAME, or made by fuzz/make_seeds.sh. A crashing input is kept as FUZZER.crash-*. The last line is `N passed, N failed`.
set -u
seconds=$1
shift
fuzz=$(dirname "$0")/../fuzz
seeds=$fuzz/seeds
passed=0 failed=0
for fuzzer; do
    case $fuzzer in *.*) continue ;; esac
    mkdir -p "$fuzzer.corpus" "$fuzzer.seeds"
    "$fuzz/make_seeds.sh" "$(basename "$fuzzer")" "$fuzzer.seeds"
    folders=("$fuzzer.corpus" "$fuzzer.seeds")
    if [ -d "$seeds/$(basename "$fuzzer")" ]; then folders+=("$seeds/$(basename "$fuzzer")"); fi
    if "$fuzzer" -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="$fuzzer.crash-" "${folders[@]}" >"$fuzzer.log" 2>&1; then
        passed=$((passed + 1))
        echo "$(basename "$fuzzer"): $(sed -n 's/.*number_of_executed_units: //p' "$fuzzer.log") inputs"
    else
        failed=$((failed + 1))
        echo "--- $fuzzer"
        tail -n 40 "$fuzzer.log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
