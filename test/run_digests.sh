#!/usr/bin/env bash
# Exact state: runs run_digests.c over programs of every kind of machine. Usage: run_digests.sh BUILD
#
# Processes are the binaries that run_programs.sh builds; programs of bare machines and byte-code modules are built here.
# Programs with interrupts, several modes, and one, two or more harts are those of test/machine and the guest of the
# privileged fuzzer: in counted time interrupts come at fixed counts, and harts take turns at fixed counts. Variables: CC (gcc), ONLY (a shell pattern of program names).
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
machine() { # machine NAME OPTIONS LINKER-SCRIPT SOURCES...
    # shellcheck disable=SC2254
    case $1 in ${ONLY:-*}) ;; *) return ;; esac
    ${CROSS:-riscv64-linux-gnu-gcc} -O2 -march=rv64gc_zicbom_zicboz -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie \
        -fno-stack-protector -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
        -ffunction-sections -Wl,--gc-sections -T "$3" -o "$work/$1" "${@:4}" || exit 1
    files+=("$work/$1$2")
}
b=machine/bare
for name in interrupts delegation traps paging translations sleep watchdog; do
    machine $name "" $b/link.ld $b/start.S $b/bare.c $b/$name.c
done
machine harts ,smp=3 $b/link.ld $b/start.S $b/bare.c $b/harts.c
s=machine/supervisor
for name in two_harts,smp=2 ipis,smp=4 timers,smp=4 rfences,smp=3 atomics,smp=3; do
    machine ${name%%,*} ",memory=3M,clock=count,bios=default,${name#*,}" $s/link.ld $s/start.S $b/bare.c $s/${name%%,*}.c
done
f=../fuzz/privileged
machine privileged ,memory=7M $f/link.ld $f/start.S $f/guest.c
for source in language/*.wat ../examples/*.wat; do
    [ -e "$source" ] || continue
    grep -q '"_start"' "$source" || continue # a library of functions, not a program
    module=$work/$(basename "$source" .wat).wasm
    wat2wasm "$source" -o "$module" 2>/dev/null && files+=("$module")
done
"$work/run_digests" "${files[@]}"
