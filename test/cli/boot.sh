# vee boot: kernels of every format, RAM disks, firmware; and files that lie.
needs riscv64-linux-gnu-gcc riscv64-linux-gnu-objcopy python3 zstd || return
build() { # build OUT ADDRESS FLAGS...
    local out=$1 at=$2
    shift 2
    riscv64-linux-gnu-gcc -O2 -Wall -Wextra -Werror -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -ffreestanding \
        -fno-pie -fno-stack-protector -nostdlib -static -no-pie -Wl,-n,--no-warn-rwx-segments,--build-id=none \
        "-Wl,-Ttext=$at" "$@" -o "$out" "$here/kernel.c" &&
        riscv64-linux-gnu-objcopy -O binary "$out" "$out.bin"
}
if ! build kernel 0x80200000 || ! build machine 0x80000000 -DMACHINE; then
    fail "kernel.c does not build"
    return
fi
gzip -kn kernel.bin && zstd -q kernel.bin && gzip -kn kernel
# An EFI program around it, as Linux makes them: "MZ", "zimg", where the packed kernel is, and by what it is packed.
zboot() { # zboot OUT PACKED HOW
    python3 - "$@" <<'END'
import struct, sys
out, packed, how = sys.argv[1:]
data = open(packed, "rb").read()
head = b"MZ\0\0zimg" + struct.pack("<II8x32s", 4096, len(data), how.encode())
open(out, "wb").write(head.ljust(4096, b"\0") + data)
END
}
zboot zboot.gz kernel.bin.gz gzip && zboot zboot.zst kernel.bin.zst zstd22 && zboot zboot.xz kernel.bin.gz xzkern
printf 'contents of the disk' >initrd
said="kernel on hart 0, told"
for kernel in kernel kernel.gz kernel.bin kernel.bin.gz kernel.bin.zst zboot.gz zboot.zst; do
    expect 0 "$said 'a=b c'*" "" "$vee" boot -kernel $kernel -append "a=b c"
    expect 0 "$said '', disk: contents of the disk, seeded" "" "$vee" boot -m 64 -initrd initrd -kernel $kernel
done
# A file that says that it is a kernel needs no -kernel, and no verb.
expect 0 "$said ''*" "" "$vee" kernel.bin
expect 0 "$said 'x'*" "" "$vee" boot kernel.bin.gz -append x
expect 0 "$said 'x'*" "" "$vee" boot -nographic -bios default -kernel kernel.bin -append x
for tier in interp baseline; do
    expect 0 "$said '', disk: contents of the disk, seeded" "" "$vee" boot --tier $tier -kernel kernel.bin -initrd initrd
done
# Without firmware a kernel is the machine's first program.
expect 0 "$said ''*" "" "$vee" boot -bios none -kernel machine
expect 0 "$said ''*" "" "$vee" boot -bios none -kernel machine.bin
expect 0 "$said ''*" "" "$vee" machine

# ---- what cannot be: one line, 126, nothing is run
refused() { # refused TEXT OPTION...
    local text=$1
    shift
    expect 126 "" "vee: $text" "$vee" boot "$@"
}
expect 127 "" "vee: nothing: No such file or directory" "$vee" boot -kernel nothing
expect 127 "" "vee: nothing: No such file or directory" "$vee" boot -kernel kernel -initrd nothing
: >empty
refused "empty: is empty" -kernel empty
refused ".: not a file" -kernel .
size=$(stat -c %s kernel.bin)
for packed in kernel.bin.gz kernel.bin.zst; do
    head -c 100 $packed >short
    refused "short: ends at offset 100 in the middle of compressed data" -kernel short
    python3 -c 'import sys; d = bytearray(open(sys.argv[1], "rb").read()); d[60:90] = bytes(30); open("damaged", "wb").write(d)' $packed
    refused "damaged: *at offset *" -kernel damaged
done
head -c 4200 zboot.gz >short
refused "short: truncated: has 4200 bytes, a kernel of * bytes is at 4096 (at offset 8)" -kernel short
refused "zboot.xz: its kernel is packed by 'xzkern', which is not gzip or zstd (at offset 24)" -kernel zboot.xz
head -c 64M /dev/zero | gzip -1 >bomb.gz
head -c 64M /dev/zero | zstd -q >bomb.zst
refused "bomb.gz: more than 32 MiB come of it when it is unpacked*" -m 32 -kernel bomb.gz
refused "bomb.zst: more than 32 MiB come of it when it is unpacked*" -m 32 -kernel bomb.zst
cp kernel.bin nest
for i in 1 2 3 4 5; do gzip -c nest >nest.gz && mv nest.gz nest; done
refused "nest, unpacked: packed too often*" -kernel nest
truncate -s 40M disk
refused "disk: 40960 KiB do not fit into the machine's memory of 32768 KiB beside the kernel, which ends at 0x*" \
    -m 32 -kernel kernel -initrd disk
refused "kernel.bin: takes * KiB at 0x80200000: larger than the machine's memory of 2048 KiB (-m)" -m 2 -kernel kernel.bin
refused "kernel: segment * outside *" -m 2 -kernel kernel
# A header that wants more memory than there is, or more than there can be.
python3 - <<'END'
import struct
d = bytearray(open("kernel.bin", "rb").read())
for name, size in ("large", 1 << 30), ("largest", 2**64 - 1):
    d[16:24] = struct.pack("<Q", size)
    open(name, "wb").write(d)
# A program of EFI's that is as long as its section says, and one that has lost its end.
d[16:24] = struct.pack("<Q", len(d) + 65536)
d[0:2] = b"MZ"
d[60:64] = struct.pack("<I", 64)
d[64:88] = b"PE\0\0" + struct.pack("<HH12xHH", 0x5064, 1, 0, 0)
d[88:128] = struct.pack("<8sIIII16x", b".data", 1, 1, 65536, 4096)
open("efi", "wb").write(d)
END
refused "large: takes 1048576 KiB at 0x80200000*" -kernel large
refused "largest: takes * KiB at 0x80200000*" -kernel largest
refused "efi: truncated: has * bytes of 69632 (section at offset 88)" -kernel efi
# Other things than kernels.
printf '070701' >cpio
refused "cpio: a cpio archive: give it as -initrd (at offset 0)" -kernel cpio
python3 -c 'd = bytearray(1024); d[0x202:0x206] = b"HdrS"; d[510:512] = b"\x55\xaa"; open("other", "wb").write(d)'
refused "other: a kernel for another kind of computer (at offset 514)" -kernel other
python3 -c 'd = bytearray(1024); d[510:512] = b"\x55\xaa"; open("disk.img", "wb").write(d)'
refused "disk.img: a disk image*" -kernel disk.img
