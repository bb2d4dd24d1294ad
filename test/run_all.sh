#!/usr/bin/env bash
# Runs suites of tests and sums them up; the last line is `N passed, N failed`.
#
#   run_all.sh BUILD     what `make check` runs: layers, unit tests, command line, guest programs, of one build
#   run_all.sh --full    what CI runs: builds with gcc and clang, sanitizers and poison, and all suites on them
#   run_all.sh --from FILE     the suites of FILE, which is sourced
#
# A suite is a command whose last line is `N passed, N failed`. One that ends without such a line, or with a status that
# does not fit, counts as one failure more, and so does one that takes too long, which is ended. As many suites as there
# are processors run side by side, each with one job; each line says how long it took and how much of that the processor
# worked.
# Variables: JOBS (2), LOGS (build/check), SUITE_LIMIT (1500 seconds), FUZZ_SECONDS (20), DIFFERENTIAL_SECONDS (60), LITMUS_SECONDS (60).
set -u
cd "$(dirname "$0")/.." || exit 1
export JOBS=${JOBS:-2}
logs=${LOGS:-build/check}
limit=${SUITE_LIMIT:-1500}
export VEE_STORE=off # translations that are kept between runs have suites of their own

# run NAME COMMAND...: runs a suite to its end and keeps its sums; COMMAND may be a function of this file
run() {
    local name=$1 log=$logs/$1.log passed failed status took user system
    shift
    TIMEFORMAT='%0R %0U %0S'
    took=$({ time timeout -k 10 "$limit" "$self" --command "$@" >"$log" 2>&1 </dev/null; echo "$?" >"$log.status"; } 2>&1)
    read -r took user system <<<"${took##*$'\n'}"
    status=$(<"$log.status")
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then echo "no end within $limit s" >>"$log"; fi
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
        if [ "$status" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    else
        passed=0 failed=1
    fi
    echo "$passed $failed" >"$logs/$name.sums"
    {
        flock 9
        if [ "$failed" != 0 ]; then
            echo "--- $name: $*"
            tail -n 60 "$log"
        fi
        echo "$name: $passed passed, $failed failed ($took s, worked $((user + system)) s)"
    } 9>>"$logs/lock"
}

# beside COMMAND...: runs it beside others, as soon as a processor is free
beside() {
    while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do wait -n; done
    JOBS=1 "$@" &
}

suite() { beside run "$@"; }

# step COMMAND...: one that either works or not, as a suite of one test
step() { "$@" && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; return 1; }; }

build() { step make -j"$JOBS" "$@" all tests; }

# units BUILD
units() { find "$1/test" -type f -name 'test_*' -perm -u+x | sort | xargs test/run_units.sh; }

# Units under the least limits, but those that ask for instructions of more values than any has.
units_tiny() { find build/tiny/test -type f -name 'test_*' -perm -u+x ! -name test_pressure | sort | xargs test/run_units.sh; }

one_build() {
    run programs-compile step test/run_programs.sh --compile
    suite process test/process/run.sh "$1/vee"
    suite language test/language/run.sh "$1"
    suite machine env VEE_CHECK=1 test/run_machine.sh "$1/vee"
    suite disk test/run_disk.sh "$1/vee"
    suite cli test/run_cli.sh "$1/vee"
    suite programs env VEE_CHECK=1 test/run_programs.sh "$1/vee"
    suite digests test/run_digests.sh "$1"
    suite inputs test/run_inputs.sh "$1"
    suite units units "$1"
    suite layers step tool/check_layers.py
    suite docs tool/check_docs.py
    suite tools test/run_tools.sh "$1"
    suite abi test/process/check_abi.py "$1/test/process/abi_dump"
    suite fuzz-calls test/run_fuzz_calls.sh "$1/vee" 12
    wait
    run litmus test/run_litmus.sh "$1/vee" 6
}

