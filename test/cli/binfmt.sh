# vee binfmt: the kernel starts programs by vee. In a user namespace, which has a binfmt_misc of its own (Linux 6.7 on), so
# nothing of this is seen outside.
needs riscv64-linux-gnu-gcc unshare || return
expect 125 "" "vee: binfmt: say register, unregister or status" "$vee" binfmt
expect 125 "" "vee: binfmt: say register, unregister or status" "$vee" binfmt frob
expect 125 "" "vee: binfmt: say register, unregister or status" "$vee" binfmt status x
# inside SCRIPT: as root of a namespace
printf '#!/bin/sh\nexport folder=/proc/sys/fs/binfmt_misc vee=%s\nexec unshare -Urm bash -c "$1"\n' "$vee" >inside
# own SCRIPT: with a binfmt_misc of its own
printf '#!/bin/sh\nexec ./inside "mount -t binfmt_misc none \\$folder; $1"\n' >own
chmod +x inside own
if ! ./inside 'mount -t tmpfs none $folder' 2>/dev/null; then return; fi # a container that allows no such thing
expect 125 "" "vee: binfmt_misc is not mounted: as root, mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc" \
    ./inside 'mount -t tmpfs none $folder; $vee binfmt status'
if ! ./inside 'mount -t binfmt_misc none $folder && echo ":x:E::xyz::/bin/true:" >$folder/register' 2>/dev/null; then return; fi
riscv64-linux-gnu-gcc -O2 -static "$here/guest.c" -o guest || fail "guest.c does not build"
riscv64-linux-gnu-gcc -O2 -static "$here/machine.c" -o machine || fail "machine.c does not build"
expect 1 "vee-riscv64: not registered" "" ./own '$vee binfmt status'
expect 0 "vee-riscv64: enabled, interpreter $vee, flags: POCF" "" ./own '$vee binfmt register && $vee binfmt status'
expect 0 "vee-riscv64: enabled, *" "" ./own '$vee binfmt register && $vee binfmt register && $vee binfmt status'
expect 1 "vee-riscv64: not registered" "" ./own '$vee binfmt register && $vee binfmt unregister && $vee binfmt status'
expect 0 "" "" ./own '$vee binfmt unregister'
expect 126 "" "*guest: *" ./own './guest args'
expect 0 "?./guest??args??a b????--tier?" "" ./own '$vee binfmt register; ./guest args "a b" "" --tier'
expect 0 "other" "" ./own '$vee binfmt register; exec -a other ./guest argv0'
expect 0 "riscv64 *" "" ./own '$vee binfmt register; VEE_TIER=interp ./machine exec ./machine'
# a program that nobody may read is given to vee open
expect 42 "" "" ./own '$vee binfmt register; cp guest unreadable; chmod 111 unreadable; ./unreadable exit 42'
# where there is no vee, and no /proc to find it by, programs are executed by programs all the same
if ldd "$vee" 2>&1 | grep -q 'statically linked'; then # sanitizers need libraries
    mkdir -p root && cp machine root/ && printf '#!/machine\n' >root/a-script && chmod +x root/a-script
    expect 0 "riscv64 *" "" ./own '$vee binfmt register; chroot root /machine'
    expect 0 "riscv64 *" "" ./own '$vee binfmt register; chroot root /machine exec /machine'
    expect 1 "" "/machine: Exec format error" ./own 'cp $vee root/vee; chroot root /vee /machine exec /machine'
fi
# a descriptor of the program is vee's, not the guest's
cat >descriptors.c <<'X2'
#include <fcntl.h>
int main(void) {
    for (int fd = 3; fd < 200; fd++)
        if (fcntl(fd, F_GETFD) >= 0) return fd;
    return 0;
}
X2
"${CC:-gcc}" -O2 descriptors.c -o native && riscv64-linux-gnu-gcc -O2 -static descriptors.c -o descriptors ||
    fail "descriptors.c does not build"
expect 0 "same" "" ./own '$vee binfmt register; ./native; n=$?; ./descriptors; [ $? = $n ] && echo same'
