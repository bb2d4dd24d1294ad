# The control socket, and the console on a terminal: control.py does it, with a program that echoes.
needs riscv64-linux-gnu-gcc python3 || return
flags="-O2 -ffreestanding -nostdlib -static -no-pie -mcmodel=medany -fno-stack-protector -Wl,--build-id=none -Wl,-Ttext=0x80000000"
for limit in 1000000000000 100000; do
    # shellcheck disable=SC2086
    riscv64-linux-gnu-gcc $flags -DLIMIT=${limit}ul -Wl,--no-warn-rwx-segments "$here/control.c" -o echo$limit || fail "control.c does not build"
done
while read -r line; do
    [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] && passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) && continue
    echo "$file: $line"
done < <(python3 "$here/control.py" "$vee" ./echo1000000000000 ./echo100000 2>&1 || echo "0 passed, 1 failed")
