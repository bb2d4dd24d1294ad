# --root and -L: where paths lead

needs riscv64-linux-gnu-gcc
riscv64-linux-gnu-gcc -static -O1 -Wall -Wextra -Werror -Wno-unused-result "$here/root.c" -o program
echo outside >marker

tree() { # a new root
    rm -rf system
    mkdir -p system/bin system/proc system/dev system/sys system/tmp
    cp program system/bin/
    printf inside >system/marker
    chmod 777 system system/marker
}
chmod 755 .
for options in "" "--window" "--tier interp" "--tier baseline"; do
    tree
    expect 0 "" "" "$vee" $options --root system /bin/program all "$PWD/marker" 0.5
    check "nothing was made outside" test "$(ls | grep -v '^\(err\|out\)' | tr '\n' ' ')" = "marker program system "
    check "nothing was changed outside" test "$(cat marker)" = outside
done
# Without any rights.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    tree
    chown -R 65534:65534 system
    chmod 755 "$work" .
    cp "$vee" ./vee-copy
    expect 0 "" "" setpriv --reuid 65534 --regid 65534 --clear-groups ./vee-copy --root system /bin/program all "$PWD/marker" 0.5
    rm -f vee-copy
fi
tree
expect 77 "" "" env VEE_ROOT="$PWD/system" "$vee" bin/program ok
expect 127 "" "vee: --root: $PWD/nowhere: No such file or directory" "$vee" --root nowhere /bin/program ok
expect 127 "" "vee: /bin/nothing: No such file or directory" "$vee" --root system /bin/nothing
mkdir -p system/deep/er
expect 77 "" "" sh -c 'cd system/deep/er && exec "$0" --root ../.. ../../bin/program ok' "$vee"

# What is held while a path is looked at takes no number that the program is to get.
riscv64-linux-gnu-gcc -static -O1 "$here/../process/guest/lowest.c" -o system/bin/lowest
expect 0 "" "" "$vee" --root system /bin/lowest

# -L: the root first, and each directory is one.
tree
mkdir -p system/etc "system$PWD"
printf 'in the root' >system/etc/only
ln -s /etc/only system/etc/absolute
for options in "" "--window" "--tier interp"; do
    expect 0 "" "" "$vee" $options -L system system/bin/program beside "$PWD"
    check "the root is as before" test "$(ls system/etc | tr '\n' ' ')" = "absolute only "
    check "the host is as before" sh -c '! ls /etc | grep vee-test'
done
