#!/usr/bin/env bash
# Tests WebAssembly. usage: run.sh BUILD [SUITE...]; suites: scripts programs random mangled (default: all)
#
#   scripts   *.wast, assertion by assertion (run_wast.c), on every tier and under every way of poisoning
#   programs  programs/*.wat with the program vee: see `program` below for what their comments say
#   random    modules made by random_module.py: the result is that of wabt's interpreter, and the digests of the whole
#             state after some counts of instructions are the same on both tiers. RANDOM_SEEDS: how many (12)
#   mangled   modules cut off everywhere and with bits flipped (mangle.c). MANGLE_EVERY: every so manieth bit (13)
#
# Needs wabt. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:?usage: run.sh BUILD [SUITE...]}
shift
tests=test/language
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# check NAME STATUS [TEXT]: counts one test; TEXT says what went wrong
check() {
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1${3:+: $3}"
    fi
}

# add FILE: adds the sums that a program printed last
add() {
    local good=0 bad=1
    if [[ $(tail -n 1 "$1") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
    fi
    if [ "$bad" != 0 ]; then tail -n 30 "$1"; fi
    passed=$((passed + good)) failed=$((failed + bad))
}

# comments KEY FILE: the values of the file's comments `;; KEY: value`
comments() { sed -n "s/^;; $1: \{0,1\}//p" "$2"; }

scripts() {
    local f options
    wat2wasm $tests/spectest.wat -o "$scratch/spectest.wasm" || return
    for f in $tests/*.wast; do
        # shellcheck disable=SC2046
        wast2json $(comments wast2json "$f") "$f" -o "$scratch/$(basename "$f" .wast).json"
        check "wast2json $f" $?
    done
    # Where every block is translated anew, filling the stack takes too long.
    for options in "--tier interp" "--tier baseline" "--tier interp --counted" "--tier baseline --counted" \
        "--tier baseline --random-flush" "--tier baseline --one-block"; do
        if [[ $options == *one-block ]]; then rm "$scratch"/{call,tail_call}.json; fi
        # shellcheck disable=SC2086
        "$build/test/language/run_wast" --check $options "$scratch/spectest.wasm" "$scratch"/*.json >"$scratch/log" 2>&1
        add "$scratch/log"
    done
}

# program FILE TIER: a file's comments say how vee is run and what must come of it:
#   run: words, FILE among them (default: FILE)   stdin: text with escapes   wat2wasm: options   cut: bytes of the module
#   output: a line of standard output (all of them, in order)   error: part of standard error   status: exit status
program() {
    local file=$1 name words=() wanted status
    name=$(basename "$file" .wat)
    # shellcheck disable=SC2046
    wat2wasm $(comments wat2wasm "$file") "$file" -o "$scratch/$name.wasm" || return
    if [ -n "$(comments cut "$file")" ]; then truncate -s "$(comments cut "$file")" "$scratch/$name.wasm"; fi
    eval "words=($(comments run "$file"))"
    if [ ${#words[@]} = 0 ]; then words=(FILE); fi
    printf '%b' "$(comments stdin "$file")" |
        timeout 60 "$build/vee" --check --tier "$2" "${words[@]/#FILE/$scratch/$name.wasm}" >"$scratch/out" 2>"$scratch/err"
    status=$?
    comments output "$file" >"$scratch/wanted"
    cmp -s "$scratch/out" "$scratch/wanted"
    check "$name ($2)" $? "output: $(head -c 300 "$scratch/out")"
    [ "$status" = "$(comments status "$file")" ]
    check "$name ($2)" $? "status $status: $(head -c 300 "$scratch/err")"
    wanted=$(comments error "$file")
    if [ -z "$wanted" ]; then
        [ ! -s "$scratch/err" ]
    else
        grep -qF "$wanted" "$scratch/err"
    fi
    check "$name ($2)" $? "standard error: $(head -c 300 "$scratch/err")"
}

programs() {
    local file tier
    for file in $tests/programs/*.wat; do
        for tier in interp baseline; do program "$file" $tier; done
    done
}

# random_one SEED
random_one() {
    local file=$scratch/random.wasm wanted got tier count
    python3 $tests/random_module.py "$1" >"$scratch/random.wat" && wat2wasm "$scratch/random.wat" -o "$file" || return
    wanted=$(wasm-interp "$file" --run-all-exports 2>&1 | sed -n 's/^main() => i64://p; s/^.*=> error: //p')
    for tier in interp baseline; do
        got=$(timeout 60 "$build/vee" --check --tier $tier --invoke main "$file" 2>&1)
        case $got in
        *trap*) [ -n "$wanted" ] && [[ $got == *"$wanted"* ]] ;;
        *) [ "$(printf %u "$got")" = "$wanted" ] ;;
        esac
        check "random module $1 ($tier)" $? "$got, wanted $wanted"
    done
    for count in 10 999 $((1000 + $1 * 37)) 30000; do
        got=$("$build/vee" --tier interp --digest-at $count --invoke main "$file" 2>&1 | grep ^digest)
        [ -n "$got" ] && [ "$got" = "$("$build/vee" --tier baseline --digest-at $count --invoke main "$file" 2>&1 | grep ^digest)" ]
        check "random module $1, digest at $count" $? "$got"
    done
}

random() {
    local seed
    for ((seed = 1; seed <= ${RANDOM_SEEDS:-12}; seed++)); do
        random_one $seed
        check "random module $seed" $?
    done
}

mangled() {
    local f
    for f in call control memory table; do
        wast2json $tests/$f.wast -o "$scratch/$f.json" && [ -e "$scratch/$f.0.wasm" ]
        check "wast2json $f" $?
    done
    "$build/test/language/mangle" -n "${MANGLE_EVERY:-13}" "$scratch"/{call,control,memory,table}.0.wasm >"$scratch/log" 2>&1
    add "$scratch/log"
}

for program in vee test/language/run_wast test/language/mangle; do
    if [ ! -x "$build/$program" ]; then
        echo "$build/$program is not built: make all tests"
        echo "0 passed, 1 failed"
        exit 1
    fi
done
if [ $# = 0 ]; then set -- scripts programs random mangled; fi
for suite; do $suite; done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
