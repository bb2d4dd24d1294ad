# Command line, environment twins, manual.
expect 0 "vee +([0-9]).+([0-9]).+([0-9])" "" "$vee" version
expect 0 "vee *" "" "$vee" --version
expect 0 "Synopsis*--tier interp|baseline|auto*Exit status*" "" "$vee" help
expect 0 "Synopsis*" "" "$vee" --help
expect 0 "Synopsis*" "" "$vee" -h
expect 125 "" "vee: help: unknown form 'x': use --man or --markdown" "$vee" help x
"$vee" help --man >vee.1 && check "docs/vee.1 is the manual" cmp vee.1 "$here/../../docs/vee.1"
"$vee" help --markdown >usage.md && check "docs/usage.md is the manual" cmp usage.md "$here/../../docs/usage.md"

expect 125 "" "vee: no program given: try vee --help" "$vee"
expect 125 "" "vee: no program given: try vee --help" "$vee" --tier interp
expect 125 "" "vee: no program given: try vee --help" "$vee" run
expect 125 "" "vee: unknown option '--frob': try vee --help" "$vee" --frob x
expect 125 "" "vee: unknown option '-q': try vee --help" "$vee" -q x
expect 125 "" "vee: --tier needs a value" "$vee" --tier
expect 125 "" "vee: --tier: 'fast' is not interp, baseline or auto" "$vee" --tier=fast x
expect 125 "" "vee: --tier: 'fast' is not interp, baseline or auto" "$vee" --tier fast x
expect 125 "" "vee: --sysroot needs a value" "$vee" -L
expect 125 "" "vee: --memory: '1T' is not a size*" "$vee" -m1T x
expect 125 "" "vee: --append needs a value*" "$vee" --append
expect 125 "" "vee: nothing to boot: give a program, -kernel FILE or -bios FILE" "$vee" boot
expect 125 "" "vee: boot: more than one file*" "$vee" boot x y
expect 127 "" "vee: x: *" "$vee" boot x -m 512 -smp cpus=1 -M virt -cpu rv64 -nographic -serial mon:stdio -monitor none -no-reboot -global virtio-mmio.force-legacy=false
expect 125 "" "vee: -machine: type: there is no 'spike'; there are: virt" "$vee" boot x -machine spike
expect 125 "" "vee: -global: virtio-mmio.force-legacy: there is no 'true'; there are: false off" "$vee" boot x -global virtio-mmio.force-legacy=true
expect 125 "" "vee: -global: *toaster.burn*" "$vee" boot x -global toaster.burn=on
expect 125 "" "vee: -cpu: model: there is no 'thead-c906'; there are: rv64 max any" "$vee" boot x -cpu thead-c906
expect 125 "" "vee: -device: there is no 'toaster'; there are: *" "$vee" boot x -device toaster
expect 125 "" "vee: --env: 'A' is not VAR=VALUE" "$vee" -E A x
expect 125 "" "vee: --log: 'guest,x' is not a list*" "$vee" -d guest,x x
expect 125 "" "vee: VEE_TIER: 'fast' is not interp, baseline or auto" env VEE_TIER=fast "$vee" x
expect 127 "" "vee: x: no such file" env VEE_TIER=fast "$vee" --tier interp x
expect 125 "" "vee: there is no kind of machine called 'toaster'" "$vee" --kind toaster x

expect 127 "" "vee: ./nothing: no such file" "$vee" ./nothing
expect 127 "" "vee: ./two?lines?[31m: no such file" "$vee" $'./two\nlines\033[31m'
expect 127 "" "vee: -x: no such file" "$vee" -- -x
expect 127 "" "vee: run: no such file" "$vee" run run
expect 126 "" "vee: .: cannot be read: Is a directory" "$vee" .
: >empty
expect 126 "" "vee: empty: the first 0 bytes are not of any kind of program that vee runs" "$vee" empty
