# A bare-metal program on the machine: console, status, counts and digests.
needs riscv64-linux-gnu-gcc || return
if ! bare -o bare || ! bare -DSTATUS=7 -o bare7; then
    fail "bare.S does not build"
    return
fi
hello="hello from the machine"
for tier in interp baseline; do
    expect 0 "$hello" "" "$vee" --tier $tier bare
    expect 0 "$hello" "" "$vee" boot --tier $tier bare
    expect 7 "$hello" "" "$vee" --tier $tier bare7
    expect 0 "$hello" "" env VEE_TIER=$tier "$vee" --check --one-block bare
    expect 0 "$hello" "" env VEE_TIER=$tier "$vee" --random-flush bare
done
expect 0 "$hello" "blocks *translate_ns_per_instruction *" "$vee" --stats bare
expect 0 "$hello" "*lbu a2, 0(a0)*" "$vee" -d guest bare
expect 0 "$hello" "*block 80000000 ctx*80000000: mark 4*put *" "$vee" -d uops bare
expect 0 "$hello" "exit * at 800000* value *" "$vee" -d exits bare
expect 0 "$hello" "*mov*" "$vee" -d host --tier baseline bare
expect 126 "" "vee: bare: segment * outside *" "$vee" boot -m 4K bare
# linked without -n: the page of the file's headers is before RAM
if riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,--no-warn-rwx-segments,-Ttext=0x80000000 -o plain "$here/bare.S"; then
    expect 0 "$hello" "" "$vee" plain
    expect 0 "$hello" "" "$vee" boot plain
else
    fail "bare.S does not build without -n"
fi

# traps and page walks in the log, and what is counted
if riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,-n,--no-warn-rwx-segments,-Ttext=0x80000000,--build-id=none -o traps "$here/traps.S"; then
    word=0x$(printf '%016x' 0x40001234)
    for tier in interp baseline; do
        expect 0 "" "int cpu:0 count:* async:0 cause:8 pc:0x00000000800000* value:$(printf '0x%016x' 0) U to M trap_ecall_u?int cpu:0 count:* async:0 cause:13 pc:0x00000000800000* value:$word M to M trap_page_load?int cpu:0 count:* async:1 cause:7 pc:0x00000000800000* value:$(printf '0x%016x' 0) M to M interrupt_m_timer" \
            "$vee" --tier $tier -d int traps
        check "counts of traps grow" sh -c "sed 's/.*count:\([0-9]*\).*/\1/' err.txt | sort -nuc"
        expect 0 "" "*mmu cpu:0 fetch address:0x0000000080000* physical:0x0000000080000* size:0x40000000 rights:--x*mmu cpu:0 read address:0x* physical:0x* size:0x40000000 rights:rw- filled*mmu cpu:0 read address:$word fault:fault_read*" \
            "$vee" --tier $tier -d mmu traps
        expect 0 "" "*page_walks *code_walks *tlb_fills *device_writes *2*trap_page_load *1?*interrupt_m_timer *1" "$vee" --tier $tier --stats traps
    done
    expect 0 "" "*exit syscall at 800000*" "$vee" -d exits traps
else
    fail "traps.S does not build"
fi

# machines that get nowhere say so
nowhere() { riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,--no-warn-rwx-segments,-Ttext=0x80000000 "$@" "$here/nowhere.S"; }
if nowhere -o waits && nowhere -DSTUCK -o stuck; then
    for tier in interp baseline; do
        for harts in 1 2; do
            expect 134 "" "vee: trap: cpu 0 traps for ever: its traps lead to 0x0, *" "$vee" --tier $tier -smp $harts stuck
            expect 134 "" "vee: trap: wait for an interrupt that cannot come, at 0x8*" "$vee" --tier $tier -smp $harts waits
        done
    done
else
    fail "nowhere.S does not build"
