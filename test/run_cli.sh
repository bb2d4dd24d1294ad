#!/usr/bin/env bash
# Tests of the program as a user sees it: output, messages and exit status. usage: run_cli.sh VEE [NAME...]
#
# Each file test/cli/NAME.sh is sourced and calls
#   expect STATUS STDOUT STDERR COMMAND...      STDOUT and STDERR are shell patterns for the whole text
#   check NAME COMMAND...                       the command must succeed
# with $vee (absolute), $here (test/cli) and $work (an empty directory) at hand. `needs COMMAND...` ends the file as
# failed when a tool is missing. The last line is `N passed, N failed`.
set -u
shopt -s extglob
vee=$(realpath "$1") here=$(realpath "$(dirname "$0")")/cli
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# VEE_WINDOW stays: sanitizers need it, as they take the addresses that a guest wants.
unset $(compgen -e VEE_ | grep -v VEE_WINDOW) QEMU_LD_PREFIX
export VEE_STORE=off # nothing is left behind, and nothing comes from other runs
passed=0 failed=0

pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    echo "--- $file: $1"
}

expect() {
    local want=$1 out=$2 err=$3 status
    shift 3
    { # the shell's own remarks on signals are not wanted
        timeout -k 5 "${TIME_LIMIT:-60}" "$@" </dev/null >out.txt 2>err.txt
        status=$?
    } 2>/dev/null
    # one newline at the end is not worth spelling
    local is_out is_err
    is_out=$(tr -d '\0' <out.txt) is_err=$(tr -d '\0' <err.txt)
    # shellcheck disable=SC2053 # patterns on purpose
    if [ $status = "$want" ] && [[ $is_out == $out ]] && [[ $is_err == $err ]]; then
        pass
    else
        fail "$*
  wanted status $want, stdout '$out', stderr '$err'
  got status $status, stdout '${is_out:0:500}', stderr '${is_err:0:500}'"
    fi
}

check() {
    local name=$1
    shift
    if "$@" >out.txt 2>&1; then
        pass
    else
        fail "$name: $*"
        head -n 20 out.txt
    fi
}

# Are core files written to the working directory, as `core` and whatever follows?
cores_are_here() { [[ $(</proc/sys/kernel/core_pattern) == @(core|"|")* ]]; }

needs() {
    for tool; do
        command -v "$tool" >/dev/null || {
            fail "$tool is not installed"
            return 1
        }
    done
}

# bare [FLAGS] -o OUT: builds test/cli/bare.S
bare() { riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,-n,--no-warn-rwx-segments,-Ttext=0x80000000,--build-id=none "$@" "$here/bare.S"; }

for name in "${@:-}"; do
    for file in "$here"/${name:-*}.sh; do
        file=$(basename "$file" .sh)
        mkdir -p "$work/$file"
        cd "$work/$file" || exit 1
        # shellcheck source=/dev/null
        . "$here/$file.sh"
    done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
