# What `make install` leaves behind: files where they belong, which are enough to run programs, to read the manual, and to
# build against the library. Of the plain build: the others are not for use.
needs "${CC:-gcc}" riscv64-linux-gnu-gcc || return
top=$(realpath "$here/../..")
[ "$(dirname "$vee")" = "$top/build" ] || return
check "make install" make -s -C "$top" install DESTDIR="$PWD/root" PREFIX=/usr
check "exactly these files" test "$(cd root && find . ! -type d | LC_ALL=C sort | tr '\n' ' ')" = "./usr/bin/vee \
./usr/bin/vee-riscv64 ./usr/include/vee/vee.h ./usr/lib/libvee.a ./usr/lib/pkgconfig/vee.pc ./usr/share/man/man1/vee-riscv64.1 \
./usr/share/man/man1/vee.1 "
check "nothing names where it was built" test -z "$(grep -l "$PWD" -r root/usr/lib/pkgconfig root/usr/share)"
check "the program" root/usr/bin/vee version
riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o run || fail "guest.c does not build"
expect 0 "run" "" root/usr/bin/vee-riscv64 run argv0
check "the manual" grep -q '^.TH VEE 1' root/usr/share/man/man1/vee-riscv64.1
check "the library" "${CC:-gcc}" "$top/examples/embed.c" -o installed -I root/usr/include -L root/usr/lib \
    $(sed -n 's/^Libs: *//p' root/usr/lib/pkgconfig/vee.pc | sed 's/-L[^ ]*//')
expect 1 "" "embed: nothing: no such file" ./installed nothing
check "again, over itself" make -s -C "$top" install DESTDIR="$PWD/root" PREFIX=/usr
check "somewhere else" make -s -C "$top" install PREFIX="$PWD/other"
check "there" other/bin/vee-riscv64 --version
