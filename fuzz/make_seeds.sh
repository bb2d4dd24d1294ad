#!/usr/bin/env bash
# Makes seeds for a fuzzer from what the tests have, where that is better than keeping them. usage: make_seeds.sh NAME FOLDER
#
# What the fuzzers put in front of their input themselves is cut off.
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$(realpath "$2")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

case $1 in
fuzz_wasm)
    for f in test/language/*.wast; do
        wast2json --enable-all "$f" -o "$scratch/$(basename "$f" .wast).json" 2>/dev/null
    done
    for f in test/language/programs/*.wat examples/*.wat; do
        wat2wasm "$f" -o "$scratch/$(basename "$f" .wat).wasm" 2>/dev/null
    done
    for seed in {1..20}; do
        python3 test/language/random_module.py "$seed" >"$scratch/random.wat" &&
            wat2wasm "$scratch/random.wat" -o "$scratch/random$seed.wasm"
    done
    for f in "$scratch"/*.wasm; do tail -c +9 "$f" >"$folder/$(basename "$f" .wasm)"; done
    ;;
fuzz_image)
    head -c 3000 /dev/urandom >"$scratch/flat"
    printf 'MZ\0\0' >"$folder/efi"
    { printf 'MZ\0\0\0\0\0\0'; head -c 8 /dev/zero; printf '\0\020\0\0\0\0\0\0'; head -c 24 /dev/zero; printf 'RISCV\0\0\0RSC\005'
        printf '\100\0\0\0PE\0\0dP\001\0'; head -c 36 /dev/zero; cat "$scratch/flat"; } >"$folder/flat"
    gzip -c "$folder/flat" >"$folder/gzip"
    zstd -qc "$folder/flat" >"$folder/zstd"
    for how in gzip zstd; do
        { printf 'MZ\0\0zimg\100\0\0\0\0\001\0\0\0\0\0\0\0\0\0\0%s' $how; head -c 36 /dev/zero; cat "$folder/$how"; } >"$folder/zboot$how"
    done
    printf '070701' >"$folder/cpio"
    ;;
fuzz_dtb)
    n=0
    for cells in "0 0x80000000 0 0x4000000" "0 0x80000000 0 0xffffffff"; do
        printf '/dts-v1/; /memreserve/ 0x80000000 0x1000; / { #address-cells = <2>; #size-cells = <2>; memory@0 { device_type = "memory"; reg = <%s>; };
            cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; reg = <0>; status = "okay"; }; };
            chosen { bootargs = "x"; }; };' "$cells" | dtc -q -I dts -O dtb -o "$folder/tree$((n += 1))" 2>/dev/null
    done
    ;;
fuzz_elf)
    echo 'int main(void) { return 0; }' >"$scratch/main.c"
    for options in -static "-nostdlib -static -Wl,-emain" "-nostdlib -static -Wl,-emain,-Ttext=0x80000000,-N"; do
        # shellcheck disable=SC2086
        riscv64-linux-gnu-gcc $options "$scratch/main.c" -o "$scratch/main" 2>/dev/null || continue
        tail -c +25 "$scratch/main" | head -c 4000 >"$folder/gcc$(echo "$options" | tr -dc a-z0-9)"
    done
    ;;
fuzz_devices)
    # Each device, with a chain of two pieces, direct or in a table, offered and taken a few times.
    python3 - "$folder" <<'END'
import sys
def descriptor(where, n, to, size, flags, link):
    return bytes([4, where, n, to[0], *to[1:], size, flags, link])
for card in (0, 1, 3, 4):
    for queue in range(2):
        for features in range(4):
            data, table = (4, 0x40, 0), (2, 0, 0)
            flags = 0 if card % 3 == 1 and queue else 2
            chain = [descriptor(queue, 0, data, 40, flags | 1, 1), descriptor(queue, 1, (4, 0x80, 0), 9, flags, 0)]
            if features & 1:
                chain = [descriptor(queue, 0, table, 32, 4, 0), descriptor(0x80, 0, data, 40, flags | 1, 1),
                         descriptor(0x80, 1, (4, 0x80, 0), 9, flags, 0)]
            seed = bytes([3, card, 3, features]) + b"".join(chain)
            for i in range(5):
                seed += bytes([5, queue | 7 << 1, 0, 6, card | queue << 7, 8, 0x10, 0x27, 0])
            with open(f"{sys.argv[1]}/{card}-{queue}-{features}", "wb") as f:
                f.write(seed + bytes([6, card, 1, card, 0x42, 0x44, 0]))
# Disks: a header, data, a status; each type of request.
def ram(at, values):
    return bytes([7, 4, at, 0, len(values)]) + values
def wide(n, at, size, flags, link):
    return bytes([4, 0, n, 4, at, 1, 0]) + size.to_bytes(4, "little") + bytes([flags, link])
for card in (2, 5):
    for kind in (0, 1, 4, 8, 11, 13, 99):
        seed = bytes([3, card, 7, 3]) + ram(0, kind.to_bytes(8, "little") + bytes([3] + 7 * [0]))
        seed += ram(16, bytes([5] + 7 * [0] + [4, 0, 0, 0, kind == 13, 0, 0, 0]))
        seed += bytes([4, 0, 0, 4, 0, 0, 1, 1, 1, 1])
        data = 1024 if kind < 4 else 32
        seed += wide(1, 0, data, 1 if kind in (1, 11, 13) else 3, 2) + wide(2, 0x80, 1, 2, 0)
        for _ in range(3):
            seed += bytes([5, 7 << 1, 0, 6, card, 8, 0x10, 0x27, 0])
        with open(f"{sys.argv[1]}/disk-{card}-{kind}", "wb") as f:
            f.write(seed)
END
    ;;
esac
