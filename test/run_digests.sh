#!/usr/bin/env bash
# Exact state: runs run_digests.c over programs of every kind of machine. Usage: run_digests.sh BUILD
#
# Processes are the binaries that run_programs.sh builds; the bare machine's program and the byte-code modules are
# built here. Variables: CC (gcc), ONLY (a shell pattern of program names).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here" || exit 1

# Libraries as the build has them; sanitized builds bring their own flags.
${CC:-gcc} -std=gnu17 -O2 -Wall -Wextra -Werror -I ../include run_digests.c "$build/libvee.a" -lxxhash -lfdt -lz -lzstd \
    -o "$work/run_digests" || exit 1

processes=(big_numbers bit_tricks coroutines deep_recursion fenv_flags float_bits forth fourier jumps printf_floats
    regular_expressions sha256 signal_basic signal_fault sort_search struct_passing)
files=()
for name in "${processes[@]}"; do
    # shellcheck disable=SC2254
    case $name in ${ONLY:-*}) files+=("../build/programs/riscv64/$name") ;; esac
done
(IFS='|' && ONLY="@(${processes[*]})" ./run_programs.sh --compile >&2) || exit 1
make -s -C ../examples/bare >&2 || exit 1
files+=(../examples/bare/bare.elf)
for source in language/*.wat ../examples/*.wat; do
    [ -e "$source" ] || continue
    grep -q '"_start"' "$source" || continue # a library of functions, not a program
    module=$work/$(basename "$source" .wat).wasm
    wat2wasm "$source" -o "$module" 2>/dev/null && files+=("$module")
done
"$work/run_digests" "${files[@]}"
