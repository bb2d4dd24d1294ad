#!/usr/bin/env bash
# Runs suites of tests and sums them up; the last line is `N passed, N failed`.
#
#   run_all.sh BUILD     what `make check` runs: layers, unit tests, command line, guest programs, of one build
#   run_all.sh --full    what CI runs: builds with gcc and clang, sanitizers and poison, and all suites on them
#
# A suite is a command whose last line is `N passed, N failed`. One that ends without such a line, or with status 0 and
# failures, counts as one failure more. Logs are in build/check/. Variables: JOBS (2), FUZZ_SECONDS (20), DIFFERENTIAL_SECONDS (60).
set -u
cd "$(dirname "$0")/.." || exit 1
export JOBS=${JOBS:-2}
logs=build/check
mkdir -p $logs
export VEE_STORE=off # translations that are kept between runs have suites of their own
total_passed=0 total_failed=0

# suite NAME COMMAND...
suite() {
    local name=$1 log=$logs/$1.log start=$SECONDS passed failed status
    shift
    "$@" >"$log" 2>&1
    status=$?
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
        if [ $status != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    else
        passed=0 failed=1
    fi
    if [ "$failed" != 0 ]; then
        echo "--- $name: $*"
        tail -n 60 "$log"
    fi
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
    echo "$name: $passed passed, $failed failed ($((SECONDS - start)) s)"
}

# step COMMAND...: one that either works or not, as a suite of one test
step() { "$@" && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; return 1; }; }

build() { step make -j"$JOBS" "$@" all tests; }

# units BUILD
units() { find "$1/test" -type f -name 'test_*' -perm -u+x | sort | xargs test/run_units.sh; }

one_build() {
    suite layers step tool/check_layers.py
    suite docs tool/check_docs.py
    suite tools test/run_tools.sh
    suite units units "$1"
    suite cli test/run_cli.sh "$1/vee"
    suite programs test/run_programs.sh "$1/vee"
    suite process test/process/run.sh "$1/vee"
    suite litmus test/run_litmus.sh "$1/vee" 6
    suite fuzz-calls test/run_fuzz_calls.sh "$1/vee" 12
    suite machine test/run_machine.sh "$1/vee"
    suite digests test/run_digests.sh "$1"
    suite language test/language/run.sh "$1"
}

full() {
    suite build-gcc build
    suite build-clang build CC=clang
    suite build-san build CC=clang SAN=address,undefined
    suite build-poison build POISON=1 DEBUG=1
    suite build-tsan step make -j"$JOBS" CC=clang SAN=thread B=build/tsan build/tsan/vee
    suite layers step tool/check_layers.py
    suite docs tool/check_docs.py
    suite tools test/run_tools.sh
    for variant in "" /clang /clang-san /poison-debug; do
        local v=${variant#/}
        suite "units-${v:-gcc}" units build$variant
        case $v in
        "") suite cli-gcc test/run_cli.sh build/vee ;;
        clang-san) suite cli-san env VEE_WINDOW=1 ASAN_OPTIONS=disable_coredump=0 test/run_cli.sh build$variant/vee ;;
        *) suite "cli-$v" test/run_cli.sh build$variant/vee usage process machine wasm embed ;;
        esac
    done
    for tier in interp baseline auto; do
        suite "programs-$tier" test/run_programs.sh build/vee --tier $tier
        suite "programs-$tier-window" test/run_programs.sh build/vee --tier $tier --window
    done
    # The first run keeps translations, the second adds to them, the third finds nothing to add.
    rm -rf build/store
    for run in 1 2 3; do
        suite "programs-store-$run" env VEE_STORE="$PWD/build/store" test/run_programs.sh build/vee
        suite "programs-store-window-$run" env VEE_STORE="$PWD/build/store" test/run_programs.sh build/vee --tier baseline --window
    done
    for run in 1 2; do
        suite "programs-store-san-$run" env ONLY='!(exec_limits)' VEE_STORE="$PWD/build/store" test/run_programs.sh build/clang-san/vee --window
        suite "programs-store-poison-$run" env VEE_STORE="$PWD/build/store" test/run_programs.sh build/poison-debug/vee
    done
    for variant in "" /clang-san /poison-debug; do
        local w=${variant#/}
        suite "machine-${w:-gcc}" test/run_machine.sh build$variant/vee
    done
    suite process test/process/run.sh build/vee
    suite litmus test/run_litmus.sh build/vee 60
    suite fuzz-calls test/run_fuzz_calls.sh build/vee 60
    suite fuzz-calls-san env SANITIZED=1 test/run_fuzz_calls.sh build/clang-san/vee 60
    # The sanitizer's own handlers would hide which signals a program was started with.
    # In a window the sanitizer's shadow has addresses that are the guest's; and landlock's rules do not name its libraries.
    suite process-san env ONLY='!(attack_memory|attack_pointers|remote)' ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0 \
        test/process/run.sh build/clang-san/vee --tier baseline --window
    # The cache cannot be emptied while a thread waits for a page (docs/limitations.md).
    suite process-random-flush env ONLY='!(userfault)' test/process/run.sh build/poison-debug/vee --random-flush
    suite digests test/run_digests.sh build
    suite language test/language/run.sh build
    suite language-san test/language/run.sh build/clang-san
    suite programs-clang test/run_programs.sh build/clang/vee
    # Without the one that leaves no descriptors for a dynamic loader.
    suite programs-san env ONLY='!(exec_limits)' test/run_programs.sh build/clang-san/vee --tier baseline --window
    # Retranslating at every step is slow: the programs that strain the engine most, not those that compute.
    local strain='@(exec_self|fork_wait|fenv_*|fork_code|generated_code|jumps|mappings|signal_@(basic|death|fault|info|mask|stack)|threads_*|variadic)'
    suite programs-one-block env ONLY="$strain" test/run_programs.sh build/poison-debug/vee --tier baseline --one-block
    suite programs-random-flush test/run_programs.sh build/poison-debug/vee --random-flush --window
    suite programs-poll-always test/run_programs.sh build/poison-debug/vee --poll-always
    # Without signals and forks, of which that sanitizer knows too little as vee makes them; at addresses that it expects.
    suite programs-tsan setarch -R env TIME_LIMIT=300 ONLY='threads_@(atomics|basic|end)' test/run_programs.sh build/tsan/vee --window
    suite programs-tsan-interp setarch -R env TIME_LIMIT=300 ONLY='threads_@(basic|end)' test/run_programs.sh build/tsan/vee --window --tier interp
    suite fuzz step make fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-20}"
    suite fuzz-differential test/run_differential.sh "${DIFFERENTIAL_SECONDS:-60}"
}

case ${1:-} in
--full) full ;;
"") echo "usage: run_all.sh BUILD | --full" >&2 && exit 2 ;;
*) one_build "$1" ;;
esac
echo "$total_passed passed, $total_failed failed"
[ $total_failed = 0 ]
