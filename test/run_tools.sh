#!/usr/bin/env bash
# Tests of the scripts in tool/ and of the test runners themselves: that they find what they are there to find.
# usage: run_tools.sh [BUILD]     BUILD: has the program test/process/abi_dump; build
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
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

# objects FOLDER TEXT: objects of a build with one file
objects() {
    rm -rf "$work/obj"
    mkdir -p "$work/obj/src/$1"
    printf '%s\n' "$2" | gcc -c -x c -o "$work/obj/src/$1/x.o" - && tool/check_objects.py "$work"
}
expect 0 "objects: 1, violations: 0" objects engine '#include <string.h>
#include <unistd.h>
int f(char *p) { return write(1, p, strlen(p)); }'
expect 1 "*engine/x: malloc*violations: 1" objects engine 'void *malloc(unsigned long); void *f(void) { return malloc(9); }'
expect 1 "*process/linux/x: pthread_mutex_lock*violations: 1" objects process/linux '#include <pthread.h>
void f(pthread_mutex_t *m) { pthread_mutex_lock(m); }'
expect 1 "*vm/x: counter*is state*violations: 1" objects vm 'int f(void) { static int counter; return ++counter; }'
expect 0 "objects: 1, violations: 0" objects vm 'static const char *const names[] = {"a"}; const char *f(int i) { return names[i]; }'
expect 1 "*mem/x: puts*violations: 1" objects mem '#include <stdio.h>
void f(void) { puts("x"); }'
expect 0 "objects: 1, violations: 0" objects machine 'void free(void *); void f(void *p) { free(p); }'

# unlisted: what docs/layers.md lists and is not there
unlisted() {
    rm -rf "$work/obj"
    mkdir -p "$work/obj/src/engine"
    echo 'int f(void) { return 1; }' | gcc -c -x c -o "$work/obj/src/engine/fault.o" - && tool/check_objects.py "$work"
}
expect 1 "*engine/fault has no state called engines*violations: 1" unlisted

