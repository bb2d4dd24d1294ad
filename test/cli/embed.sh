# The library as an embedder sees it: examples/embed.c, linked with libvee.a and the public header only.
needs riscv64-linux-gnu-gcc "${CC:-gcc}" || return
root=$here/../.. build=$(dirname "$vee")
if ! "${CC:-gcc}" -Wall -Wextra -Werror -O2 -I "$root/include" "$root/examples/embed.c" -o embed "$build/libvee.a" \
    -lxxhash -lfdt -lz -lzstd -lpthread 2>log.txt; then
    if grep -q __asan log.txt; then return; fi # a sanitizer's library needs its own link
    fail "examples/embed.c does not build: $(head -n 5 log.txt)"
    return
fi
bare -o bare || fail "bare.S does not build"
check "no foreign symbol is exported" \
    test -z "$(nm -g --defined-only "$build/libvee.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' | grep -v '^vee_')"
check "the header stands alone in C" "${CC:-gcc}" -std=c99 -pedantic -Wall -Werror -fsyntax-only -x c "$root/include/vee/vee.h"
expect 0 "hello from the machine?after 300000 instructions: pc 0x*?after 600000 *?end 4, status 0, after 80* instructions" \
    "" ./embed bare 300000
./embed bare 300000 >three
"$vee" --digest-at 300000 bare 2>digest >/dev/null
check "the library and the program agree" grep -q "$(cut -d' ' -f3 digest)" three
./embed bare 150000 | grep -v ' 150000 \| 450000 \| 750000 ' >six
check "steps of another length pass through the same states" cmp three six
expect 1 "" "embed: nothing: no such file" ./embed nothing