# The first run keeps translations, the second adds to them, the third finds nothing to add.
store_runs() {
    local store=$PWD/build/store n
    rm -rf "$store"
    for n in 1 2 3; do
        run "programs-store-$n" env VEE_STORE="$store" test/run_programs.sh build/vee
        run "programs-store-window-$n" env VEE_STORE="$store" test/run_programs.sh build/vee --tier baseline --window
    done
    for n in 1 2; do
        run "programs-store-san-$n" env ONLY='!(exec_limits)' VEE_STORE="$store" test/run_programs.sh build/clang-san/vee --window
        run "programs-store-poison-$n" env VEE_STORE="$store" test/run_programs.sh build/poison-debug/vee
    done
}

full() {
    run build-gcc build
    run build-fuzzers-riscv step make -j"$JOBS" fuzz_riscv fuzz_runner fuzz_calls
    run build-clang build CC=clang
    run build-san build CC=clang SAN=address,undefined
    run build-poison build POISON=1 DEBUG=1
    run build-fuzz-poison step make -j"$JOBS" POISON=1 DEBUG=1 fuzz_riscv
    run build-tiny build TINY=1 POISON=1 DEBUG=1 B=build/tiny
    run build-tsan step make -j"$JOBS" CC=clang SAN=thread B=build/tsan build/tsan/vee
    run build-fuzzers step make -j"$JOBS" CC=clang SAN=fuzzer-no-link,address,undefined B=build/fuzz fuzzers
    run programs-compile step test/run_programs.sh --compile
    # Those that take longest come first.
    beside store_runs
    suite process test/process/run.sh build/vee
    # The sanitizer's own handlers would hide which signals a program was started with.
    # In a window the sanitizer's shadow has addresses that are the guest's; landlock's rules do not name its
    # libraries; and those need descriptors.
    suite process-san env ONLY='!(attack_memory|attack_pointers|remote|exec)' ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0 \
        test/process/run.sh build/clang-san/vee --tier baseline --window
    # The cache cannot be emptied while a thread waits for a page (docs/limitations.md).
    suite process-random-flush env ONLY='!(userfault)' test/process/run.sh build/poison-debug/vee --random-flush
    suite language-san test/language/run.sh build/clang-san
    for variant in /clang-san /poison-debug ""; do
        local w=${variant#/}
        suite "machine-${w:-gcc}" test/run_machine.sh build$variant/vee
    done
    # Without the one that leaves no descriptors for a dynamic loader.
    suite programs-san env ONLY='!(exec_limits)' test/run_programs.sh build/clang-san/vee --tier baseline --window
    for variant in /clang-san /poison-debug "" /clang; do
        local v=${variant#/}
        suite "units-${v:-gcc}" units build$variant
        case $v in
        "") suite cli-gcc test/run_cli.sh build/vee ;;
        clang-san) suite cli-san env VEE_WINDOW=1 ASAN_OPTIONS=disable_coredump=0 test/run_cli.sh build$variant/vee ;;
        *) suite "cli-$v" test/run_cli.sh build$variant/vee usage process machine wasm embed ;;
        esac
    done
    suite effects test/run_effects.sh build/poison-debug 6e7
    suite programs-random-flush test/run_programs.sh build/poison-debug/vee --random-flush --window
    suite programs-poll-always test/run_programs.sh build/poison-debug/vee --poll-always
    # Without the one whose output is how much each call does. The others go on (test/programs/patient.h).
    suite programs-disturb env ONLY='!(vector_io)' test/run_programs.sh build/vee --disturb
    suite disk-san test/run_disk.sh build/clang-san/vee
    suite disk-poison test/run_disk.sh build/poison-debug/vee
    suite machine-disturb env ONLY='@(serial|sleep|interrupts)' test/run_machine.sh build/vee --disturb
    # Where a page is waited for translations cannot be dropped (docs/limitations.md).
    suite programs-drop-lock env ONLY='@(threads_*|fork_*|exec_*)' test/run_programs.sh build/poison-debug/vee --drop-lock
    suite process-drop-lock env ONLY='!(userfault)' test/process/run.sh build/vee --tier auto --drop-lock
    # Retranslating at every step is slow: the programs that strain the engine most, not those that compute.
    local strain='@(exec_self|fork_wait|fenv_*|fork_code|generated_code|jumps|mappings|signal_@(basic|death|fault|info|mask|stack)|threads_*|variadic)'
    suite programs-one-block env ONLY="$strain" test/run_programs.sh build/poison-debug/vee --tier baseline --one-block
    # The least limits (src/base/limits.h): what happens when one is reached happens all the time.
    suite programs-tiny env ONLY="$strain" test/run_programs.sh build/tiny/vee --tier baseline
    suite machine-tiny test/run_machine.sh build/tiny/vee
    suite language-tiny test/language/run.sh build/tiny
    suite units-tiny units_tiny
    # Without signals and forks, of which that sanitizer knows too little as vee makes them; at addresses that it expects.
    suite programs-tsan setarch -R env TIME_LIMIT=300 ONLY='threads_@(atomics|basic|end)' test/run_programs.sh build/tsan/vee --window
    suite machine-tsan setarch -R env TIME_LIMIT=300 ONLY='@(harts|rfences|fences_of_code|reset|reboot)' test/run_machine.sh build/tsan/vee
    suite programs-tsan-interp setarch -R env TIME_LIMIT=300 ONLY='threads_@(basic|end)' test/run_programs.sh build/tsan/vee --window --tier interp
    for tier in interp baseline auto; do
        suite "programs-$tier" test/run_programs.sh build/vee --tier $tier
        suite "programs-$tier-window" env VEE_CHECK=1 test/run_programs.sh build/vee --tier $tier --window
    done
    suite programs-clang test/run_programs.sh build/clang/vee
    suite language test/language/run.sh build
    suite digests test/run_digests.sh build
    suite inputs test/run_inputs.sh build
    suite inputs-poison test/run_inputs.sh build/poison-debug
    suite fuzz step make fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-20}"
    suite forks test/process/forks.sh build/vee 300 60
    suite forks-poison test/process/forks.sh build/poison-debug/vee 50 20
    suite fuzz-calls-san env SANITIZED=1 test/run_fuzz_calls.sh build/clang-san/vee 60
    suite fuzz-calls test/run_fuzz_calls.sh build/vee 60
    suite fuzz-differential test/run_differential.sh "${DIFFERENTIAL_SECONDS:-60}"
    suite fuzz-privileged fuzz/privileged/run.py --seconds "${PRIVILEGED_SECONDS:-20}"
    suite layers step tool/check_layers.py
    suite objects step tool/check_objects.py build
    suite objects-clang step tool/check_objects.py build/clang
    suite outside step tool/check_outside.py build
    suite outside-clang step tool/check_outside.py build/clang
    suite docs tool/check_docs.py
    suite tools test/run_tools.sh build
    suite abi test/process/check_abi.py build/test/process/abi_dump
    wait
    # Alone: its threads want all processors.
    run litmus test/run_litmus.sh build/vee "${LITMUS_SECONDS:-60}"
}
self=$PWD/test/run_all.sh
case ${1:-} in
--command) # what `run` runs, so that it can be ended
    shift
    "$@"
    exit
    ;;
"") echo "usage: run_all.sh BUILD | --full | --from FILE" >&2 && exit 2 ;;
esac
rm -rf $logs
mkdir -p $logs
# An end from outside ends the suites: they are children of the shells that wait for them.
trap 'for job in $(jobs -p); do kill $(cat /proc/$job/task/$job/children) $job 2>/dev/null; done; exit 130' INT TERM
case $1 in
--full) full ;;
--from)
    # shellcheck source=/dev/null
    . "$2" && wait
    ;;
*) one_build "$1" ;;
esac
total_passed=0 total_failed=0
while read -r passed failed; do
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
done < <(cat $logs/*.sums)
echo "$((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$total_passed passed, $total_failed failed"
[ $total_failed = 0 ]