# documents FILE TEXT: this tree with something more at the end of a file
documents() {
    rm -rf "$work/tree"
    mkdir "$work/tree"
    ln -s "$PWD"/* "$work/tree"
    rm "$work/tree/src"
    cp -r src "$work/tree/src"
    printf '%s\n' "$2" >>"$work/tree/$1"
    tool/check_docs.py "$work/tree"
}
expect 1 "*src/mem/phys.h: docs/layers.md does not tell who calls what struct upward has*1 failed" documents src/mem/phys.h \
    'struct upward {
    void (*call)(void);
};'
expect 1 "*src/base/sort.h: docs/layers.md does not tell who calls what later has*1 failed" documents src/base/sort.h \
    'void later(void (*call)(void *to), void *to);'

# outside FILE TEXT: objects of a build with one file, whose folder and name say what it may ask the host for
outside() {
    rm -rf "$work/obj"
    mkdir -p "$work/obj/src/$(dirname "$1")"
    printf '%s\n' "$2" | gcc -O1 -c -x c -o "$work/obj/src/$1.o" - && tool/check_outside.py "$work"
}
expect 0 "outside: 1 objects, violations: 0" outside vm/vm 'int f(int a) { return a + 1; }'
expect 1 "*process/linux/file: clock_gettime asks*violations: 1" outside process/linux/file '#include <time.h>
int f(struct timespec *t) { return clock_gettime(CLOCK_REALTIME, t); }'
expect 0 "outside: 1 objects, violations: 0" outside process/linux/time '#include <time.h>
int f(struct timespec *t) { return clock_gettime(CLOCK_REALTIME, t); }'
expect 1 "*machine/uart: read asks*violations: 1" outside machine/uart '#include <unistd.h>
int f(char *p) { return read(0, p, 1) == 1; }'
expect 1 "*language/wasm/call: os_random asks*violations: 1" outside language/wasm/call 'void os_random(void *, unsigned long);
void f(void *p) { os_random(p, 8); }'
expect 1 "*guest/riscv/csr: rdtsc asks*violations: 1" outside guest/riscv/csr 'unsigned long f(void) { return __builtin_ia32_rdtsc(); }'
expect 1 "*process/linux/events: syscall asks*violations: 1" outside process/linux/events 'long f(long n) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11", "memory");
    return r;
}'
expect 1 "*vm/api: os_call asks*violations: 1" outside vm/api 'long os_call(long); long f(void) { return os_call(39); }'
expect 1 "*process/linux/file: open64 asks*violations: 1" outside process/linux/file '#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
int f(void) { return open("/etc/passwd", O_RDONLY); }'

# layers FILE TEXT: a tree with one file
layers() {
    rm -rf "$work/src"
    mkdir -p "$work/src/$(dirname "$1")" "$work/src/guest/riscv" "$work/src/guest/wasm" "$work/src/host/x86_64"
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
expect 0 "$good" layers process/linux/riscv64.c '#include "guest/riscv/riscv.h"'
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
expect 1 "$bad" layers machine/riscv.c '#include "guest/riscv/csr.h"'
expect 1 "$bad" layers process/x.c '#include "vee/vee.h"'
expect 1 "$bad" layers base/x.c '#include "parts.def"'
expect 1 "*engine/ names 'linux'*1 violations" layers engine/x.c '#include <linux/futex.h>'
expect 1 "*engine/ names 'riscv'*1 violations" layers engine/x.c 'int riscv_pc;'
expect 1 "*engine/ names 'wasm'*1 violations" layers engine/x.c 'bool is_wasm2(void);'
expect 1 "*engine/ names 'riscv'*1 violations" layers engine/x.c 'char *s = "RISCV64GC";'
expect 1 "*mem/ names 'linux'*1 violations" layers mem/x.c 'int linux_map(void);'
expect 1 "*vm/ names 'plic'*1 violations" layers vm/x.c 'int plic;'
# what of guest memory is a system's: what its calls are told, answer and are about; the host's in one file only
expect 1 "*mem/ has 'MAP_GROWSDOWN' of system calls*1 violations" layers mem/space.c 'int f(int flags) { return flags & MAP_GROWSDOWN; }'
expect 1 "*mem/ has 'MREMAP_FIXED' of system calls*1 violations" layers mem/space_remap.c 'int f(int flags) { return flags & MREMAP_FIXED; }'
expect 1 "*mem/ has 'ENOMEM' of system calls*1 violations" layers mem/space.c 'long f(void) { return -ENOMEM; }'
expect 1 "*mem/ has 'errno' of system calls*1 violations" layers mem/x.h 'static inline long f(void) { return -(long)errno; }'
expect 1 "*mem/ has 'brk' of system calls*1 violations" layers mem/space.h 'enum mapping_kind { KIND_FILE, KIND_BRK };'
expect 1 "*mem/ has 'rlimit' of system calls*1 violations" layers mem/space.h 'struct rlimit limits;'
expect 1 "*mem/ has 'mremap' of system calls*1 violations" layers mem/space_remap.c 'void *f(void *p) { return mremap(p, 1, 2, 0); }'
expect 0 "$good" layers mem/space_host.c 'int f(void *p) { return mmap(p, 1, PROT_READ, MAP_PRIVATE | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EEXIST; }'
expect 1 "*mem/ has 'PROT_GROWSDOWN' of system calls*1 violations" layers mem/space_host.c 'int f(int prot) { return prot & PROT_GROWSDOWN; }'
expect 1 "*mem/ has '-ENOMEM' of system calls*1 violations" layers mem/space_host.c 'long f(void) { return -ENOMEM; }'
expect 1 "*mem/ has '-(long)errno' of system calls*1 violations" layers mem/space_host.c 'long f(void) { return -(long)errno; }'
expect 1 "*mem/ has 'vdso' of system calls*1 violations" layers mem/space_host.c 'int vdso;'
expect 0 "$good" layers process/linux/x.c 'long f(void) { return MAP_GROWSDOWN ? -ENOMEM : -errno; }'
expect 1 "*core/ names 'wasm'*1 violations" layers core/x.def 'char *name = "a wasm module";'
expect 1 "*language/ names 'wasm'*1 violations" layers language/x.c 'extern int language_wasm;'
expect 1 "*language/ may not include*" layers language/x.c '#include "language/jvm/machine.h"'
expect 1 "$bad" layers language/wasm/x.c '#include "language/pascal/machine.h"'
expect 0 "$good" layers language/wasm/x.c '#include "guest/wasm/wasm.h"
#include "language/wasm/machine.h"
#include "language/language.h"'
expect 1 "*vm/ names 'uart'*1 violations" layers vm/x.h 'struct UART_state;'
expect 1 "*host/ names the system call 'SYS_mmap'*" layers host/x86_64/x.c 'int n = SYS_mmap;'
foreign="*not a host's file, but it knows"
expect 1 "$foreign 'uc_mcontext'*" layers process/linux/x.c 'long f(ucontext_t *c) { return c->uc_mcontext.gregs[16]; }'
expect 1 "$foreign 'asm'*" layers process/linux/x.c 'void f(void) { asm volatile("syscall"); }'
expect 1 "$foreign '__asm__'*" layers host/x.c 'void f(void) { __asm__("nop"); }'
expect 1 "$foreign '__x86_64__'*" layers base/x.c '#ifdef __x86_64__'
expect 1 "$foreign 'SA_RESTORER'*" layers process/linux/x.c 'int flags = SA_RESTORER;'
expect 1 "$foreign 'REG_RIP'*" layers engine/x.c 'int n = REG_RIP;'
expect 1 "$foreign '%rdi'*" layers mem/x.S '        movq %rdi, %rax'
expect 0 "$good" layers base/x_x86_64.S '        movq %rdi, %rax'
expect 0 "$good" layers base/x_x86_64.c 'void f(void) { __asm__("nop"); }'
expect 0 "$good" layers host/x86_64/x.c 'long f(ucontext_t *c) { return c->uc_mcontext.gregs[REG_RIP]; }'
expect 0 "$good" layers cmd/x.S '        .incbin "program"'
expect 1 "*process/ uses cpu->jumps*1 violations" layers process/x.c 'int f(void) { return c->cpu->jumps.entered; }'
expect 0 "$good" layers engine/x.c 'int f(void) { return c->cpu->jumps.entered; }'
expect 1 "*process/ names the instruction set 'riscv64'*1 violations" layers process/linux/x.c 'extern int riscv64_calls;'
expect 1 "*process/ names the instruction set 'arm64'*1 violations" layers process/x.c 'const char *m = "arm64";'
expect 0 "$good" layers process/linux/riscv64.c 'extern int riscv64_calls;'
expect 1 "*machine/ names the instruction set 'riscv'*1 violations" layers machine/x.c 'const char *isa = "riscv";'
expect 0 "$good" layers machine/riscv.c 'const char *isa = "riscv,isa";'
expect 0 "$good" layers process/linux/x.c 'int x; /* as on riscv64 */'
expect 1 "*folder extra is in no layer*" layers extra/x.c ''
expect 0 "$good" layers guest/riscv/x.c 'int f(struct riscv_cpu *cpu, struct builder *b) { return riscv_get_fs(cpu) + b->pc; }'
expect 1 "*'raw_fs' is for accessors only*" layers guest/riscv/x.c 'int f(struct riscv_cpu *cpu) { return cpu->raw_fs; }'
expect 1 "*'raw_x' is for accessors only*" layers process/linux/x.c 'int f(void) { return sizeof cpu->raw_x; }'
expect 1 "*'cpu->c.pc' is for accessors only*" layers guest/riscv/x.c 'int f(struct riscv_cpu *cpu) { return cpu->c.pc; }'
expect 1 "*'c->fp_flags' is for accessors only*" layers guest/riscv/x.c 'int f(struct cpu *c) { return c->fp_flags; }'
expect 1 "*'field_get' is for accessors only*" layers guest/wasm/x.c 'int f(struct cpu *c) { return field_get(c, 0, 0); }'

expect 1 "*'SYS_process_vm_readv' is for src/process/linux/peek.c only*1 violations" layers process/linux/proc_maps.c \
    'long f(int pid, void *v) { return host_wait(SYS_process_vm_readv, pid, v, 1, v, 1, 0); }'
expect 1 "*'process_vm_readv' is for*1 violations" layers machine/x.c 'long f(int pid, void *v) { return process_vm_readv(pid, v, 1, v, 1, 0); }'
expect 1 "*'\"/mem\"' is for*1 violations" layers process/linux/x.c 'void f(char *s) { strcpy(s, "/mem"); }'
expect 1 "*'published_layout' is for*1 violations" layers process/linux/proc_view.c 'int f(void) { return published_layout(PART_space)->size; }'
expect 0 "$good" layers process/linux/peek.c 'long f(int pid, void *v) { return host_wait(SYS_process_vm_readv, pid, v, 1, v, published_layout(0)->size, 0); }'

# published FILE SED-SCRIPT: the version of what processes publish (published.h), with a change in a header
published() {
    rm -rf "$work/changed"
    mkdir -p "$work/changed/$(dirname "$1")"
    sed "$2" "src/$1" >"$work/changed/$1"
    [ -n "$2" ] && cmp -s "src/$1" "$work/changed/$1" && echo "nothing is changed" && return 2
    printf '%s\n' '#include "process/linux/published.h"' '#include <stdio.h>' \
        'int main(void) { return printf("version %lx\n", published_version()) < 0; }' >"$work/x.c"
    gcc -std=gnu17 -D_GNU_SOURCE= -Wall -Wextra -Werror -I"$work/changed" -Isrc -Iinclude -I"$build/gen" -o "$work/x" \
        "$work/x.c" src/process/linux/published.c && "$work/x"
}
version=$(published process/linux/published.h '')
# other_version FILE SED-SCRIPT: is it another one?
other_version() {
    local now
    now=$(published "$@") && [[ $now == version* ]] && [ "$now" != "$version" ]
}
expect 0 "version *" published process/linux/published.h ''
expect 1 "" other_version process/process.h '/^struct cpu;/d; s/char \*exe;.*/char *exe;/' # nothing that is published
expect 0 "" other_version process/process.h 's/uint32_t tid;/uint32_t more, tid;/'
expect 0 "" other_version process/process.h 's/uint64_t awaited\[2\];/uint64_t awaited[3];/' # a larger element
expect 0 "" other_version mem/space.h 's/SPACE_R = 1, SPACE_W = 2/SPACE_R = 2, SPACE_W = 1/'
expect 0 "" other_version mem/space.h 's/uint32_t left, right, height/uint32_t right, left, height/'
expect 0 "" other_version process/linux/published.h '/R(FIELD, uint64_t, files_most)/d'
expect 0 "" other_version process/linux/published.h 's/R(FIELD, uint64_t, key)/R(FIELD, int64_t, key)/'
expect 0 "" other_version process/linux/published.h 's/R(IN, uint64_t, dev, m.dev)/R(IN, uint64_t, dev, m.ino)/'
expect 1 "*a row of another size*" published process/linux/published.h 's/R(FIELD, uint32_t, tid)/R(FIELD, uint64_t, tid)/'
expect 1 "*no member named*tide*" published process/linux/published.h 's/R(FIELD, uint32_t, tid)/R(FIELD, uint32_t, tide)/'
expect 1 "*unary plus*" published process/linux/published.h 's/R(LINK, next)/R(FIELD, uint64_t, next)/'

# flags SED-SCRIPT: what is found of a table of uops with a change
flags() {
    mkdir -p "$work/core"
    sed "$1" src/core/uop.def >"$work/core/uop.def"
    gcc -std=gnu17 -D_GNU_SOURCE= -O1 -I"$work" -Isrc -o "$work/flags" test/core/test_flags.c src/core/eval.c \
        src/core/fp.c src/core/fp_convert.c -lcmocka && "$work/flags"
}
expect 0 "*PASSED*1 test*" flags ''
expect 1 "*fadd_f64 accrues 0x*" flags 's/U(fadd_f##F, T, T, T, N, ROUND, FP,/U(fadd_f##F, T, T, T, N, ROUND, 0,/'
expect 1 "*fclass_f64 accrues 0*" flags 's/fclass_f##F, I64, T, N, N, PLAIN, PURE/fclass_f##F, I64, T, N, N, PLAIN, FP/'
rm -rf "$work/core"

# memory STATEMENT: clang's opinion of a use of guest memory's host address
memory() {
    printf '%s\n' '#include "mem/space.h"' '#include <string.h>' "int f(struct space *s, char *b) { $1; }" >"$work/x.c"
    clang -std=gnu17 -Wall -Wextra -Werror -Isrc -fsyntax-only "$work/x.c"
}
if command -v clang >/dev/null; then
    expect 0 "" memory 'return (int)copy_guarded(b, space_host(s, 8), 4)'
    expect 1 "*noderef*" memory 'return *space_host(s, 8) + !b'
    expect 1 "*noderef*" memory 'return memcmp(b, space_host(s, 8), 4)'
    expect 1 "*noderef*" memory 'const unsigned char *p = space_host(s, 8); return *p + !b'
fi

# state ROWS: a struct with these rows (core/object.h), under both compilers
state() {
    printf '%s\n' '#include "core/object.h"' '#include <stdbool.h>' \
        'struct thing { uint64_t level; bool on; struct thing *next; uint32_t marks[3]; struct { int x; } parts[2]; };' \
        "#define THING_ROWS(R) $1" 'OBJECT_TYPE(thing_type, "thing", struct thing, THING_ROWS)' >"$work/x.c"
    local compiler
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        $compiler -std=gnu17 -Wall -Wextra -Werror -Isrc -c -o "$work/x.o" "$work/x.c" || return 1
    done
}
level='R(FIELD, level, MODE)' on='R(FIELD, on, MODE)' next='R(HOST, next, "a list")' marks='R(ARRAY, marks, MODE)'
parts='R(HOST_IN, parts, "none")'
expect 0 "" state "$level $on $next $marks $parts"
expect 1 "*missing*parts*" state "$level $on $next $marks"
expect 1 "*error*" state "$level $next $marks $parts" # `on`, which would fit in a gap
expect 1 "*error*" state "$on $next $marks $parts"
expect 1 "*missing*on*" state "$level"
expect 1 "*excess*" state "$level $on $next $marks $parts R(FIELD, on, MODE)"
expect 1 "*duplicate member*" state "$level $next $next $marks $parts"
expect 1 "*no member named*none*" state "$level R(HOST, none, \"\") $next $marks $parts"
expect 1 "*rows in another order*" state "$on $level $next $marks $parts"
expect 1 "*unary plus*" state "$level $on R(FIELD, next, MODE) $marks $parts" # an address is no number
expect 1 "*unary plus*" state "$level $on $next $marks R(ARRAY, parts, MODE)"

# registers MEMBER: a struct made of rows (core/fields.h), with something else in it
registers() {
    printf '%s\n' '#include "core/fields.h"' '#define ROWS(FIELD, ARRAY) FIELD(uint64_t, a, MODE, 0, 0, 0, 0)' \
        "struct thing { FIELDS_STRUCT(ROWS) $1 };" 'FIELDS_WHOLE(struct thing, FIELDS_INIT(ROWS));' >"$work/x.c"
    gcc -std=gnu17 -Wall -Wextra -Werror -Isrc -fsyntax-only "$work/x.c"
}
expect 0 "" registers ''
expect 1 "*missing*hidden*" registers 'uint8_t hidden;'

# system_calls FILE SED-SCRIPT: the tables with a change in one
system_calls() {
    rm -rf "$work/linux"
    mkdir "$work/linux"
    cp src/process/linux/*.def "$work/linux" && sed -i "$2" "$work/linux/$1" && tool/syscalls.py "$work/linux"
}
expect 0 "# System calls*| 117 | \`ptrace\` | ENOSYS |*## Passed on*## Answered by vee*" system_calls syscall.def ''
expect 0 "*## Made with the engine's lock*| \`uname\` | a name that is copied |*" system_calls held.def ''
expect 1 "*riscv64.def: no row for ?63?" system_calls generic.def 's/NUMBER(63, read)//'
expect 1 "*number 64 has two rows" system_calls generic.def 's/NUMBER(63,/NUMBER(64,/'
expect 1 "*number 300 has the row x, which there is not" system_calls arm64.def 's/38, renameat/300, x/'
expect 1 "*rows without a number: renameat" system_calls arm64.def '/renameat/d'
expect 1 "*read has two rows" system_calls syscall.def 's/^PASS(write,/PASS(read,/'
expect 1 "*host_do(SYS_uname) may wait with the lock*" system_calls held.def '/^HELD(uname,/d'

# abi SED-SCRIPT: what is said of system calls, with a change
abi() {
    "$build/test/process/abi_dump" | sed "$1" >"$work/abi"
    printf '#!/bin/sh\ncat %s\n' "$work/abi" >"$work/dump"
    chmod +x "$work/dump"
    test/process/check_abi.py "$work/dump"
}
expect 0 "* passed, 0 failed" abi ''
expect 1 "*arm64: *number of openat*1 failed" abi '/^abi arm64/,/^abi arm32/s/^number 56 openat/number 57 openat/'
expect 1 "*arm64: no row for __NR_renameat*1 failed" abi '/^number 38 renameat/d'
expect 1 "*arm64: *O_DIRECT*1 failed" abi 's/^value O_DIRECT 65536/value O_DIRECT 16384/'
expect 1 "*arm64: *SA_RESTORER*1 failed" abi 's/^value SA_RESTORER .*/value SA_RESTORER 4/'
expect 1 "*arm64: *stat.st_nlink*1 failed" abi '/^abi arm64/,/^abi arm32/s/^field stat st_nlink 20 4/field stat st_nlink 16 4/'
expect 1 "*arm64: *sigaction.mask*1 failed" abi 's/^field sigaction mask 24 8/field sigaction mask 16 8/'
expect 1 "*riscv64: *size of stat*1 failed" abi '/^abi riscv64/,/^abi arm64/s/^struct stat 128/struct stat 144/'
expect 1 "*riscv64: *uc_mcontext.sc_regs*1 failed" abi 's/^fact 176 /fact 168 /'
expect 1 "*arm64: *user_fpsimd_state*1 failed" abi 's/^fact 528 /fact 520 /'
expect 1 "*arm32: *HWCAP_SWP*1 failed" abi 's/^fact 569559 /fact 569558 /'
expect 1 "*arm32: *number of mmap2*1 failed" abi 's/^number 192 mmap2/number 90 mmap2/'
expect 1 "*arm32: *flock.l_start*1 failed" abi '/^abi arm32/,$s/^field flock l_start 8 8/field flock l_start 4 8/'

# rows LINE...: tool/isagen.py on a small instruction set of fixed bits
rows() {
    rm -rf "$work/isa"
    mkdir -p "$work/isa"
    printf '%s\n' '%notation fixed' '%kind reg names a b c d' '%kind num signed' '%field x reg 2 register' \
        '%field y reg 2 register' '%field n num' "$@" >"$work/isa/t.isa"
    tool/isagen.py t "$work/isa" "$work/gen"
}
add='0000 x y n[3:0] 0000 | add x, y, n | W(x, y, n)'
nop='0000 00 00 0000 0000 | nop ; over add | NOP'
expect 0 "" rows "$add" "$nop" '1111 n[7:0] x 00 | jmp x, n | J(x, n)' '1110 n[0] y n[7:1] x | odd.{n} x, y | J(x, y, n)'
expect 1 "*t.isa:8: nop and add (*t.isa:7) both have 0x0" rows "$add" '0000 00 00 0000 0000 | nop | NOP'
expect 1 "*over sub: they have nothing in common" rows '0000 x!=1 y n[3:0] 0000 | sub x, y, n | W(x, y, n)' \
    '0000 01 00 0000 0000 | one ; over sub | NOP'
expect 1 "*one is not wholly inside add*" rows "$add" '0000 01 00 0000 x 00 | one x ; over add | W(x)'
expect 1 "*over sub: there is no such row" rows "$add" '0001 01 00 0000 0000 | one ; over sub | NOP'
expect 1 "*15 bits, not 16 or 32" rows '000 x y n[3:0] 0000 | add x, y, n | W(x, y, n)'
expect 1 "*the text leaves out y" rows '0000 x y n[3:0] 0000 | add x, n | W(x, y, n)'
expect 1 "*the meaning leaves out n" rows '0000 x y n[3:0] 0000 | add x, y, n | W(x, y)'
expect 1 "*x is twice in the text" rows '0000 x y n[3:0] 0000 | add x, x, y, n | W(x, y, n)'
expect 1 "*z is neither bits nor a field" rows '0000 x z n[3:0] 0000 | add x, z, n | W(x, z, n)'
expect 1 "*bits of n are not covered once each*" rows '0000 x y n[3|1:0] 00000 | add x, y, n | W(x, y, n)'
expect 1 "*bits of n are not covered once each*" rows '0000 x y n[2:0] n[2] 0000 | add x, y, n | W(x, y, n)'
expect 1 "*x needs its bits in brackets" rows '0000 x x y 000000 | add x, y | W(x, y)' "$add"
expect 1 "*add is also at*" rows "$add" '0001 x y n[3:0] 0000 | add x, n, y | W(x, y, n)'
expect 1 "*a row has 3 columns, this one 2" rows '0000 x y n[3:0] 0000 | add x, y, n'
expect 1 "*no row has field n" rows '0000 x y 00000000 | add x, y | W(x, y)'
expect 1 "*no field has kind k" rows "$add" '%kind k hex'
expect 1 "*field x is defined twice" rows "$add" '%field x reg 2'
expect 1 "*a text is there twice" rows "$add" '%kind k names p q p'
expect 1 "*a number has two texts" rows "$add" '%kind k names p q 1=r'
expect 1 "*unknown directive fields" rows "$add" '%fields z reg 2'
expect 1 "*this file needs one line*" rows "$add" '%notation fixed'
expect 1 "*there is no file */none.def" rows "$add" '%kind k names @none.def'
expect 0 "" rows "$add" '%extension zb machine' '%extension zan probe 3' '%extension sa' '%extension c' '%extension f probe 0'
expect 0 "*X(f, 0) X(c, -1)*X(process, zan, 3) X(machine, zb, -1) X(process, sa, -1)*" grep -h '#define T_' "$work/gen/t_isa.h"
expect 1 "*za is also at*" rows "$add" '%extension za' '%extension za'
expect 1 "*bit 3 is also at*" rows "$add" '%extension za probe 3' '%extension zb probe 3'
expect 1 "*%extension NAME *machine* *probe N*" rows "$add" '%extension za probe 64'
expect 1 "*%extension NAME *machine* *probe N*" rows "$add" '%extension za user'

# bytes LINE...: tool/isagen.py on a small set of byte codes
bytes() {
    rm -rf "$work/isa"
    mkdir -p "$work/isa"
    printf '%s\n' '%notation bytecode' "$@" >"$work/isa/t.isa"
    tool/isagen.py t "$work/isa" "$work/gen"
}
add='6a | i32.add | | i32 i32 -> i32 | B2(add_i32, a, b)'
expect 0 "" bytes "$add" 'fc 01 | f | local mem | * | * exact:1' 'fc 02 | g | memarg:2 | i32 -> i32 | LOAD(load_u32)' \
    '%unsupported fd SIMD'
expect 1 "*t.isa:3: opcode overlaps that of *t.isa:2" bytes "$add" '6a | i32.sub | | i32 i32 -> i32 | B2(sub_i32, a, b)'
expect 1 "*t.isa:3: opcode overlaps that of *t.isa:2" bytes "$add" '6a 00 | i32.sub | | i32 i32 -> i32 | B2(sub_i32, a, b)'
expect 1 "*t.isa:3: opcode overlaps that of *t.isa:2" bytes "$add" '%unsupported 6a addition'
expect 1 "*bad opcode '6'" bytes '6 | nop | | -> | NONE'
expect 1 "*bad immediate 'lokal'" bytes '6a | get | lokal | * | *'
expect 1 "*bad immediate 'memarg'" bytes '6a | get | memarg | * | *'
expect 1 "*more than two immediates" bytes '6a | get | local local local | * | *'
expect 1 "*unknown type 'i16'" bytes '6a | add | | i16 -> i32 | a'
expect 1 "*types are 'operands -> results'" bytes '6a | add | | i32 i32 | a'
expect 1 "*at most three operands and one result" bytes '6a | add | | i32 -> i32 i32 | a'
expect 1 "*a meaning needs plain types" bytes '6a | add | | * | a'
expect 1 "*'*' or '*NAME', perhaps with*" bytes '6a | add | | * | *call me'
expect 1 "*a row has 5 columns, this one 4" bytes '6a | add | | i32 -> i32'
expect 1 "*neither a row nor*" bytes "$add" '%unsuported fd SIMD'

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
expect 0 "*: 2 skipped?1 passed, 0 failed" script 'echo ok 1 - a; echo "ok 2 # SKIP b"; echo "not ok 3 # SKIP c"'

# ... and the runner of suites what says nothing, hangs, or ends with a status that does not fit
suites() {
    printf '%s\n' "$@" >"$work/suites"
    LOGS=$work/logs SUITE_LIMIT=2 test/run_all.sh --from "$work/suites"
}
two='suite two echo "2 passed, 0 failed"'
expect 0 "*two: 2 passed, 0 failed (*3 passed, 0 failed" suites "$two" 'suite one step true'
expect 1 "*2 passed, 1 failed" suites "$two" 'suite one step false'
expect 1 "*2 passed, 1 failed" suites "$two" 'suite silent echo "3 passed, 0 failed."'
expect 1 "*5 passed, 1 failed" suites "$two" 'suite bad bash -c "echo 3 passed, 0 failed; exit 4"'
expect 1 "*no end within 2 s*2 passed, 1 failed" suites 'suite hangs bash -c "echo 3 passed, 0 failed; sleep 60 & wait"' "$two"
expect 1 "*5 passed, 2 failed" suites 'lane() { run a echo "3 passed, 1 failed"; run b step false; }' 'beside lane' "$two"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
