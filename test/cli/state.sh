# All state as text (-d state): the same in every process of the host, whose addresses are all different, on every tier,
# and however memory is reached; nothing in it is an address of the host's.
needs riscv64-linux-gnu-gcc wat2wasm || return
if ! riscv64-linux-gnu-gcc -O2 -static "$here/state.c" -o static || ! riscv64-linux-gnu-gcc -O2 "$here/state.c" -o dynamic ||
    ! bare -o bare || ! wat2wasm "$here/module.wat" -o module.wasm; then
    fail "state.c, bare.S or module.wat does not build"
    return
fi
libraries=/usr/riscv64-linux-gnu
# same NAME COUNT OPTIONS... -- OPTIONS...: a program stopped at a count, with some options and with others
same() {
    local name=$1 count=$2 first=()
    shift 2
    while [ "$1" != -- ]; do first+=("$1"); shift; done
    shift
    "$vee" -L "$libraries" "${first[@]}" --digest-at "$count" -d state "$name" >/dev/null 2>first.txt
    "$vee" -L "$libraries" "$@" --digest-at "$count" -d state "$name" >/dev/null 2>second.txt
    check "$name at $count has state" test "$(wc -l <first.txt)" -gt 10
    check "$name at $count: ${first[*]} and $*" cmp first.txt second.txt
    check "$name at $count: no address of the host" sh -c '! grep -E "^vm.* 0x(7[0-9a-f]|5[56])[0-9a-f]{10}$" first.txt'
}
for count in 0 100 40000 120000; do
    for program in static dynamic; do
        same $program $count --tier interp -- --tier interp
        same $program $count --tier interp -- --tier baseline
        same $program $count --tier interp -- --window
        same $program $count --tier baseline -- --store "$work/kept"
        same $program $count --tier baseline -- --one-block
    done
    same bare $count --tier interp -- --tier interp
    same bare $count --tier interp -- --tier baseline
done
for count in 0 3 7; do
    same module.wasm $count --tier interp -- --tier interp
    same module.wasm $count --tier interp -- --tier baseline
done
# what is different shows, by its name
"$vee" --digest-at 1000 -d state bare >/dev/null 2>first.txt
"$vee" --digest-at 1001 -d state bare >/dev/null 2>second.txt
check "another count is another state" sh -c 'diff first.txt second.txt | grep -q "^> vm.cpu.0..count.executed 0x3e9"'
"$vee" --digest-at 120000 -d state static >/dev/null 2>first.txt
for line in 'vm.data.threads.0..mask 0x800' 'vm.data.threads.0..filters.0..length.0. 8 bytes .*' \
    'vm.data.threads.0..stack_size 0x10000' 'vm.data.own_actions.10..handler 0x.*' 'vm.data.data_limit.0. 0x40000000'; do
    check "state has $line" grep -Eqx "$line" first.txt
done
