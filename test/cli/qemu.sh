# The options and variables of QEMU's user-mode emulator.
needs riscv64-linux-gnu-gcc || return
riscv64-linux-gnu-gcc -O2 -static "$here/machine.c" -o machine || { fail "machine.c does not build"; return; }
riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || fail "guest.c does not build"
unset $(compgen -e QEMU_) X Y
ln -sf "$vee" qemu-riscv64
q=./qemu-riscv64
expect 0 "vee *" "" $q -version
expect 0 "vee *" "" $q --version
expect 0 "Synopsis*" "" $q -help
expect 0 "Synopsis*" "" $q -h

# what a program sees; and one that it executes
for way in "" "exec ./machine"; do
    expect 0 "riscv64 9.8.7, stack *, page 4096, random *" "" $q -r 9.8.7 ./machine $way
    expect 0 "riscv64 9.8.7, stack *, page 4096, random *" "" env QEMU_UNAME=9.8.7 $q ./machine $way
    expect 0 "riscv64 *, stack 1234567, *" "" $q -s 1234567 ./machine $way
    expect 0 "riscv64 *, stack 2097152, *" "" env QEMU_STACK_SIZE=2M $q ./machine $way
    expect 0 "riscv64 *, page 4096, *" "" $q -p 4096 ./machine $way
    for base in 0 0x10000000; do expect 0 "riscv64 *" "" $q -B $base ./machine $way; done
    expect 0 "riscv64 *" "" $q -R 0x80000000 -one-insn-per-tb ./machine $way
    expect 0 "riscv64 *" "" env QEMU_SINGLESTEP= QEMU_GUEST_BASE=0x10000 $q ./machine $way
done
for seed in 1 2 1; do $q -seed $seed ./machine; done >seeds
check "a seed decides" test "$(sed -n 1p seeds)" = "$(sed -n 3p seeds)" -a "$(sed -n 1p seeds)" != "$(sed -n 2p seeds)"
check "by the environment, too" test "$(QEMU_RAND_SEED=2 $q ./machine)" = "$(sed -n 2p seeds)"
expect 125 "" "vee: --page-size: pages have 4096 bytes, not 65536" $q -p 65536 ./machine
expect 125 "" "vee: QEMU_PAGESIZE: 'x' is not a size*" env QEMU_PAGESIZE=x $q ./machine
expect 125 "" "vee: --reserved: 4096 is not between 2G and 64T" $q -R 4096 ./machine

# the processor
for model in max rv64 any rv64,g=on,c=true,zba=on,v=off rv64,Zicboz=true,vext=no; do
    expect 0 "riscv64 *" "" $q -cpu $model ./machine
done
expect 0 "riscv64 *" "" env QEMU_CPU=rv64 $q ./machine
expect 125 "" "vee: --cpu: there is no model 'sifive-u54'; there are: max rv64 any" $q -cpu sifive-u54 ./machine
expect 125 "" "vee: --cpu: 'v=on': this processor has no such extension; it is rv64imafdc_*" $q -cpu rv64,v=on ./machine
expect 125 "" "vee: --cpu: 'zba=off': this processor always has that; *" $q -cpu max,zba=off ./machine
expect 125 "" "vee: --cpu: 'vlen=128' is not NAME=on or NAME=off*" $q -cpu max,vlen=128 ./machine
expect 125 "" "vee: --cpu: '' is not NAME=on or NAME=off*" $q -cpu max, ./machine

# variables, with commas between them under this name only
expect 0 "X=1 Y=2" "" $q -E X=1,Y=2 ./guest env
expect 0 "X=1 Y=-" "" env Y=2 Z=3 QEMU_SET_ENV=X=1 $q -U Z,Y ./guest env
expect 0 "X=1,Y=2 Y=-" "" "$vee" -E X=1,Y=2 ./guest env
expect 125 "" "vee: --env: 'Y' is not VAR=VALUE" $q -E X=1,Y ./guest env

# what is not there
expect 125 "" "vee: --gdb: there is no debugger interface*" $q -g 1234 ./machine
expect 125 "" "vee: QEMU_GDB: there is no debugger interface*" env QEMU_GDB=1234 $q ./machine
for option in trace dfilter plugin; do expect 125 "" "vee: --$option: *" $q -$option x ./machine; done

# logs
expect 0 "riscv64 *" "+([0-9]) *uname(0x*) = 0*" $q -strace ./machine
expect 0 "riscv64 *" "*uname(0x*" env QEMU_STRACE= $q ./machine
expect 0 "riscv64 *" "*uname(0x*" env QEMU_LOG=strace $q ./machine
expect 125 "" "vee: --log: 'cpu' is not a list of *" $q -d cpu ./machine
mkdir -p sub
expect 0 "riscv64 *" "" $q -d in_asm,out_asm,op,int -D log ./machine
check "a log" grep -q "block 1" log
expect 0 "riscv64 *" "" $q --tier interp -strace -D sub/log-%d.txt ./machine exec ./machine
check "a log with the process's id, of both programs" grep -q "execve.*uname" <(tr '\n' ' ' <"$(echo sub/log-+([0-9]).txt)")
expect 0 "riscv64 *" "" env QEMU_LOG=strace QEMU_LOG_FILENAME=other $q ./machine
check "the same by variables" grep -q "uname(" other
expect 125 "" "vee: /nowhere/log: No such file or directory" $q -D /nowhere/log ./machine

# scripts are known by their own name
printf '#!%s/machine\n' "$PWD" >a-script && chmod +x a-script
expect 0 "a-script?./a-script?./a-script" "" $q ./machine exec ./a-script
