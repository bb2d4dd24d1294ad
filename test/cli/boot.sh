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
# The kernel of the demo.
check "examples/kernel builds" make -s -C "$here/../../examples/kernel" OUT="$PWD"
expect 0 "*paging is on?user mode says: the sum is 36?user mode ends, after 8 page faults" "" "$vee" boot -kernel Image
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
# A disk alone: what it needs. With a kernel it is one.
python3 - <<'END'
def make(name, size, *parts):
    data = bytearray(size)
    for at, text in parts:
        data[at:at + len(text)] = text
    open(name, "wb").write(data)
make("gpt.img", 65536, (0x200, b"EFI PART"))
make("ext4.img", 65536, (0x438, b"\x53\xef"))
make("iso.img", 65536, (0x8001, b"CD001"))
make("qcow2.img", 65536, (0, b"QFI\xfb"))
make("blank.img", 65536)
END
for disk in disk gpt ext4 iso qcow2 blank; do
    expect 125 "" "vee: $disk.img: a disk: to boot from it, give a kernel or firmware as well (-kernel FILE or -bios FILE)" "$vee" boot $disk.img
done
refused "blank.img: a blank disk, *" -kernel blank.img
expect 0 "$said ''*" "" "$vee" boot -kernel kernel blank.img
expect 0 "$said ''*" "" "$vee" boot -kernel kernel gpt.img

# ---- a device tree that is given
python3 - <<'END'
import struct
def tree(ram=0x80000000, size=64 << 20, hart=0, reg=None, extra=b"", chosen=True):
    names, offsets = b"", {}
    def prop(name, value):
        nonlocal names
        if name not in offsets:
            offsets[name] = len(names)
            names += name.encode() + b"\0"
        return struct.pack(">III", 3, len(value), offsets[name]) + value + b"\0" * (-len(value) % 4)
    def node(name, *parts):
        name = name.encode() + b"\0"
        return struct.pack(">I", 1) + name + b"\0" * (-len(name) % 4) + b"".join(parts) + struct.pack(">I", 2)
    cell = lambda n: struct.pack(">I", n)
    root = node("", prop("#address-cells", cell(2)), prop("#size-cells", cell(2)), prop("bootargs-not", b"x\0"),
                node("memory@0", prop("device_type", b"memory\0"), prop("reg", reg or struct.pack(">QQ", ram, size))),
                node("cpus", prop("#address-cells", cell(1)), prop("#size-cells", cell(0)),
                     node("cpu@0", prop("device_type", b"cpu\0"), prop("reg", cell(hart)))),
                *([node("chosen", prop("bootargs", b"from the tree\0"))] if chosen else []), extra) + struct.pack(">I", 9)
    at = 40 + 16
    return struct.pack(">10I", 0xd00dfeed, at + len(root) + len(names), at, at + len(root), 40, 17, 16, 0, len(names),
                       len(root)) + bytes(16) + root + names
def write(name, data):
    open(name, "wb").write(data)
good = tree()
write("good.dtb", good)
write("bare.dtb", tree(chosen=False))
write("short.dtb", good[:-8])
write("ram.dtb", tree(size=1 << 40))
write("below.dtb", tree(ram=0x1000))
write("wraps.dtb", tree(ram=0x80000000, size=2**64 - 4096))
write("cells.dtb", tree(reg=bytes(20)))
write("hart.dtb", tree(hart=1000))
write("deep.dtb", tree(extra=struct.pack(">I", 7)))
write("offset.dtb", good[:8] + struct.pack(">I", 0xfffffff0) + good[12:])
write("large.dtb", good + bytes(2 << 20))
END
expect 0 "$said 'from the tree', seeded" "" "$vee" boot -m 64 -kernel kernel -dtb good.dtb
expect 0 "$said 'mine', disk: contents of the disk, seeded" "" "$vee" boot -m 64 -kernel kernel -dtb good.dtb -append mine -initrd initrd
expect 0 "$said 'mine', seeded" "" "$vee" boot -m 64 -kernel kernel -dtb bare.dtb -append mine
refused "kernel: not a device tree (at offset 0)" -kernel kernel -dtb kernel
refused "empty: not a device tree (at offset 0)" -kernel kernel -dtb empty
refused "short.dtb: truncated: has * bytes of * (at offset 4)" -kernel kernel -dtb short.dtb
refused "ram.dtb: says at offset * that there are 0x10000000000 bytes of memory at 0x80000000, where the machine has none" \
    -m 64 -kernel kernel -dtb ram.dtb
refused "below.dtb: says at offset * that there are * bytes of memory at 0x1000, *" -m 64 -kernel kernel -dtb below.dtb
refused "wraps.dtb: says at offset * that there are * bytes of memory at *" -m 64 -kernel kernel -dtb wraps.dtb
refused "good.dtb: says at offset * that there are * bytes of memory at *" -m 32 -kernel kernel -dtb good.dtb
refused "cells.dtb: says at offset * that memory is at addresses of 2 and sizes of 2 cells, and other than so" -kernel kernel -dtb cells.dtb
refused "hart.dtb: says at offset * that there is a cpu 1000; the machine has 1 (-smp)" -kernel kernel -dtb hart.dtb
refused "deep.dtb: a damaged device tree, within its first * bytes: *" -kernel kernel -dtb deep.dtb
refused "offset.dtb: a damaged device tree, *" -kernel kernel -dtb offset.dtb
refused "large.dtb: larger than 1024 KiB, no device tree" -kernel kernel -dtb large.dtb
