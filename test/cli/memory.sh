# No file of procfs leads a guest to the memory of vee, wherever procfs is mounted and however the file is named.
needs riscv64-linux-gnu-gcc unshare || return
riscv64-linux-gnu-gcc -O2 -static "$here/memory.c" -o memory || { fail "memory.c does not build"; return; }
expect 0 "" "" "$vee" ./memory
expect 0 "" "" "$vee" --window ./memory
if unshare -Urmpf true 2>/dev/null; then expect 0 "" "" unshare -Urmpf "$vee" ./memory as-root; fi
