# Translations that are kept between runs: used, added to, and never trusted when they could be somebody else's.
needs riscv64-linux-gnu-gcc || return
if ! riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || ! riscv64-linux-gnu-gcc -O2 "$here/guest.c" -o dynamic; then
    fail "guest.c does not build"
    return
fi
# loaded COUNT-PATTERN vee options...: runs the guest, which has to do the right thing, and looks at --stats
loaded() {
    local pattern=$1
    shift
    expect 0 "?./guest??args?" "*" "$vee" --stats "$@" ./guest args
    local n
    n=$(sed -n 's/^blocks_loaded *//p' err.txt)
    # shellcheck disable=SC2053
    [[ ${n:-0} == $pattern ]] && pass || fail "blocks_loaded is ${n:-0}, not $pattern, with $*"
}
some='[1-9]*'
loaded 0 --store "$PWD/kept"
check "store: a file" test "$(ls kept | wc -l)" = 1
check "store: rights" test "$(stat -c %a kept kept/* | tr '\n' ' ')" = "700 600 "
loaded "$some" --store "$PWD/kept"
VEE_STORE=$PWD/kept loaded "$some"
VEE_STORE=$PWD/kept loaded 0 --store off
loaded 0 --store "$PWD/kept" --tier interp
loaded 0 --store "$PWD/kept" --counted
loaded "$some" --store "$PWD/kept" --tier baseline

# Another program at the same place, with the same first page.
cp guest other
printf '\0' | dd of=guest bs=1 seek=$(($(stat -c %s guest) - 1)) conv=notrunc status=none
loaded "$some" --store "$PWD/kept" # a byte that is not code
python3 - <<'PYTHON'
data = bytearray(open("guest", "rb").read())
at = data.index(b"\x73\x00\x00\x00", 0x2000)       # an ecall of the C library's, now an ebreak
data[at:at + 4] = b"\x73\x00\x10\x00"
open("changed", "wb").write(data)
PYTHON
chmod +x changed
"$vee" --store off ./changed args >plain.txt 2>/dev/null
want=$?
"$vee" --store "$PWD/kept" ./changed args >kept.txt 2>/dev/null
check "store: changed code does what it does" test $? = $want
check "store: changed code says what it says" cmp plain.txt kept.txt
cp other guest

# Damage, at the beginning, in the middle and at the end.
file=$(ls -S kept/* | head -1)
cp "$file" whole
for at in 0 8 40 100 $(($(stat -c %s whole) / 2)) $(($(stat -c %s whole) - 1)); do
    cp whole "$file"
    printf '\xa5' | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    loaded "$([ "$at" -le 100 ] && echo 0 || echo "$some")" --store "$PWD/kept" # the index, or a page
done
head -c 1000 whole >"$file"
loaded 0 --store "$PWD/kept"
: >"$file"
loaded 0 --store "$PWD/kept"

# What others could have written.
cp whole "$file"
chmod 622 "$file"
loaded 0 --store "$PWD/kept"
rm -rf kept/*
ln -s "$PWD/whole" "$file"
loaded 0 --store "$PWD/kept"
rm -rf kept/*
cp whole "$file"
chmod 600 "$file"
loaded "$some" --store "$PWD/kept"
chmod 777 kept
loaded 0 --store "$PWD/kept"
chmod 700 kept
ln -s kept link
loaded 0 --store "$PWD/link"
loaded 0 --store /dev/null
loaded 0 --store /nonexistent/kept
if [ "$(id -u)" = 0 ]; then
    chown 12345 "$file"
    loaded 0 --store "$PWD/kept"
    rm -f "$file"
fi

# No room, no memory for files of that size: the guest hears nothing of it.
rm -rf kept/*
expect 0 "?./guest??args?" "" env bash -c 'ulimit -f 1; "$0" --store "$1" ./guest args' "$vee" "$PWD/kept"
check "store: nothing half done" test -z "$(ls -A kept)"

# What is executed by the guest has the same store; dynamic programs share their libraries.
expect 0 "X=1 Y=-" "" env X=1 "$vee" --store "$PWD/kept" -L /usr/riscv64-linux-gnu ./dynamic env
many=$(ls kept | wc -l)
check "store: a file for each image" test "$many" -ge 3
riscv64-linux-gnu-gcc -O1 "$here/guest.c" -o second
expect 0 "X=1 Y=-" "" env X=1 "$vee" --store "$PWD/kept" -L /usr/riscv64-linux-gnu ./second env
check "store: libraries are shared" test "$(ls kept | wc -l)" -le $((many + 1))

# A directory that is full loses more than it must, so that not every save has to look for the oldest.
mkdir -m 700 full
for i in $(seq 100 359); do
    truncate -s 2M "full/$i"
    touch -d "2020-01-01 +$i minutes" "full/$i"
done
loaded 0 --store "$PWD/full"
check "store: the oldest are gone" test ! -e full/100
check "store: and more than must" test "$(find full -name '[0-9][0-9][0-9]' | wc -l)" -le 224
check "store: the newest are not" test -e full/359
check "store: nor what was saved" test "$(find full -type f ! -name '[0-9][0-9][0-9]' | wc -l)" = 1