fi
# ... and so where traps lead to an instruction that traps itself, whatever for
stuck() { # stuck WHY INSTRUCTION
    nowhere "-DAT=$2" -o stuck && nowhere -DS "-DAT=$2" -o stuck_s || fail "nowhere.S does not build: $2"
    for options in "--tier interp" "--tier baseline" "-smp 2" "--clock host" "--clock host -smp 3"; do
        for program in stuck stuck_s; do
            # shellcheck disable=SC2086
            expect 134 "" "vee: trap: cpu @(0|1|2) traps for ever: its traps lead to 0x80000*, which traps itself ($1)" timeout 20 "$vee" $options $program
        done
    done
}
stuck "illegal instruction" unimp
stuck "read where there is nothing" "ld t2, 0(t0)"
stuck "write where there is nothing" "sd t2, 0(t0)"
stuck "misaligned atomic write" "amoadd.d t2, t2, (t1)"
stuck "breakpoint" ebreak
stuck "system call" ecall
# but not where something brings it on: an interrupt, another hart, or what its handler does
if nowhere -DAT=unimp -DS -DWATCHED -o watched && nowhere -DAT=unimp -DREPAIRED -o repaired && nowhere -DMANY -o many; then
    for options in "--tier interp" "--tier baseline" "--clock host"; do
        # shellcheck disable=SC2086
        expect 0 "" "" timeout 20 "$vee" $options watched
        # shellcheck disable=SC2086
        expect 0 "" "" timeout 20 "$vee" $options -smp 2 repaired
        # shellcheck disable=SC2086
        expect 0 "" "" timeout 20 "$vee" $options many
    done
else
    fail "nowhere.S does not build"
fi

# the command line of the kernel
if riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,--no-warn-rwx-segments,-Ttext=0x80000000 -o tree "$here/tree.S"; then
    for tier in interp baseline; do
        expect 0 "*console=ttyS0 init=/a,b *bootargs*" "" "$vee" --tier $tier --append "console=ttyS0 init=/a,b" tree
        expect 0 "*quiet *bootargs*" "" "$vee" --tier $tier -append quiet tree
        expect 0 "*quiet *bootargs*" "" env VEE_APPEND=quiet "$vee" boot --tier $tier tree
        expect 0 "!(*bootargs*)" "" "$vee" --tier $tier tree
    done
    long=$(printf '%60000s' x)
    expect 125 "" "vee: tree: no memory for the board, or no room for its description" "$vee" --append "$long" tree
else
    fail "tree.S does not build"
fi

# devices
for options in "" "-device virtio-rng-device" "-device virtio-rng-pci,addr=0x4" "-device virtio-serial-pci -device virtconsole"; do
    # shellcheck disable=SC2086
    expect 0 "*virtio,mmio*pci-host-ecam-generic*" "" "$vee" boot tree $options
done
expect 125 "" "vee: -device virtio-rng-pci: addr=20 is none of the slots 1 to 1f" "$vee" boot bare -device virtio-rng-pci,addr=20
expect 125 "" "vee: -device virtio-rng-pci: addr=4 is taken by virtio-serial-pci" \
    "$vee" boot bare -device virtio-serial-pci,addr=4 -device virtio-rng-pci,addr=4
expect 125 "" "vee: -device virtio-rng-device: bus virtio-mmio-bus.8 is not there, or not free *" \
    "$vee" boot bare -device virtio-rng-device,bus=virtio-mmio-bus.8
expect 125 "" "vee: -device virtconsole: needs a -device virtio-serial-pci *" "$vee" boot bare -device virtconsole

# the same state after the same count, whatever executes it
for n in 0 1 2 37 1000 12345 777777; do
    for tier in interp baseline; do
        "$vee" --tier $tier --digest-at $n bare 2>digest.$tier >/dev/null
        "$vee" --tier $tier --check --one-block --digest-at $n bare 2>digest.$tier.poison >/dev/null
    done
    check "digest at $n" grep -q "^digest $n 0x................\$" digest.interp
    check "digest at $n: baseline" cmp digest.interp digest.baseline
    check "digest at $n: one block, interp" cmp digest.interp digest.interp.poison
    check "digest at $n: one block, baseline" cmp digest.interp digest.baseline.poison
done
# a program that ends before the count is digested at its end
expect 0 "$hello" "digest 800+([0-9]) 0x*" "$vee" --digest-at 99999999 bare

# a reset that is to end the run; and one that is not
if riscv64-linux-gnu-gcc -nostdlib -static -no-pie -Wl,--no-warn-rwx-segments,-Ttext=0x80000000 -o reset "$here/reset.S"; then
    for options in "" "-smp 3" "--clock host" "--clock host -smp 3"; do
        # shellcheck disable=SC2086
        expect 0 "boot" "" "$vee" boot $options -no-reboot reset
        # shellcheck disable=SC2086
        [ "$(timeout 20 "$vee" boot $options reset | head -n 5)" = $'boot\nboot\nboot\nboot\nboot' ] && pass || fail "five boots: $options"
    done
else
    fail "reset.S does not build"
fi
