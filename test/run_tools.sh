#!/usr/bin/env bash
# Tests of the scripts in tool/ and of the test runners themselves: that they find what they are there to find.
set -u
cd "$(dirname "$0")/.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# expect WANTED-STATUS PATTERN COMMAND...
expect() {
    local want=$1 pattern=$2 text status
    shift 2
    text=$("$@" 2>&1)
    status=$?
    # shellcheck disable=SC2053 # a pattern on purpose
    if [ $status = "$want" ] && [[ $text == $pattern ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "--- $*: wanted $want '$pattern', got $status '$text'"
    fi
}

# layers FILE TEXT: a tree with one file
layers() {
    rm -rf "$work/src"
    mkdir -p "$work/src/$(dirname "$1")" "$work/src/guest/riscv" "$work/src/guest/wasm"
    printf '%s\n' "$2" >"$work/src/$1"
    tool/check_layers.py "$work"
}
bad="*may not include*1 violations"
good="layers: 1 files, 0 violations"
expect 0 "$good" layers engine/x.c '#include "core/uop.h"'
expect 0 "$good" layers engine/x.c '#include <stdio.h>
#include "engine/internal.h"
int f(void); /* as riscv does */ // #include "vm/vm.h"'
expect 0 "$good" layers guest/riscv/x.c '#include "guest/isa.h"
#include "guest/riscv/internal.h"
#include "riscv_isa.h"'
expect 0 "$good" layers process/x.c '#include "guest/riscv/riscv.h"'
expect 0 "$good" layers cmd/x.c '#include "vee/vee.h"'
expect 1 "$bad" layers cmd/x.c '#include "vm/vm.h"'
expect 1 "$bad" layers core/x.c '#include "engine/engine.h"'
expect 1 "$bad" layers core/x.c '#include "mem/mem.h"'
expect 1 "$bad" layers mem/x.c '#include "core/cpu.h"'
expect 1 "$bad" layers host/x86_64/x.c '#include "guest/riscv/riscv.h"'
expect 1 "$bad" layers guest/wasm/x.c '#include "guest/riscv/riscv.h"'
expect 1 "$bad" layers vm/x.c '#include "engine/internal.h"'
expect 1 "$bad" layers vm/x.c '#include "process/process.h"'
expect 1 "$bad" layers machine/x.c '#include "process/process.h"'
expect 1 "$bad" layers machine/x.c '#include "guest/riscv/csr.h"'
expect 1 "$bad" layers process/x.c '#include "vee/vee.h"'
expect 1 "$bad" layers base/x.c '#include "parts.def"'
expect 1 "*engine/ names 'linux'*1 violations" layers engine/x.c '#include <linux/futex.h>'
expect 1 "*engine/ names 'riscv'*1 violations" layers engine/x.c 'int riscv_pc;'
expect 1 "*core/ names 'wasm'*1 violations" layers core/x.def 'char *name = "a wasm module";'
expect 1 "*vm/ names 'uart'*1 violations" layers vm/x.h 'struct UART_state;'
expect 1 "*host/ names the system call 'SYS_mmap'*" layers host/x86_64/x.c 'int n = SYS_mmap;'
expect 1 "*folder extra is in no layer*" layers extra/x.c ''

# the runner of unit tests counts what fails, crashes and says nothing
script() {
    printf '#!/bin/sh\n%s\n' "$1" >"$work/program"
    chmod +x "$work/program"
    test/run_units.sh "$work/program"
}
expect 0 "2 passed, 0 failed" script 'echo ok 1 - a; echo ok 2 - b'
expect 1 "*1 passed, 1 failed" script 'echo ok 1 - a; echo not ok 2 - b; exit 1'
expect 1 "*1 passed, 1 failed" script 'echo ok 1 - a; kill -SEGV $$'
expect 1 "*0 passed, 1 failed" script 'true'

echo "$passed passed, $failed failed"
[ $failed = 0 ]
