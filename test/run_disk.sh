#!/usr/bin/env bash
# Disks of machines, from the guest's side to the file: the programs of test/machine/disk on images of every kind.
#
#   run_disk.sh VEE [vee options...]
#
# check.c does what a disk can do; full.c fills a host's disk that is too small; writer.c keeps a journal, of which crash.py
# then looks at what a power failure would have left at each moment, with faults that are planted and must be found.
# Variables: ONLY (a shell pattern of: check snapshot readonly full crash), IMAGES (for crash.py: at each flush, 10), CROSS.
set -u
[ $# -ge 1 ] || { echo "usage: run_disk.sh VEE [options...]" >&2; exit 2; }
vee=("$(realpath "$1")" "${@:2}")
cd "$(dirname "$0")/machine/disk" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
image=$work/image size=1048576
flags="-O2 -g -Wall -Wextra -Werror -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pie
    -fno-stack-protector -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
passed=0 failed=0

# that WHAT COMMAND...: the command succeeds; its output, if there is some, is kept
that() {
    local what=$1
    shift
    "$@" >"$work/now" 2>&1
    local status=$?
    if [ $status = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "--- $what: status $status: $(tail -n 3 "$work/now")"
    fi
    if [ -s "$work/now" ]; then mv "$work/now" "$work/output"; fi
}
fails() { ! "$@"; }

for name in check full writer; do
    # shellcheck disable=SC2086
    ${CROSS:-riscv64-linux-gnu-gcc} $flags -T ../bare/link.ld -o "$work/$name" ../bare/start.S ../bare/bare.c disk.c $name.c ||
        { echo "--- $name: does not build"; exit 1; }
done

fresh() { rm -f "$image" "$work/log" && truncate -s "${1:-$size}" "$image"; }

# run PROGRAM DRIVE OPTIONS...: with the image as its disk
run() { timeout -k 1 60 "${vee[@]}" "${@:3}" --device virtio-blk-device,drive=d --drive "if=none,id=d,format=raw,file=$image$2" "$work/$1"; }

only() { [[ $1 == ${ONLY:-*} ]]; }

if only check; then
    for cache in writeback none writethrough directsync unsafe; do
        fresh
        that "check, $cache" run check ",cache=$cache,discard=unmap"
        sum=$(sha256sum <"$image")
        fresh
        that "check, $cache, disturbed" run check ",cache=$cache,discard=unmap" --disturb
        [ "$(sha256sum <"$image")" = "$sum" ] || that "check, $cache: the image is another one" false
    done
    fresh $((size - 77))
    that "check, odd size" run check ""
fi

if only snapshot; then
    fresh
    echo text >"$image.text" && dd if="$image.text" of="$image" conv=notrunc status=none
    sum=$(sha256sum <"$image")
    that "check, snapshot" run check ",snapshot=on"
    that "check, snapshot, disturbed" run check ",snapshot=on" --disturb
    that "snapshot: the image is as it was" [ "$(sha256sum <"$image")" = "$sum" ]
fi

if only readonly; then
    fresh
    chmod 400 "$image"
    that "check, read-only" run check ",readonly=on,serial=read-only"
fi

# The host's room: a limit of the process, and, where that may be made, a file system of its own.
fill() { (
    trap '' XFSZ
    ulimit -f $((size / 2 / 1024)) && run full "$@"
); }
fill_tmpfs() {
    # shellcheck disable=SC2016
    unshare -rm bash -c 'mount -t tmpfs -o size=512k none "$1" && truncate -s 1M "$1/image" && shift && "$@"' - "$work/small" timeout 60 "${vee[@]}" \
        --device virtio-blk-device,drive=d --drive "if=none,id=d,format=raw,file=$work/small/image" "$work/full"
}
if only full; then
    fresh
    that "full" fill ""
    that "full: says where" grep -q "full after 0*10$" "$work/output"
    mkdir "$work/small"
    if unshare -rm mount -t tmpfs none "$work/small" 2>/dev/null; then that "full, a file system" fill_tmpfs; fi
fi

if only crash; then
    for how in "" ",cache=none" ",discard=unmap"; do
        fresh
        that "writer$how" run writer "$how,log=$work/log"
        that "crash$how" ./crash.py "$work/log" $size --images "${IMAGES:-10}"
        that "crash$how: at every flush" grep -q '^120 flushes' "$work/output"
    done
    that "a flush that is lost is found" fails ./crash.py "$work/log" $size --images 5 --plant lost-flush
    that "a write that is lost is found" fails ./crash.py "$work/log" $size --images 5 --plant lost-write
    fresh
    that "writer, unsafe" run writer ",cache=unsafe,log=$work/log"
    that "what is not flushed is noticed" fails ./crash.py "$work/log" $size --images 1
fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]
