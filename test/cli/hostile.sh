# Damaged files are refused with one line, or run as far as they go; vee itself never fails.
needs riscv64-linux-gnu-gcc python3 || return
bare -o bare || fail "bare.S does not build"
# A small program without a library, so that most of its headers matter.
if ! riscv64-linux-gnu-gcc -O1 -nostdlib -static -Wl,--build-id=none -x c - -o tiny <<'C'; then
void _start(void) {
    register long a7 asm("a7") = 93, a0 asm("a0") = 0;
    asm volatile("ecall" : : "r"(a7), "r"(a0));
    __builtin_unreachable();
}
C
    fail "tiny does not build"
    return
fi
expect 0 "" "" "$vee" ./tiny
hostile() {
    local last
    python3 "$here/hostile.py" "$1" "$vee" "${@:2}" >hostile.log
    last=$(tail -n 1 hostile.log)
    if [[ $last =~ ^([0-9]+)\ ([0-9]+)$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        fail "hostile.py $*"
    fi
    sed '$d' hostile.log | head -n 20
}
hostile 3 tiny
hostile 3 tiny --window
hostile 0.5 bare --kind machine --digest-at 100000
printf '\0asm\1\0\0' >short.wasm
expect 126 "" "vee: short.wasm: *" "$vee" short.wasm
