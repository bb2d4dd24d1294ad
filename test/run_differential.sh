#!/usr/bin/env bash
# Runs the differential fuzzer of riscv code. usage: run_differential.sh SECONDS [SEED]
#
# Two thirds of the time all tiers are compared with each other (user, supervisor and machine mode, traps, changing
# code), one third the interpreter with qemu-riscv64, if that is version 7.2 or 10, and the baseline tier below vee itself.
# The seed is 1 unless given, so that a failure comes again; give others to look further. The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${1:?usage: run_differential.sh SECONDS [SEED]} seed=${2:-1}
passed=0 failed=0

run() {
    echo "fuzz_riscv $*"
    if build/fuzz_riscv --seed "$seed" "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

make -s all fuzz_riscv fuzz_runner || { echo "0 passed, 1 failed"; exit 1; }
run --seconds $((seconds * 2 / 3))
run --against "build/vee --tier baseline build/fuzz_runner" --seconds $((seconds / 9))
# What QEMU lacks or does otherwise: the ctzw of 7.2 counts on into the upper half of a register whose lower half is zero;
# 10 drops the reservation while it waits for it, and not all of its Zfa says what is inexact.
model=rv64,Zfh=true,zbkb=true,zbkc=true,zbkx=true,zknh=true,zksh=true without=
case $(qemu-riscv64 --version 2>/dev/null | sed -n 1p) in
*" 7.2."*) without=zfa,zicbo,zcb,zicond,zawrs,zimop,zcmop,ctzw ;;
*" 10."*)
    model+=,zcb=true,zimop=true,zcmop=true,zicond=true
    without=zfa,zawrs
    ;;
*) echo "qemu-riscv64: not of a version whose differences are known: not compared" ;;
esac
if [ -n "$without" ]; then
    run --against "env QEMU_CPU=$model qemu-riscv64 build/fuzz_runner" --without $without --seconds $((seconds * 2 / 9))
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
